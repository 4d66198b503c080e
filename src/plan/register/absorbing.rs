//! The dynamic ledger (动态台账) on a stored plan: the register changed, and the plan follows with as few moves as it can. Where only
//! places and figures changed, what maps show of it follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;

use crate::domain::plan::{PlanHead, VillageRows};
use crate::domain::{Barrier, Profile, Region};
use crate::partition::check::Breach;
use crate::partition::effort::Effort;
use crate::plan::edit::{LedgerCount, StateError, VillageState, absorb_rows, rows_of};
use crate::plan::in_force;
use crate::plan::job::{Job, PlanError};
use crate::plan::make::make_plan;
use crate::plan::report::Report;
use crate::plan::village::{Village, by_village};
use crate::store::{Derived, Scope, Store, StoreError, TransactError, TransactionRequest, Worked};

use super::RegisterError;
use super::derived::derived_of;
use super::editor::{nothing_here, unfit};
use super::input::{Input, read_input};
use super::judging::profile_of;
use super::planning::assigned;

/// What is to follow the register.
#[derive(Clone)]
pub struct AbsorbWish<'a> {
    /// The plan.
    pub plan: &'a str,
    /// Only this region's villages.
    pub region: Option<&'a str>,
    /// Day on which grids end that end, `YYYY-MM-DD`.
    pub today: &'a str,
    /// Also say how many households a full re-plan would move.
    pub beside_new_plan: bool,
    /// Told how many villages are done and how many there are; says whether to go on.
    pub progress: &'a (dyn Fn(usize, usize) -> bool + Sync),
}

