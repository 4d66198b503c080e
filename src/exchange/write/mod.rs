//! Writers: rows with ordered, typed fields and a geometry into a file of any format, streamed, whole or not at all, and the same bytes
//! for the same rows.

mod canonical;
mod csv;
mod dbf;
mod flatgeobuf;
mod geojson;
mod geopackage;
mod geoparquet;
mod kml;
mod profiles;
mod shapefile;
mod whole;
mod xlsx;

#[cfg(test)]
mod tests;

use std::path::Path;

use geo::Geometry;
use time::OffsetDateTime;

use crate::domain::io_words::{IoWords, halves, words_of_writing};

use super::source::Format;
use super::table::Cell;

use whole::WholeFile;
pub use whole::{write_all_whole, write_whole};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text, codes among it.
    Text,
    /// Whole numbers.
    Whole,
    /// Numbers.
    Real,
    /// Yes or no.
    Bool,
    /// Days, with or without a time.
    Date,
}

/// A field to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterField {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: FieldType,
}

/// What geometries rows have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geometries {
    /// None: a table.
    None,
    /// Points, or none in some rows.
    Points,
    /// Any, or none in some rows.
    Any,
}

/// A layer to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterSchema {
    /// Its name: the layer of a package, the sheet of a workbook, the files of a Shapefile.
    pub layer: String,
    /// Its fields, in order.
    pub fields: Vec<WriterField>,
    /// Its geometries, in WGS 84 degrees.
    pub geometries: Geometries,
}

/// What a file says beside its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// The time that formats insist on; a fixed one makes the bytes depend on the rows alone.
    pub clock: OffsetDateTime,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { clock: OffsetDateTime::UNIX_EPOCH }
    }
}

/// What was written, and what the format could not carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Fields that have another name in the file: theirs, then the file's.
    pub renamed: Vec<(String, String)>,
    /// Texts cut to what the format holds.
    pub cut_texts: u64,
    /// Geometries left out because the format's cells are too short for them.
    pub lost_geometries: u64,
}

/// A file that could not be written; an old one of that name is untouched.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system.
    #[error("{file}：无法写入：{chinese}\n{file}: cannot be written: {english}")]
    File {
        /// File.
        file: String,
        /// Why, in Chinese.
        chinese: String,
        /// Why, in English, with the system's own words.
        english: String,
    },
    /// A format that is not written.
    #[error("不支持写出该格式 / this format is not written")]
    Format,
    /// More rows than the format holds.
    #[error("超过 {most} 行，请改用 CSV 或按区划分批导出 / more than {most} rows; use CSV, or export region by region")]
    TooManyRows {
        /// Rows it holds.
        most: u64,
    },
    /// A row that does not fit its schema: an error of the caller's.
    #[error("第 {row} 行的字段数与图层不符 / row {row} has another number of fields than its layer")]
    Fields {
        /// Row, from 1.
        row: u64,
    },
}

impl WriteError {
    /// What a library says. Most of them wrap what the system said, and some of those hide it: its number is found in the text.
    fn of(path: &Path, e: impl std::fmt::Display) -> Self {
        let said = e.to_string();
        if let Some(code) = os_code(&said) {
            return Self::io(path, &std::io::Error::from_raw_os_error(code));
        }
        let (chinese, english) = match halves(&said) {
            (chinese, english) if chinese != english => (chinese.to_owned(), english.to_owned()),
            _ => (
                format!("系统报告“{said}”，请重试，或换一个位置、换一种格式"),
                format!("{said}; try again, or choose another place or format"),
            ),
        };
        Self::File { file: path.display().to_string(), chinese, english }
    }

    fn io(path: &Path, e: &std::io::Error) -> Self {
        let IoWords { chinese, english } = words_of_writing(e);
        Self::File { file: path.display().to_string(), chinese, english }
    }
}

/// The system's number in words that end with it, `… (os error 28)`.
fn os_code(said: &str) -> Option<i32> {
    let (_, rest) = said.rsplit_once("(os error ")?;
    rest.split_once(')')?.0.parse().ok()
}

/// One format's way of writing; rows come in canonical form.
trait Sink: Send {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError>;
    fn finish(self: Box<Self>) -> Result<Written, WriteError>;
}

/// A file being written.
pub struct Writer {
    sink: Box<dyn Sink>,
    schema: WriterSchema,
    rows: u64,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("schema", &self.schema).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a file that will stand at `path` once finished.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(
        format: Format,
        path: &Path,
        schema: WriterSchema,
        options: WriteOptions,
    ) -> Result<Self, WriteError> {
        let whole = WholeFile::create(path)?;
        let kept = schema.clone();
        let sink: Box<dyn Sink> = match format {
            Format::Csv => Box::new(csv::Csv::begin(whole, schema)?),
            Format::Xlsx => Box::new(xlsx::Book::begin(whole, schema, options)?),
            Format::GeoJson => Box::new(geojson::GeoJson::begin(whole, schema, geojson::Framing::Collection)?),
            Format::GeoJsonSeq => Box::new(geojson::GeoJson::begin(whole, schema, geojson::Framing::Sequence)?),
            Format::GeoPackage => Box::new(geopackage::Package::begin(whole, schema, options)?),
            Format::Shapefile => Box::new(shapefile::Archive::begin(whole, schema, options)?),
            Format::FlatGeobuf => Box::new(flatgeobuf::Flat::begin(whole, schema)?),
            Format::Kml => Box::new(kml::Kml::begin(whole, schema)?),
            Format::GeoParquet => Box::new(geoparquet::Parquet::begin(whole, schema)?),
            Format::Toml => Box::new(profiles::Profiles::begin(whole, &schema)?),
            Format::Other => return Err(WriteError::Format),
        };
        Ok(Self { sink, schema: kept, rows: 0 })
    }

    /// Adds a row: a value for each field, and its geometry in WGS 84 degrees, which is rounded to nine decimals.
    ///
    /// # Errors
    /// When the row does not fit, or what the file system says.
    pub fn write(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        self.rows += 1;
        if values.len() != self.schema.fields.len() {
            return Err(WriteError::Fields { row: self.rows });
        }
        let values: Vec<Cell> =
            values.iter().zip(&self.schema.fields).map(|(v, f)| canonical::value(v, f.kind)).collect();
        let geometry = geometry.filter(|_| self.schema.geometries != Geometries::None).map(canonical::geometry);
        self.sink.row(&values, geometry.as_ref())
    }

    /// Ends the file and puts it in its place.
    ///
    /// # Errors
    /// What the file system says; nothing stands at the path then that did not stand there before.
    pub fn finish(self) -> Result<Written, WriteError> {
        let mut written = self.sink.finish()?;
        written.rows = self.rows;
        Ok(written)
    }
}
