//! Which of many p-values are small beyond chance: Benjamini & Hochberg 1995, and Benjamini & Yekutieli 2001 for any dependence.

/// How the share of false discoveries is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FdrMethod {
    /// Benjamini–Hochberg: independent or positively dependent tests, such as overlapping neighbourhoods.
    #[default]
    BenjaminiHochberg,
    /// Benjamini–Yekutieli: any dependence, at the price of a factor of about ln n.
    BenjaminiYekutieli,
}

/// The largest p-value that is still a discovery at level `alpha`, `None` where there is none; O(n log n).
///
/// With p₍₁₎ ≤ … ≤ p₍ₙ₎ it is the last p₍ₖ₎ ≤ kα/n (BY: kα/(n·Σ1/i)).
#[must_use]
pub fn cut(p: &[f64], alpha: f64, method: FdrMethod) -> Option<f64> {
    let n = p.len() as f64;
    let level = match method {
        FdrMethod::BenjaminiHochberg => alpha,
        FdrMethod::BenjaminiYekutieli => alpha / (1..=p.len()).map(|i| 1.0 / i as f64).sum::<f64>(),
    };
    // Most are far above any cut: what exceeds the level itself can be no discovery, but counts in n.
    let mut small: Vec<f64> = p.iter().copied().filter(|v| *v <= level).collect();
    small.sort_unstable_by(f64::total_cmp);
    small.iter().enumerate().rev().find(|(k, v)| **v <= (k + 1) as f64 * level / n).map(|(_, v)| *v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    /// The p-values of Benjamini & Hochberg 1995, table 1: four hypotheses are rejected at 0.05.
    const PUBLISHED: [f64; 15] = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ];

    #[test]
    fn published_example_rejects_four() {
        assert_eq!(cut(&PUBLISHED, 0.05, FdrMethod::BenjaminiHochberg), Some(0.0095));
        assert_eq!(cut(&PUBLISHED, 0.05, FdrMethod::BenjaminiYekutieli), Some(0.0019));
    }

    #[test]
    fn cut_equals_the_definition_tried_one_by_one() {
        let mut r = Random::new(3);
        for _ in 0..200 {
            let n = 1 + r.below(40) as usize;
            let p: Vec<f64> = (0..n).map(|_| r.unit().powi(3)).collect();
            for (method, c) in [
                (FdrMethod::BenjaminiHochberg, 1.0),
                (FdrMethod::BenjaminiYekutieli, (1..=n).map(|i| 1.0 / i as f64).sum::<f64>()),
            ] {
                let best = p
                    .iter()
                    .copied()
                    .filter(|v| {
                        let rank = p.iter().filter(|w| *w <= v).count() as f64;
                        *v <= rank * 0.1 / (n as f64 * c)
                    })
                    .fold(None, |a: Option<f64>, v| Some(a.map_or(v, |a| a.max(v))));
                assert_eq!(cut(&p, 0.1, method), best);
            }
        }
        assert_eq!(cut(&[], 0.05, FdrMethod::BenjaminiHochberg), None);
    }
}
