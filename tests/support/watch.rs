//! Waiting for what becomes of objects: by a watch, so that who waits costs nothing and no state on the way is missed.
//! What is no object (log lines, the truth of a sandbox, metrics) is waited for by [`testkit::wait`].

use super::api::{self, RUNTIME};
use futures::StreamExt;
use kube::{
    api::DynamicObject,
    runtime::watcher::{self, Event, watcher},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write,
    pin::pin,
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};
use testkit::control_plane::ControlPlane;
use tokio::task::AbortHandle;

/// Between two tries of a watch that fails, as while the API server is away.
const PAUSE: Duration = Duration::from_millis(100);
/// How many objects a message names at most.
const NAMED: usize = 40;

/// Waits until one object is so, whether or not it is there yet: `probe` sees it as it is and after each change.
///
/// # Errors
/// After `patience`: what was waited for, and the object as it was seen last.
pub fn one<T>(
    plane: &ControlPlane,
    (kind, namespace, name): (&str, &str, &str),
    (what, patience): (&str, Duration),
    mut probe: impl FnMut(&Value) -> Option<T>,
) -> Result<T, String> {
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let watch = Watch::start(plane, kind, Some(namespace), config);
    watch.until(
        patience,
        |seen| seen.first().and_then(|object| probe(object)),
        |seen| {
            let object = seen
                .first()
                .map_or_else(|| format!("there is no {kind} {name}"), |object| format!("{object:#}"));
            format!("waited {patience:?} for {what}; the last that was seen: {object}")
        },
    )
}

/// Waits until the objects of a kind, in all namespaces, are so: `probe` sees all of them after each change of one.
///
/// # Errors
/// After `patience`: what was waited for, and how the objects stood that were seen last.
pub fn all<T>(
    plane: &ControlPlane,
    kind: &str,
    (what, patience): (&str, Duration),
    probe: impl FnMut(&[&Value]) -> Option<T>,
) -> Result<T, String> {
    let watch = Watch::start(plane, kind, None, watcher::Config::default());
    watch.until(patience, probe, |seen| {
        format!(
            "waited {patience:?} for {what}; the last that was seen, {} {kind}:{}",
            seen.len(),
            short(seen)
        )
    })
}

/// A line an object: name, outcome, and what Ready says. Of those that have ended only where there is room.
fn short(objects: &[&Value]) -> String {
    let mut objects = objects.to_vec();
    objects.sort_by_key(|object| object["status"]["outcome"].is_string());
    let mut text = String::new();
    for object in objects.iter().take(NAMED) {
        let conditions = object["status"]["conditions"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let ready = conditions
            .iter()
            .find(|condition| condition["type"] == "Ready")
            .unwrap_or(&Value::Null);
        let (metadata, outcome) = (&object["metadata"], &object["status"]["outcome"]);
        let (reason, message) = (&ready["reason"], &ready["message"]);
        write!(text, "\n  {} {outcome} {reason} {message}", metadata["name"]).expect("memory");
        // What says more than conditions do, of objects that have none.
        if conditions.is_empty() {
            let mut rest = (*object).clone();
            rest["metadata"] = metadata["labels"].clone();
            write!(text, " {rest}").expect("memory");
        }
    }
    text
}

/// By namespace and name.
type Objects = BTreeMap<(String, String), Value>;

/// A watch that goes on over failures, till it is dropped.
struct Watch {
    events: Receiver<Result<Event<DynamicObject>, String>>,
    task: AbortHandle,
    seen: Objects,
    /// What a list that is under way has brought so far.
    listing: Objects,
    /// Whether there was a whole list yet.
    listed: bool,
    /// Why it does not go on.
    trouble: Option<String>,
}

impl Watch {
    fn start(plane: &ControlPlane, kind: &str, namespace: Option<&str>, config: watcher::Config) -> Self {
        let api = api::objects(plane, kind, namespace);
        let (sender, events) = channel();
        let task = RUNTIME.spawn(async move {
            let mut stream = pin!(watcher(api, config));
            while let Some(event) = stream.next().await {
                let failed = event.is_err();
                let event = event.map_err(|error| format!("{:#}", anyhow::Error::from(error)));
                if sender.send(event).is_err() {
                    return;
                }
                if failed {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
        Watch {
            events,
            task: task.abort_handle(),
            seen: Objects::new(),
            listing: Objects::new(),
            listed: false,
            trouble: None,
        }
    }

    fn until<T>(
        mut self,
        patience: Duration,
        mut probe: impl FnMut(&[&Value]) -> Option<T>,
        overdue: impl FnOnce(&[&Value]) -> String,
    ) -> Result<T, String> {
        let end = Instant::now() + patience;
        // The probe runs here and not in the runtime, and so may ask for more.
        while let Ok(event) = self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if self.take(event)
                && let Some(found) = probe(&self.seen.values().collect::<Vec<_>>())
            {
                return Ok(found);
            }
        }
        let mut message = overdue(&self.seen.values().collect::<Vec<_>>());
        if let Some(trouble) = &self.trouble {
            write!(message, "\nthe watch had trouble: {trouble}").expect("memory");
        }
        Err(message)
    }

    /// Takes in what happened; whether what is known changed.
    fn take(&mut self, event: Result<Event<DynamicObject>, String>) -> bool {
        match event {
            Ok(Event::Init) => {
                self.listing.clear();
                false
            }
            Ok(Event::InitApply(object)) => {
                self.listing.insert(key(&object), api::value(object));
                false
            }
            Ok(Event::InitDone) => {
                self.seen = std::mem::take(&mut self.listing);
                self.listed = true;
                self.trouble = None;
                true
            }
            Ok(Event::Apply(object)) => {
                self.seen.insert(key(&object), api::value(object));
                self.listed
            }
            Ok(Event::Delete(object)) => {
                self.seen.remove(&key(&object));
                self.listed
            }
            Err(error) => {
                self.trouble = Some(error);
                false
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key(object: &DynamicObject) -> (String, String) {
    let metadata = &object.metadata;
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}
