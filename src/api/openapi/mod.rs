//! The definitions of both interfaces (OpenAPI 3.0) as they stand beside this file, each whole in itself: no reference leaves the
//! document. Every operation says which roles may call it (`x-roles`); tests walk them, and compare them with the router.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::App;
use super::error::{Answer, Problem};
use super::extract::Params;

const APPLICATION: &str = include_str!("application.json");
const OGC: &str = include_str!("ogc.json");
/// Paths of `application.json` that are there where the organisation's issuer is.
#[cfg(any(test, feature = "oidc"))]
const OIDC: &str = include_str!("oidc.json");
/// Those that are there where the key of Tianditu is.
const TIANDITU: &str = include_str!("tianditu.json");

/// A document with this service's address and version.
fn document_of(text: &str, origin: &str) -> Answer<Value> {
    let mut document: Value = serde_json::from_str(text).map_err(|e| Problem::internal(format!("openapi: {e}")))?;
    if let Some(Value::String(url)) = document.pointer_mut("/servers/0/url") {
        url.insert_str(0, origin);
    }
    if let Some(version) = document.pointer_mut("/info/version") {
        *version = env!("CARGO_PKG_VERSION").into();
    }
    Ok(document)
}

/// The definition of `/ogc`.
///
/// # Errors
/// Never, as tests read the same text.
pub(super) fn ogc_document(origin: &str) -> Answer<Value> {
    document_of(OGC, origin)
}

/// `/api/openapi.json`.
pub(super) async fn document(State(app): State<Arc<App>>, params: Params, headers: HeaderMap) -> Answer<Response> {
    params.only(&[])?;
    let document = document_of(APPLICATION, &app.keeper.origin(&headers))?;
    #[cfg(feature = "oidc")]
    let document = if app.oidc.is_some() { with_paths(document, OIDC)? } else { document };
    let document = if app.tianditu.is_some() { with_paths(document, TIANDITU)? } else { document };
    Ok(written(&document, "application/json"))
}

/// A document with further paths.
fn with_paths(mut document: Value, text: &str) -> Answer<Value> {
    let further = serde_json::from_str(text).map_err(|e| Problem::internal(format!("openapi: {e}")))?;
    if let (Some(Value::Object(paths)), Value::Object(further)) = (document.pointer_mut("/paths"), further) {
        paths.extend(further);
    }
    Ok(document)
}

/// A document as an answer.
pub(super) fn written(document: &Value, kind: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], document.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::memory::Collection;
    use crate::api::ogc::{FORMS, ITEM_PARAMETERS, LIMIT, MOST};
    use crate::store::Role;

    fn documents() -> [Value; 2] {
        let [application, ogc] =
            [APPLICATION, OGC].map(|t| document_of(t, "http://example.invalid").expect("document"));
        let application = [OIDC, TIANDITU].into_iter().try_fold(application, with_paths).expect("document");
        [application, ogc]
    }

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
        for document in documents() {
            let mut found = Vec::new();
            references(&document, &mut found);
            assert!(found.len() > 20);
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("no reference leaves the document");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            for (path, operations) in document["paths"].as_object().expect("paths") {
                for (method, operation) in operations.as_object().expect("operations") {
                    let roles = operation["x-roles"].as_array().expect("a policy");
                    let known = |r: &Value| r == "anybody" || r.as_str().and_then(Role::parse).is_some();
                    assert!(!roles.is_empty() && roles.iter().all(known), "{method} {path} has no policy");
                    assert!(
                        operation["operationId"].is_string() && operation["responses"].is_object(),
                        "{method} {path}"
                    );
                }
            }
        }
    }

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    /// Methods that the text of a route has handlers for.
    fn methods_in(handlers: &str) -> Vec<&'static str> {
        let whole = |at: usize| !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let called = |m: &&str| handlers.match_indices(&format!("{m}(")).any(|(at, _)| whole(at));
        METHODS.into_iter().filter(called).collect()
    }

    /// What the router has and what the documents say are one list, of paths and of methods.
    #[test]
    fn route_without_a_document_does_not_pass() {
        let elsewhere =
            ["/", "/assets/{*path}", "/first", "/ogc/", "/ogc/style.css", "/ogc/api.html", "/api/test/panic"];
        // names in braces are the document's own
        let bare =
            |p: &str| p.split('/').map(|s| if s.starts_with('{') { "{}" } else { s }).collect::<Vec<_>>().join("/");
        let mut routes = std::collections::BTreeSet::new();
        for part in include_str!("../router.rs").split(".route(\"").skip(1) {
            let (path, rest) = part.split_once('"').expect("a path");
            let handlers = rest.split([';', '\n']).next().unwrap_or_default();
            // handlers that do not fit on the line of the path stand on the next
            let handlers = if handlers.trim() == "," { rest.lines().nth(1).unwrap_or_default() } else { handlers };
            let methods = methods_in(handlers);
            assert!(!methods.is_empty(), "{path}: {handlers}");
            if !elsewhere.contains(&path) {
                routes.extend(methods.into_iter().map(|m| (bare(path), m.to_owned())));
            }
        }
        let mut documented = std::collections::BTreeSet::new();
        for (document, prefix) in documents().into_iter().zip(["/api", "/ogc"]) {
            for (path, operations) in document["paths"].as_object().expect("paths") {
                let methods = operations.as_object().expect("operations").keys().cloned();
                documented.extend(methods.map(|m| (bare(&format!("{prefix}{}", path.trim_end_matches('/'))), m)));
            }
        }
        assert_eq!(routes, documented);
    }

    #[test]
    fn items_are_documented_as_they_are_read() {
        let [_, ogc] = documents();
        let parameters =
            ogc["paths"]["/collections/{collectionId}/items"]["get"]["parameters"].as_array().expect("list").clone();
        let of = |name: &str| parameters.iter().find(|p| p["name"] == name).expect(name).clone();
        let ids = Collection::SHOWN.map(|c| Value::from(c.id()));
        assert_eq!(of("collectionId")["schema"]["enum"], Value::from(ids.to_vec()));
        assert_eq!(
            (of("limit")["schema"]["default"].as_u64(), of("limit")["schema"]["maximum"].as_u64()),
            (Some(LIMIT), Some(MOST))
        );
        let queries = parameters.iter().filter(|p| p["in"] == "query").filter_map(|p| p["name"].as_str());
        assert_eq!(queries.collect::<std::collections::BTreeSet<_>>(), ITEM_PARAMETERS.into_iter().collect());
        let mut forms = vec!["json", "html"];
        forms.extend(FORMS.iter().map(|f| f.0));
        assert_eq!(of("f")["schema"]["enum"], Value::from(forms));
    }
}
