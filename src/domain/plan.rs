//! A plan as rows: what the store keeps, what an edit changes, what undo restores.
//!
//! A plan is the assignment of immutable atoms to parts (building → grid, household → unit) with what people decided about the
//! parts (names, locks, leaders). Polygons, totals and deviations are derived and stand in no row. Rows carry no version: a
//! version grows for ever, a row comes back byte for byte when its change is undone.

use serde::{Deserialize, Serialize};

/// What stands for a plan in lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanHead {
    /// Opaque id.
    pub id: String,
    /// Name people gave it.
    pub name: String,
    /// Region it covers: a code of 2, 4, 6, 9 or 12 digits, village up to county.
    pub region: String,
    /// Where it stands.
    pub status: PlanStatus,
    /// Counts its changes, from 1.
    pub version: u64,
    /// Seed it was made with.
    pub seed: u64,
    /// Parameters it was made with (rounds, tolerance, barriers, program version), as JSON.
    pub parameters: serde_json::Value,
    /// Its rule profile, as TOML.
    pub profile: String,
    /// Version of the register it was made from.
    pub input_version: u64,
    /// First day it was in force, `YYYY-MM-DD`; `None` for a draft.
    pub valid_from: Option<String>,
    /// Day from which it was no longer in force.
    pub valid_to: Option<String>,
}

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanStatus {
    /// Being worked on.
    Draft,
    /// In force: at most one a region.
    Live,
    /// Was in force.
    Retired,
}

/// A grid as decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridRow {
    /// Fifteen digits; the first twelve are its village.
    pub code: String,
    /// Name people gave it, may be empty.
    pub name: String,
    /// `base`, `dedicated` or `level1`.
    pub kind: String,
    /// No tool moves its border.
    pub locked: bool,
    /// First day, `YYYY-MM-DD`; empty in a draft that was never published.
    pub valid_from: String,
    /// Day from which it is retired; its code is never given out again.
    pub valid_to: Option<String>,
    /// Codes of the grids it came from.
    pub predecessors: Vec<String>,
}

/// A unit as decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRow {
    /// Eighteen digits; the first fifteen are its grid.
    pub code: String,
    /// No tool changes its members.
    pub locked: bool,
    /// Household id of the leader (proposed or elected).
    pub leader: Option<String>,
    /// Household ids of the deputies.
    pub deputies: Vec<String>,
    /// No tool changes leader and deputies.
    pub officers_locked: bool,
    /// Why its size is outside the profile, if it is and may be.
    pub exception: Option<String>,
    /// Day it was founded, `YYYY-MM-DD`.
    pub founded_on: Option<String>,
    /// Link of its contact group.
    pub contact_group: Option<String>,
}

/// Building → grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Building id.
    pub building: String,
    /// Grid code.
    pub grid: String,
    /// No tool moves it.
    pub locked: bool,
}

/// Household → unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Household id.
    pub household: String,
    /// Unit code.
    pub unit: String,
}

/// All rows of one village of a plan, each list in the order of its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VillageRows {
    /// Twelve digits.
    pub village: String,
    /// Grids, retired ones included.
    pub grids: Vec<GridRow>,
    /// Units.
    pub units: Vec<UnitRow>,
    /// Buildings' grids.
    pub seats: Vec<Seat>,
    /// Households' units.
    pub memberships: Vec<Membership>,
}

/// One row's change; both sides are never absent, and have the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<T> {
    /// The row as it must stand now; `None` where there must be none.
    pub before: Option<T>,
    /// The row as it will stand; `None` removes it.
    pub after: Option<T>,
}

impl<T> Change<T> {
    /// The change that takes this one back.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { before: self.after, after: self.before }
    }
}

/// What a batch of operations changes; applied whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Grids.
    pub grids: Vec<Change<GridRow>>,
    /// Units.
    pub units: Vec<Change<UnitRow>>,
    /// Buildings' grids.
    pub seats: Vec<Change<Seat>>,
    /// Households' units.
    pub memberships: Vec<Change<Membership>>,
}

impl Changes {
    /// The changes that take these back, last first.
    #[must_use]
    pub fn inverse(self) -> Self {
        fn back<T>(changes: Vec<Change<T>>) -> Vec<Change<T>> {
            changes.into_iter().rev().map(Change::inverse).collect()
        }
        Self {
            grids: back(self.grids),
            units: back(self.units),
            seats: back(self.seats),
            memberships: back(self.memberships),
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grids.is_empty() && self.units.is_empty() && self.seats.is_empty() && self.memberships.is_empty()
    }

    /// The part of them that concerns one village (its code begins every code of its rows).
    #[must_use]
    pub fn of_village(&self, village: &str) -> Self {
        fn part<T: Clone>(changes: &[Change<T>], village: &str, code: fn(&T) -> &str) -> Vec<Change<T>> {
            let inside = |c: &&Change<T>| c.before.iter().chain(&c.after).any(|r| code(r).starts_with(village));
            changes.iter().filter(inside).cloned().collect()
        }
        Self {
            grids: part(&self.grids, village, |g| &g.code),
            units: part(&self.units, village, |u| &u.code),
            seats: part(&self.seats, village, |s| &s.grid),
            memberships: part(&self.memberships, village, |m| &m.unit),
        }
    }

    /// Codes of the grids whose rows, buildings, units or members change, in order: what an edit touches.
    #[must_use]
    pub fn touched_grids(&self) -> Vec<String> {
        fn both<T>(c: &Change<T>) -> impl Iterator<Item = &T> {
            c.before.iter().chain(&c.after)
        }
        let grid_of = |unit: &str| unit.get(..15).unwrap_or(unit).to_owned();
        let mut codes: Vec<String> = self.grids.iter().flat_map(both).map(|g| g.code.clone()).collect();
        codes.extend(self.units.iter().flat_map(both).map(|u| grid_of(&u.code)));
        codes.extend(self.seats.iter().flat_map(both).map(|s| s.grid.clone()));
        codes.extend(self.memberships.iter().flat_map(both).map(|m| grid_of(&m.unit)));
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}
