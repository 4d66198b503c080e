//! What the monitoring room reads: hotspots, outbreaks, alerts, the daily report.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::events::{Event, Stream};
use crate::incidents::{body, report};
use crate::server::{Server, TOWNSHIP, VILLAGE, still, writing};

pub(crate) fn all(server: &Server, query: &str) -> Vec<Value> {
    let answer = server.get(&format!("/api/incidents?limit=1000&{query}")).is(200).json();
    assert!(answer["next"].is_null(), "one page holds all here");
    answer["incidents"].as_array().expect("incidents").clone()
}

pub(crate) fn m4_hotspots_explain_themselves_and_stay_within_the_scope(server: &Server) {
    let _still = still();
    let period = "from=2025-01-01&to=2025-12-31";
    let in_period = all(server, period).len() as u64;
    for view in ["gi", "rate", "count", "emerging", "density"] {
        let found = server.get(&format!("/api/hotspots?view={view}&{period}")).is(200).json();
        assert_eq!(
            found["incidents"].as_u64().zip(found["outside"].as_u64()).map(|(a, b)| a + b),
            Some(in_period),
            "{view}"
        );
        let cells = found["cells"].as_array().expect("cells");
        assert!(!cells.is_empty(), "{view}");
        for (i, cell) in cells.iter().enumerate() {
            let ring = cell["ring"].as_array().expect("a ring");
            assert!(ring.len() >= 6 && ring.first() == ring.last(), "{cell}");
            assert!(cell["why"].as_str().is_some_and(|w| w.contains(" / ")), "{cell}");
            assert!(i == 0 || cell["rank"].as_u64() > cells[i - 1]["rank"].as_u64(), "in the order of ranks");
        }
        if matches!(view, "gi" | "rate" | "count") {
            let counted: u64 = cells.iter().filter_map(|c| c["count"].as_u64()).sum();
            assert_eq!(Some(counted), found["incidents"].as_u64(), "counts sum exactly: {view}");
        }
        let again = server.get(&format!("/api/hotspots?view={view}&{period}")).is(200).json();
        assert_eq!(again, found, "kept until something changes");
    }
    for status in ["open=true", "overdue=true", "state=closed", "state=reported,handling", "open=false&level=village"] {
        let wanted = all(server, &format!("{period}&{status}")).len() as u64;
        for view in ["count", "rate", "gi"] {
            let found = server.get(&format!("/api/hotspots?view={view}&{period}&{status}")).is(200).json();
            let counted: u64 =
                found["cells"].as_array().expect("cells").iter().filter_map(|c| c["count"].as_u64()).sum();
            let outside = found["outside"].as_u64().expect("a number");
            assert_eq!((counted + outside, found["incidents"].as_u64()), (wanted, Some(counted)), "{view} {status}");
        }
    }
    let own = server.token_for("viewer", VILLAGE);
    let narrow = server.get_as(&own, &format!("/api/hotspots?view=count&{period}")).is(200).json();
    let seen = server.get_as(&own, &format!("/api/incidents?{period}&limit=1")).is(200).json();
    assert_eq!(
        narrow["incidents"].as_u64().zip(narrow["outside"].as_u64()).map(|(a, b)| a + b),
        seen["number_matched"].as_u64()
    );
    let foreign = server.token_for("viewer", "520425");
    let none = server.get_as(&foreign, &format!("/api/hotspots?view=count&{period}")).is(200).json();
    assert_eq!((none["incidents"].as_u64(), none["cells"].as_array().map(Vec::len)), (Some(0), Some(0)));
    for bad in
        ["view=x", "resolution=3", "resolution=15", "from=2025-02-01&to=2025-01-01", "x=1", "state=x", "overdue=1"]
    {
        assert_eq!(server.get(&format!("/api/hotspots?{bad}")).status, 400, "{bad}");
    }
    server.get("/api/hotspots?view=emerging&from=2025-05-01&to=2025-05-02").problem(422, "cannot_judge");
}

