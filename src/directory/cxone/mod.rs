//! NICE CXone: the agents of one tenant, by its Admin, Authentication and UserHub APIs.
//!
//! There is no public call that unlocks: a lock is told with the place to click (`Remedy::Manual`) and watched until it is
//! gone. `client` exchanges, `session` and `signing` are who asks, `hosts` where tokens may go, `errors` what an answer
//! means; `find`, `list`, `watch`, `userhub`, `operations` and `probe` are the calls. Facts come from NICE's help pages,
//! developer.niceincontact.com and public clients of its APIs; where those are silent, the code says what is assumed.

mod account;
mod client;
mod errors;
mod find;
mod hosts;
mod list;
mod model;
mod operations;
mod probe;
mod session;
mod signing;
mod userhub;
mod watch;

use super::{Call, Directory, LockedPage, Probe, Target, throttle::Throttle};
use crate::{
    api::{common::AccountSelector, provider::CxoneProvider},
    domain::account::{AccountRead, Failure, ReadFailure, Sent, Step},
    secret::Secret,
};
use async_trait::async_trait;
use client::Client;
use std::{sync::OnceLock, time::Duration};
use watch::Watch;

/// One tenant, as one access key sees it. Made anew when its Secret changes: a credential that was refused is not sent
/// again by the same instance.
pub struct Cxone {
    spec: CxoneProvider,
    client: Client,
    watch: Watch,
    /// What the tenant says of calls that unlock; asked once.
    note: OnceLock<String>,
}

impl Cxone {
    /// A tenant. `secrets` are the access key's and, where the spec names one, the client's. `timeout` bounds one
    /// exchange; `ca_pem` holds certificates to trust besides the system's.
    ///
    /// # Errors
    /// `NeedsConfig` where an address, the credential or the certificates cannot be used. Nothing is sent.
    pub fn new(
        spec: &CxoneProvider,
        secrets: (Secret, Option<Secret>),
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        Ok(Cxone {
            client: Client::new(spec, secrets, ca_pem, throttle, timeout)?,
            spec: spec.clone(),
            watch: Watch::default(),
            note: OnceLock::new(),
        })
    }
}

#[async_trait]
impl Directory for Cxone {
    fn provider(&self) -> &'static str {
        "cxone"
    }

    async fn probe(&self, call: &Call) -> Result<Probe, Failure> {
        self.probe_tenant(call).await
    }

    async fn find(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        let account = self.find_account(call, key).await?;
        self.watch.remember(key, &account);
        Ok(account)
    }

    async fn find_waiting(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        match self.still_locked(call, key).await? {
            Some(account) => Ok(account),
            None => self.find(call, key).await,
        }
    }

    async fn read(&self, call: &Call, target: &Target) -> Result<AccountRead, ReadFailure> {
        self.read_account(call, &target.id).await
    }

    async fn locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        self.list_locked(call, page).await
    }

    async fn set_password(&self, call: &Call, target: &Target, password: &Secret, _also: &[Step]) -> Sent {
        self.reset_password(call, &target.id, password).await
    }

    async fn revoke_sessions(&self, call: &Call, target: &Target) -> Sent {
        self.log_out(call, &target.id).await
    }
}
