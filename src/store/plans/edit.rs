//! Edits: one transaction reads, asks the plan layer, compares versions, applies, remembers.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::domain::hex;
use crate::domain::plan::{Change, Changes, Membership, PlanHead, PlanStatus, VillageRows};
use crate::store::contract::{Work, WorkTogether};
use crate::store::error::{StoreError, TransactError};
use crate::store::messages::{Committed, TransactionRequest, Worked};
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Session, Sql};
use crate::store::value::{Row, Value, row_sum};
use crate::store::{SqlStore, audit, idempotency, insert, summed};

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

/// What was applied, and has yet to be told to the audit log.
struct Applied {
    done: Committed,
    changes_sha256: String,
}

/// Applies verified changes and remembers them: rows, versions, history, moves, codes.
async fn put(
    session: &mut dyn Session,
    stored: &mut Stored,
    changes: &Changes,
    doing: &Doing<'_>,
) -> Result<Applied, StoreError> {
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
    let changes_sha256 = hex(&Sha256::digest(text.as_bytes()));
    let seq = history::append(session, stored.no, version, doing, text).await?;
    if stored.head.status == PlanStatus::Live {
        remember_moves(session, stored.no, seq, doing.at, &changes.memberships).await?;
        codes::follow(session, changes, &heads::today(doing.at), doing.kind != "edit").await?;
    }
    Ok(Applied { done: Committed { version, seq, grids }, changes_sha256 })
}

/// Tells the audit log.
async fn log(
    session: &mut dyn Session,
    scope: &Scope,
    stored: &Stored,
    applied: &Applied,
    doing: &Doing<'_>,
) -> Result<(), StoreError> {
    let Committed { version, seq, grids } = &applied.done;
    let after = serde_json::json!({
        "version": version, "seq": seq, "target": doing.target, "grids": grids, "operation": doing.operation,
        "changes_sha256": applied.changes_sha256,
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
    audit::append(session, entry).await.map(drop)
}

/// Applies verified changes, remembers them and tells the audit log. The caller commits.
pub(super) async fn carry_out(
    session: &mut dyn Session,
    scope: &Scope,
    stored: &mut Stored,
    changes: &Changes,
    doing: &Doing<'_>,
) -> Result<Committed, StoreError> {
    let applied = put(session, stored, changes, doing).await?;
    log(session, scope, stored, &applied, doing).await?;
    Ok(applied.done)
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
        let row = [Value::from(no), g.as_str().into(), version.into(), actor.into(), at.into()];
        summed::with_sum(row.to_vec())
    };
    let columns = ["plan_no", "grid", "version", "actor", "at", "row_sum"];
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
        let row = [Value::from(no), household.into(), seq.into(), at.into(), unit(before), unit(after)];
        summed::with_sum(row.to_vec())
    };
    let columns = ["plan_no", "household", "seq", "at", "unit_before", "unit_after", "row_sum"];
    insert::rows(session, "membership_moves", &columns, net.into_iter().map(row).collect()).await
}

/// What must hold before a plan is edited.
fn check_request(scope: &Scope, stored: &Stored, request: &TransactionRequest) -> Result<(), StoreError> {
    if stored.head.status == PlanStatus::Retired {
        let what = "方案已停用，不能修改 / the plan is retired and not edited".to_owned();
        return Err(StoreError::Constraint { layer: "plan", id: request.plan.clone(), what });
    }
    if request.base_version > stored.head.version {
        let what = format!("{} > {}", request.base_version, stored.head.version);
        return Err(StoreError::BadArgument { name: "base_version", what });
    }
    for village in &request.villages {
        if !village.starts_with(&stored.head.region) || !scope.covers(village) {
            return Err(StoreError::NotFound { what: "村 / village", id: village.chars().take(20).collect() });
        }
    }
    Ok(())
}

/// Changes must lie within what was asked for, be based on the grids as they are, and know the rows as they stand.
async fn check_changes(
    session: &mut dyn Session,
    scope: &Scope,
    stored: &Stored,
    request: &TransactionRequest,
    changes: &Changes,
) -> Result<(), StoreError> {
    let touched = changes.touched_grids();
    check_reach(scope, stored, &touched, &request.villages)?;
    if let Some(e) = conflict(session, stored, &touched, request.base_version, &request.grid_versions).await? {
        return Err(e);
    }
    match verify(session, stored.no, changes).await {
        Ok(()) => Ok(()),
        Err(NotApplied::Store(e)) => Err(e),
        Err(NotApplied::Mismatch(m)) => {
            let what = format!("{} 与库中的行不符 / is not as it stands in the store", m.key);
            Err(StoreError::Constraint { layer: "plan", id: m.code, what })
        }
    }
}

