//! The county before anybody lives in it: townships, villages with their outlines, barriers, and where the special places are.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::cells::{self, Border, OUTSIDE};
use super::dice::{Dice, Stage, shared};
use super::lines::{Curve, LineKind};
use super::names::{self, Division};
use super::{SynthError, SynthOptions};

/// Distance between village centres at up to [`USUAL_HOUSEHOLDS`] a village, in metres: about 5.2 km² each, as around Anshun.
const SPACING_M: f64 = 2_450.0;
const USUAL_HOUSEHOLDS: f64 = 650.0;
/// Nobody lives nearer than this to the lone house, in metres.
pub(super) const ALONE_M: f64 = 1_060.0;
/// Households of a village, drawn lognormal and kept in this range where the totals allow it.
const VILLAGE_HOUSEHOLDS: [f64; 2] = [100.0, 1_500.0];

/// A village's outline and rules of settlement.
#[derive(Clone, Debug)]
pub(super) struct VillagePlan {
    pub(super) division: Division,
    /// Index of the township.
    pub(super) township: u32,
    pub(super) centre: [f64; 2],
    /// Outline in metres, closed rings; the main part first, then the exclave.
    pub(super) polygons: Vec<Vec<Vec<[f64; 2]>>>,
    pub(super) households: u32,
    /// Whether it is its township's seat, with a town quarter, school and hospital.
    pub(super) seat: bool,
    /// A river whose both sides must be settled (index of the line).
    pub(super) both_sides_of: Option<usize>,
    /// Whether nothing ever happens there.
    pub(super) silent: bool,
}

/// A lake: a ring in metres, closed.
#[derive(Clone, Debug)]
pub(super) struct Lake {
    pub(super) name: String,
    pub(super) ring: Vec<[f64; 2]>,
}

/// A crossing that re-opens a hard line, or the lane that leads over it.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    pub(super) bridge: bool,
    pub(super) name: String,
    pub(super) line: Vec<[f64; 2]>,
}

/// Places that every generated county has, where it is large enough.
#[derive(Clone, Debug, Default)]
pub struct Special {
    /// The village that owns an exclave, the one around it, and the exclave's middle in metres.
    pub exclave: Option<(u32, u32, [f64; 2])>,
    /// Village and place (metres) of the house that has no neighbour within a kilometre.
    pub lone: Option<(u32, [f64; 2])>,
    /// The village with the hamlet of exactly four households.
    pub hamlet_of_four: Option<u32>,
    /// The village that the river cuts in two, with a bridge.
    pub cut_with_bridge: Option<u32>,
    /// The village that the river cuts in two, without one.
    pub cut_without_bridge: Option<u32>,
}

/// The whole county without its households, which are made village by village.
pub struct County {
    pub(super) options: SynthOptions,
    pub(super) townships: Vec<(Division, Vec<Vec<Vec<[f64; 2]>>>)>,
    pub(super) villages: Vec<VillagePlan>,
    pub(super) curves: Vec<Curve>,
    pub(super) lakes: Vec<Lake>,
    pub(super) crossings: Vec<Crossing>,
    /// The special places.
    pub special: Special,
}

