//! From triangles to cells: flooding, cut-off pieces, areas, borders, adjacency.

use std::collections::BTreeMap;

use rstar::primitives::{GeomWithData, Line};
use rstar::{AABB, RTree};
use spade::{Point2, Triangulation};

use super::arrange::{Arranged, Lines};
use super::boundary::{Rings, inside};
use super::{Mesh, MeshError, OUTSIDE, Side};

/// A mesh edge both of whose ends are this near to a barrier lies on it (metres); a hundred times the corners' snap.
const ON_BARRIER_M: f64 = 1e-3;
/// Shared borders shorter than this make no adjacency (metres).
const TOUCH_M: f64 = 1e-3;
/// How far from the barrier a bridge looks for the cells it joins (metres).
const BRIDGE_END_M: f64 = 0.5;

const NO_SITE: u32 = u32::MAX - 1;

struct HalfEdge {
    from: usize,
    to: usize,
    left: usize,
    right: usize,
    constraint: bool,
    barrier: bool,
    length_m: f64,
}

/// Labels every triangle with its site and reads the mesh off.
pub(super) fn label(
    places: &[[f64; 2]],
    outline: &[Rings],
    lines: &Lines,
    arranged: &Arranged,
) -> Result<Mesh, MeshError> {
    let cdt = &arranged.cdt;
    let vertices: Vec<[f64; 2]> = cdt
        .vertices()
        .map(|v| {
            let p: Point2<f64> = v.position();
            [p.x, p.y]
        })
        .collect();
    // Face 0 is the unbounded one, which lies outside like everything beyond the boundary.
    let faces = cdt.num_all_faces();
    let barriers: RTree<GeomWithData<Line<[f64; 2]>, ()>> =
        RTree::bulk_load(lines.hard.iter().map(|s| GeomWithData::new(Line::new(s[0], s[1]), ())).collect());
    let on_barrier = |a: [f64; 2], b: [f64; 2]| {
        let window = AABB::from_corners(
            [a[0].min(b[0]) - ON_BARRIER_M, a[1].min(b[1]) - ON_BARRIER_M],
            [a[0].max(b[0]) + ON_BARRIER_M, a[1].max(b[1]) + ON_BARRIER_M],
        );
        barriers.locate_in_envelope_intersecting(window).any(|s| {
            let (p, q) = (s.geom().from, s.geom().to);
            gap_m(a, p, q) < ON_BARRIER_M && gap_m(b, p, q) < ON_BARRIER_M
        })
    };
    let edges: Vec<HalfEdge> = cdt
        .undirected_edges()
        .map(|e| {
            let d = e.as_directed();
            let (from, to) = (d.from().fix().index(), d.to().fix().index());
            let (a, b) = (vertices[from], vertices[to]);
            let constraint = e.is_constraint_edge();
            HalfEdge {
                from,
                to,
                left: d.face().fix().index(),
                right: d.rev().face().fix().index(),
                constraint,
                barrier: constraint && !lines.hard.is_empty() && on_barrier(a, b),
                length_m: (a[0] - b[0]).hypot(a[1] - b[1]),
            }
        })
        .collect();
    // Flood triangles into regions between constraints.
    let mut parent: Vec<u32> = (0..faces as u32).collect();
    for e in edges.iter().filter(|e| !e.constraint) {
        union(&mut parent, e.left as u32, e.right as u32);
    }
    let region: Vec<u32> = (0..faces as u32).map(|f| find(&mut parent, f)).collect();
    let outer = region[0];
    let mut of_region: Vec<u32> = vec![NO_SITE; faces];
    let mut area: Vec<f64> = vec![0.0; faces];
    let mut widest = vec![(0.0_f64, [0.0_f64; 2]); faces];
    for f in cdt.inner_faces() {
        let r = region[f.fix().index()] as usize;
        let [a, b, c] = f.positions();
        let double = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        area[f.fix().index()] = double / 2.0;
        if double > widest[r].0 {
            widest[r] = (double, [(a.x + b.x + c.x) / 3.0, (a.y + b.y + c.y) / 3.0]);
        }
    }
    // Boundary edges are constraints, so a region lies wholly inside or outside. Its largest triangle tells: a thin one along the
    // boundary could lie on either side of where the boundary was before it was noded.
    for (r, &(_, centre)) in widest.iter().enumerate().filter(|(_, w)| w.0 > 0.0) {
        of_region[r] = if inside(outline, centre) { NO_SITE } else { OUTSIDE };
    }
    of_region[outer as usize] = OUTSIDE;
    for (site, &vertex) in arranged.site_vertex.iter().enumerate() {
        let handle = cdt.vertex(spade::handles::FixedVertexHandle::from_index(vertex));
        let own = handle
            .out_edges()
            .map(|e| e.face().fix().index())
            .find(|&f| of_region[region[f] as usize] != OUTSIDE && of_region[region[f] as usize] == NO_SITE);
        if let Some(f) = own {
            of_region[region[f] as usize] = site as u32;
        }
    }
    join_cut_off(&edges, &region, &mut of_region);
    join_islands(cdt, places, &region, &mut of_region);
    let of = |face: usize| of_region[region[face] as usize];

    let mut cell_area_m2 = vec![0.0; places.len()];
    for (f, a) in area.iter().enumerate() {
        if let Some(c) = cell_area_m2.get_mut(of(f) as usize) {
            *c += a;
        }
    }
    let bridged = bridged_pairs(lines, &barriers, |p| {
        let at = cdt.locate(Point2::new(p[0], p[1]));
        match at {
            spade::PositionInTriangulation::OnFace(f) => Some(of(f.index())),
            spade::PositionInTriangulation::OnEdge(e) => Some(of(cdt.directed_edge(e).face().fix().index())),
            _ => None,
        }
    });
    let mut shared: BTreeMap<(u32, u32), f64> = bridged.iter().map(|&p| (p, 0.0)).collect();
    let mut blocked: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    let mut outer_m = vec![0.0; places.len()];
    let mut sides = Vec::new();
    for e in &edges {
        let (l, r) = (of(e.left), of(e.right));
        if l == r {
            continue;
        }
        sides.push(Side { from: e.from as u32, to: e.to as u32, left: l, right: r });
        let pair = (l.min(r), l.max(r));
        if pair.1 == OUTSIDE {
            if let Some(o) = outer_m.get_mut(pair.0 as usize) {
                *o += e.length_m;
            }
        } else if e.barrier && !bridged.contains(&pair) {
            *blocked.entry(pair).or_default() += e.length_m;
        } else {
            *shared.entry(pair).or_default() += e.length_m;
        }
    }
    for (pair, length) in blocked {
        outer_m[pair.0 as usize] += length;
        outer_m[pair.1 as usize] += length;
    }
    let mut neighbours = Vec::with_capacity(shared.len());
    for (pair, length) in shared {
        if length >= TOUCH_M || bridged.contains(&pair) {
            neighbours.push((pair.0, pair.1, length));
        } else {
            outer_m[pair.0 as usize] += length;
            outer_m[pair.1 as usize] += length;
        }
    }
    Ok(Mesh { vertices, sides, area_m2: cell_area_m2.iter().sum(), cell_area_m2, outer_m, edges: neighbours })
}

