//! Hotspots on published and real data that are not part of the project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::common::{done, json};
use lianhu::hotspot::Weights;
use lianhu::hotspot::gi::{gi, gi_star};

fn source(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    if !path.exists() {
        println!("passed over: {file} is not on this machine");
    }
    path.exists().then_some(path)
}

/// The 256 cells of Getis & Ord 1996 at five distances: the published figures to 1e-6, the formulas to 1e-12.
#[test]
fn getis_and_ord_1996_is_reproduced() {
    let Some(path) = source("getisord_1996_256cells.csv") else { return };
    let rows: Vec<BTreeMap<String, f64>> = csv::Reader::from_path(path)
        .expect("readable")
        .deserialize::<BTreeMap<String, f64>>()
        .map(|r| r.expect("a row"))
        .collect();
    assert_eq!(rows.len(), 256);
    let values: Vec<f64> = rows.iter().map(|r| r["val"]).collect();
    let n = values.len() as f64;
    // Cell 120, counted from one.
    let published = [(30, 1.221_979), (60, 1.748_098), (90, 1.986_135), (120, 1.893_374), (150, 1.237_454)];
    for (band, of_120) in published {
        let near = |i: usize| -> Vec<u32> {
            let apart = |j: usize| (rows[i]["x"] - rows[j]["x"]).hypot(rows[i]["y"] - rows[j]["y"]);
            (0..rows.len()).filter(|j| *j != i && apart(*j) <= f64::from(band)).map(|j| j as u32).collect()
        };
        let weights = Weights::from_lists(&(0..rows.len()).map(near).collect::<Vec<_>>());
        let (plain, star) = (gi(&weights, &values), gi_star(&weights, &values).expect("not constant"));
        assert!((plain[119].expect("neighbours") - of_120).abs() < 1e-6);
        let mean = values.iter().sum::<f64>() / n;
        let sd = (values.iter().map(|v| v * v).sum::<f64>() / n - mean * mean).sqrt();
        for (i, row) in rows.iter().enumerate() {
            let z = plain[i].expect("neighbours");
            assert!((z - row[&format!("Gi_{band}")]).abs() < 1e-6, "Gi of {i} at {band}");
            assert!((star.z[i] - row[&format!("GiStar_{band}")]).abs() < 1e-6, "Gi* of {i} at {band}");
            let w = weights.degree(i) as f64 + 1.0;
            let formula = (star.sums[i] - w * mean) / (sd * ((n * w - w * w) / (n - 1.0)).sqrt());
            assert!((star.z[i] - formula).abs() < 1e-12, "{} {formula}", star.z[i]);
        }
        if band == 30 {
            assert!((star.z[119] - 1.45078).abs() < 1e-5, "{}", star.z[119]);
        }
    }
}

/// Robberies of a year in Memphis, from the file to the three results. Beside esda: `benches/hotspots/real.py`.
#[test]
fn a_year_of_robberies_goes_through_all_commands() {
    let Some(robberies) = source("memphis_robberies_2019.csv") else { return };
    let robberies = robberies.display();
    let folder = tempfile::tempdir().expect("folder");
    let out = done(folder.path(), &format!("hotspots {robberies} --resolution 8 --out hot.geojson"));
    assert!(out.contains("2245"), "{out}");
    let features = json(&folder.path().join("hot.geojson"))["features"].as_array().expect("features").clone();
    let of = |class: &str| features.iter().filter(|f| f["properties"]["class"] == class).count();
    println!("Memphis: {} cells, {} hot, {} cold", features.len(), of("hot"), of("cold"));
    assert!(of("hot") > 20 && of("hot") < features.len() / 3);
    let counted: u64 = features.iter().map(|f| f["properties"]["count"].as_u64().expect("count")).sum();
    assert_eq!(counted, 2_245);

    done(folder.path(), &format!("trends {robberies} --resolution 7 --step 30d --steps 12 --out trends.csv"));
    let said = done(folder.path(), &format!("scan {robberies} --radius 3km --days 7 --out scan.csv"));
    println!("{said}");
    for file in ["trends.csv", "scan.csv"] {
        let text = std::fs::read_to_string(folder.path().join(file)).expect("written");
        assert!(text.lines().count() > 1 && !text.contains("NaN") && !text.contains("inf"), "{file}");
    }
}
