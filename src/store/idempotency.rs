//! Same key and same request: same answer, done once.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::messages::Idempotency;
use super::sql::{Session, Sql};
use super::value::Value;
use super::{insert, summed};

const COLUMNS: [&str; 6] = ["actor", "key", "body_sha256", "answer", "at", "row_sum"];

/// The answer kept under a key. The caller holds the lock of what the request changes, so that a twin in flight has ended.
pub(super) async fn find<T: DeserializeOwned>(
    session: &mut dyn Session,
    actor: &str,
    key: Option<&Idempotency>,
) -> Result<Option<T>, StoreError> {
    let Some(key) = key else { return Ok(None) };
    if key.key.is_empty() || key.key.len() > 255 {
        return Err(StoreError::BadArgument { name: "idempotency key", what: "1–255 字节 bytes".to_owned() });
    }
    let sql = Sql::new("idempotency", "SELECT body_sha256, answer FROM idempotency WHERE actor = $1 AND key = $2");
    let Some(mut row) = session.row(sql.arg(actor).arg(key.key.as_str())).await? else { return Ok(None) };
    let (body, answer): (String, String) = (row.take()?, row.take()?);
    if body != key.body_sha256 {
        return Err(StoreError::KeyReused { key: key.key.clone() });
    }
    serde_json::from_str(&answer).map(Some).map_err(|_| StoreError::decoding("idempotency", "JSON 无效 / bad JSON"))
}

/// Keeps the answer, in the transaction that made it.
pub(super) async fn keep<T: Serialize + Sync>(
    session: &mut dyn Session,
    actor: &str,
    key: Option<&Idempotency>,
    at: &str,
    answer: &T,
) -> Result<(), StoreError> {
    let Some(key) = key else { return Ok(()) };
    let answer = serde_json::to_string(answer).map_err(|_| StoreError::Internal { code: "answer".to_owned() })?;
    let row = [actor, key.key.as_str(), key.body_sha256.as_str(), answer.as_str(), at].map(Value::from);
    match insert::rows(session, "idempotency", &COLUMNS, vec![summed::with_sum(row.to_vec())]).await {
        // another request of the same key on another plan was faster
        Err(StoreError::Constraint { .. }) => Err(StoreError::KeyReused { key: key.key.clone() }),
        other => other.map(drop),
    }
}
