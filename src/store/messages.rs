//! What goes to a store and what comes back, as plain data.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use crate::domain::LonLat;
use crate::domain::plan::{Changes, GridRow, PlanStatus, UnitRow, VillageRows};
use crate::domain::register::Polygons;

use super::error::StoreError;
use super::rows::{Layer, RegisterRow};

/// Which rows of a layer. Every condition is kept or the answer is an error; none is ever left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// `[min lon, min lat, max lon, max lat]` in degrees: rows whose bounds meet it.
    pub bbox_deg: Option<[f64; 4]>,
    /// Rows within a region (2, 4, 6, 9, 12 digits), grid (15) or unit (18).
    pub region: Option<String>,
    /// Rows with these keys.
    pub ids: Option<Vec<String>>,
    /// Rows of this building (households only).
    pub building: Option<String>,
    /// Rows after this key: the last one of the page before.
    pub after: Option<String>,
    /// Most rows of a page, 1…10,000; 1,000 where none is said.
    pub limit: Option<u32>,
    /// Rows valid on this day, `YYYY-MM-DD`.
    pub as_of: Option<String>,
}

/// A page of rows in the order of their keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<RegisterRow>,
    /// Where to go on ([`Filter::after`]); `None` at the end.
    pub next: Option<String>,
}

/// An idempotency key with the hash of the request it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, chosen by the client.
    pub key: String,
    /// SHA-256 of the request, hexadecimal.
    pub body_sha256: String,
}

/// Whether rows that come in are to be in the store already. One that is not as expected is a conflict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// New ones and known ones.
    #[default]
    Either,
    /// New ones only.
    New,
    /// Known ones only, at exactly the version they claim.
    Known,
}

/// How rows come in.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The layer; every row must be of it, but buildings may come before households.
    pub layer: Layer,
    /// Column names that the file has: only these are compared and changed in rows that are there. `None`: all.
    pub columns: Option<Vec<String>>,
    /// Store the good rows although others conflict.
    pub partial: bool,
    /// Whether rows are to be there already.
    pub expect: Expect,
    /// Say what would happen, change nothing.
    pub dry_run: bool,
    /// Why, as the logs keep it.
    pub reason: Option<String>,
    /// Same key and same body: same answer, counted once.
    pub idempotency: Option<Idempotency>,
    /// Looked at between chunks.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl ImportRequest {
    /// All columns, all or nothing.
    #[must_use]
    pub const fn new(layer: Layer) -> Self {
        Self {
            layer,
            columns: None,
            partial: false,
            expect: Expect::Either,
            dry_run: false,
            reason: None,
            idempotency: None,
            cancel: None,
        }
    }
}

/// Gives rows in chunks of any size; a few thousand are best.
#[async_trait::async_trait]
pub trait RowSource: Send {
    /// The next chunk, `None` at the end. An error ends the import, nothing is stored.
    async fn next_chunk(&mut self) -> Result<Option<Vec<RegisterRow>>, StoreError>;
}

#[async_trait::async_trait]
impl RowSource for std::vec::IntoIter<Vec<RegisterRow>> {
    async fn next_chunk(&mut self) -> Result<Option<Vec<RegisterRow>>, StoreError> {
        Ok(self.next())
    }
}

#[async_trait::async_trait]
impl RowSource for tokio::sync::mpsc::Receiver<Result<Vec<RegisterRow>, StoreError>> {
    async fn next_chunk(&mut self) -> Result<Option<Vec<RegisterRow>>, StoreError> {
        self.recv().await.transpose()
    }
}

/// A cell that an import changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellChange {
    /// Key of the row.
    pub id: String,
    /// Column.
    pub column: String,
    /// Value before.
    pub before: serde_json::Value,
    /// Value after.
    pub after: serde_json::Value,
}

/// What was changed of a row: when, by whom, why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowChange {
    /// When.
    pub at: String,
    /// Who.
    pub actor: String,
    /// `register.change`, or what was done to a plan: `plan.edit`, `plan.undo`, `plan.redo`.
    pub operation: String,
    /// Column; `*` where the row came or went as a whole, `unit` where a household came to another unit.
    pub column: String,
    /// Value before.
    pub before: serde_json::Value,
    /// Value after.
    pub after: serde_json::Value,
    /// Why: the reason given with the import, or in words what was done to the plan and where the whole operation stands.
    pub reason: Option<String>,
}

