//! Plans as wholes: heads, rows by village, creation and forks.

use crate::domain::plan::{GridRow, Membership, PlanHead, PlanStatus, Seat, UnitRow, VillageRows};
use crate::store::error::StoreError;
use crate::store::messages::{GridVersion, NewVillage, PlanFilter};
use crate::store::scope::{Right, Scope, check_prefix};
use crate::store::sql::{Session, Sql};
use crate::store::value::{Cell, Row, Value, row_sum};
use crate::store::{SqlStore, audit, dates};

use super::derived;
use super::rows::{self, PlanRow, Target};

const HEAD: &str = "id, name, region, status, version, seed, parameters, profile, input_version, valid_from, valid_to";

/// A head with the plan's number in this store.
pub(in crate::store) struct Stored {
    pub(in crate::store) no: i64,
    pub(in crate::store) head: PlanHead,
}

impl Stored {
    pub(in crate::store) fn target(&self) -> Target<'_> {
        Target { no: self.no, id: &self.head.id, live: self.head.status == PlanStatus::Live }
    }
}

fn status_word(status: PlanStatus) -> &'static str {
    match status {
        PlanStatus::Draft => "draft",
        PlanStatus::Live => "live",
        PlanStatus::Retired => "retired",
    }
}

fn read_head(row: &mut Row) -> Result<Stored, StoreError> {
    let bad = |what: &str| StoreError::decoding("plans", what);
    let no = row.take()?;
    let (id, name, region, status): (String, String, String, String) =
        (row.take()?, row.take()?, row.take()?, row.take()?);
    let (version, seed): (u64, i64) = (row.take()?, row.take()?);
    let parameters: String = row.take()?;
    let head = PlanHead {
        id,
        name,
        region,
        status: match status.as_str() {
            "draft" => PlanStatus::Draft,
            "live" => PlanStatus::Live,
            "retired" => PlanStatus::Retired,
            _ => return Err(bad("状态无效 / bad status")),
        },
        version,
        seed: seed.cast_unsigned(),
        parameters: serde_json::from_str(&parameters).map_err(|_| bad("JSON 无效 / bad JSON"))?,
        profile: row.take()?,
        input_version: row.take()?,
        valid_from: row.take()?,
        valid_to: row.take()?,
    };
    Ok(Stored { no, head })
}

fn head_values(head: &PlanHead) -> Vec<Value> {
    vec![
        Value::from(head.id.as_str()),
        Value::from(head.name.as_str()),
        Value::from(head.region.as_str()),
        Value::from(status_word(head.status)),
        Value::from(head.version),
        Value::from(head.seed),
        Value::from(head.parameters.to_string()),
        Value::from(head.profile.as_str()),
        Value::from(head.input_version),
        head.valid_from.to_value(),
        head.valid_to.to_value(),
    ]
}

/// Check sum of a head.
pub(in crate::store) fn head_sum(head: &PlanHead) -> i64 {
    row_sum(&head_values(head))
}

/// `SELECT no, head…` with which [`read_all`] reads.
pub(in crate::store) fn select_heads() -> Sql {
    let mut sql = Sql::new("plans", "SELECT no, ");
    sql.push(HEAD).push(" FROM plans");
    sql
}

pub(in crate::store) async fn read_all(session: &mut dyn Session, sql: Sql) -> Result<Vec<Stored>, StoreError> {
    session.rows(sql).await?.iter_mut().map(read_head).collect()
}

/// A plan meets a scope when one lies in the other.
pub(in crate::store) fn meets(scope: &Scope, region: &str) -> bool {
    scope.within(region).is_some()
}

/// A plan within the scope; for writing, others wait.
pub(in crate::store) async fn get(
    session: &mut dyn Session,
    scope: &Scope,
    plan: &str,
    to_write: bool,
) -> Result<Stored, StoreError> {
    let mut sql = select_heads();
    sql.push(" WHERE id = ").bind(plan);
    if to_write {
        sql.push(session.for_update());
    }
    let found = read_all(session, sql).await?.pop().filter(|p| meets(scope, &p.head.region));
    found.ok_or_else(|| StoreError::NotFound { what: "方案 / plan", id: plan.chars().take(80).collect() })
}

