//! The solver of one village: start, rounds of annealed groups, the best state kept.

use rayon::prelude::*;

use crate::partition::effort::{Random, Round, RoundSolver, stream_seed};

use super::anneal::{Group, shape_cost};
use super::power::round_out;
use super::start::{counts, divide, repair};
use super::{AtomGraph, GridsError, GridsFigures, GridsOptions, figures};

/// Tried moves of one round at most; a round then takes some tens of milliseconds.
const MOVES_A_ROUND: u32 = 1_000_000;
/// Grids of one group, about: few enough to run several groups beside each other, enough that most borders lie inside one.
const GROUP: u32 = 20;
/// Temperature at the begin of a cycle for one atom a grid, in the unit of the compactness sum: what a good move changes shrinks
/// with the square root of the atoms in a grid (0.22 at 180 atoms).
const HOT: f64 = 3.0;
/// The end of a cycle, as a share of its begin.
const COLD: f64 = 0.002;
/// An average atom beyond the tolerance costs this many times the hot temperature.
const ATOM_PRICE: f64 = 0.14;
/// How much that price has grown at the end of a cycle.
const PRICE_GROWTH: f64 = 2.0;
/// How much steeper it grows with the deviation beyond the tolerance (twice as dear at 10 %).
const STEEPER: f64 = 10.0;
/// How much cooler each further cycle begins.
const COOLER: f64 = 0.5;
/// Repairs keep a little inside the tolerance, against rounding. Annealing keeps farther inside: where whole quarters are full to the
/// edge, the last household finds no room.
const NEARLY: f64 = 0.98;
const CUSHION: f64 = 0.75;
/// From this many atoms on, only the first cycle is of the whole village.
const PATCHES_FROM: usize = 10_000;
/// The last part of a cycle (one in so many of its rounds) polishes: so cool, and imbalance so dear, that a balanced state stays
/// balanced while its borders straighten.
const POLISH: u64 = 8;
const POLISH_WARM: f64 = 0.05;
const POLISH_PRICE: f64 = 20.0;
/// Sweeps that are part of s₀; how warm they begin, as a share of the hot temperature (the power diagram shall not melt), and how
/// much dearer imbalance is in them.
const START_SWEEPS: u32 = 8;
const START_WARM: f64 = 0.6;
const START_PRICE: f64 = 2.0;
const START_LAST: u32 = 3;
const START_LAST_PRICE: f64 = 40.0;
/// Chains of one repair of the balance: in s₀, which has no time, and at the end of a cycle.
const START_CHAINS: usize = 40;
/// What the instant answer is repaired to at least: the last per cent takes rounds.
const START_TOLERANCE: f64 = 0.02;
const CHAINS: usize = 1000;
/// Grids beyond the tolerance for which chains are searched long, where they are no more than this.
const START_FEW: usize = 1;
/// Patches of s₀ while its greatest deviation is beyond that.
const START_PATCHES: u64 = 4;
const FEW: usize = 12;

/// Divides one village into grids; its state after `n` rounds is a function of graph, options and `n` alone.
pub struct GridsSolver {
    pub(super) graph: AtomGraph,
    pub(super) options: GridsOptions,
    pub(super) count: u32,
    pub(super) mean: Vec<f64>,
    pub(super) part: Vec<u32>,
    pub(super) best: Vec<u32>,
    best_value: (f64, f64),
    round: u64,
    /// Neither balance nor shape can change: one grid a component, or one atom a grid.
    settled: bool,
}

/// Sums over grids.
pub(super) struct Sums {
    pub(super) households: Vec<f64>,
    pub(super) area_m2: Vec<f64>,
    pub(super) perimeter_m: Vec<f64>,
    /// Soft costs of all cuts.
    pub(super) soft: f64,
}

