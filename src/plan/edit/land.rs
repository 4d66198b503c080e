//! The land a plan is edited on: one village's register, outline, barriers and profile. Nothing of it changes while borders move.

use std::collections::HashMap;

use crate::domain::{Barrier, Binding, Column, Divide, Households, NO_VALUE, Profile, VillageCode};
use crate::graph::Csr;
use crate::plan::ground::{BorderWeights, Ground};
use crate::plan::job::PlanError;
use crate::plan::units::pairs;
use crate::plan::village::{Village, expanded, together};
use crate::space::delaunay;
use crate::space::mesh::Mesh;

/// "None" among indices.
pub(super) const NONE: u32 = u32::MAX;
/// A building of more than this many grids' households is a grid of its own, as when a plan is made.
const OVERSIZED: f64 = 1.5;

/// Polygons in the coordinates of the register, each a list of rings, exterior first.
pub type Outline = Vec<Vec<Vec<[f64; 2]>>>;

/// One village's register and surroundings, with the indices that editing asks for.
#[derive(Debug)]
pub struct Land {
    /// The village's code.
    pub code: VillageCode,
    /// Its rules.
    pub profile: Profile,
    /// One row a household, or a building without any.
    pub table: Households,
    /// The rows in the village's plane.
    pub village: Village,
    outline: Option<Outline>,
    barriers: Vec<Barrier>,
    /// Site of each building; every vector below is by index of building, row or site.
    pub(super) site_of_building: Vec<u32>,
    pub(super) rows_of_building: Csr,
    pub(super) buildings_at: Csr,
    /// What units never mix: binding containers and pieces beyond the reach, by row.
    pub(super) zone: Vec<u32>,
    /// Neighbouring sites with the hard barriers and without them; `None` where there is no hard barrier.
    pub(super) across: Option<(Csr, Csr)>,
    building_at: HashMap<String, u32>,
    row_at: HashMap<String, u32>,
}

/// Cells of the village with rings of empty ground around institutions, and which of them touch.
pub struct Terrain {
    /// Cells, atoms, adjacency.
    pub ground: Ground,
    /// Cells that share an edge, also across hard barriers.
    pub(super) touching: Csr,
    /// Outline polygon (mainland, exclave) in which each atom lies.
    pub(super) outline_part: Vec<u32>,
    /// Institution of each site when it was made, or [`NONE`]: it is right for these alone.
    pub(super) apart: Vec<u32>,
}

impl Land {
    /// Prepares a village. `table` holds its rows alone; `outline` and `barriers` are in the table's coordinates.
    ///
    /// # Errors
    /// A building at several places, hard barriers or an outline that no cells can be made of.
    pub fn new(
        code: VillageCode,
        table: Households,
        outline: Option<Outline>,
        barriers: Vec<Barrier>,
        profile: Profile,
    ) -> Result<Self, PlanError> {
        let table = expanded(table);
        let village = Village::new(&table, code.as_str().to_owned(), (0..table.len() as u32).collect());
        let buildings = table.building.names.len();
        let mut site_of_building = vec![NONE; buildings];
        for (row, (&b, &site)) in table.building.of.iter().zip(&village.site_of).enumerate() {
            let Some(slot) = site_of_building.get_mut(b as usize) else {
                return Err(fault(&code, format!("户 {0} 没有楼栋 / household {0} has no building", table.ids[row])));
            };
            if *slot != NONE && *slot != site {
                let name = table.building.get(row).unwrap_or_default();
                return Err(fault(
                    &code,
                    format!("楼栋“{name}”在多个位置 / building \"{name}\" stands at several places"),
                ));
            }
            *slot = site;
        }
        let unused = buildings - site_of_building.iter().filter(|s| **s != NONE).count();
        if unused > 0 {
            return Err(fault(&code, format!("{unused} 栋建筑没有任何行 / {unused} buildings have no row")));
        }
        let mut land = Self {
            rows_of_building: Csr::inverse(buildings, &table.building.of),
            buildings_at: Csr::inverse(village.sites.len(), &site_of_building),
            building_at: (0..).zip(&table.building.names).map(|(i, n)| (n.clone(), i)).collect(),
            row_at: (0..).zip(&table.ids).map(|(i, n)| (n.clone(), i)).collect(),
            zone: Vec::new(),
            across: None,
            code,
            profile,
            village,
            outline,
            barriers,
            site_of_building,
            table,
        };
        land.zone = land.zones();
        land.across = land.sides()?;
        Ok(land)
    }

