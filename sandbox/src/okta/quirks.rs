//! Okta's oddities.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::quirks::Oddity;

/// One oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// Unlocking what is not locked is refused with E0000032; without this quirk with E0000038. On by default.
    #[serde(rename = "unlock-403-e0000032")]
    #[value(name = "unlock-403-e0000032")]
    Unlock403E0000032,
    /// `_links` in lists offer unlock where it is not possible and leave it out where it is. On by default.
    LinksUnreliable,
    /// A login with `/` cannot be addressed in a path, encoded or not. On by default.
    LoginWithSlash,
    /// `reset_password` without `sendEmail` is refused. On by default (the older documentation defaults to true).
    ResetNeedsSendEmail,
    /// A token's half share of a bucket is not shown in the headers until it is used up. On by default.
    TokenShareHidden,
    /// An automatic lock names the account as the event's actor only, with a null target. On by default.
    LockEventActorOnly,
    /// A second reset while a link is outstanding is refused (E0000038).
    ResetFromRecoveryRefused,
    /// A reset of a locked account is refused (E0000038).
    ResetFromLockedOutRefused,
    /// A reset of an account with an expired password is refused (E0000038).
    ResetFromPasswordExpiredRefused,
    /// A locked account's password may be expired; the account is then PASSWORD_EXPIRED.
    ExpireFromLockedOut,
    /// Setting a password also unlocks.
    SetPasswordUnlocks,
    /// Setting a password leaves an account in RECOVERY there.
    SetPasswordKeepsRecovery,
    /// Setting a password as an administrator does not move `passwordChanged`.
    AdminSetKeepsPasswordChanged,
    /// Earlier reset links stay valid after another reset.
    OldResetLinksLive,
    /// Profiles of deactivated users can be edited.
    EditDeprovisioned,
    /// Logins need not look like an e-mail address.
    RelaxedLogin,
    /// Editing a directory-sourced profile is refused with E0000111 in place of E0000023.
    #[serde(rename = "directory-profile-e0000111")]
    #[value(name = "directory-profile-e0000111")]
    DirectoryProfileE0000111,
    /// The agent of AD or LDAP is away: password operations on its accounts fail.
    DirectoryAgentDown,
    /// Wrong sign-ins from an unknown device block unknown devices, and the account stays ACTIVE.
    DeviceLockout,
    /// 401 comes without a body, as from an edge proxy.
    #[serde(rename = "empty-401")]
    #[value(name = "empty-401")]
    Empty401,
    /// Clearing the sessions of an account that has none is a 404.
    #[serde(rename = "clear-sessions-404-when-none")]
    #[value(name = "clear-sessions-404-when-none")]
    ClearSessions404WhenNone,
    /// A read of one user shows a change some time later only.
    ReadsLag,
    /// The token endpoint demands DPoP proofs.
    DpopRequired,
}

impl Oddity for Quirk {
    const DEFAULT: &'static [Self] = &[
        Self::Unlock403E0000032,
        Self::LinksUnreliable,
        Self::LoginWithSlash,
        Self::ResetNeedsSendEmail,
        Self::TokenShareHidden,
        Self::LockEventActorOnly,
    ];
}
