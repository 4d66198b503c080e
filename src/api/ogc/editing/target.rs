//! Who edits what: what every handler begins with.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments};
use crate::api::memory::{Collection, content_of};
use crate::api::ogc::items::named;
use crate::api::preconditions::Versions;
use crate::api::reasons;
use crate::exchange::gate::schema::LayerSchema;
use crate::store::{Filter, Layer, RegisterRow};

/// What can be edited feature by feature.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) collection: Collection,
    pub(super) layer: Layer,
    pub(super) schema: &'static LayerSchema,
    /// The field that is the feature's id.
    pub(super) key: &'static str,
}

impl Target {
    /// The register's layer behind a collection; `None` for what changes another way.
    pub(super) fn of(collection: Collection) -> Option<Self> {
        let layer = match collection {
            Collection::Regions => Layer::Regions,
            Collection::Buildings => Layer::Buildings,
            Collection::Households => Layer::Households,
            Collection::Grids
            | Collection::Units
            | Collection::Leaders
            | Collection::Incidents
            | Collection::Hotspots => return None,
        };
        Some(Self { collection, layer, schema: LayerSchema::named(collection.id())?, key: collection.spec().key? })
    }
}

/// Whether features of a collection are edited here, so that their version is told.
pub(in crate::api::ogc) fn is_editable(collection: Collection) -> bool {
    Target::of(collection).is_some()
}

/// 405 with the way that leads there.
fn elsewhere(collection: Collection) -> Response {
    let what = "此图层的要素不能单独编辑 / features of this collection are not edited one by one";
    let hint = match collection {
        Collection::Incidents => {
            "事件按流程上报和办理：POST /api/incidents / incidents are reported and moved along: POST /api/incidents"
        }
        Collection::Hotspots => "热点由事件算出 / hotspots are computed from incidents",
        _ => {
            "网格、单元和联户长由方案的操作改变：POST /api/plans/{id}/edits / grids, units and leaders change by operations on a plan: POST /api/plans/{id}/edits"
        }
    };
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not_editable", what).hint(hint);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
    response
}

/// A wish to edit, by somebody who may, of something that can be.
pub(in crate::api) struct Edit {
    pub(super) principal: Principal,
    pub(super) target: Target,
    /// The feature of the path; empty where there is none yet.
    pub(super) id: String,
    /// Why, as the logs keep it: the parameter `reason`.
    pub(super) reason: Option<String>,
}

/// What the path says.
#[derive(Deserialize)]
struct Place {
    collection: String,
    #[serde(default)]
    id: String,
}

impl FromRequestParts<Arc<App>> for Edit {
    type Rejection = Response;

    /// Refuses whoever may not edit, then what cannot be.
    async fn from_request_parts(parts: &mut Parts, state: &Arc<App>) -> Result<Self, Response> {
        let begun: Answer<_> = async {
            let principal = Principal::from_request_parts(parts, state).await?;
            let Segments(Place { collection, id }) = Segments::from_request_parts(parts, state).await?;
            principal.need_planner("编辑要素 / edit features")?;
            Ok((principal, named(&collection)?, id))
        }
        .await;
        let (principal, collection, id) = begun.map_err(Problem::into_response)?;
        let target = Target::of(collection).ok_or_else(|| elsewhere(collection))?;
        let reason = reason_of(parts).map_err(Problem::into_response)?;
        Ok(Self { principal, target, id, reason })
    }
}

fn reason_of(parts: &Parts) -> Answer<Option<String>> {
    let params = Params::parse(parts.uri.query().unwrap_or_default())?;
    params.only(&["reason"])?;
    reasons::checked(params.get("reason"))
}

impl Edit {
    /// The feature's row as it is now, which must have a version that the client read; that version.
    pub(super) async fn standing(&self, app: &App, headers: &HeaderMap) -> Answer<(RegisterRow, u64)> {
        let versions = Versions::of(headers)?;
        let row = find(app, &self.principal, self.target, &self.id).await?;
        let content = content_of(self.target.collection, &row).unwrap_or_default();
        let version = versions.check_row(row.row_version(), content)?;
        Ok((row, version))
    }
}

/// The row as it is in the store now.
pub(super) async fn find(app: &App, principal: &Principal, target: Target, id: &str) -> Answer<RegisterRow> {
    let filter = Filter { ids: Some(vec![id.to_owned()]), limit: Some(1), ..Filter::default() };
    let page = app.store.list(&principal.scope, target.layer, &filter).await?;
    page.rows.into_iter().next().ok_or_else(Problem::missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_edited_one_by_one_is_no_target() {
        let editable: Vec<Collection> = Collection::ALL.into_iter().filter(|c| is_editable(*c)).collect();
        assert_eq!(editable, [Collection::Regions, Collection::Buildings, Collection::Households]);
        assert_eq!(
            elsewhere(Collection::Grids).headers().get(header::ALLOW).map(|v| v.as_bytes()),
            Some(&b"GET, HEAD"[..])
        );
    }
}
