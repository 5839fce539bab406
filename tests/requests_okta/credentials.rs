//! The operator's own credential, its rights and its way to Okta: said on the Directory, and gone on when put right.

use crate::support::{
    org::{Org, check, says},
    stage::{ready, stage},
};
use sandbox::{ADMIN_TOKEN, FaultKind, NO_ROLES_TOKEN, Origin, okta::auth::Role, options::token};
use serde_json::Value;

const LOGIN: &str = "alice@example.com";

#[track_caller]
fn not_ready(status: &Value, reason: &str, parts: &[&str]) {
    assert_eq!(ready(status)["status"], "False", "{status:#}");
    assert_eq!(ready(status)["reason"], reason, "{status:#}");
    for part in parts {
        let message = ready(status)["message"].as_str().unwrap_or_default();
        assert!(message.contains(part), "{part:?} is missing in {message:?}");
    }
}

fn ask(org: &Org) {
    org.stage
        .create("bob", &org.unlock(&org.name, &format!("{{login: {LOGIN}}}")));
}

fn refusals(org: &Org) -> usize {
    let truth = org.sandbox.truth().into_iter();
    truth
        .filter(|call| call.origin == Origin::Api && call.status == Some(401))
        .count()
}

#[test]
fn a_revoked_token_is_tried_once_and_its_secret_awaited() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "token-revoked");
    assert!(org.sandbox.revoke_token(ADMIN_TOKEN));
    ask(&org);
    let status = stage.waits("aur", &org.name, "DirectoryUnavailable");
    says(&status, "DirectoryUnavailable", "correct Secret token-revoked");
    let stalled = |condition: &Value| condition["type"] == "Stalled" && condition["status"] == "True";
    let conditions = status["conditions"].as_array().expect("conditions");
    assert!(conditions.iter().any(stalled), "{status:#}");
    let status = org.directory_when(|status| ready(status)["status"] == "False");
    not_ready(&status, "CredentialRefused", &["correct Secret token-revoked"]);
    assert_eq!(status["refusedSecret"]["name"], "token-revoked", "{status:#}");
    // The first look comes with the refusal, which a request met.
    stage.operator.wait_looks(&org.name, 2);
    assert_eq!(refusals(&org), 1, "the operator would lock its own account");
    org.sandbox
        .add_token(token("new", "the-new-one", Role::Admin))
        .expect("its owner is there");
    org.set_token("the-new-one");
    check(&stage.finished("aur", &org.name), "Succeeded", "Unlocked", "");
    assert_eq!(refusals(&org), 1);
    let status = org.directory_when(|status| ready(status)["status"] == "True");
    assert!(status["refusedSecret"].is_null(), "{status:#}");
}

/// The token is refused at the very send: once, and what was asked for is done once the Secret has another.
#[track_caller]
fn refused_at(name: &str, login: &str, writes: &[&str]) {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, name);
    let refused = FaultKind::Status {
        status: 401,
        body: Some(r#"{"errorCode": "E0000011", "errorSummary": "no", "errorId": "oae1"}"#.into()),
    };
    org.strike("POST", login, "/lifecycle/reset_password", refused);
    stage.create("bob", &org.reset(name, login, "Link"));
    let status = stage.waits("pwr", name, "DirectoryUnavailable");
    assert!(status["outcome"].is_null(), "{status:#}");
    org.directory_when(|status| ready(status)["reason"] == "CredentialRefused");
    assert_eq!(refusals(&org), 1);
    org.sandbox
        .add_token(token("new", "the-new-one", Role::Admin))
        .expect("its owner is there");
    org.set_token("the-new-one");
    check(&stage.finished("pwr", name), "Succeeded", "LinkSent", "");
    assert_eq!((refusals(&org), org.sandbox.mails().len()), (1, 1));
    assert_eq!(org.written(login), writes);
}

