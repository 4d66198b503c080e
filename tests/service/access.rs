//! Who comes in, and what for.

use serde_json::json;

use crate::server::{PASSWORD, Server, TOWNSHIP, VILLAGE, cookie_of};

/// The first grid of the village.
const GRID: &str = "520423102001001";

fn user(server: &Server, name: &str, role: &str, region: &str) -> String {
    let body = json!({"name": name, "password": PASSWORD, "role": role, "region": region});
    let made = server.write("POST", "/api/users", &body).is(201).json();
    assert!(made["password"].is_null());
    made["id"].as_str().expect("an id").to_owned()
}

pub(crate) fn a04_exporter_who_asks_for_persons_is_refused_and_noted(server: &Server) {
    let exporter = server.token_for("exporter", VILLAGE);
    let items = "/ogc/collections/households/items";
    for query in ["?properties=persons", "?persons=3", "?filter=persons%20%3E%203", "?filter=tenure%20IS%20NULL"] {
        server.get_as(&exporter, &format!("{items}{query}")).problem(403, "personal_fields");
    }
    let features = server.all(&exporter, "households", "");
    assert!(!features.is_empty() && features.iter().all(|f| f["properties"].get("persons").is_none()));
    let planner = server.token_for("planner", VILLAGE);
    assert!(server.all(&planner, "households", "").iter().any(|f| f["properties"]["persons"].is_u64()));
    let queryables = server.get_as(&exporter, "/ogc/collections/households/queryables").is(200).json();
    assert!(queryables["properties"].get("persons").is_none());
    let csv = server.get_as(&exporter, &format!("{items}?f=csv&limit=3")).is(200).text();
    assert!(!csv.lines().next().unwrap_or_default().contains("persons"));
    // whoever only looks takes no copies
    let others = ["viewer", "auditor"].map(|role| server.token_for(role, VILLAGE));
    for token in &others {
        server.get_as(token, &format!("{items}?f=gpkg")).problem(403, "forbidden");
    }
    // each of these stands in the log, of whoever it was
    let exporter = id_of(server, &exporter);
    assert_eq!(noted(server, "access.refused", &exporter), ["households"; 4]);
    assert_eq!(noted(server, "export.file", &exporter), ["households"]);
    for token in &others {
        let other = id_of(server, token);
        assert_eq!(noted(server, "export.refused", &other), ["households"]);
        assert_eq!(noted(server, "access.refused", &other), Vec::<String>::new());
    }
    // and is read by the command line as the service tells it: what a GeoPackage holds while it is served is the service's alone
    if server.place.url.starts_with("postgres") {
        let log = server.place.run(&["audit", "--limit", "100000"], "");
        let of = |line: &&str| line.contains(&exporter) && line.contains("\taccess.refused\thouseholds\t");
        assert_eq!(log.lines().filter(of).count(), 4, "{log}");
    }
}

fn id_of(server: &Server, token: &str) -> String {
    server.get_as(token, "/api/session").is(200).json()["id"].as_str().expect("an id").to_owned()
}

/// What the audit log has of an operation of a user or token: its targets, in their order.
fn noted(server: &Server, operation: &str, actor: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let query = format!("/api/audit?operation={operation}&actor={actor}&limit=1000&after={after}");
        let page = server.get(&query).is(200).json();
        assert_eq!(page["chain_ok"], true);
        let entries = page["entries"].as_array().expect("entries");
        assert!(entries.iter().all(|e| e["actor"] == actor && e["operation"] == operation), "{page}");
        found.extend(entries.iter().map(|e| e["target"].as_str().expect("a target").to_owned()));
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => return found,
        }
    }
}

/// Refused writes of a user or token.
fn refusals(server: &Server, actor: &str) -> Vec<String> {
    noted(server, "access.refused", actor)
}

