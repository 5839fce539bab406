//! Clearing a user's sessions, tokens and remembered devices.

use hyper::StatusCode;

use super::errors::{ApiError, ApiResult};
use super::logs::Event;
use super::org::{Context, Okta};
use super::quirks::Quirk;
use super::update::flag;
use crate::exchange::{Call, Reply};

impl Okta {
    pub(super) fn clear_sessions(&mut self, call: &Call, context: &mut Context, id: &str) -> ApiResult<Reply> {
        let user = self.resolve_id(context, id)?;
        context
            .caller
            .as_ref()
            .ok_or_else(|| ApiError::new("E0000006"))?
            .require_over(&user)?;
        let tokens = flag(call, "oauthTokens")?.unwrap_or(false);
        let forget = flag(call, "forgetDevices")?.unwrap_or(true);
        if user.sessions.is_empty() && self.has(Quirk::ClearSessions404WhenNone) {
            return Err(ApiError::not_found(id));
        }
        let changed = self.edit(context, &user.id, |user, _| {
            user.sessions.clear();
            if tokens {
                user.oauth_tokens = 0;
            }
            if forget {
                user.known_devices.clear();
            }
            Ok(user.clone())
        })?;
        self.record(
            context,
            &changed,
            Event::success("user.session.clear", "Clear user session"),
        );
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}
