//! Who neighbours whom, as compressed rows; every neighbour weighs one.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::domain::LonLat;

use super::cells::{CellSet, ring};
use super::error::HotspotError;

/// Radius of the sphere on which H3 measures.
pub const EARTH_RADIUS_M: f64 = h3o::EARTH_RADIUS_KM * 1e3;
/// Most entries of a matrix of weights: 1.6 GB.
const MOST_PAIRS: u64 = 400_000_000;
/// Shortest and longest width of a band, in metres.
pub const BAND_M: [f64; 2] = [1.0, 2_000_000.0];
/// Rows that one task fills.
const CHUNK: usize = 512;

/// Binary spatial weights in compressed rows; nobody neighbours oneself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// Row `i` is `neighbours[offsets[i]..offsets[i + 1]]`.
    offsets: Vec<u32>,
    neighbours: Vec<u32>,
}

/// What makes two cells neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Neighbourhood {
    /// Sharing a side: the first ring.
    Ring1,
    /// Centres at most so many metres apart along a great circle.
    BandM(f64),
}

impl Weights {
    /// Weights of given lists of neighbours.
    #[must_use]
    pub fn from_lists(lists: &[Vec<u32>]) -> Self {
        let mut offsets = Vec::with_capacity(lists.len() + 1);
        offsets.push(0);
        let mut neighbours = Vec::new();
        for list in lists {
            neighbours.extend_from_slice(list);
            offsets.push(neighbours.len() as u32);
        }
        Self { offsets, neighbours }
    }

    /// The weights of a neighbourhood between the cells of a set.
    ///
    /// # Errors
    /// A band too short, too long, or with too many pairs.
    pub fn of(cells: &CellSet, neighbourhood: Neighbourhood) -> Result<Self, HotspotError> {
        match neighbourhood {
            Neighbourhood::Ring1 => Ok(Self::ring1(cells)),
            Neighbourhood::BandM(m) => Self::band(&cells.centres(), m),
        }
    }

    /// Neighbours that share a side, as far as they belong to the set.
    #[must_use]
    pub fn ring1(cells: &CellSet) -> Self {
        let rows: Vec<([u32; 6], u8)> = cells
            .cells()
            .par_iter()
            .with_min_len(CHUNK)
            .map(|c| {
                let (mut row, mut n) = ([0; 6], 0_u8);
                for (slot, at) in row.iter_mut().zip(ring(*c).filter_map(|next| cells.find(next))) {
                    *slot = at;
                    n += 1;
                }
                row[..usize::from(n)].sort_unstable();
                (row, n)
            })
            .collect();
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        offsets.push(0);
        let mut neighbours = Vec::with_capacity(rows.len() * 6);
        for (row, n) in &rows {
            neighbours.extend_from_slice(&row[..usize::from(*n)]);
            offsets.push(neighbours.len() as u32);
        }
        Self { offsets, neighbours }
    }

    /// Neighbours at most `band_m` metres away along a great circle. Expected time and memory grow with the number of pairs:
    ///
    /// 1. places as unit vectors, where a great circle of d metres is a chord of 2 sin(d/2R);
    /// 2. sorted into cubes as wide as that chord, so that a neighbour lies in one of 27, three of which follow each other in the order;
    /// 3. counted, then filled.
    ///
    /// # Errors
    /// A band too short or too long, or with too many pairs.
    pub fn band(places: &[LonLat], band_m: f64) -> Result<Self, HotspotError> {
        if !(BAND_M[0]..=BAND_M[1]).contains(&band_m) {
            return Err(HotspotError::Distance { given_m: band_m, least_m: BAND_M[0], most_m: BAND_M[1] });
        }
        let chord = 2.0 * (band_m / (2.0 * EARTH_RADIUS_M)).sin();
        let cubes = Cubes::new(places, chord);
        // Counting stops once there are too many; how far it got does not matter then.
        let seen = AtomicU64::new(0);
        let count = |i| match seen.load(Ordering::Relaxed) {
            n if n > MOST_PAIRS => 0,
            _ => {
                let n = cubes.near(i, |_| {});
                seen.fetch_add(u64::from(n), Ordering::Relaxed);
                n
            }
        };
        let counts: Vec<u32> = (0..places.len()).into_par_iter().with_min_len(CHUNK).map(count).collect();
        let mut offsets = Vec::with_capacity(places.len() + 1);
        offsets.push(0_u32);
        let mut total = 0_u64;
        for n in counts {
            total += u64::from(n);
            offsets.push(total as u32);
        }
        if total > MOST_PAIRS {
            return Err(HotspotError::TooManyNeighbours { most: MOST_PAIRS });
        }
        let mut neighbours = vec![0_u32; total as usize];
        let mut parts = Vec::with_capacity(places.len() / CHUNK + 1);
        let mut rest = neighbours.as_mut_slice();
        for first in (0..places.len()).step_by(CHUNK) {
            let end = (first + CHUNK).min(places.len());
            let (part, after) = rest.split_at_mut((offsets[end] - offsets[first]) as usize);
            parts.push((first..end, part));
            rest = after;
        }
        parts.into_par_iter().for_each(|(rows, part)| {
            let mut slots = part.iter_mut();
            for i in rows {
                cubes.near(i, |j| {
                    if let Some(slot) = slots.next() {
                        *slot = j;
                    }
                });
            }
        });
        Ok(Self { offsets, neighbours })
    }

