//! What is wrong with a village: the full `check`, the same judgement of touched grids alone, and what to do first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::plan::UnitRow;
use crate::domain::{Divide, Profile};
use crate::graph::Csr;
use crate::partition::check::{
    Breach, GridFacts, HouseholdFacts, PlanFacts, Rule, UnitFacts, UnitSizes, VillageFacts, check,
};
use crate::partition::leaders::NO_ELIGIBLE_CANDIDATE;
use crate::plan::make::grid_rules;
use crate::plan::named::find_labels;

use super::land::NONE;
use super::operation::{Operation, Reason, ReasonKind};
use super::state::{VillageState, is_base, is_working};

/// Legal sizes and officers by a profile.
pub(super) fn sizes(profile: &Profile) -> UnitSizes {
    UnitSizes { min: profile.unit.min, max: profile.unit.max, deputies: profile.unit.deputies }
}

impl VillageState {
    /// Every breach of H1–H11, by the one function that judges plans. A draft with any cannot be published.
    #[must_use]
    pub fn problems(&self) -> Vec<Breach> {
        check(&self.facts())
    }

    /// The breaches known from judging what edits touched; the same as [`Self::problems`] by rule and ids, at the cost of the
    /// touched grids alone.
    #[must_use]
    pub fn known_problems(&self) -> Vec<Breach> {
        let mut all: Vec<Breach> = self.broken.values().flatten().chain(&self.misshapen).cloned().collect();
        all.sort_by(|a, b| (a.rule, &a.ids).cmp(&(b.rule, &b.ids)));
        all
    }

    /// The village as plain facts, shapes included.
    #[must_use]
    pub fn facts(&self) -> PlanFacts {
        let mut facts = self.told_by_rows(None);
        let ground = &self.terrain.ground;
        if let Some(v) = facts.villages.first_mut() {
            v.outline = ground.outline.clone().unwrap_or_default();
            v.barriers.clone_from(&ground.barriers);
        }
        let mut polygons: BTreeMap<&str, _> = self.polygons().into_iter().collect();
        for g in &mut facts.grids {
            g.polygons = polygons.remove(g.code.as_str()).unwrap_or_default();
        }
        for (row, h) in facts.households.iter_mut().enumerate() {
            h.at = Some(self.land.at(row as u32));
        }
        facts
    }

    /// Facts without shapes, of some grids or of all.
    fn told_by_rows(&self, only: Option<&BTreeSet<u32>>) -> PlanFacts {
        let wanted = |g: u32| only.is_none_or(|o| o.contains(&g));
        let held = self.households();
        let deviations = self.deviations();
        let slot: BTreeMap<&str, u32> = (0..).zip(&self.grids).map(|(i, g)| (g.code.as_str(), i)).collect();
        let households: Vec<HouseholdFacts> = (0..self.land.table.len() as u32)
            .filter_map(|r| {
                let g = self.grid_of_row(r);
                wanted(g).then(|| HouseholdFacts {
                    id: self.land.household_id(r).to_owned(),
                    building: self.land.table.building.get(r as usize).unwrap_or_default().to_owned(),
                    village: 0,
                    grid: self.grids.get(g as usize).map(|g| g.code.clone()).unwrap_or_default(),
                    unit: self.units.get(self.unit_of[r as usize] as usize).map(|u| u.code.clone()).unwrap_or_default(),
                    counts: self.land.is_household(r),
                    at: None,
                })
            })
            .collect();
        let mut used = vec![false; self.units.len()];
        for &u in &self.unit_of {
            if let Some(used) = used.get_mut(u as usize) {
                *used = true;
            }
        }
        PlanFacts {
            villages: vec![VillageFacts { code: self.land.code.as_str().to_owned(), ..VillageFacts::default() }],
            grids: self
                .grids
                .iter()
                .enumerate()
                .filter(|(i, g)| g.valid_to.is_none() && wanted(*i as u32))
                .map(|(i, g)| GridFacts {
                    code: g.code.clone(),
                    village: 0,
                    kind: g.kind.clone(),
                    polygons: Vec::new(),
                    households: held[i],
                    deviation: deviations.get(i).copied().flatten(),
                })
                .collect(),
            units: self
                .units
                .iter()
                .zip(used)
                .zip(self.vacancies())
                .filter(|((u, used), _)| {
                    let grid = u.code.get(..15).unwrap_or_default();
                    *used && (only.is_none() || slot.get(grid).is_some_and(|g| wanted(*g)))
                })
                .map(|((u, _), vacancy)| UnitFacts {
                    code: u.code.clone(),
                    grid: u.code.get(..15).unwrap_or_default().to_owned(),
                    leader: u.leader.clone(),
                    deputies: u.deputies.clone(),
                    exception: u.exception.clone(),
                    vacancy,
                })
                .collect(),
            households,
            unit_rules: Some(sizes(&self.land.profile)),
            written: None,
        }
    }

