//! The units of a pool, and taking over from a re-solved region whatever is better by itself.
//!
//! Old units and new parts that share households hang together; what hangs together can be exchanged without touching the rest
//! (the idea of partition crossover: Whitley, Hains & Howe 2009). So a region of forty units annealed anew may be worse as a
//! whole and still yield every gain inside it.

use crate::graph::Csr;

/// A re-solved region.
pub(super) struct Candidate {
    /// Its households: all members of some units at the time it was read.
    pub(super) households: Vec<u32>,
    /// New part of each.
    pub(super) part: Vec<u32>,
    /// Number of new parts; none is empty.
    pub(super) parts: u32,
    /// Moves tried for it.
    pub(super) tried: u64,
}

impl Candidate {
    /// Leaves out the parts that are what they were; `before` is the part of each household at the start.
    pub(super) fn forget_unchanged(&mut self, before: &[u32]) {
        const MIXED: u32 = u32::MAX - 1;
        let mut was = vec![(u32::MAX, 0_u32); self.parts as usize];
        let mut sizes = vec![0_u32; before.iter().max().map_or(0, |m| *m as usize + 1)];
        for (&p, &b) in self.part.iter().zip(before) {
            let (from, n) = &mut was[p as usize];
            *from = if *from == b || *from == u32::MAX { b } else { MIXED };
            *n += 1;
            sizes[b as usize] += 1;
        }
        let mut number = vec![None; was.len()];
        let mut parts = 0;
        for (number, &(from, n)) in number.iter_mut().zip(&was) {
            if from == MIXED || sizes[from as usize] != n {
                *number = Some(parts);
                parts += 1;
            }
        }
        let kept = |p: &u32| number[*p as usize];
        self.households =
            self.households.iter().zip(&self.part).filter(|(_, p)| kept(p).is_some()).map(|(h, _)| *h).collect();
        self.part = self.part.iter().filter_map(kept).collect();
        self.parts = parts;
    }
}

/// The units of one pool.
pub(super) struct State {
    pub(super) xy: Vec<[f64; 2]>,
    pub(super) location: Vec<u32>,
    pub(super) unit_of: Vec<u32>,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) fixed: bool,
    members: Vec<Vec<u32>>,
    mean: Vec<[f64; 2]>,
    cost_m2: Vec<f64>,
    /// Times each unit changed, to tell whether an exchange found earlier still fits.
    version: Vec<u32>,
    exception: Option<u32>,
    gone: Vec<u32>,
}

/// Old units and the parts that may take their place.
struct Exchange {
    old: Vec<(u32, u32)>,
    new: Vec<Vec<u32>>,
    gain_m2: f64,
}

#[derive(Clone, Copy, Default)]
struct Group {
    households: i64,
    outside: i64,
    units: i64,
    gain_m2: f64,
}

impl State {
    pub(super) fn new(
        xy: Vec<[f64; 2]>,
        location: Vec<u32>,
        unit_of: Vec<u32>,
        units: usize,
        (min, max): (u32, u32),
        fixed: bool,
    ) -> Self {
        let rows = Csr::inverse(units, &unit_of);
        let members: Vec<Vec<u32>> = (0..units as u32).map(|u| rows.neighbours_of(u).to_vec()).collect();
        let mut state = Self {
            xy,
            location,
            unit_of,
            min,
            max,
            fixed,
            members: Vec::new(),
            mean: Vec::new(),
            cost_m2: Vec::new(),
            version: vec![0; units],
            exception: members.iter().position(|m| !(min..=max).contains(&(m.len() as u32))).map(|u| u as u32),
            gone: Vec::new(),
        };
        for m in members {
            let (mean, cost) = state.measure(&m);
            state.members.push(m);
            state.mean.push(mean);
            state.cost_m2.push(cost);
        }
        state
    }

    /// Number of units.
    pub(super) fn units(&self) -> usize {
        self.members.len() - self.gone.len()
    }

