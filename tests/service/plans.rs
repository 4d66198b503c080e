//! Plans through the service: a village as the map gets it, edits, conflicts, undo, judgement, jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Reply;
use crate::server::{Server, TOWNSHIP, VILLAGE, still};

/// A draft of one's own with the rows of the plan in force.
pub(crate) fn draft(server: &Server) -> String {
    let plans = server.get("/api/plans?status=live").is(200).json();
    let live = plans["plans"][0]["id"].as_str().expect("a plan in force").to_owned();
    let made = server.write("POST", &format!("/api/plans/{live}/fork"), &json!({"name": "试改"})).is(201).json();
    assert_eq!((&made["plan"]["status"], &made["plan"]["version"]), (&json!("draft"), &json!(1)));
    made["plan"]["id"].as_str().expect("an id").to_owned()
}

pub(crate) fn village(server: &Server, plan: &str) -> Value {
    server.get(&format!("/api/plans/{plan}/villages/{VILLAGE}")).is(200).json()
}

pub(crate) fn edit(server: &Server, plan: &str, key: &str, base: u64, operations: &Value) -> Reply {
    let body = json!({"village": VILLAGE, "base_version": base, "operations": operations});
    let token = format!("Bearer {}", server.token);
    let headers = [("authorization", token.as_str()), ("idempotency-key", key)];
    server.ask("POST", &format!("/api/plans/{plan}/edits"), &headers, Some(&body))
}

pub(crate) fn rename(grid: &Value, name: &str) -> Value {
    json!([{"operation": "rename", "grid": grid, "name": name}])
}

pub(crate) fn village_is_whole_and_fits_itself(server: &Server) {
    let v = village(server, &draft(server));
    let list = |name: &str| v[name].as_array().unwrap_or_else(|| panic!("{name}")).clone();
    let (grids, units, buildings, atoms) = (list("grids"), list("units"), list("buildings"), list("atoms"));
    let households = list("households");
    assert!(!grids.is_empty() && !units.is_empty() && !households.is_empty() && atoms.len() >= 3);
    for (field, of) in [("grid", grids.len()), ("atom", atoms.len())] {
        assert!(buildings.iter().all(|b| b[field].as_u64().is_some_and(|i| (i as usize) < of)), "{field}");
    }
    let count = |which: usize, at: usize| households.iter().filter(|h| h[which] == json!(at)).count() as u64;
    for (i, building) in buildings.iter().enumerate() {
        assert_eq!(building["households"].as_u64(), Some(count(1, i)));
    }
    for (i, unit) in units.iter().enumerate() {
        assert_eq!(unit["households"].as_u64(), Some(count(2, i)), "{unit}");
    }
    for (i, grid) in grids.iter().enumerate().filter(|(_, g)| g["kind"] != "level1") {
        let own = buildings.iter().filter(|b| b["grid"] == json!(i));
        assert_eq!(grid["households"].as_u64(), Some(own.filter_map(|b| b["households"].as_u64()).sum()), "{grid}");
    }
    // Every building stands on the ground of its grid, and the ground is one piece over the edges that can be crossed.
    let ground: Vec<u64> = list("atom_grid").iter().map(|g| g.as_u64().expect("a grid")).collect();
    assert!(buildings.iter().all(|b| Some(ground[b["atom"].as_u64().expect("atom") as usize]) == b["grid"].as_u64()));
    let edges: Vec<(usize, usize)> = list("edges")
        .iter()
        .filter(|e| e[3] == 1)
        .map(|e| (e[0].as_u64().expect("atom") as usize, e[1].as_u64().expect("atom") as usize))
        .collect();
    for grid in 0..grids.len() as u64 {
        let own: BTreeSet<usize> = (0..ground.len()).filter(|&a| ground[a] == grid).collect();
        let Some(&first) = own.first() else { continue };
        let (mut seen, mut queue) = (BTreeSet::from([first]), vec![first]);
        while let Some(at) = queue.pop() {
            let next = edges.iter().filter(|e| e.0 == at || e.1 == at).map(|e| e.0 + e.1 - at);
            queue.extend(next.filter(|a| own.contains(a)).filter(|a| seen.insert(*a)).collect::<Vec<_>>());
        }
        assert_eq!(seen.len(), own.len(), "grid {grid} is one piece");
    }
    assert_eq!(v["problems"], json!([]));
    // who is a candidate for an office, and who is not, is said of each household
    assert!(households.iter().all(|h| h[3].is_boolean()));
    assert!([true, false].iter().all(|may| households.iter().any(|h| h[3] == json!(may))), "the register says both");
}

