//! H3 cells (六边形) as the places of a study: found, filled in, counted into.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use geo::{Contains, ConvexHull, Coord, LineString, MultiPoint, MultiPolygon, Point, Polygon};
use h3o::geom::{ContainmentMode, TilerBuilder};
use h3o::{LatLng, Resolution};
use rayon::prelude::*;

use crate::domain::LonLat;

use super::error::HotspotError;

/// One hexagon (or pentagon) of the H3 grid; never called a grid, which is what households are divided into.
pub type HexCell = h3o::CellIndex;

/// The most cells of a study: 2 GB of everything that is held per cell.
pub const MOST_CELLS: usize = 10_000_000;

/// Mixes the bits of one index; indices are not chosen by an adversary who could gain from collisions.
#[derive(Default)]
pub(super) struct CellHasher(u64);

impl Hasher for CellHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }

    fn write_u64(&mut self, v: u64) {
        let h = (self.0 ^ v).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = h ^ (h >> 32);
    }
}

type CellMap = HashMap<u64, u32, BuildHasherDefault<CellHasher>>;
/// Cells that were met.
pub(super) type CellIds = HashSet<u64, BuildHasherDefault<CellHasher>>;

/// Distinct cells of one resolution, ascending.
#[derive(Clone, Debug)]
pub struct CellSet {
    cells: Vec<HexCell>,
    at: CellMap,
}

impl CellSet {
    /// The distinct cells among `cells`.
    ///
    /// # Errors
    /// When there is none, there are too many, or they differ in resolution.
    pub fn new(mut cells: Vec<HexCell>) -> Result<Self, HotspotError> {
        cells.par_sort_unstable();
        cells.dedup();
        let Some(first) = cells.first() else {
            return Err(HotspotError::Nothing { chinese: "没有六边形", english: "there is no cell" });
        };
        if cells.len() > MOST_CELLS {
            return Err(HotspotError::TooManyCells { most: MOST_CELLS });
        }
        if let Some(other) = cells.iter().find(|c| c.resolution() != first.resolution()) {
            return Err(HotspotError::MixedResolutions { first: first.to_string(), other: other.to_string() });
        }
        let mut at = CellMap::with_capacity_and_hasher(cells.len(), BuildHasherDefault::default());
        at.extend(cells.iter().map(|c| u64::from(*c)).zip(0..));
        Ok(Self { cells, at })
    }

    /// The cells, ascending.
    #[must_use]
    pub fn cells(&self) -> &[HexCell] {
        &self.cells
    }

    /// How many there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set of cells is never empty")]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The place of a cell in [`Self::cells`].
    #[must_use]
    pub fn find(&self, cell: HexCell) -> Option<u32> {
        self.at.get(&u64::from(cell)).copied()
    }

    /// Centres of the cells.
    #[must_use]
    pub fn centres(&self) -> Vec<LonLat> {
        self.cells.par_iter().map(|c| centre(*c)).collect()
    }

    /// How many of them are pentagons, which have five neighbours.
    #[must_use]
    pub fn pentagons(&self) -> usize {
        self.cells.iter().filter(|c| c.is_pentagon()).count()
    }

    /// Counts cells into the set: how often each member occurs, and how many are no member.
    #[must_use]
    pub fn count(&self, cells: &[HexCell]) -> (Vec<u32>, u64) {
        let (mut counts, mut outside) = (vec![0_u32; self.len()], 0);
        for cell in cells {
            match self.find(*cell).and_then(|i| counts.get_mut(i as usize)) {
                Some(n) => *n = n.saturating_add(1),
                None => outside += 1,
            }
        }
        (counts, outside)
    }
}

/// The resolution of a number.
///
/// # Errors
/// When it is none of 0…15.
pub fn resolution(number: u8) -> Result<Resolution, HotspotError> {
    Resolution::try_from(number).map_err(|_| HotspotError::Resolution(number))
}

/// The cell a place lies in; `None` for degrees that are none.
#[must_use]
pub fn cell_of(place: LonLat, resolution: Resolution) -> Option<HexCell> {
    LatLng::new(place.lat_deg, place.lon_deg).ok().map(|p| p.to_cell(resolution))
}

