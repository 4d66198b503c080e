//! Rows coming in: matched by key, compared cell by cell, all in one transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;

use super::error::StoreError;
use super::messages::{CellChange, Expect, ImportReport, ImportRequest, RowConflict, RowSource};
use super::rows::{Layer, RegisterRow, sum_of};
use super::scope::{Right, Scope};
use super::sql::{Session, Sql};
use super::value::Value;
use super::{SqlStore, alike, audit, changes, idempotency, incidents, insert, register, rules};

/// Changed cells a report shows; the log has all.
const SHOWN_CELLS: usize = 10_000;
/// A first load of at least this many rows is a bulk load.
const BULK_ROWS: usize = 1_000;
/// Bytes of an officer's salt.
const SALT_BYTES: usize = 16;

struct Import<'a> {
    store: &'a SqlStore,
    scope: &'a Scope,
    actor: &'a str,
    at: String,
    layer: Layer,
    /// Which columns the file has, by position.
    compared: Vec<bool>,
    expect: Expect,
    /// Nothing is written: the session may only read.
    dry_run: bool,
    reason: Option<&'a str>,
    begun: bool,
    bulk: bool,
    was_empty: bool,
    seen: HashSet<Box<str>>,
    homes: incidents::Homes,
    /// Rows that came or changed, up to one more than the log names.
    touched: Vec<String>,
    report: ImportReport,
}

fn constraint(row: &RegisterRow, what: &str) -> StoreError {
    StoreError::Constraint { layer: row.layer().name(), id: row.key().to_owned(), what: what.to_owned() }
}

