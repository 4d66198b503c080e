//! A whole plan from households and a profile: grids, units in every grid, codes, proposed leaders.

use rayon::prelude::*;

use crate::domain::codes::CodeError;
use crate::domain::{Barrier, Households, Profile, Region, VillageCode};
use crate::partition::effort::drive;
use crate::partition::leaders::{NO_ELIGIBLE_CANDIDATE, propose};
use crate::partition::numbering::{id_ranks, ranks_of_parts};
use crate::partition::units::{ExceptionReason, UnitsSolution, UnitsSolver};

use super::figures::{UnitsView, spread_of};
use super::grids::{GridRules, Outlines, VillageGrids, Wish, form_grids};
use super::job::{Job, PlanError};
use super::report::{ListedException, Report};
use super::units::{UnitRules, UnitTask, note_blank_containers};

/// Units that a grid's codes can number.
const MOST_UNITS: u32 = 999;

/// One unit of a plan.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Eighteen digits.
    pub code: String,
    /// Index of its grid in the village's grids.
    pub grid: u32,
    /// Members, as positions in the village's rows.
    pub members: Vec<u32>,
    /// Σ squared metres to the members' mean.
    pub sse_m2: f64,
    /// Greatest distance between a member and the mean, in metres.
    pub reach_m: f64,
    /// Proposed leader and deputies, as positions in the village's rows; leader first.
    pub officers: Vec<u32>,
    /// Why its size is outside the rules.
    pub exception: Option<ExceptionReason>,
}

impl Unit {
    /// Why nobody is proposed for its offices: no member is eligible.
    #[must_use]
    pub fn vacancy(&self) -> Option<&'static str> {
        self.officers.is_empty().then_some(NO_ELIGIBLE_CANDIDATE)
    }
}

/// One village of a plan.
pub struct VillagePlan {
    /// Its code; provisional where no office gave one.
    pub code: VillageCode,
    /// Its name.
    pub name: String,
    /// Its grids.
    pub grids: VillageGrids,
    /// Its units, in the order of their codes.
    pub units: Vec<Unit>,
    /// Unit of each row of the village; `u32::MAX` for a row without households.
    pub unit_of: Vec<u32>,
}

impl VillagePlan {
    /// Its units as the figures see them.
    #[must_use]
    pub fn units_view(&self) -> UnitsView<'_> {
        UnitsView { village: &self.grids.ground.village, unit_of: &self.unit_of, units: self.units.len() }
    }

    /// Buildings and persons (where the table knows them) of each of its grids.
    #[must_use]
    pub fn grid_counts(&self, table: &Households) -> Vec<(usize, Option<u64>)> {
        let k = self.grids.grids.len();
        let mut persons: Vec<Option<u64>> = vec![table.persons.as_ref().map(|_| 0); k];
        let mut buildings = vec![std::collections::BTreeSet::new(); k];
        for (&row, g) in self.grids.ground.village.rows.iter().zip(self.grids.of_rows()) {
            buildings[g as usize].insert(table.building.of[row as usize]);
            if let (Some(sum), Some(p)) = (&mut persons[g as usize], &table.persons) {
                *sum += u64::from(p[row as usize].unwrap_or(0));
            }
        }
        buildings.iter().map(std::collections::BTreeSet::len).zip(persons).collect()
    }

    /// Code of one of its grids.
    #[must_use]
    pub fn grid_code(&self, grid: u32) -> String {
        self.code.grid(self.grids.grids.get(grid as usize).map_or(0, |g| g.number))
    }
}

/// The rules for grids that a profile says.
#[must_use]
pub fn grid_rules(profile: &Profile) -> GridRules {
    GridRules {
        wish: match profile.grid.per_village {
            Some(mean) => Wish::PerVillage(mean),
            None => Wish::Target(profile.grid.target_households),
        },
        tolerance: profile.grid.tolerance,
        divide: profile.grid.divide,
        otherwise: profile.grid.otherwise,
        building_min: profile.unit.min,
        old_net_weight: profile.grid.old_net_weight,
    }
}

