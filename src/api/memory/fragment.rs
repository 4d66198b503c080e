//! A feature as text that GeoJSON is put together from, and its fields read back from that text.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};

use geo::{Coord, CoordsIter, Geometry, LineString, Polygon};
use memchr::{memchr, memchr_iter};

use super::collection::{Field, Spec};
use super::shape::Shape;

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Text(&'a str),
    Whole(i64),
    Real(f64),
    Bool(bool),
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(v: &'a Option<String>) -> Self {
        v.as_deref().map_or(Self::None, Self::Text)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(v: &'a str) -> Self {
        if v.is_empty() { Self::None } else { Self::Text(v) }
    }
}

impl<T: Into<i64>> From<Option<T>> for Value<'_> {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::None, |v| Self::Whole(v.into()))
    }
}

/// Writes a text as JSON.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    // most texts are codes and names: they stand in JSON as they are
    if !text.bytes().any(|b| matches!(b, 0..b' ' | b'"' | b'\\' | b'<' | 0xe2)) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        // Writing to a string cannot fail, here and below.
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // these end a line in JavaScript, and `<` a script in HTML
            c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}' | '<') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_value(out: &mut String, value: Value<'_>) {
    match value {
        Value::Text(t) => quote(out, t),
        Value::Whole(v @ 0..=9) => out.push(char::from(b'0' + v as u8)),
        Value::Whole(v) => {
            let _ = write!(out, "{v}");
        }
        Value::Real(v) if v.is_finite() => {
            let _ = write!(out, "{v}");
        }
        Value::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        Value::None | Value::Real(_) => out.push_str("null"),
    }
}

/// How positions are written: converted, then rounded to some decimals.
pub(crate) struct Pen<'a> {
    pub(crate) convert: Option<&'a dyn Fn([f64; 2]) -> [f64; 2]>,
    /// 10 to the number of decimals.
    pub(crate) unit: f64,
}

/// Whole numbers up to here are exact as floats, so that the digits are those of the rounded number.
const MOST_UNITS: f64 = 9e15;

/// Whole numbers up to 99 as two digits each.
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/// Digits of a number, the last one first.
struct Digits {
    text: [u8; 40],
    at: usize,
}

impl Digits {
    fn one(&mut self, digit: u8) {
        self.at = self.at.saturating_sub(1);
        if let Some(d) = self.text.get_mut(self.at) {
            *d = digit;
        }
    }

    fn pair(&mut self, number: u64) {
        let from = (number % 100) as usize * 2;
        self.at = self.at.saturating_sub(2);
        if let (Some(two), Some(pair)) = (self.text.get_mut(self.at..self.at + 2), PAIRS.get(from..from + 2)) {
            two.copy_from_slice(pair);
        }
    }

    fn text(&self) -> &str {
        self.text.get(self.at..).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or_default()
    }
}

/// Degrees with nine decimals: a tenth of a millimetre.
pub(crate) const DEGREES: Pen<'static> = Pen { convert: None, unit: 1e9 };

impl Pen<'_> {
    /// As few digits as tell the rounded number from others: digits of a whole number with a point between, which takes a fifth of the
    /// time of printing a float. Pages of features are made of such numbers.
    fn number(&self, out: &mut String, v: f64) {
        let units = (v * self.unit).round();
        if units.is_nan() || units.abs() >= MOST_UNITS {
            let _ = write!(out, "{}", units / self.unit);
            return;
        }
        let (unit, whole) = (self.unit as u64, units.abs() as u64);
        let mut digits = Digits { text: [b'0'; 40], at: 40 };
        let (mut part, mut places) = (whole % unit, unit);
        if part > 0 {
            // zeros at the end say nothing
            while part % 10 == 0 {
                (part, places) = (part / 10, places / 10);
            }
            while places >= 100 {
                digits.pair(part % 100);
                (part, places) = (part / 100, places / 100);
            }
            if places >= 10 {
                digits.one(b'0' + part as u8);
            }
            digits.one(b'.');
        }
        let mut rest = whole / unit;
        while rest >= 100 {
            digits.pair(rest % 100);
            rest /= 100;
        }
        if rest >= 10 {
            digits.pair(rest);
        } else {
            digits.one(b'0' + rest as u8);
        }
        if units < 0.0 {
            digits.one(b'-');
        }
        out.push_str(digits.text());
    }

    pub(crate) fn position(&self, out: &mut String, c: [f64; 2]) {
        let [a, b] = self.convert.map_or(c, |f| f(c));
        out.push('[');
        self.number(out, a);
        out.push(',');
        self.number(out, b);
        out.push(']');
    }

    /// Where a feature lies, as GeoJSON; `null` where it lies nowhere.
    pub(crate) fn shape(&self, out: &mut String, shape: Option<&Shape>) {
        match shape {
            None => out.push_str("null"),
            Some(Shape::Point(c)) => {
                out.push_str("{\"type\":\"Point\",\"coordinates\":");
                self.position(out, *c);
                out.push('}');
            }
            Some(Shape::Other(g)) => self.geometry(out, g),
        }
    }

    fn line(&self, out: &mut String, line: &LineString<f64>) {
        out.push('[');
        for (i, c) in line.0.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            self.position(out, [c.x, c.y]);
        }
        out.push(']');
    }

    fn polygon(&self, out: &mut String, p: &Polygon<f64>) {
        out.push('[');
        self.line(out, p.exterior());
        for hole in p.interiors() {
            out.push(',');
            self.line(out, hole);
        }
        out.push(']');
    }

    /// A geometry as GeoJSON; kinds the register does not hold are `null`.
    pub(crate) fn geometry(&self, out: &mut String, g: &Geometry<f64>) {
        let begin = |out: &mut String, kind: &str| {
            let _ = write!(out, "{{\"type\":\"{kind}\",\"coordinates\":");
        };
        match g {
            Geometry::Point(p) => {
                begin(out, "Point");
                let Coord { x, y } = p.0;
                self.position(out, [x, y]);
            }
            Geometry::LineString(l) => {
                begin(out, "LineString");
                self.line(out, l);
            }
            Geometry::Polygon(p) => {
                begin(out, "Polygon");
                self.polygon(out, p);
            }
            Geometry::MultiPolygon(m) => {
                begin(out, "MultiPolygon");
                out.push('[');
                for (i, p) in m.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.polygon(out, p);
                }
                out.push(']');
            }
            _ => {
                out.push_str("null");
                return;
            }
        }
        out.push('}');
    }
}

