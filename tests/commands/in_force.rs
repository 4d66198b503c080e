//! S6 from outside: `lianhu plan --in-force` counts who is moved against the plan in force.

use crate::common::{done, json, lianhu, said, scattered};

#[test]
fn households_moved_against_the_plan_in_force_are_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let rows = scattered(400, 1_500.0, 5);
    std::fs::write(at.join("v.csv"), &rows).expect("writable");
    done(at, "plan v.csv --profile xixiu --budget 0 --out old");
    let s6 = |folder: &str| json(&at.join(folder).join("report.json"))["soft"]["S6"].clone();
    assert_eq!(s6("old"), serde_json::Value::Null, "no plan in force was given");
    done(at, "plan v.csv --profile xixiu --budget 0 --in-force old --out same");
    let households = rows.lines().count() - 1;
    let none = serde_json::json!({"households": 0, "share": 0.0});
    let same = s6("same");
    assert_eq!((&same["grid_changed"], &same["unit_changed"]), (&none, &none));
    assert_eq!(same["households_compared"], households);
    // In force three households of one unit stood in a unit and grid of their own, and one that is gone.
    let text = std::fs::read_to_string(at.join("old/assignment.csv")).expect("assignment");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let unit = |line: &str| line.split(',').nth(4).expect("unit").to_owned();
    let first = unit(&lines[1]);
    let mut left = 3;
    for line in lines.iter_mut().skip(1).filter(|l| unit(l) == first) {
        if left > 0 {
            let f: Vec<&str> = line.split(',').collect();
            *line = format!("{},{},{},990000000001899,990000000001899001,,", f[0], f[1], f[2]);
            left -= 1;
        }
    }
    lines.push("gone,b,990000000001,990000000001001,990000000001001001,,".to_owned());
    std::fs::create_dir(at.join("former")).expect("folder");
    std::fs::write(at.join("former/assignment.csv"), lines.join("\r\n")).expect("writable");
    done(at, "plan v.csv --profile xixiu --budget 0 --in-force former --out new");
    let new = s6("new");
    assert_eq!(
        (&new["grid_changed"]["households"], &new["unit_changed"]["households"]),
        (&3.into(), &3.into()),
        "{new}"
    );
    assert_eq!((&new["gone_households"], &new["new_households"]), (&1.into(), &0.into()));
    let share = new["grid_changed"]["share"].as_f64().expect("share");
    assert!((share - 3.0 / households as f64).abs() < 1e-6);
    // What is no plan is said before anything is solved or written.
    let out = lianhu(at, "plan v.csv --profile xixiu --budget 0 --in-force nowhere --out other");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("nowhere") && !at.join("other").exists(), "{}", said(&out));
}
