//! The span of a request, for whoever collects traces: the pattern of its route, its method, its status. No path, no query, nobody.

use axum::response::Response;
use tracing::field::Empty;
use tracing::instrument::{Instrument as _, Instrumented};

/// Spans under this name alone leave the process.
pub(crate) const TARGET: &str = "lianhu::request";

const STATUS: &str = "http.response.status_code";
const OUTCOME: &str = "otel.status_code";

/// A span and the answering inside of it.
pub(super) fn within<F: Future<Output = Response>>(
    method: &str,
    route: &str,
    answering: F,
) -> (tracing::Span, Instrumented<F>) {
    // what a client makes up is told as no name
    let method = if method == "other" { "_OTHER" } else { method };
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    );
    let answering = answering.instrument(span.clone());
    (span, answering)
}

/// Says how it ended.
pub(super) fn ended(span: &tracing::Span, status: u16) {
    span.record(STATUS, i64::from(status));
    if status >= 500 {
        span.record(OUTCOME, "ERROR");
    }
}
