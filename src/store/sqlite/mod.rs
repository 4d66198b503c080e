//! The GeoPackage engine: one file, one writer, readers beside it.

#[expect(unsafe_code, reason = "rows are taken from SQLite itself, through its C interface")]
mod direct;
mod errors;
#[expect(unsafe_code, reason = "SQL functions can only be registered through SQLite's C interface")]
mod functions;
mod inspect;
mod session;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::{RwLock, watch};

use crate::domain::io_words::{IoWords, words_of_writing};

use self::session::SqliteSession;
use super::check::Finding;
use super::contract::Ear;
use super::error::StoreError;
use super::migrate;
use super::sql::{Engine, Session};
use super::{OpenMode, OpenOptions};

/// "GPKG".
const APPLICATION_ID: i64 = 0x4750_4B47;
/// GeoPackage 1.3: 1.4 makes GDAL 3.6 and QGIS 3.22 complain.
const USER_VERSION: i64 = 10_300;
/// Snapshots that may be read at once.
const READERS: u32 = 6;
/// How long a transaction waits for its turn.
const TURN: Duration = Duration::from_secs(60);

pub(super) struct SqliteEngine {
    path: PathBuf,
    readers: SqlitePool,
    writer: Option<SqlitePool>,
    /// Held by every transaction for reading, by a purge for writing.
    open: Arc<RwLock<()>>,
    /// Counts writes.
    writes: watch::Sender<u64>,
    /// The lock on the store; let go when the store is closed.
    lock: std::sync::Mutex<Option<std::fs::File>>,
}

fn file_error(path: &Path, e: &std::io::Error) -> StoreError {
    if e.kind() == std::io::ErrorKind::StorageFull {
        return StoreError::Full;
    }
    let IoWords { chinese, english } = words_of_writing(e);
    StoreError::File { path: path.display().to_string(), what: format!("{chinese} / {english}") }
}

/// `x.gpkg` → `x.gpkg.lock`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// How often the lock is tried again, and after what.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Takes the store's lock: the file beside it, which a dead process lets go by itself.
fn lock(path: &Path) -> Result<std::fs::File, StoreError> {
    let lock_path = beside(path, ".lock");
    let mut file = std::fs::File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|e| file_error(&lock_path, &e))?;
    // A process that is just being started holds what this one held until it runs another program: wait a moment for it.
    let mut taken = file.try_lock();
    for _ in 0..LOCK_TRIES {
        if !matches!(taken, Err(std::fs::TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(LOCK_PAUSE);
        taken = file.try_lock();
    }
    match taken {
        Ok(()) => {
            let _ = file.set_len(0).and_then(|()| write!(file, "pid {}", std::process::id()));
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(&lock_path).unwrap_or_default();
            Err(StoreError::Busy { holder: holder.chars().take(60).collect() })
        }
        Err(std::fs::TryLockError::Error(e)) => Err(file_error(&lock_path, &e)),
    }
}

fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .synchronous(SqliteSynchronous::Full)
        .pragma("trusted_schema", "ON")
}

async fn pool(options: SqliteConnectOptions, most: u32) -> Result<SqlitePool, StoreError> {
    SqlitePoolOptions::new()
        .max_connections(most)
        .acquire_timeout(TURN)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                let mut handle = connection.lock_handle().await?;
                functions::register(handle.as_raw_handle().as_ptr())
                    .map_err(|code| sqlx::Error::Configuration(format!("sqlite {code}").into()))
            })
        })
        .connect_with(options)
        .await
        .map_err(|e| errors::of(&e, "open"))
}

/// Writes a fresh file with the GeoPackage's marks; they must stand before the first table.
async fn create(path: &Path) -> Result<(), StoreError> {
    let options = connect_options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("application_id", APPLICATION_ID.to_string())
        .pragma("user_version", USER_VERSION.to_string());
    let first = pool(options, 1).await?;
    let mut transaction = first.begin().await.map_err(|e| errors::of(&e, "create"))?;
    sqlx::raw_sql(migrate::TABLE_SQLITE).execute(&mut *transaction).await.map_err(|e| errors::of(&e, "create"))?;
    transaction.commit().await.map_err(|e| errors::of(&e, "create"))?;
    first.close().await;
    Ok(())
}

/// What a file is, told from its tables.
enum Kind {
    /// No tables, perhaps no bytes.
    Empty,
    Store,
    Foreign,
}

async fn kind(path: &Path) -> Result<Kind, StoreError> {
    if std::fs::metadata(path).map_err(|e| file_error(path, &e))?.len() == 0 {
        return Ok(Kind::Empty);
    }
    let looking = pool(connect_options(path).read_only(true), 1).await?;
    let tables: Result<(i64, i64), _> = sqlx::query_as(
        "SELECT count(*), coalesce(sum(name IN ('schema_migrations')), 0) FROM sqlite_schema WHERE type = 'table'",
    )
    .fetch_one(&looking)
    .await;
    looking.close().await;
    match tables.map_err(|e| errors::of(&e, "open"))? {
        (_, 1) => Ok(Kind::Store),
        (0, _) => Ok(Kind::Empty),
        _ => Ok(Kind::Foreign),
    }
}

