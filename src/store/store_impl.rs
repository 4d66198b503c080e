//! [`Store`] over either engine: opens the transaction, hands it to the part that knows.

use std::path::Path;

use crate::domain::plan::{PlanHead, VillageRows};
use crate::domain::register::AuditRow;

use super::contract::{Ear, Look, OnMap, Passing, Sink, Store, Verdict, Work, WorkTogether};
use super::messages::{
    Belonging, Committed, Derived, Filter, ForeignChoice, ForeignEdit, GridVersion, HistoryEntry, ImportReport,
    ImportRequest, MapLayer, NewVillage, Page, PlanFilter, Publication, Purged, Retention, RowChange, RowSource,
    TransactionRequest, UsedCode, Which,
};
use super::plans::{codes, derived, edit, heads, history, on_map, publish};
use super::rows::{Layer, RegisterRow};
use super::scope::{Right, Scope, check_prefix};
use super::sql::Sql;
use super::{
    Finding, SqlStore, StoreError, TransactError, audit, changes, check, foreign, import, purge, register, remove,
};

/// Longest list of log entries.
const LONGEST_LIST: u32 = 10_000;

#[async_trait::async_trait]
impl Store for SqlStore {
    async fn list(&self, scope: &Scope, layer: Layer, filter: &Filter) -> Result<Page, StoreError> {
        register::page(self.engine.read().await?.as_mut(), scope, layer, filter, false).await
    }

    async fn stream(
        &self,
        scope: &Scope,
        layer: Layer,
        filter: &Filter,
        sink: &mut Sink<'_>,
    ) -> Result<u64, StoreError> {
        register::stream(self.engine.read().await?.as_mut(), scope, layer, filter, sink).await
    }

    async fn each(
        &self,
        scope: &Scope,
        layer: Layer,
        filter: &Filter,
        see: &mut Passing<'_>,
    ) -> Result<u64, StoreError> {
        register::each(self.engine.read().await?.as_mut(), scope, layer, filter, see).await
    }

    async fn count(&self, scope: &Scope, layer: Layer, filter: &Filter) -> Result<u64, StoreError> {
        register::count(self.engine.read().await?.as_mut(), scope, layer, filter).await
    }

    async fn register_version(&self, _scope: &Scope) -> Result<u64, StoreError> {
        register::version(self.engine.read().await?.as_mut(), false).await
    }

    async fn import(
        &self,
        scope: &Scope,
        actor: &str,
        request: &ImportRequest,
        rows: &mut dyn RowSource,
    ) -> Result<ImportReport, StoreError> {
        import::run(self, scope, actor, request, rows).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        actor: &str,
        layer: Layer,
        ids: &[String],
        wish: (Option<u64>, Option<&str>),
    ) -> Result<u64, StoreError> {
        remove::run(self, scope, actor, (layer, ids), wish).await
    }

    async fn changes_of(&self, scope: &Scope, layer: Layer, id: &str) -> Result<Vec<RowChange>, StoreError> {
        changes::of_row(self.engine.read().await?.as_mut(), scope, layer, id).await
    }

    async fn reveal_officers(
        &self,
        scope: &Scope,
        actor: &str,
        purpose: &str,
        filter: &Filter,
    ) -> Result<Page, StoreError> {
        scope.need(Right::SeeOfficers)?;
        if purpose.trim().is_empty() {
            let what = "查看姓名须说明用途 / seeing names needs a purpose".to_owned();
            return Err(StoreError::BadArgument { name: "purpose", what });
        }
        let at = self.now();
        let mut session = self.engine.write().await?;
        let page = register::page(session.as_mut(), scope, Layer::Officers, filter, true).await?;
        let ids: Vec<&str> = page.rows.iter().map(RegisterRow::key).collect();
        let entry = audit::Entry {
            at: &at,
            actor,
            scope,
            operation: "officers.reveal",
            subject: "officers",
            before: None,
            after: Some(serde_json::json!({ "purpose": purpose, "officers": ids }).to_string()),
        };
        audit::append(session.as_mut(), entry).await?;
        session.commit().await?;
        Ok(page)
    }

    async fn create_plan(
        &self,
        scope: &Scope,
        actor: &str,
        head: &PlanHead,
        villages: &mut (dyn Iterator<Item = NewVillage> + Send),
    ) -> Result<PlanHead, StoreError> {
        heads::create(self, scope, actor, head, villages).await
    }

    async fn list_plans(&self, scope: &Scope, filter: &PlanFilter) -> Result<Vec<PlanHead>, StoreError> {
        heads::list(self.engine.read().await?.as_mut(), scope, filter).await
    }

    async fn get_plan(&self, scope: &Scope, plan: &str) -> Result<PlanHead, StoreError> {
        Ok(heads::get(self.engine.read().await?.as_mut(), scope, plan, false).await?.head)
    }

    async fn plan_villages(&self, scope: &Scope, plan: &str) -> Result<Vec<String>, StoreError> {
        let mut session = self.engine.read().await?;
        let no = heads::number(session.as_mut(), scope, plan).await?;
        heads::village_codes(session.as_mut(), no, scope).await
    }

    async fn plan_rows(
        &self,
        scope: &Scope,
        plan: &str,
        villages: &[String],
    ) -> Result<(PlanHead, Vec<VillageRows>), StoreError> {
        let mut session = self.engine.read().await?;
        let stored = heads::get(session.as_mut(), scope, plan, false).await?;
        let rows = heads::villages(session.as_mut(), stored.no, scope, villages).await?;
        Ok((stored.head, rows))
    }

