//! Pricing: for each legal size, the greatest gain Σπ − SSE of a unit, with proof.
//!
//! SSE(S) = min over c of Σ|xᵢ − c|², so the best unit of size s is the maximum over centres c of fₛ(c) = the sum of the s greatest
//! values πᵢ − |xᵢ − c|². That is a search over the plane by squares with two upper bounds:
//! - far out: every value at most πᵢ − (distance to the square)²;
//! - near: fₛ(c) + s|c|² is a maximum of linear functions, hence convex, hence nowhere in the square above the bilinear
//!   interpolation of its corners. With half-width h this is off by at most 2sh², so a few squares a level settle each local maximum.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::cuts::Cut;
use super::instance::{Instance, Take, distance2};
use super::penalised::{Charge, Verdict, best_charged};

/// Squares narrower than this (metres) are not split: their upper bound is taken as it is.
const NARROWEST_M: f64 = 1e-3;
/// Squares that the search is split into before it goes parallel.
const WIDE: usize = 64;
/// Squares of one of those parts at most; what is left then counts with its upper bound.
const SQUARES: usize = 20_000;
/// Squares wider than this are judged without the cuts' charges, which there would cost time and settle nothing.
const CHARGE_BELOW_M: f64 = 20.0;

/// A unit and what it gains over the duals.
#[derive(Clone)]
pub(super) struct Priced {
    pub(super) take: Take,
    pub(super) gain: f64,
}

/// What the search over the plane found and proved.
pub(super) struct Search {
    /// For each legal size, a proven upper bound of the gain.
    pub(super) upper: Vec<f64>,
    /// Units whose gain is above the floor.
    pub(super) found: Vec<Priced>,
}

/// The pricing problem for one vector of duals.
pub(super) struct Pricing<'a> {
    instance: &'a Instance,
    /// Dual of a household at each place (m²).
    duals: &'a [f64],
    most: u32,
    cuts: Vec<(Cut, f64)>,
    cuts_at: Vec<Vec<u32>>,
    /// Most that the cuts can charge for one household more of a place.
    charge_at: Vec<f64>,
}

/// fₛ of each size at a corner: exact, or only without the cuts' charges (an upper bound).
#[derive(Clone)]
struct Corner {
    sums: Vec<f64>,
    charged: bool,
}

struct Square {
    centre: [f64; 2],
    half: f64,
    items: Vec<u32>,
    /// f of each size at the corners −−, +−, −+, ++.
    corners: [Corner; 4],
}

struct Work {
    /// For each size: what need not be beaten.
    floor: Vec<f64>,
    upper: Vec<f64>,
    found: BTreeMap<Take, f64>,
}

impl<'a> Pricing<'a> {
    /// `cuts` with what they charge (−dual, ≥ 0).
    pub(super) fn new(instance: &'a Instance, duals: &'a [f64], cuts: Vec<(Cut, f64)>) -> Self {
        let mut cuts_at = vec![Vec::new(); instance.at.len()];
        let mut charge_at = vec![0.0; instance.at.len()];
        for (k, (cut, sigma)) in cuts.iter().enumerate() {
            for &p in &cut.0 {
                cuts_at[p as usize].push(k as u32);
                charge_at[p as usize] += sigma;
            }
        }
        Self { instance, duals, most: instance.sizes.last().copied().unwrap_or(1), cuts, cuts_at, charge_at }
    }

    /// The best unit of one size at `c` with the cuts' charges, and a proven upper bound of its value.
    fn charged(&self, c: [f64; 2], items: &[u32], size: u32, target: f64, nodes: u32) -> (Verdict, Take) {
        let value = |i: u32| self.duals[i as usize] - distance2(self.instance.at[i as usize], c);
        let mut safe: Vec<(f64, u32)> = items.iter().map(|&i| (value(i) - self.charge_at[i as usize], i)).collect();
        let bar = self.bar(&mut safe);
        let (mut values, mut places) = (Vec::new(), Vec::new());
        let mut of_cut: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &i in items {
            let v = value(i);
            if v < bar {
                continue;
            }
            for _ in 0..self.instance.copies[i as usize].min(self.most) {
                for &k in &self.cuts_at[i as usize] {
                    of_cut.entry(k).or_default().push(values.len() as u32);
                }
                values.push(v);
                places.push(i);
            }
        }
        let charges: Vec<Charge> = of_cut
            .into_iter()
            .filter(|(_, items)| items.len() > 1)
            .map(|(k, items)| Charge { items, sigma: self.cuts[k as usize].1 })
            .collect();
        let verdict = best_charged(&values, &charges, size as usize, target, nodes);
        let mut take: BTreeMap<u32, u32> = BTreeMap::new();
        for &i in &verdict.chosen {
            *take.entry(places[i as usize]).or_default() += 1;
        }
        (verdict, take.into_iter().collect())
    }

