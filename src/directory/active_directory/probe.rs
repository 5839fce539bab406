//! What is learned about the domain controller: that it is one and takes writes, the domain's identity, and whether the
//! operator may read what it needs.
//!
//! Rights to write cannot be asked for without an account at hand; a missing one shows with the first use, as
//! `NeedsConfig`.

use super::{ActiveDirectory, identifier, schema::OBJECT_GUID, session::Session};
use crate::{
    directory::{
        Probe,
        ldap::{dn::Dn, server::needs_config},
    },
    domain::account::{Capabilities, Failure, FailureClass, Step},
};
use std::collections::BTreeMap;

impl ActiveDirectory {
    /// Looks around.
    pub(super) async fn look_around(&self, session: &Session) -> Result<Probe, Failure> {
        let root = &session.root;
        if !root.is_active_directory || root.domain.is_empty() {
            return Err(needs_config(
                "the server is no domain controller of Active Directory; set url to one",
            ));
        }
        if root.read_only {
            return Err(needs_config(
                "the domain controller is read-only; set url to a writable one, or targetServer: PDC",
            ));
        }
        if root.own.is_empty() {
            return Err(needs_config(
                "the domain controller does not tell who the operator is (tokenGroups of rootDSE), so that its own account \
                 could not be told from others",
            ));
        }
        if !root.synchronized {
            let text = "the domain controller has not caught up with the domain yet";
            return Err(Failure::new(FailureClass::Transient(None), text));
        }
        let base = self.base(session);
        let within = |name: &Dn| Dn::parse(&root.domain).is_some_and(|domain| name.is_within(&domain));
        if !Dn::parse(base).as_ref().is_some_and(within) {
            return Err(needs_config("baseDN lies outside the domain of this domain controller"));
        }
        if session.entry(base, &["objectClass"]).await?.is_none() {
            return Err(needs_config(
                "baseDN does not exist or the operator's account may not read it",
            ));
        }
        let domain = session.entry(&root.domain, &[OBJECT_GUID]).await?;
        let guid = domain.as_ref().and_then(|entry| entry.octets(OBJECT_GUID).next());
        let upstream = guid.and_then(identifier::guid);
        Ok(Probe {
            upstream: upstream.ok_or_else(|| {
                needs_config("give the operator's account read access to the domain's entry and its objectGUID")
            })?,
            capabilities: capabilities(),
        })
    }
}

/// What Active Directory can do, everywhere.
fn capabilities() -> Capabilities {
    let unable = BTreeMap::from([
        (
            Step::SendLink,
            "active-directory cannot mail links; set method: TemporaryPassword".to_owned(),
        ),
        (
            Step::RevokeSessions,
            "active-directory cannot end sessions; Kerberos tickets last until they expire".to_owned(),
        ),
    ]);
    Capabilities {
        unable,
        unlock_only_clears: true,
        reset_unlocks: false,
        with_password: [Step::Unlock, Step::RequireChange].into(),
        marker_counts: true,
        ..Capabilities::default()
    }
}