pub(crate) fn a04_monitor_who_edits_is_refused_and_noted(server: &Server) {
    let viewer = server.token_for("viewer", VILLAGE);
    let bearer = format!("Bearer {viewer}");
    let by = [("authorization", bearer.as_str()), ("idempotency-key", "a04")];
    let edit = json!({"village": VILLAGE, "base_version": 1, "operations": []});
    // asked again and again, it is one entry
    for _ in 0..5 {
        server.ask("POST", "/api/plans/p-none/edits", &by, Some(&edit)).problem(403, "forbidden");
    }
    server.ask("DELETE", "/api/officers/o-none", &[by[0], ("if-match", "\"1\"")], None).problem(403, "forbidden");
    let wish = json!({"name": "x", "role": "viewer", "region": VILLAGE});
    server.ask("POST", "/api/tokens", &by, Some(&wish)).problem(403, "forbidden");
    // what is only read, and what is refused for another reason, is not
    server.get_as(&viewer, "/api/audit").problem(403, "forbidden");
    server.ask("POST", "/api/tokens", &by, Some(&json!({"x": 1}))).problem(422, "bad_field");
    assert_eq!(
        refusals(server, &id_of(server, &viewer)),
        ["POST /api/plans/{id}/edits", "DELETE /api/officers/{id}", "POST /api/tokens"]
    );
    // a role that may, beyond its area
    let admin = server.token_for("admin", VILLAGE);
    let bearer = format!("Bearer {admin}");
    let wider = json!({"name": "越权", "role": "viewer", "region": "520423"});
    server.ask("POST", "/api/tokens", &[("authorization", &bearer)], Some(&wider)).problem(403, "forbidden");
    server.ask("POST", "/api/tokens", &[("authorization", &bearer)], Some(&wish)).is(201);
    assert_eq!(refusals(server, &id_of(server, &admin)), ["POST /api/tokens"]);
    // an export that is refused has an entry of its own kind, once
    let export = json!({"layer": "grids", "format": "csv"});
    server.ask("POST", "/api/exports", &by, Some(&export)).problem(403, "forbidden");
    assert_eq!(refusals(server, &id_of(server, &viewer)).len(), 3);
}

pub(crate) fn a07_disabled_user_is_out_at_the_next_request(server: &Server) {
    let id = user(server, "离职", "admin", VILLAGE);
    let cookie = cookie_of(&server.sign_in("离职", PASSWORD, &[]).is(201));
    let by_cookie = [("cookie", cookie.as_str()), ("origin", server.base.as_str())];
    server.ask("GET", "/api/session", &by_cookie, None).is(200);
    let wish = json!({"name": "自己的", "role": "viewer", "region": VILLAGE});
    let token = server.ask("POST", "/api/tokens", &by_cookie, Some(&wish)).is(201).json()["token"].clone();
    let token = token.as_str().expect("a token");
    server.get_as(token, "/api/session").is(200);
    server.write("PATCH", &format!("/api/users/{id}"), &json!({"disabled": true})).is(200);
    server.ask("GET", "/api/session", &by_cookie, None).problem(401, "unauthenticated");
    server.get_as(token, "/api/session").problem(401, "unauthenticated");
    server.sign_in("离职", PASSWORD, &[]).problem(401, "wrong_password");
    // back again: the old session stays dead
    server.write("PATCH", &format!("/api/users/{id}"), &json!({"disabled": false})).is(200);
    server.ask("GET", "/api/session", &by_cookie, None).problem(401, "unauthenticated");
    server.sign_in("离职", PASSWORD, &[]).is(201);
    // moved: what the user gave out before reaches no farther than the user does
    server.get_as(token, "/api/session").is(200);
    server.write("PATCH", &format!("/api/users/{id}"), &json!({"region": "520423102002"})).is(200);
    server.get_as(token, "/api/session").problem(401, "unauthenticated");
    server.write("PATCH", &format!("/api/users/{id}"), &json!({"region": TOWNSHIP})).is(200);
    assert_eq!(server.get_as(token, "/api/session").is(200).json()["region"], VILLAGE);
    server.write("PATCH", &format!("/api/users/{id}"), &json!({"region": GRID})).is(200);
    assert_eq!(server.get_as(token, "/api/session").is(200).json()["region"], GRID);
}

