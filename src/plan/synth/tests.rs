//! The promises of the generator: totals, validity, distances, special places, the same bytes at any thread count.

use std::collections::BTreeMap;
use std::path::Path;

use geo::{Contains, LineString, MultiPolygon, Point, Polygon, Relate, Validation};

use super::cells::{inside, outline_distance_m, ring_area_m2};
use super::settle::content;
use super::*;

fn options(households: u32, villages: u32, seed: u64, township: bool) -> SynthOptions {
    SynthOptions { households, villages, incidents: 300, seed, township }
}

fn geometry(polygons: &[Vec<Vec<[f64; 2]>>]) -> MultiPolygon<f64> {
    MultiPolygon::new(
        polygons
            .iter()
            .map(|rings| {
                let mut lines = rings.iter().map(|r| LineString::from(r.clone()));
                Polygon::new(lines.next().expect("exterior"), lines.collect())
            })
            .collect(),
    )
}

/// Bytes of every file, by name.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .expect("folder")
        .map(|e| {
            let e = e.expect("entry");
            (e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).expect("file"))
        })
        .collect()
}

fn made(o: &SynthOptions) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().expect("folder");
    write(o, &folder.path().join("c"), false, "test").expect("written");
    bytes(&folder.path().join("c"))
}

#[test]
fn totals_are_exact() {
    for (h, v) in [(8_000, 12), (900, 3), (5, 5), (1, 1), (40_000, 60), (30_000, 2)] {
        let o = options(h, v, 3, false);
        let folder = tempfile::tempdir().expect("folder");
        let s = write(&o, &folder.path().join("c"), false, "test").expect("written");
        assert_eq!((s.households, s.villages, s.incidents), (u64::from(h), u64::from(v), 300), "{h} {v}");
        let county = County::lay_out(&o).expect("county");
        assert!(county.villages.iter().all(|v| v.households > 0));
    }
}

#[test]
fn outlines_are_valid_and_tile_the_townships() {
    for seed in 1..6 {
        let county = County::lay_out(&options(20_000, 40, seed, false)).expect("county");
        let mut sums = vec![0.0; county.townships.len()];
        let area = |p: &[Vec<Vec<[f64; 2]>>]| p.iter().flatten().map(|r| ring_area_m2(r)).sum::<f64>();
        for v in &county.villages {
            assert!(geometry(&v.polygons).is_valid(), "{}", v.division.code);
            sums[v.township as usize] += area(&v.polygons);
        }
        for ((d, p), sum) in county.townships.iter().zip(sums) {
            assert!(geometry(p).is_valid(), "{}", d.code);
            assert!((area(p) - sum).abs() < 1e-6 * sum, "{} {} {sum}", d.code, area(p));
        }
        // No two outlines overlap: every centre of a village lies in its own and in no other.
        for (i, v) in county.villages.iter().enumerate() {
            let holding: Vec<usize> =
                (0..county.villages.len()).filter(|&k| inside(&county.villages[k].polygons, v.centre)).collect();
            assert_eq!(holding, [i]);
        }
    }
}

#[test]
fn neighbours_share_the_very_same_corners() {
    let county = County::lay_out(&options(8_000, 12, 7, true)).expect("county");
    let mut seen: BTreeMap<[u64; 4], i32> = BTreeMap::new();
    for ring in county.villages.iter().flat_map(|v| v.polygons.iter().flatten()) {
        for w in ring.windows(2) {
            let key = |a: [f64; 2], b: [f64; 2]| [a[0].to_bits(), a[1].to_bits(), b[0].to_bits(), b[1].to_bits()];
            *seen.entry(key(w[0], w[1])).or_default() += 1;
        }
    }
    let mut outer = 0;
    for (k, n) in &seen {
        assert_eq!(*n, 1, "an edge is walked once in each direction");
        outer += i32::from(!seen.contains_key(&[k[2], k[3], k[0], k[1]]));
    }
    // Only the outline of the whole has no twin.
    assert!(outer > 10 && outer * 2 < seen.len() as i32, "{outer} of {}", seen.len());
}

#[test]
fn house_stands_inside_its_village_off_the_lines_and_off_its_neighbours() {
    for (seed, township) in [(7, true), (2, false)] {
        let county = County::lay_out(&options(7_000, 11, seed, township)).expect("county");
        for (i, v) in county.villages.iter().enumerate() {
            let c = content(&county, i);
            let outline = geometry(&v.polygons);
            for (k, b) in c.buildings.iter().enumerate() {
                assert!(outline.contains(&Point::new(b.at[0], b.at[1])));
                assert!(outline_distance_m(&v.polygons, b.at) > 3.0);
                for line in county.curves.iter() {
                    let d = super::cells::distance_m(&line.points(), b.at);
                    assert!(d > 3.0, "{d} m from {}", line.name);
                }
                for o in &c.buildings[k + 1..] {
                    assert!((o.at[0] - b.at[0]).hypot(o.at[1] - b.at[1]) > 2.0);
                }
            }
            let housed: usize = c.buildings.iter().map(|b| b.dwellings.len()).sum();
            assert_eq!(housed, v.households as usize);
        }
    }
}

