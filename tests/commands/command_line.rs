//! What the command line says and to whom: readers that go away, places that cannot be written, faults in the command itself.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::common::{done, labels, lianhu, said, scattered};

fn started(folder: &Path, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .current_dir(folder)
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Runs a command that reads standard input, whose readers are gone before there is anything to read.
fn unheard(folder: &Path, line: &str, input: &str, whole: bool) -> Output {
    let mut child = started(folder, line);
    drop(child.stdout.take());
    if whole {
        drop(child.stderr.take());
    }
    child.stdin.take().expect("standard input").write_all(input.as_bytes()).expect("read");
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_reader_that_goes_away_ends_the_talking_and_not_the_work() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    let village = scattered(40, 300.0, 3);
    for (whole, name) in [(false, "a.txt"), (true, "b.txt")] {
        let line = format!("units - --min 5 --max 15 --rounds 2 --labels {name}");
        let out = unheard(at, &line, &village, whole);
        assert_eq!(out.status.code(), Some(0), "{}", said(&out));
        assert!(!said(&out).contains("panicked"), "{}", said(&out));
        assert_eq!(labels(&at.join(name)).len(), village.lines().count() - 1);
    }
    let out = unheard(at, "units - --min 5 --max 15 --rounds 2 --labels -", &village, false);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let out = unheard(at, "units - --min 5 --max 15", "id,x,y\n1,NaN,2\n", false);
    assert_eq!(out.status.code(), Some(3), "the work's own fault still counts: {}", said(&out));
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_fails_is_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    for line in [&["profiles"][..], &["--help"], &["--version"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
        let out = Command::new(env!("CARGO_BIN_EXE_lianhu"))
            .current_dir(folder.path())
            .args(line)
            .stdout(full)
            .output()
            .expect("the program starts");
        assert_eq!(out.status.code(), Some(3), "{line:?}: {}", said(&out));
        assert!(said(&out).contains("标准输出：无法写入：磁盘已满"), "{line:?}: {}", said(&out));
    }
}

#[test]
fn a_dash_takes_one_result_and_words_go_beside_it() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(40, 300.0, 3)).expect("written");
    done(at, "grids v.csv --count 2 --rounds 2 --labels l.txt --geojson g.geojson");
    let out = lianhu(at, "grids v.csv --count 2 --rounds 2 --labels -");
    assert_eq!(String::from_utf8_lossy(&out.stdout), std::fs::read_to_string(at.join("l.txt")).expect("labels"));
    assert!(String::from_utf8_lossy(&out.stderr).contains("2 个网格"));
    let out = lianhu(at, "grids v.csv --count 2 --rounds 2 --geojson -");
    let shapes: serde_json::Value = serde_json::from_slice(&out.stdout).expect("GeoJSON alone");
    assert_eq!(shapes["features"].as_array().map(Vec::len), Some(2));
    let out = lianhu(at, "grids v.csv --count 2 --rounds 2 --geojson - --labels -");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    assert!(said(&out).contains("只能写一个结果") && out.stdout.is_empty());
    assert!(!at.join("-").exists());
}

#[test]
fn places_that_cannot_be_written_are_told_before_the_work() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    for (line, code, part) in [
        ("units absent.csv --labels nowhere/l.txt", 3, "nowhere/l.txt：无法写入：所在的文件夹不存在"),
        ("units absent.csv --geojson u.shp", 2, "--geojson u.shp：不写这种文件；可用 .geojson、.json"),
        ("grids absent.csv --count 2 --report r.pdf", 2, "--report r.pdf"),
        ("grids absent.csv --count 2 --labels .", 2, "这是文件夹"),
        ("draw absent --out o.png", 2, "可用 .svg、.pdf"),
        ("export --store sqlite:absent.gpkg --layer regions o.pdf", 2, "o.pdf：不写这种文件"),
        ("import --store sqlite:absent.gpkg --layer regions absent.csv --faults f.pdf", 2, "--faults f.pdf"),
        ("import --store sqlite:absent.gpkg --layer regions absent.csv --faults -", 2, "--faults -"),
    ] {
        let out = lianhu(at, line);
        assert_eq!(out.status.code(), Some(code), "{line}: {}", said(&out));
        assert!(said(&out).starts_with(part) || said(&out).contains(part), "{line}: {}", said(&out));
    }
    assert!(std::fs::read_dir(at).expect("folder").next().is_none(), "nothing was begun");
}

