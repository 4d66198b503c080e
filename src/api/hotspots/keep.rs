//! Answers kept by what they were made of.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::body::Bytes;

/// Answers kept.
const MOST: usize = 48;

/// The last answers, by all that went into them.
#[derive(Default)]
pub(in crate::api) struct Kept(Mutex<VecDeque<(String, Bytes)>>);

impl Kept {
    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        let kept = self.0.lock().ok()?;
        kept.iter().find(|(k, _)| k == key).map(|(_, body)| body.clone())
    }

    pub(super) fn keep(&self, key: String, body: Bytes) {
        let Ok(mut kept) = self.0.lock() else { return };
        kept.retain(|(k, _)| *k != key);
        kept.push_back((key, body));
        while kept.len() > MOST {
            kept.pop_front();
        }
    }
}
