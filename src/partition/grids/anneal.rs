//! Annealing of a group of neighbouring grids: boundary atoms change hands, contiguity is kept.

use crate::partition::effort::Random;

/// A contiguity search that visits more atoms than this gives up and refuses the move: where a grid has no hole, what is not joined
/// around the atom is not joined at all (planarity), so long searches would almost always end in a refusal.
const SEARCH_LIMIT: usize = 24;
/// One tried move in so many that alone would cost a little is tried in exchange for an atom of the other grid.
const EXCHANGE_EVERY: u32 = 8;

/// P²/4πA from which a grid counts as poorly shaped (Polsby–Popper below 0.48), and how much dearer the rest is: the sum alone
/// tolerates single bad grids.
const POOR: f64 = 2.1;
const WORST: f64 = 5.0;

/// Atoms and grids of one group, in local numbers; borders to atoms outside the group count as outer border.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Households of each atom.
    pub households: Vec<f64>,
    /// Area in m².
    pub area_m2: Vec<f64>,
    /// Border that no change inside the group can alter, in m.
    pub outer_m: Vec<f64>,
    /// Row `v` of `links` is `offsets[v]..offsets[v + 1]`.
    pub offsets: Vec<u32>,
    /// Neighbour, shared border (m), soft cost of a cut.
    pub links: Vec<(u32, f64, f64)>,
    /// Grid of each atom.
    pub part: Vec<u32>,
    /// Mean households each grid should have.
    pub mean: Vec<f64>,
    /// Deviation allowed.
    pub tolerance: f64,
    /// Price of one whole unit of deviation beyond the tolerance, in the unit of the compactness sum.
    pub price: f64,
    /// How much steeper the price grows with the deviation: a surplus then flows from the fullest grid to its neighbours.
    pub steeper: f64,
    cost_now: Vec<f64>,
    whole_border: Vec<f64>,
    pub(super) household_sum: Vec<f64>,
    pub(super) area_sum: Vec<f64>,
    pub(super) perimeter: Vec<f64>,
    pub(super) members: Vec<Vec<u32>>,
    place: Vec<u32>,
    /// Neighbours in other grids, per atom; atoms with any stand in `border`, at `border_place`.
    pub(super) foreign: Vec<u32>,
    border: Vec<u32>,
    border_place: Vec<u32>,
    stamp: Vec<u32>,
    now: u32,
    queue: Vec<u32>,
}

/// What moving an atom would do.
pub(super) struct Change {
    pub(super) delta: f64,
    from_cost: f64,
    to_cost: f64,
    from_perimeter: f64,
    to_perimeter: f64,
}

impl Group {
    /// Prepares the sums after `part` was set.
    pub fn prepare(&mut self) {
        let (n, k) = (self.part.len(), self.mean.len());
        self.household_sum = vec![0.0; k];
        self.area_sum = vec![0.0; k];
        self.perimeter = vec![0.0; k];
        self.members = vec![Vec::new(); k];
        self.place = vec![0; n];
        self.foreign = vec![0; n];
        self.border = Vec::new();
        self.border_place = vec![u32::MAX; n];
        self.stamp = vec![0; n];
        self.now = 0;
        for v in 0..n {
            let p = self.part[v] as usize;
            self.household_sum[p] += self.households[v];
            self.area_sum[p] += self.area_m2[v];
            self.perimeter[p] += self.outer_m[v];
            let cut: f64 = self.row(v).iter().filter(|l| self.part[l.0 as usize] as usize != p).map(|l| l.1).sum();
            self.perimeter[p] += cut;
            self.place[v] = self.members[p].len() as u32;
            self.members[p].push(v as u32);
            self.foreign[v] = self.row(v).iter().filter(|l| self.part[l.0 as usize] as usize != p).count() as u32;
            self.note_border(v);
        }
        self.whole_border = (0..n).map(|v| self.outer_m[v] + self.row(v).iter().map(|l| l.1).sum::<f64>()).collect();
        self.cost_now =
            (0..k).map(|g| self.cost(g, self.household_sum[g], self.area_sum[g], self.perimeter[g])).collect();
    }

