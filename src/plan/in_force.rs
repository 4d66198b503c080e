//! S6: how many households a new plan moves against the plan in force.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::domain::Households;

use super::make::VillagePlan;

/// Code of a household's grid and of its unit.
pub type Parts = (String, String);
/// Grid and unit of each household of a plan, by household id.
pub type Assigned = BTreeMap<String, Parts>;

/// Grid and unit of each household of a plan that was just made; buildings without households are left out.
#[must_use]
pub fn assigned(table: &Households, plans: &[VillagePlan]) -> Assigned {
    let mut of = Assigned::new();
    for plan in plans {
        let village = &plan.grids.ground.village;
        for (&row, &u) in village.rows.iter().zip(&plan.unit_of) {
            let (Some(id), Some(unit)) = (table.ids.get(row as usize), plan.units.get(u as usize)) else { continue };
            of.insert(id.clone(), (plan.grid_code(unit.grid), unit.code.clone()));
        }
    }
    of
}

/// S6 as written: households whose grid, and whose unit, is another than in the plan in force, as number and as share of those
/// that both plans have. Codes may be numbered anew, so each new grid (unit) is taken for the old one with which it shares most
/// households, the greatest overlaps first, each old one once; ties by code.
#[must_use]
pub fn moved(old: &Assigned, new: &Assigned) -> Value {
    let both: Vec<(&Parts, &Parts)> = new.iter().filter_map(|(id, now)| old.get(id).map(|then| (then, now))).collect();
    let grids = changed(both.iter().map(|(then, now)| (then.0.as_str(), now.0.as_str())));
    let units = changed(both.iter().map(|(then, now)| (then.1.as_str(), now.1.as_str())));
    let share =
        |n: u64| if both.is_empty() { Value::Null } else { json!((n as f64 / both.len() as f64 * 1e6).round() / 1e6) };
    json!({
        "households_compared": both.len(),
        "new_households": new.len() - both.len(),
        "gone_households": old.len() - both.len(),
        "grid_changed": {"households": grids, "share": share(grids)},
        "unit_changed": {"households": units, "share": share(units)},
    })
}

/// Households whose new part is not the one matched with their old part.
fn changed<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    let mut overlap: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for pair in pairs {
        *overlap.entry(pair).or_default() += 1;
    }
    let all: u64 = overlap.values().sum();
    let mut order: Vec<((&str, &str), u64)> = overlap.into_iter().collect();
    // The sort is stable: equal overlaps stay in the order of their codes.
    order.sort_by_key(|o| std::cmp::Reverse(o.1));
    let (mut old_taken, mut new_taken) = (BTreeSet::new(), BTreeSet::new());
    let mut kept = 0;
    for ((old, new), n) in order {
        if !old_taken.contains(old) && !new_taken.contains(new) {
            old_taken.insert(old);
            new_taken.insert(new);
            kept += n;
        }
    }
    all - kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(of: &[(&str, &str, &str)]) -> Assigned {
        of.iter().map(|(id, g, u)| ((*id).to_owned(), ((*g).to_owned(), (*u).to_owned()))).collect()
    }

    #[test]
    fn renumbered_codes_move_nobody() {
        let old = plan(&[("a", "1", "11"), ("b", "1", "11"), ("c", "2", "21"), ("d", "2", "22")]);
        let new = plan(&[("a", "2", "21"), ("b", "2", "21"), ("c", "1", "12"), ("d", "1", "11")]);
        let s6 = moved(&old, &new);
        assert_eq!((&s6["grid_changed"]["households"], &s6["unit_changed"]["households"]), (&json!(0), &json!(0)));
    }

    #[test]
    fn split_and_merge_keep_the_larger_part() {
        let old = plan(&[("a", "1", "11"), ("b", "1", "11"), ("c", "1", "11"), ("d", "2", "21"), ("gone", "2", "21")]);
        // a, b stay; c is split off; d is merged into the part of c.
        let new = plan(&[("a", "7", "71"), ("b", "7", "71"), ("c", "8", "81"), ("d", "8", "81"), ("born", "8", "81")]);
        let s6 = moved(&old, &new);
        // The new part 8 is the old 2 (one household each way, but 1 is taken by 7).
        assert_eq!(s6["grid_changed"], json!({"households": 1, "share": 0.25}));
        assert_eq!(s6["unit_changed"], json!({"households": 1, "share": 0.25}));
        assert_eq!(
            (&s6["households_compared"], &s6["new_households"], &s6["gone_households"]),
            (&json!(4), &json!(1), &json!(1))
        );
    }

    #[test]
    fn plans_without_a_common_household_have_no_share() {
        let s6 = moved(&plan(&[("a", "1", "11")]), &plan(&[("b", "1", "11")]));
        assert_eq!(s6["grid_changed"], json!({"households": 0, "share": null}));
    }
}