/// A plan's number in this store; its parameters, which grow with the plan, are not read.
pub(in crate::store) async fn number(session: &mut dyn Session, scope: &Scope, plan: &str) -> Result<i64, StoreError> {
    let mut found = session.rows(Sql::new("plans", "SELECT no, region FROM plans WHERE id = $1").arg(plan)).await?;
    if let Some(row) = found.first_mut() {
        let (no, region): (i64, String) = (row.take()?, row.take()?);
        if meets(scope, &region) {
            return Ok(no);
        }
    }
    Err(StoreError::NotFound { what: "方案 / plan", id: plan.chars().take(80).collect() })
}

pub(in crate::store) async fn list(
    session: &mut dyn Session,
    scope: &Scope,
    filter: &PlanFilter,
) -> Result<Vec<PlanHead>, StoreError> {
    let mut sql = select_heads();
    sql.push(" WHERE TRUE");
    if let Some(status) = filter.status {
        sql.push(" AND status = ").bind(status_word(status));
    }
    if let Some(region) = &filter.region {
        check_prefix(region)?;
        sql.push(" AND region >= ").bind(region.as_str()).push(" AND region < ").bind(format!("{region}:"));
    }
    sql.push(" ORDER BY no");
    let all = read_all(session, sql).await?;
    Ok(all.into_iter().map(|p| p.head).filter(|h| meets(scope, &h.region)).collect())
}

/// Writes a head over the one with its number.
pub(in crate::store) async fn save(session: &mut dyn Session, stored: &Stored) -> Result<(), StoreError> {
    let head = &stored.head;
    let sql = "UPDATE plans SET name = $1, status = $2, version = $3, valid_from = $4, valid_to = $5, row_sum = $6
               WHERE no = $7";
    let sql = Sql::new("plans", sql).arg(head.name.as_str()).arg(status_word(head.status)).arg(head.version);
    let sql = sql.arg(head.valid_from.clone()).arg(head.valid_to.clone()).arg(head_sum(head)).arg(stored.no);
    session.execute(sql).await.map(drop)
}

/// Rows of one table of one village (or the part of it inside the scope), by key.
async fn of_village<T: PlanRow>(
    session: &mut dyn Session,
    no: i64,
    scope: &Scope,
    village: &str,
) -> Result<Vec<T>, StoreError> {
    let Some(part) = scope.within(village) else { return Ok(Vec::new()) };
    let mut sql = rows::select::<T>(no);
    sql.push(" AND ").in_scope(T::CODE, &part);
    let mut rows: Vec<T> = rows::read(session, sql).await?;
    // asked for this order, SQLite goes through the whole plan by its key instead of finding the village by its code
    rows.sort_by(|a, b| a.key().cmp(b.key()));
    Ok(rows)
}

/// All rows of some villages, in the order asked for.
pub(in crate::store) async fn villages(
    session: &mut dyn Session,
    no: i64,
    scope: &Scope,
    villages: &[String],
) -> Result<Vec<VillageRows>, StoreError> {
    let mut all = Vec::with_capacity(villages.len());
    for village in villages {
        all.push(VillageRows {
            village: village.clone(),
            grids: of_village::<GridRow>(session, no, scope, village).await?,
            units: of_village::<UnitRow>(session, no, scope, village).await?,
            seats: of_village::<Seat>(session, no, scope, village).await?,
            memberships: of_village::<Membership>(session, no, scope, village).await?,
        });
    }
    Ok(all)
}

/// Villages a plan has grids in, within the scope.
pub(in crate::store) async fn village_codes(
    session: &mut dyn Session,
    no: i64,
    scope: &Scope,
) -> Result<Vec<String>, StoreError> {
    let mut sql = Sql::new("grids", "SELECT DISTINCT substr(code, 1, 12) AS village FROM grids WHERE plan_no = ");
    sql.bind(no).push(" AND ").in_scope("code", scope).push(" ORDER BY village");
    session.rows(sql).await?.iter_mut().map(Row::take).collect()
}

