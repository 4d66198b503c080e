//! A01: every route of both documents, by every role, by regions of every kind: what is not one's own is not there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::incidents::{body, report};
use crate::server::{ROLES, Server, TOWNSHIP, VILLAGE, still, writing};

/// Own, parent, child, sibling, none, as they lie to the township and its first village; a zone; all.
const AREAS: [&str; 8] =
    [TOWNSHIP, "520423", VILLAGE, "520423102002", "520423102001001", "520424", "520423102+520424107", "*"];
const COLLECTIONS: [&str; 7] = ["regions", "grids", "units", "leaders", "buildings", "incidents", "households"];

/// Layers of the register among them: whose rows have a log of changes.
const LOGGED: [&str; 4] = ["regions", "buildings", "incidents", "households"];

fn covers(area: &str, code: &str) -> bool {
    area == "*" || area.split('+').any(|p| code.starts_with(p))
}

/// The code that decides who sees a feature.
fn code_of<'f>(collection: &str, feature: &'f Value) -> &'f str {
    let field = match collection {
        "regions" | "grids" | "units" => "code",
        "leaders" => "unit",
        "incidents" => "region",
        _ => "village",
    };
    feature["properties"][field].as_str().expect("a code")
}

fn id(feature: &Value) -> &str {
    feature["id"].as_str().expect("an id")
}

/// What an area should see, told from all features, without the service's own rules.
fn expected(server: &Server, area: &str, collection: &str, of: &BTreeMap<&str, Vec<Value>>) -> BTreeSet<String> {
    let all = &of[collection];
    let below_village = area.len() > 12 && !area.contains('+');
    let seen: Box<dyn Fn(&Value) -> bool> = match collection {
        // which household belongs to a grid is told by the members' homes: those of the grid's own polygon
        "buildings" if below_village => {
            let homes = expected(server, area, "households", of);
            let lived_in = of["households"].iter().filter(|h| homes.contains(id(h)));
            let lived_in: BTreeSet<String> =
                lived_in.filter_map(|h| h["properties"]["building"].as_str().map(str::to_owned)).collect();
            Box::new(move |f: &Value| lived_in.contains(id(f)))
        }
        "households" if below_village => {
            let inside = server.get(&format!("/ogc/collections/grids/items/{area}")).is(200).json();
            let ring: Vec<[f64; 2]> =
                serde_json::from_value(inside["geometry"]["coordinates"][0].clone()).expect("a polygon");
            Box::new(move |f: &Value| {
                let at: [f64; 2] = serde_json::from_value(f["geometry"]["coordinates"].clone()).expect("a point");
                contains(&ring, at)
            })
        }
        "incidents" if below_village => {
            Box::new(move |f: &Value| f["properties"]["grid"].as_str().is_some_and(|g| covers(area, g)))
        }
        _ => Box::new(move |f: &Value| covers(area, code_of(collection, f))),
    };
    all.iter().filter(|f| seen(f)).map(|f| id(f).to_owned()).collect()
}

/// Even–odd rule.
fn contains(ring: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    ring.windows(2).filter(|p| (p[0][1] > y) != (p[1][1] > y)).fold(false, |inside, p| {
        let at = p[0][0] + (y - p[0][1]) / (p[1][1] - p[0][1]) * (p[1][0] - p[0][0]);
        if x < at { !inside } else { inside }
    })
}

/// Hotspots are rows of nobody's: made of what somebody sees. Where nothing is seen there are none; elsewhere no more is counted than the
/// incidents that are seen.
fn hotspots_count_what_is_seen(server: &Server, token: &str, area: &str, incidents: &BTreeSet<String>) -> u64 {
    let cells = server.all(token, "hotspots", "");
    let counted: u64 = cells.iter().filter_map(|c| c["properties"]["count"].as_u64()).sum();
    let since = time::OffsetDateTime::now_utc() - time::Duration::days(30);
    let since = since.format(&time::format_description::well_known::Rfc3339).expect("a time");
    let lately = server.all(&server.token, "incidents", "").into_iter().filter(|i| incidents.contains(id(i)));
    let lately = lately.filter(|i| i["properties"]["occurred_at"].as_str().is_some_and(|at| *at > *since)).count();
    assert!(counted <= lately as u64, "{area}: {counted} of {lately}");
    assert!(!incidents.is_empty() || cells.is_empty(), "{area}: {cells:?}");
    counted
}

