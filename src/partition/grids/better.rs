//! Whether a few atoms can be divided more evenly than they are: branch and bound over connected partitions.

use std::collections::HashSet;

use super::AtomGraph;

/// Most atoms that are searched: they fit the bits of one word.
pub const MOST_ATOMS: usize = 60;

/// What a search for a more even partition found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Better {
    /// There is one; `least` when no partition has a lower deviation still, or it lies within the tolerance.
    Yes {
        /// Part of each atom.
        part: Vec<u32>,
        /// Nothing better is wanted or possible.
        least: bool,
    },
    /// No connected partition into as many parts has a lower deviation.
    No,
    /// The operations were used up before an answer.
    Undecided,
    /// More than [`MOST_ATOMS`] atoms.
    TooLarge,
}

/// The operations are used up.
struct Spent;

/// Looks for a partition of a connected graph into as many connected parts as `part` has, whose deviation is lower: one within
/// `tolerance` first, else the least there is. Returns the operations used too (at most `most`, by which alone it is cut short, so
/// that the answer is the same everywhere).
///
/// 1. Deviations are whole numbers |k·h − W| (k parts, h households of one, W of all), so a bound on them is an interval of h.
/// 2. Of the atoms left, the first in breadth-first order belongs to some part: all connected sets around it with households in
///    the interval are tried, most neighbours first; an atom that was tried is then left to other parts.
/// 3. The interval ends at sums that atoms can add up to at all (houses of ten never make 86).
/// 4. Every component of what is left must be divisible into a whole number of parts in the interval, all together as many as are
///    wanted; a component that holds an atom left to others must be able to hold a part. What failed once is remembered.
///
/// Exponential in the worst case; tight intervals and heavy atoms prune most.
#[must_use]
pub fn better_partition(graph: &AtomGraph, part: &[u32], tolerance: f64, most: u64) -> (Better, u64) {
    let n = graph.xy.len();
    if n > MOST_ATOMS {
        return (Better::TooLarge, 0);
    }
    let parts = part.iter().max().map_or(0, |m| m + 1);
    let mut search = Search::new(graph, most);
    let total: u64 = search.households.iter().sum();
    if total == 0 || parts < 2 {
        return (Better::No, 0);
    }
    let deviation = |part: &[u32]| -> u64 {
        let mut held = vec![0_u64; parts as usize];
        for (&p, &h) in part.iter().zip(&graph.households) {
            held[p as usize] += u64::from(h);
        }
        held.iter().map(|h| (h * u64::from(parts)).abs_diff(total)).max().unwrap_or(0)
    };
    let allowed = (tolerance * total as f64 + 1e-6) as u64;
    let mut found: Option<Vec<u32>> = None;
    let mut now = deviation(part);
    if now <= allowed {
        return (Better::No, 0);
    }
    let mut bound = allowed;
    loop {
        match search.run(bound, parts, total) {
            Ok(Some(better)) => {
                now = deviation(&better);
                found = Some(better);
                if now <= allowed {
                    break;
                }
            }
            // No partition at all below the bound: with a bound just under the present deviation this is the end.
            Ok(None) if bound + 1 == now || bound > allowed => break,
            Ok(None) => {}
            Err(Spent) => {
                let answer = found.map_or(Better::Undecided, |part| Better::Yes { part, least: false });
                return (answer, search.operations);
            }
        }
        bound = now - 1;
    }
    (found.map_or(Better::No, |part| Better::Yes { part, least: true }), search.operations)
}

/// Sets of atoms are words, bit by bit in breadth-first order.
struct Search {
    /// Atom of each bit.
    order: Vec<u32>,
    households: Vec<u64>,
    beside: Vec<u64>,
    low: u64,
    high: u64,
    operations: u64,
    most: u64,
    /// Atoms left and parts wanted that lead nowhere.
    failed: HashSet<(u64, u32)>,
    taken: Vec<u64>,
}

impl Search {
    fn new(graph: &AtomGraph, most: u64) -> Self {
        let n = graph.xy.len();
        // From an atom at the rim, so that parts are cut off from one side.
        let first = (0..n as u32).min_by(|&a, &b| {
            let at = |v: u32| graph.xy[v as usize];
            at(a)[0].total_cmp(&at(b)[0]).then(at(a)[1].total_cmp(&at(b)[1])).then(a.cmp(&b))
        });
        let mut order: Vec<u32> = first.into_iter().collect();
        let mut bit = vec![u32::MAX; n];
        if let Some(f) = first {
            bit[f as usize] = 0;
        }
        let mut at = 0;
        while at < order.len() {
            for &u in graph.adjacency.neighbours_of(order[at]) {
                if bit[u as usize] == u32::MAX {
                    bit[u as usize] = order.len() as u32;
                    order.push(u);
                }
            }
            at += 1;
        }
        let beside = order
            .iter()
            .map(|&v| graph.adjacency.neighbours_of(v).iter().fold(0, |m, &u| m | 1 << bit[u as usize]))
            .collect();
        let households = order.iter().map(|&v| u64::from(graph.households[v as usize])).collect();
        Self {
            order,
            households,
            beside,
            low: 0,
            high: 0,
            operations: 0,
            most,
            failed: HashSet::new(),
            taken: Vec::new(),
        }
    }

