//! Edits of plans: versions, conflicts, history.

use std::sync::Arc;

use lianhu::domain::plan::{Change, Changes, GridRow, Membership, PlanHead, Seat, VillageRows};
use lianhu::store::{Committed, Idempotency, Refusal, Store, StoreError, TransactError, Which};
use serde_json::json;

use crate::ground::{NEIGHBOUR, Numbers, Place, VILLAGE, admin, moved, plan, renamed, request, settle, village_rows};

async fn rows(store: &dyn Store, plan: &PlanHead) -> Vec<VillageRows> {
    let villages = store.plan_villages(&admin(), &plan.id).await.expect("villages");
    store.plan_rows(&admin(), &plan.id, &villages).await.expect("rows").1
}

fn bytes(rows: &[VillageRows]) -> String {
    serde_json::to_string(rows).expect("JSON")
}

async fn rename(
    store: &dyn Store,
    plan: &PlanHead,
    base: u64,
    grid: &str,
    name: &str,
) -> Result<Committed, TransactError> {
    let mut request = request(plan, base, &grid[..12]);
    request.actor = name.to_owned();
    store.transact(&admin(), &request, &mut |_, rows| Ok(renamed(rows, grid, name).into())).await
}

pub(crate) async fn rows_of_a_plan_come_back_as_they_went_in(place: Place) {
    let store = place.open().await;
    let head = plan(store.as_ref()).await;
    store.close().await;
    let store = place.open().await;
    let again = store.get_plan(&admin(), &head.id).await.expect("head");
    assert_eq!((again.seed, &again), (u64::MAX, &head));
    assert_eq!(rows(store.as_ref(), &head).await, [village_rows(VILLAGE, 2), village_rows(NEIGHBOUR, 2)]);
    let misplaced = VillageRows { village: NEIGHBOUR.to_owned(), ..village_rows(VILLAGE, 1) };
    let refused = store
        .create_plan(&admin(), "t", &crate::ground::head("520423102"), &mut std::iter::once(misplaced.into()))
        .await;
    assert!(matches!(refused, Err(StoreError::Constraint { .. })), "{refused:?}");
    assert_eq!(store.list_plans(&admin(), &lianhu::store::PlanFilter::default()).await, Ok(vec![head]));
}

