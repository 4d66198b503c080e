//! Hotspots as a layer for GIS: the standing view (Gi* of the last thirty days) of what somebody may see, made when it is asked for and
//! kept until what it is made of changes.

use std::collections::VecDeque;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::api::App;
use crate::api::error::{Answer, Problem};
use crate::api::memory::fragment::Value;
use crate::api::memory::{Collection, Shape, Snapshot};
use crate::plan::room::{HotspotWish, RoomCell, RoomHotspots, View, moments, room_hotspots};
use crate::store::{IncidentFilter, Scope};

use super::{DAYS, RESOLUTION, SEED, ground, version};

/// Layers kept: one for each region somebody looks at.
const MOST: usize = 16;

/// The layers, by all that went into them; whoever makes one holds the place, so that the same is not made twice.
#[derive(Default)]
pub(crate) struct Layers(Mutex<VecDeque<(String, Arc<Snapshot>)>>);

fn polygon(ring: &[[f64; 2]]) -> Shape {
    let ring: geo::LineString<f64> = ring.iter().copied().collect();
    Shape::Other(Box::new(geo::Polygon::new(ring, Vec::new()).into()))
}

/// The cells as features, by their indexes.
fn snapshot(found: &RoomHotspots, (first, end): (time::Date, time::Date), now: String) -> Snapshot {
    let (first, end) = (first.to_string(), end.to_string());
    let mut cells: Vec<&RoomCell> = found.cells.iter().collect();
    cells.sort_by(|a, b| a.h3.cmp(&b.h3));
    let real = |v: Option<f64>| v.map_or(Value::None, Value::Real);
    let features = cells.into_iter().map(|c| {
        let values = vec![
            c.h3.as_str().into(),
            Value::Whole(i64::from(c.count)),
            real(c.expected),
            c.neighbours.and_then(|n| u32::try_from(n).ok()).into(),
            real(c.z),
            real(c.p),
            real(c.p_sim),
            c.fdr05.map_or(Value::None, Value::Bool),
            c.class.map_or(Value::None, Value::Text),
            c.rank.into(),
            first.as_str().into(),
            end.as_str().into(),
        ];
        (c.h3.as_str(), polygon(&c.ring), values)
    });
    Snapshot::of_features(Collection::Hotspots, features, now)
}

/// The layer that a scope sees.
///
/// # Errors
/// What the store says.
pub(in crate::api) async fn layer(app: &App, scope: &Scope) -> Answer<Arc<Snapshot>> {
    let now = OffsetDateTime::now_utc();
    let end = moments::china_day(now) + Duration::DAY;
    let first = end - Duration::days(DAYS);
    let period = [first, end].map(moments::start_of);
    let key = format!("{} {end} {:?}", scope.area(), version(app).await?);
    let mut kept = app.layers.0.lock().await;
    if let Some((_, known)) = kept.iter().find(|(k, _)| *k == key) {
        return Ok(known.clone());
    }
    let [from, to] = period.map(|at| Some(moments::stored(at)));
    let filter = IncidentFilter { from, to, ..IncidentFilter::default() };
    let ground = ground(app, scope, &filter, false).await?;
    let period_ms = (moments::ms(period[0]), moments::ms(period[1]));
    let made = tokio::task::spawn_blocking(move || {
        let wish = HotspotWish { view: View::Gi, resolution: RESOLUTION as u8, period_ms, seed: SEED };
        // ground that cannot be judged has no hotspots; `/api/hotspots` says why
        let found = room_hotspots(&ground, &wish).unwrap_or_default();
        Arc::new(snapshot(&found, (first, end), moments::stored(now)))
    });
    let made = made.await.map_err(|e| Problem::internal(e.to_string()))?;
    kept.retain(|(k, _)| *k != key);
    kept.push_back((key, made.clone()));
    while kept.len() > MOST {
        kept.pop_front();
    }
    Ok(made)
}
