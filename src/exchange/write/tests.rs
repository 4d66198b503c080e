//! Export → import → export gives the same bytes, for every format that can carry the fields; what the others lose is named.

use std::path::Path;

use geo::{Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, polygon};
use proptest::prelude::*;

use crate::exchange::gate::schema::{Field, FieldKind, LayerSchema, Shape};
use crate::exchange::gate::{GateOptions, typed_rows};
use crate::exchange::{Cell, Format, OpenOptions, ReadError, open};

use super::*;

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

const fn field(name: &'static str, title: &'static str, kind: FieldKind) -> Field {
    Field { name, title, also: &[], kind, required: false }
}

/// A layer with a field of every kind and names short enough for a Shapefile.
const LAYER: LayerSchema = LayerSchema {
    name: "things",
    title: "东西",
    fields: &[
        field("id", "编号", FieldKind::Id),
        field("code", "编码", FieldKind::Code(&[12, 15, 18])),
        field("name", "名称", FieldKind::Text),
        field("n", "数", FieldKind::Count(i64::MAX)),
        field("x_m", "量", FieldKind::Real),
        field("yes", "是否", FieldKind::Bool),
        field("day", "日期", FieldKind::Date),
    ],
    shape: Shape::OptionalPlace,
};
const LINES: LayerSchema = LayerSchema { shape: Shape::LineOrArea, ..LAYER };

fn schema(layer: &LayerSchema, geometries: Geometries) -> WriterSchema {
    let kind = |k: FieldKind| match k {
        FieldKind::Count(_) | FieldKind::Floor => FieldType::Whole,
        FieldKind::Real => FieldType::Real,
        FieldKind::Bool => FieldType::Bool,
        FieldKind::Date | FieldKind::Moment => FieldType::Date,
        _ => FieldType::Text,
    };
    let fields = layer.fields.iter().map(|f| WriterField { name: f.name.to_owned(), kind: kind(f.kind) }).collect();
    WriterSchema { layer: "东西".to_owned(), fields, geometries }
}

type Row = (Vec<Cell>, Option<Geometry<f64>>);

fn row(i: i64, name: &str, geometry: Option<Geometry<f64>>) -> Row {
    let values = vec![
        Cell::Text(format!("h{i}").into()),
        Cell::Text("520402102201001".into()),
        Cell::text(name),
        Cell::Whole(i * 1_000_003),
        Cell::Real(0.1 + i as f64 / 7.0),
        Cell::Bool(i % 2 == 0),
        Cell::Date(format!("2021-05-{:02}", i % 28 + 1).into()),
    ];
    (values, geometry)
}

fn points() -> Vec<Row> {
    let mut rows: Vec<Row> = ["大寨", "a,b", "say \"hi\"", "<b>&amp;</b>", "line\nfeed", "𠮷野家", "it's"]
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let at = Point::new(105.9 + i as f64 * 0.001_234_567_891, 26.2 - i as f64 * 0.000_3);
            row(i as i64, name, Some(Geometry::Point(at)))
        })
        .collect();
    // All but the id may be empty.
    rows.push((
        [vec![Cell::Text("h9".into())], vec![Cell::Empty; 6]].concat(),
        Some(Geometry::Point(Point::new(105.8, 26.1))),
    ));
    rows
}

fn shapes() -> Vec<Row> {
    let square = |x: f64| -> geo::Polygon<f64> {
        polygon!(exterior: [(x: x, y: 26.), (x: x + 0.01, y: 26.), (x: x + 0.01, y: 26.01), (x: x, y: 26.01)],
            interiors: [[(x: x + 0.002, y: 26.002), (x: x + 0.004, y: 26.002), (x: x + 0.004, y: 26.004)]])
    };
    let line = |x: f64| LineString::from(vec![(x, 26.0), (x + 0.01, 26.0123), (x + 0.02, 26.0)]);
    vec![
        row(1, "面", Some(square(105.1).into())),
        row(2, "多面", Some(Geometry::MultiPolygon(MultiPolygon::new(vec![square(105.2), square(105.3)])))),
        row(3, "线", Some(line(105.4).into())),
        row(4, "多线", Some(Geometry::MultiLineString(MultiLineString::new(vec![line(105.5), line(105.6)])))),
    ]
}

