//! Degenerate input to every solving command: a clear error or a listed exception, never a panic, never half an output.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::path::Path;

use crate::common::{json, labels, lianhu, said};

const COMMANDS: [&str; 3] = [
    "units in.csv --min 10 --max 15 --rounds 3 --labels out.txt --report out.json --geojson out.geojson",
    "grids in.csv --target 300 --rounds 3 --labels out.txt --report out.json --geojson out.geojson",
    "plan in.csv --profile xixiu --budget 0 --out out.plan",
];

fn line_of(n: usize, place: impl Fn(usize) -> (f64, f64)) -> String {
    let mut text = String::from("id,x,y,building\n");
    for i in 0..n {
        let (x, y) = place(i);
        text.push_str(&format!("h{i},{x},{y},b{i}\n"));
    }
    text
}

fn clean(folder: &Path) {
    for name in ["out.txt", "out.json", "out.geojson"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    let _ = std::fs::remove_dir_all(folder.join("out.plan"));
}

fn leftovers(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("folder")
        .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|n| n != "in.csv")
        .collect();
    names.sort();
    names
}

/// What holds for grids of any input: nobody is left out, no grid is empty, its deviation is known, no rule is broken.
fn grids_are_sound(folder: &Path, name: &str) {
    let grids = json(&folder.join("out.geojson"));
    let grids = grids["features"].as_array().expect("features");
    assert!(!grids.is_empty(), "{name}");
    let mut held = vec![0_u64; grids.len()];
    for label in labels(&folder.join("out.txt")) {
        held[usize::try_from(label).expect("a grid for everybody")] += 1;
    }
    for (g, n) in grids.iter().zip(held) {
        let p = &g["properties"];
        assert!(n > 0 && p["households"] == n, "{name}: {p}");
        assert!(p["deviation"].is_number() && p["area_m2"].as_f64() > Some(0.0), "{name}: {p}");
    }
    let hard = &json(&folder.join("out.json"))["hard"];
    for rule in ["H1", "H2", "H3", "H4", "H5", "H9", "H10", "H11"] {
        assert_eq!(hard[rule], 0, "{name}: {rule} {hard}");
    }
}

#[test]
fn odd_villages_are_divided_or_listed() {
    let spread = |i: usize| ((i * 37 % 101) as f64 * 9.0, (i * 61 % 89) as f64 * 11.0);
    let cases: Vec<(&str, String, Option<u64>)> = vec![
        ("one household", line_of(1, spread), Some(1)),
        ("nine", line_of(9, spread), Some(9)),
        ("ten", line_of(10, spread), Some(0)),
        ("sixteen", line_of(16, spread), Some(1)),
        ("nineteen", line_of(19, spread), Some(4)),
        ("twenty", line_of(20, spread), Some(0)),
        ("metres with their zone", line_of(57, |i| (spread(i).0 + 35_450_000.0, spread(i).1 + 2_900_000.0)), Some(0)),
        ("one line", line_of(57, |i| (i as f64 * 3.0, 0.0)), Some(0)),
        ("a nanometre apart", line_of(57, |i| (i as f64 * 1e-9, 5.0)), Some(0)),
        (
            "all in one point",
            {
                let mut t = String::from("id,x,y,building\n");
                (0..61).for_each(|i| t.push_str(&format!("h{i},7,7,tower\n")));
                t
            },
            Some(0),
        ),
        (
            "two villages 50 km apart",
            {
                let mut t = String::from("id,x,y,building,village\n");
                for i in 0..40 {
                    let (x, y) = spread(i);
                    t.push_str(&format!("a{i},{x},{y},a{i},east\nb{i},{},{y},b{i},west\n", x + 50_000.0));
                }
                t
            },
            Some(0),
        ),
    ];
    for (name, text, exceptions) in cases {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("in.csv"), text).expect("writable");
        for command in COMMANDS {
            clean(folder.path());
            let out = lianhu(folder.path(), command);
            assert!(out.status.success(), "{name}: {command}: {}", said(&out));
            if command.starts_with("grids") {
                grids_are_sound(folder.path(), name);
                continue;
            }
            let report = json(&folder.path().join(if command.starts_with("plan") {
                "out.plan/report.json"
            } else {
                "out.json"
            }));
            let listed: u64 = report["exceptions"]
                .as_array()
                .expect("list")
                .iter()
                .map(|e| e["households"].as_u64().expect("number"))
                .sum();
            assert_eq!(Some(listed), exceptions, "{name}: {command}");
        }
        let checked = lianhu(folder.path(), "check out.plan");
        assert!(checked.status.success(), "{name}: {}", said(&checked));
    }
}

