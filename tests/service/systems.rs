//! Reference systems of what is asked: boxes and the geometries of filters, against a walk over all coordinates.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::server::{Server, still};

const BOX_DEG: [f64; 4] = [105.64, 25.95, 105.66, 25.98];

fn uri(name: &str) -> String {
    format!("http://www.opengis.net/def/crs/{name}")
}

fn at(f: &Value) -> [f64; 2] {
    serde_json::from_value(f["geometry"]["coordinates"].clone()).expect("a point")
}

fn ids(features: &[Value], fits: impl Fn([f64; 2]) -> bool) -> BTreeSet<String> {
    features.iter().filter(|f| fits(at(f))).map(|f| f["id"].as_str().expect("an id").to_owned()).collect()
}

fn inside([a, b]: [f64; 2], [a0, b0, a1, b1]: [f64; 4], grown: f64) -> bool {
    (a0 - grown..=a1 + grown).contains(&a) && (b0 - grown..=b1 + grown).contains(&b)
}

/// A rectangle as a ring, its numbers in the order of the system.
fn ring([a0, b0, a1, b1]: [f64; 4]) -> String {
    format!("S_INTERSECTS(geometry, POLYGON(({a0} {b0}, {a0} {b1}, {a1} {b1}, {a1} {b0}, {a0} {b0})))")
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

pub(crate) fn boxes_and_filters_are_read_in_the_system_they_name(server: &Server) {
    let _still = still();
    let found = |query: &str| ids(&server.all(&server.token, "buildings", query), |_| true);
    let all = server.all(&server.token, "buildings", "");
    let wanted = ids(&all, |p| inside(p, BOX_DEG, 0.0));
    assert!(wanted.len() > 10 && wanted.len() < all.len());
    let [west, south, east, north] = BOX_DEG;
    let turned = [south, west, north, east];
    let said = |b: [f64; 4]| b.map(|v| v.to_string()).join(",");
    assert_eq!(found(&format!("&bbox={}&bbox-crs={}", said(BOX_DEG), uri("OGC/1.3/CRS84"))), wanted);
    assert_eq!(found(&format!("&filter={}", ring(BOX_DEG))), wanted);
    for latitude_first in ["EPSG/0/4326", "EPSG/0/4490"] {
        let system = uri(latitude_first);
        assert_eq!(found(&format!("&bbox={}&bbox-crs={system}", said(turned))), wanted, "{latitude_first}");
        assert_eq!(found(&format!("&filter={}&filter-crs={system}", ring(turned))), wanted, "{latitude_first}");
        // the other order is a place where nothing is
        assert_eq!(found(&format!("&filter={}&filter-crs={system}", ring(BOX_DEG))), BTreeSet::new());
    }
    // Gauss–Krüger, north before east: a box of 2 km, whose sides do not run along meridians
    let system = uri("EPSG/0/4523");
    let metres = server.all(&server.token, "buildings", &format!("&crs={system}"));
    let [middle_n, middle_e] = at(&metres[metres.len() / 2]);
    let side = [middle_n - 1_000.0, middle_e - 1_000.0, middle_n + 1_000.0, middle_e + 1_000.0];
    let grown = |m: f64| ids(&metres, |p| inside(p, side, m));
    assert!(grown(0.0).len() > 10 && grown(0.0).len() < metres.len());
    let by_box = found(&format!("&bbox={}&bbox-crs={system}", said(side)));
    // a box of degrees around it is at most 2 km × sin(0.3°) wider
    assert!(
        by_box.is_superset(&grown(-0.001)) && by_box.is_subset(&grown(25.0)),
        "{} {}",
        by_box.len(),
        grown(0.0).len()
    );
    let by_filter = found(&format!("&filter={}&filter-crs={system}", ring(side)));
    assert!(by_filter.is_superset(&grown(-0.1)) && by_filter.is_subset(&grown(0.1)), "{}", by_filter.len());
    for (query, field) in [
        (format!("bbox=1,2,3,4&bbox-crs={}", uri("EPSG/0/2326")), "bbox-crs"),
        (format!("filter=TRUE&filter-crs={}", uri("EPSG/0/2326")), "filter-crs"),
        (format!("filter-crs={}", uri("EPSG/0/4326")), "filter-crs"),
    ] {
        let refused = server.get(&format!("/ogc/collections/buildings/items?{query}")).problem(400, "bad_parameter");
        assert_eq!(refused.json()["field"], field, "{query}");
    }
}
