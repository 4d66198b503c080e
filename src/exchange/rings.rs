//! Lines and rings: what makes them usable, and where the first bad coordinate is.

use geo::{Coord, LineString, Polygon};

use crate::space::validity::{self, PolygonFaultKind};

use super::error::Fault;

/// Most vertices of one ring or line; a county's outline has less than half of it.
pub(super) const MOST_VERTICES: usize = 250_000;
/// Coordinates of no reference system in use reach this, in metres or degrees.
const FARTHEST: f64 = 1e9;

/// The fault of a ring or line with too many vertices.
pub(super) fn too_many_vertices() -> Fault {
    Fault::new(
        "too_many_vertices",
        format!(
            "一个环或线超过 {MOST_VERTICES} 个顶点，请简化 / one ring or line has more than {MOST_VERTICES} vertices; simplify it"
        ),
    )
}

/// The fault of a geometry that has no place for what is read.
pub(super) fn wrong_kind(found: &str, wanted_zh: &str, wanted_en: &str) -> Fault {
    let found: String = found.chars().take(40).collect();
    Fault::new("geometry_kind", format!("几何类型 {found}：需要{wanted_zh} / geometry {found}: {wanted_en} wanted"))
}

/// A line of at least two finite positions.
pub(super) fn line(points: Vec<Coord<f64>>) -> Result<LineString<f64>, Fault> {
    if points.len() < 2 {
        return Err(Fault::new(
            "bad_line",
            format!("线只有 {0} 个点，至少 2 个 / a line of {0} positions; 2 are the fewest", points.len()),
        ));
    }
    finite(points)
}

/// A closed ring of at least four finite positions.
pub(super) fn ring(points: Vec<Coord<f64>>) -> Result<LineString<f64>, Fault> {
    let line = finite(points)?;
    match (line.0.first(), line.0.last()) {
        (Some(first), Some(last)) if line.0.len() >= 4 => {
            if first == last {
                return Ok(line);
            }
            Err(Fault::new(
                "bad_ring",
                format!(
                    "环未闭合：起点 {0},{1}，终点 {2},{3} / the ring is not closed: it begins at {0},{1} and ends at {2},{3}",
                    first.x, first.y, last.x, last.y
                ),
            ))
        }
        (first, _) => {
            let near = first.map_or(String::new(), |c| format!(" {},{}", c.x, c.y));
            Err(Fault::new(
                "bad_ring",
                format!(
                    "环只有 {0} 个点，至少 4 个（首尾相同）{near} / a ring of {0} positions; 4 are the fewest (last = first){near}",
                    line.0.len()
                ),
            ))
        }
    }
}

/// Finite positions, not too many of them.
pub(super) fn finite(points: Vec<Coord<f64>>) -> Result<LineString<f64>, Fault> {
    if points.len() > MOST_VERTICES {
        return Err(too_many_vertices());
    }
    match points.iter().find_map(|c| fault_of_coordinate(*c)) {
        Some(fault) => Err(fault),
        None => Ok(LineString::new(points)),
    }
}

/// What is wrong with a coordinate of whatever system, if anything is: not finite, or beyond any of them.
pub(super) fn fault_of_coordinate(c: Coord<f64>) -> Option<Fault> {
    if !c.x.is_finite() || !c.y.is_finite() {
        return Some(not_a_number(&format!("{},{}", c.x, c.y)));
    }
    (c.x.abs() >= FARTHEST || c.y.abs() >= FARTHEST).then(|| {
        Fault::new("out_of_range", format!("坐标 {0},{1} 超出范围 / the position {0},{1} is out of range", c.x, c.y))
    })
}

/// The fault of a coordinate that is no finite number.
pub(super) fn not_a_number(shown: &str) -> Fault {
    let shown: String = shown.chars().take(40).collect();
    Fault::new("not_a_number", format!("坐标“{shown}”不是有限的数 / the coordinate \"{shown}\" is not a finite number"))
}

/// The fault of a polygon, if it has one.
pub(super) fn fault_of_polygon(polygon: &Polygon<f64>) -> Option<Fault> {
    let fault = validity::fault_of_polygon(polygon)?;
    let place = format!(" {},{}", fault.at.x, fault.at.y);
    let (code, chinese, english) = match fault.kind {
        PolygonFaultKind::NoArea => ("zero_area", "环没有面积", "the ring has no area"),
        PolygonFaultKind::RingCrosses => {
            ("self_intersection", "环与自身相交于", "the ring crosses or touches itself at")
        }
        PolygonFaultKind::HoleOutside => {
            ("self_intersection", "洞不在外环之内", "a hole does not lie inside its shell")
        }
        PolygonFaultKind::HolesOverlap => {
            ("self_intersection", "两个洞重叠或共边", "two holes overlap or share an edge")
        }
    };
    Some(Fault::new(code, format!("{chinese}{place} / {english}{place}")))
}

/// Rings of a polygon, exterior first, as the domain has them.
pub(super) fn rings_of(polygon: &Polygon<f64>) -> Vec<Vec<[f64; 2]>> {
    std::iter::once(polygon.exterior())
        .chain(polygon.interiors())
        .map(|r| r.0.iter().map(|c| [c.x, c.y]).collect())
        .collect()
}
