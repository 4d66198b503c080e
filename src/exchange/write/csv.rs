//! CSV for Excel: UTF-8 with a byte order mark, points as `lon`,`lat`, other geometries as well-known text. No text is a formula.

use std::io::{BufWriter, Write as _};

use geo::Geometry;

use crate::exchange::read::{csv_escaped, csv_unescaped};
use crate::exchange::table::Cell;
use crate::exchange::wkt::to_wkt;

use super::whole::WholeFile;
use super::{Geometries, Sink, WriteError, WriterSchema, Written};

pub(super) struct Csv {
    out: csv::Writer<BufWriter<WholeFile>>,
    path: std::path::PathBuf,
    geometries: Geometries,
}

impl Csv {
    pub(super) fn begin(mut file: WholeFile, schema: WriterSchema) -> Result<Self, WriteError> {
        let path = file.path().to_owned();
        file.write_all(b"\xEF\xBB\xBF").map_err(|e| WriteError::of(&path, e))?;
        let mut out = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(BufWriter::with_capacity(1 << 16, file));
        let mut header: Vec<String> = schema.fields.iter().map(|f| csv_escaped(&f.name).into_owned()).collect();
        match schema.geometries {
            Geometries::None => {}
            Geometries::Points => header.extend(["lon".to_owned(), "lat".to_owned()]),
            Geometries::Any => header.push("wkt".to_owned()),
        }
        out.write_record(&header).map_err(|e| WriteError::of(&path, e))?;
        Ok(Self { out, path, geometries: schema.geometries })
    }
}

/// A value as the text of a cell.
pub(super) fn text_of(value: &Cell) -> String {
    match value {
        Cell::Empty => String::new(),
        Cell::Text(t) | Cell::Date(t) => t.to_string(),
        Cell::Whole(v) => v.to_string(),
        Cell::Real(v) => v.to_string(),
        Cell::Bool(b) => b.to_string(),
    }
}

impl Sink for Csv {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        let mut write = |field: &str| self.out.write_field(field).map_err(|e| WriteError::of(&self.path, e));
        for value in values {
            match value {
                Cell::Text(t) => {
                    let escaped = csv_escaped(t);
                    debug_assert_eq!(csv_unescaped(&escaped), t);
                    write(&escaped)?;
                }
                other => write(&text_of(other))?,
            }
        }
        match (self.geometries, geometry) {
            (Geometries::None, _) => {}
            (Geometries::Points, Some(Geometry::Point(p))) => {
                write(&p.x().to_string())?;
                write(&p.y().to_string())?;
            }
            (Geometries::Points, _) => {
                write("")?;
                write("")?;
            }
            (Geometries::Any, g) => write(&g.and_then(to_wkt).unwrap_or_default())?,
        }
        self.out.write_record(None::<&[u8]>).map_err(|e| WriteError::of(&self.path, e))
    }

    fn finish(self: Box<Self>) -> Result<Written, WriteError> {
        let path = self.path;
        let out = self.out.into_inner().map_err(|e| WriteError::of(&path, e.error()))?;
        let file = out.into_inner().map_err(|e| WriteError::of(&path, e.error()))?;
        file.commit()?;
        Ok(Written::default())
    }
}
