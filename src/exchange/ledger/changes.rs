//! An edited ledger against what was exported: rows are matched by their code, and only cells that differ come out.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::error::{Fault, ReadError};
use crate::exchange::gate::schema::FieldKind;
use crate::exchange::gate::{FaultList, Place, typed_cell};
use crate::exchange::open::RowSource;
use crate::exchange::table::Cell;
use crate::exchange::write::FieldType;

use super::{Column, Ledger, Role};

/// Faults kept in full.
const FAULTS_KEPT: usize = 1_000;

/// One cell that an office changed.
#[derive(Clone, Debug, PartialEq)]
pub struct CellChange {
    /// Row of the sheet, from 1.
    pub row: u64,
    /// The code of its grid or unit.
    pub code: String,
    /// Title of its column.
    pub column: &'static str,
    /// What was exported.
    pub before: Cell,
    /// What stands there now.
    pub after: Cell,
}

/// What an edited ledger says.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerChanges {
    /// Cells that changed, in the order of the file.
    pub changes: Vec<CellChange>,
    /// Rows without a change.
    pub unchanged_rows: u64,
    /// Codes that were exported and are not in the file: nothing happens to them.
    pub absent: Vec<String>,
    /// Rows and cells that cannot be followed.
    pub faults: FaultList,
}

/// Compares an edited ledger with the lines that were exported.
///
/// # Errors
/// When the file cannot be read or lacks the column of codes. Unknown, repeated or numeric codes, changed figures that are computed,
/// and values that do not fit their column are faults in the answer.
pub fn ledger_changes(source: RowSource, ledger: Ledger, exported: &[Vec<Cell>]) -> Result<LedgerChanges, ReadError> {
    let columns = ledger.columns();
    let key_at = columns.iter().position(|c| c.role == Role::Key).unwrap_or(0);
    let at: Vec<Option<usize>> =
        columns.iter().map(|c| source.head().columns.iter().position(|h| unified(h) == unified(c.title))).collect();
    let Some(key_column) = at.get(key_at).copied().flatten() else {
        return Err(ReadError::MissingColumn {
            file: source.file().to_owned(),
            column: columns.get(key_at).map_or("", |c| c.title).to_owned(),
            found: source.head().columns.join(", "),
        });
    };
    let before: BTreeMap<&str, &Vec<Cell>> = exported
        .iter()
        .filter_map(|row| match row.get(key_at) {
            Some(Cell::Text(code)) => Some((code.as_str(), row)),
            _ => None,
        })
        .collect();
    let (file, sheet) = (source.file().to_owned(), source.head().layer.clone());
    let mut result = LedgerChanges {
        changes: Vec::new(),
        unchanged_rows: 0,
        absent: Vec::new(),
        faults: FaultList::new(FAULTS_KEPT),
    };
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for raw in source {
        let raw = raw?;
        let mut fault = |id: Option<&str>, column: Option<&str>, fault: Fault| {
            let place = Place { file: &file, sheet: sheet.as_deref(), row: raw.number, id };
            result.faults.push(&place, column, fault);
        };
        if let Some(broken) = raw.fault {
            fault(None, None, broken);
            continue;
        }
        let title = columns.get(key_at).map_or("", |c| c.title);
        let cell = raw.cells.get(key_column).cloned().unwrap_or_default();
        let code = match typed_cell(FieldKind::Code(&[12, 15, 18]), title, cell) {
            Ok(Cell::Text(code)) => code,
            Ok(_) => {
                fault(None, Some(title), Fault::new("missing_code", "编码为空 / the code is empty"));
                continue;
            }
            Err(wrong) => {
                fault(None, Some(title), wrong);
                continue;
            }
        };
        let Some(old) = before.get(code.as_str()) else {
            fault(
                Some(&code),
                Some(title),
                Fault::new("unknown_code", format!("没有编码 {code} / there is no code {code}")),
            );
            continue;
        };
        if !seen.insert(code.clone()) {
            fault(
                Some(&code),
                Some(title),
                Fault::new("duplicate_id", format!("编码 {code} 重复 / the code {code} is repeated")),
            );
            continue;
        }
        let changed_before = result.changes.len();
        for (i, column) in columns.iter().enumerate().filter(|(_, c)| c.role != Role::Key) {
            let Some(now) = at.get(i).copied().flatten().and_then(|c| raw.cells.get(c)) else { continue };
            let was = old.get(i).cloned().unwrap_or_default();
            if same(&was, now) {
                continue;
            }
            let now = match typed_cell(kind_of(column), column.title, now.clone()) {
                Ok(now) if same(&was, &now) => continue,
                Ok(now) => now,
                Err(wrong) => {
                    fault(Some(&code), Some(column.title), wrong);
                    continue;
                }
            };
            if column.role == Role::Derived {
                let zh = format!("“{}”由系统计算，不能在台账中修改", column.title);
                let reason = format!("{zh} / the column {} is computed and cannot be edited", column.title);
                fault(Some(&code), Some(column.title), Fault::new("derived_column", reason));
                continue;
            }
            result.changes.push(CellChange {
                row: raw.number,
                code: code.clone(),
                column: column.title,
                before: was,
                after: now,
            });
        }
        result.unchanged_rows += u64::from(result.changes.len() == changed_before);
    }
    result.absent = before.keys().filter(|c| !seen.contains(**c)).map(|c| (*c).to_owned()).collect();
    Ok(result)
}

/// A header whatever brackets and space its writer liked.
fn unified(header: &str) -> String {
    header.trim().replace('（', "(").replace('）', ")")
}

fn kind_of(column: &Column) -> FieldKind {
    match column.kind {
        FieldType::Text => FieldKind::Text,
        FieldType::Whole => FieldKind::Count(i64::MAX),
        FieldType::Real => FieldKind::Real,
        FieldType::Bool => FieldKind::Bool,
        FieldType::Date => FieldKind::Date,
    }
}

/// Whether two cells say the same, whatever type a spreadsheet gave them.
fn same(a: &Cell, b: &Cell) -> bool {
    let text = |c: &Cell| match c {
        Cell::Empty => String::new(),
        Cell::Text(t) | Cell::Date(t) => t.trim().to_owned(),
        Cell::Whole(v) => v.to_string(),
        Cell::Real(v) => v.to_string(),
        Cell::Bool(b) => b.to_string(),
    };
    a == b || text(a) == text(b)
}
