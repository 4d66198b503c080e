//! The history of a plan: every entry with its changes, taken back and done again in any number.

use crate::domain::plan::{Change, Changes, PlanStatus};
use crate::store::SqlStore;
use crate::store::contract::Look;
use crate::store::error::{StoreError, TransactError};
use crate::store::messages::{Committed, HistoryEntry, Which};
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Session, Sql};
use crate::store::value::{Row, Value};

use super::derived;
use super::edit::{self, Doing};
use super::heads::{self, Stored};
use super::rows::{Mismatch, NotApplied, PlanRow};

/// Entries read at once where some are not shown.
const FEWEST_READ: u32 = 200;

const COLUMNS: &str = "seq, kind, target, version, actor, at, operation, changes, undone";

/// Remembers an entry.
pub(super) async fn append(
    session: &mut dyn Session,
    no: i64,
    version: u64,
    doing: &Doing<'_>,
    changes: String,
) -> Result<u64, StoreError> {
    let seq = edit::next_seq(session, no).await?;
    let values = vec![
        Value::from(seq),
        Value::from(doing.kind),
        Value::Int(doing.target.map(u64::cast_signed)),
        Value::from(version),
        Value::from(doing.actor),
        Value::from(doing.at),
        Value::from(doing.operation.to_string()),
        Value::from(changes),
    ];
    let sum = edit::entry_sum(&values);
    let mut sql = Sql::new("plan_edits", "INSERT INTO plan_edits (");
    sql.push(COLUMNS).push(", plan_no, row_sum) VALUES (");
    for value in values {
        sql.bind(value).push(", ");
    }
    sql.bind(false).push(", ").bind(no).push(", ").bind(sum).push(")");
    session.execute(sql).await?;
    Ok(seq)
}

fn read(row: &mut Row) -> Result<HistoryEntry, StoreError> {
    let bad = || StoreError::decoding("plan_edits", "JSON 无效 / bad JSON");
    Ok(HistoryEntry {
        seq: row.take()?,
        kind: row.take()?,
        target: row.take()?,
        version: row.take()?,
        actor: row.take()?,
        at: row.take()?,
        operation: serde_json::from_str(&row.take::<String>()?).map_err(|_| bad())?,
        changes: serde_json::from_str(&row.take::<String>()?).map_err(|_| bad())?,
        undone: row.take()?,
    })
}

fn select(no: i64) -> Sql {
    let mut sql = Sql::new("plan_edits", "SELECT ");
    sql.push(COLUMNS).push(" FROM plan_edits WHERE plan_no = ").bind(no);
    sql
}

/// Entries after a number. Changes outside the scope are left out of an entry; entries without any are not shown.
pub(in crate::store) async fn list(
    session: &mut dyn Session,
    scope: &Scope,
    plan: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let stored = heads::get(session, scope, plan, false).await?;
    let sees_all = scope.covers(&stored.head.region);
    let (mut all, mut after) = (Vec::new(), after);
    // one of a few that lie among thousands elsewhere is not looked for one by one
    let step = if sees_all { limit } else { limit.max(FEWEST_READ) };
    // as many as were asked for come if there are that many to see: whoever pages takes fewer for the end
    loop {
        let mut sql = select(stored.no);
        sql.push(" AND seq > ").bind(after).push(" ORDER BY seq LIMIT ").bind(i64::from(step));
        let mut page: Vec<HistoryEntry> =
            session.rows(sql).await?.iter_mut().map(read).collect::<Result<_, StoreError>>()?;
        let last = page.last().map(|entry| entry.seq).filter(|_| page.len() == step as usize);
        if !sees_all {
            for entry in &mut page {
                cut(&mut entry.changes, scope);
                // what was asked may name what lies elsewhere
                entry.operation = serde_json::Value::Null;
            }
            page.retain(|entry| !entry.changes.is_empty());
        }
        all.append(&mut page);
        all.truncate(limit as usize);
        match last {
            Some(seq) if all.len() < limit as usize => after = seq,
            _ => return Ok(all),
        }
    }
}

fn cut(changes: &mut Changes, scope: &Scope) {
    fn inside<T: PlanRow>(change: &Change<T>, scope: &Scope) -> bool {
        change.before.iter().chain(&change.after).all(|row| scope.covers(row.code()))
    }
    changes.grids.retain(|c| inside(c, scope));
    changes.units.retain(|c| inside(c, scope));
    changes.seats.retain(|c| inside(c, scope));
    changes.memberships.retain(|c| inside(c, scope));
}

fn nothing(what: &'static str, plan: &str) -> StoreError {
    StoreError::NotFound { what, id: plan.to_owned() }
}

/// The edit an undo is about.
async fn to_undo(session: &mut dyn Session, stored: &Stored, which: &Which) -> Result<HistoryEntry, StoreError> {
    let mut sql = select(stored.no);
    sql.push(" AND kind = 'edit' AND undone = FALSE");
    match which {
        Which::Last => {}
        Which::LastBy(actor) => {
            sql.push(" AND actor = ").bind(actor.as_str());
        }
        Which::Seq(seq) => {
            sql.push(" AND seq = ").bind(*seq);
        }
    }
    sql.push(" ORDER BY seq DESC LIMIT 1");
    let mut row = session.row(sql).await?.ok_or_else(|| nothing("可撤销的修改 / edit to undo", &stored.head.id))?;
    read(&mut row)
}

