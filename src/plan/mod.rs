//! The application: joins what was read with the solvers and writes plans.

pub mod balance;
pub mod certify;
pub mod draw;
pub mod edit;
pub mod far;
pub mod figures;
pub mod folder;
mod grid_counts;
pub mod grid_facts;
pub mod grids;
pub mod ground;
pub mod in_force;
pub mod job;
pub mod locate;
pub mod make;
mod named;
pub mod register;
pub mod report;
pub mod room;
pub mod shapes;
pub mod synth;
pub mod units;
pub mod village;
