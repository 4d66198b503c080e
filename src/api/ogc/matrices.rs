//! Tile matrix sets: how the world is cut into tiles, level by level, and which tile is where.
//!
//! `CGCS2000Quad` is the cut of China's public base map (天地图, its set `c`) in degrees of EPSG:4490: level z has 2ᶻ columns and half as
//! many rows from 90° N, 180° W. No such set is in OGC's register; its nearest, WorldCRS84Quad, has the same tiles under numbers one
//! lower, in WGS 84. Programs that show the base map count levels as it does, so its numbers are kept; level 0, which the base map does
//! not have, is the one square of 360° whose upper half is the world.

use std::f64::consts::PI;

use serde_json::{Value, json};

use crate::api::error::{Answer, Problem};

use super::crs::Crs;
use super::tile_shapes::{EXTENT, MARGIN};

/// Deepest level.
pub(super) const DEEPEST: u32 = 22;
/// Half the side of the square all levels of WebMercatorQuad divide, metres.
const HALF_M: f64 = PI * 6_378_137.0;
/// Metres of a pixel at level 0, on the equator, divided by the standard's 0.28 mm: the same for both sets.
const SCALE_0: f64 = 559_082_264.028_717_8;
/// Pixels along a tile's side.
const PIXELS: f64 = 256.0;

/// A tile matrix set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matrices {
    WebMercatorQuad,
    Cgcs2000Quad,
}

impl Matrices {
    pub(super) const ALL: [Self; 2] = [Self::WebMercatorQuad, Self::Cgcs2000Quad];

    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::WebMercatorQuad => "WebMercatorQuad",
            Self::Cgcs2000Quad => "CGCS2000Quad",
        }
    }

    /// A set somebody named.
    ///
    /// # Errors
    /// 404.
    pub(super) fn named(id: &str) -> Answer<Self> {
        Self::ALL.into_iter().find(|m| m.id() == id).ok_or_else(Problem::missing)
    }

    /// Its place in OGC's register, if it has one.
    pub(super) const fn uri(self) -> Option<&'static str> {
        match self {
            Self::WebMercatorQuad => Some("http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"),
            Self::Cgcs2000Quad => None,
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::WebMercatorQuad => "Google Maps Compatible for the World",
            Self::Cgcs2000Quad => "CGCS2000 经纬度，与天地图 c 同号 / CGCS2000 in degrees, numbered as Tianditu's c",
        }
    }

    pub(super) const fn crs(self) -> Crs {
        match self {
            Self::WebMercatorQuad => Crs::Epsg3857,
            Self::Cgcs2000Quad => Crs::Epsg4490,
        }
    }

    /// Columns and rows of a level.
    const fn size(self, z: u32) -> [u32; 2] {
        let n = 1_u32 << z;
        match self {
            Self::WebMercatorQuad => [n, n],
            Self::Cgcs2000Quad => [n, n.div_ceil(2)],
        }
    }

    /// Side of a tile, metres or degrees.
    fn side(self, z: u32) -> f64 {
        let whole = match self {
            Self::WebMercatorQuad => 2.0 * HALF_M,
            Self::Cgcs2000Quad => 360.0,
        };
        whole / f64::from(1_u32 << z)
    }

    /// Western and northern edge, metres or degrees.
    const fn corner(self) -> [f64; 2] {
        match self {
            Self::WebMercatorQuad => [-HALF_M, HALF_M],
            Self::Cgcs2000Quad => [-180.0, 90.0],
        }
    }

    /// Longitude and latitude to the set's own plane: east, north.
    fn flat(self, c: [f64; 2]) -> [f64; 2] {
        match self {
            Self::WebMercatorQuad => Crs::Epsg3857.of_lonlat(c),
            // CGCS2000 is WGS 84 to the centimetres that a tile does not show
            Self::Cgcs2000Quad => c,
        }
    }

    /// The other way.
    fn of_flat(self, c: [f64; 2]) -> [f64; 2] {
        match self {
            Self::WebMercatorQuad => Crs::Epsg3857.to_lonlat(c),
            Self::Cgcs2000Quad => c,
        }
    }

    /// The definition as OGC's standard (17-083r4) writes it.
    pub(super) fn definition(self) -> Value {
        let corner = self.corner();
        // positions are in the order of the system's axes
        let (axes, origin) = match self {
            Self::WebMercatorQuad => (["X", "Y"], corner),
            Self::Cgcs2000Quad => (["Lat", "Lon"], [corner[1], corner[0]]),
        };
        let levels: Vec<Value> = (0..=DEEPEST)
            .map(|z| {
                let [columns, rows] = self.size(z);
                json!({
                    "id": z.to_string(),
                    "scaleDenominator": SCALE_0 / f64::from(1_u32 << z),
                    "cellSize": self.side(z) / PIXELS,
                    "cornerOfOrigin": "topLeft",
                    "pointOfOrigin": origin,
                    "tileWidth": PIXELS as u32,
                    "tileHeight": PIXELS as u32,
                    "matrixWidth": columns,
                    "matrixHeight": rows,
                })
            })
            .collect();
        let mut value = json!({
            "id": self.id(),
            "title": self.title(),
            "crs": self.crs().uri(),
            "orderedAxes": axes,
            "tileMatrices": levels,
        });
        if let Some(uri) = self.uri() {
            value["uri"] = uri.into();
            value["wellKnownScaleSet"] = "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible".into();
        }
        value
    }
}

/// A tile's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    set: Matrices,
    pub(super) z: u32,
    x: u32,
    y: u32,
}

