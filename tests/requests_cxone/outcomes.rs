//! How resets and unlocks end, by the state of the person and by what goes wrong.

use crate::{
    shared,
    support::{
        org::{check, says},
        watch,
    },
    tenant, written,
};
use sandbox::{
    FaultKind,
    cxone::{Person, Quirk, SignIn},
};
use std::time::Duration;

#[test]
fn a_temporary_password_opens_the_door_once_and_must_be_changed() {
    let Some(org) = shared() else { return };
    org.sandbox.cxone().add(&Person::new("reset.me@example.com"));
    let status = org.is_reset("cx-reset", "reset.me@example.com", "TemporaryPassword");
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    let paths: Vec<String> = written(org, "reset.me@example.com")
        .iter()
        .filter_map(|call| call.path.rsplit('/').next().map(str::to_owned))
        .collect();
    assert_eq!(paths, ["reset-password", "logout"]);
    let password = org.open(&status);
    let log = org.stage.operator.log();
    let encoded: String = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
    assert!(!status.to_string().contains(&password) && !log.contains(&password) && !log.contains(&encoded));
    let sign_in = |new| org.sandbox.cxone().sign_in("reset.me@example.com", &password, new);
    assert_eq!(sign_in(None), SignIn::MustChange);
    assert_eq!(sign_in(Some("Ganz-Neues-Wort-9")), SignIn::Success);
}

#[test]
fn what_cannot_be_done_is_told_with_the_way_out() {
    let Some(org) = shared() else { return };
    for (name, method) in [("cx-link", "Link"), ("cx-change", "ChangeAtNextSignIn")] {
        let status = org.is_reset(name, "bob.ross@example.com", method);
        check(&status, "Failed", "NotCapable", "set method: TemporaryPassword");
    }
    assert!(written(org, "bob.ross@example.com").is_empty());
}

#[test]
fn the_state_table() {
    let Some(org) = shared() else { return };
    let rows = [
        ("bob.ross@example.com", "Succeeded", "NotLocked", "nothing was done"),
        ("pia.pending@example.com", "Failed", "Refused", "invite them again"),
        ("uwe.unregistered@example.com", "Failed", "Refused", "invite them again"),
        ("dora.left@example.com", "Failed", "Refused", "locked and disabled"),
        ("dirk.gone@example.com", "Succeeded", "NotLocked", "it is disabled"),
        ("frank.root@example.com", "Denied", "NotEligible", ""),
        ("readmit.api@example.com", "Denied", "NotEligible", ""),
        ("nobody@example.com", "Denied", "NotEligible", ""),
    ];
    for (number, (login, outcome, reason, message)) in rows.into_iter().enumerate() {
        let status = org.unlocked(&format!("cx-state-{number}"), login);
        check(&status, outcome, reason, message);
    }
    for (number, (login, message)) in [
        ("pia.pending@example.com", "invite them again"),
        ("erin.sso@example.com", "single sign-on"),
        ("dora.left@example.com", "disabled"),
    ]
    .into_iter()
    .enumerate()
    {
        let status = org.is_reset(&format!("cx-state-reset-{number}"), login, "TemporaryPassword");
        check(&status, "Failed", "Refused", message);
        assert!(written(org, login).is_empty(), "{login}");
    }
    for (name, login, message) in [
        ("cx-sso", "erin.sso@example.com", "Locked Employees"),
        ("cx-blocked", "bruno.blocked@example.com", "BLOCKED"),
    ] {
        org.stage
            .create("bob", &org.unlock(name, &format!("{{login: {login}}}")));
        let status = org.stage.waits("aur", name, "AwaitingManualAction");
        says(&status, "AwaitingManualAction", message);
    }
}

#[test]
fn a_lost_reply_of_a_password_is_unknown_and_never_sent_again() {
    let Some(org) = tenant("cx-lost") else { return };
    org.sandbox.inject_once("PUT", "*", FaultKind::ReplyLostAfterCommit);
    let status = org.is_reset("cx-lost-bob", "bob.ross@example.com", "TemporaryPassword");
    assert_eq!(status["outcome"], "Unknown", "{status:#}");
    assert_eq!(written(&org, "bob.ross@example.com").len(), 1);
}

#[test]
fn a_refusal_that_repeats_the_password_is_told_without_it() {
    let Some(org) = tenant("cx-echo") else { return };
    org.sandbox.cxone().set_quirk(Quirk::RefusalEchoesPassword, true);
    let status = org.is_reset("cx-echo-bob", "bob.ross@example.com", "TemporaryPassword");
    check(&status, "Failed", "Refused", "reset it by hand");
    let log = org.stage.operator.log();
    assert!(
        !log.contains("is not acceptable") && !log.contains("requestedPassword"),
        "the upstream's text"
    );
}

#[test]
fn a_missing_right_waits_and_then_goes_on() {
    let Some(org) = tenant("cx-right") else { return };
    org.sandbox.cxone().set_quirk(Quirk::ResetForbidden, true);
    org.stage.create(
        "bob",
        &org.reset("cx-right-bob", "bob.ross@example.com", "TemporaryPassword"),
    );
    let status = org.stage.waits("pwr", "cx-right-bob", "MissingRights");
    says(&status, "MissingRights", "Users Edit");
    org.sandbox.cxone().set_quirk(Quirk::ResetForbidden, false);
    // A missing right is looked for again after half a minute.
    let (place, patience) = (("pwr", "default", "cx-right-bob"), Duration::from_secs(60));
    let ended = watch::one(org.stage.plane, place, ("the end of the reset", patience), |object| {
        let status = &object["status"];
        status["outcome"].is_string().then(|| status.clone())
    });
    let status = ended.unwrap_or_else(|error| panic!("{error}\n{}", org.stage.operator.tail()));
    check(&status, "Succeeded", "PasswordReset", "");
}

#[test]
fn hidden_agents_are_a_missing_right_and_not_nobody() {
    let Some(org) = tenant("cx-agents") else { return };
    let console = org.sandbox.cxone();
    let first = console.add(&Person::locked("hidden1@example.com"));
    console.add(&Person::locked("hidden2@example.com"));
    let hidden = if first % 2 == 1 {
        "hidden1@example.com"
    } else {
        "hidden2@example.com"
    };
    console.set_quirk(Quirk::AgentsHidden, true);
    org.stage
        .create("bob", &org.unlock("cx-agents-1", &format!("{{login: {hidden}}}")));
    let status = org.stage.waits("aur", "cx-agents-1", "MissingRights");
    says(&status, "MissingRights", "right to see every team");
}
