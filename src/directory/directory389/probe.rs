//! What is learned about the server: its identity, its suffix, and whether the operator may read what it needs.
//!
//! A missing right to write shows with the first use, as `NeedsConfig`.

use super::{
    Directory389,
    policy::{self, Global},
    schema::UNIQUE_ID,
};
use crate::{
    directory::{
        Directory, Probe,
        ldap::{
            Connection, Session,
            groups::Tree,
            protection::{self, Administrator},
            server::{self, needs_config},
        },
    },
    domain::account::Failure,
};

/// The Password Modify operation (RFC 3062), as `supportedExtension` names it.
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

/// Where groups are looked for. The server's schema lets groups be empty.
pub(super) fn tree(suffix: &str) -> Tree<'_> {
    Tree {
        suffix,
        id: UNIQUE_ID,
        empty_groups: true,
    }
}

impl Directory389 {
    /// The naming context that holds the accounts.
    pub(super) async fn suffix(&self, connection: &Connection) -> Result<&str, Failure> {
        let suffix = self.suffix.get_or_try_init(|| async {
            let root = server::root(connection, &["namingContexts"]).await?;
            server::suffix(&root, &self.spec.base_dn)
        });
        Ok(suffix.await?)
    }

    /// Whose accounts are protected: those that the Directory lists, and whom the server's policies do not bind.
    pub(super) fn administrators(&self, global: Option<&Global>) -> Vec<Administrator> {
        let mut all = protection::listed(&self.spec.administrators);
        all.extend(global.and_then(|global| global.admin.clone()).map(|dn| Administrator {
            place: "passwordAdminDN".into(),
            dn,
        }));
        all
    }

    /// Signs in and looks around.
    pub(super) async fn look_around(&self, session: &Session) -> Result<Probe, Failure> {
        let suffix = self.suffix(session).await?;
        let root = server::root(session, &["supportedExtension"]).await?;
        if !root.all("supportedExtension").iter().any(|oid| oid == PASSWORD_MODIFY) {
            return Err(needs_config(
                "the LDAP server does not know the Password Modify operation; is it a 389 Directory Server?",
            ));
        }
        let upstream = server::identity(session, suffix, UNIQUE_ID).await?;
        server::base_is_readable(session, &self.spec.base_dn).await?;
        let global = policy::global(session).await?;
        let administrators = self.administrators(global.as_ref());
        protection::look_up(session, tree(suffix), &administrators, &self.spec.bind_dn)
            .await
            .map_err(|why| needs_config(&format!("protected accounts cannot be told: {why}")))?;
        Ok(Probe {
            upstream,
            capabilities: server::capabilities(self.provider()),
        })
    }
}
