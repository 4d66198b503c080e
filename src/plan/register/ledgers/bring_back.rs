//! An edited ledger back into the plans it shows: only changed cells are applied, each row judged, all rows or none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::domain::LonLat;
use crate::domain::Profile;
use crate::domain::plan::{Changes, PlanHead, UnitRow, VillageRows};
use crate::domain::register::Geometry;
use crate::exchange::gate::{CellFault, FaultList};
use crate::exchange::ledger::{CellChange, Ledger, ledger_changes};
use crate::exchange::{Cell, Format, OpenOptions, ReadError, WriteOptions, open};
use crate::store::{
    Committed, Derived, DerivedLeader, Filter, Layer, Refusal, RegisterRow, Scope, Store, StoreError, TransactError,
    TransactionRequest, Worked,
};

use super::super::RegisterError;
use super::gather::{plans_and_villages, read_claim, view};
use super::hand_over::{LedgerWish, Pen};
use super::judge::{Refused, RowEdit, changes_of};

/// Keys asked for at once.
const KEYS: usize = 1_000;

/// What is to be read back, and how.
pub struct LedgerImport<'a> {
    /// Which ledger.
    pub ledger: Ledger,
    /// Its files.
    pub files: &'a [String],
    /// How they are opened.
    pub open: OpenOptions,
    /// The plan they show; the plans in force otherwise.
    pub plan: Option<&'a str>,
    /// Today, `YYYY-MM-DD`.
    pub today: &'a str,
    /// Say what would happen, change nothing.
    pub dry_run: bool,
    /// Apply the good rows although others are faulty.
    pub partial: bool,
    /// Faults kept in full.
    pub faults_kept: usize,
}

/// What a ledger said, and what came of it.
#[derive(Debug)]
pub struct LedgerOutcome {
    /// Rows and cells that cannot be followed.
    pub faults: FaultList,
    /// The changed cells that were applied (or would be).
    pub cells: Vec<CellChange>,
    /// Rows with a changed cell among them.
    pub changed_rows: u64,
    /// Rows without a change.
    pub unchanged_rows: u64,
    /// Changed rows that do not say which state of the plan they show.
    pub unclaimed_rows: u64,
    /// The edits in the store: plan and version. None where nothing was applied.
    pub committed: Vec<(String, u64)>,
}

/// The rows of one plan that change.
struct Batch {
    head: PlanHead,
    edits: Vec<RowEdit>,
}

