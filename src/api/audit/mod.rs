//! `/api/audit`: who did what, for auditors and admins; entries of one's own area only, with the name of the account that did it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::offset;

use crate::domain::register::AuditRow;
use crate::exchange::gate::moment_of;
use crate::store::{Role, Scope, chain_holds};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::Params;
use crate::api::turns::in_turn;

/// Entries of an answer where none is said, and at most.
const PAGE: u64 = 100;
const MOST: u64 = 1_000;
/// Entries read at once, and looked through for one answer.
const STEP: u32 = 1_000;
const LOOKED_AT: u64 = 50_000;

struct Wish<'p> {
    actor: Option<&'p str>,
    operation: Option<&'p str>,
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
}

impl Wish<'_> {
    fn fits(&self, row: &AuditRow, at: Option<OffsetDateTime>) -> bool {
        let during = |at: OffsetDateTime| self.from.is_none_or(|f| at >= f) && self.to.is_none_or(|t| at < t);
        self.actor.is_none_or(|a| row.actor == a)
            && self.operation.is_none_or(|o| row.operation == o || row.operation.starts_with(&format!("{o}.")))
            && at.is_none_or(during)
    }
}

/// Whether whoever did it acted inside the reader's area.
fn is_seen(row: &AuditRow, scope: &Scope) -> bool {
    let area = row.scope.split_once('@').and_then(|(_, area)| Scope::of_area(Role::Viewer, area).ok());
    area.is_some_and(|area| scope.contains(&area))
}

/// What names or telephones were looked at for.
fn purpose_of(row: &AuditRow) -> Option<String> {
    let after: Value = serde_json::from_str(row.after.as_deref()?).ok()?;
    after.get("purpose")?.as_str().map(str::to_owned)
}

/// Entries that follow each other, and whether they are as they were written; their hashes are computed off the request threads.
async fn held(chain: Vec<AuditRow>) -> Answer<(Vec<AuditRow>, bool)> {
    let look = move || {
        let holds = chain_holds(&chain);
        (chain, holds)
    };
    in_turn(look).await
}

/// An entry, still without the name of whoever did it.
fn shown(row: &AuditRow, at: Option<OffsetDateTime>) -> Value {
    let time = at.and_then(|at| at.to_offset(offset!(+8)).format(&Rfc3339).ok());
    json!({
        "seq": row.seq, "time": time.unwrap_or_else(|| row.at.clone()), "actor": row.actor, "actor_name": null, "scope": row.scope,
        "operation": row.operation, "target": row.subject, "purpose": purpose_of(row),
    })
}

/// Names accounts beside their ids; whoever is none (the command line) has no name.
fn name(entries: &mut [Value], names: &BTreeMap<String, String>) {
    for entry in entries {
        let name = json!(entry["actor"].as_str().and_then(|actor| names.get(actor)));
        entry["actor_name"] = name;
    }
}

fn moment(params: &Params, name: &str) -> Answer<Option<OffsetDateTime>> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let wrong = || Problem::bad(name, "应为日期或 RFC 3339 时间 / a day or a time as RFC 3339 has it");
    moment_of(text).map(Some).ok_or_else(wrong)
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    principal.need(&[Role::Auditor, Role::Admin], "查看审计 / read the audit log")?;
    params.only(&["after", "limit", "actor", "operation", "from", "to"])?;
    let mut after = params.number("after", 0..=u64::MAX >> 1)?.unwrap_or(0);
    let limit = params.number("limit", 1..=MOST)?.unwrap_or(PAGE);
    let wish = Wish {
        actor: params.get("actor"),
        operation: params.get("operation"),
        from: moment(&params, "from")?,
        to: moment(&params, "to")?,
    };
    let reader = Scope::whole_store(Role::Auditor);
    let (mut entries, mut looked_at, mut whole) = (Vec::new(), 0, true);
    let mut last: Option<AuditRow> = None;
    let next = loop {
        let rows = app.store.audit(&reader, after, STEP).await?;
        let ended = rows.len() < STEP as usize;
        let (chain, holds) = held(last.take().into_iter().chain(rows).collect()).await?;
        whole &= holds;
        let begun_after = after;
        for row in chain.iter().filter(|r| r.seq > begun_after) {
            if entries.len() as u64 == limit {
                break;
            }
            (after, looked_at) = (row.seq, looked_at + 1);
            let at = OffsetDateTime::parse(&row.at, &Rfc3339).ok();
            if is_seen(row, &principal.scope) && wish.fits(row, at) {
                entries.push(shown(row, at));
            }
        }
        let full = entries.len() as u64 == limit;
        let more = chain.last().is_some_and(|r| r.seq > after) || !ended;
        match (full || looked_at >= LOOKED_AT, more) {
            (_, false) => break None,
            (true, true) => break Some(after),
            (false, true) => last = chain.into_iter().next_back(),
        }
    };
    if !entries.is_empty() {
        name(&mut entries, &app.actor_names().await?);
    }
    Ok(axum::Json(json!({"entries": entries, "next": next, "chain_ok": whole})))
}
