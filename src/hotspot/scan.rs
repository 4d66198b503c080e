//! Kulldorff's space-time permutation scan (Kulldorff, Heffernan, Hartman, Assunção & Mostashari 2005): is there an outbreak now, judged from
//! the incidents alone, whatever the population and whatever places and days are usually busy?
//!
//! 1. places are H3 cells, about a fifteenth of the radius wide, so that each has a bounded number of neighbours;
//! 2. a window is a cell with its k nearest others within the radius, over the last d days; it holds c incidents where μ = C·m/N are expected
//!    (C ever happened in its cells, m in its days, N in all);
//! 3. its excess is the likelihood ratio (c/μ)^c · ((N − c)/(N − μ))^(N − c), for c > μ;
//! 4. the greatest ratio is compared with the greatest of R maps on which the days were dealt anew to the same places: p, and 1/p days between
//!    chance findings of that size when one looks daily.
//!
//! A map costs the recent incidents times their neighbours, not the windows: between two recent incidents a window only grows in μ, so the
//! ratio is greatest where one enters.

use rayon::prelude::*;

use crate::domain::LonLat;
use crate::domain::random::{Random, stream_seed};

use super::cells::{CellSet, HexCell, cell_of, centre, resolution};
use super::error::HotspotError;
use super::sample::Sampler;
use super::weights::Weights;

/// Fewest incidents of a cluster.
const FEWEST: u32 = 2;
/// Most clusters that are listed.
const MOST_CLUSTERS: usize = 20;
/// Cells across a radius, at least.
const CELLS_ACROSS: f64 = 12.0;
/// Shortest and longest radius, in metres: the finest cells are fine enough, and the longest band holds it.
pub const RADIUS_M: [f64; 2] = [10.0, 2_000_000.0];
/// Longest window.
pub const MOST_DAYS: u32 = 366;
/// Marks the streams of this module.
const STREAM: u64 = 0x5343_414E;

/// An incident: where, and on which day (any count of days).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Occurrence {
    /// Where.
    pub place: LonLat,
    /// When.
    pub day: i64,
}

/// How it is scanned.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions {
    /// Greatest radius of a window.
    pub radius_m: f64,
    /// Longest window in days; all windows end on the last day.
    pub days: u32,
    /// The day that is last; that of the latest incident otherwise. Later incidents are left out.
    pub last_day: Option<i64>,
    /// Maps dealt anew.
    pub permutations: u32,
    /// Seed of the dealing.
    pub seed: u64,
}

/// One window with more incidents than expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The cell in its middle.
    pub centre: HexCell,
    /// Distance to its farthest cell, between centres.
    pub radius_m: f64,
    /// Its cells, nearest first.
    pub cells: Vec<HexCell>,
    /// Its first day.
    pub first_day: i64,
    /// Its last day.
    pub last_day: i64,
    /// Incidents in it.
    pub observed: u32,
    /// Incidents expected in it.
    pub expected: f64,
    /// Logarithm of its likelihood ratio.
    pub log_ratio: f64,
    /// Share of maps (this one among them) with a ratio as great anywhere.
    pub p: f64,
    /// Days between chance findings of that size when one looks every day: 1/p.
    pub recurrence_days: f64,
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Windows in order of their excess, the most likely cluster first; no two share a cell.
    pub clusters: Vec<Cluster>,
    /// Incidents scanned.
    pub incidents: usize,
    /// Distinct cells with incidents.
    pub places: usize,
    /// Resolution of the cells.
    pub resolution: u8,
    /// First day with an incident.
    pub first_day: i64,
    /// Last day of every window.
    pub last_day: i64,
}

