//! The table `[oidc]`: the organisation's own accounts.

use std::path::PathBuf;

use serde::Deserialize;

use super::super::commands::Failure;
use super::check_origin;
use super::hidden::Hidden;

/// What one layer says of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OidcLayer {
    pub(super) issuer: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret_file: Option<PathBuf>,
    /// Of the environment alone: files are read by more eyes.
    #[serde(skip)]
    pub(super) client_secret: Option<Hidden>,
    pub(super) redirect_base: Option<String>,
    pub(super) claim: Option<String>,
    pub(super) scopes: Option<String>,
}

impl OidcLayer {
    pub(super) fn of_environment(said: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            issuer: said("issuer"),
            client_id: said("client_id"),
            client_secret_file: said("client_secret_file").map(PathBuf::from),
            client_secret: said("client_secret").map(Hidden),
            redirect_base: said("redirect_base"),
            claim: said("claim"),
            scopes: said("scopes"),
        }
    }
}

/// All of it, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Oidc {
    pub(super) issuer: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret_file: Option<PathBuf>,
    pub(super) client_secret: Option<Hidden>,
    pub(super) redirect_base: Option<String>,
    pub(super) claim: String,
    pub(super) scopes: String,
}

impl Oidc {
    pub(super) fn built_in() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret_file: None,
            client_secret: None,
            redirect_base: None,
            claim: "preferred_username".to_owned(),
            scopes: "openid profile".to_owned(),
        }
    }

    /// Takes what a layer says; the names of what it said.
    pub(super) fn take(&mut self, layer: OidcLayer) -> Vec<&'static str> {
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
        put!(claim, scopes; issuer, client_id, client_secret_file, client_secret, redirect_base);
        said
    }

    /// Refuses what cannot be, with the public origin and whether others than this machine are listened to.
    pub(super) fn check(&self, public_origin: Option<&str>, is_open: bool) -> Result<(), Failure> {
        let Some(issuer) = &self.issuer else {
            return match &self.client_id {
                None => Ok(()),
                Some(_) => Err(Failure::usage("oidc.client_id：还需 oidc.issuer / oidc.issuer is wanted too")),
            };
        };
        if cfg!(not(feature = "oidc")) {
            let what = "oidc.issuer：此程序未带 oidc 功能，请用 cargo build --release --features oidc 构建 / \
                        this program was built without it: cargo build --release --features oidc";
            return Err(Failure::usage(what));
        }
        if !is_tls_or_here(issuer) {
            return Err(Failure::usage(format!(
                "oidc.issuer {issuer}：应为 https://…（本机可用 http）/ https://… is wanted (http on this machine alone)"
            )));
        }
        if self.client_id.as_deref().is_none_or(str::is_empty) {
            return Err(Failure::usage("oidc.client_id：未设 / not set"));
        }
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            let what = "oidc.client_secret_file：与 LIANHU_OIDC_CLIENT_SECRET 只能用一个 / not beside LIANHU_OIDC_CLIENT_SECRET";
            return Err(Failure::usage(what));
        }
        if self.claim.is_empty() {
            return Err(Failure::usage("oidc.claim：不能为空 / is empty"));
        }
        match (&self.redirect_base, public_origin) {
            (Some(base), None) => check_origin("oidc.redirect_base", base),
            (Some(base), Some(origin)) if base.trim_end_matches('/') != origin.trim_end_matches('/') => {
                let what = "应与 public_origin 相同，否则返回时没有 Cookie / the same as public_origin: cookies come back to no other";
                Err(Failure::usage(format!("oidc.redirect_base {base}：{what}")))
            }
            (None, None) if is_open => {
                let what = "未设，且没有 public_origin / not set, and no public_origin either";
                Err(Failure::usage(format!("oidc.redirect_base：{what}")))
            }
            _ => Ok(()),
        }
    }

    /// Values as a file has them, in the order of the names; without the secret.
    pub(super) fn shown(&self, text: &dyn Fn(&str) -> String) -> [Option<String>; 6] {
        [
            self.issuer.as_deref().map(text),
            self.client_id.as_deref().map(text),
            self.client_secret_file.as_ref().map(|p| text(&p.to_string_lossy())),
            self.redirect_base.as_deref().map(text),
            Some(text(&self.claim)),
            Some(text(&self.scopes)),
        ]
    }

    /// As the service takes it; the secret's file is read now.
    ///
    /// # Errors
    /// A file that cannot be read, or that others can.
    #[cfg(feature = "oidc")]
    pub(in crate::cli) fn settings(&self) -> Result<Option<crate::api::OidcSettings>, Failure> {
        let Some(issuer) = self.issuer.clone() else { return Ok(None) };
        let client_secret = super::hidden::secret(self.client_secret.as_ref(), self.client_secret_file.as_deref())?;
        Ok(Some(crate::api::OidcSettings {
            issuer,
            client_id: self.client_id.clone().unwrap_or_default(),
            client_secret,
            redirect_base: self.redirect_base.clone(),
            claim: self.claim.clone(),
            scopes: self.scopes.clone(),
        }))
    }
}

/// With TLS, or no further than this machine.
fn is_tls_or_here(issuer: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    if let Some(rest) = issuer.strip_prefix("https://") {
        return !host(rest).is_empty();
    }
    let Some(rest) = issuer.strip_prefix("http://") else { return false };
    host(rest).parse::<std::net::SocketAddr>().is_ok_and(|a| a.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_comes_with_tls_or_from_this_machine() {
        for good in ["https://id.example", "https://id.example/realms/a", "http://127.0.0.1:8090/", "http://[::1]:80"] {
            assert!(is_tls_or_here(good), "{good}");
        }
        for bad in [
            "http://id.example",
            "https://",
            "ftp://a",
            "id.example",
            "http://127.0.0.1@id.example:80/",
            "http://10.0.0.1:80",
        ] {
            assert!(!is_tls_or_here(bad), "{bad}");
        }
    }
}
