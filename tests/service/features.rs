//! OGC API – Features: part 1's abstract tests, systems, filters, paging.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::server::{Server, VILLAGE, still};

fn items(server: &Server, collection: &str, query: &str) -> Value {
    server.get(&format!("/ogc/collections/{collection}/items{query}")).is(200).json()
}

fn matched(server: &Server, collection: &str, query: &str) -> u64 {
    items(server, collection, query)["numberMatched"].as_u64().expect("numberMatched")
}

fn path_of<'h>(server: &Server, href: &'h str) -> &'h str {
    href.strip_prefix(&server.base).expect("links stay on the host")
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

pub(crate) fn landing_links_lead_somewhere(server: &Server) {
    let landing = server.ask("GET", "/ogc", &[], None).is(200).json();
    let mut hrefs: Vec<String> = Vec::new();
    let gather = |value: &Value, hrefs: &mut Vec<String>| {
        for link in value["links"].as_array().expect("links") {
            assert!(link["rel"].is_string() && link["type"].is_string());
            if link["templated"] != true {
                hrefs.push(link["href"].as_str().expect("href").to_owned());
            }
        }
    };
    gather(&landing, &mut hrefs);
    let rels: BTreeSet<&str> =
        landing["links"].as_array().expect("links").iter().filter_map(|l| l["rel"].as_str()).collect();
    for rel in ["self", "service-desc", "conformance", "data"] {
        assert!(rels.contains(rel), "{rel}");
    }
    let collections = server.get("/ogc/collections").is(200).json();
    for c in collections["collections"].as_array().expect("collections") {
        gather(c, &mut hrefs);
        assert!(c["crs"].as_array().is_some_and(|l| l[0] == "http://www.opengis.net/def/crs/OGC/1.3/CRS84"));
    }
    for href in hrefs {
        let reply = server.get(path_of(server, &href));
        assert_eq!(reply.status, 200, "{href}: {}", reply.text());
        if reply.header("content-type").starts_with("text/html") {
            let page = reply.text();
            assert!(
                page.starts_with("<!doctype html>") && !page.contains("<script") && !page.contains("style="),
                "{href}"
            );
        }
    }
    let conformance = server.get("/ogc/conformance").json();
    let classes = conformance["conformsTo"].as_array().expect("classes");
    assert!(classes.iter().any(|c| c == "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"));
}

pub(crate) fn pages_follow_each_other_and_hold_everything_once(server: &Server) {
    for (collection, query) in [
        ("buildings", "?limit=997"),
        ("units", "?limit=50&bbox=105.6,25.9,105.66,26.1"),
        ("households", "?limit=100&filter=persons%20%3D%205"),
        ("households", "?limit=1500&sortby=-id"),
        ("leaders", "?limit=300"),
    ] {
        let mut next = Some(format!("/ogc/collections/{collection}/items{query}"));
        let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
        let mut total = None;
        while let Some(path) = next.take() {
            let reply = server.get(&path).is(200);
            let page = reply.json();
            let features = page["features"].as_array().expect("features");
            assert_eq!(page["numberReturned"].as_u64(), Some(features.len() as u64));
            assert_eq!(*total.get_or_insert(page["numberMatched"].clone()), page["numberMatched"]);
            for f in features {
                let id = f["id"].as_str().expect("id").to_owned();
                assert!(seen.insert(id.clone()), "{id} comes twice");
                order.push(id);
            }
            let link = page["links"].as_array().expect("links").iter().find(|l| l["rel"] == "next");
            if let Some(href) = link.map(|l| l["href"].as_str().expect("href")) {
                assert!(reply.header("link").contains(&format!("<{href}>; rel=\"next\"")));
                next = Some(path_of(server, href).to_owned());
            }
        }
        assert_eq!(total.and_then(|t| t.as_u64()), Some(seen.len() as u64), "{collection}{query}");
        let mut sorted: Vec<String> = seen.into_iter().collect();
        if query.contains("sortby=-") {
            sorted.reverse();
        }
        assert!(order == sorted && order.len() > 50, "{collection}{query}: {}", order.len());
    }
}

