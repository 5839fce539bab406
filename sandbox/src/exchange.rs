//! A request that was fully read, and the answer to it, independent of transport and provider.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::Value;

/// A request as a simulated service sees it.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    /// Path as received, still percent-encoded.
    pub path: String,
    /// Query string as received.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Scheme and host under which the client reached the service, for links in answers.
    pub base: String,
    pub request_id: String,
}

impl Call {
    /// The first value of a query parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters()
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// All query parameters in order, decoded.
    pub fn parameters(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// A header's value where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Dotted paths of the members of a JSON body, without their values.
    pub fn body_fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        if let Ok(value) = serde_json::from_slice::<Value>(&self.body) {
            collect_fields(&value, "", &mut fields);
        }
        fields
    }
}

fn collect_fields(value: &Value, prefix: &str, fields: &mut Vec<String>) {
    if let Value::Object(members) = value {
        for (name, member) in members {
            let path = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            match member {
                Value::Object(inner) if !inner.is_empty() => collect_fields(member, &path, fields),
                _ => fields.push(path),
            }
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The provider's error code, for the truth log.
    pub error_code: Option<String>,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            error_code: None,
        }
    }

    /// A JSON answer.
    pub fn json(status: StatusCode, value: &Value) -> Self {
        let mut reply = Self::empty(status);
        reply
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        reply.body = Bytes::from(value.to_string());
        reply
    }

    /// Adds a header (a second one of the same name where there is one).
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("headers of the sandbox are visible ASCII");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }
}
