//! GeoJSON as a layer: streamed straight into coordinates, so that a large ring never becomes a tree of JSON values.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead as _, BufReader};

use geo::{Geometry, MultiLineString, MultiPoint, MultiPolygon};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::exchange::coordinates::Nested;
use crate::exchange::encoding::{self, Metered};
use crate::exchange::error::{Fault, Faults, ReadError, RowKind};
use crate::exchange::layer::System;
use crate::exchange::rings;
use crate::exchange::source::{Source, decoded, sha256_hex};
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::{Request, cell_of_json, csv};

/// Deepest nesting of a document; GeoJSON needs nine levels, properties some more.
const DEEPEST: usize = 64;
/// The foreign member by which our own files say that positions are planar metres.
const PLANAR_MARK: &str = "lianhu:coordinates";
/// Separates the texts of a sequence (RFC 8142).
const RECORD_SEPARATOR: u8 = 0x1E;

/// Reads a whole document: once for its columns, which may appear in the last feature, then for its rows.
pub(super) fn read_document(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    if file != "-" {
        request.limits.checked_size(file)?;
    }
    let bytes = Source::new(file, None).bytes()?;
    let text = decoded(file, &bytes)?;
    let mut gathered = Gathered::default();
    let system = document(file, &text, &mut gathered)?;
    request.check_columns(gathered.columns.len())?;
    sink.head(head(&gathered, system, sha256_hex(&bytes)))?;
    gathered.second_pass(request, sink, |gathered| document(file, &text, gathered).map(|_| ()))
}

fn head(gathered: &Gathered<'_>, system: System, sha256_hex: String) -> Head {
    Head { columns: gathered.columns.clone(), features: true, system, sha256_hex, ..Head::default() }
}

/// Reads a sequence of features: one a line, or each begun by a record separator.
pub(super) fn read_sequence(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    let sniffed = encoding::sniff(file, request.open()?)?;
    let walk = |gathered: &mut Gathered<'_>| -> Result<Option<System>, Halt> {
        let (metered, since) = Metered::new(encoding::text_reader(file, sniffed.encoding)?);
        let mut bytes = BufReader::with_capacity(1 << 16, metered);
        let unreadable = |e: std::io::Error| encoding::error_of(file, &e);
        let separated = bytes.fill_buf().map_err(unreadable)?.trim_ascii_start().first() == Some(&RECORD_SEPARATOR);
        let end = if separated { RECORD_SEPARATOR } else { b'\n' };
        let (mut record, mut line, mut byte, mut system) = (Vec::new(), 0, 0, None);
        loop {
            record.clear();
            since.set(0);
            if bytes.read_until(end, &mut record).map_err(unreadable)? == 0 {
                return Ok(system);
            }
            let text = record.strip_suffix(&[RECORD_SEPARATOR]).unwrap_or(&record);
            let text = std::str::from_utf8(text).map_err(|_| ReadError::Encoding { file: file.to_owned() })?;
            if !text.trim().is_empty() {
                let found = document(file, text, gathered).map_err(|e| moved(e, line, byte))?;
                system.get_or_insert(found);
            }
            line += record.iter().filter(|b| **b == b'\n').count();
            byte += record.len();
        }
    };
    let mut gathered = Gathered::default();
    let Some(system) = walk(&mut gathered)? else { return Err(ReadError::Empty { file: file.to_owned() }.into()) };
    request.check_columns(gathered.columns.len())?;
    sink.head(head(&gathered, system, sniffed.sha256_hex.clone()))?;
    gathered.second_pass(request, sink, |gathered| walk(gathered).map(|_| ()))
}

/// An error of a text that begins `lines` and `bytes` into the file.
fn moved(e: Halt, lines: usize, bytes: usize) -> Halt {
    match e {
        Halt::Error(ReadError::Json { file, code, line, column, byte, chinese, english }) => {
            let (line, byte) = (line + lines, byte + bytes);
            Halt::Error(ReadError::Json { file, code, line, column, byte, chinese, english })
        }
        other => other,
    }
}

/// Takes one document apart into `gathered`, and gives its reference system.
fn document(file: &str, text: &str, gathered: &mut Gathered<'_>) -> Result<System, Halt> {
    if let Some(byte) = too_deep(text.as_bytes()) {
        let (zh, en) = (format!("嵌套超过 {DEEPEST} 层"), format!("nested deeper than {DEEPEST} levels"));
        return Err(json_error(file, text, "json_depth", byte, &zh, &en).into());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = ObjectSeed { gathered, top: true }.deserialize(&mut reader);
    if let Some(halt) = gathered.halted.take() {
        return Err(halt);
    }
    let top = match read.and_then(|top| reader.end().map(|()| top)) {
        Ok(top) => top,
        Err(e) => return Err(said(file, text, &e, gathered.count + 1).into()),
    };
    let (crs, planar) = (top.crs.clone(), top.planar);
    match top.kind.as_deref() {
        Some("FeatureCollection") if top.features => {}
        Some("Feature") => gathered.push_feature(top),
        Some(_) if top.coordinates.is_some() || top.collection || (gathered.sink.is_none() && top.has_coordinates) => {
            gathered.push(None, Vec::new(), top.into_geometry());
        }
        _ => {
            let (zh, en) = (
                "不是 GeoJSON：需要 FeatureCollection、Feature 或几何对象",
                "no GeoJSON: a FeatureCollection, a Feature or a geometry is needed",
            );
            return Err(json_error(file, text, "not_geojson", 0, zh, en).into());
        }
    }
    if let Some(halt) = gathered.halted.take() {
        return Err(halt);
    }
    Ok(match (planar, crs) {
        (true, _) => System::Metres,
        (false, Some(name)) => System::named(&name),
        (false, None) => System::Degrees,
    })
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

/// What one pass gathers: columns always, and rows for the sink of the second one.
#[derive(Default)]
struct Gathered<'s> {
    columns: Vec<String>,
    at: HashMap<String, usize>,
    sink: Option<(&'s Request, RefCell<&'s mut dyn RowSink>)>,
    count: u64,
    cells: u64,
    halted: Option<Halt>,
}

impl Gathered<'_> {
    /// Runs `pass` again over the same text, with the columns known, and gives each row to `sink`.
    fn second_pass<'a>(
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

    fn push_feature(&mut self, mut object: Object) {
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

    fn push(&mut self, id: Option<String>, properties: Vec<(usize, Value)>, geometry: Result<Geometry<f64>, Fault>) {
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
struct Object {
    kind: Option<String>,
    coordinates: Option<Nested>,
    collection: bool,
    geometry: Option<Member>,
    properties: Vec<(usize, Value)>,
    has_coordinates: bool,
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

struct ObjectSeed<'g, 's> {
    gathered: &'g mut Gathered<'s>,
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
