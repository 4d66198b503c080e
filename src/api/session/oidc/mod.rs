//! `/api/session/oidc`: sign-in with the organisation's own accounts (OpenID Connect, authorization code with PKCE).
//!
//! 1. [`begin`] keeps state, nonce and verifier here, gives the browser a cookie, and sends it to the issuer ([`pending`]).
//! 2. The issuer sends it back to [`come_back`] with the state and a code, which is changed for an ID token and that one verified
//!    ([`issuer`]).
//! 3. A claim names a user of the store. Nobody is made, and role and area are the store's: the issuer says who somebody is, never what
//!    that one may do. The session is the one that a password opens.

mod issuer;
mod pending;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use openidconnect::{Nonce, PkceCodeChallenge};

use crate::api::App;
use crate::api::auth::{BrowserSecret, Cookie, Manners};
use crate::api::error::{Answer, Problem};
use crate::api::extract::Params;
use crate::api::ogc::html;
use crate::api::serve::ServeError;

use issuer::{Issuer, refused};
use pending::{LASTS, Pending, SignIn};

/// Where it begins.
pub(in crate::api) const BEGIN: &str = "/api/session/oidc";
/// Where the issuer sends people back to.
const BACK: &str = "/api/session/oidc/callback";
/// Tells that a sign-in comes back to the browser it left from.
const COOKIE: Cookie = Cookie { name: "lianhu-oidc", same_site: "Lax" };
/// Pages to go on with by the word that asks for them; there are no others, so that nobody is sent elsewhere.
const PAGES: [(&str, &str); 3] = [("room", "/?view=room"), ("wall", "/?view=room&wall=1"), ("report", "/?view=report")];

/// The issuer, and what we are to it.
#[derive(Clone)]
pub struct OidcSettings {
    /// The issuer's address, as it says it in its tokens.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// What proves it; `None` for a public client.
    pub client_secret: Option<String>,
    /// `scheme://host` people come back to; `None`: the one they came by.
    pub redirect_base: Option<String>,
    /// The claim that is a user's name here.
    pub claim: String,
    /// Scopes asked for, blanks between them.
    pub scopes: String,
}

impl std::fmt::Debug for OidcSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcSettings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Sign-in by the issuer.
pub(crate) struct Oidc {
    issuer: Issuer,
    redirect_base: Option<String>,
    manners: Manners,
    pending: Pending,
}

impl Oidc {
    /// Asks nothing of the issuer yet.
    ///
    /// # Errors
    /// An address that is none; a system without certificates.
    pub(in crate::api) fn new(settings: OidcSettings, manners: Manners) -> Result<Self, ServeError> {
        let redirect_base = settings.redirect_base.clone();
        Ok(Self { issuer: Issuer::new(settings)?, redirect_base, manners, pending: Pending::default() })
    }

    fn redirect(&self, app: &App, headers: &HeaderMap) -> String {
        let base = self.redirect_base.clone().unwrap_or_else(|| app.keeper.origin(headers));
        format!("{}{BACK}", base.trim_end_matches('/'))
    }
}

fn of(app: &App) -> Answer<&Oidc> {
    app.oidc.as_ref().ok_or_else(Problem::missing)
}

/// Sends somebody to the issuer.
pub(in crate::api) async fn begin(State(app): State<Arc<App>>, headers: HeaderMap, params: Answer<Params>) -> Response {
    shown(&headers, leave(&app, &headers, params).await)
}

async fn leave(app: &App, headers: &HeaderMap, params: Answer<Params>) -> Answer<Response> {
    let oidc = of(app)?;
    let params = params?;
    params.only(&["view"])?;
    let page = match params.get("view") {
        None => "/",
        Some(word) => PAGES.iter().find(|p| p.0 == word).map(|p| p.1).ok_or_else(|| {
            let words = PAGES.map(|p| p.0).join(", ");
            Problem::bad("view", format!("可用：{words} / there are: {words}"))
        })?,
    };
    let [state, browser] = [BrowserSecret::fresh()?, BrowserSecret::fresh()?];
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let nonce = Nonce::new_random();
    let there = oidc.issuer.way_there(&oidc.redirect(app, headers), (state.text(), &nonce, challenge)).await?;
    let sign_in = SignIn { browser_sha256: browser.sha256(), nonce, verifier, page, at: Instant::now() };
    oidc.pending.keep(&state, sign_in);
    let cookie = oidc.manners.set_cookie(COOKIE, browser.text(), LASTS.as_secs() as i64);
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, there)]).into_response())
}

/// Takes somebody back from the issuer.
pub(in crate::api) async fn come_back(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    params: Answer<Params>,
) -> Response {
    shown(&headers, arrive(&app, &headers, params).await)
}

/// 400: no sign-in under way in this browser.
fn spent() -> Problem {
    let what = "此次登录已失效，请重新登录 / this sign-in is over, or another browser's: sign in again";
    Problem::new(StatusCode::BAD_REQUEST, "sign_in_spent", what)
}

/// 403: the same for whoever the store does not know, or does not let in any more.
fn nobody() -> Problem {
    let what = "此账号未开通本系统，请联系管理员 / this account has no access here: ask the administrator";
    Problem::new(StatusCode::FORBIDDEN, "no_account", what)
}

async fn arrive(app: &App, headers: &HeaderMap, params: Answer<Params>) -> Answer<Response> {
    let oidc = of(app)?;
    // parameters nobody knows are the issuer's own (RFC 6749, 4.1.2)
    let params = params?;
    let state = params.get("state").and_then(BrowserSecret::parse).ok_or_else(spent)?;
    let browser = oidc.manners.cookie(COOKIE, headers).ok_or_else(spent)?;
    let sign_in = oidc.pending.take(&state, &browser, Instant::now()).ok_or_else(spent)?;
    if params.get("error").is_some() {
        return Err(refused("the issuer let nobody in"));
    }
    let code = params.get("code").ok_or_else(spent)?.to_owned();
    let page = sign_in.page;
    let name = oidc.issuer.who(&oidc.redirect(app, headers), code, sign_in).await?.ok_or_else(nobody)?;
    let found = app.store.user_named(&name).await?.map(|(user, _)| user);
    let user = found.filter(|u| u.disabled_at.is_none()).ok_or_else(nobody)?;
    let (_, cookie) = app.keeper.open_session(user).await?;
    app.keeper.close_former(headers).await?;
    let over = oidc.manners.set_cookie(COOKIE, "", 0);
    let cookies = AppendHeaders([(header::SET_COOKIE, cookie), (header::SET_COOKIE, over)]);
    Ok((StatusCode::SEE_OTHER, cookies, [(header::LOCATION, page)]).into_response())
}

/// The answer; a problem as a page for whoever came with a browser, as these addresses are opened and not called.
fn shown(headers: &HeaderMap, answer: Answer<Response>) -> Response {
    let problem = match answer {
        Ok(response) => return response,
        Err(problem) => problem,
    };
    let accepted = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/html") {
        return problem.into_response();
    }
    let back = [("/".to_owned(), "返回登录 Back to sign in".to_owned(), String::new())];
    let body = format!("<p>{}</p>{}", html::escape(problem.detail()), html::links(&back));
    let page = html::page("登录未成功 Not signed in", &[], &body);
    let (mut head, _) = problem.into_response().into_parts();
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, page.into())
}
