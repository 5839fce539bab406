//! Which replica works: a Lease of `coordination.k8s.io`, each write of it guarded by its resourceVersion.
//!
//! What to do about a lease is decided in [`crate::domain::lease`]; here it is read and written, and
//! [`Leadership`] tells everybody else. Losing it is no error: the process goes on as a standby.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::{Api, Client, api::PostParams};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock::boottime;
use crate::config::{Config, LeaseSettings};
use crate::domain::lease::{Decision, Record, evaluate, held_for};

const FIELD_MANAGER: &str = "readmit-lease";
/// How often a standby looks, and how soon a failed attempt is made again.
const LOOK: Duration = Duration::from_secs(1);
/// Before looking again after somebody else wrote first.
const BREATH: Duration = Duration::from_millis(20);

/// Whether this replica may work. Clones tell the same.
#[derive(Clone)]
pub struct Leadership(Arc<State>);

struct State {
    /// Until when it may, in nanoseconds of [`boottime`]; 0 while it may not, `u64::MAX` where there is no lease.
    until: AtomicU64,
    changed: watch::Sender<bool>,
}

impl Leadership {
    /// For a replica with a lease: nobody's until [`run`] has taken it.
    pub fn with_lease() -> Self {
        Leadership::beginning_with(0)
    }

    /// For a replica without a lease, which always may work.
    pub fn without_lease() -> Self {
        Leadership::beginning_with(u64::MAX)
    }

    /// As the configuration has it.
    pub fn new(config: &Config) -> Self {
        if config.lease.is_some() {
            Leadership::with_lease()
        } else {
            Leadership::without_lease()
        }
    }

    fn beginning_with(until: u64) -> Self {
        Leadership(Arc::new(State {
            until: AtomicU64::new(until),
            changed: watch::Sender::new(until != 0),
        }))
    }

    /// Whether the lease is held and not about to run out. By the clock, not by what a task has noticed: true to the
    /// moment also in a process that was stopped or starved in between.
    pub fn holds(&self) -> bool {
        nanos(boottime()) < self.0.until.load(Ordering::SeqCst)
    }

    /// Tells of gains and losses; the newest value is always there. A loss by the clock is told a moment after
    /// [`Self::holds`] says so: ask that before anything that must not be done twice.
    pub fn changed(&self) -> watch::Receiver<bool> {
        self.0.changed.subscribe()
    }

    fn hold(&self, until: Duration) {
        self.0.until.store(nanos(until), Ordering::SeqCst);
        self.tell();
    }

    fn lose(&self) {
        self.0.until.store(0, Ordering::SeqCst);
        self.tell();
    }

    fn tell(&self) {
        let holds = self.holds();
        let told = self
            .0
            .changed
            .send_if_modified(|told| std::mem::replace(told, holds) != holds);
        if told {
            tracing::info!(holds, "the lease was gained or lost");
        }
    }

