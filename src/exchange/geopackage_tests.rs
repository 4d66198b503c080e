//! What the import gate owes to GeoPackage, rule by rule, on files made here.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use super::*;

const HEADER: &str = "
    PRAGMA application_id = 0x47504B47; PRAGMA user_version = 10300;
    CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
        organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
    CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
        description TEXT DEFAULT '', last_change DATETIME, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER);
    CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
        srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL);
    INSERT INTO gpkg_spatial_ref_sys VALUES ('a', -1, 'NONE', -1, '', ''), ('b', 0, 'NONE', 0, '', ''),
        ('c', 4326, 'EPSG', 4326, '', ''), ('d', 4490, 'epsg', 4490, '', ''), ('e', 4523, 'EPSG', 4523, '', ''),
        ('f', 3857, 'EPSG', 3857, '', ''), ('g', 100001, 'EPSG', 4523, '', '');
";

/// Statements of a layer named `name` with the further columns `columns`.
fn layer(name: &str, srs: i64, columns: &str) -> String {
    let (quoted, text) = (name.replace('"', "\"\""), name.replace('\'', "''"));
    format!(
        "CREATE TABLE \"{quoted}\" (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom BLOB{columns});
         INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('{text}', 'features', '{text}', {srs});
         INSERT INTO gpkg_geometry_columns VALUES ('{text}', 'geom', 'GEOMETRY', {srs}, 0, 0);"
    )
}

fn literal(blob: &[u8]) -> String {
    format!("x'{}'", crate::domain::hex(blob))
}

fn blob(wkb: &[u8]) -> String {
    literal(&[b"GP\0\x01\0\0\0\0".as_slice(), wkb].concat())
}

fn positions(list: &[(f64, f64)]) -> Vec<u8> {
    let count = (list.len() as u32).to_le_bytes().to_vec();
    list.iter().fold(count, |b, (x, y)| [&b[..], &x.to_le_bytes(), &y.to_le_bytes()].concat())
}

fn point(x: f64, y: f64) -> String {
    blob(&[&[1, 1, 0, 0, 0][..], &positions(&[(x, y)])[4..]].concat())
}

fn line(list: &[(f64, f64)]) -> String {
    blob(&[&[1, 2, 0, 0, 0][..], &positions(list)].concat())
}

fn polygon(list: &[(f64, f64)]) -> String {
    blob(&[&[1, 3, 0, 0, 0, 1, 0, 0, 0][..], &positions(list)].concat())
}

/// Writes a GeoPackage out of statements and gives its path inside `folder`.
fn package(folder: &tempfile::TempDir, statements: &str) -> String {
    let path = folder.path().join("t.gpkg");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut db: SqliteConnection = options.connect().await.expect("database");
        db.execute(AssertSqlSafe(format!("{HEADER}{statements}"))).await.expect("statements");
        db.close().await.expect("closed");
    });
    path.to_str().expect("plain path").to_owned()
}

fn households(statements: &str, layer: Option<&str>) -> Result<Read<Households>, ReadError> {
    let folder = tempfile::tempdir().expect("folder");
    read_households(&package(&folder, statements), layer, &ReadOptions::default())
}

fn codes<T: std::fmt::Debug>(read: Result<Read<T>, ReadError>) -> Vec<(u64, &'static str)> {
    match read {
        Err(ReadError::Rows { faults, .. }) => faults.iter().map(|f| (f.line, f.code)).collect(),
        other => panic!("no row faults: {other:?}"),
    }
}

const SQUARE: &[(f64, f64)] = &[(105.0, 26.0), (105.01, 26.0), (105.01, 26.01), (105.0, 26.0)];

/// Two households, one of them a polygon, with values of every type in text columns.
fn two(srs: i64) -> String {
    format!(
        "{}INSERT INTO h VALUES (7, {}, 12, 3.0, '大寨', '139'), (9, {}, 'b', NULL, 4.5, NULL);",
        layer("h", srs, ", 户号 TEXT, 户数 REAL, hamlet, 电话 TEXT"),
        point(105.5, 26.5),
        polygon(SQUARE),
    )
}

