//! Writes that were refused to somebody known, for the audit log (A04): who, by which route, what. The first of each route and user or token
//! is told, then one a minute with the number of those between, so that nobody fills the log by asking again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::App;
use super::auth::Principal;
use super::error::Said;

const MINUTE: Duration = Duration::from_secs(60);
/// Routes of users and tokens remembered at most; beyond that the log is told no more for the minute.
const MOST: usize = 10_000;
/// Of a path, at most so many characters go into the log.
const LONGEST: usize = 120;

struct Told {
    at: Instant,
    /// Refused since, and not told.
    more: u64,
}

/// What was told when.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<String, Told>>);

impl Refusals {
    /// Whether it is time to tell of one; if so, how many there were since the last that was told.
    fn turn(&self, key: String, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |t: &Told| now.saturating_duration_since(t.at) < MINUTE;
        if let Some(last) = told.get_mut(&key) {
            if is_recent(last) {
                last.more += 1;
                return None;
            }
            let more = std::mem::take(&mut last.more);
            last.at = now;
            return Some(more);
        }
        if told.len() >= MOST {
            told.retain(|_, t| is_recent(t));
        }
        if told.len() >= MOST {
            return None;
        }
        told.insert(key, Told { at: now, more: 0 });
        Some(0)
    }
}

/// A wish to write, as it was put.
pub(super) struct Wish {
    method: &'static str,
    route: String,
    path: String,
}

impl Wish {
    /// `None` for what only reads.
    pub(super) fn of(request: &Parts) -> Option<Self> {
        let method = match request.method {
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            _ => return None,
        };
        let route = request.extensions.get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
        Some(Self { method, route, path: request.uri.path().chars().take(LONGEST).collect() })
    }

    /// What the audit log is to be told of an answer, if anything.
    pub(super) fn refused(answer: &Response) -> Option<Said> {
        let said = answer.extensions().get::<Said>().filter(|s| !s.noted)?;
        (answer.status() == StatusCode::FORBIDDEN).then_some(*said)
    }

    /// Tells the audit log; whatever comes of that, the answer stays.
    pub(super) async fn note(self, app: &App, principal: &Principal, said: Said) {
        let subject = format!("{} {}", self.method, self.route);
        let Some(more) = app.refusals.turn(format!("{}\0{subject}", principal.actor), Instant::now()) else { return };
        let told = json!({"code": said.code, "path": self.path, "more": more}).to_string();
        let noted = app.store.note(&principal.scope, &principal.actor, "access.refused", &subject, &told).await;
        if let Err(e) = noted {
            tracing::warn!(cause = %e, "a refusal is not in the audit log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_is_told_then_one_a_minute_with_those_between() {
        let (refusals, begun) = (Refusals::default(), Instant::now());
        let at = |s: u64| begun + Duration::from_secs(s);
        let turn = |who: &str, s: u64| refusals.turn(who.to_owned(), at(s));
        assert_eq!(turn("a", 0), Some(0));
        assert_eq!([turn("a", 1), turn("a", 59)], [None, None]);
        assert_eq!(turn("b", 1), Some(0), "another's are another's");
        assert_eq!(turn("a", 60), Some(2));
        assert_eq!([turn("a", 61), turn("a", 200)], [None, Some(1)]);
    }

    #[test]
    fn room_is_bounded_and_comes_back() {
        let (refusals, begun) = (Refusals::default(), Instant::now());
        for n in 0..MOST {
            assert_eq!(refusals.turn(n.to_string(), begun), Some(0));
        }
        assert_eq!(refusals.turn("late".to_owned(), begun), None);
        assert_eq!(refusals.turn("late".to_owned(), begun + MINUTE), Some(0));
        assert!(refusals.0.lock().expect("lock").len() <= MOST);
    }
}
