//! `Idempotency-Key` (IETF draft-07): the header, the requests that are being answered under one, and the jobs that were started.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use super::App;
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

/// Whose key, and the key.
type Own = (String, String);

/// Keys under which a request is being answered by this process.
#[derive(Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<Own>>>);

impl InFlight {
    /// Takes a key until the answer is there, or given up; `None` while another request has it.
    fn take(&self, own: Own) -> Option<Once> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(own.clone()).then(|| Once(Some((self.clone(), own))))
    }
}

/// Held by a handler as long as it answers: a twin is refused meanwhile (E06), already while the body is on its way. Handlers take it before
/// the body; a request without a key has none to hold.
pub(super) struct Once(Option<(InFlight, Own)>);

impl Drop for Once {
    fn drop(&mut self) {
        if let Some((all, own)) = self.0.take() {
            all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&own);
        }
    }
}

impl FromRequestParts<Arc<App>> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let principal = Principal::from_request_parts(parts, app).await?;
        let Ok(key) = key_of(&parts.headers) else { return Ok(Self(None)) };
        app.in_flight.take((principal.actor, key)).ok_or_else(|| {
            let what = "同一 Idempotency-Key 的请求正在处理，请稍后重试 / a request with this Idempotency-Key is being answered: try again soon";
            Problem::new(StatusCode::CONFLICT, "idempotency_key_in_flight", what).field("Idempotency-Key").retry_after_s(1)
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_held_by_one_of_its_owner_s_requests_at_a_time() {
        let all = InFlight::default();
        let take = |who: &str| all.take((who.to_owned(), "k".to_owned()));
        let first = take("a").expect("free");
        assert!(take("a").is_none() && take("b").is_some(), "of another it is another key");
        drop(first);
        assert!(take("a").is_some(), "given back with the answer");
        assert!(all.0.lock().expect("lock").is_empty());
    }
}
