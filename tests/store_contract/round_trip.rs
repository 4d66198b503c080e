//! Every layer of places, officers and incidents is handed out in every format, brought into an empty store of either engine and handed out again:
//! the bytes are the same. What a format cannot carry is named, and nothing else is lost.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lianhu::exchange::gate::schema::LayerSchema;
use lianhu::exchange::{Format, OpenOptions as FileOptions, WriteOptions, Written};
use lianhu::plan::register::{ExportWish, ImportOutcome, ImportWish, Sealer, export_layer, import_files};
use lianhu::store::{Expect, Filter, OpenMode, OpenOptions, Role, Scope, Store, open};

use crate::cluster::Cluster;

/// Layers, each after what it lies in.
const LAYERS: [&str; 8] =
    ["regions", "buildings", "households", "barriers", "old_nets", "centres", "officers", "incidents"];
const FORMATS: [(Format, &str); 8] = [
    (Format::GeoJson, "geojson"),
    (Format::GeoJsonSeq, "geojsonl"),
    (Format::GeoPackage, "gpkg"),
    (Format::FlatGeobuf, "fgb"),
    (Format::Csv, "csv"),
    (Format::Xlsx, "xlsx"),
    (Format::Kml, "kml"),
    (Format::Shapefile, "zip"),
];

