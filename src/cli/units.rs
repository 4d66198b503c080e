//! `lianhu units`: ten-household units from one command.

use std::time::{Duration, Instant};

use serde_json::{Map, json};

use crate::domain::profile::hard_by_kind;
use crate::domain::{Households, Positions};
use crate::exchange;
use crate::partition::check::Rule;
use crate::plan::certify::certify_units;
use crate::plan::figures::{self, UnitsView};
use crate::plan::make::unit_rules;
use crate::plan::shapes::{collection, feature, geometry, rounded, unit_hull};
use crate::plan::units::{Binding, UnitRules, VillageUnits, form_units};
use crate::plan::village::expanded;

use super::args::UnitsArgs;
use super::commands::{Failure, Loaded, Outcome, finish, job_of, load, write_outputs};
use super::replay::Replay;
use super::surroundings::read_barriers;
use super::{console, outputs};

/// What units are formed by.
struct Asked {
    rules: UnitRules,
    /// Name of the profile.
    profile: Option<String>,
    /// Kinds of barriers that are hard, all others soft, where the profile says so.
    hard_barriers: Option<Vec<String>>,
}

/// What flags and profile ask for.
fn asked(a: &UnitsArgs) -> Result<Asked, Failure> {
    let profile = a.profile.as_deref().map(super::profiles::profile).transpose()?;
    let by_profile = profile.as_ref().map(unit_rules);
    let mut rules = UnitRules {
        min: a.min.or(by_profile.as_ref().map(|r| r.min)).unwrap_or(10),
        max: a.max.or(by_profile.as_ref().map(|r| r.max)).unwrap_or(15),
        count: a.count,
        // A wished size goes with the profile's own range.
        target: by_profile.as_ref().filter(|_| a.min.is_none() && a.max.is_none()).and_then(|r| r.target),
        max_reach_m: by_profile.as_ref().and_then(|r| r.max_reach_m),
        containers: a.container.iter().map(|t| container(t)).collect::<Result<_, _>>()?,
    };
    if rules.min > rules.max {
        return Err(Failure::usage(format!(
            "--min {0} 大于 --max {1}\n--min {0} is above --max {1}",
            rules.min, rules.max
        )));
    }
    let named: Vec<String> = rules.containers.iter().map(|c| c.0.clone()).collect();
    let from_profile = by_profile.into_iter().flat_map(|r| r.containers);
    rules.containers.extend(from_profile.filter(|(c, _)| !named.contains(c)));
    let hard_barriers = profile.as_ref().and_then(|p| p.grid.hard_barriers.clone());
    Ok(Asked { rules, profile: profile.map(|p| p.name), hard_barriers })
}

/// A container column by any of its names, and how it binds.
fn container(text: &str) -> Result<(String, Binding), Failure> {
    let (column, binding) = text.split_once('=').unwrap_or((text, ""));
    let binding = match binding {
        "law" => Binding::Law,
        "prefer" => Binding::Prefer,
        _ => {
            return Err(Failure::usage(format!(
                "--container {text}：应写作 列名=law 或 列名=prefer\n--container {text}: write COLUMN=law or COLUMN=prefer"
            )));
        }
    };
    Ok((exchange::column_name(column).to_owned(), binding))
}

fn container_text((column, binding): &(String, Binding)) -> String {
    format!("{column}={}", if *binding == Binding::Law { "law" } else { "prefer" })
}

/// What a report says; what flags say must be among it.
fn replayed(old: &Replay, a: &mut UnitsArgs) -> Result<Asked, Failure> {
    old.settle_common(&mut a.input, &mut a.effort)?;
    old.settle_switch("expand", &mut a.expand)?;
    old.settle_switch("certify", &mut a.certify)?;
    old.settle("min", &mut a.min)?;
    old.settle("max", &mut a.max)?;
    old.settle("count", &mut a.count)?;
    old.settle_file("barriers", &mut a.barriers)?;
    let given = a.profile.as_deref().map(super::profiles::profile).transpose()?;
    let mut hard_barriers = given.as_ref().and_then(|p| p.grid.hard_barriers.clone());
    let mut profile = given.map(|p| p.name);
    old.settle("profile", &mut profile)?;
    old.settle("hard_barriers", &mut hard_barriers)?;
    let mut containers: Option<Vec<String>> = None;
    old.settle("containers", &mut containers)?;
    let containers = containers.unwrap_or_default();
    for text in &a.container {
        if !containers.contains(&container_text(&container(text)?)) {
            return Err(old.contradiction("container", text, &containers.join("、")));
        }
    }
    let (mut target, mut max_reach_m) = (None, None);
    old.settle("target", &mut target)?;
    old.settle("max_reach_m", &mut max_reach_m)?;
    let rules = UnitRules {
        min: a.min.unwrap_or(10),
        max: a.max.unwrap_or(15),
        count: a.count,
        target,
        max_reach_m,
        containers: containers.iter().map(|t| container(t)).collect::<Result<_, _>>()?,
    };
    Ok(Asked { rules, profile, hard_barriers })
}

