//! Ledgers (台账): the tables offices keep in Excel. Exported, edited there, and read back as the cells that changed.

mod changes;
mod columns;
mod lines;

#[cfg(test)]
mod tests;

use std::path::Path;

use super::source::Format;
use super::table::Cell;
use super::write::{Geometries, WriteError, WriteOptions, Writer, WriterField, WriterSchema, Written};

pub use changes::{CellChange, LedgerChanges, ledger_changes};
pub use lines::{GapLine, GridLine, SummaryLine, UnitLine};

/// A ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ledger {
    /// 网格台账.
    Grids,
    /// 联户单元台账.
    Units,
    /// 人员缺配表: grids and units without the people the profile wants.
    Gaps,
    /// 乡镇汇总表.
    Summary,
}

impl Ledger {
    /// Every ledger.
    pub const ALL: [Self; 4] = [Self::Grids, Self::Units, Self::Gaps, Self::Summary];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grids => "ledger-grids",
            Self::Units => "ledger-units",
            Self::Gaps => "ledger-gaps",
            Self::Summary => "ledger-summary",
        }
    }

    /// Its title, which is also the sheet's name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Grids => "网格台账",
            Self::Units => "联户单元台账",
            Self::Gaps => "人员缺配表",
            Self::Summary => "乡镇汇总表",
        }
    }

    /// The ledger of a name: English, its title, or the short word for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let short = match name {
            "单元台账" => Some(Self::Units),
            "缺口" => Some(Self::Gaps),
            "汇总" => Some(Self::Summary),
            _ => None,
        };
        short.or_else(|| Self::ALL.into_iter().find(|l| l.name() == name || l.title() == name))
    }

    /// Whether an edited one can be read back.
    #[must_use]
    pub const fn can_come_back(self) -> bool {
        matches!(self, Self::Grids | Self::Units)
    }

    /// Its header row; people's names stand in columns of their own at the end.
    #[must_use]
    pub fn headers(self, with_names: bool) -> Vec<&'static str> {
        self.columns(with_names).map(|c| c.title).collect()
    }

    /// Begins it as CSV or XLSX.
    ///
    /// # Errors
    /// A format that is no table, or what the file system says.
    pub fn begin(
        self,
        format: Format,
        path: &Path,
        with_names: bool,
        options: WriteOptions,
    ) -> Result<LedgerWriter, WriteError> {
        if !matches!(format, Format::Csv | Format::Xlsx) {
            return Err(WriteError::Format);
        }
        let fields = self.columns(with_names).map(|c| WriterField { name: c.title.to_owned(), kind: c.kind }).collect();
        let schema = WriterSchema { layer: self.title().to_owned(), fields, geometries: Geometries::None };
        Ok(LedgerWriter(Writer::create(format, path, schema, options)?))
    }
}

/// A ledger being written.
#[derive(Debug)]
pub struct LedgerWriter(Writer);

impl LedgerWriter {
    /// Adds a line: a cell for each column.
    ///
    /// # Errors
    /// When the cells do not fit, or what the file system says.
    pub fn write(&mut self, cells: &[Cell]) -> Result<(), WriteError> {
        self.0.write(cells, None)
    }

    /// Ends the file and puts it in its place.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(self) -> Result<Written, WriteError> {
        self.0.finish()
    }
}
