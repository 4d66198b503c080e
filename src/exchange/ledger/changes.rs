//! An edited ledger against what was exported: rows are matched by their code, and only cells that differ come out.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::error::{Fault, ReadError};
use crate::exchange::gate::{FaultList, Place, typed_cell};
use crate::exchange::open::RowSource;
use crate::exchange::table::Cell;

use super::Ledger;
use super::columns::Role;

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
    /// What the row remarks on its change (变更原因).
    pub remark: Option<String>,
}

/// What an edited ledger says.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerChanges {
    /// Cells that changed, in the order of the file.
    pub changes: Vec<CellChange>,
    /// Rows without a change.
    pub unchanged_rows: u64,
    /// Changed rows that do not say which state of the plan they show, so that a conflict cannot be seen.
    pub unclaimed_rows: u64,
    /// Rows and cells that cannot be followed.
    pub faults: FaultList,
}

/// Compares an edited ledger with the lines that would be exported now.
///
/// `stale` is told a row's code and the state of the plan it claims to show, and says whether the plan changed there since: figures
/// may then differ, and an edited cell is a conflict.
///
/// # Errors
/// When the file cannot be read or lacks the column of codes. Unknown, repeated or numeric codes, changed figures that are computed,
/// conflicts and values that do not fit their column are faults in the answer.
pub fn ledger_changes(
    source: RowSource,
    ledger: Ledger,
    exported: &[Vec<Cell>],
    stale: &dyn Fn(&str, &str) -> bool,
) -> Result<LedgerChanges, ReadError> {
    let columns = ledger.own_columns();
    let found = |title: &str| source.head().columns.iter().position(|h| unified(h) == unified(title));
    let at: Vec<Option<usize>> = columns.iter().map(|c| found(c.title)).collect();
    // The code stands first in every ledger.
    let (Some(key), Some(Some(key_column))) = (columns.first(), at.first().copied()) else {
        return Err(ReadError::MissingColumn {
            file: source.file().to_owned(),
            column: columns.first().map_or("", |c| c.title).to_owned(),
            accepted: Vec::new(),
            found: source.head().columns.join(", "),
        });
    };
    let of_role = |role: Role| columns.iter().zip(&at).find(|(c, _)| c.role == role).and_then(|(_, at)| *at);
    let claim_column = of_role(Role::Claim);
    // Of the remarks the last is the reason.
    let remark_at = columns.iter().rposition(|c| c.role == Role::Remark);
    let remark_column = remark_at.and_then(|i| at.get(i).copied().flatten());
    let before: BTreeMap<&str, &Vec<Cell>> = exported
        .iter()
        .filter_map(|row| match row.first() {
            Some(Cell::Text(code)) => Some((code.as_str(), row)),
            _ => None,
        })
        .collect();
    let (file, sheet) = (source.file().to_owned(), source.head().layer.clone());
    let mut result = LedgerChanges {
        changes: Vec::new(),
        unchanged_rows: 0,
        unclaimed_rows: 0,
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
        let cell = raw.cells.get(key_column).cloned().unwrap_or_default();
        let code = match typed_cell(key.wants, key.title, cell) {
            Ok(Cell::Text(code)) => code.into_string(),
            Ok(_) => {
                fault(None, Some(key.title), Fault::new("missing_code", "编码为空 / the code is empty"));
                continue;
            }
            Err(wrong) => {
                fault(None, Some(key.title), wrong);
                continue;
            }
        };
        let Some(old) = before.get(code.as_str()) else {
            let reason = format!("没有编码 {code} / there is no code {code}");
            fault(Some(&code), Some(key.title), Fault::new("unknown_code", reason));
            continue;
        };
        if !seen.insert(code.clone()) {
            let reason = format!("编码 {code} 重复 / the code {code} is repeated");
            fault(Some(&code), Some(key.title), Fault::new("duplicate_id", reason));
            continue;
        }
        let text_at = |at: Option<usize>| at.and_then(|c| raw.cells.get(c)).map(shown).filter(|t| !t.is_empty());
        let claim = text_at(claim_column);
        let is_stale = claim.as_deref().is_some_and(|c| stale(&code, c));
        // What was exported is the reason of an earlier change.
        let earlier = remark_at.and_then(|i| old.get(i)).map(shown);
        let remark = text_at(remark_column).filter(|r| earlier.as_ref() != Some(r));
        let changed_before = result.changes.len();
        for (i, column) in columns.iter().enumerate() {
            let Some(now) = at.get(i).copied().flatten().and_then(|c| raw.cells.get(c)) else { continue };
            let was = old.get(i).cloned().unwrap_or_default();
            if matches!(column.role, Role::Key | Role::Claim | Role::Remark) || same(&was, now) {
                continue;
            }
            let now = match typed_cell(column.wants, column.title, now.clone()) {
                Ok(now) if same(&was, &now) => continue,
                Ok(now) => now,
                Err(wrong) => {
                    fault(Some(&code), Some(column.title), wrong);
                    continue;
                }
            };
            let kept = shown(&was);
            match column.role {
                Role::Elsewhere(..) if is_stale => {}
                Role::Elsewhere(zh, en) => {
                    let reason = format!(
                        "“{0}”不能在台账中修改（{zh}），库中为“{kept}” / the column {0} cannot be edited here ({en}); the store has \"{kept}\"",
                        column.title
                    );
                    fault(Some(&code), Some(column.title), Fault::new("derived_column", reason));
                }
                _ if is_stale => {
                    let reason = format!(
                        "该网格在导出后已被修改，“{0}”现为“{kept}”，请重新导出后再改 / the grid was changed since this was exported, {0} is \"{kept}\" now: export again and repeat the edit",
                        column.title
                    );
                    fault(Some(&code), Some(column.title), Fault::new("conflict", reason));
                }
                _ => result.changes.push(CellChange {
                    row: raw.number,
                    code: code.clone(),
                    column: column.title,
                    before: was,
                    after: now,
                    remark: remark.clone(),
                }),
            }
        }
        let changed = result.changes.len() > changed_before;
        result.unchanged_rows += u64::from(!changed);
        result.unclaimed_rows += u64::from(changed && claim.is_none());
    }
    Ok(result)
}

/// A header whatever brackets and space its writer liked.
fn unified(header: &str) -> String {
    header.trim().replace('（', "(").replace('）', ")")
}

/// Whether two cells say the same, whatever type a spreadsheet gave them.
fn same(a: &Cell, b: &Cell) -> bool {
    a == b || shown(a) == shown(b)
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(t) | Cell::Date(t) => t.trim().to_owned(),
        Cell::Whole(v) => v.to_string(),
        Cell::Real(v) => v.to_string(),
        Cell::Bool(b) => b.to_string(),
    }
}
