//! The part of a pool that is re-solved at once: some dozens of neighbouring units as flat arrays of their own numbering.

use crate::graph::Csr;
use crate::partition::effort::Random;

/// Scratch space of one region; reused so that a region seldom allocates.
#[derive(Default)]
pub struct Region {
    /// Positions of the region's households relative to the first of them, in metres.
    pub xy: Vec<[f64; 2]>,
    /// Part of each household.
    pub part: Vec<u32>,
    /// Legal size of each part.
    pub bounds: Vec<(u32, u32)>,
    /// Place of each household: those at one place are alike.
    pub place: Vec<u32>,
    /// Households of each place: they follow one another.
    pub at: Csr,
    /// Places next to each place, and the place itself where several households share it or nothing is near: never none.
    pub near: Csr,
    /// Mean squared distance (m²) around each place: what a move is worth there.
    pub scale_m2: Vec<f64>,
    /// Mean squared distance (m²) around each household.
    pub scale_of: Vec<f64>,
    /// Each household with each place next to it.
    pub ways: Vec<Way>,
    /// Location of each place.
    places: Vec<u32>,
    /// Place of each location of the pool, or nowhere.
    place_of: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

/// From a household to the households of a place next to it.
#[derive(Clone, Copy, Default)]
pub struct Way {
    /// The household.
    pub household: u32,
    /// First of the households there.
    pub first: u32,
    /// Number of the households there, at least one.
    pub alike: u32,
}

impl Region {
    /// Loads `members`, the households of a pool with their parts, and puts them in order; `location` must not fall with it.
    /// Neighbourhoods are those of the pool, cut to the region.
    pub fn load(
        &mut self,
        members: &mut [(u32, u32)],
        xy: &[[f64; 2]],
        location: &[u32],
        near: &Csr,
        scale_m2: &[f64],
    ) {
        let of = |h: u32| location[h as usize];
        members.sort_unstable();
        let origin = members.first().map_or([0.0; 2], |m| xy[m.0 as usize]);
        self.xy.clear();
        self.xy.extend(members.iter().map(|m| {
            let p = xy[m.0 as usize];
            [p[0] - origin[0], p[1] - origin[1]]
        }));
        self.part.clear();
        self.part.extend(members.iter().map(|m| m.1));
        let places = &mut self.places;
        places.clear();
        self.place.clear();
        self.at.offsets.clear();
        for (i, &(h, _)) in members.iter().enumerate() {
            if places.last() != Some(&of(h)) {
                places.push(of(h));
                self.at.offsets.push(i as u32);
            }
            self.place.push(places.len() as u32 - 1);
        }
        self.at.offsets.push(members.len() as u32);
        self.at.neighbours.clear();
        self.at.neighbours.extend(0..members.len() as u32);
        self.scale_m2.clear();
        self.scale_m2.extend(places.iter().map(|&l| scale_m2[l as usize]));
        self.place_of.resize(scale_m2.len().max(self.place_of.len()), NOWHERE);
        for (p, &l) in places.iter().enumerate() {
            self.place_of[l as usize] = p as u32;
        }
        self.near.offsets.clear();
        self.near.offsets.push(0);
        self.near.neighbours.clear();
        for (p, &l) in places.iter().enumerate() {
            if self.at.row(p as u32).len() > 1 {
                self.near.neighbours.push(p as u32);
            }
            let around = near.neighbours_of(l).iter().map(|&other| self.place_of[other as usize]);
            self.near.neighbours.extend(around.filter(|&q| q != NOWHERE));
            if self.near.neighbours.len() as u32 == self.near.offsets[p] {
                self.near.neighbours.push(p as u32);
            }
            self.near.offsets.push(self.near.neighbours.len() as u32);
        }
        for &l in places.iter() {
            self.place_of[l as usize] = NOWHERE;
        }
        self.ways.clear();
        self.scale_of.clear();
        for (i, &p) in self.place.iter().enumerate() {
            self.scale_of.push(self.scale_m2[p as usize]);
            self.ways.extend(self.near.neighbours_of(p).iter().map(|&q| {
                let there = self.at.row(q);
                Way { household: i as u32, first: there.start as u32, alike: there.len() as u32 }
            }));
        }
    }

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

    /// A random household of a random place next to household `i` (or at its own place).
    pub fn beside(&self, i: u32, random: &mut Random) -> u32 {
        let places = self.near.neighbours_of(self.place[i as usize]);
        if places.is_empty() {
            return i;
        }
        let here = self.at.neighbours_of(places[random.below(places.len() as u32) as usize]);
        here[random.below(here.len() as u32) as usize]
    }

    /// Makes a new part of the `size` households nearest to a random one by steps between neighbouring places; parts it empties
    /// vanish. Other parts may then be too small: annealing repairs them.
    pub fn found_part(&mut self, size: u32, random: &mut Random) {
        let n = self.xy.len() as u32;
        let fresh = self.bounds.len() as u32;
        let Some(&bounds) = self.bounds.first() else { return };
        let mut queue = vec![self.place[random.below(n) as usize]];
        let (mut head, mut taken) = (0, 0);
        while head < queue.len() && taken < size {
            let place = queue[head];
            head += 1;
            for &i in self.at.neighbours_of(place) {
                if taken < size {
                    self.part[i as usize] = fresh;
                    taken += 1;
                }
            }
            for &p in self.near.neighbours_of(place) {
                if !queue.contains(&p) {
                    queue.push(p);
                }
            }
        }
        self.bounds.push(bounds);
        let mut sizes = vec![0_u32; self.bounds.len()];
        for &p in &self.part {
            sizes[p as usize] += 1;
        }
        for p in (0..sizes.len() as u32).rev() {
            if sizes[p as usize] == 0 {
                self.drop_empty(p);
            }
        }
    }

    /// Gives the households of a random part to parts beside them, whatever their size: annealing repairs that.
    pub fn dissolve_part(&mut self, random: &mut Random) {
        let k = self.bounds.len() as u32;
        if k < 2 {
            return;
        }
        let gone = random.below(k);
        let members: Vec<u32> = (0..self.part.len() as u32).filter(|&i| self.part[i as usize] == gone).collect();
        for i in members {
            let mut at = i;
            for _ in 0..64 {
                at = self.beside(at, random);
                if self.part[at as usize] != gone {
                    break;
                }
            }
            let heir = self.part[at as usize];
            self.part[i as usize] = if heir == gone { (gone + 1) % k } else { heir };
        }
        self.drop_empty(gone);
    }

    fn drop_empty(&mut self, gone: u32) {
        let last = self.bounds.len() as u32 - 1;
        self.bounds.swap_remove(gone as usize);
        if gone != last {
            for p in &mut self.part {
                if *p == last {
                    *p = gone;
                }
            }
        }
    }
}
