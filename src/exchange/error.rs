//! What can be wrong with a file: what, where, what to do; all rows at once, up to a limit.

use crate::domain::io_words::{IoWords, words_of_reading};

use super::source::Format;

/// Faults listed in one answer; the others are only counted.
const FAULTS_LISTED: usize = 50;

/// What the rows of a file are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowKind {
    /// Lines of a text file, header included.
    #[default]
    Line,
    /// Features of a geographic layer.
    Feature,
}

impl RowKind {
    /// "第 3 行" or "第 3 个要素".
    pub(super) fn chinese(self, number: u64) -> String {
        match self {
            Self::Line => format!("第 {number} 行"),
            Self::Feature => format!("第 {number} 个要素"),
        }
    }

    /// "line 3" or "feature 3".
    pub(super) fn english(self, number: u64) -> String {
        match self {
            Self::Line => format!("line {number}"),
            Self::Feature => format!("feature {number}"),
        }
    }
}

/// One faulty row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Line in the file, header included, or number of the feature, from 1.
    pub line: u64,
    /// The row's own id, where it is not plain from the line.
    pub id: Option<String>,
    /// Stable word for the fault.
    pub code: &'static str,
    /// What is wrong and what to do, Chinese then English.
    pub message: String,
}

/// A code and words, before the row is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable word for the fault.
    pub code: &'static str,
    /// What is wrong and what to do, Chinese then English.
    pub message: String,
    /// The field of the layer that is at fault, where it is one.
    pub field: Option<&'static str>,
}

impl Fault {
    /// A fault of this code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// The same, of a field.
    #[must_use]
    pub fn of(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }
}

/// The faults of a file, the first of them in full.
#[derive(Default)]
pub(super) struct Faults {
    list: Vec<RowFault>,
    total: usize,
}

impl Faults {
    pub(super) fn push(&mut self, line: u64, code: &'static str, message: impl FnOnce() -> String) {
        self.push_of(line, None, code, message);
    }

