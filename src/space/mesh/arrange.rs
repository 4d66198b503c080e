//! All lines of a village in one constrained Delaunay triangulation.

use spade::{ConstrainedDelaunayTriangulation, DelaunayTriangulation, HasPosition, Point2, Triangulation};

use crate::domain::{Barrier, BarrierShape};

use super::MeshError;
use super::boundary::Rings;
use super::noding::{Node, PlaceMap, Segment, node};

/// Grid on which all corners lie, in metres: a thousandth of what any survey resolves, and a power of two, so that the coordinates
/// of corners are exact numbers.
const SNAP_M: f64 = 1.0 / 131_072.0;
/// Times that edges which the triangulation finds crossing are noded again.
const MOST_REPAIRS: usize = 8;
/// Far points that make every cell finite.
const FAR_POINTS: u32 = 32;

/// Hard barriers and bridges as lines in mesh coordinates.
pub(super) struct Lines {
    /// Segments that cut cells.
    pub(super) hard: Vec<[[f64; 2]; 2]>,
    /// Segments that re-open a crossing.
    pub(super) bridges: Vec<[[f64; 2]; 2]>,
}

/// The triangulation, and which of its vertices are sites.
pub(super) struct Arranged {
    pub(super) cdt: ConstrainedDelaunayTriangulation<Point2<f64>>,
    /// Vertex of each site.
    pub(super) site_vertex: Vec<usize>,
}

/// Collects hard barriers and bridges.
pub(super) fn barrier_lines(
    barriers: &[Barrier],
    relative: &impl Fn([f64; 2]) -> [f64; 2],
) -> Result<Lines, MeshError> {
    let mut lines = Lines { hard: Vec::new(), bridges: Vec::new() };
    for (index, b) in barriers.iter().enumerate() {
        let parts: Vec<&Vec<[f64; 2]>> = match &b.shape {
            BarrierShape::Line(l) => vec![l],
            BarrierShape::Area(rings) => rings.iter().collect(),
        };
        let into = match (b.is_bridge(), b.hard) {
            (true, _) => &mut lines.bridges,
            (false, true) => &mut lines.hard,
            (false, false) => continue,
        };
        for part in parts {
            if !part.iter().all(|&c| super::is_near(relative(c))) {
                return Err(MeshError::NotFinite { what: "barrier", index });
            }
            into.extend(part.windows(2).map(|w| [relative(w[0]), relative(w[1])]));
        }
    }
    Ok(lines)
}

fn corner(c: [f64; 2]) -> Node {
    [(c[0] / SNAP_M).round() as i64, (c[1] / SNAP_M).round() as i64]
}

/// Clips a segment to a box (Liang & Barsky 1984).
fn clip([a, b]: [[f64; 2]; 2], low: [f64; 2], high: [f64; 2]) -> Option<[[f64; 2]; 2]> {
    let d = [b[0] - a[0], b[1] - a[1]];
    let (mut t0, mut t1) = (0.0_f64, 1.0_f64);
    for i in 0..2 {
        for (p, q) in [(-d[i], a[i] - low[i]), (d[i], high[i] - a[i])] {
            if p == 0.0 {
                if q < 0.0 {
                    return None;
                }
            } else if p < 0.0 {
                t0 = t0.max(q / p);
            } else {
                t1 = t1.min(q / p);
            }
        }
    }
    let at = |t: f64| [a[0] + t * d[0], a[1] + t * d[1]];
    (t0 <= t1).then(|| [if t0 > 0.0 { at(t0) } else { a }, if t1 < 1.0 { at(t1) } else { b }])
}

