//! Column generation on the set-partitioning programme over all legal units, strengthened by subset-row cuts.
//!
//! One iteration: solve the restricted master loosely, price its duals over the whole plane, turn what was proved into a bound,
//! add the units found. The duals are held in a box around the best ones so far (du Merle et al. 1999); the box follows each
//! better bound and widens when it is all that keeps the master feasible. Any dual gives a valid bound, so stopping early is safe.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::cuts::{Cut, violated};
use super::instance::{Instance, Take, distance2};
use super::interior::{self, Point, Programme};
use super::pricing::{Priced, Pricing};

/// Units added in one iteration at most.
const ADDED: usize = 400;
/// Units of the master from whose neighbourhoods charged pricing starts.
const SEEDS: usize = 600;
/// Half-width of the first box, in mean squared metres a household, and after each round of cuts.
const FIRST_BOX: f64 = 1.0;
const CUT_BOX: f64 = 0.2;

/// One unit that may be chosen.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) take: Take,
    pub(super) sse_m2: f64,
}

/// Duals in units of `scale`.
struct Duals {
    /// One a place, then one for the fixed number of units if there is one.
    hard: Vec<f64>,
    /// What each cut charges.
    cuts: Vec<f64>,
}

/// The restricted master and the best bound so far.
pub(super) struct Master<'a> {
    instance: &'a Instance,
    incumbent_m2: f64,
    /// Mean squared metres a household: brings the programme's numbers near 1.
    scale: f64,
    pub(super) columns: Vec<Column>,
    seen: BTreeSet<Take>,
    cuts: Vec<Cut>,
    centre: Duals,
    /// Bound (m²) at the centre of the box.
    centre_m2: f64,
    width: f64,
    /// Proven lower bound (m²).
    pub(super) bound_m2: f64,
    /// A legal division better than the incumbent.
    pub(super) better: Option<(f64, Vec<Take>)>,
    before_cuts_m2: f64,
    pub(super) iterations: u32,
    pub(super) converged: bool,
}

impl<'a> Master<'a> {
    /// The master with the incumbent's units. `incumbent_m2` must be positive.
    pub(super) fn new(instance: &'a Instance, incumbent_m2: f64, start: Vec<Take>) -> Self {
        let scale = incumbent_m2 / f64::from(instance.households().max(1));
        let mut hard = vec![0.0; instance.at.len()];
        for take in &start {
            let (size, mean) = instance.mean(take);
            let even = instance.sse_m2(take) / f64::from(size.max(1));
            for &(p, _) in take {
                // Half of a unit's sum shared evenly, half by distance: about what a dual looks like.
                hard[p as usize] = (even + distance2(instance.at[p as usize], mean)) / 2.0 / scale;
            }
        }
        if instance.count.is_some() {
            hard.push(0.0);
        }
        let mut master = Self {
            instance,
            incumbent_m2,
            scale,
            columns: Vec::new(),
            seen: BTreeSet::new(),
            cuts: Vec::new(),
            centre: Duals { hard, cuts: Vec::new() },
            centre_m2: f64::NEG_INFINITY,
            width: FIRST_BOX,
            bound_m2: 0.0,
            better: None,
            before_cuts_m2: f64::NEG_INFINITY,
            iterations: 0,
            converged: false,
        };
        for take in start.into_iter().filter(|t| instance.sizes.contains(&instance.mean(t).0)) {
            master.add(take);
        }
        master
    }

    fn add(&mut self, take: Take) {
        if self.seen.insert(take.clone()) {
            let sse_m2 = self.instance.sse_m2(&take);
            self.columns.push(Column { take, sse_m2 });
        }
    }