#[test]
fn a_header_alone_is_no_village() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("in.csv"), "id,x,y,building\n").expect("writable");
    for command in COMMANDS {
        clean(folder.path());
        let out = lianhu(folder.path(), command);
        assert_eq!(out.status.code(), Some(3), "{command}: {}", said(&out));
        assert!(said(&out).contains("没有住户") && said(&out).contains("no household"), "{}", said(&out));
        assert_eq!(leftovers(folder.path()), Vec::<String>::new());
    }
    std::fs::write(folder.path().join("in.csv"), "id,x,y,building,households\nschool,1,2,school,0\n")
        .expect("writable");
    let out = lianhu(folder.path(), "grids in.csv --target 300 --labels out.txt");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
}

#[test]
fn faulty_rows_are_named_and_nothing_is_written() {
    let cases = [
        ("NaN", "id,x,y,building\na,NaN,2,b\n", "line 2"),
        ("infinite", "id,x,y,building\na,1,2,b\nc,inf,3,d\n", "line 3"),
        ("swapped axes", "id,lon,lat,building\na,26.2,105.9,b\n", "axes swapped"),
        ("beyond any plane", "id,x,y,building\na,1,2,b\nc,1e300,2,d\n", "line 3"),
        ("duplicate ids", "id,x,y,building\na,1,2,b\na,3,4,c\n", "duplicate_id"),
        ("a building in two places", "id,x,y,building\na,1,2,b\nc,30,4,b\n", "building_places"),
    ];
    for (name, text, word) in cases {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("in.csv"), text).expect("writable");
        for command in COMMANDS {
            let out = lianhu(folder.path(), command);
            assert_eq!(out.status.code(), Some(3), "{name}: {command}: {}", said(&out));
            assert!(said(&out).contains(word), "{name}: {}", said(&out));
            assert_eq!(leftovers(folder.path()), Vec::<String>::new(), "{name}: {command}");
        }
    }
}

#[test]
fn a_layer_of_a_file_without_layers_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("in.csv"), line_of(30, |i| (i as f64 * 20.0, 0.0))).expect("writable");
    for command in COMMANDS {
        let out = lianhu(folder.path(), &format!("{command} --layer buildings"));
        assert_eq!(out.status.code(), Some(2), "{command}: {}", said(&out));
        assert!(said(&out).contains("--layer buildings 只用于 GeoPackage"), "{}", said(&out));
        assert_eq!(leftovers(folder.path()), Vec::<String>::new());
    }
}

/// I15: a tower, or a list without true places. A place cannot be divided into grids, but its households can into units.
#[test]
fn i15_five_thousand_households_in_one_point_are_divided_within_bounds() {
    const HOUSEHOLDS: usize = 5_000;
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("in.csv"), line_of(HOUSEHOLDS, |_| (7.0, 7.0))).expect("writable");
    let lines = "--labels out.txt --report out.json --budget 2";
    let out = lianhu(at, &format!("units in.csv --min 10 --max 15 {lines}"));
    assert!(out.status.success(), "{}", said(&out));
    let mut sizes = std::collections::BTreeMap::new();
    for label in labels(&at.join("out.txt")) {
        *sizes.entry(label).or_insert(0_usize) += 1;
    }
    assert_eq!(sizes.values().sum::<usize>(), HOUSEHOLDS);
    assert!(sizes.iter().all(|(label, n)| *label >= 0 && (10..=15).contains(n)), "{sizes:?}");
    clean(at);
    let out = lianhu(at, &format!("grids in.csv --target 300 {lines}"));
    assert!(out.status.success(), "{}", said(&out));
    let grids: std::collections::BTreeSet<i64> = labels(&at.join("out.txt")).into_iter().collect();
    assert_eq!(grids.len(), 1, "one place lies in one grid: {grids:?}");
    clean(at);
    let out = lianhu(at, "plan in.csv --profile xixiu --budget 2 --out out.plan");
    assert!(out.status.success(), "{}", said(&out));
    let checked = lianhu(at, "check out.plan");
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn a_tower_alone_is_one_grid_whose_deviation_is_known() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let mut text = String::from("id,x,y,building\n");
    (0..61).for_each(|i| text.push_str(&format!("h{i},7,7,tower\n")));
    std::fs::write(at.join("in.csv"), text).expect("writable");
    let out =
        lianhu(at, "grids in.csv --target 30 --rounds 3 --labels out.txt --report out.json --geojson out.geojson");
    assert!(out.status.success(), "{}", said(&out));
    grids_are_sound(at, "tower");
    let report = json(&at.join("out.json"));
    assert_eq!((&report["soft"]["S7"]["grids"], &report["soft"]["S1"]["deviation"]["max"]), (&1.into(), &0.0.into()));
    assert!(said(&out).contains("tower") && report["notes"].to_string().contains("tower"), "{}", said(&out));
}

