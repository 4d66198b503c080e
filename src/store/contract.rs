//! The trait itself: the same whatever the engine; see [`crate::store`] for the rules.

use std::ops::ControlFlow;
use std::path::Path;

use crate::domain::plan::{Changes, PlanHead, VillageRows};
use crate::domain::register::AuditRow;

use super::check::Finding;
use super::error::{Refusal, StoreError, TransactError};
use super::messages::{
    Belonging, Committed, Derived, Filter, ForeignChoice, ForeignEdit, GridVersion, HistoryEntry, ImportReport,
    ImportRequest, MapLayer, MapRow, NewVillage, Page, PlanFilter, Publication, Purged, Retention, RowChange,
    RowSource, TransactionRequest, UsedCode, Which, Worked,
};
use super::rows::{Layer, RegisterRow};
use super::scope::Scope;

/// The plan layer's part of an edit: sees the plan and the villages' rows, says what to change. Runs inside the write transaction,
/// on the calling task; nothing is stored when it refuses.
pub type Work<'a> = dyn FnMut(&PlanHead, &[VillageRows]) -> Result<Worked, Refusal> + Send + 'a;
/// The same for an edit of several plans at once: sees each plan with the villages' rows asked for, answers for each, in their order.
pub type WorkTogether<'a> = dyn FnMut(&[(PlanHead, Vec<VillageRows>)]) -> Result<Vec<Worked>, Refusal> + Send + 'a;
/// The plan layer's look at changes it did not make itself (undo, redo): the rows as they stand, and what would change. Answers what
/// will be derived then, by village.
pub type Look<'a> =
    dyn FnMut(&PlanHead, &[VillageRows], &Changes) -> Result<Vec<(String, Derived)>, Refusal> + Send + 'a;
/// The plan layer's look at a whole plan before it is put in force.
pub type Verdict<'a> = dyn FnMut(&PlanHead, &[VillageRows]) -> Result<(), Refusal> + Send + 'a;
/// Takes rows as they come; `Break` stops.
pub type Sink<'a> = dyn FnMut(Vec<RegisterRow>) -> ControlFlow<()> + Send + 'a;
/// Sees rows as they pass; `Break` stops.
pub type Passing<'a> = dyn FnMut(&RegisterRow) -> ControlFlow<()> + Send + 'a;
/// Sees what stands on a map as it passes.
pub type OnMap<'a> = dyn FnMut(MapRow<'_>) + Send + 'a;

/// Hears of writes to a store.
#[async_trait::async_trait]
pub trait Ear: Send {
    /// Returns once anything may have been written since it was last called, by whichever process: what, the audit log tells.
    async fn heard(&mut self) -> Result<(), StoreError>;
}

