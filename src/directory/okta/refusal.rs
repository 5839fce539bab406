//! What Okta's error answers come to. Of an answer nothing but identifiers goes into logs: its texts can hold what a user
//! typed.

use super::{
    errors::{self, Meaning},
    model::ErrorBody,
};
use crate::{
    directory::http,
    domain::account::{Failure, FailureClass},
};
use reqwest::header::HeaderMap;
use std::time::Duration;

/// Why something could not be had.
pub(super) type Refusal = http::Refusal<Meaning>;

/// What an error answer comes to. `wait` is how long the throttle pauses for it.
pub(super) fn refusal(
    operation: &str,
    status: u16,
    headers: &HeaderMap,
    body: &Result<Vec<u8>, Failure>,
    wait: Duration,
) -> Refusal {
    // An error answer that cannot be read is judged by its status.
    let error: ErrorBody = body
        .as_deref()
        .ok()
        .and_then(|body| serde_json::from_slice(body).ok())
        .unwrap_or_default();
    let code = identifier(&error.error_code);
    let request = headers
        .get("x-okta-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let failure = errors::failure(status, &code, wait);
    let detail = format!(
        "{operation}: {} (error id {}, request id {})",
        failure.public,
        identifier(&error.error_id),
        identifier(request)
    );
    Refusal::answered(errors::meaning(status, &code).0, failure.detail(detail))
}

/// What may stand in a log of an identifier that came from outside.
fn identifier(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(64)
        .collect()
}

/// That an answer with a good status made no sense.
pub(super) fn not_understood(operation: &str, error: &serde_json::Error) -> Failure {
    Failure::new(FailureClass::Unknown, "Okta's answer was not understood")
        .detail(format!("{operation}: {}", http::place(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn nothing_of_an_error_answer_but_identifiers_goes_into_logs() {
        let body = br#"{"errorCode":"E0000080","errorSummary":"hunter2","errorId":"oae1\n2","errorCauses":[{"errorSummary":"hunter2"}]}"#;
        let headers = HeaderMap::from_iter([("x-okta-request-id".parse().unwrap(), HeaderValue::from_static("req-1"))]);
        let failure = refusal("set password", 403, &headers, &Ok(body.to_vec()), Duration::ZERO).failure;
        assert!(!format!("{failure:?}").contains("hunter2"));
        assert!(
            failure.private.contains("oae12") && failure.private.contains("req-1"),
            "{}",
            failure.private
        );
    }
}
