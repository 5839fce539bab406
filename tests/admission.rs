//! Identity by admission on a real API server that stamps (Kubernetes 1.36 and later), with several people.

mod support;

use std::process::Output;
use std::sync::Once;

use support::{ACCOUNT, api, kubectl, refused_with, success, unlock, with_input};
use testkit::control_plane::ControlPlane;

const STAMP: &str =
    "-o=jsonpath={.metadata.resourceVersion} {.spec.requester.username} {.spec.requester.uid} {.spec.requester.groups}";
const ALICE: &str = r#"oidc:alice@example.com uid-alice ["desk","oidc:desk-berlin","system:authenticated"]"#;

fn cluster() -> Option<&'static ControlPlane> {
    static READY: Once = Once::new();
    let plane = support::with_crds()?;
    READY.call_once(|| {
        support::open_rbac(plane);
        support::install_policies(plane, true);
    });
    Some(plane)
}

/// resourceVersion and stamp of a request.
fn stamp(plane: &ControlPlane, name: &str) -> String {
    success(&kubectl(plane, "admin", &["get", "aur", name, STAMP]))
}

fn apply(plane: &ControlPlane, person: &str, manifest: &str) -> Output {
    plane.try_apply(person, manifest).expect("run kubectl")
}

fn create(plane: &ControlPlane, person: &str, manifest: &str) -> Output {
    plane.try_create(person, manifest).expect("run kubectl")
}

/// RFC 3339, so many days from now by this machine's clock, which is also the API server's.
fn in_days(days: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    let time = jiff::Timestamp::from_second(now + days * 86_400).expect("a time");
    time.to_string()
}

#[test]
fn a_forged_requester_is_overwritten() {
    let Some(plane) = cluster() else { return };
    let forged = "requester: {username: admin, uid: uid-admin, groups: ['system:masters']}";
    success(&create(plane, "alice", &unlock("forged", forged)));
    assert!(stamp(plane, "forged").ends_with(ALICE), "{}", stamp(plane, "forged"));
    let reset = unlock("forged", forged).replace("AccountUnlock", "PasswordReset");
    success(&create(plane, "alice", &reset));
    assert!(success(&kubectl(plane, "admin", &["get", "pwr", "forged", STAMP])).ends_with(ALICE));
}

