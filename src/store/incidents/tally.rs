//! Incidents counted, and as points.

use crate::domain::LonLat;
use crate::store::dates;
use crate::store::error::StoreError;
use crate::store::scope::Scope;
use crate::store::sql::{Session, Sql};

use super::find::{conditions, is_open, is_overdue};
use super::{Grouping, IncidentFilter, Tally};

const fn key_of(by: Grouping) -> &'static str {
    match by {
        Grouping::Category => "category",
        Grouping::Level => "level",
        Grouping::State => "state",
        Grouping::Region => "region",
        Grouping::Hour => "substr(occurred_at, 1, 13)",
        Grouping::Grid => "coalesce(grid, '')",
        Grouping::Unit => "coalesce(unit, '')",
        Grouping::Nothing => "''",
    }
}

/// Counts by group.
pub(super) async fn tally(
    session: &mut dyn Session,
    scope: &Scope,
    filter: &IncidentFilter,
    by: Grouping,
) -> Result<Vec<Tally>, StoreError> {
    let dialect = session.dialect();
    let mut sql = Sql::new("incidents", "SELECT ");
    sql.push(key_of(by)).push(" AS key, count(*), count(*) FILTER (WHERE ");
    is_open(&mut sql, dialect);
    sql.push("), count(*) FILTER (WHERE ");
    is_overdue(&mut sql, dialect, &filter.now);
    sql.push(") FROM incidents");
    conditions(&mut sql, dialect, scope, filter)?;
    sql.push(" GROUP BY 1 ORDER BY 1");
    let mut all = Vec::new();
    for mut row in session.rows(sql).await? {
        all.push(Tally { key: row.take()?, count: row.take()?, open: row.take()?, overdue: row.take()? });
    }
    Ok(all)
}

/// Places and times.
pub(super) async fn points(
    session: &mut dyn Session,
    scope: &Scope,
    filter: &IncidentFilter,
) -> Result<Vec<(LonLat, i64)>, StoreError> {
    let mut sql = Sql::new("incidents", "SELECT geom, occurred_at FROM incidents");
    conditions(&mut sql, session.dialect(), scope, filter)?;
    sql.push(" AND geom IS NOT NULL ORDER BY id");
    let mut all = Vec::new();
    for mut row in session.rows(sql).await? {
        let (place, at): (LonLat, String) = (row.take()?, row.take()?);
        all.push((place, dates::ms_of(&at)));
    }
    Ok(all)
}