#[test]
fn a_token_that_is_refused_before_anything_was_done_holds_no_claim() {
    let writes = [
        "POST /lifecycle/reset_password",
        "POST /lifecycle/reset_password",
        "DELETE /sessions",
    ];
    refused_at("token-at-first", "bob@example.com", &writes);
}

#[test]
fn a_token_that_is_refused_in_the_middle_of_a_plan_is_awaited() {
    let writes = [
        "POST /lifecycle/unlock",
        "POST /lifecycle/reset_password",
        "POST /lifecycle/reset_password",
        "DELETE /sessions",
    ];
    refused_at("token-in-the-middle", LOGIN, &writes);
}

#[test]
fn a_wrong_token_is_tried_once() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "token-wrong");
    stage.admin(&org.policy(""));
    org.connect("00-not-this-one");
    ask(&org);
    let status = org.directory_when(|status| ready(status)["status"] == "False");
    not_ready(&status, "CredentialRefused", &["correct Secret token-wrong"]);
    stage.operator.wait_looks(&org.name, 1);
    assert_eq!(refusals(&org), 1);
    org.set_token(ADMIN_TOKEN);
    check(&stage.finished("aur", &org.name), "Succeeded", "Unlocked", "");
}

#[test]
fn a_token_that_may_not_look_up_roles_makes_the_directory_not_ready() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "token-no-roles");
    stage.admin(&org.policy(""));
    org.connect(NO_ROLES_TOKEN);
    let status = org.directory_when(|status| ready(status)["status"] == "False");
    not_ready(
        &status,
        "NeedsConfiguration",
        &["administrator roles", "okta.roles.read"],
    );
    ask(&org);
    let status = stage.waits("aur", &org.name, "DirectoryUnavailable");
    says(&status, "DirectoryUnavailable", "okta.roles.read");
    assert!(org.writes(LOGIN).is_empty());
    org.set_token(ADMIN_TOKEN);
    check(&stage.finished("aur", &org.name), "Succeeded", "Unlocked", "");
}

#[test]
fn a_certificate_of_an_unknown_issuer_is_refused_until_the_issuer_is_named() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "tls-unknown");
    stage.admin(&org.policy(""));
    org.set_token(ADMIN_TOKEN);
    let url = org.sandbox.addresses().https.clone();
    stage.admin(&org.directory(&url, ""));
    let status = org.directory_when(|status| ready(status)["status"] == "False");
    not_ready(
        &status,
        "NeedsConfiguration",
        &["certificate is not trusted", "caSecretRef"],
    );
    ask(&org);
    let status = stage.waits("aur", &org.name, "DirectoryUnavailable");
    says(&status, "DirectoryUnavailable", "caSecretRef");
    assert!(org.sandbox.truth().is_empty(), "nothing was sent");
    let ca = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls-unknown-ca", "namespace": "readmit-system"},
        "stringData": {"ca.crt": org.sandbox.ca_pem()},
    });
    stage.admin(&ca.to_string());
    stage.admin(&org.directory(&url, ", caSecretRef: {name: tls-unknown-ca}"));
    check(&stage.finished("aur", &org.name), "Succeeded", "Unlocked", "");
}

#[test]
fn a_missing_secret_and_a_missing_key_are_named() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "secret-missing");
    stage.admin(&org.policy(""));
    stage.admin(&org.directory(&org.sandbox.addresses().http, ""));
    let status = org.directory_when(|status| ready(status)["status"] == "False");
    let parts = [
        "Secret secret-missing does not exist in namespace readmit-system",
        "create it",
    ];
    not_ready(&status, "NeedsConfiguration", &parts);
    stage.admin(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: secret-missing, namespace: readmit-system}\nstringData: {other: x}\n",
    );
    let text = "has no key token; add it";
    org.directory_when(|status| ready(status)["message"].as_str().unwrap_or_default().contains(text));
    org.set_token(ADMIN_TOKEN);
    org.directory_when(|status| ready(status)["status"] == "True");
}
