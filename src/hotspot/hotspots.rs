//! Hotspots of one period: every cell with what was observed, what was to be expected, and whether the difference is more than chance.
//!
//! 1. counts (or rates per household, [`empirical_bayes`]) are summed over each cell's neighbourhood: Gi*, its normal p, Benjamini–Hochberg;
//! 2. the conditional permutation p, on request;
//! 3. `class` by a p that is right where incidents are few: the exact binomial law of a neighbourhood's count when all incidents fall at random,
//!    on cells or, for rates, on households; below 30 cells the exact law under permutation ([`SumLaw`]), for rates twice the conditional
//!    permutation p. The discoveries among these p-values at `alpha` are hot or cold.

use rayon::prelude::*;

use super::cells::{CellSet, HexCell};
use super::error::HotspotError;
use super::fdr::{FdrMethod, cut};
use super::gi::{FEWEST_FOR_NORMAL, GiStar, gi_star};
use super::law::SumLaw;
use super::normal::{binomial_tails, doubled, two_sided_p};
use super::note::Note;
use super::permutation::conditional_p;
use super::rates::empirical_bayes;
use super::weights::{Neighbourhood, Weights};

/// Permutations that decide on rates of few cells, at least.
const FEW_PERMUTED: u32 = 999;
/// Level of the column `fdr05`.
const FDR05: f64 = 0.05;

/// Where counts are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Study<'a> {
    /// The cells, those beyond the edge among them.
    pub cells: &'a CellSet,
    /// Incidents in each.
    pub counts: &'a [u32],
    /// Households in each, for rates.
    pub households: Option<&'a [u64]>,
    /// Which cells lie inside the study area; all where nothing is said. The others only lend their incidents to neighbours.
    pub inside: Option<&'a [bool]>,
}

/// How they are judged.
#[derive(Clone, Copy, Debug)]
pub struct HotspotOptions {
    /// Who is a neighbour.
    pub neighbourhood: Neighbourhood,
    /// Conditional permutations; none with 0.
    pub permutations: u32,
    /// Seed of all draws.
    pub seed: u64,
    /// Share of false discoveries among classes.
    pub alpha: f64,
    /// How it is held.
    pub method: FdrMethod,
}

impl Default for HotspotOptions {
    fn default() -> Self {
        Self {
            neighbourhood: Neighbourhood::Ring1,
            permutations: 999,
            seed: 1,
            alpha: 0.05,
            method: FdrMethod::BenjaminiHochberg,
        }
    }
}

/// What a cell is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HotClass {
    /// More than chance.
    Hot,
    /// Fewer than chance.
    Cold,
    /// Nothing beyond chance.
    Neither,
    /// No neighbour, so no neighbourhood to judge.
    Island,
    /// All cells have the same value.
    Constant,
    /// Nobody lives in the neighbourhood, so there is no rate.
    NoHouseholds,
}

impl HotClass {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
            Self::Neither => "none",
            Self::Island => "island",
            Self::Constant => "constant",
            Self::NoHouseholds => "no_households",
        }
    }
}

/// One cell and everything that explains its class.
#[derive(Clone, Debug, PartialEq)]
pub struct HotCell {
    /// The cell.
    pub cell: HexCell,
    /// Its own incidents.
    pub count: u32,
    /// Incidents in its neighbourhood, its own among them.
    pub observed: u64,
    /// Incidents its neighbourhood would have on average, or by its households.
    pub expected: f64,
    /// Its neighbours, without itself.
    pub neighbours: usize,
    /// Gi*, of counts or of rates; absent where the normal law says nothing.
    pub z: Option<f64>,
    /// Two-sided normal p of z.
    pub p: Option<f64>,
    /// One-sided conditional permutation p in the direction of z.
    pub p_sim: Option<f64>,
    /// Whether p is a discovery by Benjamini–Hochberg at 0.05.
    pub fdr05: bool,
    /// The p that the class goes by: two-sided, exact.
    pub p_class: Option<f64>,
    /// What it is found to be.
    pub class: HotClass,
    /// Place in the order of z, hottest first, from 1.
    pub rank: u32,
}