/// The register and the plans, whatever the engine.
///
/// Every method takes the [`Scope`] of whoever asks: what lies outside is [`StoreError::NotFound`] or simply not among the rows. A
/// method that returned `Ok` from a write is on the disk; one that returned an error changed nothing.
#[async_trait::async_trait]
pub trait Store: super::Accounts + super::Alerts + super::Incidents {
    /// A page of a layer's rows, in the order of their keys. Officers come without name and phone.
    async fn list(&self, scope: &Scope, layer: Layer, filter: &Filter) -> Result<Page, StoreError>;
    /// All rows of a layer from one snapshot, in chunks, in constant memory. Returns how many.
    async fn stream(
        &self,
        scope: &Scope,
        layer: Layer,
        filter: &Filter,
        sink: &mut Sink<'_>,
    ) -> Result<u64, StoreError>;
    /// The same row by row: each is made in the place of the one before, which is what costs least for a million of them. What sees them
    /// is called where they are read, and keeps their reading waiting.
    async fn each(
        &self,
        scope: &Scope,
        layer: Layer,
        filter: &Filter,
        see: &mut Passing<'_>,
    ) -> Result<u64, StoreError>;
    /// How many rows.
    async fn count(&self, scope: &Scope, layer: Layer, filter: &Filter) -> Result<u64, StoreError>;
    /// Counts the register's changes: what a plan's `input_version` refers to.
    async fn register_version(&self, scope: &Scope) -> Result<u64, StoreError>;
    /// Brings rows in, in one transaction; inserts, updates changed cells and logs them.
    async fn import(
        &self,
        scope: &Scope,
        actor: &str,
        request: &ImportRequest,
        rows: &mut dyn RowSource,
    ) -> Result<ImportReport, StoreError>;
    /// Deletes rows, all or none; the rows' cells go to the audit log (not those of officers). `wish`: with a version, a row that has another
    /// is a conflict; and why, as the logs keep it.
    async fn remove(
        &self,
        scope: &Scope,
        actor: &str,
        layer: Layer,
        ids: &[String],
        wish: (Option<u64>, Option<&str>),
    ) -> Result<u64, StoreError>;
    /// Who changed a row of a layer, when and why, the oldest change first; of a household also the units it was moved between by edits
    /// of plans in force. For auditors and admins.
    async fn changes_of(&self, scope: &Scope, layer: Layer, id: &str) -> Result<Vec<RowChange>, StoreError>;
    /// Officers with name and sealed phone; who asked, for whom and why goes to the audit log first.
    async fn reveal_officers(
        &self,
        scope: &Scope,
        actor: &str,
        purpose: &str,
        filter: &Filter,
    ) -> Result<Page, StoreError>;

    /// Stores a new draft. Returns its head with id, version 1 and status filled in.
    async fn create_plan(
        &self,
        scope: &Scope,
        actor: &str,
        head: &PlanHead,
        villages: &mut (dyn Iterator<Item = NewVillage> + Send),
    ) -> Result<PlanHead, StoreError>;
    /// Plans of the scope, newest last.
    async fn list_plans(&self, scope: &Scope, filter: &PlanFilter) -> Result<Vec<PlanHead>, StoreError>;
    /// One plan's head.
    async fn get_plan(&self, scope: &Scope, plan: &str) -> Result<PlanHead, StoreError>;
    /// Codes of the villages a plan has rows of, within the scope.
    async fn plan_villages(&self, scope: &Scope, plan: &str) -> Result<Vec<String>, StoreError>;
    /// A plan's rows of some villages, within the scope, and its head, from one snapshot.
    async fn plan_rows(
        &self,
        scope: &Scope,
        plan: &str,
        villages: &[String],
    ) -> Result<(PlanHead, Vec<VillageRows>), StoreError>;
    /// When each grid of a plan was last touched, within the scope.
    async fn grid_versions(&self, scope: &Scope, plan: &str) -> Result<Vec<GridVersion>, StoreError>;
    /// Edits a plan: reads the villages' rows, asks `work` what to change, checks that every row changed stands as `work` saw it and
    /// that the grids touched are as the client saw them, applies, keeps the history and the audit entry. One transaction.
    async fn transact(
        &self,
        scope: &Scope,
        request: &TransactionRequest,
        work: &mut Work<'_>,
    ) -> Result<Committed, TransactError>;
    /// Edits several plans, all or none: each as [`Store::transact`] would, in one transaction. A plan is named once; every plan that
    /// changes gets an entry in its own history, to be undone by itself. Answers in the order of the requests.
    async fn transact_together(
        &self,
        scope: &Scope,
        requests: &[TransactionRequest],
        work: &mut WorkTogether<'_>,
    ) -> Result<Vec<Committed>, TransactError>;
    /// Takes an edit back: the rows it changed are byte for byte as before. A later edit that built on it is named in the conflict.
    async fn undo(
        &self,
        scope: &Scope,
        plan: &str,
        actor: &str,
        which: &Which,
        look: &mut Look<'_>,
    ) -> Result<Committed, TransactError>;
    /// Does an edit again that was taken back. [`Which::Last`] ends at the first fresh edit after the undo.
    async fn redo(
        &self,
        scope: &Scope,
        plan: &str,
        actor: &str,
        which: &Which,
        look: &mut Look<'_>,
    ) -> Result<Committed, TransactError>;
    /// A plan's history after an entry, at most `limit` entries.
    async fn history(&self, scope: &Scope, plan: &str, after: u64, limit: u32)
    -> Result<Vec<HistoryEntry>, StoreError>;
    /// Puts a draft in force, if the plan in force is still the one expected and `verdict` agrees; retires what was in force in its
    /// region. Gives out its codes: one that has ended cannot come back.
    async fn publish(
        &self,
        scope: &Scope,
        request: &Publication,
        verdict: &mut Verdict<'_>,
    ) -> Result<PlanHead, TransactError>;
    /// A new draft with the same rows.
    async fn fork(&self, scope: &Scope, plan: &str, actor: &str, name: &str) -> Result<PlanHead, StoreError>;
    /// Where a household belonged at the end of a day (UTC+8), by the plans in force.
    async fn where_was(&self, scope: &Scope, household: &str, date: &str) -> Result<Option<Belonging>, StoreError>;
    /// All codes ever in force below a village's code.
    async fn used_codes(&self, scope: &Scope, village: &str) -> Result<Vec<UsedCode>, StoreError>;
    /// Replaces what is derived for one village of a plan, if the plan still has this version.
    async fn set_derived(
        &self,
        scope: &Scope,
        plan: &str,
        version: u64,
        village: &str,
        derived: &Derived,
    ) -> Result<(), StoreError>;
    /// What is derived for one village of a plan.
    async fn derived(&self, scope: &Scope, plan: &str, village: &str) -> Result<Derived, StoreError>;
    /// One layer of a plan's map in some villages, from one to another, both included: in the order of codes, of leaders of units and
    /// households. Units without members are left out; of households and buildings nothing is read, so that a map of millions is loaded in
    /// seconds.
    async fn each_on_map(
        &self,
        scope: &Scope,
        plan: &str,
        villages: (&str, &str),
        layer: MapLayer,
        see: &mut OnMap<'_>,
    ) -> Result<(), StoreError>;

