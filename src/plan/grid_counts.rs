//! How many grids each village gets, and what is said where it is another number than asked for.

use crate::domain::{Divide, Households};

use super::grids::{GridRules, Wish};
use super::ground::{FixedKind, Ground};
use super::report::Report;

/// A building of more than this many grids' households is a grid of its own.
const OVERSIZED: f64 = 1.5;

/// A building of half as many households again as a grid should have cannot be balanced with others: households above which that is.
pub(super) fn oversized_above(table: &Households, villages: usize, rules: &GridRules) -> Option<u32> {
    if rules.divide != Divide::Balance && rules.otherwise != Divide::Balance {
        return None;
    }
    let total: f64 = table.households.iter().map(|&h| f64::from(h)).sum();
    let mean = match rules.wish {
        Wish::Target(target) => f64::from(target),
        Wish::Count(count) => total / f64::from(count.max(1)),
        Wish::PerVillage(mean) => total / (mean * villages.max(1) as f64),
    };
    Some((OVERSIZED * mean).max(1.0) as u32)
}

/// Says where another number of grids came out than was asked for.
pub(super) fn note_other_count(got: usize, rules: &GridRules, report: &mut Report) {
    let Wish::Count(wished) = rules.wish else { return };
    if got == wished as usize {
        return;
    }
    let cause = if got > wished as usize {
        "每村及硬障碍隔开的每一片至少一个 / every village, and every part that hard barriers cut off, has at least one"
    } else {
        "楼栋不拆分，也没有空网格 / buildings are not split, and no grid is empty"
    };
    report.notes.push(format!("要求 {wished} 个网格，划出 {got} 个：{cause} ({wished} grids asked for, {got} made)"));
}

/// Says which buildings alone exceed a grid.
pub(super) fn note_oversized(grounds: &[(Option<usize>, Ground)], report: &mut Report) {
    for (_, g) in grounds {
        for (index, f) in g.fixed.iter().enumerate().filter(|(_, f)| f.kind == FixedKind::Oversized) {
            let households: u32 = g
                .graph
                .households
                .iter()
                .zip(&g.fixed_of)
                .filter(|(_, of)| **of == Some(index as u32))
                .map(|(h, _)| h)
                .sum();
            report.notes.push(format!(
                "楼栋“{0}”有 {households} 户，楼栋不拆分，单独成格 / building \"{0}\" holds {households} households and is a grid of its own, since buildings are not split",
                f.name
            ));
        }
    }
}

/// Households that stand in the balance.
pub(super) fn free_households(ground: &Ground) -> u64 {
    ground.graph.households.iter().zip(&ground.fixed_of).filter(|(_, f)| f.is_none()).map(|(&h, _)| u64::from(h)).sum()
}

/// Number of balanced grids of each village.
pub(super) fn wished_counts(grounds: &[(Option<usize>, Ground)], rules: &GridRules) -> Vec<u32> {
    let held: Vec<f64> = grounds.iter().map(|(_, g)| free_households(g) as f64).collect();
    let total: f64 = held.iter().sum();
    let whole = match rules.wish {
        Wish::Target(target) => {
            return held.iter().map(|h| (h / f64::from(target.max(1))).round().max(1.0) as u32).collect();
        }
        Wish::Count(count) => f64::from(count),
        Wish::PerVillage(mean) => (mean * grounds.len() as f64).round(),
    };
    let alone = grounds.iter().flat_map(|(_, g)| &g.fixed).filter(|f| f.kind != FixedKind::Dedicated).count();
    let whole = (whole - alone as f64).max(grounds.len() as f64);
    // Largest remainder, at least one a village.
    let wish: Vec<f64> = held.iter().map(|h| if total > 0.0 { whole * h / total } else { 1.0 }).collect();
    let mut given: Vec<u32> = wish.iter().map(|w| (w.floor() as u32).max(1)).collect();
    let mut order: Vec<usize> = (0..given.len()).collect();
    order.sort_by(|&a, &b| (wish[b] - wish[b].floor()).total_cmp(&(wish[a] - wish[a].floor())).then(a.cmp(&b)));
    let missing = (whole as u64).saturating_sub(given.iter().map(|&g| u64::from(g)).sum());
    for &i in order.iter().cycle().take(if total > 0.0 { missing as usize } else { 0 }) {
        given[i] += 1;
    }
    given
}
