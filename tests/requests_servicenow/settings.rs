//! The Directory: its ways to sign in, its rules, and what it shows.

use crate::{
    basic, directory, secret,
    support::{
        org::{Org, check},
        refused_with,
        stage::{ready, stage},
        with_input,
    },
};
use sandbox::servicenow::{OPERATOR, OPERATOR_PASSWORD};

#[test]
fn client_credentials_and_the_password_grant_lead_to_a_ready_directory() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "sn-oauth");
    stage.admin(&secret(&org, OPERATOR_PASSWORD));
    let client = "clientID: app, clientSecretRef: {name: sn-oauth}";
    let both = format!("{client}, username: {OPERATOR}, passwordSecretRef: {{name: sn-oauth}}");
    for credential in [client, &both] {
        stage.admin(&directory(&org, credential));
        let generation = stage.get("directory", "default", "sn-oauth")["metadata"]["generation"].clone();
        let status = org
            .directory_when(|status| ready(status)["status"] == "True" && status["observedGeneration"] == generation);
        let mut capabilities: Vec<String> = serde_json::from_value(status["capabilities"].clone()).expect("texts");
        capabilities.sort_unstable();
        assert_eq!(capabilities, ["ChangeAtNextSignIn", "TemporaryPassword", "Unlock"]);
        let upstream = status["upstream"].as_str().unwrap_or_default();
        assert!(org.sandbox.addresses().servicenow.ends_with(upstream), "{status:#}");
    }
    let tokens = org
        .sandbox
        .truth()
        .into_iter()
        .filter(|call| call.path == "/oauth_token.do");
    assert!(tokens.count() >= 2, "a token for each");
    stage.admin(&org.policy(""));
    check(&org.unlocked("sn-oauth-ada", "ada.byte"), "Succeeded", "Unlocked", "");
}

#[test]
fn a_refused_credential_is_tried_once_until_its_secret_changes() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "sn-wrong");
    stage.admin(&secret(&org, "wrong"));
    stage.admin(&basic(&org));
    let status = org.directory_when(|status| ready(status)["reason"] == "CredentialRefused");
    assert_eq!(status["refusedSecret"]["name"], "sn-wrong", "{status:#}");
    stage.operator.wait_looks("sn-wrong", 1);
    assert_eq!(org.sandbox.truth().len(), 1, "one 401 and no more");
    stage.admin(&secret(&org, OPERATOR_PASSWORD));
    org.directory_when(|status| ready(status)["status"] == "True");
}

/// API keys and certificates of clients are ways of ServiceNow to sign in, and none of this release.
#[test]
fn a_way_to_sign_in_that_is_not_offered_is_refused_by_the_api_server() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "sn-key");
    for credential in [
        "apiKeySecretRef: {name: a}",
        "username: u, passwordSecretRef: {name: a}, clientCertificateSecretRef: {name: a}",
    ] {
        let output = with_input(
            stage.plane,
            "admin",
            &["apply", "-f", "-"],
            &directory(&org, credential),
        );
        refused_with(&output, &["unknown field", "SecretRef"]);
    }
}

#[test]
fn half_a_credential_is_refused_by_the_api_server() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "sn-half");
    for (credential, message) in [
        ("username: readmit", "set username with passwordSecretRef"),
        ("clientSecretRef: {name: a}", "set username with passwordSecretRef"),
        (
            "username: u, passwordSecretRef: {name: a}, clientID: c, clientSecretRef: {name: b}",
            "must name the same Secret",
        ),
    ] {
        let manifest = directory(&org, credential);
        let output = with_input(stage.plane, "admin", &["apply", "-f", "-"], &manifest);
        refused_with(&output, &[message]);
    }
}
