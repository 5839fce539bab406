//! One call from arrival to answer: routing, token, rate, header checks, operation.
//!
//! Runs under the tenant's lock and without waiting, so that an operation takes effect at one moment.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::errors::{ApiError, ApiResult};
use super::quirks::Quirk;
use super::router::{Request, route};
use super::tenant::{Context, Cxone};
use crate::directory::fingerprint;
use crate::exchange::{Call, Reply};
use crate::faults::FaultKind;
use crate::service::{Effects, Host, Service, bare_reply};
use crate::shared::Shared;
use crate::truth::{Change, Origin};

/// What was found out about a call before its operation runs.
#[derive(Debug)]
pub struct Admission {
    request: ApiResult<Request>,
    /// User name of the caller.
    caller: Option<String>,
    throttled: bool,
}

impl Service for Cxone {
    type Admission = Admission;

    fn host(shared: &Shared) -> &Host<Self> {
        &shared.cxone
    }

    fn operation(&self, call: &Call) -> (String, Origin) {
        let name = match route(&call.method, &call.path) {
            Ok(request) => request.pattern(),
            Err(_) => "unknown",
        };
        (name.to_owned(), Origin::Api)
    }

    fn shown_query(call: &Call) -> String {
        if !call.query.contains("requestedPassword") {
            return call.query.clone();
        }
        let mut shown = form_urlencoded::Serializer::new(String::new());
        for (name, value) in call.parameters() {
            let value = match name.as_str() {
                "requestedPassword" => fingerprint(&value),
                _ => value,
            };
            shown.append_pair(&name, &value);
        }
        shown.finish()
    }

    fn admit(&mut self, call: &Call, now: Timestamp) -> Admission {
        let second = now.as_second();
        self.window = match self.window {
            (at, count) if at == second => (at, count + 1),
            _ => (second, 1),
        };
        Admission {
            request: route(&call.method, &call.path),
            caller: self.caller(call, now).map(|agent| agent.user_name.clone()),
            throttled: self.settings.per_second.is_some_and(|most| self.window.1 > most),
        }
    }

    fn caller(admission: &Admission) -> Option<String> {
        admission.caller.clone()
    }

    fn concurrency(&self) -> Option<usize> {
        None
    }

    fn execute(&mut self, call: &Call, admission: &Admission, now: Timestamp) -> (Reply, Effects) {
        let mut context = Context::new(now);
        let result = self.perform(&mut context, call, admission);
        let reply = result.unwrap_or_else(|error| self.refusal(&error));
        (reply, context.effects)
    }

    fn fault_reply(&self, fault: &FaultKind, _: &Call, _: &Admission, _: Timestamp) -> Option<Reply> {
        let error = |status, code| self.refusal(&ApiError::admin(status, code, code));
        Some(match fault {
            FaultKind::RateLimited { reset_seconds, .. } => {
                error(StatusCode::TOO_MANY_REQUESTS, "throttled").with_header("retry-after", &reset_seconds.to_string())
            }
            FaultKind::ConcurrencyLimited => self.throttled(),
            FaultKind::Unavailable => error(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            FaultKind::ErrorNotApplied | FaultKind::ErrorApplied => {
                error(StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
            other => return bare_reply(other),
        })
    }

    fn settle(&mut self, now: Timestamp) -> Vec<Change> {
        self.pass_time(now)
    }
}

impl Cxone {
    fn perform(&mut self, context: &mut Context, call: &Call, admission: &Admission) -> ApiResult<Reply> {
        let request = admission.request.as_ref().map_err(Clone::clone)?;
        if admission.throttled {
            return Ok(self.throttled());
        }
        if !request.is_open() {
            self.check(call, request, admission)?;
        }
        match request {
            Request::OpenId => Ok(self.openid(call)),
            Request::Discovery => self.discovery(call),
            Request::Token => self.issue_token(call, context),
            Request::KeyToken => self.issue_by_key(call, context),
            Request::KeyRefresh => self.refresh_by_key(call, context),
            Request::Agents => Ok(self.list(call, context)),
            Request::AgentSearch => self.search(call),
            Request::Agent(id) => self.read(call, context, id),
            Request::ResetPassword(id) => self.reset(context, call, id),
            Request::Logout(id) => self.logout(context, id),
            Request::Versions => self.versions(call),
            Request::BusinessUnit => Ok(self.business_unit()),
            Request::ServerTime => Ok(Reply::json(StatusCode::OK, &json!({"ServerTime": context.now}))),
            Request::HubUser(id) => self.hub_user(context, id),
        }
    }

    fn check(&self, call: &Call, request: &Request, admission: &Admission) -> ApiResult<()> {
        if admission.caller.is_none() {
            return Err(match request.is_userhub() {
                true => ApiError::userhub(StatusCode::UNAUTHORIZED, "Unauthorized"),
                false => ApiError::admin(StatusCode::UNAUTHORIZED, "invalid_token", "The token is not valid"),
            });
        }
        if request.is_userhub() {
            return Ok(());
        }
        let accepts = call
            .header("accept")
            .is_some_and(|accept| accept.contains("application/json"));
        if !accepts && self.has(Quirk::AcceptDemanded) {
            let text = "There is no way to render the data";
            return Err(ApiError::admin(StatusCode::BAD_REQUEST, "not_acceptable", text));
        }
        if self.has(Quirk::VersionUnknown) {
            return Err(ApiError::admin(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is no such resource",
            ));
        }
        if self.has(Quirk::Version405) {
            return Err(ApiError::admin(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The method is not allowed",
            ));
        }
        Ok(())
    }

    fn throttled(&self) -> Reply {
        let reply = self.refusal(&ApiError::admin(
            StatusCode::TOO_MANY_REQUESTS,
            "throttled",
            "Too many requests",
        ));
        match self.has(Quirk::ThrottledWithoutRetryAfter) {
            true => reply,
            false => reply.with_header("retry-after", "2"),
        }
    }
}
