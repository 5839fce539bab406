//! The API token: how it is sent, and how it has fared.

use super::{client::Refusal, errors::Meaning};
use crate::{
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

/// How the token has fared. A refused one is used no more; until one has been accepted, calls go one at a time, so that
/// a wrong one is tried once.
#[derive(Default)]
pub(super) struct Credential {
    accepted: AtomicBool,
    refused: AtomicBool,
    first: Mutex<()>,
}

impl Credential {
    /// Waits until nobody else is the first to use the token; at once where it has been accepted before.
    ///
    /// # Errors
    /// `RateLimited` at the deadline.
    pub(super) async fn alone_until_accepted(&self, deadline: Instant) -> Result<Option<MutexGuard<'_, ()>>, Failure> {
        if self.accepted.load(Ordering::Acquire) {
            return Ok(None);
        }
        match tokio::time::timeout_at(deadline.into(), self.first.lock()).await {
            Ok(_) if self.accepted.load(Ordering::Acquire) => Ok(None),
            Ok(alone) => Ok(Some(alone)),
            Err(_) => Err(Failure::new(
                FailureClass::RateLimited(Duration::from_secs(1)),
                "whether Okta accepts the API token is still being found out",
            )),
        }
    }

    /// Whether the token may be sent.
    ///
    /// # Errors
    /// `CredentialRefused` where it was refused before.
    pub(super) fn usable(&self) -> Result<(), Failure> {
        match self.refused.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(Failure::new(
                FailureClass::CredentialRefused,
                "Okta refused the API token; put a valid one into its Secret",
            )),
        }
    }

    /// Learns from an answer: its status, and why it refuses where it does.
    pub(super) fn learn(&self, status: u16, refusal: Option<&Refusal>) {
        if refusal.is_some_and(|refusal| refusal.meaning == Some(Meaning::CredentialRefused)) {
            self.refused.store(true, Ordering::Release);
        } else if status < 400 || matches!(status, 403 | 404 | 409) {
            self.accepted.store(true, Ordering::Release);
        }
    }
}

/// The headers of every request.
///
/// # Errors
/// `NeedsConfig` where the token's text cannot be sent.
pub(super) fn headers(token: &Secret) -> Result<HeaderMap, Failure> {
    let bad = |why: &str| Failure::new(FailureClass::NeedsConfig, format!("the Secret's API token {why}"));
    let token = token.expose().trim();
    if token.is_empty() {
        return Err(bad("is empty; put Okta's token there"));
    }
    let text = Zeroizing::new(format!("SSWS {token}"));
    let mut authorization =
        HeaderValue::from_str(&text).map_err(|_| bad("has characters that a token cannot have; copy it again"))?;
    authorization.set_sensitive(true);
    let json = HeaderValue::from_static("application/json");
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, authorization),
        (ACCEPT, json.clone()),
        (CONTENT_TYPE, json),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_cannot_be_sent_are_a_fault_of_the_configuration() {
        for token in ["", " \n", "00a\nb", "00a\u{1}"] {
            let result = headers(&Secret::new(token.into()));
            assert_eq!(result.unwrap_err().class, FailureClass::NeedsConfig, "{token:?}");
        }
        let headers = headers(&Secret::new("00abc\n".into())).unwrap();
        assert_eq!(headers[AUTHORIZATION], "SSWS 00abc");
        assert!(!format!("{headers:?}").contains("00abc"));
    }
}
