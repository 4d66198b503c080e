//! Units after something moved: who left joins, who is left is made legal again, with as few households moved as possible.
//!
//! 1. Households whose building changed grid leave their unit. A unit that moves whole keeps its people under a new code; a part of
//!    legal size founds a unit of its own; anyone else joins the nearest unit with room.
//! 2. A unit beyond the bounds takes the cheapest way back, counted in households moved: handing one over or borrowing one along the
//!    shortest chain of neighbouring units, being split, being dissolved into its neighbours.
//! 3. Only where none of that helps the open units of the place are formed anew by the solver and matched to the old ones.
//! 4. Officers who left are proposed anew; what no division can make legal is a listed exception.
//!
//! A place is a grid and one zone of it (binding container, piece within reach): units never mix places.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::plan::UnitRow;
use crate::partition::units::representable;

use super::apply::{Done, Draft};
use super::land::NONE;
use super::operation::{LockTarget, Reason, ReasonKind};

/// Numbers of units in a grid.
const MOST_UNITS: u32 = 999;
/// Rounds of the solver where a place is formed anew.
const ROUNDS: u32 = 8;

/// Memberships being put in order.
pub(super) struct Book<'d> {
    pub(super) draft: &'d mut Draft,
    pub(super) members: Vec<Vec<u32>>,
    sum: Vec<[f64; 2]>,
    /// Grid of each unit by its code.
    home: Vec<u32>,
    /// Units that gained or lost someone.
    pub(super) changed: BTreeSet<u32>,
    /// Places that did.
    pub(super) places: BTreeSet<(u32, u32)>,
}

impl<'d> Book<'d> {
    pub(super) fn open(draft: &'d mut Draft) -> Self {
        let s = &draft.state;
        let members = s.members();
        let sum = members
            .iter()
            .map(|m| m.iter().fold([0.0; 2], |a, &r| [a[0] + s.land.at(r)[0], a[1] + s.land.at(r)[1]]))
            .collect();
        let slot: BTreeMap<&str, u32> = (0..).zip(&s.grids).map(|(i, g)| (g.code.as_str(), i)).collect();
        let home =
            s.units.iter().map(|u| u.code.get(..15).and_then(|c| slot.get(c)).copied().unwrap_or(NONE)).collect();
        Self { draft, members, sum, home, changed: BTreeSet::new(), places: BTreeSet::new() }
    }

    pub(super) fn bounds(&self) -> (usize, usize) {
        let unit = &self.draft.state.land.profile.unit;
        (unit.min as usize, unit.max as usize)
    }

    fn zone(&self, row: u32) -> u32 {
        self.draft.state.land.zone.get(row as usize).copied().unwrap_or(0)
    }

    fn place_of(&self, unit: u32) -> Option<(u32, u32)> {
        let first = self.members[unit as usize].first()?;
        Some((self.home[unit as usize], self.zone(*first)))
    }

    pub(super) fn centre(&self, unit: u32) -> [f64; 2] {
        let n = self.members[unit as usize].len().max(1) as f64;
        self.sum[unit as usize].map(|v| v / n)
    }

    /// Says that a unit lost someone the register no longer has.
    pub(super) fn touch(&mut self, unit: u32) {
        self.changed.insert(unit);
        self.places.extend(self.place_of(unit));
    }

    /// Households whose building does not stand in the grid of their unit.
    pub(super) fn strangers(&self) -> Vec<u32> {
        let s = &self.draft.state;
        (0..s.unit_of.len() as u32)
            .filter(|&r| self.home.get(s.unit_of[r as usize] as usize).is_some_and(|h| *h != s.grid_of_row(r)))
            .collect()
    }

    /// Whether a lock on its unit, or on its office there, keeps a household.
    pub(super) fn is_locked_in(&self, row: u32) -> bool {
        let u = self.draft.state.unit_of[row as usize];
        self.draft.state.units.get(u as usize).is_some_and(|unit| unit.locked || unit.officers_locked)
    }

    /// Puts a household into a unit.
    pub(super) fn put(&mut self, row: u32, unit: u32) {
        let at = self.draft.state.land.at(row);
        let old = self.draft.state.unit_of[row as usize];
        if old != NONE {
            self.places.extend(self.place_of(old));
            self.members[old as usize].retain(|m| *m != row);
            for (s, v) in self.sum[old as usize].iter_mut().zip(at) {
                *s -= v;
            }
            self.changed.insert(old);
        }
        self.draft.state.unit_of[row as usize] = unit;
        if unit == NONE {
            return;
        }
        let list = &mut self.members[unit as usize];
        list.insert(list.partition_point(|m| *m < row), row);
        for (s, v) in self.sum[unit as usize].iter_mut().zip(at) {
            *s += v;
        }
        self.changed.insert(unit);
        self.places.insert((self.home[unit as usize], self.zone(row)));
    }