#[test]
fn points_and_polygons_are_households_with_values_of_any_type() {
    let read = households(&two(4326), None).expect("readable");
    let t = read.value;
    assert_eq!((t.ids.as_slice(), t.households.as_slice()), (&["12".to_owned(), "b".to_owned()][..], &[3, 1][..]));
    assert_eq!(t.hamlet.expect("column").names, ["大寨", "4.5"]);
    assert_eq!(read.dropped_columns, ["电话"]);
    assert_eq!(t.building.get(1), Some("b"));
    assert!(!read.planar && read.sha256_hex.len() == 64);
}

#[test]
fn the_primary_key_stands_in_for_an_id_column() {
    let sql =
        layer("h", 4326, "") + &format!("INSERT INTO h VALUES (41, {}), (43, {});", point(105., 26.), point(105., 27.));
    assert_eq!(households(&sql, None).expect("readable").value.ids, ["41", "43"]);
}

#[test]
fn layers_are_named_by_flag_or_by_the_path_of_qgis_and_listed_otherwise() {
    let odd = "楼\" 栋'; DROP TABLE x";
    let sql = two(4326)
        + &layer(odd, 4326, ", id TEXT")
        + &format!("INSERT INTO \"{}\" VALUES (1, {}, 'z');", odd.replace('"', "\"\""), point(105., 26.));
    assert_eq!(households(&sql, Some(odd)).expect("named").value.ids, ["z"]);
    for asked in [None, Some("H"), Some("gpkg_contents"), Some("sqlite_master")] {
        match households(&sql, asked) {
            Err(ReadError::Layer { found, .. }) => assert_eq!(found, ["h", odd]),
            other => panic!("{other:?}"),
        }
    }
    let folder = tempfile::tempdir().expect("folder");
    let path = package(&folder, &sql);
    assert_eq!(
        read_households(&format!("{path}|layername=h"), None, &ReadOptions::default()).expect("read").value.len(),
        2
    );
}

#[test]
fn reference_systems_decide_degrees_metres_conversion_or_refusal() {
    for srs in [4326, 4490] {
        assert!(!households(&two(srs), None).expect("degrees").planar);
    }
    assert!(households(&two(-1), None).expect("metres").planar);
    let zone = |srs| layer("h", srs, "") + &format!("INSERT INTO h VALUES (1, {});", point(35_500_000.0, 2_876_700.0));
    for srs in [4523, 100_001] {
        let Positions::Geographic(p) = households(&zone(srs), None).expect("zone").value.positions else {
            panic!("degrees")
        };
        assert!((p[0].lon_deg - 105.0).abs() < 1e-9);
    }
    for srs in [3857, 0, 2000] {
        let e = households(&two(srs), None).expect_err("refused").to_string();
        assert!(e.contains("unknown_crs") && e.contains(&srs.to_string()), "{e}");
    }
    let folder = tempfile::tempdir().expect("folder");
    let path = package(&folder, &two(3857));
    let given = |c: [f64; 2]| c;
    let options = ReadOptions { to_wgs84: Some(&given), ..ReadOptions::default() };
    assert!(!read_households(&path, None, &options).expect("explicit").planar);
}

#[test]
fn barriers_and_regions_are_read() {
    let folder = tempfile::tempdir().expect("folder");
    let sql = layer("ways", 4326, ", waterway TEXT, 硬 BOOLEAN")
        + &format!("INSERT INTO ways VALUES (1, {}, 'river', 1);", line(&[(105., 26.), (105.1, 26.)]))
        + &layer("villages", 4326, ", code TEXT, name TEXT")
        + &format!("INSERT INTO villages VALUES (1, {0}, '520402100201', '甲村');", polygon(SQUARE))
        + &layer("numbers", 4326, ", code INTEGER, name TEXT")
        + &format!("INSERT INTO numbers VALUES (1, {0}, 520402100201, '乙村');", polygon(SQUARE));
    let path = package(&folder, &sql);
    let options = ReadOptions::default();
    let ways = read_barriers(&path, Some("ways"), &options).expect("barriers").value;
    assert_eq!((ways[0].kind.as_str(), ways[0].hard), ("river", true));
    let villages = read_regions(&path, Some("villages"), &options).expect("regions").value;
    assert_eq!(villages[0].code.as_deref(), Some("520402100201"));
    let e = read_regions(&path, Some("numbers"), &options).expect_err("number").to_string();
    assert!(e.contains("code_not_text") && e.contains("乙村"), "{e}");
    assert_eq!(read_boundary(&path, Some("villages"), &options).expect("boundary").value.len(), 1);
    let all = features(&path, Some("villages"), &options).expect("features").value;
    assert_eq!((all[0].number, all[0].id.as_deref(), all[0].properties.len()), (1, Some("1"), 2));
}