    /// For how long it is still held; zero where it is not.
    fn rest(&self) -> Duration {
        let until = Duration::from_nanos(self.0.until.load(Ordering::SeqCst));
        until.saturating_sub(boottime())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Takes and renews the lease until the token is cancelled, then releases it: cancel it once everything that was begun
/// has ended. Without a lease in the configuration it only waits for the token.
pub async fn run(client: Client, config: &Config, leadership: Leadership, stop: CancellationToken) {
    let Some(settings) = &config.lease else {
        return stop.cancelled().await;
    };
    let mut contender = Contender {
        api: Api::namespaced(client, &config.namespace),
        identity: config.identity.clone(),
        settings: settings.clone(),
        leadership,
        seen: None,
    };
    while let Some(()) = stop.run_until_cancelled(contender.turn()).await {}
    contender.release().await;
}

/// One replica's part in the election.
struct Contender {
    api: Api<Lease>,
    identity: String,
    settings: LeaseSettings,
    leadership: Leadership,
    /// The lease as it was last read or written, and since when this process has seen it so.
    seen: Option<(Lease, Duration)>,
}

/// What one attempt came to.
enum Attempt {
    Held,
    Following(Duration),
    /// Somebody else wrote first, or it is gone: look again.
    Outrun,
}

impl Contender {
    /// One attempt and the pause after it. Never longer than the lease is held, so that a loss is told.
    async fn turn(&mut self) {
        let patience = match self.leadership.rest() {
            Duration::ZERO => {
                self.leadership.lose();
                self.settings.duration / 3
            }
            rest => rest.min(self.settings.renew),
        };
        let pause = match timeout(patience, self.attempt()).await {
            Ok(Ok(Attempt::Held)) => self.settings.renew,
            Ok(Ok(Attempt::Following(rest))) => rest.min(self.look()),
            Ok(Ok(Attempt::Outrun)) => BREATH,
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.failed(&"no answer in time"),
        };
        sleep(match self.leadership.rest() {
            Duration::ZERO => pause,
            rest => pause.min(rest),
        })
        .await;
    }

    /// Looks at the lease where it is not known from the last write, and does what is to be done.
    async fn attempt(&mut self) -> Result<Attempt, kube::Error> {
        // The own lease is renewed without reading: the write fails if it is not what it was.
        if !self.leadership.holds() || self.seen.is_none() {
            self.look_up().await?;
        }
        let (record, unchanged_for) = match &self.seen {
            Some((lease, since)) => (Some(record(lease)), boottime().saturating_sub(*since)),
            None => (None, Duration::ZERO),
        };
        match evaluate(record.as_ref(), &self.identity, unchanged_for, self.settings.duration) {
            Decision::Follow(rest) => {
                self.leadership.lose();
                Ok(Attempt::Following(rest))
            }
            Decision::Create | Decision::Take | Decision::Renew => self.write().await,
        }
    }

    async fn look_up(&mut self) -> Result<(), kube::Error> {
        let found = self.api.get_opt(&self.settings.name).await?;
        self.see(found);
        Ok(())
    }

    /// Notes the lease; the time since when stays while its resourceVersion does.
    fn see(&mut self, found: Option<Lease>) {
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        let since = match (&self.seen, &found) {
            (Some((known, since)), Some(found)) if version(known) == version(found) => *since,
            _ => boottime(),
        };
        self.seen = found.map(|lease| (lease, since));
    }

    /// Writes oneself into the lease as it was seen. It is held from before the write was sent, because that is when
    /// others may begin to count.
    async fn write(&mut self) -> Result<Attempt, kube::Error> {
        let begun = boottime();
        let known = self.seen.as_ref().map(|(lease, _)| lease);
        let exists = known.is_some();
        let lease = claim(known, &self.identity, &self.settings, Timestamp::now());
        match self.send(&lease, exists).await {
            Ok(written) => {
                self.seen = Some((written, begun));
                if !self.leadership.holds() {
                    tracing::info!(
                        lease = self.settings.name,
                        identity = self.identity,
                        "holding the lease"
                    );
                }
                self.leadership
                    .hold(begun.saturating_add(held_for(self.settings.duration)));
                Ok(Attempt::Held)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => self.outrun().await,
            // Deleted meanwhile. Where it was to be created, the namespace is missing, which is an error.
            Err(kube::Error::Api(status)) if status.code == 404 && exists => self.outrun().await,
            Err(error) => Err(error),
        }
    }

    async fn send(&self, lease: &Lease, exists: bool) -> Result<Lease, kube::Error> {
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        if exists {
            self.api.replace(&self.settings.name, &params, lease).await
        } else {
            self.api.create(&params, lease).await
        }
    }

    /// After a conflict. It may be with one's own write whose answer was lost, so the lease is read before it counts
    /// as lost.
    async fn outrun(&mut self) -> Result<Attempt, kube::Error> {
        self.look_up().await?;
        let mine = self.seen.as_ref().is_some_and(|(lease, _)| {
            let holder = record(lease).holder;
            holder.as_deref() == Some(self.identity.as_str())
        });
        if !mine {
            self.leadership.lose();
        }
        Ok(Attempt::Outrun)
    }

    /// Notes why an attempt failed, and says when to make the next.
    fn failed(&self, error: &dyn std::fmt::Display) -> Duration {
        let lease = &self.settings.name;
        tracing::warn!(%error, lease, "could not read or write the lease; check RBAC for leases and the API server");
        self.look()
    }

    fn look(&self) -> Duration {
        LOOK.min(self.settings.renew / 2)
    }

    /// Lets go of the lease, so that another replica need not wait for it to run out. Nothing is lost if that fails.
    async fn release(&mut self) {
        let held = self.leadership.holds();
        self.leadership.lose();
        if !held {
            return;
        }
        match timeout(self.settings.duration / 3, self.clear()).await {
            Ok(Ok(())) => tracing::info!(lease = self.settings.name, "released the lease"),
            Ok(Err(error)) => tracing::warn!(%error, "could not release the lease; it runs out by itself"),
            Err(_) => tracing::warn!("could not release the lease in time; it runs out by itself"),
        }
    }

    async fn clear(&mut self) -> Result<(), kube::Error> {
        // Read anew: a renewal may have been cut off after it had landed.
        self.look_up().await?;
        let Some((lease, _)) = &self.seen else { return Ok(()) };
        if record(lease).holder.as_deref() != Some(self.identity.as_str()) {
            return Ok(());
        }
        let mut lease = lease.clone();
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            spec.renew_time = Some(MicroTime(Timestamp::now()));
        }
        self.send(&lease, true).await.map(drop)
    }
}

fn record(lease: &Lease) -> Record {
    let spec = lease.spec.as_ref();
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
    Record {
        holder: spec.and_then(|spec| spec.holder_identity.clone()),
        duration: seconds.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
    }
}

/// The lease with oneself in it. Its resourceVersion is the one that was seen: the write fails if it has another.
fn claim(known: Option<&Lease>, identity: &str, settings: &LeaseSettings, now: Timestamp) -> Lease {
    let spec = known.and_then(|lease| lease.spec.clone()).unwrap_or_default();
    let again = spec.holder_identity.as_deref() == Some(identity);
    let transitions = spec.lease_transitions.unwrap_or(0);
    let name = settings.name.clone();
    Lease {
        metadata: known.map_or_else(|| metadata(name), |lease| lease.metadata.clone()),
        spec: Some(LeaseSpec {
            holder_identity: Some(identity.to_owned()),
            lease_duration_seconds: Some(i32::try_from(settings.duration.as_secs()).unwrap_or(i32::MAX)),
            acquire_time: spec.acquire_time.clone().filter(|_| again).or(Some(MicroTime(now))),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(match known {
                Some(_) if !again => transitions.saturating_add(1),
                _ => transitions,
            }),
            ..spec
        }),
    }
}

fn metadata(name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        ..ObjectMeta::default()
    }
}
