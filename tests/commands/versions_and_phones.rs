//! What an exported row carries back: its version, so that a conflict is seen, and an officer's telephone, sealed in the store.

#![expect(clippy::panic, reason = "a test fails loudly")]

use std::path::{Path, PathBuf};

use crate::common::{done, lianhu, said};

const STORE: &str = "--store sqlite:register.gpkg";
const VILLAGE: &str = "520423102003";
const PHONE: &str = "13800138017";

fn fixture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "township", name].iter().collect();
    path.display().to_string()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("a temporary folder: {e}"))
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A store with a village's outline and three buildings.
fn buildings(at: &Path) {
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    let rows: String = (1..=3).map(|i| format!("b{i},{VILLAGE},第{i}栋,105.66,26.000{i}\n")).collect();
    write(&at.join("b.csv"), &format!("楼栋编号,所属村,名称,经度,纬度\n{rows}"));
    done(at, &format!("import {STORE} --layer buildings b.csv"));
}

#[test]
fn a_row_changed_in_the_store_since_its_export_is_a_conflict_and_is_not_overwritten() {
    for ending in ["csv", "xlsx", "geojson", "geojsonl", "gpkg", "fgb", "kml", "zip"] {
        let dir = folder();
        let at = dir.path();
        buildings(at);
        done(at, &format!("export {STORE} --layer buildings old.{ending}"));
        // Meanwhile somebody renames b2.
        let renamed = format!("楼栋编号,所属村,名称,经度,纬度\nb2,{VILLAGE},新名,105.66,26.0002\n");
        write(&at.join("b.csv"), &renamed);
        assert!(done(at, &format!("import {STORE} --layer buildings b.csv")).contains("更新 1，"));
        // The export still says 第2栋: taken by itself that would be a change back.
        let out = lianhu(at, &format!("import {STORE} --layer buildings old.{ending}"));
        assert_eq!(out.status.code(), Some(3), "{ending}: {}", said(&out));
        let all = said(&out);
        assert!(all.contains("b2") && all.contains("文件版本 1 库版本 2"), "{ending}: {all}");
        assert!(all.contains("更新 0，未变 2，冲突 1"), "{ending}: {all}");
        let partial = done(at, &format!("import {STORE} --layer buildings --partial old.{ending}"));
        assert!(partial.contains("更新 0，未变 2，冲突 1"), "{ending}: {partial}");
        done(at, &format!("export {STORE} --layer buildings now.csv"));
        let now = text(&at.join("now.csv"));
        assert!(now.contains("新名") && !now.contains("第2栋"), "{ending}: {now}");
    }
}

#[test]
fn edited_cells_alone_are_changed_and_a_fresh_export_is_no_conflict() {
    let dir = folder();
    let at = dir.path();
    buildings(at);
    done(at, &format!("export {STORE} --layer buildings one.csv"));
    let edited = text(&at.join("one.csv")).replace("第3栋", "三号楼");
    write(&at.join("two.csv"), &edited);
    let said = done(at, &format!("import {STORE} --layer buildings two.csv"));
    assert!(said.contains("更新 1，未变 2，冲突 0"), "{said}");
    done(at, &format!("export {STORE} --layer buildings three.csv"));
    let back = done(at, &format!("import {STORE} --layer buildings three.csv"));
    assert!(back.contains("更新 0，未变 3，冲突 0"), "{back}");
    // Another store that gets the export hands out the same bytes.
    done(at, &format!("import --store sqlite:other.gpkg --layer regions {}", fixture("regions.geojson")));
    done(at, "import --store sqlite:other.gpkg --layer buildings three.csv");
    done(at, "export --store sqlite:other.gpkg --layer buildings four.csv");
    assert_eq!(text(&at.join("three.csv")), text(&at.join("four.csv")));
    assert!(done(at, "check sqlite:other.gpkg").contains("库完好"));
}