    /// Why nobody leads a unit, for each unit without a leader in which nobody is eligible.
    fn vacancies(&self) -> Vec<Option<String>> {
        let mut none = vec![self.land.table.eligible.is_some(); self.units.len()];
        if let Some(eligible) = &self.land.table.eligible {
            for (&u, _) in self.unit_of.iter().zip(eligible).filter(|(_, may)| **may) {
                if let Some(n) = none.get_mut(u as usize) {
                    *n = false;
                }
            }
        }
        let listed =
            |(u, none): (&UnitRow, bool)| (none && u.leader.is_none()).then(|| NO_ELIGIBLE_CANDIDATE.to_owned());
        self.units.iter().zip(none).map(listed).collect()
    }

    /// Households ÷ mean of the base grids of its component − 1, for each base grid.
    pub(super) fn deviations(&self) -> Vec<Option<f64>> {
        let (component, _) = self.terrain.ground.graph.adjacency.components();
        let mut at = vec![NONE; self.grids.len()];
        for (v, &g) in self.grid_of.iter().enumerate() {
            if let Some(a) = at.get_mut(g as usize).filter(|a| **a == NONE) {
                *a = component[v];
            }
        }
        let held = self.households();
        let mut sums: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for (i, g) in self.grids.iter().enumerate().filter(|(_, g)| is_base(g)) {
            debug_assert!(g.valid_to.is_none());
            let s = sums.entry(at[i]).or_default();
            *s = (s.0 + u64::from(held[i]), s.1 + 1);
        }
        (0..self.grids.len())
            .map(|i| {
                let (sum, n) = sums.get(&at[i]).filter(|_| is_base(&self.grids[i]))?;
                (*sum > 0).then(|| f64::from(held[i]) * *n as f64 / *sum as f64 - 1.0)
            })
            .collect()
    }

    /// Whether grids of this village are made by balance. Where the rows name them (a hamlet, a group, a large building, the village
    /// itself) no number of households is right or wrong.
    pub(super) fn is_balanced(&self) -> bool {
        let (rules, ground) = (grid_rules(&self.land.profile), &self.terrain.ground);
        let free: Vec<u32> = (0..).zip(&ground.fixed_of).filter(|(_, f)| f.is_none()).map(|(v, _)| v).collect();
        let named = |divide: Divide| find_labels(&self.land.table, ground, &free, divide, rules.building_min).is_some();
        let mut ways = [rules.divide, rules.otherwise].into_iter().take_while(|d| *d != Divide::Balance);
        !ways.any(named)
    }

    pub(super) fn judge_all(&mut self) {
        let all = (0..self.grids.len() as u32).collect();
        self.broken.clear();
        self.judge(&all);
    }

