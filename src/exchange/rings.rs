//! Lines and rings: what makes them usable, and where the first bad coordinate is.

use geo::coordinate_position::CoordPos;
use geo::line_intersection::{LineIntersection, line_intersection};
use geo::dimensions::Dimensions;
use geo::{BoundingRect, Coord, CoordsIter, Intersects, Line, LineString, Polygon, PreparedGeometry, Relate};
use rstar::RTree;
use rstar::primitives::{GeomWithData, Rectangle};

use super::error::Fault;

/// Most vertices of one ring or line; a county's outline has a tenth of it.
pub(super) const MOST_VERTICES: usize = 1_000_000;
/// A ring whose vertices lie this near to one line, in shares of its extent, has no area.
const FLAT: f64 = 1e-12;

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

fn finite(points: Vec<Coord<f64>>) -> Result<LineString<f64>, Fault> {
    if points.len() > MOST_VERTICES {
        return Err(too_many_vertices());
    }
    match points.iter().find(|c| !c.x.is_finite() || !c.y.is_finite()) {
        Some(c) => Err(not_a_number(&format!("{},{}", c.x, c.y))),
        None => Ok(LineString::new(points)),
    }
}

/// The fault of a coordinate that is no finite number.
pub(super) fn not_a_number(shown: &str) -> Fault {
    let shown: String = shown.chars().take(40).collect();
    Fault::new("not_a_number", format!("坐标“{shown}”不是有限的数 / the coordinate \"{shown}\" is not a finite number"))
}

/// What is wrong with a polygon, if anything is: a ring without area, crossing itself, a hole outside its shell, rings that cross.
/// A hole that touches its shell in one vertex is fine (OGC simple features).
///
/// Each ring is searched by an R-tree of its segments, O(n log n) for ordinary outlines; `geo`'s own validation compares all pairs,
/// which for a county's outline takes minutes.
pub(super) fn fault_of_polygon(polygon: &Polygon<f64>) -> Option<Fault> {
    let rings = || std::iter::once(polygon.exterior()).chain(polygon.interiors());
    for r in rings() {
        let mut points = r.0.clone();
        points.dedup();
        if let Some(fault) = flat(&points).or_else(|| crossing(&points)) {
            return Some(fault);
        }
    }
    if polygon.interiors().is_empty() {
        return None;
    }
    let alone = |r: &LineString<f64>| Polygon::new(r.clone(), Vec::new());
    let shell = alone(polygon.exterior());
    let prepared = PreparedGeometry::from(&shell);
    let holes: Vec<Polygon<f64>> = polygon.interiors().iter().map(alone).collect();
    for hole in &holes {
        let matrix = prepared.relate(hole);
        let along = matrix.get(CoordPos::OnBoundary, CoordPos::OnBoundary) == Dimensions::OneDimensional;
        if !matrix.is_contains() || along {
            let c = hole.exterior_coords_iter().find(|c| !shell.intersects(c)).or(hole.exterior().0.first().copied());
            return Some(at(c, "self_intersection", "洞不在外环之内", "a hole does not lie inside its shell"));
        }
    }
    for (i, hole) in holes.iter().enumerate() {
        let Some(around) = hole.bounding_rect() else { continue };
        let near = |o: &&Polygon<f64>| o.bounding_rect().is_some_and(|r| around.intersects(&r));
        for other in holes.iter().skip(i + 1).filter(near) {
            let matrix = hole.relate(other);
            let over = matrix.get(CoordPos::Inside, CoordPos::Inside) == Dimensions::TwoDimensional;
            let along = matrix.get(CoordPos::OnBoundary, CoordPos::OnBoundary) == Dimensions::OneDimensional;
            if over || along {
                let c = other.exterior().0.first().copied();
                return Some(at(c, "self_intersection", "两个洞重叠或共边", "two holes overlap or share an edge"));
            }
        }
    }
    None
}

fn at(c: Option<Coord<f64>>, code: &'static str, chinese: &str, english: &str) -> Fault {
    let place = c.map_or(String::new(), |c| format!(" {},{}", c.x, c.y));
    Fault::new(code, format!("{chinese}{place} / {english}{place}"))
}

fn flat(points: &[Coord<f64>]) -> Option<Fault> {
    let first = *points.first()?;
    let from_first = |c: &Coord<f64>| (c.x - first.x, c.y - first.y);
    let far = points.iter().map(from_first).max_by(|a, b| a.0.hypot(a.1).total_cmp(&b.0.hypot(b.1)))?;
    let extent2 = far.0 * far.0 + far.1 * far.1;
    let widest = points.iter().map(from_first).map(|c| (far.0 * c.1 - far.1 * c.0).abs()).fold(0.0, f64::max);
    (widest <= FLAT * extent2).then(|| at(Some(first), "zero_area", "环没有面积", "the ring has no area"))
}

