//! Edits that another program made in the file while the service was stopped: seen, then accepted or taken back. There may be as many as
//! there are rows: what is kept of all of them is who they are, the rest is read and written some thousand at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::error::StoreError;
use super::messages::{ForeignChoice, ForeignEdit};
use super::remove::not_in_use;
use super::rows::{Layer, sum_of};
use super::scope::{Right, Scope};
use super::sql::{Dialect, Session, Sql};
use super::value::{Row, Value};
use super::{SqlStore, audit, changes, register, rules};

/// Rows a statement.
const BATCH: usize = 2_000;
/// What a page holds at most.
const LONGEST_PAGE: u32 = 10_000;

fn json(text: Option<String>) -> Option<serde_json::Value> {
    text.and_then(|t| serde_json::from_str(&t).ok())
}

/// Whether there may be any to be seen. PostGIS has none: there a GIS has a role of its own, without the right to write.
fn may_see(session: &dyn Session, scope: &Scope) -> Result<bool, StoreError> {
    scope.need(Right::EditRegister)?;
    Ok(session.dialect() == Dialect::Sqlite && scope.is_whole())
}

/// How many nobody has settled.
pub(super) async fn count(session: &mut dyn Session, scope: &Scope) -> Result<u64, StoreError> {
    if !may_see(session, scope)? {
        return Ok(0);
    }
    session.one(Sql::new("foreign_edits", "SELECT count(*) FROM foreign_edits WHERE settled IS NULL")).await
}

/// Edits nobody has settled, by number: those after one.
pub(super) async fn page(
    session: &mut dyn Session,
    scope: &Scope,
    after: u64,
    limit: u32,
) -> Result<Vec<ForeignEdit>, StoreError> {
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(StoreError::BadArgument { name: "limit", what: format!("{limit}: 1–{LONGEST_PAGE}") });
    }
    if !may_see(session, scope)? {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("foreign_edits", EDITS);
    sql.push(" WHERE settled IS NULL AND seq > ").bind(after).push(" ORDER BY seq LIMIT ").bind(i64::from(limit));
    edits(session, sql).await
}

const EDITS: &str = "SELECT seq, at, layer, operation, fid, id, before_row, after_row, before_geom IS NOT after_geom
                     FROM foreign_edits";

async fn edits(session: &mut dyn Session, sql: Sql) -> Result<Vec<ForeignEdit>, StoreError> {
    let read = |row: &mut Row| {
        Ok(ForeignEdit {
            seq: row.take()?,
            at: row.take()?,
            layer: row.take()?,
            operation: row.take()?,
            row: row.take()?,
            id: row.take()?,
            before: json(row.take()?),
            after: json(row.take()?),
            moved: row.take()?,
        })
    };
    session.many_rows(sql).await?.iter_mut().map(read).collect()
}

/// Rows whose last open edit deleted them: layer, fid, key.
pub(super) async fn deleted(session: &mut dyn Session) -> Result<Vec<(String, i64, Option<String>)>, StoreError> {
    let sql = "SELECT layer, fid, id FROM foreign_edits WHERE operation = 'delete' AND seq IN (
                 SELECT max(seq) FROM foreign_edits WHERE settled IS NULL GROUP BY layer, fid) ORDER BY layer, fid";
    let read = |row: &mut Row| Ok((row.take()?, row.take()?, row.take()?));
    session.many_rows(Sql::new("foreign_edits", sql)).await?.iter_mut().map(read).collect()
}

/// Buildings that were deleted or changed by an open edit, by the keys they had.
pub(super) async fn changed_buildings(session: &mut dyn Session) -> Result<BTreeSet<String>, StoreError> {
    let sql = "SELECT DISTINCT id FROM foreign_edits
               WHERE settled IS NULL AND layer = 'buildings' AND operation <> 'insert' AND id IS NOT NULL";
    session.many_rows(Sql::new("foreign_edits", sql)).await?.iter_mut().map(Row::take).collect()
}

