//! What every directory that is reached by HTTP shares: the client, one exchange, and where a failure leaves a call.
//!
//! A request is sent once: no redirects, no retries by any layer that repeats what was written. Answers are bounded in
//! size and time. Errors never carry URLs, headers or bodies, which could hold logins and secrets. What an answer
//! means is the provider's matter.

mod address;
mod no_answer;
mod refusal;

pub(super) use address::{base_url, base_url_with_path};
pub(super) use no_answer::NoAnswer;
pub(super) use refusal::{Doubt, Meaning, Refusal};

use super::{Call, throttle::Throttle};
use crate::domain::account::{Failure, FailureClass};
use reqwest::{
    Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use std::{
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
            failure.detail(no_answer::describe(&error.without_url()))
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

    /// After an answer that says that there are too many calls: pauses for as long as its headers ask, though never for
    /// longer than `longest`, else for as long as the throttle thinks fit. Answers how long that is.
    pub(super) fn slow_down(&self, headers: &HeaderMap, longest: Duration) -> Duration {
        match retry_after(headers) {
            Some(asked) => {
                let pause = asked.min(longest);
                self.throttle.pause(pause);
                pause
            }
            None => self.throttle.overloaded(),
        }
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
                return Err(no_answer::of(error.without_url()));
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

/// How long to wait before the next call, where an answer says that in seconds (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Where an answer stopped making sense, for logs. serde's own text would quote the answer.
pub(super) fn place(error: &serde_json::Error) -> String {
    format!(
        "{:?} at line {} column {}",
        error.classify(),
        error.line(),
        error.column()
    )
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
                return Err(failure.detail(no_answer::describe(&error.without_url())));
            }
        }
    }
}

#[cfg(test)]
mod tests;
