//! Grids (网格): balanced, contiguous districting of weighted atoms.

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
