//! A small interior-point method for linear programmes in standard form: min cᵀx, Ax = b, x ≥ 0.
//!
//! Mehrotra's predictor–corrector with dense normal equations (Mehrotra 1992). It is meant for the restricted master of column
//! generation: a few hundred rows, some thousand short columns. Stopped early it returns duals in the middle of the optimal face
//! rather than a corner of it, which is what keeps column generation from zigzagging (Gondzio, González-Brevis, Munari 2013).
//! Nothing that is proven rests on its accuracy.

/// A programme: sparse columns, right-hand side.
pub(super) struct Programme {
    pub(super) columns: Vec<Vec<(u32, f64)>>,
    pub(super) cost: Vec<f64>,
    pub(super) right: Vec<f64>,
}

/// Primal and dual values.
pub(super) struct Point {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// cᵀx.
    pub(super) primal: f64,
}

/// Steps at most; a well-scaled master needs 10–30.
const STEPS: usize = 80;

/// Solves to a relative gap of `accuracy`, or as far as rounding lets it come.
pub(super) fn solve(p: &Programme, accuracy: f64) -> Point {
    let (m, n) = (p.right.len(), p.columns.len());
    let norm_b = 1.0 + p.right.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    let norm_c = 1.0 + p.cost.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    let (mut x, mut y, mut s) = start(p);
    for _ in 0..STEPS {
        let mut rp = p.right.clone();
        for (col, &xj) in p.columns.iter().zip(&x) {
            for &(r, a) in col {
                rp[r as usize] -= a * xj;
            }
        }
        let rd: Vec<f64> = (0..n).map(|j| p.cost[j] - dot_sparse(&p.columns[j], &y) - s[j]).collect();
        let gap: f64 = x.iter().zip(&s).map(|(a, b)| a * b).sum();
        let primal: f64 = x.iter().zip(&p.cost).map(|(a, b)| a * b).sum();
        let off_p = rp.iter().fold(0.0_f64, |a, v| a.max(v.abs())) / norm_b;
        let off_d = rd.iter().fold(0.0_f64, |a, v| a.max(v.abs())) / norm_c;
        if gap <= accuracy * (1.0 + primal.abs()) && off_p < 1e-7 && off_d < 1e-7 {
            break;
        }
        let d: Vec<f64> = x.iter().zip(&s).map(|(a, b)| a / b).collect();
        let Some(factor) = Factor::normal(m, &p.columns, &d) else { break };
        let direction = |rxs: &dyn Fn(usize) -> f64| {
            let mut rhs = rp.clone();
            let fixed: Vec<f64> = (0..n).map(|j| d[j] * rd[j] - rxs(j) / s[j]).collect();
            for (col, &f) in p.columns.iter().zip(&fixed) {
                for &(r, a) in col {
                    rhs[r as usize] += a * f;
                }
            }
            factor.solve(&mut rhs);
            let ds: Vec<f64> = (0..n).map(|j| rd[j] - dot_sparse(&p.columns[j], &rhs)).collect();
            let dx: Vec<f64> = (0..n).map(|j| (rxs(j) - x[j] * ds[j]) / s[j]).collect();
            (dx, rhs, ds)
        };
        let (ax, _, a_s) = direction(&|j| -x[j] * s[j]);
        let (tp, td) = (reach(&x, &ax), reach(&s, &a_s));
        let after: f64 = (0..n).map(|j| (x[j] + tp * ax[j]) * (s[j] + td * a_s[j])).sum();
        let mu = gap / n as f64;
        let centring = (after / gap).powi(3);
        let (dx, dy, ds) = direction(&|j| centring * mu - x[j] * s[j] - ax[j] * a_s[j]);
        let (tp, td) = ((0.99 * reach(&x, &dx)).min(1.0), (0.99 * reach(&s, &ds)).min(1.0));
        if !(tp.is_finite() && td.is_finite()) || tp.max(td) < 1e-9 {
            break;
        }
        add(&mut x, tp, &dx);
        add(&mut y, td, &dy);
        add(&mut s, td, &ds);
    }
    let primal = x.iter().zip(&p.cost).map(|(a, b)| a * b).sum();
    Point { x, y, primal }
}

