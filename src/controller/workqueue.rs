//! The unfinished requests of one kind, and which of them is to be looked at when: a work queue as controllers know it.
//! Nothing is decided about a request here, and nobody is asked anything.
//!
//! A request is looked at once at a time, however often it was woken meanwhile, and those that are due come in the order
//! in which they became so. It stands here once: kube-runtime's `Controller` keeps object, name and uid of each in five
//! maps and takes those that are due in no order, which cost half of the memory of thousands that wait, and lets the
//! first of a burst end among the last (docs/performance.md).

use crate::{api::Requester, domain::request::Request};
use futures::StreamExt;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

/// Nobody is left alone for longer: the timer wheel has an end.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Namespace and name.
type Key = Arc<str>;

/// A request that has left and that nobody works on: what was kept for it is not needed any more.
pub type Gone = Arc<Request>;

/// The unfinished requests of one kind.
#[derive(Default)]
pub struct WorkQueue {
    entries: HashMap<Key, Entry>,
    /// Those that are due, first come, first served. One that is gone meanwhile may still stand here.
    due: VecDeque<Key>,
    timers: DelayQueue<Key>,
    /// Those that the list under way has named so far.
    listed: Option<HashSet<Key>>,
    /// Whether a list was ever complete: before, nobody is handed out.
    complete: bool,
    /// Who asks: most requests of a storm come from few, whose groups may be many.
    requesters: HashSet<Arc<Requester>>,
}

struct Entry {
    request: Arc<Request>,
    state: State,
}

enum State {
    /// It waits for its time, or for news.
    Resting(Option<delay_queue::Key>),
    /// It stands among those that are due.
    Due,
    /// Somebody works on it.
    Taken {
        /// It was woken meanwhile.
        again: bool,
        /// It is gone.
        gone: bool,
    },
}

impl WorkQueue {
    /// A request as it is now; it is due. Another one that had its name is gone.
    pub fn apply(&mut self, mut request: Request) -> Option<Gone> {
        request.requester = self.known(request.requester);
        let key = key(&request.namespace, &request.name);
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        let request = Arc::new(request);
        let Some(entry) = self.entries.get_mut(&key) else {
            let state = State::Due;
            self.entries.insert(key.clone(), Entry { request, state });
            self.due.push_back(key);
            return None;
        };
        let before = std::mem::replace(&mut entry.request, request);
        let replaced = before.uid != entry.request.uid;
        let taken = matches!(entry.state, State::Taken { .. });
        if let State::Taken { gone, .. } = &mut entry.state {
            *gone = false;
        }
        self.wake_key(&key);
        (replaced && !taken).then_some(before)
    }

    /// The same requester, as other requests have them.
    fn known(&mut self, requester: Arc<Requester>) -> Arc<Requester> {
        if let Some(known) = self.requesters.get(&requester) {
            return known.clone();
        }
        self.requesters.insert(requester.clone());
        requester
    }

    /// A request has left the watch: it has ended, or was deleted. While somebody works on it, it is gone only when that
    /// is [`WorkQueue::done`].
    pub fn remove(&mut self, namespace: &str, name: &str) -> Option<Gone> {
        self.remove_key(&key(namespace, name))
    }

    fn remove_key(&mut self, key: &Key) -> Option<Gone> {
        let entry = self.entries.get_mut(key)?;
        if let State::Taken { gone, .. } = &mut entry.state {
            *gone = true;
            return None;
        }
        let entry = self.entries.remove(key)?;
        if let State::Resting(Some(timer)) = entry.state {
            self.timers.try_remove(&timer);
        }
        self.slim();
        Some(self.gone(entry.request))
    }

    /// Nobody else may have the same requester.
    fn gone(&mut self, request: Arc<Request>) -> Gone {
        // One is the request's and one stands here.
        if Arc::strong_count(&request.requester) <= 2 {
            self.requesters.remove(&request.requester);
        }
        request
    }

    /// A list of all begins.
    pub fn begin_list(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// The list is complete: those that it does not name have left, which nobody tells otherwise.
    pub fn end_list(&mut self) -> Vec<Gone> {
        self.complete = true;
        let listed = self.listed.take().unwrap_or_default();
        let missing: Vec<Key> = self
            .entries
            .keys()
            .filter(|key| !listed.contains(*key))
            .cloned()
            .collect();
        missing.iter().filter_map(|key| self.remove_key(key)).collect()
    }

    /// A request is to be looked at now; whether it is here.
    pub fn wake(&mut self, namespace: &str, name: &str) -> bool {
        self.wake_key(&key(namespace, name))
    }

    /// Every request is to be looked at now.
    pub fn wake_all(&mut self) {
        let all: Vec<Key> = self.entries.keys().cloned().collect();
        for key in all {
            self.wake_key(&key);
        }
    }

    fn wake_key(&mut self, key: &Key) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        match &mut entry.state {
            State::Due => {}
            State::Taken { again, gone } => {
                *again = true;
                return !*gone;
            }
            State::Resting(timer) => {
                if let Some(timer) = timer.take() {
                    self.timers.try_remove(&timer);
                }
                entry.state = State::Due;
                self.due.push_back(key.clone());
            }
        }
        true
    }

    /// The request that has been due for longest. Nobody else gets it until it is [`WorkQueue::done`].
    pub fn take(&mut self) -> Option<Arc<Request>> {
        while self.complete {
            let key = self.due.pop_front()?;
            if let Some(entry) = self
                .entries
                .get_mut(&key)
                .filter(|entry| matches!(entry.state, State::Due))
            {
                let (again, gone) = (false, false);
                entry.state = State::Taken { again, gone };
                return Some(entry.request.clone());
            }
        }
        None
    }

    /// Nobody works on it any more. It is due again at this time, where there is one, and at once where it was woken
    /// meanwhile.
    pub fn done(&mut self, request: Arc<Request>, at: Option<Instant>) -> Option<Gone> {
        let key = key(&request.namespace, &request.name);
        let entry = self.entries.get_mut(&key)?;
        let State::Taken { again, gone } = entry.state else {
            return None;
        };
        if gone {
            self.entries.remove(&key);
            self.slim();
            return Some(self.gone(request));
        }
        let replaced = entry.request.uid != request.uid;
        if again {
            entry.state = State::Due;
            self.due.push_back(key);
        } else {
            let latest = Instant::now() + LONGEST;
            let timer = at.map(|at| self.timers.insert_at(key, at.min(latest)));
            entry.state = State::Resting(timer);
        }
        replaced.then_some(request)
    }

    /// Waits until a time has come; those whose time it is are due then.
    pub async fn tick(&mut self) {
        if self.timers.is_empty() {
            return std::future::pending().await;
        }
        if let Some(expired) = self.timers.next().await {
            let key = expired.into_inner();
            if let Some(State::Resting(timer)) = self.entries.get_mut(&key).map(|entry| &mut entry.state) {
                // It has run out, and is none any more.
                *timer = None;
            }
            self.wake_key(&key);
        }
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives room back after a storm.
    fn slim(&mut self) {
        if self.entries.capacity() > 1024 && self.entries.len() < self.entries.capacity() / 8 {
            self.entries.shrink_to_fit();
            self.due.retain(|key| self.entries.contains_key(key));
            self.due.shrink_to_fit();
            self.timers.compact();
        }
    }
}

fn key(namespace: &str, name: &str) -> Key {
    // Neither can have a slash.
    format!("{namespace}/{name}").into()
}

#[cfg(test)]
mod tests;
