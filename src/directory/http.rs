//! What every directory that is reached by HTTP shares: the client, one exchange, and where a failure leaves a call.
//!
//! A request is sent once: no redirects, no retries by any layer that repeats what was written. Answers are bounded in
//! size and time. Errors never carry URLs, headers or bodies, which could hold logins and secrets. What an answer
//! means is the provider's matter.

use super::{Call, throttle::Throttle};
use crate::domain::account::{Failure, FailureClass, Sent};
use reqwest::{
    Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url, header::HeaderMap, redirect,
};
use std::{
    error::Error,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

/// The largest answer that is read, in bytes.
const LARGEST_BODY: usize = 1 << 20;
/// The longest that a connection may take to be made, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What the operator calls itself.
const USER_AGENT: &str = concat!("readmit/", env!("CARGO_PKG_VERSION"));

/// A client for one upstream.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    throttle: Throttle,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Its body, or why that could not be read whole. The status stands either way.
    pub(super) body: Result<Vec<u8>, Failure>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nothing of the request reached the upstream.
    NotSent(Failure),
    /// The request may have reached it, and may have been carried out.
    Lost(Failure),
}

impl NoAnswer {
    /// The failure, for a call that changes nothing.
    pub(super) fn into_failure(self) -> Failure {
        match self {
            NoAnswer::NotSent(failure) | NoAnswer::Lost(failure) => failure,
        }
    }
}

impl From<NoAnswer> for Sent {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::NotSent(failure) => Sent::NotSent(failure),
            NoAnswer::Lost(failure) => Sent::Unknown(failure),
        }
    }
}

/// Reads the address of an upstream: https, or http to this machine; a host and nothing behind it.
///
/// # Errors
/// `NeedsConfig` for anything else.
pub(super) fn base_url(text: &str) -> Result<Url, Failure> {
    let url = base_url_with_path(text)?;
    match url.path() {
        "/" => Ok(url),
        _ => Err(bad_url(
            "must be a scheme and a host only, for example https://example.okta.com",
        )),
    }
}

/// As [`base_url`], where the upstream may lie below a path of its host.
///
/// # Errors
/// `NeedsConfig` for anything else.
pub(super) fn base_url_with_path(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|_| bad_url("is not a URL; write for example https://example.okta.com"))?;
    let is_private = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    if !is_private {
        return Err(bad_url(
            "must be https://; http:// is allowed to this machine's loopback address only",
        ));
    }
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !bare || url.fragment().is_some() {
        return Err(bad_url(
            "must be an address only, without a user, a query or a fragment",
        ));
    }
    Ok(url)
}

