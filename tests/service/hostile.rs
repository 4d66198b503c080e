//! A19: texts that would break out of a query, a page or a path, wherever a client may put a text. None is more than a text, and the store
//! has every table and row it had.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::client::Reply;
use crate::cluster::Cluster;
use crate::editing::{feature, place, send, served};
use crate::features::encoded;
use crate::incidents::{HERE, key, post};
use crate::server::{PASSWORD, Server, VILLAGE, writing};

/// As they stand in a query; what is no text there is percent-encoded already.
const HOSTILE: [&str; 18] = [
    "' OR 1=1 --",
    "1; DROP TABLE users",
    "\" OR \"\"=\"",
    "%00",
    "%FF%FE",
    "..%2f..%2fetc%2fpasswd",
    "$(id)",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "\u{202e}",
    "😀",
    "0x41",
    "1e309",
    "-0",
    "NaN",
    "9223372036854775808",
    "%25s%25n",
    "((((((((((",
];

/// As they stand in a field of JSON.
const TEXTS: [&str; 10] = [
    "'; DROP TABLE lianhu.users; --",
    "'); DELETE FROM audit; --",
    "\" OR \"\"=\"",
    "甲\0乙",
    "$1 ?1 :name @p1",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: lianhu=x",
    "\u{202e}\u{feff}\u{fffe}",
    "../../etc/passwd",
    "=HYPERLINK(\"http://evil.example\")",
];

fn in_query(text: &str) -> String {
    let is_encoded = ["%00", "%FF", "..%2f"].iter().any(|begin| text.starts_with(begin));
    if is_encoded { text.to_owned() } else { encoded(text) }
}

/// Tables that nobody else writes while we may write; of all others what is there stays.
const QUIET: [&str; 8] =
    ["regions", "households", "zones", "barriers", "centres", "old_nets", "dictionaries", "profiles"];
const GROWING: [&str; 8] = ["users", "plans", "grids", "units", "buildings", "incidents", "audit", "register_changes"];

/// Every table of the store and how many rows it has, read past the service.
fn tables(server: &Server) -> BTreeMap<String, u64> {
    if let Some(file) = server.place.url.strip_prefix("sqlite:") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(tables_of_file(file));
    }
    let database = server.place.url.rsplit('/').next().expect("a database");
    let ask = |sql: &str| Cluster::get().psql(database, sql);
    let list = ask("SELECT table_name FROM information_schema.tables WHERE table_schema = 'lianhu' ORDER BY 1");
    let counts: Vec<String> = list.lines().map(|t| format!("SELECT '{t}', count(*) FROM lianhu.\"{t}\"")).collect();
    let counted = ask(&counts.join(" UNION ALL "));
    let line = |line: &str| {
        let (table, count) = line.split_once('|').expect("two columns");
        (table.to_owned(), count.parse().expect("a count"))
    };
    counted.lines().map(line).collect()
}

async fn tables_of_file(file: &str) -> BTreeMap<String, u64> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("the store's file");
    let list = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'rtree%'";
    let names: Vec<String> = sqlx::query_scalar(list).fetch_all(&mut connection).await.expect("tables");
    let mut tables = BTreeMap::new();
    for name in names {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM \"{name}\""));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a count");
        tables.insert(name, count.unsigned_abs());
    }
    connection.close().await.expect("closed");
    tables
}

/// An answer that tells of no fault inside.
#[track_caller]
fn is_sound(what: &str, reply: &Reply) {
    let text = reply.text();
    assert!(reply.status < 500, "{what}: {} {text}", reply.status);
    assert!(!["sqlx", "SQLITE", "syntax error", "panicked"].iter().any(|word| text.contains(word)), "{what}: {text}");
    let kind = reply.header("content-type");
    assert!(reply.status < 400 || kind == "application/problem+json", "{what}: {kind}");
    assert!(!reply.header("set-cookie").contains("lianhu=x"), "{what}");
}

