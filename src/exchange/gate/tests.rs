//! What the gate owes to hostile and faulty files: the import cases, each a test of its name.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::domain::Region;
use crate::exchange::gate::schema::{BARRIERS, BUILDINGS, HOUSEHOLDS, INCIDENTS, LayerSchema, OFFICERS, REGIONS};
use crate::exchange::{Cell, Format, OpenOptions, ReadError, open};

use super::*;

/// A file in a folder that goes away with it.
struct Made {
    folder: tempfile::TempDir,
    path: PathBuf,
}

fn made(name: &str, bytes: impl AsRef<[u8]>) -> Made {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    Made { folder, path }
}

fn gate(
    path: &Path,
    schema: &'static LayerSchema,
    options: GateOptions<'_>,
) -> Result<(Vec<TypedRow>, Report), GateError> {
    let source = open(path.to_str().expect("plain path"), &OpenOptions::default())?;
    let mut rows = typed_rows(source, schema, options)?;
    let good = rows.by_ref().collect::<Result<Vec<_>, _>>()?;
    Ok((good, rows.report()))
}

fn read(
    name: &str,
    bytes: impl AsRef<[u8]>,
    schema: &'static LayerSchema,
) -> Result<(Vec<TypedRow>, Report), GateError> {
    gate(&made(name, bytes).path, schema, GateOptions::default())
}

/// Row, column and code of each fault.
fn faults(report: &Report) -> Vec<(u64, Option<&str>, &'static str)> {
    report.faults.faults.iter().map(|f| (f.row, f.column.as_deref(), f.code)).collect()
}

fn code(result: Result<(Vec<TypedRow>, Report), GateError>) -> &'static str {
    match result {
        Err(GateError::Read(e)) => e.code(),
        Err(other) => panic!("{other}"),
        Ok((_, report)) => report.faults.faults.first().map_or("clean", |f| f.code),
    }
}

fn feature(properties: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{{{properties}}},"geometry":{geometry}}}"#)
}

fn collection(features: &[String]) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

