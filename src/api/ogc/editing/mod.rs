//! OGC API – Features, part 4: single features made, replaced, changed, deleted. A feature that comes in is a file of one row: it goes
//! through the import gate and into the register as any other, so that no second way is kept in step with the first.

mod sent;
mod target;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::memory::{content_of, rendered};
use crate::api::preconditions::{etag_of_row, stale};
use crate::api::scratch::{Scratch, fresh_id};
use crate::exchange::{Format, OpenOptions};
use crate::plan::register::{ImportOutcome, ImportWish, import_files};
use crate::store::{Expect, Layer, RegisterRow, StoreError};

use super::crs::Crs;
use super::items::encoded;
use sent::{Sent, body, wrong};
use target::{Edit, Target, find};

pub(super) use target::is_editable;

const GEOJSON: &str = "application/geo+json";
const CONTENT_CRS: HeaderName = HeaderName::from_static("content-crs");
/// Faults told of one feature.
const FAULTS: usize = 100;
/// The claim by which the register compares and swaps.
const VERSION: &str = "row_version";

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
    Edit { principal, target, reason, .. }: &Edit,
    feature: Value,
    (expect, compared): (Expect, Option<Vec<String>>),
) -> Answer<()> {
    let (target, reason) = (*target, reason.clone());
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
                reason: reason.as_deref(),
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
    map.insert(header::ETAG, etag_of_row(row.row_version(), content_of(target.collection, &row).unwrap_or_default()));
    map.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Ok(crs) = format!("<{}>", Crs::Crs84.uri()).parse() {
        map.insert(CONTENT_CRS, crs);
    }
    if let (StatusCode::CREATED, Ok(own)) = (status, own.parse()) {
        map.insert(header::LOCATION, own);
    }
    Ok(response)
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
    edit: Edit,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let target = edit.target;
    let sent = Sent::read(body(&headers, request).await?, target, true)?;
    let id = match (&sent.id, target.layer) {
        (Some(id), _) => id.clone(),
        (None, Layer::Regions) => return Err(wrong(target.key, "缺区划代码 / a division needs its code")),
        (None, _) => format!("f-{}", fresh_id()?),
    };
    let feature = whole(target, &id, sent, None);
    bring_in(&app, &edit, feature, (Expect::New, None)).await?;
    answered(&app, &edit.principal, target, (&id, StatusCode::CREATED), &headers).await
}

pub(in crate::api) async fn replace(
    State(app): State<Arc<App>>,
    edit: Edit,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let (_, version) = edit.standing(&app, &headers).await?;
    let (target, id) = (edit.target, edit.id.as_str());
    let sent = Sent::read(body(&headers, request).await?, target, true)?;
    if sent.id.as_ref().is_some_and(|i| i != id) {
        return Err(wrong(target.key, "与路径不同 / other than in the path"));
    }
    let feature = whole(target, id, sent, Some(version));
    bring_in(&app, &edit, feature, (Expect::Known, None)).await?;
    answered(&app, &edit.principal, target, (id, StatusCode::OK), &headers).await
}

/// A patch in the manner of RFC 7396: what is named is changed, null empties, the rest stays.
pub(in crate::api) async fn update(
    State(app): State<Arc<App>>,
    edit: Edit,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let (row, version) = edit.standing(&app, &headers).await?;
    let (target, id) = (edit.target, edit.id.as_str());
    let sent = Sent::read(body(&headers, request).await?, target, false)?;
    if sent.id.as_ref().is_some_and(|i| i != id) {
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
    bring_in(&app, &edit, now, (Expect::Known, Some(compared))).await?;
    answered(&app, &edit.principal, target, (id, StatusCode::OK), &headers).await
}

pub(in crate::api) async fn remove(State(app): State<Arc<App>>, edit: Edit, headers: HeaderMap) -> Answer<Response> {
    let (_, version) = edit.standing(&app, &headers).await?;
    let Edit { principal, target, id, reason } = edit;
    let ids = [id];
    let wish = (Some(version), reason.as_deref());
    match app.store.remove(&principal.scope, &principal.actor, target.layer, &ids, wish).await {
        Err(StoreError::Conflict { current_version, .. }) => return Err(stale(current_version)),
        Err(StoreError::Constraint { what, .. }) => {
            return Err(Problem::new(StatusCode::CONFLICT, "in_use", what));
        }
        other => other?,
    };
    app.tail.look_now();
    Ok(StatusCode::NO_CONTENT.into_response())
}
