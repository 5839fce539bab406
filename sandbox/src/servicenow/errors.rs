//! Error answers: `{"error":{"message","detail"},"status":"failure"}`, the code only in the HTTP status.

use hyper::StatusCode;
use serde_json::json;

use crate::exchange::Reply;

/// Why a call was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    /// What it says, in English.
    message: &'static str,
    detail: String,
}

pub(super) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    fn new(status: StatusCode, message: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            message,
            detail: detail.into(),
        }
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Exception while reading request", detail)
    }

    pub(super) fn not_authenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "User Not Authenticated",
            "Required to provide Auth information",
        )
    }

    pub(super) fn no_record() -> Self {
        let detail = "Record doesn't exist or ACL restricts the record retrieval";
        Self::new(StatusCode::NOT_FOUND, "No Record found", detail)
    }

    pub(super) fn invalid_table(name: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Invalid table", name)
    }

    pub(super) fn unknown_path() -> Self {
        let detail = "Requested URI does not represent any resource";
        Self::new(
            StatusCode::NOT_FOUND,
            "Requested URI does not represent any resource",
            detail,
        )
    }

    pub(super) fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Operation Failed", detail)
    }

    pub(super) fn with_status(status: StatusCode, message: &'static str) -> Self {
        Self::new(status, message, "")
    }

    /// The answer, in another language where that is asked for.
    pub(super) fn reply(&self, localized: bool) -> Reply {
        let (message, detail) = match localized {
            true => ("Vorgang fehlgeschlagen", "Siehe Systemprotokoll"),
            false => (self.message, self.detail.as_str()),
        };
        let body = json!({"error": {"message": message, "detail": detail}, "status": "failure"});
        Reply {
            error_code: Some(self.message.to_owned()),
            ..Reply::json(self.status, &body)
        }
    }
}
