//! `lianhu units`: ten-household units of every village of an input.

use rayon::prelude::*;

pub use crate::domain::Binding;
use crate::domain::{Barrier, Households, NO_VALUE};
use crate::graph::Csr;
use crate::partition::effort::drive;
use crate::partition::numbering::{id_ranks, ranks_of_parts};
use crate::partition::units::certify::{Certificate, certify};
use crate::partition::units::{UnitsInput, UnitsOptions, UnitsSolution, UnitsSolver};

use crate::space::mesh::Mesh;

use super::ground::mesh_error;
use super::job::{Job, PlanError};
use super::report::{ListedException, Report};
use super::village::{Village, by_village, dense, together};

/// What units must look like.
#[derive(Clone, Debug)]
pub struct UnitRules {
    /// Fewest households in a unit.
    pub min: u32,
    /// Most households in a unit.
    pub max: u32,
    /// Fixed number of units over the whole input.
    pub count: Option<u32>,
    /// Wished size.
    pub target: Option<u32>,
    /// A piece farther than this from anyone is an exception, in metres.
    pub max_reach_m: Option<f64>,
    /// Containers, finest first.
    pub containers: Vec<(String, Binding)>,
}

/// Units of one village.
pub struct VillageUnits {
    /// The village.
    pub village: Village,
    /// Its units, by index into the village's rows; numbered in band order.
    pub solution: UnitsSolution,
    /// Label of each unit: −1 for a listed exception.
    pub label: Vec<i64>,
    /// Side of the hard barriers on which each row lies; empty where none is near.
    pub side: Vec<u32>,
}

impl VillageUnits {
    /// Units with households on several sides of hard barriers (H11).
    #[must_use]
    pub fn crossing(&self) -> usize {
        let mut first = vec![None; self.solution.units as usize];
        let mut crossing = vec![false; first.len()];
        for (&u, &side) in self.solution.unit_of.iter().zip(&self.side) {
            let u = u as usize;
            if let (Some(f), Some(c)) = (first.get_mut(u), crossing.get_mut(u)) {
                *c |= *f.get_or_insert(side) != side;
            }
        }
        crossing.into_iter().filter(|c| *c).count()
    }
}

/// The households (rows with at least one household) of one village as the solver sees them.
pub struct UnitTask {
    /// Positions in the village's rows.
    pub members: Vec<u32>,
    xy: Vec<[f64; 2]>,
    building: Vec<u32>,
    stairwell: Vec<u32>,
    floor: Vec<i32>,
    law: Vec<u32>,
    prefer: Vec<Vec<u32>>,
    /// Rank of each member's id.
    id_rank: Vec<u32>,
}

impl UnitTask {
    /// The task of the rows `members` (positions in `village.rows`); `zone` gives each of them a further law.
    #[must_use]
    pub fn new(table: &Households, village: &Village, members: Vec<u32>, rules: &UnitRules, zone: &[u32]) -> Self {
        let row = |m: &u32| village.rows[*m as usize] as usize;
        let values = |name: &str| {
            let column = table.column(name)?;
            Some(members.iter().map(|m| column.of.get(row(m)).copied().unwrap_or(NO_VALUE)).collect::<Vec<u32>>())
        };
        let column = |name: &str| values(name).map(|of| dense(of.into_iter()));
        let building = column("building").unwrap_or_default();
        // A stairwell is a stairwell of its building.
        let within_building = |of: Vec<u32>| pairs(&building, &of);
        let stairwell = column("stairwell").map(within_building).unwrap_or_default();
        let floor = table
            .floor
            .as_ref()
            .map(|f| members.iter().map(|m| f.get(row(m)).copied().flatten().unwrap_or(0)).collect())
            .unwrap_or_default();
        let mut law = if zone.is_empty() { vec![0; members.len()] } else { zone.to_vec() };
        let mut prefer = Vec::new();
        for (name, binding) in &rules.containers {
            match binding {
                Binding::Law => {
                    let Some(of) = values(name) else { continue };
                    law = pairs(&law, &together(&of, (name == "stairwell").then_some(&building)));
                }
                Binding::Prefer if name == "stairwell" && !stairwell.is_empty() => prefer.push(stairwell.clone()),
                Binding::Prefer => prefer.extend(column(name)),
            }
        }
        let xy = members.iter().map(|m| village.xy[*m as usize]).collect();
        let id_rank = id_ranks(members.iter().map(|m| table.ids[row(m)].as_str()));
        Self { members, xy, building, stairwell, floor, law, prefer, id_rank }
    }

    /// Starts the solver (its state is then s₀).
    ///
    /// # Errors
    /// When the rules contradict each other or the fixed count cannot hold the households.
    pub fn start(&self, rules: &UnitRules, count: Option<u32>, seed: u64, stream: u64) -> Result<UnitsSolver, String> {
        let (input, options) = self.asked(rules, count, seed, stream);
        UnitsSolver::new(&input, &options).map_err(|e| e.to_string())
    }

