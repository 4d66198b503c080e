//! Who sees and does what, where.

use lianhu::domain::register::{IncidentRow, OfficerRow, RegionRow, ZoneRow};
use lianhu::store::{
    Filter, ImportRequest, Layer, PlanFilter, RegisterRow, Role, Scope, Store, StoreError, TransactError,
};

use crate::ground::{
    NEIGHBOUR, Place, VILLAGE, admin, bring, building, household, plan, renamed, request, scope, settle, village_rows,
};
use crate::register::one_of_each;

/// Rows of two villages in one township, and of another county.
async fn three_places(store: &dyn Store) {
    for row in one_of_each() {
        bring(store, vec![row]).await.expect("import");
    }
    for (n, village) in [(2, NEIGHBOUR), (3, "520424107003")] {
        bring(store, vec![building(&format!("b{n}"), village, 105.7, 26.0)]).await.expect("building");
        let row = household(&format!("h{n}"), village, &format!("b{n}"), 105.7, 26.0);
        bring(store, vec![row]).await.expect("household");
        let region = RegionRow { code: village.to_owned(), level: "village".to_owned(), ..RegionRow::default() };
        bring(store, vec![RegisterRow::Regions(region)]).await.expect("region");
        let incident = IncidentRow {
            id: format!("e{n}"),
            region: village.to_owned(),
            occurred_at: "2025-01-01T02:23:00.000Z".to_owned(),
            ..IncidentRow::default()
        };
        bring(store, vec![RegisterRow::Incidents(incident)]).await.expect("incident");
        let officer = OfficerRow { id: format!("o{n}"), region: village.to_owned(), ..OfficerRow::default() };
        bring(store, vec![RegisterRow::Officers(officer)]).await.expect("officer");
    }
    let zone = ZoneRow { id: "far".to_owned(), townships: vec!["520424108".to_owned()], ..ZoneRow::default() };
    bring(store, vec![RegisterRow::Zones(zone)]).await.expect("zone");
}

async fn keys(store: &dyn Store, scope: &Scope, layer: Layer) -> Vec<String> {
    let page = store.list(scope, layer, &Filter::default()).await.expect("rows");
    assert_eq!(store.count(scope, layer, &Filter::default()).await, Ok(page.rows.len() as u64), "{}", layer.name());
    page.rows.iter().map(|r| r.key().to_owned()).collect()
}

