//! Copies out of the house: layers as files, ledgers, and who may have what of them.

use serde_json::{Value, json};

use crate::events::signed_in;
use crate::server::{Server, TOWNSHIP, VILLAGE, still};

fn exported(server: &Server, token: &str, wish: &Value) -> Value {
    let bearer = format!("Bearer {token}");
    let started = server.ask("POST", "/api/exports", &[("authorization", &bearer)], Some(wish)).is(202).json();
    server.job_as(token, &started)
}

fn fetched(server: &Server, token: &str, wish: &Value) -> Vec<u8> {
    let job = exported(server, token, wish);
    assert_eq!(job["status"], "done", "{job}");
    let file = server.get_as(token, job["result"]["url"].as_str().expect("an address")).is(200);
    assert_eq!(job["result"]["bytes"].as_u64(), Some(file.body.len() as u64));
    assert_eq!(file.header("cache-control"), "no-store");
    file.body
}

pub(crate) fn export_is_written_fetched_by_its_owner_and_noted(server: &Server) {
    let _still = still();
    let (exporter, planner) = (server.token_for("exporter", VILLAGE), server.token_for("planner", TOWNSHIP));
    let wish = json!({"layer": "households", "format": "csv"});
    let homes = server.all(&exporter, "households", "").len();
    let text = String::from_utf8(fetched(server, &exporter, &wish)).expect("text");
    assert_eq!(text.trim().lines().count(), homes + 1, "the exporter's village and nothing else");
    for personal in ["persons", "tenure", "eligible"] {
        assert!(!text.lines().next().unwrap_or_default().contains(personal), "{personal}");
    }
    let wish = json!({"layer": "households", "format": "csv", "region": VILLAGE});
    let text = String::from_utf8(fetched(server, &planner, &wish)).expect("text");
    assert!(text.lines().next().unwrap_or_default().contains("persons") && text.trim().lines().count() == homes + 1);
    let incidents = json!({"layer": "incidents", "format": "csv"});
    let text = String::from_utf8(fetched(server, &exporter, &incidents)).expect("text");
    assert!(!text.lines().next().unwrap_or_default().contains("summary"));
    let grids = fetched(server, &exporter, &json!({"layer": "grids", "format": "geojson"}));
    let grids: Value = serde_json::from_slice(&grids).expect("GeoJSON");
    assert_eq!(grids["features"].as_array().map(Vec::len), Some(server.all(&exporter, "grids", "").len()));
    assert!(
        fetched(server, &exporter, &json!({"layer": "buildings", "format": "gpkg"})).starts_with(b"SQLite format 3")
    );
    // a file is its owner's
    let job = exported(server, &exporter, &incidents);
    let url = job["result"]["url"].as_str().expect("an address");
    server.get_as(&planner, url).problem(404, "not_found");
    let viewer = server.token_for("viewer", VILLAGE);
    server.get_as(&viewer, url).problem(403, "forbidden");
    // and of the owner as who it was made: whoever is moved fetches nothing of where they were
    let (user, who) = signed_in(server, "改岗", "exporter", VILLAGE);
    let by = [("cookie", who.trim_start_matches("Cookie: ")), ("origin", server.base.as_str())];
    let started = server.ask("POST", "/api/exports", &by, Some(&incidents)).is(202).json();
    let path = format!("/api/jobs/{}", started["job"].as_str().expect("a job"));
    let job = loop {
        let job = server.ask("GET", &path, &by, None).is(200).json();
        if job["status"] != "running" {
            break job;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let url = job["result"]["url"].as_str().unwrap_or_else(|| panic!("{job}"));
    server.ask("GET", url, &by, None).is(200);
    server.write("PATCH", &format!("/api/users/{user}"), &json!({"region": "520423102002"})).is(200);
    server.ask("GET", url, &by, None).problem(404, "not_found");
    let bearer = format!("Bearer {viewer}");
    server.ask("POST", "/api/exports", &[("authorization", &bearer)], Some(&incidents)).problem(403, "forbidden");
    let bearer = format!("Bearer {exporter}");
    for (wish, field) in [
        (json!({"layer": "nothing", "format": "csv"}), "layer"),
        (json!({"layer": "grids", "format": "doc"}), "format"),
        (json!({"layer": "officers", "format": "csv", "with_names": true}), "purpose"),
        (json!({"layer": "grids", "format": "csv", "region": "52042"}), "region"),
    ] {
        let refused = server.ask("POST", "/api/exports", &[("authorization", &bearer)], Some(&wish));
        assert_eq!(refused.problem(422, "bad_field").json()["field"], field);
    }
    let upside_down = json!({"layer": "buildings", "format": "csv", "bbox": [2, 2, 1, 1]});
    assert_eq!(exported(server, &exporter, &upside_down)["problem"]["status"], 400);
    let log = server.get("/api/audit?operation=export&limit=1000").is(200).json();
    let operations: Vec<&str> =
        log["entries"].as_array().expect("entries").iter().filter_map(|e| e["operation"].as_str()).collect();
    assert!(operations.contains(&"export.file") && operations.contains(&"export.refused"), "{operations:?}");
    assert!(operations.iter().all(|o| o.starts_with("export.")), "{operations:?}");
}

pub(crate) fn ledgers_go_out_without_names_and_come_back_edited(server: &Server) {
    let exporter = server.token_for("exporter", TOWNSHIP);
    for kind in ["grids", "units", "gaps", "summary"] {
        let csv = server.get_as(&exporter, &format!("/api/ledgers/{kind}?f=csv")).is(200).text();
        assert!(csv.trim().lines().count() > 1 && !csv.contains("姓名"), "{kind}: {csv}");
        assert!(server.get_as(&exporter, &format!("/api/ledgers/{kind}")).is(200).body.starts_with(b"PK"));
    }
    let named = server.get_as(&exporter, "/api/ledgers/grids?f=csv&with_names=true&purpose=%E8%AF%95").is(200).text();
    assert!(named.lines().next().unwrap_or_default().contains("姓名"), "{named}");
    server.get_as(&exporter, "/api/ledgers/grids?with_names=true").problem(422, "bad_field");
    server.get_as(&exporter, "/api/ledgers/nothing").problem(404, "not_found");
    server.get_as(&server.token_for("viewer", TOWNSHIP), "/api/ledgers/grids").problem(403, "forbidden");
    // an edited one comes back into a draft of one's own
    let live = server.get("/api/plans?status=live").is(200).json()["plans"][0]["id"].clone();
    let path = format!("/api/plans/{}/fork", live.as_str().expect("a plan"));
    let draft = server.write("POST", &path, &json!({"name": "台账"})).is(201).json()["plan"]["id"].clone();
    let draft = draft.as_str().expect("a draft");
    let csv = server.get(&format!("/api/ledgers/units?f=csv&plan={draft}")).is(200).text();
    let mut lines: Vec<String> = csv.trim_end().lines().map(str::to_owned).collect();
    let at = lines[0].trim_start_matches('\u{feff}').split(',').position(|c| c == "联系群").expect("a column");
    let mut cells: Vec<String> = lines[1].split(',').map(str::to_owned).collect();
    cells[at] = "https://g.example/1".to_owned();
    lines[1] = cells.join(",");
    let edited = lines.join("\n");
    let query = format!("/api/ledgers/units/import?plan={draft}&file_name=units.csv");
    let started = server.upload_as(&server.token, &query, edited.as_bytes()).is(202).json();
    let shown = server.job_as(&server.token, &started);
    assert_eq!(
        (&shown["result"]["counts"]["update"], &shown["result"]["error_count"]),
        (&json!(1), &json!(0)),
        "{shown}"
    );
    assert_eq!(shown["result"]["cells"][0]["after"], "https://g.example/1");
    let import = shown["result"]["import"]["id"].as_str().expect("an import");
    let started = server.commit_as(&server.token, import, &format!("ledger-{draft}"), false).is(202).json();
    let done = server.job_as(&server.token, &started);
    assert_eq!((&done["result"]["updated"], &done["result"]["refused"]), (&json!(1), &json!(0)), "{done}");
    assert!(
        server.get(&format!("/api/ledgers/units?f=csv&plan={draft}")).is(200).text().contains("https://g.example/1")
    );
    server.upload_as(&server.token, "/api/ledgers/gaps/import?file_name=x.csv", b"x").problem(404, "not_found");
}
