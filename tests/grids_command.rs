//! `lianhu grids` from outside: balance, shapes, barriers, determinism, errors.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

mod common;

use common::{done, json, labels, lianhu, said, scattered};

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
        ("bow", "[[-10,-10],[600,600],[600,-10],[-10,600],[-10,-10]]", "bow.geojson"),
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
