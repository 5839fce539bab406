//! Okta's error codes: what each means for us and in words. Pure; one table.
//!
//! Only `errorCode` and the status decide; Okta's own texts change and can hold what a user typed, so they go nowhere.
//! Source: Okta's catalogue of error codes (developer.okta.com/docs/reference/error-codes).

use crate::{
    directory::http::{self, Doubt},
    domain::account::{Failure, FailureClass},
};
use std::time::Duration;

/// How long to wait where Okta is in a state that lasts: read-only mode, a user that is being activated.
const SLOW: Duration = Duration::from_secs(60);
/// How long to wait for a lock inside Okta.
const SOON: Duration = Duration::from_secs(5);

/// What an error answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It will not work by trying again.
    Permanent,
    /// There is no such object, or it may not be seen.
    NotFound,
    /// Not possible in the state the account is in: read again before judging.
    WrongState,
    /// An administrator must change something.
    NeedsConfig,
    /// The operator's credential was refused.
    CredentialRefused,
    /// Not now. The code says that nothing was done.
    Later(Duration),
    /// Too many calls; the headers say more. Nothing was done.
    RateLimited,
    /// Okta broke; whether something was done is not known.
    Broken,
}

impl http::Meaning for Meaning {
    fn is_missing(&self) -> bool {
        *self == Meaning::NotFound
    }

    fn doubt(&self) -> Doubt {
        match self {
            Meaning::RateLimited => Doubt::NotSent,
            Meaning::Permanent
            | Meaning::NotFound
            | Meaning::WrongState
            | Meaning::NeedsConfig
            | Meaning::CredentialRefused
            | Meaning::Later(_) => Doubt::Refused,
            Meaning::Broken => Doubt::Unknown,
        }
    }
}

/// Status 429's code.
pub(super) const RATE_LIMITED: &str = "E0000047";

const TABLE: &[(&str, Meaning, &str)] = &[
    (
        "E0000001",
        Meaning::Permanent,
        "the request does not fit its rules: a precondition, or the password policy",
    ),
    ("E0000002", Meaning::Permanent, "an argument is not valid"),
    ("E0000003", Meaning::Permanent, "the request body is not valid"),
    (
        "E0000004",
        Meaning::CredentialRefused,
        "the operator's credential was refused",
    ),
    ("E0000005", Meaning::NeedsConfig, "the operator's session is not valid"),
    (
        "E0000006",
        Meaning::NeedsConfig,
        "the operator's administrator role or scopes lack the right, or the account is an administrator above it",
    ),
    ("E0000007", Meaning::NotFound, "there is no such account"),
    (
        "E0000008",
        Meaning::NeedsConfig,
        "the path is unknown; check the Directory's url",
    ),
    ("E0000009", Meaning::Broken, "Okta had an internal error"),
    ("E0000010", Meaning::Later(SLOW), "Okta is in read-only mode"),
    (
        "E0000011",
        Meaning::CredentialRefused,
        "the operator's token is not valid or has expired; correct the credential in its Secret",
    ),
    ("E0000013", Meaning::NeedsConfig, "the client app is not valid"),
    ("E0000014", Meaning::Permanent, "the credentials could not be changed"),
    (
        "E0000015",
        Meaning::NeedsConfig,
        "the organisation lacks a feature that this needs",
    ),
    ("E0000016", Meaning::WrongState, "the account is active already"),
    (
        "E0000017",
        Meaning::Permanent,
        "the password cannot be reset in the account's present state",
    ),
    ("E0000018", Meaning::Permanent, "the Accept header is not valid"),
    ("E0000019", Meaning::Permanent, "the Content-Type header is not valid"),
    ("E0000020", Meaning::Permanent, "the request is not valid"),
    ("E0000021", Meaning::Permanent, "the media type is not supported"),
    ("E0000022", Meaning::Permanent, "the method is not supported"),
    (
        "E0000023",
        Meaning::Permanent,
        "the account's data are mastered by another directory",
    ),
    ("E0000031", Meaning::Permanent, "the search expression is not valid"),
    (
        "E0000032",
        Meaning::WrongState,
        "an unlock is not allowed for this account",
    ),
    ("E0000033", Meaning::Permanent, "the filter is not valid"),
    (
        "E0000034",
        Meaning::Permanent,
        "recovery by the owner is not allowed for this account",
    ),
    (
        "E0000035",
        Meaning::Permanent,
        "a password change is not allowed for this account",
    ),
    (
        "E0000038",
        Meaning::WrongState,
        "this is not allowed in the account's present state",
    ),
    (
        "E0000041",
        Meaning::Permanent,
        "credentials must not be set for this account",
    ),
    (RATE_LIMITED, Meaning::RateLimited, "Okta's rate limit is reached"),
    ("E0000060", Meaning::Permanent, "Okta does not support this operation"),
    (
        "E0000064",
        Meaning::NeedsConfig,
        "the password of the API token's administrator has expired",
    ),
    ("E0000069", Meaning::Permanent, "the account's factors are locked"),
    (
        "E0000079",
        Meaning::Permanent,
        "this is not allowed in the present state of authentication",
    ),
    (
        "E0000080",
        Meaning::Permanent,
        "the password does not meet the password policy",
    ),
    (
        "E0000085",
        Meaning::NeedsConfig,
        "the sign-on policy refuses the API token's administrator",
    ),
    (
        "E0000095",
        Meaning::Permanent,
        "recovery is not allowed for this account",
    ),
    (
        "E0000105",
        Meaning::Permanent,
        "the recovery link was used or is too old",
    ),
    ("E0000111", Meaning::Permanent, "the account is read-only in Okta"),
    ("E0000112", Meaning::Later(SLOW), "the account is still being activated"),
    (
        "E0000119",
        Meaning::Permanent,
        "the account is locked; an Okta administrator must look",
    ),
    ("E0000239", Meaning::Later(SOON), "Okta is reconciling its policies"),
];

