//! Who leads: what one look at the Lease means. Pure; [`crate::controller::lease`] reads and writes.
//!
//! Other machines' clocks are never compared with one's own. A holder counts as gone when the Lease has not changed
//! for its whole duration *by the watcher's own clock*, from the moment that the watcher first saw it so. The lease
//! only keeps replicas from working twice; what makes two leaders harmless is the claim.

use std::time::Duration;

/// A Lease as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Changes with every write.
    pub version: String,
    /// Who holds it; `None` or empty where it was released.
    pub holder: Option<String>,
    /// How long the holder may be silent.
    pub duration: Duration,
}

/// What to do about the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseDecision {
    /// There is none: create it with oneself as the holder.
    Create,
    /// It is one's own: write it anew, on this version.
    Renew {
        /// The version that the write is based on.
        version: String,
    },
    /// It is free, or its holder was silent for too long: take it, on this version.
    Acquire {
        /// The version that the write is based on.
        version: String,
    },
    /// Somebody else holds it: look again after so long.
    Wait(Duration),
}

/// Decides; `unchanged` is for how long, by the own clock, the Lease has been seen with its present version.
pub fn evaluate(lease: Option<&Observed>, me: &str, unchanged: Duration) -> LeaseDecision {
    let Some(lease) = lease else {
        return LeaseDecision::Create;
    };
    let version = lease.version.clone();
    match lease.holder.as_deref() {
        None | Some("") => LeaseDecision::Acquire { version },
        Some(holder) if holder == me => LeaseDecision::Renew { version },
        Some(_) => match lease.duration.checked_sub(unchanged) {
            Some(left) if !left.is_zero() => LeaseDecision::Wait(left),
            _ => LeaseDecision::Acquire { version },
        },
    }
}

/// For how long after a write was *begun* one may act as the leader: the duration less a third. Others wait for the
/// whole duration from a later moment, when they first see the write.
pub fn acting_time(duration: Duration) -> Duration {
    duration - duration / 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lease(holder: Option<&str>) -> Observed {
        Observed {
            version: "7".into(),
            holder: holder.map(str::to_owned),
            duration: Duration::from_secs(15),
        }
    }

    #[test]
    fn leases_are_judged() {
        let version = || "7".to_owned();
        let secs = Duration::from_secs;
        let (renew, acquire) = (
            LeaseDecision::Renew { version: version() },
            LeaseDecision::Acquire { version: version() },
        );
        for (lease, unchanged, decision) in [
            (None, secs(0), LeaseDecision::Create),
            (Some(lease(None)), secs(0), acquire.clone()),
            (Some(lease(Some(""))), secs(0), acquire.clone()),
            (Some(lease(Some("me"))), secs(0), renew.clone()),
            (Some(lease(Some("me"))), secs(100), renew),
            (Some(lease(Some("other"))), secs(0), LeaseDecision::Wait(secs(15))),
            (Some(lease(Some("other"))), secs(14), LeaseDecision::Wait(secs(1))),
            (Some(lease(Some("other"))), secs(15), acquire.clone()),
            (Some(lease(Some("other"))), secs(16), acquire),
        ] {
            assert_eq!(
                evaluate(lease.as_ref(), "me", unchanged),
                decision,
                "{lease:?} {unchanged:?}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the order of events: whoever acts stops before anybody else may take over. The other one first
        /// sees a write after it was begun, and its clock may run up to 10 % fast.
        #[test]
        fn acting_ends_before_others_acquire(duration in 1u64..100_000, seen_after in 0u64..100_000) {
            let duration = Duration::from_millis(duration);
            let acts_until = acting_time(duration);
            let taken_over = Duration::from_millis(seen_after) + duration.mul_f64(1.0 / 1.1);
            prop_assert!(acts_until < taken_over);
        }

        #[test]
        fn a_live_holder_is_never_displaced(duration in 1u64..100_000, unchanged in 0u64..100_000) {
            prop_assume!(unchanged < duration);
            let lease = Observed { duration: Duration::from_millis(duration), ..lease(Some("other")) };
            let waits = matches!(evaluate(Some(&lease), "me", Duration::from_millis(unchanged)), LeaseDecision::Wait(_));
            prop_assert!(waits);
        }
    }
}
