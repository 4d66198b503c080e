//! What a planner can ask for, as values; and the answer "no" with what to do first.

use serde::{Deserialize, Serialize};

/// One edit of one village. Codes and ids are text, places are in the coordinates of the register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Buildings change hands; the border follows.
    TransferBuildings {
        /// Building ids.
        buildings: Vec<String>,
        /// Code of the grid that receives them.
        to: String,
    },
    /// A grid becomes several.
    SplitGrid {
        /// Its code.
        grid: String,
        /// How.
        by: SplitBy,
    },
    /// Neighbouring base grids become one.
    MergeGrids {
        /// Their codes.
        grids: Vec<String>,
    },
    /// An institution gets a dedicated grid (专属网格) around its buildings.
    CreateDedicated {
        /// Its buildings.
        buildings: Vec<String>,
        /// Its name.
        name: String,
    },
    /// A dedicated grid ends; its buildings join a base grid.
    RetireDedicated {
        /// Its code.
        grid: String,
        /// Which base grid; without it the neighbour with the longest common border.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
    },
    /// A household joins another unit of its grid.
    MoveHousehold {
        /// Household id.
        household: String,
        /// Code of the unit.
        unit: String,
    },
    /// Sets leader and deputies, as elected.
    SetOfficers {
        /// Code of the unit.
        unit: String,
        /// Household id of the leader (联户长).
        leader: String,
        /// Household ids of the deputies (副联户长).
        #[serde(default)]
        deputies: Vec<String>,
    },
    /// From now on no tool changes this.
    Lock {
        /// What.
        target: LockTarget,
    },
    /// Takes a lock away.
    Unlock {
        /// What.
        target: LockTarget,
    },
    /// Names a grid.
    Rename {
        /// Its code.
        grid: String,
        /// The name, at most 60 characters; may be empty.
        name: String,
    },
    /// Balances grids anew, moving few households; what is locked stays as it is.
    Rebalance {
        /// Codes of the grids; none means all that are not locked.
        #[serde(default)]
        grids: Vec<String>,
        /// Seed of the random streams.
        #[serde(default)]
        seed: u64,
        /// Rounds at most, where only a new division helps.
        #[serde(default = "some_rounds")]
        rounds: u32,
    },
    /// Forms the units of a grid anew; locked ones stay as they are.
    ReformUnits {
        /// Code of the grid.
        grid: String,
        /// Seed of the random streams.
        #[serde(default)]
        seed: u64,
        /// Rounds at most.
        #[serde(default = "some_rounds")]
        rounds: u32,
    },
}

const fn some_rounds() -> u32 {
    20
}

/// How a grid is split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitBy {
    /// Along a drawn line.
    Line(Vec<[f64; 2]>),
    /// Into so many of about equal households.
    Count(u32),
}

/// What can be locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LockTarget {
    /// A grid's border.
    Grid(String),
    /// A unit's members.
    Unit(String),
    /// A building's grid.
    Building(String),
    /// A unit's leader and deputies.
    Officers(String),
    /// All of these.
    All,
}

/// What becomes of a batch that breaks a hard rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// It is refused, with what to do first.
    Refuse,
    /// It is accepted, the breaches are listed and the draft cannot be published.
    KeepAsDraftProblem,
}

/// Why an edit is not done: a stable word each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// An id or code that the village does not have (H1 when it is another village's).
    Unknown,
    /// Something is locked.
    Locked,
    /// A grid would fall into pieces or not touch what it gets (H3, H11).
    CutOff,
    /// A grid would have no building.
    Empty,
    /// Grids that do not touch cannot become one.
    NotNeighbours,
    /// A drawn line that does not cut the grid in two.
    Line,
    /// The asked value makes no sense here.
    Invalid,
    /// No number is left to give out.
    CodesExhausted,
    /// Any other hard rule.
    Rule,
}

/// One reason, with the way out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// Stable word.
    pub kind: ReasonKind,
    /// Hard rule concerned (`H3`), where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Offending codes and ids.
    pub ids: Vec<String>,
    /// What is wrong, Chinese then English.
    pub message: String,
    /// What to do first, Chinese then English; empty where nothing helps.
    pub first: String,
    /// Operations that do it.
    pub remedy: Vec<Operation>,
}

impl Reason {
    pub(super) fn new(kind: ReasonKind, ids: impl IntoIterator<Item = String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            rule: None,
            ids: ids.into_iter().collect(),
            message: message.into(),
            first: String::new(),
            remedy: Vec::new(),
        }
    }

    pub(super) fn first(mut self, first: impl Into<String>, remedy: impl IntoIterator<Item = Operation>) -> Self {
        self.first = first.into();
        self.remedy = remedy.into_iter().collect();
        self
    }

    pub(super) fn locked(what: &str, id: &str, target: LockTarget) -> Self {
        Self::new(ReasonKind::Locked, [id.to_owned()], format!("{what} {id} 已锁定 / {id} is locked"))
            .first(format!("请先解锁 {id} / unlock {id} first"), [Operation::Unlock { target }])
    }

    pub(super) fn unknown(what: &str, id: &str, village: &str) -> Self {
        Self::new(
            ReasonKind::Unknown,
            [id.to_owned()],
            format!("本村 {village} 没有{what}“{id}” / village {village} has no such thing as \"{id}\""),
        )
    }
}

/// A batch that was not done; nothing changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// The operation that cannot be done, counted from 0; `None` when the batch as a whole breaks a rule.
    pub operation: Option<usize>,
    /// All reasons.
    pub reasons: Vec<Reason>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, r) in self.reasons.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}", r.message)?;
            if !r.first.is_empty() {
                write!(f, "\n{}", r.first)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
