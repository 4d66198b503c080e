//! What single moves and swaps of atoms would do to the grid farthest from its share, and why they were not done.

use super::AtomGraph;

/// Moves, and swaps, whose contiguity is tested at most, the most promising first.
const TESTED: usize = 2_000;
/// Changes of [`smoothed`] at most.
const STEPS: usize = 200;

/// Why a change of atoms was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It lowers the deviation but leaves a grid in two pieces.
    BreaksContiguity,
    /// The greatest deviation would not be lower.
    DoesNotLower,
    /// Nothing forbids it: the solver was stopped before it came to it.
    NotReached,
}

/// An atom and the part it would go to.
pub type Transfer = (u32, u32);

/// A change of one or two atoms between two parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What would move: one atom, or two in exchange.
    pub transfers: Vec<Transfer>,
    /// Greatest deviation afterwards.
    pub deviation: f64,
    /// Why not.
    pub refusal: Refusal,
}

/// What was tried with the part farthest from its share and its neighbours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tried {
    /// The part.
    pub part: u32,
    /// Greatest deviation now.
    pub deviation: f64,
    /// Single moves looked at.
    pub moves: u64,
    /// Swaps looked at.
    pub swaps: u64,
    /// The move with the least deviation afterwards.
    pub best_move: Option<Step>,
    /// The swap with the least deviation afterwards.
    pub best_swap: Option<Step>,
}

/// A change with k times its greatest deviation in households, for ranking.
type Ranked = (u64, Vec<Transfer>);

/// Tries every move and swap that could lower the greatest deviation of a connected graph's parts: those of border atoms with
/// households between the part farthest from its share (the lowest of equals) and the parts beside it. Where a legal one lowers the
/// deviation, the best such is reported; else the best of all with its refusal.
#[must_use]
pub fn try_changes(graph: &AtomGraph, part: &[u32]) -> Tried {
    let parts = part.iter().max().map_or(0, |m| m + 1);
    let held = held(graph, part, parts);
    let total: u64 = held.iter().sum();
    if total == 0 {
        return Tried::default();
    }
    let off = |h: u64| (h * u64::from(parts)).abs_diff(total);
    let mut order: Vec<u32> = (0..parts).collect();
    order.sort_by_key(|&p| (std::cmp::Reverse(off(held[p as usize])), p));
    let Some(&worst) = order.first() else { return Tried::default() };
    let now = off(held[worst as usize]);
    let size = |p: u32| part.iter().filter(|q| **q == p).count();
    let worst_is_single = size(worst) < 2;
    let (mut moves, mut swaps): (Vec<Ranked>, Vec<Ranked>) = (Vec::new(), Vec::new());
    for other in beside(graph, part, worst) {
        // Of the parts that stay as they are, three ranks suffice to know the greatest deviation.
        let rest = order.iter().find(|p| **p != worst && **p != other).map_or(0, |&p| off(held[p as usize]));
        let after = |leaving: u64, coming: u64| {
            let of = |p: u32, minus: u64, plus: u64| off(held[p as usize] + plus - minus);
            rest.max(of(worst, leaving, coming)).max(of(other, coming, leaving))
        };
        let (mine, theirs) = (border(graph, part, worst, other), border(graph, part, other, worst));
        let weight = |v: u32| u64::from(graph.households[v as usize]);
        if !worst_is_single {
            moves.extend(mine.iter().map(|&v| (after(weight(v), 0), vec![(v, other)])));
        }
        if size(other) > 1 {
            moves.extend(theirs.iter().map(|&v| (after(0, weight(v)), vec![(v, worst)])));
        }
        for &a in &mine {
            for &b in theirs.iter().filter(|b| weight(**b) != weight(a)) {
                swaps.push((after(weight(a), weight(b)), vec![(a, other), (b, worst)]));
            }
        }
    }
    let share = |off: u64| off as f64 / total as f64;
    Tried {
        part: worst,
        deviation: share(now),
        moves: moves.len() as u64,
        swaps: swaps.len() as u64,
        best_move: best(graph, part, now, moves).map(|(d, transfers, refusal)| Step {
            transfers,
            deviation: share(d),
            refusal,
        }),
        best_swap: best(graph, part, now, swaps).map(|(d, transfers, refusal)| Step {
            transfers,
            deviation: share(d),
            refusal,
        }),
    }
}

fn best(graph: &AtomGraph, part: &[u32], now: u64, mut list: Vec<Ranked>) -> Option<(u64, Vec<Transfer>, Refusal)> {
    list.sort();
    let legal = list.iter().take(TESTED).take_while(|c| c.0 < now).find(|c| stays_whole(graph, part, &c.1)).cloned();
    if let Some((d, transfers)) = legal {
        return Some((d, transfers, Refusal::NotReached));
    }
    let (d, transfers) = list.into_iter().next()?;
    Some((d, transfers, if d < now { Refusal::BreaksContiguity } else { Refusal::DoesNotLower }))
}

