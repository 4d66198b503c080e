//! Secrets among the settings: never shown, also where they are refused.

use std::path::Path;

use serde::{Deserialize, Deserializer};

use super::super::commands::Failure;
use super::super::{key, outputs};

/// What is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hidden(pub(super) String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    /// A text; what else it is, is refused without saying it again.
    fn deserialize<D: Deserializer<'de>>(of: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(of) {
            Ok(toml::Value::String(text)) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("a text in quotation marks is wanted")),
        }
    }
}

/// The secret that was said, or the one in a file of its own.
///
/// # Errors
/// A file that cannot be read, or that others can.
pub(super) fn secret(said: Option<&Hidden>, file: Option<&Path>) -> Result<Option<String>, Failure> {
    match (said, file) {
        (Some(Hidden(secret)), _) => Ok(Some(secret.clone())),
        (None, None) => Ok(None),
        (None, Some(path)) => {
            key::check_private(path)?;
            let text = std::fs::read_to_string(path).map_err(|e| outputs::unreadable(path, &e))?;
            Ok(Some(text.trim().to_owned()))
        }
    }
}