    /// Number of slots: units and gaps.
    pub(super) fn slots(&self) -> usize {
        self.members.len()
    }

    pub(super) fn members(&self, unit: u32) -> &[u32] {
        &self.members[unit as usize]
    }

    pub(super) fn mean(&self, unit: u32) -> [f64; 2] {
        self.mean[unit as usize]
    }

    /// Σ squared distance of a unit's households to its mean.
    pub(super) fn cost_m2(&self, unit: u32) -> f64 {
        self.cost_m2[unit as usize]
    }

    /// The unit that is a listed exception.
    pub(super) fn exception(&self) -> Option<u32> {
        self.exception
    }

    /// Sizes a unit may have: where one unit is an exception, all keep theirs.
    pub(super) fn bounds(&self, unit: u32) -> (u32, u32) {
        let size = self.members[unit as usize].len() as u32;
        if self.exception.is_some() { (size, size) } else { (self.min, self.max) }
    }

    /// Whether no other division can be legal.
    pub(super) fn is_only_answer(&self) -> bool {
        self.members.len() < 2 && (self.fixed || (self.xy.len() as u32) < 2 * self.min)
    }

    fn measure(&self, members: &[u32]) -> ([f64; 2], f64) {
        let Some(&first) = members.first() else { return ([0.0; 2], 0.0) };
        let (origin, n) = (self.xy[first as usize], members.len() as f64);
        let (mut sum, mut square) = ([0.0; 2], 0.0);
        for &h in members {
            let p = self.xy[h as usize];
            let d = [p[0] - origin[0], p[1] - origin[1]];
            sum = [sum[0] + d[0], sum[1] + d[1]];
            square += d[0] * d[0] + d[1] * d[1];
        }
        let cost = (square - (sum[0] * sum[0] + sum[1] * sum[1]) / n).max(0.0);
        ([origin[0] + sum[0] / n, origin[1] + sum[1] / n], cost)
    }

