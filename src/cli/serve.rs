//! `lianhu serve`, `lianhu user`, `lianhu token`.

use std::io::BufRead;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::api::{self, ClientTimes, Manners, ServeError, Settings, UploadSettings};
use crate::domain::hex;
use crate::store::{OpenMode, OpenOptions, Role, Scope, Store, StoreError, open};

use super::commands::{Failure, Outcome};
use super::config::Config;
use super::register::{ACTOR, everything, of_store, with_store};
use super::register_args::StoreArgs;
use super::serve_args::{ScopeArgs, ServeArgs, TokenArgs, UserArgs};

/// Threads that answer requests, at least.
const FEWEST_THREADS: usize = 2;
const DAY_S: i64 = 86_400;
/// How long the link for the first admin is good.
const LINK_S: i64 = 24 * 3_600;

/// A folder for uploads: beside a file; for a server in the system's folder for such things, named by the store's address.
fn uploads_of(url: &str) -> PathBuf {
    match url.strip_prefix("sqlite:") {
        Some(path) => PathBuf::from(format!("{path}.uploads")),
        None => {
            let hash = hex(&Sha256::digest(url.as_bytes()));
            std::env::temp_dir().join(format!("lianhu-uploads-{}", hash.get(..16).unwrap_or_default()))
        }
    }
}

fn started(e: impl std::fmt::Display) -> Failure {
    Failure::input(format!("无法启动 / cannot start: {e}"))
}

fn level_of(word: &str) -> tracing::Level {
    word.parse().unwrap_or(tracing::Level::INFO)
}

/// JSON lines on standard error.
fn log(level: tracing::Level) {
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_target(false).with_max_level(level);
    // a second call in one process keeps the first
    let _ = lines.with_writer(std::io::stderr).try_init();
}

pub(super) fn serve(a: &ServeArgs) -> Outcome {
    let config = Config::of(a)?;
    let threads = std::thread::available_parallelism().map_or(FEWEST_THREADS, |n| n.get().max(FEWEST_THREADS));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().map_err(started)?;
    #[cfg(feature = "otel")]
    let traces = match &config.otel_endpoint {
        Some(endpoint) => super::traces::log_and_trace(level_of(&config.log), endpoint, runtime.handle()),
        None => {
            log(level_of(&config.log));
            None
        }
    };
    #[cfg(not(feature = "otel"))]
    log(level_of(&config.log));
    let served = runtime.block_on(run(&config, a.test_routes));
    #[cfg(feature = "otel")]
    traces.iter().for_each(super::traces::end);
    runtime.shutdown_timeout(Duration::from_secs(2));
    served.map(|()| 0)
}

async fn run(config: &Config, with_test_routes: bool) -> Result<(), Failure> {
    let store = store(&config.store).await.map_err(of_store)?;
    foreign_edits(store.as_ref(), &config.store).await?;
    if config.demo {
        let key_of = StoreArgs { store: config.store.clone() };
        super::demo::load(store.as_ref(), || super::key::find_or_make(&key_of, config.key_file.as_deref())).await?;
    }
    let link = if config.demo { None } else { first_admin(store.as_ref()).await? };
    if config.public_origin.is_none() && !config.bind.ip().is_loopback() {
        errln!(
            "注意：未经 TLS 对外监听，密码和令牌可被截获；请置于 TLS 代理之后并用 --public-origin\n\
             careful: listening without TLS, passwords and tokens can be read on the way; put a TLS proxy in front and say --public-origin"
        );
    }
    let key = super::key::find_named(&StoreArgs { store: config.store.clone() }, config.key_file.as_deref())?;
    let settings = Settings {
        bind: config.bind,
        admin_bind: config.admin_bind,
        manners: Manners { demo: config.demo, public_origin: config.public_origin.clone() },
        uploads: UploadSettings {
            folder: config.uploads.clone().unwrap_or_else(|| uploads_of(&config.store)),
            most_bytes: config.upload_mib << 20,
        },
        sealer: key.map(Arc::new),
        costly_per_minute: config.costly_per_minute,
        client_times: ClientTimes {
            head: Duration::from_secs(config.head_seconds.into()),
            body: Duration::from_secs(config.body_seconds.into()),
            write: Duration::from_secs(config.write_seconds.into()),
        },
        public_k: config.public_incidents.then_some(config.public_k),
        open_per_minute: config.public_per_minute,
        allowed_origins: config.allowed_origins.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        tianditu: config.tianditu.settings()?,
        #[cfg(feature = "oidc")]
        oidc: config.oidc.settings()?,
        with_test_routes,
    };
    let origin = config.public_origin.clone();
    let said = |public: SocketAddr, admin: SocketAddr| {
        outln!("联户 Lianhu: http://{public}/    OGC API: http://{public}/ogc    运维 admin: http://{admin}/readyz");
        if let Some(key) = &link {
            let origin = origin.clone().unwrap_or_else(|| format!("http://{public}"));
            let hours = LINK_S / 3_600;
            errln!(
                "库中还没有用户；请在 {hours} 小时内用此链接设置首位管理员，只能用一次 / there is no user yet: this link makes the first administrator, once, within {hours} hours\n{}/first?key={key}",
                origin.trim_end_matches('/')
            );
        }
    };
    api::serve(store, settings, said).await.map_err(|e| match e {
        ServeError::Store(e) => of_store(e),
        ServeError::Bind { address, reason } if reason.contains("in use") => Failure::input(format!(
            "{address} 无法监听：端口已被占用，可能服务已在运行；请先停止，或换一个 --bind\n{address} cannot be listened on: the port is in use, maybe by a service that runs already; stop it, or choose another --bind ({reason})"
        )),
        e @ ServeError::NoCertificates { .. } => Failure::usage(e),
        other => started(other),
    })
}

