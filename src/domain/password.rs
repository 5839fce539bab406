//! Temporary passwords: derived, never stored. The same key and facts give the same password, so that a reply that was
//! lost can be followed by the same value again and never by another.
//!
//! Pure: the key comes from the controller, and nothing here draws randomness.

use crate::secret::Secret;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The version of the derivation that new passwords use. A claim records the version that it used; a changed
/// derivation gets a new number, and the old one stays until no claim can refer to it.
pub const VERSION: u32 = 1;
/// Fewest characters of a password: with [`ASCII`], 20 characters carry more than 120 bits.
pub const MIN_LENGTH: u32 = 20;
/// Most characters of a password.
pub const MAX_LENGTH: u32 = 64;

/// How often a candidate without a character of each class is drawn anew. The chance that one is needed is below a
/// quarter with any alphabet here, so that running out is not a thing that happens.
const MAX_DRAWS: u32 = 1 << 10;
/// Bytes that one draw may use up. Rejection uses about a third more than the length.
const DRAW_BYTES: usize = 512;

/// The characters that a directory's passwords are made of.
#[derive(Debug, PartialEq, Eq)]
pub struct Alphabet {
    /// The name as a claim records it.
    pub name: &'static str,
    /// The classes; a password has at least one character of each.
    pub classes: &'static [&'static str],
}

/// Letters, digits and symbols that survive being read out, typed on a foreign keyboard and pasted: none of the pairs
/// that look alike (0 O o, 1 l I), no quotes, spaces, slashes, brackets, ampersands or dollar signs. 68 characters.
pub const ASCII: Alphabet = Alphabet {
    name: "ascii",
    classes: &[
        "ABCDEFGHJKLMNPQRSTUVWXYZ",
        "abcdefghijkmnpqrstuvwxyz",
        "23456789",
        "+-=_.:@%#*?!",
    ],
};

const ALPHABETS: [&Alphabet; 1] = [&ASCII];

/// Everything that a password is derived from.
#[derive(Clone, Copy)]
pub struct Derivation<'a> {
    /// The version of the derivation.
    pub version: u32,
    /// The uid of the request.
    pub uid: &'a str,
    /// The attempt of the request, from 1.
    pub attempt: u32,
    /// Fixed for the attempt.
    pub nonce: &'a str,
    /// How many characters.
    pub length: u32,
    /// The alphabet's name.
    pub alphabet: &'a str,
}

/// Why nothing could be derived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// A claim by a newer release.
    #[error("derivation version {0} is not known to this release; use the release that wrote the claim")]
    Version(u32),
    /// No such alphabet.
    #[error("there is no alphabet {0:?} in this release; there is ascii")]
    Alphabet(String),
    /// Too short or too long.
    #[error("a password of {0} characters is not made; between {MIN_LENGTH} and {MAX_LENGTH}")]
    Length(u32),
    /// No draw had every class. Does not happen.
    #[error("no password with a character of each class was found")]
    Exhausted,
}

impl Alphabet {
    /// The alphabet of this name.
    pub fn named(name: &str) -> Option<&'static Alphabet> {
        ALPHABETS.into_iter().find(|alphabet| alphabet.name == name)
    }

    fn size(&self) -> usize {
        self.classes.iter().map(|class| class.len()).sum()
    }

    fn character(&self, mut index: usize) -> Option<char> {
        for class in self.classes {
            match class.as_bytes().get(index) {
                Some(byte) => return Some(char::from(*byte)),
                None => index -= class.len(),
            }
        }
        None
    }

    fn covers(&self, password: &str) -> bool {
        self.classes
            .iter()
            .all(|class| password.chars().any(|c| class.contains(c)))
    }
}

