//! `Idempotency-Key` (IETF draft-07): the header, and the jobs that were started under one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};

use super::auth::Principal;
use super::error::{Answer, Problem};
use super::jobs::Jobs;
use crate::store::{Idempotency, StoreError};

/// Longest key.
const LONGEST: usize = 100;
/// How long a key's job is known; as long as jobs themselves.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// The key a request comes with.
///
/// # Errors
/// 400 when there is none, or one that is too long.
pub(super) fn key_of(headers: &HeaderMap) -> Answer<String> {
    let key = headers.get("idempotency-key").and_then(|k| k.to_str().ok()).unwrap_or_default().trim().to_owned();
    if key.is_empty() || key.len() > LONGEST {
        let what =
            "请求头须有 Idempotency-Key（最多 100 字）/ the header Idempotency-Key is wanted, at most 100 characters";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_missing", what).field("Idempotency-Key"));
    }
    Ok(key)
}

struct Known {
    body_sha256: String,
    job: String,
    at: Instant,
}

/// Jobs by key of whoever started them.
#[derive(Default)]
pub(super) struct Keys(Mutex<BTreeMap<(String, String), Known>>);

impl Keys {
    /// The job of an earlier request with the same key and body, unless it failed: then it is tried again. Otherwise what `start` starts.
    ///
    /// # Errors
    /// 422 when the key was used for another request; what `start` says.
    pub(super) fn job(
        &self,
        jobs: &Jobs,
        principal: &Principal,
        wish: &Idempotency,
        start: impl FnOnce() -> Answer<String>,
    ) -> Answer<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, k| k.at.elapsed() < REMEMBERED);
        let key = (principal.actor.clone(), wish.key.clone());
        match known.get(&key) {
            Some(k) if k.body_sha256 != wish.body_sha256 => {
                return Err(StoreError::KeyReused { key: wish.key.clone() }.into());
            }
            Some(k) if jobs.has_not_failed(&k.job) => return Ok(k.job.clone()),
            _ => {}
        }
        let job = start()?;
        let (body_sha256, at) = (wish.body_sha256.clone(), Instant::now());
        known.insert(key, Known { body_sha256, job: job.clone(), at });
        Ok(job)
    }
}
