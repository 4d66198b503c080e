//! `/api/officers`: who heads a grid, works in it, leads a unit. Posts are listed to everybody who sees the area; names and telephones
//! are shown for a purpose, and the log has whom, to whom and why.

mod writing;

pub(super) use writing::{add, remove, replace};

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::register::OfficerRow;
use crate::store::{Filter, Layer, RegisterRow, Role, Scope};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::exports::purpose_of;
use super::extract::{Json, Params, Segments};

/// Officers of an answer where none is said, and at most.
const PAGE: u64 = 100;
const MOST: u64 = 1_000;

fn shown(o: &OfficerRow) -> Value {
    let mut body = json!({
        "id": o.id, "region": o.region, "role": o.role, "household": o.household, "elected_on": o.elected_on,
        "valid_from": o.valid_from, "valid_to": o.valid_to, "version": o.row_version,
    });
    if let (Some(name), Some(body)) = (&o.name, body.as_object_mut()) {
        body.insert("name".to_owned(), name.as_str().into());
    }
    body
}

fn officer(row: RegisterRow) -> Option<OfficerRow> {
    match row {
        RegisterRow::Officers(o) => Some(o),
        _ => None,
    }
}

/// One officer of the area, without name and telephone.
async fn find(app: &App, scope: &Scope, id: &str) -> Answer<OfficerRow> {
    let filter = Filter { ids: Some(vec![id.to_owned()]), limit: Some(1), ..Filter::default() };
    let rows = app.store.list(scope, Layer::Officers, &filter).await?.rows;
    rows.into_iter().next().and_then(officer).ok_or_else(Problem::missing)
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["region", "scope", "purpose", "after", "limit"])?;
    let limit = params.number("limit", 1..=MOST)?.unwrap_or(PAGE);
    let (name, within) = match (params.get("region"), params.get("scope")) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad("scope", "region 与 scope 只用一个 / region or scope, not both"));
        }
        (region, None) => ("region", region),
        (None, scope) => ("scope", scope),
    };
    if let Some(code) = within {
        Scope::region(Role::Viewer, code).map_err(|e| Problem::bad(name, e.to_string()))?;
    }
    let counted = Filter { region: within.map(str::to_owned), ..Filter::default() };
    let filter = Filter { after: params.get("after").map(str::to_owned), limit: Some(limit as u32), ..counted.clone() };
    let page = match purpose_of(params.get("purpose").is_some(), params.get("purpose"))? {
        None => app.store.list(&principal.scope, Layer::Officers, &filter).await?,
        Some(purpose) => {
            principal.need_planner("查看人员姓名 / see officers' names")?;
            app.store.reveal_officers(&principal.scope, &principal.actor, &purpose, &filter).await?
        }
    };
    let matched = app.store.count(&principal.scope, Layer::Officers, &counted).await?;
    let officers: Vec<Value> = page.rows.into_iter().filter_map(officer).map(|o| shown(&o)).collect();
    Ok(axum::Json(json!({"officers": officers, "next": page.next, "number_matched": matched})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reveal {
    purpose: String,
}

pub(super) async fn reveal(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(wish): Json<Reveal>,
) -> Answer<axum::Json<Value>> {
    principal.need(&[Role::Viewer, Role::Planner, Role::Admin], "查看人员电话 / see an officer's telephone")?;
    let purpose = purpose_of(true, Some(&wish.purpose))?.unwrap_or_default();
    find(&app, &principal.scope, &id).await?;
    let filter = Filter { ids: Some(vec![id.clone()]), limit: Some(1), ..Filter::default() };
    let page = app.store.reveal_officers(&principal.scope, &principal.actor, &purpose, &filter).await?;
    let of = page.rows.into_iter().next().and_then(officer).ok_or_else(Problem::missing)?;
    let opened = match (&of.phone_sealed, &app.sealer) {
        (Some(sealed), Some(sealer)) => match sealer.open(&id, sealed) {
            Ok(phone) => Some(phone),
            Err(e) => {
                tracing::warn!(cause = %e, "a telephone cannot be opened");
                None
            }
        },
        _ => None,
    };
    let sealed = of.phone_sealed.is_some() && opened.is_none();
    Ok(axum::Json(json!({"id": of.id, "name": of.name, "phone": opened, "sealed": sealed})))
}

/// 422 with the field.
fn wrong(field: &str, what: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field)
}
