//! Bringing a file in, all of it or, where that was asked for, its good rows.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::error::{Answer, Problem};
use crate::api::jobs::Work;
use crate::exchange::gate::FaultList;
use crate::store::Idempotency;

use super::judged::{faults, run_layer, run_ledger};
use super::{Subject, Upload};

/// Rows in conflict that are named.
const NAMED: usize = 100;

/// Brings the file in.
pub(super) async fn store(
    app: &App,
    upload: &Upload,
    work: &Work,
    partial: bool,
    (idempotency, reason): (Idempotency, Option<String>),
) -> Answer<Value> {
    match &upload.subject {
        Subject::Layer(schema) => {
            let outcome = {
                let why = (Some(idempotency), reason.as_deref());
                run_layer(app, upload, work, schema, (false, partial), why).await?
            };
            let refused = outcome.refused_rows;
            let stopped = refuse(upload, &outcome.faults, partial);
            upload.state().faults = Some(outcome.faults);
            stopped?;
            let Some((_, done)) = outcome.stored.last() else { return Err(Problem::internal("nothing was stored")) };
            if !done.stored && !done.conflicts.is_empty() {
                let what = format!(
                    "{0} 行在导出后已被他人修改，未入库；请重新导出后再改，或只导入其余行（partial） / {0} rows were changed in the store since this was exported, nothing was stored: export again and repeat the edits, or bring the other rows in (partial)",
                    done.conflicts.len()
                );
                let named: Vec<Value> = done.conflicts.iter().take(NAMED).map(|c| json!(c)).collect();
                return Err(Problem::new(StatusCode::CONFLICT, "row_conflicts", what).with("conflicts", named));
            }
            app.tail.look_now();
            Ok(json!({
                "inserted": done.inserted, "updated": done.updated, "unchanged": done.unchanged,
                "conflicts": done.conflicts.len(), "refused": refused, "buildings": done.buildings_made,
                "register_version": done.register_version,
            }))
        }
        Subject::Ledger { ledger, plan } => {
            let outcome = run_ledger(app, upload, work, *ledger, plan.as_deref(), (false, partial)).await?;
            let stopped = refuse(upload, &outcome.faults, partial);
            upload.state().faults = Some(outcome.faults.clone());
            stopped?;
            app.plans_changed();
            let plans: Vec<Value> =
                outcome.committed.iter().map(|(plan, version)| json!({"plan": plan, "version": version})).collect();
            Ok(json!({
                "inserted": 0, "updated": outcome.changed_rows, "unchanged": outcome.unchanged_rows, "conflicts": 0,
                "refused": outcome.faults.total, "cells": outcome.cells.len(), "plans": plans,
            }))
        }
    }
}

/// Faults stop everything unless the rest is wanted.
fn refuse(upload: &Upload, list: &FaultList, partial: bool) -> Answer<()> {
    if list.is_empty() || partial {
        return Ok(());
    }
    let what = format!(
        "共 {0} 处错误，未入库；改正后重试，或只导入其余行（partial） / {0} faults, nothing was stored: mend them, or bring the other rows in (partial)",
        list.total
    );
    let p = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "faulty_rows", what);
    Err(p.with("errors", faults(upload, list)).with("error_count", list.total))
}
