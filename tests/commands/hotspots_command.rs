//! `lianhu hotspots`, `trends`, `scan`, `density` and `knox` from outside: files in, files out, what is said.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::{Numbers, done, json, lianhu, said};
use h3o::{CellIndex, LatLng, Resolution};

const COLUMNS: &str = "h3,count,expected,neighbours,z,p,p_sim,fdr05,class";

fn township(file: &str) -> String {
    format!("{}/fixtures/township/{file}", env!("CARGO_MANIFEST_DIR"))
}

fn disk(k: u32) -> Vec<CellIndex> {
    LatLng::new(26.2456, 105.932).expect("place").to_cell(Resolution::Ten).grid_disk(k)
}

/// Counts with one crowd in the middle, as a CSV of cells.
fn cells(k: u32) -> (String, BTreeMap<CellIndex, f64>) {
    let mut r = Numbers(5);
    let middle: Vec<CellIndex> = disk(1);
    let counts: BTreeMap<CellIndex, f64> = disk(k)
        .into_iter()
        .map(|c| (c, (r.unit() * r.unit() * 4.0).floor() + if middle.contains(&c) { 6.0 } else { 0.0 }))
        .collect();
    let lines: Vec<String> = counts.iter().map(|(c, n)| format!("{c},{n}")).collect();
    (format!("h3,count\n{}\n", lines.join("\n")), counts)
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).expect("readable");
    reader.deserialize().map(|r| r.expect("a row")).collect()
}

fn number(row: &BTreeMap<String, String>, name: &str) -> f64 {
    row[name].parse().expect("a number")
}

#[test]
fn counts_of_cells_become_the_nine_columns_with_the_z_of_the_formula() {
    let folder = tempfile::tempdir().expect("folder");
    let (text, counts) = cells(12);
    std::fs::write(folder.path().join("cells.csv"), text).expect("written");
    let out = done(folder.path(), "hotspots cells.csv --cells --permutations 99 --out hot.csv");
    assert!(out.contains("sha256") && out.contains("多于偶然"), "{out}");
    let bytes = std::fs::read_to_string(folder.path().join("hot.csv")).expect("text");
    assert_eq!(bytes.lines().next(), Some(COLUMNS));
    let found = rows(&folder.path().join("hot.csv"));
    assert_eq!(found.len(), counts.len());
    let n = counts.len() as f64;
    let mean = counts.values().sum::<f64>() / n;
    let sd = (counts.values().map(|v| v * v).sum::<f64>() / n - mean * mean).sqrt();
    let mut hot = 0;
    for row in &found {
        let cell: CellIndex = row["h3"].parse().expect("a cell");
        let around: Vec<f64> = cell.grid_disk::<Vec<_>>(1).iter().filter_map(|c| counts.get(c).copied()).collect();
        let w = around.len() as f64;
        let z = (around.iter().sum::<f64>() - w * mean) / (sd * ((n * w - w * w) / (n - 1.0)).sqrt());
        assert!((number(row, "z") - z).abs() < 1e-11, "{row:?} {z}");
        assert!((number(row, "expected") - w * mean).abs() < 1e-9);
        assert_eq!((number(row, "count"), number(row, "neighbours")), (counts[&cell], w - 1.0));
        assert!((0.0..=1.0).contains(&number(row, "p")) && (0.01..=1.0).contains(&number(row, "p_sim")));
        assert!(row["fdr05"] == "0" || row["fdr05"] == "1");
        hot += usize::from(row["class"] == "hot");
    }
    let middle = disk(0)[0].to_string();
    let middle = found.iter().find(|r| r["h3"] == middle).expect("the middle");
    assert_eq!((middle["class"].as_str(), middle["fdr05"].as_str()), ("hot", "1"));
    assert!((7..30).contains(&hot), "{hot}");
}

