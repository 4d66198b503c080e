//! What is derived from a plan for maps: polygons and figures of grids and units, leaders where they live.

use crate::domain::plan::PlanStatus;
use crate::store::SqlStore;
use crate::store::error::StoreError;
use crate::store::insert;
use crate::store::messages::{Derived, DerivedGrid, DerivedLeader, DerivedUnit};
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Session, Sql};
use crate::store::value::{Cell, Row, Value, row_sum};

use super::heads;

const GRID: &[&str] =
    &["households", "buildings", "persons", "deviation", "area_m2", "perimeter_m", "polsby_popper", "geom"];
const UNIT: &[&str] = &["households", "sse_m2", "reach_m", "geom"];

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
    let codes = derived.grids.iter().map(|g| &g.code).chain(derived.units.iter().map(|u| &u.code));
    if let Some(foreign) = codes.chain(derived.leaders.iter().map(|l| &l.unit)).find(|c| !c.starts_with(village)) {
        return Err(StoreError::NotFound { what: "网格 / grid", id: foreign.clone() });
    }
    let range = |sql: &mut Sql, column: &'static str| {
        sql.push(" WHERE plan_no = ").bind(stored.no).push(" AND ").push(column).push(" >= ").bind(village);
        sql.push(" AND ").push(column).push(" < ").bind(format!("{village}:"));
    };
    let empty_grids = "UPDATE grids SET households = NULL, buildings = NULL, persons = NULL, deviation = NULL,
        area_m2 = NULL, perimeter_m = NULL, polsby_popper = NULL, geom = NULL, derived_sum = NULL";
    let empty_units =
        "UPDATE units SET households = NULL, sse_m2 = NULL, reach_m = NULL, geom = NULL, derived_sum = NULL";
    for (table, text, column) in
        [("grids", empty_grids, "code"), ("units", empty_units, "code"), ("leaders", "DELETE FROM leaders", "unit")]
    {
        let mut sql = Sql::new(table, text);
        range(&mut sql, column);
        if table != "leaders" {
            sql.push(" AND derived_sum IS NOT NULL");
        }
        session.execute(sql).await?;
    }
    for g in &derived.grids {
        update(session.as_mut(), stored.no, "grids", &g.code, (GRID, grid_values(g))).await?;
    }
    for u in &derived.units {
        update(session.as_mut(), stored.no, "units", &u.code, (UNIT, unit_values(u))).await?;
    }
    let live = stored.head.status == PlanStatus::Live;
    let leader = |l: &DerivedLeader| {
        let mut values = vec![l.unit.to_value(), l.household.to_value(), l.role.to_value(), l.place.to_value()];
        let sum = row_sum(&values);
        values.extend([sum.into(), stored.no.into(), plan.into(), live.into()]);
        values
    };
    let columns = ["unit", "household", "role", "geom", "derived_sum", "plan_no", "plan", "in_force"];
    insert::rows(session.as_mut(), "leaders", &columns, derived.leaders.iter().map(leader).collect()).await?;
    session.commit().await
}

pub(in crate::store) async fn get(
    session: &mut dyn Session,
    scope: &Scope,
    plan: &str,
    village: &str,
) -> Result<Derived, StoreError> {
    let stored = heads::get(session, scope, plan, false).await?;
    let mut derived = Derived::default();
    let Some(part) = scope.within(village) else { return Ok(derived) };
    let select = |table: &'static str, columns: &[&'static str], code: &'static str| {
        let mut sql = Sql::new(table, "SELECT ");
        sql.push(code).push(", ").push_list(columns).push(" FROM ").push(table);
        sql.push(" WHERE derived_sum IS NOT NULL AND plan_no = ").bind(stored.no);
        sql.push(" AND ").in_scope(code, &part).push(" ORDER BY ").push(code);
        sql
    };
    let grid = |row: &mut Row| {
        Ok(DerivedGrid {
            code: row.take()?,
            households: row.take()?,
            buildings: row.take()?,
            persons: row.take()?,
            deviation: row.take()?,
            area_m2: row.take()?,
            perimeter_m: row.take()?,
            polsby_popper: row.take()?,
            polygons: row.take()?,
        })
    };
    let unit = |row: &mut Row| {
        Ok(DerivedUnit {
            code: row.take()?,
            households: row.take()?,
            sse_m2: row.take()?,
            reach_m: row.take()?,
            polygons: row.take()?,
        })
    };
    let leader = |row: &mut Row| {
        Ok(DerivedLeader { unit: row.take()?, household: row.take()?, role: row.take()?, place: row.take()? })
    };
    let [grids, units] = [select("grids", GRID, "code"), select("units", UNIT, "code")];
    let mut leaders = select("leaders", &["household", "role", "geom"], "unit");
    leaders.push(", role DESC, household");
    derived.grids = session.rows(grids).await?.iter_mut().map(grid).collect::<Result<_, StoreError>>()?;
    derived.units = session.rows(units).await?.iter_mut().map(unit).collect::<Result<_, StoreError>>()?;
    derived.leaders = session.rows(leaders).await?.iter_mut().map(leader).collect::<Result<_, StoreError>>()?;
    Ok(derived)
}
