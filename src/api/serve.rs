//! From a store to a running service, and to its end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::plan::register::{Editor, Sealer};
use crate::store::{Store, StoreError};

use super::auth::{Keeper, Manners};
use super::basemaps::{Tianditu, TiandituSettings};
use super::bodies::Bodies;
use super::cors::Origins;
use super::events::Tail;
use super::exports::Exports;
use super::hotspots::{Kept, Layers};
use super::idempotency::InFlight;
use super::imports::{Imports, UploadSettings};
use super::jobs::Jobs;
use super::listen::ClientTimes;
use super::memory::Memory;
use super::outward::NoCertificates;
use super::public::{Public, keep_publishing};
use super::rate::Rates;
use super::refusals::Refusals;
#[cfg(feature = "oidc")]
use super::session::oidc::{BEGIN, Oidc, OidcSettings};
use super::{App, admin, alerts, listen, router};

/// Between not being ready any more and taking no more connections: time for whoever sends requests here to learn of it.
const NOTICE: Duration = Duration::from_secs(2);
/// Answers under way are waited for so long.
const PATIENCE: Duration = Duration::from_secs(25);
/// Between two sums of the answer times.
const SUMMED_UP: Duration = Duration::from_secs(5);
/// Upper bounds of the histogram of answer times, seconds.
const BUCKETS_S: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// How the service runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub bind: SocketAddr,
    /// Where the operator asks.
    pub admin_bind: SocketAddr,
    /// How sign-in works.
    pub manners: Manners,
    /// Where uploads go.
    pub uploads: UploadSettings,
    /// Seals and opens officers' telephones.
    pub sealer: Option<Arc<Sealer>>,
    /// Costly requests of one user or token, a minute.
    pub costly_per_minute: u32,
    /// How long clients may take.
    pub client_times: ClientTimes,
    /// The least count shown to everybody; `None`: nothing is.
    pub public_k: Option<u64>,
    /// Requests of one address that needs no signing in, a minute.
    pub open_per_minute: u32,
    /// Other origins whose pages may read `/ogc`.
    pub allowed_origins: Vec<String>,
    /// Proxies whose word is taken for where a request came from.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where tiles of Tianditu come from; `None`: nothing is asked of anybody.
    pub tianditu: Option<TiandituSettings>,
    /// The organisation's own accounts.
    #[cfg(feature = "oidc")]
    pub oidc: Option<OidcSettings>,
    /// Routes for tests of faults.
    pub with_test_routes: bool,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address that cannot be listened on.
    #[error(
        "{address} 无法监听（{reason}）；请换一个 --bind\n{address} cannot be listened on ({reason}): choose another --bind"
    )]
    Bind {
        /// Which.
        address: SocketAddr,
        /// The system's words.
        reason: String,
    },
    /// Another host is to be asked over TLS, and nothing is there to know it by.
    #[error(
        "{setting}：须经 https 访问，但本机没有可用的根证书，无法核实对方；请安装 ca-certificates，或用环境变量 SSL_CERT_FILE 指定证书文件\n{setting}: asked over https, and this machine has no root certificates to know the host by; install ca-certificates, or name a file of certificates in SSL_CERT_FILE ({reason})"
    )]
    NoCertificates {
        /// Which setting names the host.
        setting: &'static str,
        /// The system's words.
        reason: String,
    },
    /// The figures' recorder, or a thread.
    #[error("无法启动：{0}\ncannot start: {0}")]
    Start(String),
}

async fn bound(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|e| ServeError::Bind { address, reason: e.to_string() })
}

fn recorder() -> Result<PrometheusHandle, ServeError> {
    let failed = |e: metrics_exporter_prometheus::BuildError| ServeError::Start(e.to_string());
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("lianhu_request_seconds".to_owned()), &BUCKETS_S)
        .map_err(failed)?
        .install_recorder()
        .map_err(failed)
}

