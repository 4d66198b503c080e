//! Delaunay neighbours of distinct points: the one notion of "next to each other" for households.

use spade::{DelaunayTriangulation, HasPosition, Point2, Triangulation};

struct Site {
    at: Point2<f64>,
    index: u32,
}

impl HasPosition for Site {
    type Scalar = f64;
    fn position(&self) -> Point2<f64> {
        self.at
    }
}

/// The edges of the Delaunay triangulation of `points` (metres, finite; coinciding points share one vertex), each pair once with
/// the smaller index first, sorted. Collinear points give the path along the line. O(n log n).
#[must_use]
pub fn edges(points: &[[f64; 2]]) -> Vec<(u32, u32)> {
    // Coordinates near zero underflow the predicates; a nanometre is nothing to a household.
    let tidy = |v: f64| if v.abs() < 1e-9 || !v.is_finite() { 0.0 } else { v.clamp(-1e9, 1e9) };
    let sites: Vec<Site> = points
        .iter()
        .enumerate()
        .map(|(i, p)| Site { at: Point2::new(tidy(p[0]), tidy(p[1])), index: i as u32 })
        .collect();
    let Ok(triangulation) = DelaunayTriangulation::<Site>::bulk_load(sites) else { return Vec::new() };
    let mut edges: Vec<(u32, u32)> = triangulation
        .undirected_edges()
        .map(|e| {
            let [a, b] = e.vertices().map(|v| v.data().index);
            (a.min(b), a.max(b))
        })
        .collect();
    edges.sort_unstable();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collinear_points_are_a_path() {
        assert_eq!(edges(&[[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]), [(0, 2), (1, 2)]);
    }

    #[test]
    fn square_with_centre_has_eight_edges() {
        let e = edges(&[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [1.0, 1.0]]);
        assert_eq!(e.len(), 8);
    }
}
