//! The four kinds of plan rows and how they go in and out.

use std::collections::BTreeMap;

use crate::domain::plan::{Change, GridRow, Membership, Seat, UnitRow};
use crate::store::error::StoreError;
use crate::store::insert;
use crate::store::sql::{Session, Sql};
use crate::store::value::{Cell, Row, Value, row_sum};

/// A row of a plan's table.
pub(in crate::store) trait PlanRow: Clone + PartialEq + Send + Sync + Sized {
    const TABLE: &'static str;
    /// The first is the key.
    const COLUMNS: &'static [&'static str];
    /// The column whose first digits say where the row lies.
    const CODE: &'static str;
    /// Whether the row carries what maps show (`plan`, `in_force`, derived columns), so that it is updated in place.
    const SHOWN: bool;
    fn key(&self) -> &str;
    /// Code of the grid or unit it is or belongs to.
    fn code(&self) -> &str;
    fn values(&self) -> Vec<Value>;
    fn read(row: &mut Row) -> Result<Self, StoreError>;
}

macro_rules! plan_row {
    ($ty:ident, $table:literal, $key:ident, $code:ident, $shown:literal, $($field:ident),+) => {
        impl PlanRow for $ty {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];
            const CODE: &'static str = stringify!($code);
            const SHOWN: bool = $shown;
            fn key(&self) -> &str {
                &self.$key
            }
            fn code(&self) -> &str {
                &self.$code
            }
            fn values(&self) -> Vec<Value> {
                vec![$(self.$field.to_value()),+]
            }
            fn read(row: &mut Row) -> Result<Self, StoreError> {
                Ok(Self { $($field: row.take()?),+ })
            }
        }
    };
}
plan_row!(GridRow, "grids", code, code, true, code, name, kind, locked, valid_from, valid_to, predecessors);
plan_row!(
    UnitRow,
    "units",
    code,
    code,
    true,
    code,
    locked,
    leader,
    deputies,
    officers_locked,
    exception,
    founded_on,
    contact_group
);
plan_row!(Seat, "seats", building, grid, false, building, grid, locked);
plan_row!(Membership, "memberships", household, unit, false, household, unit);

/// The plan a row is written for.
pub(in crate::store) struct Target<'a> {
    pub(in crate::store) no: i64,
    pub(in crate::store) id: &'a str,
    pub(in crate::store) live: bool,
}

/// `SELECT` of a table's rows of one plan, ready for more conditions.
pub(in crate::store) fn select<T: PlanRow>(no: i64) -> Sql {
    let mut sql = Sql::new(T::TABLE, "SELECT ");
    sql.push_list(T::COLUMNS).push(" FROM ").push(T::TABLE).push(" WHERE plan_no = ").bind(no);
    sql
}

/// Reads what a statement selected.
pub(in crate::store) async fn read<T: PlanRow>(session: &mut dyn Session, sql: Sql) -> Result<Vec<T>, StoreError> {
    session.rows(sql).await?.iter_mut().map(T::read).collect()
}

/// Inserts rows.
pub(in crate::store) async fn add<T: PlanRow>(
    session: &mut dyn Session,
    target: &Target<'_>,
    rows: &[T],
) -> Result<(), StoreError> {
    let mut columns = T::COLUMNS.to_vec();
    columns.extend(["row_sum", "plan_no"]);
    if T::SHOWN {
        columns.extend(["plan", "in_force"]);
    }
    let complete = |row: &T| {
        let mut values = row.values();
        let sum = row_sum(&values);
        values.extend([Value::from(sum), Value::from(target.no)]);
        if T::SHOWN {
            values.extend([Value::from(target.id), Value::from(target.live)]);
        }
        values
    };
    insert::rows(session, T::TABLE, &columns, rows.iter().map(complete).collect()).await
}

/// A row that does not stand as a change says it should: its key and the code it belongs to.
#[derive(Debug)]
pub(in crate::store) struct Mismatch {
    pub(in crate::store) key: String,
    pub(in crate::store) code: String,
}

