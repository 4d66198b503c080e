//! What maps and tables show of a village as edited: its grids and units with their shapes and figures, in the village's plane.

use std::collections::BTreeSet;

use crate::partition::check::Polygons;
use crate::plan::figures::spread_of;

use super::state::{VillageState, is_working};

/// A grid in force (level-1 ones are not shown: they are the village).
#[derive(Clone, Debug, PartialEq)]
pub struct GridLayer {
    /// Code.
    pub code: String,
    /// Dissolved cells in local metres, rings closed, exterior first.
    pub polygons: Polygons,
    /// Households.
    pub households: u32,
    /// Buildings.
    pub buildings: u32,
    /// Persons, where the register knows any.
    pub persons: Option<u32>,
    /// Households ÷ mean − 1, where it stands in the balance.
    pub deviation: Option<f64>,
    /// Area.
    pub area_m2: f64,
    /// Perimeter.
    pub perimeter_m: f64,
    /// 4πA/P²; 0 without a border.
    pub polsby_popper: f64,
}

/// A unit with members.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitLayer {
    /// Code.
    pub code: String,
    /// Where each member lives, in local metres.
    pub places: Vec<[f64; 2]>,
    /// Σ squared metres to their mean.
    pub sse_m2: f64,
    /// Farthest member from the mean, in metres.
    pub reach_m: f64,
    /// Household ids of leader and deputies with their places; the leader first.
    pub officers: Vec<(String, [f64; 2])>,
    /// Whether the first of them is the leader (a unit may have deputies alone for a while).
    pub has_leader: bool,
}

impl VillageState {
    /// The grids in force, by code.
    #[must_use]
    pub fn grid_layers(&self) -> Vec<GridLayer> {
        let (area, perimeter) = self.extents();
        let (held, deviations) = (self.households(), self.deviations());
        let is_balanced = self.is_balanced();
        let k = self.grids.len();
        let mut buildings = vec![0_u32; k];
        let mut persons: Vec<Option<u32>> = vec![None; k];
        for (b, &g) in self.seat.iter().enumerate() {
            let g = g as usize;
            let Some(n) = buildings.get_mut(g) else { continue };
            *n += 1;
            let Some(known) = &self.land.table.persons else { continue };
            for &row in self.land.rows_of_building.neighbours_of(b as u32) {
                if let Some(p) = known.get(row as usize).copied().flatten() {
                    let sum = persons[g].get_or_insert(0);
                    *sum = sum.saturating_add(p);
                }
            }
        }
        let mesh = &self.terrain.ground.mesh;
        mesh.dissolve(&self.grid_of, k as u32)
            .into_iter()
            .enumerate()
            .filter(|(i, _)| self.grids.get(*i).is_some_and(is_working))
            .map(|(i, polygons)| GridLayer {
                code: self.grids[i].code.clone(),
                polygons,
                households: held[i],
                buildings: buildings[i],
                persons: persons[i],
                deviation: deviations[i].filter(|_| is_balanced),
                area_m2: area[i],
                perimeter_m: perimeter[i],
                polsby_popper: compactness(area[i], perimeter[i]),
            })
            .collect()
    }

    /// The units with members, by code.
    #[must_use]
    pub fn unit_layers(&self) -> Vec<UnitLayer> {
        self.members()
            .iter()
            .zip(&self.units)
            .filter(|(members, _)| !members.is_empty())
            .map(|(members, unit)| {
                let places: Vec<[f64; 2]> = members.iter().map(|&r| self.land.at(r)).collect();
                let (sse_m2, reach_m) = spread_of(&places);
                let mut seen = BTreeSet::new();
                let officers = unit
                    .leader
                    .iter()
                    .chain(&unit.deputies)
                    .filter(|id| seen.insert(id.as_str()))
                    .filter_map(|id| Some((id.clone(), self.land.at(self.land.find_row(id)?))))
                    .collect();
                UnitLayer {
                    code: unit.code.clone(),
                    places,
                    sse_m2,
                    reach_m,
                    officers,
                    has_leader: unit.leader.as_ref().is_some_and(|l| self.land.find_row(l).is_some()),
                }
            })
            .collect()
    }

    /// Area in m² and perimeter in m of each grid, by slot.
    pub(super) fn extents(&self) -> (Vec<f64>, Vec<f64>) {
        let graph = &self.terrain.ground.graph;
        let k = self.grids.len();
        let (mut area, mut perimeter) = (vec![0.0_f64; k], vec![0.0_f64; k]);
        for v in 0..self.grid_of.len() {
            let g = self.grid_of[v] as usize;
            if g >= k {
                continue;
            }
            area[g] += graph.area_m2[v];
            perimeter[g] += graph.outer_m[v];
            for e in graph.adjacency.row(v as u32) {
                if self.grid_of[graph.adjacency.neighbours[e] as usize] as usize != g {
                    perimeter[g] += graph.border_m[e];
                }
            }
        }
        (area, perimeter)
    }
}

/// Polsby–Popper: 4πA/P².
pub(super) fn compactness(area_m2: f64, perimeter_m: f64) -> f64 {
    if perimeter_m > 0.0 { 4.0 * std::f64::consts::PI * area_m2 / perimeter_m.powi(2) } else { 0.0 }
}
