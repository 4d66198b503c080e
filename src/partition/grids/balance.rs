//! The last households: grids that annealing left beyond the tolerance are brought inside it by directed moves, exchanges and
//! chains of them, at the least cost in compactness.

use super::anneal::Group;

/// Candidates whose contiguity is tested before a step gives up.
const TRIED: usize = 64;
/// Grids a surplus may be handed through before it must find room.
const LENGTHS: [usize; 4] = [1, 2, 4, 8];
/// Transfers followed at each grid of a chain, and in all chains of one length.
const BRANCHES: usize = 5;
const SEARCHED: usize = 300;
/// The same for the few grids that resist, where there is time.
const STUBBORN: [usize; 6] = [1, 2, 4, 6, 9, 12];
const STUBBORN_BRANCHES: usize = 8;
const STUBBORN_SEARCHED: usize = 4_000;
const STUBBORN_TRIED: usize = 300;
/// What a household beyond the tolerance costs against compactness when candidates are ranked.
const HOUSEHOLD: f64 = 0.1;

/// One move (`back` is none) or exchange of border atoms between a grid and its neighbour.
#[derive(Clone, Copy)]
struct Transfer {
    atom: u32,
    to: u32,
    /// The neighbour that takes part.
    other: u32,
    back: Option<u32>,
    value: f64,
    excess: f64,
}

/// How long a chain is searched for.
struct Search {
    lengths: &'static [usize],
    branches: usize,
    searched: usize,
    tried: usize,
}

impl Group {
    /// Households by which a grid lies beyond the tolerance.
    fn excess(&self, grid: usize, households: f64) -> f64 {
        let mean = self.mean[grid];
        ((households - mean).abs() - self.tolerance * mean - 1e-9).max(0.0)
    }

    /// Brings grids inside the tolerance as far as directed transfers can; every grid stays connected and none gets worse in sum.
    /// At most `chains` grids' surpluses are handed on. Returns the households that remain beyond.
    pub fn settle_balance(&mut self, chains: usize) -> f64 {
        let usual = Search { lengths: &LENGTHS, branches: BRANCHES, searched: SEARCHED, tried: TRIED };
        self.settle(chains, &usual)
    }

    /// Searches longer for the grids that [`Self::settle_balance`] left beyond the tolerance, where they are few (at most `few`).
    pub fn settle_stubborn(&mut self, few: usize) -> f64 {
        let k = self.mean.len();
        let beyond = (0..k).filter(|&g| self.excess(g, self.household_sum[g]) > 0.0).count();
        if beyond == 0 || beyond > few {
            return (0..k).map(|g| self.excess(g, self.household_sum[g])).sum();
        }
        let long = Search {
            lengths: &STUBBORN,
            branches: STUBBORN_BRANCHES,
            searched: STUBBORN_SEARCHED,
            tried: STUBBORN_TRIED,
        };
        self.settle(3 * few, &long)
    }

    fn settle(&mut self, chains: usize, search: &Search) -> f64 {
        let k = self.mean.len();
        let mut gave_up = vec![false; k];
        // A repair of some grids, not a way to balance a bad state: bounded, for a search may be long.
        for _ in 0..chains {
            let worst =
                (0..k).filter(|&g| !gave_up[g] && self.excess(g, self.household_sum[g]) > 0.0).max_by(|&a, &b| {
                    let e = |g: usize| self.excess(g, self.household_sum[g]);
                    e(a).total_cmp(&e(b)).then(b.cmp(&a))
                });
            let Some(worst) = worst else { break };
            if self.chain_from(worst, search) {
                // Room may have opened beside grids given up before; each gets another chance while the sum falls.
                gave_up.fill(false);
            } else {
                gave_up[worst] = true;
            }
        }
        (0..k).map(|g| self.excess(g, self.household_sum[g])).sum()
    }

    /// Hands the surplus (or want) of a grid on until the sum of excesses falls; takes everything back where it does not. Short
    /// chains are tried first.
    fn chain_from(&mut self, start: usize, search: &Search) -> bool {
        search.lengths.iter().any(|&length| {
            let mut budget = search.searched;
            self.hand_on(start, 0.0, length, &mut vec![], (search, &mut budget))
        })
    }

