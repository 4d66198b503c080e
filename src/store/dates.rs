//! Days and times as the store writes them.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

use super::error::StoreError;

/// China has one time zone; a "day" of the register ends there.
const CHINA: UtcOffset = time::macros::offset!(+8);

/// RFC 3339, UTC, milliseconds: what GeoPackage calls DATETIME.
pub(super) fn stamp(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Milliseconds since 1970 of a stamp; 0 for what is none.
pub(super) fn ms_of(stamp: &str) -> i64 {
    let at = OffsetDateTime::parse(stamp, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    (at.unix_timestamp_nanos() / 1_000_000) as i64
}

/// The stamp of milliseconds since 1970.
pub(super) fn stamp_of_ms(ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    stamp(at.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// The day of a stamp in China.
pub(super) fn day_of(stamp: &str) -> String {
    let format = format_description!("[year]-[month]-[day]");
    let at = OffsetDateTime::parse(stamp, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.to_offset(CHINA).format(format).unwrap_or_default()
}

/// The first moment after a day, as a stamp.
pub(super) fn end_of(day: &str) -> Result<String, StoreError> {
    let next = check_day("date", day)?.next_day();
    let next = next.ok_or(StoreError::BadArgument { name: "date", what: day.chars().take(20).collect() })?;
    Ok(stamp(next.midnight().assume_offset(CHINA)))
}

/// A day as `YYYY-MM-DD`.
pub(super) fn check_day(name: &'static str, day: &str) -> Result<Date, StoreError> {
    let format = format_description!("[year]-[month]-[day]");
    let what = || format!("“{}”: YYYY-MM-DD", day.chars().take(20).collect::<String>());
    Date::parse(day, format).map_err(|_| StoreError::BadArgument { name, what: what() })
}

/// Whether a text is a stamp as [`stamp`] writes it.
pub(super) fn is_stamp(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok_and(|at| stamp(at) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_ends_in_china() {
        assert_eq!(end_of("2025-03-01").expect("day"), "2025-03-01T16:00:00.000Z");
        assert_eq!(day_of("2025-03-01T15:59:59.999Z"), "2025-03-01");
        assert_eq!(day_of("2025-03-01T16:00:00.000Z"), "2025-03-02");
        assert!(end_of("2025-02-30").is_err() && end_of("20250201").is_err());
        let stamp = "2025-03-01T16:00:00.250Z";
        assert_eq!((ms_of(stamp), stamp_of_ms(ms_of(stamp)).as_str()), (1_740_844_800_250, stamp));
        assert!(is_stamp("2025-03-01T16:00:00.000Z") && !is_stamp("2025-03-01T16:00:00Z"));
    }
}
