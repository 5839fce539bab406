//! One exchange with an instance's Table API: credential, token, rate headers, and what is no result. What is asked, and
//! what the answer means for an account, is not known here.
//!
//! No cookie is kept: a session that is sent back makes calls queue behind each other until they are answered with 202.

use super::{
    credential::{Credential, Granted, Token},
    errors::{self, Meaning},
};
use crate::{
    api::provider::ServiceNowProvider,
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
    Method, RequestBuilder, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::Value;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The longest that the throttle pauses at an instance's word: limits are by the hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// One instance, as one credential sees it.
pub(super) struct Client {
    http: Http,
    base: Url,
    credential: Credential,
}

/// What is asked of the Table API.
pub(super) struct Ask<'a> {
    /// For logs: `unlock`, `read user`.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    /// Below the table API: a table, or a table and a sys_id.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
}

/// A result.
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) result: Value,
}

/// Why there is no result.
pub(super) type Refusal = http::Refusal<Meaning>;

impl Client {
    /// A client for the instance that the spec names.
    ///
    /// # Errors
    /// `NeedsConfig` where url, credential or certificates cannot be used.
    pub(super) fn new(
        spec: &ServiceNowProvider,
        secrets: (Secret, Option<Secret>),
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let base = http::base_url(&spec.url)?;
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Ok(Client {
            http: Http::new(&base, ca_pem, headers, throttle, timeout)?,
            base,
            credential: Credential::new(spec, secrets)?,
        })
    }

    /// The instance's own identity: its host, and its port where that is not the usual one.
    pub(super) fn instance(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Asks once, and reads the result. Only a 401 of a token that may be old leads to a second send: it was not carried
    /// out.
    ///
    /// # Errors
    /// Where there is no answer, or none that is a result.
    pub(super) async fn ask(&self, call: &Call, ask: Ask<'_>) -> Result<Reply, Refusal> {
        let _alone = self
            .credential
            .gate
            .alone_until_accepted(call.deadline)
            .await
            .map_err(Refusal::not_sent)?;
        let body = ask.body.map(Bytes::from_owner);
        let url = self.url(ask.path, ask.query);
        let (mut authorization, is_token) = self.authorization(call, None).await?;
        let mut renewed = false;
        loop {
            let mut request = self.http.client().request(ask.method.clone(), url.clone());
            if let Some(body) = &body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
            }
            let answer = self
                .exchange(call, request.header("authorization", authorization.clone()))
                .await?;
            let answered = answer.status.as_u16();
            if answered == 401 && is_token && !renewed {
                let (fresh, _) = self.authorization(call, Some(&authorization)).await?;
                renewed = fresh != authorization;
                if renewed {
                    authorization = fresh;
                    continue;
                }
            }
            return self.judge(ask.operation, answer);
        }
    }

    async fn exchange(&self, call: &Call, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        self.http
            .exchange(call, request, || self.credential.gate.usable())
            .await
    }

    /// The header that says who calls, and whether it is a token's. `refused` is one that is not to be given again
    /// from the cache.
    async fn authorization(&self, call: &Call, refused: Option<&HeaderValue>) -> Result<(HeaderValue, bool), Refusal> {
        if let Some(header) = self.credential.fixed() {
            return Ok((header, false));
        }
        let mut place = self.credential.token(call.deadline).await.map_err(Refusal::not_sent)?;
        let usable = place
            .as_ref()
            .filter(|token| token.is_good(Instant::now()) && Some(&token.header()) != refused);
        if let Some(token) = usable {
            return Ok((token.header(), true));
        }
        let token = self.fetch_token(call).await?;
        let header = token.header();
        *place = Some(token);
        Ok((header, true))
    }

