//! The logs of rows and plans: who changed what, when and why; and that they are as they were written.

use lianhu::store::{ImportRequest, Layer, RegisterRow, Role, StoreError};

use crate::ground::{NEIGHBOUR, Place, VILLAGE, admin, bring, household, moved, plan, request, scope, settle};
use crate::publication::{publication, publish};

pub(crate) async fn history_of_a_row_says_who_when_and_why(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let head = plan(store.as_ref()).await;
    publish(store.as_ref(), &publication(&head, None, "2025-01-01")).await.expect("published");
    let RegisterRow::Households(mut row) = household("h6", NEIGHBOUR, "b3", 105.6 + 3.0 * 1e-4, 25.97) else {
        panic!("a household");
    };
    row.floor = Some(3);
    row.persons = None;
    let request_of_import =
        ImportRequest { reason: Some("入户核查".to_owned()), ..ImportRequest::new(Layer::Households) };
    let chunk = vec![vec![RegisterRow::Households(row)]];
    store.import(&admin(), "李", &request_of_import, &mut chunk.into_iter()).await.expect("import");
    let unit = format!("{VILLAGE}001002");
    let edit =
        store.transact(&admin(), &request(&head, 2, VILLAGE), &mut |_, r| Ok(moved(r, "h6", &unit).into())).await;
    edit.expect("moved");
    let changes = store.changes_of(&admin(), Layer::Households, "h6").await.expect("changes");
    let seen: Vec<_> = changes.iter().map(|c| (c.actor.as_str(), c.operation.as_str(), c.column.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("tester", "register.change", "*"),
            ("李", "register.change", "floor"),
            ("李", "register.change", "persons"),
            ("tester", "plan.edit", "unit"),
        ]
    );
    assert_eq!((changes[1].before.as_i64(), changes[1].after.as_i64()), (Some(-1), Some(3)));
    assert_eq!((changes[2].before.as_i64(), changes[2].after.is_null()), (Some(4), true));
    assert!(changes[1..3].iter().all(|c| c.reason.as_deref() == Some("入户核查")), "{changes:?}");
    assert_eq!(changes[3].before, format!("{VILLAGE}001001"));
    assert_eq!(changes[3].after, unit);
    let reason = changes[3].reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("方案调整（由 tester") && !reason.contains('{'), "{changes:?}");
    assert!(reason.contains(&head.id), "where the whole operation stands: {reason}");
    let whole = store.history(&admin(), &head.id, 0, 10).await.expect("history");
    assert_eq!(whole.last().map(|e| e.operation["op"].clone()), Some("test".into()), "{whole:?}");
    assert!(changes.windows(2).all(|w| w[0].at <= w[1].at), "{changes:?}");
    let audit = store.audit(&admin(), 0, 100).await.expect("audit");
    let told = audit.iter().filter(|a| a.after.as_ref().is_some_and(|t| t.contains("入户核查"))).count();
    assert_eq!(told, 1, "the audit log has the reason once");
    // within the own area, for those who read logs
    let of = async |role, code: &str| store.changes_of(&scope(role, code), Layer::Households, "h6").await;
    // the units it was moved between lie elsewhere
    assert_eq!(of(Role::Auditor, NEIGHBOUR).await.expect("changes"), changes[..3]);
    assert!(matches!(of(Role::Auditor, VILLAGE).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(of(Role::Planner, NEIGHBOUR).await, Err(StoreError::Forbidden { .. })));
    let nobody = store.changes_of(&admin(), Layer::Households, "nobody").await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })), "{nobody:?}");
    // one that is gone has a history still
    let why = (None, Some("已搬走"));
    store.remove(&admin(), "王", Layer::Households, &["h6".to_owned()], why).await.expect("removed");
    let gone = store.changes_of(&admin(), Layer::Households, "h6").await.expect("changes");
    let last = gone.last().expect("a change");
    assert_eq!((last.actor.as_str(), last.column.as_str(), last.after.is_null()), ("王", "*", true));
    assert_eq!(last.reason.as_deref(), Some("已搬走"));
    assert!(matches!(of(Role::Auditor, NEIGHBOUR).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn changed_log_is_found_by_name(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let head = plan(store.as_ref()).await;
    publish(store.as_ref(), &publication(&head, None, "2025-01-01")).await.expect("published");
    bring(store.as_ref(), vec![household("h6", NEIGHBOUR, "b3", 105.7, 25.98)]).await.expect("import");
    let unit = format!("{VILLAGE}001002");
    let edit =
        store.transact(&admin(), &request(&head, 2, VILLAGE), &mut |_, r| Ok(moved(r, "h6", &unit).into())).await;
    edit.expect("moved");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    for (change, found_at) in [
        (
            "UPDATE membership_moves SET unit_before = '520423102001002002' WHERE household = 'h6'",
            "membership_moves 1 h6 1",
        ),
        ("UPDATE grid_versions SET actor = 'x' WHERE grid = '520423102001001'", "grid_versions 1 520423102001001"),
        ("UPDATE register_changes SET after = '1' WHERE id = 'h6' AND col = 'geom'", "register_changes "),
    ] {
        place.past_the_guards(change).await;
        let found = store.check(&admin()).await.expect("check");
        assert!(found.iter().any(|f| f.kind == "row" && f.place.starts_with(found_at)), "{change}: {found:?}");
    }
}