    /// Judges some grids anew, and all shapes.
    pub(super) fn judge(&mut self, touched: &BTreeSet<u32>) {
        let mut set = touched.clone();
        if set.len() < self.grids.len() {
            self.close(&mut set);
        }
        let facts = self.told_by_rows(Some(&set));
        let breaches = check(&facts);
        let codes: BTreeSet<&str> = set.iter().map(|&g| self.grids[g as usize].code.as_str()).collect();
        self.broken.retain(|code, _| !codes.contains(code.as_str()) && self.grids.iter().any(|g| g.code == *code));
        for b in breaches {
            let grid = |id: &String| {
                let by_code = id.get(..15).filter(|c| codes.contains(*c)).map(str::to_owned);
                by_code.or_else(|| {
                    let row = self.land.find_row(id)?;
                    self.grids.get(self.grid_of_row(row) as usize).map(|g| g.code.clone())
                })
            };
            let key = b.ids.iter().find_map(grid).or_else(|| codes.first().map(|c| (*c).to_owned()));
            self.broken.entry(key.unwrap_or_default()).or_default().push(b);
        }
        self.misshapen = self.judge_shapes();
    }

    /// Adds the grids whose units and households are mixed up with those of the set: they can be judged together alone.
    fn close(&self, set: &mut BTreeSet<u32>) {
        let slot: BTreeMap<&str, u32> = (0..).zip(&self.grids).map(|(i, g)| (g.code.as_str(), i)).collect();
        let home: Vec<u32> =
            self.units.iter().map(|u| u.code.get(..15).and_then(|c| slot.get(c)).copied().unwrap_or(NONE)).collect();
        loop {
            let before = set.len();
            for (r, &u) in self.unit_of.iter().enumerate() {
                let Some(&h) = home.get(u as usize) else { continue };
                let g = self.grid_of_row(r as u32);
                if g != h && h != NONE && (set.contains(&g) || set.contains(&h)) {
                    set.extend([g, h]);
                }
            }
            if set.len() == before {
                return;
            }
        }
    }

    /// H3 and H11 by the graphs they are judged on: cells of this mesh cannot overlap, leave gaps or reach beyond the village.
    fn judge_shapes(&self) -> Vec<Breach> {
        let mut breaches = Vec::new();
        let t = &self.terrain;
        let (piece, pieces) = t.touching.components_where(|a, b| self.same_grid(a, b));
        let mut first = vec![NONE; pieces as usize];
        for (v, &p) in piece.iter().enumerate() {
            if first[p as usize] == NONE {
                first[p as usize] = v as u32;
            }
        }
        let mut per_part: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for &v in &first {
            let part = if t.ground.outline.is_some() { t.outline_part[v as usize] } else { 0 };
            *per_part.entry((self.grid_of[v as usize], part)).or_default() += 1;
        }
        let broken: BTreeSet<u32> = per_part.iter().filter(|(_, n)| **n > 1).map(|(k, _)| k.0).collect();
        for g in broken {
            if let Some(row) = self.grids.get(g as usize) {
                breaches.push(Breach {
                    rule: Rule::H3,
                    ids: vec![row.code.clone()],
                    message: "不连片 / in several pieces".to_owned(),
                });
            }
        }
        if let Some((closed, open)) = &self.land.across {
            let (cut, free) = (self.site_pieces(closed), self.site_pieces(open));
            for (g, n) in cut {
                if n > free.get(&g).copied().unwrap_or(1)
                    && let Some(row) = self.grids.get(g as usize)
                {
                    breaches.push(Breach {
                        rule: Rule::H11,
                        ids: vec![row.code.clone()],
                        message:
                            "网格跨越硬障碍（河流、铁路等） / the grid reaches across a hard barrier without a bridge"
                                .to_owned(),
                    });
                }
            }
        }
        breaches
    }

    fn site_pieces(&self, graph: &Csr) -> BTreeMap<u32, usize> {
        let (piece, _) = graph.components_where(|a, b| self.same_grid(a, b));
        let mut of: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for (s, &p) in piece.iter().enumerate() {
            of.entry(self.grid_of[s]).or_default().insert(p);
        }
        of.into_iter().map(|(g, p)| (g, p.len())).collect()
    }

    fn same_grid(&self, a: u32, b: u32) -> bool {
        self.grid_of[a as usize] == self.grid_of[b as usize]
    }

