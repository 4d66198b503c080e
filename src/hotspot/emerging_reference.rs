//! Cubes judged by the definitions alone, bin by bin and pair by pair, beside what [`trends`] finds: no compressed rows, no layers, no trees.

use super::*;
use crate::domain::random::Random;
use h3o::{LatLng, Resolution};

/// A cube and its counts.
struct Planted {
    cells: CellSet,
    steps: usize,
    counts: Vec<u32>,
}

/// A disk with holes, noise, and places where some steps have more.
fn planted(rings: u32, steps: usize, seed: u64) -> Planted {
    let mut r = Random::new(seed);
    let middle = LatLng::new(26.2456, 105.932).expect("place").to_cell(Resolution::Eight);
    let disk: Vec<HexCell> = middle.grid_disk(rings);
    let cells = CellSet::new(disk.into_iter().filter(|_| rings < 2 || r.unit() < 0.9).collect()).expect("cells");
    let n = cells.len();
    let mut counts: Vec<u32> = (0..n * steps).map(|_| (0..6).filter(|_| r.unit() < 0.2).count() as u32).collect();
    for place in 0..n / 12 {
        let at = r.below(n as u32) as usize;
        // in the last step, in the last ones, in all of them ever more, in the first ones, now and then; and none at all
        let more = |t: usize| match place % 6 {
            0 => u32::from(t + 1 == steps) * 7,
            1 => u32::from(t + 3 >= steps) * 7,
            2 => 5 + t as u32 * 2,
            3 => u32::from(t + 2 < steps) * 9,
            4 => u32::from(t % 2 == 1) * 7,
            _ => 0,
        };
        for (bin, count) in counts.iter_mut().enumerate() {
            let (t, i) = (bin / n, bin % n);
            if i == at || touch(cells.cells()[i], cells.cells()[at]) {
                *count = if place % 6 == 5 { 0 } else { *count + more(t) };
            }
        }
    }
    Planted { cells, steps, counts }
}

fn touch(a: HexCell, b: HexCell) -> bool {
    a != b && a.is_neighbor_with(b).expect("one resolution")
}

/// The bins of a bin's neighbourhood: its own cell and those that touch it, in its own step and the one before.
fn neighbourhood(cube: &Planted, bin: usize) -> Vec<usize> {
    let (n, all) = (cube.cells.len(), cube.cells.cells());
    let is_in = |other: &usize| {
        let (here, there) = (bin % n, other % n);
        let (now, then) = (bin / n, other / n);
        (then == now || then + 1 == now) && (here == there || touch(all[here], all[there]))
    };
    (0..cube.counts.len()).filter(is_in).collect()
}

/// Gi* as it is printed: weights of one, all sums over all bins.
fn gi_star_of(x: &[f64], members: &[usize]) -> f64 {
    let n = x.len() as f64;
    let weight: Vec<f64> = (0..x.len()).map(|j| f64::from(u8::from(members.contains(&j)))).collect();
    let mean = x.iter().sum::<f64>() / n;
    let s = (x.iter().map(|v| v * v).sum::<f64>() / n - mean * mean).sqrt();
    let sum = |f: &dyn Fn(usize) -> f64| (0..x.len()).map(f).sum::<f64>();
    let (w, w2) = (sum(&|j| weight[j]), sum(&|j| weight[j] * weight[j]));
    (sum(&|j| weight[j] * x[j]) - mean * w) / (s * ((n * w2 - w * w) / (n - 1.0)).sqrt())
}

fn twice_the_smaller(upper: f64, lower: f64) -> f64 {
    (2.0 * upper.min(lower)).min(1.0)
}

/// Twice the smaller tail of Binomial(n, q) at k, every term from the one before.
fn binomial_p(n: u64, q: f64, k: u64) -> f64 {
    let (mut term, mut upper, mut lower) = ((1.0 - q).powi(n as i32), 0.0, 0.0);
    for i in 0..=n {
        upper += if i >= k { term } else { 0.0 };
        lower += if i <= k { term } else { 0.0 };
        term *= (n - i) as f64 / (i + 1) as f64 * q / (1.0 - q);
    }
    twice_the_smaller(upper, lower)
}