/// Gives every inner region without a site to the neighbour with which it shares most border, first to those on its own side of
/// the barriers, and only where there is none across one.
fn join_cut_off(edges: &[HalfEdge], region: &[u32], of_region: &mut [u32]) {
    for across in [false, true] {
        loop {
            let mut best: BTreeMap<u32, BTreeMap<u32, f64>> = BTreeMap::new();
            for e in edges.iter().filter(|e| e.constraint && (across || !e.barrier)) {
                let (a, b) = (region[e.left], region[e.right]);
                for (open, other) in [(a, b), (b, a)] {
                    let owner = of_region[other as usize];
                    if of_region[open as usize] == NO_SITE && owner < NO_SITE {
                        *best.entry(open).or_default().entry(owner).or_default() += e.length_m;
                    }
                }
            }
            if best.is_empty() {
                break;
            }
            for (open, owners) in best {
                let most = owners.into_iter().max_by(|x, y| x.1.total_cmp(&y.1).then(y.0.cmp(&x.0)));
                if let Some((owner, _)) = most {
                    of_region[open as usize] = owner;
                }
            }
        }
    }
}

/// Gives parts of the outline without any site (an exclave of woods) to the nearest site.
fn join_islands(
    cdt: &spade::ConstrainedDelaunayTriangulation<Point2<f64>>,
    places: &[[f64; 2]],
    region: &[u32],
    of_region: &mut [u32],
) {
    let open = |r: u32, of: &[u32]| of[r as usize] == NO_SITE;
    if !cdt.inner_faces().any(|f| open(region[f.fix().index()], of_region)) {
        return;
    }
    let sites: RTree<GeomWithData<[f64; 2], u32>> =
        RTree::bulk_load(places.iter().enumerate().map(|(i, &p)| GeomWithData::new(p, i as u32)).collect());
    // An island may consist of several regions: the first one's site takes what touches it, so that one island has one owner.
    for f in cdt.inner_faces() {
        let r = region[f.fix().index()];
        if !open(r, of_region) {
            continue;
        }
        let [a, _, _] = f.positions();
        let Some(owner) = sites.nearest_neighbor([a.x, a.y]).map(|s| s.data) else { return };
        let mut stack = vec![r];
        of_region[r as usize] = owner;
        while let Some(r) = stack.pop() {
            for g in cdt.inner_faces().filter(|g| region[g.fix().index()] == r) {
                for e in g.adjacent_edges() {
                    let other = region[e.rev().face().fix().index()];
                    if open(other, of_region) {
                        of_region[other as usize] = owner;
                        stack.push(other);
                    }
                }
            }
        }
    }
}

