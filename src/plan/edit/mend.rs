//! The cheapest way to make one unit legal, counted in households moved.

use std::collections::{BTreeMap, VecDeque};

use super::apply::Done;
use super::operation::Reason;
use super::settle::Book;

/// Neighbouring units that one hands households to.
const NEIGHBOURS: usize = 8;
/// Units a household may be handed on through.
const LONGEST_CHAIN: usize = 8;

impl Book<'_> {
    /// Makes one unit legal in the way that moves the fewest households; false where there is none.
    pub(super) fn mend(&mut self, place: (u32, u32), u: u32) -> Result<bool, Vec<Reason>> {
        let (min, max) = self.bounds();
        let n = self.members[u as usize].len();
        let frozen = self.draft.state.units[u as usize].officers_locked;
        let chains = if n < min { self.chains(place, u, min - n, true) } else { self.chains(place, u, n - max, false) };
        let chained: Option<usize> = chains.as_ref().map(|c| c.iter().map(|c| c.len() - 1).sum());
        if n < min {
            let rooms = if frozen { None } else { self.rooms(place, u) };
            match (chained, rooms) {
                (Some(cost), rooms) if rooms.is_none() || cost <= n => self.hand_on(&chains.unwrap_or_default()),
                (_, Some(rooms)) => {
                    for (r, to) in rooms {
                        self.put(r, to);
                    }
                }
                _ => return Ok(false),
            }
            return Ok(true);
        }
        let half = (n >= 2 * min).then_some(min.max(n.saturating_sub(max)));
        match (chained, half) {
            (Some(cost), half) if half.is_none_or(|h| cost <= h) => self.hand_on(&chains.unwrap_or_default()),
            (_, Some(half)) => self.split_off(place.0, u, half)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `count` chains of units from (or to, when `borrow`) `u` along which one household each is handed on; the sizes stay legal.
    fn chains(&self, place: (u32, u32), u: u32, count: usize, borrow: bool) -> Option<Vec<Vec<u32>>> {
        let (min, max) = self.bounds();
        let open = self.open_units(place);
        let mut size: BTreeMap<u32, usize> = open.iter().map(|&v| (v, self.members[v as usize].len())).collect();
        let near: BTreeMap<u32, Vec<u32>> = open.iter().map(|&v| (v, self.nearest_units(&open, v))).collect();
        let mut found = Vec::new();
        for _ in 0..count {
            let mut came: BTreeMap<u32, u32> = BTreeMap::from([(u, u)]);
            let mut queue = VecDeque::from([(u, 0_usize)]);
            let mut end = None;
            while let Some((v, depth)) = queue.pop_front() {
                let can = if borrow { size[&v] > min } else { size[&v] < max };
                if v != u && can {
                    end = Some(v);
                    break;
                }
                if depth == LONGEST_CHAIN {
                    continue;
                }
                for &w in near.get(&v).into_iter().flatten() {
                    came.entry(w).or_insert_with(|| {
                        queue.push_back((w, depth + 1));
                        v
                    });
                }
            }
            let mut chain = vec![end?];
            while let Some(&last) = chain.last().filter(|l| **l != u) {
                chain.push(*came.get(&last)?);
            }
            // From giver to taker.
            if !borrow {
                chain.reverse();
            }
            let (giver, taker) = (chain[0], *chain.last()?);
            *size.get_mut(&giver)? -= 1;
            *size.get_mut(&taker)? += 1;
            found.push(chain);
        }
        Some(found)
    }

    fn nearest_units(&self, open: &[u32], u: u32) -> Vec<u32> {
        let c = self.centre(u);
        let mut by: Vec<(f64, u32)> = open
            .iter()
            .filter(|v| **v != u)
            .map(|&v| {
                let d = self.centre(v);
                ((d[0] - c[0]).powi(2) + (d[1] - c[1]).powi(2), v)
            })
            .collect();
        by.sort_by(|a, b| a.0.total_cmp(&b.0));
        by.into_iter().take(NEIGHBOURS).map(|b| b.1).collect()
    }

    /// Hands one household on along each chain: each time the one that fits the next unit best.
    fn hand_on(&mut self, chains: &[Vec<u32>]) {
        for chain in chains {
            // The last hop first, so that nobody is handed on twice.
            for hop in chain.windows(2).rev() {
                let (from, to) = (hop[0], hop[1]);
                let (a, b) = (self.centre(from), self.centre(to));
                let d2 = |p: [f64; 2], q: [f64; 2]| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
                let best = self.members[from as usize]
                    .iter()
                    .copied()
                    .filter(|&r| self.may_go(from, r))
                    .map(|r| {
                        let p = self.draft.state.land.at(r);
                        // A leader goes only where all are equally well placed.
                        (d2(p, b) - d2(p, a), self.is_officer(from, r), r)
                    })
                    .min_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)).then(x.2.cmp(&y.2)));
                if let Some((_, _, r)) = best {
                    self.put(r, to);
                }
            }
        }
    }

    /// Where each member of a unit would go if it were dissolved: the nearest unit with room; `None` where room is missing.
    fn rooms(&self, place: (u32, u32), u: u32) -> Option<Vec<(u32, u32)>> {
        let max = self.bounds().1;
        let mut room: Vec<(u32, usize)> = self
            .open_units(place)
            .into_iter()
            .filter(|v| *v != u)
            .map(|v| (v, max.saturating_sub(self.members[v as usize].len())))
            .collect();
        let mut moves = Vec::new();
        for &r in &self.members[u as usize] {
            let p = self.draft.state.land.at(r);
            let to = room.iter_mut().filter(|v| v.1 > 0).min_by(|a, b| {
                let d2 = |v: u32| {
                    let c = self.centre(v);
                    (c[0] - p[0]).powi(2) + (c[1] - p[1]).powi(2)
                };
                d2(a.0).total_cmp(&d2(b.0))
            })?;
            to.1 -= 1;
            moves.push((r, to.0));
        }
        Some(moves)
    }

    /// Parts a unit: the `count` members on one end of its longer extent found a new one.
    fn split_off(&mut self, grid: u32, u: u32, count: usize) -> Done {
        let at = |r: u32| self.draft.state.land.at(r);
        let own = self.members[u as usize].clone();
        let spread = |i: usize| {
            let (lo, hi) =
                own.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &r| (l.min(at(r)[i]), h.max(at(r)[i])));
            hi - lo
        };
        let axis = usize::from(spread(1) > spread(0));
        let mut order: Vec<u32> = own.iter().copied().filter(|&r| self.may_go(u, r)).collect();
        order.sort_by(|&a, &b| at(a)[axis].total_cmp(&at(b)[axis]).then(a.cmp(&b)));
        // The end without the leader goes.
        let leader = own.iter().position(|&r| {
            self.draft.state.units[u as usize].leader.as_deref() == Some(self.draft.state.land.household_id(r))
        });
        if leader.and_then(|l| order.iter().position(|r| *r == own[l])).is_some_and(|i| i < order.len() / 2) {
            order.reverse();
        }
        let new = self.found(grid, None)?;
        for r in order.into_iter().take(count) {
            self.put(r, new);
        }
        Ok(())
    }
}
