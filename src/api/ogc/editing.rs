//! OGC API – Features, part 4: single features made, replaced, changed, deleted. A feature that comes in is a file of one row: it goes
//! through the import gate and into the register as any other, so that no second way is kept in step with the first.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Segments, long_json};
use crate::api::memory::{Collection, rendered};
use crate::api::preconditions::{Versions, etag, stale};
use crate::api::scratch::{Scratch, fresh_id};
use crate::exchange::gate::schema::LayerSchema;
use crate::exchange::{Format, OpenOptions};
use crate::plan::register::{ImportOutcome, ImportWish, import_files};
use crate::store::{Expect, Filter, Layer, RegisterRow, StoreError};

use super::crs::Crs;
use super::items::{encoded, named};

const GEOJSON: &str = "application/geo+json";
/// What a body may be called.
const KINDS: [&str; 3] = [GEOJSON, "application/json", "application/merge-patch+json"];
const CONTENT_CRS: HeaderName = HeaderName::from_static("content-crs");
/// Members of a feature; what a client was given comes back with its links.
const MEMBERS: [&str; 6] = ["type", "id", "geometry", "properties", "links", "bbox"];
/// Faults told of one feature.
const FAULTS: usize = 100;
/// The claim by which the register compares and swaps.
const VERSION: &str = "row_version";

/// What can be edited feature by feature.
#[derive(Clone, Copy)]
struct Target {
    collection: Collection,
    layer: Layer,
    schema: &'static LayerSchema,
    /// The field that is the feature's id.
    key: &'static str,
}

impl Target {
    /// The register's layer behind a collection; `None` for what changes another way.
    fn of(collection: Collection) -> Option<Self> {
        let layer = match collection {
            Collection::Regions => Layer::Regions,
            Collection::Buildings => Layer::Buildings,
            Collection::Households => Layer::Households,
            Collection::Grids | Collection::Units | Collection::Leaders | Collection::Incidents => return None,
        };
        Some(Self { collection, layer, schema: LayerSchema::named(collection.id())?, key: collection.spec().key? })
    }
}

/// Whether features of a collection are edited here, so that their version is told.
pub(super) fn is_editable(collection: Collection) -> bool {
    Target::of(collection).is_some()
}

/// 405 with the way that leads there.
fn elsewhere(collection: Collection) -> Response {
    let what = "此图层的要素不能单独编辑 / features of this collection are not edited one by one";
    let hint = match collection {
        Collection::Incidents => {
            "事件按流程上报和办理：POST /api/incidents / incidents are reported and moved along: POST /api/incidents"
        }
        _ => {
            "网格、单元和联户长由方案的操作改变：POST /api/plans/{id}/edits / grids, units and leaders change by operations on a plan: POST /api/plans/{id}/edits"
        }
    };
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not_editable", what).hint(hint);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
    response
}

/// 422 with the member to blame.
fn wrong(field: &str, what: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_feature", what).field(field)
}

/// What a client sends: members are known, or refused.
#[derive(Debug, Default, PartialEq)]
struct Sent {
    id: Option<String>,
    /// `None`: nothing is said of it.
    geometry: Option<Value>,
    properties: Map<String, Value>,
}