pub(crate) fn a09_wrong_passwords_slow_their_sender_alone(server: &Server) {
    user(server, "受害人", "viewer", VILLAGE);
    for _ in 0..10 {
        server.sign_in("受害人", "错误的密码错误的密码", &[]).problem(401, "wrong_password");
    }
    let refused = server.sign_in("受害人", "错误的密码错误的密码", &[]).problem(429, "throttled");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| s > 0));
    // another name from here is not slowed down; another address for this name is a test of the throttle itself
    server.sign_in("没有此人", PASSWORD, &[]).problem(401, "wrong_password");
    server.sign_in("县管理员", PASSWORD, &[]).is(201);
}

pub(crate) fn name_that_is_too_long_is_nobody_s(server: &Server) {
    user(server, "长名", "viewer", VILLAGE);
    for name in ["长".repeat(61), format!("长名{}x", " ".repeat(70)), "x".repeat(100_000)] {
        server.sign_in(&name, PASSWORD, &[]).problem(401, "wrong_password");
    }
    server.sign_in(" 长名 ", PASSWORD, &[]).is(201);
}

pub(crate) fn a11_sign_in_always_makes_a_new_session(server: &Server) {
    user(server, "固定", "viewer", VILLAGE);
    let planted = format!("lianhu=lianhu_{}", "ab".repeat(32));
    let reply = server.sign_in("固定", PASSWORD, &[("cookie", &planted)]).is(201);
    let first = cookie_of(&reply);
    assert_ne!(first, planted);
    let flags = reply.header("set-cookie");
    assert!(flags.contains("HttpOnly") && flags.contains("SameSite=Strict") && flags.contains("Path=/"), "{flags}");
    server.ask("GET", "/api/session", &[("cookie", &planted)], None).is(401);
    let second = cookie_of(&server.sign_in("固定", PASSWORD, &[("cookie", &first)]).is(201));
    assert_ne!(first, second);
    // the one before is over with the sign-in that came with it
    server.ask("GET", "/api/session", &[("cookie", &first)], None).is(401);
    server.ask("DELETE", "/api/session", &[("cookie", &second), ("origin", &server.base)], None).is(204);
    server.ask("GET", "/api/session", &[("cookie", &second)], None).is(401);
}

pub(crate) fn a12_foreign_pages_cannot_write(server: &Server) {
    user(server, "跨站", "admin", VILLAGE);
    let cookie = cookie_of(&server.sign_in("跨站", PASSWORD, &[]).is(201));
    let wish = json!({"name": "偷来", "role": "viewer", "region": VILLAGE});
    let with = |origin: Option<&str>, kind: &str| {
        let mut headers = vec![("cookie", cookie.as_str()), ("content-type", kind)];
        headers.extend(origin.map(|o| ("origin", o)));
        server.ask("POST", "/api/tokens", &headers, Some(&wish))
    };
    for origin in [None, Some("https://evil.example"), Some("null"), Some("http://127.0.0.1:1"), Some("")] {
        with(origin, "text/plain").problem(403, "cross_site");
        with(origin, "application/json").problem(403, "cross_site");
    }
    with(Some(&server.base), "text/plain").problem(415, "not_json");
    with(Some(&server.base), "application/json").is(201);
    server.sign_in("跨站", PASSWORD, &[("origin", "https://evil.example")]).problem(403, "cross_site");
}

pub(crate) fn a17_every_answer_has_the_headers(server: &Server) {
    for path in ["/livez", "/readyz", "/metrics", "/nothing"] {
        let reply = crate::client::send("GET", &format!("{}{path}", server.admin_base), &[], None);
        let named = ["content-security-policy", "x-content-type-options", "cache-control"].map(|n| reply.header(n));
        assert_eq!(named, ["default-src 'none'", "nosniff", "no-store"], "the operator's {path}");
    }
    for path in [
        "/",
        "/ogc",
        "/ogc?f=html",
        "/ogc/style.css",
        "/ogc/collections",
        "/api/session",
        "/nothing",
        "/ogc/collections/x/items",
        "/api/test/panic",
    ] {
        let reply = server.get(path);
        let csp = reply.header("content-security-policy");
        assert!(csp.contains("default-src 'self'") && csp.contains("frame-ancestors 'none'"), "{path}: {csp}");
        assert!(!csp.contains("unsafe"), "{path}: {csp}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), value, "{path}");
        }
        assert!(reply.header("access-control-allow-origin").is_empty());
        assert!(!reply.header("cache-control").is_empty() && !reply.header("x-request-id").is_empty(), "{path}");
    }
    for path in ["/api/users", "/api/officers", "/api/session", "/api/incidents?limit=1", "/api/audit?limit=1"] {
        assert_eq!(server.get(path).is(200).header("cache-control"), "no-store", "{path}");
    }
    // without TLS in front nothing is said of it
    assert!(server.get("/").header("strict-transport-security").is_empty());
}

