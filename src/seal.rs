//! Sealing a temporary password to X25519 recipients of age (<https://age-encryption.org/v1>), so that it may stand in
//! a status: only who holds a matching identity can open it.
//!
//! Sealing draws randomness within the `age` crate; that is why this is not part of `domain`. Nothing here opens
//! anything: the operator has no identity.

use crate::secret::Secret;
use age::{
    Encryptor, Recipient,
    armor::{ArmoredWriter, Format},
    x25519,
};
use std::{collections::BTreeSet, io::Write};

/// How many characters of a bad recipient an error shows: enough to find it, too few to show a pasted secret key.
const SHOWN: usize = 8;

/// Why nothing was sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Nobody to seal to.
    #[error(
        "there is nobody to seal the password to; set password.recipients in the AccountPolicy to X25519 recipients of \
         age (age1…, made by age-keygen)"
    )]
    NoRecipients,
    /// A recipient that cannot be used.
    #[error("recipient {number} ({shown:?}) {problem}")]
    BadRecipient {
        /// Its place in the list, from 1.
        number: usize,
        /// Its beginning.
        shown: String,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// The encryption failed; nothing was sealed.
    #[error("the password could not be sealed")]
    Failed,
}

/// Seals a password to each of the recipients, and returns an armored age file. Duplicates count once.
///
/// # Errors
/// Where there is no recipient or one is unusable.
pub fn seal(password: &Secret, recipients: &[String]) -> Result<String, SealError> {
    let keys = parse(recipients)?;
    let recipients = keys.iter().map(|key| key as &dyn Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(|_| SealError::Failed)?;
    let mut sealed = Vec::with_capacity(512);
    write(encryptor, password, &mut sealed).map_err(|_| SealError::Failed)?;
    String::from_utf8(sealed).map_err(|_| SealError::Failed)
}

/// Checks that something could be sealed to these recipients, without sealing anything.
///
/// # Errors
/// As [`seal`].
pub fn parse_recipients(recipients: &[String]) -> Result<(), SealError> {
    parse(recipients).map(|_| ())
}

fn write(encryptor: Encryptor, password: &Secret, sealed: &mut Vec<u8>) -> std::io::Result<()> {
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(sealed, Format::AsciiArmor)?)?;
    writer.write_all(password.expose().as_bytes())?;
    writer.finish()?.finish()?;
    Ok(())
}

fn parse(recipients: &[String]) -> Result<Vec<x25519::Recipient>, SealError> {
    let mut seen = BTreeSet::new();
    let mut keys = Vec::with_capacity(recipients.len());
    for (index, text) in recipients.iter().enumerate() {
        let text = text.trim();
        match text.parse::<x25519::Recipient>() {
            Ok(key) if seen.insert(key.to_string()) => keys.push(key),
            Ok(_) => {}
            Err(_) => {
                return Err(SealError::BadRecipient {
                    number: index + 1,
                    shown: text.chars().take(SHOWN).collect(),
                    problem: problem(text),
                });
            }
        }
    }
    if keys.is_empty() {
        return Err(SealError::NoRecipients);
    }
    Ok(keys)
}

fn problem(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    if lower.is_empty() {
        "is empty; remove it or write an X25519 recipient of age (age1…)"
    } else if lower.starts_with("age-secret-key-") {
        "is a secret key, which must not stand in a manifest: consider it disclosed, make a new one with age-keygen \
         and write its public key (age1…)"
    } else if lower.starts_with("ssh-") {
        "is an SSH key; only X25519 recipients of age are supported, made by age-keygen (age1…)"
    } else if lower.starts_with("age1") && lower.matches('1').count() > 1 && !is_plain(&lower) {
        "is a recipient of an age plugin or of another kind; only X25519 recipients are supported, made by age-keygen"
    } else if lower.starts_with("age1") {
        "is no valid X25519 recipient of age: it is damaged or incomplete; copy the whole public key (age1…, 62 \
         characters)"
    } else {
        "is no recipient of age; write a public key made by age-keygen (age1…)"
    }
}

/// Whether what follows `age1` could be the data of an X25519 recipient, which never contains a `1`.
fn is_plain(lower: &str) -> bool {
    lower.strip_prefix("age1").is_some_and(|data| !data.contains('1'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::{Decryptor, Identity, armor::ArmoredReader};
    use std::io::Read;

    fn open(sealed: &str, identity: &x25519::Identity) -> Option<String> {
        let decryptor = Decryptor::new(ArmoredReader::new(sealed.as_bytes())).unwrap();
        let mut reader = decryptor.decrypt(std::iter::once(identity as &dyn Identity)).ok()?;
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        Some(text)
    }

    fn recipient(identity: &x25519::Identity) -> String {
        identity.to_public().to_string()
    }

    #[test]
    fn every_recipient_opens_it_and_nobody_else() {
        let people: Vec<_> = (0..3).map(|_| x25519::Identity::generate()).collect();
        let recipients = [recipient(&people[0]), format!(" {}\n", recipient(&people[1]))];
        let sealed = seal(&Secret::new("correct-horse".into()), &recipients).unwrap();
        assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
        assert!(!sealed.contains("correct-horse"));
        assert_eq!(open(&sealed, &people[0]).as_deref(), Some("correct-horse"));
        assert_eq!(open(&sealed, &people[1]).as_deref(), Some("correct-horse"));
        assert_eq!(open(&sealed, &people[2]), None);
    }

    #[test]
    fn duplicates_count_once() {
        let one = recipient(&x25519::Identity::generate());
        let two = recipient(&x25519::Identity::generate());
        let keys = |list: &[&String]| {
            let list: Vec<String> = list.iter().map(|text| text.to_string()).collect();
            parse(&list).map(|keys| keys.len()).unwrap_or(0)
        };
        assert_eq!(keys(&[&one, &one, &format!("{one} "), &two, &one]), 2);
    }

    /// Sixteen recipients are the most that a policy and a request can name; status allows 16 KiB.
    #[test]
    fn the_longest_fits_a_status() {
        let recipients: Vec<_> = (0..16).map(|_| recipient(&x25519::Identity::generate())).collect();
        assert!(seal(&Secret::new("x".repeat(64)), &recipients).unwrap().len() < 4096);
    }

    #[test]
    fn bad_recipients_are_named() {
        let good = recipient(&x25519::Identity::generate());
        let mut damaged = good.clone();
        damaged.replace_range(10..11, if &good[10..11] == "q" { "p" } else { "q" });
        let upper = format!("{}X", good);
        for (bad, text) in [
            ("", "empty"),
            ("alice@example.com", "no recipient of age"),
            ("AGE-SECRET-KEY-1QQQQ", "secret key"),
            ("ssh-ed25519 AAAA", "SSH key"),
            ("age1yubikey1qqqqq", "plugin"),
            ("age1", "damaged"),
            (&damaged, "damaged"),
            (&upper, "damaged"),
        ] {
            let error = parse_recipients(&[good.clone(), bad.to_owned()])
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("recipient 2 (") && error.contains(text),
                "{bad}: {error}"
            );
            assert!(!error.contains("QQQQ"), "{error}");
        }
        assert_eq!(parse_recipients(&[]), Err(SealError::NoRecipients));
        assert_eq!(parse_recipients(&[good]), Ok(()));
    }
}
