//! What all listeners of one sandbox share: the simulated services, the truth log, the faults, the clock.
//!
//! Lock order: a service first, then the truth log. Nothing waits while it holds a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;

use crate::clock::Clock;
use crate::cxone::Cxone;
use crate::faults::Faults;
use crate::latency::Latency;
use crate::okta::{Context, Okta};
use crate::options::Options;
use crate::service::{Effects, Host, Service};
use crate::servicenow::ServiceNow;
use crate::truth::{Entry, Origin, Truth};

/// The state behind all listeners.
#[derive(Debug)]
pub struct Shared {
    pub(crate) cxone: Host<Cxone>,
    pub(crate) okta: Host<Okta>,
    pub(crate) servicenow: Host<ServiceNow>,
    latency: Mutex<Latency>,
    /// Hosts that clients asked the CONNECT proxy for, in order.
    connects: Mutex<Vec<String>>,
    pub truth: Truth,
    pub faults: Faults,
    pub clock: Clock,
    requests: AtomicU64,
}

impl Shared {
    /// Builds the services that the options describe.
    ///
    /// # Errors
    /// When two users have one login, or a token's owner is missing.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        let clock = Clock::default();
        let mut okta = Okta::new(&options.org, options.settings.clone());
        for user in &options.users {
            okta.seed(user.clone(), clock.now())?;
        }
        okta.catch_up_index();
        for token in &options.tokens {
            okta.add_token(token.clone())?;
        }
        okta.apps.clone_from(&options.apps);
        Ok(Self {
            cxone: Host::new(Cxone::new(options.cxone.clone(), clock.now())),
            okta: Host::new(okta),
            servicenow: Host::new(ServiceNow::new(options.servicenow.clone(), clock.now())),
            latency: Mutex::new(options.latency),
            connects: Mutex::default(),
            truth: Truth::default(),
            faults: Faults::default(),
            clock,
            requests: AtomicU64::new(0),
        })
    }

    /// A service, after time has passed for it.
    ///
    /// # Panics
    /// When an operation panicked while it held the lock.
    pub fn service<S: Service>(&self) -> MutexGuard<'_, S> {
        let mut service = S::host(self)
            .service
            .lock()
            .expect("an operation panicked while it held the service's lock");
        let now = self.clock.now();
        let changes = service.settle(now);
        if !changes.is_empty() {
            let seq = self.truth.open(internal_entry(Origin::Clock, "time passed", now));
            self.truth.commit(seq, now, None, true, changes);
        }
        service
    }

    /// The Okta organisation, after time has passed for it.
    pub fn okta(&self) -> MutexGuard<'_, Okta> {
        self.service()
    }

    /// Runs something that is not an API call on a service and logs what it changed.
    pub fn control_of<S: Service, T>(
        &self,
        operation: &str,
        action: impl FnOnce(&mut S, Timestamp) -> (T, Effects),
    ) -> T {
        let mut service = self.service::<S>();
        let now = self.clock.now();
        let seq = self.truth.open(internal_entry(Origin::Control, operation, now));
        let (result, effects) = action(&mut service, now);
        let changed = !effects.changes.is_empty();
        self.truth.commit(seq, now, effects.account, changed, effects.changes);
        result
    }

    /// Runs something that is not an API call on the Okta organisation and logs what it changed.
    pub fn control<T>(&self, operation: &str, action: impl FnOnce(&mut Okta, &mut Context) -> T) -> T {
        self.control_of(operation, |okta, now| {
            let mut context = Context::internal(now, "");
            let result = action(okta, &mut context);
            (result, context.into_effects())
        })
    }

    /// The latency in force.
    pub fn latency(&self) -> MutexGuard<'_, Latency> {
        self.latency.lock().expect("the latency's lock is never poisoned")
    }

    /// Hosts that clients asked the CONNECT proxy for.
    pub fn connects(&self) -> MutexGuard<'_, Vec<String>> {
        self.connects.lock().expect("the list of hosts' lock is never poisoned")
    }

    /// A request id that no other request of this sandbox has.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        crate::directory::stable_id("req", &number.to_string(), 24)
    }
}

fn internal_entry(origin: Origin, operation: &str, now: Timestamp) -> Entry {
    Entry {
        seq: 0,
        commit_seq: None,
        origin,
        received: now,
        committed: None,
        answered: None,
        method: String::new(),
        path: String::new(),
        query: String::new(),
        operation: operation.to_owned(),
        host: String::new(),
        caller: None,
        user_agent: None,
        body_sha256: None,
        body_fields: Vec::new(),
        account: None,
        faults: Vec::new(),
        applied: false,
        changes: Vec::new(),
        status: None,
        error_code: None,
        request_id: String::new(),
    }
}
