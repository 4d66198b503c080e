//! `lianhu serve`, `lianhu user`, `lianhu token`.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::api::{self, Manners, ServeError, Settings, UploadSettings};
use crate::domain::hex;
use crate::store::{OpenMode, OpenOptions, Role, Scope, StoreError, open};

use super::commands::{Failure, Outcome};
use super::register::{ACTOR, everything, of_store, with_store};
use super::register_args::StoreArgs;
use super::serve_args::{ScopeArgs, ServeArgs, TokenArgs, UserArgs};

/// Threads that answer requests, at least.
const FEWEST_THREADS: usize = 2;
const DAY_S: i64 = 86_400;
/// Bytes of one upload.
const UPLOAD_BYTES: u64 = 256 << 20;

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

/// JSON lines on standard error; `LIANHU_LOG` is `error`, `warn`, `info` or `debug`.
fn log() {
    let level = std::env::var("LIANHU_LOG").ok().and_then(|l| l.parse().ok()).unwrap_or(tracing::Level::INFO);
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_target(false).with_max_level(level);
    // a second call in one process keeps the first
    let _ = lines.with_writer(std::io::stderr).try_init();
}

pub(super) fn serve(a: &ServeArgs) -> Outcome {
    if let Some(origin) = &a.public_origin {
        let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if rest.is_none_or(|r| r.is_empty() || r.contains('/')) {
            return Err(Failure::usage(format!("--public-origin {origin}: https://HOST[:PORT]")));
        }
    }
    log();
    let threads = std::thread::available_parallelism().map_or(FEWEST_THREADS, |n| n.get().max(FEWEST_THREADS));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().map_err(started)?;
    let served = runtime.block_on(async {
        let store = store(&a.store).await.map_err(of_store)?;
        if a.demo {
            super::demo::load(store.as_ref()).await?;
        }
        if !a.demo && !store.has_users().await.map_err(of_store)? {
            eprintln!(
                "库中还没有用户：lianhu user add NAME --role admin --region '*' --store {0}（密码由标准输入）\n\
                 there is no user yet: lianhu user add NAME --role admin --region '*' --store URL (password on standard input)",
                a.store.split_once("://").map_or(a.store.as_str(), |(scheme, _)| scheme)
            );
        }
        if a.public_origin.is_none() && !a.bind.ip().is_loopback() {
            eprintln!(
                "注意：未经 TLS 对外监听，密码和令牌可被截获；请置于 TLS 代理之后并用 --public-origin\n\
                 careful: listening without TLS, passwords and tokens can be read on the way; put a TLS proxy in front and say --public-origin"
            );
        }
        let settings = Settings {
            bind: a.bind,
            admin_bind: a.admin_bind,
            manners: Manners { demo: a.demo, public_origin: a.public_origin.clone() },
            uploads: UploadSettings { folder: uploads_of(&a.store), most_bytes: UPLOAD_BYTES },
            sealer: super::key::find(&StoreArgs { store: a.store.clone() })?.map(Arc::new),
            with_test_routes: a.test_routes,
        };
        api::serve(store, settings, |public, admin| {
            println!("联户 Lianhu: http://{public}/    OGC API: http://{public}/ogc    运维 admin: http://{admin}/readyz");
        })
        .await
        .map_err(|e| match e {
            ServeError::Store(e) => of_store(e),
            other => started(other),
        })
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    served.map(|()| 0)
}

/// A GeoPackage is made (or upgraded, with a backup) as needed; a PostGIS store is made only where there is none.
async fn store(url: &str) -> Result<std::sync::Arc<dyn crate::store::Store>, StoreError> {
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
    let role = Role::parse(&a.role).ok_or_else(|| Failure::usage(format!("--role {}: {known}", a.role)))?;
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
    println!("已添加用户 user added: {} ({})", user.name, user.scope.describe());
    Ok(0)
}

pub(super) fn add_token(a: &TokenArgs) -> Outcome {
    let of = scope(&a.of)?;
    let (secret, hash) = api::fresh_token().map_err(|_| Failure::input("随机数 / random numbers"))?;
    let lasts = i64::from(a.days) * DAY_S;
    with_store(&a.store, OpenMode::ReadWrite, async |store| {
        store.add_token(&everything(), ACTOR, &a.name, &of, (&hash, lasts)).await.map_err(of_store)
    })?;
    eprintln!("令牌只显示这一次 / the token is shown this once:");
    println!("{secret}");
    Ok(0)
}
