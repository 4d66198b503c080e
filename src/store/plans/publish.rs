//! Putting a plan in force, and where a household belonged on a day.

use crate::domain::plan::{GridRow, PlanHead, PlanStatus};
use crate::store::SqlStore;
use crate::store::contract::Verdict;
use crate::store::error::{StoreError, TransactError};
use crate::store::messages::{Belonging, Publication};
use crate::store::scope::{Right, Role, Scope};
use crate::store::sql::{Session, Sql};
use crate::store::{audit, dates, incidents};

use super::heads::{self, Stored};
use super::rows::{self, PlanRow};
use super::{codes, edit};

/// Plans in force in a region or inside it.
async fn in_force(session: &mut dyn Session, region: &str) -> Result<Vec<Stored>, StoreError> {
    let mut sql = heads::select_heads();
    sql.push(" WHERE status = 'live' AND region >= ").bind(region).push(" AND region < ").bind(format!("{region}:"));
    sql.push(" ORDER BY no").push(session.for_update());
    heads::read_all(session, sql).await
}

async fn show(session: &mut dyn Session, no: i64, in_force: bool) -> Result<(), StoreError> {
    for sql in [
        "UPDATE grids SET in_force = $1 WHERE plan_no = $2",
        "UPDATE units SET in_force = $1 WHERE plan_no = $2",
        "UPDATE leaders SET in_force = $1 WHERE plan_no = $2",
    ] {
        session.execute(Sql::new("plans", sql).arg(in_force).arg(no)).await?;
    }
    Ok(())
}

/// Grids that were never in force begin on the day of publication.
async fn begin_grids(session: &mut dyn Session, stored: &Stored, day: &str) -> Result<Vec<String>, StoreError> {
    let mut sql = rows::select::<GridRow>(stored.no);
    sql.push(" AND valid_from = ''");
    let grids: Vec<GridRow> = rows::read(session, sql).await?;
    let changes: Vec<_> = grids
        .into_iter()
        .map(|g| crate::domain::plan::Change {
            after: Some(GridRow { valid_from: day.to_owned(), ..g.clone() }),
            before: Some(g),
        })
        .collect();
    rows::apply(session, &stored.target(), &changes).await?;
    Ok(changes.iter().filter_map(|c| c.after.as_ref()).map(|g| g.key().to_owned()).collect())
}

