//! Requests, from manifest to sign-in, on the real API server and a real slapd.

mod support;

use serde_json::Value;
use std::sync::OnceLock;
use support::stage::{Stage, ready, stage};
use testkit::{
    skip,
    slapd::{self, Slapd},
};

/// The slapd of this test program, with a Directory `ldap` and policies on the stage.
fn ldap() -> Option<(&'static Stage, &'static Slapd)> {
    static SLAPD: OnceLock<Option<Slapd>> = OnceLock::new();
    let stage = stage()?;
    let slapd = SLAPD.get_or_init(|| {
        let slapd = skip::unless_missing(Slapd::start(slapd::Options::default()))?;
        stage.admin(&directory("ldap", &slapd));
        stage.admin(POLICIES);
        Some(slapd)
    });
    Some((stage, slapd.as_ref()?))
}

fn directory(name: &str, slapd: &Slapd) -> String {
    let ca = std::fs::read_to_string(slapd.ca_file()).expect("a CA");
    let secret = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {"password": slapd.secret(), "ca.crt": ca},
    });
    format!(
        "{secret}\n---\napiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {{name: {name}}}\nspec:\n  provider:\n    \
         openldap:\n      url: {}\n      bindDN: {}\n      bindSecretRef: {{name: {name}}}\n      caSecretRef: {{name: {name}}}\n      \
         baseDN: {}\n      defaultPolicyDN: {}\n",
        slapd.tls_url(),
        slapd::OPERATOR_DN,
        slapd::SUFFIX,
        slapd::policy_dn("default"),
    )
}

const POLICIES: &str = "
apiVersion: readmit.dev/v1alpha1
kind: AccountPolicy
metadata: {name: ldap-unlock}
spec: {actions: [Unlock], directories: [ldap]}
";

fn unlock(name: &str, account: &str) -> String {
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: AccountUnlockRequest\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{directory: ldap, account: {account}}}\n"
    )
}

#[track_caller]
fn check(status: &Value, outcome: &str, reason: &str, message: &str) {
    assert_eq!(status["outcome"], outcome, "{status:#}");
    assert_eq!(ready(status)["reason"], reason, "{status:#}");
    let text = ready(status)["message"].as_str().unwrap_or_default();
    assert!(text.contains(message), "{text:?} does not say {message:?}");
}

#[test]
fn a_locked_person_gets_back_in() {
    let Some((stage, slapd)) = ldap() else { return };
    slapd.lock("alice").expect("locked by wrong sign-ins");
    stage.create("bob", &unlock("alice-1", "{login: alice}"));
    let status = stage.finished("aur", "alice-1");
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(status["policy"]["name"], "ldap-unlock", "{status:#}");
    assert!(status["lockout"]["since"].is_string(), "{status:#}");
    let bind = slapd
        .bind(&slapd::user_dn("alice"), &slapd::initial_password("alice"))
        .expect("a sign-in");
    assert_eq!(bind.code, 0, "{bind:?}");
}
