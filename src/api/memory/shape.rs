//! Where a feature lies.

use geo::{BoundingRect, Geometry, Intersects, Rect, coord};

/// A feature's geometry, degrees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Point([f64; 2]),
    Other(Box<Geometry<f64>>),
}

impl Shape {
    pub(crate) fn bounds(&self) -> Option<[f64; 4]> {
        match self {
            Self::Point([x, y]) => (x.is_finite() && y.is_finite()).then_some([*x, *y, *x, *y]),
            Self::Other(g) => {
                let r = g.bounding_rect()?;
                let b = [r.min().x, r.min().y, r.max().x, r.max().y];
                b.iter().all(|v| v.is_finite()).then_some(b)
            }
        }
    }

    pub(crate) fn to_geometry(&self) -> Geometry<f64> {
        match self {
            Self::Point([x, y]) => geo::Point::new(*x, *y).into(),
            Self::Other(g) => (**g).clone(),
        }
    }

    /// Whether it meets a box.
    pub(super) fn meets(&self, [min_x, min_y, max_x, max_y]: [f64; 4]) -> bool {
        match self {
            Self::Point([x, y]) => (min_x..=max_x).contains(x) && (min_y..=max_y).contains(y),
            Self::Other(g) => {
                let rect = Rect::new(coord! { x: min_x, y: min_y }, coord! { x: max_x, y: max_y });
                g.intersects(&rect)
            }
        }
    }
}

/// Whether two boxes have a point in common.
pub(super) fn overlap(a: [f64; 4], b: [f64; 4]) -> bool {
    a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3]
}

/// Around both.
pub(super) fn around(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}
