//! Leader election by a Lease of `coordination.k8s.io`: one replica acts, the others stand by.
//!
//! Every write carries the resourceVersion that it is based on, so that a slow candidate cannot clear a fresh holder.
//! What a look at the Lease means is decided in [`crate::domain::lease`]. A leader stops acting well before others may
//! take over; once the lease is lost, [`run`] returns and the process is expected to end.

mod leadership;

pub use leadership::{Leadership, Publisher, channel};

use crate::{
    clock::{self, boot_time},
    domain::lease::{LeaseDecision, Observed, acting_time, evaluate},
    failpoint::{Place, around},
};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use leadership::Held;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a release may take on stop.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// How soon to look again after a conflict.
const CONFLICT_PAUSE: Duration = Duration::from_millis(50);

/// Which Lease, by whom and how fast.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The operator's namespace.
    pub namespace: String,
    /// The Lease's name.
    pub name: String,
    /// Who this process is; never the same for two processes, see [`identity`].
    pub identity: String,
    /// How long others wait for a silent holder; whole seconds.
    pub duration: Duration,
    /// How often the holder writes, and how long a call may take.
    pub renew: Duration,
}

/// The lease is gone; whatever this process still does as the leader must stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease {name} is lost: {why}")]
pub struct LeaseLost {
    /// The Lease's name.
    pub name: String,
    /// How it was lost.
    pub why: String,
}

/// A name for this process: its host's name and a random part, since a restarted container keeps its host's name
/// while effects of its predecessor may still be under way.
pub fn identity(host: &str) -> String {
    let host = if host.is_empty() { "readmit" } else { host };
    format!("{host}_{:016x}", rand::random::<u64>())
}