/// Scans for clusters that are alive on the last day.
///
/// # Errors
/// No incident, a radius or duration that is none, or more neighbours than memory holds.
pub fn scan(incidents: &[Occurrence], options: &ScanOptions) -> Result<Scan, HotspotError> {
    if !(1..=MOST_DAYS).contains(&options.days) {
        let (given, most) = (options.days as usize, MOST_DAYS as usize);
        return Err(HotspotError::Steps { given, least: 1, most });
    }
    let nothing = HotspotError::Nothing { chinese: "没有事件", english: "there is no incident" };
    let last_day = options.last_day.or_else(|| incidents.iter().map(|o| o.day).max()).ok_or(nothing.clone())?;
    let kept: Vec<Occurrence> = incidents.iter().copied().filter(|o| o.day <= last_day).collect();
    let first_day = kept.iter().map(|o| o.day).min().ok_or(nothing)?;
    let resolution = resolution_for(options.radius_m)?;
    let of = |o: &Occurrence| cell_of(o.place, resolution);
    let cells = CellSet::new(kept.iter().filter_map(of).collect())?;
    let map = Map::new(&cells, options.radius_m, &kept, |o| of(o).and_then(|c| cells.find(c)), last_day, options.days)?;
    let windows = map.best_windows(&map.recent());
    let clusters = map.apart(windows);
    let greatest = map.greatest_of_dealt(options.permutations, options.seed);
    let clusters = clusters
        .into_iter()
        .map(|w| {
            let as_great = greatest.iter().filter(|g| **g >= w.log_ratio).count();
            map.cluster(&cells, &w, (as_great + 1) as f64 / (greatest.len() + 1) as f64, last_day)
        })
        .collect();
    Ok(Scan {
        clusters,
        incidents: map.site_of.len(),
        places: cells.len(),
        resolution: u8::from(resolution),
        first_day,
        last_day,
    })
}

fn resolution_for(radius_m: f64) -> Result<h3o::Resolution, HotspotError> {
    let edge_m = radius_m / CELLS_ACROSS;
    let fits = |r: &u8| resolution(*r).is_ok_and(|r| r.edge_length_m() <= edge_m);
    let refused = HotspotError::Distance { given_m: radius_m, least_m: RADIUS_M[0], most_m: RADIUS_M[1] };
    if !(RADIUS_M[0]..=RADIUS_M[1]).contains(&radius_m) {
        return Err(refused);
    }
    (0..=15).find(fits).map_or(Err(refused), resolution)
}

/// A window: a site, how many of its nearest (itself first) belong to it, how many days.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    log_ratio: f64,
    site: u32,
    rank: u32,
    days: u32,
    observed: u32,
}

/// Sites with their neighbourhoods, and incidents on them.
struct Map {
    /// Rows of sites by distance, each site itself first: `near[offsets[s]..offsets[s + 1]]`.
    offsets: Vec<u32>,
    near: Vec<u32>,
    /// Incidents ever in the first k sites of a row.
    within: Vec<u32>,
    /// For each site, the rows it stands in and its rank there.
    seen_from: Vec<(u32, u32)>,
    /// Site of each incident.
    site_of: Vec<u32>,
    /// Days before the last one of each incident.
    age: Vec<i64>,
    /// Incidents of the last 1, 2, … days.
    recent_days: Vec<u32>,
    days: u32,
}

impl Map {
    fn new(
        cells: &CellSet,
        radius_m: f64,
        incidents: &[Occurrence],
        site: impl Fn(&Occurrence) -> Option<u32>,
        last_day: i64,
        days: u32,
    ) -> Result<Self, HotspotError> {
        let centres = cells.centres();
        let weights = Weights::band(&centres, radius_m)?;
        let (mut site_of, mut age) = (Vec::with_capacity(incidents.len()), Vec::with_capacity(incidents.len()));
        let mut total = vec![0_u32; cells.len()];
        for o in incidents {
            if let Some((s, n)) = site(o).and_then(|s| total.get_mut(s as usize).map(|n| (s, n))) {
                *n += 1;
                site_of.push(s);
                age.push(last_day - o.day);
            }
        }
        let rows: Vec<Vec<u32>> =
            (0..cells.len()).into_par_iter().map(|s| by_distance(s, weights.of_place(s), &centres)).collect();
        let mut offsets = vec![0_u32];
        offsets.extend(rows.iter().scan(0, |sum, r| {
            *sum += r.len() as u32;
            Some(*sum)
        }));
        let near: Vec<u32> = rows.into_iter().flatten().collect();
        let mut within = Vec::with_capacity(near.len());
        let mut seen_from = vec![(0, 0); near.len()];
        let mut next = offsets.clone();
        for s in 0..cells.len() {
            let mut sum = 0;
            for (rank, other) in (0..).zip(&near[offsets[s] as usize..offsets[s + 1] as usize]) {
                sum += total[*other as usize];
                within.push(sum);
                // A band is symmetric: a site stands in as many rows as its own row is long.
                seen_from[next[*other as usize] as usize] = (s as u32, rank);
                next[*other as usize] += 1;
            }
        }
        let recent_days = (1..=i64::from(days)).map(|d| age.iter().filter(|a| **a < d).count() as u32).collect();
        Ok(Self { offsets, near, within, seen_from, site_of, age, recent_days, days })
    }

