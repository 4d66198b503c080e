//! `/api/ledgers`: the tables that offices keep, out as Excel or CSV; an edited one comes back through `/api/imports`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use crate::exchange::ledger::Ledger;
use crate::exchange::{Format, WriteOptions};
use crate::plan::register::{LedgerWish, china_today, export_ledger};
use crate::store::Scope;

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::exports::{need_copies, purpose_of};
use super::extract::{Params, Segments};
use super::outgoing::send;

pub(super) async fn ledger(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(kind): Segments<String>,
    params: Params,
) -> Answer<Response> {
    let known = Ledger::named(&format!("ledger-{kind}"));
    need_copies(&app, &principal, known.map_or("ledger", Ledger::name)).await?;
    let ledger = known.ok_or_else(Problem::missing)?;
    params.only(&["plan", "f", "region", "with_names", "purpose"])?;
    let format = match params.get("f").unwrap_or("xlsx") {
        "xlsx" => Format::Xlsx,
        "csv" => Format::Csv,
        _ => return Err(Problem::bad("f", "xlsx, csv")),
    };
    let with_names = match params.get("with_names").unwrap_or("false") {
        "true" => true,
        "false" => false,
        _ => return Err(Problem::bad("with_names", "true, false")),
    };
    let names_for = purpose_of(with_names, params.get("purpose"))?;
    let (plan, region) = (params.get("plan").map(str::to_owned), params.get("region").map(str::to_owned));
    if let Some(region) = &region {
        Scope::region(principal.scope.role(), region).map_err(|e| Problem::bad("region", e.to_string()))?;
    }
    let folder = tempfile::tempdir().map_err(|e| Problem::internal(format!("temporary folder: {e}")))?;
    let path = folder.path().join("ledger");
    let (scope, actor) = (principal.scope.clone(), principal.actor.clone());
    let told = json!({"format": format.name(), "region": region, "plan": plan, "purpose": names_for});
    let written = path.clone();
    app.off_thread(move |app| async move {
        let today = china_today();
        let wish = LedgerWish {
            ledger,
            format,
            region: region.as_deref(),
            plan: plan.as_deref(),
            names_for: names_for.as_deref(),
            as_of: None,
            today: &today,
            options: WriteOptions::default(),
        };
        export_ledger(app.store(), &scope, &actor, &wish, &written).await
    })
    .await?;
    app.store.note(&principal.scope, &principal.actor, "export.file", ledger.name(), &told.to_string()).await?;
    send(&path, folder, ledger.name(), format).await
}
