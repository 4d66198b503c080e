//! Balance from the grids as they are: a few buildings at the borders change hands, everything else stays.
//!
//! 1. The grid farthest beyond the tolerance gives to (or takes from) a neighbour, alone or in exchange; a surplus the neighbour cannot
//!    keep is handed on, through up to eight grids. A chain counts when the sum of households beyond the tolerance falls; otherwise all
//!    of it is taken back. Among chains, few households away from their old grid and short borders are preferred (S6, S4).
//! 2. Few buildings in few grids are enumerated instead: least excess, then fewest households moved, is then the best there is.
//!
//! Frozen atoms count and connect, but never move. Contiguity is tested on the whole grid, so every grid stays one piece.

use std::collections::{BTreeMap, BTreeSet};

use crate::partition::grids::AtomGraph;

/// Chains tried in all.
const CHAINS: usize = 2_000;
/// Grids a surplus may be handed through before it must find room.
const LENGTHS: [usize; 4] = [1, 2, 4, 8];
/// Transfers followed at each grid of a chain, and in all chains of one length.
const BRANCHES: usize = 6;
const SEARCHED: usize = 400;
/// Candidates whose contiguity is tested before a step gives up.
const TRIED: usize = 60;
/// What a household away from its old grid costs against one beyond the tolerance, when candidates are ranked.
const AWAY: f64 = 0.1;
/// What a border as long as a mean grid's side costs against one household beyond the tolerance.
const BORDER: f64 = 2.0;
/// Assignments enumerated at most.
const ENUMERATED: u64 = 60_000;

/// Grids being balanced.
pub(super) struct Shift {
    pub(super) graph: AtomGraph,
    /// Grid of each atom, first and now.
    origin: Vec<u32>,
    pub(super) part: Vec<u32>,
    /// Atoms that never move.
    frozen: Vec<bool>,
    /// Households each grid should have, and the share they may deviate.
    mean: Vec<f64>,
    tolerance: f64,
    sum: Vec<f64>,
    members: Vec<BTreeSet<u32>>,
    /// Atoms that may leave, by grid: the last building never does.
    built: Vec<bool>,
    buildings: Vec<u32>,
    scale_m: f64,
}

/// One or two atoms changing hands between a grid and a neighbour.
struct Step {
    moves: Vec<(u32, u32)>,
    other: u32,
    excess: f64,
    value: f64,
}

impl Shift {
    /// `built`: atoms with a building; others are empty ground and stay where they are.
    pub(super) fn new(
        graph: AtomGraph,
        part: Vec<u32>,
        frozen: Vec<bool>,
        built: Vec<bool>,
        mean: Vec<f64>,
        tolerance: f64,
    ) -> Self {
        let k = mean.len();
        let (mut sum, mut members, mut buildings) = (vec![0.0; k], vec![BTreeSet::new(); k], vec![0; k]);
        for (v, &p) in part.iter().enumerate() {
            sum[p as usize] += f64::from(graph.households[v]);
            members[p as usize].insert(v as u32);
            buildings[p as usize] += u32::from(built[v]);
        }
        let scale_m = (graph.area_m2.iter().sum::<f64>() / k.max(1) as f64).sqrt().max(1.0);
        Self { origin: part.clone(), graph, part, frozen, mean, tolerance, sum, members, built, buildings, scale_m }
    }

    /// Grid of each atom at first.
    pub(super) fn origin(&self) -> &[u32] {
        &self.origin
    }

    /// Greatest deviation from the mean.
    pub(super) fn deviation(&self) -> f64 {
        self.deviation_of(&self.sum)
    }

    fn deviation_of(&self, sum: &[f64]) -> f64 {
        sum.iter().zip(&self.mean).filter(|(_, m)| **m > 0.0).map(|(s, m)| (s / m - 1.0).abs()).fold(0.0, f64::max)
    }

    /// Balances as far as it can.
    pub(super) fn run(&mut self) {
        if self.excess_in_all() <= 0.0 {
            return;
        }
        if let Some(part) = self.best_of_all() {
            for (v, p) in (0_u32..).zip(part) {
                self.put(v, p);
            }
            return;
        }
        self.hand_over();
    }

    /// Hands surpluses on along chains, the worst grid first.
    pub(super) fn hand_over(&mut self) {
        let k = self.mean.len();
        let mut gave_up = vec![false; k];
        for _ in 0..CHAINS {
            let worst = (0..k)
                .filter(|&g| !gave_up[g] && self.excess(g, self.sum[g]) > 0.0)
                .max_by(|&a, &b| self.excess(a, self.sum[a]).total_cmp(&self.excess(b, self.sum[b])).then(b.cmp(&a)));
            let Some(worst) = worst else { break };
            let done = LENGTHS.iter().any(|&length| {
                let mut budget = SEARCHED;
                self.hand_on(worst, 0.0, length, &mut Vec::new(), &mut budget)
            });
            if done {
                gave_up.fill(false);
            } else {
                gave_up[worst] = true;
            }
        }
        self.bring_home();
    }

