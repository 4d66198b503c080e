//! One PostgreSQL transaction, and shapes as EWKB.

use futures_util::TryStreamExt as _;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo};
use sqlx::{Arguments, AssertSqlSafe, Decode, Encode, Postgres, Row as _, Transaction, Type, TypeInfo, ValueRef};

use super::errors;
use crate::store::error::StoreError;
use crate::store::seen::{Columns, Looking, Seen, Standing};
use crate::store::sql::{Dialect, Session, Sql};
use crate::store::value::{Row, Value};
use crate::store::wkb;

/// The protocol counts values in sixteen bits.
const MOST_BINDS: usize = 65_535;

pub(super) struct PgSession {
    pub(super) transaction: Transaction<'static, Postgres>,
}

/// A shape on its way in, with the reference system.
struct Ewkb(Vec<u8>);

impl Type<Postgres> for Ewkb {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("geometry")
    }
}

impl Encode<'_, Postgres> for Ewkb {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
}

fn arguments(values: Vec<Value>, place: &'static str) -> Result<PgArguments, StoreError> {
    let mut all = PgArguments::default();
    all.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Text(v) => all.add(v),
            Value::Int(v) => all.add(v),
            Value::Real(v) => all.add(v),
            Value::Bool(v) => all.add(v),
            Value::Blob(v) => all.add(v),
            Value::Shape(v) => all.add(v.map(|wkb| Ewkb(wkb::wkb_to_ewkb(&wkb)))),
        }
        .map_err(|_| StoreError::Internal { code: format!("{place}: bind") })?;
    }
    Ok(all)
}

/// A row as it came.
struct Came<'a> {
    row: &'a PgRow,
    place: &'static str,
}

impl Columns for Came<'_> {
    fn count(&self) -> usize {
        self.row.len()
    }

    fn column(&self, i: usize) -> Result<Seen<'_>, StoreError> {
        let raw = self.row.try_get_raw(i).map_err(|e| errors::of(&e, self.place))?;
        if raw.is_null() {
            return Ok(Seen::Nothing);
        }
        let kind = raw.type_info();
        let seen = match kind.name() {
            "INT8" => <i64 as Decode<Postgres>>::decode(raw.clone()).map(Seen::Int),
            "INT4" => <i32 as Decode<Postgres>>::decode(raw.clone()).map(|v| Seen::Int(v.into())),
            "FLOAT8" => <f64 as Decode<Postgres>>::decode(raw.clone()).map(Seen::Real),
            "BOOL" => <bool as Decode<Postgres>>::decode(raw.clone()).map(Seen::Bool),
            "BYTEA" => <&[u8] as Decode<Postgres>>::decode(raw.clone()).map(Seen::Bytes),
            "TEXT" | "VARCHAR" | "NAME" | "CHAR" => raw.as_str().map(Seen::Text),
            "VOID" => Ok(Seen::Nothing),
            // a shape
            _ => raw.as_bytes().map(Seen::Bytes),
        };
        seen.map_err(|_| StoreError::decoding(self.place, "列无法读取 / the column cannot be read"))
    }
}

#[async_trait::async_trait]
impl Session for PgSession {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
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
        rows.iter().map(|row| Standing::new(place, &Came { row, place }).to_row()).collect()
    }

    async fn each(&mut self, sql: Sql, look: &mut Looking<'_>) -> Result<(), StoreError> {
        let (text, values, place) = sql.into_parts();
        let query = sqlx::query_with(AssertSqlSafe(text), arguments(values, place)?);
        let mut rows = query.fetch(&mut *self.transaction);
        while let Some(row) = rows.try_next().await.map_err(|e| errors::of(&e, place))? {
            if look(&mut Standing::new(place, &Came { row: &row, place }))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    async fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        sqlx::raw_sql(text).execute(&mut *self.transaction).await.map_err(|e| errors::of(&e, "script"))?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(|e| errors::of(&e, "commit"))
    }

    /// Nothing is taken away: dropping an index would lock readers out for as long as the load takes.
    async fn begin_bulk(&mut self, _table: &'static str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn end_bulk(&mut self, table: &'static str) -> Result<(), StoreError> {
        let mut sql = Sql::new(table, "ANALYZE ");
        sql.push(table);
        self.execute(sql).await.map(drop)
    }
}
