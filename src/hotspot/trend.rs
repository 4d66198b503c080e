//! Mann–Kendall: whether a series rises or falls, whatever its shape (Mann 1945, Kendall 1975), ties and continuity allowed for.

use super::normal::two_sided_p;

/// Steps below which no trend is judged.
pub const FEWEST_STEPS: usize = 4;

/// A trend and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Rising pairs less falling pairs.
    pub s: i64,
    /// Variance of S without a trend.
    pub variance: f64,
    /// Kendall's τ-b of values and time, −1…1; 0 where all values are equal.
    pub tau: f64,
    /// S less one towards zero, standardised; 0 where all values are equal.
    pub z: f64,
    /// Two-sided normal p.
    pub p: f64,
}

/// The trend of a series in order of time, in O(n log n): each value is compared with those before it through a tree of counts.
#[must_use]
pub fn mann_kendall(series: &[f64]) -> Trend {
    let n = series.len();
    let mut distinct = series.to_vec();
    distinct.sort_unstable_by(f64::total_cmp);
    let runs: Vec<usize> = distinct.chunk_by(|a, b| a == b).map(<[f64]>::len).collect();
    distinct.dedup();
    let mut tree = vec![0_i64; distinct.len() + 1];
    let prefix = |tree: &[i64], mut i: usize| {
        let mut sum = 0;
        while i > 0 {
            sum += tree.get(i).copied().unwrap_or(0);
            i &= i - 1;
        }
        sum
    };
    let mut s = 0;
    for (before, v) in (0_i64..).zip(series) {
        let below = distinct.partition_point(|d| d < v);
        let smaller = prefix(&tree, below);
        s += smaller - (before - prefix(&tree, below + 1));
        let mut i = below + 1;
        while let Some(node) = tree.get_mut(i) {
            *node += 1;
            i += i & i.wrapping_neg();
        }
    }
    let cubic = |k: f64| k * (k - 1.0) * (2.0 * k + 5.0);
    let pairs = |k: f64| k * (k - 1.0) / 2.0;
    let tied = |f: &dyn Fn(f64) -> f64| runs.iter().map(|t| f(*t as f64)).sum::<f64>();
    let variance = (cubic(n as f64) - tied(&cubic)) / 18.0;
    let all = pairs(n as f64);
    let tau = if variance > 0.0 { s as f64 / (all * (all - tied(&pairs))).sqrt() } else { 0.0 };
    let z = if variance > 0.0 { (s - s.signum()) as f64 / variance.sqrt() } else { 0.0 };
    Trend { s, variance, tau, z, p: two_sided_p(z) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    /// The definitions, pair by pair.
    fn by_pairs(x: &[f64]) -> (i64, f64, f64) {
        let (mut s, mut tied) = (0, 0.0);
        for i in 0..x.len() {
            for j in i + 1..x.len() {
                s += if x[j] > x[i] {
                    1
                } else if x[j] < x[i] {
                    -1
                } else {
                    0
                };
                tied += f64::from(u8::from(x[i] == x[j]));
            }
        }
        let n = x.len() as f64;
        // Σ t(t − 1)(2t + 5) over groups, one term for each member.
        let ties: f64 = x
            .iter()
            .map(|v| {
                let t = x.iter().filter(|w| *w == v).count() as f64;
                (t - 1.0) * (2.0 * t + 5.0)
            })
            .sum();
        let all = n * (n - 1.0) / 2.0;
        (s, (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0, (all * (all - tied)).sqrt())
    }

    #[test]
    fn trend_equals_its_definition_pair_by_pair() {
        let mut r = Random::new(2);
        for n in [2, 3, 5, 24, 61] {
            for levels in [2, 5, 1_000] {
                let x: Vec<f64> = (0..n).map(|_| f64::from(r.below(levels))).collect();
                let (t, (s, variance, tau_scale)) = (mann_kendall(&x), by_pairs(&x));
                assert_eq!(t.s, s, "{x:?}");
                assert!((t.variance - variance).abs() < 1e-9);
                if variance > 0.0 {
                    assert!((t.tau - s as f64 / tau_scale).abs() < 1e-12);
                    assert!((t.z - (s - s.signum()) as f64 / variance.sqrt()).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn known_series_have_their_known_trend() {
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        let t = mann_kendall(&rising);
        assert_eq!((t.s, t.tau), (45, 1.0));
        assert!((t.variance - 125.0).abs() < 1e-12 && (t.z - 44.0 / 125.0_f64.sqrt()).abs() < 1e-12);
        let falling: Vec<f64> = rising.iter().map(|v| -v).collect();
        assert_eq!(mann_kendall(&falling).z, -t.z);
        let level = mann_kendall(&[3.0; 9]);
        assert_eq!((level.s, level.z, level.tau, level.p), (0, 0.0, 0.0, 1.0));
        assert_eq!(mann_kendall(&[]).p, 1.0);
    }
}
