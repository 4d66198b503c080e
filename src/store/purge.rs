//! Deleting what is over, and every byte of it.

use super::error::StoreError;
use super::incidents::photos;
use super::messages::{Purged, Retention};
use super::scope::{Right, Scope};
use super::sql::{Dialect, Session, Sql};
use super::{SqlStore, audit};

/// Only a purge may touch the audit log; it does not, but what it deletes is guarded the same way.
async fn as_purge(session: &mut dyn Session) -> Result<(), StoreError> {
    let sql = match session.dialect() {
        Dialect::Sqlite => "UPDATE store_writer SET active = 2",
        Dialect::Postgres => "SELECT set_config('lianhu.purge', 'on', true)",
    };
    session.rows(Sql::new("purge", sql)).await.map(drop)
}

async fn delete(
    session: &mut dyn Session,
    table: &'static str,
    sql: &'static str,
    before: Option<&String>,
) -> Result<u64, StoreError> {
    match before {
        Some(before) => session.execute(Sql::new(table, sql).arg(before.as_str())).await,
        None => Ok(0),
    }
}

pub(super) async fn run(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    retention: &Retention,
) -> Result<Purged, StoreError> {
    scope.need(Right::Maintain)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    as_purge(session.as_mut()).await?;
    let mut purged = Purged::default();
    let left = "DELETE FROM officers WHERE valid_to < $1";
    purged.officers = delete(session.as_mut(), "officers", left, retention.officers_left_before.as_ref()).await?;
    if !retention.officers.is_empty() {
        let mut sql = Sql::new("officers", "DELETE FROM officers WHERE id");
        sql.in_list(session.dialect(), retention.officers.iter().map(String::as_str));
        purged.officers += session.execute(sql).await?;
    }
    let keys = "DELETE FROM idempotency WHERE at < $1";
    purged.keys = delete(session.as_mut(), "idempotency", keys, retention.keys_before.as_ref()).await?;
    let jobs = "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND updated_at < $1";
    purged.jobs = delete(session.as_mut(), "jobs", jobs, retention.jobs_before.as_ref()).await?;
    let cells = "DELETE FROM register_changes WHERE at < $1";
    purged.cell_logs = delete(session.as_mut(), "register_changes", cells, retention.cell_logs_before.as_ref()).await?;
    if let Some(before) = &retention.photos_before {
        purged.photos = photos::purge(session.as_mut(), before).await?;
    }
    let entry = audit::Entry {
        at: &at,
        actor,
        scope,
        operation: "store.purge",
        subject: "store",
        before: None,
        after: serde_json::to_string(&purged).ok(),
    };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await?;
    store.engine.scrub().await?;
    Ok(purged)
}
