//! Which counts of a table may be published (k-匿名与互补抑制): none below k, and none that would give one below k away.
//!
//! The table is a total and its parts, all counts of the same things. The total is published; so is every part but those withheld:
//! 1. parts below k (primary suppression). Parts of nothing look the same: what is not published may be nothing, a few, or a part that
//!    protects them;
//! 2. where one of 1…k−1 is withheld, further parts in the order given, until what is withheld together, R = total − all published,
//!    reaches (n − 1) + (k − 1) + k·m for n small parts and m others (complementary suppression). Then each small part could be any of
//!    1…k−1 whatever the others are; one other part is enough for most tables, and there is always at least one;
//! 3. where the parts run out before that, all parts are withheld; and where even the total says too much (below k, or so near the
//!    number of parts that are not empty that these must all be 1), nothing is published at all.
//!
//! Against whom: a reader who has every published number, knows this algorithm with its k and order, and knows which parts are not
//! empty. Two things make that hold, and the tests enumerate all small tables to see it: the order depends on no count, and step 2 asks
//! of R alone, which is published anyway. The usual choice, the smallest parts first, loses less and fails here: (9, 9, 2) of 20 would
//! show 9 and hide a pair of 11 of which one is known to be no more than 9, hence 2 (the *minimality attack*: Wong, Fu, Wang & Pei,
//! VLDB 2007). Primary and complementary suppression: Hundepool et al., *Statistical Disclosure Control*, Wiley 2012, chapter 4.
//!
//! Two tables of the same total (by place, by category) may both be published: what is withheld in one has no equation with the other
//! but the total, which is known. Finer, coarser or overlapping tables of the same things may not: they are one larger system.

/// The least k of a public count.
pub const LEAST_K: u64 = 5;

