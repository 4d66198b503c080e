//! What a county brings of its own (zones, rules, words), why files came in, and who changed a row.

use serde_json::{Value, json};

use crate::incidents::{advance, body, report};
use crate::server::{Server, VILLAGE, writing};

/// A place in the first village.
const AT: [f64; 2] = [105.643_564_4, 25.974_987_4];

/// A profile of the county's own.
const RULES: &str =
    "name = \"county-own\"\ntitle = \"本县规则\"\n[unit]\nmin = 8\nmax = 12\n[grid]\ndivide = \"balance\"\n";

/// The end of the job that judges a file.
fn judged(server: &Server, token: &str, layer: &str, name: &str, body: &[u8]) -> Value {
    let query = format!("/api/imports?layer={layer}&file_name={name}");
    let started = server.upload_as(token, &query, body).is(202).json();
    server.job_as(token, &started)
}

/// Brings an upload in for a reason; the end of the job.
fn brought(server: &Server, preview: &Value, key: &str, reason: &str) -> Value {
    let import = preview["import"]["id"].as_str().unwrap_or_else(|| panic!("an import: {preview}"));
    let bearer = format!("Bearer {}", server.token);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
    let body = json!({"partial": false, "reason": reason});
    let started = server.ask("POST", &format!("/api/imports/{import}/commit"), &headers, Some(&body)).is(202).json();
    server.job_as(&server.token, &started)
}

/// Judged and brought in.
fn stored(server: &Server, layer: &str, name: &str, body: &str, key: &str) -> Value {
    let job = judged(server, &server.token, layer, name, body.as_bytes());
    assert_eq!((&job["status"], &job["result"]["error_count"]), (&json!("done"), &json!(0)), "{job}");
    let done = brought(server, &job["result"], key, "县里自定");
    assert_eq!(done["status"], "done", "{done}");
    done["result"].clone()
}

fn codes(job: &Value, list: &str) -> Vec<String> {
    let found = job["result"][list].as_array().unwrap_or_else(|| panic!("{list}: {job}"));
    found.iter().map(|f| f["code"].as_str().expect("a code").to_owned()).collect()
}