/// The centre of a cell.
#[must_use]
pub fn centre(cell: HexCell) -> LonLat {
    let c = LatLng::from(cell);
    LonLat { lon_deg: c.lng(), lat_deg: c.lat() }
}

/// The cells that share a side with `cell`: six, around a pentagon five.
pub(super) fn ring(cell: HexCell) -> impl Iterator<Item = HexCell> {
    cell.grid_disk_safe(1).filter(move |c| *c != cell)
}

/// The study area of incidents that come without one: their cells, and every cell whose centre lies in their convex hull; and how many
/// cells hold an incident.
///
/// # Errors
/// When there is no incident, or the hull holds too many cells.
pub fn hull_cells(cells: &[HexCell]) -> Result<(CellSet, usize), HotspotError> {
    let own = CellSet::new(cells.to_vec())?;
    // where east meets west longitudes go on, so that the hull does not go round the Earth
    let first = own.cells.first().map_or(0.0, |c| centre(*c).lon_deg);
    let place = |c: HexCell| {
        let p = centre(c);
        Point::new(first + (p.lon_deg - first + 540.0).rem_euclid(360.0) - 180.0, p.lat_deg)
    };
    let occupied = own.len();
    let hull: Polygon<f64> = own.cells.iter().map(|c| place(*c)).collect::<MultiPoint<f64>>().convex_hull();
    let mut found: CellIds = own.cells.iter().map(|c| u64::from(*c)).collect();
    let (mut queue, mut all) = (VecDeque::from(own.cells.clone()), own.cells);
    while let Some(cell) = queue.pop_front() {
        for next in ring(cell) {
            if !found.contains(&u64::from(next)) && hull.contains(&place(next)) {
                found.insert(u64::from(next));
                queue.push_back(next);
                all.push(next);
            }
        }
        if all.len() > MOST_CELLS {
            return Err(HotspotError::TooManyCells { most: MOST_CELLS });
        }
    }
    Ok((CellSet::new(all)?, occupied))
}

/// Which cells belong to an outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belonging {
    /// Those whose centre lies inside: each cell of a country belongs to one region.
    ByCentre,
    /// All that it touches: nothing inside the outline is without a cell, however coarse the cells are.
    ByTouch,
}

/// Degrees, about a centimetre, between which a line is not followed any further.
const NEAREST_DEG: f64 = 1e-7;

/// Cells of an outline; parts that are no valid ring are passed over and counted. Each part is looked at by itself: one tiler for all of
/// them holds every cell against every part.
///
/// # Errors
/// When the outline would hold too many cells, or none.
pub fn outline_cells(
    outline: &MultiPolygon<f64>,
    resolution: Resolution,
    belonging: Belonging,
) -> Result<(Vec<HexCell>, usize), HotspotError> {
    let tiled = |part: &Polygon<f64>| {
        let mut tiler = TilerBuilder::new(resolution).containment_mode(ContainmentMode::ContainsCentroid).build();
        tiler.add(part.clone()).ok().map(|()| tiler)
    };
    let hints: Vec<Option<usize>> = outline.0.par_iter().map(|p| tiled(p).map(|t| t.coverage_size_hint())).collect();
    // The hint is an upper bound of the parts' boxes.
    if hints.iter().flatten().sum::<usize>() > 8 * MOST_CELLS {
        return Err(HotspotError::TooManyCells { most: MOST_CELLS });
    }
    let cells_of = |part: &Polygon<f64>| {
        let Some(tiler) = tiled(part) else { return Vec::new() };
        let mut cells: Vec<HexCell> = tiler.into_coverage().collect();
        if belonging == Belonging::ByTouch {
            std::iter::once(part.exterior()).chain(part.interiors()).for_each(|r| follow(r, resolution, &mut cells));
        }
        cells.sort_unstable();
        cells.dedup();
        cells
    };
    let mut cells: Vec<HexCell> = outline.0.par_iter().flat_map_iter(cells_of).collect();
    cells.par_sort_unstable();
    cells.dedup();
    if cells.is_empty() {
        return Err(HotspotError::Nothing {
            chinese: "边界内没有六边形", english: "no cell lies inside the boundary"
        });
    }
    Ok((cells, hints.iter().filter(|h| h.is_none()).count()))
}

