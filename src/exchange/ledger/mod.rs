//! Ledgers (台账): the tables offices keep in Excel. Exported, edited there, and read back as the cells that changed.

mod changes;
mod lines;

#[cfg(test)]
mod tests;

use std::path::Path;

use super::source::Format;
use super::table::Cell;
use super::write::{FieldType, Geometries, WriteError, WriteOptions, Writer, WriterField, WriterSchema, Written};

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

/// What may happen to a column in an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Rows are matched by it.
    Key,
    /// It may be edited.
    Open,
    /// It is computed: a change to it is a misunderstanding.
    Derived,
}

/// One column of a ledger.
#[derive(Clone, Copy, Debug)]
struct Column {
    title: &'static str,
    kind: FieldType,
    role: Role,
}

const fn column(title: &'static str, kind: FieldType, role: Role) -> Column {
    Column { title, kind, role }
}

use FieldType::{Date, Real, Text, Whole};
use Role::{Derived, Key, Open};

const GRIDS: &[Column] = &[
    column("网格编码", Text, Key),
    column("网格名称", Text, Open),
    column("级别", Text, Derived),
    column("类型", Text, Derived),
    column("所属村(社区)", Text, Derived),
    column("户数", Whole, Derived),
    column("楼栋数", Whole, Derived),
    column("人口", Whole, Derived),
    column("面积", Real, Derived),
    column("四至", Text, Derived),
    column("网格长", Text, Open),
    column("网格员", Text, Open),
    column("启用日期", Date, Open),
    column("停用日期", Date, Open),
];

const UNITS: &[Column] = &[
    column("单元编码", Text, Key),
    column("单元名称", Text, Open),
    column("所属网格", Text, Derived),
    column("户数", Whole, Derived),
    column("联户长", Text, Open),
    column("副联户长1", Text, Open),
    column("副联户长2", Text, Open),
    column("户号清单", Text, Open),
    column("更新日期", Date, Open),
    column("变更原因", Text, Open),
];

const GAPS: &[Column] = &[
    column("编码", Text, Key),
    column("名称", Text, Derived),
    column("所属村(社区)", Text, Derived),
    column("岗位", Text, Derived),
    column("应配", Whole, Derived),
    column("实配", Whole, Derived),
    column("缺额", Whole, Derived),
];

const SUMMARY: &[Column] = &[
    column("乡镇编码", Text, Key),
    column("乡镇(街道)", Text, Derived),
    column("网格数", Whole, Derived),
    column("网格长", Whole, Derived),
    column("网格员", Whole, Derived),
    column("联户单元数", Whole, Derived),
    column("联户长", Whole, Derived),
    column("副联户长", Whole, Derived),
];

impl Ledger {
    fn columns(self) -> &'static [Column] {
        match self {
            Self::Grids => GRIDS,
            Self::Units => UNITS,
            Self::Gaps => GAPS,
            Self::Summary => SUMMARY,
        }
    }

    /// Its title, which is also the sheet's name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Grids => "网格台账",
            Self::Units => "联户单元台账",
            Self::Gaps => "人员缺配表",
            Self::Summary => "乡镇汇总表",
        }
    }

    /// Its header row.
    #[must_use]
    pub fn headers(self) -> Vec<&'static str> {
        self.columns().iter().map(|c| c.title).collect()
    }

    /// Writes it as CSV or XLSX: one cell for each header in every row.
    ///
    /// # Errors
    /// A format that is no table, or what the file system says.
    pub fn write(
        self,
        format: Format,
        path: &Path,
        rows: impl IntoIterator<Item = Vec<Cell>>,
        options: WriteOptions,
    ) -> Result<Written, WriteError> {
        if !matches!(format, Format::Csv | Format::Xlsx) {
            return Err(WriteError::Format);
        }
        let fields = self.columns().iter().map(|c| WriterField { name: c.title.to_owned(), kind: c.kind }).collect();
        let schema = WriterSchema { layer: self.title().to_owned(), fields, geometries: Geometries::None };
        let mut writer = Writer::create(format, path, schema, options)?;
        for row in rows {
            writer.write(&row, None)?;
        }
        writer.finish()
    }
}
