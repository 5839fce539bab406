//! From method and path to an operation.

use hyper::{Method, StatusCode};

use super::errors::{ApiError, ApiResult};

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// `/.well-known/openid-configuration`.
    OpenId,
    /// `/.well-known/cxone-configuration`.
    Discovery,
    Token,
    KeyToken,
    KeyRefresh,
    Agents,
    AgentSearch,
    Agent(String),
    ResetPassword(String),
    Logout(String),
    Versions,
    BusinessUnit,
    ServerTime,
    HubUser(String),
}

impl Request {
    /// Whether it is answered without a token.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self,
            Self::OpenId | Self::Discovery | Self::Token | Self::KeyToken | Self::KeyRefresh
        )
    }

    /// Whether it belongs to UserHub.
    pub(super) fn is_userhub(&self) -> bool {
        matches!(self, Self::HubUser(_))
    }

    /// Path pattern.
    pub(super) fn pattern(&self) -> &'static str {
        match self {
            Self::OpenId => "/.well-known/openid-configuration",
            Self::Discovery => "/.well-known/cxone-configuration",
            Self::Token => "/auth/token",
            Self::KeyToken => "/authentication/v1/token/access-key",
            Self::KeyRefresh => "/public/user/refresh",
            Self::Agents => "agents",
            Self::AgentSearch => "agents/search",
            Self::Agent(_) => "agents/{id}",
            Self::ResetPassword(_) => "agents/{agentId}/reset-password",
            Self::Logout(_) => "agents/{agentId}/logout",
            Self::Versions => "apiversion",
            Self::BusinessUnit => "business-unit",
            Self::ServerTime => "server-time",
            Self::HubUser(_) => "/user-management/v3/users/{userId}",
        }
    }
}

/// Finds the operation for a call.
///
/// # Errors
/// 404 for an unknown path, 405 for a known path with another method.
pub(super) fn route(method: &Method, path: &str) -> ApiResult<Request> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let parts: Vec<String> = path.trim_start_matches('/').split('/').map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (verb, request) = match parts.as_slice() {
        [".well-known", "openid-configuration"] => (Method::GET, Request::OpenId),
        [".well-known", "cxone-configuration"] => (Method::GET, Request::Discovery),
        ["auth", "token"] => (Method::POST, Request::Token),
        ["authentication", "v1", "token", "access-key"] => (Method::POST, Request::KeyToken),
        ["public", "user", "refresh"] => (Method::POST, Request::KeyRefresh),
        ["user-management", "v3", "users", id] => (Method::GET, Request::HubUser((*id).to_owned())),
        ["inContactAPI" | "incontactapi", "services", _version, rest @ ..] => admin(rest)?,
        _ => return Err(unknown()),
    };
    match *method == verb {
        true => Ok(request),
        false => Err(ApiError::admin(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "The method is not allowed",
        )),
    }
}

fn admin(rest: &[&str]) -> ApiResult<(Method, Request)> {
    Ok(match rest {
        ["agents"] => (Method::GET, Request::Agents),
        ["agents", "search"] => (Method::POST, Request::AgentSearch),
        ["agents", id] => (Method::GET, Request::Agent((*id).to_owned())),
        ["agents", id, "reset-password"] => (Method::PUT, Request::ResetPassword((*id).to_owned())),
        ["agents", id, "logout"] => (Method::POST, Request::Logout((*id).to_owned())),
        ["apiversion"] => (Method::GET, Request::Versions),
        ["business-unit"] => (Method::GET, Request::BusinessUnit),
        ["server-time"] => (Method::GET, Request::ServerTime),
        _ => return Err(unknown()),
    })
}

fn unknown() -> ApiError {
    ApiError::admin(StatusCode::NOT_FOUND, "not_found", "There is no such resource")
}