/// What a village's plan went through.
#[derive(Clone, Debug, Serialize)]
pub struct AbsorbedVillage {
    /// Its code.
    pub village: String,
    /// Version of the plan afterwards; `None` where nothing had changed.
    pub version: Option<u64>,
    /// Who came, who went, who was moved.
    pub count: LedgerCount,
    /// Breaches left, which people have to settle (locks, codes that ran out).
    pub problems: Vec<Breach>,
    /// What else the planner should know.
    pub notes: Vec<String>,
    /// Households that a full re-plan would have moved to another unit, if that was asked.
    pub moved_by_new_plan: Option<u64>,
    /// Why the village was left as it was; `None` where nothing was in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// Brings a plan onto the register as it is now, village by village, each in one transaction with its entry in the history. A village that
/// cannot follow is left as it was and named with the reason; the others follow.
///
/// # Errors
/// What the store says; that it was stopped: villages before are done then. Where every village was left, what was in the way of the first.
pub async fn absorb_register(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &AbsorbWish<'_>,
) -> Result<Vec<AbsorbedVillage>, RegisterError> {
    let head = store.get_plan(scope, wish.plan).await?;
    let profile = profile_of(&head)?;
    let region = wish.region.unwrap_or(&head.region);
    let input = read_input(store, scope, region).await?;
    let villages: BTreeMap<String, Village> =
        by_village(&input.table).into_iter().map(|v| (v.key.clone(), v)).collect();
    let planned = store.plan_villages(scope, wish.plan).await?;
    let (mut done, mut first, mut left) = (Vec::new(), None, 0);
    let planned_here: Vec<&String> = planned.iter().filter(|v| v.starts_with(region)).collect();
    for (at, code) in planned_here.iter().copied().enumerate() {
        if !(wish.progress)(at, planned_here.len()) {
            return Err(StoreError::Cancelled.into());
        }
        let Some(village) = villages.get(code) else {
            done.push(said(code, "名册中已无住户，方案保持原样 / the register has no household here; the plan stays"));
            continue;
        };
        match follow(store, scope, actor, wish, (&input, village, &profile)).await {
            Ok(followed) => done.extend(followed),
            Err(e) if is_of_village(&e) => {
                done.push(AbsorbedVillage { notes: Vec::new(), skipped: Some(e.to_string()), ..said(code, "") });
                first = first.or(Some(e));
                left += 1;
            }
            Err(e) => return Err(e),
        }
    }
    if let Some(e) = first.filter(|_| left == planned_here.len()) {
        return Err(e);
    }
    for code in villages.keys().filter(|v| !planned.contains(v)) {
        done.push(said(
            code,
            "名册中的新村，不在方案中，请重新划分 / a village the plan does not have: make a new plan",
        ));
    }
    Ok(done)
}

/// Whether an error is one village's own affair: the others can follow all the same.
fn is_of_village(e: &RegisterError) -> bool {
    match e {
        RegisterError::Plan(_) | RegisterError::State(_) | RegisterError::Transact(TransactError::Refused(_)) => true,
        // somebody edits it just now
        RegisterError::Store(e) | RegisterError::Transact(TransactError::Store(e)) => {
            matches!(e, StoreError::Conflict { .. })
        }
        _ => false,
    }
}

/// One village of the plan; `None` where nothing had changed.
async fn follow(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &AbsorbWish<'_>,
    (input, village, profile): (&Input, &Village, &Profile),
) -> Result<Option<AbsorbedVillage>, RegisterError> {
    let code = &village.key;
    let (head, rows) = super::editor::snapshot(store, scope, wish.plan, code).await?;
    let land = Arc::new(input.land(village, profile)?);
    if let Ok(state) = VillageState::new(Arc::clone(&land), &rows) {
        return refresh(store, scope, actor, &head, &state).await;
    }
    let mut absorbed = Some((absorb_rows(Arc::clone(&land), &rows, wish.today)?, rows.clone()));
    let mut outcome = None;
    let request = TransactionRequest {
        plan: wish.plan.to_owned(),
        base_version: head.version,
        grid_versions: Vec::new(),
        villages: vec![code.clone()],
        actor: actor.to_owned(),
        operation: serde_json::json!({
            "operation": "absorb", "village": code, "register_version": store.register_version(scope).await?,
        }),
        idempotency: None,
    };
    let committed = store
        .transact(scope, &request, &mut |_, now: &[VillageRows]| {
            let Some(now) = now.first() else { return Err(nothing_here(code)) };
            let a = match absorbed.take().filter(|(_, seen)| seen == now) {
                Some((a, _)) => a,
                None => absorb_rows(Arc::clone(&land), now, wish.today).map_err(|e: StateError| unfit(&e))?,
            };
            let derived: Derived = derived_of(&a.state);
            let changes = a.changes.clone();
            outcome = Some(a);
            Ok(Worked { changes, derived: vec![(code.clone(), derived)] })
        })
        .await?;
    let Some(mut a) = outcome else { return Ok(None) };
    let mut moved_by_new_plan = None;
    if wish.beside_new_plan {
        match new_plan_moves(input, village, &head, &rows) {
            Ok(moved) => moved_by_new_plan = Some(moved),
            // the village itself is done
            Err(e) => a.notes.push(e.to_string()),
        }
    }
    Ok(Some(AbsorbedVillage {
        village: code.clone(),
        version: Some(committed.version),
        count: a.count,
        problems: a.problems,
        notes: a.notes,
        moved_by_new_plan,
        skipped: None,
    }))
}

/// Everybody is where they were; but buildings may have moved and figures changed, which maps show and rules are judged by.
async fn refresh(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    head: &PlanHead,
    state: &VillageState,
) -> Result<Option<AbsorbedVillage>, RegisterError> {
    let code = state.land().code.as_str();
    let fresh = derived_of(state);
    if same(&fresh, &store.derived(scope, &head.id, code).await?) {
        return Ok(None);
    }
    store.set_derived(scope, &head.id, head.version, code, &fresh).await?;
    // The log is what a service that reads the same store listens to.
    store.note(scope, actor, "plan.derive", &head.id, code).await?;
    let note = "户未变动；图层与指标已按名册刷新 / nobody moved; layers and figures follow the register";
    Ok(Some(AbsorbedVillage { problems: state.problems(), ..said(code, note) }))
}

/// Whether the same is shown, in whatever order.
fn same(a: &Derived, b: &Derived) -> bool {
    let leaders = |d: &Derived| {
        let mut list = d.leaders.clone();
        list.sort_by(|x, y| (&x.unit, &x.household).cmp(&(&y.unit, &y.household)));
        list
    };
    a.grids == b.grids && a.units == b.units && leaders(a) == leaders(b)
}

fn said(village: &str, note: &str) -> AbsorbedVillage {
    AbsorbedVillage {
        village: village.to_owned(),
        version: None,
        count: LedgerCount::default(),
        problems: Vec::new(),
        notes: vec![note.to_owned()],
        moved_by_new_plan: None,
        skipped: None,
    }
}

/// Households in another unit after a full re-plan of the village.
fn new_plan_moves(input: &Input, village: &Village, head: &PlanHead, rows: &VillageRows) -> Result<u64, PlanError> {
    let profile = profile_of(head)?;
    let cancel = AtomicBool::new(false);
    let job = Job {
        begun: Instant::now(),
        effort: Effort::Auto,
        seed: head.seed,
        cancel: &cancel,
        progress: &|_, _| {},
        replay: None,
    };
    let table = input.table.subset(&village.rows);
    let regions: Vec<Region> =
        input.regions.iter().filter(|r| r.code.as_deref() == Some(village.key.as_str())).cloned().collect();
    let barriers: &[Barrier] = &input.barriers;
    let mut report = Report::new("plan", head.seed);
    let plans = make_plan(&table, &regions, barriers, &profile, (&job, &job), &mut report)?;
    let new: Vec<VillageRows> = plans.iter().map(|p| rows_of(p, &table, profile.grid.levels)).collect();
    let figures = in_force::moved(&assigned(std::iter::once(rows)), &assigned(new.iter()));
    Ok(figures["unit_changed"]["households"].as_u64().unwrap_or(0))
}
