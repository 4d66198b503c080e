//! A new plan, made in the background.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::Json;
use crate::api::jobs::Work;
use crate::domain::Profile;
use crate::plan::job::{Effort, Job};
use crate::plan::register::{NetsWish, PlanWish, Planned, plan_region, profile_named};

use super::{region_code, shown};

/// Longest a plan is worked on, in seconds.
const LONGEST_S: f64 = 3_600.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewPlan {
    region: String,
    #[serde(default)]
    name: String,
    /// Name of a profile of the register or of one that ships, or its own text as TOML.
    profile: String,
    #[serde(default = "one")]
    seed: u64,
    budget_s: Option<f64>,
    old_nets: Option<Nets>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Nets {
    Named(Vec<String>),
    Word(String),
}

const fn one() -> u64 {
    1
}

pub(in crate::api) async fn create(
    State(app): State<Arc<App>>,
    principal: Principal,
    Json(body): Json<NewPlan>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    principal.need_planner("编制方案 / make a plan")?;
    region_code("region", &body.region)?;
    let wrong =
        |field: &str, what: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field));
    let profile = match profile_named(app.store(), &principal.scope, &body.profile).await? {
        Some(p) => p,
        None if body.profile.contains('=') => match Profile::parse(&body.profile) {
            Ok(p) => p,
            Err(e) => return wrong("profile", e),
        },
        None => return wrong("profile", format!("没有规则“{0}” / no profile \"{0}\"", body.profile)),
    };
    if body.budget_s.is_some_and(|s| !(0.0..=LONGEST_S).contains(&s)) {
        return wrong("budget_s", format!("应在 0–{LONGEST_S} 秒之间 / between 0 and {LONGEST_S} seconds"));
    }
    let nets = match body.old_nets {
        None => NetsWish::None,
        Some(Nets::Named(names)) => NetsWish::Named(names),
        Some(Nets::Word(word)) if word == "all" => NetsWish::All,
        Some(Nets::Word(word)) => NetsWish::Named(vec![word]),
    };
    let name: String = body.name.chars().filter(|c| !c.is_control()).take(60).collect();
    let (region, seed, budget_s) = (body.region, body.seed, body.budget_s);
    let running = app.clone();
    let id = app.jobs.start("plan", &principal, move |work: Work| async move {
        let begun = Instant::now();
        let effort = |share: f64| match budget_s {
            Some(s) => Effort::Until(begun + Duration::from_secs_f64(s * share)),
            None => Effort::Auto,
        };
        let progress = |stage: &str, share: f64| work.tell(stage, share);
        let job = |effort| Job { begun, effort, seed, cancel: work.cancel(), progress: &progress, replay: None };
        let (grids, units) = (job(effort(0.5)), job(effort(1.0)));
        let wish = PlanWish { region: &region, name: &name, profile: &profile, nets: &nets, jobs: (&grids, &units) };
        let made = plan_region(running.store(), &work.principal.scope, &work.principal.actor, &wish).await?;
        running.plans_changed();
        Ok(result(&made))
    })?;
    Ok((StatusCode::ACCEPTED, axum::Json(json!({ "job": id }))))
}

fn result(made: &Planned) -> Value {
    let (villages, grids, units) = made.counts;
    json!({
        "plan": shown(&made.head), "villages": villages, "grids": grids, "units": units, "breaches": made.breaches,
        "moved": made.moved, "nets": made.nets, "exceptions": made.report.exceptions,
    })
}
