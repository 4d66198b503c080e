//! What the import gate owes to GeoJSON, rule by rule.

use super::*;
use crate::domain::{Barrier, BarrierShape, NO_VALUE, Region};

type Reader<T> = fn(&str, Option<&str>, &ReadOptions<'_>) -> Result<Read<T>, ReadError>;

/// Reads `bytes` through `reader` from a file called `name`.
fn from<T>(name: &str, bytes: impl AsRef<[u8]>, reader: Reader<T>) -> Result<Read<T>, ReadError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("writable");
    reader(path.to_str().expect("plain path"), None, &ReadOptions::default())
}

fn households(bytes: impl AsRef<[u8]>) -> Result<Read<Households>, ReadError> {
    from("t.geojson", bytes, read_households)
}

fn barriers(bytes: impl AsRef<[u8]>) -> Result<Read<Vec<Barrier>>, ReadError> {
    from("t.geojson", bytes, read_barriers)
}

fn regions(bytes: impl AsRef<[u8]>) -> Result<Read<Vec<Region>>, ReadError> {
    from("t.json", bytes, read_regions)
}

fn feature(properties: &str, kind: &str, coordinates: &str) -> String {
    format!(
        r#"{{"type":"Feature","properties":{{{properties}}},"geometry":{{"type":"{kind}","coordinates":{coordinates}}}}}"#
    )
}

fn collection(features: &[String]) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

/// Numbers of the faulty rows with the words for their faults.
fn codes<T: std::fmt::Debug>(read: Result<Read<T>, ReadError>) -> Vec<(u64, &'static str)> {
    match read {
        Err(ReadError::Rows { faults, kind: RowKind::Feature, .. }) => {
            faults.iter().map(|f| (f.line, f.code)).collect()
        }
        other => panic!("no faults of features: {other:?}"),
    }
}

fn json_code<T: std::fmt::Debug>(read: Result<Read<T>, ReadError>) -> (&'static str, usize) {
    match read {
        Err(ReadError::Json { code, byte, .. }) => (code, byte),
        other => panic!("no JSON fault: {other:?}"),
    }
}

const SQUARE: &str = "[[[105,26],[105.002,26],[105.002,26.002],[105,26.002],[105,26]]]";