/// Derives a password: HKDF-SHA256 of the day key with everything else in `info`, mapped to the alphabet without
/// bias, drawn anew until it has a character of each class.
///
/// # Errors
/// Where the facts are not usable; the same facts always give the same answer.
pub fn derive(key: &[u8; 32], from: &Derivation<'_>) -> Result<Secret, DeriveError> {
    if from.version != VERSION {
        return Err(DeriveError::Version(from.version));
    }
    if !(MIN_LENGTH..=MAX_LENGTH).contains(&from.length) {
        return Err(DeriveError::Length(from.length));
    }
    let alphabet = Alphabet::named(from.alphabet).ok_or_else(|| DeriveError::Alphabet(from.alphabet.to_owned()))?;
    let hkdf = Hkdf::<Sha256>::new(Some(b"readmit.dev/password"), key);
    for draw in 0..MAX_DRAWS {
        let mut bytes = Zeroizing::new([0u8; DRAW_BYTES]);
        hkdf.expand(&info(from, draw), bytes.as_mut_slice())
            .map_err(|_| DeriveError::Exhausted)?;
        if let Some(password) = candidate(bytes.as_slice(), alphabet, from.length as usize) {
            return Ok(password);
        }
    }
    Err(DeriveError::Exhausted)
}

/// Each part with its length before it, so that no two lists of parts give the same bytes.
fn info(from: &Derivation<'_>, draw: u32) -> Vec<u8> {
    let (version, attempt) = (from.version.to_be_bytes(), from.attempt.to_be_bytes());
    let (length, draw) = (from.length.to_be_bytes(), draw.to_be_bytes());
    let parts: [&[u8]; 7] = [
        &version,
        from.uid.as_bytes(),
        &attempt,
        from.nonce.as_bytes(),
        &length,
        from.alphabet.as_bytes(),
        &draw,
    ];
    let mut info = Vec::with_capacity(128);
    for part in parts {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    info
}

/// The password that these bytes give, if they suffice and every class is there. A byte at or above the largest
/// multiple of the alphabet's size is thrown away: taking it would make some characters likelier.
fn candidate(bytes: &[u8], alphabet: &Alphabet, length: usize) -> Option<Secret> {
    let size = alphabet.size();
    let fair = 256 - 256 % size;
    let mut password = Zeroizing::new(String::with_capacity(length));
    for byte in bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair) {
        if password.len() == length {
            break;
        }
        password.push(alphabet.character(byte % size)?);
    }
    (password.len() == length && alphabet.covers(&password)).then(|| Secret::new(password.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn facts() -> Derivation<'static> {
        Derivation {
            version: 1,
            uid: "0b7c3f0e-6a55-4c1f-9d2e-8f1f5f1f0a11",
            attempt: 1,
            nonce: "q4Zk",
            length: 20,
            alphabet: "ascii",
        }
    }

    fn text(key: &[u8; 32], from: &Derivation<'_>) -> String {
        derive(key, from).ok().unwrap().expose().to_owned()
    }

    /// Computed by an implementation of its own (Python's hmac). These values must never change for version 1: a claim
    /// written by an older release is finished by a newer one.
    #[test]
    fn known_answers() {
        let key: [u8; 32] = std::array::from_fn(|n| n as u8);
        for (from, expected) in [
            (facts(), ":n!8X.@W%w=25gC.TSWD"),
            // The first draw lacks a class.
            (Derivation { attempt: 2, ..facts() }, "9ug4bz*D+5CyucCMNXmS"),
            (Derivation { length: 32, ..facts() }, "%q8xJxrbT._nC8gEYJq#PhADhtmTqDT@"),
        ] {
            assert_eq!(text(&key, &from), expected);
        }
    }

    /// Exact: all strings over the alphabet, less those that lack a class, by inclusion and exclusion.
    #[test]
    fn twenty_characters_carry_120_bits() {
        let sizes: Vec<usize> = ASCII.classes.iter().map(|class| class.len()).collect();
        let mut strings = 0f64;
        for absent in 0u32..1 << sizes.len() {
            let left: usize = (0..sizes.len())
                .filter(|n| absent >> n & 1 == 0)
                .map(|n| sizes[n])
                .sum();
            let sign = if absent.count_ones() % 2 == 0 { 1.0 } else { -1.0 };
            strings += sign * (left as f64).powi(MIN_LENGTH as i32);
        }
        // All of them are equally likely: bytes are mapped without bias and unsuitable strings are drawn anew.
        assert!(strings.log2() >= 120.0, "{}", strings.log2());
    }

    #[test]
    fn alphabets_are_ascii_without_repeats_or_lookalikes() {
        for alphabet in ALPHABETS {
            let all: String = alphabet.classes.concat();
            assert!(all.is_ascii());
            assert_eq!(
                all.chars().collect::<HashSet<_>>().len(),
                all.len(),
                "{}",
                alphabet.name
            );
            assert!(!all.contains([
                '0', 'O', '1', 'l', 'I', ' ', '\'', '"', '`', '$', '\\', '/', '&', '<', '>'
            ]));
            assert_eq!(Alphabet::named(alphabet.name), Some(alphabet));
        }
    }

    #[test]
    fn unusable_facts_are_errors() {
        let key = [7; 32];
        for (from, error) in [
            (Derivation { version: 2, ..facts() }, DeriveError::Version(2)),
            (Derivation { length: 19, ..facts() }, DeriveError::Length(19)),
            (Derivation { length: 65, ..facts() }, DeriveError::Length(65)),
            (
                Derivation {
                    alphabet: "runes",
                    ..facts()
                },
                DeriveError::Alphabet("runes".into()),
            ),
        ] {
            assert_eq!(derive(&key, &from).err(), Some(error));
        }
    }

    /// No part can borrow bytes from its neighbour.
    #[test]
    fn parts_are_delimited() {
        let left = Derivation {
            uid: "ab",
            nonce: "c",
            ..facts()
        };
        let right = Derivation {
            uid: "a",
            nonce: "bc",
            ..facts()
        };
        assert_ne!(info(&left, 0), info(&right, 0));
        assert_ne!(text(&[1; 32], &left), text(&[1; 32], &right));
    }

    /// Of the bytes that are taken, every character gets the same number.
    #[test]
    fn characters_are_unbiased() {
        let all = ASCII.classes.concat();
        let mut counts = std::collections::HashMap::new();
        for byte in 0..=255u8 {
            // A full set of characters stands before it, so that only the byte in question decides.
            let mut bytes: Vec<u8> = (0..ASCII.size() as u8).collect();
            bytes.push(byte);
            if let Some(password) = candidate(&bytes, &ASCII, ASCII.size() + 1) {
                *counts.entry(password.expose().chars().last().unwrap()).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), all.len());
        assert!(counts.values().all(|count| *count == 256 / all.len()), "{counts:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn passwords_have_their_length_and_classes(
            key: [u8; 32], uid in "[0-9a-f-]{1,36}", attempt: u32, nonce in "[a-z0-9]{0,32}",
            length in MIN_LENGTH..=MAX_LENGTH,
        ) {
            let alphabet = "ascii";
            let from = Derivation { version: VERSION, uid: &uid, attempt, nonce: &nonce, length, alphabet };
            let password = text(&key, &from);
            let known = Alphabet::named(alphabet).unwrap();
            prop_assert_eq!(password.len(), length as usize);
            prop_assert!(known.covers(&password));
            prop_assert!(password.chars().all(|c| known.classes.concat().contains(c)));
            prop_assert_eq!(&password, &text(&key, &from));
            let other = Derivation { attempt: attempt.wrapping_add(1), ..from };
            prop_assert_ne!(&password, &text(&key, &other));
            let nonce = format!("{nonce}x");
            prop_assert_ne!(&password, &text(&key, &Derivation { nonce: &nonce, ..from }));
            let mut key = key;
            key[0] ^= 1;
            prop_assert_ne!(&password, &text(&key, &from));
        }
    }
}