pub(crate) async fn no_layer_leaks_across_a_scope(place: Place) {
    let store = place.open().await;
    three_places(store.as_ref()).await;
    let own = scope(Role::Planner, VILLAGE);
    let parent = scope(Role::Planner, "520423102");
    let none = scope(Role::Planner, "530102001001");
    let child = scope(Role::Planner, "520423102001001");
    let zone = Scope::zone(Role::Planner, &["520424107".to_owned()]).expect("a zone");
    for (layer, all, own_keys, parent_keys, child_keys, zone_keys) in [
        (Layer::Regions, 3, vec![VILLAGE], vec![VILLAGE, NEIGHBOUR], vec![], vec!["520424107003"]),
        (Layer::Zones, 2, vec!["hgs"], vec!["hgs"], vec!["hgs"], vec!["hgs"]),
        (Layer::Buildings, 3, vec!["b1"], vec!["b1", "b2"], vec![], vec!["b3"]),
        (Layer::Households, 3, vec!["h1"], vec!["h1", "h2"], vec![], vec!["h3"]),
        (Layer::Centres, 1, vec![], vec!["c1"], vec![], vec![]),
        (Layer::Officers, 3, vec!["o1"], vec!["o1", "o2"], vec!["o1"], vec!["o3"]),
        (Layer::Barriers, 1, vec!["r1"], vec!["r1"], vec![], vec![]),
        (Layer::OldNets, 1, vec!["n1"], vec!["n1"], vec![], vec![]),
        (Layer::Incidents, 3, vec!["e1"], vec!["e1", "e2"], vec!["e1"], vec!["e3"]),
        (Layer::Transitions, 1, vec!["t1"], vec!["t1"], vec![], vec![]),
        (Layer::Jobs, 1, vec![], vec![], vec![], vec![]),
    ] {
        let name = layer.name();
        assert_eq!(keys(store.as_ref(), &admin(), layer).await.len(), all, "{name}");
        assert_eq!(keys(store.as_ref(), &own, layer).await, own_keys, "own: {name}");
        assert_eq!(keys(store.as_ref(), &parent, layer).await, parent_keys, "parent: {name}");
        assert_eq!(keys(store.as_ref(), &child, layer).await, child_keys, "child: {name}");
        assert_eq!(keys(store.as_ref(), &zone, layer).await, zone_keys, "zone: {name}");
        assert_eq!(keys(store.as_ref(), &none, layer).await, Vec::<String>::new(), "none: {name}");
        // a region filter narrows, it never widens
        if layer != Layer::Zones {
            let wide = Filter { region: Some("52".to_owned()), ..Filter::default() };
            let page = store.list(&own, layer, &wide).await.expect("rows");
            assert_eq!(page.rows.len(), own_keys.len(), "widened: {name}");
            let elsewhere = Filter { region: Some("520424".to_owned()), ..Filter::default() };
            assert_eq!(store.count(&own, layer, &elsewhere).await, Ok(0), "elsewhere: {name}");
        }
        let by_id = Filter { ids: Some(vec!["b3".to_owned(), "h3".to_owned(), "e3".to_owned()]), ..Filter::default() };
        assert_eq!(store.count(&own, layer, &by_id).await, Ok(0), "by id: {name}");
    }
    // a foreign row cannot be taken over by writing one's own with its key, nor removed
    let takeover = vec![vec![building("b3", VILLAGE, 105.6, 25.9)]];
    let request = ImportRequest::new(Layer::Buildings);
    let refused = store.import(&own, "tester", &request, &mut takeover.into_iter()).await;
    assert!(matches!(refused, Err(StoreError::Constraint { .. })), "{refused:?}");
    let removed = store.remove(&own, "tester", Layer::Incidents, &["e3".to_owned()], (None, None)).await;
    assert!(matches!(removed, Err(StoreError::NotFound { .. })), "{removed:?}");
    let outside = vec![vec![building("b9", NEIGHBOUR, 105.6, 25.9)]];
    let refused = store.import(&own, "tester", &request, &mut outside.into_iter()).await;
    assert!(matches!(refused, Err(StoreError::Constraint { .. })), "{refused:?}");
}

