//! The planar mesh of a village: Voronoi cells cut to boundary and hard barriers, with shared edges by construction.
//!
//! 1. The Voronoi diagram of the sites comes from their Delaunay triangulation, with far points so that every cell is finite.
//! 2. Its edges, the boundary and the hard barriers are noded, whatever crosses whatever ([`noding`]), and go into one constrained
//!    Delaunay triangulation ([`arrange`]).
//! 3. Triangles between constraints are flooded into faces; a face that holds a site is its cell, a cut-off face joins the
//!    neighbour on its side with which it shares most border ([`faces`]).
//! 4. Areas, borders, adjacency and dissolved polygons are read off the labelled triangles ([`dissolve`]), so the areas sum to
//!    the boundary's and neighbours have the very same coordinates on both sides.
//!
//! Voronoi diagram by Delaunay dual: Aurenhammer 1991. O(n log n).

mod arrange;
mod boundary;
mod dissolve;
mod faces;
mod noding;
#[cfg(test)]
mod tests;

use crate::domain::{Barrier, Point};

/// The label of what lies outside the boundary.
pub(super) const OUTSIDE: u32 = u32::MAX;

/// Farthest coordinate from the first site, in metres.
const FARTHEST_M: f64 = 1e7;

/// Whether a place, seen from the first site, is one that cells can be built with.
fn is_near(relative: [f64; 2]) -> bool {
    relative.iter().all(|v| v.is_finite() && v.abs() < FARTHEST_M)
}

/// What makes a mesh impossible.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeshError {
    /// There is nothing to make cells for.
    #[error("no site: the village has no building")]
    NoSite,
    /// A coordinate is not a number, or not within 10 000 km of the first site.
    #[error("{what} {index} has no usable position")]
    NotFinite {
        /// Site, boundary ring or barrier.
        what: &'static str,
        /// Its index.
        index: usize,
    },
    /// A boundary ring is no ring.
    #[error("boundary: ring {ring} has {points} distinct points; a ring needs three")]
    ShortRing {
        /// Index of the ring, over all polygons.
        ring: usize,
        /// Distinct points.
        points: usize,
    },
    /// The boundary encloses nothing.
    #[error("boundary: ring {ring} encloses no area")]
    NoArea {
        /// Index of the ring, over all polygons.
        ring: usize,
    },
    /// A boundary crosses itself.
    #[error("boundary: not a valid polygon ({problem}); first corner at {near:?} (local metres)")]
    InvalidBoundary {
        /// What is wrong.
        problem: String,
        /// First corner of the faulty polygon.
        near: [f64; 2],
    },
    /// Sites that the boundary leaves out.
    #[error("{} buildings lie outside the boundary (first: number {})", .sites.len(), .sites.first().copied().unwrap_or(0))]
    Outside {
        /// Their indices.
        sites: Vec<u32>,
    },
    /// Two sites at one place.
    #[error("sites {first} and {second} are at the same place")]
    SamePlace {
        /// Smaller index.
        first: u32,
        /// Greater index.
        second: u32,
    },
    /// The triangulation refused the coordinates.
    #[error("the cells cannot be built: {0}")]
    Triangulation(String),
}

/// A directed mesh edge with what lies to its left and right (site, or [`OUTSIDE`]).
#[derive(Clone, Copy, Debug)]
struct Side {
    from: u32,
    to: u32,
    left: u32,
    right: u32,
}

/// Cells of a village's buildings; see the module.
#[derive(Clone, Debug)]
pub struct Mesh {
    vertices: Vec<[f64; 2]>,
    /// Edges between different labels, each once.
    sides: Vec<Side>,
    area_m2: f64,
    cell_area_m2: Vec<f64>,
    outer_m: Vec<f64>,
    edges: Vec<(u32, u32, f64)>,
}

impl Mesh {
    /// Builds the mesh of distinct `sites` (local metres).
    ///
    /// `boundary`: polygons, each a list of rings, exterior first, in local metres; `None` means the convex hull of the sites
    /// buffered by 50 m (four segments a quarter circle). `barriers`: hard ones and bridges; soft ones are passed over.
    ///
    /// # Errors
    /// Everything in [`MeshError`]: an invalid boundary, sites outside it or at one place, coordinates that are no numbers.
    pub fn build(
        sites: &[Point],
        boundary: Option<&[Vec<Vec<[f64; 2]>>]>,
        barriers: &[Barrier],
    ) -> Result<Self, MeshError> {
        if sites.is_empty() {
            return Err(MeshError::NoSite);
        }
        // Coordinates about the first site: a Gauss–Krüger easting of 35 million would cost eight digits.
        let origin = [sites[0].x, sites[0].y];
        let relative = |c: [f64; 2]| [c[0] - origin[0], c[1] - origin[1]];
        let places: Vec<[f64; 2]> = sites.iter().map(|p| relative([p.x, p.y])).collect();
        if let Some(index) = places.iter().position(|p| !is_near(*p)) {
            return Err(MeshError::NotFinite { what: "site", index });
        }
        let outline = match boundary {
            None => boundary::buffered_hull(&places),
            Some(given) => boundary::validated(given, &relative)?,
        };
        boundary::contains_all(&outline, &places)?;
        let lines = arrange::barrier_lines(barriers, &relative)?;
        let arranged = arrange::arrange(&places, &outline, &lines)?;
        let mut mesh = faces::label(&places, &outline, &lines, &arranged)?;
        for v in &mut mesh.vertices {
            *v = [v[0] + origin[0], v[1] + origin[1]];
        }
        Ok(mesh)
    }

    /// Area of the whole, in m².
    #[must_use]
    pub fn area_m2(&self) -> f64 {
        self.area_m2
    }

    /// Area of each site's cell, in m².
    #[must_use]
    pub fn cell_area_m2(&self) -> &[f64] {
        &self.cell_area_m2
    }

    /// Length of each cell's border that faces no adjacent cell (boundary, hard barrier), in m.
    #[must_use]
    pub fn outer_m(&self) -> &[f64] {
        &self.outer_m
    }

    /// Adjacent sites (smaller index first, sorted) with the length of their shared border in m. Cells that touch only across a
    /// hard barrier are not adjacent, unless a bridge joins them.
    #[must_use]
    pub fn edges(&self) -> &[(u32, u32, f64)] {
        &self.edges
    }

    /// Sites whose cells share an edge, also across a hard barrier (smaller index first, sorted): what one dissolved polygon joins.
    #[must_use]
    pub fn touching(&self) -> Vec<(u32, u32)> {
        let mut pairs: Vec<(u32, u32)> = self
            .sides
            .iter()
            .filter(|s| s.left != OUTSIDE && s.right != OUTSIDE)
            .map(|s| (s.left.min(s.right), s.left.max(s.right)))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}
