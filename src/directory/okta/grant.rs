//! The exchange that gets an access token, and the headers that say who calls.

use super::{
    client::Client,
    credential::Scheme,
    rate,
    service_app::{Granted, Next, Place, Refused, Said, ServiceApp, Token},
};
use crate::{
    directory::{Call, http::NoAnswer},
    domain::account::{Failure, FailureClass},
};
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use std::time::Instant;
use zeroize::Zeroizing;

/// A plain request, one with a proof, one with the nonce that was asked for.
const MOST_TRIES: usize = 3;
const PROOF: HeaderName = HeaderName::from_static("dpop");

/// Who calls, for one request.
pub(super) struct Authorization {
    pub(super) headers: HeaderMap,
    /// The access token, where it is one: another may be had if it is refused.
    pub(super) token: Option<Token>,
}

impl Client {
    /// The headers that say who calls. `refused` is a token that is not to be used again.
    ///
    /// # Errors
    /// Where no token can be had. Nothing was sent to the API.
    pub(super) async fn authorization(
        &self,
        call: &Call,
        request: (&Method, &Url),
        refused: Option<&Token>,
    ) -> Result<Authorization, Failure> {
        let app = match &self.credential.scheme {
            Scheme::ApiToken(header) => {
                return Ok(Authorization {
                    headers: HeaderMap::from_iter([(AUTHORIZATION, header.clone())]),
                    token: None,
                });
            }
            Scheme::ServiceApp(app) => app,
        };
        let mut place = app.place(call.deadline).await?;
        let token = match place.usable(refused, Instant::now())? {
            Some(token) => token,
            None => self.fetch_token(call, app, &mut place).await?,
        };
        drop(place);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, token.header.clone())]);
        if let Some(proof) = app.call_proof(&token, request, Timestamp::now())? {
            headers.insert(PROOF, proof);
        }
        Ok(Authorization {
            headers,
            token: Some(token),
        })
    }

    async fn fetch_token(&self, call: &Call, app: &ServiceApp, place: &mut Place) -> Result<Token, Failure> {
        let endpoint = self.url(&["oauth2", "v1", "token"], &[]);
        for _ in 0..MOST_TRIES {
            let (asked, now) = (Instant::now(), Timestamp::now());
            let mut request = self
                .http
                .client()
                .post(endpoint.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Bytes::from_owner(app.form(&endpoint, now)?));
            if let Some(proof) = app.token_proof(place, &endpoint, now)? {
                request = request.header(PROOF, proof);
            }
            let answer = self
                .http
                .exchange(call, request, || self.credential.usable())
                .await
                .map_err(NoAnswer::into_failure)?;
            let status = answer.status.as_u16();
            let wait = self.learn_rate("get an access token", status, &answer.headers);
            let body = answer.body.map(Zeroizing::new);
            if answer.status.is_success() {
                let granted: Granted = serde_json::from_slice(&body?)
                    .map_err(|error| super::refusal::not_understood("get an access token", &error))?;
                return place.keep(granted, asked);
            }
            // A refusal that cannot be read is judged by its status.
            let refused: Refused = body
                .ok()
                .and_then(|body| serde_json::from_slice(&body).ok())
                .unwrap_or_default();
            let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
            let said = Said {
                status,
                nonce: answer.headers.get("dpop-nonce").and_then(text),
                ahead: rate::date(&answer.headers).map(|date| date.duration_since(Timestamp::now())),
                wait,
            };
            match app.judge(place, &refused, said) {
                Next::Again => {}
                Next::Failed(failure) => {
                    if failure.class == FailureClass::CredentialRefused {
                        self.credential.refuse();
                    }
                    return Err(failure);
                }
            }
        }
        let words = "Okta asks for another proof of possession (DPoP) each time; this is tried again";
        Err(Failure::new(FailureClass::Transient(None), words))
    }
}
