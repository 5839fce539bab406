//! The operator's own credential. It is never tried again once the server refused it: a second wrong bind would help to
//! lock the operator's own account. What else a refusal means is the provider's to say.

use super::{Connection, Fault, ppolicy::PolicyError};
use crate::{
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use std::time::Instant;
use tokio::sync::Mutex;

/// A name and a password, and whether the server refused them.
pub struct Credential {
    name: String,
    password: Secret,
    /// Also held while binding.
    refused: Mutex<bool>,
}

impl Credential {
    /// Takes them; tries nothing.
    ///
    /// # Errors
    /// The password is empty.
    pub fn new(name: &str, password: Secret) -> Result<Self, Failure> {
        if password.expose().is_empty() {
            return Err(Failure::new(
                FailureClass::NeedsConfig,
                "the Secret of bindSecretRef holds an empty password",
            ));
        }
        Ok(Credential {
            name: name.to_owned(),
            password,
            refused: Mutex::new(false),
        })
    }

    /// The name that the operator signs in with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Spares the server a connection where the credential was refused already; what counts is the look in
    /// [`Credential::bind`].
    ///
    /// # Errors
    /// `CredentialRefused`.
    pub fn check(&self) -> Result<(), Failure> {
        match self.refused.try_lock() {
            Ok(refused) if *refused => Err(refused_before()),
            _ => Ok(()),
        }
    }

    /// Binds, unless the server refused that before. One bind at a time: of several calls with a wrong password only
    /// the first may reach the server.
    ///
    /// # Errors
    /// `CredentialRefused` where it was refused before; else what `explain` makes of the fault.
    pub async fn bind(
        &self,
        connection: &Connection,
        deadline: Instant,
        explain: impl FnOnce(&Fault) -> Failure,
    ) -> Result<Option<PolicyError>, Failure> {
        let turn = tokio::time::timeout_at(deadline.into(), self.refused.lock()).await;
        let mut refused = turn.map_err(|_| Fault::NotSent("binds before this one took too long").failure())?;
        if *refused {
            return Err(refused_before());
        }
        let bound = connection.bind(&self.name, &self.password).await;
        *refused = bound.as_ref().err().and_then(Fault::code) == Some(49);
        bound.map_err(|fault| explain(&fault))
    }
}

fn refused_before() -> Failure {
    Failure::new(
        FailureClass::CredentialRefused,
        "the LDAP server refused the operator's credential; it is not tried again until its Secret changes",
    )
}
