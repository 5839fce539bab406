//! The ground truth: an append-only log of every call that arrived and of what was really committed.
//!
//! An entry is made when a request has been read, and completed when it commits and when it is answered; nothing is
//! ever removed or rewritten. What changed is computed by comparing the stored account before and after, never stated
//! by the code that made the change, so a bug in an operation cannot hide in this log. Secrets appear as
//! [fingerprints](crate::directory::fingerprint) only.

use std::sync::Mutex;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a change came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// A call to the simulated API.
    Api,
    /// A page that a mailed link leads to.
    Page,
    /// A person's sign-in or a test's set-up, through the control API.
    Control,
    /// The passing of time: a lock that ran out, a transition that finished.
    Clock,
}

/// One field of one object that a commit changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Immutable id of the account.
    pub account: String,
    /// `status`, `password`, `sessions`, `profile.login`, `mail`, ...
    pub field: String,
    /// Former value; a fingerprint for secrets.
    pub before: Option<String>,
    /// New value; a fingerprint for secrets.
    pub after: Option<String>,
}

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Position in the log, from 1, in order of arrival.
    pub seq: u64,
    /// Position among commits, from 1, where it changed something.
    pub commit_seq: Option<u64>,
    pub origin: Origin,
    pub received: Timestamp,
    /// When its changes took effect; absent where nothing changed.
    pub committed: Option<Timestamp>,
    /// When an answer was handed to the connection; absent where none was.
    pub answered: Option<Timestamp>,
    pub method: String,
    /// Path as received, without the query.
    pub path: String,
    /// Query string as received.
    pub query: String,
    /// Name of the operation: the path pattern that it matched, or a control operation.
    pub operation: String,
    /// Host that the client asked for.
    pub host: String,
    /// Name of the token that called.
    pub caller: Option<String>,
    pub user_agent: Option<String>,
    /// SHA-256 of the request body, absent for an empty one.
    pub body_sha256: Option<String>,
    /// Members that a JSON body had, as dotted paths, without values.
    pub body_fields: Vec<String>,
    /// Immutable id of the account that it was about, once known.
    pub account: Option<String>,
    /// Names of the faults that struck it.
    pub faults: Vec<String>,
    /// Whether an operation that may change something was accepted by the directory.
    pub applied: bool,
    /// What really changed, in order.
    pub changes: Vec<Change>,
    /// Status that was answered; absent where no answer was sent.
    pub status: Option<u16>,
    /// Error code of the answer, where it was an error.
    pub error_code: Option<String>,
    pub request_id: String,
}

impl Entry {
    /// New values of a field, in order; a password's are fingerprints.
    pub fn values_of(&self, field: &str) -> Vec<String> {
        self.changes
            .iter()
            .filter(|change| change.field == field)
            .filter_map(|change| change.after.clone())
            .collect()
    }
}

#[derive(Debug, Default)]
struct Log {
    entries: Vec<Entry>,
    commits: u64,
}

/// The log. Cheap to share behind a reference; every method locks for a moment only.
#[derive(Debug, Default)]
pub struct Truth {
    log: Mutex<Log>,
}

impl Truth {
    fn with<T>(&self, action: impl FnOnce(&mut Log) -> T) -> T {
        action(&mut self.log.lock().expect("the truth log's lock is never poisoned"))
    }

    /// Appends an entry and gives it its sequence number.
    pub fn open(&self, mut entry: Entry) -> u64 {
        self.with(|log| {
            entry.seq = log.entries.len() as u64 + 1;
            log.entries.push(entry);
            log.entries.len() as u64
        })
    }

    /// Records what a call committed. Called while the directory's lock is held, so that order here is order there.
    pub fn commit(&self, seq: u64, at: Timestamp, account: Option<String>, applied: bool, changes: Vec<Change>) {
        self.with(|log| {
            let changed = !changes.is_empty();
            log.commits += u64::from(changed);
            let number = log.commits;
            let entry = entry_mut(log, seq);
            entry.account = account;
            entry.applied = applied;
            if changed {
                entry.committed = Some(at);
                entry.commit_seq = Some(number);
                entry.changes.extend(changes);
            }
        });
    }

    /// Notes who called and which faults struck the call.
    pub fn note(&self, seq: u64, caller: Option<String>, faults: Vec<String>) {
        self.with(|log| {
            let entry = entry_mut(log, seq);
            entry.caller = caller;
            entry.faults = faults;
        });
    }

    /// Records that an answer was handed over.
    pub fn answer(&self, seq: u64, at: Timestamp, status: u16, error_code: Option<String>) {
        self.with(|log| {
            let entry = entry_mut(log, seq);
            entry.answered = Some(at);
            entry.status = Some(status);
            entry.error_code = error_code;
        });
    }

    /// Entries with a sequence number above `seq`.
    pub fn since(&self, seq: u64) -> Vec<Entry> {
        self.with(|log| {
            log.entries
                .iter()
                .skip(usize::try_from(seq).unwrap_or(usize::MAX))
                .cloned()
                .collect()
        })
    }
}

fn entry_mut(log: &mut Log, seq: u64) -> &mut Entry {
    let row = usize::try_from(seq).expect("sequence numbers fit") - 1;
    &mut log.entries[row]
}
