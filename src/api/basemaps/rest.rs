//! When another host is left alone: after failures in a row, for a while; then one request goes and finds out.

use std::time::{Duration, Instant};

/// So many failures in a row are no accident.
const IN_A_ROW: u32 = 4;
/// Nobody is asked for so long.
const PAUSE: Duration = Duration::from_secs(15);

/// What was heard of a host last.
#[derive(Debug, Default)]
pub(super) struct Rest {
    failed: u32,
    until: Option<Instant>,
}

impl Rest {
    /// Whether to ask now; otherwise the seconds until then. Whoever asks first after a pause asks alone: the others wait for another one.
    pub(super) fn may_ask(&mut self, now: Instant) -> Result<(), u32> {
        if self.failed < IN_A_ROW {
            return Ok(());
        }
        let left = self.until.map(|at| at.saturating_duration_since(now)).filter(|left| !left.is_zero());
        match left {
            Some(left) => Err(left.as_secs_f64().ceil() as u32),
            None => {
                self.until = Some(now + PAUSE);
                Ok(())
            }
        }
    }

    /// Takes down how it went. True where that is news: the first failure after successes, the first success after failures.
    pub(super) fn heard(&mut self, is_good: bool, now: Instant) -> bool {
        let was_good = self.failed == 0;
        self.failed = if is_good { 0 } else { self.failed.saturating_add(1) };
        if self.failed >= IN_A_ROW {
            self.until = Some(now + PAUSE);
        }
        was_good != is_good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_begin_a_pause_and_one_finds_out_when_it_is_over() {
        let (mut rest, begun) = (Rest::default(), Instant::now());
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        for n in 0..IN_A_ROW {
            assert_eq!(rest.may_ask(at(0)), Ok(()));
            assert_eq!(rest.heard(false, at(0)), n == 0, "the first is news");
        }
        assert_eq!((rest.may_ask(at(0)), rest.may_ask(at(14))), (Err(15), Err(1)));
        assert_eq!(rest.may_ask(at(15)), Ok(()));
        assert_eq!(rest.may_ask(at(15)), Err(15), "one asks, the others do not wait for it");
        assert!(!rest.heard(false, at(18)));
        assert_eq!(rest.may_ask(at(32)), Err(1));
        assert_eq!(rest.may_ask(at(33)), Ok(()));
        assert!(rest.heard(true, at(34)), "it is back");
        assert_eq!((rest.may_ask(at(34)), rest.may_ask(at(34))), (Ok(()), Ok(())));
    }

    #[test]
    fn success_between_failures_counts_anew() {
        let (mut rest, now) = (Rest::default(), Instant::now());
        for _ in 0..5 {
            for _ in 1..IN_A_ROW {
                rest.heard(false, now);
            }
            assert!(rest.heard(true, now));
            assert!(!rest.heard(true, now));
        }
        assert_eq!(rest.may_ask(now), Ok(()));
    }
}
