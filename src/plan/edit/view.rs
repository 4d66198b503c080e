//! A village as a map edits it: what the pen moves (buildings on cells), what follows from it, and which cells touch.

use serde::Serialize;

use crate::domain::codes::GridKind;
use crate::domain::codes::parse_grid;
use crate::partition::check::Breach;

use super::figures::Figures;
use super::land::NONE;
use super::state::VillageState;

/// A village as plain data; indices refer to the lists of the same answer. Places are WGS 84 degrees (or the register's own metres).
#[derive(Clone, Debug, Serialize)]
pub struct VillageView {
    /// Grids in force, by code.
    pub grids: Vec<GridView>,
    /// Units with members, by code.
    pub units: Vec<UnitView>,
    /// Buildings, in the order of the register.
    pub buildings: Vec<BuildingView>,
    /// Households: id, building, unit, whether it is a candidate for an office. Empty where the reader may not see them.
    pub households: Vec<(String, u32, u32, bool)>,
    /// Cells and rings of empty ground.
    pub atoms: Vec<AtomView>,
    /// Cells that touch: both cells, the length of their common border in m, whether the border can be crossed (1) or is a hard
    /// barrier (0).
    pub edges: Vec<(u32, u32, f64, u8)>,
    /// Grid on whose ground each atom lies.
    pub atom_grid: Vec<u32>,
    /// Breaches of hard rules.
    pub problems: Vec<Breach>,
    /// Figures of the village.
    pub figures: Figures,
}

/// A grid.
#[derive(Clone, Debug, Serialize)]
pub struct GridView {
    /// Code.
    pub code: String,
    /// Name, may be empty.
    pub name: String,
    /// `base`, `dedicated`, `level1`.
    pub kind: String,
    /// No tool moves its border.
    pub locked: bool,
    /// Households.
    pub households: u32,
    /// Buildings.
    pub buildings: u32,
    /// Persons, where known.
    pub persons: Option<u32>,
    /// Households ÷ target − 1, for base grids that are made by balance.
    pub deviation: Option<f64>,
    /// Mean of the base grids of its component, where they are made by balance.
    pub target: Option<f64>,
    /// Version of the plan that touched it last; 0 where none did.
    pub version: u64,
}

/// A unit.
#[derive(Clone, Debug, Serialize)]
pub struct UnitView {
    /// Code.
    pub code: String,
    /// No tool changes its members.
    pub locked: bool,
    /// No tool changes leader and deputies.
    pub officers_locked: bool,
    /// Household id of the leader.
    pub leader: Option<String>,
    /// Household ids of the deputies.
    pub deputies: Vec<String>,
    /// Why its size is outside the rules.
    pub exception: Option<String>,
    /// Households.
    pub households: u32,
}

/// A building.
#[derive(Clone, Debug, Serialize)]
pub struct BuildingView {
    /// Id.
    pub id: String,
    /// Its cell.
    pub atom: u32,
    /// Households in it.
    pub households: u32,
    /// Its grid.
    pub grid: u32,
    /// No tool moves it.
    pub locked: bool,
}

/// A cell.
#[derive(Clone, Debug, Serialize)]
pub struct AtomView {
    /// Its site.
    pub at: [f64; 2],
    /// Polygons, each a list of rings, exterior first, closed.
    pub parts: Vec<Vec<Vec<[f64; 2]>>>,
}

impl VillageState {
    /// The village for a map. `with_households` says whether the ids of households are part of it.
    #[must_use]
    pub fn view(&self, with_households: bool) -> VillageView {
        let slots: Vec<usize> = (0..self.grids.len()).filter(|&g| self.grids[g].valid_to.is_none()).collect();
        let mut grid_at = vec![NONE; self.grids.len()];
        for (i, &g) in (0..).zip(&slots) {
            grid_at[g] = i;
        }
        let members = self.members();
        let lived_in: Vec<usize> = (0..self.units.len()).filter(|&u| !members[u].is_empty()).collect();
        let mut unit_at = vec![NONE; self.units.len()];
        for (i, &u) in (0..).zip(&lived_in) {
            unit_at[u] = i;
        }
        let building_of = &self.land.table.building.of;
        let households = if with_households {
            (0..self.land.table.len() as u32)
                .filter(|&r| self.land.is_household(r))
                .map(|r| {
                    let unit = unit_at.get(self.unit_of[r as usize] as usize).copied().unwrap_or(NONE);
                    (self.land.household_id(r).to_owned(), building_of[r as usize], unit, self.land.may_lead(r))
                })
                .collect()
        } else {
            Vec::new()
        };
        VillageView {
            grids: self.grid_views(&slots),
            units: lived_in
                .iter()
                .map(|&u| {
                    let unit = &self.units[u];
                    UnitView {
                        code: unit.code.clone(),
                        locked: unit.locked,
                        officers_locked: unit.officers_locked,
                        leader: unit.leader.clone().filter(|_| with_households),
                        deputies: if with_households { unit.deputies.clone() } else { Vec::new() },
                        exception: unit.exception.clone(),
                        households: members[u].len() as u32,
                    }
                })
                .collect(),
            buildings: (0..self.seat.len() as u32)
                .map(|b| BuildingView {
                    id: self.land.building_id(b).to_owned(),
                    atom: self.land.site_of_building[b as usize],
                    households: self.land.households_in(b),
                    grid: grid_at.get(self.seat[b as usize] as usize).copied().unwrap_or(NONE),
                    locked: self.pinned[b as usize],
                })
                .collect(),
            households,
            atoms: self.atom_views(),
            edges: self.edge_views(),
            atom_grid: self.grid_of.iter().map(|g| grid_at.get(*g as usize).copied().unwrap_or(NONE)).collect(),
            problems: self.shown_problems(with_households),
            figures: self.figures(),
        }
    }

