//! Edits that another program made in the file while the service was stopped: seen, then accepted or taken back.

use std::collections::{BTreeMap, BTreeSet};

use super::error::StoreError;
use super::import::{bump, not_in_use, shown, sum_of};
use super::messages::{ForeignChoice, ForeignEdit};
use super::rows::Layer;
use super::scope::{Right, Scope};
use super::sql::{Dialect, Session, Sql};
use super::value::{Row, Value};
use super::{SqlStore, audit, changes, register, rules};

fn json(text: Option<String>) -> Option<serde_json::Value> {
    text.and_then(|t| serde_json::from_str(&t).ok())
}

/// Edits nobody has settled, by number. PostGIS has none: there a GIS has a role of its own, without the right to write.
pub(super) async fn list(session: &mut dyn Session, scope: &Scope) -> Result<Vec<ForeignEdit>, StoreError> {
    scope.need(Right::EditRegister)?;
    if session.dialect() == Dialect::Postgres || !scope.is_whole() {
        return Ok(Vec::new());
    }
    open(session).await
}

/// The same of a GeoPackage, whoever asks.
pub(super) async fn open(session: &mut dyn Session) -> Result<Vec<ForeignEdit>, StoreError> {
    let sql = "SELECT seq, at, layer, operation, fid, id, before_row, after_row, before_geom IS NOT after_geom
               FROM foreign_edits WHERE settled IS NULL ORDER BY seq";
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
    session.rows(Sql::new("foreign_edits", sql)).await?.iter_mut().map(read).collect()
}

/// The chosen edits. All of a row go together, for what comes later was made on what came before.
fn chosen(mut all: Vec<ForeignEdit>, choice: &ForeignChoice) -> Result<Vec<ForeignEdit>, StoreError> {
    let of_layer = |e: &ForeignEdit| choice.layer.is_none_or(|l| l.name() == e.layer);
    for id in choice.ids.iter().flatten() {
        if !all.iter().any(|e| of_layer(e) && e.is_of(id)) {
            return Err(StoreError::NotFound {
                what: "待确认的修改 / open edit", id: id.chars().take(80).collect()
            });
        }
    }
    let seen = |e: &ForeignEdit| choice.up_to.is_none_or(|seq| e.seq <= seq);
    let named = |e: &ForeignEdit| choice.ids.as_ref().is_none_or(|ids| ids.iter().any(|id| e.is_of(id)));
    let rows: BTreeSet<(String, i64)> =
        all.iter().filter(|e| of_layer(e) && named(e) && seen(e)).map(|e| (e.layer.clone(), e.row)).collect();
    all.retain(|e| rows.contains(&(e.layer.clone(), e.row)));
    if let Some(later) = all.iter().find(|e| !seen(e)) {
        let what = format!("第{}号修改之后又被改过，请重新查看 / edited again since, look again", later.seq);
        let layer = Layer::named(&later.layer).map_or("foreign_edits", Layer::name);
        return Err(StoreError::Constraint { layer, id: later.id.clone().unwrap_or_default(), what });
    }
    Ok(all)
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

/// The shape before an edit, or after it, as the file has it.
async fn geometry(session: &mut dyn Session, seq: u64, after: bool) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = if after {
        "SELECT after_geom FROM foreign_edits WHERE seq = $1"
    } else {
        "SELECT before_geom FROM foreign_edits WHERE seq = $1"
    };
    session.one(Sql::new("foreign_edits", sql).arg(seq)).await
}

/// Puts a row back as it was before the edit.
async fn take_back(session: &mut dyn Session, edit: &ForeignEdit, layer: Layer) -> Result<(), StoreError> {
    let spec = layer.spec();
    let fid = edit.row;
    if edit.operation == "insert" {
        let mut sql = Sql::new(spec.table, "DELETE FROM ");
        sql.push(spec.table).push(" WHERE fid = ").bind(fid);
        return session.execute(sql).await.map(drop);
    }
    let geometry = geometry(session, edit.seq, false).await?;
    let values = cells(layer, edit.before.as_ref(), geometry);
    let mut sql = Sql::new(spec.table, if edit.operation == "delete" { "INSERT INTO " } else { "UPDATE " });
    sql.push(spec.table);
    if edit.operation == "delete" {
        sql.push(" (fid, ").push_list(spec.columns).push(") VALUES (").bind(fid);
        for value in values {
            sql.push(", ").bind(value);
        }
        sql.push(")");
    } else {
        for (i, (column, value)) in spec.columns.iter().zip(values).enumerate() {
            sql.push(if i == 0 { " SET " } else { ", " }).push(column).push(" = ").bind(value);
        }
        sql.push(" WHERE fid = ").bind(fid);
    }
    session.execute(sql).await.map(drop)
}

/// Checks rows that carry no sum and seals them.
async fn seal(session: &mut dyn Session, layer: Layer, rows: &BTreeSet<i64>) -> Result<(), StoreError> {
    let spec = layer.spec();
    let mut sql = register::select(layer, true);
    let rows: Vec<i64> = rows.iter().copied().collect();
    let list = serde_json::Value::from(rows).to_string();
    sql.push(" WHERE row_sum IS NULL AND fid IN (SELECT value FROM json_each(").bind(list).push("))");
    for mut row in session.rows(sql).await? {
        let row = layer.read(&mut row)?;
        let values = row.values();
        rules::check(&row, &values)?;
        let version = row.row_version().max(1);
        let mut sql = Sql::new(spec.table, "UPDATE ");
        sql.push(spec.table).push(" SET row_version = ").bind(version);
        sql.push(", row_sum = ").bind(sum_of(layer, &values, version));
        sql.push(" WHERE ").push(spec.key).push(" = ").bind(row.key());
        session.execute(sql).await?;
    }
    Ok(())
}

