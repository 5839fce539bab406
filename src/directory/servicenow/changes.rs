//! What is changed of a user: each operation one PATCH, sent once, and compared with what came back.
//!
//! A field without the right to write it is dropped while the answer is still 200, and rules may change what was sent:
//! only the answer's values count. A password is written alone and as a display value: without
//! `sysparm_input_display_value` it is stored as given and no sign-in works with it, and with it every other value would be
//! taken as a label.

use super::{
    ServiceNow,
    client::{Ask, not_understood},
    model::Record,
    query,
};
use crate::{
    directory::Call,
    domain::account::{Failure, FailureClass, ReadFailure, Sent},
    secret::Secret,
};
use reqwest::Method;
use serde_json::json;
use zeroize::Zeroizing;

/// The fields that a written user is answered with.
const BACK: &str =
    "sys_id,user_name,active,locked_out,failed_attempts,password_needs_reset,sys_mod_count,sys_updated_by";

impl ServiceNow {
    /// Clears the lock, and the counter that would bring it back at the next wrong sign-in.
    pub(super) async fn clear_lock(&self, call: &Call, id: &str) -> Sent {
        let body = json!({"locked_out": "false", "failed_attempts": "0"});
        match self.patch(call, "unlock", id, &[], text(&body)).await {
            Err(sent) => sent,
            Ok(user) => match user.flag("locked_out") {
                Some(false) => {
                    if user.number("failed_attempts") != Some(0) {
                        tracing::warn!(
                            "ServiceNow cleared a lock and kept failed_attempts: the next wrong sign-in locks again"
                        );
                    }
                    Sent::Done
                }
                Some(true) => dropped("sys_user.locked_out"),
                None => unreadable("unlock"),
            },
        }
    }

    /// Makes the owner change the password at the next sign-in.
    pub(super) async fn flag_reset(&self, call: &Call, id: &str) -> Sent {
        let body = json!({"password_needs_reset": "true"});
        match self.patch(call, "require change", id, &[], text(&body)).await {
            Err(sent) => sent,
            Ok(user) => match user.flag("password_needs_reset") {
                Some(true) => Sent::Done,
                Some(false) => dropped("sys_user.password_needs_reset"),
                None => unreadable("require change"),
            },
        }
    }

    /// Sets a password. It never comes back, so that the count of changes must tell whether it was taken.
    pub(super) async fn write_password(&self, call: &Call, id: &str, password: &Secret) -> Sent {
        const OPERATION: &str = "set password";
        if let Err(failure) = self.own_id(call).await {
            return Sent::NotSent(failure);
        }
        let before = match self.count(call, id).await {
            Ok(count) => count,
            Err(sent) => return sent,
        };
        let Ok(quoted) = serde_json::to_vec(password.expose()).map(Zeroizing::new) else {
            let words = "the password could not be encoded";
            return Sent::NotSent(Failure::new(FailureClass::Permanent, words));
        };
        // Put together by hand: a JSON value would keep a copy of the password that is not wiped.
        let mut body = Zeroizing::new(Vec::with_capacity(quoted.len() + 32));
        body.extend_from_slice(br#"{"user_password":"#);
        body.extend_from_slice(&quoted);
        body.push(b'}');
        let as_display = [("sysparm_input_display_value", "true")];
        match self.patch(call, OPERATION, id, &as_display, body).await {
            Err(sent) => sent,
            Ok(user) => match user.number("sys_mod_count") {
                Some(count) if count == before => dropped("sys_user.user_password"),
                // It moved: ours is in it only where the last change is by us, somebody else may have written too.
                Some(_) if self.is_by_us(&user) => Sent::Done,
                Some(_) => Sent::Unknown(Failure::new(
                    FailureClass::Unknown,
                    "somebody else changed the account at the same moment; whether the password was set cannot be told",
                )),
                None => unreadable(OPERATION),
            },
        }
    }

    /// How often the user was changed.
    async fn count(&self, call: &Call, id: &str) -> Result<u64, Sent> {
        let read = self
            .record(
                call,
                "read user",
                ("sys_user", id),
                &[("sysparm_fields", "sys_id,sys_mod_count")],
            )
            .await;
        let user = match read {
            Ok(user) => user,
            Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => {
                let words = "there is no such account any more, or it may not be seen";
                return Err(Sent::NotSent(Failure::new(FailureClass::Permanent, words)));
            }
            Err(ReadFailure::Failed(failure)) => return Err(Sent::NotSent(failure)),
        };
        user.number("sys_mod_count").ok_or_else(|| {
            let words = "ServiceNow does not show sys_user.sys_mod_count, by which a set password is known; grant the operator's user \
                         the right to read it";
            Sent::NotSent(Failure::new(FailureClass::NeedsConfig, words))
        })
    }

    /// Whether the last change of a user is by the operator.
    fn is_by_us(&self, user: &Record) -> bool {
        let by = user.value("sys_updated_by").unwrap_or_default();
        self.own.name().is_some_and(|own| own.eq_ignore_ascii_case(by))
    }

    async fn patch(
        &self,
        call: &Call,
        operation: &'static str,
        id: &str,
        query: &[(&str, &str)],
        body: Zeroizing<Vec<u8>>,
    ) -> Result<Record, Sent> {
        let query: Vec<_> = query.iter().copied().chain([("sysparm_fields", BACK)]).collect();
        self.write(call, operation, ("sys_user", id), &query, body).await
    }

    /// Writes a record, and gives it as it came back.
    ///
    /// # Errors
    /// Where that leaves the write, unless it was answered with the record.
    pub(super) async fn write(
        &self,
        call: &Call,
        operation: &'static str,
        (table, id): (&str, &str),
        query: &[(&str, &str)],
        body: Zeroizing<Vec<u8>>,
    ) -> Result<Record, Sent> {
        if !query::is_sys_id(id) {
            let failure = Failure::new(FailureClass::Permanent, "this is not a sys_id of ServiceNow");
            return Err(Sent::NotSent(failure));
        }
        let ask = Ask {
            operation,
            method: Method::PATCH,
            path: &[table, id],
            query,
            body: Some(body),
        };
        let reply = self.client.ask(call, ask).await.map_err(Sent::from)?;
        match Record::of(reply.result) {
            Some(record) if record.value("sys_id").is_some_and(|had| had.eq_ignore_ascii_case(id)) => Ok(record),
            // A good status about something else proves nothing.
            _ => Err(Sent::Unknown(not_understood(operation))),
        }
    }
}

/// A body without secrets.
pub(super) fn text(body: &serde_json::Value) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(body.to_string().into_bytes())
}

/// The answer was good, and the value is as it was.
pub(super) fn dropped(field: &str) -> Sent {
    Sent::Refused(Failure::new(
        FailureClass::NeedsConfig,
        format!(
            "ServiceNow answered that it was done and left {field} as it was; grant the operator's user the right to write \
             it, or look for a business rule"
        ),
    ))
}

fn unreadable(operation: &'static str) -> Sent {
    let words = "ServiceNow does not show what became of the change";
    Sent::Unknown(Failure::new(FailureClass::Unknown, words).detail(format!("{operation}: the field was left out")))
}
