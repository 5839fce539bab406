//! The work on all unfinished requests, and which of those that ended the watch may still show. What is kept for one
//! stands in [`super::work`].

use super::work::Work;
use crate::domain::request::{Kind, Request};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

type All = HashMap<(Kind, String), Arc<tokio::sync::Mutex<Work>>>;

/// The work on every unfinished request, by kind and uid.
#[derive(Default)]
pub struct Works {
    all: Mutex<All>,
    /// Requests that have ended, for as long as the watch may still show them as they were before.
    ended: Mutex<HashSet<(Kind, String)>>,
}

impl Works {
    /// The work on this request.
    pub fn of(&self, request: &Request) -> Arc<tokio::sync::Mutex<Work>> {
        self.lock()
            .entry((request.kind, request.uid.clone()))
            .or_default()
            .clone()
    }

    /// Whether there is work on this request.
    pub fn has(&self, uid: &str) -> bool {
        let works = self.lock();
        [Kind::Unlock, Kind::Reset]
            .into_iter()
            .any(|kind| works.contains_key(&(kind, uid.to_owned())))
    }

    /// The request has ended, or is gone: what the watch may still show of it is old.
    pub fn end(&self, request: &Request) {
        let key = (request.kind, request.uid.clone());
        self.lock().remove(&key);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    /// Whether the request has ended, whatever the watch shows.
    pub fn has_ended(&self, request: &Request) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.contains(&(request.kind, request.uid.clone()))
    }

    /// The request has left the watch: nothing will be asked about it any more, and nothing old is shown.
    pub fn forget(&self, request: &Request) {
        let key = (request.kind, request.uid.clone());
        let mut works = self.lock();
        works.remove(&key);
        slim(&mut works);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    /// How many requests there is work on.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives room back after a storm.
fn slim<V>(map: &mut HashMap<(Kind, String), V>) {
    if map.capacity() > 1024 && map.len() < map.capacity() / 8 {
        map.shrink_to_fit();
    }
}
