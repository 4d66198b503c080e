//! What a county brings of its own on the command line: zones, rules, words; codes to be looked at; standard input; a plan made again.

#![expect(clippy::panic, reason = "a test fails loudly")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::{done, lianhu, said};

const STORE: &str = "--store sqlite:register.gpkg";
/// A profile of the county's own.
const RULES: &str = "name = \"own\"\ntitle = \"本县\"\n[unit]\nmin = 8\nmax = 12\n[grid]\ndivide = \"balance\"\n";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("a temporary folder: {e}"))
}

fn write(at: &Path, name: &str, text: &str) {
    std::fs::write(at.join(name), text).unwrap_or_else(|e| panic!("{name}: {e}"));
}

fn text(at: &Path, name: &str) -> String {
    std::fs::read_to_string(at.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn bytes(at: &Path, name: &str) -> Vec<u8> {
    std::fs::read(at.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A store with two villages, square and side by side.
fn villages(at: &Path) {
    let ring = |x: f64| format!("\"POLYGON(({x} 26,{0} 26,{0} 26.01,{x} 26.01,{x} 26))\"", x + 0.01);
    let rows = format!("编码,名称,wkt\n520423102201,甲村,{}\n520423102202,乙村,{}\n", ring(105.0), ring(105.01));
    write(at, "regions.csv", &rows);
    done(at, &format!("import {STORE} --layer regions regions.csv"));
}

fn refused(at: &Path, line: &str, code: i32, words: &[&str]) -> String {
    let out = lianhu(at, line);
    let told = said(&out);
    assert_eq!(out.status.code(), Some(code), "{line}: {told}");
    for word in words {
        assert!(told.contains(word), "{word} is not in: {told}");
    }
    told
}

#[test]
fn zones_come_in_go_out_and_come_back_the_same() {
    let dir = folder();
    let at = dir.path();
    villages(at);
    write(at, "z.csv", "功能区编号,名称,所辖乡镇\nhgs,旅游区,520423102、520424107000\njk,经开区,520423102\n");
    let tried = done(at, &format!("import {STORE} --layer 功能区 --dry-run z.csv"));
    assert!(tried.contains("zones：新增 2") && tried.contains("试运行"), "{tried}");
    assert!(done(at, &format!("import {STORE} --layer zones --reason 首次 z.csv")).contains("zones：新增 2"));
    for ending in ["csv", "xlsx"] {
        let (one, two) = (format!("1.{ending}"), format!("2.{ending}"));
        done(at, &format!("export {STORE} --layer zones {one}"));
        let again = done(at, &format!("import {STORE} --layer zones {one}"));
        assert!(again.contains("新增 0，更新 0，未变 2，冲突 0"), "{again}");
        done(at, &format!("export {STORE} --layer zones {two}"));
        assert!(bytes(at, &one) == bytes(at, &two), "{ending} came back otherwise");
    }
    let out = text(at, "1.csv");
    assert!(out.contains("520423102、520424107,"), "nine digits each: {out}");
    // who changed what; a row that was changed since is a conflict
    let stale = out.replace("旅游区", "黄果树旅游区");
    write(at, "edit.csv", &stale);
    assert!(done(at, &format!("import {STORE} --layer zones --reason 更名 edit.csv")).contains("更新 1"));
    let history = done(at, &format!("history {STORE} --layer zones hgs"));
    let lines: Vec<Vec<&str>> = history.lines().map(|l| l.split('\t').collect()).collect();
    let cells: Vec<_> = lines.iter().map(|l| (l[3], l[6])).collect();
    assert_eq!(cells, [("*", "首次"), ("name", "更名")], "{history}");
    write(at, "late.csv", &out.replace("旅游区", "别的"));
    refused(at, &format!("import {STORE} --layer zones late.csv"), 3, &["hgs", "重新导出"]);
    // faults by row and column; partial brings the others
    write(at, "bad.csv", "id,name,townships\na,甲,5204\nb,乙,520423102\nc,,520423102\nb,丙,520423102\n");
    let faults = format!("import {STORE} --layer zones --faults f.csv");
    refused(at, &format!("{faults} bad.csv"), 3, &["bad_code", "missing_value", "duplicate_id"]);
    assert!(text(at, "f.csv").contains("townships"));
    assert!(done(at, &format!("{faults} --partial bad.csv")).contains("zones：新增 1"));
    assert!(done(at, "check sqlite:register.gpkg").contains("库完好"));
}

#[test]
fn county_s_own_rules_are_stored_named_and_planned_by() {
    let dir = folder();
    let at = dir.path();
    villages(at);
    let (import, export) = (format!("import {STORE} --layer profiles"), format!("export {STORE} --layer profiles"));
    write(at, "own.toml", RULES);
    refused(at, &format!("draft {STORE} --region 520423102201 --profile own"), 2, &["own", "xixiu"]);
    assert!(done(at, &format!("{import} own.toml")).contains("profiles：新增 1"));
    assert!(done(at, &format!("profiles {STORE}")).contains("本县（库中 the register's）"));
    assert!(!done(at, "profiles").contains("本县"));
    // planned by: units of eight
    let mut rows = String::from("户号,经度,纬度,楼栋\n");
    for i in 0..16 {
        rows.push_str(&format!("h{i},{},26.005,b{i}\n", 105.002 + f64::from(i) * 2e-4));
    }
    write(at, "h.csv", &rows);
    done(at, &format!("import {STORE} --layer households h.csv"));
    let planned = done(at, &format!("draft {STORE} --region 520423102201 --profile own --budget 0"));
    assert!(planned.contains("2 单元 units") && planned.contains("H1–H11：无违反"), "{planned}");
    // what goes out is what comes in, as a table and as TOML
    for ending in ["toml", "csv", "xlsx"] {
        let (one, two) = (format!("1.{ending}"), format!("2.{ending}"));
        done(at, &format!("{export} {one}"));
        assert!(done(at, &format!("{import} {one}")).contains("新增 0，更新 0，未变 1，冲突 0"), "{ending}");
        done(at, &format!("{export} {two}"));
        assert!(bytes(at, &one) == bytes(at, &two), "{ending} came back otherwise");
    }
    // other rules: said that plans keep theirs; a stale file is a conflict
    write(at, "edit.toml", &text(at, "1.toml").replace("max = 12", "max = 15"));
    let out = lianhu(at, &format!("{import} edit.toml"));
    assert!(
        out.status.success() && said(&out).contains("profile_in_use") && said(&out).contains("更新 1"),
        "{}",
        said(&out)
    );
    write(at, "late.toml", &text(at, "1.toml").replace("max = 12", "max = 14"));
    refused(at, &format!("{import} late.toml"), 3, &["own", "重新导出"]);
    assert!(lianhu(at, &format!("draft {STORE} --region 520423102201 --profile 1.toml --budget 0")).status.success());
    // the name of one that ships is taken over, and said
    write(at, "xixiu.toml", &RULES.replace("\"own\"", "\"xixiu\""));
    assert!(said(&lianhu(at, &format!("{import} --dry-run xixiu.toml"))).contains("replaces_shipped"));
    // faults: which profile, which rule
    let second = RULES.replace("min = 8", "min = 13").replace("\"own\"", "\"two\"");
    let both = [&RULES.replace("\"own\"", "\"three\""), &second].map(|t| {
        let t = t.replace("[unit]", "[profile.unit]").replace("[grid]", "[profile.grid]");
        format!("[[profile]]\n{t}")
    });
    write(at, "both.toml", &both.concat());
    refused(at, &format!("{import} both.toml"), 3, &["bad_profile", "two", "unit.min 13"]);
    assert!(done(at, &format!("{import} --partial both.toml")).contains("profiles：新增 1"));
    write(at, "broken.toml", "name = \n");
    refused(at, &format!("{import} broken.toml"), 3, &["toml_syntax", "line 1", "第 1 行第 8 列", "等号后面没有值"]);
    write(at, "again.toml", &RULES.replace("min = 8", "min = 8\nmin = 9"));
    refused(at, &format!("{import} again.toml"), 3, &["toml_syntax", "这一项写了两次，只能留一个", "duplicate key"]);
    write(at, "words.toml", &RULES.replace("min = 8", "min = \"8\""));
    let faults = ["bad_profile", "类型不对：写的是文字 \"8\"，应为非负整数", "does not hold: line", "invalid type"];
    refused(at, &format!("{import} words.toml"), 3, &faults);
    write(at, "other.csv", "name,toml\nfour,x = 1\n");
    refused(at, &format!("{import} other.csv"), 3, &["bad_profile"]);
    refused(at, &format!("import {STORE} --layer zones own.toml"), 2, &["TOML"]);
    refused(at, &format!("export {STORE} --layer zones z.toml"), 2, &["toml"]);
    refused(at, &format!("plan none.csv {STORE} --profile nobody --out p"), 2, &["nobody", "own"]);
    assert!(done(at, "check sqlite:register.gpkg").contains("库完好"));
}

#[test]
fn words_of_an_office_are_understood_and_what_is_in_use_stays() {
    let dir = folder();
    let at = dir.path();
    villages(at);
    let import = format!("import {STORE} --layer dictionaries");
    let words = "字典,键,名称,启用\n事件类别,flood,内涝,是\n状态,closed,已销号,是\n居住性质,own,自有住房,是\n";
    write(at, "w.csv", words);
    assert!(done(at, &format!("{import} w.csv")).contains("dictionaries：新增 3"));
    write(at, "i.csv", "事件编号,所属村,类别,状态,发生时间\ne1,520423102201,内涝,已销号,2025-06-01\n");
    done(at, &format!("import {STORE} --layer incidents i.csv"));
    done(at, &format!("export {STORE} --layer incidents i2.csv"));
    let kept = text(at, "i2.csv");
    assert!(kept.contains("flood") && kept.contains("closed"), "{kept}");
    write(at, "h.csv", "户号,经度,纬度,楼栋,居住性质\nh1,105.002,26.005,b1,自有住房\n");
    done(at, &format!("import {STORE} --layer households h.csv"));
    done(at, &format!("export {STORE} --layer households h2.csv"));
    assert!(text(at, "h2.csv").contains(",own,"), "{}", text(at, "h2.csv"));
    // switched off: said, and the incident keeps its category
    write(at, "off.csv", &words.replace("内涝,是", "内涝,否"));
    let out = lianhu(at, &format!("{import} off.csv"));
    let told = said(&out);
    assert!(out.status.success() && told.contains("category_in_use") && told.contains("更新 1"), "{told}");
    done(at, &format!("export {STORE} --layer incidents i3.csv"));
    assert_eq!(text(at, "i3.csv"), kept);
    for ending in ["csv", "xlsx"] {
        done(at, &format!("export {STORE} --layer dictionaries 1.{ending}"));
        let again = done(at, &format!("{import} 1.{ending}"));
        assert!(again.contains("新增 0，更新 0，未变 3，冲突 0"), "{again}");
    }
    // a county's own hours, kept as they are written out
    write(at, "hours.csv", "字典,键,名称,办理时限(小时)\n事件类别,flood,内涝,\"6, 12, 24, 48\"\n");
    assert!(done(at, &format!("{import} hours.csv")).contains("更新 1"));
    for ending in ["csv", "xlsx"] {
        done(at, &format!("export {STORE} --layer dictionaries 2.{ending}"));
        let again = done(at, &format!("{import} 2.{ending}"));
        assert!(again.contains("新增 0，更新 0，未变 3，冲突 0"), "{again}");
    }
    assert!(text(at, "2.csv").contains("6、12、24、48"), "{}", text(at, "2.csv"));
    write(at, "hours.csv", "字典,键,名称,时限\n事件类别,flood,内涝,0\n状态,closed,已销号,3\n");
    refused(at, &format!("{import} hours.csv"), 3, &["bad_hours", "8784", "只有事件类别"]);
    // entries change names with each other in one file, and not with one that keeps its own
    write(at, "swap.csv", "字典,键,名称\n事件类别,opinion,政策宣传\n事件类别,publicity,社情民意\n");
    assert!(done(at, &format!("{import} swap.csv")).contains("新增 2"));
    write(at, "swap.csv", "字典,键,名称\n事件类别,opinion,社情民意\n事件类别,publicity,政策宣传\n");
    assert!(done(at, &format!("{import} swap.csv")).contains("更新 2"));
    write(at, "swap.csv", "字典,键,名称\n事件类别,opinion,政策宣传\n");
    refused(at, &format!("{import} swap.csv"), 3, &["name_taken", "publicity", "第 2 行"]);
    assert!(done(at, "check sqlite:register.gpkg").contains("库完好"));
    write(at, "bad.csv", "字典,键,名称\n状态,lost,丢失\n颜色,red,红\n事件类别,wet,内涝\n事件类别,a/b,斜\n");
    refused(at, &format!("{import} bad.csv"), 3, &["fixed_list", "unknown_list", "name_taken", "bad_key", "第 3 行"]);
    write(at, "new.csv", "事件编号,所属村,类别,发生时间\ne2,520423102201,没有的类,2025-06-01\n");
    let out = lianhu(at, &format!("import {STORE} --layer incidents new.csv"));
    assert!(out.status.success() && said(&out).contains("unknown_word"), "{}", said(&out));
}

#[test]
fn village_digits_nobody_gives_out_are_to_be_looked_at_and_are_stored() {
    let dir = folder();
    let at = dir.path();
    villages(at);
    let ring = "\"POLYGON((105.02 26,105.03 26,105.03 26.01,105.02 26.01,105.02 26))\"";
    write(at, "r.csv", &format!("编码,名称,wkt\n520423102700,丙村,{ring}\n"));
    let out = lianhu(at, &format!("import {STORE} --layer regions r.csv"));
    let told = said(&out);
    assert!(out.status.success() && told.contains("新增 1"), "{told}");
    for word in ["village_digits", "第 2 行", "编码", "700", "200–399"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let rows = "楼栋编号,村编码,经度,纬度\nb1,520423102801,105.005,26.005\nb2,520423102801,105.005,26.006\nb3,520423102700,105.025,26.005\n";
    write(at, "b.csv", rows);
    let told = said(&lianhu(at, &format!("import {STORE} --layer buildings b.csv")));
    assert!(told.contains("buildings：新增 3"), "{told}");
    assert_eq!(told.matches("[village_digits]").count(), 1, "once, and not of a code the register has: {told}");
}

/// Runs the program with something on its standard input.
fn piped(at: &Path, line: &str, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .current_dir(at)
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{e}"));
    let mut own = child.stdin.take().unwrap_or_else(|| panic!("an input"));
    // one that is refused early does not read it all
    let _ = own.write_all(input.as_bytes());
    drop(own);
    child.wait_with_output().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn standard_input_is_read_once_gone_over_twice_and_named_as_such() {
    let dir = folder();
    let at = dir.path();
    villages(at);
    let rows = "楼栋编号,经度,纬度\nb1,105.005,26.005\nb2,105.005,26.006\n";
    let out = piped(at, &format!("import {STORE} --layer buildings -"), rows);
    assert!(out.status.success() && said(&out).contains("buildings：新增 2"), "{}", said(&out));
    let line = r#"{"type":"Feature","id":"r1","properties":{"kind":"river"},"geometry":{"type":"LineString","coordinates":[[105.001,26.001],[105.009,26.001]]}}"#;
    let import = format!("import {STORE} --layer barriers --region 520423102 --format geojsonseq -");
    let out = piped(at, &import, &format!("{line}\n"));
    assert!(out.status.success() && said(&out).contains("barriers：新增 1"), "{}", said(&out));
    let out = piped(at, &format!("import {STORE} --layer profiles --format toml -"), RULES);
    assert!(out.status.success() && said(&out).contains("profiles：新增 1"), "{}", said(&out));
    let out = piped(at, &format!("import {STORE} --layer buildings --faults f.csv -"), "楼栋编号,经度,纬度\nb3,x,26\n");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    let list = text(at, "f.csv");
    assert!(
        list.contains("not_a_number")
            && list.lines().nth(1).is_some_and(|l| l.starts_with("'-,") || l.starts_with("-,")),
        "{list}"
    );
    assert_eq!(piped(at, &format!("import {STORE} --layer buildings - regions.csv"), rows).status.code(), Some(2));
    let personal = lianhu(at, &format!("import {STORE} --layer regions --reason 13800138000 regions.csv"));
    assert_eq!(personal.status.code(), Some(2), "{}", said(&personal));
}

/// Whether a process listens to Ctrl-C, as Linux tells.
fn listens(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 0b10 != 0)
}

#[test]
fn silent_pipe_is_left_by_ctrl_c_and_nothing_is_stored() {
    let dir = folder();
    let at = dir.path();
    villages(at);
    let mut child = Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .current_dir(at)
        .args(format!("import {STORE} --layer buildings -").split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{e}"));
    let mut own = child.stdin.take().unwrap_or_else(|| panic!("an input"));
    own.write_all("楼栋编号,经度,纬度\nb1,105.005,26.005\n".as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let begun = std::time::Instant::now();
    while !listens(child.id()) && begun.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|s| s.success()), "the signal is sent");
    // the pipe stays open: only Ctrl-C ends this
    let out = child.wait_with_output().unwrap_or_else(|e| panic!("{e}"));
    drop(own);
    assert_eq!(out.status.code(), Some(130), "{}", said(&out));
    assert!(done(at, &format!("export {STORE} --layer buildings b.csv")).contains("0 行"));
}

/// All files of two plan folders are the same bytes, but for the part of the report that tells of the run.
fn same_plan(at: &Path, first: &str, second: &str) {
    let names = |folder: &str| -> std::collections::BTreeSet<String> {
        let entries = std::fs::read_dir(at.join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
        entries.filter_map(Result::ok).map(|e| e.file_name().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(first), names(second));
    assert!(names(first).len() >= 9, "{:?}", names(first));
    for name in names(first).iter().filter(|n| *n != "report.json") {
        assert!(bytes(at, &format!("{first}/{name}")) == bytes(at, &format!("{second}/{name}")), "{name} differs");
    }
    let report = |folder: &str| {
        let mut report = crate::common::json(&at.join(folder).join("report.json"));
        report.as_object_mut().map(|r| r.remove("run"));
        report
    };
    assert_eq!(report(first), report(second));
}

#[test]
fn plan_is_made_again_from_its_report_to_the_byte() {
    let dir = folder();
    let at = dir.path();
    write(at, "own.toml", RULES);
    write(at, "v.csv", &crate::common::scattered(220, 1_200.0, 11));
    done(at, "plan v.csv --profile own.toml --seed 3 --budget 0.3 --threads 1 --out timed");
    // The rules as they were used lie beside the report.
    std::fs::remove_file(at.join("own.toml")).unwrap_or_else(|e| panic!("{e}"));
    done(at, "plan v.csv --replay timed/report.json --threads 2 --out again");
    same_plan(at, "timed", "again");
    done(at, "plan v.csv --replay again/report.json --threads 1 --out third");
    same_plan(at, "timed", "third");
    for threads in [1, 2] {
        done(at, &format!("plan v.csv --profile xixiu --rounds 2 --threads {threads} --out rounds{threads}"));
    }
    same_plan(at, "rounds1", "rounds2");
    let report = crate::common::json(&at.join("rounds1/report.json"));
    let rounds: Vec<u64> =
        report["stages"].as_array().into_iter().flatten().filter_map(|s| s["rounds"].as_u64()).collect();
    assert!(rounds.len() == 2 && rounds.iter().all(|r| *r <= 2), "grids and units: {rounds:?}");
    refused(at, "plan v.csv --seed 4 --replay timed/report.json --out other", 2, &["--seed 4", "3"]);
    refused(at, "plan v.csv --profile xixiu --replay timed/report.json --out other", 3, &["县区规则"]);
    refused(at, "plan v.csv --out other", 2, &["--profile"]);
    write(at, "v.csv", &crate::common::scattered(221, 1_200.0, 11));
    refused(at, "plan v.csv --replay timed/report.json --out other", 3, &["输入"]);
    assert!(!at.join("other").exists());
}
