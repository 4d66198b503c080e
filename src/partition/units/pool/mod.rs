//! One pool of households: its units, and a round of regional re-solves.

use std::cell::Cell;

use rayon::prelude::*;

use crate::graph::Csr;
use crate::partition::effort::{Random, stream_seed};
use crate::space::delaunay;

use super::anneal::{Annealer, Schedule};
use super::pools::distinct;
use super::region::Region;
use super::representable;
use super::scale::scales_m2;
use super::splice::{Candidate, State};
use super::start::{best_runs, hilbert_order};

mod anew;

/// Regions of one round of one pool, at least.
const REGIONS: u32 = 4;
/// A unit re-solved in vain so often is left alone until a neighbour changes.
const PATIENCE: u32 = 120;
/// The same in pools of at most [`SMALL_POOL`] units, by quick sweeps and in later rounds: these begin anew instead.
const SMALL_PATIENCE: (u32, u32) = (72, 24);

/// What an annealing may draw from. The numbers were found by trial on villages of 300 to 10,000 households, as the page of
/// 2026-11-24 in `docs/decisions` tells; ranges are drawn from evenly on a logarithmic scale, since no one value suits every place.
struct Tuning {
    /// Units in a region.
    tile: (f64, f64),
    /// Tried moves a household.
    moves: (f64, f64),
    /// First temperature in local scales.
    heat: (f64, f64),
    /// Price of a household beyond the bounds, in mean squared distances of the region.
    breach: (f64, f64),
    /// Units to every unit founded or dissolved at the start, at most.
    change: u32,
    /// Whether regions that resist may start anew.
    anew: bool,
    /// Units × moves a household that a round should hold: 400,000 are about a tenth of a second of one core.
    work: u32,
    /// Regions of one round, at most.
    regions: u32,
    /// After so many re-solves in vain a unit is looked at less and less often.
    seldom: Option<u32>,
}

/// s₀ and the first rounds: many quick sweeps. At the same number of moves they bring more than any longer annealing, until
/// nothing comes of them; the page of 2026-11-27 has the figures.
const QUICK: Tuning = Tuning {
    tile: (8.0, 16.0),
    moves: (25.0, 25.0),
    heat: (0.2, 2.0),
    breach: (5.0, 5.0),
    change: 10,
    anew: false,
    work: 400_000,
    regions: u32::MAX,
    seldom: Some(4),
};
/// One quick sweep of so many goes over wider regions, for what has to be handed on through many units: a lone house far out.
const WIDE: Tuning = Tuning { tile: (16.0, 48.0), moves: (40.0, 40.0), ..QUICK };
const WIDE_EVERY: u32 = 4;
const SWEEPS: u64 = 32;
/// Later rounds.
const ROUNDS: Tuning = Tuning {
    tile: (4.0, 40.0),
    moves: (60.0, 400.0),
    heat: (0.4, 4.0),
    breach: (3.0, 30.0),
    change: 20,
    anew: true,
    work: 400_000,
    regions: 64,
    seldom: None,
};
/// A region re-solved in vain this often starts anew: sooner in pools of at most this many units, where there is little else to do.
const ANEW_AFTER: (u32, u32) = (3, 8);
const SMALL_POOL: u32 = 300;
/// Where most regions start anew, so many make a round.
const ANEW_REGIONS: usize = 8;
/// The moves grow by themselves with every so many re-solves in vain.
const HARDER_EVERY: u32 = 16;
/// Last temperature to first.
const COOLED: f64 = 0.01;

