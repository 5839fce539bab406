//! The access token: fetched with the client's secret, kept while it lives, renewed once where it is refused.
//!
//! One at a time asks for it. A secret that was refused is not sent again.

use super::model::Claims;
use crate::{
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use data_encoding::BASE64URL_NOPAD;
use reqwest::header::HeaderValue;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// How long before its end a token is used no more.
const MARGIN: Duration = Duration::from_secs(10);

/// The token at hand. Not Debug: it is a secret.
#[derive(Clone)]
pub(super) struct Token {
    /// The header that carries it.
    pub(super) authorization: HeaderValue,
    /// The id of the service account that it is for.
    pub(super) own: String,
    until: Instant,
    serial: u64,
}

/// What is known of tokens.
#[derive(Default)]
pub(super) struct State {
    current: Option<Token>,
    refused: bool,
    serial: u64,
}

/// The client's tokens.
#[derive(Default)]
pub(super) struct Tokens(pub(super) Mutex<State>);

impl State {
    /// The token, where there is one that still lives.
    ///
    /// # Errors
    /// `CredentialRefused` where the client was refused before.
    pub(super) fn current(&self) -> Result<Option<Token>, Failure> {
        if self.refused {
            return Err(Failure::new(
                FailureClass::CredentialRefused,
                "Keycloak refused the client's secret; put the right one into its Secret",
            ));
        }
        Ok(self.current.clone().filter(|token| Instant::now() < token.until))
    }

    /// Takes over a new token, which lives for so many seconds from `asked`.
    ///
    /// # Errors
    /// Where it is none that can be used.
    pub(super) fn keep(&mut self, token: &Secret, lives: u64, asked: Instant) -> Result<Token, Failure> {
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        let mut authorization = HeaderValue::from_str(&text)
            .map_err(|_| Failure::new(FailureClass::Unknown, "Keycloak's access token is no token"))?;
        authorization.set_sensitive(true);
        self.serial += 1;
        let lives = Duration::from_secs(lives);
        // One that lives shorter than the margin is used all the same: a 401 renews it.
        let useful = lives.checked_sub(MARGIN).unwrap_or(lives / 2);
        let token = Token {
            authorization,
            own: subject(token)?,
            until: asked + useful,
            serial: self.serial,
        };
        self.current = Some(token.clone());
        Ok(token)
    }

    /// Uses this token no more.
    pub(super) fn forget(&mut self, token: &Token) {
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.serial == token.serial)
        {
            self.current = None;
        }
    }

    /// Uses the client's secret no more.
    pub(super) fn refuse(&mut self) {
        (self.refused, self.current) = (true, None);
    }
}

/// Whom an access token is for. It comes from the realm itself by TLS, so that its signature adds nothing.
fn subject(token: &Secret) -> Result<String, Failure> {
    let payload = token.expose().split('.').nth(1).unwrap_or_default();
    let decoded = BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap_or_default();
    let claims: Option<Claims> = serde_json::from_slice(&decoded).ok();
    claims.and_then(|claims| claims.sub).ok_or_else(|| {
        let words = "the client's access token does not name its service account, so that this could not be protected; \
                     give the client the default scope basic";
        Failure::new(FailureClass::NeedsConfig, words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.sig", BASE64URL_NOPAD.encode(claims.as_bytes())))
    }

    #[test]
    fn a_token_is_kept_until_shortly_before_its_end() {
        let (now, mut state) = (Instant::now(), State::default());
        let kept = state.keep(&token(r#"{"sub":"me"}"#), 300, now).unwrap();
        assert_eq!(kept.own, "me");
        assert!(!format!("{:?}", kept.authorization).contains("e30"));
        assert!(state.current().unwrap().is_some());
        state
            .keep(&token(r#"{"sub":"me"}"#), 300, now - Duration::from_secs(291))
            .unwrap();
        assert!(state.current().unwrap().is_none(), "it ends in nine seconds");
    }

    #[test]
    fn a_refused_token_is_forgotten_and_a_newer_one_is_not() {
        let (now, mut state) = (Instant::now(), State::default());
        let old = state.keep(&token(r#"{"sub":"me"}"#), 300, now).unwrap();
        let new = state.keep(&token(r#"{"sub":"me"}"#), 300, now).unwrap();
        state.forget(&old);
        assert!(state.current().unwrap().is_some());
        state.forget(&new);
        assert!(state.current().unwrap().is_none());
        state.refuse();
        assert_eq!(state.current().err().unwrap().class, FailureClass::CredentialRefused);
    }

    #[test]
    fn a_token_without_a_subject_is_a_fault_of_the_configuration() {
        let now = Instant::now();
        for bad in [token("{}"), token("x"), Secret::new("opaque".into())] {
            let failure = State::default().keep(&bad, 300, now).err().unwrap();
            assert_eq!(failure.class, FailureClass::NeedsConfig);
        }
    }
}
