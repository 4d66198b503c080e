//! Two services on one database: what one of them, or a command, writes is what the other serves and tells.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::events::{BEFORE_A_BEAT, Stream, signed_in};
use crate::incidents::{HERE, advance, body, post, report};
use crate::server::{Place, Server, VILLAGE};
use crate::tiles::tile_of;

/// Against hanging: sixty times what is promised.
const GUARD: Duration = Duration::from_secs(60);

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < GUARD, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An event about an incident.
fn told(stream: &mut Stream, id: &str) -> Value {
    let begun = Instant::now();
    while begun.elapsed() < GUARD {
        let event = stream.of_kind("incident", 1, Duration::from_secs(5)).pop().filter(|e| e.data["id"] == id);
        if let Some(event) = event {
            return event.data;
        }
    }
    panic!("nothing was told of {id}");
}

fn field(server: &Server, collection: &str, id: &str, field: &str) -> Value {
    let reply = server.get(&format!("/ogc/collections/{collection}/items/{id}"));
    if reply.status == 200 { reply.json()["properties"][field].clone() } else { Value::Null }
}

/// All features, as they are written; what is around them has the service's own address and time.
fn features(server: &Server, collection: &str) -> String {
    let mut all = String::new();
    let mut path = format!("/ogc/collections/{collection}/items?limit=10000");
    loop {
        let page = server.get(&path).is(200);
        let text = page.text();
        all.push_str(text.split_once("\"features\":[").expect("features").1);
        let body = page.json();
        let next = body["links"].as_array().expect("links").iter().find(|l| l["rel"] == "next").cloned();
        all.push_str(&body["numberMatched"].to_string());
        match next {
            Some(next) => {
                let href = next["href"].as_str().expect("an address");
                path = href.trim_start_matches(&server.base).to_owned();
            }
            None => return all,
        }
    }
}

#[test]
fn what_one_process_writes_another_serves_and_tells() {
    let place = Place::postgis();
    let token = place.settle();
    let here = Server::start(place, token.clone(), &[]);
    let there = Server::start(here.place.beside(), token.clone(), &[]);
    let mut stream = Stream::open(&there, &token, None);
    stream.hello();
    // an incident is reported here, and told and shown there
    let made = report(&here, &body("dispute"));
    let id = made["id"].as_str().expect("an id").to_owned();
    assert_eq!(told(&mut stream, &id)["operation"], "created");
    for server in [&here, &there] {
        until("the incident is served", || field(server, "incidents", &id, "region") == json!(VILLAGE));
    }
    // a step is taken there, and shown here
    advance(&there, &made, &json!({"action": "accept"})).is(200);
    until("the step is served", || field(&here, "incidents", &id, "state") == "accepted");
    // a grid of the plan in force gets another name here
    let plans = here.get("/api/plans?status=live").is(200).json();
    let plan = plans["plans"][0].clone();
    let grid = here.all(&token, "grids", "").into_iter().find(|g| g["properties"]["village"] == VILLAGE);
    let grid = grid.expect("a grid")["id"].as_str().expect("a code").to_owned();
    let batch = json!({
        "village": VILLAGE, "base_version": plan["version"],
        "operations": [{"operation": "rename", "grid": grid, "name": "两处同看"}],
    });
    let path = format!("/api/plans/{}/edits", plan["id"].as_str().expect("an id"));
    post(&here, &token, &path, "two", &batch).is(200);
    until("the name is served", || field(&there, "grids", &grid, "name") == "两处同看");
    // a command brings incidents in
    let file = here.place.folder.path().join("more.csv");
    let text = "编号,时间,类别,级别,经度,纬度\nTWO1,2025-05-01T10:00:00+08:00,矛盾劝解,网格,105.6435644,25.9749874\n";
    std::fs::write(&file, text).expect("written");
    let (y, x) = tile_of(14, HERE[0], HERE[1]);
    let tile = |s: &Server| s.get(&format!("/ogc/collections/incidents/tiles/WebMercatorQuad/14/{y}/{x}")).is(200).body;
    tile(&there);
    here.place.run(&["import", "--layer", "incidents", "--region", VILLAGE, &file.to_string_lossy()], "");
    for server in [&here, &there] {
        until("the command's row is served", || field(server, "incidents", "TWO1", "region") == json!(VILLAGE));
    }
    // A07: whoever listens there is put out here
    let (user, who) = signed_in(&here, "两处听众", "viewer", VILLAGE);
    let mut listener = Stream::open_as(&there, &who, None);
    listener.hello();
    here.write("PATCH", &format!("/api/users/{user}"), &json!({"disabled": true})).is(200);
    assert!(listener.read_to_its_end(BEFORE_A_BEAT).is_some(), "an end before the beat");
    // so is whoever is moved, whoever signs out and whoever's token is revoked, and what was believed of them there is forgotten
    let seen = |who: &str| there.ask("GET", "/api/session", &[("cookie", who.trim_start_matches("Cookie: "))], None);
    let (user, who) = signed_in(&here, "两处调动", "viewer", VILLAGE);
    let mut listener = Stream::open_as(&there, &who, None);
    listener.hello();
    seen(&who).is(200);
    here.write("PATCH", &format!("/api/users/{user}"), &json!({"role": "exporter"})).is(200);
    let kinds = listener.read_to_its_end(BEFORE_A_BEAT).expect("an end before the beat");
    assert!(kinds.iter().any(|k| k == "reset"), "{kinds:?}");
    assert_eq!(seen(&who).is(200).json()["role"], "exporter");
    let mut listener = Stream::open_as(&there, &who, None);
    listener.hello();
    let cookie = who.trim_start_matches("Cookie: ");
    here.ask("DELETE", "/api/session", &[("cookie", cookie), ("origin", &here.base)], None).is(204);
    assert!(listener.read_to_its_end(BEFORE_A_BEAT).is_some(), "signed out here");
    seen(&who).is(401);
    let lent = here.token_for("viewer", VILLAGE);
    let lent_id = there.get_as(&lent, "/api/session").is(200).json()["id"].as_str().expect("an id").to_owned();
    let mut listener = Stream::open(&there, &lent, None);
    listener.hello();
    let bearer = format!("Bearer {token}");
    here.ask("DELETE", &format!("/api/tokens/{lent_id}"), &[("authorization", &bearer)], None).is(204);
    assert!(listener.read_to_its_end(BEFORE_A_BEAT).is_some(), "the token's");
    there.get_as(&lent, "/api/session").is(401);
    let ends = here.get("/api/audit?operation=session.close&limit=1000").is(200).json();
    assert_eq!(ends["entries"].as_array().expect("entries").len(), 1, "one signed out");
    // whoever kept up serves what one who loads all of it now does
    let fresh = Server::start(here.place.beside(), token, &[]);
    for collection in ["regions", "grids", "units", "leaders", "buildings", "households", "incidents"] {
        let whole = features(&fresh, collection);
        until(collection, || [&here, &there].iter().all(|s| features(s, collection) == whole));
    }
    assert!(!tile(&fresh).is_empty());
    assert_eq!([tile(&here), tile(&there)], [tile(&fresh), tile(&fresh)]);
    assert!(
        there.log().contains("\"part\":\"rows\"") && there.log().contains("\"part\":\"villages\""),
        "kept up in part"
    );
}
