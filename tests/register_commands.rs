//! The register from outside: files in, a plan, files out, a backup, and what is refused.

#![expect(clippy::panic, reason = "a test fails loudly")]

mod common;

use std::path::{Path, PathBuf};

use common::{done, lianhu, said};

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
    let grids = common::json(&at.join("g.geojson"));
    let features = grids["features"].as_array().cloned().unwrap_or_default();
    let households: i64 = features.iter().filter_map(|f| f["properties"]["households"].as_i64()).sum();
    done(at, &format!("export {STORE} --layer households --region 520423102003 h.geojson"));
    let rows = common::json(&at.join("h.geojson"))["features"].as_array().map_or(0, Vec::len);
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
    let before = common::json(&at.join("before.geojson"));
    let first = &before["features"][0]["properties"];
    let text = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
    (text("id"), text("kind"))
}

fn kind_of(at: &Path, id: &str) -> Option<String> {
    done(at, &format!("export {STORE} --layer barriers now.geojson"));
    let now = common::json(&at.join("now.geojson"));
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
        common::json(&at.join("before.geojson"))["features"][0]["properties"]["kind"]
            == common::json(&at.join("after.geojson"))["features"][0]["properties"]["kind"]
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