/// Answers kept under the requests' keys: all of them, or none.
async fn known_answers(
    session: &mut dyn Session,
    requests: &[TransactionRequest],
) -> Result<Option<Vec<Committed>>, StoreError> {
    let (mut answers, mut fresh) = (Vec::new(), None);
    for request in requests {
        match idempotency::find(session, &request.actor, request.idempotency.as_ref()).await? {
            Some(answer) => answers.push(answer),
            None => fresh = request.idempotency.as_ref().or(fresh),
        }
    }
    match fresh {
        _ if answers.len() == requests.len() => Ok(Some(answers)),
        // the other keys came with these requests before: so should this one have
        Some(key) if !answers.is_empty() => Err(StoreError::KeyReused { key: key.key.clone() }),
        _ => Ok(None),
    }
}

/// An edit of one plan.
pub(in crate::store) async fn transact(
    store: &SqlStore,
    scope: &Scope,
    request: &TransactionRequest,
    work: &mut Work<'_>,
) -> Result<Committed, TransactError> {
    let mut of_one =
        |plans: &[(PlanHead, Vec<VillageRows>)]| plans.iter().map(|(head, rows)| work(head, rows)).collect();
    let mut done = transact_together(store, scope, std::slice::from_ref(request), &mut of_one).await?;
    done.pop().ok_or_else(|| StoreError::Internal { code: "transact".to_owned() }.into())
}

/// An edit of several plans: each request is held against its own plan, and all are applied or none.
pub(in crate::store) async fn transact_together(
    store: &SqlStore,
    scope: &Scope,
    requests: &[TransactionRequest],
    work: &mut WorkTogether<'_>,
) -> Result<Vec<Committed>, TransactError> {
    scope.need(Right::EditPlan)?;
    let plans: BTreeSet<&str> = requests.iter().map(|r| r.plan.as_str()).collect();
    if plans.len() < requests.len() {
        let what = "同一方案不能出现两次 / a plan is named once".to_owned();
        return Err(StoreError::BadArgument { name: "plan", what }.into());
    }
    let at = store.now();
    let mut session = store.engine.write().await?;
    if requests.len() > 1
        && let Some(lock) = session.publication_lock()
    {
        // whoever locks several plans does so one after the other, or two could wait for each other
        session.rows(lock).await?;
    }
    let mut stored = Vec::with_capacity(requests.len());
    for request in requests {
        stored.push(heads::get(session.as_mut(), scope, &request.plan, true).await?);
    }
    if let Some(answers) = known_answers(session.as_mut(), requests).await? {
        return Ok(answers);
    }
    let (mut numbers, mut seen) = (Vec::with_capacity(stored.len()), Vec::with_capacity(stored.len()));
    for (stored, request) in stored.into_iter().zip(requests) {
        check_request(scope, &stored, request)?;
        let rows = heads::villages(session.as_mut(), stored.no, scope, &request.villages).await?;
        numbers.push(stored.no);
        seen.push((stored.head, rows));
    }
    let worked = work(&seen)?;
    if worked.len() != requests.len() {
        return Err(StoreError::Internal { code: "transact".to_owned() }.into());
    }
    let heads = seen.into_iter().map(|(head, _)| head);
    let stored: Vec<Stored> = numbers.into_iter().zip(heads).map(|(no, head)| Stored { no, head }).collect();
    if worked.iter().all(|w| w.changes.is_empty()) {
        let unchanged = |s: &Stored| Committed { version: s.head.version, seq: 0, grids: Vec::new() };
        return Ok(stored.iter().map(unchanged).collect());
    }
    let mut applied = Vec::with_capacity(stored.len());
    for ((mut stored, request), Worked { changes, derived }) in stored.into_iter().zip(requests).zip(worked) {
        let doing = doing_of(request, &at);
        if changes.is_empty() {
            let done = Committed { version: stored.head.version, seq: 0, grids: Vec::new() };
            applied.push((stored, Applied { done, changes_sha256: String::new() }));
            continue;
        }
        check_changes(session.as_mut(), scope, &stored, request, &changes).await?;
        let put = put(session.as_mut(), &mut stored, &changes, &doing).await?;
        derived::write_some(session.as_mut(), &stored, &request.villages, &derived).await?;
        applied.push((stored, put));
    }
    // the head of the log is what all writers share: it is taken last, when all rows are held
    for ((stored, applied), request) in applied.iter().zip(requests) {
        if applied.done.seq > 0 {
            log(session.as_mut(), scope, stored, applied, &doing_of(request, &at)).await?;
        }
        idempotency::keep(session.as_mut(), &request.actor, request.idempotency.as_ref(), &at, &applied.done).await?;
    }
    session.commit().await?;
    Ok(applied.into_iter().map(|(_, applied)| applied.done).collect())
}

fn doing_of<'a>(request: &'a TransactionRequest, at: &'a str) -> Doing<'a> {
    Doing { kind: "edit", target: None, actor: &request.actor, at, operation: &request.operation }
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
