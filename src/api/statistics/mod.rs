//! `/api/statistics`: incidents counted by what the office asks for, beside what there is to count them against.

mod count;
mod sheet;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::Params;
use super::incidents::{Names, filter_of};

pub(super) use count::{By, Counted, Line, counted};

const PARAMETERS: [&str; 10] = ["region", "from", "to", "by", "category", "level", "state", "open", "overdue", "f"];

pub(super) async fn statistics(State(app): State<Arc<App>>, principal: Principal, params: Params) -> Answer<Response> {
    params.only(&PARAMETERS)?;
    let by = match params.get("by") {
        None => By::Category,
        Some(word) => By::find(word).ok_or_else(|| Problem::bad("by", By::WORDS.map(|w| w.0).join("、")))?,
    };
    let names = Names::read(&app, &principal).await?;
    let filter = filter_of(&params, &names.lists)?;
    let counted = counted(&app, &principal, &names, &filter, by).await?;
    match params.get("f") {
        None | Some("json") => Ok(axum::Json(counted.to_json(&params)).into_response()),
        Some(f @ ("csv" | "xlsx")) => {
            if !principal.takes_copies() {
                let told = json!({"format": f}).to_string();
                app.store.note(&principal.scope, &principal.actor, "export.refused", "statistics", &told).await?;
                return Err(Problem::forbidden("该角色不能导出文件 / this role may not take copies out"));
            }
            let told =
                json!({"format": f, "by": by.word(), "region": filter.region, "from": filter.from, "to": filter.to});
            app.store.note(&principal.scope, &principal.actor, "export.file", "statistics", &told.to_string()).await?;
            sheet::file(&counted, f).await
        }
        Some(_) => Err(Problem::bad("f", "json、csv、xlsx")),
    }
}