    /// Number of places.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is no place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Neighbours of place `i`; none for a place that is not there.
    #[must_use]
    pub fn of_place(&self, i: usize) -> &[u32] {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&a), Some(&b)) => self.neighbours.get(a as usize..b as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[u32]> {
        self.offsets.windows(2).map(|w| self.neighbours.get(w[0] as usize..w[1] as usize).unwrap_or_default())
    }

    /// How many neighbours place `i` has.
    #[must_use]
    pub fn degree(&self, i: usize) -> usize {
        self.of_place(i).len()
    }

    /// The most neighbours any place has.
    #[must_use]
    pub fn most_neighbours(&self) -> usize {
        self.offsets.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0) as usize
    }

    /// What every caller may rely on: neighbours exist, differ from each other and from the place itself, and see it in turn.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        (0..self.len()).all(|i| {
            let row = self.of_place(i);
            let distinct: std::collections::BTreeSet<u32> = row.iter().copied().collect();
            distinct.len() == row.len()
                && row.iter().all(|j| *j as usize != i && self.of_place(*j as usize).contains(&(i as u32)))
        })
    }
}

/// Unit vectors sorted into cubes of one chord's width.
struct Cubes {
    /// Vectors in the order of their cubes.
    vectors: Vec<[f64; 3]>,
    /// Place of each sorted vector.
    places: Vec<u32>,
    /// Sorted position of each place.
    sorted_at: Vec<u32>,
    /// Cube of each sorted position.
    cube_of: Vec<u32>,
    /// For each cube, the nine runs of sorted positions that hold every neighbour.
    runs: Vec<[(u32, u32); 9]>,
    chord2: f64,
}

/// Bits of one axis of a cube's key.
const AXIS_BITS: u32 = 20;

