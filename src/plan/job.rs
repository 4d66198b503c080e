//! What every solving command is told: effort, seed, cancellation, progress.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::partition::effort::Effort;

use super::report::Report;

/// The circumstances of one run.
pub struct Job<'a> {
    /// Moment the process started: budgets count from here.
    pub begun: Instant,
    /// How long to work.
    pub effort: Effort,
    /// Seed of all random streams.
    pub seed: u64,
    /// Raised by Ctrl-C.
    pub cancel: &'a AtomicBool,
    /// Called with a stage's name and the share done.
    pub progress: &'a (dyn Fn(&str, f64) + Sync),
    /// A report whose rounds are to be repeated.
    pub replay: Option<&'a Report>,
}

impl Job<'_> {
    /// Rounds to repeat for a stage, if this is a replay.
    #[must_use]
    pub fn replay_rounds(&self, stage: &str) -> Option<Vec<u32>> {
        self.replay.map(|r| r.rounds_of(stage))
    }
}

/// What keeps a plan from being made, said in the words of the input.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A row stands for several households where one row must be one household.
    #[error(
        "第 {row} 行：户数 {households} 大于 1，units 需要一行一户（可加 --expand 展开）\nrow {row}: households {households} is above 1; units needs one row a household (add --expand to expand it)"
    )]
    SeveralHouseholds {
        /// Row in the file.
        row: u32,
        /// Its number of households.
        households: u32,
    },
    /// A named container column is not in the input.
    #[error("输入中没有列“{column}”（--container）\ncolumn \"{column}\" (--container) is not in the input")]
    MissingColumn {
        /// Column name.
        column: String,
    },
    /// The unit solver refused the task.
    #[error("村“{village}”：{message}\nvillage \"{village}\": {message}")]
    Solver {
        /// Village key.
        village: String,
        /// The solver's own words.
        message: String,
    },
    /// Households stand outside the outline they must lie in.
    #[error(
        "户 {ids} 在边界之外（共 {count} 户）：请检查边界或坐标系\nhouseholds {ids} lie outside the boundary ({count} in all): check the outline or the reference system"
    )]
    Outside {
        /// First ids.
        ids: String,
        /// How many.
        count: usize,
    },
    /// A file that belongs to a plan could not be read or written.
    #[error("{file}：{message}\n{file}: {message}")]
    File {
        /// File name.
        file: String,
        /// What was wrong.
        message: String,
    },
    /// A profile could not be used.
    #[error("方案“{name}”：{message}\nprofile \"{name}\": {message}")]
    Profile {
        /// Name or file.
        name: String,
        /// What was wrong.
        message: String,
    },
}
