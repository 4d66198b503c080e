//! `/first`: the one-time link of a store without users. Whoever has it becomes the first admin; the page works without scripts.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::auth::{first_admin_hash, password};
use super::client::Client;
use super::error::{Answer, Problem};
use super::extract::{Params, read_body};
use super::listen::body_time;

/// Longest form.
const FORM_BYTES: usize = 4_096;

fn page(inner: &str) -> Response {
    let body = format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>联户 Lianhu</title>\
         <link rel=\"stylesheet\" href=\"/ogc/style.css\"></head><body><main><h1>联户 Lianhu</h1>{inner}</main></body></html>"
    );
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

fn spent() -> Problem {
    let what =
        "链接已使用或已过期；重新启动服务可得到新的 / the link was used or has expired: a restart prints a new one";
    Problem::new(StatusCode::GONE, "link_spent", what)
}

/// The form.
pub(super) async fn form(State(app): State<Arc<App>>, params: Params) -> Answer<Response> {
    params.only(&["key"])?;
    // the key has a form of its own: what fits it needs no escaping
    let (key, hash) = params.get("key").and_then(|k| Some((k, first_admin_hash(k)?))).ok_or_else(Problem::missing)?;
    if !app.store.first_admin_is_offered(&hash).await? {
        return Err(spent());
    }
    Ok(page(&format!(
        "<p>设置首位管理员 / the first administrator</p><form method=\"post\" action=\"/first\">\
         <input type=\"hidden\" name=\"key\" value=\"{key}\">\
         <p><label>用户名 name <input name=\"name\" required maxlength=\"60\" autocomplete=\"username\"></label></p>\
         <p><label>密码（至少 10 字）password, 10 characters or more <input name=\"password\" type=\"password\" required minlength=\"10\" autocomplete=\"new-password\"></label></p>\
         <p><button>确定 set</button></p></form>"
    )))
}

/// Makes the first admin, once, and signs in.
pub(super) async fn take(
    State(app): State<Arc<App>>,
    Client(from): Client,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    app.keeper.check_sign_in_origin(&headers)?;
    let time = body_time(request.extensions());
    let bytes = read_body(request.into_body(), FORM_BYTES, time).await?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::bad("form", "不是 UTF-8 / not UTF-8"))?;
    let fields = Params::parse(&text)?;
    fields.only(&["key", "name", "password"])?;
    let hash = fields.get("key").and_then(first_admin_hash).ok_or_else(Problem::missing)?;
    let name = fields.get("name").unwrap_or_default().to_owned();
    let secret = fields.get("password").unwrap_or_default().to_owned();
    password::check(&secret)?;
    let stored = password::in_turn({
        let secret = secret.clone();
        move || password::hash(&secret)
    })
    .await??;
    if app.store.take_first_admin(&hash, &name, &stored).await?.is_none() {
        return Err(spent());
    }
    app.keeper.forget();
    let (_, cookie) = app.keeper.sign_in(&name, secret, from).await?;
    app.keeper.close_former(&headers).await?;
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())]).into_response())
}
