//! Rate limits: per path pattern and method over the organisation, a share of each bucket per token, and a limit on
//! calls in flight.
//!
//! Windows start with the first call and are not aligned to the clock. Source: Okta's rate limit guides; the figures
//! are settings because Okta shows the real ones in the admin dashboard only.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Bucket sizes and the window.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RateLimitSettings {
    pub enabled: bool,
    /// Length of a window in milliseconds.
    pub window_ms: u64,
    /// Calls a window for patterns that are not listed.
    pub default_limit: u32,
    /// Calls a window by `METHOD pattern`, `POST /api/v1/users/{id}/lifecycle/{operation}`.
    pub limits: BTreeMap<String, u32>,
    /// Percentage of a bucket that one token or app may use.
    pub token_share: u32,
    /// Calls in flight.
    pub concurrency: usize,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        let limits = [
            ("GET /api/v1/users/{id}", 1000),
            ("POST /api/v1/users/{id}", 600),
            ("GET /api/v1/users", 600),
            ("POST /api/v1/users/{id}/lifecycle/{operation}", 600),
            ("GET /api/v1/logs", 120),
        ];
        Self {
            enabled: true,
            window_ms: 60_000,
            default_limit: 600,
            limits: limits.map(|(pattern, limit)| (pattern.to_owned(), limit)).into(),
            token_share: 50,
            concurrency: 75,
        }
    }
}

/// What the headers of an answer say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub limit: u32,
    pub remaining: u32,
    /// Seconds since the epoch.
    pub reset: i64,
    /// Whether this call is over the limit.
    pub exceeded: bool,
}

#[derive(Debug)]
struct Window {
    ends: Timestamp,
    used: u32,
    by_caller: HashMap<String, u32>,
}

impl Window {
    /// A window in which nothing was used yet.
    fn until(ends: Timestamp) -> Self {
        Self {
            ends,
            used: 0,
            by_caller: HashMap::new(),
        }
    }
}

/// Running windows.
#[derive(Debug, Default)]
pub struct RateLimits {
    windows: HashMap<String, Window>,
}

impl RateLimits {
    /// Counts a call against its bucket. With `share_hidden` the figures are the organisation's until the caller's own
    /// share is used up.
    pub fn count(
        &mut self,
        settings: &RateLimitSettings,
        bucket: &str,
        caller: Option<&str>,
        share_hidden: bool,
        now: Timestamp,
    ) -> Standing {
        let limit = settings.limits.get(bucket).copied().unwrap_or(settings.default_limit);
        let length = SignedDuration::from_millis(i64::try_from(settings.window_ms).unwrap_or(60_000));
        if !self.windows.contains_key(bucket) {
            self.windows.insert(bucket.to_owned(), Window::until(now + length));
        }
        let window = self
            .windows
            .get_mut(bucket)
            .expect("it was made above where it was not there");
        if now >= window.ends {
            *window = Window::until(now + length);
        }
        let share = (limit.saturating_mul(settings.token_share) / 100).max(1);
        let own = caller.map(|name| window.by_caller.get(name).copied().unwrap_or(0));
        let exceeded = settings.enabled && (window.used >= limit || own.is_some_and(|used| used >= share));
        if !exceeded {
            window.used = window.used.saturating_add(1);
            if let Some(name) = caller {
                match window.by_caller.get_mut(name) {
                    Some(used) => *used += 1,
                    None => drop(window.by_caller.insert(name.to_owned(), 1)),
                }
            }
        }
        let reset = (window.ends.as_millisecond() + 999).div_euclid(1000);
        let org_left = limit.saturating_sub(window.used);
        let share_left = own.map_or(org_left, |used| share.saturating_sub(used + u32::from(!exceeded)));
        let remaining = match (exceeded, share_hidden) {
            (true, _) => 0,
            (false, true) => org_left,
            (false, false) => org_left.min(share_left),
        };
        let shown = if share_hidden || own.is_none() { limit } else { share };
        Standing {
            limit: shown,
            remaining,
            reset,
            exceeded,
        }
    }
}
