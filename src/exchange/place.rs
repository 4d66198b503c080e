//! Whether a pair of degrees can be a place on Earth, said once for every format.

use super::error::Fault;

/// Metres of one degree of latitude, near enough for tolerances.
pub(super) const DEGREE_M: f64 = 111_320.0;

/// What is wrong with a finite longitude and latitude, if anything is.
pub(super) fn fault_of_degrees(c: [f64; 2]) -> Option<Fault> {
    if c == [0.0, 0.0] {
        return Some(Fault::new("out_of_range", "坐标为 0,0 / the position is 0,0"));
    }
    if c[0].abs() <= 180.0 && c[1].abs() <= 90.0 {
        return None;
    }
    let hint = if c[1].abs() > 90.0 && c[0].abs() <= 90.0 { "；经纬度是否颠倒？ / axes swapped?" } else { "" };
    Some(Fault::new(
        "out_of_range",
        format!("经度 {0}、纬度 {1} 超出范围 / lon {0}, lat {1} are out of range{hint}", c[0], c[1]),
    ))
}