fn export(path: &Path, format: Format, schema: WriterSchema, rows: &[Row]) -> Written {
    let mut writer = Writer::create(format, path, schema, WriteOptions::default()).expect("begun");
    for (values, geometry) in rows {
        writer.write(values, geometry.as_ref()).expect("written");
    }
    writer.finish().expect("finished")
}

fn import(path: &Path, layer: &'static LayerSchema, name: Option<&str>) -> Vec<Row> {
    let options = OpenOptions { layer: name.map(str::to_owned), ..OpenOptions::default() };
    let source = open(path.to_str().expect("plain path"), &options).expect("readable");
    let mut rows = typed_rows(source, layer, GateOptions::default()).expect("mapped");
    let good: Vec<Row> = rows.by_ref().map(|r| r.expect("read")).map(|r| (r.values, r.geometry)).collect();
    let report = rows.report();
    assert!(report.is_clean(), "{}: {report:?}", path.display());
    good
}

#[test]
fn every_format_gives_points_back_byte_for_byte() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in ALL {
        let at = |n: u32| folder.path().join(format!("{n}.{ending}"));
        let schema = || schema(&LAYER, Geometries::Points);
        export(&at(1), format, schema(), &points());
        let rows = import(&at(1), &LAYER, None);
        assert_eq!(rows.len(), points().len(), "{ending}");
        export(&at(2), format, schema(), &rows);
        assert_eq!(std::fs::read(at(1)).expect("first"), std::fs::read(at(2)).expect("second"), "{ending}");
        // And through the canonical form: nothing was lost on the way.
        let canonical = |rows: &[Row], name: &str| {
            let path = folder.path().join(name);
            let mut rows = rows.to_vec();
            rows.sort_by_key(|r| format!("{:?}", r.0.first()));
            export(&path, Format::GeoJsonSeq, schema(), &rows);
            std::fs::read_to_string(path).expect("canonical")
        };
        assert_eq!(canonical(&rows, "b.geojsonl"), canonical(&points(), "a.geojsonl"), "{ending}");
    }
}

#[test]
fn every_format_gives_lines_and_areas_back_byte_for_byte() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in ALL {
        let at = |n: u32| folder.path().join(format!("{n}.{ending}"));
        let schema = || schema(&LINES, Geometries::Any);
        export(&at(1), format, schema(), &shapes());
        let mut rows = import(&at(1), &LINES, None);
        if format == Format::Shapefile {
            // One kind of shape a file: the layer is several, which come back as one, by its name, or each by its own.
            assert_eq!(import(&at(1), &LINES, Some("东西")), rows);
            let each = ["东西_lines", "东西_areas"].map(|part| import(&at(1), &LINES, Some(part)));
            assert_eq!(each.concat(), rows);
            match open(
                at(1).to_str().expect("path"),
                &OpenOptions { layer: Some("西".to_owned()), ..OpenOptions::default() },
            ) {
                Err(ReadError::Layer { found, .. }) => assert_eq!(found, ["东西_lines", "东西_areas"]),
                other => panic!("{other:?}"),
            }
        }
        export(&at(2), format, schema(), &rows);
        assert_eq!(std::fs::read(at(1)).expect("first"), std::fs::read(at(2)).expect("second"), "{ending}");
        rows.sort_by_key(|r| format!("{:?}", r.0.first()));
        let back: Vec<_> = rows.iter().map(|r| r.1.as_ref().map(super::canonical::geometry)).collect();
        let sent: Vec<_> = shapes().iter().map(|r| r.1.as_ref().map(super::canonical::geometry)).collect();
        assert_eq!(back, sent, "{ending}");
    }
}

