//! Requests as people create them, and a watch on what becomes of them: one for the whole suite, so that a hundred
//! waiting rows cost the machine nothing.

use crate::support::{
    api,
    stage::{Stage, ready},
};
use futures::StreamExt;
use kube::{Api, Resource, ResourceExt, api::DynamicObject, runtime::watcher};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, OnceLock},
    time::{Duration, Instant},
};

/// Longer than any row needs on a loaded machine, quarantine and upstream pauses included.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Kind, namespace, name.
type Key = (String, String, String);

/// A request as it was last seen, and the reasons for which it has stood still on the way.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub object: Value,
    pub reasons: Vec<String>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<HashMap<Key, Seen>>,
    changed: Condvar,
}

/// What the suite knows of all its requests.
pub struct Board {
    stage: &'static Stage,
    shared: Arc<Shared>,
}

/// The board of this test program.
pub fn board(stage: &'static Stage) -> &'static Board {
    static BOARD: OnceLock<Board> = OnceLock::new();
    BOARD.get_or_init(|| Board::start(stage))
}

impl Board {
    fn start(stage: &'static Stage) -> Self {
        let board = Board {
            stage,
            shared: Arc::default(),
        };
        for kind in ["AccountUnlockRequest", "PasswordResetRequest"] {
            let api = api::objects(stage.plane, &kind.to_lowercase(), None);
            api::RUNTIME.spawn(watch(api, kind.to_owned(), board.shared.clone()));
        }
        board
    }

    /// Creates a request as somebody.
    #[track_caller]
    pub fn create(&self, person: &str, request: &Value) {
        api::create_soon(self.stage.plane, person, &request.to_string());
    }

    /// Deletes a request as somebody, and waits until the watch shows that.
    #[track_caller]
    pub fn delete(&self, person: &str, request: &Value) {
        let key = key_of(request);
        api::delete(self.stage.plane, person, (&key.0.to_lowercase(), &key.1, &key.2));
        self.until("its absence", &key, |seen| seen.is_none().then_some(()));
    }

    /// Waits for the end of a request.
    #[track_caller]
    pub fn finished(&self, request: &Value) -> Seen {
        let ended = |seen: &Seen| seen.object["status"]["outcome"].is_string();
        self.until("its end", &key_of(request), |seen| {
            seen.filter(|seen| ended(seen)).cloned()
        })
    }

    /// Waits for the end of a request, or until it waits for somebody in the vendor's console.
    #[track_caller]
    pub fn finished_or_by_hand(&self, request: &Value) -> Seen {
        let stands = |seen: &&Seen| {
            let status = &seen.object["status"];
            status["outcome"].is_string() || ready(status)["reason"] == "AwaitingManualAction"
        };
        let what = "its end, or a wait for somebody in the console";
        self.until(what, &key_of(request), |seen| seen.filter(stands).cloned())
    }

    /// Waits until a request stands still for this reason and says this text: a reason may have others before.
    #[track_caller]
    pub fn waits(&self, request: &Value, reason: &str, text: &str) -> Seen {
        let waits = |seen: &Seen| {
            let ready = ready(&seen.object["status"]);
            ready["reason"] == reason && ready["message"].as_str().is_some_and(|message| message.contains(text))
        };
        self.until(
            &format!("a wait for {reason} with {text:?}"),
            &key_of(request),
            |seen| seen.filter(|seen| waits(seen)).cloned(),
        )
    }

    #[track_caller]
    fn until<T>(&self, what: &str, key: &Key, probe: impl Fn(Option<&Seen>) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut requests = self.shared.requests.lock().expect("no panic");
        loop {
            if let Some(found) = probe(requests.get(key)) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seen = requests.get(key).cloned();
                drop(requests);
                let (kind, _, name) = key;
                panic!(
                    "waited {PATIENCE:?} for {what}; {kind} {name} was last seen as {seen:#?}\n{}",
                    self.log_about(name)
                );
            }
            requests = self.shared.changed.wait_timeout(requests, left).expect("no panic").0;
        }
    }

    /// The lines of the operator's log that name a request.
    fn log_about(&self, name: &str) -> String {
        let log = self.stage.operator.log();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(name)).collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// A request by manifest.
pub fn request(kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

fn key_of(request: &Value) -> Key {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let metadata = &request["metadata"];
    (
        text(&request["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"]),
    )
}

async fn watch(api: Api<DynamicObject>, kind: String, shared: Arc<Shared>) {
    let mut events = watcher(api, watcher::Config::default()).boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => shared.note(&kind, &object),
            Ok(watcher::Event::Delete(object)) => shared.forget(&kind, &object),
            Ok(watcher::Event::Init | watcher::Event::InitDone) => {}
            Err(error) => {
                eprintln!("the watch on {kind} begins anew: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl Shared {
    fn note(&self, kind: &str, object: &DynamicObject) {
        let value = serde_json::to_value(object).expect("JSON");
        let mut requests = self.requests.lock().expect("no panic");
        let seen = requests.entry(key(kind, object)).or_default();
        if let Some(reason) = ready(&value["status"])["reason"].as_str()
            && seen.reasons.last().is_none_or(|last| last != reason)
        {
            seen.reasons.push(reason.to_owned());
        }
        seen.object = value;
        self.changed.notify_all();
    }

    fn forget(&self, kind: &str, object: &DynamicObject) {
        self.requests.lock().expect("no panic").remove(&key(kind, object));
        self.changed.notify_all();
    }
}

fn key(kind: &str, object: &DynamicObject) -> Key {
    let namespace = object.meta().namespace.clone().unwrap_or_default();
    (kind.to_owned(), namespace, object.name_any())
}
