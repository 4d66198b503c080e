//! Incidents coming in: one by one from the room, many at once, from neighbour systems.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Json, LongJson, Params, idempotency};
use crate::api::idempotency::Once;
use crate::domain::incident::dictionary::EMERGENCY;
use crate::plan::room::{Refused, incident_of, moments, of_emergency};
use crate::store::{Alarm, Idempotency, IncidentRecord, NewIncident, Recorded, RefusedIncident};

use super::{HANDLERS, Names};

/// Incidents of one bulk.
const MOST: usize = 10_000;
const OPERATION: &str = "上报事件 / report incidents";

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused.code {
            "bad_field" => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, refused.code, refused.detail).field(&refused.field)
    }
}

/// What makes an emergency alarm, in the transaction that records it.
async fn alarm(app: &App, principal: &Principal) -> Answer<Alarm> {
    let rules = app.store.alert_rules(&principal.scope).await?;
    let now_ms = moments::ms(OffsetDateTime::now_utc());
    Ok(Alarm(Arc::new(move |row| (row.category == EMERGENCY).then(|| of_emergency(&rules, row, now_ms)).flatten())))
}

/// Records one incident; whether it is new, and how it stands.
async fn single(
    app: &App,
    principal: &Principal,
    names: &Names,
    incident: NewIncident,
    idempotency: Option<Idempotency>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    let alarm = Some(alarm(app, principal).await?);
    let request = IncidentRecord { incidents: vec![incident], partial: false, as_bulk: false, alarm, idempotency };
    let done = app.store.record_incidents(&principal.scope, &principal.actor, &request).await?;
    app.incidents_changed();
    if let Some(RefusedIncident { field, detail, .. }) = done.refused.into_iter().next() {
        if field == "id" {
            return Err(Problem::new(StatusCode::CONFLICT, "conflict", detail).field("id"));
        }
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", detail).field(&field));
    }
    let id = done.ids.first().ok_or_else(|| Problem::internal("an incident without id"))?;
    let (row, _) = app.store.get_incident(&principal.scope, id).await?;
    let status = if done.created > 0 { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(json!({"incident": names.incident(&row)}))))
}

pub(in crate::api) async fn report(
    State(app): State<Arc<App>>,
    principal: Principal,
    headers: HeaderMap,
    _once: Once,
    Json(body): Json<Map<String, Value>>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    principal.need(&HANDLERS, OPERATION)?;
    let key = idempotency(&headers, &body)?;
    let names = Names::read(&app, &principal).await?;
    let incident = incident_of(&body, &names.lists, false, OffsetDateTime::now_utc())?;
    single(&app, &principal, &names, incident, Some(key)).await
}

/// Another system's: its own id makes it come once.
pub(in crate::api) async fn intake(
    State(app): State<Arc<App>>,
    principal: Principal,
    Json(body): Json<Map<String, Value>>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    principal.need(&HANDLERS, OPERATION)?;
    let names = Names::read(&app, &principal).await?;
    let incident = incident_of(&body, &names.lists, true, OffsetDateTime::now_utc())?;
    single(&app, &principal, &names, incident, None).await
}

#[derive(Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Bulk {
    incidents: Vec<Map<String, Value>>,
}

pub(in crate::api) async fn bulk(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
    headers: HeaderMap,
    _once: Once,
    LongJson(body): LongJson<Bulk>,
) -> Answer<axum::Json<Value>> {
    principal.need(&HANDLERS, OPERATION)?;
    params.only(&["partial"])?;
    let partial = match params.get("partial") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad("partial", "true、false")),
    };
    let key = idempotency(&headers, &(partial, &body))?;
    if body.incidents.len() > MOST {
        let what = format!("一次最多 {MOST} 件 / at most {MOST} incidents at once");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_incidents", what).field("incidents"));
    }
    let names = Names::read(&app, &principal).await?;
    let (now, mut good, mut at, mut refused) = (OffsetDateTime::now_utc(), Vec::new(), Vec::new(), Vec::new());
    for (index, one) in body.incidents.iter().enumerate() {
        match incident_of(one, &names.lists, false, now) {
            Ok(incident) => {
                good.push(incident);
                at.push(index);
            }
            Err(Refused { field, detail, .. }) => refused.push(RefusedIncident { index, field, detail }),
        }
    }
    if !refused.is_empty() && !partial {
        return Err(not_taken(&refused));
    }
    let alarm = Some(alarm(&app, &principal).await?);
    let request = IncidentRecord { incidents: good, partial, as_bulk: true, alarm, idempotency: Some(key) };
    let done = app.store.record_incidents(&principal.scope, &principal.actor, &request).await?;
    app.incidents_changed();
    let Recorded { created, unchanged, unassigned, refused: others, stored, .. } = done;
    refused.extend(
        others.into_iter().map(|r| RefusedIncident { index: at.get(r.index).copied().unwrap_or(r.index), ..r }),
    );
    refused.sort_by_key(|r| r.index);
    if !stored {
        return Err(not_taken(&refused));
    }
    Ok(axum::Json(json!({"created": created, "unchanged": unchanged, "unassigned": unassigned, "refused": refused})))
}

/// Nothing was stored: some were refused, and all or nothing was asked for.
fn not_taken(refused: &[RefusedIncident]) -> Problem {
    let what = format!(
        "{0} 件不合格，全部未保存（?partial=true 可只保存合格的） / {0} are refused and nothing was stored (?partial=true stores the others)",
        refused.len()
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", what).with("refused", json!(refused))
}
