//! What is not done, and who learns why.

use crate::{
    Spelling, login, scene, source,
    support::{
        ldap::{check, policy, says, text, unlock},
        stage::ready,
    },
};
use serde_json::json;
use testkit::samba::{DOMAIN_DN, person_dn};

/// The name in Okta leads to somebody whose objectGUID is another one: names are given anew, GUIDs are not.
#[test]
fn another_account_of_the_same_name_is_left_alone() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import("other", "LOCKED_OUT", &scene.guid("alice"));
    scene.samba.lock("other").expect("locked by wrong sign-ins");
    let status = scene.ended("aur", &unlock("other-1", "cloud", &login("other"), &json!({})));
    check(
        &status,
        "Denied",
        "NotEligible",
        "no account that may be acted on matches",
    );
    let detail = "the account in directory corp is not confirmed: its attribute objectGUID differs";
    assert!(!status.to_string().contains("objectGUID"), "{status:#}");
    assert!(scene.stage.operator.log().contains(detail), "the audit log says why");
    scene.untouched("other");
}

#[test]
fn an_account_that_is_protected_in_the_domain_is_protected() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("chief", "LOCKED_OUT", Spelling::Text);
    let admins = format!("CN=Domain Admins,CN=Users,{DOMAIN_DN}");
    scene.samba.join(&admins, &person_dn("chief")).expect("joined");
    scene.samba.lock("chief").expect("locked by wrong sign-ins");
    let status = scene.ended("aur", &unlock("chief-1", "cloud", &login("chief"), &json!({})));
    check(
        &status,
        "Denied",
        "NotEligible",
        "no account that may be acted on matches",
    );
    scene.untouched("chief");
}

#[test]
fn the_policy_must_cover_both_directories() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("nowhere", "LOCKED_OUT", Spelling::Text);
    let sources = json!({"sources": [source(&json!({"directory": "nowhere"}))]});
    let uncovered = json!({"sources": [source(&json!({}))]});
    scene.stage.admin(&text(&[
        scene.directory("cloud-nowhere", &sources),
        scene.directory("cloud-uncovered", &uncovered),
        policy("uncovered", "cloud-uncovered", &["Unlock"], &json!({})),
    ]));
    scene.allow("nowhere", "cloud-nowhere", &json!({}));
    let status = scene.ended(
        "aur",
        &unlock("uncovered-1", "cloud-uncovered", &login("nowhere"), &json!({})),
    );
    check(&status, "Denied", "PolicyDenied", "it does not cover directory corp");
    // A route to a Directory that is not there waits for it.
    scene.ask(&unlock("nowhere-1", "cloud-nowhere", &login("nowhere"), &json!({})));
    let status = scene.stage.waits("aur", "nowhere-1", "DirectoryNotFound");
    says(&status, "DirectoryNotFound", "Directory nowhere does not exist");
    scene.untouched("nowhere");
}

#[test]
fn a_source_that_does_not_compile_makes_its_directory_not_ready() {
    let Some((scene, _turn)) = scene() else { return };
    let sources = json!({"sources": [source(&json!({"account": {"login": "account.loign"}}))]});
    scene.stage.admin(&text(&[scene.directory("cloud-wrong", &sources)]));
    let status = scene.stage.status_when("directory", "cloud-wrong", |status| {
        let message = ready(status)["message"].as_str().unwrap_or_default();
        message.contains("spec.sources[0].account.login: 1:9: account has no attribute")
    });
    assert_eq!(ready(&status)["reason"], "NeedsConfiguration", "{status:#}");
}