fn officers(at: &Path) {
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    let rows = format!(
        "人员编号,所属编码,职务,姓名,电话\no1,{VILLAGE}001,网格长,张三,{PHONE}\no2,{VILLAGE}001,网格员,李四,\n"
    );
    write(&at.join("o.csv"), &rows);
}

/// Whether the bytes stand in any file of a folder but the ones named.
fn found(at: &Path, needle: &[u8], but: &[&str]) -> Vec<String> {
    let mut hits = Vec::new();
    for entry in std::fs::read_dir(at).unwrap_or_else(|e| panic!("{e}")) {
        let path = entry.unwrap_or_else(|e| panic!("{e}")).path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = std::fs::read(&path).unwrap_or_default();
        if !but.contains(&name.as_str()) && bytes.windows(needle.len()).any(|w| w == needle) {
            hits.push(name);
        }
    }
    hits
}

#[test]
fn i28_telephones_are_sealed_at_rest_and_opened_for_a_purpose_alone() {
    let dir = folder();
    let at = dir.path();
    officers(at);
    let out = lianhu(at, &format!("import {STORE} --layer officers o.csv"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("lianhu key"), "says how to make a key: {}", said(&out));
    done(at, &format!("key {STORE}"));
    let again = lianhu(at, &format!("key {STORE}"));
    assert_eq!(again.status.code(), Some(3), "a key is never written over: {}", said(&again));
    assert!(done(at, &format!("import {STORE} --layer officers o.csv")).contains("新增 2"));
    let same = done(at, &format!("import {STORE} --layer officers o.csv"));
    assert!(same.contains("更新 0，未变 2"), "{same}");
    let changed = text(&at.join("o.csv")).replace(PHONE, "13900139000");
    write(&at.join("o2.csv"), &changed);
    assert!(done(at, &format!("import {STORE} --layer officers o2.csv")).contains("更新 1"));
    assert!(done(at, &format!("import {STORE} --layer officers o.csv")).contains("更新 1"));
    for number in [PHONE, "13900139000"] {
        let hits = found(at, number.as_bytes(), &["o.csv", "o2.csv"]);
        assert!(hits.is_empty(), "{number} stands in {hits:?}");
    }
    done(at, &format!("export {STORE} --layer officers plain.csv"));
    let plain = text(&at.join("plain.csv"));
    assert!(!plain.contains(PHONE) && !plain.contains("张三") && !plain.contains("phone"), "{plain}");
    done(at, &format!("export {STORE} --layer officers --with-names --purpose 值班表 named.csv"));
    let named = text(&at.join("named.csv"));
    assert!(named.contains(PHONE) && named.contains("张三"), "{named}");
    let log = done(at, &format!("audit {STORE}"));
    assert!(log.contains("officers.reveal") && log.contains("值班表"), "{log}");
    assert!(!log.contains(PHONE) && !log.contains("张三"), "{log}");
    // Neither export takes anything away when it is brought back.
    for file in ["plain.csv", "named.csv"] {
        let back = done(at, &format!("import {STORE} --layer officers {file}"));
        assert!(back.contains("更新 0，未变 2"), "{file}: {back}");
    }
    // Another key, and none.
    std::fs::rename(at.join("register.gpkg.key"), at.join("mine")).unwrap_or_else(|e| panic!("{e}"));
    let reveal = format!("export {STORE} --layer officers --with-names --purpose 值班表 x.csv");
    let out = lianhu(at, &reveal);
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("密钥") && !at.join("x.csv").exists(), "{}", said(&out));
    done(at, &format!("key {STORE}"));
    let out = lianhu(at, &reveal);
    assert!(said(&out).contains("o1") && !at.join("x.csv").exists(), "{}", said(&out));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    let at = dir.path();
    officers(at);
    done(at, &format!("key {STORE}"));
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(at.join("register.gpkg.key"), open).unwrap_or_else(|e| panic!("{e}"));
    let out = lianhu(at, &format!("import {STORE} --layer officers o.csv"));
    assert_eq!(out.status.code(), Some(3));
    assert!(said(&out).contains("chmod 600"), "{}", said(&out));
}
