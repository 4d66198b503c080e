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

/// Ways over empty ground that are taken one after the other, each to mend what the one before cut.
const WAYS: usize = 4;
/// Ways tried for one village.
const TRIED: usize = 200;

fn join_up(terrain: &Terrain, sites: usize, of: &mut [u32]) {
    let mut tried = 0;
    loop {
        let stray = strays(terrain, of).1;
        if stray == 0 {
            return;
        }
        match fewer_pieces(terrain, sites, of, (stray, WAYS), &BTreeSet::new(), &mut tried) {
            Some(better) => of.copy_from_slice(&better),
            None => return,
        }
    }
}

/// The same ground in fewer than `stray` pieces too many, by at most `ways` ways over empty atoms other than the `taken` ones.
fn fewer_pieces(
    terrain: &Terrain,
    sites: usize,
    of: &[u32],
    (stray, ways): (usize, usize),
    taken: &BTreeSet<u32>,
    tried: &mut usize,
) -> Option<Vec<u32>> {
    let (piece, _) = strays(terrain, of);
    let mut of_grid: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (v, &g) in of.iter().enumerate() {
        of_grid.entry(g).or_default().insert(piece[v]);
    }
    let mut cutting = Vec::new();
    for (&g, pieces) in of_grid.iter().filter(|(_, p)| p.len() > 1) {
        for &from in pieces {
            let graph = &terrain.ground.graph.adjacency;
            let Some(way) = path_over_empty(graph, sites, of, &piece, (g, from), taken) else { continue };
            *tried += 1;
            if *tried > TRIED {
                return None;
            }
            let mut trial = of.to_vec();
            for v in &way {
                trial[*v as usize] = g;
            }
            hand_out_scraps(terrain, sites, &mut trial);
            if strays(terrain, &trial).1 < stray {
                return Some(trial);
            }
            cutting.push((trial, way));
        }
    }
    // A way that cuts another grid is of use where that one finds a way of its own.
    cutting.into_iter().filter(|_| ways > 1).find_map(|(trial, way)| {
        let taken: BTreeSet<u32> = taken.iter().copied().chain(way).collect();
        fewer_pieces(terrain, sites, &trial, (stray, ways - 1), &taken, tried)
    })
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
    (grid, from): (u32, u32),
    taken: &BTreeSet<u32>,
) -> Option<Vec<u32>> {
    let mut came: BTreeMap<u32, u32> = BTreeMap::new();
    let mut queue: VecDeque<u32> = (0..of.len() as u32).filter(|&v| piece[v as usize] == from).collect();
    while let Some(v) = queue.pop_front() {
        for &u in adjacency.neighbours_of(v) {
            if piece[u as usize] == from || came.contains_key(&u) || taken.contains(&u) {
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
