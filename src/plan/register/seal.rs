//! Telephones at rest: sealed with a key that the store does not hold.
//!
//! AES-256-GCM-SIV (RFC 8452), bound to the officer's id. The nonce is fixed: this mode then gives away no more than that the same
//! number of the same officer was sealed again, which is what lets an import see that nothing changed.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};

/// Which way of sealing it is; first byte of what is stored.
const FORM: u8 = 1;
/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Why a telephone is not sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is no key.
    #[error(
        "人员电话须加密保存，但没有密钥；请先运行 lianhu key --store … 生成密钥文件，或设置 LIANHU_KEY_FILE\n\
         officers' telephones are kept sealed, and there is no key: make one with lianhu key --store …, or set LIANHU_KEY_FILE"
    )]
    NoKey,
    /// The text is no key.
    #[error("密钥应为 64 位十六进制数字 / a key is 64 hexadecimal digits")]
    BadKey,
    /// Sealed with another key, or not as it was sealed.
    #[error(
        "人员 {officer} 的电话无法解密：密钥不对或数据已损坏\nthe telephone of officer {officer} cannot be opened: another key, or damaged"
    )]
    Closed {
        /// The officer's id.
        officer: String,
    },
}

/// Seals and opens with one key.
#[derive(Clone)]
pub struct Sealer(Aes256GcmSiv);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Reads a key: 64 hexadecimal digits, space around them allowed.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_hex(text: &str) -> Result<Self, SealError> {
        let text = text.trim().as_bytes();
        let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let digits: Option<Vec<u8>> = text.iter().map(digit).collect();
        let digits = digits.filter(|d| d.len() == 2 * KEY_BYTES).ok_or(SealError::BadKey)?;
        let key: Vec<u8> = digits.chunks(2).map(|two| two.iter().fold(0, |n, d| n << 4 | d)).collect();
        Aes256GcmSiv::new_from_slice(&key).map(Self).map_err(|_| SealError::BadKey)
    }

    /// Seals an officer's telephone.
    #[must_use]
    pub fn seal(&self, officer: &str, phone: &str) -> Vec<u8> {
        let payload = Payload { msg: phone.as_bytes(), aad: officer.as_bytes() };
        let mut sealed = vec![FORM];
        // Fails only beyond 2^36 bytes.
        sealed.extend(self.0.encrypt(&Nonce::default(), payload).unwrap_or_default());
        sealed
    }

    /// Opens what was sealed for an officer.
    ///
    /// # Errors
    /// Another key, another officer, or bytes that are not as they were sealed.
    pub fn open(&self, officer: &str, sealed: &[u8]) -> Result<String, SealError> {
        let opened = match sealed.split_first() {
            Some((&FORM, msg)) => self.0.decrypt(&Nonce::default(), Payload { msg, aad: officer.as_bytes() }).ok(),
            _ => None,
        };
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| SealError::Closed { officer: officer.chars().take(60).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(digit: char) -> Sealer {
        Sealer::from_hex(&format!(" {}\n", digit.to_string().repeat(64))).expect("a key")
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_officer_and_key_alone() {
        let ours = sealer('a');
        let sealed = ours.seal("o1", "13800138000");
        assert_eq!(ours.open("o1", &sealed).as_deref(), Ok("13800138000"));
        assert_eq!(sealed, ours.seal("o1", "13800138000"), "the same again, so that an import sees no change");
        assert_ne!(sealed, ours.seal("o2", "13800138000"));
        assert!(!sealed.windows(5).any(|w| w == b"13800"));
        let closed = Err(SealError::Closed { officer: "o1".to_owned() });
        assert_eq!(sealer('b').open("o1", &sealed), closed);
        assert!(ours.open("o2", &sealed).is_err());
        for i in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[i] ^= 1;
            assert_eq!(ours.open("o1", &flipped), closed, "byte {i}");
        }
        assert_eq!(ours.open("o1", &[]), closed);
    }

    #[test]
    fn keys_are_sixty_four_digits() {
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            assert_eq!(Sealer::from_hex(bad).map(|_| ()), Err(SealError::BadKey), "{bad}");
        }
    }
}
