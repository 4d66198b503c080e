//! Tails of the normal and the binomial law.

/// P(|Z| ≥ |z|) of a standard normal Z.
#[must_use]
pub fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2)
}

/// Twice the smaller tail, which is what a two-sided test of a skewed law reports.
pub(super) fn doubled(upper: f64, lower: f64) -> f64 {
    (2.0 * upper.min(lower)).clamp(0.0, 1.0)
}

/// Both tails `(P(X ≥ k), P(X ≤ k))` of X ~ Binomial(n, share), each summed from its own end so that small ones keep their digits.
#[must_use]
pub fn binomial_tails(n: u64, share: f64, k: u64) -> (f64, f64) {
    if share <= 0.0 {
        return (if k == 0 { 1.0 } else { 0.0 }, 1.0);
    }
    if share >= 1.0 {
        return (1.0, if k >= n { 1.0 } else { 0.0 });
    }
    let (nf, kf) = (n as f64, k as f64);
    if k > n {
        return (0.0, 1.0);
    }
    let choose = libm::lgamma(nf + 1.0) - libm::lgamma(kf + 1.0) - libm::lgamma(nf - kf + 1.0);
    let at = (choose + kf * share.ln() + (nf - kf) * (-share).ln_1p()).exp();
    let odds = share / (1.0 - share);
    // Terms away from the mode fall at least geometrically.
    let sum = |upwards: bool| {
        let (mut term, mut total, mut i) = (at, at, kf);
        loop {
            if upwards {
                term *= (nf - i) / (i + 1.0) * odds;
                i += 1.0;
            } else {
                term *= i / (nf - i + 1.0) / odds;
                i -= 1.0;
            }
            if i < 0.0 || i > nf || term <= total * 1e-17 {
                return total.min(1.0);
            }
            total += term;
        }
    };
    if kf > nf * share {
        let upper = sum(true);
        (upper, (1.0 - upper + at).clamp(0.0, 1.0))
    } else {
        let lower = sum(false);
        ((1.0 - lower + at).clamp(0.0, 1.0), lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_the_normal_law_are_the_tabulated_ones() {
        for (z, p) in [
            (0.0, 1.0),
            (1.959_963_984_540_054, 0.05),
            (-3.290_526_731_491_926, 0.001),
            (8.0, 1.244_192_114_854_355e-15),
        ] {
            assert!((two_sided_p(z) / p - 1.0).abs() < 1e-12, "{z}");
        }
    }

    #[test]
    fn tails_of_the_binomial_law_equal_the_sum_of_its_terms() {
        for (n, share) in [(1_u64, 0.3), (10, 0.07), (25, 0.5), (60, 0.9)] {
            let mut pmf = vec![(1.0_f64 - share).powi(n as i32)];
            for i in 0..n {
                let last = pmf[i as usize];
                pmf.push(last * (n - i) as f64 / (i + 1) as f64 * share / (1.0 - share));
            }
            for k in 0..=n {
                let (upper, lower) = binomial_tails(n, share, k);
                let (u, l): (f64, f64) = (pmf[k as usize..].iter().sum(), pmf[..=k as usize].iter().sum());
                assert!(
                    (upper - u).abs() < 1e-12 && (lower - l).abs() < 1e-12,
                    "{n} {share} {k}: {upper} {u} {lower} {l}"
                );
            }
        }
        assert_eq!(binomial_tails(10, 0.0, 0), (1.0, 1.0));
        assert_eq!(binomial_tails(10, 0.0, 1).0, 0.0);
        assert!(binomial_tails(100_000, 1e-4, 60).0 < 1e-20);
    }
}