impl GridsSolver {
    /// The solver at s₀.
    ///
    /// # Errors
    /// No atom, or arrays of different length.
    pub fn new(graph: AtomGraph, options: &GridsOptions) -> Result<Self, GridsError> {
        let n = graph.xy.len();
        if n == 0 {
            return Err(GridsError::NoAtom);
        }
        let lengths = [
            ("household numbers", graph.households.len(), n),
            ("areas", graph.area_m2.len(), n),
            ("outer borders", graph.outer_m.len(), n),
            ("adjacency rows", graph.adjacency.len(), n),
            ("borders", graph.border_m.len(), graph.adjacency.neighbours.len()),
        ];
        if let Some(&(what, got, expected)) = lengths.iter().find(|l| l.1 != l.2) {
            return Err(GridsError::Length { what, got, expected });
        }
        if !graph.soft.is_empty() && graph.soft.len() != graph.border_m.len() {
            return Err(GridsError::Length {
                what: "soft costs",
                got: graph.soft.len(),
                expected: graph.border_m.len(),
            });
        }
        let (component, components) = graph.adjacency.components();
        let given = counts(&component, components, &graph.households, options.count.max(1));
        let mut part = vec![0_u32; n];
        let mut mean = Vec::new();
        let mut lists = vec![Vec::new(); components as usize];
        let mut held = vec![0_u64; components as usize];
        for (v, &c) in component.iter().enumerate() {
            lists[c as usize].push(v as u32);
            held[c as usize] += u64::from(graph.households[v]);
        }
        for ((atoms, &k), &h) in lists.iter().zip(&given).zip(&held) {
            let first = mean.len() as u32;
            let mut own = divide(&graph, atoms, k);
            round_out(&graph, atoms, k, &mut own);
            for (&v, p) in atoms.iter().zip(own) {
                part[v as usize] = first + p;
            }
            mean.extend(std::iter::repeat_n(h as f64 / f64::from(k), k as usize));
        }
        let count = mean.len() as u32;
        repair(&graph, &mut part, count);
        let settled = count == components || count as usize == n;
        let mut solver = Self {
            best: part.clone(),
            best_value: (f64::INFINITY, f64::INFINITY),
            graph,
            options: *options,
            count,
            mean,
            part,
            round: 0,
            settled,
        };
        solver.keep_best();
        if !settled {
            // A short cooling from lukewarm is part of s₀: the power diagram knows nothing of borders.
            for i in 0..START_SWEEPS {
                let share = f64::from(i) / f64::from(START_SWEEPS - 1);
                let temperature = START_WARM * solver.hot() * (COLD / START_WARM).powf(share);
                let last = if i + START_LAST >= START_SWEEPS { START_LAST_PRICE } else { START_PRICE };
                let price = last * (1.0 + PRICE_GROWTH * share);
                solver.sweep(u64::MAX - u64::from(i), temperature, price);
                solver.keep_best();
            }
            solver.balance(START_CHAINS, START_TOLERANCE.max(options.tolerance), START_FEW);
            solver.keep_best();
            for i in 0..START_PATCHES {
                if options.tolerance + solver.best_value.0 <= START_TOLERANCE.max(options.tolerance) {
                    break;
                }
                solver.quick_patch(u64::MAX - u64::from(START_SWEEPS) - i);
            }
            solver.part.clone_from(&solver.best);
        }
        Ok(solver)
    }

    /// Grid of each atom, 0..grids().
    #[must_use]
    pub fn grid_of(&self) -> &[u32] {
        &self.best
    }

    /// Number of grids.
    #[must_use]
    pub fn grids(&self) -> u32 {
        self.count
    }

    /// Figures of the division.
    #[must_use]
    pub fn figures(&self) -> GridsFigures {
        figures(&self.graph, &self.best, self.count)
    }

    /// Households, area, perimeter of each grid and the soft costs of all cuts.
    pub(super) fn sums(&self, part: &[u32]) -> Sums {
        let k = self.count as usize;
        let mut sums = Sums { households: vec![0.0; k], area_m2: vec![0.0; k], perimeter_m: vec![0.0; k], soft: 0.0 };
        for v in 0..part.len() as u32 {
            let p = part[v as usize] as usize;
            sums.area_m2[p] += self.graph.area_m2[v as usize];
            sums.perimeter_m[p] += self.graph.outer_m[v as usize];
            sums.households[p] += f64::from(self.graph.households[v as usize]);
            for e in self.graph.adjacency.row(v) {
                if part[self.graph.adjacency.neighbours[e] as usize] as usize != p {
                    sums.perimeter_m[p] += self.graph.border_m[e];
                    sums.soft += self.graph.soft.get(e).copied().unwrap_or(0.0) / 2.0;
                }
            }
        }
        sums
    }

    /// Excess deviation, and shapes with soft terms: smaller is better, in that order.
    fn value(&self, part: &[u32]) -> (f64, f64) {
        let sums = self.sums(part);
        let over = sums
            .households
            .iter()
            .zip(&self.mean)
            .map(|(h, m)| if *m > 0.0 { ((h / m - 1.0).abs() - self.options.tolerance).max(0.0) } else { 0.0 })
            .fold(0.0, f64::max);
        let shapes: f64 = sums.area_m2.iter().zip(&sums.perimeter_m).map(|(&a, &p)| shape_cost(a, p)).sum();
        // Rounding must not make a legal plan look illegal.
        (if over < 1e-12 { 0.0 } else { over }, shapes + sums.soft)
    }