/// Pairs of sites that a bridge joins across a hard barrier.
fn bridged_pairs(
    lines: &Lines,
    barriers: &RTree<GeomWithData<Line<[f64; 2]>, ()>>,
    site_at: impl Fn([f64; 2]) -> Option<u32>,
) -> std::collections::BTreeSet<(u32, u32)> {
    let mut pairs = std::collections::BTreeSet::new();
    for &[a, b] in &lines.bridges {
        let window = AABB::from_corners([a[0].min(b[0]), a[1].min(b[1])], [a[0].max(b[0]), a[1].max(b[1])]);
        let length = (a[0] - b[0]).hypot(a[1] - b[1]);
        if length <= 0.0 {
            continue;
        }
        let step = BRIDGE_END_M / length;
        for s in barriers.locate_in_envelope_intersecting(window) {
            let (c, d) = (s.geom().from, s.geom().to);
            let (u, w) = ([b[0] - a[0], b[1] - a[1]], [d[0] - c[0], d[1] - c[1]]);
            let cross = u[0] * w[1] - u[1] * w[0];
            if cross == 0.0 {
                continue;
            }
            let t = ((c[0] - a[0]) * w[1] - (c[1] - a[1]) * w[0]) / cross;
            let v = ((c[0] - a[0]) * u[1] - (c[1] - a[1]) * u[0]) / cross;
            if !(0.0..=1.0).contains(&t) || !(0.0..=1.0).contains(&v) {
                continue;
            }
            let at = |t: f64| [a[0] + t * u[0], a[1] + t * u[1]];
            if let (Some(p), Some(q)) = (site_at(at(t - step)), site_at(at(t + step)))
                && p != q
                && p.max(q) < NO_SITE
            {
                pairs.insert((p.min(q), p.max(q)));
            }
        }
    }
    pairs
}

/// Distance of `p` from the segment `a`–`b`.
fn gap_m(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let d = [b[0] - a[0], b[1] - a[1]];
    let square = d[0] * d[0] + d[1] * d[1];
    let t = if square > 0.0 { (((p[0] - a[0]) * d[0] + (p[1] - a[1]) * d[1]) / square).clamp(0.0, 1.0) } else { 0.0 };
    (p[0] - a[0] - t * d[0]).hypot(p[1] - a[1] - t * d[1])
}

fn find(parent: &mut [u32], mut f: u32) -> u32 {
    while parent[f as usize] != f {
        parent[f as usize] = parent[parent[f as usize] as usize];
        f = parent[f as usize];
    }
    f
}

fn union(parent: &mut [u32], a: u32, b: u32) {
    let (a, b) = (find(parent, a), find(parent, b));
    if a != b {
        // The smaller index leads, so that labels depend on geometry alone.
        let (low, high) = (a.min(b), a.max(b));
        parent[high as usize] = low;
    }
}
