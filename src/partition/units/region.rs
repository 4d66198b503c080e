//! Re-solving a few neighbouring units at once: annealing with relocations and swaps (Kirkpatrick, Gelatt & Vecchi 1983).

use crate::partition::effort::Random;

/// Scratch space of one region; reused so that no region allocates.
#[derive(Default)]
pub struct Region {
    /// Positions of the region's households relative to its centre, in metres.
    pub xy: Vec<[f64; 2]>,
    /// Part of each household.
    pub part: Vec<u32>,
    /// Legal size of each part.
    pub bounds: Vec<(u32, u32)>,
    members: Vec<Vec<u32>>,
    place: Vec<u32>,
    sum: Vec<[f64; 2]>,
    best: Vec<u32>,
}

impl Region {
    /// Σ squared distance to the parts' means, in m².
    #[must_use]
    pub fn sse_m2(&self) -> f64 {
        let k = self.bounds.len();
        let mut sum = vec![[0.0_f64; 3]; k];
        let mut square = 0.0;
        for (p, &c) in self.xy.iter().zip(&self.part) {
            let s = &mut sum[c as usize];
            *s = [s[0] + p[0], s[1] + p[1], s[2] + 1.0];
            square += p[0] * p[0] + p[1] * p[1];
        }
        square - sum.iter().filter(|s| s[2] > 0.0).map(|s| (s[0] * s[0] + s[1] * s[1]) / s[2]).sum::<f64>()
    }

    /// Puts the households into parts of even size along a random direction: the start when the number of parts changes.
    pub fn deal_along(&mut self, angle: f64) {
        let (sin, cos) = angle.sin_cos();
        let mut order: Vec<u32> = (0..self.xy.len() as u32).collect();
        let key = |i: u32| self.xy[i as usize][0] * cos + self.xy[i as usize][1] * sin;
        order.sort_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
        let mut sizes: Vec<u32> = self.bounds.iter().map(|b| b.0).collect();
        let mut rest = (self.xy.len() as u32).saturating_sub(sizes.iter().sum());
        while rest > 0 {
            let before = rest;
            for (s, b) in sizes.iter_mut().zip(&self.bounds) {
                if rest > 0 && *s < b.1 {
                    *s += 1;
                    rest -= 1;
                }
            }
            if rest == before {
                break;
            }
        }
        let mut parts = sizes.iter().enumerate().flat_map(|(c, &s)| std::iter::repeat_n(c as u32, s as usize));
        self.part.clear();
        self.part.resize(self.xy.len(), 0);
        for i in order {
            self.part[i as usize] = parts.next().unwrap_or(0);
        }
    }

    /// Anneals from the present parts for `moves` tried moves, starting at `heat` times the mean squared distance; leaves the best
    /// state seen in `part` and returns its SSE in m². Sizes stay within `bounds`.
    pub fn anneal(&mut self, moves: u32, heat: f64, random: &mut Random) -> f64 {
        let (n, k) = (self.xy.len(), self.bounds.len());
        if k < 2 || n < 2 {
            return self.sse_m2();
        }
        self.sum.clear();
        self.sum.resize(k, [0.0; 2]);
        self.members.truncate(k);
        self.members.iter_mut().for_each(Vec::clear);
        self.members.resize_with(k, Vec::new);
        self.place.clear();
        self.place.resize(n, 0);
        for i in 0..n {
            let c = self.part[i] as usize;
            self.sum[c][0] += self.xy[i][0];
            self.sum[c][1] += self.xy[i][1];
            self.place[i] = self.members[c].len() as u32;
            self.members[c].push(i as u32);
        }
        let begun = self.sse_m2();
        let mut now = begun;
        let mut lowest = begun;
        self.best.clone_from(&self.part);
        let mut temperature = heat * begun / n as f64;
        let cooling = (1e-3_f64).powf(1.0 / f64::from(moves.max(1)));
        let quiet = moves - moves / 4;
        for step in 0..moves {
            temperature *= cooling;
            let i = random.below(n as u32) as usize;
            let a = self.part[i] as usize;
            let mut b = random.below(k as u32 - 1) as usize;
            if b >= a {
                b += 1;
            }
            let (na, nb) = (self.members[a].len() as f64, self.members[b].len() as f64);
            let relocate = self.members[a].len() as u32 > self.bounds[a].0
                && (self.members[b].len() as u32) < self.bounds[b].1
                && random.next_u64() & 1 == 0;
            let x = self.xy[i];
            let (sa, sb) = (self.sum[a], self.sum[b]);
            let square = |s: [f64; 2]| s[0] * s[0] + s[1] * s[1];
            let limit =
                if step < quiet && temperature > 0.0 { -temperature * (1.0 - random.unit()).ln() } else { -1e-9 };
            if relocate {
                let (ra, rb) = ([sa[0] - x[0], sa[1] - x[1]], [sb[0] + x[0], sb[1] + x[1]]);
                let left = if na > 1.0 { square(ra) / (na - 1.0) } else { 0.0 };
                let delta = square(sa) / na + square(sb) / nb.max(1.0) - left - square(rb) / (nb + 1.0);
                if delta <= limit {
                    self.shift(i, a, b);
                    self.sum[a] = ra;
                    self.sum[b] = rb;
                    now += delta;
                }
            } else {
                if self.members[b].is_empty() {
                    continue;
                }
                let j = self.members[b][random.below(nb as u32) as usize] as usize;
                let y = self.xy[j];
                let (dx, dy) = (y[0] - x[0], y[1] - x[1]);
                let (ra, rb) = ([sa[0] + dx, sa[1] + dy], [sb[0] - dx, sb[1] - dy]);
                let delta = (square(sa) - square(ra)) / na + (square(sb) - square(rb)) / nb;
                if delta <= limit {
                    let (pi, pj) = (self.place[i], self.place[j]);
                    self.members[a][pi as usize] = j as u32;
                    self.members[b][pj as usize] = i as u32;
                    self.place[i] = pj;
                    self.place[j] = pi;
                    self.part[i] = b as u32;
                    self.part[j] = a as u32;
                    self.sum[a] = ra;
                    self.sum[b] = rb;
                    now += delta;
                }
            }
            if now < lowest - 1e-9 && step >= quiet {
                lowest = now;
                self.best.clone_from(&self.part);
            }
        }
        if lowest < begun {
            self.part.clone_from(&self.best);
        }
        self.sse_m2()
    }

    fn shift(&mut self, i: usize, a: usize, b: usize) {
        let at = self.place[i] as usize;
        self.members[a].swap_remove(at);
        if let Some(&moved) = self.members[a].get(at) {
            self.place[moved as usize] = at as u32;
        }
        self.place[i] = self.members[b].len() as u32;
        self.members[b].push(i as u32);
        self.part[i] = b as u32;
    }
}