pub(in crate::store) async fn grid_versions(
    session: &mut dyn Session,
    no: i64,
    scope: &Scope,
) -> Result<Vec<GridVersion>, StoreError> {
    let mut sql = Sql::new("grid_versions", "SELECT grid, version, actor, at FROM grid_versions WHERE plan_no = ");
    sql.bind(no).push(" AND ").in_scope("grid", scope).push(" ORDER BY grid");
    let read = |row: &mut Row| {
        Ok(GridVersion { grid: row.take()?, version: row.take()?, actor: row.take()?, at: row.take()? })
    };
    session.rows(sql).await?.iter_mut().map(read).collect()
}

async fn insert_head(session: &mut dyn Session, head: &PlanHead, forked_from: Option<&str>) -> Result<i64, StoreError> {
    let mut sql = Sql::new("plans", "INSERT INTO plans (");
    sql.push(HEAD).push(", forked_from, row_sum) VALUES (");
    for value in head_values(head) {
        sql.bind(value).push(", ");
    }
    sql.bind(forked_from.map(str::to_owned)).push(", ").bind(head_sum(head)).push(") RETURNING no");
    session.one(sql).await
}

fn in_scope(scope: &Scope, region: &str) -> Result<(), StoreError> {
    check_prefix(region)?;
    if region.len() > 12 {
        return Err(StoreError::BadArgument { name: "region", what: format!("{region}: 2–12 位数字 digits") });
    }
    if scope.covers(region) {
        return Ok(());
    }
    Err(StoreError::NotFound { what: "行政区 / region", id: region.to_owned() })
}

pub(in crate::store) async fn create(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    head: &PlanHead,
    villages: &mut (dyn Iterator<Item = NewVillage> + Send),
) -> Result<PlanHead, StoreError> {
    scope.need(Right::EditPlan)?;
    in_scope(scope, &head.region)?;
    let at = store.now();
    let id = if head.id.is_empty() { store.random_id() } else { head.id.clone() };
    let head = PlanHead { id, status: PlanStatus::Draft, version: 1, valid_from: None, valid_to: None, ..head.clone() };
    let mut session = store.engine.write().await?;
    let no = insert_head(session.as_mut(), &head, None).await?;
    let stored = Stored { no, head };
    let (mut grids, mut households) = (0, 0);
    for NewVillage { rows, derived } in villages {
        if !rows.village.starts_with(&stored.head.region) {
            return Err(StoreError::BadArgument {
                name: "village",
                what: format!("{}: 不在方案辖区内 / not in the plan's region", rows.village),
            });
        }
        in_village(&rows)?;
        let target = stored.target();
        rows::add(session.as_mut(), &target, &rows.grids).await?;
        rows::add(session.as_mut(), &target, &rows.units).await?;
        rows::add(session.as_mut(), &target, &rows.seats).await?;
        rows::add(session.as_mut(), &target, &rows.memberships).await?;
        derived::write(session.as_mut(), &stored, &rows.village, &derived).await?;
        grids += rows.grids.len();
        households += rows.memberships.len();
    }
    let after = serde_json::json!({ "region": stored.head.region, "grids": grids, "households": households });
    created(session.as_mut(), scope, actor, &at, "plan.create", &stored, after).await?;
    session.commit().await?;
    Ok(stored.head)
}

/// Every code of a village's rows begins with its code.
fn in_village(rows: &VillageRows) -> Result<(), StoreError> {
    let grids = rows.grids.iter().map(|r| (r.key(), r.code()));
    let units = rows.units.iter().map(|r| (r.key(), r.code()));
    let seats = rows.seats.iter().map(|r| (r.key(), r.code()));
    let members = rows.memberships.iter().map(|r| (r.key(), r.code()));
    for (key, code) in grids.chain(units).chain(seats).chain(members) {
        if !code.starts_with(&rows.village) {
            let what = format!("代码 {code} 不属于村 {} / the code is not of the village", rows.village);
            return Err(StoreError::Constraint { layer: "plan", id: key.to_owned(), what });
        }
    }
    Ok(())
}

