//! The rounds of a room that never sleeps: what is overdue, what grows, what nobody looked at, what is over.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::incident::alerts::{AlertKind, AlertRule};
use crate::domain::incident::{Level, State};
use crate::domain::register::IncidentRow;
use crate::store::{AlertRow, AlertStep, IncidentFilter, IncidentOrder, Role, Scope, Store, StoreError};

use super::hotspots::{Ground, HotspotWish, View, room_hotspots};
use super::moments;

/// Who the log says did it.
pub const ACTOR: &str = "room";
/// Overdue incidents that alarm at most: beyond that it is a backlog, not an alarm.
const MOST_OVERDUE: u32 = 200;
/// Alerts looked through.
const MOST: u32 = 10_000;

fn everything() -> Scope {
    Scope::whole_store(Role::Admin)
}

/// The most exact code of where an incident is.
#[must_use]
pub fn place_of(row: &IncidentRow) -> &str {
    row.unit.as_deref().or(row.grid.as_deref()).unwrap_or(&row.region)
}

fn alert(rule: &AlertRule, subject: &str, at: (&str, &str), title: String, level: Level, now_ms: i64) -> AlertRow {
    AlertRow {
        rule: rule.id.clone(),
        kind: rule.kind.word().to_owned(),
        subject: format!("{}:{subject}", rule.kind.word()),
        place: at.0.to_owned(),
        region: at.1.to_owned(),
        title,
        level: level.word().to_owned(),
        escalates_at: Some(moments::stored(moments::of_ms(now_ms + rule.patience_ms()))),
        ..AlertRow::default()
    }
}

/// The alert of an emergency, if a rule is about it.
#[must_use]
pub fn of_emergency(rules: &[AlertRule], row: &IncidentRow, now_ms: i64) -> Option<AlertRow> {
    let rule = rules.iter().find(|r| r.kind == AlertKind::Emergency && r.covers(&row.region))?;
    let level = Level::find(&row.level).unwrap_or(Level::Grid);
    let title = "突发事件 / emergency".to_owned();
    let made = alert(rule, &row.id, (place_of(row), &row.region), title, level, now_ms);
    Some(AlertRow { incident: Some(row.id.clone()), ..made })
}