    fn asked(&self, rules: &UnitRules, count: Option<u32>, seed: u64, village: u64) -> (UnitsInput<'_>, UnitsOptions) {
        let input = UnitsInput {
            xy: &self.xy,
            building: &self.building,
            stairwell: &self.stairwell,
            floor: &self.floor,
            law: &self.law,
            prefer: &self.prefer,
        };
        let UnitRules { min, max, target, max_reach_m, .. } = *rules;
        (input, UnitsOptions { min, max, count, target, max_reach_m, seed, village })
    }

    /// Certifies a solution of this task (`unit_of`: one entry a member) with at most `iterations` iterations.
    #[must_use]
    pub fn certify(
        &self,
        rules: &UnitRules,
        solution: &UnitsSolution,
        iterations: u32,
        stop: &dyn Fn() -> bool,
    ) -> Certificate {
        let (input, options) = self.asked(rules, rules.count, 0, 0);
        certify(&input, &options, solution, iterations, stop)
    }

    /// Renumbers a solution's units by bands of their centroids.
    #[must_use]
    pub fn numbered(&self, mut solution: UnitsSolution) -> UnitsSolution {
        let weight = vec![1; self.xy.len()];
        let ranks = ranks_of_parts(&self.xy, &weight, &solution.unit_of, solution.units, &self.id_rank);
        for u in &mut solution.unit_of {
            *u = ranks.get(*u as usize).copied().unwrap_or(*u);
        }
        for e in &mut solution.exceptions {
            e.unit = ranks.get(e.unit as usize).copied().unwrap_or(e.unit);
        }
        solution.exceptions.sort_by_key(|e| e.unit);
        solution
    }
}

/// Numbers the distinct pairs of two labellings by first appearance.
#[must_use]
pub fn pairs(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut seen = std::collections::BTreeMap::new();
    a.iter()
        .zip(b)
        .map(|(&x, &y)| {
            let fresh = seen.len() as u32;
            *seen.entry((x, y)).or_insert(fresh)
        })
        .collect()
}

/// Forms the units of every village.
///
/// # Errors
/// Rows of several households, missing container columns, contradictory rules; nothing is partly done.
pub fn form_units(
    table: &Households,
    rules: &UnitRules,
    barriers: &[Barrier],
    job: &Job<'_>,
    report: &mut Report,
) -> Result<Vec<VillageUnits>, PlanError> {
    if let Some(at) = table.households.iter().position(|&h| h > 1) {
        return Err(PlanError::SeveralHouseholds { row: table.source_row[at], households: table.households[at] });
    }
    if let Some((column, _)) = rules.containers.iter().find(|(c, _)| table.column(c).is_none()) {
        let found = containers_of(table).join("、");
        return Err(PlanError::MissingColumn { column: column.clone(), found });
    }
    note_blank_containers(table, rules, report);
    let villages = by_village(table);
    let tasks: Vec<(UnitTask, Vec<u32>)> = villages
        .par_iter()
        .map(|v| {
            let members: Vec<u32> =
                (0..v.rows.len() as u32).filter(|&m| table.households[v.rows[m as usize] as usize] > 0).collect();
            let side = barrier_zones(table, v, barriers)?;
            let zone: Vec<u32> = members.iter().filter_map(|&m| side.get(m as usize).copied()).collect();
            Ok((UnitTask::new(table, v, members, rules, &zone), side))
        })
        .collect::<Result<_, PlanError>>()?;
    let (tasks, sides): (Vec<UnitTask>, Vec<Vec<u32>>) = tasks.into_iter().unzip();
    let counts = share_count(rules, &tasks)?;
    let mut solvers: Vec<UnitsSolver> = tasks
        .par_iter()
        .zip(&villages)
        .enumerate()
        .map(|(i, (task, village))| {
            task.start(rules, counts.get(i).copied(), job.seed, i as u64)
                .map_err(|message| PlanError::Solver { village: village.key.clone(), message })
        })
        .collect::<Result<_, PlanError>>()?;
    let replay = job.replay_rounds("units");
    let outcome =
        drive(&mut solvers, job.effort, replay.as_deref(), job.cancel, &|share| (job.progress)("units", share));
    for (village, (rounds, stopped)) in villages.iter().zip(&outcome) {
        report.push_stage(&village.key, "units", *rounds, *stopped);
    }
    let solutions: Vec<UnitsSolution> = solvers.par_iter().zip(&tasks).map(|(s, t)| t.numbered(s.solution())).collect();
    let mut next = 0;
    let mut result = Vec::with_capacity(villages.len());
    for (((village, task), solution), side) in villages.into_iter().zip(tasks).zip(solutions).zip(sides) {
        let mut label = vec![0_i64; solution.units as usize];
        for e in &solution.exceptions {
            if let Some(l) = label.get_mut(e.unit as usize) {
                *l = -1;
            }
        }
        for l in label.iter_mut().filter(|l| **l == 0) {
            *l = next;
            next += 1;
        }
        for e in &solution.exceptions {
            let ids = task
                .members
                .iter()
                .zip(&solution.unit_of)
                .filter(|(_, u)| **u == e.unit)
                .take(5)
                .map(|(&m, _)| table.ids[village.rows[m as usize] as usize].clone())
                .collect();
            report.exceptions.push(ListedException {
                village: village.key.clone(),
                subject: "unit".to_owned(),
                households: e.households,
                reason: e.reason.to_string(),
                ids,
            });
        }
        // Back from members to rows: a row without households belongs to no unit.
        let mut unit_of = vec![u32::MAX; village.rows.len()];
        for (&m, &u) in task.members.iter().zip(&solution.unit_of) {
            unit_of[m as usize] = u;
        }
        result.push(VillageUnits { village, solution: UnitsSolution { unit_of, ..solution }, label, side });
    }
    Ok(result)
}

