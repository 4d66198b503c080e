//! The dynamic ledger (动态台账): a plan is brought onto a new register, and only units that become illegal are formed anew.
//!
//! 1. What the register no longer has leaves the plan; a unit keeps everyone else.
//! 2. A new building joins the grid in whose cell it falls: that of the nearest neighbouring building. Where pulling down cut a grid in
//!    pieces, the lighter piece joins the neighbour with the longest border.
//! 3. New households join the nearest unit with room; units beyond the bounds are mended as after any edit (`settle`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::domain::Households;
use crate::domain::plan::{Changes, VillageRows};
use crate::partition::check::Breach;

use super::apply::Draft;
use super::compare::rows_difference;
use super::figures::{Figures, Moved};
use super::land::{Land, NONE};
use super::operation::Reason;
use super::settle::Book;
use super::state::{StateError, VillageState, is_base, is_working};

/// Rounds of joining pieces.
const MOST_PIECES: usize = 256;

/// What a new register did to a plan.
#[derive(Clone)]
pub struct Absorbed {
    /// The village on the new register.
    pub state: VillageState,
    /// What changed against the old rows.
    pub changes: Changes,
    /// Breaches the village has now (locks and codes that ran out can leave some).
    pub problems: Vec<Breach>,
    /// Codes of the grids touched.
    pub touched: Vec<String>,
    /// How much.
    pub count: LedgerCount,
    /// Figures after.
    pub after: Figures,
    /// What else the planner should know, Chinese then English.
    pub notes: Vec<String>,
}

/// Numbers of a ledger update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LedgerCount {
    /// Households that are new.
    pub arrived: u32,
    /// Households that are gone.
    pub departed: u32,
    /// Buildings that are new.
    pub buildings_new: u32,
    /// Buildings that are gone.
    pub buildings_gone: u32,
    /// Households that were there before and are now in another unit.
    pub others_moved: u32,
    /// Households that were there before and are now in another grid.
    pub others_in_other_grid: u32,
}

/// Brings an edited village onto a new register of the same village.
///
/// # Errors
/// A register no cells can be made of.
pub fn absorb(state: &VillageState, register: Households, today: &str) -> Result<Absorbed, StateError> {
    absorb_rows(Arc::new(state.land.with_register(register)?), &state.rows(), today)
}

/// Brings the rows of a village onto its land with a new register; the old register is not needed.
///
/// # Errors
/// Rows of another village, or without any grid in force.
pub fn absorb_rows(land: Arc<Land>, rows: &VillageRows, today: &str) -> Result<Absorbed, StateError> {
    let mut count = LedgerCount::default();
    let (state, newcomers, bereft) = carry_over(land, rows, &mut count)?;
    let before = state.clone();
    let mut draft = Draft { state, today: today.to_owned(), notes: Vec::new() };
    draft.join_pieces();
    draft.retire_empty_grids();
    let settled = settle_people(&mut draft, newcomers, &bereft);
    if let Err(reasons) = settled {
        // Codes ran out or a lock stands in the way: the draft says so and keeps what could be done.
        draft.notes.extend(reasons.iter().map(|r| format!("{} {}", r.message, r.first)));
    }
    draft.drop_units_of_retired_grids();
    let mut state = draft.state;
    state.sort();
    state.derive();
    state.judge_all();
    let changes = rows_difference(rows, &state.rows());
    let moved = moved_of(rows, &before, &state);
    count.others_moved = moved.unit;
    count.others_in_other_grid = moved.grid;
    Ok(Absorbed {
        problems: state.known_problems(),
        touched: changes.touched_grids(),
        after: state.figures(),
        notes: draft.notes,
        changes,
        count,
        state,
    })
}

