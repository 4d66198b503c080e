//! What ledgers are made from: the plans meant, the names of divisions, the officers in office, the last change of each unit.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};

use crate::domain::plan::{Change, PlanHead, VillageRows};
use crate::domain::register::OfficerRow;
use crate::domain::wording::operation_in_words;
use crate::store::{Derived, Filter, HistoryEntry, Layer, RegisterRow, Scope, Store, StoreError};

use super::super::hand_out_plans::{keep_in_force, plans_on};

/// Entries of a plan's history read at once: each holds all it changed.
const ENTRIES: u32 = 200;

/// One village of a plan.
pub(super) struct View {
    pub(super) head: PlanHead,
    pub(super) rows: VillageRows,
    pub(super) derived: Derived,
}

impl View {
    /// Which state of which plan this is.
    pub(super) fn claim(&self) -> String {
        format!("{}@{}", self.head.id, self.head.version)
    }
}

/// A claim taken apart.
pub(super) fn read_claim(claim: &str) -> Option<(&str, u64)> {
    let (plan, version) = claim.rsplit_once('@')?;
    Some((plan, version.parse().ok()?))
}

/// The plans meant, today or on a day, each with its villages within a region.
pub(super) async fn plans_and_villages(
    store: &dyn Store,
    scope: &Scope,
    (plan, day): (Option<&str>, Option<&str>),
    region: Option<&str>,
) -> Result<Vec<(PlanHead, Vec<String>)>, StoreError> {
    let meets = |village: &String| region.is_none_or(|r| village.starts_with(r) || r.starts_with(village.as_str()));
    let mut all = Vec::new();
    for head in plans_on(store, scope, (plan, day), region).await? {
        let mut villages = store.plan_villages(scope, &head.id).await?;
        villages.retain(meets);
        all.push((head, villages));
    }
    Ok(all)
}

/// One village of a plan, from one snapshot but for what is derived.
pub(super) async fn view(store: &dyn Store, scope: &Scope, plan: &str, village: &String) -> Result<View, StoreError> {
    let (head, mut rows) = store.plan_rows(scope, plan, std::slice::from_ref(village)).await?;
    let derived = store.derived(scope, plan, village).await?;
    let rows = rows.pop().unwrap_or_else(|| VillageRows { village: village.clone(), ..VillageRows::default() });
    Ok(View { head, rows, derived })
}

impl View {
    /// The same with the grids and units of a day: what ended since had no end then.
    pub(super) fn on(mut self, day: Option<&str>) -> Self {
        if day.is_some() {
            keep_in_force(&mut self.rows, day);
            for grid in &mut self.rows.grids {
                grid.valid_to = None;
            }
        }
        self
    }
}

/// Names of divisions by code.
pub(super) struct Divisions(BTreeMap<String, String>);

impl Divisions {
    pub(super) async fn read(store: &dyn Store, scope: &Scope) -> Result<Self, StoreError> {
        let mut names = BTreeMap::new();
        let mut sink = |rows: Vec<RegisterRow>| {
            names.extend(rows.into_iter().filter_map(|r| match r {
                RegisterRow::Regions(r) => Some((r.code, r.name)),
                _ => None,
            }));
            ControlFlow::Continue(())
        };
        store.stream(scope, Layer::Regions, &Filter::default(), &mut sink).await?;
        Ok(Self(names))
    }

    /// The name, or the code where there is none.
    pub(super) fn name<'a>(&'a self, code: &'a str) -> &'a str {
        self.0.get(code).map_or(code, String::as_str)
    }
}

/// An officer in office.
pub(super) struct Officer {
    pub(super) id: String,
    /// Only where names were asked for.
    pub(super) name: String,
}

/// Posts that ledgers know.
pub(super) const HEAD: &str = "grid_head";
pub(super) const WORKER: &str = "grid_worker";

/// Officers in office today.
#[derive(Default)]
pub(super) struct Officers {
    /// Heads and workers by role and by the code they serve, in the order of their ids.
    posts: BTreeMap<(String, String), Vec<Officer>>,
    /// Names of leaders and deputies by household.
    names: BTreeMap<String, String>,
}

