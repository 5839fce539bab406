//! From method and path to an operation.
//!
//! Patterns are also what rate-limit buckets are named after. Permissions are declared here, next to the path.

use std::borrow::Cow;

use hyper::Method;

use super::auth::Right;
use super::errors::{ApiError, ApiResult};
use super::legality::Operation;

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    WellKnown,
    Token,
    ListUsers,
    GetMe,
    GetUser,
    UpdateUser,
    ReplaceUser,
    Blocks,
    Groups,
    Roles,
    Assignees,
    Lifecycle(Operation),
    ChangePassword,
    ForgotPassword,
    ClearSessions,
    Logs,
}

/// A request with its bucket and the right that it needs.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) request: Request,
    /// The user that the path names, by id or login; empty where it names none.
    pub(super) user: String,
    /// Path pattern, the name of the rate-limit bucket together with the method.
    pub(super) pattern: &'static str,
    /// Absent where no credential is asked for.
    pub(super) right: Option<Right>,
}

/// Splits a path into decoded segments. With `eager` the path is decoded before it is split, so that an encoded slash
/// separates like a bare one.
fn segments(path: &str, eager: bool) -> Vec<Cow<'_, str>> {
    let trimmed = path.trim_start_matches('/');
    if !trimmed.contains('%') {
        return trimmed.split('/').map(Cow::Borrowed).collect();
    }
    let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    if eager {
        let owned = |part: &str| Cow::Owned(part.to_owned());
        decode(trimmed).split('/').map(owned).collect()
    } else {
        trimmed.split('/').map(decode).collect()
    }
}

/// Finds the operation for a call.
///
/// # Errors
/// E0000008 for an unknown path, E0000022 for a known path with another method.
pub(super) fn route(method: &Method, path: &str, slash_separates: bool) -> ApiResult<Routed> {
    let parts = segments(path, slash_separates);
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let candidates = candidates(&parts);
    if candidates.is_empty() {
        return Err(ApiError::new("E0000008"));
    }
    let (_, request, pattern, right) = candidates
        .into_iter()
        .find(|(wanted, ..)| wanted == method)
        .ok_or_else(|| ApiError::new("E0000022"))?;
    let user = match parts[..] {
        ["api", "v1", "users", user, ..] => user.to_owned(),
        _ => String::new(),
    };
    Ok(Routed {
        request,
        user,
        pattern,
        right,
    })
}

type Candidate = (Method, Request, &'static str, Option<Right>);

fn candidates(parts: &[&str]) -> Vec<Candidate> {
    match parts {
        [".well-known", "okta-organization"] => {
            vec![(Method::GET, Request::WellKnown, "/.well-known/okta-organization", None)]
        }
        ["oauth2", "v1", "token"] => vec![(Method::POST, Request::Token, "/oauth2/v1/token", None)],
        ["api", "v1", "logs"] => vec![(Method::GET, Request::Logs, "/api/v1/logs", Some(Right::ReadLogs))],
        ["api", "v1", "iam", "assignees", "users"] => {
            vec![(
                Method::GET,
                Request::Assignees,
                "/api/v1/iam/assignees/users",
                Some(Right::ReadRoles),
            )]
        }
        ["api", "v1", "users"] => {
            vec![(Method::GET, Request::ListUsers, "/api/v1/users", Some(Right::ReadUsers))]
        }
        ["api", "v1", "users", user, rest @ ..] if !user.is_empty() => user_candidates(user, rest),
        _ => Vec::new(),
    }
}

fn user_candidates(user: &str, rest: &[&str]) -> Vec<Candidate> {
    match rest {
        [] if user == "me" => vec![(Method::GET, Request::GetMe, "/api/v1/users/me", Some(Right::ReadUsers))],
        [] => vec![
            (
                Method::GET,
                Request::GetUser,
                "/api/v1/users/{id}",
                Some(Right::ReadUsers),
            ),
            (
                Method::POST,
                Request::UpdateUser,
                "/api/v1/users/{id}",
                Some(Right::ReadUsers),
            ),
            (
                Method::PUT,
                Request::ReplaceUser,
                "/api/v1/users/{id}",
                Some(Right::EditProfiles),
            ),
        ],
        ["blocks"] => {
            vec![(
                Method::GET,
                Request::Blocks,
                "/api/v1/users/{id}/blocks",
                Some(Right::ReadUsers),
            )]
        }
        ["groups"] => {
            vec![(
                Method::GET,
                Request::Groups,
                "/api/v1/users/{id}/groups",
                Some(Right::ReadUsers),
            )]
        }
        ["roles"] => vec![(
            Method::GET,
            Request::Roles,
            "/api/v1/users/{id}/roles",
            Some(Right::ReadRoles),
        )],
        ["sessions"] => vec![(
            Method::DELETE,
            Request::ClearSessions,
            "/api/v1/users/{id}/sessions",
            Some(Right::ManageCredentials),
        )],
        ["credentials", "change_password"] => vec![(
            Method::POST,
            Request::ChangePassword,
            "/api/v1/users/{id}/credentials/change_password",
            Some(Right::ManageCredentials),
        )],
        ["credentials", "forgot_password"] => vec![(
            Method::POST,
            Request::ForgotPassword,
            "/api/v1/users/{id}/credentials/forgot_password",
            Some(Right::ManageCredentials),
        )],
        ["lifecycle", name] => Operation::from_path(name)
            .map(|operation| {
                let right = Some(operation.right());
                vec![(
                    Method::POST,
                    Request::Lifecycle(operation),
                    "/api/v1/users/{id}/lifecycle/{operation}",
                    right,
                )]
            })
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}