impl Import<'_> {
    /// Rows of the store with the chunk's keys; those outside the scope are an error that does not say they exist elsewhere.
    async fn existing(
        &self,
        session: &mut dyn Session,
        keys: &[&str],
    ) -> Result<BTreeMap<String, (RegisterRow, Option<Vec<u8>>)>, StoreError> {
        let spec = self.layer.spec();
        let mut sql = register::select(self.layer, true);
        sql.push(" WHERE ").push(spec.key).in_list(session.dialect(), keys.iter().copied());
        let mut found = BTreeMap::new();
        for mut row in session.rows(sql).await? {
            let row = self.layer.read(&mut row)?;
            found.insert(row.key().to_owned(), (row, None));
        }
        if self.layer == Layer::Officers {
            let mut sql = Sql::new("officers", "SELECT id, salt FROM officers WHERE id");
            sql.in_list(session.dialect(), keys.iter().copied());
            for mut row in session.rows(sql).await? {
                let (id, salt): (String, Option<Vec<u8>>) = (row.take()?, row.take()?);
                if let Some(entry) = found.get_mut(&id) {
                    entry.1 = salt;
                }
            }
        }
        Ok(found)
    }

    /// Buildings are in the store, or were among those that came before (which a dry run did not write).
    async fn buildings_exist(
        session: &mut dyn Session,
        rows: &[RegisterRow],
        before: Option<&HashSet<Box<str>>>,
    ) -> Result<(), StoreError> {
        let mut wanted: BTreeMap<&str, &RegisterRow> = BTreeMap::new();
        for row in rows {
            if let RegisterRow::Households(h) = row
                && !before.is_some_and(|b| b.contains(h.building.as_str()))
            {
                wanted.entry(&h.building).or_insert(row);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new("buildings", "SELECT id FROM buildings WHERE id");
        sql.in_list(session.dialect(), wanted.keys().copied());
        for mut row in session.rows(sql).await? {
            let id: String = row.take()?;
            wanted.remove(id.as_str());
        }
        match wanted.into_values().next() {
            None => Ok(()),
            Some(row) => Err(constraint(row, "楼栋不存在，请先导入楼栋 / no such building: import buildings first")),
        }
    }

    /// Takes rows; `before` are the keys of buildings that came before households.
    async fn chunk(
        &mut self,
        session: &mut dyn Session,
        mut rows: Vec<RegisterRow>,
        before: Option<&HashSet<Box<str>>>,
    ) -> Result<(), StoreError> {
        if !std::mem::replace(&mut self.begun, true) && self.was_empty && rows.len() >= BULK_ROWS && !self.dry_run {
            self.bulk = true;
            session.begin_bulk(self.layer.spec().table).await?;
        }
        if self.layer == Layer::Incidents {
            incidents::settle_imported(session, &mut self.homes, &mut rows).await?;
        }
        let mut values = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.layer() != self.layer {
                return Err(constraint(row, "图层不符 / a row of another layer"));
            }
            let cells = row.values();
            rules::check(row, &cells)?;
            if !rules::within(row, self.scope) {
                return Err(constraint(row, "在您的辖区之外 / outside your area"));
            }
            if !self.seen.insert(row.key().into()) {
                return Err(constraint(row, "编号重复 / the key appears twice"));
            }
            values.push(cells);
        }
        if self.layer == Layer::Households {
            Self::buildings_exist(session, &rows, before).await?;
        }
        let mut there = if self.was_empty {
            BTreeMap::new()
        } else {
            let keys: Vec<&str> = rows.iter().map(RegisterRow::key).collect();
            self.existing(session, &keys).await?
        };
        let (mut fresh, mut arrivals) = (Vec::new(), Vec::new());
        for (row, cells) in rows.iter().zip(values) {
            let old = there.remove(row.key());
            let store_version = old.as_ref().map_or(0, |(old, _)| old.row_version());
            let as_expected = match self.expect {
                Expect::Either => true,
                Expect::New => old.is_none(),
                Expect::Known => old.is_some() && store_version == row.row_version(),
            };
            if !as_expected {
                let (id, file_version) = (row.key().to_owned(), row.row_version());
                self.report.conflicts.push(RowConflict { id, file_version, store_version });
                continue;
            }
            match old {
                None => {
                    self.touch(row.key());
                    if !self.bulk && changes::keeps_arrivals(self.layer) {
                        let (who, what) = ((self.at.as_str(), self.actor), (self.layer, row.key()));
                        let sides = (&serde_json::Value::Null, &true.into());
                        arrivals.push(changes::entry(who, what, changes::WHOLE_ROW, sides, self.reason));
                    }
                    fresh.push(self.complete(cells, row.row_version().max(1)));
                }
                Some((old, salt)) => self.merge(session, row, cells, &old, salt).await?,
            }
        }
        self.report.inserted += fresh.len() as u64;
        if self.dry_run {
            return Ok(());
        }
        let spec = self.layer.spec();
        let mut columns = spec.columns.to_vec();
        columns.extend(["row_version", "row_sum"]);
        if self.layer == Layer::Officers {
            columns.push("salt");
        }
        insert::rows(session, spec.table, &columns, fresh).await?;
        changes::write(session, arrivals).await
    }

    fn touch(&mut self, key: &str) {
        if self.touched.len() <= audit::MOST_NAMED {
            self.touched.push(key.to_owned());
        }
    }

    /// A new row's cells with version, sum and, for officers, salt. A row that comes from another store goes on counting from there.
    fn complete(&self, mut cells: Vec<Value>, version: u64) -> Vec<Value> {
        let sum = sum_of(self.layer, &cells, version);
        cells.extend([Value::from(version), Value::from(sum)]);
        if self.layer == Layer::Officers {
            cells.push(Value::Blob(Some(self.store.random_bytes(SALT_BYTES))));
        }
        cells
    }

    async fn merge(
        &mut self,
        session: &mut dyn Session,
        row: &RegisterRow,
        cells: Vec<Value>,
        old: &RegisterRow,
        salt: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        if !rules::within(old, self.scope) {
            return Err(constraint(row, "在您的辖区之外 / outside your area"));
        }
        let spec = self.layer.spec();
        let mut now = old.values();
        let mut changed = Vec::new();
        for (i, cell) in cells.into_iter().enumerate() {
            let (Some(was), Some(column)) = (now.get_mut(i), spec.columns.get(i)) else { continue };
            if self.compared.get(i) == Some(&true) && !alike::same(was, &cell) {
                let before = std::mem::replace(was, cell);
                changed.push((i, *column, before));
            }
        }
        if changed.is_empty() {
            self.report.unchanged += 1;
            return Ok(());
        }
        let (claimed, version) = (row.row_version(), old.row_version());
        if claimed != 0 && claimed != version {
            let id = row.key().to_owned();
            self.report.conflicts.push(RowConflict { id, file_version: claimed, store_version: version });
            return Ok(());
        }
        let mut update = Sql::new(spec.table, "UPDATE ");
        update.push(spec.table).push(" SET row_version = ").bind(version + 1);
        update.push(", row_sum = ").bind(sum_of(self.layer, &now, version + 1));
        let mut log = Vec::new();
        for (i, column, before) in changed {
            let after = now.get(i).cloned().unwrap_or(Value::Text(None));
            let [before, shown_after] = [&before, &after].map(|v| changes::shown(self.layer, column, v, salt.as_ref()));
            update.push(", ").push(column).push(" = ").bind(after);
            let (who, what) = ((self.at.as_str(), self.actor), (self.layer, row.key()));
            log.push(changes::entry(who, what, column, (&before, &shown_after), self.reason));
            self.report.changed_cells_total += 1;
            if self.report.changed_cells.len() < SHOWN_CELLS {
                let (id, column) = (row.key().to_owned(), column.to_owned());
                self.report.changed_cells.push(CellChange { id, column, before, after: shown_after });
            }
        }
        self.report.updated += 1;
        self.touch(row.key());
        if self.dry_run {
            return Ok(());
        }
        update.push(" WHERE ").push(spec.key).push(" = ").bind(row.key());
        session.execute(update).await?;
        changes::write(session, log).await
    }

    /// After the last row of the layer: brings back what a bulk load took away.
    async fn settle(&mut self, session: &mut dyn Session) -> Result<(), StoreError> {
        match std::mem::take(&mut self.bulk) {
            true => session.end_bulk(self.layer.spec().table).await,
            false => Ok(()),
        }
    }

    /// The entry of the audit log, where anything changed.
    async fn log(&self, session: &mut dyn Session, version: u64) -> Result<(), StoreError> {
        let r = &self.report;
        if r.inserted + r.updated == 0 {
            return Ok(());
        }
        let mut after = serde_json::json!({
            "inserted": r.inserted, "updated": r.updated, "unchanged": r.unchanged,
            "conflicts": r.conflicts.len(), "cells": r.changed_cells_total, "register_version": version + 1,
        });
        if let Some(reason) = self.reason {
            after["reason"] = reason.into();
        }
        if self.touched.len() <= audit::MOST_NAMED {
            after["ids"] = self.touched.as_slice().into();
        }
        let entry = audit::Entry {
            at: &self.at,
            actor: self.actor,
            scope: self.scope,
            operation: "register.import",
            subject: self.layer.spec().table,
            before: Some(serde_json::json!({ "register_version": version }).to_string()),
            after: Some(after.to_string()),
        };
        audit::append(session, entry).await.map(drop)
    }
}