/// Twice the smaller share of all subsets of so many bins whose sum is at least, or at most, this one: counted, value by value.
fn permutation_p(counts: &[u32], size: usize, sum: u64) -> f64 {
    let most: usize = counts.iter().map(|c| *c as usize).sum();
    let mut ways = vec![vec![0.0; most + 1]; size + 1];
    ways[0][0] = 1.0;
    for c in counts.iter().map(|c| *c as usize) {
        for k in (0..size).rev() {
            for s in (0..=most - c).rev() {
                ways[k + 1][s + c] += ways[k][s];
            }
        }
    }
    let (all, at) = (ways[size].iter().sum::<f64>(), sum as usize);
    twice_the_smaller(ways[size][at..].iter().sum::<f64>() / all, ways[size][..=at].iter().sum::<f64>() / all)
}

/// Two-sided normal p: the density, integrated by Simpson's rule.
fn normal_p(z: f64) -> f64 {
    const STEPS: usize = 4_000;
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let h = z.abs() / STEPS as f64;
    let weight = |i: usize| if i == 0 || i == STEPS { 1.0 } else { [2.0, 4.0][i % 2] };
    1.0 - 2.0 * h / 3.0 * (0..=STEPS).map(|i| weight(i) * density(i as f64 * h)).sum::<f64>()
}

/// Mann–Kendall over all pairs: S, its variance with ties, z.
fn by_pairs(x: &[f64]) -> (i64, f64, f64) {
    let (n, mut s, mut ties) = (x.len() as f64, 0_i64, 0.0);
    let tied = |a: f64, b: f64| (a - b).abs() < 1e-9;
    for i in 0..x.len() {
        for j in i + 1..x.len() {
            s += match (tied(x[i], x[j]), x[j] > x[i]) {
                (true, _) => 0,
                (_, true) => 1,
                (_, false) => -1,
            };
        }
        // Σ t(t − 1)(2t + 5) over groups of ties, one term a member
        let t = x.iter().filter(|v| tied(**v, x[i])).count() as f64;
        ties += (t - 1.0) * (2.0 * t + 5.0);
    }
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0;
    let z = if variance > 0.0 { (s - s.signum()) as f64 / variance.sqrt() } else { 0.0 };
    (s, variance, z)
}

/// The published classes, in the published order; what the last step is goes before what it no longer is.
fn class(h: &[Bin], trend_z: f64, trend_p: f64) -> String {
    let last = h[h.len() - 1];
    let share = |bin: Bin| h.iter().filter(|b| **b == bin).count() as f64 / h.len() as f64;
    let word = |bin: Bin| if bin == Bin::Hot { "hot" } else { "cold" };
    if last != Bin::Neither {
        let (opposite, rise) = if last == Bin::Hot { (Bin::Cold, trend_z) } else { (Bin::Hot, -trend_z) };
        let before = &h[..h.len() - 1];
        let first = h.iter().position(|b| *b == last).expect("the last one");
        let uninterrupted = h[first..].iter().all(|b| *b == last);
        let course = if share(last) >= 0.9 {
            match (trend_p <= 0.05, rise > 0.0) {
                (true, true) => "intensifying",
                (true, false) => "diminishing",
                (false, _) => "persistent",
            }
        } else if !before.contains(&last) {
            "new"
        } else if uninterrupted {
            "consecutive"
        } else if before.contains(&opposite) {
            "oscillating"
        } else {
            "sporadic"
        };
        return format!("{course}_{}", word(last));
    }
    let was = [Bin::Hot, Bin::Cold].into_iter().find(|b| share(*b) >= 0.9);
    was.map_or("none".to_owned(), |b| format!("historical_{}", word(b)))
}

