//! Rows of the register: in, out, compared, filtered.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lianhu::domain::LonLat;
use lianhu::domain::register::{
    BarrierRow, CentreRow, DictionaryRow, Geometry, IncidentRow, IncidentTransition, JobRow, OfficerRow, OldNetRow,
    ProfileRow, RegionRow, ZoneRow,
};
use lianhu::store::{Filter, Idempotency, ImportRequest, Layer, RegisterRow, Store, StoreError};

use crate::ground::{NEIGHBOUR, Place, VILLAGE, admin, bring, building, household, settle};

/// A row of every layer with every field filled, in an order that keeps references.
pub(crate) fn one_of_each() -> Vec<RegisterRow> {
    let square = vec![vec![vec![[105.6, 25.9], [105.7, 25.9], [105.7, 26.0], [105.6, 25.9]]]];
    let day = |d: &str| Some(d.to_owned());
    let text = |t: &str| t.to_owned();
    let place = Some(LonLat { lon_deg: 105.612_345_678_9, lat_deg: 25.987_654_321_012_345 });
    vec![
        RegisterRow::Regions(RegionRow {
            code: text(VILLAGE),
            name: text("石头寨村"),
            level: text("village"),
            parent: Some(text("520423102")),
            outline: Some(square.clone()),
            valid_from: day("2019-12-31"),
            valid_to: None,
            row_version: 0,
        }),
        RegisterRow::Zones(ZoneRow {
            id: text("hgs"),
            name: text("黄果树旅游区"),
            townships: vec![text("520423102"), text("520424107")],
            valid_from: day("2020-02-29"),
            valid_to: day("2030-01-01"),
            row_version: 0,
        }),
        building("b1", VILLAGE, 105.61, 25.98),
        household("h1", VILLAGE, "b1", 105.61, 25.98),
        RegisterRow::Centres(CentreRow {
            id: text("c1"),
            region: text("520423102"),
            level: text("township"),
            name: text("综治中心"),
            place,
            address: Some(text("街1号")),
            duty_hours: Some(text("8:30–17:30")),
            valid_from: None,
            valid_to: None,
            row_version: 0,
        }),
        RegisterRow::Officers(OfficerRow {
            id: text("o1"),
            region: text("520423102001001"),
            role: text("grid_head"),
            name: Some(text("欧阳某某")),
            phone_sealed: Some(b"GP\0\x01sealed".to_vec()),
            household: Some(text("h1")),
            elected_on: day("2021-05-04"),
            valid_from: None,
            valid_to: None,
            row_version: 0,
        }),
        RegisterRow::Barriers(BarrierRow {
            id: text("r1"),
            region: text(VILLAGE),
            kind: text("river"),
            hard: true,
            name: Some(text("白水河")),
            shape: Geometry::Line(vec![[105.6, 25.9], [105.65, 25.95]]),
            valid_from: None,
            valid_to: None,
            row_version: 0,
        }),
        RegisterRow::OldNets(OldNetRow {
            id: text("n1"),
            net: text("police"),
            region: text(VILLAGE),
            name: None,
            shape: square,
            valid_from: None,
            valid_to: None,
            row_version: 0,
        }),
        RegisterRow::Incidents(IncidentRow {
            id: text("e1"),
            region: text(VILLAGE),
            grid: Some(text("520423102001001")),
            unit: Some(text("520423102001001002")),
            category: text("dispute"),
            dispute: Some(text("1")),
            level: text("grid"),
            state: text("reported"),
            occurred_at: text("2025-01-01T02:23:00.000Z"),
            due_at: day("2025-01-08T02:23:00.500Z"),
            summary: Some(text("'; DROP TABLE audit; --")),
            place,
            source: Some(text("门禁")),
            source_id: Some(text("0017")),
            row_version: 0,
        }),
        RegisterRow::Transitions(IncidentTransition {
            id: text("t1"),
            incident: text("e1"),
            region: text(VILLAGE),
            from_state: text("reported"),
            to_state: text("accepted"),
            from_level: text("grid"),
            to_level: text("village"),
            role: text("grid_worker"),
            at: text("2025-01-01T03:00:00.000Z"),
            due_at: None,
            reason: Some(text("")),
            row_version: 0,
        }),
        RegisterRow::Dictionaries(DictionaryRow {
            id: text("category/dispute"),
            dictionary: text("category"),
            key: text("dispute"),
            name: text("矛盾劝解"),
            name_en: Some(text("dispute mediation")),
            position: -2,
            enabled: false,
            due_hours: Some(text("24、48、72、96")),
            row_version: 0,
        }),
        RegisterRow::Profiles(ProfileRow {
            name: text("xixiu"),
            title: text("西秀"),
            toml: text("name = \"xixiu\"\n"),
            row_version: 0,
        }),
        RegisterRow::Jobs(JobRow {
            id: text("j1"),
            region: text("520423"),
            kind: text("import"),
            state: text("running"),
            progress: 0.1 + 0.2,
            parameters: text("{\"a\":1}"),
            result: None,
            created_at: text("2025-01-01T03:00:00.000Z"),
            updated_at: text("2025-01-01T03:00:01.000Z"),
            row_version: 0,
        }),
    ]
}

