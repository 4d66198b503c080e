//! `/ogc/api`: the definition, for programs and for people.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::api::App;
use crate::api::error::Answer;
use crate::api::extract::Params;
use crate::api::openapi::{ogc_document, written};

use super::html;

pub(in crate::api) async fn api(State(app): State<Arc<App>>, params: Params, headers: HeaderMap) -> Answer<Response> {
    params.only(&["f"])?;
    Ok(written(&ogc_document(&app.keeper.origin(&headers)), "application/vnd.oai.openapi+json;version=3.0"))
}

/// The same for people: each operation with its parameters.
pub(in crate::api) async fn api_page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let document = ogc_document(&app.keeper.origin(&headers));
    let mut rows = Vec::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let names = operation["parameters"].as_array().into_iter().flatten().filter_map(|p| p["name"].as_str());
            rows.push(vec![
                format!("{} /ogc{}", method.to_uppercase(), path.trim_end_matches('/')),
                operation["summary"].as_str().unwrap_or_default().to_owned(),
                names.collect::<Vec<_>>().join(", "),
            ]);
        }
    }
    let head = ["操作 operation", "说明 what", "参数 parameters"].map(str::to_owned);
    let body = html::page("接口说明 The API explained", &[("/ogc", "OGC API")], &html::table(&head, &rows));
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}
