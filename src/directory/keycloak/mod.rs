//! Keycloak: accounts of one realm, by its admin REST API and the service account of a confidential client.
//!
//! `client` exchanges, with `token` for who we are; `errors` is the table of answers, `model` what is read, `account`
//! what becomes of it; `find`, `protection`, `operations` and `events` are the calls. Facts come from Keycloak's
//! documentation and from what release 26.7.3 was seen to do; the tests in `tests/keycloak` hold them.
//!
//! Two locks are told apart. A temporary one is a counter beside the account, and clearing it can do nothing else. A
//! permanent one *is* `enabled: false`, with a reason: to end it is to enable the account, so that goes under a claim
//! and only after the reason was read in that very moment.

mod account;
mod client;
mod errors;
mod events;
mod find;
mod locked;
mod model;
mod operations;
mod protection;
mod token;

use super::{Call, Directory, LockedPage, Probe, Target, recent::Recent, throttle::Throttle};
use crate::{
    api::{common::AccountSelector, provider::KeycloakProvider},
    domain::account::{AccountRead, Capabilities, Failure, FailureClass, Proof, Protection, ReadFailure, Sent, Step},
    secret::Secret,
};
use async_trait::async_trait;
use client::Client;
use jiff::Timestamp;
use model::Realm;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::OnceCell;

/// One realm, as one client sees it. Made anew when its Directory or one of its Secrets changes: a client that was
/// refused is not sent again by the same instance.
pub struct Keycloak {
    client: Client,
    read_groups: bool,
    /// The id of the client `realm-management`, whose roles make administrators.
    management: OnceCell<String>,
    protections: Recent<Protection>,
}

impl Keycloak {
    /// A realm. `timeout` bounds one exchange; `ca_pem` holds certificates to trust besides the system's;
    /// `read_groups` says whether a rule uses `account.groups`, which costs a call for each read.
    ///
    /// # Errors
    /// `NeedsConfig` where the url, the secret or the certificates cannot be used. Nothing is sent.
    pub fn new(
        spec: &KeycloakProvider,
        client_secret: Secret,
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
        read_groups: bool,
    ) -> Result<Self, Failure> {
        Ok(Keycloak {
            client: Client::new(spec, client_secret, ca_pem, throttle, timeout)?,
            read_groups,
            management: OnceCell::new(),
            protections: Recent::default(),
        })
    }
}

#[async_trait]
impl Directory for Keycloak {
    fn provider(&self) -> &'static str {
        "keycloak"
    }

    async fn probe(&self, call: &Call) -> Result<Probe, Failure> {
        let realm: Realm = self
            .client
            .get(call, "read realm", self.client.url(&[], &[]))
            .await
            .map_err(|refusal| refusal.failure)?;
        // Without view-realm there is an answer, with the realm's name and nothing else.
        let Some(upstream) = realm.id else {
            return Err(protection::lacks("view-realm"));
        };
        self.probe_roles(call).await?;
        let mut unable = BTreeMap::new();
        if !realm.smtp_server.contains_key("host") {
            let why =
                "this realm has no mail server; name one in its settings (Email), or set method: TemporaryPassword";
            unable.insert(Step::SendLink, why.to_owned());
        }
        Ok(Probe {
            upstream,
            capabilities: Capabilities {
                unable,
                // To end a permanent lock is to enable the account.
                unlock_only_clears: false,
                reset_unlocks: false,
                with_password: [Step::RequireChange].into(),
                marker_counts: false,
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

    async fn locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        Ok(self.list_locked(call, page).await?)
    }

    async fn unlock(&self, call: &Call, target: &Target) -> Sent {
        self.end_lock(call, &target.id).await
    }

    async fn clear_lock(&self, call: &Call, target: &Target) -> Sent {
        self.forget_failures(call, &target.id).await
    }

    async fn set_password(&self, call: &Call, target: &Target, password: &Secret, also: &[Step]) -> Sent {
        let temporary = also.contains(&Step::RequireChange);
        self.put_password(call, &target.id, password, temporary).await
    }

    async fn send_reset_link(&self, call: &Call, target: &Target) -> Sent {
        self.mail_link(call, &target.id).await
    }

    async fn require_change(&self, call: &Call, target: &Target) -> Sent {
        self.add_required_action(call, &target.id).await
    }

    async fn revoke_sessions(&self, call: &Call, target: &Target) -> Sent {
        self.log_out(call, &target.id).await
    }

    async fn prove_password(&self, call: &Call, target: &Target, _: &Secret) -> Proof {
        match self.password_is_ours(call, &target.id).await {
            true => Proof::Ours,
            false => Proof::NotProven,
        }
    }

    async fn link_sent_since(&self, call: &Call, target: &Target, since: Timestamp) -> bool {
        self.link_is_logged(call, &target.id, since).await
    }
}

/// Whether a text can be an id: Keycloak makes UUIDs, and `f:<component>:<name>` for accounts that stay in a foreign
/// store. Whatever could mean something else in a path is none: below `users` stand `count` and `profile` too.
fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_:@.".contains(&b);
    let reserved = ["count", "profile"].contains(&text);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(plain) && !text.starts_with('.') && !reserved
}

fn not_an_id() -> Failure {
    Failure::new(FailureClass::Permanent, "this is not an id of a Keycloak account")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_means_nothing_else_in_a_path_is_an_id() {
        for id in ["789a55e4-286e-4a1e-979a-54dc1d8b5a90", "f:0a1b:ada@example.test"] {
            assert!(is_id(id), "{id}");
        }
        for id in [
            "", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "a\\b", "ä", "count;x",
        ] {
            assert!(!is_id(id), "{id}");
        }
    }
}
