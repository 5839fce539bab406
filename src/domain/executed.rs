//! What the ledger remembers of the same manifest, or of this very request: that it has already had its effect, or that an
//! earlier object of it is being executed. Nothing is done then.

use crate::{
    api::{
        Outcome, Reason,
        account::{LedgerEntry, LedgerOutcome},
    },
    domain::{
        account::AccountRead,
        busy,
        case::Case,
        decide::after,
        decision::{Decision, Fact},
        ledger,
        observed::Observed,
    },
};
use jiff::Timestamp;

/// What the ledger remembers of the same manifest comes before the clock, the lock and every obstacle: it ends as it
/// was, and one that is under way is awaited. `None`: nothing is remembered, or the request carries no `notAfter`.
pub fn already(now: Timestamp, observed: &Observed, case: &Case, account: &AccountRead) -> Option<Decision> {
    observed.request.intent_key()?;
    let name = observed.ledger_name(&account.id)?;
    let Some(seen) = observed.facts.ledger_of(&name) else {
        return Some(Decision::Gather(Fact::Ledger { name }));
    };
    if let Some(entry) = ledger::executed(seen.entries(), observed.request) {
        return Some(ended(observed, &case.referring(&name), entry));
    }
    is_awaited(observed).then(|| {
        let message = "the same manifest is being executed for an earlier object; what comes of it is awaited";
        case.wait(Reason::AccountBusy, message.into(), after(now, busy::LOOK))
    })
}

/// Whether an earlier object of the same manifest holds the account.
pub fn is_awaited(observed: &Observed) -> bool {
    let request = observed.request;
    let entries = observed.facts.ledger.as_ref().map_or(&[][..], |seen| seen.entries());
    let key = request.intent_key();
    ledger::open(entries).is_some_and(|entry| key.is_some() && entry.key == key && entry.uid != request.uid)
}

/// The same manifest, or this very request, has already had its effect.
pub fn ended(observed: &Observed, case: &Case, entry: &LedgerEntry) -> Decision {
    let (time, uid) = (entry.time, &entry.uid);
    let outcome = match entry.outcome {
        Some(LedgerOutcome::Unknown) => Outcome::Unknown,
        Some(LedgerOutcome::Done) | None => Outcome::Succeeded,
    };
    let message = if *uid == observed.request.uid {
        format!("this request was executed at {time:.0}; its result was recorded by the account's ledger only")
    } else {
        format!(
            "this manifest already ran at {time:.0} (uid {uid}); nothing was done now and no password is delivered again; \
             to run it again use another name"
        )
    };
    case.finish(outcome, Reason::AlreadyExecuted, message)
}
