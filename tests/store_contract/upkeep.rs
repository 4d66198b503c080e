//! What keeps a store in order: log, purge, backup, versions, check.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lianhu::domain::register::OfficerRow;
use lianhu::store::{
    Filter, Idempotency, ImportRequest, Layer, OpenMode, RegisterRow, Retention, Store, StoreError, TransactError,
    copy_into, open,
};
use sqlx::{AssertSqlSafe, Connection};

use crate::ground::{
    NEIGHBOUR, Place, VILLAGE, admin, bring, building, household, options, plan, renamed, request, settle,
};

impl Place {
    /// Runs statements past the program, as a stranger would.
    pub(crate) async fn raw(&self, sql: &str) -> Result<(), String> {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.database.is_some() {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("a connection");
            let done = sqlx::raw_sql(sql).execute(&mut connection).await;
            return done.map(drop).map_err(|e| e.to_string());
        }
        let url = format!("sqlite:{}", self.file().display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("a connection");
        let done = sqlx::raw_sql(sql).execute(&mut connection).await;
        done.map(drop).map_err(|e| e.to_string())
    }

    /// Statements on the tables, between what passes the guards and what puts them back.
    pub(crate) async fn past_the_guards(&self, sql: &str) {
        let all = if self.database.is_some() {
            format!("SET search_path = lianhu, public; SET lianhu.purge = 'on'; {sql}")
        } else {
            // a stranger's connection lacks the functions these triggers name
            let lacking = ["households", "buildings", "grids"].map(|t| {
                format!("DROP TRIGGER IF EXISTS rtree_{t}_geom_update3; DROP TRIGGER IF EXISTS rtree_{t}_geom_update4;")
            });
            let (off, on) = ("UPDATE store_writer SET active = 2", "UPDATE store_writer SET active = 0");
            format!("BEGIN; {off}; {} {sql}; {on}; COMMIT", lacking.concat())
        };
        self.raw(&all).await.expect("the statements run");
    }
}

pub(crate) async fn audit_chain_is_whole_and_append_only(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let plan = plan(store.as_ref()).await;
    let grid = format!("{VILLAGE}001");
    let edit =
        store.transact(&admin(), &request(&plan, 1, VILLAGE), &mut |_, r| Ok(renamed(r, &grid, "新").into())).await;
    edit.expect("edit");
    store.note(&admin(), "guard", "login.failed", "session", "{\"from\":\"10.0.0.1\"}").await.expect("a note");
    let log = store.audit(&admin(), 0, 100).await.expect("audit");
    let operations: Vec<&str> = log.iter().map(|a| a.operation.as_str()).collect();
    assert_eq!(operations, ["register.import", "register.import", "plan.create", "plan.edit", "login.failed"]);
    for (n, entry) in log.iter().enumerate() {
        assert_eq!(entry.seq, n as u64 + 1);
        assert_eq!(entry.previous, n.checked_sub(1).map_or("", |p| &log[p].hash));
    }
    assert_eq!(store.audit(&admin(), 3, 1).await.expect("audit"), log[3..4]);
    let schema = if place.database.is_some() { "lianhu." } else { "" };
    for tampering in ["UPDATE {}audit SET actor = 'x' WHERE seq = 2", "DELETE FROM {}audit WHERE seq = 5"] {
        let refused = place.raw(&tampering.replace("{}", schema)).await;
        assert!(refused.is_err(), "{tampering}");
    }
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    place.past_the_guards("UPDATE audit SET actor = 'x' WHERE seq = 2").await;
    place.past_the_guards("DELETE FROM audit WHERE seq = 4").await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().any(|f| f.kind == "audit" && f.place == "audit 2"), "{found:?}");
    assert!(found.iter().any(|f| f.kind == "audit" && f.what.contains("4–4")), "{found:?}");
    place.past_the_guards("DELETE FROM audit WHERE seq = 5").await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().any(|f| f.place == "audit_head"), "{found:?}");
}

/// Whether bytes stand in any file of the store's folder.
pub(crate) fn stands_somewhere(place: &Place, needle: &str) -> bool {
    std::fs::read_dir(place.folder.path()).expect("the folder").flatten().any(|entry| {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        bytes.windows(needle.len()).any(|w| w == needle.as_bytes())
    })
}

