//! A batch of operations: all or nothing, judged as a whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::plan::Changes;
use crate::partition::check::Breach;

use super::figures::{Figures, Moved};
use super::judge::working_slot;
use super::land::NONE;
use super::operation::{LockTarget, Operation, Policy, Reason, ReasonKind, Refusal};
use super::state::{VillageState, apart, difference, is_working};

/// Longest name of a grid, in characters.
const LONGEST_NAME: usize = 60;

/// What a batch did.
#[derive(Clone)]
pub struct Applied {
    /// The village afterwards.
    pub state: VillageState,
    /// What changed; its inverse takes it back.
    pub changes: Changes,
    /// Breaches the village has now, whether new or old; with any the draft cannot be published.
    pub problems: Vec<Breach>,
    /// Codes of the grids touched.
    pub touched: Vec<String>,
    /// Households that changed grid or unit.
    pub moved: Moved,
    /// Figures before.
    pub before: Figures,
    /// Figures after.
    pub after: Figures,
    /// What else the planner should know, Chinese then English.
    pub notes: Vec<String>,
}

/// A state in the course of a batch.
pub(super) struct Draft {
    pub(super) state: VillageState,
    pub(super) today: String,
    pub(super) notes: Vec<String>,
}

/// Does a batch of operations, one after the other, and judges the result as a whole; `today` is `YYYY-MM-DD`.
///
/// # Errors
/// The first operation that cannot be done, with all its reasons; or, with [`Policy::Refuse`], the hard rules that the batch breaks
/// and what to do first. Nothing is changed then.
pub fn apply(state: &VillageState, operations: &[Operation], policy: Policy, today: &str) -> Result<Applied, Refusal> {
    let mut draft = Draft { state: state.clone(), today: today.to_owned(), notes: Vec::new() };
    for (i, operation) in operations.iter().enumerate() {
        draft.run(operation).map_err(|reasons| Refusal { operation: Some(i), reasons })?;
    }
    draft.finish(state, policy)
}

pub(super) type Done = Result<(), Vec<Reason>>;

impl Draft {
    fn run(&mut self, operation: &Operation) -> Done {
        match operation {
            Operation::TransferBuildings { buildings, to } => self.transfer(buildings, to),
            Operation::SplitGrid { grid, by } => self.split(grid, by),
            Operation::MergeGrids { grids } => self.merge(grids),
            Operation::CreateDedicated { buildings, name } => self.create_dedicated(buildings, name),
            Operation::RetireDedicated { grid, into } => self.retire_dedicated(grid, into.as_deref()),
            Operation::MoveHousehold { household, unit } => self.move_household(household, unit),
            Operation::SetOfficers { unit, leader, deputies } => self.set_officers(unit, leader, deputies),
            Operation::Lock { target } => self.lock(target, true),
            Operation::Unlock { target } => self.lock(target, false),
            Operation::Rename { grid, name } => self.rename(grid, name),
            Operation::Rebalance { grids, seed, rounds } => self.rebalance(grids, *seed, *rounds),
            Operation::ReformUnits { grid, seed, rounds } => self.reform_units(grid, *seed, *rounds),
        }
    }

    /// Puts rows in order, judges, compares.
    pub(super) fn finish(mut self, before: &VillageState, policy: Policy) -> Result<Applied, Refusal> {
        self.drop_units_of_retired_grids();
        self.state.sort();
        self.state.derive();
        let changes = difference(before, &self.state);
        let touched = changes.touched_grids();
        let slots: BTreeSet<u32> = touched.iter().filter_map(|c| self.state.find_slot(c)).collect();
        self.state.judge(&slots);
        let problems = self.state.known_problems();
        if policy == Policy::Refuse {
            let old = before.known_problems();
            let fresh: Vec<Breach> =
                problems.iter().filter(|p| !old.iter().any(|o| o.rule == p.rule && o.ids == p.ids)).cloned().collect();
            if !fresh.is_empty() {
                return Err(Refusal { operation: None, reasons: self.state.explain(before, &fresh) });
            }
        }
        let moved = Moved::between(before, &self.state);
        let (was, is) = (before.figures(), self.state.figures());
        Ok(Applied { state: self.state, changes, problems, touched, moved, before: was, after: is, notes: self.notes })
    }

