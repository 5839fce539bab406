//! Waiting for another request's claim on the same account. Only the ledger is looked at meanwhile: the directory would
//! be asked every two seconds for nothing. What permits the request is judged anew once the claim is gone.

use crate::domain::{
    decide::after,
    decision::{Decision, Fact, Waiting},
    ledger,
    observed::Observed,
};
use jiff::Timestamp;
use std::time::Duration;

/// Between two looks at the ledger.
pub const LOOK: Duration = Duration::from_secs(2);

/// What a request waits for whose account another one holds.
#[derive(Clone, Debug)]
pub struct Busy {
    /// The name of the Account object.
    pub ledger: String,
    /// How it was said when that was found out.
    pub waiting: Waiting,
}

/// Whether the other claim is still open; `None` where it is not, or nothing was waited for.
pub fn still(now: Timestamp, observed: &Observed) -> Option<Decision> {
    let busy = observed.progress.busy.as_deref()?;
    let Some(seen) = observed.facts.ledger_of(&busy.ledger) else {
        return Some(Decision::Gather(Fact::Ledger {
            name: busy.ledger.clone(),
        }));
    };
    let open = ledger::open(seen.entries()).is_some_and(|entry| entry.uid != observed.request.uid);
    let executed = ledger::executed(seen.entries(), observed.request).is_some();
    (open && !executed).then(|| {
        Decision::Wait(Box::new(Waiting {
            until: after(now, LOOK),
            ..busy.waiting.clone()
        }))
    })
}
