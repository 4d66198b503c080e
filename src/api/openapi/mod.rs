//! The definitions of both interfaces (OpenAPI 3.0), each whole in itself: no reference leaves the document. Every operation says which
//! roles may call it (`x-roles`); a test walks them.

mod application;
mod ogc;
mod parts;
mod plans;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::App;
use super::error::Answer;
use super::extract::Params;

pub(super) use ogc::document as ogc_document;

/// `/api/openapi.json`.
pub(super) async fn document(State(app): State<Arc<App>>, params: Params, headers: HeaderMap) -> Answer<Response> {
    params.only(&[])?;
    Ok(written(&application::document(&app.keeper.origin(&headers)), "application/json"))
}

/// A document as an answer.
pub(super) fn written(document: &Value, kind: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], document.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://example.invalid";

    fn references<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    if let (true, Some(text)) = (name == "$ref", inner.as_str()) {
                        into.push(text);
                    }
                    references(inner, into);
                }
            }
            Value::Array(list) => list.iter().for_each(|v| references(v, into)),
            _ => {}
        }
    }

    #[test]
    fn documents_are_whole_and_every_operation_has_a_policy() {
        for document in [application::document(ORIGIN), ogc::document(ORIGIN)] {
            let mut found = Vec::new();
            references(&document, &mut found);
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("no reference leaves the document");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            for (path, operations) in document["paths"].as_object().expect("paths") {
                for (method, operation) in operations.as_object().expect("operations") {
                    let roles = operation["x-roles"].as_array();
                    assert!(roles.is_some_and(|r| !r.is_empty()), "{method} {path} has no policy");
                    assert!(
                        operation["operationId"].is_string() && operation["responses"].is_object(),
                        "{method} {path}"
                    );
                }
            }
        }
    }

    /// What the router has and what the documents say are one list.
    #[test]
    fn route_without_a_document_does_not_pass() {
        let router = include_str!("../router.rs");
        let mut routes: Vec<String> = router
            .split(".route(\"")
            .skip(1)
            .filter_map(|part| part.split_once('"').map(|(path, _)| path.to_owned()))
            .filter(|p| {
                !["/", "/assets/{*path}", "/ogc/", "/ogc/style.css", "/ogc/api.html", "/api/test/panic"]
                    .contains(&p.as_str())
            })
            .collect();
        routes.sort();
        routes.dedup();
        let mut documented: Vec<String> = Vec::new();
        for (document, prefix) in [(application::document(ORIGIN), "/api"), (ogc::document(ORIGIN), "/ogc")] {
            for path in document["paths"].as_object().expect("paths").keys() {
                documented.push(if path == "/" { prefix.to_owned() } else { format!("{prefix}{path}") });
            }
        }
        documented.sort();
        let bare = |list: &[String]| -> Vec<String> {
            // names in braces are the document's own
            list.iter()
                .map(|p| p.split('/').map(|s| if s.starts_with('{') { "{}" } else { s }).collect::<Vec<_>>().join("/"))
                .collect()
        };
        assert_eq!(bare(&routes), bare(&documented));
    }
}
