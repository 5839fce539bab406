//! What the design promises, each promise a function from a history to what breaks it.

use super::{
    hidden, routed, times,
    told::{Account, Request, Told, entries, message},
};
use crate::{
    case::{Change, Crew, Work},
    history::{Step, What},
};
use serde_json::Value;

/// A promise.
pub type Rule = fn(&Told) -> Vec<String>;

/// Every promise.
pub const ALL: &[Rule] = &[
    every_request_ends,
    endings_never_change,
    resets_are_as_told,
    nothing_happens_after_the_end,
    states_are_as_told,
    passwords_are_the_delivered_ones,
    hidden::unknown_only_where_hidden,
    limits_hold,
    ledgers_are_closed_and_charged,
    claims_come_first_and_alone,
    times::resets_come_in_time,
    times::recoveries_wait,
    routed::the_named_account_is_only_read,
    routed::it_is_done_once_and_said_where,
];

fn every_request_ends(told: &Told) -> Vec<String> {
    let mut wrong: Vec<String> = told
        .gave_up
        .iter()
        .map(|what| format!("the runner gave up: {what}"))
        .collect();
    let may_be_gone = told.changes(Change::Delete) || told.case.given.contains(&crate::case::Given::ExpiredRequest);
    for request in &told.requests {
        match (request.outcome(), request.gone && may_be_gone) {
            (Some(_), _) | (None, true) => {}
            (None, false) => wrong.push(format!("{} never ended; it stands at {}", request.name, request.last())),
        }
    }
    wrong
}

fn endings_never_change(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for request in &told.requests {
        let endings: Vec<&Value> = request
            .statuses
            .iter()
            .map(|(_, status)| *status)
            .filter(|status| status["outcome"].is_string())
            .collect();
        if endings.windows(2).any(|pair| pair.first() != pair.last()) {
            wrong.push(format!("the ending of {} changed: {endings:?}", request.name));
        }
    }
    wrong
}

/// At most one effective value a request, none lost: as many resets as are told, and besides at most one for each
/// request that says that it does not know.
fn resets_are_as_told(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, account) in &told.accounts {
        let done = account.resets();
        let links = account.done(Step::SendLink).count();
        let claimed = told.about(id).filter(|request| request.says_reset()).count();
        let open = told.about(id).filter(|request| request.is_open()).count();
        if done < claimed {
            wrong.push(format!(
                "{claimed} resets are told of account {id}, and {done} took effect"
            ));
        }
        if done > claimed + open {
            wrong.push(format!(
                "{done} resets took effect on account {id} ({links} links), {claimed} are told and {open} unknown"
            ));
        }
    }
    wrong
}

/// A process that was stopped in the middle must not do it after all once the end was told.
fn nothing_happens_after_the_end(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, account) in &told.accounts {
        let mut requests = told.about(id);
        let (Some(request), None) = (requests.next(), requests.next()) else {
            continue;
        };
        let Some(ended) = request.ended().filter(|_| request.outcome() != Some("Unknown")) else {
            continue;
        };
        for effect in account
            .effects
            .iter()
            .filter(|effect| effect.by == crate::history::Origin::Operator)
        {
            // What is told is learned a moment after it was done.
            if effect.at.is_some_and(|at| at > ended + 50) && effect.changed {
                wrong.push(format!(
                    "{:?} took effect on {id} after {} had ended",
                    effect.step, request.name
                ));
            }
        }
    }
    wrong
}

fn states_are_as_told(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for request in &told.requests {
        let Some(account) = told.accounts.get(request.account) else {
            continue;
        };
        let relocked = told.changes(Change::LockAgain);
        let unlocks = account.done(Step::Unlock).count();
        let mut say = |what: &str| {
            wrong.push(format!("{} says {}, but {what}", request.name, request.reason()));
        };
        match (request.outcome(), request.reason()) {
            (Some("Succeeded"), "Unlocked") if unlocks == 0 => say("nothing was unlocked"),
            (Some("Succeeded"), "Unlocked") if account.locked && !relocked => say("the account is locked"),
            (Some("Succeeded"), "NotLocked") if account.locked && !relocked => say("the account is locked"),
            (Some("Succeeded"), "NotLocked") if unlocks > 0 && !forgotten(told, request) => {
                say("an operator unlocked it and could have known");
            }
            (Some("Succeeded"), "ChangeRequired") if !account.must_change => say("no change is required"),
            (Some("Succeeded"), "LinkSent") if account.done(Step::SendLink).count() == 0 => say("no link was sent"),
            (Some("Failed" | "Denied" | "Expired"), _) if unlocks > 0 && is_unlock(request) && !admits(request) => {
                say("the lock was cleared");
            }
            _ => {}
        }
    }
    wrong
}

fn is_unlock(request: &Request) -> bool {
    matches!(request.ask.work, Work::Unlock | Work::ClaimedUnlock)
}

/// Whether a bad ending says itself that the lock had been cleared.
fn admits(request: &Request) -> bool {
    let text = message(request.last());
    request.reason() == "LockedAgain"
        || text.contains("the lock was cleared")
        || text.contains("was not; look at the account")
}