fn point(coordinates: &str) -> String {
    format!(r#"{{"type":"Point","coordinates":{coordinates}}}"#)
}

fn region(ring: &str) -> String {
    collection(&[feature(
        r#""code":"520402102201","name":"甲村""#,
        &format!(r#"{{"type":"Polygon","coordinates":{ring}}}"#),
    )])
}

#[test]
fn i01_deep_json_is_refused() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(code(read("a.geojson", &deep, &HOUSEHOLDS)), "json_depth");
    assert_eq!(code(read("a.geojsonl", &deep, &HOUSEHOLDS)), "json_depth");
    assert_eq!(code(read("a.kml", "<kml>".repeat(1000), &HOUSEHOLDS)), "json_depth");
}

#[test]
fn i03_coordinates_that_are_no_numbers_name_their_feature() {
    for bad in ["null", "\"105.9\"", "true"] {
        let features =
            [feature(r#""id":"a""#, &point("[105.9,26.2]")), feature(r#""id":"b""#, &point(&format!("[{bad},26.2]")))];
        let (_, report) = read("a.geojson", collection(&features), &HOUSEHOLDS).expect("readable");
        assert_eq!(faults(&report), [(2, None, "not_a_number")], "{bad}");
        assert_eq!(report.faults.faults[0].id.as_deref(), Some("b"));
    }
    for bad in ["NaN", "Infinity", "1e999"] {
        let features = [feature(r#""id":"b""#, &point(&format!("[{bad},26.2]")))];
        assert_eq!(code(read("a.geojson", collection(&features), &HOUSEHOLDS)), "not_a_number", "{bad}");
        let (_, report) = read("a.csv", format!("id,lon,lat\nb,{bad},26.2\n"), &HOUSEHOLDS).expect("readable");
        assert_eq!(faults(&report), [(2, Some("lon"), "not_a_number")]);
        let kml =
            format!("<kml><Placemark id='b'><Point><coordinates>{bad},26.2</coordinates></Point></Placemark></kml>");
        assert_eq!(code(read("a.kml", kml, &HOUSEHOLDS)), "not_a_number");
    }
}

#[test]
fn i04_swapped_axes_are_suspected() {
    let (good, report) = read("a.csv", "id,lon,lat\n1,26.2,105.9\n", &HOUSEHOLDS).expect("readable");
    assert_eq!(faults(&report), [(2, None, "out_of_range")]);
    assert!(good.is_empty() && report.faults.faults[0].reason.contains("axes swapped?"));
}

fn outlines() -> Outlines {
    let ring = vec![[105.8, 26.1], [106.0, 26.1], [106.0, 26.3], [105.8, 26.3], [105.8, 26.1]];
    let (code, level) = (Some("520402102201".to_owned()), "village".to_owned());
    Outlines::new(&[Region { code, name: None, level, polygons: vec![vec![ring]] }])
}

#[test]
fn i06_zero_zero_and_places_outside_the_region_are_rejected_row_by_row() {
    let text = "id,lon,lat\na,0,0\nb,105.9,26.2\nc,105.9,27.2\n";
    let outlines = outlines();
    let options = GateOptions { outlines: Some(&outlines), ..GateOptions::default() };
    let (good, report) = gate(&made("a.csv", text).path, &HOUSEHOLDS, options).expect("readable");
    assert_eq!(faults(&report), [(2, None, "out_of_range"), (4, None, "outside_region")]);
    assert_eq!((good.len(), report.rows, report.faulty_rows), (1, 3, 2));
}

#[test]
fn i08_bad_polygons_name_the_reason_and_the_place() {
    for (ring, wanted) in [
        ("[[[0,0],[2,2],[2,0],[0,2],[0,0]]]", "self_intersection"),
        ("[[[0,0],[2,0],[2,2],[0,1]]]", "bad_ring"),
        ("[[[0,0],[0,0]]]", "bad_ring"),
        ("[[[0,0],[1,1],[2,2],[0,0]]]", "zero_area"),
        ("[[[1,1],[4,1],[4,4],[1,4],[1,1]],[[5,5],[6,5],[6,6],[5,5]]]", "self_intersection"),
    ] {
        let (_, report) = read("a.geojson", region(ring), &REGIONS).expect("readable");
        assert_eq!(faults(&report), [(1, None, wanted)], "{ring}");
    }
    let bow_tie = region("[[[0,0],[2,2],[2,0],[0,2],[0,0]]]");
    let (_, report) = read("a.geojson", bow_tie, &REGIONS).expect("readable");
    assert!(report.faults.faults[0].reason.contains("1,1"), "{}", report.faults.faults[0]);
}

#[test]
fn i09_hole_touching_its_shell_in_one_vertex_is_fine() {
    let ring = "[[[1,1],[5,1],[5,5],[1,5],[1,1]],[[1,3],[3,2],[3,4],[1,3]]]";
    let (good, report) = read("a.geojson", region(ring), &REGIONS).expect("readable");
    assert!(report.is_clean() && good.len() == 1, "{report:?}");
}

#[test]
fn i12_rings_with_too_many_vertices_are_refused() {
    let ring = format!("[[{}[105,26]]]", "[105,26],".repeat(300_000));
    assert_eq!(code(read("a.geojson", region(&ring), &REGIONS)), "too_many_vertices");
    let list = "105,26 ".repeat(300_000);
    let kml = format!("<kml><Placemark><LineString><coordinates>{list}</coordinates></LineString></Placemark></kml>");
    assert_eq!(code(read("a.kml", kml, &BARRIERS)), "too_many_vertices");
}

#[test]
fn i14_duplicate_ids_name_every_row() {
    let rows: String = (0..50).map(|_| "x,105.9,26.2\n").collect();
    let (_, report) = read("a.csv", format!("id,lon,lat\n{rows}"), &HOUSEHOLDS).expect("readable");
    assert_eq!(report.faults.total, 49);
    assert!(report.faults.faults.iter().all(|f| f.code == "duplicate_id"));
    assert_eq!(report.faults.faults.iter().map(|f| f.row).collect::<Vec<_>>(), (3..=51).collect::<Vec<_>>());
}

#[test]
fn i17_i18_byte_order_marks_and_gb18030_give_right_names() {
    let text = "户号,经度,纬度,自然寨,居住性质\n1,105.9,26.2,大寨,租住\n";
    let (gb, _, _) = encoding_rs::GB18030.encode(text);
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes().to_vec(), [b"\xEF\xBB\xBF", text.as_bytes()].concat(), gb.into_owned(), utf16] {
        let (good, report) = read("a.csv", bytes, &HOUSEHOLDS).expect("readable");
        assert!(report.is_clean(), "{report:?}");
        let values = &good[0].values;
        let hamlet = HOUSEHOLDS.field_named("hamlet").expect("field");
        assert_eq!(values[hamlet], Cell::Text("大寨".into()));
        assert_eq!(values[HOUSEHOLDS.field_named("tenure").expect("field")], Cell::Text("rented".into()));
    }
    assert_eq!(code(read("a.csv", b"id,lon,lat\n\xFF\xFF\xFF,1,2\n", &HOUSEHOLDS)), "encoding");
    let json = collection(&[feature(r#""id":"大""#, &point("[105.9,26.2]"))]);
    assert!(read("a.geojson", format!("\u{FEFF}{json}"), &HOUSEHOLDS).expect("readable").1.is_clean());
}

#[test]
fn kml_of_any_encoding_gives_right_names() {
    let text = "<?xml version=\"1.0\" encoding=\"GB18030\"?><kml><Placemark id='a'><name>x</name><ExtendedData><Data name=\"自然寨\"><value>大寨&amp;<![CDATA[小寨]]></value></Data></ExtendedData><Point><coordinates>105.9,26.2,0</coordinates></Point></Placemark></kml>";
    let (gb, _, _) = encoding_rs::GB18030.encode(text);
    for bytes in [text.as_bytes(), &gb] {
        let (good, report) = read("a.kml", bytes, &HOUSEHOLDS).expect("readable");
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(good[0].values[HOUSEHOLDS.field_named("hamlet").expect("field")], Cell::Text("大寨&小寨".into()));
    }
}

#[test]
fn i22_cut_json_and_bytes_behind_it_name_the_byte() {
    let json = collection(&[feature(r#""id":"a""#, &point("[105.9,26.2]"))]);
    for bad in [json[..json.len() - 5].to_owned(), format!("{json} x")] {
        match read("a.geojson", &bad, &HOUSEHOLDS) {
            Err(GateError::Read(ReadError::Json { byte, code, .. })) => {
                assert!(byte + 8 > json.len() && code == "json_syntax", "{byte} {code}");
            }
            other => panic!("{other:?}"),
        }
    }
    let line = feature(r#""id":"a""#, &point("[105.9,26.2]"));
    match read("a.geojsonl", format!("{line}\n{}\n", &line[..line.len() - 1]), &HOUSEHOLDS) {
        Err(GateError::Read(ReadError::Json { byte, line: at, .. })) => {
            assert!(byte > line.len() && at >= 2, "{byte} {at}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn i26_open_quotes_and_ragged_rows_name_the_line() {
    let (_, report) =
        read("a.csv", "id,lon,lat\n1,105.9\n2,105.9,26.2\n3,\"105.9,26.2\n", &HOUSEHOLDS).expect("readable");
    assert_eq!(faults(&report), [(2, None, "ragged_row"), (4, None, "ragged_row")]);
}

#[test]
fn i28_personal_columns_are_dropped_named_and_nowhere_kept() {
    let text =
        "户号,经度,纬度,身份证号,户主姓名,联系电话,民族,备注\n1,105.9,26.2,52040219800101123X,张三,13912345678,汉,某\n";
    let (good, report) = read("a.csv", text, &HOUSEHOLDS).expect("readable");
    assert_eq!(report.mapping.personal(), ["身份证号", "户主姓名", "联系电话", "民族"]);
    assert_eq!(report.mapping.unused(), ["备注"]);
    let all = format!("{good:?}{report:?}");
    assert!(!all.contains("张三") && !all.contains("13912345678") && !all.contains("52040219800101123X"), "{all}");
    let overrides = ["身份证号=id".to_owned()];
    let options = GateOptions { overrides: &overrides, ..GateOptions::default() };
    assert!(matches!(
        gate(&made("a.csv", text).path, &HOUSEHOLDS, options),
        Err(GateError::Mapping(MappingError::Personal(_)))
    ));
    // Officers alone have names and telephones, and still no identity numbers.
    let text = "编号,网格编码,职务,姓名,电话,身份证号\n1,520402102201001,网格长,李四,139,5\n";
    let (good, report) = read("o.csv", text, &OFFICERS).expect("readable");
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.mapping.personal(), ["身份证号"]);
    assert_eq!(good[0].values[3], Cell::Text("李四".into()));
}

/// An archive of stored or deflated entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("entry");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("archive").into_inner()
}

#[test]
fn i30_zip_bomb_is_stopped_at_the_cap() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).expect("entry");
    let block = vec![b' '; 1 << 20];
    (0..128).for_each(|_| zip.write_all(&block).expect("written"));
    let bomb = zip.finish().expect("archive").into_inner();
    assert!(bomb.len() < 1 << 20);
    for name in ["a.xlsx", "a.zip"] {
        assert_eq!(code(read(name, &bomb, &HOUSEHOLDS)), "decompressed_too_large");
    }
    let many: Vec<(String, &[u8])> = (0..2_001).map(|i| (format!("{i}"), &b""[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), *b)).collect();
    assert_eq!(code(read("a.xlsx", archive(&many), &HOUSEHOLDS)), "too_many_entries");
}

#[test]
fn i32_names_that_leave_the_archive_and_links_are_refused() {
    for name in ["../../evil.shp", "/etc/evil.shp", "a\\..\\..\\evil.shp", "C:evil.shp"] {
        let made = made("a.zip", archive(&[(name, b"x"), ("b.dbf", b"x")]));
        assert_eq!(code(gate(&made.path, &HOUSEHOLDS, GateOptions::default())), "unsafe_name", "{name}");
        // Nothing is unpacked, neither there nor here.
        assert_eq!(std::fs::read_dir(made.folder.path()).expect("folder").count(), 1);
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.add_symlink("b.shp", "/etc/passwd", zip::write::SimpleFileOptions::default()).expect("entry");
    let bytes = zip.finish().expect("archive").into_inner();
    assert_eq!(code(read("a.zip", bytes, &HOUSEHOLDS)), "unsafe_name");
}

#[test]
fn i38_damaged_files_of_every_packed_format_are_corrupt() {
    for name in ["a.gpkg", "a.fgb", "a.zip", "a.xlsx", "a.kml"] {
        for bytes in
            [&b""[..], b"x", &[0; 1000], b"SQLite format 3\0", b"fgb\x03fgb\x01\xFF\xFF\xFF\xFF", b"PK\x05\x06"]
        {
            let code = code(read(name, bytes, &HOUSEHOLDS));
            let no_text = name == "a.kml" && code == "encoding";
            assert!(code == "corrupt_file" || no_text, "{name} {bytes:?}: {code}");
        }
    }
}

/// A workbook with one text and one numeric code.
fn workbook() -> Made {
    let made = made("a.xlsx", b"");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("住户").expect("name");
    for (column, title) in (0_u16..).zip(["户号", "所属村", "经度", "纬度", "人口"]) {
        sheet.write_string(0, column, title).expect("cell");
    }
    for row in 1..=2_u32 {
        sheet.write_string(row, 0, format!("h{row}")).expect("cell");
        sheet.write_number(row, 2, 105.9).expect("cell");
        sheet.write_number(row, 3, 26.2).expect("cell");
        sheet.write_number(row, 4, f64::from(row)).expect("cell");
    }
    sheet.write_string(1, 1, "520402102201").expect("cell");
    sheet.write_number(2, 1, 520_402_102_201_001.0).expect("cell");
    book.save(&made.path).expect("saved");
    made
}

#[test]
fn a_numeric_cell_where_a_code_belongs_is_refused_with_sheet_row_and_column() {
    let made = workbook();
    let (good, report) = gate(&made.path, &HOUSEHOLDS, GateOptions::default()).expect("readable");
    let f = &report.faults.faults[0];
    assert_eq!(
        (f.sheet.as_deref(), f.row, f.column.as_deref(), f.code),
        (Some("住户"), 3, Some("所属村"), "code_not_text")
    );
    assert_eq!((good.len(), good[0].values[7].clone()), (1, Cell::Whole(1)));
    let other = OpenOptions { layer: Some("Sheet9".to_owned()), ..OpenOptions::default() };
    match open(made.path.to_str().expect("path"), &other) {
        Err(ReadError::Layer { found, .. }) => assert_eq!(found, ["住户"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_cells_far_apart_do_not_make_a_sheet_large() {
    let made = made("a.xlsx", b"");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "id").expect("cell");
    sheet.write_string(1_048_575, 16_383, "x").expect("cell");
    book.save(&made.path).expect("saved");
    assert_eq!(code(gate(&made.path, &HOUSEHOLDS, GateOptions::default())), "too_many_columns");
}

#[test]
fn the_mapping_is_guessed_overruled_and_shown() {
    let text = "编号,X,Y,村,楼,备注\n1,1,2,520402102201,a,b\n";
    let overrides = ["楼=building".to_owned(), "村=".to_owned()];
    let options = GateOptions { overrides: &overrides, ..GateOptions::default() };
    let (good, report) = gate(&made("a.csv", text).path, &HOUSEHOLDS, options).expect("readable");
    assert!(report.planar && report.is_clean());
    assert_eq!(good[0].values[2], Cell::Text("a".into()));
    assert_eq!(good[0].values[1], Cell::Empty);
    let shown = report.mapping.to_string();
    assert!(shown.contains("编号 → id（户号）") && shown.contains("楼 → building（楼栋）"), "{shown}");
    for bad in ["楼building", "无=building", "楼=无"] {
        let overrides = [bad.to_owned()];
        let options = GateOptions { overrides: &overrides, ..GateOptions::default() };
        assert!(matches!(gate(&made("a.csv", text).path, &HOUSEHOLDS, options), Err(GateError::Mapping(_))));
    }
}

#[test]
fn faults_are_listed_to_a_limit_counted_beyond_it_and_written_as_tables() {
    let rows: String = (0..1_500).map(|i| format!("h{i},105.9,26.2,-1\n")).collect();
    let (_, report) = read("a.csv", format!("id,lon,lat,persons\n{rows}"), &HOUSEHOLDS).expect("readable");
    assert_eq!((report.faults.total, report.faults.faults.len()), (1_500, 1_000));
    let folder = tempfile::tempdir().expect("folder");
    for (format, name) in [(Format::Csv, "f.csv"), (Format::Xlsx, "f.xlsx")] {
        let path = folder.path().join(name);
        report.faults.write(format, &path).expect("written");
        let source = open(path.to_str().expect("path"), &OpenOptions::default()).expect("readable");
        let reason = source.head().columns.iter().position(|c| c.ends_with("reason")).expect("a reason column");
        let rows: Vec<_> = source.collect::<Result<_, _>>().expect("rows");
        assert_eq!(rows.len(), 1_001);
        assert!(matches!(&rows[0].cells[reason], Cell::Text(t) if t.contains("persons")));
    }
}

#[test]
fn places_that_may_be_absent_may_be_absent_and_features_lend_their_id() {
    let text = "事件编号,类别,发生时间,经度,纬度\n1,矛盾劝解,2021/5/3 14:30,,\n2,其他,2021-05-03,105.9,26.2\n";
    let (good, report) = read("a.csv", text, &INCIDENTS).expect("readable");
    assert!(report.is_clean() && good[0].geometry.is_none() && good[1].geometry.is_some(), "{report:?}");
    let json = r#"{"type":"Feature","id":7,"properties":{},"geometry":{"type":"Point","coordinates":[105.9,26.2]}}"#;
    let (good, report) = read("a.geojson", json, &BUILDINGS).expect("readable");
    assert!(report.is_clean());
    assert_eq!(good[0].values[0], Cell::Text("7".into()));
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_of_any_format_never_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
        format in 0_usize..8,
    ) {
        let name = ["a.csv", "a.xlsx", "a.geojson", "a.geojsonl", "a.gpkg", "a.zip", "a.fgb", "a.kml"][format];
        let _ = read(name, &bytes, &HOUSEHOLDS);
    }

    #[test]
    fn flipped_bytes_of_a_workbook_never_panic(flips in proptest::collection::vec((0_usize..8_000, proptest::num::u8::ANY), 1..6)) {
        let made = workbook();
        let mut bytes = std::fs::read(&made.path).expect("readable");
        for (at, value) in flips {
            let n = bytes.len();
            bytes[at % n] = value;
        }
        let _ = read("b.xlsx", &bytes, &HOUSEHOLDS);
    }
}
