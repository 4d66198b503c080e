//! One bit a row.

/// Bits in a row, and how many are set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
    pub(super) ones: usize,
}

impl Bits {
    /// So many bits, none set.
    pub(super) fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len, ones: 0 }
    }

    pub(super) fn get(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// The first that is set from a place on.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut word = self.words.get(at)? & (u64::MAX << (from % 64));
        while word == 0 {
            at += 1;
            word = *self.words.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize)
    }

    /// The last that is set before a place.
    pub(super) fn last(&self, before: usize) -> Option<usize> {
        let end = before.min(self.len).checked_sub(1)?;
        let mut at = end / 64;
        let mut word = self.words.get(at)? & (u64::MAX >> (63 - end % 64));
        while word == 0 {
            at = at.checked_sub(1)?;
            word = *self.words.get(at)?;
        }
        Some(at * 64 + 63 - word.leading_zeros() as usize)
    }

    pub(super) fn set(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at / 64) {
            self.ones += usize::from(*word >> (at % 64) & 1 == 0);
            *word |= 1 << (at % 64);
        }
    }

    pub(super) fn push(&mut self, bit: bool) {
        self.append(u64::from(bit), 1);
    }

    /// Appends the lowest `count` bits of a word; the others are 0.
    fn append(&mut self, word: u64, count: usize) {
        let free = self.words.len() * 64 - self.len;
        if free > 0
            && let Some(last) = self.words.last_mut()
        {
            *last |= word << (64 - free);
        }
        if count > free {
            // a shift by a whole word is none
            self.words.push(if free == 0 { word } else { word >> free });
        }
        self.len += count;
        self.ones += word.count_ones() as usize;
    }

    /// Appends another's bits from one up to another, a word at a time.
    pub(super) fn extend(&mut self, other: &Self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let count = (to - at).min(64);
            let (word, shift) = (at / 64, at % 64);
            let low = other.words.get(word).copied().unwrap_or_default() >> shift;
            let high = other.words.get(word + 1).copied().unwrap_or_default();
            let bits = if shift == 0 { low } else { low | high << (64 - shift) };
            let kept = if count == 64 { bits } else { bits & ((1 << count) - 1) };
            self.append(kept, count);
            at += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn ranges_are_copied_as_bit_by_bit() {
        let mut random = Random::new(7);
        let mut below = |n: usize| random.below(n as u32) as usize;
        for _ in 0..300 {
            let bits: Vec<bool> = (0..below(400)).map(|_| below(2) == 0).collect();
            let (mut packed, mut copied, mut plain) = (Bits::none(bits.len()), Bits::default(), Vec::new());
            bits.iter().enumerate().filter(|(_, b)| **b).for_each(|(i, _)| packed.set(i));
            for _ in 0..below(6) {
                let from = below(bits.len() + 1);
                let to = from + below(bits.len() + 1 - from);
                copied.extend(&packed, from, to);
                plain.extend_from_slice(&bits[from..to]);
                let one = below(2) == 0;
                copied.push(one);
                plain.push(one);
            }
            assert_eq!((0..plain.len()).map(|i| copied.get(i)).collect::<Vec<_>>(), plain);
            assert_eq!(copied.ones, plain.iter().filter(|b| **b).count());
            assert!(!copied.get(plain.len()));
        }
    }

    #[test]
    fn those_that_are_set_are_found_forwards_and_backwards() {
        let mut random = Random::new(9);
        for len in (0..200).chain([1_000, 4_096]) {
            let (mut bits, mut plain) = (Bits::none(len), vec![false; len]);
            for _ in 0..random.below(1 + len as u32 / 20) {
                let at = random.below(len as u32) as usize;
                bits.set(at);
                plain[at] = true;
            }
            for from in 0..len + 70 {
                let ahead = (from..len).find(|i| plain[*i]);
                let behind = (0..from.min(len)).rev().find(|i| plain[*i]);
                assert_eq!((bits.next(from), bits.last(from)), (ahead, behind), "{from} of {len}");
            }
        }
    }
}
