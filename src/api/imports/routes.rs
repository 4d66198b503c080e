//! What clients ask of uploads.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Json, Params, Segments};
use crate::api::idempotency::key_of;
use crate::api::reasons;
use crate::domain::hex;
use crate::exchange::gate::schema::{LAYERS, LayerSchema};
use crate::exchange::ledger::Ledger;
use crate::store::Idempotency;

use super::reading::Reading;
use super::receive::receive;
use super::{Subject, Turn, Upload, judged, stored};

type Started = Answer<(StatusCode, axum::Json<Value>)>;

fn started(job: &str, upload: &Upload) -> (StatusCode, axum::Json<Value>) {
    (StatusCode::ACCEPTED, axum::Json(json!({"job": job, "import": {"id": upload.id}})))
}

fn judge(app: &Arc<App>, principal: &Principal, turn: Turn) -> Answer<String> {
    let running = app.clone();
    app.jobs.start(
        "import.preview",
        principal,
        move |work| async move { judged::judge(&running, &turn.0, &work).await },
    )
}

/// Keeps a file that could not be looked at only as long as somebody knows of it.
fn first_look(app: &Arc<App>, principal: &Principal, upload: &Arc<Upload>) -> Started {
    match upload.turn().and_then(|turn| judge(app, principal, turn)) {
        Ok(job) => Ok(started(&job, upload)),
        Err(e) => {
            app.imports.remove(&upload.id);
            Err(e)
        }
    }
}

pub(in crate::api) async fn upload(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
    headers: HeaderMap,
    request: Request,
) -> Started {
    principal.need_planner("导入 / import")?;
    params.only(&["layer", "file_name", "region"])?;
    let known = || LAYERS.iter().map(|l| l.name).collect::<Vec<_>>().join(", ");
    let schema = params.get("layer").and_then(LayerSchema::named);
    let schema = schema.ok_or_else(|| Problem::bad("layer", format!("图层应为 / a layer is one of: {}", known())))?;
    let reading = Reading::of_region(params.get("region"));
    reading.check()?;
    let what = (Subject::Layer(schema), reading);
    let upload = receive(&app.imports, &principal, what, params.get("file_name"), &headers, request).await?;
    first_look(&app, &principal, &upload)
}

/// An edited ledger comes like a file of a layer.
pub(in crate::api) async fn upload_ledger(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(kind): Segments<String>,
    params: Params,
    headers: HeaderMap,
    request: Request,
) -> Started {
    principal.need_planner("导入台账 / import a ledger")?;
    params.only(&["plan", "file_name"])?;
    let ledger = Ledger::named(&format!("ledger-{kind}")).filter(|l| l.can_come_back()).ok_or_else(Problem::missing)?;
    let subject = Subject::Ledger { ledger, plan: params.get("plan").map(str::to_owned) };
    let name = params.get("file_name").unwrap_or("ledger.xlsx");
    let what = (subject, Reading::default());
    let upload = receive(&app.imports, &principal, what, Some(name), &headers, request).await?;
    first_look(&app, &principal, &upload)
}

pub(in crate::api) async fn preview(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    Json(reading): Json<Reading>,
) -> Started {
    principal.need_planner("导入 / import")?;
    reading.check()?;
    let upload = app.imports.find(&principal, &id)?;
    let turn = upload.turn()?;
    upload.state().reading = reading;
    let job = judge(&app, &principal, turn)?;
    Ok(started(&job, &upload))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Commit {
    #[serde(default)]
    partial: bool,
    /// Why, as the logs keep it.
    reason: Option<String>,
}

/// Why the file is brought in.
fn reason_of(wish: &Commit, subject: &Subject) -> Answer<Option<String>> {
    let reason = reasons::checked(wish.reason.as_deref())?;
    if reason.is_some() && matches!(subject, Subject::Ledger { .. }) {
        let what = "台账有变更原因列，不另说明 / a ledger has its own column for reasons";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field("reason"));
    }
    Ok(reason)
}

pub(in crate::api) async fn commit(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    Json(wish): Json<Commit>,
) -> Started {
    principal.need_planner("导入 / import")?;
    let key = key_of(&headers)?;
    let upload = app.imports.find(&principal, &id)?;
    // the same file read the same way is the same request, under whatever import it came
    let (subject, reading) = (upload.subject.clone(), upload.state().reading.clone());
    let plan = match &subject {
        Subject::Ledger { plan, .. } => plan.clone(),
        Subject::Layer(_) => None,
    };
    let reason = reason_of(&wish, &subject)?;
    let body = serde_json::to_vec(&(&upload.sha256, subject.name(), plan, &reading, wish.partial, &reason))
        .map_err(|e| Problem::internal(e.to_string()))?;
    let idempotency = Idempotency { key, body_sha256: hex(&Sha256::digest(&body)) };
    let begin = || {
        let (turn, running, once) = (upload.turn()?, app.clone(), (idempotency.clone(), reason.clone()));
        app.jobs.start("import", &principal, move |work| async move {
            stored::store(&running, &turn.0, &work, wish.partial, once).await
        })
    };
    let job = app.imports.keys.job(&app.jobs, &principal, &idempotency, begin)?;
    Ok(started(&job, &upload))
}

pub(in crate::api) async fn forget(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
) -> Answer<StatusCode> {
    principal.need_planner("导入 / import")?;
    let upload = app.imports.find(&principal, &id)?;
    // a job that works on it ends first
    drop(upload.turn()?);
    app.imports.remove(&id);
    Ok(StatusCode::NO_CONTENT)
}
