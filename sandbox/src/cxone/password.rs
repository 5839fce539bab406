//! Writes: a password set, a session ended. There is none that clears a lock.

use hyper::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use super::errors::{ApiError, ApiResult};
use super::quirks::Quirk;
use super::tenant::{Context, Cxone, HubStatus};
use crate::exchange::{Call, Reply};

impl Cxone {
    /// `PUT agents/{agentId}/reset-password`: everything stands in the query.
    pub(super) fn reset(&mut self, context: &mut Context, call: &Call, id: &str) -> ApiResult<Reply> {
        let refuse = |status: StatusCode, code: &'static str, text: &str| Err(ApiError::admin(status, code, text));
        if self.has(Quirk::ResetMissing) {
            return refuse(StatusCode::NOT_FOUND, "not_found", "There is no such resource");
        }
        if self.has(Quirk::ResetForbidden) {
            return refuse(StatusCode::FORBIDDEN, "forbidden", "Permission Users Edit is missing");
        }
        if id.parse::<u64>().is_err() {
            return refuse(StatusCode::BAD_REQUEST, "invalid_request", "agentId must be numeric");
        }
        let agent = self.seen(id)?.clone();
        context.effects.account = Some(agent.agent_id.to_string());
        if !agent.active || agent.status == HubStatus::Deleted {
            return refuse(StatusCode::BAD_REQUEST, "invalid_agent", "The agent is inactive");
        }
        let Some(password) = call.parameter("requestedPassword") else {
            return refuse(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "Not simulated: no requestedPassword",
            );
        };
        let must_change = call.parameter("forceChangeOnLogon").as_deref() == Some("true");
        if self.has(Quirk::RefusalEchoesPassword) {
            let text = format!("Password {password} is not acceptable");
            return refuse(StatusCode::BAD_REQUEST, "invalid_password", &text);
        }
        if self.has(Quirk::ErrorInsideSuccess) {
            return Ok(Reply::json(
                StatusCode::OK,
                &json!({"error": "The password could not be set"}),
            ));
        }
        let weak = !self
            .settings
            .password
            .complaints(&password, &agent.user_name)
            .is_empty();
        if weak || agent.password.was_used(&password, &self.settings.password) {
            return Ok(result("FAILED_COMPLEXITY"));
        }
        context.effects.applied = true;
        let now = context.now;
        if self.has(Quirk::Accepted202) {
            let wait = SignedDuration::from_millis(i64::try_from(self.settings.accepted_ms).unwrap_or(500));
            self.accepted.push((now + wait, agent.agent_id, password, must_change));
            return Ok(Reply::empty(StatusCode::ACCEPTED));
        }
        let unlocks = self.has(Quirk::ResetUnlocks);
        self.edit(context, agent.agent_id, |agent| {
            agent.password.set(&password, now, must_change);
            agent.locked &= !unlocks;
        });
        Ok(match self.has(Quirk::Reset204) {
            true => Reply::empty(StatusCode::NO_CONTENT),
            false => result("SUCCESS"),
        })
    }

    /// `POST agents/{agentId}/logout`.
    pub(super) fn logout(&mut self, context: &mut Context, id: &str) -> ApiResult<Reply> {
        let agent_id = self.seen(id)?.agent_id;
        context.effects.account = Some(agent_id.to_string());
        if self.has(Quirk::LogoutRefused) {
            let text = "The session cannot be ended";
            return Err(ApiError::admin(StatusCode::BAD_REQUEST, "invalid_state", text));
        }
        context.effects.applied = true;
        self.edit(context, agent_id, |agent| agent.sessions = 0);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

fn result(word: &str) -> Reply {
    Reply::json(
        StatusCode::OK,
        &json!({"resetResult": {"passwordComplexityResult": word}}),
    )
}
