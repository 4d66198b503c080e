//! One SQLite transaction.

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Decode, Row as _, Sqlite, Transaction, TypeInfo, ValueRef};
use tokio::runtime::RuntimeFlavor;
use tokio::sync::{OwnedRwLockReadGuard, watch};

use super::{direct, errors};
use crate::store::error::StoreError;
use crate::store::seen::Looking;
use crate::store::sql::{Dialect, Session, Sql};
use crate::store::value::{Row, Value};
use crate::store::wkb;

/// Highest number of bound values a statement (SQLITE_MAX_VARIABLE_NUMBER as bundled).
const MOST_BINDS: usize = 32_766;

pub(super) struct SqliteSession {
    pub(super) transaction: Transaction<'static, Sqlite>,
    /// Told of the commit; of a transaction that only reads, none.
    pub(super) writes: Option<watch::Sender<u64>>,
    /// Statements that bring back what a bulk load took away.
    pub(super) set_aside: Vec<String>,
    /// Keeps a purge away while the transaction lives.
    pub(super) _open: OwnedRwLockReadGuard<()>,
}

fn arguments(values: Vec<Value>, place: &'static str) -> Result<SqliteArguments, StoreError> {
    let mut all = SqliteArguments::default();
    all.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Text(v) => all.add(v),
            Value::Int(v) => all.add(v),
            Value::Real(v) => all.add(v),
            Value::Bool(v) => all.add(v),
            Value::Blob(v) => all.add(v),
            Value::Shape(v) => all.add(v.map(|wkb| wkb::wkb_to_gpb(&wkb))),
        }
        .map_err(|_| StoreError::Internal { code: format!("{place}: bind") })?;
    }
    Ok(all)
}

fn decoded(row: &SqliteRow, place: &'static str) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for i in 0..row.len() {
        let raw = row.try_get_raw(i).map_err(|e| errors::of(&e, place))?;
        let value = if raw.is_null() {
            Ok(Value::Text(None))
        } else {
            let kind = raw.type_info().name().to_owned();
            match kind.as_str() {
                "INTEGER" => <i64 as Decode<Sqlite>>::decode(raw).map(Value::from),
                "REAL" => <f64 as Decode<Sqlite>>::decode(raw).map(Value::from),
                "BLOB" => <Vec<u8> as Decode<Sqlite>>::decode(raw).map(|b| Value::Blob(Some(b))),
                _ => <String as Decode<Sqlite>>::decode(raw).map(Value::from),
            }
        };
        values.push(value.map_err(|_| StoreError::decoding(place, "文字不是 UTF-8 / text is not UTF-8"))?);
    }
    Ok(Row::new(place, values))
}

#[async_trait::async_trait]
impl Session for SqliteSession {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn most_binds(&self) -> usize {
        MOST_BINDS
    }

    async fn execute(&mut self, sql: Sql) -> Result<u64, StoreError> {
        let (text, values, place) = sql.into_parts();
        let query = sqlx::query_with(AssertSqlSafe(text), arguments(values, place)?);
        let done = query.execute(&mut *self.transaction).await.map_err(|e| errors::of(&e, place))?;
        Ok(done.rows_affected())
    }

    async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>, StoreError> {
        let (text, values, place) = sql.into_parts();
        let query = sqlx::query_with(AssertSqlSafe(text), arguments(values, place)?);
        let rows = query.fetch_all(&mut *self.transaction).await.map_err(|e| errors::of(&e, place))?;
        rows.iter().map(|r| decoded(r, place)).collect()
    }

    #[expect(unsafe_code, reason = "the connection's own handle, locked")]
    async fn each(&mut self, sql: Sql, look: &mut Looking<'_>) -> Result<(), StoreError> {
        let (text, values, place) = sql.into_parts();
        let mut handle = self.transaction.lock_handle().await.map_err(|e| errors::of(&e, place))?;
        let handle = handle.as_raw_handle().as_ptr();
        // SAFETY: while it is locked nobody else uses the connection
        let mut read = || unsafe { direct::each(handle, &text, &values, place, look) };
        // others answer meanwhile
        match tokio::runtime::Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(read),
            _ => read(),
        }
    }

    async fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        sqlx::raw_sql(text).execute(&mut *self.transaction).await.map_err(|e| errors::of(&e, "script"))?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        if self.writes.is_some() {
            self.script("UPDATE store_writer SET active = 0").await?;
        }
        self.transaction.commit().await.map_err(|e| errors::of(&e, "commit"))?;
        if let Some(writes) = self.writes {
            writes.send_modify(|n| *n += 1);
        }
        Ok(())
    }

    async fn begin_bulk(&mut self, table: &'static str) -> Result<(), StoreError> {
        let list = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = $1 AND sql IS NOT NULL
                    AND type IN ('trigger', 'index') ORDER BY rowid";
        for mut row in self.rows(Sql::new("schema", list).arg(table)).await? {
            let (kind, name, sql): (String, String, String) = (row.take()?, row.take()?, row.take()?);
            self.set_aside.push(sql);
            // a name of our own schema, quoted; DDL cannot bind
            let name = name.replace('"', "\"\"");
            let drop = format!("DROP {} \"{name}\"", if kind == "index" { "INDEX" } else { "TRIGGER" });
            sqlx::raw_sql(AssertSqlSafe(drop))
                .execute(&mut *self.transaction)
                .await
                .map_err(|e| errors::of(&e, "schema"))?;
        }
        Ok(())
    }

    async fn end_bulk(&mut self, table: &'static str) -> Result<(), StoreError> {
        if let Some(rebuild) = super::inspect::rtree(table).map(|r| r.rebuild) {
            self.script(rebuild).await?;
        }
        for sql in std::mem::take(&mut self.set_aside) {
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut *self.transaction)
                .await
                .map_err(|e| errors::of(&e, "schema"))?;
        }
        Ok(())
    }
}