/// What a thread needs to solve a region; kept, so that a region seldom allocates.
#[derive(Default)]
struct Scratch {
    region: Region,
    annealer: Annealer,
    /// Part of each household before the annealing.
    before: Vec<u32>,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Households that share units with nobody else.
pub(super) struct Pool {
    /// Households of the village, along a Hilbert curve.
    pub(super) households: Vec<u32>,
    near: Csr,
    /// Households of each location: they follow one another.
    at_location: Csr,
    scale_m2: Vec<f64>,
    state: State,
    /// Regional re-solves in vain since the unit or a neighbour of it changed.
    vain: Vec<u32>,
    patience: u32,
    /// Whether quick sweeps still bring something.
    quick: bool,
    /// The division that was begun anew when nothing came of this one any more.
    other: Option<Box<Pool>>,
    /// So many more are begun, each in vain, before nothing is left to try.
    beginnings: u32,
    /// Moves tried so far.
    tried: u64,
    stream: u64,
}

impl Pool {
    /// The pool at s₀. `count` fixes the number of units (must be possible).
    pub(super) fn new(
        households: Vec<u32>,
        xy: Vec<[f64; 2]>,
        (min, max): (u32, u32),
        count: Option<u32>,
        stream: u64,
    ) -> Self {
        let n = xy.len() as u32;
        // Along a Hilbert curve, those of one place together: what is near in the village is near in memory, too.
        let curve = hilbert_order(&xy);
        let (at, place) = distinct(&pick(&xy, &curve));
        let mut order: Vec<(u32, u32)> = place.into_iter().zip(curve).collect();
        order.sort_by_key(|o| o.0);
        let (location, order): (Vec<u32>, Vec<u32>) = order.into_iter().unzip();
        let (households, xy) = (pick(&households, &order), pick(&xy, &order));
        let edges: Vec<(u32, u32, ())> = delaunay::edges(&at).into_iter().map(|(a, b)| (a, b, ())).collect();
        let near = Csr::from_edges(at.len(), &edges).0;
        let at_location = Csr::inverse(at.len(), &location);
        let scale_m2 = scales_m2(&at, &at_location, &near, min);

        let legal = representable(n, min, max);
        let (unit_of, units) = along_the_curve(&xy, (min, max), count);
        let state = State::new(xy, location, unit_of, units, (min, max), count.is_some() || !legal);
        Self {
            households,
            near,
            at_location,
            scale_m2,
            state,
            vain: vec![0; units],
            patience: if units as u32 <= SMALL_POOL { SMALL_PATIENCE.0 } else { PATIENCE },
            quick: true,
            other: None,
            beginnings: anew::BEGINNINGS,
            tried: 0,
            stream,
        }
    }

    /// Anneals every unit some times: part of s₀, since a Hilbert run is far from a good unit where towns meet open land.
    pub(super) fn settle_in(&mut self, seed: u64, village: u64) {
        for sweep in 0..SWEEPS {
            if !self.is_settled() {
                let mut random = Random::new(stream_seed(seed, village, u64::MAX - sweep, self.stream));
                let tuning = if random.below(WIDE_EVERY) == 0 { WIDE } else { QUICK };
                self.sweep(&Tuning { work: u32::MAX, ..tuning }, &mut random);
            }
        }
    }

    /// Moves tried so far, a household.
    pub(super) fn tried(&self) -> f64 {
        self.tried as f64 / self.state.xy.len().max(1) as f64
    }

    /// Number of units.
    pub(super) fn units(&self) -> u32 {
        self.state.units() as u32
    }

    /// Location of each household of the pool.
    pub(super) fn locations(&self) -> &[u32] {
        &self.state.location
    }

    /// Unit of each household of the pool.
    pub(super) fn unit_of(&self) -> &[u32] {
        &self.state.unit_of
    }

    /// The unit that is a listed exception, with its size.
    pub(super) fn exception(&self) -> Option<(u32, u32)> {
        self.state.exception().map(|u| (u, self.state.members(u).len() as u32))
    }

    /// Whether anything is left to try.
    pub(super) fn is_settled(&self) -> bool {
        self.state.is_only_answer() || !self.quick && self.beginnings == 0 && self.are_all_in_vain()
    }

    fn are_all_in_vain(&self) -> bool {
        self.vain.iter().all(|&v| v >= self.patience)
    }

    /// One round: regions around seeded units, solved in parallel, merged in order.
    pub(super) fn round(&mut self, seed: u64, village: u64, round: u64) {
        let mut random = Random::new(stream_seed(seed, village, round, self.stream));
        if self.quick && self.are_all_in_vain() {
            self.quick = false;
            self.vain.fill(0);
            if self.units() <= SMALL_POOL {
                self.patience = self.patience.min(SMALL_PATIENCE.1);
            }
        }
        if self.are_all_in_vain() {
            return self.go_on_anew(seed, village, round, &mut random);
        }
        let tuning = match (self.quick, random.below(WIDE_EVERY)) {
            (true, 0) => &WIDE,
            (true, _) => &QUICK,
            (false, _) => &ROUNDS,
        };
        self.sweep(tuning, &mut random);
    }