impl County {
    /// Lays out the county: outlines, barriers, special places, numbers of households. Deterministic in the options.
    ///
    /// # Errors
    /// When the numbers ask for no village, for fewer households than villages or for more than is given out as codes.
    pub fn lay_out(options: &SynthOptions) -> Result<Self, SynthError> {
        options.check()?;
        let (seed, count) = (options.seed, options.villages);
        let mean = f64::from(options.households) / f64::from(count);
        let spacing_m = SPACING_M * (mean / USUAL_HOUSEHOLDS).max(1.0).sqrt();
        let (centres, mut borders) = cells::cells(seed, count, spacing_m);
        let sizes = names::township_sizes(count, options.township);
        let order = ordered(&centres, &sizes);
        // From the order of the lattice to the order of the codes.
        let mut rank = vec![OUTSIDE; order.len()];
        for (i, (_, old)) in order.iter().enumerate() {
            rank[*old as usize] = i as u32;
        }
        for b in &mut borders {
            b.left = rank.get(b.left as usize).copied().unwrap_or(OUTSIDE);
            b.right = rank.get(b.right as usize).copied().unwrap_or(OUTSIDE);
        }
        let divisions: Vec<(Division, Vec<Division>)> =
            sizes.iter().enumerate().map(|(t, &n)| names::divisions(seed, t, n as usize, options.township)).collect();
        let mut own: Vec<_> = divisions.iter().map(|d| d.1.iter()).collect();
        let mut villages: Vec<VillagePlan> = Vec::with_capacity(order.len());
        for (i, &(t, old)) in order.iter().enumerate() {
            let first = i == 0 || order.get(i - 1).is_some_and(|o| o.0 != t);
            let division = own.get_mut(t as usize).and_then(Iterator::next).cloned();
            villages.push(VillagePlan {
                division: division.unwrap_or_else(|| Division { code: String::new(), name: String::new() }),
                township: t,
                centre: centres[old as usize],
                polygons: Vec::new(),
                households: 0,
                seat: first && !(options.township && t > 0),
                both_sides_of: None,
                silent: false,
            });
        }
        let mut county = Self {
            options: options.clone(),
            townships: Vec::new(),
            villages,
            curves: Vec::new(),
            lakes: Vec::new(),
            crossings: Vec::new(),
            special: Special::default(),
        };
        county.outline(&borders);
        county.number_households();
        county.draw_lines();
        if let Some(border) = county.find_exclave(&borders) {
            borders.push(border);
            county.outline(&borders);
        }
        county.find_lone_house();
        county.fill_lakes();
        county.build_crossings();
        let label = |v: u32| county.villages.get(v as usize).map_or(OUTSIDE, |p| p.township);
        let mut of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (i, b) in borders.iter().enumerate().filter(|(_, b)| label(b.left) != label(b.right)) {
            for t in [label(b.left), label(b.right)] {
                of.entry(t).or_default().push(i as u32);
            }
        }
        county.townships = divisions
            .into_iter()
            .enumerate()
            .map(|(t, (own, _))| {
                let t = t as u32;
                (own, cells::polygons(&borders, of.get(&t).map_or(&[], Vec::as_slice), label, t))
            })
            .collect();
        Ok(county)
    }

    /// Number of villages.
    #[must_use]
    pub fn villages(&self) -> usize {
        self.villages.len()
    }

    fn outline(&mut self, borders: &[Border]) {
        let mut of: Vec<Vec<u32>> = vec![Vec::new(); self.villages.len()];
        for (i, b) in borders.iter().enumerate() {
            for v in [b.left, b.right] {
                if let Some(list) = of.get_mut(v as usize) {
                    list.push(i as u32);
                }
            }
        }
        self.villages
            .par_iter_mut()
            .enumerate()
            .for_each(|(i, v)| v.polygons = cells::polygons(borders, &of[i], |l| l, i as u32));
    }

    /// Lognormal sizes, the seats' larger, with the exact total.
    fn number_households(&mut self) {
        let mut dice = Dice::new(self.options.seed, Stage::Sizes, 0);
        let mean = f64::from(self.options.households) / self.villages.len() as f64;
        let (low, high) = (VILLAGE_HOUSEHOLDS[0].min(0.25 * mean), VILLAGE_HOUSEHOLDS[1].max(3.0 * mean));
        let mut weights: Vec<f64> = self
            .villages
            .iter()
            .map(|v| mean * 0.87 * dice.normal(0.0, 0.52).exp() * if v.seat { 2.2 } else { 1.0 })
            .collect();
        for _ in 0..20 {
            let scale = f64::from(self.options.households) / weights.iter().sum::<f64>();
            for w in &mut weights {
                *w = (*w * scale).clamp(low, high);
            }
        }
        // One each first, so that no village is empty.
        let rest = self.options.households - self.villages.len() as u32;
        for (v, n) in self.villages.iter_mut().zip(shared(rest, &weights)) {
            v.households = n + 1;
        }
        let asked = self.options.incidents;
        let mut in_township = 0;
        for i in 0..self.villages.len() {
            in_township = if self.villages[i].seat || i == 0 { 0 } else { in_township + 1 };
            self.villages[i].silent = in_township == 5 && asked > 0;
        }
    }

