//! Vector tiles (MVT) of the WebMercatorQuad: every collection, what one sees of it.

use std::collections::HashSet;
use std::f64::consts::PI;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fast_mvt::{MvtCoord, MvtGeomType, MvtLayerBuilder, MvtResult, MvtTileBuilder, MvtValueRef};
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments};
use crate::api::memory::collection::Kind;
use crate::api::memory::{Snapshot, View};

use super::answer::{Made, kept};
use super::crs::Crs;
use super::items::named;
use super::pages::{either, link};
use super::query::form;
use super::tile_shapes::{Drawn, EXTENT, MARGIN, drawn};

const MATRICES: &str = "WebMercatorQuad";
const MATRICES_URI: &str = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad";
/// Deepest level.
const DEEPEST: u32 = 22;
/// Half the side of the square all levels divide, metres.
const HALF_M: f64 = PI * 6_378_137.0;
const MVT: &str = "application/vnd.mapbox-vector-tile";
/// Points of one tile that fall into one cell of so many units are one point.
const CELL: i32 = 16;
/// Metres of a pixel at level 0, divided by the standard's 0.28 mm.
const SCALE_0: f64 = 559_082_264.028_717_8;

/// A tile's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    z: u32,
    x: u32,
    y: u32,
}

impl Place {
    fn read(z: &str, y: &str, x: &str) -> Answer<Self> {
        let number = |t: &str| t.parse::<u32>().ok().filter(|_| t.len() <= 8 && t.bytes().all(|b| b.is_ascii_digit()));
        let (Some(z), Some(y), Some(x)) = (number(z), number(y), number(x)) else { return Err(Problem::missing()) };
        if z > DEEPEST || x >> z != 0 || y >> z != 0 {
            return Err(Problem::missing());
        }
        Ok(Self { z, x, y })
    }

    fn side_m(self) -> f64 {
        2.0 * HALF_M / f64::from(1_u32 << self.z)
    }

    /// Longitude and latitude to tile units, y down.
    fn project(self) -> impl Fn([f64; 2]) -> [f64; 2] {
        let side = self.side_m();
        let (left, top) = (-HALF_M + f64::from(self.x) * side, HALF_M - f64::from(self.y) * side);
        move |c| {
            let [x, y] = Crs::Epsg3857.of_lonlat(c);
            [(x - left) / side * EXTENT, (top - y) / side * EXTENT]
        }
    }

    /// The tile with its margin, degrees.
    fn box_deg(self) -> [f64; 4] {
        let side = self.side_m();
        let margin = side * MARGIN / EXTENT;
        let (left, top) = (-HALF_M + f64::from(self.x) * side, HALF_M - f64::from(self.y) * side);
        let [w, n] = Crs::Epsg3857.to_lonlat([left - margin, top + margin]);
        let [e, s] = Crs::Epsg3857.to_lonlat([left + side + margin, top - side - margin]);
        [w, s, e, n]
    }
}

fn matrices(id: &str) -> Answer<()> {
    if id == MATRICES { Ok(()) } else { Err(Problem::missing()) }
}

