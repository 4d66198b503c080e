//! What is drawn and written of a unit or grid: hulls, GeoJSON features.

use geo::{ConvexHull, MultiPoint, Point};
use serde_json::{Map, Value, json};

use super::village::Frame;

/// Buffer of a unit's hull, in metres.
pub const UNIT_BUFFER_M: f64 = 5.0;

/// The convex hull of the members, buffered by 5 m (exactly the hull of 16-gons around them): one closed ring in local metres.
#[must_use]
pub fn unit_hull(members: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let around: Vec<Point<f64>> = members
        .iter()
        .flat_map(|p| {
            (0..16).map(move |i| {
                let a = f64::from(i) * std::f64::consts::TAU / 16.0;
                Point::new(p[0] + UNIT_BUFFER_M * a.cos(), p[1] + UNIT_BUFFER_M * a.sin())
            })
        })
        .collect();
    MultiPoint::new(around).convex_hull().exterior().coords().map(|c| [c.x, c.y]).collect()
}

/// GeoJSON geometry of a multipolygon given in local metres; a single part becomes a Polygon.
#[must_use]
pub fn geometry(frame: &Frame, polygons: &[Vec<Vec<[f64; 2]>>]) -> Value {
    let ring = |r: &Vec<[f64; 2]>| r.iter().map(|&c| json!(frame.to_written(c))).collect::<Vec<_>>();
    let polygon = |p: &Vec<Vec<[f64; 2]>>| p.iter().map(ring).collect::<Vec<_>>();
    match polygons {
        [one] => json!({"type": "Polygon", "coordinates": polygon(one)}),
        many => json!({"type": "MultiPolygon", "coordinates": many.iter().map(polygon).collect::<Vec<_>>()}),
    }
}

/// GeoJSON point of a local position.
#[must_use]
pub fn point(frame: &Frame, at: [f64; 2]) -> Value {
    json!({"type": "Point", "coordinates": frame.to_written(at)})
}

/// A feature.
#[must_use]
pub fn feature(geometry: Value, properties: Map<String, Value>) -> Value {
    json!({"type": "Feature", "properties": properties, "geometry": geometry})
}

/// A feature collection, one feature a line; planar coordinates are said in a foreign member, since GeoJSON means degrees.
#[must_use]
pub fn collection(features: &[Value], planar: bool) -> String {
    let mut text = String::from("{\"type\":\"FeatureCollection\"");
    if planar {
        text.push_str(",\"lianhu:coordinates\":\"metres\"");
    }
    text.push_str(",\"features\":[\n");
    for (i, f) in features.iter().enumerate() {
        text.push_str(&f.to_string());
        text.push_str(if i + 1 < features.len() { ",\n" } else { "\n" });
    }
    text.push_str("]}\n");
    text
}

/// Rounds a figure for a file: millimetres and square millimetres are enough.
#[must_use]
pub fn rounded(v: f64) -> f64 {
    (v * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_of_one_household_is_a_disc_of_five_metres() {
        let ring = unit_hull(&[[10.0, 10.0]]);
        assert_eq!(ring.first(), ring.last());
        assert!(ring.iter().all(|c| ((c[0] - 10.0).hypot(c[1] - 10.0) - 5.0).abs() < 1e-9));
    }
}
