//! The open claims of all replicas, followed by their label: few, and known before anything is executed.
//!
//! The index says which requests must be recovered before anything else, and how long this process has known each
//! claim by its own boot-time clock. It is a hint; what decides is the write with a resourceVersion.

use super::{
    context::Context,
    follow::{self, Change},
};
use crate::{
    api::{Account, CLAIM_LABEL, account::LedgerEntry},
    clock,
    domain::ledger,
};
use kube::{Api, ResourceExt};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// An open claim as it was last seen.
#[derive(Clone)]
pub struct Found {
    /// The Account object.
    pub account: Account,
    /// The entry with the claim.
    pub entry: LedgerEntry,
    /// When this process first saw this writing of it, by its boot-time clock.
    pub since: Duration,
}

/// Every open claim, by the uid of its request.
#[derive(Default)]
pub struct Claims {
    by_uid: Mutex<HashMap<String, Found>>,
}

impl Claims {
    /// The open claim of this request.
    pub fn get(&self, uid: &str) -> Option<Found> {
        self.lock().get(uid).cloned()
    }

    /// Every open claim.
    pub fn all(&self) -> Vec<Found> {
        self.lock().values().cloned().collect()
    }

    /// Takes in an account as it was read. Older news than what is known is ignored.
    pub fn learn(&self, account: Account) {
        let name = account.name_any();
        let mut claims = self.lock();
        let known = claims.values().find(|found| found.account.name_any() == name);
        if known.is_some_and(|found| version(&found.account) > version(&account)) {
            return;
        }
        let Some(entry) = ledger::open(&account.spec.ledger).cloned() else {
            claims.retain(|_, found| found.account.name_any() != name);
            return;
        };
        let writer = |entry: &LedgerEntry| entry.claim.as_ref().map(|claim| claim.writer.clone());
        let since = claims
            .get(&entry.uid)
            .filter(|found| writer(&found.entry) == writer(&entry))
            .map_or_else(clock::boot_time, |found| found.since);
        claims.retain(|uid, found| *uid == entry.uid || found.account.name_any() != name);
        claims.insert(entry.uid.clone(), Found { account, entry, since });
    }

    /// Takes in an account that this process wrote itself, without counting its quarantine anew.
    pub fn rewrite(&self, account: Account) {
        let Some(entry) = ledger::open(&account.spec.ledger).cloned() else {
            return;
        };
        let mut claims = self.lock();
        let since = claims
            .get(&entry.uid)
            .map_or_else(clock::boot_time, |found| found.since);
        claims.insert(entry.uid.clone(), Found { account, entry, since });
    }

    /// The claim of this request is closed, or was never there.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lose(&self, name: &str) {
        self.lock().retain(|_, found| found.account.name_any() != name);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Found>> {
        self.by_uid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// resourceVersions of one kind are comparable numbers since Kubernetes 1.35, and always were in fact; one that is not
/// a number counts as news.
fn version(account: &Account) -> u64 {
    account
        .resource_version()
        .and_then(|version| version.parse().ok())
        .unwrap_or(u64::MAX)
}

/// Follows the open claims until the operator stops.
pub async fn run(context: Arc<Context>) {
    let api = Api::<Account>::all(context.watching.clone());
    let config = follow::config().labels(CLAIM_LABEL);
    follow::follow(api, config, context.stop.clone(), "accounts", |change| match change {
        Change::Here(account) => {
            context.accounts.note(&account.name_any(), true);
            context.claims.learn(account);
        }
        Change::Gone(name) => context.claims.lose(&name),
        Change::Complete => context.caches.claims.set(),
    })
    .await;
}
