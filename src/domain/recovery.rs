//! What an open claim means that somebody left: a crash, a lost reply, another replica. First it is left alone for
//! longer than anybody may still act under it; then the account is read from the claim's server and compared with what
//! the claim recorded. Never a guess: what cannot be proven is Unknown, stays charged, and needs a person.

mod objections;

use crate::{
    api::{Method, Outcome, Reason, request_status::PolicyReference},
    domain::{
        account::{AccountRead, Failure, LockState, Moved, Proof, ReadFailure, Sent, Step},
        case::Case,
        claimed,
        decide::{after, expires},
        decision::{Decision, Effect, Fact, Renewal},
        ledger::{self, Closing},
        observed::{ClaimSeen, Observed, Send},
        plan,
        policy::Policy,
        readings::{Reached, reached},
    },
};
use jiff::Timestamp;
use objections::forbidden;
use std::{sync::Arc, time::Duration};

/// An open claim of this request that this process did not write, or no longer knows the state of.
pub fn recover(now: Timestamp, observed: &Observed, seen: &ClaimSeen) -> Decision {
    let case = Case::new(observed).under(seen);
    let quarantine = observed.timing.quarantine;
    if seen.quiet_for < quarantine {
        let message =
            "an earlier attempt was interrupted; once it can have no effect any more, its result is read back";
        let rest = quarantine.saturating_sub(seen.quiet_for);
        return case.wait(Reason::AwaitingReadBack, message.into(), after(now, rest));
    }
    judge(now, observed, &case, seen)
}

/// A marked step of ours whose reply was lost.
pub fn uncertain(now: Timestamp, observed: &Observed, seen: &ClaimSeen, step: Step) -> Decision {
    let case = Case::new(observed).under(seen);
    let rest = observed.timing.quarantine.saturating_sub(seen.quiet_for);
    if !rest.is_zero() {
        let message = format!(
            "the reply to {} was lost; once it can have no late effect, it is read back",
            step.as_str()
        );
        return case.wait(Reason::AwaitingReadBack, message, after(now, rest));
    }
    judge(now, observed, &case, seen)
}

/// Our own claim whose time to act ran out between two steps: nothing is uncertain, but it may not be permitted any
/// more, and the account may have changed.
pub fn go_on(now: Timestamp, observed: &Observed, seen: &ClaimSeen) -> Decision {
    let case = &Case::new(observed).under(seen);
    let account = match reading(now, observed, case, seen) {
        Ok(account) => account,
        Err(decision) => return *decision,
    };
    let marked = observed.progress.is_marked();
    if !marked && account.password_marker != seen.claim.marker && needs_password(observed, marked) {
        let message = "somebody else changed the password meanwhile, and it was left so";
        return case
            .finish(Outcome::Failed, Reason::ChangedSince, message.into())
            .closing(Closing::Refund);
    }
    resume(now, observed, case, seen, account, marked)
}

/// The account as it reads now, or what is to be done because it cannot be read.
fn reading<'a>(
    now: Timestamp,
    observed: &'a Observed,
    case: &Case,
    seen: &ClaimSeen,
) -> Result<&'a AccountRead, Box<Decision>> {
    let hopeless = now >= after(expires(observed), observed.timing.quarantine);
    if let Some(directory) = observed.directory
        && !directory.upstream.is_empty()
        && observed.ledger_name(&seen.id).as_ref() != Some(&seen.account)
    {
        return Err(Box::new(unknown(case, "its Directory leads to another upstream now")));
    }
    let last = observed.last_reading().filter(|_| observed.can_read());
    let decision = match last.map(|reading| &reading.result) {
        Some(Ok(account)) if account.id == seen.id => return Ok(account),
        Some(Ok(_)) | None => read(now, observed, case, seen, hopeless),
        Some(Err(ReadFailure::NotFound | ReadFailure::Ambiguous)) => unknown(case, "the account is gone"),
        Some(Err(ReadFailure::Failed(failure))) if hopeless => unreadable(case, failure),
        Some(Err(failure)) => case.unread(now, failure),
    };
    Err(Box::new(decision))
}

fn judge(now: Timestamp, observed: &Observed, case: &Case, seen: &ClaimSeen) -> Decision {
    let account = match reading(now, observed, case, seen) {
        Ok(account) => account,
        Err(decision) => return *decision,
    };
    match plan::marked_step(observed.request) {
        Some(_) if seen.claim.marked => resume(now, observed, case, seen, account, true),
        Some(Step::SetPassword) => judge_password(now, observed, case, seen, account),
        Some(_) => judge_link(now, observed, case, seen, account),
        // Steps that set a state: the reading tells which are still to be done.
        None => resume(now, observed, case, seen, account, false),
    }
}

