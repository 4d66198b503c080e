//! GeoJSON (RFC 7946) and GeoJSON text sequences, one feature a line.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};

use geo::{Coord, Geometry, LineString, Polygon};

use crate::exchange::table::Cell;

use super::whole::WholeFile;
use super::{Sink, WriteError, WriterSchema, Written};

/// How features stand in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// One `FeatureCollection`.
    Collection,
    /// One feature a line, each line a text of its own.
    Sequence,
}

pub(super) struct GeoJson {
    out: BufWriter<WholeFile>,
    keys: Vec<String>,
    framing: Framing,
    rows: u64,
    line: String,
}

impl GeoJson {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema, framing: Framing) -> Result<Self, WriteError> {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        if framing == Framing::Collection {
            let begin = format!("{{\"type\":\"FeatureCollection\",\"name\":{},\"features\":[", quoted(&schema.layer));
            out.write_all(begin.as_bytes()).map_err(|e| out.get_ref().error(e))?;
        }
        let keys = schema.fields.iter().map(|f| quoted(&f.name)).collect();
        Ok(Self { out, keys, framing, rows: 0, line: String::new() })
    }
}

/// A text as JSON has it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Sink for GeoJson {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        let line = &mut self.line;
        line.clear();
        if self.framing == Framing::Collection {
            line.push_str(if self.rows == 0 { "\n" } else { ",\n" });
        }
        line.push_str("{\"type\":\"Feature\",\"properties\":{");
        for (i, (key, value)) in self.keys.iter().zip(values).enumerate() {
            if i > 0 {
                line.push(',');
            }
            line.push_str(key);
            line.push(':');
            // Writing to a string cannot fail, here and below.
            let _ = match value {
                Cell::Empty => write!(line, "null"),
                Cell::Text(t) | Cell::Date(t) => write!(line, "{}", quoted(t)),
                Cell::Whole(v) => write!(line, "{v}"),
                Cell::Real(v) => write!(line, "{v}"),
                Cell::Bool(b) => write!(line, "{b}"),
            };
        }
        line.push_str("},\"geometry\":");
        match geometry {
            Some(g) => append(line, g),
            None => line.push_str("null"),
        }
        line.push('}');
        if self.framing == Framing::Sequence {
            line.push('\n');
        }
        self.rows += 1;
        self.out.write_all(self.line.as_bytes()).map_err(|e| self.out.get_ref().error(e))
    }

    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        if self.framing == Framing::Collection {
            self.out.write_all(b"\n]}\n").map_err(|e| self.out.get_ref().error(e))?;
        }
        let file = self.out.into_inner().map_err(|e| {
            let reason = e.error().to_string();
            e.into_inner().get_ref().error(reason)
        })?;
        file.commit()?;
        Ok(Written::default())
    }
}

fn list<T>(out: &mut String, items: &[T], each: impl Fn(&mut String, &T)) {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        each(out, item);
    }
    out.push(']');
}

fn append(out: &mut String, geometry: &Geometry<f64>) {
    fn coord(out: &mut String, c: &Coord<f64>) {
        let _ = write!(out, "[{},{}]", c.x, c.y);
    }
    fn line(out: &mut String, l: &LineString<f64>) {
        list(out, &l.0, coord);
    }
    fn polygon(out: &mut String, p: &Polygon<f64>) {
        let rings: Vec<&LineString<f64>> = std::iter::once(p.exterior()).chain(p.interiors()).collect();
        list(out, &rings, |out, r| line(out, r));
    }
    let begin = |out: &mut String, kind: &str| {
        let _ = write!(out, "{{\"type\":\"{kind}\",\"coordinates\":");
    };
    match geometry {
        Geometry::Point(p) => {
            begin(out, "Point");
            coord(out, &p.0);
        }
        Geometry::LineString(l) => {
            begin(out, "LineString");
            line(out, l);
        }
        Geometry::Polygon(p) => {
            begin(out, "Polygon");
            polygon(out, p);
        }
        Geometry::MultiPoint(m) => {
            begin(out, "MultiPoint");
            list(out, &m.0, |out, p| coord(out, &p.0));
        }
        Geometry::MultiLineString(m) => {
            begin(out, "MultiLineString");
            list(out, &m.0, line);
        }
        Geometry::MultiPolygon(m) => {
            begin(out, "MultiPolygon");
            list(out, &m.0, polygon);
        }
        _ => {
            out.push_str("null");
            return;
        }
    }
    out.push('}');
}