/// The row with another version.
fn versioned(row: &RegisterRow, version: u64) -> RegisterRow {
    let mut row = row.clone();
    match &mut row {
        RegisterRow::Regions(r) => r.row_version = version,
        RegisterRow::Zones(r) => r.row_version = version,
        RegisterRow::Buildings(r) => r.row_version = version,
        RegisterRow::Households(r) => r.row_version = version,
        RegisterRow::Centres(r) => r.row_version = version,
        RegisterRow::Officers(r) => r.row_version = version,
        RegisterRow::Barriers(r) => r.row_version = version,
        RegisterRow::OldNets(r) => r.row_version = version,
        RegisterRow::Incidents(r) => r.row_version = version,
        RegisterRow::Transitions(r) => r.row_version = version,
        RegisterRow::Dictionaries(r) => r.row_version = version,
        RegisterRow::Profiles(r) => r.row_version = version,
        RegisterRow::Jobs(r) => r.row_version = version,
    }
    row
}

async fn all(store: &dyn Store, layer: Layer) -> Vec<RegisterRow> {
    store.list(&admin(), layer, &Filter::default()).await.expect("rows").rows
}

pub(crate) async fn rows_of_every_layer_come_back_as_they_went_in(place: Place) {
    let store = place.open().await;
    let rows = one_of_each();
    assert_eq!(rows.len(), Layer::ALL.len());
    for row in &rows {
        let report = bring(store.as_ref(), vec![row.clone()]).await.expect("import");
        assert_eq!((report.inserted, report.stored), (1, true));
    }
    store.close().await;
    let store = place.open().await;
    for row in &rows {
        let layer = row.layer();
        let page = match layer {
            Layer::Officers => store.reveal_officers(&admin(), "tester", "round trip", &Filter::default()).await,
            _ => store.list(&admin(), layer, &Filter::default()).await,
        };
        assert_eq!(page.expect("rows").rows, [versioned(row, 1)], "{}", layer.name());
        let again = bring(store.as_ref(), vec![row.clone()]).await.expect("import");
        assert_eq!((again.unchanged, again.updated, again.inserted), (1, 0, 0), "{}", layer.name());
    }
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

fn with_floor(row: &RegisterRow, floor: i32) -> RegisterRow {
    match row.clone() {
        RegisterRow::Households(h) => {
            RegisterRow::Households(lianhu::domain::register::HouseholdRow { floor: Some(floor), ..h })
        }
        other => other,
    }
}

pub(crate) async fn import_counts_and_logs_changed_cells_only(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let before = store.register_version(&admin()).await.expect("version");
    let mut rows = all(store.as_ref(), Layer::Households).await;
    rows[3] = with_floor(&rows[3], 7);
    rows.push(household("fresh", VILLAGE, "b0", 105.6, 25.97));
    let report = bring(store.as_ref(), rows.clone()).await.expect("import");
    assert_eq!((report.inserted, report.updated, report.unchanged, report.changed_cells_total), (1, 1, 7, 1));
    let cell = &report.changed_cells[0];
    assert_eq!((cell.id.as_str(), cell.column.as_str()), (rows[3].key(), "floor"));
    assert_eq!((cell.before.as_i64(), cell.after.as_i64()), (Some(-1), Some(7)));
    assert_eq!(report.register_version, before + 1);
    let now = all(store.as_ref(), Layer::Households).await;
    assert!(now.contains(&versioned(&rows[3], 2)));
    let audit = store.audit(&admin(), 0, 100).await.expect("audit");
    assert_eq!(audit.last().map(|a| a.operation.as_str()), Some("register.import"));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn import_of_some_columns_leaves_the_others(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 2).await;
    let Some(RegisterRow::Households(mut row)) = all(store.as_ref(), Layer::Households).await.pop() else { panic!() };
    row.persons = Some(9);
    row.hamlet = None;
    let mut request = ImportRequest::new(Layer::Households);
    request.columns = Some(vec!["persons".to_owned()]);
    let chunk = vec![vec![RegisterRow::Households(row.clone())]];
    let report = store.import(&admin(), "tester", &request, &mut chunk.into_iter()).await.expect("import");
    assert_eq!((report.updated, report.changed_cells_total), (1, 1));
    let Some(RegisterRow::Households(now)) = all(store.as_ref(), Layer::Households).await.pop() else { panic!() };
    assert_eq!((now.persons, now.hamlet.as_deref()), (Some(9), Some("上寨")));
    request.columns = Some(vec!["persons; DROP TABLE audit".to_owned()]);
    let none: Vec<Vec<RegisterRow>> = Vec::new();
    let refused = store.import(&admin(), "tester", &request, &mut none.into_iter()).await;
    assert!(matches!(refused, Err(StoreError::BadArgument { name: "columns", .. })));
}

pub(crate) async fn row_changed_meanwhile_is_a_conflict(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 2).await;
    let exported = all(store.as_ref(), Layer::Households).await;
    bring(store.as_ref(), vec![with_floor(&exported[0], 3)]).await.expect("another's edit");
    let file = vec![with_floor(&exported[0], 5), with_floor(&exported[1], 5)];
    let report = bring(store.as_ref(), file.clone()).await.expect("import");
    assert_eq!((report.conflicts.len(), report.stored), (1, false));
    assert_eq!((report.conflicts[0].file_version, report.conflicts[0].store_version), (1, 2));
    assert_eq!(all(store.as_ref(), Layer::Households).await[1], exported[1], "all or nothing");
    let mut request = ImportRequest::new(Layer::Households);
    request.partial = true;
    let report = store.import(&admin(), "tester", &request, &mut vec![file].into_iter()).await.expect("import");
    assert_eq!((report.conflicts.len(), report.updated, report.stored), (1, 1, true));
    let now = all(store.as_ref(), Layer::Households).await;
    assert_eq!(now[0], versioned(&with_floor(&exported[0], 3), 2));
    assert_eq!(now[1], versioned(&with_floor(&exported[1], 5), 2));
}

