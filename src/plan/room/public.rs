//! What of incidents is for everybody (公开图层): counts by hexagon and by category, of ended months, never below k.
//!
//! One resolution and one kind of window for ever: a second cut through the same incidents could be subtracted from the first. A window
//! is published once, and stays as it was published whatever comes to light later: two versions could be subtracted as well.

use std::collections::{BTreeMap, BTreeSet};

use h3o::Resolution;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month};

use crate::domain::LonLat;
use crate::domain::random::stream_seed;
use crate::hotspot::HexCell;
use crate::hotspot::cells::cell_of;
use crate::hotspot::suppression::withheld;

use super::hotspots::ring;
use super::moments;

pub use crate::hotspot::suppression::LEAST_K;

/// Hexagons of about 5 km².
pub const RESOLUTION: Resolution = Resolution::Seven;
/// Days after its end before a month is published: what is reported late is in by then.
pub const SETTLED_DAYS: i64 = 7;

/// An incident as far as the public is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicIncident {
    /// Where.
    pub place: LonLat,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Key of its category.
    pub category: String,
}

/// A window as it is published: what is not in it is nothing, less than k, or withheld to protect such a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicWindow {
    /// Month in China, `2025-03`.
    pub window: String,
    /// No count is below it.
    pub k: u64,
    /// All incidents.
    pub total: u64,
    /// By hexagon, in the order of indices.
    pub cells: BTreeMap<String, u64>,
    /// By key of the category.
    pub categories: BTreeMap<String, u64>,
}

/// The first day of a month and of the next one.
fn span(window: &str) -> Option<(Date, Date)> {
    let (year, month) = window.split_once('-')?;
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let first = Date::from_calendar_date(year.parse().ok()?, month, 1).ok()?;
    let after = if month == Month::December { first.year() + 1 } else { first.year() };
    Some((first, Date::from_calendar_date(after, month.next(), 1).ok()?))
}

impl PublicWindow {
    /// Its first day and the first day after it.
    #[must_use]
    pub fn days(&self) -> Option<(Date, Date)> {
        span(&self.window)
    }
}

/// The hexagon of a published cell, closed, degrees.
#[must_use]
pub fn public_ring(h3: &str) -> Option<Vec<[f64; 2]>> {
    h3.parse::<HexCell>().ok().map(ring)
}

/// Parts in a blind order: it depends on the window and the parts' names alone.
fn blind(window: &str, names: &[&str]) -> Vec<usize> {
    let number = |text: &str| text.bytes().fold(0, |h, b| stream_seed(h, u64::from(b), 0, 0));
    let of = number(window);
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_cached_key(|at| names.get(*at).map(|name| stream_seed(of, number(name), 0, 0)));
    order
}

/// The parts that may be told; `None` when not even their total may be.
fn told(window: &str, parts: &BTreeMap<String, u64>, k: u64) -> Option<BTreeMap<String, u64>> {
    let names: Vec<&str> = parts.keys().map(String::as_str).collect();
    let counts: Vec<u64> = parts.values().copied().collect();
    let hidden = withheld(&counts, &blind(window, &names), k)?;
    let shown = parts.iter().zip(hidden).filter(|(_, h)| !*h).map(|((name, n), _)| (name.clone(), *n));
    Some(shown.collect())
}

#[derive(Default)]
struct Counts {
    cells: BTreeMap<String, u64>,
    categories: BTreeMap<String, u64>,
}

