//! The faults of an import as a list that people work through in Excel: file, sheet, row, column, code, reason.

use std::path::Path;

use crate::exchange::error::Fault;
use crate::exchange::source::Format;
use crate::exchange::table::Cell;
use crate::exchange::write::{FieldType, Geometries, WriteError, WriteOptions, Writer, WriterField, WriterSchema};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFault {
    /// File.
    pub file: String,
    /// Sheet or layer, where the file has several.
    pub sheet: Option<String>,
    /// Line, row of the sheet, or place of the feature, from 1.
    pub row: u64,
    /// Column as the file names it, where one is at fault.
    pub column: Option<String>,
    /// The row's own id, where it has one.
    pub id: Option<String>,
    /// Stable word for the fault.
    pub code: &'static str,
    /// What is wrong and what to do, Chinese then English.
    pub reason: String,
}

impl std::fmt::Display for CellFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(sheet) = &self.sheet {
            write!(f, " [{sheet}]")?;
        }
        write!(f, " 第 {0} 行 / row {0}", self.row)?;
        if let Some(id) = &self.id {
            write!(f, " “{id}”")?;
        }
        write!(f, " [{}] {}", self.code, self.reason)
    }
}

/// Faults up to a limit, and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultList {
    /// The first faults.
    pub faults: Vec<CellFault>,
    /// All of them, counted.
    pub total: u64,
    kept: usize,
}

impl FaultList {
    /// An empty list that keeps `kept` faults.
    #[must_use]
    pub fn new(kept: usize) -> Self {
        Self { faults: Vec::new(), total: 0, kept }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Adds a fault that the gate itself could not see.
    pub fn add(&mut self, fault: CellFault) {
        self.total += 1;
        if self.faults.len() < self.kept {
            self.faults.push(fault);
        }
    }

    pub(in crate::exchange) fn push(&mut self, place: &Place<'_>, column: Option<&str>, fault: Fault) {
        self.total += 1;
        if self.faults.len() < self.kept {
            self.faults.push(CellFault {
                file: place.file.to_owned(),
                sheet: place.sheet.map(str::to_owned),
                row: place.row,
                column: column.map(str::to_owned),
                id: place.id.map(|id| id.chars().take(40).collect()),
                code: fault.code,
                reason: fault.message,
            });
        }
    }

    /// Writes the list as CSV or XLSX, the reason last.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, format: Format, path: &Path) -> Result<(), WriteError> {
        let text = |name: &str| WriterField { name: name.to_owned(), kind: FieldType::Text };
        let fields = vec![
            text("文件 file"),
            text("工作表 sheet"),
            WriterField { name: "行 row".to_owned(), kind: FieldType::Whole },
            text("列 column"),
            text("编号 id"),
            text("代码 code"),
            text("原因 reason"),
        ];
        let schema = WriterSchema { layer: "错误".to_owned(), fields, geometries: Geometries::None };
        let mut writer = Writer::create(format, path, schema, WriteOptions::default())?;
        let cell = |t: &Option<String>| t.as_deref().map_or(Cell::Empty, Cell::text);
        for f in &self.faults {
            let row = [
                Cell::text(f.file.as_str()),
                cell(&f.sheet),
                Cell::Whole(i64::try_from(f.row).unwrap_or(i64::MAX)),
                cell(&f.column),
                cell(&f.id),
                Cell::text(f.code),
                Cell::text(f.reason.as_str()),
            ];
            writer.write(&row, None)?;
        }
        if self.total > self.faults.len() as u64 {
            let more = format!("还有 {0} 处未列出 / {0} more are not listed", self.total - self.faults.len() as u64);
            let mut row = vec![Cell::Empty; 6];
            row.push(Cell::Text(more.into()));
            writer.write(&row, None)?;
        }
        writer.finish().map(|_| ())
    }
}

/// Where a fault stands.
pub(in crate::exchange) struct Place<'p> {
    pub(in crate::exchange) file: &'p str,
    pub(in crate::exchange) sheet: Option<&'p str>,
    pub(in crate::exchange) row: u64,
    pub(in crate::exchange) id: Option<&'p str>,
}
