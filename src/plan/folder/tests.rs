//! `check` of a plan directory finds what is planted in its files, whatever file it is in.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::{Value, json};

use crate::domain::{Profile, Region};
use crate::exchange::{ReadOptions, read_households};
use crate::partition::check::{Rule, check};
use crate::plan::job::{Effort, Job};
use crate::plan::make::make_plan;
use crate::plan::report::Report;

use super::*;

const HERE: &str = "520423102001";
const THERE: &str = "520423102002";

/// Two villages of 24 houses each, the first with a school, planned and written; four grids of twelve households, two deputies a unit.
fn write_plan(folder: &Path) {
    let mut text = String::from("id,x,y,building,village,dedicated,households\n");
    for (village, x0) in [(HERE, 0), (THERE, 400)] {
        for i in 0..24 {
            text.push_str(&format!("h{x0}-{i},{},{},b{x0}-{i},{village},,1\n", x0 + 30 + i % 6 * 60, 30 + i / 6 * 60));
        }
    }
    text.push_str(&format!("school,200,280,school,{HERE},school,0\n"));
    let input = folder.join("in.csv");
    std::fs::write(&input, text).expect("writable");
    let table = read_households(&input.to_string_lossy(), None, &ReadOptions::default()).expect("readable").value;
    let region = |code: &str, x: f64| Region {
        code: Some(code.to_owned()),
        name: None,
        level: "village".to_owned(),
        polygons: vec![vec![vec![[x, 0.0], [x + 400.0, 0.0], [x + 400.0, 300.0], [x, 300.0], [x, 0.0]]]],
    };
    let regions = [region(HERE, 0.0), region(THERE, 400.0)];
    let mut profile = Profile::named("xixiu").expect("shipped");
    profile.grid.target_households = 12;
    profile.unit.deputies = 2;
    let cancel = AtomicBool::new(false);
    let job = Job {
        begun: Instant::now(),
        effort: Effort::Rounds(5),
        seed: 1,
        cancel: &cancel,
        progress: &|_, _| {},
        replay: None,
    };
    let mut report = Report::new("plan", 1);
    let plans = make_plan(&table, &regions, &[], &profile, (&job, &job), &mut report).expect("planned");
    let content = Content { table: &table, plans: &plans, regions: &regions, barriers: &[], profile: &profile };
    stage_folder(&folder.join("plan"), &content).and_then(|s| s.publish(&report)).expect("written");
}

fn edit(folder: &Path, file: &str, change: impl Fn(&mut Value)) {
    let path = folder.join(file);
    let mut value: Value = serde_json::from_slice(&std::fs::read(&path).expect("file")).expect("JSON");
    let before = value.clone();
    change(&mut value);
    assert_ne!(value, before, "{file} is changed");
    std::fs::write(path, value.to_string()).expect("writable");
}

/// Rewrites the assignment field by field: id, building, village, grid, unit, role, exception.
fn rows(folder: &Path, change: impl Fn(usize, &mut Vec<String>)) {
    let path = folder.join(ASSIGNMENT);
    let text = std::fs::read_to_string(&path).expect("file");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (i, line) in lines.iter_mut().enumerate().skip(1) {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        change(i - 1, &mut fields);
        *line = fields.join(",");
    }
    let now = lines.join("\n") + "\n";
    assert_ne!(now, text, "the assignment is changed");
    std::fs::write(path, now).expect("writable");
}

fn square(x: f64) -> Value {
    json!([[[x, 10.0], [x + 20.0, 10.0], [x + 20.0, 30.0], [x, 30.0], [x, 10.0]]])
}

