//! A service app of the organisation: what it sends for an access token, what the token endpoint's answers mean, and the
//! token at hand. Nothing is sent here.
//!
//! Client credentials with `private_key_jwt` at the organisation's own authorization server (RFC 6749, 7523), bound to a key
//! where the app demands it (RFC 9449). Source: developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp and
//! developer.okta.com/docs/guides/dpop/oktaresourceserver.

use super::{
    dpop::{self, Prover},
    errors,
    jose::SigningKey,
};
use crate::{
    api::provider::OktaOAuth,
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Url, header::HeaderValue};
use serde::Deserialize;
use serde_json::{Map, json};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// How long an assertion is good; Okta takes up to an hour.
const ASSERTION_SECONDS: i64 = 300;
/// The parts of a token's life after which another one is fetched: Okta's last an hour and cannot be renewed.
const RENEW_AFTER: f64 = 0.8;
/// How long a token is taken to be good where its end is not told.
const UNTOLD: u64 = 300;
/// How long a refusal that an administrator must mend is taken as the answer.
const REMEMBERED: Duration = Duration::from_secs(30);
/// A difference of the clocks that is worth telling.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The app, and what it has been given. Not Debug: it is a secret.
pub(super) struct ServiceApp {
    /// Its client id, by which the system log names it too.
    pub(super) client_id: String,
    key: SigningKey,
    scopes: String,
    prover: Prover,
    place: Mutex<Place>,
}

/// What changes.
#[derive(Default)]
pub(super) struct Place {
    token: Option<Token>,
    /// Whether tokens must be bound to a key.
    bound: bool,
    /// What the token endpoint wants to see in the next proof.
    nonce: Option<String>,
    refused: Option<(Instant, Failure)>,
}

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    /// The header `Authorization`.
    pub(super) header: HeaderValue,
    /// Its hash, where it is bound to a key.
    hash: Option<String>,
    renew: Instant,
}

/// The token endpoint's answer.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

/// The token endpoint's refusal, in OAuth's form or in Okta's own. Descriptions are left out: their text changes.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default, rename = "errorCode")]
    error_code: String,
}

/// What the endpoint said besides its body.
pub(super) struct Said {
    pub(super) status: u16,
    /// The header `dpop-nonce`.
    pub(super) nonce: Option<String>,
    /// By how much Okta's clock is ahead of ours, where its `Date` tells.
    pub(super) ahead: Option<SignedDuration>,
    /// How long the throttle pauses, after a 429.
    pub(super) wait: Duration,
}

/// What follows from a refusal.
pub(super) enum Next {
    /// Ask again: what it wanted is in place now.
    Again,
    /// There is no token.
    Failed(Failure),
}

impl ServiceApp {
    /// The app that the spec names, with its key.
    ///
    /// # Errors
    /// `NeedsConfig` where the key cannot be used.
    pub(super) fn new(spec: &OktaOAuth, key: &Secret) -> Result<Self, Failure> {
        Ok(ServiceApp {
            client_id: spec.client_id.clone(),
            key: SigningKey::read(key, spec.key_id.as_deref())?,
            scopes: spec.scopes.join(" "),
            prover: Prover::new()?,
            place: Mutex::default(),
        })
    }