    /// Takes over, candidate by candidate, every exchange that lowers the sum (or the number of households outside the rules).
    /// With a fixed number of units an exchange with one unit more is paired with one with one fewer, if both together gain.
    /// Returns the units that changed; emptied slots stay until [`Self::close_gaps`].
    pub(super) fn adopt<'a>(&mut self, candidates: impl Iterator<Item = &'a Candidate>) -> Vec<u32> {
        let mut changed = Vec::new();
        let (mut more, mut fewer) = (Vec::new(), Vec::new());
        for candidate in candidates {
            for exchange in self.exchanges(candidate) {
                match (exchange.new.len() as i64 - exchange.old.len() as i64, self.fixed) {
                    (0, _) | (_, false) => self.apply(exchange, &mut changed),
                    (1, true) => more.push(exchange),
                    (-1, true) => fewer.push(exchange),
                    _ => {}
                }
            }
        }
        // Stable sorts: equal gains stay in the order of the candidates.
        more.sort_by(|a: &Exchange, b| b.gain_m2.total_cmp(&a.gain_m2));
        fewer.sort_by(|a: &Exchange, b| b.gain_m2.total_cmp(&a.gain_m2));
        let mut more = more.into_iter();
        for f in fewer {
            if !self.fits(&f) {
                continue;
            }
            let apart = |m: &Exchange| m.old.iter().all(|o| !f.old.contains(o));
            let Some(m) = more.find(|m| self.fits(m) && apart(m)) else { break };
            if m.gain_m2 + f.gain_m2 <= least_gain_m2(0.0) {
                break;
            }
            self.apply(m, &mut changed);
            self.apply(f, &mut changed);
        }
        changed.sort_unstable();
        changed.dedup();
        changed.retain(|&u| !self.members[u as usize].is_empty());
        changed
    }

    fn fits(&self, e: &Exchange) -> bool {
        e.old.iter().all(|&(u, version)| self.version[u as usize] == version)
    }

    /// The exchanges a candidate offers: closed, legal, and gaining unless the number of units is fixed and changes.
    fn exchanges(&self, candidate: &Candidate) -> Vec<Exchange> {
        let mut old: Vec<u32> = candidate.households.iter().map(|&h| self.unit_of[h as usize]).collect();
        old.sort_unstable();
        old.dedup();
        let parts = candidate.parts as usize;
        let mut new: Vec<Vec<u32>> = vec![Vec::new(); parts];
        let mut root: Vec<u32> = (0..(parts + old.len()) as u32).collect();
        for (&h, &p) in candidate.households.iter().zip(&candidate.part) {
            new[p as usize].push(h);
            let at = old.binary_search(&self.unit_of[h as usize]).unwrap_or(0);
            let (a, b) = (find(&mut root, p), find(&mut root, (parts + at) as u32));
            root[a.max(b) as usize] = a.min(b);
        }
        let mut groups = vec![Group::default(); parts];
        let outside = |size: usize| if (self.min..=self.max).contains(&(size as u32)) { 0 } else { size as i64 };
        for (at, &u) in old.iter().enumerate() {
            // Every old unit shares a household with some part, so the root is a part.
            let g = &mut groups[find(&mut root, (parts + at) as u32) as usize];
            let size = self.members[u as usize].len();
            g.households -= size as i64;
            g.outside -= outside(size);
            g.units -= 1;
            g.gain_m2 += self.cost_m2[u as usize];
        }
        let mut before: Vec<f64> = groups.iter().map(|g| g.gain_m2).collect();
        for (p, m) in new.iter().enumerate() {
            let r = find(&mut root, p as u32) as usize;
            let g = &mut groups[r];
            g.households += m.len() as i64;
            g.outside += outside(m.len());
            g.units += 1;
            g.gain_m2 -= self.measure(m).1;
        }
        let mut slot = vec![usize::MAX; parts];
        let mut result: Vec<Exchange> = Vec::new();
        for (p, g) in groups.iter().enumerate() {
            if root[p] as usize != p || g.households != 0 || g.outside > 0 {
                continue;
            }
            let better = g.outside < 0 || g.gain_m2 > least_gain_m2(std::mem::take(&mut before[p]));
            if better || self.fixed && g.units.abs() == 1 {
                slot[p] = result.len();
                result.push(Exchange { old: Vec::new(), new: Vec::new(), gain_m2: g.gain_m2 });
            }
        }
        for (at, &u) in old.iter().enumerate() {
            if let Some(e) = result.get_mut(slot[find(&mut root, (parts + at) as u32) as usize]) {
                e.old.push((u, self.version[u as usize]));
            }
        }
        for (p, m) in new.into_iter().enumerate() {
            if let Some(e) = result.get_mut(slot[find(&mut root, p as u32) as usize]) {
                e.new.push(m);
            }
        }
        result
    }

    fn apply(&mut self, exchange: Exchange, changed: &mut Vec<u32>) {
        let mut slots: Vec<u32> = exchange.old.iter().map(|o| o.0).collect();
        while slots.len() < exchange.new.len() {
            slots.push(self.members.len() as u32);
            self.members.push(Vec::new());
            self.mean.push([0.0; 2]);
            self.cost_m2.push(0.0);
            self.version.push(0);
        }
        let mut new = exchange.new.into_iter();
        for &u in &slots {
            let members = new.next().unwrap_or_default();
            for &h in &members {
                self.unit_of[h as usize] = u;
            }
            if members.is_empty() {
                self.gone.push(u);
            }
            if self.exception.is_some() && !(self.min..=self.max).contains(&(members.len() as u32)) {
                self.exception = Some(u);
            }
            (self.mean[u as usize], self.cost_m2[u as usize]) = self.measure(&members);
            self.members[u as usize] = members;
            self.version[u as usize] += 1;
        }
        changed.extend(slots);
    }

    /// Fills emptied slots from the end, highest first, so that slots stay dense. Returns the slots, in the order in which each was
    /// taken by `swap_remove`.
    pub(super) fn close_gaps(&mut self) -> Vec<u32> {
        let mut gone = std::mem::take(&mut self.gone);
        gone.sort_unstable_by(|a, b| b.cmp(a));
        for &slot in &gone {
            self.members.swap_remove(slot as usize);
            self.mean.swap_remove(slot as usize);
            self.cost_m2.swap_remove(slot as usize);
            self.version.swap_remove(slot as usize);
            for &h in self.members.get(slot as usize).into_iter().flatten() {
                self.unit_of[h as usize] = slot;
            }
        }
        gone
    }
}

