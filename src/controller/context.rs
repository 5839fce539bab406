//! What every part of the controller shares.

use super::{
    accounts::Accounts, catalog::Catalog, claims::Claims, day_keys::DayKeys, directories::Directories,
    lease::Leadership, rights::Rights, works::Works,
};
use crate::{
    config::Config,
    domain::{enforcement::Enforcement, request::Kind},
    observe::{audit::Audit, metrics::Metrics},
};
use kube::{Client, runtime::events::Recorder};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{
    Semaphore, SemaphorePermit,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    watch,
};
use tokio_util::sync::CancellationToken;

/// What every part of the controller shares.
pub struct Context {
    /// The API server. Never retries a write by itself, and bounds every call.
    pub client: Client,
    /// The same for watches, which have no end.
    pub watching: Client,
    /// Flags and environment.
    pub config: Config,
    /// Ends everything.
    pub stop: CancellationToken,
    /// The AccountPolicies.
    pub catalog: Catalog,
    /// The Directories.
    pub directories: Directories,
    /// The Account objects.
    pub accounts: Accounts,
    /// The open claims.
    pub claims: Claims,
    /// What requesters may do.
    pub rights: Rights,
    /// Turns at writing the status of a request.
    pub turns: Turns,
    /// The keys that passwords are derived from.
    pub keys: DayKeys,
    /// Whether identity is enforced.
    pub enforcement: watch::Receiver<Enforcement>,
    /// Whether this replica acts.
    pub leadership: Leadership,
    /// The work on unfinished requests.
    pub works: Works,
    /// Wakes every waiting request.
    pub woken: Woken,
    /// Wakes single requests.
    pub bells: Bells,
    /// Which caches are complete.
    pub caches: Caches,
    /// Warnings on objects.
    pub events: Recorder,
    /// Numbers.
    pub metrics: Arc<Metrics>,
    /// The audit log.
    pub audit: Audit,
}

/// How many statuses of requests are written at once. Each call under way has a connection of its own (kube speaks
/// HTTP/1.1 only), which costs a TLS handshake and its buffers; but with fewer of them a burst is slower, as everybody
/// wakes up for less (docs/performance.md).
const WRITES: usize = 64;

/// Turns at writing the status of a request, so that the connections stay few however many workers the kinds of request
/// have together. Leases and ledgers do not queue here.
pub struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Turns(Semaphore::new(WRITES))
    }
}

impl Turns {
    /// Waits for a turn, which ends when the value is dropped.
    pub async fn take(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.0.acquire().await.ok()
    }
}

/// Counts the changes that concern every waiting request, and wakes them.
pub struct Woken(watch::Sender<u64>);

impl Default for Woken {
    fn default() -> Self {
        Woken(watch::channel(0).0)
    }
}

impl Woken {
    /// Something changed.
    pub fn wake(&self) {
        self.0.send_modify(|epoch| *epoch = epoch.wrapping_add(1));
    }

    /// How many changes there have been.
    pub fn epoch(&self) -> u64 {
        *self.0.borrow()
    }

    /// Follows the changes.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Wakes single requests: one stream for each kind of request.
#[derive(Default)]
pub struct Bells(Mutex<HashMap<Kind, UnboundedSender<Named>>>);

/// The namespace and the name of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

impl Bells {
    /// The requests of this kind that are woken from now on. One at a time is told for each that is served, so that few
    /// are ever on the way.
    pub fn listen(&self, kind: Kind) -> UnboundedReceiver<Named> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().insert(kind, sender);
        receiver
    }

    /// Wakes one request.
    pub fn ring(&self, request: Named) {
        if let Some(sender) = self.lock().get(&request.kind) {
            // Nobody listens any more: the operator is being stopped.
            let _ = sender.send(request);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, UnboundedSender<Named>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that becomes true once.
pub struct Flag(watch::Sender<bool>);

impl Default for Flag {
    fn default() -> Self {
        Flag(watch::channel(false).0)
    }
}

impl Flag {
    /// It is so.
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is so.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is so.
    pub async fn wait(&self) {
        // The sender lives as long as `self`, so that this ends only when it is so.
        let _ = self.0.subscribe().wait_for(|set| *set).await;
    }
}

/// Which caches are complete. Nothing is decided before all of them are.
#[derive(Default)]
pub struct Caches {
    /// AccountPolicies.
    pub policies: Flag,
    /// Directories.
    pub directories: Flag,
    /// Open claims.
    pub claims: Flag,
}

impl Caches {
    /// Waits until all are complete.
    pub async fn wait(&self) {
        self.policies.wait().await;
        self.directories.wait().await;
        self.claims.wait().await;
    }
}
