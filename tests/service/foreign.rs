//! A01 with real objects: each operation of both documents is asked by every role for what a neighbouring village really has, with a body
//! that is accepted from whoever may. It is not there, no answer tells of it, and nothing changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Reply;
use crate::events::Stream;
use crate::server::{PASSWORD, Place, ROLES, Server, VILLAGE};
use crate::tiles::{decoded, tile_of};
use crate::two_villages::{NEIGHBOUR, Objects, filled, service};
use crate::wishes::{Operation, ask, operations, path_of, wish};

/// Beside the neighbours, below who is beside them, another county, other townships: none of them sees the neighbours.
const ELSEWHERE: [&str; 4] = [VILLAGE, "520423102001001", "520424", "520424107+520424108"];

/// All that an admin sees of what the operations could change, but what changes by itself with time.
fn standing(server: &Server, of: &[&Objects]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for path in ["/api/users", "/api/plans", "/api/officers", "/api/alert-rules"] {
        seen.push(server.get(path).is(200).text());
    }
    for of in of {
        for (what, path) in [("plan", "/api/plans/"), ("live", "/api/plans/")] {
            seen.push(server.get(&format!("{path}{}", of.id(what))).is(200).text());
            seen.push(server.get(&format!("{path}{}/history", of.id(what))).is(200).text());
        }
        let incident = server.get(&format!("/api/incidents/{}", of.id("incident"))).is(200).json();
        let kept = ["state", "level", "version", "summary"].map(|f| incident["incident"][f].to_string());
        seen.push(format!("{kept:?} {} {}", incident["photo"], incident["transitions"]));
        let alerts = server.get(&format!("/api/alerts?region={}", of.village)).is(200).json();
        let alert = alerts["alerts"].as_array().expect("alerts").iter().find(|a| a["id"] == of.id("alert"));
        seen.push(alert.expect("the alert")["acknowledged"].to_string());
        for (token, path) in [
            (&of.planner, format!("/api/imports/{}/errors", of.id("import"))),
            (&of.planner, format!("/api/jobs/{}", of.id("job"))),
            (&of.exporter, format!("/api/exports/{}/file", of.id("export"))),
        ] {
            seen.push(server.get_as(token, &path).is(200).text());
        }
        let counted = server.get(&format!("/api/incidents?limit=1&region={}", of.village)).is(200).json();
        seen.push(counted["number_matched"].to_string());
        let buildings = format!("/ogc/collections/buildings/items?f=csv&limit=10000&village={}", of.village);
        seen.push(server.get(&buildings).is(200).text());
    }
    seen
}

/// Who is refused for the role within the village itself, and who for the place.
fn foreign_objects_are_not_there(server: &Server, own: &Objects, theirs: &Objects) {
    let operations = operations(server);
    let areas: Vec<&str> = ELSEWHERE.into_iter().chain([theirs.village]).collect();
    let tokens: BTreeMap<(&str, &str), String> = areas
        .iter()
        .flat_map(|area| ROLES.map(|role| (role, *area)))
        .map(|(role, area)| ((role, area), server.token_for(role, area)))
        .collect();
    let before = standing(server, &[own, theirs]);
    let mut asked = 0;
    for operation in &operations {
        let path = path_of(operation, theirs);
        for ((role, area), token) in &tokens {
            let (may, inside) = (operation.is_for(role), *area == theirs.village);
            if may && inside {
                continue;
            }
            let reply = ask(server, token, operation, &path, &wish(server, operation, theirs, 1));
            let what = format!("{role} of {area}: {} {path}: {} {}", operation.id, reply.status, reply.text());
            assert!(operation.statuses.contains(&reply.status), "{what}");
            match (may, inside, operation.id.as_str()) {
                (false, true, _) => assert_eq!(reply.status, 403, "{what}"),
                (false, false, _) => assert!(matches!(reply.status, 403 | 404), "{what}"),
                // what is written for another place is refused, by whichever says so first
                (true, _, "addUser" | "addToken" | "putAlertRule") => {
                    assert!(matches!(reply.status, 403 | 404 | 412), "{what}");
                }
                (true, _, "addOfficer" | "reportIncident" | "reportIncidents" | "intake" | "createFeature") => {
                    assert_eq!(reply.status, 422, "{what}");
                }
                // what is done in the background finds nothing there
                (true, _, "makePlan" | "export" | "scan" | "upload" | "uploadLedger") => {
                    assert_eq!(reply.status, 202, "{what}");
                    let done = server.job_as(token, &reply.json());
                    comes_to_nothing(server, token, operation, &done);
                }
                (true, ..) if operation.is_of_an_object() => {
                    assert_eq!((reply.status, &reply.json()["code"]), (404, &json!("not_found")), "{what}");
                }
                (true, ..) => assert!(reply.status < 300, "{what}"),
            }
            // a refusal may say again what was sent; an answer, and a "not there", tell nothing
            if reply.status < 300 || reply.status == 404 {
                assert_eq!(theirs.tells(&reply.text()), None, "{what}");
            }
            asked += 1;
        }
    }
    assert!(asked > 1_500, "{asked}");
    assert_eq!(standing(server, &[own, theirs]), before, "nothing changed");
}

