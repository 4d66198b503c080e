//! OGC API – Features, part 1: the abstract tests of its core against the running service, each under its id. `crs84h`, `gmlsf0` and
//! `gmlsf2` have no tests: nothing is in 3D, and no GML is written or claimed. GeoJSON, HTML and OpenAPI stand in `ats_forms`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::Reply;
use crate::server::{Server, still};

const CLASSES: &str = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/";
const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
pub(crate) const GEOJSON: &str = "application/geo+json";

pub(crate) fn list<'v>(value: &'v Value, name: &str) -> &'v Vec<Value> {
    value[name].as_array().unwrap_or_else(|| panic!("{name}: {value}"))
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

pub(crate) fn collections(server: &Server) -> Vec<Value> {
    list(&server.get("/ogc/collections").is(200).json(), "collections").clone()
}

/// Follows a link as a client does.
fn follow(server: &Server, link: &Value) -> Reply {
    server.get(text(link, "href").strip_prefix(&server.base).expect("links stay on the host")).is(200)
}

pub(crate) fn links_of<'v>(document: &'v Value, rel: &str) -> Vec<&'v Value> {
    list(document, "links").iter().filter(|l| l["rel"] == rel).collect()
}

/// /conf/core/fc-md-links, fc-links, f-links: this document, the same as a page, each link with `rel` and `type`.
fn links_itself(document: &Value, kind: &str) {
    for link in list(document, "links") {
        assert!(["href", "rel", "type"].iter().all(|n| link[n].is_string()), "{link}");
    }
    assert!(links_of(document, "self").iter().any(|l| l["type"] == kind), "{document}");
    assert!(links_of(document, "alternate").iter().any(|l| l["type"] == "text/html"), "{document}");
}

/// All places of a geometry.
fn places(geometry: &Value) -> Vec<[f64; 2]> {
    let mut todo = vec![geometry["coordinates"].clone()];
    let mut found = Vec::new();
    while let Some(value) = todo.pop() {
        match serde_json::from_value::<[f64; 2]>(value.clone()) {
            Ok(place) => found.push(place),
            Err(_) => todo.extend(value.as_array().expect("coordinates").iter().cloned()),
        }
    }
    found
}

/// The box of a geometry: west, south, east, north.
fn bounds(geometry: &Value) -> [f64; 4] {
    places(geometry).iter().fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |b, p| {
        [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])]
    })
}

fn ids(features: &[Value]) -> BTreeSet<String> {
    features.iter().map(|f| text(f, "id").to_owned()).collect()
}

