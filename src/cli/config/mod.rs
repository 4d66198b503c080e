//! How the service is configured: what is built in, then a TOML file, then the environment, then flags; each later one counts more.

mod hidden;
mod layer;
mod oidc;
mod otel;
mod tianditu;
mod web;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::plan::room::public::LEAST_K;

use super::commands::{Failure, Outcome};
use super::serve_args::ServeArgs;
use layer::{Layer, of_environment, of_file, of_flags};
use oidc::Oidc;
use tianditu::Tianditu;

/// The file, where no flag names one.
const FILE: &str = "LIANHU_CONFIG";

/// Everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) store: String,
    pub(super) bind: SocketAddr,
    pub(super) admin_bind: SocketAddr,
    pub(super) public_origin: Option<String>,
    pub(super) demo: bool,
    pub(super) log: String,
    pub(super) upload_mib: u64,
    pub(super) uploads: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) costly_per_minute: u32,
    pub(super) head_seconds: u32,
    pub(super) body_seconds: u32,
    pub(super) write_seconds: u32,
    pub(super) public_incidents: bool,
    pub(super) public_k: u64,
    pub(super) public_per_minute: u32,
    pub(super) allowed_origins: Vec<String>,
    pub(super) trusted_proxies: Vec<IpAddr>,
    pub(super) oidc: Oidc,
    pub(super) otel_endpoint: Option<String>,
    pub(super) tianditu: Tianditu,
    /// Where each setting comes from, by table and name.
    origins: BTreeMap<(&'static str, &'static str), String>,
}

/// Table and name, in the order of a file; those without a table come first.
const NAMES: [(&str, &str); 28] = [
    ("", "store"),
    ("", "bind"),
    ("", "admin_bind"),
    ("", "public_origin"),
    ("", "demo"),
    ("", "log"),
    ("", "upload_mib"),
    ("", "uploads"),
    ("", "key_file"),
    ("", "costly_per_minute"),
    ("", "head_seconds"),
    ("", "body_seconds"),
    ("", "write_seconds"),
    (PUBLIC, "incidents"),
    (PUBLIC, "k"),
    (PUBLIC, "per_minute"),
    (WEB, "allowed_origins"),
    (WEB, "trusted_proxies"),
    (OIDC, "issuer"),
    (OIDC, "client_id"),
    (OIDC, "client_secret_file"),
    (OIDC, "redirect_base"),
    (OIDC, "claim"),
    (OIDC, "scopes"),
    (OTEL, "endpoint"),
    (TIANDITU, "key_file"),
    (TIANDITU, "base"),
    (TIANDITU, "seconds"),
];
const PUBLIC: &str = "public";
const WEB: &str = "web";
const OIDC: &str = "oidc";
const OTEL: &str = "otel";
const TIANDITU: &str = "tianditu";
/// How large k may be said to be.
const LEAST_TO_MOST_K: &str = "5–1000";
const LOG_WORDS: [&str; 4] = ["error", "warn", "info", "debug"];

