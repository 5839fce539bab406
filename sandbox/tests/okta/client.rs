//! A client whose every request and every response is held against Okta's contract.

use reqwest::Method;
use reqwest::header::HeaderMap;
use sandbox::{ADMIN_TOKEN, Options, Sandbox};
use serde_json::Value;

use crate::contract::contract;

/// A running sandbox and a client for it.
pub(crate) struct Fixture {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Value>,
}

impl Answer {
    /// A member of the body, null where there is none.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.body
            .as_ref()
            .and_then(|body| body.pointer(pointer))
            .cloned()
            .unwrap_or(Value::Null)
    }

    /// The error code, or the empty string.
    pub(crate) fn code(&self) -> String {
        self.at("/errorCode").as_str().unwrap_or_default().to_owned()
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The address in the `next` link.
    pub(crate) fn next(&self) -> Option<String> {
        let links = self
            .headers
            .get_all("link")
            .iter()
            .filter_map(|link| link.to_str().ok());
        let next = links.rev().find(|link| link.ends_with("rel=\"next\""))?;
        Some(next.split_once('>')?.0.trim_start_matches('<').to_owned())
    }
}

impl Fixture {
    /// A sandbox with the built-in users.
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A sandbox with those options.
    pub(crate) async fn with(options: Options) -> Self {
        // Reading the contract takes a second or two, which must not fall between the calls of a test about time.
        contract();
        let sandbox = Sandbox::start(options).await.expect("a sandbox starts");
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self {
            sandbox,
            http: builder.build().expect("a client"),
            token: ADMIN_TOKEN.into(),
        }
    }

    /// The same sandbox's client under another token, for one call.
    pub(crate) async fn call_as(&self, token: &str, method: Method, target: &str, body: Option<Value>) -> Answer {
        let address = self.address(target);
        self.send(token, method, &address, body, true).await
    }

    /// A call whose request and response must both meet the contract.
    pub(crate) async fn call(&self, method: Method, target: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.token, method, target, body).await
    }

    /// GET.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.call(Method::GET, target, None).await
    }

    /// POST without a body.
    pub(crate) async fn post(&self, target: &str) -> Answer {
        self.call(Method::POST, target, None).await
    }

    /// A call whose request is wrong on purpose; the response must meet the contract.
    pub(crate) async fn wrong(&self, method: Method, target: &str, body: Option<Value>) -> Answer {
        self.send(&self.token, method, &self.address(target), body, false).await
    }

    /// The plain address of a path.
    pub(crate) fn address(&self, target: &str) -> String {
        if target.starts_with("http") {
            target.to_owned()
        } else {
            format!("{}{target}", self.sandbox.addresses().http)
        }
    }

    async fn send(&self, token: &str, method: Method, address: &str, body: Option<Value>, check: bool) -> Answer {
        let url: reqwest::Url = address.parse().expect("an address");
        let operation = contract().operation(method.as_str(), url.path());
        if check {
            let operation = operation
                .as_ref()
                .unwrap_or_else(|| panic!("{method} {url} is not in the contract"));
            let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let faults = contract().request_faults(operation, &query, body.as_ref());
            assert!(faults.is_empty(), "request {method} {url}: {faults:?}");
        }
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .header("accept", "application/json");
        if !token.is_empty() {
            request = request.header("authorization", format!("SSWS {token}"));
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{method} {url}: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}")));
        let faults = contract().response_faults(operation.as_ref(), status, body.as_ref());
        assert!(
            faults.is_empty(),
            "response {status} to {method} {url}: {faults:?}\n{text}"
        );
        assert!(
            headers.contains_key("x-okta-request-id"),
            "{method} {url} has no request id"
        );
        Answer { status, headers, body }
    }
}

/// Waits until a condition holds, ten seconds at most.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it never came to pass that {what}");
}
