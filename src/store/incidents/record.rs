//! Incidents coming in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::domain::hex;
use crate::domain::incident::{State, dictionary::EMERGENCY};
use crate::domain::register::IncidentRow;
use crate::store::error::StoreError;
use crate::store::messages::Idempotency;
use crate::store::rows::{Layer, RegisterRow, sum_of};
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Dialect, Session, Sql};
use crate::store::value::Value;
use crate::store::{SqlStore, alerts, audit, idempotency, insert, register, rules};

use super::home::{Home, Homes};
use super::{IncidentRecord, NewIncident, Recorded, RefusedIncident};

/// What the log, and with it everybody who listens, is told of an incident: where and what, never its words.
pub(super) fn told(row: &IncidentRow) -> Json {
    json!({
        "region": row.region, "grid": row.grid, "unit": row.unit, "level": row.level, "category": row.category,
        "state": row.state, "emergency": row.category == EMERGENCY, "occurred_at": row.occurred_at,
        "version": row.row_version,
    })
}

/// Requests with one key come one after the other; SQLite has one writer anyway.
pub(super) async fn hold_key(
    session: &mut dyn Session,
    actor: &str,
    key: Option<&Idempotency>,
) -> Result<(), StoreError> {
    let (Some(key), Dialect::Postgres) = (key, session.dialect()) else { return Ok(()) };
    let sql = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended($1, 1))) AS held";
    session.rows(Sql::new("idempotency", sql).arg(format!("{actor} {}", key.key))).await.map(drop)
}

/// Publications wait until what is being recorded is in: otherwise it would keep the grid of the plan before.
async fn hold_plans(session: &mut dyn Session) -> Result<(), StoreError> {
    if session.dialect() == Dialect::Postgres {
        let lock = "SELECT 1 FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended('lianhu.publish', 0))) AS held";
        session.rows(Sql::new("publish", lock)).await?;
    }
    Ok(())
}

/// Incidents that are there already, by id and by source.
#[derive(Default)]
struct There {
    by_id: BTreeMap<String, IncidentRow>,
    by_source: BTreeMap<(String, String), String>,
}

impl There {
    async fn read(session: &mut dyn Session, incidents: &[NewIncident]) -> Result<Self, StoreError> {
        let mut there = Self::default();
        let ids: Vec<&str> = incidents.iter().filter_map(|i| i.id.as_deref()).collect();
        let sources: Vec<&str> = incidents.iter().filter_map(|i| Some(i.source.as_ref()?.1.as_str())).collect();
        for (column, list) in [("id", ids), ("source_id", sources)] {
            if list.is_empty() {
                continue;
            }
            let mut sql = register::select(Layer::Incidents, false);
            sql.push(" WHERE ").push(column).in_list(session.dialect(), list);
            for mut row in session.rows(sql).await? {
                if let RegisterRow::Incidents(row) = Layer::Incidents.read(&mut row)? {
                    there.note(row);
                }
            }
        }
        Ok(there)
    }

    fn note(&mut self, row: IncidentRow) {
        if let (Some(source), Some(id)) = (&row.source, &row.source_id) {
            self.by_source.insert((source.clone(), id.clone()), row.id.clone());
        }
        self.by_id.insert(row.id.clone(), row);
    }

    /// The incident that a new one is, if it came before.
    fn find(&self, wish: &NewIncident) -> Option<&IncidentRow> {
        let by_source = wish.source.as_ref().and_then(|s| self.by_source.get(s));
        self.by_id.get(by_source.or(wish.id.as_ref())?)
    }
}

/// Whether what came before says the same. What the flow changed since does not count.
fn is_same(row: &IncidentRow, wish: &NewIncident) -> bool {
    let of_row = (&row.category, &row.dispute, &row.occurred_at, &row.summary, &row.place);
    of_row == (&wish.category, &wish.dispute, &wish.occurred_at, &wish.summary, &wish.place)
        && wish.id.as_ref().is_none_or(|id| *id == row.id)
}

