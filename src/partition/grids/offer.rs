//! A division that exists already (an old net) as a further start: annealing from a fresh start seldom finds its way back to old
//! borders, however dear leaving them is.
//!
//! 1. Atoms it does not mention join the nearest area.
//! 2. In each component areas beyond its number of grids are merged, the lightest first, into the neighbour with the longest common
//!    border; where there are too few, the heaviest is bisected.
//! 3. Strays are joined, the balance repaired; it is taken where it is better than what the solver has.
//!
//! Cost: O(edges) for each area merged.

use std::collections::BTreeMap;

use super::AtomGraph;
use super::solver::GridsSolver;
use super::start::{divide, repair};

/// "In no area."
const NOWHERE: u32 = u32::MAX;
/// Chains and last resorts of the balance repair, as at the end of a cycle.
const CHAINS: usize = 64;
const FEW: usize = 4;

impl GridsSolver {
    /// Offers a division: an area of each atom, `u32::MAX` where it says nothing. It is adapted to the number of grids wanted and taken
    /// where it is better, so the answer is never worse than it by the solver's objective.
    pub fn offer(&mut self, areas: &[u32]) {
        if self.is_settled() || areas.len() != self.part.len() || areas.iter().all(|a| *a == NOWHERE) {
            return;
        }
        let (component, components) = self.graph.adjacency.components();
        let mut area = areas.to_vec();
        spread(&self.graph, &mut area);
        let mut part = vec![0_u32; area.len()];
        // Grids of a component stand together in the order of components, as the start numbered them.
        let mut of_component = vec![Vec::new(); components as usize];
        let mut first = vec![u32::MAX; components as usize];
        let mut wanted = vec![std::collections::BTreeSet::new(); components as usize];
        for (v, &c) in component.iter().enumerate() {
            of_component[c as usize].push(v as u32);
            wanted[c as usize].insert(self.part[v]);
            first[c as usize] = first[c as usize].min(self.part[v]);
        }
        for ((atoms, first), wanted) in of_component.iter().zip(first).zip(wanted) {
            for (&v, p) in atoms.iter().zip(adapted(&self.graph, atoms, &area, wanted.len())) {
                part[v as usize] = first + p;
            }
        }
        repair(&self.graph, &mut part, self.count);
        self.part = part;
        self.keep_best();
        self.balance(CHAINS, self.allowed(), FEW);
        self.keep_best();
        self.part.clone_from(&self.best);
    }
}

/// Atoms of no area join the nearest one, counted in cells.
fn spread(graph: &AtomGraph, area: &mut [u32]) {
    let mut queue: std::collections::VecDeque<u32> =
        (0..area.len() as u32).filter(|&v| area[v as usize] != NOWHERE).collect();
    while let Some(v) = queue.pop_front() {
        for &u in graph.adjacency.neighbours_of(v) {
            if area[u as usize] == NOWHERE {
                area[u as usize] = area[v as usize];
                queue.push_back(u);
            }
        }
    }
}

/// Parts 0..`count` of a component's atoms after the areas they lie in.
fn adapted(graph: &AtomGraph, atoms: &[u32], area: &[u32], count: usize) -> Vec<u32> {
    let mut number: BTreeMap<u32, u32> = BTreeMap::new();
    let mut own: Vec<u32> = atoms
        .iter()
        .map(|&v| {
            let fresh = number.len() as u32;
            *number.entry(area[v as usize]).or_insert(fresh)
        })
        .collect();
    let mut at = vec![NOWHERE; graph.xy.len()];
    for (i, &v) in atoms.iter().enumerate() {
        at[v as usize] = i as u32;
    }
    let mut held = vec![0_u64; number.len()];
    for (&v, &a) in atoms.iter().zip(&own) {
        held[a as usize] += u64::from(graph.households[v as usize]);
    }
    let mut alive: std::collections::BTreeSet<u32> = (0..held.len() as u32).collect();
    while alive.len() > count {
        let Some(&least) = alive.iter().min_by_key(|&&a| (held[a as usize], a)) else { break };
        let mut shared: BTreeMap<u32, f64> = BTreeMap::new();
        for (&v, _) in atoms.iter().zip(&own).filter(|(_, a)| **a == least) {
            for e in graph.adjacency.row(v) {
                let other = at.get(graph.adjacency.neighbours[e] as usize).and_then(|i| own.get(*i as usize)).copied();
                if let Some(other) = other.filter(|o| *o != least) {
                    *shared.entry(other).or_default() += graph.border_m[e];
                }
            }
        }
        let longest = shared.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let Some((into, _)) = longest else { break };
        own.iter_mut().filter(|a| **a == least).for_each(|a| *a = into);
        held[into as usize] += held[least as usize];
        alive.remove(&least);
    }
    while alive.len() < count {
        let mut size = vec![0_usize; held.len()];
        own.iter().for_each(|a| size[*a as usize] += 1);
        let Some(&most) = alive.iter().filter(|a| size[**a as usize] > 1).max_by_key(|&&a| (held[a as usize], a))
        else {
            break;
        };
        let inside: Vec<usize> = (0..own.len()).filter(|&i| own[i] == most).collect();
        let list: Vec<u32> = inside.iter().map(|&i| atoms[i]).collect();
        let fresh = held.len() as u32;
        held.push(0);
        for (&i, half) in inside.iter().zip(divide(graph, &list, 2)) {
            if half == 1 {
                own[i] = fresh;
                let h = u64::from(graph.households[atoms[i] as usize]);
                held[fresh as usize] += h;
                held[most as usize] -= h;
            }
        }
        alive.insert(fresh);
    }
    let dense: BTreeMap<u32, u32> = alive.iter().zip(0..).map(|(a, i)| (*a, i)).collect();
    own.iter().map(|a| dense.get(a).copied().unwrap_or(0)).collect()
}
