//! Results that are not in a ledger yet: put down when a request has ended, written soon, or with another write to the same
//! account.

use super::{Accounts, WriteError};
use crate::{
    api::Account,
    clock,
    domain::ledger::{self, Closing},
    failpoint::Place,
};
use kube::ResourceExt;
use std::time::{Duration, Instant};

/// A closed entry is written after so long at the latest.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Results of one account that are not in its ledger yet.
pub(super) struct Pending {
    /// The object as it was last seen.
    pub(super) latest: Account,
    /// Whose claims ended, and how.
    pub(super) closings: Vec<(String, Closing)>,
    since: Instant,
}

impl Accounts {
    /// Somebody else's write was first: the results that are still to be written go on top of it.
    pub(super) fn rebase(&self, name: &str, there: Option<Account>) {
        let mut state = self.state();
        let Some(pending) = state.pending.get_mut(name) else {
            return;
        };
        let open = there.as_ref().and_then(|account| ledger::open(&account.spec.ledger));
        let open = open.map(|entry| entry.uid.clone());
        pending.closings.retain(|(uid, _)| open.as_ref() == Some(uid));
        match there {
            Some(account) if !pending.closings.is_empty() => pending.latest = account,
            _ => {
                state.pending.remove(name);
            }
        }
    }

    /// Puts down how a claim ended; written soon.
    pub fn close_later(&self, latest: Account, uid: &str, closing: Closing) {
        let name = latest.name_any();
        let mut state = self.state();
        let pending = state.pending.entry(name).or_insert_with(|| Pending {
            latest: latest.clone(),
            closings: Vec::new(),
            since: Instant::now(),
        });
        pending.latest = latest;
        pending.closings.push((uid.to_owned(), closing));
    }

    /// Writes the results that have waited long enough; all of them on stop.
    pub async fn flush(&self, all: bool) {
        let due: Vec<String> = {
            let state = self.state();
            let due = state
                .pending
                .iter()
                .filter(|(_, pending)| all || pending.since.elapsed() >= CLOSE_WITHIN);
            due.map(|(name, _)| name.clone()).collect()
        };
        for name in due {
            self.flush_one(&name).await;
        }
    }

    async fn flush_one(&self, name: &str) {
        let _turn = self.turn(name).await;
        for _ in 0..8 {
            let Some((latest, closings)) = self.pending(name) else {
                return;
            };
            let changed = closed(&latest, &closings);
            match self
                .write(
                    Place::LedgerFlush,
                    name,
                    changed.spec,
                    latest.resource_version(),
                    |_| false,
                )
                .await
            {
                Ok(_) => return,
                Err(WriteError::Conflict) => {}
                Err(WriteError::Api(error)) => {
                    tracing::warn!(account = name, %error, "a ledger entry could not be closed yet");
                    return;
                }
            }
        }
    }

    fn pending(&self, name: &str) -> Option<(Account, Vec<(String, Closing)>)> {
        self.state()
            .pending
            .get(name)
            .map(|pending| (pending.latest.clone(), pending.closings.clone()))
    }
}

/// The object with these results in its ledger.
pub(super) fn closed(account: &Account, closings: &[(String, Closing)]) -> Account {
    let mut account = account.clone();
    for (uid, closing) in closings {
        account.spec.ledger = closing.apply(&account.spec.ledger, uid, clock::now());
    }
    account.spec.ledger = ledger::pruned(&account.spec.ledger, clock::now());
    account
}
