//! Vector tiles (MVT): every collection, what one sees of it.

use std::collections::HashSet;
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
use crate::api::turns::in_turn;

use super::answer::{Made, kept};
use super::crs::Crs;
use super::items::named;
use super::matrices::{DEEPEST, Matrices, Place};
use super::pages::{either, extent_of, link};
use super::query::form;
use super::tile_shapes::{Drawn, drawn};

const MVT: &str = "application/vnd.mapbox-vector-tile";
/// Points of one tile that fall into one cell of so many units are one point.
const CELL: i32 = 16;
pub(in crate::api) async fn tile(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((collection, set, z, y, x)): Segments<(String, String, String, String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    let collection = named(&collection)?;
    let set = Matrices::named(&set)?;
    if let Some(f) = params.get("f").filter(|f| !matches!(*f, "mvt" | "pbf")) {
        return Err(Problem::bad("f", format!("{}: mvt", f.chars().take(20).collect::<String>())));
    }
    params.only(&["f"])?;
    let place = Place::read(set, &z, &y, &x)?;
    let (snapshot, view) = app.seen(collection, &principal.scope).await?;
    let stamp = match snapshot.stamp_at_hand(place.box_deg()) {
        Some(stamp) => stamp,
        None => {
            let snapshot = snapshot.clone();
            in_turn(move || snapshot.stamp(place.box_deg())).await?
        }
    };
    let key = format!(
        "tile\u{1f}{}\u{1f}{stamp:x}\u{1f}{}\u{1f}{:x}\u{1f}{place:?}",
        collection.id(),
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

fn tileset_of(origin: &str, collection: &str, set: Matrices, whole: bool, bounds: Option<[f64; 4]>) -> Value {
    let home = format!("{origin}/ogc/collections/{collection}/tiles/{}", set.id());
    let mut links = vec![
        link(home.clone(), "self", "application/json", "本切片集 this tileset"),
        link(
            format!("{origin}/ogc/tileMatrixSets/{}", set.id()),
            "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
            "application/json",
            set.title(),
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
        "crs": set.crs().uri(),
        "tileMatrixSetId": set.id(),
        "links": links,
    });
    if let Some(uri) = set.uri() {
        value["tileMatrixSetURI"] = uri.into();
    }
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
    let bounds = extent_of(&app, collection, &principal.scope).await?;
    let value = json!({
        "tilesets": Matrices::ALL.map(|set| tileset_of(&origin, collection.id(), set, false, bounds)),
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
    let set = Matrices::named(&set)?;
    let collection = named(&collection)?;
    let bounds = extent_of(&app, collection, &principal.scope).await?;
    as_json(&params, &headers, &tileset_of(&app.keeper.origin(&headers), collection.id(), set, true, bounds))
}

pub(in crate::api) async fn matrix_sets(
    State(app): State<Arc<App>>,
    _: Principal,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    let origin = app.keeper.origin(&headers);
    let of = |set: Matrices| {
        let home = format!("{origin}/ogc/tileMatrixSets/{}", set.id());
        let mut value = json!({
            "id": set.id(), "title": set.title(), "crs": set.crs().uri(),
            "links": [link(home, "self", "application/json", set.title())],
        });
        if let Some(uri) = set.uri() {
            value["uri"] = uri.into();
        }
        value
    };
    let value = json!({"tileMatrixSets": Matrices::ALL.map(of)});
    as_json(&params, &headers, &value)
}

pub(in crate::api) async fn matrix_set(
    _: Principal,
    Segments(set): Segments<String>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&["f"])?;
    as_json(&params, &headers, &Matrices::named(&set)?.definition())
}
