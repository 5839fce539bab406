//! The operator's session: what an access key is changed for, and how it has fared.
//!
//! With a registered application by OpenID discovery and the password grant; else the older way, with the access key alone
//! at the area's host. A session is renewed by its refresh token, and where that is refused by signing in again; a refused
//! access key is not sent twice, since that may lock its owner.

use crate::{
    api::provider::{ClientAuthentication, CxoneProvider},
    directory::{gate::Gate, http},
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use reqwest::{Url, header::HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

/// How long before its end a token is renewed.
const EARLY: Duration = Duration::from_secs(30);
/// How long a token is taken to be good where its end is not told.
const UNTOLD: u64 = 300;

/// Who signs in, and the session that came of it.
pub(super) struct Credential {
    pub(super) gate: Gate,
    key_id: String,
    key_secret: Secret,
    pub(super) way: Way,
    session: Mutex<Option<Arc<Session>>>,
}

/// How an access key signs in.
pub(super) enum Way {
    /// By a registered application.
    Application {
        id: String,
        secret: Secret,
        authentication: ClientAuthentication,
    },
    /// Alone, at this host.
    Area(Url),
}

/// A session. Not Debug: it holds tokens.
pub(super) struct Session {
    /// The header that carries the access token.
    pub(super) authorization: HeaderValue,
    /// Renews it.
    pub(super) refresh: Option<Zeroizing<String>>,
    /// The tenant's id.
    pub(super) tenant: String,
    /// The API's host.
    pub(super) api: Url,
    renew: Instant,
}

/// A token endpoint's answer, in both spellings.
#[derive(Deserialize)]
pub(super) struct Granted {
    #[serde(alias = "token")]
    access_token: String,
    #[serde(default, alias = "refreshToken")]
    pub(super) refresh_token: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default, alias = "tokenExpirationTimeSec")]
    expires_in: Option<u64>,
}

impl Credential {
    /// The credential that the spec describes, with the access key's secret and the client's.
    ///
    /// # Errors
    /// `NeedsConfig` where names and secrets do not fit together.
    pub(super) fn new(spec: &CxoneProvider, (key_secret, client): (Secret, Option<Secret>)) -> Result<Self, Failure> {
        let way = match (&spec.client_id, client, &spec.area_url) {
            (Some(id), Some(secret), None) => Way::Application {
                id: id.clone(),
                secret,
                authentication: spec.client_authentication,
            },
            (None, None, Some(area)) => Way::Area(http::base_url(area)?),
            _ => {
                let words = "set clientID with clientSecretRef, or areaUrl, and not both";
                return Err(Failure::new(FailureClass::NeedsConfig, words));
            }
        };
        Ok(Credential {
            gate: Gate::new("CXone refused the operator's access key or application; correct them in their Secret"),
            key_id: spec.access_key_id.clone(),
            key_secret,
            way,
            session: Mutex::new(None),
        })
    }

    /// The place of the session, for whoever may have to renew it; the others wait meanwhile.
    ///
    /// # Errors
    /// `RateLimited` at the deadline.
    pub(super) async fn place(&self, deadline: Instant) -> Result<MutexGuard<'_, Option<Arc<Session>>>, Failure> {
        let waited = tokio::time::timeout_at(deadline.into(), self.session.lock()).await;
        waited.map_err(|_| {
            let words = "a sign-in to CXone is still being waited for";
            Failure::new(FailureClass::RateLimited(Duration::from_secs(1)), words)
        })
    }

    /// The form and the header by which an application signs in: with the access key, or with a refresh token.
    pub(super) fn form(&self, refresh: Option<&str>) -> Option<(Zeroizing<Vec<u8>>, Option<HeaderValue>)> {
        let Way::Application {
            id,
            secret,
            authentication,
        } = &self.way
        else {
            return None;
        };
        let mut fields = match refresh {
            Some(token) => vec![("grant_type", "refresh_token"), ("refresh_token", token)],
            None => vec![
                ("grant_type", "password"),
                ("username", self.key_id.as_str()),
                ("password", self.key_secret.expose()),
            ],
        };
        let header = match authentication {
            ClientAuthentication::Basic => Some(basic(id, secret)?),
            ClientAuthentication::Post => None,
        };
        if header.is_none() || refresh.is_some() {
            fields.push(("client_id", id));
        }
        if header.is_none() {
            fields.push(("client_secret", secret.expose()));
        }
        // Large enough that it does not move while it grows: what it leaves behind would not be wiped.
        let length = fields.iter().map(|(name, value)| name.len() + 3 * value.len() + 2);
        let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(length.sum()));
        form.extend_pairs(fields);
        Some((Zeroizing::new(form.finish().into_bytes()), header))
    }

    /// The body by which an access key signs in alone.
    pub(super) fn key_body(&self) -> Option<Zeroizing<Vec<u8>>> {
        object(&[
            ("accessKeyId", &self.key_id),
            ("accessKeySecret", self.key_secret.expose()),
        ])
    }
}

