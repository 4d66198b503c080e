//! Dissolved polygons of parts, with shared edges.

use super::{Mesh, OUTSIDE};

/// Rings of one polygon, exterior first, closed.
pub(super) type PolygonRings = Vec<Vec<[f64; 2]>>;

impl Mesh {
    /// The polygons of each part: `part_of` gives each site's part (values ≥ `parts` belong to none). A part may have several
    /// polygons (exclaves, or cells that meet in a corner only). Exteriors run counter-clockwise and stand first, holes
    /// clockwise; rings are closed. Every mesh vertex on a border is kept on both sides, so neighbours share coordinates exactly.
    #[must_use]
    pub fn dissolve(&self, part_of: &[u32], parts: u32) -> Vec<Vec<PolygonRings>> {
        let part = |site: u32| {
            if site == OUTSIDE {
                OUTSIDE
            } else {
                part_of.get(site as usize).copied().filter(|p| *p < parts).unwrap_or(OUTSIDE)
            }
        };
        let mut borders: Vec<Vec<(u32, u32)>> = vec![Vec::new(); parts as usize];
        for s in &self.sides {
            let (l, r) = (part(s.left), part(s.right));
            if l == r {
                continue;
            }
            if l != OUTSIDE {
                borders[l as usize].push((s.from, s.to));
            }
            if r != OUTSIDE {
                borders[r as usize].push((s.to, s.from));
            }
        }
        borders.into_iter().map(|b| self.polygons_of(b)).collect()
    }

    fn polygons_of(&self, mut border: Vec<(u32, u32)>) -> Vec<PolygonRings> {
        border.sort_unstable();
        let mut used = vec![false; border.len()];
        let mut exteriors: Vec<Vec<u32>> = Vec::new();
        let mut holes: Vec<Vec<u32>> = Vec::new();
        for start in 0..border.len() {
            if used[start] {
                continue;
            }
            // Walk with the part on the left. Where several borders leave a corner, any choice closes; cutting the walk at each
            // repeated corner below makes the rings simple.
            let mut walk: Vec<u32> = Vec::new();
            let mut place: std::collections::HashMap<u32, usize> = std::collections::HashMap::new();
            let mut edge = start;
            loop {
                used[edge] = true;
                let (from, to) = border[edge];
                if walk.is_empty() {
                    place.insert(from, 0);
                    walk.push(from);
                }
                if let Some(&at) = place.get(&to) {
                    let ring: Vec<u32> = walk.drain(at + 1..).collect();
                    for v in &ring {
                        place.remove(v);
                    }
                    let ring: Vec<u32> = std::iter::once(to).chain(ring).collect();
                    if self.signed_area(&ring) > 0.0 { exteriors.push(ring) } else { holes.push(ring) }
                } else {
                    place.insert(to, walk.len());
                    walk.push(to);
                }
                let first = border.partition_point(|e| e.0 < to);
                let next = (first..border.len()).take_while(|&i| border[i].0 == to).filter(|&i| !used[i]);
                // Turn as far right as possible: pieces that meet in a corner are then separate rings.
                let back = self.direction(to, from);
                match next.min_by(|&a, &b| {
                    let turn = |i: usize| {
                        let t = back - self.direction(to, border[i].1);
                        if t <= 0.0 { t + std::f64::consts::TAU } else { t }
                    };
                    turn(a).total_cmp(&turn(b)).then(a.cmp(&b))
                }) {
                    Some(n) => edge = n,
                    None => break,
                }
            }
        }
        let closed = |ring: &[u32]| {
            let mut c: Vec<[f64; 2]> = ring.iter().map(|&v| self.vertices[v as usize]).collect();
            c.extend(c.first().copied());
            c
        };
        let mut polygons: Vec<PolygonRings> = exteriors.iter().map(|r| vec![closed(r)]).collect();
        for hole in &holes {
            let ring = closed(hole);
            // The smallest exterior around the hole owns it.
            let inner = |at: [f64; 2], ring: &[[f64; 2]]| super::boundary::inside(&[vec![ring.to_vec()]], at);
            let mid = |a: [f64; 2], b: [f64; 2]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
            let probe = ring.windows(2).map(|w| mid(w[0], w[1])).next().unwrap_or([0.0; 2]);
            let owner = if polygons.len() == 1 {
                Some(0)
            } else {
                (0..polygons.len()).filter(|&i| inner(probe, &polygons[i][0])).min_by(|&a, &b| {
                    self.signed_area(&exteriors[a]).total_cmp(&self.signed_area(&exteriors[b])).then(a.cmp(&b))
                })
            };
            if let Some(i) = owner {
                polygons[i].push(ring);
            }
        }
        polygons
    }

    fn direction(&self, from: u32, to: u32) -> f64 {
        let (a, b) = (self.vertices[from as usize], self.vertices[to as usize]);
        (b[1] - a[1]).atan2(b[0] - a[0])
    }

    fn signed_area(&self, ring: &[u32]) -> f64 {
        let Some(&first) = ring.first() else { return 0.0 };
        let o = self.vertices[first as usize];
        (0..ring.len())
            .map(|i| {
                let a = self.vertices[ring[i] as usize];
                let b = self.vertices[ring[(i + 1) % ring.len()] as usize];
                (a[0] - o[0]) * (b[1] - o[1]) - (b[0] - o[0]) * (a[1] - o[1])
            })
            .sum::<f64>()
            / 2.0
    }
}
