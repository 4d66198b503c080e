//! KML: placemarks with their extended data, event by event. Documents are read twice, since columns may appear in the last placemark.

use std::cell::Cell as Counter;
use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::rc::Rc;

use geo::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::exchange::encoding::{self, Metered};
use crate::exchange::error::{Fault, ReadError};
use crate::exchange::layer::System;
use crate::exchange::rings;
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::{Request, csv};

/// Deepest nesting of elements; folders in folders, then nine levels of a polygon.
const DEEPEST: usize = 64;

pub(super) fn read(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let sniffed = encoding::sniff(&request.file, request.open()?)?;
    let document = || -> Result<Document<'_>, ReadError> {
        let (metered, since) = Metered::new(encoding::text_reader(&request.file, sniffed.encoding)?);
        Ok(Document::new(request, Box::new(metered), since))
    };
    let mut first = document()?;
    first.walk(&mut |_, _| Ok(()))?;
    if !first.any_kml {
        return Err(ReadError::corrupt(&request.file, "no kml element").into());
    }
    let columns = first.columns;
    sink.head(Head {
        columns: columns.iter().map(|c| c.0.clone()).collect(),
        features: true,
        system: System::Degrees,
        sha256_hex: sniffed.sha256_hex,
        ..Head::default()
    })?;
    let at: HashMap<String, usize> = columns.iter().enumerate().map(|(i, c)| (c.0.clone(), i)).collect();
    let mut cells_seen = 0;
    document()?.walk(&mut |number, placemark| {
        cells_seen += columns.len() as u64;
        request.check_cells(cells_seen)?;
        let mut cells = vec![Cell::Empty; columns.len()];
        let mut fault = None;
        for (name, value) in placemark.data {
            if value.len() > request.limits.text_bytes {
                fault = Some(csv::too_long(request));
                continue;
            }
            if let Some((cell, column)) = at.get(&name).and_then(|i| Some((cells.get_mut(*i)?, columns.get(*i)?))) {
                *cell = typed(&value, &column.1);
            }
        }
        sink.row(RawRow { number, id: placemark.id, cells, geometry: Some(geometry_of(placemark.shapes)), fault })
    })
}

/// A value by the type the schema gives its column.
fn typed(value: &str, kind: &str) -> Cell {
    match kind {
        "int" | "uint" | "short" | "ushort" | "long" => value.parse().map_or_else(|_| Cell::text(value), Cell::Whole),
        "float" | "double" => value.parse().map_or_else(|_| Cell::text(value), Cell::real),
        "bool" => match value {
            "1" | "true" => Cell::Bool(true),
            "0" | "false" => Cell::Bool(false),
            _ => Cell::text(value),
        },
        _ => Cell::text(value),
    }
}

#[derive(Default)]
struct Placemark {
    id: Option<String>,
    data: Vec<(String, String)>,
    /// `name` and `description` elements, columns where no extended data of that name stands.
    plain: Vec<(&'static str, String)>,
    shapes: Vec<Result<Shape, Fault>>,
}

enum Shape {
    Point(Coord<f64>),
    Line(LineString<f64>),
    Polygon(Polygon<f64>),
}

struct Document<'r> {
    request: &'r Request,
    reader: Reader<BufReader<Box<dyn Read>>>,
    since: Rc<Counter<u64>>,
    columns: Vec<(String, String)>,
    seen: HashMap<String, ()>,
    any_kml: bool,
}

/// What is being gathered inside one placemark.
#[derive(Default)]
struct Open {
    key: Option<String>,
    rings: Vec<Vec<Coord<f64>>>,
    coordinates: Vec<Coord<f64>>,
    fault: Option<Fault>,
}

impl<'r> Document<'r> {
    fn new(request: &'r Request, bytes: Box<dyn Read>, since: Rc<Counter<u64>>) -> Self {
        let reader = Reader::from_reader(BufReader::with_capacity(1 << 16, bytes));
        Self { request, reader, since, columns: Vec::new(), seen: HashMap::new(), any_kml: false }
    }

    fn column(&mut self, name: &str, kind: &str) {
        if self.seen.insert(name.to_owned(), ()).is_none() {
            self.columns.push((name.to_owned(), kind.to_owned()));
        }
    }

    fn damaged(&self, what: &str) -> ReadError {
        ReadError::corrupt(&self.request.file, format!("XML, byte {}: {what}", self.reader.buffer_position()))
    }

