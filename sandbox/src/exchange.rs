//! A request that was fully read, and the answer to it, independent of transport and provider.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde::Serialize;
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
        if self.body.is_empty() {
            return fields;
        }
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

/// Headers that an answer has, or a few more: so many are made room for at once.
const USUAL_HEADERS: usize = 10;

/// Bytes that an answer's body has, or some more.
const USUAL_BODY: usize = 2048;

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
            headers: HeaderMap::with_capacity(USUAL_HEADERS),
            body: Bytes::new(),
            error_code: None,
        }
    }

    /// A JSON answer.
    ///
    /// # Panics
    /// When the value has no JSON form, which is a mistake in the sandbox.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let mut reply = Self::empty(status);
        reply
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut body = Vec::with_capacity(USUAL_BODY);
        serde_json::to_writer(&mut body, value).expect("answers are plain data");
        reply.body = body.into();
        reply
    }

    /// Adds a header (a second one of the same name where there is one).
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("headers of the sandbox are visible ASCII");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Adds a header that is a number.
    pub fn with_number(mut self, name: &'static str, value: i64) -> Self {
        self.headers.append(HeaderName::from_static(name), value.into());
        self
    }
}
