use std::collections::BTreeMap;

use super::super::tests::{brute, input, options, random_points, solve};
use super::super::{UnitsInput, UnitsOptions};
use super::instance::{Instance, Take};
use super::pricing::Pricing;
use super::*;
use crate::partition::effort::Random;

fn never() -> bool {
    false
}

/// Least Σ squared metres over divisions into exactly `count` units, by enumeration.
fn brute_count(
    xy: &[[f64; 2]],
    placed: u32,
    count: u32,
    sizes: (u32, u32),
    memo: &mut BTreeMap<(u32, u32), f64>,
) -> f64 {
    let all = (1_u32 << xy.len()) - 1;
    if placed == all || count == 0 {
        return if placed == all && count == 0 { 0.0 } else { f64::INFINITY };
    }
    if let Some(&v) = memo.get(&(placed, count)) {
        return v;
    }
    let free = all & !placed;
    let first = free & free.wrapping_neg();
    let mut best = f64::INFINITY;
    let mut sub = free & !first;
    loop {
        let part = sub | first;
        if (sizes.0..=sizes.1).contains(&part.count_ones()) {
            best = best.min(sse_of(xy, part) + brute_count(xy, placed | part, count - 1, sizes, memo));
        }
        if sub == 0 {
            break;
        }
        sub = (sub - 1) & free & !first;
    }
    memo.insert((placed, count), best);
    best
}

fn sse_of(xy: &[[f64; 2]], part: u32) -> f64 {
    let m: Vec<[f64; 2]> = (0..xy.len()).filter(|i| part >> i & 1 == 1).map(|i| xy[i]).collect();
    let n = m.len() as f64;
    let c = m.iter().fold([0.0; 2], |a, p| [a[0] + p[0] / n, a[1] + p[1] / n]);
    m.iter().map(|p| (p[0] - c[0]).powi(2) + (p[1] - c[1]).powi(2)).sum()
}

/// A poor division, so that what is found owes nothing to it: runs of legal size in input order.
fn poor(xy: &[[f64; 2]], options: &UnitsOptions) -> super::super::UnitsSolution {
    let n = xy.len() as u32;
    let units = options.count.unwrap_or_else(|| n.div_ceil(options.max));
    let mut s = solve(&input(xy), options, 0);
    s.units = units;
    s.unit_of = (0..n).map(|i| i * units / n).collect();
    s
}

#[test]
fn bound_is_never_above_the_optimum_and_near_it() {
    for seed in 0..20 {
        let xy = random_points(seed, 8 + seed as usize % 7);
        let c = certify(&input(&xy), &options(3, 5), &poor(&xy, &options(3, 5)), ITERATIONS, &never);
        let best = brute(&xy, 0, 3, 5, &mut BTreeMap::new());
        assert!(c.lower_bound_m2 <= best * (1.0 + 1e-12), "seed {seed}: {} above {best}", c.lower_bound_m2);
        assert!(c.lower_bound_m2 >= best * 0.97, "seed {seed}: {} far below {best}", c.lower_bound_m2);
    }
}

#[test]
fn bound_for_a_fixed_count_is_never_above_its_optimum_and_near_it() {
    for seed in 0..20 {
        let n = 9 + seed as usize % 6;
        let xy = random_points(seed + 100, n);
        let count = (n as u32).div_ceil(5) + u32::from(seed % 2 == 1 && n.div_ceil(5) < n / 3);
        let fixed = UnitsOptions { count: Some(count), ..options(3, 5) };
        let c = certify(&input(&xy), &fixed, &poor(&xy, &fixed), ITERATIONS, &never);
        let best = brute_count(&xy, 0, count, (3, 5), &mut BTreeMap::new());
        assert!(c.lower_bound_m2 <= best * (1.0 + 1e-12), "seed {seed}: {} above {best}", c.lower_bound_m2);
        assert!(c.lower_bound_m2 >= best * 0.97, "seed {seed}: {} far below {best}", c.lower_bound_m2);
    }
}

