//! An unlock without a claim: it can do nothing but clear a lock, so that sending it again does no harm. What follows
//! a send is settled by reading back.

use crate::{
    api::{Outcome, Reason},
    domain::{
        account::{ReadFailure, Sent, Step},
        case::Case,
        decide::{after, expires},
        decision::{Decision, Effect},
        observed::{Observed, Send},
        readings::{Reached, reached},
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// As many times a state-setting step is sent at most.
pub const TRIES: usize = 3;

/// What became of an unlock that was sent.
pub fn settle(now: Timestamp, observed: &Observed) -> Decision {
    let case = Case::new(observed);
    let (Some(send), Some(target)) = (observed.progress.last(Step::Unlock), &observed.progress.target) else {
        // It was sent under a claim that is not there any more: somebody closed it, or took the ledger away.
        let message = "the claim under which it was sent is gone from the account's ledger; look at the account, then \
                       create a new request";
        return case
            .finish(Outcome::Unknown, Reason::OutcomeUnknown, message.into())
            .deliver(true);
    };
    let observed = &observed.within(&target.directory);
    let case = Case::new(observed).at(target);
    if let Sent::Refused(failure) = &send.result {
        let message = format!("the directory refused the unlock: {}", failure.public);
        return case
            .finish(Outcome::Failed, Reason::Refused, message)
            .detail(failure.private.clone());
    }
    if let Some(wait) = case.setback(now) {
        return wait;
    }
    let back = observed.read(&target.id, target.server.as_ref(), true);
    let Some(seen) = observed.last_reading() else {
        return match observed.can_read() {
            true => Decision::Gather(back),
            false if now >= last_chance(observed, send) => unreadable(&case),
            false => case.unusable(now),
        };
    };
    // A process that was paused has one reading that began after the last chance all the same.
    let in_time = seen.at < last_chance(observed, send);
    let account = match &seen.result {
        Ok(account) => account,
        Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => {
            let message = "the unlock was sent, and then the account was gone; look at it in the directory";
            return case.finish(Outcome::Unknown, Reason::OutcomeUnknown, message.into());
        }
        Err(failure) if let Some(wait) = case.held_back(now, failure) => return wait,
        Err(failure) if in_time => return case.unread(now, failure),
        Err(_) => return unreadable(&case),
    };
    match reached(Step::Unlock, account, send.lock_stamp.as_deref()) {
        Reached::Yes => {
            let message = case.unlocked("the lock was cleared; the account was read back as not locked");
            case.finish(Outcome::Succeeded, Reason::Unlocked, message)
        }
        Reached::LockedAgain => {
            let message = "the lock was cleared, and the account was locked anew since; find out who signs in wrongly";
            case.finish(Outcome::Failed, Reason::LockedAgain, message.into())
        }
        Reached::Unreadable if !in_time => unreadable(&case),
        Reached::No if !in_time => again(now, observed, &case),
        Reached::No | Reached::Unreadable => case.wait(
            Reason::AwaitingReadBack,
            "the unlock was sent; the directory does not show it yet".into(),
            after(now, Duration::from_secs(1)),
        ),
    }
}

fn again(now: Timestamp, observed: &Observed, case: &Case) -> Decision {
    if observed.progress.count(Step::Unlock) < TRIES && now < expires(observed) {
        return Decision::Act(Effect::Send {
            step: Step::Unlock,
            also: Vec::new(),
            target: observed.progress.target.clone(),
        });
    }
    let message = "the directory took the unlock and still shows the account as locked; look at it in the directory";
    case.finish(Outcome::Failed, Reason::Refused, message.into())
}

fn unreadable(case: &Case) -> Decision {
    let message = "the unlock was sent, and the account could not be read back; look at it in the directory";
    case.finish(Outcome::Unknown, Reason::OutcomeUnknown, message.into())
}

/// Until when a read-back may lag. A lost reply may commit late, so that it lasts as long as a claim's quarantine.
fn last_chance(observed: &Observed, send: &Send) -> Timestamp {
    let wait = match send.result {
        Sent::Unknown(_) => observed.timing.quarantine.max(observed.timing.read_back),
        _ => observed.timing.read_back,
    };
    after(send.at, wait)
}
