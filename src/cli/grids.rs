//! `lianhu grids`: balanced, contiguous grids from one command.

use std::time::Instant;

use serde_json::json;

use crate::domain::{Divide, Households, Positions};
use crate::partition::check::{Rule, check};
use crate::plan::figures;
use crate::plan::grid_facts::facts_of_grids;
use crate::plan::grids::{GridRules, Outlines, VillageGrids, Wish, form_grids};
use crate::plan::shapes::{collection, feature, geometry, rounded};

use super::args::GridsArgs;
use super::commands::{Failure, Loaded, Outcome, finish, job_of, load, write_outputs};
use super::console;
use super::outputs;
use super::replay::Replay;
use super::surroundings::{read_barriers, read_boundary};

/// Deviation allowed where nothing is said.
const TOLERANCE: f64 = 0.01;

pub(super) fn grids(a: &GridsArgs, begun: Instant) -> Outcome {
    let mut a = a.clone();
    let old = Replay::read(a.effort.replay.as_deref(), "grids")?;
    if let Some(old) = &old {
        old.settle_common(&mut a.input, &mut a.effort)?;
        old.settle("target", &mut a.target)?;
        old.settle("count", &mut a.count)?;
        old.settle("tolerance", &mut a.tolerance)?;
        old.settle_file("boundary", &mut a.boundary)?;
        old.settle_file("barriers", &mut a.barriers)?;
    }
    let a = &a;
    let rules = GridRules {
        wish: match (a.target, a.count) {
            (Some(t), _) => Wish::Target(t),
            (None, count) => Wish::Count(count.unwrap_or(1)),
        },
        tolerance: a.tolerance.unwrap_or(TOLERANCE),
        divide: Divide::Balance,
        otherwise: Divide::Balance,
        building_min: u32::MAX,
        old_net_weight: 0.0,
    };
    outputs::check_all(&a.output)?;
    let Loaded { table, mut report } = load("grids", &a.input, &[], &a.effort, begun)?;
    let planar = matches!(table.positions, Positions::Planar(_));
    let barriers = read_barriers(a.barriers.as_deref(), &a.input, planar, &mut report)?;
    let boundary = read_boundary(a.boundary.as_deref(), &a.input, planar, &mut report)?;
    report.parameters.extend(
        [
            ("target", json!(a.target)),
            ("count", json!(a.count)),
            ("tolerance", json!(rules.tolerance)),
            ("rounds", json!(a.effort.rounds)),
            ("budget", json!(a.effort.budget)),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v)),
    );
    if let Some(old) = &old {
        old.same_files(&report)?;
    }
    let job = job_of(&a.effort, 1.0, begun, old.as_ref().map(|o| &o.report));
    let outlines = Outlines { regions: &[], single: boundary.as_deref() };
    let villages = form_grids(&table, &outlines, &barriers, &rules, &job, &mut report).map_err(Failure::input)?;
    report.set_run(begun, console::now_utc());
    if let Some(old) = &old {
        old.carry_over(&mut report);
    }
    report.soft.extend(figures::of_grids(&table, &villages));
    let breaches = check(&facts_of_grids(&table, &villages));
    for rule in [Rule::H1, Rule::H2, Rule::H3, Rule::H4, Rule::H5, Rule::H9, Rule::H10, Rule::H11] {
        report.hard.insert(format!("{rule:?}"), json!(breaches.iter().filter(|b| b.rule == rule).count()));
    }
    for b in &breaches {
        report.notes.push(format!("{:?} {}：[{}] {}", b.rule, b.rule.title(), b.ids.join(", "), b.message));
    }
    report.step("checked", begun);
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
    let deviation =
        all().filter_map(|g| g.deviation()).map(f64::abs).fold(None, |most, d| Some(f64::max(most.unwrap_or(0.0), d)));
    let deviation = deviation.map_or_else(|| "–".to_owned(), |d| format!("{:.2}", d * 100.0));
    let (sum, least, count) = all()
        .map(|g| g.polsby_popper())
        .fold((0.0, f64::INFINITY, 0_u32), |(s, l, n), v| (s + v, f64::min(l, v), n + 1));
    let least = if count == 0 { 0.0 } else { least };
    let mean = sum / f64::from(count.max(1));
    outln!("{households} 户 → {count} 个网格，最大偏差 {deviation} %，紧凑度 平均 {mean:.3} 最低 {least:.3}");
    outln!(
        "{households} households → {count} grids, greatest deviation {deviation} %, Polsby–Popper mean {mean:.3} least {least:.3}"
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
