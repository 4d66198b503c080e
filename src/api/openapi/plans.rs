//! Plans and jobs in the application's interface.

use serde_json::{Map, Value, json};

use super::parts::{ALL, also, answers, body, maybe_text, object, of, operation, parameters, path, query, text};

const JSON: &str = "application/json";
/// Roles that edit plans.
const PLANNERS: &[&str] = &["planner", "admin"];

fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

fn closed(mut schema: Value, optional: &[(&str, Value)]) -> Value {
    schema["additionalProperties"] = false.into();
    for (name, of) in optional {
        schema["properties"][*name] = of.clone();
    }
    schema
}

/// Paths below `/api`.
pub(super) fn paths() -> Map<String, Value> {
    let id = || path("id", text());
    let get = |id: &str, about: &str, schema: Value| answers(operation(id, about, ALL), 200, JSON, schema);
    let found = |operation: Value, more: Vec<Value>| also(parameters(operation, more), &[(404, "")]);
    let act = |id: &str, about: &str, status: u16, schema: Value, from: Value| {
        let made = body(answers(operation(id, about, PLANNERS), status, JSON, schema), from);
        also(made, &[(404, ""), (409, ""), (507, "")])
    };
    let key = json!({"name": "Idempotency-Key", "in": "header", "required": true, "schema": {"type": "string", "maxLength": 100}});
    let all = json!({
        "/profiles": {"get": get("listProfiles", "规则 / rules that ship", object(&[("profiles", list(of("Profile")))]))},
        "/plans": {
            "get": parameters(
                get("listPlans", "方案 / plans", object(&[("plans", list(of("Plan")))])),
                vec![query("region", "区划 / region", text()), query("status", "状态 / standing", json!({"type": "string", "enum": ["draft", "live", "retired"]}))],
            ),
            "post": also(
                body(answers(operation("makePlan", "编制方案（后台）/ make a plan, as a job", PLANNERS), 202, JSON, object(&[("job", text())])), of("NewPlan")),
                &[(404, "")],
            ),
        },
        "/plans/{id}": {"get": found(get("getPlan", "一个方案 / a plan", object(&[("plan", of("Plan")), ("villages", list(of("VillageName")))])), vec![id()])},
        "/plans/{id}/villages/{village}": {
            "get": also(
                found(get("getVillage", "方案中的一个村，供地图编辑 / a village of a plan, ready to be edited", of("Village")), vec![id(), path("village", text())]),
                &[(422, "")],
            ),
        },
        "/plans/{id}/preview": {"post": parameters(act("previewEdit", "预览修改 / what an edit would do", 200, of("Effect"), of("Batch")), vec![id()])},
        "/plans/{id}/edits": {
            "post": parameters(
                act("editPlan", "修改方案 / edit a plan", 200, object(&[("committed", of("Committed")), ("effect", json!({"nullable": true, "allOf": [of("Effect")]})), ("village", of("Village"))]), of("Batch")),
                vec![id(), key],
            ),
        },
        "/plans/{id}/undo": {"post": parameters(act("undo", "撤销 / take an edit back", 200, of("Turned"), of("Turn")), vec![id()])},
        "/plans/{id}/redo": {"post": parameters(act("redo", "重做 / do it again", 200, of("Turned"), of("Turn")), vec![id()])},
        "/plans/{id}/history": {
            "get": found(
                get("history", "历史 / history", object(&[("entries", list(of("HistoryEntry")))])),
                vec![id(), query("after", "此序号之后 / after this number", whole()), query("limit", "条数 / entries", json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 200}))],
            ),
        },
        "/plans/{id}/check": {"get": also(found(get("checkPlan", "检查 H1–H11 / every breach", object(&[("version", whole()), ("breaches", list(of("Breach")))])), vec![id()]), &[(422, "")])},
        "/plans/{id}/publish": {"post": parameters(act("publish", "发布 / put in force", 200, object(&[("plan", of("Plan"))]), closed(object(&[("base_version", whole()), ("date", text())]), &[])), vec![id()])},
        "/plans/{id}/fork": {"post": parameters(act("fork", "复制为草案 / a new draft with the same rows", 201, object(&[("plan", of("Plan"))]), closed(json!({"type": "object", "properties": {}}), &[("name", text())])), vec![id()])},
        "/plans/{id}/compare/{other}": {
            "get": found(
                get("comparePlans", "比较两个方案 / two plans side by side", object(&[("villages", list(of("ComparedVillage")))])),
                vec![id(), path("other", text()), query("region", "区划 / region", text())],
            ),
        },
        "/jobs/{id}": {
            "get": found(get("getJob", "后台任务 / a job", of("Job")), vec![id()]),
            "delete": also(parameters(operation("cancelJob", "取消任务 / stop a job", ALL), vec![id()]), &[(202, "已请求取消 / asked to stop"), (404, "")]),
        },
    });
    match all {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Their schemas.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let number = || json!({"type": "number"});
    let maybe_number = || json!({"type": "number", "nullable": true});
    let truth = || json!({"type": "boolean"});
    let any = || json!({});
    vec![
        ("Profile", object(&[("name", text()), ("title", text()), ("note", text())])),
        (
            "Plan",
            object(&[
                ("id", text()),
                ("name", text()),
                ("region", text()),
                ("status", json!({"type": "string", "enum": ["draft", "live", "retired"]})),
                ("version", whole()),
                ("seed", whole()),
                ("valid_from", maybe_text()),
                ("valid_to", maybe_text()),
                ("profile", text()),
                ("input_version", whole()),
            ]),
        ),
        ("VillageName", object(&[("code", text()), ("name", text())])),
        (
            "NewPlan",
            closed(
                object(&[("region", text()), ("profile", text())]),
                &[
                    ("name", text()),
                    ("seed", whole()),
                    ("budget_s", json!({"type": "number", "minimum": 0, "maximum": 3600, "nullable": true})),
                    ("old_nets", json!({"nullable": true, "oneOf": [list(text()), text()]})),
                ],
            ),
        ),
        (
            "Batch",
            closed(
                object(&[("village", text()), ("operations", list(json!({"type": "object"})))]),
                &[
                    ("base_version", json!({"type": "integer", "minimum": 0, "nullable": true})),
                    ("grid_versions", list(json!({"type": "array", "minItems": 2, "maxItems": 2, "items": {}}))),
                    ("policy", json!({"type": "string", "enum": ["refuse", "keep_as_draft_problem"]})),
                ],
            ),
        ),
        (
            "Turn",
            closed(
                json!({"type": "object", "properties": {}}),
                &[("seq", json!({"type": "integer", "minimum": 0, "nullable": true}))],
            ),
        ),
        ("Committed", object(&[("version", whole()), ("seq", whole()), ("grids", list(text()))])),
        ("Turned", object(&[("committed", of("Committed")), ("villages", list(text()))])),
        ("Breach", object(&[("rule", text()), ("ids", list(text())), ("message", text())])),
        (
            "Effect",
            object(&[
                ("touched", list(text())),
                ("moved", object(&[("grid", whole()), ("unit", whole()), ("unit_code", whole())])),
                ("before", of("Figures")),
                ("after", of("Figures")),
                ("problems", list(of("Breach"))),
                ("notes", list(text())),
                ("grids", list(object(&[("code", text()), ("households", whole()), ("deviation", maybe_number())]))),
                ("units_touched", list(text())),
            ]),
        ),
        (
            "Figures",
            object(&[
                ("base_grids", whole()),
                ("dedicated_grids", whole()),
                ("deviation", number()),
                ("mean_polsby_popper", number()),
                ("min_polsby_popper", number()),
                ("units", whole()),
                ("households_in_exceptions", whole()),
                ("sse_m2", number()),
            ]),
        ),
        (
            "HistoryEntry",
            object(&[
                ("seq", whole()),
                ("kind", text()),
                ("target", json!({"type": "integer", "nullable": true})),
                ("version", whole()),
                ("actor", text()),
                ("at", text()),
                ("operation", any()),
                ("undone", truth()),
                ("grids", list(text())),
            ]),
        ),
        ("ComparedVillage", object(&[("village", text()), ("changed_grids", list(text()))])),
        (
            "Job",
            object(&[
                ("id", text()),
                ("kind", text()),
                ("status", json!({"type": "string", "enum": ["running", "done", "failed", "cancelled"]})),
                ("share", number()),
                ("stage", text()),
                ("result", any()),
                ("problem", any()),
            ]),
        ),
        (
            "Village",
            object(&[
                ("plan", of("Plan")),
                ("village", text()),
                ("name", maybe_text()),
                ("hash", text()),
                ("rules", json!({"type": "object"})),
                ("grids", list(json!({"type": "object"}))),
                ("units", list(json!({"type": "object"}))),
                ("buildings", list(json!({"type": "object"}))),
                ("households", list(json!({"type": "array", "items": {}}))),
                ("atoms", list(json!({"type": "object"}))),
                ("edges", list(json!({"type": "array", "items": {}}))),
                ("atom_grid", list(whole())),
                ("problems", list(of("Breach"))),
                ("figures", of("Figures")),
            ]),
        ),
    ]
}
