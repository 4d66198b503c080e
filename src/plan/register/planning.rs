//! A plan made from the register, kept in the store as a draft with its rows and what is derived from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::domain::plan::{PlanHead, PlanStatus, VillageRows};
use crate::domain::{Column, Households, NO_VALUE, Profile};
use crate::partition::check::Breach;
use crate::plan::edit::nets::{NetReport, plan_one_net, report_nets};
use crate::plan::edit::{StateError, VillageState, rows_of};
use crate::plan::in_force::{self, Assigned};
use crate::plan::job::{Job, PlanError};
use crate::plan::make::make_plan;
use crate::plan::report::Report;
use crate::plan::village::by_village;
use crate::store::{NewVillage, PlanFilter, Scope, Store, StoreError, UsedCode};

use super::RegisterError;
use super::derived::derived_of;
use super::input::read_input;
use super::old_nets::{NetsWish, read_nets, sum_up};
use super::renumber::renumber;

/// What plan is wanted.
pub struct PlanWish<'a> {
    /// Region it covers: 2, 4, 6, 9 or 12 digits.
    pub region: &'a str,
    /// Name people give it.
    pub name: &'a str,
    /// Rules.
    pub profile: &'a Profile,
    /// Old nets whose borders are re-used.
    pub nets: &'a NetsWish,
    /// How long grids, and then units, are worked on.
    pub jobs: (&'a Job<'a>, &'a Job<'a>),
}

/// A plan in the store, and how it came out.
pub struct Planned {
    /// Its head.
    pub head: PlanHead,
    /// Villages, grids, units.
    pub counts: (usize, usize, usize),
    /// Breaches of H1–H11, judged on the rows as they are stored; with any, it cannot be published.
    pub breaches: Vec<Breach>,
    /// What is kept of each old net.
    pub nets: Vec<NetReport>,
    /// S6 against the plan in force, where there is one.
    pub moved: Option<Value>,
    /// The report.
    pub report: Report,
}

/// Makes a plan of a region from the register and stores it as a draft. Codes, names, locked grids and officers of the plan in force
/// last (see `renumber`).
///
/// # Errors
/// Nothing to plan, what the solver refuses, what the store says; being cancelled. Nothing is stored then.
pub async fn plan_region(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &PlanWish<'_>,
) -> Result<Planned, RegisterError> {
    let input_version = store.register_version(scope).await?;
    let mut input = read_input(store, scope, wish.region).await?;
    if input.table.is_empty() {
        return Err(RegisterError::NoHousehold { region: wish.region.to_owned() });
    }
    let in_force = rows_in_force(store, scope, wish.region).await?;
    let used = store.used_codes(scope, wish.region).await?;
    let nets = read_nets(store, scope, wish.region, &input.table, wish.nets).await?;
    let mut report = Report::new("plan", wish.jobs.0.seed);
    report.rows = input.table.len() as u64;
    input.table.lock = locks(&input.table, &in_force);
    let (table, plans) = if nets.is_empty() {
        let plans = make_plan(&input.table, &input.regions, &input.barriers, wish.profile, wish.jobs, &mut report)?;
        (input.table.clone(), plans)
    } else {
        let (regions, barriers) = (&input.regions, &input.barriers);
        plan_one_net(input.table.clone(), &nets, regions, barriers, wish.profile, wish.jobs, &mut report)?
    };
    let fresh: BTreeMap<String, VillageRows> =
        plans.iter().map(|p| (p.code.as_str().to_owned(), rows_of(p, &table, wish.profile.grid.levels))).collect();
    drop((plans, table));
    if wish.jobs.0.cancel.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(StoreError::Cancelled.into());
    }
    input.table.lock = None;
    let done: Vec<Finished> = by_village(&input.table)
        .into_par_iter()
        .map(|village| {
            let fresh = fresh.get(&village.key).ok_or_else(|| no_rows(&village.key))?;
            let used = codes_of(&used, &village.key);
            let rows = renumber(fresh, in_force.get(&village.key), used)?;
            let state = VillageState::new(Arc::new(input.land(&village, wish.profile)?), &rows)?;
            Ok(Finished {
                breaches: state.problems(),
                nets: report_nets(&state, &nets),
                village: NewVillage { derived: derived_of(&state), rows },
            })
        })
        .collect::<Result<_, RegisterError>>()?;
    let head = PlanHead {
        id: String::new(),
        name: wish.name.to_owned(),
        region: wish.region.to_owned(),
        status: PlanStatus::Draft,
        version: 1,
        seed: wish.jobs.0.seed,
        parameters: json!({
            "program": report.version, "stages": report.stages,
            "hard_barriers": wish.profile.barriers(&input.barriers).iter().filter(|b| b.hard).count(),
            "old_nets": nets.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(),
        }),
        profile: wish.profile.to_toml(),
        input_version,
        valid_from: None,
        valid_to: None,
    };
    let counts = (
        done.len(),
        done.iter().map(|d| d.village.rows.grids.len()).sum(),
        done.iter().map(|d| d.village.derived.units.len()).sum(),
    );
    let nets = sum_up(done.iter().flat_map(|d| &d.nets));
    let breaches = done.iter().flat_map(|d| d.breaches.iter().cloned()).collect();
    let moved = (!in_force.is_empty())
        .then(|| in_force::moved(&assigned(in_force.values()), &assigned(done.iter().map(|d| &d.village.rows))));
    let mut villages = done.into_iter().map(|d| d.village);
    let head = store.create_plan(scope, actor, &head, &mut villages).await?;
    Ok(Planned { head, counts, breaches, nets, moved, report })
}

