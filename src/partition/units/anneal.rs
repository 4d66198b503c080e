//! Annealing a region with relocations and swaps between neighbours (Kirkpatrick, Gelatt & Vecchi 1983).
//!
//! Sizes may leave their bounds for a price, which lets a household's worth of room wander through many units; the price becomes
//! prohibitive at the end. What is illegal even so is refused by whoever takes the result.

use std::sync::LazyLock;

use crate::partition::effort::Random;

use super::region::Region;

/// Course of one annealing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// Tried moves.
    pub(super) moves: u32,
    /// First temperature, in units of the region's local scale.
    pub(super) hot: f64,
    /// Last temperature before freezing, likewise.
    pub(super) cold: f64,
    /// Price of a household beyond the bounds, m².
    pub(super) breach_m2: f64,
}

#[derive(Clone, Copy, Default)]
struct Part {
    mean: [f64; 2],
    n: u32,
    low: u32,
    high: u32,
}

/// Scratch space of the annealer.
#[derive(Default)]
pub(super) struct Annealer {
    parts: Vec<Part>,
    members: Vec<u32>,
    slot: Vec<u32>,
    /// n/(n+1), n/(n−1) and 1/n by size.
    grow: Vec<f64>,
    shrink: Vec<f64>,
    inverse: Vec<f64>,
    room: usize,
}

/// Moves between two changes of temperature.
const BLOCK: u32 = 64;
/// Sizes never exceed the bounds by more than this, even for the price.
const EXCESS: u32 = 8;
/// Metropolis' rule draws from so many thresholds: −ln of numbers spread evenly between 0 and 1.
const LEVELS: u64 = 1_024;
static THRESHOLDS: LazyLock<[f64; LEVELS as usize]> =
    LazyLock::new(|| std::array::from_fn(|k| -((k as f64 + 0.5) / LEVELS as f64).ln()));

impl Annealer {
    /// Anneals `region.part` in place.
    pub(super) fn run(&mut self, region: &mut Region, schedule: &Schedule, random: &mut Random) {
        let (n, k) = (region.xy.len(), region.bounds.len());
        if k < 2 || n < 2 {
            return;
        }
        self.load(region);
        let blocks = schedule.moves.div_ceil(BLOCK).max(4);
        let frozen = blocks / 8;
        let cooling = (schedule.cold / schedule.hot).powf(1.0 / f64::from(blocks - frozen));
        let mut temperature = schedule.hot;
        let mut breach = schedule.breach_m2;
        let dear = 1e3 * schedule.breach_m2;
        for block in 0..blocks {
            if block + 2 * frozen >= blocks {
                breach = dear;
            }
            if block + frozen >= blocks {
                temperature = 0.0;
            }
            self.block(region, temperature, breach, random);
            temperature *= cooling;
        }
    }

    fn load(&mut self, region: &Region) {
        self.parts.clear();
        self.parts.extend(region.bounds.iter().map(|b| Part { low: b.0, high: b.1, ..Part::default() }));
        for (p, x) in region.part.iter().zip(&region.xy) {
            let part = &mut self.parts[*p as usize];
            part.mean = [part.mean[0] + x[0], part.mean[1] + x[1]];
            part.n += 1;
        }
        let greatest = self.parts.iter().map(|p| p.n.max(p.high + EXCESS)).max().unwrap_or(0) as usize + 1;
        self.room = greatest;
        for p in &mut self.parts {
            let n = f64::from(p.n.max(1));
            p.mean = [p.mean[0] / n, p.mean[1] / n];
        }
        if self.inverse.len() <= greatest + 1 {
            let sizes = || (0..=greatest + 1).map(|n| n as f64);
            self.grow = sizes().map(|n| n / (n + 1.0)).collect();
            self.shrink = sizes().map(|n| if n > 1.0 { n / (n - 1.0) } else { 0.0 }).collect();
            self.inverse = sizes().map(|n| 1.0 / n.max(1.0)).collect();
        }
        self.members.clear();
        self.members.resize(self.parts.len() * self.room, 0);
        self.slot.clear();
        let mut filled = vec![0_u32; self.parts.len()];
        for (i, &p) in region.part.iter().enumerate() {
            let f = &mut filled[p as usize];
            self.members[p as usize * self.room + *f as usize] = i as u32;
            self.slot.push(*f);
            *f += 1;
        }
    }

