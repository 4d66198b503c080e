//! Getis–Ord Gi and Gi* (Getis & Ord 1992, Ord & Getis 1995) with binary weights, by the convention of spdep and esda: the variance of the
//! values is divided by n.
//!
//! Over n places with values x, mean x̄ and variance s² = Σ(x − x̄)²/n, a neighbourhood of w places (the place itself among them) has
//!
//! > Gi* = (Σx − w·x̄) / (s·√((n·w − w²)/(n − 1))).
//!
//! Gi leaves the place itself out of the neighbourhood, the mean and the variance. Both take one pass over the weights.

use super::weights::Weights;

/// Below so many places the normal law is no approximation: z and p are not given, only permutations.
pub const FEWEST_FOR_NORMAL: usize = 30;

/// Mean and spread of the values of all places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Number of places.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation, divided by n.
    pub sd: f64,
}

impl Moments {
    /// The moments of values; `None` where all are equal (or there is none), since nothing then stands out.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let first = values.first()?;
        if values.iter().all(|v| v == first) {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        (variance > 0.0 && variance.is_finite()).then(|| Self { n: values.len(), mean, sd: variance.sqrt() })
    }

    /// Reciprocal of the standard deviation of the sum over a neighbourhood of `w` places; zero where that is everything.
    #[must_use]
    pub fn scale(&self, w: usize) -> f64 {
        let (n, w) = (self.n as f64, w as f64);
        let spread = (n * w - w * w) / (n - 1.0);
        if spread > 0.0 { 1.0 / (self.sd * spread.sqrt()) } else { 0.0 }
    }
}

/// Gi* of every place.
#[derive(Clone, Debug, PartialEq)]
pub struct GiStar {
    /// Of all values.
    pub moments: Moments,
    /// Sum of the values in each place's neighbourhood, its own included.
    pub sums: Vec<f64>,
    /// z of each; always finite. A neighbourhood that is the whole study has z = 0.
    pub z: Vec<f64>,
}

/// Sum of the values in each place's neighbourhood, its own included.
#[must_use]
pub fn sums(weights: &Weights, values: &[f64]) -> Vec<f64> {
    weights
        .rows()
        .zip(values)
        .map(|(row, own)| own + row.iter().map(|j| values.get(*j as usize).copied().unwrap_or(0.0)).sum::<f64>())
        .collect()
}

/// Gi* of every place; `None` where all values are equal.
#[must_use]
pub fn gi_star(weights: &Weights, values: &[f64]) -> Option<GiStar> {
    let moments = Moments::of(values)?;
    let sums = sums(weights, values);
    // A square root for each size of neighbourhood, not for each place.
    let scale: Vec<f64> = (0..=weights.most_neighbours() + 1).map(|w| moments.scale(w)).collect();
    let z = weights
        .rows()
        .zip(&sums)
        .map(|(row, sum)| {
            let w = row.len() + 1;
            (sum - moments.mean * w as f64) * scale.get(w).copied().unwrap_or(0.0)
        })
        .collect();
    Some(GiStar { moments, sums, z })
}

