//! A store of two villages that lie side by side, with one of everything in each: what a scope must keep apart.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Reply, send};
use crate::incidents::{jpeg_with_its_place, key};
use crate::server::{PASSWORD, Place, Server, VILLAGE};

pub(crate) const NEIGHBOUR: &str = "520423102002";
const LIVE_SINCE: &str = "2026-01-01";

/// One of everything that there is in a village, by its real id.
pub(crate) struct Objects {
    pub(crate) village: &'static str,
    /// A word that stands in everything of the village that has words.
    pub(crate) mark: &'static str,
    /// Where somebody lives.
    pub(crate) at: [f64; 2],
    /// Tokens of whoever made the jobs, and of an admin of the village.
    pub(crate) planner: String,
    pub(crate) exporter: String,
    pub(crate) admin: String,
    /// Ids by what they are of: `plan`, `live`, `job`, `user`, `token`, `officer`, `incident`, `import`, `export`, `rule`, `alert`,
    /// `building`, `grid`.
    pub(crate) ids: BTreeMap<&'static str, String>,
}

impl Objects {
    pub(crate) fn id(&self, of: &str) -> &str {
        self.ids.get(of).unwrap_or_else(|| panic!("an id of {of}"))
    }

    /// What tells of this village wherever it stands: its marks, its code, its ids.
    pub(crate) fn tells(&self, text: &str) -> Option<&str> {
        let words = [self.mark, self.village].into_iter();
        words.chain(self.ids.values().map(String::as_str)).find(|word| text.contains(word))
    }
}

/// The service on a store of its own.
pub(crate) fn service(place: Place) -> Server {
    let fixture = |name: &str| format!("{}/fixtures/township/{name}", env!("CARGO_MANIFEST_DIR"));
    place.run(&["import", "--layer", "regions", &fixture("regions.geojson")], "");
    let households = std::fs::read_to_string(fixture("households.csv")).expect("the fixture");
    let of_two = |l: &&str| l.starts_with('\u{feff}') || [VILLAGE, NEIGHBOUR].iter().any(|v| l.contains(v));
    // what the neighbours have is told by its ids
    let marked = |l: &str| match l.split(',').collect::<Vec<_>>()[..] {
        [id, lon, lat, building, ref rest @ ..] if l.contains(NEIGHBOUR) => {
            format!("QF{id},{lon},{lat},QF{building},{}\n", rest.join(","))
        }
        _ => format!("{l}\n"),
    };
    let file = place.folder.path().join("households.csv");
    std::fs::write(&file, households.lines().filter(of_two).map(marked).collect::<String>()).expect("written");
    place.run(&["import", "--layer", "households", &file.to_string_lossy()], "");
    for (village, name) in [(VILLAGE, "本地案"), (NEIGHBOUR, "秦外案")] {
        let draft = ["draft", "--region", village, "--name", name, "--profile", "huangguoshu", "--budget", "1"];
        place.run(&[&draft[..], &["--publish", LIVE_SINCE]].concat(), "");
    }
    place.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], PASSWORD);
    let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
    let token = said.lines().last().expect("a token").trim().to_owned();
    Server::start(place, token, &[])
}

pub(crate) fn with(
    server: &Server,
    token: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Reply {
    let bearer = format!("Bearer {token}");
    server.ask(method, path, &[&[("authorization", bearer.as_str())], headers].concat(), body)
}

fn of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned()
}

