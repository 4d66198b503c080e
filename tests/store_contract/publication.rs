//! Plans in force, their codes and days.

use lianhu::domain::plan::{Change, Changes, GridRow, PlanHead, PlanStatus, UnitRow, VillageRows};
use lianhu::store::{
    Belonging, Derived, DerivedGrid, DerivedLeader, DerivedUnit, MapLayer, MapRow, OpenMode, PlanFilter, Publication,
    Refusal, Store, StoreError, TransactError, Which, open,
};
use serde_json::Value;
use time::macros::date;

use crate::ground::{
    NEIGHBOUR, Place, VILLAGE, admin, head, moved, noon_of, plan, renamed, request, settle, village_rows,
};

pub(crate) fn publication(plan: &PlanHead, expected_live: Option<&str>, date: &str) -> Publication {
    Publication {
        plan: plan.id.clone(),
        base_version: plan.version,
        expected_live: expected_live.map(str::to_owned),
        date: date.to_owned(),
        actor: "tester".to_owned(),
    }
}

pub(crate) async fn publish(store: &dyn Store, request: &Publication) -> Result<PlanHead, TransactError> {
    store.publish(&admin(), request, &mut |_, _| Ok(())).await
}

pub(crate) async fn publish_compares_and_swaps_the_plan_in_force(place: Place) {
    let store = place.open().await;
    let one = plan(store.as_ref()).await;
    let two = store.fork(&admin(), &one.id, "t", "第二版").await.expect("fork");
    let mut refuse = |_: &PlanHead, rows: &[VillageRows]| {
        assert_eq!(rows.len(), 2, "the verdict is on the whole plan");
        Err(Refusal { message: "H7".to_owned(), detail: Value::Null })
    };
    let refused = store.publish(&admin(), &publication(&one, None, "2025-03-01"), &mut refuse).await;
    assert!(matches!(refused, Err(TransactError::Refused(_))));
    let live = publish(store.as_ref(), &publication(&one, None, "2025-03-01")).await.expect("published");
    assert_eq!((live.status, live.valid_from.as_deref(), live.version), (PlanStatus::Live, Some("2025-03-01"), 2));
    let conflict =
        |e: &Result<PlanHead, TransactError>| matches!(e, Err(TransactError::Store(StoreError::Conflict { .. })));
    // who does not know of it, who looked at an older version, who dates it back
    let unaware = publish(store.as_ref(), &publication(&two, None, "2025-04-01")).await;
    assert!(conflict(&unaware), "{unaware:?}");
    let mut stale = publication(&two, Some(&one.id), "2025-04-01");
    stale.base_version = 9;
    assert!(conflict(&publish(store.as_ref(), &stale).await));
    let early = publish(store.as_ref(), &publication(&two, Some(&one.id), "2025-03-01")).await;
    assert!(matches!(early, Err(TransactError::Store(StoreError::BadArgument { name: "date", .. }))));
    publish(store.as_ref(), &publication(&two, Some(&one.id), "2025-04-01")).await.expect("published");
    let old = store.get_plan(&admin(), &one.id).await.expect("head");
    assert_eq!((old.status, old.valid_to.as_deref()), (PlanStatus::Retired, Some("2025-04-01")));
    let live = PlanFilter { status: Some(PlanStatus::Live), region: Some("5204".to_owned()) };
    let live = store.list_plans(&admin(), &live).await.expect("plans");
    assert_eq!(live.iter().map(|p| &p.id).collect::<Vec<_>>(), [&two.id]);
    let again = publish(store.as_ref(), &publication(&old, Some(&two.id), "2025-05-01")).await;
    assert!(matches!(again, Err(TransactError::Store(StoreError::Constraint { .. }))), "{again:?}");
    let edit = store.transact(&admin(), &request(&old, 2, VILLAGE), &mut |_, _| Ok(Changes::default().into())).await;
    assert!(matches!(edit, Err(TransactError::Store(StoreError::Constraint { .. }))), "{edit:?}");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn code_that_ended_never_comes_back(place: Place) {
    let store = place.open().await;
    let draft = |grids: usize| std::iter::once(village_rows(VILLAGE, grids).into());
    let make = async |grids| store.create_plan(&admin(), "t", &head(VILLAGE), &mut draft(grids)).await.expect("a plan");
    let (three, two, three_again) = (make(3).await, make(2).await, make(3).await);
    let one = publish(store.as_ref(), &publication(&three, None, "2025-01-01")).await.expect("published");
    publish(store.as_ref(), &publication(&two, Some(&one.id), "2025-02-01")).await.expect("published");
    let used = store.used_codes(&admin(), VILLAGE).await.expect("codes");
    assert_eq!(used.len(), 9);
    let third = format!("{VILLAGE}003");
    let ended: Vec<_> = used.iter().filter(|c| c.valid_to.is_some()).collect();
    assert_eq!(ended.len(), 3);
    assert!(ended.iter().all(|c| c.code.starts_with(&third) && c.valid_to.as_deref() == Some("2025-02-01")));
    let back = publish(store.as_ref(), &publication(&three_again, Some(&two.id), "2025-03-01")).await;
    match back {
        Err(TransactError::Store(StoreError::Constraint { id, .. })) => assert!(id.starts_with(&third), "{id}"),
        other => panic!("{other:?}"),
    }
    // nor by an edit of the plan in force; a new code begins, a retired one ends
    let new_grid = |code: String| GridRow {
        code,
        predecessors: vec![format!("{VILLAGE}001")],
        valid_from: "2025-03-01".to_owned(),
        ..village_rows(VILLAGE, 1).grids[0].clone()
    };
    let add = |code: String| {
        let row = new_grid(code);
        move |_: &PlanHead, _: &[VillageRows]| {
            let grids = vec![Change { before: None, after: Some(row.clone()) }];
            Ok(Changes { grids, ..Changes::default() }.into())
        }
    };
    let back = store.transact(&admin(), &request(&two, 2, VILLAGE), &mut add(third.clone())).await;
    assert!(matches!(back, Err(TransactError::Store(StoreError::Constraint { .. }))), "{back:?}");
    let fourth = format!("{VILLAGE}004");
    store.transact(&admin(), &request(&two, 2, VILLAGE), &mut add(fourth.clone())).await.expect("edit");
    let row = new_grid(fourth.clone());
    let retire = move |_: &PlanHead, _: &[VillageRows]| {
        let after = GridRow { valid_to: Some("2025-03-02".to_owned()), ..row.clone() };
        let grids = vec![Change { before: Some(row.clone()), after: Some(after) }];
        Ok(Changes { grids, ..Changes::default() }.into())
    };
    store.transact(&admin(), &request(&two, 3, VILLAGE), &mut { retire }).await.expect("edit");
    let code = async || {
        let used = store.used_codes(&admin(), VILLAGE).await.expect("codes");
        used.into_iter().find(|c| c.code == fourth).expect("the code")
    };
    assert!(code().await.valid_to.is_some());
    assert_eq!(code().await.predecessors, [format!("{VILLAGE}001")]);
    // an undone retirement never was
    store.undo(&admin(), &two.id, "t", &Which::Last, &mut |_, _, _| Ok(Vec::new())).await.expect("undo");
    assert!(code().await.valid_to.is_none());
    let elsewhere = crate::ground::scope(lianhu::store::Role::Viewer, NEIGHBOUR);
    assert_eq!(store.used_codes(&elsewhere, VILLAGE).await, Ok(Vec::new()));
}

pub(crate) async fn household_is_found_where_it_was_on_a_day(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let one = plan(store.as_ref()).await;
    publish(store.as_ref(), &publication(&one, None, "2025-01-01")).await.expect("published");
    store.close().await;
    let move_on = async |day: time::Date, version: u64, unit: String| {
        let store = open(&place.url, noon_of(OpenMode::ReadWrite, day)).await.expect("the store");
        let request = request(&one, version, VILLAGE);
        store.transact(&admin(), &request, &mut |_, rows| Ok(moved(rows, "h6", &unit).into())).await.expect("edit");
        store.close().await;
    };
    let unit = |g: u32, u: u32| format!("{VILLAGE}{g:03}{u:03}");
    move_on(date!(2025 - 02 - 10), 2, unit(1, 2)).await;
    move_on(date!(2025 - 02 - 20), 3, unit(2, 1)).await;
    let store = place.open().await;
    let two = store.fork(&admin(), &one.id, "t", "x").await.expect("fork");
    let to = unit(2, 2);
    let edit =
        store.transact(&admin(), &request(&two, 1, VILLAGE), &mut |_, rows| Ok(moved(rows, "h6", &to).into())).await;
    edit.expect("a draft is edited without trace in the past");
    let two = store.get_plan(&admin(), &two.id).await.expect("head");
    publish(store.as_ref(), &publication(&two, Some(&one.id), "2025-02-25")).await.expect("published");
    let was = async |day: &str| store.where_was(&admin(), "h6", day).await.expect("an answer");
    let at =
        |plan: &PlanHead, unit: String| Some(Belonging { plan: plan.id.clone(), grid: unit[..15].to_owned(), unit });
    assert_eq!(was("2024-12-31").await, None);
    assert_eq!(was("2025-01-01").await, at(&one, unit(1, 1)));
    assert_eq!(was("2025-02-09").await, at(&one, unit(1, 1)));
    assert_eq!(was("2025-02-10").await, at(&one, unit(1, 2)));
    assert_eq!(was("2025-02-19").await, at(&one, unit(1, 2)));
    assert_eq!(was("2025-02-24").await, at(&one, unit(2, 1)));
    assert_eq!(was("2025-02-25").await, at(&two, unit(2, 2)));
    assert_eq!(store.where_was(&admin(), "nobody", "2025-02-25").await, Ok(None));
    let foreign = crate::ground::scope(lianhu::store::Role::Viewer, NEIGHBOUR);
    let hidden = store.where_was(&foreign, "h6", "2025-02-25").await;
    assert!(matches!(hidden, Err(StoreError::NotFound { .. })), "{hidden:?}");
}

pub(crate) async fn fork_goes_its_own_way(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let one = plan(store.as_ref()).await;
    let two = store.fork(&admin(), &one.id, "t", "另一版").await.expect("fork");
    assert_eq!((two.name.as_str(), two.status, two.version), ("另一版", PlanStatus::Draft, 1));
    let villages = [VILLAGE.to_owned(), NEIGHBOUR.to_owned()];
    let rows = async |plan: &PlanHead| store.plan_rows(&admin(), &plan.id, &villages).await.expect("rows").1;
    assert_eq!(rows(&one).await, rows(&two).await);
    let grid = format!("{VILLAGE}001");
    let edit =
        store.transact(&admin(), &request(&two, 1, VILLAGE), &mut |_, r| Ok(renamed(r, &grid, "新").into())).await;
    edit.expect("edit");
    assert_eq!(rows(&one).await, [village_rows(VILLAGE, 2), village_rows(NEIGHBOUR, 2)]);
    assert_ne!(rows(&one).await, rows(&two).await);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

/// What was seen on a map.
#[derive(Debug, Default, PartialEq)]
struct OnMap {
    grids: Vec<(GridRow, Option<DerivedGrid>)>,
    units: Vec<(UnitRow, Option<DerivedUnit>)>,
    leaders: Vec<DerivedLeader>,
}

pub(crate) fn derived_of(rows: &VillageRows) -> Derived {
    let square = |n: usize| {
        let x = 105.6 + n as f64 * 0.01;
        vec![vec![vec![[x, 25.9], [x + 0.01, 25.9], [x + 0.01, 26.0], [x, 25.9]]]]
    };
    Derived {
        grids: rows
            .grids
            .iter()
            .enumerate()
            .map(|(n, g)| DerivedGrid {
                code: g.code.clone(),
                polygons: square(n),
                households: 4,
                buildings: 2,
                persons: None,
                deviation: Some(1.0 / 3.0),
                area_m2: 1e6,
                perimeter_m: 4e3,
                polsby_popper: 0.7,
            })
            .collect(),
        units: rows
            .units
            .iter()
            .enumerate()
            .map(|(n, u)| DerivedUnit {
                code: u.code.clone(),
                polygons: square(n),
                households: 2,
                sse_m2: 0.1,
                reach_m: 2.5,
            })
            .collect(),
        leaders: vec![DerivedLeader {
            unit: rows.units[0].code.clone(),
            household: "h6".to_owned(),
            role: "leader".to_owned(),
            place: lianhu::domain::LonLat { lon_deg: 105.6, lat_deg: 25.97 },
        }],
    }
}

pub(crate) async fn derived_layers_follow_the_version(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let plan = plan(store.as_ref()).await;
    let derived = derived_of(&village_rows(VILLAGE, 2));
    store.set_derived(&admin(), &plan.id, 1, VILLAGE, &derived).await.expect("set");
    assert_eq!(store.derived(&admin(), &plan.id, VILLAGE).await.expect("derived"), derived);
    // the map is the same rows
    let rows = store.plan_rows(&admin(), &plan.id, &[VILLAGE.to_owned()]).await.expect("rows").1.remove(0);
    let lived_in = |code: &str| rows.memberships.iter().any(|m| m.unit == code);
    let units: Vec<_> = rows.units.iter().filter(|u| lived_in(&u.code)).cloned().collect();
    let (grids, units) =
        (rows.grids.into_iter().zip(derived.grids.clone()), units.into_iter().zip(derived.units.clone()));
    let on_map = async |villages: (&str, &str)| {
        let mut all = OnMap::default();
        for layer in [MapLayer::Grids, MapLayer::Units, MapLayer::Leaders] {
            let mut see = |row: MapRow<'_>| match row {
                MapRow::Grid(g, d) => all.grids.push((g.clone(), d.cloned())),
                MapRow::Unit(u, d) => all.units.push((u.clone(), d.cloned())),
                MapRow::Leader(l) => all.leaders.push(l.clone()),
            };
            store.each_on_map(&admin(), &plan.id, villages, layer, &mut see).await.expect("map");
        }
        all
    };
    let shown = OnMap {
        grids: grids.map(|(g, d)| (g, Some(d))).collect(),
        units: units.map(|(u, d)| (u, Some(d))).collect(),
        leaders: derived.leaders.clone(),
    };
    assert_eq!(on_map((VILLAGE, VILLAGE)).await, shown);
    // of the neighbour nothing is derived yet
    let both = on_map((VILLAGE, NEIGHBOUR)).await;
    assert_eq!(both.grids[..shown.grids.len()], shown.grids);
    assert_eq!(both.units[..shown.units.len()], shown.units);
    assert_eq!(both.leaders, shown.leaders);
    let beyond = both.grids.iter().skip(shown.grids.len()).map(|(g, d)| (&g.code[..12], d.is_some()));
    assert_eq!(beyond.collect::<Vec<_>>(), [(NEIGHBOUR, false); 2]);
    assert!(both.units.iter().skip(shown.units.len()).all(|(u, d)| u.code.starts_with(NEIGHBOUR) && d.is_none()));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    let grid = format!("{VILLAGE}001");
    let edit =
        store.transact(&admin(), &request(&plan, 1, VILLAGE), &mut |_, r| Ok(renamed(r, &grid, "新").into())).await;
    edit.expect("edit");
    let late = store.set_derived(&admin(), &plan.id, 1, VILLAGE, &derived).await;
    assert!(matches!(late, Err(StoreError::Conflict { current_version: 2, .. })), "{late:?}");
    store.set_derived(&admin(), &plan.id, 2, VILLAGE, &derived).await.expect("set");
    let foreign = store.set_derived(&admin(), &plan.id, 2, NEIGHBOUR, &derived).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })), "{foreign:?}");
    // a fork shows what its plan showed
    let fork = store.fork(&admin(), &plan.id, "t", "x").await.expect("fork");
    assert_eq!(store.derived(&admin(), &fork.id, VILLAGE).await.expect("derived"), derived);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}
