//! Codes that last (长远性): a new plan of a village takes over the codes, names, locks and officers of the plan in force where its grids
//! and units go on, and gives everything else numbers that were never used.
//!
//! 1. Grids are matched by the households they share, greatest first, base with base and dedicated with dedicated; a matched grid keeps
//!    its code with name, lock, first day and predecessors.
//! 2. Units are matched inside matched grids in the same way; a matched unit keeps its code, its founding date and contact group, and
//!    those of its officers who still live in it.
//! 3. What is left gets the next numbers, in the order of the new plan's own numbering; its predecessors are the grids its households
//!    come from.
//! 4. A locked grid with the same households keeps its units as they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::codes::{GridKind, parse_grid};
use crate::domain::plan::{GridRow, UnitRow, VillageRows};
use crate::plan::edit::matched;
use crate::plan::job::PlanError;
use crate::store::UsedCode;

/// Last numbers of base and of dedicated grids, and of the units of a grid.
const LAST_BASE: u32 = 899;
const LAST_DEDICATED: u32 = 999;
const LAST_UNIT: u32 = 999;
/// A household counts more than any number of empty buildings.
const HOUSEHOLD: u32 = 1 << 12;

/// Numbers a new plan of a village after the plan in force (where there is one) and all codes that were ever used.
///
/// # Errors
/// When a village has no number left to give out.
pub(super) fn renumber(
    fresh: &VillageRows,
    in_force: Option<&VillageRows>,
    used: &[UsedCode],
) -> Result<VillageRows, PlanError> {
    if in_force.is_none() && used.is_empty() {
        return Ok(fresh.clone());
    }
    let nothing = VillageRows::default();
    let old = in_force.unwrap_or(&nothing);
    let mut numbers = Numbers::new(&fresh.village, old, used);
    let common = overlaps(fresh, old);
    let grid_of = grids(fresh, old, &common, &mut numbers)?;
    let unit_of = units(fresh, old, &grid_of, &mut numbers)?;
    let grids_then: BTreeMap<&str, &GridRow> =
        old.grids.iter().filter(|g| g.valid_to.is_none()).map(|g| (g.code.as_str(), g)).collect();
    let units_then: BTreeMap<&str, &UnitRow> = old.units.iter().map(|u| (u.code.as_str(), u)).collect();
    let members = members(fresh);
    let nobody = BTreeSet::new();
    let renamed = |map: &BTreeMap<&str, String>, code: &str| map.get(code).cloned().unwrap_or_default();
    let mut rows = VillageRows {
        village: fresh.village.clone(),
        grids: fresh
            .grids
            .iter()
            .map(|g| {
                let code = renamed(&grid_of, &g.code);
                grid_row(g, &code, &common, grids_then.get(code.as_str()).copied())
            })
            .collect(),
        units: fresh
            .units
            .iter()
            .map(|u| {
                let code = renamed(&unit_of, &u.code);
                let own = members.get(u.code.as_str()).unwrap_or(&nobody);
                unit_row(u, &code, own, units_then.get(code.as_str()).copied())
            })
            .collect(),
        seats: fresh.seats.clone(),
        memberships: fresh.memberships.clone(),
    };
    let locked: BTreeSet<(&str, &str)> =
        old.seats.iter().filter(|s| s.locked).map(|s| (s.building.as_str(), s.grid.as_str())).collect();
    for s in &mut rows.seats {
        s.grid = renamed(&grid_of, &s.grid);
        s.locked |= locked.contains(&(s.building.as_str(), s.grid.as_str()));
    }
    for m in &mut rows.memberships {
        m.unit = renamed(&unit_of, &m.unit);
    }
    keep_locked(&mut rows, old);
    rows.grids.sort_by(|a, b| a.code.cmp(&b.code));
    rows.units.sort_by(|a, b| a.code.cmp(&b.code));
    Ok(rows)
}

/// Numbers that are taken for ever.
struct Numbers<'a> {
    village: &'a str,
    taken: BTreeSet<String>,
}

