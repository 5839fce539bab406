//! Whether the directory shows what was sent under a claim, and how the request ends by that. Nothing is believed of a
//! good answer alone.

use super::{earlier, next};
use crate::{
    api::{Method, Outcome, Reason},
    domain::{
        account::{AccountRead, LockState, Moved, ReadFailure, Sent, Step},
        case::Case,
        claimless::TRIES,
        decide::{after, expires},
        decision::Decision,
        ledger::Closing,
        observed::{ClaimSeen, Observed},
        readings::{Reached, reached},
        request::Ask,
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// Everything was sent: does the directory show it?
pub(super) fn verify(now: Timestamp, observed: &Observed, case: &Case, seen: &ClaimSeen) -> Decision {
    let latest = last_chance(observed, seen);
    let Some(reading) = observed.last_reading() else {
        return match observed.can_read() {
            true => Decision::Gather(observed.read(&seen.id, seen.claim.server.as_ref(), true)),
            false if now < latest => case.unusable(now),
            false => not_read_back(case),
        };
    };
    // A process that was paused has one reading that began after the last chance all the same.
    let in_time = reading.at < latest;
    let account = match &reading.result {
        Ok(account) => account,
        Err(failure) if let Some(wait) = case.held_back(now, failure) => return wait,
        Err(ReadFailure::Failed(_)) if in_time => return awaiting(now, case),
        Err(_) => return not_read_back(case),
    };
    let marker_moved = match (&seen.claim.marker, &account.password_marker) {
        // Absent before and after: this upstream shows no marker.
        (None, None) => true,
        (before, now) => now.is_some() && before != now,
    };
    if observed.progress.plan.contains(&Step::SetPassword) && !marker_moved {
        return if in_time {
            awaiting(now, case)
        } else {
            not_read_back(case)
        };
    }
    if observed.progress.plan.contains(&Step::SetPassword)
        && observed.password_moved(&seen.claim, account) == Moved::Further
    {
        return set_again(case);
    }
    for step in &observed.progress.plan {
        match reached(*step, account, seen.claim.lock_stamp.as_deref()) {
            Reached::Yes => {}
            Reached::LockedAgain => return locked_again(observed, case),
            Reached::No | Reached::Unreadable if in_time => return awaiting(now, case),
            Reached::Unreadable => return not_read_back(case),
            Reached::No => return again(now, observed, case, seen, *step),
        }
    }
    if leaves_locked(observed, account) {
        return locked_again(observed, case);
    }
    success(observed, case)
}

/// Until when a read-back may lag. A lost reply may commit late, so that it lasts as long as a quarantine.
fn last_chance(observed: &Observed, seen: &ClaimSeen) -> Timestamp {
    let sends = &observed.progress.sends;
    let lost = sends.iter().any(|send| matches!(send.result, Sent::Unknown(_)));
    let wait = match lost {
        true => observed.timing.quarantine.max(observed.timing.read_back),
        false => observed.timing.read_back,
    };
    after(sends.last().map_or(seen.charged, |send| send.at), wait)
}

/// A reset that clears the lock by itself has no unlock step whose result could be checked.
pub fn leaves_locked(observed: &Observed, account: &AccountRead) -> bool {
    matches!(observed.request.ask, Ask::Reset { unlock: true, .. }) && matches!(account.lock, LockState::Locked(_))
}

fn awaiting(now: Timestamp, case: &Case) -> Decision {
    let message = "it was done; the directory does not show it yet";
    case.wait(
        Reason::AwaitingReadBack,
        message.into(),
        after(now, Duration::from_secs(1)),
    )
}

fn not_read_back(case: &Case) -> Decision {
    let message = "the directory said that it was done, but that could not be read back; look at the account";
    case.finish(Outcome::Unknown, Reason::OutcomeUnknown, message.into())
        .deliver(true)
        .closing(Closing::Unknown)
}

/// The marker counts, and shows more than the one password that was set here.
fn set_again(case: &Case) -> Decision {
    let message = "the password was set, and somebody else set another one meanwhile; which of them is in force is not \
                   known; look at the account";
    case.finish(Outcome::Unknown, Reason::OutcomeUnknown, message.into())
        .deliver(true)
        .closing(Closing::Unknown)
}

/// A state that the directory said it set, and does not show: it may be set again.
fn again(now: Timestamp, observed: &Observed, case: &Case, seen: &ClaimSeen, step: Step) -> Decision {
    if observed.progress.count(step) < TRIES && now < expires(observed) {
        return next(now, observed, case, seen, step);
    }
    let message = format!(
        "{}the directory took {} and does not show it; look at the account",
        earlier(observed),
        step.as_str()
    );
    case.finish(Outcome::Failed, Reason::Refused, message)
        .deliver(observed.progress.is_marked())
        .closing(Closing::Done)
}

fn locked_again(observed: &Observed, case: &Case) -> Decision {
    let marked = observed.progress.is_marked();
    let earlier = if marked { "the reset was done, and " } else { "" };
    let message = format!("{earlier}the account was locked anew meanwhile; find out who signs in wrongly");
    case.finish(Outcome::Failed, Reason::LockedAgain, message)
        .deliver(marked)
        .closing(Closing::Done)
}

/// Everything asked for is so.
pub fn success(observed: &Observed, case: &Case) -> Decision {
    let (reason, message) = match observed.request.method() {
        None => (
            Reason::Unlocked,
            case.unlocked("the lock was cleared; the account was read back as not locked"),
        ),
        Some(Method::Link) => (
            Reason::LinkSent,
            "the directory mailed a reset link to the owner".to_owned(),
        ),
        Some(Method::TemporaryPassword) => (
            Reason::PasswordReset,
            "a temporary password was set; open status.delivery.sealed with the recipient's key".to_owned(),
        ),
        Some(Method::ChangeAtNextSignIn) => (
            Reason::ChangeRequired,
            "the owner must choose a new password at the next sign-in".to_owned(),
        ),
    };
    let revoke = Step::RevokeSessions;
    let ended = observed
        .progress
        .last(revoke)
        .is_some_and(|send| send.result == Sent::Done);
    let message = if observed.progress.plan.contains(&revoke) && !ended {
        format!("{message}; sessions could not be ended")
    } else {
        message
    };
    case.finish(Outcome::Succeeded, reason, message)
        .deliver(true)
        .closing(Closing::Done)
}
