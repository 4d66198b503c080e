//! Which village of the store a place lies in.

use rstar::{AABB, RTree, primitives::GeomWithData, primitives::Rectangle};

use crate::domain::register::{Polygons, RegionRow};

/// Villages' outlines, indexed.
#[derive(Debug, Default)]
pub(super) struct Villages {
    outlines: Vec<(String, Polygons)>,
    boxes: RTree<GeomWithData<Rectangle<[f64; 2]>, u32>>,
}

impl Villages {
    /// Indexes the villages among `regions` that have an outline.
    pub(super) fn new(regions: impl IntoIterator<Item = RegionRow>) -> Self {
        let mut outlines: Vec<(String, Polygons)> =
            regions.into_iter().filter(|r| r.level == "village").filter_map(|r| Some((r.code, r.outline?))).collect();
        outlines.sort_by(|a, b| a.0.cmp(&b.0));
        let boxes = outlines
            .iter()
            .zip(0_u32..)
            .filter_map(|((_, polygons), i)| {
                let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
                for c in polygons.iter().flatten().flatten() {
                    lo = [lo[0].min(c[0]), lo[1].min(c[1])];
                    hi = [hi[0].max(c[0]), hi[1].max(c[1])];
                }
                (lo[0] <= hi[0]).then(|| GeomWithData::new(Rectangle::from_corners(lo, hi), i))
            })
            .collect();
        Self { outlines, boxes: RTree::bulk_load(boxes) }
    }

    /// Code of the village around a place in degrees; on a common border the lesser code.
    pub(super) fn at(&self, place: [f64; 2]) -> Option<&str> {
        self.boxes
            .locate_in_envelope_intersecting(AABB::from_point(place))
            .filter_map(|b| self.outlines.get(b.data as usize))
            .filter(|(_, polygons)| holds(polygons, place))
            .map(|(code, _)| code.as_str())
            .min()
    }
}

/// Even-odd over all rings.
fn holds(polygons: &Polygons, p: [f64; 2]) -> bool {
    polygons.iter().flatten().flat_map(|r| r.windows(2)).fold(false, |odd, w| {
        let (Some(a), Some(b)) = (w.first(), w.last()) else { return odd };
        if (a[1] > p[1]) == (b[1] > p[1]) {
            return odd;
        }
        odd ^ (p[0] < a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_found_in_its_village_and_not_in_a_hole() {
        let square = |x: f64, s: f64| vec![[x, 0.0], [x + s, 0.0], [x + s, s], [x, s], [x, 0.0]];
        let region = |code: &str, outline| RegionRow {
            code: code.to_owned(),
            level: "village".to_owned(),
            outline: Some(outline),
            ..RegionRow::default()
        };
        let hole = vec![[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6], [0.4, 0.4]];
        let v = Villages::new([
            region("520423102002", vec![vec![square(1.0, 1.0)]]),
            region("520423102001", vec![vec![square(0.0, 1.0), hole]]),
        ]);
        assert_eq!(v.at([0.2, 0.2]), Some("520423102001"));
        assert_eq!(v.at([1.2, 0.2]), Some("520423102002"));
        assert_eq!((v.at([0.5, 0.5]), v.at([3.0, 0.5])), (None, None));
    }
}
