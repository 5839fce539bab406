//! Whether a Kubernetes user and an upstream account are the same person.

use crate::domain::account::AccountRead;

/// Compares the username, without the Directory's prefix, with every login and e-mail address of the account, case-folded.
pub fn is_same(username: &str, prefix: &str, account: &AccountRead) -> bool {
    let name = username.strip_prefix(prefix).unwrap_or(username).to_lowercase();
    let equals = |value: &Option<String>| value.as_ref().is_some_and(|value| value.to_lowercase() == name);
    let alias = account.aliases.iter().any(|alias| alias.to_lowercase() == name);
    !name.is_empty() && (equals(&account.login) || equals(&account.email) || alias)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_known_by_every_name() {
        let account = AccountRead {
            login: Some("ada".into()),
            email: Some("Ada@Example.com".into()),
            aliases: vec!["ada.byte@example.com".into()],
            ..AccountRead::bare("1")
        };
        for (username, prefix, same) in [
            ("ada", "", true),
            ("ADA@example.com", "", true),
            ("oidc:ada@example.com", "oidc:", true),
            ("oidc:ada@example.com", "", false),
            ("ada.BYTE@example.com", "", true),
            ("adam", "", false),
            ("", "", false),
            ("oidc:", "oidc:", false),
        ] {
            assert_eq!(is_same(username, prefix, &account), same, "{username:?} {prefix:?}");
        }
    }
}
