//! Editing plans in the store: operations, undo and redo, each judged on the village's land before anything is written.
//!
//! Villages are prepared once and kept as long as the register stays as it is, so that an edit costs what it touches. The work is done
//! on a snapshot, outside the store's write transaction; inside it, it is only done again when somebody else was faster.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::plan::{Changes, PlanHead, PlanStatus, VillageRows};
use crate::plan::edit::{
    Applied, Behind, Land, Operation, Policy, Refusal as Refused, StateError, VillageState, apply,
};
use crate::store::{
    Committed, Derived, Idempotency, Refusal, Role, Scope, Store, StoreError, TransactError, TransactionRequest, Which,
    Worked,
};

use super::RegisterError;
use super::derived::derived_of;
use super::input::read_input;
use super::judging::profile_of;
use crate::plan::village::by_village;

/// Villages kept ready; a village of 3,000 households takes a few MiB.
const KEPT: usize = 32;

/// Edits plans; shared by all who edit the same store.
#[derive(Default)]
pub struct Editor {
    lands: Mutex<Kept<(String, String, u64), Arc<Land>>>,
    states: Mutex<Kept<(String, String), Arc<Prepared>>>,
    behind: Mutex<Kept<(String, String), Arc<Lagging>>>,
}

/// A village of a plan that is behind the register, with what it was made from.
struct Lagging {
    land: Arc<Land>,
    rows: VillageRows,
    state: VillageState,
    behind: Behind,
}

/// A village of a plan with the rows it was made from.
struct Prepared {
    rows: VillageRows,
    state: VillageState,
}

