//! What an answer means, by its status, its media type and its shape. Pure; one table.
//!
//! ServiceNow's texts are localised and can hold what a user typed: nothing depends on them and they go nowhere. A good
//! status alone proves nothing: 202 is a queue that overflowed, and a hibernating instance answers 200 with a page.
//! Sources: "REST API HTTP response codes", KB3047080, KB3047115.

use crate::{
    directory::http::{self, Doubt},
    domain::account::{Failure, FailureClass},
};
use std::time::Duration;

/// How long to wait for an instance that is being upgraded, or wakes up.
const SLOW: Duration = Duration::from_secs(60);
/// How long to wait for another change to finish.
const SOON: Duration = Duration::from_secs(5);

/// What an answer that is no result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It will not work by trying again.
    Permanent,
    /// There is no such record, or it may not be seen.
    NotFound,
    /// An administrator must change something.
    NeedsConfig,
    /// The operator's own credential was refused.
    CredentialRefused,
    /// Not now. The status says that nothing was done.
    Later(Duration),
    /// Too many calls. Nothing was done.
    TooMany,
    /// It broke, or makes no sense; whether something was done is not known.
    Broken(Option<Duration>),
}

impl http::Meaning for Meaning {
    fn is_missing(&self) -> bool {
        *self == Meaning::NotFound
    }

    fn doubt(&self) -> Doubt {
        match self {
            Meaning::TooMany => Doubt::NotSent,
            Meaning::Permanent
            | Meaning::NotFound
            | Meaning::NeedsConfig
            | Meaning::CredentialRefused
            | Meaning::Later(_) => Doubt::Refused,
            Meaning::Broken(_) => Doubt::Unknown,
        }
    }
}

/// What an error status means, and in words.
pub(super) fn of_status(status: u16) -> (Meaning, &'static str) {
    match status {
        202 => (
            Meaning::TooMany,
            "its queue of requests overflowed; the request was not carried out",
        ),
        401 => (
            Meaning::CredentialRefused,
            "the operator's credential was refused: it is wrong, or its user is locked, inactive or must change the \
             password; correct that and the Secret",
        ),
        403 => (
            Meaning::NeedsConfig,
            "an access rule, business rule or data policy refuses it to the operator's user",
        ),
        404 => (Meaning::NotFound, "there is no such record, or it may not be seen"),
        408 | 499 => (Meaning::Broken(None), "the request was given up on the way"),
        409 => (Meaning::Later(SOON), "another change is under way"),
        429 => (Meaning::TooMany, "its rate limit is reached"),
        500 => (Meaning::Broken(None), "the instance had an internal error"),
        501..=599 => (Meaning::Broken(Some(SLOW)), "the instance or the way to it is broken"),
        301..=308 => (
            Meaning::NeedsConfig,
            "it answered with a redirect; check the Directory's url",
        ),
        400..=498 => (Meaning::Permanent, "the request was refused"),
        _ => (Meaning::Broken(None), "the answer was not understood"),
    }
}

/// What an answer means that is no JSON, whatever its status says: a page of a proxy, or of an instance that sleeps.
pub(super) fn of_page(status: u16) -> (Meaning, &'static str) {
    match status {
        200 | 201 => (
            Meaning::Broken(Some(SLOW)),
            "a page came in the place of an answer; the instance may hibernate or be upgraded",
        ),
        404 => (
            Meaning::NeedsConfig,
            "it does not look like ServiceNow; check the Directory's url",
        ),
        other => of_status(other),
    }
}

/// What a token endpoint's error means, and in words. Source: RFC 6749 5.2, ServiceNow's "OAuth response parameters".
pub(super) fn of_token(error: &str) -> (Meaning, &'static str) {
    match error {
        "invalid_client" => (
            Meaning::CredentialRefused,
            "the client id or client secret was refused; correct them",
        ),
        "access_denied" | "invalid_grant" => (
            Meaning::CredentialRefused,
            "the token endpoint refused the operator's user; correct its name and password",
        ),
        "unauthorized_client" | "unsupported_grant_type" => (
            Meaning::NeedsConfig,
            "the grant is not enabled for this client; switch it on and give the client an OAuth Application User",
        ),
        "invalid_scope" => (Meaning::NeedsConfig, "the client's scope does not suffice"),
        _ => (Meaning::Broken(None), "the token endpoint's answer was not understood"),
    }
}

/// The failure that an answer is. `wait`: how long the throttle pauses, for too many calls.
pub(super) fn failure(status: u16, (meaning, words): (Meaning, &str), wait: Duration) -> Failure {
    let class = match meaning {
        Meaning::Permanent | Meaning::NotFound => FailureClass::Permanent,
        Meaning::NeedsConfig => FailureClass::NeedsConfig,
        Meaning::CredentialRefused => FailureClass::CredentialRefused,
        Meaning::Later(after) => FailureClass::Transient(Some(after)),
        Meaning::TooMany => FailureClass::RateLimited(wait),
        Meaning::Broken(after) => FailureClass::Transient(after),
    };
    Failure::new(class, format!("ServiceNow answered {status}: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_vendors_list_has_its_meaning() {
        for (status, meaning) in [
            (202, Meaning::TooMany),
            (400, Meaning::Permanent),
            (401, Meaning::CredentialRefused),
            (403, Meaning::NeedsConfig),
            (404, Meaning::NotFound),
            (405, Meaning::Permanent),
            (406, Meaning::Permanent),
            (409, Meaning::Later(SOON)),
            (415, Meaning::Permanent),
            (429, Meaning::TooMany),
            (499, Meaning::Broken(None)),
            (500, Meaning::Broken(None)),
            (502, Meaning::Broken(Some(SLOW))),
            (503, Meaning::Broken(Some(SLOW))),
            (504, Meaning::Broken(Some(SLOW))),
            (302, Meaning::NeedsConfig),
        ] {
            assert_eq!(of_status(status).0, meaning, "{status}");
        }
    }

    #[test]
    fn a_page_is_never_a_result() {
        assert_eq!(of_page(200).0, Meaning::Broken(Some(SLOW)));
        assert_eq!(of_page(404).0, Meaning::NeedsConfig);
        assert_eq!(of_page(429).0, Meaning::TooMany);
    }
}
