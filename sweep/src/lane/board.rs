//! What the API server shows: the statuses of requests and the ledgers of accounts, as they change. Watched, so that a
//! status that stood for a moment only is seen too.

use crate::history::{Event, now};
use futures::StreamExt;
use kube::{
    Api, Client,
    core::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::runtime::Runtime;

/// Everything that was seen so far. Cheap to clone.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    statuses: HashMap<String, Value>,
    gone: Vec<String>,
    /// Ledger by the account's upstream id.
    ledgers: HashMap<String, Value>,
    events: Vec<Event>,
}

/// A kind of ours.
pub fn resource(kind: &str) -> ApiResource {
    let plural = match kind {
        "AccountPolicy" => "accountpolicies".to_owned(),
        "Directory" => "directories".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("readmit.dev", "v1alpha1", kind), &plural)
}

impl Board {
    /// Begins to watch; ends with the runtime.
    pub fn watch(runtime: &Runtime, client: &Client) -> Self {
        let board = Board::default();
        for kind in ["AccountUnlockRequest", "PasswordResetRequest", "Account"] {
            let api = Api::<DynamicObject>::all_with(client.clone(), &resource(kind));
            let board = board.clone();
            runtime.spawn(async move {
                let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
                // An interrupted watch is renewed by itself; what happened meanwhile is in its first answers.
                while let Some(event) = events.next().await {
                    if let Ok(event) = event {
                        board.take(kind, event);
                    }
                }
            });
        }
        board
    }

    fn take(&self, kind: &str, event: watcher::Event<DynamicObject>) {
        let mut seen = self.lock();
        match event {
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) if kind == "Account" => {
                let account = object.data["id"].as_str().unwrap_or_default().to_owned();
                let ledger = object.data["ledger"].clone();
                if seen.ledgers.insert(account.clone(), ledger.clone()).as_ref() != Some(&ledger) {
                    seen.events.push(Event::Ledger {
                        at: now(),
                        account,
                        ledger: Box::new(ledger),
                    });
                }
            }
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                let uid = object.metadata.uid.unwrap_or_default();
                let status = object.data["status"].clone();
                if seen.statuses.insert(uid.clone(), status.clone()).as_ref() != Some(&status) {
                    seen.events.push(Event::Status {
                        at: now(),
                        uid,
                        status: Box::new(status),
                    });
                }
            }
            watcher::Event::Delete(object) if kind != "Account" => {
                let uid = object.metadata.uid.unwrap_or_default();
                seen.gone.push(uid.clone());
                seen.events.push(Event::Gone { at: now(), uid });
            }
            watcher::Event::Delete(_) | watcher::Event::Init | watcher::Event::InitDone => {}
        }
    }

    /// Whether a request has ended or is gone.
    pub fn has_ended(&self, uid: &str) -> bool {
        let seen = self.lock();
        let finished = |status: &Value| status["outcome"].is_string();
        seen.gone.iter().any(|gone| gone == uid) || seen.statuses.get(uid).is_some_and(finished)
    }

    /// How a request stands.
    pub fn status(&self, uid: &str) -> Value {
        self.lock().statuses.get(uid).cloned().unwrap_or_default()
    }

    /// Everything about these requests and accounts.
    pub fn about(&self, uids: &[String], accounts: &[String]) -> Vec<Event> {
        let seen = self.lock();
        let concerns = |event: &&Event| match event {
            Event::Status { uid, .. } | Event::Gone { uid, .. } => uids.contains(uid),
            Event::Ledger { account, .. } => accounts.contains(account),
            _ => false,
        };
        seen.events.iter().filter(concerns).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
