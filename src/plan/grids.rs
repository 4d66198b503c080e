//! Grids of every village of an input: how many, divided, numbered, dissolved.

use rayon::prelude::*;

use crate::domain::{Barrier, Divide, Households, NO_VALUE, Region};
use crate::partition::effort::drive;
use crate::partition::grids::{GridsOptions, GridsSolver};
use crate::partition::numbering::{band_ranks, id_ranks, smallest_of_parts};

use super::balance::{BalanceAccount, Judged, Names, judge};
use super::grid_counts::{free_households, note_other_count, note_oversized, oversized_above, wished_counts};
use super::ground::{BorderWeights, Fixed, FixedKind, Ground, list_old_nets};
use super::job::{Job, PlanError};
use super::named::named_parts;
use super::report::Report;
use super::village::{Village, by_village};

/// Grids of a village that a code can number.
const MOST_BASE: usize = 899;
const MOST_DEDICATED: usize = 99;

/// Rings of one polygon, exterior first.
type Rings = Vec<Vec<[f64; 2]>>;

/// How many balanced grids are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    /// About this many households a grid.
    Target(u32),
    /// So many grids over the whole input.
    Count(u32),
    /// So many grids a village on average.
    PerVillage(f64),
}

/// What grids must look like.
#[derive(Clone, Copy, Debug)]
pub struct GridRules {
    /// How many.
    pub wish: Wish,
    /// Deviation allowed, as a share of the mean.
    pub tolerance: f64,
    /// What grids are made from.
    pub divide: Divide,
    /// What they are made from where the rows name no hamlet or group, or no building is large enough.
    pub otherwise: Divide,
    /// Households from which a building is a grid of its own ([`Divide::Building`]).
    pub building_min: u32,
    /// Weight of old nets' borders.
    pub old_net_weight: f64,
}

/// One grid of a village.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Last three digits of its code: 1–899 base, 901–999 dedicated.
    pub number: u32,
    /// Institution, for a dedicated grid; lock, for a locked one; hamlet or building where grids are made from them.
    pub name: Option<String>,
    /// Outside the household balance.
    pub dedicated: bool,
    /// Households.
    pub households: u32,
    /// Households it should have; `None` outside the balance.
    pub mean: Option<f64>,
    /// Polygons in the village's plane, exterior first.
    pub polygons: Vec<Vec<Vec<[f64; 2]>>>,
    /// Area in m².
    pub area_m2: f64,
    /// Perimeter in m.
    pub perimeter_m: f64,
}

impl Grid {
    /// 4πA/P².
    #[must_use]
    pub fn polsby_popper(&self) -> f64 {
        4.0 * std::f64::consts::PI * self.area_m2 / self.perimeter_m.powi(2).max(1e-9)
    }

    /// Households ÷ mean − 1, where it stands in the balance.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        self.mean.filter(|m| *m > 0.0).map(|m| f64::from(self.households) / m - 1.0)
    }
}

/// The grids of one village.
pub struct VillageGrids {
    /// The ground.
    pub ground: Ground,
    /// Code and name of the village, where the regions file has them.
    pub region: Option<usize>,
    /// Index into `grids` of each atom.
    pub grid_of: Vec<u32>,
    /// Grids by number.
    pub grids: Vec<Grid>,
}

impl VillageGrids {
    /// Grid of each row of the village.
    #[must_use]
    pub fn of_rows(&self) -> Vec<u32> {
        self.ground.village.site_of.iter().map(|&s| self.grid_of[s as usize]).collect()
    }
}

/// Where villages lie: their regions, or one outline for an input of one village.
pub struct Outlines<'a> {
    /// Villages of a regions file.
    pub regions: &'a [Region],
    /// Outline of the only village.
    pub single: Option<&'a [Vec<Vec<[f64; 2]>>]>,
}

impl Outlines<'_> {
    fn of(&self, key: &str) -> (Option<usize>, Option<&[Rings]>) {
        let found = self
            .regions
            .iter()
            .position(|r| r.code.as_deref() == Some(key))
            .or_else(|| self.regions.iter().position(|r| !key.is_empty() && r.name.as_deref() == Some(key)));
        match found {
            Some(i) => (Some(i), Some(&self.regions[i].polygons)),
            None => (None, self.single),
        }
    }
}

