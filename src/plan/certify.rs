//! `--certify`: how far the units of each village can be from the best division.

use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::domain::Households;
use crate::partition::effort::Stopped;
use crate::partition::units::UnitsSolution;
use crate::partition::units::certify::LARGEST;

use super::job::Job;
use super::report::Report;
use super::shapes::rounded;
use super::units::{Binding, UnitRules, UnitTask, VillageUnits};

/// Certifies every village of at most [`LARGEST`] households and writes `lower_bound_m2`, `certified_gap` and the figures of each
/// village into the report; larger ones are listed there. A better division met on the way replaces a village's units, where
/// nothing but the sum of squares speaks against it (no preferred containers, no exceptions). Stops between two iterations at
/// `deadline` or on Ctrl-C, with the bounds so far.
pub fn certify_units(
    table: &Households,
    rules: &UnitRules,
    job: &Job<'_>,
    deadline: Option<Instant>,
    villages: &mut [VillageUnits],
    report: &mut Report,
) {
    let replay = job.replay_rounds("certify");
    let plain = rules.containers.iter().all(|c| c.1 == Binding::Law);
    let (mut figures, mut large) = (Vec::new(), Vec::new());
    let (mut bound_m2, mut sse_m2, mut bettered) = (0.0, 0.0, false);
    let total = villages.len().max(1) as f64;
    for (i, v) in villages.iter_mut().enumerate() {
        (job.progress)("certify", i as f64 / total);
        let members: Vec<u32> = (0_u32..)
            .zip(&v.village.rows)
            .filter(|(_, r)| table.households.get(**r as usize).is_some_and(|h| *h > 0))
            .map(|(m, _)| m)
            .collect();
        if members.len() > LARGEST {
            large.push(v.village.key.clone());
            report.push_stage(&v.village.key, "certify", 0, Stopped::Converged);
            continue;
        }
        let task = UnitTask::new(table, &v.village, members, rules, &[]);
        let own = UnitsSolution {
            unit_of: task.members.iter().filter_map(|&m| v.solution.unit_of.get(m as usize).copied()).collect(),
            ..v.solution.clone()
        };
        let limit = replay.as_ref().and_then(|r| r.get(i).copied()).unwrap_or(u32::MAX);
        let late = || deadline.is_some_and(|d| Instant::now() >= d);
        let cancelled = || job.cancel.load(Ordering::Relaxed);
        let mut c = task.certify(rules, &own, limit, &|| cancelled() || late());
        let adopted = plain && own.exceptions.is_empty() && c.better.is_some();
        if let Some((unit_of, better_m2)) = c.better.take().filter(|_| adopted) {
            bettered = true;
            let units = unit_of.iter().max().map_or(0, |m| m + 1);
            let solution = task.numbered(UnitsSolution { unit_of, units, sse_m2: better_m2, exceptions: Vec::new() });
            for (&m, &u) in task.members.iter().zip(&solution.unit_of) {
                if let Some(at) = v.solution.unit_of.get_mut(m as usize) {
                    *at = u;
                }
            }
            (v.solution.units, v.solution.sse_m2) = (units, better_m2);
        }
        let stopped = match (c.converged, cancelled(), late()) {
            (true, _, _) => Stopped::Converged,
            (_, true, _) => Stopped::Cancelled,
            (_, _, true) => Stopped::Budget,
            _ => Stopped::Rounds,
        };
        report.push_stage(&v.village.key, "certify", c.iterations, stopped);
        bound_m2 += c.lower_bound_m2;
        sse_m2 += v.solution.sse_m2;
        let mut f = Map::new();
        f.insert("village".to_owned(), json!(v.village.key));
        f.insert("sse_m2".to_owned(), json!(rounded(v.solution.sse_m2)));
        f.insert("lower_bound_m2".to_owned(), json!(downward(c.lower_bound_m2)));
        f.insert("certified_gap".to_owned(), gap(v.solution.sse_m2, c.lower_bound_m2));
        f.insert("columns".to_owned(), json!(c.columns));
        f.insert("better_division_adopted".to_owned(), json!(adopted));
        figures.push(Value::Object(f));
    }
    (job.progress)("certify", 1.0);
    if bettered {
        relabel(villages);
        report.notes.push(
            "认证过程中找到更好的划分，已采用 / certification met a better division of some villages, which is used"
                .to_owned(),
        );
    }
    if !large.is_empty() {
        report.notes.push(format!(
            "以下村超过 {LARGEST} 户，未认证：{0} / villages above {LARGEST} households, not certified: {0}",
            large.join(", ")
        ));
    }
    let whole = large.is_empty();
    report.parameters.insert("certify".to_owned(), json!(true));
    report.soft.insert("lower_bound_m2".to_owned(), if whole { json!(downward(bound_m2)) } else { Value::Null });
    report.soft.insert("certified_gap".to_owned(), if whole { gap(sse_m2, bound_m2) } else { Value::Null });
    report.soft.insert("certified_villages".to_owned(), Value::Array(figures));
    report.soft.insert("too_large_to_certify".to_owned(), json!(large));
}

/// A bound with one decimal, never rounded up.
fn downward(m2: f64) -> f64 {
    (m2 * 10.0).floor() / 10.0
}

/// Relative gap, rounded up in the sixth decimal.
fn gap(sse_m2: f64, bound_m2: f64) -> Value {
    let gap = if sse_m2 > 0.0 { ((sse_m2 - bound_m2) / sse_m2).max(0.0) } else { 0.0 };
    json!((gap * 1e6).ceil() / 1e6)
}

/// Numbers the units anew over all villages; exceptions keep −1.
fn relabel(villages: &mut [VillageUnits]) {
    let mut next = 0;
    for v in villages {
        v.label = (0..v.solution.units)
            .map(|u| {
                if v.solution.exceptions.iter().any(|e| e.unit == u) {
                    return -1;
                }
                next += 1;
                next - 1
            })
            .collect();
    }
}
