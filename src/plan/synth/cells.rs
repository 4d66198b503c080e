//! Village outlines: Voronoi cells of jittered centres, every shared border wiggled once.

use std::collections::BTreeMap;

use spade::{DelaunayTriangulation, HasPosition, Point2, Triangulation};

use super::dice::{Dice, Stage};

/// What lies outside the county.
pub(super) const OUTSIDE: u32 = u32::MAX;
/// Length of a border's pieces, in metres.
const PIECE_M: f64 = 110.0;
/// Greatest swing of a border off the straight line, in metres.
const SWING_M: f64 = 130.0;

/// A stretch of border with one village on each side; written once, so both sides have the very same coordinates.
#[derive(Clone, Debug)]
pub(super) struct Border {
    /// Identity of the first and the last point.
    pub(super) ends: [u64; 2],
    /// Points in metres, first and last included.
    pub(super) points: Vec<[f64; 2]>,
    /// Village on the left, or [`OUTSIDE`].
    pub(super) left: u32,
    /// Village on the right, or [`OUTSIDE`].
    pub(super) right: u32,
}

struct Centre {
    at: [f64; 2],
    /// Index of the village, or [`OUTSIDE`] for the country around.
    village: u32,
}

impl HasPosition for Centre {
    type Scalar = f64;
    fn position(&self) -> Point2<f64> {
        Point2::new(self.at[0], self.at[1])
    }
}

/// Centres of `villages` villages, `spacing_m` apart about, and the borders between their cells.
///
/// Centres stand on a jittered triangular lattice; the villages are those nearest to the middle in a lobed metric, the others are
/// the country around, so that the outline of the whole is ragged as a county's is.
pub(super) fn cells(seed: u64, villages: u32, spacing_m: f64) -> (Vec<[f64; 2]>, Vec<Border>) {
    let mut dice = Dice::new(seed, Stage::Centres, 0);
    let reach = (f64::from(villages) / std::f64::consts::PI).sqrt().ceil() as i64 * 3 / 2 + 5;
    let phases = [dice.between(0.0, 6.3), dice.between(0.0, 6.3)];
    let mut lattice: Vec<(f64, [f64; 2])> = Vec::new();
    for j in -reach..=reach {
        for i in -reach..=reach {
            let shift = if j % 2 == 0 { 0.0 } else { 0.5 };
            let at = [
                (i as f64 + shift + dice.between(-0.23, 0.23)) * spacing_m,
                (j as f64 * 0.866 + dice.between(-0.2, 0.2)) * spacing_m,
            ];
            let angle = at[1].atan2(at[0]);
            let lobes = 1.0 + 0.16 * (3.0 * angle + phases[0]).sin() + 0.09 * (5.0 * angle + phases[1]).sin();
            lattice.push((at[0].hypot(at[1]) / lobes, at));
        }
    }
    lattice.sort_by(|a, b| a.0.total_cmp(&b.0));
    let centres: Vec<[f64; 2]> = lattice.iter().take(villages as usize).map(|l| l.1).collect();
    let all: Vec<Centre> = lattice
        .iter()
        .enumerate()
        .map(|(i, l)| Centre { at: l.1, village: if i < centres.len() { i as u32 } else { OUTSIDE } })
        .collect();
    let mut borders = Vec::new();
    // The lattice is finite and has no two equal points, so the triangulation cannot refuse it.
    let Ok(triangulation) = DelaunayTriangulation::<Centre>::bulk_load_stable(all) else { return (centres, borders) };
    for e in triangulation.undirected_edges() {
        let e = e.as_directed();
        let (a, b) = (e.from(), e.to());
        let (left, right) = (a.data().village, b.data().village);
        let (Some(above), Some(below)) = (e.face().as_inner(), e.rev().face().as_inner()) else { continue };
        if left == right {
            continue;
        }
        let (u, v) = (below.circumcenter(), above.circumcenter());
        let ends = [below.fix().index() as u64, above.fix().index() as u64];
        let key = (a.fix().index().min(b.fix().index()) as u64) << 32 | a.fix().index().max(b.fix().index()) as u64;
        let points = wiggled([u.x, u.y], [v.x, v.y], a.data().at, &mut Dice::new(seed, Stage::Borders, key));
        borders.push(Border { ends, points, left, right });
    }
    borders.sort_by_key(|b| b.ends);
    (centres, borders)
}

/// The line from `u` to `v`, wiggled inside the two triangles that join it to the centres on either side (`a` is one of them, the
/// other its mirror image): these kites do not overlap, so no border can cross another.
fn wiggled(u: [f64; 2], v: [f64; 2], a: [f64; 2], dice: &mut Dice) -> Vec<[f64; 2]> {
    let (dx, dy) = (v[0] - u[0], v[1] - u[1]);
    let length = dx.hypot(dy);
    let pieces = (length / PIECE_M).round().clamp(1.0, 60.0) as u32;
    let mut points = vec![u];
    if pieces > 1 && length > 0.0 {
        let (ex, ey) = (dx / length, dy / length);
        let foot = ((a[0] - u[0]) * ex + (a[1] - u[1]) * ey) / length;
        let height = ((a[0] - u[0]) * ey - (a[1] - u[1]) * ex).abs();
        let waves: Vec<(f64, f64, f64)> = (1..=4_u32)
            .map(|k| (f64::from(k) * dice.between(2.2, 4.4), dice.between(0.0, 6.3), dice.between(0.15, 0.45)))
            .collect();
        for i in 1..pieces {
            let t = f64::from(i) / f64::from(pieces);
            let to_u = if foot > 0.0 { t / foot } else { f64::INFINITY };
            let to_v = if foot < 1.0 { (1.0 - t) / (1.0 - foot) } else { f64::INFINITY };
            let width = (0.45 * height * to_u.min(to_v)).min(SWING_M) * (4.0 * t).min(4.0 - 4.0 * t).min(1.0);
            let swing = waves.iter().map(|w| w.2 * (w.0 * t + w.1).sin()).sum::<f64>().clamp(-1.0, 1.0);
            let jag = dice.between(-0.12, 0.12);
            let off = width * (swing + jag).clamp(-1.0, 1.0);
            points.push([u[0] + dx * t - ey * off, u[1] + dy * t + ex * off]);
        }
    }
    points.push(v);
    points
}