pub(crate) async fn plans_do_not_leak_across_a_scope(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let township = plan(store.as_ref()).await;
    let village = scope(Role::Planner, VILLAGE);
    let foreign = scope(Role::Planner, "520424");
    let is_missing = |e: &StoreError| matches!(e, StoreError::NotFound { .. });
    assert!(store.get_plan(&foreign, &township.id).await.is_err_and(|e| is_missing(&e)));
    let both = [VILLAGE.to_owned(), NEIGHBOUR.to_owned()];
    assert!(store.plan_rows(&foreign, &township.id, &both).await.is_err_and(|e| is_missing(&e)));
    assert!(store.history(&foreign, &township.id, 0, 10).await.is_err_and(|e| is_missing(&e)));
    assert_eq!(store.list_plans(&foreign, &PlanFilter::default()).await, Ok(Vec::new()));
    // the village sees its part of the township's plan
    assert_eq!(store.plan_villages(&village, &township.id).await, Ok(vec![VILLAGE.to_owned()]));
    let (_, rows) = store.plan_rows(&village, &township.id, &both).await.expect("rows");
    assert_eq!(rows[0], village_rows(VILLAGE, 2));
    assert!(rows[1].grids.is_empty() && rows[1].memberships.is_empty() && rows[1].seats.is_empty());
    let grid = scope(Role::Viewer, &format!("{VILLAGE}002"));
    let (_, rows) = store.plan_rows(&grid, &township.id, &both).await.expect("rows");
    assert_eq!((rows[0].grids.len(), rows[0].units.len(), rows[0].memberships.len()), (1, 2, 4));
    // edits reach what they may
    let code = format!("{NEIGHBOUR}001");
    let edit = store
        .transact(&village, &request(&township, 1, NEIGHBOUR), &mut |_, r| Ok(renamed(r, &code, "x").into()))
        .await;
    assert!(matches!(edit, Err(TransactError::Store(StoreError::NotFound { .. }))), "{edit:?}");
    let neighbours = village_rows(NEIGHBOUR, 2);
    let smuggled = std::slice::from_ref(&neighbours);
    let edit = store
        .transact(&village, &request(&township, 1, VILLAGE), &mut |_, _| Ok(renamed(smuggled, &code, "x").into()))
        .await;
    assert!(matches!(edit, Err(TransactError::Store(StoreError::NotFound { .. }))), "{edit:?}");
    store
        .transact(&admin(), &request(&township, 1, NEIGHBOUR), &mut |_, r| Ok(renamed(r, &code, "秘密").into()))
        .await
        .expect("the admin may");
    assert_eq!(store.history(&village, &township.id, 0, 10).await, Ok(Vec::new()));
    assert_eq!(store.history(&admin(), &township.id, 0, 10).await.expect("history").len(), 1);
    let versions = store.grid_versions(&village, &township.id).await.expect("versions");
    assert_eq!(versions, []);
    // what is not shown does not end a page
    let own = format!("{VILLAGE}001");
    store
        .transact(&village, &request(&township, 2, VILLAGE), &mut |_, r| Ok(renamed(r, &own, "本村").into()))
        .await
        .expect("the village may");
    let seen = store.history(&village, &township.id, 0, 1).await.expect("history");
    assert_eq!(seen.iter().map(|e| (e.seq, e.operation.is_null())).collect::<Vec<_>>(), [(2, true)]);
    assert_eq!(store.history(&village, &township.id, 2, 1).await, Ok(Vec::new()));
}

pub(crate) async fn roles_do_what_they_may(place: Place) {
    let store = place.open().await;
    settle(store.as_ref(), 4).await;
    let plan = plan(store.as_ref()).await;
    let forbidden = |e: &StoreError| matches!(e, StoreError::Forbidden { .. });
    for role in [Role::Viewer, Role::Exporter, Role::Auditor] {
        let scope = Scope::whole_store(role);
        let chunk = vec![vec![building("x", VILLAGE, 105.6, 25.9)]];
        let import = ImportRequest::new(Layer::Buildings);
        assert!(store.import(&scope, "t", &import, &mut chunk.into_iter()).await.is_err_and(|e| forbidden(&e)));
        assert!(
            store
                .remove(&scope, "t", Layer::Households, &["h0".into()], (None, None))
                .await
                .is_err_and(|e| forbidden(&e))
        );
        let edit =
            store.transact(&scope, &request(&plan, 1, VILLAGE), &mut |_, r| Ok(renamed(r, VILLAGE, "").into())).await;
        assert!(matches!(edit, Err(TransactError::Store(e)) if forbidden(&e)));
        let listed = store.list(&scope, Layer::Officers, &Filter::default()).await.expect("posts are no secret");
        assert!(listed.rows.iter().all(|r| matches!(r, RegisterRow::Officers(o) if o.name.is_none())));
        assert!(store.fork(&scope, &plan.id, "t", "x").await.is_err_and(|e| forbidden(&e)));
    }
    let auditor = Scope::whole_store(Role::Auditor);
    let revealed = store.reveal_officers(&auditor, "t", "why", &Filter::default()).await;
    assert!(revealed.is_err_and(|e| forbidden(&e)));
    for role in [Role::Viewer, Role::Exporter, Role::Planner] {
        assert!(store.audit(&Scope::whole_store(role), 0, 1).await.is_err_and(|e| forbidden(&e)));
        assert!(store.check(&Scope::whole_store(role)).await.is_err_and(|e| forbidden(&e)));
    }
    assert!(store.audit(&scope(Role::Auditor, "52"), 0, 1).await.is_err_and(|e| forbidden(&e)));
    assert!(store.audit(&Scope::whole_store(Role::Auditor), 0, 1).await.is_ok());
}