/// Gi of every place; `None` for a place without neighbours, with all others as neighbours, or whose others are all equal.
#[must_use]
pub fn gi(weights: &Weights, values: &[f64]) -> Vec<Option<f64>> {
    let Some(all) = Moments::of(values) else { return vec![None; values.len()] };
    let n = all.n as f64;
    let sum: f64 = values.iter().sum();
    // About the mean, so that taking one place out does not cancel.
    let deviation2 = n * all.sd * all.sd;
    weights
        .rows()
        .zip(values)
        .map(|(row, own)| {
            let w = row.len() as f64;
            let mean = (sum - own) / (n - 1.0);
            let variance = (deviation2 - (own - all.mean).powi(2) * n / (n - 1.0)) / (n - 1.0);
            let spread = ((n - 1.0) * w - w * w) / (n - 2.0);
            let observed: f64 = row.iter().map(|j| values.get(*j as usize).copied().unwrap_or(0.0)).sum();
            let z = (observed - w * mean) / (variance * spread).sqrt();
            (variance > 1e-14 * all.sd * all.sd && spread > 0.0 && z.is_finite()).then_some(z)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    fn within(places: &[[f64; 2]], band: f64) -> Weights {
        let near = |i: usize| {
            (0..places.len())
                .filter(|j| *j != i && (places[i][0] - places[*j][0]).hypot(places[i][1] - places[*j][1]) <= band)
                .map(|j| j as u32)
                .collect()
        };
        Weights::from_lists(&(0..places.len()).map(near).collect::<Vec<_>>())
    }

    /// The six points of esda's own tests and what it finds for them.
    #[test]
    fn six_points_have_the_values_that_esda_publishes() {
        let places = [[10.0, 10.0], [20.0, 10.0], [40.0, 10.0], [15.0, 20.0], [30.0, 20.0], [30.0, 30.0]];
        let y = [2.0, 3.0, 3.2, 5.0, 8.0, 7.0];
        let w = within(&places, 15.0);
        let star = gi_star(&w, &y).expect("not constant");
        assert!((star.z[0] - -1.397_276_26).abs() < 1e-8, "{}", star.z[0]);
        let gi = gi(&w, &y);
        assert!((gi[0].expect("neighbours") - -1.013_672_9).abs() < 1e-7, "{:?}", gi[0]);
    }

    #[test]
    fn kernel_equals_the_formula_written_out() {
        let mut r = Random::new(8);
        let places: Vec<[f64; 2]> = (0..120).map(|_| [r.unit(), r.unit()]).collect();
        let y: Vec<f64> = (0..120).map(|_| f64::from(r.below(9)) + r.unit()).collect();
        let w = within(&places, 0.17);
        let (star, plain) = (gi_star(&w, &y).expect("not constant"), gi(&w, &y));
        let formula = |set: &[f64], members: &[f64]| {
            let (n, k) = (set.len() as f64, members.len() as f64);
            let mean = set.iter().sum::<f64>() / n;
            let s = (set.iter().map(|v| v * v).sum::<f64>() / n - mean * mean).sqrt();
            (members.iter().sum::<f64>() - k * mean) / (s * ((n * k - k * k) / (n - 1.0)).sqrt())
        };
        for i in 0..120 {
            let near: Vec<f64> = w.of_place(i).iter().map(|j| y[*j as usize]).collect();
            let whole: Vec<f64> = near.iter().copied().chain([y[i]]).collect();
            assert!((star.z[i] - formula(&y, &whole)).abs() < 1e-12);
            let others: Vec<f64> = (0..120).filter(|j| *j != i).map(|j| y[j]).collect();
            match plain[i] {
                Some(z) => assert!((z - formula(&others, &near)).abs() < 1e-11),
                None => assert!(near.is_empty()),
            }
        }
    }

    #[test]
    fn nothing_stands_out_of_a_constant_field_and_nothing_is_ever_nan() {
        let w = within(&[[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]], 2.0);
        assert_eq!(gi_star(&w, &[4.0, 4.0, 4.0]), None);
        assert_eq!(gi(&w, &[4.0; 3]), [None; 3]);
        // 0.1 + 0.2 … has a mean that differs from it in the last bit.
        assert_eq!(Moments::of(&[0.1; 7]), None);
        assert_eq!(Moments::of(&[]), None);
        let all = within(&[[0.0, 0.0], [1.0, 0.0]], 2.0);
        assert_eq!(gi_star(&all, &[1.0, 5.0]).expect("differs").z, [0.0, 0.0]);
        for z in gi_star(&w, &[1.0, 2.0, 7.0]).expect("differs").z {
            assert!(z.is_finite());
        }
        assert!(gi(&w, &[1.0, 1.0, 7.0]).iter().flatten().all(|z| z.is_finite()));
    }
}