    /// Breaches; where the reader may not see households, with the ids of grids, units and buildings alone.
    fn shown_problems(&self, with_households: bool) -> Vec<Breach> {
        let mut problems = self.known_problems();
        if !with_households {
            let is_of_nobody = |id: &String| {
                self.find_slot(id).is_some()
                    || self.find_unit_slot(id).is_some()
                    || self.land.find_building(id).is_some()
                    || id == self.land.code.as_str()
            };
            for p in &mut problems {
                p.ids.retain(is_of_nobody);
            }
        }
        problems
    }

    fn grid_views(&self, slots: &[usize]) -> Vec<GridView> {
        let shown: std::collections::BTreeMap<String, super::layers::GridLayer> =
            self.grid_layers().into_iter().map(|g| (g.code.clone(), g)).collect();
        let all: u32 = shown.values().map(|g| g.households).sum();
        let buildings: u32 = shown.values().map(|g| g.buildings).sum();
        slots
            .iter()
            .map(|&g| {
                let row = &self.grids[g];
                let own = shown.get(&row.code);
                let level1 = parse_grid(&row.code).is_ok_and(|(_, k)| k == GridKind::LevelOne);
                let deviation = own.and_then(|o| o.deviation);
                let households = own.map_or(if level1 { all } else { 0 }, |o| o.households);
                GridView {
                    code: row.code.clone(),
                    name: row.name.clone(),
                    kind: row.kind.clone(),
                    locked: row.locked,
                    households,
                    buildings: own.map_or(if level1 { buildings } else { 0 }, |o| o.buildings),
                    persons: own.and_then(|o| o.persons),
                    deviation,
                    target: deviation.map(|d| f64::from(households) / (1.0 + d)).filter(|t| t.is_finite()),
                    version: 0,
                }
            })
            .collect()
    }

    fn atom_views(&self) -> Vec<AtomView> {
        let frame = &self.land.village.frame;
        let mesh = &self.terrain.ground.mesh;
        let each: Vec<u32> = (0..self.grid_of.len() as u32).collect();
        let ring = |r: Vec<[f64; 2]>| r.into_iter().map(|c| frame.to_written(c)).collect::<Vec<_>>();
        mesh.dissolve(&each, each.len() as u32)
            .into_iter()
            .zip(&self.terrain.ground.graph.xy)
            .map(|(polygons, &at)| AtomView {
                at: frame.to_written(at),
                parts: polygons.into_iter().map(|p| p.into_iter().map(ring).collect()).collect(),
            })
            .collect()
    }

    fn edge_views(&self) -> Vec<(u32, u32, f64, u8)> {
        let graph = &self.terrain.ground.graph;
        let mut edges = Vec::new();
        for v in 0..graph.xy.len() as u32 {
            let mut crossable: Vec<(u32, f64)> = graph
                .adjacency
                .row(v)
                .map(|e| (graph.adjacency.neighbours[e], graph.border_m[e]))
                .filter(|(u, _)| *u > v)
                .collect();
            crossable.sort_unstable_by_key(|c| c.0);
            let barred = self.terrain.touching.neighbours_of(v).iter().copied();
            let barred = barred.filter(|u| *u > v && crossable.binary_search_by_key(u, |c| c.0).is_err());
            edges.extend(barred.map(|u| (v, u, 0.0, 0)).collect::<Vec<_>>());
            edges.extend(crossable.into_iter().map(|(u, m)| (v, u, (m * 100.0).round() / 100.0, 1)));
        }
        edges
    }
}