/// The edit a redo is about.
async fn to_redo(session: &mut dyn Session, stored: &Stored, which: &Which) -> Result<HistoryEntry, StoreError> {
    let none = || nothing("可重做的修改 / edit to redo", &stored.head.id);
    let mut sql = select(stored.no);
    sql.push(" AND kind = 'edit' AND undone = TRUE AND seq = ");
    match which {
        Which::Seq(seq) => {
            sql.bind(*seq);
        }
        Which::Last | Which::LastBy(_) => {
            let mut last = Sql::new(
                "plan_edits",
                "SELECT u.target FROM plan_edits u JOIN plan_edits e ON e.plan_no = u.plan_no AND e.seq = u.target
                 WHERE u.kind = 'undo' AND e.undone = TRUE AND u.plan_no = ",
            );
            last.bind(stored.no).push(
                " AND NOT EXISTS (SELECT 1 FROM plan_edits f
                    WHERE f.plan_no = u.plan_no AND f.kind = 'edit' AND f.seq > u.seq)",
            );
            if let Which::LastBy(actor) = which {
                last.push(" AND u.actor = ").bind(actor.as_str());
            }
            last.push(" ORDER BY u.seq DESC LIMIT 1");
            sql.bind(session.maybe::<u64>(last).await?.ok_or_else(none)?);
        }
    }
    let mut row = session.row(sql).await?.ok_or_else(none)?;
    read(&mut row)
}

/// Whether changes have a row with this key.
fn concerns(changes: &Changes, key: &str) -> bool {
    fn has<T: PlanRow>(changes: &[Change<T>], key: &str) -> bool {
        changes.iter().any(|c| c.before.iter().chain(&c.after).any(|r| r.key() == key))
    }
    has(&changes.grids, key) || has(&changes.units, key) || has(&changes.seats, key) || has(&changes.memberships, key)
}

/// The conflict that names what built on an entry.
async fn built_on(session: &mut dyn Session, stored: &Stored, seq: u64, m: Mismatch) -> Result<StoreError, StoreError> {
    let mut sql = select(stored.no);
    sql.push(" AND seq > ").bind(seq).push(" ORDER BY seq DESC");
    let mut later = None;
    for mut row in session.rows(sql).await? {
        let entry = read(&mut row)?;
        if concerns(&entry.changes, &m.key) {
            later =
                Some((entry.actor, entry.at, Some(entry.target.filter(|_| entry.kind == "redo").unwrap_or(entry.seq))));
            break;
        }
    }
    let grid = m.code.get(..15).unwrap_or(&m.code).to_owned();
    let (author, time, edit) = match later {
        Some(found) => found,
        None => {
            let sql = Sql::new("grid_versions", "SELECT actor, at FROM grid_versions WHERE plan_no = $1 AND grid = $2");
            match session.row(sql.arg(stored.no).arg(grid.as_str())).await? {
                Some(mut row) => (row.take()?, row.take()?, None),
                None => (String::new(), String::new(), None),
            }
        }
    };
    Ok(StoreError::Conflict { grids: vec![grid], author, time, current_version: stored.head.version, edit })
}

/// Takes an edit back (`undo`) or does it again.
pub(in crate::store) async fn turn(
    store: &SqlStore,
    scope: &Scope,
    plan: &str,
    actor: &str,
    which: (&Which, bool),
    look: &mut Look<'_>,
) -> Result<Committed, TransactError> {
    scope.need(Right::EditPlan)?;
    let (which, undo) = which;
    let at = store.now();
    let mut session = store.engine.write().await?;
    let mut stored = heads::get(session.as_mut(), scope, plan, true).await?;
    if stored.head.status == PlanStatus::Retired {
        let what = "方案已停用，不能修改 / the plan is retired and not edited".to_owned();
        return Err(StoreError::Constraint { layer: "plan", id: plan.to_owned(), what }.into());
    }
    let entry = if undo {
        to_undo(session.as_mut(), &stored, which).await?
    } else {
        to_redo(session.as_mut(), &stored, which).await?
    };
    let changes = if undo { entry.changes.inverse() } else { entry.changes };
    let touched = changes.touched_grids();
    if let Some(grid) = touched.iter().find(|g| !scope.covers(g)) {
        return Err(StoreError::NotFound { what: "网格 / grid", id: grid.clone() }.into());
    }
    match edit::verify(session.as_mut(), stored.no, &changes).await {
        Ok(()) => {}
        Err(NotApplied::Store(e)) => return Err(e.into()),
        Err(NotApplied::Mismatch(m)) => {
            return Err(built_on(session.as_mut(), &stored, entry.seq, m).await?.into());
        }
    }
    let mut villages: Vec<String> = touched.iter().filter_map(|g| g.get(..12)).map(str::to_owned).collect();
    villages.dedup();
    let rows = heads::villages(session.as_mut(), stored.no, scope, &villages).await?;
    let derived = look(&stored.head, &rows, &changes)?;
    drop(rows);
    let mark = Sql::new("plan_edits", "UPDATE plan_edits SET undone = $1 WHERE plan_no = $2 AND seq = $3");
    session.execute(mark.arg(undo).arg(stored.no).arg(entry.seq)).await?;
    let kind = if undo { "undo" } else { "redo" };
    let doing = Doing { kind, target: Some(entry.seq), actor, at: &at, operation: &entry.operation };
    let done = edit::carry_out(session.as_mut(), scope, &mut stored, &changes, &doing).await?;
    derived::write_some(session.as_mut(), &stored, &villages, &derived).await?;
    session.commit().await?;
    Ok(done)
}
