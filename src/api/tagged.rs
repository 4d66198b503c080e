//! ETags of what describes the service: small documents that are made for each request and seldom change.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use sha2::{Digest, Sha256};

use super::error::Problem;
use super::ogc::is_known;
use crate::domain::hex;

/// Longer answers have marks of their own, or none.
const LONGEST_BYTES: u64 = 1 << 20;

/// Marks an answer that has no ETag by its bytes; 304 for whoever has it.
pub(super) async fn tagged(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let asked = request.headers().clone();
    let response = next.run(request).await;
    let is_short = response.body().size_hint().exact().is_some_and(|n| n <= LONGEST_BYTES);
    let headers = response.headers();
    let is_marked = headers.contains_key(header::ETAG) || headers.contains_key(header::SET_COOKIE);
    if !is_get || response.status() != StatusCode::OK || !is_short || is_marked {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BYTES as usize).await else {
        return Problem::internal("a body broke off").into_response();
    };
    let mark = format!("W/\"{}\"", hex(Sha256::digest(&body).get(..16).unwrap_or_default()));
    if let Ok(value) = HeaderValue::from_str(&mark) {
        head.headers.insert(header::ETAG, value);
    }
    head.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    if is_known(&asked, &mark) {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_TYPE);
        head.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(body))
}
