//! The one projection to local metres: transverse Mercator on the WGS 84 ellipsoid, scale 1 on the central meridian.

use crate::domain::{LonLat, Point};

const SEMI_MAJOR_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;

/// Transverse Mercator centred on a place: x metres east, y metres north of it (Krüger's series to n⁴, Karney 2011; the error
/// within 100 km is below a micrometre).
#[derive(Clone, Debug)]
pub struct LocalProjection {
    centre: LonLat,
    radius_m: f64,
    alpha: [f64; 4],
    beta: [f64; 4],
    origin_y_m: f64,
    eccentricity: f64,
}

impl LocalProjection {
    /// The projection centred on `centre`.
    #[must_use]
    pub fn centred_on(centre: LonLat) -> Self {
        let n = FLATTENING / (2.0 - FLATTENING);
        let (n2, n3, n4) = (n * n, n.powi(3), n.powi(4));
        let radius_m = SEMI_MAJOR_M / (1.0 + n) * (1.0 + n2 / 4.0 + n4 / 64.0);
        let alpha = [
            n / 2.0 - 2.0 * n2 / 3.0 + 5.0 * n3 / 16.0 + 41.0 * n4 / 180.0,
            13.0 * n2 / 48.0 - 3.0 * n3 / 5.0 + 557.0 * n4 / 1440.0,
            61.0 * n3 / 240.0 - 103.0 * n4 / 140.0,
            49_561.0 * n4 / 161_280.0,
        ];
        let beta = [
            n / 2.0 - 2.0 * n2 / 3.0 + 37.0 * n3 / 96.0 - n4 / 360.0,
            n2 / 48.0 + n3 / 15.0 - 437.0 * n4 / 1440.0,
            17.0 * n3 / 480.0 - 37.0 * n4 / 840.0,
            4_397.0 * n4 / 161_280.0,
        ];
        let eccentricity = (FLATTENING * (2.0 - FLATTENING)).sqrt();
        let mut p = Self { centre, radius_m, alpha, beta, origin_y_m: 0.0, eccentricity };
        p.origin_y_m = p.forward(centre).y;
        p
    }

    /// The projection of a Gauss–Krüger zone: x metres east of the central meridian, y metres north of the equator.
    #[must_use]
    pub fn gauss_kruger(central_meridian_deg: f64) -> Self {
        Self::centred_on(LonLat { lon_deg: central_meridian_deg, lat_deg: 0.0 })
    }

    /// Degrees to metres.
    #[must_use]
    pub fn forward(&self, p: LonLat) -> Point {
        let e = self.eccentricity;
        let sin = p.lat_deg.to_radians().sin();
        let lambda = (p.lon_deg - self.centre.lon_deg).to_radians();
        let t = (sin.atanh() - e * (e * sin).atanh()).sinh();
        let xi0 = t.atan2(lambda.cos());
        let eta0 = (lambda.sin() / (1.0 + t * t).sqrt()).atanh();
        let (mut xi, mut eta) = (xi0, eta0);
        for (j, a) in (1..).map(f64::from).zip(self.alpha) {
            xi += a * (2.0 * j * xi0).sin() * (2.0 * j * eta0).cosh();
            eta += a * (2.0 * j * xi0).cos() * (2.0 * j * eta0).sinh();
        }
        Point::new(self.radius_m * eta, self.radius_m * xi - self.origin_y_m)
    }

    /// Metres to degrees.
    #[must_use]
    pub fn inverse(&self, p: Point) -> LonLat {
        let (xi1, eta1) = ((p.y + self.origin_y_m) / self.radius_m, p.x / self.radius_m);
        let (mut xi, mut eta) = (xi1, eta1);
        for (j, b) in (1..).map(f64::from).zip(self.beta) {
            xi -= b * (2.0 * j * xi1).sin() * (2.0 * j * eta1).cosh();
            eta -= b * (2.0 * j * xi1).cos() * (2.0 * j * eta1).sinh();
        }
        let e = self.eccentricity;
        let target = xi.sin() / (eta.sinh().powi(2) + xi.cos().powi(2)).sqrt();
        // Newton on the conformal latitude (Karney 2011, eq. 19–21): three steps reach machine precision.
        let mut t = target;
        for _ in 0..4 {
            let root = (1.0 + t * t).sqrt();
            let s = (e * (e * t / root).atanh()).sinh();
            let tp = t * (1.0 + s * s).sqrt() - s * root;
            let slope = (1.0 + tp * tp).sqrt() * root * (1.0 - e * e) / (1.0 + (1.0 - e * e) * t * t);
            t += (target - tp) / slope;
        }
        LonLat {
            lon_deg: self.centre.lon_deg + eta.sinh().atan2(xi.cos()).to_degrees(),
            lat_deg: t.atan().to_degrees(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_place() {
        let p = LocalProjection::centred_on(LonLat { lon_deg: 105.93, lat_deg: 26.25 });
        for (dlon, dlat) in [(0.0, 0.0), (0.5, 0.4), (-0.5, 0.3), (0.01, -0.45)] {
            let q = LonLat { lon_deg: 105.93 + dlon, lat_deg: 26.25 + dlat };
            let back = p.inverse(p.forward(q));
            assert!((back.lon_deg - q.lon_deg).abs() < 1e-12 && (back.lat_deg - q.lat_deg).abs() < 1e-12, "{back:?}");
        }
    }

    #[test]
    fn meridian_arc_equals_the_integral() {
        let p = LocalProjection::gauss_kruger(105.0);
        let y = p.forward(LonLat { lon_deg: 105.0, lat_deg: 26.0 }).y;
        let e2 = FLATTENING * (2.0 - FLATTENING);
        let steps = 20_000;
        let h = 26.0_f64.to_radians() / f64::from(steps);
        let f = |phi: f64| SEMI_MAJOR_M * (1.0 - e2) / (1.0 - e2 * phi.sin().powi(2)).powf(1.5);
        let arc: f64 = (0..steps)
            .map(|i| {
                let a = f64::from(i) * h;
                h / 6.0 * (f(a) + 4.0 * f(a + h / 2.0) + f(a + h))
            })
            .sum();
        assert!((y - arc).abs() < 1e-6, "{y} {arc}");
    }

    #[test]
    fn scale_is_one_at_the_centre() {
        let p = LocalProjection::centred_on(LonLat { lon_deg: 105.0, lat_deg: 26.0 });
        let a = p.forward(LonLat { lon_deg: 105.001, lat_deg: 26.0 });
        // Radius of the parallel times the angle.
        let e2 = FLATTENING * (2.0 - FLATTENING);
        let lat = 26.0_f64.to_radians();
        let parallel = SEMI_MAJOR_M / (1.0 - e2 * lat.sin().powi(2)).sqrt() * lat.cos() * 0.001_f64.to_radians();
        assert!((a.x - parallel).abs() < 1e-6 && a.y.abs() < 1e-3);
    }
}
