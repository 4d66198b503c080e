//! Vector tiles, read by a decoder that is none of ours.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::server::{Server, VILLAGE, still};

/// GDAL's MVT driver: the tile's features as GeoJSON in the tile's own units.
pub(crate) fn decoded(tile: &[u8]) -> Vec<Value> {
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

/// At the deepest level nobody is left out for standing close to another.
pub(crate) fn tile_of_leaders_has_each_with_role_and_unit_and_no_more(server: &Server) {
    let leaders = server.all(&server.token, "leaders", "");
    let place =
        |f: &Value| -> [f64; 2] { serde_json::from_value(f["geometry"]["coordinates"].clone()).expect("a point") };
    let z = 22;
    let tile_at = |f: &Value| tile_of(z, place(f)[0], place(f)[1]);
    let (y, x) = tile_at(&leaders[leaders.len() / 2]);
    let path = |z: u32, y: u32, x: u32| format!("/ogc/collections/leaders/tiles/WebMercatorQuad/{z}/{y}/{x}");
    let of_id = |id: &Value| leaders.iter().find(|l| l["id"] == *id).expect("a leader of the collection");
    let drawn = decoded(&server.get(&path(z, y, x)).is(200).body);
    for f in &drawn {
        assert_eq!(f["geometry"]["type"], "Point");
        let own = of_id(&f["properties"]["id"]);
        for field in ["unit", "household", "role", "plan"] {
            assert_eq!(f["properties"][field], own["properties"][field], "{field}");
        }
        let names: BTreeSet<&str> = f["properties"].as_object().expect("fields").keys().map(String::as_str).collect();
        assert!(names.is_subset(&BTreeSet::from(["id", "unit", "household", "role", "plan", "mvt_id"])), "{names:?}");
        // the tile's own, or its margin's
        let (own_y, own_x) = tile_at(own);
        assert!(own_y.abs_diff(y) <= 1 && own_x.abs_diff(x) <= 1, "{own}");
    }
    let seen: BTreeSet<&str> = drawn.iter().filter_map(|f| f["properties"]["id"].as_str()).collect();
    let wanted: BTreeSet<&str> =
        leaders.iter().filter(|l| tile_at(l) == (y, x)).filter_map(|l| l["id"].as_str()).collect();
    assert!(!wanted.is_empty() && wanted.is_subset(&seen) && seen.len() == drawn.len(), "{wanted:?} {seen:?}");
    // from farther away there are fewer, and all of them true
    let (y, x) = (y >> 7, x >> 7);
    let far = decoded(&server.get(&path(z - 7, y, x)).is(200).body);
    let there = leaders.iter().filter(|l| tile_of(z - 7, place(l)[0], place(l)[1]) == (y, x)).count();
    assert!(far.len() > 1 && there > 1, "{} of {there}", far.len());
    assert!(far.iter().all(|f| of_id(&f["properties"]["id"])["properties"]["role"] == f["properties"]["role"]));
    // whose village it is not finds nothing there
    let foreign = server.token_for("viewer", "520424");
    assert!(server.get_as(&foreign, &path(z - 7, y, x)).is(200).body.is_empty());
}

/// Positions agree to half a unit of the tile; of those that stand closer together than anybody sees, one is there for all.
pub(crate) fn web_mercator_tile_of_buildings_has_each_where_it_stands(server: &Server) {
    let _still = still();
    let (z, together) = (16_u32, 16.0);
    let buildings = server.all(&server.token, "buildings", "");
    let at = |f: &Value| -> [f64; 2] { serde_json::from_value(f["geometry"]["coordinates"].clone()).expect("a point") };
    let [lon, lat] = at(&buildings[buildings.len() / 2]);
    let (y, x) = tile_of(z, lon, lat);
    let n = f64::from(1_u32 << z);
    // GDAL counts a tile's rows from below
    let drawn_at = |f: &Value| {
        let [lon, lat] = at(f);
        let down = (1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0 * n - f64::from(y);
        [((lon + 180.0) / 360.0 * n - f64::from(x)) * 4096.0, (1.0 - down) * 4096.0]
    };
    let far = |[a, b]: [f64; 2], [c, d]: [f64; 2]| (a - c).abs().max((b - d).abs());
    let reply = server.get(&format!("/ogc/collections/buildings/tiles/WebMercatorQuad/{z}/{y}/{x}")).is(200);
    let tile = decoded(&reply.body);
    let mut seen = BTreeSet::new();
    for f in &tile {
        assert_eq!(f["geometry"]["type"], "Point");
        let own = buildings.iter().find(|b| b["id"] == f["properties"]["id"]).expect("a building of the store");
        assert!(seen.insert(own["id"].to_string()), "{own} comes twice");
        assert_eq!(f["properties"]["village"], own["properties"]["village"], "{own}");
        let off = far(at(f), drawn_at(own));
        assert!(off <= 0.501, "{off} units: {f} of {own}");
    }
    let inside = |f: &&Value| drawn_at(f).iter().all(|v| (0.0..4096.0).contains(v));
    let wanted: Vec<&Value> = buildings.iter().filter(inside).collect();
    assert!(wanted.len() > 3 && tile.len() > 3, "{} {}", wanted.len(), tile.len());
    for own in wanted {
        assert!(tile.iter().any(|f| far(at(f), drawn_at(own)) <= together), "{own}");
    }
}

/// The store's position and the tile's agree to half a unit of the tile (and the ninth decimal that is served).
pub(crate) fn cgcs2000_tile_is_in_degrees_and_numbered_as_the_base_map(server: &Server) {
    let sets = server.get("/ogc/tileMatrixSets").is(200).json();
    assert_eq!(sets["tileMatrixSets"].as_array().map(Vec::len), Some(2));
    let definition = server.get("/ogc/tileMatrixSets/CGCS2000Quad").is(200).json();
    assert_eq!(definition["crs"], "http://www.opengis.net/def/crs/EPSG/0/4490");
    let listed = server.get("/ogc/collections/buildings/tiles").is(200).json();
    assert_eq!(listed["tilesets"][1]["tileMatrixSetId"], "CGCS2000Quad");
    let z = 16_u32;
    let level = &definition["tileMatrices"][z as usize];
    // the tile by what the definition says, not by what we know: origin in the order lat, lon
    let (side, number) =
        (level["cellSize"].as_f64().expect("degrees") * 256.0, |v: &Value| v.as_f64().expect("degrees"));
    let [north, west] = [number(&level["pointOfOrigin"][0]), number(&level["pointOfOrigin"][1])];
    let buildings = server.all(&server.token, "buildings", "");
    let at = |f: &Value| -> [f64; 2] { serde_json::from_value(f["geometry"]["coordinates"].clone()).expect("a point") };
    let of = |[lon, lat]: [f64; 2]| (((north - lat) / side).floor(), ((lon - west) / side).floor());
    let (y, x) = of(at(&buildings[0]));
    let path = |collection: &str| format!("/ogc/collections/{collection}/tiles/CGCS2000Quad/{z}/{y}/{x}");
    let grain = side / 4096.0;
    // GDAL counts a tile's rows from below
    let lonlat = |c: &Value| {
        let [a, b]: [f64; 2] = serde_json::from_value(c.clone()).expect("a position");
        [west + x * side + a * grain, north - (y + 1.0) * side + b * grain]
    };
    let far = |[a, b]: [f64; 2], [c, d]: [f64; 2]| (a - c).abs().max((b - d).abs()) / grain;
    let tile = decoded(&server.get(&path("buildings")).is(200).body);
    let inside = buildings.iter().filter(|f| of(at(f)) == (y, x)).count();
    assert!(inside > 3 && tile.len() > 3 && tile.len() <= inside + 20, "{inside} {}", tile.len());
    for f in &tile {
        let own = buildings.iter().find(|b| b["id"] == f["properties"]["id"]).expect("a building of the store");
        let off = far(lonlat(&f["geometry"]["coordinates"]), at(own));
        assert!(off <= 0.501, "{off} units: {f}");
    }
    // vertices of a grid that lie inside the tile are vertices of its drawing
    let grids = server.all(&server.token, "grids", "");
    let drawn = decoded(&server.get(&path("grids")).is(200).body);
    let vertices = |v: &Value, into: &mut Vec<Value>| {
        let mut todo = vec![v.clone()];
        while let Some(v) = todo.pop() {
            match v.as_array() {
                Some(list) if list.first().is_some_and(Value::is_array) => todo.extend(list.iter().cloned()),
                _ => into.push(v),
            }
        }
    };
    let mut looked_at = 0;
    for f in &drawn {
        let own = grids.iter().find(|g| g["id"] == f["properties"]["code"]).expect("a grid of the store");
        let (mut true_ones, mut drawn_ones) = (Vec::new(), Vec::new());
        vertices(&own["geometry"]["coordinates"], &mut true_ones);
        vertices(&f["geometry"]["coordinates"], &mut drawn_ones);
        let drawn_ones: Vec<[f64; 2]> = drawn_ones.iter().map(lonlat).collect();
        for vertex in true_ones.iter().map(|v| serde_json::from_value::<[f64; 2]>(v.clone()).expect("a position")) {
            if of(vertex) == (y, x) {
                let off = drawn_ones.iter().map(|d| far(*d, vertex)).fold(f64::INFINITY, f64::min);
                assert!(off <= 0.501, "{off} units: {vertex:?}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 3, "{looked_at}");
    server.get("/ogc/collections/grids/tiles/CGCS2000Quad/1/1/0").problem(404, "not_found");
}
