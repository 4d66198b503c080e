//! The account of a balance that stays beyond the tolerance: what was tried, and whether better exists.

use serde::{Deserialize, Serialize};

use crate::partition::grids::AtomGraph;
use crate::partition::grids::better::{Better, better_partition};
use crate::partition::grids::tried::{Refusal, Step, Tried, smoothed, try_changes};

/// Operations of one component's search for a more even partition: some tens of milliseconds.
const OPERATIONS: u64 = 300_000;

/// Whether a more even division exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// There was one; it was taken, and no partition is better still.
    Taken,
    /// There was one; it was taken, and whether there is a better one still was not decided.
    TakenNotProven,
    /// None; all partitions were excluded.
    NoneProven,
    /// Not decided within the operations.
    NotDecided,
    /// Too many buildings to ask.
    NotAsked,
}

/// A move of one building, or a swap of two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedStep {
    /// Building ids.
    pub buildings: Vec<String>,
    /// Number of the grid each is in.
    pub from: Vec<u32>,
    /// Number of the grid each would go to.
    pub to: Vec<u32>,
    /// Greatest deviation afterwards.
    pub deviation_after: f64,
    /// `breaks_contiguity`, `does_not_lower_deviation` or `not_reached` (legal and better, but the run was stopped before).
    pub refused: String,
}

/// One connected part of a village whose grids lay beyond the tolerance when the solver stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceAccount {
    /// Village name or code.
    pub village: String,
    /// Atoms (buildings) of the connected part.
    pub atoms: usize,
    /// Its grids.
    pub grids: u32,
    /// Deviation allowed.
    pub tolerance: f64,
    /// Greatest deviation as the solver left it.
    pub deviation_solved: f64,
    /// Greatest deviation of the division that was written.
    pub deviation: f64,
    /// Number of the grid farthest from its share; null when all lie within the tolerance now.
    pub grid: Option<u32>,
    /// Single moves of border buildings between that grid and its neighbours that were looked at.
    pub moves_tried: u64,
    /// The same for swaps of two.
    pub swaps_tried: u64,
    /// The best of the moves; null when there is none.
    pub best_move: Option<ListedStep>,
    /// The best of the swaps.
    pub best_swap: Option<ListedStep>,
    /// Whether a division of lower deviation into as many connected grids exists.
    pub better: Answer,
    /// Operations of that search.
    pub operations: u64,
}

/// An account in atoms, before grids have their numbers.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    atoms: Vec<u32>,
    deviation_solved: f64,
    tried: Tried,
    answer: Answer,
    operations: u64,
}

/// Judges each component of `graph` whose parts lie beyond the tolerance. Where a more even division is found, `part` is changed
/// to it: balance goes before shape.
pub(super) fn judge(graph: &AtomGraph, part: &mut [u32], tolerance: f64) -> Vec<Judged> {
    let (component, components) = graph.adjacency.components();
    let mut lists: Vec<Vec<u32>> = vec![Vec::new(); components as usize];
    for (v, &c) in component.iter().enumerate() {
        if let Some(list) = lists.get_mut(c as usize) {
            list.push(v as u32);
        }
    }
    lists.into_iter().filter_map(|atoms| judge_component(graph, part, atoms, tolerance)).collect()
}

fn judge_component(graph: &AtomGraph, part: &mut [u32], atoms: Vec<u32>, tolerance: f64) -> Option<Judged> {
    let mut numbers: Vec<u32> = atoms.iter().map(|&v| part[v as usize]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if deviation(graph, &atoms, part, numbers.len()) <= tolerance + 1e-9 {
        return None;
    }
    let own = graph.restricted_to(&atoms);
    let local: Vec<u32> =
        atoms.iter().map(|&v| numbers.binary_search(&part[v as usize]).unwrap_or_default() as u32).collect();
    let mut tried = try_changes(&own, &local);
    let deviation_solved = tried.deviation;
    let (better, operations) = better_partition(&own, &local, tolerance, OPERATIONS);
    let answer = match better {
        Better::Yes { part: better, least } => {
            let better = smoothed(&own, better, tolerance);
            tried = try_changes(&own, &better);
            for (&v, &p) in atoms.iter().zip(&better) {
                if let Some(number) = numbers.get(p as usize) {
                    part[v as usize] = *number;
                }
            }
            if least { Answer::Taken } else { Answer::TakenNotProven }
        }
        Better::No => Answer::NoneProven,
        Better::Undecided => Answer::NotDecided,
        Better::TooLarge => Answer::NotAsked,
    };
    // From the component's atoms to the village's; parts stay local and are named by their members later.
    let global = |step: &mut Option<Step>| {
        for t in step.iter_mut().flat_map(|s| &mut s.transfers) {
            t.0 = atoms.get(t.0 as usize).copied().unwrap_or_default();
            t.1 = numbers.get(t.1 as usize).copied().unwrap_or_default();
        }
    };
    global(&mut tried.best_move);
    global(&mut tried.best_swap);
    tried.part = numbers.get(tried.part as usize).copied().unwrap_or_default();
    Some(Judged { atoms, deviation_solved, tried, answer, operations })
}

/// max |households ÷ mean − 1| over the parts of some atoms.
fn deviation(graph: &AtomGraph, atoms: &[u32], part: &[u32], parts: usize) -> f64 {
    let mut held = std::collections::BTreeMap::<u32, u64>::new();
    for &v in atoms {
        *held.entry(part[v as usize]).or_default() += u64::from(graph.households[v as usize]);
    }
    let mean = held.values().sum::<u64>() as f64 / parts.max(1) as f64;
    if mean > 0.0 { held.values().map(|&h| (h as f64 / mean - 1.0).abs()).fold(0.0, f64::max) } else { 0.0 }
}

/// How atoms and parts of a village are called in a report.
pub(super) struct Names<'a> {
    pub(super) village: &'a str,
    pub(super) tolerance: f64,
    /// Building of an atom.
    pub(super) building: &'a dyn Fn(u32) -> String,
    /// Number of the grid that a part became.
    pub(super) number: &'a dyn Fn(u32) -> u32,
    /// Number of the grid an atom is in.
    pub(super) grid_of: &'a dyn Fn(u32) -> u32,
}

