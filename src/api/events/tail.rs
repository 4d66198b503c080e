//! Follows the audit log: what it tells makes events, and makes collections be loaded anew.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::api::memory::{Collection, Memory};
use crate::domain::plan::{PlanHead, PlanStatus};
use crate::domain::register::AuditRow;
use crate::plan::room::moments;
use crate::store::{Layer, Role, Scope, Store, StoreError};

/// Between two looks at the log where the store tells of writes: in case a word was lost. One row read.
const LOOK: Duration = Duration::from_secs(1);
/// The same where it cannot be listened to.
const LOOK_DEAF: Duration = Duration::from_millis(200);
/// While the store does not answer.
const AGAIN: Duration = Duration::from_secs(1);
/// Entries read at once.
const STEP: u32 = 1_000;
/// Events kept at hand.
const KEPT: usize = 4_096;
/// Whoever is further behind than this starts anew.
const FARTHEST: u64 = 20_000;

/// Something that changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) id: u64,
    pub(super) kind: &'static str,
    /// JSON in one line.
    pub(super) data: String,
    reach: Reach,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq)]
enum Reach {
    /// Everybody whose area has anything in common with this one.
    Area(Scope),
    /// Whoever sees the incident itself.
    Incident { region: String, grid: Option<String>, unit: Option<String> },
    /// Whoever covers this code.
    Code(String),
}

impl Event {
    pub(super) fn is_seen_by(&self, scope: &Scope) -> bool {
        match &self.reach {
            Reach::Area(area) => scope.meets(area),
            Reach::Code(code) => scope.covers(code),
            Reach::Incident { region, grid, unit } => scope.covers_incident(region, grid.as_deref(), unit.as_deref()),
        }
    }
}

/// What came after an id.
pub(super) enum Since {
    /// These, and the id up to which they are all.
    Events(Vec<Arc<Event>>, u64),
    /// Too much, or an id from another log; the head now.
    Gone(u64),
}

/// The follower.
pub(crate) struct Tail {
    store: Arc<dyn Store>,
    memory: Arc<Memory>,
    head: watch::Sender<u64>,
    /// Counts changes of anybody's rights.
    doors: watch::Sender<u64>,
    wake: Notify,
    /// Whether the store tells of writes.
    hears: AtomicBool,
    /// The last events, and the id after which they are complete.
    kept: Mutex<(u64, VecDeque<Arc<Event>>)>,
}

fn log_reader() -> Scope {
    Scope::whole_store(Role::Auditor)
}

impl Tail {
    pub(crate) async fn new(
        store: Arc<dyn Store>,
        memory: Arc<Memory>,
        doors: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        let head = store.audit_head(&log_reader()).await?;
        let kept = Mutex::new((head, VecDeque::new()));
        Ok(Self {
            store,
            memory,
            head: watch::Sender::new(head),
            doors,
            wake: Notify::new(),
            hears: AtomicBool::new(false),
            kept,
        })
    }

    /// The number of the last entry, to be watched.
    pub(super) fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Looks at the log without waiting for the next turn.
    pub(crate) fn look_now(&self) {
        self.wake.notify_one();
    }

