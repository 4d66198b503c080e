//! Beginning anew where the present division resists, and taking over whatever is better there.

use super::{PATIENCE, Pool, ROUNDS, Tuning, along_the_curve};
use crate::graph::Csr;
use crate::partition::effort::Random;

use super::super::region::Region;
use super::super::splice::{Candidate, State};

/// Inside a region that starts anew: as in later rounds, in smaller ones.
const ANEW: Tuning = Tuning { anew: false, work: 16_000, ..ROUNDS };
const ANEW_ROUNDS: u32 = 12;
/// A pool is settled after so many divisions begun anew in vain, one after the other.
pub(super) const BEGINNINGS: u32 = 24;
/// A division begun anew has so much of the first one's patience: what it misses by that, the next one may have.
const LESS_PATIENT: (u32, u32) = (2, 3);
/// Moves of divisions begun anew count so often, so that pools and villages that have not settled once go before them.
const COUNTS: u64 = 4;

impl Pool {
    /// One round of the division that was begun anew, and the comparison once nothing comes of that one either: every part of it
    /// that is better by itself is taken over.
    pub(super) fn go_on_anew(&mut self, seed: u64, village: u64, round: u64, random: &mut Random) {
        let mut other = self.other.take().unwrap_or_else(|| Box::new(self.begun_anew(random.next_u64())));
        if !other.is_settled() {
            let before = other.tried;
            other.round(seed, village, round);
            self.tried += COUNTS * (other.tried - before);
            self.other = Some(other);
            return;
        }
        let mut candidate = Candidate {
            households: (0..self.state.xy.len() as u32).collect(),
            parts: other.state.units() as u32,
            part: other.state.unit_of,
            tried: 0,
        };
        candidate.forget_unchanged(&self.state.unit_of);
        self.merge(vec![(Vec::new(), candidate)]);
        self.beginnings = if self.are_all_in_vain() { self.beginnings.saturating_sub(1) } else { BEGINNINGS };
    }

    /// The same households, divided along the curve once more; other random streams lead it elsewhere.
    fn begun_anew(&self, stream: u64) -> Self {
        let State { xy, location, min, max, fixed, .. } = &self.state;
        let (unit_of, units) = along_the_curve(xy, (*min, *max), fixed.then_some(self.state.units() as u32));
        Self {
            households: Vec::new(),
            near: self.near.clone(),
            at_location: self.at_location.clone(),
            scale_m2: self.scale_m2.clone(),
            state: State::new(xy.clone(), location.clone(), unit_of, units, (*min, *max), *fixed),
            vain: vec![0; units],
            patience: self.patience * LESS_PATIENT.0 / LESS_PATIENT.1,
            quick: true,
            other: None,
            beginnings: 0,
            tried: 0,
            stream,
        }
    }

    /// Lets a region whose present division resists go on from another one, by rounds of its own (iterated local search:
    /// Lourenço, Martin & Stützle 2003), before the two are compared.
    pub(super) fn improve_apart(&self, candidate: &mut Candidate, region: &Region, random: &mut Random) {
        let mut sizes = vec![0_u32; candidate.parts as usize];
        for &p in &candidate.part {
            sizes[p as usize] += 1;
        }
        if self.state.exception().is_some() || sizes.iter().any(|z| !(self.state.min..=self.state.max).contains(z)) {
            return;
        }
        let edges: Vec<(u32, u32, ())> = (0..region.near.len() as u32)
            .flat_map(|p| region.near.neighbours_of(p).iter().filter(move |q| **q > p).map(move |&q| (p, q, ())))
            .collect();
        let state = State::new(
            region.xy.clone(),
            region.place.clone(),
            candidate.part.clone(),
            sizes.len(),
            (self.state.min, self.state.max),
            self.state.fixed,
        );
        let mut apart = Self {
            households: Vec::new(),
            near: Csr::from_edges(region.near.len(), &edges).0,
            at_location: region.at.clone(),
            scale_m2: region.scale_m2.clone(),
            state,
            vain: vec![0; sizes.len()],
            patience: PATIENCE,
            quick: false,
            other: None,
            beginnings: 0,
            tried: 0,
            stream: random.next_u64(),
        };
        for _ in 0..ANEW_ROUNDS {
            if apart.is_settled() {
                break;
            }
            apart.sweep(&ANEW, random);
        }
        candidate.tried += apart.tried;
        candidate.part = apart.state.unit_of;
        candidate.parts = apart.vain.len() as u32;
    }
}
