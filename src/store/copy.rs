//! A whole store copied into another one, of either engine: how a PostGIS store is given out as a GeoPackage file and restored from one.

use std::path::Path;

use crate::domain::io_words::words_of_writing;

use super::error::StoreError;
use super::sql::{Dialect, Engine, Session, Sql};
use super::value::{Row, Value};
use super::{OpenMode, OpenOptions, insert, sqlite, wkb};

/// Rows a step, and of rows that hold files.
const STEP: i64 = 2_000;
const STEP_OF_FILES: i64 = 16;

/// Columns common to many tables are written out, so that a new column is not forgotten silently: `check` of the copy would say so.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    /// What its rows are read by; together unique.
    order: &'static str,
}

impl Table {
    fn step(&self) -> i64 {
        if self.columns.contains(&"image") { STEP_OF_FILES } else { STEP }
    }
}

macro_rules! table {
    ($name:literal, $order:literal, [$($column:literal),+ $(,)?]) => {
        Table { name: $name, columns: &[$($column),+], order: $order }
    };
}

const TABLES: &[Table] = &[
    table!(
        "regions",
        "fid",
        ["fid", "code", "name", "level", "parent", "valid_from", "valid_to", "geom", "row_version", "row_sum"]
    ),
    table!("zones", "fid", ["fid", "id", "name", "townships", "valid_from", "valid_to", "row_version", "row_sum"]),
    table!(
        "buildings",
        "fid",
        [
            "fid",
            "id",
            "village",
            "name",
            "kind",
            "households",
            "dedicated",
            "stairwells",
            "valid_from",
            "valid_to",
            "geom",
            "row_version",
            "row_sum",
        ]
    ),
    table!(
        "households",
        "fid",
        [
            "fid",
            "id",
            "village",
            "building",
            "stairwell",
            "floor",
            "hamlet",
            "group_name",
            "persons",
            "tenure",
            "eligible",
            "valid_from",
            "valid_to",
            "geom",
            "row_version",
            "row_sum",
        ]
    ),
    table!(
        "centres",
        "fid",
        [
            "fid",
            "id",
            "region",
            "level",
            "name",
            "address",
            "duty_hours",
            "valid_from",
            "valid_to",
            "geom",
            "row_version",
            "row_sum",
        ]
    ),
    table!(
        "officers",
        "fid",
        [
            "fid",
            "id",
            "region",
            "role",
            "name",
            "phone_sealed",
            "household",
            "elected_on",
            "valid_from",
            "valid_to",
            "salt",
            "row_version",
            "row_sum",
        ]
    ),
    table!(
        "barriers",
        "fid",
        ["fid", "id", "region", "kind", "hard", "name", "valid_from", "valid_to", "geom", "row_version", "row_sum",]
    ),
    table!(
        "old_nets",
        "fid",
        ["fid", "id", "net", "region", "name", "valid_from", "valid_to", "geom", "row_version", "row_sum",]
    ),
    table!(
        "incidents",
        "fid",
        [
            "fid",
            "id",
            "region",
            "grid",
            "category",
            "dispute",
            "level",
            "state",
            "occurred_at",
            "due_at",
            "summary",
            "geom",
            "unit",
            "source",
            "source_id",
            "row_version",
            "row_sum",
        ]
    ),
    table!("alert_rules", "id", ["id", "kind", "region", "parameters", "enabled", "row_version", "row_sum"]),
    table!(
        "alerts",
        "id",
        [
            "id",
            "rule",
            "kind",
            "subject",
            "place",
            "region",
            "incident",
            "cell",
            "title",
            "level",
            "opened_at",
            "acknowledged_by",
            "acknowledged_at",
            "escalates_at",
            "closed_at",
            "row_version",
            "row_sum",
        ]
    ),
    table!(
        "incident_transitions",
        "fid",
        [
            "fid",
            "id",
            "incident",
            "region",
            "from_state",
            "to_state",
            "from_level",
            "to_level",
            "role",
            "at",
            "due_at",
            "reason",
            "row_version",
            "row_sum",
        ]
    ),
    table!("incident_photos", "incident", ["incident", "kind", "width", "height", "sha256", "at", "image", "row_sum"]),
    table!(
        "dictionaries",
        "fid",
        [
            "fid",
            "id",
            "dictionary",
            "key",
            "name",
            "name_en",
            "position",
            "enabled",
            "due_hours",
            "row_version",
            "row_sum"
        ]
    ),
    table!("profiles", "fid", ["fid", "name", "title", "toml", "row_version", "row_sum"]),
    table!(
        "jobs",
        "fid",
        [
            "fid",
            "id",
            "region",
            "kind",
            "state",
            "progress",
            "parameters",
            "result",
            "created_at",
            "updated_at",
            "row_version",
            "row_sum",
        ]
    ),
    table!(
        "plans",
        "no",
        [
            "no",
            "id",
            "name",
            "region",
            "status",
            "version",
            "seed",
            "parameters",
            "profile",
            "input_version",
            "valid_from",
            "valid_to",
            "forked_from",
            "row_sum",
        ]
    ),
    table!(
        "grids",
        "fid",
        [
            "fid",
            "plan_no",
            "code",
            "name",
            "kind",
            "locked",
            "valid_from",
            "valid_to",
            "predecessors",
            "row_sum",
            "plan",
            "in_force",
            "households",
            "buildings",
            "persons",
            "deviation",
            "area_m2",
            "perimeter_m",
            "polsby_popper",
            "geom",
            "derived_sum",
        ]
    ),
    table!(
        "units",
        "fid",
        [
            "fid",
            "plan_no",
            "code",
            "locked",
            "leader",
            "deputies",
            "officers_locked",
            "exception",
            "founded_on",
            "contact_group",
            "row_sum",
            "plan",
            "in_force",
            "households",
            "sse_m2",
            "reach_m",
            "geom",
            "derived_sum",
        ]
    ),
    table!(
        "leaders",
        "fid",
        ["fid", "plan_no", "plan", "in_force", "unit", "household", "role", "geom", "derived_sum",]
    ),
    table!("seats", "plan_no, building", ["plan_no", "building", "grid", "locked", "row_sum"]),
    table!("memberships", "plan_no, household", ["plan_no", "household", "unit", "row_sum"]),
    table!("grid_versions", "plan_no, grid", ["plan_no", "grid", "version", "actor", "at", "row_sum"]),
    table!(
        "plan_edits",
        "plan_no, seq",
        ["plan_no", "seq", "kind", "target", "version", "actor", "at", "operation", "changes", "undone", "row_sum",]
    ),
    table!(
        "membership_moves",
        "plan_no, household, seq",
        ["plan_no", "household", "seq", "at", "unit_before", "unit_after", "row_sum"]
    ),
    table!("codes", "code", ["code", "kind", "valid_from", "valid_to", "predecessors", "row_sum"]),
    table!(
        "register_changes",
        "seq",
        ["seq", "at", "actor", "layer", "id", "col", "before", "after", "reason", "row_sum"]
    ),
    table!(
        "users",
        "id",
        ["id", "name", "role", "area", "password", "created_at", "disabled_at", "row_version", "row_sum"]
    ),
    table!(
        "tokens",
        "id",
        [
            "id",
            "name",
            "secret_sha256",
            "role",
            "area",
            "created_by",
            "created_at",
            "expires_at",
            "revoked_at",
            "row_sum",
        ]
    ),
    table!("idempotency", "actor, key", ["actor", "key", "body_sha256", "answer", "at", "row_sum"]),
    table!(
        "audit",
        "seq",
        ["seq", "at", "actor", "scope", "operation", "subject", "before", "after", "previous", "hash",]
    ),
    table!("audit_head", "one", ["one", "seq", "hash"]),
    table!("register_state", "one", ["one", "version", "row_sum"]),
];

