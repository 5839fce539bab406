//! One exchange with Keycloak's admin API: the token, error answers, reading. What is asked, and what the answer means
//! for an account, is not known here.

use super::{
    errors::{self, Meaning},
    model::{ErrorBody, TokenAnswer},
    token::{Token, Tokens},
};
use crate::{
    api::provider::KeycloakProvider,
    directory::{
        Call,
        http::{self, Answer, Http, NoAnswer},
        throttle::Throttle,
    },
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// The longest pause that an answer can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// The realm's API, as one client sees it.
pub(super) struct Client {
    http: Http,
    base: Url,
    realm: String,
    id: String,
    secret: Secret,
    tokens: Tokens,
}

/// What is asked.
pub(super) struct Ask {
    /// For logs: `unlock`, `read user`.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Result<Vec<u8>, Failure>,
    /// Where it is an error answer.
    pub(super) refusal: Option<Refusal>,
}

/// Why something could not be had.
pub(super) type Refusal = http::Refusal<Meaning>;

impl Client {
    /// A client for a realm.
    ///
    /// # Errors
    /// `NeedsConfig` where the url, the secret's text or the certificates cannot be used.
    pub(super) fn new(
        spec: &KeycloakProvider,
        secret: Secret,
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        if secret.expose().trim().is_empty() {
            let words = "the Secret's client secret is empty; put the client's secret there";
            return Err(Failure::new(FailureClass::NeedsConfig, words));
        }
        let base = http::base_url_with_path(&spec.url)?;
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Ok(Client {
            http: Http::new(&base, ca_pem, headers, throttle, timeout)?,
            base,
            realm: spec.realm.clone(),
            id: spec.client_id.clone(),
            secret,
            tokens: Tokens::default(),
        })
    }

    /// An address below the realm's in the admin API. Segments are encoded here and nowhere else.
    pub(super) fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.below(&["admin", "realms", &self.realm]);
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The id of the operator's own service account.
    ///
    /// # Errors
    /// Where no token can be had.
    pub(super) async fn own_id(&self, call: &Call) -> Result<String, Failure> {
        Ok(self.token(call).await?.own)
    }

    /// Sends once and reads the answer, whatever it is. Where the token is refused, which comes before anything is
    /// done, it is renewed and the request sent once more.
    ///
    /// # Errors
    /// Where there is no answer.
    pub(super) async fn send(&self, call: &Call, ask: Ask) -> Result<Reply, NoAnswer> {
        let body = ask.body.map(Bytes::from_owner);
        let request = (ask.method, ask.url, body);
        let mut token = self.token(call).await.map_err(NoAnswer::NotSent)?;
        let mut answer = self.exchange(call, &request, &token).await?;
        if answer.status.as_u16() == 401 {
            self.tokens.0.lock().await.forget(&token);
            token = self.token(call).await.map_err(NoAnswer::NotSent)?;
            answer = self.exchange(call, &request, &token).await?;
        }
        let reply = self.learn(ask.operation, answer);
        if reply.status == 401 {
            self.tokens.0.lock().await.refuse();
        }
        Ok(reply)
    }

    /// Reads one object or a list.
    ///
    /// # Errors
    /// Where there is no answer, an error answer, or one that is not understood.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        call: &Call,
        operation: &'static str,
        url: Url,
    ) -> Result<T, Refusal> {
        let ask = Ask {
            operation,
            method: Method::GET,
            url,
            body: None,
        };
        let reply = self.send(call, ask).await?;
        match reply.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(parse(operation, &reply.body?)?),
        }
    }

    async fn exchange(
        &self,
        call: &Call,
        (method, url, body): &(Method, Url, Option<Bytes>),
        token: &Token,
    ) -> Result<Answer, NoAnswer> {
        let mut request = self
            .http
            .client()
            .request(method.clone(), url.clone())
            .header(AUTHORIZATION, token.authorization.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        self.http.exchange(call, request, || Ok(())).await
    }

    /// The token at hand, or a new one. Others wait meanwhile, so that a wrong secret is sent once.
    async fn token(&self, call: &Call) -> Result<Token, Failure> {
        let mut state = tokio::time::timeout_at(call.deadline.into(), self.tokens.0.lock())
            .await
            .map_err(|_| {
                let words = "Keycloak's access token is still being waited for";
                Failure::new(FailureClass::RateLimited(Duration::from_secs(1)), words)
            })?;
        if let Some(token) = state.current()? {
            return Ok(token);
        }
        let asked = Instant::now();
        let url = self.below(&["realms", &self.realm, "protocol", "openid-connect", "token"]);
        let request = self
            .http
            .client()
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_owner(Zeroizing::new(self.grant().into_bytes())));
        let answer = self
            .http
            .exchange(call, request, || Ok(()))
            .await
            .map_err(NoAnswer::into_failure)?;
        let reply = self.learn("get an access token", answer);
        if let Some(refusal) = reply.refusal {
            if refusal.meaning == Some(Meaning::CredentialRefused) {
                state.refuse();
            }
            return Err(refusal.failure);
        }
        let body = Zeroizing::new(reply.body?);
        let answer: TokenAnswer = parse("get an access token", &body)?;
        state.keep(&Secret::new(answer.access_token), answer.expires_in, asked)
    }

    /// What an answer comes to. Keycloak itself counts no calls, but what stands before it may.
    fn learn(&self, operation: &str, answer: Answer) -> Reply {
        let status = answer.status.as_u16();
        let wait = match status {
            429 => self.http.slow_down(&answer.headers, LONGEST_PAUSE),
            _ => Duration::ZERO,
        };
        let refusal = (!answer.status.is_success()).then(|| {
            // An error answer that cannot be read is judged by its status.
            let error: ErrorBody = answer
                .body
                .as_deref()
                .ok()
                .and_then(|body| serde_json::from_slice(body).ok())
                .unwrap_or_default();
            let (meaning, words) = errors::meaning(status, &error);
            let failure = errors::failure(status, (meaning, words), wait);
            let detail = format!("{operation}: {}", failure.public);
            Refusal::answered(meaning, failure.detail(detail))
        });
        Reply {
            status,
            body: answer.body,
            refusal,
        }
    }

    /// The form of a client credentials grant (RFC 6749, 4.4.2), with the client's secret in it (2.3.1).
    fn grant(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.id)
            .append_pair("client_secret", self.secret.expose().trim())
            .finish()
    }
}

