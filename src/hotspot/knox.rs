//! Near repeats: are incidents that are close in space also close in time more often than chance has it (Knox 1964)?
//!
//! Pairs are counted by bands of distance and of time. The expectation, if time had nothing to do with place, is exact: pairs of a distance
//! band times the share of all pairs in a time band. p is that of R dealings of the times to the places.

use rayon::prelude::*;

use crate::domain::LonLat;
use crate::domain::random::{Random, stream_seed};

use super::error::HotspotError;
use super::sample::Sampler;
use super::weights::Weights;

/// Marks the streams of this module.
const STREAM: u64 = 0x4B4E_4F58;

/// Upper ends of the bands, ascending; the first band begins at zero.
#[derive(Clone, Debug, PartialEq)]
pub struct KnoxBands {
    /// Distances in metres; 1 m for "the same place".
    pub distances_m: Vec<f64>,
    /// Times in seconds.
    pub times_s: Vec<i64>,
}

/// One field of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnoxField {
    /// Pairs farther apart than this …
    pub from_m: f64,
    /// … and at most so far.
    pub to_m: f64,
    /// Pairs farther apart in time than this (the first band takes zero too) …
    pub from_s: i64,
    /// … and at most so far.
    pub to_s: i64,
    /// Pairs there are.
    pub observed: u64,
    /// Pairs to be expected.
    pub expected: f64,
    /// Share of dealings (this one among them) with as many pairs.
    pub p: f64,
}

/// The table, distance band by distance band.
///
/// # Errors
/// Lists of different length, no bands, or more pairs within the greatest distance than memory holds.
pub fn knox(
    places: &[LonLat],
    times_s: &[i64],
    bands: &KnoxBands,
    permutations: u32,
    seed: u64,
) -> Result<Vec<KnoxField>, HotspotError> {
    if places.len() != times_s.len() {
        return Err(HotspotError::Length { what: "times", wanted: places.len(), found: times_s.len() });
    }
    let pairs = pairs_of(places, bands)?;
    let columns = bands.times_s.len();
    let table = |time: &dyn Fn(u32) -> i64| {
        let mut counts = vec![0_u64; bands.distances_m.len() * columns];
        for (i, j, band) in &pairs {
            let apart = (time(*i) - time(*j)).abs();
            let column = bands.times_s.partition_point(|t| *t < apart);
            if column < columns
                && let Some(n) = counts.get_mut(*band as usize * columns + column)
            {
                *n += 1;
            }
        }
        counts
    };
    let at = |i: u32| times_s.get(i as usize).copied().unwrap_or(0);
    let observed = table(&at);
    let as_many = (0..permutations)
        .into_par_iter()
        .map_init(
            || Sampler::new(places.len()),
            |sampler, r| {
                let mut random = Random::new(stream_seed(seed, STREAM, u64::from(r), 0));
                let order = sampler.draw(&mut random, places.len());
                let dealt = table(&|i| at(order.get(i as usize).copied().unwrap_or(i)));
                dealt.iter().zip(&observed).map(|(d, o)| u32::from(d >= o)).collect::<Vec<u32>>()
            },
        )
        .reduce(|| vec![0; observed.len()], |a, b| a.iter().zip(&b).map(|(x, y)| x + y).collect());
    let near: Vec<u64> =
        (0..bands.distances_m.len()).map(|b| pairs.iter().filter(|p| p.2 as usize == b).count() as u64).collect();
    let shares = shares_of(times_s, &bands.times_s);
    let mut fields = Vec::with_capacity(observed.len());
    for (b, (to_m, near)) in bands.distances_m.iter().zip(&near).enumerate() {
        for (c, (to_s, share)) in bands.times_s.iter().zip(&shares).enumerate() {
            let i = b * columns + c;
            let before = |k: usize| k.checked_sub(1);
            fields.push(KnoxField {
                from_m: before(b).and_then(|k| bands.distances_m.get(k)).copied().unwrap_or(0.0),
                to_m: *to_m,
                from_s: before(c).and_then(|k| bands.times_s.get(k)).copied().unwrap_or(0),
                to_s: *to_s,
                observed: observed.get(i).copied().unwrap_or(0),
                expected: *near as f64 * share,
                p: f64::from(as_many.get(i).copied().unwrap_or(0) + 1) / f64::from(permutations + 1),
            });
        }
    }
    Ok(fields)
}