#[test]
fn wrong_blobs_and_null_geometries_name_their_feature() {
    let sql = layer("h", 4326, "")
        + &format!("INSERT INTO h VALUES (1, {}), (2, x'00'), (3, NULL), (4, 'text'), (5, x'4750');", point(105., 26.));
    let expected = [(2, "corrupt_file"), (3, "no_geometry"), (4, "corrupt_file"), (5, "corrupt_file")];
    assert_eq!(codes(households(&sql, None)), expected);
}

#[test]
fn views_and_other_files_are_refused_as_corrupt() {
    let endless = "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fid, x'00' AS geom FROM n;
        INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('v', 'features', 'v', 4326);
        INSERT INTO gpkg_geometry_columns VALUES ('v', 'geom', 'POINT', 4326, 0, 0);";
    assert!(matches!(households(endless, None), Err(ReadError::Corrupt { .. })));
    assert!(matches!(households("", None), Err(ReadError::Corrupt { .. })));
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("t.gpkg");
    for bytes in [&b""[..], b"SQLite format 3\0", b"id,x,y\n1,2,3\n"] {
        std::fs::write(&path, bytes).expect("writable");
        let read = read_households(path.to_str().expect("plain"), None, &ReadOptions::default());
        let e = read.expect_err("no package").to_string();
        assert!(e.contains("corrupt_file"), "{e}");
    }
}

#[test]
fn rows_beyond_one_page_come_once_each_and_in_order() {
    let sql = layer("h", -1, "")
        + "INSERT INTO h WITH RECURSIVE n(i) AS (SELECT -5 UNION ALL SELECT i + 1 FROM n WHERE i < 3500) SELECT i, "
        + &point(1.0, 2.0)
        + " FROM n;";
    let ids = households(&sql, None).expect("readable").value.ids;
    assert_eq!(ids, (-5..=3500).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[test]
fn reading_leaves_the_file_and_its_folder_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let path = package(&folder, &two(4326));
    let before = std::fs::read(&path).expect("bytes");
    read_households(&path, None, &ReadOptions::default()).expect("readable");
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1);
}

#[test]
fn names_that_are_not_utf8_are_an_error_only() {
    let folder = tempfile::tempdir().expect("folder");
    let path = package(&folder, &two(4326));
    let whole = std::fs::read(&path).expect("bytes");
    // The column names and types stand as text in the schema.
    for word in ["hamlet".as_bytes(), b"geom BLOB", b"fid INTEGER", b"REAL"] {
        let mut bytes = whole.clone();
        let at = bytes.windows(word.len()).position(|w| w == word).expect("schema text");
        bytes[at] = 0xFF;
        std::fs::write(&path, &bytes).expect("writable");
        let _ = read_households(&path, None, &ReadOptions::default());
    }
}

/// Damages a good file at many places; each answer must be a table or an error.
#[test]
fn cut_and_flipped_files_never_panic() {
    let folder = tempfile::tempdir().expect("folder");
    let path = package(&folder, &two(4326));
    let whole = std::fs::read(&path).expect("bytes");
    let options = ReadOptions::default();
    let mut refused = 0;
    let mut runner = proptest::test_runner::TestRunner::new(proptest::test_runner::Config {
        cases: 200,
        failure_persistence: None,
        ..Default::default()
    });
    let damage = (0..whole.len(), proptest::collection::vec((0..whole.len(), 0_u8..8), 0..40), 0..3_u8);
    let refused_of = std::cell::Cell::new(0);
    runner
        .run(&damage, |(cut, flips, how)| {
            let mut bytes = whole.clone();
            for (at, bit) in flips {
                bytes[at] ^= 1 << bit;
            }
            if how == 0 {
                bytes.truncate(cut);
            }
            std::fs::write(&path, &bytes).expect("writable");
            if read_households(&path, None, &options).is_err() {
                refused_of.set(refused_of.get() + 1);
            }
            let _ = features(&path, Some("h"), &options);
            Ok(())
        })
        .expect("no panic");
    refused += refused_of.get();
    assert!(refused > 0, "no damage was noticed");
}