/// A job about another's place ends without anything of it.
fn comes_to_nothing(server: &Server, token: &str, operation: &Operation, done: &Value) {
    let what = format!("{}: {done}", operation.id);
    match operation.id.as_str() {
        "makePlan" => assert_eq!((&done["status"], &done["result"]), (&json!("failed"), &Value::Null), "{what}"),
        "uploadLedger" => assert_eq!(done["problem"]["code"], "not_found", "{what}"),
        "upload" => {
            let counts = &done["result"]["counts"];
            let none = ["insert", "update", "unchanged", "conflict"].iter().all(|n| counts[n] == 0);
            assert!(none && counts["refused"] == 1, "{what}");
        }
        "export" => {
            let url = done["result"]["url"].as_str().unwrap_or_else(|| panic!("{what}"));
            let file = server.get_as(token, url).is(200).text();
            assert_eq!(
                (file.trim().lines().count(), &done["result"]["rows"]),
                (1, &json!(0)),
                "a header alone: {what}"
            );
        }
        // a scan is of whatever the scope sees
        _ => assert!(!what.contains(NEIGHBOUR), "{what}"),
    }
}

/// Addresses whose answers are made from many rows, and whether what is one's own must show in them. `{}` is the other village.
const MANY: [(&str, bool); 26] = [
    ("/api/regions", true),
    ("/api/regions?parent=520423102", false),
    ("/api/plans", true),
    ("/api/plans?region={}", false),
    ("/api/officers", true),
    ("/api/officers?region={}", false),
    ("/api/officers?purpose=%E5%80%BC%E7%8F%AD", true),
    ("/api/incidents", true),
    ("/api/incidents?region={}", false),
    ("/api/incidents?grid={}001", false),
    ("/api/alerts", true),
    ("/api/alerts?region={}", false),
    ("/api/users", true),
    ("/api/tokens", true),
    ("/api/alert-rules", true),
    ("/api/audit?limit=1000", true),
    ("/api/statistics?by=region", true),
    ("/api/statistics?by=grid", true),
    ("/api/statistics?by=unit&region={}", false),
    ("/api/report", false),
    ("/api/report?region={}", false),
    ("/api/ledgers/units?f=csv", true),
    ("/api/ledgers/grids?f=csv&with_names=true&purpose=x", true),
    ("/api/ledgers/gaps?f=csv&region={}", false),
    ("/ogc/collections", false),
    ("/ogc/lianhu.qgs", false),
];
const LAYERS: [&str; 7] = ["regions", "grids", "units", "leaders", "buildings", "incidents", "households"];

/// Villages of what a tile of a layer draws.
fn villages(layer: &str, tile: &Reply) -> BTreeSet<String> {
    let field = match layer {
        "leaders" => "unit",
        "buildings" => "village",
        _ => "code",
    };
    let code = |f: &Value| f["properties"][field].as_str().unwrap_or_else(|| panic!("{field}: {f}")).to_owned();
    decoded(&tile.body).iter().map(|f| code(f).chars().take(VILLAGE.len()).collect()).collect()
}

/// The cell of a place that the layer of hotspots has.
fn cell_of([lon, lat]: [f64; 2]) -> String {
    h3o::LatLng::new(lat, lon).expect("a place").to_cell(h3o::Resolution::Nine).to_string()
}