pub(crate) async fn purged_name_is_gone(place: Place) {
    let store = place.open().await;
    let officer = |id: &str, name: &str, left: Option<&str>| {
        RegisterRow::Officers(OfficerRow {
            id: id.to_owned(),
            region: VILLAGE.to_owned(),
            role: "leader".to_owned(),
            name: Some(name.to_owned()),
            valid_to: left.map(str::to_owned),
            ..OfficerRow::default()
        })
    };
    let rows = vec![
        officer("o1", "慕容不见", Some("2020-01-01")),
        officer("o2", "端木不见", None),
        officer("o3", "独孤留下", Some("2025-01-01")),
    ];
    bring(store.as_ref(), rows).await.expect("import");
    bring(store.as_ref(), vec![officer("o1", "慕容改名", Some("2020-01-01"))]).await.expect("import");
    store.reveal_officers(&admin(), "t", "查", &Filter::default()).await.expect("rows");
    if place.database.is_none() {
        assert!(stands_somewhere(&place, "不见"), "the search finds what is there");
    }
    let retention = Retention {
        officers_left_before: Some("2024-01-01".to_owned()),
        officers: vec!["o2".to_owned()],
        ..Retention::default()
    };
    let purged = store.purge(&admin(), "t", &retention).await.expect("purge");
    assert_eq!(purged.officers, 2);
    let left = store.reveal_officers(&admin(), "t", "查", &Filter::default()).await.expect("rows");
    assert_eq!(left.rows.iter().map(RegisterRow::key).collect::<Vec<_>>(), ["o3"]);
    for name in ["慕容", "端木", "不见", "改名"] {
        assert!(!stands_somewhere(&place, name), "{name}");
    }
    let logs = format!("{:?}", store.audit(&admin(), 0, 100).await.expect("audit"));
    assert!(!logs.contains("慕容") && !logs.contains("端木") && !logs.contains("不见"));
    if let Some(database) = &place.database {
        let dump = "SELECT coalesce(string_agg(c::text, ''), '') FROM lianhu.register_changes c";
        assert!(!crate::cluster::Cluster::get().psql(database, dump).contains("慕容"));
    }
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn what_is_older_than_its_retention_is_purged(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 2).await;
    let job = |id: &str, state: &str, ended: &str| {
        RegisterRow::Jobs(lianhu::domain::register::JobRow {
            id: id.to_owned(),
            region: VILLAGE.to_owned(),
            kind: "export".to_owned(),
            state: state.to_owned(),
            progress: 1.0,
            parameters: "{}".to_owned(),
            result: None,
            created_at: ended.to_owned(),
            updated_at: ended.to_owned(),
            row_version: 0,
        })
    };
    let (old, new) = ("2024-01-01T00:00:00.000Z", "2025-06-01T00:00:00.000Z");
    let jobs = vec![job("j1", "done", old), job("j2", "running", old), job("j3", "done", new)];
    bring(store.as_ref(), jobs).await.expect("jobs");
    let keyed = ImportRequest {
        idempotency: Some(Idempotency { key: "k".to_owned(), body_sha256: "00".to_owned() }),
        ..ImportRequest::new(Layer::Buildings)
    };
    let rows = vec![vec![building("b9", VILLAGE, 105.6, 25.9)]];
    store.import(&admin(), "tester", &keyed, &mut rows.into_iter()).await.expect("import");
    // the clock of these tests stands in March 2025
    let before = |day: &str| Retention {
        keys_before: Some(day.to_owned()),
        jobs_before: Some(day.to_owned()),
        cell_logs_before: Some(day.to_owned()),
        ..Retention::default()
    };
    let purged = store.purge(&admin(), "t", &before("2025-01-01T00:00:00.000Z")).await.expect("purge");
    assert_eq!((purged.keys, purged.jobs, purged.cell_logs), (0, 1, 0), "one that runs still stays");
    let purged = store.purge(&admin(), "t", &before("2025-12-01T00:00:00.000Z")).await.expect("purge");
    // the arrivals of 2 + 1 buildings and 4 households
    assert_eq!((purged.keys, purged.jobs, purged.cell_logs), (1, 1, 7));
    let log = store.changes_of(&admin(), Layer::Buildings, "b9").await.expect("changes");
    assert_eq!(log, []);
    assert_eq!(store.count(&admin(), Layer::Jobs, &Filter::default()).await, Ok(1));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn backup_while_writing_is_a_whole_store(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 40).await;
    for row in crate::register::one_of_each() {
        if !matches!(row.layer(), Layer::Buildings | Layer::Households) {
            bring(store.as_ref(), vec![row]).await.expect("import");
        }
    }
    let plan = plan(store.as_ref()).await;
    let derived = crate::publication::derived_of(&crate::ground::village_rows(VILLAGE, 2));
    store.set_derived(&admin(), &plan.id, 1, VILLAGE, &derived).await.expect("derived");
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, plan, stop) = (Arc::clone(&store), plan.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let grid = format!("{NEIGHBOUR}001");
            let mut version = 1;
            while !stop.load(Ordering::Relaxed) {
                let name = format!("第{version}次");
                let request = request(&plan, version, NEIGHBOUR);
                let edit = store.transact(&admin(), &request, &mut |_, r| Ok(renamed(r, &grid, &name).into())).await;
                version = edit.expect("edit").version;
            }
            version
        })
    };
    let copy = place.folder.path().join("copy.gpkg");
    store.backup(&admin(), &copy).await.expect("backup");
    stop.store(true, Ordering::Relaxed);
    let last = writer.await.expect("the writer");
    let again = store.backup(&admin(), &copy).await;
    assert!(matches!(again, Err(StoreError::File { .. })), "an existing file is not overwritten: {again:?}");
    let url = format!("sqlite:{}", copy.display());
    let copied = open(&url, options(OpenMode::ReadOnly)).await.expect("the copy opens");
    assert_eq!(copied.check(&admin()).await.expect("check"), []);
    let head = copied.get_plan(&admin(), &plan.id).await.expect("head");
    assert!(head.version <= last);
    let history = copied.history(&admin(), &plan.id, 0, 10_000).await.expect("history");
    assert_eq!(history.len() as u64 + 1, head.version, "one moment, not two");
    for layer in Layer::ALL {
        let list = async |s: &dyn Store| s.list(&admin(), *layer, &Filter::default()).await.expect("rows");
        assert_eq!(list(copied.as_ref()).await, list(store.as_ref()).await, "{}", layer.name());
    }
    assert_eq!(copied.derived(&admin(), &plan.id, VILLAGE).await.expect("derived"), derived);
    let copied_log = copied.audit(&admin(), 0, 10_000).await;
    assert!(copied_log.as_ref().is_ok_and(|log| !log.is_empty()));
    copied.close().await;
    // from which a store of this engine is restored
    let other = if place.database.is_some() { Place::postgis() } else { Place::sqlite() };
    copy_into(&url, &other.url, &options(OpenMode::Create)).await.expect("copied");
    let again = copy_into(&url, &other.url, &options(OpenMode::Create)).await;
    assert!(matches!(again, Err(StoreError::BadArgument { .. })), "only into an empty store: {again:?}");
    let back = other.try_open(OpenMode::ReadWrite).await.expect("the restored store");
    assert_eq!(back.check(&admin()).await.expect("check"), []);
    assert_eq!(back.get_plan(&admin(), &plan.id).await, Ok(head));
    assert_eq!(back.audit(&admin(), 0, 10_000).await, copied_log);
    bring(back.as_ref(), vec![building("new", VILLAGE, 105.6, 25.9)]).await.expect("its counters go on");
    plan_again(back.as_ref()).await;
    back.close().await;
    // and it is a store to go on with
    let restored = open(&url, options(OpenMode::ReadWrite)).await.expect("the copy opens");
    bring(restored.as_ref(), vec![building("new", VILLAGE, 105.6, 25.9)]).await.expect("import");
    assert_eq!(restored.check(&admin()).await.expect("check"), []);
}

