//! Unlocking, with the scope of the lock in the status; what an unlock never does.

use crate::support::{
    ldap::{check, says, text, unlock},
    stage::Stage,
};
use crate::{closed, gets_in, open, person, scene, sends};
use serde_json::{Value, json};
use testkit::slapd::user_dn;

fn ask(stage: &Stage, name: &str, login: &str) -> Value {
    stage.create("bob", &text(&[unlock(name, "ds", login, &json!({}))]));
    stage.finished("aur", name)
}

#[test]
fn a_locked_person_gets_back_in_and_is_told_where() {
    let Some((stage, server)) = scene() else { return };
    person(server, "unlock-1", true);
    assert!(!gets_in(server, "unlock-1"), "really locked");
    let status = ask(stage, "unlock-1", "unlock-1");
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert!(status["lockout"]["until"].is_string(), "{status:#}");
    let scope = status["lockout"]["scope"].as_str().unwrap_or_default();
    assert!(
        scope.starts_with(&server.tls_url()) && scope.contains("other servers keep lock state of their own"),
        "{status:#}"
    );
    assert!(gets_in(server, "unlock-1"));
    assert_eq!(sends(server, "unlock-1"), ["MOD"]);
}

/// accountUnlockTime of a lock that a reset has ended stays; nothing is done about it.
#[test]
fn what_is_not_locked_is_left_alone() {
    let Some((stage, server)) = scene() else { return };
    person(server, "unlock-2", false);
    for (attribute, value) in [("passwordRetryCount", "0"), ("accountUnlockTime", "20991231000000Z")] {
        server.set("unlock-2", attribute, &[value]).expect("root may do that");
    }
    let status = ask(stage, "unlock-2", "unlock-2");
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    assert!(sends(server, "unlock-2").is_empty());
}

#[test]
fn an_inactivated_account_is_never_activated() {
    let Some((stage, server)) = scene() else { return };
    person(server, "unlock-3", true);
    person(server, "unlock-4", false);
    for (uid, outcome, reason, word) in [
        ("unlock-3", "Failed", "Refused", "locked and disabled"),
        ("unlock-4", "Succeeded", "NotLocked", "disabled"),
    ] {
        server.set(uid, "nsAccountLock", &["true"]).expect("root may do that");
        check(&ask(stage, uid, uid), outcome, reason, word);
        assert!(sends(server, uid).is_empty(), "{uid}");
        let lock = server.attribute(&user_dn(uid), "nsAccountLock").expect("an answer");
        assert_eq!(lock.as_deref(), Some("true"), "{uid}");
    }
}

#[test]
fn administrators_are_refused() {
    let Some((stage, server)) = scene() else { return };
    for (name, login) in [("unlock-root", "root1"), ("unlock-nested", "nested")] {
        server.lock(login).expect("locked by wrong sign-ins");
        let status = ask(stage, name, login);
        check(&status, "Denied", "NotEligible", "");
        assert!(sends(server, login).is_empty(), "{login}");
    }
}

#[test]
fn a_missing_right_on_the_policy_is_named_and_waited_for() {
    let Some((stage, server)) = closed() else { return };
    person(&server, "unlock-5", true);
    let request = unlock("unlock-5", "closed", "unlock-5", &json!({}));
    stage.create("bob", &text(&[request]));
    let status = stage.waits("aur", "unlock-5", "MissingRights");
    says(&status, "MissingRights", "the password policy attributes of cn=config");
    assert!(sends(&server, "unlock-5").is_empty());
    open(&server);
    // Looked at again at once.
    let patch = r#"{"spec":{"suspend":false}}"#;
    let args = ["patch", "aur", "unlock-5", "--type=merge", "-p", patch];
    stage.plane.kubectl_as("bob", &args).expect("suspend may change");
    check(
        &stage.finished("aur", "unlock-5"),
        "Succeeded",
        "Unlocked",
        "read back as not locked",
    );
    assert!(gets_in(&server, "unlock-5"));
}