fn parse<T: DeserializeOwned>(operation: &str, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::new(FailureClass::Unknown, "Keycloak's answer was not understood")
            .detail(format!("{operation}: {}", http::place(&error)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> Client {
        let spec = KeycloakProvider {
            url: url.into(),
            realm: "staff".into(),
            client_id: "readmit".into(),
            client_secret_ref: serde_json::from_value(serde_json::json!({"name": "x"})).unwrap(),
            ca_secret_ref: None,
        };
        let secret = Secret::new("a&b=c\n".into());
        Client::new(&spec, secret, None, Throttle::new(60, 1), Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn segments_and_queries_are_encoded_below_the_servers_path() {
        for (base, expected) in [
            ("https://sso.example.com", "https://sso.example.com/admin"),
            ("https://sso.example.com/", "https://sso.example.com/admin"),
            ("https://sso.example.com/auth", "https://sso.example.com/auth/admin"),
            ("https://sso.example.com/auth/", "https://sso.example.com/auth/admin"),
        ] {
            let url = client(base).url(&["users", "a/b?#"], &[("username", "a&b=*")]);
            let expected = format!("{expected}/realms/staff/users/a%2Fb%3F%23?username=a%26b%3D*");
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn the_secret_cannot_add_parameters() {
        assert_eq!(
            client("https://sso.example.com").grant(),
            "grant_type=client_credentials&client_id=readmit&client_secret=a%26b%3Dc"
        );
    }
}