/// What a gain must exceed to be more than rounding.
fn least_gain_m2(before_m2: f64) -> f64 {
    1e-6_f64.max(before_m2 * 1e-12)
}

fn find(root: &mut [u32], mut v: u32) -> u32 {
    while root[v as usize] != v {
        root[v as usize] = root[root[v as usize] as usize];
        v = root[v as usize];
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four clumps of three on a line; the first two units and the last two are mixed up or not.
    fn state(mixed: [bool; 2], fixed: bool) -> State {
        let xy: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i / 3) * 100.0 + f64::from(i % 3), 0.0]).collect();
        State::new(xy, (0..12).collect(), units(mixed), 4, (3, 4), fixed)
    }

    fn units(mixed: [bool; 2]) -> Vec<u32> {
        (0..12)
            .map(|i| {
                let unit = i / 3;
                if mixed[i as usize / 6] && i % 3 == 0 { unit ^ 1 } else { unit }
            })
            .collect()
    }

    #[test]
    fn what_is_better_is_taken_and_what_is_worse_beside_it_is_left() {
        let mut s = state([true, false], false);
        let candidate = Candidate { households: (0..12).collect(), part: units([false, true]), parts: 4, tried: 0 };
        let changed = s.adopt(std::iter::once(&candidate));
        assert_eq!(changed, [0, 1]);
        let sum: f64 = (0..4).map(|u| s.cost_m2(u)).sum();
        assert!((sum - 8.0).abs() < 1e-9, "four clumps of 2 m² each: {sum}");
    }

    #[test]
    fn illegal_sizes_and_torn_units_are_refused() {
        let mut s = state([true, true], false);
        let illegal: Vec<u32> = (0..12).map(|i| u32::from(i >= 6) * 2 + u32::from(i == 5 || i == 11)).collect();
        assert!(
            s.adopt(std::iter::once(&Candidate { households: (0..12).collect(), part: illegal, parts: 4, tried: 0 }))
                .is_empty()
        );
        // Household 0 stands in unit 1, whose other members were not re-solved.
        let torn = Candidate { households: vec![0, 1, 2], part: vec![0; 3], parts: 1, tried: 0 };
        assert!(s.adopt(std::iter::once(&torn)).is_empty());
    }

    #[test]
    fn fixed_number_of_units_is_kept_by_every_exchange() {
        // Six and six: three units of two, or two of three, in each half; the first half gains by more, the second loses little.
        let xy: Vec<[f64; 2]> = (0..12)
            .map(|i| if i < 6 { [f64::from(i / 2) * 100.0, 0.0] } else { [1_000.0 + f64::from(i), 0.0] })
            .collect();
        let now: Vec<u32> = [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4].to_vec();
        let more = Candidate { households: (0..6).collect(), part: vec![0, 0, 1, 1, 2, 2], parts: 3, tried: 0 };
        let fewer = Candidate { households: (6..12).collect(), part: vec![0, 0, 0, 1, 1, 1], parts: 2, tried: 0 };
        let mut alone = State::new(xy.clone(), (0..12).collect(), now.clone(), 5, (2, 3), true);
        assert!(alone.adopt(std::iter::once(&more)).is_empty());
        let mut both = State::new(xy, (0..12).collect(), now, 5, (2, 3), true);
        assert!(!both.adopt([more, fewer].iter()).is_empty());
        both.close_gaps();
        assert_eq!((both.units(), both.slots()), (5, 5));
        assert_eq!(both.cost_m2(0), 0.0);
    }
}