/// Divides every village into grids.
///
/// # Errors
/// Faulty outlines, households outside them, more grids than codes; nothing is partly done.
pub fn form_grids(
    table: &Households,
    outlines: &Outlines<'_>,
    barriers: &[Barrier],
    rules: &GridRules,
    job: &Job<'_>,
    report: &mut Report,
) -> Result<Vec<VillageGrids>, PlanError> {
    let villages = by_village(table);
    if outlines.single.is_some() && villages.len() > 1 {
        return Err(PlanError::OneOutline { villages: villages.len() });
    }
    let oversized = oversized_above(table, villages.len(), rules);
    let grounds: Vec<(Option<usize>, Ground)> = villages
        .into_par_iter()
        .map(|v: Village| {
            let (region, outline) = outlines.of(&v.key);
            Ground::prepare(table, v, outline, barriers, oversized).map(|g| (region, g))
        })
        .collect::<Result<_, _>>()?;
    report.step("grids.ground", job.begun);
    note_oversized(&grounds, report);
    let counts = wished_counts(&grounds, rules);
    let mut tasks: Vec<Task> = grounds
        .into_par_iter()
        .zip(counts)
        .enumerate()
        .map(|(i, ((region, ground), count))| Task::new(table, region, ground, count, rules, job.seed, i as u64))
        .collect::<Result<_, _>>()?;
    report.step("grids.start", job.begun);
    let at: Vec<usize> = (0..tasks.len()).filter(|&i| tasks[i].solver.is_some()).collect();
    let mut solvers: Vec<GridsSolver> = tasks.iter_mut().filter_map(|t| t.solver.take()).collect();
    let replay = job.replay_rounds("grids");
    let outcome =
        drive(&mut solvers, job.effort, replay.as_deref(), job.cancel, &|share| (job.progress)("grids", share));
    for (&i, (rounds, stopped)) in at.iter().zip(&outcome) {
        report.push_stage(&tasks[i].ground.village.key, "grids", *rounds, *stopped);
    }
    let mut solvers = solvers.into_iter();
    for &i in &at {
        tasks[i].solver = solvers.next();
    }
    tasks.par_iter_mut().for_each(|t| t.take(rules.tolerance));
    report.step("grids.solved", job.begun);
    let done: Vec<(VillageGrids, Vec<BalanceAccount>)> =
        tasks.into_par_iter().map(|t| t.finish(table, rules.tolerance)).collect::<Result<_, _>>()?;
    report.step("grids.shapes", job.begun);
    let got = done.iter().flat_map(|(v, _)| &v.grids).filter(|g| !g.dedicated).count();
    note_other_count(got, rules, report);
    let mut villages = Vec::with_capacity(done.len());
    for (grids, accounts) in done {
        report.notes.extend(accounts.iter().filter_map(BalanceAccount::note));
        report.balance.extend(accounts);
        villages.push(grids);
    }
    Ok(villages)
}

/// A village between preparation and its finished grids.
struct Task {
    region: Option<usize>,
    ground: Ground,
    solver: Option<GridsSolver>,
    /// Atoms the solver divides, ascending.
    free: Vec<u32>,
    /// Part of each atom: first the solver's or the named parts, then the fixed ones.
    part: Vec<u32>,
    /// Names of the parts that are not fixed.
    names: Vec<Option<String>>,
    balanced: bool,
    /// Where the balance lay beyond the tolerance, by index into `free`.
    judged: Vec<Judged>,
}

impl Task {
    fn new(
        table: &Households,
        region: Option<usize>,
        mut ground: Ground,
        count: u32,
        rules: &GridRules,
        seed: u64,
        stream: u64,
    ) -> Result<Self, PlanError> {
        let n = ground.graph.xy.len();
        if free_households(&ground) == 0 {
            ground.join_empty_ground();
        }
        let free: Vec<u32> = (0..n as u32).filter(|&v| ground.fixed_of[v as usize].is_none()).collect();
        ground.weigh_borders(
            table,
            &BorderWeights {
                grid_area_m2: ground.mesh.area_m2() / f64::from(count.max(1)),
                old_net: rules.old_net_weight,
            },
        );
        let graph = if free.len() == n { ground.graph.clone() } else { ground.graph.restricted_to(&free) };
        let mut task = Self {
            region,
            ground,
            solver: None,
            part: vec![NO_VALUE; n],
            free,
            names: Vec::new(),
            balanced: false,
            judged: Vec::new(),
        };
        if task.free.is_empty() {
            return Ok(task);
        }
        for divide in [rules.divide, rules.otherwise, Divide::Balance] {
            if let Some((part, names)) = named_parts(table, &task.ground, &graph, &task.free, divide, rules) {
                task.set(&part);
                task.names = names;
                return Ok(task);
            }
            if divide == Divide::Balance {
                break;
            }
        }
        let options = GridsOptions { count, tolerance: rules.tolerance, seed, village: stream };
        let mut solver = GridsSolver::new(graph, &options)
            .map_err(|e| PlanError::Solver { village: task.ground.village.key.clone(), message: e.to_string() })?;
        if rules.old_net_weight > 0.0 {
            for net in list_old_nets(table) {
                let of = task.ground.labels(net);
                let areas: Vec<u32> = task.free.iter().map(|&v| of[v as usize]).collect();
                solver.offer(&areas);
            }
        }
        task.solver = Some(solver);
        task.balanced = true;
        Ok(task)
    }