    fn row<'a, T>(&self, list: &'a [T], s: u32) -> &'a [T] {
        let s = s as usize;
        &list[self.offsets[s] as usize..self.offsets[s + 1] as usize]
    }

    /// Site and age of the incidents within the longest window.
    fn recent(&self) -> Vec<(u32, u32)> {
        let young = self.site_of.iter().zip(&self.age).filter(|(_, a)| **a < i64::from(self.days));
        young.map(|(s, a)| (*s, *a as u32)).collect()
    }

    fn log_ratio(&self, observed: u32, expected: f64) -> f64 {
        let (c, n) = (f64::from(observed), self.site_of.len() as f64);
        if c <= expected || observed < FEWEST {
            return 0.0;
        }
        let rest = if n > c { (n - c) * ((n - c) / (n - expected)).ln() } else { 0.0 };
        c * (c / expected).ln() + rest
    }

    /// The best window around each site that sees a recent incident.
    fn best_windows(&self, recent: &[(u32, u32)]) -> Vec<Window> {
        let mut best: Vec<Window> = Vec::new();
        self.sweep(recent, |w| match best.last_mut() {
            Some(last) if last.site == w.site => {
                if w.log_ratio > last.log_ratio {
                    *last = w;
                }
            }
            _ => best.push(w),
        });
        best
    }

    /// Hands over every window with an excess that ends its radius at a recent incident, site by site.
    fn sweep(&self, recent: &[(u32, u32)], mut found: impl FnMut(Window)) {
        let mut entries: Vec<u128> = Vec::new();
        for (site, age) in recent {
            let seen = self.row(&self.seen_from, *site).iter();
            entries.extend(seen.map(|(s, k)| u128::from(*s) << 64 | u128::from(*k) << 32 | u128::from(*age)));
        }
        entries.sort_unstable();
        let n = self.site_of.len() as f64;
        let mut by_age = vec![0_u32; self.days as usize];
        for of_site in entries.chunk_by(|a, b| a >> 64 == b >> 64) {
            by_age.fill(0);
            for at_rank in of_site.chunk_by(|a, b| a >> 32 == b >> 32) {
                for e in at_rank {
                    if let Some(n) = by_age.get_mut((*e as u32) as usize) {
                        *n += 1;
                    }
                }
                let Some(first) = at_rank.first() else { continue };
                let (site, rank) = ((*first >> 64) as u32, (*first >> 32) as u32);
                let ever = f64::from(self.row(&self.within, site)[rank as usize]);
                if 2.0 * ever > n {
                    break;
                }
                let mut observed = 0;
                for ((days, c), m) in (1..).zip(&by_age).zip(&self.recent_days) {
                    observed += c;
                    let log_ratio = self.log_ratio(observed, ever * f64::from(*m) / n);
                    if *c > 0 && log_ratio > 0.0 {
                        found(Window { log_ratio, site, rank, days, observed });
                    }
                }
            }
        }
    }

    /// The best windows in order, of which none shares a site with a better one.
    fn apart(&self, mut windows: Vec<Window>) -> Vec<Window> {
        windows.sort_by(|a, b| b.log_ratio.total_cmp(&a.log_ratio).then(a.site.cmp(&b.site)));
        let mut taken = vec![false; self.offsets.len() - 1];
        let mut kept = Vec::new();
        for w in windows {
            let sites = &self.row(&self.near, w.site)[..=w.rank as usize];
            if kept.len() < MOST_CLUSTERS && sites.iter().all(|s| !taken[*s as usize]) {
                sites.iter().for_each(|s| taken[*s as usize] = true);
                kept.push(w);
            }
        }
        kept
    }

    /// The greatest ratio of each map on which the days were dealt anew.
    fn greatest_of_dealt(&self, permutations: u32, seed: u64) -> Vec<f64> {
        let ages: Vec<u32> = self.recent().iter().map(|r| r.1).collect();
        (0..permutations)
            .into_par_iter()
            .map_init(
                || Sampler::new(self.site_of.len()),
                |sampler, r| {
                    let mut random = Random::new(stream_seed(seed, STREAM, u64::from(r), 0));
                    let drawn = sampler.draw(&mut random, ages.len()).iter().zip(&ages);
                    let recent: Vec<(u32, u32)> = drawn.map(|(i, age)| (self.site_of[*i as usize], *age)).collect();
                    let mut greatest = 0.0_f64;
                    self.sweep(&recent, |w| greatest = greatest.max(w.log_ratio));
                    greatest
                },
            )
            .collect()
    }

    fn cluster(&self, cells: &CellSet, w: &Window, p: f64, last_day: i64) -> Cluster {
        let sites = &self.row(&self.near, w.site)[..=w.rank as usize];
        let members: Vec<HexCell> = sites.iter().map(|s| cells.cells()[*s as usize]).collect();
        let (first, last) = (members[0], members[members.len() - 1]);
        let ever = f64::from(self.row(&self.within, w.site)[w.rank as usize]);
        let m = self.recent_days.get(w.days as usize - 1).copied().unwrap_or(0);
        Cluster {
            centre: first,
            radius_m: distance_m(centre(first), centre(last)),
            cells: members,
            first_day: last_day + 1 - i64::from(w.days),
            last_day,
            observed: w.observed,
            expected: ever * f64::from(m) / self.site_of.len() as f64,
            log_ratio: w.log_ratio,
            p,
            recurrence_days: 1.0 / p,
        }
    }
}

