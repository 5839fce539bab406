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
    /// When this process first saw this writing of it, by its boot-time clock. A writing of its own that moves no
    /// deadline counts as the one before.
    pub since: Duration,
    /// The writing that this process has under way: the watch may show it before its answer comes.
    pub expected: Option<String>,
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

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().len()
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
        let written = writer(&entry);
        let before = claims.get(&entry.uid);
        let since = before
            .filter(|found| written == writer(&found.entry) || written.is_some() && written == found.expected)
            .map_or_else(clock::boot_time, |found| found.since);
        let expected = before.and_then(|found| found.expected.clone());
        claims.retain(|uid, found| *uid == entry.uid || found.account.name_any() != name);
        let uid = entry.uid.clone();
        let found = Found {
            account,
            entry,
            since,
            expected,
        };
        claims.insert(uid, found);
    }

    /// This process is about to write this request's claim again, by this name and with the deadline that it has.
    pub fn expect(&self, uid: &str, writer: &str) {
        if let Some(found) = self.lock().get_mut(uid) {
            found.expected = Some(writer.to_owned());
        }
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
        let uid = entry.uid.clone();
        let found = Found {
            account,
            entry,
            since,
            expected: None,
        };
        claims.insert(uid, found);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(by: &str) -> Account {
        let claim = serde_json::json!({
            "directory": "d", "kind": "PasswordResetRequest", "namespace": "n", "name": "r", "attempt": 1,
            "nonce": "1", "writer": by, "deadline": "2026-01-01T00:00:00Z",
            "policy": {"name": "p", "uid": "u", "generation": 1},
        });
        let entry = serde_json::json!({
            "uid": "u", "action": "ResetPassword", "policy": "p", "time": "2026-01-01T00:00:00Z",
            "keepUntil": "2026-01-01T00:00:00Z", "claim": claim,
        });
        let account = serde_json::json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Account", "metadata": {"name": "a", "resourceVersion": "1"},
            "provider": "okta", "upstream": "o", "id": "i", "ledger": [entry],
        });
        serde_json::from_value(account).unwrap()
    }

    /// The watch is often quicker than the answer to our own write.
    #[test]
    fn only_the_writing_of_another_process_is_counted_anew() {
        let claims = Claims::default();
        let since = |claims: &Claims| claims.get("u").unwrap().since;
        claims.learn(written("another"));
        let first = since(&claims);
        claims.expect("u", "ours");
        for by in ["the watch", "its answer", "the watch again"] {
            std::thread::sleep(Duration::from_millis(2));
            match by {
                "its answer" => claims.rewrite(written("ours")),
                _ => claims.learn(written("ours")),
            }
            assert_eq!(since(&claims), first, "{by}");
        }
        claims.learn(written("a third"));
        assert!(since(&claims) > first);
    }
}
