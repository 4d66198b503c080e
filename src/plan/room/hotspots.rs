//! Hotspots as the room shows them: one list of cells for each view, every cell with its own account.

use h3o::Resolution;
use serde::Serialize;

use crate::domain::{LonLat, Point};
use crate::hotspot::cells::{cell_of, centre, resolution};
use crate::hotspot::density::{Density, DensityOptions, density};
use crate::hotspot::emerging::{Course, Cube, Pattern, TrendOptions, trends};
use crate::hotspot::trend::FEWEST_STEPS;
use crate::hotspot::{
    CellSet, HexCell, HotCell, HotClass, HotspotError, HotspotOptions, Neighbourhood, Note, Study, hotspots,
};
use crate::space::projection::LocalProjection;

use super::study::{Counted, Ground, counted};

/// Steps of the cube of an emerging view, at most.
const STEPS: i64 = 12;
const DAY_MS: i64 = 86_400_000;
/// Cells above which the permutation p is left out: it costs hundreds of passes.
const MOST_PERMUTED: usize = 20_000;
const PERMUTATIONS: u32 = 999;
/// Standard deviation of the density's kernel and the distance of its nodes, in edges of a cell.
const BANDWIDTH_EDGES: f64 = 1.5;
const SPACING_EDGES: f64 = 0.5;
/// Cells below this share of the greatest density are not listed, unless they hold an incident.
const LEAST_SHARE: f64 = 0.02;

/// What of a cell is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// Getis–Ord Gi* of counts.
    Gi,
    /// Getis–Ord Gi* of incidents per household.
    Rate,
    /// The number itself.
    Count,
    /// The course in time.
    Emerging,
    /// Incidents per square kilometre, smoothed.
    Density,
}

impl View {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gi, Self::Rate, Self::Count, Self::Emerging, Self::Density];

    /// The word in requests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gi => "gi",
            Self::Rate => "rate",
            Self::Count => "count",
            Self::Emerging => "emerging",
            Self::Density => "density",
        }
    }

    /// The view of a word.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.word() == word)
    }
}

/// What is looked at, and how.
#[derive(Clone, Debug)]
pub struct HotspotWish {
    /// Which view.
    pub view: View,
    /// H3 resolution.
    pub resolution: u8,
    /// The period, milliseconds since 1970: its first moment and the first after it.
    pub period_ms: (i64, i64),
    /// Seed of all draws.
    pub seed: u64,
}

/// A cell as the room shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RoomCell {
    /// Its index.
    pub h3: String,
    /// Its outline in degrees, closed.
    pub ring: Vec<[f64; 2]>,
    /// Incidents in it.
    pub count: u32,
    /// Households in it, where rates are looked at.
    pub households: Option<u64>,
    /// Incidents to be expected in its neighbourhood.
    pub expected: Option<f64>,
    /// Its neighbours.
    pub neighbours: Option<usize>,
    /// Gi*, or the trend's z.
    pub z: Option<f64>,
    /// Two-sided normal p of z.
    pub p: Option<f64>,
    /// Permutation p in the direction of z.
    pub p_sim: Option<f64>,
    /// Whether p is a discovery at 0.05.
    pub fdr05: Option<bool>,
    /// `hot`, `cold`, `none` …
    pub class: Option<&'static str>,
    /// `new_hot`, `consecutive_hot` …
    pub emerging: Option<&'static str>,
    /// Incidents per square kilometre.
    pub density: Option<f64>,
    /// Place in the order of the view, from 1.
    pub rank: Option<u32>,
    /// Its own account, Chinese / English.
    pub why: String,
}

/// A view of the period.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RoomHotspots {
    /// Incidents of the period that lie in the study area.
    pub incidents: u64,
    /// Incidents of the period that do not.
    pub outside: u64,
    /// Cells of the study area, those that have nothing to say among them.
    pub study_cells: usize,
    /// Incidents a cell on average.
    pub mean: f64,
    /// Cells that have something to say, in the order of their ranks.
    pub cells: Vec<RoomCell>,
    /// What a reader must know, Chinese / English.
    pub notes: Vec<String>,
}

