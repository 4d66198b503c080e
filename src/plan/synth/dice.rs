//! The distributions of the generator, on the project's own random streams.

use crate::partition::effort::{Random, stream_seed};

/// A stream of random numbers for one job.
#[derive(Clone, Debug)]
pub(super) struct Dice(Random);

/// Stages of the generator: each has streams of its own, so that changing one does not shift another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    Centres,
    Borders,
    Sizes,
    Names,
    Lines,
    Special,
    Crossings,
    Settle,
    Incidents,
}

impl Dice {
    /// The stream of (`seed`, `stage`, `index`).
    pub(super) fn new(seed: u64, stage: Stage, index: u64) -> Self {
        Self(Random::new(stream_seed(seed, index, stage as u64, 0x5711)))
    }

    /// [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        self.0.unit()
    }

    /// `low`…`high`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.unit()
    }

    /// `low`…`high`, both included.
    pub(super) fn whole(&mut self, low: u32, high: u32) -> u32 {
        low + self.0.below(high.saturating_sub(low) + 1)
    }

    /// An index below `n` (0 when `n` is 0).
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0.below(u32::try_from(n).unwrap_or(u32::MAX)) as usize
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.0.unit() < p
    }

    /// Nearly normal (the sum of twelve uniform numbers; never beyond six deviations).
    pub(super) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.0.unit()).sum();
        mean + deviation * (sum - 6.0)
    }

    /// Exponential with this mean.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.0.unit()).ln()
    }

    /// Index drawn by weight.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.0.unit() * weights.iter().sum::<f64>();
        for (i, w) in weights.iter().enumerate() {
            left -= w;
            if left < 0.0 {
                return i;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// An element of a list that is not empty.
    pub(super) fn pick<'a>(&mut self, list: &'a [&'a str]) -> &'a str {
        list.get(self.below(list.len())).copied().unwrap_or("")
    }
}

/// Shares `total` over `weights`: whole numbers that sum to it exactly (largest remainder, ties by index).
pub(super) fn shared(total: u32, weights: &[f64]) -> Vec<u32> {
    let sum: f64 = weights.iter().sum();
    if weights.is_empty() || sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let wish: Vec<f64> = weights.iter().map(|w| f64::from(total) * w / sum).collect();
    let mut given: Vec<u32> = wish.iter().map(|w| w.floor() as u32).collect();
    let mut order: Vec<usize> = (0..wish.len()).collect();
    order.sort_by(|&a, &b| (wish[b] - wish[b].floor()).total_cmp(&(wish[a] - wish[a].floor())).then(a.cmp(&b)));
    let mut left = total.saturating_sub(given.iter().sum());
    for &i in order.iter().cycle() {
        if left == 0 {
            break;
        }
        if weights[i] > 0.0 {
            given[i] += 1;
            left -= 1;
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_the_total() {
        assert_eq!(shared(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
        assert_eq!(shared(7, &[0.0, 2.0, 5.0]), [0, 2, 5]);
        assert!(shared(3, &[]).is_empty());
    }
}
