//! Edits of several plans in one transaction: all are applied, or none.

use lianhu::domain::plan::{Changes, PlanHead, VillageRows};
use lianhu::store::{Committed, Derived, Idempotency, Refusal, Store, StoreError, TransactError, Which, Worked};
use serde_json::json;

use crate::ground::{Place, VILLAGE, admin, plan, renamed, request, settle};

type Seen = [(PlanHead, Vec<VillageRows>)];

/// Two drafts with the same rows.
async fn two(store: &dyn Store) -> [PlanHead; 2] {
    settle(store, 4).await;
    let first = plan(store).await;
    let second = store.fork(&admin(), &first.id, "tester", "another").await.expect("fork");
    [first, second]
}

fn grid() -> String {
    format!("{VILLAGE}001")
}

async fn rows(store: &dyn Store, plans: &[PlanHead; 2]) -> Vec<u8> {
    let mut all = Vec::new();
    for plan in plans {
        let (_, rows) = store.plan_rows(&admin(), &plan.id, &[VILLAGE.to_owned()]).await.expect("rows");
        all.push(rows);
    }
    serde_json::to_vec(&all).expect("JSON")
}

async fn versions(store: &dyn Store, plans: &[PlanHead; 2]) -> Vec<u64> {
    let mut versions = Vec::new();
    for plan in plans {
        versions.push(store.get_plan(&admin(), &plan.id).await.expect("head").version);
    }
    versions
}

/// Names the first grid of each plan.
fn named(plans: &Seen, name: &str) -> Vec<Worked> {
    plans.iter().map(|(_, rows)| renamed(rows, &grid(), name).into()).collect()
}

