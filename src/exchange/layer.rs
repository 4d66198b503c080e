//! A layer of features from whichever format, brought to WGS 84 degrees or to planar metres.

use std::borrow::Cow;

use geo::{CoordsIter, Geometry, MapCoords};
use serde_json::{Map, Number, Value};

use crate::space::datum::Crs;

use super::ReadOptions;
use super::error::{Fault, Faults, ReadError, RowKind};
use super::limits::Limits;
use super::open::Isolation;
use super::read::Request;
use super::rings::fault_of_coordinate;
use super::source::{Format, Source};
use super::table::{Cell, Halt, Head, RawRow, RowSink};

/// What feature files can be read.
pub(super) const FEATURE_FORMATS: &str =
    "GeoJSON (.geojson, .json, .geojsonl), GeoPackage (.gpkg), Shapefile (.zip), FlatGeobuf (.fgb), KML (.kml)";

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
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum System {
    /// WGS 84 or the like.
    #[default]
    Degrees,
    /// A plane without a known place on Earth.
    Metres,
    /// One by its name, as `EPSG:4523`, whether we convert it or not.
    Named(String),
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
            _ => Self::Named(short),
        }
    }
}

/// A layer whose coordinates are WGS 84 degrees, or planar metres.
pub(super) struct Located {
    pub(super) rows: Vec<Row>,
    /// All columns of the file, wanted or not, in order of appearance.
    pub(super) columns: Vec<String>,
    pub(super) planar: bool,
    pub(super) warnings: Vec<String>,
    pub(super) sha256_hex: String,
}

/// Reads a layer of features whole; only properties that `wanted` accepts are kept.
pub(super) fn located(
    source: &Source<'_>,
    options: &ReadOptions<'_>,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Located, ReadError> {
    source.check_layer()?;
    if matches!(source.format, Format::Csv | Format::Xlsx | Format::GeoParquet | Format::Toml | Format::Other) {
        return Err(ReadError::UnknownFormat { file: source.file.to_owned(), accepted: FEATURE_FORMATS });
    }
    let request = Request {
        file: source.file.to_owned(),
        layer: source.layer.map(str::to_owned),
        format: source.format,
        limits: Limits::default(),
    };
    let mut gathered = Gathered { wanted, kept: Vec::new(), head: Head::default(), rows: Vec::new() };
    match options.isolation.unwrap_or(&Isolation::InProcess).produce(&request, &mut gathered) {
        Ok(()) | Err(Halt::Stopped) => {}
        Err(Halt::Error(e)) => return Err(e),
    }
    let Gathered { head, mut rows, .. } = gathered;
    let planar = options.to_wgs84.is_none() && head.system == System::Metres;
    match (options.to_wgs84, &head.system) {
        (Some(convert), _) => rows.iter_mut().for_each(|r| convert_geometry(&mut r.geometry, convert)),
        (None, system) => {
            if let Some(crs) = crs_of(source.file, system)? {
                let convert = |c| {
                    let p = crs.to_wgs84(c);
                    [p.lon_deg, p.lat_deg]
                };
                rows.iter_mut().for_each(|r| convert_geometry(&mut r.geometry, &convert));
            }
        }
    }
    Ok(Located { rows, columns: head.columns, planar, warnings: head.warnings, sha256_hex: head.sha256_hex })
}

/// The system that coordinates must be converted from; `None` where they are degrees or planar.
///
/// # Errors
/// When the system is none that we convert.
pub(super) fn crs_of(file: &str, system: &System) -> Result<Option<Crs>, ReadError> {
    match system {
        System::Degrees | System::Metres => Ok(None),
        System::Named(name) => Crs::parse(name)
            .map(Some)
            .map_err(|_| ReadError::ReferenceSystem { file: file.to_owned(), system: name.clone() }),
    }
}

/// A whole layer in memory.
struct Gathered<'w> {
    wanted: &'w dyn Fn(&str) -> bool,
    kept: Vec<bool>,
    head: Head,
    rows: Vec<Row>,
}

impl RowSink for Gathered<'_> {
    fn head(&mut self, head: Head) -> Result<(), Halt> {
        self.kept = head.columns.iter().map(|c| (self.wanted)(c)).collect();
        self.head = head;
        Ok(())
    }

    fn row(&mut self, row: RawRow) -> Result<(), Halt> {
        let named = self.head.columns.iter().zip(row.cells).zip(&self.kept);
        let properties =
            named.filter(|(_, kept)| **kept).map(|((name, cell), _)| (name.clone(), json_of(cell))).collect();
        let absent = || Err(Fault::new("no_geometry", "没有几何 / there is no geometry"));
        let geometry = row.fault.map_or_else(|| row.geometry.unwrap_or_else(absent), Err);
        self.rows.push(Row { number: row.number, id: row.id, geometry, properties });
        Ok(())
    }
}

fn json_of(cell: Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(t) | Cell::Date(t) => Value::String(t.into()),
        Cell::Whole(v) => Value::Number(v.into()),
        Cell::Real(v) => Number::from_f64(v).map_or(Value::Null, Value::Number),
        Cell::Bool(b) => Value::Bool(b),
    }
}

/// Brings a geometry to WGS 84 degrees.
pub(super) fn convert_geometry(geometry: &mut Result<Geometry<f64>, Fault>, convert: &dyn Fn([f64; 2]) -> [f64; 2]) {
    if let Ok(old) = geometry {
        *old = old.map_coords(|c| convert([c.x, c.y]).into());
        // Far outside its zone a projection has no inverse.
        let fault = old.coords_iter().find_map(fault_of_coordinate);
        if let Some(fault) = fault {
            *geometry = Err(fault);
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
