//! The rounds of a room that never sleeps: what is overdue, what grows, what nobody looked at, what is over.

use std::collections::BTreeSet;

use crate::domain::incident::alerts::{AlertKind, AlertRule};
use crate::domain::incident::{Level, State};
use crate::domain::register::IncidentRow;
use crate::hotspot::HexCell;
use crate::store::{AlertRow, AlertStep, IncidentFilter, IncidentOrder, Role, Scope, Store, StoreError};

use super::hotspots::{HotspotWish, RoomCell, View, room_hotspots};
use super::moments;
use super::study::Ground;

/// Who the log says did it.
pub const ACTOR: &str = "room";
/// Overdue incidents that alarm at most: beyond that it is a backlog, not an alarm.
const MOST_OVERDUE: u32 = 200;
/// Alerts looked through.
const MOST: u32 = 10_000;

fn everything() -> Scope {
    Scope::whole_store(Role::Admin)
}

/// The most exact code of where an incident is.
#[must_use]
pub fn place_of(row: &IncidentRow) -> &str {
    row.unit.as_deref().or(row.grid.as_deref()).unwrap_or(&row.region)
}

fn alert(rule: &AlertRule, subject: &str, at: (&str, &str), title: String, level: Level, now_ms: i64) -> AlertRow {
    AlertRow {
        rule: rule.id.clone(),
        kind: rule.kind.word().to_owned(),
        subject: format!("{}:{subject}", rule.kind.word()),
        place: at.0.to_owned(),
        region: at.1.to_owned(),
        title,
        level: level.word().to_owned(),
        escalates_at: Some(moments::stored(moments::of_ms(now_ms + rule.patience_ms()))),
        ..AlertRow::default()
    }
}

/// The alert of an emergency, if a rule is about it.
#[must_use]
pub fn of_emergency(rules: &[AlertRule], row: &IncidentRow, now_ms: i64) -> Option<AlertRow> {
    let rule = rules.iter().find(|r| r.kind == AlertKind::Emergency && r.covers(&row.region))?;
    let level = Level::find(&row.level).unwrap_or(Level::Grid);
    let title = "突发事件 / emergency".to_owned();
    let made = alert(rule, &row.id, (place_of(row), &row.region), title, level, now_ms);
    Some(AlertRow { incident: Some(row.id.clone()), ..made })
}

