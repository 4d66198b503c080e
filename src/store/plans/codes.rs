//! The register of codes: every one that was ever in force, with its days; one that has ended never comes back.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::plan::{Changes, GridRow, UnitRow};
use crate::store::error::StoreError;
use crate::store::insert;
use crate::store::messages::UsedCode;
use crate::store::scope::Scope;
use crate::store::sql::{Session, Sql};
use crate::store::value::{Cell, Row, Value, row_sum};

use super::rows;

fn kind_of(code: &str) -> &'static str {
    if code.len() == 15 { "grid" } else { "unit" }
}

fn values(code: &UsedCode) -> Vec<Value> {
    vec![
        Value::from(code.code.as_str()),
        Value::from(kind_of(&code.code)),
        Value::from(code.valid_from.as_str()),
        code.valid_to.to_value(),
        code.predecessors.to_value(),
    ]
}

pub(in crate::store) const COLUMNS: [&str; 6] = ["code", "kind", "valid_from", "valid_to", "predecessors", "row_sum"];

fn read(row: &mut Row) -> Result<UsedCode, StoreError> {
    Ok(UsedCode { code: row.take()?, valid_from: row.take()?, valid_to: row.take()?, predecessors: row.take()? })
}

const SELECT: &str = "SELECT code, valid_from, valid_to, predecessors FROM codes WHERE ";

/// Codes within a scope.
pub(in crate::store) async fn list(session: &mut dyn Session, scope: &Scope) -> Result<Vec<UsedCode>, StoreError> {
    let mut sql = Sql::new("codes", SELECT);
    sql.in_scope("code", scope).push(" ORDER BY code");
    session.rows(sql).await?.iter_mut().map(read).collect()
}

async fn these(session: &mut dyn Session, codes: &BTreeSet<&str>) -> Result<BTreeMap<String, UsedCode>, StoreError> {
    let mut sql = Sql::new("codes", SELECT);
    sql.push("code").in_list(session.dialect(), codes.iter().copied());
    let mut found = BTreeMap::new();
    for mut row in session.rows(sql).await? {
        let code = read(&mut row)?;
        found.insert(code.code.clone(), code);
    }
    Ok(found)
}

async fn end(session: &mut dyn Session, mut code: UsedCode, valid_to: Option<String>) -> Result<(), StoreError> {
    code.valid_to = valid_to;
    let sum = row_sum(&values(&code));
    let sql = Sql::new("codes", "UPDATE codes SET valid_to = $1, row_sum = $2 WHERE code = $3");
    session.execute(sql.arg(code.valid_to).arg(sum).arg(code.code)).await.map(drop)
}

fn came_back(code: &UsedCode) -> StoreError {
    let day = code.valid_to.clone().unwrap_or_default();
    StoreError::Constraint {
        layer: "codes",
        id: code.code.clone(),
        what: format!("代码已于 {day} 停用，不再使用 / the code ended on {day} and never comes back"),
    }
}

/// Codes that begin and end. A code that ended may only come back by undo, which says it never ended.
async fn update(
    session: &mut dyn Session,
    begin: BTreeMap<&str, &[String]>,
    finish: &BTreeSet<&str>,
    day: &str,
    by_undo: bool,
) -> Result<(), StoreError> {
    let known = these(session, &begin.keys().copied().chain(finish.iter().copied()).collect()).await?;
    let mut fresh = Vec::new();
    for (code, predecessors) in begin {
        match known.get(code) {
            None => {
                let code = UsedCode {
                    code: code.to_owned(),
                    valid_from: day.to_owned(),
                    valid_to: None,
                    predecessors: predecessors.to_vec(),
                };
                let mut row = values(&code);
                row.push(Value::from(row_sum(&row)));
                fresh.push(row);
            }
            Some(old) if old.valid_to.is_none() => {}
            Some(old) if by_undo => end(session, old.clone(), None).await?,
            Some(old) => return Err(came_back(old)),
        }
    }
    insert::rows(session, "codes", &COLUMNS, fresh).await?;
    for code in finish {
        if let Some(old) = known.get(*code).filter(|c| c.valid_to.is_none()) {
            end(session, old.clone(), Some(day.to_owned())).await?;
        }
    }
    Ok(())
}

fn active(grid: Option<&GridRow>) -> bool {
    grid.is_some_and(|g| g.valid_to.is_none())
}

/// Follows an edit of a plan in force.
pub(super) async fn follow(
    session: &mut dyn Session,
    changes: &Changes,
    day: &str,
    by_undo: bool,
) -> Result<(), StoreError> {
    let mut begin: BTreeMap<&str, &[String]> = BTreeMap::new();
    let mut finish: BTreeSet<&str> = BTreeSet::new();
    for change in &changes.grids {
        let Some(row) = change.after.as_ref().or(change.before.as_ref()) else { continue };
        match (active(change.before.as_ref()), active(change.after.as_ref())) {
            (false, true) => {
                finish.remove(row.code.as_str());
                begin.insert(&row.code, &row.predecessors);
            }
            (true, false) => {
                begin.remove(row.code.as_str());
                finish.insert(&row.code);
            }
            _ => {}
        }
    }
    for change in &changes.units {
        match (&change.before, &change.after) {
            (None, Some(row)) => {
                finish.remove(row.code.as_str());
                begin.insert(&row.code, &[]);
            }
            (Some(row), None) => {
                begin.remove(row.code.as_str());
                finish.insert(&row.code);
            }
            _ => {}
        }
    }
    if begin.is_empty() && finish.is_empty() {
        return Ok(());
    }
    update(session, begin, &finish, day, by_undo).await
}

/// Gives out the codes of a plan that comes into force, ends those of its region that it does not have.
pub(super) async fn take_over(session: &mut dyn Session, no: i64, region: &Scope, day: &str) -> Result<(), StoreError> {
    let mut grids_sql = rows::select::<GridRow>(no);
    grids_sql.push(" AND valid_to IS NULL");
    let grids: Vec<GridRow> = rows::read(session, grids_sql).await?;
    let units: Vec<UnitRow> = rows::read(session, rows::select::<UnitRow>(no)).await?;
    let mut begin: BTreeMap<&str, &[String]> = BTreeMap::new();
    begin.extend(grids.iter().map(|g| (g.code.as_str(), g.predecessors.as_slice())));
    begin.extend(units.iter().map(|u| (u.code.as_str(), [].as_slice())));
    let before = list(session, region).await?;
    let finish =
        before.iter().filter(|c| c.valid_to.is_none()).map(|c| c.code.as_str()).filter(|c| !begin.contains_key(c));
    let finish: BTreeSet<&str> = finish.collect();
    update(session, begin, &finish, day, false).await
}