pub(crate) fn conf_core_http_root_and_api_definition(server: &Server) {
    // /conf/core/http: all of these tests speak HTTP/1.1; HTTPS is the proxy's in front, as docs/service.md has it.
    let host = server.base.trim_start_matches("http://");
    let mut socket = std::net::TcpStream::connect(host).expect("connected");
    let asked = format!("GET /ogc HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut socket, asked.as_bytes()).expect("sent");
    let mut answer = [0; 15];
    std::io::Read::read_exact(&mut socket, &mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // /conf/core/root-op, root-success
    let root = server.ask("GET", "/ogc/", &[], None).is(200).json();
    links_itself(&root, "application/json");
    for rel in ["service-desc", "service-doc", "conformance", "data"] {
        assert!(!links_of(&root, rel).is_empty(), "{rel}");
    }
    // /conf/core/api-definition-op, api-definition-success
    for link in [links_of(&root, "service-desc"), links_of(&root, "service-doc")].concat() {
        let reply = follow(server, link);
        assert!(reply.header("content-type").starts_with(text(link, "type")), "{link}");
    }
    let definition = follow(server, links_of(&root, "service-desc")[0]).json();
    assert!(definition["openapi"].as_str().is_some_and(|v| v.starts_with("3.0.")));
    assert!(definition["info"]["title"].is_string() && definition["info"]["version"].is_string());
}

pub(crate) fn conf_core_conformance(server: &Server) {
    // /conf/core/conformance-op, conformance-success
    let root = server.get("/ogc").is(200).json();
    let linked = links_of(&root, "conformance").into_iter().map(|l| follow(server, l));
    for reply in linked.chain([server.get("/ogc/conformance").is(200)]) {
        let document = reply.json();
        let classes: BTreeSet<&str> = list(&document, "conformsTo").iter().filter_map(Value::as_str).collect();
        for class in ["core", "geojson", "html", "oas30"] {
            assert!(classes.contains(format!("{CLASSES}{class}").as_str()), "{class}");
        }
        assert!(!classes.iter().any(|c| c.contains("gmlsf")));
    }
}

pub(crate) fn conf_core_crs84(server: &Server) {
    // /conf/core/crs84: whoever names no system gets longitude, latitude.
    for collection in collections(server) {
        assert_eq!(collection["crs"][0], CRS84, "{collection}");
        let reply = server.get(&format!("/ogc/collections/{}/items?limit=200", text(&collection, "id"))).is(200);
        assert!(["", &format!("<{CRS84}>")].contains(&reply.header("content-crs")), "{}", reply.header("content-crs"));
        for feature in list(&reply.json(), "features").iter().filter(|f| !f["geometry"].is_null()) {
            for [lon, lat] in places(&feature["geometry"]) {
                // of China no latitude is a longitude
                assert!((73.0..136.0).contains(&lon) && (3.0..54.0).contains(&lat), "{lon} {lat}");
            }
        }
    }
}

pub(crate) fn conf_core_collections(server: &Server) {
    let _still = still();
    // /conf/core/fc-md-op, fc-md-success, fc-md-links
    let document = server.get("/ogc/collections").is(200).json();
    links_itself(&document, "application/json");
    // /conf/core/fc-md-items: an entry for each collection that the definition knows
    let definition = server.get("/ogc/api").is(200).json();
    let parameters = list(&definition["paths"]["/collections/{collectionId}/items"]["get"], "parameters");
    let named = parameters.iter().find(|p| p["name"] == "collectionId").expect("a parameter");
    let named: BTreeSet<&str> = list(&named["schema"], "enum").iter().filter_map(Value::as_str).collect();
    let entries = list(&document, "collections");
    assert_eq!(entries.iter().map(|c| text(c, "id")).collect::<BTreeSet<_>>(), named);
    for entry in entries {
        // /conf/core/fc-md-items-links: one link to the features in every form there is
        links_itself(entry, "application/json");
        let kinds: BTreeSet<&str> = links_of(entry, "items").iter().map(|l| text(l, "type")).collect();
        assert!(kinds.contains(GEOJSON) && kinds.contains("text/html") && kinds.len() > 5, "{kinds:?}");
        // /conf/core/fc-md-extent
        let all = server.all(&server.token, text(entry, "id"), "");
        let extent: [f64; 4] = serde_json::from_value(entry["extent"]["spatial"]["bbox"][0].clone()).expect("a box");
        for feature in all.iter().filter(|f| !f["geometry"].is_null()) {
            let [west, south, east, north] = bounds(&feature["geometry"]);
            let inside = west >= extent[0] && south >= extent[1] && east <= extent[2] && north <= extent[3];
            assert!(inside, "{} of {}: {extent:?}", feature["id"], entry["id"]);
        }
        // times are open at both ends, so that they hold all there are
        let times = &entry["extent"]["temporal"]["interval"];
        assert!(times.is_null() || *times == serde_json::json!([[null, null]]), "{times}");
    }
}

pub(crate) fn conf_core_collection(server: &Server) {
    // /conf/core/sfc-md-op, sfc-md-success
    for entry in collections(server) {
        let one = server.get(&format!("/ogc/collections/{}", text(&entry, "id"))).is(200).json();
        for field in ["id", "title", "description", "itemType"] {
            assert_eq!(one[field], entry[field], "{field}");
        }
        let linked = |c: &Value| list(c, "links").iter().map(Value::to_string).collect::<BTreeSet<_>>();
        assert!(linked(&entry).is_subset(&linked(&one)), "{one}");
    }
}

pub(crate) fn conf_core_features(server: &Server) {
    let _still = still();
    for collection in collections(server) {
        let id = text(&collection, "id");
        // /conf/core/fc-op, fc-response
        let reply = server.get(&format!("/ogc/collections/{id}/items")).is(200);
        assert_eq!(reply.header("content-type"), GEOJSON);
        let page = reply.json();
        assert_eq!(page["type"], "FeatureCollection");
        let features = list(&page, "features");
        assert!(!features.is_empty() && features.iter().all(|f| f["type"] == "Feature"));
        // /conf/core/fc-links; and what comes next is linked where there is more
        links_itself(&page, GEOJSON);
        let matched = page["numberMatched"].as_u64().expect("a number");
        assert_eq!(links_of(&page, "next").len(), usize::from(matched > features.len() as u64));
        // /conf/core/fc-timeStamp: one that stands there is that of this answer; answers are kept by version, so none does
        assert!(page["timeStamp"].is_null(), "{}", page["timeStamp"]);
        // /conf/core/fc-numberReturned, fc-numberMatched
        assert_eq!(page["numberReturned"].as_u64(), Some(features.len() as u64));
        assert_eq!(matched, server.all(&server.token, id, "").len() as u64);
    }
}

/// A parameter of the features' definition.
fn parameter(server: &Server, name: &str) -> Value {
    let definition = server.get("/ogc/api").is(200).json();
    let all = list(&definition["paths"]["/collections/{collectionId}/items"]["get"], "parameters").clone();
    let found = all.into_iter().find(|p| p["name"] == name).expect(name);
    assert_eq!((text(&found, "in"), text(&found, "style")), ("query", "form"), "{found}");
    assert!(found["explode"] == false && found["required"] != true, "{found}");
    found
}

pub(crate) fn conf_core_bbox(server: &Server) {
    let _still = still();
    // /conf/core/fc-bbox-definition
    let schema = parameter(server, "bbox")["schema"].clone();
    for (which, n) in [(0, 4), (1, 6)] {
        let form = &schema["oneOf"][which];
        assert_eq!((&form["minItems"], &form["maxItems"]), (&Value::from(n), &Value::from(n)));
        assert!(form["type"] == "array" && form["items"]["type"] == "number", "{schema}");
    }
    // /conf/core/fc-bbox-response: against the boxes of all features, which for points is the whole truth
    let [west, south, east, north] = [105.64, 25.95, 105.66, 25.98];
    for collection in collections(server) {
        let id = text(&collection, "id");
        let all = server.all(&server.token, id, "");
        let found = ids(&server.all(&server.token, id, "&bbox=105.64,25.95,105.66,25.98"));
        let (mut may, mut must) = (BTreeSet::new(), BTreeSet::new());
        for feature in &all {
            let key = text(feature, "id").to_owned();
            if feature["geometry"].is_null() {
                must.insert(key);
                continue;
            }
            let b = bounds(&feature["geometry"]);
            if b[0] <= east && b[2] >= west && b[1] <= north && b[3] >= south {
                may.insert(key.clone());
            }
            let inside = |p: &[f64; 2]| (west..=east).contains(&p[0]) && (south..=north).contains(&p[1]);
            if places(&feature["geometry"]).iter().any(inside) {
                must.insert(key);
            }
        }
        may.extend(must.iter().cloned());
        assert!(must.len() > 1 && must.is_subset(&found) && found.is_subset(&may), "{id}");
        // heights narrow nothing where nothing has one
        assert_eq!(ids(&server.all(&server.token, id, "&bbox=105.64,25.95,-10,105.66,25.98,9000")), found, "{id}");
        // over the antimeridian there is nobody, and that is no error
        assert_eq!(server.all(&server.token, id, "&bbox=170,-10,-170,10").len(), 0, "{id}");
    }
}

pub(crate) fn conf_core_limit(server: &Server) {
    // /conf/core/fc-limit-definition
    let schema = parameter(server, "limit")["schema"].clone();
    assert_eq!(schema["type"], "integer");
    let most = schema["maximum"].as_u64().expect("a maximum");
    // /conf/core/fc-limit-response
    for collection in collections(server) {
        let id = text(&collection, "id");
        let count = |limit: u64| {
            let page = server.get(&format!("/ogc/collections/{id}/items?limit={limit}")).is(200).json();
            list(&page, "features").len() as u64
        };
        for limit in [1, 7, most] {
            assert!((1..=limit).contains(&count(limit)), "{id} {limit}");
        }
        assert!(count(most + 1) <= most, "{id}: above the maximum is no error");
    }
}

pub(crate) fn conf_core_datetime(server: &Server) {
    let _still = still();
    // /conf/core/fc-time-definition
    assert_eq!(parameter(server, "datetime")["schema"]["type"], "string");
    // /conf/core/fc-time-response: against the times of all features; an incident is a moment
    let all = server.all(&server.token, "incidents", "");
    let (from, to) = ("2025-06-15T00:00:00.000Z", "2025-07-01T00:00:00.000Z");
    let during = |from: &str, to: &str| -> BTreeSet<String> {
        let inside = |f: &&Value| (from..=to).contains(&text(&f["properties"], "occurred_at"));
        all.iter().filter(inside).map(|f| text(f, "id").to_owned()).collect()
    };
    let moment = text(&all[0]["properties"], "occurred_at");
    for (asked, wanted) in [
        (moment.to_owned(), during(moment, moment)),
        (format!("{from}/{to}"), during(from, to)),
        (format!("../{to}"), during("", to)),
        (format!("/{to}"), during("", to)),
        (format!("{from}/.."), during(from, "9")),
        (format!("{from}/"), during(from, "9")),
    ] {
        assert!(!wanted.is_empty() && wanted.len() < all.len(), "{asked}");
        assert_eq!(ids(&server.all(&server.token, "incidents", &format!("&datetime={asked}"))), wanted, "{asked}");
    }
    // what has no time is there at any
    for asked in ["2025-06-15T00:00:00Z", "../2025-07-01", "2025-06-15/"] {
        let found = server.all(&server.token, "leaders", &format!("&datetime={asked}"));
        assert_eq!(found.len(), server.all(&server.token, "leaders", "").len(), "{asked}");
    }
}

pub(crate) fn conf_core_feature(server: &Server) {
    let _still = still();
    for collection in collections(server) {
        let id = text(&collection, "id");
        let page = server.get(&format!("/ogc/collections/{id}/items?limit=5")).is(200).json();
        for listed in list(&page, "features") {
            // /conf/core/f-op, f-success, f-links
            let reply = server.get(&format!("/ogc/collections/{id}/items/{}", text(listed, "id"))).is(200);
            assert_eq!(reply.header("content-type"), GEOJSON);
            let feature = reply.json();
            for member in ["type", "id", "geometry", "properties"] {
                assert_eq!(feature[member], listed[member], "{member}");
            }
            links_itself(&feature, GEOJSON);
            let up = links_of(&feature, "collection");
            assert_eq!(follow(server, up[0]).json()["id"], id);
        }
    }
}

pub(crate) fn conf_core_query_parameters(server: &Server) {
    let one = "/ogc/collections/regions/items/520423102001";
    for path in ["/ogc", "/ogc/api", "/ogc/conformance", "/ogc/collections", "/ogc/collections/grids", one] {
        // /conf/core/query-param-unknown
        server.get(&format!("{path}?no_such_parameter=1")).problem(400, "unknown_parameter");
    }
    // /conf/core/query-param-invalid
    for bad in
        ["limit=0", "limit=a", "bbox=1,2,3", "bbox=a,b,c,d", "datetime=yesterday", "datetime=2025-07-01/2025-06-01"]
    {
        server.get(&format!("/ogc/collections/incidents/items?{bad}")).problem(400, "bad_parameter");
    }
}
