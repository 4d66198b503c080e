//! The problem that is certified: distinct places with multiplicities, the legal sizes, perhaps a fixed number of units.

use std::collections::BTreeMap;

/// Households of one pool, collapsed to places. All positions are in metres relative to the pool's centroid.
#[derive(Clone)]
pub(super) struct Instance {
    /// Distinct places.
    pub(super) at: Vec<[f64; 2]>,
    /// Households at each place.
    pub(super) copies: Vec<u32>,
    /// Place of each household of the pool.
    pub(super) place_of: Vec<u32>,
    /// Legal sizes of a unit, ascending.
    pub(super) sizes: Vec<u32>,
    /// Fixed number of units.
    pub(super) count: Option<u32>,
}

/// How many households a unit takes at each of its places (ascending by place).
pub(super) type Take = Vec<(u32, u32)>;

impl Instance {
    /// Collapses households that stand at exactly the same position (the bound must not depend on a rounding of places).
    pub(super) fn new(xy: &[[f64; 2]], sizes: Vec<u32>, count: Option<u32>) -> Self {
        let n = xy.len().max(1) as f64;
        let centre = xy.iter().fold([0.0; 2], |a, p| [a[0] + p[0] / n, a[1] + p[1] / n]);
        let mut seen: BTreeMap<[u64; 2], u32> = BTreeMap::new();
        let (mut at, mut copies) = (Vec::new(), Vec::new());
        let place_of = xy
            .iter()
            .map(|p| {
                // Adding zero makes −0 and 0 one key.
                let place = *seen.entry(p.map(|v| (v + 0.0).to_bits())).or_insert_with(|| {
                    at.push([p[0] - centre[0], p[1] - centre[1]]);
                    copies.push(0);
                    at.len() as u32 - 1
                });
                copies[place as usize] += 1;
                place
            })
            .collect();
        Self { at, copies, place_of, sizes, count }
    }

    /// Number of households.
    pub(super) fn households(&self) -> u32 {
        self.copies.iter().sum()
    }

    /// Σ squared metres of a unit to its mean.
    pub(super) fn sse_m2(&self, take: &[(u32, u32)]) -> f64 {
        let (size, mean) = self.mean(take);
        if size == 0 {
            return 0.0;
        }
        take.iter().map(|&(p, c)| f64::from(c) * distance2(self.at[p as usize], mean)).sum()
    }

    /// Size and mean of a unit.
    pub(super) fn mean(&self, take: &[(u32, u32)]) -> (u32, [f64; 2]) {
        let (mut size, mut sum) = (0, [0.0; 2]);
        for &(p, c) in take {
            let q = self.at[p as usize];
            size += c;
            sum = [sum[0] + f64::from(c) * q[0], sum[1] + f64::from(c) * q[1]];
        }
        let n = f64::from(size.max(1));
        (size, [sum[0] / n, sum[1] / n])
    }

    /// The greatest Σ of `gain[size]` over all ways to write the number of households as a sum of legal sizes (with the fixed
    /// number of parts, if any); `None` where there is none.
    pub(super) fn best_sizes(&self, gain: &[f64]) -> Option<f64> {
        let n = self.households() as usize;
        let steps = self.count.map_or(1, |c| c as usize);
        let mut best = vec![f64::NEG_INFINITY; n + 1];
        best[0] = 0.0;
        for _ in 0..steps {
            // With a fixed number each step adds one unit; without, one pass in ascending order adds any number of them.
            let mut next = vec![f64::NEG_INFINITY; n + 1];
            if self.count.is_none() {
                next[0] = 0.0;
            }
            for held in 0..=n {
                for (&s, &g) in self.sizes.iter().zip(gain) {
                    let Some(before) = held.checked_sub(s as usize) else { break };
                    let from = if self.count.is_some() { best[before] } else { next[before] };
                    next[held] = next[held].max(from + g);
                }
            }
            best = next;
        }
        Some(best[n]).filter(|b| b.is_finite())
    }
}

/// Squared distance.
pub(super) fn distance2(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1])
}