#[test]
fn bytes_depend_on_the_seed_and_not_on_the_threads() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("cells.csv"), cells(9).0).expect("written");
    let run = |threads: &str, seed: &str, name: &str| -> Vec<u8> {
        let arguments = ["hotspots", "cells.csv", "--cells", "--weights", "band:300", "--seed", seed, "--out", name];
        let out: Output = Command::new(env!("CARGO_BIN_EXE_lianhu"))
            .current_dir(folder.path())
            .env("RAYON_NUM_THREADS", threads)
            .args(arguments)
            .output()
            .expect("the program starts");
        assert!(out.status.success(), "{}", said(&out));
        std::fs::read(folder.path().join(name)).expect("written")
    };
    let one = run("1", "3", "a.csv");
    assert_eq!(one, run("4", "3", "b.csv"));
    assert_ne!(one, run("4", "4", "c.csv"));
}

#[test]
fn the_demonstration_s_incidents_go_through_all_three_commands() {
    let folder = tempfile::tempdir().expect("folder");
    let incidents = township("incidents.csv");
    let out = done(folder.path(), &format!("hotspots {incidents} --resolution 9 --permutations 99 --out hot.geojson"));
    assert!(out.contains("600"), "{out}");
    let layer = json(&folder.path().join("hot.geojson"));
    let features = layer["features"].as_array().expect("features");
    assert!(features.iter().any(|f| f["properties"]["class"] == "hot"), "{out}");
    let counted: u64 = features.iter().map(|f| f["properties"]["count"].as_u64().expect("count")).sum();
    assert_eq!(counted, 600);
    for f in features {
        let names: Vec<&str> = f["properties"].as_object().expect("properties").keys().map(String::as_str).collect();
        assert_eq!(names.join(","), COLUMNS);
        let ring = f["geometry"]["coordinates"][0].as_array().expect("a ring");
        assert!(ring.len() >= 7 && ring.first() == ring.last());
    }

    let rate = township("households.csv");
    done(folder.path(), &format!("hotspots {incidents} --resolution 9 --rate {rate} --permutations 0 --out rate.csv"));
    let rated = rows(&folder.path().join("rate.csv"));
    assert!(rated.iter().all(|r| r["p_sim"].is_empty() && !r.values().any(|v| v.contains("NaN"))));
    let total: f64 = rated.iter().map(|r| number(r, "count")).sum();
    assert!((total - 600.0).abs() < 1e-9);

    let out = done(folder.path(), &format!("trends {incidents} --resolution 8 --step 30d --steps 12 --out trends.csv"));
    assert!(out.contains("UTC+8"), "{out}");
    let courses = rows(&folder.path().join("trends.csv"));
    assert!(courses.iter().any(|r| r["class"].ends_with("_hot")), "{out}");
    assert!(courses.iter().all(|r| number(r, "tau").abs() <= 1.0));

    let out = done(folder.path(), &format!("scan {incidents} --radius 3km --days 7 --permutations 99 --out scan.csv"));
    assert!(out.contains("600"), "{out}");
    for c in rows(&folder.path().join("scan.csv")) {
        assert!((number(&c, "recurrence_days") * number(&c, "p") - 1.0).abs() < 1e-9);
        assert!(number(&c, "observed") > number(&c, "expected") && c["to"] == "2025-12-31", "{c:?}");
    }
}

#[test]
fn an_outbreak_planted_in_the_last_three_days_is_the_first_cluster() {
    let folder = tempfile::tempdir().expect("folder");
    let mut text = std::fs::read_to_string(township("incidents.csv")).expect("fixture");
    for i in 0..12 {
        let (day, minute) = (29 + i % 3, 10 + i);
        text.push_str(&format!("X{i},2025-12-{day} 12:{minute},其他,网格,105.70{},25.96{},已办结\n", i % 4, i % 3));
    }
    std::fs::write(folder.path().join("incidents.csv"), text).expect("written");
    done(folder.path(), "scan incidents.csv --radius 2km --days 7 --permutations 499 --out scan.geojson");
    let first = &json(&folder.path().join("scan.geojson"))["features"][0]["properties"];
    assert_eq!((first["rank"].as_i64(), first["p"].as_f64()), (Some(1), Some(0.002)));
    assert_eq!(first["from"], "2025-12-29");
    assert!(first["observed"].as_i64() >= Some(12) && first["recurrence_days"] == 500.0, "{first}");
    assert!((first["lon"].as_f64().expect("lon") - 105.7015).abs() < 0.01, "{first}");
}

