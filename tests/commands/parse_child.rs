//! Hostile-prone formats parsed in a child process: the same rows as in this one, and a typed error when the child breaks down.

#![expect(clippy::expect_used, reason = "a failed step of the test should stop it loudly")]

use std::path::{Path, PathBuf};

use geo::{Geometry, Point};
use lianhu::exchange::{
    Cell, FieldType, Format, Geometries, Isolation, Limits, OpenOptions, RawRow, ReadError, WriteOptions, Writer,
    WriterField, WriterSchema, open,
};

const PACKED: [(Format, &str); 5] = [
    (Format::Xlsx, "xlsx"),
    (Format::GeoPackage, "gpkg"),
    (Format::Shapefile, "zip"),
    (Format::FlatGeobuf, "fgb"),
    (Format::Kml, "kml"),
];

fn written(folder: &Path, format: Format, ending: &str) -> PathBuf {
    let path = folder.join(format!("住户.{ending}"));
    let text = |name: &str| WriterField { name: name.to_owned(), kind: FieldType::Text };
    let fields = vec![text("id"), text("name"), WriterField { name: "n".to_owned(), kind: FieldType::Whole }];
    let schema = WriterSchema { layer: "住户".to_owned(), fields, geometries: Geometries::Points };
    let mut writer = Writer::create(format, &path, schema, WriteOptions::default()).expect("begun");
    for i in 0..3_000_i64 {
        let at = Geometry::Point(Point::new(105.9 + i as f64 * 1e-6, 26.2));
        let values = [Cell::Text(format!("h{i}").into()), Cell::Text("大寨".into()), Cell::Whole(i)];
        writer.write(&values, Some(&at)).expect("written");
    }
    writer.finish().expect("finished");
    path
}

fn child() -> Isolation {
    Isolation::Child(PathBuf::from(env!("CARGO_BIN_EXE_lianhu")))
}

fn read(path: &Path, isolation: Isolation, limits: Limits) -> Result<Vec<RawRow>, ReadError> {
    let options = OpenOptions { isolation, limits, ..OpenOptions::default() };
    open(path.to_str().expect("plain path"), &options)?.collect()
}

#[test]
fn the_child_gives_the_rows_that_this_process_gives() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in PACKED {
        let path = written(folder.path(), format, ending);
        let here = read(&path, Isolation::InProcess, Limits::default()).expect("read here");
        let there = read(&path, child(), Limits::default()).unwrap_or_else(|e| panic!("{ending}: {e}"));
        assert_eq!(here.len(), 3_000);
        assert!(here == there, "{ending}");
    }
}

#[test]
fn a_child_that_breaks_down_or_takes_too_long_is_a_corrupt_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = written(folder.path(), Format::FlatGeobuf, "fgb");
    let code = |limits: Limits, isolation: Isolation| read(&path, isolation, limits).expect_err("an error").code();
    if cfg!(unix) {
        // Too little for any program to start in.
        assert_eq!(code(Limits { memory_bytes: 1 << 20, ..Limits::default() }, child()), "corrupt_file");
    }
    assert_eq!(code(Limits { seconds: 0, ..Limits::default() }, child()), "corrupt_file");
    assert_eq!(code(Limits::default(), Isolation::Child(PathBuf::from("/bin/true"))), "corrupt_file");
    let what_the_child_finds = read(&folder.path().join("absent.fgb"), child(), Limits::default());
    assert_eq!(what_the_child_finds.expect_err("an error").code(), "unreadable");
    std::fs::write(&path, b"fgb\x03fgb\x01\xFF\xFF\xFF\xFF").expect("written");
    assert_eq!(code(Limits::default(), child()), "corrupt_file");
}

#[test]
fn dropping_a_source_early_ends_its_child() {
    let folder = tempfile::tempdir().expect("folder");
    let path = written(folder.path(), Format::GeoPackage, "gpkg");
    let options = OpenOptions { isolation: child(), ..OpenOptions::default() };
    let mut source = open(path.to_str().expect("plain path"), &options).expect("readable");
    assert!(source.next().is_some_and(|r| r.is_ok()));
    drop(source);
}

#[test]
fn caps_hold_in_the_child_as_here() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in PACKED {
        let path = written(folder.path(), format, ending);
        for (limits, wanted) in [
            (Limits { file_bytes: 100, ..Limits::default() }, "too_large"),
            (Limits { columns: 2, ..Limits::default() }, "too_many_columns"),
            (Limits { cells: 50, ..Limits::default() }, "too_many_cells"),
        ] {
            for isolation in [Isolation::InProcess, child()] {
                assert_eq!(read(&path, isolation, limits).expect_err("capped").code(), wanted, "{ending}");
            }
        }
    }
}
