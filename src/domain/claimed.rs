//! Acting under a claim: everything but a plain unlock. First the claim is written, then the steps of the plan are
//! sent, each once, then what they did is read back. A step that sets a state may be sent again; the marked one never
//! is unless proven undone.

use crate::{
    api::{
        Method, Outcome, Reason,
        account::{AccountFields, Claim, LedgerEntry},
    },
    domain::{
        account::{AccountRead, Failure, LockState, Moved, ReadFailure, Sent, Step},
        busy,
        case::Case,
        claimless::TRIES,
        decide::{IDLE, after, expires},
        decision::{Decision, Effect, Fact, NewClaim},
        executed,
        ledger::{self, Closing},
        limits, markers,
        observed::{ClaimSeen, LedgerSeen, Observed},
        plan,
        policy::Policy,
        readings::{Reached, reached},
        recovery,
        request::Ask,
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// Everything permits it: write the first claim, unless the ledger says otherwise.
pub fn begin(now: Timestamp, observed: &Observed, case: &Case, policy: &Policy, account: &AccountRead) -> Decision {
    let (request, Some(directory)) = (observed.request, observed.directory) else {
        return Decision::Ignore;
    };
    let Some(name) = observed.ledger_name(&account.id) else {
        return Decision::Ignore;
    };
    let case = &case.referring(&name);
    let Some(seen) = observed.facts.ledger_of(&name) else {
        return Decision::Gather(Fact::Ledger { name });
    };
    if let Some(entry) = ledger::executed(seen.entries(), request) {
        return executed::ended(observed, case, entry);
    }
    if ledger::open(seen.entries()).is_some() {
        // Our own open claim would stand in `progress`: the shell puts it there when it reads the ledger.
        let message = "another request is being executed for this account";
        return case.wait(Reason::AccountBusy, message.into(), after(now, busy::LOOK));
    }
    let limits = || {
        let own = policy
            .spec
            .limits
            .iter()
            .map(|limit| (limit, Some(policy.reference.name.as_str())));
        // Those of the Directory that the request names hold too; every effect on the account counts, whoever asked for it.
        let named = observed.origin().map(|(named, _)| named);
        let places = std::iter::once(directory).chain(named);
        own.chain(places.flat_map(|place| place.limits.iter().map(|limit| (limit, None))))
    };
    if let Some(reached) = limits::reached(seen.entries(), request.action(), limits(), now) {
        let whose = reached
            .policy
            .as_ref()
            .map_or("the Directory's".to_owned(), |name| format!("policy {name}'s"));
        let message = format!(
            "the account reached {whose} limit of {} in {}; the next is possible at {}",
            reached.limit.max, reached.limit.per, reached.next
        );
        // An open claim that is given back makes room earlier than that.
        return case.wait(Reason::LimitReached, message, reached.next.min(after(now, IDLE)));
    }
    if markers::changed_since(observed, account) {
        let message = "the password was changed after this request was created; if it is still wanted, create it \
                       under another name";
        return case.finish(Outcome::Denied, Reason::ChangedSince, message.into());
    }
    if let Some(settled) = markers::just_changed(now, observed, account) {
        let message =
            "the password was changed a moment ago; a change that is made now could not be told from that one";
        return case.wait(Reason::AccountBusy, message.into(), settled);
    }
    if let Some(decision) = prepare(observed, case, policy) {
        return decision;
    }
    if !observed.is_fresh(now) {
        return observed.read_again(account, false);
    }
    let keep_until = ledger::keep_until(request, limits().map(|(limit, _)| limit), now);
    let keep_until = match observed.origin() {
        // It may be done long before the Directory that the request names follows, and must be remembered as long.
        Some(_) => keep_until.max(expires(observed)),
        None => keep_until,
    };
    let entry = LedgerEntry {
        key: request.intent_key(),
        uid: request.uid.clone(),
        action: request.action(),
        policy: policy.reference.name.clone(),
        time: now,
        keep_until,
        outcome: None,
        claim: Some(new_claim(now, observed, policy, account)),
    };
    let plan = plan::steps(
        request,
        account,
        &directory.capabilities,
        policy.spec.password.revoke_sessions,
    );
    claim(now, observed, case, seen, account, (entry, plan))
}

/// A temporary password is derived and sealed first, so that an unusable recipient fails before anything is done.
fn prepare(observed: &Observed, case: &Case, policy: &Policy) -> Option<Decision> {
    let Ask::Reset {
        method: Method::TemporaryPassword,
        recipients,
        ..
    } = &observed.request.ask
    else {
        return None;
    };
    match &observed.facts.prepared {
        Some(Ok(_)) => None,
        Some(Err(why)) => Some(case.finish(Outcome::Failed, Reason::NotCapable, why.clone())),
        None => {
            let mut all = policy.spec.password.recipients.clone();
            all.extend(
                recipients
                    .iter()
                    .filter(|recipient| !policy.spec.password.recipients.contains(recipient))
                    .cloned(),
            );
            if all.is_empty() {
                let message = format!(
                    "a temporary password must be sealed to somebody: set password.recipients in policy {}",
                    policy.reference.name
                );
                return Some(case.finish(Outcome::Failed, Reason::NotCapable, message));
            }
            let length = policy.spec.password.length;
            Some(Decision::Gather(Fact::Prepare {
                directory: observed.place().to_owned(),
                length,
                recipients: all,
                again: None,
            }))
        }
    }
}

fn new_claim(now: Timestamp, observed: &Observed, policy: &Policy, account: &AccountRead) -> Claim {
    let request = observed.request;
    Claim {
        directory: observed.place().to_owned(),
        named: observed.origin().map(|(_, named)| named.id.clone()),
        kind: request.kind.as_str().into(),
        namespace: request.namespace.clone(),
        name: request.name.clone(),
        method: request.method(),
        attempt: 1,
        nonce: String::new(),
        writer: String::new(),
        deadline: after(now, observed.timing.effect_deadline),
        server: account.server.clone(),
        marker: account.password_marker.clone(),
        lock_stamp: account.lock_stamp.clone(),
        marked: false,
        proved: false,
        policy: policy.reference.clone(),
        derivation: observed.facts.prepared.clone().and_then(Result::ok),
    }
}

fn claim(
    now: Timestamp,
    observed: &Observed,
    case: &Case,
    seen: &LedgerSeen,
    account: &AccountRead,
    (entry, plan): (LedgerEntry, Vec<Step>),
) -> Decision {
    let Some(directory) = observed.directory else {
        return Decision::Ignore;
    };
    let fields = seen.fields.clone().unwrap_or_else(|| AccountFields {
        provider: directory.provider.clone(),
        upstream: directory.upstream.clone(),
        id: account.id.clone(),
        lockout: None,
        ledger: Vec::new(),
    });
    let pruned = ledger::pruned(&fields.ledger, now);
    if pruned.len() >= ledger::CAPACITY {
        let message = format!(
            "the ledger of Account {} is full; its oldest entries run out by themselves",
            seen.name
        );
        return case.finish(Outcome::Failed, Reason::LedgerFull, message);
    }
    Decision::Act(Effect::Claim(Box::new(NewClaim {
        name: seen.name.clone(),
        fields: AccountFields {
            ledger: pruned,
            ..fields
        },
        resource_version: seen.resource_version.clone(),
        entry,
        plan,
    })))
}

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
            Some(Sent::Refused(failure)) => return refused(observed, &case, step, failure),
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
    let taken_over = seen.claim.deadline > after(seen.charged, observed.timing.effect_deadline);
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
fn refused(observed: &Observed, case: &Case, step: Step, failure: &Failure) -> Decision {
    let marked = observed.progress.is_marked();
    let message = format!(
        "{}the directory refused {}: {}",
        earlier(observed),
        step.as_str(),
        failure.public
    );
    let closing = if marked { Closing::Done } else { Closing::Refund };
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

/// Everything was sent: does the directory show it?
fn verify(now: Timestamp, observed: &Observed, case: &Case, seen: &ClaimSeen) -> Decision {
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
fn leaves_locked(observed: &Observed, account: &AccountRead) -> bool {
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
