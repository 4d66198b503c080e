//! The table `[web]`: pages of other origins.

use serde::Deserialize;

use super::super::commands::Failure;
use super::check_origin;

/// What a layer says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebLayer {
    pub(super) allowed_origins: Option<Vec<String>>,
}

impl WebLayer {
    /// Several in one text, with commas between them.
    pub(super) fn of_text(text: Option<String>) -> Self {
        let parts = |t: String| t.split(',').map(|o| o.trim().to_owned()).filter(|o| !o.is_empty()).collect();
        Self { allowed_origins: text.map(parts) }
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
pub(super) fn shown(origins: &[String]) -> String {
    toml::Value::Array(origins.iter().cloned().map(toml::Value::String).collect()).to_string()
}
