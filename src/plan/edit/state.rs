//! One village of a plan as it is being edited: rows on their land, and what follows from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::codes::{GridKind, parse_grid};
use crate::domain::plan::{Change, Changes, GridRow, Membership, Seat, UnitRow, VillageRows};
use crate::partition::check::{Breach, Polygons};
use crate::plan::job::PlanError;

use super::land::{Land, NONE, Terrain};

/// What keeps rows from being a plan of a village.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Rows and register do not speak of the same things.
    #[error(
        "方案与名册不符（{count} 处）：{chinese}；请先让方案“跟随名册”（lianhu plans absorb）\nplan and register differ in {count} places: {english}; let the plan “follow the register” first (lianhu plans absorb)"
    )]
    Differs {
        /// How many differences.
        count: usize,
        /// The first ones, in Chinese.
        chinese: String,
        /// The same in English.
        english: String,
    },
    /// A change does not fit the rows it is applied to.
    #[error("{row} 已不是修改前的样子 / {row} is no longer what the change starts from")]
    Stale {
        /// Key of the row.
        row: String,
    },
    /// No cells can be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// A difference between rows and register, in Chinese and in English.
pub(super) type Difference = (String, String);

impl StateError {
    /// Rows and register do not speak of the same things: the first of what they differ in is said.
    pub(super) fn differs(all: &[Difference]) -> Self {
        let first = || all.iter().take(5);
        let chinese = first().map(|(chinese, _)| chinese.as_str()).collect::<Vec<_>>().join("；");
        let english = first().map(|(_, english)| english.as_str()).collect::<Vec<_>>().join("; ");
        Self::Differs { count: all.len(), chinese, english }
    }

    pub(super) fn of_another_village(rows: &str, land: &str) -> Difference {
        (format!("方案的村 {rows} 不是 {land}"), format!("the plan's village {rows} is not {land}"))
    }
}

/// A village of a plan. A pure function of its land and its rows: equal rows make equal states, whatever led to them.
///
/// A unit row without members is a retired unit: it stays, so that its number is never given out again, as long as its grid lives
/// (the code of a retired grid is never given out again, and with it those of its units).
#[derive(Clone)]
pub struct VillageState {
    pub(super) land: Arc<Land>,
    pub(super) terrain: Arc<Terrain>,
    /// By code, while nothing is being edited; retired ones included.
    pub(super) grids: Vec<GridRow>,
    /// By code, while nothing is being edited; retired ones included.
    pub(super) units: Vec<UnitRow>,
    /// Grid of each building.
    pub(super) seat: Vec<u32>,
    /// Whether a building is locked.
    pub(super) pinned: Vec<bool>,
    /// Unit of each row; [`NONE`] for a row without households.
    pub(super) unit_of: Vec<u32>,
    /// Grid of each atom, derived: sites by their buildings, empty ground by its neighbours.
    pub(super) grid_of: Vec<u32>,
    /// Breaches of the rules that rows tell, by the grid they concern.
    pub(super) broken: BTreeMap<String, Vec<Breach>>,
    /// Breaches of the rules that shapes tell.
    pub(super) misshapen: Vec<Breach>,
}

impl VillageState {
    /// Rows on their land.
    ///
    /// # Errors
    /// Buildings without a seat, households without a unit, rows that the register does not know.
    pub fn new(land: Arc<Land>, rows: &VillageRows) -> Result<Self, StateError> {
        Self::read(land, None, rows)
    }