pub(crate) fn m4_hotspots_are_a_layer_for_gis(server: &Server) {
    let _writing = writing();
    let period = "/ogc/collections/hotspots";
    let made: Vec<Value> = (0..4).map(|_| report(server, &body("livelihood"))).collect();
    let last = made[3]["id"].as_str().expect("an id");
    let waiting = Instant::now();
    while server.get(&format!("/ogc/collections/incidents/items?ids={last}")).json()["numberMatched"] != 1 {
        assert!(waiting.elapsed() < Duration::from_secs(20), "the incident is served");
        std::thread::sleep(Duration::from_millis(50));
    }
    let begun = server.get("/api/hotspots?view=gi").is(200).json();
    let items = server.get(&format!("{period}/items?limit=10000")).is(200).json();
    let features = items["features"].as_array().expect("features");
    let cells = begun["cells"].as_array().expect("cells");
    assert!(!cells.is_empty());
    assert_eq!(items["numberMatched"].as_u64(), Some(cells.len() as u64));
    for cell in cells {
        let feature = features.iter().find(|f| f["id"] == cell["h3"]).expect("the cell as a feature");
        for field in ["h3", "count", "neighbours", "fdr05", "class", "rank"] {
            assert_eq!(feature["properties"][field], cell[field], "{field} of {cell}");
        }
        for field in ["expected", "z", "p", "p_sim"] {
            assert_eq!(feature["properties"][field].as_f64(), cell[field].as_f64(), "{field} of {cell}");
        }
        let ring = feature["geometry"]["coordinates"][0].as_array().expect("a ring");
        assert_eq!(ring.len(), cell["ring"].as_array().expect("a ring").len());
    }
    // as any other layer: by fields, by id, as a file, as tiles
    let busiest = cells.iter().filter_map(|c| c["count"].as_u64()).max().expect("some");
    let few = server.get(&format!("{period}/items?filter=count%3E%3D{busiest}")).is(200).json();
    assert!(few["features"].as_array().is_some_and(|f| !f.is_empty()));
    assert!(few["features"].as_array().expect("list").iter().all(|f| f["properties"]["count"] == busiest));
    let first = cells[0]["h3"].as_str().expect("an index");
    assert_eq!(server.get(&format!("{period}/items/{first}")).is(200).json()["id"], first);
    server.get(&format!("{period}/items/8928308280fffff")).is(404);
    assert!(server.get(&format!("{period}/items?f=csv")).is(200).text().contains(first));
    let at = &cells[0]["ring"][0];
    let (lon, lat) = (at[0].as_f64().expect("degrees"), at[1].as_f64().expect("degrees"));
    let (y, x) = crate::tiles::tile_of(14, lon, lat);
    let drawn = crate::tiles::decoded(&server.get(&format!("{period}/tiles/WebMercatorQuad/14/{y}/{x}")).is(200).body);
    assert!(drawn.iter().any(|f| f["properties"]["h3"] == first), "{drawn:?}");
    let list = server.get("/ogc/collections").is(200).json();
    assert!(list["collections"].as_array().expect("list").iter().any(|c| c["id"] == "hotspots"));
    // made of what one sees, and of nothing else
    let foreign = server.token_for("viewer", "520425");
    let none = server.get_as(&foreign, &format!("{period}/items")).is(200).json();
    assert_eq!(none["numberMatched"], 0);
    server.get_as(&foreign, &format!("{period}/items/{first}")).is(404);
}

