//! Who is asking: bearer tokens, sessions in a cookie, visitors of a demonstration. Everything behind [`require`] has a [`Principal`].

mod manners;
pub(crate) mod password;
mod secret;
mod throttle;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use tokio::sync::watch;

use crate::store::{Account, Role, Scope, Store, Token};

use super::App;
use super::error::{Answer, Problem};
use super::refusals::Wish;
use manners::SESSION;
use secret::Secret;
use throttle::Throttle;

pub use manners::Manners;
pub(crate) use secret::{TOKEN_DAYS, first_admin_hash, fresh_token};
#[cfg(feature = "oidc")]
pub(super) use {manners::Cookie, secret::Secret as BrowserSecret};

/// A session lasts half a day: one shift.
const SESSION_S: i64 = 12 * 3600;
/// How long an answer of the store about a session or token is believed; ends in this process are known at once.
const BELIEVED: Duration = Duration::from_millis(500);
/// Answers remembered at most.
const MOST: usize = 10_000;
/// Longest name of anybody, characters.
const LONGEST_NAME: usize = 60;

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How somebody came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameBy {
    /// With a session's cookie; its secret's hash.
    Session(String),
    /// With a bearer token; its secret's hash.
    Token(String),
    /// As a visitor of the demonstration.
    Demo,
}

/// Whoever asks, what that one may do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Opaque id for logs and histories.
    pub actor: String,
    /// Name to show.
    pub name: String,
    /// Role and area.
    pub scope: Scope,
    /// How it came in.
    pub by: CameBy,
}

impl Principal {
    /// Whether the fields of a household that tell of its people are shown.
    #[must_use]
    pub fn sees_personal(&self) -> bool {
        matches!(self.scope.role(), Role::Planner | Role::Admin)
    }

    /// Whether copies may be taken out as files.
    #[must_use]
    pub fn takes_copies(&self) -> bool {
        matches!(self.scope.role(), Role::Exporter | Role::Planner | Role::Admin)
    }

    /// Refuses everybody who does not edit plans.
    ///
    /// # Errors
    /// 403.
    pub fn need_planner(&self, operation: &str) -> Answer<()> {
        self.need(&[Role::Planner, Role::Admin], operation)
    }

    /// Refuses everybody but some roles.
    ///
    /// # Errors
    /// 403.
    pub fn need(&self, roles: &[Role], operation: &str) -> Answer<()> {
        if roles.contains(&self.scope.role()) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "角色 {0} 不能执行：{operation} / the role {0} may not do this",
            self.scope.role().word()
        )))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthenticated)
    }
}

/// Lets only those through who are known; default of every route.
pub(super) async fn require(State(app): State<Arc<App>>, request: Request, next: Next) -> Answer<Response> {
    let (mut parts, body) = request.into_parts();
    let principal = app.keeper.principal(&parts).await?.ok_or_else(|| app.keeper.unknown())?;
    parts.extensions.insert(principal.clone());
    let wish = Wish::of(&parts);
    let answer = next.run(Request::from_parts(parts, body)).await;
    if let Some((wish, said)) = wish.zip(Wish::refused(&answer)) {
        wish.note(&app, &principal, said).await;
    }
    Ok(answer)
}

/// What the store said of a session or token, when, and how often rights had changed by then.
struct Believed {
    at: Instant,
    doors: u64,
    principal: Option<Principal>,
}

impl Believed {
    fn holds(&self, now: Instant, doors: u64) -> bool {
        self.doors == doors && now.saturating_duration_since(self.at) < BELIEVED
    }
}

/// Knows who may come in.
pub(crate) struct Keeper {
    store: Arc<dyn Store>,
    manners: Manners,
    /// Where to begin to sign in with the organisation's own accounts; `None` where that is off.
    organisation: Option<&'static str>,
    throttle: Throttle,
    doors: watch::Sender<u64>,
    known: Mutex<HashMap<String, Believed>>,
    nobody: OnceLock<String>,
}

fn demo_principal() -> Principal {
    Principal {
        actor: "demo".to_owned(),
        name: "演示用户 demo".to_owned(),
        scope: Scope::whole_store(Role::Planner),
        by: CameBy::Demo,
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|a| a.is_loopback())
}

impl Keeper {
    /// `doors` counts changes of anybody's rights, whoever notices them.
    pub(super) fn new(
        store: Arc<dyn Store>,
        manners: Manners,
        organisation: Option<&'static str>,
        doors: watch::Sender<u64>,
    ) -> Self {
        let (throttle, known, nobody) = (Throttle::default(), Mutex::default(), OnceLock::new());
        Self { store, manners, organisation, throttle, doors, known, nobody }
    }

    /// Tells whenever anybody's rights changed.
    pub(super) fn doors(&self) -> watch::Receiver<u64> {
        self.doors.subscribe()
    }

