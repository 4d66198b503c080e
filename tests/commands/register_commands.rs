//! The register from outside: files in, a plan, files out, a backup, and what is refused.

#![expect(clippy::panic, reason = "a test fails loudly")]

use std::path::{Path, PathBuf};

use lianhu::store::{Layer, OpenMode, OpenOptions, Role, Scope, StoreError, open};

use crate::common::{done, lianhu, said};

const STORE: &str = "--store sqlite:register.gpkg";

fn fixture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "township", name].iter().collect();
    path.display().to_string()
}

/// A store with the fixture township.
fn township(folder: &Path) {
    done(folder, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    done(folder, &format!("import {STORE} --layer barriers --region 520423 {}", fixture("barriers.geojson")));
    let brought = done(folder, &format!("import {STORE} --layer 住户 {}", fixture("households.csv")));
    assert!(brought.contains("households：新增 8000"), "{brought}");
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("a temporary folder: {e}"))
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn what_is_imported_is_planned_published_and_handed_out() {
    let dir = folder();
    let at = dir.path();
    township(at);
    let planned = done(
        at,
        &format!(
            "draft {STORE} --region 520423102003 --profile huangguoshu --name 试点 --budget 0 --publish 2026-12-01"
        ),
    );
    assert!(planned.contains("1 村 villages") && planned.contains("H1–H11：无违反"), "{planned}");
    for (layer, file) in [("grids", "g.geojson"), ("units", "u.xlsx"), ("leaders", "l.csv")] {
        let said = done(at, &format!("export {STORE} --layer {layer} {file}"));
        assert!(!said.contains("：0 行"), "{layer}: {said}");
    }
    let grids = crate::common::json(&at.join("g.geojson"));
    let features = grids["features"].as_array().cloned().unwrap_or_default();
    let households: i64 = features.iter().filter_map(|f| f["properties"]["households"].as_i64()).sum();
    done(at, &format!("export {STORE} --layer households --region 520423102003 h.geojson"));
    let rows = crate::common::json(&at.join("h.geojson"))["features"].as_array().map_or(0, Vec::len);
    assert_eq!(households, i64::try_from(rows).unwrap_or(0), "every household of the village is in one of its grids");
    let piped = lianhu(at, &format!("export {STORE} --layer households --region 520423102003 --format geojson -"));
    assert_eq!(piped.stdout, bytes(&at.join("h.geojson")), "the rows alone, and what is said of them beside");
    assert!(!at.join("-").exists());
    assert!(done(at, "check sqlite:register.gpkg").contains("库完好"));
}

#[test]
fn export_imported_again_changes_nothing_and_is_handed_out_with_the_same_bytes() {
    let dir = folder();
    let at = dir.path();
    township(at);
    for layer in ["regions", "buildings", "households", "barriers"] {
        for ending in ["csv", "xlsx", "geojson", "geojsonl", "gpkg", "fgb", "kml"] {
            let (one, two) = (format!("{layer}1.{ending}"), format!("{layer}2.{ending}"));
            done(at, &format!("export {STORE} --layer {layer} {one}"));
            let again = done(at, &format!("import {STORE} --layer {layer} {one}"));
            assert!(again.contains("新增 0，更新 0") && again.contains("冲突 0"), "{layer} {ending}: {again}");
            done(at, &format!("export {STORE} --layer {layer} {two}"));
            assert!(bytes(&at.join(&one)) == bytes(&at.join(&two)), "{layer} {ending} came back otherwise");
        }
    }
}

#[test]
fn faulty_rows_are_all_named_and_nothing_is_stored_unless_partial() {
    let dir = folder();
    let at = dir.path();
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    let text = "户号,经度,纬度,楼栋,身份证号\nA1,105.66,26.0,B1,x\nA2,26.0,105.66,B2,x\nA3,not,26.0,B3,x\nA1,105.66,26.0,B1,x\n";
    std::fs::write(at.join("h.csv"), text).unwrap_or_else(|e| panic!("{e}"));
    let before = bytes(&at.join("register.gpkg"));
    let out = lianhu(at, &format!("import {STORE} --layer households --region 520423102003 h.csv --faults f.csv"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    let list = String::from_utf8(bytes(&at.join("f.csv"))).unwrap_or_default();
    for word in ["h.csv", "A2", "A3", "duplicate_id"] {
        assert!(list.contains(word), "{word} is not in the list:\n{list}");
    }
    assert!(said(&out).contains("身份证号"), "the personal column is named: {}", said(&out));
    done(at, "check sqlite:register.gpkg");
    let out = done(at, &format!("export {STORE} --layer households none.csv"));
    assert!(out.contains("0 行"), "{out}");
    assert!(!before.is_empty());
    let out = done(at, &format!("import {STORE} --layer households --region 520423102003 h.csv --partial"));
    assert!(out.contains("households：新增 1"), "{out}");
}

#[test]
fn backup_becomes_a_store_again_and_never_replaces_one() {
    let dir = folder();
    let at = dir.path();
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    done(at, &format!("backup {STORE} copy.gpkg"));
    done(at, "restore --store sqlite:other.gpkg copy.gpkg");
    done(at, "export --store sqlite:other.gpkg --layer regions r.csv");
    done(at, &format!("export {STORE} --layer regions s.csv"));
    assert!(bytes(&at.join("r.csv")) == bytes(&at.join("s.csv")));
    let out = lianhu(at, &format!("restore {STORE} copy.gpkg"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
}

/// What QGIS does to the file of a stopped store.
fn edited_elsewhere(at: &Path, sql: &str) {
    let mut command = std::process::Command::new("ogrinfo");
    let out = command.current_dir(at).args(["register.gpkg", "-q", "-sql", sql]).output();
    let out = out.unwrap_or_else(|e| panic!("ogrinfo: {e}: 请安装 gdal-bin / install gdal-bin"));
    let said = said(&out);
    assert!(out.status.success() && !said.contains("ERROR"), "{sql}: {said}");
}

/// A store with divisions and barriers only; the file and the name of one of its barriers.
fn small(at: &Path) -> (String, String) {
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    done(at, &format!("import {STORE} --layer barriers --region 520423 {}", fixture("barriers.geojson")));
    done(at, &format!("export {STORE} --layer barriers before.geojson"));
    let before = crate::common::json(&at.join("before.geojson"));
    let first = &before["features"][0]["properties"];
    let text = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
    (text("id"), text("kind"))
}

fn kind_of(at: &Path, id: &str) -> Option<String> {
    done(at, &format!("export {STORE} --layer barriers now.geojson"));
    let now = crate::common::json(&at.join("now.geojson"));
    let rows = now["features"].as_array().cloned().unwrap_or_default();
    let row = rows.iter().map(|f| &f["properties"]).find(|p| p["id"].as_str() == Some(id))?;
    Some(row["kind"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn edit_by_another_program_is_listed_accepted_or_taken_back() {
    let dir = folder();
    let at = dir.path();
    let (id, kind) = small(at);
    let other = if kind == "road" { "river" } else { "road" };
    let edit = format!("UPDATE barriers SET kind = '{other}' WHERE id = '{id}'");
    assert!(done(at, &format!("foreign list {STORE}")).contains("没有待确认的修改"));
    // accepted
    edited_elsewhere(at, &edit);
    let listed = done(at, &format!("foreign list {STORE}"));
    assert!(listed.contains(&id) && listed.contains(other) && listed.contains("1 处修改待确认"), "{listed}");
    assert!(done(at, &format!("foreign list {STORE} --layer regions")).contains("没有待确认的修改"));
    assert_eq!(lianhu(at, "check sqlite:register.gpkg").status.code(), Some(1));
    assert_eq!(lianhu(at, &format!("foreign accept {STORE}")).status.code(), Some(2), "which ones, or --all");
    assert!(done(at, &format!("foreign accept {STORE} {id}")).contains("accepted: 1"));
    done(at, "check sqlite:register.gpkg");
    assert_eq!(kind_of(at, &id).as_deref(), Some(other));
    // taken back
    edited_elsewhere(at, &format!("UPDATE barriers SET kind = 'wall' WHERE id = '{id}'"));
    assert!(done(at, &format!("foreign take-back {STORE} --all")).contains("taken back: 1"));
    done(at, "check sqlite:register.gpkg");
    assert_eq!(kind_of(at, &id).as_deref(), Some(other));
    // deleted: seen, taken back, deleted again, accepted
    let delete = format!("DELETE FROM barriers WHERE id = '{id}'");
    edited_elsewhere(at, &delete);
    let checked = lianhu(at, "check sqlite:register.gpkg");
    assert!(checked.status.code() == Some(1) && said(&checked).contains(&id), "{}", said(&checked));
    assert!(done(at, &format!("foreign list {STORE}")).contains("删除 delete"));
    done(at, &format!("foreign take-back {STORE} {id}"));
    assert_eq!(kind_of(at, &id).as_deref(), Some(other));
    edited_elsewhere(at, &delete);
    done(at, &format!("foreign accept {STORE} --layer barriers --all"));
    done(at, "check sqlite:register.gpkg");
    assert_eq!(kind_of(at, &id), None);
    let history = done(at, &format!("history {STORE} --layer barriers {id}"));
    assert!(history.contains("kind") && history.contains(other) && history.contains("其他软件"), "{history}");
    let out = lianhu(at, &format!("foreign accept {STORE} nobody"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
}

#[test]
fn audit_and_history_name_the_account_beside_its_id() {
    let dir = folder();
    let at = dir.path();
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    let village = "520423102003";
    let url = format!("sqlite:{}", at.join("register.gpkg").display());
    let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|e| panic!("a runtime: {e}"));
    let done_as_user = async {
        let store = open(&url, OpenOptions::new(OpenMode::ReadWrite)).await?;
        let all = Scope::whole_store(Role::Admin);
        let user = store.add_user(&all, "test", "县管理员", &all, "hash").await?;
        store.remove(&all, &user.id, Layer::Regions, &[village.to_owned()], (None, Some("撤并"))).await?;
        store.close().await;
        Ok::<_, StoreError>(user.id)
    };
    let id = runtime.block_on(done_as_user).unwrap_or_else(|e| panic!("done: {e}"));
    let named = format!("{id}（县管理员）");
    for line in [format!("audit {STORE}"), format!("history {STORE} --layer regions {village}")] {
        let told = done(at, &line);
        assert!(told.lines().any(|l| l.split('\t').any(|cell| cell == named)), "{told}");
    }
    let log = done(at, &format!("audit {STORE}"));
    let first: Vec<&str> = log.lines().next().unwrap_or_default().split('\t').collect();
    assert!(first.len() == 7 && !first[2].contains('（'), "what the command line did has no name: {log}");
}

#[test]
fn backup_of_a_store_edited_elsewhere_is_restored_and_settled_there() {
    let dir = folder();
    let at = dir.path();
    let (id, _) = small(at);
    edited_elsewhere(at, &format!("UPDATE barriers SET kind = 'wall' WHERE id = '{id}'"));
    done(at, &format!("backup {STORE} copy.gpkg"));
    let restored = done(at, "restore --store sqlite:other.gpkg copy.gpkg");
    assert!(restored.contains("foreign list"), "{restored}");
    done(at, "foreign take-back --store sqlite:other.gpkg --all");
    done(at, "check sqlite:other.gpkg");
    done(at, "export --store sqlite:other.gpkg --layer barriers after.geojson");
    assert!(
        crate::common::json(&at.join("before.geojson"))["features"][0]["properties"]["kind"]
            == crate::common::json(&at.join("after.geojson"))["features"][0]["properties"]["kind"]
    );
}

#[test]
fn history_says_who_changed_a_household_when_and_why() {
    let dir = folder();
    let at = dir.path();
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    let rows = |persons: u32| format!("户号,经度,纬度,楼栋,人口\nA1,105.66,26.0,B1,{persons}\nA2,105.66,26.0,B1,2\n");
    let file = at.join("h.csv");
    let bring = |persons: u32, reason: &str| {
        std::fs::write(&file, rows(persons)).unwrap_or_else(|e| panic!("{e}"));
        done(at, &format!("import {STORE} --layer households --region 520423102003 --reason {reason} h.csv"));
    };
    bring(3, "首次登记");
    bring(5, "入户核查");
    let history = done(at, &format!("history {STORE} A1"));
    let lines: Vec<Vec<&str>> = history.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(lines.len(), 2, "{history}");
    assert_eq!(lines[0][1..], ["cli", "register.change", "*", "null", "true", "首次登记"]);
    assert_eq!(lines[1][1..], ["cli", "register.change", "persons", "3", "5", "入户核查"]);
    assert_eq!(done(at, &format!("history {STORE} A2")).lines().count(), 1, "the other row was not touched");
    assert!(done(at, &format!("audit {STORE}")).contains("入户核查"));
    assert_eq!(lianhu(at, &format!("history {STORE} nobody")).status.code(), Some(3));
    assert_eq!(lianhu(at, &format!("history {STORE} --layer nothing A1")).status.code(), Some(2));
}

#[test]
fn interrupted_import_exits_130_and_leaves_the_old_state() {
    let dir = folder();
    let at = dir.path();
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    done(at, &format!("export {STORE} --layer regions before.csv"));
    let mut text = String::from("户号,经度,纬度,楼栋\n");
    for i in 0..150_000 {
        text.push_str(&format!("A{i},105.66,26.0,B{}\n", i / 8));
    }
    std::fs::write(at.join("h.csv"), text).unwrap_or_else(|e| panic!("{e}"));
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .current_dir(at)
        .args(format!("import {STORE} --layer households --region 520423102003 h.csv").split_whitespace())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{e}"));
    // by the time the store is its own, Ctrl-C is listened to
    let (lock, own) = (at.join("register.gpkg.lock"), format!("pid {}", child.id()));
    let is_open = || std::fs::read_to_string(&lock).is_ok_and(|holder| holder == own);
    let begun = std::time::Instant::now();
    while !is_open() && begun.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|s| s.success()), "the signal is sent");
    let out = child.wait_with_output().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out.status.code(), Some(130), "{}", said(&out));
    assert!(done(at, "check sqlite:register.gpkg").contains("库完好"));
    assert!(done(at, &format!("export {STORE} --layer households h2.csv")).contains("0 行"));
    done(at, &format!("export {STORE} --layer regions after.csv"));
    assert!(bytes(&at.join("before.csv")) == bytes(&at.join("after.csv")));
}

#[test]
fn layers_and_ledgers_of_plans_are_handed_out_by_box_and_by_day() {
    let dir = folder();
    let at = dir.path();
    township(at);
    let draft = format!("draft {STORE} --region 520423102003 --profile huangguoshu --budget 0");
    done(at, &format!("{draft} --name 一 --seed 1 --publish 2026-01-01"));
    done(at, &format!("export {STORE} --layer grids one.geojson"));
    done(at, &format!("export {STORE} --layer ledger-grids one.csv"));
    done(at, &format!("{draft} --name 二 --seed 2 --publish 2026-06-01"));
    let features = |file: &str| crate::common::json(&at.join(file))["features"].as_array().cloned().unwrap_or_default();
    // the day before the first plan, of each plan, and today
    let on = |day: &str| {
        done(at, &format!("export {STORE} --layer grids --as-of {day} on.geojson"));
        features("on.geojson")
    };
    assert!(on("2025-12-31").is_empty());
    let first = on("2026-05-31");
    assert_eq!(first.len(), features("one.geojson").len());
    let shapes = |list: &[serde_json::Value]| list.iter().map(|f| f["geometry"].to_string()).collect::<Vec<_>>();
    assert_eq!(shapes(&first), shapes(&features("one.geojson")), "the plan of that day");
    done(at, &format!("export {STORE} --layer grids now.geojson"));
    let now = features("now.geojson");
    assert_eq!(shapes(&on("2026-06-01")), shapes(&now));
    for f in &now {
        let p = &f["properties"];
        assert!(p["valid_from"].is_string() && p["level"] == 1 && p.get("predecessors").is_some(), "{p}");
    }
    for layer in ["units", "leaders"] {
        assert!(done(at, &format!("export {STORE} --layer {layer} --as-of 2025-12-31 {layer}.csv")).contains("：0 行"));
        assert!(
            !done(at, &format!("export {STORE} --layer {layer} --as-of 2026-05-31 {layer}.csv")).contains("：0 行")
        );
    }
    done(at, &format!("export {STORE} --layer ledger-grids --as-of 2026-05-31 then.csv"));
    let text = |file: &str| String::from_utf8_lossy(&bytes(&at.join(file))).into_owned();
    assert_eq!(text("then.csv").lines().count(), text("one.csv").lines().count());
    done(at, &format!("export {STORE} --layer ledger-grids --as-of 2025-12-31 none.csv"));
    assert_eq!(text("none.csv").lines().count(), 1, "the header alone");
    // members of then are not kept: a plan that was edited since is not answered for
    done(at, &format!("{draft} --name 三 --seed 3"));
    let listed = done(at, &format!("plans {STORE} list"));
    let third = listed.lines().find(|l| l.contains("三")).and_then(|l| l.split_whitespace().next());
    let third = third.unwrap_or_else(|| panic!("{listed}"));
    let then =
        |layer: &str| lianhu(at, &format!("export {STORE} --layer {layer} --plan {third} --as-of 2026-06-01 x.csv"));
    assert_eq!(then("grids").status.code(), Some(0));
    let code = now[0]["properties"]["code"].as_str().unwrap_or_default();
    let rename = format!(r#"[{{"operation": "rename", "grid": "{code}", "name": "改名"}}]"#);
    std::fs::write(at.join("rename.json"), rename).unwrap_or_else(|e| panic!("{e}"));
    done(at, &format!("plans {STORE} edit {third} --village 520423102003 rename.json"));
    for layer in ["grids", "units", "ledger-units"] {
        let refused = then(layer);
        assert!(refused.status.code() == Some(2) && said(&refused).contains("was edited after"), "{}", said(&refused));
    }
    let wrong = lianhu(at, &format!("export {STORE} --layer grids --as-of 2026-02-30 x.geojson"));
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    // a box: whatever bounds meet it, no more and no less
    let bounds = |f: &serde_json::Value| {
        let mut b = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        fn each(v: &serde_json::Value, b: &mut [f64; 4]) {
            match v.as_array().map(Vec::as_slice) {
                Some([x, y, ..]) if x.is_number() => {
                    let (x, y) = (x.as_f64().unwrap_or(0.0), y.as_f64().unwrap_or(0.0));
                    *b = [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)];
                }
                Some(list) => list.iter().for_each(|v| each(v, b)),
                None => {}
            }
        }
        each(&f["geometry"]["coordinates"], &mut b);
        b
    };
    let of_first = bounds(&now[0]);
    let (x, y) = ((of_first[0] + of_first[2]) / 2.0, (of_first[1] + of_first[3]) / 2.0);
    done(at, &format!("export {STORE} --layer grids --bbox {x},{y},{x},{y} box.geojson"));
    let code = |f: &serde_json::Value| f["properties"]["code"].to_string();
    let inside: Vec<String> = features("box.geojson").iter().map(code).collect();
    let wanted = now.iter().filter(|f| {
        let b = bounds(f);
        b[0] <= x && x <= b[2] && b[1] <= y && y <= b[3]
    });
    assert_eq!(inside, wanted.map(code).collect::<Vec<_>>());
    assert!(!inside.is_empty());
    for layer in ["units", "leaders"] {
        let far = done(at, &format!("export {STORE} --layer {layer} --bbox 1,1,2,2 far.csv"));
        assert!(far.contains("：0 行"), "{layer}: {far}");
    }
}

#[test]
fn usage_errors_say_what_there_is() {
    let dir = folder();
    let out = lianhu(dir.path(), "import --store sqlite:x.gpkg --layer nothing a.csv");
    assert_eq!(out.status.code(), Some(2));
    assert!(said(&out).contains("households"), "{}", said(&out));
    let out = lianhu(dir.path(), "export --store mysql://x --layer regions a.csv");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    let out = lianhu(dir.path(), "export --store sqlite:x.gpkg --layer regions --bbox 1,2,3 a.csv");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
}
