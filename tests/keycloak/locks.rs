//! Two kinds of lock and two kinds of disabled, and what ends which.

use crate::lab::{Lab, call, lab, refused, remedy, target, usual};
use readmit::{
    directory::Directory,
    domain::account::{LockState, ReadFailure, Remedy, Sent},
};
use serde_json::json;
use testkit::keycloak::initial_password;

fn gets_in(lab: &Lab, username: &str) -> bool {
    lab.sign_in(username, &initial_password(username)) == "in"
}

#[test]
fn a_temporary_lock_is_cleared_without_touching_the_account() {
    let Some(lab) = usual() else {
        return;
    };
    let id = lab.person("dana", &json!({}));
    assert_eq!(lab.read(&id).lock, LockState::NotLocked);
    lab.server.lock(lab.realm, "dana");
    assert!(!gets_in(&lab, "dana"), "really locked");
    let account = lab.read(&id);
    assert_eq!((remedy(&account), account.disabled), (Some(Remedy::Clear), Some(false)));
    let LockState::Locked(lock) = &account.lock else {
        unreachable!()
    };
    let (since, until) = (lock.since.expect("a time"), lock.until.expect("a time"));
    assert!(until.duration_since(since).as_secs() >= 590, "{since} to {until}");
    assert_eq!(lab.run(lab.directory.clear_lock(&call(), &target(&id))), Sent::Done);
    assert_eq!(lab.read(&id).lock, LockState::NotLocked);
    assert!(gets_in(&lab, "dana"));
    assert_eq!(lab.writes(&id), [("DELETE".to_owned(), 204)]);
    // Nothing is there any more, and that is no error.
    assert_eq!(lab.unlock(&id), Sent::Done);
}

/// Keycloak answers the deletion of the failed sign-ins by 204, and leaves the lock where it is.
#[test]
fn only_enabling_ends_a_permanent_lock_and_it_changes_nothing_else() {
    let Some(lab) = lab("permanent", &json!({"permanentLockout": true})) else {
        return;
    };
    lab.admin(
        "PUT",
        "users/profile",
        Some(&json!({
            "attributes": lab.admin("GET", "users/profile", None)["attributes"], "unmanagedAttributePolicy": "ENABLED",
        })),
    );
    let id = lab.person(
        "gone",
        &json!({"attributes": {"dept": ["desk"]}, "requiredActions": ["VERIFY_EMAIL"]}),
    );
    lab.server.lock(lab.realm, "gone");
    let account = lab.read(&id);
    assert_eq!(
        (remedy(&account), account.disabled),
        (Some(Remedy::Unlock), Some(false))
    );
    assert!(account.lock_stamp.is_some_and(|stamp| stamp.starts_with("permanent ")));

    // What is sent without a claim can never enable anybody.
    assert_eq!(lab.run(lab.directory.clear_lock(&call(), &target(&id))), Sent::Done);
    assert_eq!(lab.admin("GET", &format!("users/{id}"), None)["enabled"], false);
    // Now nothing is counted any more, as after a restart of the servers: the lock shows all the same.
    assert_eq!(lab.server.brute_force(lab.realm, &id)["disabled"], false);
    assert_eq!(remedy(&lab.read(&id)), Some(Remedy::Unlock));

    assert_eq!(lab.unlock(&id), Sent::Done);
    let account = lab.read(&id);
    assert_eq!((remedy(&account), account.disabled), (None, Some(false)));
    let user = lab.admin("GET", &format!("users/{id}"), None);
    assert_eq!(
        user["attributes"],
        json!({"dept": ["desk"]}),
        "the reason is gone and nothing else"
    );
    assert_eq!(
        (&user["firstName"], &user["email"]),
        (&json!("Person"), &json!("gone@example.com"))
    );
    assert_eq!(user["requiredActions"], json!(["VERIFY_EMAIL"]));
    assert_eq!(lab.writes(&id), [("DELETE".to_owned(), 204), ("PUT".to_owned(), 204)]);
    lab.admin("PUT", &format!("users/{id}"), Some(&json!({"requiredActions": []})));
    assert!(gets_in(&lab, "gone"));
}

#[test]
fn what_an_administrator_disabled_is_never_enabled() {
    let Some(lab) = usual() else { return };
    for (name, locked) in [("left", false), ("barred", true)] {
        let id = lab.person(name, &json!({}));
        if locked {
            lab.server.lock(lab.realm, name);
        }
        lab.admin("PUT", &format!("users/{id}"), Some(&json!({"enabled": false})));
        let account = lab.read(&id);
        assert_eq!(account.disabled, Some(true), "{name}");
        assert_eq!(remedy(&account).is_some(), locked, "{name}");
        let failure = refused(lab.unlock(&id));
        assert!(
            failure.public.contains("an administrator disabled the account"),
            "{}",
            failure.public
        );
        assert_eq!(lab.writes(&id), [], "{name}");
        assert_eq!(lab.admin("GET", &format!("users/{id}"), None)["enabled"], false);
    }
}

/// Keycloak says of an id that nobody has that nothing is counted.
#[test]
fn an_unknown_id_is_not_taken_for_an_account_without_a_lock() {
    let Some(lab) = usual() else { return };
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(lab.server.brute_force(lab.realm, nobody)["disabled"], false);
    let read = lab.run(lab.directory.read(&call(), &target(nobody)));
    assert_eq!(read.map(|account| account.id), Err(ReadFailure::NotFound));
    refused(lab.unlock(nobody));
    refused(lab.set_password(nobody, "Irgend-Ein-Wort-1"));
}

#[test]
fn a_realm_that_counts_nothing_locks_nobody() {
    let Some(lab) = lab("uncounted", &json!({"bruteForceProtected": false})) else {
        return;
    };
    let id = lab.person("free", &json!({}));
    for _ in 0..4 {
        lab.sign_in("free", "wrong");
    }
    assert_eq!(lab.read(&id).lock, LockState::NotLocked);
    assert!(gets_in(&lab, "free"));
}
