//! Conditional permutation: how often a place, with its own value, would have neighbours like these by chance.
//!
//! For each place the other places' values are drawn for its neighbours without replacement, R times; the one-sided p in the direction of z
//! is (1 + draws at least as far out) / (R + 1).
//!
//! Two sources of chance make a draw, so that a hundred thousand places need no generator each: R rows of distinct numbers, and for each place
//! a random turn of them modulo n. For one place the rows are independent uniform choices, as turning a uniform choice leaves it uniform; where a
//! row names the place itself, its next number stands in. Results depend on the seed alone.

use rayon::prelude::*;

use crate::domain::random::{Random, stream_seed};

use super::sample::Sampler;
use super::weights::Weights;

/// Marks the streams of this module.
const STREAM: u64 = 0x5045_524D;
/// Places that one task works on.
const CHUNK: usize = 256;

/// One-sided permutation p of every place, in the direction of `z`; 1 where there is no other place to draw.
#[must_use]
pub fn conditional_p(weights: &Weights, values: &[f64], z: &[f64], permutations: u32, seed: u64) -> Vec<f64> {
    // Half the memory traffic where sums are exact in single precision.
    let most = values.iter().fold(0.0_f64, |a, v| a.max(v.abs())) * (weights.most_neighbours() + 1) as f64;
    if most < 16_000_000.0 && values.iter().all(|v| v.fract() == 0.0) {
        let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        Draws::new(weights, permutations, seed).p(weights, &values, z)
    } else {
        Draws::new(weights, permutations, seed).p(weights, values, z)
    }
}

struct Draws {
    n: u32,
    seed: u64,
    rows: usize,
    /// Numbers in a row: one more than the most neighbours, where there are as many.
    width: usize,
    /// Row after row.
    numbers: Vec<u32>,
    /// Where each number stands: row and place in it, sorted by number.
    places: Vec<(u32, u32, u32)>,
}

impl Draws {
    fn new(weights: &Weights, permutations: u32, seed: u64) -> Self {
        let n = weights.len();
        let (rows, width) = (permutations as usize, (weights.most_neighbours() + 1).min(n));
        let numbers: Vec<u32> = (0..rows)
            .into_par_iter()
            .map_init(
                || Sampler::new(n),
                |sampler, r| sampler.draw(&mut Random::new(stream_seed(seed, STREAM, 0, r as u64)), width).to_vec(),
            )
            .flatten_iter()
            .collect();
        let mut places: Vec<(u32, u32, u32)> = numbers
            .iter()
            .enumerate()
            .map(|(i, t)| (*t, (i / width.max(1)) as u32, (i % width.max(1)) as u32))
            .collect();
        places.par_sort_unstable();
        Self { n: n as u32, seed, rows, width, numbers, places }
    }

    fn p<T>(&self, weights: &Weights, values: &[T], z: &[f64]) -> Vec<f64>
    where
        T: Copy + PartialOrd + std::ops::Add<Output = T> + Default + Send + Sync,
    {
        // Twice over, so that a turned number needs no remainder.
        let twice: Vec<T> = values.iter().chain(values).copied().collect();
        (0..weights.len())
            .into_par_iter()
            .with_min_len(CHUNK)
            .map(|i| self.of_place(i as u32, weights.of_place(i), &twice, z.get(i).is_some_and(|z| *z < 0.0)))
            .collect()
    }

