//! `/api/users`: who may come in, managed by admins within their area.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::store::{Account, AccountChange, Role, Scope};

use super::App;
use super::auth::{Principal, password};
use super::error::{Answer, Problem};
use super::extract::{Json, Params};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    name: String,
    password: String,
    role: String,
    region: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChange {
    role: Option<String>,
    region: Option<String>,
    password: Option<String>,
    disabled: Option<bool>,
}

/// A scope out of two fields of a request.
///
/// # Errors
/// 422 with the field.
pub(super) fn scope_of(role: &str, region: &str) -> Answer<Scope> {
    let wrong =
        |field: &str, what: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field);
    let known = || Role::ALL.map(Role::word).join(", ");
    let role = Role::parse(role).ok_or_else(|| wrong("role", format!("角色应为 / a role is one of: {}", known())))?;
    Scope::of_area(role, region).map_err(|e| wrong("region", e.to_string()))
}

fn shown(u: &Account) -> Value {
    json!({
        "id": u.id,
        "name": u.name,
        "role": u.scope.role().word(),
        "region": u.scope.area(),
        "created_at": u.created_at,
        "disabled_at": u.disabled_at,
    })
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let users = app.store.list_users(&principal.scope).await?;
    Ok(axum::Json(json!({ "users": users.iter().map(shown).collect::<Vec<_>>() })))
}

pub(super) async fn add(
    State(app): State<Arc<App>>,
    principal: Principal,
    Json(wish): Json<NewUser>,
) -> Answer<impl IntoResponse> {
    principal.need(&[Role::Admin], "管理用户 / manage users")?;
    let of = scope_of(&wish.role, &wish.region)?;
    password::check(&wish.password)?;
    let hash = password::in_turn(move || password::hash(&wish.password)).await??;
    let user = app.store.add_user(&principal.scope, &principal.actor, &wish.name, &of, &hash).await?;
    Ok((StatusCode::CREATED, axum::Json(shown(&user))))
}

pub(super) async fn change(
    State(app): State<Arc<App>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(wish): Json<UserChange>,
) -> Answer<axum::Json<Value>> {
    principal.need(&[Role::Admin], "管理用户 / manage users")?;
    let mut change = AccountChange { disabled: wish.disabled, ..AccountChange::default() };
    if wish.role.is_some() || wish.region.is_some() {
        let users = app.store.list_users(&principal.scope).await?;
        let now = users.into_iter().find(|u| u.id == id).ok_or_else(Problem::missing)?;
        let role = wish.role.unwrap_or_else(|| now.scope.role().word().to_owned());
        change.scope = Some(scope_of(&role, &wish.region.unwrap_or_else(|| now.scope.area()))?);
    }
    if let Some(new) = wish.password {
        password::check(&new)?;
        change.password = Some(password::in_turn(move || password::hash(&new)).await??);
    }
    let user = app.store.change_user(&principal.scope, &principal.actor, &id, &change).await?;
    app.keeper.forget();
    Ok(axum::Json(shown(&user)))
}
