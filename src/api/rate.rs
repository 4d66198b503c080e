//! How often one user or token may ask for what is costly, one address for what is open to everybody or try to sign in: a bucket each,
//! full at first, filled again evenly over a minute. Each purpose has a table of its own, so that a flood of one takes no room from another.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::auth::Principal;
use super::client::Client;
use super::error::{Answer, Problem};

/// Buckets remembered at most; a full one need not be.
const MOST: usize = 10_000;
const MINUTE: Duration = Duration::from_secs(60);
/// Between two looks for buckets that are full again.
const SWEEP: Duration = Duration::from_secs(1);
/// The bucket of all who come when there is no room for another.
const OTHERS: &str = "";

struct Bucket {
    left: f64,
    at: Instant,
}

/// All buckets.
pub(crate) struct Rates {
    per_minute: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    of: HashMap<String, Bucket>,
    swept: Option<Instant>,
}

impl Buckets {
    /// Whose bucket is taken from: one's own, as long as there is room.
    fn owner<'w>(&mut self, who: &'w str, now: Instant) -> &'w str {
        if self.of.len() < MOST || self.of.contains_key(who) {
            return who;
        }
        if self.swept.is_none_or(|at| now.duration_since(at) >= SWEEP) {
            self.swept = Some(now);
            self.of.retain(|_, b| now.duration_since(b.at) < MINUTE);
        }
        if self.of.len() < MOST { who } else { OTHERS }
    }
}

impl Rates {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute.max(1)), buckets: Mutex::default() }
    }

    /// Takes one; otherwise the seconds until there is one again.
    fn take(&self, who: &str, now: Instant) -> Result<(), u32> {
        let Ok(mut buckets) = self.buckets.lock() else { return Ok(()) };
        let owner = buckets.owner(who, now).to_owned();
        let full = Bucket { left: self.per_minute, at: now };
        let bucket = buckets.of.entry(owner).or_insert(full);
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

    /// Takes one of an address's.
    ///
    /// # Errors
    /// 429.
    pub(super) fn of_address(&self, from: IpAddr) -> Answer<()> {
        self.take(&neighbourhood(from), Instant::now()).map_err(|seconds| {
            too_often("此地址请求过于频繁，请稍候 / too many requests from this address, wait a while", seconds)
        })
    }
}

fn too_often(what: &str, seconds: u32) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_often", what).retry_after_s(seconds)
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
        Err(seconds) => Err(too_often("请求过于频繁，请稍候 / too many costly requests, wait a while", seconds)),
    }
}

/// Around what needs no signing in and more than a constant to answer.
pub(super) async fn limit_by_address(
    State(app): State<Arc<App>>,
    Client(from): Client,
    request: Request,
    next: Next,
) -> Answer<Response> {
    app.open_rates.of_address(from)?;
    Ok(next.run(request).await)
}

/// What one client can hardly leave: its IPv4 address, the 64 bits of its IPv6 network.
fn neighbourhood(of: IpAddr) -> String {
    match of.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).to_string(),
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
        assert!(rates.buckets.lock().expect("lock").of.len() <= MOST);
    }

    #[test]
    fn more_than_there_is_room_for_share_a_bucket_and_the_others_keep_theirs() {
        let (rates, now) = (Rates::new(2), Instant::now());
        for i in 0..MOST {
            assert_eq!(rates.take(&i.to_string(), now), Ok(()));
        }
        assert_eq!((rates.take("late", now), rates.take("later", now)), (Ok(()), Ok(())));
        assert!(rates.take("latest", now).is_err(), "one bucket is theirs");
        assert_eq!(rates.take("7", now), Ok(()));
        assert!(rates.buckets.lock().expect("lock").of.len() <= MOST + 1);
        // who was not heard of for a minute makes room
        assert_eq!(rates.take("latest", now + MINUTE), Ok(()));
        assert_eq!(rates.buckets.lock().expect("lock").of.len(), 1);
    }

    #[test]
    fn address_is_a_whole_network_where_each_has_one() {
        let of = |text: &str| neighbourhood(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
