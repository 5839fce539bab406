//! Search filters (RFC 4515). Every value that comes from outside is escaped here and nowhere else.

use std::fmt::Write;

/// `(attribute=value)`, with the value escaped: nothing in it can end the term or act as a wildcard.
pub fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", escape(value))
}

/// `(attribute>=number)`.
pub fn at_least(attribute: &str, number: u64) -> String {
    format!("({attribute}>={number})")
}

/// `(attribute=octets)`, every octet escaped.
pub fn equals_octets(attribute: &str, octets: &[u8]) -> String {
    let value: String = octets.iter().map(|octet| format!("\\{octet:02x}")).collect();
    format!("({attribute}={value})")
}

/// `(attribute:rule:=value)`: compared by another matching rule, named by its object identifier.
pub fn by_rule(attribute: &str, rule: &str, value: &str) -> String {
    format!("({attribute}:{rule}:={})", escape(value))
}

/// `(attribute=*)`.
pub fn present(attribute: &str) -> String {
    format!("({attribute}=*)")
}

/// True where all terms are.
pub fn and(terms: &[String]) -> String {
    format!("(&{})", terms.concat())
}

/// True where any term is.
pub fn or(terms: &[String]) -> String {
    format!("(|{})", terms.concat())
}

/// Everything but plain letters, digits and a few harmless marks becomes `\xx`, octet by octet. That is more than RFC
/// 4515 asks for, so that no parser's leniency matters.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || b"-_.@, =:".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\{octet:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_term() {
        for (value, escaped) in [
            ("alice", "alice"),
            ("alice@example.com", "alice@example.com"),
            ("*", "\\2a"),
            ("a)(uid=*", "a\\29\\28uid=\\2a"),
            ("\\2a", "\\5c2a"),
            ("\0", "\\00"),
            ("é", "\\c3\\a9"),
            ("|&!<>~", "\\7c\\26\\21\\3c\\3e\\7e"),
        ] {
            assert_eq!(equals("uid", value), format!("(uid={escaped})"));
        }
    }

    #[test]
    fn every_filter_parses_as_one_term() {
        for value in ["alice", "*)(|(uid=*", "\u{10ffff}\n\t", " lead and trail ", ""] {
            let filter = and(&[equals("uid", value), or(&[present("mail"), equals("cn", value)])]);
            assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        }
    }
}
