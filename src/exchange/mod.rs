//! The import gate and the formats in and out.
//!
//! Every format is read into one raw table ([`open`]: a head, then rows of typed cells with their place and geometry), hostile-prone
//! ones in a child process; [`gate`] turns it into typed rows of a layer or faults. Households, barriers, regions and boundaries for
//! planning come through the same readers. [`Writer`] writes rows in any format, [`ledger`] the tables offices keep.
//! A path may carry a layer as QGIS writes it: `file.gpkg|layername=NAME`.

mod barriers;
mod child;
mod coordinates;
mod encoding;
mod error;
mod feature_households;
mod frame;
pub mod gate;
mod geopackage;
mod headers;
mod household_table;
mod interior;
mod layer;
pub mod ledger;
mod limits;
mod occurrences;
mod open;
mod photo;
mod place;
mod read;
mod regions;
mod rings;
mod source;
mod table;
mod table_households;
mod wkb;
mod wkt;
mod write;

#[cfg(test)]
mod geojson_tests;
#[cfg(test)]
mod geopackage_tests;

use crate::domain::{Households, Positions};

use source::Source;

pub use barriers::read_barriers;
pub use child::{PARSE_COMMAND, parse_for_parent};
pub use error::{Fault, ReadError, RowFault, RowKind};
pub use gate::tells_of_a_person;
pub use headers::{column_name, is_person_field};
pub use layer::{Feature, features};
pub use limits::Limits;
pub use occurrences::{OccurrenceError, Occurrences, read_cell_counts, read_occurrences};
pub use open::{Isolation, OpenOptions, RowSource, open};
pub use photo::{Photo, PhotoError, PhotoKind, bare_photo};
pub use regions::{Polygons, read_boundary, read_regions};
pub use source::Format;
pub use table::{Cell, Head, RawRow};
pub use write::{
    FieldType, Geometries, WriteError, WriteOptions, Writer, WriterField, WriterSchema, Written, write_all_whole,
    write_whole,
};

/// How a file is to be read.
#[derive(Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// Columns to keep although the product has no use for them by itself.
    pub extra_columns: &'a [String],
    /// Converts `lon,lat` (or map x, y) to WGS 84 degrees, whatever the file says of itself; `None` goes by the file.
    pub to_wgs84: Option<&'a dyn Fn([f64; 2]) -> [f64; 2]>,
    /// Where hostile-prone formats are parsed; in this process where nothing is said.
    pub isolation: Option<&'a Isolation>,
}

/// What was read, and what was not kept.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// The content.
    pub value: T,
    /// Whether coordinates are metres in a plane; otherwise they are WGS 84 degrees. The two cannot be used together.
    pub planar: bool,
    /// Columns that were dropped: unknown ones, and personal ones always.
    pub dropped_columns: Vec<String>,
    /// Notes for the user.
    pub warnings: Vec<String>,
    /// SHA-256 of the file's bytes.
    pub sha256_hex: String,
}

/// Reads households from a table (CSV, standard input when `path` is `-`, or XLSX) or from features. Polygons are buildings.
///
/// # Errors
/// Every fault of every row (to a limit), with its line or feature; nothing is returned then.
pub fn read_households(
    path: &str,
    layer: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Read<Households>, ReadError> {
    let source = Source::new(path, layer);
    source.check_layer()?;
    let (built, sha256_hex) = match source.format {
        Format::Csv | Format::Xlsx => table_households::read(&source, options).map_err(|e| {
            let (chinese, english) = ("户号,经度,纬度,楼栋 或 户号,x,y,楼栋", "id,lon,lat,building or id,x,y,building");
            e.needing(chinese, english)
        })?,
        Format::GeoJson
        | Format::GeoJsonSeq
        | Format::GeoPackage
        | Format::Shapefile
        | Format::FlatGeobuf
        | Format::Kml => {
            let extra = options.extra_columns;
            let kept = |column: &str| {
                household_table::is_kept(column, &ReadOptions { extra_columns: extra, ..ReadOptions::default() })
            };
            let mut layer = layer::located(&source, options, &kept)?;
            let sha256_hex = std::mem::take(&mut layer.sha256_hex);
            (feature_households::build(source.file, layer, options)?, sha256_hex)
        }
        Format::GeoParquet | Format::Toml | Format::Other => {
            let accepted = "CSV (.csv, .txt, -), XLSX, GeoJSON (.geojson, .json, .geojsonl), GeoPackage (.gpkg), Shapefile (.zip), FlatGeobuf (.fgb), KML (.kml)";
            return Err(ReadError::UnknownFormat { file: source.file.to_owned(), accepted });
        }
    };
    let planar = matches!(built.table.positions, Positions::Planar(_));
    Ok(Read {
        value: built.table,
        planar,
        dropped_columns: built.dropped_columns,
        warnings: built.warnings,
        sha256_hex,
    })
}
