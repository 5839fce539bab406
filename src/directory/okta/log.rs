//! The system log, as far as it tells of locks: read by polling, with Okta's own next link as the cursor.
//!
//! Polling (ascending, without `until`) goes by when an event was stored, so that nothing is left out, though times of
//! events can go backwards. Every page has a next link, the empty one too. A cursor is used as it came: `after` is not made
//! by hand, nor sent together with `since`. Source: developer.okta.com/docs/reference/system-log-query.

use super::{
    Okta,
    errors::Meaning,
    lifecycle::log_time,
    model::{LogEvent, LogObject},
    pages,
    refusal::Refusal,
};
use crate::{
    directory::{Call, LogPage, LogStart},
    domain::{
        account::{Failure, FailureClass},
        lock_log::{LockEvent, Turn},
    },
};
use reqwest::Url;

/// How many a page: Okta's own most.
const PAGE: usize = 1000;
/// What is asked for. `lock.limit` is a lock that Okta does not end by itself.
const FILTER: &str = r#"eventType eq "user.account.lock" or eventType eq "user.account.lock.limit" or eventType eq "user.account.unlock" or eventType eq "user.account.unlock_by_admin""#;

impl Okta {
    /// One page of what the log tells of locks.
    ///
    /// # Errors
    /// `Permanent` for a cursor that is of no use any more; `NeedsConfig` without the right; else why there is no answer.
    pub(super) async fn lock_log_page(&self, call: &Call, from: LogStart<'_>) -> Result<LogPage, Failure> {
        let limit = PAGE.to_string();
        let url = match from {
            LogStart::Since(time) => self.client.url(
                &["api", "v1", "logs"],
                &[
                    ("since", &log_time(time)),
                    ("sortOrder", "ASCENDING"),
                    ("filter", FILTER),
                    ("limit", &limit),
                ],
            ),
            LogStart::After(cursor) => self.cursor(cursor)?,
        };
        let page = self.client.one_page(call, "read system log", url).await;
        let (events, next): (Vec<LogEvent>, _) = page.map_err(without_right)?;
        let unending = || Failure::new(FailureClass::Unknown, "Okta's system log does not say where it goes on");
        Ok(LogPage {
            more: events.len() >= PAGE,
            events: events.iter().filter_map(lock_event).collect(),
            cursor: next.ok_or_else(unending)?.into(),
        })
    }

    /// A cursor as an address of this organisation's log: the credential goes nowhere else.
    fn cursor(&self, text: &str) -> Result<Url, Failure> {
        let url = Url::parse(text).ok().filter(|url| url.path() == "/api/v1/logs");
        url.filter(|url| pages::is_own(url, self.client.base()))
            .ok_or_else(|| Failure::new(FailureClass::Permanent, "the log's cursor is of another organisation"))
    }
}

fn without_right(refusal: Refusal) -> Failure {
    match refusal.meaning {
        Some(Meaning::NeedsConfig) => {
            let words = "the operator may not read the system log; give the API token's administrator, or the service app, \
                         the right to view logs and, to an app, the scope okta.logs.read";
            Failure::new(FailureClass::NeedsConfig, words).detail(refusal.failure.private)
        }
        _ => refusal.failure,
    }
}

/// What an event says of a lock; `None` where it says nothing that can be used.
fn lock_event(event: &LogEvent) -> Option<LockEvent> {
    let turn = match event.event_type.as_str() {
        "user.account.lock" => Turn::Locked("too many failed sign-ins".into()),
        "user.account.lock.limit" => {
            Turn::Locked("too many failed sign-ins; Okta does not end this lock by itself".into())
        }
        "user.account.unlock" | "user.account.unlock_by_admin" => Turn::Unlocked,
        _ => return None,
    };
    Some(LockEvent {
        id: event.uuid.clone()?,
        account: subject(event)?.to_owned(),
        at: event.published?,
        turn,
    })
}

/// Whom it is about: a target that is a person. An automatic lock may name the person as the actor only.
fn subject(event: &LogEvent) -> Option<&str> {
    let person = |object: &&LogObject| object.kind.as_deref() == Some("User");
    let target = event.target.iter().flatten().find(person);
    // Who unlocks as an administrator is not who is unlocked.
    let actor = event
        .actor
        .as_ref()
        .filter(|_| event.event_type != "user.account.unlock_by_admin");
    target.or(actor.filter(person))?.id.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(event: Value) -> Option<(String, Turn)> {
        let event: LogEvent = serde_json::from_value(event).unwrap();
        lock_event(&event).map(|event| (event.account, event.turn))
    }

    fn event(kind: &str, actor: Value, target: Value) -> Value {
        json!({"uuid": "1", "published": "2026-03-02T10:11:12.000Z", "eventType": kind, "actor": actor, "target": target})
    }

    #[test]
    fn the_subject_is_the_target_and_else_the_actor_and_never_the_administrator() {
        let (ada, app) = (
            json!({"id": "00uAda", "type": "User"}),
            json!({"id": "0oa1", "type": "AppInstance"}),
        );
        let admin = json!({"id": "00uAdmin", "type": "User"});
        let locked = |text: &str| Some(("00uAda".to_owned(), Turn::Locked(text.into())));
        let unlocked = Some(("00uAda".to_owned(), Turn::Unlocked));
        const LOCK: &str = "too many failed sign-ins";
        const LIMIT: &str = "too many failed sign-ins; Okta does not end this lock by itself";
        for (kind, actor, target, expected) in [
            ("user.account.lock", admin.clone(), json!([ada]), locked(LOCK)),
            ("user.account.lock", ada.clone(), Value::Null, locked(LOCK)),
            ("user.account.lock", ada.clone(), json!([app]), locked(LOCK)),
            ("user.account.lock", app.clone(), Value::Null, None),
            ("user.account.lock.limit", ada.clone(), Value::Null, locked(LIMIT)),
            ("user.account.unlock", app.clone(), json!([app, ada]), unlocked.clone()),
            ("user.account.unlock", ada.clone(), json!([]), unlocked.clone()),
            ("user.account.unlock_by_admin", admin.clone(), json!([ada]), unlocked),
            ("user.account.unlock_by_admin", admin, Value::Null, None),
            ("user.session.start", ada.clone(), json!([ada]), None),
        ] {
            assert_eq!(
                read(event(kind, actor.clone(), target.clone())),
                expected,
                "{kind} {actor} {target}"
            );
        }
    }

    #[test]
    fn an_event_without_an_id_or_a_time_is_left_out() {
        let ada = json!({"id": "00uAda", "type": "User"});
        for member in ["uuid", "published"] {
            let mut event = event("user.account.lock", ada.clone(), Value::Null);
            event.as_object_mut().unwrap().remove(member);
            assert_eq!(read(event), None, "{member}");
        }
    }
}
