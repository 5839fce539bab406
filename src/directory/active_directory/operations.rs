//! The operations that change an account, and the one that proves a password. Each finds the entry by its immutable id
//! first and then sends one modification, once: all of it happens, or none.

use super::{
    ActiveDirectory, account, errors,
    identifier::{self, Sid},
    password,
    schema::{LOCKOUT_TIME, OBJECT_SID, PWD_LAST_SET, UNICODE_PWD},
    session::Session,
};
use crate::{
    directory::{Call, Target, ldap::Entry},
    domain::account::{Failure, FailureClass, Proof, ReadFailure, Sent, Step},
    secret::Secret,
};

impl ActiveDirectory {
    /// Clears the lock, or forces a change.
    pub(super) async fn send_state(&self, call: &Call, target: &Target, step: Step) -> Sent {
        let Some(change) = state_change(step) else {
            let text = format!("{} is no state of an account", step.as_str());
            return Sent::Refused(Failure::new(FailureClass::Permanent, text));
        };
        let (session, entry) = match self.aim(call, target, step).await {
            Ok(aimed) => aimed,
            Err(sent) => return sent,
        };
        let outcome = session.replace_attributes(&entry.dn, &[change]).await;
        session.close().await;
        errors::sent(step, outcome)
    }

    /// Sets the password, which by itself leaves a lock; with it, what else goes into the same modification.
    pub(super) async fn send_password(&self, call: &Call, target: &Target, secret: &Secret, also: &[Step]) -> Sent {
        let refuse = |class, text: &str| Failure::new(class, text);
        if secret.expose().is_empty() {
            return Sent::Refused(refuse(FailureClass::Permanent, "an empty password is never set"));
        }
        let (session, entry) = match self.aim(call, target, Step::SetPassword).await {
            Ok(aimed) => aimed,
            Err(sent) => return sent,
        };
        let (name, display_name) = account::names_of(&entry);
        if password::resembles(secret, name, display_name) {
            session.close().await;
            // Nothing was sent: the claim is given back, and the next one has another password.
            return Sent::NotSent(refuse(
                FailureClass::Transient(None),
                "the generated password happens to hold the account's name; another one is made",
            ));
        }
        let octets = password::encode(secret);
        let mut changes = vec![(UNICODE_PWD, octets.as_slice())];
        changes.extend(also.iter().filter_map(|step| state_change(*step)));
        let outcome = session.replace_attributes(&entry.dn, &changes).await;
        session.close().await;
        errors::sent(Step::SetPassword, outcome)
    }

    /// Binds once as the account. Where the password is right but something else is in the way, the server says so, which
    /// proves it too.
    pub(super) async fn prove(&self, call: &Call, target: &Target, secret: &Secret) -> Proof {
        let Ok((session, entry)) = self.aim(call, target, Step::SetPassword).await else {
            return Proof::NotProven;
        };
        let bound = session.bind(&entry.dn, secret).await;
        session.close().await;
        let bound = bound.map(|_| ());
        if let Err(fault) = &bound {
            tracing::debug!(code = fault.code(), "a sign-in to prove a password was refused");
        }
        errors::proof(&bound)
    }

    /// A session with the target's server, and its entry. Nothing was sent to change it when this fails.
    async fn aim(&self, call: &Call, target: &Target, step: Step) -> Result<(Session, Entry), Sent> {
        let gone = || Sent::Refused(Failure::new(FailureClass::Permanent, "the account is no longer there"));
        if identifier::guid_dn(&target.id).is_none() {
            return Err(gone());
        }
        let session = self
            .session(call, target.server.as_deref())
            .await
            .map_err(Sent::NotSent)?;
        let entry = self
            .entry_of(&session, &target.id, &[])
            .await
            .map_err(|failure| match failure {
                ReadFailure::NotFound | ReadFailure::Ambiguous => gone(),
                ReadFailure::Failed(failure) => Sent::NotSent(failure),
            })?;
        let sid = entry.octets(OBJECT_SID).next().and_then(Sid::parse);
        if sid.is_none_or(|sid| session.root.own.contains(&sid)) {
            let text = format!("{} is not done to the operator's own account", step.as_str());
            return Err(Sent::Refused(Failure::new(FailureClass::Permanent, text)));
        }
        Ok((session, entry))
    }
}

/// What sets the state. lockoutTime is replaced by 0, not deleted, which the server refuses; and the flag for locked
/// accounts in userAccountControl is never touched.
fn state_change(step: Step) -> Option<(&'static str, &'static [u8])> {
    match step {
        Step::Unlock => Some((LOCKOUT_TIME, b"0")),
        Step::RequireChange => Some((PWD_LAST_SET, b"0")),
        Step::SetPassword | Step::SendLink | Step::RevokeSessions => None,
    }
}
