//! One village of an input in its own plane: rows, local metres, distinct sites.

use std::collections::BTreeMap;

use crate::domain::{Barrier, BarrierShape, Column, Households, LonLat, NO_VALUE, Point, Positions};
use crate::space::projection::LocalProjection;
use crate::space::sites::distinct_sites;

/// How a village's plane hangs on the Earth.
#[derive(Clone, Debug)]
pub enum Frame {
    /// The input itself is in metres: nothing is converted.
    Planar,
    /// Transverse Mercator centred on the village.
    Geographic(Box<LocalProjection>),
}

impl Frame {
    /// Input coordinates (degrees or metres) to local metres.
    #[must_use]
    pub fn to_local(&self, c: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Planar => c,
            Self::Geographic(p) => {
                let q = p.forward(LonLat { lon_deg: c[0], lat_deg: c[1] });
                [q.x, q.y]
            }
        }
    }

    /// Local metres to the coordinates that are written: degrees with 9 decimals, or metres with 4.
    #[must_use]
    pub fn to_written(&self, c: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Planar => c.map(|v| (v * 1e4).round() / 1e4),
            Self::Geographic(p) => {
                let q = p.inverse(Point::new(c[0], c[1]));
                [q.lon_deg, q.lat_deg].map(|v| (v * 1e9).round() / 1e9)
            }
        }
    }

    /// Whether positions are metres without a place on Earth.
    #[must_use]
    pub const fn is_planar(&self) -> bool {
        matches!(self, Self::Planar)
    }
}

/// The rows of one village, in its own plane.
#[derive(Clone, Debug)]
pub struct Village {
    /// What the input calls the village; empty without a village column.
    pub key: String,
    /// Rows of the input, ascending.
    pub rows: Vec<u32>,
    /// The plane.
    pub frame: Frame,
    /// Position of each row in local metres.
    pub xy: Vec<[f64; 2]>,
    /// Distinct sites, in order of first appearance.
    pub sites: Vec<Point>,
    /// Site of each row.
    pub site_of: Vec<u32>,
}

/// Splits the rows by village (one village without the column), in order of first appearance of its name.
#[must_use]
pub fn by_village(table: &Households) -> Vec<Village> {
    let mut rows: Vec<(String, Vec<u32>)> = Vec::new();
    match &table.village {
        None => rows.push((String::new(), (0..table.len() as u32).collect())),
        Some(column) => {
            rows.extend(column.names.iter().map(|n| (n.clone(), Vec::new())));
            let mut without = Vec::new();
            for (row, &v) in column.of.iter().enumerate() {
                if v == NO_VALUE {
                    without.push(row as u32);
                } else if let Some(r) = rows.get_mut(v as usize) {
                    r.1.push(row as u32);
                }
            }
            rows.push((String::new(), without));
        }
    }
    rows.retain(|r| !r.1.is_empty());
    rows.into_iter().map(|(key, rows)| Village::new(table, key, rows)).collect()
}

impl Village {
    /// The village made of these rows.
    #[must_use]
    pub fn new(table: &Households, key: String, rows: Vec<u32>) -> Self {
        let frame = match &table.positions {
            Positions::Planar(_) => Frame::Planar,
            Positions::Geographic(p) => {
                let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
                for q in rows.iter().filter_map(|&r| p.get(r as usize)) {
                    lo = [lo[0].min(q.lon_deg), lo[1].min(q.lat_deg)];
                    hi = [hi[0].max(q.lon_deg), hi[1].max(q.lat_deg)];
                }
                // A rounded centre, so that the plane does not shift with every household that comes or goes.
                let centre = |i: usize| ((lo[i] + hi[i]) / 2.0 * 100.0).round() / 100.0;
                Frame::Geographic(Box::new(LocalProjection::centred_on(LonLat {
                    lon_deg: centre(0),
                    lat_deg: centre(1),
                })))
            }
        };
        let xy: Vec<[f64; 2]> = rows
            .iter()
            .map(|&r| match &table.positions {
                Positions::Planar(p) => p.get(r as usize).map_or([0.0; 2], |q| [q.x, q.y]),
                Positions::Geographic(p) => {
                    p.get(r as usize).map_or([0.0; 2], |q| frame.to_local([q.lon_deg, q.lat_deg]))
                }
            })
            .collect();
        let (sites, site_of) = distinct_sites(&xy);
        Self { key, rows, frame, xy, sites, site_of }
    }

