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

/// Layers kept: one for each region somebody looks at, and of all but the one asked for last so many cells together.
const MOST: usize = 16;
const MOST_CELLS: usize = 50_000;

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
        let cells = |place: &Place| place.get().map_or(0, |layer| layer.len());
        let mut all: usize = kept.iter().rev().skip(1).map(|(_, p)| cells(p)).sum();
        while kept.len() > MOST || all > MOST_CELLS {
            let Some((_, gone)) = kept.pop_front() else { break };
            all = all.saturating_sub(cells(&gone));
        }
        place
    }
}

fn polygon(ring: &[[f64; 2]]) -> Shape {
    let ring: geo::LineString<f64> = ring.iter().copied().collect();
    Shape::Other(Box::new(geo::Polygon::new(ring, Vec::new()).into()))
}

/// The cells as features, by their indexes.
fn snapshot(found: &RoomHotspots, (first, end): (time::Date, time::Date)) -> Snapshot {
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
    Snapshot::of_features(Collection::Hotspots, features)
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
        Ok(Arc::new(snapshot(&found, (first, end))))
    });
    made.await.map_err(|e| Problem::internal(e.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: usize) -> Arc<Snapshot> {
        let cells = (0..cells).map(|n| {
            let h3 = format!("8928308280{n:05x}");
            RoomCell { h3, ring: vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], count: 1, ..RoomCell::default() }
        });
        let found = RoomHotspots { cells: cells.collect(), ..RoomHotspots::default() };
        let day = time::macros::date!(2026 - 01 - 01);
        Arc::new(snapshot(&found, (day, day)))
    }

    #[test]
    fn layers_of_many_cells_make_room_for_each_other() {
        let layers = Layers::default();
        let kept = || layers.0.lock().expect("lock").iter().map(|(k, _)| k.clone()).collect::<Vec<_>>();
        let large = of(MOST_CELLS / 2 + 1);
        for key in ["a", "b", "c"] {
            assert!(layers.place(key).set(large.clone()).is_ok());
        }
        assert_eq!(kept(), ["b", "c"], "the one asked for last and one more");
        assert!(layers.place("b").get().is_some(), "asked for again it stands last");
        assert_eq!(kept(), ["c", "b"]);
        layers.place("d");
        assert_eq!(kept(), ["b", "d"]);
        // a layer that is larger than all that is kept stays as long as nobody asks for another
        assert!(layers.place("e").set(of(MOST_CELLS + 1)).is_ok());
        assert!(layers.place("e").get().is_some());
        layers.place("f");
        assert_eq!(kept(), ["f"]);
        for n in 0..MOST + 5 {
            layers.place(&n.to_string());
        }
        assert_eq!(kept().len(), MOST);
    }
}