pub(crate) fn county_brings_its_own_zones_rules_and_lists(server: &Server) {
    // a zone
    let zone = "功能区编号,名称,所辖乡镇\nCZ1,旅游区,520423102、520424107000\n";
    assert_eq!(stored(server, "zones", "zones.csv", zone, "cz-1")["inserted"], 1);
    let again = judged(server, &server.token, "zones", "zones.csv", zone.as_bytes());
    assert_eq!((&again["result"]["counts"]["unchanged"], &again["rows"]), (&json!(1), &json!(1)), "{again}");
    assert_eq!(again["bytes"].as_u64(), Some(zone.len() as u64), "{again}");
    let bad = judged(server, &server.token, "zones", "zones.csv", "id,name,townships\nCZ2,x,52042\n".as_bytes());
    assert_eq!(codes(&bad, "errors"), ["bad_code"]);
    assert_eq!(bad["result"]["errors"][0]["column"], "townships");
    // its rules, as TOML
    // nobody lives there: the rules are found, and the job ends at once
    let made = json!({"region": "520423102010", "profile": "county-own", "budget_s": 0});
    server.write("POST", "/api/plans", &made).problem(422, "bad_field");
    assert_eq!(stored(server, "profiles", "rules.toml", RULES, "cr-1")["inserted"], 1);
    let list = server.get("/api/profiles").is(200).json();
    let of = |name: &str| list["profiles"].as_array().expect("profiles").iter().find(|p| p["name"] == name).cloned();
    assert_eq!(of("county-own").expect("the county's")["origin"], "register");
    assert_eq!(of("xixiu").expect("one that ships")["origin"], "shipped");
    server.write("POST", "/api/plans", &made).is(202);
    let broken = RULES.replace("min = 8", "min = 18");
    let job = judged(server, &server.token, "profiles", "rules.toml", broken.as_bytes());
    assert_eq!(codes(&job, "errors"), ["bad_profile"]);
    let job = judged(server, &server.token, "profiles", "rules.toml", b"name = ");
    assert_eq!((&job["status"], &job["problem"]["status"]), (&json!("failed"), &json!(400)), "{job}");
    server
        .upload_as(&server.token, "/api/imports?layer=zones&file_name=rules.toml", b"x")
        .problem(422, "unknown_format");
    // its words: a new category with its own hours, and another name for a state
    let words = "字典,键,名称,启用,办理时限\n事件类别,county_flood,内涝积水,是,2/3/4/5\n状态,closed,已销号,是,\n";
    assert_eq!(stored(server, "dictionaries", "words.csv", words, "cd-1")["inserted"], 2);
    let lists = server.get("/api/dictionaries").is(200).json();
    assert!(lists["categories"].to_string().contains("内涝积水"), "{lists}");
    assert!(lists["states"].to_string().contains("已销号"), "{lists}");
    let own = lists["categories"].as_array().expect("categories").iter().find(|c| c["key"] == "county_flood");
    assert_eq!(own.expect("its own")["due_hours"], json!([2, 3, 4, 5]), "{lists}");
    due_times_go_by_the_county_s_hours(server);
    let hours =
        judged(server, &server.token, "dictionaries", "w.csv", "字典,键,名称,时限\n状态,closed,x,3\n".as_bytes());
    assert_eq!(codes(&hours, "errors"), ["bad_hours"]);
    let fixed = judged(server, &server.token, "dictionaries", "words.csv", "字典,键,名称\n状态,lost,丢失\n".as_bytes());
    assert_eq!(codes(&fixed, "errors"), ["fixed_list"]);
    let incidents = format!("事件编号,所属村,类别,状态,发生时间\nCI1,{VILLAGE},内涝积水,已销号,2025-06-01 08:00\n");
    let shown = judged(server, &server.token, "incidents", "incidents.csv", incidents.as_bytes());
    assert_eq!(codes(&shown, "cautions"), Vec::<String>::new(), "{shown}");
    assert_eq!(shown["result"]["sample"][0]["state"], "closed", "{shown}");
    assert_eq!(stored(server, "incidents", "incidents.csv", &incidents, "ci-1")["inserted"], 1);
    let kept = server.get("/api/incidents/CI1").is(200).json();
    assert_eq!((&kept["incident"]["category"], &kept["incident"]["state"]), (&json!("county_flood"), &json!("closed")));
    // what is in use does not vanish: it is said, and stays
    let off = judged(server, &server.token, "dictionaries", "words.csv", words.replace("水,是", "水,否").as_bytes());
    assert_eq!(codes(&off, "cautions"), ["category_in_use"], "{off}");
    assert_eq!(
        (&off["result"]["counts"]["update"], &off["result"]["cautions"][0]["column"]),
        (&json!(1), &json!("启用"))
    );
}

/// Reported to the grid, then one level up: each time the hours of its category there, from then on.
fn due_times_go_by_the_county_s_hours(server: &Server) {
    let _writing = writing();
    let at = |v: &Value| {
        let text = v.as_str().unwrap_or_else(|| panic!("a time: {v}"));
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).expect("a time")
    };
    let made = report(server, &body("county_flood"));
    assert_eq!((at(&made["due_at"]) - at(&made["occurred_at"])).whole_hours(), 2, "{made}");
    advance(server, &made, &json!({"action": "escalate"})).is(200);
    let path = format!("/api/incidents/{}", made["id"].as_str().expect("an id"));
    let now = server.get(&path).is(200).json();
    let step = &now["transitions"][0];
    assert_eq!((at(&step["due_at"]) - at(&step["at"])).whole_hours(), 3, "{now}");
    assert_eq!(now["incident"]["due_at"], step["due_at"]);
}

