//! What is derived from a plan for maps: polygons and figures of grids and units, leaders where they live.

use std::collections::BTreeMap;

use crate::domain::plan::PlanStatus;
use crate::store::SqlStore;
use crate::store::error::StoreError;
use crate::store::insert;
use crate::store::messages::{Derived, DerivedGrid, DerivedLeader, DerivedUnit};
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Session, Sql};
use crate::store::value::{Cell, Row, Value, row_sum};

use super::heads::{self, Stored};

pub(super) const GRID: &[&str] =
    &["households", "buildings", "persons", "deviation", "area_m2", "perimeter_m", "polsby_popper", "geom"];
/// Codes a statement names at most.
const MOST_CODES: usize = 500;
pub(super) const UNIT: &[&str] = &["households", "sse_m2", "reach_m", "geom"];
pub(in crate::store) const LEADER: [&str; 4] = ["unit", "household", "role", "geom"];

fn grid_values(g: &DerivedGrid) -> Vec<Value> {
    vec![
        g.households.to_value(),
        g.buildings.to_value(),
        g.persons.to_value(),
        g.deviation.to_value(),
        g.area_m2.to_value(),
        g.perimeter_m.to_value(),
        g.polsby_popper.to_value(),
        g.polygons.to_value(),
    ]
}

fn unit_values(u: &DerivedUnit) -> Vec<Value> {
    vec![u.households.to_value(), u.sse_m2.to_value(), u.reach_m.to_value(), u.polygons.to_value()]
}

/// Columns and statement of a table's derived part, for the check.
pub(in crate::store) fn sums(table: &str) -> Option<&'static [&'static str]> {
    match table {
        "grids" => Some(GRID),
        "units" => Some(UNIT),
        _ => None,
    }
}

async fn update(
    session: &mut dyn Session,
    no: i64,
    table: &'static str,
    code: &str,
    (columns, values): (&[&'static str], Vec<Value>),
) -> Result<(), StoreError> {
    let mut sql = Sql::new(table, "UPDATE ");
    sql.push(table).push(" SET derived_sum = ").bind(row_sum(&values));
    for (column, value) in columns.iter().zip(values) {
        sql.push(", ").push(column).push(" = ").bind(value);
    }
    sql.push(" WHERE plan_no = ").bind(no).push(" AND code = ").bind(code);
    match session.execute(sql).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound { what: table, id: code.to_owned() }),
    }
}

pub(in crate::store) async fn set(
    store: &SqlStore,
    scope: &Scope,
    plan: &str,
    version: u64,
    village: &str,
    derived: &Derived,
) -> Result<(), StoreError> {
    scope.need(Right::EditPlan)?;
    let mut session = store.engine.write().await?;
    let stored = heads::get(session.as_mut(), scope, plan, true).await?;
    if village.len() != 12 || !scope.covers(village) || !village.starts_with(&stored.head.region) {
        return Err(StoreError::NotFound { what: "村 / village", id: village.chars().take(20).collect() });
    }
    if stored.head.version != version {
        return Err(StoreError::Conflict {
            grids: Vec::new(),
            author: String::new(),
            time: String::new(),
            current_version: stored.head.version,
            edit: None,
        });
    }
    write(session.as_mut(), &stored, village, derived).await?;
    session.commit().await
}

/// Writes what is derived of some villages, each of which must be one of those an edit was about.
pub(super) async fn write_some(
    session: &mut dyn Session,
    stored: &Stored,
    villages: &[String],
    derived: &[(String, Derived)],
) -> Result<(), StoreError> {
    for (village, derived) in derived {
        if !villages.contains(village) {
            return Err(StoreError::NotFound { what: "村 / village", id: village.clone() });
        }
        write(session, stored, village, derived).await?;
    }
    Ok(())
}

/// Makes a village's derived rows these; rows that are so already are not touched.
pub(super) async fn write(
    session: &mut dyn Session,
    stored: &Stored,
    village: &str,
    derived: &Derived,
) -> Result<(), StoreError> {
    let codes = derived.grids.iter().map(|g| &g.code).chain(derived.units.iter().map(|u| &u.code));
    if let Some(foreign) = codes.chain(derived.leaders.iter().map(|l| &l.unit)).find(|c| !c.starts_with(village)) {
        return Err(StoreError::NotFound { what: "网格 / grid", id: foreign.clone() });
    }
    let grids = derived.grids.iter().map(|g| (g.code.as_str(), grid_values(g))).collect();
    part(session, stored.no, village, ("grids", GRID), grids).await?;
    let units = derived.units.iter().map(|u| (u.code.as_str(), unit_values(u))).collect();
    part(session, stored.no, village, ("units", UNIT), units).await?;
    leaders(session, stored, village, derived).await
}

