//! The ground a village stands on: its cells, which atoms touch, what a border between them costs.

use crate::domain::{Barrier, BarrierShape, Column, Households, NO_VALUE, Point};
use crate::graph::Csr;
use crate::partition::grids::AtomGraph;
use crate::space::mesh::{Mesh, MeshError};

use super::job::PlanError;
use super::village::Village;

/// Sites put around an institution, so that its grid is its premises and the village around it stays connected.
const RING: u32 = 12;
/// An institution's premises reach this far at most, in metres.
const PREMISES_M: f64 = 60.0;
/// What a metre of border inside one hamlet costs, in parts of the square root of a mean grid's area (unit of the compactness sum).
const HAMLET: f64 = 0.15;
/// What a metre of border along a soft barrier is worth.
const SOFT_BARRIER: f64 = 0.4;

/// One village prepared for division.
pub struct Ground {
    /// Rows, plane, sites.
    pub village: Village,
    /// Outline in the village's plane, where one is known.
    pub outline: Option<Vec<Vec<Vec<[f64; 2]>>>>,
    /// Barriers near the village, in its plane.
    pub barriers: Vec<Barrier>,
    /// Cells of the sites, and of auxiliary sites behind them.
    pub mesh: Mesh,
    /// The atoms: sites in the same order, then auxiliary ones without households.
    pub graph: AtomGraph,
    /// Fixed part of each atom: dedicated or locked grid, by index into `fixed`.
    pub fixed_of: Vec<Option<u32>>,
    /// Names of the fixed parts.
    pub fixed: Vec<Fixed>,
}

/// Why the solver leaves a part alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedKind {
    /// An institution's grid, outside the household balance.
    Dedicated,
    /// Locked by the planner.
    Locked,
    /// A building with more households than a grid should have, which no border may split (H5).
    Oversized,
}

/// A part that the solver leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Institution, lock or building as the input names it.
    pub name: String,
    /// Why it is fixed.
    pub kind: FixedKind,
}

/// How borders are weighed against compactness.
#[derive(Clone, Copy, Debug)]
pub struct BorderWeights {
    /// Mean area of a grid in m², by which lengths are made comparable; none of the terms counts when 0.
    pub grid_area_m2: f64,
    /// Weight of the borders of old nets.
    pub old_net: f64,
}

impl Ground {
    /// Prepares a village. `outline`: polygons in input coordinates; without one the buffered hull of the sites. A building of more
    /// than `oversized` households becomes a part of its own.
    ///
    /// # Errors
    /// A faulty outline, buildings outside it, contradicting fixed parts.
    pub fn prepare(
        table: &Households,
        village: Village,
        outline: Option<&[Vec<Vec<[f64; 2]>>]>,
        barriers: &[Barrier],
        oversized: Option<u32>,
    ) -> Result<Self, PlanError> {
        let outline = outline.map(|o| village.local_polygons(o));
        let barriers = village.local_barriers(barriers);
        let (mut fixed_of, fixed) = fixed_parts(table, &village, oversized)?;
        let mut sites = village.sites.clone();
        sites.extend(rings(&village.sites, &fixed_of, &fixed));
        let mesh = loop {
            match Mesh::build(&sites, outline.as_deref(), &barriers) {
                Ok(mesh) => break mesh,
                // An auxiliary site beyond the outline is simply not needed there.
                Err(MeshError::Outside { sites: outside })
                    if outside.iter().all(|&s| s as usize >= village.sites.len()) =>
                {
                    let mut index = 0;
                    sites.retain(|_| {
                        index += 1;
                        outside.binary_search(&(index - 1)).is_err()
                    });
                }
                Err(e) => return Err(mesh_error(table, &village, e)),
            }
        };
        fixed_of.resize(sites.len(), None);
        let mut households = vec![0_u32; sites.len()];
        for (&row, &site) in village.rows.iter().zip(&village.site_of) {
            households[site as usize] += table.households[row as usize];
        }
        let (adjacency, border_m) = Csr::from_edges(sites.len(), mesh.edges());
        let graph = AtomGraph {
            xy: sites.iter().map(|p| [p.x, p.y]).collect(),
            households,
            area_m2: mesh.cell_area_m2().to_vec(),
            outer_m: mesh.outer_m().to_vec(),
            adjacency,
            border_m,
            soft: Vec::new(),
        };
        Ok(Self { village, outline, barriers, mesh, graph, fixed_of, fixed })
    }