/// Reads the account from the claim's server; where that cannot be done for too long, nobody knows.
fn read(now: Timestamp, observed: &Observed, case: &Case, seen: &ClaimSeen, hopeless: bool) -> Decision {
    match (observed.can_read(), hopeless) {
        (false, true) => unknown(case, "its Directory cannot be used"),
        (false, false) => case.wait(
            Reason::DirectoryUnavailable,
            "an earlier attempt was interrupted, and its Directory cannot be used to read back what it did".into(),
            after(now, Duration::from_secs(10)),
        ),
        (true, false) if case.setback(now).is_some() => case.setback(now).unwrap_or(Decision::Ignore),
        (true, _) => Decision::Gather(observed.read(&seen.id, seen.claim.server.as_ref(), true)),
    }
}

/// A password that may have been set: the marker tells, and one sign-in tells whose it is.
fn judge_password(
    now: Timestamp,
    observed: &Observed,
    case: &Case,
    seen: &ClaimSeen,
    account: &AccountRead,
) -> Decision {
    let claim = &seen.claim;
    // Absent before and absent after is no marker; one that is there for the first time has moved.
    if claim.marker.is_none() && account.password_marker.is_none() {
        let why = "this directory shows no trace by which a set password can be recognised";
        return in_doubt(observed, case, seen, why);
    }
    match observed.password_moved(claim, account) {
        Moved::No => return resume(now, observed, case, seen, account, false),
        // A sign-in would prove whose is in force, and count towards a lock where it is not ours.
        Moved::Further => {
            return unknown(case, "the password was set more than once since").deliver(false);
        }
        Moved::Once => {}
    }
    match (&observed.progress.proof, claim.proved) {
        (Some(Proof::Ours), _) => resume(now, observed, case, seen, account, true),
        // It is not in force, or that cannot be known: handing it over would only invite wrong sign-ins.
        (Some(Proof::NotProven), _) => {
            unknown(case, "the password was changed since, and not provably by this request").deliver(false)
        }
        (None, true) if !observed.progress.proving => {
            let why = "the password was changed since, and the one proof was interrupted";
            in_doubt(observed, case, seen, why)
        }
        (None, false) => match prepared(observed, claim_again(seen)) {
            Err(decision) => decision.unwrap_or_else(|| unknown(case, "the key of its password is gone")),
            Ok(()) => renew(Renewal {
                marked: false,
                proved: true,
                take_over: None,
            }),
        },
        (None, true) => match prepared(observed, claim_again(seen)) {
            Err(decision) => decision.unwrap_or_else(|| unknown(case, "the key of its password is gone")),
            Ok(()) => Decision::Act(Effect::Prove),
        },
    }
}

/// A link that may have been sent: only the directory's log can tell, and its silence proves nothing.
fn judge_link(now: Timestamp, observed: &Observed, case: &Case, seen: &ClaimSeen, account: &AccountRead) -> Decision {
    match observed.facts.link_sent {
        None => Decision::Gather(Fact::LinkSent {
            directory: seen.claim.directory.clone(),
            id: seen.id.clone(),
            since: seen.charged,
        }),
        Some(true) => resume(now, observed, case, seen, account, true),
        Some(false) => unknown(case, "the directory's log shows no link, which proves nothing"),
    }
}

/// Goes on where the interrupted attempt stopped: as ours, if anything is left to do and it is still permitted.
fn resume(
    now: Timestamp,
    observed: &Observed,
    case: &Case,
    seen: &ClaimSeen,
    account: &AccountRead,
    marked: bool,
) -> Decision {
    let temporary = observed.request.method() == Some(Method::TemporaryPassword);
    if needs_password(observed, marked) || (marked && temporary) {
        match prepared(observed, claim_again(seen)) {
            Ok(()) => {}
            Err(Some(decision)) => return decision,
            Err(None) => return unknown(case, "the key of its password is gone"),
        }
    }
    if let LockState::Unknown(why) = &account.lock
        && plan::clears_lock(observed.request)
    {
        return lock_unread(now, observed, case, marked, why);
    }
    let stamp = seen.claim.lock_stamp.as_deref();
    let steps = plan_of(observed, &seen.claim.policy, account);
    // Where the reset clears the lock by itself, a lock that is there after it is another one.
    if marked && !steps.contains(&Step::Unlock) && claimed::leaves_locked(observed, account) {
        return locked_again(observed, case, marked);
    }
    if steps.contains(&Step::Unlock) && reached(Step::Unlock, account, stamp) == Reached::LockedAgain {
        return locked_again(observed, case, marked);
    }
    let left = steps.iter().any(|step| match step {
        Step::SetPassword | Step::SendLink => !marked,
        // Nothing shows whether sessions were ended; that alone is no reason to go on after the time is over.
        Step::RevokeSessions => now < expires(observed),
        Step::Unlock | Step::RequireChange => reached(*step, account, stamp) != Reached::Yes,
    });
    if !left {
        return claimed::success(observed, case);
    }
    if let Some(decision) = forbidden(now, observed, case, seen, account, marked) {
        return decision;
    }
    renew(Renewal {
        marked,
        proved: seen.claim.proved,
        take_over: Some(steps),
    })
}