    /// Households by which a grid lies beyond the tolerance.
    fn excess(&self, g: usize, households: f64) -> f64 {
        ((households - self.mean[g]).abs() - self.tolerance * self.mean[g] - 1e-9).max(0.0)
    }

    fn excess_in_all(&self) -> f64 {
        (0..self.mean.len()).map(|g| self.excess(g, self.sum[g])).sum()
    }

    fn put(&mut self, v: u32, to: u32) {
        let from = self.part[v as usize];
        if from == to {
            return;
        }
        let h = f64::from(self.graph.households[v as usize]);
        self.sum[from as usize] -= h;
        self.sum[to as usize] += h;
        self.members[from as usize].remove(&v);
        self.members[to as usize].insert(v);
        let built = u32::from(self.built[v as usize]);
        self.buildings[from as usize] -= built;
        self.buildings[to as usize] += built;
        self.part[v as usize] = to;
    }

    fn touches(&self, v: u32, g: u32) -> bool {
        self.graph.adjacency.neighbours_of(v).iter().any(|&u| self.part[u as usize] == g)
    }

    /// Whether a grid stays as whole as it is without one of its atoms.
    fn may_leave(&self, v: u32) -> bool {
        let g = self.part[v as usize];
        if self.frozen[v as usize] || !self.built[v as usize] || self.buildings[g as usize] < 2 {
            return false;
        }
        let own: Vec<u32> =
            self.graph.adjacency.neighbours_of(v).iter().copied().filter(|&u| self.part[u as usize] == g).collect();
        let Some(&first) = own.first() else { return true };
        let mut missing: BTreeSet<u32> = own[1..].iter().copied().collect();
        let mut seen = BTreeSet::from([v, first]);
        let mut stack = vec![first];
        while let Some(x) = stack.pop() {
            if missing.is_empty() {
                return true;
            }
            for &u in self.graph.adjacency.neighbours_of(x) {
                if self.part[u as usize] == g && seen.insert(u) {
                    missing.remove(&u);
                    stack.push(u);
                }
            }
        }
        missing.is_empty()
    }

    /// Change of border length and of households away from their old grid when an atom moves.
    fn cost(&self, v: u32, to: u32) -> f64 {
        let from = self.part[v as usize];
        let mut longer_m = 0.0;
        for e in self.graph.adjacency.row(v) {
            let p = self.part[self.graph.adjacency.neighbours[e] as usize];
            let m = self.graph.border_m[e] + self.scale_m * self.graph.soft.get(e).copied().unwrap_or(0.0);
            longer_m += if p == from {
                m
            } else if p == to {
                -m
            } else {
                0.0
            };
        }
        let home = self.origin[v as usize];
        let away = f64::from(self.graph.households[v as usize])
            * (f64::from(u8::from(to != home)) - f64::from(u8::from(from != home)));
        BORDER * longer_m / self.scale_m + AWAY * away
    }

    fn hand_on(&mut self, at: usize, sum: f64, length: usize, visited: &mut Vec<usize>, budget: &mut usize) -> bool {
        visited.push(at);
        let mut list = self.steps(at, visited);
        if length <= 1 {
            list.retain(|t| sum + t.excess < -1e-9);
        }
        list.sort_by(|a, b| a.value.total_cmp(&b.value).then_with(|| a.moves.cmp(&b.moves)));
        let mut followed = 0;
        for t in list.into_iter().take(TRIED) {
            if followed == BRANCHES || *budget == 0 {
                break;
            }
            let Some(undo) = self.make(&t.moves) else { continue };
            followed += 1;
            *budget -= 1;
            let reached = sum + t.excess;
            if reached < -1e-9 || (length > 1 && self.hand_on(t.other as usize, reached, length - 1, visited, budget)) {
                return true;
            }
            for (v, home) in undo.into_iter().rev() {
                self.put(v, home);
            }
        }
        visited.pop();
        false
    }

    /// Carries moves out one after the other, or none of them.
    fn make(&mut self, moves: &[(u32, u32)]) -> Option<Vec<(u32, u32)>> {
        let mut undo = Vec::new();
        for &(v, to) in moves {
            if !self.touches(v, to) || !self.may_leave(v) {
                for (v, home) in undo.into_iter().rev() {
                    self.put(v, home);
                }
                return None;
            }
            undo.push((v, self.part[v as usize]));
            self.put(v, to);
        }
        Some(undo)
    }

