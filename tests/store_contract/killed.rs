//! F01 for the rest: an import, a publication, a backup is killed at any moment. What was told to be done is done, nothing is by half.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::time::Duration;

use lianhu::domain::plan::{PlanHead, PlanStatus, VillageRows};
use lianhu::store::{Filter, Layer, OpenMode, PlanFilter, Publication, RegisterRow, Store, open};
use time::macros::date;

use crate::ground::{
    Numbers, Place, VILLAGE, admin, bring, building, household, options, options_by_chance, plan, renamed, request,
    settle,
};

const URL: &str = "LIANHU_TEST_KILLED_URL";
const WORK: &str = "LIANHU_TEST_KILLED_WORK";
const ROUND: &str = "LIANHU_TEST_KILLED_ROUND";
const HOUSEHOLDS: usize = 3_000;
const PLANS: usize = 4;

/// Rounds of each: ten in every run, more where the environment asks for them.
pub(crate) fn rounds() -> usize {
    std::env::var("LIANHU_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10)
}

/// Tells the test that something is done for good.
fn acknowledge(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ack {what}").and_then(|()| out.flush()).expect("stdout");
}

/// All households with so many persons each.
fn all_with(persons: u32) -> Vec<RegisterRow> {
    (0..HOUSEHOLDS)
        .map(|h| match household(&format!("h{h}"), VILLAGE, "b0", 105.6, 25.97) {
            RegisterRow::Households(mut row) => {
                row.persons = Some(persons);
                RegisterRow::Households(row)
            }
            other => other,
        })
        .collect()
}

async fn in_force(store: &dyn Store) -> Vec<PlanHead> {
    let live = PlanFilter { status: Some(PlanStatus::Live), region: None };
    store.list_plans(&admin(), &live).await.expect("plans")
}

/// Forks the plan in force and puts the fork in force, a day later each time.
async fn publish_next(store: &dyn Store) {
    let old = in_force(store).await.pop().expect("a plan in force");
    let fork = store.fork(&admin(), &old.id, "t", "next").await.expect("fork");
    let plans = store.list_plans(&admin(), &PlanFilter::default()).await.expect("plans").len();
    let day = date!(2025 - 03 - 01).checked_add(time::Duration::days(plans as i64)).expect("a day");
    let request = Publication {
        plan: fork.id.clone(),
        base_version: fork.version,
        expected_live: Some(old.id),
        date: day.to_string(),
        actor: "t".to_owned(),
    };
    store.publish(&admin(), &request, &mut |_, _| Ok(())).await.expect("published");
    acknowledge(&fork.id);
}

/// The first grid of the village.
fn first_grid() -> String {
    format!("{VILLAGE}001")
}

/// Names a grid of every plan, in one transaction.
async fn name_in_all(store: &dyn Store, name: &str) {
    let plans = store.list_plans(&admin(), &PlanFilter::default()).await.expect("plans");
    let requests: Vec<_> = plans.iter().map(|p| request(p, p.version, VILLAGE)).collect();
    let mut work = |plans: &[(PlanHead, Vec<VillageRows>)]| {
        Ok(plans.iter().map(|(_, rows)| renamed(rows, &first_grid(), name).into()).collect())
    };
    let edited = store.transact_together(&admin(), &requests, &mut work).await.expect("edited");
    assert_eq!(edited.len(), PLANS);
    acknowledge(name);
}

/// The worker that is killed: this very test program, started again. Does nothing when it is run by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the tests below"]
async fn worker_to_be_killed() {
    let (Ok(url), Ok(work), Ok(round)) = (std::env::var(URL), std::env::var(WORK), std::env::var(ROUND)) else {
        return;
    };
    let store = open(&url, options_by_chance(OpenMode::ReadWrite)).await.expect("the store");
    let round: u32 = round.parse().expect("a number");
    for n in 0_u32.. {
        let number = round * 100_000 + n;
        match work.as_str() {
            "first" => {
                acknowledge("begun");
                bring(store.as_ref(), all_with(number)).await.expect("imported");
                acknowledge("stored");
                std::future::pending::<()>().await;
            }
            "import" => {
                bring(store.as_ref(), all_with(number)).await.expect("imported");
                acknowledge(&number.to_string());
            }
            "publish" => publish_next(store.as_ref()).await,
            "together" => name_in_all(store.as_ref(), &number.to_string()).await,
            folder => {
                let path = std::path::Path::new(folder).join(format!("copy-{number}.gpkg"));
                store.backup(&admin(), &path).await.expect("saved");
                acknowledge(&path.display().to_string());
            }
        }
    }
}

/// Starts the worker, kills it some time after it did something; what it told.
fn killed_after(url: &str, work: &str, round: usize, delay: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "killed::worker_to_be_killed", "--ignored", "--nocapture", "--test-threads=1"])
        .env(URL, url)
        .env(WORK, work)
        .env(ROUND, (round + 1).to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the worker starts");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let (first, started) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut told = Vec::new();
        for line in out.lines().map_while(Result::ok) {
            // the harness may have begun the line
            if let Some((_, what)) = line.split_once("ack ") {
                told.push(what.to_owned());
                let _ = first.send(());
            }
        }
        told
    });
    started.recv_timeout(Duration::from_secs(120)).expect("the worker gets to work");
    std::thread::sleep(delay);
    child.kill().expect("killed");
    child.wait().expect("gone");
    reader.join().expect("the reader")
}

