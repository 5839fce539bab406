//! A connection bound as the operator, for one operation.

use super::{Answer, Connection, Credential, Endpoint, Fault, lookup, ppolicy::PolicyError};
use crate::{
    directory::{
        Call,
        throttle::{Permit, Throttle},
    },
    domain::account::{Failure, FailureClass, Proof, Sent, Step},
    secret::Secret,
};
use std::{ops::Deref, time::Duration};

/// How the operator gets at one server.
pub struct Access {
    endpoint: Endpoint,
    credential: Credential,
    throttle: Throttle,
    timeout: Duration,
    explain: fn(&Answer) -> Option<&'static str>,
}

/// A connection bound as the operator; it holds its share of the budget.
pub struct Session {
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

    /// Binds once as an account, and takes leave. A success proves the password, also where the account must change it
    /// now; anything else proves nothing, and may count towards a lock.
    pub async fn prove(self, dn: &str, password: &Secret) -> Proof {
        let bound = self.bind(dn, password).await;
        self.close().await;
        match bound {
            Ok(_) => Proof::Ours,
            Err(fault) => {
                tracing::debug!(code = fault.code(), "a password was not proven");
                Proof::NotProven
            }
        }
    }
}

impl Access {
    /// Takes the settings; connects to nothing. `explain` says what an administrator must do about a refused bind,
    /// where the product's own answers tell.
    ///
    /// # Errors
    /// The password is empty.
    pub fn new(
        endpoint: Endpoint,
        (bind_dn, password): (&str, Secret),
        throttle: Throttle,
        timeout: Duration,
        explain: fn(&Answer) -> Option<&'static str>,
    ) -> Result<Self, Failure> {
        Ok(Access {
            endpoint,
            credential: Credential::new(bind_dn, password)?,
            throttle,
            timeout,
            explain,
        })
    }

    /// Waits for the call's turn, connects and binds. Nothing that changes an account has been sent when this fails.
    ///
    /// # Errors
    /// `RateLimited` where the turn does not come, `CredentialRefused` once and for all after result 49.
    pub async fn session(&self, call: &Call) -> Result<Session, Failure> {
        let permit = self.throttle.acquire(call).await?;
        self.credential.check()?;
        let connection = match Connection::open(&self.endpoint, call.deadline, self.timeout).await {
            Ok(connection) => connection,
            Err(fault) => {
                permit.report(false);
                return Err(fault.failure());
            }
        };
        let explain = |fault: &Fault| self.refused(fault);
        match self.credential.bind(&connection, call.deadline, explain).await? {
            Some(PolicyError::ChangeAfterReset) => Err(own_change_required()),
            _ => Ok(Session { connection, permit }),
        }
    }

    /// A session, and the name of the entry below `base` that a step is to change; `search` is for its immutable id.
    ///
    /// # Errors
    /// What the send came to: nothing was sent to change the entry.
    pub async fn aim(
        &self,
        call: &Call,
        base: &str,
        search: Option<String>,
        step: Step,
    ) -> Result<(Session, String), Sent> {
        let search = search.ok_or_else(lookup::gone)?;
        let session = self.session(call).await.map_err(Sent::NotSent)?;
        let dn = lookup::aim(&session, base, &search, self.credential.name(), step).await?;
        Ok((session, dn))
    }

    fn refused(&self, fault: &Fault) -> Failure {
        let Fault::Answered(answer) = fault else {
            return fault.failure();
        };
        if answer.code == 49 {
            return Failure::new(
                FailureClass::CredentialRefused,
                "the LDAP server refused the operator's credential: the password is wrong or the operator's account \
                 is locked; correct its Secret",
            )
            .detail(answer.detail());
        }
        let general = || {
            matches!(answer.code, 32 | 34 | 48 | 53)
                .then_some("the LDAP server does not let the operator's account sign in; check bindDN")
        };
        match (self.explain)(answer).or_else(general) {
            Some(public) => Failure::new(FailureClass::NeedsConfig, public).detail(answer.detail()),
            None => answer.failure(),
        }
    }
}

fn own_change_required() -> Failure {
    Failure::new(
        FailureClass::NeedsConfig,
        "the operator's own LDAP account must change its password first; set one that need not be changed",
    )
}
