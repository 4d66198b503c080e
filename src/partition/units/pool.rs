//! One pool of households: its units, and a round of regional re-solves.

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

/// Regions of one round of one pool.
const REGIONS: (u32, u32) = (4, 64);
/// Units × moves a household that a round should hold: about a tenth of a second of one core.
const ROUND_WORK: u32 = 400_000;
/// A unit whose surroundings were re-solved in vain this often is left alone until a neighbour changes.
const PATIENCE: u32 = 120;

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
}

/// s₀: many quick sweeps, so that every rim is soon inside a region.
const SETTLE_IN: Tuning = Tuning {
    tile: (30.0, 30.0),
    moves: (40.0, 40.0),
    heat: (0.2, 2.0),
    breach: (5.0, 5.0),
    change: u32::MAX,
    anew: false,
};
const SWEEPS: u64 = 16;
/// Rounds.
const ROUNDS: Tuning =
    Tuning { tile: (4.0, 40.0), moves: (60.0, 400.0), heat: (0.4, 4.0), breach: (3.0, 30.0), change: 20, anew: true };
/// Inside a region that starts anew: as above, in smaller rounds.
const ANEW: Tuning = Tuning { anew: false, ..ROUNDS };
const ANEW_WORK: u32 = 16_000;
const ANEW_ROUNDS: u32 = 12;
/// A region re-solved in vain this often starts anew; where that is usual, so many regions make a round.
const ANEW_AFTER: u32 = 3;
const ANEW_REGIONS: usize = 8;
/// The moves grow by themselves with every so many re-solves in vain.
const HARDER_EVERY: u32 = 16;
/// Last temperature to first.
const COOLED: f64 = 0.01;

/// Households that share units with nobody else.
pub(super) struct Pool {
    /// Households of the village, ascending.
    pub(super) households: Vec<u32>,
    near: Csr,
    at_location: Csr,
    scale_m2: Vec<f64>,
    state: State,
    /// Regional re-solves in vain since the unit or a neighbour of it changed.
    vain: Vec<u32>,
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
        let (at, location) = distinct(&xy);
        let edges: Vec<(u32, u32, ())> = delaunay::edges(&at).into_iter().map(|(a, b)| (a, b, ())).collect();
        let near = Csr::from_edges(at.len(), &edges).0;
        let at_location = Csr::inverse(at.len(), &location);
        let scale_m2 = scales_m2(&at, &at_location, &near, min);

