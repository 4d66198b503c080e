//! The photo of an incident: taken in bare, shown to those who handle it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments, read_body, too_large};
use crate::api::listen::body_time;
use crate::domain::hex;
use crate::exchange::{PhotoError, bare_photo};
use crate::plan::room::moments;
use crate::store::{PhotoKept, PhotoRow};

use super::HANDLERS;

/// Most bytes of a photo: the form sends 1,600 pixels a side, a quarter of this.
const MOST_BYTES: usize = 2 << 20;
const OPERATION: &str = "事件照片 / photos of incidents";
/// A file that somebody brought is looked at and does nothing, also where it is opened by itself.
const CSP: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

impl From<PhotoError> for Problem {
    fn from(e: PhotoError) -> Self {
        let (status, code) = match e {
            PhotoError::Kind => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_photo"),
            PhotoError::Broken => (StatusCode::UNPROCESSABLE_ENTITY, "broken_photo"),
            PhotoError::Moving => (StatusCode::UNPROCESSABLE_ENTITY, "moving_photo"),
            PhotoError::TooLarge { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "large_photo"),
        };
        Self::new(status, code, e.to_string())
    }
}

/// What is known of a photo.
pub(super) fn shown(photo: &PhotoRow) -> Value {
    json!({"kind": photo.kind, "width": photo.width, "height": photo.height, "at": moments::shown(&photo.at)})
}

pub(in crate::api) async fn put_photo(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    principal.need(&HANDLERS, OPERATION)?;
    let said = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !said(header::CONTENT_TYPE).to_ascii_lowercase().starts_with("image/") {
        return Err(PhotoError::Kind.into());
    }
    if said(header::CONTENT_LENGTH).parse::<u64>().is_ok_and(|n| n > MOST_BYTES as u64) {
        return Err(too_large(MOST_BYTES as u64));
    }
    let time = body_time(request.extensions());
    // what is not there is told before anything is sent
    app.store.get_photo(&principal.scope, &id, false).await?;
    let file = Bytes::from(read_body(request.into_body(), MOST_BYTES, time).await?);
    let bare = tokio::task::spawn_blocking(move || bare_photo(file)).await;
    let bare = bare.map_err(|e| Problem::internal(e.to_string()))??;
    let row = PhotoRow {
        kind: bare.kind.media_type().to_owned(),
        width: bare.width,
        height: bare.height,
        sha256: hex(&Sha256::digest(&bare.bytes)),
        at: String::new(),
        image: bare.bytes,
    };
    let status = match app.store.put_photo(&principal.scope, &principal.actor, &id, &row).await? {
        PhotoKept::New => StatusCode::CREATED,
        PhotoKept::Same => StatusCode::OK,
        PhotoKept::Other => {
            let what = "这件事件已有另一张照片 / the incident has another photo";
            return Err(Problem::new(StatusCode::CONFLICT, "exists", what));
        }
    };
    app.tail.look_now();
    let kept = app.store.get_photo(&principal.scope, &id, false).await?;
    Ok((status, axum::Json(json!({"photo": kept.as_ref().map(shown)}))))
}

pub(in crate::api) async fn photo(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<Response> {
    principal.need(&HANDLERS, OPERATION)?;
    params.only(&[])?;
    let photo = app.store.get_photo(&principal.scope, &id, true).await?.ok_or_else(Problem::missing)?;
    let headers = [
        (header::CONTENT_TYPE, photo.kind),
        (header::CONTENT_SECURITY_POLICY, CSP.to_owned()),
        (header::CONTENT_DISPOSITION, "inline".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, photo.image).into_response())
}

pub(in crate::api) async fn remove_photo(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
) -> Answer<StatusCode> {
    principal.need_planner("删除照片 / delete a photo")?;
    app.store.remove_photo(&principal.scope, &principal.actor, &id).await?;
    app.tail.look_now();
    Ok(StatusCode::NO_CONTENT)
}
