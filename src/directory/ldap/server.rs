//! What every LDAP server is asked at first: what it can do, which naming context holds the accounts, and that
//! context's own identity.

use super::{Connection, Entry, dn::Dn, filter, lookup};
use crate::domain::account::{Capabilities, Failure, FailureClass, Step};
use std::collections::BTreeMap;

/// The root entry (rootDSE) with these attributes.
///
/// # Errors
/// `NeedsConfig` where it is not readable.
pub async fn root(connection: &Connection, attributes: &[&str]) -> Result<Entry, Failure> {
    base_entry(connection, "", attributes)
        .await?
        .ok_or_else(|| needs_config("give the operator's account read access to the server's root entry (rootDSE)"))
}

/// The longest naming context that holds the base.
///
/// # Errors
/// `NeedsConfig` where there is none.
pub fn suffix(root: &Entry, base: &str) -> Result<String, Failure> {
    let base = Dn::parse(base).ok_or_else(|| needs_config("baseDN is no well-formed DN"))?;
    root.all("namingContexts")
        .iter()
        .filter_map(|context| Some((Dn::parse(context)?, context)))
        .filter(|(dn, _)| base.is_within(dn))
        .max_by_key(|(dn, _)| dn.depth())
        .map(|(_, context)| context.clone())
        .ok_or_else(|| needs_config("baseDN lies in none of the LDAP server's naming contexts"))
}

/// The immutable id of the suffix entry, which is the upstream's own identity.
///
/// # Errors
/// `NeedsConfig` where it is not readable.
pub async fn identity(connection: &Connection, suffix: &str, id: &str) -> Result<String, Failure> {
    let entry = base_entry(connection, suffix, &[id]).await?;
    let found = entry.as_ref().and_then(|entry| entry.first(id));
    found.map(str::to_owned).ok_or_else(|| {
        needs_config(&format!(
            "give the operator's account read access to the suffix entry and its {id}"
        ))
    })
}

/// Makes sure that the entry below which accounts are looked for is seen.
///
/// # Errors
/// `NeedsConfig` where it is not.
pub async fn base_is_readable(connection: &Connection, base: &str) -> Result<(), Failure> {
    match base_entry(connection, base, &["1.1"]).await? {
        Some(_) => Ok(()),
        None => Err(needs_config(
            "baseDN does not exist or the operator's account may not read it",
        )),
    }
}

/// What a plain LDAP server can do, everywhere: it knows passwords and locks, and neither mail nor sessions.
pub fn capabilities(provider: &str) -> Capabilities {
    let unable = BTreeMap::from([
        (
            Step::SendLink,
            format!("{provider} cannot mail links; set method: TemporaryPassword"),
        ),
        (
            Step::RevokeSessions,
            format!("{provider} keeps no sessions; end them where people sign in"),
        ),
    ]);
    Capabilities {
        unable,
        unlock_only_clears: true,
        reset_unlocks: true,
        ..Capabilities::default()
    }
}

/// A failure that an administrator ends.
pub fn needs_config(text: &str) -> Failure {
    Failure::new(FailureClass::NeedsConfig, text)
}

async fn base_entry(connection: &Connection, base: &str, attributes: &[&str]) -> Result<Option<Entry>, Failure> {
    lookup::entry(connection, base, &filter::present("objectClass"), attributes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_is_the_longest_that_holds_the_base() {
        let root = Entry::of(
            "",
            &[("namingContexts", &["dc=com", "DC=example,dc=com", "cn=accesslog"])],
        );
        let found = suffix(&root, "ou=people,dc=example,dc=com").unwrap();
        assert_eq!(found, "DC=example,dc=com");
        assert!(suffix(&root, "dc=org").is_err());
        assert!(suffix(&root, "nonsense").is_err());
    }
}