/// One line, Chinese / English.
fn one_line(text: &impl ToString) -> String {
    text.to_string().replace('\n', " / ")
}

fn rounded(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

pub(super) fn ring(cell: HexCell) -> Vec<[f64; 2]> {
    let mut ring: Vec<[f64; 2]> = cell.boundary().iter().map(|c| [rounded(c.lng()), rounded(c.lat())]).collect();
    ring.extend(ring.first().copied());
    ring
}

/// The middle of a cell, `[lon, lat]`, by its index.
#[must_use]
pub fn middle_of(h3: &str) -> Option<[f64; 2]> {
    h3.parse::<HexCell>().ok().map(centre).map(|c| [c.lon_deg, c.lat_deg])
}

fn bare(cell: HexCell, count: u32) -> RoomCell {
    RoomCell { h3: cell.to_string(), ring: ring(cell), count, ..RoomCell::default() }
}

/// Looks at a period. Nothing to look at is an empty answer with a remark, not an error.
///
/// # Errors
/// A resolution or period that is none, more cells than memory holds.
pub fn room_hotspots(ground: &Ground, wish: &HotspotWish) -> Result<RoomHotspots, HotspotError> {
    let resolution = resolution(wish.resolution)?;
    let cells: Vec<HexCell> = ground.incidents.iter().filter_map(|i| cell_of(i.0, resolution)).collect();
    let nothing = cells.is_empty() && (ground.outline.is_empty() || matches!(wish.view, View::Rate | View::Density));
    if nothing || (wish.view == View::Rate && ground.homes.iter().all(|h| h.1 == 0)) {
        let what = if cells.is_empty() {
            "这段时间没有事件 / there is no incident in this period"
        } else {
            "区域内没有住户，无法计算发生率 / nobody lives in the area, so there is no rate"
        };
        let outside = cells.len() as u64;
        return Ok(RoomHotspots {
            incidents: 0,
            outside,
            study_cells: 0,
            mean: 0.0,
            cells: Vec::new(),
            notes: vec![what.to_owned()],
        });
    }
    let study = counted(ground, &cells, wish.view, resolution)?;
    let study_cells = (0..study.area.cells.len()).filter(|i| study.is_inside(*i)).count();
    let mut notes: Vec<String> = study.area.notes.iter().map(one_line).collect();
    let (mut listed, more) = match wish.view {
        View::Gi | View::Rate => judged(&study, ground, wish, resolution)?,
        View::Count => (plain(&study), Vec::new()),
        View::Emerging => emerging(&study, ground, wish, resolution)?,
        View::Density => (dense(&study, ground, resolution)?, Vec::new()),
    };
    notes.extend(more);
    if study.outside > 0 {
        let n = study.outside;
        notes.push(format!("{n} 件事件在研究区之外 / {n} incidents lie outside the study area"));
    }
    listed.sort_by(|a, b| a.rank.cmp(&b.rank).then_with(|| a.h3.cmp(&b.h3)));
    let mean = study.inside as f64 / study_cells.max(1) as f64;
    Ok(RoomHotspots { incidents: study.inside, outside: study.outside, study_cells, mean, cells: listed, notes })
}

type Listed = (Vec<RoomCell>, Vec<String>);

fn told(notes: &[Note]) -> Vec<String> {
    notes.iter().map(one_line).collect()
}

fn judged(
    counted: &Counted,
    ground: &Ground,
    wish: &HotspotWish,
    resolution: Resolution,
) -> Result<Listed, HotspotError> {
    let cells = &counted.area.cells;
    let households = (wish.view == View::Rate).then(|| {
        let mut households = vec![0; cells.len()];
        for (place, n) in &ground.homes {
            let at = cell_of(*place, resolution).and_then(|c| cells.find(c));
            if let Some(h) = at.and_then(|i| households.get_mut(i as usize)) {
                *h += n;
            }
        }
        households
    });
    let study = Study {
        cells,
        counts: &counted.counts,
        households: households.as_deref(),
        inside: counted.area.inside.as_deref(),
    };
    let permutations = if cells.len() <= MOST_PERMUTED { PERMUTATIONS } else { 0 };
    let found = hotspots(&study, &HotspotOptions { permutations, seed: wish.seed, ..HotspotOptions::default() })?;
    let own = |c: HotCell| HotCell { count: counted.own_of(c.cell), ..c };
    let has_something = |c: &HotCell| c.count > 0 || matches!(c.class, HotClass::Hot | HotClass::Cold);
    let listed = found.cells.into_iter().map(own).filter(has_something).map(|c| RoomCell {
        households: households.as_ref().and_then(|h| cells.find(c.cell).and_then(|i| h.get(i as usize)).copied()),
        expected: Some(c.expected),
        neighbours: Some(c.neighbours),
        z: c.z,
        p: c.p,
        p_sim: c.p_sim,
        fdr05: Some(c.fdr05),
        class: Some(c.class.word()),
        rank: Some(c.rank),
        why: one_line(&c.explanation()),
        ..bare(c.cell, c.count)
    });
    Ok((listed.collect(), told(&found.notes)))
}

/// Gives ranks by a number, the greatest first; of equal ones the earlier cell.
fn ranked(cells: &mut [RoomCell], number: impl Fn(&RoomCell) -> f64) {
    cells.sort_by(|a, b| number(b).total_cmp(&number(a)).then_with(|| a.h3.cmp(&b.h3)));
    for (rank, cell) in (1..).zip(cells) {
        cell.rank = Some(rank);
    }
}

fn plain(counted: &Counted) -> Vec<RoomCell> {
    let all = counted.area.cells.cells().iter().zip(&counted.own).enumerate();
    let mut cells: Vec<RoomCell> =
        all.filter(|(i, (_, n))| **n > 0 && counted.is_inside(*i)).map(|(_, (cell, n))| bare(*cell, *n)).collect();
    ranked(&mut cells, |c| f64::from(c.count));
    for c in &mut cells {
        let (n, rank) = (c.count, c.rank.unwrap_or_default());
        c.why = format!("本格 {n} 件，排名 {rank} / {n} incidents here, rank {rank}");
    }
    cells
}

const fn course_name(course: Course) -> &'static str {
    match course {
        Course::New => "新出现",
        Course::Consecutive => "连续",
        Course::Intensifying => "加剧",
        Course::Persistent => "持续",
        Course::Diminishing => "减弱",
        Course::Sporadic => "零星",
        Course::Oscillating => "起伏",
        Course::Historical => "曾经",
    }
}

