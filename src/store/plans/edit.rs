//! Edits: one transaction reads, asks the plan layer, compares versions, applies, remembers.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::hex;
use crate::domain::plan::{Change, Changes, Membership, PlanStatus};
use crate::store::contract::Work;
use crate::store::error::{StoreError, TransactError};
use crate::store::messages::{Committed, TransactionRequest, Worked};
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Dialect, Session, Sql};
use crate::store::value::{Row, Value, row_sum};
use crate::store::{SqlStore, audit, idempotency, insert};

use super::heads::{self, Stored};
use super::rows::{self, NotApplied};
use super::{codes, derived, history};

/// Who touched which grids since a version, if the client has not seen it.
async fn conflict(
    session: &mut dyn Session,
    stored: &Stored,
    touched: &[String],
    base: u64,
    seen: &[(String, u64)],
) -> Result<Option<StoreError>, StoreError> {
    let mut sql = Sql::new("grid_versions", "SELECT grid, version, actor, at FROM grid_versions WHERE plan_no = ");
    sql.bind(stored.no).push(" AND version > ").bind(base).push(" AND grid");
    sql.in_list(session.dialect(), touched.iter().map(String::as_str)).push(" ORDER BY version, grid");
    let seen: BTreeMap<&str, u64> = seen.iter().map(|(g, v)| (g.as_str(), *v)).collect();
    let (mut grids, mut last) = (Vec::new(), None);
    for mut row in session.rows(sql).await? {
        let (grid, version): (String, u64) = (row.take()?, row.take()?);
        if seen.get(grid.as_str()) != Some(&version) {
            grids.push(grid);
            last = Some((row.take()?, row.take()?));
        }
    }
    grids.sort_unstable();
    Ok(last.map(|(author, time)| StoreError::Conflict {
        grids,
        author,
        time,
        current_version: stored.head.version,
        edit: None,
    }))
}

/// What is to be remembered of a change.
pub(super) struct Doing<'a> {
    pub(super) kind: &'static str,
    pub(super) target: Option<u64>,
    pub(super) actor: &'a str,
    pub(super) at: &'a str,
    pub(super) operation: &'a serde_json::Value,
}

/// All touched grids must lie within the plan, the scope and the villages that were read.
fn check_reach(scope: &Scope, stored: &Stored, touched: &[String], villages: &[String]) -> Result<(), StoreError> {
    for grid in touched {
        let inside = grid.len() == 15
            && grid.starts_with(&stored.head.region)
            && scope.covers(grid)
            && villages.iter().any(|v| grid.starts_with(v.as_str()));
        if !inside {
            return Err(StoreError::NotFound { what: "网格 / grid", id: grid.chars().take(20).collect() });
        }
    }
    Ok(())
}

/// Verifies `before` of every row.
pub(super) async fn verify(session: &mut dyn Session, no: i64, changes: &Changes) -> Result<(), NotApplied> {
    rows::verify(session, no, &changes.grids).await?;
    rows::verify(session, no, &changes.units).await?;
    rows::verify(session, no, &changes.seats).await?;
    rows::verify(session, no, &changes.memberships).await
}

/// Applies verified changes and remembers them: rows, versions, history, moves, codes, audit. The caller commits.
pub(super) async fn carry_out(
    session: &mut dyn Session,
    scope: &Scope,
    stored: &mut Stored,
    changes: &Changes,
    doing: &Doing<'_>,
) -> Result<Committed, StoreError> {
    let target = stored.target();
    rows::apply(session, &target, &changes.grids).await?;
    rows::apply(session, &target, &changes.units).await?;
    rows::apply(session, &target, &changes.seats).await?;
    rows::apply(session, &target, &changes.memberships).await?;
    let grids = changes.touched_grids();
    stored.head.version += 1;
    let version = stored.head.version;
    heads::save(session, stored).await?;
    touch(session, stored.no, &grids, version, doing.actor, doing.at).await?;
    let text = serde_json::to_string(changes).map_err(|_| StoreError::Internal { code: "changes".to_owned() })?;
    let sha = hex(&Sha256::digest(text.as_bytes()));
    let seq = history::append(session, stored.no, version, doing, text).await?;
    if stored.head.status == PlanStatus::Live {
        remember_moves(session, stored.no, seq, doing.at, &changes.memberships).await?;
        codes::follow(session, changes, &heads::today(doing.at), doing.kind != "edit").await?;
    }
    let after = serde_json::json!({
        "version": version, "seq": seq, "target": doing.target, "grids": grids, "operation": doing.operation,
        "changes_sha256": sha,
    });
    let entry = audit::Entry {
        at: doing.at,
        actor: doing.actor,
        scope,
        operation: match doing.kind {
            "undo" => "plan.undo",
            "redo" => "plan.redo",
            _ => "plan.edit",
        },
        subject: &stored.head.id,
        before: Some(serde_json::json!({ "version": version - 1 }).to_string()),
        after: Some(after.to_string()),
    };
    audit::append(session, entry).await?;
    Ok(Committed { version, seq, grids })
}