/// Columns that are true or false: SQLite gives them back as numbers.
const BOOLEANS: [&str; 7] = ["eligible", "hard", "enabled", "locked", "in_force", "officers_locked", "undone"];
/// Columns of bytes, and of numbers: PostgreSQL wants to know the kind of an absent one.
const BYTES: [&str; 3] = ["phone_sealed", "salt", "image"];
const REALS: [&str; 7] = ["progress", "deviation", "area_m2", "perimeter_m", "polsby_popper", "sse_m2", "reach_m"];
const WHOLE: [&str; 9] =
    ["households", "buildings", "floor", "persons", "target", "row_sum", "derived_sum", "row_version", "position"];

/// A value in the form the other engine takes.
fn portable(column: &str, value: Value) -> Result<Value, StoreError> {
    match value {
        Value::Int(Some(n)) if BOOLEANS.contains(&column) => Ok(Value::from(n != 0)),
        v if v.is_null() => Ok(match column {
            "geom" => Value::Shape(None),
            c if BOOLEANS.contains(&c) => Value::Bool(None),
            c if BYTES.contains(&c) => Value::Blob(None),
            c if REALS.contains(&c) => Value::Real(None),
            c if WHOLE.contains(&c) => Value::Int(None),
            _ => Value::Text(None),
        }),
        Value::Blob(Some(bytes)) if column == "geom" => {
            let shape = wkb::read(&bytes).map_err(|what| StoreError::decoding("geom", what))?;
            Ok(Value::Shape(Some(wkb::to_wkb(&shape))))
        }
        other => Ok(other),
    }
}