#[test]
fn what_the_system_says_is_said_in_chinese_first() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path();
    std::fs::write(at.join("v.csv"), scattered(40, 300.0, 3)).expect("written");
    std::fs::write(at.join("bad.toml"), "x = 1\n").expect("written");
    std::fs::create_dir(at.join("empty")).expect("folder");
    for (line, code, part) in [
        ("units absent.csv", 3, "absent.csv：无法读取：没有这个文件"),
        ("units empty", 3, "empty：无法读取：这是文件夹"),
        ("grids v.csv --count 2 --boundary absent.geojson", 3, "absent.geojson：无法读取：没有这个文件"),
        ("units v.csv --replay absent.json", 3, "absent.json：无法读取：没有这个文件"),
        ("units v.csv --replay v.csv", 3, "v.csv：不是本程序写出的报告"),
        ("plan v.csv --profile absent.toml --out p", 3, "absent.toml：无法读取：没有这个文件"),
        (
            "plan v.csv --profile bad.toml --out p",
            3,
            "bad.toml：不能用作规则（可参照 lianhu plan 写出的 profile.toml）：第 1 行第 1 列：没有设置项 x",
        ),
        ("plan v.csv --profile xixiu --in-force empty --out p", 3, "empty/assignment.csv：没有这个文件"),
        ("check absent", 3, "absent：没有这个文件"),
        ("check empty", 3, "empty/profile.toml：没有这个文件"),
        ("export --store sqlite:absent.gpkg --layer regions r.csv", 3, "没有库文件：absent.gpkg"),
        ("export --store foo:bar --layer regions r.csv", 2, "应写作 sqlite:文件.gpkg"),
        ("export --store sqlite:absent.gpkg --layer regions --format foo r", 2, "--format foo：没有这种格式"),
    ] {
        let out = lianhu(at, line);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(code), "{line}: {text}");
        let chinese = text.lines().find(|l| l.contains(part)).expect(line);
        assert!(!chinese.contains("os error"), "{line}: {text}");
    }
}

#[test]
fn faults_of_the_command_itself_are_chinese_first_and_exit_with_2() {
    let folder = tempfile::tempdir().expect("folder");
    for (line, first) in [
        ("scan i.csv --radius 3km --days 0 --out o.csv", "错误：--days <DAYS> 的值“0”不可用：应在 1 到 366 之间"),
        ("scan i.csv --radius 3km --out o.csv", "错误：缺少必需的参数：--days <DAYS>"),
        ("scan i.csv --radius 3km --days 3 --out o.csv --nonsense", "错误：没有参数 --nonsense"),
        ("hotspots c.csv --cells --window 3d --out o.csv", "错误：--cells 不能与 --window <30d> 同时使用"),
        ("grids v.csv --count", "错误：--count <COUNT> 后面缺少值"),
        ("grids v.csv --count 2 --budget -1", "错误：--budget <BUDGET> 的值“-1”不可用"),
        ("nonsense", "错误：没有子命令“nonsense”"),
        ("plans --store sqlite:s.gpkg show", "错误：没有子命令“show”"),
    ] {
        let out = lianhu(folder.path(), line);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{line}: {text}");
        assert!(text.starts_with(first), "{line}: {text}");
        assert!(text.contains("error: "), "clap's own words follow: {text}");
    }
    let out = lianhu(folder.path(), "");
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).starts_with("错误：缺少子命令"), "{}", said(&out));
    let help = lianhu(folder.path(), "--help");
    assert!(help.status.success() && help.stderr.is_empty(), "{}", said(&help));
}