/// Stands between the values of a feature: in JSON it is never there as it is.
const BETWEEN: char = '\u{1f}';
const BETWEEN_BYTE: u8 = BETWEEN as u8;

/// The fields of a feature, in the order of the collection: name and value as JSON text.
pub(crate) struct Read<'a> {
    fields: std::slice::Iter<'static, Field>,
    values: Option<&'a str>,
}

impl<'a> Iterator for Read<'a> {
    type Item = (&'static Field, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, values) = (self.fields.next()?, self.values?);
        let Some(end) = memchr(BETWEEN_BYTE, values.as_bytes()) else {
            self.values = None;
            return Some((field, values));
        };
        self.values = values.get(end + 1..);
        Some((field, values.get(..end)?))
    }
}

/// Appends what a feature says: its values in the order of the fields. Where it lies is not text until it is asked for.
pub(super) fn compose(text: &mut String, spec: &Spec, values: &[Value<'_>]) {
    for (i, (_, value)) in spec.fields.iter().zip(values).enumerate() {
        if i > 0 {
            text.push(BETWEEN);
        }
        write_value(text, *value);
    }
}

/// A feature, wherever it stands.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) id: &'a str,
    /// Division, grid or unit it belongs to: by that it is seen.
    pub(super) code: &'a str,
    /// Its values, see [`compose`].
    pub(super) text: &'a str,
    pub(super) shape: Option<&'a Shape>,
    /// Version of the register's row; 0 where there is none.
    pub(super) version: u64,
}

impl<'a> Part<'a> {
    /// No feature.
    pub(super) const NONE: Part<'static> = Part { id: "", code: "", text: "", shape: None, version: 0 };

