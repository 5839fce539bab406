//! Waiting: manifests in any order, switches, clocks, and a credential that is refused once and for all.

use crate::scene;
use crate::support::{
    ldap::{check, directory, in_seconds, policy, says, secret, text, unlock, writes},
    stage::Stage,
};
use serde_json::{Value, json};
use testkit::slapd::WRITER_DN;

fn create(stage: &Stage, name: &str, directory: &str, login: &str, more: &Value) {
    stage.create("bob", &text(&[unlock(name, directory, login, more)]));
}

fn patch(stage: &Stage, person: &str, kind: &str, name: &str, spec: &Value) {
    let patch = json!({"spec": spec}).to_string();
    let args = ["patch", kind, name, "--type=merge", "-p", &patch];
    stage.plane.kubectl_as(person, &args).expect("patched");
}

#[test]
fn the_order_of_apply_does_not_matter() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("patient").expect("locked by wrong sign-ins");
    create(stage, "patient-1", "patient", "patient", &json!({}));
    let status = stage.waits("aur", "patient-1", "NoPolicy");
    says(
        &status,
        "NoPolicy",
        "no AccountPolicy allows Unlock in directory patient; create one",
    );
    // Named, it is another wait.
    create(stage, "patient-2", "patient", "patient", &json!({"policy": "patient"}));
    let status = stage.waits("aur", "patient-2", "PolicyNotFound");
    says(
        &status,
        "PolicyNotFound",
        "AccountPolicy patient does not exist; create it",
    );

    stage.admin(&text(&[policy("patient", "patient", &["Unlock"], &json!({}))]));
    let status = stage.waits("aur", "patient-1", "DirectoryNotFound");
    says(
        &status,
        "DirectoryNotFound",
        "Directory patient does not exist; create it",
    );

    stage.admin(&text(&[directory("patient", slapd, &json!({}))]));
    let status = stage.status_when("aur", "patient-1", |status| {
        status.to_string().contains("Secret patient does not exist")
    });
    says(
        &status,
        "DirectoryUnavailable",
        "in namespace readmit-system; create it",
    );
    assert!(status.to_string().contains("Stalled"), "somebody is needed: {status:#}");

    stage.admin(&text(&[secret("patient", slapd, slapd.secret())]));
    let reasons = ["patient-1", "patient-2"].map(|name| {
        let status = stage.finished("aur", name);
        assert_eq!(status["outcome"], "Succeeded", "{status:#}");
        status["conditions"].to_string().contains("\"Unlocked\"")
    });
    // Both were let go at the same moment; the lock is cleared in any case.
    assert!(reasons.contains(&true));
    assert!(
        writes(slapd, "patient")
            .iter()
            .all(|write| matches!(write.result, 0 | 16))
    );
}

#[test]
fn a_refused_credential_is_tried_once_until_its_secret_changes() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("credential").expect("locked by wrong sign-ins");
    let writer = json!({"provider": {"openldap": {"bindDN": WRITER_DN}}});
    stage.admin(&text(&[
        secret("credential", slapd, "not the password"),
        directory("credential", slapd, &writer),
        policy("credential", "credential", &["Unlock"], &json!({})),
    ]));
    for name in ["credential-1", "credential-2"] {
        create(stage, name, "credential", "credential", &json!({}));
        let status = stage.waits("aur", name, "DirectoryUnavailable");
        says(&status, "DirectoryUnavailable", "correct Secret credential");
    }
    let refused = |stage: &Stage| stage.get("directories", "default", "credential")["status"]["refusedSecret"].clone();
    assert_eq!(refused(stage)["name"], "credential");
    stage.operator.wait_looks("credential", 1);
    assert_eq!(slapd.binds_of(WRITER_DN).expect("its log"), [49], "tried once");

    stage.admin(&text(&[secret("credential", slapd, slapd.secret())]));
    for name in ["credential-1", "credential-2"] {
        assert_eq!(stage.finished("aur", name)["outcome"], "Succeeded");
    }
    assert!(refused(stage).is_null());
    let binds = slapd.binds_of(WRITER_DN).expect("its log");
    assert_eq!(binds.iter().filter(|code| **code == 49).count(), 1, "{binds:?}");
}

#[test]
fn a_request_is_held_back_by_its_switch_and_by_its_directorys() {
    let Some((stage, slapd)) = scene() else { return };
    stage.admin(&text(&[
        secret("switch", slapd, slapd.secret()),
        directory("switch", slapd, &json!({"suspend": true})),
        policy("switch", "switch", &["Unlock"], &json!({})),
    ]));
    for uid in ["held", "frozen"] {
        slapd.lock(uid).expect("locked by wrong sign-ins");
    }
    create(
        stage,
        "held-1",
        "ldap",
        "held",
        &json!({"policy": "desk", "suspend": true}),
    );
    create(stage, "frozen-1", "switch", "frozen", &json!({}));
    says(
        &stage.waits("aur", "held-1", "Suspended"),
        "Suspended",
        "spec.suspend is true",
    );
    says(
        &stage.waits("aur", "frozen-1", "Suspended"),
        "Suspended",
        "Directory switch is suspended",
    );
    assert_eq!(writes(slapd, "held"), []);
    assert_eq!(writes(slapd, "frozen"), []);

    patch(stage, "bob", "aur", "held-1", &json!({"suspend": false}));
    patch(stage, "admin", "directories", "switch", &json!({"suspend": false}));
    for name in ["held-1", "frozen-1"] {
        check(&stage.finished("aur", name), "Succeeded", "Unlocked", "read back");
    }
}

#[test]
fn clocks_begin_and_end_requests() {
    let Some((stage, slapd)) = scene() else { return };
    stage.admin(&text(&[policy(
        "short-lived",
        "ldap",
        &["Unlock"],
        &json!({"maxValidity": "5s"}),
    )]));
    slapd.lock("soon").expect("locked by wrong sign-ins");
    let start = in_seconds(5);
    create(
        stage,
        "soon-1",
        "ldap",
        "soon",
        &json!({"policy": "desk", "notBefore": start}),
    );
    create(
        stage,
        "soon-far",
        "ldap",
        "soon",
        &json!({"policy": "desk", "notBefore": in_seconds(3600)}),
    );
    create(
        stage,
        "soon-past",
        "ldap",
        "soon",
        &json!({"policy": "desk", "notAfter": in_seconds(-60)}),
    );
    // Its switch does not stop the clock.
    create(
        stage,
        "soon-short",
        "ldap",
        "soon",
        &json!({"policy": "short-lived", "suspend": true}),
    );
    let ended = json!({"policy": "desk", "suspend": true, "notAfter": in_seconds(4)});
    create(stage, "soon-ended", "ldap", "soon", &ended);
    check(
        &stage.finished("aur", "soon-past"),
        "Expired",
        "Expired",
        "its time ended at ",
    );
    says(
        &stage.waits("aur", "soon-far", "NotBefore"),
        "NotBefore",
        "nothing is done before ",
    );
    for name in ["soon-short", "soon-ended"] {
        check(
            &stage.finished("aur", name),
            "Expired",
            "Expired",
            "create it under another name",
        );
    }
    let status = stage.finished("aur", "soon-1");
    check(&status, "Succeeded", "Unlocked", "read back");
    let completed: jiff::Timestamp = status["completionTime"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    assert!(completed >= start.parse().expect("a time"), "{status:#}");
    assert_eq!(writes(slapd, "soon").len(), 1);
}
