//! The empty ground around institutions: atoms without a building, which no row mentions. Whose they are follows from their
//! neighbours, so that every grid is one piece where that is possible at all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::land::{NONE, Terrain};

/// Gives each atom from `sites` on the grid with which it shares most border, base grids first; then lets grids in several pieces
/// join up across such atoms where no other grid is cut by it. `of`: grid of each atom, [`NONE`] for the empty ground.
pub(super) fn share_out(terrain: &Terrain, sites: usize, dedicated: &[bool], of: &mut [u32]) {
    let graph = &terrain.ground.graph;
    let is_dedicated = |g: u32| dedicated.get(g as usize).copied().unwrap_or(false);
    for base_only in [true, false] {
        loop {
            let mut found: Vec<(usize, u32)> = Vec::new();
            for v in (sites..of.len()).filter(|&v| of[v] == NONE) {
                let mut shared: BTreeMap<u32, f64> = BTreeMap::new();
                for e in graph.adjacency.row(v as u32) {
                    let g = of[graph.adjacency.neighbours[e] as usize];
                    if g != NONE && !(base_only && is_dedicated(g)) {
                        *shared.entry(g).or_default() += graph.border_m[e];
                    }
                }
                if let Some((&g, _)) = shared.iter().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0))) {
                    found.push((v, g));
                }
            }
            if found.is_empty() {
                break;
            }
            for (v, g) in found {
                of[v] = g;
            }
        }
    }
    // What hard barriers cut off from every building belongs to whom it touches.
    for v in sites..of.len() {
        if of[v] == NONE {
            of[v] = terrain
                .touching
                .neighbours_of(v as u32)
                .iter()
                .map(|&u| of[u as usize])
                .find(|g| *g != NONE)
                .unwrap_or(0);
        }
    }
    hand_out_scraps(terrain, sites, of);
    join_up(terrain, sites, of);
}

/// Pieces by adjacency, and the number of them beyond one a grid.
fn strays(terrain: &Terrain, of: &[u32]) -> (Vec<u32>, usize) {
    let (piece, pieces) = terrain.ground.graph.adjacency.components_where(|a, b| of[a as usize] == of[b as usize]);
    let grids: BTreeSet<u32> = of.iter().copied().collect();
    (piece, pieces as usize - grids.len())
}

fn join_up(terrain: &Terrain, sites: usize, of: &mut [u32]) {
    for _ in 0..64 {
        let (piece, stray) = strays(terrain, of);
        if stray == 0 {
            return;
        }
        let mut of_grid: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for (v, &g) in of.iter().enumerate() {
            of_grid.entry(g).or_default().insert(piece[v]);
        }
        let better = of_grid.iter().filter(|(_, p)| p.len() > 1).find_map(|(&g, pieces)| {
            pieces.iter().find_map(|&from| {
                let path = path_over_empty(&terrain.ground.graph.adjacency, sites, of, &piece, g, from)?;
                let mut trial = of.to_vec();
                for v in path {
                    trial[v as usize] = g;
                }
                hand_out_scraps(terrain, sites, &mut trial);
                (strays(terrain, &trial).1 < stray).then_some(trial)
            })
        });
        match better {
            Some(trial) => of.copy_from_slice(&trial),
            None => return,
        }
    }
}

/// Pieces of nothing but empty ground join whom they share most border with: they are nobody's part.
fn hand_out_scraps(terrain: &Terrain, sites: usize, of: &mut [u32]) {
    let graph = &terrain.ground.graph;
    for _ in 0..8 {
        let (piece, pieces) = graph.adjacency.components_where(|a, b| of[a as usize] == of[b as usize]);
        let mut built = vec![false; pieces as usize];
        for &p in &piece[..sites.min(piece.len())] {
            built[p as usize] = true;
        }
        let mut shared: BTreeMap<u32, BTreeMap<u32, f64>> = BTreeMap::new();
        for v in sites..of.len() {
            if built[piece[v] as usize] {
                continue;
            }
            for e in graph.adjacency.row(v as u32) {
                let u = graph.adjacency.neighbours[e] as usize;
                if piece[u] != piece[v] {
                    *shared.entry(piece[v]).or_default().entry(of[u]).or_default() += graph.border_m[e];
                }
            }
        }
        if shared.is_empty() {
            return;
        }
        for v in sites..of.len() {
            let most = shared
                .get(&piece[v])
                .and_then(|s| s.iter().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0))).map(|m| *m.0));
            if let Some(g) = most {
                of[v] = g;
            }
        }
    }
}

/// The shortest way over empty ground from one piece of a grid to another piece of it.
fn path_over_empty(
    adjacency: &crate::graph::Csr,
    sites: usize,
    of: &[u32],
    piece: &[u32],
    grid: u32,
    from: u32,
) -> Option<Vec<u32>> {
    let mut came: BTreeMap<u32, u32> = BTreeMap::new();
    let mut queue: VecDeque<u32> = (0..of.len() as u32).filter(|&v| piece[v as usize] == from).collect();
    while let Some(v) = queue.pop_front() {
        for &u in adjacency.neighbours_of(v) {
            if piece[u as usize] == from || came.contains_key(&u) {
                continue;
            }
            if of[u as usize] == grid {
                let mut path = Vec::new();
                let mut at = v;
                while piece[at as usize] != from {
                    path.push(at);
                    at = *came.get(&at)?;
                }
                return (!path.is_empty()).then_some(path);
            }
            if u as usize >= sites {
                came.insert(u, v);
                queue.push_back(u);
            }
        }
    }
    None
}
