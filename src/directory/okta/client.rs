//! One exchange with Okta's API: authentication, rate-limit headers, error answers, pages. What is asked, and what the
//! answer means for an account, is not known here.

use super::{
    errors::{self, Meaning},
    model::ErrorBody,
    rate::{Rate, with_jitter},
};
use crate::{
    directory::{
        Call,
        http::{self, Http, NoAnswer},
        throttle::Throttle,
    },
    domain::account::{Failure, FailureClass, ReadFailure},
    secret::Secret,
};
use jiff::Timestamp;
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LINK},
};
use serde::de::DeserializeOwned;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// The most pages of one list that are read.
const MOST_PAGES: usize = 20;

/// An organisation's API, as one token sees it.
pub(super) struct Client {
    http: Http,
    base: Url,
    credential: Credential,
}

/// How the token has fared. A refused one is used no more; until one has been accepted, calls go one at a time, so that
/// a wrong one is tried once.
#[derive(Default)]
struct Credential {
    accepted: AtomicBool,
    refused: AtomicBool,
    first: Mutex<()>,
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
    pub(super) headers: HeaderMap,
    pub(super) body: Result<Vec<u8>, Failure>,
    /// Where it is an error answer.
    pub(super) refusal: Option<Refusal>,
}

/// Why something could not be had.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// What Okta's answer means; `None` where there was none, or none that was understood.
    pub(super) meaning: Option<Meaning>,
    pub(super) failure: Failure,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal { meaning: None, failure }
    }
}

impl From<NoAnswer> for Refusal {
    fn from(no_answer: NoAnswer) -> Self {
        no_answer.into_failure().into()
    }
}

impl From<Refusal> for ReadFailure {
    fn from(refusal: Refusal) -> Self {
        match refusal.meaning {
            Some(Meaning::NotFound) => ReadFailure::NotFound,
            _ => ReadFailure::Failed(refusal.failure),
        }
    }
}

impl Client {
    /// A client for the organisation at `url`.
    ///
    /// # Errors
    /// `NeedsConfig` where the url, the token's text or the certificates cannot be used.
    pub(super) fn new(
        url: &str,
        token: &Secret,
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let base = http::base_url(url)?;
        let http = Http::new(&base, ca_pem, default_headers(token)?, throttle, timeout)?;
        Ok(Client {
            http,
            base,
            credential: Credential::default(),
        })
    }

    /// An address below the organisation's. Segments are encoded here and nowhere else; none may be `.`, `..` or empty.
    pub(super) fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Sends once and reads the answer, whatever it is.
    ///
    /// # Errors
    /// Where there is no answer.
    pub(super) async fn send(&self, call: &Call, ask: Ask) -> Result<Reply, NoAnswer> {
        let deadline = tokio::time::Instant::from_std(call.deadline);
        let _alone = match self.credential.accepted.load(Ordering::Acquire) {
            true => None,
            false => match tokio::time::timeout_at(deadline, self.credential.first.lock()).await {
                Ok(guard) => Some(guard),
                Err(_) => return Err(NoAnswer::NotSent(not_yet_known())),
            },
        };
        let mut request = self.http.client().request(ask.method, ask.url);
        if let Some(body) = ask.body {
            request = request.body(bytes::Bytes::from_owner(body));
        }
        let answer = self.http.exchange(call, request, || self.credential.usable()).await?;
        let status = answer.status.as_u16();
        let wait = self.learn_rate(status, &answer.headers);
        let refusal = match answer.status.is_success() {
            true => None,
            false => Some(refusal(ask.operation, status, &answer.headers, &answer.body, wait)),
        };
        self.credential.learn(status, refusal.as_ref());
        Ok(Reply {
            headers: answer.headers,
            body: answer.body,
            refusal,
        })
    }