type Fault = (&'static str, String);

/// Codes of an incident: its place says them as far as it agrees with the region that was named.
fn codes(home: Home, named: Option<&String>, fallback: Option<&String>) -> Result<(String, Home), Fault> {
    match (home.village.clone(), named) {
        (Some(village), None) => Ok((village, home)),
        (Some(village), Some(named)) if village.starts_with(named.as_str()) => Ok((village, home)),
        (_, Some(named)) => Ok((named.clone(), Home::default())),
        (None, None) => match fallback {
            Some(region) => Ok((region.clone(), Home::default())),
            None => Err((
                "region",
                "地点不在任何村界内，须给出 region / the place lies in no village: name a region".to_owned(),
            )),
        },
    }
}

/// The division of those who know no better: their own area's, or the one around all there are.
async fn fallback(session: &mut dyn Session, scope: &Scope) -> Result<Option<String>, StoreError> {
    if let [prefix] = scope.prefixes()
        && !prefix.is_empty()
    {
        return Ok(Some(prefix.get(..12).unwrap_or(prefix).to_owned()));
    }
    let mut sql = Sql::new("regions", "SELECT min(code), max(code) FROM regions WHERE ");
    sql.in_scope("code", scope);
    let Some(mut row) = session.row(sql).await? else { return Ok(None) };
    let (first, last): (Option<String>, Option<String>) = (row.take()?, row.take()?);
    Ok(first.zip(last).and_then(|(first, last)| common(&first, &last)))
}

/// The division that two codes, and all between them, lie in.
fn common(first: &str, last: &str) -> Option<String> {
    let same = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    let cut = [12, 9, 6, 4, 2].into_iter().find(|l| *l <= same)?;
    first.get(..cut).map(str::to_owned)
}

/// Judges one incident and makes its row.
async fn row_of(
    session: &mut dyn Session,
    homes: &mut Homes,
    scope: &Scope,
    wish: &NewIncident,
    (id, fallback): (String, Option<&String>),
) -> Result<Result<IncidentRow, Fault>, StoreError> {
    let home = match wish.place {
        Some(p) if !(p.lon_deg.abs() <= 180.0 && p.lat_deg.abs() <= 90.0) => {
            let what = format!("{}, {}: 经度,纬度 / lon, lat", p.lon_deg, p.lat_deg);
            return Ok(Err(("at", what)));
        }
        Some(p) => homes.of(session, p).await?,
        None => Home::default(),
    };
    if wish.place.is_none() && wish.region.is_none() {
        return Ok(Err(("at", "须给出 at 或 region / at or region is wanted".to_owned())));
    }
    let (region, home) = match codes(home, wish.region.as_ref(), fallback) {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    if !scope.covers_incident(&region, home.grid.as_deref(), home.unit.as_deref()) {
        let field = if wish.region.is_some() { "region" } else { "at" };
        return Ok(Err((field, "在您的辖区之外 / outside your area".to_owned())));
    }
    let (source, source_id) = wish.source.clone().unzip();
    let row = IncidentRow {
        id,
        region,
        grid: home.grid,
        unit: home.unit,
        category: wish.category.clone(),
        dispute: wish.dispute.clone(),
        level: wish.level.clone(),
        state: State::Reported.word().to_owned(),
        occurred_at: wish.occurred_at.clone(),
        due_at: wish.due_at.clone(),
        summary: wish.summary.clone(),
        place: wish.place,
        source,
        source_id,
        row_version: 1,
    };
    let as_row = RegisterRow::Incidents(row);
    match (rules::check(&as_row, &as_row.values()), as_row) {
        (Ok(()), RegisterRow::Incidents(row)) => Ok(Ok(row)),
        (Err(StoreError::Constraint { what, .. }), _) => Ok(Err(("incident", what))),
        (Err(e), _) => Err(e),
        (Ok(()), _) => Err(StoreError::Internal { code: "incident".to_owned() }),
    }
}

/// Records incidents.
pub(super) async fn record(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    request: &IncidentRecord,
) -> Result<Recorded, StoreError> {
    scope.need(Right::HandleIncidents)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    let session_ref = session.as_mut();
    hold_key(session_ref, actor, request.idempotency.as_ref()).await?;
    if let Some(answer) = idempotency::find(session_ref, actor, request.idempotency.as_ref()).await? {
        return Ok(answer);
    }
    hold_plans(session_ref).await?;
    let mut there = There::read(session_ref, &request.incidents).await?;
    let fallback = fallback(session_ref, scope).await?;
    let (mut homes, mut done, mut fresh) = (Homes::default(), Recorded::default(), Vec::new());
    let mut new_ids = BTreeSet::new();
    for (index, wish) in request.incidents.iter().enumerate() {
        let refuse = |(field, detail): Fault| RefusedIncident { index, field: field.to_owned(), detail };
        if let Some(row) = there.find(wish) {
            let visible = scope.covers_incident(&row.region, row.grid.as_deref(), row.unit.as_deref());
            if visible && (wish.source.is_some() || is_same(row, wish)) {
                done.unchanged += 1;
                done.ids.push(row.id.clone());
            } else {
                let what = "编号已用于另一事件 / the id is of another incident".to_owned();
                done.refused.push(refuse(("id", what)));
            }
            continue;
        }
        let id = wish.id.clone().unwrap_or_else(|| store.random_id());
        match row_of(session_ref, &mut homes, scope, wish, (id, fallback.as_ref())).await? {
            Err(fault) => done.refused.push(refuse(fault)),
            Ok(row) => {
                done.created += 1;
                done.unassigned += u64::from(row.grid.is_none());
                done.ids.push(row.id.clone());
                new_ids.insert(row.id.clone());
                there.note(row.clone());
                fresh.push(row);
            }
        }
    }
    if !done.refused.is_empty() && !request.partial {
        return Ok(Recorded { refused: done.refused, ..Recorded::default() });
    }
    done.stored = true;
    write(session_ref, &fresh).await?;
    if request.as_bulk {
        done.ids.clear();
    }
    log(session_ref, scope, actor, &at, (&fresh, request.as_bulk)).await?;
    let alarms = request.alarm.iter().flat_map(|alarm| fresh.iter().filter_map(|row| (alarm.0)(row))).collect();
    alerts::open(store, session_ref, (scope, actor, &at), alarms).await?;
    idempotency::keep(session_ref, actor, request.idempotency.as_ref(), &at, &done).await?;
    session.commit().await?;
    Ok(done)
}

async fn write(session: &mut dyn Session, fresh: &[IncidentRow]) -> Result<(), StoreError> {
    let spec = Layer::Incidents.spec();
    let mut columns = spec.columns.to_vec();
    columns.extend(["row_version", "row_sum"]);
    let cells = |row: &IncidentRow| {
        let mut cells = RegisterRow::Incidents(row.clone()).values();
        let sum = sum_of(Layer::Incidents, &cells, row.row_version);
        cells.extend([Value::from(row.row_version), Value::from(sum)]);
        cells
    };
    insert::rows(session, spec.table, &columns, fresh.iter().map(cells).collect()).await
}

/// One entry each, or one for all.
async fn log(
    session: &mut dyn Session,
    scope: &Scope,
    actor: &str,
    at: &str,
    (fresh, as_bulk): (&[IncidentRow], bool),
) -> Result<(), StoreError> {
    let entry = |operation, subject, after: Json| audit::Entry {
        at,
        actor,
        scope,
        operation,
        subject,
        before: None,
        after: Some(after.to_string()),
    };
    if as_bulk {
        if fresh.is_empty() {
            return Ok(());
        }
        let mut sha = Sha256::new();
        fresh.iter().for_each(|row| sha.update(format!("{}\n", row.id)));
        let unassigned = fresh.iter().filter(|r| r.grid.is_none()).count();
        let mut after = json!({"created": fresh.len(), "unassigned": unassigned, "ids_sha256": hex(&sha.finalize())});
        if fresh.len() <= audit::MOST_NAMED {
            after["ids"] = fresh.iter().map(|row| row.id.as_str()).collect();
        }
        audit::append(session, entry("incident.bulk", "incidents", after)).await?;
        return Ok(());
    }
    for row in fresh {
        audit::append(session, entry("incident.report", &row.id, told(row))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_division_is_cut_at_a_level() {
        for (first, last, found) in [
            ("520423102001", "520423102006", Some("520423102")),
            ("520423102", "520423102006", Some("520423102")),
            ("520423102001", "520424107003", Some("5204")),
            ("520423102001", "520423102001", Some("520423102001")),
            ("110000", "520000", None),
        ] {
            assert_eq!(common(first, last).as_deref(), found, "{first} {last}");
        }
    }
}
