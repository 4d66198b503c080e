//! The soft figures S1–S10 of a plan, each a number or null where the input says nothing about it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::domain::{Column, Households, NO_VALUE};
use crate::partition::grids::AtomGraph;

use super::grids::VillageGrids;
use super::ground::{Ground, old_nets};
use super::shapes::rounded;
use super::village::Village;

/// Six decimals: shares and indices.
fn share(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}

/// Smallest, mean and greatest of some values; null without any.
fn spread(values: &[f64], round: impl Fn(f64) -> f64) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (lo, hi) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    json!({"min": round(lo), "mean": round(mean), "max": round(hi)})
}

/// What the grids say: S1 to S5, S7, S10.
#[must_use]
pub fn of_grids<'a>(
    table: &Households,
    villages: impl IntoIterator<Item = &'a VillageGrids>,
) -> BTreeMap<String, Value> {
    let villages: Vec<&VillageGrids> = villages.into_iter().collect();
    let mut soft = BTreeMap::new();
    let base = || villages.iter().flat_map(|v| &v.grids).filter(|g| !g.dedicated);
    let deviations: Vec<f64> = base().filter_map(super::grids::Grid::deviation).map(f64::abs).collect();
    let households: Vec<f64> = base().map(|g| f64::from(g.households)).collect();
    soft.insert(
        "S1".to_owned(),
        json!({"deviation": spread(&deviations, share), "households": spread(&households, share)}),
    );
    let soft_barriers = villages.iter().any(|v| v.ground.barriers.iter().any(|b| !b.hard && !b.is_bridge()));
    if soft_barriers {
        let crossed: u64 = villages.iter().map(|v| crossings_inside(&v.ground, &v.grid_of)).sum();
        soft.insert("S2".to_owned(), json!({"neighbours_across_soft_barriers_in_one_grid": crossed}));
    }
    let hamlets = [("hamlets", table.hamlet.as_ref()), ("groups", table.group.as_ref())];
    let split: BTreeMap<&str, Value> = hamlets
        .iter()
        .filter_map(|(name, c)| {
            let c = (*c)?;
            let (whole, split) = villages
                .iter()
                .map(|v| wholeness(&v.ground, &v.grid_of, c))
                .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
            Some((*name, json!({"whole": whole, "split": split})))
        })
        .collect();
    if !split.is_empty() {
        soft.insert("S3".to_owned(), json!(split));
    }
    let pp: Vec<f64> = base().map(super::grids::Grid::polsby_popper).collect();
    let sum: f64 = pp.iter().map(|v| 1.0 / v.max(1e-12)).sum();
    soft.insert("S4".to_owned(), json!({"polsby_popper": spread(&pp, share), "compactness_sum": share(sum)}));
    let reach: Vec<f64> = villages.iter().flat_map(|v| reaches_m(v)).collect();
    soft.insert("S5".to_owned(), json!({"grid_reach_m": spread(&reach, rounded)}));
    soft.insert("S7".to_owned(), json!({"grids": base().count()}));
    if let Some(nets) = old_nets(table) {
        let (kept, all) = villages
            .iter()
            .map(|v| reused_m(&v.ground, &v.grid_of, nets))
            .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        soft.insert("S10".to_owned(), json!({"border_on_old_nets": share(if all > 0.0 { kept / all } else { 1.0 })}));
    }
    soft
}

/// The units of one village, whoever formed them.
pub struct UnitsView<'a> {
    /// The village.
    pub village: &'a Village,
    /// Unit of each row of the village; [`NO_VALUE`] for a row without households.
    pub unit_of: &'a [u32],
    /// Number of units.
    pub units: usize,
}

