//! Lines and rings: what makes them usable, and where the first bad coordinate is.

use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::line_intersection::{LineIntersection, line_intersection};
use geo::{Coord, Line, LineString, Polygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, Envelope, RTree};

use super::error::Fault;

/// Most vertices of one ring or line; a county's outline has a tenth of it.
pub(super) const MOST_VERTICES: usize = 1_000_000;
/// Coordinates of no reference system in use reach this, in metres or degrees.
const FARTHEST: f64 = 1e9;
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

/// What is wrong with a polygon, if anything is: a ring without area, crossing itself, a hole outside its shell, rings that cross.
/// A hole that touches its shell in one vertex is fine (OGC simple features).
///
/// Segments are found by an R-tree, O(n log n) for ordinary outlines. `geo`'s own validation compares all pairs of a ring, which for a
/// county's outline takes minutes, and its relation of holes asserts on coordinates a hair apart.
pub(super) fn fault_of_polygon(polygon: &Polygon<f64>) -> Option<Fault> {
    let mut checked = Vec::new();
    for r in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
        let mut points = r.0.clone();
        points.dedup();
        if let Some(fault) = flat(&points) {
            return Some(fault);
        }
        let ring = Ring::new(&points);
        if let Some(fault) = ring.crossing() {
            return Some(fault);
        }
        checked.push(ring);
    }
    let (shell, holes) = checked.split_first()?;
    for hole in holes {
        if let Some(c) = shell.first_not(hole, &[CoordPos::Inside, CoordPos::OnBoundary]) {
            return Some(at(Some(c), "self_intersection", "洞不在外环之内", "a hole does not lie inside its shell"));
        }
    }
    for (i, hole) in holes.iter().enumerate() {
        let apart = [CoordPos::Outside, CoordPos::OnBoundary];
        for other in holes.iter().skip(i + 1).filter(|o| hole.bounds().intersects(&o.bounds())) {
            if let Some(c) = hole.first_not(other, &apart).or_else(|| other.first_not(hole, &apart)) {
                return Some(at(
                    Some(c),
                    "self_intersection",
                    "两个洞重叠或共边",
                    "two holes overlap or share an edge",
                ));
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

/// A closed ring, its segments and an index of them.
struct Ring {
    segments: Vec<Line<f64>>,
    tree: RTree<GeomWithData<Rectangle<[f64; 2]>, usize>>,
    area: Polygon<f64>,
}

impl Ring {
    fn new(points: &[Coord<f64>]) -> Self {
        let segments: Vec<Line<f64>> = points.windows(2).map(|w| Line::new(w[0], w[1])).collect();
        let boxed = |(i, s): (usize, &Line<f64>)| {
            GeomWithData::new(Rectangle::from_corners([s.start.x, s.start.y], [s.end.x, s.end.y]), i)
        };
        let tree = RTree::bulk_load(segments.iter().enumerate().map(boxed).collect());
        Self { segments, tree, area: Polygon::new(LineString::new(points.to_vec()), Vec::new()) }
    }

    fn bounds(&self) -> AABB<[f64; 2]> {
        self.tree.root().envelope()
    }

    /// The segments whose boxes meet that of `s`, in the order of the ring.
    fn near(&self, s: &Line<f64>) -> Vec<(usize, &Line<f64>)> {
        let around = AABB::from_corners([s.start.x, s.start.y], [s.end.x, s.end.y]);
        let mut found: Vec<usize> = self.tree.locate_in_envelope_intersecting(around).map(|o| o.data).collect();
        found.sort_unstable();
        found.into_iter().filter_map(|j| Some((j, self.segments.get(j)?))).collect()
    }

    /// Where the ring meets itself beside the corners of neighbouring segments.
    fn crossing(&self) -> Option<Fault> {
        let n = self.segments.len();
        for (i, s) in self.segments.iter().enumerate() {
            for (j, t) in self.near(s).into_iter().filter(|(j, _)| *j > i) {
                let next = j == i + 1 || (i == 0 && j + 1 == n);
                let place = match line_intersection(*s, *t) {
                    Some(LineIntersection::SinglePoint { intersection, .. }) if !next => intersection,
                    Some(LineIntersection::Collinear { intersection }) => intersection.start,
                    _ => continue,
                };
                return Some(at(
                    Some(place),
                    "self_intersection",
                    "环与自身相交于",
                    "the ring crosses or touches itself at",
                ));
            }
        }
        None
    }

    /// The first place where `other` crosses this ring, runs along it, or lies on a side of it that is not `allowed`.
    ///
    /// Between two contacts a simple ring stays on one side: it is enough to look at the pieces beside contacts, or at any one piece.
    fn first_not(&self, other: &Self, allowed: &[CoordPos]) -> Option<Coord<f64>> {
        let middle = |a: Coord<f64>, b: Coord<f64>| (a + b) / 2.0;
        let mut looked_at = Vec::new();
        for s in &other.segments {
            let mut stops = Vec::new();
            for (_, t) in self.near(s) {
                match line_intersection(*s, *t) {
                    Some(LineIntersection::SinglePoint { intersection, is_proper: false }) => stops.push(intersection),
                    Some(LineIntersection::SinglePoint { intersection, .. }) => return Some(intersection),
                    Some(LineIntersection::Collinear { intersection }) => return Some(intersection.start),
                    None => {}
                }
            }
            if stops.is_empty() {
                continue;
            }
            let along = |c: &Coord<f64>| (c.x - s.start.x).hypot(c.y - s.start.y);
            stops.extend([s.start, s.end]);
            stops.sort_by(|a, b| along(a).total_cmp(&along(b)));
            stops.dedup();
            looked_at.extend(stops.windows(2).map(|w| middle(w[0], w[1])));
        }
        if looked_at.is_empty() {
            looked_at.extend(other.segments.first().map(|s| middle(s.start, s.end)));
        }
        looked_at.into_iter().find(|c| !allowed.contains(&self.area.coordinate_position(c)))
    }
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
    use geo::{Area, Validation};

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
        /// `geo`'s validation compares all pairs: the reference for small rings, but for flat ones, which it lets pass.
        #[test]
        fn small_rings_are_judged_as_geo_judges_them(
            points in proptest::collection::vec((0_i8..6, 0_i8..6), 3..8),
        ) {
            let ring: Vec<(f64, f64)> = points.iter().map(|p| (f64::from(p.0), f64::from(p.1))).collect();
            let p = polygon(&[&ring]);
            let valid = p.is_valid() && p.unsigned_area() > 0.0;
            proptest::prop_assert_eq!(fault_of_polygon(&p).is_none(), valid, "{:?}", p);
        }

        #[test]
        fn small_holes_are_judged_as_geo_judges_them(
            hole in proptest::collection::vec((0_i8..6, 0_i8..6), 3..6),
            other in proptest::collection::vec((0_i8..6, 0_i8..6), 3..5),
        ) {
            let ring = |r: &[(i8, i8)]| r.iter().map(|p| (f64::from(p.0), f64::from(p.1))).collect::<Vec<_>>();
            let shell: &[(f64, f64)] = &[(0., 0.), (5., 0.), (5., 3.), (3., 5.), (0., 5.), (1., 3.)];
            let (hole, other) = (ring(&hole), ring(&other));
            let whole = |r: &[(f64, f64)]| polygon(&[r]).unsigned_area() > 0.0;
            for rings in [&[shell, &hole][..], &[shell, &hole, &other]] {
                let p = polygon(rings);
                let valid = p.is_valid() && rings.iter().all(|r| whole(r));
                proptest::prop_assert_eq!(fault_of_polygon(&p).is_none(), valid, "{:?}", p);
            }
        }

        #[test]
        fn hostile_rings_never_panic(
            shell in proptest::collection::vec((hostile(), hostile()), 3..9),
            hole in proptest::collection::vec((hostile(), hostile()), 3..7),
            other in proptest::collection::vec((hostile(), hostile()), 3..7),
        ) {
            use super::super::interior::interior_point;
            let p = polygon(&[&shell, &hole, &other]);
            let _ = fault_of_polygon(&p);
            let _ = interior_point([&p]);
            let _ = interior_point([&polygon(&[&shell])]);
        }
    }

    fn hostile() -> impl proptest::strategy::Strategy<Value = f64> {
        proptest::sample::select(vec![
            -0.0,
            0.0,
            5e-324,
            1e-300,
            1e-16,
            0.1,
            0.2,
            0.3,
            1.0,
            1.0 + f64::EPSILON,
            2.0,
            3.0,
            105.0,
            105.000_000_1,
            -1e8,
            999_999_999.0,
        ])
    }
}