pub(crate) async fn officers_names_are_revealed_with_a_purpose_and_nowhere_else(place: Place) {
    let store = place.open().await;
    let officer = OfficerRow {
        id: "o1".to_owned(),
        region: VILLAGE.to_owned(),
        role: "grid_head".to_owned(),
        name: Some("司马无名".to_owned()),
        phone_sealed: Some(vec![1, 2, 3]),
        ..OfficerRow::default()
    };
    bring(store.as_ref(), vec![RegisterRow::Officers(officer.clone())]).await.expect("import");
    let renamed = OfficerRow { name: Some("诸葛无名".to_owned()), ..officer };
    let report = bring(store.as_ref(), vec![RegisterRow::Officers(renamed.clone())]).await.expect("import");
    assert!(!format!("{report:?}").contains("无名"), "{report:?}");
    let planner = scope(Role::Planner, "520423");
    let listed = store.list(&planner, Layer::Officers, &Filter::default()).await.expect("rows");
    assert!(!format!("{listed:?}").contains("无名"));
    assert!(matches!(
        store.reveal_officers(&planner, "p", " ", &Filter::default()).await,
        Err(StoreError::BadArgument { name: "purpose", .. })
    ));
    let revealed = store.reveal_officers(&planner, "p", "值班表", &Filter::default()).await.expect("rows");
    assert_eq!(revealed.rows, [RegisterRow::Officers(OfficerRow { row_version: 2, ..renamed })]);
    let audit = format!("{:?}", store.audit(&admin(), 0, 100).await.expect("audit"));
    assert!(audit.contains("officers.reveal") && audit.contains("值班表") && !audit.contains("无名"), "{audit}");
    store.remove(&admin(), "t", Layer::Officers, &["o1".to_owned()], (None, None)).await.expect("removed");
    let audit = format!("{:?}", store.audit(&admin(), 0, 100).await.expect("audit"));
    assert!(!audit.contains("无名"), "{audit}");
}

/// Tables whose rows tell of nobody and of no place.
const OPEN: [&str; 5] = ["audit_head", "dictionaries", "profiles", "register_state", "schema_migrations"];
/// The code by which rows of the others are seen; what is not here is seen by the program alone.
const CODES: [(&str, &str); 17] = [
    ("regions", "code"),
    ("buildings", "village"),
    ("households", "village"),
    ("centres", "region"),
    ("officers", "region"),
    ("barriers", "region"),
    ("old_nets", "region"),
    ("incidents", "region"),
    ("incident_transitions", "region"),
    ("jobs", "region"),
    ("plans", "region"),
    ("grids", "code"),
    ("units", "code"),
    ("leaders", "unit"),
    ("seats", "grid"),
    ("memberships", "unit"),
    ("alerts", "place"),
];

