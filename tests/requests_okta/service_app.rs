//! The operator as a service app of the organisation: from manifests to what was really done.

use crate::{
    app::{App, CLIENT_ID, Form, Key, SCOPES},
    support::{
        org::{Org, check},
        stage::{Stage, ready, stage},
    },
};
use serde_json::json;

/// An organisation that knows the app, with a Directory that signs in as it.
fn org(stage: &'static Stage, name: &str, app: &App) -> Org {
    let org = Org::sandbox(stage, name);
    org.sandbox.shared().okta().apps.push(app.registered());
    stage.admin(&org.policy(""));
    let mut oauth = json!({"clientID": CLIENT_ID, "privateKeySecretRef": {"name": name}});
    if let Some(id) = &app.named {
        oauth["keyID"] = id.as_str().into();
    }
    if app.asked != SCOPES {
        oauth["scopes"] = app.asked.clone().into();
    }
    let directory = json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
        "spec": {"provider": {"okta": {"url": org.sandbox.addresses().http, "oauth": oauth}}},
    });
    stage.admin(&directory.to_string());
    org
}

fn put_key(org: &Org, app: &App) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": org.name, "namespace": "readmit-system"},
        "stringData": {"private-key": app.key.secret},
    });
    org.stage.admin(&secret.to_string());
}

fn grants(org: &Org) -> usize {
    let truth = org.sandbox.truth().into_iter();
    truth.filter(|call| call.path == "/oauth2/v1/token").count()
}

#[test]
fn a_service_app_does_all_that_a_token_does() {
    let Some(stage) = stage() else { return };
    for (dpop, calls) in [(false, 1), (true, 3)] {
        let key = if dpop {
            Key::elliptic("P-384", Form::Pem)
        } else {
            Key::rsa("RS512", Form::Jwk)
        };
        let app = App {
            dpop,
            named: dpop.then(|| "k1".to_owned()),
            ..App::with_key(key)
        };
        let name = if dpop { "app-dpop" } else { "app-bearer" };
        let org = org(stage, name, &app);
        put_key(&org, &app);
        org.directory_when(|status| ready(status)["status"] == "True");
        check(
            &org.unlocked(&format!("{name}-unlock"), "alice@example.com"),
            "Succeeded",
            "Unlocked",
            "",
        );
        let status = org.is_reset(&format!("{name}-temporary"), "bob@example.com", "TemporaryPassword");
        check(&status, "Succeeded", "PasswordReset", "");
        let password = org.open(&status);
        let signed_in = org.sandbox.sign_in("bob@example.com", &password, None);
        assert!(matches!(signed_in, sandbox::SignIn::PasswordExpired), "{signed_in:?}");
        let status = org.is_reset(&format!("{name}-link"), "quinn@example.com", "Link");
        check(&status, "Succeeded", "LinkSent", "");
        assert_eq!(grants(&org), calls, "one token for all of it");
        // In the middle of things Okta ends the token: nobody notices.
        org.sandbox.shared().okta().revoke_access_tokens();
        org.seed_locked("later@example.com");
        check(
            &org.unlocked(&format!("{name}-later"), "later@example.com"),
            "Succeeded",
            "Unlocked",
            "",
        );
        assert_eq!(org.written("later@example.com"), ["POST /lifecycle/unlock"]);
    }
}

#[test]
fn a_wrong_private_key_is_tried_once_and_its_secret_awaited() {
    let Some(stage) = stage() else { return };
    let app = App::new();
    let org = org(stage, "app-wrong-key", &app);
    put_key(&org, &App::new());
    let status = org.directory_when(|status| ready(status)["reason"] == "CredentialRefused");
    let message = ready(&status)["message"].as_str().unwrap_or_default();
    assert!(message.contains("correct Secret app-wrong-key"), "{message}");
    org.stage
        .create("bob", &org.unlock("app-wrong-key", "{login: alice@example.com}"));
    stage.operator.wait_looks("app-wrong-key", 1);
    assert_eq!(grants(&org), 1);
    put_key(&org, &app);
    check(&stage.finished("aur", "app-wrong-key"), "Succeeded", "Unlocked", "");
    assert_eq!(grants(&org), 2);
}

#[test]
fn an_unusable_private_key_is_said_and_nothing_is_sent() {
    let Some(stage) = stage() else { return };
    let mut app = App::new();
    let org = org(stage, "app-no-key", &app);
    app.key.secret = "not a key".into();
    put_key(&org, &app);
    let says = |status: &serde_json::Value| ready(status)["message"].as_str().unwrap_or_default().to_owned();
    let status = org.directory_when(|status| says(status).contains("the Secret's private key"));
    assert_eq!(ready(&status)["reason"], "NeedsConfiguration", "{status:#}");
    assert!(org.sandbox.truth().is_empty());
}