/// Rounds of killing; after each the store is opened, looked at and closed.
async fn look_after_each(
    place: &Place,
    work: &str,
    most_ms: usize,
    look: impl AsyncFn(&dyn Store, usize, Vec<String>) -> (),
) {
    let mut numbers = Numbers(7);
    for round in 0..rounds() {
        let delay = Duration::from_millis(numbers.below(most_ms) as u64);
        let told = killed_after(&place.url, work, round, delay);
        assert!(!told.is_empty());
        if place.database.is_some() {
            // the server finishes or drops what the dead client had sent
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let store = place.open().await;
        look(store.as_ref(), round, told).await;
        assert_eq!(store.check(&admin()).await.expect("check"), [], "round {round}");
        store.close().await;
    }
}

pub(crate) async fn f01_killed_import_leaves_all_rows_old_or_all_new(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 1).await;
    bring(store.as_ref(), all_with(0)).await.expect("imported");
    store.close().await;
    drop(store);
    look_after_each(&place, "import", 400, async |store, round, told| {
        let mut persons = BTreeSet::new();
        let mut rows = 0;
        let mut see = |page: Vec<RegisterRow>| {
            for row in page {
                if let RegisterRow::Households(row) = row {
                    persons.insert(row.persons);
                    rows += 1;
                }
            }
            ControlFlow::Continue(())
        };
        store.stream(&admin(), Layer::Households, &Filter::default(), &mut see).await.expect("rows");
        assert_eq!((rows, persons.len()), (HOUSEHOLDS, 1), "round {round}: {persons:?}");
        let last: u32 = told.last().and_then(|n| n.parse().ok()).expect("a number");
        let stored = persons.first().copied().flatten().expect("persons");
        assert!(stored == last || stored == last + 1, "round {round}: told {last}, stored {stored}");
    })
    .await;
}

/// A store with a building and no household: the next load of households is a first one, without indexes and triggers.
async fn before_the_first_load(first: &Place) -> Place {
    let place = if first.database.is_some() { Place::postgis() } else { Place::sqlite() };
    let store = place.open().await;
    bring(store.as_ref(), vec![building("b0", VILLAGE, 105.6, 25.97)]).await.expect("a building");
    store.close().await;
    place
}

