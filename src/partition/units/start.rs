//! The instant start s₀: Hilbert order, then the best segmentation into runs of legal size.

/// Position of a point along the Hilbert curve of order 16 over the given square (Hilbert 1891; iteration after Warren 2012).
#[must_use]
pub fn hilbert_key(p: [f64; 2], low: [f64; 2], side_m: f64) -> u64 {
    let scale = 65_535.0 / side_m.max(1e-9);
    let mut x = ((p[0] - low[0]) * scale).clamp(0.0, 65_535.0) as u64;
    let mut y = ((p[1] - low[1]) * scale).clamp(0.0, 65_535.0) as u64;
    let mut d = 0;
    let mut s = 1_u64 << 15;
    while s > 0 {
        let (rx, ry) = (u64::from(x & s > 0), u64::from(y & s > 0));
        d += s * s * ((3 * rx) ^ ry);
        if ry == 0 {
            if rx == 1 {
                x = (s - 1).wrapping_sub(x & (s - 1));
                y = (s - 1).wrapping_sub(y & (s - 1));
            }
            std::mem::swap(&mut x, &mut y);
        }
        x &= s.wrapping_sub(1);
        y &= s.wrapping_sub(1);
        s >>= 1;
    }
    d
}

/// The order of the points along the Hilbert curve over their bounding square; ties by index.
#[must_use]
pub fn hilbert_order(xy: &[[f64; 2]]) -> Vec<u32> {
    let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for p in xy {
        lo = [lo[0].min(p[0]), lo[1].min(p[1])];
        hi = [hi[0].max(p[0]), hi[1].max(p[1])];
    }
    let side = (hi[0] - lo[0]).max(hi[1] - lo[1]);
    let mut keyed: Vec<(u64, u32)> =
        xy.iter().enumerate().map(|(i, &p)| (hilbert_key(p, lo, side), i as u32)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|k| k.1).collect()
}

/// Cuts a sequence of points into consecutive runs of `min..=max` with least Σ squared distance to the runs' means; with
/// `count`, into exactly that many. Returns the runs' lengths, or `None` when no legal cut exists.
/// O(n·(max−min+1)), with `count` times a further `count`.
#[must_use]
pub fn best_runs(points: &[[f64; 2]], min: usize, max: usize, count: Option<usize>) -> Option<Vec<usize>> {
    let n = points.len();
    if n == 0 {
        return Some(Vec::new());
    }
    let mut sums = Vec::with_capacity(n + 1);
    sums.push([0.0; 3]);
    let origin = points[0];
    for p in points {
        let (x, y) = (p[0] - origin[0], p[1] - origin[1]);
        let s: [f64; 3] = sums[sums.len() - 1];
        sums.push([s[0] + x, s[1] + y, s[2] + x * x + y * y]);
    }
    let cost = |a: usize, b: usize| {
        let d = [sums[b][0] - sums[a][0], sums[b][1] - sums[a][1], sums[b][2] - sums[a][2]];
        (d[2] - (d[0] * d[0] + d[1] * d[1]) / ((b - a) as f64)).max(0.0)
    };
    // Without a count one layer suffices; with one, a penalty per run is searched for that gives it (Lagrange), since a layer
    // for each run would be quadratic.
    let solve = |penalty: f64| {
        let mut best = vec![f64::INFINITY; n + 1];
        let mut from = vec![0_u32; n + 1];
        best[0] = 0.0;
        for end in min..=n {
            for len in min..=max.min(end) {
                let c = best[end - len];
                if c.is_finite() {
                    let c = c + cost(end - len, end) + penalty;
                    if c < best[end] {
                        best[end] = c;
                        from[end] = len as u32;
                    }
                }
            }
        }
        if !best[n].is_finite() {
            return None;
        }
        let mut runs = Vec::new();
        let mut end = n;
        while end > 0 {
            runs.push(from[end] as usize);
            end -= from[end] as usize;
        }
        runs.reverse();
        Some(runs)
    };
    let Some(count) = count else { return solve(0.0) };
    if count * min > n || count * max < n {
        return None;
    }
    let scale = cost(0, n).max(1.0);
    let (mut low, mut high) = (-scale, scale);
    for _ in 0..60 {
        let penalty = (low + high) / 2.0;
        let runs = solve(penalty)?;
        match runs.len().cmp(&count) {
            std::cmp::Ordering::Equal => return Some(runs),
            std::cmp::Ordering::Greater => low = penalty,
            std::cmp::Ordering::Less => high = penalty,
        }
    }
    // No penalty gives exactly this number: equal runs are legal and will be improved.
    Some((0..count).map(|i| (n * (i + 1)) / count - (n * i) / count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brute(points: &[[f64; 2]], min: usize, max: usize) -> f64 {
        fn sse(p: &[[f64; 2]]) -> f64 {
            let n = p.len() as f64;
            let m = p.iter().fold([0.0; 2], |a, c| [a[0] + c[0] / n, a[1] + c[1] / n]);
            p.iter().map(|c| (c[0] - m[0]).powi(2) + (c[1] - m[1]).powi(2)).sum()
        }
        if points.is_empty() {
            return 0.0;
        }
        (min..=max.min(points.len()))
            .map(|l| sse(&points[..l]) + brute(&points[l..], min, max))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn segmentation_is_the_best_of_all() {
        let mut r = crate::partition::effort::Random::new(7);
        for n in 3..18 {
            let points: Vec<[f64; 2]> = (0..n).map(|_| [r.unit() * 100.0, r.unit() * 100.0]).collect();
            let expected = brute(&points, 3, 5);
            match best_runs(&points, 3, 5, None) {
                None => assert!(expected.is_infinite()),
                Some(runs) => {
                    let mut at = 0;
                    let mut got = 0.0;
                    for l in runs {
                        got += brute(&points[at..at + l], l, l);
                        at += l;
                    }
                    assert!((got - expected).abs() < 1e-6, "{n}: {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn fixed_count_is_kept() {
        let points: Vec<[f64; 2]> = (0..61).map(|i| [f64::from(i).powi(2), 0.0]).collect();
        for count in 5..=6 {
            let runs = best_runs(&points, 10, 15, Some(count)).expect("legal");
            assert_eq!(runs.len(), count);
            assert!(runs.iter().all(|l| (10..=15).contains(l)));
        }
        assert_eq!(best_runs(&points, 10, 15, Some(7)), None);
    }
}