/// The last few values by key, most recent first.
struct Kept<K, V>(Vec<(K, V)>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, V: Clone> Kept<K, V> {
    fn find(&mut self, key: &K) -> Option<V> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        let found = self.0.remove(at);
        let value = found.1.clone();
        self.0.insert(0, found);
        Some(value)
    }

    fn keep(&mut self, key: K, value: V) {
        self.0.retain(|(k, _)| *k != key);
        self.0.insert(0, (key, value));
        self.0.truncate(KEPT);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere cannot leave a list of finished values half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is to be done to one village of a plan.
#[derive(Clone, Debug)]
pub struct EditWish {
    /// The plan's id.
    pub plan: String,
    /// The village, twelve digits.
    pub village: String,
    /// Version of the plan that the operations were thought out on.
    pub base_version: u64,
    /// Versions of grids seen later than that.
    pub grid_versions: Vec<(String, u64)>,
    /// What to do, all or nothing.
    pub operations: Vec<Operation>,
    /// What becomes of it when a hard rule breaks; a plan in force never breaks one.
    pub policy: Policy,
    /// Day on which grids end that end, `YYYY-MM-DD`.
    pub today: String,
    /// Same key and same body: same answer.
    pub idempotency: Option<Idempotency>,
}

/// An edit that is in the store.
pub struct Edited {
    /// Version, number in the history, grids touched.
    pub committed: Committed,
    /// What it did; `None` when the same request was answered before.
    pub applied: Option<Applied>,
}

impl Editor {
    /// An editor with nothing prepared.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A village's land by the register as it is now.
    ///
    /// # Errors
    /// A village without households; what the store says.
    pub(super) async fn land(
        &self,
        store: &dyn Store,
        scope: &Scope,
        head: &PlanHead,
        village: &str,
    ) -> Result<Arc<Land>, RegisterError> {
        // What is kept is shared: whoever asks must see the whole village, and gets it as it is, whoever asked first.
        if !scope.covers(village) {
            return Err(StoreError::NotFound { what: "村 / village", id: village.to_owned() }.into());
        }
        let scope = &Scope::whole_store(Role::Viewer);
        let version = store.register_version(scope).await?;
        let key = (village.to_owned(), head.profile.clone(), version);
        if let Some(land) = lock(&self.lands).find(&key) {
            return Ok(land);
        }
        let input = read_input(store, scope, village).await?;
        let profile = profile_of(head)?;
        let land = blocking(move || {
            let rows = by_village(&input.table).into_iter().next();
            rows.map(|v| input.land(&v, &profile)).transpose()
        })
        .await?;
        let land = Arc::new(land.ok_or_else(|| RegisterError::NoHousehold { region: village.to_owned() })?);
        lock(&self.lands).keep(key, Arc::clone(&land));
        Ok(land)
    }

    /// The state of rows on their land, made anew only where the rows are others than last time.
    fn prepared(&self, plan: &str, land: &Arc<Land>, rows: &VillageRows) -> Result<Arc<Prepared>, StateError> {
        if let Some(known) = self.known(plan, land, rows) {
            return Ok(known);
        }
        let fresh = Arc::new(Prepared { state: VillageState::new(Arc::clone(land), rows)?, rows: rows.clone() });
        lock(&self.states).keep((plan.to_owned(), rows.village.clone()), Arc::clone(&fresh));
        Ok(fresh)
    }

    /// What was prepared of the same rows on the same land.
    fn known(&self, plan: &str, land: &Arc<Land>, rows: &VillageRows) -> Option<Arc<Prepared>> {
        let known = lock(&self.states).find(&(plan.to_owned(), rows.village.clone()));
        known.filter(|p| std::ptr::eq(p.state.land(), land.as_ref()) && p.rows == *rows)
    }

    /// A village of a plan as it stands.
    ///
    /// # Errors
    /// A plan that does not fit the register; what the store says.
    pub async fn state(
        &self,
        store: &dyn Store,
        scope: &Scope,
        plan: &str,
        village: &str,
    ) -> Result<(PlanHead, VillageState), RegisterError> {
        let (head, rows) = snapshot(store, scope, plan, village).await?;
        let land = self.land(store, scope, &head, village).await?;
        if let Some(known) = self.known(plan, &land, &rows) {
            return Ok((head, known.state.clone()));
        }
        let fresh = blocking(move || {
            let state = VillageState::new(land, &rows)?;
            Ok::<_, StateError>(Arc::new(Prepared { state, rows }))
        });
        let fresh = fresh.await?;
        lock(&self.states).keep((plan.to_owned(), village.to_owned()), Arc::clone(&fresh));
        Ok((head, fresh.state.clone()))
    }

    /// A village of a plan to be looked at; where plan and register differ, what both know of it, and what each has alone.
    ///
    /// # Errors
    /// Rows that contradict themselves or have nothing in common with the register; what the store says.
    pub async fn opened(
        &self,
        store: &dyn Store,
        scope: &Scope,
        plan: &str,
        village: &str,
    ) -> Result<(PlanHead, VillageState, Option<Behind>), RegisterError> {
        let (head, rows) = snapshot(store, scope, plan, village).await?;
        let land = self.land(store, scope, &head, village).await?;
        if let Some(known) = self.known(plan, &land, &rows) {
            return Ok((head, known.state.clone(), None));
        }
        let key = (plan.to_owned(), village.to_owned());
        let known = lock(&self.behind).find(&key).filter(|l| Arc::ptr_eq(&l.land, &land) && l.rows == rows);
        if let Some(known) = known {
            return Ok((head, known.state.clone(), Some(known.behind.clone())));
        }
        let on = Arc::clone(&land);
        let made = blocking(move || {
            let (state, behind) = VillageState::opened(on, &rows)?;
            Ok::<_, StateError>((state, behind, rows))
        });
        let (state, behind, rows) = made.await?;
        match &behind {
            None => lock(&self.states).keep(key, Arc::new(Prepared { rows, state: state.clone() })),
            Some(of) => {
                let lagging = Lagging { land, rows, state: state.clone(), behind: of.clone() };
                lock(&self.behind).keep(key, Arc::new(lagging));
            }
        }
        Ok((head, state, behind))
    }

    /// What operations would do; nothing is stored.
    ///
    /// # Errors
    /// [`TransactError::Refused`] with the reasons; what the store says.
    pub async fn preview(
        self: &Arc<Self>,
        store: &dyn Store,
        scope: &Scope,
        wish: &EditWish,
    ) -> Result<(PlanHead, Applied), RegisterError> {
        let (head, rows) = snapshot(store, scope, &wish.plan, &wish.village).await?;
        let land = self.land(store, scope, &head, &wish.village).await?;
        let (this, own, status) = (Arc::clone(self), wish.clone(), head.status);
        let done = blocking(move || this.work(&own, status, &land, &rows)).await;
        Ok((head, done.map_err(TransactError::Refused)?.0))
    }

    /// Does operations and stores them.
    ///
    /// # Errors
    /// [`TransactError::Refused`] with the reasons and what to do first; a conflict with grids, author and time when others changed
    /// the same grids; what the store says. Nothing is changed then.
    pub async fn edit(
        self: &Arc<Self>,
        store: &dyn Store,
        scope: &Scope,
        actor: &str,
        wish: &EditWish,
    ) -> Result<Edited, RegisterError> {
        let (head, seen) = snapshot(store, scope, &wish.plan, &wish.village).await?;
        let land = self.land(store, scope, &head, &wish.village).await?;
        let (this, own, on, rows) = (Arc::clone(self), wish.clone(), Arc::clone(&land), seen.clone());
        let before_hand = blocking(move || this.work(&own, head.status, &on, &rows)).await;
        let request = TransactionRequest {
            plan: wish.plan.clone(),
            base_version: wish.base_version,
            grid_versions: wish.grid_versions.clone(),
            villages: vec![wish.village.clone()],
            actor: actor.to_owned(),
            operation: serde_json::json!({"village": wish.village, "operations": wish.operations, "policy": wish.policy}),
            idempotency: wish.idempotency.clone(),
        };
        let mut before_hand = Some(before_hand);
        let mut applied = None;
        let committed = store
            .transact(scope, &request, &mut |head, rows| {
                let Some(rows) = rows.first() else { return Err(nothing_here(&wish.village)) };
                let done = match before_hand.take().filter(|_| *rows == seen) {
                    Some(done) => done?,
                    None => self.work(wish, head.status, &land, rows)?,
                };
                let worked = Worked { changes: done.0.changes.clone(), derived: vec![(wish.village.clone(), done.1)] };
                applied = Some(done.0);
                Ok(worked)
            })
            .await?;
        if let Some(a) = &applied {
            let prepared = Prepared { rows: a.state.rows(), state: a.state.clone() };
            lock(&self.states).keep((wish.plan.clone(), wish.village.clone()), Arc::new(prepared));
        }
        Ok(Edited { committed, applied })
    }

    /// The operations on some rows, and what is derived afterwards.
    fn work(
        &self,
        wish: &EditWish,
        status: PlanStatus,
        land: &Arc<Land>,
        rows: &VillageRows,
    ) -> Result<(Applied, Derived), Refusal> {
        let prepared = self.prepared(&wish.plan, land, rows).map_err(|e| unfit(&e))?;
        let policy = if status == PlanStatus::Live { Policy::Refuse } else { wish.policy };
        let applied = apply(&prepared.state, &wish.operations, policy, &wish.today).map_err(|r| refusal(&r))?;
        let derived = derived_of(&applied.state);
        Ok((applied, derived))
    }

    /// Takes an edit back (`undo`) or does it again, and says what changed.
    ///
    /// # Errors
    /// Nothing to take back; a later edit that built on it (named in the conflict); a register that moved on since.
    pub async fn turn(
        &self,
        store: &dyn Store,
        scope: &Scope,
        actor: &str,
        plan: &str,
        which: &Which,
        undo: bool,
    ) -> Result<(Committed, Changes), RegisterError> {
        let mut lands: Vec<Arc<Land>> = Vec::new();
        loop {
            let mut missing: Vec<String> = Vec::new();
            let mut turned = Changes::default();
            let mut look = |head: &PlanHead, rows: &[VillageRows], changes: &Changes| {
                turned = changes.clone();
                let mut derived = Vec::new();
                for rows in rows {
                    let Some(land) = lands.iter().find(|l| l.code.as_str() == rows.village) else {
                        missing.push(rows.village.clone());
                        continue;
                    };
                    let own = changes.of_village(&rows.village);
                    derived.push((rows.village.clone(), self.turned(head, land, rows, &own)?));
                }
                // The lands are not at hand before the store says which villages the edit was about.
                if missing.is_empty() { Ok(derived) } else { Err(nothing_here("")) }
            };
            let done = if undo {
                store.undo(scope, plan, actor, which, &mut look).await
            } else {
                store.redo(scope, plan, actor, which, &mut look).await
            };
            if missing.is_empty() {
                return Ok((done?, turned));
            }
            let head = store.get_plan(scope, plan).await?;
            for village in &missing {
                lands.push(self.land(store, scope, &head, village).await?);
            }
        }
    }

    /// A village after an edit was taken back or done again.
    fn turned(
        &self,
        head: &PlanHead,
        land: &Arc<Land>,
        rows: &VillageRows,
        changes: &Changes,
    ) -> Result<Derived, Refusal> {
        // The rows as they stand may not fit the register any more; what counts is that those that will stand do.
        let mut after = rows.clone();
        crate::plan::edit::apply_changes(&mut after, changes).map_err(|e| unfit(&e))?;
        let before = self.prepared(&head.id, land, rows).map(|p| p.state.known_problems()).unwrap_or_default();
        let state = VillageState::new(Arc::clone(land), &after).map_err(|e| unfit(&e))?;
        if head.status == PlanStatus::Live
            && let Some(fresh) = state.known_problems().iter().find(|p| !before.contains(p))
        {
            let message = format!("现行方案不能带有违反项：{fresh}\na plan in force keeps every hard rule: {fresh}");
            return Err(Refusal { message, detail: serde_json::json!({"kind": "rule", "breach": fresh}) });
        }
        let derived = derived_of(&state);
        let key = (head.id.clone(), rows.village.clone());
        lock(&self.states).keep(key, Arc::new(Prepared { rows: after, state }));
        Ok(derived)
    }
}

/// A village's rows from one snapshot.
pub(super) async fn snapshot(
    store: &dyn Store,
    scope: &Scope,
    plan: &str,
    village: &str,
) -> Result<(PlanHead, VillageRows), RegisterError> {
    let (head, rows) = store.plan_rows(scope, plan, &[village.to_owned()]).await?;
    match rows.into_iter().next().filter(|r| !r.grids.is_empty()) {
        Some(rows) => Ok((head, rows)),
        None => Err(TransactError::Refused(nothing_here(village)).into()),
    }
}

pub(super) fn nothing_here(village: &str) -> Refusal {
    Refusal {
        message: format!("方案中没有村 {village} / the plan has no village {village}"),
        detail: serde_json::json!({"kind": "unknown", "ids": [village]}),
    }
}

pub(super) fn unfit(e: &StateError) -> Refusal {
    let kind = if matches!(e, StateError::Differs { .. }) { "differs" } else { "land" };
    Refusal { message: e.to_string(), detail: serde_json::json!({"kind": kind}) }
}

fn refusal(r: &Refused) -> Refusal {
    Refusal { message: r.to_string(), detail: serde_json::to_value(r).unwrap_or_default() }
}

/// Runs what computes on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => match e.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down: nobody waits for an answer.
            Err(_) => std::future::pending().await,
        },
    }
}