#[test]
fn who_is_impersonated_is_stamped() {
    let Some(plane) = cluster() else { return };
    let args = ["create", "-f", "-", "--as=agent", "--as-group=desk"];
    success(&with_input(plane, "admin", &args, &unlock("as-agent", "")));
    // Without a uid there is none to stamp.
    assert!(stamp(plane, "as-agent").ends_with(r#"agent  ["desk","system:authenticated"]"#));
}

/// What people and GitOps controllers do again and again with the same manifest.
const AGAIN: &[&[&str]] = &[
    &["apply", "-f", "-"],
    &[
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=gitops",
        "-f",
        "-",
    ],
    &["replace", "-f", "-"],
    &[
        "patch",
        "aur",
        "steady",
        "--type=merge",
        "-p",
        r#"{"spec": {"requester": {}}}"#,
    ],
    &[
        "patch",
        "aur",
        "steady",
        "--type=merge",
        "-p",
        r#"{"spec": {"requester": null}}"#,
    ],
    &[
        "patch",
        "aur",
        "steady",
        "--type=json",
        "-p",
        r#"[{"op": "remove", "path": "/spec/requester"}]"#,
    ],
];

#[test]
fn doing_it_again_changes_nothing() {
    let Some(plane) = cluster() else { return };
    let named = unlock("steady", "requester: {username: 'oidc:alice@example.com'}");
    success(&apply(plane, "alice", &unlock("steady", "")));
    for manifest in [unlock("steady", ""), named] {
        for args in AGAIN {
            // A new tool is noted in managedFields once; after that nothing moves any more, whoever does it.
            success(&with_input(plane, "alice", args, &manifest));
            let settled = stamp(plane, "steady");
            assert!(settled.ends_with(ALICE), "{args:?}: {settled}");
            success(&with_input(plane, "alice", args, &manifest));
            success(&with_input(plane, "bob", args, &manifest));
            assert_eq!(stamp(plane, "steady"), settled, "{args:?}");
        }
    }
    success(&apply(plane, "alice", &unlock("steady", "")));
    assert_eq!(
        success(&with_input(plane, "bob", &["diff", "-f", "-"], &unlock("steady", ""))),
        ""
    );
    let generation = ["get", "aur", "steady", "-o=jsonpath={.metadata.generation}"];
    assert_eq!(success(&kubectl(plane, "admin", &generation)), "1");
}

#[test]
fn another_name_is_refused_later() {
    let Some(plane) = cluster() else { return };
    success(&apply(plane, "alice", &unlock("renamed", "")));
    let forged = unlock("renamed", "requester: {username: 'oidc:mallory@example.com'}");
    let advice = [
        "spec.requester: Forbidden",
        "never changes; remove it from your manifest",
    ];
    refused_with(&apply(plane, "mallory", &forged), &advice);
    refused_with(&with_input(plane, "mallory", &["replace", "-f", "-"], &forged), &advice);
    let server_side = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    refused_with(&with_input(plane, "mallory", &server_side, &forged), &advice);
    let op = r#"[{"op": "replace", "path": "/spec/requester/username", "value": "mallory"}]"#;
    refused_with(
        &kubectl(plane, "mallory", &["patch", "aur", "renamed", "--type=json", "-p", op]),
        &advice,
    );
    // Naming the right person with other groups is no error, and gains nothing.
    let groups = r#"[{"op": "add", "path": "/spec/requester/groups", "value": ["system:masters"]}]"#;
    success(&kubectl(
        plane,
        "alice",
        &["patch", "aur", "renamed", "--type=json", "-p", groups],
    ));
    assert!(stamp(plane, "renamed").ends_with(ALICE), "{}", stamp(plane, "renamed"));
}

#[test]
fn somebody_with_a_thousand_groups_may_ask() {
    let Some(plane) = cluster() else { return };
    let groups: Vec<String> = (0..1000)
        .map(|n| format!("--as-group=corp:department-of-number-{n}"))
        .collect();
    let mut args = vec!["create", "-f", "-", "--as=popular"];
    args.extend(groups.iter().map(String::as_str));
    success(&with_input(plane, "admin", &args, &unlock("popular", "")));
    assert!(stamp(plane, "popular").contains("corp:department-of-number-999"));
}

#[test]
fn service_accounts_must_bound_their_requests() {
    let Some(plane) = cluster() else { return };
    refused_with(
        &create(plane, "pipeline", &unlock("unbounded", "")),
        &["a request by a service account needs spec.notAfter, at most 720h (30 days) ahead"],
    );
    let until = |days| format!("notAfter: '{}'", in_days(days));
    for person in ["pipeline", "alice"] {
        let far = create(plane, person, &unlock("far", &until(31)));
        refused_with(
            &far,
            &["spec.notAfter must lie at most 720h (30 days) after creation, so not after 20"],
        );
        let never = create(plane, person, &unlock("far", "notAfter: '9999-12-31T23:59:59Z'"));
        refused_with(
            &never,
            &["spec.notAfter must lie at most 720h (30 days) after creation"],
        );
    }
    success(&create(plane, "pipeline", &unlock("near", &until(29))));
    // A forged creationTimestamp does not stretch it.
    let forged =
        unlock("later", &until(31)).replace("metadata: {", "metadata: {creationTimestamp: '2090-01-01T00:00:00Z', ");
    refused_with(&create(plane, "pipeline", &forged), &["at most 720h"]);
    // A cluster that is built anew from manifests applies what is long past.
    success(&create(
        plane,
        "pipeline",
        &unlock("past", "notAfter: '2020-01-01T00:00:00Z'"),
    ));
}

#[test]
fn nobody_but_the_operator_writes_status() {
    let Some(plane) = cluster() else { return };
    const ADVICE: &str = "status is written by the operator only";
    success(&create(plane, "alice", &unlock("status", "")));
    let directory = "apiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {name: status}\n\
                     spec: {provider: {okta: {url: 'https://example.okta.com', tokenSecretRef: {name: okta}}}}\n";
    success(&create(plane, "alice", directory));
    let policy = "apiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {name: status}\n\
                  spec: {actions: [Unlock], directories: [okta]}\n";
    success(&create(plane, "alice", policy));
    for person in ["alice", "admin", "pipeline"] {
        for resource in ["aur/status", "directory/status", "accountpolicy/status"] {
            let args = [
                "patch",
                resource,
                "--subresource=status",
                "--type=merge",
                "-p",
                r#"{"status": {"observedGeneration": 7}}"#,
            ];
            refused_with(&kubectl(plane, person, &args), &[ADVICE]);
        }
        let forged = format!("{}status: {{outcome: Succeeded}}\n", unlock("status", ""));
        let replace = with_input(plane, person, &["replace", "--subresource=status", "-f", "-"], &forged);
        refused_with(&replace, &[ADVICE]);
        let server_side = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--subresource=status",
            "-f",
            "-",
        ];
        refused_with(&with_input(plane, person, &server_side, &forged), &[ADVICE]);
        // Through the main resource it is ignored.
        success(&apply(plane, person, &forged));
    }
    let outcome = ["get", "aur", "status", "-o=jsonpath={.status}"];
    assert_eq!(
        success(&kubectl(plane, "admin", &outcome)),
        r#"{"observedGeneration":-1}"#
    );
    let args = [
        "patch",
        "aur/status",
        "--subresource=status",
        "--type=merge",
        "-p",
        r#"{"status": {"outcome": "Denied"}}"#,
    ];
    success(&kubectl(plane, "operator", &args));
    assert!(success(&kubectl(plane, "admin", &outcome)).contains("Denied"));
}

#[test]
fn nobody_but_the_operator_writes_accounts() {
    let Some(plane) = cluster() else { return };
    const ADVICE: &str = "Accounts are written by the operator only; holders of the verb restore";
    refused_with(&create(plane, "alice", ACCOUNT), &[ADVICE]);
    success(&create(plane, "operator", ACCOUNT));
    for person in ["alice", "admin"] {
        let change = ["patch", "acct", "okta-probe", "--type=merge", "-p", r#"{"id": "00u2"}"#];
        refused_with(&kubectl(plane, person, &change), &[ADVICE]);
        let label = ["label", "acct", "okta-probe", "readmit.dev/claim=mine"];
        refused_with(&kubectl(plane, person, &label), &[ADVICE]);
        refused_with(
            &kubectl(plane, person, &["delete", "acct", "okta-probe", "--wait=false"]),
            &[ADVICE],
        );
        let collection = ["delete", "--raw", "/apis/readmit.dev/v1alpha1/accounts"];
        refused_with(&kubectl(plane, person, &collection), &[ADVICE]);
    }
    let change = ["patch", "acct", "okta-probe", "--type=merge", "-p", r#"{"id": "00u2"}"#];
    success(&kubectl(plane, "operator", &change));
    success(&kubectl(plane, "operator", &["delete", "acct", "okta-probe"]));
}

#[test]
fn backup_tools_may_restore_accounts() {
    let Some(plane) = cluster() else { return };
    let restored = ACCOUNT.replace("okta-probe", "okta-restored");
    refused_with(
        &create(plane, "carol", &restored),
        &["holders of the verb restore on accounts may create them"],
    );
    let role = [
        "create",
        "clusterrole",
        "restore",
        "--verb=restore",
        "--resource=accounts.readmit.dev",
    ];
    success(&kubectl(plane, "admin", &role));
    let bind = [
        "create",
        "clusterrolebinding",
        "restore",
        "--clusterrole=restore",
        "--user=oidc:carol@example.com",
    ];
    success(&kubectl(plane, "admin", &bind));
    let until = std::time::Duration::from_secs(10);
    testkit::wait::until_ok("RBAC to be obeyed", until, || {
        api::create(plane, "carol", &restored).map_err(anyhow::Error::msg)
    })
    .expect("restored");
    let change = [
        "patch",
        "acct",
        "okta-restored",
        "--type=merge",
        "-p",
        r#"{"id": "00u2"}"#,
    ];
    refused_with(&kubectl(plane, "carol", &change), &["written by the operator only"]);
}
