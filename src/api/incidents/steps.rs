//! An incident moved along.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Json, Segments, idempotency};
use crate::api::idempotency::Once;
use crate::domain::incident::{Action, Category, Level, Step};
use crate::exchange::tells_of_a_person;
use crate::plan::room::moments;
use crate::store::{IncidentAdvance, TransactError};

use super::{HANDLERS, Names};

/// Longest reason, characters.
const LONGEST_REASON: usize = 500;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Wish {
    action: String,
    level: Option<String>,
    reason: Option<String>,
    due_at: Option<String>,
    base_version: Option<u64>,
}

fn wrong(field: &str, what: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field)
}

fn step_of(wish: &Wish) -> Answer<Step> {
    let known = || Action::ALL.iter().map(|a| a.word()).collect::<Vec<_>>().join(", ");
    let action = Action::ALL.iter().copied().find(|a| a.word() == wish.action);
    let action = action.ok_or_else(|| wrong("action", format!("应为 / one of: {}", known())))?;
    let level = match &wish.level {
        None => None,
        Some(word) => Some(Level::find(word).ok_or_else(|| wrong("level", "grid、village、township、county"))?),
    };
    let due_ms = match &wish.due_at {
        None => None,
        Some(text) => {
            let what = "应为带时区的时间 / a time with its offset";
            Some(moments::parse(text).map(moments::ms).ok_or_else(|| wrong("due_at", what))?)
        }
    };
    if let Some(reason) = &wish.reason {
        if reason.chars().count() > LONGEST_REASON || reason.contains('\0') {
            return Err(wrong("reason", format!("最多 {LONGEST_REASON} 字 / at most {LONGEST_REASON} characters")));
        }
        if tells_of_a_person(reason) {
            let what = "含身份证号或手机号，请删去 / holds an identity or a mobile number: leave it out";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "person_field", what).field("reason"));
        }
    }
    Ok(Step { action, level, reason: wish.reason.clone(), due_ms })
}

pub(in crate::api) async fn advance(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    _once: Once,
    Json(wish): Json<Wish>,
) -> Answer<axum::Json<Value>> {
    principal.need(&HANDLERS, "办理事件 / handle incidents")?;
    let key = idempotency(&headers, &(&id, &wish))?;
    let step = step_of(&wish)?;
    let Some(base_version) = wish.base_version else {
        let what = "须有 base_version：办理所依据的事件版本 / base_version is wanted: the version of the incident it is based on";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "base_version_missing", what).field("base_version"));
    };
    let names = Names::read(&app, &principal).await?;
    let (row, _) = app.store.get_incident(&principal.scope, &id).await?;
    let other = names.lists.category("other");
    let allowance_ms = names.lists.category(&row.category).or(other).map(Category::allowance_ms).unwrap_or_default();
    let request = IncidentAdvance { incident: id, base_version, step, allowance_ms, idempotency: Some(key) };
    let moved = app.store.advance_incident(&principal.scope, &principal.actor, &request).await;
    let row = moved.map_err(|e| match e {
        TransactError::Refused(refusal) => {
            let kind = refusal.detail.get("kind").and_then(Value::as_str).unwrap_or_default();
            let field = if kind == "not_allowed" { "action" } else { kind }.to_owned();
            let allowed = refusal.detail.get("allowed").cloned().unwrap_or_default();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_allowed", refusal.message)
                .field(&field)
                .with("allowed", allowed)
        }
        TransactError::Store(e) => e.into(),
    })?;
    app.incidents_changed();
    Ok(axum::Json(json!({"incident": names.incident(&row)})))
}
