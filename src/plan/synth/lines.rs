//! Rivers, railways and roads: winding lines across the county that never turn back on themselves.

use super::cells::segment_distance_m;
use super::dice::Dice;

/// Distance between two corners of a line, in metres.
const STEP_M: f64 = 80.0;
/// Distance between the control points that bend a line, in metres.
const CONTROL_M: f64 = 2_300.0;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// A hard barrier, running west to east.
    River,
    /// A hard barrier, running south to north.
    Railway,
    /// A soft barrier, running south to north.
    Road,
}

impl LineKind {
    /// The word of the barriers file.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::River => "river",
            Self::Railway => "railway",
            Self::Road => "road",
        }
    }

    /// Whether it removes adjacency.
    pub(super) const fn hard(self) -> bool {
        !matches!(self, Self::Road)
    }
}

/// A line given as the height `v` over equal steps of `u`: `u` is x for a river, y for a railway or road. So a side is a sign, and
/// the distance to a place needs only the few pieces beside it.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) kind: LineKind,
    pub(super) name: String,
    start_m: f64,
    values_m: Vec<f64>,
}

impl Curve {
    /// A smooth line through `fixed` control points (`u`, `v`) and, elsewhere, about the height `base_m`, swinging by `swing_m`.
    pub(super) fn through(
        kind: LineKind,
        name: String,
        span_m: [f64; 2],
        base_m: f64,
        swing_m: f64,
        fixed: &[[f64; 2]],
        dice: &mut Dice,
    ) -> Self {
        let mut controls: Vec<[f64; 2]> = Vec::new();
        let mut u = span_m[0];
        while u < span_m[1] + 2.0 * CONTROL_M {
            let c = [u + dice.between(-400.0, 400.0), base_m + dice.normal(0.0, swing_m)];
            if fixed.iter().all(|f| (f[0] - c[0]).abs() > 0.75 * CONTROL_M) {
                controls.push(c);
            }
            u += CONTROL_M;
        }
        controls.extend_from_slice(fixed);
        controls.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let count = ((span_m[1] - span_m[0]) / STEP_M).ceil().max(1.0) as usize;
        let ripple = [dice.between(0.0, 6.3), dice.between(0.0, 6.3)];
        let values_m = (0..=count)
            .map(|i| {
                let u = span_m[0] + i as f64 * STEP_M;
                let near = fixed.iter().map(|f| (f[0] - u).abs()).fold(f64::INFINITY, f64::min);
                let free = (near / 600.0).min(1.0);
                let wave = 38.0 * (u / 170.0 + ripple[0]).sin() + 22.0 * (u / 97.0 + ripple[1]).sin();
                let bend = if kind == LineKind::River { 1.0 } else { 0.35 };
                interpolated(&controls, u) + wave * bend * free
            })
            .collect();
        Self { kind, name, start_m: span_m[0], values_m }
    }

    fn coordinates(&self, p: [f64; 2]) -> [f64; 2] {
        if self.kind == LineKind::River { p } else { [p[1], p[0]] }
    }

    /// The corners, in metres.
    pub(super) fn points(&self) -> Vec<[f64; 2]> {
        (0..self.values_m.len()).map(|i| self.corner(i)).map(|c| self.coordinates(c)).collect()
    }

    fn corner(&self, i: usize) -> [f64; 2] {
        let last = self.values_m.len().saturating_sub(1);
        [self.start_m + i as f64 * STEP_M, self.values_m.get(i.min(last)).copied().unwrap_or(0.0)]
    }

    /// The place on the line at `u` metres.
    pub(super) fn at(&self, u: f64) -> [f64; 2] {
        let i =
            ((u - self.start_m) / STEP_M).clamp(0.0, (self.values_m.len().saturating_sub(2)) as f64).floor() as usize;
        let (a, b) = (self.corner(i), self.corner(i + 1));
        self.coordinates([u, a[1] + (b[1] - a[1]) * (u - a[0]) / STEP_M])
    }

    /// The unit vector along the line at `u` metres.
    pub(super) fn direction(&self, u: f64) -> [f64; 2] {
        let (a, b) = (self.at(u - STEP_M / 2.0), self.at(u + STEP_M / 2.0));
        let l = (b[0] - a[0]).hypot(b[1] - a[1]).max(1e-9);
        [(b[0] - a[0]) / l, (b[1] - a[1]) / l]
    }

