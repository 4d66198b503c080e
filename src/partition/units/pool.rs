//! One pool of households: its units, and a round of regional re-solves.

use rayon::prelude::*;

use crate::graph::Csr;
use crate::partition::effort::{Random, stream_seed};
use crate::space::delaunay;

use super::pools::distinct;
use super::region::Region;
use super::representable;
use super::start::{best_runs, hilbert_order};

/// Regions of one round of one pool at most; with them a round of a big pool lasts some tens of milliseconds.
const REGIONS_A_ROUND: usize = 192;
/// A unit whose surroundings were re-solved in vain this often is left alone until a neighbour changes.
const PATIENCE: u32 = 120;

/// Households that share units with nobody else.
pub(super) struct Pool {
    /// Households of the village, ascending.
    pub(super) households: Vec<u32>,
    xy: Vec<[f64; 2]>,
    location: Vec<u32>,
    at_location: Csr,
    near: Csr,
    min: u32,
    max: u32,
    fixed: bool,
    /// Unit of each household of the pool.
    pub(super) unit_of: Vec<u32>,
    members: Vec<Vec<u32>>,
    /// Unit that is a listed exception, with its size.
    pub(super) exception: Option<u32>,
    vain: Vec<u32>,
    stream: u64,
}

struct Found {
    units: Vec<u32>,
    households: Vec<u32>,
    /// Better parts, if any were found: one a household, and how many.
    better: Option<(Vec<u32>, u32)>,
    /// With a fixed number of units: what one unit more would gain and one fewer cost (m²), to be paired by the merge.
    more: Option<(f64, Vec<u32>)>,
    fewer: Option<(f64, Vec<u32>)>,
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
        let mut offsets = vec![0_u32; at.len() + 1];
        for &l in &location {
            offsets[l as usize + 1] += 1;
        }
        for l in 0..at.len() {
            offsets[l + 1] += offsets[l];
        }
        let mut next = offsets.clone();
        let mut held = vec![0_u32; xy.len()];
        for (h, &l) in location.iter().enumerate() {
            held[next[l as usize] as usize] = h as u32;
            next[l as usize] += 1;
        }
        let at_location = Csr { offsets, neighbours: held };