    /// The same programme with the number of units fixed (`instance` differs in nothing else), with the units generated so far.
    /// What holds for any number holds for each.
    pub(super) fn branch<'b>(&self, instance: &'b Instance) -> Master<'b> {
        let mut branch =
            Master::new(instance, self.incumbent_m2, self.columns.iter().map(|c| c.take.clone()).collect());
        branch.incumbent_m2 = self.better.as_ref().map_or(self.incumbent_m2, |b| b.0);
        branch.centre.hard = self.centre.hard.clone();
        branch.centre.hard.push(0.0);
        branch.bound_m2 = self.bound_m2;
        branch
    }

    /// Tells of a better division met elsewhere.
    pub(super) fn beaten_by(&mut self, best_m2: f64) {
        self.incumbent_m2 = self.incumbent_m2.min(best_m2);
    }

    /// Iterates until the programme as it stands is solved, `limit` more iterations are done, or `stop` says so between two
    /// iterations. Then it cuts; called again it solves the tightened programme. `accuracy` is the relative gap to the programme's
    /// own optimum that counts as none.
    pub(super) fn run(&mut self, limit: u32, accuracy: f64, stop: &dyn Fn() -> bool) {
        // A third of the accuracy, shared by the units.
        let slack_m2 = accuracy * self.incumbent_m2 / f64::from(self.instance.households().max(1)) / 3.0;
        if self.iterations == 0 {
            // A first pricing lowers the guess until it is feasible.
            let guess = Duals { hard: self.centre.hard.clone(), cuts: Vec::new() };
            self.price(&guess, slack_m2, &mut Vec::new());
        }
        let mut gap = if self.cuts.is_empty() { 1.0_f64 } else { 1e-2 };
        let limit = self.iterations.saturating_add(limit);
        while self.iterations < limit && !self.converged && !stop() {
            self.iterations += 1;
            let point = interior::solve(&self.programme(), (gap * 0.1).clamp(1e-8, 1e-2));
            let value_m2 = point.primal * self.scale;
            if !value_m2.is_finite() {
                return;
            }
            self.round_off(&point);
            let hard = self.centre.hard.len();
            let duals =
                Duals { hard: point.y[..hard].to_vec(), cuts: point.y[hard..].iter().map(|y| (-y).max(0.0)).collect() };
            let mut found = self.heuristic(&duals, slack_m2);
            self.price(&duals, slack_m2, &mut found);
            found.sort_by(|a, b| b.gain.total_cmp(&a.gain).then_with(|| a.take.cmp(&b.take)));
            found.dedup_by(|a, b| a.take == b.take);
            let known = self.columns.len();
            for p in found.into_iter().take(ADDED) {
                self.add(p.take);
            }
            let last = gap;
            gap = ((value_m2 - self.bound_m2) / self.incumbent_m2).max(0.0);
            // With nothing new to choose from and no better bound, the next iteration would be this one again.
            let stuck = self.columns.len() == known && gap >= last;
            let best_m2 = self.better.as_ref().map_or(self.incumbent_m2, |b| b.0);
            if self.bound_m2 >= best_m2 * (1.0 - accuracy) {
                self.converged = true;
                return;
            }
            if gap > accuracy && !stuck {
                continue;
            }
            if self.boxed(&point) > 1e-2 && self.width < 1e4 {
                self.width *= 2.0;
                continue;
            }
            if self.bound_m2 < self.before_cuts_m2 + 0.2 * accuracy * self.incumbent_m2 {
                self.converged = true;
                return;
            }
            self.before_cuts_m2 = self.bound_m2;
            self.converged = !self.cut(&point, &duals);
            return;
        }
    }

    /// How much the box's own columns are used.
    fn boxed(&self, point: &Point) -> f64 {
        point.x.iter().skip(point.x.len() - self.box_columns()).sum()
    }

    fn box_columns(&self) -> usize {
        2 * self.centre.hard.len() + self.cuts.len()
    }

    /// Adds violated cuts and drops those that charge nothing; whether there were any to add.
    fn cut(&mut self, point: &Point, duals: &Duals) -> bool {
        let shared: Vec<(&Take, f64)> =
            self.columns.iter().zip(&point.x).filter(|(_, x)| **x > 1e-4).map(|(c, x)| (&c.take, *x)).collect();
        let fresh = violated(self.instance, &shared, &self.cuts);
        if fresh.is_empty() {
            return false;
        }
        let (kept, charges): (Vec<Cut>, Vec<f64>) =
            self.cuts.drain(..).zip(&duals.cuts).filter(|(_, s)| **s > 1e-4).unzip();
        self.cuts = kept;
        self.cuts.extend(fresh);
        self.centre.cuts = charges;
        self.centre.cuts.resize(self.cuts.len(), 0.0);
        self.width = CUT_BOX;
        true
    }

    /// Prices exactly: betters the bound, moves the box, adds what was found to `found`.
    fn price(&mut self, duals: &Duals, slack_m2: f64, found: &mut Vec<Priced>) {
        let places = self.instance.at.len();
        let household: Vec<f64> = duals.hard[..places].iter().map(|y| y * self.scale).collect();
        let unit = duals.hard.get(places).copied().unwrap_or(0.0) * self.scale;
        let charges: Vec<(Cut, f64)> =
            self.cuts.iter().cloned().zip(duals.cuts.iter().map(|s| s * self.scale)).filter(|c| c.1 > 0.0).collect();
        let charged: f64 = charges.iter().map(|(c, s)| s * f64::from(c.right(self.instance))).sum();
        let held = |f: &dyn Fn(f64) -> f64| -> f64 {
            household.iter().zip(&self.instance.copies).map(|(d, &c)| f(*d) * f64::from(c)).sum()
        };
        let (total, size_of_sum) = (held(&|d| d), held(&f64::abs));
        let best = found.iter().fold(0.0_f64, |a, p| a.max(p.gain + unit));
        let search = {
            let pricing = Pricing::new(self.instance, &household, charges);
            pricing.search(&vec![best.max(slack_m2) - unit; self.instance.sizes.len()], slack_m2)
        };
        found.extend(search.found);
        let Some(most) = self.instance.best_sizes(&search.upper) else { return };
        // The margin is far above what rounding can do to sums of this size.
        let bound = total - charged - most - 1e-9 * (size_of_sum + charged + most.abs());
        if bound.is_finite() {
            self.bound_m2 = self.bound_m2.max(bound);
        }
        if bound > self.centre_m2 {
            self.centre_m2 = bound;
            // Lowered until no unit gains anything, so that the box around it holds a feasible dual.
            let over = search.upper.iter().zip(&self.instance.sizes).map(|(u, &s)| (u + unit) / f64::from(s));
            let over = over.fold(0.0_f64, f64::max) / self.scale;
            self.centre.hard.clone_from(&duals.hard);
            self.centre.hard[..places].iter_mut().for_each(|y| *y -= over);
            self.centre.cuts.clone_from(&duals.cuts);
        }
    }

    /// Units that gain over the duals, by climbing from every place and from the units of the master.
    fn heuristic(&self, duals: &Duals, slack_m2: f64) -> Vec<Priced> {
        let places = self.instance.at.len();
        let household: Vec<f64> = duals.hard[..places].iter().map(|y| y * self.scale).collect();
        let unit = duals.hard.get(places).copied().unwrap_or(0.0) * self.scale;
        let charges: Vec<(Cut, f64)> = self
            .cuts
            .iter()
            .cloned()
            .zip(duals.cuts.iter().map(|s| s * self.scale))
            .filter(|c| c.1 > 1e-4 * self.scale)
            .collect();
        let free = charges.is_empty();
        let pricing = Pricing::new(self.instance, &household, charges);
        let all: Vec<u32> = (0..places as u32).collect();
        let sizes = &self.instance.sizes;
        let mut ranked: Vec<(f64, usize)> =
            self.columns.iter().enumerate().map(|(i, c)| (pricing.gain(&c.take), i)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.truncate(SEEDS);
        let mut seeds: Vec<([f64; 2], u32)> =
            self.instance.at.iter().enumerate().map(|(i, &c)| (c, sizes[i % sizes.len()])).collect();
        for (_, i) in ranked {
            let (size, mean) = self.instance.mean(&self.columns[i].take);
            let about = if free { size..=size } else { size - 1..=size + 1 };
            seeds.extend(about.filter(|s| sizes.contains(s)).map(|s| (mean, s)));
        }
        let mut found: Vec<Priced> = seeds
            .par_iter()
            .filter_map(|&(c, s)| if free { pricing.ascend(c, &all) } else { pricing.ascend_charged(c, &all, s) })
            .filter(|p| p.gain + unit > slack_m2)
            .collect();
        found.sort_by(|a, b| b.gain.total_cmp(&a.gain).then_with(|| a.take.cmp(&b.take)));
        found
    }

    /// Rounds the master's solution to units that share no household; keeps it where it covers everyone and is better.
    fn round_off(&mut self, point: &Point) {
        let mut order: Vec<(f64, usize)> =
            point.x[..self.columns.len()].iter().enumerate().filter(|(_, x)| **x > 0.1).map(|(j, &x)| (x, j)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut left = self.instance.copies.clone();
        let (mut sse_m2, mut chosen): (f64, Vec<usize>) = (0.0, Vec::new());
        for (_, j) in order {
            let column = &self.columns[j];
            if column.take.iter().all(|&(p, n)| left[p as usize] >= n) {
                column.take.iter().for_each(|&(p, n)| left[p as usize] -= n);
                sse_m2 += column.sse_m2;
                chosen.push(j);
            }
        }
        let whole = left.iter().all(|l| *l == 0) && self.instance.count.is_none_or(|k| k as usize == chosen.len());
        let best_m2 = self.better.as_ref().map_or(self.incumbent_m2, |b| b.0);
        if whole && sse_m2 < best_m2 * (1.0 - 1e-9) {
            self.better = Some((sse_m2, chosen.iter().map(|&j| self.columns[j].take.clone()).collect()));
        }
    }

    /// The restricted master: places, the number of units, cuts; then the columns that form the box.
    fn programme(&self) -> Programme {
        let places = self.instance.at.len();
        let hard = self.centre.hard.len();
        let mut right: Vec<f64> = self.instance.copies.iter().map(|&c| f64::from(c)).collect();
        right.extend(self.instance.count.map(f64::from));
        right.extend(self.cuts.iter().map(|c| f64::from(c.right(self.instance))));
        let mut p = Programme { columns: Vec::new(), cost: Vec::new(), right };
        let mut push = |column: Vec<(u32, f64)>, cost: f64| {
            p.columns.push(column);
            p.cost.push(cost);
        };
        for c in &self.columns {
            let mut column: Vec<(u32, f64)> = c.take.iter().map(|&(r, n)| (r, f64::from(n))).collect();
            if self.instance.count.is_some() {
                column.push((places as u32, 1.0));
            }
            for (k, cut) in self.cuts.iter().enumerate() {
                let n = cut.of(&c.take);
                if n > 0 {
                    column.push(((hard + k) as u32, f64::from(n)));
                }
            }
            push(column, c.sse_m2 / self.scale);
        }
        for k in 0..self.cuts.len() {
            push(vec![((hard + k) as u32, 1.0)], 0.0);
        }
        for (r, &y) in self.centre.hard.iter().enumerate() {
            // The dual of the number of units is that of a dozen households.
            let wide = if r < places { self.width } else { 10.0 * self.width };
            for sign in [1.0, -1.0] {
                push(vec![(r as u32, sign)], sign * y + wide);
            }
        }
        for k in 0..self.cuts.len() {
            let sigma = self.centre.cuts.get(k).copied().unwrap_or(0.0);
            push(vec![((hard + k) as u32, -1.0)], sigma + self.width);
        }
        p
    }
}