    /// The reasons behind new breaches, with the way out.
    pub(super) fn explain(&self, before: &Self, breaches: &[Breach]) -> Vec<Reason> {
        breaches
            .iter()
            .map(|b| {
                let mut reason = match b.rule {
                    Rule::H3 | Rule::H11 => self.explain_pieces(before, b),
                    _ => self.explain_rule(b),
                };
                reason.rule = Some(format!("{:?}", b.rule));
                reason
            })
            .collect()
    }

    fn explain_rule(&self, b: &Breach) -> Reason {
        let message = format!("{:?} {}：{}", b.rule, b.ids.join(", "), b.message);
        let reason = Reason::new(ReasonKind::Rule, b.ids.iter().cloned(), message);
        let code = b.ids.first().cloned().unwrap_or_default();
        match b.rule {
            Rule::H7 => {
                let grid = code.get(..15).unwrap_or_default().to_owned();
                reason.first(
                    format!(
                        "请先从邻近单元调入或调出住户，或重组网格 {grid} 的单元 / first move households between {code} and a neighbouring unit, or re-form the units of grid {grid}"
                    ),
                    [Operation::ReformUnits { grid, seed: 0, rounds: 20 }],
                )
            }
            Rule::H6 => {
                let row = b.ids.last().and_then(|id| self.land.find_row(id));
                let building = row.and_then(|r| self.land.table.building.get(r as usize)).unwrap_or_default();
                let to = code.get(..15).unwrap_or_default().to_owned();
                reason.first(
                    format!(
                        "请先把楼栋 {building} 划给网格 {to} / first give building {building} to grid {to}"
                    ),
                    [Operation::TransferBuildings { buildings: vec![building.to_owned()], to }],
                )
            }
            Rule::H8 => reason.first(
                format!("请为单元 {code} 从其成员中选定联户长和副联户长 / choose leader and deputies of unit {code} among its members"),
                [],
            ),
            _ => reason,
        }
    }

