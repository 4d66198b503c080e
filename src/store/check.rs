//! Is everything as it was written? Sums of rows, the chain of the audit log, references; and what the engine can say of itself.

use serde::Serialize;

use crate::domain::plan::{GridRow, Membership, Seat, UnitRow};

use super::error::StoreError;
use super::incidents::photos;
use super::plans::{codes, derived, heads, rows::PlanRow};
use super::rows::{Layer, sum_of};
use super::sql::{Engine, Session, Sql};
use super::value::{Row, Value, row_sum};
use super::{accounts, alerts, audit, foreign_sums, references, summed};

/// Rows a step.
const STEP: i64 = 5_000;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `page`, `header`, `schema`, `rtree`, `reference`, `row`, `geometry`, `audit`, `constraint`, `foreign`.
    pub kind: &'static str,
    /// Where: file part, table and row.
    pub place: String,
    /// What is wrong, Chinese / English.
    pub what: String,
}

impl Finding {
    pub(super) fn new(kind: &'static str, place: String, what: impl Into<String>) -> Self {
        Self { kind, place, what: what.into() }
    }
}

pub(super) const WRONG_SUM: &str = "行与校验和不符 / the row does not fit its check sum";

pub(super) const NOT_SETTLED: &str =
    "由其他软件修改，尚未确认（lianhu foreign list） / edited by another program, not settled";

/// All findings of a store.
pub(super) async fn all(engine: &dyn Engine) -> Result<Vec<Finding>, StoreError> {
    let mut found = engine.inspect().await?;
    let mut session = engine.read().await?;
    for layer in Layer::ALL {
        let outcome = layer_sums(session.as_mut(), *layer, &mut found).await;
        or_found(outcome, layer.name(), &mut found)?;
    }
    for (table, outcome) in [
        (GridRow::TABLE, plan_sums::<GridRow>(session.as_mut(), &mut found).await),
        (UnitRow::TABLE, plan_sums::<UnitRow>(session.as_mut(), &mut found).await),
        (Seat::TABLE, plan_sums::<Seat>(session.as_mut(), &mut found).await),
        (Membership::TABLE, plan_sums::<Membership>(session.as_mut(), &mut found).await),
    ] {
        or_found(outcome, table, &mut found)?;
    }
    let outcome = leader_sums(session.as_mut(), &mut found).await;
    or_found(outcome, "leaders", &mut found)?;
    let outcome = head_sums(session.as_mut(), &mut found).await;
    or_found(outcome, "plans", &mut found)?;
    let outcome = other_sums(session.as_mut(), &mut found).await;
    or_found(outcome, "plans", &mut found)?;
    let outcome = photo_sums(session.as_mut(), &mut found).await;
    or_found(outcome, "incident_photos", &mut found)?;
    let outcome = summed::check(session.as_mut(), &mut found).await;
    or_found(outcome, "logs", &mut found)?;
    let outcome = foreign_sums::check(session.as_mut(), &mut found).await;
    or_found(outcome, "foreign_edits", &mut found)?;
    let outcome = references::deleted_elsewhere(session.as_mut(), &mut found).await;
    or_found(outcome, "foreign_edits", &mut found)?;
    let outcome = references::check(session.as_mut(), &mut found).await;
    or_found(outcome, "references", &mut found)?;
    let outcome = chain(session.as_mut(), &mut found).await;
    or_found(outcome, "audit", &mut found)?;
    Ok(found)
}

/// Damage stops reading one table, not the check.
fn or_found(outcome: Result<(), StoreError>, table: &str, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    match outcome {
        Err(StoreError::Corrupt { what, place }) => {
            found.push(Finding::new("page", format!("{table}: {place}"), what));
            Ok(())
        }
        Err(StoreError::Internal { code }) => {
            found.push(Finding::new("page", table.to_owned(), code));
            Ok(())
        }
        other => other,
    }
}

