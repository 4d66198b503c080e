//! What each subcommand does: read, solve, write whole files.

use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, json};

use crate::domain::{Households, Positions};
use crate::exchange::{self, Isolation, Read, ReadOptions};
use crate::partition::effort::{Effort, Stopped};
use crate::plan::certify::certify_units;
use crate::plan::far::note_far;
use crate::plan::figures::{self, UnitsView};
use crate::plan::job::Job;
use crate::plan::make::unit_rules;
use crate::plan::report::Report;
use crate::plan::shapes::{collection, feature, geometry, rounded, unit_hull};
use crate::plan::units::{Binding, UnitRules, VillageUnits, form_units};
use crate::plan::village::expanded;
use crate::space::datum::Crs;

use super::args::{Command, EffortArgs, InputArgs, OutputArgs, UnitsArgs};
use super::replay::Replay;
use super::serve_args::{TokenCommand, UserCommand};
use super::surroundings::read_barriers;
use super::{console, outputs};

/// A failed command: what to say and the exit code.
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: u8,
}

impl Failure {
    pub(super) fn usage(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 2 }
    }

    pub(super) fn input(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 3 }
    }

    /// A file that was not read: bad input, or a flag that does not go with it.
    pub(super) fn read(e: exchange::ReadError) -> Self {
        if e.is_usage() { Self::usage(e) } else { Self::input(e) }
    }
}

pub(super) type Outcome = Result<u8, Failure>;

/// Runs one subcommand.
pub(crate) fn run(command: Command, begun: Instant) -> Outcome {
    match command {
        Command::Units(a) => units(&a, begun),
        Command::Grids(a) => super::grids::grids(&a, begun),
        Command::Plan(a) => super::plan::plan(&a, begun),
        Command::Check(a) => super::plan::check(&a),
        Command::Profiles(a) => super::profiles::list(&a),
        Command::Draw(a) => super::draw::run(&a),
        Command::Synth(a) => super::synth::run(&a),
        Command::Hotspots(a) => super::hotspots::run_hotspots(&a),
        Command::Trends(a) => super::hotspots::run_trends(&a),
        Command::Scan(a) => super::hotspots::run_scan(&a),
        Command::Density(a) => super::density::run(&a),
        Command::Knox(a) => super::knox::run(&a),
        Command::Import(a) => super::bring_in::import(&a),
        Command::Export(a) => super::register::export(&a),
        Command::Draft(a) => super::register::draft(&a, begun),
        Command::Backup(a) => super::upkeep::backup(&a),
        Command::Restore(a) => super::upkeep::restore(&a),
        Command::Migrate(a) => super::upkeep::migrate(&a),
        Command::Purge(a) => super::upkeep::purge(&a),
        Command::Plans(a) => super::plans::plans(&a),
        Command::Key(a) => super::key::make(&a),
        Command::Audit(a) => super::upkeep::audit(&a),
        Command::History(a) => super::upkeep::history(&a),
        Command::Foreign(c) => super::foreign::run(&c),
        Command::Serve(a) => super::serve::serve(&a),
        Command::Config(a) => super::config::show(&a),
        Command::User(UserCommand::Add(a)) => super::serve::add_user(&a),
        Command::Token(TokenCommand::Add(a)) => super::serve::add_token(&a),
    }
}

pub(super) struct Loaded {
    pub(super) table: Households,
    pub(super) report: Report,
}

pub(super) fn load(
    command: &str,
    a: &InputArgs,
    extra: &[String],
    effort: &EffortArgs,
    begun: Instant,
) -> Result<Loaded, Failure> {
    // From here on Ctrl-C means: finish with the best so far.
    console::cancel_flag();
    if let Some(threads) = effort.threads {
        // A second call in one process keeps the first pool, which only concerns speed.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global();
    }
    let convert = conversion(a)?;
    let options = ReadOptions {
        extra_columns: extra,
        to_wgs84: convert.as_ref().map(|f| f as &dyn Fn([f64; 2]) -> [f64; 2]),
        isolation: Some(&Isolation::apart()),
    };
    let read: Read<Households> =
        exchange::read_households(&a.input, a.layer.as_deref(), &options).map_err(Failure::read)?;
    let mut report = Report::new(command, effort.seed());
    report.input_sha256 = read.sha256_hex;
    report.rows = read.value.len() as u64;
    report.dropped_columns = read.dropped_columns;
    report.notes = read.warnings;
    let held = read.value.households.iter().any(|&h| h > 0);
    if command != "plan" {
        note_far(&read.value, &mut report);
    }
    report.parameters.insert("crs".to_owned(), json!(a.crs));
    report.parameters.insert("layer".to_owned(), json!(a.layer));
    report.step("read", begun);
    if !report.dropped_columns.is_empty() {
        errln!("未保留的列：{0}\ncolumns not kept: {0}", report.dropped_columns.join(", "));
    }
    for note in &report.notes {
        errln!("{note}");
    }
    report.said_notes = report.notes.len();
    if !held {
        return Err(Failure::input(format!(
            "{0}：文件中没有住户，请检查导出\n{0}: the file has no household: look at what was exported",
            a.input
        )));
    }
    Ok(Loaded { table: read.value, report })
}