    /// The same village with another register.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_register(&self, table: Households) -> Result<Self, PlanError> {
        Self::new(self.code.clone(), table, self.outline.clone(), self.barriers.clone(), self.profile.clone())
    }

    /// Number of buildings.
    #[must_use]
    pub fn buildings(&self) -> usize {
        self.site_of_building.len()
    }

    /// Index of a building.
    #[must_use]
    pub fn find_building(&self, id: &str) -> Option<u32> {
        self.building_at.get(id).copied()
    }

    /// Row of a household (or empty building).
    #[must_use]
    pub fn find_row(&self, id: &str) -> Option<u32> {
        self.row_at.get(id).copied()
    }

    /// Whether a row is a household.
    #[must_use]
    pub fn is_household(&self, row: u32) -> bool {
        self.table.households.get(row as usize).is_some_and(|h| *h > 0)
    }

    pub(super) fn building_id(&self, building: u32) -> &str {
        self.table.building.names.get(building as usize).map_or("", String::as_str)
    }

    pub(super) fn household_id(&self, row: u32) -> &str {
        self.table.ids.get(row as usize).map_or("", String::as_str)
    }

    /// Whether a household is a candidate for an office; all are where the register does not say.
    pub(super) fn may_lead(&self, row: u32) -> bool {
        self.table.eligible.as_ref().is_none_or(|e| e.get(row as usize).copied().unwrap_or(false))
    }

    pub(super) fn at(&self, row: u32) -> [f64; 2] {
        self.village.xy.get(row as usize).copied().unwrap_or_default()
    }

    /// Households in a building.
    pub(super) fn households_in(&self, building: u32) -> u32 {
        self.rows_of_building.neighbours_of(building).iter().filter(|r| self.is_household(**r)).count() as u32
    }

    /// What units never mix, as the unit solver sees it: binding containers, and pieces that lie beyond the reach of each other.
    fn zones(&self) -> Vec<u32> {
        let n = self.table.len();
        let mut zone = vec![0; n];
        for (name, binding) in self.profile.containers() {
            if binding != Binding::Law {
                continue;
            }
            let Some(column) = self.table.column(&name) else { continue };
            let of: Vec<u32> = (0..n).map(|r| column.of.get(r).copied().unwrap_or(NO_VALUE)).collect();
            zone = pairs(&zone, &together(&of, (name == "stairwell").then_some(&self.table.building.of)));
        }
        if let Some(reach_m) = self.profile.unit.max_reach_m {
            // Only where households stand: single linkage over the Delaunay graph, as when units are formed.
            let rows: Vec<usize> = (0..n).filter(|r| self.is_household(*r as u32)).collect();
            let at: Vec<[f64; 2]> = rows.iter().map(|&r| self.village.xy[r]).collect();
            let (sites, of) = crate::space::sites::distinct_sites(&at);
            let sites: Vec<[f64; 2]> = sites.iter().map(|p| [p.x, p.y]).collect();
            let edges: Vec<(u32, u32, ())> = delaunay::edges(&sites)
                .into_iter()
                .filter(|&(a, b)| {
                    let (p, q) = (sites[a as usize], sites[b as usize]);
                    (p[0] - q[0]).hypot(p[1] - q[1]) <= reach_m
                })
                .map(|(a, b)| (a, b, ()))
                .collect();
            let (piece, _) = Csr::from_edges(sites.len(), &edges).0.components();
            let mut of_row = vec![0; n];
            for (&r, &s) in rows.iter().zip(&of) {
                of_row[r] = piece[s as usize] + 1;
            }
            zone = pairs(&zone, &of_row);
        }
        zone
    }

    /// The two site graphs by which H11 is judged.
    fn sides(&self) -> Result<Option<(Csr, Csr)>, PlanError> {
        let barriers = self.village.local_barriers(&self.barriers);
        if !barriers.iter().any(|b| b.hard && !b.is_bridge()) {
            return Ok(None);
        }
        let outline = self.outline.as_deref().map(|o| self.village.local_polygons(o));
        let graph = |barriers: &[Barrier]| {
            Mesh::build(&self.village.sites, outline.as_deref(), barriers)
                .map(|m| Csr::from_edges(self.village.sites.len(), m.edges()).0)
                .map_err(|e| fault(&self.code, e.to_string()))
        };
        Ok(Some((graph(&barriers)?, graph(&[])?)))
    }

    /// Households above which a building is a grid of its own and gets ground of its own.
    fn oversized(&self) -> Option<u32> {
        let grid = &self.profile.grid;
        if grid.divide != Divide::Balance && grid.otherwise != Divide::Balance {
            return None;
        }
        let all = self.table.households.iter().map(|&h| f64::from(h)).sum::<f64>();
        let mean = grid.per_village.map_or(f64::from(grid.target_households), |n| all / n);
        Some((OVERSIZED * mean).max(1.0) as u32)
    }

    /// Cells with empty ground around the sites that stand `apart` (number of their institution, [`NONE`] for others).
    ///
    /// # Errors
    /// An outline that leaves buildings out or is none.
    pub(super) fn terrain(&self, apart: Vec<u32>) -> Result<Terrain, PlanError> {
        let mut table = self.table.clone();
        table.lock = None;
        let institutions = apart.iter().filter(|a| **a != NONE).max().map_or(0, |m| m + 1);
        table.dedicated = (institutions > 0).then(|| Column {
            names: (0..institutions).map(|i| i.to_string()).collect(),
            of: self.village.site_of.iter().map(|&s| apart.get(s as usize).copied().unwrap_or(NO_VALUE)).collect(),
        });
        let mut ground =
            Ground::prepare(&table, self.village.clone(), self.outline.as_deref(), &self.barriers, self.oversized())?;
        // By what the register says alone, so that the same rows always stand on the same ground.
        let all: u32 = table.households.iter().sum();
        let grids = (f64::from(all) / f64::from(self.profile.grid.target_households.max(1))).max(1.0);
        ground.weigh_borders(
            &table,
            &BorderWeights { grid_area_m2: ground.mesh.area_m2() / grids, old_net: self.profile.grid.old_net_weight },
        );
        let atoms = ground.graph.xy.len();
        let edges: Vec<(u32, u32, ())> = ground.mesh.touching().into_iter().map(|(a, b)| (a, b, ())).collect();
        let outline_part = match &ground.outline {
            None => vec![0; atoms],
            Some(o) => ground.graph.xy.iter().map(|&p| part_holding(o, p)).collect(),
        };
        Ok(Terrain { touching: Csr::from_edges(atoms, &edges).0, outline_part, ground, apart })
    }
}

fn fault(code: &VillageCode, message: String) -> PlanError {
    PlanError::Solver { village: code.as_str().to_owned(), message }
}

/// The polygon that holds a place (even-odd over its rings).
fn part_holding(polygons: &[Vec<Vec<[f64; 2]>>], p: [f64; 2]) -> u32 {
    let inside = |rings: &Vec<Vec<[f64; 2]>>| {
        rings.iter().fold(false, |odd, ring| {
            let Some(&last) = ring.last() else { return odd };
            let mut a = last;
            ring.iter().fold(odd, |odd, &b| {
                let cuts =
                    (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
                a = b;
                odd ^ cuts
            })
        })
    };
    polygons.iter().position(inside).map_or(NONE, |i| i as u32)
}
