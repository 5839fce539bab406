//! Passwords as Active Directory takes them.

use crate::secret::Secret;
use zeroize::Zeroizing;

/// The octets of unicodePwd: the password between quotation marks, in UTF-16 with the low octet first
/// (MS-ADTS 3.1.1.3.1.5). A quotation mark within is not doubled.
pub fn encode(password: &Secret) -> Zeroizing<Vec<u8>> {
    let quoted = ["\"", password.expose(), "\""];
    let units = quoted.iter().flat_map(|part| part.encode_utf16());
    Zeroizing::new(units.flat_map(u16::to_le_bytes).collect())
}

/// Whether the domain's complexity rule would refuse it for holding the account's name, or a part of the display name,
/// of three characters or more and without regard to case ("Password must meet complexity requirements"). The rule's
/// character classes are those of every generated password.
pub fn resembles(password: &Secret, sam_account_name: &str, display_name: &str) -> bool {
    let folded = Zeroizing::new(password.expose().to_lowercase());
    let parts = display_name.split(|c: char| c.is_whitespace() || ",.-_#".contains(c));
    [sam_account_name]
        .into_iter()
        .chain(parts)
        .filter(|part| part.chars().count() >= 3)
        .any(|part| folded.contains(&part.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[test]
    fn passwords_are_quoted_utf_16() {
        for (password, octets) in [
            ("aB", &[0x22, 0, 0x61, 0, 0x42, 0, 0x22, 0][..]),
            ("\"", &[0x22, 0, 0x22, 0, 0x22, 0]),
            ("é", &[0x22, 0, 0xe9, 0, 0x22, 0]),
            ("€", &[0x22, 0, 0xac, 0x20, 0x22, 0]),
        ] {
            assert_eq!(encode(&secret(password)).as_slice(), octets, "{password}");
        }
    }

    #[test]
    fn names_within_a_password_are_seen() {
        for (password, sam, display, expected) in [
            ("x-ALICE-4711", "alice", "", true),
            ("x-4711-adams", "alice", "Alice B. Adams", true),
            ("x-4711-Anne", "alice", "Anne-Marie", true),
            ("x-4711-B.", "al", "Al B.", false),
            ("x-4711", "alice", "Alice Adams", false),
            ("x-4711", "", "", false),
        ] {
            assert_eq!(resembles(&secret(password), sam, display), expected, "{password}");
        }
    }
}
