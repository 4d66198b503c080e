//! The table `[tianditu]`: a basemap that the service fetches with a key of its own.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::super::commands::Failure;
use super::hidden::{Hidden, secret};
use crate::api::TiandituSettings;

/// Tianditu's own hosts.
const BASE: &str = "https://t{s}.tianditu.gov.cn";

/// What one layer says of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TiandituLayer {
    pub(super) key: Option<Hidden>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) base: Option<String>,
    pub(super) seconds: Option<u32>,
}

/// All of it, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Tianditu {
    key: Option<Hidden>,
    key_file: Option<PathBuf>,
    base: String,
    seconds: u32,
}

impl Tianditu {
    pub(super) fn built_in() -> Self {
        Self { key: None, key_file: None, base: BASE.to_owned(), seconds: 8 }
    }

    /// Takes what a layer says; the names of what it said. A layer that names a key in one way has no need of the other way below it.
    pub(super) fn take(&mut self, layer: TiandituLayer) -> Vec<&'static str> {
        let mut said = Vec::new();
        if layer.key.is_some() || layer.key_file.is_some() {
            said.extend(layer.key.as_ref().map(|_| "key"));
            said.extend(layer.key_file.as_ref().map(|_| "key_file"));
            (self.key, self.key_file) = (layer.key, layer.key_file);
        }
        if let Some(base) = layer.base {
            self.base = base;
            said.push("base");
        }
        if let Some(seconds) = layer.seconds {
            self.seconds = seconds;
            said.push("seconds");
        }
        said
    }

    /// Refuses what cannot be; never says the key.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.key.is_some() && self.key_file.is_some() {
            let what = "tianditu.key_file：与 tianditu.key 只能用一个 / not beside tianditu.key";
            return Err(Failure::usage(what));
        }
        if let Some(Hidden(key)) = &self.key {
            check_key("tianditu.key", key.trim())?;
        }
        if !is_safe(&self.base) {
            return Err(Failure::usage(format!(
                "tianditu.base {}：应为 https://…（本机或内网的 IP 地址可用 http）/ https://… is wanted (http to this machine or a private IP address alone)",
                self.base.split(['?', '#', '@']).next().unwrap_or_default()
            )));
        }
        if !(1..=60).contains(&self.seconds) {
            return Err(Failure::usage(format!("tianditu.seconds {}: 1–60", self.seconds)));
        }
        Ok(())
    }

    /// Values as a file has them, in the order of the names; without the key.
    pub(super) fn shown(&self, text: &dyn Fn(&str) -> String) -> [Option<String>; 3] {
        let file = self.key_file.as_ref().map(|p| text(&p.to_string_lossy()));
        [file, Some(text(&self.base)), Some(self.seconds.to_string())]
    }

    /// Whether the key itself was said.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// As the service takes it; `None` without a key. The key's file is read now.
    ///
    /// # Errors
    /// A file that cannot be read, or that others can, or that holds no key.
    pub(in crate::cli) fn settings(&self) -> Result<Option<TiandituSettings>, Failure> {
        let Some(key) = secret(self.key.as_ref(), self.key_file.as_deref())? else { return Ok(None) };
        let key = key.trim().to_owned();
        check_key("tianditu.key_file", &key)?;
        let answers = Duration::from_secs(self.seconds.into());
        Ok(Some(TiandituSettings { key, base: self.base.clone(), answers }))
    }
}

/// Letters and digits: nothing that means something in an address.
fn check_key(name: &str, key: &str) -> Result<(), Failure> {
    if (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{name}：不是密钥，只应有字母和数字（此处不显示其内容）/ no key, which is letters and digits (it is not shown here)"
    )))
}

