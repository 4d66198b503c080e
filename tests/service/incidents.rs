//! Incidents over HTTP: reported, told, moved along, refused; each reader sees what is its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Reply, send};
use crate::events::Stream;
use crate::server::{Server, TOWNSHIP, VILLAGE, writing};

/// A place where people live in the first village.
pub(crate) const HERE: [f64; 2] = [105.643_564_4, 25.974_987_4];

pub(crate) fn body(category: &str) -> Value {
    let now = time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339).expect("a time");
    json!({"category": category, "occurred_at": now, "at": HERE, "summary": "路口积水"})
}

/// A key nobody used before.
pub(crate) fn key() -> String {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    format!("k{}-{}", std::process::id(), NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

pub(crate) fn post(server: &Server, token: &str, path: &str, key: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {token}");
    server.ask("POST", path, &[("authorization", &bearer), ("idempotency-key", key)], Some(body))
}

pub(crate) fn report(server: &Server, body: &Value) -> Value {
    post(server, &server.token, "/api/incidents", &key(), body).is(201).json()["incident"].clone()
}

pub(crate) fn advance(server: &Server, incident: &Value, wish: &Value) -> Reply {
    let mut wish = wish.clone();
    wish["base_version"] = incident["version"].clone();
    let path = format!("/api/incidents/{}/transitions", incident["id"].as_str().expect("an id"));
    post(server, &server.token, &path, &key(), &wish)
}

pub(crate) fn m2_incident_is_told_with_grid_and_unit_and_listed(server: &Server) {
    let _writing = writing();
    let mut stream = Stream::open(server, &server.token, None);
    stream.hello();
    let elsewhere = server.token_for("viewer", "520424");
    let mut foreign = Stream::open(server, &elsewhere, None);
    foreign.hello();
    let made = report(server, &body("emergency"));
    let told = stream.of_kind("incident", 1, Duration::from_secs(10));
    assert_eq!((told[0].kind.as_str(), told[0].data["operation"].as_str()), ("incident", Some("created")));
    for name in ["id", "region", "grid", "unit", "category", "state", "level"] {
        assert_eq!(told[0].data[name], made[name], "{name}");
    }
    assert_eq!(
        (&told[0].data["emergency"], told[0].data["at_time"].as_str().is_some_and(|t| t.ends_with("+08:00"))),
        (&json!(true), true)
    );
    assert!(!told[0].data.to_string().contains("积水"), "words stay with the incident");
    assert_eq!(foreign.events(1, Duration::from_millis(700)), [], "who does not see it is not told");
    assert!(made["grid"].as_str().is_some_and(|g| g.starts_with(VILLAGE) && g.len() == 15));
    assert!(made["unit"].as_str().is_some_and(|u| u.starts_with(made["grid"].as_str().expect("a grid"))));
    assert_eq!(
        (made["region"].as_str(), made["occurred_at"].as_str().is_some_and(|t| t.ends_with("+08:00"))),
        (Some(VILLAGE), true)
    );
    assert!(made["grid_name"].is_string() && made["region_name"].is_string() && made["overdue"] == false);
    let listed = server.get("/api/incidents?category=emergency&open=true&limit=1").is(200).json();
    assert_eq!(listed["incidents"][0]["id"], made["id"], "the latest comes first");
    let moved = advance(server, &made, &json!({"action": "accept"})).is(200).json();
    let told = stream.of_kind("incident", 1, Duration::from_secs(10));
    assert_eq!(
        (told[0].data["operation"].as_str(), &told[0].data["state"]),
        (Some("changed"), &moved["incident"]["state"])
    );
    // the layer that any GIS reads follows
    let path = format!("/ogc/collections/incidents/items/{}", made["id"].as_str().expect("an id"));
    let begun = std::time::Instant::now();
    while server.get(&path).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn incident_goes_its_way_and_no_other(server: &Server) {
    let _writing = writing();
    let mut now = report(server, &body("dispute"));
    let refused = advance(server, &now, &json!({"action": "close"})).problem(422, "not_allowed").json();
    assert_eq!((&refused["field"], refused["allowed"][0].as_str()), (&json!("action"), Some("accept")));
    let refused = advance(server, &now, &json!({"action": "reject"})).problem(422, "not_allowed").json();
    assert_eq!(refused["field"], "reason");
    let skipped = json!({"action": "escalate", "level": "county"});
    assert_eq!(advance(server, &now, &skipped).problem(422, "not_allowed").json()["field"], "reason");
    let path = format!("/api/incidents/{}", now["id"].as_str().expect("an id"));
    for (action, state, level) in [
        ("accept", "accepted", "grid"),
        ("dispatch", "dispatched", "grid"),
        ("escalate", "reported", "village"),
        ("accept", "accepted", "village"),
        ("dispatch", "dispatched", "village"),
        ("start", "handling", "village"),
        ("suspend", "suspended", "village"),
        ("resume", "handling", "village"),
        ("handle", "handled", "village"),
        ("return", "handling", "village"),
        ("handle", "handled", "village"),
        ("verify", "verified", "village"),
        ("close", "closed", "village"),
        ("reopen", "accepted", "village"),
    ] {
        let allowed = server.get(&path).is(200).json()["allowed"].clone();
        assert!(allowed.as_array().expect("a list").iter().any(|a| a["action"] == action), "{action}: {allowed}");
        now = advance(server, &now, &json!({"action": action, "reason": "按流程"})).is(200).json()["incident"].clone();
        assert_eq!((&now["state"], &now["level"]), (&json!(state), &json!(level)), "{action}");
    }
    let whole = server.get(&path).is(200).json();
    assert_eq!(whole["transitions"].as_array().map(Vec::len), Some(14));
    assert_eq!(whole["transitions"][2]["to_level"], "village");
    // E02: who looked at an older version changes nothing and is told the version now
    let stale = json!({"version": 3, "id": now["id"]});
    let conflict = advance(server, &stale, &json!({"action": "dispatch"})).problem(409, "conflict").json();
    assert_eq!(conflict["current_version"], now["version"]);
    let other = json!({"action": "fly"});
    assert_eq!(advance(server, &now, &other).problem(422, "bad_field").json()["field"], "action");
    let path = format!("{path}/transitions");
    post(server, &server.token, &path, &key(), &json!({"action": "dispatch"})).problem(422, "base_version_missing");
    let unknown = json!({"action": "dispatch", "base_version": 1, "who": "x"});
    post(server, &server.token, &path, &key(), &unknown).problem(422, "bad_field");
}

pub(crate) fn intake_comes_once_and_takes_no_person(server: &Server) {
    let _writing = writing();
    let token = server.token_for("viewer", TOWNSHIP);
    let send =
        |body: &Value| server.ask("POST", "/api/intake", &[("authorization", &format!("Bearer {token}"))], Some(body));
    let mut event = body("security");
    event["source"] = json!("门禁");
    event["source_id"] = json!(key());
    let first = send(&event).is(201).json();
    let again = send(&event).is(200).json();
    assert_eq!(first["incident"]["id"], again["incident"]["id"]);
    for (field, value) in
        [("姓名", json!("某")), ("phone", json!("13800000000")), ("id_number", json!(1)), ("户主", json!(null))]
    {
        let mut with = event.clone();
        with[field] = value;
        assert_eq!(send(&with).problem(400, "person_field").json()["field"], field);
    }
    let mut with = event.clone();
    with["summary"] = json!("请联系 138 0000 0000");
    assert_eq!(send(&with).problem(400, "person_field").json()["field"], "summary");
    let mut with = event.clone();
    with["camera"] = json!(7);
    send(&with).problem(400, "unknown_field");
    let mut without = event.clone();
    without.as_object_mut().expect("an object").remove("source_id");
    assert_eq!(send(&without).problem(422, "bad_field").json()["field"], "source_id");
    // a sender from elsewhere cannot write here
    let foreign = server.token_for("viewer", "520424");
    let sent = server.ask("POST", "/api/intake", &[("authorization", &format!("Bearer {foreign}"))], Some(&event));
    assert!(matches!(sent.status, 409 | 422), "{}", sent.text());
    for role in ["exporter", "auditor"] {
        let token = server.token_for(role, TOWNSHIP);
        let sent = server.ask("POST", "/api/intake", &[("authorization", &format!("Bearer {token}"))], Some(&event));
        sent.problem(403, "forbidden");
    }
}

pub(crate) fn bulk_is_all_or_nothing_unless_partial(server: &Server) {
    let _writing = writing();
    let count = || server.get("/api/incidents?limit=1&source=").status;
    assert_eq!(count(), 400, "unknown parameters are refused");
    let before = server.get("/api/incidents?limit=1").is(200).json()["number_matched"].as_u64().expect("a number");
    let outside = json!({"category": "other", "occurred_at": "2025-05-01T10:00:00+08:00", "at": [120.0, 30.0]});
    let bad = json!({"category": "flood", "occurred_at": "2025-05-01T10:00:00+08:00", "at": HERE});
    let mixed = json!({"incidents": [body("opinion"), bad, outside]});
    let refused = post(server, &server.token, "/api/incidents/bulk", &key(), &mixed).problem(422, "refused").json();
    assert_eq!((&refused["refused"][0]["index"], &refused["refused"][0]["field"]), (&json!(1), &json!("category")));
    let now = || server.get("/api/incidents?limit=1").is(200).json()["number_matched"].as_u64().expect("a number");
    assert_eq!(now(), before, "nothing was stored");
    let once = key();
    let path = "/api/incidents/bulk?partial=true";
    let done = post(server, &server.token, path, &once, &mixed).is(200).json();
    assert_eq!(
        (&done["created"], &done["unassigned"], done["refused"].as_array().map(Vec::len)),
        (&json!(2), &json!(1), Some(1))
    );
    let again = post(server, &server.token, path, &once, &mixed).is(200).json();
    assert_eq!((&again["created"], now()), (&json!(2), before + 2), "the same answer, counted once");
    let nowhere = server.get("/api/incidents?grid=none&category=other&limit=1").is(200).json();
    assert_eq!(nowhere["incidents"][0]["grid"], Value::Null);
    server.write("POST", "/api/incidents/bulk", &mixed).problem(400, "idempotency_key_missing");
}

pub(crate) fn e06_same_key_same_incident_other_body_refused(server: &Server) {
    let _writing = writing();
    let (once, wish) = (key(), body("livelihood"));
    let first = post(server, &server.token, "/api/incidents", &once, &wish).is(201).json();
    let again = post(server, &server.token, "/api/incidents", &once, &wish).is(201).json();
    assert_eq!(first["incident"]["id"], again["incident"]["id"]);
    post(server, &server.token, "/api/incidents", &once, &body("opinion")).problem(422, "idempotency_key_reused");
    server.write("POST", "/api/incidents", &body("opinion")).problem(400, "idempotency_key_missing");
    // a step that was answered is answered the same again
    let (incident, once) = (first["incident"].clone(), key());
    let path = format!("/api/incidents/{}/transitions", incident["id"].as_str().expect("an id"));
    let wish = json!({"action": "accept", "base_version": incident["version"]});
    let accepted = post(server, &server.token, &path, &once, &wish).is(200).json();
    assert_eq!(post(server, &server.token, &path, &once, &wish).is(200).json(), accepted);
}

/// The first is in flight from when the service begins to read its body, which is when it says so.
pub(crate) fn e06_same_key_while_the_first_is_answered_is_409(server: &Server) {
    let _writing = writing();
    let (once, wish) = (key(), body("livelihood"));
    let (host, text) = (server.base.trim_start_matches("http://"), wish.to_string());
    let mut socket = TcpStream::connect(host).expect("connected");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let head = format!(
        "POST /api/incidents HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Idempotency-Key: {once}\r\nContent-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        server.token,
        text.len()
    );
    socket.write_all(head.as_bytes()).expect("sent");
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut said = [0; 25];
    socket.read_exact(&mut said).expect("an answer");
    assert_eq!(&said, go_on);
    let twin = post(server, &server.token, "/api/incidents", &once, &wish).problem(409, "idempotency_key_in_flight");
    assert_eq!((twin.header("retry-after"), &twin.json()["field"]), ("1", &json!("Idempotency-Key")));
    // the same word of another user is another key
    let other = server.token_for("planner", VILLAGE);
    post(server, &other, "/api/incidents", &once, &wish).is(201);
    socket.write_all(text.as_bytes()).expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    // answered: now it is the same answer
    let again = post(server, &server.token, "/api/incidents", &once, &wish).is(201).json();
    assert!(answer.contains(again["incident"]["id"].as_str().expect("an id")), "{answer}");
}

pub(crate) fn words_of_an_incident_are_for_those_who_handle_it(server: &Server) {
    let _writing = writing();
    let made = report(server, &body("opinion"));
    let path = format!("/api/incidents/{}", made["id"].as_str().expect("an id"));
    advance(server, &made, &json!({"action": "reject", "reason": "重复上报"})).is(200);
    for (role, sees) in [("viewer", true), ("planner", true), ("admin", true), ("exporter", false), ("auditor", false)]
    {
        let token = server.token_for(role, VILLAGE);
        let one = server.get_as(&token, &path).is(200).json();
        assert_eq!(one["incident"]["summary"].is_string(), sees, "{role}");
        assert_eq!(one["transitions"][0]["reason"].is_string(), sees, "{role}");
        assert_eq!(one["allowed"].as_array().is_some_and(|a| !a.is_empty()), sees, "{role}");
        let listed = server.get_as(&token, "/api/incidents?limit=1000").is(200).text();
        assert_eq!(listed.contains("路口积水"), sees, "{role}");
        let foreign = server.token_for(role, "520424");
        server.get_as(&foreign, &path).problem(404, "not_found");
    }
    let exporter = server.token_for("exporter", VILLAGE);
    let csv = server.get_as(&exporter, "/ogc/collections/incidents/items?f=csv&limit=10000").is(200).text();
    assert!(csv.contains("category") && !csv.contains("summary") && !csv.contains("路口积水"));
}

pub(crate) fn filters_of_incidents_are_kept_or_400(server: &Server) {
    let all = |query: &str| server.get(&format!("/api/incidents?limit=1000&{query}")).is(200).json();
    for (query, fits) in [
        ("state=closed", Box::new(|i: &Value| i["state"] == "closed") as Box<dyn Fn(&Value) -> bool>),
        ("open=true", Box::new(|i| i["state"] != "closed" && i["state"] != "rejected")),
        ("overdue=true", Box::new(|i| i["overdue"] == true)),
        ("category=dispute,opinion", Box::new(|i| i["category"] == "dispute" || i["category"] == "opinion")),
        ("level=township", Box::new(|i| i["level"] == "township")),
        (
            "from=2025-06-01&to=2025-06-30",
            Box::new(|i| i["occurred_at"].as_str().is_some_and(|t| t.starts_with("2025-06"))),
        ),
        (
            "bbox=105.62,25.9,105.64,26.1",
            Box::new(|i| i["at"][0].as_f64().is_some_and(|x| (105.62..=105.64).contains(&x))),
        ),
    ] {
        let (found, everything) = (all(query), all(""));
        let wanted = everything["incidents"].as_array().expect("incidents").iter().filter(|i| fits(i)).count();
        assert!(found["incidents"].as_array().is_some_and(|l| l.iter().all(&*fits)), "{query}");
        if everything["next"].is_null() {
            assert_eq!(found["number_matched"].as_u64(), Some(wanted as u64), "{query}");
        }
    }
    for bad in [
        "state=x",
        "level=x",
        "category=x",
        "open=1",
        "from=x",
        "from=2025-07-01&to=2025-06-01",
        "bbox=1,2,3",
        "region=52042",
        "grid=52",
        "after=!!",
        "order=x",
        "limit=0",
        "limit=1001",
        "colour=red",
    ] {
        let reply = server.get(&format!("/api/incidents?{bad}"));
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text());
    }
    let lists = server.get("/api/dictionaries").is(200).json();
    assert_eq!(
        (lists["categories"].as_array().map(Vec::len), lists["disputes"].as_array().map(Vec::len)),
        (Some(8), Some(13))
    );
}

/// A grey square of 16 pixels as a telephone writes it: with the place it was taken at.
pub(crate) fn jpeg_with_its_place(last: u8) -> Vec<u8> {
    let segment = |marker: u8, contents: &[u8]| {
        [&[0xFF, marker][..], &((contents.len() + 2) as u16).to_be_bytes(), contents].concat()
    };
    let codes = [&[0x00][..], &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0]].concat();
    [
        vec![0xFF, 0xD8],
        segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08GPS 26 14 44 N"),
        segment(0xDB, &[&[0][..], &[1; 64]].concat()),
        segment(0xC0, &[8, 0, 16, 0, 16, 1, 1, 0x11, 0]),
        segment(0xC4, &codes),
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        vec![0x12, last, 0xFF, 0xD9],
        b"GPS once more".to_vec(),
    ]
    .concat()
}

pub(crate) fn m12_photo_is_kept_bare_and_seen_by_those_who_handle_the_incident(server: &Server) {
    let _writing = writing();
    let made = report(server, &body("livelihood"));
    let id = made["id"].as_str().expect("an id");
    let path = format!("/api/incidents/{id}/photo");
    let put = |token: &str, kind: &str, file: &[u8]| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        send("PUT", &format!("{}{path}", server.base), &headers, Some(file))
    };
    let (viewer, elsewhere) = (server.token_for("viewer", VILLAGE), server.token_for("planner", "520423102002"));
    let card = || server.get_as(&viewer, &format!("/api/incidents/{id}")).is(200).json()["photo"].clone();
    assert!(card().is_null());
    server.get_as(&viewer, &path).problem(404, "not_found");
    let file = jpeg_with_its_place(0x34);
    put(&elsewhere, "image/jpeg", &file).problem(404, "not_found");
    for role in ["exporter", "auditor"] {
        let token = server.token_for(role, VILLAGE);
        put(&token, "image/jpeg", &file).problem(403, "forbidden");
        server.get_as(&token, &path).problem(403, "forbidden");
        assert!(server.get_as(&token, &format!("/api/incidents/{id}")).is(200).json()["photo"].is_null());
    }
    for (kind, file, status, code) in [
        ("application/json", &file[..], 415, "not_a_photo"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_a_photo"),
        ("image/jpeg", b"<script>alert(1)</script>", 415, "not_a_photo"),
        ("image/gif", b"GIF89a\x01\0\x01\0\0\0\0;", 415, "not_a_photo"),
        ("image/jpeg", &file[..file.len() - 15], 422, "broken_photo"),
    ] {
        put(&viewer, kind, file).problem(status, code);
    }
    // refused for what it says it will send
    let host = server.base.trim_start_matches("http://");
    let mut socket = std::net::TcpStream::connect(host).expect("connected");
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {viewer}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
        (2 << 20) + 1
    );
    std::io::Write::write_all(&mut socket, head.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut socket, &mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 413");
    server.get_as(&viewer, &path).problem(404, "not_found");

    let kept = put(&viewer, "image/jpeg", &file).is(201).json();
    assert_eq!((&kept["photo"]["kind"], &kept["photo"]["width"]), (&json!("image/jpeg"), &json!(16)));
    assert_eq!(put(&viewer, "image/png", &file).is(200).json(), kept, "once more does no harm, whatever it is called");
    put(&viewer, "image/jpeg", &jpeg_with_its_place(0x35)).problem(409, "exists");
    assert_eq!(card(), kept["photo"]);
    let seen = server.get_as(&viewer, &path).is(200);
    assert!(!seen.body.windows(3).any(|w| w == b"GPS") && !seen.body.windows(4).any(|w| w == b"Exif"));
    assert_eq!(seen.body.len(), file.len() - 13 - 32, "all but what was written about it");
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
        ("content-disposition", "inline"),
    ] {
        assert_eq!(seen.header(name), value);
    }
    server.get_as(&elsewhere, &path).problem(404, "not_found");
    server.ask("GET", &path, &[], None).problem(401, "unauthenticated");
    let remove = |token: &str| {
        let bearer = format!("Bearer {token}");
        server.ask("DELETE", &path, &[("authorization", &bearer)], None)
    };
    remove(&viewer).problem(403, "forbidden");
    remove(&elsewhere).problem(404, "not_found");
    assert_eq!(remove(&server.token).status, 204);
    remove(&server.token).problem(404, "not_found");
    assert!(card().is_null());
}
