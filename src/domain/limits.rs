//! How often something may be done to one account, counted from its ledger. Open claims and unknown outcomes count;
//! what was refunded has left the ledger.

use crate::api::{Action, account::LedgerEntry, common::Limit};
use jiff::{SignedDuration, Timestamp};

/// A limit that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The limit.
    pub limit: Limit,
    /// Whose it is: a policy's name, or `None` for the Directory's, over all policies.
    pub policy: Option<String>,
    /// When it lets the next one through, if nothing else happens.
    pub next: Timestamp,
}

/// Whether any of these limits speaks of this action.
pub fn speak_of(limits: &[Limit], action: Action) -> bool {
    limits.iter().any(|limit| limit.actions.contains(&action))
}

/// The limit that lets this action through last, if any stands in the way.
pub fn reached<'a>(
    entries: &[LedgerEntry],
    action: Action,
    limits: impl IntoIterator<Item = (&'a Limit, Option<&'a str>)>,
    now: Timestamp,
) -> Option<Reached> {
    limits
        .into_iter()
        .filter(|(limit, _)| limit.actions.contains(&action))
        .filter_map(|(limit, policy)| {
            let next = next_free(entries, limit, policy, now)?;
            Some(Reached {
                limit: limit.clone(),
                policy: policy.map(str::to_owned),
                next,
            })
        })
        .max_by_key(|reached| reached.next)
}

/// `None` where the limit lets one through now.
fn next_free(entries: &[LedgerEntry], limit: &Limit, policy: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let per = span(limit);
    let mut times: Vec<Timestamp> = entries
        .iter()
        .filter(|entry| limit.actions.contains(&entry.action))
        .filter(|entry| policy.is_none_or(|policy| entry.policy == policy))
        // An entry from the future (a clock that went back) counts as made now: a limit never widens.
        .map(|entry| entry.time.min(now))
        .filter(|time| now.duration_since(*time) < per)
        .collect();
    times.sort_unstable();
    let surplus = times.len().checked_sub(limit.max as usize)?;
    times.get(surplus)?.checked_add(per).ok()
}

/// The longest stretch over which this action is counted.
pub fn longest<'a>(action: Action, limits: impl IntoIterator<Item = &'a Limit>) -> Option<SignedDuration> {
    limits
        .into_iter()
        .filter(|limit| limit.actions.contains(&action))
        .map(span)
        .max()
}

fn span(limit: &Limit) -> SignedDuration {
    SignedDuration::try_from(limit.per.get()).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Action, Span};

    fn entry(policy: &str, action: Action, minutes_ago: i64) -> LedgerEntry {
        let time = now() - SignedDuration::from_mins(minutes_ago);
        LedgerEntry {
            key: None,
            uid: "u".into(),
            action,
            policy: policy.into(),
            time,
            keep_until: time,
            outcome: None,
            claim: None,
        }
    }

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn counts_per_policy_and_over_all() {
        let limit = Limit {
            actions: vec![Action::ResetPassword],
            max: 2,
            per: Span::from_hours(1),
        };
        let reset = |policy, minutes| entry(policy, Action::ResetPassword, minutes);
        for (name, entries, policy, next) in [
            ("none", vec![], Some("a"), None),
            ("one", vec![reset("a", 5)], Some("a"), None),
            (
                "two",
                vec![reset("a", 5), reset("a", 50)],
                Some("a"),
                Some("2026-11-22T12:10:00Z"),
            ),
            ("one is old", vec![reset("a", 5), reset("a", 60)], Some("a"), None),
            ("another policy", vec![reset("a", 5), reset("b", 6)], Some("a"), None),
            (
                "over all policies",
                vec![reset("a", 5), reset("b", 6)],
                None,
                Some("2026-11-22T12:54:00Z"),
            ),
            (
                "another action",
                vec![reset("a", 5), entry("a", Action::Unlock, 6)],
                Some("a"),
                None,
            ),
            (
                "from the future",
                vec![reset("a", -90), reset("a", -90)],
                Some("a"),
                Some("2026-11-22T13:00:00Z"),
            ),
            (
                "three",
                vec![reset("a", 5), reset("a", 50), reset("a", 40)],
                Some("a"),
                Some("2026-11-22T12:20:00Z"),
            ),
        ] {
            let got = reached(&entries, Action::ResetPassword, [(&limit, policy)], now());
            assert_eq!(
                got.map(|reached| reached.next),
                next.map(|time: &str| time.parse().unwrap()),
                "{name}"
            );
        }
    }
}
