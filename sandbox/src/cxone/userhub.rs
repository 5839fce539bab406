//! UserHub: one user by UUID.

use hyper::StatusCode;

use super::errors::{ApiError, ApiResult};
use super::quirks::Quirk;
use super::tenant::{Context, Cxone};
use crate::exchange::Reply;

impl Cxone {
    /// `GET /user-management/v3/users/{userId}`.
    pub(super) fn hub_user(&self, context: &mut Context, id: &str) -> ApiResult<Reply> {
        if self.has(Quirk::UserHubAbsent) {
            return Err(ApiError::userhub(StatusCode::NOT_FOUND, "NOT_FOUND"));
        }
        if self.has(Quirk::UserHubForbidden) {
            return Err(ApiError::userhub(StatusCode::FORBIDDEN, "FORBIDDEN"));
        }
        let agent = self.agents.iter().find(|agent| agent.user_id == id);
        let agent = agent.ok_or_else(|| ApiError::userhub(StatusCode::NOT_FOUND, "NOT_FOUND"))?;
        context.effects.account = Some(agent.agent_id.to_string());
        Ok(Reply::json(StatusCode::OK, &self.hub_shape(agent)))
    }
}