fn crossing(points: &[Coord<f64>]) -> Option<Fault> {
    let segments: Vec<Line<f64>> = points.windows(2).map(|w| Line::new(w[0], w[1])).collect();
    let n = segments.len();
    let tree = RTree::bulk_load(
        segments
            .iter()
            .enumerate()
            .map(|(i, s)| GeomWithData::new(Rectangle::from_corners([s.start.x, s.start.y], [s.end.x, s.end.y]), i))
            .collect(),
    );
    for (i, s) in segments.iter().enumerate() {
        let around = rstar::AABB::from_corners([s.start.x, s.start.y], [s.end.x, s.end.y]);
        // The smallest partner, so that the message does not hang on the tree's order.
        let mut worst: Option<(usize, Coord<f64>)> = None;
        for other in tree.locate_in_envelope_intersecting(around) {
            let j = other.data;
            if j <= i {
                continue;
            }
            let Some(t) = segments.get(j) else { continue };
            let next = j == i + 1 || (i == 0 && j + 1 == n);
            let place = match line_intersection(*s, *t) {
                Some(LineIntersection::SinglePoint { intersection, .. }) if !next => intersection,
                Some(LineIntersection::Collinear { intersection }) => intersection.start,
                _ => continue,
            };
            if worst.is_none_or(|(k, _)| j < k) {
                worst = Some((j, place));
            }
        }
        if let Some((_, c)) = worst {
            return Some(at(Some(c), "self_intersection", "环与自身相交于", "the ring crosses or touches itself at"));
        }
    }
    None
}

/// Rings of a polygon, exterior first, as the domain has them.
pub(super) fn rings_of(polygon: &Polygon<f64>) -> Vec<Vec<[f64; 2]>> {
    std::iter::once(polygon.exterior())
        .chain(polygon.interiors())
        .map(|r| r.0.iter().map(|c| [c.x, c.y]).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::Validation;

    fn polygon(rings: &[&[(f64, f64)]]) -> Polygon<f64> {
        let mut rings = rings.iter().map(|r| LineString::from(r.to_vec()));
        Polygon::new(rings.next().expect("shell"), rings.collect())
    }

    fn code(rings: &[&[(f64, f64)]]) -> Option<&'static str> {
        fault_of_polygon(&polygon(rings)).map(|f| f.code)
    }

    const SQUARE: &[(f64, f64)] = &[(0., 0.), (2., 0.), (4., 0.), (4., 4.), (0., 4.), (0., 0.)];

    #[test]
    fn hole_touching_its_shell_in_one_vertex_is_fine() {
        assert_eq!(code(&[SQUARE, &[(0., 2.), (2., 1.), (2., 3.), (0., 2.)]]), None);
        assert_eq!(code(&[SQUARE]), None);
    }

    #[test]
    fn bow_tie_names_where_it_crosses() {
        let f = fault_of_polygon(&polygon(&[&[(0., 0.), (2., 2.), (2., 0.), (0., 2.), (0., 0.)]])).expect("fault");
        assert!(f.code == "self_intersection" && f.message.contains("1,1"), "{f:?}");
    }

    #[test]
    fn spikes_flat_rings_and_holes_outside_are_faults() {
        assert_eq!(
            code(&[&[(0., 0.), (4., 0.), (4., 4.), (4., 6.), (4., 4.), (0., 4.), (0., 0.)]]),
            Some("self_intersection")
        );
        assert_eq!(code(&[&[(0., 0.), (1., 1.), (3., 3.), (0., 0.)]]), Some("zero_area"));
        assert_eq!(code(&[&[(1., 1.), (1., 1.), (1., 1.), (1., 1.)]]), Some("zero_area"));
        assert_eq!(code(&[SQUARE, &[(5., 5.), (6., 5.), (6., 6.), (5., 5.)]]), Some("self_intersection"));
        assert_eq!(code(&[SQUARE, &[(3., 3.), (6., 3.), (3., 3.5), (3., 3.)]]), Some("self_intersection"));
    }

    proptest::proptest! {
        /// `geo`'s validation compares all pairs: the reference for small rings.
        #[test]
        fn small_rings_are_judged_as_geo_judges_them(
            points in proptest::collection::vec((0_i8..6, 0_i8..6), 3..8),
        ) {
            let ring: Vec<(f64, f64)> = points.iter().map(|p| (f64::from(p.0), f64::from(p.1))).collect();
            let p = polygon(&[&ring]);
            proptest::prop_assert_eq!(fault_of_polygon(&p).is_none(), p.is_valid(), "{:?}", p);
        }
    }
}