/// What was to be accepted must leave nothing behind that names a row which is gone.
async fn leaves_no_orphans(session: &mut dyn Session, layer: Layer, key: &str) -> Result<(), StoreError> {
    let spec = layer.spec();
    let mut there = Sql::new(spec.table, "SELECT count(*) FROM ");
    there.push(spec.table).push(" WHERE ").push(spec.key).push(" = ").bind(key);
    if session.one::<i64>(there).await? > 0 {
        return Ok(());
    }
    match layer {
        Layer::Buildings => {
            let lives = Sql::new("households", "SELECT count(*) FROM households WHERE building = $1").arg(key);
            match session.one::<i64>(lives).await? {
                0 => Ok(()),
                n => Err(StoreError::Constraint {
                    layer: spec.table,
                    id: key.to_owned(),
                    what: format!(
                        "楼栋里还有 {n} 户住户，不能确认，可撤回 / {n} households still live in it: it can only be taken back"
                    ),
                }),
            }
        }
        Layer::Regions => not_in_use(session, key).await,
        _ => Ok(()),
    }
}

/// What an accepted row's edits changed, cell by cell, for the log of the register.
async fn log(
    session: &mut dyn Session,
    layer: Layer,
    edits: &[&ForeignEdit],
    (at, actor): (&str, &str),
) -> Result<Vec<Vec<Value>>, StoreError> {
    let (Some(first), Some(last)) = (edits.first(), edits.last()) else { return Ok(Vec::new()) };
    let reason = format!("{} 由其他软件修改 / edited by another program", last.at);
    let entry = |id: &str, column: &str, before: &serde_json::Value, after: &serde_json::Value| {
        changes::entry((at, actor), (layer, id), column, (before, after), Some(&reason))
    };
    let (before, after) = (first.before.as_ref(), last.after.as_ref());
    let key = layer.spec().key;
    let key_of = |row: &serde_json::Value| row.get(key).and_then(|k| k.as_str()).unwrap_or_default().to_owned();
    let nothing = serde_json::Value::Null;
    Ok(match (before, after) {
        (Some(before), Some(after)) => {
            let id = key_of(after);
            let was = cells(layer, Some(before), geometry(session, first.seq, false).await?);
            let now = cells(layer, Some(after), geometry(session, last.seq, true).await?);
            let pairs = layer.spec().columns.iter().zip(was.iter().zip(&now)).filter(|(_, (a, b))| a != b);
            pairs
                .map(|(column, (was, now))| {
                    let [was, now] = [was, now].map(|v| shown(layer, column, v, None));
                    entry(&id, column, &was, &now)
                })
                .collect()
        }
        (None, Some(after)) => vec![entry(&key_of(after), changes::WHOLE_ROW, &nothing, &true.into())],
        (Some(before), None) => vec![entry(&key_of(before), changes::WHOLE_ROW, &true.into(), &nothing)],
        (None, None) => Vec::new(),
    })
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
    let edits = chosen(list(session.as_mut(), scope).await?, choice)?;
    if edits.is_empty() {
        return Ok(0);
    }
    if !accept {
        // the last is taken back first
        for edit in edits.iter().rev() {
            if let Some(layer) = Layer::named(&edit.layer) {
                take_back(session.as_mut(), edit, layer).await?;
            }
        }
    }
    let mut by_layer: BTreeMap<Layer, BTreeMap<i64, Vec<&ForeignEdit>>> = BTreeMap::new();
    for edit in &edits {
        if let Some(layer) = Layer::named(&edit.layer) {
            by_layer.entry(layer).or_default().entry(edit.row).or_default().push(edit);
        }
    }
    for (layer, rows) in &by_layer {
        seal(session.as_mut(), *layer, &rows.keys().copied().collect()).await?;
        if !accept {
            continue;
        }
        let mut told = Vec::new();
        for of_row in rows.values() {
            let first = of_row.first().filter(|e| e.before.is_some());
            if let Some(key) = first.and_then(|e| e.id.as_deref()) {
                leaves_no_orphans(session.as_mut(), *layer, key).await?;
            }
            told.extend(log(session.as_mut(), *layer, of_row, (&at, actor)).await?);
        }
        changes::write(session.as_mut(), told).await?;
    }
    let word = if accept { "accepted" } else { "taken back" };
    let numbers: Vec<u64> = edits.iter().map(|e| e.seq).collect();
    let mut mark = Sql::new("foreign_edits", "UPDATE foreign_edits SET settled = ");
    mark.bind(word).push(" WHERE seq IN (SELECT value FROM json_each(");
    mark.bind(serde_json::Value::from(numbers).to_string()).push("))");
    session.execute(mark).await?;
    bump(session.as_mut(), version + 1).await?;
    // which ones: what they changed stands with them, and may be longer than an entry should be
    let named: Vec<u64> = edits.iter().map(|e| e.seq).take(audit::MOST_NAMED).collect();
    let list = Some(serde_json::json!({"count": edits.len(), "edits": named}).to_string());
    let operation = if accept { "foreign.accept" } else { "foreign.take_back" };
    let entry = audit::Entry { at: &at, actor, scope, operation, subject: "store", before: None, after: list };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await?;
    Ok(edits.len() as u64)
}
