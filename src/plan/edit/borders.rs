//! Edits of borders: buildings change hands, grids are merged, made and ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::plan::GridRow;

use super::apply::{Done, Draft};
use super::judge::{some_of, working_slot};
use super::land::NONE;
use super::operation::{LockTarget, Operation, Reason, ReasonKind};
use super::settle::Book;
use super::state::{is_base, is_working};

/// Numbers of base and of dedicated grids.
const BASE: std::ops::RangeInclusive<u32> = 1..=899;
const DEDICATED: std::ops::RangeInclusive<u32> = 901..=999;

impl Draft {
    pub(super) fn transfer(&mut self, buildings: &[String], to: &str) -> Done {
        let to_slot = working_slot(&self.state, to)?;
        let moving = self.movable(buildings, Some(to_slot))?;
        if moving.is_empty() {
            return Ok(());
        }
        let mut reasons = Vec::new();
        if self.state.grids[to_slot as usize].locked {
            reasons.push(Reason::locked("网格", to, LockTarget::Grid(to.to_owned())));
        }
        let givers: BTreeSet<u32> = moving.iter().map(|&b| self.state.seat[b as usize]).collect();
        for g in givers {
            if self.state.buildings_of(g).iter().all(|b| moving.contains(b)) {
                let giver = &self.state.grids[g as usize];
                let code = giver.code.clone();
                let base = is_base(giver) && is_base(&self.state.grids[to_slot as usize]);
                let remedy = if base {
                    Operation::MergeGrids { grids: vec![to.to_owned(), code.clone()] }
                } else {
                    Operation::RetireDedicated { grid: code.clone(), into: Some(to.to_owned()) }
                };
                reasons.push(
                    Reason::new(
                        ReasonKind::Empty,
                        [code.clone()],
                        format!("网格 {code} 将没有楼栋 / grid {code} would have no building left"),
                    )
                    .first(format!("请改用合并或撤销网格 {code} / merge or retire grid {code} instead"), [remedy]),
                );
            }
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        self.reseat(&moving, to_slot)
    }

    /// The buildings that are not yet in the grid, each with those on the same site; every lock in the way is named.
    fn movable(&self, buildings: &[String], to: Option<u32>) -> Result<BTreeSet<u32>, Vec<Reason>> {
        let s = &self.state;
        let mut moving = BTreeSet::new();
        let mut reasons = Vec::new();
        for id in buildings {
            let Some(b) = s.land.find_building(id) else {
                let mut reason = Reason::unknown("楼栋", id, s.land.code.as_str());
                reason.rule = Some("H1".to_owned());
                reasons.push(reason);
                continue;
            };
            if Some(s.seat[b as usize]) != to {
                moving.insert(b);
            }
        }
        for &b in &moving {
            let companions: Vec<String> = s
                .land
                .buildings_at
                .neighbours_of(s.land.site_of_building[b as usize])
                .iter()
                .filter(|o| **o != b && !moving.contains(o) && s.seat[**o as usize] == s.seat[b as usize])
                .map(|&o| s.land.building_id(o).to_owned())
                .collect();
            let id = s.land.building_id(b).to_owned();
            if !companions.is_empty() {
                let list = some_of(&companions);
                reasons.push(
                    Reason::new(
                        ReasonKind::Invalid,
                        std::iter::once(id.clone()).chain(companions.iter().cloned()),
                        format!("楼栋 {id} 与 {list} 在同一位置，不能分开 / building {id} stands at the same place as {list}: they go together"),
                    )
                    .first(format!("请一并选中 {list} / choose {list} too"), []),
                );
            }
            let grid = &s.grids[s.seat[b as usize] as usize];
            if s.pinned[b as usize] {
                reasons.push(Reason::locked("楼栋", &id, LockTarget::Building(id.clone())));
            }
            if grid.locked {
                reasons.push(Reason::locked("网格", &grid.code, LockTarget::Grid(grid.code.clone())));
            }
        }
        reasons.dedup();
        if reasons.is_empty() { Ok(moving) } else { Err(reasons) }
    }

    /// Seats buildings in a grid and settles the units concerned.
    pub(super) fn reseat(&mut self, buildings: &BTreeSet<u32>, to: u32) -> Done {
        for &b in buildings {
            self.state.seat[b as usize] = to;
        }
        self.resettle(buildings)
    }

    /// After seats of buildings changed: ground, grids, units.
    pub(super) fn resettle(&mut self, buildings: &BTreeSet<u32>) -> Done {
        self.lay_out()?;
        let rows: Vec<u32> = buildings
            .iter()
            .flat_map(|&b| self.state.land.rows_of_building.neighbours_of(b))
            .copied()
            .filter(|&r| self.state.unit_of[r as usize] != NONE)
            .collect();
        let mut book = Book::open(self);
        book.relocate(&rows)?;
        book.settle()
    }

    /// Opens a grid under a number never given out in the village.
    pub(super) fn open_grid(
        &mut self,
        kind: &str,
        name: String,
        predecessors: Vec<String>,
    ) -> Result<u32, Vec<Reason>> {
        let range = if kind == "dedicated" { DEDICATED } else { BASE };
        let taken: BTreeSet<u32> = self
            .state
            .grids
            .iter()
            .filter_map(|g| g.code.get(12..)?.parse().ok())
            .filter(|n| range.contains(n))
            .collect();
        let next = taken.last().map_or(*range.start(), |n| n + 1);
        let number = if range.contains(&next) { Some(next) } else { range.clone().find(|n| !taken.contains(n)) };
        let Some(number) = number else {
            let village = self.state.land.code.as_str();
            return Err(vec![Reason::new(
                ReasonKind::CodesExhausted,
                [village.to_owned()],
                format!("村 {village} 的网格编码已用完 / village {village} has given out all its grid numbers"),
            )]);
        };
        self.state.grids.push(GridRow {
            code: self.state.land.code.grid(number),
            name,
            kind: kind.to_owned(),
            locked: false,
            valid_from: self.today.clone(),
            valid_to: None,
            predecessors,
        });
        Ok(self.state.grids.len() as u32 - 1)
    }

    fn retire(&mut self, grid: u32, heir: u32) {
        let today = self.today.clone();
        let row = &mut self.state.grids[grid as usize];
        row.valid_to = Some(today);
        row.locked = false;
        let code = row.code.clone();
        let predecessors = &mut self.state.grids[heir as usize].predecessors;
        if !predecessors.contains(&code) {
            predecessors.push(code);
        }
    }

    pub(super) fn unlocked(&self, grid: u32) -> Done {
        let row = &self.state.grids[grid as usize];
        if row.locked {
            Err(vec![Reason::locked("网格", &row.code, LockTarget::Grid(row.code.clone()))])
        } else {
            Ok(())
        }
    }

    pub(super) fn merge(&mut self, grids: &[String]) -> Done {
        let mut slots: Vec<u32> = Vec::new();
        let mut reasons = Vec::new();
        for code in grids {
            match working_slot(&self.state, code) {
                Err(r) => reasons.extend(r),
                Ok(g) => {
                    if !is_base(&self.state.grids[g as usize]) {
                        reasons.push(
                            Reason::new(
                                ReasonKind::Invalid,
                                [code.clone()],
                                format!("专属网格 {code} 不能合并 / the dedicated grid {code} cannot be merged"),
                            )
                            .first(
                                format!("请改为撤销网格 {code} / retire grid {code} instead"),
                                [Operation::RetireDedicated { grid: code.clone(), into: None }],
                            ),
                        );
                    }
                    if let Err(r) = self.unlocked(g) {
                        reasons.extend(r);
                    }
                    if !slots.contains(&g) {
                        slots.push(g);
                    }
                }
            }
        }
        if reasons.is_empty() && slots.len() < 2 {
            reasons.push(Reason::new(
                ReasonKind::Invalid,
                grids.to_vec(),
                "合并需要至少两个网格 / merging takes two grids at least",
            ));
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        self.are_neighbours(&slots)?;
        let held = self.state.households();
        let keeper = slots.iter().copied().max_by(|&a, &b| {
            held[a as usize]
                .cmp(&held[b as usize])
                .then_with(|| self.state.grids[b as usize].code.cmp(&self.state.grids[a as usize].code))
        });
        let Some(keeper) = keeper else { return Ok(()) };
        let mut moving = BTreeSet::new();
        for &g in slots.iter().filter(|g| **g != keeper) {
            let own = self.state.buildings_of(g);
            if let Some(&b) = own.iter().find(|b| self.state.pinned[**b as usize]) {
                let id = self.state.land.building_id(b).to_owned();
                reasons.push(Reason::locked("楼栋", &id, LockTarget::Building(id.clone())));
            }
            moving.extend(own);
            self.retire(g, keeper);
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        self.reseat(&moving, keeper)
    }

    /// Whether grids hang together by their borders.
    fn are_neighbours(&self, slots: &[u32]) -> Done {
        let s = &self.state;
        let adjacency = &s.terrain.ground.graph.adjacency;
        let mut touch: BTreeSet<(u32, u32)> = BTreeSet::new();
        for v in 0..s.grid_of.len() as u32 {
            for &u in adjacency.neighbours_of(v) {
                touch.insert((s.grid_of[v as usize], s.grid_of[u as usize]));
            }
        }
        let reach = |allowed: &dyn Fn(u32) -> bool| {
            let mut reached = vec![slots[0]];
            let mut at = 0;
            while at < reached.len() {
                let next: Vec<u32> = touch
                    .range((reached[at], 0)..=(reached[at], u32::MAX))
                    .map(|p| p.1)
                    .filter(|g| allowed(*g) && !reached.contains(g))
                    .collect();
                reached.extend(next);
                at += 1;
            }
            reached
        };
        let joined = reach(&|g| slots.contains(&g));
        let Some(&lonely) = slots.iter().find(|g| !joined.contains(g)) else { return Ok(()) };
        let code = |g: u32| s.grids.get(g as usize).map(|g| g.code.clone()).unwrap_or_default();
        let across = reach(&|_| true).contains(&lonely);
        let between: Vec<String> = touch
            .range((lonely, 0)..=(lonely, u32::MAX))
            .map(|p| p.1)
            .filter(|g| joined.iter().any(|j| touch.contains(&(*g, *j))) && is_base(&s.grids[*g as usize]))
            .map(code)
            .collect();
        let reason = Reason::new(
            ReasonKind::NotNeighbours,
            [code(slots[0]), code(lonely)],
            format!(
                "网格 {0} 与 {1} 不相邻，不能合并 / grids {0} and {1} do not touch and cannot become one",
                code(slots[0]),
                code(lonely)
            ),
        );
        let reason = if !across {
            reason.first("它们被硬障碍或飞地隔开 / hard barriers or an exclave part them", [])
        } else if between.is_empty() {
            reason.first("请先合并它们之间的网格 / merge the grids between them first", [])
        } else {
            let mut all: Vec<String> = slots.iter().map(|&g| code(g)).collect();
            all.extend(between.iter().take(1).cloned());
            reason.first(
                format!("请把它们之间的网格 {0} 一并合并 / merge grid {0} between them too", between[0]),
                [Operation::MergeGrids { grids: all }],
            )
        };
        Err(vec![reason])
    }

    pub(super) fn create_dedicated(&mut self, buildings: &[String], name: &str) -> Done {
        if buildings.is_empty() || name.trim().is_empty() {
            return Err(vec![Reason::new(
                ReasonKind::Invalid,
                buildings.to_vec(),
                "专属网格需要楼栋和名称 / a dedicated grid needs buildings and a name",
            )]);
        }
        let moving = self.movable(buildings, None)?;
        let givers: BTreeSet<u32> = moving.iter().map(|&b| self.state.seat[b as usize]).collect();
        for &g in &givers {
            if self.state.buildings_of(g).iter().all(|b| moving.contains(b)) {
                let code = self.state.grids[g as usize].code.clone();
                return Err(vec![
                    Reason::new(
                        ReasonKind::Empty,
                        [code.clone()],
                        format!("网格 {code} 将没有楼栋 / grid {code} would have no building left"),
                    )
                    .first(format!("请先给网格 {code} 划入其他楼栋 / give grid {code} other buildings first"), []),
                ]);
            }
        }
        let predecessors = givers.iter().map(|&g| self.state.grids[g as usize].code.clone()).collect();
        let grid = self.open_grid("dedicated", name.trim().to_owned(), predecessors)?;
        self.reseat(&moving, grid)
    }

    pub(super) fn retire_dedicated(&mut self, grid: &str, into: Option<&str>) -> Done {
        let slot = working_slot(&self.state, grid)?;
        if is_base(&self.state.grids[slot as usize]) {
            return Err(vec![
                Reason::new(
                    ReasonKind::Invalid,
                    [grid.to_owned()],
                    format!("网格 {grid} 不是专属网格 / grid {grid} is not a dedicated one"),
                )
                .first("请改用合并 / merge it instead", []),
            ]);
        }
        self.unlocked(slot)?;
        let heir = match into {
            Some(code) => {
                let g = working_slot(&self.state, code)?;
                if g == slot {
                    return Err(vec![Reason::new(
                        ReasonKind::Invalid,
                        [grid.to_owned()],
                        "不能并入自身 / a grid cannot join itself",
                    )]);
                }
                Some(g)
            }
            None => self.longest_border(slot),
        };
        let Some(heir) = heir else {
            return Err(vec![Reason::new(
                ReasonKind::NotNeighbours,
                [grid.to_owned()],
                format!(
                    "网格 {grid} 没有未锁定的相邻基础网格 / grid {grid} has no neighbouring base grid that is not locked"
                ),
            )]);
        };
        self.unlocked(heir)?;
        let own = self.state.buildings_of(slot);
        if let Some(&b) = own.iter().find(|b| self.state.pinned[**b as usize]) {
            let id = self.state.land.building_id(b).to_owned();
            return Err(vec![Reason::locked("楼栋", &id, LockTarget::Building(id.clone()))]);
        }
        self.retire(slot, heir);
        self.reseat(&own.into_iter().collect(), heir)
    }

    /// The unlocked base grid with the longest border to a grid.
    fn longest_border(&self, grid: u32) -> Option<u32> {
        let s = &self.state;
        let graph = &s.terrain.ground.graph;
        let mut shared: BTreeMap<u32, f64> = BTreeMap::new();
        for v in (0..s.grid_of.len()).filter(|&v| s.grid_of[v] == grid) {
            for e in graph.adjacency.row(v as u32) {
                let g = s.grid_of[graph.adjacency.neighbours[e] as usize];
                if g != grid && s.grids.get(g as usize).is_some_and(|g| is_base(g) && is_working(g) && !g.locked) {
                    *shared.entry(g).or_default() += graph.border_m[e];
                }
            }
        }
        shared.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|s| s.0)
    }
}
