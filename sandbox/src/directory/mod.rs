//! What every simulated directory shares: accounts found by id or login, passwords, lockout counters, sessions.
//!
//! Provider semantics (statuses, error codes, shapes) must not go here; they live in the provider's own module.

mod accounts;
mod lockout;
mod password;
mod sessions;

pub use accounts::{Accounts, Keyed};
pub use lockout::{Lockout, LockoutPolicy};
pub use password::{Password, PasswordPolicy};
pub use sessions::Session;

use sha2::{Digest, Sha256};

/// A short, stable stand-in for a secret: `sha256:` and 16 hex digits.
///
/// The truth log carries fingerprints in place of passwords and link tokens, so that a test which knows the value
/// can tell whether it was that value which became effective.
pub fn fingerprint(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&digest[..8]))
}

/// Derives an identifier of `length` letters and digits from `seed`, the same one at every start.
pub fn stable_id(prefix: &str, seed: &str, length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digest = Sha256::digest(format!("{prefix}/{seed}").as_bytes());
    let tail = digest
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    let mut id = String::with_capacity(length);
    id.extend(prefix.chars().chain(tail).take(length));
    id
}

/// A fresh secret of `length` letters and digits, for one-time tokens, temporary passwords and session ids.
pub fn random_token(length: usize) -> String {
    use rand::{Rng, distr::Alphanumeric};
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}