    /// As many tried moves as a block holds. What would stay in its unit is sifted out first, without a branch to guess at: of
    /// households and their neighbours about half are of one unit already.
    fn block(&mut self, region: &mut Region, temperature: f64, breach: f64, random: &mut Random) {
        let mut tried = [(0_u32, 0_u32); BLOCK as usize];
        let mut count = 0;
        let ways = region.ways.len() as u64;
        for _ in 0..BLOCK {
            let bits = random.next_u64();
            let way = region.ways[(((bits >> 32) * ways) >> 32) as usize];
            let beside = way.first + (((bits & 0xFFFF_FFFF) * u64::from(way.alike)) >> 32) as u32;
            tried[count] = (way.household, beside);
            count += usize::from(region.part[way.household as usize] != region.part[beside as usize]);
        }
        let thresholds = &*THRESHOLDS;
        for (k, &(i, beside)) in tried[..count].iter().enumerate() {
            let (i, b) = (i as usize, region.part[beside as usize] as usize);
            if region.part[i] as usize == b {
                continue;
            }
            let bits = random.next_u64();
            let warmth = temperature * region.scale_of[i];
            // Metropolis' rule with one of so many thresholds.
            let most = warmth * thresholds[(bits % LEVELS) as usize] - 1e-9;
            if k & 1 == 0 {
                self.relocate(region, i, b, breach, most);
            } else {
                self.swap(region, i, b, bits, most);
            }
        }
    }

    #[inline]
    fn relocate(&mut self, region: &mut Region, i: usize, b: usize, breach: f64, most: f64) {
        let a = region.part[i] as usize;
        let (p, q, x) = (self.parts[a], self.parts[b], region.xy[i]);
        if p.n < 2 || q.n >= q.high + EXCESS {
            return;
        }
        let (da, db) = ([x[0] - p.mean[0], x[1] - p.mean[1]], [x[0] - q.mean[0], x[1] - q.mean[1]]);
        let breaches =
            i32::from(p.n <= p.low) - i32::from(p.n > p.high) + i32::from(q.n >= q.high) - i32::from(q.n < q.low);
        let delta = (db[0] * db[0] + db[1] * db[1]) * self.grow[q.n as usize]
            - (da[0] * da[0] + da[1] * da[1]) * self.shrink[p.n as usize]
            + breach * f64::from(breaches);
        if delta > most {
            return;
        }
        let (fa, fb) = (self.inverse[p.n as usize - 1], self.inverse[q.n as usize + 1]);
        self.parts[a].mean = [p.mean[0] - da[0] * fa, p.mean[1] - da[1] * fa];
        self.parts[b].mean = [q.mean[0] + db[0] * fb, q.mean[1] + db[1] * fb];
        self.parts[a].n -= 1;
        self.parts[b].n += 1;
        let (hole, end) = (a * self.room + self.slot[i] as usize, a * self.room + p.n as usize - 1);
        let moved = self.members[end];
        self.members[hole] = moved;
        self.slot[moved as usize] = self.slot[i];
        self.members[b * self.room + q.n as usize] = i as u32;
        self.slot[i] = q.n;
        region.part[i] = b as u32;
    }

    #[inline]
    fn swap(&mut self, region: &mut Region, i: usize, b: usize, bits: u64, most: f64) {
        let a = region.part[i] as usize;
        let (p, q, x) = (self.parts[a], self.parts[b], region.xy[i]);
        let j = self.members[b * self.room + (((bits >> 32) * u64::from(q.n)) >> 32) as usize] as usize;
        let y = region.xy[j];
        let d = [y[0] - x[0], y[1] - x[1]];
        let (fa, fb) = (self.inverse[p.n as usize], self.inverse[q.n as usize]);
        let delta = 2.0 * ((q.mean[0] - p.mean[0]) * d[0] + (q.mean[1] - p.mean[1]) * d[1])
            - (d[0] * d[0] + d[1] * d[1]) * (fa + fb);
        // Two of one place may change units for nothing, but to no purpose.
        if delta > most || region.place[i] == region.place[j] {
            return;
        }
        self.parts[a].mean = [p.mean[0] + d[0] * fa, p.mean[1] + d[1] * fa];
        self.parts[b].mean = [q.mean[0] - d[0] * fb, q.mean[1] - d[1] * fb];
        let (si, sj) = (self.slot[i], self.slot[j]);
        self.members[a * self.room + si as usize] = j as u32;
        self.members[b * self.room + sj as usize] = i as u32;
        self.slot[i] = sj;
        self.slot[j] = si;
        region.part[i] = b as u32;
        region.part[j] = a as u32;
    }
}
