//! Pages of other origins that may read `/ogc` (CORS): those the operator names, and none as built. Only reading, never with what a
//! browser sends by itself: such a page brings a token, or reads what is open to everybody.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;

/// Any page: only where it is written so.
const ANY: &str = "*";
const METHODS: &str = "GET, HEAD";
/// What a reader may send.
const SENT: &str = "authorization, accept, if-none-match";
/// What a page may read of an answer beside its body.
const SHOWN: &str = "content-crs, content-disposition, etag, link, ogc-numbermatched, x-request-id";
/// How long a browser need not ask again, seconds.
const REMEMBERED_S: &str = "600";

/// The origins that may.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    pub(super) const fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    /// What is said to whoever comes from an origin; `None` is nothing.
    fn allowed<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.0.iter().any(|o| o.eq_ignore_ascii_case(text)).then_some(origin)
    }

    fn is_any(&self) -> bool {
        self.0.iter().any(|o| o == ANY)
    }
}

fn is_open(path: &str) -> bool {
    path == "/ogc" || path.starts_with("/ogc/")
}

/// Whether this asks beforehand for what may be done, and for nothing else.
fn asks_to_read(request: &Request) -> bool {
    let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD).map(HeaderValue::as_bytes);
    request.method() == Method::OPTIONS && matches!(wanted, Some(b"GET" | b"HEAD"))
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Around every route: what is said here goes to readers of `/ogc` alone.
pub(super) async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.origins.0.is_empty() || !is_open(request.uri().path()) {
        return next.run(request).await;
    }
    let any = app.origins.is_any();
    let allowed = match any {
        true => Some(HeaderValue::from_static(ANY)),
        false => app.origins.allowed(request.headers()).cloned(),
    };
    let (asks, reads) = (asks_to_read(&request), matches!(*request.method(), Method::GET | Method::HEAD));
    let mut response = match (&allowed, asks) {
        (Some(_), true) => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    if !any {
        // whoever keeps an answer keeps it for its origin
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    let Some(allowed) = allowed.filter(|_| asks || reads) else { return response };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if asks {
        put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
        put(headers, header::ACCESS_CONTROL_MAX_AGE, REMEMBERED_S);
    } else {
        put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
    response
}