/// Says how many edits by another program wait to be settled, and with what.
async fn foreign_edits(store: &dyn Store, url: &str) -> Result<(), Failure> {
    let open = store.count_foreign_edits(&everything()).await.map_err(of_store)?;
    if open > 0 {
        errln!(
            "库文件中有 {open} 处其他软件的修改未确认；停止服务后查看：lianhu foreign list --store {url}\n\
             {open} edits that another program made in the file are not settled: stop the service and see lianhu foreign list --store {url}"
        );
    }
    Ok(())
}

/// The key of the first admin's link, where there is no user.
async fn first_admin(store: &dyn Store) -> Result<Option<String>, Failure> {
    if store.has_users().await.map_err(of_store)? {
        return Ok(None);
    }
    let random = || Failure::input("随机数 / random numbers");
    let (key, _) = api::fresh_token().map_err(|_| random())?;
    let hash = api::first_admin_hash(&key).ok_or_else(random)?;
    Ok(store.offer_first_admin(&hash, LINK_S).await.map_err(of_store)?.then_some(key))
}

/// A GeoPackage is made (or upgraded, with a backup) as needed; a PostGIS store is made only where there is none.
async fn store(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    if url.starts_with("sqlite:") {
        return open(url, OpenOptions::new(OpenMode::Create)).await;
    }
    match open(url, OpenOptions::new(OpenMode::ReadWrite)).await {
        Err(StoreError::NotFound { .. }) => open(url, OpenOptions::new(OpenMode::Create)).await,
        other => other,
    }
}

fn scope(a: &ScopeArgs) -> Result<Scope, Failure> {
    let known = Role::ALL.map(Role::word).join(" ");
    let role = Role::parse(&a.role).ok_or_else(|| {
        Failure::usage(format!("--role {0}：没有这个角色；可用 {known}\n--role {0}: no such role; use {known}", a.role))
    })?;
    Scope::of_area(role, &a.region).map_err(|e| Failure::usage(format!("--region: {e}")))
}

pub(super) fn add_user(a: &UserArgs) -> Outcome {
    let of = scope(&a.of)?;
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password).map_err(Failure::input)?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    let hash = api::password_hash(&password).map_err(Failure::input)?;
    let user = with_store(&a.store, OpenMode::ReadWrite, async |store| {
        store.add_user(&everything(), ACTOR, &a.name, &of, &hash).await.map_err(of_store)
    })?;
    outln!("已添加用户 user added: {} ({})", user.name, user.scope.describe());
    Ok(0)
}

pub(super) fn add_token(a: &TokenArgs) -> Outcome {
    let of = scope(&a.of)?;
    let (secret, hash) = api::fresh_token().map_err(|_| Failure::input("随机数 / random numbers"))?;
    let lasts = i64::from(a.days) * DAY_S;
    with_store(&a.store, OpenMode::ReadWrite, async |store| {
        store.add_token(&everything(), ACTOR, &a.name, &of, (&hash, lasts)).await.map_err(of_store)
    })?;
    errln!("令牌只显示这一次 / the token is shown this once:");
    outln!("{secret}");
    Ok(0)
}
