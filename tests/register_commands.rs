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