/// Mehrotra's starting point: least squares, shifted into the interior.
fn start(p: &Programme) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (m, n) = (p.right.len(), p.columns.len());
    let ones = vec![1.0; n];
    let Some(factor) = Factor::normal(m, &p.columns, &ones) else { return (ones.clone(), vec![0.0; m], ones) };
    let mut u = p.right.clone();
    factor.solve(&mut u);
    let mut x: Vec<f64> = p.columns.iter().map(|c| dot_sparse(c, &u)).collect();
    let mut y = vec![0.0; m];
    for (col, &c) in p.columns.iter().zip(&p.cost) {
        for &(r, a) in col {
            y[r as usize] += a * c;
        }
    }
    factor.solve(&mut y);
    let mut s: Vec<f64> = p.columns.iter().zip(&p.cost).map(|(col, c)| c - dot_sparse(col, &y)).collect();
    let lift = |v: &mut Vec<f64>| {
        let low = v.iter().fold(0.0_f64, |a, b| a.min(*b));
        v.iter_mut().for_each(|e| *e += 1e-3 - 1.5 * low);
    };
    lift(&mut x);
    lift(&mut s);
    let both: f64 = x.iter().zip(&s).map(|(a, b)| a * b).sum();
    let (sx, ss): (f64, f64) = (x.iter().sum(), s.iter().sum());
    x.iter_mut().for_each(|e| *e += 0.5 * both / ss);
    s.iter_mut().for_each(|e| *e += 0.5 * both / sx);
    (x, y, s)
}

fn add(v: &mut [f64], step: f64, d: &[f64]) {
    v.iter_mut().zip(d).for_each(|(a, b)| *a += step * b);
}

/// Longest step that keeps everything non-negative (at most ~1 / 0.99, so that a full step stays possible).
fn reach(v: &[f64], d: &[f64]) -> f64 {
    v.iter().zip(d).filter(|(_, d)| **d < 0.0).fold(1.0 / 0.99, |t: f64, (v, d)| t.min(-v / d))
}

fn dot_sparse(col: &[(u32, f64)], y: &[f64]) -> f64 {
    col.iter().map(|&(r, a)| a * y[r as usize]).sum()
}

/// Cholesky factor of A D Aᵀ, lower triangle by rows.
struct Factor {
    m: usize,
    l: Vec<f64>,
}

impl Factor {
    fn normal(m: usize, columns: &[Vec<(u32, f64)>], d: &[f64]) -> Option<Self> {
        let mut l = vec![0.0; m * m];
        for (col, &w) in columns.iter().zip(d) {
            for (k, &(r, a)) in col.iter().enumerate() {
                let row = &mut l[r as usize * m..(r as usize + 1) * m];
                for &(q, b) in &col[..=k] {
                    row[q as usize] += w * a * b;
                }
            }
        }
        let top = (0..m).map(|i| l[i * m + i]).fold(0.0_f64, f64::max);
        for i in 0..m {
            let (above, rest) = l.split_at_mut(i * m);
            let row = &mut rest[..=i];
            row[i] += 1e-14 * top;
            for j in 0..i {
                let other = &above[j * m..=j * m + j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if !pivot.is_finite() {
                return None;
            }
            // A dependent row: its dual is left where it is.
            row[i] = if pivot > 1e-13 * row[i].max(1e-300) { pivot.sqrt() } else { 1e64 };
        }
        Some(Self { m, l })
    }

    fn solve(&self, v: &mut [f64]) {
        let m = self.m;
        for i in 0..m {
            let row = &self.l[i * m..=i * m + i];
            v[i] = (v[i] - dot(&row[..i], &v[..i])) / row[i];
        }
        for i in (0..m).rev() {
            let row = &self.l[i * m..=i * m + i];
            v[i] /= row[i];
            let x = v[i];
            v[..i].iter_mut().zip(row).for_each(|(a, b)| *a -= x * b);
        }
    }
}

/// Dot product in four lanes, so that it can be vectorised.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = ca.remainder().iter().zip(cb.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in ca.zip(cb) {
        for k in 0..8 {
            lanes[k] += x[k] * y[k];
        }
    }
    lanes.iter().sum::<f64>() + rest
}