#[test]
fn a_window_keeps_what_lies_inside_it_and_the_edge_looks_beyond() {
    let folder = tempfile::tempdir().expect("folder");
    let text = "time,lon,lat\n2026-01-01 00:00,105.90,26.20\n2026-01-09 00:00,105.91,26.21\n2026-01-10T00:00:00Z,105.92,26.20\n1768003200,105.93,26.22\n";
    std::fs::write(folder.path().join("i.csv"), text).expect("written");
    let kept = |flags: &str| -> f64 {
        done(folder.path(), &format!("hotspots i.csv --resolution 9 --permutations 0 {flags} --out o.csv"));
        rows(&folder.path().join("o.csv")).iter().map(|r| number(r, "count")).sum()
    };
    assert_eq!(kept(""), 4.0);
    assert_eq!(kept("--window 2d"), 3.0);
    assert_eq!(kept("--window 12h --as-of 2026-01-09T01:00:00+08:00"), 1.0);
    let square = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Polygon",
        "coordinates":[[[105.88,26.18],[105.915,26.18],[105.915,26.23],[105.88,26.23],[105.88,26.18]]]}}]}"#;
    std::fs::write(folder.path().join("b.geojson"), square).expect("written");
    assert_eq!(kept("--boundary b.geojson"), 2.0);
}

fn incidents(list: &[(f64, f64, i64)]) -> String {
    let lines: Vec<String> = list.iter().map(|(lon, lat, t)| format!("{t},{lon:.6},{lat:.6}")).collect();
    format!("time,lon,lat\n{}\n", lines.join("\n"))
}

#[test]
fn density_is_the_sum_of_kernels_and_its_squares_hold_all_incidents() {
    let folder = tempfile::tempdir().expect("folder");
    let mut r = Numbers(11);
    let list: Vec<(f64, f64, i64)> =
        (0..60).map(|i| (105.9 + 0.02 * r.unit(), 26.2 + 0.02 * r.unit(), 1_767_200_000 + i)).collect();
    std::fs::write(folder.path().join("i.csv"), incidents(&list)).expect("written");
    let out = done(folder.path(), "density i.csv --bandwidth 200m --cell 50m --out d.csv");
    assert!(out.contains("60 / 60") && out.contains("bandwidth 200.0 m"), "{out}");
    let text = std::fs::read_to_string(folder.path().join("d.csv")).expect("text");
    assert_eq!(text.lines().next(), Some("column,row,lon,lat,per_km2"));
    let nodes = rows(&folder.path().join("d.csv"));
    let place = |lon: f64, lat: f64| LatLng::new(lat, lon).expect("place");
    let greatest = nodes.iter().map(|n| number(n, "per_km2")).fold(0.0, f64::max);
    for n in nodes.iter().step_by(37) {
        let here = place(number(n, "lon"), number(n, "lat"));
        let at = |(lon, lat, _): &(f64, f64, i64)| {
            let d = here.distance_m(place(*lon, *lat));
            1e6 * (-0.5 * (d / 200.0).powi(2)).exp() / (std::f64::consts::TAU * 200.0 * 200.0)
        };
        let sum: f64 = list.iter().map(at).sum();
        assert!((number(n, "per_km2") - sum).abs() < 0.02 * greatest, "{n:?} {sum}");
    }

    done(folder.path(), "density i.csv --bandwidth 200m --cell 50m --out d.geojson");
    let layer = json(&folder.path().join("d.geojson"));
    let features = layer["features"].as_array().expect("features");
    assert_eq!(features.len(), nodes.len());
    let held: f64 = features.iter().map(|f| f["properties"]["per_km2"].as_f64().expect("a density") * 0.0025).sum();
    assert!((held / 60.0 - 1.0).abs() < 0.01, "{held}");
    let ring = features[0]["geometry"]["coordinates"][0].as_array().expect("a ring");
    let corner = |i: usize| place(ring[i][0].as_f64().expect("lon"), ring[i][1].as_f64().expect("lat"));
    assert!(ring.len() == 5 && (corner(0).distance_m(corner(1)) - 50.0).abs() < 0.5);

    // a bandwidth of its own, a window, and what it cannot be taken from
    let out = done(folder.path(), &format!("density {} --out own.csv", township("incidents.csv")));
    assert!(out.contains("600 / 600") && !rows(&folder.path().join("own.csv")).is_empty(), "{out}");
    let same = incidents(&[(105.9, 26.2, 1_767_200_000), (105.9, 26.2, 1_767_300_000)]);
    std::fs::write(folder.path().join("same.csv"), same).expect("written");
    done(folder.path(), "density same.csv --bandwidth 100m --window 1h --out one.csv");
    let top = rows(&folder.path().join("one.csv")).iter().map(|n| number(n, "per_km2")).fold(0.0, f64::max);
    assert!((top / (1e6 / (std::f64::consts::TAU * 1e4)) - 1.0).abs() < 0.06, "one incident: {top}");
    std::fs::write(
        folder.path().join("far.csv"),
        incidents(&[(105.9, 26.2, 1_767_200_000), (121.5, 31.2, 1_767_300_000)]),
    )
    .expect("written");
    for (line, code, part) in [
        ("density same.csv --out no.csv", 3, "--bandwidth"),
        ("density far.csv --bandwidth 1km --out no.csv", 3, "degrees apart"),
        ("density i.csv --bandwidth 1m --cell 0.1m --out no.csv", 3, "nodes"),
        ("density i.csv --as-of 2001-01-01 --out no.csv", 3, "there is no incident"),
        ("density i.csv --cell none --out no.csv", 2, "distance"),
    ] {
        let out = lianhu(folder.path(), line);
        assert_eq!(out.status.code(), Some(code), "{line}: {}", said(&out));
        assert!(said(&out).contains(part), "{line}: {}", said(&out));
    }
    assert!(!folder.path().join("no.csv").exists());
}