    /// The audit log after an entry, at most `limit` entries. For auditors and admins of the whole store.
    async fn audit(&self, scope: &Scope, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError>;
    /// Number of the last entry of the audit log: it grows with every write of any process.
    async fn audit_head(&self, scope: &Scope) -> Result<u64, StoreError>;
    /// Begins to listen for writes. PostgreSQL tells of those of other processes too; a GeoPackage has no other writer.
    async fn listen(&self) -> Result<Box<dyn Ear>, StoreError>;
    /// Adds an entry of the service's own (a login, an export with names).
    async fn note(
        &self,
        scope: &Scope,
        actor: &str,
        operation: &str,
        subject: &str,
        what: &str,
    ) -> Result<u64, StoreError>;
    /// How many edits by other programs nobody has settled yet.
    async fn count_foreign_edits(&self, scope: &Scope) -> Result<u64, StoreError>;
    /// Those after a number, in their order, 10,000 at most.
    async fn foreign_edits(&self, scope: &Scope, after: u64, limit: u32) -> Result<Vec<ForeignEdit>, StoreError>;
    /// Settles foreign edits, all that are chosen or none: accepted ones become the register's, others are taken back. Returns how many.
    async fn settle_foreign(
        &self,
        scope: &Scope,
        actor: &str,
        choice: &ForeignChoice,
        accept: bool,
    ) -> Result<u64, StoreError>;

    /// Copies the store as it is now to a new GeoPackage file, while others read and write.
    async fn backup(&self, scope: &Scope, path: &Path) -> Result<(), StoreError>;
    /// Everything that is not as it was written, each with its place.
    async fn check(&self, scope: &Scope) -> Result<Vec<Finding>, StoreError>;
    /// Deletes what the retention names, and every byte of it.
    async fn purge(&self, scope: &Scope, actor: &str, retention: &Retention) -> Result<Purged, StoreError>;
    /// Closes all connections; dropping the store does so too, later.
    async fn close(&self);
}
