//! Okta's error catalogue, as far as the simulated operations answer from it, in Okta's shape.
//!
//! Source: developer.okta.com/docs/reference/error-codes. Summaries are our own wording; only the code is for control
//! flow.

use hyper::StatusCode;
use serde_json::json;

use crate::exchange::Reply;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub summary: String,
    pub causes: Vec<String>,
}

/// Shorthand for operations.
pub type ApiResult<T> = Result<T, ApiError>;

/// Code, status and summary of the catalogue entries in use.
const CATALOGUE: [(&str, u16, &str); 33] = [
    ("E0000001", 400, "Api validation failed"),
    ("E0000003", 400, "The request body was not well-formed"),
    ("E0000004", 401, "Authentication failed"),
    (
        "E0000006",
        403,
        "You do not have permission to perform the requested action",
    ),
    ("E0000007", 404, "Not found: Resource not found"),
    ("E0000008", 404, "The requested path was not found"),
    ("E0000009", 500, "Internal Server Error"),
    ("E0000010", 503, "Service is in read only mode"),
    ("E0000011", 401, "Invalid token provided"),
    ("E0000014", 403, "Update of credentials failed"),
    ("E0000016", 403, "Activation failed because the user is already active"),
    ("E0000017", 403, "Password reset failed"),
    ("E0000018", 400, "Accept and/or Content-Type headers are likely not set"),
    (
        "E0000019",
        400,
        "Accept and/or Content-Type headers likely do not match supported values",
    ),
    ("E0000020", 400, "Bad request"),
    ("E0000021", 400, "Unsupported media type"),
    (
        "E0000022",
        405,
        "The endpoint does not support the provided HTTP method",
    ),
    ("E0000023", 403, "The profile is mastered by another system"),
    ("E0000031", 400, "Invalid search criteria"),
    ("E0000032", 403, "Unlock is not allowed for this user"),
    (
        "E0000033",
        400,
        "Bad request: can't specify a search query and filter in the same request",
    ),
    ("E0000034", 403, "Forgot password not allowed on specified user"),
    ("E0000035", 403, "Change password not allowed on specified user"),
    (
        "E0000038",
        403,
        "This operation is not allowed in the user's current status",
    ),
    (
        "E0000041",
        400,
        "Credentials should not be set on this resource based on the scheme",
    ),
    ("E0000047", 429, "API call exceeded rate limit due to too many requests"),
    ("E0000060", 501, "Unsupported operation"),
    (
        "E0000080",
        403,
        "The password does not meet the complexity requirements of the current password policy",
    ),
    ("E0000095", 403, "Recovery not allowed for unknown user"),
    (
        "E0000105",
        403,
        "You have accessed an account recovery link that has expired or been previously used",
    ),
    ("E0000111", 403, "The object is read-only"),
    (
        "E0000112",
        409,
        "Cannot update this user because they are still being activated",
    ),
    ("E0000239", 423, "Policy reconciliation is in progress"),
];

impl ApiError {
    /// The catalogue's error of that code.
    ///
    /// # Panics
    /// When the code is not in the catalogue, which is a mistake in the sandbox.
    pub fn new(code: &str) -> Self {
        let (code, status, summary) = CATALOGUE
            .into_iter()
            .find(|(known, ..)| *known == code)
            .unwrap_or_else(|| panic!("{code} is not in the sandbox's error catalogue"));
        let status = StatusCode::from_u16(status).expect("statuses in the catalogue are valid");
        Self {
            status,
            code,
            summary: summary.to_owned(),
            causes: Vec::new(),
        }
    }

    /// E0000001, naming the field and what is wrong with it.
    pub fn validation(field: &str, cause: &str) -> Self {
        let mut error = Self::new("E0000001").because(cause);
        error.summary = format!("{}: {field}", error.summary);
        error
    }

    /// E0000007, naming what was looked for.
    pub fn not_found(id: &str) -> Self {
        Self {
            summary: format!("Not found: Resource not found: {id} (User)"),
            ..Self::new("E0000007")
        }
    }

    /// Adds a cause.
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// The same error under another HTTP status.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Renders the answer; `error_id` is unique to it.
    pub fn reply(&self, error_id: &str) -> Reply {
        let causes: Vec<_> = self.causes.iter().map(|cause| json!({"errorSummary": cause})).collect();
        let body = json!({
            "errorCode": self.code,
            "errorSummary": self.summary,
            "errorLink": self.code,
            "errorId": error_id,
            "errorCauses": causes,
        });
        Reply {
            error_code: Some(self.code.to_owned()),
            ..Reply::json(self.status, &body)
        }
    }
}
