//! An account's ledger: lock, limit counter, crash record and memory in one list. Pure functions from list to list;
//! `controller/accounts.rs` reads and writes the object.
//!
//! Invariants: at most one entry has a claim. Entries are dropped only when their time is over. A closed entry keeps
//! what limits and re-created requests need, nothing else.

use crate::api::{
    Method,
    account::{Claim, LedgerEntry, LedgerOutcome},
    common::Limit,
};
use crate::domain::{decide::after, limits, request::Request, settings::Timing};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// As many live entries as a ledger holds.
pub const CAPACITY: usize = 64;
/// No entry is kept longer than this.
const LONGEST: SignedDuration = SignedDuration::from_hours(720);
/// Every entry is kept so long after it was closed: a pass over an old copy of the request must find its own result.
const SHORTEST: SignedDuration = SignedDuration::from_mins(10);

/// The name of an account's object: two Directories that lead to one upstream share it.
pub fn account_name(provider: &str, upstream: &str, id: &str) -> String {
    let hash = Sha256::digest(format!("{}:{upstream}:{id}", upstream.len()));
    let text = data_encoding::BASE32_NOPAD.encode(&hash).to_lowercase();
    format!("{provider}-{}", text.get(..20).unwrap_or(&text))
}

/// Until when an entry made now must be kept.
pub fn keep_until<'a>(request: &Request, limits: impl IntoIterator<Item = &'a Limit>, now: Timestamp) -> Timestamp {
    let window = limits::longest(request.action(), limits).unwrap_or_default();
    let counted = now.saturating_add(window.min(LONGEST)).unwrap_or(Timestamp::MAX);
    let bound = now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX);
    request
        .not_after
        .map_or(counted, |not_after| not_after.max(counted))
        .min(bound)
        .max(now)
}

/// The entry whose claim is open.
pub fn open(entries: &[LedgerEntry]) -> Option<&LedgerEntry> {
    entries.iter().find(|entry| entry.claim.is_some())
}

/// Whether this open claim was taken over since it was charged: what was done under it before, only the account tells. The
/// first one ends by the time at which it was charged, every later one by another, whichever way the clock was set.
pub fn is_taken_over(claim: &Claim, charged: Timestamp, timing: &Timing) -> bool {
    claim.deadline != after(charged, timing.effect_deadline)
}

/// Whether the account may not show what was done under this claim by another process: a required change of password is
/// gone once its owner has made it, and without a stamp the next lock cannot be told from the one that was cleared. Passwords
/// and links have their marks.
pub fn leaves_no_trace(claim: &Claim) -> bool {
    match claim.method {
        Some(Method::ChangeAtNextSignIn) => true,
        Some(Method::TemporaryPassword | Method::Link) => false,
        None => claim.lock_stamp.is_none(),
    }
}

/// The closed entry of the same manifest, or of this very request.
pub fn executed<'a>(entries: &'a [LedgerEntry], request: &Request) -> Option<&'a LedgerEntry> {
    let key = request.intent_key();
    entries
        .iter()
        .filter(|entry| entry.claim.is_none())
        .find(|entry| entry.uid == request.uid || (key.is_some() && entry.key == key))
}

/// The entries that must still be kept.
pub fn pruned(entries: &[LedgerEntry], now: Timestamp) -> Vec<LedgerEntry> {
    entries
        .iter()
        .filter(|entry| entry.claim.is_some() || entry.keep_until > now)
        .cloned()
        .collect()
}

/// The ledger with a new entry; `None` where it is full.
pub fn charged(entries: &[LedgerEntry], entry: LedgerEntry, now: Timestamp) -> Option<Vec<LedgerEntry>> {
    let mut entries = pruned(entries, now);
    (entries.len() < CAPACITY).then(|| {
        entries.push(entry);
        entries
    })
}

/// The ledger after the claim of this request came to this outcome.
pub fn closed(entries: &[LedgerEntry], uid: &str, outcome: LedgerOutcome, now: Timestamp) -> Vec<LedgerEntry> {
    let least = now.saturating_add(SHORTEST).unwrap_or(Timestamp::MAX);
    let close = |entry: &LedgerEntry| match entry.claim.is_some() && entry.uid == uid {
        true => LedgerEntry {
            claim: None,
            outcome: Some(outcome),
            keep_until: entry.keep_until.max(least),
            ..entry.clone()
        },
        false => entry.clone(),
    };
    entries.iter().map(close).collect()
}

/// The ledger after the claim of this request proved to have had no effect.
pub fn refunded(entries: &[LedgerEntry], uid: &str) -> Vec<LedgerEntry> {
    entries
        .iter()
        .filter(|entry| entry.claim.is_none() || entry.uid != uid)
        .cloned()
        .collect()
}

/// How a claim is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It had its effect.
    Done,
    /// Nobody knows; stays charged.
    Unknown,
    /// It had none; not charged.
    Refund,
}

impl Closing {
    /// The ledger after the claim of this request was closed so.
    pub fn apply(self, entries: &[LedgerEntry], uid: &str, now: Timestamp) -> Vec<LedgerEntry> {
        match self {
            Closing::Done => closed(entries, uid, LedgerOutcome::Done, now),
            Closing::Unknown => closed(entries, uid, LedgerOutcome::Unknown, now),
            Closing::Refund => refunded(entries, uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Action;

    fn claimed(uid: &str, time: Timestamp) -> LedgerEntry {
        let claim: Claim = serde_json::from_value(serde_json::json!({
            "directory": "d", "kind": "PasswordResetRequest", "namespace": "n", "name": "r", "attempt": 1,
            "nonce": "1", "writer": "2", "deadline": time, "policy": {"name": "p", "uid": "u", "generation": 1},
        }))
        .unwrap();
        LedgerEntry {
            key: None,
            uid: uid.into(),
            action: Action::ResetPassword,
            policy: "p".into(),
            time,
            keep_until: time,
            outcome: None,
            claim: Some(claim),
        }
    }

    /// Under no limit and without notAfter nothing else keeps an entry, and an old copy of the request would run again.
    #[test]
    fn a_closed_entry_is_remembered_for_a_while_whatever_the_limits() {
        let time: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        // Closed late, as after an outage.
        let closing = time + SignedDuration::from_hours(5);
        let ledger = vec![claimed("u1", time)];
        for (how, outcome) in [
            (Closing::Done, LedgerOutcome::Done),
            (Closing::Unknown, LedgerOutcome::Unknown),
        ] {
            let closed = pruned(&how.apply(&ledger, "u1", closing), closing);
            assert_eq!(closed.first().and_then(|entry| entry.outcome), Some(outcome));
            assert_eq!(pruned(&closed, closing + SHORTEST), []);
        }
        assert_eq!(Closing::Refund.apply(&ledger, "u1", closing), []);
        assert_eq!(Closing::Done.apply(&ledger, "another", closing), ledger);
    }
}
