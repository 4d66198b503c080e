//! Vector tiles, read by a decoder that is none of ours.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::server::{Server, VILLAGE};

/// GDAL's MVT driver: the tile's features as GeoJSON in the tile's own units.
fn decoded(tile: &[u8]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("folder");
    let (path, out) = (folder.path().join("tile.mvt"), folder.path().join("tile.geojson"));
    std::fs::write(&path, tile).expect("written");
    let run = Command::new("ogr2ogr").args(["-f", "GeoJSON"]).arg(&out).arg(&path).output().expect("ogr2ogr starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let read: Value = serde_json::from_str(&std::fs::read_to_string(&out).expect("text")).expect("JSON");
    read["features"].as_array().expect("features").clone()
}

/// Tile that holds a place.
pub(crate) fn tile_of(z: u32, lon: f64, lat: f64) -> (u32, u32) {
    let n = f64::from(1_u32 << z);
    let y = (1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0;
    ((y * n) as u32, ((lon + 180.0) / 360.0 * n) as u32)
}

pub(crate) fn tile_holds_the_features_of_its_place(server: &Server) {
    let z = 15;
    let building = server.get("/ogc/collections/buildings/items?limit=1").is(200).json()["features"][0].clone();
    let at: [f64; 2] = serde_json::from_value(building["geometry"]["coordinates"].clone()).expect("a point");
    let (y, x) = tile_of(z, at[0], at[1]);
    let n = f64::from(1_u32 << z);
    let lon = |x: f64| x / n * 360.0 - 180.0;
    let lat = |y: f64| (std::f64::consts::PI * (1.0 - 2.0 * y / n)).sinh().atan().to_degrees();
    let bbox =
        format!("{},{},{},{}", lon(f64::from(x)), lat(f64::from(y) + 1.0), lon(f64::from(x) + 1.0), lat(f64::from(y)));
    for (collection, field) in [("grids", "code"), ("units", "code"), ("regions", "code")] {
        let reply = server.get(&format!("/ogc/collections/{collection}/tiles/WebMercatorQuad/{z}/{y}/{x}")).is(200);
        assert_eq!(reply.header("content-type"), "application/vnd.mapbox-vector-tile");
        let features = decoded(&reply.body);
        let seen: BTreeSet<String> =
            features.iter().map(|f| f["properties"][field].as_str().expect("a code").to_owned()).collect();
        let wanted: BTreeSet<String> = server
            .all(&server.token, collection, &format!("&bbox={bbox}"))
            .iter()
            .filter(|f| !f["geometry"].is_null())
            .map(|f| f["id"].as_str().expect("id").to_owned())
            .collect();
        // the margin may bring a neighbour in, and a shape thinner than a unit of the tile is nothing
        assert!(
            !wanted.is_empty() && wanted.difference(&seen).count() <= wanted.len() / 50,
            "{collection}: {wanted:?} {seen:?}"
        );
        assert!(features.iter().all(|f| f["geometry"]["type"].as_str().is_some_and(|t| t.ends_with("Polygon"))));
    }
    // what one does not see is in no tile
    let foreign = server.token_for("viewer", "520423102012");
    let path = format!("/ogc/collections/grids/tiles/WebMercatorQuad/{z}/{y}/{x}");
    let seen = server.get_as(&foreign, &path).is(200);
    let own = if seen.body.is_empty() { Vec::new() } else { decoded(&seen.body) };
    assert!(own.iter().all(|f| f["properties"]["village"] == "520423102012"));
    assert!(
        server
            .all(&server.token, "grids", &format!("&bbox={bbox}"))
            .iter()
            .any(|f| f["properties"]["village"] == VILLAGE)
    );
    // a tile of nothing is empty, a place that is none is not there
    assert!(server.get("/ogc/collections/grids/tiles/WebMercatorQuad/10/0/0").is(200).body.is_empty());
    server.get("/ogc/collections/grids/tiles/WebMercatorQuad/3/8/0").problem(404, "not_found");
    server.get("/ogc/collections/grids/tiles/Other/3/1/0").problem(404, "not_found");
}
