//! What only the file has to show: it is a GeoPackage at every moment, others edit it, damage in it is found, its disk may be full.

use std::path::Path;
use std::process::Command;

use lianhu::store::{Filter, ForeignChoice, Layer, OpenMode, RegisterRow, Store, StoreError, TransactionRequest, open};
use sqlx::Connection;

use crate::ground::{Numbers, Place, VILLAGE, admin, bring, building, moved, options, plan, settle, village_rows};
use crate::publication::{publication, publish};
use crate::register::one_of_each;

/// Runs a tool of GDAL and gives what it said.
fn tool(command: &mut Command) -> Result<String, String> {
    let out = command.output().unwrap_or_else(|e| {
        panic!("{command:?}: {e}: 请安装 gdal-bin 与 python3-gdal / install gdal-bin, python3-gdal")
    });
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    if out.status.success() && !said.contains("ERROR") { Ok(said) } else { Err(said) }
}

/// GDAL's own validator, from Debian's python3-gdal.
fn validated(file: &Path) {
    let script = "osgeo_utils.samples.validate_gpkg";
    let said = tool(Command::new("/usr/bin/python3").args(["-m", script]).arg(file));
    assert!(said.is_ok(), "{}", said.unwrap_or_else(|e| e));
}

fn ogr_sql(file: &Path, sql: &str) -> Result<String, String> {
    tool(Command::new("ogrinfo").arg(file).args(["-q", "-sql", sql]))
}

