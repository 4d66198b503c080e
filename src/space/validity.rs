//! Whether a polygon is valid by OGC simple features, and where it is not.

use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::line_intersection::{LineIntersection, line_intersection};
use geo::{Coord, Line, LineString, Polygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, Envelope, RTree};

/// A ring whose vertices lie this near to one line, in shares of its extent, has no area.
const FLAT: f64 = 1e-12;

/// What is wrong with a polygon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolygonFaultKind {
    /// A ring encloses nothing.
    NoArea,
    /// A ring crosses or touches itself.
    RingCrosses,
    /// A hole does not lie inside its shell.
    HoleOutside,
    /// Two holes overlap or share an edge.
    HolesOverlap,
}

/// A fault, and the first place where it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolygonFault {
    /// What is wrong.
    pub kind: PolygonFaultKind,
    /// Where.
    pub at: Coord<f64>,
}

impl std::fmt::Display for PolygonFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            PolygonFaultKind::NoArea => "环没有面积 / a ring has no area",
            PolygonFaultKind::RingCrosses => "环与自身相交 / a ring crosses or touches itself",
            PolygonFaultKind::HoleOutside => "洞不在外环之内 / a hole does not lie inside its shell",
            PolygonFaultKind::HolesOverlap => "两个洞重叠 / two holes overlap or share an edge",
        })
    }
}

/// What is wrong with a polygon, if anything is: a ring without area, crossing itself, a hole outside its shell, rings that cross.
/// A hole that touches its shell in one vertex is fine (OGC simple features).
///
/// Segments are found by an R-tree, O(n log n) for ordinary outlines. `geo`'s own validation compares all pairs of a ring, which for a
/// county's outline takes minutes, and its relation of holes asserts on coordinates a hair apart.
#[must_use]
pub fn fault_of_polygon(polygon: &Polygon<f64>) -> Option<PolygonFault> {
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
            return Some(PolygonFault { kind: PolygonFaultKind::HoleOutside, at: c });
        }
    }
    for (i, hole) in holes.iter().enumerate() {
        let apart = [CoordPos::Outside, CoordPos::OnBoundary];
        for other in holes.iter().skip(i + 1).filter(|o| hole.bounds().intersects(&o.bounds())) {
            if let Some(c) = hole.first_not(other, &apart).or_else(|| other.first_not(hole, &apart)) {
                return Some(PolygonFault { kind: PolygonFaultKind::HolesOverlap, at: c });
            }
        }
    }
    None
}

fn flat(points: &[Coord<f64>]) -> Option<PolygonFault> {
    let first = *points.first()?;
    let from_first = |c: &Coord<f64>| (c.x - first.x, c.y - first.y);
    let far = points.iter().map(from_first).max_by(|a, b| a.0.hypot(a.1).total_cmp(&b.0.hypot(b.1)))?;
    let extent2 = far.0 * far.0 + far.1 * far.1;
    let widest = points.iter().map(from_first).map(|c| (far.0 * c.1 - far.1 * c.0).abs()).fold(0.0, f64::max);
    (widest <= FLAT * extent2).then_some(PolygonFault { kind: PolygonFaultKind::NoArea, at: first })
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
    fn crossing(&self) -> Option<PolygonFault> {
        let n = self.segments.len();
        for (i, s) in self.segments.iter().enumerate() {
            for (j, t) in self.near(s).into_iter().filter(|(j, _)| *j > i) {
                let next = j == i + 1 || (i == 0 && j + 1 == n);
                let place = match line_intersection(*s, *t) {
                    Some(LineIntersection::SinglePoint { intersection, .. }) if !next => intersection,
                    Some(LineIntersection::Collinear { intersection }) => intersection.start,
                    _ => continue,
                };
                return Some(PolygonFault { kind: PolygonFaultKind::RingCrosses, at: place });
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

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Area, Validation};

    fn polygon(rings: &[&[(f64, f64)]]) -> Polygon<f64> {
        let mut rings = rings.iter().map(|r| LineString::from(r.to_vec()));
        Polygon::new(rings.next().expect("shell"), rings.collect())
    }

    fn code(rings: &[&[(f64, f64)]]) -> Option<PolygonFaultKind> {
        fault_of_polygon(&polygon(rings)).map(|f| f.kind)
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
        assert_eq!(f, PolygonFault { kind: PolygonFaultKind::RingCrosses, at: Coord { x: 1.0, y: 1.0 } });
    }

    #[test]
    fn spikes_flat_rings_and_holes_outside_are_faults() {
        assert_eq!(
            code(&[&[(0., 0.), (4., 0.), (4., 4.), (4., 6.), (4., 4.), (0., 4.), (0., 0.)]]),
            Some(PolygonFaultKind::RingCrosses)
        );
        assert_eq!(code(&[&[(0., 0.), (1., 1.), (3., 3.), (0., 0.)]]), Some(PolygonFaultKind::NoArea));
        assert_eq!(code(&[&[(1., 1.), (1., 1.), (1., 1.), (1., 1.)]]), Some(PolygonFaultKind::NoArea));
        assert_eq!(code(&[SQUARE, &[(5., 5.), (6., 5.), (6., 6.), (5., 5.)]]), Some(PolygonFaultKind::HoleOutside));
        assert_eq!(code(&[SQUARE, &[(3., 3.), (6., 3.), (3., 3.5), (3., 3.)]]), Some(PolygonFaultKind::HoleOutside));
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
            let p = polygon(&[&shell, &hole, &other]);
            let _ = fault_of_polygon(&p);
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
