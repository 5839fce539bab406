//! Day keys on a real API server, under exactly the rights that they need.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use readmit::controller::day_keys::{DayKeyError, DayKeys};
use support::operator::{NAMESPACE, client, role};
use testkit::control_plane::{self, ControlPlane};
use testkit::{assets, skip};

const RULES: &str = "{apiGroups: [''], resources: [secrets], verbs: [get, list, create, delete]}";

fn names(plane: &ControlPlane) -> BTreeSet<String> {
    let args = [
        "get",
        "secrets",
        "-n",
        NAMESPACE,
        "-o=jsonpath={.items[*].metadata.name}",
    ];
    let text = plane.kubectl_as("admin", &args).expect("the secrets");
    text.split_whitespace().map(str::to_owned).collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn keys_are_shared_kept_and_destroyed() {
    if skip::unless_missing(assets::ensure()).is_none() {
        return;
    }
    let plane = control_plane::shared();
    role(plane, RULES);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(scenario(plane));
}

async fn scenario(plane: &ControlPlane) {
    let monday = at("2026-11-23T12:00:00Z");
    // Two replicas, many tasks at once, no key yet: all get the same one.
    let replicas = [
        Arc::new(DayKeys::new(client(plane).await, NAMESPACE)),
        Arc::new(DayKeys::new(client(plane).await, NAMESPACE)),
    ];
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let keys = Arc::clone(&replicas[n % 2]);
            tokio::spawn(async move { keys.current(monday).await })
        })
        .collect();
    let mut found = BTreeSet::new();
    for task in tasks {
        let (reference, key) = task.await.expect("no panic").expect("a key");
        assert_eq!(reference.name, "readmit-day-key-2026-11-23");
        assert_eq!(reference.key.as_deref(), Some("key"));
        found.insert(*key.expose());
    }
    assert_eq!(found.len(), 1);

    // A process that comes later reads it, and cannot change it.
    let later = DayKeys::new(client(plane).await, NAMESPACE);
    let name = "readmit-day-key-2026-11-23";
    let read = later.get(name).await.expect("an answer").expect("the key");
    assert!(found.contains(read.expose()));
    let patch = [
        "patch",
        "secret",
        name,
        "-n",
        NAMESPACE,
        "-p",
        r#"{"data":{"key":"AAAA"}}"#,
    ];
    let refused = plane.kubectl("admin").args(patch).output().expect("kubectl");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("immutable"),
        "{refused:?}"
    );

    // Another day, another key; one that never was is gone; other Secrets are never read.
    let (_, tuesday) = later.current(at("2026-11-24T00:00:00Z")).await.expect("a key");
    assert_ne!(tuesday.expose(), read.expose());
    assert!(
        later
            .get("readmit-day-key-2026-11-01")
            .await
            .expect("an answer")
            .is_none()
    );
    assert!(matches!(later.get("okta").await, Err(DayKeyError::NotADayKey(_))));

    // Swept 48 hours after its day began, and only then; other Secrets stay.
    let create = [
        "create",
        "secret",
        "generic",
        "okta",
        "-n",
        NAMESPACE,
        "--from-literal=token=x",
    ];
    plane.kubectl_as("admin", &create).expect("created");
    assert_eq!(later.sweep(at("2026-11-25T00:00:00Z")).await.expect("swept"), 0);
    assert_eq!(later.sweep(at("2026-11-25T00:00:01Z")).await.expect("swept"), 1);
    assert_eq!(
        names(plane),
        ["okta", "readmit-day-key-2026-11-24"].map(str::to_owned).into()
    );
    assert!(later.get(name).await.expect("an answer").is_none());

    // A Secret of that name that could change is refused, with its name.
    let planted = "readmit-day-key-2026-11-26";
    let plant = [
        "create",
        "secret",
        "generic",
        planted,
        "-n",
        NAMESPACE,
        "--from-literal=key=x",
    ];
    plane.kubectl_as("admin", &plant).expect("created");
    let error = later.current(at("2026-11-26T10:00:00Z")).await.err().expect("refused");
    assert!(
        error.to_string().contains(planted) && error.to_string().contains("not immutable"),
        "{error}"
    );
}
