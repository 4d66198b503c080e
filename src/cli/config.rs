//! How the service is configured: what is built in, then a TOML file, then the environment, then flags; each later one counts more.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::plan::room::public::LEAST_K;

use super::commands::{Failure, Outcome};
use super::serve_args::ServeArgs;

/// The file, where no flag names one.
const FILE: &str = "LIANHU_CONFIG";

/// One layer of settings: what it does not say, the one below does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    store: Option<String>,
    bind: Option<SocketAddr>,
    admin_bind: Option<SocketAddr>,
    public_origin: Option<String>,
    demo: Option<bool>,
    log: Option<String>,
    upload_mib: Option<u64>,
    uploads: Option<PathBuf>,
    key_file: Option<PathBuf>,
    costly_per_minute: Option<u32>,
    head_seconds: Option<u32>,
    body_seconds: Option<u32>,
    write_seconds: Option<u32>,
    #[serde(default)]
    public: PublicLayer,
}

/// The table `[public]`: what everybody may see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicLayer {
    incidents: Option<bool>,
    k: Option<u64>,
}

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
    /// Where each setting comes from.
    origins: BTreeMap<&'static str, String>,
}

/// In the order of a file; those of a table come last, with its name and `_` before them.
const NAMES: [&str; 15] = [
    "store",
    "bind",
    "admin_bind",
    "public_origin",
    "demo",
    "log",
    "upload_mib",
    "uploads",
    "key_file",
    "costly_per_minute",
    "head_seconds",
    "body_seconds",
    "write_seconds",
    "public_incidents",
    "public_k",
];
const TABLE: &str = "public";
/// How large k may be said to be.
const LEAST_TO_MOST_K: &str = "5–1000";
const LOG_WORDS: [&str; 4] = ["error", "warn", "info", "debug"];

fn of_file(path: &Path) -> Result<Layer, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("{shown}：{e}\n{shown}: {e}")))?;
    toml::from_str(&text).map_err(|e| Failure::usage(format!("{shown}：{0}\n{shown}: {0}", e.to_string().trim())))
}

/// The variable of a setting.
fn variable(name: &str) -> String {
    format!("LIANHU_{}", name.to_ascii_uppercase())
}

fn of_environment(read: &dyn Fn(&str) -> Option<String>) -> Result<Layer, Failure> {
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
        },
    })
}

fn of_flags(a: &ServeArgs) -> Layer {
    Layer {
        store: a.store.clone(),
        bind: a.bind,
        admin_bind: a.admin_bind,
        public_origin: a.public_origin.clone(),
        demo: a.demo.then_some(true),
        upload_mib: a.upload_mib,
        ..Layer::default()
    }
}

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
            origins: NAMES.iter().map(|n| (*n, "内置 built in".to_owned())).collect(),
        }
    }

    fn take(&mut self, layer: Layer, from: &str) {
        let mut said = Vec::new();
        macro_rules! put {
            ($($name:ident),+ ; $($option:ident),+) => {
                $(if let Some(value) = layer.$name {
                    self.$name = value;
                    said.push(stringify!($name));
                })+
                $(if layer.$option.is_some() {
                    self.$option = layer.$option;
                    said.push(stringify!($option));
                })+
            };
        }
        put!(
            store, bind, admin_bind, demo, log, upload_mib, costly_per_minute, head_seconds, body_seconds, write_seconds;
            public_origin, uploads, key_file
        );
        if let Some(on) = layer.public.incidents {
            self.public_incidents = on;
            said.push("public_incidents");
        }
        if let Some(k) = layer.public.k {
            self.public_k = k;
            said.push("public_k");
        }
        for name in said {
            self.origins.insert(name, from.to_owned());
        }
    }

    fn check(&self) -> Result<(), Failure> {
        if let Some(origin) = &self.public_origin {
            let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if rest.is_none_or(|r| r.is_empty() || r.contains('/')) {
                return Err(Failure::usage(format!("public_origin {origin}: https://HOST[:PORT]")));
            }
        }
        if !LOG_WORDS.contains(&self.log.as_str()) {
            return Err(Failure::usage(format!("log {}: {}", self.log, LOG_WORDS.join(" "))));
        }
        if !(1..=4_096).contains(&self.upload_mib) {
            return Err(Failure::usage(format!("upload_mib {}: 1–4096", self.upload_mib)));
        }
        if !(1..=1_000_000).contains(&self.costly_per_minute) {
            return Err(Failure::usage(format!("costly_per_minute {}: 1–1000000", self.costly_per_minute)));
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
        Ok(())
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
        let values = [
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
        ];
        let mut out = String::new();
        let mut within = false;
        for (name, value) in NAMES.iter().zip(values) {
            let from = self.origins.get(name).map_or("", String::as_str);
            let inner = name.strip_prefix(TABLE).and_then(|n| n.strip_prefix('_')).filter(|n| *n != "origin");
            if inner.is_some() && !std::mem::replace(&mut within, true) {
                let _ = writeln!(out, "\n[{TABLE}]");
            }
            let name = inner.unwrap_or(name);
            let _ = match value {
                Some(value) => writeln!(out, "{name} = {value}  # {from}"),
                None => writeln!(out, "# {name} =  # 未设 not set"),
            };
        }
        out
    }
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
    print!("{}", Config::of(a)?.shown());
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
            ("public_origin = \"https://a/b\"\n", None, "public_origin"),
            ("", Some(("LIANHU_UPLOAD_MIB", "much")), "LIANHU_UPLOAD_MIB"),
            ("", Some(("LIANHU_DEMO", "maybe")), "LIANHU_DEMO"),
        ] {
            let e = resolved(file, environment.as_slice(), &[]).expect_err(word);
            assert!(e.contains(word), "{e}");
        }
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