/// Cells of the layer in which somebody sees incidents, and how many.
fn crowded(server: &Server, token: &str) -> BTreeMap<String, u64> {
    let found = server.get_as(token, "/ogc/collections/hotspots/items?limit=10000").is(200).json();
    let cell = |f: &Value| Some((f["id"].as_str()?.to_owned(), f["properties"]["count"].as_u64()?));
    let cells = found["features"].as_array().expect("features").iter().filter_map(cell);
    cells.filter(|(_, count)| *count > 0).collect()
}

fn many_rows_are_ones_own_alone(server: &Server, own: &Objects, theirs: &Objects) {
    let mut answered = 0;
    for role in ROLES {
        let token = server.token_for(role, own.village);
        let layers = LAYERS.map(|l| (format!("/ogc/collections/{l}/items?limit=10000"), true));
        let many = MANY.map(|(path, shows)| (path.replace("{}", theirs.village), shows));
        for (path, shows) in many.iter().chain(&layers) {
            let reply = server.get_as(&token, path);
            let what = format!("{role}: {path}");
            assert!(matches!(reply.status, 200 | 403), "{what}: {}", reply.status);
            // a report says which region was asked for, by the code that was sent and no name
            let text = reply.text().replace(&format!("{} ", theirs.village), "");
            assert_eq!(theirs.tells(&text), None, "{what}: {text}");
            assert!(!text.contains("QF") && !text.contains("烈山"), "{what}: {text}");
            if reply.status == 200 && *shows {
                assert!(own.tells(&text).is_some(), "{what}: {text}");
                answered += 1;
            }
        }
        for id in ["plan", "live"] {
            for kind in ["grids", "units", "gaps", "summary"] {
                let path = format!("/api/ledgers/{kind}?f=csv&plan={}", theirs.id(id));
                assert!(matches!(server.get_as(&token, &path).status, 403 | 404), "{role}: {path}");
            }
            for path in [
                format!("/api/plans/{}/villages/{}", own.id("plan"), theirs.village),
                format!("/api/plans/{}/compare/{}", own.id("plan"), theirs.id(id)),
                format!("/api/plans/{}/compare/{}", theirs.id(id), own.id("plan")),
            ] {
                server.get_as(&token, &path).problem(404, "not_found");
            }
        }
        // one tile holds both villages
        let (row, column) = tile_of(12, theirs.at[0], theirs.at[1]);
        for layer in &LAYERS[..5] {
            let path = format!("/ogc/collections/{layer}/tiles/WebMercatorQuad/12/{row}/{column}");
            let (seen, all) = (server.get_as(&token, &path).is(200), server.get(&path).is(200));
            let holds = |reply: &Reply, word: &str| reply.body.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(holds(&all, theirs.village) && holds(&all, own.village), "{layer}");
            assert!(!holds(&seen, theirs.village) && holds(&seen, own.village), "{role}: {layer}");
            // and what is drawn is of these villages, read by a decoder that is none of ours
            assert_eq!(villages(layer, &seen), BTreeSet::from([own.village.to_owned()]), "{role}: {layer}");
            if role == ROLES[0] {
                let both = villages(layer, &all);
                assert!(both.contains(own.village) && both.contains(theirs.village), "{layer}: {both:?}");
            }
        }
        // hotspots are made of one's own incident alone
        let (here, there) = (cell_of(own.at), cell_of(theirs.at));
        assert_eq!(crowded(server, &token), BTreeMap::from([(here.clone(), 1)]), "{role}");
        assert_eq!(crowded(server, &server.token), BTreeMap::from([(here, 1), (there, 1)]));
        let count = |token: &str| {
            let found = server.get_as(token, "/api/hotspots?view=count").is(200).json();
            found["incidents"].as_u64().zip(found["outside"].as_u64()).map(|(a, b)| a + b)
        };
        assert_eq!((count(&token), count(&server.token)), (Some(1), Some(2)), "one incident a village");
    }
    assert!(answered > 70, "{answered}");
}

