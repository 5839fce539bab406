//! What the operator keeps in memory for one unfinished request. All of it may be lost: then the claim speaks.

use crate::{
    api::{
        Account,
        account::{Claim, Derivation},
        request_status::Attempt,
    },
    domain::{
        observed::Progress,
        request::{Kind, Request},
    },
    secret::Secret,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What the operator keeps for one request.
#[derive(Default)]
pub struct Work {
    /// What was done so far.
    pub progress: Progress,
    /// What was sent, for the status.
    pub attempts: Vec<Attempt>,
    /// When something was sent last, by the boot-time clock.
    pub sent: Option<Duration>,
    /// The claim that this process wrote.
    pub held: Option<Held>,
    /// The password, while the request is executed.
    pub prepared: Option<Prepared>,
    /// Not before this time, unless something changes.
    pub gate: Option<Gate>,
}

/// A claim that this process wrote.
pub struct Held {
    /// The Account object as it was written.
    pub account: Account,
    /// The claim in it.
    pub claim: Claim,
    /// Until when we may send under it, by the boot-time clock.
    pub until: Duration,
}

/// A temporary password, derived and sealed.
pub struct Prepared {
    /// The nonce it was derived with.
    pub nonce: String,
    /// What it was derived from and sealed to.
    pub derivation: Derivation,
    /// The password.
    pub password: Secret,
    /// The armored age file.
    pub sealed: String,
}

/// A pass that comes earlier than it must, for no new reason, is not made.
pub struct Gate {
    /// When to look again.
    pub at: Instant,
    /// The request's generation when that was decided.
    pub generation: i64,
    /// The count of changes to policies, directories and enforcement then.
    pub epoch: u64,
}

type All = HashMap<(Kind, String), Arc<tokio::sync::Mutex<Work>>>;

/// The work on every unfinished request, by kind and uid.
#[derive(Default)]
pub struct Works {
    all: Mutex<All>,
    /// Requests that have ended, for as long as the watch may still show them as they were before.
    ended: Mutex<HashSet<(Kind, String)>>,
}

impl Works {
    /// The work on this request.
    pub fn of(&self, request: &Request) -> Arc<tokio::sync::Mutex<Work>> {
        self.lock()
            .entry((request.kind, request.uid.clone()))
            .or_default()
            .clone()
    }

    /// Whether there is work on this request.
    pub fn has(&self, uid: &str) -> bool {
        let works = self.lock();
        [Kind::Unlock, Kind::Reset]
            .into_iter()
            .any(|kind| works.contains_key(&(kind, uid.to_owned())))
    }

    /// The request has ended, or is gone: what the watch may still show of it is old.
    pub fn end(&self, request: &Request) {
        let key = (request.kind, request.uid.clone());
        self.lock().remove(&key);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    /// Whether the request has ended, whatever the watch shows.
    pub fn has_ended(&self, request: &Request) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.contains(&(request.kind, request.uid.clone()))
    }

    /// Keeps only the work on these requests of a kind: a relist tells nobody what is gone.
    pub fn retain(&self, kind: Kind, live: &HashSet<String>) {
        let mut works = self.lock();
        works.retain(|(of, uid), work| *of != kind || live.contains(uid) || Arc::strong_count(work) > 1);
        works.shrink_to_fit();
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|(of, uid)| *of != kind || live.contains(uid));
        ended.shrink_to_fit();
    }

    /// How many requests there is work on.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
