//! Figures of one village as edited: what stands side by side before and after.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::figures::spread_of;

use super::land::NONE;
use super::layers::compactness;
use super::state::{VillageState, is_base, is_working};

/// Figures of a village.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Base grids.
    pub base_grids: u32,
    /// Dedicated grids.
    pub dedicated_grids: u32,
    /// max |households ÷ mean of the base grids of its component − 1|.
    pub deviation: f64,
    /// Mean of 4πA/P² over the grids.
    pub mean_polsby_popper: f64,
    /// Least 4πA/P².
    pub min_polsby_popper: f64,
    /// Units.
    pub units: u32,
    /// Households in units outside the size rules.
    pub households_in_exceptions: u32,
    /// Σ squared metres to the units' means.
    pub sse_m2: f64,
}

/// Households that changed place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Households in another grid than before.
    pub grid: u32,
    /// Households with other neighbours: in another unit than before, where a unit that only got a new code is the same.
    pub unit: u32,
    /// Households whose unit has another code than before.
    pub unit_code: u32,
}

impl VillageState {
    /// Figures as they stand.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let (area, perimeter) = self.extents();
        let shape: Vec<f64> = (0..self.grids.len())
            .filter(|&g| is_working(&self.grids[g]) && perimeter[g] > 0.0)
            .map(|g| compactness(area[g], perimeter[g]))
            .collect();
        let mut f = Figures {
            base_grids: self.grids.iter().filter(|g| is_base(g)).count() as u32,
            dedicated_grids: self.grids.iter().filter(|g| is_working(g) && g.kind == "dedicated").count() as u32,
            deviation: self.deviations().into_iter().flatten().map(f64::abs).fold(0.0, f64::max),
            mean_polsby_popper: shape.iter().sum::<f64>() / shape.len().max(1) as f64,
            min_polsby_popper: shape.iter().copied().reduce(f64::min).unwrap_or(0.0),
            ..Figures::default()
        };
        for (members, unit) in self.members().iter().zip(&self.units).filter(|(m, _)| !m.is_empty()) {
            let at: Vec<[f64; 2]> = members.iter().map(|&r| self.land.at(r)).collect();
            f.units += 1;
            f.sse_m2 += spread_of(&at).0;
            if unit.exception.is_some() {
                f.households_in_exceptions += members.len() as u32;
            }
        }
        f
    }
}

impl Moved {
    /// Counts over the households that both states have.
    #[must_use]
    pub fn between(before: &VillageState, after: &VillageState) -> Self {
        let mut moved = Self::default();
        let pairs: Vec<(u32, u32)> = (0..after.unit_of.len() as u32)
            .filter(|&r| after.unit_of[r as usize] != NONE)
            .filter_map(|r| Some((before.land.find_row(after.land.household_id(r))?, r)))
            .filter(|(old, _)| before.unit_of[*old as usize] != NONE)
            .collect();
        // A unit goes on as the one that took most of its members.
        let mut common: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for &(old, new) in &pairs {
            let (u, w) = (before.unit_of[old as usize], after.unit_of[new as usize]);
            moved.unit_code += u32::from(before.unit_code(old as usize) != after.unit_code(new as usize));
            let (g, h) =
                (before.grids.get(before.grid_of_row(old) as usize), after.grids.get(after.grid_of_row(new) as usize));
            moved.grid += u32::from(g.map(|g| &g.code) != h.map(|h| &h.code));
            *common.entry((u, w)).or_default() += 1;
        }
        let same: u32 = matched(&common).iter().map(|pair| common.get(pair).copied().unwrap_or(0)).sum();
        moved.unit = pairs.len() as u32 - same;
        moved
    }
}

/// Pairs of old and new parts that are the same part, by greatest common membership first; ties by index.
pub(in crate::plan) fn matched(common: &BTreeMap<(u32, u32), u32>) -> Vec<(u32, u32)> {
    let mut by: Vec<(u32, (u32, u32))> = common.iter().map(|(&k, &n)| (n, k)).collect();
    by.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let (mut old, mut new) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    let mut pairs = Vec::new();
    for (_, (o, n)) in by {
        if !old.contains(&o) && !new.contains(&n) {
            old.insert(o);
            new.insert(n);
            pairs.push((o, n));
        }
    }
    pairs
}