/// A row that was edited in the store since the file was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowConflict {
    /// Key of the row.
    pub id: String,
    /// Version the file's row was exported with.
    pub file_version: u64,
    /// Version in the store.
    pub store_version: u64,
}

/// What an import did (or would do).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Rows that were new.
    pub inserted: u64,
    /// Rows with a changed cell.
    pub updated: u64,
    /// Rows equal to the store's.
    pub unchanged: u64,
    /// Rows left alone because the store's changed meanwhile.
    pub conflicts: Vec<RowConflict>,
    /// Changed cells, the first ten thousand.
    pub changed_cells: Vec<CellChange>,
    /// All changed cells, counted; each stands in the log.
    pub changed_cells_total: u64,
    /// Buildings made for households.
    #[serde(default)]
    pub buildings_made: u64,
    /// Whether the rows are in the store now.
    pub stored: bool,
    /// Version of the register now.
    pub register_version: u64,
}

/// What an edit of a plan is based on and who makes it.
#[derive(Clone, Debug)]
pub struct TransactionRequest {
    /// The plan's id.
    pub plan: String,
    /// Version of the plan the client saw.
    pub base_version: u64,
    /// Versions of grids the client saw later than that (from answers to edits of others).
    pub grid_versions: Vec<(String, u64)>,
    /// Villages whose rows the work needs.
    pub villages: Vec<String>,
    /// Who.
    pub actor: String,
    /// What, as the history and the audit log keep it.
    pub operation: serde_json::Value,
    /// Same key and same body: same answer.
    pub idempotency: Option<Idempotency>,
}

/// What the plan layer answers to a request for an edit: the rows to change, and what will then be derived of the villages they are in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worked {
    /// Rows to change.
    pub changes: Changes,
    /// What is derived, by village; villages not named keep what they have.
    pub derived: Vec<(String, Derived)>,
}

impl From<Changes> for Worked {
    fn from(changes: Changes) -> Self {
        Self { changes, derived: Vec::new() }
    }
}

/// One village of a new plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewVillage {
    /// Its rows.
    pub rows: VillageRows,
    /// What is derived from them.
    pub derived: Derived,
}

impl From<VillageRows> for NewVillage {
    fn from(rows: VillageRows) -> Self {
        Self { rows, derived: Derived::default() }
    }
}

/// An edit that is in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Version of the plan now.
    pub version: u64,
    /// The edit's number in the plan's history; 0 when nothing changed.
    pub seq: u64,
    /// Touched grids; each has this version now.
    pub grids: Vec<String>,
}

/// Which edit to take back or to do again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last one (of the plan).
    Last,
    /// The last one of this actor.
    LastBy(String),
    /// This one.
    Seq(u64),
}

/// An entry of a plan's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its number, from 1.
    pub seq: u64,
    /// `edit`, `undo`, `redo`.
    pub kind: String,
    /// The edit that an undo or redo is about.
    pub target: Option<u64>,
    /// Plan version it led to.
    pub version: u64,
    /// Who.
    pub actor: String,
    /// When.
    pub at: String,
    /// What was asked.
    pub operation: serde_json::Value,
    /// What it changed.
    pub changes: Changes,
    /// Whether it is taken back now.
    pub undone: bool,
}

/// When a grid was last touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridVersion {
    /// Grid code.
    pub grid: String,
    /// Plan version that touched it.
    pub version: u64,
    /// Who.
    pub actor: String,
    /// When.
    pub at: String,
}

/// Which plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of this standing.
    pub status: Option<PlanStatus>,
    /// Of this region or inside it.
    pub region: Option<String>,
}

/// A request to put a plan in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The plan.
    pub plan: String,
    /// Version of it that was looked at.
    pub base_version: u64,
    /// The plan in force for that region, as far as the publisher knows.
    pub expected_live: Option<String>,
    /// First day in force, `YYYY-MM-DD`.
    pub date: String,
    /// Who.
    pub actor: String,
}

