//! What can be wrong with a file: what, where, what to do; all rows at once, up to a limit.

/// One faulty row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Line in the file, header included, from 1.
    pub line: u64,
    /// Stable word for the fault.
    pub code: &'static str,
    /// What is wrong and what to do, Chinese then English.
    pub message: String,
}

/// A file that cannot be used; nothing of it was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("{file}：无法读取（{reason}）\n{file}: cannot be read ({reason})")]
    Unreadable {
        /// File.
        file: String,
        /// The system's words.
        reason: String,
    },
    /// Neither UTF-8 nor GB18030.
    #[error(
        "{file}：编码既不是 UTF-8 也不是 GB18030，请在 Excel 中另存为“CSV UTF-8”\n{file}: encoding: neither UTF-8 nor GB18030; save it as \"CSV UTF-8\""
    )]
    Encoding {
        /// File.
        file: String,
    },
    /// There is no header at all.
    #[error(
        "{file}：文件是空的，需要表头 id,x,y,building 或 id,lon,lat,building\n{file}: empty_file: a header id,x,y,building or id,lon,lat,building is needed"
    )]
    Empty {
        /// File.
        file: String,
    },
    /// A needed column is absent.
    #[error("{file}：缺少列 {column}（已有：{found}）\n{file}: missing_column {column} (found: {found})")]
    MissingColumn {
        /// File.
        file: String,
        /// Column.
        column: String,
        /// Columns there are.
        found: String,
    },
    /// The file's kind is not known.
    #[error("{file}：不支持的格式；可用 CSV（.csv、.txt、-）\n{file}: unknown_format: use CSV (.csv, .txt, -)")]
    UnknownFormat {
        /// File.
        file: String,
    },
    /// Faulty rows.
    #[error("{file}：{total} 处错误，未读入任何数据 / {total} faults, nothing was read\n{}", list(.faults))]
    Rows {
        /// File.
        file: String,
        /// The first faults.
        faults: Vec<RowFault>,
        /// How many there are.
        total: usize,
    },
}

fn list(faults: &[RowFault]) -> String {
    faults
        .iter()
        .map(|f| format!("  第 {0} 行 line {0} [{1}] {2}", f.line, f.code, f.message))
        .collect::<Vec<_>>()
        .join("\n")
}