    /// A partition with |parts·h − total| ≤ `bound` for every part.
    fn run(&mut self, bound: u64, parts: u32, total: u64) -> Result<Option<Vec<u32>>, Spent> {
        let k = u64::from(parts);
        self.low = total.saturating_sub(bound).div_ceil(k);
        self.high = (total + bound) / k;
        self.failed.clear();
        self.taken.clear();
        let all = if self.order.len() == 64 { u64::MAX } else { (1 << self.order.len()) - 1 };
        if self.high == 0 || self.households.iter().any(|&h| h > self.high) || !self.narrow() {
            return Ok(None);
        }
        if !self.cut(all, parts)? {
            return Ok(None);
        }
        let mut part = vec![0; self.order.len()];
        for (p, set) in self.taken.iter().enumerate() {
            for i in bits(*set) {
                part[self.order[i] as usize] = p as u32;
            }
        }
        Ok(Some(part))
    }

    /// Narrows the interval to sums that some atoms, connected or not, add up to; false where there is none.
    fn narrow(&mut self) -> bool {
        let mut reached = vec![false; self.high as usize + 1];
        if let Some(r) = reached.first_mut() {
            *r = true;
        }
        for &h in &self.households {
            for sum in (h as usize..reached.len()).rev() {
                reached[sum] |= reached[sum - h as usize];
            }
        }
        let sums = || (self.low..=self.high).filter(|&s| reached.get(s as usize) == Some(&true));
        let (Some(low), Some(high)) = (sums().next(), sums().next_back()) else { return false };
        (self.low, self.high) = (low, high);
        true
    }

    fn weight(&self, set: u64) -> u64 {
        bits(set).map(|i| self.households[i]).sum()
    }

    fn around(&self, set: u64) -> u64 {
        bits(set).fold(0, |m, i| m | self.beside[i])
    }

    /// The connected set of atoms within `within` that `from` belongs to.
    fn component(&self, from: u64, within: u64) -> u64 {
        let (mut set, mut fresh) = (from, from);
        while fresh != 0 {
            fresh = self.around(fresh) & within & !set;
            set |= fresh;
        }
        set
    }

    /// Whether the components of `rest` can hold `parts` parts, by their households alone.
    fn may_hold(&self, mut rest: u64, parts: u32) -> bool {
        let (mut fewest, mut most) = (0, 0);
        while rest != 0 {
            let set = self.component(rest & rest.wrapping_neg(), rest);
            rest &= !set;
            let held = self.weight(set);
            let few = held.div_ceil(self.high).max(1);
            let many = held.checked_div(self.low).unwrap_or(u64::MAX).min(u64::from(set.count_ones()));
            if few > many {
                return false;
            }
            fewest += few;
            most += many;
        }
        (fewest..=most).contains(&u64::from(parts))
    }

    /// Divides `rest` into `parts` parts, which are then in `taken`.
    fn cut(&mut self, rest: u64, parts: u32) -> Result<bool, Spent> {
        if rest == 0 || parts == 0 {
            return Ok(rest == 0 && parts == 0);
        }
        self.spend(1)?;
        if self.failed.contains(&(rest, parts)) || !self.may_hold(rest, parts) {
            return Ok(false);
        }
        let first = rest & rest.wrapping_neg();
        let found = self.grow(rest, parts, first, 0)?;
        if !found {
            self.failed.insert((rest, parts));
        }
        Ok(found)
    }

    fn spend(&mut self, operations: u64) -> Result<(), Spent> {
        self.operations += operations;
        if self.operations > self.most { Err(Spent) } else { Ok(()) }
    }

