//! `/api/tokens`: bearer tokens for programs, shown once.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::store::{Role, Token};

use super::App;
use super::auth::{Principal, TOKEN_DAYS, fresh_token};
use super::error::{Answer, Problem};
use super::extract::{Json, Params};
use super::users::scope_of;

/// A token lasts at most ten years.
const MOST_DAYS: u32 = 3_650;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    name: String,
    role: String,
    region: String,
    days: Option<u32>,
}

fn shown(t: &Token) -> Value {
    json!({
        "id": t.id,
        "name": t.name,
        "role": t.scope.role().word(),
        "region": t.scope.area(),
        "created_by": t.created_by,
        "created_at": t.created_at,
        "expires_at": t.expires_at,
        "revoked_at": t.revoked_at,
    })
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let tokens = app.store.list_tokens(&principal.scope).await?;
    Ok(axum::Json(json!({ "tokens": tokens.iter().map(shown).collect::<Vec<_>>() })))
}

pub(super) async fn add(
    State(app): State<Arc<App>>,
    principal: Principal,
    Json(wish): Json<NewToken>,
) -> Answer<impl IntoResponse> {
    principal.need(&[Role::Admin], "管理令牌 / manage tokens")?;
    let of = scope_of(&wish.role, &wish.region)?;
    let days = wish.days.unwrap_or(TOKEN_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        let what = format!("有效期 1–{MOST_DAYS} 天 / 1–{MOST_DAYS} days");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field("days"));
    }
    let (secret, hash) = fresh_token()?;
    let lasts = (hash.as_str(), i64::from(days) * 86_400);
    let token = app.store.add_token(&principal.scope, &principal.actor, &wish.name, &of, lasts).await?;
    let mut body = shown(&token);
    body["token"] = secret.into();
    Ok((StatusCode::CREATED, axum::Json(body)))
}

pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    principal.need(&[Role::Admin], "管理令牌 / manage tokens")?;
    app.store.revoke_token(&principal.scope, &principal.actor, &id).await?;
    app.keeper.forget();
    Ok(StatusCode::NO_CONTENT)
}
