//! A bound connection for one operation.

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
        self.credential.check()?;
        let connection = match Connection::open(&self.endpoint, call.deadline, self.timeout).await {
            Ok(connection) => connection,
            Err(fault) => {
                permit.report(false);
                return Err(fault.failure());
            }
        };
        match self.credential.bind(&connection, call.deadline, bind_failure).await? {
            Some(PolicyError::ChangeAfterReset) => Err(own_change_required()),
            _ => Ok(Session { connection, permit }),
        }
    }
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
