//! Datums and reference systems that Chinese data comes in, to WGS 84 degrees.

use crate::domain::{LonLat, Point};

use super::projection::LocalProjection;

/// A reference system of an input.
#[derive(Clone, Debug)]
pub enum Crs {
    /// WGS 84 (EPSG:4326) or CGCS2000 (EPSG:4490) degrees: the same at this precision.
    Degrees,
    /// The shifted degrees of Chinese web maps.
    Gcj02,
    /// Baidu's further shift.
    Bd09,
    /// CGCS2000 3° Gauss–Krüger, with its false easting in metres.
    GaussKruger {
        /// The zone's projection.
        zone: Box<LocalProjection>,
        /// Metres to subtract from x.
        false_easting_m: f64,
        /// Its number in the EPSG's list.
        epsg: u32,
    },
}

/// A name of a reference system that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "不认识坐标系“{0}”：可用 wgs84、cgcs2000、gcj02、bd09、EPSG:4326、EPSG:4490、EPSG:4513–4554\nunknown reference system \"{0}\": use wgs84, cgcs2000, gcj02, bd09, EPSG:4326, EPSG:4490 or EPSG:4513–4554"
)]
pub struct UnknownCrs(pub String);

impl Crs {
    /// Reads a name such as `gcj02` or `EPSG:4523`.
    ///
    /// # Errors
    /// When the name is not known.
    pub fn parse(text: &str) -> Result<Self, UnknownCrs> {
        let lower = text.trim().to_ascii_lowercase().replace(['-', '_', ' '], "");
        let number = lower.strip_prefix("epsg:").and_then(|n| n.parse::<u32>().ok());
        match (lower.as_str(), number) {
            ("wgs84" | "cgcs2000", _) | (_, Some(4326 | 4490)) => Ok(Self::Degrees),
            ("gcj02", _) => Ok(Self::Gcj02),
            ("bd09", _) => Ok(Self::Bd09),
            // Zones 25–45 with the zone's number before the easting, then the same by central meridian.
            (_, Some(n @ 4513..=4533)) => Ok(Self::zone(n, n - 4513 + 25, true)),
            (_, Some(n @ 4534..=4554)) => Ok(Self::zone(n, n - 4534 + 25, false)),
            _ => Err(UnknownCrs(text.to_owned())),
        }
    }

    fn zone(epsg: u32, number: u32, prefixed: bool) -> Self {
        Self::GaussKruger {
            epsg,
            zone: Box::new(LocalProjection::gauss_kruger(f64::from(number * 3))),
            false_easting_m: 500_000.0 + if prefixed { f64::from(number) * 1e6 } else { 0.0 },
        }
    }

    /// Coordinates in this system (x or longitude first) to WGS 84.
    #[must_use]
    pub fn to_wgs84(&self, c: [f64; 2]) -> LonLat {
        match self {
            Self::Degrees => LonLat { lon_deg: c[0], lat_deg: c[1] },
            Self::Gcj02 => from_gcj02(c),
            Self::Bd09 => from_gcj02(bd09_to_gcj02(c)),
            Self::GaussKruger { zone, false_easting_m, .. } => zone.inverse(Point::new(c[0] - false_easting_m, c[1])),
        }
    }
}

impl std::fmt::Display for Crs {
    /// As [`Crs::parse`] reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Degrees => f.write_str("EPSG:4326"),
            Self::Gcj02 => f.write_str("GCJ-02"),
            Self::Bd09 => f.write_str("BD-09"),
            Self::GaussKruger { epsg, .. } => write!(f, "EPSG:{epsg}"),
        }
    }
}

/// The GCJ-02 shift in degrees at a WGS 84 place (public formula on the Krasovsky ellipsoid).
fn gcj02_shift([lon, lat]: [f64; 2]) -> [f64; 2] {
    use std::f64::consts::PI;
    const A: f64 = 6_378_245.0;
    const E2: f64 = 0.006_693_421_622_965_943;
    let (x, y) = (lon - 105.0, lat - 35.0);
    let wave = |v: f64| (20.0 * (6.0 * v * PI).sin() + 20.0 * (2.0 * v * PI).sin()) * 2.0 / 3.0;
    let slow = |v: f64| (20.0 * (v * PI).sin() + 40.0 * (v / 3.0 * PI).sin()) * 2.0 / 3.0;
    let dlat = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + wave(x)
        + slow(y)
        + (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    let dlon = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + wave(x)
        + slow(x)
        + (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    let phi = lat.to_radians();
    let w = 1.0 - E2 * phi.sin().powi(2);
    [dlon * 180.0 / (A / w.sqrt() * phi.cos() * PI), dlat * 180.0 / (A * (1.0 - E2) / (w * w.sqrt()) * PI)]
}

/// Inverts the shift by fixed-point iteration to below 10⁻¹⁰ degrees.
fn from_gcj02(c: [f64; 2]) -> LonLat {
    let mut p = c;
    for _ in 0..12 {
        let s = gcj02_shift(p);
        p = [c[0] - s[0], c[1] - s[1]];
    }
    LonLat { lon_deg: p[0], lat_deg: p[1] }
}

fn bd09_to_gcj02([lon, lat]: [f64; 2]) -> [f64; 2] {
    let k = std::f64::consts::PI * 3000.0 / 180.0;
    let (x, y) = (lon - 0.0065, lat - 0.006);
    let z = x.hypot(y) - 0.00002 * (y * k).sin();
    let theta = y.atan2(x) - 0.000_003 * (x * k).cos();
    [z * theta.cos(), z * theta.sin()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_is_read_as_it_is_written() {
        for name in ["EPSG:4326", "GCJ-02", "BD-09", "EPSG:4523", "EPSG:4544"] {
            assert_eq!(Crs::parse(name).expect("known").to_string(), name);
        }
        assert!(Crs::parse("GCJ02").is_ok() && Crs::parse("WGS 84").is_ok() && Crs::parse("EPSG:45").is_err());
    }

    #[test]
    fn gcj02_is_undone() {
        let place = [105.932, 26.2456];
        let s = gcj02_shift(place);
        let back = from_gcj02([place[0] + s[0], place[1] + s[1]]);
        assert!((back.lon_deg - place[0]).abs() < 1e-10 && (back.lat_deg - place[1]).abs() < 1e-10);
        // About 515 m near Anshun.
        let metres = (s[0] * 111_320.0 * 26.2456_f64.to_radians().cos()).hypot(s[1] * 110_800.0);
        assert!((480.0..560.0).contains(&metres), "{metres}");
    }

    #[test]
    fn zone_35_has_its_meridian_at_105_degrees() {
        let p = Crs::parse("EPSG:4523").expect("known").to_wgs84([35_500_000.0, 2_876_700.0]);
        assert!((p.lon_deg - 105.0).abs() < 1e-12 && (p.lat_deg - 26.0).abs() < 0.01);
        assert!(Crs::parse("EPSG:3857").is_err());
    }
}
