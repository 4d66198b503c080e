//! A feature as finished GeoJSON text, and its fields read back from that text.

use std::fmt::Write as _;

use geo::{Coord, Geometry, LineString, Polygon};

use super::collection::Field;

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

pub(super) fn write_value(out: &mut String, value: Value<'_>) {
    let _ = match value {
        Value::Text(t) => {
            quote(out, t);
            Ok(())
        }
        Value::Whole(v) => write!(out, "{v}"),
        Value::Real(v) if v.is_finite() => write!(out, "{v}"),
        Value::Bool(v) => write!(out, "{v}"),
        Value::None | Value::Real(_) => write!(out, "null"),
    };
}

/// How positions are written: converted, then rounded to some decimals.
pub(crate) struct Pen<'a> {
    pub(crate) convert: Option<&'a dyn Fn([f64; 2]) -> [f64; 2]>,
    /// 10 to the number of decimals.
    pub(crate) unit: f64,
}

/// Degrees with nine decimals: a tenth of a millimetre.
pub(crate) const DEGREES: Pen<'static> = Pen { convert: None, unit: 1e9 };

impl Pen<'_> {
    pub(crate) fn position(&self, out: &mut String, c: [f64; 2]) {
        let [a, b] = self.convert.map_or(c, |f| f(c));
        let [a, b] = [a, b].map(|v| (v * self.unit).round() / self.unit);
        let _ = write!(out, "[{a},{b}]");
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

/// The fields of a fragment's properties, in the order of the collection: name and value as JSON text.
pub(crate) struct Read<'a> {
    fields: std::slice::Iter<'static, Field>,
    rest: &'a str,
}

impl<'a> Read<'a> {
    /// `text` begins after the opening brace of the properties.
    pub(crate) fn new(fields: &'static [Field], text: &'a str) -> Self {
        Self { fields: fields.iter(), rest: text }
    }
}

/// Length of the JSON scalar a text begins with.
fn scalar_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return bytes.iter().position(|b| matches!(b, b',' | b'}')).unwrap_or(bytes.len());
    }
    let mut at = 1;
    while let Some(b) = bytes.get(at) {
        match b {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

impl<'a> Iterator for Read<'a> {
    type Item = (&'static Field, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        // a comma but before the first, then the quoted name and a colon
        let rest = self.rest.strip_prefix(',').unwrap_or(self.rest).get(field.name.len() + 3..)?;
        let (value, rest) = rest.split_at_checked(scalar_length(rest))?;
        self.rest = rest;
        Some((field, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::memory::collection::Kind;

    #[test]
    fn text_is_read_as_a_json_parser_reads_it() {
        for text in ["", "a\"b", "back\\slash", "行\n\t\r", "\u{1}\u{2028}", "</script>", "😀"] {
            let mut out = String::new();
            quote(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).expect("JSON"), text);
            assert_eq!(scalar_length(&format!("{out},\"x\"")), out.len());
            assert!(!out.contains('<'));
        }
    }

    #[test]
    fn fields_come_back_one_by_one() {
        static FIELDS: [Field; 3] = [
            Field { name: "a", title: "", kind: Kind::Text, personal: false },
            Field { name: "bc", title: "", kind: Kind::Whole, personal: false },
            Field { name: "d", title: "", kind: Kind::Bool, personal: true },
        ];
        let text = r#""a":"x,\"}","bc":null,"d":true}}"#;
        let read: Vec<&str> = Read::new(&FIELDS, text).map(|(_, v)| v).collect();
        assert_eq!(read, [r#""x,\"}""#, "null", "true"]);
    }
}