    /// Changes the credential for a token. Whatever goes wrong, the call itself was not sent.
    async fn fetch_token(&self, call: &Call) -> Result<Token, Refusal> {
        let form = self.credential.form().map(Bytes::from_owner).unwrap_or_default();
        let mut url = self.base.clone();
        url.set_path("oauth_token.do");
        let request = self.http.client().post(url).body(form);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = match self.exchange(call, request).await {
            Ok(answer) => answer,
            Err(no_answer) => return Err(Refusal::not_sent(no_answer.into_failure())),
        };
        let (status, body) = (answer.status.as_u16(), answer.body.map_err(Refusal::not_sent)?);
        let body = Zeroizing::new(body);
        if status == 200
            && let Ok(granted) = serde_json::from_slice::<Granted>(&body)
        {
            return Token::new(granted, Instant::now()).map_err(Refusal::not_sent);
        }
        let error: Value = serde_json::from_slice(&body).unwrap_or_default();
        let judged = match error.get("error").and_then(Value::as_str) {
            Some(error) if status != 429 => errors::of_token(error),
            _ => errors::of_page(status),
        };
        if judged.0 == Meaning::CredentialRefused {
            self.credential.gate.refuse();
        }
        let wait = self.learn_rate(status, &answer.headers);
        let failure = errors::failure(status, judged, wait);
        Err(Refusal::not_sent(failure.detail(format!("get a token: {}", judged.1))))
    }

    fn judge(&self, operation: &'static str, answer: Answer) -> Result<Reply, Refusal> {
        let status = answer.status.as_u16();
        let wait = self.learn_rate(status, &answer.headers);
        let json = answer
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json"));
        let refuse = |judged: (Meaning, &str)| {
            let failure = errors::failure(status, judged, wait);
            let detail = format!("{operation}: {}", failure.public);
            Refusal::answered(judged.0, failure.detail(detail))
        };
        let judged = match (status, json) {
            (200 | 201, true) => None,
            (401, _) if answer.headers.get("x-mfa_token").is_some() => Some((
                Meaning::CredentialRefused,
                "multi-factor authentication is demanded of the operator's user; exempt it",
            )),
            (_, true) | (202, _) => Some(errors::of_status(status)),
            (_, false) => Some(errors::of_page(status)),
        };
        match judged {
            Some((Meaning::CredentialRefused, _)) => self.credential.gate.refuse(),
            None | Some((Meaning::NotFound | Meaning::Permanent, _)) if json => self.credential.gate.accept(),
            _ if status == 403 && json => self.credential.gate.accept(),
            _ => {}
        }
        if let Some(judged) = judged {
            return Err(refuse(judged));
        }
        let body = answer
            .body
            .map_err(|failure| Refusal::answered(Meaning::Broken(None), failure))?;
        let broken = (Meaning::Broken(None), "its answer was not understood");
        let mut value: Value = serde_json::from_slice(&body).map_err(|_| refuse(broken))?;
        if value.get("error").is_some() {
            return Err(refuse((
                Meaning::Broken(None),
                "an error came beside the result, which may not be whole",
            )));
        }
        match value.get_mut("result").map(Value::take) {
            Some(result) => Ok(Reply {
                headers: answer.headers,
                result,
            }),
            None => Err(refuse(broken)),
        }
    }

    /// Hands what the headers say to the throttle; answers how long it pauses. They never tell what is left.
    fn learn_rate(&self, status: u16, headers: &HeaderMap) -> Duration {
        match status {
            429 => self.http.slow_down(headers, LONGEST_PAUSE),
            202 => self.http.throttle().overloaded(),
            _ => Duration::ZERO,
        }
    }

    /// An address below the Table API, version 2: version 1 answers an empty list with 404. Parts are encoded here and
    /// nowhere else.
    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.clear().extend(["api", "now", "v2", "table"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// That an answer with a result is not of the documented shape.
pub(super) fn not_understood(operation: &str) -> Failure {
    Failure::new(FailureClass::Unknown, "ServiceNow's answer was not understood")
        .detail(format!("{operation}: not the documented shape"))
}