    /// Gives ground without households to the fixed parts it touches, where no household is left outside them: a grid of nobody would be none.
    pub fn join_empty_ground(&mut self) {
        let mut queue: std::collections::VecDeque<u32> =
            (0..).zip(&self.fixed_of).filter(|(_, f)| f.is_some()).map(|(v, _)| v).collect();
        while let Some(v) = queue.pop_front() {
            for &u in self.graph.adjacency.neighbours_of(v) {
                if self.fixed_of[u as usize].is_none() {
                    self.fixed_of[u as usize] = self.fixed_of[v as usize];
                    queue.push_back(u);
                }
            }
        }
    }

    /// Sets the soft costs of borders: hamlets kept whole (S3), soft barriers followed (S2), old nets re-used (S10).
    pub fn weigh_borders(&mut self, table: &Households, weights: &BorderWeights) {
        let scale = weights.grid_area_m2.max(1.0).sqrt().recip();
        let labels = |column: Option<&Column>| column.map(|c| site_labels(&self.village, c, self.graph.xy.len()));
        let hamlet = labels(table.hamlet.as_ref().or(table.group.as_ref()));
        let nets: Vec<Option<Vec<u32>>> = if weights.old_net > 0.0 {
            list_old_nets(table).into_iter().map(|c| labels(Some(c))).collect()
        } else {
            Vec::new()
        };
        let soft = self.barriers.iter().any(|b| !b.hard && !b.is_bridge());
        if hamlet.is_none() && nets.is_empty() && !soft {
            self.graph.soft = Vec::new();
            return;
        }
        let crossing = self.soft_crossing();
        let mut costs = Vec::with_capacity(self.graph.border_m.len());
        for v in 0..self.graph.xy.len() as u32 {
            for e in self.graph.adjacency.row(v) {
                let u = self.graph.adjacency.neighbours[e];
                let same = |l: &Option<Vec<u32>>| {
                    l.as_ref().map(|l| (l[v as usize], l[u as usize])).filter(|p| p.0 != NO_VALUE && p.1 != NO_VALUE)
                };
                let mut cost = 0.0;
                if same(&hamlet).is_some_and(|(a, b)| a == b) {
                    cost += HAMLET;
                }
                // A net's inner borders are dear, its outer borders welcome; several nets share the weight.
                for (a, b) in nets.iter().filter_map(same) {
                    cost += HAMLET * weights.old_net / nets.len() as f64 * if a == b { 1.0 } else { -1.0 };
                }
                let mut cost = cost * self.graph.border_m[e] * scale;
                if soft && crossing(self.graph.xy[v as usize], self.graph.xy[u as usize]) {
                    cost -= SOFT_BARRIER * self.graph.border_m[e] * scale;
                }
                costs.push(cost);
            }
        }
        self.graph.soft = costs;
    }

    /// Whether a straight line between two places crosses a soft barrier.
    pub fn soft_crossing(&self) -> impl Fn([f64; 2], [f64; 2]) -> bool + use<> {
        let segments: Vec<[[f64; 2]; 2]> = self
            .barriers
            .iter()
            .filter(|b| !b.hard && !b.is_bridge())
            .flat_map(|b| match &b.shape {
                BarrierShape::Line(l) => vec![l.as_slice()],
                BarrierShape::Area(rings) => rings.iter().map(Vec::as_slice).collect(),
            })
            .flat_map(|l| l.windows(2).map(|w| [w[0], w[1]]))
            .collect();
        crossings(&segments)
    }

