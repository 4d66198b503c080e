use std::sync::atomic::AtomicBool;

use super::*;
use crate::partition::effort::{Effort, Random, Round, RoundSolver, drive};

pub(super) fn options(min: u32, max: u32) -> UnitsOptions {
    UnitsOptions { min, max, count: None, target: None, max_reach_m: None, seed: 1, village: 0 }
}

pub(super) fn input(xy: &[[f64; 2]]) -> UnitsInput<'_> {
    UnitsInput { xy, building: &[], stairwell: &[], floor: &[], law: &[], prefer: &[] }
}

pub(super) fn solve(input: &UnitsInput<'_>, options: &UnitsOptions, rounds: u32) -> UnitsSolution {
    let mut solvers = [UnitsSolver::new(input, options).expect("legal task")];
    drive(&mut solvers, Effort::Rounds(rounds), None, &AtomicBool::new(false), &|_| {});
    solvers[0].solution()
}

fn sizes(s: &UnitsSolution) -> Vec<u32> {
    let mut n = vec![0; s.units as usize];
    for &u in &s.unit_of {
        n[u as usize] += 1;
    }
    n
}

pub(super) fn random_points(seed: u64, n: usize) -> Vec<[f64; 2]> {
    let mut r = Random::new(seed);
    (0..n).map(|_| [r.unit() * 300.0, r.unit() * 300.0]).collect()
}

/// Least SSE over all partitions into parts of min..=max: each part is chosen with the first household not yet placed.
pub(super) fn brute(
    xy: &[[f64; 2]],
    placed: u32,
    min: u32,
    max: u32,
    memo: &mut std::collections::BTreeMap<u32, f64>,
) -> f64 {
    let all = (1_u32 << xy.len()) - 1;
    if placed == all {
        return 0.0;
    }
    if let Some(&v) = memo.get(&placed) {
        return v;
    }
    let free = all & !placed;
    let first = free & free.wrapping_neg();
    let others = free & !first;
    let mut best = f64::INFINITY;
    let mut sub = others;
    loop {
        let part = sub | first;
        if (min..=max).contains(&part.count_ones()) {
            let m: Vec<[f64; 2]> = (0..xy.len()).filter(|i| part >> i & 1 == 1).map(|i| xy[i]).collect();
            let n = m.len() as f64;
            let c = m.iter().fold([0.0; 2], |a, p| [a[0] + p[0] / n, a[1] + p[1] / n]);
            let own: f64 = m.iter().map(|p| (p[0] - c[0]).powi(2) + (p[1] - c[1]).powi(2)).sum();
            best = best.min(own + brute(xy, placed | part, min, max, memo));
        }
        if sub == 0 {
            break;
        }
        sub = (sub - 1) & others;
    }
    memo.insert(placed, best);
    best
}

#[test]
fn small_villages_reach_the_optimum_over_all_partitions() {
    for seed in 0..12 {
        let xy = random_points(seed, 9 + seed as usize % 6);
        let got = solve(&input(&xy), &options(3, 5), 60).sse_m2;
        let best = brute(&xy, 0, 3, 5, &mut std::collections::BTreeMap::new());
        assert!(got <= best * (1.0 + 1e-9) + 1e-6, "seed {seed}: {got} against {best}");
        assert!(got >= best - 1e-6, "seed {seed}: below the optimum, so the sum is wrong");
    }
}

/// Least SSE over all partitions of at most some 20 households into parts of 3 to 5: the first household not yet placed takes two to
/// four others.
fn best_of_subsets(xy: &[[f64; 2]]) -> f64 {
    fn extend(xy: &[[f64; 2]], best: &mut [f64], from: f64, taken: usize, own: &mut Vec<usize>, own2: f64) {
        if own.len() >= 3 {
            let cost = from + own2 / own.len() as f64;
            best[taken] = best[taken].min(cost);
        }
        if own.len() == 5 {
            return;
        }
        for j in own[own.len() - 1] + 1..xy.len() {
            if taken >> j & 1 == 0 {
                let d2 = |i: usize| (xy[i][0] - xy[j][0]).powi(2) + (xy[i][1] - xy[j][1]).powi(2);
                let more2 = own.iter().map(|&i| d2(i)).sum::<f64>();
                own.push(j);
                extend(xy, best, from, taken | 1 << j, own, own2 + more2);
                own.pop();
            }
        }
    }
    let all = (1_usize << xy.len()) - 1;
    let mut best = vec![f64::INFINITY; all + 1];
    best[0] = 0.0;
    for placed in 0..all {
        if best[placed].is_finite() {
            let first = (!placed).trailing_zeros() as usize;
            let from = best[placed];
            extend(xy, &mut best, from, placed | 1 << first, &mut vec![first], 0.0);
        }
    }
    best[all]
}