/// What the units say: S8, S9 and the sum they minimise.
#[must_use]
pub fn of_units(table: &Households, villages: &[UnitsView<'_>]) -> BTreeMap<String, Value> {
    let mut soft = BTreeMap::new();
    let (mut diameters, mut reaches, mut sse, mut members) = (Vec::new(), Vec::new(), 0.0, 0_usize);
    for v in villages {
        let mut places: Vec<Vec<[f64; 2]>> = vec![Vec::new(); v.units];
        for (&u, &xy) in v.unit_of.iter().zip(&v.village.xy) {
            if let Some(p) = places.get_mut(u as usize) {
                p.push(xy);
            }
        }
        for p in places.iter().filter(|p| !p.is_empty()) {
            let (own_sse_m2, reach_m) = spread_of(p);
            diameters.push(diameter_m(p));
            reaches.push(reach_m);
            sse += own_sse_m2;
            members += p.len();
        }
    }
    soft.insert(
        "S8".to_owned(),
        json!({"unit_diameter_m": spread(&diameters, rounded), "unit_reach_m": spread(&reaches, rounded)}),
    );
    let mut split = BTreeMap::new();
    for (name, column) in [("buildings", Some(&table.building)), ("stairwells", table.stairwell.as_ref())] {
        let Some(column) = column else { continue };
        let mut of: BTreeMap<(u32, u32, u32), BTreeSet<u32>> = BTreeMap::new();
        for (i, v) in villages.iter().enumerate() {
            for (&row, &u) in v.village.rows.iter().zip(v.unit_of) {
                let (b, c) = (table.building.of[row as usize], column.of[row as usize]);
                if u != NO_VALUE && c != NO_VALUE {
                    of.entry((i as u32, b, c)).or_default().insert(u);
                }
            }
        }
        split.insert(name, of.values().filter(|u| u.len() > 1).count());
    }
    soft.insert("S9".to_owned(), json!({"split": split}));
    soft.insert("sse_m2".to_owned(), json!(rounded(sse)));
    soft.insert("sse_m2_per_household".to_owned(), json!(rounded(sse / members.max(1) as f64)));
    soft.insert("units".to_owned(), json!(diameters.len()));
    soft
}

/// Σ squared metres to the mean of some places, and the greatest distance from it.
#[must_use]
pub fn spread_of(places: &[[f64; 2]]) -> (f64, f64) {
    let n = places.len().max(1) as f64;
    let mean = places.iter().fold([0.0; 2], |a, p| [a[0] + p[0] / n, a[1] + p[1] / n]);
    places
        .iter()
        .map(|p| (p[0] - mean[0]).powi(2) + (p[1] - mean[1]).powi(2))
        .fold((0.0, 0.0), |(sum, most), d2| (sum + d2, f64::max(most, d2.sqrt())))
}

/// Greatest distance between two of the places.
#[must_use]
pub fn diameter_m(places: &[[f64; 2]]) -> f64 {
    let mut most = 0.0_f64;
    for (i, a) in places.iter().enumerate() {
        for b in &places[i + 1..] {
            most = most.max((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2));
        }
    }
    most.sqrt()
}

/// Neighbouring atoms of one grid whose straight connection crosses a soft barrier.
fn crossings_inside(ground: &Ground, grid_of: &[u32]) -> u64 {
    let crosses = ground.soft_crossing();
    pairs(&ground.graph)
        .filter(|&(v, u, _)| grid_of[v] == grid_of[u] && crosses(ground.graph.xy[v], ground.graph.xy[u]))
        .count() as u64
}

/// Neighbouring atoms, each pair once, with the length of their border.
fn pairs(graph: &AtomGraph) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
    (0..graph.xy.len() as u32).flat_map(move |v| {
        graph.adjacency.row(v).filter_map(move |e| {
            let u = graph.adjacency.neighbours[e];
            (u > v).then(|| (v as usize, u as usize, graph.border_m[e]))
        })
    })
}

/// Hamlets wholly in one grid, and those that are split.
fn wholeness(ground: &Ground, grid_of: &[u32], column: &Column) -> (u64, u64) {
    let mut of: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (label, &g) in ground.labels(column).into_iter().zip(grid_of) {
        if label != NO_VALUE {
            of.entry(label).or_default().insert(g);
        }
    }
    let split = of.values().filter(|g| g.len() > 1).count() as u64;
    (of.len() as u64 - split, split)
}

/// Greatest distance between a household and the mean of its grid, for each grid with households.
fn reaches_m(v: &VillageGrids) -> Vec<f64> {
    let k = v.grids.len();
    let graph = &v.ground.graph;
    let mut sum = vec![[0.0_f64; 3]; k];
    for (a, &g) in v.grid_of.iter().enumerate() {
        let (w, p, s) = (f64::from(graph.households[a]), graph.xy[a], &mut sum[g as usize]);
        *s = [s[0] + w * p[0], s[1] + w * p[1], s[2] + w];
    }
    let mut most = vec![0.0_f64; k];
    for (a, &g) in v.grid_of.iter().enumerate() {
        let s = sum[g as usize];
        if graph.households[a] > 0 && s[2] > 0.0 {
            let d = (graph.xy[a][0] - s[0] / s[2]).hypot(graph.xy[a][1] - s[1] / s[2]);
            most[g as usize] = most[g as usize].max(d);
        }
    }
    most.into_iter().zip(sum).filter(|(_, s)| s[2] > 0.0).map(|(m, _)| m).collect()
}

/// Length of grid borders that also part old nets, and of all grid borders.
fn reused_m(ground: &Ground, grid_of: &[u32], nets: &Column) -> (f64, f64) {
    let label = ground.labels(nets);
    pairs(&ground.graph)
        .filter(|&(v, u, _)| grid_of[v] != grid_of[u])
        .fold((0.0, 0.0), |(kept, all), (v, u, m)| (kept + if label[v] != label[u] { m } else { 0.0 }, all + m))
}
