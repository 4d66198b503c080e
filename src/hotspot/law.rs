//! The law of a neighbourhood's count under permutation: what sum k cells have when they are drawn from all cells without replacement.
//!
//! The z of Gi* is that sum, standardised by its exact mean and variance; only the normal shape is an approximation, and a bad one where
//! most cells are empty. Here the shape itself is computed:
//!
//! 1. cells are grouped by their count; drawing each cell by itself with probability q makes the number m of cells drawn from a group of h
//!    binomial, and given that k cells were drawn in all, they are a sample without replacement, whatever q is;
//! 2. a table of P(k cells drawn, their sum is s) grows by one group after the other;
//! 3. its row k, divided by its total, is the law; tails are summed from their far end.
//!
//! All terms are positive, so the tails keep their digits down to 1e-300. Work is about Σ min(h, K)·K·S for K the largest neighbourhood and S
//! the greatest sum. Beyond [`MOST_WORK`] the law is sampled: seeded draws, one set for each size.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::domain::random::{Random, stream_seed};

use super::normal::doubled;
use super::sample::Sampler;

/// Elementary steps that are spent on the exact law: about half a second.
const MOST_WORK: f64 = 5e8;
/// Entries of the table: 160 MB.
const MOST_ENTRIES: f64 = 2e7;
/// From there on the probability of drawing one cell alone, where K are wished, leaves the range of doubles.
const MOST_CELLS_DRAWN: usize = 400;
/// Draws of the sampled law, fewer where there are many sizes.
const DRAWS: usize = 100_000;
const MOST_SAMPLED: usize = 30_000_000;
/// Marks the streams of this module.
const STREAM: u64 = 0x004C_4157;

/// The law of the sum for each of some sizes.
#[derive(Clone, Debug)]
pub struct SumLaw {
    sizes: BTreeMap<usize, Tails>,
    exact: bool,
}

#[derive(Clone, Debug)]
enum Tails {
    /// P(sum ≥ s) and P(sum ≤ s) by s.
    Exact { upper: Vec<f64>, lower: Vec<f64> },
    /// Sums drawn, ascending.
    Drawn(Vec<u64>),
}