    fn set(&mut self, part: &[u32]) {
        for (&v, &p) in self.free.iter().zip(part) {
            self.part[v as usize] = p;
        }
    }

    /// Takes over what the solver found, or a more even division where it is judged to miss one.
    fn take(&mut self, tolerance: f64) {
        let Some(solver) = self.solver.take() else { return };
        let mut part = solver.grid_of().to_vec();
        if solver.figures().deviation > tolerance + 1e-9 {
            let graph = self.ground.graph.restricted_to(&self.free);
            self.judged = judge(&graph, &mut part, tolerance);
        }
        self.set(&part);
        self.names = vec![None; solver.grids() as usize];
    }

    fn finish(mut self, table: &Households, tolerance: f64) -> Result<(VillageGrids, Vec<BalanceAccount>), PlanError> {
        let base = self.names.len() as u32;
        let fixed = std::mem::take(&mut self.ground.fixed);
        for (p, f) in self.part.iter_mut().zip(&self.ground.fixed_of) {
            if let Some(f) = f {
                *p = base + f;
            }
        }
        let parts = base + fixed.len() as u32;
        let dedicated = |p: usize| p >= base as usize && fixed[p - base as usize].kind == FixedKind::Dedicated;
        let polygons = self.ground.mesh.dissolve(&self.part, parts);
        let k = parts as usize;
        let (mut households, mut area, mut perimeter) = (vec![0_u32; k], vec![0.0; k], vec![0.0; k]);
        let mut sum = vec![[0.0_f64; 3]; k];
        let graph = &self.ground.graph;
        for (v, &p) in self.part.iter().enumerate() {
            let p = p as usize;
            households[p] += graph.households[v];
            area[p] += graph.area_m2[v];
            perimeter[p] += graph.outer_m[v];
            for e in graph.adjacency.row(v as u32) {
                if self.part[graph.adjacency.neighbours[e] as usize] as usize != p {
                    perimeter[p] += graph.border_m[e];
                }
            }
            // A grain for empty atoms, so that a school has a centre too.
            let w = f64::from(graph.households[v]) + 1e-9;
            let (x, s) = (graph.xy[v], &mut sum[p]);
            *s = [s[0] + w * x[0], s[1] + w * x[1], s[2] + w];
        }
        self.check_fixed(&polygons, base, &fixed)?;
        let means = self.means(base, &households, &fixed);
        let centre: Vec<[f64; 2]> = sum.iter().map(|s| [s[0] / s[2].max(1e-12), s[1] / s[2].max(1e-12)]).collect();
        let band = polygons.iter().map(|p| height_m(p)).sum::<f64>() / k.max(1) as f64;
        let of_rows: Vec<u32> = self.ground.village.site_of.iter().map(|&s| self.part[s as usize]).collect();
        let ids = id_ranks(self.ground.village.rows.iter().map(|&r| table.ids[r as usize].as_str()));
        let rank = band_ranks(&centre, band, &smallest_of_parts(&ids, &of_rows, parts));
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by_key(|&p| (dedicated(p), rank[p]));
        let count_base = (0..k).filter(|&p| !dedicated(p)).count();
        if count_base > MOST_BASE || k - count_base > MOST_DEDICATED {
            return Err(PlanError::TooManyGrids {
                village: self.ground.village.key.clone(),
                grids: count_base,
                dedicated: k - count_base,
            });
        }
        let mut new_of = vec![0_u32; k];
        let mut grids = Vec::with_capacity(k);
        let mut polygons: Vec<_> = polygons.into_iter().map(Some).collect();
        for (new, &p) in order.iter().enumerate() {
            new_of[p] = new as u32;
            let name =
                if p < base as usize { self.names[p].clone() } else { Some(fixed[p - base as usize].name.clone()) };
            grids.push(Grid {
                number: if dedicated(p) { 901 + (new - count_base) as u32 } else { 1 + new as u32 },
                name,
                dedicated: dedicated(p),
                households: households[p],
                mean: means[p],
                polygons: polygons[p].take().unwrap_or_default(),
                area_m2: area[p],
                perimeter_m: perimeter[p],
            });
        }
        let grid_of: Vec<u32> = self.part.iter().map(|&p| new_of[p as usize]).collect();
        let accounts = self.accounts(table, tolerance, &new_of, &grids);
        self.ground.fixed = fixed;
        Ok((VillageGrids { ground: self.ground, region: self.region, grid_of, grids }, accounts))
    }

