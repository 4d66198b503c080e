//! Rows of the register taken out: only those that nothing else needs.

use std::collections::BTreeSet;

use super::error::StoreError;
use super::rows::Layer;
use super::scope::{Right, Role, Scope};
use super::sql::{Session, Sql};
use super::{SqlStore, audit, changes, register, rules};
use crate::domain::incident::dictionary::{CATEGORIES, DISPUTES};

/// A division is deleted only when nothing lies in it: no other division, building, household, officer or incident.
pub(super) async fn not_in_use(session: &mut dyn Session, id: &str) -> Result<(), StoreError> {
    let area = Scope::region(Role::Auditor, id)?;
    for (layer, column) in [
        (Layer::Regions, "code"),
        (Layer::Buildings, "village"),
        (Layer::Households, "village"),
        (Layer::Officers, "region"),
        (Layer::Incidents, "region"),
    ] {
        let spec = layer.spec();
        let mut sql = Sql::new(spec.table, "SELECT ");
        sql.push(spec.key).push(" FROM ").push(spec.table).push(" WHERE ").in_scope(column, &area);
        sql.push(" AND ").push(spec.key).push(" <> ").bind(id).push(" LIMIT 1");
        if let Some(found) = session.maybe::<String>(sql).await? {
            let what = format!("区划内还有 {0} {found} / {0} {found} still lies in it", layer.name());
            return Err(StoreError::Constraint { layer: "regions", id: id.to_owned(), what });
        }
    }
    Ok(())
}

/// An entry of a list is deleted only when no incident bears it, by its key or by a name that came with a file before there was the entry;
/// until then it can be switched off.
async fn no_incident_of(session: &mut dyn Session, id: &str) -> Result<(), StoreError> {
    let (column, key) = match id.split_once('/') {
        Some((CATEGORIES, key)) => ("category", key),
        Some((DISPUTES, key)) => ("dispute", key),
        _ => return Ok(()),
    };
    let names = Sql::new("dictionaries", "SELECT name, name_en FROM dictionaries WHERE id = $1").arg(id);
    let (mut said, mut english) = (vec![key.to_owned()], None);
    if let Some(mut row) = session.row(names).await? {
        let name: String = row.take()?;
        said.extend((column == "dispute").then(|| format!("{name}纠纷")));
        said.push(name);
        english = row.take::<Option<String>>()?;
    }
    let mut sql = Sql::new("incidents", "SELECT id FROM incidents WHERE (");
    sql.push(column).in_list(session.dialect(), said.iter().map(String::as_str));
    if let Some(english) = english {
        sql.push(" OR lower(").push(column).push(") = ").bind(english.to_ascii_lowercase());
    }
    sql.push(") LIMIT 1");
    match session.maybe::<String>(sql).await? {
        None => Ok(()),
        Some(incident) => {
            let what = format!(
                "事件 {incident} 仍属此条目，可改为停用 / incident {incident} is of this entry still: switch it off instead"
            );
            Err(StoreError::Constraint { layer: "dictionaries", id: id.to_owned(), what })
        }
    }
}

/// Deletes rows of one layer, all or none.
pub(super) async fn run(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    (layer, ids): (Layer, &[String]),
    (version, reason): (Option<u64>, Option<&str>),
) -> Result<u64, StoreError> {
    scope.need(Right::EditRegister)?;
    let at = store.now();
    let spec = layer.spec();
    let mut session = store.engine.write().await?;
    let register_version = register::version(session.as_mut(), true).await?;
    let mut sql = register::select(layer, true);
    sql.push(" WHERE ").push(spec.key).in_list(session.dialect(), ids.iter().map(String::as_str));
    let mut cells = serde_json::Map::new();
    for mut row in session.rows(sql).await? {
        let row = layer.read(&mut row)?;
        if !rules::within(&row, scope) {
            continue;
        }
        if version.is_some_and(|v| v != row.row_version()) {
            return Err(StoreError::Conflict {
                grids: Vec::new(),
                author: String::new(),
                time: String::new(),
                current_version: row.row_version(),
                edit: None,
            });
        }
        let shown: serde_json::Map<_, _> = spec
            .columns
            .iter()
            .zip(row.values())
            .filter(|(c, _)| layer != Layer::Officers || !matches!(**c, "name" | "phone_sealed"))
            .map(|(c, v)| ((*c).to_owned(), v.to_json()))
            .collect();
        cells.insert(row.key().to_owned(), shown.into());
    }
    let wanted: BTreeSet<&String> = ids.iter().collect();
    if let Some(absent) = wanted.iter().find(|id| !cells.contains_key(id.as_str())) {
        return Err(StoreError::NotFound { what: spec.table, id: (**absent).clone() });
    }
    if layer == Layer::Buildings {
        let mut sql = Sql::new("households", "SELECT building FROM households WHERE building");
        sql.in_list(session.dialect(), ids.iter().map(String::as_str)).push(" LIMIT 1");
        if let Some(id) = session.maybe::<String>(sql).await? {
            let what = "楼栋里还有住户 / households still live in the building".to_owned();
            return Err(StoreError::Constraint { layer: spec.table, id, what });
        }
    }
    if layer == Layer::Regions {
        for id in ids {
            not_in_use(session.as_mut(), id).await?;
        }
    }
    if layer == Layer::Dictionaries {
        for id in ids {
            no_incident_of(session.as_mut(), id).await?;
        }
    }
    let mut sql = Sql::new(spec.table, "DELETE FROM ");
    sql.push(spec.table).push(" WHERE ").push(spec.key);
    sql.in_list(session.dialect(), ids.iter().map(String::as_str));
    let removed = session.execute(sql).await?;
    if layer == Layer::Incidents {
        let mut sql = Sql::new("incident_photos", "DELETE FROM incident_photos WHERE incident");
        sql.in_list(session.dialect(), ids.iter().map(String::as_str));
        session.execute(sql).await?;
    }
    if removed > 0 {
        register::bump(session.as_mut(), register_version + 1).await?;
        if changes::keeps_arrivals(layer) {
            let went = |id: &String| {
                let sides = (&true.into(), &serde_json::Value::Null);
                changes::entry((&at, actor), (layer, id), changes::WHOLE_ROW, sides, reason)
            };
            changes::write(session.as_mut(), cells.keys().map(went).collect()).await?;
        }
        let entry = audit::Entry {
            at: &at,
            actor,
            scope,
            operation: "register.remove",
            subject: spec.table,
            before: Some(serde_json::Value::Object(cells).to_string()),
            after: reason.map(|reason| serde_json::json!({ "reason": reason }).to_string()),
        };
        audit::append(session.as_mut(), entry).await?;
    }
    session.commit().await?;
    Ok(removed)
}