pub(in crate::api) async fn tile(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((collection, set, z, y, x)): Segments<(String, String, String, String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    let collection = named(&collection)?;
    matrices(&set)?;
    if let Some(f) = params.get("f").filter(|f| !matches!(*f, "mvt" | "pbf")) {
        return Err(Problem::bad("f", format!("{}: mvt", f.chars().take(20).collect::<String>())));
    }
    params.only(&["f"])?;
    let place = Place::read(&z, &y, &x)?;
    let snapshot = app.memory.get(collection).await?;
    let view = app.memory.view(&snapshot, &principal.scope).await?;
    let key = format!(
        "tile\u{1f}{}\u{1f}{:x}\u{1f}{}\u{1f}{:x}\u{1f}{place:?}",
        collection.id(),
        snapshot.stamp(place.box_deg()),
        principal.scope.area(),
        view.digest
    );
    kept(&app, &headers, &key, true, move || {
        let body = encoded(&snapshot, &view, place).map_err(|e| Problem::internal(format!("tile: {e}")))?;
        Ok(Made::new(body, MVT))
    })
    .await
}

/// The tile's bytes; a tile without features is an empty one.
fn encoded(snapshot: &Snapshot, view: &View, place: Place) -> MvtResult<Vec<u8>> {
    let project = place.project();
    let mut layer = MvtTileBuilder::new().layer(snapshot.collection.id())?;
    let mut cells = HashSet::new();
    let mut any = false;
    for row in snapshot.in_box(place.box_deg()) {
        if !view.sees(row) {
            continue;
        }
        let Some(shape) = snapshot.shape(row).and_then(|s| drawn(&s.to_geometry(), &project)) else { continue };
        if let Drawn::Point([x, y]) = shape
            && place.z < DEEPEST
            && !cells.insert((x.div_euclid(CELL), y.div_euclid(CELL)))
        {
            // at a depth where they do not fall together each is there
            continue;
        }
        layer = feature(layer, snapshot, row, &shape)?;
        any = true;
    }
    Ok(if any { layer.encode() } else { Vec::new() })
}

fn coord(c: &[i32; 2]) -> MvtCoord {
    MvtCoord { x: c[0], y: c[1] }
}

fn feature(layer: MvtLayerBuilder, snapshot: &Snapshot, row: u32, shape: &Drawn) -> MvtResult<MvtLayerBuilder> {
    let kind = match shape {
        Drawn::Point(_) => MvtGeomType::Point,
        Drawn::Lines(_) => MvtGeomType::LineString,
        Drawn::Areas(_) => MvtGeomType::Polygon,
    };
    let mut feature = layer.feature_of(kind);
    match shape {
        Drawn::Point(c) => {
            feature.points([coord(c)])?;
        }
        Drawn::Lines(lines) => {
            for line in lines {
                feature.line(line.iter().map(coord))?;
            }
        }
        Drawn::Areas(parts) => {
            for rings in parts {
                for (i, ring) in rings.iter().enumerate() {
                    feature.ring(ring.iter().map(coord), i == 0)?;
                }
            }
        }
    }
    // no number: a row's own would change with the rows before it
    if snapshot.spec().key.is_none() {
        feature.tag_string("id", snapshot.id(row))?;
    }
    for (field, value) in snapshot.fields(row).filter(|(f, v)| !f.personal && *v != "null") {
        let number = || value.parse::<f64>().ok();
        match field.kind {
            Kind::Text | Kind::Day | Kind::Moment => {
                let text: String = serde_json::from_str(value).unwrap_or_default();
                feature.tag_string(field.name, text)?;
            }
            Kind::Whole => {
                feature.tag_auto_int(field.name, value.parse::<i64>().unwrap_or_default())?;
            }
            Kind::Real => {
                feature.tag_ref(field.name, MvtValueRef::Double(number().unwrap_or_default()))?;
            }
            Kind::Bool => {
                feature.tag_bool(field.name, value == "true")?;
            }
        }
    }
    Ok(feature.end())
}

fn tileset_of(origin: &str, collection: &str, whole: bool, bounds: Option<[f64; 4]>) -> Value {
    let home = format!("{origin}/ogc/collections/{collection}/tiles/{MATRICES}");
    let mut links = vec![
        link(home.clone(), "self", "application/json", "本切片集 this tileset"),
        link(
            format!("{origin}/ogc/tileMatrixSets/{MATRICES}"),
            "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
            "application/json",
            MATRICES,
        ),
    ];
    if whole {
        let mut template = link(format!("{home}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"), "item", MVT, "切片 tiles");
        template["templated"] = true.into();
        links.push(template);
    }
    let mut value = json!({
        "title": collection,
        "dataType": "vector",
        "crs": Crs::Epsg3857.uri(),
        "tileMatrixSetURI": MATRICES_URI,
        "tileMatrixSetId": MATRICES,
        "links": links,
    });
    if let Some([w, s, e, n]) = bounds {
        value["boundingBox"] = json!({"lowerLeft": [w, s], "upperRight": [e, n], "crs": Crs::Crs84.uri()});
    }
    if whole {
        value["layers"] = json!([{"id": collection, "dataType": "vector"}]);
        value["tiles"] = json!([format!("{home}/{{z}}/{{y}}/{{x}}")]);
        value["minzoom"] = 0.into();
        value["maxzoom"] = DEEPEST.into();
    }
    value
}

pub(in crate::api) async fn tilesets(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(collection): Segments<String>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    let collection = named(&collection)?;
    let origin = app.keeper.origin(&headers);
    let snapshot = app.memory.get(collection).await?;
    let view = app.memory.view(&snapshot, &principal.scope).await?;
    let value = json!({
        "tilesets": [tileset_of(&origin, collection.id(), false, snapshot.bounds(&view))],
        "links": [link(format!("{origin}/ogc/collections/{}/tiles", collection.id()), "self", "application/json", "本页 this page")],
    });
    as_json(&params, &headers, &value)
}

/// These documents are for programs: a browser gets the same JSON.
fn as_json(params: &Params, headers: &HeaderMap, value: &Value) -> Answer<Response> {
    form(params, headers, false)?;
    Ok(either(super::query::Form::GeoJson, value, String::new))
}

pub(in crate::api) async fn tileset(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((collection, set)): Segments<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    matrices(&set)?;
    let collection = named(&collection)?;
    let snapshot = app.memory.get(collection).await?;
    let view = app.memory.view(&snapshot, &principal.scope).await?;
    let bounds = snapshot.bounds(&view);
    as_json(&params, &headers, &tileset_of(&app.keeper.origin(&headers), collection.id(), true, bounds))
}

pub(in crate::api) async fn matrix_sets(
    State(app): State<Arc<App>>,
    _: Principal,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    let home = format!("{}/ogc/tileMatrixSets/{MATRICES}", app.keeper.origin(&headers));
    let value = json!({"tileMatrixSets": [{
        "id": MATRICES, "title": MATRICES, "uri": MATRICES_URI, "crs": Crs::Epsg3857.uri(),
        "links": [link(home, "self", "application/json", MATRICES)],
    }]});
    as_json(&params, &headers, &value)
}

pub(in crate::api) async fn matrix_set(
    _: Principal,
    Segments(set): Segments<String>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    matrices(&set)?;
    let levels: Vec<Value> = (0..=DEEPEST)
        .map(|z| {
            let n = 1_u32 << z;
            json!({
                "id": z.to_string(),
                "scaleDenominator": SCALE_0 / f64::from(n),
                "cellSize": 2.0 * HALF_M / 256.0 / f64::from(n),
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-HALF_M, HALF_M],
                "tileWidth": 256,
                "tileHeight": 256,
                "matrixWidth": n,
                "matrixHeight": n,
            })
        })
        .collect();
    let value = json!({
        "id": MATRICES,
        "title": "Google Maps Compatible for the World",
        "uri": MATRICES_URI,
        "crs": Crs::Epsg3857.uri(),
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": levels,
    });
    as_json(&params, &headers, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_strictly() {
        assert_eq!(Place::read("3", "7", "0").expect("place"), Place { z: 3, x: 0, y: 7 });
        for (z, y, x) in
            [("3", "8", "0"), ("23", "0", "0"), ("-1", "0", "0"), ("1", "+1", "0"), ("1", "", "0"), ("x", "0", "0")]
        {
            assert!(Place::read(z, y, x).is_err(), "{z}/{y}/{x}");
        }
    }

    #[test]
    fn corners_of_a_tile_are_zero_and_4096() {
        // 14/12995/6957 near Anshun: corners by the formula of the slippy map
        let place = Place { z: 14, x: 12_995, y: 6_957 };
        let n = f64::from(1_u32 << 14);
        let lon = |x: f64| x / n * 360.0 - 180.0;
        let lat = |y: f64| (PI * (1.0 - 2.0 * y / n)).sinh().atan().to_degrees();
        let project = place.project();
        let corner = |dx: f64, dy: f64| project([lon(12_995.0 + dx), lat(6_957.0 + dy)]);
        for (at, expected) in [(corner(0.0, 0.0), [0.0, 0.0]), (corner(1.0, 1.0), [4096.0, 4096.0])] {
            assert!((at[0] - expected[0]).abs() < 1e-4 && (at[1] - expected[1]).abs() < 1e-4, "{at:?}");
        }
    }
}