    fn of_place<T>(&self, i: u32, neighbours: &[u32], twice: &[T], below: bool) -> f64
    where
        T: Copy + PartialOrd + std::ops::Add<Output = T> + Default,
    {
        let k = neighbours.len();
        if k == 0 || self.rows == 0 {
            return 1.0;
        }
        let sum = |numbers: &[u32], of: &[T]| {
            numbers.iter().fold(T::default(), |a, t| a + of.get(*t as usize).copied().unwrap_or_default())
        };
        let observed = sum(neighbours, twice);
        let is_far = |s: T| if below { s <= observed } else { s >= observed };
        let turn = Random::new(stream_seed(self.seed, STREAM, 1, u64::from(i))).below(self.n);
        let turned = twice.get(turn as usize..).unwrap_or_default();
        let mut far = 0_u32;
        for row in self.numbers.chunks_exact(self.width) {
            far += u32::from(is_far(sum(&row[..k], turned)));
        }
        // The number that is the place itself once turned.
        let own = (i + self.n - turn) % self.n;
        let first = self.places.partition_point(|p| p.0 < own);
        for (_, r, at) in self.places.iter().skip(first).take_while(|p| p.0 == own).filter(|p| (p.2 as usize) < k) {
            let row = &self.numbers[*r as usize * self.width..][..self.width];
            far -= u32::from(is_far(sum(&row[..k], turned)));
            let others: Vec<u32> =
                row[..=k].iter().enumerate().filter(|(j, _)| *j != *at as usize).map(|(_, t)| *t).collect();
            far += u32::from(is_far(sum(&others, turned)));
        }
        f64::from(far + 1) / (self.rows + 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotspot::gi::gi_star;

    /// A ring of places, each next to two on either side.
    fn ring(n: u32) -> Weights {
        Weights::from_lists(
            &(0..n).map(|i| [1, 2, n - 1, n - 2].iter().map(|d| (i + d) % n).collect()).collect::<Vec<Vec<u32>>>(),
        )
    }

    /// The exact conditional p: every choice of four among the others.
    fn by_enumeration(w: &Weights, y: &[f64], i: usize, below: bool) -> f64 {
        let others: Vec<f64> = (0..y.len()).filter(|j| *j != i).map(|j| y[j]).collect();
        let observed: f64 = w.of_place(i).iter().map(|j| y[*j as usize]).sum();
        let (mut all, mut far) = (0.0, 0.0);
        for set in 0_u32..1 << others.len() {
            if set.count_ones() as usize == w.degree(i) {
                let s: f64 = (0..others.len()).filter(|j| set >> j & 1 == 1).map(|j| others[j]).sum();
                all += 1.0;
                far += f64::from(u8::from(if below { s <= observed } else { s >= observed }));
            }
        }
        far / all
    }

    #[test]
    fn p_agrees_with_every_choice_enumerated() {
        let w = ring(14);
        for y in [
            (0..14).map(|i| f64::from(i * i % 11)).collect::<Vec<_>>(),
            (0..14).map(|i| f64::from(i * i % 11) + 0.25).collect(),
        ] {
            let z = gi_star(&w, &y).expect("differs").z;
            let p = conditional_p(&w, &y, &z, 20_000, 4);
            for i in 0..14 {
                let exact = by_enumeration(&w, &y, i, z[i] < 0.0);
                // Five standard errors of 20,000 draws.
                assert!(
                    (p[i] - exact).abs() < 5.0 * (exact * (1.0 - exact) / 2e4).sqrt() + 1e-4,
                    "{i}: {} {exact}",
                    p[i]
                );
            }
        }
    }

    #[test]
    fn p_depends_on_the_seed_and_not_on_the_threads() {
        let w = ring(400);
        let y: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 29)).collect();
        let z = gi_star(&w, &y).expect("differs").z;
        let run = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| conditional_p(&w, &y, &z, 199, seed))
        };
        assert_eq!(run(1, 7), run(5, 7));
        assert_ne!(run(1, 7), run(1, 8));
    }

    #[test]
    fn islands_and_no_permutations_prove_nothing() {
        let w = Weights::from_lists(&[vec![], vec![2], vec![1]]);
        assert_eq!(conditional_p(&w, &[9.0, 0.0, 0.0], &[1.0, -1.0, -1.0], 99, 1)[0], 1.0);
        assert_eq!(conditional_p(&w, &[9.0, 0.0, 0.0], &[1.0; 3], 0, 1), [1.0; 3]);
        assert!(conditional_p(&Weights::default(), &[], &[], 9, 1).is_empty());
    }
}
