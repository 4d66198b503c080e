//! A layer of features from whichever format, brought to WGS 84 degrees or to planar metres.

use std::borrow::Cow;

use geo::{CoordsIter, Geometry, MapCoords};
use serde_json::{Map, Value};

use crate::space::datum::Crs;

use super::error::{Fault, Faults, ReadError, RowKind};
use super::rings::fault_of_coordinate;
use super::source::{Format, Source, sha256_hex};
use super::{ReadOptions, geojson_layer, geopackage};

/// What feature files can be read.
pub(super) const FEATURE_FORMATS: &str = "GeoJSON (.geojson, .json), GeoPackage (.gpkg)";

/// One feature as the file has it.
pub(super) struct Row {
    /// Place in the layer, from 1.
    pub(super) number: u64,
    /// The feature's id (`id` in GeoJSON, the primary key in a GeoPackage).
    pub(super) id: Option<String>,
    /// Its geometry, or why there is none.
    pub(super) geometry: Result<Geometry<f64>, Fault>,
    /// Its properties, as far as they were wanted.
    pub(super) properties: Map<String, Value>,
}

impl Row {
    /// The words by which messages name this feature beside its number.
    pub(super) fn said(&self) -> Option<&str> {
        match self.properties.get("id") {
            Some(Value::String(id)) => Some(id),
            _ => self.id.as_deref(),
        }
    }
}

/// The reference system of a layer.
pub(super) enum System {
    /// WGS 84 or the like.
    Degrees,
    /// A plane without a known place on Earth.
    Metres,
    /// A system we convert.
    Known(Crs),
    /// One we do not, by name.
    Unknown(String),
}

impl System {
    /// The system of a name such as `EPSG:4523` or `urn:ogc:def:crs:OGC:1.3:CRS84`.
    pub(super) fn named(name: &str) -> Self {
        let short = match name.to_ascii_lowercase().strip_prefix("urn:ogc:def:crs:") {
            Some(urn) if urn.ends_with(":crs84") => return Self::Degrees,
            // urn:ogc:def:crs:EPSG::4523, with the register's version between the colons.
            Some(urn) => match (urn.split(':').next(), urn.rsplit(':').next()) {
                (Some(authority), Some(code)) => format!("{authority}:{code}").to_uppercase(),
                _ => urn.to_owned(),
            },
            None => name.to_owned(),
        };
        match Crs::parse(&short) {
            Ok(Crs::Degrees) => Self::Degrees,
            Ok(crs) => Self::Known(crs),
            Err(_) => Self::Unknown(short),
        }
    }
}

/// A layer as read, before conversion.
pub(super) struct Layer {
    pub(super) rows: Vec<Row>,
    /// All columns of the file, wanted or not, in order of appearance.
    pub(super) columns: Vec<String>,
    pub(super) system: System,
    pub(super) warnings: Vec<String>,
}

/// A layer whose coordinates are WGS 84 degrees, or planar metres.
pub(super) struct Located {
    pub(super) rows: Vec<Row>,
    pub(super) columns: Vec<String>,
    pub(super) planar: bool,
    pub(super) warnings: Vec<String>,
    pub(super) sha256_hex: String,
}

/// Reads a layer of GeoJSON or GeoPackage; only properties that `wanted` accepts leave the file.
pub(super) fn located(
    source: &Source<'_>,
    options: &ReadOptions<'_>,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Located, ReadError> {
    source.check_layer()?;
    let (mut layer, sha256_hex) = match source.format {
        Format::GeoJson => {
            let bytes = source.bytes()?;
            (geojson_layer::read(source.file, &bytes, wanted)?, sha256_hex(&bytes))
        }
        Format::GeoPackage => (geopackage::read(source, wanted)?, source.sha256_hex()?),
        Format::Csv | Format::Other => {
            return Err(ReadError::UnknownFormat { file: source.file.to_owned(), accepted: FEATURE_FORMATS });
        }
    };
    let planar = options.to_wgs84.is_none() && matches!(layer.system, System::Metres);
    match (options.to_wgs84, &layer.system) {
        (Some(convert), _) => convert_rows(&mut layer.rows, convert),
        (None, System::Known(crs)) => convert_rows(&mut layer.rows, &|c| {
            let p = crs.to_wgs84(c);
            [p.lon_deg, p.lat_deg]
        }),
        (None, System::Unknown(name)) => {
            return Err(ReadError::ReferenceSystem { file: source.file.to_owned(), system: name.clone() });
        }
        (None, System::Degrees | System::Metres) => {}
    }
    let Layer { rows, columns, warnings, .. } = layer;
    Ok(Located { rows, columns, planar, warnings, sha256_hex })
}

