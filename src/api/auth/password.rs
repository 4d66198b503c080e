//! Passwords: argon2id, 46 MiB, one pass (OWASP's first choice), hashed on few threads so that signing in cannot eat the memory.

use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::api::error::{Answer, Problem};
use crate::domain::hex;

const MEMORY_KIB: u32 = 46 * 1024;
const PASSES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Fewest and most characters of a password.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=256;
/// Hashes made at once: 46 MiB each.
const AT_ONCE: usize = 2;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.len().is_multiple_of(2).then_some(())?;
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

fn derive(password: &str, salt: &[u8], (memory, passes): (u32, u32)) -> Option<[u8; HASH_BYTES]> {
    let parameters = Params::new(memory, passes, 1, Some(HASH_BYTES)).ok()?;
    let mut out = [0; HASH_BYTES];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    argon.hash_password_into(password.as_bytes(), salt, &mut out).ok()?;
    Some(out)
}

/// Why a password is not taken, if it is not.
///
/// # Errors
/// When it is too short or too long.
pub(crate) fn check(password: &str) -> Answer<()> {
    if LENGTH.contains(&password.chars().count()) {
        return Ok(());
    }
    let what = format!("密码须为 {0}–{1} 字 / a password has {0}–{1} characters", LENGTH.start(), LENGTH.end());
    Err(Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "weak_password", what).field("password"))
}

/// A password's hash, with all it takes to verify it: `argon2id$m$t$salt$hash`.
///
/// # Errors
/// When there are no random numbers or no memory.
pub(crate) fn hash(password: &str) -> Answer<String> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|e| Problem::internal(format!("random numbers: {e}")))?;
    let out = derive(password, &salt, (MEMORY_KIB, PASSES)).ok_or_else(|| Problem::internal("argon2"))?;
    Ok(format!("argon2id${MEMORY_KIB}${PASSES}${}${}", hex(&salt), hex(&out)))
}

/// Whether a password is the one of a hash.
#[must_use]
pub(super) fn verify(password: &str, stored: &str) -> bool {
    let parts: Vec<&str> = stored.split('$').collect();
    let &["argon2id", memory, passes, salt, expected] = parts.as_slice() else { return false };
    let read = || Some((memory.parse().ok()?, passes.parse().ok()?, unhex(salt)?, unhex(expected)?));
    let Some((memory, passes, salt, expected)) = read() else { return false };
    derive(password, &salt, (memory, passes)).is_some_and(|out| out.as_slice().ct_eq(&expected).into())
}

/// Runs a hashing step when its turn comes, off the request threads.
pub(crate) async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let turn = TURNS.acquire().await.map_err(|_| Problem::unavailable(5))?;
    // held until it is done: whoever goes away meanwhile frees no memory by that
    let in_turn = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(in_turn).await.map_err(|e| Problem::internal(format!("hashing: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_the_reference_s() {
        // test vector of the reference implementation: argon2id, t 2, m 65536, p 1, "password", "somesalt"
        let stored =
            "argon2id$65536$2$736f6d6573616c74$09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7";
        assert!(verify("password", stored) && !verify("Password", stored));
    }

    #[test]
    fn only_the_right_password_fits() {
        let stored = hash("十个字以上的密码呀呀呀").expect("hash");
        assert!(stored.starts_with("argon2id$47104$1$"));
        assert!(verify("十个字以上的密码呀呀呀", &stored));
        assert!(!verify("十个字以上的密码呀呀", &stored) && !verify("", &stored));
        assert_ne!(stored, hash("十个字以上的密码呀呀呀").expect("hash"));
    }

    #[test]
    fn garbage_fits_nothing() {
        for stored in ["", "$$$$", "argon2id$x$1$aa$bb", "argon2id$8$1$zz$bb", "argon2id$4294967295$1$aaaa$bb"] {
            assert!(!verify("password", stored), "{stored}");
        }
    }
}
