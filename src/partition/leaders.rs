//! Proposal of a unit's leader (联户长) and deputies (副联户长): people decide, this only proposes.

/// Reason listed for a unit in which nobody may be proposed.
pub const NO_ELIGIBLE_CANDIDATE: &str = "no_eligible_candidate";

/// Proposes the medoid of the members as leader, then deputies that minimise the farthest member's walk to the nearest of the
/// three (the discrete p-centre with one centre fixed, Hakimi 1964, solved by trying every pair).
///
/// `xy` in metres, one entry a member; `eligible` restricts candidates when given: nobody is proposed where nobody is eligible, and
/// where too few are for all deputies, the eligible ones are and others fill the number (H8), by the same measure. At most two
/// deputies. Returns member indices, leader first; fewer than `1 + deputies` when the unit has fewer members. O(m^(deputies+1)).
#[must_use]
pub fn propose(xy: &[[f64; 2]], eligible: Option<&[bool]>, deputies: u32) -> Vec<usize> {
    let distance = |a: usize, b: usize| (xy[a][0] - xy[b][0]).hypot(xy[a][1] - xy[b][1]);
    let may = |i: usize| eligible.is_none_or(|e| e.get(i).copied().unwrap_or(false));
    let walk = |i: usize| (0..xy.len()).map(|j| distance(i, j)).sum::<f64>();
    let medoid = (0..xy.len()).filter(|&i| may(i)).min_by(|&a, &b| walk(a).total_cmp(&walk(b)).then(a.cmp(&b)));
    let Some(leader) = medoid else { return Vec::new() };
    let (pool, rest): (Vec<usize>, Vec<usize>) = (0..xy.len()).filter(|&i| i != leader).partition(|&i| may(i));
    let wanted = (deputies.min(2) as usize).min(xy.len() - 1);
    // Who is eligible goes before who is not; only the choice within is free.
    let (mut chosen, free) = if pool.len() < wanted { (pool, rest) } else { (Vec::new(), pool) };
    chosen.insert(0, leader);
    let near: Vec<f64> =
        (0..xy.len()).map(|j| chosen.iter().map(|&o| distance(o, j)).fold(f64::INFINITY, f64::min)).collect();
    let farthest = |a: usize, b: usize| {
        near.iter().enumerate().map(|(j, n)| n.min(distance(a, j)).min(distance(b, j))).fold(0.0, f64::max)
    };
    match wanted + 1 - chosen.len() {
        0 => {}
        1 => {
            let best = free.iter().copied().min_by(|&a, &b| farthest(a, a).total_cmp(&farthest(b, b)).then(a.cmp(&b)));
            chosen.extend(best);
        }
        _ => {
            let pairs = free.iter().enumerate().flat_map(|(i, &a)| free.iter().skip(i + 1).map(move |&b| (a, b)));
            let mut best: Option<(f64, usize, usize)> = None;
            for (a, b) in pairs {
                let f = farthest(a, b);
                if best.is_none_or(|x| f < x.0) {
                    best = Some((f, a, b));
                }
            }
            chosen.extend(best.into_iter().flat_map(|(_, a, b)| [a, b]));
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leader_is_the_medoid_and_deputies_shorten_the_farthest_walk() {
        let xy = [[0.0, 0.0], [50.0, 0.0], [52.0, 0.0], [100.0, 0.0], [48.0, 0.0]];
        assert_eq!(propose(&xy, None, 2), [1, 0, 3]);
    }

    #[test]
    fn eligible_restricts_the_candidates() {
        let xy = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]];
        assert_eq!(propose(&xy, Some(&[true, false, false, true]), 1), [0, 3]);
    }

    #[test]
    fn nobody_is_proposed_where_nobody_is_eligible() {
        assert_eq!(propose(&[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]], Some(&[false; 3]), 2), [0_usize; 0]);
    }

    /// The farthest walk to the nearest officer.
    fn farthest_m(xy: &[[f64; 2]], officers: &[usize]) -> f64 {
        let d = |a: usize, b: usize| (xy[a][0] - xy[b][0]).hypot(xy[a][1] - xy[b][1]);
        (0..xy.len()).map(|j| officers.iter().map(|&o| d(o, j)).fold(f64::INFINITY, f64::min)).fold(0.0, f64::max)
    }

    #[test]
    fn deputies_are_the_best_of_all_sets_of_members() {
        let mut r = crate::domain::random::Random::new(3);
        for case in 0..300_u32 {
            let m = 1 + case as usize % 9;
            let xy: Vec<[f64; 2]> = (0..m).map(|_| [r.unit() * 100.0, r.unit() * 100.0]).collect();
            let may: Vec<bool> = (0..m).map(|_| case % 3 == 0 || r.unit() < 0.4).collect();
            for deputies in 0..=2_u32 {
                let got = propose(&xy, Some(&may), deputies);
                if !may.contains(&true) {
                    assert!(got.is_empty());
                    continue;
                }
                let leader = got[0];
                let walk = |i: usize| xy.iter().map(|p| (p[0] - xy[i][0]).hypot(p[1] - xy[i][1])).sum::<f64>();
                assert!(may[leader] && (0..m).all(|i| !may[i] || walk(leader) <= walk(i)));
                let wanted = (deputies as usize).min(m - 1);
                assert_eq!(got.len(), 1 + wanted);
                // Every set of so many others that holds as many eligible ones as there can be.
                let most = (0..m).filter(|&i| i != leader && may[i]).count().min(wanted);
                let best = (0..1_u32 << m)
                    .filter(|s| s.count_ones() as usize == wanted && s >> leader & 1 == 0)
                    .map(|s| (0..m).filter(|i| s >> i & 1 == 1).collect::<Vec<_>>())
                    .filter(|set| set.iter().filter(|i| may[**i]).count() == most)
                    .map(|mut set| {
                        set.push(leader);
                        farthest_m(&xy, &set)
                    })
                    .fold(f64::INFINITY, f64::min);
                assert_eq!(got[1..].iter().filter(|i| may[**i]).count(), most);
                assert!(farthest_m(&xy, &got) <= best + 1e-9, "case {case}: {got:?}");
            }
        }
    }

    #[test]
    fn officers_are_distinct_and_never_more_than_members() {
        for m in 0..5 {
            let xy = vec![[1.0, 1.0]; m];
            let mut p = propose(&xy, None, 2);
            assert_eq!(p.len(), m.min(3));
            p.sort_unstable();
            p.dedup();
            assert_eq!(p.len(), m.min(3));
        }
    }
}
