//! The members of a GeoJSON document, streamed straight into rows: what an object means its `type` says, which may come last.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use geo::{Geometry, MultiLineString, MultiPoint, MultiPolygon};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::exchange::coordinates::Nested;
use crate::exchange::error::Fault;
use crate::exchange::rings;
use crate::exchange::table::{Cell, Halt, RawRow, RowSink};

use super::{Request, cell_of_json, csv};

/// The foreign member by which our own files say that positions are planar metres.
const PLANAR_MARK: &str = "lianhu:coordinates";
/// What one pass gathers: columns always, and rows for the sink of the second one.
#[derive(Default)]
pub(super) struct Gathered<'s> {
    pub(super) columns: Vec<String>,
    at: HashMap<String, usize>,
    pub(super) sink: Option<(&'s Request, RefCell<&'s mut dyn RowSink>)>,
    /// Features so far.
    pub(super) count: u64,
    cells: u64,
    pub(super) halted: Option<Halt>,
}

impl Gathered<'_> {
    /// Runs `pass` again over the same text, with the columns known, and gives each row to `sink`.
    pub(super) fn second_pass<'a>(
        self,
        request: &'a Request,
        sink: &'a mut (dyn RowSink + 'a),
        pass: impl FnOnce(&mut Gathered<'a>) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let sink = Some((request, RefCell::new(sink)));
        pass(&mut Gathered { columns: self.columns, at: self.at, sink, count: 0, cells: 0, halted: None })
    }

    fn column(&mut self, name: String) -> usize {
        if let Some(&i) = self.at.get(&name) {
            return i;
        }
        let i = self.columns.len();
        self.at.insert(name.clone(), i);
        self.columns.push(name);
        i
    }

    pub(super) fn push_feature(&mut self, mut object: Object) {
        let id = match object.id.take() {
            Some(Value::String(t)) => Some(t),
            Some(Value::Number(n)) => Some(n.to_string()),
            _ => None,
        };
        let properties = std::mem::take(&mut object.properties);
        let geometry = if object.kind.as_deref() == Some("Feature") {
            match object.geometry {
                Some(Member::Object(g)) => g.into_geometry(),
                Some(Member::Other) => Err(Fault::new("no_geometry", "几何不是对象 / the geometry is no object")),
                Some(Member::Null) | None => Err(Fault::new("no_geometry", "没有几何 / there is no geometry")),
            }
        } else {
            Err(Fault::new("not_a_feature", "不是 Feature / this is no Feature"))
        };
        self.push(id, properties, geometry);
    }

    pub(super) fn push(
        &mut self,
        id: Option<String>,
        properties: Vec<(usize, Value)>,
        geometry: Result<Geometry<f64>, Fault>,
    ) {
        self.count += 1;
        let Some((request, sink)) = &self.sink else { return };
        let mut cells = vec![Cell::Empty; self.columns.len()];
        let mut fault = None;
        for (i, value) in properties {
            let value = cell_of_json(value);
            if matches!(&value, Cell::Text(t) if t.len() > request.limits.text_bytes) {
                fault = Some(csv::too_long(request));
            } else if let Some(cell) = cells.get_mut(i) {
                *cell = value;
            }
        }
        self.cells += cells.len() as u64;
        let row = RawRow { number: self.count, id, cells, geometry: Some(geometry), fault };
        let counted = request.check_cells(self.cells).map_err(Halt::Error);
        if let Err(halt) = counted.and_then(|()| sink.borrow_mut().row(row)) {
            self.halted = Some(halt);
        }
    }
}

/// Any object of a document: its members mean what its `type` says, which may come last.
#[derive(Default)]
pub(super) struct Object {
    pub(super) kind: Option<String>,
    pub(super) coordinates: Option<Nested>,
    pub(super) collection: bool,
    geometry: Option<Member>,
    properties: Vec<(usize, Value)>,
    pub(super) has_coordinates: bool,
    id: Option<Value>,
    pub(super) features: bool,
    pub(super) crs: Option<String>,
    pub(super) planar: bool,
}

enum Member {
    Null,
    Other,
    Object(Box<Object>),
}

impl Object {
    pub(super) fn into_geometry(self) -> Result<Geometry<f64>, Fault> {
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

pub(super) struct ObjectSeed<'g, 's> {
    pub(super) gathered: &'g mut Gathered<'s>,
    pub(super) top: bool,
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
                "coordinates" if self.gathered.sink.is_some() => object.coordinates = Some(map.next_value()?),
                "coordinates" => {
                    // The first pass is after names of columns alone.
                    object.has_coordinates = true;
                    map.next_value::<IgnoredAny>()?;
                }
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

struct FeaturesSeed<'g, 's> {
    gathered: &'g mut Gathered<'s>,
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
            if self.gathered.halted.is_some() {
                return Err(de::Error::custom("halted"));
            }
        }
        Ok(())
    }
}

/// The `geometry` of a feature: an object, null, or something that does not belong there.
struct MemberSeed<'g, 's> {
    gathered: &'g mut Gathered<'s>,
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
struct PropertiesSeed<'g, 's> {
    gathered: &'g mut Gathered<'s>,
}

impl<'de> DeserializeSeed<'de> for PropertiesSeed<'_, '_> {
    type Value = Vec<(usize, Value)>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PropertiesSeed<'_, '_> {
    type Value = Vec<(usize, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties (an object or null)")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let column = self.gathered.column(key);
            if self.gathered.sink.is_some() {
                kept.push((column, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(kept)
    }
}
