//! OAuth for service apps: access tokens by client credentials with `private_key_jwt`.

use jiff::Timestamp;

use super::auth::Caller;
use super::errors::{ApiError, ApiResult};
use super::org::{Context, Okta};
use crate::exchange::{Call, Reply};

/// Tokens, nonces and used assertion ids.
#[derive(Debug, Default)]
pub(super) struct OAuthState {}

impl Okta {
    pub(super) fn oauth_caller(&mut self, _: &str, _: &str, _: &Call, _: Timestamp) -> ApiResult<Caller> {
        Err(ApiError::new("E0000011"))
    }
    pub(super) fn issue_token(&mut self, _: &Call, _: &mut Context) -> Reply {
        Reply::empty(hyper::StatusCode::NOT_FOUND)
    }
}
