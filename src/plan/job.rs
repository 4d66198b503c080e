//! What every solving command is told: effort, seed, cancellation, progress.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

pub use crate::partition::effort::Effort;

use crate::domain::io_words::halves;

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
    /// A named container column is not in the input, or not one that households can be kept together by.
    #[error(
        "--container {column}：输入中没有可作容器的列“{column}”；可用的列：{found}\n--container {column}: the input has no column \"{column}\" that can be a container; there are {found}"
    )]
    MissingColumn {
        /// Column name.
        column: String,
        /// Columns that can be named.
        found: String,
    },
    /// A row lies so far from the others of its village that it must be an error of typing.
    #[error(
        "村“{village}”第 {row} 行，户 {id}：离同村其他住户超过 1 万公里，请检查坐标、分带号或村名\nvillage \"{village}\", row {row}, household {id}: more than 10 000 km from the others of its village; check the coordinates, their zone or the village's name"
    )]
    TooFar {
        /// Village key.
        village: String,
        /// Row in the file.
        row: u32,
        /// Household id.
        id: String,
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
    /// One outline was given for several villages.
    #[error(
        "--boundary 只适用于一个村，输入中有 {villages} 个村：请逐村运行 grids，或用 lianhu plan --regions 一次划分各村\n--boundary is for one village, the input has {villages}: run grids village by village, or divide them all with lianhu plan --regions"
    )]
    OneOutline {
        /// Villages in the input.
        villages: usize,
    },
    /// More grids than a village's codes can number.
    #[error(
        "村“{village}”：{grids} 个基础网格（最多 899）、{dedicated} 个专属网格（最多 99），请加大目标户数\nvillage \"{village}\": {grids} base grids (at most 899) and {dedicated} dedicated ones (at most 99): raise the target"
    )]
    TooManyGrids {
        /// Village key.
        village: String,
        /// Base grids.
        grids: usize,
        /// Dedicated grids.
        dedicated: usize,
    },
    /// More units in a grid than codes can number.
    #[error("网格 {grid}：单元多于 999 个，请缩小网格\ngrid {grid}: more than 999 units, make the grid smaller")]
    TooManyUnits {
        /// Grid code.
        grid: String,
    },
    /// A locked or dedicated grid is not connected.
    #[error(
        "村“{village}”：“{name}”的建筑分成 {pieces} 片，网格必须连片：请检查 lock / dedicated 列\nvillage \"{village}\": the buildings of \"{name}\" lie in {pieces} pieces, a grid is one piece: check the columns lock and dedicated"
    )]
    FixedInPieces {
        /// Village key.
        village: String,
        /// Lock or institution.
        name: String,
        /// Pieces.
        pieces: u32,
    },
    /// The whole layer is shifted as Chinese web maps shift it.
    #[error(
        "{rows} 户中有 {outside} 户在村界之外，整体偏移约 500 米，疑似 GCJ-02 坐标：请加 --crs gcj02\n{outside} of {rows} households lie outside the outlines by about 500 m: this looks like GCJ-02; add --crs gcj02"
    )]
    LooksLikeGcj02 {
        /// Households outside.
        outside: usize,
        /// Households.
        rows: usize,
    },
    /// A file that belongs to a plan could not be read or written.
    #[error("{file}：{}\n{file}: {}", halves(.message).0, halves(.message).1)]
    File {
        /// File name.
        file: String,
        /// What was wrong.
        message: String,
    },
    /// A profile could not be used.
    #[error("方案“{name}”：{}\nprofile \"{name}\": {}", halves(.message).0, halves(.message).1)]
    Profile {
        /// Name or file.
        name: String,
        /// What was wrong.
        message: String,
    },
}