pub(super) fn units(a: &UnitsArgs, begun: Instant) -> Outcome {
    let mut a = a.clone();
    let old = Replay::read(a.effort.replay.as_deref(), "units")?;
    let Asked { mut rules, profile, hard_barriers } = match &old {
        Some(old) => replayed(old, &mut a)?,
        None => asked(&a)?,
    };
    let a = &a;
    outputs::check_all(&a.output)?;
    let extra: Vec<String> = rules.containers.iter().map(|c| c.0.clone()).collect();
    let Loaded { table, mut report } = load("units", &a.input, &extra, &a.effort, begun)?;
    let table = if a.expand { expanded(table) } else { table };
    // A profile's container that the file has no column for binds nobody; one asked for by name must be there.
    let named = a.container.iter().map(|t| container(t)).collect::<Result<Vec<_>, _>>()?;
    rules.containers.retain(|c| named.contains(c) || table.column(&c.0).is_some());
    let planar = matches!(table.positions, Positions::Planar(_));
    let barriers = read_barriers(a.barriers.as_deref(), &a.input, planar, &mut report)?;
    let barriers = hard_by_kind(&barriers, hard_barriers.as_deref());
    report.parameters.extend(
        [
            ("profile", json!(profile)),
            ("hard_barriers", json!(hard_barriers)),
            ("min", json!(rules.min)),
            ("max", json!(rules.max)),
            ("count", json!(rules.count)),
            ("target", json!(rules.target)),
            ("max_reach_m", json!(rules.max_reach_m)),
            ("containers", json!(rules.containers.iter().map(container_text).collect::<Vec<_>>())),
            ("expand", json!(a.expand)),
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
    let mut villages = form_units(&table, &rules, &barriers, &job, &mut report).map_err(Failure::input)?;
    if a.certify {
        // With a budget, proving may take ten times as long again, but at least half a minute.
        let extra = a.effort.budget.map(|s| Instant::now() + Duration::from_secs_f64((10.0 * s).max(30.0)));
        certify_units(&table, &rules, &job, extra, &mut villages, &mut report);
    }
    report.set_run(begun, console::now_utc());
    if let Some(old) = &old {
        old.carry_over(&mut report);
    }
    let mut labels = vec![-1_i64; table.len()];
    let (mut sse, mut count, mut outside) = (0.0, 0_u64, 0_u64);
    for v in &villages {
        sse += v.solution.sse_m2;
        count += u64::from(v.solution.units);
        outside += v.solution.exceptions.iter().map(|e| u64::from(e.households)).sum::<u64>();
        for (&row, &u) in v.village.rows.iter().zip(&v.solution.unit_of) {
            labels[row as usize] = v.label.get(u as usize).copied().unwrap_or(-1);
        }
    }
    let households = table.households.iter().filter(|&&h| h > 0).count();
    report.soft.insert("sse_m2".to_owned(), json!(rounded(sse)));
    report.soft.insert("units".to_owned(), json!(count));
    report.soft.insert("households_in_exceptions".to_owned(), json!(outside));
    let views: Vec<_> = villages
        .iter()
        .map(|v| UnitsView { village: &v.village, unit_of: &v.solution.unit_of, units: v.solution.units as usize })
        .collect();
    report.soft.extend(figures::of_units(&table, &views));
    let (unplaced, illegal) =
        villages.iter().map(|v| breaches(&table, v, &rules)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    report.hard.insert("H4".to_owned(), json!(unplaced));
    report.hard.insert("H7".to_owned(), json!(illegal));
    if villages.iter().any(|v| !v.side.is_empty()) {
        let crossing: usize = villages.iter().map(VillageUnits::crossing).sum();
        report.hard.insert("H11".to_owned(), json!(crossing));
    }
    let broken = Rule::ALL.into_iter().filter_map(|r| Some((r, report.breaches_of(r)?)));
    let notes: Vec<String> = broken.map(|(r, n)| format!("{r:?} {}：{n}", r.title())).collect();
    report.notes.extend(notes);
    let shapes = a.output.geojson.is_some().then(|| unit_features(&villages, planar));
    write_outputs(&a.output, &labels, shapes, &report)?;
    outln!(
        "{households} 户 → {count} 个单元，离差平方和 {sse:.0} m²，例外 {} 个（{outside} 户）",
        report.exceptions.len()
    );
    outln!(
        "{households} households → {count} units, SSE {sse:.0} m², {} exceptions ({outside} households)",
        report.exceptions.len()
    );
    finish(&report)
}

/// Households in no unit (H4), and units whose size is neither legal nor a listed exception (H7).
fn breaches(table: &Households, v: &VillageUnits, rules: &UnitRules) -> (usize, usize) {
    let mut size = vec![0_u32; v.solution.units as usize];
    let mut unplaced = 0;
    for (&row, &u) in v.village.rows.iter().zip(&v.solution.unit_of) {
        match size.get_mut(u as usize) {
            Some(s) => *s += 1,
            None => unplaced += usize::from(table.households[row as usize] > 0),
        }
    }
    let listed = |u: usize| v.solution.exceptions.iter().any(|e| e.unit as usize == u);
    let illegal = size.iter().enumerate().filter(|(u, s)| !(rules.min..=rules.max).contains(*s) && !listed(*u)).count();
    (unplaced, illegal)
}

fn unit_features(villages: &[VillageUnits], planar: bool) -> String {
    let mut features = Vec::new();
    for v in villages {
        let mut members: Vec<Vec<[f64; 2]>> = vec![Vec::new(); v.solution.units as usize];
        for (xy, &u) in v.village.xy.iter().zip(&v.solution.unit_of) {
            if let Some(m) = members.get_mut(u as usize) {
                m.push(*xy);
            }
        }
        for (unit, m) in members.iter().enumerate().filter(|(_, m)| !m.is_empty()) {
            let mut p = Map::new();
            p.insert("village".to_owned(), json!(v.village.key));
            p.insert("label".to_owned(), json!(v.label.get(unit)));
            p.insert("households".to_owned(), json!(m.len()));
            let reason = v.solution.exceptions.iter().find(|e| e.unit as usize == unit);
            p.insert("exception".to_owned(), json!(reason.map(|e| e.reason.to_string())));
            features.push(feature(geometry(&v.village.frame, &[vec![unit_hull(m)]]), p));
        }
    }
    collection(&features, planar)
}
