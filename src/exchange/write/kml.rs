//! KML 2.2: placemarks with typed extended data under a schema.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};

use geo::{Coord, Geometry, LineString, Polygon};

use crate::exchange::table::Cell;

use super::csv::text_of;
use super::whole::WholeFile;
use super::{FieldType, Sink, WriteError, WriterSchema, Written};

pub(super) struct Kml {
    out: BufWriter<WholeFile>,
    names: Vec<String>,
    label: Option<usize>,
    text: String,
}

/// A text between tags or in an attribute; characters that XML cannot hold at all are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A parser would make spaces or line feeds of them.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => out.push(c),
        }
    }
    out
}

impl Kml {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema) -> Result<Self, WriteError> {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document id=\"root_doc\"><name>{}</name>\n<Schema name=\"layer\" id=\"layer\">\n",
            escaped(&schema.layer)
        );
        for field in &schema.fields {
            let kind = match field.kind {
                FieldType::Text | FieldType::Date => "string",
                FieldType::Whole => "int",
                FieldType::Real => "double",
                FieldType::Bool => "bool",
            };
            // Writing to a string cannot fail, here and below.
            let _ = writeln!(text, "<SimpleField name=\"{}\" type=\"{kind}\"/>", escaped(&field.name));
        }
        text.push_str("</Schema>\n");
        out.write_all(text.as_bytes()).map_err(|e| out.get_ref().error(e))?;
        let named = |name: &str| schema.fields.iter().position(|f| f.name == name);
        let label = named("name").or_else(|| named("名称")).or_else(|| named("code")).or_else(|| named("id"));
        let names = schema.fields.iter().map(|f| escaped(&f.name)).collect();
        Ok(Self { out, names, label, text })
    }
}

impl Sink for Kml {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        let text = &mut self.text;
        text.clear();
        text.push_str("<Placemark>");
        if let Some(label) = self.label.and_then(|i| values.get(i)).filter(|c| **c != Cell::Empty) {
            let _ = write!(text, "<name>{}</name>", escaped(&text_of(label)));
        }
        text.push_str("<ExtendedData><SchemaData schemaUrl=\"#layer\">");
        for (name, value) in self.names.iter().zip(values) {
            let said = match value {
                Cell::Empty => continue,
                // GDAL takes the words true and false for zero, both of them.
                Cell::Bool(b) => u8::from(*b).to_string(),
                other => escaped(&text_of(other)),
            };
            let _ = write!(text, "<SimpleData name=\"{name}\">{said}</SimpleData>");
        }
        text.push_str("</SchemaData></ExtendedData>");
        if let Some(g) = geometry {
            append(text, g);
        }
        text.push_str("</Placemark>\n");
        self.out.write_all(self.text.as_bytes()).map_err(|e| self.out.get_ref().error(e))
    }

    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        self.out.write_all(b"</Document></kml>\n").map_err(|e| self.out.get_ref().error(e))?;
        let file = self.out.into_inner().map_err(|e| {
            let reason = e.error().to_string();
            e.into_inner().get_ref().error(reason)
        })?;
        file.commit()?;
        Ok(Written::default())
    }
}

fn coordinates(out: &mut String, coords: &[Coord<f64>]) {
    out.push_str("<coordinates>");
    for (i, c) in coords.iter().enumerate() {
        let _ = write!(out, "{}{},{}", if i > 0 { " " } else { "" }, c.x, c.y);
    }
    out.push_str("</coordinates>");
}

fn ring(out: &mut String, role: &str, ring: &LineString<f64>) {
    let _ = write!(out, "<{role}><LinearRing>");
    coordinates(out, &ring.0);
    let _ = write!(out, "</LinearRing></{role}>");
}

fn point(out: &mut String, c: Coord<f64>) {
    out.push_str("<Point>");
    coordinates(out, &[c]);
    out.push_str("</Point>");
}

fn line(out: &mut String, l: &LineString<f64>) {
    out.push_str("<LineString>");
    coordinates(out, &l.0);
    out.push_str("</LineString>");
}

fn polygon(out: &mut String, p: &Polygon<f64>) {
    out.push_str("<Polygon>");
    ring(out, "outerBoundaryIs", p.exterior());
    p.interiors().iter().for_each(|r| ring(out, "innerBoundaryIs", r));
    out.push_str("</Polygon>");
}

fn append(out: &mut String, geometry: &Geometry<f64>) {
    let multi = matches!(geometry, Geometry::MultiPoint(_) | Geometry::MultiLineString(_) | Geometry::MultiPolygon(_));
    if multi {
        out.push_str("<MultiGeometry>");
    }
    match geometry {
        Geometry::Point(p) => point(out, p.0),
        Geometry::LineString(l) => line(out, l),
        Geometry::Polygon(p) => polygon(out, p),
        Geometry::MultiPoint(m) => m.0.iter().for_each(|p| point(out, p.0)),
        Geometry::MultiLineString(m) => m.0.iter().for_each(|l| line(out, l)),
        Geometry::MultiPolygon(m) => m.0.iter().for_each(|p| polygon(out, p)),
        _ => {}
    }
    if multi {
        out.push_str("</MultiGeometry>");
    }
}