    fn read(land: Arc<Land>, terrain: Option<Arc<Terrain>>, rows: &VillageRows) -> Result<Self, StateError> {
        let mut differs: Vec<Difference> = Vec::new();
        if rows.village != land.code.as_str() {
            differs.push(StateError::of_another_village(&rows.village, land.code.as_str()));
        }
        let mut grids = rows.grids.clone();
        grids.sort_by(|a, b| a.code.cmp(&b.code));
        let mut units = rows.units.clone();
        units.sort_by(|a, b| a.code.cmp(&b.code));
        for pair in grids.windows(2).filter(|p| p[0].code == p[1].code) {
            differs.push((format!("网格 {} 重复", pair[0].code), format!("grid {} twice", pair[0].code)));
        }
        for pair in units.windows(2).filter(|p| p[0].code == p[1].code) {
            differs.push((format!("单元 {} 重复", pair[0].code), format!("unit {} twice", pair[0].code)));
        }
        let mut seat = vec![NONE; land.buildings()];
        let mut pinned = vec![false; land.buildings()];
        for s in &rows.seats {
            let grid = grids.binary_search_by(|g| g.code.as_str().cmp(&s.grid));
            match (land.find_building(&s.building), grid) {
                (Some(b), Ok(g)) if grids[g].valid_to.is_none() => {
                    if seat[b as usize] != NONE {
                        differs.push((format!("楼栋 {} 重复", s.building), format!("building {} twice", s.building)));
                    }
                    seat[b as usize] = g as u32;
                    pinned[b as usize] = s.locked;
                }
                (None, _) => differs.push((
                    format!("楼栋 {} 不在名册", s.building),
                    format!("building {} is not in the register", s.building),
                )),
                _ => differs.push((
                    format!("楼栋 {} 的网格 {} 不存在", s.building, s.grid),
                    format!("no grid {1} for building {0}", s.building, s.grid),
                )),
            }
        }
        for (b, _) in seat.iter().enumerate().filter(|(_, s)| **s == NONE) {
            differs.push((
                format!("楼栋 {} 没有网格", land.building_id(b as u32)),
                format!("building {} has no grid", land.building_id(b as u32)),
            ));
        }
        let mut unit_of = vec![NONE; land.table.len()];
        for m in &rows.memberships {
            let unit = units.binary_search_by(|u| u.code.as_str().cmp(&m.unit));
            match (land.find_row(&m.household).filter(|r| land.is_household(*r)), unit) {
                (Some(r), Ok(u)) => {
                    if unit_of[r as usize] != NONE {
                        differs.push((format!("户 {} 重复", m.household), format!("household {} twice", m.household)));
                    }
                    unit_of[r as usize] = u as u32;
                }
                (None, _) => differs.push((
                    format!("户 {} 不在名册", m.household),
                    format!("household {} is not in the register", m.household),
                )),
                (_, Err(_)) => differs.push((
                    format!("户 {} 的单元 {} 不存在", m.household, m.unit),
                    format!("no unit {1} for {0}", m.household, m.unit),
                )),
            }
        }
        for r in (0..land.table.len()).filter(|&r| unit_of[r] == NONE && land.is_household(r as u32)) {
            differs.push((
                format!("户 {} 没有单元", land.table.ids[r]),
                format!("household {} has no unit", land.table.ids[r]),
            ));
        }
        if !differs.is_empty() {
            return Err(StateError::differs(&differs));
        }
        Self::assembled(land, terrain, grids, units, seat, pinned, unit_of)
    }

    /// A state from its parts, on an old terrain where that still fits.
    pub(super) fn assembled(
        land: Arc<Land>,
        terrain: Option<Arc<Terrain>>,
        grids: Vec<GridRow>,
        units: Vec<UnitRow>,
        seat: Vec<u32>,
        pinned: Vec<bool>,
        unit_of: Vec<u32>,
    ) -> Result<Self, StateError> {
        let apart = apart(&land, &grids, &seat);
        let terrain = match terrain.filter(|t| t.apart == apart) {
            Some(t) => t,
            None => Arc::new(land.terrain(apart)?),
        };
        let mut state = Self {
            land,
            terrain,
            grids,
            units,
            seat,
            pinned,
            unit_of,
            grid_of: Vec::new(),
            broken: BTreeMap::new(),
            misshapen: Vec::new(),
        };
        state.derive();
        state.judge_all();
        Ok(state)
    }