/// A closed border around an exclave of `owner` inside the cell of `host`: a wiggled ring about `at`.
pub(super) fn exclave(at: [f64; 2], radius_m: f64, owner: u32, host: u32, dice: &mut Dice) -> Border {
    let corners = 16_u32;
    let mut points: Vec<[f64; 2]> = (0..corners)
        .map(|i| {
            let angle = f64::from(i) / f64::from(corners) * std::f64::consts::TAU;
            let r = radius_m * dice.between(0.8, 1.0);
            [at[0] + r * angle.cos(), at[1] + r * angle.sin()]
        })
        .collect();
    points.push(points[0]);
    Border { ends: [u64::MAX, u64::MAX], points, left: owner, right: host }
}

/// The polygons of everything whose label is `own`, read off the borders: exteriors counterclockwise, holes clockwise, closed.
pub(super) fn polygons(
    borders: &[Border],
    of: &[u32],
    label: impl Fn(u32) -> u32,
    own: u32,
) -> Vec<Vec<Vec<[f64; 2]>>> {
    // From the first point's identity to what follows, with `own` on the left.
    let mut next: BTreeMap<u64, (u64, Vec<[f64; 2]>)> = BTreeMap::new();
    for b in of.iter().filter_map(|&i| borders.get(i as usize)) {
        let (left, right) = (label(b.left) == own, label(b.right) == own);
        if left && !right {
            next.insert(b.ends[0], (b.ends[1], b.points.clone()));
        } else if right && !left {
            next.insert(b.ends[1], (b.ends[0], b.points.iter().rev().copied().collect()));
        }
    }
    let mut rings: Vec<(f64, Vec<[f64; 2]>)> = Vec::new();
    while let Some((first, (mut to, mut ring))) = next.pop_first() {
        while to != first {
            let Some((then, points)) = next.remove(&to) else { break };
            ring.extend(points.into_iter().skip(1));
            to = then;
        }
        if let (Some(a), Some(z)) = (ring.first().copied(), ring.last_mut()) {
            *z = a;
        }
        rings.push((ring_area_m2(&ring), ring));
    }
    rings.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut polygons: Vec<Vec<Vec<[f64; 2]>>> = Vec::new();
    for (area, ring) in rings {
        if area >= 0.0 {
            polygons.push(vec![ring]);
        } else if let Some(p) = polygons.iter_mut().rev().find(|p| p[0].len() > 2 && inside_ring(&p[0], ring[0])) {
            p.push(ring);
        }
    }
    polygons
}

/// Signed area of a closed ring in m²: positive counterclockwise.
pub(super) fn ring_area_m2(ring: &[[f64; 2]]) -> f64 {
    ring.windows(2).map(|w| w[0][0] * w[1][1] - w[1][0] * w[0][1]).sum::<f64>() / 2.0
}

/// Even-odd rule for one closed ring.
pub(super) fn inside_ring(ring: &[[f64; 2]], p: [f64; 2]) -> bool {
    ring.windows(2).fold(false, |odd, w| {
        let (a, b) = (w[0], w[1]);
        let hit = (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
        odd ^ hit
    })
}

/// Even-odd rule for polygons with holes.
pub(super) fn inside(polygons: &[Vec<Vec<[f64; 2]>>], p: [f64; 2]) -> bool {
    polygons.iter().any(|rings| rings.iter().filter(|r| inside_ring(r, p)).count() % 2 == 1)
}

/// Distance from `p` to the nearest point of an open or closed line, in metres.
pub(super) fn distance_m(line: &[[f64; 2]], p: [f64; 2]) -> f64 {
    line.windows(2).map(|w| segment_distance_m(w[0], w[1], p)).fold(f64::INFINITY, f64::min)
}

/// Distance from `p` to the segment `a`–`b`, in metres.
pub(super) fn segment_distance_m(a: [f64; 2], b: [f64; 2], p: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let l2 = dx * dx + dy * dy;
    let t = if l2 > 0.0 { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / l2).clamp(0.0, 1.0) } else { 0.0 };
    (a[0] + t * dx - p[0]).hypot(a[1] + t * dy - p[1])
}

/// Distance from `p` to the outline of polygons, in metres.
pub(super) fn outline_distance_m(polygons: &[Vec<Vec<[f64; 2]>>], p: [f64; 2]) -> f64 {
    polygons.iter().flatten().map(|r| distance_m(r, p)).fold(f64::INFINITY, f64::min)
}