/// Puts everything into one triangulation.
pub(super) fn arrange(places: &[[f64; 2]], outline: &[Rings], lines: &Lines) -> Result<Arranged, MeshError> {
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for c in outline.iter().flatten().flatten() {
        for i in 0..2 {
            low[i] = low[i].min(c[i]);
            high[i] = high[i].max(c[i]);
        }
    }
    let margin = 0.05 * (high[0] - low[0]).max(high[1] - low[1]) + 10.0;
    for i in 0..2 {
        low[i] -= margin;
        high[i] += margin;
    }
    let mut corners: PlaceMap<Node, usize> = PlaceMap::default();
    corners.reserve(places.len() * 3);
    let mut points: Vec<Node> = Vec::with_capacity(places.len() * 3);
    let mut site_vertex = Vec::with_capacity(places.len());
    for (i, &p) in places.iter().enumerate() {
        let v = *corners.entry(corner(p)).or_insert(i);
        if v < i {
            return Err(MeshError::SamePlace { first: v as u32, second: i as u32 });
        }
        points.push(corner(p));
        site_vertex.push(i);
    }
    let clipped = |segment: [[f64; 2]; 2]| clip(segment, low, high).map(|[a, b]| [corner(a), corner(b)]);
    let settled: Vec<Segment> = voronoi_edges(places, low, high)?.into_iter().filter_map(clipped).collect();
    let mut fresh: Vec<Segment> = Vec::new();
    for ring in outline.iter().flatten() {
        fresh.extend((0..ring.len()).map(|i| [corner(ring[i]), corner(ring[(i + 1) % ring.len()])]));
    }
    fresh.extend(lines.hard.iter().copied().filter_map(clipped));
    let tangled = || MeshError::Triangulation("边界或障碍线过于缠结 / outline or barriers are too tangled".to_owned());
    let mut segments = node(&settled, &fresh, &points).ok_or_else(tangled)?;
    // The box, so that everything lies inside the triangulation's hull.
    let frame = [low, [high[0], low[1]], high, [low[0], high[1]]].map(corner);
    for _ in 0..MOST_REPAIRS {
        let (mut corners, mut points) = (corners.clone(), points.clone());
        let mut index = |c: Node| {
            *corners.entry(c).or_insert_with(|| {
                points.push(c);
                points.len() - 1
            })
        };
        let edges: Vec<[usize; 2]> = segments.iter().map(|s| s.map(&mut index)).collect();
        frame.iter().for_each(|&c| {
            index(c);
        });
        let places: Vec<Point2<f64>> =
            points.iter().map(|c| Point2::new(c[0] as f64 * SNAP_M, c[1] as f64 * SNAP_M)).collect();
        let mut crossing: Vec<Segment> = Vec::new();
        let cdt = ConstrainedDelaunayTriangulation::<Point2<f64>>::try_bulk_load_cdt(places, edges, |e| {
            crossing.push(e.map(|v| points[v]));
        })
        .map_err(|e| MeshError::Triangulation(e.to_string()))?;
        if crossing.is_empty() {
            return Ok(Arranged { cdt, site_vertex });
        }
        // Rounding a diagram's corners can make two of its own edges cross; seldom, so it is only repaired when seen.
        segments = node(&without(segments, &crossing), &crossing, &points).ok_or_else(tangled)?;
    }
    Err(tangled())
}

/// The segments without some of them.
fn without(mut segments: Vec<Segment>, some: &[Segment]) -> Vec<Segment> {
    let ordered = |s: Segment| if s[0] <= s[1] { s } else { [s[1], s[0]] };
    let some: std::collections::HashSet<Segment> = some.iter().map(|&s| ordered(s)).collect();
    segments.retain(|&s| !some.contains(&ordered(s)));
    segments
}

struct Site(Point2<f64>);

impl HasPosition for Site {
    type Scalar = f64;
    fn position(&self) -> Point2<f64> {
        self.0
    }
}

/// The edges of the Voronoi diagram of the places, all finite.
fn voronoi_edges(places: &[[f64; 2]], low: [f64; 2], high: [f64; 2]) -> Result<Vec<[[f64; 2]; 2]>, MeshError> {
    let centre = [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0];
    let radius = 20.0 * (high[0] - low[0]).max(high[1] - low[1]).max(1.0);
    let far = (0..FAR_POINTS).map(|i| {
        let a = f64::from(i) / f64::from(FAR_POINTS) * std::f64::consts::TAU;
        [centre[0] + radius * a.cos(), centre[1] + radius * a.sin()]
    });
    let tidy = |v: f64| if v.abs() < 1e-9 { 0.0 } else { v };
    let points = places.iter().copied().chain(far).map(|p| Site(Point2::new(tidy(p[0]), tidy(p[1])))).collect();
    let delaunay =
        DelaunayTriangulation::<Site>::bulk_load(points).map_err(|e| MeshError::Triangulation(e.to_string()))?;
    let centres: Vec<[f64; 2]> = std::iter::once([0.0; 2])
        .chain(delaunay.inner_faces().map(|f| {
            let c = f.circumcenter();
            [c.x, c.y]
        }))
        .collect();
    let mut edges = Vec::with_capacity(places.len() * 3);
    for e in delaunay.undirected_edges() {
        let d = e.as_directed();
        if let (Some(a), Some(b)) = (d.face().as_inner(), d.rev().face().as_inner()) {
            edges.push([centres[a.fix().index()], centres[b.fix().index()]]);
        }
    }
    Ok(edges)
}
