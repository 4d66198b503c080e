//! Answers kept by what they were made of, as long as there is room.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::body::Bytes;

use crate::api::bodies::Packing;

/// Bytes kept in all: keys and answers. One that is longer is not kept.
const ROOM_BYTES: usize = 24 << 20;

/// All that went into an answer, and how it is packed.
type Key = (String, Packing);

#[derive(Default)]
struct Shelf {
    /// The oldest first.
    of: VecDeque<(Key, Bytes)>,
    bytes: usize,
}

fn weight(key: &Key, body: &Bytes) -> usize {
    size_of::<(Key, Bytes)>() + key.0.len() + body.len()
}

/// The last answers.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Shelf>);

impl Kept {
    pub(super) fn get(&self, key: &Key) -> Option<Bytes> {
        let kept = self.0.lock().ok()?;
        kept.of.iter().find(|(k, _)| k == key).map(|(_, body)| body.clone())
    }

    pub(super) fn keep(&self, key: Key, body: Bytes) {
        let more = weight(&key, &body);
        let Ok(mut kept) = self.0.lock() else { return };
        if let Some((key, body)) = kept.of.iter().position(|(k, _)| *k == key).and_then(|at| kept.of.remove(at)) {
            kept.bytes -= weight(&key, &body);
        }
        if more > ROOM_BYTES {
            return;
        }
        kept.bytes += more;
        kept.of.push_back((key, body));
        while kept.bytes > ROOM_BYTES {
            let Some((key, body)) = kept.of.pop_front() else { break };
            kept.bytes -= weight(&key, &body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_never_exceeded_whatever_the_answers_weigh() {
        let kept = Kept::default();
        let body = |bytes: usize| Bytes::from(vec![b'x'; bytes]);
        let key = |n: usize| (format!("{n}"), Packing::Plain);
        let measured = || {
            let kept = kept.0.lock().expect("lock");
            assert_eq!(kept.bytes, kept.of.iter().map(|(k, b)| weight(k, b)).sum::<usize>());
            assert!(kept.bytes <= ROOM_BYTES);
            kept.of.len()
        };
        for n in 0..100 {
            kept.keep(key(n), body(1 << 20));
            measured();
        }
        assert_eq!(measured(), 23, "a megabyte each, and their keys");
        assert!(kept.get(&key(99)).is_some() && kept.get(&key(0)).is_none(), "the oldest goes first");
        // the same again is not counted twice
        kept.keep(key(99), body(1 << 10));
        assert_eq!((measured(), kept.get(&key(99)).map(|b| b.len())), (23, Some(1 << 10)));
        // one that fits alone leaves no other; one that does not fit is not kept, and what it replaces is gone
        kept.keep(key(99), body(ROOM_BYTES - 1_000));
        assert_eq!(measured(), 1);
        kept.keep(key(99), body(ROOM_BYTES + 1));
        assert!(measured() == 0 && kept.get(&key(99)).is_none());
    }
}
