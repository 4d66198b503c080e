//! Incidents: recorded once, at home in the plan in force, moved along one version at a time.

use lianhu::domain::LonLat;
use lianhu::domain::incident::{Action, Dictionaries, Level, Step};
use lianhu::domain::register::RegionRow;
use lianhu::plan::room::{moments, round};
use lianhu::store::{
    AlertStep, Derived, DerivedGrid, Filter, Grouping, Idempotency, IncidentAdvance, IncidentFilter, IncidentOrder,
    IncidentRecord, Layer, NewIncident, PhotoKept, PhotoRow, Publication, RegisterRow, Retention, Role, Scope, Store,
    StoreError, TransactError, copy_into,
};
use serde_json::Value;

use crate::ground::{NEIGHBOUR, Place, VILLAGE, admin, bring, options, plan, scope, settle, village_rows};

const NOW: &str = "2025-03-01T00:00:00.000Z";

/// A square of a hundredth of a degree, its south-western corner at so many hundredths east of 105.60.
fn square(east: f64) -> Vec<Vec<Vec<[f64; 2]>>> {
    let (w, e) = (105.6 + east * 0.01, 105.61 + east * 0.01);
    vec![vec![vec![[w, 25.96], [e, 25.96], [e, 25.98], [w, 25.98], [w, 25.96]]]]
}

fn derived(village: &str, grids: usize, east: f64) -> Derived {
    let one = |g: usize| DerivedGrid {
        code: format!("{village}{g:03}"),
        polygons: square(east + (g - 1) as f64),
        households: 4,
        buildings: 2,
        persons: None,
        deviation: None,
        area_m2: 1.0,
        perimeter_m: 1.0,
        polsby_popper: 0.5,
    };
    Derived { grids: (1..=grids).map(one).collect(), ..Derived::default() }
}

fn region(code: &str, level: &str, outline: Option<Vec<Vec<Vec<[f64; 2]>>>>) -> RegisterRow {
    RegisterRow::Regions(RegionRow {
        code: code.to_owned(),
        name: code.to_owned(),
        level: level.to_owned(),
        outline,
        ..RegionRow::default()
    })
}

/// Two villages, the first with two grids side by side and a plan in force; buildings stand at 105.6000, 105.6001, …
async fn ground(store: &dyn Store) -> String {
    let both = [square(0.0), square(1.0)].concat();
    let rows = vec![
        region("520423102", "township", None),
        region(VILLAGE, "village", Some(both)),
        region(NEIGHBOUR, "village", Some(square(5.0))),
    ];
    bring(store, rows).await.expect("regions");
    settle(store, 10).await;
    let plan = plan(store).await;
    store.set_derived(&admin(), &plan.id, 1, VILLAGE, &derived(VILLAGE, 2, 0.0)).await.expect("derived");
    publish(store, &plan.id, 1, None, "2025-02-01").await;
    plan.id
}

async fn publish(store: &dyn Store, plan: &str, base_version: u64, live: Option<&str>, date: &str) {
    let request = Publication {
        plan: plan.to_owned(),
        base_version,
        expected_live: live.map(str::to_owned),
        date: date.to_owned(),
        actor: "tester".to_owned(),
    };
    store.publish(&admin(), &request, &mut |_, _| Ok(())).await.expect("published");
}

fn at(lon_deg: f64) -> Option<LonLat> {
    Some(LonLat { lon_deg, lat_deg: 25.97 })
}

fn incident(id: &str, place: Option<LonLat>) -> NewIncident {
    NewIncident {
        id: Some(id.to_owned()),
        category: "dispute".to_owned(),
        level: "grid".to_owned(),
        occurred_at: "2025-02-27T00:00:00.000Z".to_owned(),
        due_at: Some("2025-03-02T00:00:00.000Z".to_owned()),
        summary: Some("井盖松动".to_owned()),
        place,
        ..NewIncident::default()
    }
}

