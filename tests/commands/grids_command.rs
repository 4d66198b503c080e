//! `lianhu grids` from outside: balance, shapes, barriers, determinism, errors.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use crate::common::{done, json, labels, lianhu, said, scattered};

/// What is said of an outline in the shape of a bow-tie: that, and where.
const BOW: &str = "环与自身相交于 295,295 / the ring crosses or touches itself at 295,295";

#[test]
fn grids_are_balanced_whole_and_equal_at_any_thread_count() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(600, 2_000.0, 7)).expect("writable");
    let mut all = Vec::new();
    for threads in [1, 2, 4] {
        done(
            at,
            &format!(
                "grids v.csv --count 4 --rounds 30 --threads {threads} --labels l{threads}.txt --geojson g{threads}.geojson --report r.json"
            ),
        );
        all.push((
            labels(&at.join(format!("l{threads}.txt"))),
            std::fs::read(at.join(format!("g{threads}.geojson"))).expect("file"),
        ));
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    let report = json(&at.join("r.json"));
    assert!(report["soft"]["S1"]["deviation"]["max"].as_f64().expect("number") <= 0.01 + 1e-9, "{report}");
    done(at, "check g1.geojson");
    let grids = json(&at.join("g1.geojson"));
    let features = grids["features"].as_array().expect("features");
    assert_eq!(features.len(), 4);
    assert!(features.iter().all(|f| f["geometry"]["type"] == "Polygon"));
    let sum: f64 = features.iter().map(|f| f["properties"]["area_m2"].as_f64().expect("area")).sum();
    let written: f64 = features.iter().map(|f| ring_area(&f["geometry"]["coordinates"][0])).sum();
    assert!((sum / written - 1.0).abs() < 1e-6, "{sum} {written}");
}

fn ring_area(ring: &serde_json::Value) -> f64 {
    let c: Vec<[f64; 2]> =
        ring.as_array().expect("ring").iter().map(|p| [p[0].as_f64().expect("x"), p[1].as_f64().expect("y")]).collect();
    c.windows(2)
        .map(|w| (w[0][0] - c[0][0]) * (w[1][1] - c[0][1]) - (w[1][0] - c[0][0]) * (w[0][1] - c[0][1]))
        .sum::<f64>()
        / 2.0
}

#[test]
fn river_without_a_bridge_cuts_and_a_bridge_joins() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(300, 1_000.0, 3)).expect("writable");
    let river = r#"{"type":"Feature","properties":{"kind":"river","hard":true},"geometry":{"type":"LineString","coordinates":[[300,-500],[320,500],[300,1500]]}}"#;
    let bridge = r#"{"type":"Feature","properties":{"kind":"bridge"},"geometry":{"type":"LineString","coordinates":[[200,500],[450,500]]}}"#;
    let file = |features: &str| {
        format!(r#"{{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{features}]}}"#)
    };
    std::fs::write(at.join("cut.geojson"), file(river)).expect("writable");
    std::fs::write(at.join("joined.geojson"), file(&format!("{river},{bridge}"))).expect("writable");
    done(at, "grids v.csv --count 1 --barriers cut.geojson --rounds 5 --labels cut.txt");
    done(at, "grids v.csv --count 1 --barriers joined.geojson --rounds 5 --labels joined.txt");
    let grids = |name: &str| labels(&at.join(name)).into_iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((grids("cut.txt"), grids("joined.txt")), (2, 1));
}

#[test]
fn boundaries_that_cannot_be_used_are_explained() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(60, 500.0, 3)).expect("writable");
    let polygon = |ring: &str| {
        format!(
            r#"{{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{{"type":"Feature","properties":{{}},"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}]}}"#
        )
    };
    for (name, ring, word) in [
        ("bow", "[[-10,-10],[600,600],[600,-10],[-10,600],[-10,-10]]", BOW),
        ("small", "[[0,0],[100,0],[100,100],[0,100],[0,0]]", "outside the boundary"),
        ("open", "[[0,0],[100,0],[100,100]]", "open.geojson"),
    ] {
        std::fs::write(at.join(format!("{name}.geojson")), polygon(ring)).expect("writable");
        let out = lianhu(at, &format!("grids v.csv --count 2 --boundary {name}.geojson --labels l.txt"));
        assert_eq!(out.status.code(), Some(3), "{name}: {}", said(&out));
        assert!(said(&out).contains(word), "{name}: {}", said(&out));
        assert!(!at.join("l.txt").exists());
    }
}

#[test]
fn replay_repeats_a_timed_run() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(400, 1_500.0, 5)).expect("writable");
    done(at, "grids v.csv --target 200 --budget 0.4 --labels a.txt --report r.json");
    done(at, "grids v.csv --target 200 --replay r.json --labels b.txt");
    assert_eq!(labels(&at.join("a.txt")), labels(&at.join("b.txt")));
}