pub(crate) fn viewer_sees_the_plan_and_no_household(server: &Server) {
    let plan = draft(server);
    let token = server.token_for("viewer", VILLAGE);
    let v = server.get_as(&token, &format!("/api/plans/{plan}/villages/{VILLAGE}")).is(200).json();
    assert_eq!(v["households"], json!([]));
    assert!(v["units"].as_array().expect("units").iter().all(|u| u["leader"].is_null() && u["deputies"] == json!([])));
    for (role, area) in [("planner", "520423102002"), ("planner", "520424"), ("admin", &format!("{VILLAGE}001"))] {
        let token = server.token_for(role, area);
        let answer = server.get_as(&token, &format!("/api/plans/{plan}/villages/{VILLAGE}"));
        assert_eq!(answer.status, 404, "{role} of {area}: {}", answer.text());
    }
    let body = json!({"village": VILLAGE, "base_version": 1, "operations": []});
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "viewer")];
    server.ask("POST", &format!("/api/plans/{plan}/edits"), &headers, Some(&body)).problem(403, "forbidden");
    server.ask("POST", &format!("/api/plans/{plan}/preview"), &headers, Some(&body)).problem(403, "forbidden");
}

pub(crate) fn e01_edit_says_what_it_is_based_on(server: &Server) {
    let plan = draft(server);
    let path = format!("/api/plans/{plan}/edits");
    let body = json!({"village": VILLAGE, "operations": []});
    server.write("POST", &path, &body).problem(400, "idempotency_key_missing");
    let token = format!("Bearer {}", server.token);
    let headers = [("authorization", token.as_str()), ("idempotency-key", "e01")];
    server.ask("POST", &path, &headers, Some(&body)).problem(422, "base_version_missing");
    let odd = json!({"village": VILLAGE, "base_version": 1, "operations": [{"operation": "rename", "grid": "1", "name": "", "x": 1}]});
    let answer = server.ask("POST", &path, &headers, Some(&odd)).problem(422, "bad_field");
    assert!(answer.text().contains("`x`"), "{}", answer.text());
}

pub(crate) fn e02_edit_of_a_grid_that_others_changed_is_a_conflict(server: &Server) {
    let plan = draft(server);
    let grids = village(server, &plan)["grids"].clone();
    let (one, two) = (&grids[0]["code"], &grids[1]["code"]);
    let done = edit(server, &plan, "a", 1, &rename(one, "甲")).is(200).json();
    assert_eq!((&done["committed"]["version"], &done["village"]["grids"][0]["name"]), (&json!(2), &json!("甲")));
    // another grid on the older version goes through
    edit(server, &plan, "b", 1, &rename(two, "乙")).is(200);
    let conflict = edit(server, &plan, "c", 1, &rename(one, "丙")).problem(409, "conflict").json();
    assert_eq!((&conflict["grids"], &conflict["current_version"]), (&json!([one]), &json!(3)));
    assert!(conflict["author"].is_string() && conflict["time"].is_string());
    // by the name people know, not by an id alone
    let me = server.get("/api/session").is(200).json()["name"].clone();
    assert_eq!(conflict["author_name"], me, "{conflict}");
    let history = server.get(&format!("/api/plans/{plan}/history")).is(200).json();
    assert!(history["entries"].as_array().is_some_and(|all| all.iter().any(|e| e["actor_name"] == me)), "{history}");
    assert_eq!(village(server, &plan)["grids"][0]["name"], "甲");
}

