//! F03 and F06 of a PostGIS store: a full disk, a server that cuts connections in the middle of a write, takes too long, or has none left.
//! Each is an error that says when to come again, nothing stands by half, and the store goes on without a restart.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use lianhu::store::{
    Filter, ImportRequest, Layer, OpenMode, RegisterRow, RowSource, Store, StoreError, TransactError, open,
};
use tokio::sync::Semaphore;

use crate::cluster::Cluster;
use crate::ground::{Place, VILLAGE, admin, bring, building, options, plan, renamed, request, settle};

fn rows(name: &str, n: usize) -> Vec<RegisterRow> {
    (0..n).map(|i| building(&format!("{name}-{i}"), VILLAGE, 105.6, 25.97)).collect()
}

async fn count(store: &dyn Store) -> Result<u64, StoreError> {
    store.count(&admin(), Layer::Buildings, &Filter::default()).await
}

/// The server cuts every connection to a database.
fn cut(database: &str) {
    let all = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    );
    Cluster::get().psql("postgres", &all);
}

fn says_when_to_come_again(error: &StoreError) {
    assert!(matches!(error, StoreError::Unavailable { retry_after_s: 1..=5 }), "{error:?}");
}

/// The first answer after a cut: connections that died meanwhile are told as such, and are not met again.
async fn back(store: &dyn Store) -> u64 {
    for _ in 0..40 {
        match count(store).await {
            Ok(n) => return n,
            Err(e) => says_when_to_come_again(&e),
        }
    }
    panic!("the store never came back");
}

/// Rows whose second half comes when the server has cut the connection.
struct CutBetween {
    halves: std::vec::IntoIter<Vec<RegisterRow>>,
    database: String,
}

