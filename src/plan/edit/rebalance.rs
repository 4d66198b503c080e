//! Rebalance with locks: the grids that are not locked come within the tolerance, few households move.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use crate::partition::effort::{Effort, drive};
use crate::partition::grids::{GridsOptions, GridsSolver};

use super::apply::{Done, Draft};
use super::figures::matched;
use super::judge::working_slot;
use super::land::NONE;
use super::operation::{LockTarget, Reason, ReasonKind};
use super::reform::MOST_ROUNDS;
use super::shift::Shift;
use super::state::is_base;

impl Draft {
    pub(super) fn rebalance(&mut self, grids: &[String], seed: u64, rounds: u32) -> Done {
        let slots = self.balanced_slots(grids)?;
        if slots.len() < 2 {
            self.notes
                .push("可调整的网格少于两个，未作改动 / fewer than two grids may change: nothing was done".to_owned());
            return Ok(());
        }
        let mut local = vec![NONE; self.state.grids.len()];
        for (i, &g) in (0_u32..).zip(&slots) {
            local[g as usize] = i;
        }
        let s = &self.state;
        let atoms: Vec<u32> =
            (0..s.grid_of.len() as u32).filter(|&v| local[s.grid_of[v as usize] as usize] != NONE).collect();
        let graph = s.terrain.ground.graph.restricted_to(&atoms);
        let part: Vec<u32> = atoms.iter().map(|&v| local[s.grid_of[v as usize] as usize]).collect();
        let sites = s.land.village.sites.len() as u32;
        let built: Vec<bool> = atoms.iter().map(|v| *v < sites).collect();
        let held_fast = self.frozen_sites();
        let frozen: Vec<bool> = atoms.iter().map(|&v| held_fast.get(v as usize).copied().unwrap_or(true)).collect();
        let any_frozen = frozen.iter().zip(&built).any(|(f, b)| *f && *b);
        let mean = self.means(&slots, &atoms, &part);
        let tolerance = s.land.profile.grid.tolerance;
        let mut shift = Shift::new(graph, part, frozen, built, mean, tolerance);
        let before = shift.deviation();
        shift.run();
        let mut result = shift.part.clone();
        if shift.deviation() > tolerance + 1e-9 && rounds > 0 && !any_frozen {
            // Small changes do not help; with nothing held fast the grids may be divided anew.
            if let Some(anew) = divided_anew(&shift, slots.len() as u32, tolerance, seed, rounds) {
                self.notes.push(
                    "局部调整不足，已重新划分 / small changes were not enough: the grids were divided anew".to_owned(),
                );
                result = anew;
            }
        }
        let mut moving = BTreeSet::new();
        for (&v, &p) in atoms.iter().zip(&result) {
            let Some(&to) = slots.get(p as usize).filter(|_| v < sites) else { continue };
            for &b in self.state.land.buildings_at.neighbours_of(v) {
                if self.state.seat[b as usize] != to {
                    self.state.seat[b as usize] = to;
                    moving.insert(b);
                }
            }
        }
        if moving.is_empty() {
            self.notes.push(format!(
                "最大偏差 {0:.2} %，没有更好的调整 / deviation {0:.2} %: nothing better was found",
                before * 100.0
            ));
            return Ok(());
        }
        self.resettle(&moving)
    }

    /// The grids asked for, none of them locked; without any, all base grids that are not.
    fn balanced_slots(&self, grids: &[String]) -> Result<Vec<u32>, Vec<Reason>> {
        let mut reasons = Vec::new();
        let mut slots: Vec<u32> = Vec::new();
        for code in grids {
            match working_slot(&self.state, code) {
                Err(r) => reasons.extend(r),
                Ok(g) if !is_base(&self.state.grids[g as usize]) => reasons.push(Reason::new(
                    ReasonKind::Invalid,
                    [code.clone()],
                    format!(
                        "专属网格 {code} 不参与均衡（H10） / the dedicated grid {code} stands outside the balance (H10)"
                    ),
                )),
                Ok(g) if self.state.grids[g as usize].locked => {
                    reasons.push(Reason::locked("网格", code, LockTarget::Grid(code.clone())));
                }
                Ok(g) => slots.push(g),
            }
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        if grids.is_empty() {
            let open = |g: &u32| is_base(&self.state.grids[*g as usize]) && !self.state.grids[*g as usize].locked;
            slots = (0..self.state.grids.len() as u32).filter(open).collect();
        }
        slots.sort_by(|&a, &b| self.state.grids[a as usize].code.cmp(&self.state.grids[b as usize].code));
        slots.dedup();
        Ok(slots)
    }

    /// Sites with a locked building, or with a household whose unit or whose unit's officers are locked.
    fn frozen_sites(&self) -> Vec<bool> {
        let s = &self.state;
        let mut frozen = vec![false; s.land.village.sites.len()];
        for (b, &site) in s.land.site_of_building.iter().enumerate() {
            let held = s.pinned[b]
                || s.land.rows_of_building.neighbours_of(b as u32).iter().any(|&r| {
                    s.units.get(s.unit_of[r as usize] as usize).is_some_and(|u| u.locked || u.officers_locked)
                });
            frozen[site as usize] |= held;
        }
        frozen
    }

    /// Households each grid should have: the mean of the grids in its component of the village.
    fn means(&self, slots: &[u32], atoms: &[u32], part: &[u32]) -> Vec<f64> {
        let (component, _) = self.state.terrain.ground.graph.adjacency.components();
        let mut at = vec![NONE; slots.len()];
        for (&v, &p) in atoms.iter().zip(part) {
            if at[p as usize] == NONE {
                at[p as usize] = component[v as usize];
            }
        }
        let held = self.state.households();
        let mut sums: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
        for (&g, &c) in slots.iter().zip(&at) {
            let s = sums.entry(c).or_default();
            *s = (s.0 + f64::from(held[g as usize]), s.1 + 1.0);
        }
        at.iter().map(|c| sums.get(c).map_or(0.0, |s| s.0 / s.1)).collect()
    }
}

/// The solver's own division of the same grids, numbered by what they have in common with the old ones; `None` unless it is nearer
/// to the mean.
fn divided_anew(shift: &Shift, count: u32, tolerance: f64, seed: u64, rounds: u32) -> Option<Vec<u32>> {
    let options = GridsOptions { count, tolerance, seed, village: 0 };
    let mut solvers = vec![GridsSolver::new(shift.graph.clone(), &options).ok()?];
    drive(&mut solvers, Effort::Rounds(rounds.min(MOST_ROUNDS)), None, &AtomicBool::new(false), &|_| {});
    let solver = solvers.first()?;
    if solver.grids() != count || solver.figures().deviation >= shift.deviation() - 1e-9 {
        return None;
    }
    let mut common: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for (v, (&old, &new)) in shift.origin().iter().zip(solver.grid_of()).enumerate() {
        *common.entry((old, new)).or_default() += shift.graph.households[v] + 1;
    }
    let mut old_of = vec![NONE; count as usize];
    for (old, new) in matched(&common) {
        old_of[new as usize] = old;
    }
    let mut left: Vec<u32> = (0..count).rev().filter(|o| !old_of.contains(o)).collect();
    for o in old_of.iter_mut().filter(|o| **o == NONE) {
        *o = left.pop()?;
    }
    Some(solver.grid_of().iter().map(|&p| old_of[p as usize]).collect())
}