/// Why changes were not applied.
#[derive(Debug)]
pub(in crate::store) enum NotApplied {
    Store(StoreError),
    Mismatch(Mismatch),
}

impl From<StoreError> for NotApplied {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

fn keys<'a, T: PlanRow + 'a>(rows: impl IntoIterator<Item = &'a T>) -> Vec<&'a str> {
    rows.into_iter().map(PlanRow::key).collect()
}

/// Checks that every changed row stands as `before` says.
pub(in crate::store) async fn verify<T: PlanRow>(
    session: &mut dyn Session,
    no: i64,
    changes: &[Change<T>],
) -> Result<(), NotApplied> {
    if changes.is_empty() {
        return Ok(());
    }
    let sides = |c: &Change<T>| c.before.as_ref().or(c.after.as_ref()).cloned();
    let all: Vec<T> = changes.iter().filter_map(sides).collect();
    let mut sql = select::<T>(no);
    if let Some(key) = T::COLUMNS.first() {
        sql.push(" AND ").push(key).in_list(session.dialect(), keys(&all));
    }
    let stored: Vec<T> = read(session, sql).await?;
    let mut standing: BTreeMap<&str, Option<&T>> = stored.iter().map(|r| (r.key(), Some(r))).collect();
    for change in changes {
        let Some(side) = change.before.as_ref().or(change.after.as_ref()) else { continue };
        let now = standing.get(side.key()).copied().flatten();
        if now != change.before.as_ref() || change.after.as_ref().is_some_and(|a| a.key() != side.key()) {
            let code = now.unwrap_or(side).code().to_owned();
            return Err(NotApplied::Mismatch(Mismatch { key: side.key().to_owned(), code }));
        }
        // a key may change twice in one batch
        standing.insert(side.key(), change.after.as_ref());
    }
    Ok(())
}

/// Applies verified changes.
pub(in crate::store) async fn apply<T: PlanRow>(
    session: &mut dyn Session,
    target: &Target<'_>,
    changes: &[Change<T>],
) -> Result<(), StoreError> {
    // first before and last after of each key
    let mut net: BTreeMap<&str, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for change in changes {
        let Some(side) = change.before.as_ref().or(change.after.as_ref()) else { continue };
        net.entry(side.key()).or_insert((change.before.as_ref(), None)).1 = change.after.as_ref();
    }
    let (mut gone, mut fresh) = (Vec::new(), Vec::new());
    for (key, sides) in net {
        match sides {
            (Some(before), Some(after)) if T::SHOWN => {
                if before != after {
                    update(session, target.no, after).await?;
                }
            }
            (before, after) => {
                gone.extend(before.map(|_| key));
                fresh.extend(after.cloned());
            }
        }
    }
    if let (Some(key), false) = (T::COLUMNS.first(), gone.is_empty()) {
        let mut sql = Sql::new(T::TABLE, "DELETE FROM ");
        sql.push(T::TABLE).push(" WHERE plan_no = ").bind(target.no);
        sql.push(" AND ").push(key).in_list(session.dialect(), gone);
        session.execute(sql).await?;
    }
    add(session, target, &fresh).await
}

async fn update<T: PlanRow>(session: &mut dyn Session, no: i64, row: &T) -> Result<(), StoreError> {
    let values = row.values();
    let mut sql = Sql::new(T::TABLE, "UPDATE ");
    sql.push(T::TABLE).push(" SET row_sum = ").bind(row_sum(&values));
    for (column, value) in T::COLUMNS.iter().zip(values) {
        sql.push(", ").push(column).push(" = ").bind(value);
    }
    sql.push(" WHERE plan_no = ").bind(no);
    if let Some(key) = T::COLUMNS.first() {
        sql.push(" AND ").push(key).push(" = ").bind(row.key());
    }
    session.execute(sql).await.map(drop)
}
