//! The study area: which cells are looked at, and which beyond its edge lend their incidents to those inside.

use geo::MultiPolygon;
use h3o::Resolution;

use super::cells::{Belonging, CellIds, CellSet, HexCell, MOST_CELLS, hull_cells, outline_cells, ring};
use super::error::HotspotError;
use super::note::Note;
use super::weights::Neighbourhood;

/// A hull of so many cells of which one in so many holds an incident was stretched by something far away, or asks for larger cells.
const FEWEST_STRETCHED: usize = 1_000;
const MOST_STRETCHED: usize = 50;

/// The cells of a study.
#[derive(Clone, Debug)]
pub struct Area {
    /// All cells, those beyond the edge among them.
    pub cells: CellSet,
    /// Which of them are inside; all where there is no edge.
    pub inside: Option<Vec<bool>>,
    /// Remarks.
    pub notes: Vec<Note>,
}

impl Area {
    /// The area of incidents that come alone: their cells and all between them.
    ///
    /// # Errors
    /// No incident, or too many cells.
    pub fn around(incidents: &[HexCell]) -> Result<Self, HotspotError> {
        let (cells, occupied) = hull_cells(incidents)?;
        let is_empty = cells.len() >= FEWEST_STRETCHED && occupied * MOST_STRETCHED < cells.len();
        let note = is_empty.then_some(Note::MostlyEmpty { cells: cells.len(), occupied });
        Ok(Self { cells, inside: None, notes: note.into_iter().collect() })
    }

    /// The area where somebody lives or something happened.
    ///
    /// # Errors
    /// No cell, or too many.
    pub fn lived_in(incidents: &[HexCell], households: &[HexCell]) -> Result<Self, HotspotError> {
        Ok(Self { cells: CellSet::new([incidents, households].concat())?, inside: None, notes: Vec::new() })
    }

    /// The area inside an outline, with as many cells around it as neighbourhoods reach.
    ///
    /// # Errors
    /// No cell inside, or too many.
    pub fn within(
        outline: &MultiPolygon<f64>,
        resolution: Resolution,
        (neighbourhood, belonging): (Neighbourhood, Belonging),
    ) -> Result<Self, HotspotError> {
        let (inner, passed_over) = outline_cells(outline, resolution, belonging)?;
        let rings = match neighbourhood {
            Neighbourhood::Ring1 => 1,
            // Centres of neighbours are √3 edges apart, at the most squeezed places of the Earth a quarter less.
            Neighbourhood::BandM(m) => (m / (1.3 * resolution.edge_length_m())).ceil().clamp(1.0, 1e4) as u32,
        };
        let own = CellSet::new(inner)?;
        let mut found: CellIds = own.cells().iter().map(|c| u64::from(*c)).collect();
        let (mut all, mut rim) = (own.cells().to_vec(), own.cells().to_vec());
        for _ in 0..rings {
            let around = rim.iter().flat_map(|c| ring(*c));
            let next: Vec<HexCell> = around.filter(|c| found.insert(u64::from(*c))).collect();
            if all.len() + next.len() > MOST_CELLS {
                return Err(HotspotError::TooManyCells { most: MOST_CELLS });
            }
            all.extend_from_slice(&next);
            rim = next;
        }
        let all = CellSet::new(all)?;
        let inside = all.cells().iter().map(|c| own.find(*c).is_some()).collect();
        let notes = (passed_over > 0).then_some(Note::InvalidOutline { parts: passed_over }).into_iter().collect();
        Ok(Self { cells: all, inside: Some(inside), notes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LonLat;
    use crate::hotspot::cells::cell_of;
    use crate::hotspot::{HotspotOptions, Study, hotspots};
    use geo::{Coord, Polygon};

    #[test]
    fn incidents_just_outside_the_outline_count_for_the_cells_at_its_edge() {
        let at = |x: f64, y: f64| Coord { x: 105.9 + x, y: 26.2 + y };
        let square = Polygon::new(vec![at(0.0, 0.0), at(0.05, 0.0), at(0.05, 0.05), at(0.0, 0.05)].into(), Vec::new());
        let outline = MultiPolygon::new(vec![square]);
        let area =
            Area::within(&outline, Resolution::Nine, (Neighbourhood::Ring1, Belonging::ByCentre)).expect("an area");
        let inside = area.inside.clone().expect("an edge");
        let inner = inside.iter().filter(|i| **i).count();
        assert!(inner > 200 && area.cells.len() > inner + 40);
        // A crowd one cell beyond the western side.
        let beyond = area
            .cells
            .cells()
            .iter()
            .zip(&inside)
            .find(|(c, i)| !**i && ring(**c).any(|n| area.cells.find(n).is_some_and(|j| inside[j as usize])))
            .map(|(c, _)| *c)
            .expect("a cell of the rim");
        let far = cell_of(LonLat { lon_deg: 106.5, lat_deg: 26.2 }, Resolution::Nine).expect("place");
        let mut incidents = vec![beyond; 40];
        incidents.extend([far; 9]);
        incidents.extend(area.cells.cells().iter().step_by(17));
        let (counts, elsewhere) = area.cells.count(&incidents);
        assert_eq!(elsewhere, 9);
        let study = Study { cells: &area.cells, counts: &counts, households: None, inside: Some(&inside) };
        let options = HotspotOptions { permutations: 0, ..HotspotOptions::default() };
        let found = hotspots(&study, &options).expect("a study");
        assert_eq!(found.cells.len(), inner);
        let touched = found.cells.iter().filter(|c| ring(c.cell).any(|n| n == beyond));
        for c in touched {
            assert!(c.observed >= 40 && c.z.is_some_and(|z| z > 3.0), "{c:?}");
        }
        assert!(found.notes.iter().any(|n| matches!(n, Note::BeyondTheEdge { .. })));
    }
}
