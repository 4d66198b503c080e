//! New, growing, fading: hot and cold spots over a cube of cells and time steps.
//!
//! 1. each bin's neighbourhood is its cell and the neighbours, now and one step before; Gi* over all bins of the cube;
//! 2. the binomial law of a neighbourhood's count, if all incidents fell on bins at random, gives each bin a p (below 30 bins the law under
//!    permutation, [`SumLaw`]); Benjamini–Hochberg over all bins says which are hot or cold;
//! 3. Mann–Kendall says whether a cell's z rises or falls;
//! 4. the cell's history and trend have exactly one pattern ([`Pattern::of`]).
//!
//! Patterns are those that Esri publishes for its Emerging Hot Spot Analysis ("How Emerging Hot Spot Analysis works", ArcGIS Pro).

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::cells::{CellSet, HexCell};
use super::error::HotspotError;
use super::fdr::{FdrMethod, cut};
use super::gi::{FEWEST_FOR_NORMAL, Moments, sums};
use super::law::SumLaw;
use super::normal::{binomial_tails, doubled};
use super::note::Note;
use super::trend::{FEWEST_STEPS, Trend, mann_kendall};
use super::weights::{Neighbourhood, Weights};

/// Most bins of a cube: half a gigabyte.
pub const MOST_BINS: usize = 20_000_000;
/// Most steps of a cube.
pub const MOST_STEPS: usize = 10_000;
/// Level of a trend.
const TREND_ALPHA: f64 = 0.05;
/// Share of all steps from which on a cell counts as always hot.
const MOSTLY: f64 = 0.9;

/// What a bin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    /// More than chance.
    Hot,
    /// Fewer than chance.
    Cold,
    /// Neither.
    Neither,
}

/// How a hot or cold spot behaves in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Course {
    /// Only in the last step.
    New,
    /// In the last steps without a gap (two or more), never before, in less than 90 % of all.
    Consecutive,
    /// In the last step and 90 % of all, ever more so.
    Intensifying,
    /// In 90 % of all steps, without a trend.
    Persistent,
    /// In the last step and 90 % of all, ever less so.
    Diminishing,
    /// In the last step and, off and on, before; less than 90 % of all, never the opposite.
    Sporadic,
    /// In the last step, but the opposite in one before; less than 90 % of all.
    Oscillating,
    /// In 90 % of all steps, but not the last.
    Historical,
}

/// The one pattern of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// A hot spot.
    Hot(Course),
    /// A cold spot.
    Cold(Course),
    /// None of them.
    None,
}

impl Pattern {
    /// The pattern of a history, oldest step first, and the trend of its z.
    ///
    /// The published definitions overlap in a few histories. What the last step is goes before what it no longer is (a first cold step after
    /// constant heat is a new cold spot, not a historical hot one), and new and consecutive go before oscillating, in the published order.
    #[must_use]
    pub fn of(history: &[Bin], trend: &Trend) -> Self {
        let as_last = match history.last() {
            Some(Bin::Hot) => present(history, Bin::Hot, trend).map(Self::Hot),
            Some(Bin::Cold) => present(history, Bin::Cold, trend).map(Self::Cold),
            _ => None,
        };
        let was = |bin| is_mostly(history, bin) && history.last() != Some(&bin);
        as_last.unwrap_or(match (was(Bin::Hot), was(Bin::Cold)) {
            (true, _) => Self::Hot(Course::Historical),
            (_, true) => Self::Cold(Course::Historical),
            _ => Self::None,
        })
    }

    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hot(Course::New) => "new_hot",
            Self::Hot(Course::Consecutive) => "consecutive_hot",
            Self::Hot(Course::Intensifying) => "intensifying_hot",
            Self::Hot(Course::Persistent) => "persistent_hot",
            Self::Hot(Course::Diminishing) => "diminishing_hot",
            Self::Hot(Course::Sporadic) => "sporadic_hot",
            Self::Hot(Course::Oscillating) => "oscillating_hot",
            Self::Hot(Course::Historical) => "historical_hot",
            Self::Cold(Course::New) => "new_cold",
            Self::Cold(Course::Consecutive) => "consecutive_cold",
            Self::Cold(Course::Intensifying) => "intensifying_cold",
            Self::Cold(Course::Persistent) => "persistent_cold",
            Self::Cold(Course::Diminishing) => "diminishing_cold",
            Self::Cold(Course::Sporadic) => "sporadic_cold",
            Self::Cold(Course::Oscillating) => "oscillating_cold",
            Self::Cold(Course::Historical) => "historical_cold",
            Self::None => "none",
        }
    }
}

fn is_mostly(history: &[Bin], bin: Bin) -> bool {
    history.iter().filter(|b| **b == bin).count() as f64 >= MOSTLY * history.len() as f64
}

