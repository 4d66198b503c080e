//! The wall map of a plan: one village's, or the overview, as SVG or PDF.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::exports::need_copies;
use crate::api::extract::{Params, Segments};
use crate::plan::draw::{DrawError, draw_store, to_pdf};

use super::village_code;

/// Maps drawn at once; others wait. Whoever leaves meanwhile frees no place before the work is done.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

impl From<DrawError> for Problem {
    fn from(e: DrawError) -> Self {
        let said = e.to_string();
        match e {
            DrawError::Store(e) => e.into(),
            DrawError::UnknownVillage { .. } => Self::missing(),
            DrawError::NoGrid => Self::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "no_grid", said),
            DrawError::NoFont => Self::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "no_font", said).field("f"),
            DrawError::NoPlan { .. } | DrawError::File { .. } | DrawError::Pdf(_) => Self::internal(said),
        }
    }
}

pub(in crate::api) async fn wall_map(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<Response> {
    need_copies(&app, &principal, "wall_map").await?;
    params.only(&["village", "f"])?;
    let (is_pdf, kind) = match params.get("f").unwrap_or("pdf") {
        "pdf" => (true, "application/pdf"),
        "svg" => (false, "image/svg+xml"),
        _ => return Err(Problem::bad("f", "pdf, svg")),
    };
    let village = params.get("village").map(str::to_owned);
    village.as_deref().map_or(Ok(()), |code| village_code("village", code))?;
    let ending = if is_pdf { "pdf" } else { "svg" };
    let name = format!("wall-map-{}.{ending}", village.as_deref().unwrap_or("overview"));
    let told = json!({"format": ending, "village": village}).to_string();
    let (scope, plan) = (principal.scope.clone(), id.clone());
    let turn = TURNS.clone().acquire_owned().await.map_err(|e| Problem::internal(e.to_string()))?;
    let drawn = app
        .off_thread(move |app| async move {
            let _turn = turn;
            let picture = draw_store(app.store(), &scope, Some(&plan), village.as_deref()).await;
            Ok(picture.and_then(|p| if is_pdf { to_pdf(&p).map(|pdf| pdf.bytes) } else { Ok(p.into_bytes()) }))
        })
        .await??;
    app.store.note(&principal.scope, &principal.actor, "export.file", &id, &told).await?;
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, drawn).into_response())
}
