//! The solver of one village: its pools, advanced round by round.

use rayon::prelude::*;

use crate::partition::effort::{Round, RoundSolver, turn};

use super::pool::Pool;
use super::pools::pools;
use super::stacked::deal_buildings;
use super::{ExceptionReason, UnitException, UnitsError, UnitsInput, UnitsOptions, UnitsSolution, representable};

/// Forms the units of one village; its state after `n` rounds is a function of input, options and `n` alone.
pub struct UnitsSolver {
    pools: Vec<Pool>,
    options: UnitsOptions,
    xy: Vec<[f64; 2]>,
    stairwell: Vec<u32>,
    floor: Vec<i32>,
    round: u64,
}

impl UnitsSolver {
    /// The solver at s₀.
    ///
    /// # Errors
    /// An empty size range, a fixed count that cannot hold the households, arrays of different length, positions that are no numbers.
    pub fn new(input: &UnitsInput<'_>, options: &UnitsOptions) -> Result<Self, UnitsError> {
        let n = input.xy.len();
        if options.min < 1 || options.min > options.max {
            return Err(UnitsError::SizeRange { min: options.min, max: options.max });
        }
        let lengths = [
            ("buildings", input.building.len()),
            ("stairwells", input.stairwell.len()),
            ("floors", input.floor.len()),
            ("law zones", input.law.len()),
        ];
        let levels = input.prefer.iter().map(|p| ("containers", p.len()));
        for (what, got) in lengths.into_iter().chain(levels) {
            if got != 0 && got != n {
                return Err(UnitsError::Length { what, got, expected: n });
            }
        }
        if let Some(index) = input.xy.iter().position(|p| !(p[0].is_finite() && p[1].is_finite())) {
            return Err(UnitsError::NotFinite { index });
        }
        let lists = pools(input, options.min, options.max, options.max_reach_m);
        let counts = counts(&lists, options)?;
        let pools = lists
            .into_par_iter()
            .zip(counts)
            .enumerate()
            .map(|(i, (households, count))| {
                let xy = households.iter().map(|&h| input.xy[h as usize]).collect();
                let mut pool = Pool::new(households, xy, (options.min, options.max), count, i as u64);
                pool.settle_in(options.seed, options.village);
                pool
            })
            .collect();
        Ok(Self {
            pools,
            options: *options,
            xy: input.xy.to_vec(),
            stairwell: input.stairwell.to_vec(),
            floor: input.floor.to_vec(),
            round: 0,
        })
    }

    /// The division as it stands after the rounds done so far.
    #[must_use]
    pub fn solution(&self) -> UnitsSolution {
        let mut unit_of = vec![0_u32; self.xy.len()];
        let mut exceptions = Vec::new();
        let mut first = 0;
        for pool in &self.pools {
            let dealt = deal_buildings(
                &pool.households,
                pool.locations(),
                pool.unit_of(),
                pool.units(),
                &self.stairwell,
                &self.floor,
                (self.options.min, self.options.max),
            );
            for (&h, &u) in pool.households.iter().zip(&dealt) {
                unit_of[h as usize] = first + u;
            }
            if let Some((u, size)) = pool.exception() {
                let reason = if pool.units() == 1 { ExceptionReason::TooFew } else { ExceptionReason::Remainder };
                exceptions.push(UnitException { unit: first + u, households: size, reason });
            }
            first += pool.units();
        }
        let sse_m2 = sse(&self.xy, &unit_of, first);
        UnitsSolution { unit_of, units: first, sse_m2, exceptions }
    }
}

/// Σ squared distance to the units' means (m²), computed about each unit's own first member for precision.
fn sse(xy: &[[f64; 2]], unit_of: &[u32], units: u32) -> f64 {
    let mut origin: Vec<Option<[f64; 2]>> = vec![None; units as usize];
    let mut sums = vec![[0.0_f64; 4]; units as usize];
    for (p, &u) in xy.iter().zip(unit_of) {
        let o = *origin[u as usize].get_or_insert(*p);
        let (x, y) = (p[0] - o[0], p[1] - o[1]);
        let s = &mut sums[u as usize];
        *s = [s[0] + x, s[1] + y, s[2] + x * x + y * y, s[3] + 1.0];
    }
    sums.iter().filter(|s| s[3] > 0.0).map(|s| (s[2] - (s[0] * s[0] + s[1] * s[1]) / s[3]).max(0.0)).sum()
}

fn counts(lists: &[Vec<u32>], options: &UnitsOptions) -> Result<Vec<Option<u32>>, UnitsError> {
    let bounds: Vec<(u32, u32)> = lists
        .iter()
        .map(|l| {
            let n = l.len() as u32;
            if representable(n, options.min, options.max) {
                (n.div_ceil(options.max), n / options.min)
            } else {
                let units = n.div_ceil(options.max);
                (units, units)
            }
        })
        .collect();
    let Some(count) = options.count else {
        return Ok(lists
            .iter()
            .zip(&bounds)
            .map(|(l, b)| {
                let target = options.target?;
                Some(((l.len() as f64 / f64::from(target.max(1))).round() as u32).clamp(b.0, b.1))
            })
            .collect());
    };
    let (low, high) = bounds.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    if count < low || count > high {
        return Err(UnitsError::Count { count, low, high });
    }
    let total: usize = lists.iter().map(Vec::len).sum();
    let wish = |i: usize| lists[i].len() as f64 * f64::from(count) / total.max(1) as f64;
    let mut given: Vec<u32> =
        (0..lists.len()).map(|i| (wish(i).floor() as u32).clamp(bounds[i].0, bounds[i].1)).collect();
    loop {
        let sum: u32 = given.iter().sum();
        if sum == count {
            return Ok(given.into_iter().map(Some).collect());
        }
        let up = sum < count;
        let open = (0..given.len()).filter(|&i| if up { given[i] < bounds[i].1 } else { given[i] > bounds[i].0 });
        let need = |i: usize| if up { f64::from(given[i]) - wish(i) } else { wish(i) - f64::from(given[i]) };
        match open.min_by(|&a, &b| need(a).total_cmp(&need(b)).then(a.cmp(&b))) {
            Some(i) if up => given[i] += 1,
            Some(i) => given[i] -= 1,
            None => return Err(UnitsError::Count { count, low, high }),
        }
    }
}

impl RoundSolver for UnitsSolver {
    fn round(&mut self) -> Round {
        let (seed, village, round) = (self.options.seed, self.options.village, self.round);
        let least = self.pools.iter().filter(|p| !p.is_settled()).map(Pool::tried).fold(f64::INFINITY, f64::min);
        let due = |p: &&mut Pool| !p.is_settled() && p.tried() <= turn(least);
        self.pools.par_iter_mut().filter(due).for_each(|p| p.round(seed, village, round));
        self.round += 1;
        if self.pools.iter().all(Pool::is_settled) { Round::Converged } else { Round::Working }
    }

    fn automatic_rounds(&self) -> u32 {
        // The first rounds bring most of the gain; a round of a large pool is a fixed amount of work.
        let largest = self.pools.iter().map(Pool::units).max().unwrap_or(0);
        (largest / 2).clamp(24, 240)
    }

    fn tried(&self) -> f64 {
        let all: f64 = self.pools.iter().map(|p| p.tried() * p.households.len() as f64).sum();
        all / self.xy.len().max(1) as f64
    }
}
