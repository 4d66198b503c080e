//! The application's own interface.

use serde_json::{Map, Value, json};

use super::parts::{
    ADMIN, ALL, ANYBODY, also, answers, body, document as around, maybe_text, object, of, operation, parameters, path,
    query, text,
};

const JSON: &str = "application/json";

/// The document.
pub(super) fn document(origin: &str) -> Value {
    let id = || path("id", text());
    let role = || json!({"type": "string", "enum": ALL});
    let closed = |mut schema: Value| {
        schema["additionalProperties"] = false.into();
        schema
    };
    let mut paths = json!({
        "/openapi.json": {"get": answers(operation("definition", "本文档 / this document", ANYBODY), 200, JSON, json!({"type": "object"}))},
        "/session": {
            "post": also(
                body(answers(operation("signIn", "登录 / sign in", ANYBODY), 201, JSON, of("Principal")), of("SignIn")),
                &[(401, ""), (403, ""), (429, "")],
            ),
            "get": answers(operation("whoAmI", "当前用户 / who am I", ALL), 200, JSON, of("Principal")),
            "delete": also(operation("signOut", "退出 / sign out", ANYBODY), &[(204, "已退出 / signed out"), (403, "")]),
        },
        "/users": {
            "get": answers(operation("listUsers", "用户 / users", ADMIN), 200, JSON, object(&[("users", json!({"type": "array", "items": of("User")}))])),
            "post": body(answers(operation("addUser", "添加用户 / add a user", ADMIN), 201, JSON, of("User")), of("NewUser")),
        },
        "/users/{id}": {
            "patch": also(
                parameters(body(answers(operation("changeUser", "修改、停用用户 / change or disable a user", ADMIN), 200, JSON, of("User")), of("UserChange")), vec![id()]),
                &[(404, "")],
            ),
        },
        "/tokens": {
            "get": answers(operation("listTokens", "令牌 / tokens", ADMIN), 200, JSON, object(&[("tokens", json!({"type": "array", "items": of("Token")}))])),
            "post": body(answers(operation("addToken", "添加令牌，只显示一次 / add a token, shown once", ADMIN), 201, JSON, of("FreshToken")), of("NewToken")),
        },
        "/tokens/{id}": {
            "delete": also(parameters(operation("revokeToken", "作废令牌 / revoke a token", ADMIN), vec![id()]), &[(204, "已作废 / revoked"), (404, "")]),
        },
        "/regions": {
            "get": parameters(
                answers(operation("listRegions", "行政区 / divisions", ALL), 200, JSON, object(&[("regions", json!({"type": "array", "items": of("Region")}))])),
                vec![query("parent", "上级代码 / code of the one above", text()), query("level", "级别 / level", text())],
            ),
        },
        "/events": {
            "get": parameters(
                answers(operation("events", "变化（SSE）/ what changed, as it changes", ALL), 200, "text/event-stream", text()),
                vec![
                    query("last_event_id", "最后收到的编号 / the last id seen; or as a header", json!({"type": "integer", "minimum": 0})),
                    json!({"name": "Last-Event-ID", "in": "header", "required": false, "schema": {"type": "integer", "minimum": 0}}),
                ],
            ),
        },
    });
    if let Some(paths) = paths.as_object_mut() {
        paths.extend(super::plans::paths());
    }
    let token_fields = [
        ("id", text()),
        ("name", text()),
        ("role", role()),
        ("region", text()),
        ("created_by", text()),
        ("created_at", text()),
        ("expires_at", text()),
        ("revoked_at", maybe_text()),
    ];
    let mut fresh = token_fields.to_vec();
    fresh.push(("token", text()));
    let mut new_token = closed(object(&[("name", text()), ("role", role()), ("region", text())]));
    new_token["properties"]["days"] = json!({"type": "integer", "minimum": 1, "maximum": 3650});
    let change = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "role": role(), "region": text(), "password": {"type": "string", "minLength": 10}, "disabled": {"type": "boolean"},
        },
    });
    let mut schemas = Map::new();
    for (name, schema) in [
        ("SignIn", closed(object(&[("name", text()), ("password", text())]))),
        (
            "Principal",
            object(&[("id", text()), ("name", text()), ("role", role()), ("region", text()), ("by", text())]),
        ),
        (
            "User",
            object(&[
                ("id", text()),
                ("name", text()),
                ("role", role()),
                ("region", text()),
                ("created_at", text()),
                ("disabled_at", maybe_text()),
            ]),
        ),
        (
            "NewUser",
            closed(object(&[
                ("name", text()),
                ("password", json!({"type": "string", "minLength": 10})),
                ("role", role()),
                ("region", text()),
            ])),
        ),
        ("UserChange", change),
        ("Token", object(&token_fields)),
        ("FreshToken", object(&fresh)),
        ("NewToken", new_token),
        (
            "Region",
            object(&[
                ("code", text()),
                ("name", text()),
                ("level", text()),
                ("parent", maybe_text()),
                ("bbox", json!({"type": "array", "nullable": true, "items": {"type": "number"}})),
            ]),
        ),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas.extend(super::plans::schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema)));
    around("联户 Lianhu", &format!("{origin}/api"), paths, schemas)
}
