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

#[test]
fn profile_says_which_barriers_are_hard_for_units() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    village(at, 300);
    let mut profile = lianhu::domain::Profile::named("xixiu").expect("shipped");
    profile.grid.hard_barriers = Some(vec!["road".to_owned()]);
    std::fs::write(at.join("roads.toml"), profile.to_toml()).expect("writable");
    // Three rivers said to be hard, so near each other that no unit fits between them, and a road said to be soft.
    let line = |kind: &str, hard: bool, x: u32| {
        format!(
            r#"{{"type":"Feature","properties":{{"kind":"{kind}","hard":{hard}}},"geometry":{{"type":"LineString","coordinates":[[{x},-900],[{x},900]]}}}}"#
        )
    };
    let lines =
        [line("road", false, 601), line("river", true, 1001), line("river", true, 1041), line("river", true, 1081)];
    let file =
        format!(r#"{{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{}]}}"#, lines.join(","));
    std::fs::write(at.join("b.geojson"), file).expect("writable");
    let text = std::fs::read_to_string(at.join("village.csv")).expect("file");
    let x: Vec<f64> = text.lines().skip(1).map(|l| l.split(',').nth(1).expect("x").parse().expect("number")).collect();
    let crossed = |name: &str, at_m: f64| {
        let mut sides = std::collections::BTreeMap::<i64, std::collections::BTreeSet<bool>>::new();
        for (label, x) in labels(&at.join(name)).into_iter().zip(&x) {
            sides.entry(label).or_default().insert(*x > at_m);
        }
        sides.values().any(|s| s.len() > 1)
    };
    let out = self::line(
        at,
        "units village.csv --profile roads.toml --barriers b.geojson --budget 0 --labels l.txt --report r.json",
    );
    assert!(out.status.success(), "{}", said(&out));
    assert!(!crossed("l.txt", 601.0), "the road is hard by the profile");
    assert!([1001.0, 1041.0, 1081.0].iter().any(|x| crossed("l.txt", *x)), "rivers are soft by it");
    assert_eq!(json(&at.join("r.json"))["hard"]["H11"], 0);
    // A replay needs the profile no more.
    std::fs::remove_file(at.join("roads.toml")).expect("removed");
    let out = self::line(at, "units village.csv --replay r.json --labels again.txt");
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(labels(&at.join("l.txt")), labels(&at.join("again.txt")));
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("file")).expect("JSON")
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn line(folder: &Path, line: &str) -> Output {
    run(folder, &line.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn replay_takes_seed_and_parameters_from_the_report() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    village(at, 120);
    let out = line(at, "units village.csv --seed 5 --min 3 --max 5 --budget 0.1 --labels a.txt --report r.json");
    assert!(out.status.success(), "{}", said(&out));
    let out = line(at, "units village.csv --replay r.json --labels b.txt --report s.json");
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(labels(&at.join("a.txt")), labels(&at.join("b.txt")));
    assert!(labels(&at.join("a.txt")).iter().max() >= Some(&23), "units of three to five");
    assert_eq!(
        (&json(&at.join("s.json"))["seed"], &json(&at.join("s.json"))["parameters"]["min"]),
        (&5.into(), &3.into())
    );
    let told = |name: &str| {
        let mut report = json(&at.join(name));
        report.as_object_mut().expect("report").remove("run");
        report
    };
    assert_eq!(told("r.json"), told("s.json"), "all but times, threads and dates is told again");
    for (flag, both) in
        [("--min 10", ["--min 10", "3"]), ("--seed 1", ["--seed 1", "5"]), ("--max 6", ["--max 6", "5"])]
    {
        let out = line(at, &format!("units village.csv {flag} --replay r.json --labels c.txt"));
        assert_eq!(out.status.code(), Some(2), "{flag}: {}", said(&out));
        assert!(both.iter().all(|w| said(&out).contains(w)) && !at.join("c.txt").exists(), "{flag}: {}", said(&out));
    }
    // Another input is none that could be replayed.
    village(at, 121);
    assert_eq!(line(at, "units village.csv --replay r.json --labels c.txt").status.code(), Some(3));
}

#[test]
fn outputs_are_all_written_or_none() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    village(at, 40);
    let out = line(at, "units village.csv --rounds 1 --labels x --geojson y --report no/such/r.json");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("no/such/r.json") && !said(&out).contains(".tmp"), "{}", said(&out));
    assert_eq!(std::fs::read_dir(at).expect("folder").count(), 1, "only the input is there");
    assert_eq!(line(at, "units village.csv --rounds 1 --labels x --report x").status.code(), Some(2));
}

