//! A point inside a polygon, for the place of a building.

use geo::Polygon;

/// The middle of the widest stretch inside any of `polygons` on the horizontal through the middle of its bounds; `None` where
/// there is no inside. Even-odd, O(vertices), so that crossed outlines have an answer too.
///
/// `geo`'s `InteriorPoint` gives the same for valid polygons, but asserts on some degenerate ones.
pub(super) fn interior_point<'p>(polygons: impl IntoIterator<Item = &'p Polygon<f64>>) -> Option<[f64; 2]> {
    let mut best: Option<(f64, [f64; 2])> = None;
    for polygon in polygons {
        for (width, point) in stretch(polygon) {
            if best.is_none_or(|(w, _)| width > w) {
                best = Some((width, point));
            }
        }
    }
    best.map(|(_, point)| point)
}

/// The widths and middles of the stretches inside one polygon.
fn stretch(polygon: &Polygon<f64>) -> Vec<(f64, [f64; 2])> {
    let rings = || std::iter::once(polygon.exterior()).chain(polygon.interiors());
    let heights = || rings().flat_map(|r| r.0.iter().map(|c| c.y));
    let (low, high) = heights().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| (l.min(y), h.max(y)));
    let mut y = (low + high) / 2.0;
    if heights().any(|v| v == y) {
        // A line through a vertex may run along an edge: half way to the nearest other vertex there is none.
        let nearest = heights().filter(|v| *v != y).min_by(|a, b| (a - y).abs().total_cmp(&(b - y).abs()));
        y = (y + nearest.unwrap_or(y)) / 2.0;
    }
    let mut crossings: Vec<f64> = rings()
        .flat_map(|r| r.lines())
        .filter(|l| (l.start.y > y) != (l.end.y > y))
        .map(|l| l.start.x + (y - l.start.y) / (l.end.y - l.start.y) * (l.end.x - l.start.x))
        .collect();
    crossings.sort_by(f64::total_cmp);
    crossings
        .chunks_exact(2)
        .map(|c| (c[1] - c[0], [(c[0] + c[1]) / 2.0, y]))
        .filter(|(width, _)| *width > 0.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Contains, InteriorPoint, LineString, Point};

    proptest::proptest! {
        /// Star-shaped outlines are valid: there the library is the reference.
        #[test]
        fn the_point_lies_inside_and_where_geo_puts_it(
            reach in proptest::collection::vec(0.5_f64..10.0, 3..20),
            hole in 0.05_f64..0.2,
        ) {
            let ring = |scale: &dyn Fn(usize) -> f64| {
                let n = reach.len();
                LineString::from(
                    (0..n)
                        .map(|i| {
                            let a = (i as f64 + 0.3) / n as f64 * std::f64::consts::TAU;
                            (105.0 + scale(i) * a.cos(), 26.0 + scale(i) * a.sin())
                        })
                        .collect::<Vec<_>>(),
                )
            };
            let p = Polygon::new(ring(&|i| reach[i]), vec![ring(&|_| hole)]);
            let at = interior_point([&p]).expect("inside");
            proptest::prop_assert!(p.contains(&Point::new(at[0], at[1])));
            let theirs = p.interior_point().expect("inside");
            proptest::prop_assert!((at[0] - theirs.x()).hypot(at[1] - theirs.y()) < 1e-9, "{:?} {:?}", at, theirs);
        }
    }

    #[test]
    fn flat_polygons_have_no_inside_and_bow_ties_do() {
        let of = |r: Vec<(f64, f64)>| Polygon::new(LineString::from(r), Vec::new());
        assert_eq!(interior_point([&of(vec![(0., 0.), (1., 1.), (3., 3.)])]), None);
        assert_eq!(interior_point([&of(vec![(-0.0, 0.0), (0.0, -0.0), (0.0, 0.0)])]), None);
        assert!(interior_point([&of(vec![(0., 0.), (2., 2.), (2., 0.), (0., 2.)])]).is_some());
    }
}
