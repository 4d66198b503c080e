//! Kernel density: a smooth surface of incidents per square kilometre, on a grid, by the fast Fourier transform.
//!
//! 1. each point is shared among the four nodes around it in proportion to nearness (linear binning, Wand 1994);
//! 2. the grid is convolved with a Gaussian of standard deviation `bandwidth_m`, cut at five of them; the kernel is a product of one in x and one
//!    in y, so that its transform is two short lists;
//! 3. zeros around the grid keep its edges from meeting. Nothing is added for what lies beyond the data's edge.
//!
//! O(points + nodes · log nodes), whatever the bandwidth.

use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;

use crate::domain::Point;

use super::error::HotspotError;

/// Where the Gaussian is cut, in bandwidths: beyond it lies less than 4e-6 of its mass.
const CUT: f64 = 5.0;
/// How far the surface goes beyond the outermost points, in bandwidths.
const MARGIN: f64 = 3.0;
/// Shortest and longest bandwidth and spacing that make sense, in metres.
pub const SPREAD_M: [f64; 2] = [0.1, 1_000_000.0];
/// Most nodes of the padded grid: half a gigabyte.
const MOST_NODES: usize = 1 << 24;

/// How smooth and how fine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DensityOptions {
    /// Standard deviation of the kernel in metres.
    pub bandwidth_m: f64,
    /// Distance between nodes in metres; a third of the bandwidth or less for 1 % accuracy.
    pub spacing_m: f64,
}

/// A surface on nodes, row after row from the south.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// The south-western node.
    pub origin: Point,
    /// Distance between nodes in metres.
    pub spacing_m: f64,
    /// Nodes from west to east.
    pub columns: usize,
    /// Nodes from south to north.
    pub rows: usize,
    /// Incidents per square kilometre at each node.
    pub per_km2: Vec<f64>,
}

/// Points binned to nodes.
struct Binned {
    origin: Point,
    columns: usize,
    rows: usize,
    mass: Vec<f64>,
}

/// A bandwidth in metres for points of one crowd: Scott's σ·n^(−1/6) (1992) for two dimensions, where σ is the lesser of what the mean square and
/// the median of the distances to their middle give for a normal law, so that a few far ones do not blur all. `None` where the points are one place.
#[must_use]
pub fn scott_bandwidth_m(points: &[Point]) -> Option<f64> {
    let n = points.len() as f64;
    let median = |mut list: Vec<f64>| {
        list.sort_by(f64::total_cmp);
        list.get(list.len() / 2).copied()
    };
    let middle =
        Point::new(median(points.iter().map(|p| p.x).collect())?, median(points.iter().map(|p| p.y).collect())?);
    let squared: Vec<f64> = points.iter().map(|p| (p.x - middle.x).powi(2) + (p.y - middle.y).powi(2)).collect();
    let by_mean = (squared.iter().sum::<f64>() / (2.0 * n)).sqrt();
    // Half of a normal law's points lie within σ·√(2 ln 2) of its middle.
    let by_median = (median(squared)? / (2.0 * std::f64::consts::LN_2)).sqrt();
    let sigma = if by_median > 0.0 { by_mean.min(by_median) } else { by_mean };
    Some(sigma * n.powf(-1.0 / 6.0)).filter(|h| h.is_finite() && *h > 0.0)
}

/// The density of points in a plane of metres.
///
/// # Errors
/// No point, a bandwidth or spacing that is none, or more nodes than memory holds.
pub fn density(points: &[Point], options: &DensityOptions) -> Result<Density, HotspotError> {
    let DensityOptions { bandwidth_m, spacing_m } = *options;
    for given_m in [bandwidth_m, spacing_m] {
        if !(given_m.is_finite() && given_m > 0.0) {
            return Err(HotspotError::Distance { given_m, least_m: SPREAD_M[0], most_m: SPREAD_M[1] });
        }
    }
    let binned = bin(points, options)?;
    let reach = (CUT * bandwidth_m / spacing_m).ceil() as usize;
    let (width, height) = (fast_length(binned.columns + reach), fast_length(binned.rows + reach));
    let weigh = |length: usize| kernel(length, reach, bandwidth_m / spacing_m);
    // One point spreads over 2πh² square metres.
    let scale = 1e6 / (std::f64::consts::TAU * bandwidth_m * bandwidth_m);
    let per_km2 = convolve(&binned, width, height, &weigh(width), &weigh(height), scale);
    Ok(Density { origin: binned.origin, spacing_m, columns: binned.columns, rows: binned.rows, per_km2 })
}

