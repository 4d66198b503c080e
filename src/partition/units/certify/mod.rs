//! A proven lower bound on Σ squared metres: how far a division can be from the best one.
//!
//! What is certified: the least Σ squared metres over all divisions into units of legal size in which households of different law
//! zones (or pieces beyond the reach) share no unit. Preferred containers are wishes, not rules: they are left out, so the bound
//! also holds for every division that honours them. Where the number of units is fixed (by count or target) the bound is for as
//! many units as the division at hand has in each zone. A zone that no legal division covers is certified with its one exception.
//!
//! 1. [`instance`] collapses households to places; 2. [`master`] generates columns for the set-partitioning programme over all
//!    legal units (du Merle, Hansen, Jaumard, Mladenović 1999; Aloise, Hansen, Liberti 2012), its linear programmes solved by
//!    [`interior`]; 3. [`pricing`] searches the plane of centres for the best unit, exactly; 4. [`cuts`] tightens the programme,
//!    [`penalised`] prices under cuts.
//!
//! The bound is Σπ − (charges) − (best mix of sizes of the proven gains), less 1e-9 of its size: valid for any π, so it rests on the
//! search over the plane alone, not on the accuracy of a linear programme.

mod cuts;
mod instance;
mod interior;
mod master;
mod penalised;
mod pricing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::pools::pools;
use super::stacked::deal_buildings;
use super::{UnitsInput, UnitsOptions, UnitsSolution, representable};
use instance::{Instance, Take};
use master::Master;

/// Iterations of column generation that are worth doing for one zone: at 300 households they took 13 s of one core, while the
/// next fifteen, under more cuts, took 220 s and gained 0.05 %.
pub const ITERATIONS: u32 = 160;
/// Villages with more households than this are too large: dense linear algebra and the number of units grow too much.
pub const LARGEST: usize = 400;
/// A relative gap that counts as none.
const ACCURACY: f64 = 5e-4;

/// What was proved about a division.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// No legal division has a smaller Σ squared metres (m²).
    pub lower_bound_m2: f64,
    /// (best known − bound) ÷ best known; 0 where both are 0.
    pub gap: f64,
    /// Units generated.
    pub columns: usize,
    /// Iterations done.
    pub iterations: u32,
    /// Whether more iterations could not better the bound.
    pub converged: bool,
    /// A better division that was met on the way: unit of each household, and its Σ squared metres.
    pub better: Option<(Vec<u32>, f64)>,
}

/// Certifies `incumbent`, a division of `input` under `options`. Zones are certified one after another, each with at most
/// [`ITERATIONS`] and all with at most `iterations` iterations; `stop` is asked between two iterations. Without it the result
/// depends on the arguments alone.
#[must_use]
pub fn certify(
    input: &UnitsInput<'_>,
    options: &UnitsOptions,
    incumbent: &UnitsSolution,
    iterations: u32,
    stop: &dyn Fn() -> bool,
) -> Certificate {
    let mut out =
        Certificate { lower_bound_m2: 0.0, gap: 0.0, columns: 0, iterations: 0, converged: true, better: None };
    let mut unit_of = incumbent.unit_of.clone();
    let (mut fresh, mut best_m2, mut bettered) = (incumbent.units, 0.0, false);
    let zones = pools(&UnitsInput { prefer: &[], ..*input }, options.min, options.max, options.max_reach_m);
    for zone in zones {
        let left = iterations.saturating_sub(out.iterations).min(ITERATIONS);
        let mut found = certify_zone(input, options, incumbent, &zone, left, stop);
        out.lower_bound_m2 += found.bound_m2;
        out.columns += found.columns;
        out.iterations += found.iterations;
        out.converged &= found.converged;
        best_m2 += found.best_m2;
        if let Some(parts) = found.better.take() {
            bettered = true;
            for (&h, &u) in zone.iter().zip(&parts) {
                unit_of[h as usize] = fresh + u;
            }
            fresh += parts.iter().max().map_or(0, |m| m + 1);
        }
    }
    if best_m2 > 0.0 {
        out.gap = ((best_m2 - out.lower_bound_m2) / best_m2).max(0.0);
    }
    if bettered {
        let mut number = BTreeMap::new();
        for u in &mut unit_of {
            let next = number.len() as u32;
            *u = *number.entry(*u).or_insert(next);
        }
        out.better = Some((unit_of, best_m2));
    }
    out
}

/// What was proved about one zone.
struct Zone {
    bound_m2: f64,
    best_m2: f64,
    columns: usize,
    iterations: u32,
    converged: bool,
    better: Option<Vec<u32>>,
}

