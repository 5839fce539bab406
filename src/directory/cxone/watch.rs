//! Locks that requests wait for: the list of locked agents is read once in a while for all of them, and not once a request.
//!
//! Only that somebody is still locked is taken from here, and so may be told for a while too long; what is known besides is
//! as old as the first reading. Nothing is done to an account that waits like this. That a lock is gone is always read
//! afresh.

use super::{
    Cxone,
    client::Refusal,
    list::{LOCKED, is_locked},
};
use crate::{
    api::common::AccountSelector,
    directory::Call,
    domain::account::{AccountRead, Failure, FailureClass, Lock, LockState, ReadFailure, Remedy},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Of how many accounts it is remembered that they are locked.
const MOST: usize = 4096;
/// Pages of the list: of who is not in them, the lock is read account by account.
const PAGES: usize = 50;

/// As many polls old may a list be while calls are held back.
const OLDEST: u32 = 5;

/// What is remembered.
#[derive(Default)]
pub(super) struct Watch {
    /// Accounts as last read, by what they were asked by.
    known: Mutex<HashMap<String, AccountRead>>,
    /// The ids of who is locked, and since when that is known. Whoever holds it reads the list.
    locked: tokio::sync::Mutex<Option<(Instant, HashSet<String>)>>,
}

impl Watch {
    /// Remembers an account that waits for somebody in the console; forgets one that does not.
    pub(super) fn remember(&self, key: &AccountSelector, account: &AccountRead) {
        let name = name(key);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = matches!(
            &account.lock,
            LockState::Locked(Lock {
                remedy: Remedy::Manual { .. },
                ..
            })
        );
        match waits && known.len() < MOST {
            true => known.insert(name, account.clone()),
            false => known.remove(&name),
        };
    }

    fn recall(&self, name: &str) -> Option<AccountRead> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    fn forget(&self, name: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(name);
    }
}

impl Cxone {
    /// The account that was asked for like this before, where it was locked then and still is by the list.
    ///
    /// # Errors
    /// Where the list cannot be read.
    pub(super) async fn still_locked(
        &self,
        call: &Call,
        key: &AccountSelector,
    ) -> Result<Option<AccountRead>, ReadFailure> {
        let name = name(key);
        let Some(account) = self.watch.recall(&name) else {
            return Ok(None);
        };
        let waited = tokio::time::timeout_at(call.deadline.into(), self.watch.locked.lock()).await;
        let mut locked = waited.map_err(|_| {
            let words = "the list of locked agents is still being waited for";
            Failure::new(FailureClass::RateLimited(Duration::from_secs(1)), words)
        })?;
        let fresh = |at: &Instant| at.elapsed() < self.spec.poll.get();
        let recent = |at: &Instant| at.elapsed() < self.spec.poll.get().saturating_mul(OLDEST);
        if locked.as_ref().is_none_or(|(at, _)| !fresh(at)) {
            let began = Instant::now();
            match self.search(call, "poll locked agents", LOCKED, PAGES).await {
                Ok(found) => {
                    let rows = found.agents.iter().filter(|agent| is_locked(agent));
                    *locked = Some((began, rows.filter_map(|agent| agent.id()).collect()));
                }
                // The budget of calls is used up: what was true a few polls ago is told a little longer.
                Err(refusal) if is_held_back(&refusal) && locked.as_ref().is_some_and(|(at, _)| recent(at)) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        let still = locked.as_ref().is_some_and(|(_, ids)| ids.contains(&account.id));
        if !still {
            self.watch.forget(&name);
        }
        Ok(still.then_some(account))
    }
}

fn is_held_back(refusal: &Refusal) -> bool {
    matches!(refusal.failure.class, FailureClass::RateLimited(_))
}

fn name(key: &AccountSelector) -> String {
    let parts = [("id", &key.id), ("login", &key.login), ("email", &key.email)];
    let set = parts
        .into_iter()
        .filter_map(|(part, value)| Some((part, value.as_ref()?)));
    set.map(|(part, value)| format!("{part}={} ", value.to_lowercase()))
        .collect()
}
