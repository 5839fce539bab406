//! Lifecycle operations: unlock, reset, expire, activate, reactivate, suspend, unsuspend, deactivate.
//!
//! Legality is [`rule`]'s; what is here is the effect.

use hyper::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use super::errors::{ApiError, ApiResult};
use super::legality::{Operation, Ruling, rule};
use super::links::reset_address;
use super::logs::Event;
use super::org::{Context, Okta};
use super::quirks::Quirk;
use super::shapes::{self, Omit, Place};
use super::update::{flag, require_settled};
use super::user::{LinkKind, Provider, ProviderType, Status, Transition, User};
use crate::directory::random_token;
use crate::exchange::{Call, Reply};

impl Okta {
    pub(super) fn lifecycle(
        &mut self,
        call: &Call,
        context: &mut Context,
        operation: Operation,
        key: &str,
    ) -> ApiResult<Reply> {
        let user = self.resolve(context, key)?;
        context
            .caller
            .as_ref()
            .ok_or_else(|| ApiError::new("E0000006"))?
            .require_over(&user)?;
        require_settled(&user)?;
        if operation == Operation::ResetPassword && self.has(Quirk::ResetNeedsSendEmail) {
            flag(call, "sendEmail")?.ok_or_else(|| ApiError::validation("sendEmail", "sendEmail: is required"))?;
        }
        let target = match rule(operation, &user, &self.settings.quirks) {
            Ruling::To(status) => status,
            Ruling::Refused(code) => {
                let cause = format!(
                    "{operation:?} is not possible for a user who is {}",
                    user.status.as_str()
                );
                return Err(ApiError::new(code).because(cause));
            }
        };
        match operation {
            Operation::Unlock => self.unlock(context, &user),
            Operation::ResetPassword => self.reset_password(call, context, &user, target),
            Operation::ExpirePassword => self.expire(call, context, &user),
            Operation::ExpireWithTempPassword => self.expire_with_temporary(call, context, &user),
            Operation::Activate | Operation::Reactivate => self.activate(call, context, &user, operation, target),
            Operation::Suspend => self.suspend(context, &user, target, "user.lifecycle.suspend"),
            Operation::Unsuspend => self.suspend(context, &user, target, "user.lifecycle.unsuspend"),
            Operation::Deactivate => self.deactivate(call, context, &user),
        }
    }

    fn unlock(&mut self, context: &mut Context, user: &User) -> ApiResult<Reply> {
        self.edit(context, &user.id, |user, context| {
            user.lockout.clear();
            user.blocks.clear();
            user.enter(Status::Active, context.now);
            Ok(())
        })?;
        self.record(
            context,
            user,
            Event::success("user.account.unlock_by_admin", "Unlock user account"),
        );
        Ok(Reply::empty(StatusCode::OK))
    }

    fn reset_password(&mut self, call: &Call, context: &mut Context, user: &User, to: Status) -> ApiResult<Reply> {
        let mail = flag(call, "sendEmail")?.unwrap_or(true);
        let revoke = flag(call, "revokeSessions")?.unwrap_or(false);
        if call.parameter("provider").as_deref() == Some("FEDERATION") {
            return self.federate(context, user);
        }
        let token = random_token(20);
        let (expires, keep) = (self.link_expiry(context.now), self.has(Quirk::OldResetLinksLive));
        let changed = self.edit(context, &user.id, |user, context| {
            if user.provider.kind == ProviderType::Federation {
                user.provider = Provider::default();
            }
            user.add_link(&token, LinkKind::Reset, expires, keep);
            user.lockout.clear();
            user.enter(to, context.now);
            revoke_sessions(user, context, revoke);
            Ok(user.clone())
        })?;
        self.record(
            context,
            &changed,
            Event::success("user.account.reset_password", "User reset password"),
        );
        let address = reset_address(&context.base, &token);
        if mail {
            self.send(context, &changed, "reset-password", Some(address));
            return Ok(Reply::json(StatusCode::OK, &json!({})));
        }
        Ok(Reply::json(StatusCode::OK, &json!({"resetPasswordUrl": address})))
    }