/// A village of a new plan, ready to be stored.
struct Finished {
    village: NewVillage,
    breaches: Vec<Breach>,
    nets: Vec<NetReport>,
}

fn no_rows(village: &str) -> RegisterError {
    let message = "没有方案 / no plan was made".to_owned();
    PlanError::Solver { village: village.to_owned(), message }.into()
}

impl From<StateError> for RegisterError {
    fn from(e: StateError) -> Self {
        match e {
            StateError::Plan(e) => Self::Plan(e),
            other => Self::State(other.to_string()),
        }
    }
}

/// Codes below a village's, out of a list in their order.
fn codes_of<'a>(used: &'a [UsedCode], village: &str) -> &'a [UsedCode] {
    let from = used.partition_point(|c| c.code.as_str() < village);
    let len = used.get(from..).unwrap_or_default().partition_point(|c| c.code.starts_with(village));
    used.get(from..from + len).unwrap_or_default()
}

/// Rows of the plans in force, by village; of two plans of a village that of the smaller region counts.
pub(super) async fn rows_in_force(
    store: &dyn Store,
    scope: &Scope,
    region: &str,
) -> Result<BTreeMap<String, VillageRows>, StoreError> {
    let live = PlanFilter { status: Some(PlanStatus::Live), region: None };
    let mut plans = store.list_plans(scope, &live).await?;
    plans.retain(|p| p.region.starts_with(region) || region.starts_with(&p.region));
    plans.sort_by_key(|p| p.region.len());
    let mut rows = BTreeMap::new();
    for plan in plans {
        let mut villages = store.plan_villages(scope, &plan.id).await?;
        villages.retain(|v| v.starts_with(region));
        for village in store.plan_rows(scope, &plan.id, &villages).await?.1 {
            rows.insert(village.village.clone(), village);
        }
    }
    Ok(rows)
}

/// The lock column: rows whose building stands in a locked grid of the plan in force.
fn locks(table: &Households, in_force: &BTreeMap<String, VillageRows>) -> Option<Column> {
    let mut of_building: BTreeMap<&str, u32> = BTreeMap::new();
    let mut column = Column::default();
    for rows in in_force.values() {
        for grid in rows.grids.iter().filter(|g| g.locked && g.valid_to.is_none()) {
            let number = column.names.len() as u32;
            column.names.push(grid.code.clone());
            let inside = rows.seats.iter().filter(|s| s.grid == grid.code);
            of_building.extend(inside.map(|s| (s.building.as_str(), number)));
        }
    }
    if of_building.is_empty() {
        return None;
    }
    column.of = (0..table.len())
        .map(|row| table.building.get(row).and_then(|b| of_building.get(b)).copied().unwrap_or(NO_VALUE))
        .collect();
    Some(column)
}

/// Grid and unit of each household in rows.
pub(super) fn assigned<'a>(rows: impl Iterator<Item = &'a VillageRows>) -> Assigned {
    rows.flat_map(|r| &r.memberships)
        .map(|m| (m.household.clone(), (m.unit.get(..15).unwrap_or(&m.unit).to_owned(), m.unit.clone())))
        .collect()
}
