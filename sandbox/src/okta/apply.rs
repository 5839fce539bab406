//! One call from arrival to answer: routing, rate limit, authentication, header checks, operation.
//!
//! Runs under the organisation's lock and without waiting, so that an operation takes effect at one moment.

use hyper::StatusCode;
use jiff::Timestamp;

use super::auth::Caller;
use super::errors::{ApiError, ApiResult};
use super::org::{Context, Okta};
use super::pages;
use super::quirks::Quirk;
use super::rate_limit::Standing;
use super::router::{Request, Routed, route};
use crate::directory::random_token;
use crate::exchange::{Call, Reply};
use crate::faults::FaultKind;

/// What was found out about a call before its operation runs.
#[derive(Debug)]
pub struct Admission {
    routed: ApiResult<Routed>,
    /// The caller, or why there is none.
    caller: ApiResult<Option<Caller>>,
    standing: Option<Standing>,
}

impl Admission {
    /// Name of the caller, for the truth log.
    pub fn caller_name(&self) -> Option<String> {
        self.caller.as_ref().ok()?.as_ref().map(|caller| caller.name.clone())
    }
}

impl Okta {
    /// The operation that a call asks for, as a path pattern.
    pub fn operation_name(&self, call: &Call) -> String {
        match route(&call.method, &call.path, self.has(Quirk::LoginWithSlash)) {
            Ok(routed) => routed.pattern.to_owned(),
            Err(_) => pages::token_of(&call.path).map_or("unknown", |_| "page").to_owned(),
        }
    }

    /// Takes a call in: finds its operation and caller and counts it against the rate limits.
    pub fn admit(&mut self, call: &Call, now: Timestamp) -> Admission {
        let routed = route(&call.method, &call.path, self.has(Quirk::LoginWithSlash));
        let caller = match &routed {
            Ok(Routed { right: Some(_), .. }) => self.authenticate(call, now).map(Some),
            _ => Ok(None),
        };
        let standing = routed.as_ref().ok().map(|routed| {
            let bucket = format!("{} {}", call.method, routed.pattern);
            let name = caller
                .as_ref()
                .ok()
                .and_then(Option::as_ref)
                .map(|caller| caller.name.clone());
            let hidden = self.has(Quirk::TokenShareHidden);
            self.rate_limits
                .count(&self.settings.rate_limits, &bucket, name.as_deref(), hidden, now)
        });
        Admission {
            routed,
            caller,
            standing,
        }
    }

    /// Runs an admitted call. What it changed is in the context afterwards.
    pub fn execute(&mut self, call: &Call, admission: &Admission, context: &mut Context) -> Reply {
        if let Some(token) = pages::token_of(&call.path) {
            return self.page(call, context, token);
        }
        let result = self.perform(call, admission, context);
        self.finish(call, admission, result.unwrap_or_else(|error| self.error_reply(&error)))
    }

    fn perform(&mut self, call: &Call, admission: &Admission, context: &mut Context) -> ApiResult<Reply> {
        let routed = admission.routed.as_ref().map_err(Clone::clone)?;
        let caller = admission.caller.as_ref().map_err(Clone::clone)?;
        if admission.standing.is_some_and(|standing| standing.exceeded) {
            return Err(ApiError::new("E0000047"));
        }
        if routed.request == Request::Token {
            return Ok(self.issue_token(call, context));
        }
        check_headers(call)?;
        if let (Some(right), Some(caller)) = (routed.right, caller) {
            caller.require(right)?;
        }
        context.caller.clone_from(caller);
        match &routed.request {
            Request::WellKnown => Ok(self.well_known(call)),
            Request::Token => unreachable!("answered above"),
            Request::ListUsers => self.list_users(call, context),
            Request::GetMe => self.get_me(call, context),
            Request::GetUser(key) => self.get_user(call, context, key),
            Request::UpdateUser(key) => self.update_user(call, context, key, false),
            Request::ReplaceUser(key) => self.update_user(call, context, key, true),
            Request::Blocks(key) => self.get_blocks(context, key),
            Request::Groups(key) => self.get_groups(call, context, key),
            Request::Roles(key) => self.get_roles(call, context, key),
            Request::Assignees => self.list_assignees(call),
            Request::Lifecycle(operation, key) => self.lifecycle(call, context, *operation, key),
            Request::ChangePassword(id) => self.change_password(call, context, id),
            Request::ForgotPassword(id) => self.forgot_password(call, context, id),
            Request::ClearSessions(id) => self.clear_sessions(call, context, id),
            Request::Logs => self.get_logs(call, context),
        }
    }

