//! One exchange with Okta's API: who calls, rate-limit headers, error answers, lists. What is asked, and what the
//! answer means for an account, is not known here.

use super::{
    credential::Credential,
    pages,
    rate::{Rate, with_jitter},
    refusal::{Refusal, not_understood, refusal},
};
use crate::{
    api::provider::OktaProvider,
    directory::{
        Call,
        http::{self, Http, NoAnswer},
        throttle::Throttle,
    },
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::{
    Method, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use std::time::Duration;
use zeroize::Zeroizing;

/// The most pages of one list that are read.
const MOST_PAGES: usize = 20;

/// An organisation's API, as one credential sees it.
pub(super) struct Client {
    pub(super) http: Http,
    base: Url,
    pub(super) credential: Credential,
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

impl Client {
    /// A client for the organisation that the spec names.
    ///
    /// # Errors
    /// `NeedsConfig` where the url, the credential's text or the certificates cannot be used.
    pub(super) fn new(
        spec: &OktaProvider,
        secret: &Secret,
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let base = http::base_url(&spec.url)?;
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(ACCEPT, json.clone()), (CONTENT_TYPE, json)]);
        Ok(Client {
            http: Http::new(&base, ca_pem, headers, throttle, timeout)?,
            base,
            credential: Credential::new(spec, secret)?,
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

    /// The organisation's address.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Sends once and reads the answer, whatever it is. Only an access token that is refused, which may be too old, leads
    /// to a second send with another one: a 401 comes before anything is done.
    ///
    /// # Errors
    /// Where there is no answer.
    pub(super) async fn send(&self, call: &Call, ask: Ask) -> Result<Reply, NoAnswer> {
        let _alone = self
            .credential
            .alone_until_accepted(call.deadline)
            .await
            .map_err(NoAnswer::NotSent)?;
        let body = ask.body.map(Bytes::from_owner);
        let mut refused = None;
        let (answer, wait) = loop {
            let who = self
                .authorization(call, (&ask.method, &ask.url), refused.as_ref())
                .await
                .map_err(NoAnswer::NotSent)?;
            let mut request = self.http.client().request(ask.method.clone(), ask.url.clone());
            request = request.headers(who.headers);
            if let Some(body) = &body {
                request = request.body(body.clone());
            }
            let answer = self.http.exchange(call, request, || self.credential.usable()).await?;
            let wait = self.learn_rate(ask.operation, answer.status.as_u16(), &answer.headers);
            match who.token {
                Some(token) if answer.status.as_u16() == 401 && refused.is_none() => refused = Some(token),
                _ => break (answer, wait),
            }
        };
        let status = answer.status.as_u16();
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
            next = pages::next_link(&headers, &self.base)?;
        }
        match next {
            None => Ok(entries),
            Some(_) => Err(Failure::new(FailureClass::Permanent, format!("{what}: Okta's list is too long")).into()),
        }
    }

    /// Reads one page of a list, and the address of the next.
    ///
    /// # Errors
    /// As [`Client::get`]; where the next page is elsewhere.
    pub(super) async fn one_page<T: DeserializeOwned>(
        &self,
        call: &Call,
        what: &'static str,
        url: Url,
    ) -> Result<(Vec<T>, Option<Url>), Refusal> {
        let (entries, headers) = self.page(call, what, url).await?;
        Ok((entries, pages::next_link(&headers, &self.base)?))
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
    pub(super) fn learn_rate(&self, operation: &'static str, status: u16, headers: &HeaderMap) -> Duration {
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
                throttle.observe(operation, (rate.limit, rate.remaining), rate.reset_in);
                Duration::ZERO
            }
            (_, None) => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_queries_are_encoded() {
        let token = Secret::new("00a\n".into());
        let spec = serde_json::json!({"url": "https://example.okta.com", "tokenSecretRef": {"name": "okta"}});
        let client = Client::new(
            &serde_json::from_value(spec).unwrap(),
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
}
