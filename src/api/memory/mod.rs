//! What is served stands in memory: one [`Snapshot`] a collection. Where the log says which rows changed, the next one is made of the one
//! before in the time these rows take; otherwise it is loaded anew. Either way it is exchanged whole: a request sees one version.

mod base;
mod bits;
pub(crate) mod collection;
mod due;
pub(crate) mod fragment;
mod load;
mod patch;
mod recent;
mod shape;
mod snapshot;
mod stamps;
#[cfg(test)]
mod tests;
mod view;
pub(crate) mod written;

use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::store::{Filter, Layer, RegisterRow, Scope, Store, StoreError};

use super::error::{Answer, Problem};
use crate::api::turns::in_turn;
pub(crate) use collection::Collection;
pub(crate) use load::{content_of, rendered};
pub(crate) use shape::Shape;
pub(crate) use snapshot::Snapshot;
pub(crate) use view::View;

use due::Due;
use snapshot::FEW;

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
    /// What is to be loaded.
    due: std::sync::Mutex<[Due; COUNT]>,
    wake: Notify,
    #[cfg(test)]
    wholes: std::sync::atomic::AtomicU64,
    /// A load of this one panics, once.
    #[cfg(test)]
    faulty: std::sync::Mutex<Option<Collection>>,
    /// Which are there; counts loads, so that waiting for a fresh one is possible.
    loads: watch::Sender<[u64; COUNT]>,
}

/// What is to be loaded of a collection by somebody: where that does not come to its end, it is due again.
struct Owed {
    memory: Arc<Memory>,
    collection: Collection,
    due: Due,
}

impl Drop for Owed {
    fn drop(&mut self) {
        if self.due != Due::Nothing {
            self.memory.note([self.collection], &self.due);
        }
    }
}

fn place(collection: Collection) -> usize {
    Collection::ALL.iter().position(|c| *c == collection).unwrap_or_default()
}

