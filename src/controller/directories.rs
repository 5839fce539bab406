//! The Directories: which there are, whether each can be used, and the connection to each.
//!
//! What a Directory's supervisor does stands in `supervisor`; this is what everybody else asks.

use super::{
    catalog::{self, Catalog},
    context::{Context, Named},
    follow::{self, Change},
    line::{self, Line},
    lock_log, lockouts, supervisor,
};
use crate::{
    api::{
        self,
        directory::{AccountSource, RefusedSecret},
    },
    directory::{self, throttle::Throttle},
    domain::{
        account::{AccountRead, Capabilities, Failure},
        lock_log::LockLog,
        observed::{DirectoryView, Trouble},
        route::Source,
        rule::Rule,
    },
};
use kube::{Api, ResourceExt};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Every Directory.
#[derive(Default)]
pub struct Directories {
    by_name: RwLock<HashMap<String, Arc<Handle>>>,
}

/// One Directory, for as long as its spec stays as it is.
pub struct Handle {
    /// Its name.
    pub name: String,
    /// Its budget of calls.
    pub throttle: Throttle,
    /// The requests that use it, and those that wait for their turn.
    pub line: Arc<Line>,
    /// `spec.protectedAccounts`, compiled; or why they do not compile.
    pub protected: Result<Vec<Rule>, String>,
    /// `spec.sources`, compiled; or why they do not compile.
    pub sources: Result<Arc<[Source]>, String>,
    /// Ends its supervisor.
    pub stop: CancellationToken,
    /// The supervisor should look at once: a refused credential, a policy that needs more.
    pub nudged: Notify,
    state: Mutex<State>,
    locks: Mutex<LockLog>,
}

/// What is known of a Directory at the moment.
#[derive(Clone)]
pub struct State {
    /// The object, as last seen.
    pub object: Arc<api::Directory>,
    /// The connection.
    pub upstream: Option<Arc<dyn directory::Directory>>,
    /// The Secret that the connection was made with.
    pub secret: Option<RefusedSecret>,
    /// The Secret that the upstream refused.
    pub refused: Option<RefusedSecret>,
    /// Whether the connection reads groups.
    pub groups: bool,
    /// The upstream's own identity; empty until it was probed.
    pub identity: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Why it cannot be used.
    pub trouble: Option<Trouble>,
    /// What the last list of locked accounts came to; only where the spec asks for one.
    pub lockouts: Option<lockouts::Listing>,
    /// How following its log of locks goes.
    pub lock_log: lock_log::Told,
}

impl Handle {
    fn new(object: api::Directory, stop: CancellationToken, before: Option<&State>) -> Self {
        let rate = &object.spec.rate_limit;
        let state = State {
            upstream: None,
            secret: None,
            // A credential that was refused stays refused whatever else of the Directory changes.
            refused: before
                .and_then(|before| before.refused.clone())
                .or_else(|| object.status.as_ref().and_then(|status| status.refused_secret.clone())),
            groups: false,
            identity: String::new(),
            capabilities: Capabilities::default(),
            trouble: Some(Trouble {
                needs_person: false,
                message: "it has not been probed yet".into(),
            }),
            lockouts: None,
            lock_log: lock_log::Told::before(
                before,
                object.status.as_ref().and_then(|status| status.lock_log.as_ref()),
            ),
            object: Arc::new(object.clone()),
        };
        let at_once = rate.concurrency.min(object.spec.provider.most_at_once());
        let throttle = Throttle::new(rate.requests_per_minute, at_once);
        Handle {
            name: object.name_any(),
            line: Arc::new(Line::new(object.name_any(), throttle.clone())),
            throttle,
            protected: catalog::rules("protectedAccounts", &object.spec.protected_accounts),
            sources: sources(&object.spec.sources),
            stop,
            nudged: Notify::new(),
            state: Mutex::new(state),
            locks: Mutex::default(),
        }
    }

    /// What is known of it at the moment.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the upstream's log has told of locks.
    pub fn locks(&self) -> MutexGuard<'_, LockLog> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a rule about this Directory's accounts uses groups: reading them costs calls.
    pub fn needs_groups(&self, catalog: &Catalog) -> bool {
        let sources = self.sources.iter().flat_map(|sources| sources.iter());
        catalog.uses_groups(&self.name)
            || self.protected.iter().flatten().any(Rule::uses_groups)
            || sources.into_iter().any(Source::uses_groups)
    }

    fn view(&self) -> DirectoryView {
        let state = self.state();
        let spec = &state.object.spec;
        DirectoryView {
            name: self.name.clone(),
            provider: spec.provider.name().to_owned(),
            upstream: state.identity.clone(),
            suspended: spec.suspend.unwrap_or_default(),
            trouble: state.trouble.clone(),
            refusal: None,
            capabilities: state.capabilities.clone(),
            limits: spec.limits.clone(),
            protected: self.protected.as_ref().cloned().unwrap_or_default(),
            sources: self.sources.as_ref().cloned().unwrap_or_default(),
            username_prefix: spec.username_prefix.clone().unwrap_or_default(),
        }
    }
}

impl Directories {
    /// A Directory as decisions see it.
    pub fn view(&self, name: &str) -> Option<DirectoryView> {
        self.handle(name).map(|handle| handle.view())
    }

