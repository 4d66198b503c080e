//! GDAL opens what we write, and we import what GDAL writes of it. Without GDAL the tests say so and pass.

#![expect(clippy::expect_used, reason = "a failed step of the test should stop it loudly")]
#![expect(clippy::panic, reason = "a failed step of the test should stop it loudly")]

use std::path::{Path, PathBuf};
use std::process::Command;

use geo::{Geometry, Point, polygon};
use lianhu::exchange::gate::schema::{BUILDINGS, HOUSEHOLDS};
use lianhu::exchange::gate::{GateOptions, typed_rows};
use lianhu::exchange::{
    Cell, FieldType, Format, Geometries, OpenOptions, WriteOptions, Writer, WriterField, WriterSchema, open,
};

const ALL: [(Format, &str); 8] = [
    (Format::Csv, "csv"),
    (Format::Xlsx, "xlsx"),
    (Format::GeoJson, "geojson"),
    (Format::GeoJsonSeq, "geojsonl"),
    (Format::GeoPackage, "gpkg"),
    (Format::Shapefile, "zip"),
    (Format::FlatGeobuf, "fgb"),
    (Format::Kml, "kml"),
];
const ROWS: i64 = 200;

fn gdal() -> bool {
    let there = Command::new("ogrinfo").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("SKIPPED: GDAL's ogrinfo is not installed; nothing was checked against GDAL");
    }
    there
}

/// Runs a program of GDAL's and gives what it said; warnings count as failures where `strict`.
fn run(program: &str, arguments: &[&str], strict: bool) -> String {
    let output = Command::new(program).args(arguments).output().expect("run");
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {complained}");
    assert!(!strict || complained.trim().is_empty(), "{program} {arguments:?}: {complained}");
    said.into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("plain path")
}

fn schema(names: &[(&str, FieldType)]) -> WriterSchema {
    let fields = names.iter().map(|(n, kind)| WriterField { name: (*n).to_owned(), kind: *kind }).collect();
    WriterSchema { layer: "住户".to_owned(), fields, geometries: Geometries::Points }
}

fn households(folder: &Path, format: Format, ending: &str) -> PathBuf {
    let path = folder.join(format!("ours.{ending}"));
    let schema = schema(&[
        ("id", FieldType::Text),
        ("village", FieldType::Text),
        ("hamlet", FieldType::Text),
        ("persons", FieldType::Whole),
        ("eligible", FieldType::Bool),
        ("valid_from", FieldType::Date),
    ]);
    let mut writer = Writer::create(format, &path, schema, WriteOptions::default()).expect("begun");
    for i in 0..ROWS {
        let values = [
            Cell::Text(format!("h{i:03}").into()),
            Cell::Text("520402102201".into()),
            Cell::Text("大寨 & 小寨".into()),
            Cell::Whole(i % 7),
            Cell::Bool(i % 2 == 0),
            Cell::Date("2021-05-03".into()),
        ];
        let at = Geometry::Point(Point::new(105.9 + (i % 20) as f64 * 0.001, 26.2 + (i / 20) as f64 * 0.001));
        writer.write(&values, Some(&at)).expect("written");
    }
    writer.finish().expect("finished");
    path
}

/// What GDAL opens a path of ours by.
fn gdal_path(format: Format, path: &Path) -> String {
    match format {
        Format::Shapefile => format!("/vsizip/{}", text(path)),
        Format::GeoJsonSeq => format!("GeoJSONSeq:{}", text(path)),
        _ => text(path).to_owned(),
    }
}