pub(in crate::store) async fn publish(
    store: &SqlStore,
    scope: &Scope,
    request: &Publication,
    verdict: &mut Verdict<'_>,
) -> Result<PlanHead, TransactError> {
    scope.need(Right::Publish)?;
    dates::check_day("date", &request.date)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    // publications wait for each other, so that two never see the same plan in force
    if let Some(lock) = session.publication_lock() {
        session.rows(lock).await?;
    }
    let mut stored = heads::get(session.as_mut(), scope, &request.plan, true).await?;
    let region = stored.head.region.clone();
    if !scope.covers(&region) {
        return Err(StoreError::NotFound { what: "方案 / plan", id: request.plan.clone() }.into());
    }
    if stored.head.status != PlanStatus::Draft {
        let what = "只有草案可以发布 / only a draft is published".to_owned();
        return Err(StoreError::Constraint { layer: "plan", id: request.plan.clone(), what }.into());
    }
    let stale = |author: &str, time: &str, current_version| StoreError::Conflict {
        grids: Vec::new(),
        author: author.to_owned(),
        time: time.to_owned(),
        current_version,
        edit: None,
    };
    let mut old = in_force(session.as_mut(), &region).await?;
    let same = old.iter().find(|p| p.head.region == region);
    if same.map(|p| p.head.id.as_str()) != request.expected_live.as_deref() {
        let (id, from) = same.map_or(("", ""), |p| (&p.head.id, p.head.valid_from.as_deref().unwrap_or("")));
        return Err(stale(id, from, same.map_or(0, |p| p.head.version)).into());
    }
    if request.base_version != stored.head.version {
        return Err(stale("", "", stored.head.version).into());
    }
    if let Some(later) = old.iter().find(|p| p.head.valid_from.as_deref().unwrap_or("") >= request.date.as_str()) {
        let from = later.head.valid_from.clone().unwrap_or_default();
        let what = format!("{} ≤ {from}：须晚于现行方案 / must be after the plan in force", request.date);
        return Err(StoreError::BadArgument { name: "date", what }.into());
    }
    let villages = heads::village_codes(session.as_mut(), stored.no, scope).await?;
    let all = heads::villages(session.as_mut(), stored.no, scope, &villages).await?;
    verdict(&stored.head, &all)?;
    drop(all);
    for plan in &mut old {
        plan.head.status = PlanStatus::Retired;
        plan.head.valid_to = Some(request.date.clone());
        heads::save(session.as_mut(), plan).await?;
        show(session.as_mut(), plan.no, false).await?;
    }
    stored.head.status = PlanStatus::Live;
    stored.head.valid_from = Some(request.date.clone());
    stored.head.version += 1;
    heads::save(session.as_mut(), &stored).await?;
    let begun = begin_grids(session.as_mut(), &stored, &request.date).await?;
    edit::touch(session.as_mut(), stored.no, &begun, stored.head.version, &request.actor, &at).await?;
    show(session.as_mut(), stored.no, true).await?;
    let area = Scope::region(Role::Viewer, &region)?;
    codes::take_over(session.as_mut(), stored.no, &area, &request.date).await?;
    let rehomed = incidents::rehome(session.as_mut(), &region).await?;
    let retired: Vec<&str> = old.iter().map(|p| p.head.id.as_str()).collect();
    let entry = audit::Entry {
        at: &at,
        actor: &request.actor,
        scope,
        operation: "plan.publish",
        subject: &stored.head.id,
        before: Some(serde_json::json!({ "in_force": retired }).to_string()),
        after: Some(
            serde_json::json!({ "version": stored.head.version, "date": request.date, "incidents_rehomed": rehomed.len() })
                .to_string(),
        ),
    };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await?;
    Ok(stored.head)
}

/// The unit of a household in a plan at a moment: as it is now, taken back to the first move after it.
async fn unit_at(
    session: &mut dyn Session,
    no: i64,
    household: &str,
    moment: &str,
) -> Result<Option<String>, StoreError> {
    let moves = "SELECT unit_before FROM membership_moves WHERE plan_no = $1 AND household = $2 AND at >= $3
                 ORDER BY seq LIMIT 1";
    let sql = Sql::new("membership_moves", moves).arg(no).arg(household).arg(moment);
    if let Some(before) = session.maybe::<Option<String>>(sql).await? {
        return Ok(before);
    }
    let now = "SELECT unit FROM memberships WHERE plan_no = $1 AND household = $2";
    session.maybe(Sql::new("memberships", now).arg(no).arg(household)).await
}

pub(in crate::store) async fn where_was(
    session: &mut dyn Session,
    scope: &Scope,
    household: &str,
    date: &str,
) -> Result<Option<Belonging>, StoreError> {
    let moment = dates::end_of(date)?;
    let mut sql = heads::select_heads();
    sql.push(" WHERE status <> 'draft' AND valid_from <= ").bind(date);
    sql.push(" AND (valid_to IS NULL OR valid_to > ").bind(date).push(") ORDER BY no");
    let mut plans = heads::read_all(session, sql).await?;
    // the plan of the smallest region counts, of two the later
    plans.sort_by(|a, b| {
        let rank = |p: &Stored| (p.head.region.len(), p.head.valid_from.clone(), p.no);
        rank(b).cmp(&rank(a))
    });
    for plan in plans {
        if let Some(unit) = unit_at(session, plan.no, household, &moment).await? {
            if !scope.covers(&unit) {
                return Err(StoreError::NotFound {
                    what: "住户 / household",
                    id: household.chars().take(80).collect(),
                });
            }
            let grid = unit.get(..15).unwrap_or(&unit).to_owned();
            return Ok(Some(Belonging { plan: plan.head.id, grid, unit }));
        }
    }
    Ok(None)
}