/// The months that are due on a day and not published yet, as they may be published. Months with too little to tell are none of them:
/// whoever asks cannot tell them from months without incidents. Linear in the incidents.
#[must_use]
pub fn due_windows(
    incidents: &[PublicIncident],
    published: &BTreeSet<String>,
    today: Date,
    k: u64,
) -> Vec<PublicWindow> {
    let k = k.max(LEAST_K);
    let mut months: BTreeMap<String, Counts> = BTreeMap::new();
    for incident in incidents {
        let day = moments::china_day(moments::of_ms(incident.at_ms));
        let window = format!("{:04}-{:02}", day.year(), u8::from(day.month()));
        let is_due = || span(&window).is_some_and(|(_, end)| end + Duration::days(SETTLED_DAYS) <= today);
        let Some(cell) = cell_of(incident.place, RESOLUTION).filter(|_| !published.contains(&window) && is_due())
        else {
            continue;
        };
        let counts = months.entry(window).or_default();
        *counts.cells.entry(cell.to_string()).or_default() += 1;
        *counts.categories.entry(incident.category.clone()).or_default() += 1;
    }
    let made = |(window, counts): (String, Counts)| {
        let cells = told(&window, &counts.cells, k)?;
        let categories = told(&window, &counts.categories, k)?;
        Some(PublicWindow { total: counts.cells.values().sum(), window, k, cells, categories })
    };
    months.into_iter().filter_map(made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: LonLat = LonLat { lon_deg: 105.93, lat_deg: 26.24 };

    fn at(text: &str) -> i64 {
        moments::ms(moments::parse(text).expect("a moment"))
    }

    /// So many incidents in a hexagon some rings east of the middle.
    fn some(n: usize, east: i32, when: &str, category: &str) -> Vec<PublicIncident> {
        let place = LonLat { lon_deg: MIDDLE.lon_deg + f64::from(east) * 0.05, ..MIDDLE };
        vec![PublicIncident { place, at_ms: at(when), category: category.to_owned() }; n]
    }

    fn day(text: &str) -> Date {
        moments::day(text).expect("a day")
    }

    #[test]
    fn a22_cells_of_one_to_four_are_not_told_and_not_to_be_computed() {
        let when = "2025-03-10T12:00:00+08:00";
        let mut all = Vec::new();
        for (east, n) in [30, 1, 12, 4, 25, 2].into_iter().enumerate() {
            all.extend(some(n, east as i32, when, if n == 12 { "dispute" } else { "other" }));
        }
        all.extend(some(3, 0, when, "opinion"));
        let found = due_windows(&all, &BTreeSet::new(), day("2025-06-01"), 5);
        let [window] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((window.window.as_str(), window.total), ("2025-03", 77));
        let told: u64 = window.cells.values().sum();
        assert!(
            window.cells.values().all(|n| *n >= 5) && window.cells.len() == 2,
            "one large cell stays with the small ones"
        );
        assert!(window.total - told > 1 + 4 + 2);
        assert!(!window.categories.contains_key("opinion") && window.categories.len() == 1, "{window:?}");
        assert_eq!(due_windows(&all, &BTreeSet::new(), day("2025-06-01"), 5), found, "the same again");
    }

    #[test]
    fn months_are_china_s_ended_settled_and_published_once() {
        let mut all = some(6, 0, "2025-02-28T15:59:59Z", "other");
        all.extend(some(7, 0, "2025-02-28T16:00:00Z", "other"));
        let windows = |published: &[&str], today: &str| {
            let published = published.iter().map(|w| (*w).to_owned()).collect();
            let found = due_windows(&all, &published, day(today), 5);
            found.into_iter().map(|w| (w.window, w.total)).collect::<Vec<_>>()
        };
        let (february, march) = (("2025-02".to_owned(), 6), ("2025-03".to_owned(), 7));
        assert_eq!(windows(&[], "2025-03-07"), []);
        assert_eq!(windows(&[], "2025-03-08"), std::slice::from_ref(&february));
        assert_eq!(windows(&[], "2025-04-07"), std::slice::from_ref(&february));
        assert_eq!(windows(&[], "2025-04-08"), [february, march.clone()]);
        assert_eq!(windows(&["2025-02"], "2025-04-08"), [march]);
        // a month of four is like one of none; a lower k is not to be had
        let few = some(4, 0, "2025-01-05T00:00:00Z", "other");
        assert_eq!(due_windows(&few, &BTreeSet::new(), day("2026-01-01"), 1), []);
        let december = some(9, 0, "2024-12-31T15:00:00Z", "other");
        let found = due_windows(&december, &BTreeSet::new(), day("2025-01-08"), 5);
        assert_eq!(found.first().and_then(PublicWindow::days), Some((day("2024-12-01"), day("2025-01-01"))));
    }
}
