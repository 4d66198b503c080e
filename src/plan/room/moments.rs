//! Moments between how clients say them (RFC 3339, China's days) and how the store keeps them (UTC, milliseconds).

use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime, UtcOffset};

/// China has one time zone.
const CHINA: UtcOffset = offset!(+8);

/// A moment as the store keeps it.
#[must_use]
pub fn stored(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// A moment that a client said: RFC 3339 with its offset.
#[must_use]
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().filter(|at| is_kept(*at))
}

/// Whether such years are kept.
#[must_use]
pub fn is_kept(at: OffsetDateTime) -> bool {
    (1970..=9000).contains(&at.year())
}

/// A day, `YYYY-MM-DD`.
#[must_use]
pub fn day(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok().filter(|d| (1970..=9000).contains(&d.year()))
}

/// The first moment of a day in China.
#[must_use]
pub fn start_of(day: Date) -> OffsetDateTime {
    day.midnight().assume_offset(CHINA)
}

/// The day of a moment in China.
#[must_use]
pub fn china_day(at: OffsetDateTime) -> Date {
    at.to_offset(CHINA).date()
}

/// A stored moment as answers show it: China's time with its offset, to the second.
#[must_use]
pub fn shown(stored: &str) -> String {
    let at = OffsetDateTime::parse(stored, &Rfc3339).ok().map(|at| at.to_offset(CHINA));
    let whole = at.map(|at| at.replace_nanosecond(0).unwrap_or(at));
    whole.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| stored.to_owned())
}

/// The moment of milliseconds since 1970.
#[must_use]
pub fn of_ms(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Milliseconds since 1970.
#[must_use]
pub fn ms(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000_000) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_moments_are_shown_in_china_s_time() {
        assert_eq!(shown("2025-03-01T16:00:00.250Z"), "2025-03-02T00:00:00+08:00");
        let at = parse("2025-03-02T00:00:00.25+08:00").expect("a moment");
        assert_eq!((stored(at).as_str(), ms(at)), ("2025-03-01T16:00:00.250Z", 1_740_844_800_250));
        assert_eq!(of_ms(ms(at)), at);
        for bad in ["2025-03-02T00:00:00", "2025-03-02", "gestern", "1901-01-01T00:00:00Z"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn day_begins_at_midnight_in_china() {
        let start = start_of(day("2025-03-02").expect("a day"));
        assert_eq!(stored(start), "2025-03-01T16:00:00.000Z");
        assert_eq!(china_day(start).to_string(), "2025-03-02");
        assert!(day("2025-02-30").is_none() && day("20250201").is_none());
    }
}
