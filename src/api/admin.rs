//! What the operator asks, on a listener and a thread of its own: alive, ready, figures.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::store::{Role, Scope};

use super::App;
use super::error::store_is_full;
use super::guard::HEADERS;

#[derive(Clone)]
struct Admin {
    app: Arc<App>,
    figures: PrometheusHandle,
}

/// The admin listener's routes.
pub(super) fn router(app: Arc<App>, figures: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .layer(map_response(with_headers))
        .with_state(Admin { app, figures })
}

/// Nothing here is a page, and nothing is to be kept (A17).
async fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    let app = &admin.app;
    if *app.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    if !app.memory.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "loading\n");
    }
    if store_is_full() {
        return (StatusCode::SERVICE_UNAVAILABLE, "store full\n");
    }
    match app.store.register_version(&Scope::whole_store(Role::Viewer)).await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "store not available\n"),
    }
}

async fn metrics_text(State(admin): State<Admin>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], admin.figures.render())
}
