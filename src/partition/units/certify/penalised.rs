//! The best unit at a fixed centre when subset-row cuts charge for taking two or more of three households.
//!
//! A cut over the copies T with dual −σ charges σ·⌊z/2⌋ for z = |S ∩ T|. Charges are bounded from below by weighted mixtures of
//! linear forms (0; (z − 1)/2; for |T| = 3 also hᵢ + hⱼ − 1), which turns the choice into a sort; the weights are bettered by
//! fictitious play, and what gap remains is closed by a depth-first search along the sorted order, where each bound is O(1).

/// A cut as the pricing sees it: the items (copies of places) it covers, and what it charges.
pub(super) struct Charge {
    pub(super) items: Vec<u32>,
    pub(super) sigma: f64,
}

/// What is known of the greatest charged sum.
pub(super) struct Verdict {
    /// Proven upper bound.
    pub(super) upper: f64,
    /// Best found, with its items.
    pub(super) best: f64,
    pub(super) chosen: Vec<u32>,
}

const PLAYS: usize = 8;

/// The greatest Σ values − charges over sets of `size` items; the search ends once the upper bound is at most `target`.
pub(super) fn best_charged(values: &[f64], charges: &[Charge], size: usize, target: f64, nodes: u32) -> Verdict {
    let n = values.len();
    let mut verdict = Verdict { upper: f64::NEG_INFINITY, best: f64::NEG_INFINITY, chosen: Vec::new() };
    if n < size {
        return verdict;
    }
    verdict.upper = f64::INFINITY;
    // Weights of the forms: half (z − 1)/2, and pairs 01, 02, 12; the rest is the form 0.
    let mut weights = vec![[0.0_f64; 4]; charges.len()];
    let mut kept = weights.clone();
    let mut order: Vec<u32> = (0..n as u32).collect();
    let mut bent = values.to_vec();
    let mut inside = vec![false; n];
    for play in 0..PLAYS {
        bent.copy_from_slice(values);
        let constant = bend(&mut bent, charges, &weights);
        let by = |a: &u32, b: &u32| bent[*b as usize].total_cmp(&bent[*a as usize]).then(a.cmp(b));
        if size < n {
            order.select_nth_unstable_by(size - 1, by);
        }
        let upper = constant + order[..size].iter().map(|&i| bent[i as usize]).sum::<f64>();
        if upper < verdict.upper {
            verdict.upper = upper;
            kept.clone_from(&weights);
        }
        inside.fill(false);
        for &i in &order[..size] {
            inside[i as usize] = true;
        }
        let mut exact: f64 = order[..size].iter().map(|&i| values[i as usize]).sum();
        let step = 1.0 / (play as f64 + 1.5);
        for (c, w) in charges.iter().zip(&mut weights) {
            let z = c.items.iter().filter(|i| inside[**i as usize]).count();
            exact -= c.sigma * (z / 2) as f64;
            w.iter_mut().for_each(|v| *v *= 1.0 - step);
            if z % 2 == 1 && z > 1 {
                w[0] += step;
            } else if z == 2 && c.items.len() <= 3 {
                let out = c.items.iter().position(|i| !inside[*i as usize]).unwrap_or(2);
                w[3 - out] += step;
            } else if z >= 2 {
                w[0] += step;
            }
        }
        if exact > verdict.best {
            verdict.best = exact;
            verdict.chosen = order[..size].to_vec();
        }
        if verdict.upper <= target || verdict.upper - verdict.best <= 1e-9 * verdict.upper.abs() {
            return verdict;
        }
    }
    if nodes > 0 {
        Search::new(values, charges, &kept, size, target.max(verdict.best), nodes).run(&mut verdict);
    }
    verdict
}

/// Charges the linear forms to the values; returns the constant.
fn bend(values: &mut [f64], charges: &[Charge], weights: &[[f64; 4]]) -> f64 {
    let mut constant = 0.0;
    for (c, w) in charges.iter().zip(weights) {
        for (k, &i) in c.items.iter().enumerate() {
            values[i as usize] -= c.sigma * slope(w, k, c.items.len());
        }
        constant += c.sigma * (w[0] / 2.0 + w[1] + w[2] + w[3]);
    }
    constant
}

