//! Which entries are accounts, and which one somebody asks for. A text that no directory holds is not looked up.

use super::filter;
use crate::api::common::AccountSelector;

/// No login or address that a directory holds is longer. A longer one is found nowhere, without asking.
const MAX_SELECTOR: usize = 1024;

/// How accounts are told from other entries and from each other.
pub struct Selection<'a> {
    /// The object class that accounts have.
    pub object_class: &'a str,
    /// The attribute that holds the name people sign in with.
    pub login: &'a str,
    /// The attribute that holds the e-mail address.
    pub email: &'a str,
    /// The attribute that holds the immutable id, and how many characters an id has: hexadecimal digits and hyphens.
    pub id: (&'a str, usize),
}

impl Selection<'_> {
    /// The filter for what somebody asked for; `None` where nothing can match.
    pub fn filter(&self, key: &AccountSelector) -> Option<String> {
        let (attribute, value) = match key {
            AccountSelector { id: Some(id), .. } => return self.by_id(id),
            AccountSelector { login: Some(login), .. } => (self.login, login),
            AccountSelector { email: Some(email), .. } => (self.email, email),
            _ => return None,
        };
        let bounded = !value.is_empty() && value.len() <= MAX_SELECTOR;
        bounded.then(|| self.accounts(filter::equals(attribute, value)))
    }

    /// The filter for an immutable id; `None` where the text is none.
    pub fn by_id(&self, id: &str) -> Option<String> {
        let (attribute, length) = self.id;
        let shaped = id.len() == length && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        shaped.then(|| self.accounts(filter::equals(attribute, id)))
    }

    /// The filter for accounts of which this is true.
    pub fn accounts(&self, term: String) -> String {
        filter::and(&[filter::equals("objectClass", self.object_class), term])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(login: Option<&str>, id: Option<&str>, email: Option<&str>) -> Option<String> {
        let selection = Selection {
            object_class: "person",
            login: "uid",
            email: "mail",
            id: ("entryUUID", 36),
        };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        selection.filter(&AccountSelector {
            login: owned(login),
            id: owned(id),
            email: owned(email),
        })
    }

    #[test]
    fn one_account_is_asked_for_and_nothing_that_cannot_be_one() {
        const UUID: &str = "597ae2f6-16a6-1027-98f4-d28b5365dc14";
        let long = "a".repeat(MAX_SELECTOR + 1);
        for (login, id, email, expected) in [
            (Some("ada"), None, None, Some("(&(objectClass=person)(uid=ada))")),
            (
                Some("a*)(uid=b"),
                None,
                None,
                Some("(&(objectClass=person)(uid=a\\2a\\29\\28uid=b))"),
            ),
            (
                None,
                None,
                Some("a@b.example"),
                Some("(&(objectClass=person)(mail=a@b.example))"),
            ),
            (
                None,
                Some(UUID),
                None,
                Some("(&(objectClass=person)(entryUUID=597ae2f6-16a6-1027-98f4-d28b5365dc14))"),
            ),
            (None, Some("ada"), None, None),
            (None, Some("*97ae2f6-16a6-1027-98f4-d28b5365dc14"), None, None),
            (Some(""), None, None, None),
            (Some(&long), None, None, None),
            (None, None, None, None),
        ] {
            assert_eq!(
                find(login, id, email).as_deref(),
                expected,
                "{login:?} {id:?} {email:?}"
            );
        }
    }
}