impl HotCell {
    /// The cell's own account of its class, Chinese then English.
    #[must_use]
    pub fn explanation(&self) -> String {
        let number = |v: Option<f64>, none: &str| v.map_or(none.to_owned(), |v| format!("{v:.3}"));
        let p = |none: &str| match self.p_class {
            None => none.to_owned(),
            Some(p) if p < 0.001 => format!("{p:.1e}"),
            Some(p) => format!("{p:.3}"),
        };
        let (zh, en) = match self.class {
            HotClass::Hot => ("多于偶然", "more than chance"),
            HotClass::Cold => ("少于偶然", "fewer than chance"),
            HotClass::Neither => ("与偶然无异", "no more than chance"),
            HotClass::Island => ("没有邻格，不作判断", "no neighbours, not judged"),
            HotClass::Constant => ("各格数值相同，不作判断", "all cells are alike, not judged"),
            HotClass::NoHouseholds => ("周围无住户，不作判断", "nobody lives around, not judged"),
        };
        format!(
            "{}：本格 {} 件，连同 {} 个邻格共 {} 件，预期 {:.1} 件；z = {}，p = {}，排名 {}：{zh}\n\
             {}: {} incidents here, {} with its {} neighbours where {:.1} were to be expected; z = {}, p = {}, rank {}: {en}",
            self.cell,
            self.count,
            self.neighbours,
            self.observed,
            self.expected,
            number(self.z, "无"),
            p("无"),
            self.rank,
            self.cell,
            self.count,
            self.observed,
            self.neighbours,
            self.expected,
            number(self.z, "none"),
            p("none"),
            self.rank
        )
    }
}

/// All cells of the study area, ascending, and what must be said beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Hotspots {
    /// The cells.
    pub cells: Vec<HotCell>,
    /// Remarks.
    pub notes: Vec<Note>,
}

/// Judges every cell of a study; O(n log n + pairs) but for permutations, which cost R times the pairs.
///
/// # Errors
/// Lists of the wrong length, nobody living in the study, or a neighbourhood that cannot be built.
pub fn hotspots(study: &Study<'_>, options: &HotspotOptions) -> Result<Hotspots, HotspotError> {
    let n = study.cells.len();
    check("counts", n, study.counts.len())?;
    let weights = Weights::of(study.cells, options.neighbourhood)?;
    let ground = match study.households {
        None => Ground::counts(study, &weights, options.seed),
        Some(households) => {
            check("households", n, households.len())?;
            Ground::rates(study, households, &weights)?
        }
    };
    let inside = |i: usize| study.inside.is_none_or(|s| s.get(i).copied().unwrap_or(false));
    let gi = gi_star(&weights, &ground.values);
    let mut cells = judged(study, &weights, &ground, gi.as_ref(), options);
    let mut notes = notes_of(study, &weights, &cells, gi.is_none());
    notes.extend(ground.is_sampled.then_some(Note::SampledLaw));
    let mut keep = (0..n).map(inside);
    cells.retain(|_| keep.next().unwrap_or(false));
    discover(&mut cells, options);
    rank(&mut cells);
    Ok(Hotspots { cells, notes })
}

fn check(what: &'static str, wanted: usize, found: usize) -> Result<(), HotspotError> {
    if wanted == found { Ok(()) } else { Err(HotspotError::Length { what, wanted, found }) }
}

/// What the study asks about: values whose concentration is measured, and neighbourhoods with their expectation and p.
struct Ground {
    values: Vec<f64>,
    observed: Vec<u64>,
    expected: Vec<f64>,
    p: Vec<Option<f64>>,
    is_sampled: bool,
}

impl Ground {
    fn counts(study: &Study<'_>, weights: &Weights, seed: u64) -> Self {
        let observed = neighbourhood_sums(weights, study.counts, |c| u64::from(*c));
        let mean = study.counts.iter().map(|c| u64::from(*c)).sum::<u64>() as f64 / weights.len() as f64;
        let mut sizes: Vec<usize> = weights.rows().map(|r| r.len() + 1).collect();
        let expected = sizes.iter().map(|w| mean * *w as f64).collect();
        let each = sizes.clone();
        sizes.sort_unstable();
        sizes.dedup();
        let incidents: u64 = study.counts.iter().map(|c| u64::from(*c)).sum();
        let n = weights.len();
        let (p, is_sampled) = if n < FEWEST_FOR_NORMAL {
            let law = SumLaw::new(study.counts, &sizes, seed);
            (each.iter().zip(&observed).map(|(w, s)| Some(law.two_sided_p(*w, *s))).collect(), !law.is_exact())
        } else {
            let judge = |(w, s): (&usize, &u64)| {
                let (upper, lower) = binomial_tails(incidents, *w as f64 / n as f64, *s);
                Some(doubled(upper, lower))
            };
            (each.par_iter().zip(&observed).with_min_len(1024).map(judge).collect(), false)
        };
        let values = study.counts.iter().map(|c| f64::from(*c)).collect();
        Self { values, observed, expected, p, is_sampled }
    }