    pub(super) fn push_of(
        &mut self,
        line: u64,
        id: Option<&str>,
        code: &'static str,
        message: impl FnOnce() -> String,
    ) {
        self.total += 1;
        if self.list.len() < FAULTS_LISTED {
            let id = id.map(|t| t.chars().take(40).collect());
            self.list.push(RowFault { line, id, code, message: message() });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// An error when there is any fault.
    pub(super) fn into_result(self, file: &str, kind: RowKind) -> Result<(), ReadError> {
        if self.total == 0 {
            return Ok(());
        }
        Err(ReadError::Rows { file: file.to_owned(), kind, faults: self.list, total: self.total })
    }
}

/// A file that cannot be used; nothing of it was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("{file}：无法读取：{chinese}\n{file}: cannot be read: {english}")]
    Unreadable {
        /// File.
        file: String,
        /// Why, in Chinese.
        chinese: String,
        /// Why, in English, with the system's own words.
        english: String,
    },
    /// Neither UTF-8 nor GB18030.
    #[error(
        "{file}：编码既不是 UTF-8 也不是 GB18030，请在 Excel 中另存为“CSV UTF-8”\n{file}: encoding: neither UTF-8 nor GB18030; save it as \"CSV UTF-8\""
    )]
    Encoding {
        /// File.
        file: String,
    },
    /// There is nothing at all in it, no header either.
    #[error(
        "{file}：文件是空的，请重新导出{}\n{file}: empty_file: there is nothing in it; export it again{}",
        .header.as_ref().map_or(String::new(), |h| format!("；第一行应为表头，如 {}", h.0)),
        .header.as_ref().map_or(String::new(), |h| format!("; its first line is a header such as {}", h.1))
    )]
    Empty {
        /// File.
        file: String,
        /// The least header of what was to be read, with Chinese and with English names.
        header: Option<(String, String)>,
    },
    /// A needed column is absent.
    #[error(
        "{file}：缺少列 {column}{}（已有：{found}）\n{file}: missing_column {column}{} (found: {found})",
        also(.accepted, "，也可叫 "), also(.accepted, ", which may also be called ")
    )]
    MissingColumn {
        /// File.
        file: String,
        /// Column.
        column: String,
        /// Other names it may have.
        accepted: Vec<String>,
        /// Columns there are.
        found: String,
    },
    /// The file's kind is not known.
    #[error("{file}：不支持的格式；可用 {accepted}\n{file}: unknown_format: use {accepted}")]
    UnknownFormat {
        /// File.
        file: String,
        /// What can be read in its place.
        accepted: &'static str,
    },
    /// A JSON document that is broken, too deep, or no GeoJSON. Codes: `json_syntax`, `json_depth`, `not_geojson`.
    #[error(
        "{file}：第 {line} 行第 {column} 列（字节 {byte}）{chinese}\n{file}: {code} at line {line}, column {column} (byte {byte}): {english}"
    )]
    Json {
        /// File.
        file: String,
        /// Stable word for the fault.
        code: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1 (0 before the first byte of a line); of TOML in characters.
        column: usize,
        /// Bytes before the fault, counted after a byte order mark.
        byte: usize,
        /// What is wrong, in Chinese.
        chinese: String,
        /// What is wrong, in English.
        english: String,
    },
    /// A binary file that is cut, damaged or not of the format its name says; also one whose parser broke down.
    #[error(
        "{file}：文件已损坏或格式与扩展名不符（{reason}）；请重新导出\n{file}: corrupt_file: damaged, or not of the format its name says ({reason}); export it again"
    )]
    Corrupt {
        /// File.
        file: String,
        /// What did not fit.
        reason: String,
    },
    /// No layer, several, or not the one that was asked for.
    #[error(
        "{file}：{}；已有图层：{}\n{file}: {}; layers: {}",
        .asked.as_ref().map_or("请用 --layer（导入时用 --sheet）指明图层".to_owned(), |a| format!("没有图层“{a}”")),
        .found.join("、"),
        .asked.as_ref().map_or("name the layer with --layer (--sheet of an import)".to_owned(), |a| format!("unknown_layer \"{a}\"")),
        .found.join(", ")
    )]
    Layer {
        /// File.
        file: String,
        /// The layer asked for, if any.
        asked: Option<String>,
        /// Feature layers there are.
        found: Vec<String>,
    },
    /// `--layer` for a file that has no layers.
    #[error(
        "{file}：--layer {layer} 只用于 GeoPackage（.gpkg），CSV 和 GeoJSON 没有图层：请去掉 --layer 或改用 .gpkg\n{file}: layer_without_use: --layer {layer} is for a GeoPackage (.gpkg); CSV and GeoJSON have no layers: leave --layer out or give the .gpkg"
    )]
    LayerWithoutUse {
        /// File.
        file: String,
        /// The layer asked for.
        layer: String,
    },
    /// A reference system that is not converted.
    #[error(
        "{file}：不支持坐标系 {system}；可用 EPSG:4326、4490、4513–4554，或用 --crs 指明\n{file}: unknown_crs {system}: EPSG:4326, 4490 and 4513–4554 are read; or say what it is with --crs"
    )]
    ReferenceSystem {
        /// File.
        file: String,
        /// Its name, as `EPSG:3857`.
        system: String,
    },
    /// More than the gate lets through, or a name in an archive that would leave it. Codes: `too_large`, `decompressed_too_large`,
    /// `too_many_entries`, `too_many_columns`, `too_many_cells`, `record_too_long`, `unsafe_name`, `encrypted`, `json_depth`.
    #[error("{file}：{chinese}\n{file}: {code}: {english}")]
    Limit {
        /// File.
        file: String,
        /// Stable word for the fault.
        code: &'static str,
        /// What is too much, in Chinese.
        chinese: String,
        /// What is too much, in English.
        english: String,
    },
    /// Faulty rows.
    #[error("{file}：{total} 处错误，未读入任何数据 / {total} faults, nothing was read\n{}", list(*.kind, .faults, *.total))]
    Rows {
        /// File.
        file: String,
        /// What its rows are.
        kind: RowKind,
        /// The first faults.
        faults: Vec<RowFault>,
        /// How many there are.
        total: usize,
    },
}