#[test]
fn losses_of_a_shapefile_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.zip");
    let fields = ["occurred_at_first", "occurred_at_last", "所属村(社区)名称", "OCCURRED_A"];
    let fields = fields.map(|n| WriterField { name: n.to_owned(), kind: FieldType::Text }).to_vec();
    let schema = WriterSchema { layer: "a".to_owned(), fields, geometries: Geometries::Points };
    let long = Cell::Text("长".repeat(200).into());
    let values = vec![long.clone(), Cell::Text("b".into()), Cell::Text("c".into()), Cell::Text("d".into())];
    let written = export(&path, Format::Shapefile, schema, &[(values, Some(Point::new(105., 26.).into()))]);
    let renamed: Vec<(&str, &str)> = written.renamed.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        renamed,
        [
            ("occurred_at_first", "occurred_a"),
            ("occurred_at_last", "occurred_1"),
            ("所属村(社区)名称", "所属村("),
            ("OCCURRED_A", "OCCURRED_2"),
        ]
    );
    assert_eq!(written.cut_texts, 1);
    let source = open(path.to_str().expect("path"), &OpenOptions::default()).expect("readable");
    assert_eq!(source.head().columns, ["occurred_a", "occurred_1", "所属村(", "OCCURRED_2"]);
    let rows: Vec<_> = source.collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows[0].cells[0], Cell::Text("长".repeat(84).into()));
}

#[test]
fn losses_of_a_workbook_are_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let ring: Vec<(f64, f64)> =
        (0..3_000).map(|i| f64::from(i) / 477.5).map(|a| (105.0 + a.cos(), 26.0 + a.sin())).collect();
    let circle = geo::Polygon::new(LineString::from(ring), Vec::new());
    let rows = [row(1, &"长".repeat(40_000), Some(circle.into()))];
    let written = export(&folder.path().join("a.xlsx"), Format::Xlsx, schema(&LINES, Geometries::Any), &rows);
    assert_eq!((written.cut_texts, written.lost_geometries), (1, 1));
}

/// Texts that spreadsheets take for formulas (case A16), and some that only look so.
const FORMULAS: [&str; 12] = [
    "=HYPERLINK(\"http://x\",\"y\")",
    "+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "＋1",
    "'=1",
    "''+1",
    "'plain",
    "＠x",
];

#[test]
fn a16_no_text_is_a_formula_and_every_text_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let rows: Vec<Row> = FORMULAS.iter().enumerate().map(|(i, t)| row(i as i64, t, None)).collect();
    for (format, ending) in [(Format::Csv, "csv"), (Format::Xlsx, "xlsx")] {
        let path = folder.path().join(format!("a.{ending}"));
        export(&path, format, schema(&LAYER, Geometries::None), &rows);
        let source = open(path.to_str().expect("path"), &OpenOptions::default()).expect("readable");
        let back: Vec<_> = source.map(|r| r.expect("row").cells[2].clone()).collect();
        assert_eq!(back, FORMULAS.map(|t| Cell::Text(t.into())), "{ending}");
    }
    let mut lines = ::csv::ReaderBuilder::new().has_headers(true).from_path(folder.path().join("a.csv")).expect("csv");
    for (record, text) in lines.records().zip(FORMULAS) {
        let record = record.expect("record");
        let field = record.get(2).expect("field");
        assert!(field.starts_with('\''), "{text}: {field}");
    }
    // The sheet itself holds no formula element.
    let mut archive =
        zip::ZipArchive::new(std::fs::File::open(folder.path().join("a.xlsx")).expect("file")).expect("zip");
    let mut sheet = String::new();
    std::io::Read::read_to_string(&mut archive.by_name("xl/worksheets/sheet1.xml").expect("sheet"), &mut sheet)
        .expect("xml");
    assert!(!sheet.contains("<f>") && !sheet.contains("<f ") && sheet.contains("HYPERLINK"));
}

