//! Every answer in JSON that a test sees, and every event, is as the definitions say: nothing missing, no other word, and of the application's
//! no field they do not name.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::client::Reply;

/// A definition, under which its paths stand, and whether fields that it does not name are a fault.
struct Definition {
    document: Value,
    prefix: &'static str,
    strict: bool,
}

static DEFINITIONS: LazyLock<[Definition; 2]> = LazyLock::new(|| {
    let read = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let mut application = read(include_str!("../../src/api/openapi/application.json"));
    let paths = application["paths"].as_object_mut().expect("paths");
    for further in
        [include_str!("../../src/api/openapi/oidc.json"), include_str!("../../src/api/openapi/tianditu.json")]
    {
        paths.extend(read(further).as_object().expect("paths").clone());
    }
    let ogc = read(include_str!("../../src/api/openapi/ogc.json"));
    [
        Definition { document: application, prefix: "/api", strict: true },
        Definition { document: ogc, prefix: "/ogc", strict: false },
    ]
});

/// Looks at an answer; what is no JSON, and what no definition promises, is left to the tests.
pub(crate) fn look(method: &str, url: &str, reply: &Reply) {
    let kind = reply.header("content-type").split(';').next().unwrap_or_default().trim();
    if !kind.ends_with("json") || reply.headers.contains_key("content-encoding") {
        return;
    }
    let path = url.splitn(4, '/').nth(3).map_or(String::new(), |rest| format!("/{rest}"));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    for definition in DEFINITIONS.iter() {
        let Some(rest) = path.strip_prefix(definition.prefix).filter(|r| r.is_empty() || r.starts_with('/')) else {
            continue;
        };
        let Some(schema) = definition.promised(&method.to_lowercase(), rest, reply.status, kind) else { return };
        let body = reply.json();
        if let Err(what) = definition.fits(schema, &body, true) {
            panic!("{method} {path} {}: {what}\nin {body}", reply.status);
        }
    }
}

/// Looks at an event of the stream.
pub(crate) fn look_at_event(kind: &str, data: &Value) {
    let [application, _] = &*DEFINITIONS;
    let at = "/paths/~1events/get/responses/200/content/text~1event-stream/x-events";
    let Some(schema) = application.document.pointer(at).and_then(|all| all.get(kind)) else { return };
    if let Err(what) = application.fits(schema, data, true) {
        panic!("event {kind}: {what}\nin {data}");
    }
}

/// Whether a path is one of a template, and how many of its parts stand in it as they are.
fn literals(template: &str, path: &str) -> Option<usize> {
    let (a, b) = (template.trim_end_matches('/').split('/'), path.trim_end_matches('/').split('/'));
    if a.clone().count() != b.clone().count() {
        return None;
    }
    let parts: Vec<bool> = a
        .zip(b)
        .map(|(t, p)| if t.starts_with('{') { Some(false) } else { (t == p).then_some(true) })
        .collect::<Option<_>>()?;
    Some(parts.into_iter().filter(|same| *same).count())
}

