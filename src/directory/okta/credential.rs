//! The operator's credential: what kind it is, and how it has fared.

use super::{errors::Meaning, refusal::Refusal, service_app::ServiceApp};
use crate::{
    api::provider::OktaProvider,
    directory::gate::Gate,
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use reqwest::header::HeaderValue;
use std::time::Instant;
use tokio::sync::MutexGuard;
use zeroize::Zeroizing;

/// The credential of one organisation.
pub(super) struct Credential {
    gate: Gate,
    pub(super) scheme: Scheme,
}

/// How the operator says who it is.
pub(super) enum Scheme {
    /// An administrator's API token (SSWS), as the header that carries it.
    ApiToken(HeaderValue),
    /// A service app, which changes its signature for access tokens.
    ServiceApp(Box<ServiceApp>),
}

impl Credential {
    /// The credential that the spec describes.
    ///
    /// # Errors
    /// `NeedsConfig` where the secret cannot be used as what the spec says it is.
    pub(super) fn new(spec: &OktaProvider, secret: &Secret) -> Result<Self, Failure> {
        let (scheme, words) = match (&spec.token_secret_ref, &spec.oauth) {
            (Some(_), None) => (
                Scheme::ApiToken(token_header(secret)?),
                "Okta refused the API token; put a valid one into its Secret",
            ),
            (None, Some(oauth)) => (
                Scheme::ServiceApp(Box::new(ServiceApp::new(oauth, secret)?)),
                "Okta refused the service app; put the private key of its public key into its Secret",
            ),
            _ => {
                let words = "set exactly one of tokenSecretRef and oauth";
                return Err(Failure::new(FailureClass::NeedsConfig, words));
            }
        };
        Ok(Credential {
            gate: Gate::new(words),
            scheme,
        })
    }

    /// The service app's client id, where it is one.
    pub(super) fn client_id(&self) -> Option<&str> {
        match &self.scheme {
            Scheme::ApiToken(_) => None,
            Scheme::ServiceApp(app) => Some(&app.client_id),
        }
    }

    /// See [`Gate::alone_until_accepted`].
    ///
    /// # Errors
    /// `RateLimited` at the deadline.
    pub(super) async fn alone_until_accepted(&self, deadline: Instant) -> Result<Option<MutexGuard<'_, ()>>, Failure> {
        self.gate.alone_until_accepted(deadline).await
    }

    /// Whether the credential may be sent.
    ///
    /// # Errors
    /// `CredentialRefused` where it was refused before.
    pub(super) fn usable(&self) -> Result<(), Failure> {
        self.gate.usable()
    }

    /// It was refused: it is used no more.
    pub(super) fn refuse(&self) {
        self.gate.refuse();
    }

    /// Learns from an answer of the API: its status, and why it refuses where it does.
    pub(super) fn learn(&self, status: u16, refusal: Option<&Refusal>) {
        if refusal.is_some_and(|refusal| refusal.meaning == Some(Meaning::CredentialRefused)) {
            self.gate.refuse();
        } else if status < 400 || matches!(status, 403 | 404 | 409) {
            self.gate.accept();
        }
    }
}

/// The header that carries an API token.
///
/// # Errors
/// `NeedsConfig` where the token's text cannot be sent.
fn token_header(token: &Secret) -> Result<HeaderValue, Failure> {
    let bad = |why: &str| Failure::new(FailureClass::NeedsConfig, format!("the Secret's API token {why}"));
    let token = token.expose().trim();
    if token.is_empty() {
        return Err(bad("is empty; put Okta's token there"));
    }
    let text = Zeroizing::new(format!("SSWS {token}"));
    let mut authorization =
        HeaderValue::from_str(&text).map_err(|_| bad("has characters that a token cannot have; copy it again"))?;
    authorization.set_sensitive(true);
    Ok(authorization)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_cannot_be_sent_are_a_fault_of_the_configuration() {
        for token in ["", " \n", "00a\nb", "00a\u{1}"] {
            let result = token_header(&Secret::new(token.into()));
            assert_eq!(result.unwrap_err().class, FailureClass::NeedsConfig, "{token:?}");
        }
        let header = token_header(&Secret::new("00abc\n".into())).unwrap();
        assert_eq!(header, "SSWS 00abc");
        assert!(!format!("{header:?}").contains("00abc"));
    }
}