    /// Whether answers go out over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.manners.is_https()
    }

    /// `scheme://host` under which this request came.
    pub(super) fn origin(&self, headers: &HeaderMap) -> String {
        match &self.manners.public_origin {
            Some(origin) => origin.trim_end_matches('/').to_owned(),
            None => {
                let host = header_text(headers, header::HOST).unwrap_or("localhost");
                // what is not part of a host's name is not repeated in an answer
                let clean = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
                format!("http://{}", if clean { host } else { "localhost" })
            }
        }
    }

    /// A wish that comes with what browsers send by themselves must come from our own pages (A12).
    fn check_origin(&self, method: &Method, headers: &HeaderMap) -> Answer<()> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        if header_text(headers, header::ORIGIN).is_some_and(|o| o.eq_ignore_ascii_case(&self.origin(headers))) {
            return Ok(());
        }
        let what = "请求不是从本服务的页面发出 / the request does not come from a page of this service";
        Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", what)
            .hint("请从本服务的页面发送；程序请用令牌 / send it from a page of this service; programs use a token"))
    }

    /// Who asks; `None` for nobody known.
    async fn principal(&self, request: &Parts) -> Answer<Option<Principal>> {
        let headers = &request.headers;
        if let Some(text) = header_text(headers, header::AUTHORIZATION) {
            let wrong = || Problem::unauthenticated().with("reason", "token");
            let secret = bearer(text).ok_or_else(wrong)?;
            return self.of_token(&secret).await?.map(Some).ok_or_else(wrong);
        }
        if let Some(secret) = self.manners.cookie(SESSION, headers)
            && let Some(principal) = self.of_session(&secret).await?
        {
            self.check_origin(&request.method, headers)?;
            return Ok(Some(principal));
        }
        if self.manners.demo && Self::from_here(request) {
            self.check_origin(&request.method, headers)?;
            return Ok(Some(demo_principal()));
        }
        Ok(None)
    }

    /// 401, with all ways in.
    fn unknown(&self) -> Problem {
        match self.organisation {
            None => Problem::unauthenticated(),
            Some(at) => Problem::unauthenticated().with("sign_in_at", at),
        }
    }

    /// From this machine, by its own name, and not through a proxy.
    fn from_here(request: &Parts) -> bool {
        let headers = &request.headers;
        let proxied = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
        let peer = request.extensions.get::<Peer>().is_some_and(|p| p.0.ip().is_loopback());
        peer && !proxied && header_text(headers, header::HOST).is_some_and(is_loopback_name)
    }

    async fn remembered(
        &self,
        key: String,
        ask: impl Future<Output = Answer<Option<Principal>>>,
    ) -> Answer<Option<Principal>> {
        // counted before the store is asked: an answer from before a change is not believed after it
        let (at, doors) = (Instant::now(), *self.doors.borrow());
        if let Ok(known) = self.known.lock()
            && let Some(believed) = known.get(&key).filter(|b| b.holds(at, doors))
        {
            return Ok(believed.principal.clone());
        }
        let principal = ask.await?;
        if let Ok(mut known) = self.known.lock() {
            if known.len() >= MOST {
                known.retain(|_, b| b.holds(at, doors));
            }
            if known.len() < MOST {
                known.insert(key, Believed { at, doors, principal: principal.clone() });
            }
        }
        Ok(principal)
    }

    async fn of_token(&self, secret: &Secret) -> Answer<Option<Principal>> {
        let hash = secret.sha256();
        self.remembered(format!("t{hash}"), async {
            Ok(self.store.token_of(&hash).await?.map(|t| principal_of_token(t, hash.clone())))
        })
        .await
    }

    async fn of_session(&self, secret: &Secret) -> Answer<Option<Principal>> {
        let hash = secret.sha256();
        self.remembered(format!("s{hash}"), async {
            Ok(self.store.session_user(&hash).await?.map(|u| principal_of(u, hash.clone())))
        })
        .await
    }

    /// Who somebody who came in once is now; `None` for whoever may not any more.
    pub(super) async fn now(&self, principal: &Principal) -> Answer<Option<Principal>> {
        Ok(match &principal.by {
            CameBy::Session(hash) => self.store.session_user(hash).await?.map(|u| principal_of(u, hash.clone())),
            CameBy::Token(hash) => self.store.token_of(hash).await?.map(|t| principal_of_token(t, hash.clone())),
            CameBy::Demo => Some(principal.clone()),
        })
    }

    /// Forgets what was believed of one who was found to be out.
    pub(super) fn doubt(&self, principal: &Principal) {
        let key = match &principal.by {
            CameBy::Session(hash) => format!("s{hash}"),
            CameBy::Token(hash) => format!("t{hash}"),
            CameBy::Demo => return,
        };
        if let Ok(mut known) = self.known.lock() {
            known.remove(&key);
        }
    }

    /// Forgets what was believed, and has whoever listens looked at again: after users, tokens or sessions changed here.
    pub(super) fn forget(&self) {
        if let Ok(mut known) = self.known.lock() {
            known.clear();
        }
        self.doors.send_modify(|n| *n += 1);
    }

    /// Signs in; gives the principal and the cookie to set. The session is always a new one (A11).
    ///
    /// # Errors
    /// 401 for a wrong name or password, 429 after many.
    pub(super) async fn sign_in(&self, name: &str, password: String, from: IpAddr) -> Answer<(Principal, String)> {
        // a longer name is nobody's, and not remembered
        let name = Some(name.trim()).filter(|n| n.chars().count() <= LONGEST_NAME).unwrap_or_default().to_owned();
        if let Some(seconds) = self.throttle.waits_s(&name, from, Instant::now()) {
            let what = "密码错误次数过多，请稍候 / too many wrong passwords, wait a while";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "throttled", what).retry_after_s(seconds));
        }
        // nobody's name holds NUL, and not every store can be asked for one
        let found = if name.contains('\0') { None } else { self.store.user_named(&name).await? };
        // an unknown name costs as much time as a known one
        let stored = match &found {
            Some((_, stored)) => stored.clone(),
            None => self.nobody.get_or_init(|| password::hash("nobody has this").unwrap_or_default()).clone(),
        };
        let fits = password::in_turn(move || password::verify(&password, &stored)).await?;
        let Some((user, _)) = found.filter(|(u, _)| fits && u.disabled_at.is_none()) else {
            self.throttle.wrong(&name, from, Instant::now());
            let what = "用户名或密码不正确 / wrong name or password";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_password", what));
        };
        self.throttle.right(&name, from);
        self.open_session(user).await
    }

    /// A session for whoever showed to be this user, and its cookie.
    pub(super) async fn open_session(&self, user: Account) -> Answer<(Principal, String)> {
        let secret = Secret::fresh()?;
        let hash = secret.sha256();
        self.store.open_session(&user, &hash, SESSION_S).await?;
        let cookie = self.manners.set_cookie(SESSION, secret.text(), SESSION_S);
        Ok((principal_of(user, hash), cookie))
    }

    /// Ends the session a request comes with, whosever it is. After a sign-in that is the one before: whoever had it planted or took it has nothing of it (A11).
    pub(super) async fn close_former(&self, headers: &HeaderMap) -> Answer<()> {
        if let Some(secret) = self.manners.cookie(SESSION, headers) {
            self.store.close_session(&secret.sha256()).await?;
            self.forget();
        }
        Ok(())
    }

    /// Ends it on demand; gives the cookie that ends it in the browser too.
    pub(super) async fn sign_out(&self, headers: &HeaderMap) -> Answer<String> {
        self.close_former(headers).await?;
        Ok(self.manners.set_cookie(SESSION, "", 0))
    }

    /// Refuses to sign somebody in for another page.
    pub(super) fn check_sign_in_origin(&self, headers: &HeaderMap) -> Answer<()> {
        match headers.get(header::ORIGIN) {
            None => Ok(()),
            Some(_) => self.check_origin(&Method::POST, headers),
        }
    }
}