/// The documented residue: without a claim nobody remembers an unlock whose sender did not live to tell, or that another
/// one sent at the same time.
fn forgotten(told: &Told, request: &Request) -> bool {
    let earlier = told.about(request.account).count() > 1;
    let unheard = request.sends("Unlock").iter().any(|(_, _, result)| result.is_none());
    let others = told.case.crew == Crew::Rivals;
    let interrupted = told
        .processes
        .iter()
        .any(|(_, _, what)| matches!(what, What::Killed | What::Stopped | What::Exited(_)));
    earlier || (request.ask.work == Work::Unlock && (unheard || others || interrupted || told.is_partitioned()))
}

/// What is handed over is in force, unless somebody changed it since.
fn passwords_are_the_delivered_ones(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, account) in &told.accounts {
        let delivered: Vec<&Request> = told
            .about(id)
            .filter(|request| request.reason() == "PasswordReset")
            .collect();
        for request in &delivered {
            match request.delivered {
                None => wrong.push(format!("{} says PasswordReset and delivers nothing", request.name)),
                Some((value, _)) => {
                    let set = account
                        .done(Step::SetPassword)
                        .any(|effect| effect.value.as_deref() == Some(value));
                    if !set {
                        wrong.push(format!("what {} delivers was never set", request.name));
                    }
                }
            }
        }
        let open = told.about(id).any(|request| request.is_open());
        let in_force = delivered
            .iter()
            .any(|request| request.delivered.is_some_and(|(_, in_force)| in_force));
        if !delivered.is_empty() && !in_force && !open && !told.changes(Change::OwnPassword) {
            wrong.push(format!("no password that was delivered for account {id} is in force"));
        }
    }
    wrong
}

fn limits_hold(told: &Told) -> Vec<String> {
    let over = told
        .accounts
        .iter()
        .filter(|(_, account)| account.resets() > told.limit);
    over.map(|(id, account)| {
        let limit = told.limit;
        format!(
            "{} resets took effect on account {id}, {limit} were allowed",
            account.resets()
        )
    })
    .collect()
}

/// In the end nothing is claimed, and what took effect is charged.
fn ledgers_are_closed_and_charged(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, account) in &told.accounts {
        let Some(ledger) = account.ledgers.last() else {
            wrong.extend(unclaimed(told, id, account));
            continue;
        };
        for entry in entries(ledger) {
            if entry["claim"].is_object() {
                wrong.push(format!("account {id} is still claimed by {}", entry["uid"]));
            }
        }
        let charged = entries(ledger)
            .iter()
            .filter(|entry| entry["action"] == "ResetPassword")
            .count();
        if charged < account.resets() {
            wrong.push(format!(
                "{} resets of account {id} took effect and {charged} are charged",
                account.resets()
            ));
        }
        for request in told.about(id).filter(|request| request.says_reset()) {
            let entry = entries(ledger).iter().find(|entry| entry["uid"] == request.uid);
            if entry.is_none_or(|entry| entry["outcome"] != "Done") {
                wrong.push(format!(
                    "{} was done, and its ledger entry says {entry:?}",
                    request.name
                ));
            }
        }
        // A copy of this manifest is answered by the entry: it must not say other than the request did.
        for request in told.about(id).filter(|request| request.outcome() == Some("Unknown")) {
            let entry = entries(ledger).iter().find(|entry| entry["uid"] == request.uid);
            if let Some(entry) = entry.filter(|entry| entry["outcome"] == "Done") {
                wrong.push(format!(
                    "{} is Unknown, and its ledger entry says {entry}",
                    request.name
                ));
            }
        }
    }
    wrong
}

/// Nothing but an unlock without a claim is done where no ledger was ever written.
fn unclaimed(told: &Told, id: &str, account: &Account) -> Option<String> {
    let claimless = told.about(id).all(|request| request.ask.work == Work::Unlock);
    let acted = account
        .effects
        .iter()
        .any(|effect| effect.by == crate::history::Origin::Operator);
    (acted && !claimless).then(|| format!("account {id} was acted on without a ledger"))
}

/// At most one open claim an account, and no reset before its claim.
fn claims_come_first_and_alone(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, account) in &told.accounts {
        let open = |ledger: &&&Value| {
            entries(ledger)
                .iter()
                .filter(|entry| entry["claim"].is_object())
                .count()
        };
        if let Some(ledger) = account.ledgers.iter().find(|ledger| open(ledger) > 1) {
            wrong.push(format!("account {id} was claimed twice at once: {ledger}"));
        }
        let first = told
            .about(id)
            .flat_map(|request| request.claims().collect::<Vec<_>>())
            .map(|(_, at)| at)
            .min();
        let resets = account.done(Step::SetPassword).chain(account.done(Step::SendLink));
        for effect in resets {
            let early = effect.at.zip(first).is_some_and(|(at, first)| at + 10 < first);
            if first.is_none() || early {
                wrong.push(format!("{:?} took effect on {id} before any claim", effect.step));
            }
        }
    }
    wrong
}
