//! How often one user or token may ask for what is costly: a bucket each, full at first, filled again evenly over a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};

/// Buckets remembered at most; a full one need not be.
const MOST: usize = 10_000;
const MINUTE: Duration = Duration::from_secs(60);

struct Bucket {
    left: f64,
    at: Instant,
}

/// All buckets.
pub(crate) struct Rates {
    per_minute: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Rates {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute.max(1)), buckets: Mutex::default() }
    }

    /// Takes one; otherwise the seconds until there is one again.
    fn take(&self, who: &str, now: Instant) -> Result<(), u32> {
        let Ok(mut buckets) = self.buckets.lock() else { return Ok(()) };
        if buckets.len() >= MOST {
            buckets.retain(|_, b| now.duration_since(b.at) < MINUTE);
        }
        let full = Bucket { left: self.per_minute, at: now };
        let bucket = buckets.entry(who.to_owned()).or_insert(full);
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + since * self.per_minute / MINUTE.as_secs_f64()).min(self.per_minute);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let wait_s = (1.0 - bucket.left) * MINUTE.as_secs_f64() / self.per_minute;
        Err((wait_s.ceil() as u32).max(1))
    }
}

/// Around costly routes; whoever asks is known by then.
pub(super) async fn limit(
    State(app): State<Arc<App>>,
    principal: Principal,
    request: Request,
    next: Next,
) -> Answer<Response> {
    match app.rates.take(&principal.actor, Instant::now()) {
        Ok(()) => Ok(next.run(request).await),
        Err(seconds) => {
            let what = "请求过于频繁，请稍候 / too many costly requests, wait a while";
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_often", what).retry_after_s(seconds))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_fills_again_evenly_and_each_has_its_own() {
        let (rates, now) = (Rates::new(3), Instant::now());
        for _ in 0..3 {
            assert_eq!(rates.take("li", now), Ok(()));
        }
        assert_eq!(rates.take("li", now), Err(20));
        assert_eq!(rates.take("wang", now), Ok(()));
        assert_eq!(rates.take("li", now + Duration::from_secs(15)), Err(5));
        assert_eq!(rates.take("li", now + Duration::from_secs(20)), Ok(()));
        for _ in 0..3 {
            assert_eq!(rates.take("li", now + Duration::from_secs(900)), Ok(()));
        }
        assert!(rates.take("li", now + Duration::from_secs(900)).is_err(), "never more than a minute's worth");
    }

    #[test]
    fn memory_is_bounded() {
        let (rates, now) = (Rates::new(1), Instant::now());
        for i in 0..MOST + 10 {
            let _ = rates.take(&i.to_string(), now + Duration::from_secs(i as u64 / 100));
        }
        assert!(rates.buckets.lock().expect("lock").len() <= MOST);
    }
}
