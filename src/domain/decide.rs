//! The decision: what is to be done with a request now. Total, and a function of what it is given.
//!
//! Order: claims and sends of ours first, since only they know the truth; then the clock; then permission, waiting
//! times, limits, and at last one effect. Once something may have been done, the clock never decides, recovery does.

use crate::{
    api::{Outcome, Reason, request_status::Lockout},
    domain::{
        account::{AccountRead, LockState, Remedy, Step},
        busy,
        case::Case,
        claimed, claimless,
        decision::{Decision, Effect, Fact, Renewal},
        enforcement::Enforcement,
        executed, limits,
        observed::{AccountSeen, ClaimSeen, DirectoryView, Observed},
        plan::{self, Obstacle},
        policy::{self, Policy, Protected, Selection},
        recovery,
        request::{Ask, Request},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Looks again after so long where nothing else wakes a waiting request.
pub const IDLE: Duration = Duration::from_secs(300);

/// What is to be done with this request now.
pub fn decide(now: Timestamp, observed: &Observed) -> Decision {
    let request = observed.request;
    if request.is_finished() || request.deleting {
        return Decision::Ignore;
    }
    if let Some(seen) = &observed.progress.claim {
        let decision = match seen.ours {
            true => claimed::carry_on(now, observed, seen),
            false => recovery::recover(now, observed, seen),
        };
        return fenced(seen, decision);
    }
    if observed.progress.has_sent() {
        return confirm(observed, claimless::settle(now, observed));
    }
    let case = Case::new(observed);
    let expires = expires(observed);
    if now >= expires {
        return expired(now, observed, &case, expires);
    }
    let decision = enforced(now, observed, &case).unwrap_or_else(|| permitted(now, observed, &case));
    confirm(observed, decision.until(expires))
}

/// When the request ends at the latest.
pub fn expires(observed: &Observed) -> Timestamp {
    let request = observed.request;
    let validity = SignedDuration::try_from(policy::validity(observed).get()).unwrap_or(SignedDuration::MAX);
    let bound = request.created.saturating_add(validity).unwrap_or(Timestamp::MAX);
    request.not_after.map_or(bound, |not_after| not_after.min(bound))
}

/// A request whose time is over: the same manifest may have run before, and then says so.
fn expired(now: Timestamp, observed: &Observed, case: &Case, expires: Timestamp) -> Decision {
    if observed.request.not_after.is_some() && enforced(now, observed, case).is_none() {
        let hopeless = now >= after(expires, observed.timing.quarantine.saturating_mul(3));
        match permitted(now, observed, case) {
            Decision::Gather(fact) if !matches!(fact, Fact::Prepare { .. }) => return Decision::Gather(fact),
            Decision::Finish(ending) if ending.reason == Reason::AlreadyExecuted => return Decision::Finish(ending),
            // The same manifest is being executed: what comes of it is this request's ending too.
            Decision::Wait(waiting) if !hopeless && (executed::is_awaited(observed) || waiting.promise.is_some()) => {
                return Decision::Wait(waiting);
            }
            _ => {}
        }
    }
    let message = format!("its time ended at {expires}; create it under another name, with a later notAfter");
    confirm(observed, case.finish(Outcome::Expired, Reason::Expired, message))
}

/// A bad ending of a request that may hold a claim somewhere: another replica may have sent under it already.
fn confirm(observed: &Observed, decision: Decision) -> Decision {
    let bad = matches!(&decision, Decision::Finish(ending) if ending.outcome != Outcome::Succeeded);
    match (bad && may_have_claimed(observed), observed.facts.claimed_elsewhere) {
        (true, None) => Decision::Gather(Fact::ClaimedElsewhere),
        // The shell has put the claim into `progress`; the next pass recovers it.
        _ => decision,
    }
}

/// An ending under a claim that another replica may hold or have taken over: it could still renew the claim and send
/// after the end. The claim is written again first, so that one of the two loses.
fn fenced(seen: &ClaimSeen, decision: Decision) -> Decision {
    match decision {
        Decision::Finish(_) if !seen.firm => Decision::Act(Effect::Renew(Renewal::fence())),
        decision => decision,
    }
}

/// Whether this request acts under a claim whatever the policy says.
fn needs_claim(observed: &Observed) -> bool {
    let request = observed.request;
    matches!(request.ask, Ask::Reset { .. }) || request.by_service_account() || request.not_after.is_some()
}

/// Whether this request may have acted under a claim: as it stands, or under any policy that covers it.
fn may_have_claimed(observed: &Observed) -> bool {
    let action = observed.request.action();
    let open = |directory: &DirectoryView| {
        let limited = observed.policies.iter().any(|policy| policy.limits(action));
        directory.capabilities.unlock_only_clears && !limited && !limits::speak_of(&directory.limits, action)
    };
    needs_claim(observed) || !observed.directory.is_some_and(open)
}

/// Whether the requester's identity can be trusted.
fn enforced(now: Timestamp, observed: &Observed, case: &Case) -> Option<Decision> {
    let margin = SignedDuration::try_from(observed.timing.enforcement_margin).unwrap_or_default();
    match observed.enforcement {
        Enforcement::Unknown => Some(case.wait(
            Reason::IdentityNotEnforced,
            "the admission policies are being checked".to_owned(),
            after(now, Duration::from_secs(2)),
        )),
        Enforcement::Broken { message } => Some(
            case.wait(Reason::IdentityNotEnforced, message.clone(), after(now, IDLE))
                .needs_person(),
        ),
        Enforcement::Enforced { since } => {
            let trusted = since.saturating_add(margin).unwrap_or(Timestamp::MAX);
            // Without a stamp admission was not there, whatever the times say: there is nobody to ask rights for.
            if observed.request.username().is_empty() {
                let message = "this request carries no requester, since the admission policies were not in force when \
                               it was created; create it under another name";
                return Some(case.finish(Outcome::Failed, Reason::IdentityNotEnforced, message.into()));
            }
            (observed.request.created < trusted).then(|| {
                let message = format!(
                    "requests created before {trusted} carry no trusted requester, since the admission policies were \
                     missing or changed; create it under another name"
                );
                case.finish(Outcome::Failed, Reason::IdentityNotEnforced, message)
            })
        }
    }
}

/// From permission to the first effect.
fn permitted(now: Timestamp, observed: &Observed, case: &Case) -> Decision {
    let request = observed.request;
    if request.suspend {
        // Whose policy bounds its time must be known all the same: the switch does not stop the clock.
        if let Selection::Gather(fact @ (Fact::MayUse(_) | Fact::MayUseAny)) = policy::select(now, observed, None) {
            return Decision::Gather(fact);
        }
        return case.wait(Reason::Suspended, "spec.suspend is true".into(), after(now, IDLE));
    }
    let account = match &observed.facts.account {
        Some(AccountSeen {
            result: Ok(account), ..
        }) => Some(account),
        _ => None,
    };
    match policy::select(now, observed, account) {
        Selection::Gather(Fact::Find) => look_up(now, observed, case),
        Selection::Gather(fact) => Decision::Gather(fact),
        Selection::Wait(reason, message) => {
            let wait = if reason == Reason::NotAllowedToUse {
                observed.timing.rights_recheck
            } else {
                IDLE
            };
            case.wait(reason, message, after(now, wait))
        }
        Selection::Deny(message) => denied(now, observed, case, message),
        Selection::Permit(policy) => match account {
            Some(account) => eligible(now, observed, case, &policy, account),
            None => look_up(now, observed, case),
        },
    }
}

/// Nothing is denied while the Directory that the rules are about is not ready.
fn denied(now: Timestamp, observed: &Observed, case: &Case, message: String) -> Decision {
    directory_trouble(now, observed, case)
        .unwrap_or_else(|| case.finish(Outcome::Denied, Reason::PolicyDenied, message))
}

fn directory_trouble(now: Timestamp, observed: &Observed, case: &Case) -> Option<Decision> {
    let Some(directory) = observed.directory else {
        let message = format!(
            "Directory {} does not exist; create it, see examples/",
            observed.request.directory
        );
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

/// Finds the account upstream, once the rules that do not need it have admitted the request.
fn look_up(now: Timestamp, observed: &Observed, case: &Case) -> Decision {
    if let Some(decision) = directory_trouble(now, observed, case) {
        return decision;
    }
    let Some(directory) = observed.directory else {
        return Decision::Ignore;
    };
    if let Some(why) = plan::incapable(observed.request, &directory.capabilities, false) {
        return case.finish(Outcome::Failed, Reason::NotCapable, why);
    }
    if let Some(busy) = busy::still(now, observed) {
        return busy;
    }
    if let Some(wait) = case.setback(now) {
        return wait;
    }
    match &observed.facts.account {
        Some(AccountSeen {
            result: Err(failure), ..
        }) => case.unread(now, failure),
        _ if let Some(turn) = observed.facts.turn => case.queued(now, turn),
        _ => Decision::Gather(Fact::Find),
    }
}

/// A policy permits it: is the account one that may be touched, and when?
fn eligible(now: Timestamp, observed: &Observed, case: &Case, policy: &Policy, account: &AccountRead) -> Decision {
    if let Some(decision) = directory_trouble(now, observed, case) {
        return decision;
    }
    let Some(directory) = observed.directory else {
        return Decision::Ignore;
    };
    match policy::protection(now, observed.request, directory, account) {
        Protected::No => {}
        Protected::Yes(why) => return case.not_eligible(Some((Reason::Protected, why))),
        Protected::Unknown(why) => {
            let message = "whether the account is protected could not be found out; this is tried again";
            return case
                .wait(
                    Reason::DirectoryUnavailable,
                    message.into(),
                    after(now, Duration::from_secs(10)),
                )
                .detail(why);
        }
    }
    let case = case.with(policy, account);
    if let Some(pinned) = &observed.request.status.account
        && (pinned.id != account.id || pinned.directory != directory.name)
    {
        let message =
            "another account is behind this name since the request began to wait; create it under another name";
        return case.finish(Outcome::Denied, Reason::ChangedSince, message.into());
    }
    if let Some(decision) = executed::already(now, observed, &case, account) {
        return decision;
    }
    if let Some(not_before) = observed.request.not_before.filter(|not_before| now < *not_before) {
        return case.wait(
            Reason::NotBefore,
            format!("nothing is done before {not_before}"),
            not_before,
        );
    }
    ready(now, observed, &case, policy, account)
}

/// Everything but limits lets it through now.
fn ready(now: Timestamp, observed: &Observed, case: &Case, policy: &Policy, account: &AccountRead) -> Decision {
    let (request, Some(directory)) = (observed.request, observed.directory) else {
        return Decision::Ignore;
    };
    let revoke = policy.spec.password.revoke_sessions;
    if request.ask == Ask::Unlock && account.lock == LockState::NotLocked {
        return not_locked(case, directory, account);
    }
    if let Some(obstacle) = plan::obstacle(request, account, &directory.capabilities, revoke) {
        return blocked(now, request, case, obstacle);
    }
    if let Some(wait) = case.setback(now) {
        return wait;
    }
    let action = request.action();
    let limited = policy.limits(action) || limits::speak_of(&directory.limits, action);
    let only_clears = directory.capabilities.unlock_only_clears || is_merely_cleared(account);
    if !needs_claim(observed) && !limited && only_clears {
        return match observed.is_fresh(now) {
            true => Decision::Act(Effect::Send {
                step: Step::Unlock,
                also: Vec::new(),
                policy: Some(policy.reference.clone()),
            }),
            false => observed.read_again(account, false),
        };
    }
    claimed::begin(now, observed, case, policy, account)
}

/// Whether unlocking this account, as it was read, can do nothing but clear its lock.
fn is_merely_cleared(account: &AccountRead) -> bool {
    matches!(&account.lock, LockState::Locked(lock) if lock.remedy == Remedy::Clear)
}

/// There is no lock: there was none, or somebody cleared it by hand since this request saw it.
fn not_locked(case: &Case, directory: &DirectoryView, account: &AccountRead) -> Decision {
    if let Some(why) = account.obstacles.get(&Step::Unlock) {
        return case.finish(Outcome::Failed, Reason::Refused, why.clone());
    }
    let capabilities = &directory.capabilities;
    if capabilities.unlock_by_hand && case.has_seen_lock() {
        let then = capabilities.after_unlock.iter().map(|then| format!("; {then}"));
        let message = format!(
            "the lock is gone; the account was read back as not locked{}",
            then.collect::<String>()
        );
        return case.finish(Outcome::Succeeded, Reason::Unlocked, message);
    }
    let also = if account.disabled == Some(true) {
        "; it is disabled"
    } else {
        ""
    };
    let message = format!("the account was read as not locked{also}; nothing was done");
    case.finish(Outcome::Succeeded, Reason::NotLocked, message)
}

fn blocked(now: Timestamp, request: &Request, case: &Case, obstacle: Obstacle) -> Decision {
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

/// A later time.
pub fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}

/// The lock as it goes into the status.
pub fn lockout(account: &AccountRead) -> Option<Lockout> {
    match &account.lock {
        LockState::Locked(lock) => Some(Lockout {
            since: lock.since,
            until: lock.until,
            cause: lock.cause.clone(),
            scope: lock.scope.clone(),
        }),
        LockState::NotLocked | LockState::Unknown(_) => None,
    }
}