/// Serves until the process is told to end (SIGTERM, Ctrl-C), then lets answers under way finish. `said` is told the two addresses once
/// both are listened on.
///
/// # Errors
/// When an address is taken.
pub async fn serve(
    store: Arc<dyn Store>,
    settings: Settings,
    said: impl FnOnce(SocketAddr, SocketAddr),
) -> Result<(), ServeError> {
    let of_tianditu =
        |e: NoCertificates| ServeError::NoCertificates { setting: "tianditu.base", reason: e.to_string() };
    let tianditu = settings.tianditu.map(Tianditu::new).transpose().map_err(of_tianditu)?;
    let figures = recorder()?;
    let (public, private) = (bound(settings.bind).await?, bound(settings.admin_bind).await?);
    let address = |l: &TcpListener, wished: SocketAddr| l.local_addr().unwrap_or(wished);
    let (public_at, private_at) = (address(&public, settings.bind), address(&private, settings.admin_bind));
    let (stopping_tx, stopping) = watch::channel(false);
    let (ended_tx, ended) = watch::channel(false);
    let imports = Imports::open(&settings.uploads)
        .map_err(|e| ServeError::Start(format!("{}: {e}", settings.uploads.folder.display())))?;
    let imports = Arc::new(imports);
    let memory = Arc::new(Memory::new(store.clone()));
    let doors = watch::Sender::new(0);
    let tail = Arc::new(Tail::new(store.clone(), memory.clone(), doors.clone()).await?);
    #[cfg(feature = "oidc")]
    let oidc = settings.oidc.map(|s| Oidc::new(s, settings.manners.clone())).transpose()?;
    #[cfg(feature = "oidc")]
    let organisation = oidc.as_ref().map(|_| BEGIN);
    #[cfg(not(feature = "oidc"))]
    let organisation = None;
    let app = Arc::new(App {
        #[cfg(feature = "oidc")]
        oidc,
        keeper: Keeper::new(store.clone(), settings.manners, organisation, doors),
        store,
        memory: memory.clone(),
        tail: tail.clone(),
        bodies: Bodies::default(),
        editor: Arc::new(Editor::new()),
        jobs: Jobs::default(),
        imports: imports.clone(),
        rates: Rates::new(settings.costly_per_minute),
        open_rates: Rates::new(settings.open_per_minute),
        sign_in_rates: Rates::new(settings.open_per_minute),
        exports: Exports::new(&settings.uploads.folder),
        refusals: Refusals::default(),
        in_flight: InFlight::default(),
        origins: Origins::new(settings.allowed_origins),
        proxies: settings.trusted_proxies,
        sealer: settings.sealer,
        hotspots: Kept::default(),
        layers: Layers::default(),
        public: Public::new(settings.public_k),
        tianditu: tianditu.map(Arc::new),
        stopping,
        with_test_routes: settings.with_test_routes,
    });
    operator(private, app.clone(), figures, ended)?;
    let loading = tokio::spawn(memory.keep_fresh());
    let tailing = [tokio::spawn(tail.clone().follow()), tokio::spawn(tail.hear())];
    let sweeping = tokio::spawn({
        let imports = imports.clone();
        async move { imports.sweep().await }
    });
    let watching = tokio::spawn(alerts::keep_watch(app.clone()));
    let publishing = tokio::spawn(keep_publishing(app.clone()));
    let (closed_tx, closed) = watch::channel(false);
    let serving =
        tokio::spawn(listen::listen(public, router::router(app.clone()), closed, (PATIENCE, settings.client_times)));
    said(public_at, private_at);
    told_to_end().await;
    tracing::info!("stopping");
    let _ = stopping_tx.send(true);
    tokio::time::sleep(NOTICE).await;
    let _ = closed_tx.send(true);
    let _ = serving.await;
    loading.abort();
    tailing.iter().for_each(tokio::task::JoinHandle::abort);
    sweeping.abort();
    imports.close();
    watching.abort();
    publishing.abort();
    app.store.close().await;
    let _ = ended_tx.send(true);
    Ok(())
}

/// The operator's listener has a thread of its own: it answers while all others compute.
fn operator(
    listener: TcpListener,
    app: Arc<App>,
    figures: PrometheusHandle,
    ended: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let failed = |e: std::io::Error| ServeError::Start(e.to_string());
    let listener = listener.into_std().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let times = (Duration::from_secs(1), ClientTimes::default());
    let serve = move || {
        runtime.block_on(async {
            // answer times wait in memory until somebody sums them up: nobody may ask for figures
            let sums = figures.clone();
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(SUMMED_UP).await;
                    sums.run_upkeep();
                }
            });
            if let Ok(listener) = TcpListener::from_std(listener) {
                listen::listen(listener, admin::router(app, figures), ended, times).await;
            }
        });
    };
    std::thread::Builder::new().name("operator".to_owned()).spawn(serve).map(drop).map_err(failed)
}

async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    let Ok(mut interrupt) = signal(SignalKind::interrupt()) else { return std::future::pending().await };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}
