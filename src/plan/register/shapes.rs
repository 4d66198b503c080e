//! Geometry between files (`geo`) and the register.

use geo::{Coord, LineString, Point, Polygon as GeoPolygon};

use crate::domain::register::{Geometry, Polygons, Ring};

type GeoGeometry = geo::Geometry<f64>;

fn positions(line: &LineString<f64>) -> Vec<[f64; 2]> {
    line.coords().map(|c| [c.x, c.y]).collect()
}

fn rings(p: &GeoPolygon<f64>) -> Vec<Ring> {
    std::iter::once(p.exterior()).chain(p.interiors()).map(positions).collect()
}

/// A file's geometry as the register has it; a single part is no multi-part. `None` for what the register does not hold.
pub(super) fn to_register(g: &GeoGeometry) -> Option<Geometry> {
    Some(match g {
        geo::Geometry::Point(p) => Geometry::Point([p.x(), p.y()]),
        geo::Geometry::MultiPoint(m) if m.0.len() == 1 => Geometry::Point(m.0.first().map(|p| [p.x(), p.y()])?),
        geo::Geometry::LineString(l) => Geometry::Line(positions(l)),
        geo::Geometry::MultiLineString(m) if m.0.len() == 1 => Geometry::Line(positions(m.0.first()?)),
        geo::Geometry::Polygon(p) => Geometry::Polygon(rings(p)),
        geo::Geometry::MultiPolygon(m) if m.0.len() == 1 => Geometry::Polygon(rings(m.0.first()?)),
        geo::Geometry::MultiPolygon(m) => Geometry::MultiPolygon(m.iter().map(rings).collect()),
        _ => return None,
    })
}

/// The polygons of an areal geometry.
pub(super) fn to_polygons(g: &GeoGeometry) -> Option<Polygons> {
    match g {
        geo::Geometry::Polygon(p) => Some(vec![rings(p)]),
        geo::Geometry::MultiPolygon(m) => Some(m.iter().map(rings).collect()),
        _ => None,
    }
}

fn line(positions: &[[f64; 2]]) -> LineString<f64> {
    positions.iter().map(|&[x, y]| Coord { x, y }).collect()
}

fn polygon(rings: &[Ring]) -> GeoPolygon<f64> {
    let mut lines = rings.iter().map(|r| line(r));
    let exterior = lines.next().unwrap_or_else(|| LineString::new(Vec::new()));
    GeoPolygon::new(exterior, lines.collect())
}

/// The register's geometry for a file.
pub(crate) fn to_file(g: &Geometry) -> GeoGeometry {
    match g {
        Geometry::Point([x, y]) => Point::new(*x, *y).into(),
        Geometry::Line(l) => line(l).into(),
        Geometry::Polygon(rings) => polygon(rings).into(),
        Geometry::MultiPolygon(parts) => polygons_to_file(parts),
    }
}

/// Polygons for a file: one part is no multi-part.
pub(crate) fn polygons_to_file(parts: &Polygons) -> GeoGeometry {
    match parts.as_slice() {
        [one] => polygon(one).into(),
        many => geo::MultiPolygon(many.iter().map(|p| polygon(p)).collect()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometry_comes_back_as_it_went() {
        let ring = vec![[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 0.0]];
        let hole = vec![[1.2, 0.5], [1.4, 0.5], [1.4, 0.7], [1.2, 0.5]];
        let all = [
            Geometry::Point([105.5, 26.0]),
            Geometry::Line(vec![[0.0, 0.0], [1.0, 1.0]]),
            Geometry::Polygon(vec![ring.clone(), hole]),
            Geometry::MultiPolygon(vec![vec![ring.clone()], vec![ring]]),
        ];
        for g in all {
            assert_eq!(to_register(&to_file(&g)), Some(g));
        }
    }
}
