//! What is changed in Keycloak: each operation one request, sent once, with exactly the body that stands here.
//!
//! A user is never written back whole: `attributes` that are left out of a body are deleted, and so are names. Never
//! used: the deletion of all failed sign-ins of the realm, which is the same path without an id.

use super::{Keycloak, account::UPDATE_PASSWORD, client::Ask, is_id, model::User, not_an_id};
use crate::{
    directory::Call,
    domain::account::{Failure, FailureClass, ReadFailure, Sent},
    secret::Secret,
};
use reqwest::Method;
use serde_json::json;
use zeroize::Zeroizing;

/// A request that changes one user.
struct Change<'a> {
    operation: &'static str,
    method: Method,
    path: &'a [&'a str],
    body: Option<Zeroizing<Vec<u8>>>,
}

impl Keycloak {
    /// Ends the lock that the account has in this very moment. Keycloak knows no precondition, so that an
    /// administrator who disables the account between this read and this write is overruled; the gap is one exchange.
    pub(super) async fn end_lock(&self, call: &Call, id: &str) -> Sent {
        let user = match self.user_to_change(call, id).await {
            Ok(user) => user,
            Err(sent) => return sent,
        };
        if user.is_locked_for_good() {
            let change = Change {
                operation: "enable after a permanent lock",
                method: Method::PUT,
                path: &["users", id],
                body: Some(body(&json!({"enabled": true}))),
            };
            return self.change(call, id, change).await;
        }
        if user.enabled != Some(true) {
            let words = "an administrator disabled the account; it is not enabled again";
            return Sent::Refused(Failure::new(FailureClass::Permanent, words));
        }
        self.forget_failures(call, id).await
    }

    /// Forgets the failed sign-ins, which ends a temporary lock and nothing else.
    pub(super) async fn forget_failures(&self, call: &Call, id: &str) -> Sent {
        let change = Change {
            operation: "forget failed sign-ins",
            method: Method::DELETE,
            path: &["attack-detection", "brute-force", "users", id],
            body: None,
        };
        self.change(call, id, change).await
    }

    /// Sets a password. A temporary one must be changed by its owner at the next sign-in; any other takes back that a
    /// change was required before.
    pub(super) async fn put_password(&self, call: &Call, id: &str, password: &Secret, temporary: bool) -> Sent {
        let Ok(quoted) = serde_json::to_vec(password.expose()).map(Zeroizing::new) else {
            let failure = Failure::new(FailureClass::Permanent, "the password could not be encoded");
            return Sent::NotSent(failure);
        };
        // Put together by hand: a JSON value would keep a copy of the password that is not wiped.
        let mut body = Zeroizing::new(Vec::with_capacity(quoted.len() + 64));
        let head = match temporary {
            true => br#"{"type":"password","temporary":true,"value":"#.as_slice(),
            false => br#"{"type":"password","temporary":false,"value":"#.as_slice(),
        };
        body.extend_from_slice(head);
        body.extend_from_slice(&quoted);
        body.extend_from_slice(b"}");
        let change = Change {
            operation: "set password",
            method: Method::PUT,
            path: &["users", id, "reset-password"],
            body: Some(body),
        };
        self.change(call, id, change).await
    }

    /// Mails a link to choose a new password, which lives as long as the realm's settings say.
    pub(super) async fn mail_link(&self, call: &Call, id: &str) -> Sent {
        let change = Change {
            operation: "mail a link",
            method: Method::PUT,
            path: &["users", id, "execute-actions-email"],
            body: Some(body(&json!([UPDATE_PASSWORD]))),
        };
        self.change(call, id, change).await
    }

    /// Adds the required action to those that the account has: what is sent replaces them all.
    pub(super) async fn add_required_action(&self, call: &Call, id: &str) -> Sent {
        let user = match self.user_to_change(call, id).await {
            Ok(user) => user,
            Err(sent) => return sent,
        };
        let mut actions = user.required_actions.unwrap_or_default();
        if actions.iter().any(|action| action == UPDATE_PASSWORD) {
            return Sent::Done;
        }
        actions.push(UPDATE_PASSWORD.to_owned());
        let change = Change {
            operation: "require a new password",
            method: Method::PUT,
            path: &["users", id],
            body: Some(body(&json!({"requiredActions": actions}))),
        };
        self.change(call, id, change).await
    }

    /// Ends the sessions. Access tokens that were handed out live on until their end; offline sessions are left alone.
    pub(super) async fn log_out(&self, call: &Call, id: &str) -> Sent {
        let change = Change {
            operation: "end sessions",
            method: Method::POST,
            path: &["users", id, "logout"],
            body: None,
        };
        self.change(call, id, change).await
    }

    /// The account as it is now. Nothing was sent to change it when this fails.
    async fn user_to_change(&self, call: &Call, id: &str) -> Result<User, Sent> {
        self.user(call, id).await.map_err(|failure| match failure {
            ReadFailure::NotFound | ReadFailure::Ambiguous => {
                Sent::Refused(Failure::new(FailureClass::Permanent, "the account is no longer there"))
            }
            ReadFailure::Failed(failure) => Sent::NotSent(failure),
        })
    }

    async fn change(&self, call: &Call, id: &str, change: Change<'_>) -> Sent {
        if !is_id(id) {
            return Sent::NotSent(not_an_id());
        }
        match self.client.own_id(call).await {
            Ok(own) if own == id => {
                let words = format!("{} is not done to the operator's own account", change.operation);
                return Sent::Refused(Failure::new(FailureClass::Permanent, words));
            }
            Ok(_) => {}
            Err(failure) => return Sent::NotSent(failure),
        }
        let operation = change.operation;
        let ask = Ask {
            operation,
            method: change.method,
            url: self.client.url(change.path, &[]),
            body: change.body,
        };
        let reply = match self.client.send(call, ask).await {
            Ok(reply) => reply,
            Err(no_answer) => return no_answer.into(),
        };
        let Some(refusal) = reply.refusal else {
            return match reply.status {
                204 => Sent::Done,
                // A good status alone could be a proxy's.
                status => Sent::Unknown(
                    Failure::new(FailureClass::Unknown, "Keycloak's answer was not understood")
                        .detail(format!("{operation}: status {status} instead of 204")),
                ),
            };
        };
        refusal.into()
    }
}

fn body(value: &serde_json::Value) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(value.to_string().into_bytes())
}