    /// Reads one object.
    ///
    /// # Errors
    /// Where there is no answer, an error answer, or one that is not understood.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        call: &Call,
        what: &'static str,
        url: Url,
    ) -> Result<T, Refusal> {
        let (value, _) = self.page(call, what, url).await?;
        Ok(value)
    }

    /// Reads a list, page by page, until it ends or `enough` entries are there.
    ///
    /// # Errors
    /// As [`Client::get`]; where the next page is elsewhere; where there are too many pages.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        call: &Call,
        what: &'static str,
        url: Url,
        enough: usize,
    ) -> Result<Vec<T>, Refusal> {
        let mut entries = Vec::new();
        let mut next = Some(url);
        for _ in 0..MOST_PAGES {
            let Some(url) = next.take() else { break };
            let (page, headers): (Vec<T>, HeaderMap) = self.page(call, what, url).await?;
            entries.extend(page);
            if entries.len() >= enough {
                return Ok(entries);
            }
            next = next_link(&headers, &self.base)?;
        }
        match next {
            None => Ok(entries),
            Some(_) => Err(Failure::new(FailureClass::Permanent, format!("{what}: Okta's list is too long")).into()),
        }
    }

    async fn page<T: DeserializeOwned>(
        &self,
        call: &Call,
        operation: &'static str,
        url: Url,
    ) -> Result<(T, HeaderMap), Refusal> {
        let ask = Ask {
            operation,
            method: Method::GET,
            url,
            body: None,
        };
        let reply = self.send(call, ask).await?;
        if let Some(refusal) = reply.refusal {
            return Err(refusal);
        }
        let value = serde_json::from_slice(&reply.body?).map_err(|error| not_understood(operation, &error))?;
        Ok((value, reply.headers))
    }

    /// Hands the headers to the throttle; answers how long it pauses.
    fn learn_rate(&self, status: u16, headers: &HeaderMap) -> Duration {
        let throttle = self.http.throttle();
        let rate = Rate::read(headers, Timestamp::now());
        match (status, rate) {
            (429, Some(rate)) if !rate.is_concurrency() => {
                let pause = with_jitter(rate.reset_in);
                throttle.pause(pause);
                pause
            }
            (429, _) => throttle.overloaded(),
            (_, Some(rate)) => {
                throttle.observe(rate.limit, rate.remaining, rate.reset_in);
                Duration::ZERO
            }
            (_, None) => Duration::ZERO,
        }
    }
}

impl Credential {
    fn usable(&self) -> Result<(), Failure> {
        match self.refused.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(Failure::new(
                FailureClass::CredentialRefused,
                "Okta refused the API token; put a valid one into its Secret",
            )),
        }
    }

    fn learn(&self, status: u16, refusal: Option<&Refusal>) {
        if refusal.is_some_and(|refusal| refusal.meaning == Some(Meaning::CredentialRefused)) {
            self.refused.store(true, Ordering::Release);
        } else if status < 400 || matches!(status, 403 | 404 | 409) {
            self.accepted.store(true, Ordering::Release);
        }
    }
}

fn default_headers(token: &Secret) -> Result<HeaderMap, Failure> {
    let bad = |why: &str| Failure::new(FailureClass::NeedsConfig, format!("the Secret's API token {why}"));
    let token = token.expose().trim();
    if token.is_empty() {
        return Err(bad("is empty; put Okta's token there"));
    }
    let text = Zeroizing::new(format!("SSWS {token}"));
    let mut authorization =
        HeaderValue::from_str(&text).map_err(|_| bad("has characters that a token cannot have; copy it again"))?;
    authorization.set_sensitive(true);
    let json = HeaderValue::from_static("application/json");
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, authorization),
        (ACCEPT, json.clone()),
        (CONTENT_TYPE, json),
    ]))
}

