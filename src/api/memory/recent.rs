//! Where features changed lately: what is made of the features of one place stays good as long as nothing changed there.

use std::collections::VecDeque;

use super::shape::overlap;

/// Changes remembered; what is before them changed everywhere.
const KEPT: usize = 4_096;

/// The last changes.
#[derive(Clone)]
pub(super) struct Recent {
    /// Where, and the hash of the collection from then on.
    list: VecDeque<([f64; 4], u64)>,
    /// Hash of the collection before the first of them.
    before: u64,
}

impl Recent {
    /// Nothing changed since a collection with this hash.
    pub(super) const fn since(digest: u64) -> Self {
        Self { list: VecDeque::new(), before: digest }
    }

    pub(super) fn note(&mut self, place: [f64; 4], digest: u64) {
        self.list.push_back((place, digest));
        while self.list.len() > KEPT {
            self.before = self.list.pop_front().map_or(self.before, |(_, digest)| digest);
        }
    }

    /// Whether nothing changed that is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Hash of the collection when something last changed in a box.
    pub(super) fn stamp(&self, place: [f64; 4]) -> u64 {
        let last = self.list.iter().rev().find(|(changed, _)| overlap(*changed, place));
        last.map_or(self.before, |(_, digest)| *digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_stamped_by_its_own_changes() {
        let at = |x: f64| [x, 0.0, x, 0.0];
        let mut recent = Recent::since(1);
        assert_eq!(recent.stamp(at(5.0)), 1);
        recent.note(at(5.0), 2);
        recent.note(at(6.0), 3);
        assert_eq!((recent.stamp(at(5.0)), recent.stamp(at(6.0)), recent.stamp(at(7.0))), (2, 3, 1));
        assert_eq!(recent.stamp([0.0, -1.0, 9.0, 1.0]), 3);
        for n in 0..KEPT as u64 {
            recent.note(at(100.0), 10 + n);
        }
        // what is forgotten counts for all places, and never as what was before it
        assert_eq!((recent.stamp(at(7.0)), recent.stamp(at(5.0))), (3, 3));
        assert_eq!(recent.list.len(), KEPT);
    }
}