/// One round over incidents and alerts: opens what is overdue, closes what is over, takes what nobody looked at up. How many changed.
///
/// # Errors
/// What the store says.
pub async fn round(store: &dyn Store, now_ms: i64) -> Result<u64, StoreError> {
    let scope = everything();
    let rules = store.alert_rules(&scope).await?;
    let now = moments::stored(moments::of_ms(now_ms));
    let open = store.list_alerts(&scope, None, Some(true), MOST).await?;
    let mut changed = 0;
    let filter = IncidentFilter { overdue: Some(true), now: now.clone(), ..IncidentFilter::default() };
    let late = store.find_incidents(&scope, &filter, IncidentOrder::Newest, None, MOST_OVERDUE).await?.rows;
    let known: BTreeSet<&str> = open.iter().map(|a| a.subject.as_str()).collect();
    let fresh: Vec<AlertRow> = late
        .iter()
        .filter_map(|row| {
            let rule = rules.iter().find(|r| r.kind == AlertKind::Overdue && r.covers(&row.region))?;
            let level = Level::find(&row.level).unwrap_or(Level::Grid);
            let title = "事件超期 / an incident is overdue".to_owned();
            let made = alert(rule, &row.id, (place_of(row), &row.region), title, level, now_ms);
            Some(AlertRow { incident: Some(row.id.clone()), ..made })
        })
        .filter(|a| !known.contains(a.subject.as_str()))
        .collect();
    if !fresh.is_empty() {
        changed += store.open_alerts(&scope, ACTOR, fresh).await?.len() as u64;
    }
    for a in &open {
        if is_over(store, a, now_ms).await? {
            store.step_alert(&scope, ACTOR, &a.id, AlertStep::Close, "").await?;
            changed += 1;
        } else if a.escalates_at.as_ref().is_some_and(|at| *at <= now) {
            let patience_ms = rules.iter().find(|r| r.id == a.rule).map_or(3_600_000, AlertRule::patience_ms);
            store.step_alert(&scope, ACTOR, &a.id, AlertStep::Escalate { patience_ms }, "").await?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// Whether what an alert is about is over; hotspots are told by [`hotspot_round`].
async fn is_over(store: &dyn Store, alert: &AlertRow, now_ms: i64) -> Result<bool, StoreError> {
    let Some(id) = &alert.incident else { return Ok(false) };
    let row = match store.get_incident(&everything(), id).await {
        Ok((row, _)) => row,
        Err(StoreError::NotFound { .. }) => return Ok(true),
        Err(e) => return Err(e),
    };
    let state = State::find(&row.state).unwrap_or(State::Reported);
    let due_ms = row.due_at.as_deref().and_then(moments::parse).map(moments::ms);
    Ok(match AlertKind::find(&alert.kind) {
        Some(AlertKind::Overdue) => !state.is_overdue(due_ms, now_ms),
        _ => !state.is_running() && state != State::Suspended,
    })
}

/// Cells that are more than chance and new or growing, by a rule.
///
/// # Errors
/// What cannot be judged.
pub fn hot_and_growing(
    ground: &Ground,
    rule: &AlertRule,
    end_ms: i64,
) -> Result<Vec<String>, crate::hotspot::HotspotError> {
    if ground.incidents.is_empty() {
        return Ok(Vec::new());
    }
    let begin_ms = end_ms - i64::from(rule.days.max(8)) * 86_400_000;
    let wish = |view| HotspotWish { view, resolution: rule.resolution, period_ms: (begin_ms, end_ms), seed: 1 };
    let significant = room_hotspots(ground, &wish(View::Gi))?;
    let courses = room_hotspots(ground, &wish(View::Emerging))?;
    let grows: BTreeMap<&str, bool> = courses
        .cells
        .iter()
        .map(|c| (c.h3.as_str(), matches!(c.emerging, Some("new_hot" | "consecutive_hot" | "intensifying_hot"))))
        .collect();
    let hot = significant.cells.iter().filter(|c| c.class == Some("hot"));
    Ok(hot.filter(|c| grows.get(c.h3.as_str()) == Some(&true)).map(|c| c.h3.clone()).collect())
}

/// A cell that alarms: its index, and the code of where its middle lies.
pub struct AlarmedCell {
    /// Index.
    pub h3: String,
    /// Code of the village or the region.
    pub region: String,
}

/// Opens alerts for cells that alarm by a rule, and closes those of cells that no longer do. How many changed.
///
/// # Errors
/// What the store says.
pub async fn hotspot_round(
    store: &dyn Store,
    rule: &AlertRule,
    cells: &[AlarmedCell],
    now_ms: i64,
) -> Result<u64, StoreError> {
    let scope = everything();
    let open = store.list_alerts(&scope, None, Some(true), MOST).await?;
    let own = || open.iter().filter(|a| a.rule == rule.id && a.kind == rule.kind.word());
    let known: BTreeSet<&str> = own().filter_map(|a| a.cell.as_deref()).collect();
    let fresh: Vec<AlertRow> = cells
        .iter()
        .filter(|c| !known.contains(c.h3.as_str()) && rule.covers(&c.region))
        .map(|c| {
            let title = "显著且增强的热点 / a significant, growing hotspot".to_owned();
            let made = alert(rule, &c.h3, (&c.region, &c.region), title, Level::Village, now_ms);
            AlertRow { cell: Some(c.h3.clone()), ..made }
        })
        .collect();
    let mut changed = 0;
    if !fresh.is_empty() {
        changed += store.open_alerts(&scope, ACTOR, fresh).await?.len() as u64;
    }
    let now: BTreeSet<&str> = cells.iter().map(|c| c.h3.as_str()).collect();
    for a in own().filter(|a| a.cell.as_deref().is_some_and(|c| !now.contains(c))) {
        store.step_alert(&scope, ACTOR, &a.id, AlertStep::Close, "").await?;
        changed += 1;
    }
    Ok(changed)
}
