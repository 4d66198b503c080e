//! What can go wrong with the register, in words for people; internal texts of an engine never come through.

use crate::domain::io_words::halves;

/// The store's errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Written by a newer version of the program.
    #[error(
        "库的结构版本为 {found}，本程序只认识到 {known}：请升级程序\n\
         the store has schema version {found}, this program knows up to {known}: use a newer program"
    )]
    Newer {
        /// Version found.
        found: u32,
        /// Newest version this program knows.
        known: u32,
    },
    /// Older than this program, and it was opened for reading only.
    #[error(
        "库的结构版本为 {found}，本程序需要 {known}：请先运行 migrate（会先备份）\n\
         the store has schema version {found}, this program wants {known}: run migrate first (it makes a backup)"
    )]
    Older {
        /// Version found.
        found: u32,
        /// Version wanted.
        known: u32,
    },
    /// Somebody else is writing.
    #[error("库正在被另一个程序写入：{holder}\nthe store is being written by another program: {holder}")]
    Busy {
        /// Who, as far as known.
        holder: String,
    },
    /// Others changed what an edit was based on.
    #[error("{}", changed(.grids, .author, .time, *.current_version))]
    Conflict {
        /// Codes of the grids; for a plan as a whole, empty.
        grids: Vec<String>,
        /// Who changed them last; of a plan as a whole, the plan that is in force instead, or nothing.
        author: String,
        /// When.
        time: String,
        /// Version of the plan (or row) now.
        current_version: u64,
        /// The later edit in the plan's history, where one is to blame.
        edit: Option<u64>,
    },
    /// There is no such thing, or not within this scope.
    #[error("没有{}：{id}\nno such {}: {id}", halves(.what).0, halves(.what).1)]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The role may not do this.
    #[error("角色 {role} 不能执行：{operation}\nthe role {role} may not: {operation}")]
    Forbidden {
        /// The role.
        role: &'static str,
        /// What was tried.
        operation: &'static str,
    },
    /// Bytes are not what was written.
    #[error("库已损坏：{place}：{}\nthe store is damaged: {place}: {}", halves(.what).0, halves(.what).1)]
    Corrupt {
        /// What is wrong.
        what: String,
        /// Where: file, page, table, row.
        place: String,
    },
    /// No space left.
    #[error("存储空间已满：请释放空间后重试\nno space left on the store's disk: free some and try again")]
    Full,
    /// The engine cannot be reached now.
    #[error(
        "库暂时不可用，请 {retry_after_s} 秒后重试\nthe store is not available now, try again in {retry_after_s} s"
    )]
    Unavailable {
        /// When to try again, seconds.
        retry_after_s: u32,
    },
    /// A row that breaks a rule of the register.
    #[error("{layer} {id}：{what}")]
    Constraint {
        /// Layer of the row.
        layer: &'static str,
        /// Its id.
        id: String,
        /// The rule, Chinese / English.
        what: String,
    },
    /// A filter this layer cannot do; never answered without it.
    #[error("{layer} 不支持过滤条件 {filter}\n{layer} cannot be filtered by {filter}")]
    Unsupported {
        /// The layer.
        layer: &'static str,
        /// The filter.
        filter: &'static str,
    },
    /// An idempotency key came again with another request.
    #[error("幂等键 {key} 已用于另一个请求\nthe idempotency key {key} was used for another request")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// An argument that means nothing.
    #[error("参数 {name} 无效：{}\nbad {name}: {}", halves(.what).0, halves(.what).1)]
    BadArgument {
        /// Which.
        name: &'static str,
        /// Why.
        what: String,
    },
    /// A file beside the store could not be read or written.
    #[error("{path}：{}\n{path}: {}", halves(.what).0, halves(.what).1)]
    File {
        /// The file.
        path: String,
        /// What the system says.
        what: String,
    },
    /// The caller asked to stop; nothing was changed.
    #[error("已取消，库未改变\ncancelled, the store is as it was")]
    Cancelled,
    /// The statement itself failed: a fault of this program.
    #[error("内部错误（{code}），请报告\ninternal error ({code}), please report it")]
    Internal {
        /// The engine's code.
        code: String,
    },
}

impl StoreError {
    /// Exit code of the command line for this error (CONTRACT.md).
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Newer { .. } | Self::Older { .. } | Self::Busy { .. } | Self::Unavailable { .. } => 4,
            Self::Cancelled => 130,
            Self::BadArgument { .. } | Self::Unsupported { .. } => 2,
            _ => 3,
        }
    }

    /// A row that cannot be decoded.
    pub(super) fn decoding(place: &str, what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into(), place: place.to_owned() }
    }
}

/// Why the plan layer would not have an edit: its own words, carried through unread.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For people.
    pub message: String,
    /// For programs: rule, ids, what to do first.
    pub detail: serde_json::Value,
}

/// Why a plan was not changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TransactError {
    /// The store's reason.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan layer's reason; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What a conflict says: nobody is named where nobody is known.
fn changed(grids: &[String], author: &str, time: &str, version: u64) -> String {
    if !grids.is_empty() {
        return format!(
            "网格 {} 已于 {time} 被 {author} 修改（当前版本 {version}）\n\
             grids {} were changed by {author} at {time} (version now {version})",
            grids.join("、"),
            grids.join(", ")
        );
    }
    if author.is_empty() {
        return format!(
            "您所见的内容之后又有修改（当前版本 {version}），请重新读取\n\
             it was changed after you looked at it (version now {version}): read it again"
        );
    }
    format!(
        "现行方案已换成 {author}（自 {time} 起生效），请重新检查后再试\n\
         another plan is in force now: {author}, from {time}; check again before you go on"
    )
}

#[cfg(test)]
mod tests {
    use super::StoreError;

    #[test]
    fn a_conflict_names_only_what_is_known() {
        let said = |grids: &[&str], author: &str| {
            let grids = grids.iter().map(|g| (*g).to_owned()).collect();
            let (author, time) = (author.to_owned(), "2026-03-01".to_owned());
            StoreError::Conflict { grids, author, time, current_version: 7, edit: None }.to_string()
        };
        assert!(said(&["520423102001001"], "u-1").starts_with("网格 520423102001001 已于 2026-03-01 被 u-1 修改"));
        assert!(said(&[], "").starts_with("您所见的内容之后又有修改（当前版本 7）"));
        assert!(said(&[], "p-2").starts_with("现行方案已换成 p-2（自 2026-03-01 起生效）"));
    }
}
