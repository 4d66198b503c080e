//! What each operation of the documents is sent so that whoever may do it succeeds: its path, its headers, its body.

use serde_json::{Value, json};

use crate::client::{Reply, send};
use crate::incidents::{jpeg_with_its_place, key};
use crate::server::{PASSWORD, Server};
use crate::tiles::tile_of;
use crate::two_villages::Objects;

/// An operation of a document with its path, whose places in braces are still open.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) roles: Vec<String>,
    pub(crate) statuses: Vec<u16>,
}

impl Operation {
    pub(crate) fn is_for(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }

    /// Whether it asks for one object that is somebody's.
    pub(crate) fn is_of_an_object(&self) -> bool {
        self.path.contains("{id}") || self.path.contains("{featureId}")
    }
}

/// All operations that need somebody known; the stream of events is looked at by itself.
pub(crate) fn operations(server: &Server) -> Vec<Operation> {
    let mut all = Vec::new();
    for (document, prefix) in [("/api/openapi.json", "/api"), ("/ogc/api", "/ogc")] {
        let document = server.get(document).is(200).json();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                let texts = |v: &Value| -> Vec<String> {
                    v.as_array().expect("a list").iter().filter_map(|t| t.as_str().map(str::to_owned)).collect()
                };
                let responses = operation["responses"].as_object().expect("responses");
                let operation = Operation {
                    id: operation["operationId"].as_str().expect("an id").to_owned(),
                    method: method.to_uppercase(),
                    path: format!("{prefix}{path}"),
                    roles: texts(&operation["x-roles"]),
                    statuses: responses.keys().filter_map(|s| s.parse().ok()).collect(),
                };
                if !operation.is_for("anybody") && operation.id != "events" {
                    all.push(operation);
                }
            }
        }
    }
    assert!(all.len() > 70, "{}", all.len());
    all
}

/// The path with the real ids of a village's objects.
pub(crate) fn path_of(operation: &Operation, of: &Objects) -> String {
    let kind = operation.path.split('/').nth(2).unwrap_or_default();
    let id = match kind {
        "plans" => "plan",
        "alert-rules" => "rule",
        "register" => "building",
        other => other.trim_end_matches('s'),
    };
    let path = if operation.path.starts_with("/api/") && operation.path.contains("{id}") {
        operation.path.replace("{id}", of.id(id))
    } else {
        operation.path.clone()
    };
    let (row, column) = tile_of(14, of.at[0], of.at[1]);
    path.replace("{other}", of.id("live"))
        .replace("{village}", of.village)
        .replace("{kind}", "units")
        .replace("{layer}", "buildings")
        .replace("{collectionId}", "buildings")
        .replace("{featureId}", of.id("building"))
        .replace("{tileMatrixSetId}", "WebMercatorQuad")
        .replace("{tileMatrix}", "14")
        .replace("{tileRow}", &row.to_string())
        .replace("{tileCol}", &column.to_string())
}

/// What is sent besides a path: its query, headers, and a body.
pub(crate) struct Sent {
    pub(crate) query: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Body>,
}

pub(crate) enum Body {
    Json(Value),
    Bytes(Vec<u8>),
}

