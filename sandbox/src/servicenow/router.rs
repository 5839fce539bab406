//! From method and path to an operation.

use hyper::Method;

use super::errors::{ApiError, ApiResult};

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Token,
    List(String),
    Read(String, String),
    Update(String, String),
    Create(String),
    Delete(String, String),
}

/// A request and how it was addressed.
#[derive(Debug, Clone)]
pub(super) struct Routed {
    pub(super) request: Request,
    /// Path pattern.
    pub(super) pattern: &'static str,
    /// Version 1 answers an empty result with 404.
    pub(super) first_version: bool,
}

impl Routed {
    /// The table that is asked for.
    pub(super) fn table(&self) -> Option<&str> {
        match &self.request {
            Request::Token => None,
            Request::List(table)
            | Request::Read(table, _)
            | Request::Update(table, _)
            | Request::Create(table)
            | Request::Delete(table, _) => Some(table),
        }
    }
}

/// Finds the operation for a call.
///
/// # Errors
/// 404 for an unknown path, 405 for a known path with another method.
pub(super) fn route(method: &Method, path: &str) -> ApiResult<Routed> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let parts: Vec<String> = path.trim_start_matches('/').split('/').map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    if parts == ["oauth_token.do"] {
        return match *method {
            Method::POST => Ok(routed(Request::Token, "/oauth_token.do", "")),
            _ => Err(ApiError::with_status(
                hyper::StatusCode::METHOD_NOT_ALLOWED,
                "Method not supported",
            )),
        };
    }
    let (version, rest) = match parts.as_slice() {
        ["api", "now", "table", rest @ ..] => ("", rest),
        ["api", "now", version @ ("v1" | "v2"), "table", rest @ ..] => (*version, rest),
        _ => return Err(ApiError::unknown_path()),
    };
    let request = match (method, rest) {
        (&Method::GET, [table]) => Request::List((*table).to_owned()),
        (&Method::POST, [table]) => Request::Create((*table).to_owned()),
        (&Method::GET, [table, id]) => Request::Read((*table).to_owned(), (*id).to_owned()),
        (&Method::PATCH | &Method::PUT, [table, id]) => Request::Update((*table).to_owned(), (*id).to_owned()),
        (&Method::DELETE, [table, id]) => Request::Delete((*table).to_owned(), (*id).to_owned()),
        (_, [_] | [_, _]) => {
            let status = hyper::StatusCode::METHOD_NOT_ALLOWED;
            return Err(ApiError::with_status(status, "Method not supported"));
        }
        _ => return Err(ApiError::unknown_path()),
    };
    let pattern = match rest.len() {
        1 => "/api/now/table/{table}",
        _ => "/api/now/table/{table}/{sys_id}",
    };
    Ok(routed(request, pattern, version))
}

fn routed(request: Request, pattern: &'static str, version: &str) -> Routed {
    Routed {
        request,
        pattern,
        first_version: version == "v1",
    }
}