    /// Puts an atom on the list of border atoms, or takes it off, as `foreign` says.
    fn note_border(&mut self, v: usize) {
        let at = self.border_place[v];
        if self.foreign[v] > 0 && at == u32::MAX {
            self.border_place[v] = self.border.len() as u32;
            self.border.push(v as u32);
        } else if self.foreign[v] == 0 && at != u32::MAX {
            self.border.swap_remove(at as usize);
            if let Some(&moved) = self.border.get(at as usize) {
                self.border_place[moved as usize] = at;
            }
            self.border_place[v] = u32::MAX;
        }
    }

    pub(super) fn row(&self, v: usize) -> &[(u32, f64, f64)] {
        &self.links[self.offsets[v] as usize..self.offsets[v + 1] as usize]
    }

    fn cost(&self, grid: usize, households: f64, area: f64, perimeter: f64) -> f64 {
        let over = ((households / self.mean[grid].max(1e-9) - 1.0).abs() - self.tolerance).max(0.0);
        shape_cost(area, perimeter) + self.price * over * (1.0 + self.steeper * over)
    }

    pub(super) fn change(&self, v: usize, to: usize) -> Change {
        let from = self.part[v] as usize;
        let total = self.whole_border[v];
        let (mut with_from, mut with_to, mut soft) = (0.0, 0.0, 0.0);
        for &(u, border, s) in self.row(v) {
            let p = self.part[u as usize] as usize;
            if p == from {
                with_from += border;
                soft += s;
            } else if p == to {
                with_to += border;
                soft -= s;
            }
        }
        let from_perimeter = self.perimeter[from] - total + 2.0 * with_from;
        let to_perimeter = self.perimeter[to] + total - 2.0 * with_to;
        let (h, a) = (self.households[v], self.area_m2[v]);
        let from_cost = self.cost(from, self.household_sum[from] - h, self.area_sum[from] - a, from_perimeter);
        let to_cost = self.cost(to, self.household_sum[to] + h, self.area_sum[to] + a, to_perimeter);
        let delta = from_cost + to_cost - self.cost_now[from] - self.cost_now[to] + soft;
        Change { delta, from_cost, to_cost, from_perimeter, to_perimeter }
    }

    pub(super) fn apply(&mut self, v: usize, to: usize, change: &Change) {
        let from = self.part[v] as usize;
        self.household_sum[from] -= self.households[v];
        self.household_sum[to] += self.households[v];
        self.area_sum[from] -= self.area_m2[v];
        self.area_sum[to] += self.area_m2[v];
        self.perimeter[from] = change.from_perimeter;
        self.perimeter[to] = change.to_perimeter;
        self.cost_now[from] = change.from_cost;
        self.cost_now[to] = change.to_cost;
        let at = self.place[v] as usize;
        self.members[from].swap_remove(at);
        if let Some(&moved) = self.members[from].get(at) {
            self.place[moved as usize] = at as u32;
        }
        self.place[v] = self.members[to].len() as u32;
        self.members[to].push(v as u32);
        self.part[v] = to as u32;
        let mut own = 0;
        for e in self.offsets[v] as usize..self.offsets[v + 1] as usize {
            let u = self.links[e].0 as usize;
            let p = self.part[u] as usize;
            if p == from {
                self.foreign[u] += 1;
                self.note_border(u);
            } else if p == to {
                self.foreign[u] -= 1;
                self.note_border(u);
            }
            own += u32::from(p != to);
        }
        self.foreign[v] = own;
        self.note_border(v);
    }

