//! The operator's credential: how it is sent, the token that it is changed for, and how it has fared.
//!
//! While a token is good the token endpoint gives the same one again, so that it is renewed shortly before its end and
//! once after a 401. A wrong password counts as a failed sign-in of the operator's own user: one refusal ends it.

use crate::{
    api::provider::ServiceNowProvider,
    directory::gate::Gate,
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use data_encoding::BASE64;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

/// How long before its end a token is renewed.
const EARLY: Duration = Duration::from_secs(30);
/// How long a token is taken to be good where its end is not told.
const UNTOLD: u64 = 300;

/// The credential of one instance.
pub(super) struct Credential {
    pub(super) gate: Gate,
    scheme: Scheme,
    token: Mutex<Option<Token>>,
}

enum Scheme {
    Basic(HeaderValue),
    OAuth(Grant),
}

/// What is sent for a token.
struct Grant {
    client_id: String,
    client_secret: Secret,
    /// User and password, for the password grant; else client credentials.
    login: Option<(String, Secret)>,
}

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    header: HeaderValue,
    renew: Instant,
}

/// The token endpoint's answer.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<u64>,
}

impl Credential {
    /// The credential that the spec describes: first and second secret as `Provider::credential` orders them.
    ///
    /// # Errors
    /// `NeedsConfig` where names and secrets do not fit together, or cannot be sent.
    pub(super) fn new(spec: &ServiceNowProvider, (first, second): (Secret, Option<Secret>)) -> Result<Self, Failure> {
        let scheme = match (&spec.username, &spec.client_id, second) {
            (Some(username), None, None) => Scheme::Basic(basic(username, &first)?),
            (None, Some(client_id), None) => Scheme::OAuth(Grant {
                client_id: client_id.clone(),
                client_secret: first,
                login: None,
            }),
            (Some(username), Some(client_id), Some(client_secret)) => Scheme::OAuth(Grant {
                client_id: client_id.clone(),
                client_secret,
                login: Some((username.clone(), first)),
            }),
            _ => {
                let words = "set username with passwordSecretRef, or clientID with clientSecretRef, or all four";
                return Err(Failure::new(FailureClass::NeedsConfig, words));
            }
        };
        Ok(Credential {
            gate: Gate::new("ServiceNow refused the operator's credential; correct it in its Secret"),
            scheme,
            token: Mutex::new(None),
        })
    }

    /// The header where no token is needed.
    pub(super) fn fixed(&self) -> Option<HeaderValue> {
        match &self.scheme {
            Scheme::Basic(header) => Some(header.clone()),
            Scheme::OAuth(_) => None,
        }
    }

    /// The place of the token, for whoever may have to renew it; the others wait meanwhile.
    ///
    /// # Errors
    /// `RateLimited` at the deadline.
    pub(super) async fn token(&self, deadline: Instant) -> Result<MutexGuard<'_, Option<Token>>, Failure> {
        let waited = tokio::time::timeout_at(deadline.into(), self.token.lock()).await;
        waited.map_err(|_| {
            let words = "an access token is still being waited for";
            Failure::new(FailureClass::RateLimited(Duration::from_secs(1)), words)
        })
    }

    /// The form that asks for a token; `None` where none is used.
    pub(super) fn form(&self) -> Option<Zeroizing<Vec<u8>>> {
        let Scheme::OAuth(grant) = &self.scheme else {
            return None;
        };
        let kind = if grant.login.is_some() {
            "password"
        } else {
            "client_credentials"
        };
        let mut fields = vec![
            ("grant_type", kind),
            ("client_id", &grant.client_id),
            ("client_secret", grant.client_secret.expose()),
        ];
        if let Some((username, password)) = &grant.login {
            fields.extend([("username", username.as_str()), ("password", password.expose())]);
        }
        // Large enough that it does not move while it grows: what it leaves behind would not be wiped.
        let length: usize = fields
            .iter()
            .map(|(name, value)| name.len() + 3 * value.len() + 2)
            .sum();
        let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(length));
        form.extend_pairs(fields);
        Some(Zeroizing::new(form.finish().into_bytes()))
    }
}

impl Token {
    /// The token that the endpoint granted.
    ///
    /// # Errors
    /// `Unknown` where it is none that can be sent.
    pub(super) fn new(granted: Granted, now: Instant) -> Result<Self, Failure> {
        let bad = || Failure::new(FailureClass::Unknown, "the token endpoint's answer was not understood");
        let kind = granted.token_type.as_deref().unwrap_or("Bearer");
        if !kind.eq_ignore_ascii_case("bearer") || granted.access_token.is_empty() {
            return Err(bad());
        }
        let text = Zeroizing::new(format!("Bearer {}", granted.access_token));
        let mut header = HeaderValue::from_str(&text).map_err(|_| bad())?;
        header.set_sensitive(true);
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or(UNTOLD));
        Ok(Token {
            header,
            renew: now + lasts.saturating_sub(EARLY),
        })
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Whether it need not be renewed yet.
    pub(super) fn is_good(&self, now: Instant) -> bool {
        now < self.renew
    }
}

fn basic(username: &str, password: &Secret) -> Result<HeaderValue, Failure> {
    let bad = |why: &str| Failure::new(FailureClass::NeedsConfig, format!("the operator's {why}"));
    if username.contains(':') {
        return Err(bad("username contains a colon, which basic authentication cannot send"));
    }
    if password.expose().is_empty() {
        return Err(bad("password is empty; put it into its Secret"));
    }
    let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
    let text = Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text).map_err(|_| bad("credential cannot be sent"))?;
    header.set_sensitive(true);
    Ok(header)
}
