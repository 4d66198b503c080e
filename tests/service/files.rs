//! Files by `f=`: the same rows as the query's GeoJSON — ids, values, places —, read back by GDAL.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::{Server, VILLAGE, still};

/// What a file holds of a feature: its values as text, and all vertices of its shape.
type Row = (Vec<String>, Vec<[f64; 2]>);

/// Half of the last digit that is served, and what a double loses.
const NEAR_DEG: f64 = 1e-8;

/// A value as every format has it: some have no numbers, some no nothing.
fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(number) => number.to_string().trim_end_matches(".0").to_owned(),
    }
}

/// Vertices of a geometry in their order; heights, which some formats add, are left away.
fn vertices(geometry: &Value) -> Vec<[f64; 2]> {
    let Some(list) = geometry.as_array() else { return Vec::new() };
    match list.first().zip(list.get(1)).and_then(|(x, y)| x.as_f64().zip(y.as_f64())) {
        Some((x, y)) => vec![[x, y]],
        None => list.iter().flat_map(vertices).collect(),
    }
}

/// The same of well-known text.
fn vertices_of_text(wkt: &str) -> Vec<[f64; 2]> {
    let numbers = wkt.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-'))).filter(|t| !t.is_empty());
    let numbers: Vec<f64> = numbers.map(|t| t.parse().expect("a number")).collect();
    numbers.chunks(2).map(|pair| [pair[0], pair[1]]).collect()
}

fn rows(features: &[Value], fields: [&str; 3]) -> BTreeMap<String, Row> {
    let row = |feature: &Value| {
        let values = &feature["properties"];
        let texts: Vec<String> = fields.iter().map(|name| text_of(values.get(name))).collect();
        let shape = match (&feature["geometry"], values["wkt"].as_str()) {
            (Value::Null, Some(wkt)) => vertices_of_text(wkt),
            (geometry, _) => vertices(&geometry["coordinates"]),
        };
        (texts[0].clone(), (texts, shape))
    };
    let found: BTreeMap<String, Row> = features.iter().map(row).collect();
    assert_eq!(found.len(), features.len(), "each once");
    found
}

/// What GDAL finds in a file, as GeoJSON.
fn read_back(path: &Path) -> Vec<Value> {
    let ending = path.extension().unwrap_or_default();
    let mut command = Command::new("ogr2ogr");
    command.env("OGR_XLSX_HEADERS", "FORCE").args(["-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=12", "/vsistdout/"]);
    command.arg(path);
    if ending == "csv" {
        command.args(["-oo", "GEOM_POSSIBLE_NAMES=wkt"]);
    }
    let out = command.output().expect("ogr2ogr starts");
    let complaints = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !complaints.contains("ERROR"), "{}: {complaints}", path.display());
    let read: Value = serde_json::from_slice(&out.stdout).expect("GeoJSON");
    read["features"].as_array().expect("features").clone()
}

/// Rings begin and turn as each format has it, so a vertex is looked for among all.
fn is_the_same(own: &Row, other: &Row) -> bool {
    let near = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).abs() < NEAR_DEG && (a[1] - b[1]).abs() < NEAR_DEG;
    own.0 == other.0
        && own.1.len() == other.1.len()
        && own.1.iter().all(|a| other.1.iter().any(|b| near(a, b)))
        && other.1.iter().all(|b| own.1.iter().any(|a| near(a, b)))
}

pub(crate) fn files_hold_what_the_query_means(server: &Server) {
    let _still = still();
    let folder = tempfile::tempdir().expect("folder");
    for (collection, fields) in
        [("buildings", ["id", "village", "households"]), ("grids", ["code", "village", "households"])]
    {
        let query = format!("village={VILLAGE}&properties={}", fields.join(","));
        let expected = rows(&server.all(&server.token, collection, &format!("&{query}")), fields);
        assert!(expected.len() > 1 && expected.values().all(|(texts, _)| texts[1] == VILLAGE), "{collection}");
        assert!(expected.values().any(|(_, shape)| !shape.is_empty()), "{collection}");
        for (form, ending) in [
            ("gpkg", "gpkg"),
            ("fgb", "fgb"),
            ("shp", "zip"),
            ("kml", "kml"),
            ("csv", "csv"),
            ("xlsx", "xlsx"),
            ("geojsonseq", "geojsonl"),
        ] {
            let reply = server.get(&format!("/ogc/collections/{collection}/items?f={form}&{query}")).is(200);
            assert!(reply.header("content-disposition").contains(&format!("{collection}.{ending}")));
            assert_eq!(reply.header("content-length"), reply.body.len().to_string());
            // by this name GDAL knows an archive with a Shapefile in it
            let path = folder.path().join(format!("{collection}.{}", ending.replace("zip", "shp.zip")));
            std::fs::write(&path, &reply.body).expect("written");
            let found = rows(&read_back(&path), fields);
            assert!(found.keys().eq(expected.keys()), "{form}: {:?} {:?}", found.keys(), expected.keys());
            for (id, own) in &expected {
                assert!(is_the_same(own, &found[id]), "{form} {collection} {id}: {own:?} {:?}", found[id]);
            }
        }
    }
    server
        .get("/ogc/collections/grids/items?f=gpkg&crs=http://www.opengis.net/def/crs/EPSG/0/3857")
        .problem(400, "bad_parameter");
}
