//! OGC API – Features, part 4: single features, through the same gate as files.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::server::{ROLES, Server, TOWNSHIP, VILLAGE, still, writing};

const GEOJSON: &str = "application/geo+json";

pub(crate) fn send(
    server: &Server,
    token: &str,
    method: &str,
    path: &str,
    tag: Option<&str>,
    body: Option<&Value>,
) -> Reply {
    let bearer = format!("Bearer {token}");
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { GEOJSON };
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(tag.map(|t| ("if-match", t)));
    headers.extend(body.map(|_| ("content-type", kind)));
    server.ask(method, &format!("/ogc/collections/{path}"), &headers, body)
}

/// A place of the village: where one of its buildings stands.
pub(crate) fn place(server: &Server) -> [f64; 2] {
    let found = server.all(&server.token, "buildings", &format!("&village={VILLAGE}"));
    serde_json::from_value(found[0]["geometry"]["coordinates"].clone()).expect("a point")
}

pub(crate) fn feature(id: &str, at: [f64; 2], properties: &Value) -> Value {
    json!({"type": "Feature", "id": id, "geometry": {"type": "Point", "coordinates": at}, "properties": properties})
}

/// Until what was written is served.
pub(crate) fn served(server: &Server, path: &str, fits: impl Fn(&Reply) -> bool) -> Reply {
    let begun = std::time::Instant::now();
    loop {
        let reply = server.get(&format!("/ogc/collections/{path}"));
        if fits(&reply) {
            return reply;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{path}: {}", reply.text());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// The version in an ETag, which has a mark of the content too.
fn version(reply: &Reply) -> &str {
    let tag = reply.header("etag").strip_prefix('"').and_then(|t| t.strip_suffix('"')).expect("a strong tag");
    let (version, mark) = tag.split_once('.').expect("a mark");
    assert!(mark.len() == 16 && mark.bytes().all(|b| b.is_ascii_hexdigit()), "{tag}");
    version
}

pub(crate) fn feature_is_made_replaced_changed_and_deleted_at_the_version_that_was_read(server: &Server) {
    let _writing = writing();
    let at = place(server);
    let token = server.token_for("planner", TOWNSHIP);
    let before =
        server.get("/api/audit?limit=1000&operation=register").is(200).json()["entries"].as_array().map(Vec::len);
    let conforms = server.get("/ogc/conformance").is(200).text();
    for class in ["create-replace-delete", "update", "optimistic-locking-etags"] {
        assert!(conforms.contains(&format!("ogcapi-features-4/1.0/conf/{class}")), "{class}");
    }

    // made: the village is told by the place, the answer is the row
    let new = feature("楼-新", at, &json!({"name": "新楼", "stairwells": "1、2"}));
    let made = send(server, &token, "POST", "buildings/items", None, Some(&new)).is(201);
    let location = made.header("location").to_owned();
    assert!(location.ends_with("/ogc/collections/buildings/items/%E6%A5%BC-%E6%96%B0"), "{location}");
    let path = location[server.base.len() + "/ogc/collections/".len()..].to_owned();
    assert_eq!((version(&made), &made.json()["properties"]["village"]), ("1", &json!(VILLAGE)));
    send(server, &token, "POST", "buildings/items", None, Some(&new)).problem(409, "exists");
    let read = served(server, &path, |r| r.status == 200);
    assert_eq!((read.header("etag"), &read.json()["properties"]), (made.header("etag"), &made.json()["properties"]));
    let bearer = format!("Bearer {}", server.token);
    let asked = |tag: &str| {
        let same = [("authorization", bearer.as_str()), ("if-none-match", tag)];
        server.ask("GET", &format!("/ogc/collections/{path}"), &same, None).status
    };
    // a number alone may be another history's, whose content is another
    let elsewhere = "\"1.0123456789abcdef\"";
    assert_eq!((asked(made.header("etag")), asked("\"1\""), asked(elsewhere)), (304, 200, 200));
    // whoever may not edit is told no version
    let viewer = server.token_for("viewer", TOWNSHIP);
    assert!(server.get_as(&viewer, &format!("/ogc/collections/{path}")).is(200).header("etag").starts_with("W/"));

    // changed: only what is named
    let patch = json!({"properties": {"name": "改名"}});
    send(server, &token, "PATCH", &path, None, Some(&patch)).problem(428, "if_match_missing");
    for tag in ["\"7\"", "*", "W/\"1\"", elsewhere] {
        let refused = send(server, &token, "PATCH", &path, Some(tag), Some(&patch)).problem(412, "stale");
        assert_eq!(refused.json()["current_version"], 1);
    }
    for (query, status, code) in [
        ("reason=13900000000", 422, "bad_field"),
        ("reason=a%0Ab", 422, "bad_field"),
        ("resaon=x", 400, "unknown_parameter"),
    ] {
        let refused = send(server, &token, "PATCH", &format!("{path}?{query}"), Some("\"1\""), Some(&patch));
        refused.problem(status, code);
    }
    let why = format!("{path}?reason=%E6%9B%B4%E5%90%8D");
    let changed = send(server, &token, "PATCH", &why, Some("\"1\""), Some(&patch)).is(200);
    assert_eq!((version(&changed), &changed.json()["geometry"]), ("2", &made.json()["geometry"]));
    assert_eq!(changed.json()["properties"]["name"], "改名");
    assert_eq!(changed.json()["properties"]["stairwells"], "1、2");
    // the same again changes nothing
    let again = send(server, &token, "PATCH", &path, Some(changed.header("etag")), Some(&patch)).is(200);
    assert_eq!(again.header("etag"), changed.header("etag"));

    // replaced: what is not named is empty
    let moved = [at[0] + 0.000_05, at[1]];
    let whole = feature("楼-新", moved, &json!({"name": "重建", "village": VILLAGE}));
    send(server, &token, "PUT", &path, Some("\"1\""), Some(&whole)).problem(412, "stale");
    let replaced = send(server, &token, "PUT", &path, Some("\"2\""), Some(&whole)).is(200).json();
    assert_eq!(
        (&replaced["properties"]["stairwells"], &replaced["properties"]["name"]),
        (&json!(null), &json!("重建"))
    );
    let now: [f64; 2] = serde_json::from_value(replaced["geometry"]["coordinates"].clone()).expect("a point");
    assert!((now[0] - moved[0]).abs() < 1e-9 && (now[1] - moved[1]).abs() < 1e-9);
    let read = served(server, &path, |r| r.status == 200 && version(r) == "3");
    assert_eq!(read.json()["properties"], replaced["properties"]);

    // a household lives in it, so it stays; then both go
    let home = feature("户-新", moved, &json!({"building": "楼-新", "floor": 3, "persons": 4}));
    let home = send(server, &token, "POST", "households/items", None, Some(&home)).is(201);
    assert_eq!((&home.json()["properties"]["floor"], &home.json()["properties"]["persons"]), (&json!(3), &json!(4)));
    let home = home.header("location")[server.base.len() + "/ogc/collections/".len()..].to_owned();
    send(server, &token, "DELETE", &path, Some("\"3\""), None).problem(409, "in_use");
    send(server, &token, "DELETE", &home, None, None).problem(428, "if_match_missing");
    send(server, &token, "DELETE", &home, Some("\"1\""), None).is(204);
    send(server, &token, "DELETE", &path, Some("\"2\""), None).problem(412, "stale");
    send(server, &token, "DELETE", &format!("{path}?reason=%E6%8B%86%E9%99%A4"), Some("\"3\""), None).is(204);
    send(server, &token, "DELETE", &path, Some("\"3\""), None).problem(404, "not_found");
    served(server, &path, |r| r.status == 404);
    served(server, &home, |r| r.status == 404);

    // each write stands in the log, with why where that was said
    let log = server.get("/api/register/buildings/%E6%A5%BC-%E6%96%B0/changes").is(200).json();
    let log: Vec<_> =
        log["changes"].as_array().expect("changes").iter().map(|c| (&c["column"], &c["reason"])).collect();
    let whole = json!("*");
    assert_eq!(log.first(), Some(&(&whole, &json!(null))), "{log:?}");
    assert_eq!(log.get(1), Some(&(&json!("name"), &json!("更名"))), "{log:?}");
    assert_eq!(log.last(), Some(&(&whole, &json!("拆除"))), "{log:?}");
    let after =
        server.get("/api/audit?limit=1000&operation=register").is(200).json()["entries"].as_array().map(Vec::len);
    assert_eq!(after.zip(before).map(|(a, b)| a - b), Some(6), "two made, one changed, one replaced, two deleted");
}

pub(crate) fn feature_is_judged_as_a_row_of_a_file(server: &Server) {
    let _still = still();
    let at = place(server);
    let token = server.token_for("planner", TOWNSHIP);
    let refused = |path: &str, body: &Value, word: &str| {
        let reply = send(server, &token, "POST", path, None, Some(body)).is(422);
        let told = reply.json();
        assert!(told["code"].is_string() && reply.header("content-type") == "application/problem+json", "{told}");
        assert!(told["detail"].as_str().is_some_and(|d| d.len() > 5 && !d.contains(".geojson")), "{told}");
        assert!(told.to_string().contains(word), "{word}: {told}");
    };
    let none = json!({});
    refused("buildings/items", &feature("x", [at[1], at[0]], &none), "");
    refused("buildings/items", &feature("x", at, &json!({"phone": "13900000000"})), "phone");
    refused("buildings/items", &feature("x", at, &json!({"households": -1})), "households");
    refused("buildings/items", &feature("x", [at[0] + 3.0, at[1]], &json!({"village": "520425001001"})), "");
    refused("buildings/items", &json!({"type": "Feature", "id": "x", "geometry": null, "properties": {}}), "");
    let ring = json!([[[105.6, 25.9], [105.7, 26.0], [105.7, 25.9], [105.6, 26.0], [105.6, 25.9]]]);
    let bow_tie = json!({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": ring},
        "properties": {"code": "520423102099", "name": "蝴蝶结", "level": "village"}});
    refused("regions/items", &bow_tie, "");
    assert_eq!(server.get("/ogc/collections/buildings/items?ids=x").is(200).json()["numberMatched"], 0);

    let text = send(server, &token, "POST", "buildings/items", None, Some(&json!("x")));
    text.problem(422, "bad_feature");
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "text/plain".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    server.ask("POST", "/ogc/collections/buildings/items", &headers, Some(&none)).problem(415, "not_json");
}

pub(crate) fn features_of_plans_and_incidents_are_not_edited_one_by_one(server: &Server) {
    let _still = still();
    let body = json!({"type": "Feature", "geometry": null, "properties": {}});
    for (collection, way) in
        [("grids", "/api/plans"), ("units", "/api/plans"), ("leaders", "/api/plans"), ("incidents", "/api/incidents")]
    {
        for (method, path) in [("POST", ""), ("PUT", "/x"), ("PATCH", "/x"), ("DELETE", "/x")] {
            let body = (method != "DELETE").then_some(&body);
            let path = format!("{collection}/items{path}");
            let reply = send(server, &server.token, method, &path, Some("\"1\""), body).problem(405, "not_editable");
            assert!(reply.json()["hint"].as_str().is_some_and(|h| h.contains(way)), "{}", reply.text());
            assert_eq!(reply.header("allow"), "GET, HEAD");
        }
    }
    // a division with anything in it stays; what is not one's own is not there
    let village = format!("regions/items/{VILLAGE}");
    let tag = server.get(&format!("/ogc/collections/{village}")).is(200).header("etag").to_owned();
    send(server, &server.token, "DELETE", &village, Some(&tag), None).problem(409, "in_use");
    for role in ROLES {
        let own = server.token_for(role, TOWNSHIP);
        let foreign = server.token_for(role, "520424");
        let may = matches!(role, "planner" | "admin");
        for method in ["PUT", "PATCH", "DELETE"] {
            let body = (method != "DELETE").then_some(&body);
            let reply = send(server, &foreign, method, &village, Some(&tag), body);
            reply.problem(if may { 404 } else { 403 }, if may { "not_found" } else { "forbidden" });
            if !may {
                send(server, &own, method, &village, Some(&tag), body).problem(403, "forbidden");
            }
        }
    }
}
