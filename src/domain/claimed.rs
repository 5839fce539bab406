//! Acting under a claim: everything but a plain unlock. First the claim is written, then the steps of the plan are
//! sent, each once, then what they did is read back. A step that sets a state may be sent again; the marked one never
//! is unless proven undone.

mod opening;
mod read_back;

pub use opening::begin;
pub use read_back::{leaves_locked, success};

use crate::{
    api::{Method, Outcome, Reason},
    domain::{
        account::{Failure, Sent, Step},
        case::Case,
        claimless::TRIES,
        decide::expires,
        decision::{Decision, Effect},
        ledger::{self, Closing},
        observed::{ClaimSeen, Observed},
        plan, recovery,
    },
};
use jiff::Timestamp;
use read_back::verify;

/// The claim is ours: the next step of the plan, or its end.
pub fn carry_on(now: Timestamp, observed: &Observed, seen: &ClaimSeen) -> Decision {
    let case = Case::new(observed).under(seen);
    let steps = &observed.progress.plan;
    let done = |step: Step| step.is_marked() && seen.claim.marked;
    for step in steps.iter().copied().filter(|step| !done(*step)) {
        match observed.progress.last(step).map(|send| &send.result) {
            None | Some(Sent::NotSent(_)) if step == Step::RevokeSessions && gives_up(now, observed) => {}
            None | Some(Sent::NotSent(_)) => return next(now, observed, &case, seen, step),
            Some(Sent::Done) => {}
            // The reset stands without it; the success message says so.
            Some(Sent::Refused(_)) if step == Step::RevokeSessions => {}
            Some(Sent::Refused(failure)) => return refused(observed, &case, seen, step, failure),
            Some(Sent::Unknown(_)) if step.is_marked() => return recovery::uncertain(now, observed, seen, step),
            // A state-setting step whose reply was lost: the reading tells.
            Some(Sent::Unknown(_)) => {}
        }
    }
    verify(now, observed, &case, seen)
}

/// Ending sessions comes last and is a bonus: the reset and its password do not wait for it for long.
fn gives_up(now: Timestamp, observed: &Observed) -> bool {
    let setbacks = observed.progress.failure.as_ref().map_or(0, |setback| setback.count);
    setbacks as usize >= TRIES || now >= expires(observed)
}

/// Sends a step, while the claim lasts and the clock allows.
fn next(now: Timestamp, observed: &Observed, case: &Case, seen: &ClaimSeen, step: Step) -> Decision {
    let begun = observed.progress.has_effect() || seen.claim.marked;
    // What another process did under it is not known here, and stands in the account only.
    let taken_over = ledger::is_taken_over(&seen.claim, seen.charged, observed.timing);
    if now >= expires(observed) {
        return match taken_over && !begun {
            true => recovery::go_on(now, observed, seen),
            false => run_out(observed, case, begun, step),
        };
    }
    if let Some(wait) = case.setback(now) {
        // Nothing was done under the claim: others may have the account meanwhile.
        return match begun || taken_over {
            true => wait.until(expires(observed)),
            false => Decision::Act(Effect::Release),
        };
    }
    match seen.usable {
        true => Decision::Act(Effect::Send {
            step,
            also: observed.directory.map_or_else(Vec::new, |directory| {
                plan::together(step, &observed.progress.plan, &directory.capabilities)
            }),
            target: None,
        }),
        // Time has passed since it was permitted: everything is looked at again before the next step.
        false => recovery::go_on(now, observed, seen),
    }
}

fn run_out(observed: &Observed, case: &Case, begun: bool, step: Step) -> Decision {
    match begun {
        false => case
            .finish(
                Outcome::Expired,
                Reason::Expired,
                "its time ended before anything was done".into(),
            )
            .closing(Closing::Refund),
        true => case
            .finish(
                Outcome::Failed,
                Reason::Expired,
                format!(
                    "{}its time ended with the plan half done: {} was not; look at the account",
                    earlier(observed),
                    step.as_str()
                ),
            )
            // A password that was set is handed over, whatever is missing behind it.
            .deliver(observed.progress.is_marked())
            .closing(Closing::Done),
    }
}

/// The directory said no to a step.
fn refused(observed: &Observed, case: &Case, seen: &ClaimSeen, step: Step, failure: &Failure) -> Decision {
    let marked = observed.progress.is_marked();
    let perhaps = recovery::may_have_required_change(observed, seen)
        || (ledger::leaves_no_trace(&seen.claim) && recovery::by_another(observed, seen));
    let before = match (perhaps, observed.request.method()) {
        (false, _) => "",
        (true, None) => "; whether a lock was cleared before is not known",
        (true, Some(_)) => "; whether a change of the password was required before is not known",
    };
    let message = format!(
        "{}the directory refused {}: {}{before}",
        earlier(observed),
        step.as_str(),
        failure.public,
    );
    let closing = if marked || perhaps {
        Closing::Done
    } else {
        Closing::Refund
    };
    case.finish(Outcome::Failed, Reason::Refused, message)
        .detail(failure.private.clone())
        .deliver(marked)
        .closing(closing)
}

/// What was done before a later step failed.
fn earlier(observed: &Observed) -> &'static str {
    let unlocked = || {
        observed
            .progress
            .last(Step::Unlock)
            .is_some_and(|send| send.result == Sent::Done)
    };
    match observed.progress.is_marked() {
        true if observed.request.method() == Some(Method::Link) => "the link was sent, but ",
        true => "the password was set, but ",
        false if unlocked() => "the lock was cleared, but ",
        false => "",
    }
}