    /// The place of the token, for whoever may have to fetch it; the others wait meanwhile.
    ///
    /// # Errors
    /// `RateLimited` at the deadline.
    pub(super) async fn place(&self, deadline: Instant) -> Result<MutexGuard<'_, Place>, Failure> {
        let waited = tokio::time::timeout_at(deadline.into(), self.place.lock()).await;
        waited.map_err(|_| {
            let words = "an access token is still being waited for";
            Failure::new(FailureClass::RateLimited(Duration::from_secs(1)), words)
        })
    }

    /// The form that asks for a token, with a fresh assertion for this very address: each is good once.
    ///
    /// # Errors
    /// Where the key cannot sign.
    pub(super) fn form(&self, endpoint: &Url, now: Timestamp) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let issued = now.as_second();
        let claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": endpoint.as_str(),
            "iat": issued, "exp": issued + ASSERTION_SECONDS, "jti": dpop::fresh_id(),
        });
        let assertion = Zeroizing::new(self.key.sign(Map::new(), &claims)?);
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(assertion.len() + 512));
        form.append_pair("grant_type", "client_credentials")
            .append_pair("scope", &self.scopes)
            .append_pair(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .append_pair("client_assertion", &assertion);
        Ok(Zeroizing::new(form.finish().into_bytes()))
    }

    /// The proof that goes with a request for a token, where one is wanted.
    ///
    /// # Errors
    /// Where the key cannot sign.
    pub(super) fn token_proof(
        &self,
        place: &Place,
        endpoint: &Url,
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, Failure> {
        let proof = || {
            self.prover
                .proof((&Method::POST, endpoint), None, place.nonce.as_deref(), now)
        };
        place.bound.then(proof).transpose()
    }

    /// The proof that goes with a call under this token, where the token is bound.
    ///
    /// # Errors
    /// Where the key cannot sign.
    pub(super) fn call_proof(
        &self,
        token: &Token,
        call: (&Method, &Url),
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, Failure> {
        let hash = token.hash.as_deref();
        hash.map(|hash| self.prover.proof(call, Some(hash), None, now))
            .transpose()
    }

    /// What a refusal means, and what to do about it.
    pub(super) fn judge(&self, place: &mut Place, refused: &Refused, said: Said) -> Next {
        match refused.error.as_str() {
            // A nonce that is too old is answered by a new one.
            "use_dpop_nonce" if said.nonce.is_some() && said.nonce != place.nonce => {
                (place.bound, place.nonce) = (true, said.nonce);
                Next::Again
            }
            "invalid_dpop_proof" if !place.bound => {
                place.bound = true;
                Next::Again
            }
            _ => {
                let failure = self.failure(refused, &said);
                if failure.class == FailureClass::NeedsConfig {
                    place.refused = Some((Instant::now(), failure.clone()));
                }
                Next::Failed(failure)
            }
        }
    }

    fn failure(&self, refused: &Refused, said: &Said) -> Failure {
        let skew = said.ahead.filter(|ahead| ahead.abs() >= SKEW);
        let (class, words) = match refused.error.as_str() {
            // With a clock that is off, a good key is refused too: it must not count as a bad one.
            "invalid_client" | "invalid_dpop_proof" if skew.is_some() => (
                FailureClass::NeedsConfig,
                "Okta does not accept what the operator signed".to_owned(),
            ),
            "invalid_client" => (
                FailureClass::CredentialRefused,
                "Okta does not accept the service app's client id or private key; put the key of its public key into the Secret"
                    .to_owned(),
            ),
            "invalid_scope" => (
                FailureClass::NeedsConfig,
                format!(
                    "not every scope that is asked for is granted to the service app; grant them under Okta API Scopes, or \
                     correct oauth.scopes: {}",
                    self.scopes
                ),
            ),
            "invalid_dpop_proof" | "use_dpop_nonce" => (
                FailureClass::NeedsConfig,
                "Okta does not accept the operator's proof of possession (DPoP)".to_owned(),
            ),
            "unauthorized_client" | "unsupported_grant_type" | "invalid_request" | "access_denied" => (
                FailureClass::NeedsConfig,
                "Okta gives this app no access tokens; it must be an API Services app with a public key".to_owned(),
            ),
            _ => return errors::failure(said.status, &refused.error_code, said.wait),
        };
        let words = match skew {
            Some(ahead) => format!("{words}; {}", clock_words(ahead)),
            None => words,
        };
        Failure::new(class, words)
    }
}

/// By how much the clocks differ, for people.
fn clock_words(ahead: SignedDuration) -> String {
    let seconds = ahead.as_secs().unsigned_abs();
    let way = if ahead.is_negative() { "ahead of" } else { "behind" };
    format!("the operator's clock is {seconds} s {way} Okta's: set it right")
}

impl Place {
    /// The token, where it is good and not the one that was refused; `None` where one must be fetched.
    ///
    /// # Errors
    /// Where fetching one was refused just now.
    pub(super) fn usable(&self, refused: Option<&Token>, now: Instant) -> Result<Option<Token>, Failure> {
        if let Some((when, failure)) = &self.refused
            && now.saturating_duration_since(*when) < REMEMBERED
        {
            return Err(failure.clone());
        }
        let good = |token: &&Token| now < token.renew && refused.is_none_or(|refused| refused.header != token.header);
        Ok(self.token.as_ref().filter(good).cloned())
    }

    /// Takes over a token that was asked for then.
    ///
    /// # Errors
    /// `Unknown` where it is none that can be sent.
    pub(super) fn keep(&mut self, granted: Granted, asked: Instant) -> Result<Token, Failure> {
        let bad = || Failure::new(FailureClass::Unknown, "the token endpoint's answer was not understood");
        let access = Secret::new(granted.access_token);
        let hash = match granted.token_type.to_ascii_lowercase().as_str() {
            "bearer" => None,
            "dpop" if self.bound => Some(dpop::hash(access.expose())),
            _ => return Err(bad()),
        };
        let scheme = if hash.is_some() { "DPoP" } else { "Bearer" };
        let text = Zeroizing::new(format!("{scheme} {}", access.expose()));
        if access.expose().is_empty() {
            return Err(bad());
        }
        let mut header = HeaderValue::from_str(&text).map_err(|_| bad())?;
        header.set_sensitive(true);
        let lives = Duration::from_secs(granted.expires_in.unwrap_or(UNTOLD).min(24 * 3600));
        let token = Token {
            header,
            hash,
            renew: asked + lives.mul_f64(RENEW_AFTER),
        };
        (self.token, self.refused) = (Some(token.clone()), None);
        Ok(token)
    }
}

#[cfg(test)]
mod tests;