/// Something that the service does by itself within a moment.
fn awaited<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Makes one of everything in a village.
pub(crate) fn filled(server: &Server, village: &'static str, mark: &'static str) -> Objects {
    let admin = &server.token;
    let homes = server.all(admin, "households", &format!("&village={village}"));
    let at: [f64; 2] = serde_json::from_value(homes[0]["geometry"]["coordinates"].clone()).expect("a point");
    let (planner, exporter) = (server.token_for("planner", village), server.token_for("exporter", village));
    let post = |token: &str, path: &str, body: &Value| {
        let once = key();
        with(server, token, "POST", path, &[("idempotency-key", once.as_str())], Some(body))
    };
    let mut ids: BTreeMap<&'static str, String> = BTreeMap::new();

    let live = server.get(&format!("/api/plans?status=live&region={village}")).is(200).json();
    ids.insert("live", of(&live["plans"][0]["id"]));
    let wish = json!({"region": village, "profile": "huangguoshu", "budget_s": 0.5, "name": format!("{mark}案")});
    let started = post(&planner, "/api/plans", &wish).is(202).json();
    let made = server.job_as(&planner, &started);
    ids.insert("job", of(&started["job"]));
    ids.insert("plan", of(&made["result"]["plan"]["id"]));
    let whole = server.get(&format!("/api/plans/{}/villages/{village}", ids["plan"])).is(200).json();
    ids.insert("grid", of(&whole["grids"][0]["code"]));

    let name = format!("{mark}用户");
    let user = json!({"name": name, "password": PASSWORD, "role": "viewer", "region": village});
    ids.insert("user", of(&post(admin, "/api/users", &user).is(201).json()["id"]));
    let token = json!({"name": format!("{mark}令牌"), "role": "viewer", "region": village});
    ids.insert("token", of(&post(admin, "/api/tokens", &token).is(201).json()["id"]));
    let officer = json!({"id": format!("QO-{village}"), "region": village, "role": "grid_worker", "name": format!("{mark}人"), "phone": "13800138000"});
    ids.insert("officer", of(&post(&planner, "/api/officers", &officer).is(201).json()["officer"]["id"]));
    let rule = json!({"kind": "overdue", "region": village, "escalate_after_min": 30, "enabled": true});
    let id = format!("qr-{village}");
    with(server, admin, "PUT", &format!("/api/alert-rules/{id}"), &[("if-match", "\"0\"")], Some(&rule)).is(200);
    ids.insert("rule", id);

    let mut incident = crate::incidents::body("emergency");
    (incident["at"], incident["summary"]) = (json!(at), json!(format!("{mark}事")));
    let incident = of(&post(&planner, "/api/incidents", &incident).is(201).json()["incident"]["id"]);
    let bearer = format!("Bearer {planner}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "image/jpeg")];
    let photo = format!("{}/api/incidents/{incident}/photo", server.base);
    send("PUT", &photo, &headers, Some(&jpeg_with_its_place(0x34))).is(201);
    let alert = awaited("an alert", || {
        let open = server.get(&format!("/api/alerts?open=true&region={village}")).is(200).json();
        open["alerts"].as_array()?.iter().find(|a| a["incident"] == incident.as_str()).map(|a| of(&a["id"]))
    });
    ids.extend([("incident", incident), ("alert", alert)]);

    let rows = format!("楼栋编号,村编码,经度,纬度\nQI-{village},{village},{},{}\n", at[0], at[1]);
    let query = format!("/api/imports?layer=buildings&file_name=QI-{village}.csv");
    let judged = server.job_as(&planner, &server.upload_as(&planner, &query, rows.as_bytes()).is(202).json());
    ids.insert("import", of(&judged["result"]["import"]["id"]));
    let started = post(&exporter, "/api/exports", &json!({"layer": "households", "format": "csv"})).is(202).json();
    let written = of(&server.job_as(&exporter, &started)["result"]["url"]);
    ids.insert("export", written.split('/').nth(3).expect("an id").to_owned());

    let building = format!("QB-{village}");
    let feature = json!({
        "type": "Feature", "id": building, "geometry": {"type": "Point", "coordinates": at}, "properties": {"name": format!("{mark}楼")},
    });
    let kind = [("content-type", "application/geo+json")];
    with(server, &planner, "POST", "/ogc/collections/buildings/items", &kind, Some(&feature)).is(201);
    awaited("the building", || {
        (server.get(&format!("/ogc/collections/buildings/items/{building}")).status == 200).then_some(())
    });
    ids.insert("building", building);
    let admin = server.token_for("admin", village);
    Objects { village, mark, at, planner, exporter, admin, ids }
}