/// An open edit, without what the row held.
struct Mark {
    seq: u64,
    layer: Layer,
    /// Whether the row came with it, or went.
    came: bool,
    went: bool,
    fid: i64,
    /// The row's key before it (after it, where the row came with it) and after it.
    id: Option<String>,
    now: Option<String>,
}

impl Mark {
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.id.as_deref().into_iter().chain(self.now.as_deref())
    }
}

async fn marks(session: &mut dyn Session) -> Result<Vec<Mark>, StoreError> {
    let sql = "SELECT seq, layer, operation, fid, id,
                 CAST(coalesce(json_extract(after_row, '$.code'), json_extract(after_row, '$.id')) AS TEXT)
               FROM foreign_edits WHERE settled IS NULL ORDER BY seq";
    let mut all = Vec::new();
    for mut row in session.many_rows(Sql::new("foreign_edits", sql)).await? {
        let (seq, layer, operation): (u64, String, String) = (row.take()?, row.take()?, row.take()?);
        let (fid, id, now) = (row.take()?, row.take()?, row.take()?);
        let Some(layer) = Layer::named(&layer) else { continue };
        all.push(Mark { seq, layer, came: operation == "insert", went: operation == "delete", fid, id, now });
    }
    Ok(all)
}

/// The chosen edits. All of a row go together, for what comes later was made on what came before.
fn chosen(mut all: Vec<Mark>, choice: &ForeignChoice) -> Result<Vec<Mark>, StoreError> {
    all.retain(|e| choice.layer.is_none_or(|l| l == e.layer));
    let ids: Option<BTreeSet<&str>> = choice.ids.as_ref().map(|ids| ids.iter().map(String::as_str).collect());
    let there: BTreeSet<&str> = if ids.is_some() { all.iter().flat_map(Mark::keys).collect() } else { BTreeSet::new() };
    if let Some(id) = ids.iter().flatten().find(|id| !there.contains(*id)) {
        return Err(StoreError::NotFound { what: "待确认的修改 / open edit", id: id.chars().take(80).collect() });
    }
    let seen = |e: &Mark| choice.up_to.is_none_or(|seq| e.seq <= seq);
    let named = |e: &Mark| ids.as_ref().is_none_or(|ids| e.keys().any(|k| ids.contains(k)));
    let rows: BTreeSet<(Layer, i64)> = all.iter().filter(|e| named(e) && seen(e)).map(|e| (e.layer, e.fid)).collect();
    all.retain(|e| rows.contains(&(e.layer, e.fid)));
    if let Some(later) = all.iter().find(|e| !seen(e)) {
        let what = format!("第{}号修改之后又被改过，请重新查看 / edited again since, look again", later.seq);
        let id = later.id.clone().unwrap_or_default();
        return Err(StoreError::Constraint { layer: later.layer.name(), id, what });
    }
    Ok(all)
}

/// What became of a row by all its edits together.
struct Net<'m> {
    first: &'m Mark,
    last: &'m Mark,
}

impl Net<'_> {
    fn fid(&self) -> i64 {
        self.first.fid
    }

    /// Its key before all of them, where it was there.
    fn key(&self) -> Option<&str> {
        self.first.id.as_deref().filter(|_| !self.first.came)
    }
}

fn nets(marks: &[Mark]) -> BTreeMap<Layer, Vec<Net<'_>>> {
    let mut rows: BTreeMap<(Layer, i64), Net<'_>> = BTreeMap::new();
    for mark in marks {
        rows.entry((mark.layer, mark.fid)).and_modify(|net| net.last = mark).or_insert(Net { first: mark, last: mark });
    }
    let mut by_layer: BTreeMap<Layer, Vec<Net<'_>>> = BTreeMap::new();
    for ((layer, _), net) in rows {
        by_layer.entry(layer).or_default().push(net);
    }
    by_layer
}

/// A list that a statement takes as one value.
fn list<T: Into<serde_json::Value>>(items: impl Iterator<Item = T>) -> String {
    items.map(Into::into).collect::<serde_json::Value>().to_string()
}

