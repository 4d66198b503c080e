//! Grids (网格): balanced, contiguous districting of weighted atoms.
//!
//! Lexicographic objective: every grid connected; deviation from the mean beyond the tolerance; then Σ P²/(4πA) plus soft terms.
//! 1. Each component of the adjacency (hard barriers, exclaves cut a village) gets its number of grids by its households.
//! 2. [`start`]: recursive bisection by households (Berger & Bokhari 1987); [`power`] rounds its parts out as a centroidal power
//!    diagram with equal households; then repair of contiguity.
//!    Where divisions exist already (old nets), each is offered as a start too (`offer`).
//! 3. [`anneal`]: rounds of disjoint groups of neighbouring grids whose boundary atoms change hands, contiguity kept, by simulated
//!    annealing: a few lukewarm sweeps belong to the start, then come cycles of doubling length, each cooler at its begin; the best
//!    state seen is the answer, so more rounds never make it worse.
//!    In a village of many atoms only the first cycle is of the whole; then [`patches`] of some grids are annealed anew, the worst
//!    first, and kept where they came out better.
//! 4. Imbalance costs more the greater it is, so a surplus flows from the fullest grids outward, and most at a cycle's end;
//!    [`balance`]: what is still beyond the tolerance is brought inside by directed moves, exchanges and chains of them.

pub mod anneal;
pub mod better;
pub mod exact;
pub mod power;
pub mod start;
pub mod tried;

mod balance;
mod offer;
mod patches;
mod solver;
#[cfg(test)]
mod tests;

pub use solver::GridsSolver;

use crate::graph::Csr;

/// The atoms (buildings) of one village as the grid solver sees them. All arrays have one entry an atom unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct AtomGraph {
    /// Position in local metres.
    pub xy: Vec<[f64; 2]>,
    /// Households.
    pub households: Vec<u32>,
    /// Area of the atom's cell, cut to the village and to hard barriers, in m².
    pub area_m2: Vec<f64>,
    /// Length of the cell's border that touches no other atom's cell or only across a hard barrier, in m.
    pub outer_m: Vec<f64>,
    /// Which atoms' cells touch; hard barriers remove adjacency.
    pub adjacency: Csr,
    /// Length of the shared border per half-edge, in m.
    pub border_m: Vec<f64>,
    /// Further cost per half-edge of putting its two ends into different grids (positive) or the same grid (negative), in the unit
    /// of the compactness sum: soft barriers, hamlets, old nets, the plan in force. Empty when there is none.
    pub soft: Vec<f64>,
}

/// What the grids must be like.
#[derive(Clone, Copy, Debug)]
pub struct GridsOptions {
    /// Number of grids (at least one a component; at most one an atom).
    pub count: u32,
    /// Deviation allowed, as a share of the mean.
    pub tolerance: f64,
    /// Seed of the random streams.
    pub seed: u64,
    /// Number of the village, for its random streams.
    pub village: u64,
}

/// How good a division into grids is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridsFigures {
    /// max |households ÷ mean of the component − 1|.
    pub deviation: f64,
    /// Mean of 4πA/P² over the grids.
    pub mean_polsby_popper: f64,
    /// Least 4πA/P².
    pub min_polsby_popper: f64,
    /// Σ P²/(4πA).
    pub compactness_sum: f64,
    /// Connected pieces beyond one a grid.
    pub stray_pieces: u32,
}

/// What makes a task impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridsError {
    /// There is nothing to divide.
    #[error("no building to divide into grids")]
    NoAtom,
    /// An array does not fit the others.
    #[error("the {what} of {got} entries were given where {expected} are needed")]
    Length {
        /// Which array.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The length needed.
        expected: usize,
    },
}

/// Figures of an assignment of atoms to parts, whatever made it.
#[must_use]
pub fn figures(graph: &AtomGraph, part_of: &[u32], parts: u32) -> GridsFigures {
    let k = parts as usize;
    let (mut area, mut perimeter, mut households) = (vec![0.0_f64; k], vec![0.0_f64; k], vec![0_u64; k]);
    for v in 0..part_of.len() as u32 {
        let p = part_of[v as usize] as usize;
        area[p] += graph.area_m2[v as usize];
        perimeter[p] += graph.outer_m[v as usize];
        households[p] += u64::from(graph.households[v as usize]);
        for e in graph.adjacency.row(v) {
            if part_of[graph.adjacency.neighbours[e] as usize] as usize != p {
                perimeter[p] += graph.border_m[e];
            }
        }
    }
    let (side, sides) = graph.adjacency.components();
    let mut total = vec![0_u64; sides as usize];
    let mut members = vec![std::collections::BTreeSet::new(); sides as usize];
    for (v, &s) in side.iter().enumerate() {
        total[s as usize] += u64::from(graph.households[v]);
        members[s as usize].insert(part_of[v]);
    }
    let mut deviation = 0.0_f64;
    for (t, m) in total.iter().zip(&members) {
        let mean = *t as f64 / m.len().max(1) as f64;
        for &p in m {
            if mean > 0.0 {
                deviation = deviation.max((households[p as usize] as f64 / mean - 1.0).abs());
            }
        }
    }
    let pieces = graph.adjacency.components_where(|a, b| part_of[a as usize] == part_of[b as usize]).1;
    let pp: Vec<f64> =
        area.iter().zip(&perimeter).map(|(a, p)| 4.0 * std::f64::consts::PI * a / (p * p).max(1e-12)).collect();
    GridsFigures {
        deviation,
        mean_polsby_popper: pp.iter().sum::<f64>() / k.max(1) as f64,
        min_polsby_popper: pp.iter().copied().fold(f64::INFINITY, f64::min),
        compactness_sum: pp.iter().map(|v| 1.0 / v.max(1e-12)).sum(),
        stray_pieces: pieces.saturating_sub(parts),
    }
}