    /// A grid in pieces: what would be cut off and who could take it, or what lies between.
    fn explain_pieces(&self, before: &Self, b: &Breach) -> Reason {
        let code = b.ids.first().cloned().unwrap_or_default();
        let Some(grid) = self.find_slot(&code) else { return self.explain_rule(b) };
        let adjacency = &self.terrain.ground.graph.adjacency;
        let atoms: Vec<u32> = (0..self.grid_of.len() as u32).filter(|&v| self.grid_of[v as usize] == grid).collect();
        let (piece, _) = adjacency.components_where(|a, b| self.same_grid(a, b));
        let mut weight: BTreeMap<u32, (u64, std::cmp::Reverse<u32>)> = BTreeMap::new();
        for &v in &atoms {
            let w = weight.entry(piece[v as usize]).or_insert((0, std::cmp::Reverse(piece[v as usize])));
            w.0 += u64::from(self.terrain.ground.graph.households[v as usize]) * 1_000_000 + 1;
        }
        let Some(main) = weight.iter().max_by_key(|w| w.1).map(|w| *w.0) else { return self.explain_rule(b) };
        let sites = self.land.village.sites.len() as u32;
        let stray: Vec<u32> = atoms.iter().copied().filter(|&v| piece[v as usize] != main && v < sites).collect();
        let names = |sites: &[u32]| -> Vec<String> {
            let mut ids: Vec<String> = sites
                .iter()
                .flat_map(|&s| self.land.buildings_at.neighbours_of(s))
                .map(|&b| self.land.building_id(b).to_owned())
                .collect();
            ids.sort_unstable();
            ids
        };
        let stray_ids = names(&stray);
        let ids = std::iter::once(code.clone()).chain(stray_ids.iter().cloned());
        let old = before.find_slot(&code);
        let came = stray
            .iter()
            .any(|&s| self.land.buildings_at.neighbours_of(s).iter().any(|&b| Some(before.seat[b as usize]) != old));
        let shown = some_of(&stray_ids);
        if came {
            let way = self.way_between(&atoms, &piece, main);
            let between: Vec<u32> = way.iter().copied().filter(|v| *v < sites).collect();
            let between = names(&between);
            let reason = Reason::new(
                ReasonKind::CutOff,
                ids,
                format!("网格 {code} 与楼栋 {shown} 不相连 / grid {code} does not touch building {shown}"),
            );
            if way.is_empty() {
                return reason
                    .first("它们之间没有可通行的地块（河流、铁路等） / no ground without a barrier leads there", []);
            }
            if between.is_empty() {
                return reason.first(
                    "它们之间只有空地，且属于别的网格 / only empty ground that other grids need lies between",
                    [],
                );
            }
            let list = some_of(&between);
            return reason.first(
                format!(
                    "请先把中间的楼栋 {list} 划给网格 {code} / give the buildings between, {list}, to grid {code} first"
                ),
                [Operation::TransferBuildings { buildings: between, to: code }],
            );
        }
        let mut shared: BTreeMap<u32, f64> = BTreeMap::new();
        let graph = &self.terrain.ground.graph;
        for &v in &stray {
            for e in graph.adjacency.row(v) {
                let g = self.grid_of[graph.adjacency.neighbours[e] as usize];
                if g != grid && self.grids.get(g as usize).is_some_and(|g| !g.locked && is_base(g)) {
                    *shared.entry(g).or_default() += graph.border_m[e];
                }
            }
        }
        let taker = shared.iter().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0))).map(|t| *t.0);
        let reason = Reason::new(
            ReasonKind::CutOff,
            ids,
            format!("楼栋 {shown} 会与网格 {code} 断开 / building {shown} would be cut off from grid {code}"),
        );
        match taker.and_then(|t| self.grids.get(t as usize)) {
            Some(t) => reason.first(
                format!(
                    "请先把楼栋 {shown} 划给网格 {0} / give building {shown} to grid {0} first: they would be cut off",
                    t.code
                ),
                [Operation::TransferBuildings { buildings: stray_ids, to: t.code.clone() }],
            ),
            None => reason,
        }
    }

    /// Atoms on the shortest way from the main piece of a grid to another of its pieces, over other grids that are not locked.
    fn way_between(&self, atoms: &[u32], piece: &[u32], main: u32) -> Vec<u32> {
        let adjacency = &self.terrain.ground.graph.adjacency;
        let Some(&any) = atoms.first() else { return Vec::new() };
        let grid = self.grid_of[any as usize];
        let mut came: BTreeMap<u32, u32> = BTreeMap::new();
        let mut queue: VecDeque<u32> = atoms.iter().copied().filter(|&v| piece[v as usize] == main).collect();
        while let Some(v) = queue.pop_front() {
            for &u in adjacency.neighbours_of(v) {
                if piece[u as usize] == main || came.contains_key(&u) {
                    continue;
                }
                came.insert(u, v);
                if self.grid_of[u as usize] == grid {
                    let mut way = Vec::new();
                    let mut at = v;
                    while piece[at as usize] != main {
                        way.push(at);
                        match came.get(&at) {
                            Some(&next) => at = next,
                            None => break,
                        }
                    }
                    return way;
                }
                queue.push_back(u);
            }
        }
        Vec::new()
    }
}

/// Some ids for a sentence.
pub(super) fn some_of(ids: &[String]) -> String {
    let mut text = ids.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
    if ids.len() > 6 {
        text.push_str(&format!(" …（{}）", ids.len()));
    }
    text
}

/// Whether the state has the grid at all and it can hold buildings.
pub(super) fn working_slot(state: &VillageState, code: &str) -> Result<u32, Vec<Reason>> {
    match state.find_slot(code) {
        Some(g) if is_working(&state.grids[g as usize]) => Ok(g),
        Some(_) => Err(vec![Reason::new(
            ReasonKind::Invalid,
            [code.to_owned()],
            format!("网格 {code} 已停用或为一级网格 / grid {code} is retired or a level-1 grid"),
        )]),
        None => Err(vec![Reason::unknown("网格", code, state.land.code.as_str())]),
    }
}
