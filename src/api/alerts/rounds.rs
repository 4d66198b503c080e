//! The rounds, for as long as the service runs.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::api::App;
use crate::api::error::{Answer, Problem};
use crate::api::hotspots::ground;
use crate::api::memory::{Collection, Shape, Snapshot};
use crate::domain::incident::alerts::{AlertKind, AlertRule};
use crate::plan::room::{ACTOR, AlarmedSpot, Ground, hot_and_growing, hotspot_round, middle_of, moments, round};
use crate::store::{IncidentFilter, Role, Scope};

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(20);
/// Rounds between two looks at hotspots, which cost more.
const HOTSPOTS_EVERY: u32 = 15;

/// Goes its rounds for ever; what fails is said in the log and tried again.
pub(in crate::api) async fn keep_watch(app: Arc<App>) {
    let (mut rounds, mut seen, mut borders) = (0_u32, 0, 0);
    loop {
        // the first round waits until the collections are there
        tokio::time::sleep(if app.memory.is_ready() { EVERY } else { Duration::from_secs(1) }).await;
        if !app.memory.is_ready() {
            continue;
        }
        let now_ms = moments::ms(OffsetDateTime::now_utc());
        if let Err(e) = homes(&app, &mut borders).await {
            tracing::warn!(cause = e.detail(), "incidents were not taken home");
        }
        match round(app.store(), now_ms).await {
            Ok(0) => {}
            Ok(_) => app.incidents_changed(),
            Err(e) => tracing::warn!(cause = %e, "the round over alerts failed"),
        }
        let due = rounds.is_multiple_of(HOTSPOTS_EVERY);
        rounds = rounds.wrapping_add(1);
        if due && let Err(e) = hotspots(&app, &mut seen, now_ms).await {
            tracing::warn!(cause = e.detail(), "the round over hotspots failed");
        }
    }
}

/// Takes open incidents home when borders changed since the last look: an edit of a plan in force moves them.
async fn homes(app: &Arc<App>, seen: &mut u64) -> Answer<()> {
    let borders = app.memory.get(Collection::Grids).await?.digest;
    if *seen != borders {
        if app.store.rehome_incidents(&Scope::whole_store(Role::Admin), ACTOR).await? > 0 {
            app.incidents_changed();
        }
        *seen = borders;
    }
    Ok(())
}

/// Looks for cells that are hot and grow, where incidents changed since the last look or a day ended.
async fn hotspots(app: &Arc<App>, seen: &mut u64, now_ms: i64) -> Answer<()> {
    let today = moments::start_of(moments::china_day(moments::of_ms(now_ms)));
    let end = today + time::Duration::DAY;
    let version = app.memory.get(Collection::Incidents).await?.digest ^ end.unix_timestamp().cast_unsigned();
    if std::mem::replace(seen, version) == version {
        return Ok(());
    }
    let scope = Scope::whole_store(Role::Admin);
    let rules = app.store.alert_rules(&scope).await?;
    for rule in rules.into_iter().filter(|r| r.kind == AlertKind::HotAndGrowing) {
        let begin = end - time::Duration::days(i64::from(rule.days.max(8)));
        let filter = IncidentFilter {
            region: Some(rule.region.clone()).filter(|r| !r.is_empty()),
            from: Some(moments::stored(begin)),
            to: Some(moments::stored(end)),
            ..IncidentFilter::default()
        };
        let ground = ground(app, &scope, &filter, true, Some(rule.resolution)).await?;
        let (of, end_ms) = (rule.clone(), moments::ms(end));
        let found = tokio::task::spawn_blocking(move || look(&ground, &of, end_ms)).await;
        let found = found.map_err(|e| Problem::internal(e.to_string()))?;
        let regions = app.memory.get(Collection::Regions).await?;
        let spots: Vec<AlarmedSpot> = found
            .into_iter()
            .filter_map(|cells| {
                // the middle of a cell at the edge may lie in the next region, or beyond every village
                let mut villages = cells.iter().filter_map(|c| village_at(&regions, middle_of(c)?));
                let own = || Some(rule.region.clone()).filter(|r| !r.is_empty());
                let region = villages.find(|v| rule.covers(v)).or_else(own)?;
                Some(AlarmedSpot { cells, region })
            })
            .collect();
        if hotspot_round(app.store(), &rule, &spots, now_ms).await? > 0 {
            app.incidents_changed();
        }
    }
    Ok(())
}

fn look(ground: &Ground, rule: &AlertRule, end_ms: i64) -> Vec<Vec<String>> {
    hot_and_growing(ground, rule, end_ms).unwrap_or_else(|e| {
        tracing::warn!(cause = %e, rule = rule.id, "hotspots cannot be judged");
        Vec::new()
    })
}

/// The village around a place, or the smallest division that is.
fn village_at(regions: &Snapshot, [x, y]: [f64; 2]) -> Option<String> {
    use geo::Contains;
    let holds = |row: &u32| match regions.shape(*row) {
        Some(Shape::Other(shape)) => shape.contains(&geo::Point::new(x, y)),
        _ => false,
    };
    let around = regions.in_box([x, y, x, y]).into_iter().filter(holds);
    around.map(|row| regions.id(row).to_owned()).max_by_key(String::len)
}