#[test]
fn another_number_of_grids_than_asked_for_is_said() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let mut text = String::from("id,x,y,building,village\n");
    for i in 0..40 {
        text.push_str(&format!("h{i},{},{},b{i},v{}\n", i % 10 * 30, i / 10 * 30 + i % 2 * 5_000, i % 2));
    }
    std::fs::write(at.join("in.csv"), text).expect("writable");
    for (wished, got) in [(1, 2), (500, 40)] {
        let out = lianhu(
            at,
            &format!(
                "grids in.csv --count {wished} --rounds 1 --labels out.txt --report out.json --geojson out.geojson"
            ),
        );
        assert!(out.status.success(), "{}", said(&out));
        grids_are_sound(at, "villages");
        let said_so = format!("要求 {wished} 个网格，划出 {got} 个");
        assert!(said(&out).contains(&said_so), "{}", said(&out));
        assert!(json(&at.join("out.json"))["notes"].to_string().contains(&said_so));
    }
}

#[test]
fn a_place_far_from_its_village_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let mut text = String::from("id,lon,lat,building\n");
    for i in 0..30 {
        let lon = if i == 11 { 5.9 } else { 105.9 + f64::from(i % 6) * 3e-4 };
        text.push_str(&format!("h{i},{lon},{},b{i}\n", 26.2 + f64::from(i / 6) * 3e-4));
    }
    std::fs::write(folder.path().join("in.csv"), text).expect("writable");
    for command in COMMANDS {
        clean(folder.path());
        let out = lianhu(folder.path(), command);
        // a plan locates it first, and cannot go on
        let told = if command.starts_with("plan") { "row 13, household h11" } else { "h11 (row 13, " };
        assert!(said(&out).contains(told), "{command}: {}", said(&out));
        assert!(!said(&out).contains("panicked"), "{}", said(&out));
    }
}

#[test]
fn nobody_is_proposed_where_nobody_is_eligible_and_lost_leaders_are_a_breach() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let mut text = String::from("id,x,y,building,eligible\n");
    // The west may lead, the east may not.
    for i in 0..48 {
        text.push_str(&format!("h{i},{},{},b{i},{}\n", i % 4 * 20 + i / 24 * 4_000, i % 24 / 4 * 20, u8::from(i < 24)));
    }
    std::fs::write(at.join("in.csv"), text).expect("writable");
    let out = lianhu(at, "plan in.csv --profile jingkai --budget 0 --out out.plan");
    assert!(out.status.success(), "{}", said(&out));
    let units = json(&at.join("out.plan/units.geojson"));
    let vacant: Vec<bool> =
        units["features"].as_array().expect("units").iter().map(|u| u["properties"]["leader"].is_null()).collect();
    let listed = json(&at.join("out.plan/report.json"))["exceptions"].as_array().expect("list").clone();
    let reasons = listed.iter().filter(|e| e["reason"] == "no_eligible_candidate").count();
    assert!(vacant.contains(&true) && vacant.contains(&false), "{units}");
    assert_eq!(vacant.iter().filter(|v| **v).count(), reasons, "{listed:?}");
    assert!(lianhu(at, "check out.plan").status.success());
    std::fs::remove_file(at.join("out.plan/leaders.geojson")).expect("removed");
    let out = lianhu(at, "check out.plan");
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    assert!(said(&out).contains("H8") && said(&out).contains("leaders.geojson"), "{}", said(&out));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_the_best_so_far_in_whole_files() {
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("in.csv"), crate::common::scattered(900, 2_500.0, 3)).expect("writable");
    let lines = [
        "units in.csv --budget 90 --labels u.txt --geojson u.geojson --report u.json",
        "grids in.csv --target 150 --tolerance 0 --budget 90 --labels g.txt --geojson g.geojson --report g.json",
        "plan in.csv --profile xixiu --budget 90 --out p",
    ];
    let begun = std::time::Instant::now();
    let children: Vec<_> = lines
        .iter()
        .map(|line| {
            Command::new(env!("CARGO_BIN_EXE_lianhu"))
                .current_dir(at)
                .args(line.split_whitespace())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program starts")
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_secs(3));
    for child in &children {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }
    for (child, line) in children.into_iter().zip(lines) {
        let out = child.wait_with_output().expect("it ends");
        assert_eq!(out.status.code(), Some(130), "{line}: {}", said(&out));
        let answer = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(answer.contains("已中断") && answer.contains("stopped early"), "{line}: {answer}");
    }
    assert!(begun.elapsed().as_secs() < 80, "they worked on after Ctrl-C");
    let rows = std::fs::read_to_string(at.join("in.csv")).expect("input").lines().count() - 1;
    for (name, report) in [("u", "u.json"), ("g", "g.json")] {
        assert_eq!(labels(&at.join(format!("{name}.txt"))).len(), rows);
        assert_eq!(json(&at.join(report))["stopped"], "cancelled");
        assert!(json(&at.join(format!("{name}.geojson")))["features"].is_array());
    }
    assert_eq!(json(&at.join("p/report.json"))["stopped"], "cancelled");
    assert!(lianhu(at, "check p").status.success());
}