/// Reads edited ledgers and applies their changed cells in one transaction: one edit a plan, which can be undone like any other.
///
/// # Errors
/// A ledger that is only handed out, what makes a file unusable as a whole, what the store says; a grid that others edit meanwhile is a
/// conflict.
pub async fn import_ledger(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &LedgerImport<'_>,
) -> Result<LedgerOutcome, RegisterError> {
    if !wish.ledger.can_come_back() {
        let known = [Ledger::Grids, Ledger::Units].map(Ledger::name).join(", ");
        return Err(RegisterError::NoLayer { name: wish.ledger.name().to_owned(), known });
    }
    let standing = Standing::read(store, scope, actor, wish).await?;
    let mut outcome = LedgerOutcome {
        faults: FaultList::new(wish.faults_kept),
        cells: Vec::new(),
        changed_rows: 0,
        unchanged_rows: 0,
        unclaimed_rows: 0,
        committed: Vec::new(),
    };
    let mut batches: BTreeMap<usize, Batch> = BTreeMap::new();
    let mut file_of: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
    for file in wish.files {
        let source = open(file, &wish.open)?;
        if source.head().features || !matches!(source.format(), Format::Csv | Format::Xlsx) {
            let accepted = "CSV (.csv), XLSX (.xlsx)";
            return Err(ReadError::UnknownFormat { file: file.clone(), accepted }.into());
        }
        let sheet = source.head().layer.clone();
        let said = ledger_changes(source, wish.ledger, &standing.lines, &|code, claim| standing.is_stale(code, claim))?;
        outcome.faults.total += said.faults.total - said.faults.faults.len() as u64;
        for fault in said.faults.faults {
            outcome.faults.add(fault);
        }
        outcome.unchanged_rows += said.unchanged_rows;
        outcome.unclaimed_rows += said.unclaimed_rows;
        for cell in said.changes {
            let Some(&plan) = standing.plan_of.get(cell.code.as_str()) else { continue };
            let Some((head, _)) = standing.plans.get(plan) else { continue };
            let (first, _) = file_of.entry(cell.code.clone()).or_insert_with(|| (file.clone(), sheet.clone()));
            if first != file {
                let reason =
                    format!("编码 {0} 也在文件 {first} 中修改 / code {0} is edited in file {first} too", cell.code);
                outcome.faults.add(CellFault {
                    file: file.clone(),
                    sheet: sheet.clone(),
                    row: cell.row,
                    column: Some(cell.column.to_owned()),
                    id: Some(cell.code),
                    code: "duplicate_id",
                    reason,
                });
                continue;
            }
            let batch = batches.entry(plan).or_insert_with(|| Batch { head: head.clone(), edits: Vec::new() });
            match batch.edits.last_mut().filter(|e| e.code == cell.code) {
                Some(edit) => edit.cells.push(cell),
                None => batch.edits.push(RowEdit { row: cell.row, code: cell.code.clone(), cells: vec![cell] }),
            }
        }
    }
    if !outcome.faults.is_empty() && !wish.partial {
        return Ok(outcome);
    }
    let batches: Vec<Batch> = batches.into_values().collect();
    let Done { committed, refused } = carry_out(store, scope, actor, wish, &batches).await?;
    let plans = batches.iter().map(|b| b.head.id.clone());
    outcome.committed = plans.zip(committed).filter(|(_, c)| c.seq > 0).map(|(plan, c)| (plan, c.version)).collect();
    let bad: BTreeSet<&str> = refused.iter().map(|r| r.code.as_str()).collect();
    for edit in batches.into_iter().flat_map(|b| b.edits) {
        if !bad.contains(edit.code.as_str()) {
            outcome.changed_rows += 1;
            outcome.cells.extend(edit.cells);
        }
    }
    for r in refused {
        let (file, sheet) = file_of.get(&r.code).cloned().unwrap_or_default();
        outcome.faults.add(CellFault {
            file,
            sheet,
            row: r.row,
            column: r.column.map(str::to_owned),
            id: Some(r.code),
            code: r.fault.code,
            reason: r.fault.message,
        });
    }
    Ok(outcome)
}

/// The plans as they stand: what would be exported now, and when each grid was last touched.
struct Standing {
    plans: Vec<(PlanHead, BTreeMap<String, u64>)>,
    lines: Vec<Vec<Cell>>,
    plan_of: BTreeMap<String, usize>,
}

impl Standing {
    async fn read(
        store: &dyn Store,
        scope: &Scope,
        actor: &str,
        wish: &LedgerImport<'_>,
    ) -> Result<Self, RegisterError> {
        let as_exported = LedgerWish {
            ledger: wish.ledger,
            format: Format::Csv,
            region: None,
            plan: wish.plan,
            names_for: None,
            as_of: None,
            today: wish.today,
            options: WriteOptions::default(),
        };
        let mut pen = Pen::new(store, scope, actor, &as_exported).await?;
        let mut all = Self { plans: Vec::new(), lines: Vec::new(), plan_of: BTreeMap::new() };
        for (i, (head, villages)) in
            plans_and_villages(store, scope, (wish.plan, None), None).await?.into_iter().enumerate()
        {
            pen.turn_to(store, scope, wish.ledger, &head).await?;
            for village in &villages {
                let lines = pen.lines(wish.ledger, &view(store, scope, &head.id, village).await?);
                let codes = lines.iter().filter_map(|l| match l.first() {
                    Some(Cell::Text(code)) => Some((code.to_string(), i)),
                    _ => None,
                });
                all.plan_of.extend(codes);
                all.lines.extend(lines);
            }
            let versions = store.grid_versions(scope, &head.id).await?;
            all.plans.push((head, versions.into_iter().map(|v| (v.grid, v.version)).collect()));
        }
        Ok(all)
    }

