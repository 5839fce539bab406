//! An account's ledger: lock, limit counter, crash record and memory in one list. Pure functions from list to list;
//! `controller/accounts.rs` reads and writes the object.
//!
//! Invariants: at most one entry has a claim. Entries are dropped only when their time is over. A closed entry keeps
//! what limits and re-created requests need, nothing else.

use crate::api::{
    account::{LedgerEntry, LedgerOutcome},
    common::Limit,
};
use crate::domain::{limits, request::Request};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// As many live entries as a ledger holds.
pub const CAPACITY: usize = 64;
/// No entry is kept longer than this.
const LONGEST: SignedDuration = SignedDuration::from_hours(720);

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
pub fn closed(entries: &[LedgerEntry], uid: &str, outcome: LedgerOutcome) -> Vec<LedgerEntry> {
    let close = |entry: &LedgerEntry| match entry.claim.is_some() && entry.uid == uid {
        true => LedgerEntry {
            claim: None,
            outcome: Some(outcome),
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
    pub fn apply(self, entries: &[LedgerEntry], uid: &str) -> Vec<LedgerEntry> {
        match self {
            Closing::Done => closed(entries, uid, LedgerOutcome::Done),
            Closing::Unknown => closed(entries, uid, LedgerOutcome::Unknown),
            Closing::Refund => refunded(entries, uid),
        }
    }
}
