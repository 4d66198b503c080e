//! The application: joins what was read with the solvers and writes plans.

pub mod certify;
pub mod job;
pub mod report;
pub mod shapes;
pub mod units;
pub mod village;
