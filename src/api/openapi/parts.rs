//! What both documents are put together from.

use serde_json::{Map, Value, json};

/// Roles of an operation that everybody signed in may call.
pub(super) const ALL: &[&str] = &["viewer", "planner", "exporter", "admin", "auditor"];
/// Roles that manage who comes in.
pub(super) const ADMIN: &[&str] = &["admin"];
/// Called without any role.
pub(super) const ANYBODY: &[&str] = &["anybody"];

/// An operation.
pub(super) fn operation(id: &str, summary: &str, roles: &[&str]) -> Value {
    let mut responses = Map::new();
    let public = roles == ANYBODY;
    let mut statuses = vec![400, 500, 503];
    if !public {
        statuses.extend([401, 403]);
    }
    statuses.sort_unstable();
    for status in statuses {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
    }
    let mut made = json!({"operationId": id, "summary": summary, "x-roles": roles, "responses": responses});
    if public {
        made["security"] = json!([]);
    }
    made
}

/// Adds an answer with a body; `schema` is a reference's last word.
pub(super) fn answers(mut operation: Value, status: u16, kind: &str, schema: Value) -> Value {
    operation["responses"][status.to_string()] = json!({"description": "OK", "content": {kind: {"schema": schema}}});
    operation
}

/// Adds an answer without a body, or another problem.
pub(super) fn also(mut operation: Value, statuses: &[(u16, &str)]) -> Value {
    for (status, what) in statuses {
        operation["responses"][status.to_string()] = if *status >= 400 {
            json!({"$ref": "#/components/responses/Problem"})
        } else {
            json!({"description": what})
        };
    }
    operation
}

/// Adds parameters.
pub(super) fn parameters(mut operation: Value, parameters: Vec<Value>) -> Value {
    operation["parameters"] = parameters.into();
    operation
}

/// Adds a JSON body.
pub(super) fn body(mut operation: Value, schema: Value) -> Value {
    operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    also(operation, &[(408, ""), (413, ""), (415, ""), (422, "")])
}

/// A query parameter.
pub(super) fn query(name: &str, about: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": about, "schema": schema, "style": "form", "explode": false})
}

/// A path parameter.
pub(super) fn path(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

/// A reference to a schema.
pub(super) fn of(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object whose fields are all there.
pub(super) fn object(fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(n, _)| *n).collect();
    let properties: Map<String, Value> = fields.iter().map(|(n, s)| ((*n).to_owned(), s.clone())).collect();
    json!({"type": "object", "required": names, "properties": properties})
}

/// Text, and text or nothing.
pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn maybe_text() -> Value {
    json!({"type": "string", "nullable": true})
}

/// A document around paths and schemas.
pub(super) fn document(title: &str, server: &str, paths: Value, mut schemas: Map<String, Value>) -> Value {
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.0.3",
        "info": {"title": title, "version": env!("CARGO_PKG_VERSION"), "license": {"name": "MIT OR Apache-2.0"}},
        "servers": [{"url": server}],
        "security": [{"bearer": []}, {"basic": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {
                "description": "不成，及其原因 / why not",
                "content": {"application/problem+json": {"schema": of("Problem")}},
            }},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "密码为令牌 / a token as the password"},
                "session": {"type": "apiKey", "in": "cookie", "name": "lianhu"},
            },
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "request_id"],
        "properties": {
            "type": text(), "title": text(), "status": {"type": "integer"}, "code": text(), "detail": text(),
            "field": text(), "hint": text(), "request_id": text(),
        },
    })
}