    /// Barriers in the village's plane; those that stay clear of its surroundings (1 km) are left out.
    #[must_use]
    pub fn local_barriers(&self, barriers: &[Barrier]) -> Vec<Barrier> {
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for p in &self.sites {
            lo = [lo[0].min(p.x), lo[1].min(p.y)];
            hi = [hi[0].max(p.x), hi[1].max(p.y)];
        }
        let near = |ring: &[[f64; 2]]| {
            let (mut a, mut b) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
            for c in ring {
                a = [a[0].min(c[0]), a[1].min(c[1])];
                b = [b[0].max(c[0]), b[1].max(c[1])];
            }
            (0..2).all(|i| a[i] <= hi[i] + NEIGHBOURHOOD_M && b[i] >= lo[i] - NEIGHBOURHOOD_M)
        };
        let local = |line: &Vec<[f64; 2]>| line.iter().map(|&c| self.frame.to_local(c)).collect::<Vec<_>>();
        barriers
            .iter()
            .filter_map(|b| {
                let shape = match &b.shape {
                    BarrierShape::Line(l) => BarrierShape::Line(local(l)),
                    BarrierShape::Area(rings) => BarrierShape::Area(rings.iter().map(local).collect()),
                };
                let touches = match &shape {
                    BarrierShape::Line(l) => near(l),
                    BarrierShape::Area(rings) => rings.first().is_some_and(|r| near(r)),
                };
                touches.then(|| Barrier { shape, ..b.clone() })
            })
            .collect()
    }

    /// Rings in the village's plane.
    #[must_use]
    pub fn local_polygons(&self, polygons: &[Vec<Vec<[f64; 2]>>]) -> Vec<Vec<Vec<[f64; 2]>>> {
        polygons
            .iter()
            .map(|p| p.iter().map(|r| r.iter().map(|&c| self.frame.to_local(c)).collect()).collect())
            .collect()
    }
}

/// Barriers farther than this from every household cannot matter to a village without an outline.
const NEIGHBOURHOOD_M: f64 = 5_000.0;

/// Renumbers values by first appearance within the given rows; rows without a value each stand alone.
#[must_use]
pub fn dense(values: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut seen: BTreeMap<u32, u32> = BTreeMap::new();
    let mut next = 0;
    values
        .map(|v| {
            let fresh = next;
            let given = if v == NO_VALUE { fresh } else { *seen.entry(v).or_insert(fresh) };
            if given == fresh {
                next += 1;
            }
            given
        })
        .collect()
}

/// Containers that bind, by number: values that `within` (a stairwell's building) further tells apart. Rows without a value belong to no
/// container and are together in one.
#[must_use]
pub fn together(values: &[u32], within: Option<&Vec<u32>>) -> Vec<u32> {
    let mut seen: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    (0..values.len())
        .map(|i| {
            let outer = within.and_then(|w| w.get(i)).copied().filter(|_| values[i] != NO_VALUE);
            let fresh = seen.len() as u32;
            *seen.entry((values[i], outer.unwrap_or(NO_VALUE))).or_insert(fresh)
        })
        .collect()
}

/// One household a row: a row of several becomes `id#1`, `id#2`, …; a row of one keeps its id, a row of none stays.
#[must_use]
pub fn expanded(table: Households) -> Households {
    if table.households.iter().all(|&h| h <= 1) {
        return table;
    }
    let rows: Vec<usize> =
        table.households.iter().enumerate().flat_map(|(r, &h)| std::iter::repeat_n(r, h.max(1) as usize)).collect();
    let take = |c: Column| Column { of: rows.iter().map(|&r| c.of[r]).collect(), names: c.names };
    let mut ids = Vec::with_capacity(rows.len());
    for (id, &h) in table.ids.iter().zip(&table.households) {
        if h <= 1 {
            ids.push(id.clone());
        } else {
            ids.extend((1..=h).map(|i| format!("{id}#{i}")));
        }
    }
    Households {
        positions: match table.positions {
            Positions::Geographic(p) => Positions::Geographic(rows.iter().map(|&r| p[r]).collect()),
            Positions::Planar(p) => Positions::Planar(rows.iter().map(|&r| p[r]).collect()),
        },
        ids,
        building: take(table.building),
        households: rows.iter().map(|&r| table.households[r].min(1)).collect(),
        rows_are_buildings: false,
        village: table.village.map(take),
        hamlet: table.hamlet.map(take),
        group: table.group.map(take),
        stairwell: table.stairwell.map(take),
        floor: table.floor.map(|f| rows.iter().map(|&r| f[r]).collect()),
        // The persons of a building cannot be shared out over its households without inventing data.
        persons: None,
        eligible: table.eligible.map(|f| rows.iter().map(|&r| f[r]).collect()),
        lock: table.lock.map(take),
        dedicated: table.dedicated.map(take),
        extra: table.extra.into_iter().map(|(k, c)| (k, take(c))).collect(),
        source_row: rows.iter().map(|&r| table.source_row[r]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_numbers_by_first_appearance() {
        assert_eq!(dense([7, 3, 7, NO_VALUE, NO_VALUE, 3].into_iter()), [0, 1, 0, 2, 3, 1]);
    }

    #[test]
    fn rows_without_a_binding_container_are_together() {
        let values = [7, NO_VALUE, 7, NO_VALUE, 3];
        assert_eq!(together(&values, None), [0, 1, 0, 1, 2]);
        assert_eq!(together(&values, Some(&vec![0, 0, 1, 1, 1])), [0, 1, 2, 1, 3]);
    }
}
