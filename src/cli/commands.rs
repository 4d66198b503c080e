//! What each subcommand does: read, solve, write whole files.

use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::domain::Households;
use crate::exchange::{self, Isolation, Read, ReadOptions};
use crate::partition::check::Rule;
use crate::partition::effort::{Effort, Stopped};
use crate::plan::far::note_far;
use crate::plan::job::Job;
use crate::plan::report::Report;
use crate::space::datum::Crs;

use super::args::{Command, EffortArgs, InputArgs, OutputArgs};
use super::serve_args::{TokenCommand, UserCommand};
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
        Command::Units(a) => super::units::units(&a, begun),
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

/// The job that the effort flags ask for, which ends after `share` of a budget.
pub(super) fn job_of<'a>(a: &EffortArgs, share: f64, begun: Instant, replay: Option<&'a Report>) -> Job<'a> {
    Job {
        begun,
        effort: match (a.rounds, a.budget) {
            (Some(n), _) => Effort::Rounds(n),
            (None, Some(s)) => Effort::Until(begun + Duration::from_secs_f64(s * share)),
            (None, None) => Effort::Auto,
        },
        seed: a.seed(),
        cancel: console::cancel_flag(),
        progress: &console::progress,
        replay,
    }
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

/// Says what a run has to say; 1 where the result that was written breaks a hard rule, 130 where it was cut short.
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
    // a replay of a run that was cut short is whole
    if report.stopped == Stopped::Cancelled && console::cancel_flag().load(Ordering::Relaxed) {
        outln!("已中断：结果是中断前最好的 / stopped early: this is the best so far");
        return Ok(130);
    }
    let broken: Vec<&str> =
        Rule::ALL.into_iter().filter(|r| report.breaches_of(*r).is_some()).map(Rule::name).collect();
    if broken.is_empty() {
        return Ok(0);
    }
    errln!(
        "结果已写出，但违反 {}（见报告）\nthe result is written and breaks {} (see the report)",
        broken.join("、"),
        broken.join(", ")
    );
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_rule_that_is_broken_ends_with_one() {
        let mut report = Report::new("grids", 1);
        let code = |r: &Report| finish(r).unwrap_or_else(|e| panic!("{}", e.message));
        assert_eq!(code(&report), 0, "rules that are not judged are not broken");
        for rule in Rule::ALL {
            report.hard.insert(rule.name().to_owned(), json!(0));
        }
        assert_eq!(code(&report), 0);
        report.hard.insert("H11".to_owned(), json!(3));
        assert_eq!(code(&report), 1);
        // what was cut short once is whole when it is replayed
        report.hard.insert("H11".to_owned(), json!(0));
        report.stopped = Stopped::Cancelled;
        assert_eq!(code(&report), 0);
    }
}
