//! What another program does to the file of a store that is closed: seen, then accepted or taken back, one or thousands.

use lianhu::store::{Filter, ForeignChoice, Layer, RegisterRow, Store, StoreError};

use crate::geopackage::{filled, ogr_sql, validated};
use crate::ground::{Place, VILLAGE, admin, bring, building};
use crate::register::one_of_each;

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
    let edits = store.foreign_edits(&admin(), 0, 100).await.expect("edits");
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
    assert_eq!(store.foreign_edits(&admin(), 0, 100).await, Ok(Vec::new()));
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
    assert_eq!(store.foreign_edits(&admin(), 0, 100).await.expect("edits").len(), 3);
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
    assert_eq!(store.foreign_edits(&admin(), 0, 100).await.expect("edits").len(), 1, "nothing was settled");
    assert_eq!(store.settle_foreign(&admin(), "t", &all, false).await, Ok(1));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

/// Buildings as they are, but for their versions.
async fn buildings_of(store: &dyn Store) -> Vec<RegisterRow> {
    let filter = Filter { limit: Some(10_000), ..Filter::default() };
    let mut rows = store.list(&admin(), Layer::Buildings, &filter).await.expect("rows").rows;
    for row in &mut rows {
        if let RegisterRow::Buildings(b) = row {
            b.row_version = 1;
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_edits_elsewhere_are_told_by_pages_and_settled_together() {
    let place = Place::sqlite();
    let store = place.open().await;
    let rows = (0..4_000).map(|i| building(&format!("b{i}"), VILLAGE, 105.6 + f64::from(i) * 1e-6, 25.9)).collect();
    bring(store.as_ref(), rows).await.expect("import");
    let before = buildings_of(store.as_ref()).await;
    store.close().await;
    drop(store);
    let edit = || {
        for sql in [
            "UPDATE buildings SET name = 'x' || name, geom = (SELECT geom FROM buildings WHERE id = 'b9') WHERE fid % 2 = 0",
            "DELETE FROM buildings WHERE fid % 4 = 0",
            "INSERT INTO buildings (id, village, stairwells, geom) SELECT 'new-' || id, village, '[]', geom FROM buildings WHERE fid % 8 = 1",
            "DELETE FROM buildings WHERE id = 'new-b0'",
            // two that change names with each other
            "UPDATE buildings SET id = 'between' WHERE id = 'b1'",
            "UPDATE buildings SET id = 'b1' WHERE id = 'b2'",
            "UPDATE buildings SET id = 'b2' WHERE id = 'between'",
        ] {
            ogr_sql(&place.file(), sql).expect("buildings may be edited");
        }
    };
    edit();
    let store = place.open().await;
    let (wanted, mut listed) = (2_000 + 1_000 + 500 + 1 + 3, Vec::new());
    assert_eq!(store.count_foreign_edits(&admin()).await, Ok(wanted));
    loop {
        let last = listed.last().copied().unwrap_or(0);
        let page = store.foreign_edits(&admin(), last, 1_000).await.expect("edits");
        if page.is_empty() {
            break;
        }
        listed.extend(page.iter().map(|e| e.seq));
    }
    assert!(listed.len() as u64 == wanted && listed.windows(2).all(|w| w[0] < w[1]), "{}", listed.len());
    let too_many = store.foreign_edits(&admin(), 0, 10_001).await;
    assert!(matches!(too_many, Err(StoreError::BadArgument { name: "limit", .. })), "{too_many:?}");
    let all = ForeignChoice::default();
    assert_eq!(store.settle_foreign(&admin(), "t", &all, false).await, Ok(wanted));
    assert!(buildings_of(store.as_ref()).await == before, "taken back whole");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    store.close().await;
    drop(store);
    edit();
    let store = place.open().await;
    assert_eq!(store.settle_foreign(&admin(), "t", &all, true).await, Ok(wanted));
    assert_eq!(store.count_foreign_edits(&admin()).await, Ok(0));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    let now = buildings_of(store.as_ref()).await;
    assert_eq!(now.len(), 4_000 - 1_000 + 499);
    let log = store.changes_of(&admin(), Layer::Buildings, "b5").await.expect("changes");
    let columns: Vec<&str> = log.iter().map(|c| c.column.as_str()).collect();
    assert_eq!(columns, ["name", "geom"], "what was taken back left no word of it");
    let renamed = store.changes_of(&admin(), Layer::Buildings, "b2").await.expect("changes");
    assert!(renamed.iter().any(|c| c.column == "id" && c.before == "b1" && c.after == "b2"), "{renamed:?}");
    let head = store.audit_head(&admin()).await.expect("head");
    let entry = store.audit(&admin(), head - 1, 1).await.expect("audit").pop().expect("an entry");
    assert_eq!(entry.operation, "foreign.accept");
    let after: serde_json::Value = serde_json::from_str(entry.after.as_deref().expect("what")).expect("JSON");
    assert_eq!(
        (&after["count"], &after["rows"]),
        (&serde_json::json!(3_504), &serde_json::json!({"buildings": 2_501}))
    );
    assert!(after["edits"].as_array().is_some_and(|named| (1..3_504).contains(&named.len())), "some of them by number");
}