    /// The value below which no place is needed, given values that each place is sure to have.
    fn bar(&self, sure: &mut Vec<(f64, u32)>) -> f64 {
        let order = |a: &(f64, u32), b: &(f64, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let keep = self.most as usize;
        if sure.len() > keep {
            sure.select_nth_unstable_by(keep - 1, order);
            sure.truncate(keep);
        }
        sure.sort_unstable_by(order);
        let mut held = 0;
        sure.iter()
            .find(|l| {
                held += self.instance.copies[l.1 as usize];
                held >= self.most
            })
            .map_or(f64::NEG_INFINITY, |l| l.0)
    }

    /// The places with their values at `c`, best first, as many as the greatest size needs.
    fn ranked(&self, c: [f64; 2], items: &[u32]) -> Vec<(f64, u32)> {
        let mut v: Vec<(f64, u32)> =
            items.iter().map(|&i| (self.duals[i as usize] - distance2(self.instance.at[i as usize], c), i)).collect();
        let keep = self.most as usize;
        let order = |a: &(f64, u32), b: &(f64, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if v.len() > keep {
            v.select_nth_unstable_by(keep - 1, order);
            v.truncate(keep);
        }
        v.sort_unstable_by(order);
        v
    }

    /// For each legal size, the sum of that many greatest values.
    fn sums(&self, ranked: &[(f64, u32)]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.instance.sizes.len());
        let (mut held, mut sum) = (0, 0.0);
        let mut next = ranked.iter();
        let mut open: Option<(f64, u32)> = None;
        for &s in &self.instance.sizes {
            while held < s {
                let (v, left) = match open {
                    Some(o) if o.1 > 0 => o,
                    _ => match next.next() {
                        Some(&(v, i)) => (v, self.instance.copies[i as usize]),
                        None => break,
                    },
                };
                let n = left.min(s - held);
                sum += v * f64::from(n);
                held += n;
                open = Some((v, left - n));
            }
            out.push(if held == s { sum } else { f64::NEG_INFINITY });
        }
        out
    }

    /// The unit of the `size` best at `ranked`.
    fn take(&self, ranked: &[(f64, u32)], size: u32) -> Take {
        let mut left = size;
        let mut take: Take = Vec::new();
        for &(_, i) in ranked {
            if left == 0 {
                break;
            }
            let n = left.min(self.instance.copies[i as usize]);
            take.push((i, n));
            left -= n;
        }
        take.sort_unstable();
        take
    }

    /// Alternates between the best unit at a centre and its mean until nothing changes: a local maximum of the gain without charges.
    pub(super) fn ascend(&self, mut c: [f64; 2], items: &[u32]) -> Option<Priced> {
        let mut last = Take::new();
        for _ in 0..50 {
            let ranked = self.ranked(c, items);
            let sums = self.sums(&ranked);
            let k = (0..sums.len()).max_by(|&a, &b| sums[a].total_cmp(&sums[b]))?;
            if sums[k] == f64::NEG_INFINITY {
                return None;
            }
            let take = self.take(&ranked, self.instance.sizes[k]);
            if take == last {
                break;
            }
            c = self.instance.mean(&take).1;
            last = take;
        }
        Some(Priced { gain: self.gain(&last), take: last })
    }

    /// The same for one size, with the cuts' charges.
    pub(super) fn ascend_charged(&self, mut c: [f64; 2], items: &[u32], size: u32) -> Option<Priced> {
        let mut best: Option<Priced> = None;
        for _ in 0..20 {
            let (_, take) = self.charged(c, items, size, f64::NEG_INFINITY, 100);
            if take.is_empty() || best.as_ref().is_some_and(|b| b.take == take) {
                break;
            }
            let gain = self.gain(&take);
            if best.as_ref().is_some_and(|b| b.gain >= gain) {
                break;
            }
            c = self.instance.mean(&take).1;
            best = Some(Priced { take, gain });
        }
        best
    }

    /// Σπ − SSE − charges of a unit.
    pub(super) fn gain(&self, take: &[(u32, u32)]) -> f64 {
        let duals: f64 = take.iter().map(|&(p, c)| self.duals[p as usize] * f64::from(c)).sum();
        let charges: f64 = self.cuts.iter().map(|(c, sigma)| sigma * f64::from(c.of(take))).sum();
        duals - self.instance.sse_m2(take) - charges
    }

    /// Searches the whole plane for units that gain more than `floor` (one value a legal size); what is proved is exact to `slack_m2`.
    pub(super) fn search(&self, floor: &[f64], slack_m2: f64) -> Search {
        let all: Vec<u32> = (0..self.instance.at.len() as u32).collect();
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for p in &self.instance.at {
            for a in 0..2 {
                lo[a] = lo[a].min(p[a]);
                hi[a] = hi[a].max(p[a]);
            }
        }
        let centre = [(lo[0] + hi[0]) / 2.0, (lo[1] + hi[1]) / 2.0];
        // A little wider than the places, so that no mean falls outside by rounding.
        let half = ((hi[0] - lo[0]).max(hi[1] - lo[1]) / 2.0) * (1.0 + 1e-9) + NARROWEST_M;
        let corners = corner_points(centre, half).map(|c| self.corner(c, &all));
        let mut work = Work { floor: floor.to_vec(), upper: floor.to_vec(), found: BTreeMap::new() };
        let mut open = vec![Square { centre, half, items: all, corners }];
        while !open.is_empty() && open.len() < WIDE {
            open = open.into_iter().flat_map(|q| self.split(q, slack_m2, &mut work)).collect();
        }
        let parts: Vec<Work> = open
            .into_par_iter()
            .map(|q| {
                let mut part = Work { floor: work.floor.clone(), upper: work.floor.clone(), found: BTreeMap::new() };
                let mut stack = vec![q];
                let mut squares = 0;
                while let Some(q) = stack.pop() {
                    squares += 1;
                    if squares > SQUARES {
                        self.settle(&self.near(&q.corners, q.half), &mut part);
                    } else {
                        stack.extend(self.split(q, slack_m2, &mut part));
                    }
                }
                part
            })
            .collect();
        for part in parts {
            for (a, b) in work.upper.iter_mut().zip(&part.upper) {
                *a = a.max(*b);
            }
            work.found.extend(part.found);
        }
        Search {
            upper: work.upper.iter().zip(&work.floor).map(|(a, b)| a.max(*b)).collect(),
            found: work.found.into_iter().map(|(take, gain)| Priced { take, gain }).collect(),
        }
    }

    /// The parts of a square that can still hold something above the floor.
    fn split(&self, q: Square, slack_m2: f64, work: &mut Work) -> Vec<Square> {
        let Square { centre, half, items, mut corners } = q;
        let mut near = self.near(&corners, half);
        if near.iter().zip(&work.floor).all(|(u, f)| u <= f) {
            return Vec::new();
        }
        let (items, far) = self.reachable(centre, half, &items);
        if near.iter().zip(&far).zip(&work.floor).all(|((n, d), f)| n.min(*d) <= *f) {
            return Vec::new();
        }
        if !self.cuts.is_empty() && half < CHARGE_BELOW_M {
            for (corner, c) in corners.iter_mut().zip(corner_points(centre, half)) {
                if !corner.charged {
                    self.charge(corner, c, half, &items, slack_m2, work);
                }
            }
            near = self.near(&corners, half);
            if near.iter().zip(&far).zip(&work.floor).all(|((n, d), f)| n.min(*d) <= *f) {
                return Vec::new();
            }
        }
        if half < NARROWEST_M.max((slack_m2 / f64::from(self.most)).sqrt() / 5.0) {
            self.settle(&near, work);
            return Vec::new();
        }
        let [x, y] = centre;
        let points = [[x, y - half], [x - half, y], [x, y], [x + half, y], [x, y + half]];
        let [south, west, mid, east, north] = points.map(|c| {
            let corner = self.corner(c, &items);
            if corner.charged && corner.sums.iter().zip(&work.floor).any(|(s, f)| s > f) {
                self.note(c, &items, &corner.sums, slack_m2, work);
            }
            corner
        });
        let [sw, se, nw, ne] = corners;
        let h = half / 2.0;
        vec![
            Square {
                centre: [x - h, y - h],
                half: h,
                items: items.clone(),
                corners: [sw, south.clone(), west.clone(), mid.clone()],
            },
            Square {
                centre: [x + h, y - h],
                half: h,
                items: items.clone(),
                corners: [south, se, mid.clone(), east.clone()],
            },
            Square {
                centre: [x - h, y + h],
                half: h,
                items: items.clone(),
                corners: [west, mid.clone(), nw, north.clone()],
            },
            Square { centre: [x + h, y + h], half: h, items, corners: [mid, east, north, ne] },
        ]
    }

    /// The sums at `c`, without charges.
    fn corner(&self, c: [f64; 2], items: &[u32]) -> Corner {
        Corner { sums: self.sums(&self.ranked(c, items)), charged: self.cuts.is_empty() }
    }

    fn near(&self, corners: &[Corner; 4], half: f64) -> Vec<f64> {
        self.instance.sizes.iter().enumerate().map(|(k, &s)| interpolated(corners, k, s, half)).collect()
    }

    /// Takes the bounds of a square as they are.
    fn settle(&self, near: &[f64], work: &mut Work) {
        for ((a, u), f) in work.upper.iter_mut().zip(near).zip(&work.floor) {
            if u > f {
                *a = a.max(*u);
            }
        }
    }

    /// Brings the cuts' charges into a corner, as far as the square of half-width `half` needs to be discarded.
    fn charge(&self, corner: &mut Corner, c: [f64; 2], half: f64, items: &[u32], slack_m2: f64, work: &mut Work) {
        for (k, &size) in self.instance.sizes.iter().enumerate() {
            let target = work.floor[k] - 2.0 * f64::from(size) * half * half;
            if corner.sums[k] <= target {
                continue;
            }
            let (verdict, take) = self.charged(c, items, size, target, 4_000);
            corner.sums[k] = corner.sums[k].min(verdict.upper);
            if verdict.best > work.floor[k] {
                let gain = self.gain(&take);
                work.found.insert(take, gain);
                work.floor[k] = work.floor[k].max(gain + slack_m2);
                work.upper[k] = work.upper[k].max(work.floor[k]);
            }
        }
        corner.charged = true;
    }

    /// Keeps the unit around `c` and raises the floors to what it shows to exist (plus the slack, so that ties are settled).
    fn note(&self, c: [f64; 2], items: &[u32], sums: &[f64], slack_m2: f64, work: &mut Work) {
        let fresh: Vec<usize> = (0..sums.len()).filter(|&k| sums[k] > work.floor[k]).collect();
        if let Some(p) = self.ascend(c, items) {
            work.found.insert(p.take.clone(), p.gain);
            if let Some(k) = self.instance.sizes.iter().position(|s| *s == p.take.iter().map(|t| t.1).sum::<u32>()) {
                work.floor[k] = work.floor[k].max(p.gain + slack_m2);
                work.upper[k] = work.upper[k].max(work.floor[k]);
            }
        }
        for k in fresh {
            work.floor[k] = work.floor[k].max(sums[k] + slack_m2);
            work.upper[k] = work.upper[k].max(work.floor[k]);
        }
    }

    /// The places that some best unit of a centre in the square can hold, and for each size the sum of the greatest values with
    /// the distance to the square.
    fn reachable(&self, centre: [f64; 2], half: f64, items: &[u32]) -> (Vec<u32>, Vec<f64>) {
        let mut low: Vec<(f64, u32)> = Vec::with_capacity(items.len());
        let mut high: Vec<(f64, u32)> = Vec::with_capacity(items.len());
        for &i in items {
            let p = self.instance.at[i as usize];
            let d = [(p[0] - centre[0]).abs(), (p[1] - centre[1]).abs()];
            let near = d.map(|v| (v - half).max(0.0));
            let far = d.map(|v| v + half);
            let w = self.duals[i as usize];
            high.push((w - near[0] * near[0] - near[1] * near[1], i));
            low.push((w - far[0] * far[0] - far[1] * far[1] - self.charge_at[i as usize], i));
        }
        let order = |a: &(f64, u32), b: &(f64, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let keep = self.most as usize;
        let bar = self.bar(&mut low);
        high.retain(|h| h.0 >= bar);
        let kept: Vec<u32> = high.iter().map(|h| h.1).collect();
        if high.len() > keep {
            high.select_nth_unstable_by(keep - 1, order);
            high.truncate(keep);
        }
        high.sort_unstable_by(order);
        let far = self.sums(&high);
        (kept, far)
    }
}

fn corner_points(c: [f64; 2], h: f64) -> [[f64; 2]; 4] {
    [[c[0] - h, c[1] - h], [c[0] + h, c[1] - h], [c[0] - h, c[1] + h], [c[0] + h, c[1] + h]]
}

/// Upper bound of fₛ over a square from its corners.
///
/// With u, v in [−1, 1], fₛ ≤ (bilinear interpolation of the corners' fₛ) + s h² (2 − u² − v²); the mixed term of the
/// interpolation is at most half its coefficient times u² + v², and what remains is separable and concave or convex in each.
fn interpolated(corners: &[Corner; 4], k: usize, size: u32, half: f64) -> f64 {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i: usize| corners[i].sums[k]);
    if a == f64::NEG_INFINITY {
        return a;
    }
    let (mean, gu, gv) = ((a + b + c + d) / 4.0, (b + d - a - c) / 4.0, (c + d - a - b) / 4.0);
    let mixed = ((a + d - b - c) / 4.0).abs();
    let bend = f64::from(size) * half * half;
    // Maximum of g·u − q·u² over [−1, 1].
    let top = |g: f64, q: f64| {
        let g = g.abs();
        if g < 2.0 * q { g * g / (4.0 * q) } else { g - q }
    };
    let folded = top(gu, bend - mixed / 2.0) + top(gv, bend - mixed / 2.0);
    let apart = mixed + top(gu, bend) + top(gv, bend);
    (mean + folded.min(apart)).min(a.max(b).max(c).max(d)) + 2.0 * bend
}
