//! Secrets nobody can guess: 256 random bits, given out once, kept as SHA-256.

use sha2::{Digest, Sha256};

use crate::api::error::{Answer, Problem};
use crate::domain::hex;

/// Days a token is good for where none are said.
pub(crate) const TOKEN_DAYS: u32 = 365;
const BYTES: usize = 32;
/// Tells people (and scanners of leaked secrets) what it is.
const MARK: &str = "lianhu_";

/// A session's or token's secret: `lianhu_` and 64 hexadecimal digits.
pub(in crate::api) struct Secret(String);

impl Secret {
    pub(in crate::api) fn fresh() -> Answer<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|e| Problem::internal(format!("random numbers: {e}")))?;
        Ok(Self(format!("{MARK}{}", hex(&bytes))))
    }

    pub(in crate::api) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(MARK)?;
        let good = digits.len() == 2 * BYTES && digits.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| Self(text.to_owned()))
    }

    pub(in crate::api) fn text(&self) -> &str {
        &self.0
    }

    pub(in crate::api) fn sha256(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

/// What the store keeps of the key in a first admin's link: never the hash of a token, so that the key opens nothing else.
///
/// `None` for what is no key.
pub(crate) fn first_admin_hash(key: &str) -> Option<String> {
    let secret = Secret::parse(key)?;
    Some(hex(&Sha256::digest(format!("first admin {}", secret.text()).as_bytes())))
}

/// A new token: what is shown once, and what is kept.
///
/// # Errors
/// When there are no random numbers.
pub(crate) fn fresh_token() -> Answer<(String, String)> {
    let secret = Secret::fresh()?;
    let hash = secret.sha256();
    Ok((secret.0, hash))
}