    /// The land.
    #[must_use]
    pub fn land(&self) -> &Land {
        &self.land
    }

    /// The land, to be shared with other states.
    #[must_use]
    pub fn shared_land(&self) -> Arc<Land> {
        Arc::clone(&self.land)
    }

    /// Cells and adjacency under the grids.
    #[must_use]
    pub fn terrain(&self) -> &Terrain {
        &self.terrain
    }

    /// The grids in force, by code (level-1 grids included).
    pub fn list_grids(&self) -> impl Iterator<Item = &GridRow> {
        self.grids.iter().filter(|g| g.valid_to.is_none())
    }

    /// The grid of a building.
    #[must_use]
    pub fn find_grid_of(&self, building: &str) -> Option<&GridRow> {
        let b = self.land.find_building(building)?;
        self.grids.get(*self.seat.get(b as usize)? as usize)
    }

    /// The unit of a household.
    #[must_use]
    pub fn find_unit_of(&self, household: &str) -> Option<&UnitRow> {
        let r = self.land.find_row(household)?;
        self.units.get(*self.unit_of.get(r as usize)? as usize)
    }

    /// All rows, each list in the order of its key.
    #[must_use]
    pub fn rows(&self) -> VillageRows {
        let mut seats: Vec<Seat> = (0..self.seat.len()).map(|b| self.seat_row(b)).collect();
        seats.sort_by(|a, b| a.building.cmp(&b.building));
        let mut memberships: Vec<Membership> = (0..self.unit_of.len()).filter_map(|r| self.membership(r)).collect();
        memberships.sort_by(|a, b| a.household.cmp(&b.household));
        VillageRows {
            village: self.land.code.as_str().to_owned(),
            grids: self.grids.clone(),
            units: self.units.clone(),
            seats,
            memberships,
        }
    }

    pub(super) fn seat_row(&self, building: usize) -> Seat {
        Seat {
            building: self.land.building_id(building as u32).to_owned(),
            grid: self.grids.get(self.seat[building] as usize).map(|g| g.code.clone()).unwrap_or_default(),
            locked: self.pinned[building],
        }
    }

    pub(super) fn unit_code(&self, row: usize) -> Option<&str> {
        self.units.get(*self.unit_of.get(row)? as usize).map(|u| u.code.as_str())
    }

    pub(super) fn membership(&self, row: usize) -> Option<Membership> {
        let unit = self.units.get(self.unit_of[row] as usize)?;
        Some(Membership { household: self.land.table.ids[row].clone(), unit: unit.code.clone() })
    }

    /// The state after changes that were made elsewhere, or taken back (undo, redo).
    ///
    /// # Errors
    /// Where a row is no longer what the change starts from.
    pub fn with(&self, changes: &Changes) -> Result<Self, StateError> {
        let mut rows = self.rows();
        apply_changes(&mut rows, changes)?;
        Self::read(Arc::clone(&self.land), Some(Arc::clone(&self.terrain)), &rows)
    }

    /// Polygons of the grids in force (but level-1 ones) in the village's plane, by code: rings closed, exterior first.
    #[must_use]
    pub fn polygons(&self) -> Vec<(&str, Polygons)> {
        let mesh = &self.terrain.ground.mesh;
        mesh.dissolve(&self.grid_of, self.grids.len() as u32)
            .into_iter()
            .zip(&self.grids)
            .filter(|(_, g)| is_working(g))
            .map(|(p, g)| (g.code.as_str(), p))
            .collect()
    }

    /// Rows of households by unit.
    pub(super) fn members(&self) -> Vec<Vec<u32>> {
        let mut members = vec![Vec::new(); self.units.len()];
        for (r, &u) in self.unit_of.iter().enumerate() {
            if let Some(m) = members.get_mut(u as usize) {
                m.push(r as u32);
            }
        }
        members
    }

