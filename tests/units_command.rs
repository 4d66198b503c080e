//! `lianhu units` from outside: labels, report, replay, exit codes.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lianhu")).current_dir(folder).args(arguments).output().expect("the program starts")
}

/// A village of `n` households in houses of one to three along a winding lane.
fn village(folder: &Path, n: u32) -> PathBuf {
    let mut text = String::from("id,x,y,building\n");
    for i in 0..n {
        let house = f64::from(i / 2 * 2);
        text.push_str(&format!("h{i},{:.2},{:.2},b{house}\n", house * 7.0, (house * 0.3).sin() * 60.0));
    }
    let path = folder.join("village.csv");
    std::fs::write(&path, text).expect("writable");
    path
}

fn labels(path: &Path) -> Vec<i64> {
    std::fs::read_to_string(path).expect("labels").lines().map(|l| l.parse().expect("integer")).collect()
}

#[test]
fn labels_are_legal_and_equal_at_any_thread_count() {
    let folder = tempfile::tempdir().expect("folder");
    village(folder.path(), 333);
    let mut all = Vec::new();
    for threads in ["1", "2", "4"] {
        let out = run(
            folder.path(),
            &[
                "units",
                "village.csv",
                "--min",
                "10",
                "--max",
                "15",
                "--rounds",
                "9",
                "--threads",
                threads,
                "--labels",
                "l.txt",
            ],
        );
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        all.push(labels(&folder.path().join("l.txt")));
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    assert_eq!(all[0].len(), 333);
    for unit in 0..=*all[0].iter().max().expect("labels") {
        let size = all[0].iter().filter(|l| **l == unit).count();
        assert!((10..=15).contains(&size), "unit {unit} has {size}");
    }
}

#[test]
fn replay_repeats_a_timed_run() {
    let folder = tempfile::tempdir().expect("folder");
    village(folder.path(), 200);
    let first = run(
        folder.path(),
        &[
            "units",
            "village.csv",
            "--min",
            "10",
            "--max",
            "15",
            "--budget",
            "0.2",
            "--labels",
            "a.txt",
            "--report",
            "r.json",
        ],
    );
    assert!(first.status.success());
    let again = run(
        folder.path(),
        &["units", "village.csv", "--min", "10", "--max", "15", "--replay", "r.json", "--labels", "b.txt"],
    );
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(labels(&folder.path().join("a.txt")), labels(&folder.path().join("b.txt")));
}

#[test]
fn nine_households_are_a_listed_exception() {
    let folder = tempfile::tempdir().expect("folder");
    village(folder.path(), 9);
    let out = run(
        folder.path(),
        &["units", "village.csv", "--min", "10", "--max", "15", "--labels", "l.txt", "--report", "r.json"],
    );
    assert!(out.status.success());
    assert_eq!(labels(&folder.path().join("l.txt")), [-1; 9]);
    let report = std::fs::read_to_string(folder.path().join("r.json")).expect("report");
    assert!(report.contains("too_few_households"));
}

#[test]
fn bad_input_says_where_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("bad.csv"), "id,x,y\na,1,2\na,NaN,2\n").expect("writable");
    let out = run(folder.path(), &["units", "bad.csv", "--min", "10", "--max", "15", "--labels", "l.txt"]);
    assert_eq!(out.status.code(), Some(3));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("line 3") && said.contains("not_a_number") && said.contains("duplicate_id"), "{said}");
    assert!(!folder.path().join("l.txt").exists());
}

#[test]
fn usage_errors_exit_with_two() {
    let folder = tempfile::tempdir().expect("folder");
    village(folder.path(), 30);
    for wrong in [
        &["units", "village.csv", "--min", "15", "--max", "10"][..],
        &["units", "village.csv", "--min", "0", "--max", "10"],
        &["units", "village.csv", "--container", "hamlet=maybe"],
        &["units"],
        &["nonsense"],
    ] {
        assert_eq!(run(folder.path(), wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn certified_bound_stands_in_the_report_and_is_replayed() {
    let folder = tempfile::tempdir().expect("folder");
    village(folder.path(), 60);
    let sizes = ["units", "village.csv", "--min", "10", "--max", "15"];
    let out = run(
        folder.path(),
        &[&sizes[..], &["--rounds", "4", "--certify", "--labels", "a.txt", "--report", "r.json"]].concat(),
    );
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = std::fs::read_to_string(folder.path().join("r.json")).expect("report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let soft = |name: &str| report["soft"][name].as_f64().expect(name);
    assert!(soft("lower_bound_m2") > 0.0 && soft("lower_bound_m2") <= soft("sse_m2"));
    assert!((0.0..0.2).contains(&soft("certified_gap")));
    assert_eq!(report["parameters"]["certify"], true);
    let again =
        run(folder.path(), &[&sizes[..], &["--replay", "r.json", "--labels", "b.txt", "--report", "s.json"]].concat());
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(labels(&folder.path().join("a.txt")), labels(&folder.path().join("b.txt")));
    let text = std::fs::read_to_string(folder.path().join("s.json")).expect("report");
    let second: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["soft"], second["soft"]);
}

#[test]
fn no_unit_crosses_a_river_and_a_profile_sets_the_rules() {
    let folder = tempfile::tempdir().expect("folder");
    village(folder.path(), 300);
    let river = r#"{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{"type":"Feature","properties":{"kind":"river","hard":true},"geometry":{"type":"LineString","coordinates":[[1000,-900],[1000,900]]}}]}"#;
    std::fs::write(folder.path().join("river.geojson"), river).expect("writable");
    let out = run(
        folder.path(),
        &[
            "units",
            "village.csv",
            "--profile",
            "jingkai",
            "--barriers",
            "river.geojson",
            "--rounds",
            "4",
            "--labels",
            "l.txt",
        ],
    );
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = std::fs::read_to_string(folder.path().join("village.csv")).expect("file");
    let east = text.lines().skip(1).map(|l| l.split(',').nth(1).expect("x").parse::<f64>().expect("number") > 1_000.0);
    let mut sides = std::collections::BTreeMap::<i64, (u32, std::collections::BTreeSet<bool>)>::new();
    for (label, side) in labels(&folder.path().join("l.txt")).into_iter().zip(east) {
        let entry = sides.entry(label).or_default();
        entry.0 += 1;
        entry.1.insert(side);
    }
    assert!(sides.len() > 4 && sides.values().all(|s| s.1.len() == 1), "{sides:?}");
    assert!(sides.values().all(|s| (10..=30).contains(&s.0)) && sides.values().any(|s| s.0 > 15), "{sides:?}");
}