impl<'a> Numbers<'a> {
    fn new(village: &'a str, old: &VillageRows, used: &[UsedCode]) -> Self {
        let rows = old.grids.iter().map(|g| &g.code).chain(old.units.iter().map(|u| &u.code));
        Self { village, taken: used.iter().map(|c| &c.code).chain(rows).cloned().collect() }
    }

    /// The next number below a code, above all that were used between `first` and `last`.
    fn next(&mut self, above: &str, first: u32, last: u32) -> Result<String, PlanError> {
        let range = format!("{above}{first:03}")..=format!("{above}{last:03}");
        let highest = self.taken.range(range).rev().find(|c| c.len() == above.len() + 3);
        let number = highest.and_then(|c| c.get(above.len()..)?.parse::<u32>().ok()).map_or(first, |n| n + 1);
        if number > last {
            return Err(PlanError::Solver {
                village: self.village.to_owned(),
                message: format!("{above} 下的编号已用完 / no number is left below {above}"),
            });
        }
        let code = format!("{above}{number:03}");
        self.taken.insert(code.clone());
        Ok(code)
    }
}

fn kind(code: &str) -> Option<GridKind> {
    parse_grid(code).ok().map(|(_, k)| k)
}

fn grid_part(unit: &str) -> &str {
    unit.get(..15).unwrap_or(unit)
}

/// New code of each grid of the new plan.
fn grids<'a>(
    fresh: &'a VillageRows,
    old: &VillageRows,
    common: &Common<'_>,
    numbers: &mut Numbers<'_>,
) -> Result<BTreeMap<&'a str, String>, PlanError> {
    let lasting: Vec<&str> = old.grids.iter().filter(|g| g.valid_to.is_none()).map(|g| g.code.as_str()).collect();
    let new: Vec<&str> = fresh.grids.iter().map(|g| g.code.as_str()).collect();
    let slot = |list: &[&str], code: &str| list.iter().position(|c| *c == code).map(|i| i as u32);
    let of_one_kind: BTreeMap<(u32, u32), u32> = common
        .iter()
        .filter(|((o, n), _)| kind(o) == kind(n))
        .filter_map(|((o, n), w)| Some(((slot(&lasting, o)?, slot(&new, n)?), *w)))
        .collect();
    let mut of: BTreeMap<&str, String> = BTreeMap::new();
    for (o, n) in matched(&of_one_kind) {
        if let (Some(o), Some(n)) = (lasting.get(o as usize), new.get(n as usize)) {
            of.insert(n, (*o).to_owned());
        }
    }
    for code in new {
        if of.contains_key(code) {
            continue;
        }
        let fresh_code = match kind(code) {
            Some(GridKind::Dedicated) => numbers.next(numbers.village, LAST_BASE + 2, LAST_DEDICATED)?,
            Some(GridKind::Base) => numbers.next(numbers.village, 1, LAST_BASE)?,
            _ => code.to_owned(),
        };
        of.insert(code, fresh_code);
    }
    Ok(of)
}

/// Households by unit.
fn members(rows: &VillageRows) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for m in &rows.memberships {
        of.entry(&m.unit).or_default().insert(&m.household);
    }
    of
}

/// What an old and a new grid share.
type Common<'a> = BTreeMap<(&'a str, &'a str), u32>;

/// What grids of the two plans share: households first, buildings for grids without any.
fn overlaps<'a>(fresh: &'a VillageRows, old: &'a VillageRows) -> Common<'a> {
    let mut common = Common::new();
    let unit_then: BTreeMap<&str, &str> =
        old.memberships.iter().map(|m| (m.household.as_str(), m.unit.as_str())).collect();
    for m in &fresh.memberships {
        if let Some(then) = unit_then.get(m.household.as_str()) {
            *common.entry((grid_part(then), grid_part(&m.unit))).or_default() += HOUSEHOLD;
        }
    }
    let seat_then: BTreeMap<&str, &str> = old.seats.iter().map(|s| (s.building.as_str(), s.grid.as_str())).collect();
    for s in &fresh.seats {
        if let Some(then) = seat_then.get(s.building.as_str()) {
            *common.entry((*then, s.grid.as_str())).or_default() += 1;
        }
    }
    common
}

