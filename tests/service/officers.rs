//! Officers one by one, their names and telephones, and the log that tells who saw them.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::server::{Server, VILLAGE};

fn with(server: &Server, token: &str, method: &str, path: &str, header: (&str, &str), body: Option<&Value>) -> Reply {
    let bearer = format!("Bearer {token}");
    server.ask(method, path, &[("authorization", &bearer), header], body)
}

fn worker(id: &str, name: &str) -> Value {
    json!({"id": id, "region": VILLAGE, "role": "grid_worker", "name": name, "phone": "13800138000", "elected_on": "2026-01-02"})
}

pub(crate) fn officers_are_added_replaced_and_deleted_at_the_version_that_was_read(server: &Server) {
    let token = &server.token;
    let wish = worker("OF1", "王五");
    let key = ("idempotency-key", "of1");
    server.write("POST", "/api/officers", &wish).problem(400, "idempotency_key_missing");
    let made = with(server, token, "POST", "/api/officers", key, Some(&wish)).is(201);
    assert_eq!((made.header("etag"), &made.json()["officer"]["version"]), ("\"1\"", &json!(1)));
    assert!(made.json()["officer"].get("name").is_none(), "{}", made.text());
    // I42, E06
    assert_eq!(with(server, token, "POST", "/api/officers", key, Some(&wish)).is(201).json(), made.json());
    with(server, token, "POST", "/api/officers", key, Some(&worker("OF1", "赵六")))
        .problem(422, "idempotency_key_reused");
    with(server, token, "POST", "/api/officers", ("idempotency-key", "of1b"), Some(&wish)).problem(409, "exists");
    // E01, E02, E13
    let change = json!({"region": VILLAGE, "role": "grid_head"});
    let path = "/api/officers/OF1";
    server.write("PUT", path, &change).problem(428, "if_match_missing");
    server.ask("DELETE", path, &[("authorization", &format!("Bearer {token}"))], None).problem(428, "if_match_missing");
    for stale in ["\"9\"", "*", "W/\"1\""] {
        let refused = with(server, token, "PUT", path, ("if-match", stale), Some(&change)).problem(412, "stale");
        assert_eq!(refused.json()["current_version"], 1);
    }
    with(server, token, "PUT", path, ("if-match", "nonsense"), Some(&change)).problem(400, "bad_parameter");
    let changed = with(server, token, "PUT", path, ("if-match", "\"1\""), Some(&change)).is(200);
    assert_eq!((changed.header("etag"), &changed.json()["officer"]["role"]), ("\"2\"", &json!("grid_head")));
    with(server, token, "PUT", path, ("if-match", "\"1\""), Some(&change)).problem(412, "stale");
    // what was not said stayed
    let seen = server.write("POST", &format!("{path}/reveal"), &json!({"purpose": "值班"})).is(200).json();
    assert_eq!(
        (&seen["name"], &seen["phone"], &seen["sealed"]),
        (&json!("王五"), &json!("13800138000"), &json!(false))
    );
    for (field, bad) in [
        ("role", json!({"region": VILLAGE, "role": "king"})),
        ("id", json!({"id": "other", "region": VILLAGE, "role": "leader"})),
    ] {
        let refused = with(server, token, "PUT", path, ("if-match", "\"2\""), Some(&bad)).problem(422, "bad_field");
        assert_eq!(refused.json()["field"], field);
    }
    let neighbour = server.token_for("planner", "520423102002");
    with(server, &neighbour, "PUT", path, ("if-match", "\"2\""), Some(&change)).problem(404, "not_found");
    with(server, &neighbour, "DELETE", path, ("if-match", "\"2\""), None).problem(404, "not_found");
    with(server, &neighbour, "POST", "/api/officers", ("idempotency-key", "n1"), Some(&worker("OF2", "钱七"))).is(422);
    with(server, token, "DELETE", path, ("if-match", "\"1\""), None).problem(412, "stale");
    with(server, token, "DELETE", path, ("if-match", "\"2\""), None).is(204);
    with(server, token, "DELETE", path, ("if-match", "\"2\""), None).problem(404, "not_found");
}