/// Takes part in the election until `stop`, then releases the lease. Cancel `stop` only once nothing acts any more.
///
/// # Errors
/// Where the lease was held and got lost. Not being able to get it is no error.
pub async fn run(
    client: Client,
    settings: Settings,
    publisher: Publisher,
    stop: CancellationToken,
) -> Result<(), LeaseLost> {
    let mut candidate = Candidate {
        api: Api::namespaced(client, &settings.namespace),
        settings,
        publisher,
        seen: None,
        held: None,
    };
    loop {
        let pause = tokio::select! {
            () = stop.cancelled() => {
                candidate.release().await;
                return Ok(());
            }
            pause = candidate.step() => pause.inspect_err(|_| candidate.publisher.publish(None))?,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

struct Candidate {
    api: Api<Lease>,
    settings: Settings,
    publisher: Publisher,
    /// The Lease as last seen, and since when with that version.
    seen: Option<Seen>,
    held: Option<Held>,
}

struct Seen {
    lease: Lease,
    observed: Observed,
    since: Instant,
    /// Whether it is what a write returned, so that the next renewal needs no read.
    own: bool,
}

impl Candidate {
    /// One look and at most one write. Returns for how long to pause.
    async fn step(&mut self) -> Result<Duration, LeaseLost> {
        let begun = (Instant::now(), boot_time());
        match timeout(self.settings.renew, self.try_step(begun)).await {
            Ok(Ok(pause)) => return pause,
            Ok(Err(error)) => self.note(&error),
            Err(_) => {
                self.forget_own();
                warn!(
                    lease = self.settings.name,
                    "the API server did not answer in time about the lease"
                );
            }
        }
        self.check_expiry()?;
        Ok((self.settings.renew / 4).max(CONFLICT_PAUSE))
    }

    async fn try_step(&mut self, begun: (Instant, Duration)) -> Result<Result<Duration, LeaseLost>, kube::Error> {
        if !self.seen.as_ref().is_some_and(|seen| seen.own) {
            self.look().await?;
        }
        let unchanged = self.seen.as_ref().map_or(Duration::ZERO, |seen| seen.since.elapsed());
        let observed = self.seen.as_ref().map(|seen| &seen.observed);
        let params = PostParams::default();
        let written = match evaluate(observed, &self.settings.identity, unchanged) {
            LeaseDecision::Wait(left) => {
                if self.held.is_some() {
                    return Ok(Err(self.lost("another replica holds it")));
                }
                return Ok(Ok(left.min(self.settings.renew)));
            }
            LeaseDecision::Create => {
                let lease = self.written(None);
                around(Place::LeaseTake, self.api.create(&params, &lease)).await
            }
            LeaseDecision::Renew { version } => {
                let lease = self.written(Some(version));
                around(
                    Place::LeaseRenew,
                    self.api.replace(&self.settings.name, &params, &lease),
                )
                .await
            }
            LeaseDecision::Acquire { version } => {
                let lease = self.written(Some(version));
                around(Place::LeaseTake, self.api.replace(&self.settings.name, &params, &lease)).await
            }
        };
        match written {
            Ok(lease) => {
                self.hold(begun, lease);
                Ok(Ok(self.settings.renew))
            }
            // Somebody else wrote, or one's own write landed at an earlier try: only a fresh look tells.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {
                self.forget_own();
                Ok(self.check_expiry().map(|()| CONFLICT_PAUSE))
            }
            Err(error) => {
                self.forget_own();
                Err(error)
            }
        }
    }

    /// Reads the Lease; its age counts from the first time that this version was seen.
    async fn look(&mut self) -> Result<(), kube::Error> {
        let Some(lease) = self.api.get_opt(&self.settings.name).await? else {
            self.seen = None;
            return Ok(());
        };
        let observed = observe(&lease, self.settings.duration);
        let since = match &self.seen {
            Some(seen) if seen.observed.version == observed.version => seen.since,
            _ => Instant::now(),
        };
        self.seen = Some(Seen {
            lease,
            observed,
            since,
            own: false,
        });
        Ok(())
    }

    /// The Lease with oneself as the holder. What others wrote into its metadata stays.
    fn written(&self, version: Option<String>) -> Lease {
        let now = MicroTime(clock::now());
        let before = self.seen.as_ref().map(|seen| &seen.lease);
        let spec = before.and_then(|lease| lease.spec.as_ref());
        let renews = spec.and_then(|spec| spec.holder_identity.as_deref()) == Some(self.settings.identity.as_str());
        let transitions = spec.and_then(|spec| spec.lease_transitions).unwrap_or(0);
        let mut metadata = before.map(|lease| lease.metadata.clone()).unwrap_or_default();
        metadata.name = Some(self.settings.name.clone());
        metadata.resource_version = version;
        metadata.managed_fields = None;
        Lease {
            metadata,
            spec: Some(LeaseSpec {
                holder_identity: Some(self.settings.identity.clone()),
                lease_duration_seconds: Some(whole_seconds(self.settings.duration)),
                acquire_time: match (renews, spec) {
                    (true, Some(spec)) => spec.acquire_time.clone(),
                    _ => Some(now.clone()),
                },
                renew_time: Some(now),
                lease_transitions: Some(if renews || before.is_none() {
                    transitions
                } else {
                    transitions.saturating_add(1)
                }),
                ..LeaseSpec::default()
            }),
        }
    }

    /// Counts from before the write: the API server may have had it any time since.
    fn hold(&mut self, begun: (Instant, Duration), lease: Lease) {
        let acting = acting_time(self.settings.duration);
        let held = Held {
            until: begun.0 + acting,
            boot_until: begun.1 + acting,
        };
        if self.held.replace(held).is_none() {
            info!(
                lease = self.settings.name,
                identity = self.settings.identity,
                "acquired the lease"
            );
        }
        self.publisher.publish(Some(held));
        self.seen = Some(Seen {
            observed: observe(&lease, self.settings.duration),
            lease,
            since: Instant::now(),
            own: true,
        });
    }

    fn check_expiry(&self) -> Result<(), LeaseLost> {
        match self.held {
            Some(held) if held.until <= Instant::now() || held.boot_until <= boot_time() => {
                Err(self.lost("it could not be renewed in time"))
            }
            _ => Ok(()),
        }
    }

    fn forget_own(&mut self) {
        if let Some(seen) = &mut self.seen {
            seen.own = false;
        }
    }

    fn note(&self, error: &kube::Error) {
        warn!(
            lease = self.settings.name,
            error = error as &dyn std::error::Error,
            "cannot read or write the lease"
        );
    }

    fn lost(&self, why: &str) -> LeaseLost {
        LeaseLost {
            name: self.settings.name.clone(),
            why: why.to_owned(),
        }
    }

    /// Lets another replica take over at once. A failure costs it one duration, no more.
    async fn release(&mut self) {
        self.publisher.publish(None);
        let (Some(_), Some(seen)) = (self.held.take(), &self.seen) else {
            return;
        };
        let mut lease = self.written(Some(seen.observed.version.clone()));
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            spec.acquire_time = None;
        }
        let params = PostParams::default();
        let released = around(
            Place::LeaseRelease,
            self.api.replace(&self.settings.name, &params, &lease),
        );
        match timeout(RELEASE_TIMEOUT, released).await {
            Ok(Ok(_)) => info!(lease = self.settings.name, "released the lease"),
            Ok(Err(error)) => self.note(&error),
            Err(_) => warn!(
                lease = self.settings.name,
                "the API server did not answer in time about the release of the lease"
            ),
        }
    }
}

fn observe(lease: &Lease, fallback: Duration) -> Observed {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    let metadata: &ObjectMeta = &lease.metadata;
    Observed {
        version: metadata.resource_version.clone().unwrap_or_default(),
        holder: spec.holder_identity,
        duration: seconds
            .filter(|seconds| *seconds > 0)
            .map_or(fallback, Duration::from_secs),
    }
}

/// Rounded up: others must wait at least as long as the holder believes.
fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds.max(1)).unwrap_or(i32::MAX)
}
