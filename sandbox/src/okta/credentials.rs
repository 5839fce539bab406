//! The user's own credential operations: change with the old password, forgotten password.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::errors::{ApiError, ApiResult};
use super::lifecycle::revoke_sessions;
use super::links::reset_address;
use super::logs::Event;
use super::org::{Context, Okta};
use super::shapes;
use super::update::{PasswordBody, body, flag, require_settled};
use super::user::{LinkKind, ProviderType, Status};
use crate::directory::random_token;
use crate::exchange::{Call, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBody {
    old_password: PasswordBody,
    new_password: PasswordBody,
    #[serde(default)]
    revoke_sessions: bool,
}

impl Okta {
    pub(super) fn change_password(&mut self, call: &Call, context: &mut Context, id: &str) -> ApiResult<Reply> {
        let user = self.resolve_id(context, id)?;
        context
            .caller
            .as_ref()
            .ok_or_else(|| ApiError::new("E0000006"))?
            .require_over(&user)?;
        require_settled(&user)?;
        let given: ChangeBody = body(call)?;
        let strict = flag(call, "strict")?.unwrap_or(false);
        let legal = [
            Status::Staged,
            Status::Active,
            Status::PasswordExpired,
            Status::Recovery,
        ]
        .contains(&user.status);
        let local = !matches!(user.provider.kind, ProviderType::Federation | ProviderType::Social);
        if !legal || !local || !user.password.is_set() {
            return Err(ApiError::new("E0000035"));
        }
        let (old, new) = given.old_password.value.zip(given.new_password.value).ok_or_else(|| {
            ApiError::validation(
                "newPassword",
                "oldPassword.value and newPassword.value: both are required",
            )
        })?;
        if !user.password.matches(&old) {
            return Err(ApiError::new("E0000014").because("Old Password is not correct"));
        }
        self.check_password(&user, &new, strict, context)?;
        let changed = self.edit(context, &user.id, |user, context| {
            user.password.set(&new, context.now, false);
            user.password_changed = Some(context.now);
            if matches!(user.status, Status::PasswordExpired | Status::Recovery) {
                user.links.clear();
                user.enter(Status::Active, context.now);
            }
            revoke_sessions(user, context, given.revoke_sessions);
            Ok(user.clone())
        })?;
        self.record(
            context,
            &changed,
            Event::success("user.account.update_password", "Update user password"),
        );
        Ok(Reply::json(StatusCode::OK, &shapes::credentials(&changed)))
    }

    pub(super) fn forgot_password(&mut self, call: &Call, context: &mut Context, id: &str) -> ApiResult<Reply> {
        let user = self.resolve_id(context, id)?;
        context
            .caller
            .as_ref()
            .ok_or_else(|| ApiError::new("E0000006"))?
            .require_over(&user)?;
        require_settled(&user)?;
        let mail = flag(call, "sendEmail")?.unwrap_or(true);
        if user.status != Status::Active || user.recovery_question.is_none() {
            return Err(ApiError::new("E0000034"));
        }
        let (token, expires) = (random_token(20), self.link_expiry(context.now));
        let changed = self.edit(context, &user.id, |user, _| {
            user.add_link(&token, LinkKind::Forgot, expires, false);
            Ok(user.clone())
        })?;
        self.record(
            context,
            &changed,
            Event::success("user.account.reset_password", "Forgot password started"),
        );
        let address = reset_address(&context.base, &token);
        if mail {
            self.send(context, &changed, "forgot-password", Some(address));
            return Ok(Reply::json(StatusCode::OK, &json!({})));
        }
        Ok(Reply::json(StatusCode::OK, &json!({"resetPasswordUrl": address})))
    }
}