/// Pairs within the greatest distance, each once, with their band.
fn pairs_of(places: &[LonLat], bands: &KnoxBands) -> Result<Vec<(u32, u32, u8)>, HotspotError> {
    let Some(most_m) = bands.distances_m.last().filter(|_| !bands.times_s.is_empty()) else {
        return Err(HotspotError::Nothing {
            chinese: "没有距离或时间分段",
            english: "there is no band of distance or time",
        });
    };
    let weights = Weights::band(places, *most_m)?;
    let point = |i: u32| {
        let p = places.get(i as usize)?;
        h3o::LatLng::new(p.lat_deg, p.lon_deg).ok()
    };
    let of = |i: usize| {
        weights.of_place(i).iter().filter(move |j| **j as usize > i).filter_map(move |j| {
            let d = point(i as u32)?.distance_m(point(*j)?);
            // Rounding may put a pair a hair beyond the last band.
            let band = bands.distances_m.partition_point(|b| *b < d).min(bands.distances_m.len() - 1);
            Some((i as u32, *j, band as u8))
        })
    };
    Ok((0..places.len()).into_par_iter().flat_map_iter(of).collect())
}

/// The share of all pairs in each band of time, counted along the sorted times.
fn shares_of(times_s: &[i64], bands: &[i64]) -> Vec<f64> {
    let mut sorted = times_s.to_vec();
    sorted.sort_unstable();
    let up_to = |apart: i64| -> u64 {
        let mut last = 0;
        let mut pairs = 0;
        for (i, t) in sorted.iter().enumerate() {
            while sorted.get(last).is_some_and(|u| *u - t <= apart) {
                last += 1;
            }
            pairs += (last - i - 1) as u64;
        }
        pairs
    };
    let all = (times_s.len() as f64) * (times_s.len() as f64 - 1.0) / 2.0;
    let mut before = 0;
    bands
        .iter()
        .map(|b| {
            let (now, then) = (up_to(*b), before);
            before = now;
            if all > 0.0 { (now - then) as f64 / all } else { 0.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 86_400;

    fn bands() -> KnoxBands {
        KnoxBands { distances_m: vec![1.0, 200.0, 400.0], times_s: vec![2 * DAY_S, 7 * DAY_S, 14 * DAY_S] }
    }

    fn scattered(n: usize, seed: u64) -> (Vec<LonLat>, Vec<i64>) {
        let mut r = Random::new(seed);
        let places =
            (0..n).map(|_| LonLat { lon_deg: 105.9 + 0.02 * r.unit(), lat_deg: 26.2 + 0.02 * r.unit() }).collect();
        (places, (0..n).map(|_| (r.unit() * 90.0 * DAY_S as f64) as i64).collect())
    }

    /// The first incidents once more, a day later.
    fn repeat(times: &mut Vec<i64>, n: usize) {
        let later: Vec<i64> = times[..n].iter().map(|t| t + DAY_S).collect();
        times.extend(later);
    }

    #[test]
    fn table_equals_every_pair_looked_at() {
        let (mut places, mut times) = scattered(150, 3);
        places.extend_from_within(..20);
        repeat(&mut times, 20);
        let fields = knox(&places, &times, &bands(), 0, 1).expect("a table");
        let point = |p: &LonLat| h3o::LatLng::new(p.lat_deg, p.lon_deg).expect("place");
        let all = places.len() * (places.len() - 1) / 2;
        for f in &fields {
            let (mut both, mut near, mut soon) = (0, 0, 0);
            for i in 0..places.len() {
                for j in 0..i {
                    let (d, t) = (point(&places[i]).distance_m(point(&places[j])), (times[i] - times[j]).abs());
                    let is_near = d <= f.to_m && (d > f.from_m || f.from_m == 0.0);
                    let is_soon = t <= f.to_s && (t > f.from_s || f.from_s == 0);
                    both += u64::from(is_near && is_soon);
                    near += usize::from(is_near);
                    soon += usize::from(is_soon);
                }
            }
            assert_eq!(f.observed, both, "{f:?}");
            assert!((f.expected - (near * soon) as f64 / all as f64).abs() < 1e-9, "{f:?}");
        }
        assert!(fields[0].observed >= 20 && fields.len() == 9);
    }

    #[test]
    fn planted_repeats_stand_out_and_chance_does_not() {
        let (mut places, mut times) = scattered(200, 5);
        let quiet = knox(&places, &times, &bands(), 199, 1).expect("a table");
        places.extend_from_within(..25);
        repeat(&mut times, 25);
        let loud = knox(&places, &times, &bands(), 199, 1).expect("a table");
        assert_eq!(loud[0].p, 0.005);
        assert!(loud[0].observed as f64 > 5.0 * loud[0].expected.max(1.0));
        assert!(quiet.iter().filter(|f| f.p <= 0.01).count() <= 1, "{quiet:?}");
    }

    #[test]
    fn empty_and_uneven_input_are_told() {
        assert!(
            knox(&[], &[], &bands(), 9, 1).expect("no incident").iter().all(|f| f.observed == 0 && f.expected == 0.0)
        );
        assert!(matches!(knox(&[], &[1], &bands(), 9, 1), Err(HotspotError::Length { .. })));
        let none = KnoxBands { distances_m: vec![], times_s: vec![] };
        assert!(matches!(knox(&[], &[], &none, 9, 1), Err(HotspotError::Nothing { .. })));
    }
}
