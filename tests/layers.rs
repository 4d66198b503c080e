//! Guards the layers of ARCHITECTURE.md: each module imports only what stands below it.

#![expect(clippy::expect_used, reason = "a broken source tree should fail the test loudly")]

use std::path::{Path, PathBuf};

/// Module → the modules it may name after `crate::`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("graph", &[]),
    ("space", &["domain", "graph"]),
    ("partition", &["domain", "space", "graph"]),
    ("hotspot", &["domain", "space"]),
    ("store", &["domain"]),
    ("exchange", &["domain", "space"]),
    ("plan", &["domain", "space", "graph", "partition", "hotspot", "store", "exchange"]),
    ("api", &["domain", "space", "store", "exchange", "plan"]),
    ("cli", &["domain", "space", "partition", "hotspot", "store", "exchange", "plan", "api"]),
];

fn rust_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("readable source folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The modules a source text names directly after `crate::`, also inside `crate::{…}`.
fn named_modules(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut word)),
                    _ if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            found.push(word);
        } else {
            found.push(part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found.iter().map(|w| w.trim().split("::").next().unwrap_or("").trim().to_owned()).collect()
}

#[test]
fn layer_imports_only_what_stands_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut breaches = Vec::new();
    let mut seen = 0;
    for (module, allowed) in MAY_IMPORT {
        let mut files = Vec::new();
        rust_files(&src.join(module), &mut files);
        for file in files {
            seen += 1;
            let text = std::fs::read_to_string(&file).expect("readable source");
            for named in named_modules(&text) {
                if named != *module && MAY_IMPORT.iter().any(|m| m.0 == named) && !allowed.contains(&named.as_str()) {
                    breaches.push(format!("{}: crate::{named}", file.display()));
                }
            }
        }
    }
    assert!(seen > 5, "the source tree was not found");
    assert!(breaches.is_empty(), "layers broken:\n{}", breaches.join("\n"));
}

#[test]
fn every_module_stands_in_the_table() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    for line in lib.lines() {
        if let Some(name) = line.strip_prefix("pub mod ").and_then(|l| l.strip_suffix(';')) {
            assert!(MAY_IMPORT.iter().any(|m| m.0 == name), "module {name} has no layer");
        }
    }
}

#[test]
fn everything_comes_from_the_registry() {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).expect("Cargo.lock");
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let (ours, others): (Vec<&str>, Vec<&str>) =
        lock.lines().filter(|l| l.starts_with("source = ")).partition(|l| *l == registry);
    assert!(ours.len() > 100 && others.is_empty(), "not from the registry: {others:?}");
}

#[test]
fn a_planted_breach_is_seen() {
    assert_eq!(named_modules("use crate::cli::main;"), ["cli"]);
    assert_eq!(named_modules("use crate::{plan::x, cli::{a, b}};"), ["plan", "cli"]);
}