pub(crate) fn m13_scan_runs_in_the_background(server: &Server) {
    let _still = still();
    let asked = format!("/api/scan?region={TOWNSHIP}&radius=2km&days=7&permutations=99&from=2025-06-01&to=2025-12-31");
    let job = server.get(&asked).is(202).json()["job"].as_str().expect("a job").to_owned();
    let begun = Instant::now();
    let result = loop {
        let job = server.get(&format!("/api/jobs/{job}")).is(200).json();
        match job["status"].as_str() {
            Some("done") => break job["result"].clone(),
            Some("running") => assert!(begun.elapsed() < Duration::from_secs(120)),
            other => panic!("{other:?}: {job}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(result["incidents"].as_u64().is_some_and(|n| n > 100));
    for cluster in result["clusters"].as_array().expect("clusters") {
        assert!(cluster["p"].as_f64().is_some_and(|p| p > 0.0 && p <= 1.0), "{cluster}");
        assert!(cluster["observed"].as_f64() > cluster["expected"].as_f64(), "{cluster}");
    }
    for bad in ["radius=1", "radius=x", "days=0", "permutations=5"] {
        assert_eq!(server.get(&format!("/api/scan?{bad}")).status, 400, "{bad}");
    }
}

pub(crate) fn m3_emergency_alarms_until_somebody_looks(server: &Server) {
    let _writing = writing();
    let mut stream = Stream::open(server, &server.token, None);
    stream.hello();
    let incident = report(server, &body("emergency"));
    let about_it = |e: &Event| e.kind == "alert" && e.data["incident"] == incident["id"];
    let told = stream.up_to(Duration::from_secs(20), about_it);
    let alarm = told.last().filter(|e| about_it(e)).expect("an alert is told");
    assert_eq!((&alarm.data["operation"], &alarm.data["incident"]), (&json!("opened"), &incident["id"]));
    let listed = server.get("/api/alerts?open=true").is(200).json();
    let about = |a: &&Value| a["incident"] == incident["id"] && a["kind"] == "emergency";
    let alert = listed["alerts"].as_array().expect("alerts").iter().find(about).expect("the alert").clone();
    assert!(alert["acknowledged"].is_null() && alert["escalates_at"].is_string());
    let path = format!("/api/alerts/{}/acknowledge", alert["id"].as_str().expect("an id"));
    for role in ["exporter", "auditor"] {
        let token = server.token_for(role, VILLAGE);
        let asked = server.ask("POST", &path, &[("authorization", &format!("Bearer {token}"))], Some(&json!({})));
        asked.problem(403, "forbidden");
    }
    let foreign = server.token_for("viewer", "520425");
    let asked = server.ask("POST", &path, &[("authorization", &format!("Bearer {foreign}"))], Some(&json!({})));
    asked.problem(404, "not_found");
    assert_eq!(server.get_as(&foreign, "/api/alerts").is(200).json()["alerts"], json!([]));
    let room = server.token_for("viewer", VILLAGE);
    let asked = server.ask("POST", &path, &[("authorization", &format!("Bearer {room}"))], Some(&json!({})));
    let seen = asked.is(200).json();
    assert!(seen["alert"]["acknowledged"]["at"].is_string() && seen["alert"]["escalates_at"].is_null());
    let is_seen = |e: &Event| e.data["id"] == alert["id"] && e.data["operation"] == "acknowledged";
    let told = stream.up_to(Duration::from_secs(20), is_seen);
    assert!(told.last().is_some_and(is_seen), "{told:?}");
    let again = server.ask("POST", &path, &[("authorization", &format!("Bearer {room}"))], Some(&json!({})));
    assert_eq!(again.is(200).json(), seen, "the first who looked stays");
}

pub(crate) fn report_of_a_day_is_a_page_with_map_and_chart(server: &Server) {
    let _still = still();
    let page = server.get("/api/report?day=2025-06-15&region=520423102").is(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let text = page.text();
    assert_eq!(text.matches("<svg").count(), 2);
    assert!(
        text.contains("事件日报") && text.contains("零发案村") && !text.contains("style=") && !text.contains("<script")
    );
    let of_day = all(server, "from=2025-06-15&to=2025-06-15");
    let placed = of_day.iter().filter(|i| i["at"].is_array()).count();
    assert_eq!(text.matches("<circle").count(), placed);
    server.get("/api/report?day=x").problem(400, "bad_parameter");
    let foreign = server.token_for("viewer", "520425");
    assert!(!server.get_as(&foreign, "/api/report?day=2025-06-15").is(200).text().contains("<circle"));
}

pub(crate) fn rules_that_alarm_are_changed_at_the_version_that_was_read_by_admins_of_their_area(server: &Server) {
    let _writing = writing();
    let rules = |token: &str| server.get_as(token, "/api/alert-rules").is(200).json()["rules"].clone();
    let shipped = rules(&server.token);
    let ids: Vec<&str> = shipped.as_array().expect("rules").iter().filter_map(|r| r["id"].as_str()).collect();
    assert_eq!(ids, ["emergency", "overdue", "hot_and_growing"]);
    assert!(shipped.as_array().expect("rules").iter().all(|r| r["version"] == 0 && r["ships"] == true));
    let ask = |token: &str, method: &str, id: &str, version: Option<&str>, wish: Option<&Value>| {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(version.map(|v| ("if-match", v)));
        server.ask(method, &format!("/api/alert-rules/{id}"), &headers, wish)
    };
    let admin = server.token.as_str();
    let wish = json!({"kind": "hot_and_growing", "region": TOWNSHIP, "escalate_after_min": 90, "days": 14, "resolution": 9, "enabled": true});
    ask(admin, "PUT", "town", None, Some(&wish)).problem(428, "if_match_missing");
    ask(admin, "PUT", "town", Some("\"3\""), Some(&wish)).problem(412, "stale");
    let made = ask(admin, "PUT", "town", Some("\"0\""), Some(&wish)).is(200);
    assert_eq!((made.header("etag"), &made.json()["rule"]["days"]), ("\"1\"", &json!(14)));
    ask(admin, "PUT", "town", Some("\"0\""), Some(&wish)).problem(412, "stale");
    for (id, field, value) in [
        ("town", "kind", json!("flood")),
        ("town", "days", json!(3)),
        ("town", "region", json!("5204231")),
        ("To%20wn", "enabled", json!(true)),
        ("overdue", "enabled", json!(true)),
    ] {
        let mut bad = wish.clone();
        bad[field] = value;
        ask(admin, "PUT", id, Some("\"1\""), Some(&bad)).problem(422, "bad_field");
    }
    // a village's admin decides about its own rules, and about none that look beyond
    let village = server.token_for("admin", VILLAGE);
    ask(&village, "PUT", "town", Some("\"1\""), Some(&wish)).problem(403, "forbidden");
    ask(&village, "DELETE", "town", Some("\"1\""), None).problem(403, "forbidden");
    let own = json!({"kind": "overdue", "region": VILLAGE, "escalate_after_min": 30, "enabled": false});
    ask(&village, "PUT", "own", Some("\"0\""), Some(&own)).is(200);
    ask(&village, "PUT", "overdue", Some("\"0\""), Some(&own)).problem(403, "forbidden");
    for role in ["viewer", "planner", "exporter", "auditor"] {
        let token = server.token_for(role, "*");
        server.get_as(&token, "/api/alert-rules").problem(403, "forbidden");
        ask(&token, "PUT", "town", Some("\"1\""), Some(&wish)).problem(403, "forbidden");
    }
    let quiet = json!({"kind": "overdue", "escalate_after_min": 600, "enabled": false});
    ask(admin, "PUT", "overdue", Some("\"0\""), Some(&quiet)).is(200);
    let now = rules(admin);
    let of = |id: &str| now.as_array().expect("rules").iter().find(|r| r["id"] == id).expect(id).clone();
    assert_eq!((of("overdue")["enabled"].as_bool(), of("overdue")["version"].as_u64()), (Some(false), Some(1)));
    assert_eq!((of("town")["ships"].as_bool(), of("own")["region"].as_str()), (Some(false), Some(VILLAGE)));
    for id in ["town", "own", "overdue"] {
        assert_eq!(ask(admin, "DELETE", id, Some("\"1\""), None).status, 204, "{id}");
    }
    ask(admin, "DELETE", "overdue", Some("\"0\""), None).problem(404, "not_found");
    assert_eq!(rules(admin), shipped, "as it ships again");
    let log = server.get("/api/audit?limit=1000&operation=alert_rule").is(200).text();
    assert!(log.contains("alert_rule.put") && log.contains("alert_rule.remove"));
}

pub(crate) fn long_lists_are_packed_for_whoever_takes_it(server: &Server) {
    let _still = still();
    let bearer = format!("Bearer {}", server.token);
    for path in [
        "/api/regions",
        "/api/incidents?limit=100",
        "/api/statistics?by=region",
        "/api/hotspots?view=count&from=2025-01-01&to=2025-12-31",
    ] {
        let ask = |takes: &str| {
            server.ask("GET", path, &[("authorization", &bearer), ("accept-encoding", takes)], None).is(200)
        };
        for _ in 0..2 {
            let (plain, packed) = (ask("identity"), ask("gzip"));
            assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), ("", "gzip"), "{path}");
            assert!(packed.header("vary").contains("accept-encoding"), "{path}");
            let mut text = String::new();
            let read = std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut text);
            read.expect("gzip");
            let [a, b] = [plain.text(), text].map(|t| serde_json::from_str::<Value>(&t).expect("JSON"));
            assert!(packed.body.len() < plain.body.len() && a == b, "{path}");
        }
    }
}
