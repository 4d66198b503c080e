//! What is served stands in memory: one [`Snapshot`] a collection, made anew when its rows changed, exchanged whole.

pub(crate) mod collection;
pub(crate) mod fragment;
mod load;
mod snapshot;

use std::ops::ControlFlow;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::store::{Filter, RegisterRow, Scope, Store};

use super::error::{Answer, Problem};
pub(crate) use collection::Collection;
pub(crate) use load::rendered;
pub(crate) use snapshot::{Shape, Snapshot, View};

/// How long a request waits for the first load.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between tries while the store does not answer.
const AGAIN: Duration = Duration::from_secs(1);

const COUNT: usize = Collection::ALL.len();

#[derive(Default)]
struct Shelf {
    snapshot: RwLock<Option<Arc<Snapshot>>>,
}

/// All collections in memory.
pub(crate) struct Memory {
    store: Arc<dyn Store>,
    shelves: [Shelf; COUNT],
    /// Which collections are to be loaded anew.
    due: std::sync::Mutex<[bool; COUNT]>,
    wake: Notify,
    /// Which are there; counts loads, so that waiting for a fresh one is possible.
    loads: watch::Sender<[u64; COUNT]>,
}

fn place(collection: Collection) -> usize {
    Collection::ALL.iter().position(|c| *c == collection).unwrap_or_default()
}

impl Memory {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let shelves = std::array::from_fn(|_| Shelf::default());
        let loads = watch::Sender::new([0; COUNT]);
        Self { store, shelves, due: std::sync::Mutex::new([true; COUNT]), wake: Notify::new(), loads }
    }

    /// Says that rows of a collection changed.
    pub(crate) fn changed(&self, collections: impl IntoIterator<Item = Collection>) {
        if let Ok(mut due) = self.due.lock() {
            for c in collections {
                if let Some(d) = due.get_mut(place(c)) {
                    *d = true;
                }
            }
        }
        self.wake.notify_one();
    }

    /// Says that plans changed: their layers are loaded anew, and who sees which household or building may have changed too.
    pub(crate) fn plans_changed(&self) {
        for collection in [Collection::Buildings, Collection::Households, Collection::Incidents] {
            if let Some(shelf) = self.shelves.get(place(collection))
                && let Ok(slot) = shelf.snapshot.read()
                && let Some(snapshot) = slot.as_ref()
            {
                snapshot.forget_views();
            }
        }
        self.changed([Collection::Grids, Collection::Units, Collection::Leaders]);
    }

    /// Whether all collections are there.
    pub(crate) fn is_ready(&self) -> bool {
        self.loads.borrow().iter().all(|n| *n > 0)
    }

    fn take_due(&self) -> Vec<Collection> {
        let Ok(mut due) = self.due.lock() else { return Vec::new() };
        Collection::ALL.into_iter().filter(|c| due.get_mut(place(*c)).is_some_and(std::mem::take)).collect()
    }

    /// Loads what is due, for ever.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        loop {
            let due = self.take_due();
            for collection in &due {
                let begun = std::time::Instant::now();
                match load::load(self.store.as_ref(), *collection, super::now_text()).await {
                    Ok(snapshot) => {
                        metrics::gauge!("lianhu_features", "collection" => collection.id()).set(snapshot.len() as f64);
                        let ms = begun.elapsed().as_millis() as u64;
                        tracing::info!(collection = collection.id(), features = snapshot.len(), ms, "loaded");
                        if let Some(shelf) = self.shelves.get(place(*collection))
                            && let Ok(mut slot) = shelf.snapshot.write()
                        {
                            *slot = Some(Arc::new(snapshot));
                        }
                        self.loads.send_modify(|n| {
                            if let Some(n) = n.get_mut(place(*collection)) {
                                *n += 1;
                            }
                        });
                    }
                    Err(e) => {
                        tracing::error!(collection = collection.id(), cause = %e, "not loaded");
                        metrics::counter!("lianhu_load_failures_total").increment(1);
                        self.changed([*collection]);
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            }
            if due.is_empty() {
                self.wake.notified().await;
            }
        }
    }

    /// A collection as it is now; waits for its first load.
    ///
    /// # Errors
    /// 503 while it cannot be loaded.
    pub(crate) async fn get(&self, collection: Collection) -> Answer<Arc<Snapshot>> {
        let here = place(collection);
        let there = || self.shelves.get(here)?.snapshot.read().ok()?.clone();
        if let Some(snapshot) = there() {
            return Ok(snapshot);
        }
        let mut loads = self.loads.subscribe();
        let waited = tokio::time::timeout(PATIENCE, loads.wait_for(|n| n.get(here).is_some_and(|n| *n > 0))).await;
        match waited {
            Ok(Ok(_)) => there().ok_or_else(|| Problem::unavailable(5)),
            _ => Err(Problem::unavailable(5)),
        }
    }

    /// What a scope sees of a snapshot, exactly as the store would have it.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn view(&self, snapshot: &Snapshot, scope: &Scope) -> Answer<Arc<View>> {
        let below_village = scope.prefixes().iter().any(|p| p.len() > 12);
        let layer = load::layer_of(snapshot.collection).filter(|_| below_village);
        let Some(layer) = layer else { return Ok(snapshot.view(scope, None)) };
        if let Some(view) = snapshot.known_view(&scope.area()) {
            return Ok(view);
        }
        // which rows belong to a unit or grid is the plan's affair: the store knows
        let mut keys = Vec::new();
        let mut sink = |rows: Vec<RegisterRow>| {
            keys.extend(rows.iter().map(|r| r.key().to_owned()));
            ControlFlow::Continue(())
        };
        self.store.stream(scope, layer, &Filter::default(), &mut sink).await?;
        Ok(snapshot.view(scope, Some(&keys)))
    }
}