impl Cubes {
    fn new(places: &[LonLat], chord: f64) -> Self {
        let side = chord.max(2.5 / f64::from(1 << AXIS_BITS));
        let key = |v: [f64; 3]| v.map(|x| ((x + 1.0) / side) as i64 + 1);
        let pack = |k: [i64; 3]| ((k[0] << (2 * AXIS_BITS)) | (k[1] << AXIS_BITS) | k[2]) as u64;
        let unit = |p: &LonLat| {
            let (lon, lat) = (p.lon_deg.to_radians(), p.lat_deg.to_radians());
            [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
        };
        let vectors: Vec<[f64; 3]> = places.par_iter().map(unit).collect();
        let mut order: Vec<(u64, u32)> = vectors.iter().map(|v| pack(key(*v))).zip(0..).collect();
        order.par_sort_unstable();
        let mut cubes: Vec<(u64, u32)> = Vec::new();
        let mut cube_of = Vec::with_capacity(order.len());
        for (at, (k, _)) in (0..).zip(&order) {
            if cubes.last().is_none_or(|c| c.0 != *k) {
                cubes.push((*k, at));
            }
            cube_of.push(cubes.len() as u32 - 1);
        }
        let start = |k: u64| {
            let c = cubes.partition_point(|c| c.0 < k);
            cubes.get(c).map_or(order.len() as u32, |c| c.1)
        };
        let mask = (1 << AXIS_BITS) - 1;
        let runs = cubes
            .par_iter()
            .map(|(k, _)| {
                let k = *k as i64;
                let [x, y, z] = [k >> (2 * AXIS_BITS), (k >> AXIS_BITS) & mask, k & mask];
                let mut runs = [(0, 0); 9];
                for (run, (dx, dy)) in runs.iter_mut().zip((-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)))) {
                    *run = (start(pack([x + dx, y + dy, z - 1])), start(pack([x + dx, y + dy, z + 1]) + 1));
                }
                runs
            })
            .collect();
        let mut sorted_at = vec![0; order.len()];
        for (at, (_, place)) in (0..).zip(&order) {
            sorted_at[*place as usize] = at;
        }
        let sorted = order.iter().map(|o| vectors[o.1 as usize]).collect();
        let places = order.into_iter().map(|o| o.1).collect();
        Self { vectors: sorted, places, sorted_at, cube_of, runs, chord2: chord * chord }
    }

    /// Calls `found` with every other place within the chord of place `i`; gives their number.
    fn near(&self, i: usize, mut found: impl FnMut(u32)) -> u32 {
        let Some(&at) = self.sorted_at.get(i) else { return 0 };
        let at = at as usize;
        let [x, y, z] = self.vectors[at];
        let mut n = 0;
        for &(from, to) in &self.runs[self.cube_of[at] as usize] {
            let (from, to) = (from as usize, to as usize);
            for (v, j) in self.vectors[from..to].iter().zip(&self.places[from..to]) {
                let (dx, dy, dz) = (v[0] - x, v[1] - y, v[2] - z);
                if dx * dx + dy * dy + dz * dz <= self.chord2 && *j as usize != i {
                    n += 1;
                    found(*j);
                }
            }
        }
        n
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

    #[test]
    fn inner_cells_have_six_neighbours_and_every_pair_sees_each_other() {
        let cells = disk(6);
        let w = Weights::ring1(&cells);
        assert!(w.is_sane());
        let inner = (0..w.len()).filter(|i| w.degree(*i) == 6).count();
        assert_eq!(inner, 1 + 3 * 5 * 6);
        assert_eq!(w.most_neighbours(), 6);
    }

    #[test]
    fn pentagons_have_five_neighbours() {
        let pentagon = Resolution::Five.pentagons().next().expect("twelve of them");
        let cells = CellSet::new(pentagon.grid_disk(2)).expect("cells");
        let w = Weights::ring1(&cells);
        assert!(w.is_sane());
        assert_eq!(w.degree(cells.find(pentagon).expect("member") as usize), 5);
        assert_eq!(cells.pentagons(), 1);
    }

    #[test]
    fn band_equals_the_great_circle_of_every_pair() {
        let mut r = Random::new(5);
        for (lon, lat, spread, band_m) in [
            (105.9, 26.2, 0.05, 700.0),
            (179.99, 0.0, 0.03, 1_500.0),
            (30.0, 89.99, 1.0, 900.0),
            (0.0, -45.0, 90.0, 900_000.0),
        ] {
            let places: Vec<LonLat> = (0..300)
                .map(|_| {
                    let (x, y) = (lon + (r.unit() - 0.5) * 2.0 * spread, lat + (r.unit() - 0.5) * 2.0 * spread);
                    LonLat { lon_deg: (x + 180.0).rem_euclid(360.0) - 180.0, lat_deg: y.clamp(-90.0, 90.0) }
                })
                .collect();
            let w = Weights::band(&places, band_m).expect("a band");
            let point = |p: &LonLat| LatLng::new(p.lat_deg, p.lon_deg).expect("place");
            let mut pairs = 0;
            for (i, a) in places.iter().enumerate() {
                for (j, b) in places.iter().enumerate().filter(|(j, _)| *j != i) {
                    let d = point(a).distance_m(point(b));
                    if (d - band_m).abs() > 1e-3 {
                        assert_eq!(w.of_place(i).contains(&(j as u32)), d < band_m, "{i} {j} {d}");
                    }
                    pairs += usize::from(d < band_m);
                }
            }
            assert!(pairs > 100 && w.is_sane(), "{pairs}");
        }
    }

    #[test]
    fn hopeless_bands_are_refused() {
        assert!(matches!(Weights::band(&[], 0.0), Err(HotspotError::Distance { .. })));
        assert!(matches!(Weights::band(&[], f64::NAN), Err(HotspotError::Distance { .. })));
        let everywhere = vec![LonLat { lon_deg: 105.0, lat_deg: 26.0 }; 30_000];
        assert!(matches!(Weights::band(&everywhere, 10.0), Err(HotspotError::TooManyNeighbours { .. })));
        assert_eq!(Weights::band(&[], 10.0).expect("no place").len(), 0);
    }
}
