//! A grid becomes several: along a drawn line, or into so many of about equal households.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use crate::partition::effort::{Effort, drive};
use crate::partition::grids::{GridsOptions, GridsSolver};

use super::apply::{Done, Draft};
use super::judge::working_slot;
use super::operation::{LockTarget, Reason, ReasonKind, SplitBy};
use super::state::is_base;

/// Rounds of the solver when a grid is split by count.
const SPLIT_ROUNDS: u32 = 20;
/// Points of a drawn line.
const MOST_POINTS: usize = 10_000;

impl Draft {
    pub(super) fn split(&mut self, grid: &str, by: &SplitBy) -> Done {
        let slot = working_slot(&self.state, grid)?;
        if !is_base(&self.state.grids[slot as usize]) {
            return Err(vec![Reason::new(
                ReasonKind::Invalid,
                [grid.to_owned()],
                format!("专属网格 {grid} 不能拆分 / the dedicated grid {grid} cannot be split"),
            )]);
        }
        self.unlocked(slot)?;
        let atoms: Vec<u32> =
            (0..self.state.grid_of.len() as u32).filter(|&v| self.state.grid_of[v as usize] == slot).collect();
        let part = match by {
            SplitBy::Line(line) => self.sides(grid, &atoms, line)?,
            SplitBy::Count(count) => self.shares(grid, &atoms, *count)?,
        };
        // Buildings of each part; parts of empty ground alone are none.
        let mut parts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (&v, &p) in atoms.iter().zip(&part) {
            if (v as usize) < self.state.land.village.sites.len() {
                parts.entry(p).or_default().extend(self.state.land.buildings_at.neighbours_of(v));
            }
        }
        let mut parts: Vec<Vec<u32>> = parts.into_values().collect();
        if parts.len() < 2 {
            return Err(vec![
                Reason::new(
                    ReasonKind::Line,
                    [grid.to_owned()],
                    format!("网格 {grid} 的楼栋都在一侧 / all buildings of grid {grid} lie on one side"),
                )
                .first("请让线穿过楼栋之间，从边到边 / draw the line between buildings, from border to border", []),
            ]);
        }
        let held = |p: &Vec<u32>| p.iter().map(|&b| self.state.land.households_in(b)).sum::<u32>();
        // The larger part keeps the number: most households, then most buildings, then the first building.
        parts.sort_by(|a, b| held(b).cmp(&held(a)).then(b.len().cmp(&a.len())).then(a.cmp(b)));
        let pinned: Vec<Reason> = parts[1..]
            .iter()
            .flatten()
            .filter(|b| self.state.pinned[**b as usize])
            .map(|&b| {
                let id = self.state.land.building_id(b).to_owned();
                Reason::locked("楼栋", &id, LockTarget::Building(id.clone()))
            })
            .collect();
        if !pinned.is_empty() {
            return Err(pinned);
        }
        let mut moving = BTreeSet::new();
        for p in parts.into_iter().skip(1) {
            let new = self.open_grid("base", String::new(), vec![grid.to_owned()])?;
            for b in p {
                self.state.seat[b as usize] = new;
                moving.insert(b);
            }
        }
        self.resettle(&moving)
    }