/// With TLS, or no further than this machine and its own network: the key is part of every request.
fn is_safe(base: &str) -> bool {
    let is_plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_graphic()) && !rest.contains(['?', '#', '@']);
    let host = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
    if let Some(rest) = base.strip_prefix("https://") {
        return is_plain(rest) && !host(rest).is_empty() && !host(rest).starts_with(':');
    }
    let Some(rest) = base.strip_prefix("http://").filter(|r| is_plain(r)) else { return false };
    let host = host(rest);
    let ip = host.parse::<SocketAddr>().map(|a| a.ip()).or_else(|_| host.parse::<IpAddr>());
    ip.is_ok_and(|ip| match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::layer::{Layer, of_file};
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn config(text: &str) -> Config {
        let layer: Layer = toml::from_str(text).expect("a layer");
        let mut config = Config::built_in();
        config.take(layer, "here");
        config
    }

    #[test]
    fn nothing_is_asked_of_anybody_unless_there_is_a_key() {
        let c = config("[tianditu]\nseconds = 5\n");
        assert!(c.check().is_ok() && c.tianditu.settings().ok().flatten().is_none());
        assert!(
            c.shown().contains("\n[tianditu]\n# key_file =  # 未设 not set\nbase = \"https://t{s}.tianditu.gov.cn\"")
        );
    }

    #[test]
    fn key_is_shown_nowhere() {
        let c = config(&format!("[tianditu]\nkey = \"{SECRET}\"\n"));
        assert!(c.check().is_ok());
        let shown = c.shown();
        assert!(shown.contains("# tianditu.key: ***  # here"), "{shown}");
        assert!(!shown.contains(SECRET) && !format!("{c:?}").contains(SECRET), "{shown}");
        let back: Layer = toml::from_str(&shown).expect("what is shown is a file again");
        assert_eq!((back.tianditu.key, back.tianditu.seconds), (None, Some(8)));
        let settings = c.tianditu.settings().ok().flatten().expect("a key");
        assert_eq!((settings.key.as_str(), settings.answers.as_secs()), (SECRET, 8));
        assert!(!format!("{settings:?}").contains(SECRET));
        // an address with the key in it, a line too many: refused, and not said again
        for bad in [format!("tk={SECRET}"), format!("{SECRET}\\n{SECRET}"), format!("{SECRET}%20"), String::new()] {
            let e = config(&format!("[tianditu]\nkey = \"{bad}\"\n")).check().expect_err("no key");
            assert!(e.message.contains("tianditu.key") && !e.message.contains(SECRET), "{}", e.message);
        }
    }

    #[test]
    fn key_s_file_is_its_owner_s_alone_and_the_later_layer_counts() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("tianditu");
        std::fs::write(&path, format!("{SECRET}\n")).expect("written");
        let mut c = config(&format!("[tianditu]\nkey_file = \"{}\"\n", path.display()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("mode");
            assert!(c.tianditu.settings().is_err_and(|e| e.message.contains("chmod 600")));
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
        }
        assert_eq!(c.tianditu.settings().ok().flatten().map(|s| s.key).as_deref(), Some(SECRET));
        assert!(c.shown().contains("key_file = "));
        let layer: Layer = toml::from_str("[tianditu]\nkey = \"another\"\n").expect("a layer");
        c.take(layer, "later");
        assert!(c.check().is_ok());
        assert_eq!(c.tianditu.settings().ok().flatten().map(|s| s.key).as_deref(), Some("another"));
        assert!(c.shown().contains("[tianditu]\n# key_file = "), "{}", c.shown());
        let both = config("[tianditu]\nkey = \"a\"\nkey_file = \"b\"\n");
        assert!(both.check().is_err_and(|e| e.message.contains("key_file")));
    }

    #[test]
    fn fault_in_a_file_is_placed_and_its_line_is_not_said_again() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("lianhu.toml");
        for line in [
            format!("key = {SECRET}"),
            format!("key = \"{SECRET}"),
            format!("key = [\"{SECRET}\"]"),
            format!("key = 1{}", &SECRET[1..9]),
            format!("{SECRET} = \"x\""),
            format!("{SECRET}=="),
        ] {
            std::fs::write(&path, format!("[tianditu]\n{line}\n")).expect("written");
            let e = of_file(&path).expect_err("a fault").message;
            let name = if line.starts_with("key") { " key" } else { "" };
            assert!(e.contains(&format!("第 2 行{name}")) && e.contains(&format!("line 2{name}")), "{e}");
            assert!(!e.contains(&SECRET[1..9]), "{e}");
        }
    }

    #[test]
    fn key_goes_out_with_tls_or_stays_on_its_own_network() {
        for good in [
            BASE,
            "https://mirror.example/tdt/",
            "http://127.0.0.1:8090",
            "http://10.1.2.3/tdt",
            "http://192.168.0.9:80/",
            "http://[fd00::1]:8080",
        ] {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "t0.tianditu.gov.cn",
            "http://t0.tianditu.gov.cn",
            "https://",
            "https://:443",
            "https://a?tk=1",
            "https://u:p@a",
            "https://a b",
            "http://8.8.8.8:80",
            "http://127.0.0.1@evil.example:80",
            "ftp://127.0.0.1",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }
}