/// What an operation on a village's objects is sent so that whoever may do it succeeds. `version` is the plan's.
pub(crate) fn wish(server: &Server, operation: &Operation, of: &Objects, version: u64) -> Sent {
    let (village, at) = (of.village, of.at);
    let fresh = key();
    let mut sent = Sent { query: String::new(), headers: Vec::new(), body: None };
    let keyed = vec![("idempotency-key", fresh.clone())];
    let first = vec![("if-match", "\"1\"".to_owned())];
    let geojson = ("content-type", "application/geo+json".to_owned());
    let mut incident = crate::incidents::body("dispute");
    (incident["at"], incident["summary"]) = (json!(at), json!(of.mark));
    let batch = json!({
        "village": village, "base_version": version, "operations": [{"operation": "rename", "grid": of.id("grid"), "name": fresh}],
    });
    let feature = |id: &str| json!({"type": "Feature", "id": id, "geometry": {"type": "Point", "coordinates": at}, "properties": {"name": fresh, "village": village}});
    let (headers, body) = match operation.id.as_str() {
        "addUser" => (vec![], json!({"name": fresh, "password": PASSWORD, "role": "viewer", "region": village})),
        "changeUser" => (vec![], json!({"disabled": true})),
        "addToken" => (vec![], json!({"name": fresh, "role": "viewer", "region": village})),
        "judgeImport" | "undo" | "redo" | "acknowledgeAlert" => (vec![], json!({})),
        "commitImport" => (keyed, json!({"partial": false})),
        "makePlan" => (vec![], json!({"region": village, "profile": "huangguoshu", "budget_s": 0.1, "name": fresh})),
        "export" => (vec![], json!({"layer": "households", "format": "csv", "region": village})),
        "addOfficer" => (keyed, json!({"id": fresh, "region": village, "role": "grid_worker", "name": fresh})),
        "replaceOfficer" => (first, json!({"region": village, "role": "grid_head"})),
        "revealOfficer" => (vec![], json!({"purpose": "值班"})),
        "previewEdit" => (vec![], batch),
        "editPlan" => (keyed, batch),
        "publish" => (vec![], json!({"base_version": version, "date": "2026-03-01"})),
        "fork" => (vec![], json!({"name": fresh})),
        "followRegister" => (vec![], json!({"region": village})),
        "reportIncident" => (keyed, incident),
        "reportIncidents" => (keyed, json!({"incidents": [incident]})),
        "advanceIncident" => (keyed, json!({"action": "accept", "base_version": 1})),
        "putAlertRule" => {
            (first, json!({"kind": "overdue", "region": village, "escalate_after_min": 45, "enabled": true}))
        }
        "intake" => {
            (incident["source"], incident["source_id"]) = (json!("门禁"), json!(fresh));
            (vec![], incident)
        }
        "createFeature" => (vec![geojson], feature(&fresh)),
        "replaceFeature" => ([first, vec![geojson]].concat(), feature(of.id("building"))),
        "updateFeature" => {
            let kind = ("content-type", "application/merge-patch+json".to_owned());
            ([first, vec![kind]].concat(), json!({"properties": {"name": fresh}}))
        }
        "upload" => {
            let rows = format!("楼栋编号,村编码,经度,纬度\n{fresh},{village},{},{}\n", at[0], at[1]);
            sent.query = format!("?layer=buildings&file_name=x.csv&region={village}");
            sent.headers = vec![("content-type", "text/csv".to_owned())];
            sent.body = Some(Body::Bytes(rows.into_bytes()));
            return sent;
        }
        "uploadLedger" => {
            let plan = of.id("plan");
            sent.query = format!("?plan={plan}&file_name=units.csv");
            sent.headers = vec![("content-type", "text/csv".to_owned())];
            sent.body = Some(Body::Bytes(server.get(&format!("/api/ledgers/units?f=csv&plan={plan}")).is(200).body));
            return sent;
        }
        "putIncidentPhoto" => {
            sent.headers = vec![("content-type", "image/jpeg".to_owned())];
            sent.body = Some(Body::Bytes(jpeg_with_its_place(0x34)));
            return sent;
        }
        "removeOfficer" | "deleteAlertRule" | "deleteFeature" => {
            sent.headers = first;
            return sent;
        }
        "revokeToken" | "forgetImport" | "deleteIncidentPhoto" | "cancelJob" => return sent,
        other => {
            assert_eq!(operation.method, "GET", "{other} wants a body here, one that is accepted from whoever may");
            return sent;
        }
    };
    sent.headers = headers;
    sent.body = Some(Body::Json(body));
    sent
}

pub(crate) fn ask(server: &Server, token: &str, operation: &Operation, path: &str, sent: &Sent) -> Reply {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(sent.headers.iter().map(|(n, v)| (*n, v.as_str())));
    let path = format!("{path}{}", sent.query);
    match &sent.body {
        Some(Body::Json(body)) => server.ask(&operation.method, &path, &headers, Some(body)),
        Some(Body::Bytes(bytes)) => send(&operation.method, &format!("{}{path}", server.base), &headers, Some(bytes)),
        None => server.ask(&operation.method, &path, &headers, None),
    }
}
