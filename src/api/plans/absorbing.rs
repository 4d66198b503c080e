//! A plan that follows the register (动态台账), in the background.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Json, Segments};
use crate::api::jobs::Work;
use crate::plan::register::{AbsorbWish, absorb_register, china_today};

use super::region_code;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Follow {
    /// Only the villages of this division.
    region: Option<String>,
}

pub(in crate::api) async fn follow(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(body): Json<Follow>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    principal.need_planner("让方案跟随名册 / let a plan follow the register")?;
    body.region.as_deref().map_or(Ok(()), |code| region_code("region", code))?;
    let head = app.store.get_plan(&principal.scope, &id).await?;
    // of a wider division than the plan's only the plan's own is looked at
    let region = match body.region {
        Some(region) if region.starts_with(&head.region) => region,
        Some(region) if !head.region.starts_with(&region) => return Err(Problem::missing()),
        _ => head.region,
    };
    let running = app.clone();
    let job = app.jobs.start("absorb", &principal, move |work: Work| async move {
        let stage = "对照名册 comparing with the register";
        work.tell(stage, 0.0);
        let today = china_today();
        let progress = |done: usize, of: usize| {
            work.tell(stage, done as f64 / of.max(1) as f64);
            !work.cancel().load(Ordering::Relaxed)
        };
        let wish =
            AbsorbWish { plan: &id, region: Some(&region), today: &today, beside_new_plan: false, progress: &progress };
        let villages = absorb_register(running.store(), &work.principal.scope, &work.principal.actor, &wish).await?;
        running.plans_changed();
        Ok(json!({ "villages": villages }))
    })?;
    Ok((StatusCode::ACCEPTED, axum::Json(json!({ "job": job }))))
}