impl Config {
    /// What is built in.
    fn built_in() -> Self {
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            store: "sqlite:lianhu.gpkg".to_owned(),
            bind: here(8080),
            admin_bind: here(8081),
            public_origin: None,
            demo: false,
            log: "info".to_owned(),
            upload_mib: 256,
            uploads: None,
            key_file: None,
            costly_per_minute: 120,
            head_seconds: 10,
            body_seconds: 30,
            write_seconds: 30,
            public_incidents: false,
            public_k: LEAST_K,
            public_per_minute: 600,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            oidc: Oidc::built_in(),
            otel_endpoint: None,
            tianditu: Tianditu::built_in(),
            origins: NAMES.iter().map(|n| (*n, "内置 built in".to_owned())).collect(),
        }
    }

    fn take(&mut self, layer: Layer, from: &str) {
        let mut said = Vec::new();
        macro_rules! put {
            ($($name:ident),+ ; $($option:ident),+) => {
                $(if let Some(value) = layer.$name {
                    self.$name = value;
                    said.push(("", stringify!($name)));
                })+
                $(if layer.$option.is_some() {
                    self.$option = layer.$option;
                    said.push(("", stringify!($option)));
                })+
            };
        }
        put!(
            store, bind, admin_bind, demo, log, upload_mib, costly_per_minute, head_seconds, body_seconds, write_seconds;
            public_origin, uploads, key_file
        );
        if let Some(on) = layer.public.incidents {
            self.public_incidents = on;
            said.push((PUBLIC, "incidents"));
        }
        if let Some(k) = layer.public.k {
            self.public_k = k;
            said.push((PUBLIC, "k"));
        }
        if let Some(n) = layer.public.per_minute {
            self.public_per_minute = n;
            said.push((PUBLIC, "per_minute"));
        }
        if let Some(origins) = layer.web.allowed_origins {
            self.allowed_origins = origins;
            said.push((WEB, "allowed_origins"));
        }
        if let Some(proxies) = layer.web.trusted_proxies {
            self.trusted_proxies = proxies;
            said.push((WEB, "trusted_proxies"));
        }
        if layer.otel.endpoint.is_some() {
            self.otel_endpoint = layer.otel.endpoint;
            said.push((OTEL, "endpoint"));
        }
        said.extend(self.oidc.take(layer.oidc).into_iter().map(|name| (OIDC, name)));
        said.extend(self.tianditu.take(layer.tianditu).into_iter().map(|name| (TIANDITU, name)));
        for name in said {
            self.origins.insert(name, from.to_owned());
        }
    }

    fn check(&self) -> Result<(), Failure> {
        if let Some(origin) = &self.public_origin {
            check_origin("public_origin", origin)?;
        }
        if !LOG_WORDS.contains(&self.log.as_str()) {
            return Err(Failure::usage(format!("log {}: {}", self.log, LOG_WORDS.join(" "))));
        }
        if !(1..=4_096).contains(&self.upload_mib) {
            return Err(Failure::usage(format!("upload_mib {}: 1–4096", self.upload_mib)));
        }
        let rates = [("costly_per_minute", self.costly_per_minute), ("public.per_minute", self.public_per_minute)];
        if let Some((name, value)) = rates.into_iter().find(|(_, v)| !(1..=1_000_000).contains(v)) {
            return Err(Failure::usage(format!("{name} {value}: 1–1000000")));
        }
        let seconds = [
            ("head_seconds", self.head_seconds),
            ("body_seconds", self.body_seconds),
            ("write_seconds", self.write_seconds),
        ];
        if let Some((name, value)) = seconds.into_iter().find(|(_, v)| !(1..=3_600).contains(v)) {
            return Err(Failure::usage(format!("{name} {value}: 1–3600")));
        }
        if !(LEAST_K..=1_000).contains(&self.public_k) {
            return Err(Failure::usage(format!("public.k {}: {LEAST_TO_MOST_K}", self.public_k)));
        }
        web::check(&self.allowed_origins, self.demo)?;
        self.otel_endpoint.as_deref().map_or(Ok(()), otel::check)?;
        self.tianditu.check()?;
        self.oidc.check(self.public_origin.as_deref(), !self.bind.ip().is_loopback())
    }

    fn resolved(a: &ServeArgs, read: &dyn Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let mut config = Self::built_in();
        let file = a.config.clone().or_else(|| read(FILE).filter(|t| !t.is_empty()).map(PathBuf::from));
        if let Some(path) = file {
            config.take(of_file(&path)?, &path.display().to_string());
        }
        config.take(of_environment(read)?, "环境变量 environment");
        config.take(of_flags(a), "参数 flag");
        config.check()?;
        Ok(config)
    }

    /// Everything resolved for a start of the service.
    ///
    /// # Errors
    /// A file that cannot be read, a setting nobody knows or that means nothing.
    pub(super) fn of(a: &ServeArgs) -> Result<Self, Failure> {
        Self::resolved(a, &|name| std::env::var(name).ok())
    }

    /// As a file has it, without what is secret, each line with where it comes from.
    fn shown(&self) -> String {
        let text = |t: &str| toml::Value::String(t.to_owned()).to_string();
        let path = |p: &Option<PathBuf>| p.as_ref().map(|p| text(&p.to_string_lossy()));
        let mut values = vec![
            Some(text(&without_secret(&self.store))),
            Some(text(&self.bind.to_string())),
            Some(text(&self.admin_bind.to_string())),
            self.public_origin.as_deref().map(text),
            Some(self.demo.to_string()),
            Some(text(&self.log)),
            Some(self.upload_mib.to_string()),
            path(&self.uploads),
            path(&self.key_file),
            Some(self.costly_per_minute.to_string()),
            Some(self.head_seconds.to_string()),
            Some(self.body_seconds.to_string()),
            Some(self.write_seconds.to_string()),
            Some(self.public_incidents.to_string()),
            Some(self.public_k.to_string()),
            Some(self.public_per_minute.to_string()),
            Some(web::shown(&self.allowed_origins)),
            Some(web::shown(&self.trusted_proxies)),
        ];
        values.extend(self.oidc.shown(&text));
        values.push(self.otel_endpoint.as_deref().map(text));
        values.extend(self.tianditu.shown(&text));
        let mut out = String::new();
        let mut within = "";
        for ((table, name), value) in NAMES.iter().zip(values) {
            if *table != std::mem::replace(&mut within, table) {
                let _ = writeln!(out, "\n[{table}]");
            }
            let from = self.origins.get(&(*table, *name)).map_or("", String::as_str);
            let _ = match value {
                Some(value) => writeln!(out, "{name} = {value}  # {from}"),
                None => writeln!(out, "# {name} =  # 未设 not set"),
            };
        }
        if let Some(from) = self.origins.get(&(OIDC, "client_secret")) {
            let _ = writeln!(out, "# client_secret: ***  # {from}");
        }
        if let Some(from) = self.origins.get(&(TIANDITU, "key")).filter(|_| self.tianditu.has_key()) {
            let _ = writeln!(out, "# tianditu.key: ***  # {from}");
        }
        out
    }
}

