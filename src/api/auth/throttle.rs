//! Wrong passwords slow down whoever gives them, counted by user and address together, so that nobody can lock out somebody else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Wrong tries that cost nothing.
const FREE: u32 = 10;
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(900);
/// Tries this long ago are forgotten.
const MEMORY: Duration = Duration::from_secs(3600);
/// Pairs remembered at most.
const MOST: usize = 20_000;

struct Tries {
    wrong: u32,
    last: Instant,
}

impl Tries {
    /// Doubles from 2 s with every try beyond the free ones.
    fn wait(&self) -> Duration {
        match self.wrong.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(beyond) => LONGEST.min(Duration::from_secs(2_u64.saturating_pow(beyond.min(20) + 1))),
        }
    }
}

/// Counts wrong tries.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<(String, IpAddr), Tries>>);

impl Throttle {
    /// Seconds still to wait, if any.
    pub(super) fn waits_s(&self, user: &str, from: IpAddr, now: Instant) -> Option<u32> {
        let tries = self.0.lock().ok()?;
        let of = tries.get(&(user.to_owned(), from))?;
        let left = (of.last + of.wait()).checked_duration_since(now)?;
        (!left.is_zero()).then(|| u32::try_from(left.as_secs()).unwrap_or(u32::MAX).max(1))
    }

    /// A wrong try.
    pub(super) fn wrong(&self, user: &str, from: IpAddr, now: Instant) {
        let Ok(mut tries) = self.0.lock() else { return };
        if tries.len() >= MOST {
            tries.retain(|_, t| now.duration_since(t.last) < MEMORY);
            if tries.len() >= MOST
                && let Some(oldest) = tries.iter().min_by_key(|(_, t)| t.last).map(|(k, _)| k.clone())
            {
                tries.remove(&oldest);
            }
        }
        let of = tries.entry((user.to_owned(), from)).or_insert(Tries { wrong: 0, last: now });
        of.wrong = of.wrong.saturating_add(1);
        of.last = now;
    }

    /// A right one: all is forgotten.
    pub(super) fn right(&self, user: &str, from: IpAddr) {
        if let Ok(mut tries) = self.0.lock() {
            tries.remove(&(user.to_owned(), from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a09_victim_at_another_address_is_not_locked_out() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let (attacker, victim) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..FREE {
            assert_eq!(throttle.waits_s("li", attacker, now), None);
            throttle.wrong("li", attacker, now);
        }
        assert!(throttle.waits_s("li", attacker, now).is_some());
        assert_eq!(throttle.waits_s("li", victim, now), None);
        assert_eq!(throttle.waits_s("wang", attacker, now), None);
        assert_eq!(throttle.waits_s("li", attacker, now + Duration::from_secs(3)), None);
        for _ in 0..50 {
            throttle.wrong("li", attacker, now);
        }
        assert_eq!(throttle.waits_s("li", attacker, now), Some(900));
        throttle.right("li", attacker);
        assert_eq!(throttle.waits_s("li", attacker, now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for i in 0..u32::try_from(MOST).expect("small") + 50 {
            throttle.wrong("li", IpAddr::from(i.to_be_bytes()), now);
        }
        assert!(throttle.0.lock().expect("lock").len() <= MOST);
    }
}
