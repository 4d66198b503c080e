//! What of incidents is for everybody (公开图层): whether a hexagon is hot or cold, and counts in all and by category, of ended months;
//! nothing of a hexagon, and no count, below k.
//!
//! One resolution and one kind of window for ever: a second cut through the same incidents could be subtracted from the first. A window
//! is published once, and stays as it was published whatever comes to light later: two versions could be subtracted as well.
//!
//! A class is made of the counts that may be told and of nothing else: what is kept back is spread evenly over all other hexagons of the
//! area. So classes tell of a small count no more than these counts would, which is nothing ([`withheld`]); and they are not told themselves.

use std::collections::{BTreeMap, BTreeSet};

use h3o::Resolution;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month};

use crate::domain::LonLat;
use crate::domain::random::stream_seed;
use crate::domain::register::Polygons;
use crate::hotspot::cells::{Belonging, cell_of};
use crate::hotspot::suppression::withheld;
use crate::hotspot::{Area, CellSet, HexCell, HotClass, HotspotError, HotspotOptions, Neighbourhood, Study, hotspots};

use super::hotspots::ring;
use super::moments;
use super::study::multi_polygon;

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

/// What a hexagon is, as far as everybody may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicClass {
    /// More than chance.
    Hot,
    /// Fewer than chance.
    Cold,
    /// Neither.
    None,
}

impl PublicClass {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
            Self::None => "none",
        }
    }
}

/// A window as it is kept: what is not in it is nothing, less than k, or withheld to protect such a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicWindow {
    /// Month in China, `2025-03`.
    pub window: String,
    /// No count is below it.
    pub k: u64,
    /// All incidents.
    pub total: u64,
    /// By hexagon, in the order of indices: what its class was made of, not told itself.
    pub cells: BTreeMap<String, u64>,
    /// Classes of these hexagons; made of the hexagons alone where an older program kept none.
    #[serde(default)]
    pub classes: BTreeMap<String, PublicClass>,
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

    /// The same with a class for each hexagon.
    #[must_use]
    pub fn classed(self) -> Self {
        if self.cells.keys().all(|h3| self.classes.contains_key(h3)) {
            return self;
        }
        let classes = classes(&self.window, &self.cells, self.total, None);
        Self { classes, ..self }
    }
}

/// The class of each hexagon that is told. Whatever cannot be judged is neither.
fn classes(
    window: &str,
    cells: &BTreeMap<String, u64>,
    total: u64,
    inside: Option<&[HexCell]>,
) -> BTreeMap<String, PublicClass> {
    let found = judged(window, cells, total, inside).unwrap_or_default();
    cells.keys().map(|h3| (h3.clone(), found.get(h3).copied().unwrap_or(PublicClass::None))).collect()
}

fn inside(area: &Area) -> Vec<HexCell> {
    let is_inside = |i: usize| area.inside.as_ref().is_none_or(|l| l.get(i).copied().unwrap_or(false));
    area.cells.cells().iter().enumerate().filter(|(i, _)| is_inside(*i)).map(|(_, c)| *c).collect()
}

/// The hexagons of an outline; `None` without one, and where it is too large for hexagons of this size.
fn inside_of(outline: &Polygons) -> Option<Vec<HexCell>> {
    if outline.is_empty() {
        return None;
    }
    let how = (Neighbourhood::Ring1, Belonging::ByTouch);
    Area::within(&multi_polygon(outline), RESOLUTION, how).ok().map(|area| inside(&area))
}

/// Judges counts that may be told, among the hexagons of an area or, without one, around them.
fn judged(
    window: &str,
    cells: &BTreeMap<String, u64>,
    total: u64,
    area: Option<&[HexCell]>,
) -> Result<BTreeMap<String, PublicClass>, HotspotError> {
    let told: Vec<HexCell> = cells.keys().filter_map(|h3| h3.parse().ok()).collect();
    let mut all = match area {
        Some(area) => area.to_vec(),
        None => inside(&Area::around(&told)?),
    };
    all.extend(told);
    let all = CellSet::new(all)?;
    let names: Vec<String> = all.cells().iter().map(HexCell::to_string).collect();
    let mut counts: Vec<u32> = names.iter().map(|h3| saturated(cells.get(h3).copied().unwrap_or(0))).collect();
    // what is kept back lies somewhere in the others: evenly, as nobody is to know where
    let others: Vec<(usize, &str)> =
        names.iter().enumerate().filter(|(_, h3)| !cells.contains_key(*h3)).map(|(i, h3)| (i, h3.as_str())).collect();
    let (rest, m) = (total.saturating_sub(cells.values().sum()), others.len().max(1) as u64);
    let order = blind(window, &others.iter().map(|o| o.1).collect::<Vec<_>>());
    for (turn, (i, _)) in (0..).zip(order.iter().filter_map(|at| others.get(*at))) {
        if let Some(count) = counts.get_mut(*i) {
            *count = saturated(rest / m + u64::from(turn < rest % m));
        }
    }
    let study = Study { cells: &all, counts: &counts, households: None, inside: None };
    let found = hotspots(&study, &HotspotOptions { permutations: 0, ..HotspotOptions::default() })?;
    let class = |class: HotClass| match class {
        HotClass::Hot => PublicClass::Hot,
        HotClass::Cold => PublicClass::Cold,
        _ => PublicClass::None,
    };
    Ok(found.cells.into_iter().map(|c| (c.cell.to_string(), class(c.class))).collect())
}