    fn hand_on(
        &mut self,
        at: usize,
        sum: f64,
        length: usize,
        visited: &mut Vec<usize>,
        (search, budget): (&Search, &mut usize),
    ) -> bool {
        visited.push(at);
        let mut list = self.transfers(at, visited);
        if length <= 1 {
            list.retain(|t| sum + t.excess < -1e-9);
        }
        list.sort_by(|a, b| a.value.total_cmp(&b.value).then((a.atom, a.back).cmp(&(b.atom, b.back))));
        let mut followed = 0;
        for t in list.into_iter().take(search.tried) {
            if followed == search.branches || *budget == 0 {
                break;
            }
            let Some(undo) = self.make(t) else { continue };
            followed += 1;
            *budget -= 1;
            let reached = sum + t.excess;
            if reached < -1e-9
                || (length > 1 && self.hand_on(t.other as usize, reached, length - 1, visited, (search, budget)))
            {
                return true;
            }
            for (atom, home) in undo.into_iter().rev() {
                let back = self.change(atom as usize, home as usize);
                self.apply(atom as usize, home as usize, &back);
            }
        }
        visited.pop();
        false
    }

    /// All transfers between a grid and neighbours not yet visited that do not leave it further out, ranked by value.
    fn transfers(&self, grid: usize, visited: &[usize]) -> Vec<Transfer> {
        let mean = self.mean[grid];
        let over = self.household_sum[grid] > mean;
        let mut list = Vec::new();
        // Border atoms on either side, by neighbour.
        let mut sides: std::collections::BTreeMap<u32, (Vec<u32>, Vec<u32>)> = std::collections::BTreeMap::new();
        for &v in &self.members[grid] {
            if self.foreign[v as usize] == 0 {
                continue;
            }
            for l in self.row(v as usize) {
                let p = self.part[l.0 as usize];
                if p as usize != grid && !visited.contains(&(p as usize)) {
                    let s = sides.entry(p).or_default();
                    s.0.push(v);
                    s.1.push(l.0);
                }
            }
        }
        for (other, (mut mine, mut theirs)) in sides {
            for s in [&mut mine, &mut theirs] {
                s.sort_unstable();
                s.dedup();
            }
            let o = other as usize;
            let (h, g) = (self.household_sum[grid], self.household_sum[o]);
            let before = self.excess(grid, h) + self.excess(o, g);
            let (giver, taker, from, to) = if over { (&mine, &theirs, grid, o) } else { (&theirs, &mine, o, grid) };
            let mut offer = |atom: u32, back: Option<u32>, to_other: f64, cost: f64| {
                let (mine_after, other_after) = (self.excess(grid, h - to_other), self.excess(o, g + to_other));
                if mine_after < self.excess(grid, h) - 1e-9 {
                    let excess = mine_after + other_after - before;
                    let value = cost + HOUSEHOLD * (excess + mine_after);
                    list.push(Transfer { atom, to: to as u32, other, back, value, excess });
                }
            };
            let sign = if over { 1.0 } else { -1.0 };
            // The caller set no price, so a change tells compactness alone; imbalance is ranked apart.
            let costs: Vec<f64> = taker.iter().map(|&x| self.change(x as usize, from).delta).collect();
            for &v in giver {
                let out = self.households[v as usize];
                let cost = self.change(v as usize, to).delta;
                offer(v, None, sign * out, cost);
                for (&x, &c) in taker.iter().zip(&costs) {
                    let net = out - self.households[x as usize];
                    if net > 0.0 {
                        offer(v, Some(x), sign * net, cost + c);
                    }
                }
            }
        }
        list
    }

    /// Carries a transfer out; returns what undoes it (atom, home), or nothing where it would cut a grid.
    fn make(&mut self, t: Transfer) -> Option<Vec<(u32, u32)>> {
        let home = self.part[t.atom as usize];
        if self.members[home as usize].len() < 2 || !self.may_leave(t.atom as usize) {
            return None;
        }
        let c = self.change(t.atom as usize, t.to as usize);
        self.apply(t.atom as usize, t.to as usize, &c);
        let Some(x) = t.back else { return Some(vec![(t.atom, home)]) };
        let touches = self.row(x as usize).iter().any(|l| self.part[l.0 as usize] == home);
        if touches && self.may_leave(x as usize) {
            let c = self.change(x as usize, home as usize);
            self.apply(x as usize, home as usize, &c);
            return Some(vec![(t.atom, home), (x, t.to)]);
        }
        let c = self.change(t.atom as usize, home as usize);
        self.apply(t.atom as usize, home as usize, &c);
        None
    }
}
