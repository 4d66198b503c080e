//! Incidents per household, steadied where few households live.

/// Empirical-Bayes rates (Marshall 1991, the global estimator): each cell's own rate is drawn towards the rate of all, the more so the fewer its
/// households. With m incidents a household overall, b̄ households a cell, and s² the household-weighted variance of the raw rates,
///
/// > rateᵢ = m + (xᵢ/bᵢ − m)·A/(A + m/bᵢ),  A = max(0, s² − m/b̄).
///
/// A cell without households has the rate of all. Gives nothing where nobody lives anywhere.
#[must_use]
pub fn empirical_bayes(counts: &[u32], households: &[u64]) -> Option<Vec<f64>> {
    let lived_in: u64 = households.iter().sum();
    if lived_in == 0 {
        return None;
    }
    let total = lived_in as f64;
    // Incidents where nobody lives belong to no household's rate.
    let pairs = || counts.iter().zip(households).filter(|(_, b)| **b > 0).map(|(x, b)| (f64::from(*x), *b as f64));
    let mean = pairs().map(|(x, _)| x).sum::<f64>() / total;
    let cells = pairs().count() as f64;
    let variance = pairs().map(|(x, b)| b * (x / b - mean).powi(2)).sum::<f64>() / total;
    let between = (variance - mean / (total / cells)).max(0.0);
    let rate = |(x, b): (&u32, &u64)| match (*b, between > 0.0) {
        (0, _) | (_, false) => mean,
        (b, true) => mean + (f64::from(*x) / b as f64 - mean) * between / (between + mean / b as f64),
    };
    Some(counts.iter().zip(households).map(rate).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_households_are_drawn_to_the_mean_and_many_keep_their_own_rate() {
        let rates = empirical_bayes(&[3, 3_000, 0, 40, 7], &[10, 10_000, 500, 400, 0]).expect("households");
        let mean = 3_043.0 / 10_910.0;
        assert!((rates[1] - 0.3).abs() < 0.001 && rates[2] < 0.03, "{rates:?}");
        // Both have a raw rate of 0.3; the smaller one says less.
        assert!((rates[0] - mean).abs() < (rates[1] - mean).abs());
        assert_eq!(rates[4], mean);
    }

    #[test]
    fn rates_equal_the_values_worked_out_by_hand() {
        // m = 10/100; s² = (20·0 + 30·(0.2 − 0.1)² + 50·(0.04 − 0.1)²)/100 = 0.0048; b̄ = 100/3; A = 0.0048 − 0.003 = 0.0018.
        let rates = empirical_bayes(&[2, 6, 2], &[20, 30, 50]).expect("households");
        let by_hand = |raw: f64, b: f64| 0.1 + (raw - 0.1) * 0.0018 / (0.0018 + 0.1 / b);
        for (r, (raw, b)) in rates.iter().zip([(0.1, 20.0), (0.2, 30.0), (0.04, 50.0)]) {
            assert!((r - by_hand(raw, b)).abs() < 1e-12);
        }
    }

    #[test]
    fn rates_that_differ_less_than_chance_become_one() {
        assert_eq!(empirical_bayes(&[1, 1, 1], &[10, 10, 10]).expect("households"), [0.1; 3]);
        assert_eq!(empirical_bayes(&[1], &[0]), None);
    }
}
