//! Patches: small neighbourhoods of grids annealed anew from lukewarm, and kept only where they came out better. In a large village
//! one cooling of everything takes seconds; patches then go where the worst grids are, and no round makes anything worse.

use crate::partition::effort::{Random, stream_seed};

use super::anneal::{Group, shape_cost};
use super::solver::GridsSolver;

/// Grids of a patch, and patches of a round: a round then takes about a fifth of a second of work.
const SIZE: usize = 9;
const PATCHES: u32 = 4;
/// Times `SIZE` to which a patch may grow in search of room for a surplus.
const MOST_SIZES: usize = 5;
/// Every second patch begins at one of the worst grids: this share of all.
const WORST_SHARE: f64 = 0.1;
/// Temperatures at the begin and the end, as a share of the hot one, the steps between, and the tried moves an atom.
const WARM: f64 = 0.3;
const COLD: f64 = 0.004;
const STEPS: u32 = 12;
const MOVES_AN_ATOM: f64 = 300.0;
/// The same where there is no time: one patch, around the greatest surplus.
const QUICK_MOVES_AN_ATOM: f64 = 60.0;
/// How much dearer imbalance is than in a sweep at the begin, and by how much that has grown at the end.
const PRICE: f64 = 2.0;
const PRICE_GROWTH: f64 = 4.0;
/// Chains of one repair of a patch, and the number of unbalanced grids for which chains are searched long.
const CHAINS: usize = 50;
const FEW: usize = 6;

impl GridsSolver {
    /// One round: disjoint patches of the best state side by side.
    pub(super) fn patch_round(&mut self, stream: u64) {
        self.patch(stream, PATCHES, MOVES_AN_ATOM);
    }

    /// One patch around the greatest surplus, quickly.
    pub(super) fn quick_patch(&mut self, stream: u64) {
        self.patch(stream, 1, QUICK_MOVES_AN_ATOM);
    }

    fn patch(&mut self, stream: u64, patches: u32, moves_an_atom: f64) {
        self.part.clone_from(&self.best);
        let mut random = Random::new(stream_seed(self.options.seed, self.options.village, stream, 1));
        let (group_of, groups) = self.choose_patches(patches, &mut random);
        let hot = self.hot();
        let tolerance = self.allowed();
        self.in_groups(stream, (group_of, groups), &mut random, |group, random| {
            group.prepare();
            let before = group.worth(tolerance);
            let part = group.part.clone();
            let price = group.price;
            let moves = (moves_an_atom * part.len() as f64 / f64::from(STEPS)) as u32;
            for step in 0..STEPS {
                let share = f64::from(step) / f64::from(STEPS - 1);
                group.price = price * PRICE * (1.0 + PRICE_GROWTH * share);
                group.prepare();
                group.anneal(moves, WARM * hot * (COLD / WARM).powf(share), random);
            }
            group.price = 0.0;
            group.tolerance = tolerance;
            group.prepare();
            if group.settle_balance(CHAINS) > 0.0 {
                group.settle_stubborn(FEW);
            }
            if group.worth(tolerance) >= before {
                group.part = part;
            }
        });
        self.keep_best();
    }

    /// Disjoint connected sets of grids as group of each grid (`u32::MAX`: none) and their number.
    fn choose_patches(&self, patches: u32, random: &mut Random) -> (Vec<u32>, u32) {
        let k = self.count as usize;
        let touching = self.touching_grids();
        let sums = self.sums(&self.part);
        let room: Vec<f64> = (0..k)
            .map(|g| (self.mean[g] * (1.0 + self.options.tolerance) + 1e-9).floor() - sums.households[g])
            .collect();
        let over: Vec<f64> = (0..k)
            .map(|g| ((sums.households[g] - self.mean[g]).abs() - self.allowed() * self.mean[g] - 1e-9).max(0.0))
            .collect();
        let shape: Vec<f64> = (0..k).map(|g| shape_cost(sums.area_m2[g], sums.perimeter_m[g])).collect();
        let mut worst_first: Vec<u32> = (0..self.count).collect();
        worst_first.sort_by(|&a, &b| {
            let of = |g: u32| (over[g as usize], shape[g as usize]);
            of(b).0.total_cmp(&of(a).0).then(of(b).1.total_cmp(&of(a).1)).then(a.cmp(&b))
        });
        let worst = ((WORST_SHARE * k as f64) as u32).max(1);
        let mut group_of = vec![u32::MAX; k];
        let mut groups = 0;
        for attempt in 0..3 * patches {
            if groups == patches {
                break;
            }
            // A surplus comes first; then by turns one of the worst and any.
            let surplus = attempt == 0 && worst_first.first().is_some_and(|&g| over[g as usize] > 0.0);
            let among = match (surplus, attempt % 2) {
                (true, _) => 1,
                (false, 0) => worst,
                (false, _) => self.count,
            };
            let Some(&start) = worst_first.get(random.below(among) as usize) else { break };
            if group_of[start as usize] != u32::MAX {
                continue;
            }
            let mut patch = vec![start];
            group_of[start as usize] = groups;
            let mut found = room[start as usize];
            let mut at = 0;
            // A full quarter cannot be emptied inside itself: a surplus lets its patch grow until there is a place a grid.
            let enough = |patch: &Vec<u32>, found: f64| {
                patch.len() >= SIZE && (!surplus || found >= patch.len() as f64 || patch.len() >= MOST_SIZES * SIZE)
            };
            while at < patch.len() && !enough(&patch, found) {
                let free = |q: &&u32| group_of[**q as usize] == u32::MAX;
                let mut next: Vec<u32> = touching[patch[at] as usize].iter().filter(free).copied().collect();
                while !next.is_empty() && !enough(&patch, found) {
                    let q = next.swap_remove(random.below(next.len() as u32) as usize);
                    group_of[q as usize] = groups;
                    found += room[q as usize];
                    patch.push(q);
                }
                at += 1;
            }
            groups += 1;
        }
        (group_of, groups)
    }

    /// Grids that share a border with each grid, ascending.
    fn touching_grids(&self) -> Vec<Vec<u32>> {
        let mut touching: Vec<Vec<u32>> = vec![Vec::new(); self.count as usize];
        for v in 0..self.part.len() as u32 {
            let p = self.part[v as usize];
            for e in self.graph.adjacency.row(v) {
                let q = self.part[self.graph.adjacency.neighbours[e] as usize];
                let list = &mut touching[p as usize];
                if q != p && !list.contains(&q) {
                    list.push(q);
                }
            }
        }
        for list in &mut touching {
            list.sort_unstable();
        }
        touching
    }
}

impl Group {
    /// Households beyond the tolerance; then the sum of shapes and soft cuts. Less is better, in that order.
    fn worth(&self, tolerance: f64) -> (f64, f64) {
        let (mut over, mut sum) = (0.0, 0.0);
        for g in 0..self.mean.len() {
            over += ((self.household_sum[g] - self.mean[g]).abs() - tolerance * self.mean[g] - 1e-9).max(0.0);
            sum += shape_cost(self.area_sum[g], self.perimeter[g]);
        }
        for v in 0..self.part.len() {
            let cut = self.row(v).iter().filter(|l| self.part[l.0 as usize] != self.part[v]);
            sum += cut.map(|l| l.2 / 2.0).sum::<f64>();
        }
        (over, sum)
    }
}