fn bad_url(why: &str) -> Failure {
    Failure::new(FailureClass::NeedsConfig, format!("the Directory's url {why}"))
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

impl Http {
    /// A client for the upstream at `base`, which [`base_url`] accepted. `timeout` bounds a whole exchange. `ca_pem`
    /// holds certificates to trust besides the system's.
    ///
    /// # Errors
    /// `NeedsConfig` where `ca_pem` holds no certificate or TLS cannot be set up.
    pub(super) fn new(
        base: &Url,
        ca_pem: Option<&[u8]>,
        headers: HeaderMap,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        Self::build(base, ca_pem, headers, throttle, timeout, |builder| builder)
    }

    /// As [`Http::new`], for an upstream that is spoken to by HTTP/1.1 only.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub(super) fn http1(
        base: &Url,
        ca_pem: Option<&[u8]>,
        headers: HeaderMap,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        Self::build(base, ca_pem, headers, throttle, timeout, ClientBuilder::http1_only)
    }

    fn build(
        base: &Url,
        ca_pem: Option<&[u8]>,
        headers: HeaderMap,
        throttle: Throttle,
        timeout: Duration,
        protocol: fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, Failure> {
        let mut builder = protocol(Client::builder())
            .user_agent(USER_AGENT)
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .resolve_to_addrs(
                "localhost",
                &[
                    (Ipv4Addr::LOCALHOST, 0).into(),
                    SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
                ],
            );
        if base.scheme() == "http" {
            // In the clear to this machine means to this machine, not to a proxy.
            builder = builder.no_proxy();
        }
        if let Some(pem) = ca_pem {
            builder = builder.tls_certs_merge(certificates(pem)?);
        }
        let client = builder.build().map_err(|error| {
            let failure = Failure::new(
                FailureClass::NeedsConfig,
                "TLS could not be set up; see the operator's log",
            );
            failure.detail(describe(&error.without_url()))
        })?;
        Ok(Http { client, throttle })
    }

    /// The client, to build requests with.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The budget that every exchange is under.
    pub(super) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Sends a request once, when its turn has come, and reads the answer. `last_word` is asked when the turn has come:
    /// what it refuses is not sent.
    ///
    /// # Errors
    /// Where there is none; see [`NoAnswer`].
    pub(super) async fn exchange(
        &self,
        call: &Call,
        request: RequestBuilder,
        last_word: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<Answer, NoAnswer> {
        let permit = self.throttle.acquire(call).await.map_err(NoAnswer::NotSent)?;
        last_word().map_err(NoAnswer::NotSent)?;
        // The exchange may outlast the deadline by its timeout, never begin after it: recovery waits for both.
        if Instant::now() >= call.deadline {
            return Err(NoAnswer::NotSent(Failure::new(
                FailureClass::RateLimited(Duration::from_secs(1)),
                "its turn came too late; this is tried again",
            )));
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                permit.report(false);
                return Err(no_answer(error.without_url()));
            }
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(response).await;
        if !is_busy(status) && !is_broken(status) {
            permit.taken();
        }
        permit.report(!is_broken(status));
        Ok(Answer { status, headers, body })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, Failure> {
    match Certificate::from_pem_bundle(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Failure::new(
            FailureClass::NeedsConfig,
            "the Secret that caSecretRef names holds no certificate in PEM; put the issuer's certificate there",
        )),
    }
}

/// Whether the status says that the upstream itself is broken. 501 says that it lacks a function.
fn is_broken(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

/// Whether the status may say that the upstream has too many calls at once: 202 is the answer of a queue that overflowed.
fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::ACCEPTED)
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure::new(FailureClass::Unknown, "the directory's answer is larger than 1 MiB");
    if response
        .content_length()
        .is_some_and(|length| length > LARGEST_BODY as u64)
    {
        return Err(too_large());
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_BODY => return Err(too_large()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => {
                let failure = Failure::new(FailureClass::Transient(None), "the directory's answer broke off");
                return Err(failure.detail(describe(&error.without_url())));
            }
        }
    }
}

/// Where a transport error leaves the request. Only what fails before a connection stands was certainly not sent.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    let detail = describe(&error);
    if error.is_builder() {
        let failure = Failure::new(FailureClass::Permanent, "the request could not be built");
        return NoAnswer::NotSent(failure.detail(detail));
    }
    if error.is_connect() {
        return NoAnswer::NotSent(unreachable(&error).detail(detail));
    }
    let public = match error.is_timeout() {
        true => "the directory did not answer in time",
        false => "the connection to the directory broke before an answer came",
    };
    NoAnswer::Lost(Failure::new(FailureClass::Transient(None), public).detail(detail))
}

fn unreachable(error: &reqwest::Error) -> Failure {
    if causes(error).any(is_untrusted) {
        return Failure::new(
            FailureClass::NeedsConfig,
            "the directory's certificate is not trusted; name its issuer's certificate in caSecretRef, or correct the url",
        );
    }
    Failure::new(FailureClass::Transient(None), "the directory cannot be reached")
}

/// Whether a certificate was not accepted. Errors of rustls come wrapped in `io::Error`s, whose `source` skips what they
/// wrap.
fn is_untrusted(cause: &(dyn Error + 'static)) -> bool {
    let mut inner = cause;
    while let Some(wrapped) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        inner = wrapped;
    }
    matches!(inner.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The whole chain of causes in one line. The URL was taken out before; nothing else of a request is in it.
fn describe(error: &reqwest::Error) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

#[cfg(test)]
mod tests;