/// Adds the cells through which a ring goes. Together with those whose centre lies inside they are all that hold a place inside: from a
/// place to a centre outside the way leads across the ring, and cells are convex.
fn follow(ring: &LineString<f64>, resolution: Resolution, cells: &mut Vec<HexCell>) {
    let cell = |c: Coord<f64>| cell_of(LonLat { lon_deg: c.x, lat_deg: c.y }, resolution);
    for line in ring.lines() {
        let mut end = line.end;
        // across the date line, not round the Earth
        if (end.x - line.start.x).abs() > 180.0 {
            end.x += 360.0_f64.copysign(line.start.x - end.x);
        }
        let mut pieces = vec![(line.start, cell(line.start), end, cell(end))];
        while let Some((a, from, b, to)) = pieces.pop() {
            cells.extend(from.filter(|c| cells.last() != Some(c)));
            cells.extend(to.filter(|c| cells.last() != Some(c)));
            if from != to && (b.x - a.x).abs().max((b.y - a.y).abs()) > NEAREST_DEG {
                let middle = (a + b) / 2.0;
                let at = cell(middle);
                pieces.extend([(middle, at, b, to), (a, from, middle, at)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    fn near_anshun(resolution: Resolution) -> HexCell {
        cell_of(LonLat { lon_deg: 105.932, lat_deg: 26.2456 }, resolution).expect("a place on Earth")
    }

    #[test]
    fn members_are_found_and_others_counted_outside() {
        let middle = near_anshun(Resolution::Nine);
        let set = CellSet::new(ring(middle).chain([middle, middle]).collect()).expect("seven cells");
        assert_eq!(set.len(), 7);
        for (i, c) in set.cells().iter().enumerate() {
            assert_eq!(set.find(*c), Some(i as u32));
        }
        let far = ring(set.cells()[0]).find(|c| set.find(*c).is_none()).expect("one beyond");
        let (counts, outside) = set.count(&[middle, middle, far]);
        assert_eq!((counts.iter().sum::<u32>(), outside), (2, 1));
        assert_eq!(counts[set.find(middle).expect("member") as usize], 2);
    }

    #[test]
    fn resolutions_do_not_mix_and_an_empty_set_is_refused() {
        let both = vec![near_anshun(Resolution::Nine), near_anshun(Resolution::Eight)];
        assert!(matches!(CellSet::new(both), Err(HotspotError::MixedResolutions { .. })));
        assert!(matches!(CellSet::new(Vec::new()), Err(HotspotError::Nothing { .. })));
        assert_eq!(resolution(16), Err(HotspotError::Resolution(16)));
    }

    #[test]
    fn hull_fills_what_lies_between_the_incidents() {
        let middle = near_anshun(Resolution::Nine);
        let rim: Vec<HexCell> = middle.grid_ring::<Vec<_>>(5);
        let (study, occupied) = hull_cells(&rim).expect("a disk");
        assert_eq!((study.len(), occupied), (1 + 3 * 5 * 6, rim.len()));
        assert_eq!(hull_cells(&[middle]).expect("one cell").0.len(), 1);
    }

    #[test]
    fn hull_across_the_date_line_is_as_small_as_any() {
        let middle = cell_of(LonLat { lon_deg: 179.999, lat_deg: -16.5 }, Resolution::Eight).expect("a place");
        let (study, _) = hull_cells(&middle.grid_ring::<Vec<_>>(6)).expect("a disk");
        assert!((1 + 3 * 5 * 6..=1 + 3 * 6 * 7).contains(&study.len()), "{}", study.len());
        let sides: Vec<bool> = study.centres().iter().map(|c| c.lon_deg > 0.0).collect();
        assert!(sides.contains(&true) && sides.contains(&false), "it does lie on both sides");
    }

    #[test]
    fn outline_holds_the_cells_whose_centre_is_inside() {
        let at = |x: f64, y: f64| geo::Coord { x: 105.93 + x, y: 26.24 + y };
        let square = Polygon::new(vec![at(0.0, 0.0), at(0.05, 0.0), at(0.05, 0.05), at(0.0, 0.05)].into(), Vec::new());
        let outline = MultiPolygon::new(vec![square.clone()]);
        let (cells, passed_over) = outline_cells(&outline, Resolution::Nine, Belonging::ByCentre).expect("cells");
        assert_eq!(passed_over, 0);
        assert!(cells.len() > 200, "{}", cells.len());
        for c in cells {
            let p = centre(c);
            assert!(square.contains(&Point::new(p.lon_deg, p.lat_deg)));
        }
    }

    #[test]
    fn whatever_lies_in_an_outline_lies_in_a_cell_that_it_touches() {
        let at = |x: f64, y: f64| geo::Coord { x: 105.93 + x, y: 26.24 + y };
        let square = Polygon::new(vec![at(0.0, 0.0), at(0.03, 0.0), at(0.03, 0.03), at(0.0, 0.03)].into(), Vec::new());
        let outline = MultiPolygon::new(vec![square]);
        for resolution in [Resolution::Five, Resolution::Seven, Resolution::Nine] {
            let (cells, _) = outline_cells(&outline, resolution, Belonging::ByTouch).expect("cells");
            for (i, j) in (0..=30).flat_map(|i| (0..=30).map(move |j| (f64::from(i), f64::from(j)))) {
                let place = LonLat { lon_deg: 105.93 + i * 0.001, lat_deg: 26.24 + j * 0.001 };
                assert!(cells.contains(&cell_of(place, resolution).expect("a place")), "{resolution} {place:?}");
            }
        }
        assert!(outline_cells(&outline, Resolution::Five, Belonging::ByTouch).is_ok_and(|c| c.0.len() < 5));
    }

    /// A star with as many corners, and a hole.
    fn star(r: &mut Random, x: f64, y: f64, corners: u32) -> Polygon<f64> {
        let mut ring = |radius: f64| -> LineString<f64> {
            let corner = |k: u32| {
                let (angle, long) =
                    (f64::from(k) / f64::from(corners) * std::f64::consts::TAU, radius * (0.4 + r.unit()));
                Coord { x: x + long * angle.cos(), y: y + long * angle.sin() }
            };
            (0..corners).map(corner).collect::<Vec<_>>().into()
        };
        Polygon::new(ring(0.04), vec![ring(0.008)])
    }

    #[test]
    fn cells_touched_are_those_of_a_tiler_that_holds_each_against_the_outline() {
        let mut r = Random::new(5);
        for resolution in [Resolution::Six, Resolution::Seven, Resolution::Eight, Resolution::Nine] {
            let parts = vec![star(&mut r, 105.9, 26.2, 17), star(&mut r, 106.2, 26.5, 40)];
            let mut tiler = TilerBuilder::new(resolution).containment_mode(ContainmentMode::Covers).build();
            tiler.add_batch(parts.clone()).expect("valid");
            let mut held: Vec<HexCell> = tiler.into_coverage().collect();
            held.sort_unstable();
            held.dedup();
            let found = outline_cells(&MultiPolygon::new(parts), resolution, Belonging::ByTouch).expect("cells");
            assert_eq!(found, (held, 0), "{resolution}");
        }
    }

    #[test]
    fn outline_across_the_date_line_does_not_go_round_the_earth() {
        let at = |x: f64, y: f64| Coord { x, y: y - 16.5 };
        let corners = vec![at(179.99, 0.0), at(-179.99, 0.0), at(-179.99, 0.02), at(179.99, 0.02)];
        let outline = MultiPolygon::new(vec![Polygon::new(corners.into(), Vec::new())]);
        let (cells, _) = outline_cells(&outline, Resolution::Eight, Belonging::ByTouch).expect("cells");
        assert!((5..40).contains(&cells.len()), "{}", cells.len());
        for (x, y) in [(180.0, 0.01), (179.991, 0.001), (-179.991, 0.019)] {
            let place = LonLat { lon_deg: x, lat_deg: y - 16.5 };
            assert!(cells.contains(&cell_of(place, Resolution::Eight).expect("a place")), "{place:?}");
        }
    }
}