    /// Whether a row's grid was touched, or its plan replaced, after the state the row claims to show.
    fn is_stale(&self, code: &str, claim: &str) -> bool {
        let standing = self.plan_of.get(code).and_then(|&i| self.plans.get(i));
        let (Some((head, versions)), Some((plan, version))) = (standing, read_claim(claim)) else { return true };
        let touched = code.get(..15).and_then(|g| versions.get(g)).copied().unwrap_or(0);
        plan != head.id || touched > version
    }
}

/// What came of it, by plan; nothing was committed where rows are refused or none was to be changed.
#[derive(Default)]
struct Done {
    committed: Vec<Committed>,
    refused: Vec<Refused>,
}

fn request_of(batch: &Batch, ledger: Ledger, actor: &str) -> TransactionRequest {
    let villages: BTreeSet<&str> = batch.edits.iter().filter_map(|e| e.code.get(..12)).collect();
    let remarks: serde_json::Map<String, serde_json::Value> =
        batch.edits.iter().filter_map(|e| Some((e.code.clone(), json!(e.cells.first()?.remark.as_ref()?)))).collect();
    TransactionRequest {
        plan: batch.head.id.clone(),
        base_version: batch.head.version,
        grid_versions: Vec::new(),
        villages: villages.into_iter().map(str::to_owned).collect(),
        actor: actor.to_owned(),
        operation: json!({
            "operation": "ledger", "ledger": ledger.name(), "rows": batch.edits.len(), "remarks": remarks,
        }),
        idempotency: None,
    }
}

/// Judges every row of every plan and applies them in one transaction, or none.
async fn carry_out(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &LedgerImport<'_>,
    batches: &[Batch],
) -> Result<Done, RegisterError> {
    if batches.is_empty() {
        return Ok(Done::default());
    }
    let requests: Vec<TransactionRequest> = batches.iter().map(|b| request_of(b, wish.ledger, actor)).collect();
    let mut shown = Vec::new();
    for batch in batches.iter().filter(|_| !wish.dry_run) {
        shown.push(Shown::read(store, scope, batch).await?);
    }
    let (mut refused, mut withheld) = (Vec::new(), false);
    let mut work = |plans: &[(PlanHead, Vec<VillageRows>)]| {
        let refusal = |message: String| Refusal { message, detail: json!({ "reason": "ledger" }) };
        let mut changes = Vec::with_capacity(plans.len());
        for ((head, rows), batch) in plans.iter().zip(batches) {
            let profile = Profile::parse(&head.profile).map_err(refusal)?;
            let (of_plan, bad) = changes_of(&batch.edits, rows, &profile);
            refused.extend(bad);
            changes.push(of_plan);
        }
        withheld = wish.dry_run || !(refused.is_empty() || wish.partial);
        if withheld {
            return Err(refusal("台账未入库 / the ledger was not applied".to_owned()));
        }
        if plans.iter().zip(&shown).any(|((head, _), shown)| shown.version != head.version) {
            return Err(refusal("方案正在被他人修改，请重试 / others are editing the plan: try again".to_owned()));
        }
        let worked = changes.into_iter().zip(&shown);
        Ok(worked.map(|(changes, shown)| Worked { derived: shown.after(&changes), changes }).collect())
    };
    match store.transact_together(scope, &requests, &mut work).await {
        Ok(committed) => Ok(Done { committed, refused }),
        Err(TransactError::Refused(_)) if withheld => Ok(Done { committed: Vec::new(), refused }),
        Err(e) => Err(e.into()),
    }
}

/// What maps show of the edited villages, and where the officers-to-be live: read before the edit, written with it if the plan is still
/// at the same version.
struct Shown {
    version: u64,
    villages: Vec<(String, Derived)>,
    places: BTreeMap<String, LonLat>,
}

