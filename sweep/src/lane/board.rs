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
    collections::{HashMap, HashSet},
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
    /// The accounts that the list under way has named so far.
    listed: HashSet<String>,
    events: Vec<Event>,
}

impl Seen {
    fn ledger(&mut self, account: &DynamicObject) {
        self.note(upstream_id(account), account.data["ledger"].clone());
    }

    fn note(&mut self, account: &str, ledger: Value) {
        if self.ledgers.insert(account.to_owned(), ledger.clone()).as_ref() != Some(&ledger) {
            self.events.push(Event::Ledger {
                at: now(),
                account: account.to_owned(),
                ledger: Box::new(ledger),
            });
        }
    }

    /// A list is complete: whom it does not name has gone while nobody watched, which is told in no other way.
    fn unlisted(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        let gone = self.ledgers.keys().filter(|account| !listed.contains(*account));
        for account in Vec::from_iter(gone.cloned()) {
            self.note(&account, Value::Null);
        }
    }
}

/// The upstream id of an account.
fn upstream_id(account: &DynamicObject) -> &str {
    account.data["id"].as_str().unwrap_or_default()
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
            watcher::Event::Apply(object) if kind == "Account" => seen.ledger(&object),
            watcher::Event::InitApply(object) if kind == "Account" => {
                seen.listed.insert(upstream_id(&object).to_owned());
                seen.ledger(&object);
            }
            watcher::Event::Init if kind == "Account" => seen.listed.clear(),
            watcher::Event::InitDone if kind == "Account" => seen.unlisted(),
            // As it was last.
            watcher::Event::Delete(object) if kind == "Account" => seen.ledger(&object),
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
            watcher::Event::Delete(object) => {
                let uid = object.metadata.uid.unwrap_or_default();
                seen.gone.push(uid.clone());
                seen.events.push(Event::Gone { at: now(), uid });
            }
            watcher::Event::Init | watcher::Event::InitDone => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn account(id: &str, ledger: &Value) -> DynamicObject {
        let object = json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Account", "metadata": {"name": id}, "id": id, "ledger": ledger,
        });
        serde_json::from_value(object).unwrap()
    }

    /// An account whose last claim was given back is deleted, perhaps while the API server is away.
    #[test]
    fn an_account_that_is_gone_has_no_ledger_any_more() {
        use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};
        let claimed = json!([{"uid": "u", "claim": {}}]);
        for (what, events, expected) in [
            ("deleted as it was", vec![Delete(account("a", &claimed))], vec![]),
            ("deleted empty", vec![Delete(account("a", &json!([])))], vec![json!([])]),
            (
                "listed",
                vec![Init, InitApply(account("a", &claimed)), InitDone],
                vec![],
            ),
            (
                "not listed",
                vec![Init, InitApply(account("b", &json!([]))), InitDone],
                vec![Value::Null],
            ),
        ] {
            let board = Board::default();
            board.take("Account", Apply(account("a", &claimed)));
            events.into_iter().for_each(|event| board.take("Account", event));
            let seen = board.about(&[], &["a".to_owned()]);
            let ledgers = seen.into_iter().filter_map(|event| match event {
                Event::Ledger { ledger, .. } => Some(*ledger),
                _ => None,
            });
            assert_eq!(Vec::from_iter(ledgers.skip(1)), expected, "{what}");
        }
    }
}
