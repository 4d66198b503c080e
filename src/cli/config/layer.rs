//! One layer of settings: what it does not say, the one below does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::commands::Failure;
use super::super::serve_args::ServeArgs;
use super::LEAST_TO_MOST_K;
use super::hidden::Hidden;
use super::oidc::OidcLayer;
use super::otel::OtelLayer;
use super::tianditu::TiandituLayer;
use super::web::WebLayer;

/// A file's settings, or those of the environment or the flags.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    pub(super) store: Option<String>,
    pub(super) bind: Option<SocketAddr>,
    pub(super) admin_bind: Option<SocketAddr>,
    pub(super) public_origin: Option<String>,
    pub(super) demo: Option<bool>,
    pub(super) log: Option<String>,
    pub(super) upload_mib: Option<u64>,
    pub(super) uploads: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) costly_per_minute: Option<u32>,
    pub(super) head_seconds: Option<u32>,
    pub(super) body_seconds: Option<u32>,
    pub(super) write_seconds: Option<u32>,
    #[serde(default)]
    pub(super) public: PublicLayer,
    #[serde(default)]
    pub(super) web: WebLayer,
    #[serde(default)]
    pub(super) oidc: OidcLayer,
    #[serde(default)]
    pub(super) otel: OtelLayer,
    #[serde(default)]
    pub(super) tianditu: TiandituLayer,
}

/// The table `[public]`: what everybody may see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublicLayer {
    pub(super) incidents: Option<bool>,
    pub(super) k: Option<u64>,
    pub(super) per_minute: Option<u32>,
}

/// What a file says.
pub(super) fn of_file(path: &Path) -> Result<Layer, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure { code: 2, ..super::super::outputs::unreadable(path, &e) })?;
    toml::from_str(&text).map_err(|e: toml::de::Error| {
        let (chinese, english) = e.span().map(|at| place_of(&text, at.start)).unwrap_or_default();
        Failure::usage(format!(
            "{shown}：{chinese}配置有误，请对照文档修改\n{shown}: {english}the settings are not as they should be: {}",
            without_field(e.message().trim())
        ))
    })
}

/// What the parser says, without the field it does not know: that may be a secret that somebody pasted.
fn without_field(said: &str) -> String {
    let rest = said.strip_prefix("unknown field `").and_then(|m| m.split_once('`'));
    match rest {
        Some((name, rest)) if !is_word(name) => format!("an unknown field{rest}"),
        _ => said.to_owned(),
    }
}

/// Whether a text can be somebody's word for a setting; keys and secrets have digits, capitals, or are longer.
fn is_word(name: &str) -> bool {
    (1..=24).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.'))
}

/// Line and name of a place in a file, Chinese and English. Never more of it: a line may hold a secret.
fn place_of(text: &str, at: usize) -> (String, String) {
    let line = text.bytes().take(at).filter(|b| *b == b'\n').count();
    let name = text.lines().nth(line).and_then(|l| l.split_once('=')).map_or("", |(name, _)| name.trim());
    let is_name = is_word(name);
    let (line, name) = (line + 1, if is_name { format!(" {name} ") } else { String::new() });
    (format!("第 {line} 行{name}"), format!("line {line}{}: ", name.trim_end()))
}

/// The variable of a setting.
fn variable(name: &str) -> String {
    format!("LIANHU_{}", name.to_ascii_uppercase())
}

/// What the environment says.
pub(super) fn of_environment(read: &dyn Fn(&str) -> Option<String>) -> Result<Layer, Failure> {
    fn parsed<T: std::str::FromStr>(name: &str, text: Option<String>, form: &str) -> Result<Option<T>, Failure> {
        let wrong = |text: &str| Failure::usage(format!("{}={text}：应为 {form} / {form} wanted", variable(name)));
        text.map(|t| t.trim().parse().map_err(|_| wrong(&t))).transpose()
    }
    let said = |name: &str| read(&variable(name)).filter(|t| !t.is_empty());
    Ok(Layer {
        store: said("store"),
        bind: parsed("bind", said("bind"), "IP:PORT")?,
        admin_bind: parsed("admin_bind", said("admin_bind"), "IP:PORT")?,
        public_origin: said("public_origin"),
        demo: parsed("demo", said("demo"), "true, false")?,
        log: said("log"),
        upload_mib: parsed("upload_mib", said("upload_mib"), "MiB")?,
        uploads: said("uploads").map(PathBuf::from),
        key_file: said("key_file").map(PathBuf::from),
        costly_per_minute: parsed("costly_per_minute", said("costly_per_minute"), "1–1000000")?,
        head_seconds: parsed("head_seconds", said("head_seconds"), "1–3600")?,
        body_seconds: parsed("body_seconds", said("body_seconds"), "1–3600")?,
        write_seconds: parsed("write_seconds", said("write_seconds"), "1–3600")?,
        public: PublicLayer {
            incidents: parsed("public_incidents", said("public_incidents"), "true, false")?,
            k: parsed("public_k", said("public_k"), LEAST_TO_MOST_K)?,
            per_minute: parsed("public_per_minute", said("public_per_minute"), "1–1000000")?,
        },
        web: WebLayer::of_texts(said("web_allowed_origins"), said("web_trusted_proxies"))?,
        oidc: OidcLayer::of_environment(&|name| said(&format!("oidc_{name}"))),
        otel: OtelLayer::of_environment(said("otel_endpoint"), read),
        tianditu: TiandituLayer {
            key: said("tianditu_key").map(Hidden),
            key_file: said("tianditu_key_file").map(PathBuf::from),
            base: said("tianditu_base"),
            seconds: parsed("tianditu_seconds", said("tianditu_seconds"), "1–60")?,
        },
    })
}

/// What the flags say.
pub(super) fn of_flags(a: &ServeArgs) -> Layer {
    Layer {
        store: a.store.clone(),
        bind: a.bind,
        admin_bind: a.admin_bind,
        public_origin: a.public_origin.clone(),
        demo: a.demo.then_some(true),
        upload_mib: a.upload_mib,
        web: WebLayer {
            allowed_origins: (!a.allowed_origins.is_empty()).then(|| a.allowed_origins.clone()),
            ..WebLayer::default()
        },
        ..Layer::default()
    }
}
