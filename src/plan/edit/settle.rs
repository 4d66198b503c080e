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

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::plan::UnitRow;
use crate::partition::units::representable;

use super::apply::{Done, Draft};
use super::land::NONE;
use super::operation::{LockTarget, Reason, ReasonKind};

/// Neighbouring units that one hands households to.
const NEIGHBOURS: usize = 8;
/// Units a household may be handed on through.
const LONGEST_CHAIN: usize = 8;
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

    fn bounds(&self) -> (usize, usize) {
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

    fn centre(&self, unit: u32) -> [f64; 2] {
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
    fn open_units(&self, place: (u32, u32)) -> Vec<u32> {
        let units = &self.draft.state.units;
        let mut list: Vec<u32> = (0..self.members.len() as u32)
            .filter(|&u| self.home[u as usize] == place.0 && !units[u as usize].locked)
            .filter(|&u| self.members[u as usize].first().is_some_and(|r| self.zone(*r) == place.1))
            .collect();
        list.sort_by(|&a, &b| units[a as usize].code.cmp(&units[b as usize].code));
        list
    }

    fn is_officer(&self, unit: u32, row: u32) -> bool {
        let (u, id) = (&self.draft.state.units[unit as usize], self.draft.state.land.household_id(row));
        u.leader.as_deref() == Some(id) || u.deputies.iter().any(|d| d == id)
    }

    /// Whether a household may be taken out of its unit without asking anyone.
    fn may_go(&self, unit: u32, row: u32) -> bool {
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

    /// Makes one unit legal in the way that moves the fewest households; false where there is none.
    fn mend(&mut self, place: (u32, u32), u: u32) -> Result<bool, Vec<Reason>> {
        let (min, max) = self.bounds();
        let n = self.members[u as usize].len();
        let frozen = self.draft.state.units[u as usize].officers_locked;
        let chains = if n < min { self.chains(place, u, min - n, true) } else { self.chains(place, u, n - max, false) };
        let chained: Option<usize> = chains.as_ref().map(|c| c.iter().map(|c| c.len() - 1).sum());
        if n < min {
            let rooms = if frozen { None } else { self.rooms(place, u) };
            match (chained, rooms) {
                (Some(cost), rooms) if rooms.is_none() || cost <= n => self.hand_on(&chains.unwrap_or_default()),
                (_, Some(rooms)) => {
                    for (r, to) in rooms {
                        self.put(r, to);
                    }
                }
                _ => return Ok(false),
            }
            return Ok(true);
        }
        let half = (n >= 2 * min).then_some(min.max(n.saturating_sub(max)));
        match (chained, half) {
            (Some(cost), half) if half.is_none_or(|h| cost <= h) => self.hand_on(&chains.unwrap_or_default()),
            (_, Some(half)) => self.split_off(place.0, u, half)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `count` chains of units from (or to, when `borrow`) `u` along which one household each is handed on; the sizes stay legal.
    fn chains(&self, place: (u32, u32), u: u32, count: usize, borrow: bool) -> Option<Vec<Vec<u32>>> {
        let (min, max) = self.bounds();
        let open = self.open_units(place);
        let mut size: BTreeMap<u32, usize> = open.iter().map(|&v| (v, self.members[v as usize].len())).collect();
        let near: BTreeMap<u32, Vec<u32>> = open.iter().map(|&v| (v, self.nearest_units(&open, v))).collect();
        let mut found = Vec::new();
        for _ in 0..count {
            let mut came: BTreeMap<u32, u32> = BTreeMap::from([(u, u)]);
            let mut queue = VecDeque::from([(u, 0_usize)]);
            let mut end = None;
            while let Some((v, depth)) = queue.pop_front() {
                let can = if borrow { size[&v] > min } else { size[&v] < max };
                if v != u && can {
                    end = Some(v);
                    break;
                }
                if depth == LONGEST_CHAIN {
                    continue;
                }
                for &w in near.get(&v).into_iter().flatten() {
                    came.entry(w).or_insert_with(|| {
                        queue.push_back((w, depth + 1));
                        v
                    });
                }
            }
            let mut chain = vec![end?];
            while let Some(&last) = chain.last().filter(|l| **l != u) {
                chain.push(*came.get(&last)?);
            }
            // From giver to taker.
            if !borrow {
                chain.reverse();
            }
            let (giver, taker) = (chain[0], *chain.last()?);
            *size.get_mut(&giver)? -= 1;
            *size.get_mut(&taker)? += 1;
            found.push(chain);
        }
        Some(found)
    }

    fn nearest_units(&self, open: &[u32], u: u32) -> Vec<u32> {
        let c = self.centre(u);
        let mut by: Vec<(f64, u32)> = open
            .iter()
            .filter(|v| **v != u)
            .map(|&v| {
                let d = self.centre(v);
                ((d[0] - c[0]).powi(2) + (d[1] - c[1]).powi(2), v)
            })
            .collect();
        by.sort_by(|a, b| a.0.total_cmp(&b.0));
        by.into_iter().take(NEIGHBOURS).map(|b| b.1).collect()
    }

    /// Hands one household on along each chain: each time the one that fits the next unit best.
    fn hand_on(&mut self, chains: &[Vec<u32>]) {
        for chain in chains {
            // The last hop first, so that nobody is handed on twice.
            for hop in chain.windows(2).rev() {
                let (from, to) = (hop[0], hop[1]);
                let (a, b) = (self.centre(from), self.centre(to));
                let d2 = |p: [f64; 2], q: [f64; 2]| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
                let best = self.members[from as usize]
                    .iter()
                    .copied()
                    .filter(|&r| self.may_go(from, r))
                    .map(|r| {
                        let p = self.draft.state.land.at(r);
                        // A leader goes only where all are equally well placed.
                        (d2(p, b) - d2(p, a), self.is_officer(from, r), r)
                    })
                    .min_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)).then(x.2.cmp(&y.2)));
                if let Some((_, _, r)) = best {
                    self.put(r, to);
                }
            }
        }
    }

    /// Where each member of a unit would go if it were dissolved: the nearest unit with room; `None` where room is missing.
    fn rooms(&self, place: (u32, u32), u: u32) -> Option<Vec<(u32, u32)>> {
        let max = self.bounds().1;
        let mut room: Vec<(u32, usize)> = self
            .open_units(place)
            .into_iter()
            .filter(|v| *v != u)
            .map(|v| (v, max.saturating_sub(self.members[v as usize].len())))
            .collect();
        let mut moves = Vec::new();
        for &r in &self.members[u as usize] {
            let p = self.draft.state.land.at(r);
            let to = room.iter_mut().filter(|v| v.1 > 0).min_by(|a, b| {
                let d2 = |v: u32| {
                    let c = self.centre(v);
                    (c[0] - p[0]).powi(2) + (c[1] - p[1]).powi(2)
                };
                d2(a.0).total_cmp(&d2(b.0))
            })?;
            to.1 -= 1;
            moves.push((r, to.0));
        }
        Some(moves)
    }

    /// Parts a unit: the `count` members on one end of its longer extent found a new one.
    fn split_off(&mut self, grid: u32, u: u32, count: usize) -> Done {
        let at = |r: u32| self.draft.state.land.at(r);
        let own = self.members[u as usize].clone();
        let spread = |i: usize| {
            let (lo, hi) =
                own.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &r| (l.min(at(r)[i]), h.max(at(r)[i])));
            hi - lo
        };
        let axis = usize::from(spread(1) > spread(0));
        let mut order: Vec<u32> = own.iter().copied().filter(|&r| self.may_go(u, r)).collect();
        order.sort_by(|&a, &b| at(a)[axis].total_cmp(&at(b)[axis]).then(a.cmp(&b)));
        // The end without the leader goes.
        let leader = own.iter().position(|&r| {
            self.draft.state.units[u as usize].leader.as_deref() == Some(self.draft.state.land.household_id(r))
        });
        if leader.and_then(|l| order.iter().position(|r| *r == own[l])).is_some_and(|i| i < order.len() / 2) {
            order.reverse();
        }
        let new = self.found(grid, None)?;
        for r in order.into_iter().take(count) {
            self.put(r, new);
        }
        Ok(())
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
