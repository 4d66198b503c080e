//! A layer of a plan's map, row by row: what was decided and what is derived of it stand in the same row.

use std::ops::ControlFlow;

use crate::domain::plan::{GridRow, UnitRow};
use crate::store::contract::OnMap;
use crate::store::error::StoreError;
use crate::store::messages::{MapLayer, MapRow};
use crate::store::scope::Scope;
use crate::store::seen::Standing;
use crate::store::sql::{Session, Sql};
use crate::store::value::Row;

use super::derived::{self, GRID, LEADER, UNIT};
use super::heads;
use super::rows::PlanRow;

/// Rows of some villages that a condition holds for.
fn select(
    table: &'static str,
    columns: &[&'static str],
    no: i64,
    (code, scope, (from, to)): (&'static str, &Scope, (&str, &str)),
) -> Sql {
    let mut sql = Sql::new(table, "SELECT ");
    sql.push_list(columns).push(" FROM ").push(table).push(" WHERE plan_no = ").bind(no);
    // ':' follows '9'
    sql.push(" AND ").push(code).push(" >= ").bind(from).push(" AND ").push(code).push(" < ").bind(format!("{to}:"));
    sql.push(" AND ").in_scope(code, scope);
    sql
}

fn statement(layer: MapLayer, no: i64, scope: &Scope, villages: (&str, &str)) -> Sql {
    let shown = |decided: &[&'static str], derived: &[&'static str]| [decided, &["derived_sum"], derived].concat();
    match layer {
        MapLayer::Grids => {
            let mut sql = select("grids", &shown(GridRow::COLUMNS, GRID), no, ("code", scope, villages));
            sql.push(" ORDER BY code");
            sql
        }
        MapLayer::Units => {
            let mut sql = select("units", &shown(UnitRow::COLUMNS, UNIT), no, ("code", scope, villages));
            sql.push(
                " AND EXISTS (SELECT 1 FROM memberships AS m WHERE m.plan_no = units.plan_no AND m.unit = units.code)",
            );
            sql.push(" ORDER BY code");
            sql
        }
        MapLayer::Leaders => {
            let mut sql = select("leaders", &LEADER, no, ("unit", scope, villages));
            sql.push(" AND derived_sum IS NOT NULL ORDER BY unit, household, role DESC");
            sql
        }
    }
}

/// Whether anything is derived: its check sum comes first.
fn is_derived(row: &mut Row) -> Result<bool, StoreError> {
    row.take::<Option<i64>>().map(|sum| sum.is_some())
}

fn show(layer: MapLayer, row: &mut Row, see: &mut OnMap<'_>) -> Result<(), StoreError> {
    match layer {
        MapLayer::Grids => {
            let grid = GridRow::read(row)?;
            let derived = if is_derived(row)? { Some(derived::read_grid(grid.code.clone(), row)?) } else { None };
            see(MapRow::Grid(&grid, derived.as_ref()));
        }
        MapLayer::Units => {
            let unit = UnitRow::read(row)?;
            let derived = if is_derived(row)? { Some(derived::read_unit(unit.code.clone(), row)?) } else { None };
            see(MapRow::Unit(&unit, derived.as_ref()));
        }
        MapLayer::Leaders => see(MapRow::Leader(&derived::read_leader(row)?)),
    }
    Ok(())
}

pub(in crate::store) async fn each(
    session: &mut dyn Session,
    scope: &Scope,
    plan: &str,
    villages: (&str, &str),
    layer: MapLayer,
    see: &mut OnMap<'_>,
) -> Result<(), StoreError> {
    let no = heads::number(session, scope, plan).await?;
    let mut look = |standing: &mut Standing<'_>| {
        show(layer, &mut standing.to_row()?, see)?;
        Ok(ControlFlow::Continue(()))
    };
    session.each(statement(layer, no, scope, villages), &mut look).await
}
