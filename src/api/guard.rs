//! Around every request: its id, the panic catcher, the security headers, one line of log, and the figures.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::App;
use super::error::{Problem, REQUEST_ID};
use crate::domain::hex;

/// Everything comes from here; nothing is inline, nothing frames us (A17).
const CSP: &str = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
pub(super) const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(self), microphone=()"),
];
const HSTS: &str = "max-age=31536000; includeSubDomains";
const ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request's method as a label: whoever makes words up makes no series, and no line of the log.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

fn fresh_id() -> String {
    let mut bytes = [0; 8];
    // an id that is not random still tells requests apart from those of other processes well enough
    let _ = getrandom::fill(&mut bytes);
    hex(&bytes)
}

/// Runs the rest of the service.
pub(super) async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = fresh_id();
    let method = method_label(request.method());
    // the pattern, never the path: labels are bounded, and ids stay out of the log
    let route = request.extensions().get::<MatchedPath>().map_or("-", |m| m.as_str()).to_owned();
    let answering = answered(request, next);
    #[cfg(feature = "otel")]
    let (span, answering) = super::traced::within(method, &route, answering);
    let mut response = REQUEST_ID.scope(id.clone(), answering).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // a file that somebody brought says for itself that it is looked at and does nothing
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP));
    if app.keeper.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(ID, value);
    }
    let (status, elapsed) = (response.status().as_u16(), begun.elapsed());
    #[cfg(feature = "otel")]
    super::traced::ended(&span, status);
    let labels = [("route", route.clone()), ("method", method.to_owned()), ("status", format!("{}xx", status / 100))];
    metrics::counter!("lianhu_requests_total", &labels).increment(1);
    metrics::histogram!("lianhu_request_seconds", "route" => route.clone()).record(elapsed.as_secs_f64());
    let ms = elapsed.as_micros() as f64 / 1_000.0;
    tracing::info!(request_id = id, method, route, status, ms, "answered");
    response
}

async fn answered(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            metrics::counter!("lianhu_panics_total").increment(1);
            let said = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Problem::internal(format!("panic: {said}")).into_response()
        }
    }
}