/// Whoever may does with success what all others were refused: the bodies were good. The neighbours' stream tells of it, ours does not.
fn whoever_may_succeeds(server: &Server, own: &Objects, theirs: &Objects) {
    let operations = operations(server);
    let mut streams = [&own.admin, &theirs.admin].map(|token| Stream::open(server, token, None));
    for stream in &mut streams {
        stream.hello();
    }
    // what others build on comes first, what takes away last; a building that no plan has yet goes before plans are edited
    let turns = "replaceFeature updateFeature deleteFeature addUser addToken changeUser upload uploadLedger judgeImport makePlan export \
        addOfficer replaceOfficer revealOfficer previewEdit fork editPlan undo redo followRegister publish reportIncident reportIncidents \
        advanceIncident putIncidentPhoto deleteIncidentPhoto acknowledgeAlert putAlertRule intake removeOfficer deleteAlertRule \
        createFeature commitImport forgetImport cancelJob revokeToken";
    let turns: Vec<&str> = turns.split_whitespace().collect();
    let writing: Vec<&Operation> = operations.iter().filter(|o| o.method != "GET").collect();
    let mut names: Vec<&str> = writing.iter().map(|o| o.id.as_str()).collect();
    names.sort_unstable();
    let mut sorted = turns.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted, "every operation that writes has its turn");
    for turn in turns {
        let operation = writing.iter().find(|o| o.id == turn).expect("an operation");
        let head = server.get(&format!("/api/plans/{}", theirs.id("plan"))).is(200).json();
        let version = head["plan"]["version"].as_u64().expect("a version");
        let path = path_of(operation, theirs);
        let mut sent = wish(server, operation, theirs, version);
        // uploads and jobs are their owner's
        let owners = matches!(turn, "judgeImport" | "commitImport" | "forgetImport" | "cancelJob");
        let token = if owners { &theirs.planner } else { &theirs.admin };
        let mut reply = ask(server, token, operation, &path, &sent);
        if reply.status == 412 {
            let now = format!("\"{}\"", reply.json()["current_version"]);
            sent.headers.iter_mut().filter(|h| h.0 == "if-match").for_each(|h| h.1.clone_from(&now));
            reply = ask(server, token, operation, &path, &sent);
        }
        assert!(reply.status < 300, "{turn}: {} {}", reply.status, reply.text());
        if matches!(reply.status, 202) && turn != "cancelJob" {
            let done = server.job_as(token, &reply.json());
            assert_eq!(done["status"], "done", "{turn}: {done}");
        }
    }
    let [ours, neighbours] = streams.each_mut().map(|s| s.everything(Duration::from_secs(2)));
    let told = |events: &[crate::events::Event]| -> Vec<String> {
        events.iter().filter_map(|e| theirs.tells(&e.data.to_string()).map(str::to_owned)).collect()
    };
    assert!(told(&neighbours).len() > 3, "{neighbours:?}");
    assert_eq!(told(&ours), Vec::<String>::new(), "{ours:?}");
}

/// Everything was asked of the service by now. Its log is lines of JSON, with routes in them and no name, telephone, password, token, code or id.
fn log_tells_of_nobody(server: &Server, of: &[&Objects]) {
    let log = server.log();
    let (mut lines, mut routes) = (0, BTreeSet::new());
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for name in ["timestamp", "level", "message"] {
            assert!(line[name].is_string(), "{name}: {line}");
        }
        routes.extend(line["route"].as_str().map(str::to_owned));
        lines += 1;
    }
    assert!(
        lines > 1_000 && routes.contains("/api/officers/{id}/reveal") && routes.contains("/api/users"),
        "{routes:?}"
    );
    for objects in of {
        assert_eq!(objects.tells(&log), None, "{}", objects.village);
        for token in [&objects.planner, &objects.exporter, &objects.admin] {
            assert!(!log.contains(token.as_str()), "a token of {}", objects.village);
        }
    }
    for word in ["13800138000", "县管理员", PASSWORD, server.token.as_str()] {
        assert!(!log.contains(word), "{word}");
    }
}

fn a01_what_the_neighbours_really_have_is_out_of_reach(place: Place) {
    let server = service(place);
    let own = filled(&server, VILLAGE, "本地");
    let theirs = filled(&server, NEIGHBOUR, "秦外");
    foreign_objects_are_not_there(&server, &own, &theirs);
    many_rows_are_ones_own_alone(&server, &own, &theirs);
    whoever_may_succeeds(&server, &own, &theirs);
    log_tells_of_nobody(&server, &[&own, &theirs]);
}

#[test]
fn a01_what_the_neighbours_really_have_is_out_of_reach_sqlite() {
    a01_what_the_neighbours_really_have_is_out_of_reach(Place::sqlite());
}

#[test]
fn a01_what_the_neighbours_really_have_is_out_of_reach_postgis() {
    a01_what_the_neighbours_really_have_is_out_of_reach(Place::postgis());
}