#[test]
fn near_repeats_stand_out_in_the_table_and_chance_does_not() {
    let folder = tempfile::tempdir().expect("folder");
    const DAY: i64 = 86_400;
    let mut r = Numbers(21);
    let mut list: Vec<(f64, f64, i64)> = (0..150)
        .map(|_| (105.9 + 0.03 * r.unit(), 26.2 + 0.03 * r.unit(), 1_760_000_000 + (r.unit() * 100.0) as i64 * DAY))
        .collect();
    std::fs::write(folder.path().join("quiet.csv"), incidents(&list)).expect("written");
    let again: Vec<(f64, f64, i64)> = list[..20].iter().map(|(lon, lat, t)| (*lon, *lat, t + DAY)).collect();
    list.extend(again);
    std::fs::write(folder.path().join("loud.csv"), incidents(&list)).expect("written");
    let run = |file: &str, name: &str| {
        let flags = "--distances 1m,0.3km,600m --days 12h,2,7 --permutations 99";
        (done(folder.path(), &format!("knox {file} {flags} --out {name}")), rows(&folder.path().join(name)))
    };
    let (out, loud) = run("loud.csv", "loud-table.csv");
    let text = std::fs::read_to_string(folder.path().join("loud-table.csv")).expect("text");
    assert_eq!(text.lines().next(), Some("from_m,to_m,from_days,to_days,observed,expected,ratio,p"));
    assert_eq!(loud.len(), 9);
    let at = |table: &[BTreeMap<String, String>], m: f64, d: f64| -> BTreeMap<String, String> {
        table.iter().find(|f| number(f, "to_m") == m && number(f, "to_days") == d).expect("a field").clone()
    };
    let same_place = at(&loud, 1.0, 2.0);
    assert_eq!((number(&same_place, "observed"), number(&same_place, "p")), (20.0, 0.01));
    assert!(number(&same_place, "ratio") > 5.0 && out.contains("20 pairs where"), "{out}");
    // observed and expected by looking at every pair
    let point = |i: usize| LatLng::new(list[i].1, list[i].0).expect("place");
    let (mut both, mut near, mut soon, mut all) = (0, 0, 0, 0);
    for i in 0..list.len() {
        for j in 0..i {
            let (d, t) = (point(i).distance_m(point(j)), (list[i].2 - list[j].2).abs());
            let (is_near, is_soon) = (d > 1.0 && d <= 300.0, t > 2 * DAY && t <= 7 * DAY);
            both += i32::from(is_near && is_soon);
            near += i32::from(is_near);
            soon += i32::from(is_soon);
            all += 1;
        }
    }
    let field = at(&loud, 300.0, 7.0);
    assert_eq!(number(&field, "observed"), f64::from(both));
    assert!((number(&field, "expected") - f64::from(near) * f64::from(soon) / f64::from(all)).abs() < 1e-9);
    let (_, quiet) = run("quiet.csv", "quiet-table.csv");
    assert!(quiet.iter().filter(|f| number(f, "p") <= 0.02).count() <= 1, "{quiet:?}");
    assert_eq!(loud, run("loud.csv", "again.csv").1, "the seed decides");

    done(folder.path(), "knox loud.csv --permutations 0 --out book.xlsx");
    done(folder.path(), "knox loud.csv --permutations 0 --out plain.csv");
    assert!(rows(&folder.path().join("plain.csv")).iter().all(|f| f["p"].is_empty()));
    std::fs::write(folder.path().join("one.csv"), incidents(&list[..1])).expect("written");
    for (line, code, part) in [
        ("knox one.csv --out no.csv", 3, "no pair"),
        ("knox loud.csv --out no.geojson", 2, ".xlsx"),
        ("knox loud.csv --distances 500m,100m --out no.csv", 2, "ascending"),
        ("knox loud.csv --days 7,7 --out no.csv", 2, "ascending"),
        ("knox loud.csv --days soon --out no.csv", 2, "duration"),
    ] {
        let out = lianhu(folder.path(), line);
        assert_eq!(out.status.code(), Some(code), "{line}: {}", said(&out));
        assert!(said(&out).contains(part), "{line}: {}", said(&out));
    }
    assert!(!folder.path().join("no.csv").exists() && !folder.path().join("no.geojson").exists());
}