fn convert_rows(rows: &mut [Row], convert: &dyn Fn([f64; 2]) -> [f64; 2]) {
    for row in rows {
        if let Ok(geometry) = &mut row.geometry {
            *geometry = geometry.map_coords(|c| convert([c.x, c.y]).into());
            // Far outside its zone a projection has no inverse.
            let fault = geometry.coords_iter().find_map(fault_of_coordinate);
            if let Some(fault) = fault {
                row.geometry = Err(fault);
            }
        }
    }
}

/// A property as text: empty for null, exact for whole numbers, JSON for what is nested.
pub(super) fn text_of(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(t)) => Cow::Borrowed(t),
        Some(Value::Number(n)) => match n.as_f64() {
            // 12.0 is how a real column holds the count 12.
            Some(v) if n.is_f64() && v.fract() == 0.0 && v.abs() < 1e15 => Cow::Owned(format!("{v:.0}")),
            _ => Cow::Owned(n.to_string()),
        },
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// The first of a feature's properties that has one of these names (in lower case) and a value.
pub(super) fn property<'r>(row: &'r Row, names: &[&str]) -> Option<&'r Value> {
    names.iter().find_map(|name| {
        row.properties.iter().find(|(k, v)| !v.is_null() && k.trim().to_lowercase() == *name).map(|(_, v)| v)
    })
}

/// A property as trimmed text, `None` where it is absent or empty.
pub(super) fn text_property(row: &Row, names: &[&str]) -> Option<String> {
    let text = text_of(property(row, names));
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The names of `columns` that `kept` does not accept.
pub(super) fn dropped(columns: &[String], kept: impl Fn(&str) -> bool) -> Vec<String> {
    columns.iter().filter(|c| !kept(c)).cloned().collect()
}

/// One feature of any layer: its place among the features, its id, geometry and properties.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Place in the layer, from 1.
    pub number: u64,
    /// `id` of a GeoJSON feature, primary key (`fid`) of a GeoPackage row.
    pub id: Option<String>,
    /// Geometry in WGS 84 degrees (longitude first), or in metres where the layer is planar; rings are closed.
    pub geometry: Geometry<f64>,
    /// All properties; binary columns are left out.
    pub properties: Map<String, Value>,
}

/// Reads every feature of a GeoJSON file or of one GeoPackage layer with all its properties.
///
/// # Errors
/// What [`crate::exchange::read_households`] errs on, and every feature without a usable geometry.
pub fn features(
    path: &str,
    layer: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<super::Read<Vec<Feature>>, ReadError> {
    let source = Source::new(path, layer);
    let layer = located(&source, options, &|_| true)?;
    let mut faults = Faults::default();
    let mut value = Vec::with_capacity(layer.rows.len());
    for row in layer.rows {
        match row.geometry {
            Ok(geometry) => {
                value.push(Feature { number: row.number, id: row.id, geometry, properties: row.properties });
            }
            Err(ref fault) => faults.push_of(row.number, row.said(), fault.code, || fault.message.clone()),
        }
    }
    faults.into_result(source.file, RowKind::Feature)?;
    Ok(super::Read {
        value,
        planar: layer.planar,
        dropped_columns: Vec::new(),
        warnings: layer.warnings,
        sha256_hex: layer.sha256_hex,
    })
}