/// The rows that the register still has, new buildings seated; newcomers, and units that lost someone.
fn carry_over(
    land: Arc<Land>,
    rows: &VillageRows,
    count: &mut LedgerCount,
) -> Result<(VillageState, Vec<u32>, BTreeSet<u32>), StateError> {
    if rows.village != land.code.as_str() {
        return Err(StateError::differs(&[StateError::of_another_village(&rows.village, land.code.as_str())]));
    }
    let (mut grids, mut units) = (rows.grids.clone(), rows.units.clone());
    grids.sort_by(|a, b| a.code.cmp(&b.code));
    units.sort_by(|a, b| a.code.cmp(&b.code));
    let mut seat = vec![NONE; land.buildings()];
    let mut pinned = vec![false; land.buildings()];
    for s in &rows.seats {
        let Some(b) = land.find_building(&s.building) else {
            count.buildings_gone += 1;
            continue;
        };
        if let Ok(g) = grids.binary_search_by(|g| g.code.as_str().cmp(&s.grid)) {
            seat[b as usize] = g as u32;
            pinned[b as usize] = s.locked;
        }
    }
    if seat.iter().all(|s| *s == NONE) {
        let none = ("没有一栋楼在方案中".to_owned(), "no building of the register is in the plan".to_owned());
        return Err(StateError::differs(&[none]));
    }
    count.buildings_new = seat.iter().filter(|s| **s == NONE).count() as u32;
    let mut unit_of = vec![NONE; land.table.len()];
    let mut bereft = BTreeSet::new();
    for m in &rows.memberships {
        let unit = units.binary_search_by(|u| u.code.as_str().cmp(&m.unit)).ok().map(|u| u as u32);
        match (land.find_row(&m.household).filter(|r| land.is_household(*r)), unit) {
            (Some(r), Some(u)) => unit_of[r as usize] = u,
            (None, u) => {
                count.departed += 1;
                bereft.extend(u);
            }
            (Some(_), None) => {}
        }
    }
    let newcomers: Vec<u32> =
        (0..land.table.len() as u32).filter(|&r| unit_of[r as usize] == NONE && land.is_household(r)).collect();
    count.arrived = newcomers.len() as u32;
    let terrain = land.terrain(super::state::apart(&land, &grids, &seat))?;
    let dedicated: Vec<bool> = grids.iter().map(|g| g.kind == "dedicated").collect();
    seat_new_buildings(&land, &terrain.ground.graph.adjacency, &dedicated, &mut seat);
    let state = VillageState::assembled(land, Some(Arc::new(terrain)), grids, units, seat, pinned, unit_of)?;
    Ok((state, newcomers, bereft))
}

/// Seats new buildings: with another building of their site, else with the nearest neighbour; households never with an institution
/// where a base grid is near.
fn seat_new_buildings(land: &Land, adjacency: &crate::graph::Csr, dedicated: &[bool], seat: &mut [u32]) {
    let sites = land.village.sites.len();
    let mut of = vec![NONE; sites];
    for (b, &site) in land.site_of_building.iter().enumerate() {
        if of[site as usize] == NONE {
            of[site as usize] = seat[b];
        }
    }
    let lived_in: Vec<bool> = (0..sites as u32)
        .map(|s| land.buildings_at.neighbours_of(s).iter().any(|&b| land.households_in(b) > 0))
        .collect();
    let is_dedicated = |g: u32| dedicated.get(g as usize).copied().unwrap_or(false);
    for choosy in [true, false] {
        loop {
            let mut found: Vec<(usize, u32)> = Vec::new();
            for s in (0..sites).filter(|&s| of[s] == NONE) {
                let here = land.village.sites[s];
                let nearest = adjacency
                    .neighbours_of(s as u32)
                    .iter()
                    .filter_map(|&n| Some((land.village.sites.get(n as usize)?.distance2_m2(here), of[n as usize])))
                    .filter(|(_, g)| *g != NONE && !(choosy && lived_in[s] && is_dedicated(*g)))
                    .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                if let Some((_, g)) = nearest {
                    found.push((s, g));
                }
            }
            if found.is_empty() {
                break;
            }
            for (s, g) in found {
                of[s] = g;
            }
        }
    }
    // Ground that barriers cut off from every old building: the nearest one all the same; the check says what is wrong with it.
    let seated: Vec<usize> = (0..sites).filter(|&s| of[s] != NONE).collect();
    for s in (0..sites).filter(|&s| of[s] == NONE).collect::<Vec<_>>() {
        let here = land.village.sites[s];
        let nearest = seated.iter().min_by(|&&a, &&b| {
            land.village.sites[a].distance2_m2(here).total_cmp(&land.village.sites[b].distance2_m2(here))
        });
        of[s] = nearest.map_or(NONE, |&n| of[n]);
    }
    for (b, &site) in land.site_of_building.iter().enumerate() {
        if seat[b] == NONE {
            seat[b] = of[site as usize];
        }
    }
}

/// Newcomers join, who lives in another grid now changes, units that lost someone are looked at.
fn settle_people(draft: &mut Draft, newcomers: Vec<u32>, bereft: &BTreeSet<u32>) -> Result<(), Vec<Reason>> {
    let mut book = Book::open(draft);
    for &u in bereft {
        book.touch(u);
    }
    let movers: Vec<u32> = book.strangers();
    let mut all = newcomers;
    let mut free = Vec::new();
    for r in movers {
        // The register moved them, or pulling down did: a lock cannot hold them.
        if book.is_locked_in(r) {
            book.put(r, NONE);
            all.push(r);
        } else {
            free.push(r);
        }
    }
    book.relocate(&free)?;
    book.join(all)?;
    book.settle()
}