    /// Grid in which a row's building stands.
    pub(super) fn grid_of_row(&self, row: u32) -> u32 {
        self.land.table.building.of.get(row as usize).and_then(|b| self.seat.get(*b as usize)).copied().unwrap_or(NONE)
    }

    /// Households in each grid.
    pub(super) fn households(&self) -> Vec<u32> {
        let mut held = vec![0; self.grids.len()];
        for (b, &g) in self.seat.iter().enumerate() {
            if let Some(h) = held.get_mut(g as usize) {
                *h += self.land.households_in(b as u32);
            }
        }
        held
    }

    /// Buildings of a grid, ascending.
    pub(super) fn buildings_of(&self, grid: u32) -> Vec<u32> {
        (0..self.seat.len() as u32).filter(|&b| self.seat[b as usize] == grid).collect()
    }

    pub(super) fn find_slot(&self, code: &str) -> Option<u32> {
        self.grids.iter().position(|g| g.code == code).map(|i| i as u32)
    }

    pub(super) fn find_unit_slot(&self, code: &str) -> Option<u32> {
        self.units.iter().position(|u| u.code == code).map(|i| i as u32)
    }

    /// Lays the grids over the atoms: sites by their buildings, empty ground by its neighbours.
    pub(super) fn derive(&mut self) {
        let atoms = self.terrain.ground.graph.xy.len();
        let sites = self.land.village.sites.len();
        let mut of = vec![NONE; atoms];
        for (b, &site) in self.land.site_of_building.iter().enumerate() {
            // Two buildings on one site in two grids are refused; until then the first one counts.
            if of[site as usize] == NONE {
                of[site as usize] = self.seat[b];
            }
        }
        if atoms > sites {
            let dedicated: Vec<bool> = self.grids.iter().map(|g| g.kind == "dedicated").collect();
            super::empty_ground::share_out(&self.terrain, sites, &dedicated, &mut of);
        }
        self.grid_of = of;
    }

    /// Puts grids and units in the order of their codes.
    pub(super) fn sort(&mut self) {
        fn order<T>(rows: &mut Vec<T>, code: impl Fn(&T) -> &str, index: &mut [u32]) {
            if rows.is_sorted_by(|a, b| code(a) <= code(b)) {
                return;
            }
            let mut by: Vec<usize> = (0..rows.len()).collect();
            by.sort_by(|&a, &b| code(&rows[a]).cmp(code(&rows[b])));
            let mut new_of = vec![0; rows.len()];
            for (new, &old) in by.iter().enumerate() {
                new_of[old] = new as u32;
            }
            let mut taken: Vec<Option<T>> = std::mem::take(rows).into_iter().map(Some).collect();
            rows.extend(by.iter().filter_map(|&old| taken[old].take()));
            for i in index.iter_mut() {
                *i = new_of.get(*i as usize).copied().unwrap_or(NONE);
            }
        }
        order(&mut self.grids, |g| &g.code, &mut self.seat);
        order(&mut self.units, |u| &u.code, &mut self.unit_of);
    }
}

/// Whether a grid holds buildings: in force and not a village's level-1 grid.
pub(super) fn is_working(grid: &GridRow) -> bool {
    grid.valid_to.is_none() && grid.kind != "level1"
}

/// Number of each site's institution, by first appearance; [`NONE`] for sites of base grids.
pub(super) fn apart(land: &Land, grids: &[GridRow], seat: &[u32]) -> Vec<u32> {
    let mut of = vec![NONE; land.village.sites.len()];
    for (b, &site) in land.site_of_building.iter().enumerate() {
        let dedicated = grids.get(seat[b] as usize).is_some_and(|g| g.kind == "dedicated");
        if dedicated && of[site as usize] == NONE {
            of[site as usize] = seat[b];
        }
    }
    let mut seen = BTreeMap::new();
    for a in of.iter_mut().filter(|a| **a != NONE) {
        let fresh = seen.len() as u32;
        *a = *seen.entry(*a).or_insert(fresh);
    }
    of
}