fn saturated(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
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

/// The months that are due on a day and not published yet, as they may be published; outlines are those of the area. Months with too little
/// to tell are none of them: whoever asks cannot tell them from months without incidents. Linear in the incidents and the area's hexagons.
#[must_use]
pub fn due_windows(
    incidents: &[PublicIncident],
    published: &BTreeSet<String>,
    outline: &Polygons,
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
    let area = if months.is_empty() { None } else { inside_of(outline) };
    let made = |(window, counts): (String, Counts)| {
        let cells = told(&window, &counts.cells, k)?;
        let categories = told(&window, &counts.categories, k)?;
        let total = counts.cells.values().sum();
        let classes = classes(&window, &cells, total, area.as_deref());
        Some(PublicWindow { total, window, k, cells, classes, categories })
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
        let found = due_windows(&all, &BTreeSet::new(), &Polygons::new(), day("2025-06-01"), 5);
        let [window] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((window.window.as_str(), window.total), ("2025-03", 77));
        let told: u64 = window.cells.values().sum();
        assert!(
            window.cells.values().all(|n| *n >= 5) && window.cells.len() == 2,
            "one large cell stays with the small ones"
        );
        assert!(window.total - told > 1 + 4 + 2);
        assert!(!window.categories.contains_key("opinion") && window.categories.len() == 1, "{window:?}");
        assert_eq!(
            due_windows(&all, &BTreeSet::new(), &Polygons::new(), day("2025-06-01"), 5),
            found,
            "the same again"
        );
    }

    #[test]
    fn months_are_china_s_ended_settled_and_published_once() {
        let mut all = some(6, 0, "2025-02-28T15:59:59Z", "other");
        all.extend(some(7, 0, "2025-02-28T16:00:00Z", "other"));
        let windows = |published: &[&str], today: &str| {
            let published = published.iter().map(|w| (*w).to_owned()).collect();
            let found = due_windows(&all, &published, &Polygons::new(), day(today), 5);
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
        assert_eq!(due_windows(&few, &BTreeSet::new(), &Polygons::new(), day("2026-01-01"), 1), []);
        let december = some(9, 0, "2024-12-31T15:00:00Z", "other");
        let found = due_windows(&december, &BTreeSet::new(), &Polygons::new(), day("2025-01-08"), 5);
        assert_eq!(found.first().and_then(PublicWindow::days), Some((day("2024-12-01"), day("2025-01-01"))));
    }

    /// About 40 km by 40 km, and so many incidents at places that are given by degrees.
    fn county() -> Polygons {
        let (w, s, e, n) = (105.8, 26.1, 106.2, 26.46);
        vec![vec![vec![[w, s], [e, s], [e, n], [w, n], [w, s]]]]
    }

    fn at_places(places: &[(f64, f64, usize)]) -> Vec<PublicIncident> {
        let one = |lon_deg: f64, lat_deg: f64| PublicIncident {
            place: LonLat { lon_deg, lat_deg },
            at_ms: at("2025-03-10T12:00:00+08:00"),
            category: "other".to_owned(),
        };
        places.iter().flat_map(|(x, y, n)| std::iter::repeat_n(one(*x, *y), *n)).collect()
    }

    fn march(incidents: &[PublicIncident], outline: &Polygons) -> PublicWindow {
        let found = due_windows(incidents, &BTreeSet::new(), outline, day("2025-06-01"), 5);
        let [window] = found.as_slice() else { panic!("{found:?}") };
        window.clone()
    }

    const LARGE: [(f64, f64); 5] = [(106.0, 26.28), (105.84, 26.14), (106.16, 26.14), (105.84, 26.42), (106.16, 26.42)];

    /// A crowd in one of five places far from each other, six in the others; and places of one to four.
    fn crowd(where_to: usize) -> Vec<(f64, f64, usize)> {
        let of = |(i, (x, y)): (usize, (f64, f64))| (x, y, if i == where_to { 70 } else { 6 });
        let mut places: Vec<(f64, f64, usize)> = LARGE.into_iter().enumerate().map(of).collect();
        places.extend([(105.92, 26.14, 1), (106.0, 26.14, 2), (106.08, 26.14, 3), (105.92, 26.42, 4)]);
        places
    }

    fn cell_at(lon_deg: f64, lat_deg: f64) -> String {
        cell_of(LonLat { lon_deg, lat_deg }, RESOLUTION).expect("a cell").to_string()
    }

    #[test]
    fn crowd_is_hot_and_quiet_places_are_not() {
        let mut told = 0;
        for (where_to, (x, y)) in LARGE.into_iter().enumerate() {
            let window = march(&at_places(&crowd(where_to)), &county());
            let hot = window.classes.iter().filter(|(_, c)| **c == PublicClass::Hot).map(|(h3, _)| h3.clone());
            let hot: Vec<String> = hot.collect();
            if window.cells.contains_key(&cell_at(x, y)) {
                told += 1;
                assert_eq!(hot, [cell_at(x, y)]);
            } else {
                assert!(hot.is_empty(), "the one that protects the small ones is not told of: {hot:?}");
            }
            assert!(window.classes.keys().eq(window.cells.keys()), "no count that is told, no class");
            // kept and read again it is the same; from a program that kept no classes it gets them
            let text = serde_json::to_string(&window).expect("JSON");
            assert!(serde_json::from_str::<PublicWindow>(&text).is_ok_and(|w| w == window && w.classed() == window));
            let bare = PublicWindow { classes: BTreeMap::new(), ..window.clone() };
            assert!(bare.classed().classes.keys().eq(window.cells.keys()));
        }
        assert_eq!(told, 4, "one of the five large ones protects the small ones, whichever of them is the crowd");
    }

    #[test]
    fn a22_classes_depend_on_nothing_that_is_kept_back() {
        for where_to in 0..LARGE.len() {
            let places = crowd(where_to);
            let first = march(&at_places(&places), &county());
            // the small counts go round among the small places
            let small: Vec<usize> = (0..places.len()).filter(|i| places[*i].2 < 5).collect();
            assert!(small.iter().all(|i| !first.cells.contains_key(&cell_at(places[*i].0, places[*i].1))));
            for turn in 1..small.len() {
                let mut other = places.clone();
                for (at, i) in small.iter().enumerate() {
                    other[*i].2 = places[small[(at + turn) % small.len()]].2;
                }
                assert_ne!(other, places);
                assert_eq!(march(&at_places(&other), &county()), first, "what everybody sees is the same");
            }
        }
    }

    #[test]
    fn a22_small_counts_around_a_told_one_change_nothing() {
        let large = |(i, (x, y)): (usize, (f64, f64))| (x, y, if i == 0 { 70 } else { 6 });
        let large: Vec<(f64, f64, usize)> = LARGE.into_iter().enumerate().map(large).collect();
        let with = |small: &[(f64, f64, usize)]| at_places(&[large.as_slice(), small].concat());
        let apart = [105.92, 106.0, 106.08].map(|x| [(x, 26.14, 4), (x, 26.42, 4)]).concat();
        let first = march(&with(&apart), &county());
        // the class that all counts together would give
        let area = inside_of(&county());
        let of_all = |incidents: &[PublicIncident], h3: &str| {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for i in incidents {
                *counts.entry(cell_at(i.place.lon_deg, i.place.lat_deg)).or_default() += 1;
            }
            classes("2025-03", &counts, incidents.len() as u64, area.as_deref()).get(h3).copied()
        };
        let mut looked_at = 0;
        for (x, y) in LARGE.into_iter().skip(1) {
            let cell = cell_of(LonLat { lon_deg: x, lat_deg: y }, RESOLUTION).expect("a cell");
            let around = cell.grid_disk::<Vec<_>>(1).into_iter().filter(|c| *c != cell).map(h3o::LatLng::from);
            let around: Vec<(f64, f64, usize)> = around.map(|p| (p.lng(), p.lat(), 4)).collect();
            let second = with(&around);
            assert_eq!(march(&second, &county()), first, "what everybody sees is the same");
            if first.cells.contains_key(&cell.to_string()) {
                let classes = [of_all(&with(&apart), &cell.to_string()), of_all(&second, &cell.to_string())];
                assert_eq!(classes, [Some(PublicClass::None), Some(PublicClass::Hot)], "all counts would tell");
                looked_at += 1;
            }
        }
        assert!(looked_at >= 3, "{first:?}");
    }
}