pub(crate) fn names_and_telephones_are_revealed_for_a_purpose_and_noted(server: &Server) {
    let wish = worker("RV1", "孙八");
    with(server, &server.token, "POST", "/api/officers", ("idempotency-key", "rv1"), Some(&wish)).is(201);
    for role in ["viewer", "exporter", "auditor", "planner"] {
        let token = server.token_for(role, VILLAGE);
        let list = server.get_as(&token, &format!("/api/officers?region={VILLAGE}")).is(200);
        assert!(list.text().contains("RV1") && !list.text().contains("孙八") && !list.text().contains("1380013"));
        let named = server.get_as(&token, "/api/officers?purpose=%E5%80%BC%E7%8F%AD");
        match role {
            "planner" => assert!(named.is(200).text().contains("孙八")),
            _ => drop(named.problem(403, "forbidden")),
        }
        let bearer = format!("Bearer {token}");
        let body = json!({"purpose": "回访"});
        let seen = server.ask("POST", "/api/officers/RV1/reveal", &[("authorization", &bearer)], Some(&body));
        match role {
            "viewer" | "planner" => assert_eq!(seen.is(200).json()["phone"], "13800138000"),
            _ => drop(seen.problem(403, "forbidden")),
        }
    }
    server.write("POST", "/api/officers/RV1/reveal", &json!({"purpose": " "})).problem(422, "bad_field");
    server.write("POST", "/api/officers/nobody/reveal", &json!({"purpose": "x"})).problem(404, "not_found");
    let neighbour = server.token_for("viewer", "520423102002");
    let list = server.get_as(&neighbour, "/api/officers").is(200).json();
    assert!(!list["officers"].to_string().contains("RV1"));
    server.get("/api/officers?region=52042310").problem(400, "bad_parameter");
    let page = server.get("/api/officers?limit=1").is(200).json();
    assert!(page["number_matched"].as_u64() >= page["officers"].as_array().map(|o| o.len() as u64));
    let log = server.get("/api/audit?operation=officers.reveal&limit=1000").is(200).json();
    let entries = log["entries"].as_array().expect("entries");
    assert!(
        entries.len() >= 3 && entries.iter().all(|e| e["purpose"].as_str().is_some_and(|p| !p.is_empty())),
        "{log}"
    );
    // at rest they are sealed
    if let Some(path) = server.place.url.strip_prefix("sqlite:") {
        for file in [path.to_owned(), format!("{path}-wal")] {
            let bytes = std::fs::read(&file).unwrap_or_default();
            assert!(!bytes.windows(11).any(|w| w == b"13800138000"), "{file}");
        }
    }
}

pub(crate) fn audit_log_is_read_by_those_who_may_within_their_area(server: &Server) {
    let all = server.get_as(&server.token_for("auditor", "*"), "/api/audit?limit=3").is(200).json();
    assert_eq!((all["entries"].as_array().map(Vec::len), &all["chain_ok"]), (Some(3), &json!(true)), "{all}");
    let next = all["next"].as_u64().expect("more");
    let more = server.get(&format!("/api/audit?after={next}&limit=2")).is(200).json();
    assert!(more["entries"][0]["seq"].as_u64() > Some(next), "{more}");
    assert!(more["entries"][0]["time"].as_str().is_some_and(|t| t.ends_with("+08:00")), "{more}");
    let viewer = server.token_for("viewer", VILLAGE);
    server.get_as(&viewer, "/api/ledgers/grids").problem(403, "forbidden");
    let village = server.token_for("auditor", VILLAGE);
    let own = server.get_as(&village, "/api/audit?limit=1000").is(200).json();
    let scopes = own["entries"].as_array().expect("entries").iter().filter_map(|e| e["scope"].as_str());
    let scopes: Vec<&str> = scopes.collect();
    assert!(
        !scopes.is_empty()
            && scopes.into_iter().all(|s| s.split_once('@').is_some_and(|(_, area)| area.starts_with(VILLAGE))),
        "{own}"
    );
    // the name of the account stands beside its id; what the command line did has none
    let told = |log: &Value, operation: &str| {
        let of = |e: &&Value| e["operation"].as_str() == Some(operation);
        log["entries"].as_array().and_then(|all| all.iter().rfind(of)).map(|e| e["actor_name"].clone())
    };
    let refused = server.get_as(&village, "/api/audit?limit=1000&operation=export.refused").is(200).json();
    assert_eq!(told(&refused, "export.refused"), Some(json!("试")), "{refused}");
    assert_eq!(all["entries"][0].get("actor_name"), Some(&Value::Null), "{all}");
    for role in ["viewer", "planner", "exporter"] {
        server.get_as(&server.token_for(role, "*"), "/api/audit").problem(403, "forbidden");
    }
    let none = server.get("/api/audit?to=2001-01-01").is(200).json();
    assert_eq!(none["entries"], json!([]));
    server.get("/api/audit?from=gestern").problem(400, "bad_parameter");
}
