//! F01: a writer is killed at any moment. Nothing it was told is stored may be lost, nothing may be stored by half.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lianhu::store::{OpenMode, StoreError, TransactError, open};

use crate::ground::{NEIGHBOUR, Numbers, Place, VILLAGE, admin, options, plan, renamed, request, settle};

const WRITERS: usize = 4;
const URL: &str = "LIANHU_TEST_CRASH_URL";
const PLAN: &str = "LIANHU_TEST_CRASH_PLAN";
const ROUND: &str = "LIANHU_TEST_CRASH_ROUND";

fn grid_of(writer: usize) -> String {
    format!("{}{:03}", if writer < 2 { VILLAGE } else { NEIGHBOUR }, 1 + writer % 2)
}

/// The writer that is killed: this very test program, started again. Does nothing when it is run by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by f01_killed_writer_loses_nothing_acknowledged"]
async fn writer_to_be_killed() {
    let (Ok(url), Ok(id), Ok(round)) = (std::env::var(URL), std::env::var(PLAN), std::env::var(ROUND)) else { return };
    let store = open(&url, options(OpenMode::ReadWrite)).await.expect("the store");
    let head = store.get_plan(&admin(), &id).await.expect("the plan");
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, head, round) = (Arc::clone(&store), head.clone(), round.clone());
            tokio::spawn(async move {
                let grid = grid_of(writer);
                for n in 0_u64.. {
                    let name = format!("{round}-{n}");
                    let base = store.get_plan(&admin(), &head.id).await.expect("the plan").version;
                    let request = request(&head, base, &grid[..12]);
                    match store.transact(&admin(), &request, &mut |_, r| Ok(renamed(r, &grid, &name).into())).await {
                        Ok(done) => {
                            let mut out = std::io::stdout().lock();
                            writeln!(out, "ack {} {grid} {name}", done.seq).and_then(|()| out.flush()).expect("stdout");
                        }
                        Err(TransactError::Store(StoreError::Conflict { .. })) => {}
                        Err(e) => panic!("{e:?}"),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
}

/// Starts the writer, kills it some time after its first acknowledged edit; what it was told.
fn killed_after(place: &Place, plan: &str, round: usize, delay: Duration) -> Vec<(u64, String, String)> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "crash::writer_to_be_killed", "--ignored", "--nocapture", "--test-threads=1"])
        .env(URL, &place.url)
        .env(PLAN, plan)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the writer starts");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let (first, started) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut told = Vec::new();
        for line in out.lines().map_while(Result::ok) {
            // the harness may have begun the line
            let Some((_, ack)) = line.split_once("ack ") else { continue };
            let words: Vec<&str> = ack.split(' ').collect();
            if let [seq, grid, name] = words[..] {
                told.push((seq.parse().expect("a number"), grid.to_owned(), name.to_owned()));
                let _ = first.send(());
            }
        }
        told
    });
    started.recv_timeout(Duration::from_secs(60)).expect("the writer gets to write");
    std::thread::sleep(delay);
    child.kill().expect("killed");
    child.wait().expect("gone");
    reader.join().expect("the reader")
}

pub(crate) async fn f01_killed_writer_loses_nothing_acknowledged(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let plan = plan(store.as_ref()).await;
    store.close().await;
    drop(store);
    let mut numbers = Numbers(11);
    let mut acknowledged = 0;
    let rounds = crate::killed::rounds();
    for round in 0..rounds {
        let delay = Duration::from_millis(numbers.below(150) as u64);
        let told = killed_after(&place, &plan.id, round, delay);
        acknowledged += told.len();
        if place.database.is_some() {
            // the server finishes or drops what the dead client had sent
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let store = place.open().await;
        let history = store.history(&admin(), &plan.id, 0, 100_000).await.expect("history");
        let mut after = 0;
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut stored = BTreeMap::new();
        let mut all = history.clone();
        while history.len() == 10_000 && all.len() > after {
            after = all.len();
            all.extend(store.history(&admin(), &plan.id, after as u64, 10_000).await.expect("history"));
        }
        for entry in &all {
            let row = entry.changes.grids[0].after.clone().expect("the grid");
            names.insert(row.code.clone(), row.name.clone());
            stored.insert(entry.seq, (row.code, row.name));
        }
        for (seq, grid, name) in told {
            assert_eq!(stored.get(&seq), Some(&(grid, name)), "round {round}: acknowledged edit {seq}");
        }
        // no half state: version, rows, history and log tell the same
        let villages = [VILLAGE.to_owned(), NEIGHBOUR.to_owned()];
        let (head, rows) = store.plan_rows(&admin(), &plan.id, &villages).await.expect("rows");
        assert_eq!(head.version, all.len() as u64 + 1);
        for grid in rows.iter().flat_map(|v| &v.grids) {
            if let Some(name) = names.get(&grid.code) {
                assert_eq!(&grid.name, name, "round {round}");
            }
        }
        let edits = store.audit(&admin(), 0, 10_000).await.expect("audit");
        assert_eq!(edits.iter().filter(|a| a.operation == "plan.edit").count(), all.len());
        assert_eq!(store.check(&admin()).await.expect("check"), [], "round {round}");
        store.close().await;
    }
    assert!(acknowledged >= rounds, "{acknowledged}");
}
