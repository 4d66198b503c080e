//! What a client sends: one feature, its members known or refused, its geometry in whatever system.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::target::Target;
use super::{CONTENT_CRS, GEOJSON};
use crate::api::error::{Answer, Problem};
use crate::api::extract::long_json;
use crate::api::ogc::crs::Crs;

/// What a body may be called.
const KINDS: [&str; 3] = [GEOJSON, "application/json", "application/merge-patch+json"];
/// Members of a feature; what a client was given comes back with its links.
const MEMBERS: [&str; 6] = ["type", "id", "geometry", "properties", "links", "bbox"];

/// 422 with the member to blame.
pub(super) fn wrong(field: &str, what: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_feature", what).field(field)
}

/// What a client sends: members are known, or refused.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sent {
    pub(super) id: Option<String>,
    /// `None`: nothing is said of it.
    pub(super) geometry: Option<Value>,
    pub(super) properties: Map<String, Value>,
}

impl Sent {
    pub(super) fn read(body: Value, target: Target, is_whole: bool) -> Answer<Self> {
        let Value::Object(members) = body else {
            return Err(wrong("type", "应为 GeoJSON 要素 / a GeoJSON feature is wanted"));
        };
        let mut sent = Self::default();
        let mut is_feature = false;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("type", Value::String(t)) if t == "Feature" => is_feature = true,
                ("id", Value::String(id)) => sent.id = Some(id),
                ("id", Value::Null) | ("links" | "bbox", _) => {}
                ("geometry", shape @ (Value::Object(_) | Value::Null)) => sent.geometry = Some(shape),
                ("properties", Value::Object(values)) => sent.properties = values,
                ("properties", Value::Null) if is_whole => {}
                (name, _) if MEMBERS.contains(&name) => {
                    return Err(wrong(name, "值的类型不对 / a value of another kind"));
                }
                (name, _) => {
                    return Err(wrong(
                        name,
                        format!("没有此成员；可用 / no such member; there are {}", MEMBERS.join(", ")),
                    ));
                }
            }
        }
        if is_whole && !is_feature {
            return Err(wrong("type", "应为 \"Feature\" / \"Feature\" is wanted"));
        }
        let fields = target.collection.spec().fields;
        if let Some(name) = sent.properties.keys().find(|n| !fields.iter().any(|f| f.name == n.as_str())) {
            let known: Vec<&str> = fields.iter().map(|f| f.name).collect();
            return Err(wrong(name, format!("没有此字段；可用 / no such field; there are {}", known.join(", "))));
        }
        match sent.properties.get(target.key) {
            None => {}
            Some(Value::String(id)) if sent.id.as_ref().is_none_or(|i| i == id) => sent.id = Some(id.clone()),
            Some(_) => return Err(wrong(target.key, "与要素的 id 不同 / other than the feature's id")),
        }
        Ok(sent)
    }
}

/// Positions of a geometry, in whatever nesting, to longitude and latitude.
fn to_lonlat(coordinates: &mut Value, crs: Crs) {
    let Value::Array(list) = coordinates else { return };
    match list.as_mut_slice() {
        [Value::Number(a), Value::Number(b), ..] => {
            if let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) {
                let [lon, lat] = crs.to_lonlat([a, b]);
                list.splice(..2, [json!(lon), json!(lat)]);
            }
        }
        inner => inner.iter_mut().for_each(|c| to_lonlat(c, crs)),
    }
}

/// The body of a request, its geometry in degrees, east first, whatever system it came in.
pub(super) async fn body(headers: &HeaderMap, request: Request) -> Answer<Value> {
    let said = headers.get(CONTENT_CRS).map(|v| v.to_str().unwrap_or_default().trim());
    let crs = said.map(|t| Crs::parse("Content-Crs", t.trim_start_matches('<').trim_end_matches('>'))).transpose()?;
    let mut body = long_json(request, &KINDS).await?;
    if let (Some(crs), Some(coordinates)) = (crs, body.pointer_mut("/geometry/coordinates")) {
        to_lonlat(coordinates, crs);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::memory::Collection;

    fn read(collection: Collection, body: Value, is_whole: bool) -> Answer<Sent> {
        Sent::read(body, Target::of(collection).expect("a target"), is_whole)
    }

    #[test]
    fn positions_come_in_the_order_of_their_system_s_axes() {
        let mut ring = json!([[[26.0, 105.5], [26.5, 105.5], [26.5, 106.0], [26.0, 105.5]]]);
        to_lonlat(&mut ring, Crs::Epsg4490);
        assert_eq!(ring[0][1], json!([105.5, 26.5]));
        let [x, y] = Crs::Epsg3857.of_lonlat([105.5, 26.5]);
        let mut point = json!([x, y, 1200.0]);
        to_lonlat(&mut point, Crs::Epsg3857);
        let read: [f64; 3] = serde_json::from_value(point).expect("a position");
        assert!((read[0] - 105.5).abs() < 1e-9 && (read[1] - 26.5).abs() < 1e-9 && read[2] == 1200.0, "{read:?}");
        let mut odd = json!([["x", {}], null, [1]]);
        to_lonlat(&mut odd, Crs::Epsg4326);
        assert_eq!(odd, json!([["x", {}], null, [1]]), "the gate says what is wrong with it");
    }

    #[test]
    fn members_fields_and_ids_are_known_or_refused() {
        let whole = json!({"type": "Feature", "id": "b1", "geometry": null, "properties": {"id": "b1", "name": "甲"}, "links": []});
        let sent = read(Collection::Buildings, whole, true).expect("a feature");
        assert_eq!((sent.id.as_deref(), sent.geometry), (Some("b1"), Some(Value::Null)));
        for (bad, field) in [
            (json!([]), "type"),
            (json!({"properties": {}}), "type"),
            (json!({"type": "Feature", "properties": {"phone": "1"}}), "phone"),
            (json!({"type": "Feature", "id": 7, "properties": {}}), "id"),
            (json!({"type": "Feature", "crs": {}, "properties": {}}), "crs"),
            (json!({"type": "Feature", "id": "a", "properties": {"id": "b"}}), "id"),
            (json!({"type": "Feature", "geometry": [1, 2]}), "geometry"),
        ] {
            let problem = read(Collection::Buildings, bad.clone(), true).expect_err(field);
            assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        }
        let patch = read(Collection::Households, json!({"properties": {"floor": null}}), false).expect("a patch");
        assert_eq!((patch.geometry, patch.properties.len()), (None, 1));
    }
}
