//! Answers kept by what they were made of.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::body::Bytes;

use crate::api::bodies::Packing;

/// Answers kept.
const MOST: usize = 48;

/// All that went into an answer, and how it is packed.
type Key = (String, Packing);

/// The last answers.
#[derive(Default)]
pub(crate) struct Kept(Mutex<VecDeque<(Key, Bytes)>>);

impl Kept {
    pub(super) fn get(&self, key: &Key) -> Option<Bytes> {
        let kept = self.0.lock().ok()?;
        kept.iter().find(|(k, _)| k == key).map(|(_, body)| body.clone())
    }

    pub(super) fn keep(&self, key: Key, body: Bytes) {
        let Ok(mut kept) = self.0.lock() else { return };
        kept.retain(|(k, _)| *k != key);
        kept.push_back((key, body));
        while kept.len() > MOST {
            kept.pop_front();
        }
    }
}
