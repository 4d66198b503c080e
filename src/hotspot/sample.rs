//! Drawing without replacement.

use crate::domain::random::Random;

/// Draws distinct numbers below n; keeps its memory from one draw to the next.
pub(super) struct Sampler {
    n: u32,
    taken: Vec<u64>,
    drawn: Vec<u32>,
}

impl Sampler {
    /// For numbers below `n`.
    pub(super) fn new(n: usize) -> Self {
        Self { n: n as u32, taken: vec![0; n.div_ceil(64)], drawn: Vec::new() }
    }

    /// `k` distinct numbers (all of them where there are fewer) in random order: each ordered choice is equally likely.
    pub(super) fn draw(&mut self, random: &mut Random, k: usize) -> &[u32] {
        for i in self.drawn.drain(..) {
            self.taken[i as usize / 64] = 0;
        }
        let k = k.min(self.n as usize);
        while self.drawn.len() < k {
            let i = random.below(self.n);
            let (word, bit) = (&mut self.taken[i as usize / 64], 1_u64 << (i % 64));
            if *word & bit == 0 {
                *word |= bit;
                self.drawn.push(i);
            }
        }
        &self.drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_drawn_equally_often() {
        let (mut sampler, mut random) = (Sampler::new(5), Random::new(1));
        let mut seen = [0_u32; 25];
        for _ in 0..20_000 {
            let pair = sampler.draw(&mut random, 2);
            seen[(pair[0] * 5 + pair[1]) as usize] += 1;
        }
        for (i, n) in seen.iter().enumerate() {
            assert_eq!(*n == 0, i % 6 == 0, "{seen:?}");
            assert!(*n == 0 || (850..1_150).contains(n), "{seen:?}");
        }
        assert_eq!(sampler.draw(&mut random, 9).len(), 5);
    }
}
