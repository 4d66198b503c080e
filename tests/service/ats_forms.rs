//! OGC API – Features, part 1: the abstract tests of its forms (GeoJSON, HTML) and of its definition (OpenAPI 3.0), each under its id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ats::{GEOJSON, collections, links_of, list, text};
use crate::server::{Server, still};

const OPENAPI: &str = "application/vnd.oai.openapi+json;version=3.0";

pub(crate) fn conf_geojson(server: &Server) {
    let _still = still();
    let asked = |path: &str| {
        let bearer = format!("Bearer {}", server.token);
        server.ask("GET", path, &[("authorization", &bearer), ("accept", GEOJSON)], None).is(200)
    };
    // /conf/geojson/definition: features as GeoJSON, all else as JSON
    for path in ["/ogc", "/ogc/conformance", "/ogc/collections", "/ogc/collections/grids"] {
        assert_eq!(asked(path).header("content-type"), "application/json", "{path}");
    }
    // /conf/geojson/content
    for collection in collections(server) {
        let id = text(&collection, "id");
        let reply = asked(&format!("/ogc/collections/{id}/items?limit=20"));
        assert_eq!(reply.header("content-type"), GEOJSON);
        let read: geojson::FeatureCollection = reply.text().parse().expect("GeoJSON");
        for feature in &read.features {
            let Some(geojson::feature::Id::String(key)) = &feature.id else { panic!("an id: {feature:?}") };
            assert!(feature.properties.is_some());
            let one = asked(&format!("/ogc/collections/{id}/items/{key}"));
            assert_eq!(one.header("content-type"), GEOJSON);
            let one: geojson::Feature = one.text().parse().expect("GeoJSON");
            assert_eq!((&one.id, &one.geometry), (&feature.id, &feature.geometry));
        }
    }
}

pub(crate) fn conf_html(server: &Server) {
    let _still = still();
    let bearer = format!("Bearer {}", server.token);
    let mut paths: Vec<String> = ["/ogc", "/ogc/conformance", "/ogc/collections"].map(str::to_owned).to_vec();
    for collection in collections(server) {
        let id = text(&collection, "id");
        let page = server.get(&format!("/ogc/collections/{id}/items?limit=1")).is(200).json();
        let key = text(&page["features"][0], "id").to_owned();
        paths.extend([
            format!("/ogc/collections/{id}"),
            format!("/ogc/collections/{id}/items"),
            format!("/ogc/collections/{id}/items/{key}"),
        ]);
    }
    for path in paths {
        let page = server.ask("GET", &path, &[("authorization", &bearer), ("accept", "text/html")], None).is(200);
        // /conf/html/definition
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        // /conf/html/content
        let page = page.text();
        assert!(page.starts_with("<!doctype html>") && page.contains("<html lang="), "{path}");
        assert!(page.contains("<title>") && page.trim_end().ends_with("</html>"), "{path}");
        for element in ["html", "head", "body", "main", "table", "ul"] {
            let begun = page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
            assert_eq!(begun, page.matches(&format!("</{element}>")).count(), "{path}: {element}");
        }
    }
}

pub(crate) fn conf_oas30_documents(server: &Server) {
    // /conf/oas30/oas-definition-1
    let root = server.get("/ogc").is(200).json();
    assert!(links_of(&root, "service-desc").iter().any(|l| l["type"] == OPENAPI));
    assert!(links_of(&root, "service-doc").iter().any(|l| l["type"] == "text/html"));
    let reply = server.get("/ogc/api").is(200);
    assert_eq!(reply.header("content-type"), OPENAPI);
    // /conf/oas30/oas-definition-2: what OpenAPI 3.0 wants of every part; schemathesis in `make interop` reads the whole
    let document = reply.json();
    assert!(text(&document, "openapi").starts_with("3.0.") && document["paths"].is_object());
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let braces: BTreeSet<&str> = path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).collect();
        for (method, operation) in operations.as_object().expect("operations") {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let resolved = parameters.iter().map(|p| match p["$ref"].as_str() {
                Some(r) => document.pointer(r.trim_start_matches('#')).expect("a parameter").clone(),
                None => p.clone(),
            });
            let resolved: Vec<Value> = resolved.collect();
            let in_path: BTreeSet<&str> =
                resolved.iter().filter(|p| p["in"] == "path").map(|p| text(p, "name")).collect();
            assert_eq!(in_path, braces, "{method} {path}");
            for (status, response) in operation["responses"].as_object().expect("responses") {
                let whole = response["$ref"]
                    .as_str()
                    .map_or(response, |r| document.pointer(r.trim_start_matches('#')).expect("a response"));
                assert!(whole["description"].is_string(), "{method} {path} {status}");
            }
        }
    }
    // /conf/oas30/security: each way in is described, and wanted where it is wanted
    let schemes = document["components"]["securitySchemes"].as_object().expect("schemes");
    let ways: BTreeSet<&str> =
        schemes.values().map(|s| s["scheme"].as_str().unwrap_or_else(|| text(s, "in"))).collect();
    assert_eq!(ways, BTreeSet::from(["basic", "bearer", "cookie"]));
    for required in list(&document, "security") {
        assert!(required.as_object().expect("a scheme").keys().all(|k| schemes.contains_key(k)), "{required}");
    }
}

pub(crate) fn conf_oas30_implementation(server: &Server) {
    let _still = still();
    let document = server.get("/ogc/api").is(200).json();
    let mut seen: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    // /conf/oas30/oas-impl: every reading path there is, with every collection that is named
    let key = |collection: &str| {
        let page = server.get(&format!("/ogc/collections/{collection}/items?limit=1")).is(200).json();
        text(&page["features"][0], "id").to_owned()
    };
    let keys: BTreeMap<String, String> =
        collections(server).iter().map(|c| (text(c, "id").to_owned(), key(text(c, "id")))).collect();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let operation = &operations["get"];
        if operation.is_null() || path.contains("/public-") {
            // what is public is there where it is turned on: tests of its own
            continue;
        }
        for (collection, feature) in &keys {
            let asked = path
                .replace("{collectionId}", collection)
                .replace("{featureId}", feature)
                .replace("{tileMatrixSetId}", "WebMercatorQuad")
                .replace("{tileMatrix}", "0")
                .replace("{tileRow}", "0")
                .replace("{tileCol}", "0");
            let asked = format!("/ogc{}", asked.trim_end_matches('/'));
            let open = operation["x-roles"].as_array().is_some_and(|r| r.iter().any(|r| r == "anybody"));
            let good = server.get(&asked);
            assert_eq!(good.status, 200, "{asked}");
            let replies = [
                good,
                server.get(&format!("{asked}?no_such_parameter=1")),
                server.get(&asked.replace(collection.as_str(), "no-such")),
                server.ask("GET", &asked, &[], None),
            ];
            assert_eq!(replies[3].status, if open { 200 } else { 401 }, "{asked}");
            for reply in replies {
                // /conf/oas30/completeness, exceptions-codes: every status is described
                assert!(operation["responses"].get(reply.status.to_string()).is_some(), "{asked}: {}", reply.status);
                seen.entry(path.clone()).or_default().insert(reply.status);
            }
            if !path.contains("{collectionId}") {
                break;
            }
        }
    }
    assert!(
        seen.len() > 10 && seen["/collections/{collectionId}/items"].is_superset(&BTreeSet::from([200, 400, 401, 404]))
    );
}
