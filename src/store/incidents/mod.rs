//! Incidents: recorded, moved along, found, counted. What a step does is the domain's affair (`domain::incident`); here is what makes it
//! one transaction: compare-and-swap on the row's version, the step's own row, the audit entry.

mod advance;
mod find;
mod home;
pub(super) mod photos;
mod record;
mod tally;

use serde::{Deserialize, Serialize};

use crate::domain::LonLat;
use crate::domain::incident::Step;
use crate::domain::register::{IncidentRow, IncidentTransition};

use super::SqlStore;
use super::error::{StoreError, TransactError};
use super::messages::Idempotency;
use super::scope::Scope;

pub use photos::{PhotoKept, PhotoRow};

pub(super) use home::{Homes, rehome, settle_imported};

/// An incident as it comes in. Codes of grid and unit are never brought: the place says them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewIncident {
    /// Id, where the sender has one; otherwise one is given.
    pub id: Option<String>,
    /// Code of a division, where known; a place inside a village makes it that village's.
    pub region: Option<String>,
    /// Key of the category.
    pub category: String,
    /// Key of the type of dispute.
    pub dispute: Option<String>,
    /// Level that has it first.
    pub level: String,
    /// When it happened, RFC 3339 UTC with milliseconds.
    pub occurred_at: String,
    /// By when it must be done.
    pub due_at: Option<String>,
    /// What it is about, without names.
    pub summary: Option<String>,
    /// Where.
    pub place: Option<LonLat>,
    /// System it came from, and its id there.
    pub source: Option<(String, String)>,
}

/// Incidents to record in one transaction.
#[derive(Clone, Debug)]
pub struct IncidentRecord {
    /// The incidents.
    pub incidents: Vec<NewIncident>,
    /// Record the good ones although others are refused.
    pub partial: bool,
    /// One entry for all of them in the audit log, instead of one each.
    pub as_bulk: bool,
    /// Which of them alarm at once: told the row, gives the alert to open in the same transaction.
    pub alarm: Option<Alarm>,
    /// Same key and same body: same answer.
    pub idempotency: Option<Idempotency>,
}

/// Makes the alert of a new incident, where it alarms.
#[derive(Clone)]
pub struct Alarm(pub std::sync::Arc<AlarmRule>);

/// Tells the alert that an incident opens at once.
pub type AlarmRule = dyn Fn(&IncidentRow) -> Option<super::AlertRow> + Send + Sync;

impl std::fmt::Debug for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alarm")
    }
}

/// An incident that was not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedIncident {
    /// Its place in the list, from 0.
    pub index: usize,
    /// The field to blame.
    pub field: String,
    /// Why, Chinese / English.
    pub detail: String,
}

/// What a recording did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Ids, one for each incident that is in the store now, in the order of the request; empty for a bulk.
    pub ids: Vec<String>,
    /// How many are new.
    pub created: u64,
    /// How many were there already.
    pub unchanged: u64,
    /// How many of the new ones lie in no grid (未归格).
    pub unassigned: u64,
    /// Those that were refused.
    pub refused: Vec<RefusedIncident>,
    /// Whether anything was stored; nothing is when some are refused and that was not allowed.
    pub stored: bool,
}

/// A step of an incident.
#[derive(Clone, Debug)]
pub struct IncidentAdvance {
    /// The incident.
    pub incident: String,
    /// Version of it that was looked at.
    pub base_version: u64,
    /// What to do.
    pub step: Step,
    /// How long an incident of its category may take at each level.
    pub allowance_ms: [i64; 4],
    /// Same key and same body: same answer.
    pub idempotency: Option<Idempotency>,
}

/// Which incidents. Every condition is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncidentFilter {
    /// Within a region (2, 4, 6, 9, 12 digits), grid (15) or unit (18).
    pub region: Option<String>,
    /// Of this grid; an empty text is those of no grid.
    pub grid: Option<String>,
    /// Of this unit; an empty text is those of no unit.
    pub unit: Option<String>,
    /// Stored under one of these categories.
    pub categories: Option<Vec<String>>,
    /// At one of these levels.
    pub levels: Option<Vec<String>>,
    /// In one of these states.
    pub states: Option<Vec<String>>,
    /// Still to be done, or not.
    pub open: Option<bool>,
    /// Overdue at `now`, or not.
    pub overdue: Option<bool>,
    /// From this moment on.
    pub from: Option<String>,
    /// Up to, but without, this moment.
    pub to: Option<String>,
    /// `[min lon, min lat, max lon, max lat]` in degrees.
    pub bbox_deg: Option<[f64; 4]>,
    /// The present moment; overdue is derived from it.
    pub now: String,
}

/// In what order incidents are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncidentOrder {
    /// The latest first.
    #[default]
    Newest,
    /// The earliest first.
    Oldest,
}

/// Where a list goes on: time and id of the last one.
pub type IncidentCursor = (String, String);

/// A page of incidents.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentPage {
    /// The incidents.
    pub rows: Vec<IncidentRow>,
    /// Where to go on.
    pub next: Option<IncidentCursor>,
    /// How many there are in all.
    pub number_matched: u64,
}

/// By what incidents are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Stored category.
    Category,
    /// Level.
    Level,
    /// State.
    State,
    /// Region's code, as it is.
    Region,
    /// Hour, UTC: `2025-03-01T16`.
    Hour,
    /// Grid's code; empty where there is none.
    Grid,
    /// Unit's code; empty where there is none.
    Unit,
    /// All together.
    Nothing,
}

/// How many incidents a group has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The group.
    pub key: String,
    /// Incidents.
    pub count: u64,
    /// Of these still to be done.
    pub open: u64,
    /// Of these overdue.
    pub overdue: u64,
}

