//! Alerts: one for what is open, seen within the scope, up by time, closed once.

use lianhu::domain::incident::alerts::{AlertKind, AlertRule};
use lianhu::plan::room::{AlarmedSpot, hotspot_round};
use lianhu::store::{AlertRow, AlertStep, Role, Scope, StoreError};

use crate::ground::{NEIGHBOUR, Place, VILLAGE, admin, scope};

pub(crate) fn alert(subject: &str, village: &str, level: &str) -> AlertRow {
    AlertRow {
        rule: "emergency".to_owned(),
        kind: "emergency".to_owned(),
        subject: subject.to_owned(),
        place: format!("{village}001"),
        region: village.to_owned(),
        title: "突发事件 / emergency".to_owned(),
        level: level.to_owned(),
        escalates_at: Some("2025-02-28T16:00:10.000Z".to_owned()),
        ..AlertRow::default()
    }
}

pub(crate) async fn alert_is_opened_once_seen_by_its_own_and_goes_up(place: Place) {
    let store = place.open().await;
    let both = vec![alert("a", VILLAGE, "grid"), alert("a", VILLAGE, "grid"), alert("b", NEIGHBOUR, "county")];
    let opened = store.open_alerts(&admin(), "t", both).await.expect("opened");
    assert_eq!(opened.len(), 2, "the same subject alarms once");
    assert_eq!(store.open_alerts(&admin(), "t", vec![alert("a", VILLAGE, "grid")]).await, Ok(Vec::new()));
    let own = scope(Role::Viewer, VILLAGE);
    let seen = store.list_alerts(&own, None, Some(true), 10).await.expect("alerts");
    assert_eq!(seen.iter().map(|a| a.subject.as_str()).collect::<Vec<_>>(), ["a"]);
    let grid = scope(Role::Viewer, &format!("{VILLAGE}001"));
    assert_eq!(store.list_alerts(&grid, None, None, 10).await.expect("alerts").len(), 1);
    let elsewhere = scope(Role::Viewer, &format!("{VILLAGE}002"));
    assert_eq!(store.list_alerts(&elsewhere, None, None, 10).await, Ok(Vec::new()));
    assert_eq!(store.list_alerts(&own, Some(NEIGHBOUR), None, 10).await, Ok(Vec::new()));
    let (a, b) = (&opened[0], &opened[1]);
    let up = AlertStep::Escalate { patience_ms: 60_000 };
    let higher = store.step_alert(&admin(), "room", &a.id, up, "").await.expect("escalated");
    assert_eq!((higher.level.as_str(), higher.escalates_at > a.escalates_at), ("village", true));
    let top = store.step_alert(&admin(), "room", &b.id, up, "").await.expect("escalated");
    assert_eq!((top.level.as_str(), top.escalates_at), ("county", None), "above the county there is nobody");
    let seen = store.step_alert(&own, "u1", &a.id, AlertStep::Acknowledge, "值班员").await.expect("acknowledged");
    assert_eq!((seen.acknowledged_by.as_deref(), seen.escalates_at.as_ref()), (Some("值班员"), None));
    assert_eq!(store.step_alert(&own, "u2", &a.id, AlertStep::Acknowledge, "另一人").await, Ok(seen.clone()));
    assert_eq!(store.step_alert(&admin(), "room", &a.id, up, "").await, Ok(seen), "who was seen to goes no further");
    let missing = store.step_alert(&own, "u1", &b.id, AlertStep::Acknowledge, "x").await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    let refused = store.step_alert(&Scope::whole_store(Role::Exporter), "e", &a.id, AlertStep::Close, "").await;
    assert!(matches!(refused, Err(StoreError::Forbidden { .. })), "{refused:?}");
    store.step_alert(&admin(), "room", &a.id, AlertStep::Close, "").await.expect("closed");
    assert_eq!(store.list_alerts(&own, None, Some(true), 10).await, Ok(Vec::new()));
    assert_eq!(store.list_alerts(&own, None, Some(false), 10).await.expect("alerts").len(), 1);
    // what is over may begin again
    assert_eq!(store.open_alerts(&admin(), "t", vec![alert("a", VILLAGE, "grid")]).await.expect("opened").len(), 1);
    let log = store.audit(&admin(), 0, 100).await.expect("audit");
    assert_eq!(log.iter().filter(|e| e.operation.starts_with("alert.")).count(), 7);
    assert_eq!(store.check(&admin()).await.expect("check"), []);
}

pub(crate) async fn rules_of_the_store_take_the_place_of_those_that_ship(place: Place) {
    let store = place.open().await;
    let rules = store.alert_rules(&admin()).await.expect("rules");
    assert_eq!(rules.iter().map(|r| r.kind).collect::<Vec<_>>(), AlertKind::ALL);
    let prefix = if place.database.is_some() { "SET search_path = lianhu, public; " } else { "" };
    let (on, off) = if place.database.is_some() { ("TRUE", "FALSE") } else { ("1", "0") };
    let sql = format!(
        "{prefix}INSERT INTO alert_rules (id, kind, region, parameters, enabled) VALUES
           ('overdue', 'overdue', '', '{{}}', {off}),
           ('emergency', 'emergency', '5204', '{{\"escalate_after_min\": 3}}', {on}),
           ('extra', 'hot_and_growing', '520423', '{{\"days\": 14, \"resolution\": 9}}', {on})"
    );
    store.close().await;
    place.raw(&sql).await.expect("rows");
    let store = place.open().await;
    let rules = store.alert_rules(&admin()).await.expect("rules");
    let ids: Vec<&str> = rules.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["emergency", "hot_and_growing", "extra"], "what is switched off is gone");
    assert_eq!((rules[0].escalate_after_min, rules[0].region.as_str()), (3, "5204"));
    assert_eq!((rules[2].days, rules[2].resolution), (14, 9));
}

pub(crate) async fn spot_alarms_once_while_it_moves_and_until_it_is_over(place: Place) {
    let store = place.open().await;
    let rule = AlertRule { region: VILLAGE.to_owned(), ..AlertRule::shipped()[2].clone() };
    let spot = |region: &str, cells: &[&str]| AlarmedSpot {
        cells: cells.iter().map(|c| (*c).to_owned()).collect(),
        region: region.to_owned(),
    };
    let round = async |spots: &[AlarmedSpot]| hotspot_round(store.as_ref(), &rule, spots, 0).await.expect("a round");
    let open = async || -> Vec<String> {
        let open = store.list_alerts(&admin(), None, Some(true), 10).await.expect("alerts");
        let mut cells: Vec<String> = open.into_iter().filter_map(|a| a.cell).collect();
        cells.sort();
        cells
    };
    let elsewhere = spot(NEIGHBOUR, &["z"]);
    assert_eq!(round(&[spot(VILLAGE, &["a", "b"]), spot(VILLAGE, &["m"]), elsewhere.clone()]).await, 2);
    assert_eq!(open().await, ["a", "m"], "one alert a spot, and none where the rule does not look");
    assert_eq!(round(&[spot(VILLAGE, &["b", "a", "c"]), spot(VILLAGE, &["m"]), elsewhere]).await, 0, "it moves");
    assert_eq!(round(&[spot(VILLAGE, &["c", "d"]), spot(VILLAGE, &["m"])]).await, 2, "it is another one");
    assert_eq!(open().await, ["c", "m"]);
    assert_eq!(round(&[]).await, 2);
    assert_eq!(open().await, Vec::<String>::new());
}
