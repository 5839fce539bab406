//! Effects happen once: what is applied again, re-created or deleted has no second effect.

use crate::support::{
    ldap::{account, check, closed_ledger, in_seconds, passwords, policy, reset, signs_in, text, unlock, writes},
    stage::Stage,
};
use crate::{keeper, scene};
use serde_json::{Value, json};
use std::{thread::sleep, time::Duration};

/// A reset by temporary password under policy `desk`.
fn temporary(name: &str, login: &str, more: Value) -> String {
    let mut spec = json!({"policy": "desk", "method": "TemporaryPassword"});
    spec.as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    text(&[reset(name, "ldap", login, &spec)])
}

fn delete(stage: &Stage, kind: &str, name: &str) {
    stage.plane.kubectl_as("bob", &["delete", kind, name]).expect("deleted");
}

#[test]
fn applying_the_same_again_changes_nothing() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("again").expect("locked by wrong sign-ins");
    let manifests = [
        unlock("again-1", "ldap", "again", &json!({"policy": "desk"})).to_string(),
        temporary("again-2", "again", json!({})),
    ];
    let mut before = Vec::new();
    for (kind, name, manifest) in [("aur", "again-1", &manifests[0]), ("pwr", "again-2", &manifests[1])] {
        stage.plane.apply("bob", manifest).expect("applied");
        assert_eq!(stage.finished(kind, name)["outcome"], "Succeeded");
        before.push(stage.get(kind, "default", name));
    }
    assert_eq!(closed_ledger(stage, slapd, "again"), ["Done"]);
    let written = writes(slapd, "again");
    for manifest in &manifests {
        let said = stage.plane.apply("bob", manifest).expect("applied again");
        assert!(said.contains("unchanged"), "{said}");
    }
    // Whatever it was to look at again, it looked at before a request that comes later.
    let later = unlock("again-3", "ldap", "again", &json!({"policy": "desk"}));
    stage.create("bob", &text(&[later]));
    check(
        &stage.finished("aur", "again-3"),
        "Succeeded",
        "NotLocked",
        "nothing was done",
    );
    for (kind, old) in ["aur", "pwr"].iter().zip(&before) {
        let new = stage.get(kind, "default", old["metadata"]["name"].as_str().expect("a name"));
        assert_eq!(new["metadata"]["resourceVersion"], old["metadata"]["resourceVersion"]);
        assert_eq!(new["status"], old["status"]);
    }
    assert_eq!(writes(slapd, "again"), written);
}

#[test]
fn a_manifest_with_an_end_runs_once_however_often_it_is_created() {
    let Some((stage, slapd)) = scene() else { return };
    let manifest = temporary("recreated-1", "recreated", json!({"notAfter": in_seconds(600)}));
    stage.create("bob", &manifest);
    let first = stage.finished("pwr", "recreated-1");
    check(&first, "Succeeded", "PasswordReset", "");
    assert!(keeper().open(&first).is_some());
    let uid = stage.get("pwr", "default", "recreated-1")["metadata"]["uid"].clone();
    let written = writes(slapd, "recreated");
    // At once, with the first result not yet in the ledger, and again later.
    for _ in 0..2 {
        delete(stage, "pwr", "recreated-1");
        stage.create("bob", &manifest);
        let second = stage.finished("pwr", "recreated-1");
        let told = format!("(uid {}); nothing was done now", uid.as_str().expect("a uid"));
        check(&second, "Succeeded", "AlreadyExecuted", &told);
        assert!(second["delivery"].is_null(), "{second:#}");
        assert_eq!(closed_ledger(stage, slapd, "recreated"), ["Done"]);
    }
    assert_eq!(writes(slapd, "recreated"), written);
    assert_eq!(passwords(slapd, "recreated").len(), 1);

    // Without an end, a new object is a new request.
    stage.create("bob", &temporary("recreated-2", "recreated", json!({})));
    check(&stage.finished("pwr", "recreated-2"), "Succeeded", "PasswordReset", "");
    assert_eq!(passwords(slapd, "recreated").len(), 2);
}