#[test]
fn gdal_counts_names_and_places_in_every_format_we_write() {
    if !gdal() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in ALL {
        let path = households(folder.path(), format, ending);
        let mut arguments = vec!["-ro", "-al"];
        if matches!(format, Format::Csv) {
            arguments.extend(["-oo", "X_POSSIBLE_NAMES=lon", "-oo", "Y_POSSIBLE_NAMES=lat"]);
        }
        let opened = gdal_path(format, &path);
        arguments.push(&opened);
        let said = run("ogrinfo", &arguments, true);
        assert!(said.contains(&format!("Feature Count: {ROWS}")), "{ending}: {said}");
        assert!(said.contains("大寨 & 小寨") && said.contains("520402102201"), "{ending}: {said}");
        if !matches!(format, Format::Csv | Format::Xlsx) {
            assert!(said.contains("POINT (105.919"), "{ending}: {said}");
            assert!(said.contains("WGS 84") || said.contains("WGS_1984"), "{ending}: {said}");
        }
    }
}

/// GDAL's own validator, from Debian's python3-gdal, says nothing against a file.
#[test]
fn exported_packages_are_valid_by_gdal_s_validator() {
    if !gdal() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let mut files = vec![households(folder.path(), Format::GeoPackage, "gpkg")];
    let square = polygon![(x: 105.93, y: 26.24), (x: 105.94, y: 26.24), (x: 105.94, y: 26.25)];
    for (name, geometries, shape) in [
        ("areas", Geometries::Any, Some(Geometry::Polygon(square))),
        ("nothing", Geometries::Any, None),
        ("officers", Geometries::None, None),
    ] {
        let path = folder.path().join(format!("{name}.gpkg"));
        let schema = WriterSchema { geometries, ..schema(&[("id", FieldType::Text), ("due_at", FieldType::Date)]) };
        let mut writer = Writer::create(Format::GeoPackage, &path, schema, WriteOptions::default()).expect("begun");
        if name != "nothing" {
            let at = Cell::Date("2021-05-03T06:30:00.000Z".into());
            writer.write(&[Cell::Text("a".into()), at], shape.as_ref()).expect("written");
        }
        writer.finish().expect("finished");
        files.push(path);
    }
    for file in files {
        let out = Command::new("/usr/bin/python3")
            .args(["-m", "osgeo_utils.samples.validate_gpkg", "--extra", text(&file)])
            .output()
            .expect("python3 with python3-gdal");
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success() && !said.contains("ERROR"), "{}: {said}", file.display());
    }
}