    /// Founds a unit in a grid under a number never given out there.
    pub(super) fn found(&mut self, grid: u32, like: Option<UnitRow>) -> Result<u32, Vec<Reason>> {
        let s = &mut self.draft.state;
        let code = s.grids[grid as usize].code.clone();
        let taken: BTreeSet<u32> =
            s.units.iter().filter_map(|u| u.code.strip_prefix(code.as_str())?.parse().ok()).collect();
        let next = taken.last().map_or(1, |n| n + 1);
        let number = if next <= MOST_UNITS { Some(next) } else { (1..=MOST_UNITS).find(|n| !taken.contains(n)) };
        let Some(number) = number else {
            return Err(vec![
                Reason::new(
                    ReasonKind::CodesExhausted,
                    [code.clone()],
                    format!("网格 {code} 的 {MOST_UNITS} 个单元编码已用完 / grid {code} has given out all {MOST_UNITS} unit numbers"),
                )
                .first("请先拆分该网格 / split the grid first", []),
            ]);
        };
        let code = format!("{code}{number:03}");
        s.units.push(match like {
            Some(row) => UnitRow { code, ..row },
            None => UnitRow {
                code,
                locked: false,
                leader: None,
                deputies: Vec::new(),
                officers_locked: false,
                exception: None,
                founded_on: Some(self.draft.today.clone()),
                contact_group: None,
            },
        });
        self.members.push(Vec::new());
        self.sum.push([0.0; 2]);
        self.home.push(grid);
        Ok(self.members.len() as u32 - 1)
    }

    /// Units of a place whose members may change, by code.
    pub(super) fn open_units(&self, place: (u32, u32)) -> Vec<u32> {
        let units = &self.draft.state.units;
        let mut list: Vec<u32> = (0..self.members.len() as u32)
            .filter(|&u| self.home[u as usize] == place.0 && !units[u as usize].locked)
            .filter(|&u| self.members[u as usize].first().is_some_and(|r| self.zone(*r) == place.1))
            .collect();
        list.sort_by(|&a, &b| units[a as usize].code.cmp(&units[b as usize].code));
        list
    }

    pub(super) fn is_officer(&self, unit: u32, row: u32) -> bool {
        let (u, id) = (&self.draft.state.units[unit as usize], self.draft.state.land.household_id(row));
        u.leader.as_deref() == Some(id) || u.deputies.iter().any(|d| d == id)
    }

    /// Whether a household may be taken out of its unit without asking anyone.
    pub(super) fn may_go(&self, unit: u32, row: u32) -> bool {
        !self.draft.state.units[unit as usize].officers_locked || !self.is_officer(unit, row)
    }