/// The course of a spot that is one in the last step.
fn present(history: &[Bin], bin: Bin, trend: &Trend) -> Option<Course> {
    let all = history.iter().filter(|b| **b == bin).count();
    let run = history.iter().rev().take_while(|b| **b == bin).count();
    // A cold spot that grows is one whose z falls.
    let growing = if bin == Bin::Hot { trend.z } else { -trend.z };
    let is_clear = trend.p <= TREND_ALPHA;
    let opposite = if bin == Bin::Hot { Bin::Cold } else { Bin::Hot };
    Some(match (is_mostly(history, bin), run == all) {
        _ if run == 0 => return None,
        (true, _) if is_clear && growing > 0.0 => Course::Intensifying,
        (true, _) if is_clear && growing < 0.0 => Course::Diminishing,
        (true, _) => Course::Persistent,
        (false, true) if run == 1 => Course::New,
        (false, true) => Course::Consecutive,
        (false, false) if history.contains(&opposite) => Course::Oscillating,
        (false, false) => Course::Sporadic,
    })
}

/// Counts of cells over time.
#[derive(Clone, Copy, Debug)]
pub struct Cube<'a> {
    /// The cells.
    pub cells: &'a CellSet,
    /// Number of steps.
    pub steps: usize,
    /// Incidents of each bin: all cells of the first step, then of the second, …
    pub counts: &'a [u32],
}

/// One cell's course.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendCell {
    /// The cell.
    pub cell: HexCell,
    /// Its own incidents over all steps.
    pub count: u64,
    /// Steps in which it was hot.
    pub hot_steps: usize,
    /// Steps in which it was cold.
    pub cold_steps: usize,
    /// The trend of its z; absent where all bins are equal.
    pub trend: Option<Trend>,
    /// z of the last step; absent where bins are few.
    pub last_z: Option<f64>,
    /// Two-sided exact p of the last step.
    pub last_p: Option<f64>,
    /// Its pattern.
    pub pattern: Pattern,
}

/// How a cube is judged.
#[derive(Clone, Copy, Debug)]
pub struct TrendOptions {
    /// Who is a neighbour.
    pub neighbourhood: Neighbourhood,
    /// Share of false discoveries among hot and cold bins.
    pub alpha: f64,
    /// Seed of the sampled law, where it is sampled.
    pub seed: u64,
}

/// Every cell's course, ascending by cell, and remarks.
#[derive(Clone, Debug, PartialEq)]
pub struct Trends {
    /// The cells.
    pub cells: Vec<TrendCell>,
    /// Remarks.
    pub notes: Vec<Note>,
}

/// Judges a cube; O(bins · log steps + pairs · steps).
///
/// # Errors
/// Too few or too many steps or bins, or counts of the wrong length.
pub fn trends(cube: &Cube<'_>, options: &TrendOptions) -> Result<Trends, HotspotError> {
    let n = cube.cells.len();
    if !(FEWEST_STEPS..=MOST_STEPS).contains(&cube.steps) {
        return Err(HotspotError::Steps { given: cube.steps, least: FEWEST_STEPS, most: MOST_STEPS });
    }
    let bins = n.saturating_mul(cube.steps);
    if bins > MOST_BINS {
        return Err(HotspotError::TooManyCells { most: MOST_BINS / cube.steps });
    }
    if bins != cube.counts.len() {
        return Err(HotspotError::Length { what: "counts", wanted: bins, found: cube.counts.len() });
    }
    let weights = Weights::of(cube.cells, options.neighbourhood)?;
    let values: Vec<f64> = cube.counts.iter().map(|c| f64::from(*c)).collect();
    let mut notes = Vec::new();
    let pentagons = cube.cells.pentagons();
    notes.extend((pentagons > 0).then_some(Note::Pentagons { cells: pentagons }));
    let (few, alone) = (bins < FEWEST_FOR_NORMAL, weights.rows().filter(|r| r.is_empty()).count());
    notes.extend(few.then_some(Note::FewBins { bins, wanted: FEWEST_FOR_NORMAL }));
    notes.extend((alone > 0).then_some(Note::Alone { cells: alone }));
    let course = |cell: &HexCell, i: usize, spots: Option<&Spots>| {
        let count = (0..cube.steps).filter_map(|t| cube.counts.get(t * n + i)).map(|c| u64::from(*c)).sum();
        spots.map_or(
            TrendCell {
                cell: *cell,
                count,
                hot_steps: 0,
                cold_steps: 0,
                trend: None,
                last_z: None,
                last_p: None,
                pattern: Pattern::None,
            },
            |s| s.course(*cell, i, count),
        )
    };
    let spots = Moments::of(&values).map(|m| Spots::new(cube, &weights, &values, m, options));
    notes.extend(spots.is_none().then_some(Note::Constant));
    notes.extend(spots.as_ref().is_some_and(|s| s.is_sampled).then_some(Note::SampledLaw));
    let cells = cube.cells.cells().par_iter().enumerate().map(|(i, c)| course(c, i, spots.as_ref())).collect();
    Ok(Trends { cells, notes })
}

