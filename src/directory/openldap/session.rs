//! A bound connection for one operation, and the rule that the operator's credential is never tried again once the
//! server refused it: a second wrong bind would help to lock the operator's own account.

use super::OpenLdap;
use crate::{
    directory::{
        Call,
        ldap::{Connection, Fault, ppolicy::PolicyError},
        throttle::Permit,
    },
    domain::account::{Failure, FailureClass},
};
use std::ops::Deref;

/// A connection bound as the operator; it holds its share of the budget.
pub(super) struct Session {
    connection: Connection,
    permit: Permit,
}

impl Deref for Session {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Session {
    /// Takes leave of the server, which has answered: that closes the circuit breaker again.
    pub async fn close(self) {
        self.connection.close().await;
        self.permit.report(true);
    }
}

impl OpenLdap {
    /// Waits for the call's turn, connects and binds. Nothing that changes an account has been sent when this fails.
    ///
    /// # Errors
    /// `RateLimited` where the turn does not come, `CredentialRefused` once and for all after result 49.
    pub(super) async fn session(&self, call: &Call) -> Result<Session, Failure> {
        let permit = self.throttle.acquire(call).await?;
        // Spares the server a connection; what counts is the look below.
        if self.refused.try_lock().is_ok_and(|refused| *refused) {
            return Err(refused_before());
        }
        let connection = match Connection::open(&self.endpoint, call.deadline, self.timeout).await {
            Ok(connection) => connection,
            Err(fault) => {
                permit.report(false);
                return Err(fault.failure());
            }
        };
        // One bind at a time: of several calls with a wrong password only the first may reach the server.
        let turn = tokio::time::timeout_at(call.deadline.into(), self.refused.lock()).await;
        let mut refused = turn.map_err(|_| Fault::NotSent("binds before this one took too long").failure())?;
        if *refused {
            return Err(refused_before());
        }
        let bound = connection.bind(&self.spec.bind_dn, &self.bind_password).await;
        *refused = bound.as_ref().err().and_then(Fault::code) == Some(49);
        drop(refused);
        match bound {
            Ok(Some(PolicyError::ChangeAfterReset)) => Err(own_change_required()),
            Ok(_) => Ok(Session { connection, permit }),
            Err(fault) => Err(bind_failure(&fault)),
        }
    }
}

fn refused_before() -> Failure {
    Failure::new(
        FailureClass::CredentialRefused,
        "the LDAP server refused the operator's credential; it is not tried again until its Secret changes",
    )
}

fn own_change_required() -> Failure {
    Failure::new(
        FailureClass::NeedsConfig,
        "the operator's own LDAP account must change its password first; set one without pwdReset",
    )
}

fn bind_failure(fault: &Fault) -> Failure {
    match fault {
        Fault::Answered(answer) if answer.code == 49 => Failure::new(
            FailureClass::CredentialRefused,
            "the LDAP server refused the operator's credential: the password is wrong or the operator's account is \
             locked; correct its Secret",
        )
        .detail(answer.detail()),
        Fault::Answered(answer) if matches!(answer.code, 32 | 34 | 48 | 53) => Failure::new(
            FailureClass::NeedsConfig,
            "the LDAP server does not let the operator's account sign in; check bindDN",
        )
        .detail(answer.detail()),
        other => other.failure(),
    }
}
