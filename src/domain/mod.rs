//! The words of the field as types: no IO, no clock, no geometry algorithms.

pub mod barrier;
pub mod households;
pub mod position;
pub mod region;

pub use barrier::{Barrier, BarrierShape};
pub use households::{Column, Households, NO_VALUE};
pub use position::{LonLat, Point, Positions};
pub use region::Region;
