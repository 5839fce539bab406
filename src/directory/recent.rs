//! What was read of accounts a moment ago and seldom changes, so that reading an account again costs no further call.
//! Failures have no place here: they would outlive their cause.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long something is taken as read.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Of how many accounts: several times as many as are worked on at once.
const MOST_REMEMBERED: usize = 512;

/// Facts about accounts by their ids. What was read longest ago makes room.
pub(super) struct Recent<T>(Mutex<Seen<T>>);

struct Seen<T> {
    facts: HashMap<String, (Instant, T)>,
    /// Ids in the order in which they came, so that nobody has to look through all of them for the oldest.
    order: VecDeque<String>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent(Mutex::new(Seen {
            facts: HashMap::new(),
            order: VecDeque::new(),
        }))
    }
}

impl<T: Clone> Recent<T> {
    /// What was read of this account, if that was just now.
    pub(super) fn recall(&self, id: &str) -> Option<T> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (when, fact) = seen.facts.get(id)?;
        (when.elapsed() < REMEMBERED).then(|| fact.clone())
    }

    /// Takes it as read for a while.
    pub(super) fn remember(&self, id: &str, fact: T) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.facts.insert(id.to_owned(), (Instant::now(), fact)).is_some() {
            return;
        }
        seen.order.push_back(id.to_owned());
        if seen.order.len() > MOST_REMEMBERED
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.facts.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_no_more_than_the_most() {
        let recent = Recent::default();
        for n in 0..=MOST_REMEMBERED {
            recent.remember(&n.to_string(), n);
            recent.remember(&n.to_string(), n + 1);
        }
        assert_eq!(recent.recall("0"), None, "the oldest made room");
        for n in 1..=MOST_REMEMBERED {
            assert_eq!(recent.recall(&n.to_string()), Some(n + 1));
        }
        let seen = recent.0.into_inner().expect("no panic");
        assert_eq!((seen.facts.len(), seen.order.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
    }
}