/// Greatest gain of each size by enumeration of all subsets.
fn enumerated(xy: &[[f64; 2]], duals: &[f64], cuts: &[(Vec<usize>, f64)], sizes: &[u32]) -> Vec<f64> {
    sizes
        .iter()
        .map(|&s| {
            (0_u32..1 << xy.len())
                .filter(|p| p.count_ones() == s)
                .map(|p| {
                    let held: f64 = (0..xy.len()).filter(|i| p >> i & 1 == 1).map(|i| duals[i]).sum();
                    let charged: f64 = cuts
                        .iter()
                        .map(|(t, sigma)| sigma * (t.iter().filter(|i| p >> **i & 1 == 1).count() / 2) as f64)
                        .sum();
                    held - charged - sse_of(xy, p)
                })
                .fold(f64::NEG_INFINITY, f64::max)
        })
        .collect()
}

#[test]
fn pricing_equals_enumeration_with_and_without_cuts() {
    for seed in 0..30 {
        let mut r = Random::new(seed);
        let n = 7 + seed as usize % 6;
        let mut xy = random_points(seed + 7, n);
        if seed % 3 == 0 {
            xy[1] = xy[0];
        }
        let instance = Instance::new(&xy, vec![3, 4, 5], None);
        let spread = instance.at.iter().map(|p| p[0] * p[0] + p[1] * p[1]).sum::<f64>() / n as f64;
        let place: Vec<f64> = instance.at.iter().map(|_| spread * (r.unit() * 1.5 - 0.2)).collect();
        let duals: Vec<f64> = instance.place_of.iter().map(|&p| place[p as usize]).collect();
        let single: Vec<u32> = (0..instance.at.len() as u32).filter(|p| instance.copies[*p as usize] == 1).collect();
        let mut cuts = Vec::new();
        for _ in 0..(if seed % 2 == 0 { 0 } else { 6 }) {
            let mut three: Vec<u32> = (0..3).map(|_| single[r.below(single.len() as u32) as usize]).collect();
            three.sort_unstable();
            three.dedup();
            if three.len() == 3 {
                cuts.push((cuts::Cut(three), spread * r.unit()));
            }
        }
        let by_household: Vec<(Vec<usize>, f64)> =
            cuts.iter().map(|(c, s)| ((0..n).filter(|h| c.0.contains(&instance.place_of[*h])).collect(), *s)).collect();
        let expected = enumerated(&xy, &duals, &by_household, &instance.sizes);
        // A floor below what is there, so that every size must be searched.
        let floor: Vec<f64> = expected.iter().map(|e| e - 0.1 * spread).collect();
        let slack = 1e-4 * spread;
        let found = Pricing::new(&instance, &place, cuts).search(&floor, slack);
        for ((u, e), s) in found.upper.iter().zip(&expected).zip(&instance.sizes) {
            assert!(*u >= e - 1e-9 * spread, "seed {seed}, size {s}: {u} is below the optimum {e}");
            assert!(*u <= e + 3.0 * slack, "seed {seed}, size {s}: {u} is loose, optimum {e}");
        }
    }
}

#[test]
fn mix_of_sizes_is_the_best_of_all_mixes() {
    let instance = Instance::new(&random_points(1, 11), vec![3, 4, 5], None);
    // 3 + 3 + 5 or 3 + 4 + 4.
    assert_eq!(instance.best_sizes(&[1.0, 2.0, 4.0]), Some(6.0));
    assert_eq!(instance.best_sizes(&[1.0, 3.0, 4.0]), Some(7.0));
    let two = Instance::new(&random_points(1, 11), vec![3, 4, 5], Some(2));
    assert_eq!(two.best_sizes(&[0.0; 3]), None);
}