impl Sent {
    fn read(body: Value, target: Target, is_whole: bool) -> Answer<Self> {
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

/// A file of one feature, as the gate reads it; it goes when the answer is given.
fn file_of(app: &App, feature: &Value) -> Answer<Scratch> {
    let all = json!({"type": "FeatureCollection", "features": [feature]});
    app.imports.scratch("geojson", all.to_string().as_bytes())
}

/// What kept the feature out, as clients see it.
fn refused(outcome: &ImportOutcome) -> Problem {
    let faults = &outcome.faults.faults;
    let told: Vec<Value> =
        faults.iter().map(|f| json!({"field": f.column, "code": f.code, "message": f.reason})).collect();
    let first = faults.first();
    let what = first.map_or_else(|| "要素不合规则 / the feature breaks a rule".to_owned(), |f| f.reason.clone());
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_feature", what).with("errors", told);
    match first.and_then(|f| f.column.as_deref()) {
        Some(field) => problem.field(field),
        None => problem,
    }
}

/// Brings one feature in. `compared` are the fields that may change; `None` is all of them.
async fn bring_in(
    app: &Arc<App>,
    principal: &Principal,
    target: Target,
    feature: Value,
    (expect, compared): (Expect, Option<Vec<String>>),
) -> Answer<()> {
    let file = file_of(app, &feature)?;
    let path = file.0.to_string_lossy().into_owned();
    let (scope, actor, limits) = (principal.scope.clone(), principal.actor.clone(), app.imports.limits());
    let files = [path.clone()];
    let done = app
        .off_thread(move |app| async move {
            let wish = ImportWish {
                schema: target.schema,
                files: &files,
                open: OpenOptions { format: Some(Format::GeoJson), limits, ..OpenOptions::default() },
                overrides: &[],
                region: None,
                expect,
                compared: compared.as_deref(),
                dry_run: false,
                partial: false,
                faults_kept: FAULTS,
                idempotency: None,
                sealer: None,
                cancel: None,
                progress: &|_, _| {},
            };
            import_files(app.store(), &scope, &actor, &wish).await
        })
        .await;
    drop(file);
    // the file is ours, not the client's
    let outcome = done.map_err(|p| p.reworded(|text| text.replace(&path, "feature")))?;
    app.tail.look_now();
    match outcome.stored.last().map(|(_, report)| report) {
        None => Err(refused(&outcome)),
        Some(report) => match (report.conflicts.first(), expect) {
            (None, _) => Ok(()),
            (Some(conflict), Expect::New) => {
                let what = format!("{0} 已存在 / there is a {0} already", conflict.id);
                Err(Problem::new(StatusCode::CONFLICT, "exists", what).field(target.key))
            }
            (Some(conflict), _) => Err(stale(conflict.store_version)),
        },
    }
}

/// The row as it is in the store now.
async fn find(app: &App, principal: &Principal, target: Target, id: &str) -> Answer<RegisterRow> {
    let filter = Filter { ids: Some(vec![id.to_owned()]), limit: Some(1), ..Filter::default() };
    let page = app.store.list(&principal.scope, target.layer, &filter).await?;
    page.rows.into_iter().next().ok_or_else(Problem::missing)
}

/// A row as a feature.
fn feature_of(target: Target, row: &RegisterRow) -> Answer<Value> {
    let text = rendered(target.collection, row).ok_or_else(|| Problem::internal("no feature of the row"))?;
    serde_json::from_str(&text).map_err(|e| Problem::internal(e.to_string()))
}

/// The row as the answer to whoever wrote it.
async fn answered(
    app: &App,
    principal: &Principal,
    target: Target,
    (id, status): (&str, StatusCode),
    headers: &HeaderMap,
) -> Answer<Response> {
    let row = find(app, principal, target, id).await?;
    let home = format!("{}/ogc/collections/{}/items", app.keeper.origin(headers), target.collection.id());
    let own = format!("{home}/{}", encoded(id));
    let body = feature_of(target, &row)?.to_string();
    let mut response = (status, [(header::CONTENT_TYPE, GEOJSON)], body).into_response();
    let map = response.headers_mut();
    map.insert(header::ETAG, etag(row.row_version()));
    map.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Ok(crs) = format!("<{}>", Crs::Crs84.uri()).parse() {
        map.insert(CONTENT_CRS, crs);
    }
    if let (StatusCode::CREATED, Ok(own)) = (status, own.parse()) {
        map.insert(header::LOCATION, own);
    }
    Ok(response)
}

/// Refuses whoever may not edit, then what cannot be.
fn target(principal: &Principal, collection: &str) -> Answer<Result<Target, Response>> {
    principal.need_planner("编辑要素 / edit features")?;
    let collection = named(collection)?;
    Ok(Target::of(collection).ok_or_else(|| elsewhere(collection)))
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
async fn body(headers: &HeaderMap, request: Request) -> Answer<Value> {
    let said = headers.get(CONTENT_CRS).map(|v| v.to_str().unwrap_or_default().trim());
    let crs = said.map(|t| Crs::parse("Content-Crs", t.trim_start_matches('<').trim_end_matches('>'))).transpose()?;
    let mut body = long_json(request, &KINDS).await?;
    if let (Some(crs), Some(coordinates)) = (crs, body.pointer_mut("/geometry/coordinates")) {
        to_lonlat(coordinates, crs);
    }
    Ok(body)
}

/// The whole row a feature means: fields it does not name are empty.
fn whole(target: Target, id: &str, sent: Sent, version: Option<u64>) -> Value {
    let mut properties: Map<String, Value> =
        target.collection.spec().fields.iter().map(|f| (f.name.to_owned(), Value::Null)).collect();
    properties.extend(sent.properties);
    properties.insert(target.key.to_owned(), id.into());
    properties.extend(version.map(|v| (VERSION.to_owned(), v.into())));
    json!({"type": "Feature", "id": id, "geometry": sent.geometry, "properties": properties})
}

pub(in crate::api) async fn create(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(collection): Segments<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let target = match target(&principal, &collection)? {
        Ok(target) => target,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let sent = Sent::read(body(&headers, request).await?, target, true)?;
    let id = match (&sent.id, target.layer) {
        (Some(id), _) => id.clone(),
        (None, Layer::Regions) => return Err(wrong(target.key, "缺区划代码 / a division needs its code")),
        (None, _) => format!("f-{}", fresh_id()?),
    };
    let feature = whole(target, &id, sent, None);
    bring_in(&app, &principal, target, feature, (Expect::New, None)).await?;
    answered(&app, &principal, target, (&id, StatusCode::CREATED), &headers).await
}

pub(in crate::api) async fn replace(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((collection, id)): Segments<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let target = match target(&principal, &collection)? {
        Ok(target) => target,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let versions = Versions::of(&headers)?;
    let version = versions.check(find(&app, &principal, target, &id).await?.row_version())?;
    let sent = Sent::read(body(&headers, request).await?, target, true)?;
    if sent.id.as_ref().is_some_and(|i| *i != id) {
        return Err(wrong(target.key, "与路径不同 / other than in the path"));
    }
    let feature = whole(target, &id, sent, Some(version));
    bring_in(&app, &principal, target, feature, (Expect::Known, None)).await?;
    answered(&app, &principal, target, (&id, StatusCode::OK), &headers).await
}

/// A patch in the manner of RFC 7396: what is named is changed, null empties, the rest stays.
pub(in crate::api) async fn update(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((collection, id)): Segments<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let target = match target(&principal, &collection)? {
        Ok(target) => target,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let versions = Versions::of(&headers)?;
    let row = find(&app, &principal, target, &id).await?;
    let version = versions.check(row.row_version())?;
    let sent = Sent::read(body(&headers, request).await?, target, false)?;
    if sent.id.as_ref().is_some_and(|i| *i != id) {
        return Err(wrong(target.key, "与路径不同 / other than in the path"));
    }
    let mut compared: Vec<String> = sent.properties.keys().cloned().collect();
    compared.extend(sent.geometry.is_some().then(|| "geometry".to_owned()));
    let mut now = feature_of(target, &row)?;
    if let Some(properties) = now["properties"].as_object_mut() {
        properties.extend(sent.properties);
        properties.insert(VERSION.to_owned(), version.into());
    }
    if let Some(geometry) = sent.geometry {
        now["geometry"] = geometry;
    }
    bring_in(&app, &principal, target, now, (Expect::Known, Some(compared))).await?;
    answered(&app, &principal, target, (&id, StatusCode::OK), &headers).await
}

pub(in crate::api) async fn remove(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((collection, id)): Segments<(String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let target = match target(&principal, &collection)? {
        Ok(target) => target,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let versions = Versions::of(&headers)?;
    let version = versions.check(find(&app, &principal, target, &id).await?.row_version())?;
    let ids = [id];
    match app.store.remove(&principal.scope, &principal.actor, target.layer, &ids, Some(version)).await {
        Err(StoreError::Conflict { current_version, .. }) => return Err(stale(current_version)),
        Err(StoreError::Constraint { what, .. }) => {
            return Err(Problem::new(StatusCode::CONFLICT, "in_use", what));
        }
        other => other?,
    };
    app.tail.look_now();
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(collection: Collection, body: Value, is_whole: bool) -> Answer<Sent> {
        Sent::read(body, Target::of(collection).expect("a target"), is_whole)
    }

    #[test]
    fn what_is_not_edited_one_by_one_is_no_target() {
        let editable: Vec<Collection> = Collection::ALL.into_iter().filter(|c| is_editable(*c)).collect();
        assert_eq!(editable, [Collection::Regions, Collection::Buildings, Collection::Households]);
        assert_eq!(
            elsewhere(Collection::Grids).headers().get(header::ALLOW).map(|v| v.as_bytes()),
            Some(&b"GET, HEAD"[..])
        );
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
