//! A village whose plan is behind the register: what both know can be looked at, and who has no grid and no unit yet is named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::domain::plan::{Membership, Seat, VillageRows};
use crate::partition::check::{Breach, Rule};

use super::land::Land;
use super::state::{StateError, VillageState};

/// How a plan and the register differ in one village.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Behind {
    /// Buildings with somebody whom the plan does not have, in the order of the register; a building without households too, where it
    /// has no grid.
    pub unassigned: Vec<Unassigned>,
    /// Households that the plan has and the village's register has no more.
    pub departed: u32,
    /// Buildings that the plan has and the village's register has no more.
    pub buildings_gone: u32,
}

/// A building with newcomers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unassigned {
    /// Building id.
    pub building: String,
    /// Where it stands, in the coordinates of the register.
    pub at: [f64; 2],
    /// Whether the plan has the building in a grid.
    pub seated: bool,
    /// Households in it that have no unit.
    pub households: u32,
    /// Their ids. Empty where the reader may not see them.
    pub ids: Vec<String>,
}

impl Behind {
    /// The same without ids of households.
    #[must_use]
    pub fn without_households(mut self) -> Self {
        for of in &mut self.unassigned {
            of.ids.clear();
        }
        self
    }

    /// The same as breaches of H4, with the building before its households.
    #[must_use]
    pub fn breaches(&self) -> Vec<Breach> {
        let h4 = |ids: Vec<String>, message: String| Breach { rule: Rule::H4, ids, message };
        let mut all: Vec<Breach> = self.unassigned.iter().map(|u| h4(u.ids(), u.message())).collect();
        for (n, chinese, english) in [(self.departed, "户", "households"), (self.buildings_gone, "栋楼", "buildings")]
        {
            if n > 0 {
                let what = format!(
                    "{n} {chinese}已不在本村名册，仍在方案中 / {n} {english} no longer in the village's register are still in the plan"
                );
                all.push(h4(Vec::new(), what));
            }
        }
        all
    }
}

impl Unassigned {
    fn ids(&self) -> Vec<String> {
        std::iter::once(&self.building).chain(&self.ids).cloned().collect()
    }

    fn message(&self) -> String {
        let n = self.households;
        match (self.seated, n) {
            (true, _) => format!("新增 {n} 户，未编入单元 / {n} new households in no unit"),
            (false, 0) => "新楼，未编入网格 / a new building in no grid".to_owned(),
            (false, _) => {
                format!("新楼 {n} 户，未编入网格和单元 / a new building of {n} households in no grid and no unit")
            }
        }
    }
}

impl VillageState {
    /// Rows on their land; where plan and register differ, on the part of it that both know, with what each has alone. That part is
    /// there to be looked at: an edit is refused as long as they differ.
    ///
    /// # Errors
    /// Rows of another village or that contradict themselves; nothing that both know; what [`Land::new`] says.
    pub fn opened(land: Arc<Land>, rows: &VillageRows) -> Result<(Self, Option<Behind>), StateError> {
        match Self::new(Arc::clone(&land), rows) {
            Ok(state) => Ok((state, None)),
            Err(e @ StateError::Differs { .. }) => match Self::known_to_both(&land, rows)? {
                Some((state, behind)) => Ok((state, Some(behind))),
                None => Err(e),
            },
            Err(e) => Err(e),
        }
    }

    fn known_to_both(land: &Land, rows: &VillageRows) -> Result<Option<(Self, Behind)>, StateError> {
        let grids: BTreeSet<&str> =
            rows.grids.iter().filter(|g| g.valid_to.is_none()).map(|g| g.code.as_str()).collect();
        let units: BTreeSet<&str> = rows.units.iter().map(|u| u.code.as_str()).collect();
        let seated: BTreeSet<&str> =
            rows.seats.iter().filter(|s| grids.contains(s.grid.as_str())).map(|s| s.building.as_str()).collect();
        let members: BTreeSet<&str> =
            rows.memberships.iter().filter(|m| units.contains(m.unit.as_str())).map(|m| m.household.as_str()).collect();
        if !land.table.building.names.iter().any(|b| seated.contains(b.as_str())) {
            return Ok(None);
        }
        let is_seated = |row: u32| seated.contains(land.building_id(land.table.building.of[row as usize]));
        let is_lived = |row: u32| land.is_household(row) && members.contains(land.household_id(row));
        let is_known = |row: u32| is_seated(row) && (!land.is_household(row) || is_lived(row));
        let mut known: Vec<u32> = (0..land.table.len() as u32).filter(|r| is_known(*r)).collect();
        let lived: BTreeSet<&str> = known.iter().filter(|r| is_lived(**r)).map(|&r| land.household_id(r)).collect();
        // a building that the plan has stays on its ground, though nobody in it is known: one of its rows stands for it
        let stays: BTreeSet<u32> = known.iter().map(|&r| land.table.building.of[r as usize]).collect();
        let mut stands: BTreeMap<u32, u32> = BTreeMap::new();
        for row in (0..land.table.len() as u32).filter(|r| is_seated(*r)) {
            let b = land.table.building.of[row as usize];
            if !stays.contains(&b) {
                stands.entry(b).or_insert(row);
            }
        }
        known.extend(stands.values());
        known.sort_unstable();
        let mut table = land.table.subset(&known);
        for (households, row) in table.households.iter_mut().zip(&known) {
            if land.is_household(*row) && !is_lived(*row) {
                *households = 0;
            }
        }
        let seats: Vec<Seat> = rows
            .seats
            .iter()
            .filter(|s| seated.contains(s.building.as_str()) && land.find_building(&s.building).is_some())
            .cloned()
            .collect();
        let memberships: Vec<Membership> =
            rows.memberships.iter().filter(|m| lived.contains(m.household.as_str())).cloned().collect();
        let is_gone = |m: &&Membership| !land.find_row(&m.household).is_some_and(|r| land.is_household(r));
        let behind = Behind {
            unassigned: unassigned(land, &seated, &members),
            departed: rows.memberships.iter().filter(is_gone).count() as u32,
            buildings_gone: rows.seats.iter().filter(|s| land.find_building(&s.building).is_none()).count() as u32,
        };
        let part = VillageRows { seats, memberships, ..rows.clone() };
        Ok(Some((Self::new(Arc::new(land.with_register(table)?), &part)?, behind)))
    }
}

/// Buildings that have no grid, and those with households that have no unit.
fn unassigned(land: &Land, seated: &BTreeSet<&str>, members: &BTreeSet<&str>) -> Vec<Unassigned> {
    let mut by: BTreeMap<u32, Unassigned> = BTreeMap::new();
    for row in 0..land.table.len() as u32 {
        let b = land.table.building.of[row as usize];
        let seated = seated.contains(land.building_id(b));
        let is_new = land.is_household(row) && !members.contains(land.household_id(row));
        if seated && !is_new {
            continue;
        }
        let of = by.entry(b).or_insert_with(|| Unassigned {
            building: land.building_id(b).to_owned(),
            at: land.village.frame.to_written(land.at(row)),
            seated,
            households: 0,
            ids: Vec::new(),
        });
        if is_new {
            of.households += 1;
            of.ids.push(land.household_id(row).to_owned());
        }
    }
    by.into_values().collect()
}