    /// The deviation that repairs allow: a little inside the tolerance, against rounding.
    pub(super) fn allowed(&self) -> f64 {
        self.options.tolerance * NEARLY
    }

    pub(super) fn hot(&self) -> f64 {
        HOT / (self.part.len() as f64 / f64::from(self.count)).sqrt()
    }

    pub(super) fn keep_best(&mut self) {
        let value = self.value(&self.part);
        if value < self.best_value {
            self.best_value = value;
            self.best.clone_from(&self.part);
        }
    }

    /// Whether neither balance nor shape can change.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Repairs the balance; searches long for the last ones where they are at most `few`.
    pub(super) fn balance(&mut self, chains: usize, tolerance: f64, few: usize) {
        let all = vec![0; self.count as usize];
        let list: Vec<u32> = (0..self.part.len() as u32).collect();
        let (mut whole, _) = self.group(&list, &list, &all, 0);
        whole.tolerance = tolerance;
        whole.price = 0.0;
        whole.prepare();
        whole.settle_balance(chains);
        whole.settle_stubborn(few);
        self.part = whole.part;
    }

    /// One round of all groups at a temperature.
    fn sweep(&mut self, stream: u64, temperature: f64, price: f64) {
        let moves = f64::from(MOVES_A_ROUND.min(25 * self.part.len() as u32).max(2_000)) / self.part.len() as f64;
        let mut random = Random::new(stream_seed(self.options.seed, self.options.village, stream, 0));
        let groups = self.choose_groups(&mut random);
        self.in_groups(stream, groups, &mut random, |group, random| {
            group.price *= price;
            group.prepare();
            let moves = (moves * group.part.len() as f64) as u32;
            group.anneal(moves, temperature, random);
        });
    }

    /// Works on disjoint groups of neighbouring grids side by side and takes over what each made of its own.
    /// `group_of` has one entry a grid; grids of no group (`u32::MAX`) stay as they are.
    pub(super) fn in_groups(
        &mut self,
        stream: u64,
        (group_of, groups): (Vec<u32>, u32),
        random: &mut Random,
        work: impl Fn(&mut Group, &mut Random) + Sync,
    ) {
        let mut atoms: Vec<Vec<u32>> = vec![Vec::new(); groups as usize];
        let mut local = vec![0_u32; self.part.len()];
        for (v, &p) in self.part.iter().enumerate() {
            let Some(list) = atoms.get_mut(group_of[p as usize] as usize) else { continue };
            local[v] = list.len() as u32;
            list.push(v as u32);
        }
        let salt = random.next_u64();
        let results: Vec<Vec<u32>> = atoms
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(i, list)| {
                let (mut group, grids) = self.group(list, &local, &group_of, i as u32);
                let mut random = Random::new(stream_seed(salt, self.options.village, stream, i as u64));
                work(&mut group, &mut random);
                group.part.iter().map(|&p| grids[p as usize]).collect()
            })
            .collect();
        for (list, parts) in atoms.iter().zip(results) {
            for (&v, p) in list.iter().zip(parts) {
                self.part[v as usize] = p;
            }
        }
    }

    /// Disjoint groups of neighbouring grids with about equally many atoms: the village is halved along random directions.
    fn choose_groups(&self, random: &mut Random) -> (Vec<u32>, u32) {
        let k = self.count as usize;
        let mut group_of = vec![0; k];
        if self.count <= GROUP {
            return (group_of, 1);
        }
        let mut sum = vec![[0.0_f64; 3]; k];
        for (v, &p) in self.part.iter().enumerate() {
            let (x, s) = (self.graph.xy[v], &mut sum[p as usize]);
            *s = [s[0] + x[0], s[1] + x[1], s[2] + 1.0];
        }
        let mut groups = 0;
        let mut angle = random.unit() * std::f64::consts::TAU;
        let mut open: Vec<Vec<u32>> = vec![(0..self.count).collect()];
        while !open.is_empty() {
            let (sin, cos) = angle.sin_cos();
            let mut next = Vec::new();
            for mut list in open {
                if list.len() <= GROUP as usize {
                    for g in list {
                        group_of[g as usize] = groups;
                    }
                    groups += 1;
                    continue;
                }
                let along = |g: u32| {
                    let s = sum[g as usize];
                    (s[0] * cos + s[1] * sin) / s[2].max(1.0)
                };
                list.sort_by(|&a, &b| along(a).total_cmp(&along(b)).then(a.cmp(&b)));
                let total: f64 = list.iter().map(|&g| sum[g as usize][2]).sum();
                let mut held = 0.0;
                let cut = list
                    .iter()
                    .position(|&g| {
                        held += sum[g as usize][2];
                        held >= total / 2.0
                    })
                    .map_or(1, |i| i + 1)
                    .clamp(1, list.len() - 1);
                let rest = list.split_off(cut);
                next.push(list);
                next.push(rest);
            }
            open = next;
            angle += std::f64::consts::FRAC_PI_2;
        }
        (group_of, groups)
    }

    fn group(&self, list: &[u32], local: &[u32], group_of: &[u32], me: u32) -> (Group, Vec<u32>) {
        let grids: Vec<u32> = (0..self.count).filter(|g| group_of[*g as usize] == me).collect();
        let mut number = std::collections::BTreeMap::new();
        for (i, &g) in grids.iter().enumerate() {
            number.insert(g, i as u32);
        }
        let mut group = Group::default();
        group.tolerance = self.options.tolerance * CUSHION;
        group.price = ATOM_PRICE * self.hot() * self.part.len() as f64 / f64::from(self.count);
        group.steeper = STEEPER;
        group.mean = grids.iter().map(|&g| self.mean[g as usize]).collect();
        group.offsets.push(0);
        for &v in list {
            group.households.push(f64::from(self.graph.households[v as usize]));
            group.area_m2.push(self.graph.area_m2[v as usize]);
            group.part.push(number.get(&self.part[v as usize]).copied().unwrap_or(0));
            let mut outer = self.graph.outer_m[v as usize];
            for e in self.graph.adjacency.row(v) {
                let u = self.graph.adjacency.neighbours[e];
                if group_of[self.part[u as usize] as usize] == me {
                    group.links.push((
                        local[u as usize],
                        self.graph.border_m[e],
                        self.graph.soft.get(e).copied().unwrap_or(0.0),
                    ));
                } else {
                    outer += self.graph.border_m[e];
                }
            }
            group.outer_m.push(outer);
            group.offsets.push(group.links.len() as u32);
        }
        (group, grids)
    }
}

