//! How cost grows: each step at sizes ×10, fixed seeds, even and skewed ground. `cargo bench`.

use lianhu::domain::Point;
use lianhu::graph::Csr;
use lianhu::partition::effort::Random;
use lianhu::partition::grids::{AtomGraph, GridsOptions, GridsSolver};
use lianhu::partition::units::{UnitsInput, UnitsOptions, UnitsSolver};
use lianhu::space::mesh::Mesh;

fn main() {
    divan::main();
}

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

/// Houses scattered evenly, 250 to the square kilometre.
fn even(n: usize) -> Vec<[f64; 2]> {
    let mut r = Random::new(1);
    let side = 1_000.0 * (n as f64 / 250.0).sqrt();
    (0..n).map(|_| [r.unit() * side, r.unit() * side]).collect()
}

/// A fifth of the ground holds four fifths of the houses, and so on inside it.
fn skewed(n: usize) -> Vec<[f64; 2]> {
    let mut r = Random::new(2);
    let side = 1_000.0 * (n as f64 / 250.0).sqrt();
    (0..n).map(|_| [r.unit().powi(3) * side, r.unit().powi(3) * side]).collect()
}

fn ground(points: &[[f64; 2]]) -> (Mesh, AtomGraph) {
    let sites: Vec<Point> = points.iter().map(|p| Point::new(p[0], p[1])).collect();
    let mesh = match Mesh::build(&sites, None, &[]) {
        Ok(mesh) => mesh,
        Err(e) => unreachable!("the sites are distinct: {e}"),
    };
    let (adjacency, border_m) = Csr::from_edges(points.len(), mesh.edges());
    let graph = AtomGraph {
        xy: points.to_vec(),
        households: vec![1; points.len()],
        area_m2: mesh.cell_area_m2().to_vec(),
        outer_m: mesh.outer_m().to_vec(),
        adjacency,
        border_m,
        soft: Vec::new(),
    };
    (mesh, graph)
}

#[divan::bench(args = SIZES)]
fn cells(bencher: divan::Bencher, n: usize) {
    let sites: Vec<Point> = even(n).iter().map(|p| Point::new(p[0], p[1])).collect();
    bencher.bench(|| Mesh::build(&sites, None, &[]));
}

#[divan::bench(args = SIZES, sample_count = 5)]
fn grids_at_once(bencher: divan::Bencher, n: usize) {
    let (_, graph) = ground(&even(n));
    let options = GridsOptions { count: (n / 300).max(1) as u32, tolerance: 0.01, seed: 1, village: 0 };
    bencher.bench(|| GridsSolver::new(graph.clone(), &options));
}

#[divan::bench(args = SIZES)]
fn dissolve(bencher: divan::Bencher, n: usize) {
    let (mesh, _) = ground(&even(n));
    let part: Vec<u32> = (0..n as u32).map(|v| v % (n as u32 / 300 + 1)).collect();
    bencher.bench(|| mesh.dissolve(&part, n as u32 / 300 + 1));
}

fn units(points: &[[f64; 2]]) -> Option<UnitsSolver> {
    let input = UnitsInput { xy: points, building: &[], stairwell: &[], floor: &[], law: &[], prefer: &[] };
    let options = UnitsOptions { min: 10, max: 15, count: None, target: None, max_reach_m: None, seed: 1, village: 0 };
    UnitsSolver::new(&input, &options).ok()
}

#[divan::bench(args = SIZES, sample_count = 5)]
fn units_at_once_even(bencher: divan::Bencher, n: usize) {
    let points = even(n);
    bencher.bench(|| units(&points));
}

#[divan::bench(args = SIZES, sample_count = 5)]
fn units_at_once_skewed(bencher: divan::Bencher, n: usize) {
    let points = skewed(n);
    bencher.bench(|| units(&points));
}