    fn rates(study: &Study<'_>, households: &[u64], weights: &Weights) -> Result<Self, HotspotError> {
        let nobody =
            HotspotError::Nothing { chinese: "研究区内没有住户", english: "nobody lives in the study area" };
        let values = empirical_bayes(study.counts, households).ok_or(nobody)?;
        let observed = neighbourhood_sums(weights, study.counts, |c| u64::from(*c));
        let around = neighbourhood_sums(weights, households, |b| *b);
        let incidents: u64 = study.counts.iter().map(|c| u64::from(*c)).sum();
        let all = households.iter().sum::<u64>() as f64;
        let expected = around.iter().map(|b| incidents as f64 * *b as f64 / all).collect();
        let p = around.par_iter().zip(&observed).with_min_len(1024).map(|(b, s)| {
            let (upper, lower) = binomial_tails(incidents, *b as f64 / all, *s);
            (*b > 0).then(|| doubled(upper, lower))
        });
        let p = p.collect();
        Ok(Self { values, observed, expected, p, is_sampled: false })
    }
}

fn neighbourhood_sums<T>(weights: &Weights, values: &[T], number: impl Fn(&T) -> u64) -> Vec<u64> {
    let of = |i: usize| values.get(i).map_or(0, &number);
    weights.rows().enumerate().map(|(i, row)| of(i) + row.iter().map(|j| of(*j as usize)).sum::<u64>()).collect()
}

fn judged(
    study: &Study<'_>,
    weights: &Weights,
    ground: &Ground,
    gi: Option<&GiStar>,
    options: &HotspotOptions,
) -> Vec<HotCell> {
    let is_normal = study.cells.len() >= FEWEST_FOR_NORMAL;
    let permuted = |gi: &GiStar, n: u32| conditional_p(weights, &ground.values, &gi.z, n, options.seed);
    let p_sim = gi.filter(|_| options.permutations > 0).map(|gi| permuted(gi, options.permutations));
    let is_rated = study.households.is_some();
    // rates of few cells: permutations alone decide, whether their p was asked for or not
    let by_rates = gi.filter(|_| is_rated && !is_normal).map(|gi| match (&p_sim, options.permutations) {
        (Some(p), FEW_PERMUTED..) => p.clone(),
        _ => permuted(gi, FEW_PERMUTED),
    });
    let at = |list: &[f64], i: usize| list.get(i).copied();
    study
        .cells
        .cells()
        .par_iter()
        .with_min_len(1024)
        .enumerate()
        .map(|(i, cell)| {
            let z = gi.filter(|_| is_normal).and_then(|gi| at(&gi.z, i));
            let exact = ground.p.get(i).copied().flatten();
            let class = match (gi, weights.degree(i), exact) {
                (None, ..) if !is_rated || !is_normal => HotClass::Constant,
                (_, _, None) => HotClass::NoHouseholds,
                (_, 0, _) => HotClass::Island,
                _ => HotClass::Neither,
            };
            let p_class = match &by_rates {
                Some(p) => at(p, i).map(|p| (2.0 * p).min(1.0)),
                None => exact,
            };
            HotCell {
                cell: *cell,
                count: study.counts.get(i).copied().unwrap_or(0),
                observed: ground.observed.get(i).copied().unwrap_or(0),
                expected: at(&ground.expected, i).unwrap_or(0.0),
                neighbours: weights.degree(i),
                z,
                p: z.map(two_sided_p),
                p_sim: p_sim.as_ref().and_then(|p| at(p, i)),
                fdr05: false,
                p_class: p_class.filter(|_| class == HotClass::Neither),
                class,
                rank: 0,
            }
        })
        .collect()
}