#[test]
fn eighteen_households_reach_the_optimum_over_all_partitions() {
    for (seed, n) in [(1, 15), (2, 16), (3, 18)] {
        let xy = random_points(100 + seed, n);
        let (got, best) = (solve(&input(&xy), &options(3, 5), 60).sse_m2, best_of_subsets(&xy));
        assert!((got - best).abs() <= best * 1e-9 + 1e-6, "seed {seed}: {got} against {best}");
    }
}

#[test]
fn households_on_a_line_reach_the_optimum_of_runs() {
    // On a line the best parts of given sizes are runs (the squared distance is a Monge cost), so a recursion over runs is exact.
    for n in [20_usize, 24, 41] {
        let mut r = Random::new(n as u64);
        let mut x: Vec<f64> = (0..n).map(|_| r.unit() * 1_000.0).collect();
        x.sort_by(f64::total_cmp);
        let mut best = vec![f64::INFINITY; n + 1];
        best[0] = 0.0;
        for end in 3..=n {
            for size in 3..=5.min(end) {
                let run = &x[end - size..end];
                let mean = run.iter().sum::<f64>() / size as f64;
                best[end] = best[end].min(best[end - size] + run.iter().map(|v| (v - mean).powi(2)).sum::<f64>());
            }
        }
        // In another order than along the line.
        let xy: Vec<[f64; 2]> = (0..n).map(|i| [x[i * 7 % n], 3.0]).collect();
        assert!(n % 7 != 0);
        let got = solve(&input(&xy), &options(3, 5), 120).sse_m2;
        let allowed = if n > 24 { 0.01 } else { 1e-9 };
        assert!(got >= best[n] - 1e-6 && got <= best[n] * (1.0 + allowed) + 1e-6, "n = {n}: {got} against {}", best[n]);
    }
}

#[test]
fn every_size_is_legal_where_a_legal_division_exists() {
    for n in 0..140_usize {
        let s = solve(&input(&random_points(n as u64, n)), &options(10, 15), 6);
        let outside: u32 = sizes(&s).iter().filter(|z| !(10..=15).contains(*z)).sum();
        let fewest = (0..=n as u32).find(|e| representable(n as u32 - e, 10, 15)).expect("nobody placed is legal");
        assert_eq!(outside, fewest, "n = {n}");
        assert_eq!(s.exceptions.iter().map(|e| e.households).sum::<u32>(), fewest);
    }
}

#[test]
fn more_rounds_never_make_it_worse() {
    let xy = random_points(3, 400);
    let mut last = f64::INFINITY;
    for rounds in [0, 1, 2, 5, 10, 30] {
        let now = solve(&input(&xy), &options(10, 15), rounds).sse_m2;
        assert!(now <= last + 1e-6);
        last = now;
    }
}

/// Rounds until nothing is left to try, with the sums after each; at `threads` threads.
fn to_the_end(xy: &[[f64; 2]], seed: u64, threads: usize) -> (Vec<f64>, UnitsSolution) {
    let run = || {
        let options = UnitsOptions { seed, ..options(3, 5) };
        let mut solver = UnitsSolver::new(&input(xy), &options).expect("legal task");
        let mut sums = vec![solver.solution().sse_m2];
        while solver.round() == Round::Working {
            sums.push(solver.solution().sse_m2);
        }
        (sums, solver.solution())
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool").install(run)
}

#[test]
fn what_resists_begins_anew_until_all_seeds_agree() {
    // From any seed the same sum is reached before nothing is left to try; it never rises, and it does end.
    let xy = random_points(17, 27);
    let ends = [(1, 1), (2, 1), (1, 3)].map(|(seed, threads)| to_the_end(&xy, seed, threads));
    for (sums, solution) in &ends {
        assert!(sums.windows(2).all(|w| w[1] <= w[0] + 1e-6), "the sum rose");
        assert!(sizes(solution).iter().all(|z| (3..=5).contains(z)));
        assert!((solution.sse_m2 - ends[0].1.sse_m2).abs() < 1e-6 * solution.sse_m2, "{}", solution.sse_m2);
    }
    assert_eq!(ends[0], ends[2]);
}

#[test]
fn same_result_at_any_thread_count() {
    let xy = random_points(5, 900);
    let run = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("pool")
            .install(|| solve(&input(&xy), &options(10, 15), 12))
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(4));
}

