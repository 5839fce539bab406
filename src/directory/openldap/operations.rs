//! The operations that change an account, and the one that proves a password. Each finds the entry by its immutable id
//! first and then sends one request, once.

use super::{OpenLdap, errors, schema};
use crate::{
    directory::{
        Call, Target,
        ldap::{Session, filter, lookup},
    },
    domain::account::{Failure, FailureClass, Proof, Sent, Step},
    secret::Secret,
};

impl OpenLdap {
    /// Deletes pwdAccountLockedTime. It must be a *delete*: only that makes the overlay drop the recorded failures too
    /// (ITS#8762). A replace by nothing would leave them, and one wrong password would lock at once.
    pub(super) async fn send_unlock(&self, call: &Call, target: &Target) -> Sent {
        let (session, dn) = match self.aim(call, target, Step::Unlock).await {
            Ok(aimed) => aimed,
            Err(sent) => return sent,
        };
        let outcome = session.delete_attribute(&dn, schema::LOCKED_TIME).await;
        session.close().await;
        errors::sent(Step::Unlock, outcome, None)
    }

    /// Sets the password by the extended operation, so that the server hashes it.
    pub(super) async fn send_password(&self, call: &Call, target: &Target, password: &Secret) -> Sent {
        if password.expose().is_empty() {
            return Sent::Refused(Failure::new(FailureClass::Permanent, "an empty password is never set"));
        }
        let (session, dn) = match self.aim(call, target, Step::SetPassword).await {
            Ok(aimed) => aimed,
            Err(sent) => return sent,
        };
        let outcome = session.set_password(&dn, password).await;
        session.close().await;
        errors::sent(Step::SetPassword, outcome, Some(password))
    }

    /// Sets pwdReset, unless it is set: the server does so itself where the policy has pwdMustChange and the operator
    /// has manage access.
    pub(super) async fn send_change(&self, call: &Call, target: &Target) -> Sent {
        let (session, dn) = match self.aim(call, target, Step::RequireChange).await {
            Ok(aimed) => aimed,
            Err(sent) => return sent,
        };
        let outcome = match is_reset(&session, &dn).await {
            true => Ok(()),
            false => session.replace_attribute(&dn, schema::RESET, "TRUE").await,
        };
        session.close().await;
        errors::sent(Step::RequireChange, outcome, None)
    }

    /// Signs in as the account, once.
    pub(super) async fn prove(&self, call: &Call, target: &Target, password: &Secret) -> Proof {
        let Ok((session, dn)) = self.aim(call, target, Step::SetPassword).await else {
            return Proof::NotProven;
        };
        session.prove(&dn, password).await
    }

    /// A session and the name of the target's entry. Nothing was sent to change it when this fails.
    async fn aim(&self, call: &Call, target: &Target, step: Step) -> Result<(Session, String), Sent> {
        let search = self.selection().by_id(&target.id);
        self.access.aim(call, &self.spec.base_dn, search, step).await
    }
}

/// Whether pwdReset is seen to be TRUE. Where that cannot be read, it is set, which does no harm and tells what is wrong.
async fn is_reset(session: &Session, dn: &str) -> bool {
    let found = lookup::entry(session, dn, &filter::present("objectClass"), &[schema::RESET]).await;
    found.is_ok_and(|entry| entry.is_some_and(|entry| entry.flag(schema::RESET)))
}
