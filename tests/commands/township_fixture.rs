//! The township in `fixtures/` is what `lianhu synth` makes, byte for byte.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .expect("folder")
        .map(|e| {
            let path = e.expect("entry").path();
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("file"))
        })
        .collect()
}

#[test]
fn township_is_made_by_the_command_beside_it() {
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().join("township");
    let done = Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .args([
            "synth",
            "--township",
            "--households",
            "8000",
            "--villages",
            "12",
            "--incidents",
            "600",
            "--seed",
            "7",
            "--out",
        ])
        .arg(&out)
        .output()
        .expect("the program starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let (kept, fresh) = (bytes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/township")), bytes(&out));
    assert_eq!(kept.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>());
    for (name, text) in &kept {
        assert!(fresh.get(name) == Some(text), "fixtures/township/{name} is not what synth makes: make it again");
    }
    assert!(kept.values().map(Vec::len).sum::<usize>() < 2_500_000);
}