fn emerging(
    counted: &Counted,
    ground: &Ground,
    wish: &HotspotWish,
    resolution: Resolution,
) -> Result<Listed, HotspotError> {
    let (begin, end) = wish.period_ms;
    let days = ((end - begin) / DAY_MS).max(1);
    let step_ms = (days + STEPS - 1) / STEPS * DAY_MS;
    // whole steps that end with the period
    let steps = ((end - begin) / step_ms).max(0) as usize;
    if steps < FEWEST_STEPS {
        return Err(HotspotError::Steps { given: steps, least: FEWEST_STEPS, most: STEPS as usize });
    }
    let (cells, begin) = (&counted.area.cells, end - steps as i64 * step_ms);
    let n = cells.len();
    let mut counts = vec![0_u32; n.saturating_mul(steps)];
    for (place, at) in ground.incidents.iter().chain(&ground.around) {
        let step = usize::try_from((at - begin).div_euclid(step_ms)).ok().filter(|s| *s < steps);
        let cell = cell_of(*place, resolution).and_then(|c| cells.find(c));
        if let (Some(step), Some(cell)) = (step, cell)
            && let Some(c) = counts.get_mut(step * n + cell as usize)
        {
            *c += 1;
        }
    }
    let options = TrendOptions { neighbourhood: Neighbourhood::Ring1, alpha: 0.05, seed: wish.seed };
    let found = trends(&Cube { cells, steps, counts: &counts }, &options)?;
    let step_days = step_ms / DAY_MS;
    let mut notes = told(&found.notes);
    let passed_ms = begin - wish.period_ms.0;
    if passed_ms > 0 {
        let early = ground.incidents.iter().filter(|i| i.1 < begin).count();
        let days = (passed_ms + DAY_MS - 1) / DAY_MS;
        notes.push(format!(
            "各步等长，开头 {days} 天（{early} 件）只计数，不参与趋势判断 / steps are equally long: the first {days} days ({early} incidents) are counted, not judged"
        ));
    }
    let mut listed: Vec<RoomCell> = found
        .cells
        .iter()
        .enumerate()
        .filter(|(i, _)| counted.is_inside(*i))
        .map(|(_, c)| (counted.own_of(c.cell), c))
        .filter(|(own, c)| *own > 0 || c.pattern != Pattern::None)
        .map(|(own, c)| {
            let (zh, en) = match c.pattern {
                Pattern::Hot(course) => (format!("{}的热点", course_name(course)), c.pattern.word()),
                Pattern::Cold(course) => (format!("{}的冷点", course_name(course)), c.pattern.word()),
                Pattern::None => ("没有规律".to_owned(), "no pattern"),
            };
            let z = c.last_z.map_or("–".to_owned(), |z| format!("{z:.2}"));
            let why = format!(
                "{zh}：共 {own} 件，{steps} 步（每步 {step_days} 天）中 {0} 步为热点，最后一步 z = {z} / {en}: {own} incidents, hot in {0} of {steps} steps of {step_days} days, z of the last step {z}",
                c.hot_steps
            );
            RoomCell {
                z: c.last_z,
                p: c.last_p,
                emerging: Some(c.pattern.word()),
                why,
                ..bare(c.cell, own)
            }
        })
        .collect();
    ranked(&mut listed, |c| c.z.unwrap_or(f64::NEG_INFINITY));
    Ok((listed, notes))
}