impl Definition {
    /// What an answer of a status and kind is.
    fn promised(&self, method: &str, path: &str, status: u16, kind: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object()?;
        let (_, operations) =
            paths.iter().filter_map(|(t, o)| Some((literals(t, path)?, o))).max_by_key(|(n, _)| *n)?;
        let response = self.resolved(operations.get(method)?["responses"].get(status.to_string())?);
        response["content"].get(kind)?.get("schema")
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(at) => self.document.pointer(at.trim_start_matches('#')).unwrap_or_else(|| panic!("{at}")),
            None => value,
        }
    }

    /// Names that a schema gives to fields, its parts' included; `None` where it takes any.
    fn names<'v>(&'v self, schema: &'v Value, into: &mut Vec<&'v str>) -> bool {
        let schema = self.resolved(schema);
        let parts = schema["allOf"].as_array();
        let named = schema["properties"].as_object();
        into.extend(named.into_iter().flat_map(Map::keys).map(String::as_str));
        let mut all_named = named.is_some() || parts.is_some();
        for part in parts.into_iter().flatten() {
            all_named &= self.names(part, into);
        }
        all_named
    }

    /// Whether a value is what a schema says, here all of it or a part; where and how it is not.
    fn fits(&self, schema: &Value, value: &Value, whole: bool) -> Result<(), String> {
        let schema = self.resolved(schema);
        if value.is_null() && (schema["nullable"] == true || schema.as_object().is_some_and(Map::is_empty)) {
            return Ok(());
        }
        if let Some(words) = schema["enum"].as_array() {
            words.contains(value).then_some(()).ok_or_else(|| format!("{value} is none of {words:?}"))?;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.fits(part, value, false)?;
        }
        for choice in ["oneOf", "anyOf"] {
            let Some(parts) = schema[choice].as_array() else { continue };
            let wrong: Vec<String> = parts.iter().map(|p| self.fits(p, value, whole)).map_while(Result::err).collect();
            if wrong.len() == parts.len() {
                return Err(format!("none of these: {}", wrong.join("; ")));
            }
        }
        let is = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            _ => true,
        };
        if !is || value.as_f64().zip(schema["minimum"].as_f64()).is_some_and(|(v, least)| v < least) {
            return Err(format!("{value} is not {}", schema["type"]));
        }
        match value {
            Value::Object(fields) => self.fields_fit(schema, fields, whole),
            Value::Array(items) => self.items_fit(schema, items),
            _ => Ok(()),
        }
    }

    fn fields_fit(&self, schema: &Value, fields: &Map<String, Value>, whole: bool) -> Result<(), String> {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            fields.contains_key(name).then_some(()).ok_or_else(|| format!("{name} is missing"))?;
        }
        let mut known = Vec::new();
        let closed = self.names(schema, &mut known) && schema["additionalProperties"].is_null();
        for (name, value) in fields {
            let own =
                schema["properties"].get(name).or_else(|| schema.get("additionalProperties").filter(|s| s.is_object()));
            if let Some(own) = own {
                self.fits(own, value, true).map_err(|e| format!("{name}: {e}"))?;
            } else if whole && self.strict && closed && !known.contains(&name.as_str()) {
                return Err(format!("nothing is said of {name}"));
            }
        }
        Ok(())
    }

    fn items_fit(&self, schema: &Value, items: &[Value]) -> Result<(), String> {
        let bound = |name: &str| schema[name].as_u64().and_then(|n| usize::try_from(n).ok());
        if bound("minItems").is_some_and(|n| items.len() < n) || bound("maxItems").is_some_and(|n| items.len() > n) {
            return Err(format!("{} items", items.len()));
        }
        let turns = schema["x-items"].as_array();
        for (i, item) in items.iter().enumerate() {
            let of = turns.and_then(|t| t.get(i)).unwrap_or(&schema["items"]);
            self.fits(of, item, true).map_err(|e| format!("{i}: {e}"))?;
        }
        Ok(())
    }
}

/// The files in the tree are the documents: what is served is them, but for the address and the version of the service.
pub(crate) fn documents_are_served_as_they_stand_in_the_tree(server: &crate::server::Server) {
    for (path, text, kind) in [
        ("/api/openapi.json", include_str!("../../src/api/openapi/application.json"), "application/json"),
        ("/ogc/api", include_str!("../../src/api/openapi/ogc.json"), "application/vnd.oai.openapi+json;version=3.0"),
    ] {
        let mut wanted: Value = serde_json::from_str(text).expect("JSON");
        let at = wanted["servers"][0]["url"].as_str().expect("where it is served").to_owned();
        assert!(at.starts_with('/') && wanted["info"]["version"].is_string(), "{path}");
        wanted["servers"][0]["url"] = format!("{}{at}", server.base).into();
        wanted["info"]["version"] = env!("CARGO_PKG_VERSION").into();
        let served = server.ask("GET", path, &[], None).is(200);
        assert_eq!(served.header("content-type"), kind);
        assert!(served.text() == wanted.to_string(), "{path} is not its file in src/api/openapi: {}", served.text());
    }
}

#[test]
fn answer_that_says_more_or_less_than_its_definition_is_told() {
    let [application, _] = &*DEFINITIONS;
    let schema = application.promised("get", "/plans/x/check", 200, "application/json").expect("a schema");
    let fits = |value: Value| application.fits(schema, &value, true);
    let breach = serde_json::json!({"rule": "H3", "ids": [], "message": ""});
    assert_eq!(fits(serde_json::json!({"version": 1, "breaches": [breach]})), Ok(()));
    for bad in [
        serde_json::json!({"version": 1}),
        serde_json::json!({"version": -1, "breaches": []}),
        serde_json::json!({"version": 1, "breaches": [], "more": 1}),
        serde_json::json!({"version": 1, "breaches": [{"rule": "H12", "ids": [], "message": ""}]}),
        serde_json::json!({"version": 1, "breaches": [{"rule": "H3", "ids": [1], "message": ""}]}),
    ] {
        assert!(fits(bad.clone()).is_err(), "{bad}");
    }
    assert_eq!(literals("/plans/{id}/check", "/plans/x/check"), Some(3));
    assert_eq!(literals("/plans/{id}", "/plans/x/check"), None);
}
