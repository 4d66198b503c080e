//! `/api/session`: sign in, who am I, sign out.

#[cfg(feature = "oidc")]
pub(super) mod oidc;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::auth::{CameBy, Principal};
use super::client::Client;
use super::error::Answer;
use super::extract::{Json, Params};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    name: String,
    password: String,
}

fn shown(app: &App, p: &Principal) -> Value {
    json!({
        "id": p.actor,
        "name": p.name,
        "role": p.scope.role().word(),
        "region": p.scope.area(),
        "by": match p.by {
            CameBy::Session(_) => "session",
            CameBy::Token(_) => "token",
            CameBy::Demo => "demo",
        },
        "basemaps": app.tianditu.iter().map(|_| "tianditu").collect::<Vec<_>>(),
    })
}

pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Client(from): Client,
    headers: HeaderMap,
    Json(wish): Json<SignIn>,
) -> Answer<impl IntoResponse> {
    app.keeper.check_sign_in_origin(&headers)?;
    // a password costs fifty milliseconds and as many MiB, whoever's it is: names made up in a row get no farther than this
    app.sign_in_rates.of_address(from)?;
    let (principal, cookie) = app.keeper.sign_in(&wish.name, wish.password, from).await?;
    app.keeper.close_former(&headers).await?;
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], axum::Json(shown(&app, &principal))))
}

pub(super) async fn who(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    Ok(axum::Json(shown(&app, &principal)))
}

pub(super) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer<impl IntoResponse> {
    app.keeper.check_sign_in_origin(&headers)?;
    let cookie = app.keeper.sign_out(&headers).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
