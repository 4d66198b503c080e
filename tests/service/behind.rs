//! A register that moves on while a plan stands: the village is still looked at, nobody is forgotten, and edits wait until the plan follows.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::editing::{feature, place, send};
use crate::server::{Place, Server, VILLAGE};
use crate::two_villages::{service, with};

fn village(server: &Server, token: &str, plan: &str) -> Value {
    server.get_as(token, &format!("/api/plans/{plan}/villages/{VILLAGE}")).is(200).json()
}

fn edit(server: &Server, plan: &Value, key: &str, operations: &Value) -> Reply {
    let body = json!({"village": VILLAGE, "base_version": plan["version"], "operations": operations});
    let path = format!("/api/plans/{}/edits", plan["id"].as_str().expect("an id"));
    with(server, &server.token, "POST", &path, &[("idempotency-key", key)], Some(&body))
}

fn newcomers_are_named_and_the_plan_follows(store: Place) {
    let server = service(store);
    let (admin, viewer) = (server.token.clone(), server.token_for("viewer", VILLAGE));
    let live = server.get(&format!("/api/plans?status=live&region={VILLAGE}")).is(200).json()["plans"][0].clone();
    let made = server.write(
        "POST",
        &format!("/api/plans/{}/fork", live["id"].as_str().expect("an id")),
        &json!({"name": "试改"}),
    );
    let plan = made.is(201).json()["plan"]["id"].as_str().expect("an id").to_owned();
    let before = village(&server, &admin, &plan);
    assert_eq!(before["behind"], Value::Null);

    // a new house with two households, one more household in an old one, and somebody leaves
    let at = place(&server);
    let beside = [at[0] + 0.000_01, at[1] + 0.000_01];
    let old = before["buildings"]
        .as_array()
        .expect("buildings")
        .iter()
        .find(|b| b["households"].as_u64() > Some(1))
        .expect("a building");
    let old_id = old["id"].as_str().expect("an id");
    send(&server, &admin, "POST", "buildings/items", None, Some(&feature("新楼甲", beside, &json!({})))).is(201);
    for (id, at, building) in [("新户一", beside, "新楼甲"), ("新户二", beside, "新楼甲")] {
        send(&server, &admin, "POST", "households/items", None, Some(&feature(id, at, &json!({"building": building}))))
            .is(201);
    }
    let there: [f64; 2] = server
        .all(&admin, "buildings", &format!("&village={VILLAGE}"))
        .iter()
        .find(|b| b["id"] == old["id"])
        .map(|b| serde_json::from_value(b["geometry"]["coordinates"].clone()).expect("a point"))
        .expect("the old building");
    send(
        &server,
        &admin,
        "POST",
        "households/items",
        None,
        Some(&feature("新户三", there, &json!({"building": old_id}))),
    )
    .is(201);
    let left = before["households"][0][0].as_str().expect("an id").to_owned();
    send(&server, &admin, "DELETE", &format!("households/items/{left}"), Some("\"1\""), None).is(204);

    let seen = village(&server, &admin, &plan);
    let unassigned = seen["behind"]["unassigned"].as_array().expect("somebody");
    let of =
        |id: &str| unassigned.iter().find(|u| u["building"] == id).unwrap_or_else(|| panic!("{id}: {unassigned:?}"));
    assert_eq!(
        (unassigned.len(), &seen["behind"]["departed"], &seen["behind"]["buildings_gone"]),
        (2, &json!(1), &json!(0))
    );
    let new = of("新楼甲");
    assert_eq!(
        (&new["seated"], &new["households"], &new["ids"]),
        (&json!(false), &json!(2), &json!(["新户一", "新户二"]))
    );
    let place: [f64; 2] = serde_json::from_value(new["at"].clone()).expect("a place");
    assert!((place[0] - beside[0]).abs() < 1e-9 && (place[1] - beside[1]).abs() < 1e-9, "{place:?}");
    let known = of(old_id);
    assert_eq!((&known["seated"], &known["households"], &known["ids"]), (&json!(true), &json!(1), &json!(["新户三"])));
    let h4: Vec<&Value> = seen["problems"].as_array().expect("problems").iter().filter(|p| p["rule"] == "H4").collect();
    assert_eq!(h4.len(), 3, "{h4:?}");
    assert!(h4.iter().any(|p| p["ids"] == json!(["新楼甲", "新户一", "新户二"])), "{h4:?}");
    // everybody else stands where they stood
    let homes = |v: &Value| {
        let (units, all) = (v["units"].clone(), v["households"].as_array().expect("households").clone());
        let unit = |h: &Value| units[h[2].as_u64().expect("a unit") as usize]["code"].clone();
        all.iter().map(|h| (h[0].to_string(), unit(h).to_string())).collect::<std::collections::BTreeMap<_, _>>()
    };
    let mut expected = homes(&before);
    expected.remove(&json!(left).to_string());
    assert_eq!(homes(&seen), expected);
    // a viewer is told how many, not who
    let shown = village(&server, &viewer, &plan);
    assert_eq!(shown["behind"]["unassigned"].as_array().map(Vec::len), Some(2));
    assert!(["新户一", "新户三"].iter().all(|id| !shown.to_string().contains(id)), "{}", shown["behind"]);

    // the check tells them one by one, a viewer of no household
    let path = format!("/api/plans/{plan}/check");
    let checked = server.get(&path).is(200).text();
    assert!(checked.contains("新户一") && checked.contains("新户三"), "{checked}");
    let shown = server.get_as(&viewer, &path).is(200).json();
    assert_eq!(
        shown["breaches"].as_array().map(Vec::len),
        server.get(&path).json()["breaches"].as_array().map(Vec::len)
    );
    assert!(!shown.to_string().contains("新户") && !shown.to_string().contains(&left), "{shown}");

    // edits wait
    let operations = json!([{"operation": "rename", "grid": seen["grids"][0]["code"], "name": "早了"}]);
    let refused = edit(&server, &seen["plan"], "early", &operations).problem(422, "invariant").json();
    assert_eq!(refused["refusal"]["kind"], "differs");
    assert!(refused["detail"].as_str().is_some_and(|d| d.contains("跟随名册")), "{refused}");
    let started = server.write("POST", &format!("/api/plans/{plan}/absorb"), &json!({})).is(202).json();
    let done = server.job_as(&admin, &started);
    assert_eq!(done["result"]["villages"][0]["count"]["arrived"], 3, "{done}");
    let followed = village(&server, &admin, &plan);
    assert_eq!((&followed["behind"], &followed["problems"]), (&Value::Null, &json!([])));
    let now = homes(&followed);
    assert!(["新户一", "新户二", "新户三"].iter().all(|id| now.contains_key(&json!(id).to_string())));
    edit(&server, &followed["plan"], "late", &operations).is(200);
}

#[test]
fn newcomers_are_named_and_the_plan_follows_sqlite() {
    newcomers_are_named_and_the_plan_follows(Place::sqlite());
}

#[test]
fn newcomers_are_named_and_the_plan_follows_postgis() {
    newcomers_are_named_and_the_plan_follows(Place::postgis());
}
