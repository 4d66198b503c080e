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
    /// Instead of the profile's: households of a balanced grid, deviation allowed as a share, kinds of barriers that are hard.
    target_households: Option<u32>,
    tolerance: Option<f64>,
    hard_barriers: Option<Vec<String>>,
}

/// Most households that a grid may be wished to have.
const LARGEST_TARGET: u32 = 100_000;
/// Most kinds of barriers that are named.
const MOST_KINDS: usize = 20;

impl NewPlan {
    /// The profile that is wished (`named`, where there is one of that name), with what is wished otherwise; the field that cannot be, and why.
    fn profile(&mut self, named: Option<Profile>) -> Result<Profile, (&'static str, String)> {
        let mut profile = match named {
            Some(p) => p,
            None if self.profile.contains('=') => Profile::parse(&self.profile).map_err(|e| ("profile", e))?,
            None => return Err(("profile", format!("没有规则“{0}” / no profile \"{0}\"", self.profile))),
        };
        if let Some(target) = self.target_households {
            if !(1..=LARGEST_TARGET).contains(&target) {
                return Err(("target_households", format!("应在 1–{LARGEST_TARGET} 户之间 / 1 to {LARGEST_TARGET}")));
            }
            if !profile.has_target() {
                let what = "此规则按寨、组或楼划分网格，不设户数目标 / the grids of this profile follow hamlets, groups or buildings: there is no target";
                return Err(("target_households", what.to_owned()));
            }
            (profile.grid.target_households, profile.grid.per_village) = (target, None);
        }
        if let Some(tolerance) = self.tolerance {
            if !(0.0..1.0).contains(&tolerance) {
                return Err(("tolerance", "应为 0 以上、1 以下的比例 / a share from 0, below 1".to_owned()));
            }
            profile.grid.tolerance = tolerance;
        }
        if let Some(mut kinds) = self.hard_barriers.take() {
            let is_word =
                |k: &String| (1..=40).contains(&k.chars().count()) && !k.chars().any(char::is_control) && k != "bridge";
            if kinds.len() > MOST_KINDS || !kinds.iter().all(is_word) {
                let what =
                    format!("至多 {MOST_KINDS} 种障碍，桥除外 / {MOST_KINDS} kinds of barriers at most, bridges aside");
                return Err(("hard_barriers", what));
            }
            kinds.sort_unstable();
            kinds.dedup();
            profile.grid.hard_barriers = Some(kinds);
        }
        Ok(profile)
    }
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
    Json(mut body): Json<NewPlan>,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    principal.need_planner("编制方案 / make a plan")?;
    region_code("region", &body.region)?;
    let wrong =
        |field: &str, what: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field));
    let named = profile_named(app.store(), &principal.scope, &body.profile).await?;
    let profile = match body.profile(named) {
        Ok(p) => p,
        Err((field, what)) => return wrong(field, what),
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
        "moved": made.moved, "nets": made.nets, "exceptions": made.report.exceptions, "balance": beyond(made),
    })
}

/// Where grids lie beyond the tolerance all the same, and whether any division would do better.
fn beyond(made: &Planned) -> Vec<Value> {
    let beyond = made.report.balance.iter().filter(|b| b.grid.is_some());
    let told = beyond.map(|b| {
        json!({
            "village": b.village, "tolerance": b.tolerance, "deviation": b.deviation, "grids": b.grids, "better": b.better,
            "moves_tried": b.moves_tried, "swaps_tried": b.swaps_tried,
        })
    });
    told.collect()
}