/// Eight hundred times in the contract of the stores; here by way of the service.
pub(crate) fn e04_eight_clients_lose_no_update(server: &Server) {
    let _still = still();
    let plan = draft(server);
    let grid = village(server, &plan)["grids"][0]["code"].clone();
    edit(server, &plan, "e04", 1, &rename(&grid, "0")).is(200);
    let count_up = |client: usize, n: usize| {
        for turn in 0..1_000 {
            let seen = village(server, &plan);
            let version = seen["plan"]["version"].as_u64().expect("a version");
            let name = seen["grids"][0]["name"].as_str().expect("a name").split('/').next().expect("a count");
            let name = name.parse::<u32>().expect("a number");
            let key = format!("e04-{client}-{n}-{turn}");
            // nobody wishes what another one wished: what is so already is no edit
            let next = format!("{}/{client}-{n}", name + 1);
            let answer = edit(server, &plan, &key, version, &rename(&grid, &next));
            match answer.status {
                200 => return,
                409 => drop(answer.problem(409, "conflict")),
                status => panic!("{status}: {}", answer.text()),
            }
        }
        panic!("client {client} came to nothing");
    };
    let count_up = &count_up;
    std::thread::scope(|clients| {
        for client in 0..8 {
            clients.spawn(move || (0..5).for_each(|n| count_up(client, n)));
        }
    });
    let now = village(server, &plan);
    let counted = now["grids"][0]["name"].as_str().and_then(|name| name.split('/').next());
    assert_eq!((counted, &now["plan"]["version"]), (Some("40"), &json!(42)));
}

pub(crate) fn e06_same_key_same_answer_other_body_refused(server: &Server) {
    let plan = draft(server);
    let grid = village(server, &plan)["grids"][0]["code"].clone();
    let first = edit(server, &plan, "same", 1, &rename(&grid, "甲")).is(200).json();
    let again = edit(server, &plan, "same", 1, &rename(&grid, "甲")).is(200).json();
    assert_eq!(first["committed"], again["committed"]);
    assert_eq!(village(server, &plan)["plan"]["version"], 2);
    edit(server, &plan, "same", 1, &rename(&grid, "乙")).problem(422, "idempotency_key_reused");
}

pub(crate) fn e08_edit_that_breaks_a_rule_is_refused_with_the_way_out(server: &Server) {
    let plan = draft(server);
    let v = village(server, &plan);
    let grid = &v["grids"][0]["code"];
    edit(server, &plan, "lock", 1, &json!([{"operation": "lock", "target": {"grid": grid}}])).is(200);
    let split = json!([{"operation": "split_grid", "grid": grid, "by": {"count": 2}}]);
    let refused = edit(server, &plan, "split", 2, &split).problem(422, "invariant").json();
    let reason = &refused["refusal"]["reasons"][0];
    assert_eq!((&reason["kind"], &reason["ids"]), (&json!("locked"), &json!([grid])));
    assert_eq!(reason["remedy"][0], json!({"operation": "unlock", "target": {"grid": grid}}));
    // what it says to do first helps
    let both = json!([reason["remedy"][0], split[0]]);
    let seen = json!({"village": VILLAGE, "operations": both});
    let preview = server.write("POST", &format!("/api/plans/{plan}/preview"), &seen).is(200).json();
    assert_eq!(village(server, &plan)["plan"]["version"], 2, "a look changes nothing");
    let done = edit(server, &plan, "both", 2, &both).is(200).json();
    assert_eq!(done["effect"], preview, "what was shown is what was done");
    let homes = |v: &Value| -> BTreeMap<String, String> {
        let code = |h: &Value| {
            v["units"][h[2].as_u64().expect("a unit") as usize]["code"].as_str().expect("a code").to_owned()
        };
        v["households"].as_array().expect("households").iter().map(|h| (h[0].to_string(), code(h))).collect()
    };
    let (was, is) = (homes(&v), homes(&done["village"]));
    let moved = |digits: usize| -> BTreeSet<String> {
        was.iter().filter(|(id, unit)| is[*id][..digits] != unit[..digits]).map(|(id, _)| id.clone()).collect()
    };
    let told = |name: &str| -> BTreeSet<String> {
        done["effect"][name].as_array().expect("ids").iter().map(Value::to_string).collect()
    };
    assert!(!moved(15).is_empty());
    assert_eq!((told("households_in_other_grid"), told("households_in_other_unit")), (moved(15), moved(18)));
    assert_eq!(done["effect"]["moved"]["grid"], moved(15).len());
    assert_eq!(done["village"]["grids"].as_array().map(Vec::len), v["grids"].as_array().map(|g| g.len() + 1));
}