/// One round over incidents and alerts: opens what is overdue, closes what is over, takes what nobody looked at up. How many changed.
///
/// # Errors
/// What the store says.
pub async fn round(store: &dyn Store, now_ms: i64) -> Result<u64, StoreError> {
    let scope = everything();
    let rules = store.alert_rules(&scope).await?;
    let now = moments::stored(moments::of_ms(now_ms));
    let open = store.list_alerts(&scope, None, Some(true), MOST).await?;
    let mut changed = 0;
    let filter = IncidentFilter { overdue: Some(true), now: now.clone(), ..IncidentFilter::default() };
    let late = store.find_incidents(&scope, &filter, IncidentOrder::Newest, None, MOST_OVERDUE).await?.rows;
    let known: BTreeSet<&str> = open.iter().map(|a| a.subject.as_str()).collect();
    let fresh: Vec<AlertRow> = late
        .iter()
        .filter_map(|row| {
            let rule = rules.iter().find(|r| r.kind == AlertKind::Overdue && r.covers(&row.region))?;
            let level = Level::find(&row.level).unwrap_or(Level::Grid);
            let title = "事件超期 / an incident is overdue".to_owned();
            let made = alert(rule, &row.id, (place_of(row), &row.region), title, level, now_ms);
            Some(AlertRow { incident: Some(row.id.clone()), ..made })
        })
        .filter(|a| !known.contains(a.subject.as_str()))
        .collect();
    if !fresh.is_empty() {
        changed += store.open_alerts(&scope, ACTOR, fresh).await?.len() as u64;
    }
    for a in &open {
        if is_over(store, a, now_ms).await? {
            store.step_alert(&scope, ACTOR, &a.id, AlertStep::Close, "").await?;
            changed += 1;
        } else if a.escalates_at.as_ref().is_some_and(|at| *at <= now) {
            let patience_ms = rules.iter().find(|r| r.id == a.rule).map_or(3_600_000, AlertRule::patience_ms);
            store.step_alert(&scope, ACTOR, &a.id, AlertStep::Escalate { patience_ms }, "").await?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// Whether what an alert is about is over; hotspots are told by [`hotspot_round`].
async fn is_over(store: &dyn Store, alert: &AlertRow, now_ms: i64) -> Result<bool, StoreError> {
    let Some(id) = &alert.incident else { return Ok(false) };
    let row = match store.get_incident(&everything(), id).await {
        Ok((row, _)) => row,
        Err(StoreError::NotFound { .. }) => return Ok(true),
        Err(e) => return Err(e),
    };
    let state = State::find(&row.state).unwrap_or(State::Reported);
    let due_ms = row.due_at.as_deref().and_then(moments::parse).map(moments::ms);
    Ok(match AlertKind::find(&alert.kind) {
        Some(AlertKind::Overdue) => !state.is_overdue(due_ms, now_ms),
        _ => !state.is_running() && state != State::Suspended,
    })
}

/// Spots that are more than chance and new or growing, by a rule: cells that hang together are one, the first of its cells the one that stands
/// for it. Where it is known who lives there, households explain what they can: a town is not a hotspot for being a town.
///
/// # Errors
/// What cannot be judged.
pub fn hot_and_growing(
    ground: &Ground,
    rule: &AlertRule,
    end_ms: i64,
) -> Result<Vec<Vec<String>>, crate::hotspot::HotspotError> {
    if ground.incidents.is_empty() {
        return Ok(Vec::new());
    }
    let begin_ms = end_ms - i64::from(rule.days.max(8)) * 86_400_000;
    let wish = |view| HotspotWish { view, resolution: rule.resolution, period_ms: (begin_ms, end_ms), seed: 1 };
    let judge = if ground.homes.iter().any(|h| h.1 > 0) { View::Rate } else { View::Gi };
    let significant = room_hotspots(ground, &wish(judge))?;
    let courses = room_hotspots(ground, &wish(View::Emerging))?;
    let is_growing = |c: &&RoomCell| matches!(c.emerging, Some("new_hot" | "consecutive_hot" | "intensifying_hot"));
    let growing: BTreeSet<&str> = courses.cells.iter().filter(is_growing).map(|c| c.h3.as_str()).collect();
    // in the order of their ranks
    let hot: Vec<HexCell> =
        significant.cells.iter().filter(|c| c.class == Some("hot")).filter_map(|c| c.h3.parse().ok()).collect();
    let mut left: BTreeSet<HexCell> = hot.iter().copied().collect();
    let mut spots = Vec::new();
    for first in hot {
        if !left.remove(&first) {
            continue;
        }
        let (mut spot, mut next) = (BTreeSet::from([first]), vec![first]);
        while let Some(cell) = next.pop() {
            for near in cell.grid_disk_safe(1) {
                if left.remove(&near) {
                    spot.insert(near);
                    next.push(near);
                }
            }
        }
        let of_spot = significant.cells.iter().filter(|c| c.h3.parse().is_ok_and(|h: HexCell| spot.contains(&h)));
        let (grow, stay): (Vec<&RoomCell>, Vec<&RoomCell>) = of_spot.partition(|c| growing.contains(c.h3.as_str()));
        if !grow.is_empty() {
            spots.push(grow.into_iter().chain(stay).map(|c| c.h3.clone()).collect());
        }
    }
    Ok(spots)
}

/// A spot that alarms: its cells, the one that stands for it first, and the code of where that one's middle lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmedSpot {
    /// Indices.
    pub cells: Vec<String>,
    /// Code of the village or the region.
    pub region: String,
}

/// Opens alerts for spots that alarm by a rule, and closes those of spots that no longer do. An alert stays where its cell is still one of the
/// spot's, though another may have become the first of them. How many changed.
///
/// # Errors
/// What the store says.
pub async fn hotspot_round(
    store: &dyn Store,
    rule: &AlertRule,
    spots: &[AlarmedSpot],
    now_ms: i64,
) -> Result<u64, StoreError> {
    let scope = everything();
    let open = store.list_alerts(&scope, None, Some(true), MOST).await?;
    let own = || open.iter().filter(|a| a.rule == rule.id && a.kind == rule.kind.word());
    let known: BTreeSet<&str> = own().filter_map(|a| a.cell.as_deref()).collect();
    let is_fresh = |s: &&AlarmedSpot| rule.covers(&s.region) && !s.cells.iter().any(|c| known.contains(c.as_str()));
    let fresh: Vec<AlertRow> = spots
        .iter()
        .filter(is_fresh)
        .filter_map(|s| {
            let first = s.cells.first()?;
            let title = "显著且增强的热点 / a significant, growing hotspot".to_owned();
            let made = alert(rule, first, (&s.region, &s.region), title, Level::Village, now_ms);
            Some(AlertRow { cell: Some(first.clone()), ..made })
        })
        .collect();
    let mut changed = 0;
    if !fresh.is_empty() {
        changed += store.open_alerts(&scope, ACTOR, fresh).await?.len() as u64;
    }
    let now: BTreeSet<&str> = spots.iter().flat_map(|s| &s.cells).map(String::as_str).collect();
    for a in own().filter(|a| a.cell.as_deref().is_some_and(|c| !now.contains(c))) {
        store.step_alert(&scope, ACTOR, &a.id, AlertStep::Close, "").await?;
        changed += 1;
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LonLat;
    use crate::domain::random::Random;
    use crate::hotspot::cells::cell_of;

    const DAY_MS: i64 = 86_400_000;
    const TOWN: LonLat = LonLat { lon_deg: 105.60, lat_deg: 26.00 };
    const HAMLET: LonLat = LonLat { lon_deg: 105.70, lat_deg: 26.05 };

    fn rule() -> AlertRule {
        AlertRule::shipped().into_iter().find(|r| r.kind == AlertKind::HotAndGrowing).expect("a rule")
    }

    /// A town where six in ten live and as much of what happens does, more of it each week, and a hamlet where something began three days ago.
    fn ground(with_homes: bool) -> Ground {
        let mut r = Random::new(11);
        let mut near = |p: LonLat, reach_deg: f64| LonLat {
            lon_deg: p.lon_deg + reach_deg * (r.unit() - 0.5),
            lat_deg: p.lat_deg + reach_deg * (r.unit() - 0.5),
        };
        let land = LonLat { lon_deg: 105.65, lat_deg: 26.02 };
        let (mut homes, mut incidents) = (Vec::new(), Vec::new());
        for i in 0..3_000_i64 {
            let at = if i % 10 < 6 { near(TOWN, 0.012) } else { near(land, 0.16) };
            homes.push((at, 1));
        }
        for i in 0..900_i64 {
            let at = if i % 10 < 6 { near(TOWN, 0.012) } else { near(land, 0.16) };
            // the square root makes the last week the fullest
            incidents.push((at, (((i as f64 / 900.0).sqrt() * 30.0) * DAY_MS as f64) as i64));
        }
        for i in 0..45 {
            incidents.push((near(HAMLET, 0.003), 27 * DAY_MS + i * DAY_MS / 16));
        }
        Ground { incidents, homes: if with_homes { homes } else { Vec::new() }, ..Ground::default() }
    }

    fn is_at(spot: &[String], place: LonLat) -> bool {
        let here = cell_of(place, h3o::Resolution::Eight).expect("a cell");
        let near = here.grid_disk::<Vec<HexCell>>(1);
        spot.iter().any(|c| near.iter().any(|n| n.to_string() == *c))
    }

    #[test]
    fn town_alarms_by_counts_and_not_where_its_households_are_known() {
        let by_counts = hot_and_growing(&ground(false), &rule(), 30 * DAY_MS).expect("spots");
        assert!(by_counts.iter().any(|s| is_at(s, TOWN)), "{by_counts:?}");
        let by_rates = hot_and_growing(&ground(true), &rule(), 30 * DAY_MS).expect("spots");
        assert!(by_rates.iter().any(|s| is_at(s, HAMLET)), "{by_rates:?}");
        assert!(!by_rates.iter().any(|s| is_at(s, TOWN)), "{by_rates:?}");
        assert_eq!(by_rates, hot_and_growing(&ground(true), &rule(), 30 * DAY_MS).expect("spots"), "the same again");
        assert_eq!(hot_and_growing(&Ground::default(), &rule(), 0), Ok(Vec::new()));
    }

    #[test]
    fn cells_that_hang_together_are_one_spot() {
        let spots = hot_and_growing(&ground(true), &rule(), 30 * DAY_MS).expect("spots");
        let cells: Vec<Vec<HexCell>> =
            spots.iter().map(|s| s.iter().map(|c| c.parse().expect("a cell")).collect()).collect();
        for (i, spot) in cells.iter().enumerate() {
            for other in &cells[..i] {
                assert!(!spot.iter().any(|a| a.grid_disk_safe(1).any(|n| other.contains(&n))), "two that touch");
            }
        }
        assert_eq!(spots.iter().filter(|s| is_at(s, HAMLET)).count(), 1);
    }
}
