//! Follows the audit log: what it tells makes events, and makes collections be loaded anew.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Notify, watch};

use crate::api::memory::{Collection, Memory};
use crate::domain::register::AuditRow;
use crate::store::{Role, Scope, Store, StoreError};

/// Between two looks at the log.
const LOOK: Duration = Duration::from_millis(200);
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
    /// Area it happened in.
    area: Scope,
}

impl Event {
    pub(super) fn is_seen_by(&self, scope: &Scope) -> bool {
        scope.meets(&self.area)
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
    wake: Notify,
    /// The last events, and the id after which they are complete.
    kept: Mutex<(u64, VecDeque<Arc<Event>>)>,
    /// Regions of plans by id: they never change.
    regions: Mutex<HashMap<String, String>>,
}

fn log_reader() -> Scope {
    Scope::whole_store(Role::Auditor)
}

impl Tail {
    pub(crate) async fn new(store: Arc<dyn Store>, memory: Arc<Memory>) -> Result<Self, StoreError> {
        let head = store.audit_head(&log_reader()).await?;
        let kept = Mutex::new((head, VecDeque::new()));
        Ok(Self { store, memory, head: watch::Sender::new(head), wake: Notify::new(), kept, regions: Mutex::default() })
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
                Ok(()) => LOOK,
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

    async fn look(&self) -> Result<(), StoreError> {
        let scope = log_reader();
        let mut last = *self.head.borrow();
        let head = self.store.audit_head(&scope).await?;
        while last < head {
            let rows = self.store.audit(&scope, last, STEP).await?;
            let Some(end) = rows.last().map(|r| r.seq) else { break };
            let mut events = Vec::new();
            for row in &rows {
                self.tell_memory(row);
                events.extend(self.event(row).await?.map(Arc::new));
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

    fn tell_memory(&self, row: &AuditRow) {
        if row.operation.starts_with("plan.") {
            self.memory.plans_changed();
        } else if row.operation.starts_with("register.") {
            match Collection::named(&row.subject) {
                Some(collection) => self.memory.changed([collection]),
                // several layers, or one that has no collection: better once too often
                None if crate::store::Layer::named(&row.subject).is_none() => self.memory.changed(Collection::ALL),
                None => {}
            }
        }
    }

    async fn event(&self, row: &AuditRow) -> Result<Option<Event>, StoreError> {
        let by_whom = row.scope.split_once('@').and_then(|(_, area)| Scope::of_area(Role::Viewer, area).ok());
        let whole = || Scope::whole_store(Role::Viewer);
        if row.operation.starts_with("plan.") {
            let region = self.region_of(&row.subject).await?;
            let area = region.as_ref().and_then(|r| Scope::region(Role::Viewer, r).ok());
            let Some(area) = area else { return Ok(None) };
            let data = json!({"operation": row.operation, "plan": row.subject, "region": region, "at": row.at});
            return Ok(Some(Event { id: row.seq, kind: "plan", data: data.to_string(), area }));
        }
        if row.operation.starts_with("register.") {
            let data = json!({"operation": row.operation, "layer": row.subject, "at": row.at});
            let area = by_whom.unwrap_or_else(whole);
            return Ok(Some(Event { id: row.seq, kind: "register", data: data.to_string(), area }));
        }
        Ok(None)
    }

    async fn region_of(&self, plan: &str) -> Result<Option<String>, StoreError> {
        if let Ok(known) = self.regions.lock()
            && let Some(region) = known.get(plan)
        {
            return Ok(Some(region.clone()));
        }
        match self.store.get_plan(&Scope::whole_store(Role::Viewer), plan).await {
            Ok(head) => {
                if let Ok(mut known) = self.regions.lock() {
                    known.insert(plan.to_owned(), head.region.clone());
                }
                Ok(Some(head.region))
            }
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
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
        let rows = self.store.audit(&log_reader(), last, STEP).await?;
        let up_to = rows.last().map_or(head, |r| r.seq);
        let mut events = Vec::new();
        for row in &rows {
            events.extend(self.event(row).await?.map(Arc::new));
        }
        Ok(Since::Events(events, up_to))
    }
}
