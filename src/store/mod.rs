//! The register: one trait, two engines (a GeoPackage file, PostGIS), migrations, audit.
//!
//! [`open`] chooses the engine by URL. Both read the same statements (`$1`, `ON CONFLICT`-free, text keys in byte order), so what the
//! store does is written once over a transaction ([`sql::Session`]); an engine only knows its connections, its errors, its way of
//! backing up and its health. Reasons: `docs/decisions/2026-11-25-store-one-logic-two-engines.md`.
//!
//! Rules that hold everywhere:
//! - every method takes a [`Scope`]; what lies outside does not exist for it;
//! - a write is one transaction: it is on the disk when it returns `Ok`, and changed nothing when it returns an error;
//! - every row carries a check sum, every audit entry the hash of the one before: [`Store::check`] names what is not as written;
//! - names and phones of officers stand in the table of officers alone; logs have salted commitments, and the salt goes with the row.

mod accounts;
mod alerts;
mod alike;
mod audit;
mod cell;
mod changes;
mod check;
mod contract;
mod copy;
mod dates;
mod error;
mod foreign;
mod foreign_sums;
mod idempotency;
mod import;
mod incidents;
mod insert;
mod messages;
mod migrate;
mod plans;
mod postgis;
mod purge;
mod references;
mod register;
mod remove;
mod rows;
mod rules;
mod scope;
mod seen;
mod sql;
mod sqlite;
mod store_impl;
mod summed;
mod value;
mod wkb;

use std::path::Path;
use std::sync::Arc;

use time::OffsetDateTime;

pub use accounts::{Account, AccountChange, Accounts, Token, actor_names};
pub use alerts::{AlertRow, AlertStep, Alerts};
pub use audit::chain_holds;
pub use check::Finding;
pub use contract::{Ear, Look, OnMap, Passing, Sink, Store, Verdict, Work, WorkTogether};
pub use error::{Refusal, StoreError, TransactError};
pub use incidents::{
    Alarm, AlarmRule, Grouping, IncidentAdvance, IncidentCursor, IncidentFilter, IncidentOrder, IncidentPage,
    IncidentRecord, Incidents, NearOfficer, NewIncident, PhotoKept, PhotoRow, Recorded, RefusedIncident, Tally,
};
pub use messages::{
    Belonging, CellChange, Committed, Derived, DerivedGrid, DerivedLeader, DerivedUnit, Expect, Filter, ForeignChoice,
    ForeignEdit, GridVersion, HistoryEntry, Idempotency, ImportReport, ImportRequest, MapLayer, MapRow, NewVillage,
    Page, PlanFilter, Publication, Purged, Retention, RowChange, RowConflict, RowSource, TransactionRequest, UsedCode,
    Which, Worked,
};
pub use rows::{Layer, RegisterRow};
pub use scope::{Role, Scope};

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Others may write meanwhile.
    ReadOnly,
    /// As the one writer. Fails with [`StoreError::Busy`] when there is another.
    ReadWrite,
    /// As the one writer; where there is no store yet, it is made.
    Create,
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;
/// Fills bytes nobody can guess (ids, salts).
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// How to open, and what time and chance are: tests bring their own.
#[derive(Clone)]
pub struct OpenOptions {
    mode: OpenMode,
    clock: Clock,
    entropy: Entropy,
}

impl OpenOptions {
    /// The system's time and random numbers.
    #[must_use]
    pub fn new(mode: OpenMode) -> Self {
        let entropy = |bytes: &mut [u8]| {
            if getrandom::fill(bytes).is_err() {
                // no entropy at all: two halves of one hash still make ids that do not meet
                let now = OffsetDateTime::now_utc().unix_timestamp_nanos();
                let mut n = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), now);
                for byte in bytes {
                    *byte = n as u8;
                    n = n.rotate_right(8).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                }
            }
        };
        Self { mode, clock: Arc::new(OffsetDateTime::now_utc), entropy: Arc::new(entropy) }
    }

    /// With another clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// With other random numbers.
    #[must_use]
    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = entropy;
        self
    }

    fn now(&self) -> String {
        dates::stamp((self.clock)())
    }
}

/// The store over either engine.
struct SqlStore {
    engine: Box<dyn sql::Engine>,
    options: OpenOptions,
}

impl SqlStore {
    fn now(&self) -> String {
        self.options.now()
    }

    fn random_bytes(&self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        (self.options.entropy)(&mut bytes);
        bytes
    }

    fn random_id(&self) -> String {
        crate::domain::hex(&self.random_bytes(12))
    }
}

/// Opens a store: `sqlite:PATH.gpkg` or `postgres://…`.
///
/// An older store is brought up to date (a copy of a GeoPackage is kept beside it); a newer one is refused.
///
/// # Errors
/// [`StoreError::Newer`], [`StoreError::Older`] (read-only), [`StoreError::Busy`], [`StoreError::NotFound`], or that the URL, the
/// file or the server is not what it should be.
pub async fn open(url: &str, options: OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
    let engine = engine(url, &options).await?;
    if options.mode != OpenMode::ReadOnly {
        foreign_sums::seal_new(engine.as_ref()).await?;
    }
    Ok(Arc::new(SqlStore { engine, options }))
}

async fn engine(url: &str, options: &OpenOptions) -> Result<Box<dyn sql::Engine>, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Box::new(sqlite::SqliteEngine::open(Path::new(path), options).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Box::new(postgis::PostgisEngine::open(url, options).await?));
    }
    // only the beginning is shown: an address may hold a password
    let begin: String = url.chars().take(12).collect();
    let what = format!(
        "“{begin}…”应写作 sqlite:文件.gpkg 或 postgres://… / \"{begin}…\": write sqlite:PATH.gpkg or postgres://…"
    );
    Err(StoreError::BadArgument { name: "store", what })
}

/// Copies a whole store (a backup, say) into an empty one of either engine, made where there is none: rows, plans, history, audit
/// log, as they are.
///
/// # Errors
/// As [`open`]; [`StoreError::BadArgument`] when there is anything in the store to copy into.
pub async fn copy_into(from: &str, to: &str, options: &OpenOptions) -> Result<(), StoreError> {
    let read = OpenOptions { mode: OpenMode::ReadOnly, ..options.clone() };
    let create = OpenOptions { mode: OpenMode::Create, ..options.clone() };
    let source = engine(from, &read).await?;
    let target = engine(to, &create).await?;
    let outcome = copy::into_empty(source.as_ref(), target.as_ref()).await;
    source.close().await;
    target.close().await;
    outcome
}
