//! The upstreams: one trait, one file or folder a provider.
//!
//! A provider speaks its protocol and tells facts; it decides nothing. Values are escaped at one place per protocol,
//! redirects and referrals are not followed, everything that comes from outside is bounded. Only
//! `controller/execute.rs` calls the methods that change something.

pub mod active_directory;
mod breaker;
mod bucket;
mod connect;
pub mod cxone;
pub mod directory389;
mod gate;
mod http;
pub mod keycloak;
pub mod ldap;
pub mod okta;
pub mod openldap;
mod recent;
pub mod servicenow;
pub mod throttle;
mod wanted;

pub use crate::domain::queue::Lane;
pub use connect::{Settings, connect};

use crate::{
    api::common::AccountSelector,
    domain::{
        account::{AccountRead, Capabilities, Failure, FailureClass, Proof, ReadFailure, Sent, Step},
        lock_log::LockEvent,
    },
    secret::Secret,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Instant;

/// The frame of one call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Whose turn it is.
    pub lane: Lane,
    /// Nothing is sent after this; a call that cannot be sent before fails as not sent.
    pub deadline: Instant,
}

/// Which account is written to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The upstream's immutable id.
    pub id: String,
    /// The server that was read, where the upstream has several.
    pub server: Option<String>,
}

/// What a probe found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The upstream's own identity: the same for two Directories that lead to one upstream.
    pub upstream: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// Some of the accounts that are locked.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedPage {
    /// The accounts, in an order that the provider keeps from page to page.
    pub accounts: Vec<AccountRead>,
    /// Asks for the next page; `None` on the last.
    pub next: Option<String>,
}

/// Where reading of a log begins.
#[derive(Clone, Copy, Debug)]
pub enum LogStart<'a> {
    /// At what happened then.
    Since(Timestamp),
    /// Where an earlier page ended, by its [`LogPage::cursor`].
    After(&'a str),
}

/// Some of what an upstream's log tells of locks.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPage {
    /// The events, in the order in which the log has them.
    pub events: Vec<LockEvent>,
    /// Where the log goes on.
    pub cursor: String,
    /// Whether there is more already.
    pub more: bool,
}

/// One upstream.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The provider's name: `389-ds`, `active-directory`, `cxone`, `keycloak`, `okta`, `openldap`.
    fn provider(&self) -> &'static str;

    /// Signs in, learns the upstream's identity and what it can do, and whether the rights suffice.
    async fn probe(&self, call: &Call) -> Result<Probe, Failure>;

    /// Finds exactly one account, or says why not. By immutable id afterwards.
    async fn find(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure>;

    /// Finds it for a request that waits for somebody to clear its lock by hand, and does nothing before that: that it is
    /// still locked may be told from a list that is a while old, one for all who wait.
    async fn find_waiting(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.find(call, key).await
    }

    /// Reads one account by its immutable id, from this server where the upstream has several.
    async fn read(&self, call: &Call, target: &Target) -> Result<AccountRead, ReadFailure>;

    /// Clears the lock, under a claim.
    async fn unlock(&self, _: &Call, _: &Target) -> Sent {
        not_capable(self.provider(), Step::Unlock)
    }

    /// Clears the lock in a way that can do nothing else, whatever the account has become since it was read: what is sent
    /// without a claim. Where some unlocks do more, this refuses or leaves those as they are.
    async fn clear_lock(&self, call: &Call, target: &Target) -> Sent {
        self.unlock(call, target).await
    }

    /// Sets a password, and in the same write these steps: those of the plan that `Capabilities::with_password` names.
    /// Never sent twice by the provider.
    async fn set_password(&self, _: &Call, _: &Target, _: &Secret, _also: &[Step]) -> Sent {
        not_capable(self.provider(), Step::SetPassword)
    }

    /// Has the upstream mail a reset link to the owner.
    async fn send_reset_link(&self, _: &Call, _: &Target) -> Sent {
        not_capable(self.provider(), Step::SendLink)
    }

    /// Makes the owner change the password at the next sign-in.
    async fn require_change(&self, _: &Call, _: &Target) -> Sent {
        not_capable(self.provider(), Step::RequireChange)
    }

    /// The accounts that are locked now, a page at a time: `page` is absent for the first, then `LockedPage::next`.
    /// For showing: groups and protection are not looked up and there is no marker, so that an account is read by itself
    /// before anything is done to it.
    async fn locked(&self, _: &Call, _page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        let text = format!("{} cannot list locked accounts", self.provider());
        Err(Failure::new(FailureClass::Permanent, text).into())
    }

    /// What the upstream's log tells of locks, a page at a time; `None` where it has no log that does. `Permanent` says that
    /// a cursor is of no use any more.
    async fn lock_log(&self, _: &Call, _: LogStart<'_>) -> Result<Option<LogPage>, Failure> {
        Ok(None)
    }

    /// Ends the account's sessions.
    async fn revoke_sessions(&self, _: &Call, _: &Target) -> Sent {
        not_capable(self.provider(), Step::RevokeSessions)
    }

    /// Whether the password in force is this one, by at most one sign-in. Counts towards lockout when it is not.
    async fn prove_password(&self, _: &Call, _: &Target, _: &Secret) -> Proof {
        Proof::NotProven
    }

    /// Whether the upstream's log shows that this operator's own credential had a link sent since then. `false` proves
    /// nothing.
    async fn link_sent_since(&self, _: &Call, _: &Target, _: Timestamp) -> bool {
        false
    }

    /// How a password for this account is shaped: an alphabet's name, see `domain::password`.
    fn alphabet(&self) -> &'static str {
        "ascii"
    }
}

fn not_capable(provider: &str, step: Step) -> Sent {
    Sent::Refused(Failure::new(
        FailureClass::Permanent,
        format!("{provider} cannot do {}", step.as_str()),
    ))
}