pub(crate) fn e10_undo_brings_back_the_hash_and_names_what_built_on_it(server: &Server) {
    let plan = draft(server);
    let grid = village(server, &plan)["grids"][0]["code"].clone();
    let mut hashes = vec![village(server, &plan)["hash"].clone()];
    for (i, name) in ["甲", "乙", "丙"].iter().enumerate() {
        edit(server, &plan, &format!("u{i}"), 1 + i as u64, &rename(&grid, name)).is(200);
        hashes.push(village(server, &plan)["hash"].clone());
    }
    let turn = |what: &str, body: Value| server.write("POST", &format!("/api/plans/{plan}/{what}"), &body);
    let conflict = turn("undo", json!({"seq": 1})).problem(409, "conflict").json();
    assert_eq!(conflict["edit"], 3, "the later edit is named");
    for hash in hashes.iter().rev().skip(1) {
        let done = turn("undo", json!({})).is(200).json();
        assert_eq!(done["villages"], json!([VILLAGE]));
        assert_eq!(&village(server, &plan)["hash"], hash);
    }
    for hash in &hashes[1..] {
        turn("redo", json!({})).is(200);
        assert_eq!(&village(server, &plan)["hash"], hash);
    }
    turn("redo", json!({})).problem(404, "not_found");
    let history = server.get(&format!("/api/plans/{plan}/history")).is(200).json();
    assert_eq!(history["entries"].as_array().map(Vec::len), Some(9));
    let page = server.get(&format!("/api/plans/{plan}/history?after=3&limit=2")).is(200).json();
    assert_eq!((&page["entries"][0]["seq"], &page["entries"][1]["kind"]), (&json!(4), &json!("undo")));
}

pub(crate) fn draft_with_a_problem_is_kept_and_not_published(server: &Server) {
    let plan = draft(server);
    let v = village(server, &plan);
    let units = v["units"].as_array().expect("units");
    let least = v["rules"]["unit"]["min"].as_u64().expect("a size");
    let (from, unit) = units
        .iter()
        .enumerate()
        .find(|(_, u)| u["households"].as_u64() == Some(least) && u["exception"].is_null())
        .or_else(|| units.iter().enumerate().min_by_key(|(_, u)| u["households"].as_u64()))
        .expect("a unit");
    let code = unit["code"].as_str().expect("a code");
    let other = units
        .iter()
        .filter_map(|u| u["code"].as_str())
        .find(|c| c[..15] == code[..15] && *c != code)
        .expect("another unit of its grid");
    let movers: Vec<Value> = v["households"]
        .as_array()
        .expect("households")
        .iter()
        .filter(|h| h[2] == json!(from))
        .map(|h| json!({"operation": "move_household", "household": h[0], "unit": other}))
        .take(3)
        .collect();
    edit(server, &plan, "no", 1, &json!(movers)).problem(422, "invariant");
    let body = json!({"village": VILLAGE, "base_version": 1, "operations": movers, "policy": "keep_as_draft_problem"});
    let token = format!("Bearer {}", server.token);
    let headers = [("authorization", token.as_str()), ("idempotency-key", "keep")];
    let kept = server.ask("POST", &format!("/api/plans/{plan}/edits"), &headers, Some(&body)).is(200).json();
    let problems = kept["effect"]["problems"].as_array().expect("problems").clone();
    assert!(problems.iter().any(|p| p["rule"] == "H7"), "{problems:?}");
    let check = server.get(&format!("/api/plans/{plan}/check")).is(200).json();
    assert_eq!(check["breaches"], json!(problems));
    let publish = json!({"base_version": 2, "date": "2026-02-01"});
    let refused = server.write("POST", &format!("/api/plans/{plan}/publish"), &publish).problem(422, "not_legal");
    assert_eq!(refused.json()["breaches"], json!(problems));
    let live = server.get("/api/plans?status=live").is(200).json()["plans"][0]["id"].clone();
    let compared = server.get(&format!("/api/plans/{}/compare/{plan}?region={VILLAGE}", live.as_str().expect("id")));
    let moved = compared.is(200).json()["villages"][0]["households_in_other_unit"].as_array().map(Vec::len);
    assert!(moved >= Some(movers.len()), "{moved:?}");
}

