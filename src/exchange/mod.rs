//! The import gate and the formats in and out.

mod csv_households;
mod error;
mod headers;
mod write;

use std::io::Read as _;

use sha2::{Digest, Sha256};

use crate::domain::Households;

pub use error::{ReadError, RowFault};
pub use write::write_whole;

/// How a file is to be read.
#[derive(Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// Columns to keep although the product has no use for them by itself.
    pub extra_columns: &'a [String],
    /// Converts `lon,lat` (or map x, y) to WGS 84 degrees; `None` means they are.
    pub to_wgs84: Option<&'a dyn Fn([f64; 2]) -> [f64; 2]>,
}

/// What was read, and what was not kept.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// The content.
    pub value: T,
    /// Columns that were dropped: unknown ones, and personal ones always.
    pub dropped_columns: Vec<String>,
    /// Notes for the user.
    pub warnings: Vec<String>,
    /// SHA-256 of the file's bytes.
    pub sha256_hex: String,
}

/// Reads households from a CSV file, or from standard input when `path` is `-`.
///
/// # Errors
/// Every fault of every row (to a limit), with its line; nothing is returned then.
pub fn read_households(path: &str, options: &ReadOptions<'_>) -> Result<Read<Households>, ReadError> {
    let unreadable = |e: std::io::Error| ReadError::Unreadable { file: path.to_owned(), reason: e.to_string() };
    let mut bytes = Vec::new();
    if path == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let lower = path.to_ascii_lowercase();
        if [".gpkg", ".geojson", ".json", ".xlsx", ".xls", ".zip", ".shp", ".kml"].iter().any(|e| lower.ends_with(e)) {
            return Err(ReadError::UnknownFormat { file: path.to_owned() });
        }
        bytes = std::fs::read(path).map_err(unreadable)?;
    }
    let sha256_hex = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let (value, dropped_columns) = csv_households::parse(path, &bytes, options)?;
    Ok(Read { value, dropped_columns, warnings: Vec::new(), sha256_hex })
}
