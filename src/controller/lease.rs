//! Leader election by a Lease of `coordination.k8s.io`: one replica acts, the others stand by.
//!
//! Every write carries the resourceVersion that it is based on, so that a slow candidate cannot clear a fresh holder.
//! What a look at the Lease means is decided in [`crate::domain::lease`]. A leader stops acting well before others may
//! take over; once the lease is lost, [`run`] returns and the process is expected to end.

mod leadership;
mod object;

pub use leadership::{Leadership, Publisher, channel};

use crate::{
    clock::boot_time,
    domain::lease::{LeaseDecision, Observed, acting_time, evaluate},
    failpoint::{Place, around},
};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, api::PostParams};
use leadership::Held;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a release may take on stop.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// How soon to look again at the soonest: after a conflict, and after a renewal that took long.
const SOONEST: Duration = Duration::from_millis(50);

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
    let interrupted = loop {
        let pause = tokio::select! {
            // Asked first: a step begun after `stop` would only be interrupted.
            biased;
            () = stop.cancelled() => break true,
            pause = candidate.step() => pause.inspect_err(|_| candidate.publisher.publish(None))?,
        };
        tokio::select! {
            () = stop.cancelled() => break false,
            () = tokio::time::sleep(pause) => {}
        }
    };
    candidate.release(interrupted).await;
    Ok(())
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
        Ok((self.settings.renew / 4).max(SOONEST))
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
                // Counted from the beginning, as the time to act is: a slow renewal makes the next one no later.
                let rest = self.settings.renew.saturating_sub(begun.0.elapsed());
                Ok(Ok(rest.max(SOONEST)))
            }
            // Somebody else wrote, or one's own write landed at an earlier try: only a fresh look tells.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {
                self.forget_own();
                Ok(self.check_expiry().map(|()| SOONEST))
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
        let observed = object::observe(&lease, self.settings.duration);
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

    /// The Lease with oneself as the holder.
    fn written(&self, version: Option<String>) -> Lease {
        object::held(self.seen.as_ref().map(|seen| &seen.lease), &self.settings, version)
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
            observed: object::observe(&lease, self.settings.duration),
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
    ///
    /// A step that was `interrupted` may have written, whatever was known before it: only a fresh look tells.
    async fn release(&mut self, interrupted: bool) {
        self.publisher.publish(None);
        let held = self.held.take().is_some();
        if interrupted {
            self.forget_own();
        } else if !held {
            return;
        }
        match timeout(RELEASE_TIMEOUT, self.try_release()).await {
            Ok(Ok(true)) => info!(lease = self.settings.name, "released the lease"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => self.note(&error),
            Err(_) => warn!(
                lease = self.settings.name,
                "the API server did not answer in time about the release of the lease"
            ),
        }
    }

    /// Gives it up as often as one's own earlier write lands in between. `false` where there is nothing to give up.
    async fn try_release(&mut self) -> Result<bool, kube::Error> {
        loop {
            if !self.seen.as_ref().is_some_and(|seen| seen.own) {
                self.look().await?;
            }
            let observed = self.seen.as_ref().map(|seen| &seen.observed);
            let LeaseDecision::Renew { version } = evaluate(observed, &self.settings.identity, Duration::ZERO) else {
                return Ok(false);
            };
            let (params, lease) = (PostParams::default(), object::released(self.written(Some(version))));
            let released = around(
                Place::LeaseRelease,
                self.api.replace(&self.settings.name, &params, &lease),
            );
            match released.await {
                Err(kube::Error::Api(status)) if status.is_conflict() => self.forget_own(),
                released => return released.map(|_| true),
            }
        }
    }
}
