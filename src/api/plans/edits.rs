//! Edits of a village of a plan: looked at beforehand, done, taken back, done again.

use std::collections::BTreeSet;
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
use crate::domain::plan::{Change, Membership};
use crate::plan::edit::{Applied, Operation, Policy};
use crate::plan::register::{EditWish, Edited, RegisterError, china_today};
use crate::store::{Idempotency, StoreError, TransactError, Which};

use super::village::whole;
use super::village_code;

/// Operations of one batch.
const MOST: usize = 10_000;
/// Digits of a unit's code that say its grid, and all of them.
const GRID_DIGITS: usize = 15;
const UNIT_DIGITS: usize = 18;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Batch {
    village: String,
    base_version: Option<u64>,
    #[serde(default)]
    grid_versions: Vec<(String, u64)>,
    operations: Vec<Operation>,
    #[serde(default = "refuse")]
    policy: Policy,
}

const fn refuse() -> Policy {
    Policy::Refuse
}

fn wish(plan: String, batch: Batch, base_version: u64, idempotency: Option<Idempotency>) -> Answer<EditWish> {
    village_code("village", &batch.village)?;
    if batch.operations.len() > MOST {
        let what = format!("一次最多 {MOST} 个操作 / at most {MOST} operations at once");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_operations", what).field("operations"));
    }
    Ok(EditWish {
        plan,
        village: batch.village,
        base_version,
        grid_versions: batch.grid_versions,
        operations: batch.operations,
        policy: batch.policy,
        today: china_today(),
        idempotency,
    })
}

/// Households of a batch that come into a grid, or a unit, of another code.
fn elsewhere(a: &Applied, digits: usize) -> Vec<&str> {
    let moved = |c: &&Change<Membership>| match (&c.before, &c.after) {
        (Some(before), Some(after)) => before.unit.get(..digits) != after.unit.get(..digits),
        _ => false,
    };
    let of = a.changes.memberships.iter().filter(moved);
    of.filter_map(|c| c.after.as_ref().map(|m| m.household.as_str())).collect()
}

/// What a batch does, for the page.
fn effect(a: &Applied) -> Value {
    let mut units: BTreeSet<&str> = BTreeSet::new();
    for c in &a.changes.units {
        units.extend(c.before.iter().chain(&c.after).map(|u| u.code.as_str()));
    }
    for c in &a.changes.memberships {
        units.extend(c.before.iter().chain(&c.after).map(|m| m.unit.as_str()));
    }
    let grids: Vec<Value> = a
        .state
        .grid_layers()
        .iter()
        .map(|g| json!({"code": g.code, "households": g.households, "deviation": g.deviation}))
        .collect();
    json!({
        "touched": a.touched, "moved": a.moved, "before": a.before, "after": a.after, "problems": a.problems, "notes": a.notes,
        "grids": grids, "units_touched": units,
        "households_in_other_grid": elsewhere(a, GRID_DIGITS), "households_in_other_unit": elsewhere(a, UNIT_DIGITS),
    })
}

pub(in crate::api) async fn preview(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(batch): Json<Batch>,
) -> Answer<axum::Json<Value>> {
    principal.need_planner("预览修改 / look at an edit")?;
    let wish = wish(id, batch, 0, None)?;
    let (_, applied) = app.editor.preview(app.store(), &principal.scope, &wish).await?;
    let shown = tokio::task::spawn_blocking(move || effect(&applied)).await;
    Ok(axum::Json(shown.map_err(|e| Problem::internal(e.to_string()))?))
}

pub(in crate::api) async fn edit(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    _once: Once,
    Json(batch): Json<Batch>,
) -> Answer<axum::Json<Value>> {
    principal.need_planner("修改方案 / edit a plan")?;
    let idempotency = idempotency(&headers, &(&id, &batch))?;
    let Some(base_version) = batch.base_version else {
        let what = "须有 base_version：修改所依据的方案版本 / base_version is wanted: the version the edit is based on";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "base_version_missing", what).field("base_version"));
    };
    let wish = wish(id, batch, base_version, Some(idempotency))?;
    let edited = app.editor.edit(app.store(), &principal.scope, &principal.actor, &wish).await;
    let Edited { committed, applied } = match edited {
        Ok(done) => done,
        Err(e) => return Err(with_author(&app, e).await),
    };
    app.plans_changed();
    // the register may have moved on since
    let (head, state, behind) = app.editor.opened(app.store(), &principal.scope, &wish.plan, &wish.village).await?;
    let village = whole(&app, &principal, &head, state, behind).await?;
    let effect = match applied {
        Some(a) => {
            let made = tokio::task::spawn_blocking(move || effect(&a)).await;
            made.map_err(|e| Problem::internal(e.to_string()))?
        }
        None => Value::Null,
    };
    Ok(axum::Json(json!({"committed": committed, "effect": effect, "village": village})))
}

/// A conflict says by its name who was faster.
async fn with_author(app: &App, e: RegisterError) -> Problem {
    let author = match &e {
        RegisterError::Store(StoreError::Conflict { author, .. })
        | RegisterError::Transact(TransactError::Store(StoreError::Conflict { author, .. })) => author.clone(),
        _ => return e.into(),
    };
    // without the names the conflict is still told
    let names = app.actor_names().await.unwrap_or_default();
    let problem = Problem::from(e);
    match names.get(&author) {
        Some(name) => problem.with("author_name", name.as_str()),
        None => problem,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Turn {
    seq: Option<u64>,
}

async fn turn(app: &App, principal: &Principal, plan: &str, body: &Turn, undo: bool) -> Answer<axum::Json<Value>> {
    principal.need_planner("撤销、重做 / undo and redo")?;
    let which = body.seq.map_or(Which::Last, Which::Seq);
    let turned = app.editor.turn(app.store(), &principal.scope, &principal.actor, plan, &which, undo).await;
    let (committed, changes) = match turned {
        Ok(done) => done,
        Err(e) => return Err(with_author(app, e).await),
    };
    app.plans_changed();
    let grids = changes.touched_grids();
    let villages: BTreeSet<&str> = grids.iter().filter_map(|g| g.get(..12)).collect();
    Ok(axum::Json(json!({"committed": committed, "villages": villages})))
}

pub(in crate::api) async fn undo(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(body): Json<Turn>,
) -> Answer<axum::Json<Value>> {
    turn(&app, &principal, &id, &body, true).await
}

pub(in crate::api) async fn redo(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(body): Json<Turn>,
) -> Answer<axum::Json<Value>> {
    turn(&app, &principal, &id, &body, false).await
}