    /// The first township's villages, the seat left out where there are others.
    fn first_villages(&self) -> Vec<u32> {
        let first = (0..self.villages.len() as u32).filter(|&v| self.villages[v as usize].township == 0);
        let country: Vec<u32> = first.clone().filter(|&v| !self.villages[v as usize].seat).collect();
        if country.is_empty() { first.collect() } else { country }
    }

    fn draw_lines(&mut self) {
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for c in self.villages.iter().flat_map(|v| v.polygons.iter().flatten().flatten()) {
            lo = [lo[0].min(c[0]), lo[1].min(c[1])];
            hi = [hi[0].max(c[0]), hi[1].max(c[1])];
        }
        let margin = 300.0;
        let span = |axis: usize| [lo[axis] - margin, hi[axis] + margin];
        let seed = self.options.seed;
        // The first river cuts two villages of the first township nearly through the middle.
        let country = self.first_villages();
        let centres: Vec<[f64; 2]> = self.villages.iter().map(|v| v.centre).collect();
        let centre = |v: u32| centres[v as usize];
        let mut pair: Option<(f64, u32, u32)> = None;
        for &a in &country {
            for &b in &country {
                let (dx, dy) = (centre(b)[0] - centre(a)[0], (centre(b)[1] - centre(a)[1]).abs());
                if dx > 1_900.0 && pair.is_none_or(|p| dy / dx < p.0) {
                    pair = Some((dy / dx, a, b));
                }
            }
        }
        let mut fixed: Vec<[f64; 2]> = Vec::new();
        let first = country.first().copied();
        let (with, without) = pair.map_or((first, None), |p| (Some(p.1), Some(p.2)));
        for (v, shift) in [(with, 330.0), (without, -300.0)] {
            if let Some(c) = v.map(centre) {
                fixed.push([c[0], c[1] + shift]);
            }
        }
        self.special.cut_with_bridge = with;
        self.special.cut_without_bridge = without;
        for v in [with, without].into_iter().flatten() {
            self.villages[v as usize].both_sides_of = Some(0);
        }
        let middle = fixed.iter().map(|f| f[1]).sum::<f64>() / (fixed.len().max(1) as f64);
        let names = ["白水河", "打邦河", "王二河", "桂家河", "三岔河", "清水河", "响水河", "大河", "小河", "龙潭河"];
        let several = |lo: f64, hi: f64, from: f64, step: f64| {
            let k = ((lo - from) / step).ceil() as i64..=((hi - from) / step).floor() as i64;
            let mut at: Vec<f64> = k.map(|i| from + i as f64 * step).filter(|v| (v - from).abs() > 1.0).collect();
            at.insert(0, from);
            at
        };
        for (i, base) in several(lo[1] + 2_000.0, hi[1] - 2_000.0, middle, 11_000.0).into_iter().enumerate() {
            let mut dice = Dice::new(seed, Stage::Lines, i as u64);
            let fixed = if i == 0 { fixed.as_slice() } else { &[] };
            let name = names.get(i).map_or_else(|| format!("第{}河", i + 1), |n| (*n).to_owned());
            self.curves.push(Curve::through(LineKind::River, name, span(0), base, 500.0, fixed, &mut dice));
        }
        // Railway and main road on either side of the first seat, far enough apart not to touch.
        let seat = centre(0)[0];
        let kinds = [(LineKind::Railway, 33_000.0, -1_500.0, 1_000), (LineKind::Road, 11_000.0, 900.0, 2_000)];
        for (kind, step, shift, stream) in kinds {
            let from = (seat + shift).clamp(lo[0] + 600.0, (hi[0] - 600.0).max(lo[0] + 600.0));
            for (i, base) in several(lo[0] + 2_000.0, hi[0] - 2_000.0, from, step).into_iter().enumerate() {
                let mut dice = Dice::new(seed, Stage::Lines, stream + i as u64);
                let (word, swing) = if kind == LineKind::Road { ("国道", 260.0) } else { ("铁路", 220.0) };
                let name = if i == 0 { word.to_owned() } else { format!("{word}{}", i + 1) };
                self.curves.push(Curve::through(kind, name, span(1), base, swing, &[], &mut dice));
            }
        }
    }

