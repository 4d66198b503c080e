//! All-purpose grids (全科网格): one net planned out of several old ones — police, city management, tourism, poverty relief — re-using
//! their borders (S10), and how much of each was kept.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{Barrier, Column, Households, NO_VALUE, Profile, Region};
use crate::plan::ground::OLD_NET_PREFIX;
use crate::plan::job::{Job, PlanError};
use crate::plan::make::{VillagePlan, make_plan};
use crate::plan::report::Report;

use super::figures::matched;
use super::land::NONE;
use super::state::VillageState;

/// Weight of old borders where the profile gives none. At 1 a village of 463 households whose old border was as good as any lost it with two
/// seeds of three; at 6 with none.
const WEIGHT: f64 = 6.0;

/// One of the nets that are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldNet {
    /// Its name (police, 综治, …).
    pub name: String,
    /// Old grid of each building; buildings it does not mention were in none.
    pub grid_of_building: BTreeMap<String, String>,
}

/// How much of an old net lives on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NetReport {
    /// Its name.
    pub net: String,
    /// Length of its borders between neighbouring buildings of the village, in m.
    pub old_border_m: f64,
    /// Length of them that is a border of the new net too, in m.
    pub kept_m: f64,
    /// Kept ÷ old; 1 where there was no border.
    pub kept_share: f64,
    /// Households in the old net.
    pub households: u32,
    /// Households whose new grid is not the one that carries on their old grid.
    pub households_changed: u32,
}

/// The register with a column a net, as the planner of grids reads them.
#[must_use]
pub fn with_nets(mut register: Households, nets: &[OldNet]) -> Households {
    for net in nets {
        let mut column = Column::default();
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        for row in 0..register.len() {
            let grid = register.building.get(row).and_then(|b| net.grid_of_building.get(b));
            column.of.push(match grid {
                None => NO_VALUE,
                Some(g) => *seen.entry(g).or_insert_with(|| {
                    column.names.push(g.clone());
                    column.names.len() as u32 - 1
                }),
            });
        }
        register.extra.insert(format!("{OLD_NET_PREFIX}{}", net.name), column);
    }
    register
}

/// Plans one net out of several old ones: a plan whose borders follow theirs where balance and shape allow.
///
/// # Errors
/// As [`make_plan`].
pub fn plan_one_net(
    register: Households,
    nets: &[OldNet],
    regions: &[Region],
    barriers: &[Barrier],
    profile: &Profile,
    jobs: (&Job<'_>, &Job<'_>),
    report: &mut Report,
) -> Result<(Households, Vec<VillagePlan>), PlanError> {
    let mut profile = profile.clone();
    if profile.grid.old_net_weight <= 0.0 {
        profile.grid.old_net_weight = WEIGHT;
    }
    let register = with_nets(register, nets);
    let plans = make_plan(&register, regions, barriers, &profile, jobs, report)?;
    Ok((register, plans))
}

/// What a plan of a village keeps of each old net.
#[must_use]
pub fn report_nets(state: &VillageState, nets: &[OldNet]) -> Vec<NetReport> {
    nets.iter().map(|net| report_net(state, net)).collect()
}

fn report_net(state: &VillageState, net: &OldNet) -> NetReport {
    let land = &state.land;
    let graph = &state.terrain.ground.graph;
    let mut number: BTreeMap<&str, u32> = BTreeMap::new();
    for g in net.grid_of_building.values() {
        let fresh = number.len() as u32;
        number.entry(g).or_insert(fresh);
    }
    let old_of = |b: u32| net.grid_of_building.get(land.building_id(b)).and_then(|g| number.get(g.as_str())).copied();
    let label: Vec<u32> = (0..graph.xy.len() as u32)
        .map(|v| {
            if v as usize >= land.village.sites.len() {
                return NONE;
            }
            land.buildings_at.neighbours_of(v).iter().find_map(|&b| old_of(b)).unwrap_or(NONE)
        })
        .collect();
    let mut r = NetReport { net: net.name.clone(), ..NetReport::default() };
    for v in 0..graph.xy.len() {
        for e in graph.adjacency.row(v as u32) {
            let u = graph.adjacency.neighbours[e] as usize;
            if u <= v || label[v] == NONE || label[u] == NONE || label[v] == label[u] {
                continue;
            }
            r.old_border_m += graph.border_m[e];
            if state.grid_of[v] != state.grid_of[u] {
                r.kept_m += graph.border_m[e];
            }
        }
    }
    r.kept_share = if r.old_border_m > 0.0 { r.kept_m / r.old_border_m } else { 1.0 };
    let mut common: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for b in 0..land.buildings() as u32 {
        if let Some(old) = old_of(b) {
            *common.entry((old, state.seat[b as usize])).or_default() += land.households_in(b);
        }
    }
    r.households = common.values().sum();
    let carried_on: u32 = matched(&common).iter().map(|p| common.get(p).copied().unwrap_or(0)).sum();
    r.households_changed = r.households - carried_on;
    r
}
