//! What everybody may see without signing in, where it is turned on (`[public]`): classes of hexagons and counts of incidents, see
//! [`crate::plan::room::public`].
//!
//! What a window shows is written to the audit log before it is shown, and read from there ever after: it stays the same over restarts,
//! later reports and in every process at work on the store. The first entry of a window counts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::App;
use super::error::{Answer, Problem};
use super::hotspots::outline;
use super::memory::{Collection, Shape, Snapshot};
use crate::domain::incident::{Dictionaries, State};
use crate::domain::{LonLat, hex};
use crate::plan::room::public::{PublicIncident, PublicWindow, due_windows};
use crate::plan::room::{self, moments};
use crate::store::{Role, Scope, StoreError};

/// Between two looks for months that are due.
const EVERY: Duration = Duration::from_secs(20);
/// Entries of the log read at once.
const STEP: u32 = 1_000;
/// The log's word for a window that is published.
const OPERATION: &str = "public.window";
const ACTOR: &str = "lianhu";

/// The windows by month; shared with answers under way.
pub(crate) type Windows = Arc<Published>;

/// Windows by month, and what tells them from others: what is published elsewhere, or after a store was brought back from a copy, may be
/// of the same months.
#[derive(Default)]
pub(crate) struct Published {
    of: BTreeMap<String, PublicWindow>,
    pub(super) mark: String,
}

impl Published {
    fn new(of: BTreeMap<String, PublicWindow>) -> Self {
        let text = serde_json::to_string(&of).unwrap_or_default();
        Self { of, mark: hex(&Sha256::digest(text)) }
    }
}

impl Deref for Published {
    type Target = BTreeMap<String, PublicWindow>;

    fn deref(&self) -> &Self::Target {
        &self.of
    }
}

/// What is public.
pub(crate) struct Public {
    /// No count below it; `None`: nothing is public.
    k: Option<u64>,
    windows: RwLock<Windows>,
}

impl Public {
    pub(super) fn new(k: Option<u64>) -> Self {
        Self { k, windows: RwLock::default() }
    }

    /// Whether anything is public here.
    pub(super) const fn is_on(&self) -> bool {
        self.k.is_some()
    }

    /// What is published by now.
    ///
    /// # Errors
    /// 404 where nothing is public.
    pub(super) fn windows(&self) -> Answer<Windows> {
        match self.k {
            Some(_) => Ok(self.windows.read().unwrap_or_else(PoisonError::into_inner).clone()),
            None => Err(Problem::missing()),
        }
    }
}

/// Publishes months as they become due, for as long as the service runs; what fails is said in the log and tried again.
pub(super) async fn keep_publishing(app: Arc<App>) {
    let Some(k) = app.public.k else { return };
    let (mut read, mut seen) = (0, None);
    loop {
        if app.memory.is_ready()
            && let Err(e) = publish(&app, k, &mut read, &mut seen).await
        {
            tracing::warn!(cause = e.detail(), "what is public was not brought up to date");
        }
        tokio::time::sleep(if app.memory.is_ready() { EVERY } else { Duration::from_millis(500) }).await;
    }
}

/// What the log has of windows after entry `read`.
async fn read_log(app: &App, read: &mut u64) -> Result<(), StoreError> {
    let reader = Scope::whole_store(Role::Auditor);
    let mut found: Option<BTreeMap<String, PublicWindow>> = None;
    loop {
        let rows = app.store.audit(&reader, *read, STEP).await?;
        for row in rows.iter().filter(|r| r.operation == OPERATION) {
            let Some(window) = row.after.as_deref().and_then(|t| serde_json::from_str::<PublicWindow>(t).ok()) else {
                continue;
            };
            let all = || app.public.windows.read().unwrap_or_else(PoisonError::into_inner).of.clone();
            found.get_or_insert_with(all).entry(window.window.clone()).or_insert_with(|| window.classed());
        }
        match rows.last() {
            Some(last) => *read = last.seq,
            None => break,
        }
    }
    if let Some(found) = found {
        *app.public.windows.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Published::new(found));
    }
    Ok(())
}

async fn publish(app: &Arc<App>, k: u64, read: &mut u64, seen: &mut Option<(u64, time::Date)>) -> Answer<()> {
    read_log(app, read).await?;
    let snapshot = app.memory.get(Collection::Incidents).await?;
    let today = moments::china_day(OffsetDateTime::now_utc());
    let version = (snapshot.digest, today);
    if *seen == Some(version) {
        return Ok(());
    }
    let scope = Scope::whole_store(Role::Admin);
    let lists = room::dictionaries(app.store(), &scope).await?;
    let known: BTreeSet<String> = app.public.windows()?.keys().cloned().collect();
    let outline = outline(app, &scope).await?;
    let judge = move || due_windows(&incidents(&snapshot, &lists), &known, &outline, today, k);
    let due = tokio::task::spawn_blocking(judge).await;
    for window in due.map_err(|e| Problem::internal(e.to_string()))? {
        let text = serde_json::to_string(&window).map_err(|e| Problem::internal(e.to_string()))?;
        app.store.note(&scope, ACTOR, OPERATION, &window.window, &text).await?;
    }
    read_log(app, read).await?;
    *seen = Some(version);
    Ok(())
}

/// Incidents that count: those with a place, not rejected, of a category that is offered.
fn incidents(snapshot: &Snapshot, lists: &Dictionaries) -> Vec<PublicIncident> {
    let spec = snapshot.spec();
    let [category, state, at] = ["category", "state", "occurred_at"].map(|f| spec.position(f).unwrap_or_default());
    let text = |row: u32, field| serde_json::from_str::<String>(snapshot.field(row, field)?).ok();
    let counts = |row: u32| {
        let Some(Shape::Point([lon_deg, lat_deg])) = snapshot.shape(row) else { return None };
        if State::find(&text(row, state)?) == Some(State::Rejected) {
            return None;
        }
        let stored = text(row, category)?;
        let category = lists.category(&stored).filter(|c| c.enabled)?.key.clone();
        let at_ms = moments::ms(moments::parse(&text(row, at)?)?);
        Some(PublicIncident { place: LonLat { lon_deg: *lon_deg, lat_deg: *lat_deg }, at_ms, category })
    };
    (0..snapshot.len() as u32).filter_map(counts).collect()
}
