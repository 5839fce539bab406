//! What was read of accounts a moment ago and seldom changes, so that reading an account again costs no further call.
//! Failures have no place here: they would outlive their cause.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long something is taken as read.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Of how many accounts.
const MOST_REMEMBERED: usize = 4096;

/// Facts about accounts by their ids.
pub(super) struct Recent<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent(Mutex::default())
    }
}

impl<T: Clone> Recent<T> {
    /// What was read of this account, if that was just now.
    pub(super) fn recall(&self, id: &str) -> Option<T> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (when, fact) = seen.get(id)?;
        (when.elapsed() < REMEMBERED).then(|| fact.clone())
    }

    /// Takes it as read for a while.
    pub(super) fn remember(&self, id: &str, fact: T) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_REMEMBERED {
            seen.retain(|_, (when, _)| when.elapsed() < REMEMBERED);
        }
        if seen.len() < MOST_REMEMBERED {
            seen.insert(id.to_owned(), (Instant::now(), fact));
        }
    }
}
