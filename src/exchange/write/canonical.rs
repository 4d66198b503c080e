//! The one form in which every format gets a row, so that what comes back from any of them compares equal.

use geo::{Coord, Geometry, LineString, MapCoords, MultiLineString, MultiPoint, MultiPolygon, Polygon};

use crate::exchange::table::Cell;

use super::FieldType;

/// A value as its field holds it; empty text is nothing, a number that is not finite neither.
pub(super) fn value(cell: &Cell, kind: FieldType) -> Cell {
    match (kind, cell) {
        (_, Cell::Empty) => Cell::Empty,
        (FieldType::Whole, Cell::Whole(_)) | (FieldType::Bool, Cell::Bool(_)) => cell.clone(),
        (FieldType::Whole, Cell::Real(v)) if v.fract() == 0.0 && v.abs() < 9e15 => Cell::Whole(*v as i64),
        (FieldType::Real, Cell::Real(v)) if v.is_finite() => Cell::Real(fifteen_digits(*v)),
        (FieldType::Real, Cell::Whole(v)) => Cell::Real(fifteen_digits(*v as f64)),
        (FieldType::Date, Cell::Date(t) | Cell::Text(t)) if !t.is_empty() => Cell::Date(t.clone()),
        (FieldType::Text, Cell::Text(t) | Cell::Date(t)) => Cell::text(t.as_str()),
        (FieldType::Text, Cell::Whole(v)) => Cell::Text(v.to_string().into()),
        (FieldType::Text, Cell::Real(v)) => Cell::Text(v.to_string().into()),
        (FieldType::Text, Cell::Bool(b)) => Cell::Text(b.to_string().into()),
        _ => Cell::Empty,
    }
}

/// A number to fifteen significant digits: what Excel shows, and what survives readers that are off by the last bit (JSON parsers are).
fn fifteen_digits(v: f64) -> f64 {
    format!("{v:.14e}").parse().unwrap_or(v) + 0.0
}

/// A geometry rounded to nine decimals of a degree (a tenth of a millimetre), rings turned as RFC 7946 wants them (shells against the
/// clock, holes with it), a multi-geometry of one part as that part.
pub(super) fn geometry(geometry: &Geometry<f64>) -> Geometry<f64> {
    // Adding zero makes a negative zero positive, which would be written otherwise.
    let round = |v: f64| (v * 1e9).round() / 1e9 + 0.0;
    let rounded = geometry.map_coords(|c| Coord { x: round(c.x), y: round(c.y) });
    match rounded {
        Geometry::Polygon(p) => Geometry::Polygon(turned(p)),
        Geometry::MultiPolygon(m) => {
            let mut parts: Vec<Polygon<f64>> = m.0.into_iter().map(turned).collect();
            match (parts.len(), parts.pop()) {
                (1, Some(only)) => Geometry::Polygon(only),
                (_, last) => {
                    parts.extend(last);
                    Geometry::MultiPolygon(MultiPolygon::new(parts))
                }
            }
        }
        Geometry::MultiPoint(MultiPoint(points)) => match points.as_slice() {
            [only] => Geometry::Point(*only),
            _ => Geometry::MultiPoint(MultiPoint(points)),
        },
        Geometry::MultiLineString(MultiLineString(lines)) => match lines.as_slice() {
            [only] => Geometry::LineString(only.clone()),
            _ => Geometry::MultiLineString(MultiLineString(lines)),
        },
        other => other,
    }
}

fn turned(polygon: Polygon<f64>) -> Polygon<f64> {
    let (shell, holes) = polygon.into_inner();
    Polygon::new(ring(shell, true), holes.into_iter().map(|h| ring(h, false)).collect())
}

/// A ring against the clock or with it; its first vertex stays the first.
fn ring(mut ring: LineString<f64>, against_the_clock: bool) -> LineString<f64> {
    let first = ring.0.first().copied().unwrap_or_default();
    let twice_area: f64 = ring
        .lines()
        .map(|l| (l.start.x - first.x) * (l.end.y - first.y) - (l.end.x - first.x) * (l.start.y - first.y))
        .sum();
    if (twice_area > 0.0) != against_the_clock {
        ring.0.reverse();
    }
    ring
}

/// Smallest and greatest coordinates of a geometry.
pub(super) fn bounds(geometry: &Geometry<f64>) -> Option<[f64; 4]> {
    use geo::CoordsIter as _;
    let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let b = geometry.coords_iter().fold(start, |b, c| [b[0].min(c.x), b[1].min(c.y), b[2].max(c.x), b[3].max(c.y)]);
    (b[0] <= b[2]).then_some(b)
}

/// Bounds that hold both.
pub(super) fn joined(a: Option<[f64; 4]>, b: Option<[f64; 4]>) -> Option<[f64; 4]> {
    match (a, b) {
        (Some(a), Some(b)) => Some([a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]),
        (a, b) => a.or(b),
    }
}