pub(crate) async fn plans_edited_together_are_undone_one_by_one(place: Place) {
    let store = place.open().await;
    let plans = two(store.as_ref()).await;
    let first = rows(store.as_ref(), &plans).await;
    let requests = plans.each_ref().map(|p| request(p, 1, VILLAGE));
    let mut asked = Vec::new();
    let done = store
        .transact_together(&admin(), &requests, &mut |seen| {
            asked = seen.iter().map(|(head, rows)| (head.id.clone(), rows.len())).collect();
            Ok(named(seen, "新"))
        })
        .await
        .expect("edited");
    assert_eq!(asked, plans.each_ref().map(|p| (p.id.clone(), 1)), "each plan with its rows, in the order asked");
    assert_eq!(done, vec![Committed { version: 2, seq: 1, grids: vec![grid()] }; 2]);
    assert_ne!(rows(store.as_ref(), &plans).await, first);
    let log = store.audit(&admin(), 0, 1_000).await.expect("audit");
    let told: Vec<&str> = log.iter().filter(|a| a.operation == "plan.edit").map(|a| a.subject.as_str()).collect();
    assert_eq!(told, plans.each_ref().map(|p| p.id.as_str()));
    let mut fine = |_: &PlanHead, _: &[VillageRows], _: &Changes| Ok(Vec::new());
    for plan in &plans {
        assert_eq!(store.history(&admin(), &plan.id, 0, 10).await.expect("history").len(), 1);
        store.undo(&admin(), &plan.id, "tester", &Which::Last, &mut fine).await.expect("undo");
    }
    assert_eq!(rows(store.as_ref(), &plans).await, first);
    // one of them may stay as it is
    let requests = plans.each_ref().map(|p| request(p, 3, VILLAGE));
    let mut only_the_second = |seen: &Seen| {
        let mut worked = named(seen, "只此一个");
        worked[0] = Worked::default();
        Ok(worked)
    };
    let one = store.transact_together(&admin(), &requests, &mut only_the_second).await;
    let done: Vec<(u64, u64)> = one.expect("edited").iter().map(|c| (c.version, c.seq)).collect();
    assert_eq!((done, versions(store.as_ref(), &plans).await), (vec![(3, 0), (4, 3)], vec![3, 4]));
    assert_eq!(store.transact_together(&admin(), &[], &mut |_| Ok(Vec::new())).await, Ok(Vec::new()));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn refused_plan_leaves_the_others_as_they_were(place: Place) {
    let store = place.open().await;
    let plans = two(store.as_ref()).await;
    // somebody else edits the second plan
    let other = request(&plans[1], 1, VILLAGE);
    store.transact(&admin(), &other, &mut |_, r| Ok(renamed(r, &grid(), "李").into())).await.expect("edit");
    let before = rows(store.as_ref(), &plans).await;
    let requests = plans.each_ref().map(|p| request(p, 1, VILLAGE));
    match store.transact_together(&admin(), &requests, &mut |seen| Ok(named(seen, "王"))).await {
        Err(TransactError::Store(StoreError::Conflict { grids, current_version, .. })) => {
            assert_eq!((grids, current_version), (vec![grid()], 2));
        }
        other => panic!("{other:?}"),
    }
    let fresh = [request(&plans[0], 1, VILLAGE), request(&plans[1], 2, VILLAGE)];
    let refusal = Refusal { message: "第二个方案 / the second plan".to_owned(), detail: json!({}) };
    let refused = store.transact_together(&admin(), &fresh, &mut |_| Err(refusal.clone())).await;
    assert_eq!(refused, Err(TransactError::Refused(refusal)));
    // the second change does not know the row as it stands
    let mut mistaken = |seen: &Seen| {
        let mut worked = named(seen, "王");
        worked[1].changes.grids[0].before.as_mut().expect("before").name = "x".to_owned();
        Ok(worked)
    };
    let wrong = store.transact_together(&admin(), &fresh, &mut mistaken).await;
    assert!(matches!(wrong, Err(TransactError::Store(StoreError::Constraint { .. }))), "{wrong:?}");
    // what is derived lies outside the second request
    let mut astray = |seen: &Seen| {
        let mut worked = named(seen, "王");
        worked[1].derived.push(("520423102009".to_owned(), Derived::default()));
        Ok(worked)
    };
    let outside = store.transact_together(&admin(), &fresh, &mut astray).await;
    assert!(matches!(outside, Err(TransactError::Store(StoreError::NotFound { .. }))), "{outside:?}");
    for bad in [
        vec![fresh[0].clone(), request(&PlanHead { id: "none".to_owned(), ..plans[1].clone() }, 1, VILLAGE)],
        vec![fresh[0].clone(), fresh[0].clone()],
        vec![fresh[0].clone(), request(&plans[1], 99, VILLAGE)],
    ] {
        let refused = store.transact_together(&admin(), &bad, &mut |seen| Ok(named(seen, "王"))).await;
        assert!(matches!(refused, Err(TransactError::Store(_))), "{refused:?}");
    }
    assert_eq!(rows(store.as_ref(), &plans).await, before);
    assert_eq!(versions(store.as_ref(), &plans).await, [1, 2]);
    let log = store.audit(&admin(), 0, 1_000).await.expect("audit");
    assert_eq!(log.iter().filter(|a| a.operation == "plan.edit").count(), 1);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn e06_keys_of_plans_edited_together_are_known_together(place: Place) {
    let store = place.open().await;
    let plans = two(store.as_ref()).await;
    let key = |key: &str| Some(Idempotency { key: key.to_owned(), body_sha256: "aa".to_owned() });
    let mut requests = plans.each_ref().map(|p| request(p, 1, VILLAGE));
    requests[0].idempotency = key("1");
    requests[1].idempotency = key("2");
    let mut asked = 0;
    let mut work = |seen: &Seen| {
        asked += 1;
        Ok(named(seen, "王"))
    };
    for _ in 0..2 {
        let done = store.transact_together(&admin(), &requests, &mut work).await;
        assert_eq!(done, Ok(vec![Committed { version: 2, seq: 1, grids: vec![grid()] }; 2]));
    }
    assert_eq!((asked, versions(store.as_ref(), &plans).await), (1, vec![2, 2]));
    requests[1].idempotency = key("3");
    let half = store.transact_together(&admin(), &requests, &mut |seen| Ok(named(seen, "李"))).await;
    assert_eq!(half, Err(StoreError::KeyReused { key: "3".to_owned() }.into()));
}