    /// Distance to the nearest line of any kind, exact up to `limit_m`.
    pub(super) fn line_distance_m(&self, p: [f64; 2], limit_m: f64) -> f64 {
        self.curves.iter().map(|c| c.distance_m(p, limit_m)).fold(limit_m, f64::min)
    }

    /// A place inside a village's outline, drawn from its box; the caller checks what else it wants.
    pub(super) fn somewhere(&self, village: u32, dice: &mut Dice) -> Option<[f64; 2]> {
        let main = self.villages.get(village as usize)?.polygons.first()?;
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for c in main.first()? {
            lo = [lo[0].min(c[0]), lo[1].min(c[1])];
            hi = [hi[0].max(c[0]), hi[1].max(c[1])];
        }
        (0..200).find_map(|_| {
            let p = [dice.between(lo[0], hi[0]), dice.between(lo[1], hi[1])];
            cells::inside(std::slice::from_ref(main), p).then_some(p)
        })
    }

    /// Where an exclave fits best: as far as may be from the host's border and every line.
    fn find_exclave(&mut self, borders: &[Border]) -> Option<Border> {
        let country = self.first_villages();
        let mut dice = Dice::new(self.options.seed, Stage::Special, 0);
        let mut best: Option<(f64, u32, u32, [f64; 2])> = None;
        for &host in country.iter().filter(|&&v| Some(v) != self.special.cut_without_bridge) {
            // The owner is a neighbour in the same township, so that the township stays whole.
            let owner = borders.iter().find_map(|b| {
                let other = if b.left == host { b.right } else { b.left };
                ((b.left == host || b.right == host) && other != host && country.contains(&other)).then_some(other)
            });
            let Some(owner) = owner else { continue };
            for _ in 0..120 {
                let Some(p) = self.somewhere(host, &mut dice) else { continue };
                let outline = cells::outline_distance_m(&self.villages[host as usize].polygons, p);
                let from_centre = 0.6
                    * (p[0] - self.villages[host as usize].centre[0])
                        .hypot(p[1] - self.villages[host as usize].centre[1]);
                let score = outline.min(self.line_distance_m(p, 600.0)).min(from_centre);
                if best.is_none_or(|b| score > b.0) {
                    best = Some((score, owner, host, p));
                }
            }
        }
        let (score, owner, host, at) = best.filter(|b| b.0 > 140.0)?;
        self.special.exclave = Some((owner, host, at));
        Some(cells::exclave(at, (score * 0.75).min(270.0), owner, host, &mut dice))
    }

