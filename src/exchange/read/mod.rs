//! Readers: each turns the bytes of one format into a head and rows, in order, holding no more than one record at a time.

mod archive;
mod csv;
mod dbf;
mod flatgeobuf;
mod geojson;
mod geojson_members;
mod kml;
mod prj;
mod profiles;
mod shapefile;
mod xlsx;

use std::fs::File;
use std::io::{self, Read as _};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::ReadError;
use super::geopackage;
use super::limits::Limits;
use super::source::Format;
use super::table::{Cell, Halt, RowSink};
use crate::domain::hex;

#[cfg(test)]
pub(super) use csv::read_bytes as csv_bytes;
pub(super) use csv::{escaped as csv_escaped, unescaped as csv_unescaped};

/// What to read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) file: String,
    /// The sheet or layer asked for.
    pub(super) layer: Option<String>,
    pub(super) format: Format,
    pub(super) limits: Limits,
}

impl Request {
    fn unreadable(&self, e: &io::Error) -> ReadError {
        ReadError::unreadable(&self.file, e)
    }

    pub(super) fn open(&self) -> Result<File, ReadError> {
        self.limits.checked_size(&self.file)?;
        File::open(&self.file).map_err(|e| self.unreadable(&e))
    }

    /// SHA-256 of the file without holding it in memory.
    pub(super) fn sha256_hex(&self) -> Result<String, ReadError> {
        let mut file = self.open()?;
        let mut digest = Sha256::new();
        let mut block = vec![0; 1 << 16];
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok(hex(&digest.finalize())),
                Ok(n) => digest.update(block.get(..n).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.unreadable(&e)),
            }
        }
    }

    /// A name for columns that a hostile header could make endless.
    pub(super) fn check_columns(&self, n: usize) -> Result<(), ReadError> {
        if n <= self.limits.columns {
            return Ok(());
        }
        Err(ReadError::limit(
            &self.file,
            "too_many_columns",
            format!("超过 {} 列", self.limits.columns),
            format!("more than {} columns", self.limits.columns),
        ))
    }

    /// Counts cells up to the cap.
    pub(super) fn check_cells(&self, n: u64) -> Result<(), ReadError> {
        if n <= self.limits.cells {
            return Ok(());
        }
        Err(ReadError::limit(
            &self.file,
            "too_many_cells",
            format!("单元格超过 {} 个，请分成几个文件", self.limits.cells),
            format!("more than {} cells; split the file", self.limits.cells),
        ))
    }
}

/// Reads the file into `sink`.
///
/// # Errors
/// What makes the file unusable as a whole; faults of rows travel with the rows.
pub(super) fn produce(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    match request.format {
        Format::Csv => csv::read(request, sink),
        Format::Xlsx => xlsx::read(request, sink),
        Format::GeoJson => geojson::read_document(request, sink),
        Format::GeoJsonSeq => geojson::read_sequence(request, sink),
        Format::GeoPackage => geopackage::read(request, sink),
        Format::Shapefile => shapefile::read(request, sink),
        Format::FlatGeobuf => flatgeobuf::read(request, sink),
        Format::Kml => kml::read(request, sink),
        Format::Toml => profiles::read(request, sink),
        Format::GeoParquet | Format::Other => Err(Halt::Error(ReadError::UnknownFormat {
            file: request.file.clone(),
            accepted: "CSV (.csv, .txt), XLSX, GeoJSON (.geojson, .json, .geojsonl), GeoPackage (.gpkg), Shapefile (.zip), FlatGeobuf (.fgb), KML",
        })),
    }
}

/// A JSON value as a cell; what is nested stays JSON.
pub(super) fn cell_of_json(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Empty,
        Value::Bool(b) => Cell::Bool(b),
        Value::String(t) => Cell::text(t),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(v), _) => Cell::Whole(v),
            (None, Some(v)) if !n.is_u64() => Cell::real(v),
            _ => Cell::Text(n.to_string().into()),
        },
        other => Cell::Text(other.to_string().into()),
    }
}