fn principal_of(user: Account, hash: String) -> Principal {
    Principal { actor: user.id, name: user.name, scope: user.scope, by: CameBy::Session(hash) }
}

fn principal_of_token(token: Token, hash: String) -> Principal {
    Principal { actor: token.id, name: token.name, scope: token.scope, by: CameBy::Token(hash) }
}

/// `Bearer TOKEN`, or `Basic` with the token as the password, which is what GIS programs can send.
fn bearer(text: &str) -> Option<Secret> {
    let (kind, rest) = text.split_once(' ')?;
    if kind.eq_ignore_ascii_case("bearer") {
        return Secret::parse(rest.trim());
    }
    if !kind.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    Secret::parse(pair.split_once(':')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for here in ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "127.9.9.9"] {
            assert!(is_loopback_name(here), "{here}");
        }
        for elsewhere in ["evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example"] {
            assert!(!is_loopback_name(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn token_comes_as_bearer_or_as_the_password_of_basic() {
        let token = format!("lianhu_{}", "ab".repeat(32));
        assert!(bearer(&format!("Bearer {token}")).is_some());
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("gis:{token}"));
        assert!(bearer(&format!("Basic {basic}")).is_some());
        for bad in ["Bearer", "Bearer x", "Digest abc", "Basic !!", "Basic YQ=="] {
            assert!(bearer(bad).is_none(), "{bad}");
        }
    }
}