fn notes_of(study: &Study<'_>, weights: &Weights, cells: &[HotCell], is_constant: bool) -> Vec<Note> {
    let n = study.cells.len();
    let are_rates_alike = is_constant && study.households.is_some() && n >= FEWEST_FOR_NORMAL;
    let of_class = |class: HotClass| cells.iter().filter(|c| c.class == class).count();
    let few = (n < FEWEST_FOR_NORMAL).then_some(Note::FewCells { cells: n, wanted: FEWEST_FOR_NORMAL });
    let islands = weights.rows().filter(|r| r.is_empty()).count();
    let (pentagons, homeless) = (study.cells.pentagons(), of_class(HotClass::NoHouseholds));
    let outside = study.inside.and_then(|inside| {
        let beyond = || cells.iter().zip(inside).filter(|(_, i)| !**i);
        let incidents = beyond().map(|(c, _)| u64::from(c.count)).sum();
        (beyond().count() > 0).then(|| Note::BeyondTheEdge { cells: beyond().count(), incidents })
    });
    [
        few,
        are_rates_alike.then_some(Note::RatesAlike),
        (is_constant && !are_rates_alike).then_some(Note::Constant),
        (islands > 0).then_some(Note::Islands { cells: islands }),
        (pentagons > 0).then_some(Note::Pentagons { cells: pentagons }),
        (homeless > 0).then_some(Note::NoHouseholds { cells: homeless }),
        outside,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Marks the discoveries among the cells that are reported.
fn discover(cells: &mut [HotCell], options: &HotspotOptions) {
    let normal: Vec<f64> = cells.iter().filter_map(|c| c.p).collect();
    let normal = cut(&normal, FDR05, FdrMethod::BenjaminiHochberg);
    let class: Vec<f64> = cells.iter().filter_map(|c| c.p_class).collect();
    let class = cut(&class, options.alpha, options.method);
    let within = |p: Option<f64>, cut: Option<f64>| p.zip(cut).is_some_and(|(p, cut)| p <= cut);
    for c in cells {
        c.fdr05 = within(c.p, normal);
        if within(c.p_class, class) {
            c.class = if c.observed as f64 > c.expected { HotClass::Hot } else { HotClass::Cold };
        }
    }
}

fn rank(cells: &mut [HotCell]) {
    let score = |c: &HotCell| c.z.unwrap_or(c.observed as f64 - c.expected);
    let mut order: Vec<(f64, usize)> = cells.iter().map(score).zip(0..).collect();
    order.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (rank, (_, i)) in (1..).zip(order) {
        if let Some(c) = cells.get_mut(i) {
            c.rank = rank;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;
    use h3o::{LatLng, Resolution};

    fn disk(k: u32) -> CellSet {
        let middle = LatLng::new(26.2456, 105.932).expect("place").to_cell(Resolution::Ten);
        CellSet::new(middle.grid_disk(k)).expect("cells")
    }

    /// Poisson by Knuth's product of uniforms.
    fn poisson(r: &mut Random, mean: f64) -> u32 {
        let (end, mut product, mut n) = ((-mean).exp(), r.unit(), 0);
        while product > end {
            product *= r.unit();
            n += 1;
        }
        n
    }

    fn study<'a>(cells: &'a CellSet, counts: &'a [u32]) -> Study<'a> {
        Study { cells, counts, households: None, inside: None }
    }

    const QUICK: HotspotOptions = HotspotOptions {
        neighbourhood: Neighbourhood::Ring1,
        permutations: 0,
        seed: 1,
        alpha: 0.05,
        method: FdrMethod::BenjaminiHochberg,
    };

    fn any(found: &Hotspots) -> bool {
        found.cells.iter().any(|c| matches!(c.class, HotClass::Hot | HotClass::Cold))
    }

    #[test]
    fn noise_of_mean_0_8_is_called_a_spot_in_at_most_ten_of_a_hundred_seeds() {
        let cells = disk(30);
        let (mut by_class, mut by_normal) = (0, 0);
        for seed in 1..=100 {
            let mut r = Random::new(seed);
            let counts: Vec<u32> = (0..cells.len()).map(|_| poisson(&mut r, 0.8)).collect();
            let found = hotspots(&study(&cells, &counts), &QUICK).expect("a study");
            by_class += u32::from(any(&found));
            by_normal += u32::from(found.cells.iter().any(|c| c.fdr05));
        }
        println!("noise called a spot: {by_class} of 100 by class, {by_normal} of 100 by the normal law");
        assert!(by_class <= 10, "{by_class}");
        // What the calibration is for.
        assert!(by_normal > 2 * by_class, "{by_normal}");
    }

    #[test]
    fn noise_in_proportion_to_households_is_no_spot_and_a_crowd_is_one() {
        let cells = disk(20);
        let households: Vec<u64> = (0..cells.len() as u64).map(|i| (i * i) % 41).collect();
        let mut called = 0;
        for seed in 1..=60 {
            let mut r = Random::new(seed);
            let counts: Vec<u32> = households.iter().map(|h| poisson(&mut r, 0.05 * *h as f64)).collect();
            let rated = Study { households: Some(&households), ..study(&cells, &counts) };
            let found = hotspots(&rated, &QUICK).expect("a study");
            called += u32::from(any(&found));
            // Expected incidents are shared out over households: all neighbourhoods together, each as often as it is seen.
            // Rates that differ no more than chance are all drawn to one, and then nothing stands out.
            assert!(found.cells.iter().all(|c| c.z.is_none_or(f64::is_finite) && c.expected.is_finite()));
        }
        assert!(called <= 8, "{called}");
        let mut counts: Vec<u32> = households.iter().map(|h| (*h / 20) as u32).collect();
        let weights = Weights::ring1(&cells);
        for j in weights.of_place(500) {
            counts[*j as usize] += 9;
        }
        let rated = Study { households: Some(&households), ..study(&cells, &counts) };
        let found = hotspots(&rated, &QUICK).expect("a study");
        assert_eq!(found.cells[500].class, HotClass::Hot);
        assert!(found.cells[500].observed as f64 > found.cells[500].expected);
    }

    #[test]
    fn planted_zone_is_hot_ranks_first_and_explains_itself() {
        let cells = disk(25);
        let mut r = Random::new(4);
        let mut counts: Vec<u32> = (0..cells.len()).map(|_| poisson(&mut r, 0.8)).collect();
        let weights = Weights::ring1(&cells);
        for j in weights.of_place(700).iter().chain([&700]) {
            counts[*j as usize] += 5;
        }
        let found = hotspots(&study(&cells, &counts), &HotspotOptions { permutations: 199, ..QUICK }).expect("a study");
        let c = &found.cells[700];
        assert_eq!((c.class, c.rank, c.neighbours, c.fdr05), (HotClass::Hot, 1, 6, true));
        assert_eq!(
            c.observed,
            weights.of_place(700).iter().map(|j| u64::from(counts[*j as usize])).sum::<u64>() + u64::from(c.count)
        );
        let mean = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
        assert!((c.expected - 7.0 * mean).abs() < 1e-9);
        assert_eq!(c.p_sim, Some(0.005));
        let said = c.explanation();
        for part in [c.cell.to_string(), "多于偶然".to_owned(), "more than chance".to_owned(), "rank 1".to_owned()]
        {
            assert!(said.contains(&part), "{said}");
        }
        let ranks: std::collections::BTreeSet<u32> = found.cells.iter().map(|c| c.rank).collect();
        assert_eq!((ranks.len(), ranks.first(), ranks.last()), (cells.len(), Some(&1), Some(&(cells.len() as u32))));
        let strict = HotspotOptions { method: FdrMethod::BenjaminiYekutieli, ..QUICK };
        let fewer = hotspots(&study(&cells, &counts), &strict).expect("a study");
        let hot = |f: &Hotspots| f.cells.iter().filter(|c| c.class == HotClass::Hot).count();
        assert!(hot(&fewer) <= hot(&found) && hot(&fewer) > 0);
    }

    #[test]
    fn few_cells_constant_fields_islands_and_pentagons_are_said_and_nothing_is_nan() {
        let few = disk(2);
        let counts: Vec<u32> = (0..few.len() as u32).map(|i| if i < 7 { 9 } else { i % 2 }).collect();
        let found = hotspots(&study(&few, &counts), &HotspotOptions { permutations: 99, ..QUICK }).expect("a study");
        assert!(found.cells.iter().all(|c| c.z.is_none() && c.p.is_none() && c.p_sim.is_some() && c.p_class.is_some()));
        assert!(matches!(found.notes[0], Note::FewCells { cells: 19, wanted: 30 }));

        let level = disk(6);
        let found = hotspots(&study(&level, &vec![3; level.len()]), &QUICK).expect("a study");
        assert!(found.cells.iter().all(|c| c.class == HotClass::Constant && c.z.is_none() && !c.fdr05));
        assert_eq!(found.notes, [Note::Constant]);

        let pentagon = Resolution::Five.pentagons().next().expect("twelve of them");
        let far = LatLng::new(26.2456, 105.932).expect("place").to_cell(Resolution::Five);
        let mut cells: Vec<HexCell> = pentagon.grid_disk(4);
        cells.push(far);
        let cells = CellSet::new(cells).expect("cells");
        let mut counts = vec![1; cells.len()];
        counts[3] = 7;
        let found = hotspots(&study(&cells, &counts), &QUICK).expect("a study");
        let island = &found.cells[cells.find(far).expect("member") as usize];
        assert_eq!((island.class, island.neighbours, island.p_class), (HotClass::Island, 0, None));
        assert!(
            found.notes.contains(&Note::Islands { cells: 1 }) && found.notes.contains(&Note::Pentagons { cells: 1 })
        );
        assert!(found.cells.iter().all(|c| c.z.is_some_and(f64::is_finite) && c.p.is_some_and(f64::is_finite)));
    }

    #[test]
    fn crowd_among_rates_that_are_all_drawn_to_one_is_found_all_the_same() {
        let cells = disk(18);
        let (households, weights) = (vec![20; cells.len()], Weights::ring1(&cells));
        let mut counts = vec![1; cells.len()];
        for j in weights.of_place(500).iter().chain([&500]) {
            counts[*j as usize] = 3;
        }
        let rated = Study { households: Some(&households), ..study(&cells, &counts) };
        let found = hotspots(&rated, &QUICK).expect("a study");
        assert!(found.notes.contains(&Note::RatesAlike), "{:?}", found.notes);
        assert_eq!(found.cells[500].class, HotClass::Hot);
        assert!(found.cells.iter().all(|c| c.z.is_none() && c.class != HotClass::Constant));
        let level = vec![1; cells.len()];
        let alike = Study { households: Some(&households), ..study(&cells, &level) };
        assert!(!any(&hotspots(&alike, &QUICK).expect("a study")));
    }

    #[test]
    fn rates_of_few_cells_go_by_permutations_alone() {
        let cells = disk(2);
        let households: Vec<u64> = (0..cells.len() as u64).map(|i| 20 + 400 * (i % 3)).collect();
        let counts: Vec<u32> = (0..cells.len() as u32).map(|i| (i * 7) % 12).collect();
        let rated = Study { households: Some(&households), ..study(&cells, &counts) };
        for permutations in [0, 99, 1_999] {
            let found = hotspots(&rated, &HotspotOptions { permutations, ..QUICK }).expect("a study");
            for c in &found.cells {
                assert!(c.z.is_none() && c.p_sim.is_some() == (permutations > 0), "{c:?}");
                let p = c.p_class.expect("judged");
                if permutations > 999 {
                    assert!(c.p_sim.is_some_and(|s| (p - (2.0 * s).min(1.0)).abs() < 1e-12), "{c:?}");
                }
                assert!((0.001..=1.0).contains(&p) && (p <= 0.05 || c.class == HotClass::Neither), "{c:?}");
            }
        }
    }

    #[test]
    fn nobody_around_is_no_rate_and_nobody_at_all_is_an_error() {
        let cells = disk(5);
        let mut households = vec![0; cells.len()];
        households[0] = 50;
        let counts = vec![1; cells.len()];
        let rated = Study { households: Some(&households), ..study(&cells, &counts) };
        let found = hotspots(&rated, &QUICK).expect("a study");
        assert!(found.cells.iter().filter(|c| c.expected == 0.0).all(|c| c.class != HotClass::Hot));
        households[0] = 0;
        let rated = Study { households: Some(&households), ..study(&cells, &counts) };
        assert!(matches!(hotspots(&rated, &QUICK), Err(HotspotError::Nothing { .. })));
        let short = Study { counts: &counts[1..], ..study(&cells, &counts) };
        assert!(matches!(hotspots(&short, &QUICK), Err(HotspotError::Length { .. })));
    }
}