#[test]
fn containers_go_by_any_name_and_blank_cells_by_none() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let mut text = String::from("id,x,y,building,自然寨,zone\n");
    for i in 0..90_u32 {
        // Hamlets of 8, 15 and 15 households and 52 households of none, mixed along one lane.
        let hamlet =
            ["东寨", "西寨", "", "", "", "南寨"][i as usize % 6].replace("东寨", if i % 12 == 0 { "东寨" } else { "" });
        text.push_str(&format!("h{i},{},0,b{i},{hamlet},z{}\n", i * 15, i / 45));
    }
    std::fs::write(at.join("v.csv"), &text).expect("writable");
    let hamlets: Vec<String> = text.lines().skip(1).map(|l| l.split(',').nth(4).expect("hamlet").to_owned()).collect();
    for name in ["自然寨", "hamlet", "寨"] {
        let out = line(
            at,
            &format!("units v.csv --min 5 --max 9 --container {name}=law --rounds 2 --labels l.txt --report r.json"),
        );
        assert!(out.status.success(), "{name}: {}", said(&out));
        let mut of = std::collections::BTreeMap::<i64, std::collections::BTreeSet<&str>>::new();
        for (label, hamlet) in labels(&at.join("l.txt")).into_iter().zip(&hamlets) {
            of.entry(label).or_default().insert(hamlet);
        }
        assert!(of.values().all(|h| h.len() == 1), "{name}: a unit crosses a hamlet: {of:?}");
        let report = json(&at.join("r.json"));
        assert_eq!(report["exceptions"], serde_json::json!([]), "{name}: blank is no hamlet of one");
        let blank = hamlets.iter().filter(|h| h.is_empty()).count();
        assert!(
            report["notes"].to_string().contains(&format!("hamlet\\\" is blank for {blank} ")),
            "{}",
            report["notes"]
        );
    }
    let out = line(at, "units v.csv --min 5 --max 9 --container zone=law --rounds 2 --labels l.txt");
    assert!(out.status.success(), "{}", said(&out));
    let got = labels(&at.join("l.txt"));
    assert!(got[..45].iter().all(|l| !got[45..].contains(l)), "a unit crosses a zone: {got:?}");
    for binding in ["law", "prefer"] {
        let out = line(at, &format!("units v.csv --container foo={binding} --labels none.txt"));
        assert_eq!(out.status.code(), Some(3), "{}", said(&out));
        assert!(said(&out).contains("foo") && said(&out).contains("hamlet"), "{}", said(&out));
        assert!(!at.join("none.txt").exists());
    }
}

#[test]
fn count_expand_budget_and_standard_input_do_what_they_say() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    village(at, 120);
    let out = line(at, "units village.csv --count 9 --rounds 2 --labels l.txt");
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(labels(&at.join("l.txt")).iter().max(), Some(&8));
    let out = line(at, "units village.csv --count 30 --rounds 2 --labels no.txt");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("between 8 and 12") && !at.join("no.txt").exists(), "{}", said(&out));
    let out = line(at, "units village.csv --budget 0 --labels i.txt --report i.json");
    assert!(out.status.success(), "{}", said(&out));
    let instant = json(&at.join("i.json"));
    assert_eq!((&instant["stopped"], &instant["stages"][0]["rounds"]), (&"budget".into(), &0.into()));
    std::fs::write(at.join("towers.csv"), "id,x,y,building,households\na,0,0,a,12\nb,90,0,b,13\nc,40,40,c,0\n")
        .expect("writable");
    let out = line(at, "units towers.csv --labels e.txt");
    assert_eq!(out.status.code(), Some(3));
    assert!(said(&out).contains("--expand"), "{}", said(&out));
    let out = line(at, "units towers.csv --expand --rounds 1 --labels e.txt");
    assert!(out.status.success(), "{}", said(&out));
    let got = labels(&at.join("e.txt"));
    assert_eq!((got.len(), got[0], got[11], got[12], got[24], got[25]), (26, got[0], got[0], got[12], got[12], -1));
    assert_ne!(got[0], got[12]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .current_dir(at)
        .args(["units", "-", "--budget", "0", "--labels", "s.txt"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut pipe, &std::fs::read(at.join("village.csv")).expect("file")).expect("it reads");
    drop(pipe);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(labels(&at.join("s.txt")), labels(&at.join("i.txt")));
}

#[test]
fn interleaved_villages_are_labelled_one_after_the_other_in_input_order() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let mut text = String::from("id,x,y,building,village\n");
    for i in 0..60_u32 {
        let (village, x) = if i % 2 == 0 { ("乙", 0) } else { ("甲", 9_000) };
        text.push_str(&format!("h{i},{},{},b{i},{village}\n", x + i * 11, i % 7 * 9));
    }
    std::fs::write(at.join("v.csv"), text).expect("writable");
    let mut bytes = Vec::new();
    for threads in [1, 2, 4] {
        let out = line(at, &format!("units v.csv --threads {threads} --labels l.txt --geojson g.geojson"));
        assert!(out.status.success(), "{}", said(&out));
        bytes.push(["l.txt", "g.geojson"].map(|f| std::fs::read(at.join(f)).expect("file")));
    }
    assert!(bytes[0] == bytes[1] && bytes[0] == bytes[2], "a run without --rounds depends on the threads");
    let got = labels(&at.join("l.txt"));
    let of = |odd: usize| got.iter().skip(odd).step_by(2).copied().collect::<std::collections::BTreeSet<i64>>();
    let (first, second) = (of(0), of(1));
    let most = *first.last().expect("labels");
    assert_eq!(first, (0..=most).collect(), "the village that comes first has the first labels");
    assert_eq!(second, (most + 1..=*second.last().expect("labels")).collect());
}

#[test]
fn households_stacked_in_one_point_are_numbered_by_smallest_id() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let mut text = String::from("id,x,y,building\n");
    let ids: Vec<String> = (0..45_u32).map(|i| format!("h{:02}", i * 17 % 45)).collect();
    ids.iter().for_each(|id| text.push_str(&format!("{id},1234.567,89.1,tower\n")));
    std::fs::write(at.join("v.csv"), text).expect("writable");
    let out = line(at, "units v.csv --rounds 2 --labels l.txt");
    assert!(out.status.success(), "{}", said(&out));
    let mut smallest = std::collections::BTreeMap::<i64, &String>::new();
    for (label, id) in labels(&at.join("l.txt")).into_iter().zip(&ids) {
        let s = smallest.entry(label).or_insert(id);
        *s = (*s).min(id);
    }
    let order: Vec<&&String> = smallest.values().collect();
    assert!(order.len() >= 3 && order.windows(2).all(|w| w[0] < w[1]), "{smallest:?}");
}