    async fn grid_versions(&self, scope: &Scope, plan: &str) -> Result<Vec<GridVersion>, StoreError> {
        let mut session = self.engine.read().await?;
        let no = heads::number(session.as_mut(), scope, plan).await?;
        heads::grid_versions(session.as_mut(), no, scope).await
    }

    async fn transact(
        &self,
        scope: &Scope,
        request: &TransactionRequest,
        work: &mut Work<'_>,
    ) -> Result<Committed, TransactError> {
        edit::transact(self, scope, request, work).await
    }

    async fn transact_together(
        &self,
        scope: &Scope,
        requests: &[TransactionRequest],
        work: &mut WorkTogether<'_>,
    ) -> Result<Vec<Committed>, TransactError> {
        edit::transact_together(self, scope, requests, work).await
    }

    async fn undo(
        &self,
        scope: &Scope,
        plan: &str,
        actor: &str,
        which: &Which,
        look: &mut Look<'_>,
    ) -> Result<Committed, TransactError> {
        history::turn(self, scope, plan, actor, (which, true), look).await
    }

    async fn redo(
        &self,
        scope: &Scope,
        plan: &str,
        actor: &str,
        which: &Which,
        look: &mut Look<'_>,
    ) -> Result<Committed, TransactError> {
        history::turn(self, scope, plan, actor, (which, false), look).await
    }

    async fn history(
        &self,
        scope: &Scope,
        plan: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        history::list(self.engine.read().await?.as_mut(), scope, plan, after, limit.min(LONGEST_LIST)).await
    }

    async fn publish(
        &self,
        scope: &Scope,
        request: &Publication,
        verdict: &mut Verdict<'_>,
    ) -> Result<PlanHead, TransactError> {
        publish::publish(self, scope, request, verdict).await
    }

    async fn fork(&self, scope: &Scope, plan: &str, actor: &str, name: &str) -> Result<PlanHead, StoreError> {
        heads::fork(self, scope, plan, actor, name).await
    }

    async fn where_was(&self, scope: &Scope, household: &str, date: &str) -> Result<Option<Belonging>, StoreError> {
        publish::where_was(self.engine.read().await?.as_mut(), scope, household, date).await
    }

    async fn used_codes(&self, scope: &Scope, village: &str) -> Result<Vec<UsedCode>, StoreError> {
        check_prefix(village)?;
        match scope.within(village) {
            Some(part) => codes::list(self.engine.read().await?.as_mut(), &part).await,
            None => Ok(Vec::new()),
        }
    }

    async fn set_derived(
        &self,
        scope: &Scope,
        plan: &str,
        version: u64,
        village: &str,
        derived: &Derived,
    ) -> Result<(), StoreError> {
        derived::set(self, scope, plan, version, village, derived).await
    }

    async fn derived(&self, scope: &Scope, plan: &str, village: &str) -> Result<Derived, StoreError> {
        derived::get(self.engine.read().await?.as_mut(), scope, plan, village).await
    }

    async fn each_on_map(
        &self,
        scope: &Scope,
        plan: &str,
        villages: (&str, &str),
        layer: MapLayer,
        see: &mut OnMap<'_>,
    ) -> Result<(), StoreError> {
        on_map::each(self.engine.read().await?.as_mut(), scope, plan, villages, layer, see).await
    }

    async fn audit(&self, scope: &Scope, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        scope.need(Right::SeeAudit)?;
        if !scope.is_whole() {
            let operation = "查看全库审计 / read the audit log of the whole store";
            return Err(StoreError::Forbidden { role: scope.role().word(), operation });
        }
        audit::list(self.engine.read().await?.as_mut(), after, limit.min(LONGEST_LIST)).await
    }

    async fn audit_head(&self, _scope: &Scope) -> Result<u64, StoreError> {
        let sql = Sql::new("audit_head", "SELECT seq FROM audit_head WHERE one = 1");
        self.engine.read().await?.one(sql).await
    }

    async fn listen(&self) -> Result<Box<dyn Ear>, StoreError> {
        self.engine.listen().await
    }

    async fn note(
        &self,
        scope: &Scope,
        actor: &str,
        operation: &str,
        subject: &str,
        what: &str,
    ) -> Result<u64, StoreError> {
        let at = self.now();
        let mut session = self.engine.write().await?;
        let entry =
            audit::Entry { at: &at, actor, scope, operation, subject, before: None, after: Some(what.to_owned()) };
        let seq = audit::append(session.as_mut(), entry).await?;
        session.commit().await?;
        Ok(seq)
    }

    async fn count_foreign_edits(&self, scope: &Scope) -> Result<u64, StoreError> {
        foreign::count(self.engine.read().await?.as_mut(), scope).await
    }

    async fn foreign_edits(&self, scope: &Scope, after: u64, limit: u32) -> Result<Vec<ForeignEdit>, StoreError> {
        foreign::page(self.engine.read().await?.as_mut(), scope, after, limit).await
    }

    async fn settle_foreign(
        &self,
        scope: &Scope,
        actor: &str,
        choice: &ForeignChoice,
        accept: bool,
    ) -> Result<u64, StoreError> {
        foreign::settle(self, scope, actor, choice, accept).await
    }

    async fn backup(&self, scope: &Scope, path: &Path) -> Result<(), StoreError> {
        scope.need(Right::Maintain)?;
        self.engine.backup(path).await
    }

    async fn check(&self, scope: &Scope) -> Result<Vec<Finding>, StoreError> {
        scope.need(Right::Maintain)?;
        check::all(self.engine.as_ref()).await
    }

    async fn purge(&self, scope: &Scope, actor: &str, retention: &Retention) -> Result<Purged, StoreError> {
        purge::run(self, scope, actor, retention).await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