/// What an error answer with this status and code means, and in words. The code wins where it is known, except that a
/// 401 is never anything but about the caller.
pub(super) fn meaning(status: u16, code: &str) -> (Meaning, &'static str) {
    let known = TABLE
        .iter()
        .find(|(known, ..)| *known == code)
        .map(|(_, meaning, words)| (*meaning, *words));
    match (status, known) {
        (401, Some((Meaning::NeedsConfig, words))) => (Meaning::NeedsConfig, words),
        (401, _) => (
            Meaning::CredentialRefused,
            "the operator's credential was refused; correct it in its Secret",
        ),
        (429, _) => (Meaning::RateLimited, "Okta's rate limit is reached"),
        (_, Some(known)) => known,
        (301..=308, None) => (
            Meaning::NeedsConfig,
            "it answered with a redirect; check the Directory's url",
        ),
        (404, None) => (
            Meaning::NeedsConfig,
            "it does not look like Okta; check the Directory's url",
        ),
        // A proxy or the edge gave up: how far the request had come is not known.
        (408 | 500.., None) => (Meaning::Broken, "Okta or the way to it is broken"),
        (409 | 412 | 423, None) => (Meaning::Later(SOON), "another change is under way"),
        (403, None) => (Meaning::NeedsConfig, "the operator lacks the right"),
        (400..500, None) => (Meaning::Permanent, "Okta refused the request"),
        _ => (Meaning::Broken, "the answer was not understood"),
    }
}

/// The failure that an error answer is. `wait` is for a rate limit: how long the throttle pauses.
pub(super) fn failure(status: u16, code: &str, wait: Duration) -> Failure {
    let (meaning, words) = meaning(status, code);
    let class = match meaning {
        Meaning::Permanent | Meaning::NotFound | Meaning::WrongState => FailureClass::Permanent,
        Meaning::NeedsConfig => FailureClass::NeedsConfig,
        Meaning::CredentialRefused => FailureClass::CredentialRefused,
        Meaning::Later(after) => FailureClass::Transient(Some(after)),
        Meaning::RateLimited => FailureClass::RateLimited(wait),
        Meaning::Broken => FailureClass::Transient(None),
    };
    let code = if code.is_empty() {
        String::new()
    } else {
        format!(", {code}")
    };
    Failure::new(class, format!("Okta answered {status}{code}: {words}"))
}

#[cfg(test)]
mod tests;
