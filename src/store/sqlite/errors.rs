//! SQLite's result codes as the store's errors.

use crate::store::error::StoreError;

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const CONSTRAINT: i32 = 19;
const NOTADB: i32 = 26;
const IOERR_WRITE: i32 = 778;
const IOERR_SHMSIZE: i32 = 4874;
const CONSTRAINT_UNIQUE: i32 = 2067;
const CONSTRAINT_PRIMARYKEY: i32 = 1555;
const CONSTRAINT_TRIGGER: i32 = 1811;

/// The store's error for one of sqlx's; `place` says what was being read or written.
pub(super) fn of(error: &sqlx::Error, place: &'static str) -> StoreError {
    let sqlx::Error::Database(db) = error else {
        return match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                StoreError::Unavailable { retry_after_s: 5 }
            }
            sqlx::Error::Io(e) if e.kind() == std::io::ErrorKind::StorageFull => StoreError::Full,
            _ => StoreError::Internal { code: format!("{place}: sqlx") },
        };
    };
    of_code(db.code().and_then(|c| c.parse().ok()).unwrap_or(1), place)
}

/// The store's error for an (extended) result code.
pub(super) fn of_code(code: i32, place: &'static str) -> StoreError {
    let constraint = |what: &str| StoreError::Constraint { layer: place, id: String::new(), what: what.to_owned() };
    match code {
        IOERR_WRITE | IOERR_SHMSIZE => return StoreError::Full,
        CONSTRAINT_UNIQUE | CONSTRAINT_PRIMARYKEY => return constraint("编号已存在 / the id is there already"),
        CONSTRAINT_TRIGGER => return constraint("被触发器拒绝 / refused by a trigger"),
        _ => {}
    }
    match code & 0xff {
        BUSY | LOCKED => StoreError::Busy { holder: "其他程序 / another program".to_owned() },
        READONLY => StoreError::Forbidden { role: "read-only", operation: "写入 / write" },
        CORRUPT => StoreError::decoding(place, "数据页损坏 / damaged page"),
        NOTADB => StoreError::decoding(place, "不是数据库文件 / not a database file"),
        FULL => StoreError::Full,
        CANTOPEN => StoreError::Unavailable { retry_after_s: 5 },
        CONSTRAINT => constraint("违反约束 / breaks a constraint"),
        _ => StoreError::Internal { code: format!("{place}: sqlite {code}") },
    }
}
