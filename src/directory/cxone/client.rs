//! One exchange with a tenant's APIs, and what is no result. What is asked, and what the answer means for an account, is not
//! known here; signing in is `signing`.
//!
//! HTTP/1.1 only: the token endpoint is said to misbehave over HTTP/2. Addresses are put together here and told nowhere: a
//! password travels in one of them.

use super::{
    errors::{self, Meaning},
    model::says_error,
    session::{Credential, Session},
};
use crate::{
    api::provider::CxoneProvider,
    directory::{
        Call,
        http::{self, Answer, Http, NoAnswer},
        throttle::Throttle,
    },
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use reqwest::{
    Method, RequestBuilder, Url,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// The longest that the throttle pauses at the tenant's word.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// One tenant, as one credential sees it.
pub(super) struct Client {
    pub(super) http: Http,
    /// The sign-in host.
    pub(super) sign_in: Url,
    /// The API's host, where the spec names it.
    pub(super) api: Option<Url>,
    version: String,
    pub(super) credential: Credential,
}

/// Which of the APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// Admin and Authentication API: below the version.
    Admin,
    /// UserHub's user management.
    UserHub,
}

/// What is asked.
pub(super) struct Ask<'a> {
    /// For logs: `list agents`.
    pub(super) operation: &'static str,
    pub(super) api: Api,
    pub(super) method: Method,
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// A parameter that nobody may see.
    pub(super) secret: Option<(&'a str, &'a Secret)>,
}

/// An answer with a good status: 200, or 204 with nothing in it (`Null`).
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Why there is none.
pub(super) type Refusal = http::Refusal<Meaning>;

impl Refusal {
    /// Every tenant has lists: where one is not found, it is the address that is wrong, and nobody is missing.
    pub(super) fn of_a_list(self) -> Self {
        match self.meaning {
            Some(Meaning::NotFound) => {
                let words = "CXone has no Admin API there; check the Directory's apiVersion and apiUrl";
                let failure = Failure::new(FailureClass::NeedsConfig, words).detail(self.failure.private);
                Refusal::answered(Meaning::NeedsConfig, failure)
            }
            _ => self,
        }
    }

    /// An answer that makes no sense.
    pub(super) fn not_understood(operation: &str) -> Self {
        Refusal::answered(Meaning::Broken, not_understood(operation))
    }
}

impl Client {
    /// A client for the tenant that the spec names.
    ///
    /// # Errors
    /// `NeedsConfig` where an address, the credential or certificates cannot be used.
    pub(super) fn new(
        spec: &CxoneProvider,
        secrets: (Secret, Option<Secret>),
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let sign_in = http::base_url(&spec.url)?;
        // Without it the Admin API says that it cannot render its answer.
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Ok(Client {
            http: Http::http1(&sign_in, ca_pem, headers, throttle, timeout)?,
            sign_in,
            api: spec.api_url.as_deref().map(http::base_url).transpose()?,
            version: spec.api_version.clone(),
            credential: Credential::new(spec, secrets)?,
        })
    }

    /// Asks once, and reads the answer. Only a 401 of a token that may be old leads to a second send: it was not carried
    /// out.
    ///
    /// # Errors
    /// Where there is no answer, or none with a good status.
    pub(super) async fn ask(&self, call: &Call, ask: Ask<'_>) -> Result<Reply, Refusal> {
        let alone = self.credential.gate.alone_until_accepted(call.deadline).await;
        let _alone = alone.map_err(Refusal::not_sent)?;
        let mut session = self.session(call, None).await?;
        let mut renewed = false;
        loop {
            let request = self
                .http
                .client()
                .request(ask.method.clone(), self.url(&session, &ask))
                .header("authorization", session.authorization.clone());
            let answer = self.exchange(call, request).await?;
            if answer.status.as_u16() == 401 && !renewed {
                session = self.session(call, Some(&session)).await?;
                renewed = true;
                continue;
            }
            return self.judge(&ask, answer);
        }
    }

    /// The tenant's own identity.
    ///
    /// # Errors
    /// Where nobody can sign in.
    pub(super) async fn tenant(&self, call: &Call) -> Result<String, Failure> {
        let _alone = self.credential.gate.alone_until_accepted(call.deadline).await?;
        let session = self.session(call, None).await;
        session.map(|session| session.tenant.clone()).map_err(|it| it.failure)
    }