impl SqliteEngine {
    /// Opens (or creates, or upgrades) the store in a file.
    pub(super) async fn open(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        Self::open_with(path, options, migrate::SQLITE).await
    }

    pub(super) async fn open_with(
        path: &Path,
        options: &OpenOptions,
        steps: &'static [migrate::Step],
    ) -> Result<Self, StoreError> {
        let missing = || StoreError::NotFound { what: "库文件 / store file", id: path.display().to_string() };
        if !path.exists() && options.mode != OpenMode::Create {
            return Err(missing());
        }
        let writes = options.mode != OpenMode::ReadOnly;
        let lock = writes.then(|| lock(path)).transpose()?;
        let kind = if path.exists() { kind(path).await? } else { Kind::Empty };
        match (kind, options.mode) {
            (Kind::Store, _) => {}
            (Kind::Empty, OpenMode::Create) => create(path).await?,
            (Kind::Empty, _) => return Err(missing()),
            (Kind::Foreign, _) => {
                return Err(StoreError::BadArgument {
                    name: "store",
                    what: format!("{}: 不是联户库 / not a store of this program", path.display()),
                });
            }
        }
        let mut engine = Self {
            path: path.to_owned(),
            readers: pool(connect_options(path).read_only(true), READERS).await?,
            writer: None,
            open: Arc::new(RwLock::new(())),
            writes: watch::Sender::new(0),
            lock: std::sync::Mutex::new(lock),
        };
        if writes {
            let wal = connect_options(path).journal_mode(SqliteJournalMode::Wal).pragma("cache_size", "-65536");
            engine.writer = Some(pool(wal, 1).await?);
        }
        engine.bring_up_to_date(steps, options).await?;
        Ok(engine)
    }

    async fn bring_up_to_date(&self, steps: &'static [migrate::Step], options: &OpenOptions) -> Result<(), StoreError> {
        let mut session = self.read().await?;
        let found = migrate::found(session.as_mut(), steps).await?;
        drop(session);
        let known = migrate::newest(steps);
        if found == known {
            return Ok(());
        }
        let Some(writer) = &self.writer else { return Err(StoreError::Older { found, known }) };
        if found > 0 {
            // the copy stands before anything is touched
            let copy = beside(&self.path, &format!(".v{found}.backup.gpkg"));
            if !copy.exists() {
                self.backup(&copy).await?;
            }
        }
        let mut session = self.begin(writer, "BEGIN IMMEDIATE", false).await?;
        migrate::apply(&mut session, steps, found, &options.now()).await?;
        Box::new(session).commit().await
    }

    async fn begin(&self, pool: &SqlitePool, how: &'static str, writing: bool) -> Result<SqliteSession, StoreError> {
        let open = Arc::clone(&self.open).read_owned().await;
        let mut begun = pool.begin_with(how).await;
        // A full disk makes SQLite roll back by itself, of which sqlx's count of open transactions learns nothing: such a connection
        // begins no more and is replaced.
        let mut tries = pool.size();
        while tries > 0 && begun.as_ref().is_err_and(|e| matches!(e, sqlx::Error::InvalidSavePointStatement)) {
            if let Ok(spoilt) = pool.acquire().await {
                let _ = spoilt.close().await;
            }
            begun = pool.begin_with(how).await;
            tries -= 1;
        }
        let transaction = begun.map_err(|e| errors::of(&e, "begin"))?;
        let writes = writing.then(|| self.writes.clone());
        Ok(SqliteSession { transaction, writes, set_aside: Vec::new(), _open: open })
    }
}

/// There is no other writer than this process.
struct OwnEar(watch::Receiver<u64>);

#[async_trait::async_trait]
impl Ear for OwnEar {
    async fn heard(&mut self) -> Result<(), StoreError> {
        self.0.changed().await.map_err(|_| StoreError::Unavailable { retry_after_s: 5 })
    }
}

#[async_trait::async_trait]
impl Engine for SqliteEngine {
    async fn listen(&self) -> Result<Box<dyn Ear>, StoreError> {
        Ok(Box::new(OwnEar(self.writes.subscribe())))
    }

    async fn read(&self) -> Result<Box<dyn Session>, StoreError> {
        Ok(Box::new(self.begin(&self.readers, "BEGIN", false).await?))
    }

    async fn write(&self) -> Result<Box<dyn Session>, StoreError> {
        let Some(writer) = &self.writer else {
            return Err(StoreError::Forbidden { role: "read-only", operation: "写入 / write" });
        };
        let mut session = self.begin(writer, "BEGIN IMMEDIATE", true).await?;
        session.script("UPDATE store_writer SET active = 1").await?;
        Ok(Box::new(session))
    }

