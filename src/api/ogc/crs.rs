//! Reference systems of requests and answers, each with the axis order its registry says.

use std::f64::consts::{FRAC_PI_4, PI};
use std::sync::OnceLock;

use crate::api::error::{Answer, Problem};
use crate::domain::{LonLat, Point};
use crate::space::projection::LocalProjection;

/// Web Mercator's sphere, metres.
const RADIUS_M: f64 = 6_378_137.0;
/// EPSG:4523: zone 35, whose number stands before the easting.
const ZONE_35_EAST_M: f64 = 35_500_000.0;
const ZONE_35_MERIDIAN_DEG: f64 = 105.0;
/// Points along an edge of a box that becomes a curve.
const EDGE_POINTS: u32 = 16;

/// A reference system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crs {
    /// Longitude, latitude: the one data is kept in.
    Crs84,
    /// WGS 84: latitude, longitude.
    Epsg4326,
    /// CGCS2000: latitude, longitude; the same as WGS 84 at this precision.
    Epsg4490,
    /// Web Mercator: east, north.
    Epsg3857,
    /// CGCS2000 3° Gauss–Krüger zone 35 (Anshun): north, east.
    Epsg4523,
}

fn zone_35() -> &'static LocalProjection {
    static ZONE: OnceLock<LocalProjection> = OnceLock::new();
    ZONE.get_or_init(|| LocalProjection::gauss_kruger(ZONE_35_MERIDIAN_DEG))
}

impl Crs {
    pub(super) const ALL: [Self; 5] = [Self::Crs84, Self::Epsg4326, Self::Epsg4490, Self::Epsg3857, Self::Epsg4523];

    pub(super) const fn uri(self) -> &'static str {
        match self {
            Self::Crs84 => "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            Self::Epsg4326 => "http://www.opengis.net/def/crs/EPSG/0/4326",
            Self::Epsg4490 => "http://www.opengis.net/def/crs/EPSG/0/4490",
            Self::Epsg3857 => "http://www.opengis.net/def/crs/EPSG/0/3857",
            Self::Epsg4523 => "http://www.opengis.net/def/crs/EPSG/0/4523",
        }
    }

    /// Reads a URI (also as CURIE or URN).
    ///
    /// # Errors
    /// 400 with the systems there are.
    pub(super) fn parse(name: &str, text: &str) -> Answer<Self> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let tail = bare.rsplit(['/', ':']).next().unwrap_or_default();
        let known = Self::ALL.into_iter().find(|c| {
            let number = c.uri().rsplit('/').next().unwrap_or_default();
            c.uri() == bare || (tail.eq_ignore_ascii_case(number) && (bare.contains("EPSG") || bare.contains("CRS84")))
        });
        known.ok_or_else(|| {
            let list: Vec<&str> = Self::ALL.iter().map(|c| c.uri()).collect();
            Problem::bad(name, format!("不支持该坐标系 / not a reference system of this service: {}", list.join(", ")))
        })
    }

    /// 10 to the number of decimals written.
    pub(super) const fn unit(self) -> f64 {
        match self {
            Self::Epsg3857 | Self::Epsg4523 => 1e4,
            _ => 1e9,
        }
    }

    /// Longitude and latitude into this system, axes in its order.
    pub(super) fn of_lonlat(self, [lon, lat]: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Crs84 => [lon, lat],
            Self::Epsg4326 | Self::Epsg4490 => [lat, lon],
            Self::Epsg3857 => {
                let y = (FRAC_PI_4 + lat.clamp(-89.999_999, 89.999_999).to_radians() / 2.0).tan().ln();
                [RADIUS_M * lon.to_radians(), RADIUS_M * y]
            }
            Self::Epsg4523 => {
                let p = zone_35().forward(LonLat { lon_deg: lon, lat_deg: lat });
                [p.y, p.x + ZONE_35_EAST_M]
            }
        }
    }

    /// Coordinates of this system, axes in its order, to longitude and latitude.
    pub(super) fn to_lonlat(self, [a, b]: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Crs84 => [a, b],
            Self::Epsg4326 | Self::Epsg4490 => [b, a],
            Self::Epsg3857 => {
                let lat = 2.0 * (b / RADIUS_M).exp().atan() - PI / 2.0;
                [(a / RADIUS_M).to_degrees(), lat.to_degrees()]
            }
            Self::Epsg4523 => {
                let p = zone_35().inverse(Point::new(b - ZONE_35_EAST_M, a));
                [p.lon_deg, p.lat_deg]
            }
        }
    }

    /// A box of this system as the box of degrees that holds it.
    pub(super) fn box_to_lonlat(self, [a0, b0, a1, b1]: [f64; 4]) -> [f64; 4] {
        if self != Self::Epsg4523 {
            let ([x0, y0], [x1, y1]) = (self.to_lonlat([a0, b0]), self.to_lonlat([a1, b1]));
            return [x0, y0, x1, y1];
        }
        let mut all = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for i in 0..=EDGE_POINTS {
            let t = f64::from(i) / f64::from(EDGE_POINTS);
            let (a, b) = (a0 + t * (a1 - a0), b0 + t * (b1 - b0));
            for c in [[a, b0], [a, b1], [a0, b], [a1, b]] {
                let [x, y] = self.to_lonlat(c);
                all = [all[0].min(x), all[1].min(y), all[2].max(x), all[3].max(y)];
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: PROJ 9, from EPSG:4326, same place.
    #[test]
    fn axes_and_values_are_proj_s() {
        let place = [105.643_564_4, 25.974_987_4];
        let close = |a: [f64; 2], b: [f64; 2], by: f64| (a[0] - b[0]).abs() < by && (a[1] - b[1]).abs() < by;
        assert_eq!(Crs::Epsg4326.of_lonlat(place), [25.974_987_4, 105.643_564_4]);
        assert_eq!(Crs::Epsg4490.of_lonlat(place), [25.974_987_4, 105.643_564_4]);
        assert!(close(Crs::Epsg3857.of_lonlat(place), [11_760_187.794_594_4, 2_995_983.355_530_2], 1e-5));
        assert!(close(Crs::Epsg4523.of_lonlat(place), [2_874_222.009_218_1, 35_564_446.676_735_2], 1e-3));
        for crs in Crs::ALL {
            assert!(close(crs.to_lonlat(crs.of_lonlat(place)), place, 1e-10), "{crs:?}");
            assert_eq!(Crs::parse("crs", crs.uri()).expect("known"), crs);
        }
        assert_eq!(Crs::parse("crs", "[EPSG:4523]").expect("known"), Crs::Epsg4523);
        assert!(Crs::parse("crs", "EPSG:2326").is_err() && Crs::parse("crs", "").is_err());
    }

    #[test]
    fn box_of_the_zone_holds_its_corners() {
        let b = Crs::Epsg4523.box_to_lonlat([2_870_000.0, 35_560_000.0, 2_880_000.0, 35_570_000.0]);
        for c in [[2_870_000.0, 35_560_000.0], [2_880_000.0, 35_570_000.0], [2_875_000.0, 35_565_000.0]] {
            let [x, y] = Crs::Epsg4523.to_lonlat(c);
            assert!(b[0] <= x && x <= b[2] && b[1] <= y && y <= b[3]);
        }
    }
}
