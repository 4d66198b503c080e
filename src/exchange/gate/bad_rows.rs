//! The faulty rows of a file as a file: every column but the personal ones, and the reason, so that they are mended and brought in again.

use std::collections::BTreeMap;
use std::path::Path;

use crate::exchange::open::RowSource;
use crate::exchange::source::Format;
use crate::exchange::table::Cell;
use crate::exchange::write::{FieldType, Geometries, WriteOptions, Writer, WriterField, WriterSchema};

use super::{CellFault, ColumnUse, FaultList, Mapping};

/// The reasons of one row, as they stand in its last column.
fn reasons(faults: &[&CellFault]) -> String {
    let said = faults.iter().map(|f| match &f.column {
        Some(column) => format!("[{}] {column}：{}", f.code, f.reason),
        None => format!("[{}] {}", f.code, f.reason),
    });
    said.collect::<Vec<_>>().join("；")
}

/// Writes the rows of `source` that have a fault in `faults` (as far as it keeps them) as CSV or XLSX.
///
/// # Errors
/// What the file to be read or the one to be written says, in words.
pub fn write_bad_rows(
    source: RowSource,
    mapping: &Mapping,
    faults: &FaultList,
    format: Format,
    path: &Path,
) -> Result<(), String> {
    let mut of: BTreeMap<u64, Vec<&CellFault>> = BTreeMap::new();
    for fault in &faults.faults {
        of.entry(fault.row).or_default().push(fault);
    }
    let personal = |i: usize| mapping.uses.get(i) == Some(&ColumnUse::Personal);
    let kept: Vec<usize> = (0..source.head().columns.len()).filter(|i| !personal(*i)).collect();
    let text = |name: &str| WriterField { name: name.to_owned(), kind: FieldType::Text };
    let mut fields = vec![WriterField { name: "行 row".to_owned(), kind: FieldType::Whole }];
    fields.extend(kept.iter().filter_map(|i| source.head().columns.get(*i)).map(|c| text(c)));
    fields.push(text("原因 reason"));
    let width = fields.len();
    let schema = WriterSchema { layer: "错误".to_owned(), fields, geometries: Geometries::None };
    let mut writer = Writer::create(format, path, schema, WriteOptions::default()).map_err(|e| e.to_string())?;
    for row in source {
        let row = row.map_err(|e| e.to_string())?;
        let Some(faults) = of.remove(&row.number) else { continue };
        let mut cells = vec![Cell::Whole(i64::try_from(row.number).unwrap_or(i64::MAX))];
        cells.extend(kept.iter().map(|i| row.cells.get(*i).map_or(Cell::Empty, as_text)));
        cells.push(Cell::Text(reasons(&faults).into()));
        writer.write(&cells, None).map_err(|e| e.to_string())?;
        if of.is_empty() {
            break;
        }
    }
    if faults.total > faults.faults.len() as u64 {
        let more = faults.total - faults.faults.len() as u64;
        let mut cells = vec![Cell::Empty; width.saturating_sub(1)];
        cells.push(Cell::Text(format!("还有 {more} 处未列出 / {more} more are not listed").into()));
        writer.write(&cells, None).map_err(|e| e.to_string())?;
    }
    writer.finish().map(drop).map_err(|e| e.to_string())
}

/// A cell as people read it; its column may hold numbers and text.
fn as_text(cell: &Cell) -> Cell {
    match cell {
        Cell::Empty => Cell::Empty,
        Cell::Text(t) | Cell::Date(t) => Cell::Text(t.clone()),
        Cell::Whole(v) => Cell::Text(v.to_string().into()),
        Cell::Real(v) => Cell::Text(v.to_string().into()),
        Cell::Bool(b) => Cell::Text(if *b { "是" } else { "否" }.into()),
    }
}
