use geo::{Area, LineString, MultiPolygon, Polygon, Validation};

use super::*;
use crate::domain::BarrierShape;
use crate::graph::Csr;

fn scattered(seed: u64, n: usize) -> Vec<Point> {
    // A linear congruential stream is enough to scatter sites.
    let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (s >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..n).map(|_| Point::new(next() * 1000.0, next() * 800.0)).collect()
}

fn square(x: f64, y: f64, side: f64) -> Vec<[f64; 2]> {
    vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
}

fn line(kind: &str, hard: bool, points: &[[f64; 2]]) -> Barrier {
    Barrier { kind: kind.to_owned(), hard, name: None, shape: BarrierShape::Line(points.to_vec()) }
}

fn shape(polygons: &[PolygonRings]) -> MultiPolygon<f64> {
    let ring = |r: &Vec<[f64; 2]>| LineString::from(r.clone());
    MultiPolygon::new(polygons.iter().map(|p| Polygon::new(ring(&p[0]), p[1..].iter().map(ring).collect())).collect())
}

use super::dissolve::PolygonRings;

/// The cell's area by clipping the square with one half-plane after the other.
fn cell_by_half_planes(sites: &[Point], i: usize, start: &[[f64; 2]]) -> f64 {
    let mut ring: Vec<[f64; 2]> = start[..4].to_vec();
    for (j, q) in sites.iter().enumerate() {
        if i == j {
            continue;
        }
        let p = sites[i];
        let side = |c: [f64; 2]| {
            let (mx, my) = ((p.x + q.x) / 2.0, (p.y + q.y) / 2.0);
            (c[0] - mx) * (q.x - p.x) + (c[1] - my) * (q.y - p.y)
        };
        let mut cut = Vec::new();
        for k in 0..ring.len() {
            let (a, b) = (ring[k], ring[(k + 1) % ring.len()]);
            let (sa, sb) = (side(a), side(b));
            if sa <= 0.0 {
                cut.push(a);
            }
            if (sa < 0.0) != (sb < 0.0) && sa != sb {
                let t = sa / (sa - sb);
                cut.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
            }
        }
        ring = cut;
    }
    (0..ring.len())
        .map(|k| {
            let (a, b) = (ring[k], ring[(k + 1) % ring.len()]);
            (a[0] * b[1] - b[0] * a[1]) / 2.0
        })
        .sum()
}

#[test]
fn cells_equal_those_cut_by_half_planes() {
    let sites = scattered(3, 40);
    let boundary = vec![vec![square(-100.0, -100.0, 1300.0)]];
    let mesh = Mesh::build(&sites, Some(&boundary), &[]).expect("mesh");
    for i in 0..sites.len() {
        let expected = cell_by_half_planes(&sites, i, &boundary[0][0]);
        assert!((mesh.cell_area_m2()[i] - expected).abs() < 0.1, "{i}: {} {expected}", mesh.cell_area_m2()[i]);
    }
    assert!((mesh.area_m2() / (1300.0 * 1300.0) - 1.0).abs() < 1e-9);
}

#[test]
fn parts_cover_the_village_without_gap_and_share_their_edges() {
    for seed in 0..6 {
        let sites = scattered(seed, 150);
        let mesh = Mesh::build(&sites, None, &[]).expect("mesh");
        let part: Vec<u32> =
            sites.iter().map(|p| ((p.x / 250.0) as u32) % 3 + 3 * ((p.y / 300.0) as u32 % 2)).collect();
        let shapes = mesh.dissolve(&part, 6);
        let total: f64 = shapes.iter().map(|s| shape(s).unsigned_area()).sum();
        assert!((total / mesh.area_m2() - 1.0).abs() < 1e-9, "{total} {}", mesh.area_m2());
        let mut edges = std::collections::BTreeMap::new();
        for s in &shapes {
            assert!(shape(s).is_valid(), "{:?}", shape(s).validation_errors());
            for w in s.iter().flatten().flat_map(|r| r.windows(2)) {
                let key = |c: [f64; 2]| (c[0].to_bits(), c[1].to_bits());
                assert!(edges.insert((key(w[0]), key(w[1])), ()).is_none(), "an edge stands twice");
            }
        }
        let lonely = edges.keys().filter(|(a, b)| !edges.contains_key(&(*b, *a))).count();
        let whole = mesh.dissolve(&vec![0; sites.len()], 1);
        let outer: usize = whole[0].iter().flatten().map(|r| r.len() - 1).sum();
        assert_eq!(lonely, outer, "only the village's own border is unshared");
    }
}

#[test]
fn river_without_a_bridge_separates_and_a_bridge_joins() {
    let sites = scattered(9, 60);
    let boundary = vec![vec![square(-50.0, -50.0, 1200.0)]];
    let river = line("river", true, &[[-200.0, 390.0], [500.0, 410.0], [1500.0, 400.0]]);
    let side = |mesh: &Mesh| Csr::from_edges(60, mesh.edges()).0.components().1;
    let cut = Mesh::build(&sites, Some(&boundary), std::slice::from_ref(&river)).expect("mesh");
    assert_eq!(side(&cut), 2);
    assert!((cut.area_m2() / 1_440_000.0 - 1.0).abs() < 1e-9);
    for &(a, b, _) in cut.edges() {
        let north = |i: u32| sites[i as usize].y > 400.0;
        assert_eq!(north(a), north(b), "cells {a} and {b} are joined across the river");
    }
    let bridge = line("bridge", false, &[[480.0, 300.0], [520.0, 500.0]]);
    assert_eq!(side(&Mesh::build(&sites, Some(&boundary), &[river, bridge]).expect("mesh")), 1);
}