/// New code of each unit of the new plan.
fn units<'a>(
    fresh: &'a VillageRows,
    old: &VillageRows,
    grid_of: &BTreeMap<&str, String>,
    numbers: &mut Numbers<'_>,
) -> Result<BTreeMap<&'a str, String>, PlanError> {
    let then: BTreeMap<&str, &str> = old.memberships.iter().map(|m| (m.household.as_str(), m.unit.as_str())).collect();
    let index = |codes: BTreeSet<&'a str>| -> (Vec<&'a str>, BTreeMap<&'a str, u32>) {
        let of = (0..).zip(&codes).map(|(i, c)| (*c, i)).collect();
        (codes.into_iter().collect(), of)
    };
    let (new, new_at) = index(fresh.units.iter().map(|u| u.code.as_str()).collect());
    let lasting: Vec<&str> = then.values().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let lasting_at: BTreeMap<&str, u32> = (0..).zip(&lasting).map(|(i, c)| (*c, i)).collect();
    let mut common: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for m in &fresh.memberships {
        let Some(old_unit) = then.get(m.household.as_str()) else { continue };
        let goes_on = grid_of.get(grid_part(&m.unit)).is_some_and(|g| g == grid_part(old_unit));
        if let (true, Some(&o), Some(&n)) = (goes_on, lasting_at.get(old_unit), new_at.get(m.unit.as_str())) {
            *common.entry((o, n)).or_default() += 1;
        }
    }
    let mut of: BTreeMap<&str, String> = BTreeMap::new();
    for (o, n) in matched(&common) {
        if let (Some(o), Some(n)) = (lasting.get(o as usize), new.get(n as usize)) {
            of.insert(n, (*o).to_owned());
        }
    }
    for unit in new {
        if !of.contains_key(unit) {
            let grid = grid_of.get(grid_part(unit)).map_or("", String::as_str);
            of.insert(unit, numbers.next(grid, 1, LAST_UNIT)?);
        }
    }
    Ok(of)
}

/// A grid under its lasting code, with what people decided about it.
fn grid_row(row: &GridRow, code: &str, common: &Common<'_>, then: Option<&GridRow>) -> GridRow {
    match then {
        Some(then) => GridRow {
            code: code.to_owned(),
            // A locked grid was planned under its code as a name.
            name: if then.locked || !then.name.is_empty() { then.name.clone() } else { row.name.clone() },
            kind: row.kind.clone(),
            locked: row.locked || then.locked,
            valid_from: then.valid_from.clone(),
            valid_to: None,
            predecessors: then.predecessors.clone(),
        },
        None => {
            let from: BTreeSet<&str> = common.keys().filter(|(_, n)| *n == row.code).map(|(o, _)| *o).collect();
            let predecessors = from.into_iter().map(str::to_owned).collect();
            GridRow { code: code.to_owned(), predecessors, ..row.clone() }
        }
    }
}

/// A unit under its lasting code, with the officers who still live in it.
fn unit_row(row: &UnitRow, code: &str, members: &BTreeSet<&str>, then: Option<&UnitRow>) -> UnitRow {
    let Some(then) = then else {
        return UnitRow { code: code.to_owned(), ..row.clone() };
    };
    let stays = |h: &&String| members.contains(h.as_str());
    let leader = then.leader.iter().find(stays).or(row.leader.as_ref()).cloned();
    let mut deputies: Vec<String> = Vec::new();
    for household in then.deputies.iter().filter(stays).chain(&row.deputies).chain(&row.leader) {
        if deputies.len() < row.deputies.len() && Some(household) != leader.as_ref() && !deputies.contains(household) {
            deputies.push(household.clone());
        }
    }
    let all_stay = then.leader.iter().chain(&then.deputies).all(|h| members.contains(h.as_str()));
    UnitRow {
        code: code.to_owned(),
        locked: false,
        leader,
        deputies,
        officers_locked: then.officers_locked && all_stay,
        exception: row.exception.clone(),
        founded_on: then.founded_on.clone(),
        contact_group: then.contact_group.clone(),
    }
}

