//! One call from arrival to answer: routing, authentication, rate rules, header checks, operation.
//!
//! Runs under the instance's lock and without waiting, so that an operation takes effect at one moment.

use hyper::{Method, StatusCode};
use jiff::Timestamp;

use super::auth::{Caller, NotIn};
use super::errors::{ApiError, ApiResult};
use super::instance::{Context, ServiceNow};
use super::quirks::Quirk;
use super::rate_limit::Standing;
use super::router::{Request, Routed, route};
use crate::directory::stable_id;
use crate::exchange::{Call, Reply};
use crate::faults::FaultKind;
use crate::service::{Effects, Host, Service, bare_reply};
use crate::shared::Shared;
use crate::truth::{Change, Origin};

/// What was found out about a call before its operation runs.
#[derive(Debug)]
pub struct Admission {
    routed: ApiResult<Routed>,
    /// The caller, or why there is none; nobody calls the token endpoint.
    caller: Result<Option<Caller>, NotIn>,
    standing: Option<Standing>,
    /// What a wrong password changed.
    changes: Vec<Change>,
}

impl Service for ServiceNow {
    type Admission = Admission;

    fn host(shared: &Shared) -> &Host<Self> {
        &shared.servicenow
    }

    fn operation(&self, call: &Call) -> (String, Origin) {
        let name = match route(&call.method, &call.path) {
            Ok(routed) => routed.pattern.to_owned(),
            Err(_) => "unknown".to_owned(),
        };
        (name, Origin::Api)
    }

    fn admit(&mut self, call: &Call, now: Timestamp) -> Admission {
        let mut context = Context::internal(now);
        let routed = route(&call.method, &call.path);
        let caller = match &routed {
            Ok(routed) if routed.request != Request::Token => self.authenticate(&mut context, call).map(Some),
            _ => Ok(None),
        };
        let (table, name) = (
            routed.as_ref().ok().and_then(Routed::table),
            caller
                .as_ref()
                .ok()
                .and_then(Option::as_ref)
                .map(|caller| caller.user_name.clone()),
        );
        let late = self.has(Quirk::RateCountsLate);
        let rules = (self.settings.rate_rules.as_slice(), late);
        let standing = name.and_then(|name| self.rate_limits.count(rules, &name, table, now));
        Admission {
            routed,
            caller,
            standing,
            changes: context.effects.changes,
        }
    }

    fn caller(admission: &Admission) -> Option<String> {
        admission
            .caller
            .as_ref()
            .ok()?
            .as_ref()
            .map(|caller| caller.user_name.clone())
    }

    fn concurrency(&self) -> Option<usize> {
        Some(self.settings.semaphore)
    }

    fn execute(&mut self, call: &Call, admission: &Admission, now: Timestamp) -> (Reply, Effects) {
        let mut context = Context::internal(now);
        context.effects.changes.clone_from(&admission.changes);
        let result = self.perform(&mut context, call, admission);
        let reply = result.unwrap_or_else(|error| error.reply(self.has(Quirk::LocalizedErrors)));
        (self.finish(call, admission, reply), context.effects)
    }