/// The second wall: whoever reads the tables past the program, with everything granted, sees the rows of the area that stands for its role.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role_of_the_database_sees_its_area_and_no_setting_widens_it() {
    let place = Place::postgis();
    let store = place.open().await;
    settle(store.as_ref(), 12).await;
    plan(store.as_ref()).await;
    let far = "520424107003";
    let region = RegionRow { code: far.to_owned(), level: "village".to_owned(), ..RegionRow::default() };
    let officer = OfficerRow { id: "o93".to_owned(), region: far.to_owned(), ..OfficerRow::default() };
    let (id, occurred_at) = ("e93".to_owned(), "2025-01-01T02:23:00.000Z".to_owned());
    let incident = IncidentRow { id, region: far.to_owned(), occurred_at, ..IncidentRow::default() };
    let beside = [
        building("b93", far, 105.7, 26.0),
        household("h93", far, "b93", 105.7, 26.0),
        RegisterRow::Regions(region),
        RegisterRow::Officers(officer),
        RegisterRow::Incidents(incident),
    ];
    let settled = |row: &RegisterRow| matches!(row.layer(), Layer::Buildings | Layer::Households);
    for row in one_of_each().into_iter().filter(|r| !settled(r)).chain(beside) {
        bring(store.as_ref(), vec![row]).await.expect("import");
    }
    store.close().await;
    let (cluster, database) = (crate::cluster::Cluster::get(), place.database.as_deref().expect("a database"));
    let owner = |sql: &str| cluster.psql(database, &format!("SET search_path = lianhu, public; {sql}"));
    let number = |text: String| -> u64 { text.trim().parse().unwrap_or_else(|_| panic!("a number: {text}")) };
    for (n, region) in [(1, VILLAGE), (2, far)] {
        owner(&format!(
            "INSERT INTO alerts (id, rule, kind, subject, place, region, title, level, opened_at)
             VALUES ('a{n}', 'x', 'overdue', 's{n}', '{region}', '{region}', 't', 'grid', '2025-01-01');
             INSERT INTO alert_rules (id, kind, region, parameters, enabled) VALUES ('r{n}', 'overdue', '{region}', '{{}}', true)"
        ));
    }
    let role = format!("reader_of_{database}");
    owner(&format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA lianhu TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA lianhu TO {role}"
    ));
    let reader = |before: &str, sql: &str| {
        number(cluster.psql(
            database,
            &format!("SET SESSION AUTHORIZATION {role}; SET search_path = lianhu, public; {before} {sql}"),
        ))
    };
    let tables = owner("SELECT tablename FROM pg_tables WHERE schemaname = 'lianhu' ORDER BY tablename");
    let guarded: Vec<&str> = tables.lines().filter(|t| !OPEN.contains(t)).collect();
    assert!(guarded.len() > CODES.len() + 10, "{guarded:?}");
    for table in &guarded {
        assert_eq!(reader("", &format!("SELECT count(*) FROM {table}")), 0, "{table}: nothing without an area");
    }
    for area in [VILLAGE, "520423102", "520423+520424107", "*"] {
        owner(&format!("DELETE FROM readers; INSERT INTO readers VALUES ('{role}', '{area}')"));
        let mut hidden = 0;
        for table in &guarded {
            let all = number(owner(&format!("SELECT count(*) FROM {table}")));
            let wanted = match CODES.iter().find(|c| c.0 == *table) {
                None => 0,
                Some(_) if area == "*" => all,
                Some((_, code)) => {
                    let inside: Vec<String> = area.split('+').map(|p| format!("starts_with({code}, '{p}')")).collect();
                    number(owner(&format!("SELECT count(*) FROM {table} WHERE {}", inside.join(" OR "))))
                }
            };
            let sql = format!("SELECT count(*) FROM {table}");
            assert_eq!(reader("", &sql), wanted, "{table} of {area}");
            assert_eq!(reader("SET lianhu.scope = '52';", &sql), wanted, "{table} of {area}: a setting widens nothing");
            hidden += u64::from(wanted < all);
            if area == VILLAGE && ["regions", "households", "officers", "incidents", "grids", "alerts"].contains(table)
            {
                assert!(wanted > 0 && wanted < all, "{table}: there is something to hide and something to show");
            }
        }
        assert!(hidden > 4, "{area}: {hidden}");
    }
    for bad in ["", "x", "520423+", "5'"] {
        let insert = format!("INSERT INTO lianhu.readers VALUES ('nobody', '{}')", bad.replace('\'', "''"));
        assert!(place.raw(&insert).await.is_err(), "{bad}");
    }
}
