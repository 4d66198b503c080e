//! Replays the kept hostile files: each names the answer we owe (`code--what it is.ending`) and gets it, here and in the child process.

#![expect(clippy::expect_used, reason = "a failed step of the test should stop it loudly")]

use std::path::{Path, PathBuf};

use lianhu::exchange::gate::schema::LAYERS;
use lianhu::exchange::gate::{GateError, GateOptions, typed_rows};
use lianhu::exchange::{Isolation, OpenOptions, ReadError, open};

fn answers(path: &Path, isolation: &Isolation) -> Vec<String> {
    let options = OpenOptions { isolation: isolation.clone(), ..OpenOptions::default() };
    let code = |schema| -> Result<String, GateError> {
        let source = open(path.to_str().expect("plain path"), &options)?;
        let mut rows = typed_rows(source, schema, GateOptions::default())?;
        rows.by_ref().collect::<Result<Vec<_>, ReadError>>()?;
        let report = rows.report();
        Ok(report.faults.faults.first().map_or("clean", |f| f.code).to_owned())
    };
    LAYERS
        .iter()
        .map(|layer| match code(layer) {
            Ok(code) => code,
            Err(GateError::Read(e)) => e.code().to_owned(),
            Err(GateError::Mapping(e)) => e.to_string(),
        })
        .collect()
}

#[test]
fn kept_hostile_files_get_the_answer_their_name_promises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("fixtures").map(|e| e.expect("entry").path()).collect();
    files.sort();
    let mut wrong = Vec::new();
    for path in &files {
        let name = path.file_name().and_then(|n| n.to_str()).expect("plain name");
        let Some((wanted, _)) = name.split_once("--") else { continue };
        for isolation in [Isolation::InProcess, Isolation::Child(PathBuf::from(env!("CARGO_BIN_EXE_lianhu")))] {
            let got = answers(path, &isolation);
            if !got.iter().any(|code| code == wanted) || got.iter().any(|code| code == "clean") {
                wrong.push(format!("{name} {isolation:?}: {got:?}"));
            }
        }
    }
    assert!(files.len() > 20, "the kept files were not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Inputs that a fuzzer found or grew, kept to be replayed: none may stop the process.
#[test]
fn kept_fuzz_inputs_are_survived() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    // every format that is taken in has some
    for ending in ["csv", "fgb", "geojson", "geojsonl", "gpkg", "kml", "xlsx", "zip"] {
        let target = folder.join(format!("import_{ending}"));
        let mut seen = 0;
        for input in std::fs::read_dir(&target).unwrap_or_else(|e| panic!("{}: {e}", target.display())) {
            let bytes = std::fs::read(input.expect("entry").path()).expect("input");
            let named = tempfile::Builder::new().suffix(&format!(".{ending}")).tempfile().expect("file");
            std::fs::write(named.path(), bytes).expect("written");
            let _ = answers(named.path(), &Isolation::InProcess);
            seen += 1;
        }
        assert!(seen > 0, "no kept input of {ending}");
    }
}
