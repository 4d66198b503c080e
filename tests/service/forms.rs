//! What form an answer has, by what the client says it takes.

use crate::client::Reply;
use crate::server::{Server, still};

fn taken(server: &Server, path: &str, accept: &str) -> Reply {
    let bearer = format!("Bearer {}", server.token);
    server.ask("GET", path, &[("authorization", &bearer), ("accept", accept)], None).is(200)
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

pub(crate) fn form_is_what_the_client_takes(server: &Server) {
    let _still = still();
    let items = "/ogc/collections/grids/items?limit=3&properties=code";
    for (accept, kind) in [
        ("application/geo+json", "application/geo+json"),
        ("application/json", "application/geo+json"),
        ("*/*", "application/geo+json"),
        ("", "application/geo+json"),
        // nobody is refused for what he takes
        ("image/png", "application/geo+json"),
        ("text/html", "text/html; charset=utf-8"),
        (BROWSER, "text/html; charset=utf-8"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv; header=present, application/json;q=0.1", "text/csv; charset=utf-8"),
        // the dearest counts, not the first, and what has no weight is not wanted
        ("text/csv;q=0.1, application/geo+json", "application/geo+json"),
        ("text/html;q=0, application/geo+json;q=0.5", "application/geo+json"),
        ("application/geo+json;q=0.4, text/html;q=0.6", "text/html; charset=utf-8"),
        ("application/flatgeobuf", "application/flatgeobuf"),
        ("application/geopackage+sqlite3", "application/geopackage+sqlite3"),
        ("application/vnd.google-earth.kml+xml", "application/vnd.google-earth.kml+xml"),
        (XLSX, XLSX),
        ("application/zip", "application/zip"),
        ("application/geo+json-seq", "application/geo+json-seq"),
    ] {
        let reply = taken(server, items, accept);
        assert_eq!(reply.header("content-type"), kind, "{accept}");
        if kind == "application/geo+json" || kind.starts_with("text/html") {
            assert!(reply.header("vary").contains("Accept"), "{accept}");
        }
    }
    // the form is not the label alone
    let json = taken(server, items, "application/geo+json").json();
    let codes: Vec<&str> = json["features"]
        .as_array()
        .expect("features")
        .iter()
        .filter_map(|f| f["properties"]["code"].as_str())
        .collect();
    assert_eq!(codes.len(), 3);
    let page = taken(server, items, BROWSER).text();
    assert!(page.starts_with("<!doctype html>") && codes.iter().all(|c| page.contains(c)), "{page}");
    let csv = taken(server, items, "text/csv").text();
    assert!(codes.iter().all(|c| csv.contains(c)) && !csv.contains('{'), "{csv}");
    let lines = taken(server, items, "application/geo+json-seq").text();
    let features = lines.split(['\u{1e}', '\n']).filter(|l| !l.trim().is_empty());
    let features: Vec<serde_json::Value> = features.map(|l| serde_json::from_str(l).expect("a feature")).collect();
    assert!(features.iter().all(|f| f["type"] == "Feature") && features.iter().any(|f| f["geometry"].is_object()));
    assert!(codes.iter().all(|c| features.iter().any(|f| f["properties"]["code"] == *c)), "{lines}");
    // both are archives: what is in them tells them apart
    for (accept, part) in [(XLSX, "xl/worksheets/sheet1.xml"), ("application/zip", "grids.shp")] {
        let body = std::io::Cursor::new(taken(server, items, accept).body);
        let archive = zip::ZipArchive::new(body).expect("an archive");
        let names: Vec<_> = archive.file_names().collect::<Result<_, _>>().expect("names");
        assert!(names.iter().any(|n| n == part), "{accept}: {names:?}");
    }
    // f says it outright
    let outright = taken(server, &format!("{items}&f=json"), "text/html");
    assert_eq!(outright.header("content-type"), "application/geo+json");
    // one feature, and the pages around it
    let one = format!("/ogc/collections/grids/items/{}", codes[0]);
    assert_eq!(taken(server, &one, BROWSER).header("content-type"), "text/html; charset=utf-8");
    assert_eq!(taken(server, &one, "application/geo+json").json()["id"], codes[0]);
    // a single feature is no file
    assert_eq!(taken(server, &one, "text/csv").header("content-type"), "application/geo+json");
    for path in ["/ogc", "/ogc/collections", "/ogc/collections/grids"] {
        assert!(taken(server, path, BROWSER).text().starts_with("<!doctype html>"), "{path}");
        assert!(taken(server, path, "application/json").json().is_object(), "{path}");
    }
}
