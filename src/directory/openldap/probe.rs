//! What is learned about the server: its identity, its suffix, its default policy, whether the overlay is there and
//! whether the operator may read what it needs.
//!
//! Rights to write cannot be asked for in OpenLDAP; a missing one shows with the first use, as `NeedsConfig`.

use super::{OpenLdap, policy, protection, schema::ENTRY_UUID, session::Session};
use crate::{
    directory::{
        Probe,
        ldap::{Connection, Entry, Query, dn::Dn, filter, ppolicy},
    },
    domain::account::{Capabilities, Failure, FailureClass, Step},
};
use ldap3::Scope;
use std::collections::BTreeMap;

/// What does not change while the server runs.
pub(super) struct Server {
    /// The naming context that holds the accounts.
    pub suffix: String,
    /// The policy for accounts without one of their own.
    pub default_policy: Option<String>,
}

impl OpenLdap {
    /// The server's facts, read once.
    pub(super) async fn server(&self, connection: &Connection) -> Result<&Server, Failure> {
        self.server
            .get_or_try_init(|| async {
                let root = root(connection, &["namingContexts"]).await?;
                let suffix = suffix(&root, &self.spec.base_dn)?;
                let default_policy = match &self.spec.default_policy_dn {
                    Some(named) => Some(named.clone()),
                    None => policy::discover_default(connection, &suffix).await,
                };
                Ok(Server { suffix, default_policy })
            })
            .await
    }

    /// Signs in and looks around.
    pub(super) async fn look_around(&self, session: &Session) -> Result<Probe, Failure> {
        let server = self.server(session).await?;
        let root = root(session, &["supportedControl"]).await?;
        if !root.all("supportedControl").iter().any(|oid| oid == ppolicy::OID) {
            return Err(needs_config(
                "the LDAP server does not have the ppolicy overlay, so it locks no account; load it",
            ));
        }
        let upstream = identity(session, &server.suffix).await?;
        base_is_readable(session, &self.spec.base_dn).await?;
        if let Some(named) = &self.spec.default_policy_dn
            && policy::read(session, named).await.is_none()
        {
            return Err(needs_config(
                "defaultPolicyDN does not name a password policy that the operator's account may read",
            ));
        }
        protection::look_up(session, &server.suffix, &self.spec.administrators, &self.spec.bind_dn)
            .await
            .map_err(|why| needs_config(&format!("protected accounts cannot be told: {why}")))?;
        Ok(Probe {
            upstream,
            capabilities: capabilities(),
        })
    }
}

/// What OpenLDAP can do, everywhere.
fn capabilities() -> Capabilities {
    let unable = BTreeMap::from([
        (
            Step::SendLink,
            "openldap cannot mail links; set method: TemporaryPassword".to_owned(),
        ),
        (
            Step::RevokeSessions,
            "openldap keeps no sessions; end them where people sign in".to_owned(),
        ),
    ]);
    Capabilities {
        unable,
        unlock_only_clears: true,
        reset_unlocks: true,
        ..Capabilities::default()
    }
}

async fn base_entry(connection: &Connection, base: &str, attributes: &[&str]) -> Result<Option<Entry>, Failure> {
    let query = Query {
        base,
        scope: Scope::Base,
        filter: &filter::present("objectClass"),
        attributes,
        names_only: false,
        limit: 1,
    };
    match connection.search(&query).await {
        Ok(mut found) => Ok(found.entries.pop()),
        Err(fault) if fault.code() == Some(32) => Ok(None),
        Err(fault) => Err(fault.failure()),
    }
}

async fn root(connection: &Connection, attributes: &[&str]) -> Result<Entry, Failure> {
    base_entry(connection, "", attributes)
        .await?
        .ok_or_else(|| needs_config("give the operator's account read access to the server's root entry (rootDSE)"))
}

/// The longest naming context that holds the base.
fn suffix(root: &Entry, base: &str) -> Result<String, Failure> {
    let base = Dn::parse(base).ok_or_else(|| needs_config("baseDN is no well-formed DN"))?;
    root.all("namingContexts")
        .iter()
        .filter_map(|context| Some((Dn::parse(context)?, context)))
        .filter(|(dn, _)| base.is_within(dn))
        .max_by_key(|(dn, _)| dn.depth())
        .map(|(_, context)| context.clone())
        .ok_or_else(|| needs_config("baseDN lies in none of the LDAP server's naming contexts"))
}

async fn identity(connection: &Connection, suffix: &str) -> Result<String, Failure> {
    let entry = base_entry(connection, suffix, &[ENTRY_UUID]).await?;
    let id = entry.as_ref().and_then(|entry| entry.first(ENTRY_UUID));
    id.map(str::to_owned)
        .ok_or_else(|| needs_config("give the operator's account read access to the suffix entry and its entryUUID"))
}

async fn base_is_readable(connection: &Connection, base: &str) -> Result<(), Failure> {
    match base_entry(connection, base, &["1.1"]).await? {
        Some(_) => Ok(()),
        None => Err(needs_config(
            "baseDN does not exist or the operator's account may not read it",
        )),
    }
}

fn needs_config(text: &str) -> Failure {
    Failure::new(FailureClass::NeedsConfig, text)
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