pub(crate) fn a19_hostile_parameters_never_break_anything(server: &Server) {
    let _writing = writing();
    let before = tables(server);
    assert!(QUIET.iter().chain(&GROWING).all(|t| before.contains_key(*t)), "{:?}", before.keys());
    parameters_of_collections(server);
    parameters_of_the_application(server);
    let made = texts_of_json(server);
    let after = tables(server);
    assert!(before.keys().eq(after.keys()), "{before:?} {after:?}");
    for table in QUIET {
        assert_eq!(after[table], before[table], "{table}");
    }
    for table in GROWING {
        assert!(after[table] >= before[table], "{table}: {} {}", before[table], after[table]);
    }
    for (table, new) in [("users", made.users), ("incidents", made.incidents)] {
        assert!(after[table] >= before[table] + new, "{table}: {new} more than {}", before[table]);
    }
}

fn parameters_of_collections(server: &Server) {
    for text in HOSTILE {
        let text = in_query(text);
        for name in [
            "filter",
            "bbox",
            "ids",
            "sortby",
            "cursor",
            "datetime",
            "properties",
            "limit",
            "crs",
            "f",
            "hamlet",
            "persons",
            &text,
        ] {
            let reply = server.get(&format!("/ogc/collections/households/items?limit=1&{name}={text}"));
            assert!(matches!(reply.status, 200 | 400), "{name}={text}: {} {}", reply.status, reply.text());
            assert!(!reply.text().contains("sqlx") && !reply.header("content-type").starts_with("text/html"));
        }
        for path in [
            "/ogc/collections/{}/items",
            "/ogc/collections/grids/items/{}",
            "/ogc/collections/grids/tiles/WebMercatorQuad/1/{}/1",
            "/ogc/collections/grids/tiles/{}",
            "/api/plans/{}",
            "/api/plans/{}/check",
            "/api/plans/{}/compare/{}",
            "/api/plans/{}/villages/520423102001",
            "/api/jobs/{}",
        ] {
            let reply = server.get(&path.replace("{}", &text));
            assert!(matches!(reply.status, 200 | 400 | 404), "{path} {text}: {}", reply.status);
            let kind = reply.header("content-type");
            assert!(reply.status == 200 || kind == "application/problem+json", "{path} {text}: {kind}");
        }
    }
}

/// Every parameter of a query that the application's definition names.
fn parameters_of_the_application(server: &Server) {
    let live = server.get("/api/plans?status=live").is(200).json()["plans"][0]["id"].clone();
    let live = live.as_str().expect("a plan in force");
    let document = server.get("/api/openapi.json").is(200).json();
    let mut asked = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let operation = &operations["get"];
        let named = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query");
        let names: Vec<&str> = named.filter_map(|p| p["name"].as_str()).collect();
        // the stream does not end, and who signs in elsewhere is sent there
        if operation["operationId"] == "events" || path.starts_with("/session") {
            continue;
        }
        let path = match path.split('/').nth(1) {
            Some("plans") => path.replace("{id}", live).replace("{other}", live).replace("{village}", VILLAGE),
            Some("register") => path.replace("{layer}", "regions").replace("{id}", VILLAGE),
            _ => path.replace("{id}", "none").replace("{kind}", "units"),
        };
        for name in names {
            for text in HOSTILE {
                let reply = server.get(&format!("/api{path}?{name}={}", in_query(text)));
                let what = format!("{path}?{name}={text}");
                is_sound(&what, &reply);
                let status = reply.status.to_string();
                assert!(operation["responses"].get(&status).is_some(), "{what}: {status} is not documented");
                let counts = matches!(name, "limit" | "days" | "resolution" | "permutations");
                assert!(!counts || reply.status == 400 || path.contains("none"), "{what}: {}", reply.text());
            }
            asked.insert(format!("{path} {name}"));
        }
    }
    assert!(asked.len() > 40, "{asked:?}");
}

struct Made {
    users: u64,
    incidents: u64,
}

