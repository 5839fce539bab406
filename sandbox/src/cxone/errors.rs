//! Errors, in the shape of the API that they come from.

use hyper::StatusCode;
use serde_json::json;

use super::quirks::Quirk;
use super::tenant::Cxone;
use crate::exchange::Reply;

/// Which API an error comes from: each has a shape of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Admin,
    UserHub,
    OAuth,
}

/// Why there is no result.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) family: Family,
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) text: String,
}

pub(super) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(super) fn admin(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            family: Family::Admin,
            status,
            code,
            text: text.into(),
        }
    }

    pub(super) fn userhub(status: StatusCode, code: &'static str) -> Self {
        Self {
            family: Family::UserHub,
            ..Self::admin(status, code, code)
        }
    }

    pub(super) fn oauth(status: StatusCode, code: &'static str) -> Self {
        Self {
            family: Family::OAuth,
            ..Self::admin(status, code, "The request was refused")
        }
    }
}

impl Cxone {
    /// The answer that an error is.
    pub(super) fn refusal(&self, error: &ApiError) -> Reply {
        let (code, text) = (error.code, &error.text);
        let body = match error.family {
            Family::OAuth if self.has(Quirk::ErrorDescriptionCamel) => json!({"error": code, "errorDescription": text}),
            Family::OAuth => json!({"error": code, "error_description": text}),
            Family::UserHub if error.status == StatusCode::UNAUTHORIZED => {
                json!({"status": 401, "error": code, "message": text, "path": "/user-management"})
            }
            Family::UserHub => {
                json!({"code": code, "details": text, "hostName": "h", "entityType": "USER", "errors": code})
            }
            Family::Admin => json!({"error": code, "errorDescription": text}),
        };
        let in_header = error.family == Family::Admin && self.has(Quirk::ReasonInHeader);
        let reply = match in_header {
            true => {
                let plain: String = text.chars().filter(|c| c.is_ascii() && !c.is_control()).collect();
                Reply::empty(error.status).with_header("icstatusdescription", &plain)
            }
            false => Reply::json(error.status, &body),
        };
        Reply {
            error_code: Some(code.to_owned()),
            ..reply
        }
    }
}
