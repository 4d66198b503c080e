//! The report every run writes: parameters, seed, version, input hash, figures, exceptions, rounds; times stand in `run` alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::partition::check::Rule;
use crate::partition::effort::Stopped;
use crate::partition::leaders::NO_ELIGIBLE_CANDIDATE;

use super::balance::BalanceAccount;

/// What one solver did in one village.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The village's name or code; empty without a village column.
    pub village: String,
    /// `grids` or `units`, with the grid's number where units were formed grid by grid.
    pub stage: String,
    /// Rounds done.
    pub rounds: u32,
    /// Why the solver stopped.
    pub stopped: Stopped,
}

/// Something that could not be made legal, with the reason (H7 allows it when it is listed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedException {
    /// Village name or code.
    pub village: String,
    /// What it concerns: a unit or grid, by label or code.
    pub subject: String,
    /// Number of households concerned.
    pub households: u32,
    /// Stable word for the reason.
    pub reason: String,
    /// First ids concerned (at most five, opaque).
    pub ids: Vec<String>,
}

/// The whole report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Always `lianhu`.
    pub program: String,
    /// Program version.
    pub version: String,
    /// Subcommand.
    pub command: String,
    /// Parameters as used.
    pub parameters: BTreeMap<String, Value>,
    /// Seed of all random streams.
    pub seed: u64,
    /// SHA-256 of the input's bytes, hexadecimal.
    pub input_sha256: String,
    /// Rows read.
    pub rows: u64,
    /// Soft figures S1–S10 and the sums they come from; null where the input says nothing about them.
    pub soft: BTreeMap<String, Value>,
    /// Number of breaches of H1–H11; null where the rule does not apply to this command.
    pub hard: BTreeMap<String, Value>,
    /// Everything that could not be legal.
    pub exceptions: Vec<ListedException>,
    /// Where grids lie, or lay when the solver stopped, beyond the tolerance: what was tried and whether better exists.
    #[serde(default)]
    pub balance: Vec<BalanceAccount>,
    /// Columns that were not kept.
    pub dropped_columns: Vec<String>,
    /// Notes and assumptions.
    pub notes: Vec<String>,
    /// How many of the notes were said to the user already.
    #[serde(skip)]
    pub said_notes: usize,
    /// Rounds per village and stage: what a replay needs.
    pub stages: Vec<Stage>,
    /// Why the run as a whole stopped.
    pub stopped: Stopped,
    /// Times, threads, date: outside the promise of equal bytes.
    pub run: Run,
}

/// The part of a report that differs from run to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// Wall-clock seconds from process start to the end of solving.
    pub seconds: f64,
    /// Threads used.
    pub threads: usize,
    /// UTC date and time (RFC 3339).
    pub date: String,
    /// Seconds since the process start at the end of each step.
    #[serde(default)]
    pub steps: BTreeMap<String, f64>,
}

fn milliseconds(d: Duration) -> f64 {
    (d.as_secs_f64() * 1e3).round() / 1e3
}

impl Report {
    /// An empty report for `command`.
    #[must_use]
    pub fn new(command: &str, seed: u64) -> Self {
        let rules = |letter: char, last: u32| (1..=last).map(|i| (format!("{letter}{i}"), Value::Null)).collect();
        Self {
            program: "lianhu".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: command.to_owned(),
            parameters: BTreeMap::new(),
            seed,
            input_sha256: String::new(),
            rows: 0,
            soft: rules('S', 10),
            hard: rules('H', 11),
            exceptions: Vec::new(),
            balance: Vec::new(),
            dropped_columns: Vec::new(),
            notes: Vec::new(),
            said_notes: 0,
            stages: Vec::new(),
            stopped: Stopped::Converged,
            run: Run::default(),
        }
    }

    /// Households in units whose size is outside the rules: a unit without a candidate for its offices is listed, but a legal one.
    #[must_use]
    pub fn households_in_exceptions(&self) -> u64 {
        let sized = self.exceptions.iter().filter(|e| e.reason != NO_ELIGIBLE_CANDIDATE);
        sized.map(|e| u64::from(e.households)).sum()
    }

    /// How often a hard rule is broken; nothing where it is kept or was not judged.
    #[must_use]
    pub fn breaches_of(&self, rule: Rule) -> Option<u64> {
        self.hard.get(rule.name()).and_then(Value::as_u64).filter(|n| *n > 0)
    }

    /// Adds a stage and keeps the strongest reason for stopping.
    pub fn push_stage(&mut self, village: &str, stage: &str, rounds: u32, stopped: Stopped) {
        let strength = |s: Stopped| match s {
            Stopped::Converged => 0,
            Stopped::Rounds => 1,
            Stopped::Budget => 2,
            Stopped::Cancelled => 3,
        };
        if strength(stopped) > strength(self.stopped) {
            self.stopped = stopped;
        }
        self.stages.push(Stage { village: village.to_owned(), stage: stage.to_owned(), rounds, stopped });
    }

    /// Rounds of a stage per village, in the order of `stages`, for a replay.
    #[must_use]
    pub fn rounds_of(&self, stage: &str) -> Vec<u32> {
        self.stages.iter().filter(|s| s.stage == stage).map(|s| s.rounds).collect()
    }

    /// Fills the part that differs from run to run.
    pub fn set_run(&mut self, begun: Instant, date: String) {
        self.run.seconds = milliseconds(begun.elapsed());
        self.run.threads = rayon::current_num_threads();
        self.run.date = date;
    }

    /// Notes that a step has ended.
    pub fn step(&mut self, name: &str, begun: Instant) {
        self.run.steps.insert(name.to_owned(), milliseconds(begun.elapsed()));
    }

    /// The report as pretty JSON with a final line feed.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