    /// Numbers of units stay taken while their grid lives; those of a retired grid can never come again anyway.
    pub(super) fn drop_units_of_retired_grids(&mut self) {
        let s = &mut self.state;
        let retired: BTreeSet<&str> =
            s.grids.iter().filter(|g| g.valid_to.is_some()).map(|g| g.code.as_str()).collect();
        let mut used = vec![false; s.units.len()];
        for &u in &s.unit_of {
            if let Some(slot) = used.get_mut(u as usize) {
                *slot = true;
            }
        }
        let keep: Vec<bool> = s
            .units
            .iter()
            .zip(&used)
            .map(|(u, used)| *used || !u.code.get(..15).is_some_and(|g| retired.contains(g)))
            .collect();
        if keep.iter().all(|k| *k) {
            return;
        }
        let mut new_of = vec![NONE; keep.len()];
        for (new, (old, _)) in (0_u32..).zip(keep.iter().enumerate().filter(|(_, k)| **k)) {
            new_of[old] = new;
        }
        for u in &mut s.unit_of {
            *u = new_of.get(*u as usize).copied().unwrap_or(NONE);
        }
        let mut at = 0;
        s.units.retain(|_| {
            at += 1;
            keep[at - 1]
        });
    }

    /// After seats changed: institutions get their ground, grids are laid out anew.
    pub(super) fn lay_out(&mut self) -> Done {
        let now = apart(&self.state.land, &self.state.grids, &self.state.seat);
        if now != self.state.terrain.apart {
            match self.state.land.terrain(now) {
                Ok(t) => self.state.terrain = Arc::new(t),
                Err(e) => return Err(vec![Reason::new(ReasonKind::Invalid, [], e.to_string())]),
            }
        }
        self.state.derive();
        Ok(())
    }

    fn rename(&mut self, grid: &str, name: &str) -> Done {
        let Some(slot) = self.state.find_slot(grid).filter(|g| self.state.grids[*g as usize].valid_to.is_none()) else {
            return Err(vec![Reason::unknown("网格", grid, self.state.land.code.as_str())]);
        };
        let name = name.trim();
        if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(vec![Reason::new(
                ReasonKind::Invalid,
                [grid.to_owned()],
                format!(
                    "名称最多 {LONGEST_NAME} 字，不含控制字符 / a name has at most {LONGEST_NAME} characters and no control characters"
                ),
            )]);
        }
        name.clone_into(&mut self.state.grids[slot as usize].name);
        Ok(())
    }

    fn lock(&mut self, target: &LockTarget, on: bool) -> Done {
        let village = self.state.land.code.as_str().to_owned();
        match target {
            LockTarget::Grid(code) => {
                let g = working_slot(&self.state, code)?;
                self.state.grids[g as usize].locked = on;
            }
            LockTarget::Building(id) => {
                let b = self.state.land.find_building(id).ok_or_else(|| vec![Reason::unknown("楼栋", id, &village)])?;
                self.state.pinned[b as usize] = on;
            }
            LockTarget::Unit(code) | LockTarget::Officers(code) => {
                let u = self.unit_in_force(code)?;
                let unit = &mut self.state.units[u as usize];
                *(if matches!(target, LockTarget::Unit(_)) { &mut unit.locked } else { &mut unit.officers_locked }) =
                    on;
            }
            LockTarget::All => {
                for g in self.state.grids.iter_mut().filter(|g| is_working(g)) {
                    g.locked = on;
                }
                self.state.pinned.fill(on);
                let members = self.state.members();
                for (unit, _) in self.state.units.iter_mut().zip(&members).filter(|(_, m)| !m.is_empty()) {
                    unit.locked = on;
                    unit.officers_locked = on;
                }
            }
        }
        Ok(())
    }

    /// A unit with members.
    pub(super) fn unit_in_force(&self, code: &str) -> Result<u32, Vec<Reason>> {
        let slot = self.state.find_unit_slot(code).filter(|u| self.state.unit_of.contains(u));
        slot.ok_or_else(|| vec![Reason::unknown("单元", code, self.state.land.code.as_str())])
    }
}