/// The lock state cannot be read: whether the lock was cleared is not known, and no plan can be made. A password that was set
/// is delivered all the same.
fn lock_unread(now: Timestamp, observed: &Observed, case: &Case, marked: bool, why: &str) -> Decision {
    if marked {
        let message = format!(
            "the reset was done; whether the account is locked is not known, since the lock state cannot be read: {why}; \
             look at the account"
        );
        return case
            .finish(Outcome::Unknown, Reason::OutcomeUnknown, message)
            .deliver(true)
            .closing(Closing::Done);
    }
    let why = format!("the lock state cannot be read: {why}");
    if now >= after(expires(observed), observed.timing.quarantine) {
        return unknown(case, &why);
    }
    let message = format!("an earlier attempt was interrupted, and {why}");
    case.wait(Reason::MissingRights, message, after(now, Duration::from_secs(60)))
        .needs_person()
}

/// Whether another process may have acted under this claim: what it sent, only the account tells.
pub fn by_another(observed: &Observed, seen: &ClaimSeen) -> bool {
    !seen.ours || ledger::is_taken_over(&seen.claim, seen.charged, observed.timing)
}

/// Whether a change may have been required by now of a request that asks for just that: by another process, or by a send
/// of ours. Once its owner has made it, the account does not show it any more.
pub fn may_have_required_change(observed: &Observed, seen: &ClaimSeen) -> bool {
    let by_another = by_another(observed, seen);
    let had_effect = |send: &Send| matches!(send.result, Sent::Done | Sent::Unknown(_));
    let mut sends = observed.progress.sends.iter();
    let by_us = sends.any(|send| send.step == Step::RequireChange && had_effect(send));
    observed.request.method() == Some(Method::ChangeAtNextSignIn) && (by_another || by_us)
}

/// The account got locked anew since the claim was written; that lock is not ours to clear.
fn locked_again(observed: &Observed, case: &Case, marked: bool) -> Decision {
    let (earlier, closing) = match (marked, observed.request.method()) {
        (true, _) => ("the reset was done, and ", Closing::Done),
        // Whether the first lock was cleared is not known any more: it counts.
        (false, None | Some(Method::ChangeAtNextSignIn)) => ("", Closing::Done),
        (false, Some(_)) => ("nothing was reset, since ", Closing::Refund),
    };
    let message =
        format!("{earlier}the account was locked anew since an interrupted attempt; find out who signs in wrongly");
    case.finish(Outcome::Failed, Reason::LockedAgain, message)
        .deliver(marked)
        .closing(closing)
}

fn needs_password(observed: &Observed, marked: bool) -> bool {
    !marked && plan::marked_step(observed.request) == Some(Step::SetPassword)
}

/// Whether the password was derived again by the claim's own values. `Err(None)`: it cannot be.
fn prepared(observed: &Observed, again: Fact) -> Result<(), Option<Decision>> {
    match &observed.facts.prepared {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) => Err(None),
        None => Err(Some(Decision::Gather(again))),
    }
}

fn claim_again(seen: &ClaimSeen) -> Fact {
    let (length, recipients) = seen.claim.derivation.as_ref().map_or((0, Vec::new()), |derivation| {
        (derivation.length, derivation.recipients.clone())
    });
    Fact::Prepare {
        directory: seen.claim.directory.clone(),
        length,
        recipients,
        again: Some(Box::new(seen.claim.clone())),
    }
}

/// The plan under the policy of the claim, as that policy stands now.
fn plan_of(observed: &Observed, reference: &PolicyReference, account: &AccountRead) -> Vec<Step> {
    let policy: Option<&Arc<Policy>> = observed
        .policies
        .iter()
        .find(|policy| policy.reference.name == reference.name);
    let revoke = policy.is_some_and(|policy| policy.spec.password.revoke_sessions);
    observed.directory.map_or_else(Vec::new, |directory| {
        plan::steps(observed.request, account, &directory.capabilities, revoke)
    })
}

fn renew(renewal: Renewal) -> Decision {
    Decision::Act(Effect::Renew(renewal))
}

fn unknown(case: &Case, why: &str) -> Decision {
    let message = format!("whether it was done is not known: {why}; look at the account, then create a new request");
    case.finish(Outcome::Unknown, Reason::OutcomeUnknown, message)
        .deliver(true)
        .closing(Closing::Unknown)
}

/// A password that may be in force, and nobody can tell: it is handed over to those it is sealed to, since they would
/// have it had the reply not been lost, and an owner without any password is the worse end.
fn in_doubt(observed: &Observed, case: &Case, seen: &ClaimSeen, why: &str) -> Decision {
    match prepared(observed, claim_again(seen)) {
        Err(Some(gather)) if seen.claim.derivation.is_some() => gather,
        Ok(()) => unknown(case, &format!("{why}; the sealed password may be the one in force")),
        Err(_) => unknown(case, why),
    }
}

fn unreadable(case: &Case, failure: &Failure) -> Decision {
    unknown(case, "the account could not be read back").detail(failure.private.clone())
}