pub(crate) fn what_is_everybody_s_is_changed_by_those_of_the_whole_store_alone(server: &Server) {
    let county = server.token_for("admin", "520423");
    let rules = RULES.replace("county-own", "county-other");
    for (layer, name, body) in [
        ("profiles", "rules.toml", rules.as_str()),
        ("dictionaries", "words.csv", "字典,键,名称\n事件类别,county_other,另一类\n"),
        ("zones", "zones.csv", "id,name,townships\nCZ9,x,520423102、520424107\n"),
    ] {
        let job = judged(server, &county, layer, name, body.as_bytes());
        assert_eq!(codes(&job, "errors"), ["outside_area"], "{layer}: {job}");
    }
    let job = judged(server, &county, "zones", "zones.csv", b"id,name,townships\nCZ8,x,520423102\n");
    assert_eq!(codes(&job, "errors"), Vec::<String>::new(), "its own townships are its own: {job}");
    for role in ["viewer", "exporter", "auditor"] {
        let token = server.token_for(role, "*");
        server
            .upload_as(&token, "/api/imports?layer=profiles&file_name=rules.toml", rules.as_bytes())
            .problem(403, "forbidden");
    }
}

pub(crate) fn village_digits_nobody_gives_out_are_said_and_stored(server: &Server) {
    let ring = |x: f64| format!("\"POLYGON(({x} 20,{0} 20,{0} 20.01,{x} 20.01,{x} 20))\"", x + 0.01);
    let row = |code: &str, name: &str, x: f64| format!("{code},{name},{}\n", ring(x));
    let file = "编码,名称,wkt\n".to_owned()
        + &row("520499102700", "远村", 110.0)
        + &row("520499102001", "近村村民委员会", 110.1)
        + &row("520499102498", "虚拟社区", 110.2);
    let job = judged(server, &server.token, "regions", "regions.csv", file.as_bytes());
    let cautions = job["result"]["cautions"].as_array().expect("cautions");
    let told: Vec<_> = cautions.iter().map(|c| (c["row"].as_u64(), c["column"].as_str(), c["code"].as_str())).collect();
    let wanted = |row| (Some(row), Some("编码"), Some("village_digits"));
    assert_eq!(told, [wanted(2), wanted(3)], "{job}");
    assert_eq!((&job["result"]["error_count"], &job["result"]["counts"]["insert"]), (&json!(0), &json!(3)), "{job}");
    let said = job["result"]["warnings"].to_string();
    assert!(said.contains("700") && said.contains("200–399") && said.contains("列 编码"), "{said}");
    // elsewhere a code is spoken of once, where it is first seen
    let barrier = |id: &str| {
        json!({"type": "Feature", "id": id, "properties": {"kind": "river", "region": "520423102800"},
            "geometry": {"type": "LineString", "coordinates": [AT, [AT[0] + 0.001, AT[1]]]}})
    };
    let features = json!({"type": "FeatureCollection", "features": [barrier("CB1"), barrier("CB2")]});
    let job = judged(server, &server.token, "barriers", "rivers.geojson", features.to_string().as_bytes());
    assert_eq!(codes(&job, "cautions"), ["village_digits"], "{job}");
}

fn building(name: &str) -> String {
    format!("楼栋编号,村编码,名称,经度,纬度\nCH1,{VILLAGE},{name},{},{}\n", AT[0], AT[1])
}

pub(crate) fn reason_of_an_import_is_kept_with_each_row(server: &Server) {
    let file = building("甲").replace("CH1", "CR1");
    let job = judged(server, &server.token, "buildings", "b.csv", file.as_bytes());
    let import = job["result"]["import"]["id"].as_str().expect("an import");
    let bearer = format!("Bearer {}", server.token);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "cr-why")];
    for bad in ["电话 13800138000".to_owned(), "x".repeat(501), "两\n行".to_owned()] {
        let body = json!({"reason": bad});
        let refused = server.ask("POST", &format!("/api/imports/{import}/commit"), &headers, Some(&body));
        assert_eq!(refused.problem(422, "bad_field").json()["field"], "reason");
    }
    assert_eq!(brought(server, &job["result"], "cr-why", "入户核查")["result"]["inserted"], 1);
    let told = server.get("/api/register/buildings/CR1/changes").is(200).json();
    assert_eq!(
        (&told["changes"][0]["column"], &told["changes"][0]["reason"]),
        (&json!("*"), &json!("入户核查")),
        "{told}"
    );
    // another reason under the same key is another request
    let again = judged(server, &server.token, "buildings", "b.csv", file.as_bytes());
    let import = again["result"]["import"]["id"].as_str().expect("an import");
    let body = json!({"partial": false, "reason": "别的原因"});
    server
        .ask("POST", &format!("/api/imports/{import}/commit"), &headers, Some(&body))
        .problem(422, "idempotency_key_reused");
}