/// Judges a cube by the definitions and compares; the classes that were met.
fn compared(cube: &Planted) -> BTreeSet<&'static str> {
    let (n, steps) = (cube.cells.len(), cube.steps);
    let options = TrendOptions { neighbourhood: Neighbourhood::Ring1, alpha: 0.05, seed: 1 };
    let given = Cube { cells: &cube.cells, steps, counts: &cube.counts };
    let found = trends(&given, &options).expect("a cube");
    let x: Vec<f64> = cube.counts.iter().map(|c| f64::from(*c)).collect();
    let weights = Weights::ring1(&cube.cells);
    let inner = Spots::new(&given, &weights, &x, Moments::of(&x).expect("they differ"), &options);
    assert!(!inner.is_sampled);

    let (bins, incidents) = (x.len(), cube.counts.iter().map(|c| u64::from(*c)).sum::<u64>());
    let (mut z, mut p) = (Vec::new(), Vec::new());
    for bin in 0..bins {
        let members = neighbourhood(cube, bin);
        let sum: u64 = members.iter().map(|j| u64::from(cube.counts[*j])).sum();
        z.push(gi_star_of(&x, &members));
        p.push(if bins < 30 {
            permutation_p(&cube.counts, members.len(), sum)
        } else {
            binomial_p(incidents, members.len() as f64 / bins as f64, sum)
        });
        assert!((z[bin] - inner.z[bin]).abs() < 1e-9, "{bin}: {} {}", z[bin], inner.z[bin]);
        assert!((p[bin] - inner.p[bin]).abs() <= 1e-9 * p[bin].max(1e-200), "{bin}: {} {}", p[bin], inner.p[bin]);
    }

    // Benjamini–Hochberg: the greatest k for which k of all p are at most 0.05·k/m
    let mut sorted = p.clone();
    sorted.sort_by(f64::total_cmp);
    let discovered = (1..=bins).rev().find(|k| sorted[k - 1] <= 0.05 * *k as f64 / bins as f64).unwrap_or(0);
    let is_spot = |bin: usize| discovered > 0 && p[bin] <= sorted[discovered - 1];
    let spot = |bin: usize| match (is_spot(bin), z[bin] > 0.0) {
        (true, true) => Bin::Hot,
        (true, false) => Bin::Cold,
        (false, _) => Bin::Neither,
    };

    let mut met = BTreeSet::new();
    for (i, cell) in found.cells.iter().enumerate() {
        let at = |t: usize| t * n + i;
        let series: Vec<f64> = (0..steps).map(|t| z[at(t)]).collect();
        let history: Vec<Bin> = (0..steps).map(|t| spot(at(t))).collect();
        let trend = cell.trend.expect("they differ");
        let (s, variance, trend_z) = by_pairs(&series);
        assert_eq!(trend.s, s, "{series:?}");
        assert!((trend.variance - variance).abs() < 1e-9 && (trend.z - trend_z).abs() < 1e-9, "{series:?}");
        assert!((trend.p - normal_p(trend_z)).abs() < 1e-9, "{} {trend_z}", trend.p);
        let of = |bin: Bin| history.iter().filter(|b| **b == bin).count();
        assert_eq!((cell.cell, cell.hot_steps, cell.cold_steps), (cube.cells.cells()[i], of(Bin::Hot), of(Bin::Cold)));
        assert_eq!(cell.count, (0..steps).map(|t| u64::from(cube.counts[at(t)])).sum::<u64>());
        assert_eq!(cell.last_z.is_some(), bins >= 30);
        assert!(cell.last_z.is_none_or(|last| (last - z[at(steps - 1)]).abs() < 1e-9));
        assert!(cell.last_p.is_some_and(|last| (last - p[at(steps - 1)]).abs() < 1e-9));
        assert_eq!(cell.pattern.word(), class(&history, trend_z, trend.p), "{history:?} {trend:?}");
        met.insert(cell.pattern.word());
    }
    met
}

#[test]
fn z_p_trend_and_class_of_every_bin_are_those_of_the_definitions() {
    let mut met = BTreeSet::new();
    for (seed, (rings, steps)) in (1..).zip([(4, 6), (5, 7), (4, 10), (5, 5)]) {
        met.extend(compared(&planted(rings, steps, seed)));
    }
    assert!(met.len() >= 5 && met.contains("none"), "{met:?}");
}

#[test]
fn few_bins_are_judged_by_all_their_permutations() {
    for seed in 1..6 {
        let cube = planted(1, 4, seed);
        assert_eq!(cube.counts.len(), 28);
        compared(&cube);
    }
}
