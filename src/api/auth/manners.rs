//! How sign-in works here, as far as it shows in cookies.

use axum::http::{HeaderMap, header};

use super::secret::Secret;

/// A cookie that holds a secret.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Cookie {
    /// Its name on plain http.
    pub(in crate::api) name: &'static str,
    /// What browsers are told of requests from other sites.
    pub(in crate::api) same_site: &'static str,
}

/// The one of a session: it never comes along from another site.
pub(super) const SESSION: Cookie = Cookie { name: "lianhu", same_site: "Strict" };

/// How sign-in works here.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Visitors from this machine are planners of the demonstration.
    pub demo: bool,
    /// `https://host[:port]` under which the service is known outside, if it stands behind a proxy.
    pub public_origin: Option<String>,
}

impl Manners {
    pub(super) fn is_https(&self) -> bool {
        self.public_origin.as_ref().is_some_and(|o| o.starts_with("https://"))
    }

    /// `__Host-` wants TLS; on plain http (this machine alone) a cookie has its bare name.
    fn prefix(&self) -> &'static str {
        if self.is_https() { "__Host-" } else { "" }
    }

    /// The secret a request brings in a cookie.
    pub(in crate::api) fn cookie(&self, of: Cookie, headers: &HeaderMap) -> Option<Secret> {
        let mut pairs =
            headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
        let value = |pair: &'_ str| -> Option<Secret> {
            let rest = pair.trim().strip_prefix(self.prefix())?.strip_prefix(of.name)?;
            Secret::parse(rest.strip_prefix('=')?)
        };
        pairs.find_map(value)
    }

    /// `Set-Cookie` that gives a secret to the browser, or, lasting 0 s, takes it away.
    pub(in crate::api) fn set_cookie(&self, of: Cookie, value: &str, lasts_s: i64) -> String {
        let (prefix, Cookie { name, same_site }) = (self.prefix(), of);
        let secure = if self.is_https() { "; Secure" } else { "" };
        format!("{prefix}{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite={same_site}{secure}")
    }
}
