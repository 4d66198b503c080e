//! Geometries as well-known text, for formats that have only cells.

use std::fmt::Write as _;

use geo::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};

use super::error::Fault;
use super::rings;

/// A geometry as text; `None` for kinds that no layer has.
pub(super) fn to_wkt(geometry: &Geometry<f64>) -> Option<String> {
    fn list<T>(out: &mut String, items: &[T], each: impl Fn(&mut String, &T)) {
        out.push('(');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            each(out, item);
        }
        out.push(')');
    }
    fn coord(out: &mut String, c: &Coord<f64>) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{} {}", c.x, c.y);
    }
    fn line(out: &mut String, l: &LineString<f64>) {
        list(out, &l.0, coord);
    }
    fn polygon(out: &mut String, p: &Polygon<f64>) {
        let rings: Vec<&LineString<f64>> = std::iter::once(p.exterior()).chain(p.interiors()).collect();
        list(out, &rings, |out, r| line(out, r));
    }
    let mut out = String::new();
    match geometry {
        Geometry::Point(p) => {
            out.push_str("POINT ");
            list(&mut out, &[p.0], coord);
        }
        Geometry::LineString(l) => {
            out.push_str("LINESTRING ");
            line(&mut out, l);
        }
        Geometry::Polygon(p) => {
            out.push_str("POLYGON ");
            polygon(&mut out, p);
        }
        Geometry::MultiPoint(m) => {
            out.push_str("MULTIPOINT ");
            list(&mut out, &m.0, |out, p| list(out, &[p.0], coord));
        }
        Geometry::MultiLineString(m) => {
            out.push_str("MULTILINESTRING ");
            list(&mut out, &m.0, line);
        }
        Geometry::MultiPolygon(m) => {
            out.push_str("MULTIPOLYGON ");
            list(&mut out, &m.0, polygon);
        }
        _ => return None,
    }
    Some(out)
}

/// Reads what [`to_wkt`] writes and its kin; Z and M are left out.
///
/// # Errors
/// `bad_wkt`, or what is wrong with a line or ring.
pub(super) fn of_wkt(text: &str) -> Result<Geometry<f64>, Fault> {
    let bad = || {
        let shown: String = text.chars().take(40).collect();
        Fault::new("bad_wkt", format!("几何文本“{shown}”无法识别 / the geometry text \"{shown}\" is not understood"))
    };
    let text = text.split_once(';').filter(|(s, _)| s.starts_with("SRID=")).map_or(text, |(_, t)| t).trim();
    let open = text.find('(').ok_or_else(bad)?;
    let (word, body) = text.split_at_checked(open).ok_or_else(bad)?;
    let kind = word.split_whitespace().next().unwrap_or("").to_uppercase();
    let mut reader = Reader { rest: body, left: 4 * rings::MOST_VERTICES };
    let nested = reader.list(0).ok_or_else(bad)?;
    if !reader.rest.trim().is_empty() {
        return Err(bad());
    }
    let point = |n: Nested| -> Result<Point<f64>, Fault> {
        let c = match n {
            Nested::Coords(c) if c.len() == 1 => c.first().copied().ok_or_else(bad)?,
            _ => return Err(bad()),
        };
        rings::fault_of_coordinate(c).map_or(Ok(Point(c)), Err)
    };
    let coords = |n: Nested| match n {
        Nested::Coords(c) => Ok(c),
        Nested::List(_) => Err(bad()),
    };
    let list = |n: Nested| match n {
        Nested::List(l) => Ok(l),
        Nested::Coords(_) => Err(bad()),
    };
    let polygon = |n: Nested| -> Result<Polygon<f64>, Fault> {
        let mut all = Vec::new();
        for ring in list(n)? {
            all.push(rings::ring(coords(ring)?)?);
        }
        if all.is_empty() {
            return Err(bad());
        }
        let shell = all.remove(0);
        Ok(Polygon::new(shell, all))
    };
    Ok(match kind.as_str() {
        "POINT" => Geometry::Point(point(nested)?),
        "LINESTRING" => Geometry::LineString(rings::line(coords(nested)?)?),
        "POLYGON" => Geometry::Polygon(polygon(nested)?),
        "MULTIPOINT" => Geometry::MultiPoint(match nested {
            Nested::Coords(c) => MultiPoint::from(rings::finite(c)?.0),
            Nested::List(l) => MultiPoint::new(l.into_iter().map(point).collect::<Result<_, _>>()?),
        }),
        "MULTILINESTRING" => {
            let lines = list(nested)?.into_iter().map(|l| rings::line(coords(l)?)).collect::<Result<_, _>>()?;
            Geometry::MultiLineString(MultiLineString::new(lines))
        }
        "MULTIPOLYGON" => {
            let polygons = list(nested)?.into_iter().map(polygon).collect::<Result<_, _>>()?;
            Geometry::MultiPolygon(MultiPolygon::new(polygons))
        }
        _ => return Err(bad()),
    })
}

enum Nested {
    Coords(Vec<Coord<f64>>),
    List(Vec<Nested>),
}

struct Reader<'t> {
    rest: &'t str,
    left: usize,
}

impl Reader<'_> {
    fn eat(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A bracket and all in it; three levels are the deepest there are.
    fn list(&mut self, depth: usize) -> Option<Nested> {
        if depth > 2 || !self.eat('(') {
            return None;
        }
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('(') {
            let mut items = Vec::new();
            loop {
                items.push(self.list(depth + 1)?);
                if !self.eat(',') {
                    break;
                }
            }
            return self.eat(')').then_some(Nested::List(items));
        }
        let (body, rest) = self.rest.split_once(')')?;
        self.rest = rest;
        let mut coords = Vec::new();
        for tuple in body.split(',') {
            self.left = self.left.checked_sub(1)?;
            let mut numbers = tuple.split_whitespace().map(str::parse::<f64>);
            coords.push(Coord { x: numbers.next()?.ok()?, y: numbers.next()?.ok()? });
        }
        Some(Nested::Coords(coords))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_geometry_comes_back_from_its_text() {
        for text in [
            "POINT (105.9 26.2)",
            "LINESTRING (0 0, 1 1.5)",
            "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 0.5, 2 0.5, 2 1, 1 0.5))",
            "MULTIPOINT ((0 0), (1 1))",
            "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))",
            "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((9 9, 10 9, 10 10, 9 9)))",
        ] {
            assert_eq!(to_wkt(&of_wkt(text).expect("readable")).as_deref(), Some(text));
        }
        assert_eq!(of_wkt("SRID=4326;POINT Z (1 2 3)"), of_wkt("POINT(1 2)"));
        for bad in
            ["", "POINT", "POINT (", "POINT (1)", "POINT (1 x)", "POLYGON (0 0, 1 1)", "CIRCLE (1 1)", "POINT (1 2) x"]
        {
            assert_eq!(of_wkt(bad).expect_err("bad").code, "bad_wkt", "{bad}");
        }
        assert_eq!(of_wkt("POINT (NaN 2)").expect_err("bad").code, "not_a_number");
        assert_eq!(of_wkt(&"(".repeat(100_000)).expect_err("deep").code, "bad_wkt");
    }
}
