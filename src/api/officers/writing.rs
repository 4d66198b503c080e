//! Officers added, replaced, deleted: single rows, each at the version the client saw.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Json, Segments};
use crate::api::idempotency::{Once, key_of};
use crate::api::preconditions::{Versions, etag, stale};
use crate::domain::hex;
use crate::domain::register::OfficerRow;
use crate::exchange::gate::schema::{FieldKind, OFFICERS};
use crate::plan::register::SealError;
use crate::store::{Expect, Idempotency, ImportReport, ImportRequest, Layer, RegisterRow};

use super::{find, shown, wrong};

/// Longest telephone, characters.
const LONGEST_PHONE: usize = 40;

/// A field that is there, if only as null.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Officer {
    id: Option<String>,
    region: String,
    role: String,
    /// Absent: stays as it is.
    #[serde(default, deserialize_with = "said")]
    name: Option<Option<String>>,
    /// Absent: stays as it is.
    #[serde(default, deserialize_with = "said")]
    phone: Option<Option<String>>,
    household: Option<String>,
    elected_on: Option<String>,
    valid_from: Option<String>,
    valid_to: Option<String>,
}

impl Officer {
    fn row(self, app: &App, id: String, row_version: u64) -> Answer<OfficerRow> {
        let role_field = OFFICERS.fields.iter().find(|f| f.name == "role");
        let roles: Vec<&str> = match role_field.map(|f| f.kind) {
            Some(FieldKind::Word(words)) => words.iter().map(|w| w.0).collect(),
            _ => Vec::new(),
        };
        if !roles.contains(&self.role.as_str()) {
            return Err(wrong("role", format!("职务应为 / a role is one of: {}", roles.join(", "))));
        }
        let phone_sealed = match self.phone.flatten().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()) {
            None => None,
            Some(phone) if phone.chars().count() > LONGEST_PHONE => {
                return Err(wrong("phone", format!("最多 {LONGEST_PHONE} 字 / at most so many characters")));
            }
            Some(phone) => match &app.sealer {
                Some(sealer) => Some(sealer.seal(&id, &phone)),
                None => {
                    let what = SealError::NoKey.to_string();
                    return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no_key", what).field("phone"));
                }
            },
        };
        Ok(OfficerRow {
            id,
            region: self.region,
            role: self.role,
            name: self.name.flatten(),
            phone_sealed,
            household: self.household,
            elected_on: self.elected_on,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            row_version,
        })
    }

    /// The store's columns that this says something of.
    fn columns(&self) -> Vec<String> {
        let mut columns = vec!["region", "role", "household", "elected_on", "valid_from", "valid_to"];
        columns.extend(self.name.is_some().then_some("name"));
        columns.extend(self.phone.is_some().then_some("phone_sealed"));
        columns.into_iter().map(str::to_owned).collect()
    }
}

async fn put(
    app: &App,
    principal: &Principal,
    row: OfficerRow,
    columns: Option<Vec<String>>,
    expect: Expect,
    idempotency: Option<Idempotency>,
) -> Answer<ImportReport> {
    let row = RegisterRow::Officers(row);
    if let Some(what) = row.breach() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what));
    }
    let mut request = ImportRequest::new(Layer::Officers);
    (request.columns, request.expect, request.idempotency) = (columns, expect, idempotency);
    let report =
        app.store.import(&principal.scope, &principal.actor, &request, &mut vec![vec![row]].into_iter()).await?;
    app.tail.look_now();
    Ok(report)
}

pub(in crate::api) async fn add(
    State(app): State<Arc<App>>,
    principal: Principal,
    headers: HeaderMap,
    _once: Once,
    Json(wish): Json<Officer>,
) -> Answer<impl IntoResponse> {
    principal.need_planner("添加人员 / add an officer")?;
    let key = key_of(&headers)?;
    let body = serde_json::to_vec(&("officer", &wish)).map_err(|e| Problem::internal(e.to_string()))?;
    // the same request makes the same officer
    let made = hex(&Sha256::digest(format!("{}\0{key}", principal.actor).as_bytes()));
    let id = wish.id.clone().unwrap_or_else(|| format!("o-{}", made.get(..24).unwrap_or_default()));
    let row = wish.row(&app, id.clone(), 0)?;
    let once = Idempotency { key, body_sha256: hex(&Sha256::digest(&body)) };
    let report = put(&app, &principal, row, None, Expect::New, Some(once)).await?;
    if report.inserted == 0 {
        let what = format!("人员 {id} 已存在 / there is an officer {id} already");
        return Err(Problem::new(StatusCode::CONFLICT, "exists", what).field("id"));
    }
    let officer = find(&app, &principal.scope, &id).await?;
    let version = etag(officer.row_version);
    Ok((StatusCode::CREATED, [(header::ETAG, version)], axum::Json(json!({ "officer": shown(&officer) }))))
}

pub(in crate::api) async fn replace(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    Json(wish): Json<Officer>,
) -> Answer<impl IntoResponse> {
    principal.need_planner("修改人员 / change an officer")?;
    let versions = Versions::of(&headers)?;
    if wish.id.as_ref().is_some_and(|i| *i != id) {
        return Err(wrong("id", "与路径不同 / other than in the path"));
    }
    let version = versions.check(find(&app, &principal.scope, &id).await?.row_version)?;
    let columns = wish.columns();
    let row = wish.row(&app, id.clone(), version)?;
    let report = put(&app, &principal, row, Some(columns), Expect::Known, None).await?;
    if let Some(conflict) = report.conflicts.first() {
        return Err(stale(conflict.store_version));
    }
    let officer = find(&app, &principal.scope, &id).await?;
    Ok(([(header::ETAG, etag(officer.row_version))], axum::Json(json!({ "officer": shown(&officer) }))))
}

pub(in crate::api) async fn remove(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    principal.need_planner("删除人员 / delete an officer")?;
    let versions = Versions::of(&headers)?;
    let version = versions.check(find(&app, &principal.scope, &id).await?.row_version)?;
    let ids = [id];
    match app.store.remove(&principal.scope, &principal.actor, Layer::Officers, &ids, (Some(version), None)).await {
        Err(crate::store::StoreError::Conflict { current_version, .. }) => return Err(stale(current_version)),
        other => other?,
    };
    app.tail.look_now();
    Ok(StatusCode::NO_CONTENT)
}
