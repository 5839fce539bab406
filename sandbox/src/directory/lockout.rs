//! Counting wrong sign-ins and locking at a limit.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// When accounts lock and for how long.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LockoutPolicy {
    /// Wrong sign-ins in a row that lock an account.
    pub limit: u32,
    /// Seconds after which a lock ends by itself; absent means that only an administrator ends it.
    pub seconds: Option<u64>,
}

impl Default for LockoutPolicy {
    fn default() -> Self {
        Self {
            limit: 5,
            seconds: None,
        }
    }
}

/// One account's counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lockout {
    /// Wrong sign-ins since the last good one.
    pub failures: u32,
    /// Since when the account is locked.
    pub since: Option<Timestamp>,
}

impl Lockout {
    /// Counts a wrong sign-in; answers whether this one locked the account.
    pub fn record_failure(&mut self, policy: &LockoutPolicy, now: Timestamp) -> bool {
        self.failures += 1;
        let locks = self.since.is_none() && self.failures >= policy.limit;
        if locks {
            self.since = Some(now);
        }
        locks
    }

    /// Forgets failures and lock.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a lock has run out by itself at `now`.
    pub fn has_expired(&self, policy: &LockoutPolicy, now: Timestamp) -> bool {
        match (self.since, policy.seconds) {
            (Some(since), Some(seconds)) => {
                now >= since + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX / 2000))
            }
            _ => false,
        }
    }
}