/// Locked grids that still have the households they had keep their units to the letter.
fn keep_locked(rows: &mut VillageRows, old: &VillageRows) {
    let locked: BTreeSet<&str> =
        old.grids.iter().filter(|g| g.locked && g.valid_to.is_none()).map(|g| g.code.as_str()).collect();
    let households = |rows: &VillageRows| {
        let mut of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for m in rows.memberships.iter().filter(|m| locked.contains(grid_part(&m.unit))) {
            of.entry(grid_part(&m.unit).to_owned()).or_default().insert(m.household.clone());
        }
        of
    };
    let (then, now) = (households(old), households(rows));
    let same: BTreeSet<&str> =
        locked.iter().copied().filter(|g| then.contains_key(*g) && then.get(*g) == now.get(*g)).collect();
    if same.is_empty() {
        return;
    }
    let kept = |unit: &str| same.contains(grid_part(unit));
    rows.units.retain(|u| !kept(&u.code));
    rows.units.extend(old.units.iter().filter(|u| kept(&u.code)).cloned());
    rows.memberships.retain(|m| !kept(&m.unit));
    rows.memberships.extend(old.memberships.iter().filter(|m| kept(&m.unit)).cloned());
    rows.memberships.sort_by(|a, b| a.household.cmp(&b.household));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::{Membership, Seat};

    const VILLAGE: &str = "520423102001";

    /// A plan of one household a building; `of` says grid and unit number of each household.
    fn plan(of: &[(&str, u32, u32)]) -> VillageRows {
        let grid = |g: u32| format!("{VILLAGE}{g:03}");
        let unit = |g: u32, u: u32| format!("{VILLAGE}{g:03}{u:03}");
        let grids: BTreeSet<u32> = of.iter().map(|p| p.1).collect();
        let units: BTreeSet<(u32, u32)> = of.iter().map(|p| (p.1, p.2)).collect();
        let seat = |h: &str, g| Seat { building: format!("b{h}"), grid: grid(g), locked: false };
        VillageRows {
            village: VILLAGE.to_owned(),
            grids: grids
                .into_iter()
                .map(|g| GridRow {
                    code: grid(g),
                    name: String::new(),
                    kind: if g > 900 { "dedicated" } else { "base" }.to_owned(),
                    locked: false,
                    valid_from: String::new(),
                    valid_to: None,
                    predecessors: Vec::new(),
                })
                .collect(),
            units: units
                .into_iter()
                .map(|(g, u)| {
                    let mut own = of.iter().filter(|p| (p.1, p.2) == (g, u)).map(|p| p.0.to_owned());
                    UnitRow {
                        code: unit(g, u),
                        locked: false,
                        leader: own.next(),
                        deputies: own.take(1).collect(),
                        officers_locked: false,
                        exception: None,
                        founded_on: None,
                        contact_group: None,
                    }
                })
                .collect(),
            seats: of.iter().map(|(h, g, _)| seat(h, *g)).collect(),
            memberships: of
                .iter()
                .map(|(h, g, u)| Membership { household: (*h).to_owned(), unit: unit(*g, *u) })
                .collect(),
        }
    }

    fn used(code: &str, ended: bool) -> UsedCode {
        let valid_to = ended.then(|| "2025-02-01".to_owned());
        UsedCode {
            code: format!("{VILLAGE}{code}"),
            valid_from: "2025-01-01".to_owned(),
            valid_to,
            predecessors: Vec::new(),
        }
    }

    fn unit_of<'a>(rows: &'a VillageRows, household: &str) -> &'a str {
        let found = rows.memberships.iter().find(|m| m.household == household);
        found.and_then(|m| m.unit.get(12..)).unwrap_or("")
    }

    #[test]
    fn first_plan_keeps_its_own_numbers() {
        let fresh = plan(&[("a", 1, 1), ("b", 2, 1)]);
        assert_eq!(renumber(&fresh, None, &[]).expect("numbers"), fresh);
    }

    #[test]
    fn what_goes_on_keeps_its_code_and_what_is_new_gets_one_never_used() {
        let mut old = plan(&[("a", 1, 1), ("b", 1, 1), ("c", 1, 2), ("d", 2, 1), ("e", 2, 1)]);
        old.grids[0].name = "东片".to_owned();
        old.grids[0].valid_from = "2025-01-01".to_owned();
        old.units[0].contact_group = Some("群".to_owned());
        old.units[0].leader = Some("b".to_owned());
        old.units[0].deputies = vec!["a".to_owned()];
        // The new plan numbers the other way round; e becomes a grid of its own, c joins d.
        let fresh = plan(&[("a", 3, 1), ("b", 3, 1), ("c", 1, 1), ("d", 1, 1), ("e", 2, 1)]);
        let codes = [used("001", false), used("002", false), used("003", true), used("001004", true)];
        let rows = renumber(&fresh, Some(&old), &codes).expect("numbers");
        // Grid 3 of the new plan goes on as 001; of 1 and 2, which hold one household of the old 002 each, the first by code does.
        assert_eq!(
            ["a", "b", "c", "d", "e"].map(|h| unit_of(&rows, h)),
            ["001001", "001001", "002001", "002001", "004001"]
        );
        let grid = &rows.grids[0];
        assert_eq!((grid.name.as_str(), grid.valid_from.as_str()), ("东片", "2025-01-01"));
        assert_eq!(rows.grids[2].predecessors, [format!("{VILLAGE}002")]);
        let unit = &rows.units[0];
        assert_eq!((unit.leader.as_deref(), unit.contact_group.as_deref()), (Some("b"), Some("群")));
        assert_eq!(unit.deputies, ["a"]);
        assert!(rows.seats.iter().all(|s| rows.grids.iter().any(|g| g.code == s.grid)));
    }

    #[test]
    fn officer_who_left_is_replaced_by_the_one_proposed() {
        let mut old = plan(&[("a", 1, 1), ("b", 1, 1), ("c", 1, 1)]);
        old.units[0].leader = Some("gone".to_owned());
        old.units[0].deputies = vec!["c".to_owned()];
        let rows = renumber(&plan(&[("a", 1, 1), ("b", 1, 1), ("c", 1, 1)]), Some(&old), &[]).expect("numbers");
        assert_eq!(
            (rows.units[0].leader.as_deref(), rows.units[0].deputies.as_slice()),
            (Some("a"), &["c".to_owned()][..])
        );
    }

    #[test]
    fn locked_grid_with_the_same_households_keeps_its_units_to_the_letter() {
        let mut old = plan(&[("a", 1, 5), ("b", 1, 5), ("c", 1, 7), ("d", 2, 1)]);
        old.grids[0].locked = true;
        old.units[0].locked = true;
        let fresh = plan(&[("a", 2, 1), ("b", 2, 2), ("c", 2, 2), ("d", 1, 1)]);
        let rows = renumber(&fresh, Some(&old), &[]).expect("numbers");
        assert_eq!(rows.memberships[..3], old.memberships[..3]);
        assert_eq!(rows.units[..2], old.units[..2]);
        assert!(rows.grids[0].locked);
    }

    #[test]
    fn dedicated_grid_is_matched_with_dedicated_ones_alone() {
        let old = plan(&[("a", 1, 1), ("s", 901, 1)]);
        let rows = renumber(&plan(&[("a", 901, 1), ("s", 1, 1)]), Some(&old), &[]).expect("numbers");
        assert_eq!((unit_of(&rows, "a"), unit_of(&rows, "s")), ("902001", "002001"));
    }

    #[test]
    fn numbers_that_ran_out_are_said() {
        let old = plan(&[("a", 899, 1)]);
        let e = renumber(&plan(&[("b", 1, 1)]), Some(&old), &[]).expect_err("no number");
        assert!(e.to_string().contains("编号已用完"), "{e}");
    }
}
