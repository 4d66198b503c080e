//! Distinct sites: positions so near each other that they are one place.

use std::collections::HashMap;

use crate::domain::Point;

/// Sites nearer than this are one site (metres).
pub const SAME_SITE_M: f64 = 0.01;

/// Merges positions nearer than [`SAME_SITE_M`]: the distinct sites and the site of each position.
#[must_use]
pub fn distinct_sites(xy: &[[f64; 2]]) -> (Vec<Point>, Vec<u32>) {
    let cell = |v: f64| (v / SAME_SITE_M).floor() as i64;
    let mut sites: Vec<Point> = Vec::new();
    let mut at: HashMap<(i64, i64), Vec<u32>> = HashMap::new();
    let mut site_of = Vec::with_capacity(xy.len());
    for p in xy {
        let (cx, cy) = (cell(p[0]), cell(p[1]));
        let here = Point::new(p[0], p[1]);
        let mut found = None;
        'search: for dx in -1..=1 {
            for dy in -1..=1 {
                for &s in at.get(&(cx.saturating_add(dx), cy.saturating_add(dy))).into_iter().flatten() {
                    if sites[s as usize].distance2_m2(here) < SAME_SITE_M * SAME_SITE_M {
                        found = Some(s);
                        break 'search;
                    }
                }
            }
        }
        site_of.push(found.unwrap_or_else(|| {
            let s = sites.len() as u32;
            sites.push(here);
            at.entry((cx, cy)).or_default().push(s);
            s
        }));
    }
    (sites, site_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_nearer_than_a_centimetre_are_one() {
        let (sites, of) = distinct_sites(&[[0.0, 0.0], [0.004, 0.0], [0.0, 5.0], [1e-9, 5.0]]);
        assert_eq!(sites.len(), 2);
        assert_eq!(of, [0, 0, 1, 1]);
    }
}
