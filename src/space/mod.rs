//! Geometry: conversions between reference systems, the one projection to local metres, neighbours.

pub mod datum;
pub mod delaunay;
pub mod mesh;
pub mod outlines;
pub mod projection;
pub mod sites;
pub mod validity;