/// A store with something in every layer.
async fn filled(store: &dyn Store) {
    settle(store, 40).await;
    for row in one_of_each() {
        if !matches!(row.layer(), Layer::Buildings | Layer::Households) {
            bring(store, vec![row]).await.expect("import");
        }
    }
    let plan = plan(store).await;
    let derived = crate::publication::derived_of(&village_rows(VILLAGE, 2));
    store.set_derived(&admin(), &plan.id, 1, VILLAGE, &derived).await.expect("derived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_store_is_a_valid_geopackage_with_chinese_layers() {
    let place = Place::sqlite();
    let store = place.open().await;
    validated(&place.file());
    filled(store.as_ref()).await;
    validated(&place.file());
    let said = tool(Command::new("ogrinfo").args(["-ro", "-so", "-al"]).arg(place.file())).expect("ogrinfo");
    for (layer, name, features) in [
        ("regions", "行政区", 1),
        ("buildings", "楼栋", 40),
        ("households", "住户", 80),
        ("grids", "网格", 4),
        ("units", "十联户", 8),
        ("incidents", "事件", 1),
        ("leaders", "联户长", 1),
        ("barriers", "障碍", 1),
    ] {
        let part = said.split("Layer name: ").find(|p| p.starts_with(&format!("{layer}\n"))).expect(layer);
        assert!(part.contains(&format!("Feature Count: {features}\n")), "{part}");
        assert!(part.contains(&format!("IDENTIFIER={name}")) || said.contains(name), "{layer}: {part}");
        assert!(part.contains("EPSG\",4326"), "{part}");
    }
    assert!(!said.contains("Layer name: officers"), "officers are no layer");
    store.close().await;
    validated(&place.file());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edit_by_another_program_is_seen_settled_and_keeps_the_rtree() {
    let place = Place::sqlite();
    let store = place.open().await;
    filled(store.as_ref()).await;
    store.close().await;
    drop(store);
    let file = place.file();
    let move_it =
        "UPDATE buildings SET geom = (SELECT geom FROM buildings WHERE id = 'b30'), name = '新名' WHERE id = 'b1'";
    ogr_sql(&file, move_it).expect("buildings may be edited");
    ogr_sql(&file, "DELETE FROM barriers WHERE id = 'r1'").expect("barriers may be edited");
    for derived in [
        "UPDATE grids SET name = 'x'",
        "DELETE FROM units",
        "UPDATE households SET floor = 9",
        "UPDATE leaders SET role = 'x'",
        "DELETE FROM incidents",
        "UPDATE audit SET actor = 'x'",
        "INSERT INTO audit SELECT seq + 100, at, actor, scope, operation, subject, before, after, previous, hash FROM audit",
    ] {
        assert!(ogr_sql(&file, derived).is_err(), "{derived}");
    }
    validated(&file);
    let store = place.open().await;
    let edits = store.foreign_edits(&admin()).await.expect("edits");
    assert_eq!(edits.len(), 2);
    assert_eq!((edits[0].operation.as_str(), edits[0].moved, edits[0].id.as_deref()), ("update", true, Some("b1")));
    assert_eq!(edits[0].after.as_ref().and_then(|r| r["name"].as_str()), Some("新名"));
    let found = store.check(&admin()).await.expect("check");
    let foreign = |place: &str| found.iter().any(|f| f.kind == "foreign" && f.place.starts_with(place));
    assert!(foreign("buildings fid 2") && foreign("barriers fid 1 (r1)") && found.len() == 2, "{found:?}");
    let one = async |store: &dyn Store, layer, id: &str| {
        let filter = Filter { ids: Some(vec![id.to_owned()]), ..Filter::default() };
        store.list(&admin(), layer, &filter).await.expect("rows").rows.pop()
    };
    // whoever exported the row before is told
    let exported = building("b1", VILLAGE, 105.6, 25.9);
    let RegisterRow::Buildings(mut stale) = exported else { panic!() };
    stale.row_version = 1;
    let report = bring(store.as_ref(), vec![RegisterRow::Buildings(stale)]).await.expect("import");
    assert_eq!(report.conflicts.len(), 1);
    let of = |layer, id: &str| ForeignChoice { layer, ids: Some(vec![id.to_owned()]), up_to: None };
    let unknown = store.settle_foreign(&admin(), "t", &of(Some(Layer::Barriers), "b1"), true).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    assert_eq!(store.settle_foreign(&admin(), "t", &of(None, "b1"), true).await, Ok(1));
    let left: Vec<String> = store.check(&admin()).await.expect("check").into_iter().map(|f| f.place).collect();
    assert_eq!(left, ["barriers fid 1 (r1)"], "a deletion that nobody settled is a finding");
    let log = store.changes_of(&admin(), Layer::Buildings, "b1").await.expect("changes");
    let columns: Vec<&str> = log.iter().map(|c| c.column.as_str()).collect();
    assert_eq!(columns, ["*", "name", "geom"]);
    assert_eq!((&log[1].before, &log[1].after), (&"b1号楼".into(), &"新名".into()));
    assert!(log[1].actor == "t" && log[1].reason.as_deref().is_some_and(|r| r.contains("其他软件")), "{log:?}");
    let Some(RegisterRow::Buildings(b1)) = one(store.as_ref(), Layer::Buildings, "b1").await else { panic!() };
    assert_eq!((b1.name.as_deref(), b1.row_version), (Some("新名"), 2));
    assert_eq!(one(store.as_ref(), Layer::Barriers, "r1").await, None);
    let (none, all) = (ForeignChoice { up_to: Some(edits[0].seq), ..Default::default() }, ForeignChoice::default());
    assert_eq!(store.settle_foreign(&admin(), "t", &none, false).await, Ok(0));
    assert_eq!(store.settle_foreign(&admin(), "t", &all, false).await, Ok(1));
    let back = one(store.as_ref(), Layer::Barriers, "r1").await.expect("taken back");
    assert_eq!(
        Some(back),
        one_of_each().into_iter().find(|r| r.key() == "r1").map(|mut r| {
            if let RegisterRow::Barriers(b) = &mut r {
                b.row_version = 1;
            }
            r
        })
    );
    assert_eq!(store.foreign_edits(&admin()).await, Ok(Vec::new()));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_edit_of_all_columns_can_be_taken_back() {
    let place = Place::sqlite();
    let store = place.open().await;
    filled(store.as_ref()).await;
    let all = async |store: &dyn Store| store.list(&admin(), Layer::Buildings, &Filter::default()).await.expect("rows");
    let before = all(store.as_ref()).await;
    store.close().await;
    drop(store);
    let file = place.file();
    ogr_sql(&file, "UPDATE buildings SET name = NULL, kind = 'school', households = 3 WHERE id = 'b1'").expect("edit");
    ogr_sql(&file, "UPDATE buildings SET stairwells = '[]', id = 'renamed' WHERE id = 'b1'").expect("edit");
    ogr_sql(&file, "INSERT INTO buildings (id, village, stairwells, geom) SELECT 'added', village, '[]', geom FROM buildings WHERE id = 'b2'").expect("edit");
    let store = place.open().await;
    assert_eq!(store.foreign_edits(&admin()).await.expect("edits").len(), 3);
    let (seq, renamed) = (Some(1), Some(vec!["renamed".to_owned()]));
    let by_half = ForeignChoice { up_to: seq, ids: renamed.clone(), ..Default::default() };
    let refused = store.settle_foreign(&admin(), "t", &by_half, false).await;
    assert_eq!(refused, Ok(0), "the edit that gave it this name came later");
    let first = ForeignChoice { up_to: seq, ..Default::default() };
    let refused = store.settle_foreign(&admin(), "t", &first, false).await;
    assert!(matches!(refused, Err(StoreError::Constraint { .. })), "what came later was made on it: {refused:?}");
    let both = ForeignChoice { ids: renamed, ..Default::default() };
    assert_eq!(store.settle_foreign(&admin(), "t", &both, false).await, Ok(2), "all edits of a row go together");
    assert_eq!(store.settle_foreign(&admin(), "t", &ForeignChoice::default(), false).await, Ok(1));
    let mut after = all(store.as_ref()).await;
    for row in &mut after.rows {
        if let RegisterRow::Buildings(b) = row {
            b.row_version = 1;
        }
    }
    assert_eq!(after, before);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_building_with_households_can_only_be_taken_back() {
    let place = Place::sqlite();
    let store = place.open().await;
    filled(store.as_ref()).await;
    store.close().await;
    drop(store);
    ogr_sql(&place.file(), "DELETE FROM buildings WHERE id = 'b1'").expect("edit");
    let store = place.open().await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().all(|f| f.kind == "foreign"), "the households that lived there wait with it: {found:?}");
    let mut places: Vec<&str> = found.iter().map(|f| f.place.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["buildings fid 2 (b1)", "households h2", "households h3"]);
    let all = ForeignChoice::default();
    let refused = store.settle_foreign(&admin(), "t", &all, true).await;
    assert!(matches!(&refused, Err(StoreError::Constraint { id, .. }) if id == "b1"), "{refused:?}");
    assert_eq!(store.foreign_edits(&admin()).await.expect("edits").len(), 1, "nothing was settled");
    assert_eq!(store.settle_foreign(&admin(), "t", &all, false).await, Ok(1));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

/// Everything a reader can see of a store, but officers' names, whose sight is logged.
async fn dump(store: &dyn Store) -> Result<String, StoreError> {
    let mut all = String::new();
    for layer in Layer::ALL {
        let page = store.list(&admin(), *layer, &Filter::default()).await?;
        for row in &page.rows {
            if *layer == Layer::Households {
                all.push_str(&format!("{:?}", store.where_was(&admin(), row.key(), "2025-02-28").await?));
            }
            all.push_str(&format!("{:?}", store.changes_of(&admin(), *layer, row.key()).await?));
        }
        all.push_str(&format!("{page:?}\n"));
    }
    for plan in store.list_plans(&admin(), &lianhu::store::PlanFilter::default()).await? {
        let villages = store.plan_villages(&admin(), &plan.id).await?;
        all.push_str(&format!("{:?}", store.grid_versions(&admin(), &plan.id).await?));
        all.push_str(&format!("{:?}", store.plan_rows(&admin(), &plan.id, &villages).await?));
        all.push_str(&format!("{:?}", store.derived(&admin(), &plan.id, VILLAGE).await?));
    }
    all.push_str(&format!("{:?}", store.audit(&admin(), 0, 10_000).await?));
    Ok(all)
}

/// Officers as they stand in a file: seeing them by way of the store would be logged.
async fn place_names(file: &Path) -> Vec<(String, Option<String>, Option<Vec<u8>>)> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("a connection");
    let rows = sqlx::query_as("SELECT id, name, phone_sealed FROM officers ORDER BY id");
    rows.fetch_all(&mut connection).await.expect("officers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flipped_bit_is_found_or_was_in_no_data() {
    let place = Place::sqlite();
    let store = place.open().await;
    filled(store.as_ref()).await;
    // where-was and the logs of cells have something to tell
    let plan = store.list_plans(&admin(), &lianhu::store::PlanFilter::default()).await.expect("plans").remove(0);
    let request = crate::ground::request(&plan, plan.version, VILLAGE);
    publish(store.as_ref(), &publication(&plan, None, "2025-02-01")).await.expect("published");
    let unit = format!("{VILLAGE}001002");
    for n in 0..4_u64 {
        if n < 2 {
            let request = TransactionRequest { base_version: plan.version + 1 + n, ..request.clone() };
            let household = format!("h{}", 6 + n);
            let edit =
                store.transact(&admin(), &request, &mut |_, rows| Ok(moved(rows, &household, &unit).into())).await;
            edit.expect("moved");
        }
        bring(store.as_ref(), vec![building(&format!("b{n}"), VILLAGE, 105.7 + n as f64 * 1e-4, 25.98)])
            .await
            .expect("import");
    }
    let names = place_names(&place.file()).await;
    let whole = dump(store.as_ref()).await.expect("dump");
    store.close().await;
    drop(store);
    let bytes = std::fs::read(place.file()).expect("the file");
    let damaged = place.folder.path().join("damaged.gpkg");
    let url = format!("sqlite:{}", damaged.display());
    let mut numbers = Numbers(3);
    let needle = "40号楼".replace("40", "b17");
    let in_text = bytes.windows(needle.len()).position(|w| w == needle.as_bytes()).expect("the building's name");
    let (mut found_by_check, mut harmless) = (0, 0);
    for round in 0..50 {
        let at = if round == 0 { in_text } else { numbers.below(bytes.len()) };
        let mut copy = bytes.clone();
        copy[at] ^= 1 << numbers.below(8);
        std::fs::write(&damaged, copy).expect("a damaged copy");
        let Ok(store) = open(&url, options(OpenMode::ReadOnly)).await else { continue };
        match store.check(&admin()).await {
            Ok(found) if found.is_empty() => {
                assert_eq!(dump(store.as_ref()).await.as_ref(), Ok(&whole), "byte {at} changed what is read");
                assert_eq!(place_names(&damaged).await, names, "byte {at} changed an officer");
                harmless += 1;
            }
            Ok(found) => {
                found_by_check += 1;
                if round == 0 {
                    assert!(found.iter().any(|f| f.place.contains("buildings fid 18")), "{found:?}");
                }
            }
            Err(StoreError::Corrupt { .. }) => found_by_check += 1,
            Err(e) => panic!("byte {at}: {e:?}"),
        }
        store.close().await;
    }
    assert!(found_by_check > 0 && harmless < 50, "{found_by_check} found, {harmless} in unused bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_damage_is_named_with_its_place() {
    let whole = Place::sqlite();
    let store = whole.open().await;
    filled(store.as_ref()).await;
    store.close().await;
    drop(store);
    for (kind, at, damage) in [
        ("header", "application_id, user_version", "PRAGMA user_version = 10200"),
        ("constraint", "store_writer", "UPDATE store_writer SET active = 1"),
        ("rtree", "buildings fid 1", "DELETE FROM rtree_buildings_geom WHERE id = 1"),
        ("rtree", "households fid 9001", "INSERT INTO rtree_households_geom VALUES (9001, 1, 2, 1, 2)"),
        ("schema", "buildings_village", "DROP INDEX buildings_village"),
        ("schema", "audit_refuse_update", "DROP TRIGGER audit_refuse_update"),
        (
            "geometry",
            "barriers fid 1",
            // a stranger's connection lacks the functions these triggers name
            "UPDATE store_writer SET active = 2;
             DROP TRIGGER rtree_barriers_geom_update1; DROP TRIGGER rtree_barriers_geom_update2;
             DROP TRIGGER rtree_barriers_geom_update3; DROP TRIGGER rtree_barriers_geom_update4;
             UPDATE barriers SET geom = x'4750' WHERE fid = 1;
             UPDATE store_writer SET active = 0",
        ),
        ("row", "officers fid 1 (o1)", "UPDATE officers SET name = '别人' WHERE fid = 1"),
        (
            "reference",
            "incident_transitions ",
            "UPDATE store_writer SET active = 2; DELETE FROM incidents; UPDATE store_writer SET active = 0",
        ),
    ] {
        let place = Place::sqlite();
        std::fs::copy(whole.file(), place.file()).expect("a copy");
        place.raw(damage).await.expect(damage);
        let store = place.try_open(OpenMode::ReadOnly).await.expect("it opens");
        let found = store.check(&admin()).await.expect("check");
        let named = |f: &lianhu::store::Finding| f.kind == kind && f.place.starts_with(at);
        assert!(found.iter().any(named), "{damage}: {found:?}");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i38_file_that_is_no_store_is_refused() {
    let place = Place::sqlite();
    std::fs::write(place.file(), b"PK\x03\x04 not a database, but long enough to look at").expect("a file");
    let garbage = place.try_open(OpenMode::Create).await.err();
    assert!(matches!(garbage, Some(StoreError::Corrupt { .. })), "{garbage:?}");
    std::fs::remove_file(place.file()).expect("removed");
    // a GeoPackage of somebody else's
    let source = place.folder.path().join("a.csv");
    std::fs::write(&source, "id,x,y\n1,105,26\n").expect("a file");
    tool(Command::new("ogr2ogr").args(["-f", "GPKG"]).arg(place.file()).arg(&source)).expect("ogr2ogr");
    let before = std::fs::read(place.file()).expect("the file");
    let foreign = place.try_open(OpenMode::Create).await.err();
    assert!(matches!(foreign, Some(StoreError::BadArgument { name: "store", .. })), "{foreign:?}");
    assert_eq!(std::fs::read(place.file()).expect("the file"), before);
    // a store cut in the middle
    std::fs::remove_file(place.file()).expect("removed");
    let store = place.open().await;
    filled(store.as_ref()).await;
    store.close().await;
    drop(store);
    let bytes = std::fs::read(place.file()).expect("the file");
    std::fs::write(place.file(), &bytes[..bytes.len() / 2]).expect("cut");
    match place.try_open(OpenMode::ReadOnly).await {
        Err(e) => assert!(matches!(e, StoreError::Corrupt { .. }), "{e:?}"),
        Ok(store) => assert!(store.check(&admin()).await.map_or(true, |found| !found.is_empty())),
    }
}

/// A small disk of its own, where we may mount one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).ok()?;
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(at).output().ok()?;
        done.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_full_disk_is_said_reads_go_on_and_writing_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk")) else {
        eprintln!("跳过：不能挂载 tmpfs / SKIPPED: no right to mount a tmpfs");
        return;
    };
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![1; 2 << 20]).expect("ballast");
    let url = format!("sqlite:{}", disk.0.join("register.gpkg").display());
    let store = open(&url, options(OpenMode::Create)).await.expect("the store");
    let rows = |n: usize| (0..200).map(|i| building(&format!("b{n}-{i}"), VILLAGE, 105.6, 25.9)).collect::<Vec<_>>();
    let mut stored = 0;
    let error = loop {
        match bring(store.as_ref(), rows(stored)).await {
            Ok(_) => stored += 1,
            Err(e) => break e,
        }
        assert!(stored < 10_000, "the disk never fills");
    };
    assert_eq!(error, StoreError::Full);
    let count = async || store.count(&admin(), Layer::Buildings, &Filter::default()).await;
    assert_eq!(count().await, Ok(stored as u64 * 200));
    std::fs::remove_file(&ballast).expect("space");
    assert_eq!(bring(store.as_ref(), rows(stored)).await.expect("import").inserted, 200);
    assert_eq!(count().await, Ok((stored as u64 + 1) * 200));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    store.close().await;
    drop(store);
}