/// Divisions with holes, in parts, and without an outline; the second of two versions; points and footprints; lines and areas; empty cells
/// and full ones; texts that look like formulas, numbers, markup, and nothing.
const FILES: [(&str, &str, &str); 10] = [
    (
        "regions",
        "upper.csv",
        "区划编码,名称,上级,启用日期,停用日期\n520423000000,镇宁县,,2020-01-01,\n520423102,示范镇,520423,,2031-12-31\n",
    ),
    (
        "regions",
        "r.geojson",
        r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"code":"520423102001","name":"甲村","parent":"520423102","valid_from":"2020-01-01"},
         "geometry":{"type":"Polygon","coordinates":[[[105.6,26.0],[105.7,26.0],[105.7,26.1],[105.6,26.1],[105.6,26.0]],
          [[105.65,26.05],[105.65,26.06],[105.66,26.06],[105.66,26.05],[105.65,26.05]]]}},
        {"type":"Feature","properties":{"code":"520423102002","name":"乙村","valid_to":"2030-12-31"},
         "geometry":{"type":"MultiPolygon","coordinates":[[[[105.7,26.0],[105.8,26.0],[105.8,26.1],[105.7,26.1],[105.7,26.0]]],
          [[[105.65,26.05],[105.66,26.05],[105.66,26.06],[105.65,26.06],[105.65,26.05]]]]}}]}"#,
    ),
    (
        "buildings",
        "b1.csv",
        "楼栋编号,所属村,名称,经度,纬度\nb1,520423102001,旧名,105.6,26.0\n007,520423102002,001,105.75,26.05\n",
    ),
    (
        "buildings",
        "b2.geojson",
        r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"id":"b1","village":"520423102001","name":"一号楼, \"东\"\n'附'","kind":"<b>&amp;</b>","households":3,
          "stairwells":"1、2","valid_from":"2021-05-03"},"geometry":{"type":"Point","coordinates":[105.612345678,26.012345679]}},
        {"type":"Feature","properties":{"id":"b2","village":"520423102001","name":"=1+1","kind":"'=2","dedicated":"小学","valid_to":"2030-01-01"},
         "geometry":{"type":"Polygon","coordinates":[[[105.62,26.02],[105.621,26.02],[105.621,26.021],[105.62,26.021],[105.62,26.02]],
          [[105.6202,26.0202],[105.6202,26.0204],[105.6204,26.0204],[105.6202,26.0202]]]}},
        {"type":"Feature","properties":{"id":"b3","village":"520423102001","name":"NULL","kind":"1e5","dedicated":"😀𠀀","households":0},
         "geometry":{"type":"Point","coordinates":[105.6,26.05]}}]}"#,
    ),
    (
        "households",
        "h.csv",
        "户号,村,楼栋,单元,楼层,自然寨,村民小组,人口,居住性质,候选,启用日期,停用日期,经度,纬度\n\
         h1,520423102001,b1,1,-1,大寨 & 小寨,一组,0,自有,是,2021-05-03,,105.612345678,26.012345679\n\
         h2,520423102001,b1,2,12,\"寨,\"\"东\"\"\",,4,租住,否,,2031-01-01,105.612345678,26.012345679\n\
         +3,520423102001,b1,,,-2+3,true,,空置,,,,105.612345678,26.012345679\n\
         h4,520423102002,,,,,,,,,,,105.75,26.051\n",
    ),
    (
        "barriers",
        "s.geojson",
        r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"id":"r1","region":"520423","kind":"river","hard":true,"name":"打邦河","valid_from":"2020-01-01"},
         "geometry":{"type":"LineString","coordinates":[[105.6,26.03],[105.65,26.031],[105.7,26.03]]}},
        {"type":"Feature","properties":{"id":"l1","region":"520423102001","kind":"lake","hard":false,"valid_to":"2030-01-01"},
         "geometry":{"type":"Polygon","coordinates":[[[105.63,26.07],[105.64,26.07],[105.64,26.08],[105.63,26.07]]]}}]}"#,
    ),
    (
        "old_nets",
        "o.geojson",
        r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"id":"p1","net":"公安","region":"520423102001","name":"一警格","valid_from":"2019-01-01","valid_to":"2029-01-01"},
         "geometry":{"type":"Polygon","coordinates":[[[105.6,26.0],[105.65,26.0],[105.65,26.05],[105.6,26.05],[105.6,26.0]]]}},
        {"type":"Feature","properties":{"id":"p2","net":"城管","region":"520423"},
         "geometry":{"type":"MultiPolygon","coordinates":[[[[105.7,26.0],[105.71,26.0],[105.71,26.01],[105.7,26.0]]],
          [[[105.72,26.0],[105.73,26.0],[105.73,26.01],[105.72,26.0]]]]}}]}"#,
    ),
    (
        "centres",
        "c.csv",
        "中心编号,所属区划,级别,名称,地址,值班时间,启用日期,停用日期,经度,纬度\n\
         c1,520423,县,县综治中心,\"迎宾路1号, 二楼\",08:00–18:00,2022-03-01,,105.64,26.04\n\
         c2,520423102,乡镇,镇综治中心,,,,2030-01-01,,\n",
    ),
    (
        "officers",
        "f.csv",
        "人员编号,所属编码,职务,姓名,电话,户号,选举日期,启用日期,停用日期\n\
         o1,520423102001001,网格长,张三,13800138017,,2024-03-05,2024-03-05,\n\
         o2,520423102001001001,联户长,,,h1,,,2030-01-01\n",
    ),
    (
        "incidents",
        "i.csv",
        "事件编号,所属村,网格编码,类别,纠纷类型,层级,状态,发生时间,办理时限,摘要,经度,纬度\n\
         i1,520423102001,520423102001001,矛盾劝解,邻里,村,办理中,2026-03-01 08:15:30.250,2026-03-08T08:00:00+08:00,\"=漏水, \"\"甲\"\"\",105.61,26.01\n\
         i2,520423102002,,治安防控,,,,2026-03-02,,,,\n",
    ),
];

fn sealer() -> Sealer {
    Sealer::from_hex(&"5a".repeat(32)).expect("a key")
}

fn everything() -> Scope {
    Scope::whole_store(Role::Admin)
}

async fn bring(store: &dyn Store, layer: &str, file: &Path) -> ImportOutcome {
    let schema = LayerSchema::named(layer).expect("a layer");
    let files = [file.display().to_string()];
    let wish = ImportWish {
        schema,
        files: &files,
        open: FileOptions::default(),
        overrides: &[],
        region: None,
        expect: Expect::Either,
        compared: None,
        dry_run: false,
        partial: false,
        faults_kept: 10,
        idempotency: None,
        reason: None,
        sealer: Some(Arc::new(sealer())),
        cancel: None,
        progress: &|_, _| {},
    };
    let outcome = import_files(store, &everything(), "t", &wish).await;
    let outcome = outcome.unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    assert!(outcome.faults.is_empty(), "{}: {:?}", file.display(), outcome.faults.faults);
    outcome
}