impl RoundSolver for GridsSolver {
    fn round(&mut self) -> Round {
        if self.settled {
            return Round::Converged;
        }
        // Small villages are annealed often, large ones ever longer.
        let (first, growth) = match self.part.len() {
            0..500 => (8, 1),
            500..10_000 => (64, 2),
            _ => (32, 2),
        };
        let (mut begin, mut length, mut cycle) = (0, first, 0);
        while self.round >= begin + length {
            begin += length;
            length *= growth;
            cycle += 1;
        }
        if cycle > 0 && self.part.len() >= PATCHES_FROM {
            self.patch_round(self.round);
            self.round += 1;
            return Round::Working;
        }
        if self.round == begin {
            // A better shaped state that lacks a household of balance is worth more to the next cycle than the best one.
            let now = self.value(&self.part);
            if now.0 > self.options.tolerance || now.1 > self.best_value.1 {
                self.part.clone_from(&self.best);
            }
        }
        // Later cycles start cooler: they refine what the first ones found.
        let cooler = if growth > 1 { 1.0 + COOLER * f64::from(cycle) } else { 1.0 };
        let warm = length - length / POLISH;
        let done = self.round - begin;
        if done < warm {
            let share = done as f64 / (warm - 1).max(1) as f64;
            let temperature = self.hot() / cooler * COLD.powf(share);
            self.sweep(self.round, temperature, 1.0 + PRICE_GROWTH * share);
        } else {
            let share = (done - warm) as f64 / (length - warm - 1).max(1) as f64;
            let temperature = POLISH_WARM * self.hot() * (COLD / POLISH_WARM).powf(share);
            self.sweep(self.round, temperature, POLISH_PRICE);
        }
        self.round += 1;
        let done = done + 1;
        // Balanced while still lukewarm, so that what follows heals the borders; and once more at the end.
        if [warm * 3 / 5, warm * 4 / 5, warm].contains(&done) {
            let few = if done == warm { FEW } else { 0 };
            self.balance(CHAINS, self.options.tolerance, few);
        }
        self.keep_best();
        if done == length {
            self.balance(CHAINS, self.options.tolerance, FEW);
            self.keep_best();
        }
        Round::Working
    }

    fn automatic_rounds(&self) -> u32 {
        // Whole cycles, and one more where a round is cheap; one cycle and patches in a large village.
        if self.part.len() < 3_000 { 240 } else { 112 }
    }
}
