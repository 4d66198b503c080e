//! The raw table that every format is read into: columns as named in the file, rows with their place, typed cells, geometry.

use compact_str::{CompactString, ToCompactString as _};
use geo::Geometry;

use super::error::{Fault, ReadError};
use super::layer::System;

/// One value as the file has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    /// Nothing, or null.
    #[default]
    Empty,
    /// Text. Most are short, and rows go from thread to thread by the million: up to 24 bytes stand in the cell itself.
    Text(CompactString),
    /// A whole number the file holds exactly.
    Whole(i64),
    /// A number in floating point, always finite.
    Real(f64),
    /// Yes or no.
    Bool(bool),
    /// A date or a date with time, as ISO 8601 text.
    Date(CompactString),
}

impl Cell {
    /// Text as a cell; empty text is [`Cell::Empty`].
    pub(super) fn text(text: impl Into<CompactString> + AsRef<str>) -> Self {
        if text.as_ref().is_empty() { Self::Empty } else { Self::Text(text.into()) }
    }

    /// A number as a cell: text where it is not finite, so that the fault shows what the file had.
    pub(super) fn real(v: f64) -> Self {
        if v.is_finite() { Self::Real(v) } else { Self::Text(v.to_compact_string()) }
    }
}

/// One row of any format.
#[derive(Clone, Debug, PartialEq)]
pub struct RawRow {
    /// Line of a text file, row of a sheet (header included), or place of a feature, from 1.
    pub number: u64,
    /// The id the format itself gives a feature (`id` of GeoJSON, primary key of a GeoPackage).
    pub id: Option<String>,
    /// One cell for each column of the head.
    pub cells: Vec<Cell>,
    /// The geometry of a feature, or why there is none; `None` in formats without geometry.
    pub geometry: Option<Result<Geometry<f64>, Fault>>,
    /// Why the row could not be taken apart; its cells are then empty.
    pub fault: Option<Fault>,
}

/// What is known of a table before its first row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Column names as written, in order.
    pub columns: Vec<String>,
    /// Whether rows carry a geometry of their own.
    pub features: bool,
    /// Reference system of those geometries.
    pub(super) system: System,
    /// The sheet of a workbook or the layer of a package that was read.
    pub layer: Option<String>,
    /// What a text file is written in, as the Encoding Standard calls it; `None` for files of bytes.
    pub encoding: Option<&'static str>,
    /// Notes for the user.
    pub warnings: Vec<String>,
    /// SHA-256 of the file's bytes.
    pub sha256_hex: String,
}

/// Why reading ended before the end.
pub(super) enum Halt {
    /// The file cannot be used.
    Error(ReadError),
    /// Nobody wants more rows.
    Stopped,
}

impl From<ReadError> for Halt {
    fn from(e: ReadError) -> Self {
        Self::Error(e)
    }
}

/// Where a reader puts what it finds: the head once, then rows.
pub(super) trait RowSink {
    fn head(&mut self, head: Head) -> Result<(), Halt>;
    fn row(&mut self, row: RawRow) -> Result<(), Halt>;
}
