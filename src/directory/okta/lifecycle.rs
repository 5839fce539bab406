//! What is changed in Okta: each operation one request, sent once, with exactly the query that stands here.
//!
//! Never used: the variants by which Okta generates a password or hands out a link, `PUT` of a user (it erases what is
//! left out), and parameters that come from outside.

use super::{
    Okta,
    client::{Ask, Reply},
    errors::Meaning,
    find::is_id,
    legality::Status,
    model::LogEvent,
    refusal::not_understood,
};
use crate::{
    directory::{Call, Lane},
    domain::account::{Failure, FailureClass, Sent},
    secret::Secret,
};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;
use zeroize::Zeroizing;

/// A request that changes one user.
struct Change<'a> {
    operation: &'static str,
    method: Method,
    id: &'a str,
    /// Below the user.
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<Zeroizing<Vec<u8>>>,
}

impl<'a> Change<'a> {
    fn post(operation: &'static str, id: &'a str, path: &'a [&'a str]) -> Self {
        Change {
            operation,
            method: Method::POST,
            id,
            path,
            query: &[],
            body: None,
        }
    }
}

/// What a change came to, before it is a [`Sent`].
enum Outcome {
    /// A good status; the body, or why it could not be read whole.
    Accepted(Result<Vec<u8>, Failure>),
    /// Okta refuses in a way that can mean that there is nothing to do: the account must be read to know.
    Arguable(Failure),
    /// Anything else.
    Sent(Sent),
}

impl Okta {
    /// Clears the lock. A refusal is believed only where the account shows one.
    pub(super) async fn send_unlock(&self, call: &Call, id: &str) -> Sent {
        match self
            .change(call, Change::post("unlock", id, &["lifecycle", "unlock"]))
            .await
        {
            // The body is empty and of no interest.
            Outcome::Accepted(_) => Sent::Done,
            Outcome::Arguable(refused) => self.judge_refused_unlock(call, id, refused).await,
            Outcome::Sent(sent) => sent,
        }
    }

    /// Okta refuses to unlock what is not locked, and what it may not unlock, with the same codes.
    async fn judge_refused_unlock(&self, call: &Call, id: &str, refused: Failure) -> Sent {
        let call = read_back(call);
        let Ok(user) = self.user(&call, id).await else {
            return Sent::Refused(refused);
        };
        let is_active = Status::parse(&user.status) == Status::Active && user.transitioning_to_status.is_none();
        match self.blocks(&call, &user).await {
            Ok(Ok(blocks)) if is_active && blocks.is_empty() => Sent::Done,
            _ => Sent::Refused(refused),
        }
    }

    /// Mails a link. Sessions are left alone: revoking them is a step of its own.
    pub(super) async fn mail_reset_link(&self, call: &Call, id: &str) -> Sent {
        const OPERATION: &str = "reset password";
        let change = Change {
            query: &[("sendEmail", "true"), ("revokeSessions", "false")],
            ..Change::post(OPERATION, id, &["lifecycle", "reset_password"])
        };
        // A link in the answer is a link that was not mailed, and is not for us to see.
        let is_mailed = |body: &Value| {
            body.as_object()
                .is_some_and(|object| !object.contains_key("resetPasswordUrl"))
        };
        self.change(call, change).await.judge(OPERATION, is_mailed)
    }

