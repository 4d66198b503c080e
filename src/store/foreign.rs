//! Edits that another program made in the file while the service was stopped: seen, then accepted or taken back.

use super::error::StoreError;
use super::import::{bump, sum_of};
use super::messages::ForeignEdit;
use super::rows::Layer;
use super::scope::{Right, Scope};
use super::sql::{Dialect, Session, Sql};
use super::value::{Row, Value};
use super::{SqlStore, audit, register, rules};

fn json(text: Option<String>) -> Option<serde_json::Value> {
    text.and_then(|t| serde_json::from_str(&t).ok())
}

/// Edits nobody has settled, by number. PostGIS has none: there a GIS has a role of its own, without the right to write.
pub(super) async fn list(session: &mut dyn Session, scope: &Scope) -> Result<Vec<ForeignEdit>, StoreError> {
    scope.need(Right::EditRegister)?;
    if session.dialect() == Dialect::Postgres || !scope.is_whole() {
        return Ok(Vec::new());
    }
    let sql = "SELECT seq, at, layer, operation, id, before_row, after_row, before_geom IS NOT after_geom
               FROM foreign_edits WHERE settled IS NULL ORDER BY seq";
    let read = |row: &mut Row| {
        Ok(ForeignEdit {
            seq: row.take()?,
            at: row.take()?,
            layer: row.take()?,
            operation: row.take()?,
            id: row.take()?,
            before: json(row.take()?),
            after: json(row.take()?),
            moved: row.take()?,
        })
    };
    session.rows(Sql::new("foreign_edits", sql)).await?.iter_mut().map(read).collect()
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

/// Puts a row back as it was before the edit.
async fn take_back(session: &mut dyn Session, edit: &ForeignEdit, layer: Layer, fid: i64) -> Result<(), StoreError> {
    let spec = layer.spec();
    if edit.operation == "insert" {
        let mut sql = Sql::new(spec.table, "DELETE FROM ");
        sql.push(spec.table).push(" WHERE fid = ").bind(fid);
        return session.execute(sql).await.map(drop);
    }
    let geometry = Sql::new("foreign_edits", "SELECT before_geom FROM foreign_edits WHERE seq = $1").arg(edit.seq);
    let geometry: Option<Vec<u8>> = session.one(geometry).await?;
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

/// Checks the rows of a layer that carry no sum and seals them.
async fn seal(session: &mut dyn Session, layer: Layer) -> Result<(), StoreError> {
    let spec = layer.spec();
    let mut sql = register::select(layer, true);
    sql.push(" WHERE row_sum IS NULL");
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

/// Settles edits up to a number, all alike.
pub(super) async fn settle(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    up_to: u64,
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
    let mut edits = list(session.as_mut(), scope).await?;
    edits.retain(|e| e.seq <= up_to);
    // the last is taken back first
    for edit in edits.iter().rev() {
        let Some(layer) = Layer::named(&edit.layer) else { continue };
        let fid = Sql::new("foreign_edits", "SELECT fid FROM foreign_edits WHERE seq = $1").arg(edit.seq);
        let fid: i64 = session.one(fid).await?;
        if !accept {
            take_back(session.as_mut(), edit, layer, fid).await?;
        }
    }
    for layer in [Layer::Regions, Layer::Buildings, Layer::Centres, Layer::Barriers, Layer::OldNets] {
        if edits.iter().any(|e| e.layer == layer.name()) {
            seal(session.as_mut(), layer).await?;
        }
    }
    if edits.is_empty() {
        return Ok(0);
    }
    let word = if accept { "accepted" } else { "taken back" };
    let mark = "UPDATE foreign_edits SET settled = $1 WHERE settled IS NULL AND seq <= $2";
    session.execute(Sql::new("foreign_edits", mark).arg(word).arg(up_to)).await?;
    bump(session.as_mut(), version + 1).await?;
    let list = serde_json::to_string(&edits).ok();
    let operation = if accept { "foreign.accept" } else { "foreign.take_back" };
    let entry = audit::Entry { at: &at, actor, scope, operation, subject: "store", before: None, after: list };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await?;
    Ok(edits.len() as u64)
}
