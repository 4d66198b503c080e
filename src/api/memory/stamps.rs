//! Hashes of what lies in a box: made of its features alone, so that after a restart, or in another process, the same box has the same one.

use std::collections::HashMap;
use std::sync::Mutex;

/// Boxes remembered.
const KEPT: usize = 16_384;

/// A box, and the collection's hash when something last changed in it.
type Key = ([u64; 4], u64);

/// What was made already; versions of a collection share it.
#[derive(Default)]
pub(super) struct Stamps(Mutex<HashMap<Key, u64>>);

impl Stamps {
    pub(super) fn get_or_make(&self, place: [f64; 4], changed: u64, make: impl FnOnce() -> u64) -> u64 {
        let key = (place.map(f64::to_bits), changed);
        if let Ok(known) = self.0.lock()
            && let Some(stamp) = known.get(&key)
        {
            return *stamp;
        }
        let stamp = make();
        if let Ok(mut known) = self.0.lock() {
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(key, stamp);
        }
        stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamp_is_made_once_for_each_box_and_change_and_room_is_bounded() {
        let stamps = Stamps::default();
        let at = |x: f64| [x, 0.0, x, 0.0];
        assert_eq!(stamps.get_or_make(at(1.0), 7, || 3), 3);
        assert_eq!(stamps.get_or_make(at(1.0), 7, || 4), 3);
        assert_eq!(stamps.get_or_make(at(1.0), 8, || 4), 4);
        for n in 0..2 * KEPT {
            stamps.get_or_make(at(n as f64), 9, || 0);
        }
        assert!(stamps.0.lock().expect("lock").len() <= KEPT);
    }
}