/// Register rows: each must decode and fit its sum.
async fn layer_sums(session: &mut dyn Session, layer: Layer, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let spec = layer.spec();
    let mut last = -1_i64;
    loop {
        let mut sql = Sql::new(spec.table, "SELECT fid, row_sum, ");
        sql.push_list(spec.columns).push(", row_version FROM ").push(spec.table);
        sql.push(" WHERE fid > ").bind(last).push(" ORDER BY fid LIMIT ").bind(STEP);
        let rows = session.rows(sql).await?;
        let done = (rows.len() as i64) < STEP;
        for mut row in rows {
            let (fid, sum): (i64, Option<i64>) = (row.take()?, row.take()?);
            last = fid;
            let place = format!("{} fid {fid}", spec.table);
            match layer.read(&mut row) {
                Err(e) => found.push(Finding::new("geometry", place, e.to_string())),
                Ok(_) if sum.is_none() => {
                    found.push(Finding::new("foreign", place, NOT_SETTLED));
                }
                Ok(read) if Some(sum_of(layer, &read.values(), read.row_version())) != sum => {
                    found.push(Finding::new("row", format!("{place} ({})", read.key()), WRONG_SUM));
                }
                Ok(_) => {}
            }
        }
        if done {
            return Ok(());
        }
    }
}

/// Plan rows, by plan and key.
async fn plan_sums<T: PlanRow>(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let numbers = Sql::new("plans", "SELECT no FROM plans ORDER BY no");
    let numbers: Vec<i64> = session.rows(numbers).await?.iter_mut().map(Row::take).collect::<Result<_, _>>()?;
    let key = T::COLUMNS.first().copied().unwrap_or("code");
    for no in numbers {
        let mut last = String::new();
        loop {
            let mut sql = Sql::new(T::TABLE, "SELECT row_sum, ");
            sql.push_list(T::COLUMNS).push(" FROM ").push(T::TABLE).push(" WHERE plan_no = ").bind(no);
            sql.push(" AND ").push(key).push(" > ").bind(last.as_str());
            sql.push(" ORDER BY ").push(key).push(" LIMIT ").bind(STEP);
            let rows = session.rows(sql).await?;
            let done = (rows.len() as i64) < STEP;
            for mut row in rows {
                let sum: Option<i64> = row.take()?;
                let read = T::read(&mut row)?;
                if Some(row_sum(&read.values())) != sum {
                    let place = format!("{} plan {no} {}", T::TABLE, read.key());
                    found.push(Finding::new("row", place, WRONG_SUM));
                }
                read.key().clone_into(&mut last);
            }
            if done {
                break;
            }
        }
        if let Some(columns) = derived::sums(T::TABLE) {
            derived_sums(session, T::TABLE, columns, no, found).await?;
        }
    }
    Ok(())
}

/// Values as stored, made what they were when they were summed: shapes without the engine's header, small kinds as they come.
fn canonical(column: &str, value: Value) -> Value {
    match value {
        Value::Blob(Some(bytes)) if column == "geom" => match super::wkb::read(&bytes) {
            Ok(shape) => Value::Shape(Some(super::wkb::to_wkb(&shape))),
            Err(_) => Value::Blob(Some(bytes)),
        },
        other => other,
    }
}

