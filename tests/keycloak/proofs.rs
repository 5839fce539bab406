//! What proves that a set password or a mailed link was ours.

use crate::lab::{Lab, call, lab, lab_with, target, usual};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    directory::Directory,
    domain::account::{Proof, Sent},
    secret::Secret,
};
use serde_json::json;

fn is_proven(lab: &Lab, id: &str) -> bool {
    let password = Secret::new("whatever it is".into());
    lab.run(lab.directory.prove_password(&call(), &target(id), &password)) == Proof::Ours
}

fn set_by_an_administrator(lab: &Lab, id: &str) {
    let password = json!({"type": "password", "value": "Von-Oben-Gesetzt-1", "temporary": false});
    lab.admin("PUT", &format!("users/{id}/reset-password"), Some(&password));
}

#[test]
fn the_password_in_force_is_ours_or_it_is_not() {
    let Some(lab) = usual() else { return };
    let id = lab.person("proven", &json!({}));
    assert!(!is_proven(&lab, &id), "nobody set one yet");
    assert_eq!(lab.set_password(&id, "Ganz-Neues-Wort-1"), Sent::Done);
    assert!(is_proven(&lab, &id));
    set_by_an_administrator(&lab, &id);
    assert!(!is_proven(&lab, &id), "somebody else set another since");
    assert_eq!(lab.set_password(&id, "Ganz-Neues-Wort-2"), Sent::Done);
    assert!(is_proven(&lab, &id));
    assert_eq!(
        lab.sign_in("proven", "Ganz-Neues-Wort-2"),
        "must change",
        "the proof cost no sign-in"
    );
}

#[test]
fn without_admin_events_nothing_is_ours() {
    let Some(lab) = lab("silent", &json!({"adminEventsEnabled": false})) else {
        return;
    };
    let id = lab.person("ada", &json!({}));
    assert_eq!(lab.set_password(&id, "Ganz-Neues-Wort-1"), Sent::Done);
    assert!(!is_proven(&lab, &id));
}

#[test]
fn without_the_right_to_see_events_nothing_is_ours() {
    let Some(lab) = lab_with("blind", &["manage-users", "view-realm", "view-clients"], &json!({})) else {
        return;
    };
    lab.run(lab.directory.probe(&call())).expect("ready all the same");
    let id = lab.person("ada", &json!({}));
    assert_eq!(lab.set_password(&id, "Ganz-Neues-Wort-1"), Sent::Done);
    assert!(!is_proven(&lab, &id));
}

#[test]
fn a_mailed_link_is_proven_by_our_own_event_only() {
    let Some(lab) = usual() else {
        return;
    };
    let id = lab.person("mailed", &json!({}));
    let before = Timestamp::now() - SignedDuration::from_secs(60);
    let is_sent = |since| lab.run(lab.directory.link_sent_since(&call(), &target(&id), since));
    lab.admin(
        "PUT",
        &format!("users/{id}/execute-actions-email"),
        Some(&json!(["UPDATE_PASSWORD"])),
    );
    assert!(!is_sent(before), "an administrator's");
    assert_eq!(
        lab.run(lab.directory.send_reset_link(&call(), &target(&id))),
        Sent::Done
    );
    assert!(is_sent(before));
    assert!(
        !is_sent(Timestamp::now() + SignedDuration::from_secs(5)),
        "it was before that"
    );
}