        let order = hilbert_order(&xy);
        let points: Vec<[f64; 2]> = order.iter().map(|&i| xy[i as usize]).collect();
        let legal = representable(n, min, max);
        let runs = if legal {
            best_runs(&points, min as usize, max as usize, count.map(|c| c as usize))
                .unwrap_or_else(|| vec![n as usize])
        } else if n < min {
            vec![n as usize]
        } else {
            // n lies between k·max and (k+1)·min: the fewest members outside are those beyond k full units.
            let mut runs = vec![max as usize; (n / max) as usize];
            runs.push((n % max) as usize);
            runs
        };
        let mut unit_of = vec![0; xy.len()];
        let mut start = 0;
        for (u, len) in runs.iter().enumerate() {
            for &h in &order[start..start + len] {
                unit_of[h as usize] = u as u32;
            }
            start += len;
        }
        let state = State::new(xy, location, unit_of, runs.len(), (min, max), count.is_some() || !legal);
        let vain = vec![0; runs.len()];
        Self { households, near, at_location, scale_m2, state, vain, stream }
    }

    /// Anneals every unit some times: part of s₀, since a Hilbert run is far from a good unit where towns meet open land.
    pub(super) fn settle_in(&mut self, seed: u64, village: u64) {
        for sweep in 0..SWEEPS {
            if !self.is_settled() {
                let mut random = Random::new(stream_seed(seed, village, u64::MAX - sweep, self.stream));
                self.sweep(&SETTLE_IN, u32::MAX, &mut random);
            }
        }
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
        self.state.is_only_answer() || self.vain.iter().all(|&v| v >= PATIENCE)
    }

    /// One round: regions around seeded units, solved in parallel, merged in order.
    pub(super) fn round(&mut self, seed: u64, village: u64, round: u64) {
        let mut random = Random::new(stream_seed(seed, village, round, self.stream));
        self.sweep(&ROUNDS, ROUND_WORK, &mut random);
    }

    fn sweep(&mut self, tuning: &Tuning, work: u32, random: &mut Random) {
        let tile = draw(tuning.tile, random) as u32;
        let moves = draw(tuning.moves, random) as u32;
        let most = if work == u32::MAX { work } else { (work / (tile * moves)).clamp(REGIONS.0, REGIONS.1) };
        let resists =
            self.vain.iter().map(|&v| u64::from(v)).sum::<u64>() >= u64::from(ANEW_AFTER) * self.vain.len() as u64;
        let most = if tuning.anew && resists { ANEW_REGIONS } else { most as usize };
        let regions = self.choose_regions(tile, most, random);
        let salt = random.next_u64();
        let found: Vec<(Vec<u32>, Candidate)> = regions
            .into_par_iter()
            .enumerate()
            .map_init(Default::default, |scratch, (i, units)| {
                let mut random = Random::new(stream_seed(salt, self.stream, 0, i as u64));
                let mut candidate = self.solve(&units, tuning, moves, scratch, &mut random);
                if tuning.anew && units.iter().all(|&u| self.vain[u as usize] >= ANEW_AFTER) {
                    self.improve_apart(&mut candidate, &scratch.0, &mut random);
                }
                (units, candidate)
            })
            .collect();
        self.merge(found);
    }

    fn choose_regions(&self, tile: u32, most: usize, random: &mut Random) -> Vec<Vec<u32>> {
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
        if most > units as usize {
            least = PATIENCE;
        }
        for pass in 0..2 {
            for _ in 0..units {
                if regions.len() >= most.min((units / tile * 2) as usize + 1) {
                    return regions;
                }
                at = ((u64::from(at) + u64::from(stride)) % u64::from(units)) as u32;
                let vain = self.vain[at as usize];
                if used[at as usize] || vain >= PATIENCE || pass == 0 && vain > least {
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
            for &h in self.state.members(last) {
                let l = self.state.location[h as usize];
                for &place in std::iter::once(&l).chain(self.near.neighbours_of(l)) {
                    for &other in self.at_location.neighbours_of(place) {
                        let u = self.state.unit_of[other as usize];
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
        scratch: &mut (Region, Annealer),
        random: &mut Random,
    ) -> Candidate {
        let (region, annealer) = scratch;
        let households: Vec<u32> = units.iter().flat_map(|&u| self.state.members(u).iter().copied()).collect();
        let n = households.len() as u32;
        region.load(&households, &self.state.xy, &self.state.location, &self.near, &self.scale_m2);
        region.part.clear();
        region.bounds.clear();
        for (part, &u) in units.iter().enumerate() {
            region.part.extend(std::iter::repeat_n(part as u32, self.state.members(u).len()));
            region.bounds.push(self.state.bounds(u));
        }
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
        }
        Candidate { part: region.part.clone(), parts: region.bounds.len() as u32, households }
    }

    /// Lets a region whose present division resists go on from another one, by rounds of its own (iterated local search:
    /// Lourenço, Martin & Stützle 2003), before the two are compared.
    fn improve_apart(&self, candidate: &mut Candidate, region: &Region, random: &mut Random) {
        let mut sizes = vec![0_u32; candidate.parts as usize];
        for &p in &candidate.part {
            sizes[p as usize] += 1;
        }
        if self.state.exception().is_some() || sizes.iter().any(|z| !(self.state.min..=self.state.max).contains(z)) {
            return;
        }
        let edges: Vec<(u32, u32, ())> = (0..region.near.len() as u32)
            .flat_map(|p| region.near.neighbours_of(p).iter().filter(move |q| **q > p).map(move |&q| (p, q, ())))
            .collect();
        let state = State::new(
            region.xy.clone(),
            region.place.clone(),
            candidate.part.clone(),
            sizes.len(),
            (self.state.min, self.state.max),
            self.state.fixed,
        );
        let mut apart = Self {
            households: Vec::new(),
            near: Csr::from_edges(region.near.len(), &edges).0,
            at_location: region.at.clone(),
            scale_m2: region.scale_m2.clone(),
            state,
            vain: vec![0; sizes.len()],
            stream: random.next_u64(),
        };
        for _ in 0..ANEW_ROUNDS {
            if apart.is_settled() {
                break;
            }
            apart.sweep(&ANEW, ANEW_WORK, random);
        }
        candidate.part = apart.state.unit_of;
        candidate.parts = apart.vain.len() as u32;
    }

    fn merge(&mut self, found: Vec<(Vec<u32>, Candidate)>) {
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
                    for &other in self.at_location.neighbours_of(place) {
                        self.vain[self.state.unit_of[other as usize] as usize] = 0;
                    }
                }
            }
        }
        for slot in self.state.close_gaps() {
            self.vain.swap_remove(slot as usize);
        }
    }
}

/// A number between the two, evenly on a logarithmic scale.
fn draw((low, high): (f64, f64), random: &mut Random) -> f64 {
    low * (high / low).powf(random.unit())
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
