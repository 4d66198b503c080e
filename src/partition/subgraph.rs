//! Parts of an atom graph: what is left when some atoms (dedicated grids) leave it.

use crate::graph::Csr;

use super::grids::AtomGraph;

impl AtomGraph {
    /// The graph of `atoms` alone (indices into this graph, ascending); borders with atoms left out become outer border.
    #[must_use]
    pub fn restricted_to(&self, atoms: &[u32]) -> Self {
        let mut new_of = vec![u32::MAX; self.xy.len()];
        for (new, &old) in atoms.iter().enumerate() {
            new_of[old as usize] = new as u32;
        }
        let mut outer_m: Vec<f64> = atoms.iter().map(|&a| self.outer_m[a as usize]).collect();
        let mut edges: Vec<(u32, u32, (f64, f64))> = Vec::new();
        for (new, &old) in atoms.iter().enumerate() {
            for e in self.adjacency.row(old) {
                let other = new_of[self.adjacency.neighbours[e] as usize];
                if other == u32::MAX {
                    outer_m[new] += self.border_m[e];
                } else if other > new as u32 {
                    edges.push((new as u32, other, (self.border_m[e], self.soft.get(e).copied().unwrap_or(0.0))));
                }
            }
        }
        let (adjacency, payload) = Csr::from_edges(atoms.len(), &edges);
        Self {
            xy: atoms.iter().map(|&a| self.xy[a as usize]).collect(),
            households: atoms.iter().map(|&a| self.households[a as usize]).collect(),
            area_m2: atoms.iter().map(|&a| self.area_m2[a as usize]).collect(),
            outer_m,
            adjacency,
            border_m: payload.iter().map(|p| p.0).collect(),
            soft: if self.soft.is_empty() { Vec::new() } else { payload.iter().map(|p| p.1).collect() },
        }
    }

    /// Makes every part connected: of each part the heaviest piece keeps the number, the other pieces join the neighbouring part
    /// with which they share most border. A piece that touches no other part becomes a part of its own. Parts are then
    /// renumbered by smallest atom.
    pub fn reconnect(&self, part_of: &mut [u32]) {
        loop {
            let (piece, pieces) = self.adjacency.components_where(|a, b| part_of[a as usize] == part_of[b as usize]);
            let mut weight = vec![0_u64; pieces as usize];
            let mut part = vec![0_u32; pieces as usize];
            for (v, &c) in piece.iter().enumerate() {
                weight[c as usize] += u64::from(self.households[v]) * 1_000_000 + 1;
                part[c as usize] = part_of[v];
            }
            let mut kept: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
            for c in 0..pieces {
                let best = kept.entry(part[c as usize]).or_insert(c);
                if weight[c as usize] > weight[*best as usize] {
                    *best = c;
                }
            }
            let mut shared: std::collections::BTreeMap<(u32, u32), f64> = std::collections::BTreeMap::new();
            for v in 0..part_of.len() as u32 {
                let c = piece[v as usize];
                if kept.get(&part[c as usize]) == Some(&c) {
                    continue;
                }
                for e in self.adjacency.row(v) {
                    let u = self.adjacency.neighbours[e];
                    if part_of[u as usize] != part_of[v as usize] {
                        *shared.entry((c, part_of[u as usize])).or_default() += self.border_m[e];
                    }
                }
            }
            // One stray at a time, lightest first, so that a stray never joins another stray that is about to leave.
            let stray = (0..pieces)
                .filter(|c| kept.get(&part[*c as usize]) != Some(c))
                .min_by_key(|&c| (weight[c as usize], c));
            let Some(stray) = stray else { break };
            let target = shared
                .range((stray, 0)..=(stray, u32::MAX))
                .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0)))
                .map(|(k, _)| k.1);
            let target = target.unwrap_or_else(|| part_of.iter().max().map_or(0, |m| m + 1));
            for (p, &c) in part_of.iter_mut().zip(&piece) {
                if c == stray {
                    *p = target;
                }
            }
        }
        let mut number = std::collections::BTreeMap::new();
        for p in part_of.iter_mut() {
            let fresh = number.len() as u32;
            *p = *number.entry(*p).or_insert(fresh);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(n: u32) -> AtomGraph {
        let edges: Vec<(u32, u32, f64)> = (1..n).map(|i| (i - 1, i, 10.0)).collect();
        let (adjacency, border_m) = Csr::from_edges(n as usize, &edges);
        AtomGraph {
            xy: (0..n).map(|i| [f64::from(i), 0.0]).collect(),
            households: vec![1; n as usize],
            area_m2: vec![100.0; n as usize],
            outer_m: vec![20.0; n as usize],
            adjacency,
            border_m,
            soft: Vec::new(),
        }
    }

    #[test]
    fn border_with_a_left_out_atom_becomes_outer() {
        let g = path(5).restricted_to(&[0, 1, 3, 4]);
        assert_eq!(g.adjacency.components().1, 2);
        assert_eq!(g.outer_m, [20.0, 30.0, 30.0, 20.0]);
    }

    #[test]
    fn every_part_is_connected_after_reconnect() {
        let g = path(9);
        let mut of = [0, 0, 1, 0, 1, 1, 2, 1, 2];
        g.reconnect(&mut of);
        let (_, pieces) = g.adjacency.components_where(|a, b| of[a as usize] == of[b as usize]);
        assert_eq!(pieces, *of.iter().max().expect("parts") + 1);
    }
}
