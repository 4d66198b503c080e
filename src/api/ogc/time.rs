//! Days and moments as spans of time. A day is China's, as everywhere in the register.

use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime, Time};

use crate::api::error::{Answer, Problem};

/// From a moment up to another one; milliseconds since 1970. A moment is one millisecond long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Span {
    pub(super) const ALWAYS: Self = Self { from: i64::MIN, to: i64::MAX };

    pub(super) const fn meets(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

fn ms(at: OffsetDateTime) -> Option<i64> {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// A day (`YYYY-MM-DD`) or moment (RFC 3339) as a span.
pub(super) fn span(text: &str) -> Option<Span> {
    if text.len() == 10 {
        let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        let begin = |d: Date| ms(d.with_time(Time::MIDNIGHT).assume_offset(offset!(+8)));
        return Some(Span { from: begin(day)?, to: begin(day.next_day()?)? });
    }
    let from = ms(OffsetDateTime::parse(text, &Rfc3339).ok()?)?;
    Some(Span { from, to: from.checked_add(1)? })
}

/// The parameter `datetime`: a day, a moment, or an interval that may be open at one end.
///
/// # Errors
/// 400.
pub(super) fn datetime(text: &str) -> Answer<Span> {
    let wrong = || {
        let what = "应为日期、时间或区间 / a date, a time or an interval: 2021-05-03, 2021-05-03T06:30:00Z, 2021-05-01/.., ../2021-05-31";
        Problem::bad("datetime", what)
    };
    let Some((from, to)) = text.split_once('/') else { return span(text).ok_or_else(wrong) };
    let open = |t: &str| t.is_empty() || t == "..";
    if open(from) && open(to) {
        return Err(wrong());
    }
    let mut made = Span::ALWAYS;
    if !open(from) {
        made.from = span(from).ok_or_else(wrong)?.from;
    }
    if !open(to) {
        made.to = span(to).ok_or_else(wrong)?.to;
    }
    if made.from >= made.to {
        return Err(wrong());
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_is_china_s_and_intervals_may_be_open() {
        let day = span("2021-05-03").expect("day");
        assert!(day.meets(&span("2021-05-02T16:00:00Z").expect("moment")));
        assert!(!day.meets(&span("2021-05-03T16:00:00Z").expect("moment")));
        assert!(datetime("../2021-05-03").expect("interval").meets(&day));
        assert!(!datetime("2021-05-04/").expect("interval").meets(&day));
        for bad in ["", "..", "../..", "/", "2021-13-01", "yesterday", "2021-05-04/2021-05-03", "2021-05-03/x"] {
            assert!(datetime(bad).is_err(), "{bad}");
        }
    }
}
