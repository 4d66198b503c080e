//! The files of a plan directory, as far as a picture needs them.

use std::path::Path;

use serde_json::{Map, Value};

use super::DrawError;

/// Positions of a geometry as they stand in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Polygons: rings, exterior first.
    pub(super) polygons: Vec<Vec<Vec<[f64; 2]>>>,
    pub(super) lines: Vec<Vec<[f64; 2]>>,
    pub(super) points: Vec<[f64; 2]>,
}

impl Shape {
    /// Every position.
    pub(super) fn positions(&self) -> impl Iterator<Item = &[f64; 2]> {
        self.polygons.iter().flatten().flatten().chain(self.lines.iter().flatten()).chain(&self.points)
    }

    /// The shape with every position converted.
    pub(super) fn map(&self, f: &impl Fn([f64; 2]) -> [f64; 2]) -> Self {
        let line = |l: &Vec<[f64; 2]>| l.iter().map(|&p| f(p)).collect::<Vec<_>>();
        Self {
            polygons: self.polygons.iter().map(|p| p.iter().map(line).collect()).collect(),
            lines: self.lines.iter().map(line).collect(),
            points: self.points.iter().map(|&p| f(p)).collect(),
        }
    }
}

/// A feature: its shape and properties.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    pub(super) shape: Shape,
    properties: Map<String, Value>,
}

impl Feature {
    pub(super) fn new(shape: Shape, properties: Map<String, Value>) -> Self {
        Self { shape, properties }
    }

    /// A property as text; numbers as they are written, empty where absent or null.
    pub(super) fn text(&self, name: &str) -> String {
        match self.properties.get(name) {
            Some(Value::String(s)) => s.clone(),
            Some(Value::Number(n)) => n.to_string(),
            _ => String::new(),
        }
    }

    /// A property as a number, where it is one.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.properties.get(name).and_then(Value::as_f64)
    }

    /// Whether a property is true.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.properties.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// Everything that is drawn.
pub(super) struct Plan {
    pub(super) grids: Vec<Feature>,
    pub(super) units: Vec<Feature>,
    pub(super) leaders: Vec<Feature>,
    pub(super) buildings: Vec<Feature>,
    pub(super) regions: Vec<Feature>,
    pub(super) barriers: Vec<Feature>,
    /// Whether coordinates are metres without a place on Earth.
    pub(super) planar: bool,
}

/// Reads a plan directory. Grids and units must be there; leaders, buildings, regions and barriers may be absent.
pub(super) fn read(folder: &Path) -> Result<Plan, DrawError> {
    let (grids, planar) = collection(folder, "grids.geojson", true)?;
    Ok(Plan {
        grids,
        planar,
        units: collection(folder, "units.geojson", true)?.0,
        leaders: collection(folder, "leaders.geojson", false)?.0,
        buildings: collection(folder, "buildings.geojson", false)?.0,
        regions: collection(folder, "regions.geojson", false)?.0,
        barriers: collection(folder, "barriers.geojson", false)?.0,
    })
}

fn collection(folder: &Path, name: &str, needed: bool) -> Result<(Vec<Feature>, bool), DrawError> {
    let path = folder.join(name);
    let shown = path.display().to_string();
    let bytes = match std::fs::read(&path) {
        Ok(b) => b,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !needed => return Ok((Vec::new(), false)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(DrawError::NoPlan { folder: folder.display().to_string(), file: name.to_owned() });
        }
        Err(e) => return Err(DrawError::File { file: shown, message: e.to_string() }),
    };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let root: Value =
        serde_json::from_slice(bytes).map_err(|e| DrawError::File { file: shown.clone(), message: e.to_string() })?;
    let planar = root.get("lianhu:coordinates").and_then(Value::as_str) == Some("metres");
    let Some(list) = root.get("features").and_then(Value::as_array) else {
        let message = "不是 FeatureCollection / not a FeatureCollection".to_owned();
        return Err(DrawError::File { file: shown, message });
    };
    let features = list
        .iter()
        .enumerate()
        .map(|(i, f)| {
            let properties = f.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
            let shape = f.get("geometry").map_or_else(|| Some(Shape::default()), shape);
            shape.map(|shape| Feature { shape, properties }).ok_or_else(|| DrawError::File {
                file: shown.clone(),
                message: format!("第 {0} 个要素的几何无法使用 / the geometry of feature {0} cannot be used", i + 1),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((features, planar))
}

fn position(v: &Value) -> Option<[f64; 2]> {
    let p = [v.get(0)?.as_f64()?, v.get(1)?.as_f64()?];
    p.iter().all(|c| c.is_finite() && c.abs() < 1e9).then_some(p)
}

fn line(v: &Value) -> Option<Vec<[f64; 2]>> {
    v.as_array()?.iter().map(position).collect()
}

fn rings(v: &Value) -> Option<Vec<Vec<[f64; 2]>>> {
    v.as_array()?.iter().map(|r| line(r).filter(|l| l.len() >= 3)).collect()
}

fn shape(geometry: &Value) -> Option<Shape> {
    let mut shape = Shape::default();
    if geometry.is_null() {
        return Some(shape);
    }
    let c = geometry.get("coordinates")?;
    match geometry.get("type")?.as_str()? {
        "Point" => shape.points.push(position(c)?),
        "MultiPoint" => shape.points = line(c)?,
        "LineString" => shape.lines.push(line(c)?),
        "MultiLineString" => shape.lines = c.as_array()?.iter().map(line).collect::<Option<_>>()?,
        "Polygon" => shape.polygons.push(rings(c)?),
        "MultiPolygon" => shape.polygons = c.as_array()?.iter().map(rings).collect::<Option<_>>()?,
        _ => return None,
    }
    Some(shape)
}