/// The density of a surface at a place: the four nodes around it, in proportion to nearness.
fn at(surface: &Density, p: Point) -> f64 {
    let (u, v) = ((p.x - surface.origin.x) / surface.spacing_m, (p.y - surface.origin.y) / surface.spacing_m);
    if !(u >= 0.0 && v >= 0.0) {
        return 0.0;
    }
    let (i, j) = (u.floor(), v.floor());
    let node = |i: f64, j: f64| {
        let (i, j) = (i as usize, j as usize);
        if i >= surface.columns || j >= surface.rows {
            return 0.0;
        }
        surface.per_km2.get(j * surface.columns + i).copied().unwrap_or(0.0)
    };
    let (a, b) = (u - i, v - j);
    let (south, north) =
        (node(i, j) * (1.0 - a) + node(i + 1.0, j) * a, node(i, j + 1.0) * (1.0 - a) + node(i + 1.0, j + 1.0) * a);
    south * (1.0 - b) + north * b
}

fn dense(counted: &Counted, ground: &Ground, resolution: Resolution) -> Result<Vec<RoomCell>, HotspotError> {
    let cells: &CellSet = &counted.area.cells;
    // One that was reported from another province would stretch the surface over everything between.
    let here = |p: &LonLat| cell_of(*p, resolution).is_some_and(|c| cells.find(c).is_some());
    let places: Vec<LonLat> = ground.incidents.iter().chain(&ground.around).map(|i| i.0).filter(here).collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let n = places.len() as f64;
    let sum = places.iter().fold([0.0; 2], |s, p| [s[0] + p.lon_deg, s[1] + p.lat_deg]);
    let plane = LocalProjection::centred_on(LonLat { lon_deg: sum[0] / n, lat_deg: sum[1] / n });
    let points: Vec<Point> = places.iter().map(|p| plane.forward(*p)).collect();
    let edge_m = resolution.edge_length_m();
    let options = DensityOptions { bandwidth_m: BANDWIDTH_EDGES * edge_m, spacing_m: SPACING_EDGES * edge_m };
    let surface = density(&points, &options)?;
    let all: Vec<(usize, f64)> =
        cells.cells().iter().enumerate().map(|(i, c)| (i, at(&surface, plane.forward(centre(*c))))).collect();
    let most = all.iter().map(|c| c.1).fold(0.0, f64::max);
    let mut listed: Vec<RoomCell> = all
        .into_iter()
        .filter(|(i, _)| counted.is_inside(*i))
        .map(|(i, d)| (i, d, counted.own.get(i).copied().unwrap_or_default()))
        .filter(|(_, d, own)| *own > 0 || (*d >= LEAST_SHARE * most && *d > 0.0))
        .filter_map(|(i, d, own)| {
            let mut cell = bare(*cells.cells().get(i)?, own);
            cell.density = Some(d);
            cell.why = format!(
                "每平方公里 {d:.1} 件（核密度，带宽 {0:.0} 米） / {d:.1} incidents per km² (kernel density, bandwidth {0:.0} m)",
                options.bandwidth_m
            );
            Some(cell)
        })
        .collect();
    ranked(&mut listed, |c| c.density.unwrap_or(0.0));
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    /// Five kilometres by five, incidents anywhere and a crowd in the middle of the last days.
    fn planted() -> Ground {
        let mut r = Random::new(7);
        let at = |x: f64, y: f64| LonLat { lon_deg: 105.60 + x * 0.05, lat_deg: 25.95 + y * 0.045 };
        let mut incidents: Vec<(LonLat, i64)> = (0..300).map(|i| (at(r.unit(), r.unit()), i * DAY_MS / 10)).collect();
        for i in 0..40 {
            let (dx, dy) = (r.unit() * 0.04, r.unit() * 0.04);
            incidents.push((at(0.5 + dx, 0.5 + dy), 27 * DAY_MS + i * DAY_MS / 20));
        }
        let (w, e, s, n) = (105.60, 105.65, 25.95, 25.995);
        let outline = vec![vec![vec![[w, s], [e, s], [e, n], [w, n], [w, s]]]];
        let homes = (0..4_000).map(|_| (at(r.unit(), r.unit()), 3)).collect();
        Ground { incidents, outline, homes, ..Ground::default() }
    }

    fn wish(view: View) -> HotspotWish {
        HotspotWish { view, resolution: 9, period_ms: (0, 30 * DAY_MS), seed: 1 }
    }

    #[test]
    fn planted_crowd_stands_first_in_every_view_and_explains_itself() {
        let ground = planted();
        let crowd = cell_of(LonLat { lon_deg: 105.626, lat_deg: 25.9734 }, Resolution::Nine).expect("a cell");
        for view in View::ALL {
            let found = room_hotspots(&ground, &wish(view)).expect("a view");
            assert_eq!(found.incidents + found.outside, 340, "{view:?}");
            let first = found.cells.first().expect("a cell");
            let near = crowd.grid_disk::<Vec<HexCell>>(2).iter().any(|c| c.to_string() == first.h3);
            assert!(near, "{view:?}: {first:?}");
            assert!(first.why.contains(" / ") && first.rank == Some(1), "{}", first.why);
            assert!(first.ring.len() == 7 && first.ring.first() == first.ring.last());
            match view {
                View::Gi | View::Rate => assert_eq!(first.class, Some("hot")),
                View::Emerging => assert!(first.emerging.is_some_and(|e| e.ends_with("_hot")), "{first:?}"),
                View::Density => assert!(first.density.is_some_and(|d| d > 20.0)),
                View::Count => assert!(first.count > 5),
            }
            let counted: u64 = found.cells.iter().map(|c| u64::from(c.count)).sum();
            assert_eq!(counted, found.incidents, "cells sum to all incidents: {view:?}");
            assert_eq!(found, room_hotspots(&ground, &wish(view)).expect("a view"), "the same again");
            let mut stretched = ground.clone();
            stretched.incidents.push((LonLat { lon_deg: 120.0, lat_deg: 30.0 }, DAY_MS));
            let far = room_hotspots(&stretched, &wish(view)).expect("a view");
            assert_eq!(far.incidents + far.outside, 341, "one from another province: {view:?}");
        }
    }

    #[test]
    fn however_coarse_the_cells_nothing_inside_the_outline_is_outside() {
        let ground = planted();
        for (resolution, view) in (5..=10).flat_map(|r| View::ALL.map(|v| (r, v))) {
            let found = room_hotspots(&ground, &HotspotWish { resolution, ..wish(view) }).expect("a view");
            let counted: u64 = found.cells.iter().map(|c| u64::from(c.count)).sum();
            assert_eq!((found.incidents, found.outside, counted), (340, 0, 340), "{view:?} at {resolution}");
        }
    }

    #[test]
    fn crowd_across_the_border_counts_for_the_cells_at_it_and_is_not_listed() {
        let mut r = Random::new(3);
        // the region, and a crowd a step beyond its eastern border
        let (w, e, s, n) = (105.60, 105.626, 25.95, 25.995);
        let mut at = |x0: f64, dx: f64| LonLat { lon_deg: x0 + r.unit() * dx, lat_deg: s + r.unit() * (n - s) };
        let incidents: Vec<(LonLat, i64)> = (0..150).map(|i| (at(w, e - w), i * DAY_MS / 5)).collect();
        let beyond = LonLat { lon_deg: e + 0.0005, lat_deg: 25.97 };
        let around: Vec<(LonLat, i64)> = (0..60).map(|i| (beyond, i * DAY_MS / 2)).collect();
        let outline = vec![vec![vec![[w, s], [e, s], [e, n], [w, n], [w, s]]]];
        let alone = Ground { incidents, outline, ..Ground::default() };
        let beside = Ground { around, ..alone.clone() };
        for view in View::ALL.into_iter().filter(|v| *v != View::Rate) {
            let found = room_hotspots(&beside, &wish(view)).expect("a view");
            let counted: u64 = found.cells.iter().map(|c| u64::from(c.count)).sum();
            assert_eq!((counted, found.incidents, found.outside), (150, 150, 0), "{view:?}");
        }
        let near = cell_of(beyond, Resolution::Nine).expect("a cell").grid_disk::<Vec<HexCell>>(1);
        let hot = |ground: &Ground| {
            let found = room_hotspots(ground, &wish(View::Gi)).expect("a view");
            let at_border = |c: &&RoomCell| near.iter().any(|n| n.to_string() == c.h3);
            found.cells.iter().filter(at_border).filter(|c| c.class == Some("hot")).count()
        };
        assert!(hot(&beside) > 2 && hot(&alone) == 0, "{} {}", hot(&beside), hot(&alone));
    }

    #[test]
    fn days_before_the_first_whole_step_are_counted_and_said() {
        let begin = -DAY_MS;
        let asked = HotspotWish { period_ms: (begin, 30 * DAY_MS), ..wish(View::Emerging) };
        let found = room_hotspots(&planted(), &asked).expect("a view");
        let counted: u64 = found.cells.iter().map(|c| u64::from(c.count)).sum();
        assert_eq!(counted, found.incidents);
        assert!(found.notes.iter().any(|n| n.contains("开头 1 天（0 件）")), "{:?}", found.notes);
    }

    #[test]
    fn density_sums_to_the_incidents() {
        let ground = planted();
        let found = room_hotspots(&ground, &wish(View::Density)).expect("a view");
        let km2: f64 = found
            .cells
            .iter()
            .map(|c| c.density.unwrap_or(0.0) * c.h3.parse::<HexCell>().expect("a cell").area_km2())
            .sum();
        // what lies beyond the edge or below the least share is lost
        assert!((0.8..1.02).contains(&(km2 / 340.0)), "{km2}");
    }

    #[test]
    fn nothing_to_look_at_is_said() {
        let empty = Ground::default();
        for view in View::ALL {
            let found = room_hotspots(&empty, &wish(view)).expect("an answer");
            assert!(found.cells.is_empty() && found.notes.len() == 1, "{view:?}");
        }
        let no_homes = Ground { homes: Vec::new(), ..planted() };
        let found = room_hotspots(&no_homes, &wish(View::Rate)).expect("an answer");
        assert_eq!((found.cells.len(), found.outside), (0, 340));
        // a quiet period in a known area: every cell is like every other
        let quiet = Ground { incidents: Vec::new(), ..planted() };
        let found = room_hotspots(&quiet, &wish(View::Gi)).expect("an answer");
        assert!(found.cells.is_empty() && found.study_cells > 100 && !found.notes.is_empty());
        assert!(room_hotspots(&planted(), &HotspotWish { resolution: 16, ..wish(View::Gi) }).is_err());
        let short = HotspotWish { period_ms: (0, 2 * DAY_MS), ..wish(View::Emerging) };
        assert!(room_hotspots(&planted(), &short).is_err());
    }
}