pub(crate) fn a01_routes_by_roles_by_regions_leak_nothing(server: &Server) {
    {
        let _writing = writing();
        let made = report(server, &body("dispute"));
        let path = format!("/ogc/collections/incidents/items/{}", made["id"].as_str().expect("an id"));
        let begun = std::time::Instant::now();
        while server.get(&path).status != 200 {
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "it is served");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    let _still = still();
    let all: BTreeMap<&str, Vec<Value>> =
        COLLECTIONS.into_iter().map(|c| (c, server.all(&server.token, c, ""))).collect();
    assert!(all.values().all(|f| !f.is_empty()), "there is something to leak");
    let (mut looked_at, mut hot) = (0, BTreeMap::new());
    for area in AREAS {
        let wanted: BTreeMap<&str, BTreeSet<String>> =
            COLLECTIONS.into_iter().map(|c| (c, expected(server, area, c, &all))).collect();
        for role in ROLES {
            let token = server.token_for(role, area);
            let mut allowed: BTreeSet<String> = wanted.values().flatten().cloned().collect();
            for collection in COLLECTIONS {
                let seen: BTreeSet<String> =
                    server.all(&token, collection, "").iter().map(|f| id(f).to_owned()).collect();
                assert_eq!(seen, wanted[collection], "{role} of {area}: {collection}");
                allowed.extend(seen);
                let foreign: Vec<&str> =
                    all[collection].iter().map(id).filter(|i| !wanted[collection].contains(*i)).collect();
                let step = (foreign.len() / 3).max(1);
                for id in foreign.iter().step_by(step) {
                    server
                        .get_as(&token, &format!("/ogc/collections/{collection}/items/{id}"))
                        .problem(404, "not_found");
                    let by_id = server.get_as(&token, &format!("/ogc/collections/{collection}/items?ids={id}")).is(200);
                    assert_eq!(by_id.json()["numberMatched"], 0, "{role} of {area}: {collection} {id}");
                    looked_at += 2;
                }
                if LOGGED.contains(&collection) {
                    let own = wanted[collection].first().map(|id| (id.as_str(), 200));
                    let foreign = foreign.iter().step_by(step).map(|id| (*id, 404));
                    for (id, status) in own.into_iter().chain(foreign) {
                        let reply = server.get_as(&token, &format!("/api/register/{collection}/{id}/changes"));
                        let expected = if matches!(role, "admin" | "auditor") { status } else { 403 };
                        assert_eq!(reply.status, expected, "{role} of {area}: changes of {collection} {id}");
                        looked_at += 1;
                    }
                }
            }
            let listed = server.get_as(&token, "/api/incidents?limit=1000").is(200).json();
            let listed: BTreeSet<String> =
                listed["incidents"].as_array().expect("incidents").iter().map(|i| id(i).to_owned()).collect();
            assert_eq!(listed, wanted["incidents"], "{role} of {area}: /api/incidents");
            if role == ROLES[0] {
                hot.insert(area, hotspots_count_what_is_seen(server, &token, area, &wanted["incidents"]));
            }
            looked_at += walk(server, &token, role, area, &wanted);
        }
    }
    assert!(looked_at > 1_000, "{looked_at}");
    assert!([TOWNSHIP, VILLAGE, "*"].iter().all(|area| hot[*area] > 0), "there is something to leak: {hot:?}");
    assert_eq!(hot["520424"], 0, "{hot:?}");
}

/// Every operation of both documents, of objects that nobody has; how many there were. Those that others have are asked for in `foreign`.
fn walk(server: &Server, token: &str, role: &str, area: &str, wanted: &BTreeMap<&str, BTreeSet<String>>) -> usize {
    let mut walked = 0;
    for (document, prefix) in [("/api/openapi.json", "/api"), ("/ogc/api", "/ogc")] {
        let document = server.get(document).is(200).json();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                let roles: Vec<&str> =
                    operation["x-roles"].as_array().expect("roles").iter().filter_map(Value::as_str).collect();
                let all = COLLECTIONS.into_iter().chain(["hotspots"]);
                for collection in all.take(if path.contains("{collectionId}") { usize::MAX } else { 1 }) {
                    if operation["operationId"] == "events" || operation["operationId"] == "signOut" {
                        continue;
                    }
                    let id = wanted.get(collection).and_then(BTreeSet::first).map_or("none", String::as_str);
                    let path = path
                        .replace("{collectionId}", collection)
                        .replace("{featureId}", id)
                        .replace("{id}", "u-none")
                        .replace("{other}", "u-none")
                        .replace("{village}", VILLAGE)
                        .replace("{kind}", "units")
                        .replace("{layer}", "households")
                        .replace("{tileMatrixSetId}", "WebMercatorQuad")
                        .replace("{tileMatrix}", "0")
                        .replace("{tileRow}", "0")
                        .replace("{tileCol}", "0");
                    let url = format!("{prefix}{}", path.trim_end_matches('/'));
                    let bearer = format!("Bearer {token}");
                    let body = (*method != "get" && *method != "delete").then(|| serde_json::json!({}));
                    let known = server.ask(&method.to_uppercase(), &url, &[("authorization", &bearer)], body.as_ref());
                    let nobody = server.ask(&method.to_uppercase(), &url, &[], body.as_ref());
                    let open = roles.contains(&"anybody");
                    let what = format!("{role} of {area}: {method} {url}");
                    assert!(known.status < 500 && nobody.status < 500, "{what}: {}", known.text());
                    assert!(
                        operation["responses"].get(known.status.to_string()).is_some(),
                        "{what}: {} is not documented",
                        known.status
                    );
                    assert_eq!(
                        nobody.status == 401 && nobody.json()["code"] == "unauthenticated",
                        !open,
                        "{what}: {}",
                        nobody.status
                    );
                    // a body that is refused for its fields never was let in
                    let refused = known.status == 403;
                    let may = open || roles.contains(&role);
                    if body.is_none() {
                        assert_eq!(refused, !may, "{what}: {}", known.status);
                    } else {
                        // a file is taken in first and judged afterwards
                        let is_file = operation["requestBody"]["content"].get("application/json").is_none();
                        assert!(known.status >= 400 || (is_file && may), "{what}: {}", known.status);
                    }
                    walked += 1;
                }
            }
        }
    }
    walked
}