    fn sweep(&mut self, tuning: &Tuning, random: &mut Random) {
        let tile = draw(tuning.tile, random) as u32;
        let moves = draw(tuning.moves, random) as u32;
        let most = (tuning.work / (tile * moves)).clamp(REGIONS, tuning.regions);
        let resists = self.vain.iter().map(|&v| u64::from(v)).sum::<u64>()
            >= u64::from(self.anew_after()) * self.vain.len() as u64;
        let most = if tuning.anew && resists { ANEW_REGIONS } else { most as usize };
        let regions = self.choose_regions(tile, most, tuning.seldom, random);
        let salt = random.next_u64();
        let found: Vec<(Vec<u32>, Candidate)> = regions
            .into_par_iter()
            .enumerate()
            .map(|(i, units)| {
                let mut random = Random::new(stream_seed(salt, self.stream, 0, i as u64));
                let mut scratch = SCRATCH.take().unwrap_or_default();
                let mut candidate = self.solve(&units, tuning, moves, &mut scratch, &mut random);
                if tuning.anew && units.iter().all(|&u| self.vain[u as usize] >= self.anew_after()) {
                    self.improve_apart(&mut candidate, &scratch.region, &mut random);
                }
                candidate.forget_unchanged(&scratch.before);
                SCRATCH.set(Some(scratch));
                (units, candidate)
            })
            .collect();
        self.merge(found);
    }

    fn anew_after(&self) -> u32 {
        if self.units() <= SMALL_POOL { ANEW_AFTER.0 } else { ANEW_AFTER.1 }
    }

    fn choose_regions(&self, tile: u32, most: usize, seldom: Option<u32>, random: &mut Random) -> Vec<Vec<u32>> {
        let units = self.state.units() as u32;
        let mut regions = Vec::new();
        // A small pool is re-solved whole, several times over: what the results have in common with the present is told apart later.
        if units <= tile {
            return vec![(0..units).collect(); 4.min(most)];
        }
        let mut used = vec![false; units as usize];
        let mut seen = vec![u32::MAX; units as usize];
        // A stride that shares no factor with the number of units visits each once in scattered order.
        let mut stride = random.below(units).max(1);
        while gcd(stride, units) != 1 {
            stride += 1;
        }
        let mut at = random.below(units);
        let mut least = self.vain.iter().copied().min().unwrap_or(0);
        if most > units as usize || seldom.is_some() {
            least = self.patience;
        }
        let passes = if seldom.is_some() { 1 } else { 2 };
        for pass in 0..passes {
            for _ in 0..units {
                if regions.len() >= most.min((units / tile * 2) as usize + 1) {
                    return regions;
                }
                at = ((u64::from(at) + u64::from(stride)) % u64::from(units)) as u32;
                let vain = self.vain[at as usize];
                if used[at as usize] || vain >= self.patience || pass == 0 && vain > least {
                    continue;
                }
                if seldom.is_some_and(|s| vain >= s && random.below(vain + 1) >= s) {
                    continue;
                }
                let size = tile / 2 + random.below(tile);
                let region = self.grow(at, size as usize, &mut used, &mut seen, random);
                regions.push(region);
            }
        }
        regions
    }

    /// A compact set of about `size` units around `seed` that avoids the used ones.
    fn grow(&self, seed: u32, size: usize, used: &mut [bool], seen: &mut [u32], random: &mut Random) -> Vec<u32> {
        let centre = self.state.mean(seed);
        used[seed as usize] = true;
        seen[seed as usize] = seed;
        let mut region = vec![seed];
        let mut border: Vec<(f64, u32)> = Vec::new();
        let mut last = seed;
        while region.len() < size {
            let mut before = u32::MAX;
            for &h in self.state.members(last) {
                // Those of one place follow one another.
                let l = self.state.location[h as usize];
                if std::mem::replace(&mut before, l) == l {
                    continue;
                }
                for &place in std::iter::once(&l).chain(self.near.neighbours_of(l)) {
                    for &u in &self.state.unit_of[self.at_location.row(place)] {
                        if !used[u as usize] && seen[u as usize] != seed {
                            seen[u as usize] = seed;
                            let m = self.state.mean(u);
                            let gap2 = (m[0] - centre[0]).powi(2) + (m[1] - centre[1]).powi(2);
                            border.push((gap2 * (1.0 + random.unit()), u));
                        }
                    }
                }
            }
            let Some(nearest) = (0..border.len()).min_by(|&a, &b| border[a].0.total_cmp(&border[b].0)) else { break };
            last = border.swap_remove(nearest).1;
            used[last as usize] = true;
            region.push(last);
        }
        region
    }