async fn hand_out(store: &dyn Store, layer: &str, format: Format, file: &Path) -> Written {
    let sealer = sealer();
    let wish = ExportWish {
        layer,
        format,
        filter: Filter::default(),
        plan: None,
        names_for: (layer == "officers").then_some("值班表"),
        sealer: Some(&sealer),
        personal: true,
        progress: &|_| true,
        options: WriteOptions::default(),
    };
    let written = export_layer(store, &everything(), "t", &wish, file).await;
    written.unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

async fn opened(url: &str) -> Arc<dyn Store> {
    open(url, OpenOptions::new(OpenMode::Create)).await.unwrap_or_else(|e| panic!("{url}: {e}"))
}

fn sqlite(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A store with something in every layer.
async fn filled(folder: &Path) -> Arc<dyn Store> {
    let store = opened(&sqlite(&folder.join("register.gpkg"))).await;
    for (layer, name, text) in FILES {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        bring(store.as_ref(), layer, &path).await;
    }
    store
}

/// Rows of an import: new, changed, and as they were.
fn tally(outcome: &ImportOutcome) -> (u64, u64, u64) {
    let (_, report) = outcome.stored.last().expect("a report");
    assert!(report.conflicts.is_empty(), "{:?}", report.conflicts);
    (report.inserted, report.updated, report.unchanged)
}

/// Every format of every layer into an empty store and out again.
async fn comes_back_the_same(folder: &Path, source: &dyn Store, format: Format, ending: &str, empty: &str) {
    let other = opened(empty).await;
    for layer in LAYERS {
        let at = |n: u8| -> PathBuf { folder.join(format!("{layer}{n}.{ending}")) };
        let written = hand_out(source, layer, format, &at(1)).await;
        assert_eq!((written.cut_texts, written.lost_geometries), (0, 0), "{layer} {ending}");
        let brought = tally(&bring(other.as_ref(), layer, &at(1)).await);
        assert_eq!(brought, (written.rows, 0, 0), "{layer} {ending}");
        assert!(written.rows >= 2, "{layer} {ending}: {}", written.rows);
        let again = hand_out(other.as_ref(), layer, format, &at(2)).await;
        assert_eq!(again, written, "{layer} {ending}");
        assert!(bytes(&at(1)) == bytes(&at(2)), "{layer} {ending} came back otherwise");
        // nothing was lost that both files lack: the canonical form of the two stores
        let canonical = |n: u8| folder.join(format!("{layer}{n}.canonical"));
        hand_out(source, layer, Format::GeoJsonSeq, &canonical(1)).await;
        hand_out(other.as_ref(), layer, Format::GeoJsonSeq, &canonical(2)).await;
        assert_eq!(
            String::from_utf8_lossy(&bytes(&canonical(2))),
            String::from_utf8_lossy(&bytes(&canonical(1))),
            "{layer} {ending}"
        );
    }
    assert_eq!(other.check(&everything()).await.expect("check"), [], "{ending}");
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_layer_comes_back_byte_for_byte_from_an_empty_file_in_every_format() {
    let dir = tempfile::tempdir().expect("folder");
    let source = filled(dir.path()).await;
    // stores are made once and copied
    let empty = dir.path().join("empty.gpkg");
    opened(&sqlite(&empty)).await.close().await;
    for (format, ending) in FORMATS {
        let path = dir.path().join(format!("other-{ending}.gpkg"));
        std::fs::copy(&empty, &path).expect("a copy");
        comes_back_the_same(dir.path(), source.as_ref(), format, ending, &sqlite(&path)).await;
    }
    source.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_layer_comes_back_byte_for_byte_from_an_empty_database_in_every_format() {
    let dir = tempfile::tempdir().expect("folder");
    let source = filled(dir.path()).await;
    let cluster = Cluster::get();
    let empty = cluster.database();
    opened(&cluster.url(&empty)).await.close().await;
    for (format, ending) in FORMATS {
        let name = format!("other_{ending}");
        cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {empty}"));
        comes_back_the_same(dir.path(), source.as_ref(), format, ending, &cluster.url(&name)).await;
    }
    source.close().await;
}

/// What formats cannot carry, and what is said of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losses_of_formats_are_named() {
    let dir = tempfile::tempdir().expect("folder");
    let at = dir.path();
    let source = filled(at).await;
    // Shapefile: names of ten letters, which come back as the fields they were
    let renamed = async |layer: &str| {
        let written = hand_out(source.as_ref(), layer, Format::Shapefile, &at.join("x.zip")).await;
        written.renamed.into_iter().map(|(ours, _)| ours).collect::<Vec<_>>()
    };
    for layer in LAYERS {
        let wanted: &[&str] = if layer == "incidents" { &["occurred_at", "row_version"] } else { &["row_version"] };
        assert_eq!(renamed(layer).await, wanted, "{layer}");
    }
    // texts of 254 bytes, counted where they are cut
    let long = "长".repeat(100);
    let (text, ctrl) = (at.join("long.csv"), at.join("ctrl.geojson"));
    std::fs::write(&text, format!("楼栋编号,所属村,名称,经度,纬度\nb1,520423102001,{long},105.61,26.01\n"))
        .expect("a file");
    bring(source.as_ref(), "buildings", &text).await;
    let written = hand_out(source.as_ref(), "buildings", Format::Shapefile, &at.join("x.zip")).await;
    assert_eq!((written.rows, written.cut_texts), (5, 1));
    // KML, being XML 1.0, has no control characters but tab and line ends
    let feature = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"b3","village":"520423102001","name":"a\u0001b\tc"},
        "geometry":{"type":"Point","coordinates":[105.6,26.05]}}]}"#;
    std::fs::write(&ctrl, feature).expect("a file");
    bring(source.as_ref(), "buildings", &ctrl).await;
    let other = opened(&sqlite(&at.join("other.gpkg"))).await;
    for (layer, format, file) in [
        ("regions", Format::GeoJson, "r.geojson"),
        ("buildings", Format::Kml, "b.kml"),
        ("buildings", Format::Csv, "b.csv"),
    ] {
        hand_out(source.as_ref(), layer, format, &at.join(file)).await;
        bring(other.as_ref(), layer, &at.join(file)).await;
        if file == "b.kml" {
            hand_out(other.as_ref(), layer, Format::Csv, &at.join("of-kml.csv")).await;
        }
    }
    let text = |file: &str| String::from_utf8(bytes(&at.join(file))).expect("text");
    assert_eq!(text("of-kml.csv"), text("b.csv").replace('\u{1}', ""));
    assert!(text("b.csv").contains("a\u{1}b\tc"));
    // GeoParquet is written and not read
    hand_out(source.as_ref(), "buildings", Format::GeoParquet, &at.join("b.parquet")).await;
    let refused = lianhu::exchange::open(&at.join("b.parquet").display().to_string(), &FileOptions::default());
    let refused = refused.map(drop).expect_err("not read").to_string();
    assert!(refused.contains("unknown_format"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_brought_back_changes_nothing_however_fine_its_coordinates_are() {
    let dir = tempfile::tempdir().expect("folder");
    let source = filled(dir.path()).await;
    // more decimals than files carry, and a ring that runs with the clock
    let fine = [
        (
            "buildings",
            r#""id":"b1","village":"520423102001""#,
            r#""Point","coordinates":[105.612345678912345,26.012345679123456]"#,
        ),
        (
            "old_nets",
            r#""id":"p3","net":"旅游","region":"520423""#,
            r#""Polygon","coordinates":[[[105.70000000012345,26.0],[105.71,26.01],[105.71,26.0],[105.70000000012345,26.0]]]"#,
        ),
    ];
    for (layer, properties, shape) in fine {
        let path = dir.path().join(format!("fine-{layer}.geojson"));
        let text = format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{{properties}}},"geometry":{{"type":{shape}}}}}]}}"#
        );
        std::fs::write(&path, text).expect("a file");
        let (inserted, updated, _) = tally(&bring(source.as_ref(), layer, &path).await);
        assert_eq!(inserted + updated, 1, "{layer}");
    }
    for (format, ending) in FORMATS {
        for layer in LAYERS {
            let path = dir.path().join(format!("{layer}.{ending}"));
            let written = hand_out(source.as_ref(), layer, format, &path).await;
            let back = tally(&bring(source.as_ref(), layer, &path).await);
            assert_eq!(back, (0, 0, written.rows), "{layer} {ending}");
        }
    }
}

