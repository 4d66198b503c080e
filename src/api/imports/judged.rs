//! Judging a file: what would be stored, and every row that would not be.

use serde_json::{Map, Value, json};

use crate::api::App;
use crate::api::error::Answer;
use crate::api::jobs::Work;
use crate::exchange::Cell;
use crate::exchange::gate::schema::LayerSchema;
use crate::exchange::gate::{CellFault, FaultList};
use crate::exchange::ledger::Ledger;
use crate::plan::register::{
    ImportOutcome, ImportWish, LedgerImport, LedgerOutcome, Pass, RegisterError, SampleRow, china_today, import_files,
    import_ledger,
};
use crate::store::{Expect, ImportReport, StoreError};

use super::reading::{columns, refused};
use super::{Subject, Upload};

/// Faults kept for the list.
pub(super) const FAULTS_KEPT: usize = 10_000;
/// Faults shown.
const SHOWN: usize = 1_000;
/// Places to be looked at that are said as lines, before they are only counted.
const CAUTIONS_SAID: usize = 20;
/// Regions shown.
const REGIONS: usize = 1_000;

/// Judges the file as it is to be read now.
pub(super) async fn judge(app: &App, upload: &Upload, work: &Work) -> Answer<Value> {
    let faults;
    let answer = match &upload.subject {
        Subject::Layer(schema) => {
            let outcome = run_layer(app, upload, work, schema, (true, true), (None, None)).await?;
            let answer = shown(app, upload, work, &outcome).await?;
            faults = outcome.faults;
            answer
        }
        Subject::Ledger { ledger, plan } => {
            let outcome = run_ledger(app, upload, work, *ledger, plan.as_deref(), (true, true)).await?;
            let answer = shown_ledger(upload, &outcome);
            faults = outcome.faults;
            answer
        }
    };
    upload.state().faults = Some(faults);
    Ok(answer)
}

/// Brings the file in, or says what would happen (`dry_run`).
pub(super) async fn run_layer(
    app: &App,
    upload: &Upload,
    work: &Work,
    schema: &'static LayerSchema,
    (dry_run, partial): (bool, bool),
    (idempotency, reason): (Option<crate::store::Idempotency>, Option<&str>),
) -> Answer<ImportOutcome> {
    let reading = upload.state().reading.clone();
    let scope = &work.principal.scope;
    let (files, overrides, region) = ([upload.path()], reading.overrides(), reading.region(scope));
    work.bytes(upload.bytes);
    let progress = |pass: Pass, rows: u64| {
        work.rows(rows);
        let half = (rows as f64 / upload.rows_guessed as f64).min(1.0) * 0.49;
        match pass {
            Pass::Judging => work.tell("检查 judging", half),
            Pass::Storing if dry_run => work.tell("与库比对 comparing", 0.5 + half),
            Pass::Storing => work.tell("入库 storing", 0.5 + half),
        }
    };
    let wish = ImportWish {
        schema,
        files: &files,
        open: reading.open_options(&app.imports, upload),
        overrides: &overrides,
        region: region.as_deref(),
        expect: Expect::Either,
        compared: None,
        dry_run,
        partial,
        faults_kept: FAULTS_KEPT,
        idempotency,
        reason,
        sealer: app.sealer.clone(),
        cancel: Some(work.cancel_flag()),
        progress: &progress,
    };
    import_files(app.store(), scope, &work.principal.actor, &wish)
        .await
        .map_err(|e| refused(&app.imports, upload, &reading, e))
}

/// The same for an edited ledger.
pub(super) async fn run_ledger(
    app: &App,
    upload: &Upload,
    work: &Work,
    ledger: Ledger,
    plan: Option<&str>,
    (dry_run, partial): (bool, bool),
) -> Answer<LedgerOutcome> {
    let reading = upload.state().reading.clone();
    let (files, today) = ([upload.path()], china_today());
    let wish = LedgerImport {
        ledger,
        files: &files,
        open: reading.open_options(&app.imports, upload),
        plan,
        today: &today,
        dry_run,
        partial,
        faults_kept: FAULTS_KEPT,
    };
    work.bytes(upload.bytes);
    work.tell("检查 judging", 0.1);
    if work.cancel().load(std::sync::atomic::Ordering::Relaxed) {
        return Err(StoreError::Cancelled.into());
    }
    let done = import_ledger(app.store(), &work.principal.scope, &work.principal.actor, &wish).await;
    done.map_err(|e| match e {
        RegisterError::NoLayer { .. } => crate::api::error::Problem::missing(),
        e => refused(&app.imports, upload, &reading, e),
    })
}

