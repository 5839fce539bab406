//! Resets: done in the domain, with what that can do.

use crate::{
    Spelling, condition, login, scene,
    support::{
        domain::{sign_in, writes},
        ldap::{check, in_seconds, reset, says},
    },
};
use serde_json::json;
use testkit::samba::INITIAL_PASSWORD;

#[test]
fn a_temporary_password_is_handed_over_though_okta_keeps_its_lock() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("reset", "LOCKED_OUT", Spelling::Text);
    scene.samba.lock("reset").expect("locked by wrong sign-ins");
    let more = json!({"method": "TemporaryPassword"});
    scene.ask(&reset("reset-1", "cloud", &login("reset"), &more));
    let status = scene.stage.waits("pwr", "reset-1", "AwaitingManualAction");
    says(&status, "AwaitingManualAction", "a temporary password was set");
    assert_eq!(
        condition(&status, "DoneAtSource")["reason"],
        "PasswordReset",
        "{status:#}"
    );
    let password = scene.keeper.open(&status).expect("sealed to the policy's recipient");
    assert_eq!(
        sign_in(&scene.samba, "reset", &password).as_deref(),
        Some("773"),
        "it must be changed"
    );
    // The account is free for others meanwhile.
    let account = status["account"]["ref"].as_str().expect("an Account");
    scene
        .stage
        .until(("acct", "", account), "its claim to be closed", |account| {
            let claim = &account["metadata"]["labels"]["readmit.dev/claim"];
            claim.is_null().then_some(())
        });
    scene
        .okta
        .sandbox
        .unlock(&login("reset"))
        .expect("unlocked in the console");
    let ended = scene.stage.finished("pwr", "reset-1");
    check(&ended, "Succeeded", "PasswordReset", "directory cloud shows no lock");
    assert_eq!(scene.keeper.open(&ended).as_deref(), Some(password.as_str()));
    assert_eq!(ended["attempts"], status["attempts"], "{ended:#}");
    assert_eq!(writes(&scene.samba, "reset").len(), 1);
    assert_eq!(scene.okta.written(&login("reset")), [""; 0]);
}

#[test]
fn a_reset_that_leaves_locks_alone_asks_nobody_about_oktas() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("changed", "LOCKED_OUT", Spelling::Text);
    let more = json!({"method": "ChangeAtNextSignIn", "unlock": false});
    let status = scene.ended("pwr", &reset("changed-1", "cloud", &login("changed"), &more));
    check(&status, "Succeeded", "ChangeRequired", "in directory corp");
    assert_eq!(
        sign_in(&scene.samba, "changed", INITIAL_PASSWORD).as_deref(),
        Some("773")
    );
}

#[test]
fn what_the_domain_cannot_do_is_known_before_anything_is_done() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("link", "ACTIVE", Spelling::Text);
    let status = scene.ended(
        "pwr",
        &reset("link-1", "cloud", &login("link"), &json!({"method": "Link"})),
    );
    check(&status, "Failed", "NotCapable", "active-directory cannot mail links");
    scene.untouched("link");
}

#[test]
fn a_manifest_with_an_end_runs_once_however_often_it_is_created() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("again", "ACTIVE", Spelling::Text);
    let more = json!({"method": "TemporaryPassword", "notAfter": in_seconds(600)});
    let request = reset("again-1", "cloud", &login("again"), &more);
    check(&scene.ended("pwr", &request), "Succeeded", "PasswordReset", "");
    scene
        .stage
        .plane
        .kubectl_as("bob", &["delete", "pwr", "again-1"])
        .expect("deleted");
    check(
        &scene.ended("pwr", &request),
        "Succeeded",
        "AlreadyExecuted",
        "already ran",
    );
    assert_eq!(writes(&scene.samba, "again").len(), 1);
}
