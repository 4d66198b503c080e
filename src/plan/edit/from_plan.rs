//! A fresh plan as rows.

use std::collections::BTreeMap;

use crate::domain::Households;
use crate::domain::plan::{GridRow, Membership, Seat, UnitRow, VillageRows};
use crate::plan::ground::FixedKind;
use crate::plan::make::VillagePlan;

/// The rows of a village as [`crate::plan::make::make_plan`] made it from `table`; `levels` 2 adds the level-1 grid.
#[must_use]
pub fn rows_of(plan: &VillagePlan, table: &Households, levels: u32) -> VillageRows {
    let village = &plan.grids.ground.village;
    let grid = |code: String, name: String, kind: &str, locked: bool| GridRow {
        code,
        name,
        kind: kind.to_owned(),
        locked,
        valid_from: String::new(),
        valid_to: None,
        predecessors: Vec::new(),
    };
    let locked_names: Vec<&str> =
        plan.grids.ground.fixed.iter().filter(|f| f.kind == FixedKind::Locked).map(|f| f.name.as_str()).collect();
    let mut grids: Vec<GridRow> = plan
        .grids
        .grids
        .iter()
        .map(|g| {
            let name = g.name.clone().unwrap_or_default();
            let locked = !g.dedicated && locked_names.contains(&name.as_str());
            grid(plan.code.grid(g.number), name, if g.dedicated { "dedicated" } else { "base" }, locked)
        })
        .collect();
    if levels > 1 {
        grids.push(grid(plan.code.grid(0), plan.name.clone(), "level1", false));
    }
    grids.sort_by(|a, b| a.code.cmp(&b.code));
    let id = |m: u32| village.rows.get(m as usize).and_then(|&r| table.ids.get(r as usize)).cloned();
    let mut units: Vec<UnitRow> = plan
        .units
        .iter()
        .map(|u| {
            let mut officers = u.officers.iter().filter_map(|&m| id(m));
            UnitRow {
                code: u.code.clone(),
                locked: false,
                leader: officers.next(),
                deputies: officers.collect(),
                officers_locked: false,
                exception: u.exception.map(|e| e.to_string()),
                founded_on: None,
                contact_group: None,
            }
        })
        .collect();
    units.sort_by(|a, b| a.code.cmp(&b.code));
    let mut seats: BTreeMap<&str, Seat> = BTreeMap::new();
    let mut memberships = Vec::new();
    for ((m, &row), g) in (0_u32..).zip(&village.rows).zip(plan.grids.of_rows()) {
        if let Some(b) = table.building.get(row as usize) {
            seats.entry(b).or_insert_with(|| Seat { building: b.to_owned(), grid: plan.grid_code(g), locked: false });
        }
        let unit = plan.unit_of.get(m as usize).and_then(|&u| plan.units.get(u as usize));
        if let (Some(household), Some(unit)) = (id(m), unit) {
            memberships.push(Membership { household, unit: unit.code.clone() });
        }
    }
    memberships.sort_by(|a, b| a.household.cmp(&b.household));
    VillageRows {
        village: plan.code.as_str().to_owned(),
        grids,
        units,
        seats: seats.into_values().collect(),
        memberships,
    }
}