fn record(incidents: Vec<NewIncident>) -> IncidentRecord {
    IncidentRecord { incidents, partial: false, as_bulk: false, alarm: None, idempotency: None }
}

fn step(incident: &str, base_version: u64, action: Action) -> IncidentAdvance {
    let category = Dictionaries::shipped().category("dispute").expect("a category").clone();
    IncidentAdvance {
        incident: incident.to_owned(),
        base_version,
        step: Step { reason: Some("有理由".to_owned()), ..Step::bare(action) },
        allowance_ms: category.allowance_ms(),
        idempotency: None,
    }
}

async fn homes(store: &dyn Store, id: &str) -> (String, Option<String>, Option<String>) {
    let (row, _) = store.get_incident(&admin(), id).await.expect("the incident");
    (row.region, row.grid, row.unit)
}

pub(crate) async fn place_says_village_grid_and_unit_and_nothing_is_dropped(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    let named = NewIncident { region: Some("520423102".to_owned()), ..incident("named", at(105.6004)) };
    let elsewhere = NewIncident { region: Some(NEIGHBOUR.to_owned()), ..incident("elsewhere", at(105.6004)) };
    let no_place = NewIncident { region: Some(NEIGHBOUR.to_owned()), ..incident("no_place", None) };
    let wishes = vec![
        incident("in_grid", at(105.6004)),
        incident("far_from_homes", at(105.6190)),
        incident("in_village", at(105.6540)),
        incident("nowhere", at(106.9)),
        named,
        elsewhere,
        no_place,
    ];
    let done = store.record_incidents(&admin(), "t", &record(wishes)).await.expect("recorded");
    assert_eq!((done.created, done.unassigned, done.refused.len(), done.stored), (7, 4, 0, true), "{done:?}");
    let (one, two) = (format!("{VILLAGE}001"), format!("{VILLAGE}002"));
    // building b4 (households h8, h9) stands there: it is of the first unit of the first grid by the rows of the plan
    let rows = village_rows(VILLAGE, 2);
    let unit = rows.memberships.iter().find(|m| m.household == "h8").map(|m| m.unit.clone());
    let near = homes(store.as_ref(), "in_grid").await;
    assert_eq!((near.0.as_str(), near.1.as_ref()), (VILLAGE, Some(&one)));
    assert_eq!(near.2, unit.filter(|u| u.starts_with(&one)));
    assert!(near.2.is_some());
    assert_eq!(homes(store.as_ref(), "far_from_homes").await, (VILLAGE.to_owned(), Some(two), None));
    assert_eq!(homes(store.as_ref(), "in_village").await, (NEIGHBOUR.to_owned(), None, None));
    assert_eq!(homes(store.as_ref(), "nowhere").await, ("520423102".to_owned(), None, None));
    assert_eq!(homes(store.as_ref(), "named").await.1, Some(one));
    assert_eq!(homes(store.as_ref(), "elsewhere").await, (NEIGHBOUR.to_owned(), None, None), "they disagree");
    assert_eq!(homes(store.as_ref(), "no_place").await, (NEIGHBOUR.to_owned(), None, None));
    let empty = NewIncident { place: None, ..incident("x", None) };
    let refused = store.record_incidents(&admin(), "t", &record(vec![empty])).await.expect("an answer");
    assert_eq!((refused.stored, refused.refused[0].field.as_str()), (false, "at"));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn incident_is_recorded_once_by_id_source_and_key(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    let first = incident("e1", at(105.6004));
    store.record_incidents(&admin(), "t", &record(vec![first.clone()])).await.expect("recorded");
    let again = store.record_incidents(&admin(), "t", &record(vec![first.clone()])).await.expect("recorded");
    assert_eq!((again.created, again.unchanged), (0, 1));
    let other = NewIncident { category: "opinion".to_owned(), ..first.clone() };
    let clash = store.record_incidents(&admin(), "t", &record(vec![incident("e2", at(105.6004)), other])).await;
    let clash = clash.expect("an answer");
    assert_eq!((clash.stored, clash.refused.len(), clash.refused[0].index), (false, 1, 1));
    assert!(store.get_incident(&admin(), "e2").await.is_err(), "all or nothing");
    let from = |id: &str| NewIncident {
        id: None,
        source: Some(("门禁".to_owned(), id.to_owned())),
        ..incident("", at(105.6004))
    };
    let one = store.record_incidents(&admin(), "t", &record(vec![from("17"), from("17"), from("18")])).await;
    let one = one.expect("recorded");
    assert_eq!((one.created, one.unchanged, one.ids[0] == one.ids[1], one.ids[0] == one.ids[2]), (2, 1, true, false));
    let key = Idempotency { key: "k1".to_owned(), body_sha256: "a".to_owned() };
    let keyed = IncidentRecord { idempotency: Some(key.clone()), ..record(vec![NewIncident { id: None, ..first }]) };
    let first_answer = store.record_incidents(&admin(), "t", &keyed).await.expect("recorded");
    assert_eq!(store.record_incidents(&admin(), "t", &keyed).await, Ok(first_answer));
    let reused = Idempotency { body_sha256: "b".to_owned(), ..key };
    let reused = IncidentRecord { idempotency: Some(reused), ..keyed };
    let refused = store.record_incidents(&admin(), "t", &reused).await;
    assert!(matches!(refused, Err(StoreError::KeyReused { .. })), "{refused:?}");
    assert_eq!(store.count(&admin(), Layer::Incidents, &Filter::default()).await, Ok(4));
    let partial = IncidentRecord {
        partial: true,
        as_bulk: true,
        ..record(vec![incident("e9", at(105.6)), incident("e8", None)])
    };
    let some = store.record_incidents(&admin(), "t", &partial).await.expect("recorded");
    assert_eq!((some.created, some.refused.len(), some.stored, some.ids.len()), (1, 1, true, 0));
}

pub(crate) async fn step_is_taken_on_the_version_that_was_seen_and_leaves_its_row(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    store.record_incidents(&admin(), "t", &record(vec![incident("e1", at(105.6004))])).await.expect("recorded");
    let take = async |version, action| store.advance_incident(&admin(), "t", &step("e1", version, action)).await;
    let accepted = take(1, Action::Accept).await.expect("accepted");
    assert_eq!((accepted.state.as_str(), accepted.row_version), ("accepted", 2));
    let stale = take(1, Action::Dispatch).await;
    assert!(matches!(&stale, Err(TransactError::Store(StoreError::Conflict { current_version: 2, .. }))), "{stale:?}");
    let refused = take(2, Action::Close).await;
    let Err(TransactError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.detail["kind"], "not_allowed");
    assert!(refusal.detail["allowed"].as_array().is_some_and(|l| l.contains(&Value::from("dispatch"))));
    let up = IncidentAdvance {
        step: Step { level: Some(Level::Township), reason: Some("跨村".to_owned()), ..Step::bare(Action::Escalate) },
        ..step("e1", 2, Action::Escalate)
    };
    let up = store.advance_incident(&admin(), "t", &up).await.expect("escalated");
    assert_eq!((up.level.as_str(), up.state.as_str(), up.row_version), ("township", "reported", 3));
    for (version, action) in [
        (3, Action::Accept),
        (4, Action::Dispatch),
        (5, Action::Start),
        (6, Action::Handle),
        (7, Action::Verify),
        (8, Action::Close),
    ] {
        take(version, action).await.expect("a step");
    }
    let (row, steps) = store.get_incident(&admin(), "e1").await.expect("the incident");
    assert_eq!((row.state.as_str(), row.row_version, steps.len()), ("closed", 9, 8));
    assert_eq!((steps[1].from_level.as_str(), steps[1].to_level.as_str()), ("grid", "township"));
    assert_eq!((steps[1].reason.as_deref(), steps[1].role.as_str()), (Some("跨村"), "admin"));
    let log = store.audit(&admin(), 0, 1_000).await.expect("audit");
    assert_eq!(log.iter().filter(|a| a.operation == "incident.advance" && a.subject == "e1").count(), 8);
    assert!(!format!("{log:?}").contains("井盖"), "words of an incident stay out of the log");
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

/// E04 for incidents: of many who act on one version one wins, and nobody's step is lost without a word.
pub(crate) async fn of_eight_clients_on_one_version_one_takes_the_step(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    store.record_incidents(&admin(), "t", &record(vec![incident("e1", at(105.6004))])).await.expect("recorded");
    let tries: Vec<_> = (0..8)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move {
                store.advance_incident(&admin(), &format!("c{i}"), &step("e1", 1, Action::Accept)).await.is_ok()
            })
        })
        .collect();
    let mut won = 0;
    for one in tries {
        won += usize::from(one.await.expect("a task"));
    }
    let (row, steps) = store.get_incident(&admin(), "e1").await.expect("the incident");
    assert_eq!((won, row.row_version, steps.len()), (1, 2, 1));
}