fn certify_zone(
    input: &UnitsInput<'_>,
    options: &UnitsOptions,
    incumbent: &UnitsSolution,
    zone: &[u32],
    iterations: u32,
    stop: &dyn Fn() -> bool,
) -> Zone {
    let (min, max, n) = (options.min, options.max, zone.len() as u32);
    let xy: Vec<[f64; 2]> = zone.iter().map(|&h| input.xy[h as usize]).collect();
    let fixed = options.count.is_some() || options.target.is_some();
    let mut parts: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (i, &h) in zone.iter().enumerate() {
        parts.entry(incumbent.unit_of[h as usize]).or_default().push(i);
    }
    let (sizes, count) = if representable(n, min, max) {
        ((min..=max).collect(), fixed.then_some(parts.len() as u32))
    } else if n < min {
        (vec![n], Some(1))
    } else {
        // The fewest members outside the rule are those beyond as many full units as there can be.
        (vec![n % max, max], Some(n / max + 1))
    };
    let instance = Instance::new(&xy, sizes, count);
    let start: Vec<Take> = parts
        .values()
        .map(|members| {
            let mut take: BTreeMap<u32, u32> = BTreeMap::new();
            for &i in members {
                *take.entry(instance.place_of[i]).or_default() += 1;
            }
            take.into_iter().collect()
        })
        .collect();
    let incumbent_m2: f64 = start.iter().map(|t| instance.sse_m2(t)).sum();
    let mut out = Zone {
        bound_m2: 0.0,
        best_m2: incumbent_m2,
        columns: start.len(),
        iterations: 0,
        converged: true,
        better: None,
    };
    if instance.best_sizes(&vec![0.0; instance.sizes.len()]).is_none() {
        // As many units as the division at hand are impossible within the rule: nothing but 0 is proved.
        out.converged = false;
        return out;
    }
    if instance.at.len() < 2 || incumbent_m2 <= 0.0 {
        return out;
    }
    let proved = prove(&instance, incumbent_m2, start, (min, max), iterations, stop);
    out.best_m2 = proved.better.as_ref().map_or(incumbent_m2, |b| b.0);
    // A bound above a division that is at hand could only be rounding.
    out.bound_m2 = proved.bound_m2.min(out.best_m2);
    out.columns = proved.columns;
    out.iterations = proved.iterations;
    out.converged = proved.converged;
    out.better = proved.better.as_ref().map(|(_, chosen)| {
        let mut open: Vec<Vec<(u32, u32)>> = vec![Vec::new(); instance.at.len()];
        for (unit, take) in chosen.iter().enumerate() {
            for &(p, c) in take {
                open[p as usize].push((unit as u32, c));
            }
        }
        let mut dealt = Vec::with_capacity(instance.place_of.len());
        for &p in &instance.place_of {
            let here = &mut open[p as usize];
            while here.last().is_some_and(|u| u.1 == 0) {
                here.pop();
            }
            dealt.push(here.last_mut().map_or(0, |u| {
                u.1 -= 1;
                u.0
            }));
        }
        // Households of one place are alike to the sum; stairwells and floors say who goes with whom.
        let units = chosen.len() as u32;
        deal_buildings(zone, &instance.place_of, &dealt, units, input.stairwell, input.floor, (min, max))
    });
    out
}

struct Proof {
    bound_m2: f64,
    columns: usize,
    iterations: u32,
    converged: bool,
    better: Option<(f64, Vec<Take>)>,
}

/// Column generation at the root; then, where the number of units is free, once for each number of them (the bound is the least of
/// these: fractional solutions like to mix numbers), always going on with the number whose bound is least.
fn prove(
    instance: &Instance,
    incumbent_m2: f64,
    start: Vec<Take>,
    (min, max): (u32, u32),
    iterations: u32,
    stop: &dyn Fn() -> bool,
) -> Proof {
    let mut root = Master::new(instance, incumbent_m2, start);
    root.run(iterations, ACCURACY, stop);
    let n = instance.households();
    let counts = if instance.count.is_some() { 0..0 } else { n.div_ceil(max)..n / min + 1 };
    let fixed: Vec<Instance> = counts.map(|k| Instance { count: Some(k), ..instance.clone() }).collect();
    let mut branches: Vec<Master<'_>> =
        if root.converged { Vec::new() } else { fixed.iter().map(|i| root.branch(i)).collect() };
    let mut used = root.iterations;
    let mut better = root.better.clone();
    if branches.is_empty() {
        while !root.converged && used < iterations && !stop() {
            root.run(iterations - used, ACCURACY, stop);
            used = root.iterations;
        }
        return Proof {
            bound_m2: root.bound_m2,
            columns: root.columns.len(),
            iterations: used,
            converged: root.converged,
            better: root.better,
        };
    }
    let least = |branches: &[Master<'_>]| {
        let open = branches.iter().enumerate();
        open.min_by(|a, b| a.1.bound_m2.total_cmp(&b.1.bound_m2).then(a.0.cmp(&b.0))).map(|(i, _)| i)
    };
    let mut converged = false;
    while let Some(i) = least(&branches) {
        let branch = &mut branches[i];
        // The least bound cannot be raised any more, so neither can the whole.
        converged = branch.converged;
        if converged || used >= iterations || stop() {
            break;
        }
        branch.beaten_by(better.as_ref().map_or(incumbent_m2, |b| b.0));
        let before = branch.iterations;
        branch.run(iterations - used, ACCURACY, stop);
        used += branch.iterations - before;
        if let Some(found) = branch.better.take() {
            branch.beaten_by(found.0);
            if better.as_ref().is_none_or(|b| found.0 < b.0) {
                better = Some(found);
            }
        }
    }
    Proof {
        bound_m2: branches.iter().map(|b| b.bound_m2).fold(f64::INFINITY, f64::min).max(root.bound_m2),
        columns: branches.iter().map(|b| b.columns.len()).max().unwrap_or(0),
        iterations: used,
        converged,
        better,
    }
}
