//! GeoJSON as a layer: streamed straight into coordinates, so that a large ring never becomes a tree of JSON values.

use std::collections::HashSet;
use std::fmt;

use geo::{Geometry, MultiLineString, MultiPoint, MultiPolygon};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::coordinates::Nested;
use super::error::{Fault, Faults, ReadError, RowKind};
use super::layer::{Layer, Row, System};
use super::rings;
use super::source::decoded;

/// Deepest nesting of a document; GeoJSON needs nine levels, properties some more.
const DEEPEST: usize = 64;
/// The foreign member by which our own files say that positions are planar metres.
const PLANAR_MARK: &str = "lianhu:coordinates";

/// Reads a document; only properties that `wanted` accepts are kept.
pub(super) fn read(file: &str, bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Layer, ReadError> {
    let text = decoded(file, bytes)?;
    if let Some(byte) = too_deep(text.as_bytes()) {
        let (zh, en) = (format!("嵌套超过 {DEEPEST} 层"), format!("nested deeper than {DEEPEST} levels"));
        return Err(json_error(file, &text, "json_depth", byte, &zh, &en));
    }
    let mut gathered = Gathered { wanted, rows: Vec::new(), columns: Vec::new(), seen: HashSet::new() };
    let mut reader = serde_json::Deserializer::from_str(&text);
    let read = ObjectSeed { gathered: &mut gathered, top: true }.deserialize(&mut reader);
    let top = match read.and_then(|top| reader.end().map(|()| top)) {
        Ok(top) => top,
        Err(e) => return Err(said(file, &text, &e, gathered.rows.len() as u64 + 1)),
    };
    let not_geojson = || {
        let (zh, en) = (
            "不是 GeoJSON：需要 FeatureCollection、Feature 或几何对象",
            "no GeoJSON: a FeatureCollection, a Feature or a geometry is needed",
        );
        json_error(file, &text, "not_geojson", 0, zh, en)
    };
    let (crs, planar) = (top.crs.clone(), top.planar);
    match top.kind.as_deref() {
        Some("FeatureCollection") if top.features => {}
        Some("Feature") => gathered.push_feature(top),
        Some(_) if top.coordinates.is_some() || top.collection => {
            let number = gathered.rows.len() as u64 + 1;
            gathered.rows.push(Row { number, id: None, geometry: top.into_geometry(), properties: Map::new() });
        }
        _ => return Err(not_geojson()),
    }
    let system = match (planar, crs) {
        (true, _) => System::Metres,
        (false, Some(name)) => System::named(&name),
        (false, None) => System::Degrees,
    };
    Ok(Layer { rows: gathered.rows, columns: gathered.columns, system, warnings: Vec::new() })
}

/// The byte at which brackets nest too deep, by one pass over the bytes.
fn too_deep(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (i, b) in bytes.iter().enumerate() {
        if quoted {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match b {
            b'"' => quoted = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return Some(i);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn json_error(file: &str, text: &str, code: &'static str, byte: usize, chinese: &str, english: &str) -> ReadError {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    ReadError::Json {
        file: file.to_owned(),
        code,
        line,
        column,
        byte,
        chinese: chinese.to_owned(),
        english: english.to_owned(),
    }
}

/// The parser's own words, with the byte; a number that is none becomes a fault of the feature it stands in.
fn said(file: &str, text: &str, e: &serde_json::Error, feature: u64) -> ReadError {
    let begin = if e.line() <= 1 {
        0
    } else {
        text.bytes().enumerate().filter(|(_, b)| *b == b'\n').nth(e.line() - 2).map_or(text.len(), |(i, _)| i + 1)
    };
    let byte = (begin + e.column()).min(text.len());
    let words = e.to_string();
    let no_number = (byte.saturating_sub(2)..=byte).any(|from| {
        let at = text.as_bytes().get(from..).unwrap_or_default();
        at.starts_with(b"NaN") || at.starts_with(b"Infinity")
    });
    if words.starts_with("number out of range") || no_number {
        let mut faults = Faults::default();
        faults.push(feature, "not_a_number", || {
            format!(
                "第 {0} 行第 {1} 列（字节 {byte}）附近有不是有限数的值 / near line {0}, column {1} (byte {byte}) stands a value that is no finite number",
                e.line(),
                e.column()
            )
        });
        if let Err(error) = faults.into_result(file, RowKind::Feature) {
            return error;
        }
    }
    let words = words.split(" at line ").next().unwrap_or("").to_owned();
    let (code, zh) = match e.classify() {
        serde_json::error::Category::Eof => ("json_syntax", "JSON 不完整"),
        serde_json::error::Category::Data => ("not_geojson", "不是 GeoJSON"),
        _ => ("json_syntax", "JSON 语法错误"),
    };
    ReadError::Json {
        file: file.to_owned(),
        code,
        line: e.line(),
        column: e.column(),
        byte,
        chinese: format!("{zh}（第 {feature} 个要素附近）"),
        english: format!("{words} (near feature {feature})"),
    }
}

struct Gathered<'w> {
    wanted: &'w dyn Fn(&str) -> bool,
    rows: Vec<Row>,
    columns: Vec<String>,
    seen: HashSet<String>,
}

impl Gathered<'_> {
    fn push_feature(&mut self, mut object: Object) {
        let id = match object.id.take() {
            Some(Value::String(t)) => Some(t),
            Some(Value::Number(n)) => Some(n.to_string()),
            _ => None,
        };
        let properties = std::mem::take(&mut object.properties);
        let number = self.rows.len() as u64 + 1;
        let geometry = if object.kind.as_deref() == Some("Feature") {
            match object.geometry {
                Some(Member::Object(g)) => g.into_geometry(),
                Some(Member::Other) => Err(Fault::new("no_geometry", "几何不是对象 / the geometry is no object")),
                Some(Member::Null) | None => Err(Fault::new("no_geometry", "没有几何 / there is no geometry")),
            }
        } else {
            Err(Fault::new("not_a_feature", "不是 Feature / this is no Feature"))
        };
        self.rows.push(Row { number, id, geometry, properties });
    }
}

/// Any object of a document: its members mean what its `type` says, which may come last.
#[derive(Default)]
struct Object {
    kind: Option<String>,
    coordinates: Option<Nested>,
    collection: bool,
    geometry: Option<Member>,
    properties: Map<String, Value>,
    id: Option<Value>,
    features: bool,
    crs: Option<String>,
    planar: bool,
}

enum Member {
    Null,
    Other,
    Object(Box<Object>),
}

impl Object {
    fn into_geometry(self) -> Result<Geometry<f64>, Fault> {
        let kind = self.kind.as_deref().unwrap_or("");
        let nested = match (kind, self.coordinates) {
            ("Point" | "MultiPoint" | "LineString" | "MultiLineString" | "Polygon" | "MultiPolygon", Some(nested)) => {
                nested
            }
            ("GeometryCollection", _) => {
                return Err(rings::wrong_kind(
                    kind,
                    "点、线或面，不是集合",
                    "a point, line or polygon, no collection,",
                ));
            }
            _ => {
                return Err(Fault::new(
                    "no_geometry",
                    "几何缺少类型或坐标 / the geometry lacks its type or coordinates",
                ));
            }
        };
        Ok(match kind {
            "Point" => Geometry::Point(nested.point()?),
            "MultiPoint" => Geometry::MultiPoint(MultiPoint::from(rings::finite(nested.points()?)?.0)),
            "LineString" => Geometry::LineString(rings::line(nested.points()?)?),
            "MultiLineString" => Geometry::MultiLineString(MultiLineString::new(
                nested.list()?.into_iter().map(|l| rings::line(l.points()?)).collect::<Result<_, _>>()?,
            )),
            "Polygon" => Geometry::Polygon(nested.polygon()?),
            _ => Geometry::MultiPolygon(MultiPolygon::new(
                nested.list()?.into_iter().map(Nested::polygon).collect::<Result<_, _>>()?,
            )),
        })
    }
}

struct ObjectSeed<'g, 'w> {
    gathered: &'g mut Gathered<'w>,
    top: bool,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, '_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Object, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, '_> {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "type" => {
                    if let Value::String(kind) = map.next_value()? {
                        object.kind = Some(kind);
                    }
                }
                "coordinates" => object.coordinates = Some(map.next_value()?),
                "geometries" => {
                    object.collection = true;
                    map.next_value::<IgnoredAny>()?;
                }
                "geometry" => {
                    object.geometry = Some(map.next_value_seed(MemberSeed { gathered: self.gathered })?);
                }
                "properties" => {
                    object.properties = map.next_value_seed(PropertiesSeed { gathered: self.gathered })?;
                }
                "id" => object.id = Some(map.next_value()?),
                "features" if self.top => {
                    object.features = true;
                    map.next_value_seed(FeaturesSeed { gathered: self.gathered })?;
                }
                PLANAR_MARK if self.top => object.planar = map.next_value::<Value>()? == "metres",
                "crs" if self.top => object.crs = crs_name(&map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(object)
    }
}

/// The name in a `crs` member, which older writers add though RFC 7946 took it out; `None` where it is null.
fn crs_name(crs: &Value) -> Option<String> {
    match crs.pointer("/properties/name") {
        Some(Value::String(name)) => Some(name.clone()),
        _ if crs.is_null() => None,
        _ => Some(crs.to_string().chars().take(60).collect()),
    }
}

struct FeaturesSeed<'g, 'w> {
    gathered: &'g mut Gathered<'w>,
}

impl<'de> DeserializeSeed<'de> for FeaturesSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FeaturesSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(object) = seq.next_element_seed(ObjectSeed { gathered: self.gathered, top: false })? {
            self.gathered.push_feature(object);
        }
        Ok(())
    }
}

/// The `geometry` of a feature: an object, null, or something that does not belong there.
struct MemberSeed<'g, 'w> {
    gathered: &'g mut Gathered<'w>,
}

impl<'de> DeserializeSeed<'de> for MemberSeed<'_, '_> {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Member, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MemberSeed<'_, '_> {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a geometry")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
        let object = ObjectSeed { gathered: self.gathered, top: false }.visit_map(map)?;
        Ok(Member::Object(Box::new(object)))
    }
}

/// Properties: wanted ones are kept, of the others only the name.
struct PropertiesSeed<'g, 'w> {
    gathered: &'g mut Gathered<'w>,
}

impl<'de> DeserializeSeed<'de> for PropertiesSeed<'_, '_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PropertiesSeed<'_, '_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties (an object or null)")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Map::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if !self.gathered.seen.contains(&key) {
                self.gathered.seen.insert(key.clone());
                self.gathered.columns.push(key.clone());
            }
            if (self.gathered.wanted)(&key) {
                kept.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(kept)
    }
}