/// A list without places says nothing of places: the outlines there are stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn list_without_places_leaves_the_places_there_are() {
    let dir = tempfile::tempdir().expect("folder");
    let source = filled(dir.path()).await;
    let (list, outline) = (dir.path().join("list.csv"), dir.path().join("outline.geojson"));
    let county = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"520423","name":"镇宁县"},
        "geometry":{"type":"Polygon","coordinates":[[[105.5,25.9],[105.9,25.9],[105.9,26.2],[105.5,25.9]]]}}]}"#;
    std::fs::write(&outline, county).expect("a file");
    assert_eq!(tally(&bring(source.as_ref(), "regions", &outline).await), (0, 1, 0));
    std::fs::write(&list, "编码,名称\n520423,镇宁自治县\n520423102,示范镇\n").expect("a file");
    assert_eq!(tally(&bring(source.as_ref(), "regions", &list).await), (0, 1, 1));
    std::fs::write(&list, "中心编号,所属区划,名称\nc1,520423,综治中心\n").expect("a file");
    assert_eq!(tally(&bring(source.as_ref(), "centres", &list).await), (0, 1, 0));
    let text = async |layer: &str| {
        let path = dir.path().join("now.geojsonl");
        hand_out(source.as_ref(), layer, Format::GeoJsonSeq, &path).await;
        String::from_utf8(bytes(&path)).expect("text")
    };
    let line = |text: &str, id: &str| text.lines().find(|l| l.contains(id)).map(str::to_owned).expect("a line");
    let county = line(&text("regions").await, "镇宁自治县");
    assert!(county.contains("[105.9,26.2]"), "{county}");
    let centre = line(&text("centres").await, "\"c1\"");
    assert!(centre.contains("[105.64,26.04]") && !centre.contains("县综治中心"), "{centre}");
}

