//! Incidents as they are looked for.

use crate::domain::incident::State;
use crate::domain::register::{IncidentRow, IncidentTransition};
use crate::store::error::StoreError;
use crate::store::messages::Filter;
use crate::store::register;
use crate::store::rows::{Layer, RegisterRow};
use crate::store::scope::Scope;
use crate::store::sql::{Dialect, Session, Sql};

use super::{IncidentCursor, IncidentFilter, IncidentOrder, IncidentPage, NearOfficer};

/// Most incidents of a page.
const LONGEST_PAGE: u32 = 1_000;

fn incident(row: RegisterRow) -> Option<IncidentRow> {
    match row {
        RegisterRow::Incidents(row) => Some(row),
        _ => None,
    }
}

/// Words of states, as files may have brought them too.
fn words(which: impl Fn(State) -> bool) -> Vec<&'static str> {
    State::ALL.iter().filter(|s| which(**s)).flat_map(|s| [s.word(), s.name()]).collect()
}

/// ` state IN (those that are open)`.
pub(super) fn is_open(sql: &mut Sql, dialect: Dialect) {
    // whatever is not known to be over is still to be done
    sql.push("NOT state").in_list(dialect, words(|s| !s.is_open()));
}

/// ` (the due time runs and is over)`.
pub(super) fn is_overdue(sql: &mut Sql, dialect: Dialect, now: &str) {
    sql.push("(coalesce(due_at < ").bind(now).push(", FALSE) AND NOT state");
    sql.in_list(dialect, words(|s| !s.is_running())).push(")");
}

/// ` WHERE …` for a scope and a filter.
pub(super) fn conditions(
    sql: &mut Sql,
    dialect: Dialect,
    scope: &Scope,
    filter: &IncidentFilter,
) -> Result<(), StoreError> {
    let common = Filter { region: filter.region.clone(), bbox_deg: filter.bbox_deg, ..Filter::default() };
    register::conditions(sql, dialect, Layer::Incidents, scope, &common)?;
    for (column, wanted) in [(" AND grid", &filter.grid), (" AND unit", &filter.unit)] {
        match wanted.as_deref() {
            None => {}
            Some("") => {
                sql.push(column).push(" IS NULL");
            }
            Some(code) => {
                sql.push(column).push(" = ").bind(code);
            }
        }
    }
    for (column, wanted) in
        [(" AND category", &filter.categories), (" AND level", &filter.levels), (" AND state", &filter.states)]
    {
        if let Some(list) = wanted {
            sql.push(column).in_list(dialect, list.iter().map(String::as_str));
        }
    }
    if let Some(open) = filter.open {
        sql.push(if open { " AND " } else { " AND NOT " });
        is_open(sql, dialect);
    }
    if let Some(overdue) = filter.overdue {
        sql.push(if overdue { " AND " } else { " AND NOT " });
        is_overdue(sql, dialect, &filter.now);
    }
    if let Some(from) = &filter.from {
        sql.push(" AND occurred_at >= ").bind(from.as_str());
    }
    if let Some(to) = &filter.to {
        sql.push(" AND occurred_at < ").bind(to.as_str());
    }
    Ok(())
}

/// A page.
pub(super) async fn page(
    session: &mut dyn Session,
    scope: &Scope,
    filter: &IncidentFilter,
    (order, after): (IncidentOrder, Option<&IncidentCursor>),
    limit: u32,
) -> Result<IncidentPage, StoreError> {
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(StoreError::BadArgument { name: "limit", what: format!("{limit}: 1–{LONGEST_PAGE}") });
    }
    let mut count = Sql::new("incidents", "SELECT count(*) FROM incidents");
    conditions(&mut count, session.dialect(), scope, filter)?;
    let number_matched = session.one(count).await?;
    let mut sql = register::select(Layer::Incidents, false);
    conditions(&mut sql, session.dialect(), scope, filter)?;
    let (beyond, sorted) = match order {
        IncidentOrder::Newest => (" < (", " ORDER BY occurred_at DESC, id DESC LIMIT "),
        IncidentOrder::Oldest => (" > (", " ORDER BY occurred_at, id LIMIT "),
    };
    if let Some((at, id)) = after {
        sql.push(" AND (occurred_at, id)").push(beyond).bind(at.as_str()).push(", ").bind(id.as_str()).push(")");
    }
    sql.push(sorted).bind(i64::from(limit) + 1);
    let mut rows = Vec::new();
    for mut row in session.rows(sql).await? {
        rows.extend(incident(Layer::Incidents.read(&mut row)?));
    }
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|r| (r.occurred_at.clone(), r.id.clone()));
    Ok(IncidentPage { rows, next, number_matched })
}

/// One incident of the scope; to write, others wait.
pub(super) async fn one(
    session: &mut dyn Session,
    scope: &Scope,
    id: &str,
    to_write: bool,
) -> Result<IncidentRow, StoreError> {
    let mut sql = register::select(Layer::Incidents, false);
    register::conditions(&mut sql, session.dialect(), Layer::Incidents, scope, &Filter::default())?;
    sql.push(" AND id = ").bind(id);
    if to_write {
        sql.push(session.for_update());
    }
    let found = match session.row(sql).await? {
        Some(mut row) => incident(Layer::Incidents.read(&mut row)?),
        None => None,
    };
    found.ok_or_else(|| StoreError::NotFound { what: "事件 / incident", id: id.chars().take(80).collect() })
}

/// Steps of an incident, the first one first.
pub(super) async fn steps(session: &mut dyn Session, id: &str) -> Result<Vec<IncidentTransition>, StoreError> {
    let mut sql = register::select(Layer::Transitions, false);
    sql.push(" WHERE incident = ").bind(id).push(" ORDER BY fid");
    let mut steps = Vec::new();
    for mut row in session.rows(sql).await? {
        if let RegisterRow::Transitions(step) = Layer::Transitions.read(&mut row)? {
            steps.push(step);
        }
    }
    Ok(steps)
}

/// Officers in office of some grids and units; their names stay where they are.
pub(super) async fn officers(
    session: &mut dyn Session,
    scope: &Scope,
    codes: &[String],
) -> Result<Vec<NearOfficer>, StoreError> {
    let mut sql = Sql::new("officers", "SELECT id, region, role FROM officers WHERE ");
    sql.in_scope("region", scope).push(" AND valid_to IS NULL AND region");
    sql.in_list(session.dialect(), codes.iter().map(String::as_str)).push(" ORDER BY role, id");
    let mut found = Vec::new();
    for mut row in session.rows(sql).await? {
        found.push(NearOfficer { id: row.take()?, region: row.take()?, role: row.take()? });
    }
    Ok(found)
}