#[test]
fn breaches_planted_in_files_are_found_by_rule() {
    type Plant = (Rule, &'static str, fn(&Path));
    let plants: &[Plant] = &[
        (Rule::H1, "a grid said to lie in the other village", |p| {
            edit(p, GRIDS, |v| v["features"][0]["properties"]["village"] = json!(THERE));
        }),
        (Rule::H2, "a grid with its neighbour's shape", |p| {
            edit(p, GRIDS, |v| v["features"][0]["geometry"] = v["features"][1]["geometry"].clone());
        }),
        (Rule::H2, "a grid left out", |p| {
            edit(p, GRIDS, |v| v["features"][0]["geometry"] = json!({"type": "Polygon", "coordinates": square(5.0)}));
        }),
        (Rule::H3, "a grid in two pieces", |p| {
            let two = json!({"type": "MultiPolygon", "coordinates": [square(5.0), square(40.0)]});
            edit(p, GRIDS, |v| v["features"][0]["geometry"] = two.clone());
        }),
        (Rule::H4, "a household in no grid", |p| {
            rows(p, |i, f| {
                if i == 0 {
                    f[3] = String::new()
                }
            })
        }),
        (Rule::H4, "a household in no unit", |p| {
            rows(p, |i, f| {
                if i == 0 {
                    f[4] = String::new()
                }
            })
        }),
        (Rule::H4, "a household that stands twice", |p| {
            rows(p, |i, f| {
                if i == 1 {
                    f[0] = "h0-0".to_owned()
                }
            })
        }),
        (Rule::H4, "a building without a place", |p| {
            edit(p, BUILDINGS, |v| {
                v["features"].as_array_mut().expect("features").retain(|f| f["properties"]["id"] != "b0-0")
            });
        }),
        (Rule::H4, "a building moved out of its grid", |p| {
            edit(p, BUILDINGS, |v| v["features"][0]["geometry"]["coordinates"] = json!([790.0, 290.0]));
        }),
        (Rule::H4, "a building that says another number", |p| {
            edit(p, BUILDINGS, |v| v["features"][0]["properties"]["households"] = json!(7));
        }),
        (Rule::H4, "a building nobody lives in by the assignment", |p| {
            edit(p, BUILDINGS, |v| {
                let mut other = v["features"][0].clone();
                other["properties"]["id"] = json!("ghost");
                v["features"].as_array_mut().expect("features").push(other);
            });
        }),
        (Rule::H4, "a unit that says another number", |p| {
            edit(p, UNITS, |v| v["features"][0]["properties"]["households"] = json!(11));
        }),
        (Rule::H5, "a building in another grid than its household", |p| {
            edit(p, BUILDINGS, |v| {
                let other = v["features"].as_array().expect("features").iter().map(|f| &f["properties"]["grid"]);
                let first = v["features"][0]["properties"]["grid"].clone();
                let other = other.clone().find(|g| **g != first).expect("two grids").clone();
                v["features"][0]["properties"]["grid"] = other;
            });
        }),
        (Rule::H6, "a household in a unit of another grid", |p| {
            rows(p, |i, f| {
                if i == 0 {
                    f[4] = format!("{THERE}001001")
                }
            });
        }),
        (Rule::H6, "a unit of a grid that is not there", |p| {
            edit(p, UNITS, |v| v["features"][0]["properties"]["grid"] = json!(format!("{HERE}777")));
        }),
        (Rule::H7, "an exception in a row alone", |p| {
            rows(p, |i, f| {
                if i == 0 {
                    f[6] = "false".to_owned()
                }
            })
        }),
        (Rule::H7, "a profile that wants larger units", |p| {
            let path = p.join(PROFILE);
            let text = std::fs::read_to_string(&path).expect("profile");
            let min = text.replacen("min = 10", "min = 14", 1);
            assert_ne!(min, text);
            std::fs::write(path, min).expect("writable");
        }),
        (Rule::H8, "everybody leads", |p| rows(p, |_, f| f[5] = "leader".to_owned())),
        (Rule::H8, "nobody leads", |p| rows(p, |_, f| f[5] = String::new())),
        (Rule::H8, "a king", |p| {
            rows(p, |i, f| {
                if i == 0 {
                    f[5] = "king".to_owned()
                }
            })
        }),
        (Rule::H8, "no leader drawn", |p| edit(p, LEADERS, |v| v["features"] = json!([]))),
        (Rule::H8, "no file of leaders", |p| std::fs::remove_file(p.join(LEADERS)).expect("removed")),
        (Rule::H8, "leaders that cannot be read", |p| std::fs::write(p.join(LEADERS), "garbage").expect("writable")),
        (Rule::H8, "a leader drawn elsewhere", |p| {
            edit(p, LEADERS, |v| v["features"][0]["geometry"]["coordinates"] = json!([1.0, 1.0]));
        }),
        (Rule::H8, "a unit without leader", |p| {
            edit(p, UNITS, |v| v["features"][0]["properties"]["leader"] = Value::Null);
        }),
        (Rule::H9, "a grid code given twice", |p| {
            edit(p, GRIDS, |v| v["features"][1]["properties"]["code"] = v["features"][0]["properties"]["code"].clone());
        }),
        (Rule::H9, "a unit code of seventeen digits", |p| {
            edit(p, UNITS, |v| v["features"][0]["properties"]["code"] = json!(format!("{HERE}00101")));
        }),
        (Rule::H10, "a dedicated grid said to be a base grid", |p| {
            edit(p, GRIDS, |v| {
                let all = v["features"].as_array_mut().expect("features");
                let school = all.iter_mut().find(|f| f["properties"]["kind"] == "dedicated").expect("a school");
                school["properties"]["kind"] = json!("base");
            });
        }),
        (Rule::H11, "a river through the houses", |p| {
            let line = json!({"type": "LineString", "coordinates": [[60.0, -50.0], [60.0, 350.0]]});
            let river = json!({"type": "Feature", "properties": {"kind": "river", "hard": true}, "geometry": line});
            let other = json!({"type": "LineString", "coordinates": [[-50.0, 60.0], [450.0, 60.0]]});
            let stream = json!({"type": "Feature", "properties": {"kind": "river", "hard": true}, "geometry": other});
            edit(p, BARRIERS, |v| v["features"] = json!([river.clone(), stream.clone()]));
        }),
    ];
    let made = tempfile::tempdir().expect("folder");
    write_plan(made.path());
    let plan = made.path().join("plan");
    assert_eq!(check(&read_facts(&plan).expect("readable")), [], "the plan itself is legal");
    for (rule, what, plant) in plants {
        let copy = tempfile::tempdir().expect("folder");
        for entry in std::fs::read_dir(&plan).expect("plan") {
            let entry = entry.expect("entry");
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copied");
        }
        plant(copy.path());
        let found = check(&read_facts(copy.path()).expect("readable"));
        assert!(found.iter().any(|b| b.rule == *rule), "{what}: {rule:?} not among {found:#?}");
    }
    let planted: std::collections::BTreeSet<Rule> = plants.iter().map(|p| p.0).collect();
    assert_eq!(planted.len(), Rule::ALL.len(), "every rule has a plant");
}