#[async_trait::async_trait]
impl RowSource for CutBetween {
    async fn next_chunk(&mut self) -> Result<Option<Vec<RegisterRow>>, StoreError> {
        if self.halves.len() == 1 {
            cut(&self.database);
        }
        Ok(self.halves.next())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_connection_cut_in_the_middle_of_a_write_leaves_nothing_of_it() {
    let place = Place::postgis();
    let database = place.database.clone().expect("a database");
    let store = place.open().await;
    settle(store.as_ref(), 12).await;
    let draft = plan(store.as_ref()).await;
    // an import, between two chunks of it
    let halves = vec![rows("one", 50), rows("two", 50)].into_iter();
    let mut source = CutBetween { halves, database: database.clone() };
    let refused = store.import(&admin(), "t", &ImportRequest::new(Layer::Buildings), &mut source).await;
    says_when_to_come_again(&refused.expect_err("the connection is gone"));
    assert_eq!(back(store.as_ref()).await, 12);
    // an edit, between what it read and what it writes
    let grid = format!("{VILLAGE}001");
    let edit = request(&draft, 1, VILLAGE);
    let refused = store
        .transact(&admin(), &edit, &mut |_, rows| {
            cut(&database);
            Ok(renamed(rows, &grid, "半途").into())
        })
        .await;
    match refused {
        Err(TransactError::Store(e)) => says_when_to_come_again(&e),
        other => panic!("{other:?}"),
    }
    assert_eq!(back(store.as_ref()).await, 12);
    assert_eq!(store.get_plan(&admin(), &draft.id).await.expect("the plan").version, 1);
    // the same again, undisturbed
    let halves = vec![rows("one", 50), rows("two", 50)];
    let done = store.import(&admin(), "t", &ImportRequest::new(Layer::Buildings), &mut halves.into_iter()).await;
    assert_eq!(done.expect("import").inserted, 100);
    let done = store.transact(&admin(), &edit, &mut |_, rows| Ok(renamed(rows, &grid, "再来").into())).await;
    assert_eq!(done.expect("edit").version, 2);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_statement_that_takes_too_long_is_given_up_and_nothing_stands_by_half() {
    let place = Place::postgis();
    let database = place.database.clone().expect("a database");
    place.open().await.close().await;
    Cluster::get().psql("postgres", &format!("ALTER DATABASE {database} SET statement_timeout = '300ms'"));
    let store = place.open().await;
    bring(store.as_ref(), rows("before", 3)).await.expect("import");
    let held = {
        let database = database.clone();
        // its own statements may take as long as they like
        let hold = "SET statement_timeout = 0; BEGIN; LOCK TABLE lianhu.buildings IN ACCESS EXCLUSIVE MODE;
            DO $$ BEGIN FOR i IN 1..2000 LOOP
              EXIT WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'let_go'); PERFORM pg_sleep(0.05);
            END LOOP; END $$; COMMIT";
        std::thread::spawn(move || Cluster::get().psql(&database, hold))
    };
    let locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted
                 AND relation = 'lianhu.buildings'::regclass";
    while Cluster::get().psql(&database, locks) != "1" {
        assert!(!held.is_finished(), "the lock was never seen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    says_when_to_come_again(&bring(store.as_ref(), rows("late", 3)).await.expect_err("the table is held"));
    says_when_to_come_again(&count(store.as_ref()).await.expect_err("the table is held"));
    Cluster::get().psql(&database, "CREATE TABLE public.let_go ()");
    held.join().expect("the lock is let go");
    assert_eq!(count(store.as_ref()).await, Ok(3));
    bring(store.as_ref(), rows("late", 3)).await.expect("import");
    assert_eq!(count(store.as_ref()).await, Ok(6));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

/// Rows that come when they are let.
struct Waiting {
    rows: Option<Vec<RegisterRow>>,
    gate: Arc<Semaphore>,
}

#[async_trait::async_trait]
impl RowSource for Waiting {
    async fn next_chunk(&mut self) -> Result<Option<Vec<RegisterRow>>, StoreError> {
        let pass = self.gate.acquire().await.expect("a gate");
        drop(pass);
        Ok(self.rows.take())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_no_connection_left_is_said_and_those_at_work_end_well() {
    let place = Place::postgis();
    let database = place.database.clone().expect("a database");
    let store = place.open().await;
    let gate = Arc::new(Semaphore::new(0));
    let busy: Vec<_> = (0..16)
        .map(|i| {
            let (store, rows) = (Arc::clone(&store), Some(rows(&format!("w{i}"), 1)));
            let mut source = Waiting { rows, gate: Arc::clone(&gate) };
            tokio::spawn(async move {
                store.import(&admin(), "t", &ImportRequest::new(Layer::Buildings), &mut source).await
            })
        })
        .collect();
    let at_work = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'lianhu' AND xact_start IS NOT NULL"
    );
    let begun = std::time::Instant::now();
    while Cluster::get().psql("postgres", &at_work) != "16" {
        assert!(begun.elapsed() < Duration::from_secs(60), "all connections are never in use");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = admin();
    let (read, written) =
        tokio::join!(count(store.as_ref()), store.note(&all, "t", "test", "x", "one connection more"));
    says_when_to_come_again(&read.expect_err("no connection is left"));
    says_when_to_come_again(&written.expect_err("no connection is left"));
    gate.add_permits(1);
    for import in busy {
        assert_eq!(import.await.expect("a task").expect("import").inserted, 1);
    }
    assert_eq!(count(store.as_ref()).await, Ok(16));
    store.note(&admin(), "t", "test", "x", "again").await.expect("noted");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

/// A small disk of its own that belongs to the server's user, where we may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let at = tempfile::tempdir().ok()?;
        let ran = |command: &mut Command| command.output().is_ok_and(|o| o.status.success());
        ran(Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m,mode=0755", "tmpfs"]).arg(at.path()))
            .then_some(())?;
        let disk = Self(at);
        // the server must be let through to it
        let open = ran(Command::new("chmod").arg("755").arg(disk.0.path()));
        let space = disk.0.path().join("space");
        std::fs::create_dir(&space).ok()?;
        (open && ran(Command::new("chown").arg("postgres").arg(&space))).then_some(disk)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_full_disk_of_a_server_is_said_reads_go_on_and_writing_comes_back() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("跳过：不能挂载 tmpfs / SKIPPED: no right to mount a tmpfs");
        return;
    };
    // a server of its own: what stands on the small disk goes with it
    let cluster = Cluster::start();
    let space = disk.0.path().join("space");
    cluster.psql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", space.display()));
    cluster.psql("postgres", "CREATE DATABASE narrow TEMPLATE lianhu_template TABLESPACE small");
    let store = open(&cluster.url("narrow"), options(OpenMode::Create)).await.expect("the store");
    bring(store.as_ref(), rows("first", 10)).await.expect("import");
    // all but two MiB is taken
    let ballast = disk.0.path().join("ballast");
    let mut file = std::fs::File::create(&ballast).expect("ballast");
    while std::io::Write::write_all(&mut file, &[1; 1 << 18]).is_ok() {}
    let taken = file.metadata().expect("its size").len();
    file.set_len(taken.saturating_sub(2 << 20)).expect("two MiB are left");
    let mut stored = 0_u64;
    let error = loop {
        match bring(store.as_ref(), rows(&format!("n{stored}"), 500)).await {
            Ok(_) => stored += 1,
            Err(e) => break e,
        }
        assert!(stored < 1_000, "the disk never fills");
    };
    assert_eq!(error, StoreError::Full);
    assert_eq!(count(store.as_ref()).await, Ok(10 + stored * 500), "reads go on, and nothing stands by half");
    drop(file);
    std::fs::remove_file(&ballast).expect("space");
    assert_eq!(bring(store.as_ref(), rows("after", 500)).await.expect("import").inserted, 500);
    assert_eq!(count(store.as_ref()).await, Ok(510 + stored * 500));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    store.close().await;
}
