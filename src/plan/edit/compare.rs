//! Two plans of one village side by side.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::plan::{Changes, VillageRows};

use super::figures::Figures;
use super::state::{VillageState, changed};

/// What differs between two plans.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Households in both plans whose grid differs, by id.
    pub households_in_other_grid: Vec<String>,
    /// Households in both plans whose unit's code differs, by id.
    pub households_in_other_unit: Vec<String>,
    /// Households that only the second plan has.
    pub households_only_second: Vec<String>,
    /// Households that only the first plan has.
    pub households_only_first: Vec<String>,
    /// Codes of grids that differ: row, buildings, or members of their units.
    pub changed_grids: Vec<String>,
    /// Figures of the first and the second plan, where their states are known.
    pub figures: Option<(Figures, Figures)>,
}

/// Compares the rows of a village in two plans.
#[must_use]
pub fn compare_rows(first: &VillageRows, second: &VillageRows) -> Comparison {
    let units = |rows: &VillageRows| -> BTreeMap<String, String> {
        rows.memberships.iter().map(|m| (m.household.clone(), m.unit.clone())).collect()
    };
    let (a, b) = (units(first), units(second));
    let mut c = Comparison { changed_grids: rows_difference(first, second).touched_grids(), ..Comparison::default() };
    for (household, unit) in &a {
        match b.get(household) {
            None => c.households_only_first.push(household.clone()),
            Some(other) => {
                if other != unit {
                    c.households_in_other_unit.push(household.clone());
                }
                // A unit stands in the grid of its code (H6).
                if other.get(..15) != unit.get(..15) {
                    c.households_in_other_grid.push(household.clone());
                }
            }
        }
    }
    c.households_only_second = b.keys().filter(|h| !a.contains_key(*h)).cloned().collect();
    c
}

/// Compares two states of a village, with their figures.
#[must_use]
pub fn compare(first: &VillageState, second: &VillageState) -> Comparison {
    Comparison { figures: Some((first.figures(), second.figures())), ..compare_rows(&first.rows(), &second.rows()) }
}

/// The changes that lead from some rows to others.
#[must_use]
pub fn rows_difference(from: &VillageRows, to: &VillageRows) -> Changes {
    fn ordered<T: Clone + PartialEq>(a: &[T], b: &[T], key: fn(&T) -> &str) -> Vec<crate::domain::plan::Change<T>> {
        let sorted = |rows: &[T]| {
            let mut rows = rows.to_vec();
            rows.sort_by(|x, y| key(x).cmp(key(y)));
            rows
        };
        changed(&sorted(a), &sorted(b), key)
    }
    Changes {
        grids: ordered(&from.grids, &to.grids, |g| &g.code),
        units: ordered(&from.units, &to.units, |u| &u.code),
        seats: ordered(&from.seats, &to.seats, |s| &s.building),
        memberships: ordered(&from.memberships, &to.memberships, |m| &m.household),
    }
}
