//! The table `[web]`: pages of other origins, proxies before the service.

use std::net::IpAddr;

use serde::Deserialize;

use super::super::commands::Failure;
use super::check_origin;

/// What a layer says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebLayer {
    pub(super) allowed_origins: Option<Vec<String>>,
    pub(super) trusted_proxies: Option<Vec<IpAddr>>,
}

impl WebLayer {
    /// Several in one text each, with commas between them.
    pub(super) fn of_texts(origins: Option<String>, proxies: Option<String>) -> Result<Self, Failure> {
        let parts = |t: String| -> Vec<String> {
            t.split(',').map(|o| o.trim().to_owned()).filter(|o| !o.is_empty()).collect()
        };
        let address = |t: String| {
            let what = format!("LIANHU_WEB_TRUSTED_PROXIES={t}：应为 IP 地址 / addresses are wanted");
            t.parse::<IpAddr>().map_err(|_| Failure::usage(what))
        };
        let proxies = proxies.map(|t| parts(t).into_iter().map(address).collect::<Result<Vec<_>, _>>()).transpose()?;
        Ok(Self { allowed_origins: origins.map(parts), trusted_proxies: proxies })
    }
}

/// Origins, or `*` alone; visitors of a demonstration are signed in by where they are, which any page could then use.
pub(super) fn check(origins: &[String], demo: bool) -> Result<(), Failure> {
    if origins.iter().any(|o| o == "*") {
        if origins.len() > 1 {
            return Err(Failure::usage("web.allowed_origins: * 只能单独写 / * stands alone"));
        }
        if demo {
            return Err(Failure::usage("web.allowed_origins: 演示时不能为 * / * does not go with --demo"));
        }
        return Ok(());
    }
    origins.iter().try_for_each(|o| check_origin("web.allowed_origins", o))
}

/// As a file has it.
pub(super) fn shown<T: ToString>(list: &[T]) -> String {
    toml::Value::Array(list.iter().map(|t| toml::Value::String(t.to_string())).collect()).to_string()
}