#[test]
fn points_and_polygons_are_households_and_a_polygon_is_a_building() {
    let text = collection(&[
        feature(r#""户号":"a","自然寨":"大寨","户数":3,"身份证号":"520","note":1"#, "Polygon", SQUARE),
        feature(r#""户号":"b","人口":4"#, "Point", "[105.01,26.01,1200]"),
        feature(r#""户号":"c""#, "Point", "[105.01,26.01]"),
        feature(r#""户号":7"#, "MultiPolygon", "[[[[105.1,26],[105.2,26],[105.2,26.1],[105.1,26]]]]"),
    ]);
    let read = households(&text).expect("readable");
    let t = read.value;
    assert_eq!(t.ids, ["a", "b", "c", "7"]);
    assert!(!read.planar);
    assert_eq!(t.building.get(0), Some("a"));
    assert_eq!(t.building.get(3), Some("7"));
    assert_eq!(t.building.of[1], t.building.of[2]);
    assert!(t.building.of.iter().all(|b| *b != NO_VALUE));
    assert_eq!((t.households.as_slice(), t.rows_are_buildings), (&[3, 1, 1, 1][..], true));
    assert_eq!(t.persons.expect("column"), [None, Some(4), None, None]);
    assert_eq!(t.hamlet.expect("column").names, ["大寨"]);
    assert_eq!(read.dropped_columns, ["身份证号", "note"]);
    let Positions::Geographic(p) = t.positions else { panic!("degrees") };
    assert!((p[0].lon_deg - 105.001).abs() < 0.001 && (p[0].lat_deg - 26.001).abs() < 0.001);
    assert_eq!(t.source_row, [1, 2, 3, 4]);
}

#[test]
fn bare_feature_and_feature_id_are_enough() {
    let text = r#"{"geometry":{"coordinates":[105,26],"type":"Point"},"id":"x9","type":"Feature","properties":null}"#;
    assert_eq!(households(text).expect("readable").value.ids, ["x9"]);
    let nameless = collection(&[feature("", "Point", "[105,26]")]);
    assert_eq!(codes(households(nameless)), [(1, "missing_id")]);
}

#[test]
fn openstreetmap_building_tags_are_no_building_names() {
    let text = collection(&[
        feature(r#""id":"a","building":"yes""#, "Polygon", SQUARE),
        feature(r#""id":"b","building":"yes""#, "Polygon", "[[[106,26],[106.1,26],[106.1,26.1],[106,26]]]"),
    ]);
    let read = households(text).expect("readable");
    assert_eq!(read.value.building.names, ["a", "b"]);
    assert!(read.warnings[0].contains("OpenStreetMap"));
}

#[test]
fn column_rules_are_those_of_csv() {
    let many: Vec<String> = (0..50).map(|_| feature(r#""id":"same""#, "Point", "[105,26]")).collect();
    let faults = codes(households(collection(&many)));
    assert_eq!((faults.len(), faults[0]), (49, (2, "duplicate_id")));
    let torn = collection(&[
        feature(r#""id":"a","building":"p""#, "Point", "[105,26]"),
        feature(r#""id":"b","building":"p""#, "Point", "[105.1,26]"),
    ]);
    let e = households(torn).expect_err("torn").to_string();
    assert!(e.contains("building_places") && e.contains("feature 1") && e.contains("“b”"), "{e}");
    for (count, code) in
        [("-1", "not_a_count"), ("1e30", "not_a_count"), ("2.5", "not_a_count"), ("\"x\"", "not_a_count")]
    {
        let text = collection(&[feature(&format!(r#""id":1,"households":{count}"#), "Point", "[105,26]")]);
        assert_eq!(codes(households(text)), [(1, code)], "{count}");
    }
}

#[test]
fn swapped_axes_and_null_island_are_suspected() {
    let e = households(collection(&[feature(r#""id":1"#, "Point", "[26.2,105.9]")])).expect_err("swapped").to_string();
    assert!(e.contains("axes swapped?") && e.contains("out_of_range") && e.contains("feature 1"), "{e}");
    assert_eq!(codes(households(collection(&[feature(r#""id":1"#, "Point", "[0,0]")]))), [(1, "out_of_range")]);
    let line = collection(&[feature("", "LineString", "[[26,105],[26,106]]")]);
    assert_eq!(codes(barriers(line)), [(1, "out_of_range")]);
}

#[test]
fn coordinates_that_are_no_numbers_name_their_feature() {
    let good = feature(r#""id":"a""#, "Point", "[105,26]");
    for bad in ["[\"105.9\",26]", "[null,26]", "[1e999,26]", "[NaN,26]", "[105,-Infinity]", "[true,26]", "[{},26]"] {
        let text = collection(&[good.clone(), feature(r#""id":"b""#, "Point", bad)]);
        assert_eq!(codes(households(text)), [(2, "not_a_number")], "{bad}");
    }
    let far = collection(&[
        feature(r#""id":"b""#, "Point", "[1e300,26]"),
        feature(r#""id":1"#, "LineString", "[[1e9,1],[2,2]]"),
    ]);
    assert_eq!(codes(households(far)), [(1, "out_of_range"), (2, "out_of_range")]);
    for bad in ["[]", "[1]", "[1,2,3,4,5]", "[[1,2]]", "[1,[2]]"] {
        let text = collection(&[good.clone(), feature(r#""id":"b""#, "Point", bad)]);
        let faults = codes(households(text));
        assert!(matches!(faults[..], [(2, "bad_position" | "no_geometry")]), "{bad}: {faults:?}");
    }
}

#[test]
fn null_and_foreign_geometries_name_their_feature() {
    for geometry in ["null", "5", "[1]", "\"x\"", r#"{"type":"Point"}"#, r#"{"type":"Circle","coordinates":[1,2]}"#] {
        let text = format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{"id":"w1"}},"geometry":{geometry}}}]}}"#
        );
        let e = households(&text).expect_err("no geometry").to_string();
        assert!(e.contains("no_geometry") && e.contains("“w1”"), "{e}");
    }
    let line = collection(&[feature(r#""id":1"#, "LineString", "[[105,26],[105.1,26]]")]);
    assert_eq!(codes(households(line)), [(1, "geometry_kind")]);
    let nested =
        r#"{"type":"Feature","id":1,"properties":{},"geometry":{"type":"GeometryCollection","geometries":[]}}"#;
    assert_eq!(codes(households(nested)), [(1, "geometry_kind")]);
}

#[test]
fn json_nested_200_000_deep_is_refused_with_its_place() {
    for (open, start) in [("[", r#"{"type":"Point","coordinates":"#), (r#"{"a":"#, r#"{"x":"#)] {
        assert_eq!(json_code(households(format!("{start}{}", open.repeat(200_000)))).0, "json_depth");
    }
    // Brackets inside text do not nest.
    let text = collection(&[feature(&format!(r#""id":"{}\"[""#, "[".repeat(500)), "Point", "[105,26]")]);
    assert!(households(text).is_ok());
}

#[test]
fn byte_order_mark_and_gb18030_are_read() {
    let text = collection(&[feature(r#""id":"1","寨":"大寨""#, "Point", "[105,26]")]);
    let (gb, _, _) = encoding_rs::GB18030.encode(&text);
    for bytes in [[b"\xEF\xBB\xBF", text.as_bytes()].concat(), gb.into_owned()] {
        assert_eq!(households(bytes).expect("readable").value.hamlet.expect("column").names, ["大寨"]);
    }
    assert!(matches!(households(b"\xFF\xFF\xFF"), Err(ReadError::Encoding { .. })));
}

#[test]
fn truncated_json_and_bytes_after_the_document_name_the_byte() {
    let text = collection(&[feature(r#""id":1"#, "Point", "[105,26]")]);
    for n in 0..text.len() {
        assert_eq!(json_code(households(&text[..n])), ("json_syntax", n));
    }
    let (code, byte) = json_code(households(format!("{text}\n {{}}")));
    assert!(code == "json_syntax" && byte.abs_diff(text.len() + 2) <= 1, "{byte} {}", text.len());
    let e = households("{\"type\":\n\n  oops}").expect_err("syntax").to_string();
    assert!(e.contains("line 3"), "{e}");
    for other in ["5", "[]", "{}", r#"{"type":"FeatureCollection"}"#, r#"{"type":"FeatureCollection","features":5}"#] {
        assert_eq!(json_code(households(other)).0, "not_geojson", "{other}");
    }
}

#[test]
fn open_rings_and_rings_of_two_name_their_first_bad_coordinate() {
    let open = collection(&[feature(r#""code":"1""#, "Polygon", "[[[105,26],[105.1,26],[105.1,26.1],[105,26.1]]]")]);
    let e = regions(&open).expect_err("open").to_string();
    assert!(e.contains("bad_ring") && e.contains("105,26.1"), "{e}");
    let two = collection(&[feature(r#""id":"h""#, "Polygon", "[[[105,26],[105,26]]]")]);
    let e = households(&two).expect_err("two").to_string();
    assert!(e.contains("bad_ring") && e.contains("105,26") && e.contains("“h”"), "{e}");
}

#[test]
fn one_invalid_region_refuses_the_file_and_is_named() {
    let good = feature(r#""name":"甲村""#, "Polygon", SQUARE);
    for (bad, code) in [
        ("[[[105,26],[105.2,26.2],[105.2,26],[105,26.2],[105,26]]]", "self_intersection"),
        ("[[[105,26],[106,27],[107,28],[105,26]]]", "zero_area"),
        ("[[[105,26],[106,26],[106,27],[105,26]],[[107,28],[108,28],[108,29],[107,28]]]", "self_intersection"),
    ] {
        let e = regions(collection(&[good.clone(), feature(r#""name":"乙村""#, "Polygon", bad)])).expect_err("invalid");
        let said = e.to_string();
        assert!(said.contains(code) && said.contains("feature 2") && said.contains("乙村"), "{said}");
    }
    let touching = "[[[105,26],[106,26],[106,27],[105,27],[105,26]],[[105,26.5],[105.2,26.4],[105.2,26.6],[105,26.5]]]";
    assert!(regions(collection(&[feature("", "Polygon", touching)])).is_ok());
}

#[test]
fn a_bow_tie_house_is_told_and_still_placed() {
    let tie = "[[[105,26],[105.2,26.2],[105.2,26],[105,26.2],[105,26]]]";
    let read = households(collection(&[feature(r#""id":1"#, "Polygon", tie)])).expect("placed");
    assert!(read.warnings[0].contains("feature 1"));
}

#[test]
fn too_many_vertices_in_one_ring_are_refused() {
    let ring = "[105,26],".repeat(rings::MOST_VERTICES + 1);
    let text = collection(&[feature(r#""id":1"#, "Polygon", &format!("[[{}]]", ring.trim_end_matches(',')))]);
    assert_eq!(codes(households(text)), [(1, "too_many_vertices")]);
}

#[test]
fn a_long_outline_is_judged_without_comparing_all_pairs() {
    let n = 100_000;
    let ring: Vec<String> = (0..=n)
        .map(|i| {
            let a = f64::from(i % n) / f64::from(n) * std::f64::consts::TAU;
            format!("[{:.9},{:.9}]", 105.0 + a.cos(), 26.0 + a.sin())
        })
        .collect();
    let read = regions(collection(&[feature("", "Polygon", &format!("[[{}]]", ring.join(",")))])).expect("valid");
    assert_eq!(read.value[0].polygons[0][0].len(), 100_001);
}

#[test]
fn reference_systems_of_older_writers_are_honoured_or_refused() {
    let with = |crs: &str, at: &str| {
        let f = feature(r#""id":1"#, "Point", at);
        households(format!(r#"{{"crs":{crs},"type":"FeatureCollection","features":[{f}]}}"#))
    };
    let named = |n: &str| format!(r#"{{"type":"name","properties":{{"name":"{n}"}}}}"#);
    for same in ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4490", "urn:ogc:def:crs:EPSG::4326"] {
        assert!(with(&named(same), "[105,26]").is_ok(), "{same}");
    }
    assert!(with("null", "[105,26]").is_ok());
    let zone = with(&named("urn:ogc:def:crs:EPSG::4523"), "[35500000,2876700]").expect("converted");
    let Positions::Geographic(p) = zone.value.positions else { panic!("degrees") };
    assert!((p[0].lon_deg - 105.0).abs() < 1e-9);
    let outside = codes(with(&named("EPSG:4523"), "[999999999,-999999999]"));
    assert!(matches!(outside[..], [(1, "out_of_range" | "not_a_number")]), "{outside:?}");
    let e = with(&named("urn:ogc:def:crs:EPSG::3857"), "[1,2]").expect_err("foreign").to_string();
    assert!(e.contains("EPSG:3857"), "{e}");
}

#[test]
fn our_own_mark_makes_positions_planar_metres() {
    let f = feature(r#""id":1"#, "Point", "[1500,-20]");
    let text = format!(r#"{{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{f}]}}"#);
    let read = households(&text).expect("planar");
    assert!(read.planar && matches!(read.value.positions, Positions::Planar(_)));
    assert!(from("t.geojson", &text, features).expect("planar").planar);
}

#[test]
fn explicit_conversion_wins_over_what_the_file_says() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("t.geojson");
    let f = feature(r#""id":1"#, "Point", "[5,6]");
    std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","lianhu:coordinates":"metres","features":[{f}]}}"#))
        .expect("writable");
    let shift = |c: [f64; 2]| [c[0] + 100.0, c[1] + 20.0];
    let options = ReadOptions { to_wgs84: Some(&shift), ..ReadOptions::default() };
    let read = read_households(path.to_str().expect("plain"), None, &options).expect("readable");
    let Positions::Geographic(p) = read.value.positions else { panic!("degrees") };
    assert_eq!((p[0].lon_deg, p[0].lat_deg), (105.0, 26.0));
}

#[test]
fn barriers_have_kind_hardness_and_one_shape_each() {
    let text = collection(&[
        feature(
            r#""类型":"河流","硬":"是","名称":"邢江河""#,
            "MultiLineString",
            "[[[105,26],[106,26]],[[107,26],[108,26]]]",
        ),
        feature(r#""waterway":"stream""#, "LineString", "[[105,26],[106,26]]"),
        feature(r#""railway":"rail","hard":true"#, "LineString", "[[105,26],[106,26]]"),
        feature(r#""highway":"primary","hard":0"#, "LineString", "[[105,26],[106,26]]"),
        feature(r#""kind":"Bridge","phone":"139""#, "Polygon", SQUARE),
        feature("", "LineString", "[[105,26],[106,26]]"),
    ]);
    let read = barriers(text).expect("readable");
    let said: Vec<(&str, bool)> = read.value.iter().map(|b| (b.kind.as_str(), b.hard)).collect();
    let expected = [
        ("river", true),
        ("river", true),
        ("stream", false),
        ("railway", true),
        ("road", false),
        ("bridge", false),
        ("barrier", false),
    ];
    assert_eq!(said, expected);
    assert_eq!(read.value[0].name.as_deref(), Some("邢江河"));
    assert!(read.value[5].is_bridge() && matches!(&read.value[5].shape, BarrierShape::Area(r) if r[0].len() == 5));
    assert_eq!(read.dropped_columns, ["phone"]);
    let bad = collection(&[
        feature(r#""hard":"maybe""#, "LineString", "[[105,26],[106,26]]"),
        feature("", "Point", "[105,26]"),
        feature("", "LineString", "[[105,26]]"),
    ]);
    assert_eq!(codes(barriers(bad)), [(1, "not_yes_or_no"), (2, "geometry_kind"), (3, "bad_line")]);
}

#[test]
fn region_codes_are_text_and_levels_are_known() {
    let text = collection(&[
        feature(r#""编码":"520402100201","名称":"甲村","级别":"村""#, "Polygon", SQUARE),
        feature(r#""admin_level":"6""#, "Polygon", SQUARE),
        feature(r#""admin_level":8,"code":null"#, "MultiPolygon", &format!("[{SQUARE}]")),
        feature("", "Polygon", SQUARE),
    ]);
    let read = regions(text).expect("readable").value;
    assert_eq!(read[0].code.as_deref(), Some("520402100201"));
    assert_eq!(
        read.iter().map(|r| r.level.as_str()).collect::<Vec<_>>(),
        ["village", "township", "village", "village"]
    );
    let bad = collection(&[
        feature(r#""code":520402100201"#, "Polygon", SQUARE),
        feature(r#""code":"5.20402E+11""#, "Polygon", SQUARE),
        feature(r#""level":"duchy""#, "Polygon", SQUARE),
        feature("", "Point", "[105,26]"),
    ]);
    let expected = [(1, "code_not_text"), (2, "code_not_text"), (3, "unknown_level"), (4, "geometry_kind")];
    assert_eq!(codes(regions(bad)), expected);
}

#[test]
fn two_villages_never_share_a_code_even_unused() {
    let village = |code: &str, more: &str| feature(&format!(r#""code":"{code}"{more}"#), "Polygon", SQUARE);
    let text = collection(&[
        village("520423102001", r#","name":"甲村""#),
        village("520423102002", r#","name":"乙村""#),
        village(" 520423102001 ", r#","name":"丙村""#),
        village("520423102002", ""),
    ]);
    let e = regions(text.clone()).expect_err("shared").to_string();
    assert_eq!(codes(regions(text)), [(3, "duplicate_code"), (4, "duplicate_code")]);
    for words in ["第 3 个要素 feature 3 “丙村”", "feature 1 “甲村”", "feature 4", "feature 2 “乙村”"]
    {
        assert!(e.contains(words), "{words}: {e}");
    }
    // A township may come in parts, and a village may have the digits of its township's code; codes above have other lengths.
    let fine = collection(&[
        village("520423102", r#","level":"township""#),
        village("520423102", r#","level":"township""#),
        village("520423102", ""),
        feature("", "Polygon", SQUARE),
        feature("", "Polygon", SQUARE),
    ]);
    assert_eq!(regions(fine).expect("no village twice").value.len(), 5);
}

#[test]
fn layer_flag_is_refused_by_every_reader_of_a_file_without_layers() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.to_string_lossy().into_owned()
    };
    let csv = at("t.csv", "id,x,y,building\na,1,2,b\n");
    let square = at("t.geojson", &collection(&[feature("", "Polygon", SQUARE)]));
    let (layer, options) = (Some("房屋"), ReadOptions::default());
    let refused = [
        read_households(&csv, layer, &options).err(),
        read_households(&square, layer, &options).err(),
        read_barriers(&square, layer, &options).err(),
        read_regions(&square, layer, &options).err(),
        read_boundary(&square, layer, &options).err(),
        features(&square, layer, &options).err(),
    ];
    for e in refused {
        let e = e.expect("refused");
        assert!(e.is_usage() && e.to_string().contains("房屋"), "{e}");
    }
    // QGIS writes the layer's name into the path of any file.
    assert!(read_regions(&format!("{square}|layername=t"), None, &options).is_ok());
}

#[test]
fn a_boundary_is_every_polygon_of_the_file() {
    let bare = format!(r#"{{"type":"Polygon","coordinates":{SQUARE}}}"#);
    assert_eq!(from("b.geojson", bare, read_boundary).expect("bare").value.len(), 1);
    let two =
        collection(&[feature("", "Polygon", SQUARE), feature("", "MultiPolygon", &format!("[{SQUARE},{SQUARE}]"))]);
    assert_eq!(from("b.geojson", two, read_boundary).expect("two").value.len(), 3);
    assert_eq!(codes(from("b.geojson", collection(&[]), read_boundary)), [(1, "no_geometry")]);
}

#[test]
fn formats_that_are_not_read_are_said() {
    let e = from("t.xls", "", read_households).expect_err("xlsx").to_string();
    assert!(e.contains("GeoPackage") && e.contains("CSV"), "{e}");
    let e = from("t.csv", "id\n", read_barriers).expect_err("csv").to_string();
    assert!(e.contains("GeoPackage") && !e.contains("CSV ("), "{e}");
    assert!(matches!(
        read_households("no/such.gpkg", None, &ReadOptions::default()),
        Err(ReadError::Unreadable { .. })
    ));
}

#[test]
fn fifty_thousand_features_are_read() {
    let all: Vec<String> = (0..50_000)
        .map(|i| {
            feature(&format!(r#""id":"h{i}","note":"x""#), "Point", &format!("[{},26]", 105.0 + f64::from(i) * 1e-5))
        })
        .collect();
    assert_eq!(households(collection(&all)).expect("readable").value.len(), 50_000);
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
        flips in proptest::collection::vec((0_usize..400, proptest::num::u8::ANY), 0..6),
        json in "[\\[\\]{}:,\"0-9a-z.eE-]{0,60}",
    ) {
        let whole = collection(&[
            feature(r#""id":"a","building":"p","floor":2"#, "Polygon", SQUARE),
            feature(r#""id":"b""#, "Point", "[105,26]"),
        ]);
        let mut nearly = whole.clone().into_bytes();
        for (at, value) in flips {
            if let Some(b) = nearly.get_mut(at) {
                *b = value;
            }
        }
        let _ = households(&bytes);
        let _ = households(&nearly);
        let _ = households(feature("", "Polygon", &json));
    }
}