    /// Its fields as JSON text.
    pub(super) fn fields(&self, spec: &'static Spec) -> Read<'a> {
        Read { fields: spec.fields.iter(), values: Some(self.text) }
    }

    /// Appends it as GeoJSON, with or without its personal fields.
    pub(super) fn append(&self, out: &mut String, spec: &'static Spec, personal: bool) {
        let values = self.text;
        // names of fields take about as much again
        out.reserve(2 * values.len() + 160);
        out.push_str("{\"type\":\"Feature\",\"id\":");
        match self.fields(spec).next().map(|(_, value)| value).filter(|_| spec.key.is_some()) {
            // the key is the first field
            Some(key) => out.push_str(key),
            None => quote(out, self.id),
        }
        out.push_str(",\"geometry\":");
        DEGREES.shape(out, self.shape);
        out.push_str(",\"properties\":{");
        let (mut start, mut ends) = (0, memchr_iter(BETWEEN_BYTE, values.as_bytes()));
        // the first comes after nothing
        let mut skipped = 1;
        for field in spec.fields {
            // personal fields stand last
            if field.personal && !personal {
                break;
            }
            let end = ends.next().unwrap_or(values.len());
            out.push_str(field.key.get(skipped..).unwrap_or_default());
            out.push_str(values.get(start..end).unwrap_or_default());
            (start, skipped) = (end + 1, 0);
        }
        out.push_str("}}");
    }

    /// Of all that it says and by whom it is seen: the sum over features is the hash of a collection, in whatever order they came.
    pub(super) fn hash(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        for text in [self.id, self.code, self.text] {
            hash.write(text.as_bytes());
            hash.write_u8(0xff);
        }
        match self.shape {
            None => {}
            Some(Shape::Point(c)) => c.iter().for_each(|v| hash.write_u64(v.to_bits())),
            Some(Shape::Other(g)) => hash_geometry(&mut hash, g),
        }
        hash.finish()
    }

    pub(super) fn is_same(&self, other: &Part<'_>) -> bool {
        (self.id, self.code, self.text, self.shape, self.version)
            == (other.id, other.code, other.text, other.shape, other.version)
    }
}

/// Rings and lines apart from each other, whatever their positions are.
fn hash_geometry(hash: &mut DefaultHasher, g: &Geometry<f64>) {
    let mut line = |l: &LineString<f64>, kind: u8| {
        hash.write_u8(kind);
        hash.write_usize(l.0.len());
        l.0.iter().flat_map(|c| [c.x, c.y]).for_each(|v| hash.write_u64(v.to_bits()));
    };
    let mut polygon = |p: &Polygon<f64>| {
        line(p.exterior(), 1);
        p.interiors().iter().for_each(|hole| line(hole, 2));
    };
    match g {
        Geometry::Polygon(p) => polygon(p),
        Geometry::MultiPolygon(all) => all.iter().for_each(polygon),
        Geometry::LineString(l) => line(l, 0),
        other => other.coords_iter().flat_map(|c| [c.x, c.y]).for_each(|v| hash.write_u64(v.to_bits())),
    }
}

/// A feature on its own.
#[derive(Clone, Debug)]
pub(crate) struct Feature {
    id: String,
    code: String,
    text: String,
    shape: Option<Shape>,
    version: u64,
}

impl Feature {
    /// From values in the order of the collection's fields.
    pub(super) fn new(spec: &Spec, id: &str, code: &str, shape: Option<Shape>, values: &[Value<'_>]) -> Self {
        let mut text = String::new();
        compose(&mut text, spec, values);
        Self { id: id.to_owned(), code: code.to_owned(), text, shape, version: 0 }
    }

    /// As a row of the register has it.
    pub(super) fn versioned(self, version: u64) -> Self {
        Self { version, ..self }
    }

    pub(super) fn part(&self) -> Part<'_> {
        let Self { id, code, text, shape, version } = self;
        Part { id, code, text, shape: shape.as_ref(), version: *version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::memory::collection::{Collection, Kind};

    #[test]
    fn numbers_have_the_digits_that_a_float_of_theirs_is_printed_with() {
        let mut random = crate::domain::random::Random::new(5);
        let some = [0.0, -0.0, 1e-10, -1e-10, 0.5, -105.5, 180.0, 1e9, 12_345.678_9, f64::NAN, 1e300];
        for v in some.into_iter().chain((0..20_000).map(|_| (random.unit() - 0.5) * 360.0)) {
            for unit in [1e9, 1e3, 1.0] {
                let mut out = String::new();
                Pen { convert: None, unit }.number(&mut out, v);
                let rounded = (v * unit).round() / unit;
                let printed = if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() };
                assert_eq!(out, printed, "{v} {unit}");
            }
        }
    }

    #[test]
    fn text_is_read_as_a_json_parser_reads_it() {
        for text in ["", "a\"b", "back\\slash", "行\n\t\r", "\u{1}\u{1f}\u{2028}", "</script>", "😀"] {
            let mut out = String::new();
            quote(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).expect("JSON"), text);
            assert!(!out.contains('<') && !out.contains(BETWEEN));
        }
    }

    #[test]
    fn fields_come_back_one_by_one_and_make_the_same_text_as_a_writer_of_json() {
        static FIELDS: [Field; 3] = [
            Field { name: "a", key: ",\"a\":", title: "", kind: Kind::Text, personal: false },
            Field { name: "bc", key: ",\"bc\":", title: "", kind: Kind::Whole, personal: false },
            Field { name: "d", key: ",\"d\":", title: "", kind: Kind::Bool, personal: true },
        ];
        static SPEC: Spec = Spec { fields: &FIELDS, ..*Collection::Leaders.spec() };
        let nasty = "x,\"}\u{1f}\u{7f}";
        for (shape, geometry) in [
            (None, serde_json::Value::Null),
            (Some(Shape::Point([105.5, 26.0])), serde_json::json!({"type": "Point", "coordinates": [105.5, 26]})),
        ] {
            let feature = Feature::new(&SPEC, nasty, "52", shape, &[nasty.into(), Value::None, Value::Bool(true)]);
            let read: Vec<&str> = feature.part().fields(&SPEC).map(|(_, v)| v).collect();
            assert_eq!(serde_json::from_str::<String>(read[0]).expect("JSON"), nasty);
            assert_eq!(read[1..], ["null", "true"]);
            for personal in [true, false] {
                let mut out = String::new();
                feature.part().append(&mut out, &SPEC, personal);
                let mut properties = serde_json::json!({"a": nasty, "bc": null});
                if personal {
                    properties["d"] = true.into();
                }
                let whole = serde_json::json!({
                    "type": "Feature", "id": nasty, "geometry": geometry, "properties": properties,
                });
                let normal = |v: &serde_json::Value| v.to_string().replace(".0", "");
                assert_eq!(normal(&serde_json::from_str(&out).expect("JSON")), normal(&whole));
            }
        }
    }
}
