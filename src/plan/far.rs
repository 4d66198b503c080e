//! Places so far from their village that somebody mistyped them.

use std::collections::BTreeMap;

use crate::domain::{Households, NO_VALUE, Positions};

use super::report::Report;

/// No village reaches this far from its middle.
const FAR_M: f64 = 200_000.0;
/// Places that one note names.
const NAMED: usize = 5;
/// Mean radius of the Earth.
const EARTH_M: f64 = 6_371_000.0;

/// Notes the rows that lie farther than 200 km from the median of their village, with ids and rows.
pub fn note_far(table: &Households, report: &mut Report) {
    let far = list_far(table);
    if far.is_empty() {
        return;
    }
    let named: Vec<String> = far
        .iter()
        .take(NAMED)
        .map(|&(row, m)| {
            let id = table.ids.get(row).map_or("", String::as_str);
            format!("{id} (row {}, {:.0} km)", table.source_row.get(row).copied().unwrap_or(0), m / 1e3)
        })
        .collect();
    report.notes.push(format!(
        "{0} 处离本村中位位置超过 200 公里，疑似坐标录错：{1} / {0} places lie more than 200 km from the middle of their village, a likely error of typing: {1}",
        far.len(),
        named.join("、")
    ));
}

/// Rows farther than [`FAR_M`] from their village's median place, with the distance in metres.
fn list_far(table: &Households) -> Vec<(usize, f64)> {
    let (at, geographic): (Vec<[f64; 2]>, bool) = match &table.positions {
        Positions::Geographic(p) => (p.iter().map(|q| [q.lon_deg, q.lat_deg]).collect(), true),
        Positions::Planar(p) => (p.iter().map(|q| [q.x, q.y]).collect(), false),
    };
    let village = |row: usize| table.village.as_ref().and_then(|v| v.of.get(row).copied()).unwrap_or(NO_VALUE);
    let mut places: BTreeMap<u32, [Vec<f64>; 2]> = BTreeMap::new();
    for (row, c) in at.iter().enumerate() {
        let [x, y] = places.entry(village(row)).or_default();
        x.push(c[0]);
        y.push(c[1]);
    }
    let middles: BTreeMap<u32, [f64; 2]> = places.into_iter().map(|(v, xy)| (v, xy.map(median))).collect();
    at.iter()
        .enumerate()
        .filter_map(|(row, c)| {
            let middle = middles.get(&village(row))?;
            let m = if geographic { on_earth_m(*middle, *c) } else { (c[0] - middle[0]).hypot(c[1] - middle[1]) };
            (m > FAR_M).then_some((row, m))
        })
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    let half = values.len() / 2;
    if half >= values.len() {
        return 0.0;
    }
    *values.select_nth_unstable_by(half, f64::total_cmp).1
}

/// Distance over a sphere (haversine), between places in degrees.
fn on_earth_m(a: [f64; 2], b: [f64; 2]) -> f64 {
    let [(lon, lat), (lon2, lat2)] = [a, b].map(|c| (c[0].to_radians(), c[1].to_radians()));
    let h = ((lat2 - lat) / 2.0).sin().powi(2) + lat.cos() * lat2.cos() * ((lon2 - lon) / 2.0).sin().powi(2);
    2.0 * EARTH_M * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Column, LonLat, Point};

    fn table(positions: Positions, n: usize) -> Households {
        Households {
            positions,
            ids: (0..n).map(|i| format!("h{i}")).collect(),
            building: Column::default(),
            households: vec![1; n],
            rows_are_buildings: false,
            village: None,
            hamlet: None,
            group: None,
            stairwell: None,
            floor: None,
            persons: None,
            eligible: None,
            lock: None,
            dedicated: None,
            extra: BTreeMap::new(),
            source_row: (2..).take(n).collect(),
        }
    }

    #[test]
    fn a_longitude_that_lost_its_first_digits_is_named() {
        let lon = |i: u32| if i == 7 { 5.9 } else { 105.9 + f64::from(i) * 1e-4 };
        let at = (0..20).map(|i| LonLat { lon_deg: lon(i), lat_deg: 26.2 }).collect();
        let mut report = Report::new("units", 1);
        note_far(&table(Positions::Geographic(at), 20), &mut report);
        assert_eq!(report.notes.len(), 1);
        assert!(report.notes.iter().all(|n| n.contains("h7 (row 9, ")), "{:?}", report.notes);
        assert!((on_earth_m([5.9, 0.0], [6.9, 0.0]) - 111_195.0).abs() < 1.0);
    }

    #[test]
    fn villages_apart_are_not_far_from_themselves() {
        let at = (0..20).map(|i| Point::new(f64::from(i % 2) * 500_000.0, f64::from(i))).collect();
        let mut table = table(Positions::Planar(at), 20);
        let of = (0..20).map(|i| i % 2).collect();
        table.village = Some(Column { names: vec!["a".to_owned(), "b".to_owned()], of });
        assert_eq!(list_far(&table), []);
        table.village = None;
        assert_eq!(list_far(&table).len(), 10);
    }
}
