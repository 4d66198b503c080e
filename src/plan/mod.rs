//! The application: joins what was read with the solvers and writes plans.