#[test]
fn special_places_exist() {
    for (seed, township) in [(7, true), (1, false), (2, false), (3, false), (4, true)] {
        let county = County::lay_out(&options(8_000, 12, seed, township)).expect("county");
        let all: Vec<_> = (0..12).map(|i| content(&county, i)).collect();
        let special = &county.special;

        let (owner, host, at) = special.exclave.expect("an exclave");
        let v = &county.villages[owner as usize];
        assert_eq!(v.polygons.len(), 2);
        let rings = county.villages[host as usize].polygons[0].len();
        assert_eq!(rings, 2, "the host has a hole");
        let island: usize = all[owner as usize]
            .buildings
            .iter()
            .filter(|b| inside(std::slice::from_ref(&v.polygons[1]), b.at))
            .map(|b| b.dwellings.len())
            .sum();
        assert!(island > 5 && inside(&v.polygons, at), "{island}");

        let (_, lone) = special.lone.expect("a lone house");
        let mut near: Vec<f64> =
            all.iter().flat_map(|c| c.buildings.iter()).map(|b| (b.at[0] - lone[0]).hypot(b.at[1] - lone[1])).collect();
        near.sort_by(f64::total_cmp);
        assert!(near[0] < 1e-9 && near[1] > 1_000.0, "{near:?}");

        let four = &all[special.hamlet_of_four.expect("a village") as usize];
        let sizes: Vec<usize> = (0..four.hamlets.len() as u32)
            .map(|h| four.buildings.iter().filter(|b| b.hamlet == h).map(|b| b.dwellings.len()).sum())
            .collect();
        assert!(sizes.contains(&4), "{sizes:?}");

        let names: Vec<&String> = all.iter().flat_map(|c| &c.buildings).filter_map(|b| b.dedicated.as_ref()).collect();
        assert!(names.iter().any(|n| n.ends_with("小学")) && names.iter().any(|n| n.ends_with("卫生院")));

        let towers = all.iter().flat_map(|c| &c.buildings).filter(|b| b.dwellings.iter().any(|d| d.floor > 10)).count();
        assert!(towers > 0);
    }
}

#[test]
fn river_cuts_one_village_with_a_bridge_and_one_without() {
    for seed in 1..8 {
        let county = County::lay_out(&options(8_000, 12, seed, true)).expect("county");
        let river = &county.curves[0];
        let bridges_in = |v: u32| {
            let outline = geometry(&county.villages[v as usize].polygons);
            county
                .crossings
                .iter()
                .filter(|c| c.bridge && river.distance_m(c.line[0], 100.0) < 99.0)
                .filter(|c| LineString::from(c.line.clone()).relate(&outline).is_intersects())
                .count()
        };
        let with = county.special.cut_with_bridge.expect("a village");
        let without = county.special.cut_without_bridge.expect("a village");
        assert!(bridges_in(with) >= 1, "seed {seed}");
        assert_eq!(bridges_in(without), 0, "seed {seed}");
        for v in [with, without] {
            let c = content(&county, v as usize);
            let north = c.buildings.iter().filter(|b| river.offset_m(b.at) > 0.0).count();
            assert!(north > 3 && c.buildings.len() - north > 3, "seed {seed}: {north} of {}", c.buildings.len());
        }
    }
}

#[test]
fn same_bytes_at_any_thread_count_and_others_for_another_seed() {
    let o = options(6_000, 30, 5, false);
    let at = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool").install(|| made(&o))
    };
    let one = at(1);
    assert_eq!(one.len(), 6);
    assert!(one == at(2) && one == at(4));
    let other = made(&SynthOptions { seed: 6, ..o });
    for name in ["households.csv", "regions.geojson", "barriers.geojson", "incidents.csv", "leaders.csv"] {
        assert_ne!(one[name], other[name], "{name}");
    }
}

#[test]
fn households_are_read_by_the_import_gate() {
    let folder = tempfile::tempdir().expect("folder");
    let target = folder.path().join("c");
    write(&options(2_000, 3, 1, true), &target, false, "test").expect("written");
    let path = target.join("households.csv");
    let read = crate::exchange::read_households(&path.to_string_lossy(), None, &Default::default()).expect("readable");
    assert!(read.dropped_columns.is_empty(), "{:?}", read.dropped_columns);
    let t = read.value;
    assert_eq!(t.households.iter().sum::<u32>(), 2_000);
    assert!(t.rows_are_buildings && t.households.contains(&0) && t.dedicated.is_some());
    assert_eq!(t.village.expect("column").names.len(), 3);
    let may = t.eligible.expect("column").iter().filter(|e| **e).count();
    assert!((400..600).contains(&may), "{may}");
}

#[test]
fn one_village_stays_silent_and_one_hot_spot_emerges() {
    let o = SynthOptions { incidents: 2_000, ..options(8_000, 12, 7, true) };
    let county = County::lay_out(&o).expect("county");
    let shares = incidents::shares(&county);
    assert_eq!(shares.iter().map(|s| s.anywhere + s.hot.iter().map(|h| h.0).sum::<u32>()).sum::<u32>(), 2_000);
    assert!(shares.iter().any(|s| s.anywhere == 0 && s.hot.is_empty()));
    assert_eq!(shares.iter().flat_map(|s| &s.hot).filter(|h| h.1).count(), 1);
}

#[test]
fn folder_with_something_in_it_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let o = options(50, 2, 1, false);
    let target = folder.path().join("c");
    write(&o, &target, false, "test").expect("written");
    assert!(matches!(write(&o, &target, false, "test"), Err(SynthError::NotEmpty { .. })));
    write(&o, &target, true, "test").expect("replaced");
    std::fs::write(target.join("mine.txt"), "x").expect("writable");
    assert!(matches!(write(&o, &target, true, "test"), Err(SynthError::ForeignFile { .. })));
    assert!(target.join("mine.txt").exists());
    // Nothing temporary is left beside it.
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1);
}

#[test]
fn impossible_numbers_are_refused() {
    for o in
        [options(10, 0, 1, false), options(3, 5, 1, false), options(100, 13, 1, true), options(100, 30_000, 1, false)]
    {
        assert!(County::lay_out(&o).is_err());
    }
}