    async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        if path.exists() {
            let what = "已存在，请换一个名字 / is there already: choose another name".to_owned();
            return Err(StoreError::File { path: path.display().to_string(), what });
        }
        let _open = self.open.read().await;
        let partial = beside(path, ".partial");
        let _ = std::fs::remove_file(&partial);
        let name = partial.to_str().ok_or(StoreError::BadArgument { name: "path", what: "UTF-8".to_owned() })?;
        let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&self.readers).await;
        if let Err(e) = copied {
            let _ = std::fs::remove_file(&partial);
            return Err(errors::of(&e, "backup"));
        }
        // VACUUM INTO does not wait for the disk
        std::fs::File::open(&partial)
            .and_then(|f| f.sync_all())
            .and_then(|()| std::fs::rename(&partial, path))
            .and_then(|()| match path.parent().filter(|p| !p.as_os_str().is_empty()) {
                Some(folder) => std::fs::File::open(folder)?.sync_all(),
                None => Ok(()),
            })
            .map_err(|e| file_error(path, &e))
    }

    async fn inspect(&self) -> Result<Vec<Finding>, StoreError> {
        let _open = self.open.read().await;
        let mut connection = self.readers.acquire().await.map_err(|e| errors::of(&e, "check"))?;
        inspect::findings(&mut connection).await
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        let Some(writer) = &self.writer else {
            return Err(StoreError::Forbidden { role: "read-only", operation: "清除 / purge" });
        };
        let _alone = self.open.write().await;
        let mut connection = writer.acquire().await.map_err(|e| errors::of(&e, "purge"))?;
        for sql in ["PRAGMA secure_delete = ON", "VACUUM"] {
            sqlx::raw_sql(sql).execute(&mut *connection).await.map_err(|e| errors::of(&e, "purge"))?;
        }
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *connection)
            .await
            .map_err(|e| errors::of(&e, "purge"))?;
        if busy != 0 {
            return Err(StoreError::Busy {
                holder: "正在读取的其他程序 / another program that reads".to_owned()
            });
        }
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
        if let Ok(mut lock) = self.lock.lock() {
            lock.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::Sql;

    const NEXT: &str = "CREATE TABLE later (id INTEGER PRIMARY KEY); INSERT INTO later VALUES (7);";
    const BROKEN: &str = "CREATE TABLE later (id INTEGER PRIMARY KEY); INSERT INTO nowhere VALUES (1);";
    static ONE_STEP: [migrate::Step; 1] = [migrate::Step { version: 1, name: "register", sql: migrate::SQLITE[0].sql }];
    static TWO_STEPS: [migrate::Step; 2] = [
        migrate::Step { version: 1, name: "register", sql: migrate::SQLITE[0].sql },
        migrate::Step { version: 2, name: "later", sql: NEXT },
    ];
    static BROKEN_STEP: [migrate::Step; 2] = [
        migrate::Step { version: 1, name: "register", sql: migrate::SQLITE[0].sql },
        migrate::Step { version: 2, name: "broken", sql: BROKEN },
    ];

    async fn steps_of(engine: &SqliteEngine) -> i64 {
        let mut session = engine.read().await.expect("session");
        session.one(Sql::new("steps", "SELECT count(*) FROM schema_migrations")).await.expect("a number")
    }

    #[tokio::test]
    async fn f13_older_store_is_copied_then_brought_up_to_date() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.gpkg");
        let create = OpenOptions::new(OpenMode::Create);
        SqliteEngine::open_with(&path, &create, &ONE_STEP).await.expect("store").close().await;
        let read = SqliteEngine::open_with(&path, &OpenOptions::new(OpenMode::ReadOnly), &TWO_STEPS).await;
        assert_eq!(read.err(), Some(StoreError::Older { found: 1, known: 2 }));
        // a step that fails leaves the old store
        assert!(SqliteEngine::open_with(&path, &create, &BROKEN_STEP).await.is_err());
        let read_only = OpenOptions::new(OpenMode::ReadOnly);
        let old = SqliteEngine::open_with(&path, &read_only, &ONE_STEP).await.expect("still the old one");
        assert_eq!(steps_of(&old).await, 1);
        old.close().await;
        let new = SqliteEngine::open_with(&path, &create, &TWO_STEPS).await.expect("upgraded");
        assert_eq!(steps_of(&new).await, 2);
        new.close().await;
        let copy = beside(&path, ".v1.backup.gpkg");
        let old = SqliteEngine::open_with(&copy, &read_only, &ONE_STEP).await.expect("the copy");
        assert_eq!(steps_of(&old).await, 1);
        old.close().await;
        let newer = SqliteEngine::open_with(&path, &create, &ONE_STEP).await;
        assert_eq!(newer.err(), Some(StoreError::Newer { found: 2, known: 1 }));
    }
}
