//! Ten-household units (十联户): size-constrained clustering of households.
//!
//! Minimises Σ squared metres from each household to its unit's mean, with every size in [min, max]. In order:
//! 1. [`pools`] splits the households into sets that never share a unit (law zones, far pieces) or need not (preferred containers
//!    that can legally be divided by themselves);
//! 2. [`start`] makes a first division: Hilbert order, then an exact segmentation into runs of legal size by dynamic programming;
//!    quick sweeps of the next step over all units complete s₀;
//! 3. `pool` takes some dozens of neighbouring units as a [`region`], founds or dissolves a unit or two where the number is free,
//!    and `anneal`s it: relocations and swaps between neighbouring places, temperatures by the local `scale`, sizes outside the
//!    bounds for a price;
//! 4. `splice` compares the result with the present and takes over each exchange that hangs together and gains, so the sum never
//!    rises; regions of a round run in parallel and merge in order;
//! 5. a region that has resisted often goes on from its annealed state by rounds of its own before it is compared;
//! 6. a pool from which nothing more comes begins anew beside what it has, from other random streams, and takes over by `splice` what is
//!    better there, until 24 beginnings in a row were in vain;
//! 7. [`stacked`] decides which households of one building go where: stairwells and floors together.
//!
//! A pool whose size no number of legal units can hold gets one unit of the fewest possible members as a listed exception.

pub mod certify;
pub mod pools;
pub mod region;
pub mod stacked;
pub mod start;

mod anneal;
mod pool;
mod scale;
mod solver;
mod splice;
#[cfg(test)]
mod tests;

pub use solver::UnitsSolver;

/// The households of one village; every slice has one entry a household, or is empty where nothing is known.
#[derive(Clone, Copy, Debug)]
pub struct UnitsInput<'a> {
    /// Positions in local metres.
    pub xy: &'a [[f64; 2]],
    /// Building.
    pub building: &'a [u32],
    /// Stairwell (unique in the village).
    pub stairwell: &'a [u32],
    /// Storey.
    pub floor: &'a [i32],
    /// Households with different values never share a unit.
    pub law: &'a [u32],
    /// Containers to keep together, finest first.
    pub prefer: &'a [Vec<u32>],
}

/// The rules a unit must obey.
#[derive(Clone, Copy, Debug)]
pub struct UnitsOptions {
    /// Fewest households.
    pub min: u32,
    /// Most households.
    pub max: u32,
    /// Fixed number of units.
    pub count: Option<u32>,
    /// Wished size; the number of units is then households ÷ target.
    pub target: Option<u32>,
    /// Pieces farther apart than this (metres) share no unit.
    pub max_reach_m: Option<f64>,
    /// Seed of the random streams.
    pub seed: u64,
    /// Number of the village, for its random streams.
    pub village: u64,
}

/// Why a unit's size is outside the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionReason {
    /// The place holds fewer households than the least size.
    TooFew,
    /// No number of legal units holds exactly this many households.
    Remainder,
}

impl std::fmt::Display for ExceptionReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooFew => "too_few_households",
            Self::Remainder => "no_legal_division",
        })
    }
}

/// A unit outside the size rules, as a listed exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitException {
    /// The unit.
    pub unit: u32,
    /// Its size.
    pub households: u32,
    /// Why.
    pub reason: ExceptionReason,
}

/// A division into units.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitsSolution {
    /// Unit of each household, 0..units.
    pub unit_of: Vec<u32>,
    /// Number of units.
    pub units: u32,
    /// Σ squared metres to the units' means.
    pub sse_m2: f64,
    /// Units outside the size rules.
    pub exceptions: Vec<UnitException>,
}

/// What makes a task impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitsError {
    /// The size rule holds no size.
    #[error("unit sizes {min}–{max} are not a range (min ≥ 1, min ≤ max)")]
    SizeRange {
        /// Least size.
        min: u32,
        /// Greatest size.
        max: u32,
    },
    /// A fixed number of units cannot hold the households.
    #[error("{count} units cannot be formed: between {low} and {high} are possible")]
    Count {
        /// Asked.
        count: u32,
        /// Least possible.
        low: u32,
        /// Greatest possible.
        high: u32,
    },
    /// An array has another length than the positions.
    #[error("the {what} of {got} households were given for {expected}")]
    Length {
        /// Which array.
        what: &'static str,
        /// Its length.
        got: usize,
        /// Number of households.
        expected: usize,
    },
    /// A position is not a number.
    #[error("household {index} has no finite position")]
    NotFinite {
        /// Index of the household.
        index: usize,
    },
}

/// Whether `n` households can be divided into units of `min..=max`.
#[must_use]
pub const fn representable(n: u32, min: u32, max: u32) -> bool {
    n == 0 || n.div_ceil(max) <= n / min
}
