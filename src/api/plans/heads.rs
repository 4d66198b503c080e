//! Plans as wholes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::Answer;
use crate::api::extract::{Json, Params, Segments};
use crate::domain::Profile;
use crate::domain::plan::PlanStatus;
use crate::plan::register::{PublishWish, RegisterError, compare_plans, judge_plan, known_profiles, publish_plan};
use crate::store::PlanFilter;

use super::{all_shown, profile_name, region_code, shown};
use crate::api::error::Problem;

/// Entries of a history in one answer.
const PAGE: u64 = 200;

pub(in crate::api) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["region", "status"])?;
    let region = params.get("region");
    region.map_or(Ok(()), |r| region_code("region", r))?;
    let status = match params.get("status") {
        None => None,
        Some("draft") => Some(PlanStatus::Draft),
        Some("live") => Some(PlanStatus::Live),
        Some("retired") => Some(PlanStatus::Retired),
        Some(_) => return Err(Problem::bad("status", "draft、live、retired")),
    };
    // The plan of a county is a plan of its villages too.
    let plans = app.store.list_plans(&principal.scope, &PlanFilter { status, region: None }).await?;
    let concerns = |code: &str| region.is_none_or(|r| code.starts_with(r) || r.starts_with(code));
    let plans = all_shown(plans.iter().filter(|p| concerns(&p.region)), profile_name);
    Ok(axum::Json(json!({ "plans": plans })))
}

pub(in crate::api) async fn one(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let head = app.store.get_plan(&principal.scope, &id).await?;
    let villages = app.store.plan_villages(&principal.scope, &id).await?;
    let names = app.village_names(&principal.scope, &villages).await?;
    let villages: Vec<Value> = villages
        .iter()
        .map(|code| json!({"code": code, "name": names.get(code).cloned().unwrap_or_default()}))
        .collect();
    Ok(axum::Json(json!({"plan": shown(&head), "villages": villages})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Fork {
    #[serde(default)]
    name: String,
}

pub(in crate::api) async fn fork(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(body): Json<Fork>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    principal.need_planner("复制方案 / copy a plan")?;
    let name: String = body.name.chars().filter(|c| !c.is_control()).take(60).collect();
    let head = app.store.fork(&principal.scope, &id, &principal.actor, &name).await?;
    app.plans_changed();
    Ok((StatusCode::CREATED, axum::Json(json!({ "plan": shown(&head) }))))
}

pub(in crate::api) async fn history(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["after", "limit"])?;
    let after = params.number("after", 0..=u64::from(u32::MAX))?.unwrap_or(0);
    let limit = params.number("limit", 1..=1_000)?.unwrap_or(PAGE);
    let entries = app.store.history(&principal.scope, &id, after, limit as u32).await?;
    let names = if entries.is_empty() { BTreeMap::new() } else { app.actor_names().await? };
    let entries: Vec<Value> = entries
        .iter()
        .map(|e| {
            json!({
                "seq": e.seq, "kind": e.kind, "target": e.target, "version": e.version, "actor": e.actor,
                "actor_name": names.get(&e.actor), "at": e.at, "operation": e.operation, "undone": e.undone, "grids": e.changes.touched_grids(),
            })
        })
        .collect();
    Ok(axum::Json(json!({ "entries": entries })))
}

pub(in crate::api) async fn check(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let personal = principal.sees_personal();
    let judged = app.off_thread(move |app| async move { judge_plan(app.store(), &principal.scope, &id).await }).await?;
    let judged = if personal { judged } else { judged.without_households() };
    Ok(axum::Json(json!({"version": judged.head.version, "breaches": judged.breaches})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Publish {
    base_version: u64,
    date: String,
}

pub(in crate::api) async fn publish(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(body): Json<Publish>,
) -> Answer<axum::Json<Value>> {
    principal.need_planner("发布方案 / publish a plan")?;
    let head = app
        .off_thread(move |app| async move {
            let wish = PublishWish { plan: &id, base_version: Some(body.base_version), date: &body.date };
            publish_plan(app.store(), &principal.scope, &principal.actor, &wish).await
        })
        .await?;
    app.plans_changed();
    Ok(axum::Json(json!({ "plan": shown(&head) })))
}

pub(in crate::api) async fn compare(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((first, second)): Segments<(String, String)>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["region"])?;
    let region = params.get("region").map(str::to_owned);
    region.as_deref().map_or(Ok(()), |r| region_code("region", r))?;
    let villages = app
        .off_thread(move |app| async move {
            let pair = (first.as_str(), second.as_str());
            compare_plans(app.store(), &principal.scope, &app.editor, pair, region.as_deref()).await
        })
        .await?;
    Ok(axum::Json(json!({ "villages": villages })))
}

/// The rules there are: the register's own, then those that ship.
pub(in crate::api) async fn profiles(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let all = known_profiles(app.store(), &principal.scope).await.map_err(|e| match e {
        RegisterError::Store(e) => e.into(),
        // rows are judged before they are stored: one that cannot be read now is our fault
        e => Problem::internal(e.to_string()),
    })?;
    let target = |p: &Profile| (p.has_target() && p.grid.per_village.is_none()).then_some(p.grid.target_households);
    let told = |(p, own): &(Profile, bool)| {
        json!({
            "name": p.name, "title": p.title, "note": p.note, "origin": if *own { "register" } else { "shipped" },
            "balanced": p.has_target(), "target_households": target(p), "tolerance": p.grid.tolerance,
        })
    };
    Ok(axum::Json(json!({ "profiles": all.iter().map(told).collect::<Vec<_>>() })))
}
