//! Hashes of what lies in a box: made of its features alone, so that after a restart, or in another process, the same box has the same one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

/// Boxes remembered.
const KEPT: usize = 16_384;

/// A box, bit by bit.
pub(super) type Place = [u64; 4];

/// What was made already, by what it was made of.
pub(super) struct Stamps<K>(Mutex<HashMap<K, u64>>);

impl<K> Default for Stamps<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Stamps<K> {
    pub(super) fn get(&self, key: &K) -> Option<u64> {
        self.0.lock().ok()?.get(key).copied()
    }

    pub(super) fn keep(&self, key: K, stamp: u64) {
        if let Ok(mut known) = self.0.lock() {
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(key, stamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamp_is_kept_for_each_box_and_change_and_room_is_bounded() {
        let stamps = Stamps::default();
        let at = |x: f64| [x, 0.0, x, 0.0].map(f64::to_bits);
        assert_eq!(stamps.get(&(at(1.0), 7)), None);
        stamps.keep((at(1.0), 7), 3);
        stamps.keep((at(1.0), 8), 4);
        assert_eq!((stamps.get(&(at(1.0), 7)), stamps.get(&(at(1.0), 8))), (Some(3), Some(4)));
        for n in 0..2 * KEPT {
            stamps.keep((at(n as f64), 9), 0);
        }
        assert!(stamps.0.lock().expect("lock").len() <= KEPT);
    }
}