    /// Calls `each` with every placemark and its number.
    fn walk(&mut self, each: &mut dyn FnMut(u64, Placemark) -> Result<(), Halt>) -> Result<(), Halt> {
        let (mut buffer, mut path, mut text) = (Vec::new(), Vec::<String>::new(), String::new());
        let (mut number, mut placemark, mut open) = (0_u64, None::<Placemark>, Open::default());
        loop {
            self.since.set(0);
            buffer.clear();
            let event = match self.reader.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(e)) => return Err(encoding::error_of(&self.request.file, &e).into()),
                Err(e) => return Err(self.damaged(&e.to_string()).into()),
            };
            match event {
                Event::Start(e) => {
                    let name = e.local_name().as_ref().to_owned();
                    self.begin(&e, &name, &mut placemark, &mut open)?;
                    path.push(name);
                    if path.len() > DEEPEST {
                        return Err(self.too_deep().into());
                    }
                    text.clear();
                }
                Event::Empty(e) => {
                    let name = e.local_name().as_ref().to_owned();
                    self.begin(&e, &name, &mut placemark, &mut open)?;
                    open.key = None;
                    if let Some(empty) = placemark.take_if(|_| name == "Placemark") {
                        number += 1;
                        each(number, empty)?;
                    }
                }
                Event::End(_) => {
                    let Some(name) = path.pop() else { return Err(self.damaged("an end without a beginning").into()) };
                    let inside = path.last().map_or("", String::as_str);
                    if name == "Placemark" {
                        if let Some(mut done) = placemark.take() {
                            number += 1;
                            self.name_plain(&mut done);
                            self.request.check_columns(self.columns.len())?;
                            each(number, done)?;
                        }
                        open = Open::default();
                    } else if let Some(p) = placemark.as_mut() {
                        end_of(&name, inside, &text, p, &mut open);
                    }
                    text.clear();
                }
                Event::Text(t) => text.push_str(&t.into_inner()),
                Event::CData(t) => text.push_str(&t.into_inner()),
                Event::GeneralRef(r) => match (r.resolve_char_ref(), &*r) {
                    (Ok(Some(c)), _) => text.push(c),
                    (Ok(None), "amp") => text.push('&'),
                    (Ok(None), "lt") => text.push('<'),
                    (Ok(None), "gt") => text.push('>'),
                    (Ok(None), "quot") => text.push('"'),
                    (Ok(None), "apos") => text.push('\''),
                    // Entities of a document's own are how such files explode.
                    _ => return Err(self.damaged("an entity that XML does not define").into()),
                },
                Event::DocType(_) => return Err(self.damaged("a document type has no place in KML").into()),
                Event::Eof if path.is_empty() => return Ok(()),
                Event::Eof => return Err(self.damaged("the document ends in the middle").into()),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
            if text.len() as u64 > crate::exchange::limits::RECORD_BYTES {
                return Err(self.damaged("a text without end").into());
            }
        }
    }

    fn too_deep(&self) -> ReadError {
        ReadError::limit(
            &self.request.file,
            "json_depth",
            format!("嵌套超过 {DEEPEST} 层"),
            format!("nested deeper than {DEEPEST} levels"),
        )
    }

    fn begin(
        &mut self,
        e: &BytesStart<'_>,
        name: &str,
        placemark: &mut Option<Placemark>,
        open: &mut Open,
    ) -> Result<(), ReadError> {
        let attribute = |key: &str| -> Option<String> {
            let a = e.try_get_attribute(key).ok().flatten()?;
            a.normalized_value(XmlVersion::Implicit1_0).ok().map(|v| v.into_owned())
        };
        match name {
            "kml" => self.any_kml = true,
            "SimpleField" => {
                if let Some(column) = attribute("name") {
                    self.column(&column, &attribute("type").unwrap_or_default());
                    self.request.check_columns(self.columns.len())?;
                }
            }
            "Placemark" => {
                *placemark = Some(Placemark { id: attribute("id"), ..Placemark::default() });
                *open = Open::default();
            }
            "Data" | "SimpleData" if placemark.is_some() => {
                open.key = attribute("name");
                if let Some(key) = open.key.clone() {
                    self.column(&key, "");
                }
            }
            "Point" | "LineString" | "Polygon" => {
                open.rings.clear();
                open.coordinates.clear();
                open.fault = None;
            }
            _ => {}
        }
        Ok(())
    }

    /// `name` and `description` become columns, unless extended data say the same under that name.
    fn name_plain(&mut self, placemark: &mut Placemark) {
        for (key, value) in std::mem::take(&mut placemark.plain) {
            let written = placemark.data.iter().any(|(k, _)| k.eq_ignore_ascii_case(key) || k == "名称");
            if !written && !value.is_empty() && !self.seen.keys().any(|k| k != key && k.eq_ignore_ascii_case(key)) {
                self.column(key, "");
                placemark.data.push((key.to_owned(), value));
            }
        }
    }
}