#[test]
fn law_zones_never_share_a_unit() {
    let xy = random_points(8, 300);
    let law: Vec<u32> = (0..300).map(|i| i % 3).collect();
    let s = solve(&UnitsInput { law: &law, ..input(&xy) }, &options(10, 15), 10);
    let mut zone = vec![None; s.units as usize];
    for (&u, &l) in s.unit_of.iter().zip(&law) {
        assert_eq!(*zone[u as usize].get_or_insert(l), l);
    }
}

#[test]
fn preferred_container_that_fits_is_never_mixed() {
    let xy = random_points(9, 120);
    let hamlet: Vec<u32> = (0..120).map(|i| if i < 25 { 0 } else { 1 + i % 20 }).collect();
    let prefer = [hamlet.clone()];
    let s = solve(&UnitsInput { prefer: &prefer, ..input(&xy) }, &options(10, 15), 10);
    let inside: std::collections::BTreeSet<u32> = s.unit_of[..25].iter().copied().collect();
    assert!(s.unit_of[25..].iter().all(|u| !inside.contains(u)));
    assert!(s.exceptions.is_empty(), "hamlets of 4 and 5 are pooled: {:?}", s.exceptions);
}

#[test]
fn tower_is_grouped_by_stairwell_and_floor() {
    // Two stairwells of 12 floors and 2 households a floor, in scrambled order.
    let mut order: Vec<(u32, i32)> = (0..48).map(|i| (i / 24, (i % 24 / 2) as i32)).collect();
    let mut r = Random::new(4);
    for i in (1..order.len()).rev() {
        order.swap(i, r.below(i as u32 + 1) as usize);
    }
    let xy = vec![[5.0, 5.0]; 48];
    let stairwell: Vec<u32> = order.iter().map(|o| o.0).collect();
    let floor: Vec<i32> = order.iter().map(|o| o.1).collect();
    let s = solve(&UnitsInput { stairwell: &stairwell, floor: &floor, ..input(&xy) }, &options(10, 15), 3);
    let mut of: std::collections::BTreeMap<u32, std::collections::BTreeSet<u32>> = std::collections::BTreeMap::new();
    let mut storey: std::collections::BTreeMap<(u32, i32), std::collections::BTreeSet<u32>> =
        std::collections::BTreeMap::new();
    for (i, &u) in s.unit_of.iter().enumerate() {
        of.entry(u).or_default().insert(stairwell[i]);
        storey.entry((stairwell[i], floor[i])).or_default().insert(u);
    }
    assert!(of.values().all(|w| w.len() == 1), "a unit spans two stairwells: {of:?}");
    assert!(storey.values().all(|u| u.len() == 1), "a floor is split");
    assert!(s.exceptions.is_empty() && s.sse_m2 == 0.0);
}

#[test]
fn degenerate_places_are_divided_or_listed() {
    let line: Vec<[f64; 2]> = (0..57).map(|i| [f64::from(i), 0.0]).collect();
    let hair: Vec<[f64; 2]> = (0..57).map(|i| [f64::from(i) * 1e-9, 1.0]).collect();
    let mut tower = vec![[100.0, 100.0]; 3000];
    tower.extend(random_points(1, 200));
    for xy in [line, hair, vec![[1.0, 2.0]; 61], tower] {
        let s = solve(&input(&xy), &options(10, 15), 4);
        assert!(sizes(&s).iter().all(|z| (10..=15).contains(z)));
    }
    let bad = [[f64::NAN, 0.0]; 3];
    assert_eq!(UnitsSolver::new(&input(&bad), &options(10, 15)).err(), Some(UnitsError::NotFinite { index: 0 }));
}

#[test]
fn far_hamlets_of_four_become_exceptions_only_with_a_reach() {
    let mut xy = Vec::new();
    for h in 0..40 {
        for i in 0..4 {
            xy.push([f64::from(h) * 5_000.0, f64::from(i) * 10.0]);
        }
    }
    assert!(solve(&input(&xy), &options(10, 15), 4).exceptions.is_empty());
    let near = UnitsOptions { max_reach_m: Some(500.0), ..options(10, 15) };
    assert_eq!(solve(&input(&xy), &near, 4).exceptions.len(), 40);
}

#[test]
fn fixed_count_is_kept_or_refused_with_numbers() {
    let xy = random_points(11, 200);
    let fixed = |count| UnitsOptions { count: Some(count), ..options(10, 15) };
    assert_eq!(solve(&input(&xy), &fixed(16), 8).units, 16);
    assert_eq!(
        UnitsSolver::new(&input(&xy), &fixed(30)).err(),
        Some(UnitsError::Count { count: 30, low: 14, high: 20 })
    );
}
