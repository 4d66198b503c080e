//! Rounds parts out: a centroidal power diagram whose cells hold equally many households (Aurenhammer, Hoffmann & Aronov 1998;
//! Lloyd's step as in Balzer & Heck 2008), on the atoms themselves.

use rayon::prelude::*;

use super::AtomGraph;

/// Steps in which the centres move, and steps of the weights for each: the weights must keep up with the centres.
const STEPS: usize = 40;
const WEIGHTS_A_STEP: usize = 3;
/// Further steps of the weights alone, which settle the households.
const SETTLE: usize = 40;
/// Centres an atom chooses among: the nearest of its present centre.
const CHOICES: usize = 12;
/// How far a centre goes towards the middle of its households; a whole way (Lloyd) outruns the weights.
const PULL: f64 = 0.2;
/// Share of the mean area that the step of a weight counts for a part at least, so that a part that lost its land gets some back.
const LEAST_AREA: f64 = 0.3;
/// Atoms one thread places at a time.
const CHUNK: usize = 4096;

/// How fast a weight follows the households its part lacks (m² per m² and share). Density jumps where a hamlet begins, so a
/// weight that overshoots is moved more carefully, one that lags more boldly.
#[derive(Clone, Copy)]
struct Pace {
    rate: f64,
    wanted: f64,
}

impl Pace {
    const FIRST: Self = Self { rate: 0.1, wanted: 0.0 };

    fn step(&mut self, want: f64) -> f64 {
        let factor = if want * self.wanted < 0.0 { 0.5 } else { 1.2 };
        self.rate = (self.rate * factor).clamp(0.002, 0.5);
        self.wanted = want;
        self.rate * want
    }
}

/// What a part holds.
#[derive(Clone, Copy, Default)]
struct Held {
    households: f64,
    area_m2: f64,
    /// Σ households · place.
    moment: [f64; 2],
}

/// Divides the atoms of one component (list) anew, beginning with the division `part`; parts then have about the same households,
/// but need not be connected. O(atoms · [`CHOICES`]) a step; the same at any thread count.
pub fn round_out(graph: &AtomGraph, atoms: &[u32], count: u32, part: &mut [u32]) {
    let k = count as usize;
    let total: f64 = atoms.iter().map(|&v| f64::from(graph.households[v as usize])).sum();
    if k < 2 || atoms.len() <= k || total <= 0.0 {
        return;
    }
    let mean = total / k as f64;
    let mean_area_m2 = atoms.iter().map(|&v| graph.area_m2[v as usize]).sum::<f64>() / k as f64;
    let mut centre = vec![[0.0_f64; 2]; k];
    let mut weight_m2 = vec![0.0_f64; k];
    let mut pace = vec![Pace::FIRST; k];
    let mut near: Vec<Vec<u32>> = Vec::new();
    let mut best = (f64::INFINITY, part.to_vec());
    for step in 0..=STEPS * WEIGHTS_A_STEP + SETTLE {
        let held = hold(graph, atoms, part, k);
        if step > STEPS * WEIGHTS_A_STEP {
            let off: f64 = held.iter().map(|h| (h.households - mean).powi(2)).sum();
            if off < best.0 {
                best = (off, part.to_vec());
            }
        }
        if step < STEPS * WEIGHTS_A_STEP && step % WEIGHTS_A_STEP == 0 {
            let pull = if step == 0 { 1.0 } else { PULL };
            for (c, h) in centre.iter_mut().zip(&held).filter(|(_, h)| h.households > 0.0) {
                for (x, m) in c.iter_mut().zip(h.moment) {
                    *x += pull * (m / h.households - *x);
                }
            }
            near = nearest(&centre);
        }
        for ((w, h), pace) in weight_m2.iter_mut().zip(&held).zip(&mut pace) {
            let share = pace.step(mean - h.households) / h.households.max(mean / 2.0);
            *w += share * h.area_m2.max(LEAST_AREA * mean_area_m2);
        }
        part.par_chunks_mut(CHUNK).zip(atoms.par_chunks(CHUNK)).for_each(|(part, atoms)| {
            for (p, &v) in part.iter_mut().zip(atoms) {
                let x = graph.xy[v as usize];
                let mut least = f64::INFINITY;
                for &j in &near[*p as usize] {
                    let c = centre[j as usize];
                    let power = (x[0] - c[0]).powi(2) + (x[1] - c[1]).powi(2) - weight_m2[j as usize];
                    if power < least {
                        (least, *p) = (power, j);
                    }
                }
            }
        });
    }
    part.copy_from_slice(&best.1);
}

fn hold(graph: &AtomGraph, atoms: &[u32], part: &[u32], parts: usize) -> Vec<Held> {
    let mut held = vec![Held::default(); parts];
    for (&v, &p) in atoms.iter().zip(part) {
        let (h, x) = (f64::from(graph.households[v as usize]), graph.xy[v as usize]);
        let to = &mut held[p as usize];
        to.households += h;
        to.area_m2 += graph.area_m2[v as usize];
        to.moment = [to.moment[0] + h * x[0], to.moment[1] + h * x[1]];
    }
    held
}

/// For each centre the nearest [`CHOICES`], itself first. Sorted along x, a search ends where x alone is too far.
fn nearest(centre: &[[f64; 2]]) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..centre.len() as u32).collect();
    order.sort_by(|&a, &b| centre[a as usize][0].total_cmp(&centre[b as usize][0]).then(a.cmp(&b)));
    let mut lists = vec![Vec::new(); centre.len()];
    for (at, &me) in order.iter().enumerate() {
        let x = centre[me as usize];
        let mut found: Vec<(f64, u32)> = Vec::with_capacity(CHOICES + 1);
        let mut meet = |j: u32| {
            let c = centre[j as usize];
            let along = (c[0] - x[0]).powi(2);
            if found.len() == CHOICES && along > found[CHOICES - 1].0 {
                return false;
            }
            let d = (along + (c[1] - x[1]).powi(2), j);
            let rank = found.partition_point(|f| *f < d);
            found.insert(rank, d);
            found.truncate(CHOICES);
            true
        };
        meet(me);
        for &j in &order[at + 1..] {
            if !meet(j) {
                break;
            }
        }
        for &j in order[..at].iter().rev() {
            if !meet(j) {
                break;
            }
        }
        lists[me as usize] = found.into_iter().map(|f| f.1).collect();
    }
    lists
}
