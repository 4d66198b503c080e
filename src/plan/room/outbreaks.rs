//! Outbreaks that are alive on the last day, as the room shows them.

use serde::Serialize;
use time::Date;

use crate::domain::LonLat;
use crate::hotspot::HotspotError;
use crate::hotspot::cells::centre;
use crate::hotspot::scan::{Occurrence, ScanOptions, scan};

use super::moments;

/// One cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outbreak {
    /// Its middle in degrees.
    pub centre: [f64; 2],
    /// Its radius in metres.
    pub radius_m: f64,
    /// Its first day in China, `YYYY-MM-DD`.
    pub from: String,
    /// Its last day.
    pub to: String,
    /// Incidents in it.
    pub observed: u32,
    /// Incidents to be expected in it.
    pub expected: f64,
    /// Chance of one as great anywhere.
    pub p: f64,
    /// How often such a thing comes by chance, if one looks every day.
    pub recurrence_days: Option<f64>,
    /// Its own account, Chinese / English.
    pub why: String,
}

/// How it is looked for.
#[derive(Clone, Copy, Debug)]
pub struct OutbreakWish {
    /// Greatest radius in metres.
    pub radius_m: f64,
    /// Longest duration in days.
    pub days: u32,
    /// The last day looked at.
    pub last_day: Date,
    /// Maps dealt anew.
    pub permutations: u32,
    /// Seed of the dealing.
    pub seed: u64,
}

/// Days since 1970 of a day.
fn number(day: Date) -> i64 {
    i64::from(day.to_julian_day()) - i64::from(Date::from_ordinal_date(1970, 1).map_or(0, Date::to_julian_day))
}

fn written(number_of_day: i64) -> String {
    let start = Date::from_ordinal_date(1970, 1).unwrap_or(Date::MIN);
    start.checked_add(time::Duration::days(number_of_day)).unwrap_or(start).to_string()
}

/// Scans incidents (where, when in milliseconds since 1970) for outbreaks, the most likely first.
///
/// # Errors
/// No incident, a radius or duration that is none.
pub fn outbreaks(incidents: &[(LonLat, i64)], wish: &OutbreakWish) -> Result<Vec<Outbreak>, HotspotError> {
    if incidents.is_empty() {
        return Ok(Vec::new());
    }
    let day = |ms: i64| number(moments::china_day(moments::of_ms(ms)));
    let occurrences: Vec<Occurrence> =
        incidents.iter().map(|(place, at)| Occurrence { place: *place, day: day(*at) }).collect();
    let options = ScanOptions {
        radius_m: wish.radius_m,
        days: wish.days,
        last_day: Some(number(wish.last_day)),
        permutations: wish.permutations,
        seed: wish.seed,
    };
    let found = scan(&occurrences, &options)?;
    let shown = |c: &crate::hotspot::scan::Cluster| {
        let middle = centre(c.centre);
        let (from, to) = (written(c.first_day), written(c.last_day));
        let why = format!(
            "{from} 至 {to}，半径 {0:.0} 米内 {1} 件，预期 {2:.1} 件，p = {3:.4}，约每 {4:.0} 天偶然出现一次 / {from} to {to}: {1} incidents within {0:.0} m where {2:.1} were to be expected, p = {3:.4}, by chance once in {4:.0} days",
            c.radius_m, c.observed, c.expected, c.p, c.recurrence_days
        );
        Outbreak {
            centre: [middle.lon_deg, middle.lat_deg],
            radius_m: c.radius_m,
            from,
            to,
            observed: c.observed,
            expected: c.expected,
            p: c.p,
            recurrence_days: Some(c.recurrence_days).filter(|d| d.is_finite()),
            why,
        }
    };
    Ok(found.clusters.iter().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;
    use time::macros::date;

    #[test]
    fn planted_outbreak_of_the_last_three_days_is_found_and_says_how_rare_it_is() {
        let mut r = Random::new(3);
        let at = |x: f64, y: f64| LonLat { lon_deg: 105.60 + x * 0.06, lat_deg: 25.95 + y * 0.05 };
        let last = moments::ms(moments::start_of(date!(2026 - 05 - 31)));
        let mut incidents: Vec<(LonLat, i64)> =
            (0..240).map(|i| (at(r.unit(), r.unit()), last - (i % 60) * 86_400_000)).collect();
        incidents
            .extend((0..12).map(|i| (at(0.3 + r.unit() * 0.02, 0.7 + r.unit() * 0.02), last - (i % 3) * 86_400_000)));
        let wish =
            OutbreakWish { radius_m: 1_000.0, days: 7, last_day: date!(2026 - 05 - 31), permutations: 199, seed: 1 };
        let found = outbreaks(&incidents, &wish).expect("a scan");
        let first = found.first().expect("a cluster");
        assert!(first.p <= 0.01 && first.recurrence_days.is_some_and(|d| d >= 100.0), "{first:?}");
        assert!((first.centre[0] - 105.6186).abs() < 0.01 && (first.centre[1] - 25.9855).abs() < 0.01, "{first:?}");
        assert_eq!((first.to.as_str(), first.observed >= 12), ("2026-05-31", true));
        assert_eq!(outbreaks(&[], &wish), Ok(Vec::new()));
    }
}
