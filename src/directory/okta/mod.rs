//! Okta: accounts of one organisation, by its management API, as an administrator's API token (SSWS) or as a service app.
//!
//! `client` exchanges, with `credential`, `grant`, `service_app`, `dpop` and `jose` for who calls; `errors` and `legality`
//! are Okta's tables, `model` what is read, `account` what becomes of it; `find`, `lifecycle`, `lockouts`, `log` and
//! `protection` are the calls. Facts come from Okta's documentation and OpenAPI description;
//! where those are silent, the code says what is assumed.

mod account;
mod client;
mod credential;
mod dpop;
mod errors;
mod find;
mod grant;
mod jose;
mod legality;
mod lifecycle;
mod lockouts;
mod log;
mod model;
mod pages;
mod protection;
mod rate;
mod refusal;
mod service_app;

use super::{Call, Directory, LockedPage, LogPage, LogStart, Probe, Target, throttle::Throttle};
use crate::{
    api::{common::AccountSelector, provider::OktaProvider},
    domain::account::{AccountRead, Capabilities, Failure, ReadFailure, Sent, Step},
    secret::Secret,
};
use async_trait::async_trait;
use client::Client;
use jiff::Timestamp;
use model::Identified;
use protection::Protections;
use std::{collections::BTreeMap, time::Duration};

/// One organisation, as one credential sees it. Made anew when the credential's Secret changes: one that was refused is
/// not sent again by the same instance.
pub struct Okta {
    client: Client,
    protections: Protections,
    read_groups: bool,
}

impl Okta {
    /// An organisation. `timeout` bounds one exchange; `ca_pem` holds certificates to trust besides the system's;
    /// `read_groups` says whether a rule uses `account.groups`, which costs a call for each read.
    ///
    /// # Errors
    /// `NeedsConfig` where the url, the credential's text or the certificates cannot be used. Nothing is sent.
    pub fn new(
        spec: &OktaProvider,
        secret: &Secret,
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
        read_groups: bool,
    ) -> Result<Self, Failure> {
        Ok(Okta {
            client: Client::new(spec, secret, ca_pem, throttle, timeout)?,
            protections: Protections::default(),
            read_groups,
        })
    }
}

#[async_trait]
impl Directory for Okta {
    fn provider(&self) -> &'static str {
        "okta"
    }

    async fn probe(&self, call: &Call) -> Result<Probe, Failure> {
        // Who we are comes first: the organisation's id is told to anybody, so it proves nothing of the credential.
        self.own_id(call).await?;
        let url = self.client.url(&[".well-known", "okta-organization"], &[]);
        let organisation: Result<Identified, _> = self.client.get(call, "read organisation", url).await;
        let upstream = organisation.map_err(|refusal| refusal.failure)?.id;
        self.probe_role_lookup(call).await?;
        Ok(Probe {
            upstream,
            capabilities: Capabilities {
                unable: BTreeMap::new(),
                unlock_only_clears: true,
                ..Capabilities::default()
            },
        })
    }

    async fn find(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.find_account(call, key).await
    }

    async fn read(&self, call: &Call, target: &Target) -> Result<AccountRead, ReadFailure> {
        self.read_account(call, &target.id).await
    }

    async fn unlock(&self, call: &Call, target: &Target) -> Sent {
        self.send_unlock(call, &target.id).await
    }

    async fn set_password(&self, call: &Call, target: &Target, password: &Secret, _also: &[Step]) -> Sent {
        self.put_password(call, &target.id, password).await
    }

    async fn send_reset_link(&self, call: &Call, target: &Target) -> Sent {
        self.mail_reset_link(call, &target.id).await
    }

    async fn require_change(&self, call: &Call, target: &Target) -> Sent {
        self.expire_password(call, &target.id).await
    }

    async fn revoke_sessions(&self, call: &Call, target: &Target) -> Sent {
        self.clear_sessions(call, &target.id).await
    }

    async fn locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        self.locked_page(call, page).await
    }

    async fn lock_log(&self, call: &Call, from: LogStart<'_>) -> Result<Option<LogPage>, Failure> {
        self.lock_log_page(call, from).await.map(Some)
    }

    async fn link_sent_since(&self, call: &Call, target: &Target, since: Timestamp) -> bool {
        self.log_shows_reset(call, &target.id, since).await
    }
}