fn distance_m(a: LonLat, b: LonLat) -> f64 {
    let point = |p: LonLat| h3o::LatLng::new(p.lat_deg, p.lon_deg).unwrap_or_default();
    point(a).distance_m(point(b))
}

/// A site and its neighbours by distance, the site itself first; ties by number.
fn by_distance(site: usize, neighbours: &[u32], centres: &[LonLat]) -> Vec<u32> {
    let mut row: Vec<(f64, u32)> =
        neighbours.iter().map(|j| (distance_m(centres[site], centres[*j as usize]), *j)).collect();
    row.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    std::iter::once(site as u32).chain(row.into_iter().map(|r| r.1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: ScanOptions = ScanOptions { radius_m: 2_000.0, days: 5, last_day: None, permutations: 99, seed: 3 };

    /// Busy and quiet quarters, busy and quiet days: nothing that moves together.
    fn usual(n: usize, seed: u64) -> Vec<Occurrence> {
        let mut r = Random::new(seed);
        (0..n)
            .map(|_| {
                let (x, y) = (r.unit().powi(2), r.unit());
                let place = LonLat { lon_deg: 105.9 + 0.08 * x, lat_deg: 26.2 + 0.08 * y };
                Occurrence { place, day: 100 - (r.unit().powf(1.5) * 60.0) as i64 }
            })
            .collect()
    }

    fn outbreak(n: usize) -> impl Iterator<Item = Occurrence> {
        (0..n).map(|i| Occurrence {
            place: LonLat { lon_deg: 105.955 + 0.001 * (i % 4) as f64, lat_deg: 26.245 + 0.001 * (i % 3) as f64 },
            day: 98 + i as i64 % 3,
        })
    }

    /// Every window of every site, each incident looked at.
    fn by_brute_force(incidents: &[Occurrence], options: &ScanOptions) -> (f64, u32, f64) {
        let resolution = resolution_for(options.radius_m).expect("a radius");
        let last_day = incidents.iter().map(|o| o.day).max().expect("incidents");
        let cells: Vec<HexCell> = incidents.iter().map(|o| cell_of(o.place, resolution).expect("place")).collect();
        let sites = CellSet::new(cells.clone()).expect("sites");
        let n = incidents.len() as f64;
        let mut best = (0.0, 0, 0.0);
        for site in sites.cells() {
            let mut near: Vec<(f64, HexCell)> = sites
                .cells()
                .iter()
                .map(|c| (distance_m(centre(*site), centre(*c)), *c))
                .filter(|(d, _)| *d <= options.radius_m)
                .collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for k in 1..=near.len() {
                let inside = |i: &usize| near[..k].iter().any(|c| c.1 == cells[*i]);
                let members: Vec<usize> = (0..incidents.len()).filter(inside).collect();
                if members.len() as f64 * 2.0 > n {
                    break;
                }
                for d in 1..=i64::from(options.days) {
                    let young = |i: &usize| last_day - incidents[*i].day < d;
                    let c = members.iter().filter(|i| young(i)).count();
                    let m = (0..incidents.len()).filter(young).count();
                    let (c, mu) = (c as f64, members.len() as f64 * m as f64 / n);
                    if c >= 2.0 && c > mu {
                        let ratio = c * (c / mu).ln() + (n - c) * ((n - c) / (n - mu)).ln();
                        if ratio > best.0 + 1e-9 {
                            best = (ratio, c as u32, mu);
                        }
                    }
                }
            }
        }
        best
    }

    #[test]
    fn most_likely_cluster_is_the_best_of_every_window() {
        for seed in 1..6 {
            let mut incidents = usual(120, seed);
            incidents.extend(outbreak(seed as usize));
            let found = scan(&incidents, &ScanOptions { permutations: 0, ..OPTIONS }).expect("a scan");
            let (ratio, observed, expected) = by_brute_force(&incidents, &OPTIONS);
            let first = &found.clusters[0];
            assert!((first.log_ratio - ratio).abs() < 1e-9, "{seed}: {} {ratio}", first.log_ratio);
            assert_eq!(first.observed, observed);
            assert!((first.expected - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn planted_outbreak_of_three_days_is_found_and_rare() {
        let mut incidents = usual(1_500, 9);
        incidents.extend(outbreak(14));
        let found = scan(&incidents, &ScanOptions { permutations: 999, ..OPTIONS }).expect("a scan");
        let first = &found.clusters[0];
        assert_eq!((first.last_day, first.last_day - first.first_day), (100, 2));
        assert!(first.observed >= 13 && first.expected < 5.0, "{first:?}");
        assert_eq!(first.p, 0.001);
        assert!((first.recurrence_days - 1_000.0).abs() < 1e-9);
        let middle = LonLat { lon_deg: 105.9565, lat_deg: 26.246 };
        assert!(distance_m(centre(first.centre), middle) < 600.0);
        for (i, a) in found.clusters.iter().enumerate() {
            assert!(found.clusters[..i].iter().all(|b| b.cells.iter().all(|c| !a.cells.contains(c))));
        }
    }

    #[test]
    fn usual_days_are_rarely_called_an_outbreak() {
        let rare = (0..60)
            .filter(|seed| {
                let found = scan(&usual(250, 100 + seed), &OPTIONS).expect("a scan");
                found.clusters.first().is_some_and(|c| c.p <= 0.05)
            })
            .count();
        // 5 % of 60 are 3; nine or more would happen once in 400 times.
        assert!(rare <= 8, "{rare}");
    }

    #[test]
    fn result_depends_on_the_seed_and_not_on_the_threads() {
        let incidents = usual(300, 1);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| scan(&incidents, &OPTIONS).expect("a scan"))
        };
        assert_eq!(run(1), run(4));
    }

    #[test]
    fn no_incident_and_no_radius_are_refused() {
        assert!(matches!(scan(&[], &OPTIONS), Err(HotspotError::Nothing { .. })));
        let one = usual(1, 1);
        assert!(scan(&one, &OPTIONS).expect("one incident").clusters.is_empty());
        for radius_m in [0.0, f64::NAN, 1e-3] {
            assert!(matches!(scan(&one, &ScanOptions { radius_m, ..OPTIONS }), Err(HotspotError::Distance { .. })));
        }
        assert!(matches!(scan(&one, &ScanOptions { days: 0, ..OPTIONS }), Err(HotspotError::Steps { .. })));
    }
}