/// An officer near an incident, without name and telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearOfficer {
    /// Opaque id.
    pub id: String,
    /// Grid or unit served.
    pub region: String,
    /// Role.
    pub role: String,
}

/// Incidents, whatever the engine.
#[async_trait::async_trait]
pub trait Incidents: Send + Sync {
    /// Records incidents; each gets the grid and unit of the plan in force at its place.
    async fn record_incidents(
        &self,
        scope: &Scope,
        actor: &str,
        request: &IncidentRecord,
    ) -> Result<Recorded, StoreError>;
    /// Takes a step, if the incident still has the version that was looked at. A step that cannot be taken is refused with what can be
    /// done: `{"kind": …, "allowed": […]}`.
    async fn advance_incident(
        &self,
        scope: &Scope,
        actor: &str,
        request: &IncidentAdvance,
    ) -> Result<IncidentRow, TransactError>;
    /// A page of incidents, at most `limit`.
    async fn find_incidents(
        &self,
        scope: &Scope,
        filter: &IncidentFilter,
        order: IncidentOrder,
        after: Option<&IncidentCursor>,
        limit: u32,
    ) -> Result<IncidentPage, StoreError>;
    /// One incident with its steps, the first one first.
    async fn get_incident(&self, scope: &Scope, id: &str)
    -> Result<(IncidentRow, Vec<IncidentTransition>), StoreError>;
    /// Counts incidents by group, groups in the order of their keys.
    async fn tally_incidents(
        &self,
        scope: &Scope,
        filter: &IncidentFilter,
        by: Grouping,
    ) -> Result<Vec<Tally>, StoreError>;
    /// Places and times (milliseconds since 1970) of incidents that have a place, in the order of their ids.
    async fn incident_points(&self, scope: &Scope, filter: &IncidentFilter) -> Result<Vec<(LonLat, i64)>, StoreError>;
    /// Gives open incidents the grids and units of the plans in force as they are now: after edits of a plan in force, which move borders
    /// without a publication. How many changed.
    async fn rehome_incidents(&self, scope: &Scope, actor: &str) -> Result<u64, StoreError>;
    /// Keeps the photo of an incident, one each. Its time is given here.
    async fn put_photo(
        &self,
        scope: &Scope,
        actor: &str,
        incident: &str,
        photo: &PhotoRow,
    ) -> Result<PhotoKept, StoreError>;
    /// The photo of an incident, if it has one; without the file where that is not asked for.
    async fn get_photo(&self, scope: &Scope, incident: &str, with_image: bool) -> Result<Option<PhotoRow>, StoreError>;
    /// Takes the photo of an incident away. Its bytes are gone with the next purge.
    async fn remove_photo(&self, scope: &Scope, actor: &str, incident: &str) -> Result<(), StoreError>;
    /// Officers of some grids and units within the scope, whom everybody there may know by role.
    async fn officers_of(&self, scope: &Scope, codes: &[String]) -> Result<Vec<NearOfficer>, StoreError>;
}

#[async_trait::async_trait]
impl Incidents for SqlStore {
    async fn record_incidents(
        &self,
        scope: &Scope,
        actor: &str,
        request: &IncidentRecord,
    ) -> Result<Recorded, StoreError> {
        record::record(self, scope, actor, request).await
    }

    async fn advance_incident(
        &self,
        scope: &Scope,
        actor: &str,
        request: &IncidentAdvance,
    ) -> Result<IncidentRow, TransactError> {
        advance::take(self, scope, actor, request).await
    }

    async fn find_incidents(
        &self,
        scope: &Scope,
        filter: &IncidentFilter,
        order: IncidentOrder,
        after: Option<&IncidentCursor>,
        limit: u32,
    ) -> Result<IncidentPage, StoreError> {
        find::page(self.engine.read().await?.as_mut(), scope, filter, (order, after), limit).await
    }

    async fn get_incident(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<(IncidentRow, Vec<IncidentTransition>), StoreError> {
        let mut session = self.engine.read().await?;
        let row = find::one(session.as_mut(), scope, id, false).await?;
        let steps = find::steps(session.as_mut(), id).await?;
        Ok((row, steps))
    }

    async fn tally_incidents(
        &self,
        scope: &Scope,
        filter: &IncidentFilter,
        by: Grouping,
    ) -> Result<Vec<Tally>, StoreError> {
        tally::tally(self.engine.read().await?.as_mut(), scope, filter, by).await
    }

    async fn incident_points(&self, scope: &Scope, filter: &IncidentFilter) -> Result<Vec<(LonLat, i64)>, StoreError> {
        tally::points(self.engine.read().await?.as_mut(), scope, filter).await
    }

    async fn rehome_incidents(&self, scope: &Scope, actor: &str) -> Result<u64, StoreError> {
        home::rehome_all(self, scope, actor).await
    }

    async fn put_photo(
        &self,
        scope: &Scope,
        actor: &str,
        incident: &str,
        photo: &PhotoRow,
    ) -> Result<PhotoKept, StoreError> {
        photos::put(self, scope, actor, incident, photo).await
    }

    async fn get_photo(&self, scope: &Scope, incident: &str, with_image: bool) -> Result<Option<PhotoRow>, StoreError> {
        photos::get(self.engine.read().await?.as_mut(), scope, incident, with_image).await
    }

    async fn remove_photo(&self, scope: &Scope, actor: &str, incident: &str) -> Result<(), StoreError> {
        photos::remove(self, scope, actor, incident).await
    }

    async fn officers_of(&self, scope: &Scope, codes: &[String]) -> Result<Vec<NearOfficer>, StoreError> {
        find::officers(self.engine.read().await?.as_mut(), scope, codes).await
    }
}