/// `https://HOST[:PORT]` and nothing more.
fn check_origin(name: &str, origin: &str) -> Result<(), Failure> {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    if rest.is_none_or(|r| r.is_empty() || r.contains('/')) {
        return Err(Failure::usage(format!("{name} {origin}: https://HOST[:PORT]")));
    }
    Ok(())
}

/// A store's address without its password.
pub(super) fn without_secret(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}:***@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    // parameters may hold one too
    let path = path.map(|p| format!("/{}", p.split('?').next().unwrap_or_default())).unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

pub(super) fn show(a: &ServeArgs) -> Outcome {
    out!("{}", Config::of(a)?.shown());
    Ok(0)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn resolved(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("lianhu.toml");
        std::fs::write(&path, file).expect("file");
        let path = path.to_string_lossy().into_owned();
        let line = Line::parse_from([&["lianhu", "--config", &path], flags].concat());
        let read = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Config::resolved(&line.serve, &read).map_err(|f| f.message)
    }

    #[test]
    fn flags_count_more_than_environment_file_and_what_is_built_in() {
        let file = "bind = \"127.0.0.1:1\"\nadmin_bind = \"127.0.0.1:2\"\nlog = \"warn\"\nupload_mib = 7\n";
        let c =
            resolved(file, &[("LIANHU_ADMIN_BIND", "127.0.0.1:3"), ("LIANHU_UPLOAD_MIB", "8")], &["--upload-mib", "9"]);
        let c = c.expect("resolved");
        assert_eq!((c.bind.port(), c.admin_bind.port(), c.upload_mib), (1, 3, 9));
        assert_eq!((c.log.as_str(), c.store.as_str(), c.demo), ("warn", "sqlite:lianhu.gpkg", false));
        let shown = c.shown();
        assert!(shown.contains("upload_mib = 9  # 参数 flag") && shown.contains("lianhu.toml"), "{shown}");
        let back: Layer = toml::from_str(&shown).expect("what is shown is a file again");
        assert_eq!((back.bind, back.upload_mib, back.public_origin), (Some(c.bind), Some(9), None));
        assert_eq!(
            (back.public.incidents, back.public.k),
            (Some(false), Some(5)),
            "nothing is public unless it is said"
        );
        assert!(c.allowed_origins.is_empty() && shown.contains("[web]\nallowed_origins = []  # "), "{shown}");
        let file = "[web]\nallowed_origins = [\"https://a.example\"]\n";
        let c = resolved(file, &[("LIANHU_WEB_ALLOWED_ORIGINS", "https://b.example, https://c.example:8443")], &[]);
        let c = c.expect("resolved");
        assert_eq!(c.allowed_origins, ["https://b.example", "https://c.example:8443"]);
        let back: Layer = toml::from_str(&c.shown()).expect("a file again");
        assert_eq!(back.web.allowed_origins, Some(c.allowed_origins));
        let c = resolved(file, &[], &["--allowed-origins", "*"]).expect("resolved");
        assert_eq!(c.allowed_origins, ["*"]);
        let c = resolved("[public]\nincidents = true\n", &[("LIANHU_PUBLIC_K", "10")], &[]).expect("resolved");
        assert_eq!((c.public_incidents, c.public_k), (true, 10));
        assert!(
            c.shown().contains("[public]\nincidents = true  # ") && c.shown().contains("\nk = 10  # "),
            "{}",
            c.shown()
        );
    }

    #[test]
    fn unknown_settings_and_senseless_values_are_refused_by_name() {
        for (file, environment, word) in [
            ("blind = 1\n", None, "blind"),
            ("bind = \"nowhere\"\n", None, "bind"),
            ("log = \"loud\"\n", None, "log"),
            ("upload_mib = 0\n", None, "upload_mib"),
            ("body_seconds = 0\n", None, "body_seconds"),
            ("[public]\nk = 4\n", None, "public.k"),
            ("[public]\nnames = true\n", None, "names"),
            ("[public]\nper_minute = 0\n", None, "public.per_minute"),
            ("[oidc]\nclient_secret = \"x\"\n", None, "client_secret"),
            ("[oidc]\nclient_id = \"x\"\n", None, "oidc.issuer"),
            ("[oidc]\nissuer = \"http://id.example\"\nclient_id = \"x\"\n", None, "oidc.issuer"),
            ("public_origin = \"https://a/b\"\n", None, "public_origin"),
            ("[web]\nallowed_origins = [\"gis.example\"]\n", None, "web.allowed_origins"),
            ("[web]\nallowed_origins = [\"https://gis.example/\"]\n", None, "web.allowed_origins"),
            ("[web]\nallowed_origins = [\"*\", \"https://gis.example\"]\n", None, "web.allowed_origins"),
            ("demo = true\n[web]\nallowed_origins = [\"*\"]\n", None, "web.allowed_origins"),
            ("", Some(("LIANHU_WEB_ALLOWED_ORIGINS", "https://a.example,null")), "web.allowed_origins"),
            ("", Some(("LIANHU_UPLOAD_MIB", "much")), "LIANHU_UPLOAD_MIB"),
            ("", Some(("LIANHU_DEMO", "maybe")), "LIANHU_DEMO"),
        ] {
            let e = resolved(file, environment.as_slice(), &[]).expect_err(word);
            assert!(e.contains(word), "{e}");
        }
    }

    #[cfg(not(feature = "oidc"))]
    #[test]
    fn issuer_is_refused_by_a_program_without_it() {
        let e =
            resolved("[oidc]\nissuer = \"https://id.example\"\nclient_id = \"x\"\n", &[], &[]).expect_err("refused");
        assert!(e.contains("--features oidc"), "{e}");
    }

    #[cfg(feature = "oidc")]
    #[test]
    fn issuer_is_shown_without_the_secret() {
        let file = "[oidc]\nissuer = \"https://id.example\"\nclient_id = \"x\"\n";
        let c = resolved(file, &[("LIANHU_OIDC_CLIENT_SECRET", "geheim"), ("LIANHU_OIDC_CLAIM", "staff_no")], &[]);
        let c = c.expect("resolved");
        let shown = c.shown();
        assert!(
            shown.contains("[oidc]\nissuer = \"https://id.example\"") && shown.contains("# client_secret: ***"),
            "{shown}"
        );
        assert!(!shown.contains("geheim") && !format!("{c:?}").contains("geheim"), "{shown}");
        let back: Layer = toml::from_str(&shown).expect("what is shown is a file again");
        assert_eq!(back.oidc.claim.as_deref(), Some("staff_no"));
        let settings = c.oidc.settings().ok().flatten().expect("an issuer");
        assert_eq!((settings.client_secret.as_deref(), settings.scopes.as_str()), (Some("geheim"), "openid profile"));
        for (more, word) in [
            ("client_secret_file = \"x\"\n", "client_secret_file"),
            ("claim = \"\"\n", "oidc.claim"),
            ("redirect_base = \"https://a/b\"\n", "redirect_base"),
        ] {
            let environment = [("LIANHU_OIDC_CLIENT_SECRET", "geheim")];
            let e = resolved(&format!("{file}{more}"), &environment, &[]).expect_err(word);
            assert!(e.contains(word), "{e}");
        }
        let open = resolved(&format!("bind = \"0.0.0.0:80\"\n{file}"), &[], &[]).expect_err("no way back");
        assert!(open.contains("redirect_base"), "{open}");
        let other = format!("public_origin = \"https://a\"\n{file}redirect_base = \"https://b\"\n");
        assert!(resolved(&other, &[], &[]).expect_err("another").contains("public_origin"));
    }

    #[test]
    fn passwords_are_never_shown() {
        for (url, shown) in [
            ("postgres://li:geheim@db:5432/lianhu?sslpassword=geheim", "postgres://li:***@db:5432/lianhu"),
            ("postgres://li:a@geheim@db/x", "postgres://li:***@db/x"),
            ("postgres:///x?password=geheim", "postgres:///x"),
            ("sqlite:lianhu.gpkg", "sqlite:lianhu.gpkg"),
        ] {
            assert_eq!(without_secret(url), shown);
        }
    }
}