pub(crate) fn every_filter_is_kept(server: &Server) {
    let _still = still();
    let all = server.all(&server.token, "households", "");
    let count = |fits: &dyn Fn(&Value) -> bool| all.iter().filter(|f| fits(&f["properties"])).count() as u64;
    let persons = |p: &Value| p["persons"].as_u64();
    let hamlet = all.iter().filter_map(|f| f["properties"]["hamlet"].as_str()).next().expect("a hamlet").to_owned();
    let begins: String = hamlet.chars().take(1).collect();
    for (filter, expected) in [
        ("persons > 3".to_owned(), count(&|p| persons(p).is_some_and(|n| n > 3))),
        ("NOT persons > 3".to_owned(), count(&|p| persons(p).is_some_and(|n| n <= 3))),
        ("persons BETWEEN 2 AND 4".to_owned(), count(&|p| persons(p).is_some_and(|n| (2..=4).contains(&n)))),
        (format!("hamlet = '{hamlet}'"), count(&|p| p["hamlet"] == hamlet.as_str())),
        (format!("hamlet LIKE '{begins}%'"), count(&|p| p["hamlet"].as_str().is_some_and(|h| h.starts_with(&begins)))),
        (
            format!("village IN ('{VILLAGE}', 'x') AND (persons = 1 OR eligible = TRUE)"),
            count(&|p| p["village"] == VILLAGE && (persons(p) == Some(1) || p["eligible"] == true)),
        ),
        ("floor IS NULL".to_owned(), count(&|p| p["floor"].is_null())),
    ] {
        assert_eq!(matched(server, "households", &format!("?filter={}", encoded(&filter))), expected, "{filter}");
    }
    assert_eq!(matched(server, "households", &format!("?village={VILLAGE}")), count(&|p| p["village"] == VILLAGE));
    assert_eq!(matched(server, "households", "?persons=4"), count(&|p| persons(p) == Some(4)));
    // boxes and polygons against a walk over all coordinates
    let at = |f: &Value| -> [f64; 2] { serde_json::from_value(f["geometry"]["coordinates"].clone()).expect("a point") };
    let inside =
        all.iter().filter(|f| (105.64..=105.66).contains(&at(f)[0]) && (25.95..=25.98).contains(&at(f)[1])).count();
    assert!(inside > 10);
    assert_eq!(matched(server, "households", "?bbox=105.64,25.95,105.66,25.98"), inside as u64);
    let filter = encoded(
        "S_INTERSECTS(geometry, POLYGON((105.64 25.95, 105.66 25.95, 105.66 25.98, 105.64 25.98, 105.64 25.95)))",
    );
    assert_eq!(matched(server, "households", &format!("?filter={filter}")), inside as u64);
    let json =
        encoded(r#"{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[105.64,25.95,105.66,25.98]}]}"#);
    assert_eq!(matched(server, "households", &format!("?filter-lang=cql2-json&filter={json}")), inside as u64);
    // times, against a walk over all texts
    let incidents = server.all(&server.token, "incidents", "");
    let early = incidents
        .iter()
        .filter(|f| f["properties"]["occurred_at"].as_str().is_some_and(|t| t < "2025-06-30T16:00:00.000Z"))
        .count();
    assert!(early > 10 && early < incidents.len());
    assert_eq!(matched(server, "incidents", "?datetime=../2025-06-30"), early as u64);
    let during = encoded("T_DURING(occurred_at, INTERVAL('..', '2025-06-30'))");
    assert_eq!(matched(server, "incidents", &format!("?filter={during}")), early as u64);
    let ids = items(server, "regions", "?ids=520423102001,520423102,none");
    assert_eq!(ids["features"].as_array().map(Vec::len), Some(2));
    let some = items(server, "grids", "?limit=1&properties=code,households");
    assert_eq!(some["features"][0]["properties"].as_object().map(serde_json::Map::len), Some(2));
    assert!(items(server, "grids", "?limit=1&skipGeometry=true")["features"][0]["geometry"].is_null());
}

pub(crate) fn axes_are_in_the_order_of_the_system(server: &Server) {
    let uri = |name: &str| format!("http://www.opengis.net/def/crs/{name}");
    let id = items(server, "households", "?limit=1")["features"][0]["id"].as_str().expect("id").to_owned();
    let of = |crs: &str| -> [f64; 2] {
        let reply = server.get(&format!("/ogc/collections/households/items/{id}?crs={}", uri(crs))).is(200);
        assert_eq!(reply.header("content-crs"), format!("<{}>", uri(crs)));
        serde_json::from_value(reply.json()["geometry"]["coordinates"].clone()).expect("a point")
    };
    let [lon, lat] = of("OGC/1.3/CRS84");
    assert_eq!(of("EPSG/0/4326"), [lat, lon]);
    assert_eq!(of("EPSG/0/4490"), [lat, lon]);
    let [x, _] = of("EPSG/0/3857");
    assert!((x - 6_378_137.0 * lon.to_radians()).abs() < 1e-3);
    let [north, east] = of("EPSG/0/4523");
    assert!((2.8e6..2.9e6).contains(&north) && (35.5e6..35.6e6).contains(&east), "{north} {east}");
    // the same box in every system finds the same
    let found = matched(server, "buildings", "?bbox=105.64,25.95,105.66,25.98");
    assert_eq!(
        matched(server, "buildings", &format!("?bbox=25.95,105.64,25.98,105.66&bbox-crs={}", uri("EPSG/0/4326"))),
        found
    );
    let mercator = |lon: f64, lat: f64| {
        let y = (std::f64::consts::FRAC_PI_4 + lat.to_radians() / 2.0).tan().ln();
        format!("{},{}", 6_378_137.0 * lon.to_radians(), 6_378_137.0 * y)
    };
    let bbox = format!("{},{}", mercator(105.64, 25.95), mercator(105.66, 25.98));
    assert_eq!(matched(server, "buildings", &format!("?bbox={bbox}&bbox-crs={}", uri("EPSG/0/3857"))), found);
    server.get(&format!("/ogc/collections/grids/items?crs={}", uri("EPSG/0/2326"))).problem(400, "bad_parameter");
}

pub(crate) fn unknown_and_senseless_parameters_are_400(server: &Server) {
    for (query, code) in [
        ("unknown=1", "unknown_parameter"),
        ("BBOX=1,2,3,4", "unknown_parameter"),
        ("limit=0", "bad_parameter"),
        ("limit=-1", "bad_parameter"),
        ("limit=many", "bad_parameter"),
        ("limit=1&limit=2", "bad_parameter"),
        ("bbox=1,2,3", "bad_parameter"),
        ("bbox=1,2,3,x", "bad_parameter"),
        ("bbox=1,2,3,NaN", "bad_parameter"),
        ("bbox=105,27,106,25", "bad_parameter"),
        ("bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4326", "bad_parameter"),
        ("datetime=yesterday", "bad_parameter"),
        ("datetime=2021-13-01", "bad_parameter"),
        ("sortby=households", "bad_parameter"),
        ("properties=code,nothing", "bad_parameter"),
        ("filter=code%20=", "bad_filter"),
        ("filter=code%20=%201", "bad_filter"),
        ("filter-lang=cql2-text", "bad_parameter"),
        ("filter=TRUE&filter-lang=cql-text", "bad_parameter"),
        ("f=pdf", "bad_parameter"),
        ("households=many", "bad_parameter"),
        ("skipGeometry=maybe", "bad_parameter"),
    ] {
        let problem = server.get(&format!("/ogc/collections/grids/items?{query}")).problem(400, code);
        assert!(problem.json()["field"].is_string(), "{query}");
    }
    server.get("/ogc/collections/nothing/items").problem(404, "not_found");
    server.get("/ogc/nothing").problem(404, "not_found");
    server.write("POST", "/ogc/collections", &Value::Null).problem(405, "method");
    // above the maximum is the maximum, as the standard has it
    assert_eq!(items(server, "grids", "?limit=1000000")["numberReturned"], items(server, "grids", "")["numberMatched"]);
}

pub(crate) fn answer_is_304_until_something_changes(server: &Server) {
    let bearer = format!("Bearer {}", server.token);
    for path in [
        "/ogc/collections/grids/items?limit=20",
        "/ogc/collections/regions/items/520423102001",
        "/ogc/collections/grids/tiles/WebMercatorQuad/12/1741/3249",
    ] {
        let first = server.get(path).is(200);
        let etag = first.header("etag").to_owned();
        // of a single row whoever edits is told the version
        assert!(etag.starts_with("W/\"") != path.contains("/items/"), "{path}: {etag}");
        assert_eq!(first.header("cache-control"), "private, no-cache");
        let again = server.ask("GET", path, &[("authorization", &bearer), ("if-none-match", &etag)], None).is(304);
        assert!(again.body.is_empty() && again.header("etag") == etag);
        let packed = server.ask("GET", path, &[("authorization", &bearer), ("accept-encoding", "gzip")], None).is(200);
        assert_eq!(packed.header("etag"), etag);
        // somebody else's answer is another one
        let other = server.get_as(&server.token_for("viewer", "520424"), path);
        assert_ne!(other.header("etag"), etag);
    }
}

pub(crate) fn e13_odd_etags_never_break_anything(server: &Server) {
    let bearer = format!("Bearer {}", server.token);
    let path = "/ogc/collections/regions/items?limit=1";
    for (tag, status) in [("*", 304), ("\"", 200), ("W/", 200), ("garbage", 200), ("\"a\", \"b\"", 200), (",", 200)] {
        server.ask("GET", path, &[("authorization", &bearer), ("if-none-match", tag)], None).is(status);
    }
    // a megabyte of them is more than a head may be; the answer comes while most of it is not yet read
    let host = server.base.trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).expect("connected");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\nIf-None-Match: ");
    socket.write_all(head.as_bytes()).expect("sent");
    let _ = socket.write_all(&vec![b'x'; 1 << 20]).and_then(|()| socket.write_all(b"\r\n\r\n"));
    let mut said = Vec::new();
    let _ = socket.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 431 "), "{said}");
    server.get(path).is(200);
}
