//! Steps of the schema: which are applied, which are due, whether the store is newer than this program.

use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::sql::{Session, Sql};
use super::summed;
use crate::domain::hex;

/// One step.
pub(super) struct Step {
    pub(super) version: u32,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// The steps after which old rows of some tables are given their sums, which no engine can reckon.
pub(super) const LOG_SUMS: &str = "log_sums";
pub(super) const MORE_SUMS: &str = "hours_and_sums";

/// Steps of a GeoPackage store.
pub(super) const SQLITE: &[Step] = &[
    Step { version: 1, name: "register", sql: include_str!("../../migrations/sqlite/0001_register.sql") },
    Step { version: 2, name: "accounts", sql: include_str!("../../migrations/sqlite/0002_accounts.sql") },
    Step { version: 3, name: "incidents", sql: include_str!("../../migrations/sqlite/0003_incidents.sql") },
    Step { version: 4, name: "photos", sql: include_str!("../../migrations/sqlite/0004_photos.sql") },
    Step { version: 5, name: "readers", sql: include_str!("../../migrations/sqlite/0005_readers.sql") },
    Step { version: 6, name: LOG_SUMS, sql: include_str!("../../migrations/sqlite/0006_log_sums.sql") },
    Step { version: 7, name: MORE_SUMS, sql: include_str!("../../migrations/sqlite/0007_hours_and_sums.sql") },
];

/// Steps of a PostGIS store.
pub(super) const POSTGIS: &[Step] = &[
    Step { version: 1, name: "register", sql: include_str!("../../migrations/postgis/0001_register.sql") },
    Step { version: 2, name: "accounts", sql: include_str!("../../migrations/postgis/0002_accounts.sql") },
    Step { version: 3, name: "incidents", sql: include_str!("../../migrations/postgis/0003_incidents.sql") },
    Step { version: 4, name: "photos", sql: include_str!("../../migrations/postgis/0004_photos.sql") },
    Step { version: 5, name: "readers", sql: include_str!("../../migrations/postgis/0005_readers.sql") },
    Step { version: 6, name: LOG_SUMS, sql: include_str!("../../migrations/postgis/0006_log_sums.sql") },
    Step { version: 7, name: MORE_SUMS, sql: include_str!("../../migrations/postgis/0007_hours_and_sums.sql") },
];

/// The table that keeps the steps taken.
pub(super) const TABLE_SQLITE: &str = "CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)";
/// The same in PostGIS.
pub(super) const TABLE_POSTGIS: &str = "CREATE TABLE schema_migrations (
  version bigint PRIMARY KEY NOT NULL, name text NOT NULL, sha256 text NOT NULL, applied_at text NOT NULL)";

/// Newest version among steps.
pub(super) fn newest(steps: &[Step]) -> u32 {
    steps.iter().map(|s| s.version).max().unwrap_or(0)
}

fn sum(step: &Step) -> String {
    hex(&Sha256::digest(step.sql.as_bytes()))
}

/// Version a store has; its steps' sums must be ours.
pub(super) async fn found(session: &mut dyn Session, steps: &[Step]) -> Result<u32, StoreError> {
    let list = "SELECT version, sha256 FROM schema_migrations ORDER BY version";
    let mut version = 0;
    for mut row in session.rows(Sql::new("schema_migrations", list)).await? {
        let (n, sha): (u32, String) = (row.take()?, row.take()?);
        version = version.max(n);
        if steps.iter().any(|s| s.version == n && sum(s) != sha) {
            return Err(StoreError::decoding(
                &format!("schema_migrations {n}"),
                "已执行的迁移与本程序不同 / the step that was applied is not this program's",
            ));
        }
    }
    if version > newest(steps) {
        return Err(StoreError::Newer { found: version, known: newest(steps) });
    }
    Ok(version)
}

/// Takes the steps that are due; the caller commits.
pub(super) async fn apply(
    session: &mut dyn Session,
    steps: &'static [Step],
    from: u32,
    now: &str,
) -> Result<(), StoreError> {
    for step in steps.iter().filter(|s| s.version > from) {
        session.script(step.sql).await?;
        summed::seal(session, step.name).await?;
        let insert = "INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)";
        let insert = Sql::new("schema_migrations", insert);
        session.execute(insert.arg(i64::from(step.version)).arg(step.name).arg(sum(step)).arg(now)).await?;
    }
    Ok(())
}
