//! Why a request has no answer, and whether it may have been carried out all the same. Answers, whatever their status, are
//! no matter of this module.

use crate::domain::account::{Failure, FailureClass, Sent};
use std::error::Error;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::directory) enum NoAnswer {
    /// Nothing of the request reached the upstream.
    NotSent(Failure),
    /// The request may have reached it, and may have been carried out.
    Lost(Failure),
}

impl NoAnswer {
    /// The failure, for a call that changes nothing.
    pub(in crate::directory) fn into_failure(self) -> Failure {
        match self {
            NoAnswer::NotSent(failure) | NoAnswer::Lost(failure) => failure,
        }
    }
}

impl From<NoAnswer> for Sent {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::NotSent(failure) => Sent::NotSent(failure),
            NoAnswer::Lost(failure) => Sent::Unknown(failure),
        }
    }
}

/// Where a transport error leaves the request. Only what fails before a connection stands was certainly not sent.
pub(super) fn of(error: reqwest::Error) -> NoAnswer {
    let detail = describe(&error);
    if error.is_builder() {
        let failure = Failure::new(FailureClass::Permanent, "the request could not be built");
        return NoAnswer::NotSent(failure.detail(detail));
    }
    if error.is_connect() {
        return NoAnswer::NotSent(unreachable(&error).detail(detail));
    }
    let public = match error.is_timeout() {
        true => "the directory did not answer in time",
        false => "the connection to the directory broke before an answer came",
    };
    NoAnswer::Lost(Failure::new(FailureClass::Transient(None), public).detail(detail))
}

fn unreachable(error: &reqwest::Error) -> Failure {
    if causes(error).any(is_untrusted) {
        return Failure::new(
            FailureClass::NeedsConfig,
            "the directory's certificate is not trusted; name its issuer's certificate in caSecretRef, or correct the url",
        );
    }
    Failure::new(FailureClass::Transient(None), "the directory cannot be reached")
}

/// Whether a certificate was not accepted. Errors of rustls come wrapped in `io::Error`s, whose `source` skips what they
/// wrap.
fn is_untrusted(cause: &(dyn Error + 'static)) -> bool {
    let mut inner = cause;
    while let Some(wrapped) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        inner = wrapped;
    }
    matches!(inner.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The whole chain of causes in one line. The URL was taken out before; nothing else of a request is in it.
pub(super) fn describe(error: &reqwest::Error) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}