/// Columns of a table that can be containers.
fn containers_of(table: &Households) -> Vec<String> {
    let standard = ["building", "stairwell", "hamlet", "group", "village", "lock", "dedicated"];
    let own = standard.into_iter().filter(|c| table.column(c).is_some()).map(str::to_owned);
    own.chain(table.extra.keys().cloned()).collect()
}

/// Says where a binding container is blank: those households belong to none and are divided together.
pub(super) fn note_blank_containers(table: &Households, rules: &UnitRules, report: &mut Report) {
    for (name, _) in rules.containers.iter().filter(|(_, b)| *b == Binding::Law) {
        let Some(column) = table.column(name) else { continue };
        let blank = column.of.iter().zip(&table.households).filter(|(v, h)| **v == NO_VALUE && **h > 0).count();
        if blank > 0 {
            report.notes.push(format!(
                "列“{name}”有 {blank} 户为空：不属任何容器，同村的归在一起划分 / column \"{name}\" is blank for {blank} households: they belong to no container and are divided together within their village"
            ));
        }
    }
}

/// The side of the hard barriers on which each row of a village lies; empty where none is near.
fn barrier_zones(table: &Households, village: &Village, barriers: &[Barrier]) -> Result<Vec<u32>, PlanError> {
    let near = village.local_barriers(barriers);
    if !near.iter().any(|b| b.hard && !b.is_bridge()) {
        return Ok(Vec::new());
    }
    let mesh = Mesh::build(&village.sites, None, &near).map_err(|e| mesh_error(table, village, e))?;
    let side = Csr::from_edges(village.sites.len(), mesh.edges()).0.components().0;
    Ok(village.site_of.iter().map(|&s| side[s as usize]).collect())
}

/// Shares a fixed number of units over the villages, by households within what each can hold.
fn share_count(rules: &UnitRules, tasks: &[UnitTask]) -> Result<Vec<u32>, PlanError> {
    let Some(count) = rules.count else { return Ok(Vec::new()) };
    let sizes: Vec<u32> = tasks.iter().map(|t| t.members.len() as u32).collect();
    let total: u64 = sizes.iter().map(|&s| u64::from(s)).sum();
    let bounds: Vec<(u32, u32)> = sizes
        .iter()
        .map(|&s| {
            let low = s.div_ceil(rules.max.max(1));
            (low, (s / rules.min.max(1)).max(low))
        })
        .collect();
    let (low, high) = bounds.iter().fold((0_u64, 0_u64), |a, b| (a.0 + u64::from(b.0), a.1 + u64::from(b.1)));
    if u64::from(count) < low || u64::from(count) > high {
        return Err(PlanError::Solver {
            village: String::new(),
            message: format!(
                "--count {count}：{total} 户、每单元 {0}–{1} 户，可分为 {low}–{high} 个单元 / --count {count}: {total} households in units of {0}–{1} need between {low} and {high} units",
                rules.min, rules.max
            ),
        });
    }
    let wish = |s: u32| f64::from(s) * f64::from(count) / (total.max(1) as f64);
    let mut given: Vec<u32> =
        sizes.iter().zip(&bounds).map(|(&s, b)| (wish(s).floor() as u32).clamp(b.0, b.1)).collect();
    loop {
        let sum: u64 = given.iter().map(|&g| u64::from(g)).sum();
        let gap = |i: usize| wish(sizes[i]) - f64::from(given[i]);
        let pick = match sum.cmp(&u64::from(count)) {
            std::cmp::Ordering::Equal => return Ok(given),
            std::cmp::Ordering::Less => (0..given.len())
                .filter(|&i| given[i] < bounds[i].1)
                .max_by(|&a, &b| gap(a).total_cmp(&gap(b)).then(b.cmp(&a)))
                .map(|i| (i, true)),
            std::cmp::Ordering::Greater => (0..given.len())
                .filter(|&i| given[i] > bounds[i].0)
                .min_by(|&a, &b| gap(a).total_cmp(&gap(b)).then(a.cmp(&b)))
                .map(|i| (i, false)),
        };
        match pick {
            Some((i, true)) => given[i] += 1,
            Some((i, false)) => given[i] -= 1,
            None => return Ok(given),
        }
    }
}