fn bin(points: &[Point], options: &DensityOptions) -> Result<Binned, HotspotError> {
    let (h, spacing) = (options.bandwidth_m, options.spacing_m);
    let placed = || points.iter().filter(|p| p.x.is_finite() && p.y.is_finite());
    let low = placed().fold([f64::INFINITY; 2], |a, p| [a[0].min(p.x), a[1].min(p.y)]);
    let high = placed().fold([f64::NEG_INFINITY; 2], |a, p| [a[0].max(p.x), a[1].max(p.y)]);
    if low[0] > high[0] {
        return Err(HotspotError::Nothing { chinese: "没有事件", english: "there is no incident" });
    }
    // Nodes at whole multiples of the spacing: a point more does not shift the surface.
    let first = |v: f64| ((v - MARGIN * h) / spacing).floor();
    let last = |v: f64| ((v + MARGIN * h) / spacing).ceil();
    let size = |i: usize| last(high[i]) - first(low[i]) + 1.0;
    let reach = CUT * h / spacing;
    if (size(0) + reach) * (size(1) + reach) > MOST_NODES as f64 / 1.3 {
        return Err(HotspotError::TooManyNodes { most: MOST_NODES });
    }
    let (columns, rows) = (size(0) as usize, size(1) as usize);
    let origin = Point::new(first(low[0]) * spacing, first(low[1]) * spacing);
    let mut mass = vec![0.0; columns * rows];
    for p in placed() {
        let (u, v) = ((p.x - origin.x) / spacing, (p.y - origin.y) / spacing);
        let (i, j) = (u.floor(), v.floor());
        let (a, b) = (u - i, v - j);
        let at = j as usize * columns + i as usize;
        for (to, part) in [
            (at, (1.0 - a) * (1.0 - b)),
            (at + 1, a * (1.0 - b)),
            (at + columns, (1.0 - a) * b),
            (at + columns + 1, a * b),
        ] {
            if let Some(m) = mass.get_mut(to) {
                *m += part;
            }
        }
    }
    Ok(Binned { origin, columns, rows, mass })
}

/// The next length of small prime factors.
fn fast_length(least: usize) -> usize {
    (least.max(2)..)
        .find(|n| {
            let mut rest = *n;
            for f in [2, 3, 5] {
                while rest.is_multiple_of(f) {
                    rest /= f;
                }
            }
            rest == 1 && n.is_multiple_of(2)
        })
        .unwrap_or(least)
}

/// Transform of exp(−(j/h)²/2) for |j| ≤ reach, wrapped around `length`: real, as the kernel is even.
fn kernel(length: usize, reach: usize, h: f64) -> Vec<f64> {
    let mut wrapped = vec![Complex::new(0.0, 0.0); length];
    for j in 0..=reach {
        let value = (-0.5 * (j as f64 / h).powi(2)).exp();
        for at in [j % length, (length - j % length) % length] {
            if let Some(w) = wrapped.get_mut(at) {
                w.re = value;
            }
        }
    }
    FftPlanner::new().plan_fft_forward(length).process(&mut wrapped);
    wrapped.iter().map(|c| c.re).collect()
}

