//! A bit of each cell of the file is flipped: `check` names the table and the row. What it does not name stands in a list here, and in
//! `docs/service.md`.

use std::path::Path;

use lianhu::domain::incident::alerts::AlertRule;
use lianhu::store::{
    Finding, ForeignChoice, Idempotency, ImportRequest, Layer, OpenMode, PhotoRow, TransactionRequest, Which, open,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use crate::geopackage::{filled, ogr_sql};
use crate::ground::{Place, VILLAGE, admin, building, moved, options, request};
use crate::publication::{publication, publish};

/// Tables whose damage is found in another way: versions and sums of steps when the store is opened (F13), and SQLite's own counters, of
/// which it takes the greatest number of the table where they are less.
const OTHERWISE: [&str; 3] = ["schema_migrations", "sqlite_sequence", "sqlite_stat1"];
/// Cells of which nothing is told, as nothing is made of them: numbers that only order rows, the time a layer was last written by any program
/// and what that said of it; and the salt of an officer, without which older commitments in the logs cannot be proved.
const UNTOLD: [(&str, &[&str]); 8] = [
    ("zones", &["fid"]),
    ("officers", &["fid", "salt"]),
    ("incident_transitions", &["fid"]),
    ("dictionaries", &["fid"]),
    ("profiles", &["fid"]),
    ("jobs", &["fid"]),
    ("gpkg_contents", &["description", "last_change", "min_x", "min_y", "max_x", "max_y"]),
    ("register_changes", &["seq"]),
];
/// Cells that say what others say too: found beside those.
const BESIDE: [(&str, &[&str]); 7] = [
    ("grids", &["plan_no", "plan", "in_force"]),
    ("units", &["plan_no", "plan", "in_force"]),
    ("leaders", &["plan_no", "plan", "in_force"]),
    ("seats", &["plan_no"]),
    ("memberships", &["plan_no"]),
    ("plan_edits", &["plan_no", "undone"]),
    ("plans", &["no", "forked_from"]),
];

fn listed(list: &[(&str, &[&str])], table: &str, column: &str) -> bool {
    list.iter().any(|(t, columns)| *t == table && columns.contains(&column))
}

/// A store with a row in each of its tables.
async fn with_all_tables(place: &Place) {
    let store = place.open().await;
    filled(store.as_ref()).await;
    let plan = store.list_plans(&admin(), &lianhu::store::PlanFilter::default()).await.expect("plans").remove(0);
    publish(store.as_ref(), &publication(&plan, None, "2025-02-01")).await.expect("published");
    let unit = format!("{VILLAGE}001002");
    let wish = TransactionRequest { base_version: plan.version + 1, ..request(&plan, plan.version, VILLAGE) };
    let edit = store.transact(&admin(), &wish, &mut |_, rows| Ok(moved(rows, "h6", &unit).into())).await;
    edit.expect("moved");
    store.undo(&admin(), &plan.id, "t", &Which::Last, &mut |_, _, _| Ok(Vec::new())).await.expect("undone");
    store.fork(&admin(), &plan.id, "t", "第二版").await.expect("forked");
    let key = Idempotency { key: "k".to_owned(), body_sha256: "aa".to_owned() };
    let import = ImportRequest { idempotency: Some(key), ..ImportRequest::new(Layer::Buildings) };
    let rows = vec![vec![building("b1", VILLAGE, 105.7, 25.98)]];
    store.import(&admin(), "t", &import, &mut rows.into_iter()).await.expect("import");
    let user = store.add_user(&admin(), "t", "张三", &admin(), "hash").await.expect("a user");
    store.open_session(&user, "secret-of-a-session", 3_600).await.expect("a session");
    store.add_token(&admin(), &user.id, "导出", &admin(), ("t1", 3_600)).await.expect("a token");
    store.open_alerts(&admin(), "t", vec![crate::alerts::alert("a", VILLAGE, "grid")]).await.expect("an alert");
    let rule = AlertRule { escalate_after_min: 7, ..AlertRule::shipped().remove(0) };
    store.put_alert_rule(&admin(), "t", &rule, 0).await.expect("a rule");
    let photo = PhotoRow {
        kind: "image/jpeg".to_owned(),
        width: 16,
        height: 9,
        sha256: "aa".to_owned(),
        at: String::new(),
        image: vec![1, 2, 3],
    };
    store.put_photo(&admin(), "t", "e1", &photo).await.expect("a photo");
    store.close().await;
    drop(store);
    ogr_sql(&place.file(), "UPDATE buildings SET name = '新名' WHERE id = 'b2'").expect("edit");
    let store = place.open().await;
    assert_eq!(store.settle_foreign(&admin(), "t", &ForeignChoice::default(), true).await, Ok(1));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    store.close().await;
}

async fn connection(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(false);
    SqliteConnection::connect_with(&options).await.expect("a connection")
}

async fn texts(c: &mut SqliteConnection, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(c).await.expect(sql)
}

async fn run(c: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(c).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// Tables, each with its columns.
async fn tables(c: &mut SqliteConnection) -> Vec<(String, Vec<String>)> {
    let list =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'rtree\\_%' ESCAPE '\\' ORDER BY name";
    let mut all = Vec::new();
    for table in texts(c, list).await.into_iter().filter(|t| !OTHERWISE.contains(&t.as_str())) {
        let columns = texts(c, &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid")).await;
        all.push((table, columns));
    }
    all
}

/// Flips one bit of the first cell of a column that holds any; whether there was one.
async fn flip(c: &mut SqliteConnection, table: &str, column: &str) -> bool {
    let key = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk");
    let mut key = texts(c, &key).await.join(", ");
    if key.is_empty() {
        "rowid".clone_into(&mut key);
    }
    let first = format!("SELECT {key} FROM {table} WHERE length({column}) > 0 ORDER BY {key} LIMIT 1");
    let of = format!("FROM {table} WHERE ({key}) = ({first})");
    let look = format!("SELECT typeof({column}), CAST({column} AS BLOB) {of}");
    let Some(row) = sqlx::query(AssertSqlSafe(look)).fetch_optional(&mut *c).await.expect("a cell") else {
        return false;
    };
    let (kind, mut bytes): (String, Vec<u8>) = (row.get(0), row.get(1));
    let number = String::from_utf8_lossy(&bytes).into_owned();
    let flipped = match kind.as_str() {
        "integer" => {
            let n: i64 = number.parse().expect("a number");
            // a greater bit, so that no other row has the key; what is true becomes false
            (n ^ if matches!(n, 0 | 1) && !key.contains(column) { 1 } else { 1 << 20 }).to_string()
        }
        "real" => {
            let n: f64 = number.parse().expect("a number");
            format!("{:?}", f64::from_bits(n.to_bits() ^ (1 << 40)))
        }
        _ => {
            let last = bytes.last_mut().expect("bytes");
            *last ^= if kind == "text" && last.is_ascii() { 0x40 } else { 1 };
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            if kind == "text" { format!("CAST(x'{hex}' AS TEXT)") } else { format!("x'{hex}'") }
        }
    };
    run(c, &format!("UPDATE {table} SET {column} = {flipped} WHERE ({key}) = ({first})")).await;
    true
}

fn is_of(finding: &Finding, table: &str) -> bool {
    finding.place.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':']))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flipped_bit_of_every_cell_is_named_with_its_table() {
    let place = Place::sqlite();
    with_all_tables(&place).await;
    let mut whole = connection(&place.file()).await;
    run(&mut whole, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let tables = tables(&mut whole).await;
    whole.close().await.expect("closed");
    let most = tables.iter().map(|(_, columns)| columns.len()).max().expect("tables");
    let of_plans = tables.iter().find(|(table, _)| table == "plans").map_or(0, |(_, columns)| columns.len());
    let (mut flipped, mut missed) = (std::collections::BTreeSet::new(), Vec::new());
    // a column of each table at a time; plans, which others are held against, in rounds of their own
    for round in 0..most + of_plans {
        let damaged = place.folder.path().join(format!("damaged-{round}.gpkg"));
        let url = format!("sqlite:{}", damaged.display());
        std::fs::copy(place.file(), &damaged).expect("a copy");
        let mut c = connection(&damaged).await;
        // another program lacks the functions that triggers name
        let list = "SELECT sql || char(1) || name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name";
        let triggers = texts(&mut c, list).await;
        let named = triggers.iter().map(|t| t.split_once('\u{1}').expect("a name"));
        let drop: String = named.clone().map(|(_, name)| format!("DROP TRIGGER {name};")).collect();
        let pragmas = "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF";
        run(&mut c, &format!("{pragmas}; BEGIN; {drop}")).await;
        let mut here = Vec::new();
        for (table, columns) in &tables {
            let at = if table == "plans" { round.checked_sub(most) } else { Some(round) };
            let Some(column) = at.and_then(|at| columns.get(at)) else { continue };
            if listed(&UNTOLD, table, column) {
                flipped.insert(table.clone());
            } else if flip(&mut c, table, column).await {
                flipped.insert(table.clone());
                here.push((table, column));
            }
        }
        let make: String = named.map(|(sql, _)| format!("{sql};")).collect();
        run(&mut c, &format!("{make} COMMIT")).await;
        c.close().await.expect("closed");
        if here.is_empty() {
            continue;
        }
        let store = open(&url, options(OpenMode::ReadOnly)).await.expect("it opens");
        let found = store.check(&admin()).await.expect("check");
        store.close().await;
        for (table, column) in here {
            let fits = |f: &Finding| match listed(&BESIDE, table, column) {
                true => f.kind == "reference" && (is_of(f, table) || column == "no"),
                false => f.kind != "reference" && is_of(f, table),
            };
            // of what a CHECK forbids, SQLite says the table
            let forbidden = |f: &Finding| f.kind == "page" && f.what.ends_with(&format!(" {table}"));
            if !found.iter().any(|f| fits(f) || forbidden(f)) {
                missed.push(format!("{table}.{column}: {found:?}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    let untouched: Vec<&String> = tables.iter().map(|(t, _)| t).filter(|t| !flipped.contains(*t)).collect();
    assert_eq!(untouched, Vec::<&String>::new(), "every table has a row that was damaged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edit_by_another_program_that_was_changed_since_is_named() {
    let place = Place::sqlite();
    let store = place.open().await;
    filled(store.as_ref()).await;
    store.close().await;
    drop(store);
    for sql in ["UPDATE buildings SET name = '甲' WHERE id = 'b1'", "UPDATE buildings SET kind = 'x' WHERE id = 'b2'"]
    {
        ogr_sql(&place.file(), sql).expect("edit");
    }
    let named = async || {
        let store = place.try_open(OpenMode::ReadOnly).await.expect("it opens");
        let found = store.check(&admin()).await.expect("check");
        store.close().await;
        found.into_iter().filter(|f| is_of(f, "foreign_edits")).map(|f| f.place).collect::<Vec<_>>()
    };
    assert_eq!(named().await, Vec::<String>::new());
    // before the store was opened again, the row bears witness
    place
        .raw("UPDATE foreign_edits SET after_row = replace(after_row, '甲', '乙') WHERE seq = 1")
        .await
        .expect("damage");
    assert_eq!(named().await, ["foreign_edits 1"]);
    place
        .raw("UPDATE foreign_edits SET after_row = replace(after_row, '乙', '甲') WHERE seq = 1")
        .await
        .expect("mended");
    place.open().await.close().await;
    // from then on, its sum; also of what it was before
    place
        .raw("UPDATE foreign_edits SET before_row = replace(before_row, 'b2', 'b3') WHERE seq = 2")
        .await
        .expect("damage");
    assert_eq!(named().await, ["foreign_edits 2"]);
}
