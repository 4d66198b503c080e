//! Stretches of a base as GeoJSON text, kept as long as there is room: boxes that overlap share most of their features, and writing one
//! takes ten times what copying it does. A base never changes, so what is kept of it always holds.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use super::base::Base;

/// Rows of a stretch.
const STRETCH: u32 = 64;
/// Below so many rows of a stretch that nobody keeps, it is not worth writing.
const WORTH: usize = 16;
/// Bytes kept of all bases.
const ROOM_BYTES: usize = 40 << 20;
/// Between features.
pub(crate) const BETWEEN: &str = ",\n";

/// Features one after the other, [`BETWEEN`] between them, and where each ends.
struct Stretch {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Stretch {
    fn of(base: &Base, number: u32, personal: bool) -> Self {
        let rows = number * STRETCH..((number + 1) * STRETCH).min(base.len());
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(STRETCH as usize));
        for row in rows {
            if !ends.is_empty() {
                text.push_str(BETWEEN);
            }
            base.part(row).append(&mut text, base.collection.spec(), personal);
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { text: text.into(), ends: ends.into() }
    }

    /// Features from one up to and with another.
    fn span(&self, from: u32, to: u32) -> &str {
        let end = |row: u32| self.ends.get((row % STRETCH) as usize).map_or(0, |e| *e as usize);
        let start = if from.is_multiple_of(STRETCH) { 0 } else { end(from - 1) + BETWEEN.len() };
        self.text.get(start..end(to)).unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * 4
    }
}

/// Which base, which of its stretches, with personal fields or without.
type Key = (u64, u32, bool);

#[derive(Default)]
struct Kept {
    of: HashMap<Key, Arc<Stretch>>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl Kept {
    fn keep(&mut self, key: Key, stretch: &Arc<Stretch>) {
        if self.of.insert(key, stretch.clone()).is_some() {
            return;
        }
        self.order.push_back(key);
        self.bytes += stretch.bytes();
        while self.bytes > ROOM_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.of.remove(&oldest).map_or(0, |gone| gone.bytes());
        }
    }

    fn forget(&mut self, base: u64) {
        self.order.retain(|key| key.0 != base);
        let mut left = 0;
        self.of.retain(|key, stretch| {
            let stays = key.0 != base;
            left += if stays { stretch.bytes() } else { 0 };
            stays
        });
        self.bytes = left;
    }
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);
static BASES: AtomicU64 = AtomicU64::new(0);

/// By what the stretches of a base are known; they go with it.
pub(super) struct Name(u64);

impl Default for Name {
    fn default() -> Self {
        Self(BASES.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if let Ok(mut kept) = KEPT.lock() {
            kept.forget(self.0);
        }
    }
}

/// The stretch of a row; `None` where it is not kept and too few of its rows are wanted.
fn stretch(base: &Base, row: u32, personal: bool, wanted: usize) -> Option<Arc<Stretch>> {
    let key = (base.name.0, row / STRETCH, personal);
    if let Some(known) = KEPT.lock().ok()?.of.get(&key) {
        return Some(known.clone());
    }
    if wanted < WORTH {
        return None;
    }
    let made = Arc::new(Stretch::of(base, row / STRETCH, personal));
    KEPT.lock().ok()?.keep(key, &made);
    Some(made)
}

/// Appends rows of a base, ascending or not, with [`BETWEEN`] between them.
pub(super) fn append(out: &mut String, base: &Base, rows: &[u32], personal: bool) {
    let mut first = true;
    let mut between = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push_str(BETWEEN);
        }
    };
    for group in rows.chunk_by(|a, b| a / STRETCH == b / STRETCH) {
        let Some(stretch) = group.first().and_then(|row| stretch(base, *row, personal, group.len())) else {
            for row in group {
                between(out);
                base.part(*row).append(out, base.collection.spec(), personal);
            }
            continue;
        };
        for run in group.chunk_by(|a, b| a + 1 == *b) {
            if let (Some(from), Some(to)) = (run.first(), run.last()) {
                between(out);
                out.push_str(stretch.span(*from, *to));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_never_exceeded_and_what_is_gone_is_not_counted() {
        let mut kept = Kept::default();
        let stretch = Arc::new(Stretch { text: "x".repeat(1 << 20).into(), ends: Box::new([]) });
        for n in 0..50 {
            kept.keep((n % 2, n as u32, false), &stretch);
        }
        assert!(kept.bytes == ROOM_BYTES && kept.of.len() == 40 && kept.order.len() == 40);
        assert!(!kept.of.contains_key(&(0, 0, false)), "the oldest goes first");
        kept.keep((1, 49, false), &stretch);
        assert_eq!(kept.bytes, ROOM_BYTES, "what is kept is not counted twice");
        kept.forget(1);
        assert!(kept.bytes == 20 << 20 && kept.of.len() == 20 && kept.order.iter().all(|key| key.0 == 0));
        kept.forget(0);
        assert!(kept.bytes == 0 && kept.of.is_empty() && kept.order.is_empty());
    }
}
