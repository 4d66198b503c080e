//! Proposal of a unit's leader (联户长) and deputies (副联户长): people decide, this only proposes.

/// Proposes the medoid of the members as leader, then deputies that minimise the farthest member's walk to the nearest of the
/// three (the discrete p-centre with one centre fixed, Hakimi 1964, solved by trying every pair).
///
/// `xy` in metres, one entry a member; `eligible` restricts candidates when given (all members when nobody is eligible).
/// Returns member indices, leader first; fewer than `1 + deputies` when the unit has fewer members. O(m^(deputies+1)).
#[must_use]
pub fn propose(xy: &[[f64; 2]], eligible: Option<&[bool]>, deputies: u32) -> Vec<usize> {
    let distance = |a: usize, b: usize| (xy[a][0] - xy[b][0]).hypot(xy[a][1] - xy[b][1]);
    let mut candidates: Vec<usize> =
        (0..xy.len()).filter(|&i| eligible.is_none_or(|e| e.get(i).copied().unwrap_or(false))).collect();
    if candidates.is_empty() {
        candidates = (0..xy.len()).collect();
    }
    let walk = |i: usize| (0..xy.len()).map(|j| distance(i, j)).sum::<f64>();
    let Some(leader) = candidates.iter().copied().min_by(|&a, &b| walk(a).total_cmp(&walk(b)).then(a.cmp(&b))) else {
        return Vec::new();
    };
    let mut chosen = vec![leader];
    // Deputies need not be eligible twice over: where too few are, other members fill the number (H8).
    let mut pool: Vec<usize> = candidates.into_iter().filter(|&i| i != leader).collect();
    if pool.len() < deputies as usize {
        let rest: Vec<usize> = (0..xy.len()).filter(|i| *i != leader && !pool.contains(i)).collect();
        let missing = deputies as usize - pool.len();
        pool.extend(rest.into_iter().take(missing));
    }
    let from_leader: Vec<f64> = (0..xy.len()).map(|j| distance(leader, j)).collect();
    let farthest = |a: usize, b: usize| {
        (0..xy.len()).map(|j| from_leader[j].min(distance(a, j)).min(distance(b, j))).fold(0.0, f64::max)
    };
    match deputies {
        0 => {}
        1 => {
            chosen.extend(
                pool.iter().copied().min_by(|&a, &b| farthest(a, a).total_cmp(&farthest(b, b)).then(a.cmp(&b))),
            );
        }
        _ => {
            let mut best: Option<(f64, usize, usize)> = None;
            for (i, &a) in pool.iter().enumerate() {
                for &b in &pool[i + 1..] {
                    let f = farthest(a, b);
                    if best.is_none_or(|x| f < x.0) {
                        best = Some((f, a, b));
                    }
                }
            }
            match best {
                Some((_, a, b)) => chosen.extend([a, b]),
                None => chosen.extend(pool.first()),
            }
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