#[test]
fn degenerate_places_are_certified() {
    let line: Vec<[f64; 2]> = (0..23).map(|i| [f64::from(i) * 3.0, 0.0]).collect();
    let mut stacked = vec![[10.0, 10.0]; 8];
    stacked.extend(random_points(4, 15));
    for xy in [line, stacked] {
        let s = solve(&input(&xy), &options(3, 5), 30);
        let c = certify(&input(&xy), &options(3, 5), &s, ITERATIONS, &never);
        assert!(c.lower_bound_m2 <= s.sse_m2 && c.gap <= 0.05, "{c:?}");
    }
    let point = vec![[7.0, 7.0]; 40];
    let c = certify(&input(&point), &options(10, 15), &solve(&input(&point), &options(10, 15), 1), ITERATIONS, &never);
    assert_eq!((c.lower_bound_m2, c.gap, c.converged), (0.0, 0.0, true));
    let none = certify(&input(&[]), &options(10, 15), &solve(&input(&[]), &options(10, 15), 1), ITERATIONS, &never);
    assert_eq!((none.lower_bound_m2, none.gap), (0.0, 0.0));
}

#[test]
fn place_without_a_legal_division_is_certified_with_its_exception() {
    // 7 households: too few. 17: one full unit and one of two.
    for n in [7, 17] {
        let xy = random_points(n, n as usize);
        let s = solve(&input(&xy), &options(10, 15), 20);
        assert_eq!(s.exceptions.len(), 1);
        let c = certify(&input(&xy), &options(10, 15), &s, ITERATIONS, &never);
        assert!(c.lower_bound_m2 <= s.sse_m2 * (1.0 + 1e-9) && c.gap < 0.02, "{n}: {c:?} against {}", s.sse_m2);
    }
}

#[test]
fn zones_are_certified_apart_and_summed() {
    let xy = random_points(21, 24);
    let law: Vec<u32> = (0..24).map(|i| i % 2).collect();
    let zoned = UnitsInput { law: &law, ..input(&xy) };
    let s = solve(&zoned, &options(3, 5), 40);
    let c = certify(&zoned, &options(3, 5), &s, ITERATIONS, &never);
    let sum: f64 = (0..2)
        .map(|z| {
            let own: Vec<[f64; 2]> = (0..24).filter(|i| i % 2 == z).map(|i| xy[i]).collect();
            brute(&own, 0, 3, 5, &mut BTreeMap::new())
        })
        .sum();
    assert!(c.lower_bound_m2 <= sum * (1.0 + 1e-12) && c.lower_bound_m2 >= 0.97 * sum, "{c:?} against {sum}");
}

#[test]
fn bound_is_below_every_division_and_what_is_better_is_legal() {
    for (seed, n) in [(1, 40), (2, 55), (3, 63)] {
        let xy = random_points(seed, n);
        let s = solve(&input(&xy), &options(5, 8), 40);
        let c = certify(&input(&xy), &options(5, 8), &poor(&xy, &options(5, 8)), 40, &never);
        assert!(c.lower_bound_m2 <= s.sse_m2, "seed {seed}: {c:?} against {}", s.sse_m2);
        if let Some((unit_of, sse)) = &c.better {
            let mut parts: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            unit_of.iter().enumerate().for_each(|(h, &u)| parts.entry(u).or_default().push(h));
            assert!(parts.values().all(|p| (5..=8).contains(&p.len())));
            let instance = Instance::new(&xy, vec![5], None);
            let sum: f64 = parts
                .values()
                .map(|p| instance.sse_m2(&p.iter().map(|&h| (instance.place_of[h], 1)).collect::<Take>()))
                .sum();
            assert!((sum - sse).abs() <= 1e-6 * sse && *sse >= c.lower_bound_m2);
        }
    }
}

#[test]
fn certificate_does_not_depend_on_threads_and_stops_when_asked() {
    let xy = random_points(12, 45);
    let s = solve(&input(&xy), &options(5, 8), 10);
    let run = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("pool")
            .install(|| certify(&input(&xy), &options(5, 8), &s, 12, &never))
    };
    assert_eq!(run(1), run(3));
    let stopped = certify(&input(&xy), &options(5, 8), &s, 12, &|| true);
    assert_eq!((stopped.iterations, stopped.converged), (0, false));
    assert!(stopped.lower_bound_m2 <= s.sse_m2);
}