    /// What `provider=FEDERATION` does: the account loses its password and signs in elsewhere from then on.
    fn federate(&mut self, context: &mut Context, user: &User) -> ApiResult<Reply> {
        self.edit(context, &user.id, |user, context| {
            user.provider = Provider {
                kind: ProviderType::Federation,
                name: "FEDERATION".into(),
            };
            user.password.clear();
            user.recovery_question = None;
            user.links.clear();
            user.enter(Status::Active, context.now);
            Ok(())
        })?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    fn expire(&mut self, call: &Call, context: &mut Context, user: &User) -> ApiResult<Reply> {
        let changed = self.edit(context, &user.id, |user, context| {
            user.password.must_change = true;
            user.lockout.clear();
            user.enter(Status::PasswordExpired, context.now);
            Ok(user.clone())
        })?;
        self.record(
            context,
            &changed,
            Event::success("user.account.expire_password", "Expire user password"),
        );
        let stored = self.user(&user.id).unwrap_or(&changed);
        Ok(Reply::json(
            StatusCode::OK,
            &shapes::user(self, stored, &call.base, Place::Single, Omit::default()),
        ))
    }

    fn expire_with_temporary(&mut self, call: &Call, context: &mut Context, user: &User) -> ApiResult<Reply> {
        let revoke = flag(call, "revokeSessions")?.unwrap_or(false);
        // A prefix that meets every class of the policy, then randomness.
        let temporary = format!("Tp7-{}", random_token(self.settings.password.min_length.max(8)));
        let changed = self.edit(context, &user.id, |user, context| {
            user.password.set(&temporary, context.now, true);
            user.password_changed = Some(context.now);
            user.lockout.clear();
            user.enter(Status::PasswordExpired, context.now);
            revoke_sessions(user, context, revoke);
            Ok(user.clone())
        })?;
        self.record(
            context,
            &changed,
            Event::success("user.account.expire_password", "Expire user password"),
        );
        Ok(Reply::json(StatusCode::OK, &json!({"tempPassword": temporary})))
    }

    fn activate(
        &mut self,
        call: &Call,
        context: &mut Context,
        user: &User,
        operation: Operation,
        to: Status,
    ) -> ApiResult<Reply> {
        let first = operation == Operation::Activate;
        let mail = flag(call, "sendEmail")?.unwrap_or(first);
        let (token, expires) = (random_token(20), self.link_expiry(context.now));
        let changed = self.edit(context, &user.id, |user, context| {
            if to == Status::Provisioned {
                user.add_link(&token, LinkKind::Activation, expires, false);
            }
            if user.status == Status::Deprovisioned {
                user.password.clear();
            }
            user.activated = Some(context.now);
            user.enter(to, context.now);
            Ok(user.clone())
        })?;
        let event = if first {
            "user.lifecycle.activate"
        } else {
            "user.lifecycle.reactivate"
        };
        self.record(context, &changed, Event::success(event, "Activate user"));
        let address = format!("{}/welcome/{token}", context.base);
        if to != Status::Provisioned {
            return Ok(Reply::json(StatusCode::OK, &json!({})));
        }
        if mail {
            self.send(context, &changed, "activation", Some(address));
            return Ok(Reply::json(StatusCode::OK, &json!({})));
        }
        Ok(Reply::json(
            StatusCode::OK,
            &json!({"activationUrl": address, "activationToken": token}),
        ))
    }

    fn suspend(&mut self, context: &mut Context, user: &User, to: Status, event: &'static str) -> ApiResult<Reply> {
        let changed = self.edit(context, &user.id, |user, context| {
            user.enter(to, context.now);
            if to == Status::Suspended {
                user.sessions.clear();
            }
            Ok(user.clone())
        })?;
        self.record(context, &changed, Event::success(event, "Suspend or unsuspend user"));
        Ok(Reply::empty(StatusCode::OK))
    }

    fn deactivate(&mut self, call: &Call, context: &mut Context, user: &User) -> ApiResult<Reply> {
        let mail = flag(call, "sendEmail")?.unwrap_or(false);
        let later = call
            .header("prefer")
            .is_some_and(|prefer| prefer.contains("respond-async"));
        let length = SignedDuration::from_millis(i64::try_from(self.settings.transition_ms).unwrap_or(0));
        let changed = self.edit(context, &user.id, |user, context| {
            user.sessions.clear();
            user.links.clear();
            user.password.clear();
            if later {
                user.transition = Some(Transition {
                    to: Status::Deprovisioned,
                    done: context.now + length,
                });
            } else {
                user.enter(Status::Deprovisioned, context.now);
            }
            Ok(user.clone())
        })?;
        self.record(
            context,
            &changed,
            Event::success("user.lifecycle.deactivate", "Deactivate user"),
        );
        if mail {
            self.send(context, &changed, "deactivation", None);
        }
        Ok(Reply::empty(StatusCode::OK))
    }
}

/// Ends a user's sessions where asked; the caller's own session survives.
pub(super) fn revoke_sessions(user: &mut User, context: &Context, asked: bool) {
    if !asked {
        return;
    }
    if context.caller_user() == Some(user.id.as_str()) {
        user.sessions.truncate(1);
    } else {
        user.sessions.clear();
    }
}