fn held(graph: &AtomGraph, part: &[u32], parts: u32) -> Vec<u64> {
    let mut held = vec![0_u64; parts as usize];
    for (&p, &h) in part.iter().zip(&graph.households) {
        held[p as usize] += u64::from(h);
    }
    held
}

/// Parts that touch `of`, ascending.
fn beside(graph: &AtomGraph, part: &[u32], of: u32) -> std::collections::BTreeSet<u32> {
    (0..part.len() as u32)
        .filter(|&v| part[v as usize] == of)
        .flat_map(|v| graph.adjacency.neighbours_of(v))
        .map(|&u| part[u as usize])
        .filter(|p| *p != of)
        .collect()
}

/// Atoms of `of` with households that touch `other`.
fn border(graph: &AtomGraph, part: &[u32], of: u32, other: u32) -> Vec<u32> {
    (0..part.len() as u32)
        .filter(|&v| part[v as usize] == of && graph.households[v as usize] > 0)
        .filter(|&v| graph.adjacency.neighbours_of(v).iter().any(|&u| part[u as usize] == other))
        .collect()
}

/// Whether the parts concerned are in one piece each, and none is empty, after a change.
fn stays_whole(graph: &AtomGraph, part: &[u32], transfers: &[Transfer]) -> bool {
    let of = |v: u32| transfers.iter().find(|t| t.0 == v).map_or(part[v as usize], |t| t.1);
    let concerned = transfers.iter().flat_map(|&(v, to)| [part[v as usize], to]);
    concerned.collect::<std::collections::BTreeSet<u32>>().into_iter().all(|p| {
        let members: Vec<u32> = (0..part.len() as u32).filter(|&v| of(v) == p).collect();
        let Some(&first) = members.first() else { return false };
        let mut seen = vec![false; part.len()];
        let mut stack = vec![first];
        let mut reached = 1;
        seen[first as usize] = true;
        while let Some(v) = stack.pop() {
            for &u in graph.adjacency.neighbours_of(v) {
                if !seen[u as usize] && of(u) == p {
                    seen[u as usize] = true;
                    reached += 1;
                    stack.push(u);
                }
            }
        }
        reached == members.len()
    })
}

/// Straightens the borders of a partition of a few atoms by single moves and swaps, each the best there is, without raising the
/// deviation above `tolerance` or, where it lies above, above what it is.
#[must_use]
pub fn smoothed(graph: &AtomGraph, mut part: Vec<u32>, tolerance: f64) -> Vec<u32> {
    let parts = part.iter().max().map_or(0, |m| m + 1);
    let total: u64 = graph.households.iter().map(|&h| u64::from(h)).sum();
    let off = |part: &[u32]| -> u64 {
        held(graph, part, parts).iter().map(|h| (h * u64::from(parts)).abs_diff(total)).max().unwrap_or(0)
    };
    let bound = off(&part).max((tolerance * total as f64 + 1e-6) as u64);
    let mut value = shape(graph, &part, parts);
    for _ in 0..STEPS {
        let mut best: Option<(f64, Vec<u32>)> = None;
        let mut consider = |changed: Vec<u32>, transfers: &[Transfer]| {
            let new = shape(graph, &changed, parts);
            let better = new < best.as_ref().map_or(value, |b| b.0) - 1e-9;
            if better && off(&changed) <= bound && stays_whole(graph, &part, transfers) {
                best = Some((new, changed));
            }
        };
        for p in 0..parts {
            for q in beside(graph, &part, p) {
                let mine: Vec<u32> = rim(graph, &part, p, q);
                let theirs: Vec<u32> = if p < q { rim(graph, &part, q, p) } else { Vec::new() };
                for &a in &mine {
                    let mut changed = part.clone();
                    changed[a as usize] = q;
                    consider(changed.clone(), &[(a, q)]);
                    for &b in &theirs {
                        let mut swapped = changed.clone();
                        swapped[b as usize] = p;
                        consider(swapped, &[(a, q), (b, p)]);
                    }
                }
            }
        }
        let Some((new, changed)) = best else { break };
        (value, part) = (new, changed);
    }
    part
}

/// Atoms of `of` that touch `other`.
fn rim(graph: &AtomGraph, part: &[u32], of: u32, other: u32) -> Vec<u32> {
    (0..part.len() as u32)
        .filter(|&v| part[v as usize] == of)
        .filter(|&v| graph.adjacency.neighbours_of(v).iter().any(|&u| part[u as usize] == other))
        .collect()
}

