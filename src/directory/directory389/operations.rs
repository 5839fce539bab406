//! The operations that change an account, and the one that proves a password. Each finds the entry by its immutable id
//! first and then sends one request, once.

use super::{
    Directory389, errors, lock,
    schema::{EPOCH, EXPIRATION_TIME, RETRY_COUNT, RETRY_RESET_TIME, UNLOCK_TIME},
};
use crate::{
    directory::{
        Call, Target,
        ldap::{Session, filter, lookup},
    },
    domain::account::{Failure, FailureClass, Proof, Sent, Step},
    secret::Secret,
};

impl Directory389 {
    /// Clears the count and both times in one modify. They are *replaced by nothing*: deleting one that is absent would
    /// fail the whole modify with 16.
    pub(super) async fn send_unlock(&self, call: &Call, target: &Target) -> Sent {
        let (session, dn) = match self.aim(call, target, Step::Unlock).await {
            Ok(aimed) => aimed,
            Err(sent) => return sent,
        };
        let cleared = [(RETRY_COUNT, Some("0")), (UNLOCK_TIME, None), (RETRY_RESET_TIME, None)];
        let outcome = session.rewrite(&dn, &cleared).await;
        session.close().await;
        errors::sent(Step::Unlock, outcome, None)
    }

    /// Sets the password by the extended operation: only by way of that does a reset by somebody who is no password
    /// administrator force a change. The server refuses it on a connection that is not protected.
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

    /// Sets passwordExpirationTime to the epoch, unless it is so: a reset does that itself. pwdReset, which the server
    /// sets too, cannot be written by anybody.
    pub(super) async fn send_change(&self, call: &Call, target: &Target) -> Sent {
        let (session, dn) = match self.aim(call, target, Step::RequireChange).await {
            Ok(aimed) => aimed,
            Err(sent) => return sent,
        };
        let outcome = match is_to_be_changed(&session, &dn).await {
            true => Ok(()),
            false => session.replace_attribute(&dn, EXPIRATION_TIME, EPOCH).await,
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

/// Whether the account is seen to have to change its password. Where that cannot be read, it is set, which does no harm
/// and tells what is wrong.
async fn is_to_be_changed(session: &Session, dn: &str) -> bool {
    let found = lookup::entry(session, dn, &filter::present("objectClass"), &[EXPIRATION_TIME]).await;
    found.is_ok_and(|entry| entry.is_some_and(|entry| lock::is_epoch(entry.first(EXPIRATION_TIME))))
}