impl Officers {
    /// Reads those in office on a day; names only for a purpose, which is logged with their ids.
    pub(super) async fn read(
        store: &dyn Store,
        scope: &Scope,
        actor: &str,
        (region, today): (Option<&str>, &str),
        names_for: Option<&str>,
    ) -> Result<Self, StoreError> {
        let mut all = Self::default();
        let mut filter =
            Filter { region: region.map(str::to_owned), as_of: Some(today.to_owned()), ..Filter::default() };
        let Some(purpose) = names_for else {
            let mut sink = |rows: Vec<RegisterRow>| {
                rows.into_iter().for_each(|r| all.add(r));
                ControlFlow::Continue(())
            };
            store.stream(scope, Layer::Officers, &filter, &mut sink).await?;
            return Ok(all);
        };
        loop {
            let page = store.reveal_officers(scope, actor, purpose, &filter).await?;
            page.rows.into_iter().for_each(|r| all.add(r));
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    fn add(&mut self, row: RegisterRow) {
        let RegisterRow::Officers(OfficerRow { id, region, role, name, household, .. }) = row else { return };
        let name = name.unwrap_or_default();
        match (role.as_str(), household) {
            (HEAD | WORKER, _) => self.posts.entry((role, region)).or_default().push(Officer { id, name }),
            ("leader" | "deputy", Some(household)) => {
                self.names.insert(household, name);
            }
            _ => {}
        }
    }

    /// Those with a role for exactly this code.
    pub(super) fn at(&self, role: &str, code: &str) -> &[Officer] {
        self.posts.get(&(role.to_owned(), code.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// How many with a role serve a code or anything inside it.
    pub(super) fn within(&self, role: &str, prefix: &str) -> usize {
        let from = (role.to_owned(), prefix.to_owned());
        let of_role = self.posts.range(from..).take_while(|((r, code), _)| r == role && code.starts_with(prefix));
        of_role.map(|(_, list)| list.len()).sum()
    }

    /// The name of a household's leader or deputy.
    pub(super) fn name_of(&self, household: &str) -> String {
        self.names.get(household).cloned().unwrap_or_default()
    }
}

/// When and why a unit last changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) day: String,
    pub(super) reason: String,
}

/// The last change of each unit that a plan's history tells of.
pub(super) async fn updates(
    store: &dyn Store,
    scope: &Scope,
    plan: &str,
) -> Result<BTreeMap<String, Update>, StoreError> {
    let mut all = BTreeMap::new();
    let mut after = 0;
    loop {
        let entries = store.history(scope, plan, after, ENTRIES).await?;
        for entry in &entries {
            for unit in units_of(entry) {
                all.insert(unit.to_owned(), Update { day: day_of(&entry.at), reason: reason_of(entry, unit) });
            }
        }
        match entries.last() {
            Some(last) if entries.len() == ENTRIES as usize => after = last.seq,
            _ => return Ok(all),
        }
    }
}

fn units_of(entry: &HistoryEntry) -> impl Iterator<Item = &str> {
    fn both<T>(c: &Change<T>) -> impl Iterator<Item = &T> {
        c.before.iter().chain(&c.after)
    }
    let units = entry.changes.units.iter().flat_map(both).map(|u| u.code.as_str());
    units.chain(entry.changes.memberships.iter().flat_map(both).map(|m| m.unit.as_str()))
}

/// What an entry was about, in the office's words: a ledger's own remark where there is one.
fn reason_of(entry: &HistoryEntry, unit: &str) -> String {
    match entry.kind.as_str() {
        "undo" => return "撤销".to_owned(),
        "redo" => return "重做".to_owned(),
        _ => {}
    }
    if let Some(own) = entry.operation.get("remarks").and_then(|r| r.get(unit)).and_then(|r| r.as_str()) {
        return own.to_owned();
    }
    operation_in_words(&entry.operation)
}

/// The day of a stamp where China lies.
fn day_of(stamp: &str) -> String {
    let day = format_description!("[year]-[month]-[day]");
    let at = OffsetDateTime::parse(stamp, &Rfc3339).ok();
    at.and_then(|at| at.to_offset(offset!(+8)).format(day).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(kind: &str, operation: serde_json::Value) -> HistoryEntry {
        HistoryEntry {
            seq: 1,
            kind: kind.to_owned(),
            target: None,
            version: 2,
            actor: "a".to_owned(),
            at: "2025-03-01T16:00:00.000Z".to_owned(),
            operation,
            changes: crate::domain::plan::Changes::default(),
            undone: false,
        }
    }

    #[test]
    fn reasons_are_the_office_s_own_or_the_operations_names() {
        let own = json!({"operation": "ledger", "remarks": {"520402102201001001": "搬家"}});
        assert_eq!(reason_of(&entry("edit", own.clone()), "520402102201001001"), "搬家");
        assert_eq!(reason_of(&entry("edit", own), "520402102201001002"), "台账修改");
        let batch = json!([{"operation": "rename"}, {"operation": "move_household"}, {"operation": "rename"}]);
        assert_eq!(reason_of(&entry("edit", batch), "x"), "网格更名、住户调整");
        assert_eq!(reason_of(&entry("undo", json!({})), "x"), "撤销");
        assert_eq!(reason_of(&entry("edit", json!({"a": 1})), "x"), "方案调整");
        assert_eq!(day_of("2025-03-01T16:00:00.000Z"), "2025-03-02");
    }

    #[test]
    fn claims_are_read_back() {
        assert_eq!(read_claim("ab@12"), Some(("ab", 12)));
        assert_eq!((read_claim("ab"), read_claim("ab@x")), (None, None));
    }
}
