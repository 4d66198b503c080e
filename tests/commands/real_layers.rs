//! The import gate on real layers. An extra: it runs where the data stands beside the project, and says so where it does not.

use std::path::PathBuf;

use lianhu::domain::BarrierShape;
use lianhu::exchange::{ReadError, ReadOptions, features, read_barriers, read_boundary, read_households, read_regions};

fn data(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if path.exists() {
        return path.to_str().map(str::to_owned);
    }
    println!("passed over: no {name} beside the project");
    None
}

#[test]
fn buildings_of_a_real_county_are_read_with_all_their_properties() {
    let Some(path) = data("liechtenstein_osm.gpkg") else { return };
    let options = ReadOptions::default();
    let read = features(&path, Some("buildings"), &options).expect("features");
    assert_eq!(read.value.len(), 17_717);
    assert_eq!(
        read.value.iter().filter(|f| f.properties.get("addr_no").is_some_and(|v| v.is_string())).count(),
        12_168
    );
    assert!(!read.planar);
    let table = read_households(&format!("{path}|layername=buildings"), None, &options).expect("households");
    assert_eq!(table.value.len(), 17_717);
    assert_eq!(table.value.building.names.len(), 17_717, "a polygon is a building of its own");
    assert_eq!(table.dropped_columns, ["addr_street", "addr_no", "levels", "flats"]);
}

#[test]
fn layers_of_a_real_county_are_listed_when_none_is_named() {
    let Some(path) = data("liechtenstein_osm.gpkg") else { return };
    match read_households(&path, None, &ReadOptions::default()) {
        Err(ReadError::Layer { found, .. }) => assert_eq!(found.len(), 7),
        other => panic!("{:?}", other.map(|r| r.value.len())),
    }
}

#[test]
fn regions_and_barriers_of_a_real_county_are_read() {
    let Some(path) = data("liechtenstein_osm.gpkg") else { return };
    let options = ReadOptions::default();
    let regions = read_regions(&path, Some("admin"), &options).expect("regions").value;
    assert_eq!(regions.len(), 18);
    assert_eq!(regions.iter().filter(|r| r.level == "village" && r.name.is_some()).count(), 11);
    let rivers = read_barriers(&path, Some("waterways"), &options).expect("waterways").value;
    assert!(rivers.iter().any(|b| b.kind == "river") && rivers.iter().all(|b| !b.hard));
    assert!(rivers.len() >= 687);
    let rails = read_barriers(&path, Some("railways"), &options).expect("railways").value;
    assert!(rails.iter().all(|b| b.kind == "railway" && matches!(b.shape, BarrierShape::Line(_))));
    assert!(!read_barriers(&path, Some("water_areas"), &options).expect("lakes").value.is_empty());
}

#[test]
fn a_real_invalid_polygon_is_refused_by_name_but_read_as_a_feature() {
    let Some(path) = data("memphis_precincts.geojson") else { return };
    let options = ReadOptions::default();
    assert_eq!(features(&path, None, &options).expect("features").value.len(), 9);
    let said = read_boundary(&path, None, &options).expect_err("one is invalid").to_string();
    assert!(said.contains("self_intersection"), "{said}");
    let Some(path) = data("anshun_counties_tianditu_wgs84.geojson") else { return };
    assert_eq!(read_regions(&path, None, &options).expect("counties").value.len(), 6);
}