    /// Sets a password as an administrator: without `strict`, so that minimum age and history do not refuse a
    /// generated one.
    pub(super) async fn put_password(&self, call: &Call, id: &str, password: &Secret) -> Sent {
        const OPERATION: &str = "set password";
        let Ok(quoted) = serde_json::to_vec(password.expose()).map(Zeroizing::new) else {
            return Sent::NotSent(Failure::new(
                FailureClass::Permanent,
                "the password could not be encoded",
            ));
        };
        // Put together by hand: a JSON value would keep a copy of the password that is not wiped.
        let mut body = Zeroizing::new(Vec::with_capacity(quoted.len() + 64));
        body.extend_from_slice(br#"{"credentials":{"password":{"value":"#);
        body.extend_from_slice(&quoted);
        body.extend_from_slice(b"}}}");
        let change = Change {
            body: Some(body),
            ..Change::post(OPERATION, id, &[])
        };
        self.change(call, change)
            .await
            .judge(OPERATION, |body| is_user(body, id))
    }

    /// Makes the password expire, without the variant that makes Okta generate one.
    pub(super) async fn expire_password(&self, call: &Call, id: &str) -> Sent {
        const OPERATION: &str = "expire password";
        let change = Change::post(OPERATION, id, &["lifecycle", "expire_password"]);
        self.change(call, change)
            .await
            .judge(OPERATION, |body| is_user(body, id))
    }

    /// Ends Okta's sessions and revokes the OAuth tokens that Okta issued. Devices stay known: to forget them would
    /// make the owner's own device an unknown one, which Okta may block.
    pub(super) async fn clear_sessions(&self, call: &Call, id: &str) -> Sent {
        let change = Change {
            method: Method::DELETE,
            query: &[("oauthTokens", "true"), ("forgetDevices", "false")],
            ..Change::post("clear sessions", id, &["sessions"])
        };
        match self.change(call, change).await {
            Outcome::Accepted(_) => Sent::Done,
            // Whether an account without sessions is answered by 204 or 404 is not documented.
            Outcome::Arguable(_) if self.user(&read_back(call), id).await.is_ok() => Sent::Done,
            Outcome::Arguable(refused) => Sent::Refused(refused),
            Outcome::Sent(sent) => sent,
        }
    }

    /// Whether the log shows a reset of this account by the token's own administrator since then.
    pub(super) async fn log_shows_reset(&self, call: &Call, id: &str, since: Timestamp) -> bool {
        let Ok(own) = self.own_id(call).await else { return false };
        let filter = format!(
            "eventType eq \"user.account.reset_password\" and actor.id eq {} and target.id eq {}",
            Value::from(own),
            Value::from(id)
        );
        let from = log_time(since);
        // Without `until`: it would be a time of our clock, which may be behind, and leaves out what is written late.
        let query = [
            ("since", &*from),
            ("sortOrder", "ASCENDING"),
            ("filter", &*filter),
            ("limit", "100"),
        ];
        let url = self.client.url(&["api", "v1", "logs"], &query);
        let events: Result<Vec<LogEvent>, _> = self.client.get(call, "read system log", url).await;
        events.is_ok_and(|events| events.iter().any(|event| shows_reset(event, own, id, since)))
    }

    async fn change(&self, call: &Call, change: Change<'_>) -> Outcome {
        if !is_id(change.id) {
            let failure = Failure::new(FailureClass::Permanent, "this is not an id of an Okta account");
            return Outcome::Sent(Sent::NotSent(failure));
        }
        let segments = ["api", "v1", "users", change.id];
        let segments: Vec<&str> = segments.iter().chain(change.path).copied().collect();
        let ask = Ask {
            operation: change.operation,
            method: change.method,
            url: self.client.url(&segments, change.query),
            body: change.body,
        };
        match self.client.send(call, ask).await {
            Ok(reply) => Outcome::from(reply),
            Err(no_answer) => Outcome::Sent(no_answer.into()),
        }
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        let Some(refusal) = reply.refusal else {
            return Outcome::Accepted(reply.body);
        };
        match refusal.meaning {
            Some(Meaning::WrongState | Meaning::NotFound) => Outcome::Arguable(refusal.failure),
            _ => Outcome::Sent(refusal.into()),
        }
    }
}

impl Outcome {
    /// Done only where the answer is of the documented shape: a good status alone could be a proxy's.
    fn judge(self, operation: &'static str, is_done: impl FnOnce(&Value) -> bool) -> Sent {
        let body = match self {
            Outcome::Sent(sent) => return sent,
            Outcome::Arguable(failure) => return Sent::Refused(failure),
            Outcome::Accepted(Err(failure)) => return Sent::Unknown(failure),
            Outcome::Accepted(Ok(body)) => body,
        };
        match serde_json::from_slice(&body) {
            Ok(value) if is_done(&value) => Sent::Done,
            Ok(_) => Sent::Unknown(
                Failure::new(FailureClass::Unknown, "Okta's answer was not understood")
                    .detail(format!("{operation}: not the documented shape")),
            ),
            Err(error) => Sent::Unknown(not_understood(operation, &error)),
        }
    }
}

fn read_back(call: &Call) -> Call {
    Call {
        lane: Lane::ReadBack,
        ..*call
    }
}

fn is_user(body: &Value, id: &str) -> bool {
    body.get("id").and_then(Value::as_str) == Some(id)
}

fn shows_reset(event: &LogEvent, own: &str, id: &str, since: Timestamp) -> bool {
    let by = event.actor.as_ref().and_then(|actor| actor.id.as_deref());
    let about = event
        .target
        .iter()
        .flatten()
        .any(|target| target.id.as_deref() == Some(id));
    let outcome = event.outcome.as_ref().and_then(|outcome| outcome.result.as_deref());
    event.event_type == "user.account.reset_password"
        && by == Some(own)
        && about
        && outcome == Some("SUCCESS")
        && event.published.is_some_and(|published| published >= since)
}

/// A time as the log takes it: UTC with milliseconds.
pub(super) fn log_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
