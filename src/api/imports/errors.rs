//! The rows of a file that cannot be stored, as a table with the reasons.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments};
use crate::api::outgoing::send;
use crate::exchange::gate::{FaultList, Mapping, write_bad_rows};
use crate::exchange::{Format, open};

use super::{Imports, Subject, Turn, Upload};

const FILE: &str = "errors";

/// `GET /api/imports/{id}/errors`.
pub(in crate::api) async fn errors(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<Response> {
    principal.need_planner("导入 / import")?;
    params.only(&["f"])?;
    let format = match params.get("f").unwrap_or("csv") {
        "csv" => Format::Csv,
        "xlsx" => Format::Xlsx,
        _ => return Err(Problem::bad("f", "csv, xlsx")),
    };
    let upload = app.imports.find(&principal, &id)?;
    let turn = upload.turn()?;
    let running = app.clone();
    let written = tokio::task::spawn_blocking(move || table(&running.imports, turn, format)).await;
    let folder = written.map_err(|e| Problem::internal(e.to_string()))??;
    send(&folder.path().join(FILE), folder, "errors", format).await
}

fn table(imports: &Imports, turn: Turn, format: Format) -> Answer<tempfile::TempDir> {
    let upload: &Upload = &turn.0;
    let (faults, reading) = {
        let state = upload.state();
        (state.faults.clone(), state.reading.clone())
    };
    let mut faults: FaultList = faults.ok_or_else(Problem::missing)?;
    for fault in &mut faults.faults {
        upload.file_name.clone_into(&mut fault.file);
        fault.reason = upload.told(&fault.reason);
    }
    let failed = |e: String| Problem::internal(format!("errors of an import: {e}"));
    let folder = tempfile::tempdir().map_err(|e| failed(e.to_string()))?;
    let path = folder.path().join(FILE);
    match &upload.subject {
        Subject::Ledger { .. } => faults.write(format, &path).map_err(|e| failed(e.to_string()))?,
        Subject::Layer(schema) => {
            let source =
                open(&upload.path(), &reading.open_options(imports, upload)).map_err(|e| failed(e.to_string()))?;
            let overrides = reading.overrides();
            let mapping =
                Mapping::guess(schema, &source.head().columns, &overrides).map_err(|e| failed(e.to_string()))?;
            write_bad_rows(source, &mapping, &faults, format, &path).map_err(failed)?;
        }
    }
    Ok(folder)
}