/// What is to be looked at, as one line.
fn caution(f: &CellFault) -> String {
    let column = f.column.as_deref().unwrap_or("–");
    format!("第 {0} 行 列 {column}（row {0}, column {column}）：{1}", f.row, f.reason)
}

/// A fault as clients see it.
fn fault(upload: &Upload, f: &CellFault) -> Value {
    json!({
        "file": upload.file_name, "sheet": f.sheet, "row": f.row, "column": f.column, "id": f.id, "code": f.code,
        "message": upload.told(&f.reason),
    })
}

pub(super) fn faults(upload: &Upload, list: &FaultList) -> Value {
    Value::Array(list.faults.iter().take(SHOWN).map(|f| fault(upload, f)).collect())
}

pub(super) fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(t) | Cell::Date(t) => t.as_str().into(),
        Cell::Whole(v) => (*v).into(),
        Cell::Real(v) => json!(v),
        Cell::Bool(b) => (*b).into(),
    }
}

fn sample(row: &SampleRow) -> Value {
    let mut fields: Map<String, Value> = row.fields.iter().map(|(n, c)| ((*n).to_owned(), value(c))).collect();
    fields.extend(row.place.map(|at| ("at".to_owned(), json!(at))));
    Value::Object(fields)
}

async fn shown(app: &App, upload: &Upload, work: &Work, outcome: &ImportOutcome) -> Answer<Value> {
    let none = ImportReport::default();
    let stored = outcome.stored.last().map_or(&none, |(_, r)| r);
    let codes: Vec<String> = outcome.regions.keys().take(REGIONS).cloned().collect();
    let names = app.village_names(&work.principal.scope, &codes).await?;
    let regions: Vec<Value> = codes
        .iter()
        .map(|code| json!({"code": code, "name": names.get(code), "rows": outcome.regions.get(code)}))
        .collect();
    let report = outcome.reports.first().map(|(_, r)| r);
    let mut warnings: Vec<String> =
        report.map(|r| r.warnings.iter().map(|w| upload.told(w)).collect()).unwrap_or_default();
    warnings.extend(outcome.cautions.faults.iter().take(CAUTIONS_SAID).map(caution));
    if outcome.cautions.total > CAUTIONS_SAID as u64 {
        let total = outcome.cautions.total;
        warnings.push(format!("共 {total} 处请核对，见 cautions，不妨碍入库 / {total} places to be looked at, see cautions; none keeps a row out"));
    }
    Ok(json!({
        "import": {"id": upload.id},
        "layer": upload.subject.name(),
        "file_name": upload.file_name,
        "bytes": upload.bytes,
        "format": upload.format.name(),
        "encoding": report.and_then(|r| r.encoding).map(str::to_lowercase),
        "crs": report.and_then(|r| r.crs.clone()),
        "datum_suspected": report.and_then(|r| r.suspicion.as_ref()).map(|s| s.datum.to_owned()),
        "columns": report.map_or_else(|| json!([]), |r| columns(&r.mapping)),
        "warnings": warnings,
        "cautions": faults(upload, &outcome.cautions),
        "caution_count": outcome.cautions.total,
        "rows": report.map_or(0, |r| r.rows),
        "counts": {
            "insert": stored.inserted, "update": stored.updated, "unchanged": stored.unchanged,
            "conflict": stored.conflicts.len(), "refused": outcome.refused_rows, "buildings": stored.buildings_made,
        },
        "errors": faults(upload, &outcome.faults),
        "error_count": outcome.faults.total,
        "sample": outcome.sample.iter().map(sample).collect::<Vec<_>>(),
        "regions": regions,
    }))
}

fn shown_ledger(upload: &Upload, outcome: &LedgerOutcome) -> Value {
    let cells = outcome.cells.iter().take(SHOWN).map(|c| {
        json!({"row": c.row, "code": c.code, "column": c.column, "before": value(&c.before), "after": value(&c.after)})
    });
    json!({
        "import": {"id": upload.id},
        "layer": upload.subject.name(),
        "file_name": upload.file_name,
        "bytes": upload.bytes,
        "format": upload.format.name(),
        "rows": outcome.changed_rows + outcome.unchanged_rows,
        "counts": {
            "insert": 0, "update": outcome.changed_rows, "unchanged": outcome.unchanged_rows, "conflict": 0,
            "unclaimed": outcome.unclaimed_rows,
        },
        "cells": cells.collect::<Vec<_>>(),
        "cell_count": outcome.cells.len(),
        "errors": faults(upload, &outcome.faults),
        "error_count": outcome.faults.total,
    })
}