fn convolve(binned: &Binned, width: usize, height: usize, in_x: &[f64], in_y: &[f64], scale: f64) -> Vec<f64> {
    let mut real = RealFftPlanner::<f64>::new();
    let (forward, inverse): (Arc<dyn RealToComplex<f64>>, Arc<dyn ComplexToReal<f64>>) =
        (real.plan_fft_forward(width), real.plan_fft_inverse(width));
    let mut complex = FftPlanner::<f64>::new();
    let (up, down): (Arc<dyn Fft<f64>>, Arc<dyn Fft<f64>>) =
        (complex.plan_fft_forward(height), complex.plan_fft_inverse(height));
    let (half, zero) = (width / 2 + 1, Complex::new(0.0, 0.0));
    let rows = binned.rows;
    // Rows of the grid along x; rows of zeros need no transform.
    let mut by_row = vec![zero; half * rows];
    by_row.par_chunks_mut(half).zip(binned.mass.par_chunks(binned.columns)).for_each_init(
        || (vec![0.0; width], forward.make_scratch_vec()),
        |(line, scratch), (out, mass)| {
            line.fill(0.0);
            line[..mass.len()].copy_from_slice(mass);
            // Lengths are those of the plan, so that it cannot fail; here and below.
            let _ = forward.process_with_scratch(line, out, scratch);
        },
    );
    // Columns along y, several side by side so that a row is read in one go.
    let norm = scale / (width * height) as f64;
    const BLOCK: usize = 8;
    let blocks: Vec<Vec<Complex<f64>>> = (0..half.div_ceil(BLOCK))
        .into_par_iter()
        .map_init(
            || vec![zero; up.get_inplace_scratch_len().max(down.get_inplace_scratch_len())],
            |scratch, block| {
                let (from, to) = (block * BLOCK, (block * BLOCK + BLOCK).min(half));
                let mut columns = vec![zero; (to - from) * height];
                for (j, row) in by_row.chunks(half).enumerate() {
                    for (column, v) in columns.chunks_mut(height).zip(&row[from..to]) {
                        column[j] = *v;
                    }
                }
                for (column, kx) in columns.chunks_mut(height).zip(&in_x[from..to]) {
                    up.process_with_scratch(column, scratch);
                    for (v, ky) in column.iter_mut().zip(in_y) {
                        *v *= kx * ky * norm;
                    }
                    down.process_with_scratch(column, scratch);
                }
                columns
            },
        )
        .collect();
    let mut out = vec![0.0; binned.columns * rows];
    out.par_chunks_mut(binned.columns).enumerate().for_each_init(
        || (vec![zero; half], vec![0.0; width], inverse.make_scratch_vec()),
        |(line, full, scratch), (j, out)| {
            for (part, block) in line.chunks_mut(BLOCK).zip(&blocks) {
                for (v, column) in part.iter_mut().zip(block.chunks(height)) {
                    *v = column[j];
                }
            }
            // A real signal has no imaginary part there; rounding leaves some.
            line[0].im = 0.0;
            line[half - 1].im = 0.0;
            let _ = inverse.process_with_scratch(line, full, scratch);
            for (o, v) in out.iter_mut().zip(full.iter()) {
                *o = v.max(0.0);
            }
        },
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    fn scattered(n: usize) -> Vec<Point> {
        let mut r = Random::new(12);
        (0..n).map(|_| Point::new(400_000.0 + 3_000.0 * r.unit(), 2_900_000.0 + 1_700.0 * r.unit().powi(2))).collect()
    }

    fn gauss(dx: f64, dy: f64, h: f64) -> f64 {
        1e6 * (-0.5 * (dx * dx + dy * dy) / (h * h)).exp() / (std::f64::consts::TAU * h * h)
    }

    fn at(d: &Density, i: usize, j: usize) -> (f64, f64, f64) {
        (d.origin.x + i as f64 * d.spacing_m, d.origin.y + j as f64 * d.spacing_m, d.per_km2[j * d.columns + i])
    }

    #[test]
    fn surface_equals_the_sum_over_all_nodes() {
        let options = DensityOptions { bandwidth_m: 150.0, spacing_m: 60.0 };
        let points = scattered(80);
        let d = density(&points, &options).expect("points");
        let binned = bin(&points, &options).expect("points");
        assert!((binned.mass.iter().sum::<f64>() - 80.0).abs() < 1e-9);
        let greatest = d.per_km2.iter().copied().fold(0.0, f64::max);
        for j in 0..d.rows {
            for i in (0..d.columns).step_by(3) {
                let (x, y, found) = at(&d, i, j);
                let mut sum = 0.0;
                for (k, m) in binned.mass.iter().enumerate().filter(|(_, m)| **m > 0.0) {
                    let (dx, dy) = (
                        x - (d.origin.x + (k % d.columns) as f64 * 60.0),
                        y - (d.origin.y + (k / d.columns) as f64 * 60.0),
                    );
                    if dx.abs() <= 780.0 && dy.abs() <= 780.0 {
                        sum += m * gauss(dx, dy, 150.0);
                    }
                }
                assert!((found - sum).abs() < 1e-9 * greatest, "{i} {j}: {found} {sum}");
            }
        }
    }

    #[test]
    fn surface_is_near_the_sum_over_all_points_and_holds_them_all() {
        let options = DensityOptions { bandwidth_m: 150.0, spacing_m: 30.0 };
        let points = scattered(300);
        let d = density(&points, &options).expect("points");
        let greatest = d.per_km2.iter().copied().fold(0.0, f64::max);
        for j in (0..d.rows).step_by(4) {
            for i in (0..d.columns).step_by(4) {
                let (x, y, found) = at(&d, i, j);
                let sum: f64 = points.iter().map(|p| gauss(x - p.x, y - p.y, 150.0)).sum();
                assert!((found - sum).abs() < 0.01 * greatest, "{i} {j}: {found} {sum}");
            }
        }
        let all = d.per_km2.iter().sum::<f64>() * 30.0 * 30.0 / 1e6;
        assert!((all / 300.0 - 1.0).abs() < 0.01, "{all}");
    }

    #[test]
    fn bandwidth_is_that_of_the_normal_law_and_a_few_far_ones_do_not_blur_it() {
        let mut r = Random::new(3);
        // Box and Muller (1958)
        let mut normal = || {
            let (u, v) = (1.0 - r.unit(), std::f64::consts::TAU * r.unit());
            let d = 400.0 * (-2.0 * u.ln()).sqrt();
            Point::new(7e5 + d * v.cos(), 3e6 + d * v.sin())
        };
        let mut points: Vec<Point> = (0..4_096).map(|_| normal()).collect();
        let h = scott_bandwidth_m(&points).expect("a spread");
        assert!((h / 100.0 - 1.0).abs() < 0.03, "400 m · 4096^(-1/6) = 100 m: {h}");
        points.extend((0..20).map(|i| Point::new(9e5 + f64::from(i), 3e6)));
        assert!((scott_bandwidth_m(&points).expect("a spread") / h - 1.0).abs() < 0.02);
        assert_eq!((scott_bandwidth_m(&[]), scott_bandwidth_m(&[Point::new(1.0, 1.0); 5])), (None, None));
        // most at one place, as at a market
        let mut one = vec![Point::new(0.0, 0.0); 9];
        one.push(Point::new(0.0, 1_000.0));
        assert!(scott_bandwidth_m(&one).is_some_and(|h| h > 10.0));
    }

    #[test]
    fn one_point_no_point_and_hopeless_grids_are_told() {
        let one = [Point::new(0.0, 0.0)];
        let d = density(&one, &DensityOptions { bandwidth_m: 100.0, spacing_m: 50.0 }).expect("one point");
        assert!((at(&d, d.columns / 2, d.rows / 2).2 / gauss(0.0, 0.0, 100.0) - 1.0).abs() < 1e-6);
        let options = DensityOptions { bandwidth_m: 100.0, spacing_m: 50.0 };
        assert!(matches!(density(&[], &options), Err(HotspotError::Nothing { .. })));
        assert!(matches!(density(&[Point::new(f64::NAN, 0.0)], &options), Err(HotspotError::Nothing { .. })));
        let far = [Point::new(0.0, 0.0), Point::new(1e9, 1e9)];
        assert!(matches!(density(&far, &options), Err(HotspotError::TooManyNodes { .. })));
        let none = DensityOptions { bandwidth_m: 0.0, spacing_m: 1.0 };
        assert!(matches!(density(&one, &none), Err(HotspotError::Distance { .. })));
    }
}