/// A plan and an edit in a restored store: all counters must be beyond what came with the copy.
async fn plan_again(store: &dyn Store) {
    let plan = plan(store).await;
    let grid = format!("{VILLAGE}001");
    let edit =
        store.transact(&admin(), &request(&plan, 1, VILLAGE), &mut |_, r| Ok(renamed(r, &grid, "新").into())).await;
    edit.expect("edit");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn f13_newer_store_is_refused_with_both_versions(place: Place) {
    place.open().await.close().await;
    let table = if place.database.is_some() { "lianhu.schema_migrations" } else { "schema_migrations" };
    place.raw(&format!("INSERT INTO {table} VALUES (99, 'later', 'x', 'y')")).await.expect("a later step");
    for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create] {
        let refused = place.try_open(mode).await.err();
        assert_eq!(refused, Some(StoreError::Newer { found: 99, known: 7 }));
    }
    let text = StoreError::Newer { found: 99, known: 7 };
    assert!(text.to_string().contains("99") && text.exit_code() == 4);
    let mend = format!("DELETE FROM {table} WHERE version = 99; UPDATE {table} SET sha256 = 'other' WHERE version = 1");
    place.raw(&mend).await.expect("another step one");
    let refused = place.try_open(OpenMode::ReadWrite).await.err();
    assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");
}

pub(crate) async fn changed_row_is_found_by_name(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    plan(store.as_ref()).await;
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    for (change, place_named) in [
        ("UPDATE households SET hamlet = '下寨' WHERE id = 'h1'", "(h1)"),
        ("UPDATE buildings SET row_version = 7 WHERE id = 'b2'", "(b2)"),
        ("UPDATE memberships SET unit = '520423102001001002' WHERE household = 'h6'", "h6"),
        ("UPDATE seats SET locked = TRUE WHERE building = 'b3'", "b3"),
        ("UPDATE grids SET name = 'x' WHERE code = '520423102002001'", "520423102002001"),
        ("UPDATE plans SET seed = 1", "plans "),
    ] {
        place.past_the_guards(change).await;
        let found = store.check(&admin()).await.expect("check");
        assert!(found.iter().any(|f| f.kind == "row" && f.place.contains(place_named)), "{change}: {found:?}");
    }
    place.past_the_guards("DELETE FROM buildings WHERE id = 'b1'").await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().any(|f| f.kind == "reference" && f.place == "households h2"), "{found:?}");
}

