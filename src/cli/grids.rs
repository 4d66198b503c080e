//! `lianhu grids`: balanced, contiguous grids from one command.

use std::time::Instant;

use serde_json::json;

use crate::domain::{Divide, Households, Positions};
use crate::plan::figures;
use crate::plan::grids::{GridRules, Outlines, VillageGrids, Wish, form_grids};
use crate::plan::shapes::{collection, feature, geometry, rounded};

use super::args::GridsArgs;
use super::commands::{Failure, Loaded, Outcome, finish, job_of, load, replay_of, write_outputs};
use super::console;
use super::outputs;
use super::surroundings::{read_barriers, read_boundary};

pub(super) fn grids(a: &GridsArgs, begun: Instant) -> Outcome {
    let rules = GridRules {
        wish: match (a.target, a.count) {
            (Some(t), _) => Wish::Target(t),
            (None, count) => Wish::Count(count.unwrap_or(1)),
        },
        tolerance: a.tolerance,
        divide: Divide::Balance,
        otherwise: Divide::Balance,
        building_min: u32::MAX,
        old_net_weight: 0.0,
    };
    outputs::check_all(&a.output)?;
    let Loaded { table, mut report } = load("grids", &a.input, &[], &a.effort, begun)?;
    let planar = matches!(table.positions, Positions::Planar(_));
    let barriers = read_barriers(a.barriers.as_deref(), &a.input, planar)?;
    let boundary = read_boundary(a.boundary.as_deref(), &a.input, planar)?;
    report.parameters = [
        ("target", json!(a.target)),
        ("count", json!(a.count)),
        ("tolerance", json!(a.tolerance)),
        ("boundary", json!(a.boundary)),
        ("barriers", json!(a.barriers)),
        ("rounds", json!(a.effort.rounds)),
        ("budget", json!(a.effort.budget)),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_owned(), v))
    .collect();
    let old = replay_of(&a.effort, &report)?;
    let job = job_of(&a.effort, begun, old.as_ref());
    let outlines = Outlines { regions: &[], single: boundary.as_deref() };
    let villages = form_grids(&table, &outlines, &barriers, &rules, &job, &mut report).map_err(Failure::input)?;
    report.set_run(begun, console::now_utc());
    report.soft.extend(figures::of_grids(&table, &villages));
    let mut labels = vec![-1_i64; table.len()];
    let mut first = 0;
    for v in &villages {
        for (&row, g) in v.ground.village.rows.iter().zip(v.of_rows()) {
            labels[row as usize] = first + i64::from(g);
        }
        first += v.grids.len() as i64;
    }
    let shapes = a.output.geojson.is_some().then(|| grid_features(&table, &villages, planar));
    write_outputs(&a.output, &labels, shapes, &report)?;
    say(&table, &villages);
    finish(&report)
}

fn say(table: &Households, villages: &[VillageGrids]) {
    let households: u64 = table.households.iter().map(|&h| u64::from(h)).sum();
    let all = || villages.iter().flat_map(|v| &v.grids).filter(|g| !g.dedicated);
    let deviation = all().filter_map(|g| g.deviation()).map(f64::abs).fold(0.0, f64::max) * 100.0;
    let (sum, least, count) = all()
        .map(|g| g.polsby_popper())
        .fold((0.0, f64::INFINITY, 0_u32), |(s, l, n), v| (s + v, f64::min(l, v), n + 1));
    let least = if count == 0 { 0.0 } else { least };
    let mean = sum / f64::from(count.max(1));
    outln!("{households} 户 → {count} 个网格，最大偏差 {deviation:.2} %，紧凑度 平均 {mean:.3} 最低 {least:.3}");
    outln!(
        "{households} households → {count} grids, greatest deviation {deviation:.2} %, Polsby–Popper mean {mean:.3} least {least:.3}"
    );
}

fn grid_features(table: &Households, villages: &[VillageGrids], planar: bool) -> String {
    let mut features = Vec::new();
    let mut label = 0;
    for (index, v) in villages.iter().enumerate() {
        let code = crate::domain::VillageCode::provisional(index as u32);
        let mut buildings = vec![std::collections::BTreeSet::new(); v.grids.len()];
        for (&row, g) in v.ground.village.rows.iter().zip(v.of_rows()) {
            buildings[g as usize].insert(table.building.of[row as usize]);
        }
        for (g, b) in v.grids.iter().zip(&buildings) {
            let properties = [
                ("label", json!(label)),
                ("code", json!(code.grid(g.number))),
                ("name", json!(g.name)),
                ("kind", json!(if g.dedicated { "dedicated" } else { "base" })),
                ("village", json!(code.as_str())),
                ("village_name", json!(v.ground.village.key)),
                ("households", json!(g.households)),
                ("buildings", json!(b.len())),
                ("deviation", json!(g.deviation().map(|d| (d * 1e6).round() / 1e6))),
                ("area_m2", json!(rounded(g.area_m2))),
                ("perimeter_m", json!(rounded(g.perimeter_m))),
                ("polsby_popper", json!((g.polsby_popper() * 1e6).round() / 1e6)),
            ];
            let properties = properties.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            features.push(feature(geometry(&v.ground.village.frame, &g.polygons), properties));
            label += 1;
        }
    }
    collection(&features, planar)
}