    /// Sides of a drawn line: what hangs together without crossing it. A line that ends inside the grid is carried on to its border.
    fn sides(&self, grid: &str, atoms: &[u32], line: &[[f64; 2]]) -> Result<Vec<u32>, Vec<Reason>> {
        let bad = |message: String, first: &str| {
            vec![Reason::new(ReasonKind::Line, [grid.to_owned()], message).first(first, [])]
        };
        if line.len() < 2 || line.len() > MOST_POINTS || line.iter().flatten().any(|v| !v.is_finite()) {
            return Err(bad(
                format!("线需要 2–{MOST_POINTS} 个有效的点 / a line has 2 to {MOST_POINTS} usable points"),
                "请重新画线 / draw the line again",
            ));
        }
        let graph = self.state.terrain.ground.graph.restricted_to(atoms);
        let mut local: Vec<[f64; 2]> = line.iter().map(|&c| self.state.land.village.frame.to_local(c)).collect();
        for carried_on in [false, true] {
            if carried_on {
                carry_on(&mut local, &graph.xy);
            }
            let crosses = |a: u32, b: u32| {
                let (p, q) = (graph.xy[a as usize], graph.xy[b as usize]);
                local.windows(2).filter(|s| cross(p, q, s[0], s[1])).count() % 2 == 1
            };
            let (mut side, sides) = graph.adjacency.components_where(|a, b| !crosses(a, b));
            // Empty ground that the line cuts off joins whom it touches.
            let mut built = vec![false; sides as usize];
            for (i, &v) in atoms.iter().enumerate() {
                built[side[i] as usize] |= (v as usize) < self.state.land.village.sites.len();
            }
            for i in 0..side.len() {
                if !built[side[i] as usize]
                    && let Some(&u) =
                        graph.adjacency.neighbours_of(i as u32).iter().find(|u| built[side[**u as usize] as usize])
                {
                    side[i] = side[u as usize];
                }
            }
            match built.iter().filter(|b| **b).count() {
                0 | 1 => {}
                2 => return Ok(side),
                n => {
                    return Err(bad(
                        format!("这条线把网格 {grid} 切成 {n} 片 / the line cuts grid {grid} into {n} pieces"),
                        "请把线画得只切成两片，或先划走小片的楼栋 / draw it so that it leaves two, or give the small pieces to a neighbour first",
                    ));
                }
            }
        }
        Err(bad(
            format!("这条线没有把网格 {grid} 分开 / the line does not part grid {grid}"),
            "请从边到边穿过网格画线 / draw it through the grid from border to border",
        ))
    }

    fn shares(&self, grid: &str, atoms: &[u32], count: u32) -> Result<Vec<u32>, Vec<Reason>> {
        let sites = self.state.land.village.sites.len();
        let built = atoms.iter().filter(|v| (**v as usize) < sites).count();
        if count < 2 || count as usize > built {
            return Err(vec![Reason::new(
                ReasonKind::Invalid,
                [grid.to_owned()],
                format!("网格 {grid} 可拆成 2–{built} 个 / grid {grid} can be split into 2 to {built}"),
            )]);
        }
        let graph = self.state.terrain.ground.graph.restricted_to(atoms);
        let options = GridsOptions { count, tolerance: self.state.land.profile.grid.tolerance, seed: 0, village: 0 };
        let invalid = |e: String| vec![Reason::new(ReasonKind::Invalid, [grid.to_owned()], e)];
        let mut solvers = vec![GridsSolver::new(graph, &options).map_err(|e| invalid(e.to_string()))?];
        drive(&mut solvers, Effort::Rounds(SPLIT_ROUNDS), None, &AtomicBool::new(false), &|_| {});
        Ok(solvers.first().map(|s| s.grid_of().to_vec()).unwrap_or_default())
    }
}

/// Whether two segments cross; a shared end counts for one of the two sides only.
fn cross(a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]) -> bool {
    let side =
        |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]) > 0.0;
    side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
}

/// Carries a line on at both ends, beyond all places.
fn carry_on(line: &mut Vec<[f64; 2]>, places: &[[f64; 2]]) {
    let far = line.iter().chain(places).flatten().fold(0.0_f64, |m, v| m.max(v.abs())) * 4.0 + 1_000.0;
    let beyond = |from: [f64; 2], end: [f64; 2]| {
        let d = [end[0] - from[0], end[1] - from[1]];
        let length = d[0].hypot(d[1]);
        (length > 0.0).then(|| [end[0] + d[0] / length * far, end[1] + d[1] / length * far])
    };
    let n = line.len();
    let (head, tail) = (beyond(line[1], line[0]), beyond(line[n - 2], line[n - 1]));
    if let Some(h) = head {
        line.insert(0, h);
    }
    line.extend(tail);
}
