//! Active Directory, over LDAPS: Windows Server's, and Samba's domain controller.
//!
//! Sources: MS-ADTS, MS-SAMR, MS-ERREF, and Samba's own source. Whether an account is locked is the server's computation
//! (`lock`); password, lock and forced change go into one modification (`operations`); what is written on a domain
//! controller is read back from it (`session`). Groups are given by name (DN).

mod account;
mod errors;
mod groups;
mod identifier;
mod lock;
mod locked;
mod metadata;
mod operations;
mod password;
mod probe;
mod protection;
mod schema;
mod session;

use super::{
    Call, Directory, LockedPage, Probe, Target,
    ldap::{Credential, Endpoint},
    throttle::Throttle,
};
use crate::{
    api::{common::AccountSelector, provider::ActiveDirectoryProvider},
    domain::account::{AccountRead, Failure, FailureClass, Proof, ReadFailure, Sent, Step},
    secret::Secret,
};
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::Mutex;

/// The ports of the global catalog, whose copy takes no writes and lacks what locks an account.
const GLOBAL_CATALOG: [u16; 2] = [3268, 3269];

/// One domain. Made anew whenever its Directory or one of its Secrets changes.
pub struct ActiveDirectory {
    spec: ActiveDirectoryProvider,
    endpoint: Endpoint,
    /// The PDC emulator, once it was found to be another server than the one in `url`.
    pdc: Mutex<Option<Endpoint>>,
    credential: Credential,
    throttle: Throttle,
    timeout: Duration,
}

impl ActiveDirectory {
    /// Takes the settings; connects to nothing. `ca_pem` are the certificates to trust instead of the system's, and
    /// `timeout` bounds connecting and each request.
    ///
    /// # Errors
    /// `NeedsConfig`, with what to change.
    pub fn new(
        spec: &ActiveDirectoryProvider,
        bind_password: Secret,
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let refuse = |text: &str| Err(Failure::new(FailureClass::NeedsConfig, text));
        let endpoint = Endpoint::new(&spec.url, ca_pem)?;
        if !endpoint.is_encrypted() {
            return refuse("Active Directory takes passwords over encrypted connections alone; use ldaps://");
        }
        if endpoint.port().is_some_and(|port| GLOBAL_CATALOG.contains(&port)) {
            return refuse("a global catalog takes no writes; use port 636 of a domain controller");
        }
        Ok(ActiveDirectory {
            endpoint,
            pdc: Mutex::new(None),
            credential: Credential::new(&spec.bind_name, bind_password)?,
            spec: spec.clone(),
            throttle,
            timeout,
        })
    }
}

#[async_trait]
impl Directory for ActiveDirectory {
    fn provider(&self) -> &'static str {
        "active-directory"
    }

    async fn probe(&self, call: &Call) -> Result<Probe, Failure> {
        // A role may have moved since: it is looked for again now and then.
        *self.pdc.lock().await = None;
        let session = self.session(call, None).await?;
        let probe = self.look_around(&session).await;
        session.close().await;
        probe
    }

    async fn find(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        let session = self.session(call, None).await?;
        let found = self.gather(&session, key).await;
        session.close().await;
        found
    }

    async fn read(&self, call: &Call, target: &Target) -> Result<AccountRead, ReadFailure> {
        let key = AccountSelector {
            id: Some(target.id.clone()),
            login: None,
            email: None,
        };
        let session = self.session(call, target.server.as_deref()).await?;
        let found = self.gather(&session, &key).await;
        session.close().await;
        found
    }

    async fn locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        let session = self.session(call, None).await?;
        let found = self.list_locked(&session, page).await;
        session.close().await;
        Ok(found?)
    }

    async fn unlock(&self, call: &Call, target: &Target) -> Sent {
        self.send_state(call, target, Step::Unlock).await
    }

    async fn set_password(&self, call: &Call, target: &Target, password: &Secret, also: &[Step]) -> Sent {
        self.send_password(call, target, password, also).await
    }

    async fn require_change(&self, call: &Call, target: &Target) -> Sent {
        self.send_state(call, target, Step::RequireChange).await
    }

    async fn prove_password(&self, call: &Call, target: &Target, password: &Secret) -> Proof {
        self.prove(call, target, password).await
    }
}