/// Who sees persons, tenure and eligibility gets them for the moment; who does not may keep what is left.
pub(crate) fn a17_what_tells_of_people_is_kept_nowhere_and_still_has_its_mark(server: &Server) {
    let (planner, viewer) = (server.token_for("planner", VILLAGE), server.token_for("viewer", VILLAGE));
    let some = server.get_as(&planner, "/ogc/collections/households/items?limit=1").is(200).json();
    let id = some["features"][0]["id"].clone();
    let one = format!("/ogc/collections/households/items/{}", id.as_str().expect("an id"));
    let page = "/ogc/collections/households/items?limit=3".to_owned();
    for path in [format!("{one}?f=html"), one, format!("{page}&f=html"), page] {
        for (token, keeping) in [(&planner, "no-store"), (&viewer, "private, no-cache")] {
            let first = server.get_as(token, &path).is(200);
            assert_eq!(first.header("cache-control"), keeping, "{path}");
            let bearer = format!("Bearer {token}");
            let known = [("authorization", bearer.as_str()), ("if-none-match", first.header("etag"))];
            let again = server.ask("GET", &path, &known, None).is(304);
            assert_eq!(
                (again.header("cache-control"), again.header("etag")),
                (keeping, first.header("etag")),
                "{path}"
            );
        }
    }
    // the other layers tell of nobody
    let grids = server.get_as(&planner, "/ogc/collections/grids/items?limit=1").is(200);
    assert_eq!(grids.header("cache-control"), "private, no-cache");
}

pub(crate) fn token_is_shown_once_and_can_be_revoked(server: &Server) {
    let token = server.token_for("viewer", VILLAGE);
    server.get_as(&token, "/api/session").is(200);
    let list = server.get("/api/tokens").is(200);
    assert!(!list.text().contains(&token));
    let of = server.get_as(&token, "/api/session").json();
    let id = of["id"].as_str().expect("an id");
    server
        .ask("DELETE", &format!("/api/tokens/{id}"), &[("authorization", &format!("Bearer {}", server.token))], None)
        .is(204);
    server.get_as(&token, "/api/session").problem(401, "unauthenticated");
    server.write("POST", "/api/tokens", &json!({"name": "x", "role": "king", "region": "*"})).problem(422, "bad_field");
    server
        .write("POST", "/api/tokens", &json!({"name": "x", "role": "viewer", "region": "5204231"}))
        .problem(422, "bad_field");
    server
        .write("POST", "/api/tokens", &json!({"name": "x", "role": "viewer", "region": "*", "x": 1}))
        .problem(422, "bad_field");
}

pub(crate) fn admin_of_a_region_gives_no_rights_outside_of_it(server: &Server) {
    let village_admin = server.token_for("admin", VILLAGE);
    let bearer = format!("Bearer {village_admin}");
    let by = [("authorization", bearer.as_str())];
    for region in ["*", "520423", "520423102002", "520423102"] {
        let wish = json!({"name": "越权", "role": "viewer", "region": region});
        server.ask("POST", "/api/tokens", &by, Some(&wish)).problem(403, "forbidden");
        let wish = json!({"name": "越权", "password": PASSWORD, "role": "viewer", "region": region});
        server.ask("POST", "/api/users", &by, Some(&wish)).problem(403, "forbidden");
    }
    let elsewhere = user(server, "邻村", "viewer", "520423102002");
    server
        .ask("PATCH", &format!("/api/users/{elsewhere}"), &by, Some(&json!({"disabled": true})))
        .problem(404, "not_found");
    let seen = server.ask("GET", "/api/users", &by, None).is(200).text();
    assert!(!seen.contains("邻村") && !seen.contains("县管理员"));
}