    /// Label of each atom in a column, [`NO_VALUE`] where its rows have none (or it is auxiliary).
    #[must_use]
    pub fn labels(&self, column: &Column) -> Vec<u32> {
        site_labels(&self.village, column, self.graph.xy.len())
    }
}

/// The column with the nets that grids replace.
#[must_use]
pub fn old_nets(table: &Households) -> Option<&Column> {
    OLD_NET_COLUMNS.iter().find_map(|c| table.column(c))
}

/// All columns with old nets: the usual one, and one a net where several are merged.
#[must_use]
pub fn list_old_nets(table: &Households) -> Vec<&Column> {
    let several = table.extra.iter().filter(|(name, _)| name.starts_with(OLD_NET_PREFIX)).map(|(_, c)| c);
    old_nets(table).into_iter().chain(several).collect()
}

/// What the name of a column begins with that holds one of several old nets.
pub const OLD_NET_PREFIX: &str = "old_net:";

/// Names of the column with old nets.
pub const OLD_NET_COLUMNS: [&str; 2] = ["old_net", "原网格"];

fn site_labels(village: &Village, column: &Column, atoms: usize) -> Vec<u32> {
    let mut of = vec![NO_VALUE; atoms];
    for (&row, &site) in village.rows.iter().zip(&village.site_of) {
        if of[site as usize] == NO_VALUE {
            of[site as usize] = column.of[row as usize];
        }
    }
    of
}

/// Whether a straight line between two places crosses one of the segments.
fn crossings(segments: &[[[f64; 2]; 2]]) -> impl Fn([f64; 2], [f64; 2]) -> bool + use<> {
    use rstar::primitives::{GeomWithData, Line};
    use rstar::{AABB, RTree};
    let tree: RTree<GeomWithData<Line<[f64; 2]>, ()>> =
        RTree::bulk_load(segments.iter().map(|s| GeomWithData::new(Line::new(s[0], s[1]), ())).collect());
    move |a, b| {
        let window = AABB::from_corners([a[0].min(b[0]), a[1].min(b[1])], [a[0].max(b[0]), a[1].max(b[1])]);
        let side =
            |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]) > 0.0;
        tree.locate_in_envelope_intersecting(window).any(|s| {
            let (c, d) = (s.geom().from, s.geom().to);
            side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
        })
    }
}

/// Dedicated and locked parts of the sites. A site with both is dedicated.
fn fixed_parts(
    table: &Households,
    village: &Village,
    oversized: Option<u32>,
) -> Result<(Vec<Option<u32>>, Vec<Fixed>), PlanError> {
    let mut fixed: Vec<Fixed> = Vec::new();
    let mut of: Vec<Option<u32>> = vec![None; village.sites.len()];
    for (column, kind) in [(&table.dedicated, FixedKind::Dedicated), (&table.lock, FixedKind::Locked)] {
        let Some(column) = column else { continue };
        for (&row, &site) in village.rows.iter().zip(&village.site_of) {
            let Some(name) = column.get(row as usize) else { continue };
            let entry = Fixed { name: name.to_owned(), kind };
            let index = fixed.iter().position(|f| *f == entry).unwrap_or_else(|| {
                fixed.push(entry);
                fixed.len() - 1
            }) as u32;
            let slot = &mut of[site as usize];
            match *slot {
                None => *slot = Some(index),
                Some(other) if other != index && fixed[other as usize].kind == kind => {
                    let (here, there) = (&fixed[index as usize].name, &fixed[other as usize].name);
                    return Err(PlanError::Solver {
                        village: village.key.clone(),
                        message: format!(
                            "第 {0} 行的建筑同时属于“{here}”和“{there}”，一栋建筑不可分属两个网格 / row {0}: one building stands in both \"{here}\" and \"{there}\"",
                            table.source_row[row as usize]
                        ),
                    });
                }
                Some(_) => {}
            }
        }
    }
    if let Some(most) = oversized {
        let mut households = vec![0_u32; of.len()];
        let mut building = vec![NO_VALUE; of.len()];
        for (&row, &site) in village.rows.iter().zip(&village.site_of) {
            households[site as usize] += table.households[row as usize];
            building[site as usize] = table.building.of[row as usize];
        }
        for (site, slot) in of.iter_mut().enumerate() {
            if slot.is_none() && households[site] > most {
                *slot = Some(fixed.len() as u32);
                let name = table.building.names.get(building[site] as usize).cloned().unwrap_or_default();
                fixed.push(Fixed { name, kind: FixedKind::Oversized });
            }
        }
    }
    Ok((of, fixed))
}

