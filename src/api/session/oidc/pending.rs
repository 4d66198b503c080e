//! Sign-ins that are with the issuer: what they must come back with. They last a while, come back once, and to the browser they left from.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use openidconnect::{Nonce, PkceCodeVerifier};
use subtle::ConstantTimeEq as _;

use crate::api::auth::BrowserSecret;

/// How long somebody may take at the issuer.
pub(super) const LASTS: Duration = Duration::from_secs(600);
/// Sign-ins under way at most; the oldest makes room.
const MOST: usize = 4_096;

/// A sign-in under way.
pub(super) struct SignIn {
    /// SHA-256 of the secret in the browser's cookie.
    pub(super) browser_sha256: String,
    /// What the issuer must put into the token.
    pub(super) nonce: Nonce,
    /// What proves to the issuer that the code comes from whoever asked for it.
    pub(super) verifier: PkceCodeVerifier,
    /// The page to go on with.
    pub(super) page: &'static str,
    /// When it left.
    pub(super) at: Instant,
}

impl SignIn {
    fn is_alive(&self, now: Instant) -> bool {
        now.duration_since(self.at) < LASTS
    }
}

/// All of them, by SHA-256 of their state.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<String, SignIn>>);

impl Pending {
    /// Keeps a sign-in until it comes back with this state.
    pub(super) fn keep(&self, state: &BrowserSecret, sign_in: SignIn) {
        let Ok(mut all) = self.0.lock() else { return };
        if all.len() >= MOST {
            let now = sign_in.at;
            all.retain(|_, s| s.is_alive(now));
            if all.len() >= MOST
                && let Some(oldest) = all.iter().min_by_key(|(_, s)| s.at).map(|(k, _)| k.clone())
            {
                all.remove(&oldest);
            }
        }
        all.insert(state.sha256(), sign_in);
    }

    /// The sign-in of a state, once, if it comes from the browser it was given to; whoever else brings it ends it.
    pub(super) fn take(&self, state: &BrowserSecret, browser: &BrowserSecret, now: Instant) -> Option<SignIn> {
        let found = self.0.lock().ok()?.remove(&state.sha256())?;
        let same: bool = found.browser_sha256.as_bytes().ct_eq(browser.sha256().as_bytes()).into();
        (same && found.is_alive(now)).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> BrowserSecret {
        BrowserSecret::fresh().expect("a secret")
    }

    fn sign_in(browser: &BrowserSecret, at: Instant) -> SignIn {
        let (nonce, verifier) = (Nonce::new("n".to_owned()), PkceCodeVerifier::new("v".repeat(43)));
        SignIn { browser_sha256: browser.sha256(), nonce, verifier, page: "/", at }
    }

    #[test]
    fn sign_in_comes_back_once_in_time_and_to_its_browser() {
        let (pending, now) = (Pending::default(), Instant::now());
        let [state, browser] = [secret(), secret()];
        pending.keep(&state, sign_in(&browser, now));
        assert!(pending.take(&state, &browser, now + LASTS - Duration::from_millis(1)).is_some());
        assert!(pending.take(&state, &browser, now).is_none(), "it came back already");
        pending.keep(&state, sign_in(&browser, now));
        assert!(pending.take(&state, &browser, now + LASTS).is_none(), "too late");
        pending.keep(&state, sign_in(&browser, now));
        assert!(pending.take(&state, &secret(), now).is_none(), "another browser");
        assert!(pending.take(&state, &browser, now).is_none(), "and it is spent");
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes() {
        let (pending, now, browser) = (Pending::default(), Instant::now(), secret());
        let states: Vec<BrowserSecret> = (0..=MOST).map(|_| secret()).collect();
        for (i, state) in states.iter().enumerate() {
            pending.keep(state, sign_in(&browser, now + Duration::from_millis(i as u64)));
        }
        assert_eq!(pending.0.lock().expect("lock").len(), MOST);
        assert!(pending.take(&states[0], &browser, now).is_none());
        assert!(
            pending.take(&states[1], &browser, now).is_some() && pending.take(&states[MOST], &browser, now).is_some()
        );
        pending.keep(&secret(), sign_in(&browser, now + 2 * LASTS));
        pending.keep(&secret(), sign_in(&browser, now + 2 * LASTS));
        pending.keep(&secret(), sign_in(&browser, now + 2 * LASTS));
        assert_eq!(
            pending.0.lock().expect("lock").len(),
            3,
            "when there is no room, what nobody came back with is forgotten"
        );
    }
}
