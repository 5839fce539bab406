//! What is different where an account's credentials live in another Directory than the one that the request names: who
//! is acted on, and when it counts as done.
//!
//! Everything that is done is done in that other Directory, by the same code as anywhere else; permission, protection and
//! limits hold for both accounts. An ending that succeeded there is judged in the Directory that was named
//! ([`judged`]), whose own lock an unlock elsewhere does not end. Where it keeps one, what was done is recorded and its
//! claim closed, and the request waits for whoever ends that lock.

use crate::{
    api::{Outcome, Reason, condition::types, request_status::AccountReference},
    domain::{
        account::{AccountRead, Lock, LockState, ReadFailure, Remedy},
        case::Case,
        decide::{self, after, expires},
        decision::{Decision, Ending, Fact, Waiting},
        hindrance,
        observed::{AccountSeen, ClaimSeen, Observed},
        policy::{self, Subject},
        request::{Ask, Request},
        route::{self, Lead, Match, Route},
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// How soon, at first and at most, the Directory that the request names is looked at again.
const LOOK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// The account has its credentials elsewhere: the account there is found, and if both may be touched, acted on.
pub fn follow(now: Timestamp, observed: &Observed, case: &Case, named: Subject, route: &Route) -> Decision {
    let there = &observed.within(&route.directory);
    let case = &case.within(there);
    if let Some(trouble) = hindrance::directory_trouble(now, there, &route.directory, case) {
        return trouble;
    }
    let Some(directory) = there.directory else {
        return Decision::Ignore;
    };
    if directory.name == named.directory.name {
        return leads_on(case, route);
    }
    if let Some(incapable) = hindrance::incapable(there, case) {
        return incapable;
    }
    if let Some(wait) = case.setback(now) {
        return wait;
    }
    let account = match there.reading().map(|seen| &seen.result) {
        None => return hindrance::search(now, there, directory, case, route.key.clone()),
        Some(Err(failure)) => return missing(now, case, route, failure),
        Some(Ok(account)) => account,
    };
    if let Some(decision) = unconfirmed(now, case, route, account) {
        return decision;
    }
    let acting = Subject { directory, account };
    let policy = match decide::chosen(now, observed, case, policy::select(now, there, &[named, acting])) {
        Ok(policy) => policy,
        Err(decision) => return *decision,
    };
    if let Some(decision) = hindrance::untouchable(now, there, case, &acting) {
        return decision;
    }
    match route::lead(now, observed.request, directory, account) {
        Lead::Stays if account.foreign_source.is_none() => decide::settled(now, there, case, &policy, account),
        Lead::Stays | Lead::To(_) | Lead::Lost(..) => leads_on(case, route),
        Lead::Unknown(why) => unknown(now, case, &why),
    }
}

/// What keeps the Directory, to which the account led when it was looked up last, from being used now: it is not looked up
/// again for that. However many wait for one Directory, they use up no calls of the other.
pub fn held_up(now: Timestamp, observed: &Observed, case: &Case) -> Option<Decision> {
    let led = observed.progress.led.as_deref()?;
    let mut sources = observed.directory?.sources.iter();
    sources.find(|source| source.directory() == led)?;
    let there = &observed.within(led);
    let case = &case.within(there);
    hindrance::directory_trouble(now, there, led, case).or_else(|| {
        let refusal = there.directory?.refusal.clone()?;
        Some(case.unread(now, &ReadFailure::Failed(refusal)))
    })
}

/// The account lacks what leads to where its credentials live.
pub fn lost(observed: &Observed, case: &Case, directory: &str, why: String) -> Decision {
    let there = &observed.within(directory);
    case.within(there).not_eligible(Some((Reason::NotEligible, why)))
}

/// Where the credentials live could not be found out.
pub fn unknown(now: Timestamp, case: &Case, why: &str) -> Decision {
    let message = format!(
        "where the account's credentials live cannot be told, since an expression in spec.sources of Directory {} cannot \
         be evaluated: {why}",
        case.place()
    );
    case.wait(
        Reason::DirectoryUnavailable,
        message,
        after(now, Duration::from_secs(30)),
    )
    .needs_person()
}

/// A route has one step: were it longer, nobody could say whose rules hold in between.
fn leads_on(case: &Case, route: &Route) -> Decision {
    let message = format!(
        "a source leads to directory {}, where this account's credentials do not live either; let the source lead to the \
         Directory where they do",
        route.directory
    );
    case.finish(Outcome::Failed, Reason::Refused, message)
}

fn missing(now: Timestamp, case: &Case, route: &Route, failure: &ReadFailure) -> Decision {
    let detail = match failure {
        ReadFailure::NotFound => case.nobody(&format!("directory {} has no account for it", route.directory)),
        ReadFailure::Ambiguous => format!("several accounts of directory {} match", route.directory),
        ReadFailure::Failed(_) => return case.unread(now, failure),
    };
    case.not_eligible(Some((Reason::NotEligible, detail)))
}

/// Why the account that was found is not taken for the one that was meant.
fn unconfirmed(now: Timestamp, case: &Case, route: &Route, account: &AccountRead) -> Option<Decision> {
    match route.confirms(account) {
        Match::Confirmed => None,
        Match::Unconfirmed(why) => {
            let detail = format!("the account in directory {} is not confirmed: {why}", route.directory);
            Some(case.not_eligible(Some((Reason::NotEligible, detail))))
        }
        Match::Unreadable(why) => {
            let message = format!(
                "whether the account in directory {} is the right one cannot be told: {why}",
                route.directory
            );
            let wait = case.wait(Reason::MissingRights, message, after(now, Duration::from_secs(60)));
            Some(wait.needs_person())
        }
    }
}

/// Why nothing is done though the account that is acted on would allow it: the one that is named is disabled.
pub fn disabled(observed: &Observed, account: &AccountRead) -> Option<String> {
    let (directory, named) = observed.origin()?;
    let locked = [account, named]
        .iter()
        .any(|account| account.lock != LockState::NotLocked);
    let asks = locked || observed.request.ask != Ask::Unlock;
    (named.disabled == Some(true) && asks).then(|| {
        format!(
            "the account is disabled in directory {}; a disabled account is enabled by its directory's administrators",
            directory.name
        )
    })
}

/// Why the accounts that a claim is about cannot both be judged.
pub enum Behind {
    /// This is to be done first.
    Decided(Box<Decision>),
    /// The account that the request names is gone.
    Gone,
}

/// The accounts that must be permitted while acting under a claim: the one it is about, and the one that was named.
pub fn subjects<'a>(
    now: Timestamp,
    observed: &Observed<'a>,
    case: &Case,
    seen: &ClaimSeen,
    account: &'a AccountRead,
) -> Result<Vec<Subject<'a>>, Behind> {
    let decided = |decision| Err(Behind::Decided(Box::new(decision)));
    let Some(directory) = observed.directory else {
        return decided(case.unusable(now));
    };
    let acting = Subject { directory, account };
    let Some(id) = &seen.claim.named else {
        return Ok(vec![acting]);
    };
    let name = &observed.request.directory;
    let there = &observed.within(name);
    if let Some(trouble) = hindrance::directory_trouble(now, there, name, case) {
        return decided(trouble);
    }
    let (Some(directory), Some(reading)) = (there.directory, there.reading()) else {
        return decided(Decision::Gather(there.read(id, None, true)));
    };
    match &reading.result {
        Ok(account) if account.id == *id => Ok(vec![Subject { directory, account }, acting]),
        Ok(_) | Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => Err(Behind::Gone),
        Err(failure @ ReadFailure::Failed(_)) => decided(case.within(there).unread(now, failure)),
    }
}

