//! The audit log: appended to in the transaction it tells about, each entry sealed with the hash of the one before.

use sha2::{Digest, Sha256};

use crate::domain::hex;
use crate::domain::register::AuditRow;

use super::error::StoreError;
use super::scope::Scope;
use super::sql::{Dialect, Session, Sql};
use super::value::Row;

pub(super) const COLUMNS: &str = "seq, at, actor, scope, operation, subject, before, after, previous, hash";

/// Rows an entry names one by one at most: whoever keeps them in memory need not read the others again.
pub(super) const MOST_NAMED: usize = 1_000;

/// What an entry tells.
pub(super) struct Entry<'a> {
    pub(super) at: &'a str,
    pub(super) actor: &'a str,
    pub(super) scope: &'a Scope,
    pub(super) operation: &'a str,
    pub(super) subject: &'a str,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// SHA-256 over all fields, each with its length before it, absent ones told from empty ones.
pub(super) fn seal(row: &AuditRow) -> String {
    let mut sha = Sha256::new();
    sha.update(row.seq.to_le_bytes());
    let fields = [&row.at, &row.actor, &row.scope, &row.operation, &row.subject].map(Some);
    for field in fields.into_iter().chain([row.before.as_ref(), row.after.as_ref(), Some(&row.previous)]) {
        match field {
            None => sha.update(u64::MAX.to_le_bytes()),
            Some(text) => {
                sha.update((text.len() as u64).to_le_bytes());
                sha.update(text.as_bytes());
            }
        }
    }
    hex(&sha.finalize())
}

/// Whether entries that follow each other are as they were written.
#[must_use]
pub fn chain_holds(rows: &[AuditRow]) -> bool {
    let sealed = rows.iter().all(|r| seal(r) == r.hash);
    let linked = rows.windows(2).all(|w| matches!(w, [a, b] if b.seq == a.seq + 1 && b.previous == a.hash));
    sealed && linked
}

pub(super) fn read(row: &mut Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        seq: row.take()?,
        at: row.take()?,
        actor: row.take()?,
        scope: row.take()?,
        operation: row.take()?,
        subject: row.take()?,
        before: row.take()?,
        after: row.take()?,
        previous: row.take()?,
        hash: row.take()?,
    })
}

/// Wakes whoever listens to the store when this transaction commits; a GeoPackage's listeners are in this process, and told by it.
const ADVANCE_AND_TELL: &str =
    "UPDATE audit_head SET seq = $1, hash = $2 WHERE one = 1 RETURNING pg_notify('lianhu', '')";

/// Appends an entry. It waits for whoever else is about to commit, so it comes last in a transaction: numbers are in commit order.
pub(super) async fn append(session: &mut dyn Session, entry: Entry<'_>) -> Result<u64, StoreError> {
    let mut head = Sql::new("audit_head", "SELECT seq, hash FROM audit_head WHERE one = 1");
    head.push(session.for_update());
    let mut head = session.row(head).await?.ok_or_else(|| StoreError::decoding("audit_head", "没有行 / no row"))?;
    let (last, previous): (u64, String) = (head.take()?, head.take()?);
    let mut row = AuditRow {
        seq: last + 1,
        at: entry.at.to_owned(),
        actor: entry.actor.to_owned(),
        scope: entry.scope.describe(),
        operation: entry.operation.to_owned(),
        subject: entry.subject.to_owned(),
        before: entry.before,
        after: entry.after,
        previous,
        hash: String::new(),
    };
    row.hash = seal(&row);
    let insert = "INSERT INTO audit (seq, at, actor, scope, operation, subject, before, after, previous, hash)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let insert = Sql::new("audit", insert).arg(row.seq).arg(row.at).arg(row.actor).arg(row.scope).arg(row.operation);
    let insert = insert.arg(row.subject).arg(row.before).arg(row.after).arg(row.previous).arg(row.hash.clone());
    session.execute(insert).await?;
    let advance = match session.dialect() {
        Dialect::Sqlite => "UPDATE audit_head SET seq = $1, hash = $2 WHERE one = 1",
        Dialect::Postgres => ADVANCE_AND_TELL,
    };
    let advance = Sql::new("audit_head", advance);
    session.execute(advance.arg(row.seq).arg(row.hash)).await?;
    Ok(row.seq)
}

/// Entries after a number.
pub(super) async fn list(session: &mut dyn Session, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
    let mut sql = Sql::new("audit", "SELECT ");
    sql.push(COLUMNS).push(" FROM audit WHERE seq > ").bind(after);
    sql.push(" ORDER BY seq LIMIT ").bind(i64::from(limit));
    session.rows(sql).await?.iter_mut().map(read).collect()
}
