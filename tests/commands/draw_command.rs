//! The wall map from outside: of a plan directory and of a store, as SVG and as PDF.

#![expect(clippy::panic, reason = "a test fails loudly")]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{done, lianhu, said};

const STORE: &str = "--store sqlite:register.gpkg";
const VILLAGE: &str = "520423102003";

fn fixture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "township", name].iter().collect();
    path.display().to_string()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("a temporary folder: {e}"))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Name of the village in the fixture.
fn name() -> String {
    let regions = crate::common::json(Path::new(&fixture("regions.geojson")));
    let all = regions["features"].as_array().cloned().unwrap_or_default();
    let of = all.iter().find(|f| f["properties"]["code"] == VILLAGE);
    of.and_then(|f| f["properties"]["name"].as_str()).unwrap_or_else(|| panic!("the village has a name")).to_owned()
}

/// The text that poppler finds on a PDF, without the blanks between letters.
fn words(path: &Path) -> String {
    let out = Command::new("pdftotext").arg("-layout").arg(path).arg("-").output();
    let out = out.unwrap_or_else(|e| panic!("pdftotext (poppler-utils, see make needs): {e}"));
    assert!(out.status.success(), "{}", said(&out));
    String::from_utf8_lossy(&out.stdout).split_whitespace().collect()
}

#[test]
fn store_and_plan_directory_give_the_same_map_as_svg_and_pdf() {
    let dir = folder();
    let at = dir.path();
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    done(at, &format!("import {STORE} --layer barriers --region 520423 {}", fixture("barriers.geojson")));
    done(at, &format!("import {STORE} --layer households {}", fixture("households.csv")));
    done(at, &format!("draft {STORE} --region {VILLAGE} --profile huangguoshu --budget 0 --publish 2026-12-01"));
    done(at, &format!("draw sqlite:register.gpkg --village {VILLAGE} --out v.svg"));
    let svg = text(&at.join("v.svg"));
    done(at, &format!("export {STORE} --layer grids g.csv"));
    done(at, &format!("export {STORE} --layer units u.csv"));
    let (grids, units) = (text(&at.join("g.csv")).lines().count() - 1, text(&at.join("u.csv")).lines().count() - 1);
    assert_eq!(svg.matches("class=\"grid\"").count(), grids);
    assert_eq!(svg.matches("class=\"unit\"").count(), units);
    // A unit in which nobody may lead has no star.
    done(at, &format!("export {STORE} --layer leaders l.geojson"));
    let officers = crate::common::json(&at.join("l.geojson"))["features"].as_array().cloned().unwrap_or_default();
    let leaders = officers.iter().filter(|f| f["properties"]["role"] == "leader").count();
    assert!(leaders > 0 && leaders <= units, "{leaders} leaders of {units} units");
    assert_eq!(svg.matches("class=\"leader\"").count(), leaders, "one star a leader");
    assert!(svg.contains("id=\"buildings\"") && svg.contains("<circle") && svg.contains(&name()));
    done(at, &format!("draw sqlite:register.gpkg --village {VILLAGE} --out v.pdf"));
    let found = words(&at.join("v.pdf"));
    for word in [name().as_str(), "网格与十联户划分图", "图例Legend", "比例尺"] {
        assert!(found.contains(&word.replace(' ', "")), "{word} is not on the PDF: {found}");
    }
    done(at, &format!("draw sqlite:register.gpkg --village {VILLAGE} --out w.pdf"));
    let bytes = |name: &str| std::fs::read(at.join(name)).unwrap_or_else(|e| panic!("{e}"));
    assert!(bytes("v.pdf") == bytes("w.pdf"), "the same picture, the same bytes");
    assert!(bytes("v.pdf").len() < 4_000_000, "only the letters used are embedded: {}", bytes("v.pdf").len());
    let out = lianhu(at, "draw sqlite:register.gpkg --village 520423102099 --out x.svg");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    assert!(said(&out).contains(VILLAGE), "{}", said(&out));
    // The overview, and a plan directory.
    done(at, "draw sqlite:register.gpkg --out all.pdf");
    let small = format!("plan {} --profile huangguoshu --budget 0 --out p", fixture("households.csv"));
    done(at, &format!("{small} --regions {}", fixture("regions.geojson")));
    done(at, &format!("draw p --village {VILLAGE} --out p.pdf"));
    assert!(words(&at.join("p.pdf")).contains(&name()));
    let out = lianhu(at, "draw p --plan x --out y.svg");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
}

#[test]
fn without_a_chinese_font_the_user_is_told_what_to_install() {
    let dir = folder();
    let at = dir.path();
    let small = format!("plan {} --profile huangguoshu --budget 0 --out p", fixture("households.csv"));
    done(at, &format!("{small} --regions {}", fixture("regions.geojson")));
    // A system whose font folders are empty.
    std::fs::create_dir(at.join("fonts")).unwrap_or_else(|e| panic!("{e}"));
    let conf = format!("<?xml version=\"1.0\"?><fontconfig><dir>{}</dir></fontconfig>", at.join("fonts").display());
    std::fs::write(at.join("fonts.conf"), &conf).unwrap_or_else(|e| panic!("{e}"));
    let out = Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .current_dir(at)
        .env("FONTCONFIG_FILE", at.join("fonts.conf"))
        .env("HOME", at)
        .args(["draw", "p", "--village", VILLAGE, "--out", "p.pdf"])
        .output()
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("fonts-noto-cjk"), "{}", said(&out));
    assert!(!at.join("p.pdf").exists());
}