#[test]
fn faults_are_told_with_row_and_column_and_wrong_flags_are_usage() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("i.csv"), "time,lon,lat\nsoon,105.9,26.2\n2026-01-01,26.2,105.9\n")
        .expect("written");
    std::fs::write(folder.path().join("c.csv"), "h3,count\nnocell,1\n").expect("written");
    std::fs::write(folder.path().join("e.csv"), "time,lon,lat\n").expect("written");
    std::fs::create_dir(folder.path().join("folder.csv")).expect("folder");
    for (name, text) in [
        ("p.csv", "time,lon,lat\n2026-01-01,,\n"),
        ("n.csv", "time,lon,lat\n2026-01-01,NaN,26.2\n"),
        ("w.csv", "when,lon,lat\n2026-01-01,105.9,26.2\n"),
        ("z.csv", ""),
        ("d.csv", "h3,count\n"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    for (line, code, part) in [
        ("hotspots i.csv --resolution 9 --out o.csv", 3, "column time"),
        ("hotspots i.csv --resolution 9 --out o.csv", 3, "axes swapped?"),
        ("hotspots c.csv --cells --out o.csv", 3, "bad_cell"),
        ("hotspots e.csv --resolution 9 --out o.csv", 3, "there is no"),
        ("trends e.csv --resolution 9 --step 1d --steps 9 --out o.csv", 3, "there is no"),
        ("scan e.csv --radius 3km --days 7 --out o.csv", 3, "there is no"),
        ("hotspots absent.csv --resolution 9 --out o.csv", 3, "absent.csv"),
        ("hotspots i.csv --out o.csv", 2, "--resolution"),
        ("hotspots i.csv --resolution 16 --out o.csv", 2, "16"),
        ("hotspots i.csv --resolution 9 --weights ring3 --out o.csv", 2, "ring1 or band:500"),
        ("trends i.csv --resolution 9 --step 1d --steps 2 --out o.csv", 2, "时段数"),
        ("trends i.csv --resolution 9 --step 1d --steps 2 --out o.csv", 2, "更长的时间范围"),
        ("density e.csv --out o.csv", 3, "e.csv：只有表头"),
        ("knox e.csv --out o.csv", 3, "there is no"),
        ("scan i.csv --radius far --days 7 --out o.csv", 2, "distance"),
        ("scan i.csv --radius 1m --days 7 --out o.csv", 2, "10–2000000 米"),
        (
            "scan i.csv --radius 9000km --days 7 --out o.csv",
            2,
            "--radius <3km> 的值“9000km”不可用：距离应在 10–2000000 米之间",
        ),
        ("hotspots i.csv --resolution 9 --weights band:0.5 --out o.csv", 2, "--weights"),
        ("hotspots p.csv --resolution 9 --out o.csv", 3, "1 件事件都没有地点"),
        ("hotspots n.csv --resolution 9 --out o.csv", 3, "“NaN”不是有限的数"),
        ("hotspots w.csv --resolution 9 --out o.csv", 3, "也可叫 发生时间、occurred_a、上报时间、时间"),
        ("hotspots z.csv --resolution 9 --out o.csv", 3, "发生时间,经度,纬度"),
        ("hotspots z.csv --cells --out o.csv", 3, "h3,count"),
        ("hotspots d.csv --cells --out o.csv", 3, "d.csv：只有表头"),
        ("hotspots absent.csv --resolution 9 --out o.csv", 3, "没有这个文件"),
        ("hotspots absent.csv --resolution 9 --out o.pdf", 2, "--out o.pdf：不写这种文件；可用 .csv、.geojson"),
        ("trends absent.csv --resolution 9 --step 1d --steps 9 --out o", 2, "--out o：不写这种文件"),
        ("scan absent.csv --radius 3km --days 7 --out o.txt", 2, "standard output"),
        ("density absent.csv --out o.pdf", 2, ".geojson"),
        ("knox absent.csv --out o.pdf", 2, "可用 .csv、.xlsx"),
        ("knox absent.csv --out nowhere/o.csv", 3, "nowhere/o.csv：无法写入：所在的文件夹不存在"),
        ("density absent.csv --out folder.csv", 2, "这是文件夹"),
    ] {
        let out = lianhu(folder.path(), line);
        let text = said(&out);
        assert_eq!(out.status.code(), Some(code), "{line}: {text}");
        assert!(text.contains(part), "{line}: {text}");
    }
    assert!(!folder.path().join("o.csv").exists());
}

#[test]
fn a_dash_is_standard_output_and_words_go_beside_it() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("cells.csv"), cells(6).0).expect("written");
    let out = lianhu(folder.path(), "hotspots cells.csv --cells --permutations 0 --out -");
    assert!(out.status.success(), "{}", said(&out));
    let table = String::from_utf8(out.stdout).expect("text");
    assert_eq!(table.lines().next(), Some(COLUMNS));
    assert_eq!(table.lines().count(), 1 + cells(6).1.len());
    assert!(String::from_utf8_lossy(&out.stderr).contains("sha256"));
    assert!(!folder.path().join("-").exists());
    let written = lianhu(folder.path(), "hotspots cells.csv --cells --permutations 0 --out same.csv");
    assert!(String::from_utf8_lossy(&written.stdout).contains("sha256"));
    assert_eq!(std::fs::read_to_string(folder.path().join("same.csv")).expect("written"), table);
}

#[test]
fn a_scan_without_permutations_says_nothing_of_chance() {
    let folder = tempfile::tempdir().expect("folder");
    let line = format!("scan {} --radius 3km --days 7 --permutations 0 --out scan.csv", township("incidents.csv"));
    let out = done(folder.path(), &line);
    assert!(out.contains("--permutations 0") && !out.contains("p = ") && !out.contains("偶然出现"), "{out}");
    let found = rows(&folder.path().join("scan.csv"));
    assert!(!found.is_empty());
    for c in found {
        assert!(c["p"].is_empty() && c["recurrence_days"].is_empty(), "{c:?}");
        assert!(number(&c, "observed") > number(&c, "expected"));
    }
}