impl SumLaw {
    /// The law for neighbourhoods of the given sizes (in places) over all places' counts; sizes above the number of places are theirs.
    #[must_use]
    pub fn new(counts: &[u32], sizes: &[usize], seed: u64) -> Self {
        let mut wanted: Vec<usize> = sizes.iter().map(|k| (*k).min(counts.len())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let groups = groups_of(counts);
        let most = wanted.last().copied().unwrap_or(0);
        if most <= MOST_CELLS_DRAWN && is_feasible(&groups, most) {
            Self { sizes: exact(&groups, counts.len(), &wanted), exact: true }
        } else {
            Self { sizes: drawn(counts, &wanted, seed), exact: false }
        }
    }

    /// Whether the law was computed; otherwise it was sampled.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// P(sum ≥ `sum`) and P(sum ≤ `sum`) for a neighbourhood of `size` places; sampled ones are never below 1/(draws + 1).
    ///
    /// A size the law was not made for has both 1: it proves nothing.
    #[must_use]
    pub fn tails(&self, size: usize, sum: u64) -> (f64, f64) {
        match self.sizes.get(&size) {
            None => (1.0, 1.0),
            Some(Tails::Exact { upper, lower }) => {
                let at = usize::try_from(sum).unwrap_or(usize::MAX);
                (upper.get(at).copied().unwrap_or(0.0), lower.get(at).copied().unwrap_or(1.0))
            }
            Some(Tails::Drawn(sums)) => {
                let below = sums.partition_point(|s| *s < sum);
                let up_to = sums.partition_point(|s| *s <= sum);
                let share = |n: usize| (n + 1) as f64 / (sums.len() + 1) as f64;
                (share(sums.len() - below), share(up_to))
            }
        }
    }

    /// Two-sided p: twice the smaller tail, at most 1.
    #[must_use]
    pub fn two_sided_p(&self, size: usize, sum: u64) -> f64 {
        let (upper, lower) = self.tails(size, sum);
        doubled(upper, lower)
    }
}

/// How many places have each count, by count.
fn groups_of(counts: &[u32]) -> Vec<(usize, usize)> {
    let mut sorted = counts.to_vec();
    sorted.par_sort_unstable();
    sorted.chunk_by(|a, b| a == b).filter_map(|g| g.first().map(|c| (*c as usize, g.len()))).collect()
}

/// The greatest sum of `k` places.
fn greatest_sum(groups: &[(usize, usize)], k: usize) -> usize {
    let (mut left, mut sum) = (k, 0_usize);
    for (count, h) in groups.iter().rev() {
        let m = left.min(*h);
        sum = sum.saturating_add(m.saturating_mul(*count));
        left -= m;
    }
    sum
}

fn is_feasible(groups: &[(usize, usize)], most: usize) -> bool {
    let (k, s) = (most as f64, greatest_sum(groups, most) as f64 + 1.0);
    let steps: f64 = groups.iter().map(|g| g.1.min(most) as f64).sum();
    (k + 1.0) * s <= MOST_ENTRIES && steps * k * s <= MOST_WORK
}

fn exact(groups: &[(usize, usize)], n: usize, sizes: &[usize]) -> BTreeMap<usize, Tails> {
    let most = sizes.last().copied().unwrap_or(0);
    // Between the sizes wished for; never 0 or 1, where the odds end.
    let q = (most as f64 / n.max(1) as f64).clamp(1e-12, 0.5);
    let mut table: Vec<Vec<f64>> = vec![Vec::new(); most + 1];
    if let Some(none) = table.first_mut() {
        none.push(1.0);
    }
    for &(count, h) in groups {
        let draws = binomial(h, q, most);
        for j in (0..=most).rev() {
            // Row j from the rows below it, which still are those before this group.
            let (below, from_j) = table.split_at_mut(j);
            let Some(row) = from_j.first_mut() else { continue };
            let longest = (0..=j.min(draws.len() - 1))
                .map(|m| if m == 0 { row.len() } else { with_shift(below[j - m].len(), m * count) })
                .max();
            row.iter_mut().for_each(|v| *v *= draws[0]);
            row.resize(longest.unwrap_or(0), 0.0);
            for (m, p) in draws.iter().enumerate().take(j + 1).skip(1) {
                let shift = (m * count).min(row.len());
                for (to, from) in row[shift..].iter_mut().zip(&below[j - m]) {
                    *to += p * from;
                }
            }
        }
    }
    sizes.iter().map(|k| (*k, tails_of(table.get(*k).map_or(&[], Vec::as_slice)))).collect()
}

fn with_shift(length: usize, shift: usize) -> usize {
    if length == 0 { 0 } else { length + shift }
}

fn tails_of(row: &[f64]) -> Tails {
    let total: f64 = row.iter().sum();
    let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
    let running = |values: &mut dyn Iterator<Item = &f64>| -> Vec<f64> {
        values
            .scan(0.0, |sum, v| {
                *sum += v * scale;
                Some(f64::min(*sum, 1.0))
            })
            .collect()
    };
    let lower = running(&mut row.iter());
    let mut upper = running(&mut row.iter().rev());
    upper.reverse();
    Tails::Exact { upper, lower }
}

/// P(m of h) for m = 0…min(h, most), each of the h with probability q.
fn binomial(h: usize, q: f64, most: usize) -> Vec<f64> {
    let top = h.min(most);
    let (hf, log_q, log_not) = (h as f64, q.ln(), (-q).ln_1p());
    let log_h = libm::lgamma(hf + 1.0);
    (0..=top)
        .map(|m| {
            let m = m as f64;
            let choose = log_h - libm::lgamma(m + 1.0) - libm::lgamma(hf - m + 1.0);
            (choose + m * log_q + (hf - m) * log_not).exp()
        })
        .collect()
}

fn drawn(counts: &[u32], sizes: &[usize], seed: u64) -> BTreeMap<usize, Tails> {
    let draws = DRAWS.min(MOST_SAMPLED / sizes.len().max(1)).max(1_000);
    let most = sizes.last().copied().unwrap_or(0);
    let rows: Vec<Vec<u64>> = (0..draws)
        .into_par_iter()
        .with_min_len(64)
        .map_init(
            || Sampler::new(counts.len()),
            |sampler, r| {
                let mut random = Random::new(stream_seed(seed, STREAM, r as u64, 0));
                let (mut sum, mut sums, mut next) = (0_u64, Vec::with_capacity(sizes.len()), sizes.iter().peekable());
                for (k, i) in (1..).zip(sampler.draw(&mut random, most)) {
                    sum += u64::from(counts.get(*i as usize).copied().unwrap_or(0));
                    if next.next_if(|size| **size == k).is_some() {
                        sums.push(sum);
                    }
                }
                sums
            },
        )
        .collect();
    let of_size = |at: usize| {
        let mut sums: Vec<u64> = rows.iter().filter_map(|r| r.get(at).copied()).collect();
        sums.par_sort_unstable();
        Tails::Drawn(sums)
    };
    sizes.iter().enumerate().map(|(at, k)| (*k, of_size(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every subset of `k` places, by brute force.
    fn by_enumeration(counts: &[u32], k: u32, sum: u64) -> (f64, f64) {
        let (mut all, mut above, mut below) = (0_u64, 0_u64, 0_u64);
        for set in 0_u32..1 << counts.len() {
            if set.count_ones() == k {
                let s: u64 = (0..counts.len()).filter(|i| set >> i & 1 == 1).map(|i| u64::from(counts[i])).sum();
                all += 1;
                above += u64::from(s >= sum);
                below += u64::from(s <= sum);
            }
        }
        (above as f64 / all as f64, below as f64 / all as f64)
    }

    #[test]
    fn law_equals_the_enumeration_of_every_subset() {
        for counts in [
            &[0, 0, 0, 1, 0, 2, 0, 7, 1, 1, 0, 3][..],
            &[5, 5, 5, 5, 5, 5],
            &[0, 0, 0, 0, 0, 0, 0, 9],
            &[1, 2, 4, 8, 16, 32, 64],
        ] {
            let sizes: Vec<usize> = (1..=counts.len().min(7)).collect();
            let law = SumLaw::new(counts, &sizes, 0);
            assert!(law.is_exact());
            for &k in &sizes {
                for sum in 0..=counts.iter().map(|c| u64::from(*c)).sum::<u64>() + 1 {
                    let (u, l) = law.tails(k, sum);
                    let (eu, el) = by_enumeration(counts, k as u32, sum);
                    assert!(
                        (u - eu).abs() < 1e-12 && (l - el).abs() < 1e-12,
                        "{counts:?} {k} {sum}: {u} {eu} {l} {el}"
                    );
                }
            }
        }
    }

    #[test]
    fn small_tails_keep_their_digits() {
        // Six full cells of 10,000: all in one neighbourhood of seven has probability C(9994, 1)/C(10000, 7).
        let mut counts = vec![0_u32; 10_000];
        counts[..6].fill(3);
        let law = SumLaw::new(&counts, &[7], 0);
        let choose = |n: f64, k: i32| (0..k).map(|i| (n - f64::from(i)) / f64::from(k - i)).product::<f64>();
        let p = choose(9_994.0, 1) / choose(10_000.0, 7);
        assert!((law.tails(7, 18).0 / p - 1.0).abs() < 1e-9, "{} {p}", law.tails(7, 18).0);
        assert_eq!(law.tails(7, 19).0, 0.0);
    }

    #[test]
    fn sampled_law_agrees_with_the_exact_one() {
        let counts: Vec<u32> = (0..500).map(|i| if i % 7 == 0 { i % 13 } else { 0 }).collect();
        let law = SumLaw::new(&counts, &[4, 9], 0);
        let sampled = SumLaw { sizes: drawn(&counts, &[4, 9], 5), exact: false };
        for k in [4, 9] {
            for sum in [0, 3, 8, 15, 22] {
                let ((u, l), (du, dl)) = (law.tails(k, sum), sampled.tails(k, sum));
                // Five standard errors of 100,000 draws.
                let off = |p: f64| 5.0 * (p * (1.0 - p) / 1e5).sqrt() + 2e-5;
                assert!((u - du).abs() < off(u) && (l - dl).abs() < off(l), "{k} {sum}: {u} {du} {l} {dl}");
            }
        }
    }

    #[test]
    fn huge_counts_and_wide_neighbourhoods_are_sampled_not_refused() {
        let counts: Vec<u32> = (0..2_000).map(|i| i * 7_919 % 1_000_000).collect();
        let law = SumLaw::new(&counts, &[7], 1);
        assert!(!law.is_exact());
        assert!(law.two_sided_p(7, 6_990_000) < 1e-4 && law.two_sided_p(7, 3_500_000) > 0.5);
        let all = SumLaw::new(&[1, 2, 3], &[9], 1);
        assert_eq!(all.two_sided_p(3, 6), 1.0);
    }
}
