//! Dividing a village: the grid and unit solvers, and the effort (rounds, time, cancellation) they share.

pub mod check;
pub mod effort;
pub mod grids;
pub mod leaders;
pub mod numbering;
pub mod subgraph;
pub mod units;