impl ReadError {
    /// Whether the command line is at fault and not the file.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::LayerWithoutUse { .. })
    }

    pub(super) fn unreadable(file: &str, e: &std::io::Error) -> Self {
        let IoWords { chinese, english } = words_of_reading(e);
        Self::Unreadable { file: file.to_owned(), chinese, english }
    }

    /// There is nothing in a file.
    pub(super) fn empty(file: &str) -> Self {
        Self::Empty { file: file.to_owned(), header: None }
    }

    /// Says of an empty table which header it should begin with, with Chinese and with English names.
    #[must_use]
    pub fn needing(self, chinese: &str, english: &str) -> Self {
        match self {
            Self::Empty { file, .. } if matches!(Format::of_path(&file), Format::Csv | Format::Xlsx) => {
                Self::Empty { file, header: Some((chinese.to_owned(), english.to_owned())) }
            }
            other => other,
        }
    }

    pub(super) fn limit(file: &str, code: &'static str, chinese: String, english: String) -> Self {
        Self::Limit { file: file.to_owned(), code, chinese, english }
    }

    pub(super) fn corrupt(file: &str, reason: impl Into<String>) -> Self {
        let reason = reason.into().chars().take(200).collect();
        Self::Corrupt { file: file.to_owned(), reason }
    }

    /// The stable word for what is wrong; that of the first fault where rows are faulty.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::Encoding { .. } => "encoding",
            Self::Empty { .. } => "empty_file",
            Self::MissingColumn { .. } => "missing_column",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::Json { code, .. } | Self::Limit { code, .. } => code,
            Self::Corrupt { .. } => "corrupt_file",
            Self::Layer { .. } => "unknown_layer",
            Self::LayerWithoutUse { .. } => "layer_without_use",
            Self::ReferenceSystem { .. } => "unknown_crs",
            Self::Rows { faults, .. } => faults.first().map_or("rows", |f| f.code),
        }
    }
}

fn also(names: &[String], begin: &str) -> String {
    if names.is_empty() { String::new() } else { format!("{begin}{}", names.join("、")) }
}

fn list(kind: RowKind, faults: &[RowFault], total: usize) -> String {
    let mut lines: Vec<String> = faults
        .iter()
        .map(|f| {
            let id = f.id.as_ref().map_or(String::new(), |id| format!(" “{id}”"));
            format!("  {} {}{id} [{}] {}", kind.chinese(f.line), kind.english(f.line), f.code, f.message)
        })
        .collect();
    if total > faults.len() {
        lines.push(format!("  …（还有 {0} 处 / {0} more）", total - faults.len()));
    }
    lines.join("\n")
}

/// Words that stand for faults anywhere in this module, so that they can cross to another process and back.
const CODES: &[&str] = &[
    "bad_line",
    "bad_position",
    "bad_profile",
    "bad_ring",
    "corrupt_file",
    "decompressed_too_large",
    "encoding",
    "encrypted",
    "geometry_kind",
    "json_depth",
    "no_geometry",
    "not_a_number",
    "out_of_range",
    "ragged_row",
    "record_too_long",
    "text_too_long",
    "too_large",
    "too_many_cells",
    "too_many_columns",
    "too_many_entries",
    "too_many_vertices",
    "unsafe_name",
];

/// The code of that name; a word from a broken process is no code.
pub(super) fn code_named(name: &str) -> &'static str {
    CODES.iter().find(|c| **c == name).copied().unwrap_or("corrupt_file")
}
