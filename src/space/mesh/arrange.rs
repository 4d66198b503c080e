//! All lines of a village in one constrained Delaunay triangulation.

use std::collections::HashMap;

use spade::handles::FixedVertexHandle;
use spade::{ConstrainedDelaunayTriangulation, DelaunayTriangulation, HasPosition, Point2, Triangulation};

use crate::domain::{Barrier, BarrierShape};

use super::MeshError;
use super::boundary::Rings;

/// Corners nearer than this are one corner (metres): a thousandth of what any survey resolves.
const SNAP_M: f64 = 1e-5;
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
            if part.iter().flatten().any(|v| !v.is_finite() || v.abs() >= 1e8) {
                return Err(MeshError::NotFinite { what: "barrier", index });
            }
            into.extend(part.windows(2).map(|w| [relative(w[0]), relative(w[1])]));
        }
    }
    Ok(lines)
}

struct Corners {
    at: HashMap<(i64, i64), usize>,
    points: Vec<Point2<f64>>,
}

impl Corners {
    fn add(&mut self, c: [f64; 2]) -> usize {
        let key = ((c[0] / SNAP_M).round() as i64, (c[1] / SNAP_M).round() as i64);
        *self.at.entry(key).or_insert_with(|| {
            self.points.push(Point2::new(key.0 as f64 * SNAP_M, key.1 as f64 * SNAP_M));
            self.points.len() - 1
        })
    }
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
    let mut corners =
        Corners { at: HashMap::with_capacity(places.len() * 3), points: Vec::with_capacity(places.len() * 3) };
    let mut site_vertex = Vec::with_capacity(places.len());
    for (i, &p) in places.iter().enumerate() {
        let v = corners.add(p);
        if v < i {
            let first = site_vertex.iter().position(|&s| s == v).unwrap_or(0) as u32;
            return Err(MeshError::SamePlace { first, second: i as u32 });
        }
        site_vertex.push(v);
    }
    let mut edges: Vec<[usize; 2]> = Vec::with_capacity(places.len() * 3);
    for segment in voronoi_edges(places, low, high)? {
        if let Some([a, b]) = clip(segment, low, high) {
            let e = [corners.add(a), corners.add(b)];
            if e[0] != e[1] {
                edges.push(e);
            }
        }
    }
    let mut rings: Vec<[usize; 2]> = Vec::new();
    for ring in outline.iter().flatten() {
        let v: Vec<usize> = ring.iter().map(|&c| corners.add(c)).collect();
        rings.extend((0..v.len()).map(|i| [v[i], v[(i + 1) % v.len()]]).filter(|e| e[0] != e[1]));
    }
    let mut hard: Vec<[usize; 2]> = Vec::new();
    for &segment in &lines.hard {
        if let Some([a, b]) = clip(segment, low, high) {
            let e = [corners.add(a), corners.add(b)];
            if e[0] != e[1] {
                hard.push(e);
            }
        }
    }
    // The box, so that everything lies inside the triangulation's hull.
    for c in [low, [high[0], low[1]], high, [low[0], high[1]]] {
        corners.add(c);
    }
    let failed = |e: spade::InsertionError| MeshError::Triangulation(e.to_string());
    let mut conflicts: Vec<[usize; 2]> = Vec::new();
    let mut cdt = ConstrainedDelaunayTriangulation::<Point2<f64>>::try_bulk_load_cdt(corners.points, edges, |e| {
        conflicts.push(e)
    })
    .map_err(failed)?;
    for [a, b] in conflicts.into_iter().chain(rings).chain(hard) {
        let [a, b] = [a, b].map(FixedVertexHandle::from_index);
        cdt.add_constraint_and_split(a, b, |p| p);
    }
    Ok(Arranged { cdt, site_vertex })
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