/// Notes the version that touched grids last.
pub(super) async fn touch(
    session: &mut dyn Session,
    no: i64,
    grids: &[String],
    version: u64,
    actor: &str,
    at: &str,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("grid_versions", "DELETE FROM grid_versions WHERE plan_no = ");
    sql.bind(no).push(" AND grid").in_list(session.dialect(), grids.iter().map(String::as_str));
    session.execute(sql).await?;
    let row = |g: &String| {
        vec![Value::from(no), Value::from(g.as_str()), Value::from(version), Value::from(actor), Value::from(at)]
    };
    let columns = ["plan_no", "grid", "version", "actor", "at"];
    insert::rows(session, "grid_versions", &columns, grids.iter().map(row).collect()).await
}

async fn remember_moves(
    session: &mut dyn Session,
    no: i64,
    seq: u64,
    at: &str,
    changes: &[Change<Membership>],
) -> Result<(), StoreError> {
    let mut net: BTreeMap<&str, (Option<&Membership>, Option<&Membership>)> = BTreeMap::new();
    for change in changes {
        let Some(side) = change.before.as_ref().or(change.after.as_ref()) else { continue };
        net.entry(&side.household).or_insert((change.before.as_ref(), None)).1 = change.after.as_ref();
    }
    let unit = |m: Option<&Membership>| Value::from(m.map(|m| m.unit.clone()));
    let row = |(household, (before, after)): (&str, (Option<&Membership>, Option<&Membership>))| {
        vec![Value::from(no), household.into(), seq.into(), at.into(), unit(before), unit(after)]
    };
    let columns = ["plan_no", "household", "seq", "at", "unit_before", "unit_after"];
    insert::rows(session, "membership_moves", &columns, net.into_iter().map(row).collect()).await
}

/// An edit.
pub(in crate::store) async fn transact(
    store: &SqlStore,
    scope: &Scope,
    request: &TransactionRequest,
    work: &mut Work<'_>,
) -> Result<Committed, TransactError> {
    scope.need(Right::EditPlan)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    let mut stored = heads::get(session.as_mut(), scope, &request.plan, true).await?;
    let known = idempotency::find(session.as_mut(), &request.actor, request.idempotency.as_ref()).await?;
    if let Some(answer) = known {
        return Ok(answer);
    }
    if stored.head.status == PlanStatus::Retired {
        let what = "方案已停用，不能修改 / the plan is retired and not edited".to_owned();
        return Err(StoreError::Constraint { layer: "plan", id: request.plan.clone(), what }.into());
    }
    if request.base_version > stored.head.version {
        let what = format!("{} > {}", request.base_version, stored.head.version);
        return Err(StoreError::BadArgument { name: "base_version", what }.into());
    }
    for village in &request.villages {
        if !village.starts_with(&stored.head.region) || !scope.covers(village) {
            return Err(StoreError::NotFound { what: "村 / village", id: village.chars().take(20).collect() }.into());
        }
    }
    let rows = heads::villages(session.as_mut(), stored.no, scope, &request.villages).await?;
    let Worked { changes, derived } = work(&stored.head, &rows)?;
    drop(rows);
    if changes.is_empty() {
        return Ok(Committed { version: stored.head.version, seq: 0, grids: Vec::new() });
    }
    let touched = changes.touched_grids();
    check_reach(scope, &stored, &touched, &request.villages)?;
    let seen = &request.grid_versions;
    if let Some(e) = conflict(session.as_mut(), &stored, &touched, request.base_version, seen).await? {
        return Err(e.into());
    }
    match verify(session.as_mut(), stored.no, &changes).await {
        Ok(()) => {}
        Err(NotApplied::Store(e)) => return Err(e.into()),
        Err(NotApplied::Mismatch(m)) => {
            let what = format!("{} 与库中的行不符 / is not as it stands in the store", m.key);
            return Err(StoreError::Constraint { layer: "plan", id: m.code, what }.into());
        }
    }
    let doing = Doing { kind: "edit", target: None, actor: &request.actor, at: &at, operation: &request.operation };
    let done = carry_out(session.as_mut(), scope, &mut stored, &changes, &doing).await?;
    derived::write_some(session.as_mut(), &stored, &request.villages, &derived).await?;
    idempotency::keep(session.as_mut(), &request.actor, request.idempotency.as_ref(), &at, &done).await?;
    notify(session.as_mut(), &request.plan).await?;
    session.commit().await?;
    Ok(done)
}

/// Wakes other processes on the same PostGIS store when this transaction commits.
pub(in crate::store) async fn notify(session: &mut dyn Session, plan: &str) -> Result<(), StoreError> {
    if session.dialect() == Dialect::Postgres {
        let sql = Sql::new("notify", "SELECT 1 FROM (SELECT pg_notify('lianhu', $1)) AS told");
        session.rows(sql.arg(plan)).await?;
    }
    Ok(())
}

/// Check sum of a history entry, without `undone`, which changes.
pub(super) fn entry_sum(values: &[Value]) -> i64 {
    row_sum(values)
}

/// The next number of a plan's history.
pub(super) async fn next_seq(session: &mut dyn Session, no: i64) -> Result<u64, StoreError> {
    let sql = Sql::new("plan_edits", "SELECT coalesce(max(seq), 0) + 1 FROM plan_edits WHERE plan_no = $1");
    session.row(sql.arg(no)).await?.map_or(Ok(1), |mut row: Row| row.take())
}