    fn solve(
        &self,
        units: &[u32],
        tuning: &Tuning,
        moves: u32,
        Scratch { region, annealer, before }: &mut Scratch,
        random: &mut Random,
    ) -> Candidate {
        let parts = units.iter().zip(0_u32..);
        let mut members: Vec<(u32, u32)> =
            parts.flat_map(|(&u, part)| self.state.members(u).iter().map(move |&h| (h, part))).collect();
        let n = members.len() as u32;
        region.load(&mut members, &self.state.xy, &self.state.location, &self.near, &self.scale_m2);
        before.clone_from(&region.part);
        region.bounds.clear();
        region.bounds.extend(units.iter().map(|&u| self.state.bounds(u)));
        let mut tried = 0;
        let scale = units.iter().map(|&u| self.state.cost_m2(u)).sum::<f64>() / f64::from(n.max(1));
        if scale > 0.0 {
            let vain = units.iter().map(|&u| self.vain[u as usize]).min().unwrap_or(0);
            if self.state.exception().is_none() {
                for _ in 0..random.below(2 + units.len() as u32 / tuning.change) {
                    if random.next_u64() & 1 == 0 {
                        region.found_part(self.state.min, random);
                    } else {
                        region.dissolve_part(random);
                    }
                }
            }
            let heat = draw(tuning.heat, random);
            let schedule = Schedule {
                moves: (n * moves).max(2_000) * (1 + vain / HARDER_EVERY),
                hot: heat,
                cold: heat * COOLED,
                breach_m2: draw(tuning.breach, random) * scale,
            };
            annealer.run(region, &schedule, random);
            tried = u64::from(schedule.moves);
        }
        let households = members.into_iter().map(|m| m.0).collect();
        Candidate { part: region.part.clone(), parts: region.bounds.len() as u32, households, tried }
    }

    fn merge(&mut self, found: Vec<(Vec<u32>, Candidate)>) {
        self.tried += found.iter().map(|f| f.1.tried).sum::<u64>();
        let changed = self.state.adopt(found.iter().map(|f| &f.1));
        for (units, _) in &found {
            for &u in units {
                self.vain[u as usize] += 1;
            }
        }
        self.vain.resize(self.state.slots(), 0);
        for u in changed {
            self.vain[u as usize] = 0;
            // Neighbours of a changed unit are worth another look.
            for &h in self.state.members(u) {
                for &place in self.near.neighbours_of(self.state.location[h as usize]) {
                    for &other in &self.state.unit_of[self.at_location.row(place)] {
                        self.vain[other as usize] = 0;
                    }
                }
            }
        }
        for slot in self.state.close_gaps() {
            self.vain.swap_remove(slot as usize);
        }
    }
}

/// The best runs of legal sizes along the curve that the households stand in: unit of each, and the number of units.
fn along_the_curve(xy: &[[f64; 2]], (min, max): (u32, u32), count: Option<u32>) -> (Vec<u32>, usize) {
    let n = xy.len() as u32;
    let runs = if representable(n, min, max) {
        best_runs(xy, min as usize, max as usize, count.map(|c| c as usize)).unwrap_or_else(|| vec![n as usize])
    } else if n < min {
        vec![n as usize]
    } else {
        // n lies between k·max and (k+1)·min: the fewest members outside are those beyond k full units.
        let mut runs = vec![max as usize; (n / max) as usize];
        runs.push((n % max) as usize);
        runs
    };
    let unit_of = runs.iter().enumerate().flat_map(|(u, &len)| std::iter::repeat_n(u as u32, len)).collect();
    (unit_of, runs.len())
}

/// A number between the two, evenly on a logarithmic scale.
fn draw((low, high): (f64, f64), random: &mut Random) -> f64 {
    low * (high / low).powf(random.unit())
}

fn pick<T: Copy>(from: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|&i| from[i as usize]).collect()
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
