//! `lianhu plan`, `check`.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::domain::{Positions, Region, VillageCode, hex};
use crate::partition::check::{Rule, check as check_facts};
use crate::plan::far::note_far;
use crate::plan::figures;
use crate::plan::folder::{self, Content, stage_folder};
use crate::plan::ground::OLD_NET_COLUMNS;
use crate::plan::in_force::{assigned, moved};
use crate::plan::locate::locate_villages;
use crate::plan::make::{VillagePlan, make_plan};
use crate::plan::village::expanded;

use super::args::{CheckArgs, PlanArgs};
use super::commands::{Failure, Loaded, Outcome, finish, job_of, load};
use super::replay::Replay;
use super::surroundings::{read_barriers, read_regions};
use super::{console, outputs};

/// Share of a budget that grids get; units get what is left.
const GRIDS_SHARE: f64 = 0.5;

pub(super) fn plan(a: &PlanArgs, begun: Instant) -> Outcome {
    let mut a = a.clone();
    let old = Replay::read(a.effort.replay.as_deref(), "plan")?;
    if let Some(old) = &old {
        old.settle_common(&mut a.input, &mut a.effort)?;
        old.settle_file("barriers", &mut a.barriers)?;
        old.settle_file("regions", &mut a.regions)?;
        old.settle_file("in_force", &mut a.in_force)?;
        // the rules as they were used lie beside the report
        if a.profile.is_none() {
            a.profile = old.beside(folder::PROFILE).or_else(|| old.parameter("profile").as_str().map(str::to_owned));
        }
    }
    let a = &a;
    let named = a.profile.as_deref().unwrap_or_default();
    let profile = match &a.store {
        Some(store) => super::profiles::of_store(store, named)?,
        None => super::profiles::profile(named)?,
    };
    let in_force = a.in_force.as_deref().map(folder::read_assigned).transpose().map_err(Failure::input)?;
    let extra: Vec<String> = OLD_NET_COLUMNS.iter().map(|c| (*c).to_owned()).collect();
    let Loaded { table, mut report } = load("plan", &a.input, &extra, &a.effort, begun)?;
    let planar = matches!(table.positions, Positions::Planar(_));
    let barriers = read_barriers(a.barriers.as_deref(), &a.input, planar, &mut report)?;
    let barriers = profile.barriers(&barriers);
    let regions = read_regions(a.regions.as_deref(), &a.input, planar, &mut report)?;
    let table = locate_villages(expanded(table), &regions, &mut report).map_err(Failure::input)?;
    // only now is it known which village each lies in
    note_far(&table, &mut report);
    report.notes.extend(regions.iter().filter_map(|r| {
        let code = VillageCode::parse(r.code.as_deref()?).ok()?;
        code.caution(r.name.as_deref())
    }));
    report.parameters.extend(
        [
            ("profile", json!(profile.name)),
            ("profile_sha256", json!(sha256(profile.to_toml().as_bytes()))),
            ("rounds", json!(a.effort.rounds)),
            ("budget", json!(a.effort.budget)),
            ("in_force", json!(a.in_force)),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v)),
    );
    if let Some(path) = &a.in_force {
        let path = path.join(folder::ASSIGNMENT);
        let bytes = std::fs::read(&path).map_err(|e| outputs::unreadable(&path, &e))?;
        report.parameters.insert("in_force_sha256".to_owned(), json!(sha256(&bytes)));
    }
    if let Some(old) = &old {
        old.same_files(&report)?;
    }
    let job = |share: f64| job_of(&a.effort, share, begun, old.as_ref().map(|o| &o.report));
    let jobs = (job(GRIDS_SHARE), job(1.0));
    let plans =
        make_plan(&table, &regions, &barriers, &profile, (&jobs.0, &jobs.1), &mut report).map_err(Failure::input)?;
    report.set_run(begun, console::now_utc());
    if let Some(old) = &old {
        old.carry_over(&mut report);
    }
    let views: Vec<_> = plans.iter().map(VillagePlan::units_view).collect();
    report.soft.extend(figures::of_units(&table, &views));
    report.soft.extend(figures::of_grids(&table, plans.iter().map(|p| &p.grids)));
    if let Some(old) = &in_force {
        report.soft.insert("S6".to_owned(), moved(old, &assigned(&table, &plans)));
    }
    let outside = report.households_in_exceptions();
    report.soft.insert("households_in_exceptions".to_owned(), json!(outside));
    // Checked as written: a plan that breaks a rule is written all the same, and said to be broken.
    let content = Content { table: &table, plans: &plans, regions: &regions, barriers: &barriers, profile: &profile };
    let staged = stage_folder(&a.out, &content).map_err(Failure::input)?;
    report.step("staged", begun);
    let breaches = check_facts(&folder::read_facts(&staged.path()).map_err(Failure::input)?);
    for rule in Rule::ALL {
        let n = breaches.iter().filter(|b| b.rule == rule).count();
        report.hard.insert(format!("{rule:?}"), json!(n));
    }
    report.step("checked", begun);
    staged.publish(&report).map_err(Failure::input)?;
    out!("{}", summary(&plans, &regions));
    say_breaches(&breaches);
    finish(&report)
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The table the county prints: per township its villages, households, grids, units, leaders and deputies.
fn summary(plans: &[VillagePlan], regions: &[Region]) -> String {
    let mut rows: BTreeMap<String, [usize; 6]> = BTreeMap::new();
    for p in plans {
        let row = rows.entry(p.code.township()).or_default();
        row[0] += 1;
        row[1] += p.units.iter().map(|u| u.members.len()).sum::<usize>();
        row[2] += p.grids.grids.len();
        row[3] += p.units.len();
        row[4] += p.units.iter().filter(|u| !u.officers.is_empty()).count();
        row[5] += p.units.iter().map(|u| u.officers.len().saturating_sub(1)).sum::<usize>();
    }
    let total = rows.values().fold([0; 6], |mut t, r| {
        t.iter_mut().zip(r).for_each(|(t, r)| *t += r);
        t
    });
    let name = |code: &str| {
        regions
            .iter()
            .find(|r| r.level == "township" && r.code.as_deref() == Some(code))
            .and_then(|r| r.name.clone())
            .unwrap_or_else(|| code.to_owned())
    };
    let mut text = String::new();
    let mut line = |name: &str, cells: &[String]| {
        // A Chinese character is two columns wide.
        let width: usize = name.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        text.push_str(name);
        text.push_str(&" ".repeat(24_usize.saturating_sub(width)));
        for c in cells {
            let width: usize = c.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
            text.push_str(&" ".repeat(11_usize.saturating_sub(width)));
            text.push_str(c);
        }
        text.push('\n');
    };
    line("乡镇（街道）", &["村", "户", "网格", "单元", "联户长", "副联户长"].map(str::to_owned));
    line("township", &["villages", "households", "grids", "units", "leaders", "deputies"].map(str::to_owned));
    for (code, row) in &rows {
        line(&name(code), &row.map(|v| v.to_string()));
    }
    line("合计 total", &total.map(|v| v.to_string()));
    text
}

pub(super) fn say_breaches(breaches: &[crate::partition::check::Breach]) {
    for rule in Rule::ALL {
        let of_rule: Vec<_> = breaches.iter().filter(|b| b.rule == rule).collect();
        if of_rule.is_empty() {
            continue;
        }
        outln!("{rule:?} {}：{}", rule.title(), of_rule.len());
        for b in of_rule {
            outln!("  [{}] {}", b.ids.join(", "), b.message);
        }
    }
    if breaches.is_empty() {
        outln!("H1–H11：无违反 / no breach");
    }
}

/// Whether a path is a store's URL.
pub(super) fn is_store(path: &str) -> bool {
    ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| path.starts_with(scheme))
}

pub(super) fn check(a: &CheckArgs) -> Outcome {
    if let Some(url) = a.path.to_str().filter(|p| is_store(p)) {
        return super::upkeep::check(url);
    }
    let facts = if a.path.is_dir() { folder::read_facts(&a.path) } else { folder::read_grid_file(&a.path) }
        .map_err(Failure::input)?;
    let breaches = check_facts(&facts);
    say_breaches(&breaches);
    Ok(u8::from(!breaches.is_empty()))
}
