//! What an answer means, by its status. Pure; one table.
//!
//! A good status alone proves nothing: a failure may stand inside a 200, and 202 says only that something was accepted.
//! Reasons come in the body or only in the header `icStatusDescription`; both are upstream text that may repeat what was
//! sent, so they reach the operator's log at most, and never after a call that carried a password.
//! Sources: developer.niceincontact.com ("FAQ", API documents), public clients of the API.

use crate::{
    directory::http::{self, Doubt},
    domain::account::{Failure, FailureClass},
};
use std::time::Duration;

/// How much of the upstream's own text is kept, in characters.
const LONGEST: usize = 200;

/// What an answer that is no result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It will not work by trying again.
    Permanent,
    /// There is no such agent, or no such call on this tenant.
    NotFound,
    /// An administrator must change something.
    NeedsConfig,
    /// The operator's own credential was refused.
    CredentialRefused,
    /// Too many calls. Nothing was done.
    TooMany,
    /// It was accepted, and may be carried out later.
    Accepted,
    /// It broke, or makes no sense; whether something was done is not known.
    Broken,
}

impl http::Meaning for Meaning {
    fn is_missing(&self) -> bool {
        *self == Meaning::NotFound
    }

    fn doubt(&self) -> Doubt {
        match self {
            Meaning::TooMany => Doubt::NotSent,
            Meaning::Permanent | Meaning::NotFound | Meaning::NeedsConfig | Meaning::CredentialRefused => {
                Doubt::Refused
            }
            Meaning::Accepted | Meaning::Broken => Doubt::Unknown,
        }
    }
}

/// What an error status means, and in words.
pub(super) fn of_status(status: u16) -> (Meaning, &'static str) {
    match status {
        202 => (
            Meaning::Accepted,
            "it was accepted, and whether it is carried out is not known",
        ),
        401 => (
            Meaning::CredentialRefused,
            "the operator's token was refused although it is new; NICE must authorise the application, or the access key's \
             owner is locked",
        ),
        403 => (
            Meaning::NeedsConfig,
            "the operator's user lacks a permission; grant its role the right to view and edit users (Users Edit, in some \
             tenants Employees Edit)",
        ),
        404 => (Meaning::NotFound, "there is no such agent, or no such call"),
        405 => (
            Meaning::NeedsConfig,
            "this version of the API has no such call; check the Directory's apiVersion",
        ),
        408 => (Meaning::Broken, "the request was given up on the way"),
        429 => (Meaning::TooMany, "it takes no more calls at the moment"),
        301..=308 => (
            Meaning::NeedsConfig,
            "it answered with a redirect; check the Directory's url and apiUrl",
        ),
        400..=499 => (Meaning::Permanent, "the request was refused"),
        500..=599 => (Meaning::Broken, "the server had an internal error"),
        _ => (Meaning::Broken, "the answer was not understood"),
    }
}

/// What a token endpoint's error means, and in words. Source: RFC 6749 5.2.
pub(super) fn of_token(error: &str) -> Option<(Meaning, &'static str)> {
    Some(match error {
        "invalid_client" => (
            Meaning::CredentialRefused,
            "the client id or client secret was refused; correct them, or set clientAuthentication",
        ),
        "invalid_grant" | "access_denied" => (
            Meaning::CredentialRefused,
            "the access key was refused; correct it, and see that its owner is neither locked nor inactive",
        ),
        "unauthorized_client" | "unsupported_grant_type" | "invalid_scope" => (
            Meaning::NeedsConfig,
            "the application may not use access keys; have NICE register it as a back-end application",
        ),
        _ => return None,
    })
}

/// The failure that an answer is. `wait`: how long the throttle pauses, for too many calls.
pub(super) fn failure(status: u16, (meaning, words): (Meaning, &str), wait: Duration) -> Failure {
    let class = match meaning {
        Meaning::Permanent | Meaning::NotFound => FailureClass::Permanent,
        Meaning::NeedsConfig => FailureClass::NeedsConfig,
        Meaning::CredentialRefused => FailureClass::CredentialRefused,
        Meaning::TooMany => FailureClass::RateLimited(wait),
        Meaning::Accepted | Meaning::Broken => FailureClass::Transient(None),
    };
    Failure::new(class, format!("CXone answered {status}: {words}"))
}

/// The upstream's own text, bounded and without control characters.
pub(super) fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_sheet_has_its_meaning() {
        for (status, meaning) in [
            (202, Meaning::Accepted),
            (206, Meaning::Broken),
            (302, Meaning::NeedsConfig),
            (400, Meaning::Permanent),
            (401, Meaning::CredentialRefused),
            (403, Meaning::NeedsConfig),
            (404, Meaning::NotFound),
            (405, Meaning::NeedsConfig),
            (409, Meaning::Permanent),
            (429, Meaning::TooMany),
            (500, Meaning::Broken),
            (503, Meaning::Broken),
        ] {
            assert_eq!(of_status(status).0, meaning, "{status}");
        }
    }

    #[test]
    fn texts_of_the_upstream_are_bounded() {
        let text = bounded(&format!("a\nb\u{1b}[31m{}", "x".repeat(1000)));
        assert!(text.starts_with("ab[31m") && text.chars().count() == LONGEST);
    }
}
