//! Degenerate input to every solving command: a clear error or a listed exception, never a panic, never half an output.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

mod common;

use std::path::Path;

use common::{json, labels, lianhu, said};

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
        assert!(out.status.code().is_some_and(|c| c == 0 || c == 3), "{command}: {}", said(&out));
        assert!(!said(&out).contains("panicked"), "{}", said(&out));
    }
}

#[test]
fn faulty_rows_are_named_and_nothing_is_written() {
    let cases = [
        ("NaN", "id,x,y,building\na,NaN,2,b\n", "line 2"),
        ("infinite", "id,x,y,building\na,1,2,b\nc,inf,3,d\n", "line 3"),
        ("swapped axes", "id,lon,lat,building\na,26.2,105.9,b\n", "axes swapped"),
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