pub(crate) async fn import_is_all_or_nothing(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 2).await;
    let version = store.register_version(&admin()).await.expect("version");
    let fresh = |n: usize| household(&format!("n{n}"), VILLAGE, "b0", 105.6, 25.97);
    let bad = household("bad", VILLAGE, "b0", f64::NAN, 25.97);
    let chunks = vec![(0..2_000).map(fresh).collect(), vec![fresh(9_999), bad]];
    let request = ImportRequest::new(Layer::Households);
    let refused = store.import(&admin(), "tester", &request, &mut chunks.into_iter()).await;
    assert!(matches!(&refused, Err(StoreError::Constraint { id, .. }) if id == "bad"), "{refused:?}");
    let twice = bring(store.as_ref(), vec![fresh(1), fresh(1)]).await;
    assert!(matches!(&twice, Err(StoreError::Constraint { id, .. }) if id == "n1"), "{twice:?}");
    assert_eq!(all(store.as_ref(), Layer::Households).await.len(), 4);
    assert_eq!(store.register_version(&admin()).await.expect("version"), version);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn i42_same_key_same_answer_rows_counted_once(place: Place) {
    let store = place.open().await;
    let mut request = ImportRequest::new(Layer::Buildings);
    let key = |body: &str| Some(Idempotency { key: "k1".to_owned(), body_sha256: body.to_owned() });
    request.idempotency = key("aa");
    let chunk = || vec![vec![building("b1", VILLAGE, 105.6, 25.9)]].into_iter();
    let first = store.import(&admin(), "tester", &request, &mut chunk()).await.expect("import");
    let second = store.import(&admin(), "tester", &request, &mut chunk()).await.expect("import");
    assert_eq!((first.inserted, &first), (1, &second));
    assert_eq!(store.register_version(&admin()).await.expect("version"), first.register_version);
    request.idempotency = key("bb");
    let other = store.import(&admin(), "tester", &request, &mut chunk()).await;
    assert_eq!(other, Err(StoreError::KeyReused { key: "k1".to_owned() }));
}

