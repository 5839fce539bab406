//! What is learned about the server: its identity, its suffix, its default policy, whether the overlay is there and
//! whether the operator may read what it needs.
//!
//! Rights to write cannot be asked for in OpenLDAP; a missing one shows with the first use, as `NeedsConfig`.

use super::{OpenLdap, policy, schema::ENTRY_UUID};
use crate::{
    directory::{
        Directory, Probe,
        ldap::{
            Connection, Session,
            groups::Tree,
            ppolicy, protection,
            server::{self, needs_config},
        },
    },
    domain::account::Failure,
};

/// What does not change while the server runs.
pub(super) struct Server {
    /// The naming context that holds the accounts.
    pub suffix: String,
    /// The policy for accounts without one of their own.
    pub default_policy: Option<String>,
}

impl Server {
    /// Where groups are looked for.
    pub fn tree(&self) -> Tree<'_> {
        Tree {
            suffix: &self.suffix,
            id: ENTRY_UUID,
            empty_groups: false,
        }
    }
}

impl OpenLdap {
    /// The server's facts, read once.
    pub(super) async fn server(&self, connection: &Connection) -> Result<&Server, Failure> {
        self.server
            .get_or_try_init(|| async {
                let root = server::root(connection, &["namingContexts"]).await?;
                let suffix = server::suffix(&root, &self.spec.base_dn)?;
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
        let facts = self.server(session).await?;
        let root = server::root(session, &["supportedControl"]).await?;
        if !root.all("supportedControl").iter().any(|oid| oid == ppolicy::OID) {
            return Err(needs_config(
                "the LDAP server does not have the ppolicy overlay, so it locks no account; load it",
            ));
        }
        let upstream = server::identity(session, &facts.suffix, ENTRY_UUID).await?;
        server::base_is_readable(session, &self.spec.base_dn).await?;
        if let Some(named) = &self.spec.default_policy_dn
            && policy::read(session, named).await.is_none()
        {
            return Err(needs_config(
                "defaultPolicyDN does not name a password policy that the operator's account may read",
            ));
        }
        protection::look_up(
            session,
            facts.tree(),
            &protection::listed(&self.spec.administrators),
            &self.spec.bind_dn,
        )
        .await
        .map_err(|why| needs_config(&format!("protected accounts cannot be told: {why}")))?;
        Ok(Probe {
            upstream,
            capabilities: server::capabilities(self.provider()),
        })
    }
}
