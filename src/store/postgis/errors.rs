//! PostgreSQL's SQLSTATEs as the store's errors.

use crate::store::error::StoreError;

/// Seconds after which a server that went away is asked again.
const RETRY_AFTER_S: u32 = 5;

/// The store's error for one of sqlx's; `place` says what was being read or written.
pub(super) fn of(error: &sqlx::Error, place: &'static str) -> StoreError {
    let unavailable = StoreError::Unavailable { retry_after_s: RETRY_AFTER_S };
    let sqlx::Error::Database(db) = error else {
        return match error {
            sqlx::Error::Configuration(_) => {
                StoreError::BadArgument { name: "store", what: "postgres:// 地址无效 / bad address".to_owned() }
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                unavailable
            }
            // the connection was cut in the middle of an answer
            sqlx::Error::Protocol(_) => unavailable,
            _ => StoreError::Internal { code: format!("{place}: sqlx") },
        };
    };
    let state = db.code().unwrap_or_default().into_owned();
    let constraint = |what: &str| StoreError::Constraint { layer: place, id: String::new(), what: what.to_owned() };
    match state.as_str() {
        "23505" => constraint("编号已存在 / the id is there already"),
        "LH001" => constraint("被触发器拒绝 / refused by a trigger"),
        "53100" => StoreError::Full,
        "XX001" | "XX002" => StoreError::decoding(place, "数据页损坏 / damaged page"),
        // serialization, deadlock, lock not available, statement timeout, read-only standby
        "40001" | "40P01" | "55P03" | "57014" | "25006" => unavailable,
        "42501" => StoreError::Forbidden {
            role: "postgres",
            operation: "数据库权限不足 / missing rights in the database",
        },
        "3D000" | "28P01" | "28000" => {
            let what = "数据库不存在或登录被拒 / no such database, or the login was refused".to_owned();
            StoreError::BadArgument { name: "store", what }
        }
        // as text, and within JSON
        "22021" | "22P05" => {
            StoreError::BadArgument { name: "text", what: "文字含 NUL / the text holds NUL".to_owned() }
        }
        _ => match state.get(..2) {
            Some("23") => constraint("违反约束 / breaks a constraint"),
            // connection, resources, operator's intervention (shutdown)
            Some("08" | "53" | "57") => unavailable,
            _ => StoreError::Internal { code: format!("{place}: {state}") },
        },
    }
}