    /// The session at hand; a new one where it ran out or is the one that was refused.
    async fn session(&self, call: &Call, refused: Option<&Arc<Session>>) -> Result<Arc<Session>, Refusal> {
        let mut place = self.credential.place(call.deadline).await.map_err(Refusal::not_sent)?;
        let is_new = |session: &Arc<Session>| refused.is_none_or(|refused| !Arc::ptr_eq(refused, session));
        let now = std::time::Instant::now();
        if let Some(session) = place.as_ref().filter(|session| is_new(session) && session.is_good(now)) {
            return Ok(session.clone());
        }
        let session = Arc::new(self.renew(call, place.as_deref()).await?);
        *place = Some(session.clone());
        Ok(session)
    }

    /// Sends a request once; never with a credential that was refused meanwhile.
    ///
    /// # Errors
    /// Where there is no answer.
    pub(super) async fn exchange(&self, call: &Call, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        self.http
            .exchange(call, request, || self.credential.gate.usable())
            .await
    }

    fn judge(&self, ask: &Ask<'_>, answer: Answer) -> Result<Reply, Refusal> {
        let status = answer.status.as_u16();
        let wait = self.learn_rate(status, &answer.headers);
        if !matches!(status, 200 | 201 | 204) {
            let judged = errors::of_status(status);
            if judged.0 == Meaning::CredentialRefused {
                self.credential.gate.refuse();
            }
            let failure = errors::failure(status, judged, wait);
            let detail = match ask.secret {
                // It may repeat what was sent.
                Some(_) => format!("{}: {}", ask.operation, failure.public),
                None => format!("{}: {}; {}", ask.operation, failure.public, reason(&answer)),
            };
            return Err(Refusal::answered(judged.0, failure.detail(detail)));
        }
        self.credential.gate.accept();
        if status == 204 {
            let body = Value::Null;
            return Ok(Reply { status, body });
        }
        let body = answer.body?;
        match serde_json::from_slice(&body) {
            Ok(body) => Ok(Reply { status, body }),
            Err(_) => Err(Refusal::not_understood(ask.operation)),
        }
    }

    /// Hands a 429 to the throttle; answers how long it pauses. Retry-After is rare here.
    pub(super) fn learn_rate(&self, status: u16, headers: &HeaderMap) -> Duration {
        match status {
            429 => self.http.slow_down(headers, LONGEST_PAUSE),
            _ => Duration::ZERO,
        }
    }

    /// Parts and parameters are encoded here and nowhere else.
    fn url(&self, session: &Session, ask: &Ask<'_>) -> Url {
        let mut url = session.api.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty();
            match ask.api {
                Api::Admin => parts.extend(["inContactAPI", "services", &self.version]),
                Api::UserHub => parts.extend(["user-management", "v3"]),
            };
            parts.extend(ask.path);
        }
        if !ask.query.is_empty() || ask.secret.is_some() {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(ask.query);
            if let Some((name, secret)) = ask.secret {
                query.append_pair(name, secret.expose());
            }
        }
        url
    }
}

/// The upstream's own words, for the operator's log.
fn reason(answer: &Answer) -> String {
    let header = answer.headers.get("icstatusdescription");
    if let Some(text) = header.and_then(|value| value.to_str().ok()) {
        return errors::bounded(text);
    }
    let body: Value = match &answer.body {
        Ok(body) => serde_json::from_slice(body).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let names = ["errorDescription", "error_description", "message", "details", "error"];
    let text = names.iter().find_map(|name| body.get(name)?.as_str());
    text.map_or_else(|| "no reason was given".into(), errors::bounded)
}

/// That an answer is not of the documented shape.
pub(super) fn not_understood(operation: &str) -> Failure {
    Failure::new(FailureClass::Unknown, "CXone's answer was not understood")
        .detail(format!("{operation}: not the documented shape"))
}

/// A failure that stands inside a good status.
pub(super) fn failed_inside(operation: &str, body: &Value) -> Option<Failure> {
    says_error(body).then(|| {
        Failure::new(
            FailureClass::Permanent,
            "CXone answered 200 and says in the answer that it was not done",
        )
        .detail(format!("{operation}: an error inside a 200"))
    })
}