/// Which of the parts to withhold; `None` when not even the total may be told. `order` gives the places of the parts in the order in
/// which those of k and more are withheld to protect others; it must not depend on the counts. Linear in the parts.
#[must_use]
pub fn withheld(parts: &[u64], order: &[usize], k: u64) -> Option<Vec<bool>> {
    let total: u64 = parts.iter().sum();
    if total < k {
        return None;
    }
    let mut withheld: Vec<bool> = parts.iter().map(|v| *v < k).collect();
    let small = || parts.iter().filter(|v| (1..k).contains(*v));
    let n = small().count() as u64;
    if n == 0 {
        return Some(withheld);
    }
    let (mut residual, mut others) = (small().sum::<u64>(), 0);
    for at in order {
        let (Some(count), Some(hide)) = (parts.get(*at).filter(|v| **v >= k), withheld.get_mut(*at)) else { continue };
        *hide = true;
        residual += count;
        others += 1;
        if residual >= (n - 1) + (k - 1) + k * others {
            return Some(withheld);
        }
    }
    let filled = parts.iter().filter(|v| **v > 0).count() as u64;
    (total + 1 >= filled + k).then(|| vec![true; parts.len()])
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// All ways to write a total as so many parts.
    fn tables(total: u64, parts: usize) -> Vec<Vec<u64>> {
        if parts == 1 {
            return vec![vec![total]];
        }
        let with = |first: u64| {
            tables(total - first, parts - 1).into_iter().map(move |mut rest| {
                rest.insert(0, first);
                rest
            })
        };
        (0..=total).flat_map(with).collect()
    }

    fn published(parts: &[u64], k: u64) -> Option<Vec<Option<u64>>> {
        let order: Vec<usize> = (0..parts.len()).collect();
        let hidden = withheld(parts, &order, k)?;
        Some(parts.iter().zip(hidden).map(|(v, h)| (!h).then_some(*v)).collect())
    }

    /// The fewest values that a part which is withheld and not empty could have, for a reader who knows the algorithm and tries every
    /// table there is with what was published. Also knows which parts are empty, if `knows_empty`.
    fn fewest(parts: usize, most: u64, k: u64, knows_empty: bool) -> usize {
        let mut fewest = usize::MAX;
        for total in k..=most {
            let mut alike: BTreeMap<_, Vec<Vec<u64>>> = BTreeMap::new();
            for table in tables(total, parts) {
                if let Some(seen) = published(&table, k) {
                    let empty: Vec<bool> = table.iter().map(|v| knows_empty && *v == 0).collect();
                    alike.entry((seen, empty)).or_default().push(table);
                }
            }
            for ((seen, _), tables) in alike {
                for at in (0..parts).filter(|at| seen[*at].is_none()) {
                    let values: BTreeSet<u64> = tables.iter().map(|t| t[at]).collect();
                    if values.iter().any(|v| *v > 0) {
                        fewest = fewest.min(values.len());
                    }
                }
            }
        }
        fewest
    }

    #[test]
    fn a22_whoever_knows_the_algorithm_and_tries_every_table_finds_none_with_one_value() {
        for knows_empty in [false, true] {
            for (parts, most, k) in [(2, 24, 3), (3, 20, 3), (4, 16, 3), (5, 12, 3)] {
                assert!(fewest(parts, most, k, knows_empty) >= 2, "{parts} {most} {k} {knows_empty}");
            }
            for (parts, most) in [(2, 30), (3, 30), (4, 22)] {
                assert!(fewest(parts, most, LEAST_K, knows_empty) >= 4, "{parts} {most} {knows_empty}");
            }
        }
    }

    #[test]
    fn smallest_first_would_give_a_part_away() {
        // all tables of 20 in three parts from which the smallest complement shows (–, 9, –)
        let smallest_first = |parts: &[u64]| {
            let mut order: Vec<usize> = (0..parts.len()).collect();
            order.sort_by_key(|at| (parts[*at], *at));
            withheld(parts, &order, 3)
        };
        let shows = |t: &Vec<u64>| t[1] == 9 && smallest_first(t) == Some(vec![true, false, true]);
        let alike: Vec<Vec<u64>> = tables(20, 3).into_iter().filter(shows).collect();
        assert_eq!(alike, [vec![9, 9, 2]], "which is why the order is blind");
    }

    #[test]
    fn a_lone_small_part_takes_a_large_one_with_it() {
        assert_eq!(published(&[7, 3, 9], 5), Some(vec![None, None, Some(9)]));
        // 6 = 5 + 1 alone would say which is which; so one more goes
        assert_eq!(published(&[5, 1, 9, 20], 5), Some(vec![None, None, None, Some(20)]));
        assert_eq!(published(&[7, 0, 9], 5), Some(vec![Some(7), None, Some(9)]), "nothing is a part of no one");
        assert_eq!(published(&[1; 5], 5), None, "five parts and five things: each is one");
        assert_eq!(published(&[2; 5], 5), Some(vec![None; 5]));
        assert_eq!((published(&[4, 0], 5), published(&[], 5)), (None, None));
    }

    proptest! {
        /// Whoever computes with the total and all published parts, and knows which are empty, is left with k values for each.
        #[test]
        fn a22_nobody_computes_what_is_withheld(
            parts in prop::collection::vec(prop_oneof![3 => Just(0_u64), 4 => 1_u64..8, 1 => 8_u64..200], 1..60),
            k in 5_u64..12,
            seed in any::<u64>(),
        ) {
            let mut order: Vec<usize> = (0..parts.len()).collect();
            order.sort_by_key(|at| crate::domain::random::stream_seed(seed, *at as u64, 0, 0));
            let Some(hidden) = withheld(&parts, &order, k) else {
                let filled = parts.iter().filter(|v| **v > 0).count() as u64;
                let total = parts.iter().sum::<u64>();
                prop_assert!(total < k || total < filled + k - 1);
                return Ok(());
            };
            prop_assert!(parts.iter().zip(&hidden).all(|(v, h)| *h || *v >= k), "none below k is told");
            let told: u64 = parts.iter().zip(&hidden).filter(|(_, h)| !**h).map(|(v, _)| v).sum();
            let residual = parts.iter().sum::<u64>() - told;
            let filled = parts.iter().zip(&hidden).filter(|(v, h)| **h && **v > 0).count() as u64;
            if filled > 0 {
                // each of them is at least 1, and at most what the others leave over when they are
                let (least, most) = (if filled == 1 { residual } else { 1 }, residual - (filled - 1));
                prop_assert!(most + 1 >= least + k, "{least}…{most} of {residual}");
            }
        }
    }
}