/// Which columns are compared; a name that is none is an error.
fn compared(request: &ImportRequest) -> Result<Vec<bool>, StoreError> {
    let spec = request.layer.spec();
    let Some(names) = &request.columns else { return Ok(vec![true; spec.columns.len()]) };
    let mut chosen = vec![false; spec.columns.len()];
    for name in names {
        let place = spec.position(name).and_then(|i| chosen.get_mut(i));
        let what = || format!("{}: {name}", request.layer.name());
        *place.ok_or_else(|| StoreError::BadArgument { name: "columns", what: what() })? = true;
    }
    Ok(chosen)
}

async fn is_empty(session: &mut dyn Session, layer: Layer) -> Result<bool, StoreError> {
    let table = layer.spec().table;
    let mut any = Sql::new(table, "SELECT count(*) FROM (SELECT 1 FROM ");
    any.push(table).push(" LIMIT 1) AS some_row");
    Ok(session.one::<i64>(any).await? == 0)
}

/// Brings rows in. Before households their buildings may come: they are made where there are none, in the same transaction.
pub(super) async fn run(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    request: &ImportRequest,
    source: &mut dyn RowSource,
) -> Result<ImportReport, StoreError> {
    scope.need(Right::EditRegister)?;
    let at = store.now();
    // a dry run keeps no writer waiting
    let mut session = if request.dry_run { store.engine.read().await? } else { store.engine.write().await? };
    let version = register::version(session.as_mut(), !request.dry_run).await?;
    if let Some(answer) = idempotency::find(session.as_mut(), actor, request.idempotency.as_ref()).await? {
        return Ok(answer);
    }
    let of = |layer: Layer, compared: Vec<bool>| Import {
        store,
        scope,
        actor,
        at: at.clone(),
        layer,
        compared,
        expect: if layer == request.layer { request.expect } else { Expect::Either },
        dry_run: request.dry_run,
        reason: request.reason.as_deref(),
        begun: false,
        bulk: false,
        was_empty: false,
        seen: HashSet::new(),
        homes: incidents::Homes::default(),
        touched: Vec::new(),
        report: ImportReport::default(),
    };
    let mut import = of(request.layer, compared(request)?);
    import.was_empty = is_empty(session.as_mut(), request.layer).await?;
    let mut homes = None;
    if request.layer == Layer::Households {
        // one that is there already stays as it is
        let mut buildings = of(Layer::Buildings, vec![false; Layer::Buildings.spec().columns.len()]);
        buildings.was_empty = is_empty(session.as_mut(), Layer::Buildings).await?;
        homes = Some(buildings);
    }
    while let Some(rows) = source.next_chunk().await? {
        if request.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(StoreError::Cancelled);
        }
        let are_homes = rows.first().is_some_and(|r| r.layer() == Layer::Buildings);
        match &mut homes {
            Some(homes) if are_homes => homes.chunk(session.as_mut(), rows, None).await?,
            Some(homes) => {
                homes.settle(session.as_mut()).await?;
                import.chunk(session.as_mut(), rows, Some(&homes.seen)).await?;
            }
            None => import.chunk(session.as_mut(), rows, None).await?,
        }
    }
    let made = match &mut homes {
        Some(homes) => {
            homes.settle(session.as_mut()).await?;
            homes.report.inserted
        }
        None => 0,
    };
    import.settle(session.as_mut()).await?;
    let changes = import.report.inserted + import.report.updated + made > 0;
    let store_it = !request.dry_run && (request.partial || import.report.conflicts.is_empty());
    import.report.buildings_made = made;
    import.report.register_version = version + u64::from(store_it && changes);
    import.report.stored = store_it;
    if !store_it {
        return Ok(import.report);
    }
    if changes {
        register::bump(session.as_mut(), version + 1).await?;
        if let Some(homes) = &homes {
            homes.log(session.as_mut(), version).await?;
        }
        import.log(session.as_mut(), version).await?;
    }
    idempotency::keep(session.as_mut(), actor, request.idempotency.as_ref(), &at, &import.report).await?;
    session.commit().await?;
    Ok(import.report)
}