impl Memory {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let shelves = std::array::from_fn(|_| Shelf::default());
        let loads = watch::Sender::new([0; COUNT]);
        Self {
            store,
            shelves,
            due: std::sync::Mutex::new(std::array::from_fn(|_| Due::Whole)),
            wake: Notify::new(),
            #[cfg(test)]
            wholes: std::sync::atomic::AtomicU64::new(0),
            #[cfg(test)]
            faulty: std::sync::Mutex::default(),
            loads,
        }
    }

    fn note(&self, collections: impl IntoIterator<Item = Collection>, what: &Due) {
        if let Ok(mut due) = self.due.lock() {
            for c in collections {
                if let Some(d) = due.get_mut(place(c)) {
                    d.add(what.clone());
                }
            }
        }
        self.wake.notify_one();
    }

    /// Says that rows of collections changed, nobody knows which.
    pub(crate) fn changed(&self, collections: impl IntoIterator<Item = Collection>) {
        self.note(collections, &Due::Whole);
    }

    /// Says that these rows of a register's layer changed, came or went.
    pub(crate) fn rows_changed(&self, collection: Collection, keys: impl IntoIterator<Item = String>) {
        self.note([collection], &Due::keys(keys));
    }

    /// Says that plans changed in some villages, or that nobody knows where: who sees which household, building or incident may have
    /// changed too.
    pub(crate) fn plans_changed(&self, villages: Option<Vec<String>>) {
        for collection in [Collection::Buildings, Collection::Households, Collection::Incidents] {
            if let Some(snapshot) = self.there(place(collection)) {
                snapshot.forget_views();
            }
        }
        let what = villages.map_or(Due::Whole, Due::villages);
        self.note([Collection::Grids, Collection::Units, Collection::Leaders], &what);
    }

    /// Whether all collections are there.
    pub(crate) fn is_ready(&self) -> bool {
        self.loads.borrow().iter().all(|n| *n > 0)
    }

    /// How often a whole collection was loaded.
    #[cfg(test)]
    pub(crate) fn whole_loads(&self) -> u64 {
        self.wholes.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Has the next load of a collection panic.
    #[cfg(test)]
    pub(crate) fn have_fault(&self, collection: Collection) {
        *self.faulty.lock().expect("lock") = Some(collection);
    }

    fn take_due(&self) -> Vec<(Collection, Due)> {
        let Ok(mut due) = self.due.lock() else { return Vec::new() };
        let taken = |c: Collection| Some((c, std::mem::take(due.get_mut(place(c))?)));
        Collection::ALL.into_iter().filter_map(taken).filter(|(_, due)| !matches!(due, Due::Nothing)).collect()
    }

    fn there(&self, here: usize) -> Option<Arc<Snapshot>> {
        self.shelves.get(here)?.snapshot.read().ok()?.clone()
    }

    /// The next version of a collection; `None` when it is as it was.
    async fn next(&self, collection: Collection, due: &Due) -> Result<Option<Snapshot>, StoreError> {
        #[cfg(test)]
        {
            let fault = self.faulty.lock().expect("lock").take_if(|c| *c == collection);
            assert_eq!(fault, None, "asked for by a test");
        }
        let store = self.store.as_ref();
        let old = match (self.there(place(collection)), due) {
            (Some(old), Due::Nothing | Due::Keys(_) | Due::Villages(_)) => old,
            (old, _) => {
                #[cfg(test)]
                self.wholes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let loaded = load::load(store, collection).await?;
                return Ok(Some(loaded).filter(|s| old.is_none_or(|old| !old.is_as(s))));
            }
        };
        let changed = match due {
            Due::Nothing | Due::Whole => None,
            Due::Keys(keys) => old.changed(load::load_some(store, collection, keys.iter().cloned()).await?),
            Due::Villages(villages) => {
                let mut newest: Option<Snapshot> = None;
                for village in villages {
                    let features = load::load_village(store, collection, village).await?;
                    let next = newest.as_ref().unwrap_or(&old).replaced(village, features);
                    newest = next.or(newest);
                }
                newest
            }
        };
        match changed {
            Some(ragged) if ragged.is_ragged() => {
                let packed = tokio::task::spawn_blocking(move || ragged.packed()).await;
                packed.map(Some).map_err(|_| StoreError::Internal { code: "snapshot".to_owned() })
            }
            changed => Ok(changed),
        }
    }

    /// Loads what is due, for ever.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        loop {
            if !self.refresh().await {
                self.wake.notified().await;
            }
        }
    }

    /// Loads what is due; whether anything was. Households, the rest of the register and what plans hold, each in a task of its own:
    /// reading many rows keeps the thread it is done on. What was not loaded is due again, and not before [`AGAIN`] is over.
    pub(crate) async fn refresh(self: &Arc<Self>) -> bool {
        let all_due = self.take_due();
        let any = !all_due.is_empty();
        let mut lanes: [Vec<Owed>; 3] = Default::default();
        let [households, register, plans] = &mut lanes;
        for (collection, due) in all_due {
            let owed = Owed { memory: self.clone(), collection, due };
            match load::layer_of(collection) {
                Some(Layer::Households) => households.push(owed),
                Some(_) => register.push(owed),
                None => plans.push(owed),
            }
        }
        let loading = lanes.into_iter().filter(|lane| !lane.is_empty()).map(|lane| {
            let memory = Arc::clone(self);
            async move { memory.load(lane).await }
        });
        let mut loading: JoinSet<bool> = loading.collect();
        let mut all_loaded = true;
        while let Some(done) = loading.join_next().await {
            all_loaded &= done.unwrap_or(false);
        }
        if !all_loaded {
            tokio::time::sleep(AGAIN).await;
        }
        any
    }

    /// Loads one after the other; whether all were. One that fails, or panics, keeps none from its turn.
    async fn load(&self, all_due: Vec<Owed>) -> bool {
        let mut all_loaded = true;
        for owed in all_due {
            let collection = owed.collection.id();
            let failure = match AssertUnwindSafe(self.load_one(owed)).catch_unwind().await {
                Ok(Ok(())) => continue,
                Ok(Err(e)) => e.to_string(),
                Err(_) => "panic".to_owned(),
            };
            tracing::error!(collection, cause = %failure, "not loaded");
            metrics::counter!("lianhu_load_failures_total").increment(1);
            all_loaded = false;
        }
        all_loaded
    }

    async fn load_one(&self, mut owed: Owed) -> Result<(), StoreError> {
        let (collection, here) = (owed.collection, place(owed.collection));
        let begun = std::time::Instant::now();
        let snapshot = self.next(collection, &owed.due).await?;
        let (part, us) = (owed.due.word(), begun.elapsed().as_micros() as u64);
        metrics::counter!("lianhu_loads_total", "collection" => collection.id(), "part" => part).increment(1);
        if let Some(snapshot) = snapshot {
            let features = snapshot.len();
            metrics::gauge!("lianhu_features", "collection" => collection.id()).set(features as f64);
            tracing::info!(collection = collection.id(), features, part, us, "loaded");
            self.put(here, snapshot);
        }
        owed.due = Due::Nothing;
        self.loads.send_modify(|n| {
            if let Some(n) = n.get_mut(here) {
                *n += 1;
            }
        });
        Ok(())
    }

    fn put(&self, here: usize, snapshot: Snapshot) {
        if let Some(shelf) = self.shelves.get(here)
            && let Ok(mut slot) = shelf.snapshot.write()
        {
            *slot = Some(Arc::new(snapshot));
        }
    }

    /// A collection as it is now; waits for its first load.
    ///
    /// # Errors
    /// 503 while it cannot be loaded.
    pub(crate) async fn get(&self, collection: Collection) -> Answer<Arc<Snapshot>> {
        let here = place(collection);
        if let Some(snapshot) = self.there(here) {
            return Ok(snapshot);
        }
        let mut loads = self.loads.subscribe();
        let waited = tokio::time::timeout(PATIENCE, loads.wait_for(|n| n.get(here).is_some_and(|n| *n > 0))).await;
        match waited {
            Ok(Ok(_)) => self.there(here).ok_or_else(|| Problem::unavailable(5)),
            _ => Err(Problem::unavailable(5)),
        }
    }

    /// What a scope sees of a snapshot, exactly as the store would have it.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn view(&self, snapshot: &Arc<Snapshot>, scope: &Scope) -> Answer<Arc<View>> {
        if scope.prefixes().iter().any(String::is_empty) {
            return Ok(snapshot.view(scope, None));
        }
        if let Some(view) = snapshot.known_view(&scope.area()) {
            return Ok(view);
        }
        let below_village = scope.prefixes().iter().any(|p| p.len() > 12);
        let Some(layer) = load::layer_of(snapshot.collection).filter(|_| below_village) else {
            if snapshot.len() <= FEW {
                return Ok(snapshot.view(scope, None));
            }
            // all codes are gone through once
            let (snapshot, scope) = (snapshot.clone(), scope.clone());
            return in_turn(move || snapshot.view(&scope, None)).await;
        };
        // which rows belong to a unit or grid is the plan's affair: the store knows
        let age = snapshot.age_of_views();
        let mut keys = Vec::new();
        let mut see = |row: &RegisterRow| {
            keys.push(row.key().to_owned());
            ControlFlow::Continue(())
        };
        self.store.each(scope, layer, &Filter::default(), &mut see).await?;
        Ok(snapshot.view(scope, Some((keys.as_slice(), age))))
    }
}