/// Auxiliary sites around dedicated and oversized ones: at half the distance to the nearest other site, so that neighbours keep their ground.
fn rings(sites: &[Point], fixed_of: &[Option<u32>], fixed: &[Fixed]) -> Vec<Point> {
    use rstar::RTree;
    use rstar::primitives::GeomWithData;
    let stands_apart =
        |s: usize| fixed_of[s].and_then(|f| fixed.get(f as usize)).is_some_and(|f| f.kind != FixedKind::Locked);
    if !(0..sites.len()).any(stands_apart) {
        return Vec::new();
    }
    let mut tree: RTree<GeomWithData<[f64; 2], u32>> =
        RTree::bulk_load(sites.iter().enumerate().map(|(i, p)| GeomWithData::new([p.x, p.y], i as u32)).collect());
    let mut added: Vec<Point> = Vec::new();
    for (s, p) in sites.iter().enumerate().filter(|(s, _)| stands_apart(*s)) {
        let near = tree
            .nearest_neighbor_iter_with_distance_2([p.x, p.y])
            .find(|(n, _)| (n.data as usize) != s && fixed_of.get(n.data as usize).copied().flatten() != fixed_of[s])
            .map_or(f64::INFINITY, |(_, d2)| d2.sqrt());
        let radius = (near / 2.0).min(2.0 * PREMISES_M);
        if radius < 1.0 {
            continue;
        }
        for i in 0..RING {
            let a = f64::from(i) * std::f64::consts::TAU / f64::from(RING);
            let c = [p.x + radius * a.cos(), p.y + radius * a.sin()];
            // Several buildings of one institution: no ring site between them.
            let clear = tree.nearest_neighbor_iter_with_distance_2(c).next().is_none_or(|(n, d2)| {
                let own = fixed_of.get(n.data as usize).copied().flatten() == fixed_of[s] && n.data as usize != s;
                d2 > 0.25 && !(own && d2 < radius * radius)
            });
            if clear {
                tree.insert(GeomWithData::new(c, u32::MAX));
                added.push(Point::new(c[0], c[1]));
            }
        }
    }
    added
}

/// What keeps the cells of a village from being built, in the words of its rows.
pub(super) fn mesh_error(table: &Households, village: &Village, e: MeshError) -> PlanError {
    match e {
        MeshError::Outside { sites } => outside_error(table, village, &sites),
        MeshError::NotFinite { what: "site", index } => {
            let own = village.rows.iter().zip(&village.site_of).find(|(_, s)| **s as usize == index);
            let row = own.map_or(0, |(r, _)| *r as usize);
            PlanError::TooFar {
                village: village.key.clone(),
                row: table.source_row.get(row).copied().unwrap_or(0),
                id: table.ids.get(row).cloned().unwrap_or_default(),
            }
        }
        e => PlanError::Solver { village: village.key.clone(), message: e.to_string() },
    }
}

fn outside_error(table: &Households, village: &Village, sites: &[u32]) -> PlanError {
    let rows: Vec<u32> = village
        .rows
        .iter()
        .zip(&village.site_of)
        .filter(|(_, s)| sites.binary_search(s).is_ok())
        .map(|(&r, _)| r)
        .collect();
    let ids: Vec<&str> = rows.iter().take(5).filter_map(|&r| table.ids.get(r as usize)).map(String::as_str).collect();
    PlanError::Outside { ids: ids.join(", "), count: rows.len() }
}
