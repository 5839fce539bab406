//! The API token: how it is sent, and how it has fared.

use super::{client::Refusal, errors::Meaning};
use crate::{
    directory::gate::Gate,
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::time::Instant;
use tokio::sync::MutexGuard;
use zeroize::Zeroizing;

/// How the token has fared.
pub(super) struct Credential(Gate);

impl Default for Credential {
    fn default() -> Self {
        Credential(Gate::new("Okta refused the API token; put a valid one into its Secret"))
    }
}

impl Credential {
    /// See [`Gate::alone_until_accepted`].
    ///
    /// # Errors
    /// `RateLimited` at the deadline.
    pub(super) async fn alone_until_accepted(&self, deadline: Instant) -> Result<Option<MutexGuard<'_, ()>>, Failure> {
        self.0.alone_until_accepted(deadline).await
    }

    /// Whether the token may be sent.
    ///
    /// # Errors
    /// `CredentialRefused` where it was refused before.
    pub(super) fn usable(&self) -> Result<(), Failure> {
        self.0.usable()
    }

    /// Learns from an answer: its status, and why it refuses where it does.
    pub(super) fn learn(&self, status: u16, refusal: Option<&Refusal>) {
        if refusal.is_some_and(|refusal| refusal.meaning == Some(Meaning::CredentialRefused)) {
            self.0.refuse();
        } else if status < 400 || matches!(status, 403 | 404 | 409) {
            self.0.accept();
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