/// Households of the old rows that are elsewhere now.
fn moved_of(rows: &VillageRows, before: &VillageState, after: &VillageState) -> Moved {
    let mut moved = Moved::between(before, after);
    // A building that changed its grid by itself is told by the old rows alone.
    let old: BTreeMap<&str, &str> = rows.seats.iter().map(|s| (s.building.as_str(), s.grid.as_str())).collect();
    let was: BTreeMap<&str, &str> = rows.memberships.iter().map(|m| (m.household.as_str(), m.unit.as_str())).collect();
    moved.grid = (0..after.unit_of.len() as u32)
        .filter(|&r| {
            let (Some(unit), Some(now)) =
                (was.get(after.land.household_id(r)), after.grids.get(after.grid_of_row(r) as usize))
            else {
                return false;
            };
            let by_building = after.land.table.building.get(r as usize).and_then(|b| old.get(b)).copied();
            by_building.or(unit.get(..15)) != Some(now.code.as_str())
        })
        .count() as u32;
    moved
}

impl Draft {
    /// Lighter pieces of grids join the neighbour with the longest border; locked ones and
    /// institutions stay and are a problem of the draft.
    fn join_pieces(&mut self) {
        for _ in 0..MOST_PIECES {
            let Some((buildings, to)) = self.find_stray() else { return };
            for b in buildings {
                self.state.seat[b as usize] = to;
            }
            self.state.derive();
        }
    }

    fn find_stray(&self) -> Option<(Vec<u32>, u32)> {
        let s = &self.state;
        let t = &s.terrain;
        let graph = &t.ground.graph;
        let sites = s.land.village.sites.len();
        let (piece, pieces) = graph.adjacency.components_where(|a, b| {
            s.grid_of[a as usize] == s.grid_of[b as usize] && t.outline_part[a as usize] == t.outline_part[b as usize]
        });
        let mut weight = vec![(0_u64, 0_u64); pieces as usize];
        let mut of = vec![(NONE, NONE); pieces as usize];
        for (v, &p) in piece.iter().enumerate() {
            let w = &mut weight[p as usize];
            *w = (w.0 + u64::from(graph.households[v]), w.1 + u64::from(v < sites));
            of[p as usize] = (s.grid_of[v], t.outline_part[v]);
        }
        let mut main: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for p in 0..pieces {
            let m = main.entry(of[p as usize]).or_insert(p);
            if weight[p as usize] > weight[*m as usize] {
                *m = p;
            }
        }
        let mut strays: Vec<u32> =
            (0..pieces).filter(|p| main.get(&of[*p as usize]) != Some(p) && weight[*p as usize].1 > 0).collect();
        strays.sort_by_key(|&p| (weight[p as usize], p));
        for p in strays {
            let atoms: Vec<u32> = (0..piece.len() as u32).filter(|&v| piece[v as usize] == p).collect();
            let mut buildings: Vec<u32> = atoms
                .iter()
                .filter(|v| (**v as usize) < sites)
                .flat_map(|&v| s.land.buildings_at.neighbours_of(v).iter().copied())
                .collect();
            buildings.sort_unstable();
            let home = of[p as usize].0;
            let held = s.grids.get(home as usize).is_none_or(|g| g.locked || !is_base(g))
                || buildings.iter().any(|&b| {
                    s.pinned[b as usize]
                        || s.land.rows_of_building.neighbours_of(b).iter().any(|&r| {
                            s.units.get(s.unit_of[r as usize] as usize).is_some_and(|u| u.locked || u.officers_locked)
                        })
                });
            if held {
                continue;
            }
            let mut shared: BTreeMap<u32, f64> = BTreeMap::new();
            for &v in &atoms {
                for e in graph.adjacency.row(v) {
                    let g = s.grid_of[graph.adjacency.neighbours[e] as usize];
                    if g != home && s.grids.get(g as usize).is_some_and(|g| is_base(g) && !g.locked) {
                        *shared.entry(g).or_default() += graph.border_m[e];
                    }
                }
            }
            if let Some((&to, _)) = shared.iter().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0))) {
                return Some((buildings, to));
            }
        }
        None
    }

    /// A grid whose last building was pulled down ends.
    fn retire_empty_grids(&mut self) {
        let mut held = vec![false; self.state.grids.len()];
        for &g in &self.state.seat {
            if let Some(h) = held.get_mut(g as usize) {
                *h = true;
            }
        }
        for (g, held) in self.state.grids.iter_mut().zip(held) {
            if is_working(g) && !held {
                g.valid_to = Some(self.today.clone());
                g.locked = false;
                self.notes
                    .push(format!("网格 {0} 已无楼栋，停用 / grid {0} has no building left and is retired", g.code));
            }
        }
    }
}