impl Shown {
    async fn read(store: &dyn Store, scope: &Scope, batch: &Batch) -> Result<Self, StoreError> {
        let staffed: Vec<&RowEdit> =
            batch.edits.iter().filter(|e| e.cells.iter().any(|c| c.column.contains("联户长"))).collect();
        let codes: BTreeSet<&str> = staffed.iter().filter_map(|e| e.code.get(..12)).collect();
        let units: BTreeSet<&str> = staffed.iter().map(|e| e.code.as_str()).collect();
        let (mut villages, mut officers) = (Vec::new(), BTreeSet::new());
        for village in codes {
            let (_, rows) = store.plan_rows(scope, &batch.head.id, &[village.to_owned()]).await?;
            let members = rows.iter().flat_map(|r| &r.memberships).filter(|m| units.contains(m.unit.as_str()));
            officers.extend(members.map(|m| m.household.clone()));
            villages.push((village.to_owned(), store.derived(scope, &batch.head.id, village).await?));
        }
        let places = places(store, scope, officers.into_iter().collect()).await?;
        let version = store.get_plan(scope, &batch.head.id).await?.version;
        Ok(Self { version: if version == batch.head.version { version } else { 0 }, villages, places })
    }

    /// The same after some units got other officers.
    fn after(&self, changes: &Changes) -> Vec<(String, Derived)> {
        let units: Vec<&UnitRow> = changes.units.iter().filter_map(|c| c.after.as_ref()).collect();
        let changed: BTreeSet<&str> = units.iter().map(|u| u.code.as_str()).collect();
        let mut villages = self.villages.clone();
        for (village, derived) in &mut villages {
            derived.leaders.retain(|l| !changed.contains(l.unit.as_str()));
            for unit in units.iter().filter(|u| u.code.starts_with(village.as_str())) {
                let leader = unit.leader.iter().map(|h| (h, "leader"));
                for (household, role) in leader.chain(unit.deputies.iter().map(|h| (h, "deputy"))) {
                    let Some(&place) = self.places.get(household) else { continue };
                    let (unit, household, role) = (unit.code.clone(), household.clone(), role.to_owned());
                    derived.leaders.push(DerivedLeader { unit, household, role, place });
                }
            }
        }
        villages
    }
}

/// Where households live: in the middle of their buildings.
async fn places(
    store: &dyn Store,
    scope: &Scope,
    households: Vec<String>,
) -> Result<BTreeMap<String, LonLat>, StoreError> {
    let mut home: BTreeMap<String, (String, LonLat)> = BTreeMap::new();
    for some in households.chunks(KEYS) {
        for row in rows_of(store, scope, Layer::Households, some).await? {
            if let RegisterRow::Households(h) = row {
                home.insert(h.id, (h.building, h.place));
            }
        }
    }
    let buildings: Vec<String> = home.values().map(|h| h.0.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut at: BTreeMap<String, LonLat> = BTreeMap::new();
    for some in buildings.chunks(KEYS) {
        for row in rows_of(store, scope, Layer::Buildings, some).await? {
            if let RegisterRow::Buildings(b) = row {
                at.extend(middle(&b.place).map(|p| (b.id, p)));
            }
        }
    }
    Ok(home.into_iter().map(|(id, (building, own))| (id, at.get(&building).copied().unwrap_or(own))).collect())
}

async fn rows_of(
    store: &dyn Store,
    scope: &Scope,
    layer: Layer,
    ids: &[String],
) -> Result<Vec<RegisterRow>, StoreError> {
    let filter = Filter { ids: Some(ids.to_vec()), limit: u32::try_from(KEYS).ok(), ..Filter::default() };
    Ok(store.list(scope, layer, &filter).await?.rows)
}

fn middle(shape: &Geometry) -> Option<LonLat> {
    let [w, s, e, n] = shape.bounds_deg()?;
    Some(LonLat { lon_deg: (w + e) / 2.0, lat_deg: (s + n) / 2.0 })
}