pub(crate) async fn cancelled_or_dry_import_changes_nothing(place: Place) {
    let store = place.open().await;
    let mut request = ImportRequest::new(Layer::Buildings);
    request.dry_run = true;
    let rows: Vec<RegisterRow> = (0..3_000).map(|i| building(&format!("b{i}"), VILLAGE, 105.6, 25.9)).collect();
    let chunk = || vec![rows.clone()].into_iter();
    let report = store.import(&admin(), "tester", &request, &mut chunk()).await.expect("import");
    assert_eq!((report.inserted, report.stored), (3_000, false));
    request.dry_run = false;
    request.cancel = Some(Arc::new(AtomicBool::new(true)));
    let cancelled = store.import(&admin(), "tester", &request, &mut chunk()).await;
    assert_eq!(cancelled, Err(StoreError::Cancelled));
    assert_eq!(store.count(&admin(), Layer::Buildings, &Filter::default()).await, Ok(0));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn bulk_load_is_what_small_loads_are(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 1_200).await;
    // into a table that has rows: through triggers and lookups
    let more: Vec<RegisterRow> =
        (0..1_100).map(|i| building(&format!("m{i}"), VILLAGE, 106.0 + i as f64 * 1e-4, 26.0)).collect();
    let report = bring(store.as_ref(), more).await.expect("import");
    assert_eq!(report.inserted, 1_100);
    let in_box = |bbox_deg| Filter { bbox_deg: Some(bbox_deg), limit: Some(10_000), ..Filter::default() };
    let count = async |bbox| store.count(&admin(), Layer::Buildings, &in_box(bbox)).await.expect("count");
    assert_eq!(count([105.599_95, 25.96, 105.601_05, 25.98]).await, 11);
    assert_eq!(count([105.999_95, 25.99, 106.000_25, 26.01]).await, 3);
    let page = store.list(&admin(), Layer::Buildings, &in_box([105.6, 25.97, 105.6, 25.97])).await.expect("rows");
    assert_eq!(page.rows.iter().map(RegisterRow::key).collect::<Vec<_>>(), ["b0"]);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    // and the triggers are back: a moved building is found at its new place
    let moved = vec![building("m5", VILLAGE, 107.0, 26.5)];
    assert_eq!(bring(store.as_ref(), moved).await.expect("import").updated, 1);
    assert_eq!(count([106.9, 26.4, 107.1, 26.6]).await, 1);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn filter_is_kept_or_refused(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 6).await;
    let list = async |layer, filter: Filter| store.list(&admin(), layer, &filter).await;
    let keys = |page: lianhu::store::Page| page.rows.iter().map(|r| r.key().to_owned()).collect::<Vec<_>>();
    let households = async |filter| list(Layer::Households, filter).await.map(keys);
    let region = Filter { region: Some(NEIGHBOUR.to_owned()), ..Filter::default() };
    assert_eq!(households(region).await.expect("rows"), ["h10", "h11", "h2", "h3", "h6", "h7"]);
    let of_building = Filter { building: Some("b2".to_owned()), ..Filter::default() };
    assert_eq!(households(of_building).await.expect("rows"), ["h4", "h5"]);
    let ids = vec!["h9".to_owned(), "nobody".to_owned(), "x' OR '1'='1".to_owned()];
    assert_eq!(households(Filter { ids: Some(ids), ..Filter::default() }).await.expect("rows"), ["h9"]);
    let day = |d: &str| Filter { as_of: Some(d.to_owned()), ..Filter::default() };
    assert_eq!(households(day("2019-12-31")).await.expect("rows").len(), 0);
    assert_eq!(households(day("2020-01-01")).await.expect("rows").len(), 12);
    // pages meet without gap or overlap
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = list(Layer::Households, Filter { limit: Some(5), after, ..Filter::default() }).await.expect("page");
        after = page.next.clone();
        seen.extend(keys(page));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.windows(2).all(|w| w[0] < w[1]), "byte order on both engines");
    let mut streamed = 0;
    let mut sink = |rows: Vec<RegisterRow>| {
        streamed += rows.len();
        std::ops::ControlFlow::Continue(())
    };
    let sent = store.stream(&admin(), Layer::Households, &Filter::default(), &mut sink).await.expect("stream");
    assert_eq!((sent, streamed), (12, 12));
    // what cannot be filtered is refused, never left out
    let bbox = Filter { bbox_deg: Some([0.0, 0.0, 1.0, 1.0]), ..Filter::default() };
    assert_eq!(list(Layer::Zones, bbox).await, Err(StoreError::Unsupported { layer: "zones", filter: "bbox" }));
    let unsupported = [
        (Layer::Incidents, day("2020-01-01")),
        (Layer::Dictionaries, Filter { region: Some("52".to_owned()), ..Filter::default() }),
        (Layer::Buildings, Filter { building: Some("b1".to_owned()), ..Filter::default() }),
    ];
    for (layer, filter) in unsupported {
        assert!(matches!(list(layer, filter).await, Err(StoreError::Unsupported { .. })), "{}", layer.name());
    }
    let bad = [
        Filter { limit: Some(0), ..Filter::default() },
        Filter { limit: Some(10_001), ..Filter::default() },
        Filter { bbox_deg: Some([f64::NAN, 0.0, 1.0, 1.0]), ..Filter::default() },
        Filter { bbox_deg: Some([2.0, 0.0, 1.0, 1.0]), ..Filter::default() },
        Filter { region: Some("5204231".to_owned()), ..Filter::default() },
        day("2020-13-01"),
    ];
    for filter in bad {
        assert!(matches!(households(filter.clone()).await, Err(StoreError::BadArgument { .. })), "{filter:?}");
    }
}