pub(crate) fn plan_is_made_in_the_background_and_can_be_stopped(server: &Server) {
    let profiles = server.get("/api/profiles").is(200).json();
    assert_eq!(profiles["profiles"].as_array().map(Vec::len), Some(8));
    let start = |budget: f64, name: &str| {
        let wish = json!({"region": VILLAGE, "profile": "xixiu", "budget_s": budget, "name": name});
        let job = server.write("POST", "/api/plans", &wish).is(202).json();
        format!("/api/jobs/{}", job["job"].as_str().expect("a job"))
    };
    let end = |path: &str| {
        let begun = Instant::now();
        loop {
            let job = server.get(path).is(200).json();
            if job["status"] != "running" {
                return job;
            }
            assert!(begun.elapsed() < Duration::from_secs(100), "{job}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    // Other tests make plans on the same server meanwhile: ours are told by their names.
    let named = |name: &str| {
        let all = server.get(&format!("/api/plans?region={VILLAGE}")).is(200).json();
        all["plans"].as_array().map_or(0, |plans| plans.iter().filter(|p| p["name"] == name).count())
    };
    let made = end(&start(1.0, "后台"));
    assert_eq!((&made["status"], &made["result"]["breaches"]), (&json!("done"), &json!([])), "{made}");
    let plan = made["result"]["plan"]["id"].as_str().expect("a plan");
    assert_eq!(server.get(&format!("/api/plans/{plan}")).is(200).json()["villages"][0]["code"], VILLAGE);
    assert_eq!(named("后台"), 1);
    let long = start(60.0, "被取消");
    let stranger = server.token_for("planner", TOWNSHIP);
    assert_eq!(server.get_as(&stranger, &long).status, 404, "a job is its owner's");
    server.ask("DELETE", &long, &[("authorization", &format!("Bearer {}", server.token))], None).is(202);
    assert_eq!(end(&long)["status"], "cancelled");
    assert_eq!(named("被取消"), 0, "a stopped job stores nothing");
    server.write("POST", "/api/plans", &json!({"region": VILLAGE, "profile": "nobody's"})).problem(422, "bad_field");
}

pub(crate) fn p03_plan_is_made_to_the_target_tolerance_and_barriers_that_are_wished(server: &Server) {
    let profiles = server.get("/api/profiles").is(200).json();
    let of =
        |name: &str| profiles["profiles"].as_array().and_then(|all| all.iter().find(|p| p["name"] == name)).cloned();
    let (xixiu, guanling) = (of("xixiu").expect("xixiu"), of("guanling").expect("guanling"));
    assert!(xixiu["balanced"] == true && xixiu["target_households"].is_u64() && xixiu["tolerance"].is_f64(), "{xixiu}");
    assert!(guanling["balanced"].is_boolean() && guanling["target_households"].is_null() != guanling["balanced"]);
    let wish = json!({
        "region": VILLAGE, "profile": "xixiu", "budget_s": 1.0, "name": "指定", "target_households": 150, "tolerance": 0.0,
        "hard_barriers": ["railway", "river"],
    });
    let started = server.write("POST", "/api/plans", &wish).is(202).json();
    let done = server.job_as(&server.token, &started);
    assert_eq!(done["status"], "done", "{done}");
    // not one household more or less in any grid cannot be: that is said, with what was tried
    let beyond = done["result"]["balance"].as_array().cloned().unwrap_or_default();
    assert!(!beyond.is_empty(), "{done}");
    for b in &beyond {
        assert!(b["deviation"].as_f64() > Some(0.0) && b["tolerance"] == json!(0.0) && b["better"].is_string(), "{b}");
    }
    let plan = done["result"]["plan"]["id"].as_str().expect("a plan");
    let made = village(server, plan);
    assert_eq!(made["rules"]["grid"]["target_households"], 150);
    assert_eq!(made["rules"]["grid"]["tolerance"], 0.0);
    let grids: Vec<&Value> = made["grids"].as_array().expect("grids").iter().filter(|g| g["kind"] == "base").collect();
    let total: u64 = grids.iter().filter_map(|g| g["households"].as_u64()).sum();
    let mean = total as f64 / grids.len() as f64;
    assert!((75.0..=300.0).contains(&mean), "{mean} households a grid where 150 were wished");
    // the plan remembers which barriers are hard: it is judged by them as it was made by them
    assert_eq!(made["problems"], json!([]));
    for (field, value) in [
        ("target_households", json!(0)),
        ("target_households", json!(100_001)),
        ("tolerance", json!(1.0)),
        ("tolerance", json!(-0.1)),
        ("hard_barriers", json!(["bridge"])),
        ("hard_barriers", json!([""])),
        ("hard_barriers", json!(vec!["river"; 21])),
    ] {
        let mut bad = json!({"region": VILLAGE, "profile": "xixiu"});
        bad[field] = value;
        let refused = server.write("POST", "/api/plans", &bad).problem(422, "bad_field");
        assert_eq!(refused.json()["field"], field);
    }
    let village_is_one_grid = r#"name = "one"
unit = { min = 1, max = 15 }
grid = { divide = "village", otherwise = "village" }"#;
    let bad = json!({"region": VILLAGE, "profile": village_is_one_grid, "target_households": 100});
    assert_eq!(server.write("POST", "/api/plans", &bad).problem(422, "bad_field").json()["field"], "target_households");
}

pub(crate) fn p16_wall_map_is_that_of_the_plan_that_is_named(server: &Server) {
    let plan = draft(server);
    let grid = village(server, &plan)["grids"][0]["code"].clone();
    edit(server, &plan, &format!("wall-map-{plan}"), 1, &rename(&grid, "试改网格")).is(200);
    let path = format!("/api/plans/{plan}/wall-map?village={VILLAGE}");
    let svg = server.get(&format!("{path}&f=svg")).is(200);
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(svg.header("content-disposition").contains(&format!("wall-map-{VILLAGE}.svg")));
    let text = svg.text();
    assert!(text.contains("<svg") && text.contains("试改网格"), "the draft's own name");
    let pdf = server.get(&path).is(200);
    assert!(pdf.header("content-type") == "application/pdf" && pdf.body.starts_with(b"%PDF"));
    server.get(&format!("/api/plans/{plan}/wall-map?f=svg")).is(200);
    server.get(&format!("{path}&f=png")).problem(400, "bad_parameter");
    server.get(&format!("/api/plans/{plan}/wall-map?village=5")).is(400);
    server.get(&format!("/api/plans/{plan}/wall-map?village=520499999999")).is(404);
    server.get(&format!("/api/plans/none/wall-map?village={VILLAGE}")).is(404);
    server.get_as(&server.token_for("viewer", VILLAGE), &path).problem(403, "forbidden");
    server.get_as(&server.token_for("exporter", "520425"), &path).is(404);
}

pub(crate) fn plan_follows_the_register_when_it_is_told_to(server: &Server) {
    let plan = draft(server);
    let path = format!("/api/plans/{plan}/absorb");
    let started = server.write("POST", &path, &json!({"region": VILLAGE})).is(202).json();
    let done = server.job_as(&server.token, &started);
    assert_eq!((&done["status"], &done["result"]["villages"]), (&json!("done"), &json!([])), "they agree: {done}");
    server.write("POST", &path, &json!({"region": "5204231"})).problem(400, "bad_parameter");
    server.write("POST", &path, &json!({"village": VILLAGE})).problem(422, "bad_field");
    server.write("POST", "/api/plans/none/absorb", &json!({})).is(404);
    let bearer = |role: &str, area: &str| format!("Bearer {}", server.token_for(role, area));
    let ask = |who: &str| server.ask("POST", &path, &[("authorization", who)], Some(&json!({})));
    ask(&bearer("viewer", VILLAGE)).problem(403, "forbidden");
    ask(&bearer("planner", "520425")).is(404);
}