    /// The Directories that may concern a request, as decisions see them: the one it names, those where the credentials
    /// of its accounts may live, and the one that its claim acts in.
    pub fn views(&self, named: &str, claimed: Option<&str>) -> Vec<DirectoryView> {
        let first = self.view(named);
        let sources = first.as_ref().map_or_else(Arc::default, |view| view.sources.clone());
        let mut views: Vec<DirectoryView> = first.into_iter().collect();
        for name in sources.iter().map(Source::directory).chain(claimed) {
            if views.iter().all(|view| view.name != name) {
                views.extend(self.handle(name).map(|handle| DirectoryView {
                    refusal: handle.throttle.refusal(),
                    ..handle.view()
                }));
            }
        }
        views
    }

    /// The connection to a Directory, for reading.
    pub fn upstream(&self, name: &str) -> Option<Arc<dyn directory::Directory>> {
        self.handle(name)?.state().upstream.clone()
    }

    /// The connection to a Directory, if it may be used to change something.
    pub fn usable(&self, name: &str) -> Option<Arc<dyn directory::Directory>> {
        let handle = self.handle(name)?;
        let state = handle.state();
        let free = state.trouble.is_none() && state.object.spec.suspend != Some(true);
        state.upstream.clone().filter(|_| free)
    }

    /// Adds to a locked account what the Directory's log told of its lock.
    pub fn explain(&self, name: &str, account: &mut AccountRead) {
        if let Some(handle) = self.handle(name) {
            handle.locks().explain(account);
        }
    }

    /// The upstream refused the operator's own credential: nobody tries it again.
    pub fn refuse(&self, name: &str, failure: &Failure) {
        let Some(handle) = self.handle(name) else { return };
        supervisor::mark_refused(&mut handle.state(), failure);
        handle.nudged.notify_one();
    }

    /// The requests that use a Directory, and those that wait for it.
    pub fn line(&self, name: &str) -> Option<Arc<Line>> {
        Some(self.handle(name)?.line.clone())
    }

    /// A request whose turn it was is gone.
    pub fn dismiss(&self, gone: &Named) {
        for handle in self.all() {
            handle.line.dismiss(|called| called == gone);
        }
    }

    /// Policies changed: a connection that does not read groups may have to from now on.
    pub fn nudge(&self, catalog: &Catalog) {
        for handle in self.all() {
            if handle.needs_groups(catalog) != handle.state().groups {
                handle.nudged.notify_one();
            }
        }
    }

    /// Names and states of all, for readiness and metrics.
    pub fn all(&self) -> Vec<Arc<Handle>> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    fn handle(&self, name: &str) -> Option<Arc<Handle>> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Takes in an object; a new handle where its spec is new.
    fn update(&self, object: api::Directory, stop: &CancellationToken) -> Option<Arc<Handle>> {
        let name = object.name_any();
        let mut handles = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let (mut before, mut locks) = (None, LockLog::default());
        if let Some(handle) = handles.get(&name) {
            let mut state = handle.state();
            let same = |a: &api::Directory, b: &api::Directory| {
                a.metadata.generation == b.metadata.generation && a.metadata.uid == b.metadata.uid
            };
            if same(&state.object, &object) {
                state.object = Arc::new(object);
                return None;
            }
            handle.stop.cancel();
            before = Some(state.clone()).filter(|state| state.object.metadata.uid == object.metadata.uid);
            if before.is_some() {
                locks = handle.locks().clone();
            }
        }
        let handle = Arc::new(Handle::new(object, stop.child_token(), before.as_ref()));
        *handle.locks() = locks;
        handles.insert(name, handle.clone());
        Some(handle)
    }

    fn remove(&self, name: &str) {
        if let Some(handle) = self
            .by_name
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name)
        {
            handle.stop.cancel();
        }
    }
}

/// Follows the Directories until the operator stops.
pub async fn run(context: Arc<Context>) {
    let api = Api::<api::Directory>::all(context.watching.clone());
    let stop = context.stop.clone();
    follow::follow(
        api,
        follow::config(),
        stop.clone(),
        "directories",
        |change| match change {
            Change::Here(object) => {
                if let Some(handle) = context.directories.update(object, &stop) {
                    tokio::spawn(supervisor::supervise(context.clone(), handle.clone()));
                    tokio::spawn(line::serve(context.clone(), handle.clone()));
                    tokio::spawn(lockouts::keep(context.clone(), handle));
                    context.woken.wake();
                }
            }
            Change::Gone(name) => {
                context.directories.remove(&name);
                context.woken.wake();
            }
            Change::Complete => context.caches.directories.set(),
        },
    )
    .await;
}

/// The sources compiled, or which one does not and where.
fn sources(sources: &[AccountSource]) -> Result<Arc<[Source]>, String> {
    let compiled = sources
        .iter()
        .enumerate()
        .map(|(index, source)| Source::compile(source).map_err(|error| format!("spec.sources[{index}].{error}")));
    compiled.collect()
}

/// A wait with a little chance in it, so that many Directories do not act in step.
pub fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.9 + 0.2 * rand::random::<f64>())
}
