//! Hotspots as a layer for GIS: the standing view (Gi* of the last thirty days) of what somebody may see, made when it is asked for and
//! kept until what it is made of changes. Whoever asks for the same waits for the same; it is made to its end, also when all went away.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use tokio::sync::{OnceCell, Semaphore};

use crate::api::App;
use crate::api::error::{Answer, Problem};
use crate::api::memory::fragment::Value;
use crate::api::memory::{Collection, Shape, Snapshot};
use crate::plan::room::{HotspotWish, RoomCell, RoomHotspots, View, moments, room_hotspots};
use crate::store::{IncidentFilter, Scope};

use super::{DAYS, RESOLUTION, SEED, ground, problem_of};

/// Layers kept: one for each region somebody looks at.
const MOST: usize = 16;

/// Layers made at once.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A layer that is there, or will be.
type Place = Arc<OnceCell<Arc<Snapshot>>>;

/// The layers, by all that went into them; the one asked for last stands last.
#[derive(Default)]
pub(crate) struct Layers(Mutex<VecDeque<(String, Place)>>);

impl Layers {
    fn place(&self, key: &str) -> Place {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(k, _)| k == key);
        let place = at.and_then(|at| kept.remove(at)).map_or_else(Place::default, |(_, place)| place);
        kept.push_back((key.to_owned(), place.clone()));
        while kept.len() > MOST {
            kept.pop_front();
        }
        place
    }
}

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
/// What the store says; ground that cannot be judged.
pub(in crate::api) async fn layer(app: &Arc<App>, scope: &Scope) -> Answer<Arc<Snapshot>> {
    let end = moments::china_day(OffsetDateTime::now_utc()) + Duration::DAY;
    let (app, scope) = (app.clone(), scope.clone());
    let mut parts = Vec::new();
    for collection in [Collection::Incidents, Collection::Regions] {
        parts.push(app.memory.get(collection).await?.digest);
    }
    let place = app.layers.place(&format!("{} {end} {parts:?}", scope.area()));
    if let Some(known) = place.get() {
        return Ok(known.clone());
    }
    let making = tokio::spawn(async move { place.get_or_try_init(|| make(&app, &scope, end)).await.cloned() });
    making.await.map_err(|e| Problem::internal(e.to_string()))?
}

async fn make(app: &App, scope: &Scope, end: time::Date) -> Answer<Arc<Snapshot>> {
    let _turn = TURNS.acquire().await.map_err(|e| Problem::internal(e.to_string()))?;
    let first = end - Duration::days(DAYS);
    let period = [first, end].map(moments::start_of);
    let [from, to] = period.map(|at| Some(moments::stored(at)));
    let filter = IncidentFilter { from, to, ..IncidentFilter::default() };
    let ground = ground(app, scope, &filter, false, Some(RESOLUTION as u8)).await?;
    let period_ms = (moments::ms(period[0]), moments::ms(period[1]));
    let made = tokio::task::spawn_blocking(move || {
        // where nothing is known of the ground there is no cell, and no fault
        let found = if ground.outline.is_empty() {
            RoomHotspots::default()
        } else {
            let wish = HotspotWish { view: View::Gi, resolution: RESOLUTION as u8, period_ms, seed: SEED };
            room_hotspots(&ground, &wish).map_err(|e| problem_of(&e))?
        };
        Ok(Arc::new(snapshot(&found, (first, end), moments::stored(OffsetDateTime::now_utc()))))
    });
    made.await.map_err(|e| Problem::internal(e.to_string()))?
}
