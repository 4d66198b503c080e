//! What the operator asks, on a listener and a thread of its own: alive, ready, figures.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::store::{Role, Scope};

use super::App;
use super::error::store_is_full;

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
        .with_state(Admin { app, figures })
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
