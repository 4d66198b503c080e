//! What only the file has to show: it is a GeoPackage at every moment, others edit it, damage in it is found, its disk may be full.

use std::path::Path;
use std::process::Command;

use lianhu::store::{Filter, Layer, OpenMode, Store, StoreError, TransactionRequest, open};
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
pub(crate) fn validated(file: &Path) {
    let script = "osgeo_utils.samples.validate_gpkg";
    let said = tool(Command::new("/usr/bin/python3").args(["-m", script]).arg(file));
    assert!(said.is_ok(), "{}", said.unwrap_or_else(|e| e));
}

pub(crate) fn ogr_sql(file: &Path, sql: &str) -> Result<String, String> {
    tool(Command::new("ogrinfo").arg(file).args(["-q", "-sql", sql]))
}

/// A store with something in every layer.
pub(crate) async fn filled(store: &dyn Store) {
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
