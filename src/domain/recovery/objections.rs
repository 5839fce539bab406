//! Why nothing more is sent under a claim that was taken up again: what held when it was written may hold no more.

use crate::{
    api::{Outcome, Reason},
    domain::{
        account::{AccountRead, LockState},
        case::Case,
        decide::{IDLE, after, expires},
        decision::Decision,
        enforcement::Enforcement,
        hindrance,
        ledger::Closing,
        observed::{ClaimSeen, Observed},
        policy::{self, Protected, Selection},
        routed,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How far the interrupted attempt had come.
struct Halt<'a> {
    case: &'a Case<'a>,
    /// The marked step is done.
    marked: bool,
    /// Something else is.
    partly: bool,
}

impl Halt<'_> {
    /// The ending, with what was done before it. What was not done is given back.
    fn end(&self, outcome: Outcome, reason: Reason, message: &str) -> Decision {
        let (outcome, earlier, closing) = match (self.marked, self.partly) {
            (true, _) => (Outcome::Failed, "the reset was done, but not finished", Closing::Done),
            (false, true) => (
                Outcome::Failed,
                "the lock was cleared, and nothing else was done",
                Closing::Refund,
            ),
            (false, false) => (outcome, "nothing was done", Closing::Refund),
        };
        let message = format!("{earlier}: {message}");
        self.case
            .finish(outcome, reason, message)
            .deliver(self.marked)
            .closing(closing)
    }

    fn not_eligible(&self) -> Decision {
        let message = "the account is not eligible any more";
        self.end(Outcome::Denied, Reason::NotEligible, message)
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
    let unlocked = seen.claim.lock_stamp.is_some() && account.lock == LockState::NotLocked;
    let halt = Halt {
        case,
        marked,
        partly: unlocked || observed.progress.has_effect(),
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