    /// How far `p` lies beyond the line, measured across it: positive on one side, negative on the other.
    pub(super) fn offset_m(&self, p: [f64; 2]) -> f64 {
        let q = self.coordinates(p);
        q[1] - self.coordinates(self.at(q[0]))[1]
    }

    /// The coordinate of `p` along the line.
    pub(super) fn along_m(&self, p: [f64; 2]) -> f64 {
        self.coordinates(p)[0]
    }

    /// Distance from `p` to the line in metres, exact up to `limit_m` and at least that beyond.
    pub(super) fn distance_m(&self, p: [f64; 2], limit_m: f64) -> f64 {
        let q = self.coordinates(p);
        let index = |u: f64| ((u - self.start_m) / STEP_M).max(0.0) as usize;
        let (from, to) = (index(q[0] - limit_m), index(q[0] + limit_m).min(self.values_m.len().saturating_sub(2)));
        (from..=to).map(|i| segment_distance_m(self.corner(i), self.corner(i + 1), q)).fold(limit_m, f64::min)
    }

    /// Where this line and `other`, running the other way, meet: places and `self`'s coordinate there.
    pub(super) fn meets(&self, other: &Self) -> Vec<[f64; 2]> {
        let line = self.points();
        line.windows(2)
            .filter_map(|w| {
                let (a, b) = (other.offset_m(w[0]), other.offset_m(w[1]));
                ((a > 0.0) != (b > 0.0)).then(|| {
                    let t = a / (a - b);
                    [w[0][0] + t * (w[1][0] - w[0][0]), w[0][1] + t * (w[1][1] - w[0][1])]
                })
            })
            .collect()
    }
}

/// Catmull–Rom through control points sorted by `u`, tangents limited so that steep neighbours do not overshoot.
fn interpolated(controls: &[[f64; 2]], u: f64) -> f64 {
    let i = controls.partition_point(|c| c[0] <= u);
    let (Some(b), Some(c)) = (i.checked_sub(1).and_then(|k| controls.get(k)), controls.get(i)) else {
        return controls.first().filter(|f| u < f[0]).or(controls.last()).map_or(0.0, |f| f[1]);
    };
    let slope = |p: &[f64; 2], q: &[f64; 2]| (q[1] - p[1]) / (q[0] - p[0]).max(1.0);
    let own = slope(b, c);
    let tangent = |other: f64| if own * other <= 0.0 { 0.0 } else { 2.0 * own * other / (own + other) };
    let before = i.checked_sub(2).and_then(|k| controls.get(k)).map_or(own, |a| slope(a, b));
    let after = controls.get(i + 1).map_or(own, |d| slope(c, d));
    let (m0, m1) = (tangent(before), tangent(after));
    let h = (c[0] - b[0]).max(1.0);
    let t = (u - b[0]) / h;
    let (t2, t3) = (t * t, t * t * t);
    (2.0 * t3 - 3.0 * t2 + 1.0) * b[1]
        + (t3 - 2.0 * t2 + t) * h * m0
        + (3.0 * t2 - 2.0 * t3) * c[1]
        + (t3 - t2) * h * m1
}

#[cfg(test)]
mod tests {
    use super::super::dice::Stage;
    use super::*;

    #[test]
    fn line_runs_through_its_fixed_points_and_knows_its_sides() {
        let mut dice = Dice::new(1, Stage::Lines, 0);
        let fixed = [[1_000.0, 300.0], [4_000.0, -200.0]];
        let c = Curve::through(LineKind::River, String::new(), [-5_000.0, 9_000.0], 0.0, 500.0, &fixed, &mut dice);
        for f in fixed {
            assert!(c.offset_m(f).abs() < 5.0);
        }
        let p = c.at(2_000.0);
        assert!(c.offset_m([p[0], p[1] + 50.0]) > 0.0 && c.offset_m([p[0], p[1] - 50.0]) < 0.0);
        assert!(c.distance_m(p, 100.0) < 1e-6 && (c.distance_m([p[0], p[1] + 5_000.0], 100.0) - 100.0).abs() < 1e-9);
    }
}