/// The rules for units that a profile says.
#[must_use]
pub fn unit_rules(profile: &Profile) -> UnitRules {
    UnitRules {
        min: profile.unit.min,
        max: profile.unit.max,
        count: None,
        target: profile.unit.target,
        max_reach_m: profile.unit.max_reach_m,
        // Finest first: what is kept together first is the stairwell.
        containers: profile.containers().into_iter().rev().collect(),
    }
}

/// Makes a plan. `grids_job` and `units_job` differ in their deadline alone.
///
/// # Errors
/// What [`form_grids`] refuses, and codes of villages that are none.
pub fn make_plan(
    table: &Households,
    regions: &[Region],
    barriers: &[Barrier],
    profile: &Profile,
    (grids_job, units_job): (&Job<'_>, &Job<'_>),
    report: &mut Report,
) -> Result<Vec<VillagePlan>, PlanError> {
    let outlines = Outlines { regions, single: None };
    let villages = form_grids(table, &outlines, &profile.barriers(barriers), &grid_rules(profile), grids_job, report)?;
    let codes = village_codes(&villages, regions)?;
    let rules = unit_rules(profile);
    note_blank_containers(table, &rules, report);
    let tasks: Vec<(UnitTask, Vec<u32>)> = villages
        .par_iter()
        .map(|v| {
            let village = &v.ground.village;
            let members: Vec<u32> = (0..village.rows.len() as u32)
                .filter(|&m| table.households[village.rows[m as usize] as usize] > 0)
                .collect();
            let of_rows = v.of_rows();
            let zone: Vec<u32> = members.iter().map(|&m| of_rows[m as usize]).collect();
            (UnitTask::new(table, village, members, &rules, &zone), zone)
        })
        .collect();
    let mut solvers: Vec<UnitsSolver> = tasks
        .par_iter()
        .zip(&villages)
        .enumerate()
        .map(|(i, ((task, _), v))| {
            task.start(&rules, None, units_job.seed, i as u64)
                .map_err(|message| PlanError::Solver { village: v.ground.village.key.clone(), message })
        })
        .collect::<Result<_, _>>()?;
    report.step("units.start", units_job.begun);
    let replay = units_job.replay_rounds("units");
    let outcome = drive(&mut solvers, units_job.effort, replay.as_deref(), units_job.cancel, &|share| {
        (units_job.progress)("units", share);
    });
    for (v, (rounds, stopped)) in villages.iter().zip(&outcome) {
        report.push_stage(&v.ground.village.key, "units", *rounds, *stopped);
    }
    report.step("units.solved", units_job.begun);
    let plans: Vec<VillagePlan> = villages
        .into_par_iter()
        .zip(codes)
        .zip(tasks)
        .zip(solvers)
        .map(|(((grids, (code, name)), (task, zone)), solver)| {
            let mut plan = VillagePlan {
                code,
                name,
                unit_of: vec![u32::MAX; grids.ground.village.rows.len()],
                grids,
                units: Vec::new(),
            };
            plan.set_units(table, &task, &zone, &solver.solution(), profile)?;
            Ok(plan)
        })
        .collect::<Result<_, PlanError>>()?;
    for p in &plans {
        p.list_exceptions(table, report);
    }
    Ok(plans)
}