    /// Whether `v`'s grid stays in one piece without it. Most answers come from the neighbours alone (in a planar adjacency the
    /// neighbours around an atom touch each other in turn); else a search that gives up after some hundred atoms and then refuses.
    pub(super) fn may_leave(&mut self, v: usize) -> bool {
        let own = self.part[v];
        self.now += 1;
        let now = self.now;
        self.queue.clear();
        let row = self.offsets[v] as usize..self.offsets[v + 1] as usize;
        // Mark the neighbours of the same grid with `now`; those reached get the mark of the next number.
        let mut waiting = 0;
        for e in row.clone() {
            let u = self.links[e].0;
            if self.part[u as usize] == own {
                self.stamp[u as usize] = now;
                waiting += 1;
                if waiting == 1 {
                    self.queue.push(u);
                }
            }
        }
        if waiting == 0 {
            return false;
        }
        self.now += 1;
        let reached = self.now;
        let first = self.queue[0];
        self.stamp[first as usize] = reached;
        waiting -= 1;
        // First among the neighbours themselves.
        let mut at = 0;
        while at < self.queue.len() && waiting > 0 {
            let u = self.queue[at] as usize;
            at += 1;
            for e in self.offsets[u] as usize..self.offsets[u + 1] as usize {
                let w = self.links[e].0;
                if self.stamp[w as usize] == now {
                    self.stamp[w as usize] = reached;
                    self.queue.push(w);
                    waiting -= 1;
                }
            }
        }
        if waiting == 0 {
            return true;
        }
        // Then through the whole grid.
        let mut at = 0;
        while at < self.queue.len() && self.queue.len() < SEARCH_LIMIT {
            let u = self.queue[at] as usize;
            at += 1;
            for e in self.offsets[u] as usize..self.offsets[u + 1] as usize {
                let w = self.links[e].0;
                if w as usize == v || self.part[w as usize] != own || self.stamp[w as usize] == reached {
                    continue;
                }
                if self.stamp[w as usize] == now {
                    waiting -= 1;
                    if waiting == 0 {
                        return true;
                    }
                }
                self.stamp[w as usize] = reached;
                self.queue.push(w);
            }
        }
        false
    }

    /// Tries `moves` changes at the given temperature (unit of the compactness sum); zero means only improvements.
    pub fn anneal(&mut self, moves: u32, temperature: f64, random: &mut Random) {
        for _ in 0..moves {
            if self.border.is_empty() {
                return;
            }
            let v = self.border[random.below(self.border.len() as u32) as usize] as usize;
            let Some(to) = self.other_side(v, random) else { continue };
            let from = self.part[v] as usize;
            if self.members[from].len() < 2 {
                continue;
            }
            let change = self.change(v, to);
            if accepts(change.delta, temperature, random) {
                if self.may_leave(v) {
                    self.apply(v, to, &change);
                }
                continue;
            }
            // An atom given back may pay for it: heavy buildings move only in exchange.
            if change.delta > 20.0 * temperature + 0.05 || random.below(EXCHANGE_EVERY) != 0 {
                continue;
            }
            self.exchange(v, to, change, temperature, random);
        }
    }

    fn other_side(&self, v: usize, random: &mut Random) -> Option<usize> {
        // A random neighbour, so that a grid is proposed as often as it touches: moves that smooth a border come up most.
        let row = self.row(v);
        let u = row.get(random.below(row.len() as u32) as usize)?.0;
        let to = self.part[u as usize];
        (to != self.part[v]).then_some(to as usize)
    }

    fn exchange(&mut self, v: usize, to: usize, change: Change, temperature: f64, random: &mut Random) {
        let from = self.part[v] as usize;
        let size = self.members[to].len() as u32;
        let x = self.members[to][random.below(size) as usize] as usize;
        if x == v || !self.may_leave(v) {
            return;
        }
        self.apply(v, to, &change);
        // Asked only now: where `v` was the neighbour, `x` may touch other grids than before.
        let Some(next) = self.other_side(x, random) else {
            let undo = self.change(v, from);
            self.apply(v, from, &undo);
            return;
        };
        let back = self.change(x, next);
        if accepts(change.delta + back.delta, temperature, random) && self.may_leave(x) {
            self.apply(x, next, &back);
            return;
        }
        let undo = self.change(v, from);
        self.apply(v, from, &undo);
    }
}

/// What a grid's shape costs: P²/4πA, and more where it is poor.
pub(super) fn shape_cost(area_m2: f64, perimeter_m: f64) -> f64 {
    let shape = perimeter_m * perimeter_m / (4.0 * std::f64::consts::PI * area_m2.max(1e-9));
    shape + WORST * (shape - POOR).max(0.0)
}

/// Metropolis' rule; the exponential is spared where the answer is sure.
fn accepts(delta: f64, temperature: f64, random: &mut Random) -> bool {
    if delta < 0.0 {
        return true;
    }
    delta < 16.0 * temperature && random.unit() < (-delta / temperature).exp()
}