/// The next rows of a table: PostgreSQL keeps a cursor, SQLite counts from the start again, which it does fast.
async fn fetch(from: &mut dyn Session, table: &Table, offset: i64) -> Result<Vec<Row>, StoreError> {
    if from.dialect() == Dialect::Postgres {
        let some = if table.step() == STEP { "FETCH 2000 FROM copy_" } else { "FETCH 16 FROM copy_" };
        let mut fetch = Sql::new(table.name, some);
        fetch.push(table.name);
        return from.rows(fetch).await;
    }
    let mut sql = Sql::new(table.name, "SELECT ");
    sql.push_list(table.columns).push(" FROM ").push(table.name).push(" ORDER BY ").push(table.order);
    sql.push(" LIMIT ").bind(table.step()).push(" OFFSET ").bind(offset);
    from.rows(sql).await
}

async fn table(from: &mut dyn Session, to: &mut dyn Session, table: &Table) -> Result<(), StoreError> {
    let mut empty = Sql::new(table.name, "DELETE FROM ");
    empty.push(table.name);
    to.execute(empty).await?;
    if from.dialect() == Dialect::Postgres {
        let mut declare = Sql::new(table.name, "DECLARE copy_");
        declare.push(table.name).push(" NO SCROLL CURSOR FOR SELECT ").push_list(table.columns).push(" FROM ");
        declare.push(table.name).push(" ORDER BY ").push(table.order);
        from.execute(declare).await?;
    }
    let mut offset = 0;
    loop {
        let fetched = fetch(from, table, offset).await?;
        let count = fetched.len() as i64;
        let mut rows = Vec::with_capacity(fetched.len());
        for mut row in fetched {
            let values = table.columns.iter().map(|c| portable(c, row.take_value()));
            rows.push(values.collect::<Result<Vec<_>, _>>()?);
        }
        insert::rows(to, table.name, table.columns, rows).await?;
        offset += count;
        if count < table.step() {
            break;
        }
    }
    if from.dialect() == Dialect::Postgres {
        let mut close = Sql::new(table.name, "CLOSE copy_");
        close.push(table.name);
        from.execute(close).await?;
    }
    go_on_counting(to, table).await
}

/// PostgreSQL's sequences learn of the numbers that came with the rows.
async fn go_on_counting(to: &mut dyn Session, table: &Table) -> Result<(), StoreError> {
    let counted = ["fid", "no", "seq"].into_iter().find(|c| *c == table.order);
    let Some(column) = counted.filter(|_| to.dialect() == Dialect::Postgres && table.name != "audit") else {
        return Ok(());
    };
    let mut sql = Sql::new(table.name, "SELECT setval(pg_get_serial_sequence(");
    sql.bind(table.name).push(", ").bind(column).push("), coalesce((SELECT max(").push(column);
    sql.push(") FROM ").push(table.name).push("), 0) + 1, FALSE)");
    to.rows(sql).await.map(drop)
}

/// Every table, in an order that keeps references.
async fn all(from: &mut dyn Session, to: &mut dyn Session) -> Result<(), StoreError> {
    for t in TABLES {
        to.begin_bulk(t.name).await?;
        table(from, to, t).await?;
        to.end_bulk(t.name).await?;
    }
    Ok(())
}

/// Fills an empty store with all of another one, in one transaction.
pub(super) async fn into_empty(from: &dyn Engine, to: &dyn Engine) -> Result<(), StoreError> {
    let mut source = from.read().await?;
    let mut target = to.write().await?;
    let used =
        "SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM regions) + (SELECT count(*) FROM buildings)";
    if target.one::<i64>(Sql::new("copy", used)).await? != 0 {
        let what = "目标库不是空的 / the store to copy into is not empty".to_owned();
        return Err(StoreError::BadArgument { name: "store", what });
    }
    all(source.as_mut(), target.as_mut()).await?;
    target.commit().await
}

/// Writes a snapshot of a PostGIS store as a GeoPackage store.
pub(super) async fn to_geopackage(
    from: &mut dyn Session,
    path: &Path,
    options: &OpenOptions,
) -> Result<(), StoreError> {
    let file = |what: String| StoreError::File { path: path.display().to_string(), what };
    if path.exists() {
        return Err(file("已存在，请换一个名字 / is there already: choose another name".to_owned()));
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let _ = std::fs::remove_file(partial);
    let outcome = fill(from, partial, options).await;
    if outcome.is_ok() {
        std::fs::rename(partial, path).map_err(|e| {
            let words = words_of_writing(&e);
            file(format!("{} / {}", words.chinese, words.english))
        })?;
    }
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mut name = partial.as_os_str().to_owned();
        name.push(ending);
        let _ = std::fs::remove_file(Path::new(&name));
    }
    outcome
}

async fn fill(from: &mut dyn Session, path: &Path, options: &OpenOptions) -> Result<(), StoreError> {
    let options = OpenOptions { mode: OpenMode::Create, ..options.clone() };
    let target = sqlite::SqliteEngine::open(path, &options).await?;
    let mut to = target.write().await?;
    all(from, to.as_mut()).await?;
    to.commit().await?;
    // everything into the one file before it is renamed
    target.scrub().await?;
    target.close().await;
    Ok(())
}