/// Puts rows back as they were before their first edit: three statements, however many there are.
async fn take_back(session: &mut dyn Session, layer: Layer, nets: &[Net<'_>]) -> Result<(), StoreError> {
    let spec = layer.spec();
    let some = |wanted: &dyn Fn(&Net<'_>) -> bool| nets.iter().filter(|n| wanted(n)).collect::<Vec<_>>();
    let new = some(&|n| n.first.came && !n.last.went);
    let mut sql = Sql::new(spec.table, "DELETE FROM ");
    sql.push(spec.table).push(" WHERE fid IN (SELECT value FROM json_each(");
    sql.bind(list(new.iter().map(|n| n.fid()))).push("))");
    session.execute(sql).await?;
    // Rows may have changed keys with each other: for a moment they have none that anybody else has.
    let renamed = some(&|n| !n.first.came && !n.last.went && n.first.id != n.last.now);
    if !renamed.is_empty() {
        let mut sql = Sql::new(spec.table, "UPDATE ");
        sql.push(spec.table)
            .push(" SET ")
            .push(spec.key)
            .push(" = char(1) || fid WHERE fid IN (SELECT value FROM json_each(");
        sql.bind(list(renamed.iter().map(|n| n.fid()))).push("))");
        session.execute(sql).await?;
    }
    let changed = some(&|n| !n.first.came && !n.last.went);
    let mut sql = Sql::new(spec.table, "UPDATE ");
    sql.push(spec.table).push(" SET ");
    for (i, column) in spec.columns.iter().enumerate() {
        sql.push(if i == 0 { "" } else { ", " }).push(column).push(" = ");
        before(&mut sql, column);
    }
    sql.push(" FROM foreign_edits AS e WHERE e.seq IN (SELECT value FROM json_each(");
    sql.bind(list(changed.iter().map(|n| n.first.seq))).push(")) AND e.fid = ").push(spec.table).push(".fid");
    session.execute(sql).await?;
    let gone = some(&|n| !n.first.came && n.last.went);
    let mut sql = Sql::new(spec.table, "INSERT INTO ");
    sql.push(spec.table).push(" (fid, ").push_list(spec.columns).push(") SELECT e.fid");
    for column in spec.columns {
        sql.push(", ");
        before(&mut sql, column);
    }
    sql.push(" FROM foreign_edits AS e WHERE e.seq IN (SELECT value FROM json_each(");
    sql.bind(list(gone.iter().map(|n| n.first.seq))).push("))");
    session.execute(sql).await.map(drop)
}

/// A cell as it was before the edit `e`.
fn before(sql: &mut Sql, column: &'static str) {
    match column {
        "geom" => sql.push("e.before_geom"),
        _ => sql.push("json_extract(e.before_row, '$.").push(column).push("')"),
    };
}

/// A logged row's cells, by the layer's columns.
fn cells(layer: Layer, row: Option<&serde_json::Value>, geometry: Option<Vec<u8>>) -> Vec<Value> {
    let spec = layer.spec();
    let cell = |column: &&'static str| match row.and_then(|r| r.get(*column)) {
        _ if *column == "geom" => match geometry.as_deref().map(super::wkb::read) {
            Some(Ok(shape)) => Value::Shape(Some(super::wkb::to_wkb(&shape))),
            _ => Value::Shape(None),
        },
        Some(serde_json::Value::String(text)) => Value::from(text.as_str()),
        Some(serde_json::Value::Number(n)) => n.as_i64().map_or_else(|| Value::Real(n.as_f64()), Value::from),
        Some(serde_json::Value::Bool(b)) => Value::from(*b),
        _ => Value::Text(None),
    };
    spec.columns.iter().map(cell).collect()
}

/// Checks rows that carry no sum and seals them.
async fn seal(session: &mut dyn Session, layer: Layer, nets: &[Net<'_>]) -> Result<(), StoreError> {
    let spec = layer.spec();
    for some in nets.chunks(BATCH) {
        let mut sql = Sql::new(spec.table, "SELECT fid, ");
        sql.push_list(spec.columns).push(", row_version FROM ").push(spec.table);
        sql.push(" WHERE row_sum IS NULL AND fid IN (SELECT value FROM json_each(");
        sql.bind(list(some.iter().map(Net::fid))).push("))");
        let mut sums: Vec<serde_json::Value> = Vec::with_capacity(some.len());
        for mut row in session.many_rows(sql).await? {
            let fid: i64 = row.take()?;
            let row = layer.read(&mut row)?;
            let values = row.values();
            rules::check(&row, &values)?;
            let version = row.row_version().max(1);
            sums.push(serde_json::json!([fid, version, sum_of(layer, &values, version)]));
        }
        let mut sql = Sql::new(spec.table, "UPDATE ");
        sql.push(spec.table)
            .push(" SET row_version = json_extract(s.value, '$[1]'), row_sum = json_extract(s.value, '$[2]')");
        sql.push(" FROM json_each(").bind(serde_json::Value::from(sums).to_string()).push(") AS s WHERE ");
        sql.push(spec.table).push(".fid = json_extract(s.value, '$[0]')");
        session.execute(sql).await?;
    }
    Ok(())
}

/// What was to be accepted must leave nothing behind that names a row which is gone.
async fn leaves_no_orphans(session: &mut dyn Session, layer: Layer, nets: &[Net<'_>]) -> Result<(), StoreError> {
    let spec = layer.spec();
    if !matches!(layer, Layer::Buildings | Layer::Regions) {
        return Ok(());
    }
    let mut sql = Sql::new(spec.table, "SELECT k.value FROM json_each(");
    sql.bind(list(nets.iter().filter_map(Net::key))).push(") AS k LEFT JOIN ").push(spec.table).push(" AS t ON t.");
    sql.push(spec.key).push(" = k.value WHERE t.").push(spec.key).push(" IS NULL ORDER BY k.key");
    let gone: Vec<String> = session.many_rows(sql).await?.iter_mut().map(Row::take).collect::<Result<_, _>>()?;
    if layer == Layer::Regions {
        for key in &gone {
            not_in_use(session, key).await?;
        }
        return Ok(());
    }
    let mut lives = Sql::new("households", "SELECT building, count(*) FROM households WHERE building");
    lives.in_list(session.dialect(), gone.iter().map(String::as_str));
    lives.push(" GROUP BY building ORDER BY building LIMIT 1");
    let Some(mut home) = session.row(lives).await? else { return Ok(()) };
    let (id, n): (String, i64) = (home.take()?, home.take()?);
    let what =
        format!("楼栋里还有 {n} 户住户，不能确认，可撤回 / {n} households still live in it: it can only be taken back");
    Err(StoreError::Constraint { layer: spec.table, id, what })
}

/// A side of an edit: when it was made, the row, its shape.
type Side = (String, Option<serde_json::Value>, Option<Vec<u8>>);

/// One side of edits, by their numbers.
async fn sides(
    session: &mut dyn Session,
    text: &'static str,
    seqs: impl Iterator<Item = u64>,
) -> Result<BTreeMap<u64, Side>, StoreError> {
    let mut sql = Sql::new("foreign_edits", text);
    sql.push(" FROM foreign_edits WHERE seq IN (SELECT value FROM json_each(").bind(list(seqs)).push("))");
    let read = |row: &mut Row| Ok((row.take()?, (row.take()?, json(row.take()?), row.take()?)));
    session.many_rows(sql).await?.iter_mut().map(read).collect()
}

/// Writes what accepted edits changed, cell by cell, to the log of the register.
async fn log(
    session: &mut dyn Session,
    layer: Layer,
    nets: &[Net<'_>],
    (at, actor): (&str, &str),
) -> Result<(), StoreError> {
    let key = layer.spec().key;
    let key_of = |row: &serde_json::Value| row.get(key).and_then(|k| k.as_str()).unwrap_or_default().to_owned();
    let nothing = serde_json::Value::Null;
    for some in nets.chunks(BATCH) {
        let firsts = some.iter().map(|n| n.first.seq);
        let mut before = sides(session, "SELECT seq, at, before_row, before_geom", firsts).await?;
        let lasts = some.iter().map(|n| n.last.seq);
        let mut after = sides(session, "SELECT seq, at, after_row, after_geom", lasts).await?;
        let mut told = Vec::new();
        for net in some {
            let (Some(was), Some(now)) = (before.remove(&net.first.seq), after.remove(&net.last.seq)) else { continue };
            let reason = format!("{} 由其他软件修改 / edited by another program", now.0);
            let mut tell = |id: &str, column: &str, was: &serde_json::Value, now: &serde_json::Value| {
                told.push(changes::entry((at, actor), (layer, id), column, (was, now), Some(&reason)));
            };
            match (was.1, now.1) {
                (Some(old), Some(new)) => {
                    let id = key_of(&new);
                    let (was, now) = (cells(layer, Some(&old), was.2), cells(layer, Some(&new), now.2));
                    let pairs = layer.spec().columns.iter().zip(was.iter().zip(&now)).filter(|(_, (a, b))| a != b);
                    for (column, (was, now)) in pairs {
                        let [was, now] = [was, now].map(|v| changes::shown(layer, column, v, None));
                        tell(&id, column, &was, &now);
                    }
                }
                (None, Some(new)) => tell(&key_of(&new), changes::WHOLE_ROW, &nothing, &true.into()),
                (Some(old), None) => tell(&key_of(&old), changes::WHOLE_ROW, &true.into(), &nothing),
                (None, None) => {}
            }
        }
        changes::write(session, told).await?;
    }
    Ok(())
}

/// What the audit log keeps of settled edits: which of a few, how many of many. What they changed stands with them and in the log of cells,
/// where a purge finds it.
fn told(marks: &[Mark]) -> String {
    let rows: BTreeMap<&str, usize> = nets(marks).iter().map(|(l, rows)| (l.name(), rows.len())).collect();
    let named: Vec<u64> = marks.iter().map(|m| m.seq).take(audit::MOST_NAMED).collect();
    serde_json::json!({"count": marks.len(), "rows": rows, "edits": named}).to_string()
}

/// Settles the chosen edits, all alike.
pub(super) async fn settle(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    choice: &ForeignChoice,
    accept: bool,
) -> Result<u64, StoreError> {
    scope.need(Right::EditRegister)?;
    if !scope.is_whole() {
        return Err(StoreError::Forbidden {
            role: scope.role().word(),
            operation: "确认外部修改 / settle foreign edits",
        });
    }
    let at = store.now();
    let mut session = store.engine.write().await?;
    let version = register::version(session.as_mut(), true).await?;
    let there = if may_see(session.as_ref(), scope)? { marks(session.as_mut()).await? } else { Vec::new() };
    let marks = chosen(there, choice)?;
    if marks.is_empty() {
        return Ok(0);
    }
    for (layer, nets) in &nets(&marks) {
        if !accept {
            take_back(session.as_mut(), *layer, nets).await?;
        }
        seal(session.as_mut(), *layer, nets).await?;
        if accept {
            leaves_no_orphans(session.as_mut(), *layer, nets).await?;
            log(session.as_mut(), *layer, nets, (&at, actor)).await?;
        }
    }
    let word = if accept { "accepted" } else { "taken back" };
    let mut mark = Sql::new("foreign_edits", "UPDATE foreign_edits SET settled = ");
    mark.bind(word).push(" WHERE seq IN (SELECT value FROM json_each(");
    mark.bind(list(marks.iter().map(|m| m.seq))).push("))");
    session.execute(mark).await?;
    register::bump(session.as_mut(), version + 1).await?;
    let after = Some(told(&marks));
    let operation = if accept { "foreign.accept" } else { "foreign.take_back" };
    let entry = audit::Entry { at: &at, actor, scope, operation, subject: "store", before: None, after };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await?;
    Ok(marks.len() as u64)
}
