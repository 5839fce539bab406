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
use crate::service::{Effects, Host, Service, bare_reply};
use crate::shared::Shared;
use crate::truth::{Change, Origin};

/// What was found out about a call before its operation runs.
#[derive(Debug)]
pub struct Admission {
    routed: ApiResult<Routed>,
    /// The caller, or why there is none.
    caller: ApiResult<Option<Caller>>,
    standing: Option<Standing>,
}

impl Service for Okta {
    type Admission = Admission;

    fn host(shared: &Shared) -> &Host<Self> {
        &shared.okta
    }

    fn operation(&self, call: &Call) -> (String, Origin) {
        let is_page = call.path.starts_with("/signin/") || call.path.starts_with("/welcome/");
        let origin = if is_page { Origin::Page } else { Origin::Api };
        let name = match route(&call.method, &call.path, self.has(Quirk::LoginWithSlash)) {
            Ok(routed) => routed.pattern.to_owned(),
            Err(_) => pages::token_of(&call.path).map_or("unknown", |_| "page").to_owned(),
        };
        (name, origin)
    }

    fn admit(&mut self, call: &Call, now: Timestamp) -> Admission {
        let routed = route(&call.method, &call.path, self.has(Quirk::LoginWithSlash));
        let caller = match &routed {
            Ok(Routed { right: Some(_), .. }) => self.authenticate(call, now).map(Some),
            _ => Ok(None),
        };
        let standing = routed.as_ref().ok().map(|routed| {
            let bucket = format!("{} {}", call.method, routed.pattern);
            let caller = caller.as_ref().ok().and_then(Option::as_ref);
            let name = caller.map(|caller| caller.name.as_str());
            let hidden = self.has(Quirk::TokenShareHidden);
            self.rate_limits
                .count(&self.settings.rate_limits, &bucket, name, hidden, now)
        });
        Admission {
            routed,
            caller,
            standing,
        }
    }

    fn caller(admission: &Admission) -> Option<String> {
        admission
            .caller
            .as_ref()
            .ok()?
            .as_ref()
            .map(|caller| caller.name.clone())
    }

    fn concurrency(&self) -> Option<usize> {
        let limits = &self.settings.rate_limits;
        limits.enabled.then_some(limits.concurrency)
    }

    fn execute(&mut self, call: &Call, admission: &Admission, now: Timestamp) -> (Reply, Effects) {
        let mut context = Context::internal(now, &call.base);
        context.request_id.clone_from(&call.request_id);
        let reply = self.run(call, admission, &mut context);
        (reply, context.into_effects())
    }

    fn fault_reply(&self, fault: &FaultKind, call: &Call, admission: &Admission, now: Timestamp) -> Option<Reply> {
        self.in_place_of(fault, call, admission, now)
    }

    fn settle(&mut self, now: Timestamp) -> Vec<Change> {
        self.pass_time(now)
    }
}

impl Okta {
    /// Runs an admitted call. What it changed is in the context afterwards.
    fn run(&mut self, call: &Call, admission: &Admission, context: &mut Context) -> Reply {
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
        let key = &routed.user;
        match routed.request {
            Request::WellKnown => Ok(self.well_known(call)),
            Request::Token => unreachable!("answered above"),
            Request::ListUsers => self.list_users(call, context),
            Request::GetMe => self.get_me(call, context),
            Request::GetUser => self.get_user(call, context, key),
            Request::UpdateUser => self.update_user(call, context, key, false),
            Request::ReplaceUser => self.update_user(call, context, key, true),
            Request::Blocks => self.get_blocks(context, key),
            Request::Groups => self.get_groups(call, context, key),
            Request::Roles => self.get_roles(call, context, key),
            Request::Assignees => self.list_assignees(call),
            Request::Lifecycle(operation) => self.lifecycle(call, context, operation, key),
            Request::ChangePassword => self.change_password(call, context, key),
            Request::ForgotPassword => self.forgot_password(call, context, key),
            Request::ClearSessions => self.clear_sessions(call, context, key),
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
    fn in_place_of(&self, kind: &FaultKind, call: &Call, admission: &Admission, now: Timestamp) -> Option<Reply> {
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
            other => return bare_reply(other),
        })
    }
}

fn with_standing(reply: Reply, standing: Standing) -> Reply {
    reply
        .with_number("x-rate-limit-limit", standing.limit.into())
        .with_number("x-rate-limit-remaining", standing.remaining.into())
        .with_number("x-rate-limit-reset", standing.reset)
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
