//! Identity by admission where the API server cannot stamp (Kubernetes 1.33 to 1.35): the manifest names its author.

mod support;

use std::process::Output;
use std::sync::OnceLock;

use support::{api, eye, kubectl, refusal, refused_with, success, unlock};
use testkit::control_plane::{ControlPlane, Options};
use testkit::{assets, skip};

const BLOCK: &str = r#"requester: {username: "oidc:alice@example.com", uid: "uid-alice", groups: ["desk", "oidc:desk-berlin", "system:authenticated"]}"#;

fn cluster() -> Option<&'static ControlPlane> {
    static OLD: OnceLock<ControlPlane> = OnceLock::new();
    skip::unless_missing(assets::ensure())?;
    Some(OLD.get_or_init(|| {
        let options = Options {
            mutating_admission_policies: false,
            ..Options::default()
        };
        let plane = ControlPlane::start(options).expect("start the control plane");
        support::install_crds(&plane);
        support::open_rbac(&plane);
        support::install_policies(&plane, false);
        plane
    }))
}

fn create(plane: &ControlPlane, person: &str, manifest: &str) -> Output {
    plane.try_create(person, manifest).expect("run kubectl")
}

#[test]
fn the_refusal_prints_the_block_to_paste() {
    let Some(plane) = cluster() else { return };
    let text = refusal(&create(plane, "alice", &unlock("pasted", "")));
    assert!(text.contains(&format!("put into spec: {BLOCK}")), "{text}");
    let block = text
        .split_once("put into spec: ")
        .map(|(_, block)| block.trim())
        .expect("the block");
    success(&create(plane, "alice", &unlock("pasted", block)));
    let stamp = ["get", "aur", "pasted", "-o=jsonpath={.spec.requester}"];
    assert_eq!(
        success(&kubectl(plane, "admin", &stamp)),
        r#"{"groups":["desk","oidc:desk-berlin","system:authenticated"],"uid":"uid-alice","username":"oidc:alice@example.com"}"#
    );
}

#[test]
fn fewer_groups_are_enough() {
    let Some(plane) = cluster() else { return };
    success(&create(
        plane,
        "alice",
        &unlock("few", "requester: {username: 'oidc:alice@example.com', groups: [desk]}"),
    ));
    success(&create(
        plane,
        "alice",
        &unlock("none", "requester: {username: 'oidc:alice@example.com'}"),
    ));
}

#[test]
fn a_forged_requester_is_refused() {
    let Some(plane) = cluster() else { return };
    for forged in [
        "requester: {}",
        "requester: {username: 'oidc:bob@example.com'}",
        "requester: {username: 'oidc:alice@example.com', uid: uid-bob}",
        "requester: {username: 'oidc:alice@example.com', groups: [desk, 'system:masters']}",
        "requester: {groups: [desk]}",
    ] {
        let manifest = unlock("forged", forged);
        refused_with(
            &create(plane, "alice", &manifest),
            &["spec.requester must say who creates this request", BLOCK],
        );
        let reset = manifest.replace("AccountUnlock", "PasswordReset");
        refused_with(&create(plane, "alice", &reset), &[BLOCK]);
    }
}

#[test]
fn the_requester_never_changes() {
    let Some(plane) = cluster() else { return };
    let manifest = unlock(
        "fixed",
        "requester: {username: 'oidc:alice@example.com', groups: [desk]}",
    );
    success(&plane.try_apply("alice", &manifest).expect("run kubectl"));
    let version = ["get", "aur", "fixed", "-o=jsonpath={.metadata.resourceVersion}"];
    let before = success(&kubectl(plane, "admin", &version));
    success(&plane.try_apply("bob", &manifest).expect("run kubectl"));
    assert_eq!(success(&kubectl(plane, "admin", &version)), before);
    for requester in [
        "null",
        r#"{"username": "oidc:bob@example.com"}"#,
        r#"{"groups": ["desk", "system:masters"]}"#,
    ] {
        let patch = format!(r#"{{"spec": {{"requester": {requester}}}}}"#);
        let output = kubectl(plane, "bob", &["patch", "aur", "fixed", "--type=merge", "-p", &patch]);
        refused_with(&output, &["spec.requester: Forbidden", "never changes"]);
    }
}

#[test]
fn the_policy_itself_refuses_where_the_crd_was_weakened() {
    let Some(plane) = cluster() else { return };
    // Only its own resource, so that the other tests, which change AccountUnlockRequests, are not disturbed.
    let manifest =
        unlock("weak", "requester: {username: 'oidc:alice@example.com'}").replace("AccountUnlock", "PasswordReset");
    success(&create(plane, "alice", &manifest));
    let rules = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations";
    let patch = format!(r#"[{{"op": "remove", "path": "{rules}"}}]"#);
    let crd = [
        "patch",
        "crd",
        "passwordresetrequests.readmit.dev",
        "--type=json",
        "-p",
        &patch,
    ];
    success(&kubectl(plane, "admin", &crd));
    let forged = serde_json::json!({"spec": {"requester": {"username": "oidc:bob@example.com"}}});
    let until = std::time::Duration::from_secs(20);
    testkit::wait::until_ok("the policy's own text", until, || {
        let text = api::patch(plane, "bob", ("pwr", "default", "weak"), &forged).expect_err("nobody changes it");
        anyhow::ensure!(
            text.contains("ValidatingAdmissionPolicy 'requests.readmit.dev'"),
            "{text}"
        );
        anyhow::ensure!(text.contains("never changes; remove it from your manifest"), "{text}");
        Ok(())
    })
    .expect("refused by the policy");
}

#[test]
fn the_operator_expects_no_stamp() {
    let Some(plane) = cluster() else { return };
    plane.apply("admin", eye::RBAC).expect("RBAC");
    let mut eye = eye::Eye::start(plane);
    let since = eye.enforced();
    assert_eq!(eye::Eye::start(plane).enforced(), since);
    // Only a message, so that the other tests are not disturbed.
    let policy = "validatingadmissionpolicy/operator-only.readmit.dev";
    let patch = r#"[{"op": "replace", "path": "/spec/validations/0/message", "value": "changed"}]"#;
    success(&kubectl(plane, "admin", &["patch", policy, "--type=json", "-p", patch]));
    let message = eye.broken("operator-only.readmit.dev (spec.validations[0].message) is altered");
    assert!(
        message.ends_with("repair it with: readmit admission --without-stamp | kubectl replace -f -"),
        "{message}"
    );
}
