//! What an upstream's log has told of locks: why an account is locked, and since when where the account itself does not
//! tell. Pure; the shell reads the log.
//!
//! It only explains. Whether an account is locked is read from the account, never from here.

use super::account::{AccountRead, LockState};
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet, VecDeque};

/// The most accounts that are remembered; the longest ago goes first.
const MOST_ACCOUNTS: usize = 10_000;
/// The most events that are known again when the log tells them twice.
const MOST_EVENTS: usize = 10_000;
/// By how much the times of a lock may differ between the log and the account.
const SAME_LOCK: SignedDuration = SignedDuration::from_secs(120);

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEvent {
    /// The event's own id: a log may tell one twice.
    pub id: String,
    /// The account's immutable id.
    pub account: String,
    /// When it happened, by the upstream's clock.
    pub at: Timestamp,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The account was locked, for this cause.
    Locked(String),
    /// It was let in again.
    Unlocked,
}

/// What is remembered.
#[derive(Clone, Debug, Default)]
pub struct LockLog {
    last: HashMap<String, (Timestamp, Turn)>,
    seen: HashSet<String>,
    order: VecDeque<String>,
}

impl LockLog {
    /// Takes events in; answers how many of them are news.
    pub fn learn(&mut self, events: Vec<LockEvent>) -> usize {
        let mut news = 0;
        for event in events {
            if self.seen.insert(event.id.clone()) {
                self.order.push_back(event.id);
                self.put(event.account, event.at, event.turn);
                news += 1;
            }
        }
        while self.order.len() > MOST_EVENTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        news
    }

    /// Takes over what was told of a lock before this process began.
    pub fn recall(&mut self, account: &str, since: Timestamp, cause: &str) {
        if !self.last.contains_key(account) {
            self.put(account.to_owned(), since, Turn::Locked(cause.to_owned()));
        }
    }

    /// The latest counts, and the log may tell an earlier one later.
    fn put(&mut self, account: String, at: Timestamp, turn: Turn) {
        if self.last.get(&account).is_some_and(|(known, _)| *known > at) {
            return;
        }
        self.last.insert(account, (at, turn));
        if self.last.len() > MOST_ACCOUNTS {
            let oldest = self.last.iter().min_by_key(|(_, (at, _))| *at);
            if let Some(oldest) = oldest.map(|(account, _)| account.clone()) {
                self.last.remove(&oldest);
            }
        }
    }

    /// Adds to a locked account what the log told of this very lock. What the account itself tells stays.
    pub fn explain(&self, account: &mut AccountRead) {
        let LockState::Locked(lock) = &mut account.lock else {
            return;
        };
        let Some((at, Turn::Locked(cause))) = self.last.get(&account.id) else {
            return;
        };
        if lock
            .since
            .is_some_and(|since| since.duration_since(*at).abs() > SAME_LOCK)
        {
            return; // Another lock, of which the log has not told yet, or told too long ago.
        }
        lock.since.get_or_insert(*at);
        lock.cause.get_or_insert_with(|| cause.clone());
    }
}

#[cfg(test)]
mod tests;