    /// Step 1: households that no longer stand in the grid of their unit, or are in none.
    pub(super) fn relocate(&mut self, rows: &[u32]) -> Done {
        let mut groups: BTreeMap<(String, u32, u32), Vec<u32>> = BTreeMap::new();
        let mut newcomers: Vec<u32> = Vec::new();
        for &r in rows {
            let (u, g) = (self.draft.state.unit_of[r as usize], self.draft.state.grid_of_row(r));
            if u == NONE {
                newcomers.push(r);
            } else if self.home[u as usize] != g {
                groups.entry((self.draft.state.units[u as usize].code.clone(), u, g)).or_default().push(r);
            }
        }
        let mut reasons = Vec::new();
        for ((code, u, _), rows) in &groups {
            let row = &self.draft.state.units[*u as usize];
            let whole = rows.len() == self.members[*u as usize].len();
            if row.locked {
                reasons.push(Reason::locked("单元", code, LockTarget::Unit(code.clone())));
            } else if row.officers_locked && (whole || rows.iter().any(|&r| self.is_officer(*u, r))) {
                reasons.push(Reason::locked("联户长", code, LockTarget::Officers(code.clone())));
            }
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let min = self.bounds().0;
        for ((_, u, g), rows) in groups {
            let whole = rows.len() == self.members[u as usize].len();
            if whole || rows.len() >= min {
                let like = whole.then(|| self.draft.state.units[u as usize].clone());
                let new = self.found(g, like)?;
                if !whole {
                    // Officers who come along stay in office; the rest is proposed later.
                    let old = self.draft.state.units[u as usize].clone();
                    let here = |id: &String| rows.iter().any(|&r| self.draft.state.land.household_id(r) == id);
                    let leader = old.leader.filter(here);
                    let deputies = old.deputies.into_iter().filter(here).collect();
                    let row = &mut self.draft.state.units[new as usize];
                    (row.leader, row.deputies) = (leader, deputies);
                }
                for r in rows {
                    self.put(r, new);
                }
            } else {
                for &r in &rows {
                    self.put(r, NONE);
                }
                newcomers.extend(rows);
            }
        }
        self.join(newcomers)
    }

    /// Newcomers join the nearest unit with room in their place, building by building; many at once found units of their own.
    pub(super) fn join(&mut self, newcomers: Vec<u32>) -> Done {
        let mut by_place: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
        for r in newcomers {
            by_place.entry((self.draft.state.grid_of_row(r), self.zone(r))).or_default().push(r);
        }
        let (min, max) = self.bounds();
        for (place, mut rows) in by_place {
            rows.sort_by_key(|&r| (self.draft.state.land.table.building.of[r as usize], r));
            if rows.len() >= 2 * min && representable(rows.len() as u32, min as u32, max as u32) {
                let parts = self.draft.divided(&rows, 0, ROUNDS)?;
                for part in parts {
                    let unit = self.found(place.0, None)?;
                    for r in part {
                        self.put(r, unit);
                    }
                }
                continue;
            }
            for r in rows {
                let at = self.draft.state.land.at(r);
                let d2 = |p: [f64; 2]| (p[0] - at[0]).powi(2) + (p[1] - at[1]).powi(2);
                let nearest = self
                    .open_units(place)
                    .into_iter()
                    .filter(|&u| self.members[u as usize].len() < max)
                    .map(|u| {
                        let own = &self.members[u as usize];
                        let near = own.iter().map(|&m| d2(self.draft.state.land.at(m))).fold(f64::INFINITY, f64::min);
                        (near, d2(self.centre(u)), u)
                    })
                    .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
                let unit = match nearest {
                    Some((_, _, u)) => u,
                    None => self.found(place.0, None)?,
                };
                self.put(r, unit);
            }
        }
        Ok(())
    }

    /// Steps 2 to 4 for all places that were touched.
    pub(super) fn settle(mut self) -> Done {
        for place in self.places.clone() {
            self.repair(place)?;
        }
        let places = self.places.clone();
        for place in places {
            self.list_exceptions(place);
        }
        let changed: Vec<u32> = self.changed.iter().copied().collect();
        for u in changed {
            self.draft.staff(u, &self.members[u as usize]);
        }
        Ok(())
    }

    fn repair(&mut self, place: (u32, u32)) -> Done {
        let (min, max) = self.bounds();
        let mut given_up: BTreeSet<u32> = BTreeSet::new();
        // Each mending makes one unit legal and none illegal; the limit only guards against officers who may not be moved.
        for _ in 0..self.members.len() * 4 + 16 {
            let open = self.open_units(place);
            let size = |u: &u32| self.members[*u as usize].len();
            let wrong = open
                .iter()
                .copied()
                .filter(|u| !given_up.contains(u) && !(min..=max).contains(&size(u)))
                // The smallest ones first: dissolving them makes others legal.
                .min_by_key(|u| size(u));
            let Some(u) = wrong else { break };
            if self.mend(place, u)? {
                given_up.clear();
            } else {
                given_up.insert(u);
            }
        }
        if given_up.is_empty() {
            return Ok(());
        }
        let open = self.open_units(place);
        let all: usize = open.iter().map(|u| self.members[*u as usize].len()).sum();
        let possible = representable(all as u32, min as u32, max as u32);
        if !possible && given_up.len() == 1 {
            return Ok(());
        }
        let open: Vec<u32> =
            open.into_iter().filter(|u| !self.draft.state.units[*u as usize].officers_locked).collect();
        let mut rows: Vec<u32> = open.iter().flat_map(|u| self.members[*u as usize].iter().copied()).collect();
        rows.sort_unstable();
        let parts = self.draft.divided(&rows, 0, ROUNDS)?;
        self.adopt(place.0, &open, parts)
    }

    /// Puts a new division in place of some units of a grid: each part goes on as the unit with which it shares most members.
    pub(super) fn adopt(&mut self, grid: u32, old: &[u32], parts: Vec<Vec<u32>>) -> Done {
        let mut common: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (p, part) in (0_u32..).zip(&parts) {
            for &r in part {
                let u = self.draft.state.unit_of[r as usize];
                if let Some(i) = old.iter().position(|o| *o == u) {
                    *common.entry((i as u32, p)).or_default() += 1;
                }
            }
        }
        let mut unit = vec![NONE; parts.len()];
        for (o, p) in super::figures::matched(&common) {
            unit[p as usize] = old[o as usize];
        }
        for (part, unit) in parts.into_iter().zip(unit) {
            let to = if unit == NONE { self.found(grid, None)? } else { unit };
            for r in part {
                if self.draft.state.unit_of[r as usize] != to {
                    self.put(r, to);
                }
            }
        }
        Ok(())
    }

    /// Step 4: what is beyond the bounds although its place was settled is an exception, with the reason.
    fn list_exceptions(&mut self, place: (u32, u32)) {
        let (min, max) = self.bounds();
        let open = self.open_units(place);
        let all: usize = open.iter().map(|u| self.members[*u as usize].len()).sum();
        let possible = representable(all as u32, min as u32, max as u32);
        for u in open {
            let legal = (min..=max).contains(&self.members[u as usize].len());
            let reason = match (legal || possible, all < min) {
                (true, _) => None,
                (false, true) => Some("too_few_households".to_owned()),
                (false, false) => Some("no_legal_division".to_owned()),
            };
            self.draft.state.units[u as usize].exception = reason;
        }
    }
}
