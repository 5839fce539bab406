//! Encoded queries, put together at one place.
//!
//! `^` separates conditions, and a value that begins with `javascript:` is evaluated on the server: values that come from
//! outside are held to a strict set of characters, and refused beyond it. An invalid part of a query is ignored and the
//! rest is run, so that nothing may depend on a query having narrowed anything: whoever asks compares what comes back.

use crate::domain::account::{Failure, FailureClass};

/// The longest value that is looked for.
const LONGEST: usize = 256;

/// The condition that a field equals a value.
///
/// # Errors
/// `Permanent` where the value has characters that could mean something in a query.
pub(super) fn equals(field: &str, value: &str) -> Result<String, Failure> {
    if !is_safe(value) {
        let words = "ServiceNow accounts and tickets are looked up by letters, digits and . @ _ + - only; name the account by its \
                     sys_id";
        return Err(Failure::new(FailureClass::Permanent, words));
    }
    Ok(format!("{field}={value}"))
}

/// Whether a value can stand in a query and mean nothing but itself.
pub(super) fn is_safe(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".@_+-".contains(&b);
    !value.is_empty() && value.len() <= LONGEST && value.bytes().all(plain)
}

/// Whether a text is a sys_id: 32 hex digits.
pub(super) fn is_sys_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_could_break_out_are_refused() {
        for value in [
            "ada^active=true",
            "javascript:gs.sleep(1)",
            "ada\nORDERBY",
            "a,b",
            "ada%5Eactive",
            "ada=1",
            "ada*",
            "ada byte",
            "ädä",
            "",
        ] {
            assert!(equals("user_name", value).is_err(), "{value:?}");
        }
        assert!(!is_safe(&"a".repeat(LONGEST + 1)));
        assert_eq!(
            equals("user_name", "ada.byte+x_1-2@corp.example").as_deref(),
            Ok("user_name=ada.byte+x_1-2@corp.example")
        );
    }

    #[test]
    fn only_sys_ids_are_ids() {
        assert!(is_sys_id("0a1b2c3d4e5f60718293a4b5c6d7e8f9"));
        for text in [
            "ada.byte",
            "",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f",
            "../../../../../../../../etc/pass",
        ] {
            assert!(!is_sys_id(text), "{text}");
        }
    }
}
