//! `/api/alerts`: what alarms, and that somebody looked. Rounds over what is overdue, growing or forgotten run beside the requests.

mod rounds;
mod rules;

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::{Json, Params, Segments};
use super::incidents::{HANDLERS, Names};
use crate::plan::room::moments;
use crate::store::{AlertRow, AlertStep};

pub(super) use rounds::keep_watch;
pub(super) use rules::{list_rules, put_rule, remove_rule};

/// Alerts of a list.
const PAGE: u64 = 500;

fn shown(a: &AlertRow, names: &Names) -> Value {
    let acknowledged = a.acknowledged_at.as_ref().map(|at| json!({"by": a.acknowledged_by, "at": moments::shown(at)}));
    let (zh, en) = a.title.split_once(" / ").unwrap_or((&a.title, &a.title));
    json!({
        "id": a.id,
        "kind": a.kind,
        "title": format!("{0}：{zh} / {0}: {en}", names.region(&a.region)),
        "region": a.region,
        "incident": a.incident,
        "cell": a.cell,
        "opened_at": moments::shown(&a.opened_at),
        "level": a.level,
        "acknowledged": acknowledged,
        "escalates_at": a.escalates_at.as_deref().map(moments::shown),
        "closed_at": a.closed_at.as_deref().map(moments::shown),
    })
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["region", "open", "limit"])?;
    let open = match params.get("open") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Problem::bad("open", "true、false")),
    };
    let limit = params.number("limit", 1..=1_000)?.unwrap_or(PAGE) as u32;
    let names = Names::read(&app, &principal).await?;
    let alerts = app.store.list_alerts(&principal.scope, params.get("region"), open, limit).await?;
    Ok(axum::Json(json!({"alerts": alerts.iter().map(|a| shown(a, &names)).collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn acknowledge(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Answer<axum::Json<Value>> {
    principal.need(&HANDLERS, "确认告警 / acknowledge an alert")?;
    let names = Names::read(&app, &principal).await?;
    let (scope, actor) = (&principal.scope, &principal.actor);
    let alert = app.store.step_alert(scope, actor, &id, AlertStep::Acknowledge, &principal.name).await?;
    app.incidents_changed();
    Ok(axum::Json(json!({"alert": shown(&alert, &names)})))
}
