//! Setting passwords, requiring new ones, ending sessions.

use crate::lab::{call, lab, refused, target, usual};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Sent},
    secret::Secret,
};
use serde_json::json;
use testkit::keycloak::initial_password;

#[test]
fn a_set_password_is_temporary_and_moves_the_marker() {
    let Some(lab) = usual() else {
        return;
    };
    let id = lab.person("set", &json!({}));
    let before = lab.read(&id);
    assert_eq!(
        (before.must_change, before.password_marker.is_some()),
        (Some(false), true)
    );
    assert_eq!(lab.set_password(&id, "Ganz-Neues-Wort-1"), Sent::Done);
    let after = lab.read(&id);
    assert_eq!(after.must_change, Some(true));
    assert_ne!(after.password_marker, before.password_marker);
    assert!(after.password_changed > before.password_changed);
    assert_eq!(lab.sign_in("set", "Ganz-Neues-Wort-1"), "must change");
    assert_eq!(lab.sign_in("set", &initial_password("set")), "Invalid user credentials");
    assert_eq!(lab.writes(&id), [("PUT".to_owned(), 204)]);

    // One that is not temporary takes the required change back.
    let password = Secret::new("Ganz-Neues-Wort-2".into());
    let sent = lab.run(lab.directory.set_password(&call(), &target(&id), &password, &[]));
    assert_eq!(
        (sent, lab.sign_in("set", "Ganz-Neues-Wort-2").as_str()),
        (Sent::Done, "in")
    );
    assert_eq!(lab.set_password(&id, "Ganz-Neues-Wort-1"), Sent::Done);
    let after = lab.read(&id);

    // Nothing but a new password moves the marker: not a sign-in, an unlock, a required action.
    assert_eq!(lab.unlock(&id), Sent::Done);
    lab.admin(
        "PUT",
        &format!("users/{id}"),
        Some(&json!({"requiredActions": [], "firstName": "Augusta"})),
    );
    assert_eq!(lab.sign_in("set", "Ganz-Neues-Wort-1"), "in");
    assert_eq!(lab.read(&id).password_marker, after.password_marker);
}

#[test]
fn the_password_policy_refuses_and_what_it_remembers_is_ours() {
    let policy = "hashAlgorithm(pbkdf2-sha256) and hashIterations(1) and length(8) and passwordHistory(3)";
    let Some(lab) = lab("policy", &json!({"passwordPolicy": policy})) else {
        return;
    };
    let id = lab.person("ada", &json!({}));
    let failure = refused(lab.set_password(&id, "Kurz-1"));
    assert_eq!(failure.class, FailureClass::Permanent);
    assert!(
        failure.public.contains("password policy") && !failure.public.contains("Kurz"),
        "{}",
        failure.public
    );
    assert_eq!(lab.set_password(&id, "Ganz-Neues-Wort-1"), Sent::Done);
    // Sent again after a lost reply, the refusal means that the first one worked: reading back decides.
    let again = lab.set_password(&id, "Ganz-Neues-Wort-1");
    assert!(matches!(again, Sent::Unknown(_)), "{again:?}");
}

#[test]
fn a_required_change_is_added_to_what_is_required_already() {
    let Some(lab) = usual() else { return };
    let id = lab.person("required", &json!({"requiredActions": ["VERIFY_EMAIL"]}));
    let before = lab.read(&id).password_marker;
    for _ in 0..2 {
        let sent = lab.run(lab.directory.require_change(&call(), &target(&id)));
        assert_eq!(sent, Sent::Done);
    }
    let user = lab.admin("GET", &format!("users/{id}"), None);
    let required = user["requiredActions"].as_array().expect("a list");
    assert!(
        required.len() == 2 && required.contains(&json!("VERIFY_EMAIL")),
        "{required:?}"
    );
    assert_eq!(
        (&user["email"], &user["lastName"]),
        (&json!("required@example.com"), &json!("required"))
    );
    assert_eq!(
        (lab.read(&id).must_change, lab.read(&id).password_marker),
        (Some(true), before)
    );
    assert_eq!(
        lab.writes(&id),
        [("PUT".to_owned(), 204)],
        "set once, the second time it was there"
    );
}

#[test]
fn sessions_end() {
    let Some(lab) = usual() else { return };
    let id = lab.person("seated", &json!({}));
    let sessions = || {
        lab.admin("GET", &format!("users/{id}/sessions"), None)
            .as_array()
            .map(Vec::len)
    };
    for _ in 0..2 {
        assert_eq!(lab.sign_in("seated", &initial_password("seated")), "in");
    }
    assert_eq!(sessions(), Some(2));
    assert_eq!(
        lab.run(lab.directory.revoke_sessions(&call(), &target(&id))),
        Sent::Done
    );
    assert_eq!(sessions(), Some(0));
}
