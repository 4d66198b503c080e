//! F01 for the steps of the schema: an upgrade is killed at any moment. The store is the old one or the new one, and its copy is whole.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lianhu::store::{Filter, Layer, OpenMode, RegisterRow, StoreError, open};
use sha2::{Digest, Sha256};

use crate::ground::{Numbers, Place, admin, options, options_by_chance};
use crate::killed::rounds;

const URL: &str = "LIANHU_TEST_UPGRADED_URL";
/// What the first version of the program made.
const FIRST: [&str; 2] = [
    include_str!("../../migrations/sqlite/0001_register.sql"),
    include_str!("../../migrations/postgis/0001_register.sql"),
];
const STEPS: [&str; 2] = [
    "CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)",
    "CREATE TABLE lianhu.schema_migrations (
  version bigint PRIMARY KEY NOT NULL, name text NOT NULL, sha256 text NOT NULL, applied_at text NOT NULL)",
];
const ROW: &str = "dictionaries (id, dictionary, key, name, position, enabled) VALUES ('category/x', 'category', 'x', '旧', 99, true)";

impl Place {
    /// A store as the first version of the program made it, with a row of its own.
    async fn made_by_the_first_version(&self) {
        let engine = usize::from(self.database.is_some());
        let sum: String = Sha256::digest(FIRST[engine]).iter().map(|b| format!("{b:02x}")).collect();
        let (marks, schema) = if engine == 1 {
            (
                "CREATE EXTENSION IF NOT EXISTS postgis; CREATE SCHEMA lianhu; SET search_path = lianhu, public;",
                "lianhu.",
            )
        } else {
            std::fs::File::create(self.file()).expect("a file");
            ("PRAGMA application_id = 1196444487; PRAGMA user_version = 10300; PRAGMA journal_mode = WAL;", "")
        };
        let step = format!("INSERT INTO {schema}schema_migrations VALUES (1, 'register', '{sum}', '2025-01-01')");
        let first = FIRST[engine];
        let steps = STEPS[engine];
        let sql = format!("{marks} {steps}; {first}; {step}; INSERT INTO {schema}{ROW};");
        self.raw(&sql).await.expect("the first version's store");
    }
}

/// The worker that is killed: this very test program, started again. Does nothing when it is run by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test below"]
async fn upgrade_to_be_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    println!("ack begun");
    open(&url, options_by_chance(OpenMode::Create)).await.expect("upgraded").close().await;
    println!("ack done");
}

/// The upgrade in a process of its own, at the moment of its begin, and the lines it will yet print.
fn begun(url: &str) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "killed_upgrade::upgrade_to_be_killed", "--ignored", "--nocapture", "--test-threads=1"])
        .env(URL, url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the worker starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("ack begun")));
    (child, lines)
}

/// How long an upgrade takes here that nobody kills.
async fn whole_upgrade(sqlite: bool) -> Duration {
    let place = if sqlite { Place::sqlite() } else { Place::postgis() };
    place.made_by_the_first_version().await;
    let (mut child, mut lines) = begun(&place.url);
    let begin = Instant::now();
    assert!(lines.any(|line| line.contains("ack done")));
    let length = begin.elapsed();
    child.wait().expect("gone");
    length
}

/// Starts the upgrade, kills it some time after its begin; whether it told that it was done.
fn killed_after(url: &str, delay: Duration) -> bool {
    let (mut child, mut lines) = begun(url);
    std::thread::sleep(delay);
    child.kill().expect("killed");
    child.wait().expect("gone");
    lines.any(|line| line.contains("ack done"))
}

/// The names of the dictionary's rows with the key of the old store's own row.
async fn own_row(url: &str, mode: OpenMode) -> Result<Vec<String>, StoreError> {
    let store = open(url, options(mode)).await?;
    let mut names = Vec::new();
    let mut see = |page: Vec<RegisterRow>| {
        names.extend(page.into_iter().filter_map(|row| match row {
            RegisterRow::Dictionaries(row) if row.id == "category/x" => Some(row.name),
            _ => None,
        }));
        std::ops::ControlFlow::Continue(())
    };
    store.stream(&admin(), Layer::Dictionaries, &Filter::default(), &mut see).await.expect("rows");
    let mut found = store.check(&admin()).await.expect("check");
    // the row came past the program
    found.retain(|f| f.kind != "foreign");
    assert_eq!(found, []);
    store.close().await;
    Ok(names)
}

pub(crate) async fn f01_killed_upgrade_leaves_the_old_store_or_the_new_one(first: Place) {
    let mut numbers = Numbers(11);
    let mut untouched = 0;
    // fast machines are over in a few milliseconds: the moments are shares of what it takes, and the first is the very begin
    let length = whole_upgrade(first.database.is_none()).await;
    for round in 0..rounds() {
        let place = if first.database.is_some() { Place::postgis() } else { Place::sqlite() };
        place.made_by_the_first_version().await;
        let share = if round == 0 { 0.0 } else { numbers.below(1000) as f64 / 1000.0 };
        let told = killed_after(&place.url, length.mul_f64(share));
        if first.database.is_some() {
            // the server finishes or drops what the dead client had sent
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let copy = place.folder.path().join("register.gpkg.v1.backup.gpkg");
        match own_row(&place.url, OpenMode::ReadOnly).await {
            Ok(names) => assert_eq!(names, ["旧"], "round {round}"),
            Err(StoreError::Older { found: 1, .. }) => {
                assert!(!told, "round {round}: told to be done, and is not");
                untouched += 1;
            }
            Err(other) => panic!("round {round}: {other:?}"),
        }
        // the next start carries on
        assert_eq!(own_row(&place.url, OpenMode::Create).await.expect("upgraded"), ["旧"], "round {round}");
        if first.database.is_none() {
            let copied = open(&format!("sqlite:{}", copy.display()), options(OpenMode::ReadOnly)).await.err();
            assert!(matches!(copied, Some(StoreError::Older { found: 1, .. })), "round {round}: {copied:?}");
        }
    }
    // a sharp test kills before the end at least now and then
    assert!(rounds() < 10 || untouched > 0, "every upgrade was over before it was killed");
}