/// Each row takes the place of the one before: nothing of that may be left in it, whatever it had and this one lacks.
pub(crate) async fn rows_that_pass_are_those_of_a_stream(place: Place) {
    let store = place.open().await;
    for row in one_of_each() {
        bring(store.as_ref(), vec![row]).await.expect("import");
    }
    let some = |n: usize, bit: usize, text: &str| (n & bit > 0).then(|| text.repeat(1 + n % 3));
    let (mut households, mut buildings) = (Vec::new(), Vec::new());
    for n in 0..64 {
        let RegisterRow::Households(mut h) = household(&format!("p{n:02}"), VILLAGE, "b1", 105.61, 25.98) else {
            panic!()
        };
        (h.stairwell, h.hamlet, h.group_name) = (some(n, 1, "单元"), some(n, 2, "寨"), some(n, 4, "组"));
        (h.floor, h.persons) = ((n & 8 > 0).then_some(n as i32 - 9), (n & 16 > 0).then_some(n as u32));
        h.eligible = [None, Some(true), Some(false)][n % 3];
        h.tenure = h.tenure.filter(|_| n & 32 > 0);
        h.valid_to = some(n, 1, "").map(|_| "2031-01-01".to_owned());
        households.push(RegisterRow::Households(h));
        let RegisterRow::Buildings(mut b) = building(&format!("p{n:02}"), VILLAGE, 105.61, 25.98) else { panic!() };
        b.stairwells = (0..n % 3).map(|i| format!("{i}单元 \"甲\"")).collect();
        (b.name, b.kind, b.households) = (some(n, 1, "楼"), some(n, 2, "住宅"), (n & 4 > 0).then_some(3));
        let x = 105.61 + n as f64 * 1e-5;
        if n & 8 > 0 {
            b.place = Geometry::Polygon(vec![vec![[x, 25.98], [x + 1e-5, 25.98], [x, 25.981], [x, 25.98]]]);
        }
        buildings.push(RegisterRow::Buildings(b));
    }
    bring(store.as_ref(), buildings).await.expect("buildings");
    bring(store.as_ref(), households).await.expect("households");
    for layer in Layer::ALL {
        let (mut streamed, mut passed) = (Vec::new(), Vec::new());
        let mut sink = |rows: Vec<RegisterRow>| {
            streamed.extend(rows);
            std::ops::ControlFlow::Continue(())
        };
        store.stream(&admin(), *layer, &Filter::default(), &mut sink).await.expect("stream");
        let mut see = |row: &RegisterRow| {
            passed.push(row.clone());
            std::ops::ControlFlow::Continue(())
        };
        let seen = store.each(&admin(), *layer, &Filter::default(), &mut see).await.expect("rows");
        assert_eq!(seen, passed.len() as u64);
        assert_eq!(passed, streamed, "{}", layer.name());
        assert!(!passed.is_empty(), "{}", layer.name());
        let mut stop = |_: &RegisterRow| std::ops::ControlFlow::Break(());
        assert_eq!(store.each(&admin(), *layer, &Filter::default(), &mut stop).await, Ok(1), "{}", layer.name());
    }
    let neighbours = Filter { region: Some(NEIGHBOUR.to_owned()), ..Filter::default() };
    let mut see = |_: &RegisterRow| std::ops::ControlFlow::Continue(());
    assert_eq!(store.each(&admin(), Layer::Households, &neighbours, &mut see).await, Ok(0));
}