fn refusal(
    operation: &str,
    status: u16,
    headers: &HeaderMap,
    body: &Result<Vec<u8>, Failure>,
    wait: Duration,
) -> Refusal {
    // An error answer that cannot be read is judged by its status.
    let error: ErrorBody = body
        .as_deref()
        .ok()
        .and_then(|body| serde_json::from_slice(body).ok())
        .unwrap_or_default();
    let code = identifier(&error.error_code);
    let request = headers
        .get("x-okta-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let failure = errors::failure(status, &code, wait);
    let detail = format!(
        "{operation}: {} (error id {}, request id {})",
        failure.public,
        identifier(&error.error_id),
        identifier(request)
    );
    Refusal {
        meaning: Some(errors::meaning(status, &code).0),
        failure: failure.detail(detail),
    }
}

/// What may stand in a log of an identifier that came from outside.
fn identifier(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(64)
        .collect()
}

/// That an answer with a good status made no sense. serde's own text would quote the answer: only the place is told.
pub(super) fn not_understood(operation: &str, error: &serde_json::Error) -> Failure {
    let place = format!(
        "{operation}: {:?} at line {} column {}",
        error.classify(),
        error.line(),
        error.column()
    );
    Failure::new(FailureClass::Unknown, "Okta's answer was not understood").detail(place)
}

fn not_yet_known() -> Failure {
    Failure::new(
        FailureClass::RateLimited(Duration::from_secs(1)),
        "whether Okta accepts the API token is still being found out",
    )
}

/// The address of the next page, which must be of the same organisation: the token goes nowhere else.
fn next_link(headers: &HeaderMap, base: &Url) -> Result<Option<Url>, Failure> {
    let links = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    // Addresses may hold commas, so it is their brackets that part the links.
    let next = links.flat_map(|links| links.split('<').skip(1)).find_map(|link| {
        let (address, parameters) = link.split_once('>')?;
        parameters.contains("rel=\"next\"").then_some(address)
    });
    let Some(address) = next else { return Ok(None) };
    match Url::parse(address) {
        Ok(url) if url.origin() == base.origin() && url.username().is_empty() && url.password().is_none() => {
            Ok(Some(url))
        }
        _ => Err(Failure::new(
            FailureClass::NeedsConfig,
            "Okta's list goes on at another address than the Directory's url; use the url that Okta itself uses",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(links: &[&'static str]) -> Result<Option<String>, FailureClass> {
        let base = Url::parse("https://example.okta.com/").unwrap();
        let headers = links
            .iter()
            .map(|link| (LINK, HeaderValue::from_static(link)))
            .collect();
        let next = next_link(&headers, &base);
        next.map(|url| url.map(|url| url.to_string()))
            .map_err(|failure| failure.class)
    }

    #[test]
    fn next_pages_are_of_the_same_organisation() {
        const OWN: &str = "<https://example.okta.com/api/v1/users?limit=2>; rel=\"self\"";
        assert_eq!(next(&[OWN]), Ok(None));
        assert_eq!(
            next(&[OWN, "<https://example.okta.com/api/v1/users?after=x>; rel=\"next\""]),
            Ok(Some("https://example.okta.com/api/v1/users?after=x".into()))
        );
        assert_eq!(
            next(&["<https://example.okta.com/a>; rel=\"self\", <https://example.okta.com/b?x=1,2>; rel=\"next\""]),
            Ok(Some("https://example.okta.com/b?x=1,2".into()))
        );
        for foreign in [
            "<https://example.com/api/v1/users?after=x>; rel=\"next\"",
            "<http://example.okta.com/api/v1/users?after=x>; rel=\"next\"",
            "<https://example.okta.com:8443/api/v1/users?after=x>; rel=\"next\"",
            "<https://example.okta.com@example.com/>; rel=\"next\"",
            "<https://me@example.okta.com/>; rel=\"next\"",
            "</api/v1/users>; rel=\"next\"",
        ] {
            assert_eq!(next(&[OWN, foreign]), Err(FailureClass::NeedsConfig), "{foreign}");
        }
    }

    #[test]
    fn segments_and_queries_are_encoded() {
        let token = Secret::new("00a\n".into());
        let client = Client::new(
            "https://example.okta.com",
            &token,
            None,
            Throttle::new(60, 1),
            Duration::from_secs(1),
        )
        .unwrap();
        let url = client.url(
            &["api", "v1", "users", "a+b@x.example/%2f?#"],
            &[("filter", "a eq \"b&c\"")],
        );
        assert_eq!(
            url.as_str(),
            "https://example.okta.com/api/v1/users/a+b@x.example%2F%252f%3F%23?filter=a+eq+%22b%26c%22"
        );
    }

    #[test]
    fn tokens_that_cannot_be_sent_are_a_fault_of_the_configuration() {
        for token in ["", " \n", "00a\nb", "00a\u{1}"] {
            let headers = default_headers(&Secret::new(token.into()));
            assert_eq!(headers.unwrap_err().class, FailureClass::NeedsConfig, "{token:?}");
        }
        let headers = default_headers(&Secret::new("00abc\n".into())).unwrap();
        assert_eq!(headers[AUTHORIZATION], "SSWS 00abc");
        assert!(!format!("{headers:?}").contains("00abc"));
    }

    #[test]
    fn nothing_of_an_error_answer_but_identifiers_goes_into_logs() {
        let body = br#"{"errorCode":"E0000080","errorSummary":"hunter2","errorId":"oae1\n2","errorCauses":[{"errorSummary":"hunter2"}]}"#;
        let headers = HeaderMap::from_iter([("x-okta-request-id".parse().unwrap(), HeaderValue::from_static("req-1"))]);
        let failure = refusal("set password", 403, &headers, &Ok(body.to_vec()), Duration::ZERO).failure;
        assert!(!format!("{failure:?}").contains("hunter2"));
        assert!(
            failure.private.contains("oae12") && failure.private.contains("req-1"),
            "{}",
            failure.private
        );
    }
}
