//! One step of an incident.

use serde_json::json;

use crate::domain::incident::{Case, Level, NotAllowed, State, advance, allowed};
use crate::domain::register::{IncidentRow, IncidentTransition};
use crate::store::error::{Refusal, StoreError, TransactError};
use crate::store::rows::{Layer, RegisterRow, sum_of};
use crate::store::scope::{Right, Scope};
use crate::store::sql::Session;
use crate::store::value::Value;
use crate::store::{SqlStore, audit, dates, idempotency, insert};

use super::record::{hold_key, told};
use super::{IncidentAdvance, find, home};

fn kind_of(e: &NotAllowed) -> &'static str {
    match e {
        NotAllowed::Action { .. } => "not_allowed",
        NotAllowed::Reason { .. } => "reason",
        NotAllowed::Level { .. } | NotAllowed::NoLevel { .. } => "level",
        NotAllowed::NoDue => "due_at",
    }
}

/// Rows that came from files may hold words this program does not know: they have just been reported.
fn standing(row: &IncidentRow) -> (State, Level) {
    (State::find(&row.state).unwrap_or(State::Reported), Level::find(&row.level).unwrap_or(Level::Grid))
}

/// Takes a step.
pub(super) async fn take(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    request: &IncidentAdvance,
) -> Result<IncidentRow, TransactError> {
    scope.need(Right::HandleIncidents)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    let session_ref = session.as_mut();
    hold_key(session_ref, actor, request.idempotency.as_ref()).await?;
    let known: Option<IncidentRow> = idempotency::find(session_ref, actor, request.idempotency.as_ref()).await?;
    let mut row = find::one(session_ref, scope, &request.incident, true).await?;
    if let Some(answer) = known {
        // its words are not kept twice
        return Ok(IncidentRow { summary: row.summary, ..answer });
    }
    let steps = find::steps(session_ref, &row.id).await?;
    if request.base_version != row.row_version {
        let (author, time) = steps.last().map_or_else(Default::default, |t| (t.role.clone(), t.at.clone()));
        let grids = row.grid.iter().cloned().collect();
        return Err(StoreError::Conflict { grids, author, time, current_version: row.row_version, edit: None }.into());
    }
    let (state, level) = standing(&row);
    let since = steps.last().map_or(row.occurred_at.as_str(), |t| t.at.as_str());
    let case = Case { state, level, due_ms: row.due_at.as_deref().map(dates::ms_of), since_ms: dates::ms_of(since) };
    let moved = advance(&case, &request.step, request.allowance_ms, dates::ms_of(&at)).map_err(|e| Refusal {
        message: e.to_string(),
        detail: json!({
            "kind": kind_of(&e),
            "allowed": allowed(state, level).iter().map(|a| a.word()).collect::<Vec<_>>(),
        }),
    })?;
    let before = json!({"state": row.state, "level": row.level, "version": row.row_version});
    (row.state, row.level) = (moved.state.word().to_owned(), moved.level.word().to_owned());
    row.due_at = moved.due_ms.map(dates::stamp_of_ms);
    home::save(session_ref, &mut row).await?;
    let step = IncidentTransition {
        id: store.random_id(),
        incident: row.id.clone(),
        region: row.region.clone(),
        from_state: state.word().to_owned(),
        to_state: row.state.clone(),
        from_level: level.word().to_owned(),
        to_level: row.level.clone(),
        role: scope.role().word().to_owned(),
        at: at.clone(),
        due_at: row.due_at.clone(),
        reason: request.step.reason.clone().filter(|r| !r.trim().is_empty()),
        row_version: 1,
    };
    remember(session_ref, step).await?;
    let mut after = told(&row);
    if let Some(map) = after.as_object_mut() {
        map.insert("action".to_owned(), request.step.action.word().into());
        map.insert("due_at".to_owned(), json!(row.due_at));
    }
    let entry = audit::Entry {
        at: &at,
        actor,
        scope,
        operation: "incident.advance",
        subject: &row.id,
        before: Some(before.to_string()),
        after: Some(after.to_string()),
    };
    audit::append(session_ref, entry).await?;
    let answer = IncidentRow { summary: None, ..row.clone() };
    idempotency::keep(session_ref, actor, request.idempotency.as_ref(), &at, &answer).await?;
    session.commit().await?;
    Ok(row)
}

/// Appends the step's own row.
async fn remember(session: &mut dyn Session, step: IncidentTransition) -> Result<(), StoreError> {
    let spec = Layer::Transitions.spec();
    let mut columns = spec.columns.to_vec();
    columns.extend(["row_version", "row_sum"]);
    let version = step.row_version;
    let mut cells = RegisterRow::Transitions(step).values();
    let sum = sum_of(Layer::Transitions, &cells, version);
    cells.extend([Value::from(version), Value::from(sum)]);
    insert::rows(session, spec.table, &columns, vec![cells]).await
}
