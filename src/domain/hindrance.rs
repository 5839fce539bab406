//! What keeps a request from going on, apart from permission: the Directory, what that can do, and the account.

use crate::{
    api::{Outcome, Reason, common::AccountSelector},
    domain::{
        case::Case,
        decide::{IDLE, after},
        decision::{Decision, Fact},
        observed::{DirectoryView, Observed},
        plan::{self, Obstacle},
        policy::{self, Protected, Subject},
        request::{Ask, Request},
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// Why the Directory of this name cannot be asked.
pub fn directory_trouble(now: Timestamp, observed: &Observed, name: &str, case: &Case) -> Option<Decision> {
    let Some(directory) = observed.find(name) else {
        let message = format!("Directory {name} does not exist; create it, see examples/");
        return Some(case.wait(Reason::DirectoryNotFound, message, after(now, IDLE)));
    };
    if directory.suspended {
        let message = format!("Directory {} is suspended", directory.name);
        return Some(case.wait(Reason::Suspended, message, after(now, IDLE)));
    }
    directory.trouble.as_ref().map(|trouble| {
        let message = format!("Directory {}: {}", directory.name, trouble.message);
        let wait = case.wait(
            Reason::DirectoryUnavailable,
            message,
            after(now, Duration::from_secs(30)),
        );
        if trouble.needs_person {
            wait.needs_person()
        } else {
            wait
        }
    })
}

/// Asks for the account, as soon as the Directory has room for the call.
pub fn search(
    now: Timestamp,
    observed: &Observed,
    directory: &DirectoryView,
    case: &Case,
    key: AccountSelector,
) -> Decision {
    if let Some(queued) = &observed.facts.turn {
        return case.queued(now, queued);
    }
    Decision::Gather(Fact::Find {
        directory: directory.name.clone(),
        key,
    })
}

/// What the Directory at hand cannot do of the request at all; known before anything is sent.
pub fn incapable(observed: &Observed, case: &Case) -> Option<Decision> {
    let capabilities = &observed.directory?.capabilities;
    plan::incapable(observed.request, capabilities, false)
        .map(|why| case.finish(Outcome::Failed, Reason::NotCapable, why))
}

/// Why the account may not be touched, or not yet: it is protected.
pub fn untouchable(now: Timestamp, observed: &Observed, case: &Case, subject: &Subject) -> Option<Decision> {
    match policy::protection(now, observed.request, subject) {
        Protected::No => None,
        Protected::Yes(why) => Some(case.not_eligible(Some((Reason::Protected, why)))),
        Protected::Unknown(why) => Some(protection_unknown(now, case, why)),
    }
}

/// The wait until it is known whether the account is protected: till then it counts as that.
pub fn protection_unknown(now: Timestamp, case: &Case, why: String) -> Decision {
    let message = "whether the account is protected could not be found out; this is tried again";
    case.wait(
        Reason::DirectoryUnavailable,
        message.into(),
        after(now, Duration::from_secs(10)),
    )
    .detail(why)
}

/// What keeps this account, as it was read, from what is asked.
pub fn blocked(now: Timestamp, request: &Request, case: &Case, obstacle: Obstacle) -> Decision {
    match obstacle {
        Obstacle::Refused(why) => case.finish(Outcome::Failed, Reason::Refused, why),
        Obstacle::NotCapable(why) => case.finish(Outcome::Failed, Reason::NotCapable, why),
        Obstacle::Unreadable(why) => case
            .wait(Reason::MissingRights, why, after(now, Duration::from_secs(60)))
            .needs_person(),
        Obstacle::ByHand(what, poll) => {
            let then = match request.ask {
                Ask::Unlock => "this request ends once the account is read as not locked",
                Ask::Reset { .. } => {
                    "the password is reset then; to reset it now and leave the lock, create another request with unlock: \
                     false"
                }
            };
            // Whatever the directory proposes: neither a busy loop nor a forgotten request.
            let poll = poll.clamp(Duration::from_secs(1), IDLE);
            case.wait(
                Reason::AwaitingManualAction,
                format!("{what}; {then}"),
                after(now, poll),
            )
        }
        Obstacle::Upstream(until) => {
            let message = format!("the directory itself ends this lock at {until:.0}; nothing can end it before");
            // A time that is over by our clock, or only just, must not become a busy loop.
            let soonest = after(now, Duration::from_secs(5));
            case.wait(Reason::AwaitingUpstream, message, until.max(soonest))
        }
    }
}