/// What a GIS saves of the store's own tables: GDAL's drivers, which QGIS saves with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_the_store_saved_by_gdal_change_nothing_when_they_come_back() {
    let there = std::process::Command::new("ogr2ogr").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("SKIPPED: GDAL's ogr2ogr is not installed; nothing was checked against GDAL");
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let source = filled(dir.path()).await;
    let store = dir.path().join("register.gpkg");
    for (driver, ending, more) in [
        ("GPKG", "gpkg", &[][..]),
        ("GeoJSON", "geojson", &["-lco", "COORDINATE_PRECISION=9"]),
        ("LIBKML", "kml", &[]),
        ("KML", "kml", &[]),
        ("FlatGeobuf", "fgb", &[]),
        ("ESRI Shapefile", "shz", &["-lco", "ENCODING=UTF-8"]),
        ("ESRI Shapefile", "shz", &["-lco", "ENCODING=GBK"]),
    ] {
        for layer in ["regions", "buildings", "households", "centres"] {
            // points and areas in one layer are more than a Shapefile of GDAL's holds
            if ending == "shz" && layer == "buildings" {
                continue;
            }
            let mut theirs = dir.path().join(format!("theirs.{ending}"));
            let _ = std::fs::remove_file(&theirs);
            let mut command = std::process::Command::new("ogr2ogr");
            command.args(["-f", driver]).args(more).arg(&theirs).arg(&store).arg(layer);
            let out = command.output().expect("ogr2ogr");
            assert!(out.status.success(), "{driver} {layer}: {}", String::from_utf8_lossy(&out.stderr));
            if ending == "shz" {
                let zip = dir.path().join("theirs.zip");
                std::fs::rename(&theirs, &zip).expect("renamed");
                theirs = zip;
            }
            let (inserted, updated, unchanged) = tally(&bring(source.as_ref(), layer, &theirs).await);
            assert_eq!((inserted, updated), (0, 0), "{driver} {more:?} {layer}");
            let rows =
                hand_out(source.as_ref(), layer, Format::GeoJsonSeq, &dir.path().join("now.geojsonl")).await.rows;
            // rows without a place are left out of a FlatGeobuf by GDAL
            assert!(
                unchanged == rows || (driver == "FlatGeobuf" && unchanged > 0),
                "{driver} {layer}: {unchanged} of {rows}"
            );
        }
    }
}