#[test]
fn what_gdal_writes_of_our_files_comes_back_whole() {
    if !gdal() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let ours = households(folder.path(), Format::GeoPackage, "gpkg");
    for (driver, ending, extra) in [
        ("GPKG", "gpkg", &[][..]),
        ("GeoJSON", "geojson", &[]),
        ("GeoJSONSeq", "geojsonl", &["-lco", "RS=YES"]),
        ("GeoJSONSeq", "geojsons", &[]),
        ("FlatGeobuf", "fgb", &[]),
        ("KML", "kml", &[]),
        ("LIBKML", "kml", &[]),
        ("CSV", "csv", &["-lco", "GEOMETRY=AS_WKT"]),
        ("CSV", "csv", &["-lco", "GEOMETRY=AS_XY", "-lco", "SEPARATOR=SEMICOLON"]),
        ("XLSX", "xlsx", &["-sql", "SELECT *, ST_MinX(geom) AS lon, ST_MinY(geom) AS lat FROM \"住户\""]),
        ("ESRI Shapefile", "shz", &["-lco", "ENCODING=UTF-8"]),
        ("ESRI Shapefile", "shz", &["-lco", "ENCODING=GBK"]),
    ] {
        let mut theirs = folder.path().join(format!("theirs.{ending}"));
        let _ = std::fs::remove_file(&theirs);
        let mut arguments = vec!["-f", driver];
        arguments.extend(extra);
        arguments.extend([text(&theirs), text(&ours)]);
        run("ogr2ogr", &arguments, false);
        if ending == "shz" {
            let zip = folder.path().join("theirs.zip");
            std::fs::rename(&theirs, &zip).expect("renamed");
            theirs = zip;
        }
        let source =
            open(text(&theirs), &OpenOptions::default()).unwrap_or_else(|e| panic_with(driver, &e.to_string()));
        let overrides = if driver == "KML" { vec!["Name=".to_owned()] } else { Vec::new() };
        let overrides: Vec<String> =
            overrides.into_iter().filter(|o| source.head().columns.iter().any(|c| format!("{c}=") == *o)).collect();
        let options = GateOptions { overrides: &overrides, ..GateOptions::default() };
        let mut rows = typed_rows(source, &HOUSEHOLDS, options).unwrap_or_else(|e| panic_with(driver, &e.to_string()));
        let mut good: Vec<_> =
            rows.by_ref().collect::<Result<_, _>>().unwrap_or_else(|e| panic_with(driver, &e.to_string()));
        let report = rows.report();
        assert!(report.is_clean(), "{driver} {extra:?}: {:?}\n{}", report.faults.faults.first(), report.mapping);
        assert_eq!(good.len() as i64, ROWS, "{driver}");
        good.sort_by_key(|r| format!("{:?}", r.values.first()));
        for (i, row) in (0_i64..).zip(&good) {
            let at = |name: &str| HOUSEHOLDS.field_named(name).and_then(|f| row.values.get(f)).cloned();
            assert_eq!(at("id"), Some(Cell::Text(format!("h{i:03}").into())), "{driver}");
            assert_eq!(at("village"), Some(Cell::Text("520402102201".into())), "{driver}");
            assert_eq!(at("hamlet"), Some(Cell::Text("大寨 & 小寨".into())), "{driver}");
            assert_eq!(at("persons"), Some(Cell::Whole(i % 7)), "{driver}");
            assert_eq!(at("eligible"), Some(Cell::Bool(i % 2 == 0)), "{driver}");
            assert_eq!(at("valid_from"), Some(Cell::Date("2021-05-03".into())), "{driver}");
            let [lon, lat] = row.place().expect("a place");
            let off = (lon - 105.9 - (i % 20) as f64 * 0.001).abs() + (lat - 26.2 - (i / 20) as f64 * 0.001).abs();
            assert!(off < 1e-7, "{driver} {lon} {lat}");
        }
    }
}

fn panic_with<T>(driver: &str, words: &str) -> T {
    panic!("{driver}: {words}")
}

#[test]
fn a_projected_shapefile_of_gdal_lands_where_it_should() {
    if !gdal() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let ours = folder.path().join("ours.gpkg");
    let mut schema = schema(&[("id", FieldType::Text)]);
    schema.geometries = Geometries::Any;
    let mut writer = Writer::create(Format::GeoPackage, &ours, schema, WriteOptions::default()).expect("begun");
    let house = polygon!(exterior: [(x: 105.93, y: 26.24), (x: 105.9302, y: 26.24), (x: 105.9302, y: 26.2402), (x: 105.93, y: 26.2402)],
        interiors: [[(x: 105.93005, y: 26.24005), (x: 105.9301, y: 26.24005), (x: 105.9301, y: 26.2401)]]);
    writer.write(&[Cell::Text("b1".into())], Some(&Geometry::Polygon(house))).expect("written");
    writer.finish().expect("finished");
    let theirs = folder.path().join("theirs.shz");
    run("ogr2ogr", &["-f", "ESRI Shapefile", "-t_srs", "EPSG:4523", text(&theirs), text(&ours)], false);
    let zip = folder.path().join("theirs.zip");
    std::fs::rename(&theirs, &zip).expect("renamed");
    let source = open(text(&zip), &OpenOptions::default()).expect("readable");
    let mut rows = typed_rows(source, &BUILDINGS, GateOptions::default()).expect("mapped");
    let row = rows.next().expect("a row").expect("good");
    match row.geometry {
        Some(Geometry::Polygon(p)) => {
            assert_eq!((p.exterior().0.len(), p.interiors().len()), (5, 1));
            let near = p.exterior().0.iter().all(|c| (c.x - 105.9301).abs() < 1.1e-4 && (c.y - 26.2401).abs() < 1.1e-4);
            assert!(near, "{p:?}");
        }
        other => panic_with("Shapefile", &format!("{other:?}")),
    }
}