    /// Where a house can be alone: far from every village's centre.
    fn find_lone_house(&mut self) {
        let mut dice = Dice::new(self.options.seed, Stage::Special, 1);
        let mut best: Option<(f64, u32, [f64; 2])> = None;
        for v in self.first_villages() {
            for _ in 0..80 {
                let Some(p) = self.somewhere(v, &mut dice) else { continue };
                let main = self.villages[v as usize].polygons.first().map_or(&[][..], std::slice::from_ref);
                let exclave = self.special.exclave.map_or(f64::INFINITY, |(_, _, e)| (e[0] - p[0]).hypot(e[1] - p[1]));
                if cells::outline_distance_m(main, p) < 60.0
                    || self.line_distance_m(p, 200.0) < 60.0
                    || exclave < ALONE_M + 300.0
                {
                    continue;
                }
                let score = self
                    .villages
                    .iter()
                    .map(|o| (o.centre[0] - p[0]).hypot(o.centre[1] - p[1]))
                    .fold(f64::INFINITY, f64::min);
                if best.is_none_or(|b| score > b.0) {
                    best = Some((score, v, p));
                }
            }
        }
        self.special.lone = best.map(|b| (b.1, b.2)).filter(|_| self.options.households >= 200);
        let taken = self.special.lone.map(|l| l.0);
        let cut = self.special.cut_without_bridge;
        let list = self.first_villages();
        self.special.hamlet_of_four = list
            .iter()
            .rev()
            .find(|&&v| Some(v) != taken && Some(v) != cut)
            .or(list.first())
            .copied()
            .filter(|&v| self.villages[v as usize].households >= 40);
    }

    fn fill_lakes(&mut self) {
        let mut dice = Dice::new(self.options.seed, Stage::Special, 2);
        let wanted = if self.villages.len() < 3 { 0 } else { self.villages.len().div_ceil(20) };
        let names = ["红枫水库", "龙潭", "天池", "月亮湖", "小海子"];
        for i in 0..wanted {
            for _ in 0..200 {
                let v = dice.below(self.villages.len()) as u32;
                let Some(p) = self.somewhere(v, &mut dice) else { continue };
                let plan = &self.villages[v as usize];
                let room = cells::outline_distance_m(&plan.polygons, p)
                    .min(self.line_distance_m(p, 500.0))
                    .min(0.6 * (plan.centre[0] - p[0]).hypot(plan.centre[1] - p[1]));
                let clear = self.special.lone.is_none_or(|l| (l.1[0] - p[0]).hypot(l.1[1] - p[1]) > 500.0);
                let apart = self.lakes.iter().all(|l| cells::distance_m(&l.ring, p) > 500.0);
                if room > 180.0 && clear && apart {
                    let ring = cells::exclave(p, (room - 60.0).min(210.0), v, v, &mut dice).points;
                    let name = names.get(i).map_or_else(|| format!("{}号水库", i + 1), |n| (*n).to_owned());
                    self.lakes.push(Lake { name, ring });
                    break;
                }
            }
        }
    }