/// What was done where the credentials live, and is recorded: only the Directory that the request names is behind.
pub fn outstanding(observed: &Observed) -> Option<Box<Ending>> {
    let known = observed.progress.outstanding.clone();
    known.or_else(|| recorded(observed.request).map(Box::new))
}

fn recorded(request: &Request) -> Option<Ending> {
    let status = &request.status;
    let done = status
        .conditions
        .iter()
        .find(|condition| condition.r#type == types::DONE_AT_SOURCE && condition.status == "True")?;
    Some(Ending {
        outcome: Outcome::Succeeded,
        reason: *Reason::ALL.iter().find(|reason| reason.as_str() == done.reason)?,
        message: done.message.clone(),
        detail: None,
        policy: status.policy.clone(),
        account: Some(status.account.clone()?),
        named: Some(status.named.clone()?),
        lockout: status.lockout.clone(),
        deliver: true,
        closing: None,
    })
}

/// An ending in the Directory where the credentials live, as it stands by the Directory that the request names: that one is
/// what its owner signs in to. Any other decision stays as it is.
pub fn judged(now: Timestamp, observed: &Observed, decision: Decision) -> Decision {
    let Decision::Finish(mut ending) = decision else {
        return decision;
    };
    let (Some(account), Some(named)) = (&ending.account, &ending.named) else {
        return Decision::Finish(ending);
    };
    let (named, done) = (named.clone(), told(&ending.message, account, named));
    let clears = matches!(observed.request.ask, Ask::Unlock | Ask::Reset { unlock: true, .. });
    if ending.outcome != Outcome::Succeeded || !clears {
        ending.message = done;
        return Decision::Finish(ending);
    }
    match standing(&observed.within(&named.directory), &named) {
        Standing::Follows => {
            ending.message = format!("{done}; directory {} shows no lock", named.directory);
            Decision::Finish(ending)
        }
        Standing::Asked(fact) => Decision::Gather(fact),
        Standing::Gone => {
            let message = format!("{done}; then the account in directory {} was gone", named.directory);
            Decision::Finish(Box::new(Ending {
                outcome: Outcome::Unknown,
                reason: Reason::OutcomeUnknown,
                message,
                ..*ending
            }))
        }
        Standing::Keeps(reason, why) => keeps(now, observed, *ending, (reason, &done, &why)),
    }
}

/// Both accounts are named: where it was done, and whose credentials live there.
fn told(message: &str, account: &AccountReference, named: &AccountReference) -> String {
    format!(
        "{message} (in directory {}, where the credentials of the account in directory {} live)",
        account.directory, named.directory
    )
}

/// How the account that the request names stands, after what was done elsewhere.
enum Standing {
    /// It shows no lock.
    Follows,
    /// This must be read first.
    Asked(Fact),
    /// It is not there any more.
    Gone,
    /// It is still locked, or that could not be read.
    Keeps(Reason, String),
}

fn standing(there: &Observed, named: &AccountReference) -> Standing {
    let name = &named.directory;
    let Some(AccountSeen { result, .. }) = there.last_reading() else {
        return match there.can_read() {
            true => Standing::Asked(there.read(&named.id, None, there.progress.has_sent())),
            false => {
                let why =
                    format!("directory {name} cannot be asked whether it shows a lock; it must be there and ready");
                Standing::Keeps(Reason::DirectoryUnavailable, why)
            }
        };
    };
    match result {
        Ok(account) if account.id != named.id => Standing::Gone,
        Ok(account) => match &account.lock {
            LockState::NotLocked => Standing::Follows,
            LockState::Locked(lock) => locked(name, lock),
            LockState::Unknown(why) => {
                let why = format!("whether directory {name} keeps a lock of its own cannot be read: {why}");
                Standing::Keeps(Reason::MissingRights, why)
            }
        },
        Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => Standing::Gone,
        Err(ReadFailure::Failed(failure)) => {
            let why = format!(
                "whether directory {name} keeps a lock of its own could not be read: {}",
                failure.public
            );
            Standing::Keeps(Reason::DirectoryUnavailable, why)
        }
    }
}

fn locked(name: &str, lock: &Lock) -> Standing {
    let keeps = format!("directory {name} keeps a lock of its own, which an unlock elsewhere does not end");
    match (lock.until, &lock.remedy) {
        (Some(until), _) => Standing::Keeps(
            Reason::AwaitingUpstream,
            format!("{keeps}: it ends by itself at {until:.0}"),
        ),
        (None, Remedy::None(how) | Remedy::Manual { what: how, .. }) => {
            Standing::Keeps(Reason::AwaitingManualAction, format!("{keeps}: {how}"))
        }
        (None, Remedy::Unlock | Remedy::Clear | Remedy::Time) => Standing::Keeps(
            Reason::AwaitingManualAction,
            format!("{keeps}: an administrator must clear it there"),
        ),
    }
}

/// The named Directory does not follow (yet): the request waits for that, for as long as it has.
fn keeps(now: Timestamp, observed: &Observed, ending: Ending, (reason, done, why): (Reason, &str, &str)) -> Decision {
    let expires = expires(observed);
    let nothing = ending.reason == Reason::NotLocked;
    if now >= expires {
        let message = format!("its time ended at {expires:.0}: {done}, but {why}");
        return Decision::Finish(Box::new(Ending {
            outcome: if nothing { Outcome::Expired } else { Outcome::Failed },
            reason: Reason::Expired,
            message,
            ..ending
        }));
    }
    let message = format!("{done}; {why}; this request waits for that until {expires:.0}");
    Decision::Wait(Box::new(Waiting {
        reason,
        message,
        detail: None,
        until: next_look(now, observed.request).min(expires),
        needs_person: reason.needs_person(),
        policy: ending.policy.clone(),
        account: ending.account.clone(),
        named: ending.named.clone(),
        lockout: ending.lockout.clone(),
        promise: None,
        outstanding: (!nothing).then(|| Box::new(ending)),
        elsewhere: None,
    }))
}

/// Rarer the longer it takes, so that many such requests do not use up the Directory's budget of calls.
fn next_look(now: Timestamp, request: &Request) -> Timestamp {
    let since = request.status.start_time.unwrap_or(now);
    let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    after(now, (age / 8).clamp(LOOK.0, LOOK.1))
}