async fn created(
    session: &mut dyn Session,
    scope: &Scope,
    actor: &str,
    at: &str,
    operation: &str,
    stored: &Stored,
    after: serde_json::Value,
) -> Result<(), StoreError> {
    let after = Some(after.to_string());
    let entry = audit::Entry { at, actor, scope, operation, subject: &stored.head.id, before: None, after };
    audit::append(session, entry).await.map(drop)
}

/// Copies of a plan's rows under another number; sums are over what a row says, so they stay.
const COPIES: [&str; 3] = [
    "INSERT INTO grids (plan_no, plan, in_force, code, name, kind, locked, valid_from, valid_to, predecessors, row_sum,
       households, buildings, persons, deviation, area_m2, perimeter_m, polsby_popper, geom, derived_sum)
     SELECT $1, $2, FALSE, code, name, kind, locked, valid_from, valid_to, predecessors, row_sum,
       households, buildings, persons, deviation, area_m2, perimeter_m, polsby_popper, geom, derived_sum
     FROM grids WHERE plan_no = $3 ORDER BY fid",
    "INSERT INTO units (plan_no, plan, in_force, code, locked, leader, deputies, officers_locked, exception, founded_on,
       contact_group, row_sum, households, sse_m2, reach_m, geom, derived_sum)
     SELECT $1, $2, FALSE, code, locked, leader, deputies, officers_locked, exception, founded_on,
       contact_group, row_sum, households, sse_m2, reach_m, geom, derived_sum
     FROM units WHERE plan_no = $3 ORDER BY fid",
    "INSERT INTO leaders (plan_no, plan, in_force, unit, household, role, geom, derived_sum)
     SELECT $1, $2, FALSE, unit, household, role, geom, derived_sum FROM leaders WHERE plan_no = $3 ORDER BY fid",
];

/// The same for the rows no map shows.
const PLAIN_COPIES: [(&str, &str); 2] = [
    (
        "seats",
        "INSERT INTO seats (plan_no, building, grid, locked, row_sum)
         SELECT $1, building, grid, locked, row_sum FROM seats WHERE plan_no = $2",
    ),
    (
        "memberships",
        "INSERT INTO memberships (plan_no, household, unit, row_sum)
         SELECT $1, household, unit, row_sum FROM memberships WHERE plan_no = $2",
    ),
];

pub(in crate::store) async fn fork(
    store: &SqlStore,
    scope: &Scope,
    plan: &str,
    actor: &str,
    name: &str,
) -> Result<PlanHead, StoreError> {
    scope.need(Right::EditPlan)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    let old = get(session.as_mut(), scope, plan, true).await?;
    in_scope(scope, &old.head.region)?;
    let head = PlanHead {
        id: store.random_id(),
        name: name.to_owned(),
        status: PlanStatus::Draft,
        version: 1,
        valid_from: None,
        valid_to: None,
        ..old.head.clone()
    };
    let no = insert_head(session.as_mut(), &head, Some(plan)).await?;
    for sql in COPIES {
        session.execute(Sql::new("fork", sql).arg(no).arg(head.id.as_str()).arg(old.no)).await?;
    }
    for (table, sql) in PLAIN_COPIES {
        session.execute(Sql::new(table, sql).arg(no).arg(old.no)).await?;
    }
    let stored = Stored { no, head };
    let after = serde_json::json!({ "from": plan, "version": old.head.version });
    created(session.as_mut(), scope, actor, &at, "plan.fork", &stored, after).await?;
    session.commit().await?;
    Ok(stored.head)
}

/// The day of a stamp, for codes given out by edits of a plan in force.
pub(in crate::store) fn today(at: &str) -> String {
    dates::day_of(at)
}