#[test]
fn an_unfinished_file_leaves_the_old_one_and_nothing_beside_it() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in ALL {
        let path = folder.path().join(format!("a.{ending}"));
        std::fs::write(&path, b"old").expect("written");
        let mut writer =
            Writer::create(format, &path, schema(&LAYER, Geometries::Points), WriteOptions::default()).expect("begun");
        for (values, geometry) in points() {
            writer.write(&values, geometry.as_ref()).expect("written");
        }
        assert!(writer.write(&[], None).is_err());
        drop(writer);
        assert_eq!(std::fs::read(&path).expect("old"), b"old");
        std::fs::remove_file(&path).expect("removed");
    }
    // The GeoPackage's own thread may still be ending.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn layers_without_rows_are_files_all_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in ALL {
        for geometries in [Geometries::Points, Geometries::Any] {
            let path = folder.path().join(format!("a.{ending}"));
            export(&path, format, schema(&LAYER, geometries), &[]);
            match open(path.to_str().expect("path"), &OpenOptions::default()) {
                Ok(source) => assert_eq!(source.count(), 0, "{ending}"),
                // A sequence of nothing is an empty file.
                Err(e) => assert!(format == Format::GeoJsonSeq && e.code() == "empty_file", "{ending} {e}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever stands in a text comes back from every format, but for characters that XML or dBase cannot hold.
    #[test]
    fn any_text_comes_back(text in "[ -~\u{a1}-\u{d7ff}=+@'-]{1,40}", n in 0_i64..1_000_000_000_000, v in -1e12_f64..1e12) {
        let text = text.trim().to_owned();
        prop_assume!(!text.is_empty());
        let folder = tempfile::tempdir().expect("folder");
        for (format, ending) in ALL {
            let path = folder.path().join(format!("a.{ending}"));
            let mut one = row(1, &text, Some(Point::new(105.9, 26.2).into()));
            one.0[3] = Cell::Whole(n);
            one.0[4] = Cell::Real(v);
            export(&path, format, schema(&LAYER, Geometries::Points), std::slice::from_ref(&one));
            let source = open(path.to_str().expect("path"), &OpenOptions::default()).expect("readable");
            let back = source.map(|r| r.expect("row")).next().expect("a row");
            if let Cell::Text(t) = &back.cells[2] {
                prop_assert_eq!(t, &text, "{}", ending);
            } else {
                prop_assert!(matches!(format, Format::Csv | Format::Kml), "{} {:?}", ending, back.cells[2]);
            }
        }
    }
}

#[test]
fn points_of_many_are_written_as_they_are() {
    let many = Geometry::MultiPoint(MultiPoint::new(vec![Point::new(1., 2.), Point::new(3., 4.)]));
    let folder = tempfile::tempdir().expect("folder");
    for (format, ending) in ALL.into_iter().filter(|(f, _)| !matches!(f, Format::Csv | Format::Xlsx)) {
        let path = folder.path().join(format!("a.{ending}"));
        export(&path, format, schema(&LAYER, Geometries::Any), &[row(1, "a", Some(many.clone()))]);
        let source = open(path.to_str().expect("path"), &OpenOptions::default()).expect("readable");
        let rows: Vec<_> = source.collect::<Result<_, _>>().expect("rows");
        assert_eq!(rows[0].geometry, Some(Ok(many.clone())), "{ending}");
    }
}

#[test]
fn what_a_library_hides_of_the_system_is_told_with_what_to_do() {
    let path = Path::new("导出.xlsx");
    for (said, chinese, english) in [
        ("zip: No space left on device (os error 28)", "磁盘已满，请清理后重试", "os error 28"),
        ("Permission denied (os error 13) while closing", "没有写入权限", "no permission"),
        ("写出中断，请重试 / the writer stopped: try again", "写出中断，请重试", "stopped: try again"),
        ("a dictionary is too large", "请重试，或换一个位置", "is too large; try again"),
    ] {
        let told = WriteError::of(path, said).to_string();
        let (first, second) = told.split_once('\n').expect("two lines");
        assert!(first.starts_with("导出.xlsx") && first.contains(chinese), "{told}");
        assert!(second.starts_with("导出.xlsx") && second.contains(english), "{told}");
    }
}
