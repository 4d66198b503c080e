//! Incidents listed, one incident, the lists of words.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Params, Segments};
use crate::domain::incident::dictionary::{LEVELS, STATES};
use crate::domain::incident::{Action, Level, State as Standing, allowed};
use crate::domain::register::IncidentRow;
use crate::plan::room;
use crate::store::{IncidentCursor, IncidentOrder, NearOfficer};

use super::{FILTERS, HANDLERS, Names, filter_of};

/// Incidents of a page where none are said, and the most.
const PAGE: u64 = 100;
const LONGEST_PAGE: u64 = 1_000;

fn written(cursor: &IncidentCursor) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\n{}", cursor.0, cursor.1))
}

fn read(text: &str) -> Option<IncidentCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (at, id) = std::str::from_utf8(&bytes).ok()?.split_once('\n')?;
    (!at.is_empty() && !bytes.contains(&0)).then(|| (at.to_owned(), id.to_owned()))
}

pub(in crate::api) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[&FILTERS[..], &["limit", "after", "order"]].concat())?;
    let names = Names::read(&app, &principal).await?;
    let filter = filter_of(&params, &names.lists)?;
    let order = match params.get("order") {
        None | Some("-occurred_at") => IncidentOrder::Newest,
        Some("occurred_at") => IncidentOrder::Oldest,
        Some(_) => return Err(Problem::bad("order", "-occurred_at、occurred_at")),
    };
    let limit = params.number("limit", 1..=LONGEST_PAGE)?.unwrap_or(PAGE) as u32;
    let wrong = || Problem::bad("after", "应为上一页的 next / the next of the page before");
    let after = params.get("after").map(|t| read(t).ok_or_else(wrong)).transpose()?;
    let page = app.store.find_incidents(&principal.scope, &filter, order, after.as_ref(), limit).await?;
    Ok(axum::Json(json!({
        "incidents": page.rows.iter().map(|i| names.incident(i)).collect::<Vec<_>>(),
        "next": page.next.as_ref().map(written),
        "number_matched": page.number_matched,
    })))
}

/// What can be done with an incident, and what must be said with it.
pub(super) fn actions(row: &IncidentRow) -> Vec<Value> {
    let state = Standing::find(&row.state).unwrap_or(Standing::Reported);
    let level = Level::find(&row.level).unwrap_or(Level::Grid);
    let needs = |action: Action| {
        let mut needs = Vec::new();
        needs.extend(action.needs_reason().then_some("reason"));
        needs.extend((action == Action::SetDue).then_some("due_at"));
        let back_down = matches!(state, Standing::Reported | Standing::Accepted | Standing::Suspended);
        needs.extend((action == Action::Return && back_down).then_some("level"));
        needs
    };
    allowed(state, level).into_iter().map(|a| json!({"action": a.word(), "needs": needs(a)})).collect()
}

pub(in crate::api) async fn one(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let names = Names::read(&app, &principal).await?;
    let (row, steps) = app.store.get_incident(&principal.scope, &id).await?;
    let may = HANDLERS.contains(&principal.scope.role());
    let photo = if may { app.store.get_photo(&principal.scope, &id, false).await? } else { None };
    let codes: Vec<String> = row.grid.iter().chain(&row.unit).cloned().collect();
    let near = app.store.officers_of(&principal.scope, &codes).await?;
    let of = |code: &Option<String>| -> Vec<Value> {
        let here = |o: &&NearOfficer| Some(&o.region) == code.as_ref();
        near.iter().filter(here).map(|o| json!({"id": o.id, "role": o.role})).collect()
    };
    Ok(axum::Json(json!({
        "incident": names.incident(&row),
        "transitions": steps.iter().map(|t| names.step(t)).collect::<Vec<_>>(),
        "photo": photo.as_ref().map(super::photo::shown),
        "allowed": if may { actions(&row) } else { Vec::new() },
        "near": {"grid_officers": of(&row.grid), "unit_officers": of(&row.unit)},
    })))
}

pub(in crate::api) async fn dictionaries(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let lists = room::dictionaries(app.store(), &principal.scope).await?;
    let categories = lists.categories.iter();
    let disputes = lists.disputes.iter();
    Ok(axum::Json(json!({
        "categories": categories
            .map(|c| json!({"key": c.key, "name": c.name, "name_en": c.name_en, "enabled": c.enabled, "due_hours": c.due_hours}))
            .collect::<Vec<_>>(),
        "disputes": disputes.map(|d| json!({"key": d.key, "name": d.name, "name_en": d.name_en})).collect::<Vec<_>>(),
        "states": Standing::ALL.iter().map(|s| json!({"key": s.word(), "name": lists.worded(STATES, s.word()).unwrap_or(s.name())})).collect::<Vec<_>>(),
        "levels": Level::ALL.iter().map(|l| json!({"key": l.word(), "name": lists.worded(LEVELS, l.word()).unwrap_or(l.name())})).collect::<Vec<_>>(),
        "actions": Action::ALL.iter().map(|a| json!({"key": a.word(), "name": a.name()})).collect::<Vec<_>>(),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_is_read_as_it_was_written() {
        let cursor = ("2025-03-01T16:00:00.000Z".to_owned(), "E 事\"1".to_owned());
        assert_eq!(read(&written(&cursor)), Some(cursor));
        for bad in ["", "x", "!!", "AAAA", "eA"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
