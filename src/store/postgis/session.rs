//! One PostgreSQL transaction, and shapes as EWKB.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo, PgValueRef};
use sqlx::{Arguments, AssertSqlSafe, Decode, Encode, Postgres, Row as _, Transaction, Type, TypeInfo, ValueRef};

use super::errors;
use crate::store::error::StoreError;
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

/// The bytes of a shape on its way out.
struct Raw(Vec<u8>);

impl<'r> Decode<'r, Postgres> for Raw {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(value.as_bytes()?.to_owned()))
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

fn decoded(row: &PgRow, place: &'static str) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for i in 0..row.len() {
        let raw = row.try_get_raw(i).map_err(|e| errors::of(&e, place))?;
        let value = if raw.is_null() {
            Ok(Value::Text(None))
        } else {
            let kind = raw.type_info().name().to_owned();
            match kind.as_str() {
                "INT8" => <i64 as Decode<Postgres>>::decode(raw).map(Value::from),
                "INT4" => <i32 as Decode<Postgres>>::decode(raw).map(|v| Value::from(i64::from(v))),
                "FLOAT8" => <f64 as Decode<Postgres>>::decode(raw).map(Value::from),
                "BOOL" => <bool as Decode<Postgres>>::decode(raw).map(Value::from),
                "BYTEA" => <Vec<u8> as Decode<Postgres>>::decode(raw).map(|b| Value::Blob(Some(b))),
                "TEXT" | "VARCHAR" | "NAME" | "CHAR" => <String as Decode<Postgres>>::decode(raw).map(Value::from),
                "VOID" => Ok(Value::Text(None)),
                _ => <Raw as Decode<Postgres>>::decode(raw).map(|b| Value::Blob(Some(b.0))),
            }
        };
        values.push(value.map_err(|_| StoreError::decoding(place, "列无法读取 / the column cannot be read"))?);
    }
    Ok(Row::new(place, values))
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
        rows.iter().map(|r| decoded(r, place)).collect()
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
