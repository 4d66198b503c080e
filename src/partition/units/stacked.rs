//! Which households of one building go to which of the units it feeds: stairwells and floors together.
//!
//! Households at one place are alike to the objective, so this never changes the sum of squares.

/// Splitting a stairwell costs this many split floors.
const STAIRWELL: u64 = 1_000;

/// Deals the households of each location to its units anew: in order of stairwell, floor and input, in unbroken runs. Units that
/// lie wholly in one location may change their sizes within `(min, max)`. Returns the unit of each household.
#[must_use]
pub fn deal_buildings(
    households: &[u32],
    location: &[u32],
    unit_of: &[u32],
    units: u32,
    stairwell: &[u32],
    floor: &[i32],
    (min, max): (u32, u32),
) -> Vec<u32> {
    let mut dealt = unit_of.to_vec();
    let places = location.iter().max().map_or(0, |m| *m as usize + 1);
    let mut at: Vec<Vec<u32>> = vec![Vec::new(); places];
    for (i, &l) in location.iter().enumerate() {
        at[l as usize].push(i as u32);
    }
    // A unit with members elsewhere keeps its number here.
    let mut home = vec![u32::MAX; units as usize];
    for (i, &u) in unit_of.iter().enumerate() {
        let h = &mut home[u as usize];
        *h = if *h == u32::MAX || *h == location[i] { location[i] } else { u32::MAX - 1 };
    }
    for (l, mut here) in at.into_iter().enumerate() {
        if here.len() < 2 {
            continue;
        }
        let key = |i: u32| {
            let h = households[i as usize] as usize;
            (stairwell.get(h).copied().unwrap_or(0), floor.get(h).copied().unwrap_or(0), h)
        };
        here.sort_by_key(|&i| key(i));
        let mut held: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
        for &i in &here {
            *held.entry(unit_of[i as usize]).or_default() += 1;
        }
        if held.len() < 2 {
            continue;
        }
        let (own, shared): (Vec<_>, Vec<_>) = held.into_iter().partition(|(u, _)| home[*u as usize] as usize == l);
        let mut order = here.iter().copied();
        for (unit, n) in shared {
            for i in order.by_ref().take(n as usize) {
                dealt[i as usize] = unit;
            }
        }
        let rest: Vec<u32> = order.collect();
        let sizes: Vec<u32> = own.iter().map(|o| o.1).collect();
        let free = sizes.iter().all(|s| (min..=max).contains(s));
        let runs = if free { aligned_runs(&rest, &key, own.len(), min, max) } else { None };
        let runs = runs.unwrap_or(sizes);
        let mut order = rest.into_iter();
        for ((unit, _), n) in own.into_iter().zip(runs) {
            for i in order.by_ref().take(n as usize) {
                dealt[i as usize] = unit;
            }
        }
    }
    dealt
}

/// Lengths of `count` runs of `min..=max` that cut the fewest stairwells, then the fewest floors.
fn aligned_runs(
    order: &[u32],
    key: &impl Fn(u32) -> (u32, i32, usize),
    count: usize,
    min: u32,
    max: u32,
) -> Option<Vec<u32>> {
    let n = order.len();
    let cut = |at: usize| {
        if at == 0 || at == n {
            return 0;
        }
        let (a, b) = (key(order[at - 1]), key(order[at]));
        match (a.0 == b.0, a.1 == b.1) {
            (true, true) => STAIRWELL + 1,
            (true, false) => STAIRWELL,
            _ => 0,
        }
    };
    let mut best = vec![vec![u64::MAX; n + 1]; count + 1];
    best[0][0] = 0;
    for run in 1..=count {
        for end in run * min as usize..=n.min(run * max as usize) {
            best[run][end] = (min as usize..=(max as usize).min(end))
                .filter_map(|len| best[run - 1][end - len].checked_add(cut(end)))
                .min()
                .unwrap_or(u64::MAX);
        }
    }
    if best[count][n] == u64::MAX {
        return None;
    }
    let (mut end, mut runs) = (n, Vec::with_capacity(count));
    for run in (1..=count).rev() {
        let len = (min as usize..=(max as usize).min(end))
            .find(|len| best[run - 1][end - len].checked_add(cut(end)) == Some(best[run][end]))?;
        runs.push(len as u32);
        end -= len;
    }
    runs.reverse();
    Some(runs)
}