/// Code and name of each village.
fn village_codes(villages: &[VillageGrids], regions: &[Region]) -> Result<Vec<(VillageCode, String)>, PlanError> {
    let mut provisional = 0;
    let mut seen = std::collections::BTreeMap::new();
    let mut given = Vec::with_capacity(villages.len());
    for v in villages {
        let key = &v.ground.village.key;
        let region = v.region.and_then(|r| regions.get(r));
        let name = region.and_then(|r| r.name.clone()).unwrap_or_else(|| key.clone());
        let said = region.and_then(|r| r.code.as_deref()).or_else(|| looks_like_code(key).then_some(key.as_str()));
        let code = match said {
            Some(text) => VillageCode::parse(text)
                .map_err(|e: CodeError| PlanError::Solver { village: key.clone(), message: e.to_string() })?,
            None => {
                provisional += 1;
                VillageCode::provisional(provisional - 1)
            }
        };
        if let Some(other) = seen.insert(code.clone(), key.clone()) {
            return Err(PlanError::Solver {
                village: key.clone(),
                message: format!("编码 {0} 也属于“{other}” / the code {0} is also of \"{other}\"", code.as_str()),
            });
        }
        given.push((code, name));
    }
    Ok(given)
}

fn looks_like_code(key: &str) -> bool {
    key.len() >= 9 && key.bytes().all(|b| b.is_ascii_digit())
}

impl VillagePlan {
    fn set_units(
        &mut self,
        table: &Households,
        task: &UnitTask,
        zone: &[u32],
        solution: &UnitsSolution,
        profile: &Profile,
    ) -> Result<(), PlanError> {
        let village = &self.grids.ground.village;
        let k = solution.units as usize;
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); k];
        let mut grid = vec![0_u32; k];
        for ((&m, &u), &z) in task.members.iter().zip(&solution.unit_of).zip(zone) {
            members[u as usize].push(m);
            grid[u as usize] = z;
        }
        let xy: Vec<[f64; 2]> = task.members.iter().map(|&m| village.xy[m as usize]).collect();
        let ids = id_ranks(task.members.iter().map(|&m| table.ids[village.rows[m as usize] as usize].as_str()));
        let rank = ranks_of_parts(&xy, &vec![1; xy.len()], &solution.unit_of, solution.units, &ids);
        let mut order: Vec<usize> = (0..k).filter(|&u| !members[u].is_empty()).collect();
        order.sort_by_key(|&u| (grid[u], rank[u]));
        let mut reason = vec![None; k];
        for e in &solution.exceptions {
            reason[e.unit as usize] = Some(e.reason);
        }
        let eligible = table.eligible.as_ref();
        let (mut number, mut last) = (0, u32::MAX);
        for u in order {
            number = if grid[u] == last { number + 1 } else { 1 };
            last = grid[u];
            let grid_code = self.code.grid(self.grids.grids.get(last as usize).map_or(0, |g| g.number));
            if number > MOST_UNITS {
                return Err(PlanError::TooManyUnits { grid: grid_code });
            }
            let own = std::mem::take(&mut members[u]);
            let at: Vec<[f64; 2]> = own.iter().map(|&m| village.xy[m as usize]).collect();
            let allowed: Option<Vec<bool>> =
                eligible.map(|e| own.iter().map(|&m| e[village.rows[m as usize] as usize]).collect());
            let officers = propose(&at, allowed.as_deref(), profile.unit.deputies);
            let (sse_m2, reach_m) = spread_of(&at);
            for &m in &own {
                self.unit_of[m as usize] = self.units.len() as u32;
            }
            self.units.push(Unit {
                code: format!("{grid_code}{number:03}"),
                grid: last,
                sse_m2,
                reach_m,
                officers: officers.iter().map(|&i| own[i]).collect(),
                members: own,
                exception: reason[u],
            });
        }
        Ok(())
    }

    fn list_exceptions(&self, table: &Households, report: &mut Report) {
        for u in &self.units {
            let rows = &self.grids.ground.village.rows;
            let size = u.exception.map(|e| e.to_string());
            for reason in size.into_iter().chain(u.vacancy().map(str::to_owned)) {
                report.exceptions.push(ListedException {
                    village: self.code.as_str().to_owned(),
                    subject: u.code.clone(),
                    households: u.members.len() as u32,
                    reason,
                    ids: u.members.iter().take(5).map(|&m| table.ids[rows[m as usize] as usize].clone()).collect(),
                });
            }
        }
    }
}