/// Coefficient of the k-th item in the mixture of forms.
fn slope(w: &[f64; 4], k: usize, of: usize) -> f64 {
    w[0] / 2.0 + if of <= 3 { w[1] + w[2] + w[3] - w[3 - k] } else { 0.0 }
}

struct Search<'a> {
    size: usize,
    order: Vec<u32>,
    bent: Vec<f64>,
    /// Prefix sums of the bent values in order.
    prefix: Vec<f64>,
    constant: f64,
    charges: &'a [Charge],
    weights: &'a [[f64; 4]],
    /// Cuts whose last item in the order is at this position.
    ends: Vec<Vec<u32>>,
    inside: Vec<bool>,
    best: f64,
    chosen: Option<Vec<u32>>,
    nodes: u32,
    /// Greatest bound of what was left unexplored when the nodes ran out.
    left: f64,
}

impl<'a> Search<'a> {
    fn new(values: &[f64], charges: &'a [Charge], weights: &'a [[f64; 4]], size: usize, beat: f64, nodes: u32) -> Self {
        let n = values.len();
        let mut bent = values.to_vec();
        let constant = bend(&mut bent, charges, weights);
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_unstable_by(|a, b| bent[*b as usize].total_cmp(&bent[*a as usize]).then(a.cmp(b)));
        let mut at = vec![0; n];
        let mut prefix = vec![0.0; n + 1];
        for (p, &i) in order.iter().enumerate() {
            at[i as usize] = p;
            prefix[p + 1] = prefix[p] + bent[i as usize];
        }
        let mut ends = vec![Vec::new(); n];
        for (c, charge) in charges.iter().enumerate() {
            if let Some(last) = charge.items.iter().map(|i| at[*i as usize]).max() {
                ends[last].push(c as u32);
            }
        }
        Self {
            size,
            order,
            bent,
            prefix,
            constant,
            charges,
            weights,
            ends,
            inside: vec![false; n],
            best: beat,
            chosen: None,
            nodes,
            left: f64::NEG_INFINITY,
        }
    }

    fn run(mut self, verdict: &mut Verdict) {
        let beat = self.best;
        self.go(0, 0, self.constant);
        let proven = self.best.max(self.left).max(beat);
        verdict.upper = verdict.upper.min(proven);
        if let Some(chosen) = self.chosen {
            verdict.best = self.best;
            verdict.chosen = chosen;
        }
    }

    /// What a cut charges beyond its linear mixture (≥ 0 up to rounding), with everything undecided left out.
    fn beyond(&self, c: u32) -> f64 {
        let (charge, w) = (&self.charges[c as usize], &self.weights[c as usize]);
        let (mut z, mut linear) = (0, -(w[0] / 2.0 + w[1] + w[2] + w[3]));
        for (k, &i) in charge.items.iter().enumerate() {
            if self.inside[i as usize] {
                z += 1;
                linear += slope(w, k, charge.items.len());
            }
        }
        charge.sigma * ((z / 2) as f64 - linear)
    }

    /// `value`: constant, bent values of what was taken, corrections of the cuts that are decided.
    fn go(&mut self, position: usize, taken: usize, value: f64) {
        let missing = self.size - taken;
        if position + missing > self.order.len() {
            return;
        }
        let bound = value + self.prefix[position + missing] - self.prefix[position];
        if bound <= self.best {
            return;
        }
        if self.nodes == 0 {
            self.left = self.left.max(bound);
            return;
        }
        self.nodes -= 1;
        if missing == 0 {
            let open: f64 =
                (position..self.order.len()).flat_map(|p| self.ends[p].iter()).map(|&c| self.beyond(c)).sum();
            if value - open > self.best {
                self.best = value - open;
                self.chosen = Some(self.order.iter().copied().filter(|i| self.inside[*i as usize]).collect());
            }
            return;
        }
        let item = self.order[position] as usize;
        for take in [true, false] {
            self.inside[item] = take;
            let own = if take { self.bent[item] } else { 0.0 };
            let decided: f64 = self.ends[position].iter().map(|&c| self.beyond(c)).sum();
            self.go(position + 1, taken + usize::from(take), value + own - decided);
        }
        self.inside[item] = false;
    }
}