async fn derived_sums(
    session: &mut dyn Session,
    table: &'static str,
    columns: &[&'static str],
    no: i64,
    found: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(table, "SELECT code, derived_sum, ");
    sql.push_list(columns).push(" FROM ").push(table).push(" WHERE derived_sum IS NOT NULL AND plan_no = ").bind(no);
    for mut row in session.rows(sql).await? {
        let (code, sum): (String, i64) = (row.take()?, row.take()?);
        let values: Vec<Value> = columns.iter().map(|c| canonical(c, row.take_value())).collect();
        if row_sum(&values) != sum {
            found.push(Finding::new("row", format!("{table} plan {no} {code} (derived)"), WRONG_SUM));
        }
    }
    Ok(())
}

async fn leader_sums(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let mut last = -1_i64;
    loop {
        let mut sql = Sql::new("leaders", "SELECT fid, derived_sum, ");
        sql.push_list(&derived::LEADER).push(" FROM leaders WHERE fid > ").bind(last);
        sql.push(" ORDER BY fid LIMIT ").bind(STEP);
        let rows = session.rows(sql).await?;
        let done = (rows.len() as i64) < STEP;
        for mut row in rows {
            let (fid, sum): (i64, Option<i64>) = (row.take()?, row.take()?);
            last = fid;
            let values: Vec<Value> = derived::LEADER.iter().map(|c| canonical(c, row.take_value())).collect();
            if Some(row_sum(&values)) != sum {
                found.push(Finding::new("row", format!("leaders fid {fid}"), WRONG_SUM));
            }
        }
        if done {
            return Ok(());
        }
    }
}

async fn head_sums(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let sums = Sql::new("plans", "SELECT no, row_sum FROM plans");
    let mut by_no = std::collections::BTreeMap::new();
    for mut row in session.rows(sums).await? {
        let (no, sum): (i64, Option<i64>) = (row.take()?, row.take()?);
        by_no.insert(no, sum);
    }
    for plan in heads::read_all(session, heads::select_heads()).await? {
        if by_no.get(&plan.no).copied().flatten() != Some(heads::head_sum(&plan.head)) {
            found.push(Finding::new("row", format!("plans {}", plan.head.id), WRONG_SUM));
        }
    }
    Ok(())
}

/// Tables whose sums are over their columns as they stand.
async fn other_sums(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let edits = ["seq", "kind", "target", "version", "actor", "at", "operation", "changes"];
    let code_columns = codes::COLUMNS.split_last().map_or([].as_slice(), |(_, rest)| rest);
    for (table, name, columns) in [
        ("plan_edits", "seq", &edits[..]),
        ("codes", "code", code_columns),
        ("users", "id", accounts::USER_SUMMED),
        ("alerts", "id", alerts::ALERT_SUMMED),
        ("alert_rules", "id", alerts::RULE_SUMMED),
        ("tokens", "id", accounts::TOKEN_SUMMED),
    ] {
        let mut sql = Sql::new(table, "SELECT row_sum, ");
        sql.push_list(columns).push(" FROM ").push(table).push(" ORDER BY ").push(name);
        for mut row in session.rows(sql).await? {
            let sum: Option<i64> = row.take()?;
            let values: Vec<Value> = columns.iter().map(|_| row.take_value()).collect();
            if Some(row_sum(&values)) != sum {
                let key = values.first().map(|v| v.to_json().to_string()).unwrap_or_default();
                found.push(Finding::new("row", format!("{table} {key}"), WRONG_SUM));
            }
        }
    }
    Ok(())
}

/// Photos, a few at a time.
async fn photo_sums(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let rows = photos::read_after(session, &last).await?;
        let Some((end, _, _)) = rows.last() else { return Ok(()) };
        last.clone_from(end);
        for (incident, sum, photo) in rows {
            if Some(row_sum(&photo.values(&incident))) != sum {
                found.push(Finding::new("row", format!("incident_photos {incident}"), WRONG_SUM));
            }
        }
    }
}

/// The audit log: no gap, each entry's hash its own, each holding the hash of the one before, the head that of the last.
async fn chain(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let (mut last, mut previous) = (0, String::new());
    loop {
        let entries = audit::list(session, last, STEP as u32).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let place = format!("audit {}", entry.seq);
            if entry.seq != last + 1 {
                let what = format!("缺 {}–{} / missing", last + 1, entry.seq - 1);
                found.push(Finding::new("audit", place.clone(), what));
            }
            if entry.previous != previous {
                let what = "与上一条的哈希不连 / does not follow the entry before";
                found.push(Finding::new("audit", place.clone(), what));
            }
            if audit::seal(&entry) != entry.hash {
                found.push(Finding::new("audit", place, "内容与哈希不符 / the entry does not fit its hash"));
            }
            last = entry.seq;
            previous = entry.hash;
        }
    }
    let head = Sql::new("audit_head", "SELECT seq, hash FROM audit_head WHERE one = 1");
    let head: Option<(u64, String)> = match session.row(head).await? {
        Some(mut row) => Some((row.take()?, row.take()?)),
        None => None,
    };
    if head != Some((last, previous)) {
        let what = "日志末尾被截断或改动 / the end of the log was cut or changed";
        found.push(Finding::new("audit", "audit_head".to_owned(), what));
    }
    Ok(())
}