/// Σ P²/4πA with soft terms; infinite where a part is empty.
fn shape(graph: &AtomGraph, part: &[u32], parts: u32) -> f64 {
    let k = parts as usize;
    let (mut area, mut perimeter, mut soft) = (vec![0.0_f64; k], vec![0.0_f64; k], 0.0);
    for v in 0..part.len() as u32 {
        let p = part[v as usize] as usize;
        area[p] += graph.area_m2[v as usize];
        perimeter[p] += graph.outer_m[v as usize];
        for e in graph.adjacency.row(v) {
            if part[graph.adjacency.neighbours[e] as usize] as usize != p {
                perimeter[p] += graph.border_m[e];
                soft += graph.soft.get(e).copied().unwrap_or(0.0) / 2.0;
            }
        }
    }
    area.iter().zip(&perimeter).map(|(a, p)| p * p / (4.0 * std::f64::consts::PI * a.max(1e-9))).sum::<f64>() + soft
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::grids::figures;
    use crate::partition::grids::tests::chessboard;

    /// Every change of one or two atoms between two parts, by trying them all: the least deviation of a legal one.
    fn reference(graph: &AtomGraph, part: &[u32], parts: u32, swap: bool) -> Option<f64> {
        let n = part.len();
        let mut least: Option<f64> = None;
        let mut see = |changed: &[u32]| {
            let f = figures(graph, changed, parts);
            let all = (0..parts).all(|p| changed.contains(&p));
            if f.stray_pieces == 0 && all {
                least = Some(least.map_or(f.deviation, |l: f64| l.min(f.deviation)));
            }
        };
        for a in 0..n {
            if swap {
                for b in 0..n {
                    let mut changed = part.to_vec();
                    changed.swap(a, b);
                    see(&changed);
                }
            } else {
                for p in 0..parts {
                    let mut changed = part.to_vec();
                    changed[a] = p;
                    see(&changed);
                }
            }
        }
        least
    }

    fn bands(columns: u32, rows: u32, parts: u32) -> Vec<u32> {
        (0..columns * rows).map(|v| (v % columns) * parts / columns).collect()
    }

    #[test]
    fn best_legal_change_is_that_of_all_changes() {
        for seed in 0..20 {
            let graph = chessboard(6, 3, 9, seed);
            let part = bands(6, 3, 3);
            let now = figures(&graph, &part, 3).deviation;
            let tried = try_changes(&graph, &part);
            assert!((tried.deviation - now).abs() < 1e-12 && tried.moves > 0 && tried.swaps > 0);
            for (step, swap) in [(&tried.best_move, false), (&tried.best_swap, true)] {
                let step = step.as_ref().expect("a change");
                let least = reference(&graph, &part, 3, swap).expect("a change");
                match step.refusal {
                    Refusal::NotReached => {
                        assert!((step.deviation - least).abs() < 1e-12, "seed {seed}: {step:?} {least}")
                    }
                    _ => assert!(least >= now - 1e-12, "seed {seed}: {step:?} {least}"),
                }
                let mut changed = part.clone();
                step.transfers.iter().for_each(|&(v, to)| changed[v as usize] = to);
                let f = figures(&graph, &changed, 3);
                assert!((f.deviation - step.deviation).abs() < 1e-12, "the deviation afterwards is told");
                match step.refusal {
                    Refusal::BreaksContiguity => assert!(f.stray_pieces > 0, "seed {seed}: {step:?}"),
                    Refusal::NotReached => assert_eq!(f.stray_pieces, 0, "seed {seed}: {step:?}"),
                    Refusal::DoesNotLower => assert!(step.deviation >= now - 1e-12, "seed {seed}: {step:?}"),
                }
            }
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let mut graph = chessboard(5, 1, 1, 1);
        graph.households = vec![2, 9, 2, 5, 1];
        let tried = try_changes(&graph, &[0, 0, 0, 1, 1]);
        assert_eq!((tried.part, tried.moves, tried.swaps), (0, 2, 1));
        assert_eq!(tried.best_move.map(|m| (m.transfers, m.refusal)), Some((vec![(2, 1)], Refusal::NotReached)));
        graph.households = vec![6, 6, 1, 1, 1];
        let tried = try_changes(&graph, &[0, 1, 1, 1, 1]);
        assert_eq!(tried.best_move.map(|m| (m.transfers, m.refusal)), Some((vec![(1, 0)], Refusal::DoesNotLower)));
        // Two rows of three: the middle house would balance, but the upper row falls apart.
        let mut graph = chessboard(3, 2, 1, 1);
        graph.households = vec![9, 1, 9, 5, 6, 6];
        let tried = try_changes(&graph, &[0, 0, 0, 1, 1, 1]);
        assert_eq!(tried.best_move.map(|m| (m.transfers, m.refusal)), Some((vec![(1, 1)], Refusal::BreaksContiguity)));
        assert_eq!(tried.best_swap.map(|m| m.refusal), Some(Refusal::DoesNotLower));
    }

    #[test]
    fn smoothing_keeps_balance_and_pieces() {
        for seed in 0..6 {
            let graph = chessboard(6, 4, 5, seed);
            // A comb of two parts.
            let part: Vec<u32> = (0..24).map(|v| if v / 6 == 0 || (v % 2 == 0 && v / 6 < 3) { 0 } else { 1 }).collect();
            let before = figures(&graph, &part, 2);
            let after = figures(&graph, &smoothed(&graph, part, 0.01), 2);
            assert!(after.stray_pieces == 0 && after.deviation <= before.deviation.max(0.01) + 1e-12);
            assert!(after.compactness_sum < before.compactness_sum, "{before:?} {after:?}");
        }
    }
}