/// A JSON object of texts, put together by hand: a JSON value would keep copies that are not wiped.
pub(super) fn object(members: &[(&str, &str)]) -> Option<Zeroizing<Vec<u8>>> {
    let mut body = Zeroizing::new(Vec::with_capacity(4096));
    for (at, (name, value)) in members.iter().enumerate() {
        body.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"\":");
        body.extend_from_slice(&Zeroizing::new(serde_json::to_vec(value).ok()?));
    }
    body.push(b'}');
    Some(body)
}

/// Both parts are encoded before they are joined (RFC 6749 2.3.1): an id may hold a colon.
fn basic(id: &str, secret: &Secret) -> Option<HeaderValue> {
    let encoded = |text: &str| -> Zeroizing<String> {
        let length = 3 * text.len();
        let mut all = Zeroizing::new(String::with_capacity(length));
        url::form_urlencoded::byte_serialize(text.as_bytes()).for_each(|part| match part {
            "+" => all.push_str("%20"),
            part => all.push_str(part),
        });
        all
    };
    let pair = Zeroizing::new(format!("{}:{}", *encoded(id), *encoded(secret.expose())));
    let text = Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

impl Session {
    /// The session that an endpoint granted, for this tenant and API.
    ///
    /// # Errors
    /// `Unknown` where the token is none that can be sent.
    pub(super) fn new(granted: Granted, (tenant, api): (String, Url), now: Instant) -> Result<Self, Failure> {
        let bad = || {
            Failure::new(
                FailureClass::Unknown,
                "CXone's token endpoint gave no token that can be sent",
            )
        };
        let kind = granted.token_type.as_deref().unwrap_or("Bearer");
        if !kind.eq_ignore_ascii_case("bearer") || granted.access_token.is_empty() {
            return Err(bad());
        }
        let text = Zeroizing::new(format!("Bearer {}", granted.access_token));
        let mut authorization = HeaderValue::from_str(&text).map_err(|_| bad())?;
        authorization.set_sensitive(true);
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or(UNTOLD));
        Ok(Session {
            authorization,
            refresh: granted.refresh_token.map(Zeroizing::new),
            tenant,
            api,
            renew: now + lasts.saturating_sub(EARLY),
        })
    }

    /// Whether it need not be renewed yet.
    pub(super) fn is_good(&self, now: Instant) -> bool {
        now < self.renew
    }
}

impl Granted {
    /// The tenant that the id token names. It came over TLS from the sign-in host itself, so that its signature is not
    /// looked at (OpenID Connect Core 3.1.3.7).
    ///
    /// # Errors
    /// `Unknown` where there is none.
    pub(super) fn tenant(&self) -> Result<String, Failure> {
        let claims = self.id_token.as_deref().and_then(|token| {
            let payload = BASE64URL_NOPAD.decode(token.split('.').nth(1)?.as_bytes()).ok()?;
            serde_json::from_slice::<Value>(&payload).ok()
        });
        let tenant = claims.as_ref().and_then(|claims| claims.get("tenantId")?.as_str());
        match tenant.filter(|tenant| !tenant.is_empty() && tenant.len() <= 128) {
            Some(tenant) => Ok(tenant.to_owned()),
            None => Err(Failure::new(
                FailureClass::Unknown,
                "CXone's id token names no tenantId",
            )),
        }
    }
}