#[test]
fn a_manifest_that_ran_says_so_also_after_its_end() {
    let Some((stage, slapd)) = scene() else { return };
    let end = in_seconds(8);
    let ran = temporary("late-1", "late", json!({"notAfter": end}));
    stage.create("bob", &ran);
    check(&stage.finished("pwr", "late-1"), "Succeeded", "PasswordReset", "");
    let end: jiff::Timestamp = end.parse().expect("a time");
    while jiff::Timestamp::now() <= end {
        sleep(Duration::from_millis(200));
    }
    delete(stage, "pwr", "late-1");
    stage.create("bob", &ran);
    check(
        &stage.finished("pwr", "late-1"),
        "Succeeded",
        "AlreadyExecuted",
        "nothing was done now",
    );
    // Another manifest, whose end is over as well, never ran.
    stage.create(
        "bob",
        &temporary("late-2", "late", json!({"notAfter": end.to_string()})),
    );
    check(
        &stage.finished("pwr", "late-2"),
        "Expired",
        "Expired",
        "create it under another name",
    );
    assert_eq!(passwords(slapd, "late").len(), 1);
}

#[test]
fn a_request_deleted_while_it_waits_is_cancelled() {
    let Some((stage, slapd)) = scene() else { return };
    let cancelled = json!({"policy": "cancelled"});
    stage.create("bob", &temporary("cancelled-1", "cancelled", cancelled.clone()));
    stage.waits("pwr", "cancelled-1", "PolicyNotFound");
    delete(stage, "pwr", "cancelled-1");
    // What it waited for comes, and is there for others.
    let password = json!({"methods": ["TemporaryPassword"], "recipients": [keeper().public()]});
    let more = json!({"password": password});
    stage.admin(&text(&[policy("cancelled", "ldap", &["ResetPassword"], &more)]));
    stage.create("bob", &temporary("cancelled-2", "instead", cancelled));
    check(&stage.finished("pwr", "cancelled-2"), "Succeeded", "PasswordReset", "");
    assert_eq!(writes(slapd, "cancelled"), []);
    assert_eq!(account(stage, slapd, "cancelled"), None);
}

/// A change of a policy makes the operator look at every request of its cache anew, which may still show one as
/// unfinished whose end was just written. Under a policy without limits no ledger entry stood in the way.
#[test]
fn a_pass_over_an_old_copy_does_nothing_again() {
    let Some((stage, slapd)) = scene() else { return };
    let people = ["old1", "old2", "old3", "old4", "old5", "old6", "old7", "old8"];
    let unlimited = |number: usize| {
        let password =
            json!({"methods": ["TemporaryPassword"], "recipients": [keeper().public()], "length": 20 + number % 2});
        let more = json!({"limits": [], "password": password});
        text(&[policy("unlimited", "ldap", &["ResetPassword"], &more)])
    };
    stage.admin(&unlimited(0));
    let requests: String = people
        .iter()
        .map(|uid| {
            let more = json!({"policy": "unlimited", "method": "TemporaryPassword"});
            text(&[reset(&format!("{uid}-1"), "ldap", uid, &more)])
        })
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(|| stage.create("bob", &requests));
        for number in 1..12 {
            stage.admin(&unlimited(number));
        }
    });
    for uid in people {
        let status = stage.finished("pwr", &format!("{uid}-1"));
        check(&status, "Succeeded", "PasswordReset", "");
        let password = keeper().open(&status).expect("sealed to the policy's recipient");
        assert!(signs_in(slapd, uid, &password).0, "{uid}: another password is in force");
    }
    sleep(Duration::from_secs(2));
    for uid in people {
        assert_eq!(passwords(slapd, uid).len(), 1, "{uid}");
    }
}
