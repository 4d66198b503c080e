//! Positions: geographic (WGS 84 degrees) and local (metres in a plane). The two never mix.

use serde::{Deserialize, Serialize};

/// A WGS 84 position in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LonLat {
    /// Longitude in degrees, −180…180.
    pub lon_deg: f64,
    /// Latitude in degrees, −90…90.
    pub lat_deg: f64,
}

/// A position in metres in the local plane of one village (x east, y north).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Metres east of the plane's origin.
    pub x: f64,
    /// Metres north of the plane's origin.
    pub y: f64,
}

impl Point {
    /// A point from its coordinates in metres.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Squared distance in m².
    #[must_use]
    pub fn distance2_m2(self, other: Self) -> f64 {
        let (dx, dy) = (self.x - other.x, self.y - other.y);
        dx * dx + dy * dy
    }
}

/// The positions of a whole input: either all geographic or all planar.
#[derive(Clone, Debug, PartialEq)]
pub enum Positions {
    /// WGS 84 degrees, after conversion from whatever datum the file used.
    Geographic(Vec<LonLat>),
    /// Metres in a plane without a known place on Earth.
    Planar(Vec<Point>),
}

impl Positions {
    /// Number of positions.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Geographic(p) => p.len(),
            Self::Planar(p) => p.len(),
        }
    }

    /// Whether there is no position.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