#[test]
fn balance_beyond_the_tolerance_is_accounted_for() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let houses = |n: u32, columns: u32| {
        let mut text = String::from("id,x,y,building,households\n");
        for i in 0..n {
            text.push_str(&format!("h{i},{},{},b{i},10\n", i % columns * 40, i / columns * 40));
        }
        text
    };
    // Six houses of ten households in four grids: two must have twenty where fifteen are the mean.
    std::fs::write(at.join("few.csv"), houses(6, 3)).expect("writable");
    done(at, "grids few.csv --count 4 --rounds 20 --report few.json --labels few.txt");
    let report = json(&at.join("few.json"));
    let account = &report["balance"][0];
    assert_eq!(
        (&account["better"], &account["grids"], &account["atoms"]),
        (&"none_proven".into(), &4.into(), &6.into())
    );
    assert!((account["deviation"].as_f64().expect("number") - 1.0 / 3.0).abs() < 1e-6);
    assert!(account["moves_tried"].as_u64().expect("number") > 0, "{account}");
    let step = &account["best_move"];
    assert_eq!(step["refused"], "does_not_lower_deviation", "{account}");
    let (building, from, to) = (&step["buildings"][0], &step["from"][0], &step["to"][0]);
    assert!(building.as_str().is_some_and(|b| b.starts_with('b')) && from != to, "{step}");
    // The building named is in the grid named.
    let label = labels(&at.join("few.txt"))[building.as_str().expect("id")[1..].parse::<usize>().expect("number")];
    assert_eq!(from.as_i64(), Some(label + 1));
    let notes = report["notes"].to_string();
    assert!(notes.contains("已证明没有更均衡的划分") && notes.contains("no division is more even (proven)"), "{notes}");
    // Too many to ask.
    std::fs::write(at.join("many.csv"), houses(100, 10)).expect("writable");
    done(at, "grids many.csv --count 7 --rounds 3 --report many.json --labels many.txt");
    let account = &json(&at.join("many.json"))["balance"][0];
    assert_eq!((&account["better"], &account["operations"]), (&"not_asked".into(), &0.into()), "{account}");
    assert!(account["swaps_tried"].is_u64() && account["best_move"]["deviation_after"].is_f64());
    // Within the tolerance there is nothing to account for.
    done(at, "grids many.csv --count 4 --rounds 3 --report even.json --labels even.txt");
    assert_eq!(json(&at.join("even.json"))["balance"], serde_json::json!([]));
}

#[test]
fn a_boundary_is_filled_by_the_grids_and_instant_ones_are_whole() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(60, 500.0, 3)).expect("writable");
    let ring = "[[-100,-50],[640,-50],[640,400],[700,560],[-100,560],[-100,-50]]";
    let outline = format!(
        r#"{{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{{"type":"Feature","properties":{{}},"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}]}}"#
    );
    std::fs::write(at.join("b.geojson"), outline).expect("writable");
    done(
        at,
        "grids v.csv --count 3 --boundary b.geojson --budget 0 --labels l.txt --geojson g.geojson --report r.json",
    );
    done(at, "check g.geojson");
    let report = json(&at.join("r.json"));
    assert_eq!((&report["stopped"], &report["stages"][0]["rounds"]), (&"budget".into(), &0.into()));
    assert!(["H2", "H3", "H5", "H11"].iter().all(|r| report["hard"][*r] == 0), "{}", report["hard"]);
    let grids = json(&at.join("g.geojson"));
    let sum: f64 = grids["features"]
        .as_array()
        .expect("features")
        .iter()
        .map(|f| f["properties"]["area_m2"].as_f64().expect("area"))
        .sum();
    // 740 m by 610 m, and a triangle of 60 m by 160 m in the north-east.
    let wanted = 740.0 * 610.0 + 60.0 * 160.0 / 2.0;
    assert!((sum / wanted - 1.0).abs() < 1e-6, "{sum} m² of {wanted} m²");
    // A line over two villages is not a boundary for both, and what to do instead is something this program can.
    std::fs::write(at.join("two.csv"), "id,x,y,building,village\na,1,1,a,v\nb,90,1,b,w\n").expect("writable");
    let out = lianhu(at, "grids two.csv --count 2 --boundary b.geojson");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("lianhu plan --regions"), "{}", said(&out));
}

#[test]
fn replay_takes_parameters_from_the_report_and_knows_its_files() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(150, 900.0, 5)).expect("writable");
    let river = |y: u32| {
        format!(
            r#"{{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{{"type":"Feature","properties":{{"kind":"river","hard":true}},"geometry":{{"type":"LineString","coordinates":[[-500,{y}],[1500,{y}]]}}}}]}}"#
        )
    };
    std::fs::write(at.join("b.geojson"), river(300)).expect("writable");
    done(
        at,
        "grids v.csv --target 60 --tolerance 0.2 --seed 9 --barriers b.geojson --budget 0.3 --labels a.txt --report r.json",
    );
    let report = json(&at.join("r.json"));
    assert_eq!((&report["parameters"]["tolerance"], &report["hard"]["H11"]), (&0.2.into(), &0.into()));
    assert_eq!(report["balance"], serde_json::json!([]), "a fifth more or less is within what was allowed");
    done(at, "grids v.csv --replay r.json --labels b.txt");
    assert_eq!(labels(&at.join("a.txt")), labels(&at.join("b.txt")));
    let out = lianhu(at, "grids v.csv --replay r.json --target 70 --labels c.txt");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    assert!(said(&out).contains("--target 70") && said(&out).contains("60"), "{}", said(&out));
    std::fs::write(at.join("b.geojson"), river(310)).expect("writable");
    let out = lianhu(at, "grids v.csv --replay r.json --labels c.txt");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("障碍文件") && !at.join("c.txt").exists(), "{}", said(&out));
}

#[test]
fn grids_without_rounds_are_equal_at_any_thread_count() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(60, 600.0, 7)).expect("writable");
    let bytes = [1, 2, 4].map(|threads| {
        done(at, &format!("grids v.csv --count 3 --threads {threads} --labels l.txt --geojson g.geojson"));
        ["l.txt", "g.geojson"].map(|f| std::fs::read(at.join(f)).expect("file"))
    });
    assert!(bytes[0] == bytes[1] && bytes[0] == bytes[2]);
}
