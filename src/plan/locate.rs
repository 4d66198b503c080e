//! Which village a household belongs to, where the file does not say so: by the outlines.

use rstar::{AABB, RTree, primitives::GeomWithData, primitives::Rectangle};

use crate::domain::register::holds;
use crate::domain::{Column, Households, NO_VALUE, Positions, Region};
use crate::space::datum::Crs;

use super::job::PlanError;
use super::report::Report;

/// Share of the households outside every outline from which a shifted datum is suspected, and the share the shift must explain.
const SUSPECT: f64 = 0.2;
const EXPLAINED: f64 = 0.9;

/// Villages with their boxes.
struct Outlines<'a> {
    regions: &'a [Region],
    boxes: RTree<GeomWithData<Rectangle<[f64; 2]>, u32>>,
}

impl<'a> Outlines<'a> {
    fn new(regions: &'a [Region]) -> Self {
        let boxes = regions
            .iter()
            .enumerate()
            .filter(|(_, r)| matches!(r.level.as_str(), "" | "village"))
            .filter_map(|(i, r)| {
                let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
                for c in r.polygons.iter().flatten().flatten() {
                    for a in 0..2 {
                        lo[a] = lo[a].min(c[a]);
                        hi[a] = hi[a].max(c[a]);
                    }
                }
                (lo[0] <= hi[0]).then(|| GeomWithData::new(Rectangle::from_corners(lo, hi), i as u32))
            })
            .collect();
        Self { regions, boxes: RTree::bulk_load(boxes) }
    }

    /// The first village around a place; on a common border the one that stands first in the file.
    fn at(&self, p: [f64; 2]) -> Option<u32> {
        self.boxes
            .locate_in_envelope_intersecting(AABB::from_point(p))
            .map(|b| b.data)
            .filter(|&i| self.regions.get(i as usize).is_some_and(|r| holds(&r.polygons, p)))
            .min()
    }
}

/// Fills the village column from the outlines where the file has none; a file with one stays as it is.
///
/// # Errors
/// Households outside every outline, with their ids; and whether the whole layer looks like GCJ-02.
pub fn locate_villages(
    mut table: Households,
    regions: &[Region],
    report: &mut Report,
) -> Result<Households, PlanError> {
    if regions.is_empty() || table.is_empty() {
        return Ok(table);
    }
    let outlines = Outlines::new(regions);
    let at: Vec<[f64; 2]> = match &table.positions {
        Positions::Geographic(p) => p.iter().map(|q| [q.lon_deg, q.lat_deg]).collect(),
        Positions::Planar(p) => p.iter().map(|q| [q.x, q.y]).collect(),
    };
    let found: Vec<Option<u32>> = at.iter().map(|&p| outlines.at(p)).collect();
    let outside: Vec<usize> = (0..found.len()).filter(|&i| found[i].is_none()).collect();
    if outside.len() as f64 > SUSPECT * found.len() as f64 && matches!(table.positions, Positions::Geographic(_)) {
        let explained = outside
            .iter()
            .filter(|&&i| {
                let p = Crs::Gcj02.to_wgs84(at[i]);
                outlines.at([p.lon_deg, p.lat_deg]).is_some()
            })
            .count();
        if explained as f64 > EXPLAINED * outside.len() as f64 {
            return Err(PlanError::LooksLikeGcj02 { outside: outside.len(), rows: found.len() });
        }
    }
    if table.village.is_some() {
        // What the file says is checked village by village against its own outline.
        return Ok(table);
    }
    if !outside.is_empty() {
        let ids: Vec<&str> = outside.iter().take(5).map(|&i| table.ids[i].as_str()).collect();
        return Err(PlanError::Outside { ids: ids.join(", "), count: outside.len() });
    }
    let mut column = Column::default();
    let mut name_of = vec![NO_VALUE; regions.len()];
    for region in found.into_iter().flatten() {
        let slot = &mut name_of[region as usize];
        if *slot == NO_VALUE {
            *slot = column.names.len() as u32;
            let r = &regions[region as usize];
            column.names.push(r.code.clone().or_else(|| r.name.clone()).unwrap_or_else(|| format!("#{}", region + 1)));
        }
        column.of.push(*slot);
    }
    report.notes.push("住户所属村按村界确定 / the village of each household was taken from the outlines".to_owned());
    table.village = Some(column);
    Ok(table)
}