pub(crate) async fn row_that_breaks_a_rule_is_named(place: Place) {
    let store = place.open().await;
    bring(store.as_ref(), vec![building("b0", VILLAGE, 105.6, 25.9)]).await.expect("building");
    let region = |code: &str, level: &str| {
        RegisterRow::Regions(RegionRow { code: code.to_owned(), level: level.to_owned(), ..RegionRow::default() })
    };
    let open_ring = vec![vec![vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]]];
    let mut with_nul = building("nul", VILLAGE, 105.6, 25.9);
    if let RegisterRow::Buildings(b) = &mut with_nul {
        b.name = Some("a\0b".to_owned());
    }
    let bad = [
        household("h1", VILLAGE, "no such building", 105.6, 25.9),
        household("h1", "5204231020", "b0", 105.6, 25.9),
        household("h1", VILLAGE, "b0", 25.9, 105.6),
        household("h1", VILLAGE, "b0", f64::INFINITY, 25.9),
        household("", VILLAGE, "b0", 105.6, 25.9),
        household("h\n1", VILLAGE, "b0", 105.6, 25.9),
        region("520423102000", "village"),
        region("520423102", "village"),
        region("52042310", "township"),
        RegisterRow::Regions(RegionRow {
            code: VILLAGE.to_owned(),
            level: "village".to_owned(),
            outline: Some(open_ring),
            ..RegionRow::default()
        }),
        RegisterRow::Zones(ZoneRow { id: "z".to_owned(), townships: vec!["5204".to_owned()], ..ZoneRow::default() }),
        RegisterRow::Incidents(IncidentRow {
            id: "e".to_owned(),
            region: VILLAGE.to_owned(),
            occurred_at: "2025-01-01 10:00".to_owned(),
            ..IncidentRow::default()
        }),
        with_nul,
    ];
    for row in bad {
        let (layer, key) = (row.layer().name(), row.key().to_owned());
        match bring(store.as_ref(), vec![row]).await {
            Err(StoreError::Constraint { layer: l, id, .. }) => assert_eq!((l, id), (layer, key)),
            other => panic!("{layer} {key}: {other:?}"),
        }
    }
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn removed_rows_are_in_the_log(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 2).await;
    let remove = async |layer, ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|s| (*s).to_owned()).collect();
        store.remove(&admin(), "tester", layer, &ids, (None, None)).await
    };
    assert!(matches!(remove(Layer::Households, &["h1", "nobody"]).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(remove(Layer::Buildings, &["b0"]).await, Err(StoreError::Constraint { .. })));
    assert_eq!(remove(Layer::Households, &["h0", "h1"]).await, Ok(2));
    assert_eq!(remove(Layer::Buildings, &["b0"]).await, Ok(1));
    let audit = store.audit(&admin(), 0, 100).await.expect("audit");
    let last = audit.last().and_then(|a| a.before.clone()).expect("the rows");
    assert!(last.contains("b0号楼"), "{last}");
    assert_eq!(store.count(&admin(), Layer::Households, &Filter::default()).await, Ok(2));
    // a division goes only when nothing lies in it
    let divisions = [(VILLAGE, "village"), (NEIGHBOUR, "village"), (&VILLAGE[..9], "township")];
    let row = |(code, level): (&str, &str)| RegionRow {
        code: code.to_owned(),
        name: "某地".to_owned(),
        level: level.to_owned(),
        ..RegionRow::default()
    };
    let rows = divisions.map(|d| RegisterRow::Regions(row(d))).to_vec();
    bring(store.as_ref(), rows).await.expect("divisions");
    for (code, word) in [(NEIGHBOUR, "buildings"), (&VILLAGE[..9], "regions")] {
        match remove(Layer::Regions, &[code]).await {
            Err(StoreError::Constraint { id, what, .. }) => assert!(id == code && what.contains(word), "{what}"),
            other => panic!("{code}: {other:?}"),
        }
    }
    assert_eq!(remove(Layer::Regions, &[VILLAGE]).await, Ok(1));
    // an entry of a list goes only when no incident bears it, by its key or by a name that came before there was the entry
    let entry = |key: &str, name: &str, english: Option<&str>| {
        RegisterRow::Dictionaries(DictionaryRow {
            id: format!("category/{key}"),
            dictionary: "category".to_owned(),
            key: key.to_owned(),
            name: name.to_owned(),
            name_en: english.map(str::to_owned),
            enabled: true,
            ..DictionaryRow::default()
        })
    };
    let incident = |id: &str, category: &str| {
        let Some(RegisterRow::Incidents(row)) = one_of_each().into_iter().find(|r| r.layer() == Layer::Incidents)
        else {
            panic!("an incident")
        };
        let (id, category) = (id.to_owned(), category.to_owned());
        RegisterRow::Incidents(IncidentRow { id, category, source: None, source_id: None, ..row })
    };
    let entries =
        [("flood", "内涝", None), ("fire", "火情", Some("Fire")), ("wind", "大风", None), ("ice", "凝冻", None)];
    bring(store.as_ref(), entries.map(|(key, name, english)| entry(key, name, english)).to_vec())
        .await
        .expect("entries");
    let told = [("i1", "内涝"), ("i2", "fire"), ("i3", "FIRE"), ("i4", "wind")].map(|(id, word)| incident(id, word));
    bring(store.as_ref(), told.to_vec()).await.expect("incidents");
    for key in ["category/flood", "category/fire", "category/wind"] {
        assert!(matches!(remove(Layer::Dictionaries, &[key]).await, Err(StoreError::Constraint { .. })), "{key}");
    }
    assert_eq!(remove(Layer::Incidents, &["i2"]).await, Ok(1));
    let refused = remove(Layer::Dictionaries, &["category/fire"]).await;
    assert!(matches!(&refused, Err(StoreError::Constraint { what, .. }) if what.contains("i3")), "{refused:?}");
    assert_eq!(remove(Layer::Dictionaries, &["category/ice"]).await, Ok(1));
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}