/// Whether a code is that of a grid that stands in the balance.
pub(super) fn is_base(grid: &GridRow) -> bool {
    is_working(grid) && parse_grid(&grid.code).is_ok_and(|(_, k)| k == GridKind::Base)
}

/// Applies changes to rows: every row must be what its change starts from.
///
/// # Errors
/// The first row that is not; the rows are then partly changed and must be thrown away.
pub fn apply_changes(rows: &mut VillageRows, changes: &Changes) -> Result<(), StateError> {
    apply_list(&mut rows.grids, &changes.grids, |g| &g.code)?;
    apply_list(&mut rows.units, &changes.units, |u| &u.code)?;
    apply_list(&mut rows.seats, &changes.seats, |s| &s.building)?;
    apply_list(&mut rows.memberships, &changes.memberships, |m| &m.household)
}

fn apply_list<T: Clone + PartialEq>(
    rows: &mut Vec<T>,
    changes: &[Change<T>],
    key: fn(&T) -> &str,
) -> Result<(), StateError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut by: BTreeMap<String, T> = std::mem::take(rows).into_iter().map(|r| (key(&r).to_owned(), r)).collect();
    for c in changes {
        let Some(k) = c.before.as_ref().or(c.after.as_ref()).map(|r| key(r).to_owned()) else { continue };
        if by.get(&k) != c.before.as_ref() {
            return Err(StateError::Stale { row: k });
        }
        match &c.after {
            Some(row) => by.insert(k, row.clone()),
            None => by.remove(&k),
        };
    }
    rows.extend(by.into_values());
    Ok(())
}

/// What differs between two states of one land, each list in the order of its key.
pub(super) fn difference(before: &VillageState, after: &VillageState) -> Changes {
    let mut seats: Vec<Change<Seat>> = Vec::new();
    let same_grid =
        |a: u32, b: u32| before.grids.get(a as usize).map(|g| &g.code) == after.grids.get(b as usize).map(|g| &g.code);
    for b in 0..after.seat.len() {
        if !same_grid(before.seat[b], after.seat[b]) || before.pinned[b] != after.pinned[b] {
            seats.push(Change { before: Some(before.seat_row(b)), after: Some(after.seat_row(b)) });
        }
    }
    seats.sort_by(|a, b| a.after.as_ref().map(|s| &s.building).cmp(&b.after.as_ref().map(|s| &s.building)));
    let mut memberships: Vec<Change<Membership>> = Vec::new();
    for r in 0..after.unit_of.len() {
        if before.unit_code(r) != after.unit_code(r) {
            memberships.push(Change { before: before.membership(r), after: after.membership(r) });
        }
    }
    let household = |c: &Change<Membership>| c.after.as_ref().or(c.before.as_ref()).map(|m| m.household.clone());
    memberships.sort_by_key(household);
    Changes {
        grids: changed(&before.grids, &after.grids, |g| &g.code),
        units: changed(&before.units, &after.units, |u| &u.code),
        seats,
        memberships,
    }
}

/// What differs between two lists in the order of their keys.
pub(super) fn changed<T: Clone + PartialEq>(before: &[T], after: &[T], key: fn(&T) -> &str) -> Vec<Change<T>> {
    let mut changes = Vec::new();
    let (mut i, mut j) = (0, 0);
    loop {
        let order = match (before.get(i), after.get(j)) {
            (None, None) => return changes,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => key(a).cmp(key(b)),
        };
        let (a, b) = match order {
            std::cmp::Ordering::Less => (before.get(i), None),
            std::cmp::Ordering::Greater => (None, after.get(j)),
            std::cmp::Ordering::Equal => (before.get(i), after.get(j)),
        };
        i += usize::from(a.is_some());
        j += usize::from(b.is_some());
        if a != b {
            changes.push(Change { before: a.cloned(), after: b.cloned() });
        }
    }
}