/// Fields of bodies: what is taken is kept as it was sent.
fn texts_of_json(server: &Server) -> Made {
    let live = server.get("/api/plans?status=live").is(200).json()["plans"][0]["id"].clone();
    let (preview, at) = (format!("/api/plans/{}/preview", live.as_str().expect("a plan")), place(server));
    let mut made = Made { users: 0, incidents: 0 };
    for text in TEXTS {
        let rename = json!({"operation": "rename", "grid": text, "name": text});
        for (method, path, body) in [
            ("POST", "/api/users", json!({"name": "x", "password": PASSWORD, "role": text, "region": VILLAGE})),
            ("POST", "/api/users", json!({"name": "x", "password": PASSWORD, "role": "viewer", "region": text})),
            ("POST", "/api/tokens", json!({"name": text, "role": "viewer", "region": text})),
            ("POST", "/api/plans", json!({"region": text, "profile": "xixiu"})),
            ("POST", "/api/plans", json!({"region": VILLAGE, "profile": text})),
            ("POST", "/api/exports", json!({"layer": text, "format": "csv"})),
            ("POST", "/api/exports", json!({"layer": "grids", "format": text})),
            ("POST", "/api/exports", json!({"layer": "grids", "format": "csv", "region": text})),
            ("POST", "/api/session", json!({"name": text, "password": text})),
            ("POST", preview.as_str(), json!({"village": text, "base_version": 1, "operations": [rename.clone()]})),
            ("POST", preview.as_str(), json!({"village": VILLAGE, "base_version": 1, "operations": [rename]})),
        ] {
            let reply = server.write(method, path, &body);
            is_sound(&format!("{path} {body}"), &reply);
            assert!((400..500).contains(&reply.status), "{path} {body}: {}", reply.status);
        }
        for field in ["category", "level", "region", "occurred_at", "dispute"] {
            let mut body = crate::incidents::body("dispute");
            body[field] = text.into();
            let reply = post(server, &server.token, "/api/incidents", &key(), &body);
            is_sound(&format!("{field}={text:?}"), &reply);
            assert!((400..500).contains(&reply.status), "{field}={text:?}: {}", reply.status);
        }
        made.users += user_named(server, text);
        made.incidents += incident_that_says(server, text);
        building_named(server, text, at);
    }
    assert!(made.users > 3 && made.incidents > 3, "some of these are texts like others");
    made
}

fn user_named(server: &Server, text: &str) -> u64 {
    let body = json!({"name": text, "password": PASSWORD, "role": "viewer", "region": VILLAGE});
    let reply = server.write("POST", "/api/users", &body);
    is_sound(&format!("{text:?}"), &reply);
    if reply.status != 201 {
        return 0;
    }
    let id = reply.json()["id"].clone();
    let users = server.get("/api/users").is(200).json();
    let own = users["users"].as_array().expect("users").iter().find(|u| u["id"] == id).expect("the user").clone();
    assert_eq!(own["name"].as_str(), Some(text.trim()));
    1
}

fn incident_that_says(server: &Server, text: &str) -> u64 {
    let mut body = crate::incidents::body("dispute");
    (body["summary"], body["at"]) = (text.into(), json!(HERE));
    let reply = post(server, &server.token, "/api/incidents", &key(), &body);
    is_sound(&format!("{text:?}"), &reply);
    if reply.status != 201 {
        return 0;
    }
    let id = reply.json()["incident"]["id"].clone();
    let kept = server.get(&format!("/api/incidents/{}", id.as_str().expect("an id"))).is(200).json();
    assert_eq!(kept["incident"]["summary"].as_str(), Some(text.trim()));
    1
}

fn building_named(server: &Server, text: &str, at: [f64; 2]) {
    let id = "敌-1";
    let made = send(
        server,
        &server.token,
        "POST",
        "buildings/items",
        None,
        Some(&feature(id, at, &json!({"name": text, "village": VILLAGE}))),
    );
    is_sound(&format!("{text:?}"), &made);
    if made.status != 201 {
        return;
    }
    assert_eq!(made.json()["properties"]["name"].as_str().map(str::trim), Some(text.trim()));
    let path = format!("buildings/items/{}", encoded(id));
    send(server, &server.token, "DELETE", &path, Some("\"1\""), None).is(204);
    served(server, &path, |r| r.status == 404);
}

/// Whoever signs in under a name of bytes that are no text, or with a NUL, is nobody.
pub(crate) fn a19_names_that_are_none_are_nobody_s(server: &Server) {
    server.sign_in("a\0b", "wrong", &[]).problem(401, "wrong_password");
    for bytes in [&b"{\"name\":\"\xff\xfe\",\"password\":\"x\"}"[..], b"{\"name\":\"\\ud800\",\"password\":\"x\"}"] {
        let kind = [("content-type", "application/json")];
        let reply = crate::client::send("POST", &format!("{}/api/session", server.base), &kind, Some(bytes));
        is_sound("bytes that are no text", &reply);
        assert_eq!(reply.status, 400, "{}", reply.text());
    }
    let list: Value = server.get("/api/users").is(200).json();
    assert!(list["users"].is_array());
}