/// z and p of every bin, and from which p on it is a spot.
struct Spots {
    n: usize,
    steps: usize,
    z: Vec<f64>,
    p: Vec<f64>,
    cut: Option<f64>,
    is_sampled: bool,
}

impl Spots {
    fn new(cube: &Cube<'_>, weights: &Weights, values: &[f64], moments: Moments, options: &TrendOptions) -> Self {
        let n = cube.cells.len();
        let layers: Vec<Vec<f64>> = values.par_chunks(n).map(|step| sums(weights, step)).collect();
        let size = |t: usize, i: usize| (weights.degree(i) + 1) * if t == 0 { 1 } else { 2 };
        let (bins, incidents) = (moments.n, cube.counts.iter().map(|c| u64::from(*c)).sum::<u64>());
        let law = (bins < FEWEST_FOR_NORMAL).then(|| {
            let sizes: BTreeSet<usize> = (0..n).flat_map(|i| [size(0, i), size(1, i)]).collect();
            SumLaw::new(cube.counts, &sizes.into_iter().collect::<Vec<_>>(), options.seed)
        });
        let judge = |w: usize, sum: u64| match &law {
            Some(law) => law.two_sided_p(w, sum),
            None => {
                let (upper, lower) = binomial_tails(incidents, w as f64 / bins as f64, sum);
                doubled(upper, lower)
            }
        };
        let (z, p): (Vec<f64>, Vec<f64>) = (0..n * cube.steps)
            .into_par_iter()
            .with_min_len(1024)
            .map(|bin| {
                let (t, i) = (bin / n, bin % n);
                let of = |t: usize| layers.get(t).and_then(|l| l.get(i)).copied().unwrap_or(0.0);
                let (sum, w) = (of(t) + if t == 0 { 0.0 } else { of(t - 1) }, size(t, i));
                // in whole numbers: what has just its share has 0 in every step, and no rounding that would be a trend
                let excess = (sum as i128 * bins as i128 - i128::from(incidents) * w as i128) as f64 / bins as f64;
                (excess * moments.scale(w), judge(w, sum as u64))
            })
            .unzip();
        let cut = cut(&p, options.alpha, FdrMethod::BenjaminiHochberg);
        Self { n, steps: cube.steps, z, p, cut, is_sampled: law.is_some_and(|l| !l.is_exact()) }
    }

    fn course(&self, cell: HexCell, i: usize, count: u64) -> TrendCell {
        let at = |list: &[f64], t: usize| list.get(t * self.n + i).copied().unwrap_or(0.0);
        let series: Vec<f64> = (0..self.steps).map(|t| at(&self.z, t)).collect();
        let history: Vec<Bin> = (0..self.steps)
            .map(|t| match (self.cut, at(&self.z, t)) {
                (Some(cut), z) if at(&self.p, t) <= cut && z > 0.0 => Bin::Hot,
                (Some(cut), z) if at(&self.p, t) <= cut && z < 0.0 => Bin::Cold,
                _ => Bin::Neither,
            })
            .collect();
        let trend = mann_kendall(&series);
        let of = |bin| history.iter().filter(|b| **b == bin).count();
        TrendCell {
            cell,
            count,
            hot_steps: of(Bin::Hot),
            cold_steps: of(Bin::Cold),
            trend: Some(trend),
            last_z: series.last().copied().filter(|_| self.z.len() >= FEWEST_FOR_NORMAL),
            last_p: Some(at(&self.p, self.steps - 1)),
            pattern: Pattern::of(&history, &trend),
        }
    }
}

