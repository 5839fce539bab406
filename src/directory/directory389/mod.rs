//! 389 Directory Server (389-ds, Red Hat Directory Server), 2.0 and later.
//!
//! Sources: the server's own source and schema, Red Hat Directory Server's guides on password policy, RFC 4511, RFC
//! 3062. Lock state is judged by the server's rule (`lock`) from operational attributes and the policy in effect; absent
//! and hidden attributes are told apart by comparisons. An unlock never touches nsAccountLock: that one is an
//! administrator's decision. Groups are given by name (DN).

mod account;
mod errors;
mod lock;
mod locked;
mod operations;
mod policy;
mod probe;
mod schema;

use super::{
    Call, Directory, LockedPage, Probe, Target,
    ldap::{Access, Endpoint},
    throttle::Throttle,
};
use crate::{
    api::{common::AccountSelector, provider::Directory389Provider},
    domain::account::{AccountRead, Failure, Proof, ReadFailure, Sent, Step},
    secret::Secret,
};
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::OnceCell;

/// One server. Made anew whenever its Directory or one of its Secrets changes.
pub struct Directory389 {
    spec: Directory389Provider,
    access: Access,
    /// The naming context that holds the accounts, read once.
    suffix: OnceCell<String>,
}

impl Directory389 {
    /// Takes the settings; connects to nothing. `ca_pem` are the certificates to trust instead of the system's, and
    /// `timeout` bounds connecting and each request.
    ///
    /// # Errors
    /// `NeedsConfig`, with what to change.
    pub fn new(
        spec: &Directory389Provider,
        bind_password: Secret,
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let endpoint = Endpoint::new(&spec.url, ca_pem)?;
        let operator = (spec.bind_dn.as_str(), bind_password);
        Ok(Directory389 {
            access: Access::new(endpoint, operator, throttle, timeout, errors::own_bind)?,
            spec: spec.clone(),
            suffix: OnceCell::new(),
        })
    }

    async fn read_found(&self, call: &Call, search: Option<String>) -> Result<AccountRead, ReadFailure> {
        let search = search.ok_or(ReadFailure::NotFound)?;
        let session = self.access.session(call).await?;
        let account = self.gather(&session, &search).await;
        session.close().await;
        account
    }
}

#[async_trait]
impl Directory for Directory389 {
    fn provider(&self) -> &'static str {
        "389-ds"
    }

    async fn probe(&self, call: &Call) -> Result<Probe, Failure> {
        let session = self.access.session(call).await?;
        let probe = self.look_around(&session).await;
        session.close().await;
        probe
    }

    async fn find(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.read_found(call, self.selection().filter(key)).await
    }

    async fn read(&self, call: &Call, target: &Target) -> Result<AccountRead, ReadFailure> {
        self.read_found(call, self.selection().by_id(&target.id)).await
    }

    async fn locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        let session = self.access.session(call).await?;
        let found = self.list_locked(&session, page).await;
        session.close().await;
        Ok(found?)
    }

    async fn unlock(&self, call: &Call, target: &Target) -> Sent {
        self.send_unlock(call, target).await
    }

    async fn set_password(&self, call: &Call, target: &Target, password: &Secret, _also: &[Step]) -> Sent {
        self.send_password(call, target, password).await
    }

    async fn require_change(&self, call: &Call, target: &Target) -> Sent {
        self.send_change(call, target).await
    }

    async fn prove_password(&self, call: &Call, target: &Target, password: &Secret) -> Proof {
        self.prove(call, target, password).await
    }
}