pub(crate) async fn f01_killed_first_load_leaves_an_empty_table_or_a_full_one(first: Place) {
    // how long it takes here when nobody kills it
    let whole = before_the_first_load(&first).await;
    let store = whole.open().await;
    let begin = std::time::Instant::now();
    bring(store.as_ref(), all_with(1)).await.expect("imported");
    let length = begin.elapsed();
    store.close().await;
    let mut numbers = Numbers(19);
    let mut cut_short = 0;
    for round in 0..rounds() {
        let place = before_the_first_load(&first).await;
        let share = if round == 0 { 0.0 } else { numbers.below(1000) as f64 / 1000.0 };
        let told = killed_after(&place.url, "first", round, length.mul_f64(share));
        if first.database.is_some() {
            // the server finishes or drops what the dead client had sent
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let store = place.open().await;
        let rows = store.count(&admin(), Layer::Households, &Filter::default()).await.expect("a number");
        assert!(rows == 0 || rows == HOUSEHOLDS as u64, "round {round}: {rows} rows");
        assert!(rows > 0 || !told.iter().any(|t| t == "stored"), "round {round}: told to be stored, and is not");
        cut_short += u32::from(rows == 0);
        // indexes, triggers and R-tree are all there, with the rows or without
        assert_eq!(store.check(&admin()).await.expect("check"), [], "round {round}");
        let again = bring(store.as_ref(), all_with(7)).await.expect("the next load");
        assert_eq!(again.inserted + again.updated, HOUSEHOLDS as u64, "round {round}");
        assert_eq!(store.check(&admin()).await.expect("check"), [], "round {round}");
        store.close().await;
    }
    // a sharp test kills before the end at least now and then
    assert!(rounds() < 10 || cut_short > 0, "every load was over before it was killed");
}

pub(crate) async fn f01_killed_publication_leaves_one_plan_in_force(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 8).await;
    let first = plan(store.as_ref()).await;
    let request = Publication {
        plan: first.id.clone(),
        base_version: first.version,
        expected_live: None,
        date: "2025-03-01".to_owned(),
        actor: "t".to_owned(),
    };
    store.publish(&admin(), &request, &mut |_, _| Ok(())).await.expect("published");
    store.close().await;
    drop(store);
    look_after_each(&place, "publish", 200, async |store, round, told| {
        let live = in_force(store).await;
        assert_eq!(live.len(), 1, "round {round}");
        let plans = store.list_plans(&admin(), &PlanFilter::default()).await.expect("plans");
        for id in &told {
            let plan = plans.iter().find(|p| p.id == *id).expect("a plan that was told of");
            assert_ne!(plan.status, PlanStatus::Draft, "round {round}: {id} was told to be in force");
        }
        // each plan that was in force ends on the day another one begins
        let begun: BTreeSet<&String> = plans.iter().filter_map(|p| p.valid_from.as_ref()).collect();
        for plan in plans.iter().filter(|p| p.status == PlanStatus::Retired) {
            assert!(plan.valid_to.as_ref().is_some_and(|day| begun.contains(day)), "round {round}: {plan:?}");
        }
        let published = store.audit(&admin(), 0, 10_000).await.expect("audit");
        let in_force_ever = plans.iter().filter(|p| p.status != PlanStatus::Draft).count();
        assert_eq!(published.iter().filter(|a| a.operation == "plan.publish").count(), in_force_ever, "round {round}");
    })
    .await;
}

pub(crate) async fn f01_killed_backup_leaves_a_whole_copy_or_none(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 200).await;
    plan(store.as_ref()).await;
    store.close().await;
    drop(store);
    let copies = tempfile::tempdir().expect("folder");
    let folder = copies.path().display().to_string();
    look_after_each(&place, &folder, 300, async |_, round, told| {
        for path in &told {
            assert!(std::path::Path::new(path).exists(), "round {round}: {path} was told to be saved");
        }
        // what bears the name of a copy is one, whether it was told of or not
        for entry in std::fs::read_dir(copies.path()).expect("folder").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "gpkg") {
                let url = format!("sqlite:{}", path.display());
                let copy = open(&url, options(OpenMode::ReadOnly)).await.expect("a store");
                assert_eq!(copy.check(&admin()).await.expect("check"), [], "round {round}: {}", path.display());
                copy.close().await;
            }
            let _ = std::fs::remove_file(path);
        }
    })
    .await;
}

pub(crate) async fn f01_killed_edit_of_several_plans_changes_all_or_none(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 8).await;
    let first = plan(store.as_ref()).await;
    for _ in 1..PLANS {
        store.fork(&admin(), &first.id, "t", "another").await.expect("fork");
    }
    store.close().await;
    drop(store);
    look_after_each(&place, "together", 150, async |store, round, told| {
        let plans = store.list_plans(&admin(), &PlanFilter::default()).await.expect("plans");
        let mut names = BTreeSet::new();
        for plan in &plans {
            let (head, rows) = store.plan_rows(&admin(), &plan.id, &[VILLAGE.to_owned()]).await.expect("rows");
            let grid = rows[0].grids.iter().find(|g| g.code == first_grid()).expect("the grid");
            names.insert((head.version, grid.name.clone()));
        }
        assert_eq!((plans.len(), names.len()), (PLANS, 1), "round {round}: {names:?}");
        let last: u32 = told.last().and_then(|n| n.parse().ok()).expect("a number");
        let stored: u32 = names.first().and_then(|(_, name)| name.parse().ok()).expect("a number");
        assert!(stored == last || stored == last + 1, "round {round}: told {last}, stored {stored}");
    })
    .await;
}
