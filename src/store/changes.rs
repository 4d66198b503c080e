//! The log of the register's cells: who changed what of a row, when and why.

use sha2::{Digest, Sha256};

use crate::domain::hex;
use crate::domain::wording::move_in_words;

use super::error::StoreError;
use super::messages::{Filter, RowChange};
use super::rows::Layer;
use super::scope::{Right, Scope};
use super::sql::{Session, Sql};
use super::value::{Row, Value};
use super::{insert, register, summed};

/// What stands for the column where a row came or went as a whole.
pub(super) const WHOLE_ROW: &str = "*";

/// Columns that say where a row lies.
const PLACES: [&str; 5] = ["village", "region", "grid", "unit", "parent"];
const COLUMNS: [&str; 9] = ["at", "actor", "layer", "id", "col", "before", "after", "reason", "row_sum"];

/// Whether the log of changes has the rows of a layer that come one by one. A first load of very many it has not: the audit log tells
/// of that, once for all.
pub(super) const fn keeps_arrivals(layer: Layer) -> bool {
    !matches!(layer, Layer::Incidents | Layer::Transitions | Layer::Jobs)
}

/// What the logs show of a cell: of officers' names and phones a salted commitment only.
pub(super) fn shown(layer: Layer, column: &str, value: &Value, salt: Option<&Vec<u8>>) -> serde_json::Value {
    if layer == Layer::Officers && matches!(column, "name" | "phone_sealed") && !value.is_null() {
        let mut sha = Sha256::new();
        sha.update(salt.map(Vec::as_slice).unwrap_or_default());
        sha.update(value.to_json().to_string().as_bytes());
        return serde_json::Value::from(format!("sha256:{}", hex(&sha.finalize())));
    }
    value.to_json()
}

/// One changed cell: when and by whom, of which row, the column, the values before and after, why.
pub(super) fn entry(
    (at, actor): (&str, &str),
    (layer, id): (Layer, &str),
    column: &str,
    (before, after): (&serde_json::Value, &serde_json::Value),
    reason: Option<&str>,
) -> Vec<Value> {
    let mut row: Vec<Value> =
        [at, actor, layer.name(), id, column, &before.to_string(), &after.to_string()].map(Value::from).to_vec();
    row.push(Value::Text(reason.map(str::to_owned)));
    summed::with_sum(row)
}

/// Writes entries.
pub(super) async fn write(session: &mut dyn Session, entries: Vec<Vec<Value>>) -> Result<(), StoreError> {
    insert::rows(session, "register_changes", &COLUMNS, entries).await
}

fn parsed(text: Option<String>) -> serde_json::Value {
    text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
}

/// All changes of a row, the oldest first: of its cells, and of a household's unit by edits of plans in force. Rows outside the scope
/// are not found; one that is gone is looked up in the whole store only.
pub(super) async fn of_row(
    session: &mut dyn Session,
    scope: &Scope,
    layer: Layer,
    id: &str,
) -> Result<Vec<RowChange>, StoreError> {
    scope.need(Right::SeeAudit)?;
    let filter = Filter { ids: Some(vec![id.to_owned()]), limit: Some(1), ..Filter::default() };
    let there = register::count(session, scope, layer, &filter).await? > 0;
    let not_found = || StoreError::NotFound { what: layer.name(), id: id.chars().take(80).collect() };
    if !there && !scope.is_whole() {
        return Err(not_found());
    }
    let cells = "SELECT at, actor, col, before, after, reason FROM register_changes WHERE layer = $1 AND id = $2
                 ORDER BY seq";
    let of_cells = |row: &mut Row| {
        Ok(RowChange {
            at: row.take()?,
            actor: row.take()?,
            operation: "register.change".to_owned(),
            column: row.take()?,
            before: parsed(row.take()?),
            after: parsed(row.take()?),
            reason: row.take()?,
        })
    };
    // where it was before it came: a place outside of the reader's area is not told
    let near = |column: &str, value: serde_json::Value| match value.as_str() {
        Some(code) if PLACES.contains(&column) && !scope.covers(code) => serde_json::Value::Null,
        _ => value,
    };
    let cells = session.rows(Sql::new("register_changes", cells).arg(layer.name()).arg(id)).await?;
    let mut all = cells.into_iter().map(|mut r| of_cells(&mut r)).collect::<Result<Vec<_>, StoreError>>()?;
    for change in &mut all {
        change.before = near(&change.column, std::mem::take(&mut change.before));
        change.after = near(&change.column, std::mem::take(&mut change.after));
    }
    if layer == Layer::Households {
        let moves = "SELECT m.at, e.actor, e.kind, m.unit_before, m.unit_after, e.operation, p.id, e.seq
                     FROM membership_moves m
                     JOIN plan_edits e ON e.plan_no = m.plan_no AND e.seq = m.seq
                     JOIN plans p ON p.no = m.plan_no WHERE m.household = $1
                     ORDER BY m.at, m.plan_no, m.seq";
        for mut row in session.rows(Sql::new("membership_moves", moves).arg(id)).await? {
            let (at, actor, kind): (String, String, String) = (row.take()?, row.take()?, row.take()?);
            let (before, after): (Option<String>, Option<String>) = (row.take()?, row.take()?);
            let operation = parsed(row.take()?);
            let (plan, seq): (String, u64) = (row.take()?, row.take()?);
            // a household that came from elsewhere: the units it had there are not told here
            let seen = |unit: Option<String>| unit.filter(|u| scope.covers(u));
            let (was, is) = (before.is_some() || after.is_some(), (seen(before), seen(after)));
            if was && is == (None, None) {
                continue;
            }
            let (before, after) = is;
            let reason = move_in_words(&kind, &operation, (&plan, seq), &actor);
            all.push(RowChange {
                at,
                actor,
                operation: format!("plan.{kind}"),
                column: "unit".to_owned(),
                before: before.into(),
                after: after.into(),
                reason: Some(reason),
            });
        }
    }
    if all.is_empty() && !there {
        return Err(not_found());
    }
    all.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(all)
}
