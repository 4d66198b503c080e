//! The study behind a view: its cells, and the incidents counted into them.

use geo::{LineString, MultiPolygon, Polygon};
use h3o::Resolution;

use crate::domain::LonLat;
use crate::domain::register::Polygons;
use crate::hotspot::cells::{Belonging, cell_of};
use crate::hotspot::{Area, HexCell, HotspotError, Neighbourhood};

use super::hotspots::View;

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

fn multi_polygon(outline: &Polygons) -> MultiPolygon<f64> {
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
