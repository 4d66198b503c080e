//! Rules that alarm as the store keeps them: those that ship, and its own in their place or beside them.

use serde_json::json;

use crate::domain::incident::alerts::{AlertKind, AlertRule};

use crate::store::error::StoreError;
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Dialect, Session, Sql};
use crate::store::value::{Value, row_sum};
use crate::store::{SqlStore, audit, insert};

/// Columns of a rule that its sum covers.
pub(in crate::store) const RULE_SUMMED: &[&str] = &["id", "kind", "region", "parameters", "enabled", "row_version"];

/// Rules that ship, and the store's own in their place or beside them, with their versions; a row whose kind or parameters nobody knows is damage.
pub(super) async fn all(session: &mut dyn Session) -> Result<Vec<(AlertRule, u64)>, StoreError> {
    let mut all: Vec<(AlertRule, u64)> = AlertRule::shipped().into_iter().map(|r| (r, 0)).collect();
    let sql = "SELECT id, kind, region, parameters, enabled, row_version FROM alert_rules ORDER BY id";
    for mut row in session.rows(Sql::new("alert_rules", sql)).await? {
        let (id, kind, region): (String, String, String) = (row.take()?, row.take()?, row.take()?);
        let (parameters, enabled, version): (String, bool, u64) = (row.take()?, row.take()?, row.take()?);
        let bad = || StoreError::decoding(&format!("alert_rules {id}"), "规则无效 / bad rule");
        let kind = AlertKind::find(&kind).ok_or_else(bad)?;
        let given: serde_json::Value = serde_json::from_str(&parameters).map_err(|_| bad())?;
        let shipped = AlertRule::shipped().into_iter().find(|r| r.kind == kind).ok_or_else(bad)?;
        let number = |name: &str| given.get(name).and_then(serde_json::Value::as_u64);
        let small = |name: &str| number(name).and_then(|n| u32::try_from(n).ok());
        let rule = AlertRule {
            escalate_after_min: small("escalate_after_min").unwrap_or(shipped.escalate_after_min),
            days: small("days").unwrap_or(shipped.days),
            resolution: number("resolution").and_then(|n| u8::try_from(n).ok()).unwrap_or(shipped.resolution),
            id,
            kind,
            region,
            enabled,
        };
        match all.iter_mut().find(|r| r.0.id == rule.id) {
            Some(place) => *place = (rule, version),
            None => all.push((rule, version)),
        }
    }
    Ok(all)
}

/// The rule of an id as it stands, which must have the version that was read and look nowhere beyond the scope. A new id has version 0; one
/// that looks only elsewhere is not there.
async fn standing(
    session: &mut dyn Session,
    scope: &Scope,
    id: &str,
    base_version: u64,
) -> Result<Option<AlertRule>, StoreError> {
    if session.dialect() == Dialect::Postgres {
        let lock = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended('lianhu.alert_rules', 0))) AS held";
        session.rows(Sql::new("alert_rules", lock)).await?;
    }
    let found = all(session).await?.into_iter().find(|r| r.0.id == id);
    if found.as_ref().is_some_and(|r| scope.within(&r.0.region).is_none()) {
        let id = id.chars().take(80).collect();
        return Err(StoreError::NotFound { what: "告警规则 / alert rule", id });
    }
    if found.as_ref().is_some_and(|r| !scope.covers(&r.0.region)) {
        return Err(beyond());
    }
    let version = found.as_ref().map_or(0, |r| r.1);
    if version == base_version {
        return Ok(found.map(|r| r.0));
    }
    let (author, time) = (String::new(), String::new());
    Err(StoreError::Conflict { grids: Vec::new(), author, time, current_version: version, edit: None })
}

/// The rule looks at more than whoever writes may decide about.
const fn beyond() -> StoreError {
    StoreError::Forbidden {
        role: "admin",
        operation: "修改辖区以外的告警规则 / change a rule that looks beyond the own area",
    }
}

fn in_words(rule: &AlertRule) -> serde_json::Value {
    json!({
        "kind": rule.kind.word(), "region": rule.region, "escalate_after_min": rule.escalate_after_min,
        "days": rule.days, "resolution": rule.resolution, "enabled": rule.enabled,
    })
}

async fn note_rule(
    session: &mut dyn Session,
    (scope, actor, at): (&Scope, &str, &str),
    (operation, id): (&'static str, &str),
    before: Option<&AlertRule>,
    after: Option<&AlertRule>,
) -> Result<(), StoreError> {
    let entry = audit::Entry {
        at,
        actor,
        scope,
        operation,
        subject: id,
        before: before.map(|r| in_words(r).to_string()),
        after: after.map(|r| in_words(r).to_string()),
    };
    audit::append(session, entry).await.map(drop)
}

/// Keeps a rule in the place of the one with its id, at the version that was read.
pub(super) async fn put(
    store: &SqlStore,
    (scope, actor): (&Scope, &str),
    rule: &AlertRule,
    base_version: u64,
) -> Result<u64, StoreError> {
    scope.need(Right::ManageAccounts)?;
    if !scope.covers(&rule.region) {
        return Err(beyond());
    }
    let at = store.now();
    let mut session = store.engine.write().await?;
    let before = standing(session.as_mut(), scope, &rule.id, base_version).await?;
    let delete = Sql::new("alert_rules", "DELETE FROM alert_rules WHERE id = $1");
    session.execute(delete.arg(rule.id.as_str())).await?;
    let version = base_version + 1;
    let parameters = json!({
        "escalate_after_min": rule.escalate_after_min, "days": rule.days, "resolution": rule.resolution,
    });
    let mut cells: Vec<Value> = vec![
        rule.id.as_str().into(),
        rule.kind.word().into(),
        rule.region.as_str().into(),
        parameters.to_string().into(),
        rule.enabled.into(),
        version.into(),
    ];
    let sum = row_sum(&cells);
    cells.push(sum.into());
    let mut columns = RULE_SUMMED.to_vec();
    columns.push("row_sum");
    insert::rows(session.as_mut(), "alert_rules", &columns, vec![cells]).await?;
    let who = (scope, actor, at.as_str());
    note_rule(session.as_mut(), who, ("alert_rule.put", &rule.id), before.as_ref(), Some(rule)).await?;
    session.commit().await?;
    Ok(version)
}

/// Takes a rule of the store's own away, at the version that was read.
pub(super) async fn remove(
    store: &SqlStore,
    (scope, actor): (&Scope, &str),
    id: &str,
    base_version: u64,
) -> Result<(), StoreError> {
    scope.need(Right::ManageAccounts)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    let before = standing(session.as_mut(), scope, id, base_version).await?;
    let delete = Sql::new("alert_rules", "DELETE FROM alert_rules WHERE id = $1").arg(id);
    if session.execute(delete).await? == 0 {
        let id = id.chars().take(80).collect();
        return Err(StoreError::NotFound { what: "本库的告警规则 / rule of the store's own", id });
    }
    let who = (scope, actor, at.as_str());
    note_rule(session.as_mut(), who, ("alert_rule.remove", id), before.as_ref(), None).await?;
    session.commit().await
}