    /// Bridges and crossings: where main roads meet rivers and railways, and one or two in most villages that a line cuts.
    fn build_crossings(&mut self) {
        let mut dice = Dice::new(self.options.seed, Stage::Crossings, 0);
        let mut found: Vec<Crossing> = Vec::new();
        for road in self.curves.iter().filter(|c| c.kind == LineKind::Road) {
            for line in self.curves.iter().filter(|c| c.kind.hard()) {
                let word = if line.kind == LineKind::River { "大桥" } else { "立交" };
                for at in road.meets(line) {
                    let shut = self.special.cut_without_bridge.and_then(|v| self.villages.get(v as usize));
                    if shut.is_some_and(|v| cells::inside(&v.polygons, at)) {
                        continue;
                    }
                    let d = road.direction(road.along_m(at));
                    found.push(Crossing {
                        bridge: true,
                        name: format!("{}{}{word}", road.name, line.name),
                        line: vec![
                            [at[0] - 60.0 * d[0], at[1] - 60.0 * d[1]],
                            [at[0] + 60.0 * d[0], at[1] + 60.0 * d[1]],
                        ],
                    });
                }
            }
        }
        for (i, v) in self.villages.iter().enumerate() {
            for (k, line) in self.curves.iter().enumerate().filter(|(_, c)| c.kind.hard()) {
                let must = self.special.cut_with_bridge == Some(i as u32) && k == 0;
                let never = self.special.cut_without_bridge == Some(i as u32) && line.kind == LineKind::River;
                if never || line.offset_m(v.centre).abs() > 2_500.0 || !(must || dice.chance(0.75)) {
                    continue;
                }
                let main = v.polygons.first().map_or(&[][..], std::slice::from_ref);
                for attempt in 0..60_u32 {
                    let spread = 150.0 + 20.0 * f64::from(attempt);
                    let u = line.along_m(v.centre) + dice.normal(0.0, spread);
                    let (at, d) = (line.at(u), line.direction(u));
                    let clear = self.curves.iter().enumerate().all(|(j, c)| j == k || c.distance_m(at, 130.0) > 120.0);
                    if !clear || !cells::inside(main, at) || cells::outline_distance_m(main, at) < 120.0 {
                        continue;
                    }
                    let across = |m: f64, bend: f64| [at[0] - d[1] * m + d[0] * bend, at[1] + d[0] * m + d[1] * bend];
                    let name = if line.kind == LineKind::River { "便桥" } else { "铁路道口" };
                    let half = if line.kind == LineKind::River { 45.0 } else { 30.0 };
                    let short = names::short(&v.division.name);
                    found.push(Crossing {
                        bridge: true,
                        name: format!("{short}{name}"),
                        line: vec![across(-half, 0.0), across(half, 0.0)],
                    });
                    // The lane that uses it, bent so as not to look drawn with a ruler.
                    let lane: Vec<[f64; 2]> = [-260.0, -160.0, -half, half, 170.0, 280.0]
                        .iter()
                        .map(|&m: &f64| {
                            let bend = if m.abs() > 100.0 { dice.between(-50.0, 50.0) } else { 0.0 };
                            across(m, bend)
                        })
                        .filter(|&p| cells::inside(main, p))
                        .collect();
                    if lane.len() > 2 {
                        found.push(Crossing { bridge: false, name: format!("{short}通村路"), line: lane });
                    }
                    break;
                }
            }
        }
        self.crossings = found;
    }
}

/// Villages in the order of their codes: `(township, old index)`, townships by recursive bisection, the seat of each first, the
/// others from north to south.
fn ordered(centres: &[[f64; 2]], sizes: &[u32]) -> Vec<(u32, u32)> {
    fn split(ids: &mut [u32], sizes: &[u32], first: u32, centres: &[[f64; 2]], into: &mut Vec<(u32, u32)>) {
        if sizes.len() <= 1 {
            let n = ids.len().max(1) as f64;
            let at = |i: u32| centres[i as usize];
            let mean = ids.iter().fold([0.0; 2], |m, &i| [m[0] + at(i)[0] / n, m[1] + at(i)[1] / n]);
            let from_mean = |i: u32| (at(i)[0] - mean[0]).hypot(at(i)[1] - mean[1]);
            let seat = ids.iter().copied().min_by(|&a, &b| from_mean(a).total_cmp(&from_mean(b)).then(a.cmp(&b)));
            ids.sort_by(|&a, &b| {
                let key = |i: u32| if Some(i) == seat { f64::NEG_INFINITY } else { -at(i)[1] };
                key(a).total_cmp(&key(b)).then(a.cmp(&b))
            });
            into.extend(ids.iter().map(|&i| (first, i)));
            return;
        }
        let extent = |axis: usize| {
            let (lo, hi) = ids.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |e, &i| {
                (e.0.min(centres[i as usize][axis]), e.1.max(centres[i as usize][axis]))
            });
            hi - lo
        };
        let axis = usize::from(extent(1) > extent(0));
        ids.sort_by(|&a, &b| centres[a as usize][axis].total_cmp(&centres[b as usize][axis]).then(a.cmp(&b)));
        let half = sizes.len() / 2;
        let cut = sizes[..half].iter().sum::<u32>() as usize;
        let (left, right) = ids.split_at_mut(cut.min(ids.len()));
        split(left, &sizes[..half], first, centres, into);
        split(right, &sizes[half..], first + half as u32, centres, into);
    }
    let mut ids: Vec<u32> = (0..centres.len() as u32).collect();
    let mut into = Vec::with_capacity(ids.len());
    split(&mut ids, sizes, 0, centres, &mut into);
    into
}