pub(crate) fn row_s_changes_are_read_by_those_who_read_logs_within_their_area(server: &Server) {
    let session = server.get("/api/session").is(200).json();
    let (who, called) = (&session["id"], &session["name"]);
    for (key, name) in [("ch-1", "甲"), ("ch-2", "乙")] {
        stored(server, "buildings", "b.csv", &building(name), key);
    }
    let path = "/api/register/buildings/CH1/changes";
    let told = server.get(path).is(200);
    assert_eq!(told.header("cache-control"), "no-store");
    let changes = told.json()["changes"].as_array().expect("changes").clone();
    let columns: Vec<_> = changes.iter().map(|c| c["column"].as_str()).collect();
    assert_eq!(columns, [Some("*"), Some("name")], "{changes:?}");
    assert!(
        changes.iter().all(|c| c["actor"] == *who && c["reason"] == "县里自定" && c["at"].is_string()),
        "{changes:?}"
    );
    assert!(called.is_string() && changes.iter().all(|c| c["actor_name"] == *called), "{session}: {changes:?}");
    assert_eq!(
        (&changes[1]["before"], &changes[1]["after"], &changes[1]["withheld"]),
        (&json!("甲"), &json!("乙"), &Value::Null)
    );
    // page by page
    let first = server.get(&format!("{path}?limit=1")).is(200).json();
    assert_eq!((&first["next"], first["changes"].as_array().map(Vec::len)), (&json!(1), Some(1)));
    let second = server.get(&format!("{path}?limit=1&after=1")).is(200).json();
    assert_eq!((&second["next"], &second["changes"][0]), (&Value::Null, &changes[1]));
    // what tells of a person is named alone
    let household =
        |persons: u32| format!("户号,楼栋,村编码,人口,经度,纬度\nCHH1,CHB,{VILLAGE},{persons},{},{}\n", AT[0], AT[1]);
    for (key, persons) in [("chh-1", 737_371), ("chh-2", 737_372)] {
        stored(server, "households", "h.csv", &household(persons), key);
    }
    let told = server.get("/api/register/households/CHH1/changes").is(200);
    let last = told.json()["changes"].as_array().and_then(|c| c.last().cloned()).expect("a change");
    assert_eq!(
        (&last["column"], &last["withheld"], &last["after"]),
        (&json!("persons"), &json!("personal"), &Value::Null)
    );
    assert!(!told.text().contains("73737"), "{}", told.text());
    // who may, and where
    for role in ["viewer", "planner", "exporter"] {
        server.get_as(&server.token_for(role, VILLAGE), path).problem(403, "forbidden");
    }
    let own = server.get_as(&server.token_for("auditor", VILLAGE), path).is(200).json();
    assert_eq!(own["changes"].as_array().map(Vec::len), Some(2));
    for area in ["520423102002", "520424", "520423102001001"] {
        server.get_as(&server.token_for("auditor", area), path).problem(404, "not_found");
    }
    for (other, status) in [
        ("/api/register/buildings/nobody/changes", 404),
        ("/api/register/jobs/CH1/changes", 404),
        ("/api/register/nothing/CH1/changes", 404),
        ("/api/register/buildings/CH1/changes?limit=0", 400),
        ("/api/register/buildings/CH1/changes?since=1", 400),
    ] {
        server.get(other).is(status);
    }
}
