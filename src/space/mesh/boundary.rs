//! The area of a village: given, or the buffered hull of its sites.

use geo::{BooleanOps, ConvexHull, Coord, LineString, MultiPoint, MultiPolygon, Point, Polygon};

use crate::space::validity::fault_of_polygon;

use super::MeshError;

/// Rings of a polygon, exterior first, without the closing repetition.
pub(super) type Rings = Vec<Vec<[f64; 2]>>;

/// Buffer of the hull where no boundary is given, in metres.
const BUFFER_M: f64 = 50.0;

/// The convex hull of the places, buffered by 50 m with four segments a quarter circle.
pub(super) fn buffered_hull(places: &[[f64; 2]]) -> Vec<Rings> {
    // The buffer of a convex hull is the hull of the circles around its corners; circles start on the outward normals of each hull
    // edge, as the usual buffer operations do, so that edges are moved out by exactly the buffer.
    let hull = MultiPoint::new(places.iter().map(|p| Point::new(p[0], p[1])).collect::<Vec<_>>()).convex_hull();
    let mut corners: Vec<Coord<f64>> = hull.exterior().coords().copied().collect();
    corners.dedup();
    if corners.len() > 1 && corners.first() == corners.last() {
        corners.pop();
    }
    if corners.is_empty() {
        corners.extend(places.first().map(|p| Coord { x: p[0], y: p[1] }));
    }
    let n = corners.len();
    let mut ring: Vec<[f64; 2]> = Vec::new();
    let step = std::f64::consts::FRAC_PI_2 / 4.0;
    for i in 0..n {
        let (p, c, q) = (corners[(i + n - 1) % n], corners[i], corners[(i + 1) % n]);
        let normal = |a: Coord<f64>, b: Coord<f64>| (b.x - a.x).atan2(-(b.y - a.y)) + std::f64::consts::PI;
        let (from, mut to) = if n == 1 { (0.0, std::f64::consts::TAU) } else { (normal(p, c), normal(c, q)) };
        while to < from - 1e-12 {
            to += std::f64::consts::TAU;
        }
        let arcs = ((to - from) / step - 1e-9).ceil().max(1.0) as u32;
        let last = if n == 1 { arcs - 1 } else { arcs };
        for k in 0..=last {
            let a = if k == arcs { to } else { from + step * f64::from(k) };
            ring.push([c.x + BUFFER_M * a.cos(), c.y + BUFFER_M * a.sin()]);
        }
    }
    ring.dedup_by(|a, b| (a[0] - b[0]).hypot(a[1] - b[1]) < 1e-6);
    vec![vec![ring]]
}

/// Checks given polygons and joins those that touch.
pub(super) fn validated(
    given: &[Vec<Vec<[f64; 2]>>],
    relative: &impl Fn([f64; 2]) -> [f64; 2],
) -> Result<Vec<Rings>, MeshError> {
    let mut number = 0;
    let mut polygons: Vec<Polygon<f64>> = Vec::new();
    for polygon in given {
        let mut lines = Vec::new();
        let mut flat = None;
        for ring in polygon {
            let index = number;
            number += 1;
            if !ring.iter().all(|&c| super::is_near(relative(c))) {
                return Err(MeshError::NotFinite { what: "boundary ring", index });
            }
            let mut points: Vec<[f64; 2]> = ring.iter().map(|&c| relative(c)).collect();
            points.dedup();
            if points.len() > 1 && points.first() == points.last() {
                points.pop();
            }
            if points.len() < 3 {
                return Err(MeshError::ShortRing { ring: index, points: points.len() });
            }
            let area: f64 = (0..points.len())
                .map(|i| {
                    let (a, b) = (points[i], points[(i + 1) % points.len()]);
                    a[0] * b[1] - b[0] * a[1]
                })
                .sum();
            if area.abs() < 1e-3 {
                flat = flat.or(Some(index));
            }
            lines.push(LineString::from(points));
        }
        let mut lines = lines.into_iter();
        let Some(exterior) = lines.next() else { continue };
        let polygon = Polygon::new(exterior, lines.collect());
        if let Some(fault) = fault_of_polygon(&polygon) {
            let origin = relative([0.0; 2]);
            let near = [fault.at.x - origin[0], fault.at.y - origin[1]];
            return Err(MeshError::InvalidBoundary { problem: fault.to_string(), near });
        }
        // After the other faults: the two halves of a bow-tie cancel out too.
        if let Some(ring) = flat {
            return Err(MeshError::NoArea { ring });
        }
        polygons.push(polygon);
    }
    if polygons.is_empty() {
        return Err(MeshError::ShortRing { ring: 0, points: 0 });
    }
    let whole = MultiPolygon::new(polygons);
    // Parts that overlap or share a border would be counted twice; parts that keep apart stay exactly as they were given.
    let whole = if apart(&whole) { whole } else { whole.union(&MultiPolygon::new(Vec::new())) };
    let open = |l: &LineString<f64>| {
        let mut r: Vec<[f64; 2]> = l.coords().map(|c| [c.x, c.y]).collect();
        r.pop();
        r
    };
    Ok(whole.iter().map(|p| std::iter::once(p.exterior()).chain(p.interiors()).map(open).collect()).collect())
}

/// Whether no two parts have boxes that meet.
fn apart(whole: &MultiPolygon<f64>) -> bool {
    use geo::{BoundingRect, Intersects};
    let boxes: Vec<_> = whole.iter().filter_map(BoundingRect::bounding_rect).collect();
    boxes.iter().enumerate().all(|(i, a)| boxes[i + 1..].iter().all(|b| !a.intersects(b)))
}

/// Whether a place lies inside (even-odd over all rings; on the border counts as either).
pub(super) fn inside(outline: &[Rings], p: [f64; 2]) -> bool {
    let mut odd = false;
    for ring in outline.iter().flatten() {
        let mut a = ring[ring.len() - 1];
        for &b in ring {
            if (a[1] > p[1]) != (b[1] > p[1]) {
                let x = a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
                odd ^= p[0] < x;
            }
            a = b;
        }
    }
    odd
}

/// Checks that no site lies outside.
pub(super) fn contains_all(outline: &[Rings], places: &[[f64; 2]]) -> Result<(), MeshError> {
    let sites: Vec<u32> = (0..places.len()).filter(|&i| !inside(outline, places[i])).map(|i| i as u32).collect();
    if sites.is_empty() { Ok(()) } else { Err(MeshError::Outside { sites }) }
}