        let order = hilbert_order(&xy);
        let points: Vec<[f64; 2]> = order.iter().map(|&i| xy[i as usize]).collect();
        let legal = representable(n, min, max);
        let mut exception = None;
        let runs = if legal {
            best_runs(&points, min as usize, max as usize, count.map(|c| c as usize))
                .unwrap_or_else(|| vec![n as usize])
        } else if n < min {
            exception = Some(0);
            vec![n as usize]
        } else {
            // n lies between k·max and (k+1)·min: the fewest members outside are those beyond k full units.
            let mut runs = vec![max as usize; (n / max) as usize];
            exception = Some(runs.len() as u32);
            runs.push((n % max) as usize);
            runs
        };
        let mut unit_of = vec![0; xy.len()];
        let mut members = Vec::with_capacity(runs.len());
        let mut start = 0;
        for (u, len) in runs.iter().enumerate() {
            let m: Vec<u32> = order[start..start + len].to_vec();
            for &h in &m {
                unit_of[h as usize] = u as u32;
            }
            members.push(m);
            start += len;
        }
        let vain = vec![0; members.len()];
        let fixed = count.is_some() || !legal;
        Self { households, xy, location, at_location, near, min, max, fixed, unit_of, members, exception, vain, stream }
    }

    /// Sweeps over all units about twice: part of s₀, since a Hilbert run is far from a good unit where towns meet open land.
    pub(super) fn settle_in(&mut self, seed: u64, village: u64) {
        for sweep in 0..2 * self.members.len().div_ceil(4 * REGIONS_A_ROUND) as u64 {
            if !self.is_settled() {
                self.round(seed, village, u64::MAX - sweep);
            }
        }
    }

    /// Number of units.
    pub(super) fn units(&self) -> u32 {
        self.members.len() as u32
    }

    /// Location of each household of the pool.
    pub(super) fn locations(&self) -> &[u32] {
        &self.location
    }

    /// Members of each unit.
    pub(super) fn members(&self) -> &[Vec<u32>] {
        &self.members
    }

    fn bounds(&self, unit: u32) -> (u32, u32) {
        let size = self.members[unit as usize].len() as u32;
        if self.exception.is_some() { (size, size) } else { (self.min, self.max) }
    }

    /// Whether anything is left to try.
    pub(super) fn is_settled(&self) -> bool {
        self.members.len() < 2 && (self.fixed || (self.xy.len() as u32) < 2 * self.min)
            || self.vain.iter().all(|&v| v >= PATIENCE)
    }

    /// One round: disjoint regions around seeded units, solved in parallel, merged in order.
    pub(super) fn round(&mut self, seed: u64, village: u64, round: u64) {
        let mut random = Random::new(stream_seed(seed, village, round, self.stream));
        let regions = self.choose_regions(&mut random);
        let salt = random.next_u64();
        let found: Vec<Found> = regions
            .into_par_iter()
            .enumerate()
            .map_init(Region::default, |scratch, (i, units)| {
                let mut random = Random::new(stream_seed(salt, self.stream, round, i as u64));
                self.solve(units, scratch, &mut random)
            })
            .collect();
        self.merge(found);
    }

    fn choose_regions(&self, random: &mut Random) -> Vec<Vec<u32>> {
        let units = self.members.len() as u32;
        let mut used = vec![false; units as usize];
        let mut regions = Vec::new();
        let want = REGIONS_A_ROUND.min((units as usize).div_ceil(3));
        let begin = random.below(units);
        // A stride that shares no factor with the number of units visits each once in scattered order.
        let mut stride = random.below(units).max(1);
        while gcd(stride, units) != 1 {
            stride += 1;
        }
        let mut at = begin;
        for _ in 0..units {
            at = ((u64::from(at) + u64::from(stride)) % u64::from(units)) as u32;
            if used[at as usize] || self.vain[at as usize] >= PATIENCE {
                continue;
            }
            // Mostly three or four units: enough for a change of their number, small enough to anneal well; wider where that failed.
            let wide = if self.vain[at as usize] > PATIENCE / 6 { random.below(6) as usize } else { 0 };
            let size = [2, 3, 3, 4, 4, 4, 5, 6][random.below(8) as usize] + wide;
            let region = self.grow(at, size, &mut used, random);
            regions.push(region);
            if regions.len() >= want {
                break;
            }
        }
        regions
    }

    fn grow(&self, seed: u32, size: usize, used: &mut [bool], random: &mut Random) -> Vec<u32> {
        used[seed as usize] = true;
        let mut region = vec![seed];
        let mut border: Vec<u32> = Vec::new();
        let mut last = seed;
        while region.len() < size {
            for &h in &self.members[last as usize] {
                let l = self.location[h as usize];
                for &place in std::iter::once(&l).chain(self.near.neighbours_of(l)) {
                    for &other in self.at_location.neighbours_of(place) {
                        let u = self.unit_of[other as usize];
                        if !used[u as usize] && !border.contains(&u) {
                            border.push(u);
                        }
                    }
                }
            }
            border.retain(|&u| !used[u as usize]);
            if border.is_empty() {
                break;
            }
            last = border[random.below(border.len() as u32) as usize];
            used[last as usize] = true;
            region.push(last);
        }
        region
    }

    fn solve(&self, units: Vec<u32>, scratch: &mut Region, random: &mut Random) -> Found {
        let households: Vec<u32> = units.iter().flat_map(|&u| self.members[u as usize].iter().copied()).collect();
        let n = households.len();
        let origin = self.xy[households[0] as usize];
        let relative = |h: u32| {
            let p = self.xy[h as usize];
            [p[0] - origin[0], p[1] - origin[1]]
        };
        scratch.xy.clear();
        scratch.xy.extend(households.iter().map(|&h| relative(h)));
        let mean = scratch.xy.iter().fold([0.0; 2], |a, p| [a[0] + p[0] / n as f64, a[1] + p[1] / n as f64]);
        for p in &mut scratch.xy {
            *p = [p[0] - mean[0], p[1] - mean[1]];
        }
        let present = |scratch: &mut Region| {
            scratch.part.clear();
            for (part, &u) in units.iter().enumerate() {
                scratch.part.extend(std::iter::repeat_n(part as u32, self.members[u as usize].len()));
            }
            scratch.bounds.clear();
            scratch.bounds.extend(units.iter().map(|&u| self.bounds(u)));
        };
        present(scratch);
        let before = scratch.sse_m2();
        let mut best = before - 1e-6_f64.max(before * 1e-12);
        let mut better = None;
        let k = units.len() as u32;
        // The longer the surroundings resist, the longer they are annealed.
        let vain = units.iter().map(|&u| self.vain[u as usize]).min().unwrap_or(0);
        let moves = (60 * n as u32).max(1_500) * (1 + vain / 12);
        // From the present state: first cool (a descent), then warm.
        for heat in [0.02, 0.1 * 15.0_f64.powf(random.unit())] {
            if k < 2 {
                break;
            }
            present(scratch);
            let sse = scratch.anneal(moves, heat, random);
            if sse < best {
                best = sse;
                better = Some((scratch.part.clone(), k));
            }
        }
        let (mut more, mut fewer) = (None, None);
        if self.exception.is_none() {
            let (low, high) = ((n as u32).div_ceil(self.max), n as u32 / self.min);
            for parts in [k + 1, k.saturating_sub(1), k] {
                if parts < low.max(1) || parts > high {
                    continue;
                }
                scratch.bounds.clear();
                scratch.bounds.resize(parts as usize, (self.min, self.max));
                scratch.deal_along(random.unit() * std::f64::consts::TAU);
                let sse = scratch.anneal(2 * moves, 1.0, random);
                if self.fixed && parts != k {
                    let option = Some((sse, scratch.part.clone()));
                    if parts > k {
                        more = option
                    } else {
                        fewer = option
                    }
                    continue;
                }
                if sse < best {
                    best = sse;
                    better = Some((scratch.part.clone(), parts));
                }
            }
        }
        let present_best = if better.is_some() { best } else { before };
        let change = |o: Option<(f64, Vec<u32>)>| o.map(|(sse, part)| (sse - present_best, part));
        Found { units, households, better, more: change(more), fewer: change(fewer) }
    }

    /// With a fixed number of units, lets one region have a unit more where another can do with one fewer and both together gain.
    fn pair(found: &mut [Found]) {
        let key = |o: &Option<(f64, Vec<u32>)>| o.as_ref().map(|c| c.0);
        let mut gain: Vec<(f64, usize)> =
            found.iter().enumerate().filter_map(|(i, f)| Some((key(&f.more)?, i))).collect();
        let mut cost: Vec<(f64, usize)> =
            found.iter().enumerate().filter_map(|(i, f)| Some((key(&f.fewer)?, i))).collect();
        gain.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        cost.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut taken = vec![false; found.len()];
        let mut gains = gain.into_iter();
        for (loss, giver) in cost {
            if taken[giver] {
                continue;
            }
            let Some((won, taker)) = gains.find(|g| !taken[g.1] && g.1 != giver) else { break };
            if won + loss >= -1e-6 {
                break;
            }
            taken[giver] = true;
            taken[taker] = true;
            let k = |f: &Found| f.units.len() as u32;
            if let Some((_, part)) = found[giver].fewer.take() {
                found[giver].better = Some((part, k(&found[giver]) - 1));
            }
            if let Some((_, part)) = found[taker].more.take() {
                found[taker].better = Some((part, k(&found[taker]) + 1));
            }
        }
    }

    fn merge(&mut self, mut found: Vec<Found>) {
        if self.fixed {
            Self::pair(&mut found);
        }
        let mut gone: Vec<u32> = Vec::new();
        for f in found {
            let Some((part, parts)) = f.better else {
                for &u in &f.units {
                    self.vain[u as usize] += 1;
                }
                continue;
            };
            // Neighbours of a changed unit are worth another look.
            for &h in &f.households {
                for &place in self.near.neighbours_of(self.location[h as usize]) {
                    for &other in self.at_location.neighbours_of(place) {
                        self.vain[self.unit_of[other as usize] as usize] = 0;
                    }
                }
            }
            let mut slots = f.units.clone();
            while (slots.len() as u32) < parts {
                slots.push(self.members.len() as u32);
                self.members.push(Vec::new());
                self.vain.push(0);
            }
            for &s in &slots {
                self.members[s as usize].clear();
                self.vain[s as usize] = 0;
            }
            for (&h, &p) in f.households.iter().zip(&part) {
                let unit = slots[p as usize];
                self.members[unit as usize].push(h);
                self.unit_of[h as usize] = unit;
            }
            gone.extend(slots.iter().skip(parts as usize));
        }
        // Emptied slots are filled from the end, highest first, so that slots stay dense.
        gone.sort_unstable();
        for &slot in gone.iter().rev() {
            let last = self.members.len() as u32 - 1;
            self.members.swap_remove(slot as usize);
            self.vain.swap_remove(slot as usize);
            if slot != last {
                for &h in &self.members[slot as usize] {
                    self.unit_of[h as usize] = slot;
                }
            }
        }
    }
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
