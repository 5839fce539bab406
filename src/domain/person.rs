//! Whether a Kubernetes user and an upstream account are the same person.

use crate::domain::account::AccountRead;

/// Compares the username, without the Directory's prefix, with the account's login and e-mail address, case-folded.
pub fn is_same(username: &str, prefix: &str, account: &AccountRead) -> bool {
    let name = username.strip_prefix(prefix).unwrap_or(username).to_lowercase();
    let equals = |value: &Option<String>| value.as_ref().is_some_and(|value| value.to_lowercase() == name);
    !name.is_empty() && (equals(&account.login) || equals(&account.email))
}
