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

/// Running hours, by rule and user.
#[derive(Debug, Default)]
pub(super) struct RateLimits {
    hours: HashMap<(String, String), (Timestamp, u32)>,
}

impl RateLimits {
    /// Counts a call against the lowest rule that matches it.
    pub(super) fn count(
        &mut self,
        rules: &[RateRule],
        user: &str,
        table: Option<&str>,
        now: Timestamp,
    ) -> Option<Standing> {
        let matching = rules
            .iter()
            .filter(|rule| rule.table.is_none() || rule.table.as_deref() == table);
        let rule = matching.min_by_key(|rule| rule.per_hour)?;
        let hour = SignedDuration::from_hours(1);
        let window = self
            .hours
            .entry((rule.id.clone(), user.to_owned()))
            .or_insert((now + hour, 0));
        if now >= window.0 {
            *window = (now + hour, 0);
        }
        window.1 = window.1.saturating_add(1);
        let reset = window.0.as_second() + 1;
        Some(Standing {
            rule: rule.id.clone(),
            limit: rule.per_hour,
            reset,
            retry_after: (window.1 > rule.per_hour).then(|| reset - now.as_second()),
        })
    }
}