pub(crate) async fn published_plan_takes_open_incidents_home(place: Place) {
    let store = place.open().await;
    let old = ground(store.as_ref()).await;
    let wishes = vec![incident("open", at(105.6004)), incident("done", at(105.6004)), incident("far", at(105.6540))];
    store.record_incidents(&admin(), "t", &record(wishes)).await.expect("recorded");
    store.advance_incident(&admin(), "t", &step("done", 1, Action::Reject)).await.expect("rejected");
    let new = store.fork(&admin(), &old, "t", "第二版").await.expect("fork");
    // the two grids change places
    let mut swapped = derived(VILLAGE, 2, 0.0);
    let (a, b) = (swapped.grids[0].polygons.clone(), swapped.grids[1].polygons.clone());
    (swapped.grids[0].polygons, swapped.grids[1].polygons) = (b, a);
    store.set_derived(&admin(), &new.id, 1, VILLAGE, &swapped).await.expect("derived");
    let before = homes(store.as_ref(), "done").await;
    publish(store.as_ref(), &new.id, 1, Some(&old), "2025-03-01").await;
    assert_eq!(homes(store.as_ref(), "open").await.1, Some(format!("{VILLAGE}002")));
    assert_eq!(homes(store.as_ref(), "done").await, before, "what is over keeps the grid it had");
    assert_eq!(homes(store.as_ref(), "far").await.1, None);
    let log = store.audit(&admin(), 0, 1_000).await.expect("audit");
    let entry = log.iter().rfind(|a| a.operation == "plan.publish").and_then(|a| a.after.clone()).expect("an entry");
    assert!(entry.contains("\"incidents_rehomed\":1"), "{entry}");
    // an edit of the plan in force moves borders too
    let version = store.get_plan(&admin(), &new.id).await.expect("head").version;
    store.set_derived(&admin(), &new.id, version, VILLAGE, &derived(VILLAGE, 2, 0.0)).await.expect("derived");
    assert_eq!(store.rehome_incidents(&admin(), "room").await, Ok(1));
    assert_eq!(homes(store.as_ref(), "open").await.1, Some(format!("{VILLAGE}001")));
    assert_eq!(store.rehome_incidents(&admin(), "room").await, Ok(0));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn incidents_are_seen_and_written_within_the_scope(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    let wishes = vec![incident("in", at(105.6004)), incident("near", at(105.6190)), incident("out", at(105.6540))];
    store.record_incidents(&admin(), "t", &record(wishes)).await.expect("recorded");
    let (_, grid, unit) = homes(store.as_ref(), "in").await;
    let filter = IncidentFilter { now: NOW.to_owned(), ..IncidentFilter::default() };
    for (code, seen) in [
        ("520423102", vec!["in", "near", "out"]),
        (VILLAGE, vec!["in", "near"]),
        (grid.as_deref().expect("a grid"), vec!["in"]),
        (unit.as_deref().expect("a unit"), vec!["in"]),
        ("520424", vec![]),
    ] {
        let own = scope(Role::Viewer, code);
        let page = store.find_incidents(&own, &filter, IncidentOrder::Oldest, None, 10).await.expect("a page");
        let mut ids: Vec<&str> = page.rows.iter().map(|r| r.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!((ids.clone(), page.number_matched), (seen.clone(), seen.len() as u64), "{code}");
        let points = store.incident_points(&own, &filter).await.expect("points");
        let all = store.tally_incidents(&own, &filter, Grouping::Nothing).await.expect("a count");
        assert_eq!(
            (points.len() as u64, all.iter().map(|t| t.count).sum::<u64>()),
            (page.number_matched, page.number_matched)
        );
        for id in ["in", "near", "out"] {
            let found = store.get_incident(&own, id).await;
            assert_eq!(found.is_ok(), seen.contains(&id), "{code} {id}");
            let moved = store.advance_incident(&own, "t", &step(id, 99, Action::Accept)).await;
            let missing = matches!(moved, Err(TransactError::Store(StoreError::NotFound { .. })));
            assert_eq!(missing, !seen.contains(&id), "{code} {id}");
        }
    }
    let own = scope(Role::Viewer, NEIGHBOUR);
    let foreign =
        store.record_incidents(&own, "t", &record(vec![incident("x", at(105.6004))])).await.expect("an answer");
    assert_eq!((foreign.stored, foreign.refused.len()), (false, 1));
    for role in [Role::Exporter, Role::Auditor] {
        let none = Scope::whole_store(role);
        let refused = store.record_incidents(&none, "t", &record(vec![incident("x", at(105.6004))])).await;
        assert!(matches!(refused, Err(StoreError::Forbidden { .. })), "{refused:?}");
        let refused = store.advance_incident(&none, "t", &step("in", 1, Action::Accept)).await;
        assert!(matches!(refused, Err(TransactError::Store(StoreError::Forbidden { .. }))), "{refused:?}");
    }
}

pub(crate) async fn filters_pages_and_counts_agree(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    let one = |i: usize| NewIncident {
        category: if i.is_multiple_of(3) { "opinion" } else { "dispute" }.to_owned(),
        occurred_at: format!("2025-02-{:02}T{:02}:00:00.000Z", 1 + i % 20, i % 24),
        due_at: (!i.is_multiple_of(5)).then(|| format!("2025-02-{:02}T00:00:00.000Z", 10 + i % 19)),
        ..incident(&format!("e{i:03}"), at(105.6 + i as f64 * 4e-4))
    };
    store.record_incidents(&admin(), "t", &record((0..60).map(one).collect())).await.expect("recorded");
    for (id, action) in [("e001", Action::Reject), ("e002", Action::Accept), ("e004", Action::Reject)] {
        store.advance_incident(&admin(), "t", &step(id, 1, action)).await.expect("a step");
    }
    let now = "2025-02-20T00:00:00.000Z".to_owned();
    let all = IncidentFilter { now: now.clone(), ..IncidentFilter::default() };
    let everything = store.find_incidents(&admin(), &all, IncidentOrder::Oldest, None, 1_000).await.expect("all").rows;
    assert_eq!(everything.len(), 60);
    let closed = |state: &str| state == "rejected";
    let late =
        |r: &lianhu::domain::register::IncidentRow| !closed(&r.state) && r.due_at.as_ref().is_some_and(|d| *d < now);
    let some = |list: &[&str]| Some(list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
    for filter in [
        all.clone(),
        IncidentFilter { categories: some(&["opinion"]), ..all.clone() },
        IncidentFilter { states: some(&["accepted", "rejected"]), ..all.clone() },
        IncidentFilter { open: Some(true), ..all.clone() },
        IncidentFilter { open: Some(false), ..all.clone() },
        IncidentFilter { overdue: Some(true), ..all.clone() },
        IncidentFilter { overdue: Some(false), levels: some(&["grid"]), ..all.clone() },
        IncidentFilter { grid: Some(format!("{VILLAGE}001")), ..all.clone() },
        IncidentFilter { grid: Some(String::new()), ..all.clone() },
        IncidentFilter {
            from: Some("2025-02-05T00:00:00.000Z".into()),
            to: Some("2025-02-09T03:00:00.000Z".into()),
            ..all.clone()
        },
        IncidentFilter {
            bbox_deg: Some([105.6, 25.9, 105.606, 26.0]),
            region: Some(VILLAGE.to_owned()),
            ..all.clone()
        },
    ] {
        let keeps = |r: &&lianhu::domain::register::IncidentRow| {
            filter.categories.as_ref().is_none_or(|c| c.contains(&r.category))
                && filter.states.as_ref().is_none_or(|s| s.contains(&r.state))
                && filter.open.is_none_or(|open| open != closed(&r.state))
                && filter.overdue.is_none_or(|o| o == late(r))
                && filter.grid.as_ref().is_none_or(|g| r.grid.as_deref().unwrap_or_default() == g)
                && filter.from.as_ref().is_none_or(|f| r.occurred_at >= *f)
                && filter.to.as_ref().is_none_or(|t| r.occurred_at < *t)
                && filter.bbox_deg.is_none_or(|b| r.place.is_some_and(|p| p.lon_deg <= b[2]))
        };
        let mut wanted: Vec<_> = everything.iter().filter(keeps).cloned().collect();
        for order in [IncidentOrder::Oldest, IncidentOrder::Newest] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.find_incidents(&admin(), &filter, order, after.as_ref(), 7).await.expect("a page");
                assert_eq!(page.number_matched, wanted.len() as u64, "{filter:?}");
                found.extend(page.rows);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            wanted.sort_by(|a, b| (&a.occurred_at, &a.id).cmp(&(&b.occurred_at, &b.id)));
            if order == IncidentOrder::Newest {
                wanted.reverse();
            }
            assert_eq!(found, wanted, "{filter:?} {order:?}");
        }
        for by in
            [Grouping::Category, Grouping::State, Grouping::Level, Grouping::Region, Grouping::Hour, Grouping::Grid]
        {
            let groups = store.tally_incidents(&admin(), &filter, by).await.expect("groups");
            let sum = |f: fn(&lianhu::store::Tally) -> u64| groups.iter().map(f).sum::<u64>();
            let count = |f: &dyn Fn(&lianhu::domain::register::IncidentRow) -> bool| {
                wanted.iter().filter(|r| f(r)).count() as u64
            };
            assert_eq!(sum(|t| t.count), wanted.len() as u64, "{by:?}");
            assert_eq!((sum(|t| t.open), sum(|t| t.overdue)), (count(&|r| !closed(&r.state)), count(&late)), "{by:?}");
        }
    }
}

pub(crate) async fn copy_of_a_store_has_its_incidents(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    let sent = NewIncident { source: Some(("视频".to_owned(), "9".to_owned())), ..incident("e1", at(105.6004)) };
    let both = vec![sent, incident("e3", at(105.6004))];
    store.record_incidents(&admin(), "t", &record(both)).await.expect("recorded");
    store.advance_incident(&admin(), "t", &step("e3", 1, Action::Accept)).await.expect("a step");
    let before = store.get_incident(&admin(), "e3").await.expect("the incident");
    store.close().await;
    let copy = format!("sqlite:{}", place.folder.path().join("copy.gpkg").display());
    copy_into(&place.url, &copy, &options(lianhu::store::OpenMode::Create)).await.expect("copied");
    let copied = lianhu::store::open(&copy, options(lianhu::store::OpenMode::ReadWrite)).await.expect("the copy");
    assert_eq!(copied.get_incident(&admin(), "e3").await.expect("the incident"), before);
    assert_eq!(copied.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn photo_is_kept_once_seen_by_its_own_copied_and_purged(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    let both = vec![incident("e1", at(105.6004)), incident("e2", at(105.6004))];
    store.record_incidents(&admin(), "t", &record(both)).await.expect("recorded");
    let photo = |sha: &str| PhotoRow {
        kind: "image/jpeg".to_owned(),
        width: 16,
        height: 9,
        sha256: sha.to_owned(),
        at: String::new(),
        // a picture has bytes of every kind
        image: [b"a bridge with a hole \0".to_vec(), (0..=255).collect()].concat(),
    };
    let own = scope(Role::Viewer, VILLAGE);
    let put = async |by: &Scope, id: &str, sha: &str| store.put_photo(by, "t", id, &photo(sha)).await;
    assert_eq!(store.get_photo(&own, "e1", true).await, Ok(None));
    assert_eq!(put(&own, "e1", "aa").await, Ok(PhotoKept::New));
    assert_eq!(put(&own, "e1", "aa").await, Ok(PhotoKept::Same));
    assert_eq!(put(&own, "e1", "bb").await, Ok(PhotoKept::Other));
    assert_eq!(put(&admin(), "e2", "cc").await, Ok(PhotoKept::New));
    let kept = store.get_photo(&own, "e1", true).await.expect("an answer").expect("a photo");
    assert_eq!(kept, PhotoRow { at: kept.at.clone(), ..photo("aa") });
    assert!(kept.at.ends_with('Z'));
    let bare = store.get_photo(&own, "e1", false).await.expect("an answer").expect("a photo");
    assert_eq!(bare, PhotoRow { image: Vec::new(), ..kept.clone() });

    let foreign = scope(Role::Planner, NEIGHBOUR);
    assert!(matches!(put(&foreign, "e1", "aa").await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.get_photo(&foreign, "e1", true).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.remove_photo(&foreign, "t", "e1").await, Err(StoreError::NotFound { .. })));
    assert!(matches!(put(&admin(), "none", "aa").await, Err(StoreError::NotFound { .. })));
    for role in [Role::Exporter, Role::Auditor] {
        let none = Scope::whole_store(role);
        assert!(matches!(store.get_photo(&none, "e1", true).await, Err(StoreError::Forbidden { .. })));
        assert!(matches!(put(&none, "e1", "aa").await, Err(StoreError::Forbidden { .. })));
    }
    assert!(matches!(store.remove_photo(&own, "t", "e1").await, Err(StoreError::Forbidden { .. })), "viewers keep");
    assert_eq!(store.check(&admin()).await.expect("check"), []);

    let copy = format!("sqlite:{}", place.folder.path().join("copy.gpkg").display());
    copy_into(&place.url, &copy, &options(lianhu::store::OpenMode::Create)).await.expect("copied");
    let copied = lianhu::store::open(&copy, options(lianhu::store::OpenMode::ReadWrite)).await.expect("the copy");
    assert_eq!(copied.get_photo(&admin(), "e1", true).await, Ok(Some(kept)));
    assert_eq!(copied.check(&admin()).await.expect("check"), []);
    copied.close().await;
    std::fs::remove_file(place.folder.path().join("copy.gpkg")).expect("removed");

    // what is still to be done keeps its photo; what is over loses it, and every byte of it
    store.advance_incident(&admin(), "t", &step("e2", 1, Action::Reject)).await.expect("a step");
    let before = |day: &str| Retention { photos_before: Some(day.to_owned()), ..Retention::default() };
    assert_eq!(store.purge(&admin(), "t", &before("2020-01-01T00:00:00.000Z")).await.expect("purge").photos, 0);
    assert_eq!(store.purge(&admin(), "t", &before("2100-01-01T00:00:00.000Z")).await.expect("purge").photos, 1);
    assert_eq!(store.get_photo(&admin(), "e2", true).await, Ok(None));
    assert!(store.get_photo(&admin(), "e1", true).await.expect("an answer").is_some());
    store.remove_photo(&admin(), "t", "e1").await.expect("removed");
    assert!(matches!(store.remove_photo(&admin(), "t", "e1").await, Err(StoreError::NotFound { .. })));
    store.purge(&admin(), "t", &Retention::default()).await.expect("purge");
    assert!(!crate::upkeep::stands_somewhere(&place, "a bridge with a hole"));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    let log = store.audit(&admin(), 0, 1_000).await.expect("audit");
    let noted = |operation: &str| log.iter().filter(|e| e.operation == operation).count();
    assert_eq!((noted("incident.photo"), noted("incident.photo_remove")), (2, 1));

    // a changed photo, and one whose incident is gone, are found
    assert_eq!(put(&admin(), "e1", "dd").await, Ok(PhotoKept::New));
    place.past_the_guards("UPDATE incident_photos SET width = 17").await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().any(|f| f.kind == "row" && f.place == "incident_photos e1"), "{found:?}");
    place.past_the_guards("UPDATE incident_photos SET incident = 'gone'").await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().any(|f| f.kind == "reference" && f.place == "incident_photos gone"), "{found:?}");
}

pub(crate) async fn m3_round_opens_what_is_overdue_takes_it_up_and_closes_it(place: Place) {
    let store = place.open().await;
    ground(store.as_ref()).await;
    let later = NewIncident { due_at: Some("2025-05-01T00:00:00.000Z".to_owned()), ..incident("later", at(105.6004)) };
    store
        .record_incidents(&admin(), "t", &record(vec![incident("late", at(105.6004)), later]))
        .await
        .expect("recorded");
    let ms = |text: &str| moments::ms(moments::parse(text).expect("a moment"));
    let go = async |at: &str| round(store.as_ref(), ms(at)).await.expect("a round");
    let open = async || store.list_alerts(&admin(), None, Some(true), 10).await.expect("alerts");
    assert_eq!((go("2025-03-01T23:59:59Z").await, open().await.len()), (0, 0), "nothing is due");
    assert_eq!(go("2025-03-02T00:00:01Z").await, 1);
    let opened = open().await;
    let first = &opened[0];
    assert_eq!((opened.len(), first.subject.as_str(), first.kind.as_str()), (1, "overdue:late", "overdue"));
    assert_eq!((first.incident.as_deref(), first.level.as_str()), (Some("late"), "grid"));
    assert!(first.place.starts_with(VILLAGE), "{first:?}");
    assert_eq!(first.escalates_at.as_deref(), Some("2025-03-02T04:00:01.000Z"), "four hours as shipped");
    assert_eq!(go("2025-03-02T04:00:00Z").await, 0, "somebody may still look");
    assert_eq!(go("2025-03-02T04:00:01Z").await, 1, "nobody looked");
    let higher = open().await;
    assert_eq!((higher.len(), higher[0].id.as_str(), higher[0].level.as_str()), (1, first.id.as_str(), "village"));
    store.step_alert(&admin(), "u1", &first.id, AlertStep::Acknowledge, "值班员").await.expect("acknowledged");
    assert_eq!(go("2025-03-09T00:00:00Z").await, 0, "who was seen to goes no further, however late");
    let closed = store.advance_incident(&admin(), "u1", &step("late", 1, Action::Reject)).await.expect("a step");
    assert_eq!(closed.state, "rejected");
    assert_eq!((go("2025-03-09T00:00:01Z").await, open().await.len()), (1, 0), "what is over alarms no more");
    assert_eq!(go("2025-03-09T00:00:02Z").await, 0);
}