/// Derived columns of a table: updates what differs, empties what has none any more.
async fn part(
    session: &mut dyn Session,
    no: i64,
    village: &str,
    (table, columns): (&'static str, &'static [&'static str]),
    wanted: Vec<(&str, Vec<Value>)>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(table, "SELECT code, derived_sum FROM ");
    sql.push(table).push(" WHERE derived_sum IS NOT NULL AND plan_no = ").bind(no);
    in_village(&mut sql, "code", village);
    let mut there: BTreeMap<String, i64> = BTreeMap::new();
    for mut row in session.rows(sql).await? {
        there.insert(row.take()?, row.take()?);
    }
    for (code, values) in wanted {
        if there.remove(code) != Some(row_sum(&values)) {
            update(session, no, table, code, (columns, values)).await?;
        }
    }
    for chunk in there.into_keys().collect::<Vec<_>>().chunks(MOST_CODES) {
        let mut sql = Sql::new(table, "UPDATE ");
        sql.push(table).push(" SET derived_sum = NULL");
        for column in columns {
            sql.push(", ").push(column).push(" = NULL");
        }
        sql.push(" WHERE plan_no = ").bind(no).push(" AND code");
        sql.in_list(session.dialect(), chunk.iter().map(String::as_str));
        session.execute(sql).await?;
    }
    Ok(())
}

async fn leaders(
    session: &mut dyn Session,
    stored: &Stored,
    village: &str,
    derived: &Derived,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("leaders", "SELECT unit, household, derived_sum FROM leaders WHERE plan_no = ");
    sql.bind(stored.no);
    in_village(&mut sql, "unit", village);
    let mut there: BTreeMap<(String, String), i64> = BTreeMap::new();
    for mut row in session.rows(sql).await? {
        there.insert((row.take()?, row.take()?), row.take()?);
    }
    let live = stored.head.status == PlanStatus::Live;
    let mut fresh = Vec::new();
    for l in &derived.leaders {
        let mut values = vec![l.unit.to_value(), l.household.to_value(), l.role.to_value(), l.place.to_value()];
        let sum = row_sum(&values);
        let key = (l.unit.clone(), l.household.clone());
        if there.get(&key) == Some(&sum) {
            there.remove(&key);
            continue;
        }
        values.extend([sum.into(), stored.no.into(), stored.head.id.as_str().into(), live.into()]);
        fresh.push(values);
    }
    for (unit, household) in there.into_keys() {
        let sql = Sql::new("leaders", "DELETE FROM leaders WHERE plan_no = $1 AND unit = $2 AND household = $3");
        session.execute(sql.arg(stored.no).arg(unit).arg(household)).await?;
    }
    let columns = ["unit", "household", "role", "geom", "derived_sum", "plan_no", "plan", "in_force"];
    insert::rows(session, "leaders", &columns, fresh).await
}

fn in_village(sql: &mut Sql, column: &'static str, village: &str) {
    sql.push(" AND ").push(column).push(" >= ").bind(village);
    sql.push(" AND ").push(column).push(" < ").bind(format!("{village}:"));
}

/// `SELECT` of a table's derived part within an area.
fn select(table: &'static str, (code, columns): (&'static str, &[&'static str]), no: i64, area: &Scope) -> Sql {
    let mut sql = Sql::new(table, "SELECT ");
    sql.push(code).push(", ").push_list(columns).push(" FROM ").push(table);
    sql.push(" WHERE derived_sum IS NOT NULL AND plan_no = ").bind(no);
    sql.push(" AND ").in_scope(code, area).push(" ORDER BY ").push(code);
    sql
}

/// What is derived of a grid, in the order of [`GRID`].
pub(super) fn read_grid(code: String, row: &mut Row) -> Result<DerivedGrid, StoreError> {
    Ok(DerivedGrid {
        code,
        households: row.take()?,
        buildings: row.take()?,
        persons: row.take()?,
        deviation: row.take()?,
        area_m2: row.take()?,
        perimeter_m: row.take()?,
        polsby_popper: row.take()?,
        polygons: row.take()?,
    })
}

/// What is derived of a unit, in the order of [`UNIT`].
pub(super) fn read_unit(code: String, row: &mut Row) -> Result<DerivedUnit, StoreError> {
    Ok(DerivedUnit { code, households: row.take()?, sse_m2: row.take()?, reach_m: row.take()?, polygons: row.take()? })
}

/// A leader, in the order of [`LEADER`].
pub(super) fn read_leader(row: &mut Row) -> Result<DerivedLeader, StoreError> {
    Ok(DerivedLeader { unit: row.take()?, household: row.take()?, role: row.take()?, place: row.take()? })
}

async fn grids_within(session: &mut dyn Session, no: i64, area: &Scope) -> Result<Vec<DerivedGrid>, StoreError> {
    let mut rows = session.rows(select("grids", ("code", GRID), no, area)).await?;
    rows.iter_mut().map(|row| read_grid(row.take()?, row)).collect()
}

async fn units_within(session: &mut dyn Session, no: i64, area: &Scope) -> Result<Vec<DerivedUnit>, StoreError> {
    let mut rows = session.rows(select("units", ("code", UNIT), no, area)).await?;
    rows.iter_mut().map(|row| read_unit(row.take()?, row)).collect()
}

async fn leaders_within(session: &mut dyn Session, no: i64, area: &Scope) -> Result<Vec<DerivedLeader>, StoreError> {
    let [unit, ref others @ ..] = LEADER;
    let mut sql = select("leaders", (unit, others), no, area);
    sql.push(", role DESC, household");
    session.rows(sql).await?.iter_mut().map(read_leader).collect()
}

pub(in crate::store) async fn get(
    session: &mut dyn Session,
    scope: &Scope,
    plan: &str,
    village: &str,
) -> Result<Derived, StoreError> {
    let no = heads::number(session, scope, plan).await?;
    let Some(area) = scope.within(village) else { return Ok(Derived::default()) };
    Ok(Derived {
        grids: grids_within(session, no, &area).await?,
        units: units_within(session, no, &area).await?,
        leaders: leaders_within(session, no, &area).await?,
    })
}