fn share(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}

impl Judged {
    pub(super) fn account(&self, names: &Names<'_>) -> BalanceAccount {
        let beyond = self.tried.deviation > names.tolerance + 1e-9;
        let listed = |step: &Option<Step>| {
            step.as_ref().filter(|_| beyond).map(|s| ListedStep {
                buildings: s.transfers.iter().map(|t| (names.building)(t.0)).collect(),
                from: s.transfers.iter().map(|t| (names.grid_of)(t.0)).collect(),
                to: s.transfers.iter().map(|t| (names.number)(t.1)).collect(),
                deviation_after: share(s.deviation),
                refused: match s.refusal {
                    Refusal::BreaksContiguity => "breaks_contiguity",
                    Refusal::DoesNotLower => "does_not_lower_deviation",
                    Refusal::NotReached => "not_reached",
                }
                .to_owned(),
            })
        };
        let grids: std::collections::BTreeSet<u32> = self.atoms.iter().map(|&v| (names.grid_of)(v)).collect();
        BalanceAccount {
            village: names.village.to_owned(),
            atoms: self.atoms.len(),
            grids: grids.len() as u32,
            tolerance: names.tolerance,
            deviation_solved: share(self.deviation_solved),
            deviation: share(self.tried.deviation),
            grid: beyond.then(|| (names.number)(self.tried.part)),
            moves_tried: if beyond { self.tried.moves } else { 0 },
            swaps_tried: if beyond { self.tried.swaps } else { 0 },
            best_move: listed(&self.tried.best_move),
            best_swap: listed(&self.tried.best_swap),
            better: self.answer,
            operations: self.operations,
        }
    }
}

impl BalanceAccount {
    /// The account in words; nothing where all grids lie within the tolerance after all.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let grid = self.grid?;
        let percent = |v: f64| format!("{:.2} %", v * 100.0);
        let step = |what: (&str, &str), step: &Option<ListedStep>| match step {
            None => (format!("；没有可{}的楼栋", what.0), format!("; no building to {}", what.1)),
            Some(s) => {
                let reason = match s.refused.as_str() {
                    "breaks_contiguity" => ("会使网格不连片", "would leave a grid in pieces"),
                    "not_reached" => (
                        "可行，但运行已停止（增加轮数或时间）",
                        "is possible, but the run was stopped before: give it more rounds or time",
                    ),
                    _ => ("不降低最大偏差", "does not lower it"),
                };
                let buildings = s.buildings.join("、");
                let to: Vec<String> = s.to.iter().map(|n| format!("{n:03}")).collect();
                (
                    format!(
                        "；最好的{}：{buildings} → {}，偏差 {}，{}",
                        what.0,
                        to.join("、"),
                        percent(s.deviation_after),
                        reason.0
                    ),
                    format!(
                        "; the best {} ({buildings} → {}) gives {} and {}",
                        what.1,
                        to.join(", "),
                        percent(s.deviation_after),
                        reason.1
                    ),
                )
            }
        };
        let (moved, swapped) = (step(("转移", "move"), &self.best_move), step(("互换", "swap"), &self.best_swap));
        let better = match self.better {
            Answer::Taken => (
                "；已换成偏差最小的划分（已证明）".to_owned(),
                "; the most even division there is was taken (proven)".to_owned(),
            ),
            Answer::TakenNotProven => (
                "；已换成更均衡的划分，是否还有更好的未能确定".to_owned(),
                "; a more even division was taken, whether there is a better one still was not decided".to_owned(),
            ),
            Answer::NoneProven => {
                ("；已证明没有更均衡的划分".to_owned(), "; no division is more even (proven)".to_owned())
            }
            Answer::NotDecided => (
                format!("；{} 步内未能确定是否有更均衡的划分", self.operations),
                format!("; whether a more even division exists was not decided within {} operations", self.operations),
            ),
            Answer::NotAsked => (String::new(), String::new()),
        };
        Some(format!(
            "村“{v}”：网格 {grid:03} 偏差 {d} 超出 {t}；试了 {m} 次转移、{s} 次互换{}{}{} / village \"{v}\": grid {grid:03} deviates by {d}, beyond {t}; {m} moves and {s} swaps with its neighbours were tried{}{}{}",
            moved.0,
            swapped.0,
            better.0,
            moved.1,
            swapped.1,
            better.1,
            v = self.village,
            d = percent(self.deviation),
            t = percent(self.tolerance),
            m = self.moves_tried,
            s = self.swaps_tried,
        ))
    }
}