#[cfg(test)]
#[path = "emerging_reference.rs"]
mod reference;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;
    use h3o::{LatLng, Resolution};

    fn with(z: f64, p: f64) -> Trend {
        Trend { s: 0, variance: 1.0, tau: 0.0, z, p }
    }

    /// The published sentences, each by itself.
    fn fits(course: Course, h: &[Bin], bin: Bin, opposite: Bin, growing: f64, p: f64) -> bool {
        let is = |i: usize| h[i] == bin;
        let (n, last) = (h.len(), h.len() - 1);
        let count = (0..n).filter(|i| is(*i)).count();
        let often = count as f64 >= 0.9 * n as f64;
        let run = (0..n).rev().take_while(|i| is(*i)).count();
        match course {
            Course::New => is(last) && count == 1,
            Course::Consecutive => run >= 2 && count == run && !often,
            Course::Intensifying => is(last) && often && growing > 0.0 && p <= 0.05,
            Course::Persistent => often && p > 0.05,
            Course::Diminishing => is(last) && often && growing < 0.0 && p <= 0.05,
            Course::Sporadic => is(last) && count > run && !often && !h.contains(&opposite),
            Course::Oscillating => is(last) && !often && h[..last].contains(&opposite),
            Course::Historical => !is(last) && often,
        }
    }

    #[test]
    fn every_history_has_the_one_pattern_whose_published_sentence_it_fits() {
        const COURSES: [Course; 8] = [
            Course::New,
            Course::Consecutive,
            Course::Intensifying,
            Course::Persistent,
            Course::Diminishing,
            Course::Sporadic,
            Course::Oscillating,
            Course::Historical,
        ];
        let mut seen = BTreeSet::new();
        for n in [4_u32, 7, 10] {
            for code in 0..3_usize.pow(n) {
                let h: Vec<Bin> =
                    (0..n).map(|i| [Bin::Neither, Bin::Hot, Bin::Cold][code / 3_usize.pow(i) % 3]).collect();
                for (z, p) in [(3.0, 0.003), (-3.0, 0.003), (1.0, 0.3)] {
                    let pattern = Pattern::of(&h, &with(z, p));
                    seen.insert(pattern.word());
                    let fitting = |bin, opposite, growing| {
                        COURSES.into_iter().filter(|c| fits(*c, &h, bin, opposite, growing, p)).collect::<Vec<_>>()
                    };
                    let (hot, cold) = (fitting(Bin::Hot, Bin::Cold, z), fitting(Bin::Cold, Bin::Hot, -z));
                    match pattern {
                        Pattern::Hot(c) => assert!(hot.contains(&c), "{h:?} {c:?}"),
                        Pattern::Cold(c) => assert!(cold.contains(&c), "{h:?} {c:?}"),
                        Pattern::None => assert!(hot.is_empty() && cold.is_empty(), "{h:?} {hot:?} {cold:?}"),
                    }
                }
            }
        }
        assert_eq!(seen.len(), 17, "{seen:?}");
    }

    fn disk() -> CellSet {
        let middle = LatLng::new(26.2456, 105.932).expect("place").to_cell(Resolution::Eight);
        CellSet::new(middle.grid_disk(9)).expect("cells")
    }

    fn noise(cells: usize, steps: usize, seed: u64) -> Vec<u32> {
        let mut r = Random::new(seed);
        (0..cells * steps).map(|_| (0..8).filter(|_| r.unit() < 0.1).count() as u32).collect()
    }

    #[test]
    fn planted_spots_have_the_pattern_they_were_planted_with() {
        let cells = disk();
        let (n, steps) = (cells.len(), 12);
        let mut counts = noise(n, steps, 4);
        let places: Vec<usize> = [20, 130, 240].to_vec();
        let w = Weights::ring1(&cells);
        for t in 0..steps {
            let more = [if t + 1 == steps { 8 } else { 0 }, 8, if t < steps - 2 { 8 } else { 0 }];
            for (place, more) in places.iter().zip(more) {
                for j in w.of_place(*place).iter().map(|j| *j as usize).chain([*place]) {
                    counts[t * n + j] += more;
                }
            }
        }
        let options = TrendOptions { neighbourhood: Neighbourhood::Ring1, alpha: 0.05, seed: 1 };
        let found = trends(&Cube { cells: &cells, steps, counts: &counts }, &options).expect("a cube");
        let pattern = |i: usize| found.cells[i].pattern;
        assert_eq!(pattern(places[0]), Pattern::Hot(Course::New));
        assert_eq!(pattern(places[1]), Pattern::Hot(Course::Persistent));
        // Hot in eleven of twelve, the step after the last planted one still sees it; the last one does not.
        assert_eq!(pattern(places[2]), Pattern::Hot(Course::Historical));
        let others = found.cells.iter().filter(|c| c.pattern != Pattern::None).count();
        assert!(others <= 3 * 25, "{others}");
        assert!(found.cells.iter().all(|c| c.last_z.is_some_and(f64::is_finite)));
    }

    #[test]
    fn a_constant_cube_has_no_pattern_and_says_so() {
        let cells = disk();
        let counts = vec![2; cells.len() * 5];
        let options = TrendOptions { neighbourhood: Neighbourhood::Ring1, alpha: 0.05, seed: 1 };
        let found = trends(&Cube { cells: &cells, steps: 5, counts: &counts }, &options).expect("a cube");
        assert!(found.cells.iter().all(|c| c.pattern == Pattern::None && c.trend.is_none() && c.count == 10));
        assert_eq!(found.notes, [Note::Constant]);
        let few = trends(&Cube { cells: &cells, steps: 2, counts: &counts[..cells.len() * 2] }, &options);
        assert!(matches!(few, Err(HotspotError::Steps { .. })));
    }
}
