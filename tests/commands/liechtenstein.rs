//! A real county end to end: the communes of Liechtenstein from an OpenStreetMap extract that is not part of the project.
//!
//! Assumption, since the extract counts no dwellings: a building with a house number that people can live in holds one household; one
//! tagged `apartments` holds two a storey (three storeys where none are given), or its `flats`. Named communes are the villages; rivers
//! and rails are hard barriers, road bridges re-open a crossing.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::path::{Path, PathBuf};
use std::process::Command;

use lianhu::exchange::{Feature, ReadOptions, features};
use serde_json::{Value, json};

/// Buildings nobody lives in, though they have a number.
const NO_DWELLING: [&str; 32] = [
    "commercial",
    "office",
    "industrial",
    "retail",
    "school",
    "public",
    "chapel",
    "stable",
    "church",
    "shed",
    "civic",
    "sports_centre",
    "roof",
    "government",
    "kindergarten",
    "service",
    "farm_auxiliary",
    "warehouse",
    "stadium",
    "train_station",
    "hospital",
    "university",
    "garage",
    "barn",
    "transportation",
    "transformer_tower",
    "toilets",
    "sports_hall",
    "ruins",
    "parking",
    "museum",
    "construction",
];

fn source() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/liechtenstein_osm.gpkg");
    path.exists().then_some(path)
}

fn layer(path: &Path, name: &str) -> Vec<Feature> {
    features(&path.to_string_lossy(), Some(name), &ReadOptions::default()).expect("readable layer").value
}

fn text(f: &Feature, name: &str) -> String {
    f.properties.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn write(path: &Path, features: Vec<Value>) {
    std::fs::write(path, json!({"type": "FeatureCollection", "features": features}).to_string()).expect("writable");
}

fn feature(f: &Feature, properties: Value) -> Value {
    json!({"type": "Feature", "geometry": geojson::Geometry::new(geojson::GeometryValue::from(&f.geometry)), "properties": properties})
}

fn households(f: &Feature) -> u64 {
    let kind = text(f, "building");
    if text(f, "addr_no").is_empty() || NO_DWELLING.contains(&kind.as_str()) {
        return 0;
    }
    match (kind.as_str(), text(f, "flats").parse::<u64>()) {
        (_, Ok(flats)) if flats > 0 => flats,
        ("apartments", _) => 2 * text(f, "levels").parse::<u64>().unwrap_or(3).clamp(1, 30),
        _ => 1,
    }
}

fn prepare(source: &Path, folder: &Path) -> usize {
    let communes: Vec<Feature> = layer(source, "admin")
        .into_iter()
        .filter(|f| text(f, "admin_level") == "8" && !text(f, "name").is_empty())
        .collect();
    assert_eq!(communes.len(), 11);
    let regions = communes.iter().map(|f| feature(f, json!({"name": text(f, "name"), "level": "village"}))).collect();
    write(&folder.join("regions.geojson"), regions);
    let inside = |f: &Feature| {
        use geo::{Contains, InteriorPoint};
        let p = f.geometry.interior_point();
        p.is_some_and(|p| communes.iter().any(|c| c.geometry.contains(&p)))
    };
    let buildings = layer(source, "buildings");
    let lived_in: Vec<Value> = buildings
        .iter()
        .filter(|f| households(f) > 0 && inside(f))
        .map(|f| feature(f, json!({"id": text(f, "id"), "households": households(f)})))
        .collect();
    let count = lived_in.len();
    write(&folder.join("households.geojson"), lived_in);
    let mut barriers = Vec::new();
    for f in layer(source, "waterways").iter().filter(|f| text(f, "waterway") == "river") {
        barriers.push(feature(f, json!({"kind": "river", "hard": true, "name": text(f, "name")})));
    }
    for f in layer(source, "railways").iter().filter(|f| text(f, "railway") == "rail") {
        barriers.push(feature(f, json!({"kind": "railway", "hard": true})));
    }
    for f in layer(source, "roads").iter().filter(|f| text(f, "bridge") == "yes") {
        barriers.push(feature(f, json!({"kind": "bridge", "hard": false})));
    }
    write(&folder.join("barriers.geojson"), barriers);
    count
}

#[test]
fn every_commune_is_planned_without_a_breach() {
    let Some(source) = source() else {
        println!("passed over: the extract is not on this machine");
        return;
    };
    let kept = std::env::var_os("LIANHU_KEEP").map(PathBuf::from);
    let folder = tempfile::tempdir().expect("folder");
    let folder = kept.as_deref().unwrap_or_else(|| folder.path());
    std::fs::create_dir_all(folder).expect("folder");
    let buildings = prepare(&source, folder);
    assert!(buildings > 9_000, "only {buildings} buildings are lived in");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_lianhu"))
            .current_dir(folder)
            .args(arguments)
            .output()
            .expect("the program starts")
    };
    let out = run(&[
        "plan",
        "households.geojson",
        "--profile",
        "xixiu",
        "--regions",
        "regions.geojson",
        "--barriers",
        "barriers.geojson",
        "--budget",
        "0",
        "--out",
        "plan",
    ]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("plan/report.json")).expect("report")).expect("JSON");
    for rule in 1..=11 {
        assert_eq!(report["hard"][format!("H{rule}")], json!(0), "H{rule}");
    }
    let villages: std::collections::BTreeSet<String> = std::fs::read_to_string(folder.join("plan/assignment.csv"))
        .expect("assignment")
        .lines()
        .skip(1)
        .filter_map(|l| l.split(',').nth(2).map(str::to_owned))
        .collect();
    assert_eq!(villages.len(), 11);
    for e in report["exceptions"].as_array().expect("exceptions") {
        assert!(["too_few_households", "no_legal_division"].contains(&e["reason"].as_str().expect("reason")), "{e}");
    }
    let checked = run(&["check", "plan"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
