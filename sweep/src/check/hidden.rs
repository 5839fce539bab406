//! When a request may say that it does not know: only where the truth was hidden from every operator that was there.

use super::told::{Request, Told, entries, message};
use crate::{
    case::{Change, Crew, Fault, Trouble, Upstream, Work},
    history::What,
};
use serde_json::Value;

pub fn unknown_only_where_hidden(told: &Told) -> Vec<String> {
    let unknown = told
        .requests
        .iter()
        .filter(|request| request.outcome() == Some("Unknown"));
    unknown
        .filter(|request| !was_hidden(told, request))
        .map(|request| {
            format!(
                "{} is Unknown, and nothing was hidden: {}",
                request.name,
                message(request.last())
            )
        })
        .collect()
}

/// Whether the truth was hidden from every operator that was there.
fn was_hidden(told: &Told, request: &Request) -> bool {
    if request.reason() == "AlreadyExecuted" {
        return told.requests.len() > 1;
    }
    // Nothing is read in a Directory that is suspended.
    if told.changes(Change::SuspendDirectory) {
        return true;
    }
    if matches!(
        told.case.trouble,
        Trouble::Upstream {
            fault: Fault::Frozen,
            ..
        }
    ) {
        return true;
    }
    let end = request.ended().unwrap_or(i64::MAX);
    let lost = ["SetPassword", "SendLink"]
        .iter()
        .flat_map(|step| request.sends(step))
        .any(|(process, at, result)| match result {
            Some(word) => word == "Unknown",
            None => told.was_interrupted(process, at, end) || told.case.crew == Crew::Rivals,
        });
    // The claim of a process that did not go on with it says nothing of what was sent.
    let left = request
        .claims()
        .any(|(process, at)| told.was_interrupted(process, at, end) || told.case.crew == Crew::Rivals);
    match (request.ask.upstream, request.ask.work) {
        (_, Work::Unlock | Work::ClaimedUnlock | Work::Change | Work::Denied) => false,
        _ if shows_marker(told, request) => {
            // A proof that was begun is not begun again, also not by a rival; a locked account's password proves nothing.
            let proved = claims_of(told, request).any(|claim| claim["proved"] == true);
            let interrupted = told
                .processes
                .iter()
                .any(|(_, _, what)| matches!(what, What::Killed | What::Exited(_)));
            let mut changes = [Change::OwnPassword, Change::DropDayKey, Change::LockAgain].into_iter();
            (proved && (interrupted || told.is_partitioned() || told.case.crew == Crew::Rivals))
                || changes.any(|change| told.changes(change))
        }
        (Upstream::Okta | Upstream::OpenLdap | Upstream::Routed, _) => lost || left,
    }
}

/// Every version of a request's claim that was seen in the ledger.
fn claims_of<'s>(told: &'s Told, request: &'s Request) -> impl Iterator<Item = &'s Value> {
    let ledgers = told.accounts.get(request.account).map(|account| &account.ledgers);
    let entries = ledgers.into_iter().flatten().flat_map(|ledger| entries(ledger));
    entries
        .filter(|entry| entry["uid"] == request.uid)
        .map(|entry| &entry["claim"])
        .filter(|claim| claim.is_object())
}

/// Whether the directory showed a marker when it was claimed: then that and one sign-in tell what became of a password.
fn shows_marker(told: &Told, request: &Request) -> bool {
    request.ask.work == Work::Temporary && claims_of(told, request).any(|claim| claim["marker"].is_string())
}
