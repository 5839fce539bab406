//! Signing in: discovery, the token endpoint, and renewal. Whatever goes wrong here, the call itself was not sent.

use super::{
    client::{Client, Refusal},
    errors::{self, Meaning},
    hosts,
    session::{Granted, Session, Way, object},
};
use crate::{
    directory::{Call, http::Answer},
    domain::account::{Failure, FailureClass},
};
use bytes::Bytes;
use reqwest::{
    Url,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use std::time::Instant;
use zeroize::Zeroizing;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Client {
    /// A new session: by the refresh token of the one before, else by the access key.
    ///
    /// # Errors
    /// Where the tenant grants none. A refused access key is not sent again.
    pub(super) async fn renew(&self, call: &Call, before: Option<&Session>) -> Result<Session, Refusal> {
        if let Some(before) = before
            && let Some(refresh) = &before.refresh
            && let Some(granted) = self.refreshed(call, refresh).await?
        {
            let place = (before.tenant.clone(), before.api.clone());
            return Session::new(granted, place, Instant::now()).map_err(Refusal::not_sent);
        }
        let granted = self.signed_in(call).await?;
        let tenant = granted.tenant().map_err(Refusal::not_sent)?;
        let api = match &self.api {
            Some(api) => api.clone(),
            None => self.discover_api(call, &tenant).await?,
        };
        Session::new(granted, (tenant, api), Instant::now()).map_err(Refusal::not_sent)
    }

    /// What the access key is changed for.
    async fn signed_in(&self, call: &Call) -> Result<Granted, Refusal> {
        let answer = match &self.credential.way {
            Way::Application { .. } => {
                let endpoint = self.token_endpoint(call).await?;
                self.post_form(call, endpoint, None).await?
            }
            Way::Area(area) => {
                let body = self.credential.key_body().ok_or_else(unsendable)?;
                self.post(call, at(area, "authentication/v1/token/access-key"), (JSON, body), None)
                    .await?
            }
        };
        self.granted(answer)
    }

    /// What a refresh token is changed for; `None` where it is not taken any more. That says nothing of the access key.
    async fn refreshed(&self, call: &Call, refresh: &str) -> Result<Option<Granted>, Refusal> {
        let answer = match &self.credential.way {
            Way::Application { .. } => {
                let endpoint = self.token_endpoint(call).await?;
                self.post_form(call, endpoint, Some(refresh)).await?
            }
            Way::Area(area) => {
                let body = object(&[("token", refresh)]).ok_or_else(unsendable)?;
                self.post(call, at(area, "public/user/refresh"), (JSON, body), None)
                    .await?
            }
        };
        match answer.status.as_u16() {
            200 => Ok(parsed(&answer)),
            400 | 401 | 403 | 404 => Ok(None),
            _ => self.granted(answer).map(Some),
        }
    }

    fn granted(&self, answer: Answer) -> Result<Granted, Refusal> {
        let status = answer.status.as_u16();
        if status == 200
            && let Some(granted) = parsed(&answer)
        {
            return Ok(granted);
        }
        let body: Value = match &answer.body {
            Ok(body) => serde_json::from_slice(body).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let told = body.get("error").and_then(Value::as_str).and_then(errors::of_token);
        let judged = match (status, told) {
            (400 | 401 | 403, Some(told)) => told,
            (401, None) => (
                Meaning::CredentialRefused,
                "the access key was refused; correct it, and see that its owner is neither locked nor inactive",
            ),
            (200, _) => (Meaning::Broken, "the token endpoint's answer was not understood"),
            _ => errors::of_status(status),
        };
        if judged.0 == Meaning::CredentialRefused {
            self.credential.gate.refuse();
        }
        let wait = self.learn_rate(status, &answer.headers);
        let failure = errors::failure(status, judged, wait);
        Err(Refusal::not_sent(failure.detail(format!("sign in: {}", judged.1))))
    }

    async fn post_form(&self, call: &Call, endpoint: Url, refresh: Option<&str>) -> Result<Answer, Refusal> {
        let (body, header) = self.credential.form(refresh).ok_or_else(unsendable)?;
        self.post(call, endpoint, (FORM, body), header).await
    }

    async fn post(
        &self,
        call: &Call,
        url: Url,
        (kind, body): (&'static str, Zeroizing<Vec<u8>>),
        authorization: Option<HeaderValue>,
    ) -> Result<Answer, Refusal> {
        let request = self.http.client().post(url).header(CONTENT_TYPE, kind);
        let request = match authorization {
            Some(header) => request.header("authorization", header),
            None => request,
        };
        let answer = self.exchange(call, request.body(Bytes::from_owner(body))).await;
        answer.map_err(|none| Refusal::not_sent(none.into_failure()))
    }

    /// Where the sign-in host says that tokens are had.
    async fn token_endpoint(&self, call: &Call) -> Result<Url, Refusal> {
        let url = at(&self.sign_in, ".well-known/openid-configuration");
        let found = self.discovered(call, url, "token_endpoint").await?;
        hosts::pinned(&found, &self.sign_in).map_err(Refusal::not_sent)
    }

    /// Where the sign-in host says that a tenant's API is.
    async fn discover_api(&self, call: &Call, tenant: &str) -> Result<Url, Refusal> {
        let mut url = at(&self.sign_in, ".well-known/cxone-configuration");
        url.query_pairs_mut().append_pair("tenantId", tenant);
        let found = self.discovered(call, url, "api_endpoint").await?;
        hosts::pinned(&found, &self.sign_in).map_err(Refusal::not_sent)
    }

    async fn discovered(&self, call: &Call, url: Url, member: &str) -> Result<String, Refusal> {
        let answer = self.exchange(call, self.http.client().get(url)).await;
        let answer = answer.map_err(|none| Refusal::not_sent(none.into_failure()))?;
        let status = answer.status.as_u16();
        let wait = self.learn_rate(status, &answer.headers);
        let judged = match status {
            200 => {
                let body = answer.body.map_err(Refusal::not_sent)?;
                let value: Value = serde_json::from_slice(&body).unwrap_or_default();
                if let Some(found) = value.get(member).and_then(Value::as_str) {
                    return Ok(found.to_owned());
                }
                (
                    Meaning::NeedsConfig,
                    "it does not look like CXone's sign-in host; check the Directory's url",
                )
            }
            404 => (
                Meaning::NeedsConfig,
                "it does not look like CXone's sign-in host; check the Directory's url",
            ),
            // No credential was sent.
            401 | 403 => (
                Meaning::NeedsConfig,
                "its discovery is refused; check the Directory's url",
            ),
            _ => errors::of_status(status),
        };
        Err(Refusal::not_sent(errors::failure(status, judged, wait)))
    }
}

/// A credential that cannot be written down as the endpoint takes it.
fn unsendable() -> Refusal {
    let words =
        "the access key, or the application's client id or secret, cannot be sent; copy them into the Secret again";
    Refusal::not_sent(Failure::new(FailureClass::NeedsConfig, words))
}

fn parsed(answer: &Answer) -> Option<Granted> {
    serde_json::from_slice(answer.body.as_ref().ok()?).ok()
}

fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}