#[test]
fn exclaves_are_components_of_their_own() {
    let mut sites = scattered(4, 20);
    sites.extend(scattered(5, 20).iter().map(|p| Point::new(p.x + 5_000.0, p.y)));
    let boundary = vec![vec![square(-50.0, -50.0, 1200.0)], vec![square(4_950.0, -50.0, 1200.0)]];
    let mesh = Mesh::build(&sites, Some(&boundary), &[]).expect("mesh");
    assert_eq!(Csr::from_edges(40, mesh.edges()).0.components().1, 2);
    assert_eq!(mesh.dissolve(&[0; 40], 1)[0].len(), 2);
}

#[test]
fn one_two_and_collinear_sites_have_cells() {
    for sites in [
        vec![Point::new(7.0, 7.0)],
        vec![Point::new(0.0, 0.0), Point::new(30.0, 0.0)],
        (0..20).map(|i| Point::new(f64::from(i) * 11.0, f64::from(i) * 3.0)).collect(),
    ] {
        let mesh = Mesh::build(&sites, None, &[]).expect("mesh");
        assert!(mesh.cell_area_m2().iter().all(|a| *a > 0.0));
        assert_eq!(Csr::from_edges(sites.len(), mesh.edges()).0.components().1, 1);
        assert_eq!(mesh.edges().len(), sites.len() - 1);
    }
}

#[test]
fn regular_blocks_have_valid_cells() {
    let sites: Vec<Point> = (0..400).map(|i| Point::new(f64::from(i % 20) * 10.0, f64::from(i / 20) * 10.0)).collect();
    let mesh = Mesh::build(&sites, None, &[]).expect("mesh");
    for (i, a) in mesh.cell_area_m2().iter().enumerate() {
        let edge = i % 20 == 0 || i % 20 == 19 || i / 20 == 0 || i / 20 == 19;
        assert!(edge || (a - 100.0).abs() < 1e-3, "{i} {a}");
    }
}

#[test]
fn hole_belongs_to_the_part_around_it() {
    let sites: Vec<Point> = (0..25).map(|i| Point::new(f64::from(i % 5) * 10.0, f64::from(i / 5) * 10.0)).collect();
    let mesh = Mesh::build(&sites, None, &[]).expect("mesh");
    let part: Vec<u32> = (0..25).map(|i| u32::from(i == 12)).collect();
    let shapes = mesh.dissolve(&part, 2);
    assert_eq!((shapes[0].len(), shapes[0][0].len()), (1, 2));
    assert_eq!((shapes[1].len(), shapes[1][0].len()), (1, 1));
    assert!(shape(&shapes[0]).is_valid());
}

#[test]
fn faulty_boundaries_are_refused_with_the_place() {
    let sites = [Point::new(1.0, 1.0)];
    let build = |ring: Vec<[f64; 2]>| Mesh::build(&sites, Some(&[vec![ring]]), &[]).expect_err("faulty");
    assert!(matches!(
        build(vec![[0.0, 0.0], [10.0, 10.0], [10.0, 0.0], [0.0, 10.0], [0.0, 0.0]]),
        MeshError::InvalidBoundary { .. }
    ));
    assert!(matches!(build(vec![[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), MeshError::ShortRing { .. }));
    assert!(matches!(build(vec![[0.0, 0.0], [f64::NAN, 0.0], [1.0, 1.0]]), MeshError::NotFinite { .. }));
    assert_eq!(build(square(5.0, 5.0, 3.0)), MeshError::Outside { sites: vec![0] });
    assert_eq!(Mesh::build(&[], None, &[]).err(), Some(MeshError::NoSite));
    let twice = [Point::new(1.0, 1.0), Point::new(1.0, 1.0)];
    assert_eq!(Mesh::build(&twice, None, &[]).err(), Some(MeshError::SamePlace { first: 0, second: 1 }));
}

#[test]
fn metres_with_the_zone_before_them_give_the_same_cells() {
    let zone = [35_450_000.0, 2_900_000.0];
    let near: Vec<Point> = (0..9).map(|i| Point::new(f64::from(i % 3) * 64.0, f64::from(i / 3) * 32.0)).collect();
    let far: Vec<Point> = near.iter().map(|p| Point::new(p.x + zone[0], p.y + zone[1])).collect();
    let ring = |x: f64, y: f64| {
        vec![vec![vec![
            [x - 50.0, y - 50.0],
            [x + 200.0, y - 50.0],
            [x + 200.0, y + 150.0],
            [x - 50.0, y + 150.0],
            [x - 50.0, y - 50.0],
        ]]]
    };
    let a = Mesh::build(&near, Some(&ring(0.0, 0.0)), &[]).expect("cells");
    let b = Mesh::build(&far, Some(&ring(zone[0], zone[1])), &[]).expect("cells");
    assert_eq!(a.edges(), b.edges());
    assert_eq!(a.cell_area_m2(), b.cell_area_m2());
}