pub(crate) async fn reader_opens_beside_the_writer(place: Place) {
    let missing = place.try_open(OpenMode::ReadWrite).await.err();
    assert!(matches!(missing, Some(StoreError::NotFound { .. })), "{missing:?}");
    let writer = place.open().await;
    settle(writer.as_ref(), 2).await;
    let reader = place.try_open(OpenMode::ReadOnly).await.expect("a reader");
    let count = async || reader.count(&admin(), Layer::Buildings, &Filter::default()).await;
    assert_eq!(count().await, Ok(2));
    bring(writer.as_ref(), vec![building("b9", VILLAGE, 105.6, 25.9)]).await.expect("import");
    assert_eq!(count().await, Ok(3));
    let refused = bring(reader.as_ref(), vec![building("b8", VILLAGE, 105.6, 25.9)]).await;
    assert!(matches!(refused, Err(StoreError::Forbidden { .. })), "{refused:?}");
    let second = place.try_open(OpenMode::ReadWrite).await;
    match &place.database {
        None => {
            let busy = second.err().expect("one writer");
            assert!(matches!(&busy, StoreError::Busy { holder } if holder.contains("pid")), "{busy:?}");
            assert_eq!(busy.exit_code(), 4);
        }
        Some(_) => {
            let second = second.expect("PostGIS has many writers");
            bring(second.as_ref(), vec![building("b7", VILLAGE, 105.6, 25.9)]).await.expect("import");
        }
    }
    writer.close().await;
    drop(writer);
    let next = place.try_open(OpenMode::ReadWrite).await;
    assert!(next.is_ok(), "the lock goes with its holder");
}

/// F06 in small: the server drops every connection; the store goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_dropped_connections_come_back_without_a_restart() {
    let place = Place::postgis();
    let store = place.open().await;
    settle(store.as_ref(), 2).await;
    let database = place.database.clone().expect("a database");
    let drop_all = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    );
    crate::cluster::Cluster::get().psql("postgres", &drop_all);
    for _ in 0..20 {
        match store.count(&admin(), Layer::Buildings, &Filter::default()).await {
            Ok(n) => {
                assert_eq!(n, 2);
                return;
            }
            Err(StoreError::Unavailable { retry_after_s }) => assert!(retry_after_s <= 5),
            Err(e) => panic!("{e:?}"),
        }
    }
    panic!("the store never came back");
}

/// Kept here so that the type of a failed edit is one: a store error is never taken for a refusal.
#[test]
fn store_error_stays_a_store_error() {
    let error = TransactError::from(StoreError::Full);
    assert_eq!(error.to_string(), StoreError::Full.to_string());
}

pub(crate) async fn backup_is_restored_from_the_command_line(place: Place) {
    let other = Place::sqlite();
    let store = other.open().await;
    settle(store.as_ref(), 6).await;
    let head = plan(store.as_ref()).await;
    let copy = other.folder.path().join("copy.gpkg");
    store.backup(&admin(), &copy).await.expect("saved");
    store.close().await;
    let restore = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lianhu"));
        command.args(["restore", "--store", &place.url]).arg(&copy).output().expect("the program runs")
    };
    let done = restore();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let store = place.open().await;
    assert_eq!(store.get_plan(&admin(), &head.id).await, Ok(head));
    assert_eq!(store.count(&admin(), Layer::Households, &Filter::default()).await, Ok(12));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    store.close().await;
    assert!(!restore().status.success(), "what is there is never replaced");
}

pub(crate) async fn write_is_heard_by_whoever_listens(place: Place) {
    let store = place.open().await;
    // where several may write, it is another one who does
    let writer = if place.database.is_some() { place.open().await } else { Arc::clone(&store) };
    let mut ear = store.listen().await.expect("an ear");
    for n in 0..3 {
        let seq = writer.note(&admin(), "t", "test", "x", &n.to_string()).await.expect("noted");
        let heard = tokio::time::timeout(std::time::Duration::from_secs(60), ear.heard()).await;
        heard.expect("heard at all").expect("an ear that works");
        assert!(store.audit_head(&admin()).await.expect("head") >= seq);
    }
    // what is not committed is not told of
    bring(writer.as_ref(), vec![household("h", VILLAGE, "none", 105.6, 25.97)]).await.expect_err("no such building");
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), ear.heard()).await.is_err());
}