    fn fault_reply(&self, fault: &FaultKind, call: &Call, admission: &Admission, now: Timestamp) -> Option<Reply> {
        let error = |status, message| ApiError::with_status(status, message).reply(self.has(Quirk::LocalizedErrors));
        let reply = match fault {
            FaultKind::RateLimited { limit, reset_seconds } => {
                let seconds = i64::try_from(*reset_seconds).unwrap_or(60);
                let standing = Standing {
                    rule: "rule".into(),
                    limit: *limit,
                    reset: now.as_second() + seconds,
                    retry_after: Some(seconds),
                };
                return Some(with_standing(error(StatusCode::TOO_MANY_REQUESTS, "limit"), &standing));
            }
            FaultKind::ConcurrencyLimited if self.has(Quirk::SemaphorePlain429) => {
                let mut reply = Reply::empty(StatusCode::TOO_MANY_REQUESTS).with_header("content-type", "text/html");
                reply.body = "<html>Semaphore limit reached</html>".into();
                reply
            }
            FaultKind::ConcurrencyLimited => error(StatusCode::TOO_MANY_REQUESTS, "Transaction rejected"),
            FaultKind::Unavailable => error(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable"),
            FaultKind::ErrorNotApplied | FaultKind::ErrorApplied => {
                error(StatusCode::INTERNAL_SERVER_ERROR, "Transaction cancelled")
            }
            other => return bare_reply(other),
        };
        Some(self.finish(call, admission, reply))
    }

    fn settle(&mut self, now: Timestamp) -> Vec<Change> {
        self.pass_time(now)
    }
}

impl ServiceNow {
    fn perform(&mut self, context: &mut Context, call: &Call, admission: &Admission) -> ApiResult<Reply> {
        if self.has(Quirk::Hibernating) {
            return Ok(hibernating());
        }
        let routed = admission.routed.as_ref().map_err(Clone::clone)?;
        let is_write = !matches!(call.method, Method::GET) && routed.request != Request::Token;
        let queued = call.header("cookie").is_some() && self.has(Quirk::SessionQueue);
        if queued || (is_write && self.has(Quirk::QueueOverflow202)) {
            return Ok(Reply::empty(StatusCode::ACCEPTED));
        }
        let caller = match &admission.caller {
            Ok(caller) => caller,
            Err(NotIn { error, mfa }) => {
                let reply = error.reply(self.has(Quirk::LocalizedErrors));
                return Ok(if *mfa {
                    reply.with_header("x-mfa_token", "invalid")
                } else {
                    reply
                });
            }
        };
        let Some(caller) = caller else {
            return Ok(self.issue_token(call, context));
        };
        if admission
            .standing
            .as_ref()
            .is_some_and(|standing| standing.retry_after.is_some())
        {
            return Err(ApiError::with_status(StatusCode::TOO_MANY_REQUESTS, "limit"));
        }
        check_headers(call, is_write)?;
        context.caller = Some(caller.clone());
        match &routed.request {
            Request::Token => Ok(self.issue_token(call, context)),
            Request::List(table) => self.list(context, call, caller, routed, table),
            Request::Read(table, id) => self.read(context, call, caller, table, id),
            Request::Update(table, id) => self.update(context, call, caller, table, id),
            Request::Create(table) => self.create(context, call, caller, table),
            Request::Delete(table, id) => self.delete(context, caller, table, id),
        }
    }

    /// Adds the headers that every answer carries.
    fn finish(&self, call: &Call, admission: &Admission, reply: Reply) -> Reply {
        let session = format!("JSESSIONID={}; Path=/; HttpOnly", stable_id("", &call.request_id, 32));
        let reply = reply.with_header("set-cookie", &session);
        match &admission.standing {
            Some(standing) => with_standing(reply, standing),
            None => reply,
        }
    }
}

fn hibernating() -> Reply {
    let mut reply = Reply::empty(StatusCode::OK).with_header("content-type", "text/html;charset=UTF-8");
    reply.body = "<html><title>Instance Hibernating page</title></html>".into();
    reply
}

fn with_standing(reply: Reply, standing: &Standing) -> Reply {
    let reply = reply
        .with_header("x-ratelimit-limit", &standing.limit.to_string())
        .with_header("x-ratelimit-reset", &standing.reset.to_string())
        .with_header("x-ratelimit-rule", &standing.rule);
    match standing.retry_after {
        Some(seconds) => reply.with_header("retry-after", &seconds.to_string()),
        None => reply,
    }
}

/// Checks the media types that a call names: missing is 400.
fn check_headers(call: &Call, is_write: bool) -> ApiResult<()> {
    let is_json = |value: &str| value.contains("application/json");
    match call.header("accept") {
        None => return Err(ApiError::bad_request("The Accept header is missing")),
        Some(accept) if !is_json(accept) => {
            return Err(ApiError::with_status(StatusCode::NOT_ACCEPTABLE, "Unsupported Accept"));
        }
        Some(_) => {}
    }
    match call.header("content-type") {
        None if is_write && !call.body.is_empty() => Err(ApiError::bad_request("The Content-Type header is missing")),
        Some(given) if is_write && !is_json(given) => Err(ApiError::with_status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Content-Type",
        )),
        _ => Ok(()),
    }
}