    /// Follows for ever.
    pub(crate) async fn follow(self: Arc<Self>) {
        loop {
            let pause = match self.look().await {
                Ok(()) if self.hears.load(Ordering::Relaxed) => LOOK,
                Ok(()) => LOOK_DEAF,
                Err(e) => {
                    tracing::warn!(cause = %e, "the log cannot be read");
                    AGAIN
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Listens to the store, and looks at the log as soon as anybody wrote; for ever.
    pub(crate) async fn hear(self: Arc<Self>) {
        loop {
            let deaf = match self.store.listen().await {
                Ok(mut ear) => {
                    self.hears.store(true, Ordering::Relaxed);
                    loop {
                        // what was written before there was an ear is seen by the first look
                        self.look_now();
                        if let Err(e) = ear.heard().await {
                            break e;
                        }
                    }
                }
                Err(e) => e,
            };
            self.hears.store(false, Ordering::Relaxed);
            tracing::warn!(cause = %deaf, "the store cannot be listened to: the log is looked at by the clock");
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let scope = log_reader();
        let mut last = *self.head.borrow();
        let head = self.store.audit_head(&scope).await?;
        while last < head {
            let rows = self.store.audit(&scope, last, STEP).await?;
            let Some(end) = rows.last().map(|r| r.seq) else { break };
            let mut events = Vec::new();
            for row in &rows {
                events.extend(self.tell(row).await?.map(Arc::new));
            }
            if let Ok(mut kept) = self.kept.lock() {
                kept.1.extend(events);
                while kept.1.len() > KEPT {
                    if let Some(gone) = kept.1.pop_front() {
                        kept.0 = gone.id;
                    }
                }
            }
            last = end;
            self.head.send_replace(end);
        }
        Ok(())
    }

    /// Tells of an entry that concerns data: to the collections made of it, and to clients.
    async fn tell(&self, row: &AuditRow) -> Result<Option<Event>, StoreError> {
        if row.operation.starts_with("plan.") {
            let Some(plan) = self.plan(&row.subject).await? else { return Ok(None) };
            // a draft is in no collection
            if plan.status != PlanStatus::Draft {
                self.memory.plans_changed(villages_of(row));
            }
            if row.operation == "plan.publish" {
                // open incidents are at home in the new plan's grids
                self.memory.changed([Collection::Incidents]);
            }
            return Ok(event_of_plan(row, &plan));
        }
        if row.operation.starts_with("register.") {
            match (Collection::named(&row.subject), keys_of(row)) {
                (Some(collection), Some(keys)) => self.memory.rows_changed(collection, keys),
                (Some(collection), None) => self.memory.changed([collection]),
                // several layers at once: better once too often
                (None, _) if Layer::named(&row.subject).is_none() => self.memory.changed(Collection::ALL),
                (None, _) => {}
            }
            return Ok(Some(event_of_register(row)));
        }
        if row.operation.starts_with("incident.") {
            // photos are in no collection
            if !row.operation.starts_with("incident.photo") {
                match keys_of(row) {
                    Some(keys) => self.memory.rows_changed(Collection::Incidents, keys),
                    None => self.memory.changed([Collection::Incidents]),
                }
            }
            return Ok(event_of_incident(row));
        }
        if row.operation.starts_with("alert.") {
            return Ok(event_of_alert(row));
        }
        // by whichever process: whoever listens is looked at again before anything later is told
        if matches!(row.operation.as_str(), "user.change" | "token.revoke" | "session.close") {
            self.doors.send_modify(|n| *n += 1);
        }
        Ok(None)
    }

    async fn plan(&self, id: &str) -> Result<Option<PlanHead>, StoreError> {
        match self.store.get_plan(&Scope::whole_store(Role::Viewer), id).await {
            Ok(head) => Ok(Some(head)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// An old entry as clients are told of it.
    async fn event(&self, row: &AuditRow) -> Result<Option<Event>, StoreError> {
        if row.operation.starts_with("plan.") {
            return Ok(self.plan(&row.subject).await?.and_then(|plan| event_of_plan(row, &plan)));
        }
        if row.operation.starts_with("incident.") {
            return Ok(event_of_incident(row));
        }
        if row.operation.starts_with("alert.") {
            return Ok(event_of_alert(row));
        }
        Ok(row.operation.starts_with("register.").then(|| event_of_register(row)))
    }

    /// Events after an id.
    pub(super) async fn since(&self, last: u64) -> Result<Since, StoreError> {
        let head = *self.head.borrow();
        if last > head || head - last > FARTHEST {
            return Ok(Since::Gone(head));
        }
        if let Ok(kept) = self.kept.lock()
            && kept.0 <= last
        {
            return Ok(Since::Events(kept.1.iter().filter(|e| e.id > last && e.id <= head).cloned().collect(), head));
        }
        let mut rows = self.store.audit(&log_reader(), last, STEP).await?;
        // what came since the last look is told by the next one: a client beyond the head would be sent back, and hear it twice
        rows.retain(|row| row.seq <= head);
        let up_to = rows.last().map_or(head, |r| r.seq);
        let mut events = Vec::new();
        for row in &rows {
            events.extend(self.event(row).await?.map(Arc::new));
        }
        Ok(Since::Events(events, up_to))
    }
}

/// Rows that an entry is about; `None` where it does not name them.
fn keys_of(row: &AuditRow) -> Option<Vec<String>> {
    let read = |text: &Option<String>| serde_json::from_str::<Value>(text.as_deref()?).ok();
    match row.operation.as_str() {
        "incident.report" | "incident.advance" => Some(vec![row.subject.clone()]),
        // the rows as they were, by their keys
        "register.remove" => Some(read(&row.before)?.as_object()?.keys().cloned().collect()),
        _ => {
            let named = read(&row.after)?;
            let keys = named.get("ids")?.as_array()?.iter().map(|key| key.as_str().map(str::to_owned));
            keys.collect()
        }
    }
}

/// Villages that an entry on a plan in force is about; `None` where that is all of it.
fn villages_of(row: &AuditRow) -> Option<Vec<String>> {
    let villages = match row.operation.as_str() {
        "plan.edit" | "plan.undo" | "plan.redo" => {
            let after: Value = serde_json::from_str(row.after.as_deref()?).ok()?;
            let grids = after.get("grids")?.as_array()?;
            grids.iter().map(|g| g.as_str()?.get(..12).map(str::to_owned)).collect::<Option<Vec<_>>>()?
        }
        "plan.derive" => vec![row.after.clone()?],
        _ => return None,
    };
    villages.iter().all(|v| v.len() == 12).then_some(villages)
}

fn event_of_plan(row: &AuditRow, plan: &PlanHead) -> Option<Event> {
    let area = Scope::region(Role::Viewer, &plan.region).ok()?;
    let data = json!({"operation": row.operation, "plan": plan.id, "region": plan.region, "at": row.at});
    Some(Event { id: row.seq, kind: "plan", data: data.to_string(), reach: Reach::Area(area) })
}

/// Where it happened is told by the area of whoever did it: rows outside of that were not touched.
fn event_of_register(row: &AuditRow) -> Event {
    let area = row.scope.split_once('@').and_then(|(_, area)| Scope::of_area(Role::Viewer, area).ok());
    let area = area.unwrap_or_else(|| Scope::whole_store(Role::Viewer));
    let data = json!({"operation": row.operation, "layer": row.subject, "at": row.at});
    Event { id: row.seq, kind: "register", data: data.to_string(), reach: Reach::Area(area) }
}

/// One incident, as the log has it; many at once are told as a change of the layer.
fn event_of_incident(row: &AuditRow) -> Option<Event> {
    if matches!(row.operation.as_str(), "incident.bulk" | "incident.rehome") {
        return Some(event_of_register(row));
    }
    let what: Value = serde_json::from_str(row.after.as_deref()?).ok()?;
    let text = |name: &str| what.get(name).and_then(Value::as_str).map(str::to_owned);
    let reach = Reach::Incident { region: text("region")?, grid: text("grid"), unit: text("unit") };
    let operation = if row.operation == "incident.report" { "created" } else { "changed" };
    let mut data = json!({"id": row.subject, "operation": operation});
    for name in ["region", "grid", "unit", "level", "category", "state", "emergency", "version"] {
        data[name] = what.get(name).cloned().unwrap_or_default();
    }
    data["occurred_at"] = text("occurred_at").map(|t| moments::shown(&t)).into();
    data["at_time"] = moments::shown(&row.at).into();
    Some(Event { id: row.seq, kind: "incident", data: data.to_string(), reach })
}

/// An alert, as the log has it.
fn event_of_alert(row: &AuditRow) -> Option<Event> {
    let what: Value = serde_json::from_str(row.after.as_deref()?).ok()?;
    let operation = match row.operation.as_str() {
        "alert.open" => "opened",
        "alert.acknowledge" => "acknowledged",
        "alert.escalate" => "escalated",
        _ => "closed",
    };
    let place = what.get("place").and_then(Value::as_str)?.to_owned();
    let mut data = json!({"id": row.subject, "operation": operation});
    for name in ["kind", "region", "incident", "cell", "level"] {
        data[name] = what.get(name).cloned().unwrap_or_default();
    }
    data["at_time"] = moments::shown(&row.at).into();
    Some(Event { id: row.seq, kind: "alert", data: data.to_string(), reach: Reach::Code(place) })
}

#[cfg(test)]
mod tests;