/// Where a household belonged on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belonging {
    /// The plan in force that day.
    pub plan: String,
    /// Grid code.
    pub grid: String,
    /// Unit code.
    pub unit: String,
}

/// A code that was or is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedCode {
    /// Fifteen (grid) or eighteen (unit) digits.
    pub code: String,
    /// First day.
    pub valid_from: String,
    /// Day from which it is retired for ever.
    pub valid_to: Option<String>,
    /// Codes it came from.
    pub predecessors: Vec<String>,
}

/// What is derived from a plan for maps: written whole, per village.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derived {
    /// Grids' polygons and figures.
    pub grids: Vec<DerivedGrid>,
    /// Units' polygons and figures.
    pub units: Vec<DerivedUnit>,
    /// Leaders and deputies where they live.
    pub leaders: Vec<DerivedLeader>,
}

/// A layer of a plan's map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapLayer {
    /// Its grids.
    Grids,
    /// Its units that have members.
    Units,
    /// Its leaders.
    Leaders,
}

/// What stands on a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MapRow<'a> {
    /// A grid as decided, and what is derived of it.
    Grid(&'a GridRow, Option<&'a DerivedGrid>),
    /// A unit as decided, and what is derived of it.
    Unit(&'a UnitRow, Option<&'a DerivedUnit>),
    /// A leader or deputy.
    Leader(&'a DerivedLeader),
}

/// A grid's polygon and figures.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedGrid {
    /// Grid code.
    pub code: String,
    /// Dissolved polygon.
    pub polygons: Polygons,
    /// Households.
    pub households: u32,
    /// Buildings.
    pub buildings: u32,
    /// Persons, where known.
    pub persons: Option<u32>,
    /// |households ÷ mean − 1|, where it stands in the balance.
    pub deviation: Option<f64>,
    /// Area.
    pub area_m2: f64,
    /// Perimeter.
    pub perimeter_m: f64,
    /// 4πA/P².
    pub polsby_popper: f64,
}

/// A unit's polygon and figures.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedUnit {
    /// Unit code.
    pub code: String,
    /// Buffered hull of the members.
    pub polygons: Polygons,
    /// Households.
    pub households: u32,
    /// Σ squared metres to the mean.
    pub sse_m2: f64,
    /// Farthest member.
    pub reach_m: f64,
}

/// A leader or deputy on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedLeader {
    /// Unit code.
    pub unit: String,
    /// Household id.
    pub household: String,
    /// `leader` or `deputy`.
    pub role: String,
    /// Where.
    pub place: LonLat,
}

/// An edit made by another program (QGIS) while the service was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignEdit {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Layer's name.
    pub layer: String,
    /// `insert`, `update`, `delete`.
    pub operation: String,
    /// Number of the row in its table: what several edits of one row have in common.
    pub row: i64,
    /// Key of the row; of one that was changed, as it was before.
    pub id: Option<String>,
    /// Row before, without geometry.
    pub before: Option<serde_json::Value>,
    /// Row after, without geometry.
    pub after: Option<serde_json::Value>,
    /// Whether the geometry changed.
    pub moved: bool,
}

/// Which edits by another program are settled. Those of one row go together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignChoice {
    /// None after this number: what was looked at.
    pub up_to: Option<u64>,
    /// Of this layer.
    pub layer: Option<Layer>,
    /// Of rows with one of these keys, before or after.
    pub ids: Option<Vec<String>>,
}

/// What is deleted when its time is over. `None` keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Officers who left before this day.
    pub officers_left_before: Option<String>,
    /// These officers, at once.
    pub officers: Vec<String>,
    /// Idempotency keys older than this time (RFC 3339).
    pub keys_before: Option<String>,
    /// Jobs ended before this time.
    pub jobs_before: Option<String>,
    /// Cell logs of the register older than this time.
    pub cell_logs_before: Option<String>,
    /// Photos taken in before this time, of incidents that are over.
    pub photos_before: Option<String>,
}

/// What a purge deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Officers.
    pub officers: u64,
    /// Idempotency keys.
    pub keys: u64,
    /// Jobs.
    pub jobs: u64,
    /// Cell logs.
    pub cell_logs: u64,
    /// Photos.
    #[serde(default)]
    pub photos: u64,
}
