//! Outlines of villages, indexed: in which of them a place lies.

use geo::{Contains, Coord, Intersects as _, LineString, Point, Polygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use crate::domain::Region;

/// Outlines of villages, indexed, in WGS 84 degrees or in metres as the regions are.
#[derive(Debug)]
pub struct Outlines {
    parts: Vec<Part>,
    tree: RTree<GeomWithData<Rectangle<[f64; 2]>, usize>>,
}

/// One polygon of a region.
#[derive(Debug)]
struct Part {
    region: usize,
    code: Option<String>,
    polygon: Polygon<f64>,
}

fn is_village(region: &Region) -> bool {
    region.level.is_empty() || region.level == "village"
}

impl Outlines {
    /// Indexes the outlines of `regions`: villages where there are any, else whatever they are.
    #[must_use]
    pub fn new(regions: &[Region]) -> Self {
        let villages = regions.iter().any(is_village);
        Self::of(regions, |r| !villages || is_village(r))
    }

    /// Indexes the outlines of the villages among `regions`.
    #[must_use]
    pub fn of_villages(regions: &[Region]) -> Self {
        Self::of(regions, is_village)
    }

    fn of(regions: &[Region], wanted: impl Fn(&Region) -> bool) -> Self {
        let ring = |r: &[[f64; 2]]| LineString::new(r.iter().map(|c| Coord { x: c[0], y: c[1] }).collect());
        let mut parts = Vec::new();
        for (at, region) in regions.iter().enumerate().filter(|(_, r)| wanted(r)) {
            for rings in &region.polygons {
                let Some((shell, holes)) = rings.split_first() else { continue };
                let polygon = Polygon::new(ring(shell), holes.iter().map(|h| ring(h)).collect());
                parts.push(Part { region: at, code: region.code.clone(), polygon });
            }
        }
        let boxed = parts.iter().enumerate().map(|(i, p)| {
            let xs = || p.polygon.exterior().0.iter();
            let low = xs().fold([f64::INFINITY; 2], |l, c| [l[0].min(c.x), l[1].min(c.y)]);
            let high = xs().fold([f64::NEG_INFINITY; 2], |h, c| [h[0].max(c.x), h[1].max(c.y)]);
            GeomWithData::new(Rectangle::from_corners(low, high), i)
        });
        let tree = RTree::bulk_load(boxed.collect());
        Self { parts, tree }
    }

    /// Whether there is no outline at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a place lies in any outline, or on the border of one.
    #[must_use]
    pub fn contains(&self, c: [f64; 2]) -> bool {
        self.holding(c).next().is_some()
    }

    /// Whether a place lies in the outline of `code`, where one is given, else in any.
    #[must_use]
    pub fn find(&self, c: [f64; 2], code: Option<&str>) -> bool {
        let at = Point::new(c[0], c[1]);
        self.around(c).any(|p| code.is_none_or(|code| p.code.as_deref() == Some(code)) && p.polygon.contains(&at))
    }

    /// Code of the outline around a place; on a common border the lesser one.
    #[must_use]
    pub fn code_at(&self, c: [f64; 2]) -> Option<&str> {
        self.holding(c).filter_map(|p| p.code.as_deref()).min()
    }

    /// Number of the region around a place in the list the index was made of; on a common border the first one.
    #[must_use]
    pub fn region_at(&self, c: [f64; 2]) -> Option<usize> {
        self.holding(c).map(|p| p.region).min()
    }

    /// Whether there is an outline of this code.
    #[must_use]
    pub fn knows(&self, code: &str) -> bool {
        self.parts.iter().any(|p| p.code.as_deref() == Some(code))
    }

    /// Parts whose box holds a place.
    fn around(&self, c: [f64; 2]) -> impl Iterator<Item = &Part> {
        self.tree.locate_in_envelope_intersecting(AABB::from_point(c)).filter_map(|o| self.parts.get(o.data))
    }

    /// Parts that hold a place inside or on their border.
    fn holding(&self, c: [f64; 2]) -> impl Iterator<Item = &Part> {
        let at = Point::new(c[0], c[1]);
        self.around(c).filter(move |p| p.polygon.intersects(&at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_found_in_its_village_and_not_in_a_hole() {
        let square = |x: f64, s: f64| vec![[x, 0.0], [x + s, 0.0], [x + s, s], [x, s], [x, 0.0]];
        let region = |code: &str, polygons| Region {
            code: Some(code.to_owned()),
            name: None,
            level: "village".to_owned(),
            polygons,
        };
        let hole = vec![[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6], [0.4, 0.4]];
        let v = Outlines::new(&[
            region("520423102002", vec![vec![square(1.0, 1.0)]]),
            region("520423102001", vec![vec![square(0.0, 1.0), hole]]),
        ]);
        assert_eq!(v.code_at([0.2, 0.2]), Some("520423102001"));
        assert_eq!(v.code_at([1.2, 0.2]), Some("520423102002"));
        assert_eq!(v.code_at([1.0, 0.5]), Some("520423102001"), "on the common border the lesser code");
        assert_eq!(v.region_at([1.0, 0.5]), Some(0), "on the common border the first");
        assert_eq!((v.region_at([0.2, 0.2]), v.region_at([0.5, 0.5])), (Some(1), None));
        assert_eq!((v.code_at([0.5, 0.5]), v.code_at([3.0, 0.5])), (None, None));
        assert!(v.contains([0.2, 0.2]) && v.contains([0.0, 0.5]), "the border belongs to what it bounds");
        assert!(!v.contains([0.5, 0.5]) && !v.contains([3.0, 0.5]));
    }
}
