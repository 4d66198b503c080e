//! The PostGIS engine: many readers and writers; what must not happen twice waits on row locks, never on SERIALIZABLE.

mod errors;
mod session;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};

use self::session::PgSession;
use super::check::Finding;
use super::contract::Ear;
use super::error::StoreError;
use super::sql::{Engine, Session, Sql};
use super::{OpenMode, OpenOptions, copy, migrate};

const CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told to come again.
const TURN: Duration = Duration::from_secs(5);

pub(super) struct PostgisEngine {
    pool: PgPool,
    read_only: bool,
    options: OpenOptions,
}

impl PostgisEngine {
    /// Connects (and creates or upgrades).
    pub(super) async fn open(url: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|e| errors::of(&e, "open"))?
            .application_name("lianhu")
            .options([("search_path", "lianhu,public")]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(TURN)
            .connect_with(connect)
            .await
            .map_err(|e| errors::of(&e, "open"))?;
        let engine = Self { pool, read_only: options.mode == OpenMode::ReadOnly, options: options.clone() };
        engine.bring_up_to_date(options).await?;
        Ok(engine)
    }

    async fn begin(&self, how: &'static str) -> Result<PgSession, StoreError> {
        let transaction = self.pool.begin_with(how).await.map_err(|e| errors::of(&e, "begin"))?;
        Ok(PgSession { transaction })
    }

    async fn bring_up_to_date(&self, options: &OpenOptions) -> Result<(), StoreError> {
        let mut session = self.begin("BEGIN").await?;
        let session_ref: &mut dyn Session = &mut session;
        // two programs that start at once take their steps one after the other
        let lock = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended('lianhu.migrate', 0))) AS held";
        session_ref.rows(Sql::new("migrate", lock)).await?;
        let there = "SELECT count(*) FROM pg_tables WHERE schemaname = 'lianhu' AND tablename = 'schema_migrations'";
        let known = migrate::newest(migrate::POSTGIS);
        let found = if session_ref.one::<i64>(Sql::new("migrate", there)).await? == 1 {
            migrate::found(session_ref, migrate::POSTGIS).await?
        } else if options.mode == OpenMode::Create {
            session_ref.script("CREATE EXTENSION IF NOT EXISTS postgis").await?;
            session_ref.script("CREATE SCHEMA IF NOT EXISTS lianhu").await?;
            session_ref.script(migrate::TABLE_POSTGIS).await?;
            0
        } else {
            return Err(StoreError::NotFound { what: "库 / store", id: "schema lianhu".to_owned() });
        };
        if found == known {
            return Ok(());
        }
        // an upgrade follows the operator's pg_dump, so it is asked for by name
        if found > 0 && options.mode != OpenMode::Create {
            return Err(StoreError::Older { found, known });
        }
        migrate::apply(session_ref, migrate::POSTGIS, found, &options.now()).await?;
        Box::new(session).commit().await
    }
}

/// Hears of commits of all processes over a connection of its own.
struct PgEar(PgListener);

#[async_trait::async_trait]
impl Ear for PgEar {
    async fn heard(&mut self) -> Result<(), StoreError> {
        // nothing means that the connection broke and is made anew: something may have been said meanwhile
        let said = self.0.try_recv().await.map_err(|e| errors::of(&e, "listen"))?;
        // of a burst, one word is enough
        while said.is_some() && self.0.next_buffered().is_some() {}
        Ok(())
    }
}

#[async_trait::async_trait]
impl Engine for PostgisEngine {
    async fn listen(&self) -> Result<Box<dyn Ear>, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await.map_err(|e| errors::of(&e, "listen"))?;
        listener.listen("lianhu").await.map_err(|e| errors::of(&e, "listen"))?;
        Ok(Box::new(PgEar(listener)))
    }

    async fn read(&self) -> Result<Box<dyn Session>, StoreError> {
        Ok(Box::new(self.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?))
    }

    async fn write(&self) -> Result<Box<dyn Session>, StoreError> {
        if self.read_only {
            return Err(StoreError::Forbidden { role: "read-only", operation: "写入 / write" });
        }
        Ok(Box::new(self.begin("BEGIN ISOLATION LEVEL READ COMMITTED").await?))
    }

    async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        let mut session = self.read().await?;
        copy::to_geopackage(session.as_mut(), path, &self.options).await
    }

    async fn inspect(&self) -> Result<Vec<Finding>, StoreError> {
        let mut session = self.read().await?;
        let sql = "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                   JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'lianhu' AND NOT i.indisvalid";
        let mut found = Vec::new();
        for mut row in session.rows(Sql::new("pg_index", sql)).await? {
            let what = "索引无效，请 REINDEX / the index is not valid: REINDEX it".to_owned();
            found.push(Finding { kind: "page", place: row.take()?, what });
        }
        Ok(found)
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        for sql in [
            "VACUUM FULL officers",
            "VACUUM FULL idempotency",
            "VACUUM FULL jobs",
            "VACUUM FULL register_changes",
            "VACUUM FULL incident_photos",
        ] {
            sqlx::raw_sql(sql).execute(&self.pool).await.map_err(|e| errors::of(&e, "purge"))?;
        }
        Ok(())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
