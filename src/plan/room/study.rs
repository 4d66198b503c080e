//! The study behind a view: its cells, and the incidents counted into them.

use geo::{LineString, MultiPolygon, Polygon};
use h3o::Resolution;

use crate::domain::LonLat;
use crate::domain::register::Polygons;
use crate::hotspot::cells::{Belonging, cell_of, resolution as resolution_of};
use crate::hotspot::{Area, HexCell, HotspotError, Neighbourhood};

use super::hotspots::View;

/// Cells that an outline touches, and the ring around them, reach so many edges beyond it.
const REACH_EDGES: f64 = 4.5;
const M_PER_DEGREE: f64 = 111_000.0;

/// What a view is looked at in.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Incidents of the period: where and when (milliseconds since 1970).
    pub incidents: Vec<(LonLat, i64)>,
    /// Those just across the region's border: they count for the neighbourhoods at it, and are not listed.
    pub around: Vec<(LonLat, i64)>,
    /// Outlines of the region; none where none is known.
    pub outline: Polygons,
    /// Where households live and how many, for rates.
    pub homes: Vec<(LonLat, u64)>,
}

/// Cells, and what is in them.
pub(super) struct Counted {
    pub(super) area: Area,
    /// All incidents of each cell, those from across the border among them.
    pub(super) counts: Vec<u32>,
    /// The region's own.
    pub(super) own: Vec<u32>,
    /// How many of the region's own lie in cells of the area, and how many elsewhere.
    pub(super) inside: u64,
    pub(super) outside: u64,
}

impl Counted {
    /// Whether a cell belongs to the region, not to what lies around it.
    pub(super) fn is_inside(&self, i: usize) -> bool {
        self.area.inside.as_ref().is_none_or(|l| l.get(i).copied().unwrap_or(false))
    }

    /// The region's own incidents in a cell.
    pub(super) fn own_of(&self, cell: HexCell) -> u32 {
        self.area.cells.find(cell).and_then(|i| self.own.get(i as usize)).copied().unwrap_or_default()
    }
}

pub(super) fn multi_polygon(outline: &Polygons) -> MultiPolygon<f64> {
    let polygon = |rings: &Vec<Vec<[f64; 2]>>| {
        let mut lines = rings.iter().map(|r| LineString::from(r.clone()));
        let shell = lines.next().unwrap_or_else(|| LineString::new(Vec::new()));
        Polygon::new(shell, lines.collect())
    };
    MultiPolygon::new(outline.iter().map(polygon).collect())
}

fn cells_of(places: impl Iterator<Item = LonLat>, resolution: Resolution) -> Vec<HexCell> {
    places.filter_map(|p| cell_of(p, resolution)).collect()
}

/// Counts incidents, whose cells are given, into the cells of a view.
pub(super) fn counted(
    ground: &Ground,
    cells: &[HexCell],
    view: View,
    resolution: Resolution,
) -> Result<Counted, HotspotError> {
    let area = match view {
        View::Rate => Area::lived_in(cells, &cells_of(ground.homes.iter().map(|h| h.0), resolution))?,
        _ if !ground.outline.is_empty() => {
            let how = (Neighbourhood::Ring1, Belonging::ByTouch);
            Area::within(&multi_polygon(&ground.outline), resolution, how)?
        }
        _ => Area::around(cells)?,
    };
    let (own, _) = area.cells.count(cells);
    let mut counts = own.clone();
    // of whoever lives across the border nothing is known, so what happens there tells nothing of rates
    if view != View::Rate {
        let (around, _) = area.cells.count(&cells_of(ground.around.iter().map(|i| i.0), resolution));
        counts.iter_mut().zip(around).for_each(|(c, n)| *c = c.saturating_add(n));
    }
    let mut study = Counted { area, counts, own, inside: 0, outside: 0 };
    let inside = study.own.iter().enumerate().filter(|(i, _)| study.is_inside(*i)).map(|(_, c)| u64::from(*c)).sum();
    study.inside = inside;
    study.outside = (cells.len() as u64).saturating_sub(inside);
    Ok(study)
}

/// A box around outlines, as much wider as a neighbourhood of cells reaches; none around nothing.
#[must_use]
pub fn beside(outline: &Polygons, resolution: u8) -> Option<[f64; 4]> {
    let edge_m = resolution_of(resolution).ok()?.edge_length_m();
    let all = outline.iter().flatten().flatten();
    let [w, s, e, n] = all
        .map(|[x, y]| [*x, *y, *x, *y])
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])?;
    let high = REACH_EDGES * edge_m / M_PER_DEGREE;
    let wide = high / s.abs().max(n.abs()).min(85.0).to_radians().cos();
    Some([(w - wide).max(-180.0), (s - high).max(-90.0), (e + wide).min(180.0), (n + high).min(90.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_beside_reaches_every_neighbour_of_a_cell_that_is_touched() {
        let outline = vec![vec![vec![[105.6, 26.0], [105.601, 26.0], [105.601, 26.001], [105.6, 26.0]]]];
        for number in 5..=11 {
            let [w, s, e, n] = beside(&outline, number).expect("a box");
            let resolution = resolution_of(number).expect("a resolution");
            let here = cell_of(LonLat { lon_deg: 105.6, lat_deg: 26.0 }, resolution).expect("a cell");
            for corner in here.grid_disk::<Vec<_>>(1).iter().flat_map(|c| c.boundary().to_vec()) {
                assert!((w..=e).contains(&corner.lng()) && (s..=n).contains(&corner.lat()), "{number} {corner}");
            }
        }
        assert_eq!(beside(&Vec::new(), 9), None);
    }
}