    /// All transfers and exchanges between a grid and neighbours not yet visited that do not leave it further out.
    fn steps(&self, grid: usize, visited: &[usize]) -> Vec<Step> {
        let over = self.sum[grid] > self.mean[grid];
        let mut sides: BTreeMap<u32, (BTreeSet<u32>, BTreeSet<u32>)> = BTreeMap::new();
        for &v in &self.members[grid] {
            for &u in self.graph.adjacency.neighbours_of(v) {
                let p = self.part[u as usize];
                if p as usize != grid && !visited.contains(&(p as usize)) {
                    let s = sides.entry(p).or_default();
                    if !self.frozen[v as usize] && self.built[v as usize] {
                        s.0.insert(v);
                    }
                    if !self.frozen[u as usize] && self.built[u as usize] {
                        s.1.insert(u);
                    }
                }
            }
        }
        let mut list = Vec::new();
        for (other, (mine, theirs)) in sides {
            let o = other as usize;
            let (h, g) = (self.sum[grid], self.sum[o]);
            let before = self.excess(grid, h) + self.excess(o, g);
            let (giver, taker, from, to) =
                if over { (&mine, &theirs, grid as u32, other) } else { (&theirs, &mine, other, grid as u32) };
            let sign = if over { 1.0 } else { -1.0 };
            let mut offer = |moves: Vec<(u32, u32)>, net: f64, cost: f64| {
                let (mine, others) = (self.excess(grid, h - sign * net), self.excess(o, g + sign * net));
                if mine < self.excess(grid, h) - 1e-9 {
                    let excess = mine + others - before;
                    list.push(Step { moves, other, excess, value: excess + mine + cost });
                }
            };
            let back: Vec<(u32, f64, f64)> =
                taker.iter().map(|&x| (x, f64::from(self.graph.households[x as usize]), self.cost(x, from))).collect();
            for &v in giver {
                let out = f64::from(self.graph.households[v as usize]);
                let cost = self.cost(v, to);
                if out > 0.0 {
                    offer(vec![(v, to)], out, cost);
                }
                for &(x, h, c) in &back {
                    if out > h {
                        offer(vec![(v, to), (x, from)], out - h, cost + c);
                    }
                }
            }
        }
        list
    }

    /// Atoms that may return to their old grid without harm do.
    fn bring_home(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for v in 0..self.part.len() as u32 {
                let (here, home) = (self.part[v as usize] as usize, self.origin[v as usize] as usize);
                if here == home || !self.touches(v, home as u32) {
                    continue;
                }
                let h = f64::from(self.graph.households[v as usize]);
                let before = self.excess(here, self.sum[here]) + self.excess(home, self.sum[home]);
                let after = self.excess(here, self.sum[here] - h) + self.excess(home, self.sum[home] + h);
                if after <= before + 1e-9 && self.may_leave(v) {
                    self.put(v, home as u32);
                    again = true;
                }
            }
        }
    }

    /// The best of all assignments of the atoms that may move, where these are few; `None` where they are many.
    fn best_of_all(&self) -> Option<Vec<u32>> {
        let free: Vec<u32> =
            (0..self.part.len() as u32).filter(|&v| !self.frozen[v as usize] && self.built[v as usize]).collect();
        let k = self.mean.len() as u64;
        let mut number = 1_u64;
        for _ in &free {
            number = number.saturating_mul(k);
            if number > ENUMERATED {
                return None;
            }
        }
        let pieces_now = self.pieces(&self.part);
        let mut best: Option<((f64, f64, f64), Vec<u32>)> = None;
        let mut part = self.part.clone();
        for code in 0..number {
            let mut rest = code;
            for &v in &free {
                part[v as usize] = (rest % k) as u32;
                rest /= k;
            }
            let mut sum = vec![0.0; self.mean.len()];
            let mut buildings = vec![0_u32; self.mean.len()];
            let mut away = 0.0;
            for (v, &p) in part.iter().enumerate() {
                let h = f64::from(self.graph.households[v]);
                sum[p as usize] += h;
                buildings[p as usize] += u32::from(self.built[v]);
                away += if p == self.origin[v] { 0.0 } else { h };
            }
            let over = (self.deviation_of(&sum) - self.tolerance).max(0.0);
            let over = if over < 1e-9 { 0.0 } else { over };
            let value = (over, away, 0.0);
            if buildings.contains(&0)
                || best.as_ref().is_some_and(|b| value.partial_cmp(&b.0) == Some(std::cmp::Ordering::Greater))
            {
                continue;
            }
            let value = (over, away, self.cut_m(&part));
            if best.as_ref().is_some_and(|b| value.partial_cmp(&b.0) != Some(std::cmp::Ordering::Less)) {
                continue;
            }
            if self.pieces(&part) <= pieces_now {
                best = Some((value, part.clone()));
            }
        }
        best.map(|b| b.1)
    }

    fn pieces(&self, part: &[u32]) -> u32 {
        self.graph.adjacency.components_where(|a, b| part[a as usize] == part[b as usize]).1
    }

    fn cut_m(&self, part: &[u32]) -> f64 {
        (0..part.len() as u32)
            .flat_map(|v| self.graph.adjacency.row(v).map(move |e| (v, e)))
            .filter(|&(v, e)| part[v as usize] != part[self.graph.adjacency.neighbours[e] as usize])
            .map(|(_, e)| self.graph.border_m[e] / 2.0)
            .sum()
    }
}
