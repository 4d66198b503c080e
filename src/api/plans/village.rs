//! One village of a plan, ready to be edited on a map.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments};
use crate::domain::hex;
use crate::domain::plan::PlanHead;
use crate::plan::edit::{Behind, VillageState};

use super::{shown, village_code};

pub(in crate::api) async fn village(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((id, code)): Segments<(String, String)>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    village_code("village", &code)?;
    let (head, state, behind) =
        app.editor.opened(app.store(), &principal.scope, &id, &code).await.map_err(|e| no_village(e, &principal))?;
    Ok(axum::Json(whole(&app, &principal, &head, state, behind).await?))
}

/// A village the plan does not have is not there; what plan and register differ in is named to those who see households.
fn no_village(e: crate::plan::register::RegisterError, principal: &Principal) -> Problem {
    use crate::plan::register::RegisterError;
    use crate::store::TransactError;
    match e {
        RegisterError::Transact(TransactError::Refused(r)) if r.detail["kind"] == "unknown" => Problem::missing(),
        RegisterError::NoHousehold { .. } => Problem::missing(),
        RegisterError::State(_) if !principal.sees_personal() => {
            let what =
                "方案与名册不符，请先让方案跟随名册 / plan and register differ: let the plan follow the register first";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "differs", what)
        }
        other => other.into(),
    }
}

/// The whole village as an answer.
pub(super) async fn whole(
    app: &Arc<App>,
    principal: &Principal,
    head: &PlanHead,
    state: VillageState,
    behind: Option<Behind>,
) -> Answer<Value> {
    let code = state.land().code.as_str().to_owned();
    let names = app.village_names(&principal.scope, std::slice::from_ref(&code)).await?;
    // a county's plan has thousands of grids, the village a few
    let here = principal.scope.within(&code).ok_or_else(Problem::missing)?;
    let versions = app.store.grid_versions(&here, &head.id).await?;
    let versions: BTreeMap<String, u64> = versions.into_iter().map(|v| (v.grid, v.version)).collect();
    let personal = principal.sees_personal();
    let plan = shown(head);
    let made = tokio::task::spawn_blocking(move || {
        let mut view = state.view(personal);
        let behind = behind.map(|b| if personal { b } else { b.without_households() });
        for grid in &mut view.grids {
            grid.version = versions.get(&grid.code).copied().unwrap_or(0);
        }
        if let Some(behind) = &behind {
            view.problems.splice(0..0, behind.breaches());
        }
        let rows = serde_json::to_vec(&state.rows()).unwrap_or_default();
        let hash = hex(&Sha256::digest(&rows));
        let profile = &state.land().profile;
        let mut answer = json!({
            "plan": plan, "village": code, "name": names.get(&code), "hash": hash, "behind": behind,
            "rules": {
                "unit": {"min": profile.unit.min, "max": profile.unit.max, "deputies": profile.unit.deputies},
                "grid": {
                    "target_households": profile.grid.target_households, "tolerance": profile.grid.tolerance,
                    "max_persons": profile.grid.max_persons,
                },
            },
        });
        if let (Some(all), Ok(Value::Object(view))) = (answer.as_object_mut(), serde_json::to_value(&view)) {
            all.extend(view);
        }
        answer
    });
    made.await.map_err(|e| Problem::internal(e.to_string()))
}
