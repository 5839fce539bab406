//! How a decision stands in a request's status. Written only when it says something new; a status that has an outcome
//! is never made again.

use crate::{
    api::{
        Condition, Outcome, Reason, RequestStatus,
        condition::types,
        request_status::{Attempt, Delivery},
    },
    domain::{
        account::Sent,
        decide::after,
        decision::{Ending, Waiting},
        observed::Observed,
        request::Request,
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// As many sends as a status lists.
const ATTEMPTS: usize = 8;
/// A wait for a person is shown after so long: the missing piece may be the next document of the same `apply`.
const PERSON_NOTICE: Duration = Duration::from_secs(1);

/// The status of a request that has ended.
pub fn ended(
    now: Timestamp,
    request: &Request,
    ending: &Ending,
    attempts: &[Attempt],
    sealed: Option<String>,
) -> RequestStatus {
    let good = ending.outcome == Outcome::Succeeded;
    let permitted = match ending.outcome {
        Outcome::Denied => "False",
        _ if ending.policy.is_some() => "True",
        _ => "Unknown",
    };
    let flag = if good { "True" } else { "False" };
    let mut shown = vec![
        (types::PERMITTED, permitted),
        (types::SUCCEEDED, flag),
        (types::READY, flag),
    ];
    if !good {
        shown.push((types::STALLED, "True"));
    }
    let now = whole(now);
    let mut conditions = conditions(now, request, &shown, ending.reason, &ending.message);
    conditions.extend(done_at_source(request).cloned());
    RequestStatus {
        observed_generation: Some(request.generation),
        outcome: Some(ending.outcome),
        start_time: Some(request.status.start_time.unwrap_or(now)),
        completion_time: Some(now),
        conditions,
        // What was told while it waited stays told.
        policy: ending.policy.clone().or_else(|| request.status.policy.clone()),
        account: ending.account.clone().or_else(|| request.status.account.clone()),
        named: ending.named.clone().or_else(|| request.status.named.clone()),
        lockout: ending.lockout.clone().or_else(|| request.status.lockout.clone()),
        attempts: attempts_to_tell(&request.status.attempts, attempts, good),
        delivery: delivery(request, sealed),
    }
}

/// What was sent, where the ending does not say it: one send that did what was asked for is what a success means.
/// Nothing is left out where `told`, the list of the status so far, already has some.
fn attempts_to_tell(told: &[Attempt], sent: &[Attempt], good: bool) -> Vec<Attempt> {
    match sent {
        // An earlier process sent them.
        [] => last(told),
        [only] if good && told.is_empty() && only.result == Sent::Done.as_str() => Vec::new(),
        all => last(all),
    }
}

/// The last of what was sent.
fn last(attempts: &[Attempt]) -> Vec<Attempt> {
    let surplus = attempts.len().saturating_sub(ATTEMPTS);
    attempts.iter().skip(surplus).cloned().collect()
}

/// What is handed over: a password that was delivered once stays as it was sealed then.
fn delivery(request: &Request, sealed: Option<String>) -> Option<Delivery> {
    let before = request.status.delivery.clone();
    before.or_else(|| sealed.map(|sealed| Delivery { sealed }))
}

/// That it is done where the account's credentials live, where that was recorded.
fn done_at_source(request: &Request) -> Option<&Condition> {
    let mut conditions = request.status.conditions.iter();
    conditions.find(|condition| condition.r#type == types::DONE_AT_SOURCE)
}

/// What a wait asks the shell to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Pause {
    /// The status to write, where it says something new and it is time to say it.
    pub write: Option<RequestStatus>,
    /// Whether the status says something else, and goes on saying it for now.
    pub unsaid: bool,
    /// When to look again.
    pub until: Timestamp,
}

/// The status of a request that waits. It is written once it has differed from what is shown for a while: a Directory
/// whose settings change is not ready for a moment, and what stands still for another reason every second is not worth a
/// write each time. What is done is written at once, with what was sent for it and the password that it set: until then
/// only this process and the claim know of it.
pub fn waits(
    now: Timestamp,
    observed: &Observed,
    waiting: &Waiting,
    attempts: &[Attempt],
    sealed: Option<String>,
) -> Pause {
    let (request, progress) = (observed.request, observed.progress);
    let mut status = waiting_status(now, request, waiting);
    let news = waiting
        .outstanding
        .as_ref()
        .filter(|_| done_at_source(request).is_none());
    if let Some(ending) = news {
        status.conditions.push(recorded(now, ending));
        status.attempts = last(attempts);
        status.delivery = delivery(request, sealed.filter(|_| ending.deliver));
    }
    let unsaid = status != request.status;
    let since = match request.status.conditions.is_empty() {
        true => progress.waiting_since,
        false => progress.unsaid_since,
    };
    let notice = match waiting.needs_person {
        true => PERSON_NOTICE.min(observed.timing.wait_notice),
        false => observed.timing.wait_notice,
    };
    let due = after(since.unwrap_or(now), notice);
    // Who has just changed the request waits for its status to be about that.
    let answers = request
        .status
        .observed_generation
        .is_some_and(|seen| (0..request.generation).contains(&seen));
    if unsaid && now < due && !answers && news.is_none() {
        return Pause {
            write: None,
            unsaid,
            until: waiting.until.min(due),
        };
    }
    Pause {
        write: unsaid.then_some(status),
        unsaid: false,
        until: waiting.until,
    }
}

fn waiting_status(now: Timestamp, request: &Request, waiting: &Waiting) -> RequestStatus {
    let permitted = if waiting.policy.is_some() { "True" } else { "Unknown" };
    let mut shown = vec![
        (types::PERMITTED, permitted),
        (types::SUCCEEDED, "Unknown"),
        (types::READY, "False"),
    ];
    // kstatus looks at Reconciling first: a wait that only a person ends must not look as if it went on by itself.
    shown.push(match waiting.needs_person {
        true => (types::STALLED, "True"),
        false => (types::RECONCILING, "True"),
    });
    let now = whole(now);
    let mut conditions = conditions(now, request, &shown, waiting.reason, &waiting.message);
    conditions.extend(done_at_source(request).cloned());
    RequestStatus {
        observed_generation: Some(request.generation),
        start_time: Some(request.status.start_time.unwrap_or(now)),
        conditions,
        policy: waiting.policy.clone().or_else(|| request.status.policy.clone()),
        account: waiting.account.clone().or_else(|| request.status.account.clone()),
        named: waiting.named.clone().or_else(|| request.status.named.clone()),
        lockout: waiting.lockout.clone().or_else(|| request.status.lockout.clone()),
        attempts: request.status.attempts.clone(),
        delivery: request.status.delivery.clone(),
        ..RequestStatus::default()
    }
}

/// The record of what was done where the account's credentials live.
fn recorded(now: Timestamp, ending: &Ending) -> Condition {
    Condition {
        r#type: types::DONE_AT_SOURCE.into(),
        status: "True".into(),
        reason: ending.reason.as_str().into(),
        message: bounded(&ending.message),
        last_transition_time: whole(now),
        observed_generation: None,
    }
}

fn conditions(
    now: Timestamp,
    request: &Request,
    shown: &[(&'static str, &'static str)],
    reason: Reason,
    message: &str,
) -> Vec<Condition> {
    let message = bounded(message);
    shown
        .iter()
        .map(|(kind, status)| {
            let before = request
                .status
                .conditions
                .iter()
                .find(|condition| condition.r#type == *kind);
            let flipped = before.is_none_or(|condition| condition.status != *status);
            let permitted = *kind == types::PERMITTED && *status == "True";
            // Why it succeeded is said once, on Ready.
            let succeeded = *kind == types::SUCCEEDED && *status == "True";
            Condition {
                r#type: (*kind).into(),
                status: (*status).into(),
                reason: if permitted {
                    "Permitted".into()
                } else {
                    reason.as_str().into()
                },
                message: if permitted || succeeded {
                    String::new()
                } else {
                    message.clone()
                },
                last_transition_time: before
                    .filter(|_| !flipped)
                    .map_or(now, |before| before.last_transition_time),
                // The status says it once for all of them, since they are written together.
                observed_generation: None,
            }
        })
        .collect()
}

/// At most as many characters as the schema allows.
fn bounded(message: &str) -> String {
    message
        .chars()
        .filter(|character| !character.is_control())
        .take(2048)
        .collect()
}

/// Times in a status are whole seconds, as everywhere in Kubernetes.
fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    fn sent(results: &[&str]) -> Vec<Attempt> {
        let attempt = |result: &&str| Attempt {
            step: "Unlock".into(),
            time: Timestamp::UNIX_EPOCH,
            result: (*result).into(),
        };
        results.iter().map(attempt).collect()
    }

    #[test]
    fn attempts_are_told_where_the_ending_does_not_say_them() {
        let nine = ["NotSent"; 9];
        for (told, results, good, expected) in [
            (&[][..], &["Done"][..], true, &[][..]),
            (&[], &["Done"], false, &["Done"]),
            (&["Done"], &["Done"], true, &["Done"]),
            (&["Refused"], &[], false, &["Refused"]),
            (&[], &["Unknown"], true, &["Unknown"]),
            (&[], &["Refused"], false, &["Refused"]),
            (&[], &["Unknown", "Done"], true, &["Unknown", "Done"]),
            (&[], &nine, false, &nine[1..]),
        ] {
            let shown = attempts_to_tell(&sent(told), &sent(results), good);
            assert_eq!(shown, sent(expected), "{told:?} {results:?} {good}");
        }
    }
}
