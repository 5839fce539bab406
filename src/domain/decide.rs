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
        executed, hindrance,
        ledger::Closing,
        limits,
        observed::{AccountSeen, Acting, ClaimSeen, DirectoryView, Observed},
        plan,
        policy::{self, Policy, Selection, Subject},
        recovery,
        request::Ask,
        route::{self, Lead},
        routed,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Duration};

/// Looks again after so long where nothing else wakes a waiting request.
pub const IDLE: Duration = Duration::from_secs(300);

/// What is to be done with this request now.
pub fn decide(now: Timestamp, observed: &Observed) -> Decision {
    let request = observed.request;
    if request.is_finished() || request.deleting {
        return Decision::Ignore;
    }
    if let Some(seen) = &observed.progress.claim {
        let observed = &observed.within(&seen.claim.directory);
        let decision = match (routed::outstanding(observed), seen.ours) {
            // What was done under it is recorded: only its closing is missing.
            (Some(ending), _) => Decision::Finish(ending).closing(Closing::Done),
            (None, true) => claimed::carry_on(now, observed, seen),
            (None, false) => recovery::recover(now, observed, seen),
        };
        return fenced(seen, routed::judged(now, observed, decision));
    }
    if let Some(ending) = routed::outstanding(observed) {
        return routed::judged(now, observed, Decision::Finish(ending));
    }
    if observed.progress.has_sent() {
        return confirm(
            observed,
            routed::judged(now, observed, claimless::settle(now, observed)),
        );
    }
    let case = Case::new(observed);
    let expires = expires(observed);
    if now >= expires {
        return expired(now, observed, &case, expires);
    }
    let decision = enforced(now, observed, &case).unwrap_or_else(|| permitted(now, observed, &case));
    confirm(observed, routed::judged(now, observed, decision).until(expires))
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
            Decision::Finish(ending) if ending.reason == Reason::AlreadyExecuted => {
                return routed::judged(now, observed, Decision::Finish(ending));
            }
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

/// An ending under a claim, or a wait that closes it, while another replica may hold the claim or have taken it over: that
/// one could still renew it and send. The claim is written again first, so that one of the two loses.
fn fenced(seen: &ClaimSeen, decision: Decision) -> Decision {
    let closes = match &decision {
        Decision::Finish(_) => true,
        Decision::Wait(waiting) => waiting.outstanding.is_some(),
        Decision::Ignore | Decision::Gather(_) | Decision::Act(_) => false,
    };
    match closes && !seen.firm {
        true => Decision::Act(Effect::Renew(Renewal::fence())),
        false => decision,
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
    let sources = observed.directory.map_or(&[][..], |directory| &directory.sources);
    let mut places = sources.iter().map(|source| observed.find(source.directory()));
    needs_claim(observed) || !observed.directory.is_some_and(open) || !places.all(|place| place.is_some_and(open))
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
        if let Selection::Gather(fact @ (Fact::MayUse(_) | Fact::MayUseAny)) = policy::select(now, observed, &[]) {
            return Decision::Gather(fact);
        }
        return case.wait(Reason::Suspended, "spec.suspend is true".into(), after(now, IDLE));
    }
    let account = observed.directory.and_then(|directory| {
        let account = observed.facts.read_in(&directory.name)?;
        Some(Subject { directory, account })
    });
    let policy = match policy::select(now, observed, account.as_slice()) {
        Selection::Gather(Fact::Find { .. }) => return look_up(now, observed, case),
        selection => chosen(now, observed, case, selection),
    };
    match (policy, account) {
        (Err(decision), _) => *decision,
        (Ok(policy), Some(subject)) => eligible(now, observed, case, &policy, subject),
        (Ok(_), None) => look_up(now, observed, case),
    }
}

/// The policy that permits it, or what is to be done because none does.
pub fn chosen(
    now: Timestamp,
    observed: &Observed,
    case: &Case,
    selection: Selection,
) -> Result<Arc<Policy>, Box<Decision>> {
    Err(Box::new(match selection {
        Selection::Permit(policy) => return Ok(policy),
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
    }))
}

/// Nothing is denied while the Directory that the rules are about is not ready.
fn denied(now: Timestamp, observed: &Observed, case: &Case, message: String) -> Decision {
    hindrance::directory_trouble(now, observed, &observed.request.directory, case)
        .unwrap_or_else(|| case.finish(Outcome::Denied, Reason::PolicyDenied, message))
}

/// Finds the account in the Directory at hand, once the rules that do not need it have admitted the request.
fn look_up(now: Timestamp, observed: &Observed, case: &Case) -> Decision {
    if let Some(decision) = hindrance::directory_trouble(now, observed, &observed.request.directory, case) {
        return decision;
    }
    let Some(directory) = observed.directory else {
        return Decision::Ignore;
    };
    // Where it may have to be done elsewhere, what counts is what is possible there.
    if directory.sources.is_empty()
        && let Some(incapable) = hindrance::incapable(observed, case)
    {
        return incapable;
    }
    if let Some(busy) = busy::still(now, observed) {
        return busy;
    }
    if let Some(wait) = routed::held_up(now, observed, case) {
        return wait;
    }
    if let Some(wait) = case.setback(now) {
        return wait;
    }
    match observed.reading() {
        Some(AccountSeen {
            result: Err(failure), ..
        }) => case.unread(now, failure),
        _ => hindrance::search(now, observed, directory, case, observed.request.account.clone()),
    }
}

/// A policy permits it: is the account one that may be touched, and where do its credentials live?
fn eligible(now: Timestamp, observed: &Observed, case: &Case, policy: &Policy, named: Subject) -> Decision {
    if let Some(decision) = hindrance::directory_trouble(now, observed, &observed.request.directory, case) {
        return decision;
    }
    if let Some(decision) = hindrance::untouchable(now, observed, case, &named) {
        return decision;
    }
    match route::lead(now, observed.request, named.directory, named.account) {
        Lead::Stays => match hindrance::incapable(observed, case) {
            Some(decision) => decision,
            None => settled(now, observed, case, policy, named.account),
        },
        Lead::To(route) => routed::follow(now, observed, case, named, &route),
        Lead::Lost(directory, why) => routed::lost(observed, case, &directory, why),
        Lead::Unknown(why) => routed::unknown(now, case, &why),
    }
}

/// It is settled which account is acted on, and that it may be: is it still the same, and is it time?
pub fn settled(now: Timestamp, observed: &Observed, case: &Case, policy: &Policy, account: &AccountRead) -> Decision {
    let case = case.with(policy, account);
    if case.is_another(&observed.request.status) {
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
    if let Some(why) = routed::disabled(observed, account) {
        return case.finish(Outcome::Failed, Reason::Refused, why);
    }
    if request.ask == Ask::Unlock && account.lock == LockState::NotLocked {
        return not_locked(case, directory, account);
    }
    if let Some(obstacle) = plan::obstacle(request, account, &directory.capabilities, revoke) {
        return hindrance::blocked(now, request, case, obstacle);
    }
    if let Some(wait) = case.setback(now) {
        return wait;
    }
    let action = request.action();
    let places = std::iter::once(directory).chain(observed.origin().map(|(named, _)| named));
    let limited = policy.limits(action) || places.into_iter().any(|place| limits::speak_of(&place.limits, action));
    let only_clears = directory.capabilities.unlock_only_clears || is_merely_cleared(account);
    if !needs_claim(observed) && !limited && only_clears {
        return match observed.is_fresh(now) {
            true => Decision::Act(Effect::Send {
                step: Step::Unlock,
                also: Vec::new(),
                target: Some(Box::new(Acting {
                    directory: directory.name.clone(),
                    named: case.named(),
                    id: account.id.clone(),
                    server: account.server.clone(),
                    policy: Some(policy.reference.clone()),
                })),
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
        let message = case.unlocked("the lock is gone; the account was read back as not locked");
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
