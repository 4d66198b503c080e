//! What was counted as a file for Excel.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::api::error::{Answer, Problem};
use crate::exchange::{Cell, FieldType, Format, Geometries, WriteOptions, Writer, WriterField, WriterSchema};

use super::Counted;

/// Writes the lines, then the villages without an incident, as one sheet.
///
/// # Errors
/// What the file system says.
pub(super) async fn file(counted: &Counted, f: &str) -> Answer<Response> {
    let (format, kind) = match f {
        "xlsx" => (Format::Xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _ => (Format::Csv, "text/csv; charset=utf-8"),
    };
    let field = |name: &str, kind| WriterField { name: name.to_owned(), kind };
    let schema = WriterSchema {
        layer: "statistics".to_owned(),
        fields: vec![
            field("编码", FieldType::Text),
            field(counted.by.title(), FieldType::Text),
            field("事件数", FieldType::Whole),
            field("未办结", FieldType::Whole),
            field("超期", FieldType::Whole),
        ],
        geometries: Geometries::None,
    };
    let whole = |n: u64| i64::try_from(n).map_or(Cell::Empty, Cell::Whole);
    let text = |t: &str| if t.is_empty() { Cell::Empty } else { Cell::Text(t.into()) };
    let mut rows: Vec<Vec<Cell>> = counted
        .lines
        .iter()
        .map(|l| vec![text(&l.key), text(&l.name), whole(l.count), whole(l.open), whole(l.overdue)])
        .collect();
    let t = counted.totals;
    rows.push(vec![Cell::Empty, text("合计"), whole(t.incidents), whole(t.open), whole(t.overdue)]);
    rows.extend(counted.incident_free.iter().map(|(code, name)| {
        vec![text(code), text(&format!("零发案村：{name}")), Cell::Whole(0), Cell::Whole(0), Cell::Whole(0)]
    }));
    let ending = f.to_owned();
    let work = move || -> Answer<Vec<u8>> {
        let failed = |e: std::io::Error| Problem::internal(format!("temporary file: {e}"));
        let folder = tempfile::tempdir().map_err(failed)?;
        let path = folder.path().join(format!("statistics.{ending}"));
        let mut writer = Writer::create(format, &path, schema, WriteOptions::default())?;
        for row in &rows {
            writer.write(row, None)?;
        }
        writer.finish()?;
        std::fs::read(&path).map_err(failed)
    };
    let bytes = tokio::task::spawn_blocking(work).await.map_err(|e| Problem::internal(e.to_string()))??;
    let named = format!("attachment; filename=\"statistics.{f}\"");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, named),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}
