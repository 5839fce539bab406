//! The Lease object as it is read and written. When it is written stands in the module above, what a look at it means in
//! [`crate::domain::lease`].

use super::Settings;
use crate::{clock, domain::lease::Observed};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use std::time::Duration;

/// What the election goes by; `fallback` is the duration of a Lease that names none.
pub(super) fn observe(lease: &Lease, fallback: Duration) -> Observed {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    Observed {
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        holder: spec.holder_identity,
        duration: seconds
            .filter(|seconds| *seconds > 0)
            .map_or(fallback, Duration::from_secs),
    }
}

/// The Lease `before` with oneself as the holder from now on. What others wrote into its metadata stays.
pub(super) fn held(before: Option<&Lease>, settings: &Settings, version: Option<String>) -> Lease {
    let now = MicroTime(clock::now());
    let spec = before.and_then(|lease| lease.spec.as_ref());
    let renews = spec.and_then(|spec| spec.holder_identity.as_deref()) == Some(settings.identity.as_str());
    let transitions = spec.and_then(|spec| spec.lease_transitions).unwrap_or(0);
    let mut metadata = before.map(|lease| lease.metadata.clone()).unwrap_or_default();
    metadata.name = Some(settings.name.clone());
    metadata.resource_version = version;
    metadata.managed_fields = None;
    Lease {
        metadata,
        spec: Some(LeaseSpec {
            holder_identity: Some(settings.identity.clone()),
            lease_duration_seconds: Some(whole_seconds(settings.duration)),
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

/// The Lease without a holder.
pub(super) fn released(mut lease: Lease) -> Lease {
    if let Some(spec) = &mut lease.spec {
        spec.holder_identity = None;
        spec.acquire_time = None;
    }
    lease
}

/// Rounded up: others must wait at least as long as the holder believes.
fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds.max(1)).unwrap_or(i32::MAX)
}