    /// The accounts of an uneven balance, with the grids' numbers and the buildings' ids.
    fn accounts(&self, table: &Households, tolerance: f64, new_of: &[u32], grids: &[Grid]) -> Vec<BalanceAccount> {
        if self.judged.is_empty() {
            return Vec::new();
        }
        let village = &self.ground.village;
        let mut row_of = vec![NO_VALUE; self.part.len()];
        for (&row, &site) in village.rows.iter().zip(&village.site_of).rev() {
            row_of[site as usize] = row;
        }
        let number = |p: u32| {
            let grid = new_of.get(p as usize).and_then(|&g| grids.get(g as usize));
            grid.map_or(0, |g| g.number)
        };
        let atom = |v: u32| self.free.get(v as usize).map_or(0, |&a| a as usize);
        let names = Names {
            village: &village.key,
            tolerance,
            building: &|v| table.building.get(row_of[atom(v)] as usize).unwrap_or_default().to_owned(),
            number: &number,
            grid_of: &|v| number(self.part[atom(v)]),
        };
        self.judged.iter().map(|j| j.account(&names)).collect()
    }

    /// A locked grid must be one piece, or the plan could not be published.
    fn check_fixed(&self, polygons: &[Vec<Vec<Vec<[f64; 2]>>>], base: u32, fixed: &[Fixed]) -> Result<(), PlanError> {
        for (p, f) in (base as usize..).zip(fixed) {
            let atoms: Vec<u32> =
                (0..self.part.len() as u32).filter(|&v| self.part[v as usize] as usize == p).collect();
            let pieces = self.ground.graph.restricted_to(&atoms).adjacency.components().1;
            if pieces > 1 && polygons.get(p).is_some_and(|p| p.len() > 1) {
                return Err(PlanError::FixedInPieces {
                    village: self.ground.village.key.clone(),
                    name: f.name.clone(),
                    pieces,
                });
            }
        }
        Ok(())
    }

    /// Mean households per part of its component, for the balanced parts.
    fn means(&self, base: u32, households: &[u32], fixed: &[Fixed]) -> Vec<Option<f64>> {
        let mut means = vec![None; households.len()];
        if !self.balanced && base > 0 {
            return means;
        }
        if self.free.is_empty() {
            return Self::means_alone(base, households, fixed);
        }
        let graph = self.ground.graph.restricted_to(&self.free);
        let (component, components) = graph.adjacency.components();
        let mut held = vec![(0_u64, std::collections::BTreeSet::new()); components as usize];
        for (&v, &c) in self.free.iter().zip(&component) {
            let slot = &mut held[c as usize];
            slot.0 += u64::from(self.ground.graph.households[v as usize]);
            slot.1.insert(self.part[v as usize]);
        }
        for (sum, parts) in held {
            for &p in &parts {
                if p < base {
                    means[p as usize] = Some(sum as f64 / parts.len() as f64);
                }
            }
        }
        // Locked and oversized grids are measured by the mean of the others.
        let free: u64 = self.free.iter().map(|&v| u64::from(self.ground.graph.households[v as usize])).sum();
        for (p, _) in (base as usize..).zip(fixed).filter(|(_, f)| f.kind != FixedKind::Dedicated) {
            means[p] = (base > 0).then(|| free as f64 / f64::from(base));
        }
        means
    }

    /// Means where every household lives in a fixed part: they are measured by each other.
    fn means_alone(base: u32, households: &[u32], fixed: &[Fixed]) -> Vec<Option<f64>> {
        let counted: Vec<usize> =
            (base as usize..).zip(fixed).filter(|(_, f)| f.kind != FixedKind::Dedicated).map(|(p, _)| p).collect();
        let held: u64 = counted.iter().map(|&p| u64::from(households[p])).sum();
        let mut means = vec![None; households.len()];
        for &p in &counted {
            means[p] = Some(held as f64 / counted.len() as f64);
        }
        means
    }
}

fn height_m(polygons: &[Vec<Vec<[f64; 2]>>]) -> f64 {
    let (lo, hi) = polygons
        .iter()
        .flatten()
        .flatten()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), c| (lo.min(c[1]), hi.max(c[1])));
    (hi - lo).max(0.0)
}
