//! Results by cell as files: plain CSV for programs (UTF-8 without a mark, so that any reader finds the first column by its name), GeoJSON with
//! the outlines, and whatever else the writers know.

use std::fmt::Write as _;
use std::path::Path;

use geo::Geometry;

use crate::exchange::{Cell, FieldType, Format, Geometries, WriteOptions, Writer, WriterField, WriterSchema};

use super::commands::Failure;
use super::outputs;

/// A table's name and columns.
pub(super) struct Sheet<'a> {
    pub(super) layer: &'a str,
    pub(super) fields: &'a [(&'a str, FieldType)],
}

/// Writes one row for each item with its outline, whole or not at all.
pub(super) fn write<T>(
    path: &Path,
    sheet: &Sheet<'_>,
    items: &[T],
    row: impl Fn(usize, &T) -> Vec<Cell>,
    shape: impl Fn(&T) -> Geometry<f64>,
) -> Result<(), Failure> {
    put(path, (sheet, Geometries::Any), items, row, |item| Some(shape(item)))
}

/// Writes one row for each item of a table that has no places, whole or not at all.
pub(super) fn write_table<T>(
    path: &Path,
    sheet: &Sheet<'_>,
    items: &[T],
    row: impl Fn(usize, &T) -> Vec<Cell>,
) -> Result<(), Failure> {
    put(path, (sheet, Geometries::None), items, row, |_| None)
}

fn put<T>(
    path: &Path,
    (sheet, geometries): (&Sheet<'_>, Geometries),
    items: &[T],
    row: impl Fn(usize, &T) -> Vec<Cell>,
    shape: impl Fn(&T) -> Option<Geometry<f64>>,
) -> Result<(), Failure> {
    match Format::of_path(&path.to_string_lossy()) {
        Format::Csv => outputs::put(path, csv(sheet, items, row).as_bytes()),
        format => {
            let field = |f: &(&str, FieldType)| WriterField { name: f.0.to_owned(), kind: f.1 };
            let fields = sheet.fields.iter().map(field).collect();
            let schema = WriterSchema { layer: sheet.layer.to_owned(), fields, geometries };
            let mut out = Writer::create(format, path, schema, WriteOptions::default()).map_err(Failure::input)?;
            for (i, item) in items.iter().enumerate() {
                out.write(&row(i, item), shape(item).as_ref()).map_err(Failure::input)?;
            }
            out.finish().map(drop).map_err(Failure::input)
        }
    }
}

/// Numbers stand with all their digits; nothing in these tables needs quotes.
fn csv<T>(sheet: &Sheet<'_>, items: &[T], row: impl Fn(usize, &T) -> Vec<Cell>) -> String {
    let mut out = String::with_capacity(items.len() * 128);
    let names: Vec<&str> = sheet.fields.iter().map(|f| f.0).collect();
    out.push_str(&names.join(","));
    out.push('\n');
    for (i, item) in items.iter().enumerate() {
        for (at, cell) in row(i, item).iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            // a text takes whatever is written to it
            let _ = match cell {
                Cell::Empty => Ok(()),
                Cell::Text(t) | Cell::Date(t) => out.write_str(t),
                Cell::Whole(v) => write!(out, "{v}"),
                Cell::Real(v) => write!(out, "{v}"),
                Cell::Bool(b) => out.write_char(if *b { '1' } else { '0' }),
            };
        }
        out.push('\n');
    }
    out
}