    fn error_reply(&self, error: &ApiError) -> Reply {
        if error.status == StatusCode::UNAUTHORIZED && self.has(Quirk::Empty401) {
            return Reply {
                error_code: Some(error.code.to_owned()),
                ..Reply::empty(StatusCode::UNAUTHORIZED)
            };
        }
        error.reply(&format!("oae{}", random_token(17)))
    }

    /// Adds the headers that every answer carries.
    fn finish(&self, call: &Call, admission: &Admission, reply: Reply) -> Reply {
        let reply = reply
            .with_header("x-okta-request-id", &call.request_id)
            .with_header("cache-control", "no-store");
        match admission.standing {
            Some(standing) => with_standing(reply, standing),
            None => reply,
        }
    }

    /// An answer that a fault puts in the place of the operation's own, where it does; the real one's headers stay.
    pub fn fault_reply(&self, kind: &FaultKind, call: &Call, admission: &Admission, now: Timestamp) -> Option<Reply> {
        let error = |code| self.finish(call, admission, self.error_reply(&ApiError::new(code)));
        let limited = |limit, reset_seconds: u64| {
            let reset = now.as_second() + i64::try_from(reset_seconds).unwrap_or(60);
            let standing = Standing {
                limit,
                remaining: 0,
                reset,
                exceeded: true,
            };
            let admission = Admission {
                routed: Err(ApiError::new("E0000047")),
                caller: Ok(None),
                standing: Some(standing),
            };
            self.finish(call, &admission, self.error_reply(&ApiError::new("E0000047")))
        };
        Some(match kind {
            FaultKind::RateLimited { limit, reset_seconds } => limited(*limit, *reset_seconds),
            FaultKind::ConcurrencyLimited => limited(0, 60),
            FaultKind::Unavailable => error("E0000010"),
            FaultKind::ErrorNotApplied | FaultKind::ErrorApplied => error("E0000009"),
            FaultKind::Status { status, body } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
                let mut reply = Reply::empty(status).with_header("content-type", "text/html");
                reply.body = body.clone().unwrap_or_default().into();
                reply
            }
            FaultKind::Redirect { location } => Reply::empty(StatusCode::FOUND).with_header("location", location),
            _ => return None,
        })
    }
}

fn with_standing(reply: Reply, standing: Standing) -> Reply {
    reply
        .with_header("x-rate-limit-limit", &standing.limit.to_string())
        .with_header("x-rate-limit-remaining", &standing.remaining.to_string())
        .with_header("x-rate-limit-reset", &standing.reset.to_string())
}

/// Checks the media types that a call names.
fn check_headers(call: &Call) -> ApiResult<()> {
    let is_json =
        |value: &str| value.contains("application/json") || value.contains("*/*") || value.contains("application/*");
    if call.header("accept").is_some_and(|accept| !is_json(accept)) {
        return Err(ApiError::new("E0000019"));
    }
    match call.header("content-type") {
        None if !call.body.is_empty() => Err(ApiError::new("E0000018")),
        Some(given) if !call.body.is_empty() && !given.starts_with("application/json") => {
            Err(ApiError::new("E0000021"))
        }
        _ => Ok(()),
    }
}
