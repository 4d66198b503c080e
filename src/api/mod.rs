//! The service: OGC API for any GIS (`/ogc`), the application's own API (`/api`), the map (`/`).
//!
//! How a request goes: [`listen`] accepts and watches the clock; [`guard`] gives it an id, catches panics, counts, and puts the security
//! headers on the answer; [`router`] is the one list of what there is; everything but what it lists as public needs a
//! [`auth::Principal`], whose scope goes into every read. Collections are answered from [`memory`]; work that takes long leaves the
//! request threads. Errors are [`Problem`]s.

mod admin;
mod alerts;
mod audit;
pub(crate) mod auth;
mod basemaps;
mod bodies;
mod client;
mod cors;
mod error;
mod events;
mod exports;
mod extract;
mod first;
mod guard;
mod hints;
mod hotspots;
mod idempotency;
mod imports;
mod incidents;
mod jobs;
mod ledgers;
mod listen;
mod memory;
mod officers;
mod ogc;
mod openapi;
mod outgoing;
mod outward;
mod plans;
mod preconditions;
mod public;
mod rate;
mod reasons;
mod refusals;
mod regions;
mod register;
mod report;
mod router;
mod scratch;
mod serve;
mod session;
mod statistics;
mod tagged;
mod tokens;
#[cfg(feature = "otel")]
mod traced;
mod turns;
mod users;
mod web;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::plan::register::{Editor, RegisterError, Sealer};
use crate::store::{Filter, Layer, RegisterRow, Scope, Store};

pub use auth::{CameBy, Manners, Principal};
pub(crate) use auth::{TOKEN_DAYS, first_admin_hash, fresh_token};
pub use basemaps::TiandituSettings;
pub use error::{Answer, Problem};
pub use imports::UploadSettings;
pub use listen::ClientTimes;
pub use serve::{ServeError, Settings, serve};
#[cfg(feature = "oidc")]
pub use session::oidc::OidcSettings;
#[cfg(feature = "otel")]
pub(crate) use traced::TARGET as SPANS;

use auth::Keeper;
use bodies::Bodies;
use events::Tail;
use exports::Exports;
use imports::Imports;
use jobs::Jobs;
use memory::{Collection, Memory, Snapshot, View};
use rate::Rates;

/// What every handler can reach.
pub struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keeper: Keeper,
    pub(crate) memory: Arc<Memory>,
    pub(crate) tail: Arc<Tail>,
    pub(crate) bodies: Bodies,
    pub(crate) editor: Arc<Editor>,
    pub(crate) jobs: Jobs,
    pub(crate) imports: Arc<Imports>,
    pub(crate) exports: Exports,
    pub(crate) rates: Rates,
    pub(crate) open_rates: Rates,
    /// Of its own: what others ask for in public takes no room from those who sign in.
    pub(crate) sign_in_rates: Rates,
    pub(crate) refusals: refusals::Refusals,
    pub(crate) in_flight: idempotency::InFlight,
    /// Whose pages may read `/ogc`.
    pub(crate) origins: cors::Origins,
    /// Whose word is taken for where a request came from.
    pub(crate) proxies: Vec<IpAddr>,
    /// Seals and opens officers' telephones, where there is a key.
    pub(crate) sealer: Option<Arc<Sealer>>,
    pub(crate) hotspots: hotspots::Kept,
    pub(crate) layers: hotspots::Layers,
    pub(crate) public: public::Public,
    /// Tiles of Tianditu, where there is a key.
    pub(crate) tianditu: Option<Arc<basemaps::Tianditu>>,
    #[cfg(feature = "oidc")]
    pub(crate) oidc: Option<session::oidc::Oidc>,
    /// True from the moment the service is asked to stop.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Routes for tests of faults.
    pub(crate) with_test_routes: bool,
}

impl App {
    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// A collection as it is now, and what a scope sees of it.
    pub(crate) async fn seen(
        self: &Arc<Self>,
        collection: Collection,
        scope: &Scope,
    ) -> Answer<(Arc<Snapshot>, Arc<View>)> {
        if collection == Collection::Hotspots {
            // made of what the scope sees, so that all of it may be seen
            let snapshot = hotspots::layer(self, scope).await?;
            let view = Arc::new(View::of_all(snapshot.len()));
            return Ok((snapshot, view));
        }
        let snapshot = self.memory.get(collection).await?;
        let view = self.memory.view(&snapshot, scope).await?;
        Ok((snapshot, view))
    }

    /// Names of villages, by code.
    pub(crate) async fn village_names(&self, scope: &Scope, codes: &[String]) -> Answer<BTreeMap<String, String>> {
        let mut names = BTreeMap::new();
        for some in codes.chunks(1_000) {
            let filter = Filter { ids: Some(some.to_vec()), limit: Some(1_000), ..Filter::default() };
            for row in self.store.list(scope, Layer::Regions, &filter).await?.rows {
                if let RegisterRow::Regions(r) = row {
                    names.insert(r.code, r.name);
                }
            }
        }
        Ok(names)
    }

    /// What people call whoever changes plans: users and tokens, by id.
    pub(crate) async fn actor_names(&self) -> Answer<BTreeMap<String, String>> {
        Ok(crate::store::actor_names(self.store.as_ref()).await?)
    }

    /// Runs what computes for long on a thread that may.
    pub(crate) async fn off_thread<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Answer<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RegisterError>>,
    {
        let (app, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let done = tokio::task::spawn_blocking(move || runtime.block_on(work(app))).await;
        Ok(done.map_err(|e| Problem::internal(e.to_string()))??)
    }

    /// To be called after this process recorded or moved incidents: listeners are told at once.
    pub(crate) fn incidents_changed(&self) {
        self.tail.look_now();
    }

    /// To be called after this process wrote to a plan: the audit log, which tells of it, is looked at without waiting for its turn.
    pub fn plans_changed(&self) {
        self.tail.look_now();
    }
}

/// Returns once the flag is raised (or nobody can raise it any more).
async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await.map(drop);
}

/// A password's hash for the store.
///
/// # Errors
/// Why it is not taken, for people.
pub(crate) fn password_hash(password: &str) -> Result<String, String> {
    auth::password::check(password).and_then(|()| auth::password::hash(password)).map_err(|p| p.detail().to_owned())
}