/// What turns coordinates in the system of `--crs` into WGS 84 degrees; nothing without the flag.
pub(super) fn conversion(a: &InputArgs) -> Result<Option<impl Fn([f64; 2]) -> [f64; 2] + use<>>, Failure> {
    let crs = a.crs.as_deref().map(Crs::parse).transpose().map_err(Failure::usage)?;
    Ok(crs.map(|crs| {
        move |c: [f64; 2]| {
            let p = crs.to_wgs84(c);
            [p.lon_deg, p.lat_deg]
        }
    }))
}

/// The job that the effort flags ask for.
pub(super) fn job_of<'a>(a: &EffortArgs, begun: Instant, replay: Option<&'a Report>) -> Job<'a> {
    Job {
        begun,
        effort: effort_of(a, begun),
        seed: a.seed(),
        cancel: console::cancel_flag(),
        progress: &console::progress,
        replay,
    }
}

fn effort_of(a: &EffortArgs, begun: Instant) -> Effort {
    match (a.rounds, a.budget) {
        (Some(n), _) => Effort::Rounds(n),
        (None, Some(s)) => Effort::Until(begun + Duration::from_secs_f64(s)),
        (None, None) => Effort::Auto,
    }
}

/// The rules for units that flags and profile ask for.
fn asked_rules(a: &UnitsArgs) -> Result<UnitRules, Failure> {
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
    Ok(rules)
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

/// The rules of a report; what flags say must be among them.
fn replayed_rules(old: &Replay, a: &mut UnitsArgs) -> Result<UnitRules, Failure> {
    old.settle_common(&mut a.input, &mut a.effort)?;
    old.settle_switch("expand", &mut a.expand)?;
    old.settle_switch("certify", &mut a.certify)?;
    old.settle("min", &mut a.min)?;
    old.settle("max", &mut a.max)?;
    old.settle("count", &mut a.count)?;
    // wherever the file lies now: its bytes are compared
    if a.barriers.is_none() {
        old.settle("barriers", &mut a.barriers)?;
    }
    let name = a.profile.as_deref().map(super::profiles::profile).transpose()?.map(|p| p.name);
    old.settle("profile", &mut name.clone())?;
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
    Ok(UnitRules {
        min: a.min.unwrap_or(10),
        max: a.max.unwrap_or(15),
        count: a.count,
        target,
        max_reach_m,
        containers: containers.iter().map(|t| container(t)).collect::<Result<_, _>>()?,
    })
}

fn units(a: &UnitsArgs, begun: Instant) -> Outcome {
    let mut a = a.clone();
    let old = Replay::read(a.effort.replay.as_deref(), "units")?;
    let mut rules = match &old {
        Some(old) => replayed_rules(old, &mut a)?,
        None => asked_rules(&a)?,
    };
    let profile = match &old {
        Some(old) => old.parameter("profile").clone(),
        None => json!(a.profile.as_deref().map(super::profiles::profile).transpose()?.map(|p| p.name)),
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
    report.parameters.extend(
        [
            ("profile", profile),
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
    let job = job_of(&a.effort, begun, old.as_ref().map(|o| &o.report));
    let mut villages = form_units(&table, &rules, &barriers, &job, &mut report).map_err(Failure::input)?;
    if a.certify {
        // With a budget, proving may take ten times as long again, but at least half a minute.
        let extra = a.effort.budget.map(|s| Instant::now() + Duration::from_secs_f64((10.0 * s).max(30.0)));
        certify_units(&table, &rules, &job, extra, &mut villages, &mut report);
    }
    report.set_run(begun, console::now_utc());
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

pub(super) fn write_outputs(
    out: &OutputArgs,
    labels: &[i64],
    shapes: Option<String>,
    report: &Report,
) -> Result<(), Failure> {
    let mut text = String::new();
    if out.labels.is_some() {
        text.reserve(labels.len() * 5);
        for l in labels {
            text.push_str(&l.to_string());
            text.push('\n');
        }
    }
    let (shapes, report) = (shapes.unwrap_or_default(), report.to_json());
    let wanted = [(&out.labels, text), (&out.geojson, shapes), (&out.report, report)];
    let files: Vec<(&Path, &[u8])> =
        wanted.iter().filter_map(|(path, text)| Some((path.as_deref()?, text.as_bytes()))).collect();
    outputs::put_all(&files)
}

pub(super) fn finish(report: &Report) -> Outcome {
    for note in report.notes.iter().skip(report.said_notes).take(20) {
        errln!("{note}");
    }
    let notes = report.notes.len().saturating_sub(report.said_notes);
    if notes > 20 {
        errln!("… {notes} 条说明，见报告 / remarks in all, see the report");
    }
    for e in report.exceptions.iter().take(20) {
        errln!("例外 exception: {} {} 户 households, {}: {}", e.village, e.households, e.reason, e.ids.join(", "));
    }
    if report.exceptions.len() > 20 {
        errln!("… {} 个例外，见报告 / exceptions in all, see the report", report.exceptions.len());
    }
    if report.stopped == Stopped::Cancelled {
        outln!("已中断：结果是中断前最好的 / stopped early: this is the best so far");
        return Ok(130);
    }
    Ok(0)
}