impl Place {
    /// A place somebody named.
    ///
    /// # Errors
    /// 404 for one that the set has not.
    pub(super) fn read(set: Matrices, z: &str, y: &str, x: &str) -> Answer<Self> {
        let number = |t: &str| t.parse::<u32>().ok().filter(|_| t.len() <= 8 && t.bytes().all(|b| b.is_ascii_digit()));
        let (Some(z), Some(y), Some(x)) = (number(z), number(y), number(x)) else { return Err(Problem::missing()) };
        if z > DEEPEST {
            return Err(Problem::missing());
        }
        let [columns, rows] = set.size(z);
        if x < columns && y < rows { Ok(Self { set, z, x, y }) } else { Err(Problem::missing()) }
    }

    /// Western and northern edge.
    fn edges(self) -> [f64; 2] {
        let (side, [west, north]) = (self.set.side(self.z), self.set.corner());
        [west + f64::from(self.x) * side, north - f64::from(self.y) * side]
    }

    /// Longitude and latitude to tile units, y down.
    pub(super) fn project(self) -> impl Fn([f64; 2]) -> [f64; 2] {
        let (side, [left, top]) = (self.set.side(self.z), self.edges());
        move |c| {
            let [x, y] = self.set.flat(c);
            [(x - left) / side * EXTENT, (top - y) / side * EXTENT]
        }
    }

    /// The tile with its margin, degrees.
    pub(super) fn box_deg(self) -> [f64; 4] {
        let (side, [left, top]) = (self.set.side(self.z), self.edges());
        let margin = side * MARGIN / EXTENT;
        let [w, n] = self.set.of_flat([left - margin, top + margin]);
        let [e, s] = self.set.of_flat([left + side + margin, top - side - margin]);
        [w, s, e, n]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_strictly() {
        let place = |set, z, y, x| Place::read(set, z, y, x);
        let web = Matrices::WebMercatorQuad;
        assert_eq!(place(web, "3", "7", "0").expect("place"), Place { set: web, z: 3, x: 0, y: 7 });
        for (z, y, x) in
            [("3", "8", "0"), ("23", "0", "0"), ("-1", "0", "0"), ("1", "+1", "0"), ("1", "", "0"), ("x", "0", "0")]
        {
            assert!(Matrices::ALL.iter().all(|m| place(*m, z, y, x).is_err()), "{z}/{y}/{x}");
        }
        // two squares side by side are the world; one is, with what lies below
        let quad = Matrices::Cgcs2000Quad;
        for (z, y, x, is_there) in
            [("1", "0", "1", true), ("1", "1", "0", false), ("0", "0", "0", true), ("3", "4", "0", false)]
        {
            assert_eq!(place(quad, z, y, x).is_ok(), is_there, "{z}/{y}/{x}");
        }
    }

    #[test]
    fn corners_of_a_tile_are_zero_and_4096() {
        // 14/12995/6957 near Anshun: corners by the formula of the slippy map
        let place = Place { set: Matrices::WebMercatorQuad, z: 14, x: 12_995, y: 6_957 };
        let n = f64::from(1_u32 << 14);
        let lon = |x: f64| x / n * 360.0 - 180.0;
        let lat = |y: f64| (PI * (1.0 - 2.0 * y / n)).sinh().atan().to_degrees();
        let project = place.project();
        let corner = |dx: f64, dy: f64| project([lon(12_995.0 + dx), lat(6_957.0 + dy)]);
        for (at, expected) in [(corner(0.0, 0.0), [0.0, 0.0]), (corner(1.0, 1.0), [4096.0, 4096.0])] {
            assert!((at[0] - expected[0]).abs() < 1e-4 && (at[1] - expected[1]).abs() < 1e-4, "{at:?}");
        }
    }

    #[test]
    fn cgcs2000_tiles_have_the_numbers_of_the_base_map() {
        // its capabilities: at level 18 262,144 by 131,072 tiles from 90° N 180° W; so Anshun, 105.932° E 26.2456° N, lies in this one
        assert_eq!(Matrices::Cgcs2000Quad.size(18), [262_144, 131_072]);
        assert_eq!(Matrices::Cgcs2000Quad.size(1), [2, 1]);
        let (side, x, y) = (360.0 / 262_144.0, 208_209_u32, 46_424_u32);
        let place = Place::read(Matrices::Cgcs2000Quad, "18", &y.to_string(), &x.to_string()).expect("a place");
        let [w, s, e, n] = place.box_deg();
        assert!(w < 105.932 && 105.932 < e && s < 26.2456 && 26.2456 < n, "{w} {s} {e} {n}");
        let project = place.project();
        let (west, north) = (f64::from(x) * side - 180.0, 90.0 - f64::from(y) * side);
        let [a, b] = [project([west, north]), project([west + side, north - side])];
        assert!(a.iter().all(|v| v.abs() < 1e-4) && b.iter().all(|v| (v - 4096.0).abs() < 1e-4), "{a:?} {b:?}");
        let definition = Matrices::Cgcs2000Quad.definition();
        assert_eq!(definition["tileMatrices"][0]["cellSize"], 1.40625);
        assert_eq!(definition["tileMatrices"][1]["pointOfOrigin"], json!([90.0, -180.0]));
        // a pixel's degrees on the equator are the standard's 0.28 mm at that scale
        let metres = 1.40625 * 2.0 * HALF_M / 360.0;
        assert!((metres / 0.000_28 - SCALE_0).abs() < 1e-3);
    }
}