/// An element inside a placemark has ended.
fn end_of(name: &str, inside: &str, text: &str, placemark: &mut Placemark, open: &mut Open) {
    match (name, inside) {
        ("name", "Placemark") => placemark.plain.push(("name", text.trim().to_owned())),
        ("description", "Placemark") => placemark.plain.push(("description", text.trim().to_owned())),
        ("value", "Data") | ("SimpleData", _) => {
            if let Some(key) = open.key.take() {
                placemark.data.push((key, text.to_owned()));
            }
        }
        ("coordinates", _) => match coordinates(text) {
            Ok(list) if inside == "LinearRing" => open.rings.push(list),
            Ok(list) => open.coordinates = list,
            Err(fault) => {
                open.fault.get_or_insert(fault);
            }
        },
        ("Point" | "LineString" | "Polygon", _) => {
            let list = std::mem::take(&mut open.coordinates);
            let made = match (open.fault.take(), name) {
                (Some(fault), _) => Err(fault),
                (None, "Point") => match list.as_slice() {
                    [c] => Ok(Shape::Point(*c)),
                    _ => Err(Fault::new("bad_position", "点应有一个坐标 / a point has one position")),
                },
                (None, "LineString") => rings::line(list).map(Shape::Line),
                (None, _) => polygon(std::mem::take(&mut open.rings)).map(Shape::Polygon),
            };
            placemark.shapes.push(made);
        }
        _ => {}
    }
}

fn polygon(list: Vec<Vec<Coord<f64>>>) -> Result<Polygon<f64>, Fault> {
    let mut all = list.into_iter().map(rings::ring).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        return Err(Fault::new("no_geometry", "没有几何 / there is no geometry"));
    }
    let shell = all.remove(0);
    Ok(Polygon::new(shell, all))
}

/// `lon,lat[,height]` tuples between white space.
fn coordinates(text: &str) -> Result<Vec<Coord<f64>>, Fault> {
    let mut list = Vec::new();
    for tuple in text.split_ascii_whitespace() {
        let mut numbers = tuple.split(',').map(|n| n.parse::<f64>().ok());
        let (Some(Some(x)), Some(Some(y))) = (numbers.next(), numbers.next()) else {
            return Err(rings::not_a_number(tuple));
        };
        let c = Coord { x, y };
        if let Some(fault) = rings::fault_of_coordinate(c) {
            return Err(fault);
        }
        if list.len() >= rings::MOST_VERTICES {
            return Err(rings::too_many_vertices());
        }
        list.push(c);
    }
    Ok(list)
}

/// The shapes of a placemark as one geometry; several of one kind are a multi-geometry.
fn geometry_of(shapes: Vec<Result<Shape, Fault>>) -> Result<Geometry<f64>, Fault> {
    let (mut points, mut lines, mut polygons) = (Vec::new(), Vec::new(), Vec::new());
    for shape in shapes {
        match shape? {
            Shape::Point(c) => points.push(Point(c)),
            Shape::Line(l) => lines.push(l),
            Shape::Polygon(p) => polygons.push(p),
        }
    }
    match (points.len(), lines.len(), polygons.len()) {
        (0, 0, 0) => Err(Fault::new("no_geometry", "没有几何 / there is no geometry")),
        (1, 0, 0) => Ok(Geometry::Point(points.remove(0))),
        (0, 1, 0) => Ok(Geometry::LineString(lines.remove(0))),
        (0, 0, 1) => Ok(Geometry::Polygon(polygons.remove(0))),
        (_, 0, 0) => Ok(Geometry::MultiPoint(MultiPoint::new(points))),
        (0, _, 0) => Ok(Geometry::MultiLineString(MultiLineString::new(lines))),
        (0, 0, _) => Ok(Geometry::MultiPolygon(MultiPolygon::new(polygons))),
        _ => Err(rings::wrong_kind("MultiGeometry", "同一种几何", "shapes of one kind")),
    }
}
