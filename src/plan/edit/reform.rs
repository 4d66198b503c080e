//! Units formed anew by the solver, where asked or where small changes do not help.

use std::sync::atomic::AtomicBool;

use crate::partition::effort::{Effort, drive};
use crate::plan::make::unit_rules;
use crate::plan::units::UnitTask;

use super::apply::{Done, Draft};
use super::judge::working_slot;
use super::land::NONE;
use super::operation::{Reason, ReasonKind};
use super::settle::Book;

/// Rounds that one operation may ask for.
pub(super) const MOST_ROUNDS: u32 = 10_000;

impl Draft {
    /// Some households divided into units by the profile's rules, numbered by bands; a function of households, seed and rounds.
    pub(super) fn divided(&self, rows: &[u32], seed: u64, rounds: u32) -> Result<Vec<Vec<u32>>, Vec<Reason>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let land = &self.state.land;
        let rules = unit_rules(&land.profile);
        let zone: Vec<u32> = rows.iter().map(|&r| land.zone.get(r as usize).copied().unwrap_or(0)).collect();
        let task = UnitTask::new(&land.table, &land.village, rows.to_vec(), &rules, &zone);
        let invalid = |m: String| vec![Reason::new(ReasonKind::Invalid, [], m)];
        let mut solvers = vec![task.start(&rules, None, seed, 0).map_err(invalid)?];
        let effort = Effort::Rounds(rounds.min(MOST_ROUNDS));
        drive(&mut solvers, effort, None, &AtomicBool::new(false), &|_| {});
        let Some(solver) = solvers.first() else { return Ok(Vec::new()) };
        let solution = task.numbered(solver.solution());
        let mut parts = vec![Vec::new(); solution.units as usize];
        for (&r, &u) in task.members.iter().zip(&solution.unit_of) {
            parts[u as usize].push(r);
        }
        parts.retain(|p| !p.is_empty());
        Ok(parts)
    }

    pub(super) fn reform_units(&mut self, grid: &str, seed: u64, rounds: u32) -> Done {
        let slot = working_slot(&self.state, grid)?;
        let kept = |u: u32| self.state.units.get(u as usize).is_some_and(|u| u.locked || u.officers_locked);
        let rows: Vec<u32> = (0..self.state.unit_of.len() as u32)
            .filter(|&r| self.state.unit_of[r as usize] != NONE && self.state.grid_of_row(r) == slot)
            .filter(|&r| !kept(self.state.unit_of[r as usize]))
            .collect();
        let mut old: Vec<u32> = rows.iter().map(|&r| self.state.unit_of[r as usize]).collect();
        old.sort_unstable();
        old.dedup();
        old.retain(|u| self.state.units[*u as usize].code.starts_with(grid));
        old.sort_by(|&a, &b| self.state.units[a as usize].code.cmp(&self.state.units[b as usize].code));
        let parts = self.divided(&rows, seed, rounds)?;
        let mut book = Book::open(self);
        book.adopt(slot, &old, parts)?;
        book.settle()
    }
}