pub(crate) async fn e02_edit_on_an_older_version_of_the_same_grid_is_a_conflict(place: Place) {
    let store = place.open().await;
    let plan = plan(store.as_ref()).await;
    let (one, two) = (format!("{VILLAGE}001"), format!("{VILLAGE}002"));
    let first = rename(store.as_ref(), &plan, 1, &one, "王").await.expect("edit");
    assert_eq!((first.version, first.seq, first.grids.as_slice()), (2, 1, [one.clone()].as_slice()));
    // another grid, on the older version: applied
    assert_eq!(rename(store.as_ref(), &plan, 1, &two, "李").await.expect("edit").version, 3);
    // the same grid, on the older version: who, when, which version
    let before = bytes(&rows(store.as_ref(), &plan).await);
    match rename(store.as_ref(), &plan, 1, &one, "赵").await {
        Err(TransactError::Store(StoreError::Conflict { grids, author, time, current_version, .. })) => {
            assert_eq!((grids, author.as_str(), current_version), (vec![one.clone()], "王", 3));
            assert!(time.starts_with("2025-0"), "{time}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bytes(&rows(store.as_ref(), &plan).await), before);
    // the client that saw the grid's own version goes on
    let mut request = request(&plan, 1, VILLAGE);
    request.grid_versions = vec![(one.clone(), 2)];
    let edit = store.transact(&admin(), &request, &mut |_, rows| Ok(renamed(rows, &one, "钱").into())).await;
    assert_eq!(edit.expect("edit").version, 4);
    assert!(matches!(
        rename(store.as_ref(), &plan, 99, &one, "x").await,
        Err(TransactError::Store(StoreError::BadArgument { name: "base_version", .. }))
    ));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

/// One read-modify-write of the counter in a unit's contact-group link.
async fn count_up(store: &dyn Store, plan: &PlanHead, actor: &str) {
    loop {
        let version = store.get_plan(&admin(), &plan.id).await.expect("head").version;
        let mut request = request(plan, version, VILLAGE);
        actor.clone_into(&mut request.actor);
        let done = store
            .transact(&admin(), &request, &mut |_, rows| {
                let unit = rows[0].units[0].clone();
                let n: u32 = unit.contact_group.as_deref().unwrap_or("0").parse().expect("a number");
                let after = lianhu::domain::plan::UnitRow { contact_group: Some((n + 1).to_string()), ..unit.clone() };
                let units = vec![Change { before: Some(unit), after: Some(after) }];
                Ok(Changes { units, ..Changes::default() }.into())
            })
            .await;
        match done {
            Ok(_) => return,
            Err(TransactError::Store(StoreError::Conflict { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn e04_eight_clients_lose_no_update(place: Place) {
    let store = place.open().await;
    let plan = Arc::new(plan(store.as_ref()).await);
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (store, plan) = (Arc::clone(&store), Arc::clone(&plan));
            tokio::spawn(async move {
                for _ in 0..100 {
                    count_up(store.as_ref(), &plan, &format!("client {client}")).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client");
    }
    let now = rows(store.as_ref(), &plan).await;
    assert_eq!(now[0].units[0].contact_group.as_deref(), Some("800"));
    assert_eq!(store.get_plan(&admin(), &plan.id).await.expect("head").version, 801);
    assert_eq!(store.history(&admin(), &plan.id, 0, 10_000).await.expect("history").len(), 800);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn e06_same_key_same_answer_other_body_refused(place: Place) {
    let store = place.open().await;
    let plan = plan(store.as_ref()).await;
    let grid = format!("{VILLAGE}001");
    let mut request = request(&plan, 1, VILLAGE);
    let key = |body: &str| Some(Idempotency { key: "k".to_owned(), body_sha256: body.to_owned() });
    request.idempotency = key("aa");
    let mut asked = 0;
    let mut work = |_: &PlanHead, rows: &[VillageRows]| {
        asked += 1;
        Ok(renamed(rows, &grid, "王").into())
    };
    let first = store.transact(&admin(), &request, &mut work).await.expect("edit");
    let second = store.transact(&admin(), &request, &mut work).await.expect("the same answer");
    assert_eq!((&first, asked), (&second, 1));
    request.idempotency = key("bb");
    let other = store.transact(&admin(), &request, &mut |_, rows| Ok(renamed(rows, &grid, "李").into())).await;
    assert_eq!(other, Err(StoreError::KeyReused { key: "k".to_owned() }.into()));
    assert_eq!(store.history(&admin(), &plan.id, 0, 10).await.expect("history").len(), 1);
    // the same key of somebody else is another key
    request.actor = "another".to_owned();
    request.base_version = 2;
    assert!(store.transact(&admin(), &request, &mut |_, rows| Ok(renamed(rows, &grid, "李").into())).await.is_ok());
}

pub(crate) async fn e10_undo_is_byte_equal_and_names_what_built_on_it(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let plan = plan(store.as_ref()).await;
    let first = bytes(&rows(store.as_ref(), &plan).await);
    let unit = |g: u32, u: u32| format!("{VILLAGE}{g:03}{u:03}");
    let move_to = async |household: &str, unit: String, base: u64| {
        let request = request(&plan, base, VILLAGE);
        store.transact(&admin(), &request, &mut |_, rows| Ok(moved(rows, household, &unit).into())).await.expect("edit")
    };
    move_to("h6", unit(2, 1), 1).await;
    let second = bytes(&rows(store.as_ref(), &plan).await);
    move_to("h6", unit(2, 2), 2).await;
    move_to("h10", unit(1, 1), 3).await;
    let mut fine = |_: &PlanHead, _: &[VillageRows], _: &Changes| Ok(Vec::new());
    match store.undo(&admin(), &plan.id, "t", &Which::Seq(1), &mut fine).await {
        Err(TransactError::Store(StoreError::Conflict { edit, author, .. })) => {
            assert_eq!((edit, author.as_str()), (Some(2), "tester"));
        }
        other => panic!("{other:?}"),
    }
    // another one than the last, on which nothing was built
    let done = store.undo(&admin(), &plan.id, "t", &Which::Seq(2), &mut fine).await.expect("undo");
    assert_eq!((done.version, done.seq), (5, 4));
    store.undo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await.expect("undo");
    assert_eq!(bytes(&rows(store.as_ref(), &plan).await), second);
    // the plan layer's check has its say
    let mut no = |_: &PlanHead, _: &[VillageRows], _: &Changes| {
        Err(Refusal { message: "H3".to_owned(), detail: json!({ "rule": "H3" }) })
    };
    let refused = store.undo(&admin(), &plan.id, "t", &Which::Last, &mut no).await;
    assert!(matches!(refused, Err(TransactError::Refused(_))), "{refused:?}");
    assert_eq!(bytes(&rows(store.as_ref(), &plan).await), second);
    store.undo(&admin(), &plan.id, "t", &Which::LastBy("tester".to_owned()), &mut fine).await.expect("undo");
    assert_eq!(bytes(&rows(store.as_ref(), &plan).await), first);
    let nothing = store.undo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await;
    assert!(matches!(nothing, Err(TransactError::Store(StoreError::NotFound { .. }))), "{nothing:?}");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn undo_and_redo_run_to_both_ends(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let plan = plan(store.as_ref()).await;
    let mut states = vec![bytes(&rows(store.as_ref(), &plan).await)];
    for n in 0..4_u64 {
        let grid = format!("{VILLAGE}{:03}", 1 + n % 2);
        rename(store.as_ref(), &plan, n + 1, &grid, &format!("第{n}次")).await.expect("edit");
        states.push(bytes(&rows(store.as_ref(), &plan).await));
    }
    let mut fine = |_: &PlanHead, _: &[VillageRows], _: &Changes| Ok(Vec::new());
    for _ in 0..2 {
        for state in states.iter().rev().skip(1) {
            store.undo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await.expect("undo");
            assert_eq!(&bytes(&rows(store.as_ref(), &plan).await), state);
        }
        for state in &states[1..] {
            store.redo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await.expect("redo");
            assert_eq!(&bytes(&rows(store.as_ref(), &plan).await), state);
        }
    }
    // a fresh edit ends what can be done again
    store.undo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await.expect("undo");
    let version = store.get_plan(&admin(), &plan.id).await.expect("head").version;
    rename(store.as_ref(), &plan, version, &format!("{NEIGHBOUR}001"), "新").await.expect("edit");
    let gone = store.redo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await;
    assert!(matches!(gone, Err(TransactError::Store(StoreError::NotFound { .. }))), "{gone:?}");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn refused_edit_changes_nothing(place: Place) {
    let store = place.open().await;
    let plan = plan(store.as_ref()).await;
    let before = bytes(&rows(store.as_ref(), &plan).await);
    let refusal = Refusal { message: "网格不连通 / not connected".to_owned(), detail: json!({ "ids": ["b3"] }) };
    let refused = store.transact(&admin(), &request(&plan, 1, VILLAGE), &mut |_, _| Err(refusal.clone())).await;
    assert_eq!(refused, Err(TransactError::Refused(refusal)));
    let nothing =
        store.transact(&admin(), &request(&plan, 1, VILLAGE), &mut |_, _| Ok(Changes::default().into())).await;
    assert_eq!(nothing, Ok(Committed { version: 1, seq: 0, grids: Vec::new() }));
    // a change that does not know the row as it stands
    let stale = village_rows(VILLAGE, 3);
    let mut wrong = renamed(std::slice::from_ref(&stale), &format!("{VILLAGE}001"), "x");
    wrong.grids[0].before.as_mut().expect("before").name = "y".to_owned();
    let refused = store.transact(&admin(), &request(&plan, 1, VILLAGE), &mut |_, _| Ok(wrong.clone().into())).await;
    assert!(matches!(refused, Err(TransactError::Store(StoreError::Constraint { .. }))), "{refused:?}");
    // nor one that makes a row that is there
    let twice =
        Changes { seats: vec![Change { before: None, after: Some(stale.seats[0].clone()) }], ..Changes::default() };
    let refused = store.transact(&admin(), &request(&plan, 1, VILLAGE), &mut |_, _| Ok(twice.clone().into())).await;
    assert!(matches!(refused, Err(TransactError::Store(StoreError::Constraint { .. }))), "{refused:?}");
    assert_eq!(bytes(&rows(store.as_ref(), &plan).await), before);
    assert_eq!(store.get_plan(&admin(), &plan.id).await.expect("head").version, 1);
}

/// A batch that changes a little of everything: moves, removals, new rows, the same row twice.
fn batch(rows: &VillageRows, numbers: &mut Numbers) -> Changes {
    let mut changes = Changes::default();
    let units: Vec<&str> = rows.units.iter().map(|u| u.code.as_str()).collect();
    for _ in 0..=numbers.below(4) {
        let member = &rows.memberships[numbers.below(rows.memberships.len())];
        if changes.memberships.iter().any(|c| c.before.as_ref() == Some(member)) {
            continue;
        }
        let after = Membership { unit: units[numbers.below(units.len())].to_owned(), ..member.clone() };
        let again = Membership { unit: units[numbers.below(units.len())].to_owned(), ..member.clone() };
        changes.memberships.push(Change { before: Some(member.clone()), after: Some(after.clone()) });
        if numbers.below(3) == 0 {
            changes.memberships.push(Change { before: Some(after), after: Some(again) });
        }
    }
    if numbers.below(2) == 0 {
        let seat = &rows.seats[numbers.below(rows.seats.len())];
        let grid = rows.grids[numbers.below(rows.grids.len())].code.clone();
        changes.seats.push(Change { before: Some(seat.clone()), after: Some(Seat { grid, ..seat.clone() }) });
    }
    match numbers.below(4) {
        0 => {
            let code = format!("{VILLAGE}{:03}", 100 + numbers.below(800));
            if !rows.grids.iter().any(|g| g.code == code) {
                let row = GridRow { code, ..rows.grids[0].clone() };
                changes.grids.push(Change { before: None, after: Some(row) });
            }
        }
        1 => {
            let grid = rows.grids.last().expect("a grid").clone();
            let empty = !rows.seats.iter().any(|s| s.grid == grid.code)
                && !rows.units.iter().any(|u| u.code.starts_with(&grid.code))
                && !changes.seats.iter().any(|c| c.after.as_ref().is_some_and(|s| s.grid == grid.code));
            if empty {
                changes.grids.push(Change { before: Some(grid), after: None });
            }
        }
        _ => {
            let unit = rows.units[numbers.below(rows.units.len())].clone();
            let after = lianhu::domain::plan::UnitRow { locked: !unit.locked, ..unit.clone() };
            changes.units.push(Change { before: Some(unit), after: Some(after) });
        }
    }
    changes
}

pub(crate) async fn random_edits_undone_are_the_first_state(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let plan = plan(store.as_ref()).await;
    let first = bytes(&rows(store.as_ref(), &plan).await);
    let mut numbers = Numbers(7);
    let (mut version, mut edits) = (1, 0);
    for _ in 0..60 {
        let request = request(&plan, version, VILLAGE);
        let done = store.transact(&admin(), &request, &mut |_, rows| Ok(batch(&rows[0], &mut numbers).into())).await;
        let done = done.expect("edit");
        version = done.version;
        edits += usize::from(done.seq > 0);
    }
    let last = bytes(&rows(store.as_ref(), &plan).await);
    assert!(edits > 50 && last != first);
    let mut fine = |_: &PlanHead, _: &[VillageRows], _: &Changes| Ok(Vec::new());
    for _ in 0..edits {
        store.undo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await.expect("undo");
    }
    assert_eq!(bytes(&rows(store.as_ref(), &plan).await), first);
    for _ in 0..edits {
        store.redo(&admin(), &plan.id, "t", &Which::Last, &mut fine).await.expect("redo");
    }
    assert_eq!(bytes(&rows(store.as_ref(), &plan).await), last);
}
