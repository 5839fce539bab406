//! Whether the admission policies that say who asks are installed as they should be, and since when.
//!
//! Pure: what is installed, what was recorded and the time come from outside. A policy is judged by its `spec` alone;
//! that nobody took it away in between is seen from uids and generations, which only the API server writes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Whether requests carry the true name of their author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Not looked at yet, or the API server does not answer. Nothing is executed.
    Unknown,
    /// A policy or binding is missing or altered. Nothing is executed.
    Broken {
        /// What is wrong and the command that repairs it.
        message: String,
    },
    /// In force. Requests created before this time, plus a margin, are not trusted.
    Enforced {
        /// By the API server's clock.
        since: Timestamp,
    },
}

/// A policy or binding as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// For example `ValidatingAdmissionPolicy`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its spec as the API server stores it, defaults filled in.
    pub spec: Value,
}

impl Expected {
    /// Takes a manifest and fills in what the API server fills in.
    pub fn new(kind: &str, name: &str, mut spec: Value) -> Self {
        if let Some(constraints) = spec.get_mut("matchConstraints").and_then(Value::as_object_mut) {
            fill_in(constraints);
        }
        Expected {
            kind: kind.into(),
            name: name.into(),
            spec,
        }
    }

    /// How messages and records call it: `ValidatingAdmissionPolicy requests.readmit.dev`.
    pub fn id(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// The four defaults of `matchConstraints` (Kubernetes API reference, MatchResources v1); bindings get none.
fn fill_in(constraints: &mut Map<String, Value>) {
    constraints.entry("matchPolicy").or_insert_with(|| json!("Equivalent"));
    constraints.entry("namespaceSelector").or_insert_with(|| json!({}));
    constraints.entry("objectSelector").or_insert_with(|| json!({}));
    let rules = constraints.get_mut("resourceRules").and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten().filter_map(Value::as_object_mut) {
        rule.entry("scope").or_insert_with(|| json!("*"));
    }
}

/// A policy or binding as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// Its uid and generation.
    pub seen: Seen,
    /// Its spec.
    pub spec: Value,
}

/// What tells one state of an object from every other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Another one after the object was deleted and created again.
    pub uid: String,
    /// Goes up with each change of the spec.
    pub generation: i64,
}

/// Uid and generation by [`Expected::id`].
pub type SeenAll = BTreeMap<String, Seen>;

/// What is wrong with the installed policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The ids of what is missing.
    pub missing: Vec<String>,
    /// The ids of what is altered, each with the first place that differs.
    pub altered: Vec<String>,
}

/// Compares what should be there with what is. `installed` lies in the order of `expected`; `None` is missing.
pub fn compare(expected: &[Expected], installed: &[Option<Installed>]) -> Result<SeenAll, Faults> {
    let mut seen = SeenAll::new();
    let mut faults = Faults::default();
    let found = installed.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    for (expected, found) in expected.iter().zip(found) {
        match found {
            None => faults.missing.push(expected.id()),
            Some(found) => match difference("spec", &expected.spec, &found.spec) {
                Some(path) => faults.altered.push(format!("{} ({path})", expected.id())),
                None => drop(seen.insert(expected.id(), found.seen.clone())),
            },
        }
    }
    if faults == Faults::default() {
        Ok(seen)
    } else {
        Err(faults)
    }
}

/// The first place where two values differ.
fn difference(path: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys())
            .find_map(|key| descend(&format!("{path}.{key}"), a.get(key), b.get(key))),
        (Value::Array(a), Value::Array(b)) => {
            (0..a.len().max(b.len())).find_map(|i| descend(&format!("{path}[{i}]"), a.get(i), b.get(i)))
        }
        _ => (expected != found).then(|| path.to_owned()),
    }
}

fn descend(path: &str, expected: Option<&Value>, found: Option<&Value>) -> Option<String> {
    match (expected, found) {
        (Some(expected), Some(found)) => difference(path, expected, found),
        (None, None) => None,
        _ => Some(path.to_owned()),
    }
}

impl Faults {
    /// What is wrong, what follows and what to do. `print` is the command that prints the right manifests.
    pub fn message(&self, print: &str) -> String {
        let missing = self.missing.iter().map(|id| format!("{id} is missing"));
        let altered = self.altered.iter().map(|id| format!("{id} is altered"));
        let faults: Vec<String> = missing.chain(altered).collect();
        format!(
            "nothing is done, because it is not certain who asks: {}; repair it with: {print} | {}",
            faults.join(", "),
            self.repair()
        )
    }

    /// `kubectl apply` leaves fields alone that somebody else added, so what is altered has to be replaced.
    fn repair(&self) -> &'static str {
        match (self.missing.is_empty(), self.altered.is_empty()) {
            (_, true) => "kubectl apply -f -",
            (true, false) => "kubectl replace -f -",
            (false, false) => "kubectl replace --force -f -",
        }
    }
}

/// What the operator remembers across restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Since when the policies are in force without a gap, by the API server's clock.
    pub enforced_since: Timestamp,
    /// Hash of the manifests that were in force.
    pub version: String,
    /// The objects that were in force.
    pub seen: SeenAll,
}

/// Whether the policies were in force all the time since the record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// The same objects in the same state; nothing is to be recorded.
    Unchanged(Timestamp),
    /// A new version of ours, without a gap; the time stays, the rest is to be recorded.
    Upgraded(Timestamp),
    /// They were away or different, or nobody knows.
    Interrupted,
}

/// Judges what is in force now against the record. `earlier` are the versions from which an upgrade keeps the time.
pub fn continuity(record: Option<&Record>, version: &str, seen: &SeenAll, earlier: &[&str]) -> Continuity {
    let Some(record) = record else {
        return Continuity::Interrupted;
    };
    match record.seen == *seen {
        true if record.version == version => Continuity::Unchanged(record.enforced_since),
        // The same generations mean the same specs; only what we say about them in comments is new.
        true => Continuity::Upgraded(record.enforced_since),
        false if earlier.contains(&record.version.as_str()) && one_step(&record.seen, seen) => {
            Continuity::Upgraded(record.enforced_since)
        }
        false => Continuity::Interrupted,
    }
}

/// A generation that moved by one at most leaves no room for a state in between. What a version adds is new.
fn one_step(before: &SeenAll, now: &SeenAll) -> bool {
    now.iter().all(|(id, now)| {
        before.get(id).is_none_or(|before| {
            before.uid == now.uid && (before.generation..=before.generation.saturating_add(1)).contains(&now.generation)
        })
    })
}

#[cfg(test)]
mod tests;
