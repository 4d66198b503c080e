//! Subset-row cuts (Jepsen, Petersen, Spoorendonk, Pisinger 2008): of three households at most one unit can hold two.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::instance::{Instance, Take};

/// New cuts of one round at most, and how many of them may touch one place.
const A_ROUND: usize = 100;
const A_PLACE: usize = 3;
/// Least violation worth a cut.
const VIOLATION: f64 = 0.02;

/// Σ over units of ⌊(households of these places in the unit) / 2⌋ ≤ ⌊(all their households) / 2⌋.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cut(pub(super) Vec<u32>);

impl Cut {
    /// Coefficient of a unit.
    pub(super) fn of(&self, take: &[(u32, u32)]) -> u32 {
        take.iter().filter(|t| self.0.contains(&t.0)).map(|t| t.1).sum::<u32>() / 2
    }

    /// Right-hand side.
    pub(super) fn right(&self, instance: &Instance) -> u32 {
        self.0.iter().map(|&p| instance.copies[p as usize]).sum::<u32>() / 2
    }
}

/// Cuts over three or five households at one to three places that the shared units violate, worst first.
pub(super) fn violated(instance: &Instance, shared: &[(&Take, f64)], known: &[Cut]) -> Vec<Cut> {
    let places = instance.at.len();
    let mut of: Vec<Vec<(usize, u32)>> = vec![Vec::new(); places];
    let mut beside: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); places];
    for (j, (take, _)) in shared.iter().enumerate() {
        for &(p, n) in take.iter() {
            of[p as usize].push((j, n));
            beside[p as usize].extend(take.iter().map(|t| t.0).filter(|q| *q > p));
        }
    }
    let copies = |p: u32| instance.copies[p as usize];
    let odd = |m: u32| m == 3 || m == 5;
    let excess = |cut: &Cut| -> f64 {
        let mut held: BTreeMap<usize, u32> = BTreeMap::new();
        for &p in &cut.0 {
            for &(j, n) in &of[p as usize] {
                *held.entry(j).or_default() += n;
            }
        }
        held.iter().map(|(j, n)| shared[*j].1 * f64::from(n / 2)).sum::<f64>() - f64::from(cut.right(instance))
    };
    let mut worst: Vec<(f64, Cut)> = (0..places as u32)
        .into_par_iter()
        .filter(|a| copies(*a) <= 5)
        .flat_map_iter(|a| {
            let mut sets = Vec::new();
            if odd(copies(a)) {
                sets.push(Cut(vec![a]));
            }
            let near: Vec<u32> = beside[a as usize].iter().copied().filter(|b| copies(*b) < 5).collect();
            for (k, &b) in near.iter().enumerate() {
                let two = copies(a) + copies(b);
                if odd(two) {
                    sets.push(Cut(vec![a, b]));
                }
                sets.extend(near[k + 1..].iter().filter(|c| odd(two + copies(**c))).map(|&c| Cut(vec![a, b, c])));
            }
            sets.into_iter().map(|s| (excess(&s), s)).filter(|v| v.0 > VIOLATION).collect::<Vec<_>>()
        })
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut uses = vec![0; places];
    let mut chosen = Vec::new();
    for (_, cut) in worst {
        if chosen.len() == A_ROUND {
            break;
        }
        if known.contains(&cut) || cut.0.iter().any(|&p| uses[p as usize] == A_PLACE) {
            continue;
        }
        cut.0.iter().for_each(|&p| uses[p as usize] += 1);
        chosen.push(cut);
    }
    chosen
}