    /// Tries `part` and every connected set that contains it and none of `left`, as the next part of `rest`.
    fn grow(&mut self, rest: u64, parts: u32, part: u64, mut left: u64) -> Result<bool, Spent> {
        self.spend(1)?;
        let held = self.weight(part);
        if held > self.high {
            return Ok(false);
        }
        // Growing only shrinks what is left, so a pocket with an atom for others is lost once it is too light.
        let mut open = left;
        while open != 0 {
            let pocket = self.component(open & open.wrapping_neg(), rest & !part);
            if self.weight(pocket) < self.low {
                return Ok(false);
            }
            open &= !pocket;
        }
        if held >= self.low {
            self.taken.push(part);
            if self.cut(rest & !part, parts - 1)? {
                return Ok(true);
            }
            self.taken.pop();
        }
        loop {
            let next = self.around(part) & rest & !part & !left;
            // The roundest first: the atom with most neighbours in the part.
            let Some(best) = bits(next).max_by_key(|&i| ((self.beside[i] & part).count_ones(), usize::MAX - i)) else {
                return Ok(false);
            };
            if held < self.low && self.weight(self.component(part, rest & !left)) < self.low {
                return Ok(false);
            }
            if self.grow(rest, parts, part | 1 << best, left)? {
                return Ok(true);
            }
            left |= 1 << best;
        }
    }
}

/// Positions of the bits that are set, ascending.
fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let i = set.trailing_zeros() as usize;
            set &= set - 1;
            i
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::effort::Random;
    use crate::partition::grids::exact::best_partition;
    use crate::partition::grids::figures;
    use crate::partition::grids::tests::chessboard;

    /// Any connected partition: parts grown from random atoms.
    fn some_partition(graph: &AtomGraph, parts: u32, seed: u64) -> Vec<u32> {
        let mut r = Random::new(seed);
        let n = graph.xy.len();
        let mut part = vec![u32::MAX; n];
        let mut p = 0;
        while p < parts {
            let v = r.below(n as u32) as usize;
            if part[v] == u32::MAX {
                part[v] = p;
                p += 1;
            }
        }
        while part.contains(&u32::MAX) {
            let v = r.below(n as u32);
            if part[v as usize] == u32::MAX {
                let row = graph.adjacency.neighbours_of(v);
                part[v as usize] = part[row[r.below(row.len() as u32) as usize] as usize];
            }
        }
        part
    }

    #[test]
    fn answer_is_that_of_all_partitions() {
        let (mut yes, mut no) = (0, 0);
        for seed in 0..60 {
            let mut graph = chessboard(if seed % 2 == 0 { 4 } else { 5 }, 2, 9, seed);
            if seed % 3 == 0 {
                graph.households[(seed % 8) as usize] = 0;
            }
            let count = 2 + (seed % 3) as u32;
            let tolerance = [0.0, 0.02, 0.1][(seed % 3) as usize];
            let ((over, _), optimal) = best_partition(&graph, count, tolerance).expect("a partition");
            for from in [some_partition(&graph, count, seed), optimal] {
                let now = figures(&graph, &from, count).deviation;
                let possible = (now - tolerance).max(0.0) > over + 1e-9;
                match better_partition(&graph, &from, tolerance, 1_000_000).0 {
                    Better::Yes { part, least } => {
                        let f = figures(&graph, &part, count);
                        assert!(possible && least && f.stray_pieces == 0, "seed {seed}");
                        assert!(((f.deviation - tolerance).max(0.0) - over).abs() < 1e-9, "seed {seed}: {f:?} {over}");
                        yes += 1;
                    }
                    Better::No => {
                        assert!(!possible, "seed {seed}: {now} where {over} beyond {tolerance} is possible");
                        no += 1;
                    }
                    other => panic!("seed {seed}: {other:?}"),
                }
            }
        }
        assert!(yes > 20 && no > 20, "{yes} {no}");
    }

    #[test]
    fn sixty_atoms_are_answered_or_said_to_be_open() {
        let graph = chessboard(10, 6, 9, 3);
        let from = some_partition(&graph, 4, 1);
        let (answer, operations) = better_partition(&graph, &from, 0.01, 400_000);
        let Better::Yes { part, .. } = answer else { panic!("{answer:?}") };
        let f = figures(&graph, &part, 4);
        assert!(f.deviation <= 0.01 && f.stray_pieces == 0, "{f:?} after {operations}");
        assert_eq!(better_partition(&graph, &from, 0.01, 3), (Better::Undecided, 4));
        assert_eq!(better_partition(&chessboard(61, 1, 9, 3), &[0; 61], 0.01, 9), (Better::TooLarge, 0));
    }

    #[test]
    fn heavy_buildings_are_proven_at_once() {
        // Sixty buildings of ten households in seven grids: nothing but multiples of ten is near 85.7.
        let mut graph = chessboard(10, 6, 1, 1);
        graph.households = vec![10; 60];
        let (answer, operations) = better_partition(&graph, &some_partition(&graph, 7, 5), 0.01, 500_000);
        let Better::Yes { part, least: true } = answer else { panic!("{answer:?}") };
        assert!((figures(&graph, &part, 7).deviation - (1.0 - 80.0 * 7.0 / 600.0)).abs() < 1e-9, "{operations}");
        assert_eq!(better_partition(&graph, &part, 0.01, 500_000).0, Better::No);
    }
}
