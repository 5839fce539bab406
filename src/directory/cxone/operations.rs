//! What is changed of a person: a password is set, a session ended. Each is one call, sent once.
//!
//! A password travels in the address, as CXone's API demands: it goes from the secret into the address and nowhere else.

use super::{
    Cxone,
    account::RESET_BY_HAND,
    client::{Api, Ask, Refusal, failed_inside, not_understood},
    errors::Meaning,
    model::is_number,
};
use crate::{
    directory::Call,
    domain::account::{Failure, FailureClass, Sent},
    secret::Secret,
};
use reqwest::Method;
use serde_json::Value;

/// The one word by which a reset is known to be done; others are not documented.
const SUCCESS: &str = "SUCCESS";

impl Cxone {
    /// Sets a password that must be changed at the next sign-in. It does not clear a lock.
    pub(super) async fn reset_password(&self, call: &Call, id: &str, password: &Secret) -> Sent {
        const OPERATION: &str = "set password";
        if let Err(failure) = numeric(id) {
            return Sent::NotSent(failure);
        }
        let ask = Ask {
            operation: OPERATION,
            api: Api::Admin,
            method: Method::PUT,
            path: &["agents", id, "reset-password"],
            query: &[("forceChangeOnLogon", "true")],
            secret: Some(("requestedPassword", password)),
        };
        let reply = match self.client.ask(call, ask).await {
            Ok(reply) => reply,
            Err(refusal) => return by_hand(refusal),
        };
        if reply.status == 204 {
            return Sent::Done;
        }
        if let Some(failure) = failed_inside(OPERATION, &reply.body) {
            return Sent::Refused(failure);
        }
        let result = reply
            .body
            .get("resetResult")
            .and_then(|it| it.get("passwordComplexityResult"));
        match result.and_then(Value::as_str) {
            Some(word) if word.eq_ignore_ascii_case(SUCCESS) => Sent::Done,
            // What it says instead is not documented, and might repeat the password.
            Some(_) => Sent::Refused(Failure::new(
                FailureClass::Permanent,
                "CXone did not accept a password like this; look at the password rules of the person's security profile or \
                 login authenticator, and set password.length in the policy accordingly",
            )),
            None => Sent::Unknown(not_understood(OPERATION)),
        }
    }

    /// Ends the agent's session.
    pub(super) async fn log_out(&self, call: &Call, id: &str) -> Sent {
        const OPERATION: &str = "end session";
        if let Err(failure) = numeric(id) {
            return Sent::NotSent(failure);
        }
        let ask = Ask {
            operation: OPERATION,
            api: Api::Admin,
            method: Method::POST,
            path: &["agents", id, "logout"],
            query: &[],
            secret: None,
        };
        match self.client.ask(call, ask).await {
            Ok(reply) => match failed_inside(OPERATION, &reply.body) {
                Some(failure) => Sent::Refused(failure),
                None => Sent::Done,
            },
            Err(refusal) => refusal.into(),
        }
    }
}

/// Tenants that keep passwords elsewhere refuse: then only the console helps.
fn by_hand(mut refusal: Refusal) -> Sent {
    if matches!(refusal.meaning, Some(Meaning::Permanent | Meaning::NotFound)) {
        refusal.failure.public = format!("{}; {RESET_BY_HAND}", refusal.failure.public);
    }
    refusal.into()
}

fn numeric(id: &str) -> Result<(), Failure> {
    match is_number(id) {
        true => Ok(()),
        false => Err(Failure::new(FailureClass::Permanent, "this is not an agentId of CXone")),
    }
}
