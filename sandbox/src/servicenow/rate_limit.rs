//! Rate rules: calls an hour for each user, by table. Off unless a rule is made.
//!
//! Source: "Inbound REST API rate limiting". The headers have no count of what is left.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A row of `sys_rate_limit_rules`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateRule {
    /// The rule's sys_id, told in a header.
    pub id: String,
    /// The table that it is about; absent: every call.
    #[serde(default)]
    pub table: Option<String>,
    /// Calls an hour for each user.
    pub per_hour: u32,
}

/// How a caller stands with the rule that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) rule: String,
    pub(super) limit: u32,
    /// Seconds since the epoch.
    pub(super) reset: i64,
    /// Seconds until then, where this call is over the limit.
    pub(super) retry_after: Option<i64>,
}

/// How often calls are counted, where that is not done at once.
const FLUSH: SignedDuration = SignedDuration::from_secs(30);

/// Running hours, by rule and user.
#[derive(Debug, Default)]
pub(super) struct RateLimits {
    hours: HashMap<(String, String), Hour>,
}

#[derive(Debug)]
struct Hour {
    ends: Timestamp,
    /// Calls that count.
    counted: u32,
    /// Calls of which the count does not know yet, and when it will.
    pending: u32,
    flush: Timestamp,
}

impl Hour {
    fn from(now: Timestamp) -> Self {
        Self {
            ends: now + SignedDuration::from_hours(1),
            counted: 0,
            pending: 0,
            flush: now + FLUSH,
        }
    }
}

impl RateLimits {
    /// Counts a call against the lowest rule that matches it; `late`: with the others of half a minute.
    pub(super) fn count(
        &mut self,
        (rules, late): (&[RateRule], bool),
        user: &str,
        table: Option<&str>,
        now: Timestamp,
    ) -> Option<Standing> {
        let matching = rules
            .iter()
            .filter(|rule| rule.table.is_none() || rule.table.as_deref() == table);
        let rule = matching.min_by_key(|rule| rule.per_hour)?;
        let key = (rule.id.clone(), user.to_owned());
        let hour = self.hours.entry(key).or_insert_with(|| Hour::from(now));
        if now >= hour.ends {
            *hour = Hour::from(now);
        }
        hour.pending = hour.pending.saturating_add(1);
        if !late || now >= hour.flush {
            hour.counted = hour.counted.saturating_add(hour.pending);
            (hour.pending, hour.flush) = (0, now + FLUSH);
        }
        let reset = hour.ends.as_second() + 1;
        Some(Standing {
            rule: rule.id.clone(),
            limit: rule.per_hour,
            reset,
            retry_after: (hour.counted > rule.per_hour).then(|| reset - now.as_second()),
        })
    }
}
