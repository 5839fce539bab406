//! Why nothing more is sent under a claim that was taken up again: what held when it was written may hold no more.

use super::{by_another, may_have_required_change, unknown};
use crate::{
    api::{Outcome, Reason},
    domain::{
        account::{AccountRead, LockState, Sent, Step},
        case::Case,
        decide::{IDLE, after, expires},
        decision::Decision,
        enforcement::Enforcement,
        hindrance,
        ledger::Closing,
        observed::{ClaimSeen, Observed},
        plan,
        policy::{self, Protected, Selection},
        routed,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How far the attempt had come.
#[derive(Clone, Copy)]
enum Done {
    /// The reset itself, and not all that goes with it.
    Reset,
    /// Less than that, in words for the requester.
    Part(&'static str),
    /// Nothing at all.
    Nothing,
    /// Nothing shows whether the reset was done, in words for the requester.
    Unknown(&'static str),
}

struct Halt<'a> {
    case: &'a Case<'a>,
    done: Done,
}

impl Halt<'_> {
    /// The ending, with what was done before it. What was not done is given back.
    fn end(&self, outcome: Outcome, reason: Reason, message: &str) -> Decision {
        let (outcome, earlier, closing) = match self.done {
            Done::Reset => (Outcome::Failed, "the reset was done, but not finished", Closing::Done),
            Done::Part(earlier) => (Outcome::Failed, earlier, Closing::Refund),
            Done::Nothing => (outcome, "nothing was done", Closing::Refund),
            Done::Unknown(why) => {
                let why = format!("{why}, and nothing more is sent, since {message}");
                return unknown(self.case, &why);
            }
        };
        let message = format!("{earlier}: {message}");
        self.case
            .finish(outcome, reason, message)
            .deliver(matches!(self.done, Done::Reset))
            .closing(closing)
    }

    fn not_eligible(&self) -> Decision {
        let message = "the account is not eligible any more";
        self.end(Outcome::Denied, Reason::NotEligible, message)
    }
}

/// What was done under the claim, by what this process has sent and by what the account shows. `marked`: whether the marked
/// step is done; where the request has one, it is known.
fn done(observed: &Observed, seen: &ClaimSeen, account: &AccountRead, marked: bool) -> Done {
    let perhaps = may_have_required_change(observed, seen);
    let mut sends = observed.progress.sends.iter();
    let required = sends.any(|send| send.step == Step::RequireChange && send.result == Sent::Done)
        || account.must_change == Some(true);
    if marked || (perhaps && required) {
        return Done::Reset;
    }
    match (perhaps, was_cleared(observed, seen, account)) {
        (true, Some(true)) => Done::Unknown("the lock was cleared; whatever else may have been sent leaves no trace"),
        (true, Some(false) | None) => Done::Unknown("what may have been sent leaves no trace"),
        (false, None) if observed.request.method().is_none() => {
            Done::Unknown("the account does not show whether the lock was cleared")
        }
        (false, Some(true)) => Done::Part("the lock was cleared, and nothing else was done"),
        (false, None) => Done::Part("whether the lock was cleared is not known, and nothing else was done"),
        (false, Some(false)) => Done::Nothing,
    }
}

/// Whether the lock was cleared; `None` where that is not known.
fn was_cleared(observed: &Observed, seen: &ClaimSeen, account: &AccountRead) -> Option<bool> {
    let sent = observed.progress.last(Step::Unlock).map(|send| &send.result);
    let late = seen.quiet_for < observed.timing.quarantine;
    let perhaps = plan::clears_lock(observed.request) && by_another(observed, seen);
    match (sent, &account.lock) {
        (Some(Sent::Done), _) | (Some(Sent::Unknown(_)), LockState::NotLocked) => Some(true),
        (Some(Sent::Unknown(_)), LockState::Unknown(_)) => None,
        (Some(Sent::Unknown(_)), LockState::Locked(_)) if late => None,
        (_, LockState::NotLocked) if seen.claim.lock_stamp.is_some() => Some(true),
        // Without a stamp it is not known whether it was locked at all.
        (_, LockState::NotLocked | LockState::Unknown(_)) if perhaps => None,
        (_, _) => Some(false),
    }
}

/// Why nothing more is sent under the claim: its time is over, or it is not permitted any more. `None`: it goes on.
pub(super) fn forbidden(
    now: Timestamp,
    observed: &Observed,
    case: &Case,
    seen: &ClaimSeen,
    account: &AccountRead,
    marked: bool,
) -> Option<Decision> {
    let halt = Halt {
        case,
        done: done(observed, seen, account, marked),
    };
    if now >= expires(observed) {
        return Some(halt.end(Outcome::Expired, Reason::Expired, "its time is over"));
    }
    if observed.request.suspend {
        return Some(case.wait(Reason::Suspended, "spec.suspend is true".into(), after(now, IDLE)));
    }
    untrusted(now, observed, &halt).or_else(|| not_permitted(now, observed, &halt, seen, account))
}

/// Whether the requester's identity is trusted no more.
fn untrusted(now: Timestamp, observed: &Observed, halt: &Halt) -> Option<Decision> {
    let margin = SignedDuration::try_from(observed.timing.enforcement_margin).unwrap_or_default();
    match observed.enforcement {
        Enforcement::Enforced { since } => {
            let trusted = since.saturating_add(margin).unwrap_or(Timestamp::MAX);
            (observed.request.created < trusted).then(|| {
                let message = "its requester is not trusted any more";
                halt.end(Outcome::Failed, Reason::IdentityNotEnforced, message)
            })
        }
        Enforcement::Unknown | Enforcement::Broken { .. } => Some(halt.case.wait(
            Reason::IdentityNotEnforced,
            "the admission policies are missing or changed".into(),
            after(now, Duration::from_secs(10)),
        )),
    }
}

/// Whether policy or protection stands against it now.
fn not_permitted(
    now: Timestamp,
    observed: &Observed,
    halt: &Halt,
    seen: &ClaimSeen,
    account: &AccountRead,
) -> Option<Decision> {
    let soon = after(now, Duration::from_secs(10));
    let subjects = match routed::subjects(now, observed, halt.case, seen, account) {
        Ok(subjects) => subjects,
        Err(routed::Behind::Decided(decision)) => return Some(*decision),
        Err(routed::Behind::Gone) => return Some(halt.not_eligible()),
    };
    match policy::select(now, observed, &subjects) {
        Selection::Gather(fact) => return Some(Decision::Gather(fact)),
        Selection::Deny(message) => return Some(halt.end(Outcome::Denied, Reason::PolicyDenied, &message)),
        Selection::Wait(reason, message) => return Some(halt.case.wait(reason, message, soon)),
        Selection::Permit(_) => {}
    }
    subjects
        .iter()
        .find_map(|subject| match policy::protection(now, observed.request, subject) {
            Protected::No => None,
            Protected::Yes(_) => Some(halt.not_eligible()),
            Protected::Unknown(why) => Some(hindrance::protection_unknown(now, halt.case, why)),
        })
}
